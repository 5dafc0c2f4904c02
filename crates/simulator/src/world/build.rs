//! From calendar to contents: the account as of its base time.

use std::sync::Arc;

use jiff::civil::{Date, Time};
use jiff::{SignedDuration, Timestamp, ToSpan as _};
use serde_json::{Map, Value};

use super::agenda::{Entry, HELD, PLANNED, Recorded, Series, Sign};
use super::attend::Person;
use super::chance::Chance;
use super::change::{assemble, whole_second};
use super::ended::{Held, ended};
use super::ids::{InstanceUuid, meeting_number, short_id};
use super::model::{
    Account, Meeting, MeetingDraft, Recurrence, Registrant, RegistrantStatus, TrackingField,
    TranscriptFate, User,
};
use super::recurrence::zone;
use super::state::{Body, MeetingSlot, State};
use super::{WorldError, WorldOptions, import, organisation};
use crate::content::{TalkRef, script, script_named};
use crate::generate::Generator;

/// The contents that `options` ask for.
pub(super) fn build(
    options: &WorldOptions,
    generator: Option<&Generator>,
) -> Result<State, WorldError> {
    let base = options.base_time;
    let mut users = match generator {
        Some(generator) => generator.users(),
        None => organisation::users(options.seed, base),
    };
    let account = Account {
        id: options
            .account_id
            .clone()
            .unwrap_or_else(|| short_id(&mut Chance::of(options.seed, "account", 0))),
        name: organisation::COMPANY.to_owned(),
        owner_id: users
            .first()
            .map_or_else(String::new, |owner| owner.id.clone()),
        created_at: users.first().map_or(base, |owner| owner.created_at),
    };
    let mut state = State::new(account);
    for user in users.drain(..) {
        let user = state.put_user(user);
        personal_room(&mut state, &user, options.seed);
    }
    let mut builder = Builder {
        seed: options.seed,
        base,
        users: state.users.iter().map(|user| User::clone(user)).collect(),
        state,
    };
    match (generator, &options.transcripts_dir) {
        (Some(generator), _) => fill(&mut builder.state, generator),
        (None, None) => {
            for (index, entry) in HELD.iter().enumerate() {
                builder.hold(index as u64, entry);
            }
        }
        (None, Some(_)) => {}
    }
    if let Some(folder) = &options.transcripts_dir {
        import::import(&mut builder.state, options.seed, base, folder)?;
    }
    if generator.is_none() {
        for (index, entry) in PLANNED.iter().enumerate() {
            builder.plan(1_000 + index as u64, entry);
        }
    }
    Ok(builder.state)
}

/// Generated instances: only their heads are kept.
fn fill(state: &mut State, generator: &Generator) {
    for index in 0..generator.instances() {
        let (number, host_id) = generator.number(index);
        if !state.meetings.contains_key(&number) {
            state.put_slot(
                number,
                host_id,
                MeetingSlot::Derived(generator.series(index)),
            );
        }
        let head = generator.head(index, state.next_key());
        state.add_instance(head, host_id, Body::Derived(index));
    }
}

/// Everybody has a personal room.
fn personal_room(state: &mut State, user: &User, seed: u64) {
    let mut chance = Chance::of(seed, "personal room", user.pmi);
    let draft = MeetingDraft {
        topic: format!("{}'s Personal Meeting Room", user.display_name),
        kind: 4,
        creation_source: "web_portal",
        ..MeetingDraft::default()
    };
    let uuid = InstanceUuid::draw(&mut chance, 0);
    let password = chance.text(b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789", 6);
    state.put_meeting(assemble(
        user,
        draft,
        user.pmi,
        uuid,
        password,
        user.created_at,
    ));
}

struct Builder {
    seed: u64,
    base: Timestamp,
    users: Vec<User>,
    state: State,
}

impl Builder {
    fn people(&self, entry: &Entry) -> Vec<Person> {
        let all = entry
            .cast
            .iter()
            .filter_map(|name| organisation::person(name, &self.users));
        all.collect()
    }

    fn host(&self, entry: &Entry) -> Option<User> {
        let person = organisation::person(entry.cast.first()?, &self.users)?;
        self.users
            .iter()
            .find(|user| Some(&user.id) == person.account_user_id.as_ref())
            .cloned()
    }

    /// The instant `days` before the base date at the host's local time.
    fn local(&self, host: &User, days: i64, at: (i8, i8)) -> Timestamp {
        let zone = zone(&host.timezone);
        let today = self.base.to_zoned(zone.clone()).date();
        let date = today.checked_sub(days.days()).unwrap_or(today);
        place(date, at, &host.timezone).unwrap_or(self.base)
    }

    /// Adds the meetings and ended instances of a line of the calendar.
    fn hold(&mut self, index: u64, entry: &Entry) {
        let Some(host) = self.host(entry) else { return };
        let mut people = self.people(entry);
        let mut chance = Chance::of(self.seed, "entry", index);
        let script_index = script_named(entry.script).unwrap_or(0);
        match entry.series {
            Series::Fixed {
                kind,
                every,
                day,
                held,
                planned,
            } => {
                let cancelled = u32::try_from(entry.cancelled.len()).unwrap_or(0);
                let first = self.first_of(&host, entry.at, kind, every, day, held + cancelled);
                let rule = Recurrence {
                    kind: kind.min(3),
                    repeat_interval: every,
                    weekly_days: (kind == 2).then(|| day.to_string()),
                    monthly_day: (kind == 3).then_some(day),
                    end_times: Some(held + cancelled + planned),
                    ..Recurrence::default()
                };
                let mut meeting =
                    self.meeting(entry, &host, 8, Some(first), Some(rule), &mut chance);
                for place in entry.cancelled {
                    if let Some(one) = meeting.occurrences.get_mut(*place) {
                        one.deleted = true;
                    }
                }
                let starts: Vec<Timestamp> = meeting
                    .occurrences
                    .iter()
                    .filter(|one| !one.deleted && one.start < self.base)
                    .map(|one| one.start)
                    .take(held as usize)
                    .collect();
                let meeting = self.state.put_meeting(meeting);
                self.play(
                    index,
                    entry,
                    &host,
                    &people,
                    &meeting,
                    &starts,
                    script_index,
                );
            }
            Series::Once | Series::Loose => {
                let starts: Vec<Timestamp> = entry
                    .days
                    .iter()
                    .map(|days| self.local(&host, *days, entry.at))
                    .collect();
                let kind = match (entry.series == Series::Loose, entry.webinar) {
                    (true, _) => 3,
                    (false, true) => 5,
                    (false, false) => 2,
                };
                if kind == 2 && starts.len() > 1 {
                    // Calls with the same customer on several days are meetings of their own.
                    for start in starts {
                        let meeting =
                            self.meeting(entry, &host, kind, Some(start), None, &mut chance);
                        let meeting = self.state.put_meeting(meeting);
                        self.play(
                            index,
                            entry,
                            &host,
                            &people,
                            &meeting,
                            &[start],
                            script_index,
                        );
                    }
                    return;
                }
                let mut meeting = self.meeting(
                    entry,
                    &host,
                    kind,
                    starts.first().copied(),
                    None,
                    &mut chance,
                );
                self.sign_up(&mut meeting, entry.registrants, &mut people, &mut chance);
                let meeting = self.state.put_meeting(meeting);
                self.play(
                    index,
                    entry,
                    &host,
                    &people,
                    &meeting,
                    &starts,
                    script_index,
                );
            }
            Series::Instant => {
                for (place, days) in entry.days.iter().enumerate() {
                    let start = self.local(&host, *days, entry.at);
                    let mut meeting = self.meeting(entry, &host, 1, Some(start), None, &mut chance);
                    meeting.created_at = start;
                    if entry.topic.is_empty() {
                        meeting.topic = format!("{}'s Zoom Meeting", host.display_name);
                    }
                    let meeting = self.state.put_meeting(meeting);
                    let one = Entry {
                        recorded: match entry.recorded {
                            Recorded::Only(places) if places.contains(&place) => Recorded::All,
                            Recorded::Only(_) => Recorded::None,
                            other => other,
                        },
                        ..*entry
                    };
                    self.play(
                        index + 100 * place as u64,
                        &one,
                        &host,
                        &people,
                        &meeting,
                        &[start],
                        script_index,
                    );
                }
            }
            Series::Personal => {
                let starts: Vec<Timestamp> = entry
                    .days
                    .iter()
                    .map(|days| self.local(&host, *days, entry.at))
                    .collect();
                if let Some(MeetingSlot::Stored(meeting)) = self.state.meetings.get(&host.pmi) {
                    let meeting = meeting.clone();
                    self.play(
                        index,
                        entry,
                        &host,
                        &people,
                        &meeting,
                        &starts,
                        script_index,
                    );
                }
            }
        }
    }

    /// Adds a meeting that is still to come.
    fn plan(&mut self, index: u64, entry: &Entry) {
        let Some(host) = self.host(entry) else { return };
        let mut chance = Chance::of(self.seed, "entry", index);
        let kind = if entry.webinar { 5 } else { 2 };
        let start = entry
            .days
            .first()
            .map(|days| self.local(&host, *days, entry.at));
        let mut meeting = self.meeting(entry, &host, kind, start, None, &mut chance);
        meeting.created_at = whole_second(
            self.base
                .checked_sub(SignedDuration::from_hours(24 * 6))
                .unwrap_or(self.base),
        );
        self.sign_up(
            &mut meeting,
            entry.registrants,
            &mut Vec::new(),
            &mut chance,
        );
        self.state.put_meeting(meeting);
    }

    /// The first of a series of which `held` occurrences lie before the base time.
    fn first_of(
        &self,
        host: &User,
        at: (i8, i8),
        kind: u8,
        every: u32,
        day: i8,
        held: u32,
    ) -> Timestamp {
        let zone = zone(&host.timezone);
        let yesterday = self
            .base
            .to_zoned(zone)
            .date()
            .checked_sub(1.days())
            .unwrap_or(Date::MIN);
        let back = i64::from(held.saturating_sub(1)) * i64::from(every);
        let first = if kind == 3 {
            let mut last = yesterday.with().day(day).build().unwrap_or(yesterday);
            if last > yesterday {
                last = last.checked_sub(1.months()).unwrap_or(last);
            }
            last.checked_sub(back.months())
        } else {
            let ahead = (yesterday.weekday().to_sunday_zero_offset() - (day - 1)).rem_euclid(7);
            yesterday
                .checked_sub(i64::from(ahead).days())
                .and_then(|last| last.checked_sub(back.weeks()))
        };
        place(first.unwrap_or(yesterday), at, &host.timezone).unwrap_or(self.base)
    }

    fn meeting(
        &self,
        entry: &Entry,
        host: &User,
        kind: u8,
        start: Option<Timestamp>,
        recurrence: Option<Recurrence>,
        chance: &mut Chance,
    ) -> Meeting {
        let title = script_named(entry.script).map_or("", |index| script(index).title.as_str());
        let mut settings = Map::new();
        settings.insert("approval_type".to_owned(), Value::from(entry.approval));
        if entry.waiting_room {
            settings.insert("waiting_room".to_owned(), true.into());
        }
        let tracking_fields = if entry.script == "product-weekly" {
            vec![TrackingField {
                field: "Team".to_owned(),
                value: "Product".to_owned(),
                visible: true,
            }]
        } else {
            Vec::new()
        };
        let draft = MeetingDraft {
            topic: if entry.topic.is_empty() {
                title
            } else {
                entry.topic
            }
            .to_owned(),
            agenda: String::new(),
            kind,
            start,
            duration: entry.minutes,
            timezone: host.timezone.clone(),
            recurrence,
            settings,
            tracking_fields,
            creation_source: "other",
            password: Some(chance.text(
                b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789",
                6,
            )),
        };
        let mut number = meeting_number(chance);
        while self.state.meetings.contains_key(&number) {
            number = meeting_number(chance);
        }
        let uuid = InstanceUuid::draw(chance, 0);
        let lead = SignedDuration::from_hours(24 * chance.between(2, 12));
        let created = start
            .unwrap_or(self.base)
            .checked_sub(lead)
            .unwrap_or(self.base);
        assemble(
            host,
            draft,
            number,
            uuid,
            password_of(chance),
            whole_second(created),
        )
    }

    /// Adds registrations, and those who came to the people.
    fn sign_up(
        &self,
        meeting: &mut Meeting,
        signs: &[Sign],
        people: &mut Vec<Person>,
        chance: &mut Chance,
    ) {
        for sign in signs {
            let id = short_id(chance);
            let lead = SignedDuration::from_hours(chance.between(20, 110));
            let before = meeting.start.unwrap_or(self.base).min(self.base);
            meeting.registrants.push(Registrant {
                id: id.clone(),
                email: sign.2.to_owned(),
                first_name: sign.0.to_owned(),
                last_name: sign.1.to_owned(),
                status: sign.3,
                created_at: before
                    .checked_sub(lead)
                    .unwrap_or(before)
                    .max(meeting.created_at),
                join_key: short_id(chance),
                pin: 100_000 + u32::try_from(chance.below(900_000)).unwrap_or(0),
                answers: Map::new(),
                occurrences: Vec::new(),
            });
            if sign.4 && sign.3 == RegistrantStatus::Approved {
                people.push(Person {
                    name: format!("{} {}", sign.0, sign.1),
                    called: sign.0.to_owned(),
                    email: Some(sign.2.to_owned()),
                    registrant_id: Some(id),
                    ..Person::default()
                });
            }
        }
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "a line of the calendar and what was made from it"
    )]
    fn play(
        &mut self,
        index: u64,
        entry: &Entry,
        host: &User,
        people: &[Person],
        meeting: &Meeting,
        starts: &[Timestamp],
        script: usize,
    ) {
        for (place, start) in starts.iter().enumerate() {
            let key = self.state.next_key();
            let mut chance = Chance::of(self.seed, "start", u64::from(key.0));
            let late = SignedDuration::from_secs(chance.between(-60, 200));
            let record = match entry.recorded {
                Recorded::All => true,
                Recorded::None => false,
                Recorded::Only(places) => places.contains(&place),
            };
            let held = Held {
                key,
                number: meeting.number,
                kind: meeting.kind,
                topic: meeting.topic.clone(),
                host,
                timezone: meeting.timezone.clone(),
                minutes: meeting.duration,
                start: start.checked_add(late).unwrap_or(*start),
                people,
                talk: TalkRef {
                    script,
                    // Episodes of a series follow one another; other meetings of the same script begin elsewhere.
                    episode: self
                        .seed
                        .wrapping_mul(31)
                        .wrapping_add(index * 7 + place as u64)
                        & 0xffff_ffff,
                    cast: people.iter().map(Person::role).collect::<Arc<[_]>>(),
                    part: (0, 1),
                },
                parts: entry.parts,
                record,
                fate: if entry.no_transcript {
                    TranscriptFate::Never
                } else {
                    TranscriptFate::OnTime
                },
                captions: entry.captions,
                waiting_room: entry.waiting_room,
            };
            let instance = ended(self.seed, &held);
            self.state.add_stored(instance);
        }
    }
}

fn password_of(chance: &mut Chance) -> String {
    chance.text(
        b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789",
        6,
    )
}

/// A civil date and time of day in a zone; inside a gap, after it.
fn place(date: Date, at: (i8, i8), timezone: &str) -> Option<Timestamp> {
    let time = Time::new(at.0, at.1, 0, 0).ok()?;
    let zoned = zone(timezone)
        .to_ambiguous_zoned(date.to_datetime(time))
        .compatible()
        .ok()?;
    Some(zoned.timestamp())
}
