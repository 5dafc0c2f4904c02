//! Recording files: exact bytes, sizes and hashes, made on demand.

mod folder;
mod media;
mod read;
mod token;
mod write;

use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

pub use folder::{FolderError, FolderMeeting, scan};
pub use media::Media;
pub use read::{ReadVtt, chat_messages, read_vtt};
pub use token::{TokenError, Tokens};
pub use write::{captions, chat, summary, timeline, timestamp, transcript};

use crate::world::model::DiskFile;

/// The bytes of a recording file, read by offset.
#[derive(Clone, Debug)]
pub enum FileContent {
    /// Held in memory.
    Memory(Bytes),
    /// Derived by offset.
    Media(Media),
    /// On disk.
    Disk(Arc<DiskFile>),
}

impl FileContent {
    /// Number of bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        match self {
            Self::Memory(bytes) => bytes.len() as u64,
            Self::Media(media) => media.size(),
            Self::Disk(file) => file.size,
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// At most `max` bytes from `offset`; empty at the end.
    ///
    /// # Errors
    /// When a file on disk cannot be read.
    pub fn read(&self, offset: u64, max: usize) -> std::io::Result<Bytes> {
        let left = self.len().saturating_sub(offset);
        let take = usize::try_from(left).unwrap_or(usize::MAX).min(max);
        match self {
            Self::Memory(bytes) => {
                let from = usize::try_from(offset)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                Ok(bytes.slice(from..from + take))
            }
            Self::Media(media) => Ok(media.read(offset, take)),
            Self::Disk(file) => {
                let mut source = std::fs::File::open(&file.path)?;
                source.seek(SeekFrom::Start(offset))?;
                let mut out = vec![0; take];
                source.read_exact(&mut out)?;
                Ok(out.into())
            }
        }
    }

    /// All of it.
    ///
    /// # Errors
    /// When a file on disk cannot be read.
    pub fn all(&self) -> std::io::Result<Bytes> {
        self.read(0, usize::try_from(self.len()).unwrap_or(usize::MAX))
    }

    /// SHA-256, lower-case hex.
    ///
    /// # Errors
    /// When a file on disk cannot be read.
    pub fn sha256(&self) -> std::io::Result<String> {
        if let Self::Disk(file) = self {
            return Ok(file.sha256.clone());
        }
        let mut hash = Sha256::new();
        let mut offset = 0;
        loop {
            let piece = self.read(offset, 1 << 20)?;
            if piece.is_empty() {
                break;
            }
            offset += piece.len() as u64;
            hash.update(&piece);
        }
        Ok(hex::encode(hash.finalize()))
    }
}
