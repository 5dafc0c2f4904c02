//! The list of meetings.

use axum::extract::State;
use axum::response::Response;
use parfocal_engine::store::InstanceFilter;
use serde::{Deserialize, Serialize};

use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::InstanceView;

/// What the page can be asked; unknown parameters are ignored, since links are shared and edited by hand.
#[derive(Deserialize)]
pub(crate) struct ListParams {
    topic: Option<String>,
    host: Option<String>,
    after: Option<String>,
}

#[derive(Serialize)]
struct Page<'a> {
    rows: Vec<InstanceView>,
    filter: Filter<'a>,
    first: Option<String>,
    next: Option<String>,
}

#[derive(Serialize)]
struct Filter<'a> {
    topic: Option<&'a str>,
    host: Option<&'a str>,
}

/// `GET /meetings`.
pub(crate) async fn get(State(state): State<AppState>, Params(params): Params<ListParams>) -> Result<Response, Problem> {
    let given = |text: &Option<String>| text.as_deref().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let (topic, host) = (given(&params.topic), given(&params.host));
    let filter = InstanceFilter { topic: topic.clone(), host: host.clone(), ..InstanceFilter::default() };
    let request = paging::request(None, params.after)?;
    let app = state.app();
    let page = app.store().instances(app.scope(), &filter, &request).await?;
    let link = |after: Option<&str>| {
        let pairs = [("topic", topic.as_deref()), ("host", host.as_deref()), ("after", after)];
        super::link("/meetings", &pairs)
    };
    let page = Page {
        first: request.after.is_some().then(|| link(None)),
        next: page.next.as_deref().map(|next| link(Some(next))),
        rows: page.items.into_iter().map(InstanceView::from).collect(),
        filter: Filter { topic: topic.as_deref(), host: host.as_deref() },
    };
    state.pages().render("meetings.html", "meetings", "Meetings", &page)
}
