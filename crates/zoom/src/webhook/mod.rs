//! Zoom's webhooks: is it from Zoom, the address challenge, and what happened.
//!
//! Verify over the bytes as received, before anything parses them: JSON written again may differ.

mod action;
mod envelope;
mod event;
mod object;
mod verify;

pub use action::{
    MeetingAction, ParticipantAction, RecordingAction, RegistrationAction, SummaryAction,
    UserAction,
};
pub use envelope::Envelope;
pub use event::{Event, EventError, EventKind, SessionKind};
pub use object::{
    AicTranscriptObject, BatchRecording, DeauthorizedObject, MeetingObject, ParticipantObject,
    RecordingObject, RegistrantObject, SummaryObject, UserObject,
};
pub use verify::{
    Challenge, ChallengeAnswer, RejectReason, SIGNATURE_HEADER, TIMESTAMP_HEADER, Verified,
    Verifier, WebhookSecret, sign,
};
