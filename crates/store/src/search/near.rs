//! Passages as vectors of a model: kept once for each text and model, and found by how near they are to a question.
//!
//! The scan is exact and bounded: the [`MOST_PASSAGES`] passages of the latest transcripts are compared, one by one.

use jiff::Timestamp;
use parfocal_formats::query::Query;
use parfocal_formats::text;
use serde::Serialize;

use super::view::{Hit, HitKind, SNIPPET_CHARS, meeting, small};
use crate::db::{Tx, args, one, statements, two};
use crate::error::Result;
use crate::id::TranscriptId;
use crate::store::{Scope, Store};

/// Most passages that a question is compared with; those of older transcripts are found by their words alone.
pub const MOST_PASSAGES: u32 = 20_000;

/// One utterance of a transcript, as passages are made of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// First cue.
    pub cue_from: u32,
    /// Last cue.
    pub cue_to: u32,
    /// Milliseconds from the start of the recording.
    pub start_ms: u32,
    /// Milliseconds from the start of the recording.
    pub end_ms: u32,
    /// Who spoke.
    pub speaker: Option<String>,
    /// The words.
    pub text: String,
}

/// A passage of a transcript: some utterances in a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewPassage {
    /// First cue.
    pub cue_from: u32,
    /// Last cue.
    pub cue_to: u32,
    /// Milliseconds from the start of the recording.
    pub start_ms: u32,
    /// Milliseconds from the start of the recording.
    pub end_ms: u32,
    /// SHA-256 of its text as a model reads it, in hex.
    pub text_sha256: String,
}

/// A passage and how near it is to a question, from -1 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Near {
    /// The transcript.
    pub transcript_id: TranscriptId,
    /// The passage's place in it.
    pub ord: i64,
    /// The cosine of the angle between the two.
    pub cosine: f32,
}

/// What searching by meaning gave to a page of results.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ByMeaning {
    /// The model whose vectors were compared.
    pub model: String,
    /// Hits that came by their meaning.
    pub hits: u32,
    /// Why nothing was compared; then the hits are those of the words alone.
    pub unavailable: Option<String>,
}

statements! {
    SPOKEN = one("SELECT cue_from, cue_to, start_ms, end_ms, speaker, text FROM utterances WHERE transcript_id = $1 ORDER BY ord");
    KNOWN = two(
        "SELECT text_sha256 FROM embeddings WHERE workspace_id = $1 AND model = $2 AND text_sha256 IN (SELECT value FROM json_each($3))",
        "SELECT text_sha256 FROM embeddings WHERE workspace_id = $1 AND model = $2
            AND text_sha256 = ANY(SELECT jsonb_array_elements_text(CAST(CAST($3 AS TEXT) AS jsonb)))");
    WITHOUT = one("SELECT t.id FROM transcripts t WHERE t.workspace_id = $1 AND t.current = 1
        AND EXISTS (SELECT 1 FROM utterances u WHERE u.transcript_id = t.id)
        AND NOT EXISTS (SELECT 1 FROM passages p JOIN embeddings e ON e.workspace_id = p.workspace_id AND e.text_sha256 = p.text_sha256 AND e.model = $2
            WHERE p.transcript_id = t.id)
        AND t.id NOT IN (SELECT j.dedupe_key FROM jobs j WHERE j.workspace_id = $1 AND j.kind = $3 AND j.dedupe_key IS NOT NULL
            AND j.state IN ('waiting', 'ready', 'running', 'dead'))
        ORDER BY t.id DESC LIMIT $4");
    KEEP = one("INSERT INTO embeddings (workspace_id, text_sha256, model, vector, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING");
    CLEAR = one("DELETE FROM passages WHERE transcript_id = $1");
    PASSAGE = one("INSERT INTO passages (transcript_id, ord, workspace_id, cue_from, cue_to, start_ms, end_ms, text_sha256)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    // Ids of transcripts grow with time: the latest come first.
    ALL = one("SELECT p.transcript_id, p.ord, e.vector FROM passages p
            JOIN transcripts t ON t.id = p.transcript_id AND t.current = 1
            JOIN embeddings e ON e.workspace_id = p.workspace_id AND e.text_sha256 = p.text_sha256 AND e.model = $2
        WHERE p.workspace_id = $1 ORDER BY p.transcript_id DESC, p.ord LIMIT $3");
    SHOWN = one("SELECT i.id, i.external_id, i.number, i.topic, i.start_at, COALESCE(i.host_email, h.email), h.name,
            p.cue_from, p.cue_to, p.start_ms, p.end_ms
        FROM passages p JOIN transcripts t ON t.id = p.transcript_id JOIN instances i ON i.id = t.instance_id
            LEFT JOIN users h ON h.workspace_id = i.workspace_id AND h.account_id = i.account_id AND h.external_id = i.host_user_id
        WHERE p.workspace_id = $1 AND p.transcript_id = $2 AND p.ord = $3");
    WORDS = one("SELECT speaker, text FROM utterances WHERE transcript_id = $1 AND cue_from >= $2 AND cue_to <= $3 ORDER BY ord");
}

impl Store {
    /// The utterances of a transcript, in order.
    pub async fn spoken(&self, transcript: TranscriptId) -> Result<Vec<Spoken>> {
        self.all(SPOKEN, args![transcript], |row| {
            Ok(Spoken {
                cue_from: small(row.int()?),
                cue_to: small(row.int()?),
                start_ms: small(row.int()?),
                end_ms: small(row.int()?),
                speaker: row.opt_text()?,
                text: row.text()?,
            })
        })
        .await
    }

    /// Transcripts that count and none of whose passages has a vector of this model, the latest first. One for which a job
    /// of this kind is open or was given up is left out: its key is the transcript's id.
    pub async fn transcripts_without_vectors(
        &self,
        scope: Scope,
        model: &str,
        job_kind: &str,
        limit: u32,
    ) -> Result<Vec<TranscriptId>> {
        let args = args![scope.workspace, model, job_kind, limit];
        self.all(WITHOUT, args, crate::db::Cells::id).await
    }

    /// Those of some texts, by their SHA-256, that have a vector of this model.
    pub async fn texts_with_vectors(
        &self,
        scope: Scope,
        model: &str,
        texts: &[String],
    ) -> Result<Vec<String>> {
        let list = serde_json::Value::from(texts).to_string();
        self.all(
            KNOWN,
            args![scope.workspace, model, list],
            crate::db::Cells::text,
        )
        .await
    }

    /// The passages nearest to a vector, the nearest first, at most `most`; see [`MOST_PASSAGES`].
    pub async fn nearest(
        &self,
        scope: Scope,
        model: &str,
        to: &[f32],
        most: usize,
    ) -> Result<Vec<Near>> {
        let mut found = self
            .all(ALL, args![scope.workspace, model, MOST_PASSAGES], |row| {
                Ok(Near {
                    transcript_id: row.id()?,
                    ord: row.int()?,
                    cosine: cosine(&row.bytes()?, to),
                })
            })
            .await?;
        found.sort_by(|a, b| b.cosine.total_cmp(&a.cosine));
        found.truncate(most);
        Ok(found)
    }

    /// A passage as a hit; none when it is there no more.
    pub async fn passage(&self, scope: Scope, near: Near, query: &Query) -> Result<Option<Hit>> {
        let args = args![scope.workspace, near.transcript_id, near.ord];
        let hit = self.one(SHOWN, args, |row| {
            let hit = meeting(row)?;
            Ok(Hit {
                kind: HitKind::Said,
                transcript_id: Some(near.transcript_id),
                cues: Some((small(row.int()?), small(row.int()?))),
                start_ms: small(row.int()?),
                end_ms: small(row.int()?),
                score: f64::from(near.cosine),
                ..hit
            })
        });
        let Some(mut hit) = hit.await? else {
            return Ok(None);
        };
        let (from, to) = hit.cues.unwrap_or_default();
        let lines = self
            .all(WORDS, args![near.transcript_id, from, to], |row| {
                Ok((row.opt_text()?, row.text()?))
            })
            .await?;
        let mut speakers: Vec<Option<String>> =
            lines.iter().map(|(speaker, _)| speaker.clone()).collect();
        speakers.dedup();
        if let [Some(only)] = speakers.as_slice() {
            hit.speaker = Some(only.clone());
        }
        let said: Vec<&str> = lines.iter().map(|(_, text)| text.as_str()).collect();
        let snippet = text::snippet(&said.join(" "), &query.positive_terms(), SNIPPET_CHARS);
        hit.snippet = snippet.text;
        hit.marks = snippet.ranges;
        Ok(Some(hit))
    }
}

impl Tx {
    /// Keeps the passages of a transcript, in the place of those that were kept before.
    pub async fn put_passages(
        &mut self,
        transcript: TranscriptId,
        passages: &[NewPassage],
    ) -> Result<()> {
        let w = self.w();
        self.execute(CLEAR, args![transcript]).await?;
        for (ord, passage) in (0_i64..).zip(passages) {
            let args = args![
                transcript,
                ord,
                w,
                passage.cue_from,
                passage.cue_to,
                passage.start_ms,
                passage.end_ms,
                &passage.text_sha256
            ];
            self.execute(PASSAGE, args).await?;
        }
        Ok(())
    }

    /// Keeps the vectors of texts; what is there stays.
    pub async fn put_vectors(
        &mut self,
        model: &str,
        vectors: &[(String, Vec<f32>)],
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        for (sha256, vector) in vectors {
            let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            self.execute(KEEP, args![w, sha256, model, bytes, now])
                .await?;
        }
        Ok(())
    }
}

/// Of a stored vector and another one; -1 for one of another length, which is nearest to nothing.
fn cosine(stored: &[u8], other: &[f32]) -> f32 {
    if stored.len() != other.len() * 4 {
        return -1.0;
    }
    let (mut dot, mut ours, mut theirs) = (0.0_f32, 0.0_f32, 0.0_f32);
    for (bytes, b) in stored.chunks_exact(4).zip(other) {
        let a = f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        dot += a * b;
        ours += a * a;
        theirs += b * b;
    }
    let length = (ours * theirs).sqrt();
    if length > 0.0 { dot / length } else { -1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_angle_counts_and_not_the_length() {
        let bytes =
            |vector: &[f32]| -> Vec<u8> { vector.iter().flat_map(|x| x.to_le_bytes()).collect() };
        assert!((cosine(&bytes(&[2.0, 0.0]), &[0.5, 0.0]) - 1.0).abs() < 1e-6);
        assert!(cosine(&bytes(&[0.0, 3.0]), &[1.0, 0.0]).abs() < 1e-6);
        assert!((cosine(&bytes(&[1.0]), &[1.0, 0.0]) + 1.0).abs() < 1e-6);
        assert!((cosine(&bytes(&[0.0, 0.0]), &[1.0, 0.0]) + 1.0).abs() < 1e-6);
    }
}
