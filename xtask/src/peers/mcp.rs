//! The Model Context Protocol's own conformance tests, and its inspector as an independent client, on both transports.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{Stage, installed_with, text};
use crate::steps::{output, sh, succeeds};
use crate::tools::NODE;

/// The oldest Node that the inspector runs on.
const NODE_AT_LEAST: (u32, u32) = (22, 19);
/// Revisions whose required scenarios are run.
const REVISIONS: [&str; 2] = ["2026-07-28", "2025-11-25"];

pub(crate) fn mcp() -> Result<()> {
    let Some(path) = node()? else {
        return Ok(());
    };
    let Some(folder) = installed_with("mcp", path.as_deref())? else {
        return Ok(());
    };
    let mut stage = Stage::new("mcp")?;
    let (_simulator, said) =
        stage.start(&["simulate", "--port", "0", "--limits", "off", "--json"])?;
    let base = text(&said, "base_url")?.to_owned();
    stage.set("ZOOM_API_URL", format!("{base}/v2"));
    stage.set("ZOOM_OAUTH_URL", base);
    stage.set("ZOOM_DOWNLOAD_HOSTS", "127.0.0.1");
    for name in [
        "ZOOM_ACCOUNT_ID",
        "ZOOM_S2S_CLIENT_ID",
        "ZOOM_S2S_CLIENT_SECRET",
    ] {
        stage.set(name, "simulator");
    }
    stage.set("PARFOCAL_LIMITS__PLAN", "off");
    sh(&mut stage.command(&["connections", "check", "env"]))?;
    sh(&mut stage.command(&["backfill", "start", "--json"]))?;
    sh(&mut stage.command(&["component", "activate", "mcp"]))?;
    let (_server, said) = stage.start(&["serve", "--listen", "127.0.0.1:0", "--json"])?;
    let url = format!("{}/mcp", text(&said, "listening")?);
    let programs = folder.join("node_modules/.bin");
    let run = |program: &str| {
        let mut command = Command::new(programs.join(program));
        command.current_dir(&stage.folder);
        if let Some(path) = &path {
            command.env("PATH", path);
        }
        command
    };
    for revision in REVISIONS {
        println!("   conformance with {revision}");
        sh(run("conformance")
            .args(["server", "--url", &url])
            .args(["--requirements", revision])
            .arg("--expected-failures")
            .arg(folder.join(format!("expected-failures-{revision}.yml"))))?;
    }
    println!("   the inspector over HTTP");
    inspect(&|| {
        let mut command = run("mcp-inspector");
        command.args(["--cli", &url, "--transport", "http"]);
        command
    })?;
    println!("   the inspector on standard input and output");
    let binary = stage.binary.clone();
    inspect(&|| {
        let mut command = run("mcp-inspector");
        command.args(["--cli", "--cwd"]).arg(&stage.folder);
        for (name, value) in &stage.environment {
            command.arg("-e").arg(format!("{name}={value}"));
        }
        command.arg(&binary).arg("mcp");
        command
    })
}

/// Lists tools, calls one that answers from the store and one that reaches Zoom, reads a resource and a prompt.
fn inspect(client: &dyn Fn() -> Command) -> Result<()> {
    let ask = |arguments: &[&str]| -> Result<Value> {
        let said = output(client().args(arguments))?;
        serde_json::from_str(&said).with_context(|| format!("{arguments:?} gave {said}"))
    };
    let tools = ask(&["--method", "tools/list"])?;
    let names: Vec<&str> = tools["tools"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|tool| tool["name"].as_str())
        .collect();
    ensure!(
        names.contains(&"search") && names.contains(&"user.list"),
        "tools/list gave {names:?}"
    );
    ensure!(
        !names.contains(&"meeting.delete"),
        "what cannot be undone is offered"
    );
    let call = |name: &str, argument: &str| {
        let call = [
            "--method",
            "tools/call",
            "--tool-name",
            name,
            "--tool-arg",
            argument,
        ];
        ask(&call)
    };
    let found = call("search", "query=budget")?;
    ensure!(
        found["structuredContent"]["items"]
            .as_array()
            .is_some_and(|hits| !hits.is_empty()),
        "search gave {found}"
    );
    let users = call("user.list", "limit=2")?;
    ensure!(
        users["structuredContent"]["items"]
            .as_array()
            .is_some_and(|users| users.len() == 2),
        "user.list gave {users}"
    );
    let hit = found["structuredContent"]["items"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|hit| hit["transcript_id"].is_string())
        .context("nothing that was said was found")?;
    let uri = format!(
        "parfocal://transcript/{}/cues/{}-{}",
        text(hit, "transcript_id")?,
        hit["cue_from"],
        hit["cue_to"]
    );
    let cited = ask(&["--method", "resources/read", "--uri", &uri])?;
    ensure!(
        cited["contents"][0]["text"]
            .as_str()
            .is_some_and(|said| said.contains("[00:")),
        "{uri} gave {cited}"
    );
    let prompts = ask(&["--method", "prompts/list"])?;
    ensure!(
        prompts["prompts"]
            .as_array()
            .is_some_and(|prompts| prompts.len() >= 5),
        "prompts/list gave {prompts}"
    );
    Ok(())
}

/// A search path whose Node is new enough: the machine's own (then none is needed), or one from PyPI.
#[expect(
    clippy::option_option,
    reason = "none, said aloud: it cannot be had; some none: the machine's own will do"
)]
fn node() -> Result<Option<Option<OsString>>> {
    if is_new_enough(&output(Command::new("node").arg("--version")).unwrap_or_default())
        && succeeds(Command::new("npm").arg("--version"))
    {
        return Ok(Some(None));
    }
    let programs: PathBuf = match NODE.programs() {
        Ok(programs) => programs,
        Err(error) => {
            ensure!(std::env::var_os("CI").is_none(), error);
            println!("   skipped: Node 22 or newer cannot be had ({error:#})");
            return Ok(None);
        }
    };
    let before = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(programs.as_path().to_owned()).chain(std::env::split_paths(&before));
    let path = std::env::join_paths(all).context("a search path cannot be made")?;
    ensure!(
        succeeds(Command::new(Path::new(&programs).join("node")).arg("--version")),
        "the Node from PyPI does not start"
    );
    Ok(Some(Some(path)))
}

fn is_new_enough(version: &str) -> bool {
    let mut numbers = version
        .trim()
        .trim_start_matches('v')
        .split('.')
        .map(|number| number.parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    version >= NODE_AT_LEAST
}

#[cfg(test)]
mod tests {
    use super::is_new_enough;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert!(
            is_new_enough("v22.19.0\n") && is_new_enough("v24.1.0") && is_new_enough("v100.0.0")
        );
        assert!(!is_new_enough("v22.9.0") && !is_new_enough("v20.20.2") && !is_new_enough(""));
    }
}
