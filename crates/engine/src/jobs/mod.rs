//! Work in the background: one file per kind of job, and the runner that does them.
//!
//! Every job is *read state → act outside → one transaction that records the result and enqueues the next*; a handler
//! hands its open transaction back, and the runner adds the end of the job to it before it commits. A job that dies
//! between two lines is simply done again.

pub(crate) mod conflicts;
mod event_route;
mod failure;
pub(crate) mod file_fetch;
mod finish;
mod instance_refresh;
mod interactions_fetch;
mod kind;
mod meeting_refresh;
mod merge;
mod participants_fetch;
mod recording_refresh;
mod retry;
mod runner;
mod summary_fetch;
mod tidy;
mod transcript_analyze;
mod transcript_embed;
mod transcript_model;
mod transcript_parse;
mod verbs;

use jiff::Timestamp;
use parfocal_store::{AttemptReport, Enqueued, Job, NewJob, Tx};
use serde::de::DeserializeOwned;

pub use crate::backfill::slice::SliceJob;
pub use failure::{Failure, Verdict};
pub use file_fetch::FileFetch;
pub use finish::BackfillFinish;
pub use instance_refresh::InstanceRefresh;
pub use interactions_fetch::InteractionsFetch;
pub use kind::{JobKind, Pool};
pub use meeting_refresh::MeetingRefresh;
pub use participants_fetch::ParticipantsFetch;
pub use recording_refresh::RecordingRefresh;
pub use retry::{Policy, look_again};
pub use runner::Runner;
pub use summary_fetch::SummaryFetch;
pub use tidy::{Tidied, tidy};
pub use transcript_analyze::TranscriptAnalyze;
pub use transcript_embed::TranscriptEmbed;
pub use transcript_model::TranscriptModel;
pub use transcript_parse::TranscriptParse;
pub use verbs::{JobDetail, Open, drop_jobs, get, list, open, redrive, retry};

use crate::App;
use crate::error::{Code, EngineError, Result};

/// Priorities of jobs; lower first.
pub mod priority {
    /// A person waits.
    pub const INTERACTIVE: i64 = 0;
    /// Something that just happened.
    pub const LIVE: i64 = 10;
    /// Finding out what there is.
    pub const BACKFILL: i64 = 20;
    /// Fetching what was found, after all was found.
    pub const BACKFILL_DETAIL: i64 = 22;
}

/// What a handler hands back.
pub(crate) enum Outcome {
    /// Done; the transaction holds the results, and is committed together with the end of the job.
    Done(Option<Tx>, AttemptReport),
    /// Not yet: come back then. What the transaction holds is committed as well.
    Snooze(Option<Tx>, Timestamp, String),
    /// Not yet, and here is what was said to us.
    Wait(Option<Tx>, Timestamp, String, AttemptReport),
    /// Trying again would give the same: put it before a person.
    Bury(Option<Tx>, Failure),
}

impl Outcome {
    /// Done, with these results.
    pub(crate) fn done(tx: Tx) -> Self {
        Self::Done(Some(tx), AttemptReport::default())
    }

    /// There was nothing to do.
    pub(crate) fn nothing() -> Self {
        Self::Done(None, AttemptReport::default())
    }
}

/// Does one job.
pub(crate) async fn perform(app: &App, kind: JobKind, job: &Job) -> Result<Outcome> {
    match kind {
        JobKind::EventRoute => event_route::run(app, job).await,
        JobKind::InstanceRefresh => instance_refresh::run(app, job).await,
        JobKind::ParticipantsFetch => participants_fetch::run(app, job).await,
        JobKind::RecordingRefresh => recording_refresh::run(app, job).await,
        JobKind::SummaryFetch => summary_fetch::run(app, job).await,
        JobKind::InteractionsFetch => interactions_fetch::run(app, job).await,
        JobKind::FileFetch => file_fetch::run(app, job).await,
        JobKind::TranscriptParse => transcript_parse::run(app, job).await,
        JobKind::TranscriptAnalyze => transcript_analyze::run(app, job).await,
        JobKind::TranscriptModel => transcript_model::run(app, job).await,
        JobKind::TranscriptEmbed => transcript_embed::run(app, job).await,
        JobKind::MeetingRefresh => meeting_refresh::run(app, job).await,
        JobKind::BackfillSlice | JobKind::BackfillReport => {
            crate::backfill::slice::run(app, job).await
        }
        JobKind::BackfillFinish => finish::run(app, job).await,
        JobKind::DataErase => crate::connections::erase::run(app, job).await,
        JobKind::ScheduleAdvance => crate::schedule::advance(app, job).await,
        JobKind::ScheduleFollow => crate::schedule::follow::run(app, job).await,
        JobKind::RegistrantsSync => crate::schedule::attendees::run(app, job).await,
        JobKind::GoogleSync | JobKind::MicrosoftSync | JobKind::CaldavSync => {
            crate::calendar::work::run(app, job).await
        }
        JobKind::ReminderSend => crate::notify::reminders::run(app, job).await,
        JobKind::MailboxFetch => crate::notify::mailbox::run(app, job).await,
    }
}

/// Notes with the thing a job was about that the job was given up.
pub(crate) async fn buried(
    tx: &mut Tx,
    kind: JobKind,
    job: &Job,
    error: &str,
    now: Timestamp,
) -> Result<()> {
    match kind {
        JobKind::BackfillSlice | JobKind::BackfillReport => {
            crate::backfill::ending::buried(tx, job, error, now).await
        }
        JobKind::FileFetch => file_fetch::buried(tx, job, error, now).await,
        JobKind::TranscriptParse => transcript_parse::buried(tx, job, error, now).await,
        JobKind::ParticipantsFetch => participants_fetch::buried(tx, job, error, now).await,
        JobKind::InstanceRefresh => instance_refresh::buried(tx, job, error, now).await,
        JobKind::EventRoute => event_route::buried(tx, job, error).await,
        JobKind::ReminderSend => crate::notify::reminders::buried(tx, job, error, now).await,
        JobKind::RecordingRefresh
        | JobKind::SummaryFetch
        | JobKind::InteractionsFetch
        | JobKind::MeetingRefresh
        | JobKind::TranscriptAnalyze
        | JobKind::TranscriptModel
        | JobKind::TranscriptEmbed
        | JobKind::BackfillFinish
        | JobKind::ScheduleAdvance
        | JobKind::RegistrantsSync
        | JobKind::ScheduleFollow
        | JobKind::GoogleSync
        | JobKind::MicrosoftSync
        | JobKind::CaldavSync
        | JobKind::MailboxFetch
        | JobKind::DataErase => Ok(()),
    }
}

/// Reads a job's payload.
pub(crate) fn payload<T: DeserializeOwned>(job: &Job) -> Result<T> {
    serde_json::from_value(job.payload.clone()).map_err(|error| {
        EngineError::new(
            Code::Internal,
            format!("the payload of {} is wrong: {error}", job.kind),
        )
    })
}

/// What is common to all jobs that follow from one thing.
#[derive(Debug, Clone)]
pub(crate) struct Follow {
    /// Lane of the meeting.
    pub lane: String,
    /// Priority.
    pub priority: i64,
    /// The event, backfill or job that led to it.
    pub cause: Option<String>,
    /// Not before.
    pub run_at: Timestamp,
}

impl Follow {
    /// Enqueues a job; an open one of the same key gets the newer payload, as far as the kind's rule of merging says.
    pub(crate) async fn enqueue<P: serde::Serialize>(
        &self,
        tx: &mut Tx,
        kind: JobKind,
        key: String,
        payload: &P,
        now: Timestamp,
    ) -> Result<Enqueued> {
        let payload = serde_json::to_value(payload).map_err(|error| {
            EngineError::new(
                Code::Internal,
                format!("a payload cannot be written: {error}"),
            )
        })?;
        let job = NewJob {
            kind: kind.as_str().to_owned(),
            v: kind.version(),
            lane: Some(self.lane.clone()),
            priority: self.priority,
            dedupe_key: Some(key),
            payload,
            run_at: self.run_at,
            cause_id: self.cause.clone(),
        };
        Ok(tx
            .enqueue_merged(&job, now, |older, newer| merge::merged(kind, older, newer))
            .await?)
    }
}
