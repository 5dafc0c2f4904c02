//! Starting, watching and stopping backfills.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use parfocal_store::{
    Account, AccountId, Backfill, BackfillId, BackfillState, ConnectionState, JobFilter, JobState,
    NewSlice, OpenJobs, Scope, SliceCount, SliceState,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::gate::{self, Resource};
use super::{Spec, ending, pieces, slice, window};
use crate::App;
use crate::audit::{self, By, Change};
use crate::error::{Code, EngineError, Result};
use crate::ingest::{Origin, Rank, Stamp};

/// How many backfills a listing shows.
const LISTED: u32 = 50;

/// What to take in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Request {
    /// The account; none means the only one there is.
    pub account: Option<AccountId>,
    /// First day, UTC; none means as far back as configured.
    pub since: Option<Date>,
    /// Last day, UTC; none means today.
    pub until: Option<Date>,
    /// Whether Zoom's own summaries are wanted too: a call for each.
    pub summaries: bool,
}

/// A request with everything filled in.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    pub(super) account: Account,
    pub(super) spec: Spec,
}

impl Resolved {
    pub(super) async fn of(app: &App, request: &Request) -> Result<Self> {
        let mut accounts = app.connections().accounts().await?;
        if let Some(id) = request.account {
            accounts.retain(|account| account.id == id);
        } else if accounts.len() > 1 {
            // Accounts whose connections are all gone, such as one that was mistyped in the environment, are not meant.
            let mut connections = app.store().connections(app.scope()).await?;
            connections.retain(|row| row.state != ConnectionState::Disconnected);
            accounts.retain(|account| connections.iter().any(|row| row.account_id == account.id));
        }
        let account = match accounts.len() {
            1 => accounts.remove(0),
            0 => {
                return Err(EngineError::new(
                    Code::ConnectionNeedsAttention,
                    "no account is connected",
                )
                .with_hint("Connect one first: `parfocal connect s2s`."));
            }
            several => {
                return Err(EngineError::invalid(format!(
                    "there are {several} accounts: name one"
                ))
                .with_hint("`parfocal connections list` shows their ids."));
            }
        };
        let today = window::day(app.clock().now());
        let days = i32::from(app.config().backfill.days);
        let since = request
            .since
            .unwrap_or_else(|| today.saturating_sub(days.days()));
        let until = request.until.unwrap_or(today).min(today);
        if until < since {
            return Err(EngineError::invalid(format!(
                "there are no days from {since} to {until}"
            )));
        }
        Ok(Self {
            account,
            spec: Spec {
                since,
                until,
                summaries: request.summaries,
            },
        })
    }
}

/// Pieces of one resource.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct SliceSummary {
    /// The resource.
    pub resource: String,
    /// Pieces in all.
    pub total: u64,
    /// Pieces that are done.
    pub done: u64,
    /// Pieces that could not be had, for a reason.
    pub skipped: u64,
    /// Pieces that were given up after errors.
    pub failed: u64,
    /// Things found.
    pub items: u64,
    /// Calls made.
    pub calls: u64,
}

/// A backfill as shown to people and programs.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct BackfillView {
    /// Its id.
    pub id: BackfillId,
    /// The account.
    pub account_id: AccountId,
    /// Where it is.
    pub state: BackfillState,
    /// First day.
    pub since: Date,
    /// Last day.
    pub until: Date,
    /// What it was reckoned to take.
    #[schemars(with = "Option<crate::backfill::Forecast>")]
    pub forecast: Option<Value>,
    /// Pieces done, of those found so far.
    pub done: u64,
    /// Pieces found so far.
    pub total: u64,
    /// Pieces by resource.
    pub slices: Vec<SliceSummary>,
    /// Jobs that are still open.
    pub open_jobs: u64,
    /// Open jobs by kind and state.
    pub jobs: OpenJobs,
    /// When work goes on, if all of it waits (for Zoom's reset, for example).
    pub parked_until: Option<Timestamp>,
    /// Resources that the account does not give: what, cause, Zoom's words.
    #[schemars(with = "Vec<Unavailable>")]
    pub unavailable: Value,
    /// When it began.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// A resource that the account does not give, as it stands in [`BackfillView::unavailable`].
#[derive(schemars::JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Unavailable {
    /// The resource.
    what: String,
    /// Why: `plan`, `scope` or `permission`.
    cause: Option<String>,
    /// Zoom's words.
    detail: Option<String>,
}

/// Starts a backfill.
///
/// # Errors
/// `conflict` when one of the account is under way; `component_off` while nothing would work on it.
pub async fn start(app: &App, request: &Request, by: &By) -> Result<BackfillView> {
    app.components().require("ingest").await?;
    let resolved = Resolved::of(app, request).await?;
    let scope = app.scope();
    let account = resolved.account.id;
    for other in app.store().backfills(scope, Some(account), LISTED).await? {
        if matches!(
            other.state,
            BackfillState::Running | BackfillState::Planning | BackfillState::Paused
        ) {
            return Err(EngineError::new(
                Code::Conflict,
                format!("backfill {} of this account is under way", other.id),
            )
            .with_hint("`parfocal backfill status` shows it; pause, resume or cancel it."));
        }
    }
    // Fails early when nothing can be asked at all.
    app.connections().for_account(account).await?;
    let now = app.clock().now();
    let spec = serde_json::to_value(resolved.spec).map_err(|error| {
        EngineError::new(Code::Internal, format!("a plan cannot be written: {error}"))
    })?;
    let refused = gate::refused(app.store(), scope, account).await?;
    let stamp = Stamp::of_answer(now, Rank::List);
    let origin = super::answer_origin(
        app,
        scope,
        account,
        stamp,
        now,
        crate::jobs::priority::BACKFILL,
        None,
    )
    .await?;
    let mut tx = app.store().begin(scope).await?;
    let id = tx.create_backfill(account, &spec, None, now).await?;
    tx.set_backfill_state(id, BackfillState::Running, now)
        .await?;
    // What was refused before may be granted now: ask once more.
    for (resource, refusal) in refused {
        gate::forget(&mut tx, account, resource, refusal, now).await?;
    }
    let backfill = Backfill {
        id,
        account_id: account,
        spec,
        forecast: None,
        summary: None,
        state: BackfillState::Running,
        created_at: now,
        updated_at: now,
        finished_at: None,
    };
    let origin = Origin {
        cause: Some(id.to_string()),
        ..origin
    };
    pieces::add(&mut tx, &backfill, &first_slices(resolved.spec), &origin).await?;
    ending::nudge(&mut tx, &backfill, now).await?;
    let change = Change {
        action: "backfill.start",
        target: &format!("backfill/{id}"),
        detail: json!({"account": account, "since": resolved.spec.since, "until": resolved.spec.until}),
    };
    audit::append(&mut tx, by, &change, now).await?;
    tx.commit().await?;
    status(app, id).await
}

/// The pieces that lead to all others.
fn first_slices(spec: Spec) -> Vec<NewSlice> {
    let mut slices: Vec<NewSlice> = slice::USER_STATUSES
        .iter()
        .map(|status| NewSlice {
            resource: Resource::Users.as_str().into(),
            subject: (*status).to_owned(),
            from: None,
            to: None,
        })
        .collect();
    slices.extend(spec.windows().into_iter().map(|part| {
        let (from, to) = window::span(part);
        NewSlice {
            resource: Resource::History.as_str().into(),
            subject: String::new(),
            from: Some(from),
            to: Some(to),
        }
    }));
    if spec.summaries {
        slices.extend(spec.windows().into_iter().map(|part| {
            let (from, to) = window::span(part);
            NewSlice {
                resource: Resource::Summaries.as_str().into(),
                subject: String::new(),
                from: Some(from),
                to: Some(to),
            }
        }));
    }
    slices
}

/// Backfills, the latest first.
pub async fn list(app: &App) -> Result<Vec<BackfillView>> {
    let scope = app.scope();
    let mut views = Vec::new();
    for backfill in app.store().backfills(scope, None, LISTED).await? {
        views.push(view(app, scope, backfill).await?);
    }
    Ok(views)
}

/// One backfill.
pub async fn status(app: &App, id: BackfillId) -> Result<BackfillView> {
    let scope = app.scope();
    let backfill = app
        .store()
        .backfill(scope, id)
        .await?
        .ok_or_else(|| EngineError::not_found("backfill", id))?;
    view(app, scope, backfill).await
}

/// Stops a backfill until it is resumed; what is under way ends first.
pub async fn pause(app: &App, id: BackfillId, by: &By) -> Result<BackfillView> {
    change(
        app,
        (id, by, "backfill.pause"),
        &[BackfillState::Running, BackfillState::Planning],
        BackfillState::Paused,
    )
    .await
}

/// Lets a paused backfill go on.
pub async fn resume(app: &App, id: BackfillId, by: &By) -> Result<BackfillView> {
    app.components().require("ingest").await?;
    let which = (id, by, "backfill.resume");
    change(app, which, &[BackfillState::Paused], BackfillState::Running).await?;
    let scope = app.scope();
    let now = app.clock().now();
    let filter = JobFilter {
        state: Some(JobState::Waiting),
        cause_id: Some(id.to_string()),
        ..JobFilter::default()
    };
    app.store().redrive_jobs(scope, &filter, now).await?;
    let mut tx = app.store().begin(scope).await?;
    if let Some(backfill) = tx.backfill(id).await? {
        ending::nudge(&mut tx, &backfill, now).await?;
    }
    tx.commit().await?;
    status(app, id).await
}

/// Stops a backfill for good. What it took in stays.
pub async fn cancel(app: &App, id: BackfillId, by: &By) -> Result<BackfillView> {
    let open = [
        BackfillState::Running,
        BackfillState::Planning,
        BackfillState::Paused,
    ];
    let which = (id, by, "backfill.cancel");
    change(app, which, &open, BackfillState::Cancelled).await?;
    let filter = JobFilter {
        cause_id: Some(id.to_string()),
        ..JobFilter::default()
    };
    for state in [JobState::Waiting, JobState::Ready] {
        let filter = JobFilter {
            state: Some(state),
            ..filter.clone()
        };
        app.store()
            .drop_jobs(
                app.scope(),
                &filter,
                "the backfill was cancelled",
                app.clock().now(),
            )
            .await?;
    }
    status(app, id).await
}

async fn change(
    app: &App,
    (id, by, action): (BackfillId, &By, &str),
    from: &[BackfillState],
    to: BackfillState,
) -> Result<BackfillView> {
    let now = app.clock().now();
    let mut tx = app.store().begin(app.scope()).await?;
    let backfill = tx
        .backfill(id)
        .await?
        .ok_or_else(|| EngineError::not_found("backfill", id))?;
    if backfill.state != to {
        if !from.contains(&backfill.state) {
            return Err(EngineError::new(
                Code::Conflict,
                format!("backfill {id} is {}", backfill.state),
            ));
        }
        tx.set_backfill_state(id, to, now).await?;
        let change = Change {
            action,
            target: &format!("backfill/{id}"),
            detail: json!({}),
        };
        audit::append(&mut tx, by, &change, now).await?;
    }
    tx.commit().await?;
    status(app, id).await
}

async fn view(app: &App, scope: Scope, backfill: Backfill) -> Result<BackfillView> {
    let counts = app.store().slice_counts(scope, backfill.id).await?;
    let jobs = app.store().open_jobs_of(&backfill.id.to_string()).await?;
    let spec = Spec::read(&backfill.spec);
    let now = app.clock().now();
    let busy = jobs
        .counts
        .iter()
        .any(|count| count.state != JobState::Waiting && count.count > 0);
    let slices = summarise(&counts);
    Ok(BackfillView {
        id: backfill.id,
        account_id: backfill.account_id,
        state: backfill.state,
        since: spec.since,
        until: spec.until,
        done: slices
            .iter()
            .map(|slice| slice.done + slice.skipped + slice.failed)
            .sum(),
        total: slices.iter().map(|slice| slice.total).sum(),
        slices,
        open_jobs: jobs.counts.iter().map(|count| count.count).sum(),
        parked_until: jobs.next_at.filter(|at| !busy && *at > now),
        jobs,
        unavailable: super::settle::unavailable(app, scope, &backfill).await?,
        forecast: backfill.forecast,
        created_at: backfill.created_at,
        finished_at: backfill.finished_at,
    })
}

fn summarise(counts: &[SliceCount]) -> Vec<SliceSummary> {
    let mut slices: Vec<SliceSummary> = Vec::new();
    for count in counts {
        let at = slices
            .iter()
            .position(|slice| slice.resource == count.resource)
            .unwrap_or_else(|| {
                slices.push(SliceSummary {
                    resource: count.resource.clone(),
                    total: 0,
                    done: 0,
                    skipped: 0,
                    failed: 0,
                    items: 0,
                    calls: 0,
                });
                slices.len() - 1
            });
        let slice = &mut slices[at];
        slice.total += count.slices;
        slice.items += count.items;
        slice.calls += count.calls;
        match count.state {
            SliceState::Done => slice.done += count.slices,
            SliceState::Skipped => slice.skipped += count.slices,
            SliceState::Failed => slice.failed += count.slices,
            _ => {}
        }
    }
    slices
}
