//! Reminders: planned with the meeting, due before each occurrence, sent once to each person.
//!
//! Rules: a reminder is due `minutes` before the start, which is an instant, whatever the clocks do in between. When nobody
//! could send it in time it leaves late, as long as the meeting began at most `reminders.grace_minutes` ago; afterwards it never
//! leaves. Of several that are overdue for one person and occurrence only the one nearest to the start leaves. A meeting that is
//! moved is reminded of anew; one that only changes its title is not.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use parfocal_store::{
    AttendeeId, Job, NewJob, ReminderId, ReminderRow, ReminderState, ScheduleId, Scope, Tx,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::Sha256;

use super::compose::{About, Letter, Told};
use super::mail::habits;
use super::outbox::{self, Addressed};
use super::push;
use crate::App;
use crate::activate::sign;
use crate::calendar::{Answer, Attendee, Reminder, Role, TimeSpan};
use crate::components::Task;
use crate::error::{Code, EngineError, Kind, Result};
use crate::jobs::{JobKind, Outcome, payload, priority};
use crate::schedule::registrants;

/// How often it is looked for reminders that are due.
const LOOK: Duration = Duration::from_secs(5);
/// Reminders taken up at once.
const PIECE: u32 = 500;
/// A reminder whose time passed this long before it was planned is not planned: its person was just told.
const JUST_TOLD: SignedDuration = SignedDuration::from_secs(60);
/// Pause before a reminder that could not leave is tried again.
const AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// One occurrence that people are reminded of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedOccurrence {
    /// The start that the rule gives it, on the wall clock of the schedule's zone.
    pub original: DateTime,
    /// When it begins.
    pub start: Timestamp,
}

/// Everything about the reminders of one schedule.
#[derive(Debug, Clone, Copy)]
pub struct ReminderPlan<'a> {
    /// The schedule.
    pub schedule: ScheduleId,
    /// What it is about.
    pub title: &'a str,
    /// Where people join.
    pub join_url: Option<&'a str>,
    /// IANA name of its zone.
    pub zone: &'a str,
    /// Its occurrences, those that take place.
    pub occurrences: &'a [PlannedOccurrence],
    /// Its people.
    pub attendees: &'a [(AttendeeId, Attendee)],
    /// When and how they are reminded.
    pub reminders: &'a [Reminder],
}

/// Plans the reminders of a schedule in place of those that have not left.
///
/// What has left for the same start is not planned again; resources and people who declined are not reminded.
pub async fn plan(tx: &mut Tx, plan: &ReminderPlan<'_>, now: Timestamp) -> Result<()> {
    tx.forget_reminders(plan.schedule, None).await?;
    for occurrence in plan.occurrences {
        for reminder in plan.reminders {
            let before = SignedDuration::from_mins(i64::from(reminder.minutes));
            let due_at = occurrence
                .start
                .checked_sub(before)
                .unwrap_or(Timestamp::MIN);
            if due_at < now - JUST_TOLD {
                continue;
            }
            for (id, attendee) in plan.attendees {
                if attendee.role == Role::Resource || attendee.answer == Answer::Declined {
                    continue;
                }
                let row = ReminderRow {
                    id: ReminderId::from(uuid::Uuid::nil()),
                    schedule_id: plan.schedule,
                    attendee_id: *id,
                    email: attendee.email.clone(),
                    name: attendee.name.clone(),
                    title: plan.title.to_owned(),
                    join_url: plan.join_url.map(str::to_owned),
                    tz: plan.zone.to_owned(),
                    original: occurrence.original.to_string(),
                    method: reminder.method.as_str().to_owned(),
                    minutes: i64::from(reminder.minutes),
                    start_at: occurrence.start,
                    due_at,
                    state: ReminderState::Planned,
                    error: None,
                    changed_at: now,
                };
                tx.plan_reminder(&row, now).await?;
            }
        }
    }
    Ok(())
}

/// Takes back the reminders of a schedule that have not left, or those of the occurrence with that original start.
pub async fn cancel(
    tx: &mut Tx,
    schedule: ScheduleId,
    occurrence: Option<DateTime>,
) -> Result<u64> {
    let original = occurrence.map(|at| at.to_string());
    Ok(tx.forget_reminders(schedule, original.as_deref()).await?)
}

/// The payload of a job that sends one.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReminderSend {
    /// The reminder.
    pub reminder: ReminderId,
}

/// Looks for what is due while the component is on.
pub(crate) const LOOKER: Task = Task {
    name: "reminders.look",
    run: |app| {
        Box::pin(async move {
            loop {
                if let Err(error) = look(&app).await {
                    tracing::warn!(%error, "reminders that are due could not be looked for");
                }
                app.clock().sleep(LOOK).await;
            }
        })
    },
};

/// Makes jobs of the reminders that are due; how many. Each becomes one job, however many processes look.
pub async fn look(app: &App) -> Result<usize> {
    let (scope, now) = (app.scope(), app.clock().now());
    let due = app.store().due_reminders(scope, now, PIECE).await?;
    if due.is_empty() {
        return Ok(0);
    }
    let mut nearest: BTreeMap<(ScheduleId, &str, AttendeeId, &str), i64> = BTreeMap::new();
    for row in &due {
        let key = (
            row.schedule_id,
            row.original.as_str(),
            row.attendee_id,
            row.method.as_str(),
        );
        let least = nearest.entry(key).or_insert(row.minutes);
        *least = row.minutes.min(*least);
    }
    let mut tx = app.store().begin(scope).await?;
    let mut made = 0;
    for row in &due {
        let key = (
            row.schedule_id,
            row.original.as_str(),
            row.attendee_id,
            row.method.as_str(),
        );
        let overtaken = nearest.get(&key).is_some_and(|least| *least < row.minutes);
        if overtaken || is_too_late(app, row, now) {
            let why = if overtaken {
                "a later reminder of the same meeting was due as well"
            } else {
                "nobody could send it before the meeting"
            };
            tx.move_reminder(
                row.id,
                ReminderState::Planned,
                ReminderState::Late,
                Some(why),
                now,
            )
            .await?;
            continue;
        }
        // Whoever moves it makes the job; the others find it moved.
        if tx
            .move_reminder(
                row.id,
                ReminderState::Planned,
                ReminderState::Queued,
                None,
                now,
            )
            .await?
        {
            let job = NewJob {
                kind: JobKind::ReminderSend.as_str().to_owned(),
                v: JobKind::ReminderSend.version(),
                lane: None,
                priority: priority::INTERACTIVE,
                dedupe_key: Some(format!("{} {}", row.id, row.start_at)),
                payload: json!(ReminderSend { reminder: row.id }),
                run_at: now,
                cause_id: None,
            };
            tx.enqueue(&job, now).await?;
            made += 1;
        }
    }
    tx.commit().await?;
    Ok(made)
}

fn is_too_late(app: &App, row: &ReminderRow, now: Timestamp) -> bool {
    let grace = SignedDuration::from_mins(i64::from(app.config().reminders.grace_minutes));
    row.start_at.checked_add(grace).is_ok_and(|end| now > end)
}

/// Sends one reminder.
pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let ReminderSend { reminder } = payload(job)?;
    let scope = Scope::of(job.workspace);
    let now = app.clock().now();
    let Some(mut row) = app.store().reminder(scope, reminder).await? else {
        // Taken back meanwhile.
        return Ok(Outcome::nothing());
    };
    if row.state != ReminderState::Queued {
        return Ok(Outcome::nothing());
    }
    // Whoever registers has an address to join of their own.
    if let Some(door) = registrants::door_of(app, row.schedule_id, &row.email).await? {
        row.join_url = Some(door);
    }
    let end = async |state, error: Option<&str>| -> Result<Outcome> {
        let now = app.clock().now();
        let mut tx = app.store().begin(scope).await?;
        tx.move_reminder(row.id, ReminderState::Queued, state, error, now)
            .await?;
        Ok(Outcome::done(tx))
    };
    if is_too_late(app, &row, now) {
        let why = "nobody could send it before the meeting";
        return end(ReminderState::Late, Some(why)).await;
    }
    let sent = match row.method.as_str() {
        "email" => by_mail(app, &row, now).await,
        "webhook" => by_webhook(app, &row, now).await,
        "push" => push::send(app, &row, &key(&row)).await,
        other => Err(EngineError::new(
            Code::InvalidInput,
            format!("no way of reminding by {other} is set up"),
        )),
    };
    match sent {
        Ok(()) => end(ReminderState::Sent, None).await,
        // Weather: again soon, until it would be too late.
        Err(error) if matches!(error.kind(), Kind::Unavailable | Kind::Limited) => Ok(
            Outcome::Snooze(None, now + AGAIN, error.message().to_owned()),
        ),
        Err(error) => end(ReminderState::Failed, Some(error.message())).await,
    }
}

/// Notes that a reminder's job was given up.
pub(crate) async fn buried(tx: &mut Tx, job: &Job, error: &str, now: Timestamp) -> Result<()> {
    let ReminderSend { reminder } = payload(job)?;
    tx.move_reminder(
        reminder,
        ReminderState::Queued,
        ReminderState::Failed,
        Some(error),
        now,
    )
    .await?;
    Ok(())
}

/// What a reminder is known by, whatever row it lies in: the same person, occurrence, start, way and time before it.
fn key(row: &ReminderRow) -> String {
    format!(
        "reminder/{}/{}/{}/{}/{}/{}",
        row.schedule_id,
        row.original,
        row.attendee_id,
        row.method,
        row.minutes,
        row.start_at.as_microsecond()
    )
}

async fn by_mail(app: &App, row: &ReminderRow, now: Timestamp) -> Result<()> {
    let person = habits(app, &row.email, Some(&row.tz)).await?;
    let key = key(row);
    let from = &app.config().smtp.from;
    let letter = Letter {
        about: About::Reminder,
        from,
        to: (&row.email, row.name.as_deref()),
        language: person.language,
        zone: person.zone,
        title: &row.title,
        when: Told::Time(TimeSpan {
            from: row.start_at,
            to: row.start_at,
        }),
        repeats: None,
        one_occurrence: false,
        join_url: row.join_url.as_deref(),
        body: None,
        organizer: None,
        with: Vec::new(),
        answer_url: None,
        calendar: None,
        key: &key,
        thread: &key,
        at: now,
    };
    let to = Addressed {
        key: &key,
        schedule: Some(row.schedule_id),
        kind: "reminder",
        recipient: &row.email,
    };
    outbox::send(app, to, &letter.write()?).await.map(|_| ())
}

/// Posts a reminder as Standard Webhooks say: the id is the same at every try, so that the receiver knows repetitions.
async fn by_webhook(app: &App, row: &ReminderRow, now: Timestamp) -> Result<()> {
    let config = &app.config().reminders;
    let (Some(url), Some(secret)) = (&config.webhook_url, &config.webhook_secret) else {
        return Err(EngineError::new(
            Code::ConfigInvalid,
            "reminders.webhook_url and reminders.webhook_secret are not set",
        ));
    };
    let body = json!({
        "type": "meeting.reminder",
        "timestamp": now,
        "data": {
            "schedule": row.schedule_id, "title": row.title, "start": row.start_at, "occurrence": row.original,
            "minutes": row.minutes, "attendee": { "email": row.email, "name": row.name }, "join_url": row.join_url,
            "app_url": row.join_url.as_deref().and_then(crate::provider::deep_links).map(|links| links.mobile),
        },
    })
    .to_string();
    let id = {
        use sha2::Digest as _;
        let digest = hex::encode(Sha256::digest(key(row).as_bytes()));
        format!("msg_{}", &digest[..32])
    };
    let second = now.as_second();
    let key = sign::key("reminders.webhook_secret", secret.expose())?;
    let signature = sign::sign(&[key], &id, second, &body);
    let client = reqwest::Client::builder()
        .user_agent(concat!("parfocal/", env!("CARGO_PKG_VERSION")))
        .timeout(Duration::from_secs(20))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| EngineError::new(Code::Internal, error.to_string()))?;
    let answer = client
        .post(url.clone())
        .header("content-type", "application/json")
        .header("webhook-id", id)
        .header("webhook-timestamp", second)
        .header("webhook-signature", signature)
        .body(body)
        .send()
        .await
        .map_err(|error| {
            EngineError::new(Code::MailUnavailable, error.without_url().to_string())
        })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let said = format!("the receiver of reminders answered {status}");
    let later = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
    Err(EngineError::new(
        if later {
            Code::MailUnavailable
        } else {
            Code::MailRefused
        },
        said,
    ))
}
