//! What an account is and can do, learnt by asking it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use parfocal_zoom::{Client, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::features::Level;
use crate::error::Result;

/// Whether an account gives a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// It was given.
    Given,
    /// It was refused, and asking again makes no sense until something changes.
    Refused,
}

/// What is known about one resource of an account, such as `recordings` or `reports`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Capability {
    /// Whether it is given.
    pub access: Access,
    /// Why not: `plan`, `scope`, `permission`; none when it is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Zoom's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// When it was learnt.
    pub at: Timestamp,
}

/// What is known about an account; kept as JSON with the account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Capabilities {
    /// Account ids that Zoom itself uses, when they differ from the one it was connected with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
    /// The plan that was concluded from what was seen: `free` or `pro`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan_hint: Option<String>,
    /// Resources that were asked for.
    pub resources: BTreeMap<String, Capability>,
    /// The settings that decide what comes, by the subject of the connection that could read them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub switches: BTreeMap<String, super::findings::Switches>,
}

impl Capabilities {
    /// Reads what is stored; what cannot be read counts as unknown.
    pub fn read(stored: &Value) -> Self {
        Self::deserialize(stored).unwrap_or_default()
    }

    /// Notes an id that Zoom uses beside the one under which the account is kept.
    pub(super) fn goes_by(&mut self, id: &str, kept_as: &str) {
        if id != kept_as && !self.aliases.iter().any(|known| known == id) {
            self.aliases.push(id.to_owned());
        }
    }

    /// The form that is stored.
    pub fn to_json(&self) -> Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// What a probe found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Probe {
    /// Zoom's account id, if any answer named it.
    pub(super) account_id: Option<String>,
    /// The e-mail of the app's owner, for a readable name.
    pub(super) owner: Option<String>,
    /// Whether a licensed user was seen.
    pub(super) licensed: Option<bool>,
    /// What was asked for and refused.
    pub(super) refused: Vec<(&'static str, Refused)>,
}

/// A refusal in Zoom's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) cause: &'static str,
    pub(super) detail: String,
}

/// The cause of a refusal that will stay until somebody changes something; none for other failures.
pub(super) fn cause_of(error: &parfocal_zoom::Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::Plan => Some("plan"),
        ErrorKind::MissingScope => Some("scope"),
        ErrorKind::Forbidden => Some("permission"),
        _ => None,
    }
}

/// Asks who the account is, with at most three calls: the app's owner, one page of users, one user. A connection of a
/// user asks for that user only.
///
/// # Errors
/// What keeps the credentials from working at all; a refused resource is a finding.
pub(super) async fn account(client: &Client, level: Level) -> Result<Probe> {
    let mut probe = Probe::default();
    // Zoom advises against `me` for server-to-server apps, although it mostly works; it is only the shortest way.
    match get(client, "/users/me", &[]).await {
        Ok(me) => probe.learn(&me),
        Err(error) => probe.refusal("users", &error)?,
    }
    if level == Level::User {
        return Ok(probe);
    }
    match get(
        client,
        "/users",
        &[("status", "active"), ("page_size", "300")],
    )
    .await
    {
        Ok(page) => {
            let users = page
                .get("users")
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let licensed = users.iter().any(is_licensed);
            probe.licensed = Some(licensed || probe.licensed == Some(true));
            probe.refused.clear();
            if probe.account_id.is_none()
                && let Some(id) = users
                    .first()
                    .and_then(|user| user.get("id"))
                    .and_then(Value::as_str)
            {
                let path = format!("/users/{}", parfocal_zoom::id::encode_segment(id));
                match get(client, &path, &[]).await {
                    Ok(user) => probe.learn(&user),
                    Err(error) => probe.refusal("users", &error)?,
                }
            }
        }
        Err(error) => probe.refusal("users", &error)?,
    }
    Ok(probe)
}

impl Probe {
    fn learn(&mut self, user: &Value) {
        let text = |name: &str| {
            user.get(name)
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        self.account_id = self.account_id.take().or_else(|| text("account_id"));
        self.owner = self.owner.take().or_else(|| text("email"));
        if let Some(licensed) = user.get("type").map(|_| is_licensed(user)) {
            // One user without a licence says nothing about the others, but this is all there is to go by.
            self.licensed = Some(licensed || self.licensed == Some(true));
        }
    }

    fn refusal(&mut self, resource: &'static str, error: &parfocal_zoom::Error) -> Result<()> {
        match (cause_of(error), error.kind()) {
            (Some(cause), _) => {
                self.refused.push((
                    resource,
                    Refused {
                        cause,
                        detail: error.to_string(),
                    },
                ));
                Ok(())
            }
            // `me` is not known for some server-to-server apps.
            (None, ErrorKind::NotFound | ErrorKind::Validation) => Ok(()),
            (None, _) => Err(again(error)),
        }
    }
}

/// The same failure as one of ours; the client's error cannot be cloned.
fn again(error: &parfocal_zoom::Error) -> crate::error::EngineError {
    parfocal_zoom::Error::new(error.kind(), error.to_string()).into()
}

/// User type 2 is a licence.
fn is_licensed(user: &Value) -> bool {
    match user.get("type") {
        Some(Value::Number(kind)) => kind.as_u64() == Some(2),
        Some(Value::String(kind)) => kind == "2",
        _ => false,
    }
}

pub(super) async fn get(
    client: &Client,
    path: &str,
    query: &[(&str, &str)],
) -> parfocal_zoom::Result<Value> {
    let mut call = client.call(http::Method::GET, path);
    for (name, value) in query {
        call = call.query(*name, value);
    }
    call.json().await
}
