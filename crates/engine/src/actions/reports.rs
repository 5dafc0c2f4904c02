//! `report.*`: what Zoom's reports tell; they need an administrator's scopes and count dearly.

use parfocal_zoom::Reply;
use parfocal_zoom::api::Participant;
use serde_json::json;

use super::action::{Action, Effect};
use super::context::{Context, Step};
use super::keep;
use super::page::{self, Piece};
use super::participants::{List, StayView, held, stay};
use super::request::Request;
use super::shape::Listed;

pub(super) fn actions() -> Vec<Action> {
    vec![
        Action::new(
            "report.participants",
            Effect::Read,
            "Report who attended",
            "Tells who attended a meeting, with registrations and breakout rooms, from Zoom's report. Counts as a heavy call; \
             participants.list tells nearly the same for less.",
            participants,
        )
        .asks(&["GET /report/meetings/{meetingId}/participants"])
        .kept(keep::HISTORY)
        .example(json!({"meeting": "aDYlohsHRtCd4ii1uC2+hA=="})),
    ]
}

async fn participants(cx: Context, input: List) -> Step<Listed<StayView>> {
    let key = held(&cx, &input.meeting).await?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let request = Request::get(format!(
        "/report/meetings/{}/participants",
        key.path_segment()
    ))
    .query("include_fields", Some("registrant_id"));
    let piece = Piece {
        limit: input.limit,
        after: input.after.as_deref(),
    };
    page::list(
        &zoom,
        request,
        "participants",
        piece,
        |reply: &Reply<Participant>| stay(&reply.value),
    )
    .await
}
