//! A real mail server whose mailbox is read: aiosmtpd takes what the program sends, python's icalendar reads it. Answers the
//! other way: pymap serves a mailbox over IMAP. Then reminders from three servers, and events from one, that are killed,
//! verified by the standardwebhooks package.

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
    let scripts = root().join("peers/mail");
    sh(Command::new(&python)
        .arg(scripts.join("mail.py"))
        .arg(&stage.binary)
        .arg(text(&said, "base_url")?))?;
    sh(Command::new(&python)
        .arg(scripts.join("replies.py"))
        .arg(&stage.binary)
        .arg(text(&said, "base_url")?)
        .arg(python.with_file_name("pymap")))?;
    for script in ["reminders.py", "webhooks.py"] {
        sh(Command::new(&python)
            .arg(scripts.join(script))
            .arg(&stage.binary))?;
    }
    Ok(())
}
