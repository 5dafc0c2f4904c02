//! Signatures and the address challenge.

use std::fmt;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::HeaderMap;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

/// Header with the signature, `v0=` and 64 hex digits.
pub const SIGNATURE_HEADER: &str = "x-zm-signature";
/// Header with the time of signing, in seconds (or milliseconds) since 1970.
pub const TIMESTAMP_HEADER: &str = "x-zm-request-timestamp";

/// The secret token of one app, with a name to tell which one matched.
#[derive(Clone)]
pub struct WebhookSecret {
    /// Name of the app or connection it belongs to.
    pub name: String,
    /// The secret token from the app's page.
    pub token: SecretString,
}

impl WebhookSecret {
    /// A secret under a name.
    pub fn new(name: impl Into<String>, token: impl Into<SecretString>) -> Self {
        Self {
            name: name.into(),
            token: token.into(),
        }
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSecret")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Why a delivery is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RejectReason {
    /// No secret is configured.
    #[error("no webhook secret is configured")]
    NoSecret,
    /// The timestamp header is missing.
    #[error("the header {TIMESTAMP_HEADER} is missing")]
    NoTimestamp,
    /// The timestamp is not a number of seconds or milliseconds.
    #[error("the header {TIMESTAMP_HEADER} is not a time")]
    BadTimestamp,
    /// The signature header is missing.
    #[error("the header {SIGNATURE_HEADER} is missing")]
    NoSignature,
    /// The signature has another form than `v0=` and 64 hex digits.
    #[error("the header {SIGNATURE_HEADER} is not a signature")]
    BadSignature,
    /// No secret gives this signature: forged, changed on the way, or signed with another secret.
    #[error("the signature fits no configured secret")]
    Mismatch,
    /// Signed too long ago.
    #[error("the delivery was signed {} s ago", .age.as_secs())]
    TooOld {
        /// How long ago.
        age: Duration,
    },
    /// Signed in the future: one of the two clocks is wrong.
    #[error("the delivery was signed {} s in the future", .ahead.as_secs())]
    TooNew {
        /// How far ahead.
        ahead: Duration,
    },
}

/// A delivery that is from Zoom.
#[derive(Debug, Clone, Copy)]
pub struct Verified<'a> {
    /// Index of the secret that matched.
    pub index: usize,
    /// The secret that matched.
    pub secret: &'a WebhookSecret,
    /// When Zoom signed it.
    pub signed_at: Timestamp,
}

/// Checks deliveries against one or more secrets.
///
/// ```
/// use parfocal_zoom::webhook::{Verifier, WebhookSecret, sign};
///
/// let verifier = Verifier::new([WebhookSecret::new("production", "secret")]);
/// let now = "2026-11-22T08:00:00Z".parse().unwrap();
/// let (timestamp, body) = ("1795334400", br#"{"event":"meeting.started"}"#);
/// let signature = sign(&"secret".into(), timestamp, body);
/// let verified = verifier.verify(Some(timestamp), Some(&signature), body, now).unwrap();
/// assert_eq!(verified.secret.name, "production");
/// ```
#[derive(Debug, Clone)]
pub struct Verifier {
    secrets: Vec<WebhookSecret>,
    past: Duration,
    future: Duration,
}

impl Verifier {
    /// How long ago a delivery may have been signed: Zoom's last retry comes 85 minutes after the first try, and
    /// whether it is signed anew is not known.
    pub const PAST: Duration = Duration::from_hours(2);
    /// How far in the future a delivery may have been signed, for clocks that differ.
    pub const FUTURE: Duration = Duration::from_mins(5);

    /// A verifier for these secrets; several during a change of secret, or for several apps on one address.
    pub fn new(secrets: impl IntoIterator<Item = WebhookSecret>) -> Self {
        Self {
            secrets: secrets.into_iter().collect(),
            past: Self::PAST,
            future: Self::FUTURE,
        }
    }

    /// Another window than two hours back and five minutes ahead.
    #[must_use]
    pub fn window(mut self, past: Duration, future: Duration) -> Self {
        self.past = past;
        self.future = future;
        self
    }

    /// Checks a delivery by its headers.
    pub fn verify_headers(
        &self,
        headers: &HeaderMap,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Verified<'_>, RejectReason> {
        let text = |name: &str, reason: RejectReason| match headers.get(name) {
            None => Ok(None),
            Some(value) => value.to_str().map(Some).map_err(|_| reason),
        };
        let timestamp = text(TIMESTAMP_HEADER, RejectReason::BadTimestamp)?;
        let signature = text(SIGNATURE_HEADER, RejectReason::BadSignature)?;
        self.verify(timestamp, signature, body, now)
    }

    /// Checks a delivery: signature first, then the time, so that only Zoom learns what our clock says.
    pub fn verify(
        &self,
        timestamp: Option<&str>,
        signature: Option<&str>,
        body: &[u8],
        now: Timestamp,
    ) -> Result<Verified<'_>, RejectReason> {
        if self.secrets.is_empty() {
            return Err(RejectReason::NoSecret);
        }
        let timestamp = timestamp.ok_or(RejectReason::NoTimestamp)?;
        let signature = signature.ok_or(RejectReason::NoSignature)?;
        let signed_at = read_timestamp(timestamp).ok_or(RejectReason::BadTimestamp)?;
        let given = signature
            .strip_prefix("v0=")
            .filter(|digits| digits.len() == 64)
            .and_then(|digits| hex::decode(digits).ok())
            .ok_or(RejectReason::BadSignature)?;
        // Every secret is tried, so that the time taken does not tell which one matched.
        let mut matched = None;
        for (index, secret) in self.secrets.iter().enumerate() {
            let expected = mac(&secret.token, timestamp, body);
            let same: bool = expected.ct_eq(&given).into();
            if same && matched.is_none() {
                matched = Some((index, secret));
            }
        }
        let (index, secret) = matched.ok_or(RejectReason::Mismatch)?;
        let age = now.duration_since(signed_at);
        if age > SignedDuration::try_from(self.past).unwrap_or(SignedDuration::MAX) {
            return Err(RejectReason::TooOld {
                age: age.unsigned_abs(),
            });
        }
        if -age > SignedDuration::try_from(self.future).unwrap_or(SignedDuration::MAX) {
            return Err(RejectReason::TooNew {
                ahead: age.unsigned_abs(),
            });
        }
        Ok(Verified {
            index,
            secret,
            signed_at,
        })
    }
}

/// Ten digits are seconds, thirteen are milliseconds.
fn read_timestamp(text: &str) -> Option<Timestamp> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    match text.len() {
        10 => Timestamp::from_second(text.parse().ok()?).ok(),
        13 => Timestamp::from_millisecond(text.parse().ok()?).ok(),
        _ => None,
    }
}

fn mac(secret: &SecretString, timestamp: &str, body: &[u8]) -> Vec<u8> {
    let mut mac = keyed(secret);
    mac.update(b"v0:");
    mac.update(timestamp.as_bytes());
    mac.update(b":");
    mac.update(body);
    mac.finalize().into_bytes().to_vec()
}

fn keyed(secret: &SecretString) -> Hmac<Sha256> {
    Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
        .expect("HMAC takes keys of any length")
}

/// The value of the signature header that Zoom would send; for tests and for relays of our own.
#[must_use]
pub fn sign(secret: &SecretString, timestamp: &str, body: &[u8]) -> String {
    format!("v0={}", hex::encode(mac(secret, timestamp, body)))
}

/// The challenge by which Zoom checks an address: when it is saved, and every 72 hours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    plain_token: String,
}

/// The answer to a [`Challenge`], to be sent as JSON with status 200 within three seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChallengeAnswer {
    /// The token from the challenge.
    #[serde(rename = "plainToken")]
    pub plain_token: String,
    /// Its HMAC under the secret token.
    #[serde(rename = "encryptedToken")]
    pub encrypted_token: String,
}

impl Challenge {
    /// Longest token answered; Zoom's have some 22 characters.
    pub const MAX_TOKEN: usize = 512;

    /// The challenge in a delivery, if it is one (`endpoint.url_validation`).
    ///
    /// Verify the delivery first: answering an unverified challenge signs texts for strangers.
    #[must_use]
    pub fn find(body: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Body {
            event: String,
            payload: Payload,
        }
        #[derive(Deserialize)]
        struct Payload {
            #[serde(rename = "plainToken")]
            plain_token: String,
        }
        let body: Body = serde_json::from_slice(body).ok()?;
        let token = body.payload.plain_token;
        (body.event == "endpoint.url_validation"
            && !token.is_empty()
            && token.len() <= Self::MAX_TOKEN)
            .then_some(Self { plain_token: token })
    }

    /// The answer under the secret that verified the delivery.
    #[must_use]
    pub fn answer(&self, secret: &WebhookSecret) -> ChallengeAnswer {
        let mut mac = keyed(&secret.token);
        mac.update(self.plain_token.as_bytes());
        ChallengeAnswer {
            plain_token: self.plain_token.clone(),
            encrypted_token: hex::encode(mac.finalize().into_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: &str = "2026-11-22T08:00:00Z";
    const STAMP: &str = "1795334400";

    fn verifier() -> Verifier {
        Verifier::new([
            WebhookSecret::new("old", "first-secret"),
            WebhookSecret::new("new", "second-secret"),
        ])
    }

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    #[test]
    fn a_known_signature_is_accepted() {
        // Computed with another implementation (OpenSSL): secret "second-secret", body {"event":"x"}.
        let body = br#"{"event":"x"}"#;
        assert_eq!(
            sign(&"second-secret".into(), STAMP, body),
            "v0=7396832f211b620c0f0a5b9b361ab848b7582f16e7da111e5e11ec45b825f3fc"
        );
    }

    #[test]
    fn bodies_count_byte_for_byte() {
        let bodies: [&[u8]; 5] = [
            b"{ \"event\" : \"meeting.started\",\n\t\"payload\": {} }",
            br#"{"event":"x","payload":{"object":{"topic":"a\/b \u00e9 \"q\" \\ \n"}}}"#,
            "{\"event\":\"x\",\"topic\":\"Größe 会議 🎉 <script>\"}".as_bytes(),
            b"{\"payload\":{},\"event_ts\":1,\"event\":\"x\"}\r\n",
            b"\xff\xfe not even text",
        ];
        let verifier = verifier();
        for body in bodies {
            let signature = sign(&"second-secret".into(), STAMP, body);
            let verified = verifier
                .verify(Some(STAMP), Some(&signature), body, now())
                .unwrap();
            assert_eq!((verified.index, verified.secret.name.as_str()), (1, "new"));
            let mut changed = body.to_vec();
            changed.push(b' ');
            assert_eq!(
                verifier
                    .verify(Some(STAMP), Some(&signature), &changed, now())
                    .unwrap_err(),
                RejectReason::Mismatch
            );
        }
    }

    #[test]
    fn the_window_takes_zooms_last_retry() {
        let body = b"{}";
        let signature = sign(&"first-secret".into(), STAMP, body);
        let at = |seconds: i64| {
            now()
                .saturating_add(SignedDuration::from_secs(seconds))
                .unwrap()
        };
        let check = |seconds| {
            verifier()
                .verify(Some(STAMP), Some(&signature), body, at(seconds))
                .map(|v| v.index)
        };
        for good in [0, 85 * 60, 2 * 3600, -300] {
            assert_eq!(check(good), Ok(0), "{good}");
        }
        assert!(
            matches!(check(2 * 3600 + 1), Err(RejectReason::TooOld { age }) if age.as_secs() == 7201)
        );
        assert!(
            matches!(check(-301), Err(RejectReason::TooNew { ahead }) if ahead.as_secs() == 301)
        );
    }

    #[test]
    fn milliseconds_are_accepted() {
        let stamp = format!("{STAMP}123");
        let signature = sign(&"first-secret".into(), &stamp, b"{}");
        let verified = verifier();
        let verified = verified
            .verify(Some(&stamp), Some(&signature), b"{}", now())
            .unwrap();
        assert_eq!(verified.signed_at.as_millisecond(), 1_795_334_400_123);
    }

    #[test]
    fn each_fault_has_its_reason() {
        let good = sign(&"first-secret".into(), STAMP, b"{}");
        let check = |stamp, signature| {
            verifier()
                .verify(stamp, signature, b"{}", now())
                .unwrap_err()
        };
        assert_eq!(check(None, Some(good.as_str())), RejectReason::NoTimestamp);
        assert_eq!(check(Some(STAMP), None), RejectReason::NoSignature);
        for stamp in [
            "",
            "now",
            "-795334400",
            "179533440",
            "1795334400.5",
            "99999999999999999999",
        ] {
            assert_eq!(
                check(Some(stamp), Some(good.as_str())),
                RejectReason::BadTimestamp,
                "{stamp}"
            );
        }
        let upper = good.replace("v0=", "v1=");
        for signature in ["", "v0=", "v0=zz", &upper, &good[..60]] {
            assert_eq!(
                check(Some(STAMP), Some(signature)),
                RejectReason::BadSignature,
                "{signature}"
            );
        }
        let foreign = sign(&"another".into(), STAMP, b"{}");
        assert_eq!(check(Some(STAMP), Some(&foreign)), RejectReason::Mismatch);
        assert_eq!(
            Verifier::new([])
                .verify(Some(STAMP), Some(&good), b"{}", now())
                .unwrap_err(),
            RejectReason::NoSecret
        );
    }

    #[test]
    fn challenges_are_answered_under_the_matching_secret() {
        let body = br#"{"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"},"event_ts":1654503849680,"event":"endpoint.url_validation"}"#;
        let challenge = Challenge::find(body).unwrap();
        let answer =
            serde_json::to_value(challenge.answer(&WebhookSecret::new("a", "second-secret")))
                .unwrap();
        assert_eq!(answer["plainToken"], "qgg8vlvZRS6UYooatFL8Aw");
        assert_eq!(
            answer["encryptedToken"],
            "afa6e423427821c9d831b47592571e5afcbf3b98f36e637eef3f5e408664a35e"
        );
        assert_eq!(
            Challenge::find(br#"{"event":"meeting.started","payload":{"plainToken":"x"}}"#),
            None
        );
        assert_eq!(Challenge::find(b"nonsense"), None);
    }

    proptest! {
        #[test]
        fn no_header_panics(stamp in ".{0,24}", signature in ".{0,80}", body: Vec<u8>) {
            let _ = verifier().verify(Some(&stamp), Some(&signature), &body, now());
            let _ = Challenge::find(&body);
        }
    }
}
