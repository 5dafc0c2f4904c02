//! Calendars of others: Radicale and Python's caldav beside our CalDAV adapter, the official Google client against the
//! simulator's Google Calendar.

use std::process::Command;

use anyhow::Result;

use super::{Stage, python, text};
use crate::steps::sh;
use crate::workspace::{cargo, metadata, root};

pub(crate) fn calendars() -> Result<()> {
    let Some(python) = python("calendars")? else {
        return Ok(());
    };
    let scripts = root().join("peers/calendars");
    // With the whole workspace's features, as the tests have built it already.
    sh(cargo().args(["build", "--quiet", "--workspace", "--example", "caldav"]))?;
    let adapter = metadata()?.target_directory.join("debug/examples/caldav");
    sh(Command::new(&python)
        .arg(scripts.join("radicale_server.py"))
        .arg(adapter))?;
    let stage = Stage::new("calendars")?;
    let (_simulator, said) = stage.start(&["simulate", "--port", "0", "--json"])?;
    sh(Command::new(python)
        .arg(scripts.join("google_client.py"))
        .arg(text(&said, "base_url")?))
}
