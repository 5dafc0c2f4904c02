//! A connection in words: what its state means, what is missing, what to do.

use jiff::Timestamp;
use parfocal_engine::connections::scopes;
use parfocal_engine::connections::{
    ConnectionView, Feature, FeatureHealth, Finding, Level, Weight,
};
use parfocal_engine::store::{AppKind, ConnectionOrigin, ConnectionState};
use serde::Serialize;

/// A connection in the list.
#[derive(Serialize)]
pub(super) struct Row {
    id: String,
    name: String,
    account: String,
    state_words: &'static str,
    tone: &'static str,
    reason: Option<String>,
    through: String,
    plan: String,
    last_ok: Option<Timestamp>,
}

impl Row {
    /// The row of a connection.
    pub(super) fn of(view: &ConnectionView) -> Self {
        Self {
            id: view.id.to_string(),
            name: view.name.clone(),
            account: account(view),
            state_words: state(view.state),
            tone: super::super::filters::tone(view.state.as_str()),
            reason: view.reason.clone(),
            through: through(view),
            plan: plan(view).to_owned(),
            last_ok: view.last_ok,
        }
    }
}

/// The account's name, or its id.
pub(super) fn account(view: &ConnectionView) -> String {
    view.account
        .name
        .clone()
        .unwrap_or_else(|| view.account.external_id.clone())
}

/// A state as people say it.
pub(super) fn state(state: ConnectionState) -> &'static str {
    match state {
        ConnectionState::Healthy => "Works",
        ConnectionState::Degraded => "Works in part",
        ConnectionState::NeedsReconnect => "Needs reconnect",
        ConnectionState::Disconnected => "Disconnected",
        other => other.as_str(),
    }
}

/// Through what kind of app a connection goes, and as whom.
pub(super) fn through(view: &ConnectionView) -> String {
    match (view.kind, view.level) {
        (AppKind::ServerToServer, _) => "server-to-server app".to_owned(),
        (_, Level::Admin | Level::Account) => "admin app, whole account".to_owned(),
        (_, Level::User) => "user app, one person".to_owned(),
    }
}

/// A plan as people say it. A licensed user shows that it is at least Pro, not more.
pub(super) fn plan(view: &ConnectionView) -> &'static str {
    match (view.account.plan, view.account.plan_source) {
        ("free", _) => "Basic plan",
        ("pro", "seen") => "Pro plan or higher",
        ("pro", _) => "Pro plan",
        ("business", _) => "Business plan",
        ("off", _) => "no pacing",
        _ => "plan unknown",
    }
}

/// Where a plan is known from.
pub(super) fn plan_source(source: &str) -> Option<&'static str> {
    match source {
        "account" => Some("set for this account"),
        "configuration" => Some("configured"),
        "seen" => Some("as a check saw; limits.plan names it for certain"),
        "assumed" => Some("assumed: the smallest budget"),
        _ => None,
    }
}

/// Where the secrets are.
pub(super) fn origin(origin: ConnectionOrigin) -> &'static str {
    match origin {
        ConnectionOrigin::Vault => "encrypted in the vault",
        ConnectionOrigin::Env => "in the environment, stored nowhere",
        other => other.as_str(),
    }
}

/// What to do about a connection that needs somebody.
#[derive(Serialize)]
pub(super) struct Mend {
    pub(super) title: &'static str,
    pub(super) text: String,
    pub(super) bad: bool,
    pub(super) href: Option<String>,
    pub(super) label: &'static str,
}

/// The notice on top of a connection's page; none when it works.
pub(super) fn mend(view: &ConnectionView, reconnect: Option<&str>) -> Option<Mend> {
    let text = view
        .reason
        .clone()
        .or_else(|| view.last_error.clone())
        .unwrap_or_else(|| "No reason was recorded; a check tells more.".to_owned());
    let (title, bad) = match view.state {
        ConnectionState::Healthy => return None,
        ConnectionState::Degraded => ("It works, but something is missing", false),
        ConnectionState::NeedsReconnect => ("Somebody has to connect it again", true),
        _ => ("It was disconnected", true),
    };
    Some(Mend {
        title,
        text,
        bad,
        href: reconnect.map(str::to_owned),
        label: match view.state {
            ConnectionState::Degraded => "Agree again",
            _ => "Connect again",
        },
    })
}

/// What a connection can be used for, and what is missing for it.
#[derive(Serialize)]
pub(super) struct FeatureRow {
    words: &'static str,
    about: &'static str,
    state: &'static str,
    tone: &'static str,
    missing: Vec<MissingRow>,
    scopes: Vec<ScopeRow>,
}

#[derive(Serialize)]
struct MissingRow {
    best: String,
    r#for: String,
}

#[derive(Serialize)]
struct ScopeRow {
    name: String,
    granted: bool,
}

impl FeatureRow {
    /// The row of a feature.
    pub(super) fn of(view: &ConnectionView, health: &FeatureHealth) -> Self {
        let (words, about) = feature(health.feature);
        let needed = scopes::needed(health.feature, view.level);
        let classic = is_classic(&view.scopes);
        let list = if classic {
            needed.classic
        } else {
            needed.granular
        };
        let required: Vec<ScopeRow> = list
            .into_iter()
            .filter(|need| !need.optional)
            .map(|need| ScopeRow {
                // Where several scopes do, having another one of them is as good.
                granted: view.scopes.contains(&need.scope)
                    || !health
                        .missing
                        .iter()
                        .any(|missing| missing.any_of.contains(&need.scope)),
                name: need.scope,
            })
            .collect();
        let part = required
            .iter()
            .any(|scope| view.scopes.contains(&scope.name));
        let (state, tone) = match (health.works, part) {
            _ if view.scopes.is_empty() => ("Not known yet", ""),
            (true, _) => ("Works", "ok"),
            (false, true) => ("In part", "warn"),
            (false, false) => ("Not granted", ""),
        };
        Self {
            words,
            about,
            state,
            tone,
            missing: health
                .missing
                .iter()
                .map(|missing| MissingRow {
                    best: best(&missing.any_of, view.level, classic),
                    r#for: missing.feature.clone(),
                })
                .collect(),
            scopes: required,
        }
    }
}

/// Of several scopes that would do, the one that fits the app.
fn best(any_of: &[String], level: Level, classic: bool) -> String {
    let admin = level != Level::User;
    let parts = |scope: &str| {
        scope
            .trim_end_matches(":admin")
            .trim_end_matches(":master")
            .split(':')
            .count()
    };
    any_of
        .iter()
        .find(|scope| scope.ends_with(":admin") == admin && (parts(scope) < 3) == classic)
        .or(any_of.first())
        .cloned()
        .unwrap_or_default()
}

/// Whether a token carries scopes of the old kind.
pub(super) fn is_classic(scopes: &[String]) -> bool {
    !scopes.is_empty()
        && scopes
            .iter()
            .all(|scope| scope.trim_end_matches(":admin").split(':').count() < 3)
}

/// A feature in words, and what it is.
fn feature(feature: Feature) -> (&'static str, &'static str) {
    match feature {
        Feature::Ingest => (
            "Take in meetings",
            "Past meetings, who attended, recordings, transcripts and chats.",
        ),
        Feature::Schedule => (
            "Schedule meetings",
            "Create, change and cancel meetings, register people.",
        ),
        Feature::ZoomApp => (
            "Zoom App",
            "Work inside meetings, in the app panel of Zoom's client.",
        ),
        Feature::Actions => (
            "Actions",
            "Everything that programs may do through this connection.",
        ),
        other => (other.as_str(), other.about()),
    }
}

/// Something that the account's plan or settings allow or not.
#[derive(Serialize)]
pub(super) struct FindingRow {
    words: String,
    state: &'static str,
    tone: &'static str,
    detail: String,
    mend: Option<String>,
}

impl FindingRow {
    /// The row of a finding.
    pub(super) fn of(finding: &Finding) -> Self {
        let (state, tone) = match finding.weight {
            Weight::Info => ("Good to know", "ok"),
            Weight::Warning => ("Limited", "warn"),
            Weight::Blocking => ("Not possible", "bad"),
        };
        Self {
            words: about(finding.about).to_owned(),
            state,
            tone,
            detail: finding.says.clone(),
            mend: Some(finding.mend.clone()).filter(|mend| !mend.is_empty()),
        }
    }
}

fn about(about: &str) -> &str {
    match about {
        "recording" => "Cloud recording",
        "transcription" => "Audio transcripts",
        "summary" => "Meeting summaries",
        "reports" => "Reports",
        "webhooks" => "Webhooks",
        "plan" => "Plan",
        "clock" => "Clock of this machine",
        "credentials" => "Credentials",
        other => other,
    }
}
