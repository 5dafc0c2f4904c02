//! The things a Zoom account holds: users, meetings, instances, attendance, recordings.
//!
//! These are facts, not JSON: the REST handlers and the webhook payloads each write them in Zoom's form.

mod instances;
mod meetings;
mod people;
mod recordings;

pub use self::instances::{Instance, InstanceHead, InstanceKey, Participant, Presence, Summary};
pub use self::meetings::{
    Meeting, MeetingDraft, Occurrence, Recurrence, Registrant, RegistrantStatus, TrackingField,
};
pub use self::people::{Account, User, UserSettings, UserStatus};
pub use self::recordings::{
    ContentRef, DiskFile, FileKind, Recording, RecordingFile, TranscriptFate,
};
pub use super::ids::InstanceUuid;
pub use crate::config::Plan;
