//! The end of a backfill: the second questions that only make sense once everything is found, and reasons for what
//! was not found.

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{
    ArtefactKind, ArtefactState, Backfill, BackfillState, MeetingKind, NewSlice, PageRequest,
    Scope, SliceCount, SliceState, Sweep, SweptInstance,
};
use serde_json::{Value, json};

use super::gate::{self, Refusal, Resource};
use super::{Spec, later, pieces, window};
use crate::App;
use crate::error::Result;
use crate::ingest::artefacts::{self, PROCESSING, cause};
use crate::ingest::{Origin, Rank, Stamp, tell};
use crate::jobs::{
    InstanceRefresh, JobKind, Outcome, ParticipantsFetch, RecordingRefresh, priority,
};
use crate::told::{BackfillFinished, Told};

/// How often an unfinished backfill is looked at when nothing else reminds of it.
const LOOK: SignedDuration = SignedDuration::from_secs(5);
/// Downloads that wait longer than this for Zoom do not hold a backfill open.
const FAR: SignedDuration = SignedDuration::from_mins(10);
/// Instances settled in one transaction.
const BATCH: u32 = 500;

/// Looks how far a backfill is, and does what is to be done now.
pub(crate) async fn look(app: &App, scope: Scope, backfill: &Backfill) -> Result<Outcome> {
    let now = app.clock().now();
    match backfill.state {
        BackfillState::Running | BackfillState::Planning => {}
        BackfillState::Paused => {
            return Ok(Outcome::Snooze(
                None,
                later(now, super::PAUSE_LOOK),
                "the backfill is paused".into(),
            ));
        }
        _ => return Ok(Outcome::nothing()),
    }
    let not_yet = |why: &str| Ok(Outcome::Snooze(None, later(now, LOOK), why.to_owned()));
    let counts = app.store().slice_counts(scope, backfill.id).await?;
    let spec = Spec::read(&backfill.spec);
    let origin = super::origin(
        app,
        scope,
        backfill,
        Stamp::of_answer(now, Rank::Derived),
        now,
    )
    .await?;
    if fall_back(app, scope, backfill, &spec, &counts, &origin).await? {
        return not_yet("hosts are asked one by one");
    }
    if counts
        .iter()
        .any(|count| is_open(count.state) && count.resource != Resource::Registrants.as_str())
    {
        return not_yet("pieces are open");
    }
    if !flag(backfill, "details") {
        ask_details(app, scope, backfill, &spec, &origin).await?;
        return not_yet("details are being asked for");
    }
    if counts.iter().any(|count| is_open(count.state)) || jobs_open(app, backfill, now).await? {
        return not_yet("jobs are open");
    }
    if ask_recordings(app, scope, backfill, &spec, &origin).await? {
        return not_yet("recordings are being asked for one by one");
    }
    conclude(app, scope, backfill, &spec, &counts, &origin).await
}

/// Without the report of the whole account, each host's own report is asked for; whether pieces were added.
async fn fall_back(
    app: &App,
    scope: Scope,
    backfill: &Backfill,
    spec: &Spec,
    counts: &[SliceCount],
    origin: &Origin,
) -> Result<bool> {
    let known = gate::known(app.store(), scope, backfill.account_id, Resource::History).await?;
    let by_scope = known
        .and_then(|known| known.refused)
        .is_some_and(|refusal| refusal.cause == cause::SCOPE);
    let users_open = counts
        .iter()
        .any(|count| count.resource == Resource::Users.as_str() && is_open(count.state));
    let done = counts
        .iter()
        .any(|count| count.resource == Resource::Reports.as_str());
    if !by_scope || users_open || done {
        return Ok(false);
    }
    let mut slices = Vec::new();
    let mut page = PageRequest::first(1000);
    loop {
        let users = app.store().users(scope, backfill.account_id, &page).await?;
        for user in users
            .items
            .iter()
            .filter(|user| user.status.as_deref() == Some("active"))
        {
            slices.extend(spec.windows().into_iter().map(|part| {
                let (from, to) = window::span(part);
                NewSlice {
                    resource: Resource::Reports.as_str().into(),
                    subject: user.external_id.clone(),
                    from: Some(from),
                    to: Some(to),
                }
            }));
        }
        match users.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    if slices.is_empty() {
        return Ok(false);
    }
    let mut tx = app.store().begin(scope).await?;
    pieces::add(&mut tx, backfill, &slices, origin).await?;
    tx.commit().await?;
    Ok(true)
}

/// Asks for the details of the instances that no report told of.
async fn ask_details(
    app: &App,
    scope: Scope,
    backfill: &Backfill,
    spec: &Spec,
    origin: &Origin,
) -> Result<()> {
    for state in [None, Some(ArtefactState::Expected)] {
        let mut sweep = sweep(backfill, *spec, ArtefactKind::Details, state);
        loop {
            let found = app.store().sweep_instances(scope, &sweep).await?;
            let Some(last) = found.last() else { break };
            sweep.after = Some(last.id);
            let mut tx = app.store().begin(scope).await?;
            for instance in &found {
                let payload = InstanceRefresh {
                    account: backfill.account_id,
                    uuid: instance.external_id.clone(),
                    not_before: Timestamp::MIN,
                    backfill: Some(backfill.id),
                };
                let mut follow = origin.follow(instance.number.as_deref());
                follow.priority = priority::BACKFILL_DETAIL;
                follow
                    .enqueue(
                        &mut tx,
                        JobKind::InstanceRefresh,
                        payload.key(),
                        &payload,
                        origin.now,
                    )
                    .await?;
            }
            tx.commit().await?;
        }
    }
    // An instance that only live events told of has no list of people yet.
    let mut unasked = sweep(backfill, *spec, ArtefactKind::Participants, None);
    loop {
        let found = app.store().sweep_instances(scope, &unasked).await?;
        let Some(last) = found.last() else { break };
        unasked.after = Some(last.id);
        let mut tx = app.store().begin(scope).await?;
        for instance in found.iter().filter(|instance| instance.end.is_some()) {
            let payload = ParticipantsFetch {
                account: backfill.account_id,
                uuid: instance.external_id.clone(),
                webinar: instance.kind == MeetingKind::Webinar,
                not_before: origin.now,
                backfill: Some(backfill.id),
            };
            let mut follow = origin.follow(instance.number.as_deref());
            follow.priority = priority::BACKFILL_DETAIL;
            follow
                .enqueue(
                    &mut tx,
                    JobKind::ParticipantsFetch,
                    payload.key(),
                    &payload,
                    origin.now,
                )
                .await?;
        }
        tx.commit().await?;
    }
    note_step(app, scope, backfill, "details", origin.now).await
}

/// Without the list of a host's recordings, each instance is asked for its own, once; whether that was begun now.
async fn ask_recordings(
    app: &App,
    scope: Scope,
    backfill: &Backfill,
    spec: &Spec,
    origin: &Origin,
) -> Result<bool> {
    let refused = gate::refused(app.store(), scope, backfill.account_id).await?;
    let by_scope = |resource| {
        refused
            .iter()
            .any(|(other, refusal)| *other == resource && refusal.cause == cause::SCOPE)
    };
    if !by_scope(Resource::Recordings)
        || by_scope(Resource::Recording)
        || flag(backfill, "recordings")
    {
        return Ok(false);
    }
    for state in [None, Some(ArtefactState::Expected)] {
        let mut sweep = sweep(backfill, *spec, ArtefactKind::Recording, state);
        loop {
            let found = app.store().sweep_instances(scope, &sweep).await?;
            let Some(last) = found.last() else { break };
            sweep.after = Some(last.id);
            let mut tx = app.store().begin(scope).await?;
            for instance in &found {
                let ended = instance.end.or(instance.start).unwrap_or(origin.now);
                let payload =
                    RecordingRefresh::new(backfill.account_id, &instance.external_id, ended, None);
                let mut follow = origin.follow(instance.number.as_deref());
                follow.priority = priority::BACKFILL_DETAIL;
                follow
                    .enqueue(
                        &mut tx,
                        JobKind::RecordingRefresh,
                        payload.key(),
                        &payload,
                        origin.now,
                    )
                    .await?;
            }
            tx.commit().await?;
        }
    }
    note_step(app, scope, backfill, "recordings", origin.now).await?;
    Ok(true)
}

/// Remembers that a step of the end was taken.
async fn note_step(
    app: &App,
    scope: Scope,
    backfill: &Backfill,
    step: &str,
    now: Timestamp,
) -> Result<()> {
    let mut tx = app.store().begin(scope).await?;
    let mut summary = backfill.summary.clone().unwrap_or_else(|| json!({}));
    summary[step] = true.into();
    tx.note_backfill(backfill.id, None, Some(&summary), now)
        .await?;
    tx.commit().await?;
    Ok(())
}

/// Whether jobs of the backfill are open that it has to wait for.
async fn jobs_open(app: &App, backfill: &Backfill, now: Timestamp) -> Result<bool> {
    let open = app.store().open_jobs_of(&backfill.id.to_string()).await?;
    let far = open.next_at.is_none_or(|at| at > later(now, FAR));
    Ok(open.counts.iter().any(|count| {
        let patient = [JobKind::FileFetch, JobKind::RecordingRefresh]
            .iter()
            .any(|kind| count.kind == kind.as_str());
        let waiting = count.state == parfocal_store::JobState::Waiting;
        count.count > 0 && !(patient && waiting && far)
    }))
}

/// Gives each missing thing its reason, and ends the backfill.
async fn conclude(
    app: &App,
    scope: Scope,
    backfill: &Backfill,
    spec: &Spec,
    counts: &[SliceCount],
    origin: &Origin,
) -> Result<Outcome> {
    let recordings = gate::known(
        app.store(),
        scope,
        backfill.account_id,
        Resource::Recordings,
    )
    .await?;
    let refused = recordings
        .and_then(|known| known.refused)
        .filter(|_| !flag(backfill, "recordings"));
    for state in [None, Some(ArtefactState::Expected)] {
        let mut sweep = sweep(backfill, *spec, ArtefactKind::Recording, state);
        loop {
            let found = app.store().sweep_instances(scope, &sweep).await?;
            let Some(last) = found.last() else { break };
            sweep.after = Some(last.id);
            let mut tx = app.store().begin(scope).await?;
            for instance in &found {
                missing_recording(&mut tx, backfill, instance, refused.as_ref(), origin).await?;
            }
            tx.commit().await?;
        }
    }
    let mut summary = backfill.summary.clone().unwrap_or_else(|| json!({}));
    let failed: u64 = counts
        .iter()
        .filter(|count| count.state == SliceState::Failed)
        .map(|count| count.slices)
        .sum();
    summary["failed_pieces"] = failed.into();
    summary["calls"] = counts.iter().map(|count| count.calls).sum::<u64>().into();
    summary["unavailable"] = unavailable(app, scope, backfill).await?;
    let mut tx = app.store().begin(scope).await?;
    tx.note_backfill(backfill.id, None, Some(&summary), origin.now)
        .await?;
    tx.set_backfill_state(backfill.id, BackfillState::Done, origin.now)
        .await?;
    let told = Told::BackfillFinished(BackfillFinished::of(summary));
    tell(&mut tx, origin, backfill.id, told).await?;
    Ok(Outcome::done(tx))
}

async fn missing_recording(
    tx: &mut parfocal_store::Tx,
    backfill: &Backfill,
    instance: &SweptInstance,
    refused: Option<&Refusal>,
    origin: &Origin,
) -> Result<()> {
    let kinds = [
        ArtefactKind::Recording,
        ArtefactKind::Transcript,
        ArtefactKind::Chat,
    ];
    if let Some(refusal) = refused {
        for kind in kinds {
            let detail = Some(refusal.detail.as_str());
            artefacts::unavailable(tx, instance.id, kind, &refusal.cause, detail, origin.now)
                .await?;
        }
        return Ok(());
    }
    let Some(ended) = instance.end.or(instance.start) else {
        return Ok(());
    };
    let deadline = later(ended, PROCESSING);
    if origin.now >= deadline {
        let detail = Some("Zoom lists no cloud recording of it");
        for kind in kinds {
            artefacts::unavailable(
                tx,
                instance.id,
                kind,
                cause::NOT_RECORDED,
                detail,
                origin.now,
            )
            .await?;
        }
        return Ok(());
    }
    // It may still be processed: look again later, whoever does or does not tell.
    artefacts::expect(
        tx,
        instance.id,
        ArtefactKind::Recording,
        Some(deadline),
        origin.now,
    )
    .await?;
    let payload = RecordingRefresh::new(
        backfill.account_id,
        &instance.external_id,
        ended,
        Some(deadline),
    );
    let mut follow = origin.follow(instance.number.as_deref());
    follow.cause = None;
    follow.run_at = later(ended, RecordingRefresh::FIRST_LOOK)
        .max(later(origin.now, RecordingRefresh::FIRST_LOOK));
    follow
        .enqueue(
            tx,
            JobKind::RecordingRefresh,
            payload.key(),
            &payload,
            origin.now,
        )
        .await?;
    Ok(())
}

/// The resources that the account does not give, with their reasons.
pub(crate) async fn unavailable(app: &App, scope: Scope, backfill: &Backfill) -> Result<Value> {
    let refused = gate::refused(app.store(), scope, backfill.account_id).await?;
    let list = refused
        .into_iter()
        .map(|(resource, refusal)| json!({"what": resource.as_str(), "cause": refusal.cause, "detail": refusal.detail}))
        .collect();
    Ok(Value::Array(list))
}

fn sweep(
    backfill: &Backfill,
    spec: Spec,
    kind: ArtefactKind,
    state: Option<ArtefactState>,
) -> Sweep {
    Sweep {
        account: backfill.account_id,
        kind,
        state,
        cause: None,
        from: Some(window::start_of(spec.since)),
        before: spec.until.tomorrow().ok().map(window::start_of),
        after: None,
        limit: BATCH,
    }
}

fn is_open(state: SliceState) -> bool {
    matches!(state, SliceState::Pending | SliceState::Running)
}

fn flag(backfill: &Backfill, name: &str) -> bool {
    backfill
        .summary
        .as_ref()
        .and_then(|summary| summary.get(name))
        .and_then(Value::as_bool)
        .unwrap_or(false)
}
