//! What people see of the demo: a line for each step as it ends, the figures, the addresses.

use parfocal_engine::backfill::BackfillView;
use parfocal_engine::connections::ConnectionView;
use parfocal_engine::store::Status;
use serde_json::json;

use super::Outcome;
use super::control::Live;
use super::samples::Sample;
use super::world::World;
use crate::failure::Failure;
use crate::output::style::{self, paint};
use crate::output::{Out, clean, grouped, position};

/// Width of a step's name.
const NAME: usize = 24;

/// Tells the story as it happens; silent in JSON mode until the end.
pub(super) struct Story<'a> {
    out: &'a Out,
}

impl<'a> Story<'a> {
    /// A story told to an output.
    pub(super) fn new(out: &'a Out) -> Self {
        Self { out }
    }

    fn line(&self, text: impl std::fmt::Display) -> Result<(), Failure> {
        if self.out.is_json() {
            Ok(())
        } else {
            self.out.line(text)
        }
    }

    fn done(&self, name: &str, detail: &str) -> Result<(), Failure> {
        let name = paint(style::STRONG, format!("{name:NAME$}"));
        self.line(format!("  {} {name} {detail}", paint(style::OK, "✓")))
    }

    fn below(&self, detail: &str) -> Result<(), Failure> {
        self.line(format!("    {:NAME$} {detail}", ""))
    }

    /// What this is.
    pub(super) fn title(&self) -> Result<(), Failure> {
        self.line("")?;
        self.line(format!("  {}", paint(style::STRONG, "Parfocal demo")))?;
        self.line(format!(
            "  {}",
            paint(
                style::DIM,
                "A simulated Zoom account and a server on this machine; nothing leaves it."
            )
        ))?;
        self.line("")
    }

    /// Simulator and server run.
    pub(super) fn started(&self, world: &World) -> Result<(), Failure> {
        let (plan, limits) = world.plan;
        let about = paint(style::DIM, format!("{plan} plan, rate limits: {limits}"));
        self.done(
            "Zoom account simulated",
            &format!("{}  {about}", paint(style::ACCENT, &world.simulator_url)),
        )?;
        let data = paint(style::DIM, format!("data in {}", world.data.display()));
        self.done(
            "Server ready",
            &format!("{}  {data}", paint(style::ACCENT, &world.server_url)),
        )
    }

    /// The account is connected.
    pub(super) fn connected(&self, view: &ConnectionView) -> Result<(), Failure> {
        let name = view
            .account
            .name
            .as_deref()
            .unwrap_or(&view.account.external_id);
        let about = paint(
            style::DIM,
            format!("server-to-server, {} scopes", view.scopes.len()),
        );
        self.done("Account connected", &format!("{}  {about}", clean(name)))
    }

    /// Webhooks come in.
    pub(super) fn subscribed(&self, url: &str) -> Result<(), Failure> {
        let about = paint(style::DIM, "challenge answered, signatures verified");
        self.done(
            "Webhooks subscribed",
            &format!("{}  {about}", paint(style::ACCENT, url)),
        )
    }

    /// The past is here.
    pub(super) fn taken_in(
        &self,
        view: &BackfillView,
        seconds: f64,
        calls: u64,
        status: &Status,
    ) -> Result<(), Failure> {
        let about = paint(
            style::DIM,
            format!("{} to {}, {} calls", view.since, view.until, grouped(calls)),
        );
        self.done("Past taken in", &format!("{seconds:.1} s  {about}"))?;
        self.below(&figures(&[
            ("users", status.users),
            ("series", status.meetings),
            ("meetings held", status.instances),
            ("visits", status.attendance),
        ]))?;
        self.below(&figures(&[
            ("recordings", status.recordings),
            ("files", status.files),
            ("transcripts", status.transcripts),
            ("cues", status.cues),
            ("chat messages", status.chat_messages),
        ]))
    }

    /// Something that the account does not give, and why.
    pub(super) fn unavailable(&self, line: &str) -> Result<(), Failure> {
        self.below(&format!(
            "{} {}",
            paint(style::WARN, "not to be had:"),
            clean(line)
        ))
    }

    /// A live meeting went through.
    pub(super) fn lived(&self, live: &Live, seconds: f64) -> Result<(), Failure> {
        let topic = clean(&live.topic);
        if live.transcript_cues == 0 {
            return self.done(
                "A live meeting",
                &format!("“{topic}” held; this plan records nothing"),
            );
        }
        let speed = paint(
            style::DIM,
            format!("searchable {seconds:.1} s after its last webhook"),
        );
        self.done(
            "A live meeting",
            &format!("“{topic}” held, recorded, transcribed"),
        )?;
        self.below(&format!(
            "{}  {speed}",
            figures(&[
                ("cues", live.transcript_cues),
                ("chat messages", live.chat_messages)
            ])
        ))
    }

    /// Searches and their best hits.
    pub(super) fn searched(&self, samples: &[Sample]) -> Result<(), Failure> {
        if samples.is_empty() {
            return Ok(());
        }
        self.done("Search", &paint(style::DIM, "what was said, found again:"))?;
        for sample in samples {
            let from = if sample.live {
                paint(style::DIM, "  said in the live meeting")
            } else {
                String::new()
            };
            self.line("")?;
            self.line(format!(
                "      {}{from}",
                paint(style::ACCENT, clean(&sample.query))
            ))?;
            for hit in sample.hits.iter().take(2) {
                let when = hit
                    .start_time
                    .map(|at| at.strftime("%Y-%m-%d").to_string())
                    .unwrap_or_default();
                let topic = clean(hit.topic.as_deref().unwrap_or("Untitled meeting"));
                let place = paint(
                    style::DIM,
                    format!("{topic}, {when} at {}", position(u64::from(hit.start_ms))),
                );
                let speaker = hit
                    .speaker
                    .as_deref()
                    .map(|name| format!("{}: ", clean(name)))
                    .unwrap_or_default();
                self.line(format!("        {speaker}{}", snippet(hit)))?;
                self.line(format!("        {place}"))?;
            }
        }
        self.line("")
    }

    /// The verdict and the figures.
    pub(super) fn finish(
        &self,
        outcome: &Outcome,
        world: &World,
        once: bool,
    ) -> Result<(), Failure> {
        if self.out.is_json() {
            return self.json(outcome, world, once);
        }
        let verdict = &outcome.verdict;
        let calls = format!(
            "{} calls to Zoom where an ideal client needs {}, {} rate-limit violations",
            grouped(outcome.calls),
            grouped(outcome.least_calls),
            outcome.violations
        );
        if verdict.agrees() {
            let what = format!(
                "{} records and figures agree with what can be known",
                grouped(verdict.compared)
            );
            self.done("Nothing is missing", &what)?;
            self.below(&paint(style::DIM, calls))?;
        } else {
            let count = verdict.differences.len() + verdict.unlisted;
            let head = format!(
                "  {} {}",
                paint(style::BAD, "✗"),
                paint(style::STRONG, format!("{count} differences"))
            );
            self.line(format!(
                "{head} from what can be known ({} compared)",
                grouped(verdict.compared)
            ))?;
            for difference in &verdict.differences {
                self.line(format!("      {}", clean(difference)))?;
            }
            if verdict.unlisted > 0 {
                self.line(format!(
                    "      and {} more",
                    grouped(u64::try_from(verdict.unlisted).unwrap_or_default())
                ))?;
            }
            self.below(&paint(style::DIM, calls))?;
        }
        self.line("")
    }

    /// Where to look now.
    pub(super) fn serving(&self, world: &World, panel: &str) -> Result<(), Failure> {
        self.line(format!(
            "  {}  {}",
            paint(style::STRONG, "Open"),
            paint(style::ACCENT, format!("{}/", world.server_url))
        ))?;
        for (label, address) in [
            ("panel in a meeting", panel.to_owned()),
            ("search", format!("{}/search", world.server_url)),
            ("API", format!("{}/v1/meetings", world.server_url)),
            ("Zoom account", format!("{}/_sim/info", world.simulator_url)),
        ] {
            self.line(format!(
                "        {}  {}",
                paint(style::DIM, address),
                paint(style::DIM, label)
            ))?;
        }
        self.line("")?;
        let leaves = if world.keeps_data {
            "the data stays"
        } else {
            "its data goes with it"
        };
        self.line(format!(
            "  {}",
            paint(style::DIM, format!("Ctrl-C ends the demo; {leaves}."))
        ))
    }

    fn json(&self, outcome: &Outcome, world: &World, once: bool) -> Result<(), Failure> {
        self.out.json(&json!({
            "agrees": outcome.verdict.agrees(),
            "compared": outcome.verdict.compared,
            "differences": outcome.verdict.differences,
            "unlisted_differences": outcome.verdict.unlisted,
            "violations": outcome.violations,
            "calls": outcome.calls,
            "least_calls": outcome.least_calls,
            "backfill": {"seconds": outcome.backfill_seconds, "view": outcome.backfill},
            "live": {
                "uuid": outcome.live.uuid,
                "topic": outcome.live.topic,
                "cues": outcome.live.transcript_cues,
                "chat_messages": outcome.live.chat_messages,
                "seconds": outcome.live_seconds,
            },
            "searches": outcome.samples.iter().map(|sample| json!({"query": sample.query, "hits": sample.hits})).collect::<Vec<_>>(),
            "stored": outcome.status,
            "server": if once { None } else { Some(&world.server_url) },
            "simulator": if once { None } else { Some(&world.simulator_url) },
        }))
    }
}

fn figures(all: &[(&str, u64)]) -> String {
    let texts: Vec<String> = all
        .iter()
        .map(|(label, n)| {
            format!(
                "{} {}",
                paint(style::STRONG, grouped(*n)),
                paint(style::DIM, label)
            )
        })
        .collect();
    texts.join(&paint(style::DIM, " · "))
}

fn snippet(hit: &parfocal_server::views::HitView) -> String {
    hit.snippet
        .iter()
        .map(|part| {
            let text = clean(&part.text);
            if part.marked {
                paint(style::OK.bold(), text)
            } else {
                text
            }
        })
        .collect()
}
