//! Talk: what was said and written in the built-in organisation's meetings, rendered with plausible times.
//!
//! A script is a text file of roles and sections; a meeting takes the opening, some of the topics and the closing, with its
//! own people in the roles. The same reference always renders to the same talk.

mod render;
mod script;

use std::sync::Arc;

pub use render::{Pace, Talk, TalkBuilder};
pub use script::{Line, Script, ScriptError, Section, count, script, script_named};

/// One cue of a transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cue {
    /// Milliseconds from the start of the recording.
    pub start_ms: u64,
    /// Milliseconds from the start of the recording.
    pub end_ms: u64,
    /// Name as shown; empty when Zoom did not know the speaker.
    pub speaker: String,
    /// What was said.
    pub text: String,
}

/// One message of the chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatMessage {
    /// Milliseconds from the start of the recording.
    pub at_ms: u64,
    /// Name as shown.
    pub sender: String,
    /// Text; may have several lines.
    pub text: String,
}

/// A person in a role of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Name as shown in the meeting (with pronouns, emoji and the like).
    pub shown: String,
    /// Name used when spoken to.
    pub called: String,
    /// Name shown in the second half, for those who rename themselves.
    pub renamed: Option<String>,
}

impl Role {
    /// A role whose spoken name is the first word of the shown one.
    #[must_use]
    pub fn new(shown: &str) -> Self {
        let called = shown.split([' ', ',', '(']).next().unwrap_or(shown);
        Self {
            shown: shown.to_owned(),
            called: called.to_owned(),
            renamed: None,
        }
    }
}

/// Names a talk: which script, which of its topics, who is in the roles, which part of it a recording holds.
#[derive(Clone, Debug, PartialEq)]
pub struct TalkRef {
    /// Index of the script.
    pub script: usize,
    /// Chooses topics, wording and times.
    pub episode: u64,
    /// People in the roles A, B, C, …
    pub cast: Arc<[Role]>,
    /// Which set of files: 0-based part and number of parts (stop and start of the recording).
    pub part: (u8, u8),
}

impl TalkRef {
    /// Names of the topics it takes, in order.
    #[must_use]
    pub fn topics(&self) -> Vec<&'static str> {
        render::topics(self)
    }

    /// The talk itself.
    #[must_use]
    pub fn render(&self) -> Talk {
        render::render(self)
    }
}
