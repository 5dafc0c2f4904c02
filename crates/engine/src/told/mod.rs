//! What is told to the outside when something happened: every type of domain event, its data as a type, and the schema made of it.
//!
//! Webhooks, server-sent events and readers of `/v1/domain-events` stand on these. Data of a version only gains fields that may be
//! missing; whatever else changes is another version.

mod data;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use parfocal_store::{NewDomainEvent, Tx};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde_json::{Value, json};

pub use data::*;

use crate::error::Result;

/// A type of event.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name, such as `meeting.ended`.
    pub name: &'static str,
    /// The version of its data.
    pub version: i64,
    /// When it is told.
    pub about: &'static str,
    /// What its `subject` is the id of.
    pub subject: &'static str,
    /// Whether it is kept in order with the others; a test of a webhook is not.
    pub kept: bool,
    schema: fn() -> Value,
}

/// A type of event with the schema of its data.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct KindView {
    /// Its name, such as `meeting.ended`.
    #[serde(rename = "type")]
    pub name: &'static str,
    /// The version of its data.
    pub version: i64,
    /// When it is told.
    pub about: &'static str,
    /// What `subject` is the id of.
    pub subject: &'static str,
    /// JSON Schema (2020-12) of the message that webhooks get, with its `data`.
    pub schema: Value,
}

macro_rules! told {
    ($($variant:ident($data:ty) = $name:literal, $version:literal, $subject:literal, $kept:literal, $about:literal;)*) => {
        /// Something that happened, with what is told of it.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Told {
            $(#[doc = $about] $variant($data),)*
        }

        impl Told {
            /// The type's name.
            pub const fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// The version of the data.
            pub const fn version(&self) -> i64 {
                match self { $(Self::$variant(_) => $version,)* }
            }

            /// The data.
            pub fn data(&self) -> Value {
                match self { $(Self::$variant(data) => json!(data),)* }
            }
        }

        /// Every type of event, by name.
        pub static KINDS: &[Kind] = &[
            $(Kind { name: $name, version: $version, about: $about, subject: $subject, kept: $kept, schema: schema_of::<$data> },)*
        ];
    };
}

told! {
    ActionItemMarked(ActionItemMarked) = "action_item.marked", 1, "action item", true, "A person said that an action item is done, or is to be done again.";
    AnswersReady(AnswersReady) = "answers.ready", 1, "meeting", true, "Answers in polls and questions to the panel of a meeting were taken in.";
    AttendeeAnswered(AttendeeAnswered) = "attendee.answered", 1, "schedule", true, "Somebody who was invited answered.";
    BackfillFinished(BackfillFinished) = "backfill.finished", 1, "backfill", true, "Everything that a backfill can have was taken in.";
    ChatReady(ChatReady) = "chat.ready", 1, "meeting", true, "The chat of a meeting was read.";
    FileStored(FileStored) = "file.stored", 1, "meeting", true, "A file of a recording was stored.";
    InsightsReady(InsightsReady) = "insights.ready", 1, "meeting", true, "A meeting was understood: summary, action items, decisions.";
    MeetingCreated(Series) = "meeting.created", 1, "series", true, "A meeting or webinar was scheduled at Zoom.";
    MeetingDeleted(Series) = "meeting.deleted", 1, "series", true, "A meeting or webinar was deleted at Zoom.";
    MeetingEnded(Run) = "meeting.ended", 1, "meeting", true, "A meeting or webinar ended.";
    MeetingGone(Series) = "meeting.permanently_deleted", 1, "series", true, "A deleted meeting or webinar cannot come back any more.";
    MeetingRecovered(Series) = "meeting.recovered", 1, "series", true, "A deleted meeting or webinar came back.";
    MeetingRegistrationApproved(Registration) = "meeting.registration_approved", 1, "registration", true, "A registration for a meeting was approved.";
    MeetingRegistrationCancelled(Registration) = "meeting.registration_cancelled", 1, "registration", true, "A registration for a meeting was cancelled.";
    MeetingRegistrationCreated(Registration) = "meeting.registration_created", 1, "registration", true, "Somebody registered for a meeting.";
    MeetingRegistrationDenied(Registration) = "meeting.registration_denied", 1, "registration", true, "A registration for a meeting was denied.";
    MeetingStarted(Run) = "meeting.started", 1, "meeting", true, "A meeting or webinar began.";
    MeetingUpdated(Series) = "meeting.updated", 1, "series", true, "A meeting or webinar was changed at Zoom.";
    Test(Test) = "parfocal.test", 1, "nothing", false, "A person asked whether a webhook arrives; nothing has happened.";
    ParticipantsReady(ParticipantsReady) = "participants.ready", 1, "meeting", true, "It is known who was in a meeting, from when to when.";
    PersonConsent(PersonConsent) = "person.consent", 1, "person", true, "It was written down what a person said about being written to.";
    PersonSplit(PersonSplit) = "person.split", 1, "person", true, "Two who were taken for one person are two again; told of each.";
    RecordingDeleted(Recording) = "recording.deleted", 1, "meeting", true, "A recording was deleted, or moved to the bin.";
    RecordingReady(Recording) = "recording.ready", 1, "meeting", true, "A recording has new files.";
    RecordingRecovered(Recording) = "recording.recovered", 1, "meeting", true, "A deleted recording came back.";
    ScheduleCancelled(ScheduleTold) = "schedule.cancelled", 1, "schedule", true, "A meeting that was scheduled here was cancelled.";
    ScheduleChanged(ScheduleTold) = "schedule.changed", 1, "schedule", true, "A meeting that was scheduled here was changed.";
    ScheduleCreated(ScheduleTold) = "schedule.created", 1, "schedule", true, "A meeting was scheduled here.";
    ScheduleFailed(ScheduleFailed) = "schedule.failed", 1, "schedule", true, "What was to be scheduled or changed could not be, and was taken back.";
    ScheduleStuck(ScheduleFailed) = "schedule.stuck", 1, "schedule", true, "What was to be scheduled or changed can neither be done nor taken back: a person has to look.";
    SummaryReady(Summary) = "summary.ready", 1, "meeting", true, "Zoom's AI Companion wrote a summary of a meeting, or another one.";
    SummaryRemoved(Summary) = "summary.removed", 1, "meeting", true, "The summary of Zoom's AI Companion was taken back.";
    TranscriptReady(TranscriptReady) = "transcript.ready", 1, "meeting", true, "What was said in a meeting was read.";
    WebinarRegistrationApproved(Registration) = "webinar.registration_approved", 1, "registration", true, "A registration for a webinar was approved.";
    WebinarRegistrationCancelled(Registration) = "webinar.registration_cancelled", 1, "registration", true, "A registration for a webinar was cancelled.";
    WebinarRegistrationCreated(Registration) = "webinar.registration_created", 1, "registration", true, "Somebody registered for a webinar.";
    WebinarRegistrationDenied(Registration) = "webinar.registration_denied", 1, "registration", true, "A registration for a webinar was denied.";
}

impl Kind {
    /// The schema of the message that webhooks get.
    pub fn message(&self) -> Value {
        let data = (self.schema)();
        let cut = json!({
            "type": "object",
            "description": "What stands in place of data larger than 20 kB.",
            "properties": {
                "left_out": {"const": true},
                "fetch": {"type": "string", "description": "The path under which the event can be fetched whole."},
            },
            "required": ["left_out", "fetch"],
        });
        let mut properties = json!({
            "type": {"const": self.name},
            "timestamp": {"type": "string", "format": "date-time", "description": "When it happened."},
            "version": {"const": self.version, "description": "The version of the data."},
            "data": data,
        });
        let mut required = vec!["type", "timestamp", "version", "data"];
        if self.kept {
            properties["data"] = json!({"anyOf": [properties["data"].take(), cut]});
            properties["sequence"] = json!({"type": "integer", "minimum": 1, "description": "The event's place in the order of all."});
            properties["subject"] = json!({"type": "string", "description": format!("Our id of the {}.", self.subject)});
            properties["order_key"] =
                json!({"type": "string", "description": "Messages of one key come in order."});
            required.extend(["sequence", "subject", "order_key"]);
        }
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": format!("urn:parfocal:event:{}:{}", self.name, self.version),
            "title": self.name,
            "description": self.about,
            "type": "object",
            "properties": properties,
            "required": required,
        })
    }

    /// The type as it is shown.
    pub fn view(&self) -> KindView {
        KindView {
            name: self.name,
            version: self.version,
            about: self.about,
            subject: self.subject,
            schema: self.message(),
        }
    }
}

/// The type of a name.
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

fn schema_of<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    settings
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
        .into()
}

/// Tells that something happened to a thing of ours, if and only if this transaction is committed.
///
/// # Errors
/// The store cannot be written.
pub async fn tell(tx: &mut Tx, subject: impl ToString, told: Told, now: Timestamp) -> Result<()> {
    let event = NewDomainEvent {
        event_type: told.name().to_owned(),
        v: told.version(),
        subject_id: subject.to_string(),
        data: told.data(),
    };
    tx.append_event(&event, now).await?;
    Ok(())
}
