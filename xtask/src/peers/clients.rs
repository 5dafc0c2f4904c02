//! Public Zoom clients for Python, unmodified and with Zoom's hosts built in, against the simulator's TLS and proxy.

use std::process::Command;

use anyhow::Result;

use super::{Stage, python, text};
use crate::steps::{output, sh};
use crate::workspace::root;

pub(crate) fn clients() -> Result<()> {
    let Some(python) = python("clients")? else {
        return Ok(());
    };
    let stage = Stage::new("clients")?;
    let arguments = [
        "simulate", "--tls", "--port", "0", "--limits", "off", "--json", "--data", ".",
    ];
    let (_simulator, said) = stage.start(&arguments)?;
    let authority = output(&mut stage.command(&["simulate", "ca", "--data", "."]))?;
    // The port speaks TLS and plain HTTP; the proxy and the control are spoken to plainly.
    let plain = text(&said, "base_url")?.replacen("https://", "http://", 1);
    sh(Command::new(python)
        .arg(root().join("peers/clients/walk.py"))
        .env("SIM_URL", &plain)
        .env("HTTPS_PROXY", &plain)
        .env("NO_PROXY", "127.0.0.1")
        .env("REQUESTS_CA_BUNDLE", stage.folder.join(authority.trim())))
}
