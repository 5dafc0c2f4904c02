//! The pages: rendered here, from embedded templates that escape everything.
//!
//! One file for each room; what rooms share is in `templates/parts.html` and `assets/parfocal.css`.

mod actions;
mod charts;
mod components;
mod connections;
mod destinations;
mod filters;
mod history;
mod jobs;
mod mail;
mod meeting;
mod meetings;
mod month;
mod overview;
mod player;
mod schedule;
mod search;
mod settings;
mod users;

use std::sync::{PoisonError, RwLock};

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use parfocal_engine::components::Active;
use serde::Serialize;

pub(crate) use schedule::calendars_page;

use crate::assets;
use crate::problem::Problem;
use crate::pulse;
use crate::state::AppState;

/// The rooms that the navigation shows: key, name, address.
const ROOMS: [(&str, &str, &str); 12] = [
    ("overview", "Overview", "/"),
    ("meetings", "Meetings", "/meetings"),
    ("schedule", "Schedule", "/schedule"),
    ("actions", "Actions", "/actions"),
    ("search", "Search", "/search"),
    ("users", "Users", "/users"),
    ("people", "People", "/people"),
    ("destinations", "Destinations", "/destinations"),
    ("mail", "Mail", "/mail"),
    ("jobs", "Work", "/jobs"),
    ("connections", "Connections", "/connections"),
    ("settings", "Settings", "/settings"),
];

const TEMPLATES: [(&str, &str); 39] = [
    ("base.html", include_str!("../templates/base.html")),
    ("parts.html", include_str!("../templates/parts.html")),
    ("overview.html", include_str!("../templates/overview.html")),
    ("meetings.html", include_str!("../templates/meetings.html")),
    (
        "meetings_month.html",
        include_str!("../templates/meetings_month.html"),
    ),
    ("meeting.html", include_str!("../templates/meeting.html")),
    ("player.html", include_str!("../templates/player.html")),
    ("users.html", include_str!("../templates/users.html")),
    ("user.html", include_str!("../templates/user.html")),
    ("settings.html", include_str!("../templates/settings.html")),
    ("actions.html", include_str!("../templates/actions.html")),
    ("search.html", include_str!("../templates/search.html")),
    ("jobs.html", include_str!("../templates/jobs.html")),
    ("job.html", include_str!("../templates/job.html")),
    ("problem.html", include_str!("../templates/problem.html")),
    (
        "connections.html",
        include_str!("../templates/connections.html"),
    ),
    (
        "connection.html",
        include_str!("../templates/connection.html"),
    ),
    (
        "connection_new.html",
        include_str!("../templates/connection_new.html"),
    ),
    (
        "connection_remove.html",
        include_str!("../templates/connection_remove.html"),
    ),
    ("outside.html", include_str!("../templates/outside.html")),
    (
        "login_end.html",
        include_str!("../templates/login_end.html"),
    ),
    ("link.html", include_str!("../templates/link.html")),
    ("mail.html", include_str!("../templates/mail.html")),
    (
        "schedule_calendars.html",
        include_str!("../templates/schedule_calendars.html"),
    ),
    ("mail_one.html", include_str!("../templates/mail_one.html")),
    (
        "components.html",
        include_str!("../templates/components.html"),
    ),
    ("audit.html", include_str!("../templates/audit.html")),
    ("panel.html", include_str!("../templates/panel.html")),
    (
        "destinations.html",
        include_str!("../templates/destinations.html"),
    ),
    (
        "destination.html",
        include_str!("../templates/destination.html"),
    ),
    (
        "destination_preview.html",
        include_str!("../templates/destination_preview.html"),
    ),
    (
        "deliveries.html",
        include_str!("../templates/deliveries.html"),
    ),
    ("delivery.html", include_str!("../templates/delivery.html")),
    ("people.html", include_str!("../templates/people.html")),
    ("person.html", include_str!("../templates/person.html")),
    ("rsvp.html", include_str!("../templates/rsvp.html")),
    ("schedule.html", include_str!("../templates/schedule.html")),
    (
        "schedule_new.html",
        include_str!("../templates/schedule_new.html"),
    ),
    (
        "schedule_one.html",
        include_str!("../templates/schedule_one.html"),
    ),
];

/// Routes of the pages.
pub(crate) fn routes(active: &Active) -> Router<AppState> {
    let mut pages = Router::new();
    // A page of what another component finds goes with that component.
    if active.serves("/search") {
        pages = pages.route("/search", get(search::get));
    }
    if active.serves("/schedule") {
        pages = pages.merge(schedule::routes());
    }
    if active.serves("/destinations") {
        pages = pages.merge(destinations::routes());
    }
    pages
        .route("/", get(overview::get))
        .route("/meetings", get(meetings::get))
        .route("/meetings/{id}", get(meeting::get))
        .route("/meetings/{id}/minutes", get(meeting::minutes_file))
        .route("/meetings/{id}/talk", get(meeting::talk_file))
        .merge(player::routes())
        .merge(users::routes())
        .route("/settings", get(settings::get))
        .route("/actions", get(actions::list))
        .route("/actions/mark", post(actions::mark))
        .route("/jobs", get(jobs::list))
        .route("/jobs/{id}", get(jobs::get))
        .route("/jobs/retry", post(jobs::retry))
        .route("/jobs/drop", post(jobs::drop))
        .route("/components", get(components::list))
        .route("/components/switch", post(components::switch))
        .route("/audit", get(components::audit))
        .route("/mail", get(mail::list))
        .route("/mail/{id}", get(mail::get))
        .route("/events/stream", get(pulse::stream))
        .merge(connections::routes())
}

/// The compiled templates.
pub(crate) struct Pages {
    environment: Environment<'static>,
    /// The rooms that are there now.
    nav: RwLock<Value>,
}

impl Pages {
    /// Compiles the embedded templates; `guarded` when people have to sign in.
    pub(crate) fn new(guarded: bool) -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
        filters::register(&mut environment);
        for (name, source) in TEMPLATES {
            environment
                .add_template(name, source)
                .expect("embedded templates compile; a test renders each");
        }
        environment.add_global("fingerprint", assets::fingerprint());
        environment.add_global("version", env!("CARGO_PKG_VERSION"));
        environment.add_global("guarded", guarded);
        Self {
            environment,
            nav: RwLock::new(Value::from(Vec::<Value>::new())),
        }
    }

    /// Puts the rooms of what is on into the navigation.
    pub(crate) fn furnish(&self, active: &Active) {
        let nav: Vec<Value> = ROOMS
            .iter()
            .filter(|(.., href)| active.serves(href))
            .map(|(room, name, href)| context! { room => *room, name => *name, href => *href })
            .collect();
        *self.nav.write().unwrap_or_else(PoisonError::into_inner) = Value::from(nav);
    }

    /// Renders a page of a room.
    pub(crate) fn render<T: Serialize>(
        &self,
        template: &str,
        room: &str,
        title: &str,
        page: &T,
    ) -> Result<Response, Problem> {
        let nav = self
            .nav
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let searchable = nav.try_iter().is_ok_and(|mut rooms| {
            rooms.any(|room| {
                let name = room.get_attr("room");
                name.is_ok_and(|name| name.as_str() == Some("search"))
            })
        });
        let frame = context! { room => room, title => title, nav => nav, searchable => searchable };
        let values = minijinja::value::merge_maps([Value::from(Serde(page)), frame]);
        let html = self
            .environment
            .get_template(template)
            .and_then(|template| template.render(values))
            .map_err(|error| {
                tracing::error!(template, error = %error, "a page could not be rendered");
                Problem::new(
                    axum::http::StatusCode::INTERNAL_SERVER_ERROR,
                    "internal",
                    "the page could not be rendered",
                )
                .hint("This is a fault in Parfocal; the log has the request id.")
            })?;
        let mut response = Html(html).into_response();
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(response)
    }
}

/// An address with the parameters that are given.
fn link(path: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

#[derive(Serialize)]
struct ProblemPage<'a> {
    problem: &'a Problem,
}

/// A problem as a page; as JSON if even that cannot be rendered.
pub(crate) fn problem_page(state: &AppState, problem: &Problem) -> Response {
    match state.pages().render(
        "problem.html",
        "",
        "Something is missing",
        &ProblemPage { problem },
    ) {
        Ok(mut response) => {
            *response.status_mut() = problem.status();
            response
        }
        Err(_) => problem.to_json_response(),
    }
}
