//! Files that are there whole or not at all.

use std::io;
use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt as _;

/// The name beside `path` under which its next version is written.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(suffix);
    path.with_file_name(name)
}

/// Options for a file that only its owner may read.
pub(crate) fn private() -> tokio::fs::OpenOptions {
    let mut options = tokio::fs::OpenOptions::new();
    #[cfg(unix)]
    options.mode(0o600);
    options
}

/// Replaces `path` by a file with these contents: written beside it, flushed to the disk, then renamed.
pub(crate) async fn replace(path: &Path, contents: &[u8]) -> io::Result<()> {
    let temporary = beside(path, ".new");
    let written = async {
        let mut file = private()
            .write(true)
            .create(true)
            .truncate(true)
            .open(&temporary)
            .await?;
        file.write_all(contents).await?;
        file.flush().await?;
        file.sync_all().await
    }
    .await;
    let result = match written {
        Ok(()) => publish(&temporary, path).await,
        Err(error) => Err(error),
    };
    if result.is_err() {
        // The first error is the one to report.
        let _ = tokio::fs::remove_file(&temporary).await;
    }
    result
}

/// Renames a finished file into its place and makes the rename durable.
pub(crate) async fn publish(temporary: &Path, path: &Path) -> io::Result<()> {
    tokio::fs::rename(temporary, path).await?;
    #[cfg(unix)]
    {
        let folder = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        tokio::fs::File::open(folder).await?.sync_all().await?;
    }
    Ok(())
}
