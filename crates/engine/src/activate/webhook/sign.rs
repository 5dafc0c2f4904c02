//! Signatures as Standard Webhooks say.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::error::{Code, EngineError, Result};

/// What stands before a secret's base64.
const PREFIX: &str = "whsec_";
/// Least bytes of a secret.
const LEAST: usize = 24;

/// The key of a secret: `whsec_` and base64 of 24 bytes or more. `which` is what it is called when it is wrong.
pub(crate) fn key(which: &str, secret: &str) -> Result<Zeroizing<Vec<u8>>> {
    let wrong = |why: &str| {
        EngineError::new(
            Code::ConfigInvalid,
            format!("{which} is not whsec_ and base64: {why}"),
        )
    };
    let text = secret.trim();
    let key = BASE64
        .decode(text.strip_prefix(PREFIX).unwrap_or(text))
        .map_err(|_| wrong("it cannot be decoded"))?;
    let key = Zeroizing::new(key);
    if key.len() < LEAST {
        return Err(wrong("it has to be of 24 bytes or more"));
    }
    Ok(key)
}

/// A new secret from random bytes.
pub(super) fn secret(bytes: &[u8; 32]) -> String {
    format!("{PREFIX}{}", BASE64.encode(bytes))
}

/// `v1,` and the base64 of HMAC-SHA256 over id, time and body, for each key; any of them is enough for the receiver.
pub(crate) fn sign(keys: &[Zeroizing<Vec<u8>>], id: &str, second: i64, body: &str) -> String {
    let mut signatures = Vec::with_capacity(keys.len());
    for key in keys {
        // HMAC takes keys of every length.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
            continue;
        };
        mac.update(format!("{id}.{second}.").as_bytes());
        mac.update(body.as_bytes());
        signatures.push(format!("v1,{}", BASE64.encode(mac.finalize().into_bytes())));
    }
    signatures.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own test suite.
    #[test]
    fn signatures_are_those_of_the_specification() {
        let key = key("test", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = r#"{"test": 2432232314}"#;
        let signed = sign(&[key], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn secrets_are_read_back_and_short_ones_refused() {
        let made = secret(&[7; 32]);
        assert_eq!(key("test", &made).unwrap().as_slice(), [7; 32]);
        assert!(key("test", "whsec_AAAA").is_err());
        assert!(key("test", "whsec_%%").is_err());
    }
}
