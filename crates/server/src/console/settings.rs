//! What is configured, where each value comes from, and how it is changed. Secrets are told as set or not set.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::State;
use axum::response::Response;
use parfocal_engine::config::{Config, KEYS, Key, environment_name};
use parfocal_engine::keys::{Caller, Role};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;

/// What the page can be asked; unknown parameters are ignored.
#[derive(Deserialize)]
pub(crate) struct PageParams {
    /// Words that the key or its meaning has to contain.
    q: Option<String>,
    /// `given`: only what was given.
    show: Option<String>,
}

#[derive(Serialize)]
struct Page {
    sections: Vec<Section>,
    q: Option<String>,
    given_only: bool,
    filtered: bool,
    given: usize,
    total: usize,
    /// The folder of the database and the files.
    data: String,
}

#[derive(Serialize)]
struct Section {
    name: &'static str,
    rows: Vec<Row>,
}

/// A key with its value.
#[derive(Debug, Serialize)]
struct Row {
    key: String,
    about: &'static str,
    value: String,
    secret: bool,
    /// Whether there is a value at all.
    set: bool,
    /// Where it comes from; none for the default.
    from: Option<String>,
    /// The variable that sets it.
    variable: String,
    /// The command that changes it or checks what it is about, where there is one.
    command: Option<&'static str>,
}

/// `GET /settings`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Params(params): Params<PageParams>,
) -> Result<Response, Problem> {
    caller.may(Role::Admin)?;
    let config = state.app().config();
    let rows = rows(config);
    let q = params
        .q
        .map(|q| q.trim().to_owned())
        .filter(|q| !q.is_empty());
    let given_only = params.show.as_deref() == Some("given");
    let (given, total) = (
        rows.iter().filter(|row| row.from.is_some()).count(),
        rows.len(),
    );
    let mut sections: Vec<Section> = Vec::new();
    for (name, row) in rows
        .into_iter()
        .filter(|row| !given_only || row.from.is_some())
        .filter(|row| q.as_deref().is_none_or(|q| has(row, q)))
        .map(|row| (section(&row.key), row))
    {
        match sections.last_mut() {
            Some(last) if last.name == name => last.rows.push(row),
            _ => sections.push(Section {
                name,
                rows: vec![row],
            }),
        }
    }
    let page = Page {
        filtered: q.is_some() || given_only,
        sections,
        q,
        given_only,
        given,
        total,
        data: config.data.dir.display().to_string(),
    };
    state
        .pages()
        .render("settings.html", "settings", "Settings", &page)
}

/// The section of a key, as the table has it.
fn section(key: &str) -> &'static str {
    let name = key.split('.').next().unwrap_or(key);
    KEYS.iter()
        .map(Key::section)
        .find(|section| *section == name)
        .unwrap_or_default()
}

fn has(row: &Row, q: &str) -> bool {
    let within = format!("{} {} {}", row.key, row.about, row.variable).to_lowercase();
    q.to_lowercase()
        .split_whitespace()
        .all(|word| within.contains(word))
}

/// Every key with the value in force. Keys with a `*` have a row for each name that was given.
fn rows(config: &Config) -> Vec<Row> {
    let values = serde_json::to_value(config).unwrap_or_default();
    let mut rows = Vec::new();
    for key in KEYS {
        let mut found = Vec::new();
        let parts: Vec<&str> = key.path.split('.').collect();
        named(&values, &parts, String::new(), &mut found);
        for (path, value) in found {
            rows.push(row(key, path, value, &config.origins));
        }
    }
    rows
}

/// The values under a path, each with its path in full.
fn named<'v>(value: &'v Value, parts: &[&str], path: String, out: &mut Vec<(String, &'v Value)>) {
    let Some((first, rest)) = parts.split_first() else {
        out.push((path, value));
        return;
    };
    let join = |name: &str| {
        if path.is_empty() {
            name.to_owned()
        } else {
            format!("{path}.{name}")
        }
    };
    if *first == "*" {
        for (name, inner) in value.as_object().into_iter().flatten() {
            named(inner, rest, join(name), out);
        }
    } else {
        named(
            value.get(*first).unwrap_or(&Value::Null),
            rest,
            join(first),
            out,
        );
    }
}

fn row(key: &Key, path: String, value: &Value, origins: &BTreeMap<String, String>) -> Row {
    let set = match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    };
    let from = origins.get(&path).cloned();
    Row {
        about: key.about,
        value: if key.is_secret() {
            if set { "set" } else { "not set" }.to_owned()
        } else {
            written(value)
        },
        secret: key.is_secret(),
        set,
        from,
        variable: match key.env {
            Some(name) => name.to_owned(),
            None => environment_name(&path),
        },
        command: command(&path),
        key: path,
    }
}

fn written(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(written).collect::<Vec<_>>().join(", "),
        Value::Object(map) if map.is_empty() => "none".to_owned(),
        other => other.to_string(),
    }
}

/// The command that changes something so that the key need not be touched, or that belongs to a change of it.
fn command(key: &str) -> Option<&'static str> {
    Some(match key {
        "vault.key" | "vault.previous_key" => "parfocal vault rotate",
        "server.auth" => "parfocal keys create NAME",
        "zoom.webhook_secret_token" => "parfocal component activate webhooks --set secret_token=-",
        "zoom.account_id" | "zoom.s2s_client_id" | "zoom.s2s_client_secret" => {
            "parfocal connect s2s"
        }
        "zoom.client_id" | "zoom.client_secret" | "zoom.public_client_id" => {
            "parfocal connect user"
        }
        _ if key.starts_with("models.") => "parfocal models",
        _ if key.starts_with("google.") || key.starts_with("microsoft.") => {
            "parfocal calendars add"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use parfocal_engine::config::{ModelServer, Secret};

    use super::*;

    #[test]
    fn every_key_has_its_value_and_no_secret_is_told() {
        let mut config = Config::default();
        let hidden = "swordfish-swordfish";
        config.zoom.s2s_client_secret = Some(Secret::new(hidden));
        config.zoom.webhook_secret_token = vec![Secret::new(hidden)];
        config.origins.insert(
            "zoom.s2s_client_secret".to_owned(),
            "environment variable ZOOM_S2S_CLIENT_SECRET".to_owned(),
        );
        let mut server: ModelServer =
            serde_json::from_str(r#"{"url": "http://127.0.0.1:8081/v1", "model": "small"}"#)
                .unwrap();
        server.key = Some(Secret::new(hidden));
        config.models.servers.insert("peer".to_owned(), server);
        let rows = rows(&config);
        let of = |key: &str| rows.iter().find(|row| row.key == key).unwrap();
        for key in KEYS.iter().filter(|key| !key.path.contains('*')) {
            assert_eq!(of(key.path).about, key.about);
        }
        let secret = of("zoom.s2s_client_secret");
        assert_eq!((secret.value.as_str(), secret.set), ("set", true));
        assert_eq!(
            secret.from.as_deref(),
            Some("environment variable ZOOM_S2S_CLIENT_SECRET")
        );
        assert_eq!(of("zoom.client_secret").value, "not set");
        assert_eq!(of("zoom.webhook_secret_token").value, "set");
        assert_eq!(of("models.servers.peer.model").value, "small");
        assert_eq!(of("server.listen").variable, "PARFOCAL_SERVER__LISTEN");
        assert_eq!(of("server.listen").from, None);
        assert!(
            !serde_json::to_string(&rows).unwrap().contains("swordfish"),
            "a secret is told"
        );
    }
}
