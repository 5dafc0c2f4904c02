//! The generated organisation: users in full, meetings and instances by index.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::names::{FAMILY, GIVEN, KINDS, SUBJECTS, ZONES};
use super::talk::GeneratedTalk;
use crate::config::Generate;
use crate::content::Role;
use crate::world::chance::Chance;
use crate::world::ids::{InstanceUuid, personal_number, short_id};
use crate::world::model::{Instance, InstanceHead, InstanceKey, Meeting, User};
use crate::world::parts::{GeneratedParts, generated_meeting, generated_user};

/// Instances of one recurring number.
const SERIES_LENGTH: u32 = 10;

/// Seconds over which the past is spread.
const WINDOW_SECONDS: i64 = 150 * 86_400;

/// Derives an organisation of any size from a seed.
#[derive(Debug)]
pub struct Generator {
    seed: u64,
    base: Timestamp,
    size: Generate,
    users: Vec<Arc<User>>,
}

/// The few choices that all facts of an instance follow from.
struct Facts {
    host: usize,
    series: u32,
    kind: u8,
    start: Timestamp,
    people: usize,
    recorded: bool,
}

impl Generator {
    /// An organisation of `size` as of `base`.
    #[must_use]
    pub fn new(seed: u64, base: Timestamp, size: Generate) -> Self {
        let mut generator = Self {
            seed,
            base,
            size,
            users: Vec::new(),
        };
        generator.users = (0..size.users.max(1))
            .map(|index| Arc::new(generator.user(index)))
            .collect();
        generator
    }

    /// Its users.
    #[must_use]
    pub fn users(&self) -> Vec<User> {
        self.users.iter().map(|user| User::clone(user)).collect()
    }

    /// Number of instances.
    #[must_use]
    pub fn instances(&self) -> u32 {
        self.size.meetings
    }

    /// Number of the meeting that holds the instance with this index, and the host's user id.
    #[must_use]
    pub fn number(&self, index: u32) -> (u64, &str) {
        let facts = self.facts(index);
        (self.number_of(facts.series), &self.users[facts.host].id)
    }

    /// Index of the meeting's definition, for [`Self::meeting`].
    #[must_use]
    pub fn series(&self, index: u32) -> u32 {
        self.facts(index).series
    }

    /// What lists need to know of an instance.
    #[must_use]
    pub fn head(&self, index: u32, key: InstanceKey) -> InstanceHead {
        let facts = self.facts(index);
        InstanceHead {
            key,
            uuid: self.uuid(index),
            number: self.number_of(facts.series),
            kind: facts.kind,
            start: facts.start,
            end: Some(self.end(index, &facts)),
            recorded: facts.recorded,
            people: u32::try_from(facts.people).unwrap_or(u32::MAX),
        }
    }

    /// The whole instance.
    #[must_use]
    pub fn instance(&self, index: u32, key: InstanceKey) -> Instance {
        let facts = self.facts(index);
        let host = &self.users[facts.host];
        let talk = self.talk(index, &facts);
        let parts = GeneratedParts {
            seed: self.seed,
            key,
            uuid: self.uuid(index),
            number: self.number_of(facts.series),
            kind: facts.kind,
            topic: self.topic(facts.series),
            host,
            start: facts.start,
            end: self.end(index, &facts),
            people: self.people(index, &facts),
            talk: facts.recorded.then_some(talk),
        };
        parts.assemble()
    }

    /// The definition of a meeting number by its series.
    #[must_use]
    pub fn meeting(&self, series: u32) -> Meeting {
        let mut chance = Chance::of(self.seed, "generated meeting", u64::from(series));
        let first = self.facts(series * SERIES_LENGTH);
        let created_at = first
            .start
            .checked_sub(SignedDuration::from_hours(24 * chance.between(1, 10)))
            .unwrap_or(first.start);
        generated_meeting(
            &self.users[first.host],
            self.number_of(series),
            InstanceUuid::draw(&mut chance, 0),
            self.topic(series),
            created_at,
        )
    }

    fn user(&self, index: u32) -> User {
        let mut chance = Chance::of(self.seed, "generated user", u64::from(index));
        let first = chance.pick(&GIVEN).copied().unwrap_or("Ann");
        let last = chance.pick(&FAMILY).copied().unwrap_or("Bell");
        let zone = chance.pick(&ZONES).copied().unwrap_or("UTC");
        let created = self
            .base
            .checked_sub(SignedDuration::from_hours(24 * chance.between(200, 1_200)))
            .unwrap_or(self.base);
        generated_user(
            short_id(&mut chance),
            format!("user{index}@generated.example"),
            (first, last),
            if index == 0 { "0" } else { "2" },
            // The ten digits must differ for every user.
            personal_number(&mut chance) / 1_000_000 * 1_000_000 + u64::from(index % 1_000_000),
            zone,
            created,
        )
    }

    fn facts(&self, index: u32) -> Facts {
        let series = index / SERIES_LENGTH;
        let place = index % SERIES_LENGTH;
        let mut of_series = Chance::of(self.seed, "generated series", u64::from(series));
        let host = of_series.index(self.users.len());
        let first = of_series.between(0, WINDOW_SECONDS / 15);
        let step = WINDOW_SECONDS / i64::from(SERIES_LENGTH) - 60;
        let mut chance = Chance::of(self.seed, "generated instance", u64::from(index));
        let offset = first + i64::from(place) * step + chance.between(0, 7_200);
        let start = self
            .base
            .as_second()
            .saturating_sub(WINDOW_SECONDS)
            .saturating_add(offset)
            // Late enough for everything of it to be ready before the base time.
            .min(self.base.as_second() - 36 * 3_600);
        let people = if chance.happens(0.03) {
            1
        } else {
            usize::try_from(chance.between(2, 9)).unwrap_or(2)
        };
        Facts {
            host,
            series,
            kind: 3,
            start: Timestamp::from_second(start).unwrap_or(self.base),
            people,
            recorded: chance.happens(0.8),
        }
    }

    fn uuid(&self, index: u32) -> InstanceUuid {
        let form = match index % 23 {
            7 => 1,
            15 => 2,
            _ => 0,
        };
        InstanceUuid::draw(
            &mut Chance::of(self.seed, "generated uuid", u64::from(index)),
            form,
        )
    }

    fn number_of(&self, series: u32) -> u64 {
        // The series itself makes the number unique; its head hides that.
        let mut chance = Chance::of(self.seed, "generated number", u64::from(series));
        let head = 80 + chance.below(19);
        head * 1_000_000_000 + (u64::from(series) * 7 + self.seed % 7)
    }

    fn topic(&self, series: u32) -> String {
        let mut chance = Chance::of(self.seed, "generated topic", u64::from(series));
        let kind = chance.pick(&KINDS).copied().unwrap_or("Weekly");
        let subject = chance.pick(&SUBJECTS).copied().unwrap_or("everything");
        format!("{kind}: {subject} ({series})")
    }

    /// Names, and the users they are; the host first.
    fn people(&self, index: u32, facts: &Facts) -> Vec<(String, Option<Arc<User>>)> {
        let mut chance = Chance::of(self.seed, "generated people", u64::from(index));
        let host = &self.users[facts.host];
        let mut out = vec![(host.display_name.clone(), Some(host.clone()))];
        while out.len() < facts.people {
            let user = &self.users[chance.index(self.users.len())];
            let new = out
                .iter()
                .flat_map(|(_, other)| other)
                .all(|other| other.id != user.id);
            if chance.happens(0.8) && new {
                out.push((user.display_name.clone(), Some(user.clone())));
            } else {
                let first = chance.pick(&GIVEN).copied().unwrap_or("Ann");
                let last = chance.pick(&FAMILY).copied().unwrap_or("Bell");
                out.push((format!("{first} {last} ({})", out.len()), None));
            }
        }
        out
    }

    fn talk(&self, index: u32, facts: &Facts) -> GeneratedTalk {
        let cast = self
            .people(index, facts)
            .into_iter()
            .map(|(name, _)| Role::new(&name))
            .collect();
        GeneratedTalk {
            seed: Chance::of(self.seed, "generated talk", u64::from(index)).next_u64(),
            cast,
        }
    }

    /// The end follows from the number of cues wanted, so that it is known without rendering.
    fn end(&self, index: u32, facts: &Facts) -> Timestamp {
        let talk = GeneratedTalk {
            seed: Chance::of(self.seed, "generated talk", u64::from(index)).next_u64(),
            cast: Arc::from([]),
        };
        // A cue with the gap before it takes 4.2 seconds on average; the recording always ends before the meeting.
        let seconds = i64::try_from(talk.cues_wanted()).unwrap_or(0) * 11 / 2 + 150;
        facts
            .start
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap_or(facts.start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generator(users: u32, meetings: u32) -> Generator {
        Generator::new(
            5,
            "2026-11-20T12:00:00Z".parse().unwrap(),
            Generate { users, meetings },
        )
    }

    #[test]
    fn everything_follows_from_seed_and_index() {
        let (one, two) = (generator(20, 200), generator(20, 200));
        for index in [0, 7, 19, 199] {
            let key = InstanceKey(index);
            assert_eq!(
                format!("{:?}", one.instance(index, key)),
                format!("{:?}", two.instance(index, key))
            );
        }
    }

    #[test]
    fn heads_tell_the_truth() {
        let generator = generator(20, 400);
        for index in 0..400 {
            let key = InstanceKey(index);
            let (head, instance) = (generator.head(index, key), generator.instance(index, key));
            assert_eq!(
                (head.uuid, head.number, head.start, head.end),
                (instance.uuid, instance.number, instance.start, instance.end)
            );
            assert_eq!(head.recorded, instance.recording.is_some());
            assert_eq!(head.people as usize, instance.people(), "index {index}");
            for file in instance
                .recording
                .iter()
                .flat_map(|recording| &recording.files)
            {
                assert!(file.end <= instance.end.unwrap(), "index {index}");
                assert!(file.ready_at <= generator.base);
            }
            assert_eq!(
                generator.meeting(generator.series(index)).number,
                instance.number
            );
        }
    }
}
