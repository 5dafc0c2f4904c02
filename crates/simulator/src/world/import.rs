//! The past out of a folder of transcripts.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::civil::time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::WorldError;
use super::attend::{Person, attend};
use super::chance::Chance;
use super::change::{assemble, whole_second};
use super::ended::uuid_of;
use super::ids::{InstanceUuid, meeting_number};
use super::model::{ContentRef, Instance, MeetingDraft, TranscriptFate, User, UserStatus};
use super::record::{RecordOptions, Set, record};
use super::state::State;
use crate::files::{FolderMeeting, scan};

/// Days before the base time that dates in folder names may lie.
const WINDOW_DAYS: i64 = 150;

/// Adds a recorded meeting for every folder with a transcript; folders beside each other are one series without fixed times.
pub(super) fn import(
    state: &mut State,
    seed: u64,
    base: Timestamp,
    root: &Path,
) -> Result<(), WorldError> {
    let found = scan(root)?;
    let count = i64::try_from(found.len()).unwrap_or(i64::MAX).max(1);
    let hosts: Vec<User> = state
        .users
        .iter()
        .filter(|user| user.status == UserStatus::Active && user.settings.cloud_recording)
        .map(|user| User::clone(user))
        .collect();
    let mut members: BTreeMap<&str, usize> = BTreeMap::new();
    for meeting in &found {
        *members.entry(&meeting.series).or_default() += 1;
    }
    let mut series: BTreeMap<&str, (u64, usize)> = BTreeMap::new();
    for (index, meeting) in found.iter().enumerate() {
        let mut chance = Chance::of(seed, "folder", index as u64);
        let start = start_of(meeting, index, count, base, &mut chance);
        let loose = members
            .get(meeting.series.as_str())
            .is_some_and(|members| *members > 1);
        let known = series
            .get(meeting.series.as_str())
            .copied()
            .filter(|_| loose);
        let place = known.map_or(series.len(), |(_, place)| place);
        let Some(host) = hosts.get(place % hosts.len().max(1)) else {
            continue;
        };
        let number = if let Some((number, _)) = known {
            number
        } else {
            let mut number = meeting_number(&mut chance);
            while state.meetings.contains_key(&number) {
                number = meeting_number(&mut chance);
            }
            let draft = MeetingDraft {
                topic: if loose {
                    meeting.series.clone()
                } else {
                    meeting.topic.clone()
                },
                kind: if loose { 3 } else { 2 },
                start: Some(start),
                creation_source: "other",
                ..MeetingDraft::default()
            };
            let uuid = InstanceUuid::draw(&mut chance, 0);
            let created = start
                .checked_sub(SignedDuration::from_hours(72))
                .unwrap_or(start);
            state.put_meeting(assemble(
                host,
                draft,
                number,
                uuid,
                chance.text(b"abcdefghjkmnpqrstuvwxyz23456789", 6),
                created,
            ));
            series.insert(&meeting.series, (number, place));
            number
        };
        let instance = instance(
            state,
            seed,
            meeting,
            host,
            number,
            loose,
            start,
            &mut chance,
        );
        state.add_stored(instance);
    }
    Ok(())
}

/// The date of the folder's name when it lies in the window, else spread evenly over it.
fn start_of(
    meeting: &FolderMeeting,
    index: usize,
    count: i64,
    base: Timestamp,
    chance: &mut Chance,
) -> Timestamp {
    let oldest = base
        .checked_sub(SignedDuration::from_hours(24 * WINDOW_DAYS))
        .unwrap_or(Timestamp::MIN);
    let latest = base
        .checked_sub(SignedDuration::from_hours(24))
        .unwrap_or(base);
    let hour = i8::try_from(chance.between(8, 17)).unwrap_or(12);
    let named = meeting
        .date
        .and_then(|date| {
            TimeZone::UTC
                .to_timestamp(date.to_datetime(time(hour, 0, 0, 0)))
                .ok()
        })
        .filter(|at| (oldest..latest).contains(at));
    named.unwrap_or_else(|| {
        let step = WINDOW_DAYS * 86_400 / (count + 1);
        let back = step * (count - i64::try_from(index).unwrap_or(0));
        let at = latest
            .checked_sub(SignedDuration::from_secs(back))
            .unwrap_or(latest);
        whole_second(at.max(oldest))
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "a folder and where its meeting belongs"
)]
fn instance(
    state: &State,
    seed: u64,
    meeting: &FolderMeeting,
    host: &User,
    number: u64,
    loose: bool,
    start: Timestamp,
    chance: &mut Chance,
) -> Instance {
    let key = state.next_key();
    let later = |at: Timestamp, seconds: u64| {
        at.checked_add(SignedDuration::from_secs(
            i64::try_from(seconds).unwrap_or(0),
        ))
        .unwrap_or(at)
    };
    let mut sets = Vec::new();
    let mut at = later(start, 20);
    for (place, (file, length)) in meeting
        .transcripts
        .iter()
        .zip(&meeting.lengths_ms)
        .enumerate()
    {
        let end = later(at, length / 1_000 + 5);
        // A file in which nobody wrote is none of Zoom's.
        let chat = meeting
            .chat
            .clone()
            .filter(|chat| place == 0 && chat.items > 0);
        sets.push(Set {
            start: at,
            end,
            transcript: Some(ContentRef::Disk(file.clone())),
            chat: chat.map(ContentRef::Disk),
            rendered: None,
        });
        at = later(end, 60);
    }
    let end = later(sets.last().map_or(start, |set| set.end), 15);
    let mut people = vec![Person::of_user(host, "")];
    people.extend(
        meeting
            .speakers
            .iter()
            .filter(|name| **name != host.display_name)
            .map(|name| Person {
                name: name.clone(),
                ..Person::default()
            }),
    );
    let mut instance = Instance {
        key,
        uuid: uuid_of(seed, key),
        number,
        kind: if loose { 3 } else { 2 },
        topic: meeting.topic.clone(),
        host_id: host.id.clone(),
        timezone: host.timezone.clone(),
        scheduled_duration: 60,
        start,
        end: Some(end),
        participants: attend(&people, start, end, false, chance),
        recording: None,
        summary: None,
    };
    let options = RecordOptions {
        seed,
        fate: TranscriptFate::OnTime,
        captions: false,
        auto_delete_days: None,
        overview: None,
    };
    record(&mut instance, end, &sets, &options);
    instance
}
