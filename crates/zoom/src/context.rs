//! What Zoom's client tells an app about who opened it: the `X-Zoom-App-Context` header, sealed with the client secret.
//!
//! Layout: one byte length of the iv and the iv; two bytes (little-endian) length of the associated data and those; four bytes
//! (little-endian) length of the ciphertext and it; the rest is the tag. AES-256-GCM under the SHA-256 of the client secret. All
//! of it in base64, in either alphabet. Source: Zoom's advanced sample of a Zoom App.

use std::fmt;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// Name of the header in which Zoom's client sends a context with every load of an app's home page.
pub const CONTEXT_HEADER: &str = "x-zoom-app-context";

/// Longest text of a context that is looked at, in bytes.
const MOST: usize = 8 * 1024;
/// Bytes of the tag of AES-GCM.
const TAG: usize = 16;
/// How far ahead of this machine's clock a context may have been made.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// Who opened an app, and where in Zoom's client it runs.
#[derive(Clone, PartialEq)]
pub struct AppContext {
    /// The Zoom user; none for a guest, who is signed in nowhere.
    pub user: Option<String>,
    /// UUID of the meeting that the app runs in, if it runs in one.
    pub meeting: Option<String>,
    /// Where it runs, in Zoom's words: `meeting`, `panel`, `webinar`, …
    pub running: Option<String>,
    /// The text of the deep link that opened it.
    pub action: Option<String>,
    /// When Zoom made it.
    pub made: Option<Timestamp>,
    /// Until when it may be used.
    pub expires: Timestamp,
    /// All of it, as Zoom said it.
    pub raw: Value,
}

impl fmt::Debug for AppContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Who was in which meeting is nothing for a log.
        f.debug_struct("AppContext")
            .field("running", &self.running)
            .field("guest", &self.user.is_none())
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Why a context is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContextError {
    /// It is no context at all, or a piece of one.
    #[error("it is not written as Zoom writes a context")]
    Malformed,
    /// It was not sealed with this client secret, or was changed afterwards.
    #[error("it was not sealed with this app's client secret, or was changed")]
    Forged,
    /// Its time is over.
    #[error("its time is over")]
    Expired,
    /// It was made in the future.
    #[error("it was made later than now")]
    NotYet,
    /// It was made for another app.
    #[error("it was made for another app")]
    WrongAudience,
}

impl AppContext {
    /// Opens a context and checks that it is for this app and that its time is not over.
    ///
    /// ```
    /// use parfocal_zoom::context::{AppContext, ContextError};
    /// let refused = AppContext::open("AAAA", &"secret".into(), "client-id", jiff::Timestamp::UNIX_EPOCH);
    /// assert_eq!(refused.unwrap_err(), ContextError::Malformed);
    /// ```
    ///
    /// # Errors
    /// [`ContextError`] says which check it failed.
    pub fn open(
        text: &str,
        client_secret: &SecretString,
        client_id: &str,
        now: Timestamp,
    ) -> Result<Self, ContextError> {
        let plain = decrypt(text, client_secret)?;
        let raw: Value = serde_json::from_slice(&plain).map_err(|_| ContextError::Malformed)?;
        let word = |name: &str| {
            raw.get(name)
                .and_then(Value::as_str)
                .map(str::trim)
                .filter(|word| !word.is_empty() && word.len() <= 512)
                .map(str::to_owned)
        };
        if word("aud").as_deref() != Some(client_id) {
            return Err(ContextError::WrongAudience);
        }
        let expires = raw
            .get("exp")
            .and_then(instant)
            .ok_or(ContextError::Malformed)?;
        if expires <= now {
            return Err(ContextError::Expired);
        }
        let made = raw.get("ts").and_then(instant);
        if made.is_some_and(|made| made.duration_since(now) > AHEAD) {
            return Err(ContextError::NotYet);
        }
        Ok(Self {
            user: word("uid"),
            meeting: word("mid"),
            running: word("typ"),
            action: word("act"),
            made,
            expires,
            raw,
        })
    }
}

fn decrypt(text: &str, client_secret: &SecretString) -> Result<Zeroizing<Vec<u8>>, ContextError> {
    let bytes = decode(text).ok_or(ContextError::Malformed)?;
    let (nonce, associated, sealed) = parts(&bytes).ok_or(ContextError::Malformed)?;
    let key = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(
        client_secret.expose_secret().as_bytes(),
    )));
    let cipher = Aes256Gcm::new_from_slice(&*key).map_err(|_| ContextError::Malformed)?;
    let payload = Payload {
        msg: sealed,
        aad: associated,
    };
    cipher
        .decrypt(&Nonce::from(nonce), payload)
        .map(Zeroizing::new)
        .map_err(|_| ContextError::Forged)
}

/// Either alphabet of base64, with or without padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    let text = text.trim();
    if text.is_empty() || text.len() > MOST {
        return None;
    }
    let plain: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    URL_SAFE_NO_PAD.decode(plain).ok()
}

/// Iv, associated data, and ciphertext with its tag.
fn parts(bytes: &[u8]) -> Option<([u8; 12], &[u8], &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (nonce, rest) = rest.split_at_checked(usize::from(*length))?;
    let (length, rest) = rest.split_first_chunk::<2>()?;
    let (associated, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(i32::from_le_bytes(*length)).ok()?;
    // The tag follows the ciphertext directly, which is how the cipher wants both.
    (rest.len() == length.checked_add(TAG)?).then_some(())?;
    Some((nonce.try_into().ok()?, associated, rest))
}

/// An instant in milliseconds, or in seconds, as some versions write it; a number or its text.
fn instant(value: &Value) -> Option<Timestamp> {
    let number = value
        .as_i64()
        .or_else(|| value.as_str()?.trim().parse().ok())?;
    if number.unsigned_abs() < 1_000_000_000_000 {
        Timestamp::from_second(number).ok()
    } else {
        Timestamp::from_millisecond(number).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::json;

    const ID: &str = "client-id";
    const SECRET: &str = "client-secret";
    const NOW: i64 = 1_763_800_000;

    fn now() -> Timestamp {
        Timestamp::from_second(NOW).unwrap()
    }

    fn sealed(body: &[u8], aad: &[u8], secret: &str) -> Vec<u8> {
        let key = Sha256::digest(secret.as_bytes());
        let cipher = Aes256Gcm::new_from_slice(&key).unwrap();
        let nonce = [7_u8; 12];
        let payload = Payload { msg: body, aad };
        let sealed = cipher.encrypt(&Nonce::from(nonce), payload).unwrap();
        let mut out = vec![12];
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&u16::try_from(aad.len()).unwrap().to_le_bytes());
        out.extend_from_slice(aad);
        let length = i32::try_from(sealed.len() - TAG).unwrap();
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&sealed);
        out
    }

    fn context(value: &Value) -> String {
        STANDARD.encode(sealed(value.to_string().as_bytes(), b"", SECRET))
    }

    fn open(text: &str) -> Result<AppContext, ContextError> {
        AppContext::open(text, &SECRET.into(), ID, now())
    }

    fn good() -> Value {
        json!({"typ": "panel", "uid": "u1", "mid": "/a//b==", "aud": ID, "iss": "marketplace.zoom.us",
            "ts": NOW * 1000, "exp": (NOW + 60) * 1000, "act": "x"})
    }

    #[test]
    fn a_context_tells_who_opened_the_app_and_where() {
        let body = good().to_string();
        for text in [
            context(&good()),
            URL_SAFE_NO_PAD.encode(sealed(body.as_bytes(), b"more", SECRET)),
            format!(" {}\n", context(&good()).trim_end_matches('=')),
        ] {
            let found = open(&text).unwrap();
            assert_eq!(found.user.as_deref(), Some("u1"));
            assert_eq!(found.meeting.as_deref(), Some("/a//b=="));
            assert_eq!(found.running.as_deref(), Some("panel"));
            assert_eq!(found.action.as_deref(), Some("x"));
            assert!(!format!("{found:?}").contains("u1"));
        }
        let mut seconds = good();
        seconds["exp"] = json!(NOW + 60);
        seconds["ts"] = json!(NOW.to_string());
        assert_eq!(open(&context(&seconds)).unwrap().made, Some(now()));
        let mut guest = good();
        guest["uid"] = json!("");
        assert_eq!(open(&context(&guest)).unwrap().user, None);
    }

    #[test]
    fn times_and_audiences_are_checked() {
        for (name, value, why) in [
            ("exp", json!(NOW * 1000), ContextError::Expired),
            ("exp", json!("soon"), ContextError::Malformed),
            ("exp", Value::Null, ContextError::Malformed),
            ("aud", json!("another"), ContextError::WrongAudience),
            ("aud", Value::Null, ContextError::WrongAudience),
            ("ts", json!((NOW + 301) * 1000), ContextError::NotYet),
        ] {
            let mut body = good();
            body[name] = value;
            assert_eq!(open(&context(&body)).unwrap_err(), why, "{body}");
        }
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed() {
        let whole = sealed(good().to_string().as_bytes(), b"aad", SECRET);
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            assert!(open(&STANDARD.encode(&changed)).is_err(), "byte {at}");
            assert!(open(&STANDARD.encode(&whole[..at])).is_err(), "cut {at}");
        }
        let other = sealed(good().to_string().as_bytes(), b"", "another secret");
        assert_eq!(
            open(&STANDARD.encode(other)).unwrap_err(),
            ContextError::Forged
        );
        // Lengths that lie.
        for lie in [
            vec![255],
            vec![0, 255, 255],
            vec![0, 0, 0, 255, 255, 255, 255],
            vec![0, 0, 0, 255, 255, 255, 127],
        ] {
            assert_eq!(
                open(&STANDARD.encode(lie)).unwrap_err(),
                ContextError::Malformed
            );
        }
        assert_eq!(open("").unwrap_err(), ContextError::Malformed);
        assert_eq!(open("ä").unwrap_err(), ContextError::Malformed);
        assert_eq!(
            open(&"A".repeat(MOST + 1)).unwrap_err(),
            ContextError::Malformed
        );
    }
}
