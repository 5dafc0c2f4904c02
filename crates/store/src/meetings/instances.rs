//! Runs of meetings.

use jiff::Timestamp;
use parfocal_formats::text;

use crate::db::{Cells, Tx, args, locked, one, statements};
use crate::error::Result;
use crate::id::{AccountId, ConnectionId, InstanceId};
use crate::merge::{Merge, first_raw, first_stamp};
use crate::model::{
    Change, Instance, InstanceSource, InstanceState, MeetingKind, NewInstance, Seen, Upsert,
};
use crate::store::{Scope, Store};

/// Columns of an instance `i` with the host's user row `h`.
macro_rules! instance_columns {
    ($raw:literal) => {
        concat!(
            "i.id, i.account_id, i.external_id, i.meeting_id, i.number, i.kind, i.provider_type, i.topic, i.host_user_id, ",
            "COALESCE(i.host_email, h.email), h.name, i.state, i.start_at, i.end_at, i.tz, i.participants_count, ",
            $raw,
            ", i.event_ts, i.deleted_at, i.first_seen, i.updated_at, i.source_rank, i.host_email"
        )
    };
}
macro_rules! from_instances {
    () => {
        " FROM instances i LEFT JOIN users h ON h.workspace_id = i.workspace_id AND h.account_id = i.account_id AND h.external_id = i.host_user_id "
    };
}
pub(super) use instance_columns;

statements! {
    INSTANCE = one(concat!("SELECT ", instance_columns!("i.raw"), from_instances!(), "WHERE i.workspace_id = $1 AND i.id = $2"));
    BY_EXTERNAL = one(concat!("SELECT ", instance_columns!("i.raw"), from_instances!(), "WHERE i.workspace_id = $1 AND i.account_id = $2 AND i.external_id = $3"));
    ANY_EXTERNAL = one(concat!("SELECT ", instance_columns!("i.raw"), from_instances!(), "WHERE i.workspace_id = $1 AND i.external_id = $2 ORDER BY i.first_seen LIMIT 1"));
    LOCK = locked!("SELECT id FROM instances WHERE workspace_id = $1 AND account_id = $2 AND external_id = $3");
    LOCK_ID = locked!("SELECT id FROM instances WHERE workspace_id = $1 AND id = $2");
    NEW = one("INSERT INTO instances (id, workspace_id, provider, account_id, external_id, meeting_id, number, kind, provider_type, topic, topic_search,
            host_user_id, host_email, host_search, state, start_at, end_at, tz, participants_count, raw, source_rank, event_ts, first_seen, updated_at, sort_at)
        VALUES ($1, $2, (SELECT provider FROM accounts WHERE id = $3 AND workspace_id = $2), $3, $4, $5, $6, $7, $8, $9, $10,
            $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $22, $23)
        ON CONFLICT (workspace_id, account_id, external_id) DO NOTHING");
    SET = one("UPDATE instances SET meeting_id = $2, number = $3, kind = $4, provider_type = $5, topic = $6, topic_search = $7, host_user_id = $8,
            host_email = $9, host_search = $10, state = $11, start_at = $12, end_at = $13, tz = $14, participants_count = $15, raw = $16,
            source_rank = $17, event_ts = $18, updated_at = $19, deleted_at = $20, sort_at = $21 WHERE id = $1");
    DELETE = one("UPDATE instances SET deleted_at = $3, event_ts = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2
        AND deleted_at IS NULL AND event_ts <= $3");
    RESTORE = one("UPDATE instances SET deleted_at = NULL, event_ts = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2
        AND deleted_at IS NOT NULL AND event_ts <= $3");
    SOURCE = one("INSERT INTO instance_sources (workspace_id, instance_id, connection_id, seen_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (instance_id, connection_id) DO UPDATE SET seen_at = $4");
    SOURCES = one("SELECT connection_id, seen_at FROM instance_sources WHERE workspace_id = $1 AND instance_id = $2 ORDER BY seen_at DESC");
}

pub(super) struct Stamped {
    pub(super) instance: Instance,
    rank: i64,
    told_email: Option<String>,
}

pub(super) fn stamped(row: &mut Cells) -> Result<Stamped> {
    Ok(Stamped {
        instance: Instance {
            id: row.id()?,
            account_id: row.id()?,
            external_id: row.text()?,
            meeting_id: row.opt_id()?,
            number: row.opt_text()?,
            kind: row.parsed()?,
            provider_type: row.opt_int()?,
            topic: row.opt_text()?,
            host_user_id: row.opt_text()?,
            host_email: row.opt_text()?,
            host_name: row.opt_text()?,
            state: row.parsed()?,
            start: row.opt_instant()?,
            end: row.opt_instant()?,
            tz: row.opt_text()?,
            participants_count: row.opt_int()?,
            raw: row.text()?,
            event_ts: row.instant()?,
            deleted_at: row.opt_instant()?,
            first_seen: row.instant()?,
            updated_at: row.instant()?,
        },
        rank: row.int()?,
        told_email: row.opt_text()?,
    })
}

fn instance(row: &mut Cells) -> Result<Instance> {
    Ok(stamped(row)?.instance)
}

fn normal(text: Option<&str>) -> String {
    text::index_text(text.unwrap_or_default())
}

impl Store {
    /// An instance.
    pub async fn instance(&self, scope: Scope, id: InstanceId) -> Result<Option<Instance>> {
        self.one(INSTANCE, args![scope.workspace, id], instance)
            .await
    }

    /// The instance with a provider's id (Zoom: the decoded UUID).
    pub async fn instance_by_external(
        &self,
        scope: Scope,
        account: AccountId,
        external_id: &str,
    ) -> Result<Option<Instance>> {
        self.one(
            BY_EXTERNAL,
            args![scope.workspace, account, external_id],
            instance,
        )
        .await
    }

    /// The instance with a provider's id, whatever the account.
    pub async fn find_instance(&self, scope: Scope, external_id: &str) -> Result<Option<Instance>> {
        self.one(ANY_EXTERNAL, args![scope.workspace, external_id], instance)
            .await
    }

    /// Through which connections an instance was seen, the latest first.
    pub async fn instance_sources(
        &self,
        scope: Scope,
        id: InstanceId,
    ) -> Result<Vec<InstanceSource>> {
        self.all(SOURCES, args![scope.workspace, id], |row| {
            Ok(InstanceSource {
                connection_id: row.id()?,
                seen_at: row.instant()?,
            })
        })
        .await
    }
}

impl Tx {
    /// An instance, locked until this transaction ends.
    pub async fn instance(&mut self, id: InstanceId) -> Result<Option<Instance>> {
        let w = self.w();
        if self.one(LOCK_ID, args![w, id], |_| Ok(())).await?.is_none() {
            return Ok(None);
        }
        self.one(INSTANCE, args![w, id], instance).await
    }

    /// The instance with a provider's id, locked until this transaction ends.
    pub async fn instance_by_external(
        &mut self,
        account: AccountId,
        external_id: &str,
    ) -> Result<Option<Instance>> {
        Ok(self
            .locked_instance(account, external_id)
            .await?
            .map(|stamped| stamped.instance))
    }

    async fn locked_instance(
        &mut self,
        account: AccountId,
        external_id: &str,
    ) -> Result<Option<Stamped>> {
        let w = self.w();
        if self
            .one(LOCK, args![w, account, external_id], |_| Ok(()))
            .await?
            .is_none()
        {
            return Ok(None);
        }
        self.one(BY_EXTERNAL, args![w, account, external_id], stamped)
            .await
    }

    /// Adds facts about an instance. Its state only ever moves forward, whatever the order in which
    /// the facts arrive.
    pub async fn upsert_instance(
        &mut self,
        account: AccountId,
        new: &NewInstance,
        seen: &Seen,
    ) -> Result<Upsert<InstanceId>> {
        let w = self.w();
        loop {
            if let Some(old) = self.locked_instance(account, &new.external_id).await? {
                return self.merge_instance(old, new, seen).await;
            }
            let id: InstanceId = self.new_id(seen.now);
            let (at, rank) = first_stamp(seen);
            let email = new.host_email.as_ref().map(|email| email.to_lowercase());
            let added = self
                .execute(
                    NEW,
                    args![
                        id,
                        w,
                        account,
                        &new.external_id,
                        new.meeting_id,
                        new.number.clone(),
                        new.kind.unwrap_or(MeetingKind::Meeting),
                        new.provider_type,
                        new.topic.clone(),
                        normal(new.topic.as_deref()),
                        new.host_user_id.clone(),
                        email.clone(),
                        normal(email.as_deref()),
                        new.state.unwrap_or(InstanceState::Scheduled),
                        new.start,
                        new.end,
                        new.tz.clone(),
                        new.participants_count,
                        first_raw(new.raw.as_ref()),
                        rank,
                        at,
                        seen.now,
                        new.start.unwrap_or(seen.now)
                    ],
                )
                .await?;
            if added > 0 {
                if new.topic.is_some() {
                    self.touch(id);
                }
                return Ok(Upsert {
                    id,
                    change: Change::Inserted,
                });
            }
        }
    }

    async fn merge_instance(
        &mut self,
        old: Stamped,
        new: &NewInstance,
        seen: &Seen,
    ) -> Result<Upsert<InstanceId>> {
        let Stamped {
            instance: mut row,
            rank,
            told_email: mut email,
        } = old;
        // What the index of search has of the row.
        let indexed = |row: &Instance, email: &Option<String>| {
            let host = (row.host_user_id.clone(), email.clone());
            (row.topic.clone(), row.number.clone(), row.start, host)
        };
        let before = indexed(&row, &email);
        let mut merge = Merge::new(row.event_ts, rank, seen);
        let told = new.host_email.as_ref().map(|email| email.to_lowercase());
        merge.take(&mut email, told.as_ref());
        merge.take(&mut row.meeting_id, new.meeting_id.as_ref());
        merge.take(&mut row.number, new.number.as_ref());
        merge.set(&mut row.kind, new.kind.as_ref());
        merge.take(&mut row.provider_type, new.provider_type.as_ref());
        merge.take(&mut row.topic, new.topic.as_ref());
        merge.take(&mut row.host_user_id, new.host_user_id.as_ref());
        merge.raise(&mut row.state, new.state);
        merge.take(&mut row.start, new.start.as_ref());
        merge.take(&mut row.end, new.end.as_ref());
        merge.take(&mut row.tz, new.tz.as_ref());
        merge.take(&mut row.participants_count, new.participants_count.as_ref());
        merge.raw(&mut row.raw, new.raw.as_ref());
        merge.alive(&mut row.deleted_at, seen);
        let (at, rank) = merge.stamp(row.event_ts, rank, seen);
        if merge.to_write() {
            if indexed(&row, &email) != before {
                self.touch(row.id);
            }
            self.execute(
                SET,
                args![
                    row.id,
                    row.meeting_id,
                    row.number,
                    row.kind,
                    row.provider_type,
                    row.topic.clone(),
                    normal(row.topic.as_deref()),
                    row.host_user_id,
                    email.clone(),
                    normal(email.as_deref()),
                    row.state,
                    row.start,
                    row.end,
                    row.tz,
                    row.participants_count,
                    row.raw,
                    rank,
                    at,
                    merge.updated_at(row.updated_at, seen),
                    row.deleted_at,
                    row.start.unwrap_or(row.first_seen)
                ],
            )
            .await?;
        }
        Ok(Upsert {
            id: row.id,
            change: merge.change(),
        })
    }

    /// Marks an instance as deleted there, unless something newer is known; whether that was a change.
    /// What was taken in stays.
    pub async fn delete_instance(&mut self, id: InstanceId, seen: &Seen) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(DELETE, args![w, id, seen.at, seen.now])
            .await?
            > 0)
    }

    /// Takes a deletion back, unless something newer is known; whether that was a change.
    pub async fn restore_instance(&mut self, id: InstanceId, seen: &Seen) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(RESTORE, args![w, id, seen.at, seen.now])
            .await?
            > 0)
    }

    /// Notes that a connection told of an instance.
    pub async fn touch_instance_source(
        &mut self,
        id: InstanceId,
        connection: ConnectionId,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        self.execute(SOURCE, args![w, id, connection, now]).await?;
        Ok(())
    }
}
