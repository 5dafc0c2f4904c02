//! Reading a webhook's body once: its canonical form, its dedupe key, and the few fields that decide where it goes.
//!
//! Nothing is copied that can be borrowed, since this runs for every event before it is answered.

use std::borrow::Cow;
use std::fmt;
use std::fmt::Write as _;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use sha2::{Digest, Sha256};

use crate::ingest::merge::SECRET;

/// What stands in a stored body for a secret that came with the event.
const HIDDEN: &str = "(not kept)";

/// A JSON value that borrows its texts from the body.
enum Node<'a> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(Cow<'a, str>),
    List(Vec<Node<'a>>),
    /// Sorted by key, each key once.
    Map(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'de> Deserialize<'de> for Node<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NodeVisitor;
        impl<'de> Visitor<'de> for NodeVisitor {
            type Value = Node<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("JSON")
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Node::Null)
            }

            fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Node::Bool(value))
            }

            fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Node::Unsigned(value))
            }

            fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Node::Signed(value))
            }

            fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
                Ok(Node::Float(value))
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Node::Text(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Node::Text(Cow::Owned(value.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = access.next_element()? {
                    items.push(item);
                }
                Ok(Node::List(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut entries: Vec<(Cow<'de, str>, Node<'de>)> = Vec::with_capacity(8);
                while let Some(Key(key)) = access.next_key()? {
                    entries.push((key, access.next_value()?));
                }
                // The sort is stable: of equal keys the last one counts, as in JavaScript.
                entries.sort_by(|a, b| a.0.cmp(&b.0));
                if entries.windows(2).any(|pair| pair[0].0 == pair[1].0) {
                    entries.reverse();
                    entries.dedup_by(|later, kept| later.0 == kept.0);
                    entries.reverse();
                }
                Ok(Node::Map(entries))
            }
        }
        deserializer.deserialize_any(NodeVisitor)
    }
}

/// An object key, borrowed when it has no escapes.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = Key<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Borrowed(value)))
            }

            fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
                Ok(Key(Cow::Owned(value.to_owned())))
            }
        }
        deserializer.deserialize_str(KeyVisitor)
    }
}

impl<'a> Node<'a> {
    fn get(&self, key: &str) -> Option<&Node<'a>> {
        let Self::Map(entries) = self else {
            return None;
        };
        entries
            .binary_search_by(|entry| entry.0.as_ref().cmp(key))
            .ok()
            .map(|at| &entries[at].1)
    }

    fn take(&mut self, key: &str) -> Option<Node<'a>> {
        let Self::Map(entries) = self else {
            return None;
        };
        let at = entries
            .binary_search_by(|entry| entry.0.as_ref().cmp(key))
            .ok()?;
        Some(entries.remove(at).1)
    }

    /// Replaces passcodes, host keys, start addresses and the like wherever they stand; what says "none" stays.
    fn hide_secrets(&mut self) {
        match self {
            Self::List(items) => items.iter_mut().for_each(Self::hide_secrets),
            Self::Map(entries) => {
                for (key, value) in entries {
                    let nothing = match value {
                        Self::Null | Self::Bool(_) => true,
                        Self::Text(text) => text.is_empty(),
                        _ => false,
                    };
                    if !SECRET.contains(&key.as_ref()) {
                        value.hide_secrets();
                    } else if !nothing {
                        *value = Self::Text(Cow::Borrowed(HIDDEN));
                    }
                }
            }
            _ => {}
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text, or a number as text.
    fn id(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Text(text) if !text.is_empty() => Some(Cow::Borrowed(text)),
            Self::Unsigned(number) => Some(Cow::Owned(number.to_string())),
            _ => None,
        }
    }

    fn integer(&self) -> Option<i64> {
        match self {
            Self::Unsigned(number) => i64::try_from(*number).ok(),
            Self::Signed(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Bool(true) => out.push_str("true"),
            Self::Bool(false) => out.push_str("false"),
            // Writing into a string does not fail.
            Self::Unsigned(number) => {
                let _ = write!(out, "{number}");
            }
            Self::Signed(number) => {
                let _ = write!(out, "{number}");
            }
            Self::Float(number) => {
                let number = serde_json::Number::from_f64(*number).unwrap_or_else(|| 0.into());
                let _ = write!(out, "{number}");
            }
            Self::Text(text) => write_text(text, out),
            Self::List(items) => {
                out.push('[');
                for (n, item) in items.iter().enumerate() {
                    if n > 0 {
                        out.push(',');
                    }
                    item.write(out);
                }
                out.push(']');
            }
            Self::Map(entries) => {
                out.push('{');
                for (n, (key, value)) in entries.iter().enumerate() {
                    if n > 0 {
                        out.push(',');
                    }
                    write_text(key, out);
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// Writes a JSON text, escaping only what JSON demands.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        let escape = match byte {
            b'"' => "\\\"",
            b'\\' => "\\\\",
            b'\n' => "\\n",
            b'\r' => "\\r",
            b'\t' => "\\t",
            0..=0x1f => "",
            _ => continue,
        };
        out.push_str(&text[from..at]);
        if escape.is_empty() {
            let _ = write!(out, "\\u{byte:04x}");
        } else {
            out.push_str(escape);
        }
        from = at + 1;
    }
    out.push_str(&text[from..]);
    out.push('"');
}

/// What a webhook's body says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Envelope {
    /// Name of the event.
    pub(super) event: String,
    /// When it happened, in milliseconds since 1970; none when Zoom does not say.
    pub(super) event_ts_ms: Option<i64>,
    /// Zoom account it concerns.
    pub(super) account_id: Option<String>,
    /// Id of the object: meeting number, user id, and so on, as text.
    pub(super) object_id: Option<String>,
    /// Whose doing it was, where the object has no id.
    pub(super) user_id: Option<String>,
    /// The body with sorted keys, without the download token, its secrets replaced.
    pub(super) body: String,
}

/// What tells repeats: SHA-256 over the app's id and the canonical body.
pub(super) fn dedupe_key(app_id: &str, canonical: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(app_id.as_bytes());
    hash.update([0]);
    hash.update(canonical.as_bytes());
    hash.finalize().into()
}

/// A body after reading: an event to keep, or a challenge to answer.
pub(super) enum Body {
    /// The address challenge.
    Challenge,
    /// An event.
    Event {
        envelope: Envelope,
        download_token: Option<String>,
    },
}

/// Names of events are short; what is longer is not Zoom's.
const MAX_EVENT_NAME: usize = 200;

/// Reads a body; the message of the error tells what is wrong without quoting the body.
pub(super) fn read(body: &[u8]) -> Result<Body, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the body is not UTF-8".to_owned())?;
    let mut root: Node<'_> = serde_json::from_str(text).map_err(|error| {
        format!(
            "the body is not JSON (line {}, column {})",
            error.line(),
            error.column()
        )
    })?;
    if !matches!(root, Node::Map(_)) {
        return Err("the body is not an object".to_owned());
    }
    let event = root
        .get("event")
        .and_then(Node::text)
        .filter(|name| !name.is_empty() && name.len() <= MAX_EVENT_NAME)
        .ok_or("the body names no event")?
        .to_owned();
    if event == "endpoint.url_validation" {
        return Ok(Body::Challenge);
    }
    let download_token = match root.take("download_token") {
        Some(Node::Text(token)) if !token.is_empty() => Some(token.into_owned()),
        _ => None,
    };
    root.hide_secrets();
    let payload = root.get("payload");
    let field = |name: &str| payload.and_then(|payload| payload.get(name));
    let object = field("object");
    let owned = |node: Option<&Node<'_>>| node.and_then(Node::id).map(Cow::into_owned);
    // SDK types put `event_ts` of app_deauthorized inside the payload.
    let event_ts_ms = root
        .get("event_ts")
        .or_else(|| field("event_ts"))
        .and_then(Node::integer);
    let account_id = owned(field("account_id"));
    let object_id = owned(object.and_then(|object| object.get("id")));
    let user_id = owned(field("user_id").or_else(|| field("operator_id")));
    let mut canonical = String::with_capacity(text.len());
    root.write(&mut canonical);
    Ok(Body::Event {
        envelope: Envelope {
            event,
            event_ts_ms,
            account_id,
            object_id,
            user_id,
            body: canonical,
        },
        download_token,
    })
}

impl Envelope {
    /// The lane in which it is worked on: account and meeting number, else user, else the account alone.
    pub(super) fn lane(&self, account: &str) -> String {
        match self.object_id.as_deref().or(self.user_id.as_deref()) {
            Some(id) => {
                let digits: String = id.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
                let number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                format!("{account}/{}", if number { digits.as_str() } else { id })
            }
            None => account.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(body: &str) -> (Envelope, Option<String>) {
        match read(body.as_bytes()) {
            Ok(Body::Event {
                envelope,
                download_token,
            }) => (envelope, download_token),
            Ok(Body::Challenge) => panic!("a challenge"),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn the_key_does_not_depend_on_order_space_or_download_token() {
        let (a, token) = event(
            r#"{"event":"recording.completed","event_ts":1763800000000,"download_token":"secret","payload":{"account_id":"acc","object":{"id":84410027731,"uuid":"a/b==","topic":"Ünïcode \u00e9 \"x\""}}}"#,
        );
        let (b, other) = event(
            "{ \"payload\" : {\"object\":{\"topic\":\"Ünïcode é \\\"x\\\"\",\"uuid\":\"a\\/b==\",\"id\":84410027731},\"account_id\":\"acc\"},\n\"event_ts\":1763800000000,\"event\":\"recording.completed\"}",
        );
        assert_eq!(token.as_deref(), Some("secret"));
        assert_eq!(other, None);
        assert_eq!(a, b);
        assert!(!a.body.contains("secret"));
        assert_eq!(dedupe_key("app", &a.body), dedupe_key("app", &b.body));
        assert_ne!(dedupe_key("app", &a.body), dedupe_key("other", &a.body));
        assert_eq!(a.lane("acc"), "acc/84410027731");
        assert_eq!(a.event_ts_ms, Some(1_763_800_000_000));
    }

    #[test]
    fn the_canonical_form_is_the_same_json() {
        let text =
            r#"{"event":"x","b":[1,-2,1.5,true,null,{"z":"\u0001\t\\","a":""}],"a":{"k":1,"k":2}}"#;
        let (envelope, _) = event(text);
        let a: serde_json::Value = serde_json::from_str(text).unwrap();
        let b: serde_json::Value = serde_json::from_str(&envelope.body).unwrap();
        assert_eq!(a, b);
        assert_eq!(envelope.body, serde_json::to_string(&a).unwrap());
    }

    #[test]
    fn secrets_are_not_kept_wherever_they_stand() {
        let body = |passcode: &str| {
            format!(
                r#"{{"event":"meeting.updated","event_ts":5,"payload":{{"object":{{"id":1,"password":"{passcode}","topic":"password",
                "start_url":"https://zoom.us/s/1?zak={passcode}","settings":{{"host_key":"{passcode}","use_pmi":false}},
                "recording_files":[{{"passcode":"{passcode}"}},{{"recording_play_passcode":["{passcode}"]}}],"h323_password":""}},
                "old_object":{{"id":1,"pstn_password":123456,"encrypted_password":null}},"download_access_token":"{passcode}"}}}}"#
            )
        };
        let (envelope, _) = event(&body("canary"));
        assert!(!envelope.body.contains("canary") && !envelope.body.contains("123456"));
        let kept: serde_json::Value = serde_json::from_str(&envelope.body).unwrap();
        let object = &kept["payload"]["object"];
        assert_eq!(object["password"], HIDDEN);
        assert_eq!(object["topic"], "password");
        assert_eq!(object["h323_password"], "");
        assert_eq!(object["settings"]["use_pmi"], false);
        assert!(kept["payload"]["old_object"]["encrypted_password"].is_null());
        // A repetition is recognised as before.
        let (again, _) = event(&body("canary"));
        assert_eq!(
            dedupe_key("a", &envelope.body),
            dedupe_key("a", &again.body)
        );
    }

    #[test]
    fn lanes_are_normalised_and_fall_back() {
        let lane = |payload: &str| {
            event(&format!(r#"{{"event":"x","payload":{payload}}}"#))
                .0
                .lane("a")
        };
        assert_eq!(
            lane(r#"{"object":{"id":"844 1002 7731"}}"#),
            "a/84410027731"
        );
        assert_eq!(lane(r#"{"object":{"id":84410027731}}"#), "a/84410027731");
        assert_eq!(lane(r#"{"object":{"id":"KDcuGIm1-b"}}"#), "a/KDcuGIm1-b");
        assert_eq!(lane(r#"{"user_id":"u"}"#), "a/u");
        assert_eq!(lane("{}"), "a");
    }

    #[test]
    fn what_is_not_an_event_is_refused_without_quoting_it() {
        for body in [
            &b"\xff\xfe"[..],
            b"",
            b"[]",
            b"canary",
            b"{\"event\":1}",
            b"{\"event\":\"\"}",
            b"{\"event\":\"x\"",
            "[".repeat(100_000).as_bytes(),
        ] {
            let error = read(body).err().unwrap();
            assert!(!error.contains("canary"));
        }
    }

    proptest::proptest! {
        #[test]
        fn no_body_panics(body: Vec<u8>) {
            let _ = read(&body);
        }

        #[test]
        fn texts_survive(topic: String) {
            let body = serde_json::json!({"event": "x", "payload": {"topic": topic}});
            let (envelope, _) = event(&body.to_string());
            let back: serde_json::Value = serde_json::from_str(&envelope.body).unwrap();
            proptest::prop_assert_eq!(back, body);
        }
    }
}
