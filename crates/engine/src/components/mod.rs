//! Components: the capabilities that can be switched on and off, and what each needs.
//!
//! [`ALL`] is where each registers; `component-activation-status.json` is the database's export and seed. Off: no route, job, timer.

mod check;
mod file;
mod register;
mod setting;
mod switch;
pub(crate) mod tasks;

use std::collections::BTreeMap;

use jiff::Timestamp;
use parfocal_store::ComponentRow;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};

pub use check::Finding;
pub use file::{FILE, StatusFile};
pub use register::ALL;
pub use setting::{Setting, SettingKind, SettingView};
pub use switch::Active;
pub(crate) use switch::Switchboard;
pub use tasks::Task;

use crate::App;
use crate::audit::{self, Change};
use crate::config::{Config, Secret};
use crate::connections::Feature;
use crate::error::{Code, EngineError, Result};
use crate::jobs::JobKind;
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
    /// What the configuration has to say besides for it to be on at first.
    pub at_first_if: Option<fn(&Config) -> bool>,
    /// Components that have to be on.
    pub needs: &'static [&'static str],
    /// Whether a Zoom account has to be connected.
    pub needs_account: bool,
    /// What the account's scopes have to allow.
    pub feature: Option<Feature>,
    /// Whether little comes of it on a plan without cloud recordings; that is said, and keeps nobody from it.
    pub wants_recordings: bool,
    /// Configuration keys of which at least one has to be set, unless the component has a setting in their place.
    pub needs_setting: &'static [&'static str],
    /// Whether Zoom has to reach this server from outside.
    pub reached_from_outside: bool,
    /// The calendar that it writes to, by an account of its own: `google`, `microsoft`, `caldav`.
    pub calendar: Option<&'static str>,
    /// Whether it writes to people by mail.
    pub writes_mail: bool,
    /// The kind of destination that it sends to.
    pub delivers_to: Option<&'static str>,
    /// Whether it runs inside Zoom's client.
    pub in_client: bool,
    /// Whether it reads a mailbox.
    pub reads_mail: bool,
    /// What can be set when it is activated.
    pub settings: &'static [Setting],
    /// Beginnings of the paths that it serves.
    pub routes: &'static [&'static str],
    /// The kinds of job that are its work.
    pub jobs: &'static [JobKind],
    /// What it does by itself.
    pub tasks: &'static [Task],
}

impl Component {
    /// A component that needs nothing and does nothing; the others are told by what differs.
    pub const BARE: Self = Self {
        name: "",
        about: "",
        on_at_first: false,
        at_first_if: None,
        needs: &[],
        needs_account: false,
        feature: None,
        wants_recordings: false,
        needs_setting: &[],
        reached_from_outside: false,
        calendar: None,
        writes_mail: false,
        delivers_to: None,
        in_client: false,
        reads_mail: false,
        settings: &[],
        routes: &[],
        jobs: &[],
        tasks: &[],
    };
}

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
    /// What can be set.
    pub settings: Vec<SettingView>,
    /// Beginnings of the paths that it serves.
    pub routes: Vec<&'static str>,
    /// The kinds of job that are its work.
    pub jobs: Vec<&'static str>,
    /// What it does by itself and is doing in this process.
    pub running: Vec<&'static str>,
}

/// How a component is to be activated.
#[derive(Debug, Clone, Default)]
pub struct Activation {
    /// Even if something that it needs is missing.
    pub anyway: bool,
    /// Its settings by their names; what is not given stays as it was.
    pub settings: BTreeMap<String, Secret>,
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
        let mut all = Vec::new();
        for component in ALL {
            all.push(self.view(component, rows.get(component.name)).await?);
        }
        Ok(all)
    }

    /// Whether a component is on, asked of the database now.
    pub async fn is_active(&self, component: &Component) -> Result<bool> {
        let rows = self.rows().await?;
        Ok(is_on(
            self.app.config(),
            component,
            rows.get(component.name),
        ))
    }

    /// Refuses when a component is off.
    ///
    /// # Errors
    /// `component_off`, with how to switch it on.
    pub async fn require(&self, name: &str) -> Result<()> {
        if self.active().await?.has(name) {
            return Ok(());
        }
        Err(off(name))
    }

    /// What a component lacks now, and how to mend it; nothing when it can work.
    pub async fn check(&self, name: &str) -> Result<Vec<Finding>> {
        let component = find(name)?;
        let found = check::check(self.app, component, &BTreeMap::new()).await?;
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

    /// Switches a component on, once everything that it needs is there; settings that are given are kept. What
    /// limits it without keeping it from working is told with it.
    ///
    /// # Errors
    /// `invalid_input` for a setting that does not exist or cannot be that; `component_blocked` with what is missing and
    /// the mend, unless `anyway`.
    pub async fn activate(
        &self,
        name: &str,
        how: &Activation,
        caller: &Caller,
    ) -> Result<(ComponentView, Vec<Finding>)> {
        caller.may(Role::Admin)?;
        let component = find(name)?;
        for (key, value) in &how.settings {
            let Some(setting) = component.settings.iter().find(|one| one.key == key) else {
                let known: Vec<&str> = component.settings.iter().map(|one| one.key).collect();
                return Err(EngineError::invalid(format!("{name} has no setting {key}"))
                    .with_hint(if known.is_empty() {
                        format!("{name} has no settings.")
                    } else {
                        format!("It has: {}.", known.join(", "))
                    }));
            };
            setting.check(name, value.expose())?;
        }
        let found = check::check(self.app, component, &how.settings).await?;
        let blocking: Vec<&Finding> = found
            .iter()
            .filter(|finding| finding.blocks && !how.anyway)
            .collect();
        if !blocking.is_empty() {
            let says: Vec<&str> = blocking.iter().map(|one| one.says.as_str()).collect();
            let mends: Vec<&str> = blocking.iter().map(|one| one.mend.as_str()).collect();
            return Err(EngineError::new(
                Code::ComponentBlocked,
                format!("{name} cannot work yet: {}", says.join("; ")),
            )
            .with_hint(mends.join(" ")));
        }
        for (key, value) in &how.settings {
            let secret = component
                .settings
                .iter()
                .any(|one| one.key == key && one.is_secret());
            if secret {
                self.keep_secret(component, key, value).await?;
            }
        }
        let view = self.switch(component, true, &how.settings, caller).await?;
        Ok((view, found))
    }

    /// Switches a component off.
    ///
    /// # Errors
    /// `component_blocked` when one that is on needs it.
    pub async fn deactivate(&self, name: &str, caller: &Caller) -> Result<ComponentView> {
        caller.may(Role::Admin)?;
        let component = find(name)?;
        let rows = self.rows().await?;
        let needing: Vec<&str> = ALL
            .iter()
            .filter(|other| {
                other.needs.contains(&name) && is_on(self.app.config(), other, rows.get(other.name))
            })
            .map(|other| other.name)
            .collect();
        if let Some(first) = needing.first() {
            let verb = if needing.len() == 1 { "needs" } else { "need" };
            return Err(EngineError::new(
                Code::ComponentBlocked,
                format!("{} {verb} {name}", needing.join(" and ")),
            )
            .with_hint(format!(
                "Run `parfocal component deactivate {first}` first."
            )));
        }
        self.switch(component, false, &BTreeMap::new(), caller)
            .await
    }

    async fn switch(
        self,
        component: &Component,
        on: bool,
        given: &BTreeMap<String, Secret>,
        caller: &Caller,
    ) -> Result<ComponentView> {
        let now = self.app.clock().now();
        let rows = self.rows().await?;
        let mut settings = rows
            .get(component.name)
            .and_then(|row| row.settings.as_object().cloned())
            .unwrap_or_default();
        let mut told = Map::new();
        for setting in component.settings {
            if let Some(value) = given.get(setting.key) {
                let shown = if setting.is_secret() {
                    "[hidden]"
                } else {
                    settings.insert(setting.key.to_owned(), Value::from(value.expose()));
                    value.expose()
                };
                told.insert(setting.key.to_owned(), Value::from(shown));
            }
        }
        let row = ComponentRow {
            name: component.name.to_owned(),
            state: if on { "active" } else { "inactive" }.to_owned(),
            detail: None,
            settings: Value::Object(settings),
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
            detail: if told.is_empty() {
                json!({})
            } else {
                json!({"settings": told})
            },
        };
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.put_component(&row).await?;
        audit::append(&mut tx, &caller.by(), &change, now).await?;
        tx.commit().await?;
        self.app.switchboard().forget();
        if !on {
            self.app.component_tasks().end(component);
        }
        self.export().await?;
        self.view(component, Some(&row)).await
    }

    /// Keeps a secret setting in the vault, where what uses it looks for it.
    async fn keep_secret(self, component: &Component, key: &str, value: &Secret) -> Result<()> {
        match (component.name, key) {
            ("webhooks", "secret_token") => crate::webhooks::keep_secret(self.app, value).await,
            (name, key) => Err(EngineError::new(
                Code::Internal,
                format!("nothing keeps the secret {key} of {name}"),
            )),
        }
    }

    /// Writes the status file anew.
    pub async fn export(&self) -> Result<()> {
        let rows = self.rows().await?;
        let status = StatusFile::of(self.app.config(), self.app.clock().now(), &rows);
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
                && (entry.active != is_on(self.app.config(), component, None)
                    || !entry.settings.is_empty())
            {
                let settings: Map<String, Value> = entry
                    .settings
                    .into_iter()
                    .filter(|(key, value)| {
                        component.settings.iter().any(|known| {
                            known.key == key
                                && !known.is_secret()
                                && known.check(component.name, value).is_ok()
                        })
                    })
                    .map(|(key, value)| (key, Value::from(value)))
                    .collect();
                let row = ComponentRow {
                    name: component.name.to_owned(),
                    state: if entry.active { "active" } else { "inactive" }.to_owned(),
                    detail: None,
                    settings: Value::Object(settings),
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

    async fn view(
        self,
        component: &Component,
        row: Option<&ComponentRow>,
    ) -> Result<ComponentView> {
        let mut settings = Vec::new();
        for setting in component.settings {
            let value = row
                .and_then(|row| row.settings.get(setting.key))
                .and_then(Value::as_str);
            let known = match setting.stands_for {
                Some(key) if setting.is_secret() => check::is_set(self.app, key).await?,
                _ => false,
            };
            settings.push(setting.view(value, known));
        }
        let running = self.app.component_tasks().names();
        Ok(ComponentView {
            name: component.name,
            about: component.about,
            active: is_on(self.app.config(), component, row),
            switched: row.is_some(),
            changed_by: row.map(|row| row.changed_by.clone()),
            changed_at: row.map(|row| row.updated_at),
            checked_at: row.and_then(|row| row.checked),
            needs: component.needs.to_vec(),
            settings,
            routes: component.routes.to_vec(),
            jobs: component.jobs.iter().map(|kind| kind.as_str()).collect(),
            running: component
                .tasks
                .iter()
                .map(|task| task.name)
                .filter(|name| running.contains(name))
                .collect(),
        })
    }
}

fn is_on(config: &Config, component: &Component, row: Option<&ComponentRow>) -> bool {
    row.map_or_else(
        || component.on_at_first && component.at_first_if.is_none_or(|so| so(config)),
        |row| row.state == "active",
    )
}

/// The refusal of what belongs to a component that is off.
pub fn off(name: &str) -> EngineError {
    EngineError::new(Code::ComponentOff, format!("the component {name} is off")).with_hint(format!(
        "`parfocal component activate {name}` switches it on."
    ))
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
            assert!(component.about.ends_with('.'));
            // A calendar's adapter is asked for by its name when a meeting is written to such a calendar, a destination's when
            // something is sent to one of that kind.
            let adapter =
                component.name.starts_with("calendar-") || component.delivers_to.is_some();
            assert!(
                adapter || !component.routes.is_empty() || !component.jobs.is_empty(),
                "{} serves nothing and does nothing",
                component.name
            );
            for setting in component.settings {
                assert!(setting.about.ends_with('.'), "{}", setting.about);
            }
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

    #[test]
    fn every_kind_of_job_is_the_work_of_one_component() {
        // Erasing what somebody wants to be rid of goes on whatever is switched off.
        const ALWAYS_DONE: [JobKind; 1] = [JobKind::DataErase];
        for kind in JobKind::ALL {
            let owners = ALL.iter().filter(|one| one.jobs.contains(kind)).count();
            let expected = usize::from(!ALWAYS_DONE.contains(kind));
            assert_eq!(
                owners,
                expected,
                "{}: register it in components::ALL",
                kind.as_str()
            );
        }
        let active = Active::everything().without("understanding");
        assert!(active.does(JobKind::DataErase) && active.does(JobKind::FileFetch));
        assert!(!active.does(JobKind::TranscriptAnalyze));
        assert_eq!(
            active.setting("actions", "changes").as_deref(),
            Some("allowed")
        );
    }

    #[test]
    fn the_published_schema_is_that_of_the_file() {
        let path = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/src/reference/component-activation-status.schema.json"
        );
        let mut now = serde_json::to_string_pretty(&schema()).unwrap();
        now.push('\n');
        if std::env::var_os("PARFOCAL_BLESS").is_some() {
            std::fs::write(path, &now).unwrap();
        }
        assert!(
            std::fs::read_to_string(path).unwrap_or_default() == now,
            "{path} is out of date: run this test with PARFOCAL_BLESS=1 and look at the diff"
        );
    }
}
