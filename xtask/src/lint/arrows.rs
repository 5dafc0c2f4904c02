//! Which crate may use which: the arrows between the rooms of the house (ARCHITECTURE.md).

use anyhow::{Result, ensure};

use crate::workspace::{Package, metadata};

/// Crates of ours that a crate may use.
const ROOMS: [(&str, &[&str]); 9] = [
    ("parfocal-formats", &[]),
    ("parfocal-understand", &[]),
    ("parfocal-zoom", &[]),
    ("parfocal-simulator", &[]),
    ("parfocal-store", &["parfocal-formats"]),
    (
        "parfocal-engine",
        &[
            "parfocal-store",
            "parfocal-zoom",
            "parfocal-formats",
            "parfocal-understand",
        ],
    ),
    ("parfocal-server", &["parfocal-engine"]),
    (
        "parfocal",
        &[
            "parfocal-formats",
            "parfocal-zoom",
            "parfocal-simulator",
            "parfocal-store",
            "parfocal-engine",
            "parfocal-server",
        ],
    ),
    ("xtask", &[]),
];

/// Crates whose tests may use the simulator.
const TESTED_ON_THE_SIMULATOR: [&str; 4] = [
    "parfocal-zoom",
    "parfocal-engine",
    "parfocal-server",
    "parfocal",
];

/// Libraries that only some rooms may use: SQL is in the store, our HTTP in the server, the terminal in the binary.
const ONLY: [(&str, &[&str]); 12] = [
    ("sqlx", &["parfocal-store"]),
    ("axum", &["parfocal-server", "parfocal-simulator"]),
    ("rmcp", &["parfocal-server"]),
    ("minijinja", &["parfocal-server", "parfocal-simulator"]),
    (
        "reqwest",
        &[
            "parfocal-zoom",
            "parfocal-engine",
            "parfocal-simulator",
            "parfocal",
        ],
    ),
    ("clap", &["parfocal", "xtask"]),
    ("console", &["parfocal"]),
    ("indicatif", &["parfocal"]),
    ("comfy-table", &["parfocal"]),
    ("config", &["parfocal"]),
    ("dotenvy", &["parfocal"]),
    ("anyhow", &["parfocal", "xtask"]),
];

pub(crate) fn check() -> Result<()> {
    let faults: Vec<String> = metadata()?.packages.iter().flat_map(faults).collect();
    ensure!(
        faults.is_empty(),
        "{}\n(the arrows stand in ARCHITECTURE.md and xtask/src/lint/arrows.rs)",
        faults.join("\n")
    );
    Ok(())
}

fn faults(package: &Package) -> Vec<String> {
    let name = package.name.as_str();
    let Some((_, rooms)) = ROOMS.iter().find(|(room, _)| *room == name) else {
        return vec![format!("{name} is not among the rooms of the house")];
    };
    let mut faults = Vec::new();
    for dependency in &package.dependencies {
        let on = dependency.name.as_str();
        let dev = dependency.kind.as_deref() == Some("dev");
        if dependency.path.is_some() {
            let for_tests =
                dev && on == "parfocal-simulator" && TESTED_ON_THE_SIMULATOR.contains(&name);
            if !rooms.contains(&on) && !for_tests {
                faults.push(format!("{name} may not use {on}"));
            }
        } else if let Some((_, users)) = ONLY.iter().find(|(library, _)| *library == on)
            && !users.contains(&name)
            && !dev
        {
            faults.push(format!(
                "{name} may not use {on}, only {} may",
                users.join(" and ")
            ));
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, uses: &str, kind: Option<&str>, ours: bool) -> Package {
        let path = if ours { r#""/x""# } else { "null" };
        let kind = kind.map_or("null".to_owned(), |kind| format!("\"{kind}\""));
        let json = format!(
            r#"{{"name":"{name}","dependencies":[{{"name":"{uses}","kind":{kind},"path":{path}}}]}}"#
        );
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn arrows_point_one_way() {
        assert!(faults(&package("parfocal-engine", "parfocal-store", None, true)).is_empty());
        assert!(!faults(&package("parfocal-store", "parfocal-engine", None, true)).is_empty());
        assert!(!faults(&package("parfocal-server", "parfocal-store", None, true)).is_empty());
        assert!(!faults(&package("parfocal-new", "serde", None, false)).is_empty());
    }

    #[test]
    fn the_simulator_is_for_tests_of_some() {
        assert!(
            faults(&package(
                "parfocal-engine",
                "parfocal-simulator",
                Some("dev"),
                true
            ))
            .is_empty()
        );
        assert!(
            !faults(&package(
                "parfocal-engine",
                "parfocal-simulator",
                None,
                true
            ))
            .is_empty()
        );
        assert!(
            !faults(&package(
                "parfocal-store",
                "parfocal-simulator",
                Some("dev"),
                true
            ))
            .is_empty()
        );
    }

    #[test]
    fn libraries_stay_in_their_rooms() {
        assert!(!faults(&package("parfocal-engine", "sqlx", None, false)).is_empty());
        assert!(faults(&package("parfocal-store", "sqlx", None, false)).is_empty());
    }

    #[test]
    fn the_workspace_is_as_drawn() {
        check().unwrap();
    }
}
