use jiff::Timestamp;
use jiff::civil::Date;
use parfocal_engine::store::{ActionRow, InsightRow, Sighting};
use parfocal_engine::talk::beside::ZoomSummary;
use parfocal_engine::talk::tracker::{self, Tracked};
use parfocal_engine::understand::{Chapter, Insight, MeetingInsights, PartInsights, SpeakerStats};
use serde::Serialize;

/// What a meeting was about.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct MeetingInsightsView {
    /// The meeting, as our id.
    pub meeting_id: String,
    /// What it was about.
    pub topic: Option<String>,
    /// When it began.
    pub start_time: Option<Timestamp>,
    /// One for each recorded stretch, in order.
    pub parts: Vec<PartInsightsView>,
    /// What Zoom's AI Companion wrote of it, where that was taken in; nothing of it is proven by the transcript.
    pub zoom_summary: Option<ZoomSummary>,
}

impl MeetingInsightsView {
    /// The same with what Zoom wrote beside it.
    #[must_use]
    pub fn beside(self, zoom_summary: Option<ZoomSummary>) -> Self {
        Self {
            zoom_summary,
            ..self
        }
    }
}

impl From<MeetingInsights> for MeetingInsightsView {
    fn from(found: MeetingInsights) -> Self {
        Self {
            meeting_id: found.instance.id.to_string(),
            topic: found.instance.topic,
            start_time: found.instance.start,
            parts: found
                .parts
                .into_iter()
                .map(PartInsightsView::from)
                .collect(),
            zoom_summary: None,
        }
    }
}

/// What was found in one transcript.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct PartInsightsView {
    /// The transcript, as our id: what cues belong to.
    pub transcript_id: String,
    /// When its recording began; times count from here.
    pub recording_start: Option<Timestamp>,
    /// The analyst: `embedded`, or a model's name.
    pub model: String,
    /// Version of its rules or prompt.
    pub version: String,
    /// Languages of the talk with their share, 0 to 1.
    pub languages: Vec<LanguageView>,
    /// A sentence made from topics and talk times: the only one that nobody said.
    pub opening: Option<String>,
    /// The summary, in the order in which it was said.
    pub summary: Vec<InsightView>,
    /// The talk in chapters; none for a short one.
    pub chapters: Vec<ChapterView>,
    /// What was decided.
    pub decisions: Vec<InsightView>,
    /// What is to be done.
    pub action_items: Vec<InsightView>,
    /// What stayed open.
    pub questions: Vec<InsightView>,
    /// What is to be come back to.
    pub follow_ups: Vec<InsightView>,
    /// What was talked about.
    pub topics: Vec<InsightView>,
    /// Who spoke how much, who spoke longest first.
    pub speakers: Vec<SpeakerShareView>,
    /// From the first word to the last, in milliseconds.
    pub length_ms: u32,
    /// How often nobody spoke for ten seconds or more.
    pub silences: u32,
    /// How long nobody spoke in all of these, in milliseconds.
    pub silence_ms: u64,
    /// Statements left out because their proof did not stand.
    pub dropped: u32,
}

impl From<PartInsights> for PartInsightsView {
    fn from(part: PartInsights) -> Self {
        let list = |insights: Vec<Insight>| insights.into_iter().map(InsightView::from).collect();
        let found = part.analysis;
        Self {
            transcript_id: part.transcript.id.to_string(),
            recording_start: part.recording_start,
            model: part.model,
            version: part.version,
            languages: found
                .languages
                .into_iter()
                .map(|language| LanguageView {
                    code: language.code,
                    share: language.share,
                })
                .collect(),
            opening: found.summary.opening,
            summary: list(found.summary.sentences),
            chapters: found.chapters.into_iter().map(ChapterView::from).collect(),
            decisions: list(found.decisions),
            action_items: list(found.action_items),
            questions: list(found.questions),
            follow_ups: list(found.follow_ups),
            topics: list(found.topics),
            speakers: found
                .stats
                .speakers
                .into_iter()
                .map(SpeakerShareView::from)
                .collect(),
            length_ms: found.stats.length_ms,
            silences: found.stats.silences,
            silence_ms: found.stats.silence_ms,
            dropped: found.dropped,
        }
    }
}

/// A language of a talk.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct LanguageView {
    /// Its code, such as `en`.
    pub code: String,
    /// Its share of the words, 0 to 1.
    pub share: f64,
}

/// A statement with its proof.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct InsightView {
    /// The statement.
    pub text: String,
    /// Who said it.
    pub speaker: Option<String>,
    /// Who is to do it, for action items.
    pub owner: Option<String>,
    /// By when, for action items.
    #[schemars(with = "Option<String>")]
    pub due: Option<Date>,
    /// The words that the day was read from.
    pub due_text: Option<String>,
    /// How sure the analyst is, 0 to 1.
    pub confidence: f64,
    /// When it was said, in milliseconds from the start of the recording.
    pub start_ms: u32,
    /// First cue of its proof.
    pub cue_from: u32,
    /// Last cue of its proof.
    pub cue_to: u32,
    /// The words as they stand there.
    pub quote: String,
}

impl From<Insight> for InsightView {
    fn from(insight: Insight) -> Self {
        Self {
            text: insight.text,
            speaker: insight.speaker,
            owner: insight.owner,
            due: insight.due,
            due_text: insight.due_text,
            confidence: insight.confidence,
            start_ms: insight.start_ms,
            cue_from: insight.cite.from,
            cue_to: insight.cite.to,
            quote: insight.cite.quote,
        }
    }
}

/// A stretch of the talk about one thing.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct ChapterView {
    /// Its topics.
    pub title: String,
    /// Start in milliseconds.
    pub start_ms: u32,
    /// End in milliseconds.
    pub end_ms: u32,
    /// First cue.
    pub cue_from: u32,
    /// Last cue.
    pub cue_to: u32,
    /// What was said in it, shortly.
    pub summary: Vec<InsightView>,
}

impl From<Chapter> for ChapterView {
    fn from(chapter: Chapter) -> Self {
        Self {
            title: chapter.title,
            start_ms: chapter.start_ms,
            end_ms: chapter.end_ms,
            cue_from: chapter.from,
            cue_to: chapter.to,
            summary: chapter
                .sentences
                .into_iter()
                .map(InsightView::from)
                .collect(),
        }
    }
}

/// How much somebody spoke.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct SpeakerShareView {
    /// The name; none for words without one.
    pub name: Option<String>,
    /// Time spoken, in milliseconds.
    pub talk_ms: u64,
    /// Words spoken.
    pub words: u64,
    /// How often they took the word.
    pub turns: u32,
    /// How often they cut in before another had finished.
    pub interruptions: u32,
}

impl From<SpeakerStats> for SpeakerShareView {
    fn from(stats: SpeakerStats) -> Self {
        Self {
            name: stats.name,
            talk_ms: stats.talk_ms,
            words: stats.words,
            turns: stats.turns,
            interruptions: stats.interruptions,
        }
    }
}

/// A statement with its meeting.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct StatementView {
    /// `summary`, `chapter`, `action_item`, `decision`, `question`, `follow_up`, `topic`, or a kind of the operator's.
    pub kind: String,
    /// The statement.
    pub text: String,
    /// Who said it.
    pub speaker: Option<String>,
    /// Who is to do it.
    pub owner: Option<String>,
    /// By when, as a day.
    pub due: Option<String>,
    /// The words that the day was read from.
    pub due_text: Option<String>,
    /// How sure the analyst is, in thousandths.
    pub confidence: i64,
    /// When it was said, in milliseconds from the start of the recording.
    pub start_ms: i64,
    /// First cue of its proof.
    pub cue_from: i64,
    /// Last cue of its proof.
    pub cue_to: i64,
    /// The words as they stand there.
    pub quote: String,
    /// The analyst.
    pub model: String,
    /// The transcript, as our id.
    pub transcript_id: String,
    /// The meeting, as our id.
    pub meeting_id: String,
    /// What the meeting was about.
    pub topic: Option<String>,
    /// When it began.
    pub start_time: Option<Timestamp>,
}

impl From<InsightRow> for StatementView {
    fn from(row: InsightRow) -> Self {
        Self {
            kind: row.kind,
            text: row.text,
            speaker: row.speaker,
            owner: row.owner,
            due: row.due,
            due_text: row.due_text,
            confidence: row.confidence,
            start_ms: row.start_ms,
            cue_from: row.cue_from,
            cue_to: row.cue_to,
            quote: row.quote,
            model: row.model,
            transcript_id: row.transcript_id.to_string(),
            meeting_id: row.instance_id.to_string(),
            topic: row.topic,
            start_time: row.start,
        }
    }
}

/// Something to be done, across the meetings of a series.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct ActionItemView {
    /// Our id.
    pub id: String,
    /// What is to be done, as it was said last.
    pub text: String,
    /// By whom: the name that attendance shows, else the one of the transcript.
    pub owner: Option<String>,
    /// Their address, where attendance shows it.
    pub owner_email: Option<String>,
    /// By when, as a day.
    pub due: Option<String>,
    /// The words that the day was read from.
    pub due_text: Option<String>,
    /// How sure the analyst is, in thousandths.
    pub confidence: i64,
    /// `open`, `carried` (open, and spoken of in several meetings) or `done`.
    pub state: &'static str,
    /// Who said so; none while nobody touched it.
    pub state_by: Option<String>,
    /// When they said so.
    pub state_at: Option<Timestamp>,
    /// In how many meetings it was spoken of.
    pub meetings: u64,
    /// When the first of them began.
    pub first_at: Timestamp,
    /// When the last of them began.
    pub last_at: Timestamp,
    /// What the last of them was about.
    pub topic: Option<String>,
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
            due_text: row.due_text,
            confidence: row.confidence,
            state_by: row.state_by,
            state_at: row.state_at,
            meetings: row.meetings,
            first_at: row.first_at,
            last_at: row.last_at,
            topic: row.topic,
        }
    }
}

/// Something to be done, with every place where it was spoken of.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct ActionItemDetailView {
    /// What is to be done.
    #[serde(flatten)]
    pub action: ActionItemView,
    /// Where it was spoken of, in order.
    pub sightings: Vec<SightingView>,
}

impl From<Tracked> for ActionItemDetailView {
    fn from(tracked: Tracked) -> Self {
        Self {
            action: tracked.action.into(),
            sightings: tracked
                .sightings
                .into_iter()
                .map(SightingView::from)
                .collect(),
        }
    }
}

/// Where something to be done was spoken of.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct SightingView {
    /// The meeting, as our id.
    pub meeting_id: String,
    /// The transcript, as our id.
    pub transcript_id: String,
    /// The analyst.
    pub model: String,
    /// First cue of its proof.
    pub cue_from: u32,
    /// Last cue of its proof.
    pub cue_to: u32,
    /// When it was said, in milliseconds from the start of the recording.
    pub start_ms: u32,
    /// What is to be done, as it was put there.
    pub text: String,
    /// The words as they stand there.
    pub quote: String,
    /// When the meeting began.
    pub start_time: Option<Timestamp>,
    /// What it was about.
    pub topic: Option<String>,
}

impl From<Sighting> for SightingView {
    fn from(seen: Sighting) -> Self {
        Self {
            meeting_id: seen.instance_id.to_string(),
            transcript_id: seen.transcript_id.to_string(),
            model: seen.model,
            cue_from: seen.cue_from,
            cue_to: seen.cue_to,
            start_ms: seen.start_ms,
            text: seen.text,
            quote: seen.quote,
            start_time: seen.start,
            topic: seen.topic,
        }
    }
}
