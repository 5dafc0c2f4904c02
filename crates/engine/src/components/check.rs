//! What a component lacks: tested, not guessed, with the mend of each.

use parfocal_store::ConnectionState;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Component, find};
use crate::App;
use crate::error::Result;

/// Something that a component lacks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Finding {
    /// What is missing.
    pub says: String,
    /// What to do about it.
    pub mend: String,
}

/// Everything that is missing.
pub(super) async fn check(app: &App, component: &Component) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    for need in component.needs {
        if !app.components().is_active(find(need)?).await? {
            found.push(Finding {
                says: format!("the component {need} is off"),
                mend: format!("Run `parfocal component activate {need}`."),
            });
        }
    }
    if component.needs_account {
        found.extend(account(app).await?);
    }
    for key in component.needs_setting {
        if !is_set(app, key).await? {
            found.push(Finding {
                says: format!("{key} is not set"),
                mend: mend_of(key),
            });
        }
    }
    Ok(found)
}

/// Whether a connected account answers: asked anew, so that yesterday's trouble does not count.
async fn account(app: &App) -> Result<Option<Finding>> {
    let connections = app.connections().list().await?;
    let alive: Vec<_> = connections
        .iter()
        .filter(|connection| connection.state != ConnectionState::Disconnected)
        .collect();
    if alive.is_empty() {
        return Ok(Some(Finding {
            says: "no Zoom account is connected".to_owned(),
            mend: "Connect one with `parfocal connect s2s` or `parfocal connect user`.".to_owned(),
        }));
    }
    let mut last = None;
    for connection in alive {
        let which = connection.id.to_string();
        match app.connections().check(&which).await {
            Ok(view)
                if matches!(
                    view.state,
                    ConnectionState::Healthy | ConnectionState::Degraded
                ) =>
            {
                return Ok(None);
            }
            Ok(view) => last = Some((view.name, view.reason.unwrap_or_default())),
            Err(error) => last = Some((connection.name.clone(), error.to_string())),
        }
    }
    Ok(last.map(|(name, reason)| Finding {
        says: format!("the connection {name} does not work: {reason}"),
        mend: format!("Mend it, then run `parfocal connections check {name}`."),
    }))
}

async fn is_set(app: &App, key: &str) -> Result<bool> {
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
        _ => true,
    })
}

fn mend_of(key: &str) -> String {
    match key {
        "zoom.webhook_secret_token" => {
            "Set ZOOM_WEBHOOK_SECRET_TOKEN to the secret token of the app's Feature page."
                .to_owned()
        }
        other => format!("Set {other} in parfocal.yaml."),
    }
}
