//! The keys of the section `imap`.

use super::{Key, Kind, key};

pub(super) const HOST: Key = key(
    "imap.host",
    Kind::Text,
    "null",
    None,
    "Name of the server of the mailbox that answers are read from: the one of `smtp.from`. None: none is read.",
);
pub(super) const PORT: Key = key(
    "imap.port",
    Kind::Integer,
    "993",
    None,
    "Port of the mailbox: 993 with `tls`, 143 with `starttls`.",
);
pub(super) const SECURITY: Key = key(
    "imap.security",
    Kind::Enum(&["starttls", "tls", "none"]),
    "tls",
    None,
    "How the connection is encrypted: `tls` from the first byte; `starttls` after a greeting, and only if the server offers it; `none` for a server on this machine only.",
);
pub(super) const USERNAME: Key = key(
    "imap.username",
    Kind::Text,
    "null",
    None,
    "The name to log in with.",
);
pub(super) const PASSWORD: Key = key(
    "imap.password",
    Kind::Secret,
    "null",
    None,
    "The password to log in with; for many services one made for programs.",
);
pub(super) const FOLDER: Key = key(
    "imap.folder",
    Kind::Text,
    "INBOX",
    None,
    "The folder that is read. Nothing in it is changed or marked.",
);
pub(super) const CA_FILE: Key = key(
    "imap.ca_file",
    Kind::Path,
    "null",
    None,
    "A file with certificates (PEM) of authorities that are believed, beside those of the system.",
);
pub(super) const TIMEOUT_SECONDS: Key = key(
    "imap.timeout_seconds",
    Kind::Integer,
    "30",
    None,
    "How long the mailbox may take for each answer, in seconds.",
);
pub(super) const EVERY_SECONDS: Key = key(
    "imap.every_seconds",
    Kind::Integer,
    "60",
    None,
    "How often the mailbox is looked at, in seconds.",
);
