//! What a component lacks: tested, not guessed, with the mend of each.

use std::collections::BTreeMap;
use std::time::Duration;

use parfocal_store::ConnectionState;
use schemars::JsonSchema;
use serde::Serialize;
use url::Url;

use super::{Component, find};
use crate::App;
use crate::config::Secret;
use crate::connections::{ConnectionView, Feature, FeatureHealth, Weight, scopes};
use crate::error::Result;

/// How long an address may take to answer.
const REACH: Duration = Duration::from_secs(5);

/// Something that a component lacks, or that limits it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// What is missing.
    pub says: String,
    /// What to do about it.
    pub mend: String,
    /// Whether the component cannot work without it; else it works, with less.
    pub blocks: bool,
}

impl Finding {
    fn blocking(says: String, mend: impl Into<String>) -> Self {
        Self {
            says,
            mend: mend.into(),
            blocks: true,
        }
    }

    fn limiting(says: String, mend: impl Into<String>) -> Self {
        Self {
            blocks: false,
            ..Self::blocking(says, mend)
        }
    }
}

/// Everything that is missing, with the settings that are about to be made.
pub(super) async fn check(
    app: &App,
    component: &Component,
    given: &BTreeMap<String, Secret>,
) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for need in component.needs {
        if !app.components().is_active(find(need)?).await? {
            found.push(Finding::blocking(
                format!("the component {need} is off"),
                format!("Run `parfocal component activate {need}`."),
            ));
        }
    }
    for key in component.needs_setting {
        let setting = component
            .settings
            .iter()
            .find(|setting| setting.stands_for == Some(key));
        let comes = setting.is_some_and(|setting| given.contains_key(setting.key));
        if !comes && !is_set(app, key).await? {
            found.push(Finding::blocking(
                format!("{key} is not set"),
                mend_of(component, key),
            ));
        }
    }
    if component.reached_from_outside {
        found.extend(outside(app).await);
    }
    if let Some(calendar) = component.calendar {
        found.extend(calendars(app, calendar).await?);
    }
    if component.in_client {
        let allow = given.get("allow").map(Secret::expose);
        found.extend(crate::zoomapp::check(app, allow).await?);
    }
    if component.writes_mail {
        found.extend(mail_server(app).await);
    }
    if let Some(kind) = component.delivers_to {
        found.extend(destinations(app, kind).await?);
    }
    if component.reads_mail {
        found.extend(mailbox(app).await);
    }
    if component.needs_account || component.feature.is_some() || component.wants_recordings {
        found.extend(account(app, component).await?);
    }
    Ok(found)
}

/// Whether a calendar of this kind is there, and those that are let themselves be read.
async fn calendars(app: &App, kind: &str) -> Result<Vec<Finding>> {
    let accounts = app.calendar_accounts();
    let mut known = accounts.list().await?;
    known.retain(|account| account.calendar == kind);
    if known.is_empty() {
        return Ok(vec![Finding::limiting(
            format!("no calendar of {kind} is connected"),
            format!("Connect one with `parfocal calendars add {kind}`."),
        )]);
    }
    let mut found = Vec::new();
    for account in known {
        let tried = accounts.check(&account.name).await?;
        if tried.state != "working" {
            let reason = tried.reason.as_deref().unwrap_or(&tried.state);
            found.push(Finding::limiting(
                format!("the calendar {} does not work: {reason}", tried.name),
                format!(
                    "Mend it, then run `parfocal calendars check {}`.",
                    tried.name
                ),
            ));
        }
    }
    Ok(found)
}

/// Whether there is a destination of this kind, and those there are let us in.
async fn destinations(app: &App, kind: &str) -> Result<Vec<Finding>> {
    let rows = app.store().destinations(app.scope()).await?;
    let of_kind: Vec<_> = rows.iter().filter(|row| row.kind == kind).collect();
    if of_kind.is_empty() {
        return Ok(vec![Finding::limiting(
            format!("there is no destination of the kind {kind}: nothing is sent"),
            format!("Add one: `parfocal destination add {kind} NAME`."),
        )]);
    }
    let mut found = Vec::new();
    for row in of_kind.into_iter().filter(|row| row.enabled) {
        let (says, mend) = match app.destinations().test(&row.name).await {
            Ok(checked) if checked.ok => continue,
            Ok(checked) => (checked.said.text, checked.advice.unwrap_or_default()),
            Err(error) => (error.message().to_owned(), error.hint().to_owned()),
        };
        let says = format!("the destination {} does not work: {says}", row.name);
        found.push(Finding::limiting(says, mend));
    }
    Ok(found)
}

/// Whether a mail server is named, and something answers where it is said to be.
async fn mail_server(app: &App) -> Option<Finding> {
    let smtp = &app.config().smtp;
    let Some(host) = smtp.host.as_deref() else {
        return Some(Finding::limiting(
            "no mail server is set: mails are kept here and reach nobody".to_owned(),
            "Set smtp.host in parfocal.yaml, or PARFOCAL_SMTP__HOST.",
        ));
    };
    let why = unreached(host, smtp.port).await?;
    Some(Finding::limiting(
        format!(
            "the mail server {host}:{} cannot be reached: {why}",
            smtp.port
        ),
        "See that smtp.host and smtp.port are right and that nothing between here and there blocks the port.",
    ))
}

/// Whether the mailbox lets itself be read.
async fn mailbox(app: &App) -> Option<Finding> {
    let error = crate::notify::mailbox::check(app).await.err()?;
    Some(Finding::limiting(
        format!("the mailbox cannot be read: {}", error.message()),
        error.hint(),
    ))
}

/// Why nothing answers at an address; none when something does.
async fn unreached(host: &str, port: u16) -> Option<String> {
    match tokio::time::timeout(REACH, tokio::net::TcpStream::connect((host, port))).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some(format!("no answer within {} seconds", REACH.as_secs())),
    }
}

/// What the connected accounts lack: asked anew, so that yesterday's trouble does not count. One that has everything is
/// enough.
async fn account(app: &App, component: &Component) -> Result<Vec<Finding>> {
    let connections = app.connections().list().await?;
    let alive: Vec<_> = connections
        .iter()
        .filter(|connection| connection.state != ConnectionState::Disconnected)
        .collect();
    if alive.is_empty() {
        let finding = Finding {
            blocks: component.needs_account,
            ..Finding::blocking(
                "no Zoom account is connected".to_owned(),
                "Connect one with `parfocal connect s2s` or `parfocal connect user`.",
            )
        };
        return Ok(vec![finding]);
    }
    let mut best: Option<Vec<Finding>> = None;
    for connection in alive {
        let found = match app.connections().check(&connection.id.to_string()).await {
            Ok(view) => of_connection(component, &view),
            Err(error) => vec![not_working(component, &connection.name, &error.to_string())],
        };
        let weight = |found: &[Finding]| {
            let blocking = found.iter().filter(|one| one.blocks).count();
            (blocking, found.len())
        };
        if best
            .as_ref()
            .is_none_or(|best| weight(&found) < weight(best))
        {
            best = Some(found);
        }
    }
    Ok(best.unwrap_or_default())
}

fn not_working(component: &Component, name: &str, reason: &str) -> Finding {
    Finding {
        blocks: component.needs_account,
        ..Finding::blocking(
            format!("the connection {name} does not work: {reason}"),
            format!("Mend it, then run `parfocal connections check {name}`."),
        )
    }
}

fn of_connection(component: &Component, view: &ConnectionView) -> Vec<Finding> {
    let works = matches!(
        view.state,
        ConnectionState::Healthy | ConnectionState::Degraded
    );
    if !works {
        let reason = view.reason.as_deref().unwrap_or_default();
        return vec![not_working(component, &view.name, reason)];
    }
    let mut found = Vec::new();
    if let Some(feature) = component.feature {
        found.extend(of_scopes(feature, view));
    }
    if component.wants_recordings {
        // What keeps recordings from coming was found out when the connection was looked at.
        let about = ["plan", "recording", "transcription"];
        let limits = view
            .findings
            .iter()
            .filter(|finding| about.contains(&finding.about) && finding.weight >= Weight::Warning);
        found.extend(limits.map(|one| Finding::limiting(one.says.clone(), one.mend.clone())));
    }
    found
}

/// The scopes that are missing, in one finding.
fn of_scopes(feature: Feature, view: &ConnectionView) -> Option<Finding> {
    let health: &FeatureHealth = view.features.iter().find(|one| one.feature == feature)?;
    if health.works {
        return None;
    }
    let mut names: Vec<&str> = health
        .missing
        .iter()
        .filter_map(|missing| scopes::to_add(view.level, missing))
        .collect();
    names.sort_unstable();
    names.dedup();
    let level = view.level.as_str();
    let says = format!(
        "the connection {} may not {} without the scopes {}",
        view.name,
        feature.about(),
        names.join(", ")
    );
    let mend = format!(
        "Tick them for the app at Zoom (`parfocal scopes --for {feature} --app-type {level}` lists all), then run \
         `parfocal connections check {}`.",
        view.name
    );
    // Each action says by itself which scope it lacks; the others work.
    Some(if feature == Feature::Actions {
        Finding::limiting(says, mend)
    } else {
        Finding::blocking(says, mend)
    })
}

/// Whether the public address leads somewhere. Zoom itself cannot be asked, so this never blocks.
async fn outside(app: &App) -> Option<Finding> {
    let config = app.config();
    let public = config.public_url();
    let url = Url::parse(&public).ok()?;
    let local = |url: &Url| match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => true,
    };
    if local(&url) {
        // A Zoom on this machine, such as the simulator, reaches it all the same.
        return (!local(&config.zoom.oauth_url)).then(|| {
            Finding::limiting(
                format!("the public address is {public}, which Zoom cannot reach"),
                "Set server.public_url to the https address of a tunnel or proxy that leads here.",
            )
        });
    }
    let why = unreached(url.host_str()?, url.port_or_known_default()?).await?;
    Some(Finding::limiting(
        format!("the public address {public} cannot be reached from here: {why}"),
        "See that the tunnel or proxy runs and that server.public_url names it; webhooks come through it.",
    ))
}

/// Whether a configuration key, or what stands in its place, has a value.
pub(super) async fn is_set(app: &App, key: &str) -> Result<bool> {
    let config = app.config();
    Ok(match key {
        "zoom.webhook_secret_token" => {
            let stored = app
                .store()
                .apps(app.scope())
                .await?
                .iter()
                .any(|app| !app.webhook_secrets.is_empty());
            stored
                || !config.zoom.webhook_secret_token.is_empty()
                || config
                    .zoom
                    .apps
                    .values()
                    .any(|app| !app.webhook_secret_token.is_empty())
        }
        "imap.host" => config.imap.host.is_some(),
        "models.use" => config.models.in_use().is_some() || crate::models::makes_vectors(config),
        _ => true,
    })
}

fn mend_of(component: &Component, key: &str) -> String {
    match key {
        "zoom.webhook_secret_token" => format!(
            "Set ZOOM_WEBHOOK_SECRET_TOKEN to the secret token of the app's Feature page, or give it with \
             `parfocal component activate {} --set secret_token=-` on standard input.",
            component.name
        ),
        "models.use" => {
            "Describe a server below models.servers and name it in models.use.".to_owned()
        }
        other => format!("Set {other} in parfocal.yaml."),
    }
}
