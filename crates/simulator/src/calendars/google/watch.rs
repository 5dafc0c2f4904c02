//! Channels: who is told that something in a calendar changed (never what).

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::push::{self, Message};
use super::super::text;
use super::{Asked, Refusal, State, Told};
use crate::http::reply::Reply;

/// Life of a channel when nothing else is asked for, in seconds.
const LIFE: i64 = 604_800;

/// One channel.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Channel {
    id: String,
    resource_id: String,
    calendar: String,
    address: String,
    token: Option<String>,
    until: Timestamp,
    messages: u64,
}

impl Channel {
    fn message(&mut self, state: &str) -> Message {
        self.messages += 1;
        let mut headers = vec![
            ("x-goog-channel-id", self.id.clone()),
            ("x-goog-resource-id", self.resource_id.clone()),
            (
                "x-goog-resource-uri",
                format!("/calendar/v3/calendars/{}/events", self.calendar),
            ),
            ("x-goog-resource-state", state.to_owned()),
            ("x-goog-message-number", self.messages.to_string()),
            (
                "x-goog-channel-expiration",
                self.until.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            ),
        ];
        if let Some(token) = &self.token {
            headers.push(("x-goog-channel-token", token.clone()));
        }
        Message {
            url: self.address.clone(),
            headers,
            body: String::new(),
        }
    }
}

impl State {
    /// Tells all who watch a calendar.
    pub(super) fn announce(&mut self, calendar: &str, now: Timestamp) {
        self.channels.retain(|channel| channel.until > now);
        let messages = self
            .channels
            .iter_mut()
            .filter(|channel| channel.calendar == calendar)
            .map(|channel| channel.message("exists"))
            .collect();
        push::send(messages);
    }
}

/// `events.watch`.
pub(super) fn start(asked: &Asked<'_>, calendar: &str) -> Told {
    let required = |name: &str| {
        text(&asked.body, name)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| Refusal::new(400, "required", format!("Required: {name}")))
    };
    let (id, address) = (required("id")?, required("address")?);
    if !matches!(required("type")?, "web_hook" | "webhook") || id.len() > 64 {
        return Err(Refusal::invalid("Invalid channel."));
    }
    // Google takes HTTPS only; a test listens on loopback.
    if !address.starts_with("https://") && !address.starts_with("http://127.0.0.1") {
        return Err(Refusal::new(
            400,
            "push.webhookUrlNotHttps",
            "WebHook callback must be HTTPS",
        ));
    }
    let mut all = asked.ctx.site.calendars();
    if all.google.channels.iter().any(|channel| channel.id == id) {
        return Err(Refusal::new(
            400,
            "channelIdNotUnique",
            format!("Channel id {id} not unique"),
        ));
    }
    let number = |value: &Value| value.as_i64().or_else(|| value.as_str()?.parse().ok());
    let until = number(&asked.body["expiration"])
        .and_then(|ms| Timestamp::from_millisecond(ms).ok())
        .or_else(|| {
            let seconds = number(&asked.body["params"]["ttl"])?;
            asked
                .ctx
                .now
                .checked_add(SignedDuration::from_secs(seconds))
                .ok()
        });
    let longest = asked.ctx.now + SignedDuration::from_secs(LIFE);
    let mut channel = Channel {
        id: id.to_owned(),
        resource_id: all.fresh("google resource", 27),
        calendar: calendar.to_owned(),
        address: address.to_owned(),
        token: text(&asked.body, "token").map(str::to_owned),
        until: until.unwrap_or(longest).min(longest),
        messages: 0,
    };
    push::send(vec![channel.message("sync")]);
    let told = json!({
        "kind": "api#channel", "id": channel.id, "resourceId": channel.resource_id,
        "resourceUri": format!("{}/google/calendar/v3/calendars/{calendar}/events", asked.ctx.shared.base_url),
        "token": channel.token, "expiration": channel.until.as_millisecond().to_string(),
    });
    all.google.channels.push(channel);
    Ok(Reply::ok(&told))
}

/// `channels.stop`.
pub(super) fn stop(asked: &Asked<'_>) -> Told {
    let (id, resource) = (text(&asked.body, "id"), text(&asked.body, "resourceId"));
    let mut all = asked.ctx.site.calendars();
    let before = all.google.channels.len();
    all.google.channels.retain(|channel| {
        Some(channel.id.as_str()) != id || Some(channel.resource_id.as_str()) != resource
    });
    if all.google.channels.len() == before {
        return Err(Refusal::not_found());
    }
    Ok(Reply::no_content())
}
