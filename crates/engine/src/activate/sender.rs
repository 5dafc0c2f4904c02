//! Sends what is due to one destination, and writes down what came back.
//!
//! The policy, which the documentation states:
//! - No answer, 5xx and the like are said of the destination: it is left alone for a pause that grows from 5 seconds to an hour,
//!   or as long as it asks, and then tried with one delivery. After [`PATIENCE`] without any arrival it stops, and what is to be
//!   sent stays; once a person switches it on again everything goes on.
//! - While others arrive, what does not is tried by itself, for [`PATIENCE`] since its first failure.
//! - What the destination refuses is tried [`MOST_REFUSALS`] times, over about seven hours. Then it is a person's.

use std::collections::HashMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{
    DeliveryEnd, DeliveryId, DeliveryRow, DeliveryState, DestinationHealth, DestinationRow,
    DestinationState, Lease, Scope,
};
use serde_json::{Value, json};
use tokio::sync::mpsc::unbounded_channel;

use super::Destination;
use super::model::{Delivery, Gone, Outcome, Reports, Rule, Said};
use super::rights::ERASE;
use crate::App;
use crate::clock::{later, span};
use crate::error::Result;

/// How long a destination that takes nothing, or a delivery that alone does not arrive, is tried.
pub(super) const PATIENCE: Duration = Duration::from_hours(5 * 24);
/// How often a record is sent that the destination refuses.
pub(super) const MOST_REFUSALS: i64 = 5;
/// How long a role is held without being renewed.
pub(super) const LEASE: Duration = Duration::from_secs(20);
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(5);
/// It is renewed once less than this is left.
const LEAST_LEFT: Duration = Duration::from_secs(15);
/// Pauses of a destination that does not answer; the last stays.
const PAUSES: [u64; 7] = [5, 15, 60, 300, 900, 1_800, 3_600];
/// Pauses of a record that is refused.
const REFUSAL_PAUSES: [u64; 4] = [60, 600, 3_600, 6 * 3_600];
/// Reports written in one transaction.
const TOGETHER: usize = 50;

/// What came of a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Round {
    /// Something was sent; there may be more.
    Sent,
    /// Nothing is due.
    Idle,
    /// The destination was stopped.
    Stopped,
}

/// What a batch showed of the destination itself.
#[derive(Debug, Default)]
struct Weather {
    arrived: bool,
    answered: bool,
    failed: Option<(Option<SignedDuration>, String)>,
    halted: Option<(String, String)>,
}

/// Sends what is due, once.
pub(super) async fn round(
    app: &App,
    scope: Scope,
    row: &DestinationRow,
    destination: &dyn Destination,
    lease: &mut Lease,
) -> Result<Round> {
    let now = app.clock().now();
    if row.retry_at.is_some_and(|at| at > now) {
        return Ok(Round::Idle);
    }
    // One is enough to see whether it answers again.
    let limit = if row.state == DestinationState::Failing {
        1
    } else {
        destination.batch().max(1)
    };
    let mut tx = app.store().begin(scope).await?;
    tx.check_lease(lease, now).await?;
    let taken = tx.take_deliveries(row.id, limit, now).await?;
    if taken.is_empty() {
        tx.rollback().await?;
        return Ok(Round::Idle);
    }
    tx.commit().await?;
    let mut open: HashMap<DeliveryId, DeliveryRow> =
        taken.iter().map(|row| (row.id, row.clone())).collect();
    let (erasures, batch): (Vec<Delivery>, Vec<Delivery>) = taken
        .into_iter()
        .map(handed)
        .partition(|delivery| delivery.kind == ERASE);
    let (to, mut from) = unbounded_channel();
    let delivering = deliver(destination, erasures, batch, Reports { to });
    tokio::pin!(delivering);
    let mut weather = Weather::default();
    let mut under_way = true;
    while under_way || !from.is_empty() {
        let mut told = Vec::new();
        tokio::select! {
            () = &mut delivering, if under_way => under_way = false,
            Some(report) = from.recv() => told.push(report),
            () = app.clock().sleep(RENEW), if under_way => {}
        }
        while told.len() < TOGETHER
            && let Ok(report) = from.try_recv()
        {
            told.push(report);
        }
        hold_on(app, lease).await?;
        record(app, scope, row, lease, &mut open, told, &mut weather).await?;
    }
    // A destination that says nothing of one has not delivered it.
    let silent: Vec<_> = open
        .keys()
        .map(|id| {
            let said = Said::text("the destination said nothing of it");
            (*id, Outcome::Retry { after: None, said })
        })
        .collect();
    record(app, scope, row, lease, &mut open, silent, &mut weather).await?;
    health(app, scope, row, lease, &weather).await
}

/// Renews a role once not much is left of it; whoever works for long asks this now and then.
pub(super) async fn hold_on(app: &App, lease: &mut Lease) -> Result<()> {
    let now = app.clock().now();
    if span(now, lease.until) < LEAST_LEFT {
        *lease = app
            .store()
            .renew_lease(lease, now, later(now, LEASE))
            .await?;
    }
    Ok(())
}

/// Takes people away one by one, and sends the rest.
async fn deliver(
    destination: &dyn Destination,
    erasures: Vec<Delivery>,
    batch: Vec<Delivery>,
    reports: Reports,
) {
    for delivery in erasures {
        let outcome = match serde_json::from_value::<Gone>(delivery.body) {
            Ok(gone) => destination.erase(&gone).await,
            Err(error) => Outcome::Mend {
                field: None,
                rule: None,
                said: Said::text(&error.to_string()),
                advice: "Take the person away at the destination by hand, then drop this delivery."
                    .into(),
            },
        };
        reports.tell(delivery.id, outcome);
    }
    if !batch.is_empty() {
        destination.deliver(batch, reports).await;
    }
}

fn handed(row: DeliveryRow) -> Delivery {
    Delivery {
        id: row.id,
        key: row.record_key,
        kind: row.kind,
        body: row.body,
        person: row.person_id,
        attempt: u32::try_from(row.attempts).unwrap_or(u32::MAX),
        uncertain: row.state == DeliveryState::Sending,
        remote_id: row.remote_id,
        progress: row.progress,
        backfill: row.backfill,
        created_at: row.created_at,
        rule: row.rule.and_then(|rule| serde_json::from_value(rule).ok()),
    }
}

async fn record(
    app: &App,
    scope: Scope,
    row: &DestinationRow,
    lease: &Lease,
    open: &mut HashMap<DeliveryId, DeliveryRow>,
    told: Vec<(DeliveryId, Outcome)>,
    weather: &mut Weather,
) -> Result<()> {
    if told.is_empty() {
        return Ok(());
    }
    let now = app.clock().now();
    let mut tx = app.store().begin(scope).await?;
    tx.check_lease(lease, now).await?;
    for (id, outcome) in told {
        let Some(delivery) = open.remove(&id) else {
            tracing::warn!(destination = %row.name, %id, "an outcome of something that was not asked for");
            continue;
        };
        weather.see(&outcome);
        let end = end(app, row, &delivery, outcome, now);
        tx.end_delivery(id, &end, now).await?;
    }
    Ok(tx.commit().await?)
}

impl Weather {
    fn see(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Done { .. } | Outcome::Taken { .. } => {
                self.arrived = true;
                self.answered = true;
            }
            Outcome::Refused { .. } | Outcome::Mend { .. } | Outcome::Drop { .. } => {
                self.answered = true;
            }
            Outcome::Retry { after, said } => {
                self.failed = Some((*after, words(said)));
            }
            Outcome::Halt { reason, advice, .. } => {
                self.halted = Some((reason.clone(), advice.clone()));
            }
        }
    }
}

/// What a try's outcome makes of the delivery.
fn end(
    app: &App,
    row: &DestinationRow,
    delivery: &DeliveryRow,
    outcome: Outcome,
    now: Timestamp,
) -> DeliveryEnd {
    let jitter = 0.75 + 0.5 * app.chance().fraction();
    let bare = DeliveryEnd {
        state: DeliveryState::Pending,
        sent_hash: None,
        next_at: now,
        counts: true,
        progress: None,
        remote_id: None,
        said: Value::Null,
        reason: None,
        advice: None,
        outcome: "retry",
    };
    match outcome {
        Outcome::Done { remote_id, said } => DeliveryEnd {
            state: DeliveryState::Done,
            sent_hash: Some(delivery.content_hash.clone()),
            remote_id,
            said: json!(said),
            outcome: "done",
            ..bare
        },
        Outcome::Taken {
            progress,
            look_at,
            said,
        } => DeliveryEnd {
            state: DeliveryState::Waiting,
            next_at: look_at,
            counts: false,
            progress: Some(progress),
            said: json!(said),
            outcome: "taken",
            ..bare
        },
        Outcome::Retry { after, said } => {
            let since = delivery.first_failed.unwrap_or(now);
            // While nothing arrives at all, nothing is said of this one.
            let late = row.state != DestinationState::Failing && span(since, now) > PATIENCE;
            DeliveryEnd {
                state: if late {
                    DeliveryState::Dead
                } else {
                    DeliveryState::Pending
                },
                next_at: later(now, pause(&PAUSES, delivery.attempts, after, jitter)),
                progress: delivery.progress.clone(),
                reason: late.then(|| {
                    format!(
                        "it did not arrive for {} days: {}",
                        PATIENCE.as_secs() / 86_400,
                        words(&said)
                    )
                }),
                advice: late.then(|| {
                    "Look why the destination does not take it, then retry it.".to_owned()
                }),
                said: json!(said),
                ..bare
            }
        }
        Outcome::Refused { said, advice } => {
            let last = delivery.attempts >= MOST_REFUSALS;
            DeliveryEnd {
                state: if last {
                    DeliveryState::Dead
                } else {
                    DeliveryState::Pending
                },
                next_at: later(now, pause(&REFUSAL_PAUSES, delivery.attempts, None, jitter)),
                reason: Some(format!("the destination refuses it: {}", words(&said))),
                advice: Some(advice),
                said: json!(said),
                outcome: "refused",
                ..bare
            }
        }
        Outcome::Mend {
            field,
            rule,
            said,
            advice,
        } => DeliveryEnd {
            state: DeliveryState::Dead,
            reason: Some(mending(field.as_deref(), rule.as_ref(), &words(&said))),
            advice: Some(advice),
            said: json!(said),
            outcome: "mend",
            ..bare
        },
        Outcome::Drop { reason, said } => DeliveryEnd {
            state: DeliveryState::Dropped,
            reason: Some(reason),
            said: json!(said),
            outcome: "drop",
            ..bare
        },
        Outcome::Halt { said, reason, .. } => DeliveryEnd {
            counts: false,
            reason: Some(reason),
            said: json!(said),
            outcome: "halt",
            ..bare
        },
    }
}

fn mending(field: Option<&str>, rule: Option<&Rule>, words: &str) -> String {
    let field = field.map(|field| format!("{field}: ")).unwrap_or_default();
    let rule = rule
        .map(|rule| match rule.line {
            Some(line) => format!(" (mapping line {line}, {})", rule.name),
            None => format!(" (mapping {})", rule.name),
        })
        .unwrap_or_default();
    format!("{field}{words}{rule}")
}

/// What came back, in one line.
fn words(said: &Said) -> String {
    let text = if said.text.is_empty() {
        "no words"
    } else {
        &said.text
    };
    match said.status {
        Some(status) => format!("HTTP {status}, {text}"),
        None => text.to_owned(),
    }
}

/// The pause after a failure, from 1; at least as long as was asked for.
fn pause(pauses: &[u64], failures: i64, after: Option<SignedDuration>, jitter: f64) -> Duration {
    let at = usize::try_from(failures.max(1) - 1).unwrap_or(usize::MAX);
    let own = pauses.get(at).or(pauses.last()).copied().unwrap_or(60);
    let own = Duration::from_secs(own).mul_f64(jitter);
    after
        .and_then(|after| Duration::try_from(after).ok())
        .map_or(own, |after| own.max(after))
}

/// Writes how the destination does after a batch.
async fn health(
    app: &App,
    scope: Scope,
    row: &DestinationRow,
    lease: &Lease,
    weather: &Weather,
) -> Result<Round> {
    let now = app.clock().now();
    let working = DestinationHealth {
        state: DestinationState::Working,
        reason: None,
        advice: None,
        failing_since: None,
        failures: 0,
        retry_at: None,
        last_ok: weather.arrived.then_some(now),
    };
    let health = if let Some((reason, advice)) = &weather.halted {
        stopped(reason.clone(), advice.clone(), row)
    } else if let Some((after, said)) = &weather.failed
        && !weather.answered
    {
        let since = row.failing_since.unwrap_or(now);
        let failures = row.failures + 1;
        if span(since, now) > PATIENCE {
            let days = PATIENCE.as_secs() / 86_400;
            stopped(
                format!("it took nothing for {days} days: {said}"),
                "Mend the receiver and switch the destination on again: everything that waits is then sent.".into(),
                row,
            )
        } else {
            let jitter = 0.75 + 0.5 * app.chance().fraction();
            DestinationHealth {
                state: DestinationState::Failing,
                reason: Some(said.clone()),
                advice: Some("It is tried again by itself.".into()),
                failing_since: Some(since),
                failures,
                retry_at: Some(later(now, pause(&PAUSES, failures, *after, jitter))),
                last_ok: None,
            }
        }
    } else if let Some((Some(after), _)) = &weather.failed {
        // It takes things, and said when it wants more.
        DestinationHealth {
            retry_at: now.checked_add(*after).ok(),
            ..working
        }
    } else {
        working
    };
    let halted = health.state == DestinationState::Stopped;
    let mut tx = app.store().begin(scope).await?;
    tx.check_lease(lease, now).await?;
    tx.set_destination_health(row.id, &health).await?;
    if row.state == DestinationState::Failing && health.state == DestinationState::Working {
        // What failed with the destination need not wait for its own time.
        tx.hurry_deliveries(row.id, now).await?;
    }
    if health.state == DestinationState::Stopped {
        let name = &row.name;
        tracing::warn!(destination = %name, reason = health.reason.as_deref(), "a destination was stopped");
    }
    tx.commit().await?;
    Ok(if halted { Round::Stopped } else { Round::Sent })
}

fn stopped(reason: String, advice: String, row: &DestinationRow) -> DestinationHealth {
    DestinationHealth {
        state: DestinationState::Stopped,
        reason: Some(reason),
        advice: Some(advice),
        failing_since: row.failing_since,
        failures: row.failures + 1,
        retry_at: None,
        last_ok: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_asked_ones_are_kept() {
        let seconds = |failures, after: Option<i64>| {
            pause(&PAUSES, failures, after.map(SignedDuration::from_secs), 1.0).as_secs()
        };
        assert_eq!(
            [seconds(1, None), seconds(4, None), seconds(99, None)],
            [5, 300, 3_600]
        );
        assert_eq!(seconds(1, Some(120)), 120);
        assert_eq!(seconds(7, Some(120)), 3_600);
        // Refusals are tried over some seven hours.
        let all: u64 = (1..MOST_REFUSALS)
            .map(|n| pause(&REFUSAL_PAUSES, n, None, 1.0).as_secs())
            .sum();
        assert!((6 * 3_600..9 * 3_600).contains(&all), "{all}");
    }

    #[test]
    fn what_is_to_be_mended_names_its_place() {
        let rule = Rule {
            name: "attributes.MINUTES".into(),
            line: Some(12),
        };
        assert_eq!(
            mending(Some("MINUTES"), Some(&rule), "HTTP 400, not a number"),
            "MINUTES: HTTP 400, not a number (mapping line 12, attributes.MINUTES)"
        );
    }
}
