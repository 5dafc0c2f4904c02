//! CalDAV (RFC 4791, 6578, 6764): resources named by us, guarded by etags, changes by `sync-collection`.

mod dav;

use std::collections::BTreeMap;

use parfocal_formats::ical::{self, Agent};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use url::Url;

use super::accounts::{Account, Opener, Settings, secret};
use super::echo::{id_of, merged};
use super::http::{Got, Http, address};
use super::{Answering, Busy, Calendar, CalendarEvent, Changed, Changes, EventRef, TimeSpan, ics};
use crate::error::{Code, EngineError, Result};

/// Its name in the registry.
pub(super) const NAME: &str = "caldav";
const SYSTEM: &str = "The CalDAV server";
const XML: (&str, &str) = ("content-type", "application/xml; charset=utf-8");
/// How often a change is tried again that met another's.
const MEETINGS: u32 = 4;

/// A collection of a CalDAV server.
#[derive(Debug)]
pub(super) struct Caldav {
    account: Account,
    http: Http,
    base: Url,
    user: String,
    collection: Option<Url>,
}

/// A resource as it lies there.
struct Resource {
    etag: Option<String>,
    event: CalendarEvent,
}

fn refused(message: impl Into<String>) -> EngineError {
    EngineError::new(Code::CalendarRefused, message)
}

fn document(got: &Got) -> Result<dav::Node> {
    dav::parse(&got.body).ok_or_else(|| refused("the CalDAV server answered with no readable XML"))
}

impl Caldav {
    pub(super) fn of(account: Account) -> Result<Self> {
        let Settings::Caldav {
            url,
            user,
            collection,
        } = &account.settings
        else {
            return Err(EngineError::invalid(
                "this account is not on a CalDAV server",
            ));
        };
        let base = address(url)?;
        let wrong = |_| EngineError::invalid("the collection is no address");
        let collection = collection
            .as_ref()
            .map(|path| base.join(path).map_err(wrong))
            .transpose()?;
        Ok(Self {
            http: Http::new(SYSTEM, account.app.clock(), &base)?,
            user: user.clone(),
            collection,
            base,
            account,
        })
    }

    async fn call(
        &self,
        method: &str,
        url: &Url,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Got> {
        let Opener::Password { password } = self.account.kept().await?.opener else {
            return Err(EngineError::invalid(
                "a CalDAV calendar is opened by a password",
            ));
        };
        let password = secret(&password);
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| EngineError::new(Code::Internal, "not a method"))?;
        let mut request = self
            .http
            .client()
            .request(method, url.clone())
            .basic_auth(&self.user, Some(password.expose_secret()));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        self.http.send(request).await
    }

    /// A place that the server names; only on the same server, since the password goes there.
    fn place(&self, from: &Url, href: &str) -> Result<Url> {
        let url = from
            .join(href)
            .map_err(|_| refused("the CalDAV server names a place that is no address"))?;
        if url.origin() != self.base.origin() {
            let other = url.origin().ascii_serialization();
            return Err(refused(format!(
                "the CalDAV server sends to another server, {other}"
            ))
            .with_hint("If that is right, add the calendar with that server's address."));
        }
        Ok(url)
    }

    async fn properties(
        &self,
        at: &Url,
        depth: &str,
        properties: &str,
    ) -> Result<Vec<dav::Response>> {
        let asked = Some(dav::propfind(properties));
        let got = self
            .call("PROPFIND", at, &[("depth", depth), XML], asked)
            .await?;
        if got.status != 207 {
            return Err(self.http.refusal("to describe itself", &got));
        }
        Ok(dav::responses(&document(&got)?).0)
    }

    /// Finds the collection: the address itself, or from the server's own description on.
    async fn discover(&self) -> Result<Url> {
        let kind = "<D:resourcetype/><C:supported-calendar-component-set/>";
        if let Ok(list) = self.properties(&self.base, "0", kind).await
            && list.iter().any(|one| one.found.has("C:calendar"))
        {
            return Ok(self.base.clone());
        }
        let who = "<D:current-user-principal/>";
        let known = self.place(&self.base, "/.well-known/caldav")?;
        let asked = Some(dav::propfind(who));
        let got = self
            .call("PROPFIND", &known, &[("depth", "0"), XML], asked)
            .await?;
        let start = match (got.status, got.header("location")) {
            (301 | 302 | 307 | 308, Some(to)) => self.place(&known, to)?,
            (207, _) => known,
            _ => self.base.clone(),
        };
        let missing = |what: &str| {
            refused(format!("the CalDAV server does not name {what}"))
                .with_hint("Add the calendar with the address of its collection.")
        };
        let named = |list: &[dav::Response], name: &str| {
            let href = list
                .iter()
                .find_map(|one| one.found.text_at(&[name, "D:href"]));
            href.map(str::to_owned)
        };
        let list = self.properties(&start, "0", who).await?;
        let principal =
            named(&list, "D:current-user-principal").ok_or_else(|| missing("who we are"))?;
        let principal = self.place(&start, &principal)?;
        let list = self
            .properties(&principal, "0", "<C:calendar-home-set/>")
            .await?;
        let home = named(&list, "C:calendar-home-set").ok_or_else(|| missing("our calendars"))?;
        let home = self.place(&principal, &home)?;
        let list = self.properties(&home, "1", kind).await?;
        let first = list.iter().find(|one| {
            let set = one.found.child("C:supported-calendar-component-set");
            let is_calendar = one
                .found
                .child("D:resourcetype")
                .is_some_and(|kind| kind.has("C:calendar"));
            is_calendar
                && set.is_none_or(|set| set.children.iter().any(|comp| comp.text == "VEVENT"))
        });
        self.place(&home, &first.ok_or_else(|| missing("any calendar"))?.href)
    }

    /// Whether the collection can be read; where it is, as a path.
    pub(super) async fn probe(&self) -> Result<String> {
        let found = self.collection().await?;
        self.properties(&found, "0", "<D:resourcetype/>").await?;
        Ok(found.path().to_owned())
    }

    async fn collection(&self) -> Result<Url> {
        let mut url = match &self.collection {
            Some(url) => url.clone(),
            None => self.discover().await?,
        };
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        Ok(url)
    }

    async fn resource(&self, path: &str) -> Result<Url> {
        let collection = self.collection().await?;
        self.place(&collection, path)
    }

    fn path_of(collection: &Url, key: &str) -> String {
        format!("{}{}.ics", collection.path(), id_of(key))
    }

    async fn read(&self, at: &Url) -> Result<Option<Resource>> {
        let got = self.call("GET", at, &[], None).await?;
        if matches!(got.status, 404 | 410) {
            return Ok(None);
        }
        if !got.is_success() {
            return Err(self.http.refusal("to show an event", &got));
        }
        let text = String::from_utf8_lossy(&got.body);
        let unreadable = || refused("the CalDAV server tells an event that cannot be understood");
        let calendar =
            ical::Calendar::parse(&text).map_err(|error| unreadable().with_source(error))?;
        Ok(Some(Resource {
            etag: got.header("etag").map(str::to_owned),
            event: ics::read(&calendar.events).ok_or_else(unreadable)?,
        }))
    }

    async fn write(&self, event: &CalendarEvent, known: Option<&EventRef>) -> Result<EventRef> {
        let collection = self.collection().await?;
        let path = known.map_or_else(
            || Self::path_of(&collection, &event.key),
            |known| known.id.clone(),
        );
        let at = self.place(&collection, &path)?;
        let mut there = match known {
            Some(_) => self.read(&at).await?,
            None => None,
        };
        for _ in 0..MEETINGS {
            let mut wanted = event.clone();
            if let Some(there) = &there {
                wanted.attendees = merged(&event.attendees, &there.event.attendees, &[]);
                if there.event.fingerprint() == wanted.fingerprint()
                    && there.event.body == wanted.body
                    && there.event.attendees == wanted.attendees
                    && there.etag.is_some()
                {
                    return Ok(reference(&collection, &path, there.etag.clone()));
                }
            }
            let events = ics::write(&wanted, self.http.now(), Agent::Client)
                .ok_or_else(|| EngineError::invalid("the event's time cannot be placed"))?;
            let text = ical::Calendar::stored(events).to_string();
            let etag = there.as_ref().and_then(|there| there.etag.clone());
            let mut headers = vec![("content-type", "text/calendar; charset=utf-8")];
            match (&there, &etag) {
                (None, _) => headers.push(("if-none-match", "*")),
                (Some(_), Some(etag)) => headers.push(("if-match", etag)),
                (Some(_), None) => {}
            }
            let got = self.call("PUT", &at, &headers, Some(text)).await?;
            // 412: it is there already (an answer was lost), or somebody changed it meanwhile.
            if got.status == 412 {
                there = self.read(&at).await?;
                continue;
            }
            if !got.is_success() {
                return Err(self.http.refusal("an event", &got));
            }
            let etag = match got.header("etag") {
                Some(etag) => Some(etag.to_owned()),
                // The server changed what we wrote.
                None => self.read(&at).await?.and_then(|there| there.etag),
            };
            return Ok(reference(&collection, &path, etag));
        }
        Err(EngineError::new(
            Code::CalendarUnavailable,
            "others change the event on the CalDAV server all the time",
        ))
    }

    async fn own_busy(&self, window: TimeSpan) -> Result<Vec<TimeSpan>> {
        let stamp = |at: jiff::Timestamp| at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><C:free-busy-query xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><C:time-range start=\"{}\" end=\"{}\"/></C:free-busy-query>",
            stamp(window.from),
            stamp(window.to)
        );
        let collection = self.collection().await?;
        let got = self
            .call("REPORT", &collection, &[("depth", "1"), XML], Some(body))
            .await?;
        if !got.is_success() {
            return Err(self.http.refusal("busy times", &got));
        }
        let text = String::from_utf8_lossy(&got.body);
        let calendar = ical::Calendar::parse(&text)
            .map_err(|error| refused("the busy times cannot be read").with_source(error))?;
        Ok(calendar
            .busy
            .iter()
            .flat_map(|one| &one.periods)
            .filter(|(_, _, kind)| *kind != ical::BusyKind::Free)
            .map(|(from, to, _)| TimeSpan {
                from: *from,
                to: *to,
            })
            .collect())
    }

    async fn list_changes(&self, since: Option<&str>) -> Result<Changes> {
        let collection = self.collection().await?;
        let mut token = since.unwrap_or("").to_owned();
        let mut hrefs: BTreeMap<String, bool> = BTreeMap::new();
        loop {
            let body = format!(
                "<?xml version=\"1.0\" encoding=\"utf-8\"?><D:sync-collection xmlns:D=\"DAV:\"><D:sync-token>{}</D:sync-token><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>",
                dav::escaped(&token)
            );
            let got = self
                .call("REPORT", &collection, &[("depth", "0"), XML], Some(body))
                .await?;
            if since.is_some() && matches!(got.status, 403 | 409 | 410) {
                // The token is too old: begin again with everything.
                let all = Box::pin(self.list_changes(None)).await?;
                return Ok(Changes {
                    full_resync: true,
                    ..all
                });
            }
            if got.status != 207 {
                return Err(self.http.refusal("to list changes", &got));
            }
            let (list, next) = dav::responses(&document(&got)?);
            // 507 on the collection: there is more.
            let more = list.iter().any(|one| one.status == Some(507));
            for one in list.into_iter().filter(|one| one.status != Some(507)) {
                hrefs.insert(one.href, one.status == Some(404));
            }
            let moved = next.as_ref().is_some_and(|next| *next != token);
            token = next.unwrap_or_default();
            if !(more && moved) {
                break;
            }
        }
        let mut events = Vec::new();
        for (href, removed) in hrefs {
            let at = self.place(&collection, &href)?;
            if at.path() == collection.path() {
                continue;
            }
            let there = if removed { None } else { self.read(&at).await? };
            if there.is_none() && since.is_none() {
                continue;
            }
            let etag = there.as_ref().and_then(|one| one.etag.clone());
            let now = there.map(|one| one.event);
            events.push(Changed {
                event: reference(&collection, at.path(), etag),
                ical_uid: now.as_ref().map(|one| one.ical_uid.clone()),
                now,
            });
        }
        Ok(Changes {
            events,
            next: (!token.is_empty()).then_some(token),
            full_resync: false,
        })
    }
}

fn reference(collection: &Url, path: &str, etag: Option<String>) -> EventRef {
    EventRef {
        calendar: collection.path().to_owned(),
        id: path.to_owned(),
        etag,
        link: None,
    }
}

impl Calendar for Caldav {
    fn name(&self) -> &str {
        NAME
    }

    fn check(&self, event: &CalendarEvent) -> Result<()> {
        ics::check(event, self.http.now())
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
            let collection = self.collection().await?;
            let path = Self::path_of(&collection, key);
            let there = self.read(&self.place(&collection, &path)?).await?;
            Ok(there.map(|there| reference(&collection, &path, there.etag)))
        })
    }

    fn get<'a>(&'a self, event: &'a EventRef) -> Answering<'a, Option<CalendarEvent>> {
        Box::pin(async move {
            let at = self.resource(&event.id).await?;
            Ok(self.read(&at).await?.map(|there| there.event))
        })
    }

    fn remove<'a>(&'a self, event: &'a EventRef) -> Answering<'a, ()> {
        Box::pin(async move {
            let at = self.resource(&event.id).await?;
            let got = self.call("DELETE", &at, &[], None).await?;
            if got.is_success() || matches!(got.status, 404 | 410) {
                return Ok(());
            }
            Err(self.http.refusal("to delete an event", &got))
        })
    }

    fn busy<'a>(
        &'a self,
        window: TimeSpan,
        people: &'a [String],
    ) -> Answering<'a, BTreeMap<String, Busy>> {
        Box::pin(async move {
            let mut all = BTreeMap::new();
            for person in people {
                let unknown = |reason: &str| Busy::Unknown {
                    reason: reason.to_owned(),
                };
                let busy = if person.eq_ignore_ascii_case(&self.user) {
                    match self.own_busy(window).await {
                        Ok(spans) => Busy::Known(spans),
                        Err(error) if error.is_retryable() => return Err(error),
                        Err(error) => unknown(error.message()),
                    }
                } else {
                    unknown("this CalDAV calendar is another person's")
                };
                all.insert(person.clone(), busy);
            }
            Ok(all)
        })
    }

    fn changes<'a>(&'a self, since: Option<&'a str>) -> Answering<'a, Changes> {
        Box::pin(self.list_changes(since))
    }
}
