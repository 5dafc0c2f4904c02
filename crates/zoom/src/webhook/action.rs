//! What can happen, by the last part of an event's name.

use crate::lenient::text_enums;

text_enums! {
    /// What happened to a meeting or webinar.
    pub enum MeetingAction {
        /// Scheduled.
        Created = "created",
        /// Changed.
        Updated = "updated",
        /// Deleted; may come back.
        Deleted = "deleted",
        /// Deleted for good.
        PermanentlyDeleted = "permanently_deleted",
        /// Brought back.
        Recovered = "recovered",
        /// An instance began.
        Started = "started",
        /// An instance ended.
        Ended = "ended",
    }

    /// What a participant did.
    pub enum ParticipantAction {
        /// Came.
        Joined = "joined",
        /// Left.
        Left = "left",
        /// Came into the waiting room.
        JoinedWaitingRoom = "joined_waiting_room",
        /// Left the waiting room.
        LeftWaitingRoom = "left_waiting_room",
        /// Was let in.
        Admitted = "admitted",
        /// Was sent to the waiting room.
        PutInWaitingRoom = "put_in_waiting_room",
        /// Waits before the host has come.
        JbhWaiting = "jbh_waiting",
        /// Gave up waiting for the host.
        JbhWaitingLeft = "jbh_waiting_left",
        /// Came before the host.
        JbhJoined = "jbh_joined",
        /// Went to a breakout room.
        JoinedBreakoutRoom = "joined_breakout_room",
        /// Left a breakout room.
        LeftBreakoutRoom = "left_breakout_room",
        /// Got another role.
        RoleChanged = "role_changed",
    }

    /// What happened to a registration.
    pub enum RegistrationAction {
        /// Somebody registered.
        Created = "created",
        /// Approved.
        Approved = "approved",
        /// Cancelled.
        Cancelled = "cancelled",
        /// Denied.
        Denied = "denied",
    }

    /// What happened to a recording.
    pub enum RecordingAction {
        /// Recording began.
        Started = "started",
        /// Recording stopped.
        Stopped = "stopped",
        /// Recording paused.
        Paused = "paused",
        /// Recording went on.
        Resumed = "resumed",
        /// The files are ready; the transcript usually comes later.
        Completed = "completed",
        /// The transcript is ready.
        TranscriptCompleted = "transcript_completed",
        /// Moved to the trash.
        Trashed = "trashed",
        /// Deleted for good.
        Deleted = "deleted",
        /// Brought back from the trash.
        Recovered = "recovered",
        /// Given another topic.
        Renamed = "renamed",
        /// Several were moved to the trash.
        BatchTrashed = "batch_trashed",
        /// Several were deleted.
        BatchDeleted = "batch_deleted",
        /// Several were brought back.
        BatchRecovered = "batch_recovered",
        /// Archive files are ready.
        ArchiveFilesCompleted = "archive_files_completed",
    }

    /// What happened to a summary.
    pub enum SummaryAction {
        /// Made.
        Completed = "completed",
        /// Changed.
        Updated = "updated",
        /// Shared.
        Shared = "shared",
        /// Moved to the trash.
        Trashed = "trashed",
        /// Brought back.
        Recovered = "recovered",
        /// Deleted.
        Deleted = "deleted",
    }

    /// What happened to a user.
    pub enum UserAction {
        /// Added.
        Created = "created",
        /// Accepted the invitation.
        InvitationAccepted = "invitation_accepted",
        /// Changed.
        Updated = "updated",
        /// Settings changed.
        SettingsUpdated = "settings_updated",
        /// Activated.
        Activated = "activated",
        /// Deactivated.
        Deactivated = "deactivated",
        /// Left the account.
        Disassociated = "disassociated",
        /// Deleted.
        Deleted = "deleted",
        /// Signed in.
        SignedIn = "signed_in",
        /// Signed out.
        SignedOut = "signed_out",
    }
}
