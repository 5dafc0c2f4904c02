//! One stay of somebody in a meeting, read from an event or from an answer, in one neutral form.
//!
//! Zoom names the same things differently in events (`user_name`, `email`, `participant_user_id`, `date_time`) and in
//! answers (`name`, `user_email`, `id`). The neutral names are `name`, `email`, `account_user`, `registrant`,
//! `join_time`, `leave_time`; everything else keeps Zoom's name.

use serde_json::{Map, Value};

use super::merge::Facts;

/// Where somebody stayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Room {
    /// The meeting itself.
    Main,
    /// The waiting room.
    Waiting,
    /// A breakout room.
    Breakout,
}

impl Room {
    /// The name used in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Main => "main",
            Self::Waiting => "waiting",
            Self::Breakout => "breakout",
        }
    }
}

/// Which end of a stay an event tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Somebody came.
    Join,
    /// Somebody went.
    Leave,
}

/// What an event of a participant says: the room, and which end of the stay.
///
/// None for participant events that tell of no stay (role changes, feedback, calls out).
pub fn of_event(event: &str) -> Option<(Room, End)> {
    let (_, what) = event.split_once('.')?;
    Some(match what {
        "participant_joined" => (Room::Main, End::Join),
        "participant_left" => (Room::Main, End::Leave),
        "participant_joined_waiting_room" | "participant_put_in_waiting_room" => {
            (Room::Waiting, End::Join)
        }
        "participant_left_waiting_room" | "participant_admitted" => (Room::Waiting, End::Leave),
        "participant_joined_breakout_room" => (Room::Breakout, End::Join),
        "participant_left_breakout_room" => (Room::Breakout, End::Leave),
        _ => return None,
    })
}

/// One stay: its key within the instance and what is said about it.
#[derive(Debug, Clone, PartialEq)]
pub struct Stay {
    /// Names the stay within the instance: room and Zoom's number of the join.
    pub key: String,
    /// Where.
    pub room: Room,
    /// What is said, under neutral names.
    pub said: Value,
}

impl Stay {
    /// Reads the `participant` object of an event.
    pub fn from_event(
        room: Room,
        end: End,
        participant: &Value,
        breakout: Option<&str>,
    ) -> Option<Self> {
        let mut said = neutral(participant)?;
        if let Some(at) = said.remove("date_time") {
            let name = match end {
                End::Join => "join_time",
                End::Leave => "leave_time",
            };
            said.insert(name.to_owned(), at);
        }
        // An event tells one end; a time of the other end in it would be a copy of something older.
        match end {
            End::Join => said.remove("leave_time"),
            End::Leave => said.remove("join_time"),
        };
        if let Some(breakout) = breakout {
            said.insert("breakout_room_uuid".into(), breakout.into());
        }
        let key = key(room, &said)?;
        Some(Self {
            key,
            room,
            said: Value::Object(said),
        })
    }

    /// Reads the rows of an answer about who took part.
    ///
    /// Two rows of one join number (Zoom splits a stay when it moves) get keys of their own.
    pub fn from_answer<'a>(rows: impl Iterator<Item = &'a Value>) -> Vec<Self> {
        let mut seen = std::collections::HashMap::<String, String>::new();
        let mut out: Vec<Self> = Vec::new();
        for row in rows {
            let Some(said) = neutral(row) else { continue };
            let room = match said.get("status").and_then(Value::as_str) {
                Some("in_waiting_room") => Room::Waiting,
                _ => Room::Main,
            };
            let Some(mut key) = key(room, &said) else {
                continue;
            };
            let join = text(&said, "join_time").unwrap_or_default();
            match seen.get(&key) {
                Some(first) if *first != join => key = format!("{key}@{join}"),
                Some(_) => {}
                None => {
                    seen.insert(key.clone(), join);
                }
            }
            out.push(Self {
                key,
                room,
                said: Value::Object(said),
            });
        }
        out
    }
}

/// Who a stay belongs to within its instance, from all that is known about the stay: the account's user, else the
/// registration, else the address, else the name.
pub fn match_key(facts: &Facts) -> String {
    let value = |name: &str| {
        facts
            .text(name)
            .map(|text| text.trim().to_lowercase())
            .filter(|text| !text.is_empty())
    };
    if let Some(user) = facts.text("account_user").filter(|user| !user.is_empty()) {
        return format!("user:{user}");
    }
    if let Some(registrant) = facts.text("registrant").filter(|id| !id.is_empty()) {
        return format!("registrant:{registrant}");
    }
    if let Some(email) = value("email") {
        return format!("email:{email}");
    }
    if let Some(name) = value("name") {
        return format!("name:{name}");
    }
    "unknown".to_owned()
}

fn neutral(object: &Value) -> Option<Map<String, Value>> {
    let mut said = object.as_object()?.clone();
    let mut rename = |to: &str, from: &[&str]| {
        let mut found = None;
        for name in from {
            if let Some(value) = said.remove(*name) {
                let empty =
                    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
                if !empty && found.is_none() {
                    found = Some(value);
                }
            }
        }
        if let Some(value) = found {
            said.insert(to.to_owned(), value);
        }
    };
    rename("name", &["user_name", "name"]);
    rename("email", &["user_email", "email"]);
    rename("account_user", &["participant_user_id", "id"]);
    rename("registrant", &["registrant_id"]);
    Some(said)
}

fn text(said: &Map<String, Value>, name: &str) -> Option<String> {
    match said.get(name)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn key(room: Room, said: &Map<String, Value>) -> Option<String> {
    let room = room.as_str();
    if let Some(id) = text(said, "user_id") {
        return Some(format!("{room}:{id}"));
    }
    if let Some(uuid) = text(said, "participant_uuid") {
        return Some(format!("{room}:uuid:{uuid}"));
    }
    let name = text(said, "name")
        .or_else(|| text(said, "email"))
        .or_else(|| text(said, "account_user"))?;
    let at = text(said, "join_time").unwrap_or_default();
    Some(format!("{room}:name:{name}@{at}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ingest::merge::{Rank, Stamp};

    #[test]
    fn event_and_answer_speak_of_the_same_stay() {
        let joined = json!({"user_id": "16778240", "user_name": "Tove", "email": "", "id": "", "participant_uuid": "U-1",
            "join_time": "2026-09-14T08:31:07Z"});
        let answer = json!({"user_id": 16_778_240, "name": "Tove", "user_email": "", "id": "",
            "join_time": "2026-09-14T08:31:07Z", "leave_time": "2026-09-14T09:00:00Z", "status": "in_meeting"});
        let (room, end) = of_event("meeting.participant_joined").unwrap();
        let live = Stay::from_event(room, end, &joined, None).unwrap();
        let past = Stay::from_answer([&answer].into_iter());
        assert_eq!(live.key, past[0].key);
        let mut facts = Facts::default();
        facts.absorb(&live.said, Stamp::new(1, Rank::Event));
        facts.absorb(&past[0].said, Stamp::new(2, Rank::Detail));
        assert_eq!(match_key(&facts), "name:tove");
        assert_eq!(
            facts.text("leave_time").as_deref(),
            Some("2026-09-14T09:00:00Z")
        );
    }

    #[test]
    fn waiting_rooms_are_stays_of_their_own() {
        let (room, end) = of_event("meeting.participant_admitted").unwrap();
        let said = json!({"user_id": "1", "user_name": "A", "date_time": "2026-09-14T08:35:20Z"});
        let stay = Stay::from_event(room, end, &said, None).unwrap();
        assert_eq!((stay.key.as_str(), stay.room), ("waiting:1", Room::Waiting));
        assert_eq!(stay.said["leave_time"], "2026-09-14T08:35:20Z");
        assert_eq!(of_event("meeting.participant_role_changed"), None);
    }

    #[test]
    fn rows_of_one_join_number_are_kept_apart() {
        let rows = [
            json!({"user_id": "1", "name": "A", "join_time": "2026-09-14T08:00:00Z"}),
            json!({"user_id": "1", "name": "A", "join_time": "2026-09-14T08:10:00Z"}),
            json!({"name": "B", "join_time": "2026-09-14T08:10:00Z"}),
            json!({}),
        ];
        let keys: Vec<_> = Stay::from_answer(rows.iter())
            .into_iter()
            .map(|stay| stay.key)
            .collect();
        assert_eq!(
            keys,
            [
                "main:1",
                "main:1@2026-09-14T08:10:00Z",
                "main:name:B@2026-09-14T08:10:00Z"
            ]
        );
    }

    #[test]
    fn the_best_identity_wins() {
        let mut facts = Facts::default();
        facts.absorb(
            &json!({"name": "A", "email": "A@X.test"}),
            Stamp::new(1, Rank::Event),
        );
        assert_eq!(match_key(&facts), "email:a@x.test");
        facts.say("account_user", "u1", Stamp::new(0, Rank::Event));
        assert_eq!(match_key(&facts), "user:u1");
    }
}
