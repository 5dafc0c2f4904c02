//! Where the small files of this crate stand, and those outside of the repository.

use std::path::{Path, PathBuf};

/// A file of `tests/fixtures`.
pub(crate) fn read(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The folder with material that is not part of the repository, if it is there.
pub(crate) fn shared(what: &str) -> Option<PathBuf> {
    let root = std::env::var_os("PARFOCAL_SHARED").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
        PathBuf::from,
    );
    let folder = root.join(what);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "skipped: {} is not there (set PARFOCAL_SHARED)",
        folder.display()
    );
    None
}
