//! What the generator needs to put whole things together out of its few choices.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::attend::{Person, attend};
use super::chance::Chance;
use super::change::{assemble, whole_second};
use super::model::{
    ContentRef, Instance, InstanceKey, InstanceUuid, Meeting, MeetingDraft, TranscriptFate, User,
    UserSettings, UserStatus,
};
use super::record::{RecordOptions, Set, record};
use crate::generate::GeneratedTalk;

/// The choices behind a generated instance.
#[derive(Debug)]
pub(crate) struct GeneratedParts<'a> {
    pub(crate) seed: u64,
    pub(crate) key: InstanceKey,
    pub(crate) uuid: InstanceUuid,
    pub(crate) number: u64,
    pub(crate) kind: u8,
    pub(crate) topic: String,
    pub(crate) host: &'a User,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    /// Names, and the users they are; none for people from outside.
    pub(crate) people: Vec<(String, Option<Arc<User>>)>,
    /// What was said, when it was recorded.
    pub(crate) talk: Option<GeneratedTalk>,
}

impl GeneratedParts<'_> {
    /// The instance with attendance and recording.
    pub(crate) fn assemble(self) -> Instance {
        let name = u64::from_be_bytes(self.uuid.0[..8].try_into().unwrap_or_default());
        let mut chance = Chance::of(self.seed, "generated attendance", name);
        let people: Vec<Person> = self
            .people
            .into_iter()
            .map(|(name, user)| match user {
                Some(user) => Person::of_user(&user, ""),
                None => Person {
                    name,
                    ..Person::default()
                },
            })
            .collect();
        let mut instance = Instance {
            key: self.key,
            uuid: self.uuid,
            number: self.number,
            kind: self.kind,
            topic: self.topic,
            host_id: self.host.id.clone(),
            timezone: self.host.timezone.clone(),
            scheduled_duration: 60,
            start: self.start,
            end: Some(self.end),
            participants: attend(&people, self.start, self.end, false, &mut chance),
            recording: None,
            summary: None,
        };
        if let Some(talk) = self.talk {
            let from = self
                .start
                .checked_add(SignedDuration::from_secs(20))
                .unwrap_or(self.start);
            let rendered = talk.render();
            let length = i64::try_from(rendered.length_ms).unwrap_or(0);
            let to = from
                .checked_add(SignedDuration::from_millis(length))
                .unwrap_or(from)
                .min(self.end);
            let set = Set::of_talk(
                from,
                whole_second(to),
                ContentRef::Generated(talk),
                rendered,
            );
            let options = RecordOptions {
                seed: self.seed,
                fate: TranscriptFate::OnTime,
                captions: false,
                auto_delete_days: None,
                overview: None,
            };
            record(&mut instance, self.end, &[set], &options);
        }
        instance
    }
}

/// A generated meeting number's definition: a series without fixed times.
pub(crate) fn generated_meeting(
    host: &User,
    number: u64,
    uuid: InstanceUuid,
    topic: String,
    created_at: Timestamp,
) -> Meeting {
    let draft = MeetingDraft {
        topic,
        kind: 3,
        creation_source: "web_portal",
        ..MeetingDraft::default()
    };
    assemble(
        host,
        draft,
        number,
        uuid,
        "123456".to_owned(),
        whole_second(created_at),
    )
}

/// A generated user: licensed, with recordings and transcripts on.
pub(crate) fn generated_user(
    id: String,
    email: String,
    names: (&str, &str),
    role: &str,
    pmi: u64,
    zone: &str,
    created: Timestamp,
) -> User {
    User {
        id,
        email,
        first_name: names.0.to_owned(),
        last_name: names.1.to_owned(),
        display_name: format!("{} {}", names.0, names.1),
        kind: 2,
        status: UserStatus::Active,
        role_id: role.to_owned(),
        pmi,
        timezone: zone.to_owned(),
        dept: String::new(),
        job_title: String::new(),
        language: "en-US".to_owned(),
        created_at: whole_second(created),
        last_login: whole_second(created),
        settings: UserSettings {
            cloud_recording: true,
            auto_recording: "cloud".to_owned(),
            audio_transcript: true,
            auto_delete_days: None,
            meeting_summary: false,
            waiting_room: false,
            meeting_capacity: 300,
            webinar: false,
        },
    }
}
