//! What Zoom's answers hold.

mod history;
mod people;
mod recorded;
mod schedule;

pub use history::{
    HistoryMeeting, MeetingSummary, Participant, PastInstance, PastMeeting, ReportMeeting,
};
pub use people::{
    Answer, FeatureSettings, InMeetingSettings, NewRegistration, RecordingSettings, Registrant,
    User, UserSettings,
};
pub use recorded::{FileType, MeetingTranscript, Recording, RecordingFile};
pub use schedule::{
    Invitation, Invitee, Meeting, MeetingSettings, Occurrence, Recurrence, TrackingField,
    meeting_type,
};
