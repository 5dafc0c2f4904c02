//! A token store in one encrypted file.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tokio::sync::Mutex;
use zeroize::{ZeroizeOnDrop, Zeroizing};

use super::{Grant, StoreError, TokenStore};
use crate::clock::Random;
use crate::durable;

/// A key of 32 bytes for AES-256-GCM; wiped from memory when dropped, never printed.
#[derive(Clone, ZeroizeOnDrop)]
pub struct EncryptionKey([u8; 32]);

/// The text is not an encryption key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("an encryption key is 32 bytes in base64 (44 characters) or hex (64 characters)")]
pub struct InvalidKey;

impl EncryptionKey {
    /// A key from its bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Reads a key written in base64 or hex.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let text = text.trim();
        if text.len() == 64
            && let Ok(bytes) = hex::decode(text)
        {
            return Self::try_from_slice(&Zeroizing::new(bytes));
        }
        [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
            .iter()
            .find_map(|engine| engine.decode(text).ok())
            .ok_or(InvalidKey)
            .and_then(|bytes| Self::try_from_slice(&Zeroizing::new(bytes)))
    }

    fn try_from_slice(bytes: &[u8]) -> Result<Self, InvalidKey> {
        bytes.try_into().map(Self).map_err(|_| InvalidKey)
    }

    /// A short name of the key that tells nothing about it.
    #[must_use]
    pub fn id(&self) -> String {
        let mut digest = Sha256::new();
        digest.update(b"parfocal key id\0");
        digest.update(self.0);
        hex::encode(&digest.finalize()[..6])
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EncryptionKey({})", self.id())
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    v: u32,
    key_id: String,
    nonce: String,
    ciphertext: String,
}

/// Keeps a grant in a file that only its owner may read, encrypted with AES-256-GCM.
///
/// The ciphertext is bound to `owner` (the app's client id, say): moved into another owner's file it does not open.
/// A new version replaces the old one by rename, after it has reached the disk.
#[derive(Debug, Clone)]
pub struct EncryptedFileStore {
    path: PathBuf,
    owner: String,
    keys: Arc<Vec<EncryptionKey>>,
    random: Arc<dyn Random>,
    writing: Arc<Mutex<()>>,
}

impl EncryptedFileStore {
    /// A store in the file `path`; `key` encrypts.
    pub fn new(
        path: impl Into<PathBuf>,
        owner: impl Into<String>,
        key: EncryptionKey,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            path: path.into(),
            owner: owner.into(),
            keys: Arc::new(vec![key]),
            random,
            writing: Arc::new(Mutex::new(())),
        }
    }

    /// A former key, which still decrypts; the next save uses the present one.
    #[must_use]
    pub fn with_previous_key(mut self, key: EncryptionKey) -> Self {
        Arc::make_mut(&mut self.keys).push(key);
        self
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn associated_data(&self) -> Vec<u8> {
        format!("parfocal-zoom grant v1\0{}", self.owner).into_bytes()
    }

    fn seal(&self, grant: &Grant) -> Result<Vec<u8>, StoreError> {
        let key = &self.keys[0];
        let cipher = Aes256Gcm::new_from_slice(&key.0)
            .map_err(|_| StoreError::new("the key has the wrong length"))?;
        let mut nonce = [0; 12];
        self.random.fill(&mut nonce);
        let plaintext = grant.to_plaintext();
        let ciphertext = cipher
            .encrypt(
                &Nonce::from(nonce),
                Payload {
                    msg: &plaintext,
                    aad: &self.associated_data(),
                },
            )
            .map_err(|_| StoreError::new("the grant could not be encrypted"))?;
        let envelope = Envelope {
            v: 1,
            key_id: key.id(),
            nonce: STANDARD.encode(nonce),
            ciphertext: STANDARD.encode(ciphertext),
        };
        serde_json::to_vec(&envelope)
            .map_err(|error| StoreError::with_source("the file could not be written", error))
    }

    fn open(&self, bytes: &[u8]) -> Result<Grant, StoreError> {
        let broken = |what: &str| StoreError::new(format!("{} {what}", self.path.display()));
        let envelope: Envelope = serde_json::from_slice(bytes)
            .map_err(|_| broken("is not a token file, or is damaged"))?;
        if envelope.v != 1 {
            return Err(broken("was written by a newer version"));
        }
        let key = self
            .keys
            .iter()
            .find(|key| key.id() == envelope.key_id)
            .ok_or_else(|| broken("was encrypted with another key"))?;
        let nonce: [u8; 12] = STANDARD
            .decode(&envelope.nonce)
            .ok()
            .and_then(|nonce| nonce.try_into().ok())
            .ok_or_else(|| broken("is damaged"))?;
        let ciphertext = STANDARD
            .decode(&envelope.ciphertext)
            .map_err(|_| broken("is damaged"))?;
        let cipher = Aes256Gcm::new_from_slice(&key.0)
            .map_err(|_| StoreError::new("the key has the wrong length"))?;
        let plaintext = cipher
            .decrypt(
                &Nonce::from(nonce),
                Payload {
                    msg: &ciphertext,
                    aad: &self.associated_data(),
                },
            )
            .map_err(|_| broken("does not open: wrong key, wrong owner, or changed by somebody"))?;
        Grant::from_plaintext(&Zeroizing::new(plaintext))
            .map_err(|error| StoreError::with_source("unreadable", error))
    }

    async fn read(&self) -> Result<Option<Grant>, StoreError> {
        match tokio::fs::read(&self.path).await {
            Ok(bytes) => self.open(&bytes).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::with_source(
                format!("{} could not be read", self.path.display()),
                error,
            )),
        }
    }
}

impl TokenStore for EncryptedFileStore {
    fn load(&self) -> BoxFuture<'_, Result<Option<Grant>, StoreError>> {
        Box::pin(self.read())
    }

    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let _writing = self.writing.lock().await;
            let bytes = self.seal(grant)?;
            durable::replace(&self.path, &bytes).await.map_err(|error| {
                StoreError::with_source(
                    format!("{} could not be written: {error}", self.path.display()),
                    error,
                )
            })
        })
    }

    fn mark_dead<'a>(
        &'a self,
        generation: u64,
        _reason: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            let _writing = self.writing.lock().await;
            let dead = self
                .read()
                .await?
                .is_some_and(|grant| grant.generation <= generation);
            if dead {
                tokio::fs::remove_file(&self.path).await.map_err(|error| {
                    StoreError::with_source("the dead grant could not be removed", error)
                })?;
            }
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SeededRandom;
    use jiff::Timestamp;

    fn grant(generation: u64) -> Grant {
        Grant {
            access_token: "access-secret".into(),
            refresh_token: Some("refresh-secret".into()),
            issued_at: Timestamp::UNIX_EPOCH,
            expires_at: Timestamp::UNIX_EPOCH,
            scopes: vec!["user:read:user".into()],
            api_url: Some("https://api-eu.zoom.us".into()),
            generation,
        }
    }

    fn store(dir: &Path, owner: &str, key: u8) -> EncryptedFileStore {
        let key = EncryptionKey::from_bytes([key; 32]);
        EncryptedFileStore::new(
            dir.join("grant.json"),
            owner,
            key,
            Arc::new(SeededRandom::new(1)),
        )
    }

    #[tokio::test]
    async fn a_grant_survives_and_is_not_readable() {
        let dir = tempfile::tempdir().unwrap();
        let first = store(dir.path(), "app", 1);
        assert!(first.load().await.unwrap().is_none());
        first.save(&grant(3)).await.unwrap();
        let text = std::fs::read_to_string(first.path()).unwrap();
        assert!(!text.contains("secret"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                std::fs::metadata(first.path())
                    .unwrap()
                    .permissions()
                    .mode()
                    & 0o777,
                0o600
            );
        }
        let read = store(dir.path(), "app", 1).load().await.unwrap().unwrap();
        assert_eq!(read.generation, 3);
        assert_eq!(read.to_plaintext(), grant(3).to_plaintext());
        assert_eq!(
            std::fs::read_dir(dir.path()).unwrap().count(),
            1,
            "no temporary file is left"
        );
    }

    #[tokio::test]
    async fn another_key_owner_or_content_does_not_open() {
        let dir = tempfile::tempdir().unwrap();
        store(dir.path(), "app", 1).save(&grant(1)).await.unwrap();
        for (other, word) in [
            (store(dir.path(), "app", 2), "another key"),
            (store(dir.path(), "other", 1), "wrong owner"),
        ] {
            let error = other.load().await.unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
        std::fs::write(dir.path().join("grant.json"), b"{\"v\":1}").unwrap();
        assert!(
            store(dir.path(), "app", 1)
                .load()
                .await
                .unwrap_err()
                .to_string()
                .contains("damaged")
        );
    }

    #[tokio::test]
    async fn a_former_key_still_opens_and_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        store(dir.path(), "app", 1).save(&grant(1)).await.unwrap();
        let both =
            store(dir.path(), "app", 2).with_previous_key(EncryptionKey::from_bytes([1; 32]));
        let read = both.load().await.unwrap().unwrap();
        both.save(&read).await.unwrap();
        assert!(store(dir.path(), "app", 2).load().await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_late_death_notice_spares_the_newer_grant() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(dir.path(), "app", 1);
        store.save(&grant(5)).await.unwrap();
        store.mark_dead(4, "Invalid Token!").await.unwrap();
        assert!(store.load().await.unwrap().is_some());
        store.mark_dead(5, "Invalid Token!").await.unwrap();
        assert!(store.load().await.unwrap().is_none());
    }

    #[test]
    fn keys_are_read_in_base64_and_hex() {
        let hex = "07".repeat(32);
        let base64 = STANDARD.encode([7u8; 32]);
        assert_eq!(
            EncryptionKey::parse(&hex).unwrap().id(),
            EncryptionKey::parse(&base64).unwrap().id()
        );
        assert!(EncryptionKey::parse("short").is_err());
        assert!(!format!("{:?}", EncryptionKey::parse(&hex).unwrap()).contains("0707"));
    }
}
