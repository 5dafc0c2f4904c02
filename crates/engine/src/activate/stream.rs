//! What a destination reads: events as they happen, what is kept from before, what was sent already.
//!
//! A piece is read, the destination is asked what it is to have of it, and what is to be there is written together with the place up
//! to which was read. So nothing is missed and nothing doubled, whenever the process ends.

use std::collections::BTreeMap;

use jiff::Timestamp;
use parfocal_store::{
    DestinationRow, DomainEvent, Lease, NewDelivery, Queued, Scope, StreamKind, StreamRow,
    StreamState, Tx,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::{Again, LanedEvent, Planned, Takes};
use super::{Destination, content_hash};
use crate::App;
use crate::error::{EngineError, Result};

/// Events read at once.
const PIECE: u32 = 200;

/// What a backfill or a replay was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(super) struct StreamSpec {
    /// Only what happened from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// Only these kinds of thing: types of event (`meeting.*`), or kinds of moment. Empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
}

impl StreamSpec {
    /// Whether something of this kind and time is meant.
    pub(super) fn wants(&self, kind: &str, at: Timestamp) -> bool {
        self.since.is_none_or(|since| at >= since)
            && (self.only.is_empty()
                || self.only.iter().any(|only| match only.strip_suffix('*') {
                    Some(beginning) => kind.starts_with(beginning),
                    None => only == kind,
                }))
    }

    pub(super) fn read(stream: &StreamRow) -> Result<Self> {
        serde_json::from_value(stream.spec.clone()).map_err(|error| {
            EngineError::invalid(format!("what stream {} is to read: {error}", stream.id))
        })
    }
}

/// Reads on in every stream of a destination; whether there may be more.
pub(super) async fn advance(
    app: &App,
    scope: Scope,
    row: &DestinationRow,
    destination: &dyn Destination,
    lease: &mut Lease,
) -> Result<bool> {
    let mut more = false;
    for stream in app.store().streams(scope, row.id).await? {
        if stream.state != StreamState::Running {
            continue;
        }
        more |= match destination.takes() {
            Takes::Events => events(app, scope, row, destination, &stream, lease).await?,
            Takes::People => {
                super::people::advance(app, scope, row, destination, &stream, lease).await?
            }
        };
    }
    Ok(more)
}

/// Reads the next piece of the events.
async fn events(
    app: &App,
    scope: Scope,
    row: &DestinationRow,
    destination: &dyn Destination,
    stream: &StreamRow,
    lease: &Lease,
) -> Result<bool> {
    let spec = StreamSpec::read(stream)?;
    let after = position(stream)?;
    let found = app.store().events_after(scope, after, PIECE).await?;
    let now = app.clock().now();
    let Some(last) = found.last().map(|event| event.seq) else {
        if stream.kind != StreamKind::Live {
            finish(app, scope, stream, lease, now).await?;
        }
        return Ok(false);
    };
    let full = found.len() == PIECE as usize;
    let lanes = lanes(app, scope, &found).await?;
    let mut planned = Vec::new();
    for event in found
        .iter()
        .filter(|event| spec.wants(&event.event_type, event.at))
    {
        let laned = LanedEvent {
            lane: lanes
                .get(&event.subject_id)
                .cloned()
                .unwrap_or_else(|| event.subject_id.clone()),
            event: event.clone(),
        };
        if let Some(plan) = destination.plan_event(&laned) {
            planned.push((plan, event.subject_id.clone()));
        }
    }
    let Some(mut tx) = begin(app, scope, stream, lease, now).await? else {
        return Ok(true);
    };
    let mut queued = 0;
    for (plan, subject) in planned {
        let replay = stream.kind == StreamKind::Replay;
        let new = delivery(plan, None, Some(subject), stream.kind != StreamKind::Live);
        let done = tx.queue_delivery(row.id, &new, now).await?;
        if done == Queued::Known && replay {
            queued += u64::from(tx.retry_delivery_of(row.id, &new.record_key, now).await?);
        }
        queued += u64::from(done != Queued::Known);
    }
    let ended = !full && stream.kind != StreamKind::Live;
    tx.move_stream(
        stream.id,
        &last.to_string(),
        found.len() as u64,
        queued,
        ended,
        now,
    )
    .await?;
    tx.commit().await?;
    Ok(full)
}

/// A transaction that moves a stream, unless somebody else has moved or stopped it meanwhile.
pub(super) async fn begin(
    app: &App,
    scope: Scope,
    stream: &StreamRow,
    lease: &Lease,
    now: Timestamp,
) -> Result<Option<Tx>> {
    let mut tx = app.store().begin(scope).await?;
    tx.check_lease(lease, now).await?;
    let same = tx.stream(stream.id).await?.is_some_and(|found| {
        found.position == stream.position && found.state == StreamState::Running
    });
    if same {
        return Ok(Some(tx));
    }
    tx.rollback().await?;
    Ok(None)
}

pub(super) async fn finish(
    app: &App,
    scope: Scope,
    stream: &StreamRow,
    lease: &Lease,
    now: Timestamp,
) -> Result<()> {
    if let Some(mut tx) = begin(app, scope, stream, lease, now).await? {
        tx.move_stream(stream.id, &stream.position, 0, 0, true, now)
            .await?;
        tx.commit().await?;
    }
    Ok(())
}

/// What is planned, as it is queued.
pub(super) fn delivery(
    plan: Planned,
    person: Option<parfocal_store::PersonId>,
    subject: Option<String>,
    backfill: bool,
) -> NewDelivery {
    NewDelivery {
        content_hash: content_hash(&plan.body),
        record_key: plan.key,
        kind: plan.kind.to_owned(),
        lane: plan.lane,
        rank: i64::from(plan.rank),
        ord: plan.ord,
        person,
        subject,
        body: plan.body,
        rule: plan
            .rule
            .map(|rule| serde_json::json!({"name": rule.name, "line": rule.line})),
        again: plan.again == Again::WhenChanged,
        backfill,
    }
}

/// The number of the event up to which a stream has read.
pub(super) fn position(stream: &StreamRow) -> Result<i64> {
    stream.position.parse().map_err(|_| {
        EngineError::invalid(format!(
            "stream {} stands at {:?}, which is no number of an event",
            stream.id, stream.position
        ))
    })
}

/// The meetings whose order events keep, by what they are about.
async fn lanes(
    app: &App,
    scope: Scope,
    events: &[DomainEvent],
) -> Result<BTreeMap<String, String>> {
    let mut lanes = BTreeMap::new();
    for event in events {
        if !lanes.contains_key(&event.subject_id)
            && let Some(lane) = app.store().lane_of(scope, &event.subject_id).await?
        {
            lanes.insert(event.subject_id.clone(), lane);
        }
    }
    Ok(lanes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_reads_what_was_asked_for() {
        let spec = StreamSpec {
            since: Some(Timestamp::UNIX_EPOCH),
            only: vec!["meeting.*".into(), "attended".into()],
        };
        let later = Timestamp::from_second(1).unwrap();
        assert!(spec.wants("meeting.ended", later) && spec.wants("attended", later));
        assert!(!spec.wants("attended_twice", later));
        assert!(!spec.wants("attended", Timestamp::from_second(-1).unwrap()));
        assert!(StreamSpec::default().wants("anything", later));
    }
}
