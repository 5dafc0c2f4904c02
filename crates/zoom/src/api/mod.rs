//! Typed calls, grouped as Zoom groups them.
//!
//! Every field of an answer is optional: Zoom's reference promises few of them. What has no field here is in `extra`,
//! and [`crate::Reply::raw`] is the object as Zoom sent it. For endpoints without a typed call there is
//! [`crate::Client::call`].

mod adopt;
mod meetings;
mod past_meetings;
mod recordings;
mod registrants;
mod reports;
mod types;
mod users;
mod webinars;
mod window;

pub use adopt::{Adoption, Created};
pub use meetings::{
    DeleteMeeting, GetMeeting, ListMeetings, MeetingList, Meetings, NewMeeting, UpdateMeeting,
};
pub use past_meetings::{
    AnswerList, Answered, Asked, InstanceList, PastMeetings, PersonAnswers, Summaries,
};
pub use recordings::{Disposal, Recordings};
pub use registrants::{NewRegistrant, RegistrantAction, RegistrantStatus, Registrants};
pub use reports::{HistoryKind, Reports};
pub use types::*;
pub use users::{UserStatus, Users};
pub use webinars::Webinars;
pub use window::DateWindow;

use http::Method;

use crate::client::{Call, Client};

impl Client {
    /// Users of the account.
    #[must_use]
    pub fn users(&self) -> Users<'_> {
        Users::new(self)
    }

    /// Scheduled meetings.
    #[must_use]
    pub fn meetings(&self) -> Meetings<'_> {
        Meetings::new(self)
    }

    /// Held instances of meetings.
    #[must_use]
    pub fn past_meetings(&self) -> PastMeetings<'_> {
        PastMeetings::new(self)
    }

    /// Registrations for meetings.
    #[must_use]
    pub fn registrants(&self) -> Registrants<'_> {
        Registrants::new(self)
    }

    /// Cloud recordings and transcripts.
    #[must_use]
    pub fn recordings(&self) -> Recordings<'_> {
        Recordings::new(self)
    }

    /// AI Companion summaries.
    #[must_use]
    pub fn summaries(&self) -> Summaries<'_> {
        Summaries::new(self)
    }

    /// Reports (heavy calls, admin scopes).
    #[must_use]
    pub fn reports(&self) -> Reports<'_> {
        Reports::new(self)
    }

    /// Webinars.
    #[must_use]
    pub fn webinars(&self) -> Webinars<'_> {
        Webinars::new(self)
    }

    pub(crate) fn get(&self, path: impl Into<String>) -> Call {
        self.call(Method::GET, path)
    }
}
