//! `component list|activate|deactivate|check`: which capabilities are on.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, IsTerminal as _, Read as _};

use clap::{Args, Subcommand};
use parfocal_engine::App;
use parfocal_engine::components::{self, Activation, ComponentView, Finding, Setting, SettingView};
use parfocal_engine::config::Secret;
use parfocal_engine::keys::{Caller, Surface};
use serde_json::json;

use super::names;
use crate::context::{Context, attention};
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};
use crate::stop;

/// Longest secret read from standard input, in bytes.
const MAX_SECRET: u64 = 64 * 1024;

/// List capabilities, switch them on and off, check what they need
#[derive(Debug, Subcommand)]
pub(crate) enum Component {
    /// List the components and whether they are on
    List,
    /// Switch a component on, once everything that it needs is there
    Activate(Activate),
    /// Switch a component off: its addresses answer 404 then
    Deactivate(Named),
    /// Test whether a component has everything that it needs
    Check(Check),
    /// Print the JSON Schema of component-activation-status.json
    Schema,
}

/// Switch a component on; on a terminal it asks for what is not set yet
#[derive(Debug, Args)]
pub(crate) struct Activate {
    /// Its name, from `component list`
    #[arg(value_parser = names::of_components(), hide_possible_values = true)]
    name: String,
    /// A setting, such as changes=refused; `KEY=-` reads the value from standard input
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// Even if something that it needs is missing
    #[arg(long)]
    anyway: bool,
}

/// A component
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// Its name, from `component list`
    #[arg(value_parser = names::of_components(), hide_possible_values = true)]
    name: String,
}

/// Test what components need
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Its name; all that are on by default
    #[arg(value_parser = names::of_components(), hide_possible_values = true)]
    name: Option<String>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| "write it as key=value".to_owned())?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// Runs the command.
pub(crate) async fn run(command: Component, context: &Context) -> Result<Exit, Failure> {
    if matches!(command, Component::Schema) {
        context.out.json(&components::schema())?;
        return Ok(Exit::Done);
    }
    let app = context.app().await?;
    let (out, components) = (&context.out, app.components());
    let caller = Caller::local(Surface::Cli);
    match command {
        Component::Schema => {}
        Component::List => {
            let list = components.list().await?;
            if out.is_json() {
                out.json(&list)?;
                return Ok(Exit::Done);
            }
            table(&list, context)?;
        }
        Component::Activate(command) => {
            let stop = stop::on_signal();
            // Whatever was being asked, the terminal is given back as it was: the guard goes with the question.
            tokio::select! {
                done = activate(command, &app, context) => done?,
                () = stop.cancelled() => {
                    return Err(Failure::failed("not_confirmed", "broken off: nothing was switched")
                        .hint("Run it again; settings can be given with --set as well."));
                }
            }
        }
        Component::Deactivate(command) => {
            let view = components.deactivate(&command.name, &caller).await?;
            if out.is_json() {
                out.json(&view)?;
                return Ok(Exit::Done);
            }
            out.line(format!("{} {} is off", paint(style::OK, "✓"), view.name))?;
        }
        Component::Check(command) => {
            let names: Vec<String> = if let Some(name) = command.name {
                vec![name]
            } else {
                let list = components.list().await?;
                let active = list.iter().filter(|one| one.active);
                active.map(|one| one.name.to_owned()).collect()
            };
            let mut blocked = false;
            let mut all = Vec::new();
            for name in names {
                let found = components.check(&name).await?;
                let works = !found.iter().any(|finding| finding.blocks);
                blocked |= !works;
                if !out.is_json() {
                    let state = if works {
                        paint(style::OK, "✓")
                    } else {
                        paint(style::BAD, "✗")
                    };
                    out.line(format!("{state} {name}"))?;
                    told(&found, context)?;
                }
                all.push(json!({"name": name, "works": works, "missing": found}));
            }
            if out.is_json() {
                out.json(&all)?;
            }
            return Ok(attention(blocked));
        }
    }
    Ok(Exit::Done)
}

async fn activate(command: Activate, app: &App, context: &Context) -> Result<(), Failure> {
    let (out, components) = (&context.out, app.components());
    let component = components::find(&command.name)?;
    let known = components.list().await?;
    let known = known.into_iter().find(|one| one.name == component.name);
    let shown = known.map(|view| view.settings).unwrap_or_default();
    let settings = settings(component, &command, &shown, context).await?;
    let how = Activation {
        anyway: command.anyway,
        settings,
    };
    let caller = Caller::local(Surface::Cli);
    let (view, limits) = components.activate(component.name, &how, &caller).await?;
    if out.is_json() {
        let mut value = serde_json::to_value(&view).unwrap_or_default();
        value["limits"] = json!(limits);
        return out.json(&value);
    }
    out.line(format!("{} {} is on", paint(style::OK, "✓"), view.name))?;
    told(&limits, context)
}

fn table(list: &[ComponentView], context: &Context) -> Result<(), Failure> {
    let mut table = Table::new(
        &[
            ("COMPONENT", Align::Left),
            ("STATE", Align::Left),
            ("WHAT IT IS FOR", Align::Left),
            ("NEEDS", Align::Left),
            ("SETTINGS", Align::Left),
        ],
        "",
    );
    for one in list {
        let settings: Vec<String> = one
            .settings
            .iter()
            .map(|setting| match (&setting.value, setting.secret) {
                (Some(value), _) => format!("{}={value}", setting.key),
                (None, true) if setting.is_set => format!("{} is set", setting.key),
                (None, _) => format!("{} is not set", setting.key),
            })
            .collect();
        table.row([
            Field::from(one.name),
            Field::from(if one.active { "active" } else { "off" }),
            Field::from(one.about),
            Field::from(one.needs.join(", ")),
            Field::from(settings.join(", ")),
        ]);
    }
    table.print(&context.out)
}

fn told(found: &[Finding], context: &Context) -> Result<(), Failure> {
    for finding in found {
        context
            .out
            .line(format!("    {}", crate::output::clean(&finding.says)))?;
        context.out.line(format!(
            "    {} {}",
            paint(style::ACCENT, "→"),
            crate::output::clean(&finding.mend)
        ))?;
    }
    Ok(())
}

/// The settings that flags and environment give; what neither gives and nobody set before is asked for at a terminal.
async fn settings(
    component: &components::Component,
    command: &Activate,
    shown: &[SettingView],
    context: &Context,
) -> Result<BTreeMap<String, Secret>, Failure> {
    let mut given = BTreeMap::new();
    for (key, value) in &command.settings {
        let value = if value == "-" {
            from_standard_input(key)?
        } else {
            Secret::new(value)
        };
        given.insert(key.clone(), value);
    }
    let asks =
        !context.out.is_json() && std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    for setting in component.settings {
        if given.contains_key(setting.key) {
            continue;
        }
        let view = shown.iter().find(|one| one.key == setting.key);
        let from_environment = crate::context::variable(&setting.environment_name(component.name));
        if let Some(value) = from_environment {
            given.insert(setting.key.to_owned(), Secret::new(&value));
        } else if asks && !view.is_some_and(|view| view.is_set) {
            let default = view.and_then(|view| view.value.as_deref());
            // What the component cannot work without is not offered to be left out.
            let needed = !command.anyway
                && setting
                    .stands_for
                    .is_some_and(|key| component.needs_setting.contains(&key));
            if let Some(answer) = ask(component.name, setting, default, needed, context).await? {
                given.insert(setting.key.to_owned(), answer);
            }
        }
    }
    Ok(given)
}

fn from_standard_input(key: &str) -> Result<Secret, Failure> {
    let mut text = String::new();
    std::io::stdin()
        .lock()
        .take(MAX_SECRET)
        .read_to_string(&mut text)
        .map_err(|error| {
            Failure::failed(
                "file_failed",
                format!("the value of {key} cannot be read: {error}"),
            )
        })?;
    Ok(Secret::new(text.trim_end_matches(['\r', '\n'])))
}

/// Asks for a setting until the answer can be one; none when the answer is empty and the default holds.
async fn ask(
    component: &str,
    setting: &Setting,
    default: Option<&str>,
    needed: bool,
    context: &Context,
) -> Result<Option<Secret>, Failure> {
    let choices = match setting.choices() {
        [] => String::new(),
        words => format!(" ({})", words.join(" or ")),
    };
    let ends = ends(default, needed);
    let question = format!("{component}: {}{choices} {ends}", setting.about);
    loop {
        context.out.ask(&question);
        let answer = answer(setting.is_secret()).await.map_err(|error| {
            Failure::failed("not_confirmed", format!("no answer could be read: {error}"))
                .hint("Give the setting with --set.")
        })?;
        let answer = answer.trim();
        if answer.is_empty() && needed {
            context.out.ask(format!(
                "  {} {component} cannot work without it. Ctrl-C breaks off, and nothing is switched.",
                paint(style::BAD, "✗")
            ));
            continue;
        }
        if answer.is_empty() {
            return Ok(None);
        }
        match setting.check(component, answer) {
            Ok(()) => return Ok(Some(Secret::new(answer))),
            Err(error) => {
                for fault in error.faults() {
                    context
                        .out
                        .ask(format!("  {} {}", paint(style::BAD, "✗"), fault.mend));
                }
            }
        }
    }
}

/// What stands behind a question: what an empty answer means.
fn ends(default: Option<&str>, needed: bool) -> String {
    match (default, needed) {
        (Some(default), _) => format!("[{default}]:"),
        (None, true) => "[needed]:".to_owned(),
        (None, false) => "[leave empty to go on without]:".to_owned(),
    }
}

/// A line typed at the terminal; a secret is not shown. Dropped half-way, it leaves the terminal as it was.
async fn answer(secret: bool) -> io::Result<String> {
    let _kept = TerminalKept::now();
    let (said, heard) = tokio::sync::oneshot::channel();
    // A thread of its own, which the end of the program does not wait for.
    std::thread::spawn(move || {
        let line = if secret {
            console::Term::stderr().read_secure_line()
        } else {
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line).map(|_| line)
        };
        // Nobody listens any more when the question was broken off.
        let _ = said.send(line);
    });
    heard.await.map_err(io::Error::other)?
}

/// How the terminal was, put back when this goes: reading a secret hides what is typed, and whoever breaks off must not be left
/// with a terminal that shows nothing.
#[cfg(unix)]
struct TerminalKept(Option<rustix::termios::Termios>);

#[cfg(unix)]
impl TerminalKept {
    fn now() -> Self {
        Self(rustix::termios::tcgetattr(rustix::stdio::stdin()).ok())
    }
}

#[cfg(unix)]
impl Drop for TerminalKept {
    fn drop(&mut self) {
        if let Some(before) = &self.0 {
            // A terminal that is gone needs nothing put back.
            let _ = rustix::termios::tcsetattr(
                rustix::stdio::stdin(),
                rustix::termios::OptionalActions::Now,
                before,
            );
        }
    }
}

#[cfg(not(unix))]
struct TerminalKept;

#[cfg(not(unix))]
impl TerminalKept {
    fn now() -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_is_not_offered_to_be_left_out() {
        assert_eq!(ends(Some("S256"), false), "[S256]:");
        assert!(ends(None, false).contains("without"));
        assert!(!ends(None, true).contains("without"));
        let webhooks = components::find("webhooks").unwrap();
        let secret = &webhooks.settings[0];
        assert!(webhooks.needs_setting.contains(&secret.stands_for.unwrap()));
    }
}
