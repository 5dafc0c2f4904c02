//! `/v1`: actions that reach into Zoom, and what was taken in, as JSON; one file for each resource.

mod actions;
mod audit;
mod availability;
mod backfills;
mod body;
mod calendars;
mod components;
mod connections;
mod deliveries;
mod destinations;
mod domain;
mod event_types;
mod events;
mod insights;
mod jobs;
mod keys;
mod meetings;
mod models;
mod notify;
mod openapi;
mod people;
mod planning;
mod recordings;
mod route;
mod schedules;
mod search;
mod shared;
mod status;
mod talk;
mod tracker;
mod transcripts;
mod verbs;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use parfocal_engine::actions::Manifest;
use parfocal_engine::ask::Answer;
use parfocal_engine::audit::Verified;
use parfocal_engine::backfill::{BackfillView, Forecast};
use parfocal_engine::components::{Active, ComponentView, Finding};
use parfocal_engine::keys::{KeyView, Role};
use parfocal_engine::models::ModelsView;
use parfocal_engine::status::Status;
use parfocal_engine::talk::import::Imported;
use parfocal_engine::talk::people::Voice;
use parfocal_engine::told::KindView;

use crate::state::AppState;
use crate::views::{
    ActionItemDetailView, ActionItemView, AuditView, EventView, FileView, InstanceDetailView,
    InstanceView, JobView, MeetingInsightsView, PageView, RecordingView, SearchView, StatementView,
    TranscriptView, TranscriptsView,
};
use route::Route;

/// A file to take away.
pub(crate) fn file(bytes: Vec<u8>, content_type: &'static str, name: &str) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    // RFC 6266: letters beyond ASCII in their own form, and never a page shown as ours.
    let encoded: String = url::form_urlencoded::byte_serialize(name.as_bytes())
        .collect::<String>()
        .replace('+', "%20");
    let value = format!("attachment; filename*=UTF-8''{encoded}");
    let value = HeaderValue::from_str(&value).unwrap_or(HeaderValue::from_static("attachment"));
    headers.insert(header::CONTENT_DISPOSITION, value);
    response
}

/// Routes below `/v1` of what is on.
pub(crate) fn routes(active: &Active) -> Router<AppState> {
    let mut described = table()
        .into_iter()
        .filter(|route| active.serves(&format!("/v1{}", route.path)))
        .fold(Router::new(), |router, route| route.mount(router));
    if active.has("actions") {
        described = described.route("/actions/{name}", post(actions::run));
    }
    described
        .route("/docs", get(openapi::page))
        .route("/docs/explorer.js", get(openapi::script))
}

/// The paths of all routes.
#[cfg(test)]
pub(crate) fn paths() -> Vec<&'static str> {
    table().into_iter().map(|route| route.path).collect()
}

/// Every route with its description; running actions is described action by action.
fn table() -> Vec<Route> {
    let mut all = vec![
        Route::get("/status", "status.get", get(status::get))
            .about("How things stand, and what has been taken in")
            .answers::<Status>(),
        Route::get("/openapi.json", "openapi.get", get(openapi::get))
            .bounded()
            .about("This description")
            .sends("application/json"),
        Route::get("/manifest", "actions.manifest", get(actions::manifest))
            .bounded()
            .about("The actions with their schemas, for pipeline engines")
            .answers::<Manifest>(),
        Route::get("/actions", "actions.list", get(actions::list))
            .bounded()
            .about("The actions")
            .answers::<PageView<actions::ActionRow>>(),
        Route::get(
            "/actions/{name}",
            "actions.describe",
            get(actions::describe),
        )
        .bounded()
        .about("One action with its schemas")
        .path_part("name", "The action's name, such as meeting.create.")
        .answers::<parfocal_engine::actions::ActionView>(),
    ];
    all.extend(taken_in());
    all.extend(understood());
    all.extend(planning::table());
    all.extend(destinations::table());
    all.extend(deliveries::table());
    all.extend(people::table());
    all.extend(work());
    all.extend(connections::table());
    all.extend(administration());
    all
}

fn taken_in() -> Vec<Route> {
    const MEETING: &str =
        "Our id, Zoom's UUID of the instance, or a meeting number for the latest one.";
    vec![
        Route::get("/meetings", "meetings.list", get(meetings::list))
            .bounded()
            .about("Meetings that were held, the latest first")
            .query::<meetings::ListParams>()
            .answers::<PageView<InstanceView>>(),
        Route::get("/meetings/{id}", "meetings.get", get(meetings::get))
            .bounded()
            .about("Everything that is known of a meeting, except what was said")
            .path_part("id", MEETING)
            .answers::<InstanceDetailView>(),
        Route::get(
            "/meetings/{id}/transcript",
            "meetings.transcript",
            get(talk::transcript),
        )
        .bounded()
        .about("What was said in a meeting: by file, or in a form as one talk with its chat")
        .path_part("id", MEETING)
        .query::<talk::TranscriptParams>()
        .answers::<TranscriptsView>()
        .also_sends(&[
            "text/plain",
            "text/markdown",
            "application/x-subrip",
            "text/vtt",
        ]),
        Route::get("/meetings/{id}/chat", "meetings.chat", get(meetings::chat))
            .bounded()
            .about("What was written in a meeting")
            .path_part("id", MEETING)
            .answers::<meetings::Chat>(),
        Route::get(
            "/meetings/{id}/files",
            "meetings.files",
            get(recordings::of_meeting),
        )
        .bounded()
        .about("The files of a meeting's recordings")
        .path_part("id", MEETING)
        .answers::<PageView<FileView>>(),
        Route::get("/recordings", "recordings.list", get(recordings::list))
            .bounded()
            .about("Recordings that were taken in, by their meetings, the latest first")
            .query::<recordings::ListParams>()
            .answers::<PageView<RecordingView>>(),
        Route::get("/recordings/{id}", "recordings.get", get(recordings::get))
            .bounded()
            .about("A recording with its files")
            .path_part("id", "Our id.")
            .answers::<RecordingView>(),
        Route::get(
            "/files/{id}/content",
            "files.content",
            get(recordings::content),
        )
        .bounded()
        .about("Our copy of a recording's file")
        .path_part("id", "Our id.")
        .sends("*/*"),
        Route::get("/transcripts", "transcripts.list", get(transcripts::list))
            .bounded()
            .about("Transcripts that count, by their meetings, the latest first")
            .query::<transcripts::ListParams>()
            .answers::<PageView<transcripts::TranscriptRow>>(),
        Route::get(
            "/transcripts/{id}",
            "transcripts.get",
            get(transcripts::get),
        )
        .bounded()
        .about("A transcript with its cues")
        .path_part("id", "Our id.")
        .answers::<TranscriptView>(),
        Route::get("/search", "search.get", get(search::get))
            .bounded()
            .about("What was said and written, best first")
            .query::<search::SearchParams>()
            .answers::<SearchView>(),
        Route::post("/ask", "ask.post", post(models::ask))
            .bounded()
            .about("Answers a question over all meetings, with citations or with the best passages")
            .needs(Role::Read)
            .body::<models::Asked>()
            .answers::<Answer>(),
        Route::get("/models", "models.list", get(models::list))
            .about("Which language models are configured and what today has used")
            .answers::<ModelsView>(),
    ]
}

fn understood() -> Vec<Route> {
    const MEETING: &str =
        "Our id, Zoom's UUID of the instance, or a meeting number for the latest one.";
    vec![
        Route::post(
            "/meetings/{id}/transcripts",
            "meetings.import-transcript",
            post(talk::import),
        ).bounded()
        .about("Takes a transcript of a meeting in from elsewhere: WebVTT, SubRip, text or JSON")
        .path_part("id", MEETING)
        .body::<talk::ImportBody>()
        .answers::<Imported>(),
        Route::get(
            "/meetings/{id}/speakers",
            "meetings.speakers",
            get(talk::speakers),
        ).bounded()
        .about("Who the names in a meeting's transcripts are, and why")
        .path_part("id", MEETING)
        .answers::<PageView<Voice>>(),
        Route::post(
            "/meetings/{id}/speakers",
            "meetings.set-speaker",
            post(talk::set_speaker),
        ).bounded()
        .about("Says who a name in a meeting's transcripts is, or takes that back")
        .path_part("id", MEETING)
        .body::<talk::SpeakerBody>()
        .answers::<Voice>(),
        Route::get(
            "/meetings/{id}/insights",
            "meetings.insights",
            get(insights::of_meeting),
        ).bounded()
        .about("What a meeting was about: summary, chapters, decisions, action items, questions, talk times")
        .path_part("id", MEETING)
        .answers::<MeetingInsightsView>(),
        Route::get(
            "/meetings/{id}/minutes",
            "meetings.minutes",
            get(insights::minutes),
        ).bounded()
        .about("Minutes of a meeting: Markdown, HTML or a Word document")
        .path_part("id", MEETING)
        .query::<insights::MinutesParams>()
        .sends("text/markdown")
        .also_sends(&[
            "text/html",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ]),
        Route::get("/insights", "insights.list", get(insights::list)).bounded()
            .about("Statements across meetings, those of the latest meetings first")
            .query::<insights::ListParams>()
            .answers::<PageView<StatementView>>(),
        Route::get("/action-items", "action-items.list", get(tracker::list)).bounded()
            .about("What is to be done across the meetings of a series: open, carried over, done")
            .query::<tracker::ListParams>()
            .answers::<PageView<ActionItemView>>(),
        Route::get("/action-items/{id}", "action-items.get", get(tracker::get)).bounded()
            .about("Something to be done, with every place where it was spoken of")
            .path_part("id", "Our id.")
            .answers::<ActionItemDetailView>(),
        Route::post(
            "/action-items/{id}/done",
            "action-items.done",
            post(tracker::done),
        ).bounded()
        .about("Says that something is done")
        .path_part("id", "Our id.")
        .answers::<ActionItemDetailView>(),
        Route::post(
            "/action-items/{id}/reopen",
            "action-items.reopen",
            post(tracker::reopen),
        ).bounded()
        .about("Says that something is to be done again")
        .path_part("id", "Our id.")
        .answers::<ActionItemDetailView>(),
    ]
}

fn work() -> Vec<Route> {
    vec![
        Route::get("/events", "events.list", get(events::list))
            .about("Webhooks that were accepted, without bodies, the latest first")
            .query::<events::ListParams>()
            .answers::<PageView<EventView>>(),
        Route::get("/events/{id}", "events.get", get(events::get))
            .about("A webhook with its body")
            .path_part("id", "Our id.")
            .answers::<EventView>(),
        Route::post("/events/{id}/replay", "events.replay", post(events::replay))
            .about("Has a webhook routed once more")
            .path_part("id", "Our id.")
            .answers::<EventView>(),
        Route::get("/domain-events", "domain-events.list", get(domain::list))
            .about("What happened, in order")
            .query::<domain::ListParams>()
            .answers::<PageView<domain::DomainEventView>>(),
        Route::get(
            "/domain-events/stream",
            "domain-events.stream",
            get(domain::follow),
        )
        .about("What happens, as server-sent events; `id` is the event's `seq`")
        .query::<domain::StreamParams>()
        .sends("text/event-stream"),
        Route::get("/event-types", "event-types.list", get(event_types::list))
            .about("Every type of event, with the schema of the message that webhooks get")
            .answers::<PageView<KindView>>(),
        Route::get(
            "/event-types/{type}",
            "event-types.get",
            get(event_types::one),
        )
        .about("One type of event with its schema")
        .path_part("type", "Its name, such as meeting.ended.")
        .answers::<KindView>(),
        Route::get("/jobs", "jobs.list", get(jobs::list))
            .about("Jobs, the latest first")
            .query::<jobs::ListParams>()
            .answers::<PageView<JobView>>(),
        Route::get("/jobs/{id}", "jobs.get", get(jobs::get))
            .about("A job with everything that was tried")
            .path_part("id", "Our id.")
            .answers::<jobs::JobDetail>(),
        Route::post("/jobs/{id}/retry", "jobs.retry", post(jobs::retry))
            .about("Has a job run now, with all its tries again")
            .path_part("id", "Our id.")
            .answers::<jobs::JobDetail>(),
        Route::post("/jobs/{id}/drop", "jobs.drop", post(jobs::drop))
            .about("Gives a job up")
            .path_part("id", "Our id.")
            .may_have_body::<jobs::Drop>()
            .answers::<jobs::JobDetail>(),
        Route::get("/backfills", "backfills.list", get(backfills::list))
            .bounded()
            .about("Backfills, the latest first")
            .answers::<PageView<BackfillView>>(),
        Route::get("/backfills/{id}", "backfills.get", get(backfills::get))
            .bounded()
            .about("How far a backfill is")
            .path_part("id", "Our id.")
            .answers::<BackfillView>(),
        Route::post("/backfills", "backfills.start", post(backfills::start))
            .bounded()
            .about("Begins to take in an account's past")
            .may_have_body::<backfills::Span>()
            .answers::<BackfillView>()
            .answers_with(201),
        Route::post("/backfills/plan", "backfills.plan", post(backfills::plan))
            .bounded()
            .about("What a backfill would take; nothing is begun")
            .may_have_body::<backfills::Span>()
            .answers::<Forecast>(),
        Route::post(
            "/backfills/{id}/pause",
            "backfills.pause",
            post(backfills::pause),
        )
        .bounded()
        .about("Stops a backfill until it is resumed")
        .path_part("id", "Our id.")
        .answers::<BackfillView>(),
        Route::post(
            "/backfills/{id}/resume",
            "backfills.resume",
            post(backfills::resume),
        )
        .bounded()
        .about("Lets a paused backfill go on")
        .path_part("id", "Our id.")
        .answers::<BackfillView>(),
        Route::post(
            "/backfills/{id}/cancel",
            "backfills.cancel",
            post(backfills::cancel),
        )
        .bounded()
        .about("Stops a backfill for good; what it took in stays")
        .path_part("id", "Our id.")
        .answers::<BackfillView>(),
    ]
}

fn administration() -> Vec<Route> {
    vec![
        Route::get("/components", "components.list", get(components::list))
            .bounded()
            .about("Which capabilities are on")
            .answers::<PageView<ComponentView>>(),
        Route::get(
            "/components/{name}/check",
            "components.check",
            get(components::check),
        )
        .bounded()
        .about("What a component lacks now")
        .path_part("name", "The component's name.")
        .answers::<PageView<Finding>>(),
        Route::post(
            "/components/{name}/activate",
            "components.activate",
            post(components::activate),
        )
        .about("Switches a component on, once everything that it needs is there")
        .needs(Role::Admin)
        .path_part("name", "The component's name.")
        .may_have_body::<components::Activate>()
        .answers::<components::Activated>(),
        Route::post(
            "/components/{name}/deactivate",
            "components.deactivate",
            post(components::deactivate),
        )
        .about("Switches a component off")
        .needs(Role::Admin)
        .path_part("name", "The component's name.")
        .answers::<ComponentView>(),
        Route::get("/audit", "audit.list", get(audit::list))
            .about("Who changed what, through what, the latest first")
            .needs(Role::Admin)
            .query::<audit::ListParams>()
            .answers::<PageView<AuditView>>(),
        Route::get("/audit/verify", "audit.verify", get(audit::verify))
            .about("Computes the chain of the audit log again, and says where it does not hold")
            .needs(Role::Admin)
            .answers::<Verified>(),
        Route::get("/keys", "keys.list", get(keys::list))
            .about("Keys of the API")
            .needs(Role::Admin)
            .answers::<PageView<KeyView>>(),
        Route::post("/keys", "keys.create", post(keys::create))
            .about("Makes a key; only this answer holds it")
            .needs(Role::Admin)
            .body::<keys::Create>()
            .answers::<keys::Made>()
            .answers_with(201),
        Route::delete("/keys/{key}", "keys.revoke", delete(keys::revoke))
            .about("Ends a key and the sessions it opened")
            .needs(Role::Admin)
            .path_part("key", "Our id, its name or its prefix.")
            .answers::<KeyView>(),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::Value;

    #[test]
    fn the_committed_description_is_the_served_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let mut served = serde_json::to_string_pretty(&super::openapi::build()).unwrap();
        served.push('\n');
        if std::env::var_os("PARFOCAL_BLESS").is_some() {
            std::fs::write(path, &served).unwrap();
        }
        let committed = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            committed == served,
            "crates/server/openapi.json is out of date: run the tests of parfocal-server with PARFOCAL_BLESS=1 and look at the diff"
        );
    }

    #[test]
    fn every_operation_is_whole() {
        let document: Value = super::openapi::build();
        let mut ids = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id.to_owned()), "{id} twice");
                assert!(
                    operation["summary"]
                        .as_str()
                        .is_some_and(|text| !text.is_empty()),
                    "{method} {path}"
                );
                assert!(
                    operation["responses"]["default"].is_object(),
                    "{method} {path}"
                );
                for name in path
                    .split('/')
                    .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                {
                    let told = operation["parameters"]
                        .as_array()
                        .into_iter()
                        .flatten()
                        .any(|part| part["name"] == name);
                    assert!(told, "{method} {path}: {name}");
                }
            }
        }
        assert!(ids.len() > 40, "{}", ids.len());
    }
}
