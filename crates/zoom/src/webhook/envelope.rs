//! The few fields by which a delivery is filed, read without building the whole body.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, IgnoredAny, MapAccess};
use serde::{Deserialize, Deserializer};

use super::EventError;

/// What a webhook door needs to know before it stores a delivery; borrows from the body.
///
/// Everything else in the body is skipped without being kept, so this is cheap also for large bodies.
///
/// ```
/// use parfocal_zoom::webhook::Envelope;
///
/// let body = br#"{"event":"meeting.ended","event_ts":1789374662000,"payload":{"account_id":"a","object":{"id":84410027731}}}"#;
/// let envelope = Envelope::parse(body).unwrap();
/// assert_eq!((envelope.event.as_ref(), envelope.number.as_deref()), ("meeting.ended", Some("84410027731")));
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Envelope<'a> {
    /// Name of the event.
    pub event: Cow<'a, str>,
    /// When it happened, in milliseconds since 1970; found at the top or in the payload.
    pub event_ts: Option<i64>,
    /// Account.
    pub account_id: Option<Cow<'a, str>>,
    /// Meeting number as digits, whatever its JSON type; for `user.…` events the user's id is in `user_id`.
    pub number: Option<Cow<'a, str>>,
    /// UUID of the instance.
    pub uuid: Option<Cow<'a, str>>,
    /// The host, or the user of a user event.
    pub user_id: Option<Cow<'a, str>>,
    /// Token for the event's files; do not log it.
    pub download_token: Option<Cow<'a, str>>,
    /// Token of an address challenge.
    pub plain_token: Option<Cow<'a, str>>,
}

impl<'a> Envelope<'a> {
    /// Reads the envelope of a body.
    pub fn parse(body: &'a [u8]) -> Result<Self, EventError> {
        let body: Body<'a> = serde_json::from_slice(body).map_err(|error| EventError::NotJson {
            line: error.line(),
            column: error.column(),
        })?;
        let event = body
            .event
            .0
            .filter(|name| !name.trim().is_empty() && name.len() <= 200)
            .ok_or(EventError::NoName)?;
        let payload = body.payload;
        let object = payload.object;
        let of_user = event.starts_with("user.");
        let (number, user) = if of_user {
            (None, object.id.0)
        } else {
            (object.id.0, object.host_id.0)
        };
        Ok(Self {
            number: number.or(object.meeting_id.0).or(payload.meeting_id.0),
            uuid: object
                .uuid
                .0
                .or(object.meeting_uuid.0)
                .or(payload.meeting_uuid.0),
            user_id: user.or(object.meeting_host_id.0).or(payload.user_id.0),
            event_ts: body.event_ts.number().or_else(|| payload.event_ts.number()),
            account_id: payload.account_id.0.or(body.account_id.0),
            download_token: body.download_token.0,
            plain_token: payload.plain_token.0,
            event,
        })
    }
}

impl fmt::Debug for Envelope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope")
            .field("event", &self.event)
            .field("event_ts", &self.event_ts)
            .field("account_id", &self.account_id)
            .finish_non_exhaustive()
    }
}

/// A string or a number as text; anything else, and the empty string, is nothing.
#[derive(Default)]
struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    fn number(&self) -> Option<i64> {
        self.0.as_ref()?.parse().ok()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text((!text.is_empty()).then_some(Cow::Borrowed(text))))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(
                    (!text.is_empty()).then(|| Cow::Owned(text.to_owned())),
                ))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(number.to_string()))))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Text<'de>, E> {
                Ok(Text(Some(Cow::Owned(number.to_string()))))
            }
            fn visit_f64<E>(self, number: f64) -> Result<Text<'de>, E> {
                Ok(Text(
                    (number.fract() == 0.0).then(|| Cow::Owned(format!("{number:.0}"))),
                ))
            }
            fn visit_bool<E>(self, _: bool) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }
            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(Text(None))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Text<'de>, A::Error> {
                while seq.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Text<'de>, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Text(None))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Declares a reader of some fields of an object; a value that is no object reads as one without fields.
macro_rules! reader {
    ($name:ident { $($key:literal => $field:ident: $type:ident,)* }) => {
        #[derive(Default)]
        struct $name<'a> {
            $($field: $type<'a>,)*
        }

        impl<'de: 'a, 'a> Deserialize<'de> for $name<'a> {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Visitor;
                impl<'de> de::Visitor<'de> for Visitor {
                    type Value = $name<'de>;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("an object")
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<$name<'de>, A::Error> {
                        let mut read = $name::default();
                        while let Some(Text(key)) = map.next_key::<Text<'de>>()? {
                            match key.as_deref().unwrap_or_default() {
                                $($key => read.$field = map.next_value()?,)*
                                _ => {
                                    map.next_value::<IgnoredAny>()?;
                                }
                            }
                        }
                        Ok(read)
                    }
                    fn visit_unit<E>(self) -> Result<$name<'de>, E> {
                        Ok($name::default())
                    }
                    fn visit_bool<E>(self, _: bool) -> Result<$name<'de>, E> {
                        Ok($name::default())
                    }
                    fn visit_u64<E>(self, _: u64) -> Result<$name<'de>, E> {
                        Ok($name::default())
                    }
                    fn visit_i64<E>(self, _: i64) -> Result<$name<'de>, E> {
                        Ok($name::default())
                    }
                    fn visit_f64<E>(self, _: f64) -> Result<$name<'de>, E> {
                        Ok($name::default())
                    }
                    fn visit_str<E>(self, _: &str) -> Result<$name<'de>, E> {
                        Ok($name::default())
                    }
                    fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<$name<'de>, A::Error> {
                        while seq.next_element::<IgnoredAny>()?.is_some() {}
                        Ok($name::default())
                    }
                }
                deserializer.deserialize_any(Visitor)
            }
        }
    };
}

reader!(Body {
    "event" => event: Text,
    "event_ts" => event_ts: Text,
    "account_id" => account_id: Text,
    "download_token" => download_token: Text,
    "payload" => payload: Payload,
});

reader!(Payload {
    "account_id" => account_id: Text,
    "event_ts" => event_ts: Text,
    "plainToken" => plain_token: Text,
    "user_id" => user_id: Text,
    "meeting_id" => meeting_id: Text,
    "meeting_uuid" => meeting_uuid: Text,
    "object" => object: Object,
});

reader!(Object {
    "id" => id: Text,
    "uuid" => uuid: Text,
    "host_id" => host_id: Text,
    "meeting_id" => meeting_id: Text,
    "meeting_uuid" => meeting_uuid: Text,
    "meeting_host_id" => meeting_host_id: Text,
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhook::Event;
    use proptest::prelude::*;

    #[test]
    fn the_filing_fields_are_found() {
        let body = br#"{"payload":{"object":{"uuid":"\/a\/\/b==","host_id":"h","id":"84410027731","participant":{"id":"p"}},"account_id":"acc"},
            "event_ts":1789374662000,"download_token":"tok","event":"meeting.participant_joined"}"#;
        let envelope = Envelope::parse(body).unwrap();
        assert_eq!(envelope.uuid.as_deref(), Some("/a//b=="));
        assert_eq!(envelope.user_id.as_deref(), Some("h"));
        assert_eq!(envelope.account_id.as_deref(), Some("acc"));
        assert_eq!(envelope.event_ts, Some(1_789_374_662_000));
        assert_eq!(envelope.download_token.as_deref(), Some("tok"));
        assert!(!format!("{envelope:?}").contains("tok"));
        let user = Envelope::parse(br#"{"event":"user.updated","payload":{"object":{"id":"U"}}}"#)
            .unwrap();
        assert_eq!((user.number, user.user_id.as_deref()), (None, Some("U")));
        let odd =
            Envelope::parse(br#"{"event":"x","payload":[{"object":3}],"event_ts":null}"#).unwrap();
        assert_eq!(odd.number, None);
        assert_eq!(
            Envelope::parse(b"{\"event\":\"\"}").unwrap_err(),
            EventError::NoName
        );
    }

    proptest! {
        #[test]
        fn it_agrees_with_the_whole_event(id in "[0-9]{9,11}", quoted: bool, uuid in "[A-Za-z0-9+/]{22}==", name in "[a-z]{1,8}\\.[a-z_]{1,12}") {
            let id = if quoted { format!("\"{id}\"") } else { format!("{}", id.parse::<u64>().unwrap().max(1)) };
            let body = format!(r#"{{"event":"{name}","event_ts":1789374662000,"payload":{{"account_id":"a","object":{{"id":{id},"uuid":"{uuid}","host_id":"h"}}}}}}"#);
            let envelope = Envelope::parse(body.as_bytes()).unwrap();
            let event = Event::parse(body.as_bytes()).unwrap();
            prop_assert_eq!(envelope.event.as_ref(), event.name.as_str());
            let uuid = event.meeting_uuid();
            prop_assert_eq!(envelope.uuid.as_deref(), uuid.as_ref().map(crate::id::MeetingUuid::as_str));
            if !name.starts_with("user.") {
                prop_assert_eq!(envelope.number.and_then(|n| n.parse().ok()), event.meeting_number());
            }
        }

        #[test]
        fn no_body_panics(body: Vec<u8>, json in "[\\[\\]{}\":,0-9a-z]{0,60}") {
            let _ = Envelope::parse(&body);
            let _ = Envelope::parse(format!(r#"{{"event":"x","payload":{json}}}"#).as_bytes());
        }
    }
}
