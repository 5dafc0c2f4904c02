//! `webinar.*`: scheduled webinars, and who attended them. Needs Zoom's webinar add-on.

use http::Method;
use parfocal_zoom::Reply;
use parfocal_zoom::api::{Meeting, Participant, meeting_type};
use parfocal_zoom::id::MeetingUuid;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::action::{Action, Effect};
use super::check::{self, Faults};
use super::context::{Context, Step, number};
use super::keep;
use super::page::{self, Piece};
use super::participants::{StayView, stay};
use super::request::Request;
use super::shape::{Acknowledged, Listed, Registration, ScheduledDetail, ScheduledView};
use crate::error::Fault;

pub(super) fn actions() -> Vec<Action> {
    vec![
        Action::new(
            "webinar.create",
            Effect::Create,
            "Schedule a webinar",
            "Schedules a webinar for a host with the webinar add-on.",
            create,
        )
        .asks(&["POST /users/{userId}/webinars"])
        .example(json!({"host": "ann@example.com", "topic": "Launch", "start": "2030-01-07T17:00:00Z", "duration_minutes": 60})),
        Action::new(
            "webinar.get",
            Effect::Read,
            "Get a webinar",
            "Tells everything about a scheduled webinar.",
            get,
        )
        .asks(&["GET /webinars/{webinarId}"])
        .kept(keep::MEETINGS)
        .example(json!({"webinar": "84410027731"})),
        Action::new(
            "webinar.update",
            Effect::Change,
            "Change a webinar",
            "Changes a scheduled webinar. What is not given stays as it is.",
            update,
        )
        .asks(&["PATCH /webinars/{webinarId}"])
        .example(json!({"webinar": "84410027731", "topic": "Launch, moved"})),
        Action::new(
            "webinar.list",
            Effect::Read,
            "List webinars",
            "Lists the webinars that a host has scheduled.",
            list,
        )
        .asks(&["GET /users/{userId}/webinars"])
        .kept(keep::MEETINGS)
        .example(json!({"host": "ann@example.com"})),
        Action::new(
            "webinar.delete",
            Effect::Delete,
            "Cancel a webinar",
            "Deletes a scheduled webinar. Zoom mails panelists and registrants if asked.",
            delete,
        )
        .asks(&["DELETE /webinars/{webinarId}"])
        .example(json!({"webinar": "84410027731"})),
        Action::new(
            "webinar.participants",
            Effect::Read,
            "List a webinar's participants",
            "Tells who was in a webinar that was held, and when: every stay is a row.",
            participants,
        )
        .asks(&["GET /past_webinars/{webinarId}/participants"])
        .kept(keep::HISTORY)
        .example(json!({"webinar": "aDYlohsHRtCd4ii1uC2+hA=="})),
    ]
}

/// A webinar to schedule.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Create {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// Who holds it: an e-mail address or a user id of Zoom. Whoever authorised the connection if left out.
    host: Option<String>,
    /// What it is about, 200 characters at most.
    #[schemars(length(min = 1, max = 200))]
    topic: String,
    /// When it begins: an instant such as 2030-01-07T09:00:00+01:00, or a local time together with a timezone.
    start: String,
    /// How long it lasts, in minutes, 1 to 1440. Default 60.
    #[schemars(range(min = 1, max = 1440))]
    duration_minutes: Option<i64>,
    /// When it ends, in place of a duration.
    end: Option<String>,
    /// A time zone of the IANA database, such as Europe/Berlin. Needed for a local start.
    timezone: Option<String>,
    /// Its description, 2000 characters at most.
    #[schemars(length(max = 2000))]
    agenda: Option<String>,
    /// A passcode of up to 10 characters; Zoom makes one otherwise.
    #[schemars(length(max = 10))]
    passcode: Option<String>,
    /// Whether people have to register. Not if left out.
    registration: Option<Registration>,
}

/// Times of a webinar as Zoom takes them.
struct Times {
    start: Option<check::Start>,
    minutes: Option<i64>,
}

fn times(
    cx: &Context,
    start: Option<&str>,
    end: Option<&str>,
    duration: Option<i64>,
    timezone: Option<&str>,
    faults: &mut Faults,
) -> Times {
    let zone = check::zone(timezone, faults);
    let named = timezone.is_some();
    let now = cx.app.clock().now();
    let began =
        start.and_then(|text| check::start("start", text, zone.as_ref(), named, now, faults));
    let ended = end.and_then(|text| check::instant("end", text, zone.as_ref(), named, faults));
    if end.is_some() && start.is_none() {
        faults.add(Fault::missing(
            "start",
            "an end is counted from a start",
            "Give the start too, or a duration instead of the end.",
        ));
    }
    let minutes = check::minutes(duration, ended.as_ref(), end, began.as_ref(), faults);
    Times {
        start: began,
        minutes,
    }
}

async fn create(cx: Context, input: Create) -> Step<ScheduledDetail> {
    let mut faults = Faults::default();
    let times = times(
        &cx,
        Some(&input.start),
        input.end.as_deref(),
        input.duration_minutes,
        input.timezone.as_deref(),
        &mut faults,
    );
    faults.done("the webinar cannot be scheduled like this")?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let host = zoom.user("host", input.host.as_deref())?;
    let mut body = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    set("topic", Some(input.topic.into()));
    set("type", Some(meeting_type::WEBINAR.into()));
    set("start_time", times.start.map(|start| start.sent.into()));
    set("duration", Some(times.minutes.unwrap_or(60).into()));
    set("timezone", input.timezone.map(Value::from));
    set("agenda", input.agenda.map(Value::from));
    set("password", input.passcode.map(Value::from));
    set("settings", input.registration.map(settings));
    let request = Request::new(
        Method::POST,
        format!("/users/{}/webinars", host.path_segment()),
    )
    .body(Value::Object(body))
    .host(&host);
    let reply = zoom.read::<Meeting>(request).await?;
    Ok(ScheduledDetail::of(&reply, false))
}

/// One scheduled webinar.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct One {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// The webinar's number.
    webinar: String,
}

async fn get(cx: Context, input: One) -> Step<ScheduledDetail> {
    let number = number("webinar", &input.webinar)?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let reply = zoom
        .read::<Meeting>(Request::get(format!("/webinars/{number}")))
        .await?;
    Ok(ScheduledDetail::of(&reply, false))
}

/// Changes to a webinar; what is not given stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Update {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// The webinar's number.
    webinar: String,
    /// What it is about, 200 characters at most.
    #[schemars(length(min = 1, max = 200))]
    topic: Option<String>,
    /// When it begins: an instant such as 2030-01-07T09:00:00+01:00, or a local time together with a timezone.
    start: Option<String>,
    /// How long it lasts, in minutes, 1 to 1440.
    #[schemars(range(min = 1, max = 1440))]
    duration_minutes: Option<i64>,
    /// When it ends, in place of a duration; needs a start.
    end: Option<String>,
    /// A time zone of the IANA database, such as Europe/Berlin.
    timezone: Option<String>,
    /// Its description, 2000 characters at most.
    #[schemars(length(max = 2000))]
    agenda: Option<String>,
    /// Whether people have to register.
    registration: Option<Registration>,
}

fn settings(registration: Registration) -> Value {
    json!({"approval_type": registration.to_zoom()})
}

async fn update(cx: Context, input: Update) -> Step<Acknowledged> {
    let number = number("webinar", &input.webinar)?;
    let mut faults = Faults::default();
    let times = times(
        &cx,
        input.start.as_deref(),
        input.end.as_deref(),
        input.duration_minutes,
        input.timezone.as_deref(),
        &mut faults,
    );
    let mut body = Map::new();
    for (name, value) in [
        ("topic", input.topic.map(Value::from)),
        ("start_time", times.start.map(|start| start.sent.into())),
        ("duration", times.minutes.map(Value::from)),
        ("timezone", input.timezone.map(Value::from)),
        ("agenda", input.agenda.map(Value::from)),
        ("settings", input.registration.map(settings)),
    ] {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    }
    if body.is_empty() {
        faults.add(Fault::missing(
            "",
            "nothing is to be changed",
            "Give at least one of topic, start, duration_minutes, agenda, registration.",
        ));
    }
    faults.done("the webinar cannot be changed like this")?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let request = Request::new(Method::PATCH, format!("/webinars/{number}"))
        .body(Value::Object(body))
        .repeatable();
    zoom.send(request).await?;
    Ok(Acknowledged::of(&number))
}

/// A host's webinars.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// Whose: an e-mail address or a user id of Zoom. Whoever authorised the connection if left out.
    host: Option<String>,
    /// Rows, 1 to 300. Default 100.
    #[schemars(range(min = 1, max = 300))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

async fn list(cx: Context, input: List) -> Step<Listed<ScheduledView>> {
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let host = zoom.user("host", input.host.as_deref())?;
    let request = Request::get(format!("/users/{}/webinars", host.path_segment()));
    let piece = Piece {
        limit: input.limit,
        after: input.after.as_deref(),
    };
    page::list(
        &zoom,
        request,
        "webinars",
        piece,
        |reply: &Reply<Meeting>| ScheduledView::of(&reply.value),
    )
    .await
}

/// A webinar to cancel.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Delete {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// The webinar's number.
    webinar: String,
    /// Zoom mails panelists and registrants.
    notify: Option<bool>,
}

async fn delete(cx: Context, input: Delete) -> Step<Acknowledged> {
    let number = number("webinar", &input.webinar)?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let request = Request::new(Method::DELETE, format!("/webinars/{number}"))
        .query("cancel_webinar_reminder", input.notify);
    zoom.send(request).await?;
    Ok(Acknowledged::of(&number))
}

/// Whose participants.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Held {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// The UUID of the instance that was held.
    #[schemars(length(min = 1, max = 128))]
    webinar: String,
    /// Rows, 1 to 300. Default 100.
    #[schemars(range(min = 1, max = 300))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

async fn participants(cx: Context, input: Held) -> Step<Listed<StayView>> {
    let uuid = MeetingUuid::new(input.webinar.trim()).map_err(|error| {
        crate::EngineError::faulty(
            "the webinar is not known",
            vec![Fault::new(
                "webinar",
                input.webinar.as_str(),
                error.to_string(),
                "Write the UUID of the instance that was held.",
            )],
        )
    })?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let request = Request::get(format!(
        "/past_webinars/{}/participants",
        uuid.path_segment()
    ));
    let piece = Piece {
        limit: input.limit,
        after: input.after.as_deref(),
    };
    page::list(
        &zoom,
        request,
        "participants",
        piece,
        |reply: &Reply<Participant>| stay(&reply.value),
    )
    .await
}
