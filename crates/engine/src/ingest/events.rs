//! Events of the inbox, for people: list, look, replay.

use parfocal_store::{EventFilter, EventId, InboxEvent, Page, PageRequest};

use serde_json::json;

use crate::App;
use crate::audit::{self, By, Change};
use crate::error::{EngineError, Result};

/// How many events one replay by filter takes at most.
const MOST: u64 = 100_000;

/// Events, the latest first, without bodies.
pub async fn list(app: &App, filter: &EventFilter, page: &PageRequest) -> Result<Page<InboxEvent>> {
    Ok(app.store().inbox_events(app.scope(), filter, page).await?)
}

/// One event with its body.
pub async fn get(app: &App, id: EventId) -> Result<InboxEvent> {
    app.store()
        .inbox_event(app.scope(), id)
        .await?
        .ok_or_else(|| EngineError::not_found("event", id))
}

/// Has an event routed once more. Safe at any time: what is known already is recognised.
///
/// # Errors
/// `component_off` while nothing would be done with it; `not_found`.
pub async fn replay(app: &App, id: EventId, by: &By) -> Result<()> {
    app.components().require("ingest").await?;
    let now = app.clock().now();
    let mut tx = app.store().begin(app.scope()).await?;
    if !tx.replay_event(id, now).await? {
        return Err(EngineError::not_found("event", id));
    }
    let change = Change {
        action: "events.replay",
        target: &format!("event/{id}"),
        detail: json!({}),
    };
    audit::append(&mut tx, by, &change, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Has all events that match routed once more. How many there were.
///
/// # Errors
/// `component_off` while nothing would be done with them.
pub async fn replay_matching(app: &App, filter: &EventFilter, by: &By) -> Result<u64> {
    app.components().require("ingest").await?;
    let mut page = PageRequest::first(500);
    let mut count = 0;
    loop {
        let found = list(app, filter, &page).await?;
        let now = app.clock().now();
        let mut tx = app.store().begin(app.scope()).await?;
        let mut piece = 0;
        for event in &found.items {
            piece += u64::from(tx.replay_event(event.id, now).await?);
        }
        if piece > 0 {
            let change = Change {
                action: "events.replay",
                target: "events",
                detail: json!({"events": piece, "event": filter.event, "state": filter.state,
                    "from": filter.from, "before": filter.before}),
            };
            audit::append(&mut tx, by, &change, now).await?;
        }
        tx.commit().await?;
        count += piece;
        match found.next {
            Some(next) if count < MOST => page.after = Some(next),
            _ => return Ok(count),
        }
    }
}
