//! What a simulated account is told at start: address, plan, limits, clock, content, apps.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::faults::FaultSpec;

/// Zoom's plan of the simulated account; it decides what the account may do, its events and its limits.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Default,
)]
#[serde(rename_all = "lowercase")]
pub enum Plan {
    /// Basic: scheduling and some webhooks, no recordings, past data or reports.
    Free,
    /// Pro: cloud recording, attendance, reports.
    Pro,
    /// Business and above (Education, Enterprise, Partner): dashboards and tracking fields too.
    #[default]
    Business,
}

impl Plan {
    /// The lower-case name used in options and answers.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Pro => "pro",
            Self::Business => "business",
        }
    }

    /// Whether the plan costs money; Zoom ties recordings, past data, registration and reports to that.
    #[must_use]
    pub const fn is_paid(self) -> bool {
        !matches!(self, Self::Free)
    }
}

impl std::fmt::Display for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Plan {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s.to_ascii_lowercase().as_str() {
            "free" | "basic" => Ok(Self::Free),
            "pro" => Ok(Self::Pro),
            "business" | "business+" | "enterprise" | "education" => Ok(Self::Business),
            other => Err(format!("unknown plan {other:?}: use free, pro or business")),
        }
    }
}

/// Which rate budget the account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Limits {
    /// The budget of [`Config::plan`].
    #[default]
    OfPlan,
    /// The budget of another plan (`--plan business --limits free`).
    Plan(Plan),
    /// No limit at all; calls are still counted.
    Off,
}

impl Limits {
    /// The plan whose rates apply, `None` when limits are off.
    pub const fn plan(self, account: Plan) -> Option<Plan> {
        match self {
            Self::OfPlan => Some(account),
            Self::Plan(p) => Some(p),
            Self::Off => None,
        }
    }
}

impl std::str::FromStr for Limits {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s.to_ascii_lowercase().as_str() {
            "off" | "none" => Ok(Self::Off),
            "plan" => Ok(Self::OfPlan),
            other => other.parse().map(Self::Plan).map_err(|_| {
                format!("unknown limits {other:?}: use free, pro, business, plan or off")
            }),
        }
    }
}

/// Which rate headers answers carry; Zoom's own are unreliable, so clients must do without them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RateHeaders {
    /// Category, type, limit, remaining, and `Retry-After` on a spent day.
    #[default]
    Full,
    /// Only `X-RateLimit-Category`, as a success answer of October 2026 had it.
    CategoryOnly,
    /// None.
    Off,
}

impl std::str::FromStr for RateHeaders {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        match s.to_ascii_lowercase().as_str() {
            "on" | "full" => Ok(Self::Full),
            "category" | "category_only" | "category-only" => Ok(Self::CategoryOnly),
            "off" | "none" => Ok(Self::Off),
            other => Err(format!(
                "unknown rate headers {other:?}: use on, category or off"
            )),
        }
    }
}

/// A generated organisation of any size instead of the built-in one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generate {
    /// Number of users (at least 1).
    pub users: u32,
    /// Number of meeting instances that have ended.
    pub meetings: u32,
}

/// A webhook subscription that exists from the start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookTarget {
    /// Where events are posted.
    pub url: String,
    /// Event names, or `*` for all.
    pub events: Vec<String>,
    /// Key of the signature; the app's own when `None`.
    pub secret_token: Option<String>,
}

/// How an app of the marketplace gets its tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppKind {
    /// Server-to-server: `account_credentials`, whole account.
    ServerToServer,
    /// General app, user-managed: `authorization_code`, one user.
    User,
    /// General app, admin-managed: `authorization_code`, whole account.
    Admin,
}

/// Which of the reference's scopes an app was built with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AppScopes {
    /// Every granular scope an app of this kind can hold.
    AllGranular,
    /// Every classic scope an app of this kind can hold.
    AllClassic,
    /// Exactly these.
    Only(Vec<String>),
}

/// An app registered with the simulated marketplace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    /// Name on the consent page.
    pub name: String,
    /// Client id of the confidential client.
    pub client_id: String,
    /// Client secret of the confidential client.
    pub client_secret: String,
    /// Separate client id without secret (PKCE needed), if the app has one.
    pub public_client_id: Option<String>,
    /// How the app gets its tokens.
    pub kind: AppKind,
    /// What the app may ask for.
    pub scopes: AppScopes,
    /// Allowed redirect addresses. An entry without path matches every path; for the public client
    /// `http://127.0.0.1` also matches every port.
    pub redirects: Vec<String>,
    /// Key of the webhook signature.
    pub secret_token: String,
}

impl App {
    /// The three apps a fresh simulator has: server-to-server, user-managed, admin-managed.
    pub fn defaults() -> Vec<Self> {
        let redirects = vec![
            "http://127.0.0.1".to_owned(),
            "https://app.example/callback".to_owned(),
        ];
        vec![
            Self {
                name: "Parfocal server-to-server".to_owned(),
                client_id: "simulator".to_owned(),
                client_secret: "simulator".to_owned(),
                public_client_id: None,
                kind: AppKind::ServerToServer,
                scopes: AppScopes::AllGranular,
                redirects: Vec::new(),
                secret_token: "simulator-webhook-secret".to_owned(),
            },
            Self {
                name: "Parfocal user app".to_owned(),
                client_id: "simulator-user".to_owned(),
                client_secret: "simulator-user-secret".to_owned(),
                public_client_id: Some("simulator-public".to_owned()),
                kind: AppKind::User,
                scopes: AppScopes::AllGranular,
                redirects: redirects.clone(),
                secret_token: "simulator-webhook-secret".to_owned(),
            },
            Self {
                name: "Parfocal admin app".to_owned(),
                client_id: "simulator-admin".to_owned(),
                client_secret: "simulator-admin-secret".to_owned(),
                public_client_id: None,
                kind: AppKind::Admin,
                scopes: AppScopes::AllGranular,
                redirects,
                secret_token: "simulator-webhook-secret".to_owned(),
            },
        ]
    }
}

/// Everything a simulator is started with; `Config::default()` is what tests want.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address to listen on; loopback and any free port by default.
    pub listen: SocketAddr,
    /// Address that clients see, when it differs from `http://<listen>` (TLS, proxy). No trailing slash, no `/v2`.
    pub public_url: Option<String>,
    /// Folder of the certificate authority; with it, TLS and a proxy for Zoom's hosts are served on the same port.
    pub tls: Option<PathBuf>,
    /// Account id: the built-in account answers to this in `account_credentials` besides its own id.
    pub account_id: String,
    /// The account's plan.
    pub plan: Plan,
    /// The account's rate budget.
    pub limits: Limits,
    /// Which rate headers are sent.
    pub rate_headers: RateHeaders,
    /// Seed of everything random; the same seed gives the same account.
    pub seed: u64,
    /// Folder of `.vtt` files (and `chat.txt` beside them) that become recorded meetings.
    pub transcripts_dir: Option<PathBuf>,
    /// Size of a generated organisation; the built-in one when `None`.
    pub generate: Option<Generate>,
    /// Simulated seconds per real second, 0 to 20.
    pub speed: f64,
    /// File through which other processes follow the clock.
    pub clock_file: Option<PathBuf>,
    /// Simulated time at start; the real time when `None`.
    pub base_time: Option<Timestamp>,
    /// Subscriptions that exist from the start.
    pub webhooks: Vec<WebhookTarget>,
    /// Seconds for which a rotated refresh token still works; 0 kills it at once.
    pub refresh_grace_secs: u32,
    /// Seconds for which an access token works; Zoom's are good for an hour.
    pub access_life_secs: u32,
    /// The regional API address that token answers name, without `/v2`; the simulator's own when `None`.
    pub api_url: Option<String>,
    /// Whether server-to-server tokens may say `me` (Zoom: do not rely on it).
    pub s2s_me: bool,
    /// Refuse a redirect that is not exactly on the list.
    pub strict_redirects: bool,
    /// Answer for a wrong client id or secret: Zoom mostly says 400, sometimes 401.
    pub invalid_client_status: u16,
    /// Faults that are on from the start.
    pub faults: Vec<FaultSpec>,
    /// Apps of the marketplace.
    pub apps: Vec<App>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0),
            public_url: None,
            tls: None,
            account_id: "simulator".to_owned(),
            plan: Plan::Business,
            limits: Limits::OfPlan,
            rate_headers: RateHeaders::Full,
            seed: 1,
            transcripts_dir: None,
            generate: None,
            speed: 1.0,
            clock_file: None,
            base_time: None,
            webhooks: Vec::new(),
            refresh_grace_secs: 0,
            access_life_secs: 3600,
            api_url: None,
            s2s_me: true,
            strict_redirects: false,
            invalid_client_status: 400,
            faults: Vec::new(),
            apps: App::defaults(),
        }
    }
}
