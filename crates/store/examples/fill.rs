//! Fills the database of a connected account with made-up meetings, for `cargo xtask bench api`: how many to make and
//! the file are the arguments. Two more, a number and a word, add a webinar that ends now and had so many guests, who are known
//! by the word: for `cargo xtask bench activate`.
//!
//! Of every hundred meetings held, all have participants, thirty a recording with two files, six a transcript. Each is
//! told of by an event of the inbox and one of the domain's.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and says what it made"
)]

use std::error::Error;
use std::sync::Arc;

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use parfocal_store::{
    AccountId, AppId, Appended, ArtefactKind, ArtefactState, AttendanceKind, Cue, DatabaseUrl,
    EventId, EventState, InstanceState, JobFilter, JobState, MeetingId, MeetingKind, NewArtefact,
    NewAttendance, NewDomainEvent, NewEvent, NewFile, NewInstance, NewMeeting, NewRecording,
    NewRegistrant, NewTranscript, NewUser, OpenOptions, Scope, SeededIds, Seen, Source, Store,
    TranscriptSource, Tx, utterances,
};
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USERS: u64 = 500;
/// Meetings held of one series.
const OF_A_SERIES: u64 = 5;
/// Meetings written in one transaction.
const TOGETHER: u64 = 250;
const WORDS: [&str; 24] = [
    "plan", "budget", "release", "review", "customer", "contract", "design", "question", "answer",
    "deadline", "team", "number", "market", "risk", "test", "server", "invoice", "travel",
    "office", "summer", "project", "decision", "report", "weekly",
];

/// Spreads a number; the same in every run.
fn mix(n: u64) -> u64 {
    let z = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (z ^ (z >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 7
}

fn word(n: u64) -> &'static str {
    let at = mix(n) % u64::try_from(WORDS.len()).unwrap_or(1);
    WORDS[usize::try_from(at).unwrap_or_default()]
}

struct Fill {
    account: AccountId,
    app: AppId,
    begin: Timestamp,
    now: Timestamp,
    meetings: u64,
}

impl Fill {
    fn seen(&self) -> Seen {
        Seen {
            at: self.now,
            source: Source::Detail,
            now: self.now,
        }
    }

    /// Over the two years before, one after the other.
    fn start(&self, n: u64) -> Result<Timestamp> {
        let share = i64::try_from(n)? * 2 * 365 * 24 * 3600 / i64::try_from(self.meetings)?;
        Ok(self.begin.checked_add(SignedDuration::from_secs(share))?)
    }

    async fn users(&self, tx: &mut Tx) -> Result<()> {
        for n in 0..USERS {
            let new = NewUser {
                external_id: format!("bench-user-{n}"),
                email: Some(format!("person{n}@bench.example")),
                name: Some(format!("Person {n} {}", word(n))),
                status: Some("active".to_owned()),
                raw: Some(
                    json!({ "id": format!("bench-user-{n}"), "dept": word(n + 1), "type": 2 })
                        .to_string(),
                ),
                ..NewUser::default()
            };
            tx.upsert_user(self.account, &new, &self.seen()).await?;
        }
        Ok(())
    }

    async fn series(&self, tx: &mut Tx, n: u64) -> Result<MeetingId> {
        let number = 80_000_000_000 + n;
        let new = NewMeeting {
            external_id: number.to_string(),
            kind: Some(MeetingKind::Meeting),
            provider_type: Some(8),
            host_user_id: Some(format!("bench-user-{}", n % USERS)),
            topic: Some(format!("{} {} {n}", word(n), word(n + 7))),
            tz: Some("Europe/Berlin".to_owned()),
            start: Some(self.start(n * OF_A_SERIES)?),
            duration_min: Some(30),
            settings: Some(
                json!({ "waiting_room": true, "auto_recording": "cloud", "approval_type": 2 }),
            ),
            join_url: Some(format!("https://zoom.example/j/{number}")),
            raw: Some(
                json!({ "id": number, "type": 8, "agenda": word(n + 3), "status": "waiting" })
                    .to_string(),
            ),
            ..NewMeeting::default()
        };
        Ok(tx
            .upsert_meeting(self.account, &new, &self.seen())
            .await?
            .id)
    }

    async fn held(&self, tx: &mut Tx, n: u64, series: MeetingId) -> Result<()> {
        let seen = self.seen();
        let (start, minutes) = (self.start(n)?, 20 + i64::try_from(mix(n) % 40)?);
        let end = start.checked_add(SignedDuration::from_mins(minutes))?;
        let (serial, host) = (n / OF_A_SERIES, (n / OF_A_SERIES) % USERS);
        let new = NewInstance {
            external_id: format!("bench{n:011}=="),
            meeting_id: Some(series),
            number: Some((80_000_000_000 + serial).to_string()),
            kind: Some(MeetingKind::Meeting),
            provider_type: Some(8),
            topic: Some(format!("{} {} {serial}", word(serial), word(serial + 7))),
            host_user_id: Some(format!("bench-user-{host}")),
            host_email: Some(format!("person{host}@bench.example")),
            state: Some(InstanceState::Ended),
            start: Some(start),
            end: Some(end),
            tz: Some("Europe/Berlin".to_owned()),
            participants_count: Some(3),
            raw: Some(json!({ "uuid": format!("bench{n:011}=="), "type": 8, "duration": minutes, "total_minutes": minutes * 3,
                "dept": word(host + 1), "source": "Zoom", "has_recording": n % 100 < 30 }).to_string()),
        };
        let instance = tx.upsert_instance(self.account, &new, &seen).await?.id;
        for guest in 0..3 {
            let who = (host + guest * 17) % USERS;
            let stay = NewAttendance {
                match_key: format!("user:bench-user-{who}"),
                name: Some(format!("Person {who}")),
                email: Some(format!("person{who}@bench.example")),
                user_external_id: Some(format!("bench-user-{who}")),
                registrant_id: None,
                role: Some(if guest == 0 { "host" } else { "attendee" }.to_owned()),
                join_key: format!("{n}-{guest}"),
                kind: AttendanceKind::Main,
                join: start,
                leave: Some(end),
                raw: Some(
                    json!({ "id": who, "duration": minutes * 60, "device": "Desktop" }).to_string(),
                ),
            };
            tx.put_stay(instance, &stay, &seen).await?;
        }
        if n % 100 < 30 {
            let recording = NewRecording {
                external_id: format!("bench{n:011}=="),
                start: Some(start),
                share_url: Some(format!("https://zoom.example/rec/{n}")),
                total_size: Some(i64::try_from(1_000_000 + mix(n) % 90_000_000)?),
                raw: Some(
                    json!({ "uuid": format!("bench{n:011}=="), "recording_count": 2 }).to_string(),
                ),
                ..NewRecording::default()
            };
            let recording = tx
                .upsert_recording(self.account, instance, &recording, &seen)
                .await?
                .id;
            let mut transcript = None;
            for (kind, extension) in [("MP4", "MP4"), ("TRANSCRIPT", "VTT")] {
                let file = NewFile {
                    external_id: format!("bench-{n}-{kind}"),
                    file_type: kind.to_owned(),
                    extension: Some(extension.to_owned()),
                    status: Some("completed".to_owned()),
                    start: Some(start),
                    end: Some(end),
                    size: Some(i64::try_from(10_000 + mix(n) % 1_000_000)?),
                    download_url: Some(format!("https://zoom.example/rec/download/{n}/{kind}")),
                    ..NewFile::default()
                };
                transcript = Some(
                    tx.upsert_file(self.account, recording, instance, &file, &seen)
                        .await?
                        .id,
                );
            }
            if n % 100 < 6 {
                let cues = talk(n);
                let new = NewTranscript {
                    instance_id: instance,
                    file_id: transcript,
                    source: TranscriptSource::Recording,
                    sha256: &format!("{n:064x}"),
                    lang: Some("en"),
                    parser_v: 1,
                    warnings: 0,
                    cues: &cues,
                    utterances: &utterances(&cues),
                };
                tx.store_transcript(&new, self.now).await?;
            }
        }
        let told = NewDomainEvent {
            event_type: "meeting.ended".to_owned(),
            v: 1,
            subject_id: instance.to_string(),
            data: json!({ "number": (80_000_000_000 + serial).to_string(), "participants": 3 }),
        };
        tx.append_event(&told, self.now).await?;
        Ok(())
    }

    /// A webinar of so many guests, of whom nine of ten came, with one event that tells of it.
    async fn webinar(&self, tx: &mut Tx, guests: u64, word: &str) -> Result<()> {
        let seen = self.seen();
        let number = format!("9{:010}", mix(guests) % 10_000_000_000);
        let topic = Some(format!("Open day {word}"));
        let meeting = NewMeeting {
            external_id: number.clone(),
            kind: Some(MeetingKind::Webinar),
            topic: topic.clone(),
            start: Some(self.now),
            ..NewMeeting::default()
        };
        let meeting = tx.upsert_meeting(self.account, &meeting, &seen).await?.id;
        let end = self.now.checked_add(SignedDuration::from_hours(1))?;
        let run = NewInstance {
            external_id: format!("{word}{guests}=="),
            meeting_id: Some(meeting),
            number: Some(number),
            kind: Some(MeetingKind::Webinar),
            topic,
            state: Some(InstanceState::Ended),
            start: Some(self.now),
            end: Some(end),
            ..NewInstance::default()
        };
        let run = tx.upsert_instance(self.account, &run, &seen).await?.id;
        for n in 0..guests {
            let email = Some(format!("{word}{n}@guests.example"));
            let name = Some(format!("Guest {n} of {word}"));
            let new = NewRegistrant {
                external_id: format!("{word}-{n}"),
                email: email.clone(),
                name: name.clone(),
                status: Some("approved".to_owned()),
                ..NewRegistrant::default()
            };
            tx.upsert_registrant(self.account, meeting, &new, &seen)
                .await?;
            if n % 10 == 0 {
                continue;
            }
            let stay = NewAttendance {
                match_key: format!("registrant:{word}-{n}"),
                name,
                email,
                user_external_id: None,
                registrant_id: Some(format!("{word}-{n}")),
                role: None,
                join_key: format!("{word}-{n}"),
                kind: AttendanceKind::Main,
                join: self.now,
                leave: Some(end),
                raw: None,
            };
            tx.put_stay(run, &stay, &seen).await?;
        }
        let known = NewArtefact {
            owner_id: run.into(),
            kind: ArtefactKind::Participants,
            state: ArtefactState::Present,
            cause: None,
            detail: None,
            expected_by: None,
        };
        tx.put_artefact(&known, self.now).await?;
        let told = NewDomainEvent {
            event_type: "participants.ready".to_owned(),
            v: 1,
            subject_id: run.to_string(),
            data: json!({ "uuid": format!("{word}{guests}=="), "stays": guests - guests / 10 }),
        };
        tx.append_event(&told, self.now).await?;
        Ok(())
    }

    /// An event of the inbox as Zoom would have sent it.
    async fn event(&self, store: &Store, n: u64) -> Result<EventId> {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&n.to_be_bytes());
        let event = NewEvent {
            workspace: Scope::DEFAULT.workspace,
            app_id: self.app,
            connection_id: None,
            dedupe_key: key,
            event: "meeting.ended".to_owned(),
            event_ts: self.start(n)?,
            lane: None,
            body: json!({ "event": "meeting.ended", "payload": { "account_id": "bench", "object": {
                "uuid": format!("bench{n:011}=="), "id": (80_000_000_000 + n / OF_A_SERIES).to_string() } } }).to_string(),
            download_token: None,
            received: self.now,
            priority: 20,
        };
        Ok(match store.inbox().append(event).await? {
            Appended::Accepted(id) | Appended::Duplicate(id) => id,
        })
    }
}

/// Forty cues of talk.
fn talk(n: u64) -> Vec<Cue> {
    (0..40_u32)
        .map(|at| {
            let said: Vec<&str> = (0..12)
                .map(|w| word(n * 997 + u64::from(at) * 13 + w))
                .collect();
            Cue {
                n: at + 1,
                start_ms: at * 4_000,
                end_ms: at * 4_000 + 3_800,
                speaker: Some(format!("Person {}", at / 3 % 3)),
                text: said.join(" "),
            }
        })
        .collect()
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let meetings: u64 = arguments.next().ok_or("how many?")?.parse()?;
    let url = DatabaseUrl::parse(&arguments.next().ok_or("into which database?")?)?;
    let guests: u64 = arguments.next().unwrap_or_default().parse().unwrap_or(0);
    let word = arguments.next().unwrap_or_else(|| "guest".to_owned());
    let now = Timestamp::now();
    // The same ids in every run; another word, other ids.
    let seed = word
        .bytes()
        .fold(guests, |seed, byte| seed * 31 + u64::from(byte));
    let seed = if guests == 0 { 1 } else { seed };
    let store = Store::open(&url, OpenOptions::new(Arc::new(SeededIds::new(seed))), now).await?;
    let scope = Scope::DEFAULT;
    let account = store
        .accounts(scope)
        .await?
        .first()
        .ok_or("no account is connected")?
        .id;
    let app = store
        .apps(scope)
        .await?
        .first()
        .ok_or("no app is known")?
        .id;
    let begin = now.checked_sub(SignedDuration::from_hours(2 * 365 * 24))?;
    let fill = Fill {
        account,
        app,
        begin,
        now,
        meetings,
    };
    if meetings > 0 {
        let mut tx = store.begin(scope).await?;
        fill.users(&mut tx).await?;
        tx.commit().await?;
    }
    if guests > 0 {
        let mut tx = store.begin(scope).await?;
        fill.webinar(&mut tx, guests, &word).await?;
        tx.commit().await?;
    }
    for first in (0..meetings).step_by(usize::try_from(TOGETHER)?) {
        let these = first..(first + TOGETHER).min(meetings);
        let events = try_join_all(these.clone().map(|n| fill.event(&store, n))).await?;
        let mut tx = store.begin(scope).await?;
        let mut series = None;
        for n in these {
            let id = match series {
                Some(id) if n % OF_A_SERIES != 0 => id,
                _ => fill.series(&mut tx, n / OF_A_SERIES).await?,
            };
            series = Some(id);
            fill.held(&mut tx, n, id).await?;
        }
        for event in events {
            tx.mark_event(event, EventState::Routed, None).await?;
        }
        tx.commit().await?;
        // The work that the events asked for is done here already.
        let ready = JobFilter {
            state: Some(JobState::Ready),
            ..JobFilter::default()
        };
        store.drop_jobs(scope, &ready, "made up", now).await?;
    }
    store.close().await;
    println!("{}", json!({ "meetings": meetings }));
    Ok(())
}
