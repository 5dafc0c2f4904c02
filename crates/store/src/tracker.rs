//! What is to be done across the meetings of a series.
//!
//! Which statements are the same action is decided in the engine; here lie the actions with where they were spoken of.

use jiff::Timestamp;
use serde::Serialize;

use crate::db::{Args, Cells, Tx, args, one, statements, two};
use crate::error::Result;
use crate::id::{ActionId, InstanceId, TranscriptId, WorkspaceId};
use crate::model::{Page, PageRequest, words};
use crate::page::Key;
use crate::store::{Scope, Store};

words! {
    /// Whether something is still to be done.
    ActionState {
        /// It is to be done.
        Open = "open",
        /// Somebody said that it is done.
        Done = "done",
    }
}

macro_rules! action {
    () => {
        "t.id, t.series, t.text, t.owner, t.owner_email, t.due, t.due_text, t.confidence, t.state, t.state_by, t.state_at, t.meetings, t.first_at, t.last_at,
            (SELECT n.topic FROM action_sightings s JOIN instances n ON n.id = s.instance_id WHERE s.action_id = t.id ORDER BY n.start_at DESC, s.transcript_id DESC LIMIT 1)"
    };
}

statements! {
    SERIES_OF = one("SELECT CASE WHEN number IS NULL OR number = '' THEN id ELSE account_id || '/' || number END FROM instances WHERE workspace_id = $1 AND id = $2");
    // Transcripts with something to be done that no action was seen in: taken in before there was a tracker.
    UNFOLLOWED = one("SELECT DISTINCT CASE WHEN n.number IS NULL OR n.number = '' THEN n.id ELSE n.account_id || '/' || n.number END
        FROM insights i JOIN analyses a ON a.id = i.analysis_id
            JOIN transcripts t ON t.workspace_id = a.workspace_id AND t.sha256 = a.transcript_sha256 AND t.current = 1
            JOIN instances n ON n.id = t.instance_id
        WHERE i.workspace_id = $1 AND i.kind = 'action_item' AND NOT EXISTS (SELECT 1 FROM action_sightings s WHERE s.transcript_id = t.id) LIMIT $2");
    // SQLite has but one writer. Elsewhere two that make the same series anew at once would each leave their rows.
    HOLD = two("SELECT $1", "SELECT pg_advisory_xact_lock(hashtext($1))");
    STATEMENTS_OF = one("SELECT t.id, n.id, n.start_at, a.model, i.text, i.owner, i.due, i.due_text, i.confidence, i.start_ms, c.ord_from, c.ord_to, c.quote
        FROM instances n JOIN transcripts t ON t.instance_id = n.id AND t.current = 1
            JOIN analyses a ON a.workspace_id = n.workspace_id AND a.transcript_sha256 = t.sha256
            JOIN insights i ON i.analysis_id = a.id AND i.kind = 'action_item'
            JOIN citations c ON c.insight_id = i.id
        WHERE n.workspace_id = $1 AND (n.id = $2 OR (n.account_id = $3 AND n.number = $4))
        ORDER BY COALESCE(n.start_at, 0), n.id, i.start_ms, i.ord, t.id, a.model");
    HELD = one(concat!("SELECT ", action!(), " FROM tracked_actions t WHERE t.workspace_id = $1 AND t.series = $2 ORDER BY t.first_at, t.id"));
    HELD_SIGHTINGS = one("SELECT s.action_id, s.transcript_id, s.instance_id, s.model, s.cue_from, s.cue_to, s.start_ms, s.text, s.quote, n.start_at, n.topic
        FROM action_sightings s JOIN tracked_actions t ON t.id = s.action_id JOIN instances n ON n.id = s.instance_id
        WHERE t.workspace_id = $1 AND t.series = $2 ORDER BY n.start_at, s.start_ms");
    FORGET = one("DELETE FROM tracked_actions WHERE workspace_id = $1 AND series = $2");
    PUT = one("INSERT INTO tracked_actions (id, workspace_id, series, text, owner, owner_email, due, due_text, confidence, state, state_by, state_at, meetings, first_at, last_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)");
    PUT_SIGHTING = one("INSERT INTO action_sightings (action_id, transcript_id, instance_id, model, cue_from, cue_to, start_ms, text, quote)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING");
    ONE = one(concat!("SELECT ", action!(), " FROM tracked_actions t WHERE t.workspace_id = $1 AND t.id = $2"));
    SIGHTINGS = one("SELECT s.action_id, s.transcript_id, s.instance_id, s.model, s.cue_from, s.cue_to, s.start_ms, s.text, s.quote, n.start_at, n.topic
        FROM action_sightings s JOIN instances n ON n.id = s.instance_id JOIN tracked_actions t ON t.id = s.action_id
        WHERE t.workspace_id = $1 AND s.action_id = $2 ORDER BY n.start_at, s.start_ms");
    LIST = one(concat!("SELECT ", action!(), " FROM tracked_actions t
        WHERE t.workspace_id = $1 AND (CAST($2 AS TEXT) IS NULL OR t.state = $2)
            AND (CAST($3 AS BIGINT) = 0 OR t.meetings > 1)
            AND (CAST($4 AS TEXT) IS NULL OR LOWER(SUBSTR(t.owner, 1, LENGTH($4))) = LOWER($4) OR LOWER(t.owner_email) = LOWER($4))
            AND (CAST($5 AS TEXT) IS NULL OR t.series = $5)
            AND (CAST($6 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM action_sightings s WHERE s.action_id = t.id AND s.instance_id = $6))
            AND (CAST($7 AS TEXT) IS NULL OR (t.due IS NOT NULL AND t.due < $7))
            AND EXISTS (SELECT 1 FROM action_sightings s WHERE s.action_id = t.id)
            AND (CAST($8 AS BIGINT) IS NULL OR t.last_at < $8 OR (t.last_at = $8 AND t.id < $9))
        ORDER BY t.last_at DESC, t.id DESC LIMIT $10"));
    OWNERS = one("SELECT owner, SUM(CASE WHEN state = 'open' THEN 1 ELSE 0 END), COUNT(*) FROM tracked_actions
        WHERE workspace_id = $1 AND owner IS NOT NULL GROUP BY owner ORDER BY 2 DESC, owner LIMIT $2");
    PEOPLE_OF = one("SELECT n.id, p.name, LOWER(p.email) FROM participants p JOIN instances n ON n.id = p.instance_id
        WHERE n.workspace_id = $1 AND (n.id = $2 OR (n.account_id = $3 AND n.number = $4)) AND p.name IS NOT NULL ORDER BY p.id");
    SPEAKERS_OF = one("SELECT n.id, s.label, s.name, s.email, s.source, s.confidence, s.set_by, s.updated_at FROM speakers s JOIN instances n ON n.id = s.instance_id
        WHERE n.workspace_id = $1 AND (n.id = $2 OR (n.account_id = $3 AND n.number = $4)) ORDER BY s.label");
    MARK = one("UPDATE tracked_actions SET state = $3, state_by = $4, state_at = $5, updated_at = $5 WHERE workspace_id = $1 AND id = $2 AND state <> $3");
}

/// Something that an analyst found to be done in one transcript of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// The transcript.
    pub transcript_id: TranscriptId,
    /// The instance.
    pub instance_id: InstanceId,
    /// When the meeting began.
    pub start: Option<Timestamp>,
    /// The analyst.
    pub model: String,
    /// What is to be done.
    pub text: String,
    /// By whom.
    pub owner: Option<String>,
    /// By when, as a day.
    pub due: Option<String>,
    /// The words that the day was read from.
    pub due_text: Option<String>,
    /// How sure the analyst is, in thousandths.
    pub confidence: i64,
    /// When it was said, in milliseconds from the start of the recording.
    pub start_ms: u32,
    /// First cue of its proof.
    pub cue_from: u32,
    /// Last cue of its proof.
    pub cue_to: u32,
    /// The words as they stand there.
    pub quote: String,
}

/// Something to be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ActionRow {
    /// Its id.
    pub id: ActionId,
    /// The series: an account and a meeting number, or one run alone.
    pub series: String,
    /// What is to be done, as it was said last.
    pub text: String,
    /// By whom.
    pub owner: Option<String>,
    /// Their address, where attendance shows it.
    pub owner_email: Option<String>,
    /// By when, as a day.
    pub due: Option<String>,
    /// The words that the day was read from.
    pub due_text: Option<String>,
    /// How sure the analyst is, in thousandths.
    pub confidence: i64,
    /// Whether it is still to be done.
    pub state: ActionState,
    /// Who said so; none while nobody touched it.
    pub state_by: Option<String>,
    /// When they said so.
    pub state_at: Option<Timestamp>,
    /// In how many meetings it was spoken of; more than one: it was carried over.
    pub meetings: u64,
    /// When the first of them began.
    pub first_at: Timestamp,
    /// When the last of them began.
    pub last_at: Timestamp,
    /// Topic of the last of them.
    pub topic: Option<String>,
}

/// Where an action was spoken of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// The action.
    pub action_id: ActionId,
    /// The transcript.
    pub transcript_id: TranscriptId,
    /// The instance.
    pub instance_id: InstanceId,
    /// The analyst.
    pub model: String,
    /// First cue of its proof.
    pub cue_from: u32,
    /// Last cue of its proof.
    pub cue_to: u32,
    /// When it was said, in milliseconds from the start of the recording.
    pub start_ms: u32,
    /// What is to be done, as it was put there.
    pub text: String,
    /// The words as they stand there.
    pub quote: String,
    /// When the meeting began.
    pub start: Option<Timestamp>,
    /// Topic of the meeting.
    pub topic: Option<String>,
}

/// An action to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAction {
    /// Its id, if it was kept before.
    pub id: Option<ActionId>,
    /// What is to be done, as it was said last.
    pub text: String,
    /// By whom.
    pub owner: Option<String>,
    /// Their address.
    pub owner_email: Option<String>,
    /// By when, as a day.
    pub due: Option<String>,
    /// The words that the day was read from.
    pub due_text: Option<String>,
    /// How sure the analyst is, in thousandths.
    pub confidence: i64,
    /// Whether it is still to be done.
    pub state: ActionState,
    /// Who said so.
    pub state_by: Option<String>,
    /// When they said so.
    pub state_at: Option<Timestamp>,
    /// When the first meeting began.
    pub first_at: Timestamp,
    /// When the last meeting began.
    pub last_at: Timestamp,
    /// Where it was spoken of, in order.
    pub sightings: Vec<NewSighting>,
}

/// Where an action to keep was spoken of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSighting {
    /// The transcript.
    pub transcript_id: TranscriptId,
    /// The instance.
    pub instance_id: InstanceId,
    /// The analyst.
    pub model: String,
    /// First cue of its proof.
    pub cue_from: u32,
    /// Last cue of its proof.
    pub cue_to: u32,
    /// When it was said, in milliseconds from the start of the recording.
    pub start_ms: u32,
    /// What is to be done, as it was put there.
    pub text: String,
    /// The words as they stand there.
    pub quote: String,
}

/// Which actions are wanted. Everything given must hold.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActionFilter {
    /// In this state.
    pub state: Option<ActionState>,
    /// Only those spoken of in more than one meeting.
    pub carried: bool,
    /// Of this owner: the name in full or its beginning, whatever its case, or the address.
    pub owner: Option<String>,
    /// Of this series.
    pub series: Option<String>,
    /// Spoken of in this instance.
    pub instance: Option<InstanceId>,
    /// Due before this day (`yyyy-mm-dd`).
    pub due_before: Option<String>,
}

/// Who owes how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OwnerRow {
    /// The name.
    pub owner: String,
    /// What is still to be done.
    pub open: u64,
    /// What there is altogether.
    pub total: u64,
}

fn small(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn action(row: &mut Cells) -> Result<ActionRow> {
    Ok(ActionRow {
        id: row.id()?,
        series: row.text()?,
        text: row.text()?,
        owner: row.opt_text()?,
        owner_email: row.opt_text()?,
        due: row.opt_text()?,
        due_text: row.opt_text()?,
        confidence: row.int()?,
        state: row.parsed()?,
        state_by: row.opt_text()?,
        state_at: row.opt_instant()?,
        meetings: row.count()?,
        first_at: row.instant()?,
        last_at: row.instant()?,
        topic: row.opt_text()?,
    })
}

fn sighting(row: &mut Cells) -> Result<Sighting> {
    Ok(Sighting {
        action_id: row.id()?,
        transcript_id: row.id()?,
        instance_id: row.id()?,
        model: row.text()?,
        cue_from: small(row.int()?),
        cue_to: small(row.int()?),
        start_ms: small(row.int()?),
        text: row.text()?,
        quote: row.text()?,
        start: row.opt_instant()?,
        topic: row.opt_text()?,
    })
}

fn statement(row: &mut Cells) -> Result<Statement> {
    Ok(Statement {
        transcript_id: row.id()?,
        instance_id: row.id()?,
        start: row.opt_instant()?,
        model: row.text()?,
        text: row.text()?,
        owner: row.opt_text()?,
        due: row.opt_text()?,
        due_text: row.opt_text()?,
        confidence: row.int()?,
        start_ms: small(row.int()?),
        cue_from: small(row.int()?),
        cue_to: small(row.int()?),
        quote: row.text()?,
    })
}

/// The parameters that name the instances of a series: one run alone, or an account and a number.
fn place(w: WorkspaceId, series: &str) -> Args {
    match series.split_once('/') {
        Some((account, number)) => args![w, None::<String>, account, number],
        None => args![w, series, None::<String>, None::<String>],
    }
}

impl Store {
    /// Actions, those spoken of last first.
    pub async fn actions(
        &self,
        scope: Scope,
        filter: &ActionFilter,
        page: &PageRequest,
    ) -> Result<Page<ActionRow>> {
        let limit = page.bounded();
        let after = Key::two(page)?;
        let (at, id) = match after {
            Some((at, id)) => (Some(at), Some(id)),
            None => (None, None),
        };
        let mut items = self
            .all(
                LIST,
                args![
                    scope.workspace,
                    filter.state,
                    filter.carried,
                    filter.owner.clone(),
                    filter.series.clone(),
                    filter.instance,
                    filter.due_before.clone(),
                    at,
                    id,
                    limit + 1
                ],
                action,
            )
            .await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items
            .last()
            .filter(|_| more)
            .map(|last| format!("{}~{}", last.last_at.as_microsecond(), last.id));
        Ok(Page { items, next })
    }

    /// One action.
    pub async fn action(&self, scope: Scope, id: ActionId) -> Result<Option<ActionRow>> {
        self.one(ONE, args![scope.workspace, id], action).await
    }

    /// Where an action was spoken of, in order.
    pub async fn sightings(&self, scope: Scope, id: ActionId) -> Result<Vec<Sighting>> {
        self.all(SIGHTINGS, args![scope.workspace, id], sighting)
            .await
    }

    /// Who owes how much, who owes most first.
    pub async fn action_owners(&self, scope: Scope, limit: u32) -> Result<Vec<OwnerRow>> {
        self.all(OWNERS, args![scope.workspace, limit], |row| {
            Ok(OwnerRow {
                owner: row.text()?,
                open: row.count()?,
                total: row.count()?,
            })
        })
        .await
    }

    /// Series in which something is to be done that was never followed.
    pub async fn unfollowed_series(&self, scope: Scope, limit: u32) -> Result<Vec<String>> {
        self.all(UNFOLLOWED, args![scope.workspace, limit], Cells::text)
            .await
    }

    /// The series of an instance.
    pub async fn series_of(&self, scope: Scope, instance: InstanceId) -> Result<Option<String>> {
        self.one(SERIES_OF, args![scope.workspace, instance], Cells::text)
            .await
    }
}

impl Tx {
    /// The series of an instance.
    pub async fn series_of(&mut self, instance: InstanceId) -> Result<Option<String>> {
        let w = self.w();
        self.one(SERIES_OF, args![w, instance], Cells::text).await
    }

    /// Everything that analysts found to be done in a series, in the order in which it was said; until the transaction ends,
    /// nobody else follows the series.
    pub async fn series_statements(&mut self, series: &str) -> Result<Vec<Statement>> {
        let w = self.w();
        self.execute(HOLD, args![series]).await?;
        self.all(STATEMENTS_OF, place(w, series), statement).await
    }

    /// The actions that are kept of a series, with where they were spoken of.
    pub async fn series_actions(
        &mut self,
        series: &str,
    ) -> Result<(Vec<ActionRow>, Vec<Sighting>)> {
        let w = self.w();
        let actions = self.all(HELD, args![w, series], action).await?;
        let sightings = self.all(HELD_SIGHTINGS, args![w, series], sighting).await?;
        Ok((actions, sightings))
    }

    /// Who was in the meetings of a series: the meeting, the name, the address if told.
    pub async fn people_of_series(
        &mut self,
        series: &str,
    ) -> Result<Vec<(InstanceId, String, Option<String>)>> {
        let w = self.w();
        self.all(PEOPLE_OF, place(w, series), |row| {
            Ok((row.id()?, row.text()?, row.opt_text()?))
        })
        .await
    }

    /// What persons said of the names in the transcripts of a series.
    pub async fn speakers_of_series(
        &mut self,
        series: &str,
    ) -> Result<Vec<(InstanceId, crate::SpeakerRow)>> {
        let w = self.w();
        self.all(SPEAKERS_OF, place(w, series), |row| {
            Ok((row.id()?, crate::talk::speaker(row)?))
        })
        .await
    }

    /// Keeps the actions of a series in the place of those that were kept.
    pub async fn replace_actions(
        &mut self,
        series: &str,
        actions: &[NewAction],
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        self.execute(FORGET, args![w, series]).await?;
        for new in actions {
            let id = new.id.unwrap_or_else(|| self.new_id(now));
            let mut meetings: Vec<InstanceId> =
                new.sightings.iter().map(|seen| seen.instance_id).collect();
            meetings.sort_unstable();
            meetings.dedup();
            self.execute(
                PUT,
                args![
                    id,
                    w,
                    series,
                    &new.text,
                    new.owner.clone(),
                    new.owner_email.clone(),
                    new.due.clone(),
                    new.due_text.clone(),
                    new.confidence,
                    new.state,
                    new.state_by.clone(),
                    new.state_at,
                    meetings.len(),
                    new.first_at,
                    new.last_at,
                    now
                ],
            )
            .await?;
            for seen in &new.sightings {
                self.execute(
                    PUT_SIGHTING,
                    args![
                        id,
                        seen.transcript_id,
                        seen.instance_id,
                        &seen.model,
                        seen.cue_from,
                        seen.cue_to,
                        seen.start_ms,
                        &seen.text,
                        &seen.quote
                    ],
                )
                .await?;
            }
        }
        Ok(())
    }

    /// Says whether an action is still to be done; false when that was said already, or there is no such action.
    pub async fn mark_action(
        &mut self,
        id: ActionId,
        state: ActionState,
        by: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(MARK, args![w, id, state, by, now]).await? > 0)
    }
}
