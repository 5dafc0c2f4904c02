//! A meeting played live: created, started, joined, left, ended, recorded, transcribed, each with its events.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::attend::Person;
use super::change::whole_second;
use super::ended::summary;
use super::model::{
    ContentRef, FileKind, Instance, MeetingDraft, Plan, Presence, TranscriptFate, User, UserStatus,
};
use super::organisation;
use super::record::{RecordOptions, Set, record};
use super::recordings::items;
use super::{World, WorldError};
use crate::content::{TalkRef, count, script};
use crate::webhooks::payload;

/// What to play.
#[derive(Clone, Debug, Default)]
pub struct LiveRequest {
    /// Host's id or address; a user who can record when none is given.
    pub host: Option<String>,
    /// Topic; the script's title when none is given.
    pub topic: Option<String>,
    /// Index of the script; the next one when none is given.
    pub script: Option<usize>,
    /// Move the clock from phase to phase instead of waiting for it.
    pub jump: bool,
    /// What becomes of the transcript.
    pub fate: TranscriptFate,
    /// Begin now, not half a minute after it was created.
    pub at_once: bool,
}

/// What was played.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LiveReport {
    /// Meeting number.
    pub meeting_id: u64,
    /// UUID of the instance.
    pub uuid: String,
    /// Topic.
    pub topic: String,
    /// Cues of the transcript; 0 when there is none (plan, or fate).
    pub transcript_cues: usize,
    /// Messages of the chat file; 0 when there is none.
    pub chat_messages: usize,
}

/// Users of the built-in organisation who join a live meeting with the host, and a guest.
const COMPANIONS: [&str; 5] = ["devika", "rosalind", "tobias", "saoirse", "priyanka"];

/// Moments of the play, in milliseconds after the start of the meeting.
enum Moment {
    Wait(usize),
    Join(usize),
    StartRecording,
    Leave(usize),
    StopRecording,
}

impl World {
    /// Plays a whole meeting and answers when its last event has been queued.
    ///
    /// Without `jump` everything happens at the clock's speed. A late transcript comes hours after the answer.
    ///
    /// # Errors
    /// When the host does not exist, or the clock cannot be moved.
    pub async fn play(self: &Arc<Self>, request: LiveRequest) -> Result<LiveReport, WorldError> {
        self.play_kind(request, 2).await
    }

    /// Plays a webinar instead, with the webinar events; needs a plan above Free.
    ///
    /// # Errors
    /// As [`Self::play`].
    pub async fn play_webinar(
        self: &Arc<Self>,
        request: LiveRequest,
    ) -> Result<LiveReport, WorldError> {
        self.play_kind(request, 5).await
    }

    async fn play_kind(
        self: &Arc<Self>,
        request: LiveRequest,
        kind: u8,
    ) -> Result<LiveReport, WorldError> {
        let host = self.live_host(request.host.as_deref())?;
        let (script_index, mut chance) = {
            let mut state = self.write();
            let chance = self.next_chance(&mut state);
            let next = usize::try_from(state.made).unwrap_or(0);
            (request.script.unwrap_or(next) % count(), chance)
        };
        let topic = request
            .topic
            .clone()
            .unwrap_or_else(|| script(script_index).title.clone());
        let draft = MeetingDraft {
            topic,
            kind,
            start: Some(whole_second(self.clock.now())),
            duration: 30,
            creation_source: "web_portal",
            ..MeetingDraft::default()
        };
        let meeting = self.create_meeting(&host.id, draft, &host.id)?;
        if !request.at_once {
            self.reach(self.later(30_000), request.jump).await?;
        }

        let people = self.live_people(&host, script(script_index).roles.max(2));
        let talk = TalkRef {
            script: script_index,
            episode: chance.next_u64() & 0xffff_ffff,
            cast: people.iter().map(Person::role).collect(),
            part: (0, 1),
        };
        let rendered = talk.render();
        let length = i64::try_from(rendered.length_ms).unwrap_or(0);
        let mut running = self.start_instance(&meeting, &people[0], &mut chance);
        let start = running.start;
        let at = |ms: i64| {
            start
                .checked_add(SignedDuration::from_millis(ms))
                .unwrap_or(start)
        };

        let recorded = self.options.plan > Plan::Free && host.settings.cloud_recording;
        let recording_from = 20_000_i64;
        let mut moments = vec![(recording_from, Moment::StartRecording)];
        for (place, person) in people.iter().enumerate().skip(1) {
            let join = 4_000 * i64::try_from(place).unwrap_or(0);
            if person.account_user_id.is_none() && kind == 2 {
                moments.push((join - 3_000, Moment::Wait(place)));
            }
            moments.push((join, Moment::Join(place)));
            moments.push((
                recording_from + length + 1_000 * i64::try_from(place).unwrap_or(0),
                Moment::Leave(place),
            ));
        }
        moments.push((recording_from + length, Moment::StopRecording));
        moments.sort_by_key(|(ms, _)| *ms);
        let (from, to) = (at(recording_from), at(recording_from + length));
        for (ms, moment) in moments {
            self.reach(at(ms), request.jump).await?;
            match moment {
                Moment::StartRecording if recorded => {
                    self.announce_recording("recording.started", &running, from, None);
                }
                Moment::StopRecording if recorded => {
                    self.announce_recording("recording.stopped", &running, from, Some(to));
                }
                Moment::StartRecording | Moment::StopRecording => {}
                Moment::Wait(place) => {
                    running = self.enter(
                        &running,
                        &people[place],
                        Presence::InWaitingRoom,
                        &mut chance,
                    );
                }
                Moment::Join(place) => {
                    running =
                        self.enter(&running, &people[place], Presence::InMeeting, &mut chance);
                }
                Moment::Leave(place) => running = self.leave(&running, &people[place]),
            }
        }
        let last =
            recording_from + length + 1_000 * i64::try_from(people.len()).unwrap_or(0) + 5_000;
        self.reach(at(last), request.jump).await?;
        let ended = match self.end_meeting(meeting.number) {
            Ok(ended) => ended,
            // Somebody ended it through the API meanwhile: the rest goes on from there.
            Err(WorldError::NotStarted(_)) => self.instance(&running.uuid).unwrap_or(running),
            Err(error) => return Err(error),
        };
        let mut report = LiveReport {
            meeting_id: meeting.number,
            uuid: ended.uuid.to_string(),
            topic: meeting.topic.clone(),
            transcript_cues: 0,
            chat_messages: 0,
        };
        if recorded {
            let set = Set::of_talk(from, to, ContentRef::Talk(talk), rendered);
            self.finish_recording(&ended, set, &host, &request, &mut report)
                .await?;
        }
        Ok(report)
    }

    /// Attaches the recording and announces it as it becomes ready.
    async fn finish_recording(
        self: &Arc<Self>,
        ended: &Instance,
        set: Set,
        host: &User,
        request: &LiveRequest,
        report: &mut LiveReport,
    ) -> Result<(), WorldError> {
        let end = ended.end.unwrap_or(ended.start);
        let mut next = ended.clone();
        let transcribe = host.settings.audio_transcript;
        if host.settings.meeting_summary
            && let Some(ContentRef::Talk(talk)) = &set.transcript
        {
            let ready = end
                .checked_add(SignedDuration::from_secs(90))
                .unwrap_or(end);
            next.summary = Some(summary(&next.topic, talk, ready));
        }
        let options = RecordOptions {
            seed: self.options.seed,
            fate: if transcribe {
                request.fate
            } else {
                TranscriptFate::Never
            },
            captions: false,
            auto_delete_days: host.settings.auto_delete_days,
            overview: next.summary.as_ref().map(|summary| summary.content.clone()),
        };
        record(&mut next, end, &[set], &options);
        let instance = self.write().replace(next);
        let Some(recording) = &instance.recording else {
            return Ok(());
        };
        for file in &recording.files {
            match file.kind {
                FileKind::Transcript => report.transcript_cues += items(file).unwrap_or(0),
                FileKind::Chat => report.chat_messages += items(file).unwrap_or(0),
                _ => {}
            }
        }
        if let Some(ready) = instance.summary.as_ref().map(|summary| summary.created_at) {
            self.reach(ready, request.jump).await?;
            if let Some(object) = payload::summary(&instance, &host.email, &self.urls()) {
                self.announce(
                    "meeting.summary_completed",
                    Some(&host.id),
                    self.plain(object),
                    None,
                );
            }
        }
        self.reach(recording.completed_at, request.jump).await?;
        let first: Vec<u16> = recording
            .files
            .iter()
            .filter(|file| file.kind != FileKind::Transcript)
            .map(|file| file.index)
            .collect();
        self.announce_ready("recording.completed", &instance, &first);
        let Some(ready) = recording
            .files
            .iter()
            .find(|file| file.kind == FileKind::Transcript)
            .map(|file| file.ready_at)
        else {
            return Ok(());
        };
        if options.fate == TranscriptFate::Late {
            let world = self.clone();
            let instance = instance.clone();
            tokio::spawn(async move {
                world.clock.sleep_until(ready).await;
                world.announce_transcript(&instance);
            });
            return Ok(());
        }
        self.reach(ready, request.jump).await?;
        self.announce_transcript(&instance);
        Ok(())
    }

    fn announce_transcript(&self, instance: &Instance) {
        let places: Vec<u16> = instance
            .recording
            .iter()
            .flat_map(|recording| &recording.files)
            .filter(|file| file.kind == FileKind::Transcript)
            .map(|file| file.index)
            .collect();
        self.announce_ready("recording.transcript_completed", instance, &places);
    }

    fn announce_ready(&self, event: &'static str, instance: &Instance, places: &[u16]) {
        let token = self.download_token(&instance.uuid, SignedDuration::from_hours(24));
        self.announce_files(event, instance, places, None, Some(token));
    }

    fn announce_recording(
        &self,
        event: &'static str,
        instance: &Instance,
        from: Timestamp,
        to: Option<Timestamp>,
    ) {
        let object = payload::recording_moment(instance, from, to);
        self.announce(event, Some(&instance.host_id), self.plain(object), None);
    }

    fn live_host(&self, asked: Option<&str>) -> Result<Arc<User>, WorldError> {
        if let Some(asked) = asked {
            return self
                .user(asked)
                .ok_or_else(|| WorldError::UnknownUser(asked.to_owned()));
        }
        let users = self.users();
        let able =
            |user: &&Arc<User>| user.status == UserStatus::Active && user.settings.cloud_recording;
        let host = users.iter().find(able).or_else(|| users.first());
        host.cloned()
            .ok_or_else(|| WorldError::UnknownUser("(any)".to_owned()))
    }

    /// The host and as many others as the script has roles: colleagues, and one from outside.
    fn live_people(&self, host: &User, roles: usize) -> Vec<Person> {
        let users: Vec<User> = self.users().iter().map(|user| User::clone(user)).collect();
        let called = host.display_name.split(' ').next().unwrap_or("").to_owned();
        let mut people = vec![Person::of_user(host, &called)];
        let built_in = COMPANIONS
            .iter()
            .filter_map(|name| organisation::person(name, &users));
        let any = users
            .iter()
            .filter(|user| user.status == UserStatus::Active)
            .map(|user| Person::of_user(user, user.first_name.as_str()));
        for person in built_in.chain(any) {
            if people.len() >= roles {
                break;
            }
            if people.iter().all(|other| other.name != person.name) {
                people.push(person);
            }
        }
        people
    }

    fn later(&self, ms: i64) -> Timestamp {
        let now = self.clock.now();
        now.checked_add(SignedDuration::from_millis(ms))
            .unwrap_or(now)
    }

    /// Waits until the clock shows `at`, or moves it there.
    async fn reach(&self, at: Timestamp, jump: bool) -> Result<(), WorldError> {
        if !jump {
            self.clock.sleep_until(at).await;
        } else if self.clock.now() < at {
            self.clock.set(at)?;
            // Readers of the clock file see the jump before the events that follow it; deliveries start meanwhile.
            self.clock.settle().await;
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}
