//! Takes meetings in and asks questions about them, for `cargo xtask quality`: JSON on standard input, the file of a new
//! database as the argument, ranks as JSON on standard output.
//!
//! A question's ranks, from 0: of its meeting among all meetings, and of the first passage that touches one of its spans
//! among the passages of its meeting. Both are looked for among the first ten.
#![expect(clippy::print_stdout, reason = "a measurement says what it found")]

use std::error::Error;
use std::io::Read as _;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use parfocal_formats::query;
use parfocal_store::{
    Cue, DatabaseUrl, InstanceId, InstanceState, NewAccount, NewInstance, NewTranscript,
    OpenOptions, Provider, Scope, SearchRequest, SeededIds, Seen, Source, Store, TranscriptSource,
    Words, utterances,
};
use serde::{Deserialize, Serialize};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// How many meetings and passages are looked at.
const FIRST: u32 = 10;

#[derive(Deserialize)]
struct Input {
    meetings: Vec<Meeting>,
    questions: Vec<Question>,
}

#[derive(Deserialize)]
struct Meeting {
    name: String,
    turns: Vec<Turn>,
}

#[derive(Deserialize)]
struct Turn {
    speaker: String,
    text: String,
}

#[derive(Deserialize)]
struct Question {
    meeting: usize,
    text: String,
    /// First and last turn, from 0.
    spans: Vec<(u32, u32)>,
}

#[derive(Serialize)]
struct Ranks {
    meeting: Option<usize>,
    turn: Option<usize>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let file = std::env::args().nth(1).ok_or("into which file?")?;
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let input: Input = serde_json::from_str(&text)?;
    let now = Timestamp::from_second(1_795_348_800)?;
    let url = DatabaseUrl::sqlite(file);
    let store = Store::open(&url, OpenOptions::new(Arc::new(SeededIds::new(1))), now).await?;
    let instances = fill(&store, &input.meetings, now).await?;
    let mut ranks = Vec::with_capacity(input.questions.len());
    for question in &input.questions {
        let instance = *instances.get(question.meeting).ok_or("no such meeting")?;
        ranks.push(ask(&store, question, instance).await?);
    }
    store.close().await;
    println!("{}", serde_json::to_string(&ranks)?);
    Ok(())
}

async fn fill(store: &Store, meetings: &[Meeting], now: Timestamp) -> Result<Vec<InstanceId>> {
    let seen = Seen {
        at: now,
        source: Source::Detail,
        now,
    };
    let account = NewAccount {
        provider: Provider::Zoom,
        external_id: "quality".to_owned(),
        name: None,
        plan: None,
        region: None,
        limits_share: None,
        capabilities: None,
    };
    let mut tx = store.begin(Scope::DEFAULT).await?;
    let account = tx.upsert_account(&account, now).await?;
    let mut instances = Vec::with_capacity(meetings.len());
    for meeting in meetings {
        let new = NewInstance {
            external_id: meeting.name.clone(),
            state: Some(InstanceState::Ended),
            start: Some(now),
            ..NewInstance::default()
        };
        let instance = tx.upsert_instance(account, &new, &seen).await?.id;
        let cues: Vec<Cue> = (1..)
            .zip(&meeting.turns)
            .map(|(n, turn)| Cue {
                n,
                start_ms: n * 5_000,
                end_ms: n * 5_000 + 4_000,
                speaker: Some(turn.speaker.clone()),
                text: turn.text.clone(),
            })
            .collect();
        let new = NewTranscript {
            instance_id: instance,
            file_id: None,
            source: TranscriptSource::Import,
            sha256: &meeting.name,
            lang: None,
            parser_v: 1,
            warnings: 0,
            cues: &cues,
            utterances: &utterances(&cues),
        };
        tx.store_transcript(&new, now).await?;
        instances.push(instance);
    }
    tx.commit().await?;
    Ok(instances)
}

async fn ask(store: &Store, question: &Question, instance: InstanceId) -> Result<Ranks> {
    // Signs of the query language are no signs in a question.
    let words: String = question
        .text
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    let query = query::parse(&words)?;
    let zone = TimeZone::UTC;
    let over_all = SearchRequest {
        words: Words::Any,
        per_meeting: Some(1),
        ..SearchRequest::new(&query, &zone, FIRST)
    };
    let inside = SearchRequest {
        per_meeting: None,
        instance: Some(instance),
        ..over_all.clone()
    };
    let found = store.search_for(Scope::DEFAULT, &over_all).await?.hits;
    let passages = store.search_for(Scope::DEFAULT, &inside).await?.hits;
    let touches = |(first, last): (u32, u32)| {
        let mut spans = question.spans.iter();
        spans.any(|(from, to)| first <= to + 1 && *from < last)
    };
    Ok(Ranks {
        meeting: found.iter().position(|hit| hit.instance_id == instance),
        turn: passages
            .iter()
            .position(|hit| hit.cues.is_some_and(touches)),
    })
}
