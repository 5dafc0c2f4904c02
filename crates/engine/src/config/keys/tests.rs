//! The table, the structures and the environment agree.

use std::collections::BTreeSet;

use super::*;
use crate::config::{Config, ModelServer, ZoomApp};

fn leaves(value: &serde_json::Value, path: &str, out: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::Object(map) if !map.is_empty() => {
            for (name, inner) in map {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                leaves(inner, &path, out);
            }
        }
        _ => {
            out.insert(path.to_owned());
        }
    }
}

#[test]
fn the_table_and_the_structures_name_the_same_keys() {
    let mut config = Config::default();
    config.zoom.apps.insert("*".into(), ZoomApp::default());
    let servers = &mut config.models.servers;
    servers.insert("*".into(), ModelServer::default());
    let mut found = BTreeSet::new();
    leaves(&serde_json::to_value(&config).unwrap(), "", &mut found);
    let listed: BTreeSet<String> = KEYS.iter().map(|key| key.path.to_owned()).collect();
    assert_eq!(found, listed);
    assert_eq!(listed.len(), KEYS.len(), "a key stands twice");
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_structures() {
    let mut config = Config::default();
    config.zoom.apps.insert("*".into(), ZoomApp::default());
    let servers = &mut config.models.servers;
    servers.insert("*".into(), ModelServer::default());
    let value = serde_json::to_value(&config).unwrap();
    for key in KEYS {
        let real = value
            .pointer(&format!("/{}", key.path.replace('.', "/")))
            .unwrap();
        let written = match real {
            serde_json::Value::String(text) => text.clone(),
            serde_json::Value::Array(items) => {
                let items: Vec<_> = items
                    .iter()
                    .map(|item| item.as_str().unwrap_or("?"))
                    .collect();
                format!("[{}]", items.join(", "))
            }
            other => other.to_string(),
        };
        assert_eq!(written, key.default, "{}", key.path);
    }
}

#[test]
fn every_key_has_one_environment_name() {
    let mut names = BTreeSet::new();
    for key in KEYS {
        assert!(names.insert(environment_name(key.path)), "{}", key.path);
        if let Some(name) = key.env {
            assert!(names.insert(name.to_owned()), "{name}");
        }
        assert!(key.about.ends_with('.'), "{}", key.path);
    }
    assert_eq!(environment_name("limits.share"), "PARFOCAL_LIMITS__SHARE");
}
