//! One request: signature, headers, answer.

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;

use crate::world::chance::Chance;

/// `v0=` and the hex HMAC-SHA256 of `v0:TIMESTAMP:BODY` under the secret token.
#[must_use]
pub fn signature(secret: &str, timestamp: i64, body: &str) -> String {
    format!("v0={}", hmac_hex(secret, &format!("v0:{timestamp}:{body}")))
}

/// What an endpoint must answer to a challenge: the hex HMAC-SHA256 of the plain token.
#[must_use]
pub fn encrypted_token(secret: &str, plain: &str) -> String {
    hmac_hex(secret, plain)
}

fn hmac_hex(secret: &str, message: &str) -> String {
    let mut mac =
        <Hmac<Sha256>>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(message.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// Everything one request needs.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) url: String,
    pub(super) secret: String,
    pub(super) client_id: String,
    pub(super) body: std::sync::Arc<str>,
    /// Second the signature names.
    pub(super) signed_at: Timestamp,
    /// Names the request's ids.
    pub(super) id: u64,
}

/// Posts; the status, or why there was none.
pub(super) async fn post(
    client: &reqwest::Client,
    request: &Request,
) -> Result<(u16, Vec<u8>), String> {
    let timestamp = request.signed_at.as_second();
    let mut chance = Chance::of(request.id, "request ids", 0);
    let trace = hex::encode(chance.bytes16());
    let span = hex::encode(&chance.bytes16()[..8]);
    let request_id = crate::world::ids::dashed_uuid(&mut chance).replace('-', "_");
    let response = client
        .post(&request.url)
        .header("content-type", "application/json; charset=utf-8")
        .header("user-agent", "Zoom Marketplace/1.0a")
        .header("clientid", &request.client_id)
        .header("x-zm-request-timestamp", timestamp.to_string())
        .header(
            "x-zm-signature",
            signature(&request.secret, timestamp, &request.body),
        )
        .header("x-zm-request-id", request_id)
        .header(
            "x-zm-trackingid",
            format!("v=2.0;clid=us05;rid=WEB_{}", &trace[..16]),
        )
        .header("traceparent", format!("00-{trace}-{span}-01"))
        .body(request.body.to_string())
        .send()
        .await
        .map_err(|error| describe(&error))?;
    let status = response.status().as_u16();
    // An endpoint's answer is not trusted: at most 64 KB of it are looked at.
    let mut body = Vec::new();
    let mut response = response;
    while let Some(piece) = response.chunk().await.map_err(|error| describe(&error))? {
        body.extend_from_slice(&piece);
        if body.len() > 65_536 {
            break;
        }
    }
    Ok((status, body))
}

/// Whether a challenge was answered rightly, or what was wrong.
pub(super) fn judge_challenge(
    secret: &str,
    plain: &str,
    answer: Result<(u16, Vec<u8>), String>,
) -> Result<(), String> {
    let (status, body) = answer?;
    if !(200..300).contains(&status) {
        return Err(format!("answered {status} to the challenge"));
    }
    let value: Value = serde_json::from_slice(&body)
        .map_err(|_| "the answer to the challenge is not JSON".to_owned())?;
    if value["plainToken"] != plain {
        return Err("plainToken is missing or another one".to_owned());
    }
    if value["encryptedToken"] != encrypted_token(secret, plain) {
        return Err("encryptedToken does not fit the secret token".to_owned());
    }
    Ok(())
}

fn describe(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        "timeout".to_owned()
    } else if error.is_connect() {
        "connection refused".to_owned()
    } else {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            text = inner.to_string();
            source = inner.source();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenge_has_the_known_answer() {
        // Computed with another implementation of HMAC-SHA256.
        assert_eq!(
            encrypted_token("brightwater-secret", "Nq8vT2rLx0bYw5KdPz3c"),
            "f0787a5fd4a837e54be7dd3d0a5b267d3bb236fdd646dbb48de8c96febe22434"
        );
    }

    #[test]
    fn answers_are_judged() {
        let good =
            serde_json::json!({"plainToken": "p", "encryptedToken": encrypted_token("s", "p")})
                .to_string();
        assert_eq!(
            judge_challenge("s", "p", Ok((200, good.clone().into()))),
            Ok(())
        );
        assert!(judge_challenge("t", "p", Ok((200, good.clone().into()))).is_err());
        assert!(judge_challenge("s", "p", Ok((401, good.into()))).is_err());
        assert!(judge_challenge("s", "p", Ok((200, b"ok".to_vec()))).is_err());
        assert!(judge_challenge("s", "p", Err("timeout".to_owned())).is_err());
    }

    #[test]
    fn signature_covers_time_and_bytes() {
        let one = signature("s", 1, "{}");
        assert!(one.starts_with("v0=") && one.len() == 67);
        assert_ne!(one, signature("s", 2, "{}"));
        assert_ne!(one, signature("s", 1, "{ }"));
    }
}
