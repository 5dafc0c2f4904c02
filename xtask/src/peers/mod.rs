//! Other people's programs against ours: started with what they need, skipped aloud where they cannot run.

mod brevo;
mod calendars;
mod clients;
mod console;
mod doubles;
mod mail;
mod mcp;
mod meaning;
mod model;
mod recurrence;
mod rivet;
mod schemathesis;

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::steps::{Steps, sh, succeeds};
use crate::workspace::{cargo, metadata, root};

/// What is run against ours; it says aloud when it cannot be.
type Peer = fn() -> Result<()>;

/// Each peer with the name under which it is called.
pub(crate) const ALL: [(&str, Peer); 10] = [
    ("recurrence", recurrence::recurrence),
    ("calendars", calendars::calendars),
    ("mail", mail::mail),
    ("doubles", doubles::doubles),
    ("rivet", rivet::rivet),
    ("clients", clients::clients),
    ("brevo", brevo::brevo),
    ("console", console::console),
    ("schemathesis", schemathesis::schemathesis),
    ("mcp", mcp::mcp),
];

/// Peers that are run by name only, since they take long to install.
const BY_NAME: [(&str, Peer); 2] = [("model", model::model), ("meaning", meaning::meaning)];

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Which one; all but `model` and `meaning`, which take long, by default
    #[arg(value_parser = ["recurrence", "calendars", "mail", "rivet", "clients", "brevo", "console", "schemathesis", "mcp", "model", "meaning", "doubles"])]
    peer: Option<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new("peers");
    for (name, peer) in ALL {
        if options.peer.as_deref().is_none_or(|wanted| wanted == name) {
            steps.run(name, peer);
        }
    }
    for (name, peer) in BY_NAME {
        if options.peer.as_deref() == Some(name) {
            steps.run(name, peer);
        }
    }
    steps.finish()
}

/// A folder of `peers/` with its packages installed; nothing, said aloud, where that cannot be.
fn installed(name: &str) -> Result<Option<PathBuf>> {
    installed_with(name, None)
}

/// The same with the programs of another search path.
fn installed_with(name: &str, path: Option<&OsStr>) -> Result<Option<PathBuf>> {
    let folder = root().join("peers").join(name);
    let program = |name: &str| {
        let mut command = Command::new(name);
        if let Some(path) = path {
            command.env("PATH", path);
        }
        command
    };
    if !succeeds(program("node").arg("--version")) || !succeeds(program("npm").arg("--version")) {
        println!("   skipped: node and npm are not on this machine");
        return Ok(None);
    }
    if is_older(
        &folder.join("node_modules/.package-lock.json"),
        &folder.join("package-lock.json"),
    ) {
        let install = sh(program("npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(&folder));
        if let Err(error) = install {
            ensure!(std::env::var_os("CI").is_none(), error);
            println!("   skipped: its packages cannot be installed ({error:#})");
            return Ok(None);
        }
    }
    Ok(Some(folder))
}

/// A Python with the packages that a folder of `peers/` asks for; nothing, said aloud, where that cannot be.
fn python(name: &str) -> Result<Option<PathBuf>> {
    let wanted = root().join("peers").join(name).join("requirements.txt");
    let environment = metadata()?
        .target_directory
        .join("tools")
        .join(format!("python-{name}"));
    let python = environment.join("bin/python");
    if !succeeds(Command::new("python3").arg("--version")) {
        println!("   skipped: python3 is not on this machine");
        return Ok(None);
    }
    let done = environment.join("installed");
    if is_older(&done, &wanted) {
        let made = sh(Command::new("python3")
            .args(["-m", "venv"])
            .arg(&environment))
        .and_then(|()| {
            sh(Command::new(&python)
                .args(["-m", "pip", "install", "--quiet", "--requirement"])
                .arg(&wanted))
        });
        if let Err(error) = made {
            ensure!(std::env::var_os("CI").is_none(), error);
            println!("   skipped: its packages cannot be installed ({error:#})");
            return Ok(None);
        }
        std::fs::write(&done, "")?;
    }
    Ok(Some(python))
}

/// Whether a file is missing or older than another.
fn is_older(file: &Path, than: &Path) -> bool {
    let changed = |path: &Path| {
        path.metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
    };
    match (changed(file), changed(than)) {
        (Some(file), Some(than)) => file < than,
        _ => true,
    }
}

/// The binary, built, and a directory of its own to run in.
struct Stage {
    binary: PathBuf,
    folder: PathBuf,
    environment: Vec<(String, String)>,
}

impl Stage {
    fn new(name: &str) -> Result<Self> {
        sh(cargo().args(["build", "--quiet", "--package", "parfocal"]))?;
        let folder = std::env::temp_dir().join(format!("parfocal-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        Ok(Self {
            binary: metadata()?.target_directory.join("debug/parfocal"),
            folder,
            environment: Vec::new(),
        })
    }

    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.environment.push((name.to_owned(), value.into()));
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts a command that goes on, and reads its first line as JSON.
    fn start(&self, arguments: &[&str]) -> Result<(Running, Value)> {
        let mut running = Running(
            self.command(arguments)
                .stdout(Stdio::piped())
                .spawn()
                .context("cannot start parfocal")?,
        );
        let mut reader = BufReader::new(running.0.stdout.take().context("no standard output")?);
        let mut said = String::new();
        reader.read_line(&mut said)?;
        // Later lines are read away so that the program never blocks on them.
        std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
        let said = serde_json::from_str(&said)
            .with_context(|| format!("{arguments:?} did not say where it listens"))?;
        Ok((running, said))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // A folder that stays behind does no harm.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A program that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A text in an answer.
fn text<'v>(said: &'v Value, name: &str) -> Result<&'v str> {
    said.get(name)
        .and_then(Value::as_str)
        .with_context(|| format!("no {name} in {said}"))
}
