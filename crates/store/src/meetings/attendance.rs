//! Who was there, from when to when.

use std::collections::HashMap;

use jiff::Timestamp;

use crate::db::{Cells, Tx, args, locked, one, statements};
use crate::error::Result;
use crate::id::{InstanceId, ParticipantId};
use crate::merge::{EMPTY_RAW, Merge, first_stamp};
use crate::model::{
    Attendance, AttendanceKind, Change, NewAttendance, Participant, Seen, StoredStay,
};
use crate::store::{Scope, Store};

statements! {
    PARTICIPANTS = one("SELECT id, instance_id, match_key, name, email, user_external_id, registrant_id, role FROM participants
        WHERE workspace_id = $1 AND instance_id = $2 ORDER BY id");
    STAYS = one("SELECT a.participant_id, a.join_key, a.kind, a.join_at, a.leave_at FROM attendance a JOIN participants p ON p.id = a.participant_id
        WHERE p.workspace_id = $1 AND p.instance_id = $2 ORDER BY a.join_at, a.n");
    PARTICIPANT_PUT = one("INSERT INTO participants AS t (id, workspace_id, instance_id, match_key, name, email, user_external_id, registrant_id, role)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (instance_id, match_key) DO UPDATE SET
            name = COALESCE($5, t.name), email = COALESCE($6, t.email), user_external_id = COALESCE($7, t.user_external_id),
            registrant_id = COALESCE($8, t.registrant_id), role = COALESCE($9, t.role)
        RETURNING id");
    STAYS_FULL = one("SELECT a.n, a.participant_id, p.match_key, a.join_key, a.kind, a.join_at, a.leave_at, a.raw FROM attendance a JOIN participants p ON p.id = a.participant_id
        WHERE p.workspace_id = $1 AND p.instance_id = $2 AND (CAST($3 AS TEXT) IS NULL OR a.join_key = $3) ORDER BY a.join_at, a.n");
    LOCK_INSTANCE = locked!("SELECT id FROM instances WHERE workspace_id = $1 AND id = $2");
    PARTICIPANT_FIND = one("SELECT id, name, email FROM participants WHERE instance_id = $1 AND match_key = $2");
    PARTICIPANT_NEW = one("INSERT INTO participants (id, workspace_id, instance_id, match_key) VALUES ($1, $2, $3, $4)");
    PARTICIPANT_FILL = one("UPDATE participants SET name = COALESCE($2, name), email = COALESCE($3, email), user_external_id = COALESCE($4, user_external_id),
            registrant_id = COALESCE($5, registrant_id), role = COALESCE($6, role) WHERE id = $1");
    PARTICIPANT_SET = one("UPDATE participants SET name = $2, email = $3, user_external_id = $4, registrant_id = $5, role = $6 WHERE id = $1");
    YOUNGER = one("SELECT CASE WHEN EXISTS (SELECT 1 FROM attendance WHERE participant_id = $1 AND join_key <> $2 AND join_at > $3) THEN 1 ELSE 0 END");
    STAY_MOVE = one("UPDATE attendance SET participant_id = $2 WHERE n = $1");
    STAY = locked!("SELECT n, kind, join_at, leave_at, raw, event_ts, source_rank FROM attendance WHERE participant_id = $1 AND join_key = $2");
    STAY_NEW = one("INSERT INTO attendance (workspace_id, participant_id, join_key, kind, join_at, leave_at, raw, source_rank, event_ts, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (participant_id, join_key) DO NOTHING");
    STAY_SET = one("UPDATE attendance SET kind = $2, join_at = $3, leave_at = $4, raw = $5, source_rank = $6, event_ts = $7, updated_at = $8 WHERE n = $1");
    LEAVE = one("UPDATE attendance SET leave_at = $5, updated_at = $6 WHERE n = (
        SELECT a.n FROM attendance a JOIN participants p ON p.id = a.participant_id
        WHERE p.workspace_id = $1 AND p.instance_id = $2 AND p.match_key = $3 AND a.kind = $4 AND a.leave_at IS NULL AND a.join_at <= $5
        ORDER BY a.join_at DESC LIMIT 1)");
    CLOSE = one("UPDATE attendance SET leave_at = CASE WHEN join_at > $3 THEN join_at ELSE $3 END, updated_at = $4
        WHERE leave_at IS NULL AND participant_id IN (SELECT id FROM participants WHERE workspace_id = $1 AND instance_id = $2)");
    POORER = one("SELECT a.n, a.participant_id, a.join_key FROM attendance a JOIN participants p ON p.id = a.participant_id
        WHERE p.workspace_id = $1 AND p.instance_id = $2 AND a.kind = 'main' AND a.source_rank <= $3");
    STAY_DROP = one("DELETE FROM attendance WHERE n = $1");
    EMPTY_DROP = one("DELETE FROM participants WHERE workspace_id = $1 AND instance_id = $2
        AND NOT EXISTS (SELECT 1 FROM attendance a WHERE a.participant_id = participants.id)");
}

struct Stay {
    n: i64,
    kind: AttendanceKind,
    join: Timestamp,
    leave: Option<Timestamp>,
    raw: String,
    at: Timestamp,
    rank: i64,
}

fn stay(row: &mut Cells) -> Result<Stay> {
    Ok(Stay {
        n: row.int()?,
        kind: row.parsed()?,
        join: row.instant()?,
        leave: row.opt_instant()?,
        raw: row.text()?,
        at: row.instant()?,
        rank: row.int()?,
    })
}

impl Store {
    /// Who was in an instance, with every stay.
    pub async fn participants(
        &self,
        scope: Scope,
        instance: InstanceId,
    ) -> Result<Vec<Participant>> {
        let mut people = self
            .all(PARTICIPANTS, args![scope.workspace, instance], |row| {
                Ok(Participant {
                    id: row.id()?,
                    instance_id: row.id()?,
                    match_key: row.text()?,
                    name: row.opt_text()?,
                    email: row.opt_text()?,
                    user_external_id: row.opt_text()?,
                    registrant_id: row.opt_text()?,
                    role: row.opt_text()?,
                    attendance: Vec::new(),
                })
            })
            .await?;
        let stays = self
            .all(STAYS, args![scope.workspace, instance], |row| {
                let of: ParticipantId = row.id()?;
                let stay = Attendance {
                    join_key: row.text()?,
                    kind: row.parsed()?,
                    join: row.instant()?,
                    leave: row.opt_instant()?,
                };
                Ok((of, stay))
            })
            .await?;
        let mut of: HashMap<ParticipantId, Vec<Attendance>> = HashMap::new();
        for (participant, stay) in stays {
            of.entry(participant).or_default().push(stay);
        }
        for participant in &mut people {
            participant.attendance = of.remove(&participant.id).unwrap_or_default();
        }
        Ok(people)
    }
}

impl Tx {
    /// Adds a stay as one source tells it; the same keys are the same participant and stay.
    pub async fn join(
        &mut self,
        instance: InstanceId,
        new: &NewAttendance,
        seen: &Seen,
    ) -> Result<Change> {
        Ok(self.join_row(instance, new, seen).await?.1)
    }

    async fn join_row(
        &mut self,
        instance: InstanceId,
        new: &NewAttendance,
        seen: &Seen,
    ) -> Result<(ParticipantId, Change)> {
        let w = self.w();
        let id: ParticipantId = self.new_id(seen.now);
        let participant: ParticipantId = self
            .exactly(
                PARTICIPANT_PUT,
                args![
                    id,
                    w,
                    instance,
                    &new.match_key,
                    new.name.clone(),
                    new.email.clone(),
                    new.user_external_id.clone(),
                    new.registrant_id.clone(),
                    new.role.clone()
                ],
                Cells::id,
            )
            .await?;
        self.came(instance, new.name.as_deref(), new.email.as_deref());
        let raw = new.raw.clone().unwrap_or_else(|| EMPTY_RAW.to_owned());
        loop {
            if let Some(old) = self
                .one(STAY, args![participant, &new.join_key], stay)
                .await?
            {
                let change = self.merge_stay(old, new, &raw, seen).await?;
                return Ok((participant, change));
            }
            let (at, rank) = first_stamp(seen);
            let added = self
                .execute(
                    STAY_NEW,
                    args![
                        w,
                        participant,
                        &new.join_key,
                        new.kind,
                        new.join,
                        new.leave,
                        &raw,
                        rank,
                        at,
                        seen.now
                    ],
                )
                .await?;
            if added > 0 {
                return Ok((participant, Change::Inserted));
            }
        }
    }

    async fn merge_stay(
        &mut self,
        mut row: Stay,
        new: &NewAttendance,
        raw: &String,
        seen: &Seen,
    ) -> Result<Change> {
        let mut merge = Merge::new(row.at, row.rank, seen);
        merge.set(&mut row.kind, Some(&new.kind));
        merge.set(&mut row.join, Some(&new.join));
        merge.take(&mut row.leave, new.leave.as_ref());
        merge.raw(&mut row.raw, Some(raw));
        let (at, rank) = merge.stamp(row.at, row.rank, seen);
        if merge.to_write() {
            self.execute(
                STAY_SET,
                args![
                    row.n, row.kind, row.join, row.leave, row.raw, rank, at, seen.now
                ],
            )
            .await?;
        }
        Ok(merge.change())
    }

    /// A stay by its key, whoever it hangs on. Locks the instance until this transaction ends.
    pub async fn stay(
        &mut self,
        instance: InstanceId,
        join_key: &str,
    ) -> Result<Option<StoredStay>> {
        Ok(self
            .stored_stays(instance, Some(join_key))
            .await?
            .pop()
            .map(|(_, stay)| stay))
    }

    /// All stays of an instance, in order of joining. Locks the instance until this transaction ends.
    pub async fn stays(&mut self, instance: InstanceId) -> Result<Vec<StoredStay>> {
        let stays = self.stored_stays(instance, None).await?;
        Ok(stays.into_iter().map(|(_, stay)| stay).collect())
    }

    async fn stored_stays(
        &mut self,
        instance: InstanceId,
        join_key: Option<&str>,
    ) -> Result<Vec<(i64, StoredStay)>> {
        let w = self.w();
        self.one(LOCK_INSTANCE, args![w, instance], |_| Ok(()))
            .await?;
        self.all(STAYS_FULL, args![w, instance, join_key], |row| {
            let n = row.int()?;
            let stay = StoredStay {
                participant_id: row.id()?,
                match_key: row.text()?,
                join_key: row.text()?,
                kind: row.parsed()?,
                join: row.instant()?,
                leave: row.opt_instant()?,
                raw: row.text()?,
            };
            Ok((n, stay))
        })
        .await
    }

    /// Sets a stay exactly as given, for a caller who merged it with [`Tx::stay`] in this transaction.
    ///
    /// It is the same stay by (instance, join key): when it hangs on a participant with another match
    /// key it moves, and a participant without stays is removed. What is known of the participant is
    /// set by their youngest stay and only completed by the others.
    pub async fn put_stay(
        &mut self,
        instance: InstanceId,
        new: &NewAttendance,
        seen: &Seen,
    ) -> Result<Change> {
        let w = self.w();
        let old = self
            .stored_stays(instance, Some(&new.join_key))
            .await?
            .pop();
        let found = self
            .one(PARTICIPANT_FIND, args![instance, &new.match_key], |row| {
                Ok((row.id::<ParticipantId>()?, row.opt_text()?, row.opt_text()?))
            })
            .await?;
        let participant = if let Some((id, name, email)) = found {
            if (&name, &email) != (&new.name, &new.email) {
                self.people_changed(instance);
            }
            id
        } else {
            self.came(instance, new.name.as_deref(), new.email.as_deref());
            let id: ParticipantId = self.new_id(seen.now);
            self.execute(PARTICIPANT_NEW, args![id, w, instance, &new.match_key])
                .await?;
            id
        };
        let younger = self
            .exactly(
                YOUNGER,
                args![participant, &new.join_key, new.join],
                Cells::flag,
            )
            .await?;
        self.execute(
            if younger {
                PARTICIPANT_FILL
            } else {
                PARTICIPANT_SET
            },
            args![
                participant,
                new.name.clone(),
                new.email.clone(),
                new.user_external_id.clone(),
                new.registrant_id.clone(),
                new.role.clone()
            ],
        )
        .await?;
        let raw = new.raw.clone().unwrap_or_else(|| EMPTY_RAW.to_owned());
        let rank = seen.source.rank();
        let Some((n, old)) = old else {
            self.execute(
                STAY_NEW,
                args![
                    w,
                    participant,
                    &new.join_key,
                    new.kind,
                    new.join,
                    new.leave,
                    raw,
                    rank,
                    seen.at,
                    seen.now
                ],
            )
            .await?;
            return Ok(Change::Inserted);
        };
        let moved = old.participant_id != participant;
        if moved {
            self.execute(STAY_MOVE, args![n, participant]).await?;
            self.execute(EMPTY_DROP, args![w, instance]).await?;
            self.people_changed(instance);
        }
        let changed = moved || (old.kind, old.join, old.leave) != (new.kind, new.join, new.leave);
        if changed || old.raw != raw {
            self.execute(
                STAY_SET,
                args![
                    n, new.kind, new.join, new.leave, raw, rank, seen.at, seen.now
                ],
            )
            .await?;
        }
        Ok(if changed {
            Change::Updated
        } else {
            Change::Unchanged
        })
    }

    /// Ends a participant's latest open stay; whether there was one.
    pub async fn leave(
        &mut self,
        instance: InstanceId,
        match_key: &str,
        kind: AttendanceKind,
        at: Timestamp,
        seen: &Seen,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(LEAVE, args![w, instance, match_key, kind, at, seen.now])
            .await?
            > 0)
    }

    /// Ends every open stay of an instance that is over; how many there were.
    pub async fn close_attendance(
        &mut self,
        instance: InstanceId,
        end: Timestamp,
        now: Timestamp,
    ) -> Result<u64> {
        let w = self.w();
        self.execute(CLOSE, args![w, instance, end, now]).await
    }

    /// Takes a full list of stays in the meeting itself: what poorer sources (and this one, earlier)
    /// told and the list does not have goes away. Waiting rooms and breakout rooms stay.
    pub async fn replace_attendance(
        &mut self,
        instance: InstanceId,
        all: &[NewAttendance],
        seen: &Seen,
    ) -> Result<Change> {
        let w = self.w();
        let mut change = Change::Unchanged;
        let mut kept = std::collections::HashSet::new();
        for new in all {
            let (participant, one) = self.join_row(instance, new, seen).await?;
            kept.insert((participant, new.join_key.clone()));
            if one.is_change() {
                change = Change::Updated;
            }
        }
        let poorer: Vec<(i64, ParticipantId, String)> = self
            .all(POORER, args![w, instance, seen.source.rank()], |row| {
                Ok((row.int()?, row.id()?, row.text()?))
            })
            .await?;
        for (n, participant, join_key) in poorer {
            if !kept.contains(&(participant, join_key)) {
                self.execute(STAY_DROP, args![n]).await?;
                change = Change::Updated;
            }
        }
        self.execute(EMPTY_DROP, args![w, instance]).await?;
        if change.is_change() {
            self.people_changed(instance);
        }
        Ok(change)
    }
}
