//! `event.route`: one accepted event becomes rows and further jobs.

use parfocal_store::{EventId, EventState, Job, Scope, Tx};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Outcome, payload, priority};
use crate::App;
use crate::error::Result;
use crate::ingest::{Origin, Rank, Routed, Stamp, route};

/// The payload, as the inbox writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct EventRoute {
    event_id: EventId,
}

pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let EventRoute { event_id } = payload(job)?;
    let scope = Scope::of(job.workspace);
    let Some(event) = app.store().inbox_event(scope, event_id).await? else {
        return Ok(Outcome::nothing());
    };
    let now = app.clock().now();
    let body: Value = match serde_json::from_str(&event.body) {
        Ok(body) => body,
        Err(error) => {
            let mut tx = app.store().begin(scope).await?;
            tx.mark_event(
                event.id,
                EventState::Failed,
                Some(&format!("the body cannot be read: {error}")),
            )
            .await?;
            return Ok(Outcome::done(tx));
        }
    };
    let body_payload = body.get("payload").unwrap_or(&Value::Null);
    if event.event == "app_deauthorized" {
        return crate::connections::deauthorized(app, &event, body_payload).await;
    }
    // Whose event it is was decided at the door, or is decided now; never by whatever connection is at hand.
    let zoom_account = body_payload.get("account_id").and_then(Value::as_str);
    let connection = match event.connection_id {
        Some(id) => Ok(id),
        None => app.webhooks().route(event.app_id, zoom_account).await?,
    };
    let connection = match connection {
        Ok(id) => app
            .store()
            .connection(scope, id)
            .await?
            .ok_or_else(|| "its connection was removed".to_owned()),
        Err(why) => Err(why),
    };
    let connection = match connection {
        Ok(connection) => connection,
        Err(why) => {
            let mut tx = app.store().begin(scope).await?;
            let note = format!("{why}; connect the account and replay the event");
            tx.mark_event(event.id, EventState::Failed, Some(&note))
                .await?;
            return Ok(Outcome::done(tx));
        }
    };
    let account_key = match app.store().account(scope, connection.account_id).await? {
        Some(account) => account.external_id,
        None => return Ok(Outcome::nothing()),
    };
    let origin = Origin {
        account: connection.account_id,
        account_key,
        connection: Some(connection.id),
        stamp: Stamp::new(event.event_ts.as_millisecond(), Rank::Event),
        now,
        priority: priority::LIVE,
        cause: Some(event.id.to_string()),
    };
    let mut tx = app.store().begin(scope).await?;
    let routed = route(
        &mut tx,
        &origin,
        app.config(),
        &event.event,
        body_payload,
        Some(event.id),
    )
    .await?;
    let (state, note) = match routed {
        Routed::Done => (EventState::Routed, None),
        Routed::Ignored(why) => (EventState::Ignored, Some(why)),
        Routed::Unusable(why) => (EventState::Failed, Some(why)),
    };
    tx.mark_event(event.id, state, note).await?;
    if event.connection_id.is_none() {
        tx.set_event_connection(event.id, connection.id).await?;
    }
    metrics::counter!("parfocal_events_total", "state" => state.as_str()).increment(1);
    Ok(Outcome::done(tx))
}

/// Notes with the event that it could not be routed, when the job was given up.
pub(crate) async fn buried(tx: &mut Tx, job: &Job, error: &str) -> Result<()> {
    let EventRoute { event_id } = payload(job)?;
    tx.mark_event(event_id, EventState::Failed, Some(error))
        .await?;
    Ok(())
}
