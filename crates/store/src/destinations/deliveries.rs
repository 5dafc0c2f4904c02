//! What each destination has or is to have: put in, listed, counted.

use jiff::Timestamp;

use crate::db::{Cells, Tx, args, locked, one, statements};
use crate::error::Result;
use crate::id::{DeliveryId, DestinationId, PersonId};
use crate::model::{
    DeliveryCount, DeliveryFilter, DeliveryRow, DeliveryState, DeliveryTry, NewDelivery, Page,
    PageRequest,
};
use crate::page::{Key, like_contains};
use crate::store::{Scope, Store};

macro_rules! columns {
    () => {
        "id, destination_id, record_key, kind, lane, person_id, subject_id, body, content_hash, sent_hash, rule, backfill, state, next_at, attempts, first_failed, progress, remote_id, said, reason, advice, created_at, updated_at, done_at"
    };
}
pub(super) use columns;

statements! {
    ONE = one(concat!("SELECT ", columns!(), " FROM deliveries WHERE workspace_id = $1 AND id = $2"));
    BY_KEY = one(concat!("SELECT ", columns!(), " FROM deliveries WHERE workspace_id = $1 AND destination_id = $2 AND record_key = $3"));
    LIST = one(concat!("SELECT ", columns!(), " FROM deliveries WHERE workspace_id = $1
        AND (CAST($2 AS TEXT) IS NULL OR destination_id = $2) AND (CAST($3 AS TEXT) IS NULL OR state = $3)
        AND (CAST($4 AS TEXT) IS NULL OR person_id = $4) AND (CAST($5 AS TEXT) IS NULL OR record_key LIKE $5 ESCAPE '\\')
        AND (updated_at < $6 OR (updated_at = $6 AND id < $7)) ORDER BY updated_at DESC, id DESC LIMIT $8"));
    COUNTS = one("SELECT destination_id, state, COUNT(*), MIN(created_at) FROM deliveries WHERE workspace_id = $1 GROUP BY destination_id, state ORDER BY destination_id, state");
    TRIES = one("SELECT attempt, at, ended, outcome, said FROM delivery_tries WHERE delivery_id = $1 ORDER BY attempt");
    KNOWN = locked!("SELECT id, state, content_hash, COALESCE(sent_hash, '') FROM deliveries WHERE destination_id = $1 AND record_key = $2");
    ADD = one("INSERT INTO deliveries (id, workspace_id, destination_id, record_key, kind, lane, rank, ord, person_id, subject_id, body, content_hash, rule, backfill, state, next_at, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'pending', $15, $15, $15)
        ON CONFLICT (destination_id, record_key) DO NOTHING");
    // A new state of what is on its way waits for the end of that way; what fails for the old state's sake is tried anew.
    RESTATE = one("UPDATE deliveries SET kind = $2, lane = $3, rank = $4, person_id = $5, body = $6, content_hash = $7, rule = $8,
            state = CASE WHEN state IN ('sending', 'waiting') THEN state ELSE 'pending' END,
            next_at = CASE WHEN state IN ('sending', 'waiting', 'pending') THEN next_at ELSE $9 END,
            attempts = CASE WHEN state IN ('sending', 'waiting', 'pending') THEN attempts ELSE 0 END,
            first_failed = CASE WHEN state IN ('sending', 'waiting', 'pending') THEN first_failed ELSE NULL END,
            reason = NULL, advice = NULL, updated_at = $9 WHERE id = $1");
    // Without a hash of its own it is queued anew should it be wanted again.
    UNWANTED = one("UPDATE deliveries SET content_hash = COALESCE(sent_hash, ''), state = CASE WHEN sent_hash IS NULL THEN 'dropped' ELSE 'done' END,
            reason = $3, updated_at = $4 WHERE destination_id = $1 AND record_key = $2 AND state IN ('pending', 'dead')");
}

/// What came of putting a thing into the queue of a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queued {
    /// The destination knows nothing of it yet.
    New,
    /// The destination has another state of it.
    Changed,
    /// The destination has it, or will have it.
    Known,
}

pub(super) fn delivery(row: &mut Cells) -> Result<DeliveryRow> {
    Ok(DeliveryRow {
        id: row.id()?,
        destination_id: row.id()?,
        record_key: row.text()?,
        kind: row.text()?,
        lane: row.text()?,
        person_id: row.opt_id()?,
        subject_id: row.opt_text()?,
        body: row.json()?,
        content_hash: row.text()?,
        sent_hash: row.opt_text()?,
        rule: row.opt_json()?,
        backfill: row.flag()?,
        state: row.parsed()?,
        next_at: row.instant()?,
        attempts: row.int()?,
        first_failed: row.opt_instant()?,
        progress: row.opt_json()?,
        remote_id: row.opt_text()?,
        said: row.opt_json()?,
        reason: row.opt_text()?,
        advice: row.opt_text()?,
        created_at: row.instant()?,
        updated_at: row.instant()?,
        done_at: row.opt_instant()?,
    })
}

impl Store {
    /// A delivery.
    pub async fn delivery(&self, scope: Scope, id: DeliveryId) -> Result<Option<DeliveryRow>> {
        self.one(ONE, args![scope.workspace, id], delivery).await
    }

    /// The delivery of a record to a destination.
    pub async fn delivery_of(
        &self,
        scope: Scope,
        destination: DestinationId,
        key: &str,
    ) -> Result<Option<DeliveryRow>> {
        self.one(BY_KEY, args![scope.workspace, destination, key], delivery)
            .await
    }

    /// Deliveries, the latest change first.
    pub async fn deliveries(
        &self,
        scope: Scope,
        filter: &DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<DeliveryRow>> {
        let limit = page.bounded();
        let (at, id) = Key::two(page)?.unwrap_or((i64::MAX, String::new()));
        let mut items: Vec<DeliveryRow> = self
            .all(
                LIST,
                args![
                    scope.workspace,
                    filter.destination,
                    filter.state,
                    filter.person,
                    filter.key.as_deref().map(like_contains),
                    at,
                    id,
                    limit + 1
                ],
                delivery,
            )
            .await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items
            .last()
            .filter(|_| more)
            .map(|row| format!("{}~{}", row.updated_at.as_microsecond(), row.id));
        Ok(Page { items, next })
    }

    /// How many deliveries of each destination are in which state.
    pub async fn delivery_counts(&self, scope: Scope) -> Result<Vec<DeliveryCount>> {
        self.all(COUNTS, args![scope.workspace], |row| {
            Ok(DeliveryCount {
                destination_id: row.id()?,
                state: row.parsed()?,
                deliveries: row.count()?,
                oldest: row.opt_instant()?,
            })
        })
        .await
    }

    /// The tries of a delivery that are still kept, the oldest first.
    pub async fn delivery_tries(&self, id: DeliveryId) -> Result<Vec<DeliveryTry>> {
        self.all(TRIES, args![id], |row| {
            Ok(DeliveryTry {
                attempt: row.int()?,
                at: row.instant()?,
                ended: row.opt_instant()?,
                outcome: row.text()?,
                said: row.opt_json()?,
            })
        })
        .await
    }
}

impl Tx {
    /// Sees to it that a destination gets a thing, unless it has it already in this state.
    pub async fn queue_delivery(
        &mut self,
        destination: DestinationId,
        new: &NewDelivery,
        now: Timestamp,
    ) -> Result<Queued> {
        let w = self.w();
        loop {
            let known = self
                .one(KNOWN, args![destination, &new.record_key], |row| {
                    Ok((
                        row.id::<DeliveryId>()?,
                        row.parsed::<DeliveryState>()?,
                        row.text()?,
                        row.text()?,
                    ))
                })
                .await?;
            if let Some((id, state, wanted, sent)) = known {
                // What is sent once only is settled with its first state, unless that never arrived.
                let settled = !new.again && (state == DeliveryState::Done || !sent.is_empty());
                if settled || wanted == new.content_hash {
                    return Ok(Queued::Known);
                }
                self.execute(
                    RESTATE,
                    args![
                        id,
                        &new.kind,
                        &new.lane,
                        new.rank,
                        new.person,
                        &new.body,
                        &new.content_hash,
                        new.rule.clone().map(|rule| rule.to_string()),
                        now
                    ],
                )
                .await?;
                return Ok(Queued::Changed);
            }
            let id: DeliveryId = self.new_id(now);
            let added = self
                .execute(
                    ADD,
                    args![
                        id,
                        w,
                        destination,
                        &new.record_key,
                        &new.kind,
                        &new.lane,
                        new.rank,
                        new.ord,
                        new.person,
                        new.subject.clone(),
                        &new.body,
                        &new.content_hash,
                        new.rule.clone().map(|rule| rule.to_string()),
                        new.backfill,
                        now
                    ],
                )
                .await?;
            if added > 0 {
                return Ok(Queued::New);
            }
        }
    }

    /// Takes back what is no longer to be sent; what the destination has stays there.
    pub async fn unqueue_delivery(
        &mut self,
        destination: DestinationId,
        key: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<bool> {
        Ok(self
            .execute(UNWANTED, args![destination, key, reason, now])
            .await?
            > 0)
    }
}

/// What deliveries about a person have to know of each other.
impl Store {
    /// All deliveries about a person, of all destinations, in the order in which they were first known.
    pub async fn deliveries_of_person(
        &self,
        scope: Scope,
        person: PersonId,
    ) -> Result<Vec<DeliveryRow>> {
        let filter = DeliveryFilter {
            person: Some(person),
            ..DeliveryFilter::default()
        };
        let mut all = Vec::new();
        let mut page = PageRequest::first(1_000);
        loop {
            let found = self.deliveries(scope, &filter, &page).await?;
            all.extend(found.items);
            match found.next {
                Some(next) => page.after = Some(next),
                None => break,
            }
        }
        all.sort_by_key(|row| row.id);
        Ok(all)
    }
}
