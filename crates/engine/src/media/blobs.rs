//! Bytes on disk (or, later, in an S3-compatible store), under keys that say what they are.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use object_store::local::LocalFileSystem;
use object_store::path::Path as Key;
use object_store::{ObjectStoreExt as _, WriteMultipart};
use sha2::{Digest as _, Sha256};
use tokio::io::AsyncReadExt as _;

use crate::error::{Code, EngineError, Result};
use crate::folder;

/// How much is read and written at once.
const CHUNK: usize = 1024 * 1024;

/// Where the bytes of recording files are kept.
#[derive(Debug, Clone)]
pub struct Blobs {
    store: std::sync::Arc<LocalFileSystem>,
    root: PathBuf,
}

impl Blobs {
    /// Opens a directory, making it if it is not there.
    pub fn open(root: &Path) -> Result<Self> {
        folder::make(root)?;
        // What a row names must be there after a power cut, and the row is committed durably.
        let store = LocalFileSystem::new_with_prefix(root)
            .map_err(|error| store_error("opened", &error))?
            .with_fsync(true);
        // As the store writes paths, so that they compare.
        let root = root
            .canonicalize()
            .map_err(|error| file_error("the directory of files cannot be opened", root, error))?;
        Ok(Self {
            store: std::sync::Arc::new(store),
            root,
        })
    }

    /// A fresh place on the same disk for a file that is still being downloaded.
    pub fn scratch(&self, name: &str) -> Result<PathBuf> {
        let dir = self.root.join(".incoming");
        folder::make(&dir)?;
        Ok(dir.join(safe(name)))
    }

    /// Stores a file under a key; what was there under the same key is the same bytes, since the key holds their hash.
    pub async fn put_file(&self, key: &str, from: &Path) -> Result<()> {
        let key = parse(key)?;
        self.close_first(&key)?;
        let upload = self
            .store
            .put_multipart(&key)
            .await
            .map_err(|error| store_error("written", &error))?;
        let mut writer = WriteMultipart::new_with_chunk_size(upload, CHUNK);
        let mut file = tokio::fs::File::open(from)
            .await
            .map_err(|error| file_error("a downloaded file cannot be read", from, error))?;
        loop {
            let mut chunk = vec![0; CHUNK];
            let read = file
                .read(&mut chunk)
                .await
                .map_err(|error| file_error("a downloaded file cannot be read", from, error))?;
            if read == 0 {
                break;
            }
            chunk.truncate(read);
            writer
                .wait_for_capacity(2)
                .await
                .map_err(|error| store_error("written", &error))?;
            writer.put(Bytes::from(chunk));
        }
        writer
            .finish()
            .await
            .map_err(|error| store_error("written", &error))?;
        let path = self.path_of(&key)?;
        for path in path.ancestors().take_while(|path| **path != self.root) {
            folder::close(path)
                .map_err(|error| file_error("a file cannot be closed to others", path, error))?;
        }
        Ok(())
    }

    /// Makes the first folder of a key for its owner only, so that nothing below it is ever open to others.
    fn close_first(&self, key: &Key) -> Result<()> {
        let Some(first) = key.parts().next().filter(|_| key.parts().nth(1).is_some()) else {
            return Ok(());
        };
        let dir = self.root.join(first.as_ref());
        if !dir.is_dir() {
            folder::make(&dir)?;
            let synced = std::fs::File::open(&self.root).and_then(|root| root.sync_all());
            synced.map_err(|error| {
                file_error("the directory of files cannot be synced", &self.root, error)
            })?;
        }
        folder::close(&dir)
            .map_err(|error| file_error("a directory cannot be closed to others", &dir, error))
    }

    fn path_of(&self, key: &Key) -> Result<PathBuf> {
        self.store
            .path_to_filesystem(key)
            .map_err(|error| store_error("found", &error))
    }

    /// How many bytes lie under a key; none when nothing does.
    pub async fn size(&self, key: &str) -> Result<Option<u64>> {
        let path = self.local_path(key)?;
        match tokio::fs::metadata(&path).await {
            Ok(found) => Ok(found.is_file().then_some(found.len())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(file_error(
                "a stored file cannot be looked at",
                &path,
                error,
            )),
        }
    }

    /// All bytes under a key, up to `max`.
    pub async fn get(&self, key: &str, max: u64) -> Result<Bytes> {
        let key = parse(key)?;
        let found = self
            .store
            .get(&key)
            .await
            .map_err(|error| store_error("read", &error))?;
        if found.meta.size > max {
            let size = found.meta.size;
            return Err(EngineError::new(
                Code::InvalidInput,
                format!("the file has {size} bytes, more than {max}"),
            ));
        }
        found
            .bytes()
            .await
            .map_err(|error| store_error("read", &error))
    }

    /// Removes the bytes under a key, if they are there.
    pub async fn remove(&self, key: &str) -> Result<()> {
        match self.store.delete(&parse(key)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(store_error("removed", &error)),
        }
    }

    /// Where the file of a key lies on this machine.
    pub fn local_path(&self, key: &str) -> Result<PathBuf> {
        self.path_of(&parse(key)?)
    }
}

/// What the key of a file is made of.
#[derive(Debug, Clone, Copy)]
pub struct KeyParts<'k> {
    /// The workspace.
    pub workspace: parfocal_store::WorkspaceId,
    /// Zoom's account id.
    pub account: &'k str,
    /// When the recording began; decides year and month.
    pub start: Timestamp,
    /// UUID of the instance.
    pub instance: &'k str,
    /// Key of the file.
    pub file: &'k str,
    /// SHA-256 of the bytes, in hex.
    pub sha256: &'k str,
    /// Extension, without dot.
    pub extension: &'k str,
}

impl KeyParts<'_> {
    /// `{workspace}/{provider}/{account}/{yyyy}/{mm}/{instance uuid as hex}/{file id}/{sha256}.{ext}`.
    pub fn key(&self) -> String {
        let date = self.start.to_zoned(jiff::tz::TimeZone::UTC).date();
        format!(
            "{}/zoom/{}/{:04}/{:02}/{}/{}/{}.{}",
            self.workspace,
            safe(self.account),
            date.year(),
            date.month(),
            hex::encode(self.instance),
            safe(self.file),
            self.sha256,
            safe(self.extension),
        )
    }
}

/// SHA-256 of a file in hex, and its length.
pub async fn hash_file(path: &Path) -> Result<(String, u64)> {
    let mut file = tokio::fs::File::open(path)
        .await
        .map_err(|error| file_error("a downloaded file cannot be read", path, error))?;
    let mut hash = Sha256::new();
    let mut size = 0_u64;
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = file
            .read(&mut chunk)
            .await
            .map_err(|error| file_error("a downloaded file cannot be read", path, error))?;
        if read == 0 {
            return Ok((hex::encode(hash.finalize()), size));
        }
        hash.update(&chunk[..read]);
        size += read as u64;
    }
}

/// A text as one part of a key: everything that could mean something to a file system is written as hex.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_') {
            out.push(char::from(byte));
        } else {
            use std::fmt::Write as _;
            let _ = write!(out, "~{byte:02x}");
        }
    }
    if out.is_empty() { "~".to_owned() } else { out }
}

fn parse(key: &str) -> Result<Key> {
    Key::parse(key)
        .map_err(|error| EngineError::new(Code::Internal, format!("{key:?} is not a key: {error}")))
}

fn store_error(what: &str, error: &object_store::Error) -> EngineError {
    let code = match error {
        object_store::Error::NotFound { .. } => Code::NotFound,
        _ if is_full(error) => Code::StorageFull,
        _ => Code::FileFailed,
    };
    EngineError::new(code, format!("a file cannot be {what}: {error}"))
}

fn is_full(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return matches!(
                io.kind(),
                std::io::ErrorKind::StorageFull
                    | std::io::ErrorKind::FileTooLarge
                    | std::io::ErrorKind::QuotaExceeded
            );
        }
        cause = error.source();
    }
    false
}

fn file_error(what: &str, path: &Path, error: std::io::Error) -> EngineError {
    let code = if is_full(&error) {
        Code::StorageFull
    } else {
        Code::FileFailed
    };
    EngineError::new(code, format!("{what}: {}: {error}", path.display())).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hold_no_path_tricks() {
        let parts = KeyParts {
            workspace: parfocal_store::WorkspaceId::new(uuid::Uuid::nil()),
            account: "../Qm3vX9",
            start: "2026-09-14T08:30:00Z".parse().unwrap(),
            instance: "/abc//x==",
            file: "u==:CC:2026-09-14T08:31:02Z",
            sha256: "00ff",
            extension: "vtt",
        };
        let key = parts.key();
        assert_eq!(
            key,
            "00000000-0000-0000-0000-000000000000/zoom/~2e~2e~2fQm3vX9/2026/09/2f6162632f2f783d3d/\
             u~3d~3d~3aCC~3a2026-09-14T08~3a31~3a02Z/00ff.vtt"
        );
        assert_eq!(Key::parse(&key).unwrap().as_ref(), key);
    }

    #[tokio::test]
    async fn bytes_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&dir.path().join("blobs")).unwrap();
        let from = blobs.scratch("a/b").unwrap();
        std::fs::write(&from, b"WEBVTT\n").unwrap();
        let (hash, size) = hash_file(&from).await.unwrap();
        assert_eq!(size, 7);
        assert_eq!(hash.len(), 64);
        blobs.put_file("w/zoom/a/x.vtt", &from).await.unwrap();
        blobs.put_file("w/zoom/a/x.vtt", &from).await.unwrap();
        assert_eq!(
            &blobs.get("w/zoom/a/x.vtt", 100).await.unwrap()[..],
            b"WEBVTT\n"
        );
        assert!(blobs.get("w/zoom/a/x.vtt", 3).await.is_err());
        assert_eq!(
            blobs.get("w/none", 3).await.unwrap_err().code(),
            Code::NotFound
        );
        assert!(blobs.local_path("w/zoom/a/x.vtt").unwrap().is_file());
    }
    #[tokio::test]
    async fn nothing_is_open_to_others_even_in_an_open_folder() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("media");
        std::fs::create_dir(&root).unwrap();
        std::fs::set_permissions(&root, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(folder::complaint(&root).unwrap().contains("chmod 700"));
        let blobs = Blobs::open(&root).unwrap();
        let from = blobs.scratch("x").unwrap();
        std::fs::write(&from, b"WEBVTT\n").unwrap();
        blobs.put_file("w/zoom/a/x.vtt", &from).await.unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for folder in [".incoming", "w", "w/zoom", "w/zoom/a"] {
            assert_eq!(mode(&root.join(folder)), 0o700, "{folder}");
        }
        assert_eq!(mode(&root.join("w/zoom/a/x.vtt")), 0o600);
        assert_eq!(blobs.size("w/zoom/a/x.vtt").await.unwrap(), Some(7));
        assert_eq!(blobs.size("w/zoom/a/y.vtt").await.unwrap(), None);
    }
}
