//! The vault's rows and the logins that are under way. Nothing here is readable without the key.

use jiff::{SignedDuration, Timestamp};

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::SecretId;
use crate::model::{OAuthState, Sealed, Secret};
use crate::store::{Scope, Store};

macro_rules! secret {
    () => {
        "id, workspace_id, purpose, owner_id, key_id, nonce, ciphertext, updated_at"
    };
}

macro_rules! state {
    () => {
        "workspace_id, hash, purpose, app_id, verifier_ref, data, created_at, expires, used_at"
    };
}

/// How long a login is remembered after it expired.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);

statements! {
    SECRET = one(concat!("SELECT ", secret!(), " FROM secrets WHERE workspace_id = $1 AND purpose = $2 AND owner_id = $3"));
    SECRETS_OF = one(concat!("SELECT ", secret!(), " FROM secrets WHERE workspace_id = $1 AND owner_id = $2 ORDER BY purpose"));
    SECRET_PUT = one("INSERT INTO secrets (id, workspace_id, purpose, owner_id, key_id, nonce, ciphertext, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (workspace_id, purpose, owner_id) DO UPDATE SET key_id = $5, nonce = $6, ciphertext = $7, updated_at = $8
        RETURNING id");
    SECRET_REPLACE = one("UPDATE secrets SET key_id = $3, nonce = $4, ciphertext = $5, updated_at = $6
        WHERE id = $1 AND nonce = $2");
    SECRET_DELETE = one("DELETE FROM secrets WHERE workspace_id = $1 AND purpose = $2 AND owner_id = $3");
    SECRETS_DELETE = one("DELETE FROM secrets WHERE workspace_id = $1 AND owner_id = $2");
    NOT_UNDER = one(concat!("SELECT ", secret!(), " FROM secrets WHERE key_id <> $1 AND id > $2 AND purpose <> 'vault_key' ORDER BY id LIMIT $3"));
    BY_KEY = one("SELECT key_id, COUNT(*) FROM secrets WHERE purpose <> 'vault_key' GROUP BY key_id ORDER BY key_id");
    SECRETS_BEFORE = one("DELETE FROM secrets WHERE purpose = $1 AND updated_at < $2");

    STATE_PUT = one("INSERT INTO oauth_states (hash, workspace_id, purpose, app_id, verifier_ref, data, created_at, expires)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    STATE = one(concat!("SELECT ", state!(), " FROM oauth_states WHERE hash = $1"));
    STATE_TAKE = one("UPDATE oauth_states SET used_at = $2 WHERE hash = $1 AND used_at IS NULL AND expires > $2");
    STATE_DATA = one("UPDATE oauth_states SET data = $2 WHERE hash = $1 AND used_at IS NULL");
    VERIFIERS_TIDY = one("DELETE FROM secrets WHERE purpose = 'verifier' AND owner_id IN (SELECT hash FROM oauth_states WHERE expires <= $1)");
    STATES_TIDY = one("DELETE FROM oauth_states WHERE expires <= $1");
}

fn secret(row: &mut Cells) -> Result<Secret> {
    Ok(Secret {
        id: row.id()?,
        workspace: row.id()?,
        purpose: row.text()?,
        owner_id: row.text()?,
        key_id: row.text()?,
        nonce: row.bytes()?,
        ciphertext: row.bytes()?,
        updated_at: row.instant()?,
    })
}

impl Store {
    /// The secret of an owner for a purpose.
    pub async fn secret(
        &self,
        scope: Scope,
        purpose: &str,
        owner_id: &str,
    ) -> Result<Option<Secret>> {
        self.one(SECRET, args![scope.workspace, purpose, owner_id], secret)
            .await
    }

    /// All secrets of an owner.
    pub async fn secrets_of(&self, scope: Scope, owner_id: &str) -> Result<Vec<Secret>> {
        self.all(SECRETS_OF, args![scope.workspace, owner_id], secret)
            .await
    }

    /// Secrets of all workspaces, except keys that are left for other processes, that are not encrypted under `key_id`, in batches: `after` is the last
    /// id of the batch before.
    pub async fn secrets_not_under(
        &self,
        key_id: &str,
        after: Option<SecretId>,
        limit: u32,
    ) -> Result<Vec<Secret>> {
        let after = after.map_or_else(String::new, |id| id.to_string());
        self.all(NOT_UNDER, args![key_id, after, limit], secret)
            .await
    }

    /// How many secrets are encrypted under each key, keys that are left for other processes not counted.
    pub async fn secrets_by_key(&self) -> Result<Vec<(String, u64)>> {
        self.all(BY_KEY, args![], |row| Ok((row.text()?, row.count()?)))
            .await
    }

    /// A login that was begun, used and expired ones included for a day. The callback does not know the workspace;
    /// the state does.
    pub async fn oauth_state(&self, hash: &str) -> Result<Option<(Scope, OAuthState)>> {
        self.one(STATE, args![hash], state).await
    }
}

fn state(row: &mut Cells) -> Result<(Scope, OAuthState)> {
    let scope = Scope::of(row.id()?);
    let state = OAuthState {
        hash: row.text()?,
        purpose: row.text()?,
        app_id: row.id()?,
        verifier_ref: row.opt_text()?,
        data: row.text()?,
        created_at: row.instant()?,
        expires: row.instant()?,
        used_at: row.opt_instant()?,
    };
    Ok((scope, state))
}

impl Tx {
    /// Puts a secret in, in the place of the owner's older one for the same purpose.
    pub async fn put_secret(
        &mut self,
        purpose: &str,
        owner_id: &str,
        sealed: &Sealed,
        now: Timestamp,
    ) -> Result<SecretId> {
        let id: SecretId = self.new_id(now);
        let w = self.w();
        self.exactly(
            SECRET_PUT,
            args![
                id,
                w,
                purpose,
                owner_id,
                &sealed.key_id,
                sealed.nonce.as_slice(),
                sealed.ciphertext.as_slice(),
                now
            ],
            Cells::id,
        )
        .await
    }

    /// Writes a secret anew under another key, unless it was changed since it was read; whether it was written.
    ///
    /// The secret may belong to any workspace.
    pub async fn reseal_secret(
        &mut self,
        old: &Secret,
        sealed: &Sealed,
        now: Timestamp,
    ) -> Result<bool> {
        let done = self
            .execute(
                SECRET_REPLACE,
                args![
                    old.id,
                    old.nonce.as_slice(),
                    &sealed.key_id,
                    sealed.nonce.as_slice(),
                    sealed.ciphertext.as_slice(),
                    now
                ],
            )
            .await?;
        Ok(done > 0)
    }

    /// Removes a secret.
    pub async fn delete_secret(&mut self, purpose: &str, owner_id: &str) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(SECRET_DELETE, args![w, purpose, owner_id])
            .await?
            > 0)
    }

    /// Removes all secrets of an owner; how many there were.
    pub async fn delete_secrets_of(&mut self, owner_id: &str) -> Result<u64> {
        let w = self.w();
        self.execute(SECRETS_DELETE, args![w, owner_id]).await
    }

    /// Removes the secrets of a purpose, in all workspaces, that were written before an instant; how many there were.
    pub async fn delete_secrets_before(&mut self, purpose: &str, before: Timestamp) -> Result<u64> {
        self.execute(SECRETS_BEFORE, args![purpose, before]).await
    }

    /// Writes down a login that begins, and forgets those that expired long ago.
    pub async fn put_oauth_state(&mut self, state: &OAuthState) -> Result<()> {
        let w = self.w();
        let now = state.created_at;
        let forgotten = now.saturating_sub(REMEMBERED).unwrap_or(Timestamp::MIN);
        self.execute(VERIFIERS_TIDY, args![now]).await?;
        self.execute(STATES_TIDY, args![forgotten]).await?;
        self.execute(
            STATE_PUT,
            args![
                &state.hash,
                w,
                &state.purpose,
                state.app_id,
                state.verifier_ref.clone(),
                &state.data,
                now,
                state.expires
            ],
        )
        .await?;
        Ok(())
    }

    /// Takes a login that was begun: once, and not after it expired; whether it was free to take.
    pub async fn take_oauth_state(&mut self, hash: &str, now: Timestamp) -> Result<bool> {
        Ok(self.execute(STATE_TAKE, args![hash, now]).await? > 0)
    }

    /// Changes what the callback of a login needs to know.
    pub async fn set_oauth_state_data(&mut self, hash: &str, data: &str) -> Result<bool> {
        Ok(self.execute(STATE_DATA, args![hash, data]).await? > 0)
    }
}
