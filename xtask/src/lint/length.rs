//! No file grows so long that nobody reads it.

use anyhow::{Context as _, Result, ensure};

use crate::workspace::{root, tracked};

/// Lines a Rust file may have; about five hundred is meant.
const MOST_LINES: usize = 600;

pub(crate) fn check() -> Result<()> {
    let mut faults = Vec::new();
    for path in tracked(".rs")? {
        let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let lines = text.lines().count();
        if lines > MOST_LINES {
            faults.push(format!(
                "{}: {lines} lines",
                path.strip_prefix(root()).unwrap_or(&path).display()
            ));
        }
    }
    ensure!(
        faults.is_empty(),
        "longer than {MOST_LINES} lines, split by reason to change:\n{}",
        faults.join("\n")
    );
    Ok(())
}
