//! How fast it is, by command: `cargo test -p parfocal-store --test it speed -- --ignored --nocapture`.
//! The published figures come from `cargo xtask bench`; these tell whether a change made it slower.

use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use parfocal_formats::query;
use parfocal_store::{
    Claim, Cue, NewEvent, NewTranscript, ROUTE_JOB, Scope, TranscriptSource, WorkspaceId,
    utterances,
};

use crate::support::{World, at, at_ms, story};

#[expect(
    clippy::disallowed_methods,
    reason = "a stopwatch needs the real clock"
)]
fn stopwatch() -> Instant {
    Instant::now()
}

fn quantile(times: &mut [Duration], q: f64) -> Duration {
    times.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a list of samples"
    )]
    let at = ((times.len() - 1) as f64 * q) as usize;
    times[at]
}

fn event(app: parfocal_store::AppId, n: u64) -> NewEvent {
    let mut key = [0; 32];
    // A hash would be as scattered as this.
    key[..8].copy_from_slice(&n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    NewEvent {
        workspace: WorkspaceId::DEFAULT,
        app_id: app,
        connection_id: None,
        dedupe_key: key,
        event: "meeting.participant_joined".into(),
        event_ts: at_ms(i64::try_from(n / 20).unwrap()),
        lane: Some(format!("acc/{}", n % 1000)),
        body: format!("{{\"n\":{n},\"pad\":\"{}\"}}", "x".repeat(700)),
        download_token: None,
        received: at_ms(i64::try_from(n / 20).unwrap()),
        priority: 10,
    }
}

story!(
    #[ignore = "a measurement"]
    events_accepted_per_second,
    |world| async move {
        const SENDERS: u64 = 400;
        const EACH: u64 = 250;
        let (app, _) = world.account().await;
        let start = stopwatch();
        let mut senders = tokio::task::JoinSet::new();
        for sender in 0..SENDERS {
            let store = world.store.clone();
            senders.spawn(async move {
                let mut times = Vec::new();
                for n in 0..EACH {
                    let begun = stopwatch();
                    store
                        .inbox()
                        .append(event(app, n * SENDERS + sender))
                        .await
                        .unwrap();
                    times.push(begun.elapsed());
                }
                times
            });
        }
        let mut times: Vec<Duration> = senders.join_all().await.into_iter().flatten().collect();
        let took = start.elapsed().as_secs_f64();
        eprintln!(
            "{} events durable, {:.0}/s, p50 {:?}, p99 {:?}, most {:?}",
            times.len(),
            f64::from(u32::try_from(SENDERS * EACH).unwrap()) / took,
            quantile(&mut times, 0.5),
            quantile(&mut times, 0.99),
            quantile(&mut times, 1.0),
        );
        let start = stopwatch();
        let claim = Claim {
            kinds: &[(ROUTE_JOB, 1)],
            limit: 64,
            lease_until: at(600_000),
            now: at(300_000),
        };
        let mut claimed = 0;
        while claimed < 2_000 {
            let jobs = world.store.claim_jobs(&claim).await.unwrap();
            // Those of a crowd come when it is over.
            tokio::task::yield_now().await;
            claimed += jobs.len();
            let mut tx = world.begin().await;
            for job in &jobs {
                tx.complete_job(&job.lease, None, at(300_001))
                    .await
                    .unwrap();
            }
            tx.commit().await.unwrap();
        }
        let per = start.elapsed() / u32::try_from(claimed).unwrap();
        eprintln!("{claimed} jobs claimed and completed in batches, {per:?} each");
    }
);

const WORDS: &[&str] = &[
    "the",
    "we",
    "budget",
    "and",
    "plan",
    "to",
    "a",
    "is",
    "quarter",
    "team",
    "I",
    "think",
    "so",
    "that",
    "of",
    "release",
    "customer",
    "yes",
    "okay",
    "next",
    "week",
    "meeting",
    "let",
    "me",
    "share",
    "screen",
    "design",
    "it",
    "you",
    "can",
    "hear",
    "deadline",
    "risk",
    "friday",
    "database",
    "latency",
    "onboarding",
    "contract",
    "for",
    "in",
];

async fn fill(world: &World, meetings: u64, lines: u32) -> u64 {
    let (_, account) = world.account().await;
    let mut state = 7_u64;
    let mut word = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let roll = (state >> 33) % 1600;
        // Some words are everywhere, most are rare.
        let at = usize::try_from(roll).unwrap();
        if at < 1200 {
            WORDS[at % WORDS.len()].to_owned()
        } else {
            format!("rare{}", (state >> 20) % 20_000)
        }
    };
    let mut stored = 0;
    for meeting in 0..meetings {
        let instance = world
            .instance(
                account,
                &format!("u{meeting}"),
                if meeting % 20 == 7 {
                    "Retro"
                } else {
                    "Weekly Standup"
                },
                i64::try_from(meeting).unwrap() * 3600,
            )
            .await;
        let cues: Vec<Cue> = (1..=lines)
            .map(|n| Cue {
                n,
                start_ms: n * 4000,
                end_ms: n * 4000 + 3000,
                speaker: Some(
                    ["Ana Silva", "Bob Stone", "Carla Ruiz", "Dan Wu"][n as usize % 4].to_owned(),
                ),
                text: (0..12).map(|_| word()).collect::<Vec<_>>().join(" "),
            })
            .collect();
        let utterances = utterances(&cues);
        stored += utterances.len() as u64;
        let new = NewTranscript {
            instance_id: instance,
            file_id: None,
            source: TranscriptSource::Recording,
            sha256: &format!("{meeting}"),
            lang: None,
            parser_v: 1,
            warnings: 0,
            cues: &cues,
            utterances: &utterances,
        };
        let mut tx = world.begin().await;
        tx.store_transcript(&new, at(0)).await.unwrap();
        tx.commit().await.unwrap();
    }
    stored
}

story!(
    #[ignore = "a measurement"]
    search_over_130_000_utterances,
    |world| async move {
        let start = stopwatch();
        let stored = fill(&world, 260, 500).await;
        let took = start.elapsed();
        eprintln!(
            "{stored} utterances stored in {took:?}, {:?} each",
            took / u32::try_from(stored).unwrap()
        );
        let queries = [
            "budget",
            "plan",
            "the",
            "budget plan",
            "\"next week\"",
            "rare77",
            "rare1*",
            "dead*",
            "rare*",
            "ra*",
            "th*",
            "r*",
            "the budget and plan",
            "budget speaker:ana",
            "budget topic:standup",
            "risk from:2026-11-25 before:2026-11-28",
            "\"the budget\" -risk",
            "meeting host:nobody",
            "the from:2026-11-25 before:2026-11-26",
            "from:2026-11-25 before:2026-11-26 topic:standup",
            "the topic:retro",
            "topic:retro -risk",
            "speaker:bob",
            "customer release deadline",
        ];
        let mut all = Vec::new();
        for text in queries {
            let query = query::parse(text).unwrap();
            let mut times = Vec::new();
            let mut hits = 0;
            for _ in 0..30 {
                let begun = stopwatch();
                hits = world
                    .store
                    .search(Scope::DEFAULT, &query, &TimeZone::UTC, 20, None)
                    .await
                    .unwrap()
                    .hits
                    .len();
                times.push(begun.elapsed());
            }
            eprintln!(
                "{text:45} {hits:3} hits, p50 {:?}, p95 {:?}",
                quantile(&mut times, 0.5),
                quantile(&mut times, 0.95)
            );
            all.extend(times);
        }
        eprintln!(
            "all: p50 {:?}, p95 {:?}",
            quantile(&mut all, 0.5),
            quantile(&mut all, 0.95)
        );
    }
);
