//! Whether questions find their meeting, and the place in it.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::data;
use crate::steps::sh;
use crate::workspace::{cargo, metadata, root};

/// What both searches read.
#[derive(Serialize)]
pub(crate) struct Input {
    pub(crate) meetings: Vec<Talk>,
    pub(crate) questions: Vec<Question>,
}

/// A meeting without a title: searched is what was said.
#[derive(Serialize)]
pub(crate) struct Talk {
    pub(crate) name: String,
    pub(crate) turns: Vec<Turn>,
}

#[derive(Serialize)]
pub(crate) struct Turn {
    pub(crate) speaker: String,
    pub(crate) text: String,
}

#[derive(Serialize)]
pub(crate) struct Question {
    pub(crate) meeting: usize,
    pub(crate) text: String,
    /// First and last turn of what answers it, from 0.
    pub(crate) spans: Vec<(u32, u32)>,
}

/// Where the right ones stand, from 0; none when they are not among the first ten.
#[derive(Deserialize)]
struct Ranks {
    meeting: Option<usize>,
    turn: Option<usize>,
}

/// The section of the page; none without questions.
pub(super) fn measure(page: &mut String) -> Result<()> {
    let input = data::asked()?;
    if input.questions.is_empty() {
        return Ok(());
    }
    let text = serde_json::to_string(&input)?;
    println!("   search");
    // With the features of the whole workspace, of which most is built already.
    sh(cargo().args(["build", "--quiet", "--workspace", "--example", "find"]))?;
    let target = metadata()?.target_directory;
    let folder = target.join("quality");
    std::fs::create_dir_all(&folder)?;
    let database = folder.join("find.db");
    for ending in ["", "-wal", "-shm"] {
        let mut file = database.clone().into_os_string();
        file.push(ending);
        if std::path::Path::new(&file).exists() {
            std::fs::remove_file(&file)?;
        }
    }
    let ours = ranks(
        Command::new(target.join("debug/examples/find")).arg(&database),
        &text,
    )?;
    let plain = ranks(
        Command::new("python3").arg(root().join("xtask/src/quality/plain.py")),
        &text,
    )?;
    ensure!(
        ours.len() == input.questions.len() && plain.len() == ours.len(),
        "a search left questions out"
    );
    let _ = write!(
        page,
        "\n## Search\n\n{} questions of people about {} meetings, and the turns that answer each. All words of a question are searched, \
         any of them may fit; meetings have no titles and no insights here. Right meeting among all, and a turn that answers \
         inside the right meeting, among the first 1, 5 and 10. Plain FTS5: one row a turn, words joined by OR, `ORDER BY rank`. An \
         utterance of ours may join turns of one speaker.\n\n\
         | search | meeting @1 | @5 | @10 | turn @1 | @5 | @10 |\n| --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        input.questions.len(),
        input.meetings.len(),
    );
    for (name, ranks) in [("**Parfocal**", &ours), ("plain FTS5", &plain)] {
        let meeting = |first: usize| share(ranks, |ranks| ranks.meeting, first);
        let turn = |first: usize| share(ranks, |ranks| ranks.turn, first);
        let _ = writeln!(
            page,
            "| {name} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |",
            meeting(1),
            meeting(5),
            meeting(10),
            turn(1),
            turn(5),
            turn(10)
        );
    }
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a few hundred questions")]
fn share(ranks: &[Ranks], rank: fn(&Ranks) -> Option<usize>, first: usize) -> f64 {
    let right = ranks
        .iter()
        .filter(|ranks| rank(ranks).is_some_and(|rank| rank < first))
        .count();
    right as f64 / ranks.len() as f64
}

fn ranks(command: &mut Command, text: &str) -> Result<Vec<Ranks>> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    // It reads everything before it writes anything.
    child
        .stdin
        .take()
        .context("the search has no input")?
        .write_all(text.as_bytes())?;
    let done = child.wait_with_output()?;
    ensure!(done.status.success(), "the search failed");
    Ok(serde_json::from_slice(&done.stdout)?)
}
