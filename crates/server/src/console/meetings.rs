//! The list of meetings.

use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use parfocal_engine::store::InstanceFilter;
use serde::{Deserialize, Serialize};

use super::month;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::InstanceView;

/// What the page can be asked; unknown parameters are ignored, since links are shared and edited by hand.
#[derive(Deserialize)]
pub(crate) struct ListParams {
    topic: Option<String>,
    host: Option<String>,
    from: Option<String>,
    before: Option<String>,
    with: Option<String>,
    after: Option<String>,
    /// `month` for the calendar.
    view: Option<String>,
    month: Option<String>,
    zone: Option<String>,
}

#[derive(Serialize)]
struct Page {
    calendar: String,
    rows: Vec<InstanceView>,
    filter: Filter,
    filtered: bool,
    first: Option<String>,
    next: Option<String>,
}

/// The filter as it stands in the form.
#[derive(Serialize)]
struct Filter {
    topic: Option<String>,
    host: Option<String>,
    from: Option<String>,
    before: Option<String>,
    with: Option<String>,
}

impl Filter {
    /// The parameters that say something; a day that is none is left out.
    fn of(params: ListParams) -> Self {
        let given = |text: Option<String>| {
            text.map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        let day = |text: Option<String>| given(text).filter(|text| midnight(text).is_some());
        Self {
            topic: given(params.topic),
            host: given(params.host),
            from: day(params.from),
            before: day(params.before),
            with: given(params.with)
                .filter(|with| matches!(with.as_str(), "transcript" | "recording")),
        }
    }

    fn pairs<'a>(&'a self, after: Option<&'a str>) -> [(&'static str, Option<&'a str>); 6] {
        [
            ("topic", self.topic.as_deref()),
            ("host", self.host.as_deref()),
            ("from", self.from.as_deref()),
            ("before", self.before.as_deref()),
            ("with", self.with.as_deref()),
            ("after", after),
        ]
    }

    /// The address of what the filter finds, apart from its days, shown in another way.
    fn link(&self, more: &[(&'static str, Option<&str>)]) -> String {
        let mut pairs = vec![
            ("topic", self.topic.as_deref()),
            ("host", self.host.as_deref()),
            ("with", self.with.as_deref()),
        ];
        pairs.extend(more);
        super::link("/meetings", &pairs)
    }

    fn for_store(&self) -> InstanceFilter {
        let with = |what: &str| (self.with.as_deref() == Some(what)).then_some(true);
        InstanceFilter {
            topic: self.topic.clone(),
            host: self.host.clone(),
            from: self.from.as_deref().and_then(midnight),
            before: self.before.as_deref().and_then(midnight),
            has_transcript: with("transcript"),
            has_recording: with("recording"),
            ..InstanceFilter::default()
        }
    }
}

/// The beginning of a day in UTC.
fn midnight(day: &str) -> Option<Timestamp> {
    Some(
        day.parse::<Date>()
            .ok()?
            .to_zoned(TimeZone::UTC)
            .ok()?
            .timestamp(),
    )
}

/// `GET /meetings`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Response, Problem> {
    let request = paging::request(None, params.after.clone())?;
    let (month, zone) = (params.month.clone(), params.zone.clone());
    let calendar = params.view.as_deref() == Some("month");
    let filter = Filter::of(params);
    if calendar {
        let asked = (month.as_deref(), zone.as_deref());
        return month::page(&state, filter.for_store(), asked, |more| filter.link(more)).await;
    }
    let app = state.app();
    let page = app
        .store()
        .instances(app.scope(), &filter.for_store(), &request)
        .await?;
    let link = |after: Option<&str>| super::link("/meetings", &filter.pairs(after));
    let page = Page {
        calendar: filter.link(&[("view", Some("month"))]),
        first: request.after.is_some().then(|| link(None)),
        next: page.next.as_deref().map(|next| link(Some(next))),
        rows: page.items.into_iter().map(InstanceView::from).collect(),
        filtered: filter.pairs(None).iter().any(|(_, value)| value.is_some()),
        filter,
    };
    state
        .pages()
        .render("meetings.html", "meetings", "Meetings", &page)
}
