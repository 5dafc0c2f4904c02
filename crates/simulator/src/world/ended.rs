//! An ended instance out of its plan: times, attendance, recording, summary.

use jiff::{SignedDuration, Timestamp};

use super::attend::{Person, attend};
use super::chance::Chance;
use super::change::whole_second;
use super::ids::InstanceUuid;
use super::model::{ContentRef, Instance, InstanceKey, Summary, TranscriptFate, User};
use super::record::{RecordOptions, Set, record};
use crate::content::TalkRef;

/// What an ended instance is made from.
pub(super) struct Held<'a> {
    pub(super) key: InstanceKey,
    pub(super) number: u64,
    pub(super) kind: u8,
    pub(super) topic: String,
    pub(super) host: &'a User,
    pub(super) timezone: String,
    pub(super) minutes: u32,
    pub(super) start: Timestamp,
    pub(super) people: &'a [Person],
    pub(super) talk: TalkRef,
    pub(super) parts: u8,
    pub(super) record: bool,
    pub(super) fate: TranscriptFate,
    pub(super) captions: bool,
    pub(super) waiting_room: bool,
}

/// The UUID of the instance with this key: some of them need encoding twice.
pub(super) fn uuid_of(seed: u64, key: InstanceKey) -> InstanceUuid {
    let form = match key.0 {
        n if n % 9 == 4 => 1,
        n if n % 11 == 6 => 2,
        _ => 0,
    };
    InstanceUuid::draw(&mut Chance::of(seed, "instance", u64::from(key.0)), form)
}

/// An ended instance with attendance, recording and summary.
pub(super) fn ended(seed: u64, held: &Held<'_>) -> Instance {
    let mut chance = Chance::of(seed, "ended", u64::from(held.key.0));
    let plus = |at: Timestamp, ms: i64| {
        at.checked_add(SignedDuration::from_millis(ms))
            .unwrap_or(at)
    };
    let mut sets = Vec::new();
    let mut at = plus(held.start, chance.between(15, 60) * 1_000);
    for part in 0..held.parts {
        let talk = TalkRef {
            part: (part, held.parts),
            ..held.talk.clone()
        };
        let rendered = talk.render();
        let length = rendered.length_ms;
        let end = whole_second(plus(at, i64::try_from(length).unwrap_or(0)));
        sets.push(Set::of_talk(at, end, ContentRef::Talk(talk), rendered));
        at = plus(end, chance.between(120, 420) * 1_000);
    }
    let last = sets.last().map_or(held.start, |set| set.end);
    let end = plus(last, chance.between(8, 50) * 1_000);
    let mut instance = Instance {
        key: held.key,
        uuid: uuid_of(seed, held.key),
        number: held.number,
        kind: held.kind,
        topic: held.topic.clone(),
        host_id: held.host.id.clone(),
        timezone: held.timezone.clone(),
        scheduled_duration: held.minutes,
        start: held.start,
        end: Some(end),
        participants: attend(held.people, held.start, end, held.waiting_room, &mut chance),
        recording: None,
        summary: None,
    };
    if held.host.settings.meeting_summary && held.people.len() > 1 {
        instance.summary = Some(summary(&held.topic, &held.talk, plus(end, 240_000)));
    }
    if held.record {
        let options = RecordOptions {
            seed,
            fate: held.fate,
            captions: held.captions,
            auto_delete_days: held.host.settings.auto_delete_days,
            overview: instance
                .summary
                .as_ref()
                .map(|summary| summary.content.clone()),
        };
        record(&mut instance, end, &sets, &options);
    }
    instance
}

/// A summary of what a script's meeting talked about.
pub(super) fn summary(topic: &str, talk: &TalkRef, created_at: Timestamp) -> Summary {
    let names: Vec<&str> = talk.cast.iter().map(|role| role.shown.as_str()).collect();
    let topics = talk.topics();
    Summary {
        title: format!("Meeting summary for {topic}"),
        content: format!(
            "## Quick recap\n\n{} talked about {}.\n\n## Topics\n\n- {}\n",
            names.join(", "),
            topics.join(", "),
            topics.join("\n- "),
        ),
        created_at,
        heard: ContentRef::Talk(talk.clone()),
    }
}
