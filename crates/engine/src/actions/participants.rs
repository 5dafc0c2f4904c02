//! `participants.list`: who was in a meeting, from our own store or from Zoom.

use jiff::Timestamp;
use parfocal_store::AccountId;
use parfocal_zoom::Reply;
use parfocal_zoom::api::Participant;
use parfocal_zoom::id::MeetingKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::action::{Action, Effect};
use super::context::{Context, Step, instance};
use super::keep;
use super::page::{self, Piece};
use super::request::Request;
use super::shape::Listed;
use crate::keys::Sight;
use crate::transcripts;

pub(super) fn actions() -> Vec<Action> {
    vec![
        Action::new(
            "participants.list",
            Effect::Read,
            "List participants",
            "Tells who was in a meeting that was held, and when: every stay is a row. Asks Zoom, 15 months back.",
            list,
        )
        .asks(&["GET /past_meetings/{meetingId}/participants"])
        .kept(keep::HISTORY)
        .example(json!({"meeting": "aDYlohsHRtCd4ii1uC2+hA=="})),
    ]
}

/// Whose participants.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct List {
    /// The connection to use, by name or id; only needed when there are several.
    pub(super) connection: Option<String>,
    /// The UUID of the instance, our id of it, or a meeting number for its latest one.
    #[schemars(length(min = 1, max = 200))]
    pub(super) meeting: String,
    /// Rows, 1 to 300. Default 100.
    #[schemars(range(min = 1, max = 300))]
    pub(super) limit: Option<u32>,
    /// The `next` of the piece before.
    pub(super) after: Option<String>,
}

/// One stay of a person in a meeting.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct StayView {
    /// Name as it was on joining.
    name: Option<String>,
    /// E-mail address; none for most people outside the host's account.
    email: Option<String>,
    /// Zoom's id of the user; none for guests.
    user_id: Option<String>,
    /// The registration that the person came with.
    registrant_id: Option<String>,
    /// When the person came.
    join: Option<Timestamp>,
    /// When the person left.
    leave: Option<Timestamp>,
    /// How long the person stayed, in seconds.
    seconds: Option<i64>,
    /// `in_meeting` or `in_waiting_room`.
    status: Option<String>,
    /// The breakout room, if Zoom tells.
    breakout_room: Option<String>,
}

pub(super) fn stay(participant: &Participant) -> StayView {
    let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    StayView {
        name: filled(&participant.name),
        email: filled(&participant.user_email),
        user_id: filled(&participant.id).or_else(|| filled(&participant.participant_user_id)),
        registrant_id: participant.registrant_id.as_ref().map(ToString::to_string),
        join: participant.join_time,
        leave: participant.leave_time,
        seconds: participant.duration,
        status: filled(&participant.status),
        breakout_room: filled(&participant.bo_mtg_id),
    }
}

async fn list(cx: Context, input: List) -> Step<Listed<StayView>> {
    let key = held(&cx, &input.meeting).await?;
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let request = Request::get(format!(
        "/past_meetings/{}/participants",
        key.path_segment()
    ));
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

/// The instance that is meant: our own ids stand for Zoom's UUID.
pub(super) async fn held(cx: &Context, which: &str) -> Step<MeetingKey> {
    if let Ok(id) = which.trim().parse::<parfocal_store::InstanceId>()
        && let Some(known) = cx.app.store().instance(cx.app.scope(), id).await?
    {
        may_see(cx, known.account_id).await?;
        return Ok(instance("meeting", &known.external_id)?);
    }
    Ok(instance("meeting", which)?)
}

/// Refuses a caller whose connections do not reach an account.
pub(super) async fn may_see(cx: &Context, account: AccountId) -> crate::Result<()> {
    Sight::of(&cx.app, &cx.caller).await?.allows(account)
}

/// What was said may be looked for by whoever may see it.
pub(super) async fn find_seen(
    cx: &Context,
    which: &str,
) -> crate::Result<parfocal_store::Instance> {
    let found = transcripts::find_instance(&cx.app, which).await?;
    may_see(cx, found.account_id).await?;
    Ok(found)
}
