//! Secrets at rest: sealed with AES-256-GCM under a key from outside, bound to what they belong to.
//!
//! The associated data of each record is `purpose|workspace|owner`, so a row that is copied to another owner does not
//! open. Plaintext is zeroed when dropped, and its types cannot be printed.

mod handover;
mod key;
mod rotate;

use std::sync::{Arc, PoisonError, RwLock};

use parfocal_store::{Scope, Sealed as StoredSeal, Secret as StoredSecret, Store, Tx};
use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::clock::{Chance, Clock};
use crate::config;
use crate::error::{Code, EngineError, Result};

pub use key::{Binding, KeyError, KeyRing, MasterKey, Sealed};
pub use rotate::Rotation;

/// What a secret is for. The word is part of what is authenticated, so it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Purpose {
    /// An app's client secret; owned by the app.
    ClientSecret,
    /// Secret tokens that sign an app's webhooks, one a line; owned by the app.
    WebhookSecret,
    /// Access and refresh token; owned by the grant.
    Grant,
    /// A webhook's download token; owned by the event.
    DownloadToken,
    /// A PKCE verifier; owned by the login under way.
    Verifier,
    /// The answer of a request that is kept for its repetitions; owned by the caller's key.
    Answer,
    /// The key that signs links in mails; owned by the workspace.
    MailLinks,
    /// What opens a calendar; owned by the calendar account.
    Calendar,
    /// What opens a destination, or signs what goes there; owned by the destination.
    Destination,
}

impl Purpose {
    /// The word in the row.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecret => "client_secret",
            Self::WebhookSecret => "webhook_secret",
            Self::Grant => "grant",
            Self::DownloadToken => "download_token",
            Self::Verifier => "verifier",
            Self::Answer => "answer",
            Self::MailLinks => "mail_links",
            Self::Calendar => "calendar",
            Self::Destination => "destination",
        }
    }
}

/// The vault: keys and rows; cheap to clone.
#[derive(Debug, Clone)]
pub struct Vault {
    store: Store,
    /// Replaced when a rotation elsewhere hands a new key over.
    ring: Arc<RwLock<Arc<KeyRing>>>,
    clock: Clock,
    chance: Chance,
}

/// How many stored secrets lie under which key.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct KeyUse {
    /// Id of the key.
    pub key_id: String,
    /// Secrets encrypted under it.
    pub secrets: u64,
    /// Whether it is the key that encrypts now.
    pub current: bool,
    /// Whether it is configured, so that they can be read.
    pub readable: bool,
}

impl KeyRing {
    /// The ring of a configuration. Without a key one is read from the data directory, or made there; then the second
    /// value is a message for the operator.
    ///
    /// # Errors
    /// A key that is malformed, or a key file that cannot be used.
    pub fn from_config(
        config: &config::Config,
        chance: &Chance,
    ) -> Result<(Self, Option<String>), KeyError> {
        let previous = match &config.vault.previous_key {
            Some(text) if !text.is_empty() => vec![MasterKey::parse(text)?],
            _ => Vec::new(),
        };
        if let Some(text) = config.vault.key.as_ref().filter(|text| !text.is_empty()) {
            return Ok((Self::new(MasterKey::parse(text)?, previous), None));
        }
        let dir = &config.data.dir;
        let (key, made) = MasterKey::load_or_create(dir, chance)?;
        let notice = made.then(|| {
            format!(
                "Made a vault key in {} (readable by you alone). Back it up: without it stored connections cannot be used. \
                 Set TOKEN_ENCRYPTION_KEY to use a key of your own.",
                MasterKey::file_in(dir).display()
            )
        });
        Ok((Self::new(key, previous), notice))
    }
}

impl Vault {
    /// A vault over a store.
    pub fn new(store: Store, ring: KeyRing, clock: Clock, chance: Chance) -> Self {
        Self {
            store,
            ring: Arc::new(RwLock::new(Arc::new(ring))),
            clock,
            chance,
        }
    }

    /// The keys at this moment.
    fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes a secret in a transaction; it replaces the owner's former one for this purpose.
    pub async fn put(
        &self,
        tx: &mut Tx,
        purpose: Purpose,
        owner: &str,
        secret: &[u8],
    ) -> Result<()> {
        let workspace = tx.scope().workspace.to_string();
        let binding = Binding {
            purpose: purpose.as_str(),
            workspace: &workspace,
            owner,
        };
        let sealed = stored(self.ring().seal(binding, secret, &self.chance));
        tx.put_secret(purpose.as_str(), owner, &sealed, self.clock.now())
            .await?;
        Ok(())
    }

    /// Reads a secret as bytes that are zeroed when dropped.
    ///
    /// # Errors
    /// `vault_key_wrong` when its key is not configured, `vault_record_damaged` when it does not verify.
    pub async fn get(
        &self,
        scope: Scope,
        purpose: Purpose,
        owner: &str,
    ) -> Result<Option<Zeroizing<Vec<u8>>>> {
        match self.store.secret(scope, purpose.as_str(), owner).await? {
            Some(row) => self.open_or_learn(&row).await.map(Some),
            None => Ok(None),
        }
    }

    /// Reads a secret as text.
    pub async fn get_text(
        &self,
        scope: Scope,
        purpose: Purpose,
        owner: &str,
    ) -> Result<Option<SecretString>> {
        Ok(match self.get(scope, purpose, owner).await? {
            Some(bytes) => Some(text(&bytes)?),
            None => None,
        })
    }

    /// Seals a secret that lies in a row of its owner instead of one of the vault's: key id, nonce and ciphertext in one.
    ///
    /// `vault rotate` does not reach those, so only short-lived secrets are kept this way.
    pub fn seal_inline(
        &self,
        scope: Scope,
        purpose: Purpose,
        owner: &str,
        secret: &[u8],
    ) -> Vec<u8> {
        let workspace = scope.workspace.to_string();
        let binding = Binding {
            purpose: purpose.as_str(),
            workspace: &workspace,
            owner,
        };
        let sealed = self.ring().seal(binding, secret, &self.chance);
        let mut out = Vec::with_capacity(1 + sealed.key_id.len() + 12 + sealed.ciphertext.len());
        out.push(u8::try_from(sealed.key_id.len()).unwrap_or(u8::MAX));
        out.extend_from_slice(sealed.key_id.as_bytes());
        out.extend_from_slice(&sealed.nonce);
        out.extend_from_slice(&sealed.ciphertext);
        out
    }

    /// Opens what [`Vault::seal_inline`] made, for the same owner.
    pub fn open_inline(
        &self,
        scope: Scope,
        purpose: Purpose,
        owner: &str,
        sealed: &[u8],
    ) -> Result<SecretString> {
        let split = |bytes: &[u8]| {
            let (length, rest) = bytes.split_first()?;
            let (key_id, rest) = rest.split_at_checked(usize::from(*length))?;
            let (nonce, ciphertext) = rest.split_at_checked(12)?;
            Some(Sealed {
                key_id: String::from_utf8(key_id.to_vec()).ok()?,
                nonce: nonce.try_into().ok()?,
                ciphertext: ciphertext.to_vec(),
            })
        };
        let workspace = scope.workspace.to_string();
        let binding = Binding {
            purpose: purpose.as_str(),
            workspace: &workspace,
            owner,
        };
        let sealed = split(sealed).ok_or(KeyError::Forged)?;
        text(&self.ring().open(binding, &sealed)?)
    }

    /// Which keys the stored secrets lie under.
    pub async fn keys(&self) -> Result<Vec<KeyUse>> {
        let ring = self.ring();
        let mut keys: Vec<KeyUse> = self
            .store
            .secrets_by_key()
            .await?
            .into_iter()
            .map(|(key_id, secrets)| KeyUse {
                secrets,
                current: key_id == ring.current_id(),
                readable: ring.knows(&key_id),
                key_id,
            })
            .collect();
        if !keys.iter().any(|key| key.current) {
            let key_id = ring.current_id().to_owned();
            keys.push(KeyUse {
                key_id,
                secrets: 0,
                current: true,
                readable: true,
            });
        }
        Ok(keys)
    }

    /// Makes sure that all stored secrets can be read, before work begins that would fail for one of them.
    ///
    /// # Errors
    /// `vault_key_wrong` when the key of some is not configured.
    pub async fn check_keys(&self) -> Result<()> {
        let mut keys = self.keys().await?;
        for key in keys.iter().filter(|key| !key.readable) {
            self.learn_key(&key.key_id).await?;
        }
        if keys.iter().any(|key| !key.readable) {
            keys = self.keys().await?;
        }
        readable(&keys)
    }

    /// Opens a row; one under a key that a rotation elsewhere has brought teaches that key first.
    async fn open_or_learn(&self, row: &StoredSecret) -> Result<Zeroizing<Vec<u8>>> {
        if !self.ring().knows(&row.key_id) {
            self.learn_key(&row.key_id).await?;
        }
        self.open_row(row)
    }

    fn open_row(&self, row: &StoredSecret) -> Result<Zeroizing<Vec<u8>>> {
        let workspace = row.workspace.to_string();
        let binding = Binding {
            purpose: &row.purpose,
            workspace: &workspace,
            owner: &row.owner_id,
        };
        let nonce = row
            .nonce
            .as_slice()
            .try_into()
            .map_err(|_| KeyError::Forged)?;
        let sealed = Sealed {
            key_id: row.key_id.clone(),
            nonce,
            ciphertext: row.ciphertext.clone(),
        };
        Ok(self.ring().open(binding, &sealed)?)
    }
}

/// Whether the keys are there for everything that is stored.
///
/// # Errors
/// `vault_key_wrong` with how many secrets lie under keys that are not configured.
pub fn readable(keys: &[KeyUse]) -> Result<()> {
    let lost: u64 = keys
        .iter()
        .filter(|key| !key.readable)
        .map(|key| key.secrets)
        .sum();
    if lost == 0 {
        return Ok(());
    }
    let (secrets, lie) = if lost == 1 {
        ("secret", "lies")
    } else {
        ("secrets", "lie")
    };
    let message = format!("{lost} {secrets} {lie} under a key that is not here");
    Err(EngineError::new(Code::VaultKey, message).with_hint(
        "Set the former key as TOKEN_ENCRYPTION_KEY_PREVIOUS and run `parfocal vault rotate`. If it is lost, remove \
         the connections (`parfocal connections remove NAME`) and connect again.",
    ))
}

fn stored(sealed: Sealed) -> StoredSeal {
    StoredSeal {
        key_id: sealed.key_id,
        nonce: sealed.nonce.to_vec(),
        ciphertext: sealed.ciphertext,
    }
}

fn text(bytes: &[u8]) -> Result<SecretString> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| EngineError::new(Code::VaultForged, "a stored secret is not a text"))?;
    Ok(SecretString::from(text))
}
