//! Registrants: meetings into which the provider lets only who is registered there, kept one with who is invited here.
//!
//! Whoever is invited is registered, once, and invited with the address that is theirs alone. Whoever registers at the provider is
//! invited. Of two statements the one that is news counts: who is denied or withdrawn there has declined here, who declines here is
//! withdrawn there. What the provider does only so many times a day waits for the next one, person by person.

use std::collections::{BTreeMap, BTreeSet};

use parfocal_store::{Effect, EffectState, Saga, SagaKind, ScheduleId};
use serde_json::json;

use super::data::Data;
use super::saga::Step;
use super::spec::Spec;
use super::steps;
use crate::App;
use crate::calendar::{Attendee, CalendarEvent, Role};
use crate::error::{Code, EngineError, Kind, Result};
use crate::provider::{MeetingProvider, ProviderRegistrant, RegistrantState};

/// People registered in one go, so that a step stays short.
const AT_ONCE: usize = 25;

/// What came of registering the people of a saga.
#[derive(Debug, Default)]
pub(super) struct Admitted {
    /// The addresses to join that are one person's alone, by the person's.
    pub(super) doors: BTreeMap<String, String>,
    /// Who has to wait.
    pub(super) waiting: BTreeSet<String>,
    /// Why, and until when.
    pub(super) waits: Option<EngineError>,
    /// There are more to register.
    pub(super) more: bool,
}

/// What an effect is known by: the same person of the same schedule is registered once.
pub(super) fn key(schedule: ScheduleId, email: &str) -> String {
    format!("{schedule}:registrant:{email}")
}

/// Whether somebody is to be registered: neither rooms nor whoever holds the meeting.
pub(super) fn registers(spec: &Spec, one: &Attendee) -> bool {
    let holds = spec
        .host
        .as_deref()
        .is_some_and(|host| host.eq_ignore_ascii_case(&one.email));
    one.role != Role::Resource && !holds
}

/// Registers those who are invited and takes back the registration of those who no longer are. May run again.
pub(super) async fn admit(app: &App, saga: &Saga, data: &Data) -> Result<Admitted> {
    let mut out = Admitted::default();
    let (Some(_), Some(meeting)) = (data.target.registration, &data.meeting) else {
        return Ok(out);
    };
    if saga.kind == SagaKind::Cancel {
        return Ok(out);
    }
    let mut known_there: Option<Vec<ProviderRegistrant>> = None;
    let provider = open(app, &data.target).await?;
    let mut tried = 0_usize;
    for one in data
        .target
        .attendees
        .iter()
        .filter(|one| registers(&data.target, one))
    {
        let key = key(saga.schedule_id, &one.email);
        let known = steps::known(app, &key).await?;
        match known.as_ref().map(|effect| effect.state) {
            Some(EffectState::Done) => {
                out.doors.extend(
                    known.and_then(|one_effect| Some((one.email.clone(), door(&one_effect)?))),
                );
                continue;
            }
            Some(EffectState::Refused) => continue,
            _ => {}
        }
        if tried == AT_ONCE {
            out.more = true;
            break;
        }
        tried += 1;
        let there = match &known_there {
            Some(there) => there,
            None => known_there.insert(provider.registrants(&meeting.id).await?),
        };
        let there = there
            .iter()
            .find(|other| other.email.eq_ignore_ascii_case(&one.email));
        match register(app, saga, provider.as_ref(), &meeting.id, one, there).await {
            Ok(Some(door)) => {
                out.doors.insert(one.email.clone(), door);
            }
            Ok(None) => {}
            Err(error) => {
                let mends = matches!(error.kind(), Kind::Unavailable | Kind::Limited)
                    && app.clock().now() < saga.deadline;
                let now = app.clock().now();
                let why = format!("could not be registered: {error}");
                let mut tx = app.store().begin(app.scope()).await?;
                if !mends {
                    tx.settle_effect(&key, EffectState::Refused, None, None, Some(&why))
                        .await?;
                }
                tx.told_attendee(saga.schedule_id, &one.email, data.sequence, Some(&why), now)
                    .await?;
                tx.commit().await?;
                if mends {
                    out.waiting.insert(one.email.clone());
                    out.waits = Some(out.waits.unwrap_or(error));
                }
            }
        }
    }
    let before = data.before.iter().flat_map(|before| &before.spec.attendees);
    for gone in before.filter(|was| {
        let still = &data.target.attendees;
        !still.iter().any(|one| one.email == was.email)
    }) {
        let key = key(saga.schedule_id, &gone.email);
        if steps::known(app, &key).await?.as_ref().is_some_and(is_done) {
            withdraw(app, provider.as_ref(), &meeting.id, &key, &gone.email).await?;
        }
    }
    Ok(out)
}

pub(super) fn is_done(effect: &Effect) -> bool {
    effect.state == EffectState::Done
}

fn door(effect: &Effect) -> Option<String> {
    effect.result.as_ref()?["join_url"]
        .as_str()
        .map(str::to_owned)
}

pub(super) async fn open(app: &App, spec: &Spec) -> Result<std::sync::Arc<dyn MeetingProvider>> {
    app.providers()
        .open(app, &spec.provider, spec.account.as_deref())
        .await
}

/// Registers one person and writes it down; the address to join that is theirs.
pub(super) async fn register(
    app: &App,
    saga: &Saga,
    provider: &dyn MeetingProvider,
    meeting: &str,
    one: &Attendee,
    there: Option<&ProviderRegistrant>,
) -> Result<Option<String>> {
    let key = key(saga.schedule_id, &one.email);
    steps::begin(app, saga, Step::Invite, &key).await?;
    let there = match there.map(|there| there.state) {
        Some(RegistrantState::Denied) => {
            return Err(EngineError::new(
                Code::Conflict,
                format!("the host denied the registration of {}", one.email),
            ));
        }
        Some(RegistrantState::Approved) => there.cloned(),
        _ => None,
    };
    let there = match there {
        Some(there) => there,
        None => {
            provider
                .register(meeting, &one.email, one.name.as_deref())
                .await?
        }
    };
    let result = json!({ "join_url": there.join_url });
    let mut tx = app.store().begin(app.scope()).await?;
    tx.settle_effect(
        &key,
        EffectState::Done,
        Some(&there.id),
        Some(&result),
        None,
    )
    .await?;
    tx.commit().await?;
    Ok(there.join_url)
}

/// Takes a registration back and writes it down.
pub(super) async fn withdraw(
    app: &App,
    provider: &dyn MeetingProvider,
    meeting: &str,
    key: &str,
    email: &str,
) -> Result<()> {
    let there = provider.registrants(meeting).await?;
    if let Some(there) = there
        .iter()
        .find(|one| one.email.eq_ignore_ascii_case(email))
    {
        provider.unregister(meeting, there).await?;
    }
    forget(app, key).await
}

/// Writes down that somebody is registered no more.
pub(super) async fn forget(app: &App, key: &str) -> Result<()> {
    let mut tx = app.store().begin(app.scope()).await?;
    tx.settle_effect(key, EffectState::Undone, None, None, None)
        .await?;
    Ok(tx.commit().await?)
}

/// The event with the address to join that is one person's alone.
pub(super) fn personal(event: &CalendarEvent, door: Option<&String>) -> CalendarEvent {
    let mut event = event.clone();
    if let (Some(door), Some(general)) = (door, event.join_url.clone()) {
        event.body = event.body.map(|body| body.replace(&general, door));
        event.location = Some(door.clone());
        event.join_url = Some(door.clone());
    }
    event
}

/// The address to join that is one person's alone, where the provider gave one.
pub(crate) async fn door_of(
    app: &App,
    schedule: ScheduleId,
    email: &str,
) -> Result<Option<String>> {
    let known = steps::known(app, &key(schedule, email)).await?;
    Ok(known
        .filter(|effect| effect.state == EffectState::Done)
        .and_then(|effect| door(&effect)))
}
