//! The reference of error codes, made from the engine's table and the few codes that only the command line has.

use std::fmt::Write as _;

use parfocal_engine::{Code, Kind};

use super::Exit;

/// Codes of the command line itself: code, title, cause, mend, exit.
const OWN: [(&str, &str, &str, &str, Exit); 4] = [
    (
        "usage",
        "The command line is wrong",
        "A flag or argument is unknown, missing, or does not fit the others.",
        "Add --help to the command to see what it takes.",
        Exit::Usage,
    ),
    (
        "config",
        "The configuration is not usable",
        "A key is unknown, or a value cannot be used. Every complaint names the key, the source and the mend.",
        "Mend it, then run `parfocal config check`; `parfocal config reference` explains every key.",
        Exit::Usage,
    ),
    (
        "file",
        "A file cannot be read or written",
        "The path does not exist, this user may not use it, or the disk is full.",
        "Check the path, its owner and the free space.",
        Exit::Failed,
    ),
    (
        "simulator",
        "The simulated account failed",
        "Its port is taken, its transcripts folder holds nothing, or a control call was refused.",
        "The message says which; `--port 0` takes a free port.",
        Exit::Failed,
    ),
];

/// The page as Markdown.
pub(crate) fn markdown() -> String {
    let mut page = String::from(
        "# Error codes\n\nEvery failure has a stable code: in `code` of the JSON problem that `--json` prints on standard error and \
         that the API answers with.\n",
    );
    for code in Code::ALL {
        let status = parfocal_server::problem::status_of(code.kind()).as_u16();
        let exit = exit_of(code.kind()).number();
        entry(
            &mut page,
            code.as_str(),
            code.title(),
            code.cause(),
            code.mend(),
        );
        // Writing to a String cannot fail.
        let _ = writeln!(page, "\n- Exit code: {exit} · HTTP status: {status}");
    }
    for (code, title, cause, mend, exit) in OWN {
        entry(&mut page, code, title, cause, mend);
        let _ = writeln!(page, "\n- Exit code: {}", exit.number());
    }
    page
}

fn entry(page: &mut String, code: &str, title: &str, cause: &str, mend: &str) {
    let _ = writeln!(page, "\n### `{code}`: {title}\n\n{cause}\n\n{mend}");
}

/// How the program ends after a failure of the engine.
pub(crate) fn exit_of(kind: Kind) -> Exit {
    match kind {
        Kind::NeedsAttention => Exit::NeedsAttention,
        _ => Exit::Failed,
    }
}
