//! What language models have used, answered and been asked with; and why they could not be used.

use jiff::Timestamp;
use serde::Serialize;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::TranscriptId;
use crate::insights::AnalysisKey;
use crate::store::{Scope, Store};

/// What one server was used for on one UTC day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelDay {
    /// The server's name in the configuration.
    pub server: String,
    /// Requests, those under way and those that failed included.
    pub calls: u64,
    /// Tokens that were sent.
    pub tokens_in: u64,
    /// Tokens that came back.
    pub tokens_out: u64,
    /// What it cost, in millionths of the configured currency.
    pub cost: u64,
}

/// An amount of use: reserved before a request, corrected after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelUse {
    /// Requests.
    pub calls: i64,
    /// Tokens that are sent.
    pub tokens_in: i64,
    /// Tokens that come back.
    pub tokens_out: i64,
    /// Millionths of the configured currency.
    pub cost: i64,
}

/// The most that may be used on one UTC day, all servers together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ModelLimits {
    /// Tokens, sent and received.
    pub tokens: Option<u64>,
    /// Millionths of the configured currency.
    pub cost: Option<u64>,
}

/// Why a model has not analysed a content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ModelTrouble {
    /// The stable code of the failure.
    pub code: String,
    /// What happened.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

statements! {
    DAY = one("SELECT server, calls, tokens_in, tokens_out, cost FROM model_days WHERE workspace_id = $1 AND utc_day = $2 ORDER BY server");
    ADD = one("INSERT INTO model_days AS t (workspace_id, utc_day, server, calls, tokens_in, tokens_out, cost) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (workspace_id, utc_day, server) DO UPDATE SET calls = t.calls + $4, tokens_in = t.tokens_in + $5,
            tokens_out = t.tokens_out + $6, cost = t.cost + $7");
    TIDY = one("DELETE FROM model_answers WHERE created_at < $1");
    ANSWER = one("SELECT answer FROM model_answers WHERE workspace_id = $1 AND request_sha256 = $2");
    KEEP_ANSWER = one("INSERT INTO model_answers (workspace_id, request_sha256, transcript_id, answer, created_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT DO NOTHING");
    DROP_ANSWERS = one("DELETE FROM model_answers WHERE workspace_id = $1 AND transcript_id = $2");
    KEEP_PROMPT = one("INSERT INTO model_prompts (workspace_id, kind, prompt_v, text, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING");
    PROMPT = one("SELECT text FROM model_prompts WHERE workspace_id = $1 AND kind = $2 AND prompt_v = $3");
    TROUBLE = one("SELECT code, message, at FROM model_troubles WHERE workspace_id = $1 AND transcript_sha256 = $2 AND kind = $3 AND model = $4");
    NOTE = one("INSERT INTO model_troubles (workspace_id, transcript_sha256, kind, model, transcript_id, code, message, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (workspace_id, transcript_sha256, kind, model) DO UPDATE SET code = $6, message = $7, at = $8");
    MENDED = one("DELETE FROM model_troubles WHERE workspace_id = $1 AND transcript_sha256 = $2 AND kind = $3 AND model = $4");
}

fn day(row: &mut Cells) -> Result<ModelDay> {
    Ok(ModelDay {
        server: row.text()?,
        calls: row.count()?,
        tokens_in: row.count()?,
        tokens_out: row.count()?,
        cost: row.count()?,
    })
}

impl Store {
    /// What was used on a UTC day (days since 1970-01-01), by server.
    pub async fn model_day(&self, scope: Scope, utc_day: i64) -> Result<Vec<ModelDay>> {
        self.all(DAY, args![scope.workspace, utc_day], day).await
    }

    /// The answer that was paid for already, if there is one.
    pub async fn model_answer(
        &self,
        scope: Scope,
        request_sha256: &str,
    ) -> Result<Option<serde_json::Value>> {
        self.one(ANSWER, args![scope.workspace, request_sha256], |row| {
            row.json()
        })
        .await
    }

    /// The text of a prompt that a result was made with.
    pub async fn model_prompt(
        &self,
        scope: Scope,
        kind: &str,
        prompt_v: &str,
    ) -> Result<Option<String>> {
        self.one(PROMPT, args![scope.workspace, kind, prompt_v], |row| {
            row.text()
        })
        .await
    }

    /// Why a model has not analysed a content, if it was tried in vain; the version of the prompt does not count.
    pub async fn model_trouble(
        &self,
        scope: Scope,
        key: AnalysisKey<'_>,
    ) -> Result<Option<ModelTrouble>> {
        self.one(
            TROUBLE,
            args![scope.workspace, key.transcript_sha256, key.kind, key.model],
            |row| {
                Ok(ModelTrouble {
                    code: row.text()?,
                    message: row.text()?,
                    at: row.instant()?,
                })
            },
        )
        .await
    }
}

impl Tx {
    /// Adds to what was used on a UTC day; false when that would be more than the limits.
    ///
    /// A transaction that got false must be dropped: what it added stands in it.
    pub async fn use_model(
        &mut self,
        server: &str,
        utc_day: i64,
        amount: ModelUse,
        limits: ModelLimits,
    ) -> Result<bool> {
        let w = self.w();
        self.execute(
            ADD,
            args![
                w,
                utc_day,
                server,
                amount.calls,
                amount.tokens_in,
                amount.tokens_out,
                amount.cost
            ],
        )
        .await?;
        if limits == ModelLimits::default() {
            return Ok(true);
        }
        let days = self.all(DAY, args![w, utc_day], day).await?;
        let tokens: u64 = days.iter().map(|day| day.tokens_in + day.tokens_out).sum();
        let cost: u64 = days.iter().map(|day| day.cost).sum();
        Ok(limits.tokens.is_none_or(|most| tokens <= most)
            && limits.cost.is_none_or(|most| cost <= most))
    }

    /// Keeps an answer until the analysis it is a part of is whole.
    pub async fn keep_model_answer(
        &mut self,
        request_sha256: &str,
        transcript: TranscriptId,
        answer: &serde_json::Value,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        self.execute(
            KEEP_ANSWER,
            args![w, request_sha256, transcript, answer, now],
        )
        .await?;
        Ok(())
    }

    /// Forgets the answers that were kept for a transcript.
    pub async fn drop_model_answers(&mut self, transcript: TranscriptId) -> Result<()> {
        let w = self.w();
        self.execute(DROP_ANSWERS, args![w, transcript]).await?;
        Ok(())
    }

    /// Forgets answers that were kept before an instant: their analysis was never finished.
    pub async fn tidy_model_answers(&mut self, before: Timestamp) -> Result<u64> {
        self.execute(TIDY, args![before]).await
    }

    /// Keeps the text of a prompt with its version.
    pub async fn keep_model_prompt(
        &mut self,
        kind: &str,
        prompt_v: &str,
        text: &str,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        self.execute(KEEP_PROMPT, args![w, kind, prompt_v, text, now])
            .await?;
        Ok(())
    }

    /// Notes why a model has not analysed a content.
    pub async fn note_model_trouble(
        &mut self,
        key: AnalysisKey<'_>,
        transcript: TranscriptId,
        trouble: &ModelTrouble,
    ) -> Result<()> {
        let w = self.w();
        self.execute(
            NOTE,
            args![
                w,
                key.transcript_sha256,
                key.kind,
                key.model,
                transcript,
                &trouble.code,
                &trouble.message,
                trouble.at
            ],
        )
        .await?;
        Ok(())
    }

    /// Forgets that a model could not analyse a content.
    pub async fn forget_model_trouble(&mut self, key: AnalysisKey<'_>) -> Result<()> {
        let w = self.w();
        self.execute(MENDED, args![w, key.transcript_sha256, key.kind, key.model])
            .await?;
        Ok(())
    }
}
