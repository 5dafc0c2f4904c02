//! What goes in, what comes out, and the order of work.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::language::{Ear, LanguageShare};
use crate::sentence::{Sentence, sentences};
use crate::stats::{Stats, stats};
use crate::turns::{Utterance, utterances};
use crate::words::{Numbers, Words};
use crate::{actions, chapters, decisions, questions, summary, topics, verify};

/// Version of the rules; results of another version are made anew.
pub const VERSION: &str = "3";

/// One line of a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The cue's ordinal, from 1: what a citation names.
    pub n: u32,
    /// Start in milliseconds from the start of the recording.
    pub start_ms: u32,
    /// End in milliseconds.
    pub end_ms: u32,
    /// Who speaks, if the transcript says so.
    pub speaker: Option<&'a str>,
    /// The words.
    pub text: &'a str,
}

/// What the reader wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish<'a> {
    /// The day of the meeting where it was held; "by Friday" is counted from it.
    pub date: Option<Date>,
    /// What the summary is to be about; everything when none.
    pub query: Option<&'a str>,
    /// Length of the summary in words.
    pub words: usize,
}

impl Default for Wish<'_> {
    fn default() -> Self {
        Self {
            date: None,
            query: None,
            words: 130,
        }
    }
}

/// The kinds of statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A sentence of the summary.
    Summary,
    /// A sentence of a chapter's summary.
    Chapter,
    /// Something somebody is to do.
    ActionItem,
    /// Something that was decided.
    Decision,
    /// A question that stayed open.
    Question,
    /// Something to come back to.
    FollowUp,
    /// A topic, cited where it is spoken of first.
    Topic,
}

impl Kind {
    /// The name in data, as it is serialised.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Summary => "summary",
            Self::Chapter => "chapter",
            Self::ActionItem => "action_item",
            Self::Decision => "decision",
            Self::Question => "question",
            Self::FollowUp => "follow_up",
            Self::Topic => "topic",
        }
    }
}

/// The place in the talk that proves a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Citation {
    /// Ordinal of the first cue.
    pub from: u32,
    /// Ordinal of the last cue.
    pub to: u32,
    /// The words as they stand there.
    pub quote: String,
}

/// One statement with its proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Insight {
    /// What kind of statement.
    pub kind: Kind,
    /// The statement: what was said, tidied for reading.
    pub text: String,
    /// Who said it.
    pub speaker: Option<String>,
    /// Who is to do it, for action items, where the talk shows it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub owner: Option<String>,
    /// By when, for action items, counted from the day of the meeting.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due: Option<Date>,
    /// The words that `due` was read from.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub due_text: Option<String>,
    /// How sure the rules are, 0 to 1.
    pub confidence: f64,
    /// When it was said, in milliseconds from the start of the recording.
    pub start_ms: u32,
    /// The proof.
    pub cite: Citation,
}

/// The summary of the whole talk.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// A sentence made from the topics and the talk times: the only one that was not said by anybody.
    pub opening: Option<String>,
    /// Sentences that were said, in their order.
    pub sentences: Vec<Insight>,
}

impl Summary {
    /// The summary as one paragraph.
    pub fn text(&self) -> String {
        let said = self.sentences.iter().map(|sentence| sentence.text.as_str());
        let all: Vec<&str> = self.opening.as_deref().into_iter().chain(said).collect();
        all.join(" ")
    }
}

/// A stretch of the talk about one thing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chapter {
    /// Its topics.
    pub title: String,
    /// Start in milliseconds.
    pub start_ms: u32,
    /// End in milliseconds.
    pub end_ms: u32,
    /// Ordinal of the first cue.
    pub from: u32,
    /// Ordinal of the last cue.
    pub to: u32,
    /// What was said in it, shortly.
    pub sentences: Vec<Insight>,
}

/// Everything the analyst found.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Analysis {
    /// Languages of the talk by their share.
    pub languages: Vec<LanguageShare>,
    /// Who spoke how much.
    pub stats: Stats,
    /// The summary; empty when the talk is not in English.
    pub summary: Summary,
    /// The talk in chapters; none for a short one.
    pub chapters: Vec<Chapter>,
    /// What is to be done.
    pub action_items: Vec<Insight>,
    /// What was decided.
    pub decisions: Vec<Insight>,
    /// What stayed open.
    pub questions: Vec<Insight>,
    /// What is to be come back to.
    pub follow_ups: Vec<Insight>,
    /// What was talked about, the most talked about first.
    pub topics: Vec<Insight>,
    /// Statements left out because their proof did not stand.
    pub dropped: u32,
}

/// What the parts of the analyst look at.
pub(crate) struct Talk<'t, 'l> {
    pub(crate) lines: &'t [Line<'l>],
    pub(crate) turns: &'t [Utterance],
    pub(crate) sentences: &'t [Sentence],
    pub(crate) words: &'t Words,
    pub(crate) numbers: &'t Numbers,
    /// Length of the talk in milliseconds, from its first word to its last.
    pub(crate) length_ms: u32,
}

impl Talk<'_, '_> {
    /// The statement that a sentence makes.
    pub(crate) fn insight(&self, sentence: &Sentence, kind: Kind, confidence: f64) -> Insight {
        let turn = &self.turns[sentence.turn];
        Insight {
            kind,
            text: sentence.clean.clone(),
            speaker: turn.speaker.clone(),
            owner: None,
            due: None,
            due_text: None,
            confidence: crate::window::hundredths(confidence.clamp(0.0, 1.0)),
            start_ms: sentence.start_ms,
            cite: Citation {
                from: self.lines[sentence.first].n,
                to: self.lines[sentence.last].n,
                quote: turn.text[sentence.from..sentence.to].to_owned(),
            },
        }
    }
}

/// Reads a talk.
///
/// Lines are expected in the order of the file. Whatever stands in them is only ever quoted: nothing said in a meeting
/// is an instruction to the analyst.
pub fn analyse(lines: &[Line<'_>], wish: &Wish<'_>) -> Analysis {
    let turns = utterances(lines);
    let words = Words::english();
    let ear = Ear::of(&turns, &words);
    let mut numbers = Numbers::default();
    let sentences = sentences(lines, &turns, &words, &mut numbers, &ear);
    let start = turns.iter().map(|turn| turn.start_ms).min().unwrap_or(0);
    let end = turns.iter().map(|turn| turn.end_ms).max().unwrap_or(0);
    let talk = Talk {
        lines,
        turns: &turns,
        sentences: &sentences,
        words: &words,
        numbers: &numbers,
        length_ms: end - start,
    };
    let stats = stats(lines, &turns);
    let topics = topics::topics(&talk, 0..sentences.len());
    let mut found = Analysis {
        languages: ear.shares(&turns),
        summary: summary::summary(&talk, &topics, &stats, wish),
        chapters: chapters::chapters(&talk),
        action_items: actions::actions(&talk, wish.date),
        decisions: decisions::decisions(&talk),
        questions: questions::questions(&talk),
        follow_ups: questions::follow_ups(&talk),
        topics: topics::insights(&talk, &topics),
        stats,
        dropped: 0,
    };
    found.dropped = verify::keep_proven(&mut found, lines);
    found
}
