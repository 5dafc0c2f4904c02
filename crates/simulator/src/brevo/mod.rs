//! A double of Brevo's API v3, written from its published SDK and its pages on limits, events and idempotency.
//!
//! It is mounted beside Zoom under `/brevo/v3` and answers to the key `xkeysib-simulator`. What it was sent is kept with
//! counts (`GET /_sim/brevo`), so that a test can say that something arrived once; what only a person or Brevo itself
//! does (unsubscribe, run out of credits) is ordered through `POST /_sim/brevo`.
//!
//! Where Brevo's pages are silent it takes the reading that punishes a client more: limits are sliding windows, an event
//! for an unknown contact makes that contact, a repeated event is a second event, `emailBlacklisted: false` subscribes
//! people again.

mod attributes;
mod contacts;
mod control;
mod crm;
mod events;
mod imports;
mod lists;
mod mail;
mod pace;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::http::path;
use crate::http::reply::Reply;
use crate::http::route::Ctx;

pub(crate) use control::{look, order};

/// The key that is accepted at first.
pub(crate) const KEY: &str = "xkeysib-simulator";

/// Everything the double holds.
#[derive(Debug)]
pub(crate) struct Brevo {
    contacts: BTreeMap<u64, contacts::Contact>,
    by_email: HashMap<String, u64>,
    by_ext_id: HashMap<String, u64>,
    attributes: BTreeMap<String, attributes::Attribute>,
    folders: BTreeMap<u64, String>,
    lists: BTreeMap<u64, lists::List>,
    processes: BTreeMap<u64, imports::Process>,
    events: Vec<events::Event>,
    mails: Vec<mail::Sent>,
    notes: BTreeMap<String, Value>,
    tasks: BTreeMap<String, Value>,
    /// Values that were silently left out: contact, attribute, value.
    dropped: Vec<Value>,
    /// Addresses that a call subscribed again.
    resubscribed: Vec<String>,
    /// Calls that said somebody is not to be blocked, whether anybody was or not.
    unblocking: Vec<String>,
    pace: pace::Pace,
    knobs: control::Knobs,
    made: u64,
}

impl Brevo {
    /// An account as it is after signing up. With `limited` its rate limits are on.
    pub(crate) fn new(limited: bool) -> Self {
        Self {
            contacts: BTreeMap::new(),
            by_email: HashMap::new(),
            by_ext_id: HashMap::new(),
            attributes: attributes::at_first(),
            folders: BTreeMap::from([(1, "Your first folder".to_owned())]),
            lists: BTreeMap::new(),
            processes: BTreeMap::new(),
            events: Vec::new(),
            mails: Vec::new(),
            notes: BTreeMap::new(),
            tasks: BTreeMap::new(),
            dropped: Vec::new(),
            resubscribed: Vec::new(),
            unblocking: Vec::new(),
            pace: pace::Pace::default(),
            knobs: control::Knobs::new(limited),
            made: 1,
        }
    }

    /// The next id.
    fn next(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    /// The next id in the form that CRM objects have.
    fn next_hex(&mut self) -> String {
        format!("{:024x}", 0x61a5_cd07_ca13_0000_u64 + self.next())
    }
}

/// A refusal in Brevo's words.
#[derive(Debug)]
struct Refusal {
    status: u16,
    code: &'static str,
    message: String,
    metadata: Option<Value>,
}

impl Refusal {
    fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            metadata: None,
        }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "invalid_parameter", message)
    }

    fn missing(message: impl Into<String>) -> Self {
        Self::new(400, "missing_parameter", message)
    }

    fn unknown(what: &str) -> Self {
        Self::new(404, "document_not_found", format!("{what} does not exist"))
    }

    /// Another contact has one of the identifiers.
    fn duplicate(identifiers: &[&str]) -> Self {
        Self {
            metadata: Some(json!({ "duplicate_identifiers": identifiers })),
            ..Self::new(
                400,
                "duplicate_parameter",
                format!(
                    "Unable to create contact, {} already associated with another Contact",
                    identifiers.join(", ")
                ),
            )
        }
    }
}

impl From<Refusal> for Reply {
    fn from(refusal: Refusal) -> Self {
        let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut body = json!({ "code": refusal.code, "message": refusal.message });
        if let Some(metadata) = refusal.metadata {
            body["metadata"] = metadata;
        }
        Self::json(status, &body)
    }
}

/// What a handler gives back.
type Told = Result<Reply, Refusal>;

/// 429 as Brevo words it, with the headers that say when to come again.
pub(crate) fn too_many(status: u16) -> Reply {
    Reply::from(Refusal::new(
        status,
        "too_many_requests",
        "You have exceeded the rate limit",
    ))
    .with("x-sib-ratelimit-limit", "10")
    .with("x-sib-ratelimit-remaining", "0")
    .with("x-sib-ratelimit-reset", "1")
}

/// A call that has been let in.
struct Asked<'a> {
    ctx: Ctx<'a>,
    now: Timestamp,
    body: Value,
}

impl Asked<'_> {
    fn param(&self, name: &str) -> Option<&str> {
        self.ctx.call.filled(name)
    }

    /// `limit` and `offset` of a list.
    fn window(&self, most: usize, usual: usize) -> Result<(usize, usize), Refusal> {
        let number = |name: &str, usual: usize| match self.param(name) {
            None => Ok(usual),
            Some(said) => said
                .parse()
                .map_err(|_| Refusal::invalid(format!("{name} should be an integer"))),
        };
        let limit = number("limit", usual)?;
        if limit == 0 || limit > most {
            return Err(Refusal::new(
                400,
                "out_of_range",
                format!("Limit exceeds max value: {most}"),
            ));
        }
        Ok((limit, number("offset", 0)?))
    }

    /// The body as an object.
    fn object(&self) -> Result<&Map<String, Value>, Refusal> {
        self.body
            .as_object()
            .ok_or_else(|| Refusal::new(400, "bad_request", "Input must be a valid JSON object"))
    }
}

/// Answers a request under `/brevo`.
pub(crate) fn answer(ctx: Ctx<'_>) -> Reply {
    let segments = path::segments(&ctx.call.raw_path).unwrap_or_default();
    let parts: Vec<&str> = segments.iter().skip(1).map(String::as_str).collect();
    let mut brevo = ctx.site.brevo();
    imports::settle(&mut brevo, ctx);
    let ["v3", parts @ ..] = parts.as_slice() else {
        return Refusal::unknown("Route").into();
    };
    if ctx.call.header("api-key") != Some(brevo.knobs.key.as_str()) {
        return Refusal::new(401, "unauthorized", "Key not found").into();
    }
    let paced = brevo.let_in(ctx.call.method.as_str(), parts, ctx.now);
    let reply = if paced.admitted {
        told(&mut brevo, ctx, parts).unwrap_or_else(Reply::from)
    } else {
        Refusal::new(429, "too_many_requests", "You have exceeded the rate limit").into()
    };
    match paced.limit {
        Some(limit) => reply
            .with("x-sib-ratelimit-limit", &limit.to_string())
            .with("x-sib-ratelimit-remaining", &paced.remaining.to_string())
            .with("x-sib-ratelimit-reset", &paced.reset.to_string()),
        None => reply,
    }
}

fn told(brevo: &mut Brevo, ctx: Ctx<'_>, parts: &[&str]) -> Told {
    let body = if ctx.call.body.is_empty() {
        json!({})
    } else {
        ctx.call
            .json()
            .ok_or_else(|| Refusal::new(400, "bad_request", "Input must be a valid JSON object"))?
    };
    let method = ctx.call.method.as_str();
    if unblocks(&body) {
        brevo
            .unblocking
            .push(format!("{method} {}", parts.join("/")));
    }
    let asked = Asked {
        ctx,
        now: ctx.now,
        body,
    };
    match (method, parts) {
        ("GET", ["account"]) => Ok(Reply::ok(&json!({
            "email": "owner@brightwater.example",
            "firstName": "Ingrid", "lastName": "Brightwater", "companyName": "Brightwater",
            "address": { "street": "1 Quay", "city": "Bergen", "zipCode": "5003", "country": "Norway" },
            "plan": [{ "type": "free", "credits": brevo.knobs.credits.unwrap_or(300), "creditsType": "sendLimit" }],
            "relay": { "enabled": true, "data": {
                "userName": "owner@brightwater.example", "relay": "smtp-relay.brevo.com", "port": 587 } },
        }))),
        (_, ["contacts", "attributes", rest @ ..]) => {
            attributes::answer(brevo, &asked, method, rest)
        }
        (_, ["contacts", "folders" | "lists" | "segments", ..]) => {
            lists::answer(brevo, &asked, method, parts.get(1..).unwrap_or(&[]))
        }
        ("POST", ["contacts", "import"]) => imports::start(brevo, &asked),
        ("POST", ["contacts", "batch"]) => contacts::batch(brevo, &asked),
        ("POST", ["contacts", "doubleOptinConfirmation"]) => mail::double_opt_in(brevo, &asked),
        (_, ["contacts", rest @ ..]) => contacts::answer(brevo, &asked, method, rest),
        ("GET", ["processes", id]) => imports::process(brevo, id),
        ("GET", ["processes"]) => imports::processes(brevo, &asked),
        ("POST", ["events"]) => events::create(brevo, &asked),
        ("GET", ["events"]) => events::list(brevo, &asked),
        ("POST", ["events", "batch"]) => events::batch(brevo, &asked),
        ("POST", ["smtp", "email"]) => mail::send(brevo, &asked),
        ("GET", ["smtp", "emails"]) => mail::list(brevo, &asked),
        ("GET", ["smtp", "templates"]) => Ok(mail::templates(brevo)),
        (_, ["crm", rest @ ..]) => crm::answer(brevo, &asked, method, rest),
        _ => Err(Refusal::unknown("Route")),
    }
}

/// Whether it says anywhere in a body that somebody is not blocked.
fn unblocks(body: &Value) -> bool {
    match body {
        Value::Object(fields) => fields.iter().any(|(name, value)| {
            let blocks = matches!(
                name.as_str(),
                "emailBlacklisted" | "smsBlacklisted" | "emailBlacklist" | "smsBlacklist"
            );
            (blocks && *value == json!(false)) || unblocks(value)
        }),
        Value::Array(all) => all.iter().any(unblocks),
        _ => false,
    }
}

/// A text of a JSON object.
fn text<'v>(body: &'v Map<String, Value>, name: &str) -> Result<Option<&'v str>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::invalid(format!("{name} should be a string"))),
    }
}

/// A truth of a JSON object.
fn truth(body: &Map<String, Value>, name: &str) -> Result<Option<bool>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(truth)) => Ok(Some(*truth)),
        Some(_) => Err(Refusal::invalid(format!("{name} should be a boolean"))),
    }
}

/// Numbers of a JSON object's list.
fn numbers(body: &Map<String, Value>, name: &str) -> Result<BTreeSet<u64>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(BTreeSet::new()),
        Some(Value::Array(all)) => all
            .iter()
            .map(|one| {
                one.as_u64()
                    .ok_or_else(|| Refusal::invalid(format!("{name} should be of type integer")))
            })
            .collect(),
        Some(_) => Err(Refusal::invalid(format!("{name} should be an array"))),
    }
}

/// An instant as Brevo writes them.
fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
