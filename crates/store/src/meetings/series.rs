//! Meetings and webinars as they are scheduled.

use parfocal_formats::text;

use crate::db::{Cells, Tx, args, locked, one, statements};
use crate::error::Result;
use crate::id::{AccountId, MeetingId};
use crate::merge::{Merge, first_raw, first_stamp};
use crate::model::{
    Change, Meeting, MeetingFilter, MeetingKind, NewMeeting, Occurrence, Page, PageRequest, Seen,
    Upsert,
};
use crate::page::{Key, search_pattern};
use crate::store::{Scope, Store};

macro_rules! meeting {
    () => {
        "id, account_id, external_id, number, kind, provider_type, host_user_id, topic, tz, start_at, duration_min, recurrence, settings, join_url, raw, event_ts, deleted_at, first_seen, updated_at, source_rank"
    };
}

statements! {
    MEETING = one(concat!("SELECT ", meeting!(), " FROM meetings WHERE workspace_id = $1 AND id = $2"));
    MEETING_LOCKED = locked!("SELECT ", meeting!(), " FROM meetings WHERE workspace_id = $1 AND id = $2");
    BY_EXTERNAL = one(concat!("SELECT ", meeting!(), " FROM meetings WHERE workspace_id = $1 AND account_id = $2 AND external_id = $3"));
    BY_EXTERNAL_LOCKED = locked!("SELECT ", meeting!(), " FROM meetings WHERE workspace_id = $1 AND account_id = $2 AND external_id = $3");
    BY_NUMBER = one(concat!("SELECT ", meeting!(), " FROM meetings WHERE workspace_id = $1 AND number = $2 ORDER BY first_seen LIMIT 1"));
    MEETINGS = one(concat!("SELECT ", meeting!(), " FROM meetings WHERE workspace_id = $1
        AND (CAST($2 AS TEXT) IS NULL OR account_id = $2)
        AND (CAST($3 AS TEXT) IS NULL OR host_user_id = $3)
        AND (CAST($4 AS TEXT) IS NULL OR ' ' || topic_search LIKE $4 ESCAPE '\\')
        AND ($5 = 1 OR deleted_at IS NULL)
        AND (first_seen < $6 OR (first_seen = $6 AND id < $7))
        ORDER BY first_seen DESC, id DESC LIMIT $8"));
    NEW = one("INSERT INTO meetings (id, workspace_id, provider, account_id, external_id, number, kind, provider_type, host_user_id, topic, topic_search,
            tz, start_at, duration_min, recurrence, settings, join_url, raw, source_rank, event_ts, first_seen, updated_at)
        VALUES ($1, $2, (SELECT provider FROM accounts WHERE id = $3 AND workspace_id = $2), $3, $4, $5, $6, $7, $8, $9, $10,
            $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $20)
        ON CONFLICT (workspace_id, account_id, external_id) DO NOTHING");
    SET = one("UPDATE meetings SET kind = $2, provider_type = $3, host_user_id = $4, topic = $5, topic_search = $6, tz = $7, start_at = $8,
            duration_min = $9, recurrence = $10, settings = $11, join_url = $12, raw = $13, source_rank = $14, event_ts = $15, updated_at = $16,
            deleted_at = $17, number = $18 WHERE id = $1");
    DELETE = one("UPDATE meetings SET deleted_at = $3, event_ts = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2
        AND deleted_at IS NULL AND event_ts <= $3");
    RESTORE = one("UPDATE meetings SET deleted_at = NULL, event_ts = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2
        AND deleted_at IS NOT NULL AND event_ts <= $3");
    ADOPT = one(
        "UPDATE instances SET meeting_id = $3 WHERE workspace_id = $1 AND account_id = $2 AND number = $4 AND meeting_id IS NULL",
    );
    OCCURRENCES = one("SELECT o.occurrence_id, o.start_at, o.duration_min, o.status FROM occurrences o JOIN meetings m ON m.id = o.meeting_id
        WHERE m.workspace_id = $1 AND o.meeting_id = $2 ORDER BY o.start_at, o.occurrence_id");
    OCCURRENCE_PUT = one("INSERT INTO occurrences (workspace_id, meeting_id, occurrence_id, start_at, duration_min, status) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (meeting_id, occurrence_id) DO UPDATE SET start_at = $4, duration_min = $5, status = $6");
    OCCURRENCE_STATUS = one("UPDATE occurrences SET status = $3 WHERE meeting_id = $1 AND occurrence_id = $2");
    OCCURRENCES_CLEAR = one("DELETE FROM occurrences WHERE workspace_id = $1 AND meeting_id = $2");
}

fn stamped(row: &mut Cells) -> Result<(Meeting, i64)> {
    let meeting = Meeting {
        id: row.id()?,
        account_id: row.id()?,
        external_id: row.text()?,
        number: row.text()?,
        kind: row.parsed()?,
        provider_type: row.opt_int()?,
        host_user_id: row.opt_text()?,
        topic: row.opt_text()?,
        tz: row.opt_text()?,
        start: row.opt_instant()?,
        duration_min: row.opt_int()?,
        recurrence: row.opt_json()?,
        settings: row.opt_json()?,
        join_url: row.opt_text()?,
        raw: row.text()?,
        event_ts: row.instant()?,
        deleted_at: row.opt_instant()?,
        first_seen: row.instant()?,
        updated_at: row.instant()?,
    };
    Ok((meeting, row.int()?))
}

fn meeting(row: &mut Cells) -> Result<Meeting> {
    Ok(stamped(row)?.0)
}

impl Store {
    /// A series.
    pub async fn meeting(&self, scope: Scope, id: MeetingId) -> Result<Option<Meeting>> {
        self.one(MEETING, args![scope.workspace, id], meeting).await
    }

    /// The series with a provider's id.
    pub async fn meeting_by_external(
        &self,
        scope: Scope,
        account: AccountId,
        external_id: &str,
    ) -> Result<Option<Meeting>> {
        self.one(
            BY_EXTERNAL,
            args![scope.workspace, account, external_id],
            meeting,
        )
        .await
    }

    /// The series with a number, whatever the account (the first seen, if several have one with it).
    pub async fn meeting_by_number(&self, scope: Scope, number: &str) -> Result<Option<Meeting>> {
        self.one(BY_NUMBER, args![scope.workspace, number], meeting)
            .await
    }

    /// Series, the last seen first.
    pub async fn meetings(
        &self,
        scope: Scope,
        filter: &MeetingFilter,
        page: &PageRequest,
    ) -> Result<Page<Meeting>> {
        let limit = page.bounded();
        let (seen, id) = Key::two(page)?.unwrap_or((i64::MAX, String::new()));
        let mut items = self
            .all(
                MEETINGS,
                args![
                    scope.workspace,
                    filter.account,
                    filter.host_user_id.clone(),
                    filter.topic.as_deref().map(search_pattern),
                    filter.include_deleted,
                    seen,
                    id,
                    limit + 1
                ],
                meeting,
            )
            .await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items
            .last()
            .filter(|_| more)
            .map(|m| format!("{}~{}", m.first_seen.as_microsecond(), m.id));
        Ok(Page { items, next })
    }

    /// The planned runs of a series, by start.
    pub async fn occurrences(&self, scope: Scope, meeting: MeetingId) -> Result<Vec<Occurrence>> {
        self.all(OCCURRENCES, args![scope.workspace, meeting], |row| {
            Ok(Occurrence {
                occurrence_id: row.text()?,
                start: row.opt_instant()?,
                duration_min: row.opt_int()?,
                status: row.opt_text()?,
            })
        })
        .await
    }
}

impl Tx {
    /// A series, locked until this transaction ends.
    pub async fn meeting(&mut self, id: MeetingId) -> Result<Option<Meeting>> {
        let w = self.w();
        self.one(MEETING_LOCKED, args![w, id], meeting).await
    }

    /// The series with a provider's id, locked until this transaction ends.
    pub async fn meeting_by_external(
        &mut self,
        account: AccountId,
        external_id: &str,
    ) -> Result<Option<Meeting>> {
        let w = self.w();
        self.one(BY_EXTERNAL_LOCKED, args![w, account, external_id], meeting)
            .await
    }

    /// Adds facts about a series. A new one adopts the account's instances with its number.
    pub async fn upsert_meeting(
        &mut self,
        account: AccountId,
        new: &NewMeeting,
        seen: &Seen,
    ) -> Result<Upsert<MeetingId>> {
        let w = self.w();
        loop {
            let old = self
                .one(
                    BY_EXTERNAL_LOCKED,
                    args![w, account, &new.external_id],
                    stamped,
                )
                .await?;
            if let Some((old, rank)) = old {
                return self.merge_meeting(old, rank, new, seen).await;
            }
            let id: MeetingId = self.new_id(seen.now);
            let (at, rank) = first_stamp(seen);
            let number = if new.number.is_empty() {
                &new.external_id
            } else {
                &new.number
            };
            let added = self
                .execute(
                    NEW,
                    args![
                        id,
                        w,
                        account,
                        &new.external_id,
                        number,
                        new.kind.unwrap_or(MeetingKind::Meeting),
                        new.provider_type,
                        new.host_user_id.clone(),
                        new.topic.clone(),
                        text::index_text(new.topic.as_deref().unwrap_or_default()),
                        new.tz.clone(),
                        new.start,
                        new.duration_min,
                        new.recurrence.clone(),
                        new.settings.clone(),
                        new.join_url.clone(),
                        first_raw(new.raw.as_ref()),
                        rank,
                        at,
                        seen.now
                    ],
                )
                .await?;
            if added > 0 {
                // An instance may have been told of before its series.
                self.execute(ADOPT, args![w, account, id, number]).await?;
                return Ok(Upsert {
                    id,
                    change: Change::Inserted,
                });
            }
        }
    }

    async fn merge_meeting(
        &mut self,
        mut row: Meeting,
        rank: i64,
        new: &NewMeeting,
        seen: &Seen,
    ) -> Result<Upsert<MeetingId>> {
        let mut merge = Merge::new(row.event_ts, rank, seen);
        merge.set(&mut row.kind, new.kind.as_ref());
        merge.set(
            &mut row.number,
            Some(&new.number).filter(|number| !number.is_empty()),
        );
        merge.take(&mut row.provider_type, new.provider_type.as_ref());
        merge.take(&mut row.host_user_id, new.host_user_id.as_ref());
        merge.take(&mut row.topic, new.topic.as_ref());
        merge.take(&mut row.tz, new.tz.as_ref());
        merge.take(&mut row.start, new.start.as_ref());
        merge.take(&mut row.duration_min, new.duration_min.as_ref());
        merge.take(&mut row.recurrence, new.recurrence.as_ref());
        merge.take(&mut row.settings, new.settings.as_ref());
        merge.take(&mut row.join_url, new.join_url.as_ref());
        merge.raw(&mut row.raw, new.raw.as_ref());
        merge.alive(&mut row.deleted_at, seen);
        let (at, rank) = merge.stamp(row.event_ts, rank, seen);
        if merge.to_write() {
            let search = text::index_text(row.topic.as_deref().unwrap_or_default());
            self.execute(
                SET,
                args![
                    row.id,
                    row.kind,
                    row.provider_type,
                    row.host_user_id,
                    row.topic,
                    search,
                    row.tz,
                    row.start,
                    row.duration_min,
                    row.recurrence,
                    row.settings,
                    row.join_url,
                    row.raw,
                    rank,
                    at,
                    merge.updated_at(row.updated_at, seen),
                    row.deleted_at,
                    row.number
                ],
            )
            .await?;
        }
        Ok(Upsert {
            id: row.id,
            change: merge.change(),
        })
    }

    /// Marks a series as deleted, unless something newer is known; whether that was a change.
    pub async fn delete_meeting(&mut self, id: MeetingId, seen: &Seen) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(DELETE, args![w, id, seen.at, seen.now])
            .await?
            > 0)
    }

    /// Takes the deletion of a series back, unless something newer is known; whether that was a change.
    pub async fn restore_meeting(&mut self, id: MeetingId, seen: &Seen) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(RESTORE, args![w, id, seen.at, seen.now])
            .await?
            > 0)
    }

    /// Sets the planned runs of a series: these, and no others.
    pub async fn put_occurrences(&mut self, meeting: MeetingId, all: &[Occurrence]) -> Result<()> {
        let w = self.w();
        self.execute(OCCURRENCES_CLEAR, args![w, meeting]).await?;
        for occurrence in all {
            self.execute(
                OCCURRENCE_PUT,
                args![
                    w,
                    meeting,
                    &occurrence.occurrence_id,
                    occurrence.start,
                    occurrence.duration_min,
                    occurrence.status.clone()
                ],
            )
            .await?;
        }
        Ok(())
    }

    /// Sets the status of one planned run; whether it is known.
    pub async fn set_occurrence_status(
        &mut self,
        meeting: MeetingId,
        occurrence_id: &str,
        status: &str,
    ) -> Result<bool> {
        Ok(self
            .execute(OCCURRENCE_STATUS, args![meeting, occurrence_id, status])
            .await?
            > 0)
    }
}
