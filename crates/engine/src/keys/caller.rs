//! Who asks, through which surface, and what that allows.

use std::fmt;
use std::str::FromStr;

use parfocal_store::ConnectionId;
use serde::{Deserialize, Serialize};

pub use crate::audit::Surface;

use crate::audit::By;
use crate::error::{Code, EngineError, Result};

/// What a caller may do; each role includes the ones before it.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Read everything.
    Read,
    /// Change things at Zoom, run and repeat work.
    Operate,
    /// Keys, connections and components.
    Admin,
}

impl Role {
    /// All of them, the least first.
    pub const ALL: [Self; 3] = [Self::Read, Self::Operate, Self::Admin];

    /// The role as it is written everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or_else(|| {
                EngineError::invalid(format!("{text:?} is not a role"))
                    .with_hint("Roles are read, operate and admin.")
            })
    }
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// A name for the audit log: `key:NAME`, or `local` for this machine's own user.
    pub actor: String,
    /// The way in.
    pub surface: Surface,
    /// What may be done.
    pub role: Role,
    /// The connections that may be used; none: all.
    pub connections: Option<Vec<ConnectionId>>,
    /// The id of the request, for the log.
    pub request_id: Option<String>,
}

impl Caller {
    /// This machine's own user: may do everything.
    pub fn local(surface: Surface) -> Self {
        Self {
            actor: "local".to_owned(),
            surface,
            role: Role::Admin,
            connections: None,
            request_id: None,
        }
    }

    /// Who it is, for the audit log.
    pub fn by(&self) -> By {
        By::new(self.actor.clone(), self.surface)
    }

    /// The same caller within a request.
    #[must_use]
    pub fn in_request(mut self, id: &str) -> Self {
        self.request_id = Some(id.to_owned());
        self
    }

    /// Refuses what needs a greater role.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn may(&self, role: Role) -> Result<()> {
        if self.role >= role {
            return Ok(());
        }
        Err(EngineError::new(
            Code::Forbidden,
            format!(
                "{} has the role {}, and this needs {role}",
                self.actor, self.role
            ),
        ))
    }

    /// Whether a connection may be used.
    pub fn sees(&self, connection: ConnectionId) -> bool {
        self.connections
            .as_ref()
            .is_none_or(|allowed| allowed.contains(&connection))
    }

    /// Whether all connections may be used, so that what belongs to none of them may be seen too.
    pub fn sees_everything(&self) -> bool {
        self.connections.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_include_the_lesser_ones() {
        let mut caller = Caller::local(Surface::Api);
        caller.role = Role::Operate;
        assert!(caller.may(Role::Read).is_ok() && caller.may(Role::Operate).is_ok());
        assert_eq!(caller.may(Role::Admin).unwrap_err().code(), Code::Forbidden);
        for role in Role::ALL {
            assert_eq!(role.as_str().parse::<Role>().unwrap(), role);
        }
        assert!("root".parse::<Role>().is_err());
    }
}
