//! Events of the inbox, for people: list, look, replay.

use parfocal_store::{EventFilter, EventId, InboxEvent, Page, PageRequest};

use crate::App;
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
pub async fn replay(app: &App, id: EventId) -> Result<()> {
    let mut tx = app.store().begin(app.scope()).await?;
    if !tx.replay_event(id, app.clock().now()).await? {
        return Err(EngineError::not_found("event", id));
    }
    tx.commit().await?;
    Ok(())
}

/// Has all events that match routed once more. How many there were.
pub async fn replay_matching(app: &App, filter: &EventFilter) -> Result<u64> {
    let mut page = PageRequest::first(500);
    let mut count = 0;
    loop {
        let found = list(app, filter, &page).await?;
        let mut tx = app.store().begin(app.scope()).await?;
        for event in &found.items {
            count += u64::from(tx.replay_event(event.id, app.clock().now()).await?);
        }
        tx.commit().await?;
        match found.next {
            Some(next) if count < MOST => page.after = Some(next),
            _ => return Ok(count),
        }
    }
}
