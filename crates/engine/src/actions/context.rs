//! What an action has in hand: the application, who asks, and a door to Zoom that a dry run keeps closed.

use std::sync::{Arc, Mutex, PoisonError};

use parfocal_store::{AppKind, Connection, NewUser, Seen, Source};
use parfocal_zoom::id::{MeetingKey, MeetingNumber, MeetingUuid, UserId};
use parfocal_zoom::{Client, Reply, Response};
use serde::de::DeserializeOwned;

use super::request::{PlannedRequest, Request, ZoomCall};
use super::trace::Intent;
use crate::App;
use crate::error::{Code, EngineError, Fault};
use crate::keys::Caller;

/// Why an action did not come to its end.
#[derive(Debug)]
pub(super) enum Halt {
    /// It was a dry run, and its calls are noted.
    Planned,
    /// It failed.
    Failed(Box<EngineError>),
}

impl<E: Into<EngineError>> From<E> for Halt {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error.into()))
    }
}

/// The outcome of a step of an action.
pub(super) type Step<T> = Result<T, Halt>;

/// What an action has in hand; cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Context {
    pub(super) app: App,
    pub(super) caller: Caller,
    pub(super) dry_run: bool,
    /// A text by which what this request makes can be known again, when the caller wants a repetition to be safe.
    pub(super) marker: Option<String>,
    /// An earlier try of the same request may have had its effect.
    pub(super) resumed: bool,
    /// What the audit log is told before Zoom is asked to change something; none of what only reads.
    pub(super) intent: Option<Arc<Intent>>,
    pub(super) notes: Arc<Mutex<Notes>>,
}

/// What was planned and done on the way.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) planned: Vec<PlannedRequest>,
    pub(super) calls: Vec<ZoomCall>,
    pub(super) connection: Option<Connection>,
    /// Number of the audit entry that told what was about to be done.
    pub(super) intended: Option<i64>,
}

impl Context {
    /// Tells the audit log what is about to be changed, once, so that a process that dies before the answer leaves a
    /// trace.
    ///
    /// # Errors
    /// Those of the database: then Zoom is not asked.
    pub(super) async fn intend(&self) -> crate::Result<()> {
        let Some(intent) = &self.intent else {
            return Ok(());
        };
        if self.notes().intended.is_some() {
            return Ok(());
        }
        let n = intent.write(&self.app, &self.caller).await?;
        self.notes().intended = Some(n);
        Ok(())
    }

    pub(super) fn notes(&self) -> std::sync::MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The door to Zoom through a connection, by name or id; without one through the only one that works.
    pub(super) async fn zoom(&self, which: Option<&str>) -> Step<Zoom> {
        let connection = connection(&self.app, &self.caller, which).await?;
        let client = self.app.connections().client(&connection).await?;
        let kind = self
            .app
            .store()
            .app(self.app.scope(), connection.app_id)
            .await?
            .map(|app| app.kind);
        self.notes().connection = Some(connection.clone());
        Ok(Zoom {
            context: self.clone(),
            client,
            connection,
            kind,
        })
    }
}

/// The connection that is meant.
///
/// # Errors
/// `invalid_input` when there are several and none is named, `forbidden` when the caller may not use it.
pub(super) async fn connection(
    app: &App,
    caller: &Caller,
    which: Option<&str>,
) -> crate::Result<Connection> {
    use parfocal_store::ConnectionState as State;
    if let Some(which) = which {
        let found = app.connections().find(which).await?;
        if caller.sees(found.id) {
            return Ok(found);
        }
        return Err(EngineError::new(
            Code::Forbidden,
            format!("{} may not use the connection {}", caller.actor, found.name),
        ));
    }
    let mut rows = app.store().connections(app.scope()).await?;
    rows.retain(|row| caller.sees(row.id) && row.state != State::Disconnected);
    let working = |row: &Connection| matches!(row.state, State::Healthy | State::Degraded);
    if rows.iter().filter(|row| working(row)).count() == 1 {
        rows.retain(working);
    }
    match rows.len() {
        0 => Err(EngineError::new(
            Code::ConnectionNeedsAttention,
            "no Zoom account is connected",
        )
        .with_hint("`parfocal connect s2s` or `parfocal connect user` connects one; the demo brings its own.")),
        1 => Ok(rows.remove(0)),
        count => {
            let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
            Err(EngineError::faulty(
                "the connection is not clear",
                vec![Fault::missing(
                    "connection",
                    format!("there are {count} connections"),
                    format!("Name one of: {}.", names.join(", ")),
                )],
            ))
        }
    }
}

/// The door to Zoom through one connection.
#[derive(Debug, Clone)]
pub(super) struct Zoom {
    context: Context,
    client: Client,
    pub(super) connection: Connection,
    kind: Option<AppKind>,
}

impl Zoom {
    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// The user that is meant: as given, else whoever authorised the connection.
    pub(super) fn user(&self, field: &str, given: Option<&str>) -> crate::Result<UserId> {
        match given.map(str::trim) {
            Some("") => Err(fault(
                field,
                given,
                "it is empty",
                "Write an e-mail address or a user id of Zoom.",
            )),
            Some(user) if user != "me" => Ok(UserId::new(user)),
            _ if self.kind == Some(AppKind::ServerToServer) => Err(fault(
                field,
                given,
                "a server-to-server connection belongs to no user",
                "Write the e-mail address or the id of a user; `user.list` shows them.",
            )),
            _ => Ok(UserId::me()),
        }
    }

    /// Sends a call, or notes it in a dry run.
    pub(super) async fn send(&self, request: Request) -> Step<Response> {
        let mut answers = self.send_all(vec![request]).await?;
        answers
            .pop()
            .ok_or_else(|| Halt::from(EngineError::new(Code::Internal, "a call has no answer")))
    }

    /// Sends a call that takes something away, or notes it in a dry run. When its answer is lost it is sent once more;
    /// from then on, that nothing is there any more is what was wanted.
    pub(super) async fn take_away(&self, request: Request) -> Step<()> {
        let mut doubt = self.context.resumed;
        for last in [false, true] {
            match self.send(request.clone()).await {
                Ok(_) => return Ok(()),
                Err(Halt::Failed(error)) if doubt && error.code() == Code::ZoomNotFound => {
                    return Ok(());
                }
                Err(Halt::Failed(error)) if !last && error.code() == Code::OutcomeUnknown => {
                    doubt = true;
                }
                Err(halt) => return Err(halt),
            }
        }
        Ok(())
    }

    /// Sends calls one after the other, or notes them all in a dry run.
    pub(super) async fn send_all(&self, requests: Vec<Request>) -> Step<Vec<Response>> {
        if self.context.dry_run {
            self.plan(&requests).await;
            return Err(Halt::Planned);
        }
        let mut answers = Vec::with_capacity(requests.len());
        for request in requests {
            answers.push(self.ask(&request).await?);
        }
        Ok(answers)
    }

    /// Sends a call and reads its answer, keeping what it was read from.
    pub(super) async fn read<T: DeserializeOwned>(&self, request: Request) -> Step<Reply<T>> {
        let once = request.only_once();
        let response = self.send(request).await?;
        let read = response.json().and_then(Reply::from_value);
        read.map_err(|error| {
            let error = EngineError::from(error);
            // It happened; that Zoom's answer makes no sense does not undo it.
            Halt::from(if once {
                error.recoded(Code::OutcomeUnknown)
            } else {
                error
            })
        })
    }

    /// Reads something that has to be known before; also in a dry run.
    pub(super) async fn look<T: DeserializeOwned>(&self, request: &Request) -> Step<Reply<T>> {
        Ok(Reply::from_value(self.ask(request).await?.json()?)?)
    }

    /// Notes calls that a dry run would make.
    pub(super) async fn plan(&self, requests: &[Request]) {
        let base = self.base().await;
        let planned = requests
            .iter()
            .map(|request| request.planned(&self.connection.name, &base));
        self.context.notes().planned.extend(planned);
    }

    /// Notes a call that another way than [`Zoom::send`] made.
    pub(super) fn note(&self, call: ZoomCall) {
        self.context.notes().calls.push(call);
    }

    async fn ask(&self, request: &Request) -> Step<Response> {
        if request.changes() {
            self.context.intend().await?;
        }
        let request = &request.clone().of_user(&self.connection.subject_id);
        let response = request
            .call(&self.client)
            .send()
            .await
            .map_err(|error| refused(error, request))?;
        if let Some(address) = request.host_address() {
            self.learn_host(address, &response).await;
        }
        self.note(ZoomCall {
            operation: request.operation(),
            status: response.status().as_u16(),
            tracking_id: response.tracking_id().map(str::to_owned),
        });
        Ok(response)
    }

    /// Keeps whose address it was that a meeting was made under, so that the day's writes of one person are one count.
    async fn learn_host(&self, address: &str, response: &Response) {
        #[derive(serde::Deserialize)]
        struct Made {
            host_id: String,
        }
        let Ok(made) = response.json::<Made>() else {
            return;
        };
        let (app, account) = (&self.context.app, self.connection.account_id);
        let kept = async {
            let scope = app.scope();
            let known = app
                .store()
                .user_by_external(scope, account, &made.host_id)
                .await?;
            if known.is_some() {
                return Ok(());
            }
            let now = app.clock().now();
            let user = NewUser {
                external_id: made.host_id.clone(),
                email: Some(address.to_owned()),
                ..NewUser::default()
            };
            let seen = Seen {
                at: now,
                source: Source::Hint,
                now,
            };
            let mut tx = app.store().begin(scope).await?;
            tx.upsert_user(account, &user, &seen).await?;
            tx.commit().await
        };
        if let Err(error) = kept.await {
            let error: parfocal_store::StoreError = error;
            tracing::debug!(%error, "a host could not be kept");
        }
    }

    /// The address that calls begin with: the configured one, else the token's, else Zoom's global one.
    async fn base(&self) -> String {
        if let Some(url) = &self.context.app.config().zoom.api_url {
            return url.to_string();
        }
        let (store, scope) = (self.context.app.store(), self.context.app.scope());
        let grant = store
            .grant_of(scope, self.connection.app_id, &self.connection.subject_id)
            .await;
        match grant.ok().flatten().and_then(|grant| grant.api_url) {
            Some(url) => format!("{}/v2", url.trim_end_matches('/')),
            None => "https://api.zoom.us/v2".to_owned(),
        }
    }
}

/// What a refusal of Zoom's means here.
fn refused(error: parfocal_zoom::Error, request: &Request) -> EngineError {
    if error.kind() == parfocal_zoom::ErrorKind::PageTokenExpired {
        return EngineError::faulty(
            "the piece of the list is not known to Zoom",
            vec![Fault::missing(
                "after",
                "it is no key of this list, or older than a quarter of an hour",
                "Ask for the list again from its beginning, without after.",
            )],
        );
    }
    let quota = error.kind() == parfocal_zoom::ErrorKind::Quota;
    let retry_at = error.retry_at();
    let built = EngineError::from(error);
    match request.quotas().first() {
        Some(quota_kind) if quota => built
            .recoded(Code::HostQuota)
            .with_hint(super::check::quota_mend(quota_kind))
            .with_retry_at(retry_at),
        _ => built,
    }
}

fn fault(field: &str, given: Option<&str>, problem: &str, mend: &str) -> EngineError {
    let fault = match given {
        Some(value) => Fault::new(field, value, problem, mend),
        None => Fault::missing(field, problem, mend),
    };
    EngineError::faulty("the input cannot be used", vec![fault])
}

/// A meeting number out of an input; blanks and dashes as people write them are fine.
pub(super) fn number(field: &str, text: &str) -> crate::Result<MeetingNumber> {
    let digits: String = text
        .chars()
        .filter(|c| !matches!(c, ' ' | '-' | '\u{a0}'))
        .collect();
    digits.parse().map_err(|_| {
        fault(
            field,
            Some(text),
            "it is not a meeting number",
            "Write the 9 to 11 digits of the meeting, as in 844 1002 7731.",
        )
    })
}

/// An instance of a meeting out of an input: a UUID, or a number for the latest one.
pub(super) fn instance(field: &str, text: &str) -> crate::Result<MeetingKey> {
    if let Ok(number) = number(field, text) {
        return Ok(number.into());
    }
    MeetingUuid::new(text.trim())
        .map(Into::into)
        .map_err(|error| {
            fault(
                field,
                Some(text),
                &error.to_string(),
                "Write the UUID of the instance or the meeting's number.",
            )
        })
}
