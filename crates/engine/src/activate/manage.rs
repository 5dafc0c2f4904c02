//! What people do with destinations and deliveries.

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{
    DeliveryState, DestinationId, DestinationRow, StreamId, StreamKind, StreamState, Tx,
};
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use super::brevo::{self, BrevoConfig};
use super::model::{Checked, Takes};
use super::stream::StreamSpec;
use super::view::{DestinationView, StreamView};
use super::webhook::{self, Kept, WebhookConfig};
use super::{KINDS, open, secret};
use crate::App;
use crate::audit::{self, By, Change};
use crate::clock::span;
use crate::error::{Code, EngineError, Result};
use crate::vault::Purpose;

/// How long a replaced secret signs beside the new one unless said otherwise.
const OVERLAP_HOURS: u32 = 24;
/// Longest overlap, in hours.
const MOST_OVERLAP: u32 = 30 * 24;
/// The component.
pub(super) const COMPONENT: &str = "activation";

/// A destination to be added.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AddDestination {
    /// Its name: letters, digits, `-` and `_`.
    pub name: String,
    /// Which sort of system.
    pub kind: String,
    /// What goes there and where it is. For `webhook`: `url`, `types`, `private_networks`.
    pub config: Value,
}

/// What a backfill or replay is to read.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackfillOrder {
    /// Only what happened from then on.
    pub since: Option<Timestamp>,
    /// Only these kinds of thing, such as `meeting.*`.
    #[serde(default)]
    pub only: Vec<String>,
    /// Whether what arrived already is sent once more.
    #[serde(default)]
    pub replay: bool,
}

/// Secrets that are shown once.
#[derive(Debug)]
pub struct Secrets {
    /// The secret that signs from now on.
    pub current: SecretString,
    /// Until when the one before signs as well.
    pub previous_until: Option<Timestamp>,
}

/// The verbs, for one application.
#[derive(Debug, Clone, Copy)]
pub struct Destinations<'a> {
    app: &'a App,
}

impl App {
    /// Systems that records go to.
    pub fn destinations(&self) -> Destinations<'_> {
        Destinations { app: self }
    }
}

impl<'a> Destinations<'a> {
    pub(super) fn app(self) -> &'a App {
        self.app
    }
}

impl Destinations<'_> {
    /// Adds a destination that gets what happens from now on. Its secret is told once: the webhook's is made here, others are given.
    ///
    /// # Errors
    /// `invalid_input` for what cannot be used, `conflict` when the name is taken, `component_off`.
    pub async fn add(
        self,
        new: &AddDestination,
        given: Option<&SecretString>,
        by: &By,
    ) -> Result<(DestinationView, Option<Secrets>)> {
        self.app.components().require(COMPONENT).await?;
        check_name(&new.name)?;
        let (config, kept, shown) = match new.kind.as_str() {
            webhook::KIND => {
                let config = WebhookConfig::read(&new.config)?;
                let kept = Kept::new(self.app.chance());
                let shown = Secrets {
                    current: kept.current.clone().into(),
                    previous_until: None,
                };
                (json!(config), json!(kept).to_string(), Some(shown))
            }
            brevo::KIND => {
                self.app.components().require(brevo::KIND).await?;
                let config = BrevoConfig::read(&new.config)?;
                let key = given
                    .filter(|key| !key.expose_secret().trim().is_empty())
                    .ok_or_else(|| {
                        EngineError::invalid("Brevo's key is missing").with_hint(
                            "Make one at Brevo under SMTP & API > API keys and give it as the secret.",
                        )
                    })?;
                (json!(config), key.expose_secret().trim().to_owned(), None)
            }
            other => {
                return Err(EngineError::invalid(format!(
                    "there is no kind of destination {other:?}"
                ))
                .with_hint(format!("Kinds are: {}.", KINDS.join(", "))));
            }
        };
        // A secret that is given and not used would be lost without a word.
        if given.is_some() && shown.is_some() {
            return Err(EngineError::invalid(
                "the secret of this kind is made here, none is given",
            ));
        }
        let now = self.app.clock().now();
        let last = self.app.store().last_event(self.app.scope()).await?;
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        let Some(id) = tx
            .add_destination(&new.kind, &new.name, &config, now, now)
            .await?
        else {
            return Err(EngineError::new(
                Code::Conflict,
                format!("there is a destination {} already", new.name),
            ));
        };
        self.app
            .vault()
            .put(
                &mut tx,
                Purpose::Destination,
                &id.to_string(),
                kept.as_bytes(),
            )
            .await?;
        tx.add_stream(id, StreamKind::Live, &json!({}), &last.to_string(), now)
            .await?;
        self.note(
            &mut tx,
            by,
            "destination.add",
            id,
            json!({"name": new.name, "kind": new.kind}),
        )
        .await?;
        tx.commit().await?;
        Ok((self.get(&new.name).await?, shown))
    }

    /// All destinations with their figures, by name.
    pub async fn list(self) -> Result<Vec<DestinationView>> {
        let mut views = Vec::new();
        for row in self.app.store().destinations(self.app.scope()).await? {
            views.push(self.view(row).await?);
        }
        Ok(views)
    }

    /// One destination, by name or id.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn get(self, which: &str) -> Result<DestinationView> {
        let row = self.row(which).await?;
        self.view(row).await
    }

    pub(super) async fn row(self, which: &str) -> Result<DestinationRow> {
        let all = self.app.store().destinations(self.app.scope()).await?;
        all.into_iter()
            .find(|row| row.name == which || row.id.to_string() == which)
            .ok_or_else(|| {
                EngineError::not_found("destination", which)
                    .with_hint("`parfocal destination list` shows which there are.")
            })
    }

    async fn view(self, row: DestinationRow) -> Result<DestinationView> {
        let (store, scope) = (self.app.store(), self.app.scope());
        let id = row.id;
        let mut view = DestinationView::of(row);
        let now = self.app.clock().now();
        for count in store.delivery_counts(scope).await? {
            if count.destination_id != id {
                continue;
            }
            view.deliveries.add(count.state, count.deliveries);
            let open = matches!(
                count.state,
                DeliveryState::Pending | DeliveryState::Sending | DeliveryState::Waiting
            );
            if let Some(oldest) = count.oldest.filter(|_| open) {
                view.lag_seconds = view.lag_seconds.max(span(oldest, now).as_secs());
            }
        }
        let last = store.last_event(scope).await?;
        for stream in store.streams(scope, id).await? {
            if stream.kind == StreamKind::Live {
                let read: i64 = stream.position.parse().unwrap_or(0);
                view.unread = u64::try_from(last - read).unwrap_or(0);
            }
            view.streams.push(stream.into());
        }
        Ok(view)
    }

    /// Changes what goes there and where it is.
    ///
    /// # Errors
    /// `invalid_input`, `not_found`.
    pub async fn configure(self, which: &str, config: &Value, by: &By) -> Result<DestinationView> {
        let row = self.row(which).await?;
        let config = match row.kind.as_str() {
            webhook::KIND => json!(WebhookConfig::read(config)?),
            brevo::KIND => json!(BrevoConfig::read(config)?),
            _ => config.clone(),
        };
        let now = self.app.clock().now();
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.set_destination_config(row.id, &config, now).await?;
        self.note(&mut tx, by, "destination.configure", row.id, json!({}))
            .await?;
        tx.commit().await?;
        self.get(which).await
    }

    /// Switches a destination on or off. What happens meanwhile waits, in order, and is sent when it is on again.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn switch(self, which: &str, on: bool, by: &By) -> Result<DestinationView> {
        let row = self.row(which).await?;
        let now = self.app.clock().now();
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.enable_destination(row.id, on, now).await?;
        if on {
            tx.hurry_deliveries(row.id, now).await?;
        }
        let action = if on {
            "destination.enable"
        } else {
            "destination.disable"
        };
        self.note(&mut tx, by, action, row.id, json!({})).await?;
        tx.commit().await?;
        self.get(which).await
    }

    /// Removes a destination with its secrets and all that is known of its deliveries. What is there stays there.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn remove(self, which: &str, by: &By) -> Result<()> {
        let row = self.row(which).await?;
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.remove_destination(row.id).await?;
        tx.delete_secrets_of(&row.id.to_string()).await?;
        self.note(
            &mut tx,
            by,
            "destination.remove",
            row.id,
            json!({"name": row.name}),
        )
        .await?;
        Ok(tx.commit().await?)
    }

    /// Asks the destination whether it works: a webhook gets a test event.
    ///
    /// # Errors
    /// `not_found`; `invalid_input` when its configuration cannot be used.
    pub async fn test(self, which: &str) -> Result<Checked> {
        self.app.components().require(COMPONENT).await?;
        let row = self.row(which).await?;
        open(self.app, &row).await?.check().await
    }

    /// Makes a new secret; the one before signs as well for `hours`, so that a receiver may change over at any time.
    ///
    /// # Errors
    /// `not_found`; `invalid_input` for a kind without secrets of ours.
    pub async fn rotate(self, which: &str, hours: Option<u32>, by: &By) -> Result<Secrets> {
        let row = self.row(which).await?;
        if row.kind != webhook::KIND {
            return Err(EngineError::invalid(format!(
                "the secret of {} is not made here",
                row.name
            )));
        }
        let hours = hours.unwrap_or(OVERLAP_HOURS);
        if hours > MOST_OVERLAP {
            return Err(EngineError::invalid(format!(
                "two secrets are valid for at most {MOST_OVERLAP} hours"
            )));
        }
        let now = self.app.clock().now();
        let until = now
            .checked_add(SignedDuration::from_hours(i64::from(hours)))
            .unwrap_or(now);
        let kept = match secret(self.app, row.id).await? {
            Some(kept) => serde_json::from_str::<Kept>(kept.expose_secret()).map_or_else(
                |_| Kept::new(self.app.chance()),
                |kept| kept.rotated(self.app.chance(), until),
            ),
            None => Kept::new(self.app.chance()),
        };
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        let text = json!(kept).to_string();
        self.app
            .vault()
            .put(
                &mut tx,
                Purpose::Destination,
                &row.id.to_string(),
                text.as_bytes(),
            )
            .await?;
        tx.touch_destination(row.id, now).await?;
        self.note(
            &mut tx,
            by,
            "destination.rotate",
            row.id,
            json!({"hours": hours}),
        )
        .await?;
        tx.commit().await?;
        Ok(Secrets {
            current: kept.current.into(),
            previous_until: kept.previous.map(|(_, until)| until),
        })
    }

    /// Begins to send what is kept from before; with `replay` also what arrived already.
    ///
    /// # Errors
    /// `not_found`; `invalid_input` for a replay where nothing may be sent twice.
    pub async fn backfill(self, which: &str, order: &BackfillOrder, by: &By) -> Result<StreamView> {
        self.app.components().require(COMPONENT).await?;
        let row = self.row(which).await?;
        let destination = open(self.app, &row).await?;
        if order.replay && destination.takes() == Takes::People {
            return Err(EngineError::invalid(
                "what people's destinations have is not sent twice: a state that is there needs no repetition, and an event would fire again",
            )
            .with_hint("`parfocal deliveries retry` sends one thing again."));
        }
        let spec = StreamSpec {
            since: order.since,
            only: order.only.clone(),
        };
        let kind = if order.replay {
            StreamKind::Replay
        } else {
            StreamKind::Backfill
        };
        let position = match destination.takes() {
            Takes::Events => "0",
            Takes::People => "",
        };
        let now = self.app.clock().now();
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        let id = tx
            .add_stream(row.id, kind, &json!(spec), position, now)
            .await?;
        self.note(
            &mut tx,
            by,
            "destination.backfill",
            row.id,
            json!({"stream": id, "spec": spec, "replay": order.replay}),
        )
        .await?;
        tx.commit().await?;
        self.stream(id).await
    }

    async fn stream(self, id: StreamId) -> Result<StreamView> {
        let stream = self.app.store().stream(self.app.scope(), id).await?;
        stream
            .map(StreamView::from)
            .ok_or_else(|| EngineError::not_found("stream", id))
    }

    /// Pauses a stream, or lets it go on.
    ///
    /// # Errors
    /// `not_found`; `conflict` when it has ended.
    pub async fn pause(self, id: StreamId, paused: bool, by: &By) -> Result<StreamView> {
        let stream = self.stream(id).await?;
        let now = self.app.clock().now();
        let state = if paused {
            StreamState::Paused
        } else {
            StreamState::Running
        };
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        if !tx.set_stream_state(id, state, now).await? {
            return Err(EngineError::new(
                Code::Conflict,
                format!("stream {} has ended", stream.id),
            ));
        }
        let change = Change {
            action: if paused {
                "stream.pause"
            } else {
                "stream.resume"
            },
            target: &format!("stream/{id}"),
            detail: json!({}),
        };
        audit::append(&mut tx, by, &change, now).await?;
        tx.commit().await?;
        self.stream(id).await
    }

    async fn note(
        self,
        tx: &mut Tx,
        by: &By,
        action: &str,
        id: DestinationId,
        detail: Value,
    ) -> Result<()> {
        let change = Change {
            action,
            target: &format!("destination/{id}"),
            detail,
        };
        audit::append(tx, by, &change, self.app.clock().now()).await?;
        Ok(())
    }
}

fn check_name(name: &str) -> Result<()> {
    let fits = (1..=64).contains(&name.len())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if fits {
        return Ok(());
    }
    Err(
        EngineError::invalid(format!("{name:?} cannot be the name of a destination"))
            .with_hint("A name has 1 to 64 letters, digits, `-` and `_`."),
    )
}
