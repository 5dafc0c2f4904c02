//! The webhook door: is it from Zoom, was it seen, whose is it, then into the inbox before it is answered.
//!
//! Nothing outside is called here and nothing is looked up in the database but the inbox itself.

mod body;
mod routes;

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use parfocal_store::{
    AppId, Appended, ConnectionId, EventId, InboxEvent, NewEvent, Scope, StoreError,
};
use parfocal_zoom::webhook::Challenge;
use secrecy::SecretString;
use serde::Serialize;

use crate::App;
use crate::error::{EngineError, Result};
use crate::vault::Purpose;

use body::{Body, Envelope};
pub use parfocal_zoom::webhook::{RejectReason, SIGNATURE_HEADER, TIMESTAMP_HEADER, sign};
pub(crate) use routes::{RouteCache, keep_secret, sync_apps};

/// Priority of the work that an event causes.
const LIVE: i64 = 10;

/// What to answer an accepted delivery with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The address challenge: answer 200 with this JSON.
    Challenge {
        /// The body of the answer.
        json: String,
    },
    /// It is new and durable.
    Accepted(EventId),
    /// It was there already.
    Duplicate(EventId),
}

/// Why a delivery is refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The address names an app that is not known.
    #[error("no app of this name receives webhooks here")]
    UnknownApp,
    /// The body is larger than allowed.
    #[error("the body has more than {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// It is not from Zoom, or too old.
    #[error(transparent)]
    Unverified(RejectReason),
    /// It is signed, but not an event.
    #[error("{0}")]
    Malformed(String),
    /// It could not be stored; Zoom should send it again.
    #[error("the event could not be stored: {0}")]
    Unavailable(#[source] EngineError),
}

impl Refused {
    /// A stable word for counters.
    pub fn reason(&self) -> &'static str {
        use RejectReason as R;
        match self {
            Self::UnknownApp => "unknown_app",
            Self::TooLarge { .. } => "too_large",
            Self::Unverified(R::NoSecret) => "no_secret",
            Self::Unverified(R::NoTimestamp | R::NoSignature) => "unsigned",
            Self::Unverified(R::TooOld { .. } | R::TooNew { .. }) => "outside_window",
            Self::Unverified(R::Mismatch) => "forged",
            Self::Unverified(_) => "bad_signature",
            Self::Malformed(_) => "malformed",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

/// What came through the door since this process started.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct DoorCounts {
    /// New events.
    pub accepted: u64,
    /// Repeated events.
    pub duplicates: u64,
    /// Challenges answered.
    pub challenges: u64,
    /// Accepted events of accounts that are not connected through that app.
    pub unrouted: u64,
    /// Deliveries whose signature did not fit, or was missing or too old.
    pub unverified: u64,
    /// Deliveries that were too large or not events.
    pub malformed: u64,
    /// Deliveries that could not be stored.
    pub unavailable: u64,
}

/// Counters of the door.
#[derive(Debug, Default)]
pub(crate) struct DoorState {
    pub(crate) routes: RouteCache,
    accepted: AtomicU64,
    duplicates: AtomicU64,
    challenges: AtomicU64,
    unrouted: AtomicU64,
    unverified: AtomicU64,
    malformed: AtomicU64,
    unavailable: AtomicU64,
}

/// The webhook door; from [`App::webhooks`].
#[derive(Debug, Clone, Copy)]
pub struct Webhooks<'a> {
    pub(crate) app: &'a App,
}

impl Webhooks<'_> {
    /// Takes a delivery in: verifies it over the bytes as received, and makes the event durable before it returns.
    ///
    /// `app` is the name in `/webhooks/zoom/{app}`; without one every known secret is tried. A repetition refreshes the
    /// stored download token. An event of an account that is not connected through the app whose secret signed it is
    /// kept without a connection, and never handled under another one.
    ///
    /// # Errors
    /// [`Refused::Unavailable`], a missing secret and [`RejectReason::TooNew`] (our clock is behind) must be answered with
    /// a status that Zoom repeats (5xx); the others with 4xx, which it does not.
    ///
    /// # Cancellation
    /// A dropped future may or may not have stored the event; a repetition is recognised.
    pub async fn accept(
        &self,
        app: Option<&str>,
        timestamp: Option<&str>,
        signature: Option<&str>,
        body: &[u8],
    ) -> Result<Answer, Refused> {
        let outcome = self.take(app, timestamp, signature, body).await;
        let state = self.app.door();
        let (counter, word) = match &outcome {
            Ok(Answer::Accepted(_)) => (&state.accepted, "accepted"),
            Ok(Answer::Duplicate(_)) => (&state.duplicates, "duplicate"),
            Ok(Answer::Challenge { .. }) => (&state.challenges, "challenge"),
            Err(refused) => (
                match refused {
                    Refused::Unverified(_) | Refused::UnknownApp => &state.unverified,
                    Refused::TooLarge { .. } | Refused::Malformed(_) => &state.malformed,
                    Refused::Unavailable(_) => &state.unavailable,
                },
                refused.reason(),
            ),
        };
        let count = counter.fetch_add(1, Ordering::Relaxed) + 1;
        metrics::counter!("parfocal_webhooks_total", "outcome" => word).increment(1);
        if let Err(refused) = &outcome {
            // Strangers must not be able to fill the log: of many refusals of a kind the 1st, 2nd, 4th, 8th … are told.
            if count.is_power_of_two() {
                if let Refused::Unverified(RejectReason::TooNew { ahead }) = refused {
                    tracing::error!(
                        ahead_seconds = ahead.as_secs(),
                        "a rightly signed webhook comes from the future: the clock of this machine is behind; set it right (NTP), Zoom sends the event again"
                    );
                }
                tracing::warn!(reason = refused.reason(), app, count, detail = %refused, "a webhook was refused");
            } else {
                tracing::debug!(reason = refused.reason(), app, detail = %refused, "a webhook was refused");
            }
        }
        outcome
    }

    async fn take(
        &self,
        app: Option<&str>,
        timestamp: Option<&str>,
        signature: Option<&str>,
        raw: &[u8],
    ) -> Result<Answer, Refused> {
        let limit = self.app.config().server.max_webhook_bytes;
        if raw.len() > limit {
            return Err(Refused::TooLarge { limit });
        }
        let mut now = self.app.clock().now();
        let cache = &self.app.door().routes;
        let mut routes = cache
            .current(self.app)
            .await
            .map_err(Refused::Unavailable)?;
        let verify = |routes: &routes::Routes, now: Timestamp| {
            let door = routes.door(app).ok_or(Refused::UnknownApp)?;
            let verified = door
                .verifier
                .verify(timestamp, signature, raw, now)
                .map_err(Refused::Unverified)?;
            Ok(verified.index)
        };
        let mut verified = verify(&routes, now);
        if let Err(Refused::Unverified(RejectReason::TooNew { .. })) = verified {
            // A clock that is shared through a file may have been moved a moment ago.
            now = self.app.clock().fresh();
            verified = verify(&routes, now);
        }
        let secret = match verified {
            // Another process may have connected an app a moment ago, and Zoom never repeats what it gets a 4xx for.
            Err(
                refused @ (Refused::UnknownApp
                | Refused::Unverified(RejectReason::Mismatch | RejectReason::NoSecret)),
            ) => {
                match cache
                    .newer(self.app, &routes)
                    .await
                    .map_err(Refused::Unavailable)?
                {
                    Some(newer) => {
                        routes = newer;
                        verify(&routes, now)?
                    }
                    None => return Err(refused),
                }
            }
            other => other?,
        };
        let (envelope, download_token) = match body::read(raw).map_err(Refused::Malformed)? {
            Body::Event {
                envelope,
                download_token,
            } => (envelope, download_token),
            Body::Challenge => {
                let door = routes.door(app).ok_or(Refused::UnknownApp)?;
                let challenge = Challenge::find(raw).ok_or_else(|| {
                    Refused::Malformed("the challenge has no usable plainToken".to_owned())
                })?;
                let answer = challenge.answer(door.secret(secret));
                let json = serde_json::to_string(&answer)
                    .map_err(|error| Refused::Malformed(error.to_string()))?;
                return Ok(Answer::Challenge { json });
            }
        };
        let event = self
            .place(routes, app, secret, envelope, download_token, now)
            .await?;
        let unrouted = event.connection_id.is_none();
        match self
            .app
            .store()
            .inbox()
            .append(event)
            .await
            .map_err(unavailable)?
        {
            Appended::Accepted(id) => {
                if unrouted {
                    self.app.door().unrouted.fetch_add(1, Ordering::Relaxed);
                    metrics::counter!("parfocal_webhooks_unrouted_total").increment(1);
                }
                Ok(Answer::Accepted(id))
            }
            Appended::Duplicate(id) => Ok(Answer::Duplicate(id)),
        }
    }

    /// Finds whose event it is, and makes the row.
    async fn place(
        &self,
        mut routes: std::sync::Arc<routes::Routes>,
        name: Option<&str>,
        secret: usize,
        envelope: Envelope,
        download_token: Option<String>,
        now: Timestamp,
    ) -> Result<NewEvent, Refused> {
        let account = envelope.account_id.as_deref().unwrap_or("-");
        let door = routes.door(name).ok_or(Refused::UnknownApp)?;
        let app = routes.app(door, secret);
        let (app_id, id_text, workspace) = (app.id, app.id_text.clone(), app.workspace);
        let mut target = routes.target(app, account).cloned();
        if target.is_none()
            && let Ok(Some(newer)) = self.app.door().routes.newer(self.app, &routes).await
        {
            routes = newer;
            target = routes
                .find_app(app_id)
                .and_then(|app| routes.target(app, account))
                .cloned();
        }
        let lane = envelope.lane(target.as_ref().map_or(account, |target| &target.account));
        let dedupe_key = body::dedupe_key(&id_text, &envelope.body);
        let download_token = download_token.map(|token| {
            let token = zeroize::Zeroizing::new(token);
            let owner = hex::encode(dedupe_key);
            let scope = Scope::of(workspace);
            self.app
                .vault()
                .seal_inline(scope, Purpose::DownloadToken, &owner, token.as_bytes())
        });
        Ok(NewEvent {
            workspace,
            app_id,
            connection_id: target.map(|target| target.connection),
            dedupe_key,
            event: envelope.event,
            event_ts: envelope
                .event_ts_ms
                .and_then(|ms| Timestamp::from_millisecond(ms).ok())
                .unwrap_or(Timestamp::UNIX_EPOCH),
            lane: Some(lane),
            body: envelope.body,
            download_token,
            received: now,
            priority: LIVE,
        })
    }

    /// The connection that an event of this app and Zoom account is about, by what is known now; the text says why there
    /// is none.
    ///
    /// # Errors
    /// Only when the routes cannot be read; an event without a connection is an outcome.
    pub async fn route(
        &self,
        app: AppId,
        account: Option<&str>,
    ) -> Result<std::result::Result<ConnectionId, String>> {
        let Some(account) = account else {
            return Ok(Err("the event names no account".to_owned()));
        };
        let cache = &self.app.door().routes;
        let mut routes = cache.current(self.app).await?;
        let find = |routes: &routes::Routes| {
            let app = routes.find_app(app)?;
            routes.target(app, account).map(|target| target.connection)
        };
        let mut found = find(&routes);
        if found.is_none()
            && let Some(newer) = cache.newer(self.app, &routes).await?
        {
            routes = newer;
            found = find(&routes);
        }
        Ok(found.ok_or_else(|| format!("account {account} is not connected through this app")))
    }

    /// The download token of an event, if it came with one. It works for 24 hours.
    ///
    /// # Errors
    /// When it cannot be decrypted; the event must have been read with its body.
    pub fn download_token(&self, event: &InboxEvent) -> Result<Option<SecretString>> {
        let Some(sealed) = &event.download_token else {
            return Ok(None);
        };
        let owner = hex::encode(body::dedupe_key(&event.app_id.to_string(), &event.body));
        let scope = Scope::of(event.workspace);
        self.app
            .vault()
            .open_inline(scope, Purpose::DownloadToken, &owner, sealed)
            .map(Some)
    }

    /// What came through the door since this process started.
    pub fn counts(&self) -> DoorCounts {
        let state = self.app.door();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        DoorCounts {
            accepted: read(&state.accepted),
            duplicates: read(&state.duplicates),
            challenges: read(&state.challenges),
            unrouted: read(&state.unrouted),
            unverified: read(&state.unverified),
            malformed: read(&state.malformed),
            unavailable: read(&state.unavailable),
        }
    }

    /// Reads apps, secrets and connections anew at the next delivery; called after each change to them.
    pub fn forget_cache(&self) {
        self.app.door().routes.forget();
    }
}

fn unavailable(error: StoreError) -> Refused {
    Refused::Unavailable(error.into())
}
