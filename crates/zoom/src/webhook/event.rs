//! What happened.

use std::fmt;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::{Map, Value};

use super::action::{
    MeetingAction, ParticipantAction, RecordingAction, RegistrationAction, SummaryAction,
    UserAction,
};
use super::object::{
    AicTranscriptObject, DeauthorizedObject, MeetingObject, RecordingObject, SummaryObject,
    UserObject,
};
use crate::id::{AccountId, MeetingNumber, MeetingUuid, UserId};
use crate::lenient::{Lenient, moment};

/// Whether it is about a meeting or a webinar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SessionKind {
    /// `meeting.…`
    Meeting,
    /// `webinar.…`
    Webinar,
}

/// What an event says, in types.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum EventKind {
    /// Zoom checks the address; see [`super::Challenge`].
    UrlValidation,
    /// A user removed the app.
    Deauthorized(Box<DeauthorizedObject>),
    /// A meeting or webinar was scheduled, changed, started, ended, …
    Meeting {
        /// Meeting or webinar.
        session: SessionKind,
        /// What happened.
        action: MeetingAction,
        /// The meeting, or what changed of it.
        object: Box<MeetingObject>,
        /// The same fields before an update.
        old: Option<Box<MeetingObject>>,
        /// Which occurrences it concerns: `single`, `all` or `range`.
        scope: Option<String>,
    },
    /// A participant came, left, …; the person is in `object.participant`.
    Participant {
        /// Meeting or webinar.
        session: SessionKind,
        /// What happened.
        action: ParticipantAction,
        /// The meeting with its participant.
        object: Box<MeetingObject>,
    },
    /// Somebody registered, …; the person is in `object.registrant`.
    Registration {
        /// Meeting or webinar.
        session: SessionKind,
        /// What happened.
        action: RegistrationAction,
        /// The meeting with its registrant.
        object: Box<MeetingObject>,
    },
    /// A recording began, is ready, was deleted, …
    Recording {
        /// What happened.
        action: RecordingAction,
        /// The recording.
        object: Box<RecordingObject>,
    },
    /// A summary was made, changed, …
    Summary {
        /// What happened.
        action: SummaryAction,
        /// The summary.
        object: Box<SummaryObject>,
    },
    /// A durable (AI Companion) transcript is ready.
    AicTranscript(Box<AicTranscriptObject>),
    /// A user was added, changed, …
    User {
        /// What happened.
        action: UserAction,
        /// The user, or what changed of them.
        object: Box<UserObject>,
        /// The same fields before an update.
        old: Option<Box<UserObject>>,
    },
    /// Anything else; the payload is in [`Event::payload`].
    Other,
}

/// The body is no event.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EventError {
    /// Not JSON, or not an object.
    #[error("the body is not a JSON object (line {line}, column {column})")]
    NotJson {
        /// Line of the fault.
        line: usize,
        /// Column of the fault.
        column: usize,
    },
    /// No name of an event.
    #[error("the body names no event")]
    NoName,
}

/// One event; parse it only after its delivery was verified.
///
/// ```
/// use parfocal_zoom::webhook::{Event, EventKind, MeetingAction};
///
/// let body = br#"{"event":"meeting.ended","event_ts":1789374662000,
///     "payload":{"account_id":"a","object":{"id":"84410027731","uuid":"abc=="}}}"#;
/// let event = Event::parse(body).unwrap();
/// assert!(matches!(event.kind, EventKind::Meeting { action: MeetingAction::Ended, .. }));
/// assert_eq!(event.meeting_number().unwrap().get(), 84_410_027_731);
/// ```
#[derive(Clone)]
pub struct Event {
    /// Name, such as `recording.completed`.
    pub name: String,
    /// When it happened, by Zoom's clock.
    pub event_ts: Option<Timestamp>,
    /// The account it belongs to.
    pub account_id: Option<AccountId>,
    /// Who did it, as far as Zoom says.
    pub operator_id: Option<UserId>,
    /// Token to download the event's files, for 24 hours.
    pub download_token: Option<SecretString>,
    /// What it says, in types.
    pub kind: EventKind,
    raw: Map<String, Value>,
}

impl Event {
    /// Reads the body of a delivery; events and fields that are not known here are kept.
    pub fn parse(body: &[u8]) -> Result<Self, EventError> {
        let mut raw: Map<String, Value> =
            serde_json::from_slice(body).map_err(|error| EventError::NotJson {
                line: error.line(),
                column: error.column(),
            })?;
        let name = raw
            .get("event")
            .and_then(Value::as_str)
            .ok_or(EventError::NoName)?
            .trim()
            .to_owned();
        if name.is_empty() || name.len() > 200 {
            return Err(EventError::NoName);
        }
        let download_token = match raw.remove("download_token") {
            Some(Value::String(token)) if !token.is_empty() => Some(SecretString::from(token)),
            _ => None,
        };
        let payload = raw.get("payload").cloned().unwrap_or_default();
        let number = |value: Option<&Value>| value.cloned().and_then(i64::read).and_then(moment);
        let event_ts = number(raw.get("event_ts")).or_else(|| number(payload.get("event_ts")));
        let text = |name: &str| payload.get(name).or_else(|| raw.get(name)).cloned();
        Ok(Self {
            account_id: text("account_id").and_then(AccountId::read),
            operator_id: text("operator_id").and_then(UserId::read),
            kind: kind(&name, &payload),
            name,
            event_ts,
            download_token,
            raw,
        })
    }

    /// The whole body except `download_token`.
    #[must_use]
    pub fn raw(&self) -> &Map<String, Value> {
        &self.raw
    }

    /// The payload, as received.
    #[must_use]
    pub fn payload(&self) -> Option<&Value> {
        self.raw.get("payload")
    }

    /// The meeting number it concerns.
    #[must_use]
    pub fn meeting_number(&self) -> Option<MeetingNumber> {
        self.field(&["id", "meeting_id", "webinar_id"])
            .filter(|_| !self.name.starts_with("user."))
            .and_then(MeetingNumber::read)
    }

    /// The instance it concerns.
    #[must_use]
    pub fn meeting_uuid(&self) -> Option<MeetingUuid> {
        self.field(&["uuid", "meeting_uuid", "webinar_uuid"])
            .and_then(MeetingUuid::read)
    }

    /// The user it concerns: the user of a user event, else the host.
    #[must_use]
    pub fn user_id(&self) -> Option<UserId> {
        if self.name.starts_with("user.") {
            return self.field(&["id"]).and_then(UserId::read);
        }
        self.field(&["host_id", "meeting_host_id"])
            .or_else(|| self.payload()?.get("user_id").cloned())
            .and_then(UserId::read)
    }

    fn field(&self, names: &[&str]) -> Option<Value> {
        let payload = self.payload()?;
        let find = |object: &Value| {
            names
                .iter()
                .find_map(|name| object.get(name).filter(|v| !v.is_null()).cloned())
        };
        payload.get("object").and_then(find).or_else(|| {
            names.iter().find_map(|name| {
                // RTMS events carry their fields directly in the payload.
                payload
                    .get(name)
                    .filter(|_| name.starts_with("meeting_") || name.starts_with("webinar_"))
                    .cloned()
            })
        })
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("name", &self.name)
            .field("event_ts", &self.event_ts)
            .field("account_id", &self.account_id)
            .finish_non_exhaustive()
    }
}

/// An object that cannot be read has no fields.
fn read<T: Lenient + Default>(value: Value) -> T {
    T::read(value).unwrap_or_default()
}

fn kind(name: &str, payload: &Value) -> EventKind {
    let object = || payload.get("object").cloned().unwrap_or_default();
    let old = || payload.get("old_object").cloned();
    let (group, rest) = name.split_once('.').unwrap_or((name, ""));
    let session = match group {
        "webinar" => SessionKind::Webinar,
        _ => SessionKind::Meeting,
    };
    match (group, rest) {
        ("endpoint", "url_validation") => EventKind::UrlValidation,
        ("app_deauthorized", "") => EventKind::Deauthorized(Box::new(read(payload.clone()))),
        ("meeting", "aic_transcript_completed") => {
            EventKind::AicTranscript(Box::new(read(object())))
        }
        ("meeting" | "webinar", rest) => {
            if let Some(action) = rest
                .strip_prefix("participant_")
                .map(ParticipantAction::from)
                && !matches!(action, ParticipantAction::Other(_))
            {
                return EventKind::Participant {
                    session,
                    action,
                    object: Box::new(read(object())),
                };
            }
            if let Some(action) = rest.strip_prefix("registration_") {
                return EventKind::Registration {
                    session,
                    action: action.into(),
                    object: Box::new(read(object())),
                };
            }
            if let Some(action) = rest.strip_prefix("summary_") {
                return EventKind::Summary {
                    action: action.into(),
                    object: Box::new(read(object())),
                };
            }
            match MeetingAction::from(rest) {
                MeetingAction::Other(_) => EventKind::Other,
                action => EventKind::Meeting {
                    session,
                    action,
                    object: Box::new(read(object())),
                    old: old().map(|old| Box::new(read(old))),
                    scope: payload
                        .get("scope")
                        .or_else(|| payload.get("operation"))
                        .cloned()
                        .and_then(String::read),
                },
            }
        }
        ("recording", rest) => match RecordingAction::from(rest) {
            RecordingAction::Other(_) => EventKind::Other,
            action => EventKind::Recording {
                action,
                object: Box::new(read(object())),
            },
        },
        ("user", rest) => match UserAction::from(rest) {
            UserAction::Other(_) => EventKind::Other,
            action => EventKind::User {
                action,
                object: Box::new(read(object())),
                old: old().map(|old| Box::new(read(old))),
            },
        },
        _ => EventKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_come_as_number_or_string() {
        for id in ["\"844 1002 7731\"", "\"84410027731\"", "84410027731"] {
            let body = format!(
                r#"{{"event":"meeting.started","event_ts":1789374662000,"payload":{{"account_id":"a","object":{{"id":{id},"uuid":"/x//==","host_id":"h","extra":1}}}}}}"#
            );
            let event = Event::parse(body.as_bytes()).unwrap();
            assert_eq!(event.meeting_number().unwrap().get(), 84_410_027_731);
            assert_eq!(event.meeting_uuid().unwrap().as_str(), "/x//==");
            assert_eq!(event.user_id().unwrap().as_str(), "h");
            let EventKind::Meeting {
                action: MeetingAction::Started,
                object,
                ..
            } = event.kind
            else {
                panic!()
            };
            assert_eq!(object.extra.get("extra"), Some(&Value::from(1)));
        }
    }

    #[test]
    fn the_download_token_is_taken_out() {
        let body = br#"{"event":"recording.completed","event_ts":1,"download_token":"tok-secret","payload":{"account_id":"a","object":{"id":1,"uuid":"u","password":"pw","share_url":"s","recording_files":[{"id":"f","file_type":"TRANSCRIPT","file_size":"12"}]}}}"#;
        let event = Event::parse(body).unwrap();
        assert!(event.download_token.is_some());
        assert!(!format!("{event:?}{:?}{:?}", event.kind, event.raw()).contains("tok-secret"));
        let EventKind::Recording {
            action: RecordingAction::Completed,
            object,
        } = &event.kind
        else {
            panic!()
        };
        assert_eq!(object.recording_files[0].file_size, Some(12));
    }

    #[test]
    fn the_time_is_found_inside_the_payload_too() {
        let body = br#"{"event":"app_deauthorized","payload":{"user_id":"u","account_id":"a","client_id":"c","deauthorization_time":"2026-06-17T13:52:28.632Z","event_ts":1789374662000}}"#;
        let event = Event::parse(body).unwrap();
        assert_eq!(event.event_ts.unwrap().as_second(), 1_789_374_662);
        assert_eq!(event.user_id().unwrap().as_str(), "u");
        let EventKind::Deauthorized(object) = event.kind else {
            panic!()
        };
        assert!(object.deauthorization_time.is_some());
    }

    #[test]
    fn unknown_events_are_kept() {
        let event = Event::parse(
            br#"{"event":"meeting.hologram_started","payload":{"object":{"id":"12"}}}"#,
        )
        .unwrap();
        assert_eq!(event.kind, EventKind::Other);
        assert_eq!(event.meeting_number().unwrap().get(), 12);
        assert_eq!(event.payload().unwrap()["object"]["id"], "12");
    }

    #[test]
    fn bodies_without_an_event_are_refused() {
        assert!(matches!(
            Event::parse(b"[1]"),
            Err(EventError::NotJson { .. })
        ));
        assert!(matches!(
            Event::parse(b"{\"event\":"),
            Err(EventError::NotJson { .. })
        ));
        assert_eq!(Event::parse(b"{}").unwrap_err(), EventError::NoName);
        assert_eq!(
            Event::parse(b"{\"event\":7}").unwrap_err(),
            EventError::NoName
        );
    }

    #[test]
    fn user_and_update_events_carry_both_sides() {
        let event = Event::parse(br#"{"event":"meeting.updated","event_ts":1,"payload":{"scope":"all","object":{"id":1,"topic":"new"},"old_object":{"id":1,"topic":"old"}}}"#).unwrap();
        let EventKind::Meeting {
            object, old, scope, ..
        } = event.kind
        else {
            panic!()
        };
        assert_eq!(
            (object.topic.as_deref(), scope.as_deref()),
            (Some("new"), Some("all"))
        );
        assert_eq!(old.unwrap().topic.as_deref(), Some("old"));
        let event =
            Event::parse(br#"{"event":"user.deleted","payload":{"object":{"id":"U1"}}}"#).unwrap();
        assert_eq!(event.user_id().unwrap().as_str(), "U1");
        assert_eq!(event.meeting_number(), None);
    }

    proptest! {
        #[test]
        fn no_body_panics(body: Vec<u8>, name in "[a-z_.]{0,30}", object in "[\\[\\]{}\":,0-9a-z]{0,60}") {
            let _ = Event::parse(&body);
            let _ = Event::parse(format!(r#"{{"event":"{name}","payload":{object}}}"#).as_bytes());
        }
    }
}
