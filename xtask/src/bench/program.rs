//! The programs that are measured: built for release, run in folders of their own on a real disk, ended with their value.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::steps::{output, pause, sh, succeeds};
use crate::workspace::{cargo, metadata, root};

/// Secret token of the webhooks in these measurements.
pub(crate) const SECRET: &str = "bench-webhook-secret";

/// Builds one program of the workspace with optimisation.
pub(crate) fn release(package: &str, binary: &str) -> Result<PathBuf> {
    sh(cargo().args([
        "build",
        "--release",
        "--quiet",
        "--locked",
        "--package",
        package,
        "--bin",
        binary,
    ]))?;
    Ok(metadata()?.target_directory.join("release").join(binary))
}

/// Builds one example of a package with optimisation.
pub(crate) fn release_example(package: &str, name: &str) -> Result<PathBuf> {
    sh(cargo().args([
        "build",
        "--release",
        "--quiet",
        "--locked",
        "--package",
        package,
        "--example",
        name,
    ]))?;
    let target = metadata()?.target_directory;
    Ok(target.join("release/examples").join(name))
}

/// A running program that ends with this value, by its process id and no other way.
pub(crate) struct Running(Child);

impl Running {
    /// Starts a program that says where it listens in one line of JSON, in the member `address` of that line.
    pub(crate) fn announced(command: &mut Command, address: &str) -> Result<(Self, SocketAddr)> {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        let mut running = Self(child);
        // The pipe stays with the child, so that it can go on writing.
        let stdout = running.0.stdout.as_mut().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let said: Value = serde_json::from_str(&line)
            .with_context(|| format!("the program said {line:?} and not where it listens"))?;
        let listens = said
            .get(address)
            .and_then(Value::as_str)
            .and_then(|url| url.trim_start_matches("http://").parse().ok())
            .with_context(|| format!("no address in {line}"))?;
        Ok((running, listens))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// SIGKILL, at once.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait()?;
        Ok(())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder for one measurement, empty, below the target directory; never on memory that only looks like a disk.
pub(crate) fn fresh(name: &str) -> Result<PathBuf> {
    let folder = kept(name)?;
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    disk(&folder)?;
    Ok(folder)
}

/// Where the folder of a measurement is, whether or not it was made.
pub(crate) fn kept(name: &str) -> Result<PathBuf> {
    Ok(metadata()?.target_directory.join("bench").join(name))
}

/// File system and device under a folder; an error when it is memory.
pub(crate) fn disk(folder: &Path) -> Result<String> {
    let said = output(
        Command::new("df")
            .args(["--output=fstype,source"])
            .arg(folder),
    )?;
    let line = said.lines().nth(1).unwrap_or_default();
    let (kind, device) = line
        .trim()
        .split_once(char::is_whitespace)
        .context("df says nothing")?;
    ensure!(
        !matches!(kind, "tmpfs" | "ramfs" | "devtmpfs"),
        "{} is on {kind}: figures about durability mean nothing there; set CARGO_TARGET_DIR to a disk",
        folder.display()
    );
    Ok(format!("{kind} on {}", device.trim()))
}

/// Parfocal in a folder, with an environment of nothing but what is given.
pub(crate) struct Home {
    binary: PathBuf,
    folder: PathBuf,
    environment: Vec<(String, String)>,
}

impl Home {
    pub(crate) fn new(binary: &Path, folder: &Path) -> Self {
        Self {
            binary: binary.to_owned(),
            folder: folder.to_owned(),
            environment: vec![("ZOOM_WEBHOOK_SECRET_TOKEN".to_owned(), SECRET.to_owned())],
        }
    }

    /// Credentials of the simulated account at an address.
    pub(crate) fn with_account(mut self, simulator: SocketAddr) -> Self {
        let base = format!("http://{simulator}");
        for (name, value) in [
            ("ZOOM_API_URL", format!("{base}/v2")),
            ("ZOOM_OAUTH_URL", base),
            ("ZOOM_DOWNLOAD_HOSTS", "127.0.0.1".to_owned()),
            ("ZOOM_ACCOUNT_ID", "simulator".to_owned()),
            ("ZOOM_S2S_CLIENT_ID", "simulator".to_owned()),
            ("ZOOM_S2S_CLIENT_SECRET", "simulator".to_owned()),
        ] {
            self.environment.push((name.to_owned(), value));
        }
        self
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .arg("--json")
            .current_dir(&self.folder)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end and reads what it printed.
    pub(crate) fn json(&self, arguments: &[&str]) -> Result<Value> {
        let said = output(&mut self.command(arguments))?;
        serde_json::from_str(&said).with_context(|| format!("{arguments:?} printed no JSON"))
    }

    pub(crate) fn serve(&self) -> Result<(Running, SocketAddr)> {
        let log = std::fs::File::create(self.folder.join("serve.log"))?;
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        Running::announced(command.stderr(log), "listening")
    }

    /// A simulated account whose rate limits are off.
    pub(crate) fn simulate(&self, more: &[&str]) -> Result<(Running, SocketAddr)> {
        let mut arguments = vec!["simulate", "--port", "0", "--limits", "off"];
        arguments.extend(more);
        let log = std::fs::File::create(self.folder.join("simulate.log"))?;
        Running::announced(self.command(&arguments).stderr(log), "base_url")
    }
}

/// What a server answered.
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// A header, by its name in small letters.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// The body as JSON, if the status is as expected.
    pub(crate) fn json(&self, expected: u16) -> Result<Value> {
        let text = String::from_utf8_lossy(&self.body);
        ensure!(
            self.status == expected,
            "the answer was {}: {text}",
            self.status
        );
        Ok(serde_json::from_str(&text)?)
    }
}

/// A kept connection for plain requests.
pub(crate) struct Http {
    stream: BufReader<TcpStream>,
    host: SocketAddr,
}

impl Http {
    pub(crate) fn connect(host: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_mins(2)))?;
        Ok(Self {
            stream: BufReader::new(stream),
            host,
        })
    }

    /// Status and body of an answer that names its length.
    pub(crate) fn get(&mut self, path: &str) -> Result<(u16, Vec<u8>)> {
        let reply = self.ask("GET", path, &[], None)?;
        Ok((reply.status, reply.body))
    }

    /// The same for a POST of JSON.
    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Result<(u16, Vec<u8>)> {
        let reply = self.ask("POST", path, &[], Some(&body.to_string()))?;
        Ok((reply.status, reply.body))
    }

    /// A POST of JSON with headers of its own, written already.
    pub(crate) fn send(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<(u16, Vec<u8>)> {
        let reply = self.ask("POST", path, headers, Some(body))?;
        Ok((reply.status, reply.body))
    }

    /// Any request, with further headers.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Result<Reply> {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.host);
        for (name, value) in headers {
            write!(request, "{name}: {value}\r\n")?;
        }
        match body {
            Some(body) => {
                write!(
                    request,
                    "content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                )?;
            }
            None => request.push_str("\r\n"),
        }
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut line = String::new();
        self.stream.read_line(&mut line)?;
        let status = line
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .with_context(|| format!("{path} was answered with {line:?}"))?;
        let mut reply = Reply {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        };
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            reply
                .headers
                .push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let length = reply.header("content-length").map_or(Ok(0), str::parse)?;
        reply.body = vec![0; length];
        self.stream.read_exact(&mut reply.body)?;
        Ok(reply)
    }

    pub(crate) fn json(&mut self, path: &str) -> Result<Value> {
        let (status, body) = self.get(path)?;
        ensure!(status == 200, "{path} was answered with {status}");
        Ok(serde_json::from_slice(&body)?)
    }
}

/// Waits until a server answers that it is ready.
pub(crate) fn ready(address: SocketAddr) -> Result<()> {
    for _ in 0..200 {
        if let Ok(mut http) = Http::connect(address)
            && matches!(http.get("/readyz"), Ok((200, _)))
        {
            return Ok(());
        }
        pause();
    }
    bail!("the server at {address} is not ready after ten seconds")
}

/// Folder of other people's programs with what they need installed; nothing where that is impossible, said aloud.
pub(crate) fn peers(name: &str) -> Option<PathBuf> {
    let folder = root().join("peers").join(name);
    if !succeeds(Command::new("node").arg("--version")) {
        println!("   skipped: node is not on this machine");
        return None;
    }
    if !folder.join("node_modules/.package-lock.json").is_file() {
        // better-sqlite3 is compiled here when no built one can be had: that takes minutes.
        let installed = sh(Command::new("npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(&folder));
        if let Err(error) = installed {
            println!("   skipped: {name} cannot be installed ({error:#})");
            return None;
        }
    }
    Some(folder)
}
