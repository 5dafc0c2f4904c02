//! Transcripts: immutable by content, one of them current for each file.

use jiff::Timestamp;

use super::rows::{Place, insert_cues, insert_utterances};
use crate::db::{Cells, Tx, args, locked, one, statements};
use crate::error::Result;
use crate::id::{FileId, InstanceId, TranscriptId};
use crate::model::{Cue, NewTranscript, Transcript, TranscriptOutcome, Utterance};
use crate::store::{Scope, Store};

macro_rules! transcript {
    () => {
        "id, instance_id, file_id, source, sha256, lang, current, parser_v, cue_count, utterance_count, warnings, created_at"
    };
}

statements! {
    TRANSCRIPT = one(concat!("SELECT ", transcript!(), " FROM transcripts WHERE workspace_id = $1 AND id = $2"));
    TRANSCRIPTS = one(concat!("SELECT ", transcript!(), " FROM transcripts WHERE workspace_id = $1 AND instance_id = $2
        ORDER BY current DESC, (SELECT f.start_at FROM files f WHERE f.id = transcripts.file_id), created_at, id"));
    SAME = locked!("SELECT ", transcript!(), " FROM transcripts WHERE workspace_id = $1 AND instance_id = $2 AND source = $3 AND file_key = $4 AND sha256 = $5");
    CURRENT = one("SELECT id FROM transcripts WHERE workspace_id = $1 AND instance_id = $2 AND source = $3 AND file_key = $4 AND current = 1");
    NEW = one("INSERT INTO transcripts (id, workspace_id, instance_id, file_id, file_key, source, sha256, lang, current, parser_v, cue_count, utterance_count, warnings, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $11, $12, $13)");
    RENEW = one("UPDATE transcripts SET current = 1, parser_v = $2, cue_count = $3, utterance_count = $4, warnings = $5 WHERE id = $1");
    DEMOTE = one("UPDATE transcripts SET current = 0 WHERE id = $1");
    NO_UTTERANCES = one("DELETE FROM utterances WHERE transcript_id = $1");
    NO_CUES = one("DELETE FROM cues WHERE transcript_id = $1");
    CUES = one("SELECT c.ord, c.start_ms, c.end_ms, c.speaker_raw, c.text FROM cues c JOIN transcripts t ON t.id = c.transcript_id
        WHERE t.workspace_id = $1 AND c.transcript_id = $2 AND c.ord >= $3 ORDER BY c.ord LIMIT $4");
    UTTERANCES = one("SELECT ord, cue_from, cue_to, start_ms, end_ms, speaker, text FROM utterances
        WHERE workspace_id = $1 AND transcript_id = $2 AND ord >= $3 ORDER BY ord LIMIT $4");
}

fn transcript(row: &mut Cells) -> Result<Transcript> {
    Ok(Transcript {
        id: row.id()?,
        instance_id: row.id()?,
        file_id: row.opt_id()?,
        source: row.parsed()?,
        sha256: row.text()?,
        lang: row.opt_text()?,
        current: row.flag()?,
        parser_v: row.int()?,
        cues: row.count()?,
        utterances: row.count()?,
        warnings: row.count()?,
        created_at: row.instant()?,
    })
}

fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

impl Store {
    /// A transcript, without its cues.
    pub async fn transcript(&self, scope: Scope, id: TranscriptId) -> Result<Option<Transcript>> {
        self.one(TRANSCRIPT, args![scope.workspace, id], transcript)
            .await
    }

    /// The transcripts of an instance: the current ones first, in the order in which their files begin.
    pub async fn transcripts(&self, scope: Scope, instance: InstanceId) -> Result<Vec<Transcript>> {
        self.all(TRANSCRIPTS, args![scope.workspace, instance], transcript)
            .await
    }

    /// Cues of a transcript from number `from` (1 is the first) on, at most `limit`: read a long one in pieces.
    pub async fn cues(
        &self,
        scope: Scope,
        id: TranscriptId,
        from: u32,
        limit: u32,
    ) -> Result<Vec<Cue>> {
        self.all(CUES, args![scope.workspace, id, from, limit], |row| {
            Ok(Cue {
                n: small(row.int()?),
                start_ms: small(row.int()?),
                end_ms: small(row.int()?),
                speaker: row.opt_text()?,
                text: row.text()?,
            })
        })
        .await
    }

    /// Utterances of a current transcript from number `from` on, at most `limit`.
    pub async fn utterances(
        &self,
        scope: Scope,
        id: TranscriptId,
        from: u32,
        limit: u32,
    ) -> Result<Vec<Utterance>> {
        self.all(UTTERANCES, args![scope.workspace, id, from, limit], |row| {
            Ok(Utterance {
                n: small(row.int()?),
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
}

/// What stands for a transcript's or chat's file in keys, where null would not do.
pub(super) fn file_key(file: Option<FileId>) -> String {
    file.map_or_else(String::new, |id| id.to_string())
}

impl Tx {
    /// Stores a transcript with its cues, utterances and search index, and makes it the current one of
    /// its file. The same content is stored once; a newer parser's reading of it replaces the older.
    pub async fn store_transcript(
        &mut self,
        new: &NewTranscript<'_>,
        now: Timestamp,
    ) -> Result<TranscriptOutcome> {
        let w = self.w();
        let key = file_key(new.file_id);
        let same = self
            .one(
                SAME,
                args![w, new.instance_id, new.source, &key, new.sha256],
                transcript,
            )
            .await?;
        if let Some(same) = &same
            && same.current
            && same.parser_v >= new.parser_v
        {
            return Ok(TranscriptOutcome::Duplicate(same.id));
        }
        let current = self
            .one(
                CURRENT,
                args![w, new.instance_id, new.source, &key],
                Cells::id::<TranscriptId>,
            )
            .await?;
        if let Some(current) = current {
            self.execute(NO_UTTERANCES, args![current]).await?;
            self.execute(DEMOTE, args![current]).await?;
        }
        let (cues, utterances) = (new.cues.len(), new.utterances.len());
        let (id, outcome) = if let Some(same) = same {
            self.execute(NO_CUES, args![same.id]).await?;
            self.execute(
                RENEW,
                args![same.id, new.parser_v, cues, utterances, new.warnings],
            )
            .await?;
            (same.id, TranscriptOutcome::Duplicate(same.id))
        } else {
            let id: TranscriptId = self.new_id(now);
            self.execute(
                NEW,
                args![
                    id,
                    w,
                    new.instance_id,
                    new.file_id,
                    &key,
                    new.source,
                    new.sha256,
                    new.lang,
                    new.parser_v,
                    cues,
                    utterances,
                    new.warnings,
                    now
                ],
            )
            .await?;
            (id, TranscriptOutcome::Inserted(id))
        };
        let place = Place {
            workspace: w,
            instance: new.instance_id,
            transcript: id,
        };
        insert_cues(&mut self.link(), id, new.cues).await?;
        insert_utterances(&mut self.link(), place, new.utterances).await?;
        self.touch(new.instance_id);
        Ok(outcome)
    }
}
