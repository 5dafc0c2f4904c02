//! Imports: taken at once, carried out later, followed as processes.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::contacts::{Wanted, address};
use super::{Asked, Brevo, Refusal, Told, numbers, text, truth};
use crate::http::reply::Reply;
use crate::http::route::Ctx;

/// Largest content of one import, in bytes.
const LARGEST: usize = 10 * 1024 * 1024;

/// One import.
#[derive(Debug)]
pub(super) struct Process {
    started: Timestamp,
    /// When it ends.
    due: Timestamp,
    done: bool,
    rows: Vec<Wanted>,
    update: bool,
    notify: Option<String>,
    invalid: u64,
    pub(super) rows_total: usize,
}

pub(super) fn start(brevo: &mut Brevo, asked: &Asked<'_>) -> Told {
    if asked.ctx.call.body.len() > LARGEST {
        return Err(Refusal::new(413, "bad_request", "File size exceeds 10 MB"));
    }
    let body = asked.object()?;
    let mut lists = numbers(body, "listIds")?;
    if let Some(id) = lists.iter().find(|id| !brevo.lists.contains_key(id)) {
        return Err(Refusal::invalid(format!("List {id} does not exist")));
    }
    match body.get("newList") {
        Some(Value::Object(new)) => {
            let name = text(new, "listName")?.unwrap_or_default().to_owned();
            let folder = new.get("folderId").and_then(Value::as_u64).unwrap_or(1);
            lists.insert(brevo.make_list(name, folder, asked.now)?);
        }
        _ if lists.is_empty() => return Err(Refusal::missing("listIds or newList is required")),
        _ => {}
    }
    let blocked = truth(body, "emailBlacklist")?.filter(|blocked| *blocked);
    let mut invalid = 0;
    let mut rows = Vec::new();
    let mut row = |email: Option<&str>, mut attributes: Map<String, Value>| {
        let ext_id = attributes
            .remove("EXT_ID")
            .and_then(|id| id.as_str().map(str::to_owned))
            .filter(|id| !id.is_empty());
        match email.map(address) {
            Some(Ok(email)) => rows.push(Wanted {
                email: Some(email),
                ext_id,
                attributes,
                join: lists.clone(),
                leave: BTreeSet::new(),
                email_blacklisted: blocked,
                sms_blacklisted: None,
            }),
            Some(Err(_)) | None => invalid += 1,
        }
    };
    if let Some(all) = body.get("jsonBody").and_then(Value::as_array) {
        for one in all {
            let attributes = one["attributes"].as_object().cloned().unwrap_or_default();
            row(one["email"].as_str(), attributes);
        }
    } else if let Some(file) = text(body, "fileBody")? {
        let mut lines = file.lines();
        let head: Vec<&str> = lines
            .next()
            .unwrap_or("")
            .split(';')
            .map(str::trim)
            .collect();
        for line in lines.filter(|line| !line.trim().is_empty()) {
            let mut attributes: Map<String, Value> = head
                .iter()
                .zip(line.split(';'))
                .map(|(name, value)| ((*name).to_owned(), json!(value.trim())))
                .collect();
            let email = attributes.remove("EMAIL");
            row(email.as_ref().and_then(Value::as_str), attributes);
        }
    } else {
        return Err(Refusal::missing(
            "fileUrl, fileBody or jsonBody is required",
        ));
    }
    let id = brevo.next();
    let took = SignedDuration::from_secs(brevo.knobs.import_seconds);
    brevo.processes.insert(
        id,
        Process {
            started: asked.now,
            due: asked.now + took,
            done: false,
            rows_total: rows.len(),
            rows,
            update: truth(body, "updateExistingContacts")?.unwrap_or(true),
            notify: text(body, "notifyUrl")?.map(str::to_owned),
            invalid,
        },
    );
    Ok(Reply::json(
        StatusCode::ACCEPTED,
        &json!({ "processId": id }),
    ))
}

/// Carries out the imports whose time has come.
pub(super) fn settle(brevo: &mut Brevo, ctx: Ctx<'_>) {
    let now = ctx.now;
    let ripe: Vec<u64> = brevo
        .processes
        .iter()
        .filter(|(_, one)| !one.done && one.due <= now)
        .map(|(id, _)| *id)
        .collect();
    for id in ripe {
        let Some(process) = brevo.processes.get_mut(&id) else {
            continue;
        };
        process.done = true;
        let (rows, update, due) = (
            std::mem::take(&mut process.rows),
            process.update,
            process.due,
        );
        if let Some(url) = process.notify.take() {
            notify(url, id);
        }
        let mut failed = 0;
        for mut row in rows {
            // An import passes over columns that the account has not.
            row.attributes
                .retain(|name, _| brevo.attributes.contains_key(name));
            let email = row.email.as_deref().unwrap_or_default();
            let known = brevo.by_email.get(email).copied();
            let written = match known {
                Some(_) if !update => Ok(()),
                Some(contact) => brevo.write(contact, &row, due),
                None if row
                    .ext_id
                    .as_ref()
                    .is_some_and(|id| brevo.by_ext_id.contains_key(id)) =>
                {
                    Err(Refusal::duplicate(&["ext_id"]))
                }
                None => {
                    let contact = brevo.make(&row, "import", due);
                    brevo.write(contact, &row, due)
                }
            };
            failed += u64::from(written.is_err());
        }
        if let Some(process) = brevo.processes.get_mut(&id) {
            process.invalid += failed;
        }
    }
}

/// Tells who started an import that it has ended.
fn notify(url: String, process: u64) {
    tokio::spawn(async move {
        let client = reqwest::Client::builder()
            .timeout(std::time::Duration::from_secs(10))
            .no_proxy()
            .build();
        let Ok(client) = client else { return };
        let body = json!({ "processId": process, "status": "completed" });
        if let Err(error) = client.post(&url).body(body.to_string()).send().await {
            tracing::warn!(%error, "the end of an import was not taken");
        }
    });
}

fn shown(id: u64, one: &Process) -> Value {
    let status = if one.done { "completed" } else { "in_process" };
    let mut shown = json!({
        "id": id, "name": "IMPORTUSER", "status": status, "created_at": super::instant(one.started),
    });
    if one.done {
        shown["completed_at"] = json!(super::instant(one.due));
        let invalid = (one.invalid > 0).then(|| format!("https://files.example/{id}/invalid.csv"));
        shown["info"] = json!({ "import": {
            "invalid_emails": invalid,
            "duplicate_contact_id": null, "duplicate_ext_id": null, "duplicate_email_id": null,
            "duplicate_phone_id": null, "duplicate_whatsapp_id": null,
            "duplicate_landline_number_id": null,
        }});
    }
    shown
}

pub(super) fn process(brevo: &Brevo, id: &str) -> Told {
    let id = id
        .parse::<u64>()
        .map_err(|_| Refusal::invalid("Process ID should be an integer"))?;
    let one = brevo
        .processes
        .get(&id)
        .ok_or_else(|| Refusal::unknown("Process ID"))?;
    Ok(Reply::ok(&shown(id, one)))
}

pub(super) fn processes(brevo: &Brevo, asked: &Asked<'_>) -> Told {
    let (limit, offset) = asked.window(50, 10)?;
    let page: Vec<Value> = brevo
        .processes
        .iter()
        .rev()
        .skip(offset)
        .take(limit)
        .map(|(id, one)| shown(*id, one))
        .collect();
    Ok(Reply::ok(
        &json!({ "processes": page, "count": brevo.processes.len() }),
    ))
}
