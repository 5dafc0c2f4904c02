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
    /// Count this crate only (a folder of `crates`, or `libraries` for all but the program; may be given several times),
    /// with the tests of the crates named and no others; its row of the page is replaced
    #[arg(long = "package", value_name = "CRATE", conflicts_with = "rest")]
    packages: Vec<String>,
    /// Leave out tests whose name has this in it, such as long ones; may be given several times, and is said in the row
    #[arg(long, value_name = "TEXT", requires = "packages")]
    except: Vec<String>,
    /// Add to what the run before counted, which may have been cut off; nothing may have been compiled anew since
    #[arg(long)]
    add: bool,
    /// What to pass to the test runner, for example `-p parfocal-store`; figures are then of those tests alone, and shown
    /// without a verdict
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

/// Not counted: files of tests. What stands in `mod tests` of a source file does count.
const LEFT_OUT: &str = "(/tests/|/tests\\.rs$|/\\.cargo/|/rustc/|/xtask/|/target/)";

/// The others, by their folders.
const LIBRARIES: [&str; 7] = [
    "engine",
    "formats",
    "server",
    "simulator",
    "store",
    "understand",
    "zoom",
];

/// Where the figures are written.
const PAGE: &str = "docs/coverage.md";

/// What is a library: everything but the program and the tasks.
const PROGRAM: &str = "cli";

/// Compiles for counting; what cargo asks for is in its arguments. Nothing is compressed: the tools that read the counts
/// are built without zlib.
const WRAPPER: &str = "#!/bin/sh\n\
    exec \"$@\" -C instrument-coverage -C llvm-args=-enable-name-compression=false\n";

impl Options {
    /// What the test runner is told besides: always the whole workspace, so that features stay the same and nothing is
    /// compiled again from one crate to the next.
    fn chosen(&self) -> Result<Vec<String>> {
        if !self.rest.is_empty() {
            return Ok(self.rest.clone());
        }
        let mut chosen = ["--workspace", "--exclude", "xtask"]
            .map(str::to_owned)
            .to_vec();
        let mut tests = Vec::new();
        for name in &self.packages {
            let manifest = root().join("crates").join(name).join("Cargo.toml");
            ensure!(manifest.is_file(), "there is no crate {name}");
            let package = if name == PROGRAM {
                "parfocal".to_owned()
            } else {
                format!("parfocal-{name}")
            };
            tests.push(format!("package(={package})"));
        }
        if !tests.is_empty() {
            let mut filter = format!("({})", tests.join(" | "));
            for text in &self.except {
                // Writing to a String cannot fail.
                let _ = write!(filter, " - test({text})");
            }
            chosen.extend(["-E".to_owned(), filter]);
        }
        Ok(chosen)
    }

    /// Which tests a figure is of.
    fn reached_by(&self, name: &str) -> String {
        let mut by = self.of_packages(name);
        if !self.except.is_empty() {
            // Writing to a String cannot fail.
            let _ = write!(by, " without {}", self.except.join(", "));
        }
        by
    }

    fn of_packages(&self, name: &str) -> String {
        match self.packages.as_slice() {
            [] => "all".to_owned(),
            [one] if one == name => "its own".to_owned(),
            some if LIBRARIES
                .iter()
                .all(|library| some.iter().any(|one| one == library)) =>
            {
                "those of all libraries".to_owned()
            }
            some => format!("those of {}", some.join(", ")),
        }
    }
}

pub(crate) fn run(options: &mut Options) -> Result<()> {
    if options.packages.iter().any(|name| name == "libraries") {
        options.packages = LIBRARIES.map(str::to_owned).to_vec();
    }
    let chosen = options.chosen()?;
    let mut steps = Steps::new("coverage");
    let mut cluster = None;
    steps.run("postgres", || {
        cluster = Some(Cluster::start()?);
        Ok(())
    });
    let mut work = None;
    steps.run("tools", || {
        work = Some(Work::prepare(options.add)?);
        Ok(())
    });
    if let Some(work) = &work {
        // What failing tests reached is worth knowing; that they failed is told at the end.
        steps.run("tests", || {
            let url = cluster.as_ref().map(Cluster::url);
            sh(work
                .runner("run", &chosen)
                .arg("--no-fail-fast")
                .envs(url.map(|url| ("TEST_DATABASE_URL", url))))
        });
        steps.run("lines", || work.report(options, &chosen));
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
    /// Without what earlier runs counted, unless it is to be kept.
    fn prepare(keep: bool) -> Result<Self> {
        let target = metadata()?.target_directory;
        let folder = target.join("coverage");
        if folder.exists() && !keep {
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
        command
            .current_dir(root())
            .args(["nextest", verb])
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

    fn report(&self, options: &Options, chosen: &[String]) -> Result<()> {
        let data = self.folder.join("all.profdata");
        let mut merge = Command::new(self.llvm.join("llvm-profdata"));
        merge.args(["merge", "--sparse", "--failure-mode=all"]);
        for entry in std::fs::read_dir(self.folder.join("raw"))? {
            merge.arg(entry?.path());
        }
        output(merge.arg("--output").arg(&data))?;
        let programs = self.programs(chosen)?;
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
        let counted = by_crate(&said, &root().join("crates"))?;
        let commit =
            output(
                Command::new("git")
                    .current_dir(root())
                    .args(["rev-parse", "--short", "HEAD"]),
            )?;
        let rows: Vec<Row> = counted
            .iter()
            .filter(|(name, _)| options.packages.is_empty() || options.packages.contains(name))
            .map(|(name, counts)| Row::new(name, counts, options.reached_by(name), commit.trim()))
            .collect();
        let short: Vec<&str> = rows
            .iter()
            .filter(|row| row.name != PROGRAM && row.lines.share() < f64::from(options.least))
            .map(|row| row.name.as_str())
            .collect();
        println!("\n{}", table(&rows));
        if !options.dry && options.rest.is_empty() {
            let page = std::fs::read_to_string(root().join(PAGE)).context(PAGE)?;
            let mut all = if options.packages.is_empty() {
                Vec::new()
            } else {
                read_table(&page)
            };
            all.retain(|old| rows.iter().all(|new| new.name != old.name));
            all.extend(rows.iter().cloned());
            all.sort_by(|a, b| a.name.cmp(&b.name));
            report::put_in(PAGE, "coverage", "`cargo xtask coverage`", &table(&all))?;
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

#[derive(Deserialize, Default, Clone, Copy, PartialEq, Debug)]
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

/// A line of the page.
#[derive(Clone, PartialEq, Debug)]
struct Row {
    name: String,
    lines: Lines,
    /// Which tests the figures are of.
    by: String,
    commit: String,
    /// The files that are reached least, as text.
    worst: String,
}

impl Row {
    fn new(
        name: &str,
        (lines, files): &(Lines, Vec<(String, Lines)>),
        by: String,
        commit: &str,
    ) -> Self {
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
        Self {
            name: name.to_owned(),
            lines: *lines,
            by,
            commit: commit.to_owned(),
            worst: worst.join(", "),
        }
    }

    /// Reads a line of the page; none for its head and its sum.
    fn read(line: &str) -> Option<Self> {
        let cells: Vec<&str> = line
            .trim()
            .trim_matches('|')
            .split('|')
            .map(str::trim)
            .collect();
        let [name, count, covered, _share, by, commit, worst] = cells.as_slice() else {
            return None;
        };
        Some(Self {
            name: name.strip_prefix('`')?.strip_suffix('`')?.to_owned(),
            lines: Lines {
                count: count.parse().ok()?,
                covered: covered.parse().ok()?,
            },
            by: (*by).to_owned(),
            commit: (*commit).to_owned(),
            worst: (*worst).to_owned(),
        })
    }
}

/// The rows that a page has.
fn read_table(page: &str) -> Vec<Row> {
    page.lines().filter_map(Row::read).collect()
}

/// The figures as Markdown.
fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| crate | lines | reached | of a hundred | by which tests | commit | least reached files of 100 lines and more |\n\
         | --- | ---: | ---: | ---: | --- | --- | --- |\n",
    );
    let mut libraries = Lines::default();
    for row in rows {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {:.1} | {} | {} | {} |",
            row.name,
            row.lines.count,
            row.lines.covered,
            row.lines.share(),
            row.by,
            row.commit,
            row.worst
        );
        if row.name != PROGRAM {
            libraries.add(row.lines);
        }
    }
    let _ = writeln!(
        text,
        "| **all libraries** | {} | {} | **{:.1}** | | | |",
        libraries.count,
        libraries.covered,
        libraries.share()
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let counts = (
            Lines {
                count: 400,
                covered: 333,
            },
            vec![
                (
                    "src/a.rs".to_owned(),
                    Lines {
                        count: 200,
                        covered: 180,
                    },
                ),
                (
                    "src/b.rs".to_owned(),
                    Lines {
                        count: 150,
                        covered: 75,
                    },
                ),
                (
                    "src/small.rs".to_owned(),
                    Lines {
                        count: 5,
                        covered: 0,
                    },
                ),
            ],
        );
        let rows = vec![
            Row::new("engine", &counts, "its own".to_owned(), "abc1234"),
            Row::new("cli", &counts, "those of cli, engine".to_owned(), "abc1234"),
        ];
        let text = table(&rows);
        assert_eq!(read_table(&text), rows);
        assert!(text.contains(
            "| `engine` | 400 | 333 | 83.2 | its own | abc1234 | `src/b.rs` 50, `src/a.rs` 90 |"
        ));
        assert!(
            text.contains("| **all libraries** | 400 | 333 |"),
            "the program is no library"
        );
    }
}
