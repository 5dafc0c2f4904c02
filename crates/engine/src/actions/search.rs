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
use crate::keys::Sight;

pub(super) fn actions() -> Vec<Action> {
    vec![
        Action::new(
            "search",
            Effect::Read,
            "Search what was said",
            "Finds what was said and written in meetings: words, \"phrases\", prefix*, OR, -without, speaker:, participant:, host:, \
             topic:, series:, kind:, from:, before:. Words count in any of their forms; where nothing has all, what has some is found. Each hit names its transcript and cues, so that it can be cited.",
            search,
        )
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
    /// `relevance` (the default) or `date`: the latest meetings first.
    #[schemars(extend("enum" = ["relevance", "date"]))]
    sort: Option<String>,
    /// Hits of one meeting at most, so that a page shows many meetings.
    #[schemars(range(min = 1, max = 200))]
    per_meeting: Option<u32>,
    /// Only what one of these is: `said`, `written`, `title`, `action_item`, `decision`, `question`, `follow_up`, `topic`,
    /// `summary` or `chapter`.
    kind: Option<String>,
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
    /// In the topic of the meeting.
    Title,
    /// An action item.
    ActionItem,
    /// A decision.
    Decision,
    /// An open question.
    Question,
    /// A follow-up.
    FollowUp,
    /// A topic that was spoken of.
    Topic,
    /// A sentence of the summary.
    Summary,
    /// What a stretch of the talk was about.
    Chapter,
    /// A statement of another kind.
    Insight,
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
    let mut faults = Faults::default();
    let zone: Option<TimeZone> = check::zone(input.timezone.as_deref(), &mut faults);
    faults.done("the search cannot be made")?;
    let text = crate::search::with_filters(&input.query, [("kind", input.kind.as_deref())]);
    let sight = Sight::of(&cx.app, &cx.caller).await?;
    let wanted = crate::search::Wanted {
        limit: input.limit.unwrap_or(20),
        after: input.after.as_deref(),
        per_meeting: input.per_meeting,
        sort: if input.sort.as_deref() == Some("date") {
            crate::search::Sort::Date
        } else {
            crate::search::Sort::Relevance
        },
        accounts: sight.accounts(),
        ..crate::search::Wanted::new(&text)
    };
    let page = crate::search::search_for(&cx.app, &wanted, zone.as_ref()).await?;
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
            HitKind::Title => Where::Title,
            HitKind::ActionItem => Where::ActionItem,
            HitKind::Decision => Where::Decision,
            HitKind::Question => Where::Question,
            HitKind::FollowUp => Where::FollowUp,
            HitKind::Topic => Where::Topic,
            HitKind::Summary => Where::Summary,
            HitKind::Chapter => Where::Chapter,
            _ => Where::Insight,
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
