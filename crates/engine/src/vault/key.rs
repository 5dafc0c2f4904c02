//! Keys, and sealing a secret under one of them.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::clock::Chance;
use crate::config::Secret;

/// Length of a key in bytes.
const KEY_BYTES: usize = 32;
/// Name of the generated key file in the data directory.
const KEY_FILE: &str = "vault.key";

/// Why a key or a stored secret cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The text is not 32 bytes as base64 or hex.
    #[error("is not a key: 32 bytes as base64 (44 characters) or hex (64 digits) are needed")]
    Malformed,
    /// The key file cannot be read or made.
    #[error("the key file {path} cannot be used: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The key file holds something else.
    #[error("the key file {path} does not hold a key")]
    FileMalformed {
        /// The file.
        path: PathBuf,
    },
    /// The secret was sealed under a key that is not configured.
    #[error("a stored secret was encrypted under key {key_id}, which is not configured")]
    UnknownKey {
        /// The missing key's id.
        key_id: String,
    },
    /// The key is right, but the record was changed or belongs to another owner.
    #[error("a stored secret does not verify: it was damaged, or belongs to another owner")]
    Forged,
}

/// One 256-bit key with its id.
#[derive(Clone)]
pub struct MasterKey {
    id: String,
    bytes: Zeroizing<[u8; KEY_BYTES]>,
}

impl MasterKey {
    /// Reads a key from 32 bytes as base64 (either alphabet, padded or not) or hex.
    pub fn parse(text: &Secret) -> Result<Self, KeyError> {
        let text = text.expose();
        let mut decoded = if text.len() == KEY_BYTES * 2 {
            hex::decode(text).map_err(|_| KeyError::Malformed)?
        } else {
            let bare = text.trim_end_matches('=');
            STANDARD_NO_PAD
                .decode(bare)
                .or_else(|_| URL_SAFE_NO_PAD.decode(bare))
                .map_err(|_| KeyError::Malformed)?
        };
        let key = <[u8; KEY_BYTES]>::try_from(decoded.as_slice())
            .map(Self::from_bytes)
            .map_err(|_| KeyError::Malformed);
        decoded.zeroize();
        key
    }

    /// Takes raw key bytes.
    pub fn from_bytes(bytes: [u8; KEY_BYTES]) -> Self {
        let id = hex::encode(&Sha256::digest(bytes)[..8]);
        Self {
            id,
            bytes: Zeroizing::new(bytes),
        }
    }

    /// Reads the key file of a data directory, or makes one that only its owner can read.
    ///
    /// The second value tells whether it was made now. Two processes that start together end with the same key.
    pub fn load_or_create(dir: &Path, chance: &Chance) -> Result<(Self, bool), KeyError> {
        let path = dir.join(KEY_FILE);
        let failed = |source| KeyError::File {
            path: path.clone(),
            source,
        };
        match read_key_file(&path) {
            Err(KeyError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {}
            other => return other.map(|key| (key, false)),
        }
        fs::create_dir_all(dir).map_err(failed)?;
        let mut bytes = Zeroizing::new([0_u8; KEY_BYTES]);
        chance.fill(bytes.as_mut());
        let text = Zeroizing::new(format!("{}\n", STANDARD.encode(bytes.as_ref())));
        let temporary = dir.join(format!("{KEY_FILE}.{}", hex::encode(chance.bytes::<6>())));
        let written = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())
                    .and_then(|()| file.sync_all())
            })
            .and_then(|()| fs::hard_link(&temporary, &path));
        let _ = fs::remove_file(&temporary);
        match written {
            Ok(()) => Ok((Self::from_bytes(*bytes), true)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Ok((read_key_file(&path)?, false))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Where a generated key lies in a data directory.
    pub fn file_in(dir: &Path) -> PathBuf {
        dir.join(KEY_FILE)
    }

    /// The key's id: the first bytes of its SHA-256, as hex. Not secret.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The key itself, to be sealed under another one.
    pub(super) fn expose(&self) -> &[u8] {
        &*self.bytes
    }

    fn cipher(&self) -> Aes256Gcm {
        Aes256Gcm::new((&*self.bytes).into())
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

fn read_key_file(path: &Path) -> Result<MasterKey, KeyError> {
    let failed = |source| KeyError::File {
        path: path.to_owned(),
        source,
    };
    let text = Zeroizing::new(fs::read_to_string(path).map_err(failed)?);
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "the vault's key file can be read by other users; chmod 600 it");
    }
    MasterKey::parse(&Secret::new(&text)).map_err(|_| KeyError::FileMalformed {
        path: path.to_owned(),
    })
}

/// What a secret belongs to. It is authenticated with the secret, so a record that is moved to another owner does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Binding<'a> {
    /// What the secret is for, from a fixed set of words.
    pub purpose: &'a str,
    /// The workspace's id.
    pub workspace: &'a str,
    /// The row that owns it.
    pub owner: &'a str,
}

impl Binding<'_> {
    fn associated_data(&self) -> Vec<u8> {
        // Purpose and workspace never hold a `|`, so the text is unambiguous.
        format!("{}|{}|{}", self.purpose, self.workspace, self.owner).into_bytes()
    }
}

/// A sealed secret, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Id of the key.
    pub key_id: String,
    /// Random nonce of 96 bits.
    pub nonce: [u8; 12],
    /// Ciphertext and tag.
    pub ciphertext: Vec<u8>,
}

/// The key that encrypts, and those that can still read.
#[derive(Debug, Clone)]
pub struct KeyRing {
    current: MasterKey,
    previous: Vec<MasterKey>,
}

impl KeyRing {
    /// A ring whose `current` key encrypts; all of them decrypt.
    pub fn new(current: MasterKey, previous: Vec<MasterKey>) -> Self {
        Self { current, previous }
    }

    /// The same with another key that encrypts; the former one can still read.
    #[must_use]
    pub(super) fn succeeded_by(&self, next: MasterKey) -> Self {
        let mut previous = self.previous.clone();
        previous.insert(0, self.current.clone());
        Self::new(next, previous)
    }

    /// The keys that can only read.
    pub(super) fn previous(&self) -> &[MasterKey] {
        &self.previous
    }

    /// The key that encrypts.
    pub(super) fn current(&self) -> &MasterKey {
        &self.current
    }

    /// Ids of all keys.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.current)
            .chain(&self.previous)
            .map(MasterKey::id)
    }

    /// Id of the key that encrypts.
    pub fn current_id(&self) -> &str {
        self.current.id()
    }

    /// Whether a key of this id is at hand.
    pub fn knows(&self, key_id: &str) -> bool {
        self.find(key_id).is_some()
    }

    fn find(&self, key_id: &str) -> Option<&MasterKey> {
        std::iter::once(&self.current)
            .chain(&self.previous)
            .find(|key| key.id == key_id)
    }

    /// Encrypts a secret for its owner under the current key.
    pub fn seal(&self, binding: Binding<'_>, plaintext: &[u8], chance: &Chance) -> Sealed {
        let nonce = chance.bytes::<12>();
        let aad = binding.associated_data();
        let ciphertext = self
            .current
            .cipher()
            .encrypt(
                &Nonce::from(nonce),
                Payload {
                    msg: plaintext,
                    aad: &aad,
                },
            )
            .expect("AES-GCM only refuses texts of more than 64 GiB");
        Sealed {
            key_id: self.current.id.clone(),
            nonce,
            ciphertext,
        }
    }

    /// Decrypts a secret of this owner.
    pub fn open(
        &self,
        binding: Binding<'_>,
        sealed: &Sealed,
    ) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let key = self
            .find(&sealed.key_id)
            .ok_or_else(|| KeyError::UnknownKey {
                key_id: sealed.key_id.clone(),
            })?;
        let aad = binding.associated_data();
        key.cipher()
            .decrypt(
                &Nonce::from(sealed.nonce),
                Payload {
                    msg: &sealed.ciphertext,
                    aad: &aad,
                },
            )
            .map(Zeroizing::new)
            .map_err(|_| KeyError::Forged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BINDING: Binding<'static> = Binding {
        purpose: "client_secret",
        workspace: "w1",
        owner: "o1",
    };

    fn key(byte: u8) -> MasterKey {
        MasterKey::from_bytes([byte; 32])
    }

    #[test]
    fn keys_are_read_from_base64_and_hex() {
        let raw = [0xfb_u8; 32];
        for text in [
            STANDARD.encode(raw),
            STANDARD_NO_PAD.encode(raw),
            URL_SAFE_NO_PAD.encode(raw),
            hex::encode(raw),
            format!("  {}\n", STANDARD.encode(raw)),
        ] {
            assert_eq!(
                MasterKey::parse(&Secret::new(&text)).unwrap().id(),
                key(0xfb).id()
            );
        }
        for text in [
            "",
            "password",
            &hex::encode([1_u8; 31]),
            &STANDARD.encode([1_u8; 33]),
            &"z".repeat(64),
        ] {
            assert!(
                matches!(
                    MasterKey::parse(&Secret::new(text)),
                    Err(KeyError::Malformed)
                ),
                "{text}"
            );
        }
    }

    #[test]
    fn a_secret_opens_only_for_its_owner() {
        let chance = Chance::seeded(1);
        let ring = KeyRing::new(key(1), vec![]);
        let sealed = ring.seal(BINDING, b"s3cret", &chance);
        assert_eq!(ring.open(BINDING, &sealed).unwrap().as_slice(), b"s3cret");
        for other in [
            Binding {
                purpose: "access_token",
                ..BINDING
            },
            Binding {
                workspace: "w2",
                ..BINDING
            },
            Binding {
                owner: "o2",
                ..BINDING
            },
        ] {
            assert!(
                matches!(ring.open(other, &sealed), Err(KeyError::Forged)),
                "{other:?}"
            );
        }
        let mut damaged = sealed;
        damaged.ciphertext[0] ^= 1;
        assert!(matches!(
            ring.open(BINDING, &damaged),
            Err(KeyError::Forged)
        ));
    }

    #[test]
    fn a_wrong_key_is_named_by_id_and_never_shown() {
        let chance = Chance::seeded(2);
        let sealed = KeyRing::new(key(1), vec![]).seal(BINDING, b"s3cret", &chance);
        let ring = KeyRing::new(key(2), vec![]);
        let error = ring.open(BINDING, &sealed).unwrap_err();
        assert!(matches!(&error, KeyError::UnknownKey { key_id } if key_id == key(1).id()));
        assert!(!format!("{ring:?}").contains("[2, 2"));
        let ring = KeyRing::new(key(2), vec![key(1)]);
        assert_eq!(ring.open(BINDING, &sealed).unwrap().as_slice(), b"s3cret");
        assert_eq!(ring.seal(BINDING, b"x", &chance).key_id, key(2).id());
    }

    #[test]
    fn a_generated_key_file_belongs_to_its_owner_alone() {
        let dir = tempfile::tempdir().unwrap();
        let chance = Chance::system();
        let (first, made) = MasterKey::load_or_create(dir.path(), &chance).unwrap();
        assert!(made);
        let mode = fs::metadata(MasterKey::file_in(dir.path()))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        let (second, made) = MasterKey::load_or_create(dir.path(), &chance).unwrap();
        assert!(!made);
        assert_eq!(first.id(), second.id());
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "temporary files stay behind"
        );
        fs::write(MasterKey::file_in(dir.path()), "rubbish").unwrap();
        assert!(matches!(
            MasterKey::load_or_create(dir.path(), &chance),
            Err(KeyError::FileMalformed { .. })
        ));
    }
}
