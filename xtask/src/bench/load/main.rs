//! Sends signed Zoom webhooks, or requests from a file, at a fixed rate and says how long the answers took: the load of
//! `cargo xtask bench webhooks` and `proxy`.
//!
//! The loop is open: request `n` is due at `start + n / rate` whether or not earlier ones were answered, and its latency
//! counts from that instant. All requests are made, and events signed, before the first is sent. One thread, so that most of a
//! small machine is left to the receiver; sends are rounded up to the millisecond of the runtime's timer, which counts
//! as latency, too.
#![expect(clippy::print_stdout, reason = "the figures are the output")]

mod answer;
mod event;
mod figures;
mod given;

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Parser;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use event::Events;
use figures::Figures;
use given::Given;

/// Sends signed webhooks at a fixed rate to an address on this machine; says `sending`, and in the end the figures as JSON
#[derive(Parser)]
struct Options {
    /// Address and port; loopback only
    #[arg(long)]
    target: SocketAddr,
    /// Requests to send in place of events, in turns: a file with a JSON list of paths with their headers
    #[arg(long, value_name = "FILE")]
    requests: Option<PathBuf>,
    /// Path of the receiver
    #[arg(long, default_value = "/")]
    path: String,
    /// Secret token the events are signed with
    #[arg(long, default_value = "")]
    secret: String,
    /// Zoom account the events are about
    #[arg(long, default_value = "")]
    account: String,
    /// Events a second
    #[arg(long)]
    rate: u32,
    /// How many events
    #[arg(long)]
    count: usize,
    /// Number of the first event; an event's number is its `event_ts`
    #[arg(long, default_value_t = 0)]
    first: u64,
    /// Connections kept open; as many events can be under way at once
    #[arg(long, default_value_t = 384)]
    connections: usize,
    /// File for the numbers of the accepted events, one a line
    #[arg(long)]
    accepted: Option<PathBuf>,
}

/// The most events of one run: a bound on time and memory.
const MOST: usize = 1_000_000;
/// How long the last answers are waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is sent.
enum Load {
    Events(Events),
    Given(Given),
}

impl Load {
    /// The request with this number, if there are so many.
    fn request(&self, at: usize) -> Option<&[u8]> {
        match self {
            Self::Events(events) => events.request(at),
            Self::Given(given) => given.request(at),
        }
    }
}

struct Run {
    load: Load,
    rate: f64,
    start: Instant,
    end: Instant,
    next: Cell<usize>,
    cut: Cell<bool>,
    figures: RefCell<Figures>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    ensure!(
        options.target.ip().is_loopback(),
        "only this machine is put under load"
    );
    ensure!(
        options.count <= MOST && options.rate > 0,
        "at most {MOST} events, at least one a second"
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let figures = tokio::task::LocalSet::new().block_on(&runtime, load(&options))?;
    if let Some(file) = &options.accepted {
        std::fs::write(file, figures.accepted_lines())
            .with_context(|| file.display().to_string())?;
    }
    println!("{}", serde_json::to_string(&figures.summary())?);
    Ok(())
}

async fn load(options: &Options) -> Result<Figures> {
    let load = match &options.requests {
        Some(file) => Load::Given(Given::read(file, options)?),
        None => Load::Events(Events::signed(options)?),
    };
    let mut streams = Vec::with_capacity(options.connections);
    for _ in 0..options.connections {
        let stream = TcpStream::connect(options.target)
            .await
            .context("the receiver cannot be reached")?;
        stream.set_nodelay(true)?;
        streams.push(stream);
    }
    println!("sending");
    let rate = f64::from(options.rate);
    // A moment for the connections to settle.
    let start = now() + Duration::from_millis(100);
    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    let length = Duration::from_secs_f64(options.count as f64 / rate);
    let run = Rc::new(Run {
        figures: RefCell::new(Figures::new(options.count, options.first)),
        load,
        rate,
        start,
        end: start + length + PATIENCE,
        next: Cell::new(0),
        cut: Cell::new(false),
    });
    let tasks: Vec<_> = streams
        .into_iter()
        .map(|stream| tokio::task::spawn_local(sender(Rc::clone(&run), stream)))
        .collect();
    for task in tasks {
        task.await?;
    }
    let run = Rc::into_inner(run).context("a sender is still at work")?;
    let mut figures = run.figures.into_inner();
    figures.finish(run.start, run.next.get().min(options.count));
    Ok(figures)
}

/// One connection: takes the next event, waits until it is due, sends it, reads the answer.
async fn sender(run: Rc<Run>, mut stream: TcpStream) {
    let mut buffer = Vec::with_capacity(4096);
    while !run.cut.get() {
        let number = run.next.get();
        let Some(request) = run.load.request(number) else {
            return;
        };
        run.next.set(number + 1);
        #[expect(clippy::cast_precision_loss, reason = "counts are small")]
        let due = run.start + Duration::from_secs_f64(number as f64 / run.rate);
        until(due).await;
        let sent = now();
        if sent > run.end {
            return;
        }
        let outcome = tokio::time::timeout(PATIENCE, async {
            stream.write_all(request).await?;
            answer::status(&mut stream, &mut buffer).await
        })
        .await;
        let mut figures = run.figures.borrow_mut();
        if let Ok(Ok(status)) = outcome {
            figures.answered(number, status, due, sent, now());
        } else {
            // The receiver died or hangs: there is nobody left to measure.
            figures.unanswered();
            run.cut.set(true);
        }
    }
}

/// The clock of the measurement.
#[expect(
    clippy::disallowed_methods,
    reason = "a load generator measures real time"
)]
fn now() -> Instant {
    Instant::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "a load generator waits in real time"
)]
async fn until(due: Instant) {
    if due > now() {
        tokio::time::sleep_until(due.into()).await;
    }
}
