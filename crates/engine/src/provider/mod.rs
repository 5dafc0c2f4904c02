//! Meeting providers: what makes, changes and cancels the meetings that people join.
//!
//! The orchestrator of scheduling knows only [`MeetingProvider`]; nothing of Zoom is in it. What one provider has and another
//! has not is said by [`Capabilities`] and refused by [`MeetingProvider::check`] before anything outside is touched.
//! Every provider passes the same [`conformance`] kit.
//!
//! Repeating must be safe: [`MeetingProvider::create`] writes the plan's key where [`MeetingProvider::find`] sees it again, and
//! deleting what is gone already is a success.

pub mod conformance;
mod memory;
mod model;
mod zoom;

use std::fmt;

use jiff::Timestamp;
use parfocal_formats::recurrence::Unsupported;

pub use crate::registry::{Answering, Registry};
pub use memory::Memory;
pub use model::{
    Capabilities, Identity, MeetingChange, MeetingPlan, MeetingState, OccurrenceState,
    ProviderMeeting, ProviderOccurrence, ProviderParticipant, ProviderRecording,
    ProviderRecordingFile, ProviderRegistrant, ProviderTranscript, RegistrantState, Registration,
};

/// Registers the providers that there always are.
pub(crate) fn register(app: &crate::App) {
    app.providers().register_with(zoom::NAME, |app, account| {
        Box::pin(async move {
            let provider = zoom::ZoomProvider::open(app, account.as_deref()).await?;
            Ok(std::sync::Arc::new(provider) as std::sync::Arc<dyn MeetingProvider>)
        })
    });
}

/// Makes, changes and cancels meetings for one account.
///
/// # Errors
/// Failures whose [`Kind`](crate::Kind) is `Unavailable` or `Limited` may be tried again later (at
/// [`EngineError::retry_at`](crate::EngineError::retry_at) where it says so); `outcome_unknown` means that a creation may have
/// happened and has to be looked for with [`MeetingProvider::find`]; every other failure would come again.
pub trait MeetingProvider: fmt::Debug + Send + Sync {
    /// The name it is registered under, such as `zoom`.
    fn provider_name(&self) -> &str;

    /// What it can and cannot do.
    fn capabilities(&self) -> Capabilities;

    /// Refuses what it cannot hold; asks nobody.
    ///
    /// # Errors
    /// The first part of the plan that it does not have, with the reason and a way out.
    fn check(&self, plan: &MeetingPlan) -> Result<(), Unsupported>;

    /// Shows that its credentials work, and whose they are.
    fn authenticate(&self) -> Answering<'_, Identity>;

    /// Makes a meeting. What it makes carries the plan's key, so that [`MeetingProvider::find`] knows it again.
    fn create<'a>(&'a self, plan: &'a MeetingPlan) -> Answering<'a, ProviderMeeting>;

    /// The meeting that carries the plan's key, if there is one that was made at or after `since`.
    ///
    /// # Errors
    /// `outcome_unknown` when several carry it.
    fn find<'a>(
        &'a self,
        plan: &'a MeetingPlan,
        since: Timestamp,
    ) -> Answering<'a, Option<ProviderMeeting>>;

    /// A meeting with its occurrences; none when it does not exist (any more).
    fn get<'a>(&'a self, id: &'a str) -> Answering<'a, Option<ProviderMeeting>>;

    /// Changes a meeting, or one occurrence of a series by the provider's id of it; its id and address stay. Doing it twice is
    /// as doing it once.
    ///
    /// # Errors
    /// `zoom_not_found` or `not_found` when it does not exist.
    fn update<'a>(
        &'a self,
        id: &'a str,
        occurrence: Option<&'a str>,
        change: &'a MeetingChange,
    ) -> Answering<'a, ()>;

    /// Cancels a meeting, or one occurrence; that it is gone already is a success.
    fn delete<'a>(&'a self, id: &'a str, occurrence: Option<&'a str>) -> Answering<'a, ()>;

    /// The meetings that a host has still to hold, or all that it knows for a provider without hosts.
    fn list<'a>(&'a self, host: Option<&'a str>) -> Answering<'a, Vec<ProviderMeeting>>;

    /// The occurrences of a series as the provider has them, cancelled ones included, in order; of a single meeting none.
    fn occurrences<'a>(&'a self, id: &'a str) -> Answering<'a, Vec<ProviderOccurrence>>;

    /// Who registered for a meeting, whether they may come or not; of one without registration nobody.
    fn registrants<'a>(&'a self, id: &'a str) -> Answering<'a, Vec<ProviderRegistrant>>;

    /// Registers somebody who was invited, and lets them in. Asking again for an address makes no second registrant of it, but is
    /// one of the few times that it can be asked for on a day.
    ///
    /// # Errors
    /// Of the kind `Limited` when the provider does it so many times a day and no more.
    fn register<'a>(
        &'a self,
        id: &'a str,
        email: &'a str,
        name: Option<&'a str>,
    ) -> Answering<'a, ProviderRegistrant>;

    /// Takes a registration back.
    fn unregister<'a>(
        &'a self,
        id: &'a str,
        registrant: &'a ProviderRegistrant,
    ) -> Answering<'a, ()>;

    /// Who was in an ended meeting, by the id of the meeting.
    fn participants<'a>(&'a self, id: &'a str) -> Answering<'a, Vec<ProviderParticipant>>;

    /// The recording of an ended meeting; none when there is none (yet).
    fn recording<'a>(&'a self, id: &'a str) -> Answering<'a, Option<ProviderRecording>>;

    /// The transcript of an ended meeting; none when there is none (yet).
    fn transcript<'a>(&'a self, id: &'a str) -> Answering<'a, Option<ProviderTranscript>>;
}

/// The address that opens a provider's own program on a device, for an address to join that is known to be one of theirs.
///
/// Browsers and mail programs want the address itself; a message to a device may offer this beside it.
pub fn deep_links(join_url: &str) -> Option<DeepLinks> {
    zoom::deep_links(join_url)
}

/// Addresses that open a provider's own program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeepLinks {
    /// On a telephone or tablet.
    pub mobile: String,
    /// On a computer.
    pub desktop: String,
}
