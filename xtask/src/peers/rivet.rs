//! Zoom's JavaScript SDK, unmodified and with Zoom's hosts built in, against the simulator's TLS and proxy.

use std::process::Command;

use anyhow::Result;

use super::{Stage, installed, text};
use crate::steps::{output, sh};

pub(crate) fn rivet() -> Result<()> {
    let Some(folder) = installed("rivet")? else {
        return Ok(());
    };
    let stage = Stage::new("rivet")?;
    let arguments = [
        "simulate", "--tls", "--port", "0", "--limits", "off", "--json", "--data", ".",
    ];
    let (_simulator, said) = stage.start(&arguments)?;
    let authority = output(&mut stage.command(&["simulate", "ca", "--data", "."]))?;
    // The port speaks TLS and plain HTTP; the proxy and the control are spoken to plainly.
    let plain = text(&said, "base_url")?.replacen("https://", "http://", 1);
    sh(Command::new("node")
        .arg("--test")
        .current_dir(folder)
        .env("SIM_URL", &plain)
        .env("HTTPS_PROXY", &plain)
        .env("NO_PROXY", "127.0.0.1")
        .env("NODE_EXTRA_CA_CERTS", stage.folder.join(authority.trim())))
}
