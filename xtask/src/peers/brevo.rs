//! Brevo's own JavaScript SDK, unmodified and with its base URL moved, against the simulator's double.

use std::process::Command;

use anyhow::Result;

use super::{Stage, installed, text};
use crate::steps::sh;

pub(crate) fn brevo() -> Result<()> {
    let Some(folder) = installed("brevo")? else {
        return Ok(());
    };
    let stage = Stage::new("brevo")?;
    // The clock stands unless it is moved, so that no limit depends on this machine's pace.
    let arguments = [
        "simulate", "--port", "0", "--limits", "off", "--speed", "0", "--json",
    ];
    let (_simulator, said) = stage.start(&arguments)?;
    sh(Command::new("node")
        .args(["--test", "--test-concurrency=1"])
        .current_dir(folder)
        .env("SIM_URL", text(&said, "base_url")?))
}
