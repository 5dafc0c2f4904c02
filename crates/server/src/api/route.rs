//! A route of the API with its description: what is served and what is written of it cannot part.

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::MethodRouter;
use parfocal_engine::keys::{Caller, Role};
use parfocal_engine::{Code, EngineError};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::problem::Problem;
use crate::state::AppState;

/// Makes a schema when it is asked for.
pub(super) type Describe = fn() -> Value;

/// What a route answers with.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// JSON of this schema.
    Json(Describe),
    /// Bytes or text of this type.
    Other(&'static str),
}

/// A parameter in a path.
#[derive(Clone, Copy)]
pub(super) struct InPath {
    pub(super) name: &'static str,
    pub(super) about: &'static str,
}

/// A route and everything that is told of it.
pub(super) struct Route {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    pub(super) id: &'static str,
    pub(super) tag: &'static str,
    pub(super) summary: &'static str,
    pub(super) role: Role,
    pub(super) in_path: Vec<InPath>,
    pub(super) query: Option<Describe>,
    pub(super) body: Option<Describe>,
    pub(super) body_required: bool,
    pub(super) answer: Answer,
    /// Content types that a parameter asks for instead.
    pub(super) also: &'static [&'static str],
    pub(super) status: u16,
    /// Whether the answer is kept to the connections that a key may use, or tells nothing of any.
    bounded: bool,
    handler: MethodRouter<AppState>,
}

impl Route {
    fn new(
        method: &'static str,
        path: &'static str,
        id: &'static str,
        handler: MethodRouter<AppState>,
    ) -> Self {
        Self {
            method,
            path,
            id,
            tag: id.split('.').next().unwrap_or(id),
            summary: "",
            role: Role::Read,
            in_path: Vec::new(),
            query: None,
            body: None,
            body_required: true,
            answer: Answer::Other("application/json"),
            also: &[],
            status: 200,
            bounded: false,
            handler,
        }
    }

    /// A route that reads; `id` is `noun.verb`.
    pub(super) fn get(
        path: &'static str,
        id: &'static str,
        handler: MethodRouter<AppState>,
    ) -> Self {
        Self::new("get", path, id, handler)
    }

    /// A route that changes something.
    pub(super) fn post(
        path: &'static str,
        id: &'static str,
        handler: MethodRouter<AppState>,
    ) -> Self {
        Self {
            role: Role::Operate,
            ..Self::new("post", path, id, handler)
        }
    }

    /// A route that removes something.
    pub(super) fn delete(
        path: &'static str,
        id: &'static str,
        handler: MethodRouter<AppState>,
    ) -> Self {
        Self {
            role: Role::Operate,
            ..Self::new("delete", path, id, handler)
        }
    }

    pub(super) fn about(mut self, summary: &'static str) -> Self {
        self.summary = summary;
        self
    }

    pub(super) fn needs(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    pub(super) fn path_part(mut self, name: &'static str, about: &'static str) -> Self {
        self.in_path.push(InPath { name, about });
        self
    }

    pub(super) fn query<T: JsonSchema>(mut self) -> Self {
        self.query = Some(input_schema::<T>);
        self
    }

    pub(super) fn body<T: JsonSchema>(mut self) -> Self {
        self.body = Some(input_schema::<T>);
        self
    }

    /// A body that may be left out.
    pub(super) fn may_have_body<T: JsonSchema>(mut self) -> Self {
        self.body_required = false;
        self.body::<T>()
    }

    pub(super) fn answers<T: JsonSchema>(mut self) -> Self {
        self.answer = Answer::Json(output_schema::<T>);
        self
    }

    pub(super) fn answers_with(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(super) fn sends(mut self, content_type: &'static str) -> Self {
        self.answer = Answer::Other(content_type);
        self
    }

    pub(super) fn also_sends(mut self, content_types: &'static [&'static str]) -> Self {
        self.also = content_types;
        self
    }

    /// A route whose answer is kept to the connections that a key may use, or tells nothing of any connection. All others
    /// refuse keys for some connections.
    pub(super) fn bounded(mut self) -> Self {
        self.bounded = true;
        self
    }

    /// Puts the route into a router, behind the role that it needs.
    pub(super) fn mount(self, router: Router<AppState>) -> Router<AppState> {
        let needed = Needed {
            role: self.role,
            bounded: self.bounded,
            about: self.summary,
        };
        let guarded = self
            .handler
            .layer(middleware::from_fn(move |request, next| {
                guard(needed, request, next)
            }));
        router.route(self.path, guarded)
    }
}

/// What a caller needs for a route.
#[derive(Clone, Copy)]
struct Needed {
    role: Role,
    bounded: bool,
    about: &'static str,
}

impl Needed {
    fn of(self, caller: &Caller) -> Result<(), EngineError> {
        caller.may(self.role)?;
        if self.bounded || caller.sees_everything() {
            return Ok(());
        }
        Err(EngineError::new(
            Code::Forbidden,
            format!(
                "{} may use some connections only, and this is about all of them: {}",
                caller.actor, self.about
            ),
        )
        .with_hint(
            "It sees meetings, recordings, transcripts, search, insights and backfills of its connections; for the rest \
             use a key without limits to connections.",
        ))
    }
}

async fn guard(needed: Needed, request: Request, next: Next) -> Response {
    let refused = request
        .extensions()
        .get::<Caller>()
        .and_then(|caller| needed.of(caller).err());
    match refused {
        Some(error) => Problem::from(error).into_response(),
        None => next.run(request).await,
    }
}

fn settings() -> SchemaSettings {
    SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    })
}

/// The schema of something that comes in.
pub(super) fn input_schema<T: JsonSchema>() -> Value {
    settings()
        .for_deserialize()
        .into_generator()
        .into_root_schema_for::<T>()
        .into()
}

/// The schema of something that goes out.
pub(super) fn output_schema<T: JsonSchema>() -> Value {
    settings()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<T>()
        .into()
}
