//! `insight.list`, `action_item.list|mark`, `transcript.export`: what was understood, from our own store.

use jiff::Timestamp;
use parfocal_store::{ActionRow, ActionState, InsightFilter, PageRequest};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::action::{Action, Effect};
use super::context::{Context, Step};
use super::participants::find_seen;
use super::shape::Listed;
use crate::error::{Code, EngineError};
use crate::talk::export::{self, Format};
use crate::talk::tracker::{self, Standing};
use crate::talk::{self, Wanted};
use crate::understand;

/// Rows when nothing is said.
const DEFAULT_LIMIT: u32 = 50;

pub(super) fn actions() -> Vec<Action> {
    vec![
        Action::new(
            "insight.list",
            Effect::Read,
            "List insights",
            "Lists what was understood of meetings: action items, decisions, open questions, topics, sentences of summaries; each \
             with the cues and the quote that prove it.",
            insights,
        )
        .example(json!({"kind": "decision", "limit": 20})),
        Action::new(
            "action_item.list",
            Effect::Read,
            "List action items",
            "Lists what people said they would do, followed across the meetings of a series: open, carried over from meeting to \
             meeting, or done; by owner.",
            list,
        )
        .example(json!({"state": "open", "owner": "Ana"})),
        Action::new(
            "action_item.mark",
            Effect::Change,
            "Mark an action item",
            "Says that an action item is done, or is to be done again. Who said so is kept.",
            mark,
        )
        .example(json!({"id": "01990000-0000-7000-8000-000000000000", "state": "done"})),
        Action::new(
            "transcript.export",
            Effect::Read,
            "Export a transcript",
            "Gives the talk of a meeting with its chat in a form: text, markdown, model (a line for each turn with time and cues to \
             cite), srt, vtt or json. Names are those that attendance shows.",
            export,
        )
        .example(json!({"meeting": "aDYlohsHRtCd4ii1uC2+hA==", "format": "model"})),
    ]
}

/// The kinds of statements.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum StatementKind {
    Summary,
    Chapter,
    ActionItem,
    Decision,
    Question,
    FollowUp,
    Topic,
}

impl StatementKind {
    const fn as_str(self) -> &'static str {
        use understand::Kind;
        match self {
            Self::Summary => Kind::Summary,
            Self::Chapter => Kind::Chapter,
            Self::ActionItem => Kind::ActionItem,
            Self::Decision => Kind::Decision,
            Self::Question => Kind::Question,
            Self::FollowUp => Kind::FollowUp,
            Self::Topic => Kind::Topic,
        }
        .as_str()
    }
}

/// Which insights.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Insights {
    /// Only this kind.
    kind: Option<StatementKind>,
    /// Only what this person is to do: the name or its beginning.
    owner: Option<String>,
    /// Only of this meeting: our id, Zoom's UUID of the instance, or a meeting number for the latest one.
    meeting: Option<String>,
    /// Rows, 1 to 500. Default 50.
    #[schemars(range(min = 1, max = 500))]
    limit: Option<u32>,
}

/// A statement with its proof.
#[derive(Debug, Serialize, JsonSchema)]
struct InsightView {
    /// `summary`, `chapter`, `action_item`, `decision`, `question`, `follow_up`, `topic`, or a kind of the operator's.
    kind: String,
    /// The statement.
    text: String,
    /// Who said it.
    speaker: Option<String>,
    /// Who is to do it.
    owner: Option<String>,
    /// By when, as a day.
    due: Option<String>,
    /// How sure the analyst is, in thousandths.
    confidence: i64,
    /// Our id of the meeting.
    meeting_id: String,
    /// What the meeting was about.
    topic: Option<String>,
    /// When it began.
    start: Option<Timestamp>,
    /// Our id of the transcript.
    transcript_id: String,
    /// First cue of its proof.
    cue_from: i64,
    /// Last cue of its proof.
    cue_to: i64,
    /// The words as they stand there.
    quote: String,
}

async fn insights(cx: Context, input: Insights) -> Step<Listed<InsightView>> {
    let instance = if let Some(which) = &input.meeting {
        Some(find_seen(&cx, which).await?.id)
    } else {
        sees_all(&cx)?;
        None
    };
    let filter = InsightFilter {
        kind: input.kind.map(StatementKind::as_str),
        owner: input.owner.as_deref(),
        instance,
    };
    let rows =
        understand::statements(&cx.app, &filter, input.limit.unwrap_or(DEFAULT_LIMIT)).await?;
    Ok(Listed {
        items: rows
            .into_iter()
            .map(|row| InsightView {
                kind: row.kind,
                text: row.text,
                speaker: row.speaker,
                owner: row.owner,
                due: row.due,
                confidence: row.confidence,
                meeting_id: row.instance_id.to_string(),
                topic: row.topic,
                start: row.start,
                transcript_id: row.transcript_id.to_string(),
                cue_from: row.cue_from,
                cue_to: row.cue_to,
                quote: row.quote,
            })
            .collect(),
        next: None,
    })
}

/// Which action items.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// Only what stands so.
    state: Option<Standing>,
    /// Only what this person owes: the name or its beginning, or the address.
    owner: Option<String>,
    /// Only what was spoken of in this meeting: our id, Zoom's UUID, or a meeting number for the latest one.
    meeting: Option<String>,
    /// Rows, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

/// Something to be done.
#[derive(Debug, Serialize, JsonSchema)]
struct ActionItemView {
    /// Our id.
    id: String,
    /// What is to be done, as it was said last.
    text: String,
    /// By whom.
    owner: Option<String>,
    /// Their address, where attendance shows it.
    owner_email: Option<String>,
    /// By when, as a day.
    due: Option<String>,
    /// `open`, `carried` (open, and spoken of in several meetings) or `done`.
    state: &'static str,
    /// Who said so; none while nobody touched it.
    state_by: Option<String>,
    /// In how many meetings it was spoken of.
    meetings: u64,
    /// When the last of them began.
    last_at: Timestamp,
    /// What the last of them was about.
    topic: Option<String>,
}

impl From<ActionRow> for ActionItemView {
    fn from(row: ActionRow) -> Self {
        Self {
            id: row.id.to_string(),
            state: tracker::standing(&row),
            text: row.text,
            owner: row.owner,
            owner_email: row.owner_email,
            due: row.due,
            state_by: row.state_by,
            meetings: row.meetings,
            last_at: row.last_at,
            topic: row.topic,
        }
    }
}

async fn list(cx: Context, input: List) -> Step<Listed<ActionItemView>> {
    let mut filter = input.state.map(Standing::filter).unwrap_or_default();
    filter.owner = input.owner;
    match &input.meeting {
        Some(which) => filter.instance = Some(find_seen(&cx, which).await?.id),
        None => sees_all(&cx)?,
    }
    let page = PageRequest {
        limit: input.limit.unwrap_or(DEFAULT_LIMIT),
        after: input.after,
    };
    let page = tracker::list(&cx.app, &filter, &page).await?;
    Ok(Listed {
        items: page.items.into_iter().map(ActionItemView::from).collect(),
        next: page.next,
    })
}

/// How an action item stands now.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Mark {
    /// Its id.
    #[schemars(length(min = 1, max = 100))]
    id: String,
    /// `done`, or `open` when it is to be done again.
    state: ActionState,
}

async fn mark(cx: Context, input: Mark) -> Step<ActionItemView> {
    sees_all(&cx)?;
    let marked = tracker::mark(&cx.app, &input.id, input.state, &cx.caller.by()).await?;
    Ok(marked.action.into())
}

/// Whose talk, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Export {
    /// Our id of the meeting, Zoom's UUID of the instance, or a meeting number for the latest one.
    #[schemars(length(min = 1, max = 200))]
    meeting: String,
    /// The form. Default: text.
    format: Option<Format>,
    /// Whether the chat is wanted too. Default: yes.
    chat: Option<bool>,
}

/// A talk, written.
#[derive(Debug, Serialize, JsonSchema)]
struct Exported {
    /// Our id of the meeting.
    meeting_id: String,
    /// The form.
    format: Format,
    /// The talk in that form.
    text: String,
}

async fn export(cx: Context, input: Export) -> Step<Exported> {
    let meeting = find_seen(&cx, &input.meeting).await?.id;
    let format = input.format.unwrap_or(Format::Text);
    let wanted = Wanted {
        without_chat: input.chat == Some(false),
        ..Wanted::default()
    };
    let talk = talk::of_instance(&cx.app, meeting, &wanted).await?;
    Ok(Exported {
        meeting_id: meeting.to_string(),
        format,
        text: export::write(talk, format),
    })
}

fn sees_all(cx: &Context) -> crate::Result<()> {
    if cx.caller.sees_everything() {
        return Ok(());
    }
    Err(EngineError::new(
        Code::Forbidden,
        format!(
            "{} may use some connections only, and this looks through all",
            cx.caller.actor
        ),
    )
    .with_hint("Name a meeting, or use a key without limits to connections."))
}
