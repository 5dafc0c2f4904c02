//! What is to be sent now, and how it ended.

use jiff::Timestamp;

use super::deliveries::{columns, delivery};
use crate::db::{Cells, Tx, args, locked, one, statements};
use crate::error::Result;
use crate::id::{DeliveryId, DestinationId};
use crate::model::{DeliveryEnd, DeliveryFilter, DeliveryRow, DeliveryState};
use crate::page::like_contains;
use crate::store::{Scope, Store};

/// Tries that are kept of each delivery.
pub const DELIVERY_TRIES_KEPT: u32 = 20;

/// Whatever goes first in the lane has arrived; a thing of a lower rank that a person has to mend holds up what stands on it.
macro_rules! at_the_head {
    () => {
        "NOT EXISTS (SELECT 1 FROM deliveries b WHERE b.destination_id = d.destination_id AND b.lane = d.lane AND b.state IN ('pending', 'sending', 'waiting', 'dead')
            AND (b.rank < d.rank OR (b.state <> 'dead' AND b.rank = d.rank AND (b.ord < d.ord OR (b.ord = d.ord AND b.id < d.id)))))"
    };
}

statements! {
    // What failed before comes after what was never tried: one message that fails alone does not stand for the destination.
    DUE = one(concat!("SELECT d.id FROM deliveries d WHERE d.destination_id = $1 AND d.state IN ('pending', 'sending', 'waiting') AND d.next_at <= $2 AND ",
        at_the_head!(), " ORDER BY d.rank, d.next_at, d.ord, d.id LIMIT $3"));
    NEXT = one("SELECT MIN(next_at) FROM deliveries WHERE destination_id = $1 AND state IN ('pending', 'sending', 'waiting')");
    TAKE = locked!("SELECT ", columns!(), " FROM deliveries WHERE id = $1 AND state IN ('pending', 'sending', 'waiting')");
    SENDING = one("UPDATE deliveries SET state = 'sending', attempts = attempts + 1, updated_at = $2 WHERE id = $1");
    TRY = one("INSERT INTO delivery_tries (delivery_id, attempt, at, outcome)
        SELECT CAST($1 AS TEXT), COALESCE(MAX(attempt), 0) + 1, CAST($2 AS BIGINT), 'sending' FROM delivery_tries WHERE delivery_id = $1");
    TRIED = one("UPDATE delivery_tries SET ended = $2, outcome = $3, said = $4 WHERE delivery_id = $1
        AND attempt = (SELECT MAX(attempt) FROM delivery_tries WHERE delivery_id = $1)");
    FORGET_TRIES = one("DELETE FROM delivery_tries WHERE delivery_id = $1 AND attempt <= (SELECT MAX(attempt) FROM delivery_tries WHERE delivery_id = $1) - $2");
    // Whatever was said of it meanwhile is sent next.
    END = one("UPDATE deliveries SET
            state = CASE WHEN CAST($2 AS TEXT) = 'done' AND content_hash <> CAST($3 AS TEXT) THEN 'pending' ELSE $2 END,
            sent_hash = COALESCE($3, sent_hash), next_at = $4, attempts = CASE WHEN CAST($5 AS BIGINT) = 1 THEN attempts ELSE attempts - 1 END,
            first_failed = CASE WHEN CAST($2 AS TEXT) = 'done' THEN NULL ELSE COALESCE(first_failed, $10) END,
            progress = $6, remote_id = COALESCE($7, remote_id), said = $8, reason = $9, advice = $11,
            done_at = CASE WHEN CAST($2 AS TEXT) = 'done' THEN $10 ELSE done_at END, updated_at = $10
        WHERE id = $1 AND state = 'sending'");
    RETRY = one("UPDATE deliveries SET state = 'pending', next_at = $3, attempts = 0, first_failed = NULL, reason = NULL, advice = NULL, progress = NULL, updated_at = $3
        WHERE workspace_id = $1 AND id = $2 AND state IN ('pending', 'dead', 'dropped', 'done')");
    RETRY_OF = one("UPDATE deliveries SET state = 'pending', next_at = $3, attempts = 0, first_failed = NULL, reason = NULL, advice = NULL, progress = NULL, updated_at = $3
        WHERE destination_id = $1 AND record_key = $2 AND state IN ('dead', 'dropped', 'done')");
    HURRY = one("UPDATE deliveries SET next_at = $2 WHERE destination_id = $1 AND state = 'pending' AND next_at > $2 AND reason IS NULL");
    LANE_OF = one("SELECT account_id || '/' || COALESCE(number, id) FROM instances WHERE workspace_id = $1 AND id = $2
        UNION ALL SELECT account_id || '/' || number FROM meetings WHERE workspace_id = $1 AND id = $2
        UNION ALL SELECT m.account_id || '/' || m.number FROM registrants r JOIN meetings m ON m.id = r.meeting_id WHERE r.workspace_id = $1 AND r.id = $2
        UNION ALL SELECT COALESCE(m.account_id || '/' || m.number, s.id) FROM schedules s LEFT JOIN meetings m ON m.workspace_id = s.workspace_id AND m.number = s.meeting_id WHERE s.workspace_id = $1 AND s.id = $2");
    RETRY_ALL = one("UPDATE deliveries SET state = 'pending', next_at = $6, attempts = 0, first_failed = NULL, reason = NULL, advice = NULL, progress = NULL, updated_at = $6
        WHERE workspace_id = $1 AND (CAST($2 AS TEXT) IS NULL OR destination_id = $2) AND state = CAST($3 AS TEXT)
        AND (CAST($4 AS TEXT) IS NULL OR person_id = $4) AND (CAST($5 AS TEXT) IS NULL OR record_key LIKE $5 ESCAPE '\\')");
    DROP = one("UPDATE deliveries SET state = 'dropped', reason = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2 AND state IN ('pending', 'dead')");
    PRUNE = one("DELETE FROM deliveries WHERE id IN (SELECT id FROM deliveries WHERE kind = 'webhook' AND state IN ('done', 'dropped') AND updated_at < $1 LIMIT $2)");
}

impl Store {
    /// When something of a destination is due next; none when nothing is open.
    pub async fn next_delivery(&self, destination: DestinationId) -> Result<Option<Timestamp>> {
        self.exactly(NEXT, args![destination], Cells::opt_instant)
            .await
    }

    /// The meeting (account and number) that something of ours belongs to, by its id; none when it belongs to none.
    pub async fn lane_of(&self, scope: Scope, subject_id: &str) -> Result<Option<String>> {
        self.one(LANE_OF, args![scope.workspace, subject_id], Cells::text)
            .await
    }

    /// Forgets events that arrived before, at most `limit`; how many.
    pub async fn prune_deliveries(&self, before: Timestamp, limit: u32) -> Result<u64> {
        let mut tx = self.begin(Scope::DEFAULT).await?;
        let gone = tx.execute(PRUNE, args![before, limit]).await?;
        tx.commit().await?;
        Ok(gone)
    }
}

impl Tx {
    /// Takes what is to be sent now: of each lane only what is first. What comes as `sending` was cut off on its way,
    /// so nobody knows whether it arrived. Only whoever plays the destination's role may ask.
    pub async fn take_deliveries(
        &mut self,
        destination: DestinationId,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<DeliveryRow>> {
        let due: Vec<DeliveryId> = self
            .all(DUE, args![destination, now, limit], Cells::id)
            .await?;
        let mut taken = Vec::with_capacity(due.len());
        for id in due {
            if let Some(mut row) = self.one(TAKE, args![id], delivery).await? {
                self.execute(SENDING, args![id, now]).await?;
                self.execute(TRY, args![id, now]).await?;
                row.attempts += 1;
                taken.push(row);
            }
        }
        Ok(taken)
    }

    /// Writes how a try ended; whether it was still under way.
    pub async fn end_delivery(
        &mut self,
        id: DeliveryId,
        end: &DeliveryEnd,
        now: Timestamp,
    ) -> Result<bool> {
        let done = self
            .execute(
                END,
                args![
                    id,
                    end.state,
                    end.sent_hash.clone(),
                    end.next_at,
                    end.counts,
                    end.progress.clone().map(|value| value.to_string()),
                    end.remote_id.clone(),
                    &end.said,
                    end.reason.clone(),
                    now,
                    end.advice.clone()
                ],
            )
            .await?;
        self.execute(TRIED, args![id, now, end.outcome, &end.said])
            .await?;
        self.execute(FORGET_TRIES, args![id, DELIVERY_TRIES_KEPT])
            .await?;
        Ok(done > 0)
    }

    /// Has a delivery sent once more, whatever became of it; not what is under way.
    pub async fn retry_delivery(&mut self, id: DeliveryId, now: Timestamp) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(RETRY, args![w, id, now]).await? > 0)
    }

    /// Has what a destination got already sent once more, by its key.
    pub async fn retry_delivery_of(
        &mut self,
        destination: DestinationId,
        key: &str,
        now: Timestamp,
    ) -> Result<bool> {
        Ok(self.execute(RETRY_OF, args![destination, key, now]).await? > 0)
    }

    /// Makes due now what waits because the destination did not answer; not what it refused.
    pub async fn hurry_deliveries(
        &mut self,
        destination: DestinationId,
        now: Timestamp,
    ) -> Result<u64> {
        self.execute(HURRY, args![destination, now]).await
    }

    /// Has all deliveries of a state sent once more that a filter leaves; how many.
    pub async fn retry_deliveries(
        &mut self,
        filter: &DeliveryFilter,
        state: DeliveryState,
        now: Timestamp,
    ) -> Result<u64> {
        let w = self.w();
        self.execute(
            RETRY_ALL,
            args![
                w,
                filter.destination,
                state,
                filter.person,
                filter.key.as_deref().map(like_contains),
                now
            ],
        )
        .await
    }

    /// Gives a delivery up, for a reason that a person gave.
    pub async fn drop_delivery(
        &mut self,
        id: DeliveryId,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(DROP, args![w, id, reason, now]).await? > 0)
    }
}
