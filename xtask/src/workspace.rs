//! Where things are, and what cargo knows of the workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::steps::output;

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .map_or_else(|| here.to_owned(), Path::to_owned)
}

/// Cargo, the one that runs this task, started in the root.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    // Inside `cargo xtask` these would make cargo believe that it builds for the task itself.
    for name in ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION"] {
        command.env_remove(name);
    }
    command
}

/// What `cargo metadata` says.
#[derive(Deserialize)]
pub(crate) struct Metadata {
    pub(crate) packages: Vec<Package>,
    pub(crate) target_directory: PathBuf,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// `dev` or `build`; nothing for a normal one.
    pub(crate) kind: Option<String>,
    /// Set for dependencies inside the workspace.
    pub(crate) path: Option<PathBuf>,
}

/// Reads the members of the workspace.
pub(crate) fn metadata() -> Result<Metadata> {
    let json =
        output(cargo().args(["metadata", "--format-version", "1", "--no-deps", "--locked"]))?;
    serde_json::from_str(&json).context("cargo metadata is not as expected")
}

/// Files under version control whose name ends so.
pub(crate) fn tracked(suffix: &str) -> Result<Vec<PathBuf>> {
    let listed = output(Command::new("git").current_dir(root()).args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    let root = root();
    let mut files: Vec<PathBuf> = listed
        .split('\0')
        .filter(|name| name.ends_with(suffix))
        .map(|name| root.join(name))
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    Ok(files)
}
