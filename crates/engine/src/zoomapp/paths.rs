//! Which calls a page may make through the proxy, and the path that goes to Zoom in place of the one that came.
//!
//! Nothing of a caller's path is passed on: each part is decoded, compared with the templates that are allowed, and written anew.
//! So there is no path that could climb, hide a slash or name another host.

use std::sync::LazyLock;

use http::Method;
use parfocal_zoom::endpoint::{self, Endpoint};
use parfocal_zoom::id::{MeetingNumber, MeetingUuid, encode_segment};
use serde::Serialize;

/// What the panel needs, and what people usually build beside it: method and path of Zoom's reference.
pub const ALLOWED: &[(Method, &str)] = &[
    (Method::GET, "/users/{userId}"),
    (Method::GET, "/users/{userId}/settings"),
    (Method::GET, "/users/{userId}/meetings"),
    (Method::POST, "/users/{userId}/meetings"),
    (Method::GET, "/users/{userId}/recordings"),
    (Method::GET, "/meetings/{meetingId}"),
    (Method::PATCH, "/meetings/{meetingId}"),
    (Method::GET, "/meetings/{meetingId}/invitation"),
    (Method::GET, "/meetings/{meetingId}/recordings"),
    (Method::GET, "/meetings/{meetingId}/meeting_summary"),
    (Method::GET, "/past_meetings/{meetingId}"),
    (Method::GET, "/past_meetings/{meetingId}/instances"),
    (Method::GET, "/past_meetings/{meetingId}/participants"),
];

/// The same as Zoom's reference has them, looked up once.
static KNOWN: LazyLock<Vec<&'static Endpoint>> = LazyLock::new(|| {
    ALLOWED
        .iter()
        .filter_map(|(method, path)| endpoint::by_template(method, path))
        .collect()
});

/// Longest path that is looked at, in bytes.
const MOST: usize = 1_024;

/// A call that may be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// What it is at Zoom.
    pub endpoint: &'static Endpoint,
    /// The path for Zoom, below `/v2`.
    pub path: String,
    /// The meeting that it is about, decoded.
    pub meeting: Option<String>,
}

/// Why a call may not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// The path is none: empty parts, dots, hidden slashes, characters that no path has.
    Malformed,
    /// The path is allowed with another method only.
    Method,
    /// The path is on no list.
    NotAllowed,
    /// It names a user other than the person who asks.
    OtherUser,
}

/// Further calls that an operator allows, as written in the component's setting: `GET /users/{userId}/token, …`.
///
/// # Errors
/// The first entry that Zoom's reference does not know.
pub fn further(setting: &str) -> Result<Vec<&'static Endpoint>, String> {
    setting
        .split([',', '\n', ';'])
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .map(|entry| {
            let known = entry.split_once(' ').and_then(|(method, path)| {
                let method: Method = method.trim().to_ascii_uppercase().parse().ok()?;
                endpoint::by_template(&method, path.trim())
            });
            known.ok_or_else(|| entry.to_owned())
        })
        .collect()
}

/// Finds the call that a path means, for a person known by their id and address.
///
/// # Errors
/// [`Refused`] says why it may not be made.
pub fn resolve(
    method: &Method,
    raw: &str,
    further: &[&'static Endpoint],
    person: &[&str],
) -> Result<Route, Refused> {
    let segments = segments(raw).ok_or(Refused::Malformed)?;
    let allowed = KNOWN.iter().chain(further).copied();
    let (mut elsewhere, mut refused) = (false, None);
    for endpoint in allowed {
        let template: Vec<&str> = endpoint.path[1..].split('/').collect();
        let fits = template.len() == segments.len()
            && template
                .iter()
                .zip(&segments)
                .all(|(part, given)| part.starts_with('{') || part == given);
        if !fits {
            continue;
        }
        if endpoint.method != *method {
            elsewhere = true;
            continue;
        }
        match write(endpoint, &template, &segments, person) {
            Ok(route) => return Ok(route),
            Err(why) => refused = Some(why),
        }
    }
    Err(refused.unwrap_or(if elsewhere {
        Refused::Method
    } else {
        Refused::NotAllowed
    }))
}

fn write(
    endpoint: &'static Endpoint,
    template: &[&str],
    segments: &[String],
    person: &[&str],
) -> Result<Route, Refused> {
    let mut path = String::new();
    let mut about = None;
    for (part, given) in template.iter().zip(segments) {
        path.push('/');
        match *part {
            "{userId}" => {
                let theirs =
                    given == "me" || person.iter().any(|known| known.eq_ignore_ascii_case(given));
                if !theirs {
                    return Err(Refused::OtherUser);
                }
                // Zoom wants a user's token to say `me`.
                path.push_str("me");
            }
            "{meetingId}" | "{meetingUUID}" | "{webinarId}" => {
                let (written, meeting) = meeting(given).ok_or(Refused::Malformed)?;
                path.push_str(&written);
                about = Some(meeting);
            }
            part if part.starts_with('{') => {
                path.push_str(&id(given).ok_or(Refused::Malformed)?);
            }
            literal => path.push_str(literal),
        }
    }
    Ok(Route {
        endpoint,
        path,
        meeting: about,
    })
}

/// A meeting's number or UUID as Zoom wants it in a path, and decoded.
fn meeting(given: &str) -> Option<(String, String)> {
    if !given.is_empty() && given.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: MeetingNumber = given.parse().ok()?;
        return Some((number.to_string(), number.to_string()));
    }
    // Encoded twice, as Zoom's reference says of UUIDs with slashes, or once.
    let plain = if given.contains('%') {
        decode(given)?
    } else {
        given.to_owned()
    };
    let letters = plain.strip_suffix("==")?;
    let base64 = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    if letters.len() != 22 || !letters.bytes().all(base64) {
        return None;
    }
    let uuid = MeetingUuid::new(plain.clone()).ok()?;
    Some((uuid.path_segment(), plain))
}

/// Any other id, in the characters that Zoom's have.
fn id(given: &str) -> Option<String> {
    let fits = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=' | b'+' | b'@' | b'.')
    };
    let dots = given.bytes().all(|byte| byte == b'.');
    (!given.is_empty() && given.len() <= 128 && !dots && given.bytes().all(fits))
        .then(|| encode_segment(given))
}

/// The parts of a path, each decoded once.
fn segments(raw: &str) -> Option<Vec<String>> {
    let rest = raw.strip_prefix('/')?;
    if raw.len() > MOST
        || raw
            .bytes()
            .any(|byte| !byte.is_ascii_graphic() || matches!(byte, b'?' | b'#' | b'\\' | b';'))
    {
        return None;
    }
    rest.split('/')
        .map(|part| {
            let part = decode(part)?;
            let bad = part.is_empty()
                || part.chars().all(|c| c == '.')
                || part.chars().any(|c| c.is_control() || c == '\\');
            (!bad).then_some(part)
        })
        .collect()
}

/// Decodes percent-encoding strictly: a lone percent sign is a fault.
fn decode(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'%' {
            let pair = std::str::from_utf8(bytes.get(at + 1..at + 3)?).ok()?;
            out.push(u8::from_str_radix(pair, 16).ok()?);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: &[&str] = &["uid-1", "me@example.org"];

    fn get(path: &str) -> Result<String, Refused> {
        resolve(&Method::GET, path, &[], ME).map(|route| route.path)
    }

    #[test]
    fn every_allowed_call_is_in_zooms_reference() {
        for (method, path) in ALLOWED {
            assert!(
                endpoint::by_template(method, path).is_some(),
                "{method} {path}"
            );
        }
    }

    #[test]
    fn paths_are_written_anew() {
        for (given, expected) in [
            ("/users/me", "/users/me"),
            ("/users/uid-1/meetings", "/users/me/meetings"),
            ("/users/ME%40example.org", "/users/me"),
            ("/%75sers/me", "/users/me"),
            ("/meetings/84410027731", "/meetings/84410027731"),
            (
                "/past_meetings/abcdefghijklmnopqrstuv%3D%3D",
                "/past_meetings/abcdefghijklmnopqrstuv%3D%3D",
            ),
            (
                "/past_meetings/%252Fbcdefghi%252F%252Flmnopqrstuv%253D%253D",
                "/past_meetings/%252Fbcdefghi%252F%252Flmnopqrstuv%253D%253D",
            ),
            (
                "/past_meetings/%2Fbcdefghi%2F%2Flmnopqrstuv%3D%3D/participants",
                "/past_meetings/%252Fbcdefghi%252F%252Flmnopqrstuv%253D%253D/participants",
            ),
        ] {
            assert_eq!(get(given).as_deref(), Ok(expected), "{given}");
        }
    }

    #[test]
    fn paths_that_climb_hide_or_lead_elsewhere_are_refused() {
        for given in [
            "",
            "users/me",
            "/",
            "//users/me",
            "/users//me",
            "/users/me/",
            "/users/../users/me",
            "/users/%2e%2e/me",
            "/users/%2E",
            "/./users/me",
            "/users/me%2Fmeetings",
            "/users%2fme",
            "/users/me%00",
            "/users/me%0d%0aX:%20y",
            "/users/me?x=1",
            "/users/me#x",
            "/users/me\\x",
            "/users/me%5cx",
            "/users/%",
            "/users/%zz",
            "/users/me;x=1",
            "/meetings/%252e%252e",
            "/meetings/..%2f..%2fusers",
            "/https://evil.test/users/me",
            "/@evil.test/users/me",
            "/meetings/1%2F..%2Fx",
            "/users/m%C3%28",
            "/meetings/-1",
            "/meetings/123456789012345678901234567890",
        ] {
            let refused = get(given).unwrap_err();
            assert!(
                matches!(
                    refused,
                    Refused::Malformed | Refused::NotAllowed | Refused::OtherUser
                ),
                "{given}: {refused:?}"
            );
        }
        assert_eq!(
            get(&format!("/users/{}", "a".repeat(MOST))),
            Err(Refused::Malformed)
        );
    }

    #[test]
    fn methods_users_and_lists_are_kept() {
        let of =
            |method: Method, path: &str| resolve(&method, path, &[], ME).map(|route| route.path);
        assert_eq!(
            of(Method::DELETE, "/meetings/84410027731"),
            Err(Refused::Method)
        );
        assert_eq!(
            of(Method::GET, "/metrics/meetings"),
            Err(Refused::NotAllowed)
        );
        assert_eq!(
            of(Method::GET, "/users/somebody-else"),
            Err(Refused::OtherUser)
        );
        assert_eq!(of(Method::GET, "/users"), Err(Refused::NotAllowed));
        let more = further("GET /users/{userId}/token; DELETE /meetings/{meetingId}").unwrap();
        let route = resolve(&Method::DELETE, "/meetings/84410027731", &more, ME).unwrap();
        assert_eq!(route.meeting.as_deref(), Some("84410027731"));
        assert_eq!(further("GET /no/such"), Err("GET /no/such".to_owned()));
    }
}
