//! What a backfill will take, before it is started.

use jiff::Timestamp;
use parfocal_store::{InstanceFilter, MeetingFilter, PageRequest, Scope};
use parfocal_zoom::limit::{Label, Plan as ZoomPlan};
use serde::Serialize;

use super::control::{Request, Resolved};

use super::{Spec, slice};
use crate::App;
use crate::budget::AccountLimits;
use crate::error::Result;

/// Scheduled meetings of a user, where nothing is known yet.
const MEETINGS_PER_USER: u64 = 5;
/// Held meetings of a user per thirty days, where nothing is known yet.
const HELD_PER_USER_AND_WINDOW: u64 = 8;
/// Share of series that recur, of ten.
const RECURRING_IN_TEN: u64 = 3;

/// Calls of one rate label.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct LabelForecast {
    /// The label, as Zoom writes it.
    pub label: &'static str,
    /// How many calls.
    pub calls: u64,
    /// Seconds these take under the account's limits; none without limits.
    pub seconds: Option<f64>,
}

/// What a backfill will take.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Forecast {
    /// First day.
    pub since: jiff::civil::Date,
    /// Last day.
    pub until: jiff::civil::Date,
    /// Active users, as Zoom says.
    pub users: u64,
    /// Windows of at most thirty days.
    pub windows: u64,
    /// Series expected.
    pub meetings: u64,
    /// Held meetings expected.
    pub instances: u64,
    /// Whether the numbers of meetings come from what is in the store, or are assumed.
    pub basis: &'static str,
    /// The plan whose limits were assumed.
    pub plan: &'static str,
    /// The part of the limits that is ours.
    pub share: f64,
    /// Calls by label; downloads count against none.
    pub by_label: Vec<LabelForecast>,
    /// Calls in all.
    pub calls: u64,
    /// Seconds until everything is here, when all labels are used side by side; none without limits.
    pub seconds: Option<f64>,
    /// Days it takes when the daily budget is what holds it up; none when that suffices.
    pub days: Option<f64>,
    /// When it was reckoned.
    pub at: Timestamp,
}

/// Reckons what a backfill will take. Costs one call.
pub async fn plan(app: &App, request: &Request) -> Result<Forecast> {
    let resolved = Resolved::of(app, request).await?;
    reckon(app, &resolved).await
}

pub(super) async fn reckon(app: &App, resolved: &Resolved) -> Result<Forecast> {
    let scope = app.scope();
    let now = app.clock().now();
    let users = count_users(app, resolved).await?;
    let windows = resolved.spec.windows().len() as u64;
    let (meetings, instances, basis) = known_volume(app, scope, resolved, users, windows).await?;
    let limits = app.connections().limits(&resolved.account);
    let recurring = (meetings * RECURRING_IN_TEN).div_ceil(10);
    // Not every meeting has a summary; that each has one is the most it can take.
    let (lists, summaries) = if resolved.spec.summaries {
        (windows, instances)
    } else {
        (0, 0)
    };
    let light = meetings + instances / 10 + summaries;
    let medium = slice::USER_STATUSES.len() as u64
        + users
        + recurring
        + users
        + instances
        + users * windows
        + lists;
    let heavy = windows;
    let mut by_label = Vec::new();
    let (mut slowest, mut days): (Option<f64>, Option<f64>) = (None, None);
    for (label, calls) in [
        (Label::Light, light),
        (Label::Medium, medium),
        (Label::Heavy, heavy),
    ] {
        let seconds = seconds(&limits, label, calls);
        slowest = match (slowest, seconds) {
            (Some(a), Some(b)) => Some(f64::max(a, b)),
            (a, b) => a.or(b),
        };
        if let Some(needed) = days_needed(&limits, label, calls) {
            days = Some(days.map_or(needed, |days: f64| days.max(needed)));
        }
        by_label.push(LabelForecast {
            label: label.as_str(),
            calls,
            seconds,
        });
    }
    let (plan, share) = match &limits {
        AccountLimits::Off => ("off", 1.0),
        AccountLimits::Paced { plan, share } => (plan_name(*plan), *share),
    };
    Ok(Forecast {
        since: resolved.spec.since,
        until: resolved.spec.until,
        users,
        windows,
        meetings,
        instances,
        basis,
        plan,
        share,
        calls: light + medium + heavy,
        by_label,
        seconds: slowest,
        days: days.filter(|days| *days > 1.0),
        at: now,
    })
}

async fn count_users(app: &App, resolved: &Resolved) -> Result<u64> {
    use futures_util::TryStreamExt as _;
    let client =
        super::client(app, resolved.account.id, crate::jobs::priority::INTERACTIVE).await?;
    match client
        .users()
        .list(parfocal_zoom::api::UserStatus::Active)
        .try_next()
        .await
    {
        Ok(Some(page)) => Ok(page
            .total_records
            .unwrap_or(page.items.len() as u64)
            .max(page.items.len() as u64)),
        Ok(None) => Ok(0),
        // Without the scope to list users, only the connected one is seen.
        Err(error) if super::gate::refuses_subject(&error).is_some() => Ok(1),
        Err(error) => Err(error.into()),
    }
}

async fn known_volume(
    app: &App,
    scope: Scope,
    resolved: &Resolved,
    users: u64,
    windows: u64,
) -> Result<(u64, u64, &'static str)> {
    let Spec { since, until, .. } = resolved.spec;
    let filter = InstanceFilter {
        account: Some(resolved.account.id),
        from: Some(super::window::start_of(since)),
        before: until.tomorrow().ok().map(super::window::start_of),
        ..InstanceFilter::default()
    };
    let mut instances = 0_u64;
    let mut page = PageRequest::first(1000);
    loop {
        let found = app.store().instances(scope, &filter, &page).await?;
        instances += found.items.len() as u64;
        match found.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    if instances == 0 {
        return Ok((
            users * MEETINGS_PER_USER,
            users * windows * HELD_PER_USER_AND_WINDOW,
            "assumed",
        ));
    }
    let filter = MeetingFilter {
        account: Some(resolved.account.id),
        ..MeetingFilter::default()
    };
    let mut meetings = 0_u64;
    let mut page = PageRequest::first(1000);
    loop {
        let found = app.store().meetings(scope, &filter, &page).await?;
        meetings += found.items.len() as u64;
        match found.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    Ok((meetings, instances, "store"))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of calls are far below 2^52"
)]
fn seconds(limits: &AccountLimits, label: Label, calls: u64) -> Option<f64> {
    let AccountLimits::Paced { plan, share } = limits else {
        return None;
    };
    let rate = plan.limits().rate(label).shared(*share);
    Some(calls as f64 * rate.window.as_secs_f64() / f64::from(rate.count.max(1)))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of calls are far below 2^52"
)]
fn days_needed(limits: &AccountLimits, label: Label, calls: u64) -> Option<f64> {
    let AccountLimits::Paced { plan, share } = limits else {
        return None;
    };
    let limits = plan.limits();
    let per_day = limits.per_day(limits.pool(label))?;
    Some(calls as f64 / (f64::from(per_day) * share).max(1.0))
}

fn plan_name(plan: ZoomPlan) -> &'static str {
    plan.as_str()
}
