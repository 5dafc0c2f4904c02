//! `cargo xtask coverage`: which lines the tests reach, crate by crate, written into `docs/coverage.md`.
//!
//! Only our own crates are compiled for counting (`RUSTC_WORKSPACE_WRAPPER`), so that everything else is taken from the
//! target directory as it is. Programs that tests start count too, unless they are killed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::bench::report;
use crate::postgres::Cluster;
use crate::steps::{Steps, output, sh};
use crate::tools::{LLVM, NEXTEST};
use crate::workspace::{metadata, root};

#[derive(clap::Args)]
pub(crate) struct Options {
    /// Fail if of any library fewer lines than this share of a hundred are reached
    #[arg(long, default_value_t = 80)]
    least: u8,
    /// Write HTML pages with every line into target/coverage/html
    #[arg(long)]
    html: bool,
    /// Print the figures and leave the page as it is
    #[arg(long)]
    dry: bool,
    /// What to pass to the test runner, for example `-p parfocal-store`; figures are then of those tests alone, and shown
    /// without a verdict
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Not counted: files of tests. What stands in `mod tests` of a source file does count.
const LEFT_OUT: &str = "(/tests/|/tests\\.rs$|/\\.cargo/|/rustc/|/xtask/|/target/)";

/// What is a library: everything but the program and the tasks.
const PROGRAM: &str = "cli";

/// Compiles for counting; what cargo asks for is in its arguments. Nothing is compressed: the tools that read the counts
/// are built without zlib.
const WRAPPER: &str = "#!/bin/sh\n\
    exec \"$@\" -C instrument-coverage -C llvm-args=-enable-name-compression=false\n";

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut steps = Steps::new("coverage");
    let mut cluster = None;
    steps.run("postgres", || {
        cluster = Some(Cluster::start()?);
        Ok(())
    });
    let mut work = None;
    steps.run("tools", || {
        work = Some(Work::prepare()?);
        Ok(())
    });
    if let Some(work) = &work {
        // What failing tests reached is worth knowing; that they failed is told at the end.
        steps.run("tests", || {
            let url = cluster.as_ref().map(Cluster::url);
            sh(work
                .runner("run", &options.rest)
                .arg("--no-fail-fast")
                .envs(url.map(|url| ("TEST_DATABASE_URL", url))))
        });
        steps.run("lines", || work.report(options));
    }
    drop(cluster);
    steps.finish()
}

/// Folder and programs of one run.
struct Work {
    folder: PathBuf,
    target: PathBuf,
    runner: PathBuf,
    llvm: PathBuf,
}

impl Work {
    fn prepare() -> Result<Self> {
        let target = metadata()?.target_directory;
        let folder = target.join("coverage");
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(folder.join("raw"))?;
        let wrapper = folder.join("rustc.sh");
        std::fs::write(&wrapper, WRAPPER)?;
        sh(Command::new("chmod").arg("+x").arg(&wrapper))?;
        Ok(Self {
            folder,
            target,
            runner: NEXTEST.get()?,
            llvm: LLVM.packaged("llvm/bin")?,
        })
    }

    /// The test runner, told to build for counting. Processes of one program share two files, so that thousands of
    /// tests do not fill the disk.
    fn runner(&self, verb: &str, rest: &[String]) -> Command {
        let mut command = Command::new(&self.runner);
        command.current_dir(root()).args(["nextest", verb]);
        if rest.is_empty() {
            command.args(["--workspace", "--exclude", "xtask"]);
        }
        command
            .args(rest)
            .env("RUSTC_WORKSPACE_WRAPPER", self.folder.join("rustc.sh"))
            .env("CARGO_INCREMENTAL", "0")
            .env("LLVM_PROFILE_FILE", self.folder.join("raw/%2m.profraw"));
        command
    }

    /// Every program that was built for counting.
    fn programs(&self, rest: &[String]) -> Result<Vec<PathBuf>> {
        let said = output(self.runner("list", rest).args([
            "--list-type",
            "binaries-only",
            "--message-format",
            "json",
        ]))?;
        let list: List = serde_json::from_str(&said).context("the runner's list of programs")?;
        let tests = list.tests.into_values().map(|test| test.path);
        let others = list.build.programs.into_values().flatten();
        let mut programs: Vec<PathBuf> = tests
            .chain(
                others
                    .filter(|other| other.kind == "bin-exe")
                    .map(|other| self.target.join(other.path)),
            )
            .collect();
        programs.sort();
        programs.dedup();
        ensure!(!programs.is_empty(), "no program was built");
        Ok(programs)
    }

    fn report(&self, options: &Options) -> Result<()> {
        let data = self.folder.join("all.profdata");
        let mut merge = Command::new(self.llvm.join("llvm-profdata"));
        merge.args(["merge", "--sparse", "--failure-mode=all"]);
        for entry in std::fs::read_dir(self.folder.join("raw"))? {
            merge.arg(entry?.path());
        }
        output(merge.arg("--output").arg(&data))?;
        let programs = self.programs(&options.rest)?;
        let look = |verb: &str| {
            let mut command = Command::new(self.llvm.join("llvm-cov"));
            command
                .arg(verb)
                .arg(format!("--instr-profile={}", data.display()))
                .arg(format!("--ignore-filename-regex={LEFT_OUT}"));
            for (at, program) in programs.iter().enumerate() {
                if at > 0 {
                    command.arg("--object");
                }
                command.arg(program);
            }
            command
        };
        if options.html {
            let html = self.folder.join("html");
            sh(look("show")
                .arg("--format=html")
                .arg(format!("--output-dir={}", html.display())))?;
        }
        let said = output(look("export").args(["--format=text", "--summary-only"]))?;
        let crates = by_crate(&said, &root().join("crates"))?;
        let (table, short) = table(&crates, options.least);
        println!("\n{table}");
        if !options.dry && options.rest.is_empty() {
            report::put_in(
                "docs/coverage.md",
                "coverage",
                "`cargo xtask coverage`",
                &table,
            )?;
        }
        ensure!(
            short.is_empty() || !options.rest.is_empty(),
            "fewer than {} of a hundred lines are reached in {}",
            options.least,
            short.join(", ")
        );
        Ok(())
    }
}

#[derive(Deserialize)]
struct List {
    #[serde(rename = "rust-binaries")]
    tests: BTreeMap<String, TestProgram>,
    #[serde(rename = "rust-build-meta")]
    build: Build,
}

#[derive(Deserialize)]
struct TestProgram {
    #[serde(rename = "binary-path")]
    path: PathBuf,
}

#[derive(Deserialize)]
struct Build {
    #[serde(rename = "non-test-binaries")]
    programs: BTreeMap<String, Vec<OtherProgram>>,
}

#[derive(Deserialize)]
struct OtherProgram {
    kind: String,
    path: PathBuf,
}

/// What `llvm-cov export` says of a file.
#[derive(Deserialize)]
struct Export {
    data: Vec<Exported>,
}

#[derive(Deserialize)]
struct Exported {
    files: Vec<File>,
}

#[derive(Deserialize)]
struct File {
    filename: PathBuf,
    summary: Summary,
}

#[derive(Deserialize)]
struct Summary {
    lines: Lines,
}

#[derive(Deserialize, Default, Clone, Copy)]
struct Lines {
    count: u64,
    covered: u64,
}

impl Lines {
    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.covered += other.covered;
    }

    /// Of a hundred.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share for people, to one digit"
    )]
    fn share(self) -> f64 {
        if self.count == 0 {
            return 100.0;
        }
        self.covered as f64 * 100.0 / self.count as f64
    }
}

/// Lines of each crate, and its files.
type Crates = BTreeMap<String, (Lines, Vec<(String, Lines)>)>;

fn by_crate(said: &str, folder: &Path) -> Result<Crates> {
    let export: Export = serde_json::from_str(said).context("llvm-cov's figures")?;
    let mut crates = Crates::new();
    for file in export.data.into_iter().flat_map(|data| data.files) {
        let Ok(inside) = file.filename.strip_prefix(folder) else {
            continue;
        };
        let mut parts = inside.components();
        let Some(name) = parts.next() else { continue };
        let name = name.as_os_str().to_string_lossy().into_owned();
        let rest = parts.as_path().display().to_string();
        let (sum, files) = crates.entry(name).or_default();
        sum.add(file.summary.lines);
        files.push((rest, file.summary.lines));
    }
    Ok(crates)
}

/// The figures as Markdown, and the libraries that have too few.
fn table(crates: &Crates, least: u8) -> (String, Vec<String>) {
    let mut text = String::from(
        "| crate | lines | reached | of a hundred | least reached files of 100 lines and more |\n\
         | --- | ---: | ---: | ---: | --- |\n",
    );
    let mut libraries = Lines::default();
    let mut short = Vec::new();
    for (name, (lines, files)) in crates {
        let mut files: Vec<_> = files
            .iter()
            .filter(|(_, lines)| lines.count >= 100)
            .collect();
        files.sort_by(|a, b| a.1.share().total_cmp(&b.1.share()));
        let worst: Vec<String> = files
            .iter()
            .take(3)
            .map(|(file, lines)| format!("`{file}` {:.0}", lines.share()))
            .collect();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| `{name}` | {} | {} | {:.1} | {} |",
            lines.count,
            lines.covered,
            lines.share(),
            worst.join(", ")
        );
        if name != PROGRAM {
            libraries.add(*lines);
            if lines.share() < f64::from(least) {
                short.push(name.clone());
            }
        }
    }
    let _ = writeln!(
        text,
        "| **all libraries** | {} | {} | **{:.1}** | |",
        libraries.count,
        libraries.covered,
        libraries.share()
    );
    (text, short)
}
