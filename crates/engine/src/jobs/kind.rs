//! The one list of job kinds.

use std::time::Duration;

use super::retry::Policy;
use crate::config::Config;

/// Jobs that wait for the same thing share a pool of workers, so that all rate labels are used side by side and a
/// queue for one never holds up the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pool {
    /// Work on this machine.
    Local,
    /// Calls that Zoom labels light.
    Light,
    /// Calls that Zoom labels medium.
    Medium,
    /// Calls that Zoom labels heavy.
    Heavy,
    /// Downloads, which count against no label.
    Download,
    /// Questions to language models, which take minutes.
    Model,
}

impl Pool {
    /// All pools.
    pub const ALL: [Self; 6] = [
        Self::Local,
        Self::Light,
        Self::Medium,
        Self::Heavy,
        Self::Download,
        Self::Model,
    ];

    /// How many jobs of the pool run at once.
    pub fn size(self, config: &Config) -> usize {
        let workers = config.jobs.workers.max(5);
        let size = match self {
            Self::Local | Self::Light | Self::Download => workers / 5,
            Self::Medium => workers / 4,
            Self::Heavy => workers / 8,
            Self::Model => config
                .models
                .in_use()
                .map_or(1, |(_, server)| server.parallel),
        };
        let size = size.max(1);
        match self {
            Self::Medium | Self::Heavy => size.min(config.backfill.parallel.max(1)),
            _ => size,
        }
    }
}

macro_rules! kinds {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $version:literal, $pool:ident, $seconds:literal;)+) => {
        /// A kind of job.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum JobKind { $($(#[doc = $doc])+ $variant,)+ }

        impl JobKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The name, `noun.verb`.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            /// The highest version of the payload that this program knows.
            pub const fn version(self) -> i64 {
                match self { $(Self::$variant => $version,)+ }
            }

            /// The workers that do it.
            pub const fn pool(self) -> Pool {
                match self { $(Self::$variant => Pool::$pool,)+ }
            }

            /// How long one try may take.
            pub const fn timeout(self) -> Duration {
                match self { $(Self::$variant => Duration::from_secs($seconds),)+ }
            }

            /// What the kind does, for documentation and listings.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii(),)+ }
            }
        }
    };
}

kinds! {
    /// Reads one accepted event and writes what it says.
    EventRoute = "event.route", 1, Local, 120;
    /// Asks Zoom for the real times and the head count of an ended instance.
    InstanceRefresh = "instance.refresh", 1, Light, 300;
    /// Asks Zoom who took part in an ended instance.
    ParticipantsFetch = "participants.fetch", 1, Medium, 900;
    /// Asks Zoom for the recording of one instance and its files.
    RecordingRefresh = "recording.refresh", 1, Light, 300;
    /// Asks Zoom for what its AI Companion wrote of one meeting.
    SummaryFetch = "summary.fetch", 1, Light, 300;
    /// Asks Zoom what people answered in the polls of an ended instance and what they asked.
    InteractionsFetch = "interactions.fetch", 1, Medium, 300;
    /// Downloads one file of a recording.
    FileFetch = "file.fetch", 1, Download, 3600;
    /// Reads a downloaded transcript or chat file.
    TranscriptParse = "transcript.parse", 1, Local, 300;
    /// Finds out what a transcript is about: a summary, action items, decisions, questions.
    TranscriptAnalyze = "transcript.analyze", 1, Local, 300;
    /// Has the language model in use find out what a transcript is about.
    TranscriptModel = "transcript.model", 1, Model, 7200;
    /// Gives the passages of a transcript their vectors, for searching by meaning.
    TranscriptEmbed = "transcript.embed", 1, Model, 3600;
    /// Asks Zoom for the settings, recurrence and occurrences of a series.
    MeetingRefresh = "meeting.refresh", 1, Light, 300;
    /// Works on one piece of a backfill.
    BackfillSlice = "backfill.slice", 1, Medium, 1800;
    /// Works on one piece of a backfill that is read from a report.
    BackfillReport = "backfill.report", 1, Heavy, 1800;
    /// Looks whether a backfill is complete, and settles what it could not find.
    BackfillFinish = "backfill.finish", 1, Local, 600;
    /// Goes on with making, changing or cancelling a scheduled meeting.
    ScheduleAdvance = "schedule.advance", 1, Light, 600;
    /// Looks whether a scheduled meeting was changed at its provider.
    ScheduleFollow = "schedule.follow", 1, Light, 600;
    /// Brings registrants at the provider and people who are invited into line.
    RegistrantsSync = "registrants.sync", 1, Light, 600;
    /// Erases what was taken in of an account or a host, in batches.
    DataErase = "data.erase", 1, Local, 3600;
    /// Looks what changed in a calendar of Google.
    GoogleSync = "google.sync", 1, Local, 300;
    /// Looks what changed in a calendar of Microsoft 365.
    MicrosoftSync = "microsoft.sync", 1, Local, 300;
    /// Looks what changed in a calendar of a CalDAV server.
    CaldavSync = "caldav.sync", 1, Local, 300;
    /// Reminds one person of one meeting.
    ReminderSend = "reminder.send", 1, Local, 120;
    /// Looks for answers to invitations in the mailbox.
    MailboxFetch = "mailbox.fetch", 1, Local, 600;
}

impl JobKind {
    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name)
    }

    /// How often it is tried.
    pub fn policy(self, config: &Config) -> Policy {
        match self.pool() {
            Pool::Local => Policy::LOCAL,
            _ => Policy {
                max_attempts: config.jobs.max_attempts.max(1),
                first: Duration::from_secs(10),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_read_back() {
        for kind in JobKind::ALL {
            assert_eq!(JobKind::parse(kind.as_str()), Some(*kind));
            assert!(kind.as_str().contains('.'));
            assert!(kind.about().ends_with('.'), "{}", kind.about());
        }
        assert_eq!(JobKind::parse("no.such"), None);
    }

    #[test]
    fn every_pool_has_workers() {
        let mut config = Config::default();
        config.jobs.workers = 1;
        for pool in Pool::ALL {
            assert!(pool.size(&config) >= 1);
        }
    }
}
