//! `demo`: the main job on an embedded Zoom account, from connecting to searching, and the proof that nothing is missing.

mod check;
mod control;
mod gather;
mod knowable;
mod samples;
mod story;
mod world;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use parfocal_engine::audit::By;
use parfocal_engine::backfill::{self, BackfillView};
use parfocal_engine::config::Secret;
use parfocal_engine::connections::NewServerToServer;
use parfocal_engine::store::Status;
use parfocal_engine::{App, jobs};
use parfocal_simulator::{Limits, Plan};

use self::check::Verdict;
use self::control::Live;
use self::samples::Sample;
use self::story::Story;
use self::world::World;
use crate::commands::backfill::{over, show, unavailable};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::progress::Progress;
use crate::stop;

/// How often something that is awaited is looked at.
const LOOK: Duration = Duration::from_millis(40);
/// How long the live meeting's transcript may take to become searchable, in real time.
const SEARCHABLE_WITHIN: Duration = Duration::from_secs(40);
/// Jobs that are due later than this do not belong to what the demo waits for: they look again for late recordings.
const SOON: jiff::SignedDuration = jiff::SignedDuration::from_secs(30);

const AFTER_HELP: &str = "\
Nothing leaves this machine: the Zoom account is simulated, and both servers listen on loopback.
--once compares every figure and record with what can be known of that account, and exits 1 if anything differs.";

/// Show the main job on an embedded Zoom account: nothing else needed
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Demo {
    /// Compare everything with what can be known, then exit instead of serving on
    #[arg(long)]
    once: bool,
    /// Folder of .vtt files (and chat.txt beside them) that become the account's recorded meetings
    #[arg(long, value_name = "DIR")]
    transcripts: Option<PathBuf>,
    /// Database to use instead of a file of its own: sqlite:PATH or postgres://…; it has to be empty
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// What the simulated account has bought: free, pro or business
    #[arg(long, default_value = "business", value_name = "PLAN")]
    plan: Plan,
    /// Whose rate limits the simulated account enforces: free, pro, business, plan (its own) or off
    #[arg(long, default_value = "plan", value_name = "LIMITS")]
    limits: Limits,
}

/// What the demo did and found.
struct Outcome {
    backfill: BackfillView,
    backfill_seconds: f64,
    calls: u64,
    least_calls: u64,
    live: Live,
    live_seconds: f64,
    samples: Vec<Sample>,
    status: Status,
    violations: u64,
    verdict: Verdict,
}

/// Runs the command.
pub(crate) async fn run(command: Demo, context: &Context) -> Result<Exit, Failure> {
    let stop = stop::on_signal();
    context.demo_logs()?;
    let story = Story::new(&context.out);
    story.title()?;
    let world = World::start(&command, context).await?;
    story.started(&world)?;
    let played = tokio::select! {
        played = play(context, &world, &story) => played,
        () = stop.cancelled() => {
            world.shutdown().await;
            return Ok(Exit::Done);
        }
    };
    let outcome = match played {
        Ok(outcome) => outcome,
        Err(failure) => {
            world.shutdown().await;
            return Err(failure);
        }
    };
    story.finish(&outcome, &world, command.once)?;
    let agrees = outcome.verdict.agrees();
    if !command.once {
        let panel = world.open_panel().await?;
        story.serving(&world, &panel)?;
        stop.cancelled().await;
    }
    world.shutdown().await;
    Ok(if command.once && !agrees {
        Exit::Failed
    } else {
        Exit::Done
    })
}

/// The whole story: connect, take in the past, live through a meeting, search, compare.
async fn play(context: &Context, world: &World, story: &Story<'_>) -> Result<Outcome, Failure> {
    let app = &world.app;
    let new = NewServerToServer {
        name: Some("demo".to_owned()),
        account_id: "simulator".to_owned(),
        client_id: "simulator".to_owned(),
        client_secret: Secret::new("simulator"),
        webhook_secrets: vec![Secret::new("simulator-webhook-secret")],
        plan: None,
        share: None,
        cloud: parfocal_engine::connections::Cloud::default(),
    };
    let connection = app.connections().connect_s2s(new, &By::system()).await?;
    story.connected(&connection)?;
    let hook = format!("{}/webhooks/zoom", world.server_url);
    world.control.subscribe(&hook).await?;
    story.subscribed(&hook)?;

    let (view, backfill_seconds) = take_in(app, context).await?;
    let calls = world.control.calls().await?;
    story.taken_in(
        &view,
        backfill_seconds,
        calls,
        &app.store().status(app.scope()).await?,
    )?;
    for line in unavailable(&view.unavailable) {
        story.unavailable(&line)?;
    }

    let step = Progress::start(&context.out, "A meeting is being held");
    let live = world.control.play().await?;
    let watch = world::Stopwatch::start();
    step.say("Waiting for its transcript to become searchable");
    arrived(app, &live).await?;
    settled(app).await?;
    let live_seconds = watch.seconds();
    drop(step);
    story.lived(&live, live_seconds)?;

    let samples = samples::run(app, &live).await?;
    story.searched(&samples)?;

    let step = Progress::start(&context.out, "Comparing with what can be known");
    let knowable = world.control.knowable(&view.since.to_string()).await?;
    let found = gather::everything(app).await?;
    let fetched: BTreeSet<String> = app
        .config()
        .media
        .fetch
        .iter()
        .map(|kind| kind.as_str().to_owned())
        .collect();
    let mut verdict = check::compare(&found, &knowable, &fetched);
    let (violations, list) = world.control.violations().await?;
    if violations > 0 {
        verdict.differ(format!(
            "the rate limit was broken {violations} times, first: {}",
            list.first().unwrap_or_default()
        ));
    }
    samples::judge(&samples, &mut verdict);
    drop(step);
    Ok(Outcome {
        backfill: backfill::status(app, view.id).await?,
        backfill_seconds,
        calls,
        least_calls: knowable.least_calls.total,
        live,
        live_seconds,
        samples,
        status: app.store().status(app.scope()).await?,
        violations,
        verdict,
    })
}

/// Takes in the past and waits until everything that can be had is here.
async fn take_in(app: &App, context: &Context) -> Result<(BackfillView, f64), Failure> {
    let watch = world::Stopwatch::start();
    let step = Progress::start(&context.out, "Taking in the past");
    let mut view = backfill::start(app, &backfill::Request::default(), &By::system()).await?;
    while !over(&view) {
        show(&step, &view);
        app.clock().sleep(LOOK).await;
        view = backfill::status(app, view.id).await?;
    }
    step.say("Storing the last files");
    settled(app).await?;
    Ok((view, watch.seconds()))
}

/// Waits until no job is busy and none is due soon.
async fn settled(app: &App) -> Result<(), Failure> {
    loop {
        let open = jobs::open(app).await?;
        let horizon = app
            .clock()
            .now()
            .saturating_add(SOON)
            .unwrap_or(jiff::Timestamp::MAX);
        if open.busy == 0 && open.next_at.is_none_or(|at| at > horizon) {
            return Ok(());
        }
        app.clock().sleep(LOOK).await;
    }
}

/// Waits until everything that was said and written in the live meeting is in the store, and therefore searchable.
async fn arrived(app: &App, live: &Live) -> Result<(), Failure> {
    let wait = async {
        loop {
            if let Some(instance) = app.store().find_instance(app.scope(), &live.uuid).await? {
                let transcripts = app.store().transcripts(app.scope(), instance.id).await?;
                let cues: u64 = transcripts
                    .iter()
                    .filter(|transcript| transcript.current)
                    .map(|transcript| transcript.cues)
                    .sum();
                let chat = app.store().chat(app.scope(), instance.id).await?.len();
                if cues >= live.transcript_cues
                    && u64::try_from(chat).is_ok_and(|chat| chat >= live.chat_messages)
                {
                    return Ok::<(), Failure>(());
                }
            }
            app.clock().sleep(LOOK).await;
        }
    };
    tokio::time::timeout(SEARCHABLE_WITHIN, wait)
        .await
        .unwrap_or_else(|_| {
            Err(Failure::failed(
                "live_meeting",
                format!(
                    "the live meeting's transcript did not arrive within {} s",
                    SEARCHABLE_WITHIN.as_secs()
                ),
            )
            .hint("Run `parfocal demo -v` to see what its webhooks and jobs do."))
        })
}
