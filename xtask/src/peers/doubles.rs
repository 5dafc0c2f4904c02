//! Our calendar clients through Prism, which knows the vendors' schemas, and against npm's emulator of Google.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use super::{Stage, installed, text};
use crate::steps::{sh, succeeds};
use crate::workspace::root;

pub(crate) fn doubles() -> Result<()> {
    let Some(folder) = installed("doubles")? else {
        return Ok(());
    };
    if !succeeds(Command::new("python3").arg("--version")) {
        println!("   skipped: python3 is not on this machine");
        return Ok(());
    }
    let stage = Stage::new("doubles")?;
    let (_simulator, said) =
        stage.start(&["simulate", "--port", "0", "--limits", "off", "--json"])?;
    let base = text(&said, "base_url")?;
    let run = |how: &str| {
        let mut command = Command::new("python3");
        command
            .arg(folder.join("doubles.py"))
            .arg(how)
            .arg(&stage.binary)
            .arg(base)
            .arg(folder.join("node_modules"));
        command
    };
    sh(&mut run("emulate"))?;
    let documents = documents();
    if !documents.join("gcal-oas.json").is_file() {
        println!(
            "   skipped: {} with the vendors' schemas is not there (set PARFOCAL_SHARED)",
            documents.display()
        );
        return Ok(());
    }
    sh(run("prism").arg(documents))
}

/// The folder of the vendors' schemas, which are not ours to hand on.
fn documents() -> PathBuf {
    std::env::var_os("PARFOCAL_SHARED")
        .map_or_else(|| root().join("../shared"), PathBuf::from)
        .join("reference/openapi")
}
