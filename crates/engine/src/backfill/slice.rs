//! One piece of a backfill: one resource of one subject in one window.
//!
//! What a page tells is written with the page, and nothing it told is asked again: recordings of a host come with
//! their files, held meetings with their times. Page tokens die within minutes, so none is kept; a piece that breaks
//! off begins its window again, and what it had written is recognised.

use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use parfocal_store::{
    ArtefactKind, Backfill, BackfillId, BackfillState, Job, MeetingKind, NewSlice, Scope, Slice,
    SliceId, SliceState, SliceUpdate, Tx,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::gate::{self, Gate, Refusal, Resource};
use super::pieces::add;
use super::read::{RawPages, Reader};
use super::{Window, ending, window};
use crate::App;
use crate::error::{EngineError, Result};
use crate::ingest::meetings::Occurrences;
use crate::ingest::recordings::Presence;
use crate::ingest::{
    Origin, Rank, Stamp, artefacts, attendance, instances, interactions, meetings, recordings,
    registrants, summaries, users,
};
use crate::jobs::conflicts::{Conflicts, in_order_of_locks};
use crate::jobs::{
    JobKind, MeetingRefresh, Outcome, ParticipantsFetch, SummaryFetch, payload, priority,
};

/// The payload of a piece's job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SliceJob {
    /// The backfill.
    pub backfill: BackfillId,
    /// The piece.
    pub slice: SliceId,
}

/// Statuses of users that are asked for.
pub(super) const USER_STATUSES: [&str; 3] = ["active", "inactive", "pending"];
/// Statuses of registrations that are asked for.
const REGISTRANT_STATUSES: [&str; 3] = ["approved", "pending", "denied"];
/// How long a series that was asked for counts as known.
const SERIES_FRESH: jiff::SignedDuration = jiff::SignedDuration::from_hours(24);

/// Everything a piece needs to work.
struct Work<'a> {
    app: &'a App,
    scope: Scope,
    backfill: &'a Backfill,
    spec: super::Spec,
    slice: &'a Slice,
    resource: Resource,
    reader: Reader,
}

/// Works on one piece.
pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let SliceJob { backfill, slice } = payload(job)?;
    let scope = Scope::of(job.workspace);
    let now = app.clock().now();
    let Some(backfill) = app.store().backfill(scope, backfill).await? else {
        return Ok(Outcome::nothing());
    };
    let Some(slice) = app.store().slice(scope, slice).await? else {
        return Ok(Outcome::nothing());
    };
    match backfill.state {
        BackfillState::Paused => {
            return Ok(Outcome::Snooze(
                None,
                super::later(now, super::PAUSE_LOOK),
                "the backfill is paused".into(),
            ));
        }
        BackfillState::Cancelled => return Ok(Outcome::nothing()),
        // A piece that was given up may be tried again after the rest is done.
        _ => {}
    }
    if matches!(slice.state, SliceState::Done | SliceState::Skipped) {
        return Ok(Outcome::nothing());
    }
    let Some(resource) = Resource::parse(&slice.resource) else {
        return Ok(Outcome::nothing());
    };
    let account = backfill.account_id;
    match gate::ask(
        app.store(),
        scope,
        account,
        resource,
        &job.id.to_string(),
        now,
    )
    .await?
    {
        Gate::Open => {}
        Gate::Wait => {
            return Ok(Outcome::Snooze(
                None,
                super::later(now, gate::WAIT),
                gate::WAITING.into(),
            ));
        }
        Gate::Closed(refusal) => {
            let mut tx = app.store().begin(scope).await?;
            skip(&mut tx, &slice, &refusal, 0, now).await?;
            ending::nudge(&mut tx, &backfill, now).await?;
            return Ok(Outcome::done(tx));
        }
    }
    let client = super::client(app, account, job.priority).await?;
    let spec = super::Spec::read(&backfill.spec);
    let work = Work {
        app,
        scope,
        backfill: &backfill,
        spec,
        slice: &slice,
        resource,
        reader: Reader::new(client),
    };
    work.run().await
}

impl Work<'_> {
    async fn run(&self) -> Result<Outcome> {
        let subject = self.slice.subject.as_str();
        let pages = match self.resource {
            Resource::Users => self.reader.users(subject),
            Resource::Meetings => self.reader.meetings(subject),
            Resource::History => self.reader.history(self.window()?),
            Resource::Reports => self.reader.reports(subject, self.window()?),
            Resource::Recordings => self.reader.recordings(subject, self.window()?),
            Resource::Summaries => self.reader.summaries(self.window()?),
            Resource::Registrants => return self.registrants(subject).await,
            Resource::Instances => {
                let items = self.reader.instances(subject).await;
                return self.end(items.map(|items| (items, 1))).await;
            }
            // These are asked for by jobs of their own, one for each thing.
            Resource::Meeting
            | Resource::PastMeeting
            | Resource::Participants
            | Resource::WebinarParticipants
            | Resource::Recording
            | Resource::Summary
            | Resource::Polls
            | Resource::Questions
            | Resource::WebinarPolls
            | Resource::WebinarQuestions => return Ok(Outcome::nothing()),
        };
        self.walk(pages).await
    }

    /// Asks for the registrations of each status, one after the other: a refusal of the first is one of all.
    async fn registrants(&self, number: &str) -> Result<Outcome> {
        for status in REGISTRANT_STATUSES {
            let mut pages = self.reader.registrants(number, status)?;
            loop {
                let page = match pages.try_next().await {
                    Ok(Some(page)) => page,
                    Ok(None) => break,
                    Err(error) => return self.refused(error).await,
                };
                let mut conflicts = Conflicts::default();
                while let Err(error) = self.write_registrants(number, status, &page.items).await {
                    conflicts.again(self.app, error).await?;
                }
            }
        }
        let now = self.app.clock().now();
        let mut tx = self.app.store().begin(self.scope).await?;
        if let Some(meeting) = tx
            .meeting_by_external(self.backfill.account_id, number)
            .await?
        {
            artefacts::present(&mut tx, meeting.id, ArtefactKind::Registrants, now).await?;
        }
        self.done(tx, &[], 0, now).await
    }

    async fn write_registrants(&self, number: &str, status: &str, items: &[Value]) -> Result<()> {
        let origin = self.origin().await?;
        let mut tx = self.app.store().begin(self.scope).await?;
        for item in items {
            self.registrant(&mut tx, &origin, number, status, item)
                .await?;
        }
        self.note(&mut tx, items, 1, origin.now).await?;
        Ok(tx.commit().await?)
    }

    /// Walks the pages; each but the last is committed by itself.
    async fn walk(&self, mut pages: RawPages) -> Result<Outcome> {
        let mut calls = 0;
        loop {
            match pages.try_next().await {
                Ok(Some(mut page)) if page.more => {
                    in_order_of_locks(&mut page.items);
                    let mut conflicts = Conflicts::default();
                    while let Err(error) = self.write_page(&page.items, calls + 1).await {
                        conflicts.again(self.app, error).await?;
                    }
                    calls = 0;
                }
                Ok(Some(page)) => return self.end(Ok((page.items, calls + 1))).await,
                Ok(None) => return self.end(Ok((Vec::new(), calls))).await,
                Err(error) => return self.end(Err(error)).await,
            }
        }
    }

    /// Writes the last items and ends the piece, or says why it cannot be had.
    async fn end(&self, answer: parfocal_zoom::Result<(Vec<Value>, i64)>) -> Result<Outcome> {
        let (mut items, calls) = match answer {
            Ok(answer) => answer,
            Err(error) => return self.refused(error).await,
        };
        in_order_of_locks(&mut items);
        let mut conflicts = Conflicts::default();
        loop {
            match self.write_last(&items, calls).await {
                Ok(outcome) => return Ok(outcome),
                Err(error) => conflicts.again(self.app, error).await?,
            }
        }
    }

    async fn write_page(&self, items: &[Value], calls: i64) -> Result<()> {
        let origin = self.origin().await?;
        let mut tx = self.app.store().begin(self.scope).await?;
        self.apply(&mut tx, &origin, items).await?;
        self.note(&mut tx, items, calls, origin.now).await?;
        Ok(tx.commit().await?)
    }

    async fn write_last(&self, items: &[Value], calls: i64) -> Result<Outcome> {
        let origin = self.origin().await?;
        let mut tx = self.app.store().begin(self.scope).await?;
        self.apply(&mut tx, &origin, items).await?;
        self.done(tx, items, calls, origin.now).await
    }

    /// Notes a page that is written, of a piece that goes on.
    async fn note(&self, tx: &mut Tx, items: &[Value], calls: i64, now: Timestamp) -> Result<()> {
        let items = count(items);
        let update = SliceUpdate {
            state: SliceState::Running,
            checkpoint: None,
            items,
            calls,
            error: None,
        };
        tx.update_slice(self.slice.id, &update, now).await?;
        gate::learn(tx, self.backfill.account_id, self.resource, None, now).await
    }

    async fn done(
        &self,
        mut tx: Tx,
        items: &[Value],
        calls: i64,
        now: Timestamp,
    ) -> Result<Outcome> {
        let items = count(items);
        let update = SliceUpdate {
            state: SliceState::Done,
            checkpoint: None,
            items,
            calls,
            error: None,
        };
        tx.update_slice(self.slice.id, &update, now).await?;
        gate::learn(&mut tx, self.backfill.account_id, self.resource, None, now).await?;
        ending::nudge(&mut tx, self.backfill, now).await?;
        Ok(Outcome::done(tx))
    }

    async fn refused(&self, error: parfocal_zoom::Error) -> Result<Outcome> {
        let now = self.app.clock().now();
        let mut for_all = gate::refuses_resource(&error);
        let Some(refusal) = for_all.clone().or_else(|| gate::refuses_subject(&error)) else {
            return Err(EngineError::from(error));
        };
        let (store, account) = (self.app.store(), self.backfill.account_id);
        if for_all.is_none()
            && gate::stands_for_all(store, self.scope, account, self.resource, &refusal).await?
        {
            for_all = Some(refusal.clone());
        }
        let mut tx = self.app.store().begin(self.scope).await?;
        gate::learn(
            &mut tx,
            self.backfill.account_id,
            self.resource,
            for_all,
            now,
        )
        .await?;
        skip(&mut tx, self.slice, &refusal, 1, now).await?;
        ending::nudge(&mut tx, self.backfill, now).await?;
        let report = super::report(&error);
        Ok(Outcome::Done(Some(tx), report))
    }

    fn window(&self) -> Result<Window> {
        self.slice
            .from
            .zip(self.slice.to)
            .and_then(|(from, to)| window::of_span(from, to))
            .ok_or_else(|| EngineError::invalid(format!("slice {} has no window", self.slice.id)))
    }

    /// Where the answers come from. Read before a transaction is open: it would hold a connection while waiting for
    /// another.
    async fn origin(&self) -> Result<Origin> {
        let now = self.app.clock().now();
        let rank = if self.resource == Resource::Registrants {
            Rank::Detail
        } else {
            Rank::List
        };
        super::origin(
            self.app,
            self.scope,
            self.backfill,
            Stamp::of_answer(now, rank),
            now,
        )
        .await
    }

    async fn apply(&self, tx: &mut Tx, origin: &Origin, items: &[Value]) -> Result<()> {
        for item in items {
            match self.resource {
                Resource::Users => self.user(tx, origin, item).await?,
                Resource::Meetings => self.meeting(tx, origin, item).await?,
                Resource::History | Resource::Reports => self.held(tx, origin, item).await?,
                Resource::Instances => self.instance(tx, origin, item).await?,
                Resource::Recordings => self.recording(tx, origin, item).await?,
                Resource::Summaries => self.summary(tx, origin, item).await?,
                _ => {}
            }
        }
        Ok(())
    }

    async fn user(&self, tx: &mut Tx, origin: &Origin, item: &Value) -> Result<()> {
        let mut said = item.as_object().cloned().unwrap_or_default();
        said.entry("status")
            .or_insert_with(|| self.slice.subject.clone().into());
        said.insert("removed".into(), false.into());
        users::apply(tx, origin, &Value::Object(said)).await?;
        if self.slice.subject != "active" {
            return Ok(());
        }
        let Some(id) = text(item, "id") else {
            return Ok(());
        };
        let mut slices = vec![NewSlice {
            resource: Resource::Meetings.as_str().into(),
            subject: id.clone(),
            from: None,
            to: None,
        }];
        for window in self.spec.windows() {
            let (from, to) = window::span(window);
            slices.push(NewSlice {
                resource: Resource::Recordings.as_str().into(),
                subject: id.clone(),
                from: Some(from),
                to: Some(to),
            });
        }
        if let Some(pmi) = text(item, "pmi") {
            slices.push(NewSlice {
                resource: Resource::Instances.as_str().into(),
                subject: pmi,
                from: None,
                to: None,
            });
        }
        add(tx, self.backfill, &slices, origin).await
    }

    async fn meeting(&self, tx: &mut Tx, origin: &Origin, item: &Value) -> Result<()> {
        let Some(number) = text(item, "id") else {
            return Ok(());
        };
        let applied = meetings::apply(
            tx,
            origin,
            &number,
            Some(MeetingKind::Meeting),
            item,
            Occurrences::Some,
        )
        .await?;
        let fresh = applied.facts.stamp("detailed").is_some_and(|stamp| {
            Timestamp::from_millisecond(stamp.at_ms)
                .is_ok_and(|at| origin.now.duration_since(at) < SERIES_FRESH)
        });
        if !fresh {
            let payload = MeetingRefresh {
                account: origin.account,
                number: number.clone(),
                backfill: Some(self.backfill.id),
                also: None,
            };
            origin
                .follow(Some(&number))
                .enqueue(
                    tx,
                    JobKind::MeetingRefresh,
                    payload.key(),
                    &payload,
                    origin.now,
                )
                .await?;
        }
        if meetings::is_recurring(applied.facts.integer("type")) {
            let slice = NewSlice {
                resource: Resource::Instances.as_str().into(),
                subject: number,
                from: None,
                to: None,
            };
            add(tx, self.backfill, &[slice], origin).await?;
        }
        Ok(())
    }

    /// A held meeting from a report: its real times are told, only its people are to be asked for.
    async fn held(&self, tx: &mut Tx, origin: &Origin, item: &Value) -> Result<()> {
        let Some(applied) = instances::apply(tx, origin, item, instances::Stage::Ended).await?
        else {
            return Ok(());
        };
        attendance::close(tx, origin, &applied).await?;
        artefacts::present(tx, applied.id, ArtefactKind::Details, origin.now).await?;
        let used = &item["feature_used"];
        // A host's own report does not say: webinars are asked for in any case.
        let unsaid = used.is_null() && applied.kind == MeetingKind::Webinar;
        if unsaid || used["poll"] == true || used["meeting_questions"] == true {
            interactions::want(tx, origin, &applied, Some(self.backfill.id)).await?;
        }
        want_participants(tx, origin, &applied, self.backfill.id).await
    }

    async fn instance(&self, tx: &mut Tx, origin: &Origin, item: &Value) -> Result<()> {
        let start = item
            .get("start_time")
            .and_then(crate::ingest::merge::instant);
        if start.is_some_and(|start| !self.spec.contains(start)) {
            return Ok(());
        }
        let mut said = item.as_object().cloned().unwrap_or_default();
        said.insert("id".into(), self.slice.subject.clone().into());
        let Some(applied) =
            instances::apply(tx, origin, &Value::Object(said), instances::Stage::Ended).await?
        else {
            return Ok(());
        };
        artefacts::expect(tx, applied.id, ArtefactKind::Details, None, origin.now).await?;
        want_participants(tx, origin, &applied, self.backfill.id).await
    }

    async fn recording(&self, tx: &mut Tx, origin: &Origin, item: &Value) -> Result<()> {
        let config = self.app.config();
        let Some(applied) =
            recordings::apply(tx, origin, config, item, Presence::There, None).await?
        else {
            return Ok(());
        };
        recordings::watch(tx, origin, &applied).await?;
        artefacts::expect(
            tx,
            applied.instance.id,
            ArtefactKind::Details,
            None,
            origin.now,
        )
        .await?;
        want_participants(tx, origin, &applied.instance, self.backfill.id).await
    }

    /// A meeting with a summary: its text is asked for.
    async fn summary(&self, tx: &mut Tx, origin: &Origin, item: &Value) -> Result<()> {
        let named = summaries::named(item);
        let ended = instances::Stage::Ended;
        let Some(applied) = instances::apply(tx, origin, &named, ended).await? else {
            return Ok(());
        };
        let payload = SummaryFetch {
            account: origin.account,
            uuid: applied.uuid.clone(),
            backfill: Some(self.backfill.id),
        };
        let mut follow = origin.follow(applied.number.as_deref());
        follow.priority = priority::BACKFILL_DETAIL;
        let key = payload.key();
        follow
            .enqueue(tx, JobKind::SummaryFetch, key, &payload, origin.now)
            .await?;
        Ok(())
    }

    async fn registrant(
        &self,
        tx: &mut Tx,
        origin: &Origin,
        number: &str,
        status: &str,
        item: &Value,
    ) -> Result<()> {
        let meeting = meetings::ensure(tx, origin, number, None, &json!({"id": number})).await?;
        registrants::apply(tx, origin, meeting, item, Some(status)).await?;
        Ok(())
    }
}

/// Enqueues the question who took part, unless that is known.
async fn want_participants(
    tx: &mut Tx,
    origin: &Origin,
    instance: &instances::Applied,
    backfill: BackfillId,
) -> Result<()> {
    let known = tx
        .artefact(instance.id.into(), ArtefactKind::Participants)
        .await?;
    if artefacts::is_settled(known.as_ref()) {
        return Ok(());
    }
    artefacts::expect(
        tx,
        instance.id,
        ArtefactKind::Participants,
        None,
        origin.now,
    )
    .await?;
    let payload = ParticipantsFetch {
        account: origin.account,
        uuid: instance.uuid.clone(),
        webinar: instance.kind == MeetingKind::Webinar,
        not_before: origin.now,
        backfill: Some(backfill),
    };
    let mut follow = origin.follow(instance.number.as_deref());
    follow.priority = priority::BACKFILL_DETAIL;
    follow
        .enqueue(
            tx,
            JobKind::ParticipantsFetch,
            payload.key(),
            &payload,
            origin.now,
        )
        .await?;
    Ok(())
}

async fn skip(
    tx: &mut Tx,
    slice: &Slice,
    refusal: &Refusal,
    calls: i64,
    now: Timestamp,
) -> Result<()> {
    let error = format!("{}: {}", refusal.cause, refusal.detail);
    let update = SliceUpdate {
        state: SliceState::Skipped,
        checkpoint: None,
        items: 0,
        calls,
        error: Some(error),
    };
    tx.update_slice(slice.id, &update, now).await?;
    Ok(())
}

fn count(items: &[Value]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}

pub(crate) fn text(item: &Value, name: &str) -> Option<String> {
    match item.get(name)? {
        Value::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
