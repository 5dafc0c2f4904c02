//! Which accounts' meetings a caller may see: those that the connections of its key reach.

use parfocal_store::AccountId;

use super::Caller;
use crate::App;
use crate::error::{Code, EngineError, Result};

/// The accounts whose meetings a caller may see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    actor: String,
    accounts: Option<Vec<AccountId>>,
}

impl Sight {
    /// Finds out what a caller may see.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn of(app: &App, caller: &Caller) -> Result<Self> {
        let accounts = if caller.sees_everything() {
            None
        } else {
            let mut accounts: Vec<AccountId> = Vec::new();
            for row in app.store().connections(app.scope()).await? {
                if caller.sees(row.id) && !accounts.contains(&row.account_id) {
                    accounts.push(row.account_id);
                }
            }
            Some(accounts)
        };
        Ok(Self {
            actor: caller.actor.clone(),
            accounts,
        })
    }

    /// The accounts; none: all.
    pub fn accounts(&self) -> Option<&[AccountId]> {
        self.accounts.as_deref()
    }

    /// Refuses meetings of other accounts.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn allows(&self, account: AccountId) -> Result<()> {
        if self
            .accounts
            .as_ref()
            .is_none_or(|accounts| accounts.contains(&account))
        {
            return Ok(());
        }
        Err(EngineError::new(
            Code::Forbidden,
            format!("{} may not see this account's meetings", self.actor),
        ))
    }
}
