//! What was said and written: stored with its search index in one transaction.

mod chat;
mod rows;
mod speakers;
mod summaries;
mod transcripts;

#[cfg(test)]
pub(crate) use chat::STATEMENTS as CHAT_STATEMENTS;
#[cfg(test)]
pub(crate) use rows::bulk_statements;
#[cfg(test)]
pub(crate) use speakers::STATEMENTS as SPEAKER_STATEMENTS;
pub(crate) use speakers::speaker;
pub use speakers::{NewSpeaker, SpeakerRow, StayNames};
pub use summaries::ProviderSummary;
#[cfg(test)]
pub(crate) use summaries::STATEMENTS as SUMMARY_STATEMENTS;
#[cfg(test)]
pub(crate) use transcripts::STATEMENTS as TRANSCRIPT_STATEMENTS;
