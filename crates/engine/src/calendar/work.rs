//! Calendars that are looked at by themselves: every few minutes while their component is on, and at once when Google or Microsoft
//! tells that something changed.
//!
//! What is told is only *that*, never *what*: the look finds the changes by its token. A look that fails for good marks the
//! account; the next one tries again.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{CalendarAccountId, Job, NewJob};
use serde::{Deserialize, Serialize};
use serde_json::json;
use subtle::ConstantTimeEq as _;
use url::Url;

use super::accounts::{Account, Settings};
use super::http::is_near;
use super::{CalendarAccounts, caldav, google, microsoft};
use crate::App;
use crate::components::Task;
use crate::error::{Code, EngineError, Result};
use crate::jobs::{JobKind, Outcome, payload, priority};

/// How often a calendar is looked at.
const EVERY: Duration = Duration::from_mins(5);
/// A channel is made anew so long before it ends.
const EARLY: SignedDuration = SignedDuration::from_hours(12);

/// The payload of a job that looks at a calendar.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct CalendarSync {
    /// The calendar account.
    pub account: CalendarAccountId,
}

/// How a system tells us of changes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Channel {
    /// Its id there.
    pub(super) id: String,
    /// Google's id of what is watched.
    pub(super) resource: Option<String>,
    /// What proves that a message is theirs.
    pub(super) token: String,
    /// Where messages go.
    pub(super) address: String,
    /// When it ends.
    pub(super) until: Timestamp,
}

macro_rules! looker {
    ($(#[doc = $about:literal] $name:ident = $task:literal, $adapter:path;)+) => { $(
        #[doc = $about]
        pub(crate) const $name: Task = Task {
            name: $task,
            run: |app| Box::pin(look($adapter, app)),
        };
    )+ };
}

looker! {
    /// Looks at calendars of Google.
    GOOGLE = "calendar-google.look", google::NAME;
    /// Looks at calendars of Microsoft 365.
    MICROSOFT = "calendar-microsoft.look", microsoft::NAME;
    /// Looks at calendars of CalDAV servers.
    CALDAV = "calendar-caldav.look", caldav::NAME;
}

async fn look(adapter: &'static str, app: App) {
    loop {
        if let Err(error) = enqueue_all(&app, adapter).await {
            tracing::warn!(%error, adapter, "calendars could not be looked at");
        }
        app.clock().sleep(EVERY).await;
    }
}

async fn enqueue_all(app: &App, adapter: &str) -> Result<()> {
    for row in app.store().calendar_accounts(app.scope()).await? {
        let account = Account::of(app, row)?;
        if account.settings.adapter() == adapter {
            enqueue(app, &account).await?;
        }
    }
    Ok(())
}

async fn enqueue(app: &App, account: &Account) -> Result<()> {
    let kind = match account.settings {
        Settings::Google { .. } => JobKind::GoogleSync,
        Settings::Microsoft { .. } => JobKind::MicrosoftSync,
        Settings::Caldav { .. } => JobKind::CaldavSync,
    };
    let (id, now) = (account.row.id, app.clock().now());
    let job = NewJob {
        kind: kind.as_str().to_owned(),
        v: kind.version(),
        lane: Some(format!("calendar:{id}")),
        priority: priority::LIVE,
        dedupe_key: Some(id.to_string()),
        payload: json!(CalendarSync { account: id }),
        run_at: now,
        cause_id: None,
    };
    let mut tx = app.store().begin(app.scope()).await?;
    tx.enqueue(&job, now).await?;
    Ok(tx.commit().await?)
}

/// The jobs `google.sync`, `microsoft.sync` and `caldav.sync`.
pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let payload: CalendarSync = payload(job)?;
    let accounts = app.calendar_accounts();
    let account = match accounts
        .find(Some(&payload.account.to_string()), None)
        .await
    {
        Ok(account) => account,
        // It was removed meanwhile.
        Err(error) if error.code() == Code::NotFound => return Ok(Outcome::nothing()),
        Err(error) => return Err(error),
    };
    let name = &account.row.name;
    match accounts.sync(name).await {
        Ok(report) => {
            tracing::debug!(calendar = %name, ?report, "a calendar was looked at");
            if account.row.state == "failing" {
                accounts.check(name).await?;
            }
        }
        Err(error)
            if matches!(
                error.code(),
                Code::CalendarRefused | Code::CalendarUnavailable
            ) =>
        {
            let now = app.clock().now();
            let mut tx = app.store().begin(app.scope()).await?;
            tx.set_calendar_account(
                account.row.id,
                &account.row.settings,
                "failing",
                Some(error.message()),
                now,
            )
            .await?;
            tx.commit().await?;
            return Ok(Outcome::nothing());
        }
        Err(error) if error.code() == Code::ComponentOff => return Ok(Outcome::nothing()),
        Err(error) => return Err(error),
    }
    let public = app.config().server.public_url.as_ref();
    if let Some(base) = public.filter(|url| url.scheme() == "https" || is_near(url))
        && let Err(error) = accounts.watch(name, base).await
    {
        tracing::warn!(calendar = %name, %error, "the calendar does not tell of changes; it is looked at every few minutes");
    }
    Ok(Outcome::nothing())
}

impl CalendarAccounts<'_> {
    /// Has a calendar tell us of changes at `/push/…` below this address, unless it does already; until when it does. None for
    /// calendars that tell nobody (CalDAV).
    ///
    /// # Errors
    /// `calendar_unavailable` and `calendar_refused` as the calendar says it.
    pub async fn watch(&self, name: &str, base: &Url) -> Result<Option<Timestamp>> {
        let account = self.find(Some(name), None).await?;
        let id = account.row.id;
        let address = format!(
            "{}/push/{}/{id}",
            base.as_str().trim_end_matches('/'),
            account.settings.adapter()
        );
        let now = self.app.clock().now();
        let standing = account.kept().await?.channel;
        if let Some(channel) = &standing
            && channel.address == address
            && channel.until > now + EARLY
        {
            return Ok(Some(channel.until));
        }
        let token = hex::encode(self.app.chance().bytes::<24>());
        let channel = match account.settings {
            Settings::Google { .. } => {
                let google = google::Google::of(&account)?;
                let number = hex::encode(self.app.chance().bytes::<8>());
                let made = google
                    .watch(&format!("{id}-{number}"), &address, &token)
                    .await?;
                if let Some(old) = &standing {
                    google.unwatch(old).await;
                }
                made
            }
            Settings::Microsoft { .. } => {
                let microsoft = microsoft::Microsoft::of(&account)?;
                let made = microsoft.watch(&address, &token).await?;
                if let Some(old) = &standing {
                    microsoft.unwatch(old).await;
                }
                made
            }
            Settings::Caldav { .. } => return Ok(None),
        };
        let until = channel.until;
        // Read anew: a fresh access token may have been kept meanwhile.
        let mut kept = account.kept().await?;
        kept.channel = Some(channel);
        account.keep(&kept).await?;
        Ok(Some(until))
    }

    /// Takes a message that something changed in the calendar of an account, and has it looked at.
    ///
    /// # Errors
    /// `not_found` for an account that is none of this adapter's, and for a token that is not the one of its channel.
    pub async fn told(&self, adapter: &str, id: &str, token: &str) -> Result<()> {
        let unknown = || EngineError::not_found("calendar channel", id);
        let id: CalendarAccountId = id.parse().map_err(|_| unknown())?;
        let account = self
            .find(Some(&id.to_string()), Some(adapter))
            .await
            .map_err(|_| unknown())?;
        let kept = account.kept().await?;
        let ours = kept
            .channel
            .is_some_and(|channel| channel.token.as_bytes().ct_eq(token.as_bytes()).into());
        if !ours {
            return Err(unknown());
        }
        enqueue(self.app, &account).await
    }
}
