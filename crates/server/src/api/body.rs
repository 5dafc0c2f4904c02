//! Bodies of requests, refused with words when they are wrong.

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use parfocal_engine::error::Fault;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// A JSON body; what does not fit is refused with a problem that names the field.
pub(super) struct Body<T>(pub(super) T);

/// A JSON body that may be left out.
pub(super) struct MayBody<T>(pub(super) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for MayBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| Problem::new(error.status(), "body", error.body_text()))?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        read(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|error| Problem::new(error.status(), "body", error.body_text()))?;
        read(&bytes).map(Self)
    }
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let wrong = |problem: String| {
        let fault = Fault::missing(
            String::new(),
            problem.clone(),
            "Send a JSON object as the API's description says.",
        );
        Problem::bad_request(
            "invalid_input",
            format!("the body cannot be used: {problem}"),
        )
        .hint("GET /v1/openapi.json tells what is expected.")
        .errors(vec![fault])
    };
    let value: serde_json::Value =
        serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
    T::deserialize(value).map_err(|error| wrong(error.to_string()))
}
