//! Where records go: destinations with what they read, what each has or is to have, and the people it is about.

mod deliveries;
mod list;
mod one;
mod people;
mod preview;

use axum::Router;
use axum::routing::{get, post};
use parfocal_engine::activate::DestinationView;
use parfocal_engine::activate::brevo::mapping::DEFAULT;
use serde::Serialize;
use serde_json::Value;

use crate::state::AppState;

/// The rooms' keys in the navigation.
const ROOM: &str = "destinations";
const PEOPLE: &str = "people";

/// Routes of the rooms.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/destinations", get(list::get))
        .route("/destinations/{name}", get(one::get))
        .route(
            "/destinations/{name}/test",
            get(one::back_to).post(one::test),
        )
        .route("/destinations/{name}/switch", post(one::switch))
        .route(
            "/destinations/{name}/backfill",
            get(one::back_to).post(one::backfill),
        )
        .route("/destinations/{name}/stream", post(one::stream))
        .route(
            "/destinations/{name}/preview",
            get(preview::get).post(preview::post),
        )
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/{id}", get(deliveries::get))
        .route("/deliveries/retry", post(deliveries::retry))
        .route("/deliveries/drop", post(deliveries::drop))
        .route("/people", get(people::list))
        .route("/people/{person}", get(people::get))
        .route(
            "/people/{person}/consent",
            get(people::back_to).post(people::consent),
        )
        .route(
            "/people/{person}/split",
            get(people::back_to).post(people::split),
        )
        .route(
            "/people/{person}/erase",
            get(people::back_to).post(people::erase),
        )
}

/// What was refused, in words.
#[derive(Serialize)]
struct Fault {
    what: String,
    hint: String,
}

impl From<&parfocal_engine::EngineError> for Fault {
    fn from(error: &parfocal_engine::EngineError) -> Self {
        Self {
            what: error.message().to_owned(),
            hint: error.hint().to_owned(),
        }
    }
}

/// What a field of a form says; nothing when it was left empty.
fn given(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
}

/// A span as people say it.
fn span(seconds: i64) -> String {
    match seconds {
        ..=0 => "none".to_owned(),
        1..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{} min", seconds / 60),
        7_200..=172_799 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// A value as it stands in a table: texts without their quotes.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => {
            items.iter().map(plain).collect::<Vec<_>>().join(", ")
        }
        other => other.to_string(),
    }
}

/// The mapping of a destination that has one.
fn mapping(view: &DestinationView) -> Option<&str> {
    (view.kind == "brevo").then(|| {
        view.config
            .get("mapping")
            .and_then(Value::as_str)
            .unwrap_or(DEFAULT)
    })
}

/// How a destination does, in one word.
fn state(view: &DestinationView) -> &'static str {
    if view.enabled {
        view.state.as_str()
    } else {
        "off"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn spans_and_values_are_written_for_readers() {
        assert_eq!(span(0), "none");
        assert_eq!(span(61), "61 s");
        assert_eq!(span(7_199), "119 min");
        assert_eq!(span(259_200), "3 days");
        assert_eq!(plain(&json!("a \"b\"")), "a \"b\"");
        assert_eq!(
            plain(&json!(["meeting.*", "chat.ready"])),
            "meeting.*, chat.ready"
        );
        assert_eq!(plain(&json!({"a": 1})), r#"{"a":1}"#);
        assert_eq!(given(Some("  ".to_owned())), None);
    }
}
