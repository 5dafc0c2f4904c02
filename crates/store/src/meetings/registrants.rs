//! Registrations.

use crate::db::{Cells, Tx, args, locked, one, statements};
use crate::error::Result;
use crate::id::{AccountId, MeetingId, RegistrantId};
use crate::merge::{Merge, first_raw, first_stamp};
use crate::model::{Change, NewRegistrant, Registrant, Seen, Upsert};
use crate::store::{Scope, Store};

macro_rules! registrant {
    () => {
        "id, meeting_id, external_id, occurrence_id, email, name, status, raw, updated_at, event_ts, source_rank"
    };
}

statements! {
    REGISTRANTS = one(concat!("SELECT ", registrant!(), " FROM registrants WHERE workspace_id = $1 AND meeting_id = $2 ORDER BY first_seen, id"));
    LOCKED = locked!("SELECT ", registrant!(), " FROM registrants WHERE workspace_id = $1 AND meeting_id = $2 AND external_id = $3");
    NEW = one("INSERT INTO registrants (id, workspace_id, provider, account_id, external_id, meeting_id, occurrence_id, email, name, status, raw,
            source_rank, event_ts, first_seen, updated_at)
        VALUES ($1, $2, (SELECT provider FROM accounts WHERE id = $3 AND workspace_id = $2), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
        ON CONFLICT (workspace_id, meeting_id, external_id) DO NOTHING");
    SET = one("UPDATE registrants SET occurrence_id = $2, email = $3, name = $4, status = $5, raw = $6, source_rank = $7, event_ts = $8, updated_at = $9
        WHERE id = $1");
}

struct Stamped {
    registrant: Registrant,
    at: jiff::Timestamp,
    rank: i64,
}

fn registrant(row: &mut Cells) -> Result<Stamped> {
    Ok(Stamped {
        registrant: Registrant {
            id: row.id()?,
            meeting_id: row.id()?,
            external_id: row.text()?,
            occurrence_id: row.opt_text()?,
            email: row.opt_text()?,
            name: row.opt_text()?,
            status: row.opt_text()?,
            raw: row.text()?,
            updated_at: row.instant()?,
        },
        at: row.instant()?,
        rank: row.int()?,
    })
}

impl Store {
    /// Who registered for a meeting, in order of first sight.
    pub async fn registrants(&self, scope: Scope, meeting: MeetingId) -> Result<Vec<Registrant>> {
        self.all(REGISTRANTS, args![scope.workspace, meeting], |row| {
            Ok(registrant(row)?.registrant)
        })
        .await
    }
}

impl Tx {
    /// The registrant with a provider's id, locked until this transaction ends.
    pub async fn registrant_by_external(
        &mut self,
        meeting: MeetingId,
        external_id: &str,
    ) -> Result<Option<Registrant>> {
        let w = self.w();
        let found = self
            .one(LOCKED, args![w, meeting, external_id], registrant)
            .await?;
        Ok(found.map(|stamped| stamped.registrant))
    }

    /// Adds facts about a registrant.
    pub async fn upsert_registrant(
        &mut self,
        account: AccountId,
        meeting: MeetingId,
        new: &NewRegistrant,
        seen: &Seen,
    ) -> Result<Upsert<RegistrantId>> {
        let w = self.w();
        loop {
            if let Some(old) = self
                .one(LOCKED, args![w, meeting, &new.external_id], registrant)
                .await?
            {
                return self.merge_registrant(old, new, seen).await;
            }
            let id: RegistrantId = self.new_id(seen.now);
            let (at, rank) = first_stamp(seen);
            let added = self
                .execute(
                    NEW,
                    args![
                        id,
                        w,
                        account,
                        &new.external_id,
                        meeting,
                        new.occurrence_id.clone(),
                        new.email.clone(),
                        new.name.clone(),
                        new.status.clone(),
                        first_raw(new.raw.as_ref()),
                        rank,
                        at,
                        seen.now
                    ],
                )
                .await?;
            if added > 0 {
                return Ok(Upsert {
                    id,
                    change: Change::Inserted,
                });
            }
        }
    }

    async fn merge_registrant(
        &mut self,
        old: Stamped,
        new: &NewRegistrant,
        seen: &Seen,
    ) -> Result<Upsert<RegistrantId>> {
        let Stamped {
            registrant: mut row,
            at,
            rank,
        } = old;
        let mut merge = Merge::new(at, rank, seen);
        merge.take(&mut row.occurrence_id, new.occurrence_id.as_ref());
        merge.take(&mut row.email, new.email.as_ref());
        merge.take(&mut row.name, new.name.as_ref());
        merge.take(&mut row.status, new.status.as_ref());
        merge.raw(&mut row.raw, new.raw.as_ref());
        let (at, rank) = merge.stamp(at, rank, seen);
        if merge.to_write() {
            self.execute(
                SET,
                args![
                    row.id,
                    row.occurrence_id,
                    row.email,
                    row.name,
                    row.status,
                    row.raw,
                    rank,
                    at,
                    merge.updated_at(row.updated_at, seen)
                ],
            )
            .await?;
        }
        Ok(Upsert {
            id: row.id,
            change: merge.change(),
        })
    }
}
