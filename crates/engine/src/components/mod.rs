//! Components: the capabilities that can be switched on and off, and what each needs.
//!
//! [`ALL`] is the one place where a capability registers. The database holds what is on; `component-activation-status.json`
//! in the data directory is its export, and the seed of a new database. Off means not mounted, no job, no cost.

mod check;
mod file;

use std::collections::BTreeMap;

use jiff::Timestamp;
use parfocal_store::ComponentRow;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

pub use check::Finding;
pub use file::{FILE, StatusFile};

use crate::App;
use crate::audit::{self, Change};
use crate::error::{Code, EngineError, Result};
use crate::keys::{Caller, Role};

/// A capability that can be switched.
#[derive(Debug)]
pub struct Component {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// Whether it is on until somebody switches it: what `serve` has always done.
    pub on_at_first: bool,
    /// Components that have to be on.
    pub needs: &'static [&'static str],
    /// Whether a Zoom account has to be connected.
    pub needs_account: bool,
    /// Configuration keys of which at least one has to be set.
    pub needs_setting: &'static [&'static str],
    /// Beginnings of the paths that it serves.
    pub routes: &'static [&'static str],
}

/// Every component. A later capability adds its line here and nowhere else.
pub static ALL: &[Component] = &[
    Component {
        name: "webhooks",
        about: "Takes Zoom's events in at /webhooks/zoom.",
        on_at_first: true,
        needs: &[],
        needs_account: false,
        needs_setting: &["zoom.webhook_secret_token"],
        routes: &["/webhooks"],
    },
    Component {
        name: "ingest",
        about: "Keeps meetings, recordings and transcripts of the connected accounts.",
        on_at_first: true,
        needs: &[],
        needs_account: true,
        needs_setting: &[],
        routes: &[
            "/v1/meetings",
            "/v1/recordings",
            "/v1/transcripts",
            "/v1/files",
            "/v1/backfills",
        ],
    },
    Component {
        name: "search",
        about: "Finds what was said and written.",
        on_at_first: true,
        needs: &["ingest"],
        needs_account: false,
        needs_setting: &[],
        routes: &["/v1/search"],
    },
    Component {
        name: "actions",
        about: "Reaches into Zoom by name, over HTTP and on the command line.",
        on_at_first: true,
        needs: &[],
        needs_account: true,
        needs_setting: &[],
        routes: &["/v1/actions", "/v1/manifest"],
    },
    Component {
        name: "mcp",
        about: "Tools, meetings and questions for language models at /mcp.",
        on_at_first: false,
        needs: &["actions"],
        needs_account: false,
        needs_setting: &[],
        routes: &["/mcp", "/.well-known/oauth-protected-resource"],
    },
    Component {
        name: "console",
        about: "The pages for people.",
        on_at_first: true,
        needs: &[],
        needs_account: false,
        needs_setting: &[],
        routes: &["/"],
    },
];

/// What every path of the program itself begins with: no component can take it away.
const ALWAYS: [&str; 12] = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/assets",
    "/login",
    "/logout",
    "/oauth",
    "/connect",
    "/v1",
    "/webhooks",
    "/mcp",
    "/zoomapp",
];

/// The JSON Schema of the status file.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(StatusFile).into()
}

/// The component of a name.
///
/// # Errors
/// `not_found`.
pub fn find(name: &str) -> Result<&'static Component> {
    ALL.iter()
        .find(|component| component.name == name)
        .ok_or_else(|| {
            let names: Vec<&str> = ALL.iter().map(|component| component.name).collect();
            EngineError::not_found("component", name)
                .with_hint(format!("There are: {}.", names.join(", ")))
        })
}

/// The component that serves a path; none for what always answers.
pub fn of_path(path: &str) -> Option<&'static Component> {
    let below = |route: &str| {
        path.strip_prefix(route)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    ALL.iter()
        .find(|component| {
            component
                .routes
                .iter()
                .any(|route| *route != "/" && below(route))
        })
        .or_else(|| {
            let always = ALWAYS.iter().any(|route| below(route));
            ALL.iter()
                .find(|component| !always && component.routes.contains(&"/"))
        })
}

/// A component as it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ComponentView {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Whether it is on.
    pub active: bool,
    /// Whether somebody ever switched it.
    pub switched: bool,
    /// Who switched it last.
    pub changed_by: Option<String>,
    /// When.
    pub changed_at: Option<Timestamp>,
    /// When it was last checked.
    pub checked_at: Option<Timestamp>,
    /// Components that have to be on.
    pub needs: Vec<&'static str>,
    /// Beginnings of the paths that it serves.
    pub routes: Vec<&'static str>,
}

/// Everything about components; from [`App::components`].
#[derive(Debug, Clone, Copy)]
pub struct Components<'a> {
    pub(crate) app: &'a App,
}

impl Components<'_> {
    /// All components, in the order of the register.
    pub async fn list(&self) -> Result<Vec<ComponentView>> {
        let rows = self.rows().await?;
        Ok(ALL
            .iter()
            .map(|component| view(component, rows.get(component.name)))
            .collect())
    }

    /// Whether a component is on.
    pub async fn is_active(&self, component: &Component) -> Result<bool> {
        let rows = self.rows().await?;
        Ok(view(component, rows.get(component.name)).active)
    }

    /// What a component lacks now, and how to mend it; nothing when it can work.
    pub async fn check(&self, name: &str) -> Result<Vec<Finding>> {
        let component = find(name)?;
        let found = check::check(self.app, component).await?;
        let rows = self.rows().await?;
        if let Some(known) = rows.get(name) {
            let mut row = known.clone();
            row.checked = Some(self.app.clock().now());
            row.detail = found.first().map(|finding| finding.says.clone());
            let mut tx = self.app.store().begin(self.app.scope()).await?;
            tx.put_component(&row).await?;
            tx.commit().await?;
        }
        Ok(found)
    }

    /// Switches a component on, once everything that it needs is there.
    ///
    /// # Errors
    /// `component_blocked` with what is missing and the mend, unless `anyway`.
    pub async fn activate(
        &self,
        name: &str,
        anyway: bool,
        caller: &Caller,
    ) -> Result<ComponentView> {
        let component = find(name)?;
        let found = check::check(self.app, component).await?;
        if let Some(first) = found.iter().find(|_| !anyway) {
            let all: Vec<&str> = found.iter().map(|finding| finding.says.as_str()).collect();
            return Err(EngineError::new(
                Code::ComponentBlocked,
                format!("{name} cannot work yet: {}", all.join("; ")),
            )
            .with_hint(first.mend.clone()));
        }
        self.switch(component, true, caller).await
    }

    /// Switches a component off.
    ///
    /// # Errors
    /// `component_blocked` when one that is on needs it.
    pub async fn deactivate(&self, name: &str, caller: &Caller) -> Result<ComponentView> {
        let component = find(name)?;
        let rows = self.rows().await?;
        let needing: Vec<&str> = ALL
            .iter()
            .filter(|other| other.needs.contains(&name) && view(other, rows.get(other.name)).active)
            .map(|other| other.name)
            .collect();
        if let Some(first) = needing.first() {
            return Err(EngineError::new(
                Code::ComponentBlocked,
                format!("{} needs {name}", needing.join(" and ")),
            )
            .with_hint(format!(
                "Run `parfocal component deactivate {first}` first."
            )));
        }
        self.switch(component, false, caller).await
    }

    async fn switch(
        self,
        component: &Component,
        on: bool,
        caller: &Caller,
    ) -> Result<ComponentView> {
        caller.may(Role::Admin)?;
        let now = self.app.clock().now();
        let row = ComponentRow {
            name: component.name.to_owned(),
            state: if on { "active" } else { "inactive" }.to_owned(),
            detail: None,
            settings: json!({}),
            config_v: 1,
            changed_by: caller.actor.clone(),
            checked: on.then_some(now),
            updated_at: now,
        };
        let target = format!("component/{}", component.name);
        let change = Change {
            action: if on {
                "component.activate"
            } else {
                "component.deactivate"
            },
            target: &target,
            detail: json!({}),
        };
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.put_component(&row).await?;
        audit::append(&mut tx, &caller.by(), &change, now).await?;
        tx.commit().await?;
        self.export().await?;
        Ok(view(component, Some(&row)))
    }

    /// Writes the status file anew.
    pub async fn export(&self) -> Result<()> {
        let status = StatusFile::of(self.app.clock().now(), &self.list().await?);
        file::write(&self.app.config().data.dir, &status)
    }

    /// Takes over the status file when the database knows of no switch yet: a new database begins as the old one was.
    pub(crate) async fn seed(&self) -> Result<()> {
        if !self.rows().await?.is_empty() {
            return Ok(());
        }
        let Some(status) = file::read(&self.app.config().data.dir)? else {
            return Ok(());
        };
        let now = self.app.clock().now();
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        for entry in status.components {
            // What is not known here belongs to a newer version and stays in the file only.
            if let Ok(component) = find(&entry.name)
                && entry.active != component.on_at_first
            {
                let row = ComponentRow {
                    name: component.name.to_owned(),
                    state: if entry.active { "active" } else { "inactive" }.to_owned(),
                    detail: None,
                    settings: json!({}),
                    config_v: 1,
                    changed_by: "status file".to_owned(),
                    checked: None,
                    updated_at: now,
                };
                tx.put_component(&row).await?;
            }
        }
        Ok(tx.commit().await?)
    }

    async fn rows(self) -> Result<BTreeMap<String, ComponentRow>> {
        let rows = self.app.store().components(self.app.scope()).await?;
        Ok(rows
            .into_iter()
            .map(|row| (row.name.clone(), row))
            .collect())
    }
}

fn view(component: &Component, row: Option<&ComponentRow>) -> ComponentView {
    ComponentView {
        name: component.name,
        about: component.about,
        active: row.map_or(component.on_at_first, |row| row.state == "active"),
        switched: row.is_some(),
        changed_by: row.map(|row| row.changed_by.clone()),
        changed_at: row.map(|row| row.updated_at),
        checked_at: row.and_then(|row| row.checked),
        needs: component.needs.to_vec(),
        routes: component.routes.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_need_is_registered_and_every_path_has_its_component() {
        for component in ALL {
            assert!(
                component.needs.iter().all(|need| find(need).is_ok()),
                "{}",
                component.name
            );
            assert!(component.about.ends_with('.') && !component.routes.is_empty());
        }
        let of = |path: &str| of_path(path).map(|component| component.name);
        assert_eq!(of("/webhooks/zoom/app"), Some("webhooks"));
        assert_eq!(of("/v1/actions/meeting.get"), Some("actions"));
        assert_eq!(of("/v1/searching"), None);
        assert_eq!(of("/"), Some("console"));
        assert_eq!(of("/meetings/1"), Some("console"));
        for path in [
            "/healthz",
            "/v1/keys",
            "/v1/status",
            "/login",
            "/assets/1/x.css",
            "/oauth/zoom/callback",
        ] {
            assert_eq!(of(path), None, "{path}");
        }
    }
}
