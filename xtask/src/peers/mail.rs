//! A real mail server whose mailbox is read: aiosmtpd takes what the program sends, python's icalendar reads it.

use std::process::Command;

use anyhow::Result;

use super::{Stage, python, text};
use crate::steps::sh;
use crate::workspace::root;

pub(crate) fn mail() -> Result<()> {
    let Some(python) = python("mail")? else {
        return Ok(());
    };
    let stage = Stage::new("mail")?;
    let (_simulator, said) = stage.start(&["simulate", "--port", "0", "--json"])?;
    sh(Command::new(python)
        // aiosmtpd warns of an attribute of its own at every login.
        .args(["-W", "ignore"])
        .arg(root().join("peers/mail/mail.py"))
        .arg(&stage.binary)
        .arg(text(&said, "base_url")?))
}
