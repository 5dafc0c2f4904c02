//! Transactional mail: by template or text, once for each idempotency key within half an hour.

use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::contacts::address;
use super::{Asked, Brevo, Refusal, Told, instant, text};
use crate::http::reply::Reply;

/// How long a repeat of an idempotency key is refused.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(30);

/// One mail.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) to: Vec<String>,
    pub(super) template: Option<u64>,
    key: Option<String>,
    at: Timestamp,
    pub(super) body: Value,
}

pub(super) fn send(brevo: &mut Brevo, asked: &Asked<'_>) -> Told {
    let body = asked.object()?;
    let template = body.get("templateId").and_then(Value::as_u64);
    if let Some(template) = template {
        if !brevo.knobs.templates.contains_key(&template) {
            return Err(Refusal::invalid(format!(
                "Template {template} does not exist"
            )));
        }
    } else {
        for name in ["sender", "subject"] {
            if !body.contains_key(name) {
                return Err(Refusal::missing(format!("{name} is missing")));
            }
        }
        if !body.contains_key("htmlContent") && !body.contains_key("textContent") {
            return Err(Refusal::missing("htmlContent or textContent is missing"));
        }
    }
    let to = body
        .get("to")
        .and_then(Value::as_array)
        .filter(|to| !to.is_empty() && to.len() <= 99)
        .ok_or_else(|| Refusal::missing("to is missing"))?
        .iter()
        .map(|one| address(one["email"].as_str().unwrap_or_default()))
        .collect::<Result<Vec<_>, _>>()?;
    let key = body
        .get("headers")
        .and_then(|headers| headers.get("idempotencyKey"))
        .and_then(Value::as_str)
        .map(str::to_owned);
    let repeated = |one: &Sent| {
        key.is_some() && one.key == key && asked.now.duration_since(one.at) < REMEMBERED
    };
    if brevo.mails.iter().rev().any(repeated) {
        return Err(Refusal::new(
            400,
            "duplicate_request",
            "Request with the same idempotency key already exists",
        ));
    }
    match &mut brevo.knobs.credits {
        Some(0) => {
            return Err(Refusal::new(
                402,
                "not_enough_credits",
                "You do not have enough credits",
            ));
        }
        Some(left) => *left -= 1,
        None => {}
    }
    let id = format!("<{}.{}@relay.example>", asked.now.as_second(), brevo.next());
    brevo.mails.push(Sent {
        id: id.clone(),
        to,
        template,
        key,
        at: asked.now,
        body: asked.body.clone(),
    });
    Ok(Reply::json(
        StatusCode::CREATED,
        &json!({ "messageId": id }),
    ))
}

pub(super) fn list(brevo: &Brevo, asked: &Asked<'_>) -> Told {
    let (limit, offset) = asked.window(500, 500)?;
    let wanted = asked.param("email").map(str::to_lowercase);
    let all: Vec<&Sent> = brevo
        .mails
        .iter()
        .rev()
        .filter(|one| wanted.as_ref().is_none_or(|email| one.to.contains(email)))
        .collect();
    let page: Vec<Value> = all
        .iter()
        .skip(offset)
        .take(limit)
        .map(|one| {
            json!({
                "email": one.to.first(), "subject": one.body.get("subject").unwrap_or(&json!("")),
                "templateId": one.template, "messageId": one.id, "uuid": one.id,
                "date": instant(one.at), "from": "", "tags": one.body.get("tags"),
            })
        })
        .collect();
    Ok(Reply::ok(
        &json!({ "transactionalEmails": page, "count": all.len() }),
    ))
}

pub(super) fn templates(brevo: &Brevo) -> Reply {
    let all: Vec<Value> = brevo
        .knobs
        .templates
        .iter()
        .map(|(id, name)| json!({ "id": id, "name": name, "isActive": true, "subject": name }))
        .collect();
    Reply::ok(&json!({ "templates": all, "count": brevo.knobs.templates.len() }))
}

/// Asks somebody whether they want to be on lists; nobody is put on them before they say so.
pub(super) fn double_opt_in(brevo: &mut Brevo, asked: &Asked<'_>) -> Told {
    let body = asked.object()?;
    let email = text(body, "email")?.ok_or_else(|| Refusal::missing("email is missing"))?;
    let email = address(email)?;
    for name in ["includeListIds", "redirectionUrl", "templateId"] {
        if !body.contains_key(name) {
            return Err(Refusal::missing(format!("{name} is missing")));
        }
    }
    let id = format!("<optin.{}@relay.example>", brevo.next());
    brevo.mails.push(Sent {
        id,
        to: vec![email],
        template: body.get("templateId").and_then(Value::as_u64),
        key: None,
        at: asked.now,
        body: asked.body.clone(),
    });
    Ok(Reply::json(StatusCode::CREATED, &json!({})))
}
