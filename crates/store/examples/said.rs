//! Fills a new database with made-up talk, and asks it, for `cargo xtask bench search`.
//!
//! `said fill UTTERANCES FILE` writes through the store's own writing interface; `said ask FILE QUERIES` reads one query
//! a line and prints how long the twenty best took within this process, as JSON.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and says what it found"
)]

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use parfocal_formats::query;
use parfocal_store::{
    AccountId, Cue, DatabaseUrl, InstanceState, NewAccount, NewInstance, NewTranscript,
    OpenOptions, Provider, Scope, SearchRequest, SeededIds, Seen, Source, Store, TranscriptSource,
    Tx, utterances,
};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::json;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Utterances of one meeting: of so many words, well over half an hour.
const OF_A_MEETING: u64 = 400;
/// Different words there are.
const WORDS: f64 = 30_000.0;
/// Words that a meeting is about, and how many of hundred words are of them.
const OF_THE_TOPIC: usize = 60;
const SHARE: u32 = 15;
/// The most frequent words; every other one is made of syllables.
const FREQUENT: &str = "the to and of a that we in is it you for this on have so be are with not they do at but as will what if one was can all about there would just think from like our going know or when get by then more need how some time now out which want up work make has don't your people also could see good really should next take well say first team been other meeting point week look right because only these into those two them put way last before back who over sure maybe still after day here new year things same between today something again question different part number plan budget design";

/// One talk after the other, each about something else.
struct Talk {
    chance: StdRng,
    frequent: Vec<&'static str>,
}

impl Talk {
    /// The n-th most frequent word.
    fn word(&self, rank: usize) -> String {
        const BEGIN: [&str; 20] = [
            "b", "br", "c", "ch", "d", "f", "g", "gr", "h", "k", "l", "m", "n", "p", "r", "s",
            "st", "t", "tr", "w",
        ];
        const MIDDLE: [&str; 10] = ["a", "e", "i", "o", "u", "ai", "ea", "ou", "or", "en"];
        let Some(word) = self.frequent.get(rank) else {
            let mut word = String::new();
            let mut left = rank;
            while left > 0 {
                word.push_str(BEGIN[left % BEGIN.len()]);
                left /= BEGIN.len();
                word.push_str(MIDDLE[left % MIDDLE.len()]);
                left /= MIDDLE.len();
            }
            return word;
        };
        (*word).to_owned()
    }

    /// Ranks as Zipf found them: a word is the rarer the further behind it stands.
    fn rank(&mut self) -> usize {
        let share: f64 = self.chance.random();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and the number of words"
        )]
        let rank = ((WORDS + 1.0).powf(share) - 1.0) as usize;
        rank
    }

    fn cues(&mut self, utterances: u64) -> Vec<Cue> {
        let topic: Vec<usize> = (0..OF_THE_TOPIC)
            .map(|_| self.chance.random_range(300..30_000))
            .collect();
        let mut cues = Vec::new();
        let mut at = 0_u32;
        for n in (1..).take(usize::try_from(utterances).unwrap_or(0)) {
            let length = self.chance.random_range(4..=28_u32);
            let said: Vec<String> = (0..length)
                .map(|_| {
                    let rank = if self.chance.random_range(0..100) < SHARE {
                        topic[self.chance.random_range(0..topic.len())]
                    } else {
                        self.rank()
                    };
                    self.word(rank)
                })
                .collect();
            cues.push(Cue {
                n,
                start_ms: at,
                end_ms: at + length * 380,
                // Somebody else each time, so that a cue stays an utterance.
                speaker: Some(format!("Person {}", n % 7)),
                text: said.join(" "),
            });
            at += length * 400;
        }
        cues
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["fill", utterances, file] => fill(utterances.parse()?, file).await,
        ["ask", file, queries] => ask(file, queries).await,
        _ => Err("said fill UTTERANCES FILE | said ask FILE QUERIES".into()),
    }
}

async fn open(file: &str) -> Result<Store> {
    let url = DatabaseUrl::sqlite(file);
    let options = OpenOptions::new(Arc::new(SeededIds::new(1)));
    Ok(Store::open(&url, options, Timestamp::now()).await?)
}

async fn fill(all: u64, file: &str) -> Result<()> {
    let store = open(file).await?;
    let now = Timestamp::from_second(1_795_348_800)?;
    let account = NewAccount {
        provider: Provider::Zoom,
        external_id: "bench".to_owned(),
        name: None,
        plan: None,
        region: None,
        limits_share: None,
        capabilities: None,
    };
    let mut tx = store.begin(Scope::DEFAULT).await?;
    let account = tx.upsert_account(&account, now).await?;
    tx.commit().await?;
    let mut talk = Talk {
        chance: StdRng::seed_from_u64(1),
        frequent: FREQUENT.split(' ').collect(),
    };
    let meetings = all.div_ceil(OF_A_MEETING);
    let mut tx = store.begin(Scope::DEFAULT).await?;
    for n in 0..meetings {
        let utterances = OF_A_MEETING.min(all - n * OF_A_MEETING);
        held(&mut tx, account, n, &talk.cues(utterances), now).await?;
        if n % 10 == 9 {
            tx.commit().await?;
            tx = store.begin(Scope::DEFAULT).await?;
        }
    }
    tx.commit().await?;
    store.close().await;
    Ok(())
}

async fn held(tx: &mut Tx, account: AccountId, n: u64, cues: &[Cue], now: Timestamp) -> Result<()> {
    let seen = Seen {
        at: now,
        source: Source::Detail,
        now,
    };
    let new = NewInstance {
        external_id: format!("bench{n:011}=="),
        number: Some((80_000_000_000 + n / 5).to_string()),
        topic: Some(format!("Meeting {n}")),
        host_email: Some(format!("person{}@bench.example", n % 50)),
        state: Some(InstanceState::Ended),
        start: Some(now.checked_sub(SignedDuration::from_hours(i64::try_from(n)?))?),
        ..NewInstance::default()
    };
    let instance_id = tx.upsert_instance(account, &new, &seen).await?.id;
    let new = NewTranscript {
        instance_id,
        file_id: None,
        source: TranscriptSource::Import,
        sha256: &format!("{n:064x}"),
        lang: Some("en"),
        parser_v: 1,
        warnings: 0,
        cues,
        utterances: &utterances(cues),
    };
    tx.store_transcript(&new, now).await?;
    Ok(())
}

async fn ask(file: &str, queries: &str) -> Result<()> {
    let store = open(file).await?;
    let queries = std::fs::read_to_string(queries)?;
    let zone = TimeZone::UTC;
    let mut times = Vec::new();
    let mut found = 0;
    for measured in [false, true] {
        for text in queries.lines() {
            let began = Instant::now();
            let query = query::parse(text)?;
            let request = SearchRequest::new(&query, &zone, 20);
            let page = store.search_for(Scope::DEFAULT, &request).await?;
            if measured {
                times.push(began.elapsed().as_secs_f64() * 1e3);
                found += usize::from(!page.hits.is_empty());
            }
        }
    }
    store.close().await;
    times.sort_by(f64::total_cmp);
    let at = |part: usize| times.get(times.len() * part / 100).copied();
    println!(
        "{}",
        json!({ "p50_ms": at(50), "p95_ms": at(95), "slowest_ms": times.last(), "asked": times.len(), "found": found })
    );
    Ok(())
}
