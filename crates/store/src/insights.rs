//! What was understood of transcripts: one result for each content, kind, model and version, with its statements.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::{AnalysisId, InsightId, InstanceId, TranscriptId};
use crate::store::{Scope, Store};

/// The name of the analyst in this program.
pub const EMBEDDED: &str = "embedded";

/// By what a result was made; with the content's hash, its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnalysisKey<'k> {
    /// SHA-256 of the transcript's file, in hex.
    pub transcript_sha256: &'k str,
    /// What kind of analysis.
    pub kind: &'k str,
    /// The analyst: `embedded`, or a model's name.
    pub model: &'k str,
    /// Version of its rules or prompt.
    pub prompt_v: &'k str,
}

/// A stored result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StoredAnalysis {
    /// Its id.
    pub id: AnalysisId,
    /// The transcript it was made from first.
    pub transcript_id: TranscriptId,
    /// What kind of analysis.
    pub kind: String,
    /// The analyst.
    pub model: String,
    /// Version of its rules or prompt.
    pub prompt_v: String,
    /// Everything that was found.
    pub body: serde_json::Value,
    /// Statements left out because their proof did not stand.
    pub dropped: u64,
    /// Whether its statements are those that are listed.
    pub current: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A result to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAnalysis<'a> {
    /// The transcript.
    pub transcript_id: TranscriptId,
    /// Its key.
    pub key: AnalysisKey<'a>,
    /// Everything that was found, as JSON.
    pub body: &'a serde_json::Value,
    /// Statements left out because their proof did not stand.
    pub dropped: u64,
    /// The statements that lists and search are made of.
    pub insights: &'a [NewInsight<'a>],
}

/// One statement to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewInsight<'a> {
    /// What kind of statement, such as `action_item`.
    pub kind: &'a str,
    /// The statement.
    pub text: &'a str,
    /// Who said it.
    pub speaker: Option<&'a str>,
    /// Who is to do it.
    pub owner: Option<&'a str>,
    /// By when.
    pub due: Option<Date>,
    /// The words that the day was read from.
    pub due_text: Option<&'a str>,
    /// How sure the analyst is, in thousandths.
    pub confidence: u32,
    /// When it was said, in milliseconds from the start of the recording.
    pub start_ms: u32,
    /// First cue of its proof.
    pub cue_from: u32,
    /// Last cue of its proof.
    pub cue_to: u32,
    /// The words as they stand there.
    pub quote: &'a str,
}

/// One statement with its meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InsightRow {
    /// Its id.
    pub id: InsightId,
    /// What kind of statement.
    pub kind: String,
    /// The statement.
    pub text: String,
    /// Who said it.
    pub speaker: Option<String>,
    /// Who is to do it.
    pub owner: Option<String>,
    /// By when.
    pub due: Option<String>,
    /// The words that the day was read from.
    pub due_text: Option<String>,
    /// How sure the analyst is, in thousandths.
    pub confidence: i64,
    /// When it was said, in milliseconds from the start of the recording.
    pub start_ms: i64,
    /// First cue of its proof.
    pub cue_from: i64,
    /// Last cue of its proof.
    pub cue_to: i64,
    /// The words as they stand there.
    pub quote: String,
    /// The analyst.
    pub model: String,
    /// The transcript.
    pub transcript_id: TranscriptId,
    /// The instance.
    pub instance_id: InstanceId,
    /// Topic of the meeting.
    pub topic: Option<String>,
    /// When the meeting began.
    pub start: Option<Timestamp>,
}

/// Which statements are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct InsightFilter<'f> {
    /// Of this kind.
    pub kind: Option<&'f str>,
    /// To be done by this name, in full or its beginning, whatever its case.
    pub owner: Option<&'f str>,
    /// Of this instance.
    pub instance: Option<InstanceId>,
}

// CROSS JOIN keeps SQLite to the order of the tables; PostgreSQL finds its own.
macro_rules! listed {
    ($from:literal, $where:literal) => {
        concat!("SELECT i.id, i.kind, i.text, i.speaker, i.owner, i.due, i.due_text, i.confidence, i.start_ms, c.ord_from, c.ord_to, c.quote,
            a.model, t.id, t.instance_id, n.topic, n.start_at
        FROM ", $from, " WHERE ", $where, " AND t.instance_id = n.id AND t.current = 1
            AND a.workspace_id = t.workspace_id AND a.transcript_sha256 = t.sha256 AND a.current = 1
            AND i.analysis_id = a.id AND i.workspace_id = $1 AND c.insight_id = i.id
            AND (CAST($2 AS TEXT) IS NULL OR i.kind = $2)
            AND (CAST($3 AS TEXT) IS NULL OR LOWER(SUBSTR(i.owner, 1, LENGTH($3))) = LOWER($3))
        ORDER BY n.sort_at DESC, n.id DESC, t.id, i.ord LIMIT $5")
    };
}

statements! {
    BY_KEY = one("SELECT id, transcript_id, kind, model, prompt_v, body, dropped, current, created_at FROM analyses
        WHERE workspace_id = $1 AND transcript_sha256 = $2 AND kind = $3 AND model = $4 AND prompt_v = $5");
    NEW = one("INSERT INTO analyses (id, workspace_id, transcript_id, transcript_sha256, kind, model, prompt_v, state, body, dropped, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'done', $8, $9, $10) ON CONFLICT DO NOTHING");
    WITHOUT = one("SELECT t.id FROM transcripts t WHERE t.workspace_id = $1 AND t.current = 1
        AND NOT EXISTS (SELECT 1 FROM analyses a WHERE a.workspace_id = t.workspace_id AND a.transcript_sha256 = t.sha256
            AND a.kind = $4 AND a.model = $5 AND a.prompt_v = $6)
        AND t.id NOT IN (SELECT j.dedupe_key FROM jobs j WHERE j.workspace_id = $1 AND j.kind = $2 AND j.dedupe_key IS NOT NULL
            AND j.state IN ('waiting', 'ready', 'running', 'dead'))
        ORDER BY t.id DESC LIMIT $3");
    // Results of older rules go: their statements would stand beside the new ones.
    OLDER = one("DELETE FROM analyses WHERE workspace_id = $1 AND transcript_sha256 = $2 AND kind = $3 AND model = $4 AND prompt_v <> $5");
    // Of several analysts one is listed: the one that was asked last, and the embedded one only as long as it is alone.
    SHOW = one("UPDATE analyses SET current = CASE WHEN model = $4 THEN 1 ELSE 0 END
        WHERE workspace_id = $1 AND transcript_sha256 = $2 AND kind = $3");
    BEHIND = one("UPDATE analyses SET current = 0 WHERE workspace_id = $1 AND transcript_sha256 = $2 AND kind = $3 AND model = $4
        AND EXISTS (SELECT 1 FROM analyses o WHERE o.workspace_id = $1 AND o.transcript_sha256 = $2 AND o.kind = $3 AND o.model <> $4 AND o.current = 1)");
    OF_CONTENT = one("SELECT instance_id FROM transcripts WHERE workspace_id = $1 AND sha256 = $2 AND current = 1");
    INSIGHT = one("INSERT INTO insights (id, analysis_id, workspace_id, ord, kind, text, speaker, owner, due, due_text, confidence, start_ms)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
    CITATION = one("INSERT INTO citations (insight_id, ord_from, ord_to, quote) VALUES ($1, $2, $3, $4)");
    // The latest meetings first, until the page is full; without a statement of that kind anywhere, nothing is gone through.
    LATEST = one(listed!("instances n CROSS JOIN transcripts t CROSS JOIN analyses a CROSS JOIN insights i CROSS JOIN citations c",
        "n.workspace_id = $1 AND CAST($4 AS TEXT) IS NULL
            AND EXISTS (SELECT 1 FROM insights x WHERE x.workspace_id = $1 AND (CAST($2 AS TEXT) IS NULL OR x.kind = $2))"));
    OF_INSTANCE = one(listed!("instances n CROSS JOIN transcripts t CROSS JOIN analyses a CROSS JOIN insights i CROSS JOIN citations c",
        "n.workspace_id = $1 AND n.id = $4"));
    // What is somebody's to do is little beside all there is: found by the name first, and put in order then.
    OF_OWNER = one(listed!("insights i CROSS JOIN analyses a CROSS JOIN transcripts t CROSS JOIN instances n CROSS JOIN citations c",
        "CAST($4 AS TEXT) IS NULL"));
}

impl Store {
    /// The result that was made of this content so, if there is one.
    pub async fn analysis(
        &self,
        scope: Scope,
        key: AnalysisKey<'_>,
    ) -> Result<Option<StoredAnalysis>> {
        self.one(
            BY_KEY,
            args![
                scope.workspace,
                key.transcript_sha256,
                key.kind,
                key.model,
                key.prompt_v
            ],
            |row| {
                Ok(StoredAnalysis {
                    id: row.id()?,
                    transcript_id: row.id()?,
                    kind: row.text()?,
                    model: row.text()?,
                    prompt_v: row.text()?,
                    body: row.json()?,
                    dropped: row.count()?,
                    current: row.int()? != 0,
                    created_at: row.instant()?,
                })
            },
        )
        .await
    }

    /// Transcripts that count and of whose content the embedded analyst has no result of this kind and version, the latest
    /// first. One for which a job of this kind is open or was given up is left out: its key is the transcript's id.
    pub async fn transcripts_without_analysis(
        &self,
        scope: Scope,
        kind: &str,
        prompt_v: &str,
        job_kind: &str,
        limit: u32,
    ) -> Result<Vec<TranscriptId>> {
        let args = args![scope.workspace, job_kind, limit, kind, EMBEDDED, prompt_v];
        self.all(WITHOUT, args, Cells::id).await
    }

    /// Statements across meetings, those of the latest meetings first, at most `limit`.
    pub async fn insights(
        &self,
        scope: Scope,
        filter: &InsightFilter<'_>,
        limit: u32,
    ) -> Result<Vec<InsightRow>> {
        let sql = match filter {
            InsightFilter {
                instance: Some(_), ..
            } => OF_INSTANCE,
            InsightFilter { owner: Some(_), .. } => OF_OWNER,
            _ => LATEST,
        };
        self.all(
            sql,
            args![
                scope.workspace,
                filter.kind,
                filter.owner,
                filter.instance,
                limit
            ],
            insight,
        )
        .await
    }
}

fn insight(row: &mut Cells) -> Result<InsightRow> {
    Ok(InsightRow {
        id: row.id()?,
        kind: row.text()?,
        text: row.text()?,
        speaker: row.opt_text()?,
        owner: row.opt_text()?,
        due: row.opt_text()?,
        due_text: row.opt_text()?,
        confidence: row.int()?,
        start_ms: row.int()?,
        cue_from: row.int()?,
        cue_to: row.int()?,
        quote: row.text()?,
        model: row.text()?,
        transcript_id: row.id()?,
        instance_id: row.id()?,
        topic: row.opt_text()?,
        start: row.opt_instant()?,
    })
}

impl Tx {
    /// Keeps a result with its statements; none when this content has one by the same key.
    pub async fn store_analysis(
        &mut self,
        new: &NewAnalysis<'_>,
        now: Timestamp,
    ) -> Result<Option<AnalysisId>> {
        let w = self.w();
        let key = new.key;
        let id: AnalysisId = self.new_id(now);
        let written = self
            .execute(
                NEW,
                args![
                    id,
                    w,
                    new.transcript_id,
                    key.transcript_sha256,
                    key.kind,
                    key.model,
                    key.prompt_v,
                    new.body.to_string(),
                    new.dropped,
                    now
                ],
            )
            .await?;
        if written == 0 {
            return Ok(None);
        }
        self.execute(
            OLDER,
            args![w, key.transcript_sha256, key.kind, key.model, key.prompt_v],
        )
        .await?;
        if key.model == EMBEDDED {
            self.execute(BEHIND, args![w, key.transcript_sha256, key.kind, key.model])
                .await?;
        } else {
            self.show_analysis(key).await?;
        }
        for (ord, insight) in (1_u32..).zip(new.insights) {
            let row: InsightId = self.new_id(now);
            self.execute(
                INSIGHT,
                args![
                    row,
                    id,
                    w,
                    ord,
                    insight.kind,
                    insight.text,
                    insight.speaker,
                    insight.owner,
                    insight.due.map(|due| due.to_string()),
                    insight.due_text,
                    insight.confidence,
                    insight.start_ms
                ],
            )
            .await?;
            self.execute(
                CITATION,
                args![row, insight.cue_from, insight.cue_to, insight.quote],
            )
            .await?;
        }
        self.touch_content(key.transcript_sha256).await?;
        Ok(Some(id))
    }

    /// Has the statements of this analyst listed, and those of no other, for a content and a kind.
    pub async fn show_analysis(&mut self, key: AnalysisKey<'_>) -> Result<()> {
        let w = self.w();
        self.execute(SHOW, args![w, key.transcript_sha256, key.kind, key.model])
            .await?;
        self.touch_content(key.transcript_sha256).await
    }

    /// Has the index made anew of the meetings where this was said.
    async fn touch_content(&mut self, transcript_sha256: &str) -> Result<()> {
        let w = self.w();
        let instances = self
            .all(OF_CONTENT, args![w, transcript_sha256], Cells::id)
            .await?;
        for instance in instances {
            self.touch(instance);
        }
        Ok(())
    }
}
