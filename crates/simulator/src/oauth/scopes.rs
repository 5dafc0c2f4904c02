//! Scopes: what apps can hold, what endpoints ask for, what Zoom says when one is missing.

use std::collections::BTreeSet;

use crate::config::{App, AppKind, AppScopes};
use crate::http::reply::Refusal;
use crate::rest::table::{self, Endpoint};

/// Scopes that belong to the app itself and come only with `client_credentials` (or a server-to-server token).
pub const APP_OWNED: [&str; 7] = [
    "imchat:bot",
    "marketplace:write:event_subscription",
    "marketplace:read:list_event_subscriptions",
    "marketplace:update:event_subscription",
    "marketplace:delete:event_subscription",
    "marketplace:update:client_secret",
    "marketplace:write:websocket_connection",
];

/// Scopes that open no endpoint of ours but that events need.
const FOR_EVENTS: [&str; 4] = [
    "meeting:read:participant",
    "cloud_recording:read:recording",
    "webinar:read:participant",
    "user:read:user_activities",
];

/// Whether a scope is of the classic kind (`meeting:read`, `recording:read:admin`).
pub fn is_classic(scope: &str) -> bool {
    let core = scope
        .strip_suffix(":admin")
        .or_else(|| scope.strip_suffix(":master"))
        .unwrap_or(scope);
    core.split(':').count() < 3
}

/// Whether a classic scope opens only endpoints that have no granular scope yet, so that new apps hold it too.
fn is_without_granular(scope: &str) -> bool {
    table::all()
        .iter()
        .all(|row| row.granular.is_empty() || !row.classic.iter().any(|one| one == scope))
}

/// Every scope an app of this kind was built with.
pub fn of_app(app: &App) -> BTreeSet<String> {
    let rows = table::all().iter();
    let level = |scope: &str| match app.kind {
        AppKind::ServerToServer => scope.ends_with(":admin") || APP_OWNED.contains(&scope),
        AppKind::Admin => scope.ends_with(":admin"),
        AppKind::User => !scope.ends_with(":admin") && !scope.ends_with(":master"),
    };
    match &app.scopes {
        AppScopes::Only(list) => list.iter().cloned().collect(),
        AppScopes::AllGranular => {
            let mut scopes: BTreeSet<String> = rows
                .flat_map(|row| {
                    if row.granular.is_empty() {
                        &row.classic
                    } else {
                        &row.granular
                    }
                })
                .filter(|scope| level(scope) && (!is_classic(scope) || is_without_granular(scope)))
                .cloned()
                .collect();
            for scope in FOR_EVENTS {
                scopes.insert(match app.kind {
                    AppKind::User => scope.to_owned(),
                    _ => format!("{scope}:admin"),
                });
            }
            if app.kind == AppKind::User {
                // What every app has that runs inside Zoom's client.
                scopes.insert("zoomapp:inmeeting".to_owned());
                scopes.retain(|scope| !APP_OWNED.contains(&scope.as_str()));
            }
            scopes
        }
        AppScopes::AllClassic => rows
            .flat_map(|row| row.classic.iter().cloned())
            .filter(|scope| level(scope))
            .collect(),
    }
}

/// Whether any scope of an endpoint is among those held; an endpoint without published scopes is open.
pub fn opens(endpoint: &Endpoint, held: &BTreeSet<String>) -> bool {
    (endpoint.granular.is_empty() && endpoint.classic.is_empty())
        || endpoint
            .granular
            .iter()
            .chain(&endpoint.classic)
            .any(|scope| held.contains(scope))
}

/// Zoom's refusal of a token without the endpoint's scope: 4711 with the granular names, 104 for classic tokens.
pub fn missing(endpoint: &Endpoint, held: &BTreeSet<String>) -> Refusal {
    let classic = !held.is_empty() && held.iter().all(|scope| is_classic(scope));
    if classic && !endpoint.classic.is_empty() {
        return Refusal::new(400, 104, does_not_contain(&endpoint.classic));
    }
    let names = if endpoint.granular.is_empty() {
        &endpoint.classic
    } else {
        &endpoint.granular
    };
    Refusal::new(400, 4711, does_not_contain(names))
}

/// Zoom's refusal of a user's token that reaches for somebody else's things.
pub fn needs_admin(endpoint: &Endpoint) -> Refusal {
    let mut names: Vec<String> = endpoint
        .granular
        .iter()
        .filter(|scope| scope.ends_with(":admin"))
        .cloned()
        .collect();
    if names.is_empty() {
        names.clone_from(&endpoint.granular);
    }
    Refusal::new(400, 4711, does_not_contain(&names))
}

fn does_not_contain(names: &[String]) -> String {
    format!(
        "Invalid access token, does not contain scopes:[{}].",
        names.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apps_hold_the_scopes_of_their_kind() {
        let apps = App::defaults();
        let s2s = of_app(&apps[0]);
        assert!(s2s.contains("meeting:read:meeting:admin"));
        assert!(s2s.contains("marketplace:write:event_subscription"));
        assert!(!s2s.contains("meeting:read:meeting"));
        let user = of_app(&apps[1]);
        assert!(user.contains("meeting:read:meeting"));
        assert!(!user.iter().any(|scope| scope.ends_with(":admin")));
    }

    #[test]
    fn classic_and_granular_are_told_apart() {
        assert!(is_classic("meeting:read:admin"));
        assert!(is_classic("user_profile"));
        assert!(!is_classic("meeting:read:meeting"));
    }
}
