//! `/v1/event-types`: every type of event with the schema of its message.

use axum::Json;
use axum::extract::Path;
use parfocal_engine::EngineError;
use parfocal_engine::told::{self, KindView};

use super::verbs::Answered;
use crate::views::PageView;

/// `GET /v1/event-types`.
pub(super) async fn list() -> Json<PageView<KindView>> {
    Json(PageView {
        items: told::KINDS.iter().map(told::Kind::view).collect(),
        next: None,
    })
}

/// `GET /v1/event-types/{type}`.
pub(super) async fn one(Path(name): Path<String>) -> Answered<KindView> {
    let kind = told::kind(&name).ok_or_else(|| {
        EngineError::not_found("type of event", &name)
            .with_hint("GET /v1/event-types lists which there are.")
    })?;
    Ok(Json(kind.view()))
}
