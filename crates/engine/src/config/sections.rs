//! The sections of the configuration, one structure each, with their defaults.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};
use url::Url;

use super::{
    Availability, Calendars, Google, Imap, Microsoft, Models, Oidc, Reminders, Secret, Smtp,
};

/// Everything that can be configured.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where files are kept.
    pub data: Data,
    /// The HTTP server.
    pub server: Server,
    /// Tools for language models.
    pub mcp: Mcp,
    /// The database.
    pub database: Database,
    /// The keys under which secrets are stored.
    pub vault: Vault,
    /// Zoom's addresses, apps and the connection from the environment.
    pub zoom: Zoom,
    /// The share of Zoom's rate budget that is ours.
    pub limits: Limits,
    /// Taking in the past.
    pub backfill: Backfill,
    /// Files of recordings.
    pub media: Media,
    /// Events that arrived.
    pub inbox: Inbox,
    /// Work in the background.
    pub jobs: Jobs,
    /// Language models.
    pub models: Models,
    /// The mail server.
    pub smtp: Smtp,
    /// The mailbox that answers are read from.
    pub imap: Box<Imap>,
    /// Reminders.
    pub reminders: Reminders,
    /// When people can be met.
    pub availability: Availability,
    /// What becomes of what people change in calendars.
    pub calendars: Calendars,
    /// Our app at Google.
    pub google: Box<Google>,
    /// Our app at Microsoft.
    pub microsoft: Box<Microsoft>,
    /// Signing in to the console at an identity provider.
    pub oidc: Box<Oidc>,
    /// The clock.
    pub clock: Clock,
    /// What is logged.
    pub log: Log,
    /// Where each given value came from, in words, by its key; what is not here is the default. Told by whoever read it.
    #[serde(skip)]
    pub origins: BTreeMap<String, String>,
}

/// Where files are kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// Directory of the embedded database, the files of recordings and a generated key.
    pub dir: PathBuf,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            dir: PathBuf::from("parfocal-data"),
        }
    }
}

/// The HTTP server.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Server {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Who may come in besides Zoom's webhooks.
    pub auth: Auth,
    /// Address under which others reach this server; none means `http://{listen}`.
    pub public_url: Option<Url>,
    /// Largest accepted body of an API request, in bytes.
    pub max_body_bytes: usize,
    /// Largest accepted webhook, in bytes.
    pub max_webhook_bytes: usize,
    /// How long running requests and jobs may finish after a stop was asked for, in seconds.
    pub shutdown_seconds: u64,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            auth: Auth::default(),
            public_url: None,
            max_body_bytes: 1024 * 1024,
            max_webhook_bytes: 1024 * 1024,
            shutdown_seconds: 10,
        }
    }
}

/// Who may come in besides Zoom's webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// Whoever is on this machine, and others with a key.
    #[default]
    Local,
    /// Nobody without a key.
    Keys,
}

/// Tools for language models (Model Context Protocol).
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mcp {
    /// Names besides this machine's and that of `server.public_url` under which `/mcp` may be asked.
    #[serde(deserialize_with = "texts")]
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may ask `/mcp`, besides the server's own.
    #[serde(deserialize_with = "texts")]
    pub allowed_origins: Vec<String>,
    /// Tools that cannot be undone and are offered all the same.
    #[serde(deserialize_with = "texts")]
    pub destructive_tools: Vec<String>,
    /// Tools that are never offered; `meeting.*` stands for all of a noun.
    #[serde(deserialize_with = "texts")]
    pub hidden_tools: Vec<String>,
    /// How names of tools are written.
    pub tool_names: ToolNames,
}

/// How names of tools are written; either form is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolNames {
    /// `meeting.get`, as everywhere.
    #[default]
    Dotted,
    /// `meeting_get`, for clients that allow no dots.
    Underscored,
}

/// The database.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Database {
    /// `sqlite:PATH` or `postgres://…`; none means `parfocal.db` in the data directory. May carry a password.
    pub url: Option<Secret>,
    /// Most connections that are held open (readers for SQLite, all for PostgreSQL).
    pub max_connections: u32,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            url: None,
            max_connections: 8,
        }
    }
}

/// The keys under which secrets are stored.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vault {
    /// The key that encrypts: 32 bytes as base64 or hex. None: a key file is made in the data directory.
    pub key: Option<Secret>,
    /// The key used before, still able to read; `vault rotate` makes it unnecessary.
    pub previous_key: Option<Secret>,
}

/// Zoom's addresses, apps and the connection from the environment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Zoom {
    /// REST address including `/v2`; none: the token's `api_url`, else Zoom's global address.
    pub api_url: Option<Url>,
    /// Address of consent, token and revoke pages, without `/oauth`.
    pub oauth_url: Url,
    /// Hosts besides Zoom's own from which files may be downloaded with our token; names below them count too.
    #[serde(deserialize_with = "texts")]
    pub download_hosts: Vec<String>,
    /// Account id of the server-to-server app that makes the connection `env`.
    pub account_id: Option<String>,
    /// Client id of the server-to-server app that makes the connection `env`.
    pub s2s_client_id: Option<String>,
    /// Client secret of the server-to-server app that makes the connection `env`.
    pub s2s_client_secret: Option<Secret>,
    /// Client id of the app that users authorise.
    pub client_id: Option<String>,
    /// Client secret of the app that users authorise.
    pub client_secret: Option<Secret>,
    /// Client id of the public (PKCE, no secret) app, used by the command line.
    pub public_client_id: Option<String>,
    /// Address to which Zoom sends users back after consent.
    pub redirect_uri: Option<Url>,
    /// Secret tokens that sign webhooks; several while one is being replaced, or one for each app.
    #[serde(deserialize_with = "secrets")]
    pub webhook_secret_token: Vec<Secret>,
    /// Further apps, each with its own webhook address `/webhooks/zoom/{name}`.
    pub apps: BTreeMap<String, ZoomApp>,
    /// How long one request to Zoom may take, in seconds.
    pub timeout_seconds: u64,
}

impl Default for Zoom {
    fn default() -> Self {
        Self {
            api_url: None,
            oauth_url: Url::parse("https://zoom.us").expect("a constant address"),
            download_hosts: vec![".zoom.us".into(), ".zoomgov.com".into()],
            account_id: None,
            s2s_client_id: None,
            s2s_client_secret: None,
            client_id: None,
            client_secret: None,
            public_client_id: None,
            redirect_uri: None,
            webhook_secret_token: Vec::new(),
            apps: BTreeMap::new(),
            timeout_seconds: 30,
        }
    }
}

/// One further Zoom app.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ZoomApp {
    /// The app's client id, to tell its connections from those of other apps.
    pub client_id: Option<String>,
    /// Secret tokens that sign this app's webhooks.
    #[serde(deserialize_with = "secrets")]
    pub webhook_secret_token: Vec<Secret>,
}

/// What a Zoom account has bought, as far as limits differ by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Plan {
    /// As the account's check found; the smallest budget until then.
    #[default]
    Auto,
    /// Zoom Basic.
    Free,
    /// Zoom Pro.
    Pro,
    /// Business, Education, Enterprise, Partner.
    Business,
    /// No pacing at all. Only for an account that enforces nothing, such as the simulator's without limits.
    Off,
}

impl Plan {
    /// The name used in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Business => "business",
            Self::Off => "off",
        }
    }
}

/// The share of Zoom's rate budget that is ours.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Plan whose limits hold for accounts that do not name their own.
    pub plan: Plan,
    /// Part of the account's budget that may be used, above 0 up to 1: other apps spend from the same budget.
    pub share: f64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            plan: Plan::Auto,
            share: 0.8,
        }
    }
}

/// Taking in the past.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backfill {
    /// How many days back a backfill goes when nothing else is said.
    pub days: u16,
    /// Most slices of a backfill that are worked on at once.
    pub parallel: usize,
}

impl Default for Backfill {
    fn default() -> Self {
        Self {
            days: 180,
            parallel: 32,
        }
    }
}

/// Kinds of recording files, as Zoom names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FileKind {
    /// Video.
    Mp4,
    /// Audio.
    M4a,
    /// Who was seen when, as JSON.
    Timeline,
    /// Transcript, as WebVTT.
    Transcript,
    /// Chat, as text.
    Chat,
    /// Live captions, as WebVTT.
    Cc,
    /// Polls, as CSV.
    Csv,
    /// Smart recording, as JSON.
    Summary,
}

impl FileKind {
    /// Zoom's `file_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Mp4 => "MP4",
            Self::M4a => "M4A",
            Self::Timeline => "TIMELINE",
            Self::Transcript => "TRANSCRIPT",
            Self::Chat => "CHAT",
            Self::Cc => "CC",
            Self::Csv => "CSV",
            Self::Summary => "SUMMARY",
        }
    }
}

/// Files of recordings.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Media {
    /// Directory of the files; none means `blobs` in the data directory.
    pub dir: Option<PathBuf>,
    /// Kinds of files that are fetched by themselves; others only when asked for.
    #[serde(deserialize_with = "file_kinds")]
    pub fetch: Vec<FileKind>,
    /// Largest file that is fetched by itself, in megabytes.
    pub max_file_mb: u64,
}

impl Default for Media {
    fn default() -> Self {
        Self {
            dir: None,
            fetch: vec![
                FileKind::Transcript,
                FileKind::Chat,
                FileKind::Cc,
                FileKind::Timeline,
            ],
            max_file_mb: 512,
        }
    }
}

/// Events that arrived.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Inbox {
    /// How many days an event is kept after it was routed.
    pub keep_days: u16,
}

impl Default for Inbox {
    fn default() -> Self {
        Self { keep_days: 90 }
    }
}

/// Work in the background.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Jobs {
    /// How many jobs run at once in this process.
    pub workers: usize,
    /// How long a worker holds a job before another may take it, in seconds.
    pub lease_seconds: u64,
    /// How often a job is tried before it is put before a person.
    pub max_attempts: u32,
    /// How many days a job is kept after it was done or dropped.
    pub keep_days: u16,
}

impl Default for Jobs {
    fn default() -> Self {
        Self {
            workers: 32,
            lease_seconds: 120,
            max_attempts: 12,
            keep_days: 30,
        }
    }
}

/// The clock.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clock {
    /// A simulator's clock file to follow; none means the machine's clock.
    pub file: Option<PathBuf>,
}

/// What is logged.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// Which messages are logged: `info`, `debug`, or a list such as `info,parfocal_zoom=debug`.
    pub filter: String,
    /// Whether each message is one JSON object.
    pub json: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            filter: "info".into(),
            json: false,
        }
    }
}

impl Config {
    /// The database's address: as configured, else a file in the data directory.
    pub fn database_url(&self) -> Secret {
        match &self.database.url {
            Some(url) if !url.is_empty() => url.clone(),
            _ => Secret::new(&format!(
                "sqlite:{}",
                self.data.dir.join("parfocal.db").display()
            )),
        }
    }

    /// The directory of recording files: as configured, else `blobs` in the data directory.
    pub fn blobs_dir(&self) -> PathBuf {
        self.media
            .dir
            .clone()
            .unwrap_or_else(|| self.data.dir.join("blobs"))
    }

    /// The directory of further kinds of analysis: as configured, else `analyses` in the data directory.
    pub fn kinds_dir(&self) -> PathBuf {
        self.models
            .kinds
            .clone()
            .unwrap_or_else(|| self.data.dir.join("analyses"))
    }

    /// The directory in which mails are kept when there is no mail server.
    pub fn mail_dir(&self) -> PathBuf {
        self.data.dir.join("mail")
    }

    /// The address under which others reach this server, without a trailing slash.
    pub fn public_url(&self) -> String {
        match &self.server.public_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.server.listen),
        }
    }
}

/// A list that may also be one comma-separated text, as environment variables carry it.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let items = match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(text) => text.split(',').map(str::to_owned).collect(),
        OneOrMany::Many(items) => items,
    };
    Ok(items
        .into_iter()
        .map(|item| item.trim().to_owned())
        .filter(|item| !item.is_empty())
        .collect())
}

fn secrets<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Secret>, D::Error> {
    Ok(texts(deserializer)?
        .iter()
        .map(|text| Secret::new(text))
        .collect())
}

fn file_kinds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<FileKind>, D::Error> {
    texts(deserializer)?
        .into_iter()
        .map(|name| {
            let name = name.to_ascii_uppercase();
            FileKind::deserialize(serde::de::value::StrDeserializer::<D::Error>::new(&name))
        })
        .collect()
}
