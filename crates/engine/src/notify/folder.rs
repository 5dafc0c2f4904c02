//! The folder of mails when there is no mail server.

use std::fs;

use parfocal_store::Mail;

use crate::App;
use crate::error::{Code, EngineError, Result};

/// Writes a mail's file; the same mail is the same file.
pub(super) fn keep(app: &App, mail: &Mail) -> Result<()> {
    let folder = app.config().mail_dir();
    let failed = |error: std::io::Error| {
        EngineError::new(
            Code::MailUnavailable,
            format!(
                "a mail cannot be written into {}: {error}",
                folder.display()
            ),
        )
    };
    crate::folder::make(&folder)?;
    let name: String = mail
        .message_id
        .chars()
        .take_while(|c| *c != '@')
        .filter(char::is_ascii_alphanumeric)
        .collect();
    let path = folder.join(format!("{name}.eml"));
    // A half-written file has another name.
    let half = folder.join(format!("{name}.part"));
    fs::write(&half, mail.message.as_bytes()).map_err(failed)?;
    fs::rename(&half, &path).map_err(failed)
}
