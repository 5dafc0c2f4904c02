//! Event subscriptions by API, and the delivery log.

use serde_json::{Value, json};

use super::body::{Fields, time};
use super::paging::Page;
use super::request::Req;
use super::windows::parse;
use crate::http::reply::{Answer, Refusal, Reply};
use crate::webhooks::{HubError, NewSubscription, Subscription};

/// Those of the calling app that were made by API: the ones of the build flow cannot be touched.
fn mine(r: &Req<'_>) -> Vec<Subscription> {
    let by_api = r.ctx.site.by_api();
    r.ctx
        .site
        .hub
        .subscriptions()
        .into_iter()
        .filter(|one| by_api.contains(&one.id) && one.client_id == r.access.client_id)
        .collect()
}

/// `GET /marketplace/app/event_subscription`.
pub(super) fn list(r: &Req<'_>) -> Answer {
    let page = Page::read(r, 300)?;
    let all = mine(r);
    let rows: Vec<Value> = page
        .cut(&all)
        .iter()
        .map(|one| {
            json!({
                "event_subscription_id": one.id,
                "events": one.events,
                "event_subscription_name": one.name,
                "event_webhook_url": one.url,
                "subscription_scope": if one.user_ids.is_empty() { "account" } else { "user" },
                "created_source": "openapi",
                "subscriber_id": one.user_ids.first().cloned().unwrap_or_else(|| r.world().account().id),
            })
        })
        .collect();
    Ok(Reply::ok(&json!({
        "next_page_token": page.next(all.len()),
        "page_size": page.size,
        "event_subscriptions": rows,
    })))
}

/// `POST /marketplace/app/event_subscription`.
pub(super) async fn create(r: &Req<'_>) -> Answer {
    let body = r.object()?;
    let mut fields = Fields::of(&body, "");
    let url = fields.text("event_webhook_url", 2048).unwrap_or_default();
    if url.is_empty() {
        fields.fault("event_webhook_url", "This field is required.");
    }
    let name = fields
        .text("event_subscription_name", 128)
        .unwrap_or_default();
    let texts = |name: &str| -> Vec<String> {
        body.get(name)
            .and_then(Value::as_array)
            .map(|list| {
                list.iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            })
            .unwrap_or_default()
    };
    let events = texts("events");
    if events.is_empty() {
        fields.fault("events", "This field is required.");
    }
    if !matches!(
        body.get("subscription_scope").and_then(Value::as_str),
        Some("user" | "account" | "master_account")
    ) {
        fields.fault("subscription_scope", "Invalid field.");
    }
    fields.finish()?;
    let app = r.ctx.shared.app(&r.access.client_id);
    let new = NewSubscription {
        url,
        events,
        secret_token: app.map(|app| app.secret_token.clone()),
        client_id: Some(r.access.client_id.clone()),
        name,
        user_ids: texts("user_ids"),
    };
    let made = r
        .ctx
        .site
        .hub
        .subscribe(new)
        .await
        .map_err(|error| match error {
            HubError::Url(_) => Refusal::field("event_webhook_url", "Invalid field."),
            other => Refusal::new(400, 300, other.to_string()),
        })?;
    if !made.validated {
        let _ = r.ctx.site.hub.unsubscribe(&made.id);
        let reason = made.reason.unwrap_or_default();
        return Err(Refusal::new(
            400,
            300,
            format!("URL validation failed. {reason}").trim().to_owned(),
        ));
    }
    r.ctx.site.by_api().insert(made.id.clone());
    Ok(Reply::created(&json!({ "event_subscription_id": made.id })))
}

fn unknown(id: &str) -> Refusal {
    Refusal::new(
        404,
        300,
        format!("Event subscription does not exist: {id}."),
    )
}

fn remove(r: &Req<'_>, id: &str) -> Answer {
    if !mine(r).iter().any(|one| one.id == id) {
        return Err(unknown(id));
    }
    r.ctx.site.hub.unsubscribe(id).map_err(|_| unknown(id))?;
    r.ctx.site.by_api().remove(id);
    Ok(Reply::no_content())
}

/// `DELETE /marketplace/app/event_subscription/{eventSubscriptionId}`.
pub(super) fn delete(r: &Req<'_>) -> Answer {
    remove(r, r.value(0))
}

/// `DELETE /marketplace/app/event_subscription`: takes users off; with none named, the subscription goes.
pub(super) fn leave(r: &Req<'_>) -> Answer {
    let id = r
        .param("event_subscription_id")
        .ok_or_else(|| Refusal::field("event_subscription_id", "This field is required."))?;
    let found = mine(r)
        .into_iter()
        .find(|one| one.id == id)
        .ok_or_else(|| unknown(id))?;
    let leaving: Vec<&str> = r
        .param("user_ids")
        .map(|list| list.split(',').collect())
        .unwrap_or_default();
    let staying: Vec<String> = found
        .user_ids
        .iter()
        .filter(|user| !leaving.contains(&user.as_str()))
        .cloned()
        .collect();
    if leaving.is_empty() || staying.is_empty() {
        return remove(r, id);
    }
    r.ctx
        .site
        .hub
        .set_users(id, staying)
        .map_err(|_| unknown(id))?;
    Ok(Reply::no_content())
}

/// `PATCH /marketplace/app/event_subscription/{eventSubscriptionId}`: adds users.
pub(super) fn join(r: &Req<'_>) -> Answer {
    let id = r.value(0);
    let found = mine(r)
        .into_iter()
        .find(|one| one.id == id)
        .ok_or_else(|| unknown(id))?;
    let mut users = found.user_ids;
    for user in r
        .object()?
        .get("user_ids")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
    {
        if !users.iter().any(|other| other == user) {
            users.push(user.to_owned());
        }
    }
    r.ctx
        .site
        .hub
        .set_users(id, users)
        .map_err(|_| unknown(id))?;
    Ok(Reply::no_content())
}

/// `GET /marketplace/apps/{appId}/webhook_logs`.
pub(super) fn logs(r: &Req<'_>) -> Answer {
    let page = Page::read(r, 300)?;
    let day = |name: &str| r.param(name).and_then(parse);
    let (from, to, event) = (day("from"), day("to"), r.param("event"));
    let mut rows = Vec::new();
    for delivery in r.ctx.site.hub.deliveries() {
        if event.is_some_and(|event| event != delivery.event) {
            continue;
        }
        for attempt in &delivery.attempts {
            let on = super::windows::day(attempt.at);
            if from.is_some_and(|from| on < from) || to.is_some_and(|to| on > to) {
                continue;
            }
            rows.push(json!({
                "event": delivery.event,
                "status": attempt.status.map_or(-1, i32::from),
                "failed_reason_type": if attempt.error.is_some() { -1 } else { 0 },
                "user_id": "",
                "endpoint": delivery.url,
                "subscription_id": delivery.subscription,
                "request_headers": "",
                "request_body": &*delivery.body,
                "response_headers": "",
                "response_body": "",
                "date_time": time(attempt.at),
                "trace_id": format!("{}", delivery.id),
            }));
        }
    }
    let shown = page.cut(&rows).to_vec();
    Ok(Reply::ok(&json!({
        "next_page_token": page.next(rows.len()),
        "page_size": page.size,
        "webhook_logs": shown,
    })))
}
