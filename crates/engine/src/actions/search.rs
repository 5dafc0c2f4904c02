//! `search`: what was said and written, from our own store.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use parfocal_store::{Hit, HitKind};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::action::{Action, Effect};
use super::check::{self, Faults};
use super::context::{Context, Step};
use super::shape::Listed;
use crate::error::{Code, EngineError};

pub(super) fn actions() -> Vec<Action> {
    vec![
        Action::new(
            "search",
            Effect::Read,
            "Search what was said",
            "Finds what was said and written in meetings: words, \"phrases\", prefix*, -without, speaker:, host:, topic:, from:, \
             before:. Each hit names its transcript and cues, so that it can be cited.",
            search,
        )
        .across_all()
        .example(json!({"query": "budget \"next quarter\" speaker:ana", "limit": 10})),
    ]
}

/// What to look for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Search {
    /// The query.
    #[schemars(length(min = 1, max = 1000))]
    query: String,
    /// In which zone the days of from: and before: are meant. Default: UTC.
    timezone: Option<String>,
    /// Hits, 1 to 200. Default 20.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

/// Where something was said or written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Where {
    /// In a transcript.
    Said,
    /// In the chat.
    Written,
}

/// Something that was said or written and fits.
#[derive(Debug, Serialize, JsonSchema)]
struct HitView {
    /// Whether it was said or written.
    kind: Where,
    /// Our id of the meeting.
    meeting_id: String,
    /// Zoom's UUID of the instance.
    uuid: String,
    /// The meeting's number.
    meeting_number: Option<String>,
    /// What the meeting was about.
    topic: Option<String>,
    /// When the meeting began.
    start: Option<Timestamp>,
    /// The host's e-mail address.
    host_email: Option<String>,
    /// Our id of the transcript, for what was said.
    transcript_id: Option<String>,
    /// The first cue, for what was said.
    cue_from: Option<u32>,
    /// The last cue, for what was said.
    cue_to: Option<u32>,
    /// Its beginning in the recording, in milliseconds.
    start_ms: u32,
    /// Its end in the recording, in milliseconds.
    end_ms: u32,
    /// Who said or wrote it.
    speaker: Option<String>,
    /// The text around what fits.
    snippet: String,
    /// Higher is better; comparable within one search only.
    score: f64,
}

async fn search(cx: Context, input: Search) -> Step<Listed<HitView>> {
    if !cx.caller.sees_everything() {
        return Err(EngineError::new(
            Code::Forbidden,
            format!(
                "{} may use some connections only, and a search looks through all",
                cx.caller.actor
            ),
        )
        .with_hint("Use a key without limits to connections.")
        .into());
    }
    let mut faults = Faults::default();
    let zone: Option<TimeZone> = check::zone(input.timezone.as_deref(), &mut faults);
    faults.done("the search cannot be made")?;
    let page = crate::search::search(
        &cx.app,
        &input.query,
        zone.as_ref(),
        input.limit.unwrap_or(20),
        input.after.as_deref(),
    )
    .await?;
    Ok(Listed {
        items: page.hits.into_iter().map(view).collect(),
        next: page.next,
    })
}

fn view(hit: Hit) -> HitView {
    HitView {
        kind: match hit.kind {
            HitKind::Said => Where::Said,
            HitKind::Written => Where::Written,
        },
        meeting_id: hit.instance_id.to_string(),
        uuid: hit.instance_external_id,
        meeting_number: hit.number,
        topic: hit.topic,
        start: hit.started_at,
        host_email: hit.host_email,
        transcript_id: hit.transcript_id.map(|id| id.to_string()),
        cue_from: hit.cues.map(|(from, _)| from),
        cue_to: hit.cues.map(|(_, to)| to),
        start_ms: hit.start_ms,
        end_ms: hit.end_ms,
        speaker: hit.speaker,
        snippet: hit.snippet,
        score: hit.score,
    }
}
