//! Google Calendar (API v3): ids chosen by us, merges guarded by etags, changes by sync token.

mod event;

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::accounts::{Account, Settings};
use super::api::{Api, coded};
use super::echo::{id_of, merged};
use super::http::{Got, Http, address};
use super::tokens::Giver;
use super::work::Channel;
use super::{
    Answering, Busy, Calendar, CalendarEvent, Changed, Changes, EventRef, Override, OverrideChange,
    TimeSpan,
};
use crate::error::{Code, EngineError, Result};

/// Its name in the registry.
pub(super) const NAME: &str = "google";
const SYSTEM: &str = "Google Calendar";
pub(super) const SCOPE: &str = "https://www.googleapis.com/auth/calendar.events https://www.googleapis.com/auth/calendar.freebusy";
/// How often a change is tried again that met another's.
const MEETINGS: u32 = 4;
/// Life of a channel of which Google does not say how long it lives.
const LIFE: SignedDuration = SignedDuration::from_hours(24);
/// Calendars in one question for busy times.
const PEOPLE: usize = 50;

/// A calendar at Google.
#[derive(Debug)]
pub(super) struct Google {
    api: Api,
    calendar: String,
    invites: bool,
}

impl Google {
    pub(super) fn of(account: &Account) -> Result<Self> {
        let Settings::Google {
            calendar,
            person,
            invites,
            api_url,
            token_url,
        } = &account.settings
        else {
            return Err(EngineError::invalid("this account is not at Google"));
        };
        let http = Http::new(SYSTEM, account.app.clock(), &address(api_url)?)?;
        let giver = Giver {
            url: token_url.clone(),
            scope: SCOPE,
            person: person.clone(),
        };
        Ok(Self {
            calendar: calendar.clone(),
            invites: *invites,
            api: Api::new(account.clone(), http, giver, api_url),
        })
    }

    /// Has Google tell an address of changes, with a token that proves it.
    pub(super) async fn watch(&self, id: &str, address: &str, token: &str) -> Result<Channel> {
        let body = json!({ "id": id, "type": "web_hook", "address": address, "token": token });
        let path = format!("{}/watch", self.events());
        let got = self.call(Method::POST, &path, Some(&body), None).await?;
        self.api.accepted("to tell of changes", &got)?;
        let told = got.json();
        let until = told["expiration"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .or_else(|| told["expiration"].as_i64())
            .and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        Ok(Channel {
            id: id.to_owned(),
            resource: told["resourceId"].as_str().map(str::to_owned),
            token: token.to_owned(),
            address: address.to_owned(),
            until: until.unwrap_or_else(|| self.api.now() + LIFE),
        })
    }

    /// Ends a channel; that it is gone already is no failure, and one that stays ends by itself.
    pub(super) async fn unwatch(&self, channel: &Channel) {
        let body = json!({ "id": channel.id, "resourceId": channel.resource });
        if let Err(error) = self
            .call(Method::POST, "/channels/stop", Some(&body), None)
            .await
        {
            tracing::debug!(%error, "an old channel could not be ended");
        }
    }

    /// Whether the calendar can be read.
    pub(super) async fn probe(&self) -> Result<()> {
        let got = self
            .call(
                Method::GET,
                &format!("{}?maxResults=1", self.events()),
                None,
                None,
            )
            .await?;
        self.api.accepted("to list events", &got)
    }

    fn events(&self) -> String {
        format!("/calendars/{}/events", coded(&self.calendar))
    }

    fn event(&self, id: &str) -> String {
        format!("{}/{}", self.events(), coded(id))
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        etag: Option<&str>,
    ) -> Result<Got> {
        let url = format!("{}{path}", self.api.base());
        self.api.call(method, &url, body, etag).await
    }

    /// An event's JSON; none when it never was, or is gone for good.
    async fn read(&self, id: &str) -> Result<Option<Value>> {
        let got = self.call(Method::GET, &self.event(id), None, None).await?;
        if matches!(got.status, 404 | 410) {
            return Ok(None);
        }
        self.api.accepted("to show an event", &got)?;
        Ok(Some(got.json()))
    }

    fn updates(&self) -> &'static str {
        if self.invites { "all" } else { "none" }
    }

    async fn write(&self, event: &CalendarEvent, known: Option<&EventRef>) -> Result<EventRef> {
        let id = known.map_or_else(|| id_of(&event.key), |known| known.id.clone());
        if known.is_none() {
            let mut body = event::json(event, self.invites)?;
            body["id"] = json!(id);
            let path = format!("{}?sendUpdates={}", self.events(), self.updates());
            let got = self.call(Method::POST, &path, Some(&body), None).await?;
            // 409: an answer was lost, or a former life of the event has the id.
            if got.status != 409 {
                self.api.accepted("an event", &got)?;
                let made = got.json();
                self.write_overrides(event, &id).await?;
                return Ok(self.reference(&made));
            }
        }
        for _ in 0..MEETINGS {
            let Some(there) = self.read(&id).await? else {
                return Box::pin(self.write(event, None)).await;
            };
            let mut body = event::json(event, self.invites)?;
            if self.invites {
                let guests = merged(
                    &event.attendees,
                    &event::guests(&there),
                    &event::invited(&there),
                );
                body["attendees"] = event::guests_json(&guests);
            } else if let Some(fields) = body.as_object_mut() {
                fields.remove("attendees");
            }
            if event.recurrence.is_none() && !there["recurrence"].is_null() {
                body["recurrence"] = Value::Null;
            }
            let revived = there["status"] == json!("cancelled");
            if !revived && event::says(&there, &body) {
                self.write_overrides(event, &id).await?;
                return Ok(self.reference(&there));
            }
            let path = format!("{}?sendUpdates={}", self.event(&id), self.updates());
            let etag = there["etag"].as_str();
            let got = self.call(Method::PATCH, &path, Some(&body), etag).await?;
            if got.status == 412 {
                continue;
            }
            self.api.accepted("a change of an event", &got)?;
            self.write_overrides(event, &id).await?;
            return Ok(self.reference(&got.json()));
        }
        Err(EngineError::new(
            Code::CalendarUnavailable,
            "others change the event at Google Calendar all the time",
        ))
    }

    /// Brings the occurrences that differ to how they are to be.
    async fn write_overrides(&self, event: &CalendarEvent, id: &str) -> Result<()> {
        for one in &event.overrides {
            let Some(start) = event::original(event, one) else {
                continue;
            };
            let path = format!(
                "{}/instances?showDeleted=true&originalStart={}",
                self.event(id),
                coded(&start)
            );
            let got = self.call(Method::GET, &path, None, None).await?;
            self.api.accepted("to list occurrences", &got)?;
            let Some(instance) = got.json()["items"]
                .as_array()
                .and_then(|list| list.first().cloned())
            else {
                continue;
            };
            let body = match &one.change {
                OverrideChange::Cancelled if instance["status"] == json!("cancelled") => continue,
                OverrideChange::Cancelled => json!({ "status": "cancelled" }),
                OverrideChange::Moved { when, title } => {
                    let mut body = event::times(when)?;
                    body["status"] = json!("confirmed");
                    body["summary"] = json!(title.as_deref().unwrap_or(&event.title));
                    body
                }
            };
            if event::says(&instance, &body) {
                continue;
            }
            let own = instance["id"].as_str().unwrap_or("");
            let path = format!("{}?sendUpdates={}", self.event(own), self.updates());
            let got = self.call(Method::PATCH, &path, Some(&body), None).await?;
            self.api.accepted("a change of an occurrence", &got)?;
        }
        Ok(())
    }

    fn reference(&self, body: &Value) -> EventRef {
        let text = |name: &str| body[name].as_str().map(str::to_owned);
        EventRef {
            calendar: self.calendar.clone(),
            id: text("id").unwrap_or_default(),
            etag: text("etag"),
            link: text("htmlLink"),
        }
    }

    /// An event with the occurrences that differ; none when it is gone or cancelled.
    async fn whole(&self, id: &str) -> Result<Option<(EventRef, CalendarEvent)>> {
        let Some(body) = self.read(id).await? else {
            return Ok(None);
        };
        if body["status"] == json!("cancelled") {
            return Ok(None);
        }
        let Some(mut read) = event::read(&body) else {
            return Err(EngineError::new(
                Code::CalendarRefused,
                "Google Calendar tells an event that cannot be understood",
            ));
        };
        if read.recurrence.is_some() {
            read.overrides = self.overrides(id, &read).await?;
        }
        Ok(Some((self.reference(&body), read)))
    }

    async fn overrides(&self, id: &str, event: &CalendarEvent) -> Result<Vec<Override>> {
        let path = format!(
            "{}/instances?showDeleted=true&maxResults=2500",
            self.event(id)
        );
        let got = self.call(Method::GET, &path, None, None).await?;
        self.api.accepted("to list occurrences", &got)?;
        let list = got.json()["items"].as_array().cloned().unwrap_or_default();
        Ok(list
            .iter()
            .filter_map(|one| event::difference(event, one))
            .collect())
    }

    async fn ask_busy(
        &self,
        window: TimeSpan,
        people: &[String],
        into: &mut BTreeMap<String, Busy>,
    ) -> Result<()> {
        let body = json!({
            "timeMin": window.from, "timeMax": window.to,
            "items": people.iter().map(|id| json!({ "id": id })).collect::<Vec<_>>(),
        });
        let got = self
            .call(Method::POST, "/freeBusy", Some(&body), None)
            .await?;
        self.api.accepted("busy times", &got)?;
        let told = got.json();
        for person in people {
            let one = &told["calendars"][person];
            let reason = one["errors"][0]["reason"].as_str();
            let busy = match (reason, one["busy"].as_array()) {
                (None, Some(list)) => Busy::Known(list.iter().filter_map(event::span).collect()),
                (reason, _) => Busy::Unknown {
                    reason: format!("Google Calendar: {}", reason.unwrap_or("no answer")),
                },
            };
            into.insert(person.clone(), busy);
        }
        Ok(())
    }

    async fn list_changes(&self, since: Option<&str>) -> Result<Changes> {
        let mut ids: BTreeSet<String> = BTreeSet::new();
        let mut gone: BTreeMap<String, EventRef> = BTreeMap::new();
        let mut page: Option<String> = None;
        let next = loop {
            let mut path = format!("{}?maxResults=2500&showDeleted=true", self.events());
            if let Some(token) = since {
                path.push_str("&syncToken=");
                path.push_str(&coded(token));
            }
            if let Some(page) = &page {
                path.push_str("&pageToken=");
                path.push_str(&coded(page));
            }
            let got = self.call(Method::GET, &path, None, None).await?;
            if got.status == 410 && since.is_some() {
                // The token is too old: begin again with everything.
                let all = Box::pin(self.list_changes(None)).await?;
                return Ok(Changes {
                    full_resync: true,
                    ..all
                });
            }
            self.api.accepted("to list changes", &got)?;
            let told = got.json();
            for one in told["items"].as_array().into_iter().flatten() {
                let id = one["recurringEventId"].as_str().or(one["id"].as_str());
                let Some(id) = id else { continue };
                if one["status"] == json!("cancelled") && one["recurringEventId"].is_null() {
                    gone.insert(id.to_owned(), self.reference(one));
                } else {
                    ids.insert(id.to_owned());
                }
            }
            match told["nextPageToken"].as_str() {
                Some(token) => page = Some(token.to_owned()),
                None => break told["nextSyncToken"].as_str().map(str::to_owned),
            }
        };
        let mut events = Vec::new();
        for id in ids {
            if gone.contains_key(&id) {
                continue;
            }
            if let Some((event, now)) = self.whole(&id).await? {
                events.push(Changed {
                    event,
                    ical_uid: Some(now.ical_uid.clone()),
                    now: Some(now),
                });
            } else {
                let reference = self.reference(&json!({ "id": id }));
                gone.insert(id, reference);
            }
        }
        // What is gone is news only to whoever knew it.
        if since.is_some() {
            events.extend(gone.into_values().map(|event| Changed {
                event,
                ical_uid: None,
                now: None,
            }));
        }
        Ok(Changes {
            events,
            next,
            full_resync: false,
        })
    }
}

impl Calendar for Google {
    fn name(&self) -> &str {
        NAME
    }

    fn check(&self, event: &CalendarEvent) -> Result<()> {
        event::json(event, self.invites).map(|_| ())
    }

    fn invites(&self) -> bool {
        self.invites
    }

    fn put<'a>(
        &'a self,
        event: &'a CalendarEvent,
        known: Option<&'a EventRef>,
    ) -> Answering<'a, EventRef> {
        Box::pin(self.write(event, known))
    }

    fn find<'a>(&'a self, key: &'a str) -> Answering<'a, Option<EventRef>> {
        Box::pin(async move {
            let found = self.read(&id_of(key)).await?;
            Ok(found
                .filter(|body| body["status"] != json!("cancelled"))
                .map(|body| self.reference(&body)))
        })
    }

    fn get<'a>(&'a self, event: &'a EventRef) -> Answering<'a, Option<CalendarEvent>> {
        Box::pin(async move { Ok(self.whole(&event.id).await?.map(|(_, event)| event)) })
    }

    fn remove<'a>(&'a self, event: &'a EventRef) -> Answering<'a, ()> {
        Box::pin(async move {
            let path = format!("{}?sendUpdates={}", self.event(&event.id), self.updates());
            let got = self.call(Method::DELETE, &path, None, None).await?;
            if matches!(got.status, 404 | 410) {
                return Ok(());
            }
            self.api.accepted("to delete an event", &got)
        })
    }

    fn busy<'a>(
        &'a self,
        window: TimeSpan,
        people: &'a [String],
    ) -> Answering<'a, BTreeMap<String, Busy>> {
        Box::pin(async move {
            let mut all = BTreeMap::new();
            for some in people.chunks(PEOPLE) {
                self.ask_busy(window, some, &mut all).await?;
            }
            Ok(all)
        })
    }

    fn changes<'a>(&'a self, since: Option<&'a str>) -> Answering<'a, Changes> {
        Box::pin(self.list_changes(since))
    }
}
