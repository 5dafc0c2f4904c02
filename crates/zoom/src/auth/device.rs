//! The device flow: a code shown on a machine without a browser, allowed on another.

use std::fmt;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::Url;

use super::endpoint::{Again, decode};
use super::{App, Grant, OAuth, Refusal};
use crate::error::{Error, ErrorKind, Result};
use crate::lenient;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// Zoom's, when its answer leaves them out.
const LIFE_SECONDS: i64 = 900;
const INTERVAL_SECONDS: u64 = 5;

/// A login that was begun for a device.
pub struct Device {
    /// What to poll with; a secret.
    pub device_code: SecretString,
    /// What the person types on the other machine.
    pub user_code: String,
    /// Where they type it.
    pub verification_uri: Url,
    /// The same with the code in it, to open or to show as a QR code.
    pub verification_uri_complete: Option<Url>,
    /// When the codes stop working.
    pub expires_at: Timestamp,
    /// Least time between two polls.
    pub interval: Duration,
}

impl fmt::Debug for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("verification_uri", &self.verification_uri)
            .field("expires_at", &self.expires_at)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

/// What a poll found.
#[derive(Debug)]
pub enum DevicePoll {
    /// The person has not answered yet.
    Pending,
    /// The same; wait five seconds longer between polls from now on.
    SlowDown,
    /// They allowed it.
    Granted(Box<Grant>),
}

#[derive(Deserialize)]
struct Answer {
    device_code: Option<String>,
    user_code: Option<String>,
    verification_uri: Option<String>,
    verification_uri_complete: Option<String>,
    #[serde(default, deserialize_with = "lenient::field")]
    expires_in: Option<i64>,
    #[serde(default, deserialize_with = "lenient::field")]
    interval: Option<u64>,
}

impl OAuth {
    /// Begins a login for a device.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::ClientRejected`] when the app does not have the device flow switched on.
    pub async fn device(&self, app: &App) -> Result<Device> {
        // The client id of a public client is added to every form.
        let form = if app.is_public() {
            Vec::new()
        } else {
            vec![("client_id", app.client_id())]
        };
        let (body, begun) = self
            .post(app, "/oauth/devicecode", form, Again::Always)
            .await?;
        let answer: Answer = serde_json::from_slice(&body)
            .map_err(|_| decode("the answer about the device is not the JSON it should be"))?;
        let (Some(device_code), Some(user_code), Some(verification_uri)) = (
            answer.device_code.filter(|code| !code.is_empty()),
            answer.user_code.filter(|code| !code.is_empty()),
            answer.verification_uri.as_deref().and_then(safe),
        ) else {
            return Err(decode(
                "the answer about the device lacks a code or an address",
            ));
        };
        let life = answer.expires_in.unwrap_or(LIFE_SECONDS).clamp(0, 86_400);
        Ok(Device {
            device_code: device_code.into(),
            user_code,
            verification_uri,
            verification_uri_complete: answer.verification_uri_complete.as_deref().and_then(safe),
            expires_at: begun
                .saturating_add(SignedDuration::from_secs(life))
                .unwrap_or(Timestamp::MAX),
            interval: Duration::from_secs(
                answer.interval.unwrap_or(INTERVAL_SECONDS).clamp(1, 300),
            ),
        })
    }

    /// Asks whether the person has answered.
    ///
    /// # Errors
    ///
    /// With [`Error::refusal`] [`Refusal::Denied`] or [`Refusal::DeviceExpired`] when there is nothing left to wait for.
    pub async fn poll_device(&self, app: &App, device_code: &SecretString) -> Result<DevicePoll> {
        let form = vec![
            ("grant_type", GRANT_TYPE),
            ("device_code", device_code.expose_secret()),
        ];
        match self.grant(app, form, 1, Again::UnlessLost).await {
            Ok(grant) => Ok(DevicePoll::Granted(Box::new(grant))),
            Err(error) => match error.refusal() {
                Some(Refusal::Pending) => Ok(DevicePoll::Pending),
                Some(Refusal::SlowDown) => Ok(DevicePoll::SlowDown),
                _ => Err(error),
            },
        }
    }
}

/// An address that a person may be sent to.
fn safe(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let loopback = crate::transport::is_loopback(&url);
    (url.scheme() == "https" || (url.scheme() == "http" && loopback)).then_some(url)
}

impl Device {
    /// Whether the codes still work at `now`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Conflict`] with [`Refusal::DeviceExpired`] when they do not.
    pub fn check(&self, now: Timestamp) -> Result<()> {
        if now < self.expires_at {
            return Ok(());
        }
        Err(
            Error::new(ErrorKind::Conflict, "the code was not confirmed in time")
                .with_refusal(Some(Refusal::DeviceExpired)),
        )
    }
}
