//! A real browser walks the console: filter, search, open a meeting, retry a dead letter, connect an account, lose it and connect
//! again; previews a mapping and mends a dead delivery; opens the panel in a meeting as inside Zoom's client; axe looks at every page.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::{Stage, installed, text};
use crate::steps::{is_root, sh, succeeds};
use crate::workspace::{metadata, root};

/// A meeting whose topic, names and talk would run in a careless page.
const HOSTILE_TOPIC: &str = "<img src=x onerror=alert(1)>";
const HOSTILE_TALK: &str = "WEBVTT\r\n\r\n1\r\n00:00:01.000 --> 00:00:04.000\r\n\
    Eve \"><b onmouseover=alert(3)>: This is quite harmless <script>alert(2)</script> budget talk.\r\n\r\n\
    2\r\n00:00:04.000 --> 00:00:06.000\r\n\
    Eve \"><b onmouseover=alert(3)>: {{ 7 * 7 }} ${7 * 7} </textarea></title>\r\n\r\n";

pub(crate) fn console() -> Result<()> {
    let Some(folder) = installed("browser")? else {
        return Ok(());
    };
    let Some(chromium) = chromium()? else {
        return Ok(());
    };
    let mut stage = Stage::new("console")?;
    let meeting = stage.folder.join("transcripts").join(HOSTILE_TOPIC);
    std::fs::create_dir_all(&meeting)?;
    std::fs::write(meeting.join("transcript.vtt"), HOSTILE_TALK)?;
    let port = free_port()?;
    let base = format!("http://127.0.0.1:{port}");
    stage.set("ZOOM_API_URL", format!("{base}/v2"));
    stage.set("ZOOM_OAUTH_URL", base.clone());
    stage.set("ZOOM_PUBLIC_CLIENT_ID", "simulator-public");
    stage.set("ZOOM_CLIENT_ID", "simulator-user");
    stage.set("ZOOM_CLIENT_SECRET", "simulator-user-secret");
    stage.set("ZOOM_WEBHOOK_SECRET_TOKEN", "simulator-webhook-secret");
    stage.set("ZOOM_DOWNLOAD_HOSTS", "127.0.0.1");
    for name in [
        "ZOOM_ACCOUNT_ID",
        "ZOOM_S2S_CLIENT_ID",
        "ZOOM_S2S_CLIENT_SECRET",
    ] {
        stage.set(name, "simulator");
    }
    // First the built-in organisation, with a list that never ends: work that is given up and waits for a person. Then
    // the same account with the hostile meeting.
    let port = port.to_string();
    let simulate = ["simulate", "--port", &port, "--limits", "off", "--json"];
    let (first, _) = stage.start(
        &[
            &simulate[..],
            &["--fault", "endless_pages,path=/v2/report/history_meetings"],
        ]
        .concat(),
    )?;
    take_in(&stage)?;
    drop(first);
    let (_second, _) = stage.start(&[&simulate[..], &["--transcripts", "transcripts"]].concat())?;
    take_in(&stage)?;
    for component in ["scheduling", "mail", "zoomapp", "activation", "brevo"] {
        sh(&mut stage.command(&["component", "activate", component, "--anyway"]))?;
    }
    carry(&stage, &base)?;
    let (_server, said) = stage.start(&["serve", "--listen", "127.0.0.1:0", "--json"])?;
    // The account of the walk has no recordings: a console of its own has one whose recordings lie at Zoom.
    let port = free_port()?.to_string();
    let zoom = format!("http://127.0.0.1:{port}");
    let (_zoom, _) = stage.start(&["simulate", "--port", &port, "--limits", "off", "--json"])?;
    stage.set("PARFOCAL_DATA__DIR", "recorded");
    stage.set("ZOOM_API_URL", format!("{zoom}/v2"));
    stage.set("ZOOM_OAUTH_URL", zoom);
    take_in(&stage)?;
    let (_recorded, recorded) = stage.start(&["serve", "--listen", "127.0.0.1:0", "--json"])?;
    // A console of its own, where people sign in at a provider that the walk brings along.
    let issuer = format!("http://127.0.0.1:{}", free_port()?);
    for (name, value) in [
        ("PARFOCAL_DATA__DIR", "guarded"),
        ("PARFOCAL_SERVER__AUTH", "keys"),
        ("PARFOCAL_OIDC__ISSUER", &issuer),
        ("PARFOCAL_OIDC__NAME", "Example"),
        ("PARFOCAL_OIDC__CLIENT_ID", "parfocal"),
        ("PARFOCAL_OIDC__CLIENT_SECRET", "a secret: of/the?client"),
        ("PARFOCAL_OIDC__ADMIN", "ana@example.org"),
    ] {
        stage.set(name, value);
    }
    let (_guarded, guarded) = stage.start(&["serve", "--listen", "127.0.0.1:0", "--json"])?;
    let shots = metadata()?.target_directory.join("shots");
    let result = sh(Command::new("node")
        // One walk after the other: each changes what the next one sees.
        .args(["--test", "--test-concurrency=1"])
        .current_dir(folder)
        .env("SIMULATOR_URL", base)
        .env("CONSOLE_URL", text(&said, "listening")?)
        .env("RECORDED_URL", text(&recorded, "listening")?)
        .env("SIGNIN_URL", text(&guarded, "listening")?)
        .env("ISSUER", &issuer)
        .env("SHOTS", &shots)
        .env("CHROMIUM", chromium));
    println!("   pictures of every page are in {}", shots.display());
    result
}

/// Two destinations: the double of Brevo, which lacks the template of one mail, and an endpoint that is not there.
fn carry(stage: &Stage, base: &str) -> Result<()> {
    let key = stage.folder.join("brevo.key");
    std::fs::write(&key, "xkeysib-simulator")?;
    let mapping = root().join("peers/browser/guests.yaml");
    let mapping =
        std::fs::read_to_string(&mapping).with_context(|| mapping.display().to_string())?;
    let config = serde_json::json!({
        "base_url": format!("{base}/brevo/v3"), "mapping": mapping, "settle_seconds": 0,
    });
    let config = config.to_string();
    let key = key.display().to_string();
    let brevo = [
        "destination",
        "add",
        "brevo",
        "newsletter",
        "--config-json",
        &config,
        "--secret-file",
        &key,
    ];
    sh(&mut stage.command(&brevo))?;
    let url = format!("{base}/_sim/nobody-listens-here");
    let hook = [
        "destination",
        "add",
        "webhook",
        "crm",
        "--url",
        &url,
        "--private-networks",
    ];
    sh(&mut stage.command(&hook))?;
    sh(&mut stage.command(&["destination", "backfill", "newsletter"]))?;
    sh(&mut stage.command(&["destination", "backfill", "crm", "--only", "backfill.*"]))
}

fn take_in(stage: &Stage) -> Result<()> {
    let done = stage
        .command(&["backfill", "start", "--json"])
        .output()
        .context("cannot start parfocal")?;
    // What was given up is a failure, too, and meant.
    if matches!(done.status.code(), Some(0 | 1 | 3)) && !done.stdout.is_empty() {
        return Ok(());
    }
    bail!(
        "the backfill failed: {}",
        String::from_utf8_lossy(&done.stderr)
    )
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// Debian's Chromium with a font for Chinese, Japanese and Korean; installed when root may do so.
fn chromium() -> Result<Option<PathBuf>> {
    let program = Path::new("/usr/bin/chromium");
    let fonts = Path::new("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc");
    if !program.is_file() || !fonts.is_file() {
        if !is_root() || !succeeds(Command::new("apt-get").arg("--version")) {
            if program.is_file() {
                return Ok(Some(program.to_owned()));
            }
            println!("   skipped: chromium is not on this machine and only root could install it");
            return Ok(None);
        }
        println!("   installing Debian's chromium and fonts");
        sh(Command::new("apt-get").args(["-qq", "update"]))?;
        sh(Command::new("apt-get")
            .args([
                "-qq",
                "install",
                "-y",
                "--no-install-recommends",
                "chromium",
                "fonts-noto-cjk",
                "fonts-dejavu-core",
            ])
            .env("DEBIAN_FRONTEND", "noninteractive"))?;
    }
    Ok(Some(program.to_owned()))
}
