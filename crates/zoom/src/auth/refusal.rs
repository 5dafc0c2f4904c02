//! What the token endpoint says when it says no; it has no numeric codes.

use serde::Deserialize;

use crate::error::{Error, ErrorKind};

/// Why the token endpoint refused, as far as its words tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The client id or secret is wrong, or the client may not do this.
    Client,
    /// The refresh token (and with it the grant) is dead.
    Grant,
    /// The authorization code is unknown, was used, or is older than five minutes.
    Code,
    /// The PKCE verifier is not the one of the challenge.
    Verifier,
    /// The redirect address is not the one the code was sent to.
    Redirect,
    /// The app was switched off, or is not allowed for this account.
    AppOff,
    /// The person has not answered on the other device yet.
    Pending,
    /// The same, and it was asked for too often: five seconds more between polls.
    SlowDown,
    /// The device code is too old.
    DeviceExpired,
    /// The person said no.
    Denied,
    /// A scope cannot be had.
    Scope,
}

#[derive(Deserialize, Default)]
struct TokenRefusal {
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default, alias = "errorMessage", alias = "message")]
    error_description: Option<String>,
}

impl TokenRefusal {
    fn kind(&self, reason: &str) -> Option<Refusal> {
        let lower = reason.to_ascii_lowercase();
        Some(match self.error.as_deref().unwrap_or_default() {
            "authorization_pending" => Refusal::Pending,
            "slow_down" => Refusal::SlowDown,
            "expired_token" => Refusal::DeviceExpired,
            "access_denied" => Refusal::Denied,
            "invalid_scope" => Refusal::Scope,
            // RFC 7636 answers a wrong verifier with `invalid_grant`: the words tell it from a dead token.
            _ if lower.contains("verifier") || lower.contains("code_challenge") => {
                Refusal::Verifier
            }
            _ if lower.contains("authorization code") || lower.contains("device code") => {
                Refusal::Code
            }
            "invalid_grant" => Refusal::Grant,
            _ if reason == "Invalid Token!" => Refusal::Grant,
            "invalid_client" | "unauthorized_client" => Refusal::Client,
            _ if lower.contains("redirect") => Refusal::Redirect,
            _ if lower.contains("disabled") || lower.contains("does not enabled") => {
                Refusal::AppOff
            }
            _ => return None,
        })
    }
}

/// Reads a refusal. What was sent in `secrets` is taken out of Zoom's words, which like to repeat it.
pub(super) fn refusal(status: u16, body: &[u8], secrets: &[&str]) -> Error {
    let mut answer: TokenRefusal = serde_json::from_slice(body).unwrap_or_default();
    let reason = answer
        .reason
        .take()
        .or(answer.error_description.take())
        .unwrap_or_default();
    let refused = answer
        .kind(&reason)
        .filter(|_| status < 500 && status != 429);
    let error = answer.error.unwrap_or_default();
    let kind = match (status, refused) {
        (429, _) => ErrorKind::RateLimited,
        (500.., _) => ErrorKind::Server,
        // Zoom used to answer a dead token with invalid_request; its words have stayed the same.
        (_, Some(Refusal::Grant)) => ErrorKind::GrantDead,
        (_, Some(Refusal::Code | Refusal::Verifier)) => ErrorKind::Validation,
        (_, Some(Refusal::Denied)) => ErrorKind::Forbidden,
        (_, Some(Refusal::Pending | Refusal::SlowDown | Refusal::DeviceExpired)) => {
            ErrorKind::Conflict
        }
        (300..=399, None) => ErrorKind::Configuration,
        _ => ErrorKind::ClientRejected,
    };
    let mut message = if reason.is_empty() { error } else { reason };
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        message = message.replace(*secret, "…");
    }
    message = message.chars().take(300).collect();
    if message.is_empty() {
        "the token endpoint refused without saying why".clone_into(&mut message);
    }
    Error::new(kind, message)
        .with_answer(status, None)
        .with_refusal(refused)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart() {
        let cases: &[(u16, &str, ErrorKind)] = &[
            (
                400,
                r#"{"reason":"Invalid Token!","error":"invalid_grant"}"#,
                ErrorKind::GrantDead,
            ),
            (
                401,
                r#"{"reason":"Invalid Token!","error":"invalid_request"}"#,
                ErrorKind::GrantDead,
            ),
            (
                400,
                r#"{"reason":"Invalid client_id or client_secret","error":"invalid_client"}"#,
                ErrorKind::ClientRejected,
            ),
            (
                401,
                r#"{"reason":"Invalid client_id or client_secret","error":"invalid_client"}"#,
                ErrorKind::ClientRejected,
            ),
            (
                400,
                r#"{"reason":"Account does not exist","error":"invalid_request"}"#,
                ErrorKind::ClientRejected,
            ),
            (
                400,
                r#"{"reason":"Redirect URI mismatch.","error":"invalid_request"}"#,
                ErrorKind::ClientRejected,
            ),
            (
                400,
                r#"{"reason":"Invalid code verifier","error":"invalid_request"}"#,
                ErrorKind::Validation,
            ),
            (
                400,
                r#"{"reason":"code_verifier does not match","error":"invalid_grant"}"#,
                ErrorKind::Validation,
            ),
            (
                400,
                r#"{"reason":"unsupported grant type","error":"unsupported_grant_type"}"#,
                ErrorKind::ClientRejected,
            ),
            (
                400,
                r#"{"reason":"Invalid authorization code abc","error":"invalid_request"}"#,
                ErrorKind::Validation,
            ),
            (429, "", ErrorKind::RateLimited),
            (503, "<html>busy</html>", ErrorKind::Server),
        ];
        for (status, body, kind) in cases {
            let error = refusal(*status, body.as_bytes(), &["abc"]);
            assert_eq!(error.kind(), *kind, "{status} {body}");
            assert!(!error.to_string().contains("abc"), "{error}");
        }
    }

    #[test]
    fn words_tell_what_is_wrong() {
        let cases = [
            (
                "Invalid client_id or client_secret",
                "invalid_client",
                Some(Refusal::Client),
            ),
            (
                "Invalid authorization code x",
                "invalid_request",
                Some(Refusal::Code),
            ),
            (
                "Invalid code verifier",
                "invalid_request",
                Some(Refusal::Verifier),
            ),
            (
                "Redirect URI mismatch.",
                "invalid_request",
                Some(Refusal::Redirect),
            ),
            ("Invalid Token!", "invalid_request", Some(Refusal::Grant)),
            (
                "The app has been disabled",
                "invalid_request",
                Some(Refusal::AppOff),
            ),
            (
                "Account does not enabled the OAuth app type",
                "invalid_request",
                Some(Refusal::AppOff),
            ),
            ("Account does not exist", "invalid_request", None),
            ("The user declined", "access_denied", Some(Refusal::Denied)),
            ("Polling too often", "slow_down", Some(Refusal::SlowDown)),
            ("Wait", "authorization_pending", Some(Refusal::Pending)),
            ("Too late", "expired_token", Some(Refusal::DeviceExpired)),
        ];
        for (reason, error, expected) in cases {
            let body = format!(r#"{{"reason":"{reason}","error":"{error}"}}"#);
            let said = refusal(400, body.as_bytes(), &[]);
            assert_eq!(said.refusal(), expected, "{reason}");
        }
        assert_eq!(
            refusal(503, b"{\"error\":\"invalid_grant\"}", &[]).refusal(),
            None
        );
    }
}
