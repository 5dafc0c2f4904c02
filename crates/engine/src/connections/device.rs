//! The device flow: a code for a machine without a browser, allowed on another one.

use std::time::Duration;

use jiff::Timestamp;
use parfocal_store::OAuthState;
use parfocal_zoom::auth::DevicePoll as ZoomPoll;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use url::Url;

use super::Connections;
use super::identity::{Finished, Newcomer};
use super::install::{Goal, Purpose, hash, read, written};
use crate::audit::By;
use crate::clock::{later, span};
use crate::error::{Code, EngineError, Result};
use crate::vault::Purpose as Secret;

/// What `purpose` of a device login's row says.
const DEVICE: &str = "device";
/// How much longer to wait between polls when Zoom says `slow_down`.
const SLOWER: Duration = Duration::from_secs(5);

/// What to show to the person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DevicePrompt {
    /// What to poll with; stays on this machine.
    pub id: String,
    /// What they type on the other machine.
    pub user_code: String,
    /// Where they type it.
    pub verification_uri: Url,
    /// The same with the code in it.
    pub verification_uri_complete: Option<Url>,
    /// Least time between two polls.
    #[serde(skip)]
    pub interval: Duration,
    /// When the code stops working.
    pub expires: Timestamp,
    /// Name of the app they are asked for.
    pub app: String,
}

/// What a poll found.
#[derive(Debug, Clone, PartialEq)]
pub enum DevicePoll {
    /// The person has not answered yet.
    Pending {
        /// How long to wait before the next poll.
        wait: Duration,
    },
    /// They allowed it, and the connection is there.
    Done(Box<Finished>),
}

#[derive(Debug, Serialize, Deserialize)]
struct Login {
    goal: Goal,
    interval_seconds: u64,
    next_poll: Option<Timestamp>,
}

impl Connections<'_> {
    /// Begins a login on another machine: gives the code to show, which another process may go on with as well.
    ///
    /// # Errors
    /// `not_found` without an app; `oauth_client_rejected` when the app does not have the device flow switched on.
    pub async fn begin_device(&self, app: Option<&str>, purpose: Purpose) -> Result<DevicePrompt> {
        let (row, goal, _) = self.aim(app, None, &purpose, Vec::new()).await?;
        let oauth = self.oauth(&row.place)?;
        let zoom_app = self.zoom_app(&row).await?;
        let device = oauth
            .device(&zoom_app)
            .await
            .map_err(|error| self.refused(&row, None, error))?;
        let id = hex::encode(self.app.chance().bytes::<32>());
        let state_hash = hash(&id);
        let login = Login {
            goal,
            interval_seconds: device.interval.as_secs(),
            next_poll: None,
        };
        let state = OAuthState {
            hash: state_hash.clone(),
            purpose: DEVICE.to_owned(),
            app_id: row.id,
            verifier_ref: Some(state_hash.clone()),
            data: written(&login)?,
            created_at: self.app.clock().now(),
            expires: device.expires_at,
            used_at: None,
        };
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.put_oauth_state(&state).await?;
        let code = device.device_code.expose_secret().as_bytes();
        self.app
            .vault()
            .put(&mut tx, Secret::Verifier, &state_hash, code)
            .await?;
        tx.commit().await?;
        Ok(DevicePrompt {
            id,
            user_code: device.user_code,
            verification_uri: device.verification_uri,
            verification_uri_complete: device.verification_uri_complete,
            interval: device.interval,
            expires: device.expires_at,
            app: row.name,
        })
    }

    /// Asks whether the person has answered; not more often than Zoom allows, whoever asks.
    ///
    /// # Errors
    /// `consent_denied`, `device_code_expired`, `oauth_state_used` when there is nothing left to wait for, and those of
    /// [`Connections::finish_user`]. What is retryable leaves the login as it is.
    pub async fn poll_device(&self, id: &str, by: &By) -> Result<DevicePoll> {
        let state_hash = hash(id);
        let found = self.app.store().oauth_state(&state_hash).await?;
        let (scope, state) = found
            .filter(|(_, state)| state.purpose == DEVICE)
            .ok_or_else(|| {
                EngineError::new(Code::StateUnknown, "there is no such login of a device")
            })?;
        let row = self.app_row(state.app_id).await?;
        self.in_time(&state).map_err(|error| match error.code() {
            Code::StateExpired => EngineError::new(
                Code::DeviceExpired,
                format!(
                    "the code for the app {} was not confirmed in time",
                    row.name
                ),
            ),
            _ => error,
        })?;
        let mut login: Login = read(&state.data)?;
        let now = self.app.clock().now();
        if let Some(next) = login.next_poll.filter(|next| *next > now) {
            return Ok(DevicePoll::Pending {
                wait: span(now, next),
            });
        }
        let code = self
            .app
            .vault()
            .get_text(scope, Secret::Verifier, &state_hash)
            .await?
            .ok_or_else(|| EngineError::new(Code::StateUsed, "this login is over already"))?;
        let oauth = self.oauth(&row.place)?;
        let zoom_app = self.zoom_app(&row).await?;
        let grant = match oauth.poll_device(&zoom_app, &code).await {
            Ok(ZoomPoll::Granted(grant)) => *grant,
            Ok(pending) => {
                if matches!(pending, ZoomPoll::SlowDown) {
                    login.interval_seconds += SLOWER.as_secs();
                }
                let wait = Duration::from_secs(login.interval_seconds.max(1));
                login.next_poll = Some(later(self.app.clock().now(), wait));
                let mut tx = self.app.store().begin(scope).await?;
                tx.set_oauth_state_data(&state_hash, &written(&login)?)
                    .await?;
                tx.commit().await?;
                return Ok(DevicePoll::Pending { wait });
            }
            Err(error) => {
                let error = self.refused(&row, None, error);
                if !error.is_retryable() {
                    self.use_up(scope, &state_hash).await?;
                }
                return Err(error);
            }
        };
        self.use_up(scope, &state_hash).await?;
        let newcomer = Newcomer {
            row,
            zoom_app,
            grant,
            goal: login.goal,
        };
        let finished = self.take_in(newcomer, by).await?;
        Ok(DevicePoll::Done(Box::new(finished)))
    }
}
