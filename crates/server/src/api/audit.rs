//! `/v1/audit`: who changed what.

use axum::Json;
use axum::extract::State;
use parfocal_engine::audit::{AuditFilter, Verified};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::{AuditView, PageView};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    /// Only this action, such as `meeting.create` or `connection.remove`.
    action: Option<String>,
    /// Only what was done to this, such as `component/search`.
    target: Option<String>,
    /// Only what this one did, such as `local` or `key:NAME`.
    actor: Option<String>,
    /// Rows, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

/// `GET /v1/audit`: the log, the latest first.
pub(super) async fn list(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Json<PageView<AuditView>>, Problem> {
    let filter = AuditFilter {
        action: params.action,
        target: params.target,
        actor: params.actor,
    };
    let page = paging::request(params.limit, params.after)?;
    let page = state.app().audit().list(&filter, &page).await?;
    Ok(Json(PageView::of(page, AuditView::from)))
}

/// `GET /v1/audit/verify`: the whole chain, computed again.
pub(super) async fn verify(State(state): State<AppState>) -> Result<Json<Verified>, Problem> {
    Ok(Json(state.app().audit().verify().await?))
}
