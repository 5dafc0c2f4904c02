//! Users of an account.

use parfocal_store::{NewUser, Tx, UserId};
use serde_json::Value;

use super::{Facts, Origin};
use crate::error::Result;

/// Takes in what is said of a user; none when it names neither id nor address.
///
/// Users who have not accepted yet have no id in Zoom's lists: their address stands for it.
pub async fn apply(tx: &mut Tx, origin: &Origin, said: &Value) -> Result<Option<UserId>> {
    let text = |name: &str| {
        said.get(name)
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    let email = text("email").map(str::to_lowercase);
    let Some(key) = text("id")
        .map(str::to_owned)
        .or_else(|| email.as_ref().map(|email| format!("mail:{email}")))
    else {
        return Ok(None);
    };
    let known = tx.user_by_external(origin.account, &key).await?;
    let mut facts = Facts::parse(known.as_ref().map(|user| user.raw.as_str()));
    facts.absorb(said, origin.stamp);
    let user = read(&key, &facts);
    let done = tx
        .upsert_user(origin.account, &user, &origin.seen(&facts))
        .await?;
    if facts.flag("removed").unwrap_or(false) {
        tx.delete_user(done.id, &origin.seen(&facts)).await?;
    }
    Ok(Some(done.id))
}

fn read(key: &str, facts: &Facts) -> NewUser {
    let name = facts.text("display_name").or_else(|| {
        let parts: Vec<String> = ["first_name", "last_name"]
            .iter()
            .filter_map(|name| facts.text(name))
            .collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    });
    NewUser {
        external_id: key.to_owned(),
        email: facts.text("email").map(|email| email.to_lowercase()),
        name,
        kind: facts.text("type"),
        status: facts.text("status"),
        tz: facts.text("timezone"),
        pmi: facts.text("pmi"),
        raw: Some(facts.to_raw()),
    }
}
