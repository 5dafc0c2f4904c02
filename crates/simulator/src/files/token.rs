//! Download tokens: JWT-shaped, signed, for one instance and a time.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use crate::world::model::InstanceUuid;

/// Why a download token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not one of ours.
    #[error("not a download token of this account")]
    Invalid,
    /// Too old.
    #[error("the download token has expired")]
    Expired,
}

/// Issues and checks download tokens.
#[derive(Clone)]
pub struct Tokens {
    key: [u8; 32],
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    aud: String,
    iat: i64,
    exp: i64,
    uuid: String,
}

impl Tokens {
    /// Tokens under a key of 32 bytes.
    #[must_use]
    pub fn new(key: [u8; 32]) -> Self {
        Self { key }
    }

    /// A token for the files of one instance.
    #[must_use]
    pub fn issue(&self, uuid: &InstanceUuid, now: Timestamp, expires: Timestamp) -> String {
        let claims = Claims {
            aud: "download".to_owned(),
            iat: now.as_second(),
            exp: expires.as_second(),
            uuid: uuid.to_string(),
        };
        let claims = serde_json::to_vec(&claims).unwrap_or_default();
        let body = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(br#"{"alg":"HS256","typ":"JWT"}"#),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let mac = URL_SAFE_NO_PAD.encode(self.mac(&body).finalize().into_bytes());
        format!("{body}.{mac}")
    }

    /// The instance a token opens at `now`.
    ///
    /// # Errors
    /// When it is not ours or has expired.
    pub fn check(&self, token: &str, now: Timestamp) -> Result<InstanceUuid, TokenError> {
        let (body, mac) = token.rsplit_once('.').ok_or(TokenError::Invalid)?;
        let mac = URL_SAFE_NO_PAD
            .decode(mac)
            .map_err(|_| TokenError::Invalid)?;
        self.mac(body)
            .verify_slice(&mac)
            .map_err(|_| TokenError::Invalid)?;
        let (_, claims) = body.split_once('.').ok_or(TokenError::Invalid)?;
        let claims = URL_SAFE_NO_PAD
            .decode(claims)
            .map_err(|_| TokenError::Invalid)?;
        let claims: Claims = serde_json::from_slice(&claims).map_err(|_| TokenError::Invalid)?;
        if claims.exp <= now.as_second() {
            return Err(TokenError::Expired);
        }
        claims.uuid.parse().map_err(|_| TokenError::Invalid)
    }

    fn mac(&self, body: &str) -> Hmac<Sha256> {
        let mut mac =
            <Hmac<Sha256>>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        mac.update(body.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn a_token_opens_its_instance_until_it_expires() {
        let tokens = Tokens::new([7; 32]);
        let uuid = InstanceUuid([9; 16]);
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let token = tokens.issue(&uuid, now, now + SignedDuration::from_hours(24));
        assert_eq!(token.split('.').count(), 3);
        assert_eq!(tokens.check(&token, now), Ok(uuid));
        let late = now + SignedDuration::from_hours(25);
        assert_eq!(tokens.check(&token, late), Err(TokenError::Expired));
        assert_eq!(
            Tokens::new([8; 32]).check(&token, now),
            Err(TokenError::Invalid)
        );
        assert_eq!(tokens.check("a.b", now), Err(TokenError::Invalid));
    }
}
