//! Domain events: what happened, told in the transaction of the change.

use parfocal_store::{NewDomainEvent, Tx};
use serde_json::Value;

use super::Origin;
use crate::error::Result;

/// Tells that something happened to a thing of ours.
pub async fn tell(
    tx: &mut Tx,
    origin: &Origin,
    event_type: &str,
    subject: impl ToString,
    data: Value,
) -> Result<()> {
    let event = NewDomainEvent {
        event_type: event_type.to_owned(),
        v: 1,
        subject_id: subject.to_string(),
        data,
    };
    tx.append_event(&event, origin.now).await?;
    Ok(())
}
