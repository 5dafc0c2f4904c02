//! Writing every secret anew under the current key, in batches, while everything runs.

use parfocal_store::SecretId;
use serde::Serialize;

use super::{Binding, Vault, stored};
use crate::audit::{self, By, Change};
use crate::error::Result;

/// Secrets written in one transaction; small, so that others get their turn.
const BATCH: u32 = 50;

/// What a rotation did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Rotation {
    /// Id of the key that all readable secrets lie under now.
    pub key_id: String,
    /// Secrets written anew.
    pub resealed: u64,
    /// Secrets that changed meanwhile and so are under the current key already.
    pub overtaken: u64,
    /// Secrets that could not be read: their key is not configured, or they are damaged.
    pub unreadable: u64,
}

impl Vault {
    /// Writes every secret that lies under another key anew under the current one.
    ///
    /// Readers and writers may go on meanwhile: a secret that changes between reading and writing is left as it is, and
    /// other processes that were started with the former key take the new one over from the database (see
    /// `handover`). Running it again continues where it was cut off.
    pub async fn rotate(&self, by: &By) -> Result<Rotation> {
        let ring = self.ring();
        self.hand_over(&ring).await?;
        let mut done = Rotation {
            key_id: ring.current_id().to_owned(),
            ..Rotation::default()
        };
        let mut after: Option<SecretId> = None;
        loop {
            let rows = self
                .store
                .secrets_not_under(ring.current_id(), after, BATCH)
                .await?;
            let Some(last) = rows.last() else {
                self.tell(&done, by).await?;
                return Ok(done);
            };
            after = Some(last.id);
            let mut tx = self.store.begin(parfocal_store::Scope::DEFAULT).await?;
            for row in &rows {
                let plain = match self.open_row(row) {
                    Ok(plain) => plain,
                    Err(error) => {
                        tracing::warn!(purpose = row.purpose, owner = row.owner_id, %error, "a secret cannot be rotated");
                        done.unreadable += 1;
                        continue;
                    }
                };
                let workspace = row.workspace.to_string();
                let binding = Binding {
                    purpose: &row.purpose,
                    workspace: &workspace,
                    owner: &row.owner_id,
                };
                let sealed = stored(ring.seal(binding, &plain, &self.chance));
                if tx.reseal_secret(row, &sealed, self.clock.now()).await? {
                    done.resealed += 1;
                } else {
                    done.overtaken += 1;
                }
            }
            tx.commit().await?;
        }
    }

    async fn tell(&self, done: &Rotation, by: &By) -> Result<()> {
        let change = Change {
            action: "vault.rotate",
            target: "vault",
            detail: serde_json::json!({"key_id": done.key_id, "resealed": done.resealed, "unreadable": done.unreadable}),
        };
        let mut tx = self.store.begin(parfocal_store::Scope::DEFAULT).await?;
        audit::append(&mut tx, by, &change, self.clock.now()).await?;
        Ok(tx.commit().await?)
    }
}
