//! The calendar's step of a saga: the event is written, changed, called off, and put back.

use parfocal_store::{CalendarLink, Effect, EffectState, Saga, SagaKind};
use serde_json::Value;

use super::data::Data;
use super::saga::Step;
use super::spec::Spec;
use super::steps::{Done, Settled, begin, calendar_key, known};
use crate::App;
use crate::calendar::{CalendarEvent, EventRef};
use crate::error::{EngineError, Result};

fn reference(link: &CalendarLink) -> EventRef {
    EventRef {
        calendar: link.event_calendar.clone(),
        id: link.event_id.clone(),
        etag: link.etag.clone(),
        link: link.link.clone(),
    }
}

async fn link_of(app: &App, saga: &Saga, calendar: &str) -> Result<Option<CalendarLink>> {
    let links = app.store().calendar_links(saga.schedule_id).await?;
    Ok(links.into_iter().find(|link| link.calendar == calendar))
}

/// The event as a schedule stands, everything in it.
pub(super) async fn event_of(
    app: &App,
    saga: &Saga,
    data: &Data,
    spec: &Spec,
    sequence: u32,
    cancelled: bool,
) -> Result<CalendarEvent> {
    let row = app
        .store()
        .schedule(app.scope(), saga.schedule_id)
        .await?
        .ok_or_else(|| EngineError::not_found("schedule", saga.schedule_id))?;
    let url = data.meeting.as_ref().map(|one| one.join_url.as_str());
    let mut event = spec.event(saga.schedule_id, &row.ics_uid, sequence, url, cancelled);
    let answers = app.store().attendees(saga.schedule_id).await?;
    for attendee in &mut event.attendees {
        let known = answers.iter().find(|row| row.email == attendee.email);
        if let Some(answer) =
            known.and_then(|row| serde_json::from_value(Value::String(row.answer.clone())).ok())
        {
            attendee.answer = answer;
        }
    }
    Ok(event)
}

pub(super) async fn write(app: &App, saga: &Saga, data: &mut Data) -> Result<Done> {
    let Some(name) = data.target.calendar.clone() else {
        return Ok(Done::default());
    };
    let key = calendar_key(saga);
    if known(app, &key)
        .await?
        .is_some_and(|effect| effect.state == EffectState::Done)
    {
        return Ok(Done::default());
    }
    let account = data.target.calendar_account.as_deref();
    if saga.kind == SagaKind::Reschedule {
        let calendar = app.calendars().open(app, &name, account).await?;
        if calendar.invites() {
            // Writing the change mails the guests, so it follows the point of no return. Whether the calendar lets us in is found
            // out here, as long as everything can be taken back.
            if let Some(link) = link_of(app, saga, &name).await? {
                calendar.get(&reference(&link)).await?;
            }
            return Ok(Done::default());
        }
    }
    begin(app, saga, Step::Calendar, &key).await?;
    let calendar = app.calendars().open(app, &name, account).await?;
    let link = link_of(app, saga, &name).await?;
    if saga.kind == SagaKind::Cancel && data.occurrence.is_none() {
        let there = match &link {
            Some(link) => Some(reference(link)),
            None => calendar.find(&saga.schedule_id.to_string()).await?,
        };
        if let Some(there) = there {
            calendar.remove(&there).await?;
        }
        return Ok(Done {
            settle: vec![Settled::as_(key, EffectState::Done)],
            unlink: Some(name),
            ..Done::default()
        });
    }
    let mut event = event_of(app, saga, data, &data.target, data.sequence, false).await?;
    if saga.kind == SagaKind::Schedule && calendar.invites() {
        // Guests are mailed when they are written there: that follows once the meeting stands.
        event.attendees.clear();
    }
    let known = link.as_ref().map(reference);
    let there = calendar.put(&event, known.as_ref()).await?;
    Ok(wrote(key, &name, data, &event, there))
}

/// Writes the guests of a new meeting into the calendar that invites them by itself.
pub(super) async fn guests(app: &App, saga: &Saga, data: &Data, name: &str) -> Result<Done> {
    let key = format!("{}:guests", saga.id);
    let done = known(app, &key)
        .await?
        .is_some_and(|effect| effect.state == EffectState::Done);
    let link = link_of(app, saga, name).await?;
    let Some(link) = link.filter(|_| !done && !data.target.attendees.is_empty()) else {
        return Ok(Done::default());
    };
    begin(app, saga, Step::Invite, &key).await?;
    let account = data.target.calendar_account.as_deref();
    let calendar = app.calendars().open(app, name, account).await?;
    let event = event_of(app, saga, data, &data.target, data.sequence, false).await?;
    let there = calendar.put(&event, Some(&reference(&link))).await?;
    Ok(Done {
        told: true,
        ..wrote(key, name, data, &event, there)
    })
}

/// Writes a change, once it stands, into the calendar that mails its guests by itself.
pub(super) async fn changed(app: &App, saga: &Saga, data: &Data, name: &str) -> Result<Done> {
    let key = calendar_key(saga);
    let done = known(app, &key).await?;
    if done.is_some_and(|effect| effect.state == EffectState::Done) {
        return Ok(Done::default());
    }
    begin(app, saga, Step::Invite, &key).await?;
    let account = data.target.calendar_account.as_deref();
    let calendar = app.calendars().open(app, name, account).await?;
    let link = link_of(app, saga, name).await?;
    let event = event_of(app, saga, data, &data.target, data.sequence, false).await?;
    let there = calendar
        .put(&event, link.as_ref().map(reference).as_ref())
        .await?;
    Ok(Done {
        told: true,
        ..wrote(key, name, data, &event, there)
    })
}

fn wrote(key: String, name: &str, data: &Data, event: &CalendarEvent, there: EventRef) -> Done {
    Done {
        settle: vec![Settled {
            remote: Some(there.id.clone()),
            ..Settled::as_(key, EffectState::Done)
        }],
        link: Some(written(name, data, event, there)),
        ..Done::default()
    }
}

fn written(name: &str, data: &Data, event: &CalendarEvent, there: EventRef) -> CalendarLink {
    CalendarLink {
        calendar: name.to_owned(),
        account: data.target.calendar_account.clone(),
        event_calendar: there.calendar,
        event_id: there.id,
        etag: there.etag,
        link: there.link,
        our_hash: event.fingerprint(),
    }
}

pub(super) async fn undo(app: &App, saga: &Saga, data: &mut Data) -> Result<Done> {
    let Some(name) = data.target.calendar.clone() else {
        return Ok(Done::default());
    };
    let key = calendar_key(saga);
    let open =
        |effect: &Effect| !matches!(effect.state, EffectState::Undone | EffectState::Refused);
    if !known(app, &key).await?.is_some_and(|effect| open(&effect)) {
        return Ok(Done::default());
    }
    let account = data.target.calendar_account.as_deref();
    let calendar = app.calendars().open(app, &name, account).await?;
    let link = link_of(app, saga, &name).await?;
    if let Some(before) = &data.before
        && before.spec.calendar.as_ref() == Some(&name)
    {
        // Newer than the change that is taken back: calendars do not go back in the sequence.
        let sequence = data.sequence.saturating_add(1);
        let event = event_of(app, saga, data, &before.spec, sequence, false).await?;
        let known = link.as_ref().map(reference);
        let there = calendar.put(&event, known.as_ref()).await?;
        return Ok(Done {
            link: Some(written(&name, data, &event, there)),
            ..Done::undone(key)
        });
    }
    let there = match &link {
        Some(link) => Some(reference(link)),
        None => calendar.find(&saga.schedule_id.to_string()).await?,
    };
    if let Some(there) = there {
        calendar.remove(&there).await?;
    }
    Ok(Done {
        unlink: Some(name),
        ..Done::undone(key)
    })
}
