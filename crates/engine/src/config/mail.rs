//! The sections `smtp`, `imap` and `reminders`: how people are written to, and where their answers are read.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use url::Url;

use super::Secret;

/// The mail server; without a host mails lie in a folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Smtp {
    /// Name of the mail server; none: mails are kept in `mail` in the data directory and shown in the console.
    pub host: Option<String>,
    /// Its port: 587 with `starttls`, 465 with `tls`.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: Security,
    /// The name to log in with; none: no login.
    pub username: Option<String>,
    /// The password to log in with.
    pub password: Option<Secret>,
    /// Who the mails are from, `Name <address>` or an address.
    pub from: String,
    /// A file with certificates (PEM) of authorities that are believed beside the system's.
    pub ca_file: Option<PathBuf>,
    /// How long the server may take for one mail, in seconds.
    pub timeout_seconds: u64,
    /// The language for people whose own is not known.
    pub language: Language,
}

impl Default for Smtp {
    fn default() -> Self {
        Self {
            host: None,
            port: 587,
            security: Security::Starttls,
            username: None,
            password: None,
            from: "Parfocal <meetings@localhost>".to_owned(),
            ca_file: None,
            timeout_seconds: 30,
            language: Language::En,
        }
    }
}

/// The mailbox that answers are read from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Imap {
    /// Name of the mailbox's server; none: answers come by links, calendars and what is posted.
    pub host: Option<String>,
    /// Its port: 993 with `tls`, 143 with `starttls`.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: Security,
    /// The name to log in with.
    pub username: Option<String>,
    /// The password to log in with.
    pub password: Option<Secret>,
    /// The folder that is read.
    pub folder: String,
    /// A file with certificates (PEM) of authorities that are believed beside the system's.
    pub ca_file: Option<PathBuf>,
    /// How long the server may take for each answer, in seconds.
    pub timeout_seconds: u64,
    /// How often the mailbox is looked at, in seconds.
    pub every_seconds: u64,
}

impl Default for Imap {
    fn default() -> Self {
        Self {
            host: None,
            port: 993,
            security: Security::Tls,
            username: None,
            password: None,
            folder: "INBOX".to_owned(),
            ca_file: None,
            timeout_seconds: 30,
            every_seconds: 60,
        }
    }
}

/// How the connection to the mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// By STARTTLS, which has to be offered.
    #[default]
    Starttls,
    /// From the first byte.
    Tls,
    /// Not at all; only for a server on this machine.
    None,
}

/// A language that mails are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the codes of ISO 639-1")]
pub enum Language {
    #[default]
    En,
    De,
    Fr,
    Es,
    Pt,
    Ja,
}

/// Reminders.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reminders {
    /// How long after a meeting's start a reminder that could not leave in time still leaves, in minutes.
    pub grace_minutes: u32,
    /// Where reminders by webhook are sent.
    pub webhook_url: Option<Url>,
    /// The secret that signs them (Standard Webhooks): `whsec_` and base64.
    pub webhook_secret: Option<Secret>,
    /// The push server to which reminders by push are handed over, of the kind of ntfy.
    pub push_url: Option<Url>,
    /// The access token of the push server, where it wants one.
    pub push_token: Option<Secret>,
}

impl Default for Reminders {
    fn default() -> Self {
        Self {
            grace_minutes: 5,
            webhook_url: None,
            webhook_secret: None,
            push_url: None,
            push_token: None,
        }
    }
}
