//! Registrations for meetings and webinars.

use parfocal_store::{MeetingId, NewRegistrant, RegistrantId, Tx};
use serde_json::Value;

use super::{Facts, Origin};
use crate::error::Result;

/// Takes in what is said of a registration; none when it names no id.
pub async fn apply(
    tx: &mut Tx,
    origin: &Origin,
    meeting: MeetingId,
    said: &Value,
    status: Option<&str>,
) -> Result<Option<RegistrantId>> {
    let key = ["id", "registrant_id"]
        .iter()
        .find_map(|name| said.get(*name).and_then(Value::as_str))
        .map(str::trim)
        .filter(|id| !id.is_empty());
    let Some(key) = key else { return Ok(None) };
    let known = tx.registrant_by_external(meeting, key).await?;
    let mut facts = Facts::parse(known.as_ref().map(|registrant| registrant.raw.as_str()));
    facts.absorb(said, origin.stamp);
    if let Some(status) = status {
        facts.say("status", status, origin.stamp);
    }
    let name: Vec<String> = ["first_name", "last_name"]
        .iter()
        .filter_map(|name| facts.text(name))
        .collect();
    let new = NewRegistrant {
        external_id: key.to_owned(),
        occurrence_id: facts.text("occurrence_id"),
        email: facts.text("email").map(|email| email.to_lowercase()),
        name: (!name.is_empty()).then(|| name.join(" ")),
        status: facts.text("status"),
        raw: Some(facts.to_raw()),
    };
    let done = tx
        .upsert_registrant(origin.account, meeting, &new, &origin.seen(&facts))
        .await?;
    Ok(Some(done.id))
}
