//! Parfocal's memory: records, migrations and all SQL, for SQLite and PostgreSQL.
//!
//! [`Store::open`] gives a handle that is cheap to clone. Reads are methods on it and take a
//! [`Scope`]; writes happen in a [`Tx`] and are there together or not at all. Missing rows are
//! `Option`, conflicts are outcomes, and everything else is a [`StoreError`] with a kind and advice.
//! Instants come in as arguments: the store never looks at a clock.
//!
//! It knows no HTTP and no provider. What Zoom's JSON means is decided in the engine; here it is kept.

mod access;
mod audit;
mod calendars;
mod checkpoint;
mod components;
mod db;
mod destinations;
mod erasure;
mod error;
mod events;
mod grants;
mod id;
mod idempotency;
mod inbox;
mod insights;
mod interactions;
mod jobs;
mod keys;
mod links;
mod maintenance;
mod media;
mod meetings;
mod merge;
mod migrations;
mod model;
mod models;
mod news;
mod notify;
mod page;
mod people;
mod persons;
#[cfg(test)]
mod prepared;
mod rates;
mod received;
mod schedule;
mod search;
mod secrets;
mod status;
mod store;
mod talk;
mod tracker;
mod work;
mod zoomapp;

pub use audit::{AuditEntry, AuditFilter, AuditHead};
pub use calendars::{
    CalendarAccountRow, CalendarConflict, CalendarConsentRow, FeedEvent, LinkedEvent,
};
pub use components::ComponentRow;
pub use db::{DatabaseUrl, Engine, OpenOptions, Tx};
pub use destinations::{DELIVERY_TRIES_KEPT, Queued};
pub use erasure::{ErasureCounts, ErasureScope};
pub use error::{ErrorKind, Result, StoreError};
pub use events::SEQUENCER;
pub use id::*;
pub use idempotency::{KeyClaim, KeyedRequest};
pub use inbox::{Inbox, ROUTE_JOB};
pub use insights::{
    AnalysisKey, EMBEDDED, InsightFilter, InsightRow, NewAnalysis, NewInsight, StoredAnalysis,
};
pub use jobs::ATTEMPTS_KEPT;
pub use keys::{ApiKey, NewApiKey, Session};
pub use maintenance::Watch;
pub use model::*;
pub use models::{ModelDay, ModelLimits, ModelTrouble, ModelUse};
pub use rates::{
    DayBudget, HostQuota, RateAnswer, RateGrant, RateRequest, RateStatus, RateWindow, Rates,
};
pub use received::{MailboxRow, Received};
pub use schedule::SagaClaim;
pub use search::{
    ByMeaning, Count, Facets, Hit, HitKind, MOST_MEETINGS, MOST_PASSAGES, Near, NewPassage,
    SearchPage, SearchRequest, Sort, Spoken, Words,
};
pub use store::{Scope, Store};
pub use talk::{NewSpeaker, ProviderSummary, SpeakerRow, StayNames};
pub use tracker::{
    ActionFilter, ActionRow, ActionState, NewAction, NewSighting, OwnerRow, Sighting, Statement,
};
pub use zoomapp::{ZoomAppSession, ZoomAppStanding};
