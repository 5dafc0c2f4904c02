//! The account itself: what its settings allow.

use serde_json::json;

use super::request::Req;
use crate::http::reply::{Answer, Refusal, Reply};
use crate::world::model::User;

/// `GET /accounts/{accountId}/settings`: what the plan and the users' own switches amount to.
pub(super) fn settings(r: &Req<'_>) -> Answer {
    let given = r.value(0);
    if given != "me" && given != r.world().account().id && given != r.ctx.shared.config.account_id {
        let missing = format!("Account does not exist: {given}.");
        return Err(Refusal::new(400, 2001, missing));
    }
    let option = r.word(
        "option",
        &["", "meeting_authentication", "recording_authentication"],
        "",
    )?;
    if !option.is_empty() {
        return Ok(Reply::ok(&json!({ option: false })));
    }
    let users = r.world().users();
    let any = |switch: fn(&User) -> bool| users.iter().any(|user| switch(user));
    let paid = r.ctx.shared.config.plan.is_paid();
    let cloud = paid && any(|user| user.settings.cloud_recording);
    let capacity = users
        .iter()
        .map(|user| user.settings.meeting_capacity)
        .max()
        .unwrap_or(100);
    Ok(Reply::ok(&json!({
        "schedule_meeting": {
            "host_video": false,
            "participant_video": false,
            "audio_type": "both",
            "join_before_host": false,
            "enforce_login": false,
            "require_password_for_scheduling_new_meetings": true,
            "require_password_for_instant_meetings": true,
        },
        "in_meeting": {
            "chat": true,
            "polling": paid,
            "breakout_room": true,
            "closed_caption": true,
        },
        "email_notification": {
            "jbh_reminder": true,
            "cancel_meeting_reminder": true,
            "alternative_host_reminder": true,
            "schedule_for_reminder": true,
            "cloud_recording_available_reminder": true,
        },
        "recording": {
            "local_recording": true,
            "cloud_recording": cloud,
            "cloud_recording_download": cloud,
            "record_speaker_view": true,
            "record_audio_file": cloud,
            "save_chat_text": cloud,
            "recording_audio_transcript": cloud && any(|user| user.settings.audio_transcript),
            "auto_recording": "none",
            "auto_delete_cmr": false,
        },
        "feature": { "meeting_capacity": capacity },
    })))
}
