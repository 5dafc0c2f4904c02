//! Changing the key while other processes run: the new key is left for them in the database, sealed under the old one.
//!
//! A process that was started with the old key alone meets a secret that was encrypted anew, finds the new key under the
//! one it has, and uses it from then on, for writing too. What was left is good for a day and then erased: until then,
//! whoever has the old key and a copy of the database has the new key as well. After a leak of the old key, stop every
//! process, rotate, and start them with the new key alone: [`Vault::end_handover`] erases what was left at once.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use parfocal_store::Scope;

use super::key::{KeyRing, MasterKey};
use super::{Binding, Vault, stored};
use crate::clock::earlier;
use crate::error::Result;

/// What a new key is kept under. Rotations and counts of keys leave these rows out.
const PURPOSE: &str = "vault_key";
/// How long a key is left for others.
const LIFE: Duration = Duration::from_hours(24);

/// Who a new key is left for: those who have this old one.
fn owner(new: &str, old: &str) -> String {
    format!("{new}/{old}")
}

impl Vault {
    /// Leaves the key that encrypts for processes that only have a former one; erases what was left a day ago.
    pub(super) async fn hand_over(&self, ring: &KeyRing) -> Result<()> {
        let workspace = Scope::DEFAULT.workspace.to_string();
        let now = self.clock.now();
        let mut tx = self.store.begin(Scope::DEFAULT).await?;
        tx.delete_secrets_before(PURPOSE, earlier(now, LIFE))
            .await?;
        for old in ring.previous() {
            let owner = owner(ring.current_id(), old.id());
            let binding = Binding {
                purpose: PURPOSE,
                workspace: &workspace,
                owner: &owner,
            };
            let under = KeyRing::new(old.clone(), Vec::new());
            let sealed = stored(under.seal(binding, ring.current().expose(), &self.chance));
            tx.put_secret(PURPOSE, &owner, &sealed, now).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Erases keys that were left for others, those of the last day included when `all` is set.
    pub async fn end_handover(&self, all: bool) -> Result<u64> {
        let now = self.clock.now();
        let until = if all {
            jiff::Timestamp::MAX
        } else {
            earlier(now, LIFE)
        };
        let mut tx = self.store.begin(Scope::DEFAULT).await?;
        let erased = tx.delete_secrets_before(PURPOSE, until).await?;
        tx.commit().await?;
        Ok(erased)
    }

    /// Takes over a key that another process left, if it did and one of ours opens it.
    pub(super) async fn learn_key(&self, key_id: &str) -> Result<()> {
        let ring = self.ring();
        let ids: Vec<String> = ring.ids().map(str::to_owned).collect();
        for old in ids {
            let owner = owner(key_id, &old);
            let Some(row) = self.store.secret(Scope::DEFAULT, PURPOSE, &owner).await? else {
                continue;
            };
            let plain = self.open_row(&row)?;
            let Ok(bytes) = <[u8; 32]>::try_from(plain.as_slice()) else {
                continue;
            };
            let key = MasterKey::from_bytes(bytes);
            if key.id() != key_id {
                continue;
            }
            let mut current = self.ring.write().unwrap_or_else(PoisonError::into_inner);
            if !current.knows(key_id) {
                tracing::info!(
                    key = key_id,
                    "another process has changed the vault's key; it is taken over"
                );
                *current = Arc::new(current.succeeded_by(key));
            }
            return Ok(());
        }
        Ok(())
    }
}
