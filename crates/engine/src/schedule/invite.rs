//! The last step: telling people, each once, whoever cannot be told being noted.

use jiff::civil::DateTime;
use parfocal_store::{EffectState, Saga, SagaKind, ScheduleId};

use super::calendar_step;
use super::data::Data;
use super::registrants;
use super::saga::Step;
use super::steps::{self, Done};
use crate::App;
use crate::calendar::Attendee;
use crate::error::{Code, EngineError, Kind, Result};
use crate::notify::{Invitation, InvitationKind};

/// The way of telling people, by its name in the registry.
pub const WAY: &str = "mail";
/// Messages in one go, so that a step stays short.
const AT_ONCE: usize = 25;

/// Who is told what.
pub(super) fn messages(data: &Data, kind: SagaKind) -> Vec<(InvitationKind, Attendee)> {
    use InvitationKind as I;
    let target = &data.target;
    if !data.tell {
        return Vec::new();
    }
    if kind == SagaKind::Cancel {
        let all = target.attendees.iter().cloned();
        return all.map(|one| (I::Cancel, one)).collect();
    }
    let Some(before) = &data.before else {
        let all = target.attendees.iter().cloned();
        return all.map(|one| (I::Request, one)).collect();
    };
    let same = |one: &Attendee| {
        before
            .spec
            .attendees
            .iter()
            .any(|was| was.email == one.email)
    };
    // Who was invited and who is told are not part of the meeting itself.
    let mut was = before.spec.clone();
    was.attendees.clone_from(&target.attendees);
    was.reminders.clone_from(&target.reminders);
    let changed = was != *target;
    let mut out = Vec::new();
    for one in &target.attendees {
        if !same(one) {
            out.push((I::Request, one.clone()));
        } else if changed {
            out.push((I::Update, one.clone()));
        }
    }
    for gone in &before.spec.attendees {
        if !target.attendees.iter().any(|one| one.email == gone.email) {
            out.push((I::Cancel, gone.clone()));
        }
    }
    out
}

/// The key of one message.
fn key(
    schedule: ScheduleId,
    sequence: u32,
    kind: InvitationKind,
    occurrence: Option<DateTime>,
    email: &str,
) -> String {
    let which = occurrence.map_or_else(|| "all".to_owned(), |one| one.to_string());
    format!("{schedule}:{sequence}:{}:{which}:{email}", kind.as_str())
}

/// Tells the people of a saga.
pub(super) async fn run(app: &App, saga: &Saga, data: &mut Data) -> Result<Done> {
    let admitted = registrants::admit(app, saga, data).await?;
    if admitted.more {
        return Ok(Done {
            partly: true,
            ..Done::default()
        });
    }
    let messages = messages(data, saga.kind);
    // The calendar that invites by itself is the one sender, as long as the event stands there.
    if let Some(name) = &data.target.calendar
        && (!messages.is_empty() || saga.kind == SagaKind::Reschedule)
    {
        let links = app.store().calendar_links(saga.schedule_id).await?;
        let stands = links.iter().any(|link| link.calendar == *name)
            || (saga.kind == SagaKind::Cancel && data.occurrence.is_none());
        let account = data.target.calendar_account.as_deref();
        if app.calendars().open(app, name, account).await?.invites() {
            let done = match saga.kind {
                SagaKind::Schedule if stands => {
                    Some(calendar_step::guests(app, saga, data, name).await?)
                }
                SagaKind::Reschedule => Some(calendar_step::changed(app, saga, data, name).await?),
                SagaKind::Cancel if stands => Some(Done::default()),
                _ => None,
            };
            if let Some(done) = done {
                return admitted.waits.map_or(Ok(done), Err);
            }
        }
    }
    if messages.is_empty() {
        return admitted.waits.map_or_else(|| Ok(Done::default()), Err);
    }
    if !app.invitations().has(WAY) {
        return Ok(Done {
            warning: Some("nobody was told: no way of sending invitations is set up".to_owned()),
            ..Done::default()
        });
    }
    let way = app.invitations().open(app, WAY, None).await?;
    let cancelled = saga.kind == SagaKind::Cancel && data.occurrence.is_none();
    let event =
        calendar_step::event_of(app, saga, data, &data.target, data.sequence, cancelled).await?;
    let known = app.store().effects(app.scope(), saga.id).await?;
    let now = app.clock().now();
    let mut left = 0_usize;
    let mut sent = 0_usize;
    let mut waits: Option<EngineError> = admitted.waits;
    for (kind, attendee) in messages {
        let key = key(
            saga.schedule_id,
            data.sequence,
            kind,
            data.occurrence,
            &attendee.email,
        );
        let over = known.iter().any(|effect| {
            effect.key == key && matches!(effect.state, EffectState::Done | EffectState::Refused)
        });
        if over || admitted.waiting.contains(&attendee.email) {
            continue;
        }
        if sent == AT_ONCE {
            left += 1;
            continue;
        }
        sent += 1;
        let effect = steps::begin(app, saga, Step::Invite, &key).await?;
        if effect.state == EffectState::Done {
            continue;
        }
        let invitation = Invitation {
            key: key.clone(),
            kind,
            schedule: saga.schedule_id,
            attendee: attendee.clone(),
            sequence: data.sequence,
            occurrence: data.occurrence,
            event: registrants::personal(&event, admitted.doors.get(&attendee.email)),
        };
        let answer = way.send(app, &invitation).await;
        let mut tx = app.store().begin(app.scope()).await?;
        match answer {
            Ok(message) => {
                tx.settle_effect(&key, EffectState::Done, Some(&message.id), None, None)
                    .await?;
                tx.told_attendee(saga.schedule_id, &attendee.email, data.sequence, None, now)
                    .await?;
            }
            Err(error) => {
                let why = error.to_string();
                let may_mend = match error.kind() {
                    Kind::Unavailable | Kind::Limited => true,
                    // A mail that was refused for good is refused at every try.
                    Kind::NeedsAttention => error.code() != Code::MailRefused,
                    _ => false,
                };
                let later = may_mend && now < saga.deadline;
                let state = if later {
                    EffectState::Tried
                } else {
                    EffectState::Refused
                };
                tx.settle_effect(&key, state, None, None, Some(&why))
                    .await?;
                tx.told_attendee(
                    saga.schedule_id,
                    &attendee.email,
                    data.sequence,
                    Some(&why),
                    now,
                )
                .await?;
                if later {
                    waits = Some(match waits {
                        Some(first) => first,
                        None => error,
                    });
                }
            }
        }
        tx.commit().await?;
    }
    match waits {
        Some(error) if error.kind() == Kind::NeedsAttention => Err(EngineError::new(
            Code::CalendarUnavailable,
            error.to_string(),
        )
        .with_hint(error.hint())),
        Some(error) => Err(error),
        None => Ok(Done {
            partly: left > 0,
            ..Done::default()
        }),
    }
}
