//! The embedded calendar: an iCalendar feed, in a file of the data folder and at a secret address that calendars can subscribe to.

use std::collections::BTreeMap;

use parfocal_formats::ical::{self, Agent};
use secrecy::{ExposeSecret as _, SecretString};

use super::{Answering, Busy, Calendar, CalendarEvent, Changes, EventRef, TimeSpan, ics};
use crate::App;
use crate::error::{Code, EngineError, Result};
use crate::vault::Purpose;

/// Its name in the registry.
pub(super) const NAME: &str = "feed";
/// The file in the data folder.
const FILE: &str = "calendar.ics";
/// Who owns the secret of the address.
const OWNER: &str = "feed";

/// The feed.
#[derive(Debug)]
pub struct Feed {
    app: App,
}

impl Feed {
    pub(super) fn of(app: App) -> Self {
        Self { app }
    }

    /// The secret part of the feed's address, made when first asked for.
    pub async fn secret(app: &App) -> Result<SecretString> {
        let (scope, vault) = (app.scope(), app.vault());
        if let Some(secret) = vault.get_text(scope, Purpose::Calendar, OWNER).await? {
            return Ok(secret);
        }
        let made = hex::encode(app.chance().bytes::<24>());
        let mut tx = app.store().begin(scope).await?;
        vault
            .put(&mut tx, Purpose::Calendar, OWNER, made.as_bytes())
            .await?;
        tx.commit().await?;
        // Another process may have been first: what lies there counts.
        let kept = vault.get_text(scope, Purpose::Calendar, OWNER).await?;
        Ok(kept.unwrap_or_else(|| SecretString::from(made)))
    }

    /// The feed's text, for whoever knows the secret; nothing for anybody else.
    pub async fn text_for(app: &App, secret: &str) -> Result<Option<String>> {
        use subtle::ConstantTimeEq as _;
        let ours = Self::secret(app).await?;
        if !bool::from(ours.expose_secret().as_bytes().ct_eq(secret.as_bytes())) {
            return Ok(None);
        }
        Self::text(app).await.map(Some)
    }

    /// The feed's text.
    pub async fn text(app: &App) -> Result<String> {
        let mut events = Vec::new();
        for row in app.store().feed_events(app.scope()).await? {
            let event: CalendarEvent = serde_json::from_value(row.event).map_err(unreadable)?;
            events.extend(ics::write(&event, row.updated_at, Agent::Client).unwrap_or_default());
        }
        let mut calendar = ical::Calendar::stored(events);
        calendar.method = Some(ical::Method::Publish);
        "Parfocal".clone_into(&mut calendar.name);
        // A published calendar asks nobody for an answer.
        for event in &mut calendar.events {
            event.attendees.clear();
            event.organizer = None;
        }
        Ok(calendar.to_string())
    }

    /// Writes the file anew, whole or not at all.
    async fn publish(&self) -> Result<()> {
        let text = Self::text(&self.app).await?;
        let path = self.app.config().data.dir.join(FILE);
        let beside = self.app.config().data.dir.join(format!(
            "{FILE}.{}",
            hex::encode(self.app.chance().bytes::<6>())
        ));
        let failed = |error: std::io::Error| {
            EngineError::new(
                Code::FileFailed,
                format!("cannot write {}: {error}", path.display()),
            )
        };
        tokio::fs::write(&beside, text).await.map_err(failed)?;
        tokio::fs::rename(&beside, &path).await.map_err(failed)
    }

    async fn write(&self, event: &CalendarEvent) -> Result<EventRef> {
        self.check(event)?;
        let json = serde_json::to_value(event)
            .map_err(|error| EngineError::new(Code::Internal, error.to_string()))?;
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.put_feed_event(&event.key, &json, self.app.clock().now())
            .await?;
        tx.commit().await?;
        self.publish().await?;
        let there = self.reference(&event.key).await?;
        there.ok_or_else(|| EngineError::not_found("event", &event.key))
    }

    async fn reference(&self, key: &str) -> Result<Option<EventRef>> {
        let row = self.app.store().feed_event(self.app.scope(), key).await?;
        Ok(row.map(|row| EventRef {
            calendar: NAME.to_owned(),
            id: row.key,
            etag: Some(row.version.to_string()),
            link: None,
        }))
    }
}

fn unreadable(error: serde_json::Error) -> EngineError {
    EngineError::new(Code::StoreCorrupt, "an event of the feed cannot be read").with_source(error)
}

impl Calendar for Feed {
    fn name(&self) -> &str {
        NAME
    }

    fn check(&self, event: &CalendarEvent) -> Result<()> {
        ics::check(event, self.app.clock().now())
    }

    fn put<'a>(
        &'a self,
        event: &'a CalendarEvent,
        _known: Option<&'a EventRef>,
    ) -> Answering<'a, EventRef> {
        Box::pin(self.write(event))
    }

    fn find<'a>(&'a self, key: &'a str) -> Answering<'a, Option<EventRef>> {
        Box::pin(self.reference(key))
    }

    fn get<'a>(&'a self, event: &'a EventRef) -> Answering<'a, Option<CalendarEvent>> {
        Box::pin(async move {
            let row = self
                .app
                .store()
                .feed_event(self.app.scope(), &event.id)
                .await?;
            row.map(|row| serde_json::from_value(row.event).map_err(unreadable))
                .transpose()
        })
    }

    fn remove<'a>(&'a self, event: &'a EventRef) -> Answering<'a, ()> {
        Box::pin(async move {
            let mut tx = self.app.store().begin(self.app.scope()).await?;
            tx.remove_feed_event(&event.id).await?;
            tx.commit().await?;
            self.publish().await
        })
    }

    fn busy<'a>(
        &'a self,
        _window: TimeSpan,
        people: &'a [String],
    ) -> Answering<'a, BTreeMap<String, Busy>> {
        // A feed knows our own meetings only, and those the store tells.
        let unknown = |_: &String| Busy::Unknown {
            reason: "a feed tells nobody's busy times".to_owned(),
        };
        let all = people
            .iter()
            .map(|one| (one.clone(), unknown(one)))
            .collect();
        Box::pin(async move { Ok(all) })
    }

    fn changes<'a>(&'a self, _since: Option<&'a str>) -> Answering<'a, Changes> {
        // Nobody but us writes it.
        Box::pin(async move {
            Ok(Changes {
                events: Vec::new(),
                next: None,
                full_resync: false,
            })
        })
    }
}
