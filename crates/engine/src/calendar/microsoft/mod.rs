//! Microsoft 365 (Graph v1.0): a transaction id of ours, merges guarded by etags, changes by delta.

mod event;

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use reqwest::Method;
use serde_json::{Value, json};

use super::accounts::{Account, Settings};
use super::api::{Api, coded};
use super::echo::{id_of, merged};
use super::http::{Http, address};
use super::tokens::Giver;
use super::work::Channel;
use super::{
    Answering, Busy, Calendar, CalendarEvent, Changed, Changes, EventRef, Override, OverrideChange,
    TimeSpan,
};
use crate::error::{Code, EngineError, Result};

/// Its name in the registry.
pub(super) const NAME: &str = "microsoft";
const SYSTEM: &str = "Microsoft 365";
/// How often a change is tried again that met another's.
const MEETINGS: u32 = 4;
/// Life of a subscription; Microsoft allows 4230 minutes.
const LIFE: SignedDuration = SignedDuration::from_mins(4_200);
/// Mailboxes in one question for busy times.
const PEOPLE: usize = 20;
/// Longest window of such a question.
const LONGEST: SignedDuration = SignedDuration::from_hours(60 * 24);
/// Changes are looked for from so long ago…
const BACK: SignedDuration = SignedDuration::from_hours(31 * 24);
/// …to so far ahead.
const AHEAD: SignedDuration = SignedDuration::from_hours(366 * 24);

/// A mailbox of Microsoft 365.
#[derive(Debug)]
pub(super) struct Microsoft {
    api: Api,
    /// `/me` or `/users/NAME`.
    under: String,
    /// What is watched, as it is named in a body: nothing in it is escaped.
    watched: String,
    invites: bool,
}

impl Microsoft {
    pub(super) fn of(account: &Account) -> Result<Self> {
        let Settings::Microsoft {
            tenant,
            mailbox,
            invites,
            api_url,
            login_url,
        } = &account.settings
        else {
            return Err(EngineError::invalid("this account is not at Microsoft"));
        };
        let http = Http::new(SYSTEM, account.app.clock(), &address(api_url)?)?;
        let giver = Giver {
            url: format!(
                "{}/{}/oauth2/v2.0/token",
                login_url.trim_end_matches('/'),
                coded(tenant)
            ),
            scope: "https://graph.microsoft.com/.default",
            person: None,
        };
        Ok(Self {
            watched: mailbox.as_ref().map_or_else(
                || "me/events".to_owned(),
                |name| format!("users/{name}/events"),
            ),
            under: mailbox.as_ref().map_or_else(
                || "/me".to_owned(),
                |name| format!("/users/{}", coded(name)),
            ),
            invites: *invites,
            api: Api::new(account.clone(), http, giver, api_url).saying(&[
                ("prefer", "IdType=\"ImmutableId\""),
                ("prefer", "outlook.timezone=\"UTC\""),
            ]),
        })
    }

    /// Has Microsoft tell an address of changes, with a secret that proves it. It asks that address for an answer at once.
    pub(super) async fn watch(&self, address: &str, token: &str) -> Result<Channel> {
        let until = self.api.now() + LIFE;
        let body = json!({
            "changeType": "created,updated,deleted", "notificationUrl": address, "clientState": token,
            "resource": self.watched, "expirationDateTime": until,
        });
        let url = format!("{}/subscriptions", self.api.base());
        let got = self.api.call(Method::POST, &url, Some(&body), None).await?;
        self.api.accepted("to tell of changes", &got)?;
        let told = got.json();
        Ok(Channel {
            id: told["id"].as_str().unwrap_or_default().to_owned(),
            resource: None,
            token: token.to_owned(),
            address: address.to_owned(),
            until: told["expirationDateTime"]
                .as_str()
                .and_then(|text| text.parse().ok())
                .unwrap_or(until),
        })
    }

    /// Ends a subscription; that it is gone already is no failure, and one that stays ends by itself.
    pub(super) async fn unwatch(&self, channel: &Channel) {
        let url = format!("{}/subscriptions/{}", self.api.base(), coded(&channel.id));
        if let Err(error) = self.api.call(Method::DELETE, &url, None, None).await {
            tracing::debug!(%error, "an old subscription could not be ended");
        }
    }

    /// Whether the calendar can be read.
    pub(super) async fn probe(&self) -> Result<()> {
        let got = self
            .api
            .call(Method::GET, &self.path("/calendar"), None, None)
            .await?;
        self.api.accepted("to show the calendar", &got)
    }

    fn path(&self, rest: &str) -> String {
        format!("{}{}{rest}", self.api.base(), self.under)
    }

    fn event(&self, id: &str) -> String {
        self.path(&format!("/events/{}", coded(id)))
    }

    /// All items of a paged list. Links that lead elsewhere are not followed: the token would go there.
    async fn pages(&self, first: String) -> Result<(Vec<Value>, Value)> {
        let mut url = first;
        let mut items = Vec::new();
        loop {
            let got = self.api.call(Method::GET, &url, None, None).await?;
            self.api.accepted("to list events", &got)?;
            let told = got.json();
            items.extend(told["value"].as_array().into_iter().flatten().cloned());
            match told["@odata.nextLink"].as_str() {
                Some(next) if self.is_ours(next) => next.clone_into(&mut url),
                Some(_) => {
                    return Err(EngineError::new(
                        Code::CalendarRefused,
                        "Microsoft 365 answered with a link to another server",
                    ));
                }
                None => return Ok((items, told)),
            }
        }
    }

    fn is_ours(&self, link: &str) -> bool {
        link.strip_prefix(self.api.base())
            .is_some_and(|rest| rest.starts_with('/'))
    }

    async fn read(&self, id: &str) -> Result<Option<Value>> {
        let url = format!("{}?$expand={}", self.event(id), coded(&event::expand()));
        let got = self.api.call(Method::GET, &url, None, None).await?;
        if matches!(got.status, 404 | 410) {
            return Ok(None);
        }
        self.api.accepted("to show an event", &got)?;
        Ok(Some(got.json()))
    }

    /// The event of a key, by the property that we put on it.
    async fn search(&self, key: &str) -> Result<Option<Value>> {
        let filter = event::filter(key);
        let (items, _) = self
            .pages(self.path(&format!("/events?$filter={}", coded(&filter))))
            .await?;
        match items.first().and_then(|one| one["id"].as_str()) {
            Some(id) => self.read(id).await,
            None => Ok(None),
        }
    }

    async fn write(&self, event: &CalendarEvent, known: Option<&EventRef>) -> Result<EventRef> {
        let mut id = known.map(|known| known.id.clone());
        if id.is_none() {
            let mut body = event::json(event, self.invites)?;
            body["transactionId"] = json!(id_of(&event.key));
            let got = self
                .api
                .call(Method::POST, &self.path("/events"), Some(&body), None)
                .await?;
            // 409: the transaction was seen before.
            let made = if got.status == 409 {
                let found = self.search(&event.key).await?;
                found.ok_or_else(|| self.api.refusal("an event", &got))?
            } else {
                self.api.accepted("an event", &got)?;
                got.json()
            };
            // Graph may answer with the event of an earlier try, which may say something else by now.
            if event::says(&made, &body) {
                let reference = event::reference(&made);
                self.write_overrides(event, &reference.id).await?;
                return Ok(reference);
            }
            id = made["id"].as_str().map(str::to_owned);
        }
        let id = id.unwrap_or_default();
        for _ in 0..MEETINGS {
            let Some(there) = self.read(&id).await? else {
                // A person deleted it: a transaction id is used once, so the next life has none.
                let body = event::json(event, self.invites)?;
                let got = self
                    .api
                    .call(Method::POST, &self.path("/events"), Some(&body), None)
                    .await?;
                self.api.accepted("an event", &got)?;
                let reference = event::reference(&got.json());
                self.write_overrides(event, &reference.id).await?;
                return Ok(reference);
            };
            let mut body = event::json(event, self.invites)?;
            if self.invites {
                let guests = merged(
                    &event.attendees,
                    &event::guests(&there),
                    &event::invited(&there),
                );
                body["attendees"] = event::guests_json(&guests);
            }
            if event.recurrence.is_none() && there["recurrence"].is_object() {
                body["recurrence"] = Value::Null;
            }
            if event::says(&there, &body) {
                let reference = event::reference(&there);
                self.write_overrides(event, &id).await?;
                return Ok(reference);
            }
            let etag = there["@odata.etag"].as_str();
            let got = self
                .api
                .call(Method::PATCH, &self.event(&id), Some(&body), etag)
                .await?;
            if got.status == 412 {
                continue;
            }
            self.api.accepted("a change of an event", &got)?;
            self.write_overrides(event, &id).await?;
            return Ok(event::reference(&got.json()));
        }
        Err(EngineError::new(
            Code::CalendarUnavailable,
            "others change the event at Microsoft 365 all the time",
        ))
    }

    /// Brings the occurrences that differ to how they are to be.
    async fn write_overrides(&self, event: &CalendarEvent, id: &str) -> Result<()> {
        for one in &event.overrides {
            let Some(at) = event::original(event, one.original) else {
                continue;
            };
            // A moved occurrence is found by its original start, so the window is wide.
            let day = SignedDuration::from_hours(24 * 31);
            let list = self.instances(id, at - day, at + day).await?;
            let found = list
                .into_iter()
                .find(|instance| event::original_of(instance, event) == Some(one.original));
            let Some(instance) = found else { continue };
            let own = instance["id"].as_str().unwrap_or("");
            match &one.change {
                OverrideChange::Cancelled => {
                    let got = self
                        .api
                        .call(Method::DELETE, &self.event(own), None, None)
                        .await?;
                    if !matches!(got.status, 404 | 410) {
                        self.api.accepted("to delete an occurrence", &got)?;
                    }
                }
                OverrideChange::Moved { when, title } => {
                    let mut body = event::times(when)?;
                    body["subject"] = json!(title.as_deref().unwrap_or(&event.title));
                    if event::says(&instance, &body) {
                        continue;
                    }
                    let got = self
                        .api
                        .call(Method::PATCH, &self.event(own), Some(&body), None)
                        .await?;
                    self.api.accepted("a change of an occurrence", &got)?;
                }
            }
        }
        Ok(())
    }

    async fn instances(
        &self,
        id: &str,
        from: jiff::Timestamp,
        to: jiff::Timestamp,
    ) -> Result<Vec<Value>> {
        let path = format!(
            "/events/{}/instances?startDateTime={from}&endDateTime={to}&$top=500",
            coded(id)
        );
        Ok(self.pages(self.path(&path)).await?.0)
    }

    /// An event with the occurrences that differ; none when it is gone.
    async fn whole(&self, id: &str) -> Result<Option<(EventRef, CalendarEvent)>> {
        let Some(body) = self.read(id).await? else {
            return Ok(None);
        };
        if body["isCancelled"] == json!(true) {
            return Ok(None);
        }
        let Some(mut read) = event::read(&body) else {
            return Err(EngineError::new(
                Code::CalendarRefused,
                "Microsoft 365 tells an event that cannot be understood",
            ));
        };
        if read.recurrence.is_some() {
            read.overrides = self.overrides(id, &read).await?;
        }
        Ok(Some((event::reference(&body), read)))
    }

    async fn overrides(&self, id: &str, event: &CalendarEvent) -> Result<Vec<Override>> {
        let now = self.api.now();
        let start = event.when.span().map_or(now, |span| span.from);
        let (from, to) = (start - BACK, start.max(now) + AHEAD);
        let list = self.instances(id, from, to).await?;
        let mut seen: BTreeSet<jiff::civil::DateTime> = BTreeSet::new();
        let mut overrides = Vec::new();
        for one in &list {
            if let Some(original) = event::original_of(one, event) {
                seen.insert(original);
                overrides.extend(event::difference(event, one, original));
            }
        }
        // Graph leaves cancelled occurrences out: what the rule gives and is not told is cancelled.
        overrides.extend(event::missing(event, from, to, &seen));
        overrides.sort_by_key(|one| one.original);
        Ok(overrides)
    }

    async fn ask_busy(
        &self,
        window: TimeSpan,
        people: &[String],
        into: &mut BTreeMap<String, Busy>,
    ) -> Result<()> {
        let mut from = window.from;
        while from < window.to {
            let to = (from + LONGEST).min(window.to);
            let body = json!({
                "schedules": people, "availabilityViewInterval": 30,
                "startTime": event::moment(from), "endTime": event::moment(to),
            });
            let path = self.path("/calendar/getSchedule");
            let got = self
                .api
                .call(Method::POST, &path, Some(&body), None)
                .await?;
            self.api.accepted("busy times", &got)?;
            let told = got.json();
            for person in people {
                let one = told["value"].as_array().into_iter().flatten().find(|one| {
                    one["scheduleId"]
                        .as_str()
                        .is_some_and(|id| id.eq_ignore_ascii_case(person))
                });
                let part = event::busy(one);
                match (into.get_mut(person), part) {
                    (Some(Busy::Known(all)), Busy::Known(more)) => all.extend(more),
                    (Some(Busy::Unknown { .. }), _) => {}
                    (_, part) => {
                        into.insert(person.clone(), part);
                    }
                }
            }
            from = to;
        }
        Ok(())
    }

    async fn list_changes(&self, since: Option<&str>) -> Result<Changes> {
        let now = self.api.now();
        let first = match since {
            Some(link) if self.is_ours(link) => link.to_owned(),
            Some(_) => return Err(EngineError::invalid("this is no token of this calendar")),
            None => self.path(&format!(
                "/calendarView/delta?startDateTime={}&endDateTime={}",
                now - BACK,
                now + AHEAD
            )),
        };
        let (items, last) = match self.pages(first).await {
            Ok(pages) => pages,
            Err(error) if since.is_some() && error.message().contains("HTTP 410") => {
                let all = Box::pin(self.list_changes(None)).await?;
                return Ok(Changes {
                    full_resync: true,
                    ..all
                });
            }
            Err(error) => return Err(error),
        };
        let mut ids: BTreeSet<String> = BTreeSet::new();
        for one in &items {
            let Some(id) = one["seriesMasterId"].as_str().or(one["id"].as_str()) else {
                continue;
            };
            // An occurrence that is gone is known by its series.
            let series = id
                .strip_prefix("OID.")
                .and_then(|rest| rest.rsplit_once('.'));
            ids.insert(series.map_or(id, |(series, _)| series).to_owned());
        }
        let mut events = Vec::new();
        for id in ids {
            // What left the window is told as removed too, so every event is looked at.
            match self.whole(&id).await? {
                Some((event, now)) => events.push(Changed {
                    event,
                    ical_uid: Some(now.ical_uid.clone()),
                    now: Some(now),
                }),
                None if since.is_some() => events.push(Changed {
                    event: event::reference(&json!({ "id": id })),
                    ical_uid: None,
                    now: None,
                }),
                None => {}
            }
        }
        Ok(Changes {
            events,
            next: last["@odata.deltaLink"].as_str().map(str::to_owned),
            full_resync: false,
        })
    }
}

impl Calendar for Microsoft {
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
        Box::pin(async move { Ok(self.search(key).await?.map(|body| event::reference(&body))) })
    }

    fn get<'a>(&'a self, event: &'a EventRef) -> Answering<'a, Option<CalendarEvent>> {
        Box::pin(async move { Ok(self.whole(&event.id).await?.map(|(_, event)| event)) })
    }

    fn remove<'a>(&'a self, event: &'a EventRef) -> Answering<'a, ()> {
        Box::pin(async move {
            let got = self
                .api
                .call(Method::DELETE, &self.event(&event.id), None, None)
                .await?;
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
