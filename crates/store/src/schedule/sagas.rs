//! Sagas, held under a lease, and their effects, written before they are tried.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::db::{Cells, Tx, args, locked, one, statements};
use crate::error::{ErrorKind, Result, StoreError};
use crate::id::{EffectId, SagaId, ScheduleId};
use crate::model::{EarlierRequest, Effect, EffectState, NewSaga, Saga, SagaMove};
use crate::store::{Scope, Store, set_back};

macro_rules! columns {
    () => {
        "id, schedule_id, kind, state, step, direction, data, error, tries, next_at, deadline, created_at, updated_at, group_id"
    };
}
macro_rules! effect_columns {
    () => {
        "id, saga_id, schedule_id, step, key, state, remote_id, result, error, tries, first_tried_at, last_tried_at"
    };
}

statements! {
    NEW = one("INSERT INTO sagas (id, workspace_id, schedule_id, kind, state, step, direction, data, tries, next_at, deadline,
            request_key, request_hash, lease_until, created_at, updated_at, group_id)
        VALUES ($1, $2, $3, $4, 'running', $5, 'forward', $6, 0, $7, $8, $9, $10, 0, $7, $7, $11)");
    GROUP_NEW = one("INSERT INTO saga_groups (id, workspace_id, created_at) VALUES ($1, $2, $3)");
    GROUP_DECIDE = one("UPDATE saga_groups SET decision = $3 WHERE workspace_id = $1 AND id = $2 AND decision IS NULL");
    GROUP_DECISION = one("SELECT decision FROM saga_groups WHERE workspace_id = $1 AND id = $2");
    GROUP_PARTS = one(concat!("SELECT ", columns!(), " FROM sagas WHERE workspace_id = $1 AND group_id = $2 ORDER BY id"));
    EARLIER = one("SELECT id, schedule_id, request_hash FROM sagas WHERE workspace_id = $1 AND request_key = $2");
    RUNNING = one("SELECT id FROM sagas WHERE schedule_id = $1 AND state = 'running'");
    GET = one(concat!("SELECT ", columns!(), " FROM sagas WHERE workspace_id = $1 AND id = $2"));
    LATEST = one(concat!("SELECT ", columns!(), " FROM sagas WHERE workspace_id = $1 AND schedule_id = $2 ORDER BY created_at DESC, id DESC LIMIT 1"));
    LOOK = locked!("SELECT state, lease_token, lease_until FROM sagas WHERE workspace_id = $1 AND id = $2");
    LEASE = one("UPDATE sagas SET lease_token = $3, lease_until = $4 WHERE workspace_id = $1 AND id = $2");
    RELEASE = one("UPDATE sagas SET lease_until = 0 WHERE workspace_id = $1 AND id = $2 AND lease_token = $3");
    MOVE = one("UPDATE sagas SET state = $4, step = $5, direction = $6, data = $7, error = $8, tries = $9, next_at = $10, deadline = $11, updated_at = $12, lease_until = $13
        WHERE workspace_id = $1 AND id = $2 AND lease_token = $3");
    REOPEN = one("UPDATE sagas SET state = 'running', step = $5, tries = 0, error = NULL, next_at = $3, deadline = $4, lease_until = 0, updated_at = $3
        WHERE workspace_id = $1 AND id = $2 AND state IN ('stuck', 'done')");
    TRY = one(concat!("INSERT INTO effects AS e (id, workspace_id, saga_id, schedule_id, step, key, state, tries, first_tried_at, last_tried_at)
        VALUES ($1, $2, $3, $4, $5, $6, 'tried', 1, $7, $7)
        ON CONFLICT (workspace_id, key) DO UPDATE SET tries = e.tries + 1, last_tried_at = $7, saga_id = $3,
            state = CASE WHEN e.state = 'undone' THEN 'tried' ELSE e.state END
        RETURNING ", effect_columns!()));
    SETTLE = one("UPDATE effects SET state = $3, remote_id = COALESCE($4, remote_id), result = COALESCE($5, result), error = $6 WHERE workspace_id = $1 AND key = $2");
    EFFECTS = one(concat!("SELECT ", effect_columns!(), " FROM effects WHERE workspace_id = $1 AND saga_id = $2 ORDER BY first_tried_at, id"));
    EFFECT = one(concat!("SELECT ", effect_columns!(), " FROM effects WHERE workspace_id = $1 AND key = $2"));
    LEFT_OVER = one(concat!("SELECT ", effect_columns!(), " FROM effects WHERE workspace_id = $1 AND state IN ('stuck', 'refused')
            AND (CAST($2 AS TEXT) IS NULL OR schedule_id = $2) ORDER BY last_tried_at DESC, id LIMIT $3"));
    RETRY = one("UPDATE effects SET state = 'tried', error = NULL WHERE workspace_id = $1 AND saga_id = $2 AND state IN ('stuck', 'refused')");
}

/// The decision that all go on.
const GO: &str = "go";

fn saga(row: &mut Cells) -> Result<Saga> {
    Ok(Saga {
        id: row.id()?,
        schedule_id: row.id()?,
        kind: row.parsed()?,
        state: row.parsed()?,
        step: row.text()?,
        direction: row.text()?,
        data: row.json()?,
        error: row.opt_text()?,
        tries: row.int()?,
        next_at: row.instant()?,
        deadline: row.instant()?,
        created_at: row.instant()?,
        updated_at: row.instant()?,
        group: row.opt_id()?,
    })
}

fn effect(row: &mut Cells) -> Result<Effect> {
    Ok(Effect {
        id: row.id()?,
        saga_id: row.id()?,
        schedule_id: row.id()?,
        step: row.text()?,
        key: row.text()?,
        state: row.parsed()?,
        remote_id: row.opt_text()?,
        result: row.opt_json()?,
        error: row.opt_text()?,
        tries: row.int()?,
        first_tried_at: row.instant()?,
        last_tried_at: row.instant()?,
    })
}

/// What a claim of a saga found.
#[derive(Debug, Clone, PartialEq)]
pub enum SagaClaim {
    /// It is ours until the lease ends.
    Ours(Box<Saga>),
    /// Somebody else is at it, at the latest until then.
    Held(Timestamp),
    /// It has ended, or there is none.
    Over,
}

impl Store {
    /// A saga.
    pub async fn saga(&self, scope: Scope, id: SagaId) -> Result<Option<Saga>> {
        self.one(GET, args![scope.workspace, id], saga).await
    }

    /// The latest saga of a schedule.
    pub async fn latest_saga(&self, scope: Scope, id: ScheduleId) -> Result<Option<Saga>> {
        self.one(LATEST, args![scope.workspace, id], saga).await
    }

    /// The sagas of a group.
    pub async fn saga_group(&self, scope: Scope, group: SagaId) -> Result<Vec<Saga>> {
        self.all(GROUP_PARTS, args![scope.workspace, group], saga)
            .await
    }

    /// What was decided for a group: that all go on, or that all go back; none while it is open.
    pub async fn saga_decision(&self, scope: Scope, group: SagaId) -> Result<Option<bool>> {
        let decision = self
            .one(GROUP_DECISION, args![scope.workspace, group], |row| {
                row.opt_text()
            })
            .await?;
        Ok(decision.flatten().map(|word| word == GO))
    }

    /// What a saga did outside, in order.
    pub async fn effects(&self, scope: Scope, id: SagaId) -> Result<Vec<Effect>> {
        self.all(EFFECTS, args![scope.workspace, id], effect).await
    }

    /// Something done outside, by its key.
    pub async fn effect(&self, scope: Scope, key: &str) -> Result<Option<Effect>> {
        self.one(EFFECT, args![scope.workspace, key], effect).await
    }

    /// What could neither be done nor taken back, of one schedule or of all, the latest first.
    pub async fn effects_left_over(
        &self,
        scope: Scope,
        schedule: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<Effect>> {
        self.all(LEFT_OVER, args![scope.workspace, schedule, limit], effect)
            .await
    }

    /// Takes a saga that is under way for `token` until `until`.
    pub async fn claim_saga(
        &self,
        scope: Scope,
        id: SagaId,
        token: &str,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<SagaClaim> {
        let mut tx = self.begin(scope).await?;
        let w = tx.w();
        let held = tx
            .one(LOOK, args![w, id], |row| {
                Ok((row.text()?, row.opt_text()?, row.instant()?))
            })
            .await?;
        let Some((state, holder, held_until)) = held else {
            return Ok(SagaClaim::Over);
        };
        if state != "running" {
            return Ok(SagaClaim::Over);
        }
        // A lease that ends beyond any that is taken now is one of a clock that was set back since.
        if held_until > now && held_until <= set_back(until) && holder.as_deref() != Some(token) {
            return Ok(SagaClaim::Held(held_until));
        }
        tx.execute(LEASE, args![w, id, token, until]).await?;
        let row = tx.exactly(GET, args![w, id], saga).await?;
        tx.commit().await?;
        Ok(SagaClaim::Ours(Box::new(row)))
    }

    /// Lets a saga go, so that others may take it at once.
    pub async fn release_saga(&self, scope: Scope, id: SagaId, token: &str) -> Result<()> {
        let mut tx = self.begin(scope).await?;
        tx.execute(RELEASE, args![scope.workspace, id, token])
            .await?;
        tx.commit().await
    }
}

impl Tx {
    /// The saga that this request key belongs to, if it came before.
    pub async fn earlier_request(&mut self, key: &str) -> Result<Option<EarlierRequest>> {
        let w = self.w();
        self.one(EARLIER, args![w, key], |row| {
            Ok(EarlierRequest {
                saga_id: row.id()?,
                schedule_id: row.id()?,
                request_hash: row.opt_text()?.unwrap_or_default(),
            })
        })
        .await
    }

    /// The saga that is under way for a schedule.
    pub async fn running_saga(&mut self, id: ScheduleId) -> Result<Option<SagaId>> {
        self.one(RUNNING, args![id], Cells::id).await
    }

    /// Begins a group: sagas of which all pass the point of no return, or none.
    pub async fn begin_saga_group(&mut self, now: Timestamp) -> Result<SagaId> {
        let w = self.w();
        let id: SagaId = self.new_id(now);
        self.execute(GROUP_NEW, args![id, w, now]).await?;
        Ok(id)
    }

    /// Decides for a group that all go on, or that all go back, unless that was decided before.
    pub async fn decide_saga_group(&mut self, group: SagaId, go: bool) -> Result<()> {
        let w = self.w();
        let word = if go { GO } else { "back" };
        self.execute(GROUP_DECIDE, args![w, group, word]).await?;
        Ok(())
    }

    /// Begins a saga.
    ///
    /// # Errors
    /// `Constraint` when the request key came before, or when another saga of the schedule is under way.
    pub async fn begin_saga(&mut self, new: &NewSaga<'_>, now: Timestamp) -> Result<SagaId> {
        let w = self.w();
        let id: SagaId = self.new_id(now);
        self.execute(
            NEW,
            args![
                id,
                w,
                new.schedule_id,
                new.kind,
                new.step,
                new.data,
                now,
                new.deadline,
                new.request_key,
                new.request_hash,
                new.group
            ],
        )
        .await?;
        Ok(id)
    }

    /// Writes how a saga stands after a step, and keeps it until `until`.
    ///
    /// # Errors
    /// `LeaseLost` when somebody else has taken it: then nothing of this transaction may be kept.
    pub async fn move_saga(
        &mut self,
        id: SagaId,
        token: &str,
        to: &SagaMove<'_>,
        until: Timestamp,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        let moved = self
            .execute(
                MOVE,
                args![
                    w,
                    id,
                    token,
                    to.state,
                    to.step,
                    to.direction,
                    to.data,
                    to.error,
                    to.tries,
                    to.next_at,
                    to.deadline,
                    now,
                    until
                ],
            )
            .await?;
        if moved == 0 {
            return Err(StoreError::new(
                ErrorKind::LeaseLost,
                format!("another worker has taken the saga {id}"),
            ));
        }
        Ok(())
    }

    /// Lets a saga that has ended go on from a step, with everything that is left over tried again; whether it had ended so
    /// that it can go on.
    pub async fn reopen_saga(
        &mut self,
        id: SagaId,
        step: &str,
        deadline: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        let reopened = self
            .execute(REOPEN, args![w, id, now, deadline, step])
            .await?;
        self.execute(RETRY, args![w, id]).await?;
        Ok(reopened > 0)
    }

    /// Notes that something is about to be done outside; what is known of it from before, with one try more.
    pub async fn try_effect(
        &mut self,
        saga: &Saga,
        step: &str,
        key: &str,
        now: Timestamp,
    ) -> Result<Effect> {
        let w = self.w();
        let id: EffectId = self.new_id(now);
        self.exactly(
            TRY,
            args![id, w, saga.id, saga.schedule_id, step, key, now],
            effect,
        )
        .await
    }

    /// Notes what came of something done outside.
    pub async fn settle_effect(
        &mut self,
        key: &str,
        state: EffectState,
        remote_id: Option<&str>,
        result: Option<&Json>,
        error: Option<&str>,
    ) -> Result<()> {
        let w = self.w();
        self.execute(
            SETTLE,
            args![
                w,
                key,
                state,
                remote_id,
                result.map(ToString::to_string),
                error
            ],
        )
        .await?;
        Ok(())
    }
}
