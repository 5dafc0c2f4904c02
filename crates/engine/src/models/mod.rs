//! Language models: asked over HTTP, within a budget, for JSON that is checked before it is believed.
//!
//! Which servers there are, what each can do and where words may be sent is configuration ([`crate::config::Models`]);
//! without it none is asked. What a model says is data from outside: it is validated here and proven by whoever asked.

mod api;
mod call;
mod embed;
pub(crate) mod redact;
pub(crate) mod schema;
pub(crate) mod tokens;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use parfocal_store::{ModelDay, ModelLimits};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::Semaphore;

pub(crate) use api::Prompt;
pub(crate) use call::Miss;
pub(crate) use embed::{Embedder, is_configured as makes_vectors};

use crate::App;
use crate::config::{Config, ModelServer, Nearness, nearness};
use crate::error::{Code, EngineError, Result};

/// The component that switches models on and off.
pub(crate) const COMPONENT: &str = "models";
/// Millionths.
const MILLION: f64 = 1_000_000.0;

/// The servers of the configuration with their connections.
#[derive(Debug, Default)]
pub(crate) struct Servers {
    by_name: BTreeMap<String, Arc<Server>>,
}

/// One server.
pub(crate) struct Server {
    name: String,
    config: ModelServer,
    client: reqwest::Client,
    turns: Semaphore,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Servers {
    /// The servers of a configuration that was validated.
    pub(crate) fn of(config: &Config) -> Result<Self> {
        let mut by_name = BTreeMap::new();
        for (name, server) in &config.models.servers {
            let mut builder = reqwest::Client::builder()
                .user_agent(concat!("parfocal/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(
                    Duration::from_secs(10).min(Duration::from_secs(server.timeout_seconds)),
                )
                .timeout(Duration::from_secs(server.timeout_seconds))
                // An answer that sends elsewhere would carry words and key past the list of hosts.
                .redirect(reqwest::redirect::Policy::none())
                .referer(false);
            let near = server.url.as_ref().map(nearness);
            if near != Some(Nearness::Far) {
                builder = builder.no_proxy();
            }
            let client = builder.build().map_err(|error| {
                EngineError::new(Code::Internal, "the client for models could not be built")
                    .with_source(error)
            })?;
            let server = Server {
                name: name.clone(),
                config: server.clone(),
                client,
                turns: Semaphore::new(server.parallel.max(1)),
            };
            by_name.insert(name.clone(), Arc::new(server));
        }
        Ok(Self { by_name })
    }
}

/// A server in use, ready to be asked.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    app: App,
    server: Arc<Server>,
}

impl Model {
    /// The model that is used now: configured, and its component on.
    pub(crate) async fn in_use(app: &App) -> Result<Option<Self>> {
        let Some((name, _)) = app.config().models.in_use() else {
            return Ok(None);
        };
        let component = crate::components::find(COMPONENT)?;
        if !app.components().is_active(component).await? {
            return Ok(None);
        }
        let server = app.model_servers().by_name.get(name);
        Ok(server.map(|server| Self {
            app: app.clone(),
            server: Arc::clone(server),
        }))
    }

    /// The name that results are kept by: the model as its server calls it, never `embedded`.
    pub(crate) fn name(&self) -> String {
        let model = self.server.config.model.as_deref().unwrap_or_default();
        format!("{}/{}", self.server.name, model.trim())
    }

    pub(crate) fn config(&self) -> &ModelServer {
        &self.server.config
    }

    fn limits(&self) -> ModelLimits {
        let models = &self.app.config().models;
        ModelLimits {
            tokens: (models.tokens_per_day > 0).then_some(models.tokens_per_day),
            cost: (models.cost_per_day > 0.0).then(|| millionths(models.cost_per_day)),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "amounts of money are finite and not negative, which the configuration checks; the cast saturates"
)]
fn millionths(amount: f64) -> u64 {
    (amount * MILLION).round() as u64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a report for people, far below 2^52"
)]
fn amount(millionths: u64) -> f64 {
    millionths as f64 / MILLION
}

/// The UTC day of an instant, as days since 1970-01-01, and when the next one begins.
fn utc_day(now: Timestamp) -> (i64, Timestamp) {
    let day = now.as_second().div_euclid(86_400);
    let next = Timestamp::from_second((day + 1) * 86_400);
    (
        day,
        next.unwrap_or(
            now.saturating_add(SignedDuration::from_hours(24))
                .unwrap_or(now),
        ),
    )
}

/// What models there are and what they have used today.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ModelsView {
    /// The server that analyses and answers; none when the embedded analyst is alone.
    pub active: Option<String>,
    /// Whether the component is on.
    pub switched_on: bool,
    /// Every server of the configuration.
    pub servers: Vec<ServerView>,
    /// The day that is counted, in UTC.
    pub day: String,
    /// Tokens that were sent and received today, all servers together.
    pub tokens_today: u64,
    /// Most tokens a day; none when there is no limit.
    pub tokens_per_day: Option<u64>,
    /// What today has cost, in the currency of the configured prices.
    pub cost_today: f64,
    /// Most that a day may cost; none when there is no limit.
    pub cost_per_day: Option<f64>,
}

/// A server as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ServerView {
    /// Its name in the configuration.
    pub name: String,
    /// The model's name there.
    pub model: String,
    /// Its host.
    pub host: String,
    /// Whether names, addresses and numbers are replaced before they are sent there.
    pub redacts: bool,
    /// Requests today.
    pub calls_today: u64,
    /// Tokens sent today.
    pub tokens_in_today: u64,
    /// Tokens received today.
    pub tokens_out_today: u64,
}

/// What models there are and what they have used today.
pub async fn view(app: &App) -> Result<ModelsView> {
    let models = &app.config().models;
    let now = app.clock().now();
    let (day, _) = utc_day(now);
    let used = app.store().model_day(app.scope(), day).await?;
    let of = |name: &str| used.iter().find(|day| day.server == name);
    let tokens = |day: &ModelDay| day.tokens_in + day.tokens_out;
    let servers = models
        .servers
        .iter()
        .map(|(name, server)| ServerView {
            name: name.clone(),
            model: server.model.clone().unwrap_or_default(),
            host: server
                .url
                .as_ref()
                .and_then(|url| url.host_str())
                .unwrap_or_default()
                .to_owned(),
            redacts: server.redact,
            calls_today: of(name).map_or(0, |day| day.calls),
            tokens_in_today: of(name).map_or(0, |day| day.tokens_in),
            tokens_out_today: of(name).map_or(0, |day| day.tokens_out),
        })
        .collect();
    let component = crate::components::find(COMPONENT)?;
    Ok(ModelsView {
        active: models.in_use().map(|(name, _)| name.to_owned()),
        switched_on: app.components().is_active(component).await?,
        servers,
        day: now.to_zoned(TimeZone::UTC).date().to_string(),
        tokens_today: used.iter().map(tokens).sum(),
        tokens_per_day: (models.tokens_per_day > 0).then_some(models.tokens_per_day),
        cost_today: amount(used.iter().map(|day| day.cost).sum()),
        cost_per_day: (models.cost_per_day > 0.0).then_some(models.cost_per_day),
    })
}
