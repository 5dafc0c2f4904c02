//! The checklist for the admin of a customer's Zoom account: everything to tick and to hand over, in Markdown.

use std::fmt::Write as _;

use super::features::{Feature, Level};
use super::scopes::{ScopeNeed, needed};

/// What the hand-off checklist mentions besides scopes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChecklistFacts {
    /// The address Zoom sends people back to.
    pub redirect_uri: Option<String>,
    /// The address Zoom sends events to.
    pub webhook_url: Option<String>,
    /// Whether the app's public client is used.
    pub public_client: bool,
    /// The address at which a person starts to connect.
    pub install_url: Option<String>,
}

/// A checklist for the admin of a customer's Zoom account, in Markdown.
pub fn checklist(feature: Feature, level: Level, facts: &ChecklistFacts) -> String {
    let needed = needed(feature, level);
    let mut out = String::new();
    // Writing to a String cannot fail.
    let mut line = |text: String| {
        let _ = writeln!(out, "{text}");
    };
    line(format!("# Zoom app for Parfocal: {}\n", feature.about()));
    line(format!(
        "Kind of app: **{}**, made at <https://marketplace.zoom.us> under Develop, Build App. You need the role of the account's owner, or one that may edit marketplace apps.\n",
        level.about()
    ));
    line("## 1. The app\n".to_owned());
    match level {
        Level::Account => line(
            "- [ ] Note **Account ID**, **Client ID** and **Client Secret** (App Credentials)."
                .to_owned(),
        ),
        Level::User | Level::Admin => {
            line("- [ ] Note **Client ID** and **Client Secret** (Basic Information); development and production have a pair each.".to_owned());
            if facts.public_client {
                line("- [ ] Switch the public client on and note its **Client ID**; it has no secret.".to_owned());
            }
            if let Some(uri) = &facts.redirect_uri {
                line(format!(
                    "- [ ] OAuth Redirect URL and OAuth Allow List: `{uri}`"
                ));
            }
            if level == Level::Admin {
                line("- [ ] App management: **admin-managed**.".to_owned());
            }
        }
    }
    line("\n## 2. Scopes\n".to_owned());
    for (optional, title) in [
        (false, "Needed:"),
        (true, "Better with (the feature works without):"),
    ] {
        let some: Vec<&ScopeNeed> = needed
            .granular
            .iter()
            .filter(|n| n.optional == optional)
            .collect();
        if some.is_empty() {
            continue;
        }
        line(format!("{title}\n"));
        for need in some {
            line(format!("- [ ] `{}`: {}", need.scope, need.why.join("; ")));
        }
        line(String::new());
    }
    let classic: Vec<String> = needed
        .classic
        .iter()
        .map(|need| format!("`{}`", need.scope))
        .collect();
    line(format!(
        "An app from before granular scopes uses these instead: {}.\n",
        classic.join(", ")
    ));
    if !needed.events.is_empty() {
        line("## 3. Events\n".to_owned());
        let url = facts
            .webhook_url
            .as_deref()
            .unwrap_or("the webhook address of your Parfocal (https)");
        line(format!(
            "- [ ] Add a subscription with the endpoint `{url}` and press Validate."
        ));
        line("- [ ] Note the **Secret Token** of the app's Feature page.".to_owned());
        line("- [ ] Tick these events:\n".to_owned());
        for need in &needed.events {
            let rest = if need.optional { " (optional)" } else { "" };
            line(format!("  - [ ] `{}`{rest}: {}", need.event, need.why));
        }
        line(String::new());
    }
    line("## 4. Account settings\n".to_owned());
    if feature == Feature::Ingest {
        line("- [ ] Admin, Account Settings, Recording: **Cloud recording** on, and under it **Create audio transcript** on (and not locked off for groups).".to_owned());
        line("- [ ] Automatic recording, if meetings shall be recorded without anybody pressing a button.".to_owned());
    }
    line(
        "- [ ] Advanced, App Marketplace: the app is allowed (pre-approval may be required)."
            .to_owned(),
    );
    line("\n## 5. Hand over\n".to_owned());
    match level {
        Level::Account => line("- [ ] Activate the app, then hand over Account ID, Client ID, Client Secret and Secret Token by a safe way, never by plain e-mail.".to_owned()),
        Level::User | Level::Admin => {
            line("- [ ] Hand over Client ID, Client Secret and Secret Token by a safe way, never by plain e-mail.".to_owned());
            match &facts.install_url {
                Some(url) => line(format!("- [ ] Then open `{url}` and allow the access.")),
                None => line("- [ ] Then open the link to connect that you are sent, and allow the access.".to_owned()),
            }
        }
    }
    for note in &needed.notes {
        line(format!("\n> {note}"));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checklist_names_everything_an_admin_has_to_do() {
        let facts = ChecklistFacts {
            redirect_uri: Some("https://p.example/oauth/zoom/callback".into()),
            webhook_url: Some("https://p.example/webhooks/zoom/acme".into()),
            ..ChecklistFacts::default()
        };
        let text = checklist(Feature::Ingest, Level::Admin, &facts);
        for part in [
            "https://p.example/oauth/zoom/callback",
            "https://p.example/webhooks/zoom/acme",
            "meeting:read:list_past_participants:admin",
            "recording.completed",
            "Secret Token",
            "audio transcript",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        let s2s = checklist(Feature::Actions, Level::Account, &facts);
        assert!(s2s.contains("Account ID") && !s2s.contains("Redirect"));
    }
}
