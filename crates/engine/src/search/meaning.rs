//! Searching by meaning beside searching by words, where a server makes vectors (`models.embeddings`).
//!
//! A passage is some utterances in a row. Each transcript's passages get their vectors when it has been analysed, once for
//! each text and model. A question of bare words is compared with those of the latest transcripts, and what is near is
//! put among what has the words by the place that each has in its own list (reciprocal rank fusion). Without such a
//! server, and while it does not answer, words alone are searched; the page says so.

use std::time::Duration;

use parfocal_formats::query::{ClauseKind, Filters, Query};
use parfocal_store::{
    ByMeaning, Hit, NewJob, NewPassage, Scope, SearchPage, SearchRequest, Sort, Spoken, Transcript,
};
use sha2::{Digest as _, Sha256};

use crate::App;
use crate::error::{Code, EngineError, Result};
use crate::jobs::{JobKind, TranscriptEmbed, priority};
use crate::models::Embedder;

/// Words after which a passage ends.
const WORDS: usize = 120;
/// Most characters of a passage.
const MOST_CHARS: usize = 2_000;
/// Transcripts without vectors that are taken up at once.
const PIECE: u32 = 200;
/// Texts in one request.
const TOGETHER: usize = 32;
/// Most hits of a page that come by their meaning.
const MOST_NEAR: usize = 10;
/// What reciprocal rank fusion adds to each place, as its authors had it: no first place outweighs two good ones.
const EVENLY: f64 = 60.0;
/// How long a search waits for the vector of its question.
const PATIENCE: Duration = Duration::from_secs(3);

/// A passage and its text as the model reads it.
struct Passage {
    place: NewPassage,
    text: String,
}

/// The passages of a transcript.
fn passages(spoken: &[Spoken]) -> Vec<Passage> {
    let mut out: Vec<Passage> = Vec::new();
    let mut words = 0;
    for one in spoken {
        let line = match &one.speaker {
            Some(speaker) => format!("{speaker}: {}", one.text),
            None => one.text.clone(),
        };
        if let Some(last) = out.last_mut().filter(|_| words < WORDS) {
            last.text.push('\n');
            last.text.push_str(&line);
            last.place.cue_to = one.cue_to;
            last.place.end_ms = one.end_ms;
        } else {
            words = 0;
            out.push(Passage {
                place: NewPassage {
                    cue_from: one.cue_from,
                    cue_to: one.cue_to,
                    start_ms: one.start_ms,
                    end_ms: one.end_ms,
                    text_sha256: String::new(),
                },
                text: line,
            });
        }
        words += one.text.split_whitespace().count();
    }
    for passage in &mut out {
        passage.text = passage.text.chars().take(MOST_CHARS).collect();
        passage.place.text_sha256 = hex::encode(Sha256::digest(passage.text.as_bytes()));
    }
    out
}

/// Gives the passages of a transcript their vectors; those that have one are not asked for. How many were asked for.
///
/// # Errors
/// Whatever keeps the server from answering.
pub(crate) async fn embed(
    app: &App,
    scope: Scope,
    embedder: &Embedder,
    transcript: &Transcript,
) -> Result<usize> {
    let spoken = app.store().spoken(transcript.id).await?;
    let mut people: Vec<String> = spoken
        .iter()
        .filter_map(|one| one.speaker.clone())
        .collect();
    people.sort();
    people.dedup();
    let passages = passages(&spoken);
    let model = embedder.name();
    let places: Vec<NewPassage> = passages.iter().map(|one| one.place.clone()).collect();
    let mut tx = app.store().begin(scope).await?;
    tx.put_passages(transcript.id, &places).await?;
    tx.commit().await?;
    let all: Vec<String> = places.into_iter().map(|place| place.text_sha256).collect();
    let known = app.store().texts_with_vectors(scope, &model, &all).await?;
    let mut missing: Vec<&Passage> = passages
        .iter()
        .filter(|one| !known.contains(&one.place.text_sha256))
        .collect();
    missing.sort_by(|a, b| a.place.text_sha256.cmp(&b.place.text_sha256));
    missing.dedup_by(|a, b| a.place.text_sha256 == b.place.text_sha256);
    // Each answer is kept before the next question: what was paid for stays, whatever comes then.
    for some in missing.chunks(TOGETHER) {
        let texts: Vec<String> = some.iter().map(|one| one.text.clone()).collect();
        let vectors = embedder.vectors(&texts, &people).await?;
        let kept: Vec<(String, Vec<f32>)> = some
            .iter()
            .map(|one| one.place.text_sha256.clone())
            .zip(vectors)
            .collect();
        let now = app.clock().now();
        let mut tx = app.store().begin(scope).await?;
        tx.put_vectors(&model, &kept, now).await?;
        tx.commit().await?;
    }
    Ok(missing.len())
}

/// Enqueues what gives the latest transcripts without vectors theirs, where a server makes them.
///
/// # Errors
/// Whatever keeps the store from being read or written.
pub async fn want_vectors(app: &App) -> Result<()> {
    let Some(embedder) = Embedder::in_use(app).await? else {
        return Ok(());
    };
    let (scope, now) = (app.scope(), app.clock().now());
    let kind = JobKind::TranscriptEmbed;
    let waiting = app
        .store()
        .transcripts_without_vectors(scope, &embedder.name(), kind.as_str(), PIECE)
        .await?;
    if waiting.is_empty() {
        return Ok(());
    }
    let mut tx = app.store().begin(scope).await?;
    for transcript in waiting {
        let job = NewJob {
            kind: kind.as_str().to_owned(),
            v: kind.version(),
            lane: None,
            priority: priority::BACKFILL_DETAIL,
            dedupe_key: Some(transcript.to_string()),
            payload: serde_json::json!(TranscriptEmbed { transcript }),
            run_at: now,
            cause_id: None,
        };
        tx.enqueue(&job, now).await?;
    }
    Ok(tx.commit().await?)
}

/// Whether a search is one that meaning has something to say to: its first page, by relevance, of bare words.
fn is_meant(request: &SearchRequest<'_>, query: &Query) -> bool {
    request.after.is_none()
        && request.sort == Sort::Relevance
        && request.instance.is_none()
        && request.accounts.is_none()
        && !request.facets
        && request.limit > 1
        && query.filters == Filters::default()
        && !query.clauses.is_empty()
        && query
            .clauses
            .iter()
            .all(|clause| clause.kind == ClauseKind::Word && !clause.negated && !clause.alternative)
}

/// Searches words, and what is near in meaning where that is in use.
///
/// # Errors
/// What [`parfocal_store::Store::search_for`] fails with; never for the server that makes vectors.
pub(super) async fn search(
    app: &App,
    text: &str,
    request: &SearchRequest<'_>,
) -> Result<SearchPage> {
    let scope = app.scope();
    let embedder = match Embedder::in_use(app).await? {
        Some(embedder) if is_meant(request, request.query) => embedder,
        _ => return Ok(app.store().search_for(scope, request).await?),
    };
    let mut note = ByMeaning {
        model: embedder.name(),
        ..ByMeaning::default()
    };
    let near = match near(app, &embedder, text, request).await {
        Ok(near) => near,
        Err(error) => {
            tracing::warn!(%error, "searching by meaning is not possible now");
            note.unavailable = Some(error.message().to_owned());
            Vec::new()
        }
    };
    let left = request.limit - u32::try_from(near.len()).unwrap_or(0);
    let request = SearchRequest {
        limit: left.max(1),
        ..request.clone()
    };
    let mut page = app.store().search_for(scope, &request).await?;
    note.hits = fuse(&mut page.hits, near);
    page.by_meaning = Some(note);
    Ok(page)
}

async fn near(
    app: &App,
    embedder: &Embedder,
    text: &str,
    request: &SearchRequest<'_>,
) -> Result<Vec<Hit>> {
    let texts = [text.to_owned()];
    let vectors = tokio::select! {
        vectors = embedder.vectors(&texts, &[]) => vectors?,
        () = app.clock().sleep(PATIENCE) => {
            return Err(EngineError::new(
                Code::ModelUnavailable,
                format!("{}: no answer within {} s", embedder.name(), PATIENCE.as_secs()),
            ));
        }
    };
    let Some(vector) = vectors.first() else {
        return Ok(Vec::new());
    };
    let most = MOST_NEAR.min(request.limit as usize / 2);
    let scope = app.scope();
    let name = embedder.name();
    let mut hits: Vec<Hit> = Vec::new();
    for one in app.store().nearest(scope, &name, vector, most).await? {
        // What stands at a right angle or beyond has nothing to do with the question.
        if one.cosine > 0.0
            && let Some(hit) = app.store().passage(scope, one, request.query).await?
        {
            hits.push(hit);
        }
    }
    Ok(hits)
}

/// Puts what is near among what has the words; how many hits came by their meaning alone.
fn fuse(hits: &mut Vec<Hit>, near: Vec<Hit>) -> u32 {
    let worth = |place: usize| 1.0 / (EVENLY + f64::from(u32::try_from(place).unwrap_or(u32::MAX)));
    for (place, hit) in hits.iter_mut().enumerate() {
        hit.score = worth(place + 1);
    }
    let mut alone = 0;
    for (place, mut hit) in near.into_iter().enumerate() {
        let same = hits.iter_mut().find(|other| {
            let within =
                |(from, to): (u32, u32), (first, last): (u32, u32)| from <= last && first <= to;
            other.transcript_id == hit.transcript_id
                && other.cues.zip(hit.cues).is_some_and(|(a, b)| within(a, b))
        });
        if let Some(same) = same {
            same.score += worth(place + 1);
        } else {
            hit.score = worth(place + 1);
            alone += 1;
            hits.push(hit);
        }
    }
    hits.sort_by(|a, b| b.score.total_cmp(&a.score));
    alone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passages_are_whole_utterances_of_some_length() {
        let spoken: Vec<Spoken> = (1..=30)
            .map(|n| Spoken {
                cue_from: n,
                cue_to: n,
                start_ms: n * 1_000,
                end_ms: n * 1_000 + 900,
                speaker: (n % 2 == 0).then(|| "Ana".to_owned()),
                text: "ten words of talk that go on and on here".to_owned(),
            })
            .collect();
        let made = passages(&spoken);
        let places: Vec<(u32, u32)> = made
            .iter()
            .map(|one| (one.place.cue_from, one.place.cue_to))
            .collect();
        assert_eq!(places, [(1, 12), (13, 24), (25, 30)]);
        assert!(made[0].text.contains("\nAna: ten words"));
        assert_eq!(
            made[0].place.text_sha256, made[1].place.text_sha256,
            "the same words are one text"
        );
        assert_ne!(made[0].place.text_sha256, made[2].place.text_sha256);
        assert!(passages(&[]).is_empty());
    }
}
