//! `cargo xtask docs`.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::steps::{Steps, output, sh};
use crate::tools::MDBOOK;
use crate::workspace::{cargo, root};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Change nothing; fail if a generated page is out of date
    #[arg(long)]
    check: bool,
}

/// Files that the binary prints from its own tables.
const GENERATED: [(&str, &[&str]); 3] = [
    ("docs/src/reference/errors.md", &["config", "errors"]),
    (
        "docs/src/reference/configuration.md",
        &["config", "reference"],
    ),
    ("config/default.yaml", &["config", "default"]),
];

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new("docs");
    steps.run("generated pages", || generated(options.check));
    steps.run("book", build);
    steps.finish()
}

/// Makes the generated files, or checks that they are up to date.
pub(crate) fn generated(check: bool) -> Result<()> {
    let mut stale = Vec::new();
    for (file, arguments) in GENERATED {
        let made = output(
            cargo()
                .args(["run", "--quiet", "--package", "parfocal", "--"])
                .args(arguments),
        )?;
        let path = root().join(file);
        if std::fs::read_to_string(&path).is_ok_and(|there| there == made) {
            continue;
        }
        if check {
            stale.push(file);
        } else {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            std::fs::write(&path, made).with_context(|| path.display().to_string())?;
            println!("   wrote {file}");
        }
    }
    ensure!(
        stale.is_empty(),
        "out of date, run `cargo xtask docs`: {}",
        stale.join(", ")
    );
    Ok(())
}

/// Builds the book into `docs/book`.
pub(crate) fn build() -> Result<()> {
    let mdbook: PathBuf = MDBOOK.get()?;
    sh(Command::new(mdbook)
        .current_dir(root())
        .args(["build", "docs"]))
}
