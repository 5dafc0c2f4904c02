//! The `settings` object of a meeting with Zoom's defaults.

use serde_json::{Map, Value, json};

use super::model::User;

/// Defaults for a new meeting of `host`, in Zoom's names, with `given` laid over them.
pub(super) fn meeting_settings(
    host: &User,
    webinar: bool,
    given: Map<String, Value>,
) -> Map<String, Value> {
    let defaults = json!({
        "host_video": false,
        "participant_video": false,
        "cn_meeting": false,
        "in_meeting": false,
        "join_before_host": false,
        "jbh_time": 0,
        "mute_upon_entry": false,
        "watermark": false,
        "use_pmi": false,
        "approval_type": 2,
        "registration_type": 1,
        "audio": "both",
        "auto_recording": host.settings.auto_recording,
        "enforce_login": false,
        "enforce_login_domains": "",
        "alternative_hosts": "",
        "alternative_hosts_email_notification": true,
        "close_registration": false,
        "show_share_button": false,
        "allow_multiple_devices": false,
        "registrants_confirmation_email": true,
        "registrants_email_notification": true,
        "waiting_room": host.settings.waiting_room,
        "request_permission_to_unmute_participants": false,
        "meeting_authentication": false,
        "encryption_type": "enhanced_encryption",
        "breakout_room": { "enable": false },
        "email_notification": true,
        "focus_mode": false,
        "private_meeting": false,
        "host_save_video_order": false,
        "language_interpretation": { "enable": false },
        "sign_language_interpretation": { "enable": false },
        "continuous_meeting_chat": { "enable": false },
        "meeting_invitees": [],
        "auto_start_meeting_summary": host.settings.meeting_summary,
        "auto_start_ai_companion_questions": false,
        "device_testing": false,
    });
    let mut out = match defaults {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    if webinar {
        for name in [
            "participant_video",
            "join_before_host",
            "jbh_time",
            "mute_upon_entry",
            "use_pmi",
            "waiting_room",
            "breakout_room",
        ] {
            out.remove(name);
        }
        out.insert("panelists_video".to_owned(), true.into());
        out.insert("practice_session".to_owned(), false.into());
        out.insert("hd_video".to_owned(), false.into());
        out.insert(
            "panelists_invitation_email_notification".to_owned(),
            true.into(),
        );
        out.insert(
            "attendees_and_panelists_reminder_email_notification".to_owned(),
            json!({ "enable": false, "type": 0 }),
        );
    }
    out.extend(given);
    out
}
