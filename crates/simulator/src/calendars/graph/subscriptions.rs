//! Change notifications: the handshake by validation token, renewal, and what is sent.

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::push::{self, Message};
use super::super::text;
use super::super::tokens::Grant;
use super::{Refusal, State, Told};
use crate::http::path;
use crate::http::reply::Reply;
use crate::http::route::Ctx;

/// Longest life of a subscription.
const LIFE: SignedDuration = SignedDuration::from_mins(4_230);

/// One subscription.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Subscription {
    id: String,
    person: String,
    resource: String,
    change_type: String,
    url: String,
    client_state: Option<String>,
    until: Timestamp,
}

impl Subscription {
    fn told(&self) -> Value {
        json!({
            "id": self.id, "resource": self.resource, "changeType": self.change_type,
            "notificationUrl": self.url, "clientState": self.client_state, "expirationDateTime": self.until,
        })
    }
}

impl State {
    /// Tells the subscribers of a mailbox.
    pub(super) fn announce(&mut self, person: &str, id: &str, kind: &str, now: Timestamp) {
        self.subscriptions.retain(|one| one.until > now);
        let messages = self
            .subscriptions
            .iter()
            .filter(|one| {
                one.person == person && one.change_type.split(',').any(|t| t.trim() == kind)
            })
            .map(|one| Message {
                url: one.url.clone(),
                headers: vec![("content-type", "application/json".to_owned())],
                body: json!({ "value": [{
                    "subscriptionId": one.id, "subscriptionExpirationDateTime": one.until,
                    "clientState": one.client_state, "changeType": kind,
                    "resource": format!("Users/{person}/Events/{id}"),
                    "resourceData": { "@odata.type": "#Microsoft.Graph.Event", "id": id },
                }]})
                .to_string(),
            })
            .collect();
        push::send(messages);
    }
}

/// `/subscriptions` and `/subscriptions/{id}`.
pub(super) async fn answer(ctx: Ctx<'_>, grant: &Grant, parts: &[&str], body: &Value) -> Told {
    match (ctx.call.method.as_str(), parts) {
        ("POST", []) => create(ctx, grant, body).await,
        ("PATCH", [id]) => {
            let until = expiry(ctx, body)?;
            let mut all = ctx.site.calendars();
            let found = all.graph.subscriptions.iter_mut().find(|one| one.id == *id);
            let found = found.ok_or_else(Refusal::not_found)?;
            found.until = until;
            Ok(Reply::ok(&found.told()))
        }
        ("DELETE", [id]) => {
            let mut all = ctx.site.calendars();
            let before = all.graph.subscriptions.len();
            all.graph.subscriptions.retain(|one| one.id != *id);
            if all.graph.subscriptions.len() == before {
                return Err(Refusal::not_found());
            }
            Ok(Reply::no_content())
        }
        _ => Err(Refusal::new(404, "ResourceNotFound", "Resource not found")),
    }
}

fn expiry(ctx: Ctx<'_>, body: &Value) -> Result<Timestamp, Refusal> {
    let until: Timestamp = text(body, "expirationDateTime")
        .and_then(|at| at.parse().ok())
        .ok_or_else(|| Refusal::invalid("expirationDateTime is missing or no time"))?;
    if until > ctx.now + LIFE {
        return Err(Refusal::invalid(
            "Subscription expiration can only be 4230 minutes in the future.",
        ));
    }
    Ok(until.max(ctx.now + SignedDuration::from_mins(45)))
}

async fn create(ctx: Ctx<'_>, grant: &Grant, body: &Value) -> Told {
    let required =
        |name: &str| text(body, name).ok_or_else(|| Refusal::invalid(format!("{name} is missing")));
    let (url, resource) = (required("notificationUrl")?, required("resource")?);
    let change_type = required("changeType")?;
    let until = expiry(ctx, body)?;
    if !url.starts_with("https://") && !url.starts_with("http://127.0.0.1") {
        return Err(Refusal::invalid("Notification endpoint must be HTTPS."));
    }
    let named = resource.trim_start_matches('/').strip_prefix("users/");
    let person = match (named.and_then(|rest| rest.split('/').next()), &grant.person) {
        (Some(id), None) => ctx
            .site
            .world
            .user(id)
            .map(|user| user.email.to_lowercase()),
        (_, person) => person.clone(),
    };
    let person =
        person.ok_or_else(|| Refusal::new(403, "ErrorAccessDenied", "Access is denied."))?;
    let token = ctx.site.calendars().fresh("graph validation", 32);
    let glue = if url.contains('?') { '&' } else { '?' };
    let said = push::ask(Message {
        url: format!("{url}{glue}validationToken={}", path::encode(&token)),
        headers: vec![("content-type", "text/plain".to_owned())],
        body: String::new(),
    })
    .await;
    if said != Some((200, token)) {
        return Err(Refusal::new(
            400,
            "ValidationError",
            "Subscription validation request failed.",
        ));
    }
    let mut all = ctx.site.calendars();
    let subscription = Subscription {
        id: all.fresh("graph subscription", 36),
        person,
        resource: resource.to_owned(),
        change_type: change_type.to_owned(),
        url: url.to_owned(),
        client_state: text(body, "clientState").map(str::to_owned),
        until,
    };
    let told = subscription.told();
    all.graph.subscriptions.push(subscription);
    Ok(Reply::json(StatusCode::CREATED, &told))
}
