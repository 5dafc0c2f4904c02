//! Who is invited, looked at from both sides: what people answered, and who may come by the provider's registration.

use std::time::Duration;

use jiff::Timestamp;
use parfocal_store::{
    AttendeeRow, Job, NewJob, NewResponse, Schedule, ScheduleFilter, ScheduleId, ScheduleState,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::registrants::{forget, is_done, key, open, register, registers, withdraw};
use super::request::Guest;
use super::spec::Spec;
use super::view::AttendeeView;
use super::{ChangeRequest, How, spec_of, steps};
use crate::App;
use crate::calendar::{Answer, Attendee, Role};
use crate::components::Task;
use crate::error::{Code, EngineError, Kind, Result};
use crate::jobs::{JobKind, Outcome, payload, priority};
use crate::keys::{Caller, Surface};
use crate::provider::{ProviderRegistrant, RegistrantState};

/// How often registrants are looked at.
const EVERY: Duration = Duration::from_mins(5);
/// Schedules that are looked at.
const MOST: u32 = 1_000;
/// Where an answer that follows from a registration comes from.
const SOURCE: &str = "registration";

/// What a look at the registrants of a meeting gave.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RegistrantReport {
    /// Who is registered at the provider and may come.
    pub registered: usize,
    /// Who registered there and waits to be let in by the host.
    pub waiting: usize,
    /// Who registered there and is invited from now on.
    pub invited: Vec<String>,
    /// Who is registered from now on.
    pub added: Vec<String>,
    /// Who was denied or withdrawn there: taken for a refusal.
    pub declined: Vec<String>,
    /// Who declined here: withdrawn there.
    pub withdrawn: Vec<String>,
    /// Who has to wait for the provider's next day, and why.
    pub later: Vec<String>,
}

/// Who is invited: what they answered, and whether the provider lets them in; from [`App::attendees`].
#[derive(Debug, Clone, Copy)]
pub struct AttendeeManager<'a> {
    pub(crate) app: &'a App,
}

impl AttendeeManager<'_> {
    /// What those who are invited answered, by whichever way the answer came.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn get_attendee_responses(&self, id: ScheduleId) -> Result<Vec<AttendeeView>> {
        self.app.scheduling().get_attendee_responses(id).await
    }

    /// Brings registrants at the provider and people who are invited here into line, both ways.
    ///
    /// # Errors
    /// `not_found`, `invalid_input` when nobody registers for it, `conflict` when it does not stand, and as the provider says it.
    pub async fn sync_registrants(&self, id: ScheduleId, how: &How) -> Result<RegistrantReport> {
        how.caller.may(crate::keys::Role::Operate)?;
        self.app.components().require("scheduling").await?;
        let (app, now) = (self.app, self.app.clock().now());
        let row = app.scheduling().standing(id, now).await?;
        let spec = spec_of(&row)?;
        if spec.registration.is_none() {
            return Err(
                EngineError::invalid(format!("nobody registers for {:?}", row.title))
                    .with_hint("Schedule it with registration: automatic or manual."),
            );
        }
        let (Some(meeting), Some(saga)) = (
            row.meeting_id.as_deref(),
            app.store().latest_saga(app.scope(), id).await?,
        ) else {
            return Err(EngineError::new(Code::Conflict, "it has no meeting"));
        };
        let provider = open(app, &spec).await?;
        let there = provider.registrants(meeting).await?;
        let count = |state| there.iter().filter(|one| one.state == state).count();
        let mut report = RegistrantReport {
            registered: count(RegistrantState::Approved),
            waiting: count(RegistrantState::Pending),
            ..RegistrantReport::default()
        };
        let here = app.store().attendees(id).await?;
        let said = app.store().responses(app.scope(), id).await?;
        for one in spec.attendees.iter().filter(|one| registers(&spec, one)) {
            let Some(attendee) = here.iter().find(|row| row.email == one.email) else {
                continue;
            };
            let source = said
                .iter()
                .find(|said| said.email == one.email && said.occurrence.is_empty())
                .and_then(|said| said.source.as_deref());
            let key = key(id, &one.email);
            let registered = steps::known(app, &key).await?.as_ref().is_some_and(is_done);
            let there = there
                .iter()
                .find(|other| other.email.eq_ignore_ascii_case(&one.email));
            let declined = attendee.answer == Answer::Declined.as_str();
            let done = match (there.map(|one| one.state), registered, declined) {
                // The host's word, or the registrant's own at the provider.
                (Some(RegistrantState::Denied), _, false) | (None, true, false) => {
                    if there.is_none() {
                        forget(app, &key).await?;
                    }
                    report.declined.push(one.email.clone());
                    self.said(attendee, &row, Answer::Declined, now).await
                }
                // Let in again by the host.
                (Some(RegistrantState::Approved), _, true) if source == Some(SOURCE) => {
                    self.said(attendee, &row, Answer::Accepted, now).await
                }
                (Some(RegistrantState::Approved | RegistrantState::Pending), _, true) => {
                    report.withdrawn.push(one.email.clone());
                    withdraw(app, provider.as_ref(), meeting, &key, &one.email).await
                }
                (None | Some(RegistrantState::Pending), false, false) => {
                    report.added.push(one.email.clone());
                    let saga = &saga;
                    register(app, saga, provider.as_ref(), meeting, one, None)
                        .await
                        .map(drop)
                }
                _ => Ok(()),
            };
            match done {
                Ok(()) => {}
                Err(error) if matches!(error.kind(), Kind::Limited | Kind::Unavailable) => {
                    report.added.retain(|email| *email != one.email);
                    report.withdrawn.retain(|email| *email != one.email);
                    report.later.push(format!("{}: {error}", one.email));
                }
                Err(error) => return Err(error),
            }
        }
        self.invite(&row, &spec, &there, &mut report, how).await?;
        Ok(report)
    }

    /// Invites who registered by themselves and may come.
    async fn invite(
        &self,
        row: &Schedule,
        spec: &Spec,
        there: &[ProviderRegistrant],
        report: &mut RegistrantReport,
        how: &How,
    ) -> Result<()> {
        let mut guests: Vec<Guest> = spec.attendees.iter().map(guest).collect();
        for one in there
            .iter()
            .filter(|one| one.state == RegistrantState::Approved)
        {
            let email = one.email.to_lowercase();
            if !guests.iter().any(|guest| guest.email == email) {
                guests.push(Guest {
                    email: email.clone(),
                    name: one.name.clone(),
                    role: Role::Optional,
                });
                report.invited.push(email);
            }
        }
        if report.invited.is_empty() {
            return Ok(());
        }
        // Two looks at once are one change.
        let text = format!(
            "{}\n{}\n{}",
            row.id,
            row.sequence,
            report.invited.join("\n")
        );
        let key = Some(format!("registrants-{}", hex::encode(Sha256::digest(text))));
        let change = ChangeRequest {
            attendees: Some(guests),
            allow_conflicts: true,
            ..ChangeRequest::default()
        };
        let how = how.clone().with_key(key);
        self.app
            .scheduling()
            .reschedule(row.id, &change, &how)
            .await?;
        let now = self.app.clock().now();
        for attendee in self.app.store().attendees(row.id).await? {
            if report.invited.contains(&attendee.email) {
                self.said(&attendee, row, Answer::Accepted, now).await?;
            }
        }
        Ok(())
    }

    /// Takes down what follows from a registration as an answer.
    async fn said(
        &self,
        attendee: &AttendeeRow,
        row: &Schedule,
        answer: Answer,
        now: Timestamp,
    ) -> Result<()> {
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        let response = NewResponse {
            attendee: attendee.id,
            occurrence: "",
            answer: answer.as_str(),
            comment: None,
            source: SOURCE,
            verified: true,
            sequence: row.sequence,
            stamp: now,
        };
        tx.respond(&response, now).await?;
        Ok(tx.commit().await?)
    }
}

fn guest(one: &Attendee) -> Guest {
    Guest {
        email: one.email.clone(),
        name: one.name.clone(),
        role: one.role,
    }
}

/// What a look at registrants is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RegistrantsSync {
    /// The schedule.
    pub schedule: ScheduleId,
}

/// Looks at registrants while the component is on.
pub(crate) const LOOKER: Task = Task {
    name: "registrants.look",
    run: |app| {
        Box::pin(async move {
            loop {
                if let Err(error) = enqueue_all(&app).await {
                    tracing::warn!(%error, "registrants could not be looked at");
                }
                app.clock().sleep(EVERY).await;
            }
        })
    },
};

async fn enqueue_all(app: &App) -> Result<()> {
    let now = app.clock().now();
    let filter = ScheduleFilter {
        state: Some(ScheduleState::Scheduled),
        from: Some(now),
        ..ScheduleFilter::default()
    };
    let rows = app.store().schedules(app.scope(), &filter, MOST).await?;
    for row in rows {
        if spec_of(&row)?.registration.is_none() {
            continue;
        }
        let kind = JobKind::RegistrantsSync;
        let job = NewJob {
            kind: kind.as_str().to_owned(),
            v: kind.version(),
            lane: Some(format!("schedule:{}", row.id)),
            priority: priority::LIVE,
            dedupe_key: Some(row.id.to_string()),
            payload: json!(RegistrantsSync { schedule: row.id }),
            run_at: now,
            cause_id: None,
        };
        let mut tx = app.store().begin(app.scope()).await?;
        tx.enqueue(&job, now).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// The job `registrants.sync`.
pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let RegistrantsSync { schedule } = payload(job)?;
    let how = How::new(Caller::local(Surface::System));
    match app.attendees().sync_registrants(schedule, &how).await {
        Ok(report) => {
            tracing::debug!(%schedule, ?report, "registrants were looked at");
            Ok(Outcome::nothing())
        }
        // It was called off, is being changed, or nobody registers any more: the next look sees.
        Err(error)
            if matches!(
                error.code(),
                Code::NotFound | Code::Conflict | Code::InProgress | Code::InvalidInput
            ) =>
        {
            Ok(Outcome::nothing())
        }
        Err(error) => Err(error),
    }
}
