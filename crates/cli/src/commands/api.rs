//! `api`: one call to Zoom's REST API through a connection: its token, the account's budget, retries and errors are taken care of.

use std::io::Read as _;
use std::path::Path;

use clap::Args;
use futures_util::TryStreamExt as _;
use parfocal_engine::store::Connection;
use parfocal_engine::{App, EngineError};
use reqwest::Method;
use serde_json::{Value, json};

use crate::context::Context;
use crate::failure::{Exit, Failure};

const AFTER_HELP: &str = "\
  parfocal api GET /users/me
  parfocal api GET /users/me/meetings --query type=scheduled --all
  parfocal api PATCH /meetings/81234567890 --body '{\"topic\":\"Weekly\"}'
Paths are Zoom's below /v2. Data that identifies a meeting that was held is its UUID, encoded twice when it begins with a slash.";

/// Call Zoom's REST API through a connection
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Api {
    /// GET, POST, PUT, PATCH or DELETE
    #[arg(value_name = "METHOD", value_parser = method)]
    method: Method,
    /// Path below /v2, such as /users/me
    #[arg(value_name = "PATH")]
    path: String,
    /// Through this connection: its name or id [default: the only one]
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// A query parameter, KEY=VALUE; may be repeated
    #[arg(long = "query", short = 'q', value_name = "KEY=VALUE", value_parser = pair)]
    query: Vec<(String, String)>,
    /// JSON to send; @FILE reads a file, - standard input
    #[arg(long, value_name = "JSON")]
    body: Option<String>,
    /// Read all pages of a list into one answer
    #[arg(long)]
    all: bool,
}

fn method(text: &str) -> Result<Method, String> {
    match text.to_ascii_uppercase().as_str() {
        "GET" => Ok(Method::GET),
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        _ => Err("use GET, POST, PUT, PATCH or DELETE".to_owned()),
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    text.split_once('=')
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .ok_or_else(|| "write it as KEY=VALUE".to_owned())
}

/// Runs the command.
pub(crate) async fn run(command: Api, context: &Context) -> Result<Exit, Failure> {
    if command.all && command.method != Method::GET {
        return Err(Failure::usage(
            "usage",
            "--all is for lists, which are read by GET",
        ));
    }
    let body = command.body.as_deref().map(body).transpose()?;
    let app = context.app().await?;
    let connection = choose(&app, command.connection.as_deref()).await?;
    let client = app.connections().client(&connection).await?;
    let answer = if command.all {
        all(&client, &command).await?
    } else {
        let mut call = client.call(command.method.clone(), command.path.as_str());
        for (key, value) in &command.query {
            call = call.query(key, value);
        }
        if let Some(body) = &body {
            call = call.body(body);
        }
        let response = call.send().await.map_err(EngineError::from)?;
        if response.body().is_empty() {
            json!({"status": response.status().as_u16(), "tracking_id": response.tracking_id()})
        } else {
            response.json().map_err(EngineError::from)?
        }
    };
    context.out.json(&answer)?;
    Ok(Exit::Done)
}

/// The connection that is named, else the only one there is.
async fn choose(app: &App, named: Option<&str>) -> Result<Connection, Failure> {
    if let Some(named) = named {
        return Ok(app.connections().find(named).await?);
    }
    let mut rows = app.store().connections(app.scope()).await?;
    match (rows.pop(), rows.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(_), false) => Err(Failure::usage("usage", "there are several connections")
            .hint("Name one with --connection; `parfocal connections list` shows them.")),
        (None, _) => Err(Failure::not_found("no account is connected")
            .hint("`parfocal connect user` or `parfocal connect s2s` connects one.")),
    }
}

/// All pages of a list in one answer: the first page's fields, and every item.
async fn all(client: &parfocal_zoom::Client, command: &Api) -> Result<Value, Failure> {
    let mut probe = client.call(Method::GET, command.path.as_str());
    for (key, value) in &command.query {
        probe = probe.query(key, value);
    }
    let Some(key) = parfocal_zoom::endpoint::find(&Method::GET, &command.path)
        .and_then(|endpoint| endpoint.item_key)
    else {
        return Err(Failure::usage(
            "usage",
            format!("{} is not a list that Zoom documents", command.path),
        )
        .hint("Leave --all out, and page by --query next_page_token=…"));
    };
    let items: Vec<Value> = probe
        .pages::<Value>(key)
        .items()
        .map_ok(|reply| reply.raw)
        .try_collect()
        .await
        .map_err(EngineError::from)?;
    Ok(json!({ key: items, "total": items.len() }))
}

fn body(text: &str) -> Result<Value, Failure> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| Failure::file("reading", path, &error))
    };
    let text = match text.strip_prefix('@') {
        Some(path) => read(Path::new(path))?,
        None if text == "-" => {
            let mut text = String::new();
            std::io::stdin()
                .lock()
                .read_to_string(&mut text)
                .map_err(|error| Failure::file("reading", Path::new("-"), &error))?;
            text
        }
        None => text.to_owned(),
    };
    serde_json::from_str(&text)
        .map_err(|error| Failure::usage("usage", format!("--body is not JSON: {error}")))
}
