//! Schemathesis, from PyPI, against the served description: an administrator's key, a simulated account behind.

use std::process::Command;

use anyhow::Result;

use super::{Stage, python, text};
use crate::steps::{output, sh};
use crate::workspace::root;

/// What is looked for: no 5xx, nothing that the description does not say.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
/// How long it may look, in seconds.
const SECONDS: &str = "180";

pub(crate) fn schemathesis() -> Result<()> {
    let folder = root().join("peers/schemathesis");
    let Some(python) = python("schemathesis")? else {
        return Ok(());
    };
    let mut stage = Stage::new("schemathesis")?;
    let (_simulator, said) =
        stage.start(&["simulate", "--port", "0", "--limits", "off", "--json"])?;
    let base = text(&said, "base_url")?.to_owned();
    stage.set("ZOOM_API_URL", format!("{base}/v2"));
    stage.set("ZOOM_OAUTH_URL", base);
    stage.set("ZOOM_DOWNLOAD_HOSTS", "127.0.0.1");
    stage.set("ZOOM_ACCOUNT_ID", "simulator");
    stage.set("ZOOM_S2S_CLIENT_ID", "simulator");
    stage.set("ZOOM_S2S_CLIENT_SECRET", "simulator");
    stage.set("ZOOM_WEBHOOK_SECRET_TOKEN", "simulator-webhook-secret");
    stage.set("PARFOCAL_LIMITS__PLAN", "off");
    sh(&mut stage.command(&["connections", "check", "env"]))?;
    sh(&mut stage.command(&["backfill", "start", "--json"]))?;
    // Off at first; what is off answers 404 to everything.
    for component in [
        "scheduling",
        "mail",
        "reminders",
        "calendar-feed",
        "activation",
    ] {
        sh(&mut stage.command(&["component", "activate", component, "--anyway"]))?;
    }
    // A receiver that is never there: what goes to it waits, and can be looked at, retried and dropped.
    for name in ["out", "doomed"] {
        sh(&mut stage.command(&[
            "destination",
            "add",
            "webhook",
            name,
            "--url",
            "http://127.0.0.1:9/hooks",
            "--private-networks",
            "--json",
        ]))?;
    }
    sh(&mut stage.command(&["destination", "backfill", "out", "--json"]))?;
    let made = output(&mut stage.command(&[
        "keys",
        "create",
        "schemathesis",
        "--role",
        "admin",
        "--json",
    ]))?;
    let made: serde_json::Value = serde_json::from_str(&made)?;
    let key = text(&made, "key")?;
    let (_server, said) = stage.start(&["serve", "--listen", "127.0.0.1:0", "--json"])?;
    let server = text(&said, "listening")?;
    let (document, report) = (
        stage.folder.join("api.json"),
        stage.folder.join("report.ndjson"),
    );
    sh(Command::new("python3")
        .arg(folder.join("prepare.py"))
        .args([server, key])
        .arg(&document))?;
    let looked = sh(Command::new(python.with_file_name("st"))
        .arg("run")
        .arg(&document)
        .args([
            "--url",
            server,
            "--header",
            &format!("Authorization: Bearer {key}"),
        ])
        .args([
            "--phases",
            "examples,coverage,fuzzing",
            "--checks",
            CHECKS,
            "--max-time",
            SECONDS,
        ])
        .args([
            "--max-examples",
            "8",
            "--no-shrink",
            "--generation-deterministic",
            "--continue-on-failure",
            "--no-color",
        ])
        .args(["--report", "ndjson", "--report-ndjson-path"])
        .arg(&report));
    sh(Command::new("python3")
        .arg(folder.join("judge.py"))
        .arg(&document)
        .arg(&report))?;
    looked
}
