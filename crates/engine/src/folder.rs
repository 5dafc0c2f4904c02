//! Folders and files that only their owner may read.

use std::fs::Permissions;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use crate::error::{Code, EngineError, Result};

/// Group and everybody else.
const OTHERS: u32 = 0o077;

/// Makes a folder, and those above it, for what only its owner should read; one that is there stays as it is.
pub(crate) fn make(path: &Path) -> Result<()> {
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| {
            EngineError::new(
                Code::FileFailed,
                format!("the folder {} cannot be made: {error}", path.display()),
            )
            .with_source(error)
        })
}

/// What to tell the operator about a folder that others may enter; none when they may not.
pub(crate) fn complaint(path: &Path) -> Option<String> {
    let mode = std::fs::metadata(path).ok()?.mode();
    (mode & OTHERS != 0).then(|| {
        let path = path.display();
        format!(
            "others on this machine may enter the folder {path} (mode {:o}); close it with: chmod 700 {path}",
            mode & 0o777
        )
    })
}

/// Takes a file or folder away from everybody but its owner.
pub(crate) fn close(path: &Path) -> std::io::Result<()> {
    let mode = std::fs::metadata(path)?.mode() & 0o7777;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    std::fs::set_permissions(path, Permissions::from_mode(mode & !OTHERS))
}
