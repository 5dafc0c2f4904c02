//! Meetings to come, as Zoom tells: `meetings list --upcoming`, and `meetings get` of one that was not held yet.

use parfocal_engine::App;
use parfocal_engine::actions::Run;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::store::AppKind;
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::failure::Failure;
use crate::output::clean;
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};

/// Hosts that are asked for when nobody is named.
const HOSTS: u32 = 100;

/// Whose meetings.
#[derive(Debug)]
pub(super) struct Whose {
    pub(super) host: Option<String>,
    pub(super) connection: Option<String>,
    pub(super) topic: Option<String>,
}

async fn run(app: &App, name: &str, input: Map<String, Value>) -> Result<Value, Failure> {
    let how = Run::new(Caller::local(Surface::Cli));
    let outcome = app.actions().run(name, Value::Object(input), &how).await?;
    Ok(outcome.output().cloned().unwrap_or_default())
}

fn input(members: &[(&str, Option<&str>)]) -> Map<String, Value> {
    let given = members.iter();
    given
        .filter_map(|(name, value)| Some(((*name).to_owned(), Value::from((*value)?))))
        .collect()
}

/// The hosts to ask: the one that is named, whoever authorised the connection, or all users of the account.
async fn hosts(app: &App, whose: &Whose) -> Result<(Vec<Option<String>>, bool), Failure> {
    if whose.host.is_some() {
        return Ok((vec![whose.host.clone()], false));
    }
    let connections = app.connections().list().await?;
    let through = connections
        .iter()
        .filter(|one| {
            whose
                .connection
                .as_ref()
                .is_none_or(|name| one.name == *name)
        })
        .collect::<Vec<_>>();
    if let [only] = through.as_slice()
        && only.kind != AppKind::ServerToServer
    {
        return Ok((vec![None], false));
    }
    let mut asked = input(&[("connection", whose.connection.as_deref())]);
    asked.insert("limit".to_owned(), HOSTS.into());
    let users = run(app, "user.list", asked).await?;
    let all = users["items"].as_array().into_iter().flatten();
    let hosts = all
        .filter_map(|user| user["email"].as_str())
        .map(|email| Some(email.to_owned()))
        .collect();
    Ok((hosts, users["next"].is_string()))
}

/// `meetings list --upcoming`.
pub(super) async fn list(app: &App, whose: &Whose, context: &Context) -> Result<(), Failure> {
    let (hosts, more) = hosts(app, whose).await?;
    let mut items: Vec<Value> = Vec::new();
    let mut refused: Option<Failure> = None;
    let mut asked_some = false;
    for host in hosts {
        let asked = input(&[
            ("host", host.as_deref()),
            ("connection", whose.connection.as_deref()),
            ("which", Some("upcoming")),
        ]);
        let told = match run(app, "meeting.list", asked).await {
            Ok(told) => told,
            // One of many: somebody who was only invited, or who left, has no list.
            Err(failure) if whose.host.is_none() && host.is_some() => {
                refused = Some(failure);
                continue;
            }
            Err(failure) => return Err(failure),
        };
        asked_some = true;
        for mut item in told["items"].as_array().cloned().unwrap_or_default() {
            if item["host_email"].is_null() {
                item["host_email"] = host.clone().into();
            }
            let fits = whose.topic.as_ref().is_none_or(|topic| {
                let of = item["topic"].as_str().unwrap_or_default().to_lowercase();
                of.contains(&topic.to_lowercase())
            });
            if fits {
                items.push(item);
            }
        }
    }
    if let Some(failure) = refused.filter(|_| !asked_some) {
        return Err(failure);
    }
    items.sort_by(|a, b| a["start"].as_str().cmp(&b["start"].as_str()));
    if context.out.is_json() {
        return context.out.json(&json!({ "items": items, "next": null }));
    }
    let mut table = Table::new(
        &[
            ("NUMBER", Align::Left),
            ("BEGINS (UTC)", Align::Left),
            ("MINUTES", Align::Right),
            ("TOPIC", Align::Left),
            ("HOST", Align::Left),
        ],
        "Nothing is scheduled. Schedule something: `parfocal meetings create --topic … --start 'tomorrow 9:00'`.",
    );
    for item in &items {
        let text = |member: &str| item[member].as_str().unwrap_or_default();
        let minutes = item["duration_minutes"].as_i64();
        table.row([
            Field::from(text("number")),
            Field::from(text("start").replace('T', " ").trim_end_matches(":00Z")),
            Field::from(
                minutes
                    .map(|minutes| minutes.to_string())
                    .unwrap_or_default(),
            ),
            Field::from(text("topic")),
            Field::from(text("host_email")),
        ]);
    }
    table.print(&context.out)?;
    if more {
        context.out.note(format!(
            "The first {HOSTS} users were asked; --host names another one."
        ));
    }
    Ok(())
}

/// `meetings get NUMBER` of a meeting that was not held yet.
pub(super) async fn get(app: &App, number: &str, context: &Context) -> Result<(), Failure> {
    let meeting = run(app, "meeting.get", input(&[("meeting", Some(number))])).await?;
    let out = &context.out;
    if out.is_json() {
        return out.json(&meeting);
    }
    let text = |member: &str| clean(meeting[member].as_str().unwrap_or_default());
    out.line(format!(
        "{} {}",
        paint(style::STRONG, text("topic")),
        paint(style::DIM, "(scheduled; not held yet)")
    ))?;
    let minutes = meeting["duration_minutes"].as_i64();
    let length = minutes.map_or_else(String::new, |minutes| format!(", {minutes} minutes"));
    for (label, value) in [
        ("number", text("number")),
        (
            "begins",
            format!("{}{length} ({})", text("start"), text("timezone")),
        ),
        ("host", text("host_email")),
        ("join", text("join_url")),
        ("agenda", text("agenda")),
    ] {
        if !value.is_empty() {
            out.line(format!(
                "  {} {value}",
                paint(style::DIM, format!("{label:7}"))
            ))?;
        }
    }
    let occurrences = meeting["occurrences"].as_array().map_or(0, Vec::len);
    if occurrences > 0 {
        out.line(format!(
            "  {} {occurrences} to come",
            paint(style::DIM, format!("{:7}", "series"))
        ))?;
    }
    Ok(())
}
