//! A meeting or webinar in Zoom's words.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::body::time;
use super::request::Req;
use crate::webhooks::payload;
use crate::world::model::{Meeting, Occurrence, Registrant};

/// Occurrences as `GET` shows them: what is over only on request.
fn occurrences(meeting: &Meeting, previous: bool, now: Timestamp) -> Vec<Occurrence> {
    meeting
        .occurrences
        .iter()
        .filter(|one| {
            previous || one.start + jiff::SignedDuration::from_mins(i64::from(one.duration)) >= now
        })
        .cloned()
        .collect()
}

/// The passcode as it stands in `join_url`.
fn encrypted(meeting: &Meeting) -> &str {
    &meeting.password
}

/// Digits that stand for the passcode on telephones.
fn digits(meeting: &Meeting) -> String {
    if meeting.password.is_empty() {
        return String::new();
    }
    if meeting.password.chars().all(|c| c.is_ascii_digit()) {
        return meeting.password.clone();
    }
    let sum = meeting
        .password
        .bytes()
        .fold(7_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 1_000_000);
    format!("{sum:06}")
}

/// Settings that meetings have and webinars lack.
const OF_MEETINGS: [&str; 26] = [
    "alternative_hosts_email_notification",
    "authentication_exception",
    "auto_start_ai_companion_questions",
    "auto_start_meeting_summary",
    "breakout_room",
    "calendar_type",
    "cn_meeting",
    "continuous_meeting_chat",
    "device_testing",
    "email_notification",
    "encryption_type",
    "focus_mode",
    "host_save_video_order",
    "in_meeting",
    "internal_meeting",
    "jbh_time",
    "join_before_host",
    "meeting_invitees",
    "mute_upon_entry",
    "participant_focused_meeting",
    "participant_video",
    "private_meeting",
    "resources",
    "use_pmi",
    "waiting_room",
    "watermark",
];

fn put(map: &mut Map<String, Value>, name: &str, value: impl Into<Value>) {
    map.insert(name.to_owned(), value.into());
}

/// The whole object of `GET /meetings/{id}` and of a create's answer.
pub(super) fn full(r: &Req<'_>, meeting: &Meeting, previous: bool) -> Value {
    let webinar = meeting.is_webinar();
    let host = r.world().user(&meeting.host_id);
    let email = host.as_ref().map_or("", |host| host.email.as_str());
    let mut out = Map::new();
    put(&mut out, "uuid", meeting.uuid.to_string());
    put(&mut out, "id", meeting.number);
    put(&mut out, "host_id", meeting.host_id.clone());
    put(&mut out, "host_email", email);
    put(&mut out, "topic", meeting.topic.clone());
    put(&mut out, "type", meeting.kind);
    put(&mut out, "timezone", meeting.timezone.clone());
    put(&mut out, "agenda", meeting.agenda.clone());
    put(&mut out, "created_at", time(meeting.created_at));
    put(
        &mut out,
        "start_url",
        r.urls
            .start(meeting, &super::users::key(r, &meeting.host_id, 7200)),
    );
    put(&mut out, "join_url", r.urls.join(meeting));
    put(&mut out, "password", meeting.password.clone());
    put(&mut out, "creation_source", meeting.creation_source);
    if webinar {
        put(&mut out, "h323_passcode", digits(meeting));
        put(&mut out, "encrypted_passcode", encrypted(meeting));
        put(&mut out, "is_simulive", false);
    } else {
        put(&mut out, "assistant_id", "");
        put(&mut out, "h323_password", digits(meeting));
        put(&mut out, "pstn_password", digits(meeting));
        put(&mut out, "encrypted_password", encrypted(meeting));
        put(&mut out, "pre_schedule", false);
        put(
            &mut out,
            "status",
            if r.world().is_started(meeting.number) {
                "started"
            } else {
                "waiting"
            },
        );
    }
    if !matches!(meeting.kind, 3 | 6) {
        put(&mut out, "duration", meeting.duration);
        if let Some(start) = meeting.start.filter(|_| !matches!(meeting.kind, 8 | 9)) {
            put(&mut out, "start_time", time(start));
        }
    }
    if meeting.kind == 4 || meeting.settings.get("use_pmi") == Some(&Value::Bool(true)) {
        put(
            &mut out,
            "pmi",
            host.as_ref()
                .map(|host| host.pmi.to_string())
                .unwrap_or_default(),
        );
    }
    if let Some(recurrence) = &meeting.recurrence {
        put(&mut out, "recurrence", payload::recurrence(recurrence));
    }
    if matches!(meeting.kind, 8 | 9) {
        put(
            &mut out,
            "occurrences",
            payload::occurrences(&occurrences(meeting, previous, r.now())),
        );
    }
    if meeting.approval_type() < 2 {
        put(&mut out, "registration_url", r.urls.registration(meeting));
    }
    if !meeting.tracking_fields.is_empty() {
        let fields: Vec<Value> = meeting
            .tracking_fields
            .iter()
            .map(|field| json!({ "field": field.field, "value": field.value, "visible": field.visible }))
            .collect();
        put(&mut out, "tracking_fields", fields);
    }
    let mut settings = meeting.settings.clone();
    if webinar {
        settings.retain(|name, _| !OF_MEETINGS.contains(&name.as_str()));
    }
    put(&mut out, "settings", settings);
    Value::Object(out)
}

/// One occurrence in place of the series (`?occurrence_id=`).
pub(super) fn one_occurrence(mut out: Value, occurrence: &Occurrence) -> Value {
    out["start_time"] = json!(time(occurrence.start));
    out["duration"] = json!(occurrence.duration);
    out["occurrences"] = payload::occurrences(std::slice::from_ref(occurrence));
    out
}

/// A row of the lists: `GET /users/{id}/meetings` and `/webinars`.
pub(super) fn row(r: &Req<'_>, meeting: &Meeting) -> Value {
    let mut out = Map::new();
    put(&mut out, "uuid", meeting.uuid.to_string());
    put(&mut out, "id", meeting.number);
    put(&mut out, "host_id", meeting.host_id.clone());
    put(&mut out, "topic", meeting.topic.clone());
    put(&mut out, "type", meeting.kind);
    put(&mut out, "timezone", meeting.timezone.clone());
    put(&mut out, "created_at", time(meeting.created_at));
    put(&mut out, "join_url", r.urls.join(meeting));
    if !meeting.agenda.is_empty() {
        put(
            &mut out,
            "agenda",
            meeting.agenda.chars().take(250).collect::<String>(),
        );
    }
    if !matches!(meeting.kind, 3 | 6) {
        put(&mut out, "duration", meeting.duration);
        if let Some(start) = meeting.start {
            put(&mut out, "start_time", time(start));
        }
    }
    Value::Object(out)
}

/// A registrant as lists and `GET` show it.
pub(super) fn registrant(r: &Req<'_>, meeting: &Meeting, registrant: &Registrant) -> Value {
    const ANSWERS: [&str; 15] = [
        "address",
        "city",
        "comments",
        "country",
        "custom_questions",
        "industry",
        "job_title",
        "no_of_employees",
        "org",
        "phone",
        "purchasing_time_frame",
        "role_in_purchase_process",
        "state",
        "zip",
        "status",
    ];
    let mut out = Map::new();
    for name in ANSWERS {
        let default = if name == "custom_questions" {
            json!([])
        } else {
            json!("")
        };
        put(
            &mut out,
            name,
            registrant.answers.get(name).cloned().unwrap_or(default),
        );
    }
    put(&mut out, "id", registrant.id.clone());
    put(&mut out, "email", registrant.email.clone());
    put(&mut out, "first_name", registrant.first_name.clone());
    put(&mut out, "last_name", registrant.last_name.clone());
    put(&mut out, "status", registrant.status.name());
    put(&mut out, "create_time", time(registrant.created_at));
    if registrant.status == crate::world::model::RegistrantStatus::Approved {
        put(
            &mut out,
            "join_url",
            r.urls.registrant_join(meeting, registrant),
        );
        put(&mut out, "participant_pin_code", registrant.pin);
    }
    Value::Object(out)
}
