//! How records look outside: the shapes that the API answers and that `--json` prints.
//!
//! They are separate from the store's rows, so that a row may change without breaking whoever reads the API. Fields are only added.

mod audit;
mod insights;
mod meetings;
mod notify;
mod search;
mod talk;
mod work;

pub use audit::AuditView;
pub use insights::{
    ActionItemDetailView, ActionItemView, ChapterView, InsightView, MeetingInsightsView,
    PartInsightsView, SightingView, SpeakerShareView, StatementView,
};
pub use meetings::{
    ArtefactView, FileView, InstanceDetailView, InstanceView, ParticipantView, RecordingView,
    StayView,
};
pub use notify::{MailView, ReceivedView, ReminderView, ResponseView};
pub use parfocal_engine::connections::ConnectionView;
pub use search::{CountView, FacetsView, HitView, InsteadView, SearchView, SnippetPart};
pub use talk::{ChatMessageView, CueView, TranscriptView, TranscriptsView};
pub use work::{AttemptView, EventView, JobView};

use parfocal_engine::store::Page;
use serde::Serialize;

/// A piece of a list, and the cursor of the next one.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct PageView<T> {
    /// The rows.
    pub items: Vec<T>,
    /// What to pass as `after` for the next piece; none at the end.
    pub next: Option<String>,
}

impl<T> PageView<T> {
    /// Turns a page of records into a page of views.
    pub fn of<R>(page: Page<R>, view: impl FnMut(R) -> T) -> Self {
        Self {
            items: page.items.into_iter().map(view).collect(),
            next: page.next,
        }
    }
}
