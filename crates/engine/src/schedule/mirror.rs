//! The provider's own list of occurrences, mirrored: what it has is what stands, not what the rule would give.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use parfocal_formats::recurrence::Start;
use parfocal_store::ScheduleOccurrence;

use super::spec::{MOST_OCCURRENCES, Spec};
use crate::calendar::{OverrideChange, When};
use crate::error::{EngineError, Result};
use crate::provider::{MeetingChange, MeetingProvider, OccurrenceState, ProviderOccurrence};

/// The starts that the rule gives, exceptions included, with their instants.
fn of_rule(spec: &Spec) -> Result<BTreeMap<DateTime, Timestamp>> {
    let Some(recurrence) = &spec.recurrence else {
        return Ok(BTreeMap::new());
    };
    let invalid =
        |error: parfocal_formats::recurrence::SeriesError| EngineError::invalid(error.to_string());
    let start = Start::in_zone(spec.start, &spec.zone).map_err(invalid)?;
    let mut whole = recurrence.clone();
    whole.excluded.clear();
    let series = whole.series(start).map_err(invalid)?;
    Ok(series
        .instances()
        .take(MOST_OCCURRENCES)
        .filter_map(|one| Some((one.local, one.at?)))
        .collect())
}

/// Where an occurrence was moved to by a spec.
fn place(spec: &Spec, original: DateTime) -> Option<&When> {
    spec.overrides
        .iter()
        .find(|one| one.original == original)
        .and_then(|one| match &one.change {
            OverrideChange::Moved { when, .. } => Some(when),
            OverrideChange::Cancelled => None,
        })
}

/// When an occurrence was moved to by a spec.
fn moved(spec: &Spec, original: DateTime) -> Option<Timestamp> {
    Some(place(spec, original)?.span()?.from)
}

/// The change that brings an occurrence to where a spec has moved it; none when it is there.
fn due(spec: &Spec, original: DateTime, one: &ProviderOccurrence) -> Option<MeetingChange> {
    let When::Timed {
        start,
        zone,
        minutes,
    } = place(spec, original)?
    else {
        return None;
    };
    let there = moved(spec, original) == Some(one.start) && one.minutes == *minutes;
    (!there && one.state == OccurrenceState::Available).then(|| MeetingChange {
        start: Some(*start),
        zone: Some(zone.clone()),
        minutes: Some(*minutes),
        host: spec.host.clone(),
        ..MeetingChange::default()
    })
}

fn is_off(spec: &Spec, original: DateTime) -> bool {
    let excluded = spec
        .recurrence
        .as_ref()
        .is_some_and(|one| one.excluded.contains(&original));
    excluded
        || spec
            .overrides
            .iter()
            .any(|one| one.original == original && one.change == OverrideChange::Cancelled)
}

/// The provider's id of an occurrence that takes place there: as it was mirrored, at its own start, or where it was moved to.
pub(super) fn remote_of(
    there: &[ProviderOccurrence],
    spec: &Spec,
    original: DateTime,
    rows: &[ScheduleOccurrence],
) -> Option<String> {
    let available = || {
        there
            .iter()
            .filter(|one| one.state == OccurrenceState::Available)
    };
    let row = rows.iter().find(|row| row.original == original.to_string());
    let at = Start::in_zone(spec.start, &spec.zone)
        .ok()
        .and_then(|start| start.instant(original));
    let by_id = row
        .and_then(|row| row.remote_id.as_deref())
        .and_then(|id| available().find(|one| one.id == id));
    by_id
        .or_else(|| {
            let target = moved(spec, original)?;
            available().find(|one| one.start == target)
        })
        .or_else(|| available().find(|one| row.is_some_and(|row| row.start_at == one.start)))
        .or_else(|| available().find(|one| Some(one.start) == at))
        .map(|one| one.id.clone())
}

/// Cancels at the provider what is called off, moves what was moved, and gives the occurrences as it has them. What it lacks of the rule, and what it
/// has beside it, becomes part of the spec.
pub(super) async fn align(
    provider: &dyn MeetingProvider,
    id: &str,
    spec: &mut Spec,
    rows: &[ScheduleOccurrence],
) -> Result<Vec<ScheduleOccurrence>> {
    if spec.recurrence.is_none() || spec.open || !provider.capabilities().single_occurrences {
        return Ok(Vec::new());
    }
    let rule = of_rule(spec)?;
    let mut there = provider.occurrences(id).await?;
    let mut out = Vec::new();
    let mut lacking = Vec::new();
    let last = there.iter().map(|one| one.start).max();
    for (original, at) in &rule {
        let found = remote_of(&there, spec, *original, rows)
            .and_then(|id| there.iter().position(|one| one.id == id))
            .or_else(|| there.iter().position(|one| one.start == *at));
        let Some(place) = found else {
            // A list may be cut at its end, so that only what lies within it is missing for certain.
            if last.is_some_and(|last| *at < last) && !is_off(spec, *original) {
                lacking.push(*original);
            }
            continue;
        };
        let mut one = there.remove(place);
        if is_off(spec, *original) && one.state == OccurrenceState::Available {
            provider.delete(id, Some(&one.id)).await?;
            one.state = OccurrenceState::Deleted;
        }
        // A change of the whole series puts its occurrences back to the rule.
        if let Some(change) = due(spec, *original, &one) {
            provider.update(id, Some(&one.id), &change).await?;
            let wanted = moved(spec, *original);
            let again = provider.occurrences(id).await?;
            if let Some(now) = again.into_iter().find(|now| Some(now.start) == wanted) {
                one = now;
            }
        }
        if one.state == OccurrenceState::Deleted && !is_off(spec, *original) {
            lacking.push(*original);
        }
        out.push(ScheduleOccurrence {
            original: original.to_string(),
            remote_id: Some(one.id),
            start_at: one.start,
            minutes: i64::from(one.minutes),
            state: match one.state {
                OccurrenceState::Available => "available",
                OccurrenceState::Deleted => "deleted",
            }
            .to_owned(),
        });
    }
    let zone = TimeZone::get(&spec.zone).unwrap_or(TimeZone::UTC);
    let beside: Vec<DateTime> = there
        .iter()
        .filter(|one| one.state == OccurrenceState::Available)
        .map(|one| one.start.to_zoned(zone.clone()).datetime())
        .collect();
    if let Some(recurrence) = &mut spec.recurrence {
        recurrence.excluded.extend(lacking);
        recurrence.added.extend(beside);
    }
    Ok(out)
}
