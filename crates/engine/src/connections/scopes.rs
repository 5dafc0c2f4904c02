//! Which scopes each feature needs, told from the client's table of endpoints; what a token lacks; what to tick.

use parfocal_zoom::endpoint::{self, Endpoint};
use serde::Serialize;

use super::events::events;
use super::features::{Feature, Level, Need, calls};

pub use super::checklist::{ChecklistFacts, checklist};

/// A feature that the granted scopes do not allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct MissingScope {
    /// What cannot be done.
    pub feature: String,
    /// Scopes that would allow it; any one is enough.
    pub any_of: Vec<String>,
}

/// Whether a feature works with the granted scopes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct FeatureHealth {
    /// The feature.
    pub feature: Feature,
    /// Whether everything that it needs is granted.
    pub works: bool,
    /// What is not.
    pub missing: Vec<MissingScope>,
}

/// A scope to tick.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScopeNeed {
    /// The scope.
    pub scope: String,
    /// What it is for.
    pub why: Vec<String>,
    /// Whether the feature works without it, with less.
    pub optional: bool,
}

/// An event to subscribe to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EventNeed {
    /// Its name, as Zoom spells it.
    pub event: &'static str,
    /// What it is for.
    pub why: &'static str,
    /// The granular scope that Zoom wants for the subscription.
    pub scope: String,
    /// The classic scope that does.
    pub classic: String,
    /// Whether the feature works without it, with less.
    pub optional: bool,
}

/// What a feature needs of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Needed {
    /// The feature.
    pub feature: Feature,
    /// The kind of app.
    pub level: Level,
    /// Granular scopes: every app made today.
    pub granular: Vec<ScopeNeed>,
    /// Classic scopes, for apps from before granular ones.
    pub classic: Vec<ScopeNeed>,
    /// Events, which need scopes too; those are among the above.
    pub events: Vec<EventNeed>,
    /// What else is to be known.
    pub notes: Vec<String>,
}

fn endpoint(need: &Need) -> Option<&'static Endpoint> {
    endpoint::by_template(&need.method, need.path)
}

/// Of the scopes that an endpoint takes, the one that an app of this level would tick.
fn pick<'s>(level: Level, scopes: impl IntoIterator<Item = &'s str>) -> Option<&'s str> {
    let mut fitting: Vec<&str> = scopes.into_iter().filter(|s| level.holds(s)).collect();
    // Reading is enough where writing would do as well.
    fitting.sort_by_key(|scope| (scope.contains(":write"), scope.contains("phone_")));
    fitting.first().copied()
}

fn add(list: &mut Vec<ScopeNeed>, scope: String, why: &str, optional: bool) {
    match list.iter_mut().find(|known| known.scope == scope) {
        Some(known) => {
            known.optional &= optional;
            if !known.why.iter().any(|known| known == why) {
                known.why.push(why.to_owned());
            }
        }
        None => list.push(ScopeNeed {
            scope,
            why: vec![why.to_owned()],
            optional,
        }),
    }
}

/// What a feature needs of an app of this level.
pub fn needed(feature: Feature, level: Level) -> Needed {
    let mut found = Needed {
        feature,
        level,
        granular: Vec::new(),
        classic: Vec::new(),
        events: Vec::new(),
        notes: Vec::new(),
    };
    for need in calls(feature) {
        let Some(endpoint) = endpoint(need) else {
            continue;
        };
        let granular = endpoint.granular_scopes.iter().map(String::as_str);
        if let Some(scope) = pick(level, granular) {
            add(
                &mut found.granular,
                scope.to_owned(),
                need.why,
                need.optional,
            );
        }
        if let Some(scope) = pick(level, endpoint.classic_scopes.iter().copied()) {
            add(
                &mut found.classic,
                scope.to_owned(),
                need.why,
                need.optional,
            );
        }
    }
    if feature == Feature::ZoomApp && level == Level::User {
        let why = "run inside Zoom's client";
        add(
            &mut found.granular,
            "zoomapp:inmeeting".to_owned(),
            why,
            false,
        );
        add(
            &mut found.classic,
            "zoomapp:inmeeting".to_owned(),
            why,
            false,
        );
    }
    for heard in events(feature) {
        if heard.admin_only && level == Level::User {
            continue;
        }
        let form = |base: &str| match level {
            Level::User => base.to_owned(),
            Level::Admin | Level::Account => format!("{base}:admin"),
        };
        let (scope, classic) = (form(heard.granular), form(heard.classic));
        add(
            &mut found.granular,
            scope.clone(),
            heard.why,
            heard.optional,
        );
        add(
            &mut found.classic,
            classic.clone(),
            heard.why,
            heard.optional,
        );
        found.events.push(EventNeed {
            event: heard.event,
            why: heard.why,
            scope,
            classic,
            optional: heard.optional,
        });
    }
    found
        .granular
        .sort_by(|a, b| (a.optional, &a.scope).cmp(&(b.optional, &b.scope)));
    found
        .classic
        .sort_by(|a, b| (a.optional, &a.scope).cmp(&(b.optional, &b.scope)));
    if level == Level::User {
        found.notes.push(
            "A user-managed app sees its own user's meetings only; other hosts have to connect themselves.".to_owned(),
        );
    }
    if feature == Feature::ZoomApp && level != Level::User {
        found
            .notes
            .push("Apps inside Zoom's client are mostly user-managed general apps.".to_owned());
    }
    if !found.events.is_empty() {
        found.notes.push(
            "Zoom's portal offers an event only after its scope was ticked; transcripts need a paid plan with cloud recording and audio transcripts switched on.".to_owned(),
        );
    }
    found
}

/// What the granted scopes do not allow of a feature; empty when Zoom told no scopes.
pub(super) fn missing(feature: Feature, level: Level, granted: &[String]) -> Vec<MissingScope> {
    if granted.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<MissingScope> = Vec::new();
    for need in calls(feature).iter().filter(|need| !need.optional) {
        let Some(endpoint) = endpoint(need) else {
            continue;
        };
        let accepted = endpoint.scopes();
        // What only admins can be granted is not missed where a user connected for themselves. Two classic scopes
        // without `:admin` open the list of users, for users whose role allows it.
        let granular = &endpoint.granular_scopes;
        let reachable = granular.is_empty() || granular.iter().any(|scope| level.holds(scope));
        let held = accepted.iter().any(|scope| granted.contains(scope));
        if accepted.is_empty() || !reachable || held {
            continue;
        }
        found.push(MissingScope {
            feature: need.why.to_owned(),
            any_of: accepted,
        });
    }
    found
}

/// How each feature fares with the granted scopes.
pub(super) fn features(level: Level, granted: &[String]) -> Vec<FeatureHealth> {
    let health = |feature: &Feature| {
        let missing = missing(*feature, level, granted);
        FeatureHealth {
            feature: *feature,
            works: missing.is_empty(),
            missing,
        }
    };
    Feature::ALL.iter().map(health).collect()
}

/// Of the scopes that would mend it, the one that an app of this level can tick.
pub(crate) fn to_add(level: Level, missing: &MissingScope) -> Option<&str> {
    let fitting = missing.any_of.iter().find(|scope| level.holds(scope));
    fitting.or(missing.any_of.first()).map(String::as_str)
}

/// One sentence for the connection's reason; none when nothing is missing.
pub(super) fn sentence(level: Level, missing: &[MissingScope]) -> Option<String> {
    if missing.is_empty() {
        return None;
    }
    let mut parts: Vec<String> = Vec::new();
    for missing in missing {
        let best = missing
            .any_of
            .iter()
            .find(|scope| level.holds(scope))
            .or(missing.any_of.first());
        let scope = best.map_or("a scope", String::as_str);
        parts.push(format!("{} (add {scope})", missing.feature));
    }
    Some(format!("The app may not {}.", parts.join("; ")))
}

/// The level of a grant, as far as its scopes tell.
pub(crate) fn level_of(kind: parfocal_store::AppKind, granted: &[String]) -> Level {
    match kind {
        parfocal_store::AppKind::ServerToServer => Level::Account,
        _ if granted.iter().any(|scope| Level::Admin.holds(scope)) => Level::Admin,
        _ => Level::User,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_a_feature_is_in_the_table() {
        for feature in Feature::ALL {
            for need in calls(*feature) {
                let endpoint = endpoint(need);
                assert!(
                    endpoint.is_some_and(|e| !e.scopes().is_empty()),
                    "{} {}",
                    need.method,
                    need.path
                );
            }
        }
    }

    #[test]
    fn what_is_to_be_ticked_is_what_is_not_missing() {
        for feature in Feature::ALL {
            for level in Level::ALL {
                let needed = needed(*feature, *level);
                for list in [&needed.granular, &needed.classic] {
                    let ticked: Vec<String> = list
                        .iter()
                        .filter(|need| !need.optional)
                        .map(|need| need.scope.clone())
                        .collect();
                    assert_eq!(missing(*feature, *level, &ticked), [], "{feature} {level}");
                    assert!(ticked.iter().all(|s| level.holds(s)), "{ticked:?}");
                }
            }
        }
    }

    #[test]
    fn users_and_accounts_tick_different_forms() {
        let user = needed(Feature::Ingest, Level::User);
        assert!(
            user.granular
                .iter()
                .any(|n| n.scope == "cloud_recording:read:list_user_recordings")
        );
        assert!(!user.granular.iter().any(|n| n.scope.contains("list_users")));
        assert!(!user.events.iter().any(|e| e.event.starts_with("user.")));
        let account = needed(Feature::Ingest, Level::Account);
        assert!(
            account
                .granular
                .iter()
                .any(|n| n.scope == "user:read:list_users:admin")
        );
        assert!(
            account
                .classic
                .iter()
                .any(|n| n.scope == "recording:read:admin")
        );
        assert!(
            account
                .events
                .iter()
                .any(|e| e.event == "recording.completed"
                    && e.scope == "cloud_recording:read:recording:admin")
        );
        let writes = needed(Feature::Schedule, Level::User);
        for scope in [
            "meeting:write:meeting",
            "meeting:update:meeting",
            "meeting:delete:meeting",
        ] {
            assert!(
                writes
                    .granular
                    .iter()
                    .any(|n| n.scope == scope && !n.optional),
                "{scope}"
            );
        }
        let zoom_app = needed(Feature::ZoomApp, Level::User);
        assert!(
            zoom_app
                .granular
                .iter()
                .any(|n| n.scope == "zoomapp:inmeeting")
        );
    }

    #[test]
    fn missing_scopes_are_named_with_what_they_are_for() {
        let all: Vec<String> = needed(Feature::Ingest, Level::Account)
            .granular
            .into_iter()
            .map(|need| need.scope)
            .filter(|scope| !scope.contains("recording"))
            .collect();
        let missing = missing(Feature::Ingest, Level::Account, &all);
        assert!(!missing.is_empty() && missing.iter().all(|m| m.feature.contains("recordings")));
        let said = sentence(Level::Account, &missing).unwrap();
        assert!(
            said.contains("cloud_recording:read:list_user_recordings:admin"),
            "{said}"
        );
        assert!(super::missing(Feature::Ingest, Level::User, &[]).is_empty());
    }
}
