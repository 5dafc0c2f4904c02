//! What a configuration key is.

/// How a key's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that is never shown; `NAME_FILE` names a file that holds it.
    Secret,
    /// Several secrets: a list, or one text with commas.
    Secrets,
    /// An address.
    Url,
    /// A file or directory.
    Path,
    /// An address and port to listen on.
    Listen,
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// `true` or `false`.
    Bool,
    /// Several texts: a list, or one text with commas.
    List,
    /// One of these words.
    Enum(&'static [&'static str]),
}

/// One configuration key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Dotted path; a `*` stands for a name that the operator chooses.
    pub path: &'static str,
    /// How the value is written.
    pub kind: Kind,
    /// The default as YAML, `null` for none.
    pub default: &'static str,
    /// A name of its own in the environment, besides `PARFOCAL_SECTION__KEY`.
    pub env: Option<&'static str>,
    /// What it does, in whole sentences.
    pub about: &'static str,
}

impl Key {
    /// Whether the value is secret.
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret | Kind::Secrets)
    }

    /// The section, the first part of the path.
    pub fn section(&self) -> &'static str {
        self.path.split('.').next().unwrap_or(self.path)
    }
}

/// The environment variable that sets a key when it has no name of its own: `PARFOCAL_SECTION__KEY`.
pub fn environment_name(path: &str) -> String {
    format!("PARFOCAL_{}", path.replace('.', "__").to_ascii_uppercase())
}

pub(super) const fn key(
    path: &'static str,
    kind: Kind,
    default: &'static str,
    env: Option<&'static str>,
    about: &'static str,
) -> Key {
    Key {
        path,
        kind,
        default,
        env,
        about,
    }
}
