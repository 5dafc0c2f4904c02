//! Facts about one thing, each with the time from which it is known.
//!
//! Zoom's answers and events arrive late, twice, in any order, and often carry only the fields that changed. So every
//! field remembers when it was said (and by how good a source), and the youngest statement wins. Merging is
//! commutative, associative and idempotent: any order of the same statements gives the same document. The document is
//! the `raw` column of a row; the row's own columns are read from it.

use serde_json::{Map, Value, json};

/// Name of the member of a stored document that holds the stamps.
const STAMPS: &str = "~";
/// Name under which the stamp that most fields share is kept.
const COMMON: &str = "*";
/// Objects whose members are merged one by one, because Zoom sends parts of them.
const SPREAD: [&str; 1] = ["settings"];
/// Fields that carry secrets or credentials and are never kept; the webhook door blanks them before it stores an event.
pub(crate) const SECRET: [&str; 12] = [
    "start_url",
    "password",
    "encrypted_password",
    "encrypted_passcode",
    "pstn_password",
    "h323_password",
    "h323_passcode",
    "host_key",
    "recording_play_passcode",
    "download_token",
    "download_access_token",
    "passcode",
];

/// How good a source of a statement is, when two were made at the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(i16)]
pub enum Rank {
    /// Derived by us from other facts.
    Derived = 0,
    /// An event.
    Event = 10,
    /// An entry of a list.
    List = 20,
    /// The thing's own endpoint.
    Detail = 30,
}

/// When something was said, and by whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stamp {
    /// Milliseconds since 1970, Zoom's `event_ts` or the moment of the call.
    pub at_ms: i64,
    /// The source.
    pub rank: i16,
}

impl Stamp {
    /// A statement made at a moment by a source.
    pub fn new(at_ms: i64, rank: Rank) -> Self {
        Self {
            at_ms,
            rank: rank as i16,
        }
    }

    /// A statement made by an answer to one of our calls.
    pub fn of_answer(at: jiff::Timestamp, rank: Rank) -> Self {
        Self::new(at.as_millisecond(), rank)
    }
}

/// A document whose fields know when they were said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    fields: std::collections::BTreeMap<String, (Value, Stamp)>,
}

impl Facts {
    /// Reads a stored document; a foreign or broken one counts as having been said at the beginning of time.
    pub fn parse(raw: Option<&str>) -> Self {
        let Some(Value::Object(mut object)) = raw.and_then(|raw| serde_json::from_str(raw).ok())
        else {
            return Self::default();
        };
        let stamps = match object.remove(STAMPS) {
            Some(Value::Object(stamps)) => stamps,
            _ => Map::new(),
        };
        let read = |name: &str| {
            let pair = stamps.get(name)?.as_array()?;
            Some(Stamp {
                at_ms: pair.first()?.as_i64()?,
                rank: i16::try_from(pair.get(1)?.as_i64()?).ok()?,
            })
        };
        let common = read(COMMON).unwrap_or(Stamp { at_ms: 0, rank: 0 });
        let mut facts = Self::default();
        for (name, value) in spread(object) {
            let stamp = read(&name).unwrap_or(common);
            facts.fields.insert(name, (value, stamp));
        }
        facts
    }

    /// Takes in what was said; whether anything changed.
    ///
    /// Nulls, empty texts and secrets are passed over: Zoom writes `""` for "not given".
    pub fn absorb(&mut self, said: &Value, stamp: Stamp) -> bool {
        let Value::Object(object) = said else {
            return false;
        };
        let mut changed = false;
        for (name, value) in spread(object.clone()) {
            changed |= self.say(name, value, stamp);
        }
        changed
    }

    /// Takes in one field; whether anything changed.
    pub fn say(&mut self, name: impl Into<String>, value: impl Into<Value>, stamp: Stamp) -> bool {
        let (name, value) = (name.into(), value.into());
        let leaf = name.rsplit('/').next().unwrap_or(&name);
        if is_empty(&value) || SECRET.contains(&leaf) || leaf == STAMPS || leaf.is_empty() {
            return false;
        }
        let Some((known, at)) = self.fields.get_mut(&name) else {
            self.fields.insert(name, (value, stamp));
            return true;
        };
        // Of two things said at the same moment by equally good sources, any may win, but always the same.
        let newer = stamp > *at || (stamp == *at && written(known) < written(&value));
        if !newer {
            return false;
        }
        let changed = *known != value;
        *known = value;
        *at = stamp;
        changed
    }

    /// Sets one field whatever was said before; for facts that follow another rule than "the youngest wins".
    pub fn put(&mut self, name: impl Into<String>, value: impl Into<Value>, stamp: Stamp) {
        self.fields.insert(name.into(), (value.into(), stamp));
    }

    /// The document as it is stored: the fields as Zoom names them, and the stamps under one member.
    pub fn to_raw(&self) -> String {
        let mut counts = std::collections::BTreeMap::<Stamp, usize>::new();
        for (_, stamp) in self.fields.values() {
            *counts.entry(*stamp).or_default() += 1;
        }
        let common = counts
            .into_iter()
            .max_by_key(|(stamp, count)| (*count, *stamp))
            .map(|(stamp, _)| stamp);
        let mut object = Map::new();
        let mut stamps = Map::new();
        if let Some(stamp) = common {
            stamps.insert(COMMON.to_owned(), json!([stamp.at_ms, stamp.rank]));
        }
        for (name, (value, stamp)) in &self.fields {
            match name.split_once('/') {
                Some((outer, inner)) => {
                    let entry = object
                        .entry(outer.to_owned())
                        .or_insert_with(|| Value::Object(Map::new()));
                    if let Value::Object(members) = entry {
                        members.insert(inner.to_owned(), value.clone());
                    }
                }
                None => {
                    object.insert(name.clone(), value.clone());
                }
            }
            if Some(*stamp) != common {
                stamps.insert(name.clone(), json!([stamp.at_ms, stamp.rank]));
            }
        }
        object.insert(STAMPS.to_owned(), Value::Object(stamps));
        Value::Object(object).to_string()
    }

    /// A field, if it is known. Members of `settings` are named `settings/…`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name).map(|(value, _)| value)
    }

    /// When a field was last said.
    pub fn stamp(&self, name: &str) -> Option<Stamp> {
        self.fields.get(name).map(|(_, stamp)| *stamp)
    }

    /// The youngest statement in the document.
    pub fn latest(&self) -> Option<Stamp> {
        self.fields.values().map(|(_, stamp)| *stamp).max()
    }

    /// A field as text; numbers are written out.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// A field as a whole number; texts that hold one are read.
    pub fn integer(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// A field as yes or no.
    pub fn flag(&self, name: &str) -> Option<bool> {
        match self.get(name)? {
            Value::Bool(flag) => Some(*flag),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }

    /// A field as an instant.
    pub fn instant(&self, name: &str) -> Option<jiff::Timestamp> {
        instant(self.get(name)?)
    }

    /// Fields whose names begin so: the rest of the name, the value, and when it was said.
    pub fn with_prefix<'f>(
        &'f self,
        prefix: &'f str,
    ) -> impl Iterator<Item = (&'f str, &'f Value, Stamp)> {
        self.fields
            .iter()
            .filter_map(move |(name, (value, stamp))| {
                Some((name.strip_prefix(prefix)?, value, *stamp))
            })
    }

    /// All members of an object that is merged member by member, as one object.
    pub fn object(&self, outer: &str) -> Option<Value> {
        let prefix = format!("{outer}/");
        let members: Map<String, Value> = self
            .fields
            .iter()
            .filter_map(|(name, (value, _))| {
                Some((name.strip_prefix(&prefix)?.to_owned(), value.clone()))
            })
            .collect();
        (!members.is_empty()).then_some(Value::Object(members))
    }
}

/// Reads an instant leniently: RFC 3339, with or without `Z`, or milliseconds since 1970.
pub fn instant(value: &Value) -> Option<jiff::Timestamp> {
    match value {
        Value::String(text) => instant_text(text),
        Value::Number(number) => jiff::Timestamp::from_millisecond(number.as_i64()?).ok(),
        _ => None,
    }
}

/// Reads an instant leniently from text; a missing zone is UTC, as everywhere in Zoom's answers.
pub fn instant_text(text: &str) -> Option<jiff::Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        return Some(at);
    }
    let local = text.parse::<jiff::civil::DateTime>().ok()?;
    local
        .to_zoned(jiff::tz::TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

/// Fields of an object, with the members of spread objects as fields of their own.
fn spread(object: Map<String, Value>) -> Vec<(String, Value)> {
    let mut out = Vec::with_capacity(object.len());
    for (name, value) in object {
        match value {
            Value::Object(members) if SPREAD.contains(&name.as_str()) => {
                out.extend(
                    members
                        .into_iter()
                        .map(|(inner, value)| (format!("{name}/{inner}"), value)),
                );
            }
            value => out.push((name, value)),
        }
    }
    out
}

fn written(value: &Value) -> String {
    value.to_string()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_late_statement_fills_but_does_not_undo() {
        let mut facts = Facts::default();
        facts.absorb(
            &json!({"topic": "New", "id": 7}),
            Stamp::new(20, Rank::Event),
        );
        facts.absorb(
            &json!({"topic": "Old", "agenda": "A", "settings": {"host_video": true}}),
            Stamp::new(10, Rank::Event),
        );
        assert_eq!(facts.text("topic").as_deref(), Some("New"));
        assert_eq!(facts.text("agenda").as_deref(), Some("A"));
        assert_eq!(facts.flag("settings/host_video"), Some(true));
        let again = Facts::parse(Some(&facts.to_raw()));
        assert_eq!(again, facts);
    }

    #[test]
    fn secrets_and_empties_are_not_kept() {
        let mut facts = Facts::default();
        let said = json!({"password": "x", "start_url": "https://x", "topic": "", "host_id": null, "type": 2});
        facts.absorb(&said, Stamp::new(1, Rank::Detail));
        assert_eq!(facts.to_raw(), r#"{"type":2,"~":{"*":[1,30]}}"#);
    }

    #[test]
    fn foreign_documents_are_read_as_old() {
        assert_eq!(Facts::parse(Some("not json")), Facts::default());
        let mut facts = Facts::parse(Some(r#"{"topic":"A"}"#));
        assert!(facts.say("topic", "B", Stamp::new(1, Rank::Event)));
    }

    #[test]
    fn instants_are_read_leniently() {
        let expected: jiff::Timestamp = "2026-09-14T08:30:00Z".parse().unwrap();
        for text in [
            "2026-09-14T08:30:00Z",
            " 2026-09-14T08:30:00 ",
            "2026-09-14T10:30:00+02:00",
        ] {
            assert_eq!(instant_text(text), Some(expected), "{text}");
        }
        assert_eq!(instant(&json!(expected.as_millisecond())), Some(expected));
        assert_eq!(instant_text("soon"), None);
    }

    proptest! {
        #[test]
        fn order_does_not_matter(
            says in proptest::collection::vec((0_usize..4, 0_i64..5, 0_i16..3, 0_i64..4), 0..12),
            seed in any::<u64>(),
        ) {
            let fold = |says: &[(usize, i64, i16, i64)]| {
                let mut facts = Facts::default();
                for (field, at_ms, rank, value) in says {
                    let name = ["topic", "settings/a", "settings/b", "end_time"][*field];
                    facts.say(name, *value, Stamp { at_ms: *at_ms, rank: *rank });
                }
                facts.to_raw()
            };
            let mut shuffled = says.clone();
            let mut state = seed | 1;
            for i in (1..shuffled.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                shuffled.swap(i, usize::try_from(state >> 33).unwrap() % (i + 1));
            }
            shuffled.extend(says.iter().copied().take(3));
            prop_assert_eq!(fold(&says), fold(&shuffled));
        }
    }
}
