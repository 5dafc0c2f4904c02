//! `/v1/deliveries`: what is to be at the destinations, why it is where it is, and trying again.

use axum::Json;
use axum::routing::{get, post};
use parfocal_engine::activate::{DeliveryDetail, DeliveryView, Destinations};
use parfocal_engine::store::{DeliveryFilter, DeliveryId, DeliveryState};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::MayBody;
use super::route::Route;
use super::verbs::{Answered, Ask, Id, answer};
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::views::PageView;

/// All routes, in the order of the description.
pub(super) fn table() -> Vec<Route> {
    let id = |route: Route| route.path_part("id", "The delivery's id.");
    vec![
        Route::get("/deliveries", "deliveries.list", get(list))
            .about("What is to be at the destinations, the latest change first, with why it is where it is")
            .query::<ListParams>()
            .answers::<PageView<DeliveryView>>(),
        id(Route::get("/deliveries/{id}", "deliveries.get", get(one)))
            .about("A delivery with what is sent, every try, what came back and what to do")
            .answers::<DeliveryDetail>(),
        id(Route::post("/deliveries/{id}/retry", "deliveries.retry", post(retry)))
            .about("Sends a delivery once more, whatever became of it")
            .answers::<DeliveryDetail>(),
        id(Route::post("/deliveries/{id}/drop", "deliveries.drop", post(give_up)))
            .about("Gives a delivery up")
            .answers::<DeliveryDetail>(),
        Route::post("/deliveries/retry", "deliveries.retry_all", post(retry_all))
            .about("Sends all dead deliveries once more, of one destination or all")
            .may_have_body::<RetryAll>()
            .answers::<Retried>(),
    ]
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListParams {
    /// Only of this destination, by name or id.
    destination: Option<String>,
    /// Only in this state.
    state: Option<DeliveryState>,
    /// Only about this person, by address or id.
    person: Option<String>,
    /// Only those whose key contains this.
    key: Option<String>,
    /// Rows, 1 to 200. Default 50.
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RetryAll {
    /// Only of this destination.
    destination: Option<String>,
    /// Only about this person, by address or id.
    person: Option<String>,
    /// Only those whose key contains this.
    key: Option<String>,
}

/// How many are sent once more.
#[derive(Debug, Serialize, JsonSchema)]
struct Retried {
    /// Deliveries.
    deliveries: u64,
}

async fn filter(
    verbs: Destinations<'_>,
    state: Option<DeliveryState>,
    person: Option<&str>,
    key: Option<String>,
) -> Result<DeliveryFilter, Problem> {
    Ok(DeliveryFilter {
        destination: None,
        state,
        person: match person {
            Some(person) => Some(verbs.person_named(person).await?),
            None => None,
        },
        key,
    })
}

async fn list(ask: Ask, Params(params): Params<ListParams>) -> Answered<PageView<DeliveryView>> {
    let page = paging::request(params.limit, params.after)?;
    let verbs = ask.verbs();
    let filter = filter(verbs, params.state, params.person.as_deref(), params.key).await?;
    let page = verbs
        .deliveries(params.destination.as_deref(), filter, &page)
        .await?;
    Ok(Json(PageView {
        items: page.items,
        next: page.next,
    }))
}

async fn one(ask: Ask, Id(id): Id<DeliveryId>) -> Answered<DeliveryDetail> {
    answer(ask.verbs().delivery(id).await)
}

async fn retry(ask: Ask, Id(id): Id<DeliveryId>) -> Answered<DeliveryDetail> {
    answer(ask.verbs().retry(id, &ask.by).await)
}

async fn give_up(ask: Ask, Id(id): Id<DeliveryId>) -> Answered<DeliveryDetail> {
    answer(ask.verbs().drop_delivery(id, &ask.by).await)
}

async fn retry_all(ask: Ask, MayBody(which): MayBody<RetryAll>) -> Answered<Retried> {
    let verbs = ask.verbs();
    let filter = filter(verbs, None, which.person.as_deref(), which.key).await?;
    let deliveries = verbs
        .retry_all(which.destination.as_deref(), filter, &ask.by)
        .await?;
    Ok(Json(Retried { deliveries }))
}
