//! What an answer means, by HTTP status *and* Zoom's code: the same code comes with several statuses.

use http::StatusCode;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::error::{Error, ErrorKind, FieldError, MissingScopes, refusals};
use crate::limit::{RateHeaders, Refusal};

#[derive(Deserialize, Default)]
struct ErrorBody {
    #[serde(default)]
    code: Value,
    #[serde(default)]
    message: Value,
    #[serde(default)]
    errors: Value,
}

/// A refusal, and which limit it names if it is one.
pub(super) struct Refused {
    pub(super) error: Error,
    pub(super) limit: Option<Refusal>,
    /// The access token was refused: a renewed one may do.
    pub(super) renew: bool,
}

/// Whether a success in name only: `{"code":200,"message":"You do not have the right permissions."}` with status 200.
pub(super) fn is_refusal_in_disguise(body: &[u8]) -> bool {
    if body.len() > 2_000 {
        return false;
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(map)) => {
            map.len() <= 3
                && map.get("code").is_some_and(Value::is_i64)
                && map.get("message").is_some_and(Value::is_string)
                && map
                    .keys()
                    .all(|key| matches!(key.as_str(), "code" | "message" | "errors"))
        }
        _ => false,
    }
}

pub(super) fn classify(
    status: StatusCode,
    body: &[u8],
    headers: &RateHeaders,
    endpoint: Option<&Endpoint>,
    now: Timestamp,
) -> Refused {
    let parsed: ErrorBody = serde_json::from_slice(body).unwrap_or_default();
    let code = parsed
        .code
        .as_i64()
        .or_else(|| parsed.code.as_str()?.trim().parse().ok());
    let message: String = match parsed.message.as_str().map(str::trim) {
        Some(text) if !text.is_empty() => text.chars().take(500).collect(),
        _ => match status.canonical_reason() {
            Some(reason) => format!("Zoom answered {} {reason}", status.as_u16()),
            None => format!("Zoom answered {}", status.as_u16()),
        },
    };
    let fields = fields(&parsed.errors);
    let http = status.as_u16();
    if http == 429 {
        let limit = Refusal::classify(&message, headers, now);
        let (kind, at) = match limit {
            Refusal::PerSecond | Refusal::Concurrent => (ErrorKind::RateLimited, None),
            Refusal::Daily { until } => (ErrorKind::DailyLimit, Some(until)),
            Refusal::Quota { until } => (ErrorKind::Quota, Some(until)),
        };
        let after = headers.retry_after.map(|retry| retry.delay(now));
        let error = Error::new(kind, message)
            .with_answer(http, code)
            .with_retry_after(after)
            .with_retry_at(at);
        return Refused {
            error,
            limit: Some(limit),
            renew: false,
        };
    }
    let kind = kind(http, code, &message);
    let mut error = Error::new(kind, message)
        .with_answer(http, code)
        .with_fields(fields);
    if kind == ErrorKind::MissingScope {
        let scopes =
            MissingScopes::parse(error.message()).unwrap_or_else(|| MissingScopes::Unnamed {
                acceptable: endpoint.map(Endpoint::scopes).unwrap_or_default(),
            });
        error = error.with_scopes(scopes);
    }
    if http >= 500 {
        error = error.with_retry_after(headers.retry_after.map(|retry| retry.delay(now)));
    }
    Refused {
        renew: kind == ErrorKind::Unauthorized,
        error,
        limit: None,
    }
}

fn kind(http: u16, code: Option<i64>, message: &str) -> ErrorKind {
    let text = message.to_ascii_lowercase();
    let of_scopes = text.contains("scope");
    if http == 501 {
        return ErrorKind::UnknownPath;
    }
    if http >= 500 {
        return ErrorKind::Server;
    }
    match code {
        Some(124) => return ErrorKind::Unauthorized,
        Some(4711) => return ErrorKind::MissingScope,
        Some(104 | 4700) => {
            return if of_scopes {
                ErrorKind::MissingScope
            } else {
                ErrorKind::Unauthorized
            };
        }
        Some(200) if of_scopes && text.contains("does not contain") => {
            return ErrorKind::MissingScope;
        }
        Some(200) if text.contains("permission") || text.contains("privilege") => {
            return ErrorKind::Forbidden;
        }
        Some(200) => return ErrorKind::Plan,
        Some(300) if text.contains("next page token") || text.contains("next_page_token") => {
            return ErrorKind::PageTokenExpired;
        }
        // A webinar asked for as a meeting, or the reverse.
        Some(300) if text.contains("cannot access") => return ErrorKind::Conflict,
        // `Meeting ID does not exist` comes as 300 too.
        Some(300) if http == 404 || text.contains("id does not exist") => {
            return ErrorKind::NotFound;
        }
        Some(300) => return ErrorKind::Validation,
        Some(code) => {
            if let Some(known) = refusals::find(http, code) {
                return known.kind;
            }
        }
        None => {}
    }
    match http {
        401 if of_scopes => ErrorKind::MissingScope,
        401 => ErrorKind::Unauthorized,
        200..=299 | 403 => ErrorKind::Forbidden,
        404 | 410 => ErrorKind::NotFound,
        409 => ErrorKind::Conflict,
        413 => ErrorKind::TooLarge,
        300..=399 => ErrorKind::HostRefused,
        _ => ErrorKind::Validation,
    }
}

fn fields(errors: &Value) -> Vec<FieldError> {
    let text = |value: Option<&Value>| {
        value
            .and_then(Value::as_str)
            .unwrap_or_default()
            .chars()
            .take(300)
            .collect()
    };
    errors
        .as_array()
        .map(|errors| {
            errors
                .iter()
                .take(50)
                .map(|error| FieldError {
                    field: text(error.get("field")),
                    message: text(error.get("message")),
                })
                .collect()
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint;
    use http::Method;

    fn refused(status: u16, body: &str) -> Refused {
        let endpoint = endpoint::find(&Method::GET, "/meetings/1");
        let status = StatusCode::from_u16(status).unwrap();
        classify(
            status,
            body.as_bytes(),
            &RateHeaders::default(),
            endpoint,
            Timestamp::UNIX_EPOCH,
        )
    }

    #[test]
    fn status_and_code_decide_together() {
        let cases: &[(u16, &str, ErrorKind)] = &[
            (
                401,
                r#"{"code":124,"message":"Access token is expired."}"#,
                ErrorKind::Unauthorized,
            ),
            (
                400,
                r#"{"code":124,"message":"Invalid access token."}"#,
                ErrorKind::Unauthorized,
            ),
            (
                400,
                r#"{"code":200,"message":"Only available for paid account: abc."}"#,
                ErrorKind::Plan,
            ),
            (
                400,
                r#"{"code":200,"message":"No permission."}"#,
                ErrorKind::Forbidden,
            ),
            (
                400,
                r#"{"code":300,"message":"The next page token is invalid or expired."}"#,
                ErrorKind::PageTokenExpired,
            ),
            (
                400,
                r#"{"code":300,"message":"Validation Failed.","errors":[{"field":"topic","message":"Invalid field."}]}"#,
                ErrorKind::Validation,
            ),
            (
                404,
                r#"{"code":1001,"message":"User does not exist"}"#,
                ErrorKind::NotFound,
            ),
            (
                404,
                r#"{"code":3301,"message":"There is no recording for this meeting."}"#,
                ErrorKind::NoRecording,
            ),
            (
                404,
                r#"{"code":3322,"message":"This meeting transcript does not exist."}"#,
                ErrorKind::NoTranscript,
            ),
            (
                400,
                r#"{"code":12702,"message":"Can not access a meeting a year ago."}"#,
                ErrorKind::BeyondHorizon,
            ),
            (
                400,
                r#"{"code":"3001","message":"Meeting does not exist"}"#,
                ErrorKind::NotFound,
            ),
            (403, r#"{"code":2306,"message":"x"}"#, ErrorKind::Forbidden),
            (
                400,
                r#"{"code":2300,"message":"This API endpoint is not recognized."}"#,
                ErrorKind::UnknownPath,
            ),
            (409, "", ErrorKind::Conflict),
            (502, "<html>bad gateway</html>", ErrorKind::Server),
            (302, "", ErrorKind::HostRefused),
            (418, "[]", ErrorKind::Validation),
        ];
        for (status, body, kind) in cases {
            assert_eq!(
                refused(*status, body).error.kind(),
                *kind,
                "{status} {body}"
            );
        }
        assert_eq!(refused(400, cases[5].1).error.fields()[0].field, "topic");
    }

    #[test]
    fn a_missing_scope_is_named_or_looked_up() {
        let named = refused(
            400,
            r#"{"code":4711,"message":"Invalid access token, does not contain scopes:[meeting:read:meeting, meeting:read:meeting:admin]."}"#,
        );
        let Some(MissingScopes::Named(scopes)) = named.error.missing_scopes() else {
            panic!()
        };
        assert_eq!(scopes.len(), 2);
        assert!(!named.renew);
        for (status, body) in [
            (
                400,
                r#"{"code":4711,"message":"Invalid access token, does not contain scopes."}"#,
            ),
            (
                401,
                r#"{"code":104,"message":"Invalid access token, does not contain scope."}"#,
            ),
            (401, r#"{"code":4700,"message":"Token lacks scopes"}"#),
        ] {
            let unnamed = refused(status, body);
            let Some(MissingScopes::Unnamed { acceptable }) = unnamed.error.missing_scopes() else {
                panic!("{body}")
            };
            assert!(
                acceptable
                    .iter()
                    .any(|scope| scope == "meeting:read:meeting"),
                "{acceptable:?}"
            );
            assert!(
                unnamed
                    .error
                    .advice()
                    .to_string()
                    .contains("meeting:read:meeting")
            );
        }
    }

    #[test]
    fn a_refusal_in_a_success_is_seen() {
        assert!(is_refusal_in_disguise(
            br#"{"code":200,"message":"You do not have the right permissions."}"#
        ));
        assert!(!is_refusal_in_disguise(
            br#"{"code":200,"message":"x","id":1}"#
        ));
        assert!(!is_refusal_in_disguise(br#"{"meetings":[]}"#));
        assert!(!is_refusal_in_disguise(b""));
    }

    #[test]
    fn every_known_code_has_its_kind_and_its_mend() {
        for row in refusals::TABLE {
            let status = row.status.unwrap_or(400);
            let body = format!(r#"{{"code":{},"message":"No."}}"#, row.code);
            let error = refused(status, &body).error;
            assert_eq!(error.kind(), row.kind, "{row:?}");
            assert_eq!(error.mend(), row.mend, "{row:?}");
        }
        // What means several things by its words.
        for (status, body, kind) in [
            (
                400,
                r#"{"code":200,"message":"Only available for Paid account."}"#,
                ErrorKind::Plan,
            ),
            (
                400,
                r#"{"code":200,"message":"No permission."}"#,
                ErrorKind::Forbidden,
            ),
            (
                400,
                r#"{"code":300,"message":"Invalid meeting ID."}"#,
                ErrorKind::Validation,
            ),
            (
                404,
                r#"{"code":300,"message":"Meeting ID does not exist."}"#,
                ErrorKind::NotFound,
            ),
        ] {
            let error = refused(status, body).error;
            assert_eq!(error.kind(), kind, "{body}");
            assert_ne!(error.mend(), error.advice().to_string(), "{body}");
        }
    }

    /// Walks what Zoom's own descriptions say of errors, endpoint by endpoint, where they lie beside the workspace.
    #[test]
    fn every_code_of_the_reference_has_a_mend_of_its_own() {
        #[derive(Deserialize)]
        struct Described {
            #[serde(default)]
            error_codes: Vec<Told>,
        }
        #[derive(Deserialize)]
        struct Told {
            http: u16,
            code: Option<i64>,
            meaning: String,
        }
        let root = std::env::var_os("PARFOCAL_SHARED").map_or_else(
            || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
            std::path::PathBuf::from,
        );
        let file = root.join("reference/zoom/endpoints.json");
        let Ok(text) = std::fs::read_to_string(&file) else {
            eprintln!(
                "skipped: {} is not there (set PARFOCAL_SHARED)",
                file.display()
            );
            return;
        };
        let all: Vec<Described> = serde_json::from_str(&text).unwrap();
        let mut walked = 0;
        let mut bare = Vec::new();
        for told in all.into_iter().flat_map(|one| one.error_codes) {
            let Some(code) = told.code else { continue };
            let body = serde_json::json!({"code": code, "message": told.meaning}).to_string();
            let error = refused(told.http, &body).error;
            walked += 1;
            // The kind says it all: pauses, tokens, scopes.
            let plain = matches!(
                error.kind(),
                ErrorKind::RateLimited
                    | ErrorKind::DailyLimit
                    | ErrorKind::Unauthorized
                    | ErrorKind::MissingScope
                    | ErrorKind::PageTokenExpired
            );
            if !plain && error.mend() == error.advice().to_string() {
                bare.push(format!("{} {code} {}", told.http, told.meaning));
            }
        }
        assert!(walked > 800, "{walked}");
        assert!(bare.is_empty(), "without a mend: {bare:#?}");
    }
}
