//! `registrant.*`: who registered for a meeting or webinar.

use http::Method;
use jiff::Timestamp;
use parfocal_zoom::Reply;
use parfocal_zoom::api::{NewRegistration, Registrant};
use parfocal_zoom::id::MeetingNumber;
use parfocal_zoom::limit::Quota;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::action::{Action, Effect};
use super::context::{Context, Halt, Step, Zoom, number};
use super::keep;
use super::page::{self, Piece};
use super::request::Request;
use super::shape::Listed;
use crate::error::{Code, EngineError};

/// Most registrations that Zoom changes in one call.
const PER_CALL: usize = 30;

pub(super) fn actions() -> Vec<Action> {
    vec![
        Action::new(
            "registrant.add",
            Effect::Create,
            "Register a person",
            "Registers a person for a meeting or webinar that takes registrations. Zoom mails a confirmation, if the host's \
             settings say so.",
            add,
        )
        .asks(&["POST /meetings/{meetingId}/registrants", "POST /webinars/{webinarId}/registrants"])
        .findable()
        .example(json!({"meeting": "84410027731", "email": "bo@example.org", "first_name": "Bo", "last_name": "Berg"})),
        Action::new(
            "registrant.list",
            Effect::Read,
            "List registrants",
            "Lists who registered for a meeting or webinar, by status.",
            list,
        )
        .asks(&["GET /meetings/{meetingId}/registrants", "GET /webinars/{webinarId}/registrants"])
        .kept(keep::MEETINGS)
        .example(json!({"meeting": "84410027731", "status": "pending"})),
        Action::new(
            "registrant.approve",
            Effect::Change,
            "Decide on registrations",
            "Approves, denies or cancels registrations for a meeting or webinar.",
            approve,
        )
        .asks(&["PUT /meetings/{meetingId}/registrants/status", "PUT /webinars/{webinarId}/registrants/status"])
        .example(json!({"meeting": "84410027731", "registrants": [{"id": "NMqL0kqQQ7uYgY2pO0Y1Ag"}]})),
    ]
}

/// Whether it is a meeting or a webinar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Kind {
    /// A meeting.
    #[default]
    Meeting,
    /// A webinar.
    Webinar,
}

impl Kind {
    fn path(self, number: MeetingNumber) -> String {
        match self {
            Self::Meeting => format!("/meetings/{number}/registrants"),
            Self::Webinar => format!("/webinars/{number}/registrants"),
        }
    }
}

/// A person to register.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Add {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// The number of the meeting or webinar.
    meeting: String,
    /// Whether it is a meeting or a webinar. Default: meeting.
    #[serde(default)]
    kind: Kind,
    /// The person's e-mail address.
    #[schemars(email, length(max = 128))]
    email: String,
    /// Given name, 64 characters at most.
    #[schemars(length(min = 1, max = 64))]
    first_name: String,
    /// Family name.
    #[schemars(length(max = 64))]
    last_name: Option<String>,
    /// Organisation.
    #[schemars(length(max = 128))]
    organisation: Option<String>,
    /// Job.
    #[schemars(length(max = 128))]
    job_title: Option<String>,
    /// Phone number.
    #[schemars(length(max = 128))]
    phone: Option<String>,
    /// Occurrences of a series, by Zoom's ids.
    #[serde(default)]
    #[schemars(length(max = 60))]
    occurrences: Vec<String>,
    /// Answers to the questions of the form.
    #[serde(default)]
    #[schemars(length(max = 50))]
    answers: Vec<AnswerInput>,
}

/// An answer to a question of the form.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AnswerInput {
    /// The question, as it is written on the form.
    question: String,
    /// The answer.
    #[schemars(length(max = 128))]
    answer: String,
}

/// A registration.
#[derive(Debug, Serialize, JsonSchema)]
struct RegistrationView {
    /// The number of the meeting or webinar.
    meeting: String,
    /// Zoom's id of the registration.
    id: Option<String>,
    /// The person's e-mail address.
    email: String,
    /// Where this person joins; none while approval is awaited.
    join_url: Option<String>,
    /// When it begins.
    start: Option<Timestamp>,
    /// Whether the answer of Zoom was lost and the registration found again.
    adopted: bool,
}

async fn add(cx: Context, input: Add) -> Step<RegistrationView> {
    let number = number("meeting", &input.meeting)?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let mut body = Map::new();
    for (name, value) in [
        ("email", Some(input.email.clone())),
        ("first_name", Some(input.first_name)),
        ("last_name", input.last_name),
        ("org", input.organisation),
        ("job_title", input.job_title),
        ("phone", input.phone),
    ] {
        if let Some(value) = value {
            body.insert(name.to_owned(), value.into());
        }
    }
    if !input.answers.is_empty() {
        let answers: Vec<Value> = input
            .answers
            .iter()
            .map(|answer| json!({ "title": answer.question, "value": answer.answer }))
            .collect();
        body.insert("custom_questions".to_owned(), answers.into());
    }
    let request = Request::new(Method::POST, input.kind.path(number))
        .query(
            "occurrence_ids",
            (!input.occurrences.is_empty()).then(|| input.occurrences.join(",")),
        )
        .body(Value::Object(body))
        .quota(Quota::RegistrantAdd {
            meeting: number.get(),
            email: input.email.to_lowercase(),
        });
    if !cx.resumed || cx.dry_run {
        match zoom.read::<NewRegistration>(request).await {
            Ok(reply) => {
                return Ok(RegistrationView {
                    meeting: number.to_string(),
                    id: reply.registrant_id.as_ref().map(ToString::to_string),
                    email: input.email,
                    join_url: reply.join_url.as_ref().map(|url| url.expose().to_owned()),
                    start: reply.start_time,
                    adopted: false,
                });
            }
            Err(Halt::Failed(error)) if error.code() == Code::OutcomeUnknown => {}
            Err(halt) => return Err(halt),
        }
    }
    find(&zoom, input.kind, number, input.email).await
}

/// Looks for a registration whose answer was lost: an address registers once.
async fn find(
    zoom: &Zoom,
    kind: Kind,
    number: MeetingNumber,
    email: String,
) -> Step<RegistrationView> {
    for status in ["approved", "pending"] {
        let mut after: Option<String> = None;
        loop {
            let request = Request::get(kind.path(number)).query("status", Some(status));
            let piece = Piece {
                limit: Some(300),
                after: after.as_deref(),
            };
            let page = page::list(
                zoom,
                request,
                "registrants",
                piece,
                |reply: &Reply<Registrant>| reply.value.clone(),
            )
            .await?;
            if let Some(found) = page.items.iter().find(|one| {
                one.email
                    .as_ref()
                    .is_some_and(|known| known.eq_ignore_ascii_case(&email))
            }) {
                return Ok(RegistrationView {
                    meeting: number.to_string(),
                    id: found.id.as_ref().map(ToString::to_string),
                    join_url: found.join_url.as_ref().map(|url| url.expose().to_owned()),
                    start: None,
                    adopted: true,
                    email,
                });
            }
            match page.next {
                Some(next) => after = Some(next),
                None => break,
            }
        }
    }
    Err(EngineError::new(
        Code::OutcomeUnknown,
        "the answer to the registration was lost, and it is not listed",
    )
    .into())
}

/// Which registrants to list.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// May come.
    #[default]
    Approved,
    /// Awaits approval.
    Pending,
    /// May not come.
    Denied,
}

/// Whose registrants.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// The number of the meeting or webinar.
    meeting: String,
    /// Whether it is a meeting or a webinar. Default: meeting.
    #[serde(default)]
    kind: Kind,
    /// Only those with this status. Default: approved.
    #[serde(default)]
    status: Status,
    /// Rows, 1 to 300. Default 100.
    #[schemars(range(min = 1, max = 300))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

/// Somebody who registered.
#[derive(Debug, Serialize, JsonSchema)]
struct RegistrantView {
    /// Zoom's id of the registration.
    id: Option<String>,
    /// E-mail address.
    email: Option<String>,
    /// Given name.
    first_name: Option<String>,
    /// Family name.
    last_name: Option<String>,
    /// `approved`, `pending` or `denied`.
    status: Option<String>,
    /// Organisation.
    organisation: Option<String>,
    /// Job.
    job_title: Option<String>,
    /// When the registration was made.
    created_at: Option<Timestamp>,
    /// Where this person joins.
    join_url: Option<String>,
    /// Answers to the questions of the form.
    answers: Vec<AnswerView>,
}

/// An answer to a question of the form.
#[derive(Debug, Serialize, JsonSchema)]
struct AnswerView {
    /// The question.
    question: Option<String>,
    /// The answer.
    answer: Option<String>,
}

fn view(registrant: &Registrant) -> RegistrantView {
    RegistrantView {
        id: registrant.id.as_ref().map(ToString::to_string),
        email: registrant.email.clone(),
        first_name: registrant.first_name.clone(),
        last_name: registrant.last_name.clone(),
        status: registrant.status.clone(),
        organisation: registrant.org.clone(),
        job_title: registrant.job_title.clone(),
        created_at: registrant.create_time,
        join_url: registrant
            .join_url
            .as_ref()
            .map(|url| url.expose().to_owned()),
        answers: registrant
            .custom_questions
            .iter()
            .map(|answer| AnswerView {
                question: answer.title.clone(),
                answer: answer.value.clone(),
            })
            .collect(),
    }
}

async fn list(cx: Context, input: List) -> Step<Listed<RegistrantView>> {
    let number = number("meeting", &input.meeting)?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let status = match input.status {
        Status::Approved => "approved",
        Status::Pending => "pending",
        Status::Denied => "denied",
    };
    let request = Request::get(input.kind.path(number)).query("status", Some(status));
    let piece = Piece {
        limit: input.limit,
        after: input.after.as_deref(),
    };
    page::list(
        &zoom,
        request,
        "registrants",
        piece,
        |reply: &Reply<Registrant>| view(&reply.value),
    )
    .await
}

/// What to decide.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Decision {
    /// Let them come.
    #[default]
    Approve,
    /// Do not let them come.
    Deny,
    /// Take the registration back.
    Cancel,
}

/// A registration, by Zoom's id of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Chosen {
    /// Zoom's id of the registration.
    id: String,
    /// The person's e-mail address, if it is known.
    email: Option<String>,
}

/// Which registrations to decide on, and how.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Approve {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// The number of the meeting or webinar.
    meeting: String,
    /// Whether it is a meeting or a webinar. Default: meeting.
    #[serde(default)]
    kind: Kind,
    /// What to decide. Default: approve.
    #[serde(default)]
    decision: Decision,
    /// The registrations.
    #[schemars(length(min = 1, max = 300))]
    registrants: Vec<Chosen>,
    /// Only for this occurrence of a series, by Zoom's id of it.
    occurrence: Option<String>,
}

/// What was decided.
#[derive(Debug, Serialize, JsonSchema)]
struct Decided {
    /// The number of the meeting or webinar.
    id: String,
    /// Always true.
    done: bool,
    /// How many registrations it was.
    registrants: usize,
}

async fn approve(cx: Context, input: Approve) -> Step<Decided> {
    let number = number("meeting", &input.meeting)?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let word = match input.decision {
        Decision::Approve => "approve",
        Decision::Deny => "deny",
        Decision::Cancel => "cancel",
    };
    let requests = input
        .registrants
        .chunks(PER_CALL)
        .map(|part| {
            let people: Vec<Value> = part
                .iter()
                .map(|one| match &one.email {
                    Some(email) => json!({ "id": one.id, "email": email }),
                    None => json!({ "id": one.id }),
                })
                .collect();
            let request = Request::new(Method::PUT, format!("{}/status", input.kind.path(number)))
                .query("occurrence_id", input.occurrence.as_deref())
                .body(json!({ "action": word, "registrants": people }))
                .repeatable();
            part.iter().fold(request, |request, one| {
                request.quota(Quota::RegistrantStatus {
                    meeting: number.get(),
                    registrant: one.id.clone(),
                })
            })
        })
        .collect();
    zoom.send_all(requests).await?;
    Ok(Decided {
        id: number.to_string(),
        done: true,
        registrants: input.registrants.len(),
    })
}
