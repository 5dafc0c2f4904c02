//! `/v1/backfills`: taking in the past, and how far it is.

use axum::Json;
use axum::extract::{Path, State};
use parfocal_engine::backfill::{self, BackfillView};
use parfocal_engine::store::BackfillId;

use crate::problem::Problem;
use crate::state::AppState;
use crate::views::PageView;

/// `GET /v1/backfills`: the latest first; there are few.
pub(crate) async fn list(
    State(state): State<AppState>,
) -> Result<Json<PageView<BackfillView>>, Problem> {
    Ok(Json(PageView {
        items: backfill::list(state.app()).await?,
        next: None,
    }))
}

/// `GET /v1/backfills/{id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Json<BackfillView>, Problem> {
    let missing = || Problem::not_found(format!("there is no backfill {id}"));
    let key: BackfillId = id.parse().map_err(|_| missing())?;
    Ok(Json(backfill::status(state.app(), key).await?))
}
