//! Mails that leave once, answers of people, and reminders.

use jiff::Timestamp;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::{AttendeeId, MailId, ReminderId, ScheduleId};
use crate::model::{
    Invited, Mail, MailState, NewMail, NewResponse, ReminderRow, ReminderState, Response,
};
use crate::store::{Scope, Store};

macro_rules! mail_columns {
    () => {
        "id, key, schedule_id, kind, recipient, subject, message_id, message, state, tries, error, created_at, changed_at"
    };
}
macro_rules! reminder_columns {
    () => {
        "id, schedule_id, attendee_id, email, name, title, join_url, tz, original, method, minutes, start_at, due_at, state, error, changed_at"
    };
}

statements! {
    NEW_MAIL = one("INSERT INTO outbox (id, workspace_id, key, schedule_id, kind, recipient, subject, message_id, message, state, tries, created_at, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'pending', 0, $10, $10) ON CONFLICT (workspace_id, key) DO NOTHING");
    MAIL_OF_KEY = one(concat!("SELECT ", mail_columns!(), " FROM outbox WHERE workspace_id = $1 AND key = $2"));
    MAIL = one(concat!("SELECT ", mail_columns!(), " FROM outbox WHERE workspace_id = $1 AND id = $2"));
    MAILS = one(concat!("SELECT ", mail_columns!(), " FROM outbox WHERE workspace_id = $1
            AND (CAST($2 AS TEXT) IS NULL OR schedule_id = $2) ORDER BY created_at DESC, id DESC LIMIT $3"));
    TRY_MAIL = one("UPDATE outbox SET state = 'trying', tries = tries + 1, changed_at = $3 WHERE id = $1 AND tries = $2 AND state = $4");
    END_MAIL = one("UPDATE outbox SET state = $2, tries = CASE WHEN CAST($2 AS TEXT) = 'pending' THEN 0 ELSE tries END, error = $3, changed_at = $4 WHERE id = $1");
    INVITED = one("SELECT a.id, a.schedule_id, a.email, a.name, a.answer, s.title, s.tz, s.start_at, s.sequence, s.state
        FROM attendees a JOIN schedules s ON s.id = a.schedule_id WHERE a.workspace_id = $1 AND a.id = $2");
    INVITED_BY_UID = one("SELECT a.id, a.schedule_id, a.email, a.name, a.answer, s.title, s.tz, s.start_at, s.sequence, s.state
        FROM attendees a JOIN schedules s ON s.id = a.schedule_id
        WHERE s.workspace_id = $1 AND s.ics_uid = $2 AND LOWER(a.email) = LOWER($3)");
    RESPOND = one("INSERT INTO responses (attendee_id, occurrence, answer, comment, source, verified, sequence, stamp, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (attendee_id, occurrence) DO UPDATE SET answer = $3, comment = $4, source = $5, verified = $6, sequence = $7, stamp = $8, at = $9
        WHERE responses.sequence < $7 OR (responses.sequence = $7 AND (responses.stamp < $8 OR (responses.stamp = $8 AND responses.answer <> $3)))");
    ANSWER = one("UPDATE attendees SET answer = $2 WHERE id = $1");
    RESPONSES = one("SELECT a.email, a.name, COALESCE(r.occurrence, ''), COALESCE(r.answer, a.answer), r.comment, r.source, COALESCE(r.verified, 0), r.at
        FROM attendees a LEFT JOIN responses r ON r.attendee_id = a.id WHERE a.workspace_id = $1 AND a.schedule_id = $2
        ORDER BY a.email, COALESCE(r.occurrence, '')");
    FORGET_REMINDERS = one("DELETE FROM reminders WHERE schedule_id = $1 AND state IN ('planned', 'queued') AND (CAST($2 AS TEXT) IS NULL OR original = $2)");
    PLAN_REMINDER = one("INSERT INTO reminders (id, workspace_id, schedule_id, attendee_id, email, name, title, join_url, tz, original, method, minutes, start_at, due_at, state, changed_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 'planned', $15)
        ON CONFLICT (schedule_id, original, attendee_id, method, minutes) DO UPDATE
            SET start_at = $13, due_at = $14, title = $7, join_url = $8, state = 'planned', error = NULL, changed_at = $15
            WHERE reminders.start_at <> $13");
    DUE_REMINDERS = one(concat!("SELECT ", reminder_columns!(), " FROM reminders WHERE workspace_id = $1 AND state = 'planned' AND due_at <= $2
        ORDER BY due_at, id LIMIT $3"));
    REMINDER = one(concat!("SELECT ", reminder_columns!(), " FROM reminders WHERE workspace_id = $1 AND id = $2"));
    REMINDERS = one(concat!("SELECT ", reminder_columns!(), " FROM reminders WHERE workspace_id = $1
            AND (CAST($2 AS TEXT) IS NULL OR schedule_id = $2) AND (CAST($3 AS TEXT) IS NULL OR state = $3) ORDER BY due_at, id LIMIT $4"));
    MOVE_REMINDER = one("UPDATE reminders SET state = $3, error = $4, changed_at = $5 WHERE id = $1 AND state = $2");
    USER_HABITS = one("SELECT tz, raw FROM users WHERE workspace_id = $1 AND LOWER(email) = LOWER($2) AND deleted_at IS NULL ORDER BY updated_at DESC LIMIT 1");
}

fn mail(row: &mut Cells) -> Result<Mail> {
    Ok(Mail {
        id: row.id()?,
        key: row.text()?,
        schedule_id: row.opt_id()?,
        kind: row.text()?,
        recipient: row.text()?,
        subject: row.text()?,
        message_id: row.text()?,
        message: row.text()?,
        state: row.parsed()?,
        tries: row.int()?,
        error: row.opt_text()?,
        created_at: row.instant()?,
        changed_at: row.instant()?,
    })
}

fn invited(row: &mut Cells) -> Result<Invited> {
    Ok(Invited {
        id: row.id()?,
        schedule_id: row.id()?,
        email: row.text()?,
        name: row.opt_text()?,
        answer: row.text()?,
        title: row.text()?,
        tz: row.text()?,
        start_at: row.instant()?,
        sequence: row.int()?,
        state: row.text()?,
    })
}

fn response(row: &mut Cells) -> Result<Response> {
    Ok(Response {
        email: row.text()?,
        name: row.opt_text()?,
        occurrence: row.text()?,
        answer: row.text()?,
        comment: row.opt_text()?,
        source: row.opt_text()?,
        verified: row.int()? != 0,
        at: row.opt_instant()?,
    })
}

fn reminder(row: &mut Cells) -> Result<ReminderRow> {
    Ok(ReminderRow {
        id: row.id()?,
        schedule_id: row.id()?,
        attendee_id: row.id()?,
        email: row.text()?,
        name: row.opt_text()?,
        title: row.text()?,
        join_url: row.opt_text()?,
        tz: row.text()?,
        original: row.text()?,
        method: row.text()?,
        minutes: row.int()?,
        start_at: row.instant()?,
        due_at: row.instant()?,
        state: row.parsed()?,
        error: row.opt_text()?,
        changed_at: row.instant()?,
    })
}

impl Store {
    /// A mail.
    pub async fn mail(&self, scope: Scope, id: MailId) -> Result<Option<Mail>> {
        self.one(MAIL, args![scope.workspace, id], mail).await
    }

    /// The latest mails, of one schedule or of all.
    pub async fn mails(
        &self,
        scope: Scope,
        schedule: Option<ScheduleId>,
        limit: u32,
    ) -> Result<Vec<Mail>> {
        self.all(MAILS, args![scope.workspace, schedule, limit], mail)
            .await
    }

    /// Somebody who is invited.
    pub async fn invited(&self, scope: Scope, id: AttendeeId) -> Result<Option<Invited>> {
        self.one(INVITED, args![scope.workspace, id], invited).await
    }

    /// Whoever of that address is invited to the schedule of that `UID`.
    pub async fn invited_by_uid(
        &self,
        scope: Scope,
        uid: &str,
        email: &str,
    ) -> Result<Option<Invited>> {
        self.one(INVITED_BY_UID, args![scope.workspace, uid, email], invited)
            .await
    }

    /// What the people of a schedule answered; who has not is there too.
    pub async fn responses(&self, scope: Scope, schedule: ScheduleId) -> Result<Vec<Response>> {
        self.all(RESPONSES, args![scope.workspace, schedule], response)
            .await
    }

    /// Reminders whose time has come, the first due first.
    pub async fn due_reminders(
        &self,
        scope: Scope,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<ReminderRow>> {
        self.all(DUE_REMINDERS, args![scope.workspace, now, limit], reminder)
            .await
    }

    /// A reminder.
    pub async fn reminder(&self, scope: Scope, id: ReminderId) -> Result<Option<ReminderRow>> {
        self.one(REMINDER, args![scope.workspace, id], reminder)
            .await
    }

    /// Reminders by when they are due, of one schedule or all, in one state or any.
    pub async fn reminders(
        &self,
        scope: Scope,
        schedule: Option<ScheduleId>,
        state: Option<ReminderState>,
        limit: u32,
    ) -> Result<Vec<ReminderRow>> {
        let state = state.map(ReminderState::as_str);
        self.all(
            REMINDERS,
            args![scope.workspace, schedule, state, limit],
            reminder,
        )
        .await
    }

    /// The zone and the raw record of the provider's user of that address.
    pub async fn user_habits(
        &self,
        scope: Scope,
        email: &str,
    ) -> Result<Option<(Option<String>, String)>> {
        self.one(USER_HABITS, args![scope.workspace, email], |row| {
            Ok((row.opt_text()?, row.text()?))
        })
        .await
    }
}

impl Tx {
    /// Writes a mail unless there is one of its key; the one that is there then.
    pub async fn write_mail(&mut self, new: &NewMail<'_>, now: Timestamp) -> Result<Mail> {
        let w = self.w();
        let id: MailId = self.new_id(now);
        self.execute(
            NEW_MAIL,
            args![
                id,
                w,
                new.key,
                new.schedule_id,
                new.kind,
                new.recipient,
                new.subject,
                new.message_id,
                new.message,
                now
            ],
        )
        .await?;
        self.exactly(MAIL_OF_KEY, args![w, new.key], mail).await
    }

    /// Begins to hand a mail over; false when somebody else has begun since it was read.
    pub async fn try_mail(&mut self, mail: &Mail, now: Timestamp) -> Result<bool> {
        let touched = self
            .execute(TRY_MAIL, args![mail.id, mail.tries, now, mail.state])
            .await?;
        Ok(touched == 1)
    }

    /// Notes what became of a mail; one that is pending again was certainly not taken, and its tries begin anew.
    pub async fn end_mail(
        &mut self,
        id: MailId,
        state: MailState,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        self.execute(END_MAIL, args![id, state, error, now]).await?;
        Ok(())
    }

    /// Takes an answer, unless this or a later one is known; whether it was taken.
    pub async fn respond(&mut self, new: &NewResponse<'_>, now: Timestamp) -> Result<bool> {
        let taken = self
            .execute(
                RESPOND,
                args![
                    new.attendee,
                    new.occurrence,
                    new.answer,
                    new.comment,
                    new.source,
                    i64::from(new.verified),
                    new.sequence,
                    new.stamp,
                    now
                ],
            )
            .await?
            == 1;
        if taken && new.occurrence.is_empty() {
            self.execute(ANSWER, args![new.attendee, new.answer])
                .await?;
        }
        Ok(taken)
    }

    /// Forgets the reminders of a schedule that have not left, or those of one occurrence.
    pub async fn forget_reminders(
        &mut self,
        schedule: ScheduleId,
        original: Option<&str>,
    ) -> Result<u64> {
        self.execute(FORGET_REMINDERS, args![schedule, original])
            .await
    }

    /// Plans a reminder; one that has left for the same start is not planned again. Its `id` and `state` are not looked at.
    pub async fn plan_reminder(&mut self, row: &ReminderRow, now: Timestamp) -> Result<()> {
        let w = self.w();
        let id: ReminderId = self.new_id(now);
        self.execute(
            PLAN_REMINDER,
            args![
                id,
                w,
                row.schedule_id,
                row.attendee_id,
                &row.email,
                row.name.clone(),
                &row.title,
                row.join_url.clone(),
                &row.tz,
                &row.original,
                &row.method,
                row.minutes,
                row.start_at,
                row.due_at,
                now
            ],
        )
        .await?;
        Ok(())
    }

    /// Brings a reminder from one state to another; false when it was not in that state any more.
    pub async fn move_reminder(
        &mut self,
        id: ReminderId,
        from: ReminderState,
        to: ReminderState,
        error: Option<&str>,
        now: Timestamp,
    ) -> Result<bool> {
        let touched = self
            .execute(MOVE_REMINDER, args![id, from, to, error, now])
            .await?;
        Ok(touched == 1)
    }
}
