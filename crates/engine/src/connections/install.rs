//! User OAuth: the way to Zoom's consent page and back, once, in one browser, in time.

use jiff::Timestamp;
use parfocal_store::{App as AppRow, ConnectionId, LinkId, OAuthState, Scope};
use parfocal_zoom::auth::{App as ZoomApp, Grant, Pkce, Refusal};
use parfocal_zoom::{Error as ZoomError, ErrorKind};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use subtle::ConstantTimeEq as _;
use url::Url;

use super::Connections;
use super::findings::MOST_SKEW;
use super::identity::{Finished, Newcomer};
use crate::audit::By;
use crate::clock::later;
use crate::error::{Code, EngineError, Result};
use crate::vault::Purpose as Secret;

/// How long a person may take on Zoom's page.
const LIFE: Duration = Duration::from_mins(10);
/// A login that began so much later than now was begun before the clock was set back.
const SET_BACK: Duration = Duration::from_mins(1);
/// What `purpose` of a login's row says.
const LOGIN: &str = "login";

/// Why somebody is sent to Zoom.
#[derive(Debug, Clone)]
pub enum Purpose {
    /// To connect.
    Install,
    /// To bring a connection back to life; it keeps its id and everything that hangs on it.
    Reconnect {
        /// The connection.
        connection: ConnectionId,
    },
    /// To connect through a link that was sent to them.
    Link {
        /// The link's token.
        token: SecretString,
    },
}

/// How a login begins.
#[derive(Debug, Clone)]
pub struct BeginUser {
    /// The app, by name, id or client id; none: the one that suits the redirect address.
    pub app: Option<String>,
    /// Where Zoom sends the person back; none: [`Connections::redirect_uri`].
    pub redirect_uri: Option<String>,
    /// Why.
    pub purpose: Purpose,
    /// Scopes to ask for; empty: the app's own.
    pub scopes: Vec<String>,
    /// Who begins it, for the audit log, where that is known: the way back from Zoom does not tell.
    pub begun_by: Option<String>,
}

/// Where to send the person, and what to keep until they come back.
#[derive(Debug)]
pub struct Consent {
    /// Zoom's consent page.
    pub url: Url,
    /// The `state` in that address.
    pub state: SecretString,
    /// What ties the login to one browser: keep it in a cookie there and hand it back in [`Returned`].
    pub browser: SecretString,
    /// When the login stops being valid.
    pub expires: Timestamp,
    /// Name of the app they are asked for.
    pub app: String,
}

/// What the browser came back with.
#[derive(Debug, Clone, Default)]
pub struct Returned {
    /// `state` of the query.
    pub state: Option<String>,
    /// `code` of the query.
    pub code: Option<String>,
    /// `error` of the query.
    pub error: Option<String>,
    /// `error_description` of the query.
    pub error_description: Option<String>,
    /// The browser's cookie.
    pub browser: Option<String>,
}

/// Why, as it lies in the login's row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Goal {
    /// To connect.
    Install,
    /// To bring a connection back to life.
    Reconnect(ConnectionId),
    /// To connect through a link.
    Link(LinkId),
}

#[derive(Debug, Serialize, Deserialize)]
struct Login {
    #[serde(default)]
    begun_by: Option<String>,
    goal: Goal,
    redirect_uri: String,
    /// SHA-256 of the browser's value.
    browser: String,
}

/// Hash under which something secret is found again without being stored.
pub(super) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

impl Connections<'_> {
    /// Begins a login: writes down what the answer has to match, and tells where to send the person.
    ///
    /// # Errors
    /// `not_found` without a suitable app, `config_invalid` for a redirect address that Zoom would refuse,
    /// `connect_link_…` for a link that is not open.
    pub async fn begin_user(&self, begin: BeginUser) -> Result<Consent> {
        let redirect_uri = begin.redirect_uri.unwrap_or_else(|| self.redirect_uri());
        let which = begin.app.as_deref();
        let (row, goal, scopes) = self
            .aim(which, Some(&redirect_uri), &begin.purpose, begin.scopes)
            .await?;
        let oauth = self.oauth(&row.place)?;
        let zoom_app = self.zoom_app(&row).await?;
        let request = oauth
            .authorize(&zoom_app, redirect_uri.clone())
            .scopes(scopes)
            .build()
            .map_err(|error| unfit(&redirect_uri, &row, error))?;
        let browser = hex::encode(self.app.chance().bytes::<32>());
        let state_hash = hash(request.state.expose_secret());
        let now = self.app.clock().now();
        let expires = later(now, LIFE);
        let login = Login {
            begun_by: begin.begun_by,
            goal,
            redirect_uri,
            browser: hash(&browser),
        };
        let state = OAuthState {
            hash: state_hash.clone(),
            purpose: LOGIN.to_owned(),
            app_id: row.id,
            verifier_ref: Some(state_hash.clone()),
            data: written(&login)?,
            created_at: now,
            expires,
            used_at: None,
        };
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.put_oauth_state(&state).await?;
        if let Some(pkce) = &request.pkce {
            let verifier = pkce.verifier().expose_secret().as_bytes();
            self.app
                .vault()
                .put(&mut tx, Secret::Verifier, &state_hash, verifier)
                .await?;
        }
        tx.commit().await?;
        Ok(Consent {
            url: request.url,
            state: request.state,
            browser: browser.into(),
            expires,
            app: row.name,
        })
    }

    /// Which app a purpose leads to, and what is written down of it.
    pub(super) async fn aim(
        self,
        which: Option<&str>,
        redirect_uri: Option<&str>,
        purpose: &Purpose,
        scopes: Vec<String>,
    ) -> Result<(AppRow, Goal, Vec<String>)> {
        match purpose {
            Purpose::Install => {
                let row = self.user_app(which, redirect_uri).await?;
                Ok((row, Goal::Install, scopes))
            }
            Purpose::Reconnect { connection } => {
                let connection = self.find(&connection.to_string()).await?;
                let row = self.app_row(connection.app_id).await?;
                if row.kind != parfocal_store::AppKind::User {
                    return Err(EngineError::invalid(format!(
                        "{} is a server-to-server connection, which nobody has to allow",
                        connection.name
                    ))
                    .with_hint(
                        "Correct its credentials with `parfocal connect s2s`, then `parfocal connections check`.",
                    ));
                }
                let row = match redirect_uri {
                    Some(uri) => self.sibling_for(row, uri).await?,
                    None => row,
                };
                Ok((row, Goal::Reconnect(connection.id), scopes))
            }
            Purpose::Link { token } => {
                let link = self.open_link_row(token.expose_secret()).await?;
                let row = self.app_row(link.app_id).await?;
                let row = match redirect_uri {
                    Some(uri) => self.sibling_for(row, uri).await?,
                    None => row,
                };
                Ok((row, Goal::Link(link.id), link.scopes))
            }
        }
    }

    /// Ends a login with what the browser came back with: the code is exchanged, and the connection made or revived.
    ///
    /// # Errors
    /// Each way in which it can go wrong has its code: `oauth_state_…` for answers that do not belong to a login that
    /// is under way, `consent_denied`, `oauth_code_refused`, `oauth_verifier_wrong`, `oauth_redirect_mismatch`,
    /// `oauth_client_rejected`, `clock_skewed`, `reconnect_wrong_identity`, `zoom_identity_elsewhere`. Nothing is
    /// stored then, except that a grant which Zoom has replaced is never lost.
    pub async fn finish_user(&self, returned: Returned, by: &By) -> Result<Finished> {
        let (scope, state, login) = self.recognise(&returned).await?;
        let by = &match &login.begun_by {
            Some(actor) => By::new(actor.clone(), by.surface),
            None => by.clone(),
        };
        let verifier = self
            .app
            .vault()
            .get_text(scope, Secret::Verifier, &state.hash)
            .await?;
        self.use_up(scope, &state.hash).await?;
        let row = self.app_row(state.app_id).await?;
        if let Some(error) = returned.error.as_deref().filter(|error| !error.is_empty()) {
            return Err(declined(&row, error, returned.error_description.as_deref()));
        }
        let Some(code) = returned.code.as_deref().filter(|code| !code.is_empty()) else {
            return Err(EngineError::new(
                Code::CodeRefused,
                format!("Zoom sent nobody back with a code for the app {}", row.name),
            ));
        };
        let oauth = self.oauth(&row.place)?;
        let zoom_app = self.zoom_app(&row).await?;
        let pkce = verifier.map(Pkce::from_verifier);
        let grant = oauth
            .exchange(&zoom_app, code, &login.redirect_uri, pkce.as_ref())
            .await
            .map_err(|error| self.refused(&row, Some(&login.redirect_uri), error))?;
        self.welcome(row, zoom_app, grant, login.goal, by).await
    }

    /// Finds the login that an answer belongs to.
    async fn recognise(self, returned: &Returned) -> Result<(Scope, OAuthState, Login)> {
        let unknown = || {
            EngineError::new(
                Code::StateUnknown,
                "the answer belongs to no login that was begun here",
            )
        };
        let text = returned.state.as_deref().filter(|text| !text.is_empty());
        let found = self
            .app
            .store()
            .oauth_state(&hash(text.ok_or_else(unknown)?))
            .await?;
        let (scope, state) = found
            .filter(|(_, state)| state.purpose == LOGIN)
            .ok_or_else(unknown)?;
        let login: Login = read(&state.data)?;
        // Before anything else is told or used up: the answer must come from the browser that began.
        let given = hash(returned.browser.as_deref().unwrap_or_default());
        let same: bool = given.as_bytes().ct_eq(login.browser.as_bytes()).into();
        if !same {
            return Err(EngineError::new(
                Code::StateForeign,
                "the browser that came back is not the one in which the login began",
            ));
        }
        self.in_time(&state)?;
        Ok((scope, state, login))
    }

    /// Whether a login may still be used.
    pub(super) fn in_time(self, state: &OAuthState) -> Result<()> {
        let now = self.app.clock().now();
        if state.used_at.is_some() {
            return Err(EngineError::new(
                Code::StateUsed,
                "this login is over already",
            ));
        }
        if state.created_at > later(now, SET_BACK) {
            return Err(EngineError::new(
                Code::ClockSkewed,
                "the login began in the future: this machine's clock was set back meanwhile",
            ));
        }
        if state.expires <= now {
            return Err(EngineError::new(
                Code::StateExpired,
                "the login was not finished in time",
            ));
        }
        Ok(())
    }

    /// Takes a login, once; its secret goes with it.
    pub(super) async fn use_up(self, scope: Scope, state_hash: &str) -> Result<()> {
        let mut tx = self.app.store().begin(scope).await?;
        if !tx
            .take_oauth_state(state_hash, self.app.clock().now())
            .await?
        {
            return Err(EngineError::new(
                Code::StateUsed,
                "this login is over already",
            ));
        }
        tx.delete_secret(Secret::Verifier.as_str(), state_hash)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    /// A refusal of the token endpoint as one of ours.
    pub(super) fn refused(
        self,
        row: &AppRow,
        redirect_uri: Option<&str>,
        error: ZoomError,
    ) -> EngineError {
        let skew = self.app.parts().oauth.clock_skew();
        let skewed = skew.filter(|skew| skew.unsigned_abs() > MOST_SKEW);
        let said = error.message().to_owned();
        let app = &row.name;
        if let (Some(skew), Some(Refusal::Code | Refusal::DeviceExpired)) =
            (skewed, error.refusal())
        {
            let message = format!(
                "Zoom does not accept the code ({said}), and this machine's clock is {} minutes {} Zoom's",
                skew.unsigned_abs().as_secs() / 60,
                if skew.is_positive() {
                    "ahead of"
                } else {
                    "behind"
                },
            );
            return EngineError::from(error).retold(Code::ClockSkewed, message);
        }
        let (code, message) = match error.refusal() {
            Some(Refusal::Code) => (
                Code::CodeRefused,
                format!("Zoom does not accept the code for the app {app}: {said}"),
            ),
            Some(Refusal::Verifier) => (
                Code::VerifierWrong,
                format!("Zoom does not accept the proof for the app {app}: {said}"),
            ),
            Some(Refusal::Redirect) => (
                Code::RedirectMismatch,
                format!(
                    "Zoom does not accept the address {} for the app {app}: {said}",
                    redirect_uri.unwrap_or("to come back to")
                ),
            ),
            Some(Refusal::Client) => (
                Code::ClientRejected,
                format!("Zoom refused the client of the app {app}: {said}"),
            ),
            Some(Refusal::AppOff) => (
                Code::ClientRejected,
                format!("Zoom says that the app {app} is switched off: {said}"),
            ),
            Some(Refusal::Denied) => (
                Code::ConsentDenied,
                format!("The access for the app {app} was declined"),
            ),
            Some(Refusal::DeviceExpired) => (
                Code::DeviceExpired,
                format!("the code for the app {app} was not confirmed in time"),
            ),
            Some(Refusal::Scope) => (
                Code::ScopeRefused,
                format!("Zoom refused a scope for the app {app}: {said}"),
            ),
            _ if error.kind() == ErrorKind::ClientRejected => (
                Code::ClientRejected,
                format!("Zoom refused the app {app}: {said}"),
            ),
            _ => return error.into(),
        };
        EngineError::from(error).retold(code, message)
    }

    async fn welcome(
        self,
        row: AppRow,
        zoom_app: ZoomApp,
        grant: Grant,
        goal: Goal,
        by: &By,
    ) -> Result<Finished> {
        let newcomer = Newcomer {
            row,
            zoom_app,
            grant,
            goal,
        };
        self.take_in(newcomer, by).await
    }
}

/// What the consent page came back with instead of a code.
fn declined(row: &AppRow, error: &str, description: Option<&str>) -> EngineError {
    let word: String = error.chars().filter(|c| !c.is_control()).take(60).collect();
    let said: String = description
        .unwrap_or_default()
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    let said = if said.is_empty() {
        String::new()
    } else {
        format!(": {said}")
    };
    match word.as_str() {
        "access_denied" => EngineError::new(
            Code::ConsentDenied,
            format!("the access for the app {} was declined{said}", row.name),
        ),
        "invalid_scope" => EngineError::new(
            Code::ScopeRefused,
            format!("Zoom refused a scope for the app {}{said}", row.name),
        ),
        "unauthorized_client" | "invalid_client" => EngineError::new(
            Code::ClientRejected,
            format!("Zoom refused the client of the app {}{said}", row.name),
        ),
        _ => EngineError::new(
            Code::ConsentDenied,
            format!(
                "Zoom's page ended with {word}{said} for the app {}",
                row.name
            ),
        ),
    }
}

fn unfit(redirect_uri: &str, row: &AppRow, error: ZoomError) -> EngineError {
    let message = format!(
        "{redirect_uri} cannot be used with the app {}: {}",
        row.name,
        error.message()
    );
    EngineError::new(Code::ConfigInvalid, message)
        .with_hint("Set ZOOM_REDIRECT_URI (or server.public_url) to an https address that stands in the app's allow list; for http://127.0.0.1 set ZOOM_PUBLIC_CLIENT_ID.")
        .with_source(error)
}

pub(super) fn written<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        EngineError::new(
            Code::Internal,
            format!("a login cannot be written: {error}"),
        )
    })
}

pub(super) fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| {
        EngineError::new(Code::Internal, format!("a login cannot be read: {error}"))
    })
}
