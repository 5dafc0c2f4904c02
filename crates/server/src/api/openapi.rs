//! The API's description: OpenAPI 3.1, made from the routes and the actions, and the page to try it.

use std::sync::OnceLock;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use parfocal_engine::actions::{self, Action, Planned, ZoomCall};
use serde_json::{Map, Value, json};

use super::route::{Answer, Route, input_schema, output_schema};
use crate::problem::ProblemShape;
use crate::state::AppState;

const PAGE: &str = include_str!("explorer.html");
const SCRIPT: &str = include_str!("explorer.js");

/// The description as text; it never changes while the program runs.
fn document() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| build().to_string())
}

/// `GET /v1/openapi.json`.
pub(super) async fn get() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], document()).into_response()
}

/// `GET /v1/docs`: a page to read the description and try it.
pub(super) async fn page(State(_): State<AppState>) -> Response {
    let page = PAGE.replace("{{ fingerprint }}", &crate::assets::fingerprint());
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

/// `GET /v1/docs/explorer.js`.
pub(super) async fn script() -> Response {
    (
        [(header::CONTENT_TYPE, "text/javascript; charset=utf-8")],
        SCRIPT,
    )
        .into_response()
}

/// The description.
pub(super) fn build() -> Value {
    let mut document = written_out();
    super::shared::share(&mut document);
    document
}

fn written_out() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in super::table() {
        add(
            &mut paths,
            &format!("/v1{}", route.path),
            route.method,
            operation(&route),
        );
    }
    for action in actions::all() {
        add(
            &mut paths,
            &format!("/v1/actions/{}", action.name()),
            "post",
            run(action),
        );
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Parfocal",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "Everything between Zoom and the systems people work in.",
            "description": "Actions reach into Zoom; the other resources tell what was taken in. Lists come in pieces: pass `next` of \
                one as `after` for the next. Failures are RFC 9457 problems with a stable `code`, what happened, what to do, and for \
                Zoom's refusals what Zoom said. Changes are additive only.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "A key of `parfocal keys create`. On the machine itself \
                    none is needed while `server.auth` is `local`."},
            },
            "schemas": {"Problem": input_schema::<ProblemShape>()},
            "responses": {
                "Problem": {
                    "description": "It could not be done; `code` and `hint` say why and what to do.",
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                },
            },
        },
    })
}

fn add(paths: &mut Map<String, Value>, path: &str, method: &str, operation: Value) {
    let entry = paths.entry(path.to_owned()).or_insert_with(|| json!({}));
    if let Some(entry) = entry.as_object_mut() {
        entry.insert(method.to_owned(), operation);
    }
}

fn problems() -> Value {
    json!({"$ref": "#/components/responses/Problem"})
}

fn operation(route: &Route) -> Value {
    let mut parameters: Vec<Value> = route
        .in_path
        .iter()
        .map(|part| {
            json!({"name": part.name, "in": "path", "required": true, "description": part.about,
                "schema": {"type": "string", "minLength": 1}})
        })
        .collect();
    if let Some(query) = route.query {
        parameters.extend(query_parameters(&query()));
    }
    let mut content = match route.answer {
        Answer::Json(schema) => json!({"application/json": {"schema": schema()}}),
        Answer::Other(kind) => json!({kind: {}}),
    };
    for kind in route.also {
        content[*kind] = json!({});
    }
    let mut responses = Map::new();
    responses.insert(
        route.status.to_string(),
        if route.status == 204 {
            json!({"description": "It was done."})
        } else {
            json!({"description": "It was done.", "content": content})
        },
    );
    responses.insert("default".to_owned(), problems());
    let mut out = json!({
        "operationId": route.id,
        "tags": [route.tag],
        "summary": route.summary,
        "x-role": route.role,
        "responses": responses,
    });
    if !parameters.is_empty() {
        out["parameters"] = parameters.into();
    }
    if let Some(body) = route.body {
        out["requestBody"] = json!({"required": route.body_required, "content": {"application/json": {"schema": body()}}});
    }
    out
}

/// The members of a query as parameters; one that may be null may be left out.
fn query_parameters(schema: &Value) -> Vec<Value> {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let Some(members) = schema["properties"].as_object() else {
        return Vec::new();
    };
    members
        .iter()
        .map(|(name, member)| {
            let mut member = without_null(member);
            let about = member
                .as_object_mut()
                .and_then(|member| member.remove("description"));
            let mut out = json!({"name": name, "in": "query", "required": required.contains(&name.as_str()), "schema": member});
            if let Some(about) = about {
                out["description"] = about;
            }
            out
        })
        .collect()
}

fn without_null(schema: &Value) -> Value {
    let mut out = schema.clone();
    if let Some(kinds) = schema.get("type").and_then(Value::as_array) {
        let kinds: Vec<&Value> = kinds.iter().filter(|kind| *kind != "null").collect();
        out["type"] = match kinds.as_slice() {
            [one] => (*one).clone(),
            several => several.iter().copied().cloned().collect(),
        };
    }
    if let Some(options) = schema.get("enum").and_then(Value::as_array) {
        out["enum"] = options
            .iter()
            .filter(|one| !one.is_null())
            .cloned()
            .collect();
    }
    if let Some(parts) = schema.get("anyOf").and_then(Value::as_array) {
        let parts: Vec<&Value> = parts
            .iter()
            .filter(|part| part.get("type") != Some(&Value::from("null")))
            .collect();
        if let [one] = parts.as_slice() {
            let about = schema.get("description").cloned();
            out = (*one).clone();
            if let Some(about) = about {
                out["description"] = about;
            }
        }
    }
    if let Some(out) = out.as_object_mut() {
        out.remove("default");
    }
    out
}

/// An action as an operation of its own, with its own schemas.
fn run(action: &Action) -> Value {
    let mut examples = Map::new();
    for (n, example) in action.examples().iter().enumerate() {
        examples.insert(format!("example{}", n + 1), json!({"value": example}));
    }
    let required = action.input_schema()["required"]
        .as_array()
        .is_some_and(|members| !members.is_empty());
    let mut parameters = vec![json!({
        "name": "dry_run", "in": "query", "required": false, "schema": {"type": "boolean"},
        "description": "Only tell which requests would be sent to Zoom.",
    })];
    if action.read_only() {
        parameters.push(json!({
            "name": "fresh", "in": "query", "required": false, "schema": {"type": "boolean"},
            "description": "Ask Zoom even if an answer is at hand.",
        }));
    } else {
        parameters.push(json!({
            "name": "Idempotency-Key", "in": "header", "required": false,
            "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
            "description": "Makes a repetition safe: the same key with the same body gets the first answer, for 48 hours.",
        }));
    }
    let done = json!({
        "type": "object",
        "required": ["action", "output", "zoom", "replayed", "cached"],
        "properties": {
            "action": {"type": "string", "const": action.name()},
            "output": action.output_schema(),
            "zoom": {"type": "array", "items": output_schema::<ZoomCall>(), "description": "The calls to Zoom that it took."},
            "replayed": {"type": "boolean", "description": "Whether this is the answer of an earlier request with the same key."},
            "cached": {"type": "boolean", "description": "Whether the answer was at hand."},
        },
    });
    let scopes: Vec<Vec<String>> = action.scopes();
    json!({
        "operationId": format!("action.{}", action.name()),
        "tags": ["actions"],
        "summary": action.title(),
        "description": action.description(),
        "x-role": action.role(),
        "x-effect": action.effect(),
        "x-zoom-rate-label": action.rate_label(),
        "x-zoom-scopes": scopes,
        "parameters": parameters,
        "requestBody": {
            "required": required,
            "content": {"application/json": {"schema": action.input_schema(), "examples": examples}},
        },
        "responses": {
            "200": {
                "description": "What came of it, or, in a dry run, what would be sent.",
                "content": {"application/json": {"schema": {"anyOf": [done, output_schema::<Planned>()]}}},
            },
            "default": problems(),
        },
    })
}
