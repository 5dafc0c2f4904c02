//! Mail that holds a calendar (iMIP, RFC 6047): who sent it, and the calendars in it.

use mail_parser::{Address, MessageParser, MimeHeaders as _, PartType};

use super::{Calendar, IcalError, MAX_BYTES};

/// A mail, as far as calendars are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// The senders' addresses, in small letters.
    pub from: Vec<String>,
    /// The subject.
    pub subject: String,
    /// `Message-ID`, without its brackets.
    pub message_id: Option<String>,
    /// Whether a program answered by itself, such as a holiday notice (`Auto-Submitted`).
    pub automatic: bool,
    /// The first plain text.
    pub text: String,
    /// The first HTML text.
    pub html: String,
    /// The calendars in it, the same one only once.
    pub calendars: Vec<Calendar>,
}

/// Why a mail cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LetterError {
    /// Not a mail.
    #[error("this is not a mail (message/rfc822)")]
    NotAMail,
    /// A part claims to be a calendar and is none.
    #[error(transparent)]
    Calendar(#[from] IcalError),
}

impl Letter {
    /// Reads a mail; a mail without a calendar has an empty list of them.
    ///
    /// # Errors
    /// No mail at all, or too large.
    pub fn parse(bytes: &[u8]) -> Result<Self, LetterError> {
        if bytes.len() > MAX_BYTES {
            return Err(LetterError::Calendar(IcalError::TooLarge));
        }
        let message = MessageParser::default()
            .parse(bytes)
            .ok_or(LetterError::NotAMail)?;
        let from = message.from().map(addresses).unwrap_or_default();
        let automatic = message
            .header("Auto-Submitted")
            .and_then(|value| value.as_text())
            .is_some_and(|value| !value.trim().eq_ignore_ascii_case("no"));
        let mut calendars: Vec<Calendar> = Vec::new();
        for part in &message.parts {
            let kind = part.content_type().map(|kind| {
                let sub = kind.subtype().unwrap_or_default();
                format!("{}/{sub}", kind.ctype()).to_ascii_lowercase()
            });
            let named = part
                .attachment_name()
                .is_some_and(|name| name.to_ascii_lowercase().ends_with(".ics"));
            let meant = matches!(
                kind.as_deref(),
                Some("text/calendar" | "application/ics" | "application/calendar")
            );
            if !meant && !named {
                continue;
            }
            let text = match &part.body {
                PartType::Text(text) | PartType::Html(text) => text.clone(),
                PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
                    String::from_utf8_lossy(bytes)
                }
                _ => continue,
            };
            if let Ok(calendar) = Calendar::parse(&text)
                && !calendars.contains(&calendar)
            {
                calendars.push(calendar);
            }
        }
        Ok(Self {
            from,
            subject: message.subject().unwrap_or_default().to_owned(),
            message_id: message.message_id().map(str::to_owned),
            automatic,
            text: message.body_text(0).unwrap_or_default().into_owned(),
            html: message.body_html(0).unwrap_or_default().into_owned(),
            calendars,
        })
    }
}

fn addresses(from: &Address<'_>) -> Vec<String> {
    from.iter()
        .filter_map(|one| one.address())
        .map(|one| one.trim().to_lowercase())
        .collect()
}
