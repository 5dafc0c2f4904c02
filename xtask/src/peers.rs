//! Other people's programs against ours: started with what they need, skipped aloud where they cannot run.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::steps::{output, sh, succeeds};
use crate::workspace::{cargo, metadata, root};

/// Zoom's JavaScript SDK, unmodified and with Zoom's hosts built in, against the simulator's TLS and proxy.
pub(crate) fn rivet() -> Result<()> {
    let folder = root().join("peers/rivet");
    if !succeeds(Command::new("node").arg("--version"))
        || !succeeds(Command::new("npm").arg("--version"))
    {
        println!("   skipped: node and npm are not on this machine");
        return Ok(());
    }
    if is_older(
        &folder.join("node_modules/.package-lock.json"),
        &folder.join("package-lock.json"),
    ) {
        let install = sh(Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(&folder));
        if let Err(error) = install {
            ensure!(std::env::var_os("CI").is_none(), error);
            println!("   skipped: the SDK cannot be installed ({error:#})");
            return Ok(());
        }
    }
    sh(cargo().args(["build", "--quiet", "--package", "parfocal"]))?;
    let binary = metadata()?.target_directory.join("debug/parfocal");
    let data = std::env::temp_dir().join(format!("parfocal-rivet-{}", std::process::id()));
    std::fs::create_dir_all(&data)?;
    let result = against_the_simulator(&binary, &data, &folder);
    // A folder that stays behind does no harm.
    let _ = std::fs::remove_dir_all(&data);
    result
}

fn against_the_simulator(binary: &Path, data: &Path, folder: &Path) -> Result<()> {
    let mut simulator = Running(
        Command::new(binary)
            .args([
                "simulate", "--tls", "--port", "0", "--limits", "off", "--json", "--data",
            ])
            .arg(data)
            .current_dir(data)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", binary.display()))?,
    );
    let mut said = String::new();
    let stdout = simulator
        .0
        .stdout
        .take()
        .context("the simulator has no standard output")?;
    BufReader::new(stdout).read_line(&mut said)?;
    let said: serde_json::Value =
        serde_json::from_str(&said).context("the simulator said nothing")?;
    let url = said
        .get("base_url")
        .and_then(serde_json::Value::as_str)
        .context("the simulator named no address")?;
    let authority = output(
        Command::new(binary)
            .args(["simulate", "ca", "--data"])
            .arg(data)
            .current_dir(data),
    )?;
    // The port speaks TLS and plain HTTP; the proxy and the control are spoken to plainly.
    let plain = url.replacen("https://", "http://", 1);
    sh(Command::new("node")
        .arg("--test")
        .current_dir(folder)
        .env("SIM_URL", &plain)
        .env("HTTPS_PROXY", &plain)
        .env("NO_PROXY", "127.0.0.1")
        .env("NODE_EXTRA_CA_CERTS", authority.trim()))
}

/// A program that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether a file is missing or older than another.
fn is_older(file: &Path, than: &Path) -> bool {
    let changed = |path: &Path| {
        path.metadata()
            .and_then(|metadata| metadata.modified())
            .ok()
    };
    match (changed(file), changed(than)) {
        (Some(file), Some(than)) => file < than,
        _ => true,
    }
}
