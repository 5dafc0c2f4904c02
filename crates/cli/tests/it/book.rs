//! Every command in the book and in README.md works.
//!
//! Blocks marked `sh` are run line by line in a shell, page by page, each page in a directory of its own. A comment at
//! the top of a page says in which world it is read:
//! - `<!-- world: simulator -->`: a Zoom account answers at the address that the book names, and nothing is connected,
//! - `<!-- world: connected -->`: and its credentials are in the environment,
//! - `<!-- world: filled -->`: and its past was taken in, a server runs and a live meeting was held.
//!
//! Commands that run until they are stopped are started, waited for until they say something, and stopped at the end of
//! the page (with `--port 0`: at once). `MEETING` and `EVENT` stand for ids, as the book says.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Commands for people who work on the project; run by them and by CI, not here.
const NOT_HERE: [&str; 5] = [
    "cargo build",
    "cargo xtask",
    "cargo test",
    "pre-commit",
    "parfocal demo --once",
];

/// The simulator's credentials, as the book gives them.
const CREDENTIALS: [(&str, &str); 4] = [
    ("ZOOM_ACCOUNT_ID", "simulator"),
    ("ZOOM_S2S_CLIENT_ID", "simulator"),
    ("ZOOM_S2S_CLIENT_SECRET", "simulator"),
    ("ZOOM_WEBHOOK_SECRET_TOKEN", "simulator-webhook-secret"),
];

#[test]
fn every_command_of_the_book_and_readme_works() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut pages = vec![root.join("README.md")];
    collect(&root.join("docs/src"), &mut pages);
    let filled = Reader::filled();
    let mut faults = String::new();
    let mut commands = 0;
    for page in &pages {
        let text = std::fs::read_to_string(page).unwrap();
        let lines = lines_of(&text);
        if lines.is_empty() {
            continue;
        }
        let name = page.strip_prefix(&root).unwrap().display();
        let began = Instant::now();
        let mut own = match world(&text) {
            "filled" => None,
            world => Some(Reader::new(world)),
        };
        for line in &lines {
            commands += 1;
            let reader = own.as_mut();
            let outcome = match reader {
                Some(reader) => reader.run(line),
                None => filled.again().run(line),
            };
            if let Err(fault) = outcome {
                let _ = writeln!(faults, "{name}: {line}\n{fault}\n");
            }
        }
        eprintln!(
            "{name}: {} commands in {:.1} s",
            lines.len(),
            began.elapsed().as_secs_f64()
        );
    }
    assert!(faults.is_empty(), "{faults}");
    assert!(commands > 30, "only {commands} commands were found");
}

fn collect(folder: &Path, pages: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, pages);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            pages.push(path);
        }
    }
}

fn world(text: &str) -> &str {
    text.lines()
        .find_map(|line| line.strip_prefix("<!-- world: ")?.strip_suffix(" -->"))
        .unwrap_or("none")
}

/// The commands of all blocks marked `sh`, continued lines joined, comments left out.
fn lines_of(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut inside = false;
    let mut open = String::new();
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside {
            if let Some(part) = line.strip_suffix('\\') {
                open.push_str(part);
            } else {
                open.push_str(line.split(" # ").next().unwrap_or_default().trim());
                let line = std::mem::take(&mut open);
                if !line.is_empty() && !line.starts_with('#') {
                    lines.push(line);
                }
            }
        }
    }
    lines
}

/// Somebody who reads a page and types its commands.
struct Reader {
    directory: tempfile::TempDir,
    environment: BTreeMap<String, String>,
    port: u16,
    running: Vec<Background>,
}

/// A program that runs until it is stopped.
struct Background {
    child: Child,
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Reader {
    fn new(world: &str) -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut reader = Self {
            directory: tempfile::tempdir().unwrap(),
            environment: BTreeMap::from([(
                "PARFOCAL_SERVER__LISTEN".to_owned(),
                "127.0.0.1:0".to_owned(),
            )]),
            port,
            running: Vec::new(),
        };
        if world != "none" {
            // One clock for both, so that a live meeting can be played without waiting for it.
            reader.must("parfocal simulate --limits off --clock-file clock.json");
            let clock = reader
                .directory
                .path()
                .join("clock.json")
                .display()
                .to_string();
            reader
                .environment
                .insert("PARFOCAL_CLOCK__FILE".to_owned(), clock);
            reader.point_at_the_simulator();
        }
        if world == "connected" {
            let own = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
            reader.environment.extend(CREDENTIALS.map(own));
        }
        reader
    }

    /// A reader before whom everything has happened.
    fn filled() -> Self {
        let mut reader = Self::new("connected");
        let listen = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .unwrap()
            .local_addr()
            .unwrap();
        reader
            .environment
            .insert("PARFOCAL_SERVER__LISTEN".to_owned(), listen.to_string());
        reader.must("parfocal serve");
        reader.must("parfocal backfill start");
        let target = format!(r#"{{"url":"http://{listen}/webhooks/zoom","events":["*"]}}"#);
        reader.control("subscriptions", &target);
        reader.control("live", r#"{"jump":true}"#);
        let deadline = Instant::now() + Duration::from_mins(1);
        while reader
            .first("parfocal events list --limit 1 --json")
            .is_none()
        {
            let said = || (reader.shell("parfocal events list --json"), reader.errors());
            assert!(Instant::now() < deadline, "no event arrived: {:?}", said());
            std::thread::sleep(Duration::from_millis(100));
        }
        // Servers of the pages listen elsewhere.
        reader.environment.insert(
            "PARFOCAL_SERVER__LISTEN".to_owned(),
            "127.0.0.1:0".to_owned(),
        );
        reader
    }

    /// Another reader in the same place; what it starts ends with it.
    fn again(&self) -> Visitor<'_> {
        Visitor { host: self }
    }

    fn point_at_the_simulator(&mut self) {
        let base = format!("http://127.0.0.1:{}", self.port);
        self.environment
            .insert("ZOOM_API_URL".to_owned(), format!("{base}/v2"));
        self.environment.insert("ZOOM_OAUTH_URL".to_owned(), base);
        self.environment
            .insert("ZOOM_DOWNLOAD_HOSTS".to_owned(), "127.0.0.1".to_owned());
    }

    fn must(&mut self, line: &str) {
        if let Err(fault) = self.run(line) {
            panic!("{line}\n{fault}");
        }
    }

    fn run(&mut self, line: &str) -> Result<(), String> {
        let line = self.translate(line);
        if NOT_HERE.iter().any(|start| line.starts_with(start)) {
            return Ok(());
        }
        if let Some(assignments) = line.strip_prefix("export ") {
            for (name, value) in assignments
                .split_whitespace()
                .filter_map(|part| part.split_once('='))
            {
                self.environment.insert(name.to_owned(), value.to_owned());
            }
            return Ok(());
        }
        if runs_until_stopped(&line) {
            let mut background = self.start(&line)?;
            if line.contains("--port 0") || line.starts_with("parfocal demo") {
                return stop(&mut background);
            }
            self.running.push(background);
            return Ok(());
        }
        if line.starts_with("parfocal connect user") {
            return self.agree(&line);
        }
        let said = self.shell(&line)?;
        // A search that finds nothing ends well too, but teaches nobody anything.
        if line.starts_with("parfocal search ") {
            let answer: Option<Value> = serde_json::from_str(&said).ok();
            let nothing = match &answer {
                Some(answer) => answer["items"].as_array().is_none_or(Vec::is_empty),
                None => said.trim().is_empty(),
            };
            if nothing {
                return Err("it finds nothing".to_owned());
            }
        }
        Ok(())
    }

    /// From what the book says to what is run here: the binary under its name, ports of this test.
    fn translate(&self, line: &str) -> String {
        let mut line = line
            .replace("cargo run --release -- ", "parfocal ")
            .replace(":8090", &format!(":{}", self.port));
        if line.starts_with("parfocal simulate") && !line.contains("--port") {
            let _ = write!(line, " --port {}", self.port);
        }
        for (word, list) in [
            (
                "MEETING",
                "parfocal meetings list --transcript --limit 1 --json",
            ),
            ("EVENT", "parfocal events list --limit 1 --json"),
        ] {
            if line.split_whitespace().any(|part| part == word) {
                line = line.replace(word, &self.first(list).unwrap_or_default());
            }
        }
        line
    }

    /// The id of the first thing of a list.
    fn first(&self, list: &str) -> Option<String> {
        let answer: Value = serde_json::from_str(&self.shell(list).ok()?).ok()?;
        let items = answer.get("items").unwrap_or(&answer);
        items.get(0)?.get("id")?.as_str().map(str::to_owned)
    }

    fn command(&self, line: &str) -> Command {
        let binaries = Path::new(env!("CARGO_BIN_EXE_parfocal")).parent().unwrap();
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("sh");
        command
            .args(["-euc", line])
            .current_dir(self.directory.path())
            .env_clear()
            .stdin(Stdio::null());
        command
            .env("PATH", format!("{}:{path}", binaries.display()))
            .envs(&self.environment);
        command
    }

    /// Runs a line to its end. Exit code 3 tells of something that a person should see, it is no fault of the command.
    fn shell(&self, line: &str) -> Result<String, String> {
        let output = self.command(line).output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        match output.status.code() {
            Some(0 | 3) => Ok(stdout),
            code => Err(format!(
                "exit code {code:?}\n{stdout}\n{}",
                String::from_utf8_lossy(&output.stderr)
            )),
        }
    }

    fn start(&self, line: &str) -> Result<Background, String> {
        let mut command = self.command(&format!("exec {line}"));
        command
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(self.directory.path().join("stderr")).unwrap());
        let mut background = Background {
            child: command.spawn().unwrap(),
        };
        let mut reader = BufReader::new(background.child.stdout.take().unwrap());
        let mut first = String::new();
        reader.read_line(&mut first).unwrap();
        // Later lines are read away so that the program never blocks on them.
        std::thread::spawn(move || std::io::copy(&mut reader, &mut std::io::sink()));
        if first.is_empty() {
            return Err(format!("it ended without a word\n{}", self.errors()));
        }
        Ok(background)
    }

    /// Runs a command that waits for somebody, who agrees on the simulated account's page.
    fn agree(&self, line: &str) -> Result<(), String> {
        let mut command = self.command(&format!("exec {line} --json"));
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut asked = String::new();
        let mut reader = BufReader::new(child.stderr.take().unwrap());
        reader.read_line(&mut asked).unwrap();
        let Ok(asked) = serde_json::from_str::<Value>(&asked) else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("it asks for nothing: {asked}"));
        };
        let said = match (asked["open"].as_str(), asked["verification_uri"].as_str()) {
            (Some(open), _) => http(|client| client.get(format!("{open}&sim_consent=allow"))),
            (None, Some(uri)) => {
                let code = asked["user_code"].as_str().unwrap_or_default();
                http(|client| {
                    client
                        .post(uri)
                        .form(&[("user_code", code), ("consent", "allow")])
                })
            }
            (None, None) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("it asks for nothing: {asked}"));
            }
        };
        let output = child.wait_with_output().unwrap();
        match output.status.code() {
            Some(0 | 3) => Ok(()),
            code => Err(format!("exit code {code:?} after {asked} and {said:?}")),
        }
    }

    /// What the program started last wrote to standard error.
    fn errors(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("stderr")).unwrap_or_default()
    }

    /// A call to the simulator's control.
    fn control(&self, path: &str, body: &str) {
        let url = format!("http://127.0.0.1:{}/_sim/{path}", self.port);
        let status = http(|client| {
            client
                .post(&url)
                .header("content-type", "application/json")
                .body(body.to_owned())
        });
        assert!(status.0.is_success(), "{url}: {status:?}");
    }
}

/// One request, as a browser or an operator makes it.
fn http(
    request: impl FnOnce(&reqwest::Client) -> reqwest::RequestBuilder,
) -> (reqwest::StatusCode, String) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_mins(1))
            .build()
            .unwrap();
        let answer = request(&client).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    })
}

/// A reader in a place that belongs to another one.
struct Visitor<'r> {
    host: &'r Reader,
}

impl Visitor<'_> {
    fn run(&self, line: &str) -> Result<(), String> {
        let line = self.host.translate(line);
        if line.starts_with("export ") || NOT_HERE.iter().any(|start| line.starts_with(start)) {
            return Ok(());
        }
        if runs_until_stopped(&line) {
            return stop(&mut self.host.start(&line)?);
        }
        self.host.shell(&line).map(|_| ())
    }
}

fn runs_until_stopped(line: &str) -> bool {
    ["parfocal serve", "parfocal simulate", "parfocal demo"]
        .iter()
        .any(|start| line.starts_with(start))
}

/// Asks a program to stop as an operator does; it has to end well.
fn stop(background: &mut Background) -> Result<(), String> {
    let child = &mut background.child;
    let told = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(told.success());
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return if status.success() {
                Ok(())
            } else {
                Err(format!("after SIGTERM: {status}"))
            };
        }
        if Instant::now() > deadline {
            return Err("it does not stop".to_owned());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
