//! Schedules with their attendees, occurrences and places in calendars.

use jiff::Timestamp;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::{AttendeeId, CalendarLinkId, ScheduleId};
use crate::model::{
    AttendeeRow, CalendarLink, NewAttendee, Schedule, ScheduleFacts, ScheduleFilter,
    ScheduleOccurrence,
};
use crate::store::{Scope, Store};

macro_rules! columns {
    () => {
        "id, provider, account, meeting_id, join_url, title, tz, start_at, ends_at, minutes, rrule, ics_uid, sequence, state, note, spec, created_by, created_at, updated_at"
    };
}

statements! {
    NEW = one("INSERT INTO schedules (id, workspace_id, ics_uid, created_by, created_at, updated_at,
            provider, account, meeting_id, join_url, title, tz, start_at, ends_at, minutes, rrule, sequence, state, note, spec)
        VALUES ($1, $2, $3, $4, $5, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)");
    SET = one("UPDATE schedules SET updated_at = $3, provider = $4, account = $5, meeting_id = $6, join_url = $7, title = $8, tz = $9,
            start_at = $10, ends_at = $11, minutes = $12, rrule = $13, sequence = $14, state = $15, note = $16, spec = $17
        WHERE workspace_id = $1 AND id = $2");
    GET = one(concat!("SELECT ", columns!(), " FROM schedules WHERE workspace_id = $1 AND id = $2"));
    BY_MEETING = one(concat!("SELECT ", columns!(), " FROM schedules WHERE workspace_id = $1 AND provider = $2 AND meeting_id = $3
        ORDER BY created_at DESC LIMIT 1"));
    LIST = one(concat!("SELECT ", columns!(), " FROM schedules s WHERE workspace_id = $1
            AND (CAST($2 AS TEXT) IS NULL OR state = $2)
            AND (CAST($3 AS BIGINT) IS NULL OR ends_at > $3)
            AND (CAST($4 AS BIGINT) IS NULL OR start_at < $4)
            AND (CAST($5 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM attendees a WHERE a.schedule_id = s.id AND LOWER(a.email) = LOWER($5)))
            AND (CAST($6 AS BIGINT) IS NULL OR start_at > $6 OR (start_at = $6 AND id > $7))
        ORDER BY start_at, id LIMIT $8"));
    ATTENDEES = one("SELECT id, email, name, role, answer, told_sequence, told_at, trouble FROM attendees WHERE schedule_id = $1 ORDER BY email");
    INVITE = one("INSERT INTO attendees (id, workspace_id, schedule_id, email, name, role, answer) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (schedule_id, email) DO UPDATE SET name = $5, role = $6");
    UNINVITE = one("DELETE FROM attendees WHERE id = $1");
    TOLD = one("UPDATE attendees SET told_sequence = $3, told_at = $4, trouble = NULL WHERE schedule_id = $1 AND email = $2");
    UNTOLD = one("UPDATE attendees SET trouble = $3 WHERE schedule_id = $1 AND email = $2");
    OCCURRENCES = one("SELECT original, remote_id, start_at, minutes, state FROM schedule_occurrences WHERE schedule_id = $1 ORDER BY original");
    FORGET_OCCURRENCES = one("DELETE FROM schedule_occurrences WHERE schedule_id = $1");
    OCCURRENCE = one("INSERT INTO schedule_occurrences (schedule_id, original, remote_id, start_at, minutes, state) VALUES ($1, $2, $3, $4, $5, $6)");
    LINKS = one("SELECT calendar, account, event_calendar, event_id, etag, link, our_hash FROM calendar_links WHERE schedule_id = $1 ORDER BY calendar");
    LINK = one("INSERT INTO calendar_links (id, workspace_id, schedule_id, calendar, account, event_calendar, event_id, etag, link, our_hash, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
        ON CONFLICT (schedule_id, calendar) DO UPDATE SET account = $5, event_calendar = $6, event_id = $7, etag = $8, link = $9, our_hash = $10, updated_at = $11");
    UNLINK = one("DELETE FROM calendar_links WHERE schedule_id = $1 AND calendar = $2");
}

fn schedule(row: &mut Cells) -> Result<Schedule> {
    Ok(Schedule {
        id: row.id()?,
        provider: row.text()?,
        account: row.opt_text()?,
        meeting_id: row.opt_text()?,
        join_url: row.opt_text()?,
        title: row.text()?,
        tz: row.text()?,
        start_at: row.instant()?,
        ends_at: row.instant()?,
        minutes: row.int()?,
        rrule: row.opt_text()?,
        ics_uid: row.text()?,
        sequence: row.int()?,
        state: row.parsed()?,
        note: row.opt_text()?,
        spec: row.json()?,
        created_by: row.text()?,
        created_at: row.instant()?,
        updated_at: row.instant()?,
    })
}

impl Store {
    /// A schedule.
    pub async fn schedule(&self, scope: Scope, id: ScheduleId) -> Result<Option<Schedule>> {
        self.one(GET, args![scope.workspace, id], schedule).await
    }

    /// Schedules by their first starts, at most `limit`.
    pub async fn schedules(
        &self,
        scope: Scope,
        filter: &ScheduleFilter<'_>,
        limit: u32,
    ) -> Result<Vec<Schedule>> {
        self.all(
            LIST,
            args![
                scope.workspace,
                filter.state,
                filter.from,
                filter.to,
                filter.person,
                filter.after.map(|(at, _)| at),
                filter.after.map(|(_, id)| id),
                limit
            ],
            schedule,
        )
        .await
    }

    /// Who is invited to a schedule, by their addresses.
    pub async fn attendees(&self, id: ScheduleId) -> Result<Vec<AttendeeRow>> {
        self.all(ATTENDEES, args![id], attendee).await
    }

    /// The occurrences of a schedule as the provider has them, in order.
    pub async fn schedule_occurrences(&self, id: ScheduleId) -> Result<Vec<ScheduleOccurrence>> {
        self.all(OCCURRENCES, args![id], occurrence).await
    }

    /// Where a schedule stands in calendars.
    pub async fn calendar_links(&self, id: ScheduleId) -> Result<Vec<CalendarLink>> {
        self.all(LINKS, args![id], link).await
    }
}

fn attendee(row: &mut Cells) -> Result<AttendeeRow> {
    Ok(AttendeeRow {
        id: row.id()?,
        email: row.text()?,
        name: row.opt_text()?,
        role: row.text()?,
        answer: row.text()?,
        told_sequence: row.opt_int()?,
        told_at: row.opt_instant()?,
        trouble: row.opt_text()?,
    })
}

fn occurrence(row: &mut Cells) -> Result<ScheduleOccurrence> {
    Ok(ScheduleOccurrence {
        original: row.text()?,
        remote_id: row.opt_text()?,
        start_at: row.instant()?,
        minutes: row.int()?,
        state: row.text()?,
    })
}

fn link(row: &mut Cells) -> Result<CalendarLink> {
    Ok(CalendarLink {
        calendar: row.text()?,
        account: row.opt_text()?,
        event_calendar: row.text()?,
        event_id: row.text()?,
        etag: row.opt_text()?,
        link: row.opt_text()?,
        our_hash: row.text()?,
    })
}

impl Tx {
    /// An id for a schedule that is about to be made.
    pub fn new_schedule_id(&self, now: Timestamp) -> ScheduleId {
        self.new_id(now)
    }

    /// Makes a schedule.
    pub async fn new_schedule(
        &mut self,
        id: ScheduleId,
        ics_uid: &str,
        by: &str,
        facts: &ScheduleFacts,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        self.execute(
            NEW,
            args![
                id,
                w,
                ics_uid,
                by,
                now,
                &facts.provider,
                facts.account.clone(),
                facts.meeting_id.clone(),
                facts.join_url.clone(),
                &facts.title,
                &facts.tz,
                facts.start_at,
                facts.ends_at,
                facts.minutes,
                facts.rrule.clone(),
                facts.sequence,
                facts.state,
                facts.note.clone(),
                &facts.spec
            ],
        )
        .await?;
        Ok(())
    }

    /// A schedule as this transaction sees it.
    pub async fn schedule(&mut self, id: ScheduleId) -> Result<Option<Schedule>> {
        let w = self.w();
        self.one(GET, args![w, id], schedule).await
    }

    /// Brings a schedule to another state.
    pub async fn set_schedule(
        &mut self,
        id: ScheduleId,
        facts: &ScheduleFacts,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        self.execute(
            SET,
            args![
                w,
                id,
                now,
                &facts.provider,
                facts.account.clone(),
                facts.meeting_id.clone(),
                facts.join_url.clone(),
                &facts.title,
                &facts.tz,
                facts.start_at,
                facts.ends_at,
                facts.minutes,
                facts.rrule.clone(),
                facts.sequence,
                facts.state,
                facts.note.clone(),
                &facts.spec
            ],
        )
        .await?;
        Ok(())
    }

    /// The latest schedule of a provider's meeting.
    pub async fn schedule_of_meeting(
        &mut self,
        provider: &str,
        meeting: &str,
    ) -> Result<Option<Schedule>> {
        let w = self.w();
        self.one(BY_MEETING, args![w, provider, meeting], schedule)
            .await
    }

    /// Brings the list of who is invited to this one; who stays keeps the answer and what they were told.
    pub async fn set_attendees(
        &mut self,
        id: ScheduleId,
        people: &[NewAttendee<'_>],
        now: Timestamp,
    ) -> Result<Vec<AttendeeRow>> {
        let w = self.w();
        let before = self.all(ATTENDEES, args![id], attendee).await?;
        for gone in before
            .iter()
            .filter(|row| !people.iter().any(|one| one.email == row.email))
        {
            self.execute(UNINVITE, args![gone.id]).await?;
        }
        for one in people {
            let new: AttendeeId = self.new_id(now);
            self.execute(
                INVITE,
                args![new, w, id, one.email, one.name, one.role, one.answer],
            )
            .await?;
        }
        self.all(ATTENDEES, args![id], attendee).await
    }

    /// Notes that somebody was told of this sequence, or why they could not be.
    pub async fn told_attendee(
        &mut self,
        id: ScheduleId,
        email: &str,
        sequence: u32,
        trouble: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        match trouble {
            None => self.execute(TOLD, args![id, email, sequence, now]).await?,
            Some(trouble) => self.execute(UNTOLD, args![id, email, trouble]).await?,
        };
        Ok(())
    }

    /// Replaces the occurrences of a schedule.
    pub async fn set_schedule_occurrences(
        &mut self,
        id: ScheduleId,
        rows: &[ScheduleOccurrence],
    ) -> Result<()> {
        self.execute(FORGET_OCCURRENCES, args![id]).await?;
        for row in rows {
            self.execute(
                OCCURRENCE,
                args![
                    id,
                    &row.original,
                    row.remote_id.clone(),
                    row.start_at,
                    row.minutes,
                    &row.state
                ],
            )
            .await?;
        }
        Ok(())
    }

    /// Notes where a schedule stands in a calendar.
    pub async fn set_calendar_link(
        &mut self,
        id: ScheduleId,
        row: &CalendarLink,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        let new: CalendarLinkId = self.new_id(now);
        self.execute(
            LINK,
            args![
                new,
                w,
                id,
                &row.calendar,
                row.account.clone(),
                &row.event_calendar,
                &row.event_id,
                row.etag.clone(),
                row.link.clone(),
                &row.our_hash,
                now
            ],
        )
        .await?;
        Ok(())
    }

    /// Forgets where a schedule stood in a calendar.
    pub async fn forget_calendar_link(&mut self, id: ScheduleId, calendar: &str) -> Result<()> {
        self.execute(UNLINK, args![id, calendar]).await?;
        Ok(())
    }
}
