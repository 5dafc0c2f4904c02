//! The least number of calls that tells what can be known: the plan of an ideal client, step by step.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value, json};

use super::Means;
use super::facts::{Facts, Known};
use crate::limits::rates::Rates;
use crate::rest::table::{self, Label};
use crate::world::World;
use crate::world::model::UserStatus;

const PAGE: usize = 300;

fn pages(rows: usize) -> u64 {
    u64::try_from(rows.div_ceil(PAGE).max(1)).unwrap_or(u64::MAX)
}

fn start_of(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC)
        .map_or(Timestamp::MIN, |zoned| zoned.timestamp())
}

/// Windows of 30 days from the first day on; the last one may be shorter.
fn windows(since: Date, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let today = now.to_zoned(TimeZone::UTC).date();
    let mut out = Vec::new();
    let mut first = since;
    while first <= today {
        let Ok(next) = first.checked_add(30.days()) else {
            break;
        };
        out.push((start_of(first), start_of(next)));
        first = next;
    }
    out
}

struct Tally<'a> {
    means: &'a Means,
    by_endpoint: BTreeMap<&'static str, u64>,
}

impl Tally<'_> {
    /// Notes calls, if the token opens the endpoint.
    fn add(&mut self, key: &'static str, calls: u64) {
        if calls > 0 && self.means.opens(key) {
            *self.by_endpoint.entry(key).or_default() += calls;
        }
    }
}

/// The least calls, by label and endpoint, and the seconds they take at the account's rates.
pub(super) fn least(world: &World, means: &Means, facts: &Facts) -> Value {
    let mut tally = Tally {
        means,
        by_endpoint: BTreeMap::new(),
    };
    let paid = means.plan.is_paid();
    let with = |status: UserStatus| {
        facts
            .users
            .iter()
            .filter(|user| user.status == status)
            .count()
    };
    for status in [
        UserStatus::Active,
        UserStatus::Inactive,
        UserStatus::Pending,
    ] {
        tally.add("GET /users", pages(with(status)));
    }
    for host in &facts.hosts {
        let rows = facts
            .meetings
            .iter()
            .filter(|meeting| meeting.host_id == host.id)
            .count();
        tally.add("GET /users/{userId}/meetings", pages(rows));
    }
    tally.add(
        "GET /meetings/{meetingId}",
        u64::try_from(facts.meetings.len()).unwrap_or(0),
    );
    if paid {
        history(&mut tally, facts, means);
        known(&mut tally, world, facts, means);
    } else {
        // One refused call for each resource tells the reason.
        refused(&mut tally, facts, means);
    }
    let mut by_label: BTreeMap<&'static str, u64> = BTreeMap::new();
    let mut seconds: f64 = 0.0;
    for (key, calls) in &tally.by_endpoint {
        let label = table::all()
            .iter()
            .find(|row| row.key() == **key)
            .map_or(Label::None, |row| row.label);
        *by_label.entry(label.name()).or_default() += calls;
    }
    for label in [Label::Light, Label::Medium, Label::Heavy, Label::Intensive] {
        let calls = *by_label.entry(label.name()).or_default();
        if let Some(rates) = means.limits.and_then(|plan| Rates::of(plan, label)) {
            let (count, span) = rates.per();
            #[expect(clippy::cast_precision_loss, reason = "calls are far fewer than 2^53")]
            let needed = calls as f64 * span as f64 / count as f64;
            seconds = seconds.max(needed);
        }
    }
    json!({
        "total": tally.by_endpoint.values().sum::<u64>(),
        "by_label": by_label,
        "by_endpoint": tally.by_endpoint,
        "seconds": seconds,
    })
}

fn in_window(known: &Known, window: (Timestamp, Timestamp)) -> bool {
    known.instance.start >= window.0 && known.instance.start < window.1
}

/// Reports and recordings, window by window.
fn history(tally: &mut Tally<'_>, facts: &Facts, means: &Means) {
    let by_account = means.opens("GET /report/history_meetings");
    for window in windows(facts.since, means.now) {
        let reported = |host: Option<&str>| {
            facts
                .instances
                .iter()
                .filter(|known| known.sources.report && in_window(known, window))
                .filter(|known| host.is_none_or(|host| host == known.instance.host_id))
                .count()
        };
        if by_account {
            tally.add("GET /report/history_meetings", pages(reported(None)));
        }
        for host in &facts.hosts {
            if !by_account {
                tally.add(
                    "GET /report/users/{userId}/meetings",
                    pages(reported(Some(&host.id))),
                );
            }
            let recorded = facts
                .instances
                .iter()
                .filter(|known| {
                    known.sources.recording
                        && in_window(known, window)
                        && known.instance.host_id == host.id
                })
                .count();
            tally.add("GET /users/{userId}/recordings", pages(recorded));
        }
    }
}

/// Instances of series and rooms, their details and attendance, and registrants.
fn known(tally: &mut Tally<'_>, world: &World, facts: &Facts, means: &Means) {
    let recurring = facts
        .meetings
        .iter()
        .filter(|meeting| matches!(meeting.kind, 3 | 8))
        .count();
    let rooms = facts.hosts.iter().filter(|host| host.pmi != 0).count();
    tally.add(
        "GET /past_meetings/{meetingId}/instances",
        u64::try_from(recurring + rooms).unwrap_or(0),
    );
    for one in &facts.instances {
        if !one.sources.report
            && !one.sources.events
            && (one.sources.series || one.sources.recording)
        {
            tally.add("GET /past_meetings/{meetingId}", 1);
        }
        let rows = if one.instance.people() < 2 {
            0
        } else {
            one.instance.participants.len()
        };
        // Only the account's report says where there were polls; a host's own leaves webinars to be asked for in any case.
        let by_account = means.opens("GET /report/history_meetings");
        let polled = u64::from(
            one.sources.report
                && one.instance.was_polled()
                && (by_account || one.instance.is_webinar()),
        );
        if one.instance.is_webinar() {
            tally.add("GET /past_webinars/{webinarId}/participants", pages(rows));
            tally.add("GET /past_webinars/{webinarId}/polls", polled);
            tally.add("GET /past_webinars/{webinarId}/qa", polled);
        } else {
            tally.add("GET /past_meetings/{meetingId}/participants", pages(rows));
            tally.add("GET /past_meetings/{meetingId}/polls", polled);
            tally.add("GET /past_meetings/{meetingId}/qa", polled);
        }
    }
    if means.opens("GET /meetings/{meetingId}") {
        for meeting in facts
            .meetings
            .iter()
            .filter(|meeting| meeting.approval_type() < 2)
        {
            let licensed = world
                .user(&meeting.host_id)
                .is_some_and(|host| host.kind == 2);
            for status in ["approved", "pending", "denied"] {
                let rows = meeting
                    .registrants
                    .iter()
                    .filter(|one| one.status.name() == status)
                    .count();
                tally.add(
                    "GET /meetings/{meetingId}/registrants",
                    if licensed { pages(rows) } else { 1 },
                );
            }
        }
    }
}

/// On a plan that refuses a resource, one call for each tells why.
fn refused(tally: &mut Tally<'_>, facts: &Facts, means: &Means) {
    if means.opens("GET /report/history_meetings") {
        tally.add("GET /report/history_meetings", 1);
    } else {
        tally.add(
            "GET /report/users/{userId}/meetings",
            u64::from(!facts.hosts.is_empty()),
        );
    }
    let recurring = facts
        .meetings
        .iter()
        .any(|meeting| matches!(meeting.kind, 3 | 8))
        || !facts.hosts.is_empty();
    tally.add(
        "GET /past_meetings/{meetingId}/instances",
        u64::from(recurring),
    );
    tally.add(
        "GET /users/{userId}/recordings",
        u64::from(!facts.hosts.is_empty()),
    );
    let known = u64::from(!facts.instances.is_empty());
    tally.add("GET /past_meetings/{meetingId}/participants", known);
    let registration = facts
        .meetings
        .iter()
        .any(|meeting| meeting.approval_type() < 2);
    tally.add(
        "GET /meetings/{meetingId}/registrants",
        u64::from(registration),
    );
}
