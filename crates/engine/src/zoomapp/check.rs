//! What the Zoom App lacks.

use super::{COMPONENT, paths};
use crate::App;
use crate::components::Finding;
use crate::config::is_loopback;
use crate::error::Result;

/// Everything that is missing for the Zoom App, with the setting `allow` that is about to be made.
pub(crate) async fn check(app: &App, allow: Option<&str>) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    if let Err(error) = app.zoomapp().row().await {
        found.push(Finding {
            says: error.message().to_owned(),
            mend: error.hint().to_owned(),
            blocks: true,
        });
    }
    let simulated = app.zoomapp().is_simulated();
    let public = app.config().server.public_url.as_ref();
    if !public.is_some_and(|url| url.scheme() == "https" && !is_loopback(url)) {
        found.push(Finding {
            says: "Zoom opens apps at https addresses only, and no such public address is set"
                .to_owned(),
            mend:
                "Set server.public_url to the https address of a tunnel or proxy that leads here."
                    .to_owned(),
            // The simulator opens the app on this machine.
            blocks: !simulated,
        });
    }
    let active = app.components().active().await?;
    let kept = active.setting(COMPONENT, "allow").unwrap_or_default();
    if let Err(entry) = paths::further(allow.unwrap_or(&kept)) {
        found.push(Finding {
            says: format!(
                "the setting allow names {entry:?}, which Zoom's reference does not know"
            ),
            mend: "Write `METHOD /path/{parameter}` as in Zoom's reference, separated by commas."
                .to_owned(),
            blocks: true,
        });
    }
    Ok(found)
}
