//! What destinations of people read.

use std::collections::BTreeSet;

use parfocal_store::{
    DeliveryState, DestinationRow, Lease, NewDelivery, PersonId, Queued, Scope, StreamKind,
    StreamRow,
};

use super::model::Plan;
use super::rights::ERASE;
use super::stream::{self, StreamSpec};
use super::{Destination, facts, sender};
use crate::App;
use crate::error::Result;

/// Events read at once.
const EVENTS: u32 = 50;
/// Runs or meetings walked through at once.
const STEPS: u32 = 10;
/// People written in one transaction.
const PEOPLE: usize = 100;

/// Reads the next piece of a stream, by person; whether there may be more.
pub(super) async fn advance(
    app: &App,
    scope: Scope,
    row: &DestinationRow,
    destination: &dyn Destination,
    stream: &StreamRow,
    lease: &mut Lease,
) -> Result<bool> {
    let spec = StreamSpec::read(stream)?;
    let Some(piece) = piece(app, scope, stream, &spec).await? else {
        if stream.kind != StreamKind::Live {
            stream::finish(app, scope, stream, lease, app.clock().now()).await?;
        }
        return Ok(false);
    };
    let people = resolve(app, scope, lease, &piece.subjects).await?;
    let mut queued = 0;
    let people: Vec<PersonId> = people.into_iter().collect();
    for some in people.chunks(PEOPLE) {
        let (mut planned, mut unwanted) = (Vec::new(), Vec::new());
        for person in some {
            if let Some(file) = facts::file(app, scope, *person).await? {
                let plan = destination.plan_person(&file);
                unwanted.extend(no_longer(app, scope, row, &plan, *person).await?);
                planned.extend(wanted(row, stream, &spec, plan, *person));
            }
        }
        // A webinar's people are many: to read them takes longer than the role is held.
        sender::hold_on(app, lease).await?;
        let now = app.clock().now();
        let mut tx = app.store().begin(scope).await?;
        tx.check_lease(lease, now).await?;
        for key in unwanted {
            let why = "what is known by now speaks against it";
            tx.unqueue_delivery(row.id, &key, why, now).await?;
        }
        for new in planned {
            let done = tx.queue_delivery(row.id, &new, now).await?;
            queued += u64::from(done != Queued::Known);
        }
        tx.commit().await?;
    }
    let now = app.clock().now();
    let Some(mut tx) = stream::begin(app, scope, stream, lease, now).await? else {
        return Ok(true);
    };
    let seen = u64::try_from(people.len()).unwrap_or(0);
    tx.move_stream(stream.id, &piece.position, seen, queued, false, now)
        .await?;
    tx.commit().await?;
    Ok(true)
}

/// What a destination is to have of a person now, through a stream.
fn wanted(
    row: &DestinationRow,
    stream: &StreamRow,
    spec: &StreamSpec,
    plan: Plan,
    person: PersonId,
) -> Vec<NewDelivery> {
    let backfill = stream.kind != StreamKind::Live;
    let from = if backfill {
        spec.since
    } else {
        Some(row.from_at)
    };
    plan.send
        .into_iter()
        .filter(|plan| {
            let young = plan.at.is_none_or(|at| from.is_none_or(|from| at >= from));
            young && (spec.only.is_empty() || spec.only.iter().any(|only| only == plan.kind))
        })
        .map(|plan| stream::delivery(plan, Some(person), None, backfill))
        .collect()
}

/// Keys of what waits to be sent and is no longer to be there, such as the absence of somebody who turned out to have come.
async fn no_longer(
    app: &App,
    scope: Scope,
    row: &DestinationRow,
    plan: &Plan,
    person: PersonId,
) -> Result<Vec<String>> {
    let keys: BTreeSet<&str> = plan.send.iter().map(|one| one.key.as_str()).collect();
    let known = app.store().deliveries_of_person(scope, person).await?;
    Ok(known
        .into_iter()
        .filter(|one| {
            one.destination_id == row.id
                && one.kind != ERASE
                && matches!(one.state, DeliveryState::Pending | DeliveryState::Dead)
                && !keys.contains(one.record_key.as_str())
        })
        .map(|one| one.record_key)
        .collect())
}

/// A piece of a stream: what it is about, and where it ends.
struct Piece {
    subjects: Vec<String>,
    position: String,
}

async fn piece(
    app: &App,
    scope: Scope,
    stream: &StreamRow,
    spec: &StreamSpec,
) -> Result<Option<Piece>> {
    let store = app.store();
    if stream.kind == StreamKind::Live {
        let events = store
            .events_after(scope, stream::position(stream)?, EVENTS)
            .await?;
        return Ok(events.last().map(|event| event.seq).map(|last| Piece {
            subjects: events.into_iter().map(|event| event.subject_id).collect(),
            position: last.to_string(),
        }));
    }
    let place = stream.position.as_str();
    if !place.starts_with("m:") {
        let after = place.strip_prefix("i:").unwrap_or("");
        let runs = store
            .walk_instances(scope, after, spec.since, STEPS)
            .await?;
        if let Some(last) = runs.last() {
            let position = format!("i:{last}");
            return Ok(Some(Piece {
                subjects: runs,
                position,
            }));
        }
    }
    let after = place.strip_prefix("m:").unwrap_or("");
    let meetings = store.walk_registered(scope, after, STEPS).await?;
    Ok(meetings.last().cloned().map(|last| Piece {
        subjects: meetings,
        position: format!("m:{last}"),
    }))
}

/// The people whom these things are about; who is new is known afterwards, and who turned out to be one is one.
async fn resolve(
    app: &App,
    scope: Scope,
    lease: &mut Lease,
    subjects: &[String],
) -> Result<BTreeSet<PersonId>> {
    let mut claims = Vec::new();
    let distinct: BTreeSet<&String> = subjects.iter().collect();
    let mut people = BTreeSet::new();
    for subject in distinct {
        // What a person said, or that they are two, is told of the person itself.
        if let Ok(person) = subject.parse::<PersonId>()
            && app.store().person(scope, person).await?.is_some()
        {
            people.insert(person);
        } else {
            claims.extend(app.store().claims_about(scope, subject).await?);
        }
    }
    for some in claims.chunks(PEOPLE * 2) {
        sender::hold_on(app, lease).await?;
        let now = app.clock().now();
        let mut tx = app.store().begin(scope).await?;
        tx.check_lease(lease, now).await?;
        for claim in some {
            people.extend(tx.person_of(claim, now).await?);
        }
        tx.commit().await?;
    }
    // Somebody who was merged away afterwards is there under the other name as well.
    let mut living = BTreeSet::new();
    for person in people {
        let row = app.store().person(scope, person).await?;
        living.insert(row.and_then(|row| row.merged_into).unwrap_or(person));
    }
    Ok(living)
}
