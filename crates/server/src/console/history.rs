//! What happened to a meeting, in order: the webhooks of its lane and what was done with them.

use jiff::{SignedDuration, Timestamp};
use parfocal_engine::store::{EventFilter, Instance, PageRequest};
use parfocal_engine::{App, EngineError};
use serde::Serialize;

/// Most entries of each kind.
const MOST: u32 = 100;
/// How long before a meeting its webhooks may arrive, and how long after its end.
const BEFORE: SignedDuration = SignedDuration::from_hours(1);
const AFTER: SignedDuration = SignedDuration::from_hours(72);

/// Something that happened.
#[derive(Debug, Serialize)]
pub(super) struct Entry {
    at: Timestamp,
    /// `webhook`, or `done` for what was done here.
    kind: &'static str,
    name: String,
    note: Option<String>,
    /// What became of a webhook.
    state: Option<&'static str>,
    repeats: i64,
}

/// The history of a meeting, the oldest first. Webhooks of a series share a lane, so those around the meeting's time count.
pub(super) async fn of(app: &App, instance: &Instance) -> Result<Vec<Entry>, EngineError> {
    let (store, scope) = (app.store(), app.scope());
    let mut entries: Vec<Entry> = store
        .events_of(scope, &instance.id.to_string(), MOST)
        .await?
        .into_iter()
        .map(|event| Entry {
            at: event.at,
            kind: "done",
            name: event.event_type,
            note: None,
            state: None,
            repeats: 0,
        })
        .collect();
    let account = store.account(scope, instance.account_id).await?;
    if let (Some(number), Some(account), Some(start)) = (&instance.number, account, instance.start)
    {
        let end = instance.end.unwrap_or(start);
        let filter = EventFilter {
            lane: Some(format!("{}/{number}", account.external_id)),
            from: start.checked_sub(BEFORE).ok(),
            before: end.checked_add(AFTER).ok(),
            ..EventFilter::default()
        };
        let page = store
            .inbox_events(scope, &filter, &PageRequest::first(MOST))
            .await?;
        entries.extend(page.items.into_iter().map(|event| Entry {
            at: event.received,
            kind: "webhook",
            name: event.event,
            note: event.note,
            state: Some(event.state.as_str()),
            repeats: event.repeats,
        }));
    }
    entries.sort_by_key(|entry| entry.at);
    Ok(entries)
}
