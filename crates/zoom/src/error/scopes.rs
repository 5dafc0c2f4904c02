//! Reading the missing scopes out of Zoom's text.

use std::fmt;

/// The scopes a refused call would have needed; any one of them is enough.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MissingScopes {
    /// Zoom named them.
    Named(Vec<String>),
    /// Zoom did not name them; these are the ones our table of endpoints lists (empty for an unknown endpoint).
    Unnamed {
        /// What the endpoint accepts according to Zoom's reference.
        acceptable: Vec<String>,
    },
}

impl MissingScopes {
    /// The scopes, any one of which is enough.
    #[must_use]
    pub fn scopes(&self) -> &[String] {
        match self {
            Self::Named(scopes) => scopes,
            Self::Unnamed { acceptable } => acceptable,
        }
    }

    /// Reads `…does not contain scopes:[a:b:c, a:b:c:admin].` (also written `scope:[…]` or with quotes).
    pub(crate) fn parse(message: &str) -> Option<Self> {
        let at = message.to_ascii_lowercase().find("scope")?;
        let rest = &message[at..];
        let open = rest.find('[')?;
        let close = open + rest[open..].find(']')?;
        let scopes: Vec<String> = rest[open + 1..close]
            .split([',', ' ', ';'])
            .map(|scope| {
                scope.trim_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`'))
            })
            .filter(|scope| !scope.is_empty() && scope.contains(':') && scope.len() <= 200)
            .take(100)
            .map(str::to_owned)
            .collect();
        (!scopes.is_empty()).then_some(Self::Named(scopes))
    }
}

impl fmt::Display for MissingScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.scopes() {
            [] => f.write_str("unknown"),
            scopes => f.write_str(&scopes.join(" or ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_scopes_are_read() {
        let text = "Invalid access token, does not contain scopes:[meeting:read:meeting, meeting:read:meeting:admin].";
        assert_eq!(
            MissingScopes::parse(text).unwrap().scopes(),
            ["meeting:read:meeting", "meeting:read:meeting:admin"]
        );
        let classic = "Invalid access token, does not contain scope:['meeting:read'].";
        assert_eq!(
            MissingScopes::parse(classic).unwrap().scopes(),
            ["meeting:read"]
        );
    }

    #[test]
    fn texts_without_names_are_not_guessed() {
        for text in [
            "Invalid access token, does not contain scopes.",
            "Invalid access token, does not contain scopes:[].",
            "Invalid access token, does not contain scopes:[",
            "İscope ] [",
            "",
        ] {
            assert_eq!(MissingScopes::parse(text), None, "{text}");
        }
    }
}
