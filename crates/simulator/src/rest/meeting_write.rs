//! Meetings: create, change, delete, end.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::body::Fields;
use super::meeting_json::full;
use super::meetings::may_host;
use super::request::Req;
use crate::http::reply::{Answer, Refusal, Reply};
use crate::limits::Quota;
use crate::world::WorldError;
use crate::world::model::{Meeting, MeetingDraft, Recurrence, TrackingField, User};

/// What a create or update body says, checked.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    pub(super) topic: Option<String>,
    pub(super) agenda: Option<String>,
    pub(super) kind: Option<u8>,
    pub(super) start: Option<Timestamp>,
    pub(super) duration: Option<u32>,
    pub(super) timezone: Option<String>,
    pub(super) password: Option<String>,
    pub(super) recurrence: Option<Recurrence>,
    pub(super) settings: Map<String, Value>,
    pub(super) tracking: Option<Vec<TrackingField>>,
}

/// `start_time`: with `Z` an instant, without it the wall clock of a zone.
fn start_time(text: &str, zone: &str) -> Option<Timestamp> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let civil: DateTime = text.parse().ok()?;
    let zone = TimeZone::get(zone).ok()?;
    civil.to_zoned(zone).ok().map(|zoned| zoned.timestamp())
}

fn recurrence(map: &Map<String, Value>, errors: &mut Vec<(String, String)>) -> Recurrence {
    let mut fields = Fields::of(map, "recurrence.");
    let kind = fields.choice("type", &[1, 2, 3]);
    if !map.contains_key("type") {
        fields.fault("type", "This field is required.");
    }
    let most = match kind {
        Some(2) => 50,
        Some(3) => 10,
        _ => 99,
    };
    let small = |number: Option<i64>| number.and_then(|number| i8::try_from(number).ok());
    let out = Recurrence {
        kind: kind.and_then(|kind| u8::try_from(kind).ok()).unwrap_or(1),
        repeat_interval: fields
            .number("repeat_interval", 1..=most)
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(1),
        weekly_days: fields.text("weekly_days", 13),
        monthly_day: small(fields.number("monthly_day", 1..=31)),
        monthly_week: small(fields.choice("monthly_week", &[-1, 1, 2, 3, 4])),
        monthly_week_day: small(fields.number("monthly_week_day", 1..=7)),
        end_times: fields
            .number("end_times", 0..=60)
            .and_then(|n| u32::try_from(n).ok()),
        end_date_time: fields
            .text("end_date_time", 64)
            .and_then(|text| start_time(&text, "UTC")),
    };
    if out.end_times.is_some() && out.end_date_time.is_some() {
        fields.fault(
            "end_times",
            "end_times and end_date_time cannot be used together.",
        );
    }
    if map
        .get("end_date_time")
        .is_some_and(|value| !value.is_null())
        && out.end_date_time.is_none()
    {
        fields.fault("end_date_time", "Invalid field.");
    }
    let days_fit = out.weekly_days.as_deref().is_none_or(|days| {
        days.split(',')
            .all(|day| matches!(day.trim(), "1" | "2" | "3" | "4" | "5" | "6" | "7"))
    });
    if !days_fit {
        fields.fault("weekly_days", "Invalid field.");
    }
    if out.monthly_week.is_some() && out.monthly_week_day.is_none() {
        fields.fault("monthly_week_day", "This field is required.");
    }
    errors.extend(fields.errors());
    out
}

/// Zoom checks the values of a few settings; unknown ones are dropped without a word.
fn settings(
    map: &Map<String, Value>,
    webinar: bool,
    errors: &mut Vec<(String, String)>,
) -> Map<String, Value> {
    // What only webinars have.
    const OF_WEBINARS: &[&str] = &[
        "add_audio_watermark",
        "add_watermark",
        "attendees_and_panelists_reminder_email_notification",
        "email_language",
        "follow_up_absentees_email_notification",
        "follow_up_attendees_email_notification",
        "hd_video",
        "hd_video_for_attendees",
        "notify_registrants",
        "on_demand",
        "panelist_authentication",
        "panelists_invitation_email_notification",
        "panelists_video",
        "post_webinar_survey",
        "practice_session",
        "registrants_restrict_number",
        "send_1080p_video_to_attendees",
        "survey_url",
    ];
    const KNOWN: &[&str] = &[
        "additional_data_center_regions",
        "allow_multiple_devices",
        "alternative_hosts",
        "alternative_hosts_email_notification",
        "approval_type",
        "audio",
        "audio_conference_info",
        "authentication_domains",
        "authentication_option",
        "auto_recording",
        "breakout_room",
        "calendar_type",
        "close_registration",
        "contact_email",
        "contact_name",
        "continuous_meeting_chat",
        "email_notification",
        "encryption_type",
        "focus_mode",
        "global_dial_in_countries",
        "host_save_video_order",
        "host_video",
        "internal_meeting",
        "jbh_time",
        "join_before_host",
        "language_interpretation",
        "meeting_authentication",
        "meeting_invitees",
        "mute_upon_entry",
        "participant_video",
        "private_meeting",
        "registrants_confirmation_email",
        "registrants_email_notification",
        "registration_type",
        "show_share_button",
        "sign_language_interpretation",
        "use_pmi",
        "waiting_room",
        "watermark",
        "auto_start_meeting_summary",
        "who_will_receive_summary",
        "auto_start_ai_companion_questions",
        "summary_template_id",
        "device_testing",
        "push_change_to_calendar",
        "alternative_host_update_polls",
        "participant_focused_meeting",
        "question_and_answer",
        "resources",
    ];
    let mut fields = Fields::of(map, "settings.");
    fields.choice("approval_type", &[0, 1, 2]);
    fields.choice("registration_type", &[1, 2, 3]);
    fields.choice("jbh_time", &[0, 5, 10, 15]);
    fields.choice("calendar_type", &[1, 2]);
    let mut words = |name: &str, allowed: &[&str]| {
        if map
            .get(name)
            .is_some_and(|value| !value.as_str().is_some_and(|text| allowed.contains(&text)))
        {
            fields.fault(name, "Invalid field.");
        }
    };
    words("auto_recording", &["local", "cloud", "none"]);
    words("audio", &["both", "telephony", "voip", "thirdParty"]);
    words("encryption_type", &["enhanced_encryption", "e2ee"]);
    errors.extend(fields.errors());
    map.iter()
        .filter(|(name, _)| {
            KNOWN.contains(&name.as_str()) || (webinar && OF_WEBINARS.contains(&name.as_str()))
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

impl Wishes {
    /// Reads a body; `kinds` are the types that may be given.
    pub(super) fn read(
        body: &Map<String, Value>,
        kinds: &[i64],
        zone: &str,
    ) -> Result<Self, Refusal> {
        let webinar = kinds.contains(&5);
        let mut fields = Fields::of(body, "");
        let mut out = Self {
            topic: fields.text("topic", 200),
            agenda: fields.text("agenda", 2000),
            kind: fields
                .choice("type", kinds)
                .and_then(|kind| u8::try_from(kind).ok()),
            duration: fields
                .number("duration", 1..=1440)
                .and_then(|minutes| u32::try_from(minutes).ok()),
            timezone: fields.text("timezone", 64).filter(|zone| !zone.is_empty()),
            password: fields.text("password", 10),
            ..Self::default()
        };
        if out
            .timezone
            .as_deref()
            .is_some_and(|zone| TimeZone::get(zone).is_err())
        {
            fields.fault("timezone", "Invalid field.");
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || "@-_*!#$%^&()+=.".contains(c);
        if out
            .password
            .as_deref()
            .is_some_and(|password| !password.chars().all(allowed))
        {
            fields.fault("password", "Invalid field.");
        }
        let zone = out.timezone.as_deref().unwrap_or(zone);
        if let Some(text) = fields
            .text("start_time", 64)
            .filter(|text| !text.is_empty())
        {
            out.start = start_time(&text, zone);
            if out.start.is_none() {
                fields.fault("start_time", "Invalid field.");
            }
        }
        let mut errors = fields.errors();
        let group = |name: &str, errors: &mut Vec<(String, String)>| match body.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::Object(map)) => Some(map),
            Some(_) => {
                errors.push((name.to_owned(), "Invalid field.".to_owned()));
                None
            }
        };
        if let Some(map) = group("recurrence", &mut errors) {
            out.recurrence = Some(recurrence(map, &mut errors));
        }
        if let Some(map) = group("settings", &mut errors) {
            out.settings = settings(map, webinar, &mut errors);
        }
        if let Some(Value::Array(list)) = body.get("tracking_fields") {
            let text = |value: &Value, name: &str| value[name].as_str().unwrap_or("").to_owned();
            out.tracking = Some(
                list.iter()
                    .map(|one| TrackingField {
                        field: text(one, "field"),
                        value: text(one, "value"),
                        visible: true,
                    })
                    .collect(),
            );
        }
        if errors.is_empty() {
            Ok(out)
        } else {
            Err(Refusal::validation(errors))
        }
    }

    /// What the account's plan or the host's settings do not have is dropped silently.
    pub(super) fn drop_disallowed(&mut self, r: &Req<'_>, host: &User) {
        let plan = r.ctx.shared.config.plan;
        if !plan.is_paid() || host.kind != 2 {
            self.settings.remove("approval_type");
            self.settings.remove("registration_type");
        }
        let cloud = plan.is_paid() && host.settings.cloud_recording;
        let asks = self.settings.get("auto_recording").and_then(Value::as_str);
        if !cloud && asks.unwrap_or(&host.settings.auto_recording) == "cloud" {
            self.settings
                .insert("auto_recording".to_owned(), "none".into());
        }
        if plan < crate::config::Plan::Business {
            self.tracking = None;
        }
    }
}

/// Counts against the writes that a host has in a day.
pub(super) fn spend(r: &Req<'_>, host_id: &str) -> Result<(), Refusal> {
    let path = format!("{} {}", r.ctx.call.method, r.ctx.call.raw_path);
    r.ctx
        .site
        .limiter()
        .spend(Quota::HostWrites, host_id, r.endpoint.label, &path, r.now())
}

/// `POST /users/{userId}/meetings`.
pub(super) fn create(r: &Req<'_>) -> Answer {
    let mut host = r.user_saying("User does not exist: {}.")?;
    may_host(host.kind)?;
    let body = r.object()?;
    let mut wishes = Wishes::read(&body, &[1, 2, 3, 8, 10], &host.timezone)?;
    let kind = wishes.kind.unwrap_or(2);
    if let Some(other) = body
        .get("schedule_for")
        .and_then(Value::as_str)
        .filter(|other| !other.is_empty())
    {
        if kind == 1 {
            return Err(Refusal::new(
                400,
                3000,
                "Instant meetings do not support the `schedule_for` parameter, and you can't schedule an instant meeting for another user.",
            ));
        }
        host = r.world().user(other).ok_or_else(|| {
            Refusal::new(400, 300, "The value that you entered in the `schedule_for` field is invalid. Enter a valid value and try again.")
        })?;
        if r.may_see(&host.id).is_err() {
            return Err(Refusal::new(
                400,
                3000,
                format!("You cannot schedule a meeting for {other}"),
            ));
        }
    }
    spend(r, &host.id)?;
    wishes.drop_disallowed(r, &host);
    let now = r.now();
    // Zoom schedules at the next possible time when the given one is past; without one, now.
    let start = match kind {
        1 | 3 => None,
        _ => Some(wishes.start.filter(|start| *start >= now).unwrap_or(now)),
    };
    let draft = MeetingDraft {
        topic: wishes
            .topic
            .filter(|topic| !topic.is_empty())
            .unwrap_or_else(|| "Zoom Meeting".to_owned()),
        agenda: wishes.agenda.unwrap_or_default(),
        kind,
        start,
        duration: wishes.duration.unwrap_or(60),
        timezone: wishes.timezone.unwrap_or_else(|| host.timezone.clone()),
        password: match wishes.password {
            Some(password) => Some(password),
            None if body.get("default_password") == Some(&Value::Bool(false)) => {
                Some(String::new())
            }
            None => None,
        },
        recurrence: (kind == 8).then(|| {
            wishes.recurrence.unwrap_or(Recurrence {
                kind: 1,
                repeat_interval: 1,
                ..Recurrence::default()
            })
        }),
        settings: wishes.settings,
        tracking_fields: wishes.tracking.unwrap_or_default(),
        creation_source: "open_api",
    };
    let meeting = r
        .world()
        .create_meeting(&host.id, draft, &r.operator())
        .map_err(|_| Refusal::new(404, 1001, format!("User does not exist: {}.", host.id)))?;
    Ok(Reply::created(&full(r, &meeting, true)))
}

/// `PATCH /meetings/{meetingId}`.
pub(super) fn update(r: &Req<'_>) -> Answer {
    let meeting = r.meeting()?;
    let body = r.object()?;
    let mut wishes = Wishes::read(&body, &[1, 2, 3, 8, 10], &meeting.timezone)?;
    let host = r.world().user(&meeting.host_id);
    if let Some(host) = &host {
        may_host(host.kind)?;
        wishes.drop_disallowed(r, host);
    }
    let occurrence = r.param("occurrence_id");
    spend(r, &meeting.host_id)?;
    let now = r.now();
    r.world()
        .update_meeting(meeting.number, occurrence, &r.operator(), |meeting| {
            apply(meeting, wishes, occurrence.is_some(), now);
        })
        .map_err(|error| match error {
            WorldError::UnknownOccurrence(_) => {
                Refusal::new(400, 300, "Invalid parameter: occurrence_id.")
            }
            _ => Refusal::new(
                404,
                3001,
                format!("Meeting does not exist: {}.", meeting.number),
            ),
        })?;
    Ok(Reply::no_content())
}

/// Puts what is wished into a meeting, a webinar, or one occurrence.
pub(super) fn apply(meeting: &mut Meeting, wishes: Wishes, occurrence: bool, now: Timestamp) {
    const OF_OCCURRENCE: [&str; 7] = [
        "host_video",
        "participant_video",
        "join_before_host",
        "mute_upon_entry",
        "waiting_room",
        "watermark",
        "auto_recording",
    ];
    if let Some(agenda) = wishes.agenda {
        meeting.agenda = agenda;
    }
    if let Some(duration) = wishes.duration {
        meeting.duration = duration;
    }
    // A start in the past is ignored, not refused.
    if let Some(start) = wishes.start.filter(|start| *start >= now) {
        meeting.start = Some(start);
    }
    for (name, value) in wishes.settings {
        if !occurrence || OF_OCCURRENCE.contains(&name.as_str()) {
            meeting.settings.insert(name, value);
        }
    }
    if occurrence {
        return;
    }
    if let Some(topic) = wishes.topic {
        meeting.topic = topic;
    }
    if let Some(kind) = wishes.kind {
        meeting.kind = kind;
        if !matches!(kind, 8 | 9) {
            meeting.recurrence = None;
        }
        if matches!(kind, 3 | 6) {
            meeting.start = None;
        }
    }
    if let Some(zone) = wishes.timezone {
        meeting.timezone = zone;
    }
    if let Some(password) = wishes.password {
        meeting.password = password;
    }
    if let Some(recurrence) = wishes.recurrence.filter(|_| matches!(meeting.kind, 8 | 9)) {
        meeting.recurrence = Some(recurrence);
    }
    if let Some(tracking) = wishes.tracking {
        let mut kept: BTreeMap<String, TrackingField> = meeting
            .tracking_fields
            .drain(..)
            .map(|field| (field.field.clone(), field))
            .collect();
        kept.extend(
            tracking
                .into_iter()
                .map(|field| (field.field.clone(), field)),
        );
        meeting.tracking_fields = kept.into_values().collect();
    }
}

/// `DELETE /meetings/{meetingId}`.
pub(super) fn delete(r: &Req<'_>) -> Answer {
    let meeting = r.meeting()?;
    r.world()
        .delete_meeting(meeting.number, r.param("occurrence_id"), &r.operator())
        .map_err(|error| match error {
            WorldError::PersonalRoom => Refusal::new(400, 3018, "Not allowed to delete PMI."),
            WorldError::UnknownOccurrence(_) => {
                Refusal::new(400, 300, "Invalid parameter: `occurrence_id`.")
            }
            _ => Refusal::new(
                404,
                3001,
                format!("Meeting does not exist: {}.", meeting.number),
            ),
        })?;
    Ok(Reply::no_content())
}

/// `PUT /meetings/{meetingId}/status`.
pub(super) fn status(r: &Req<'_>) -> Answer {
    let body = r.object()?;
    let unknown = || Refusal::new(404, 3001, format!("Meeting does not exist: {}.", r.given()));
    match body.get("action").and_then(Value::as_str) {
        Some("end") => {
            let meeting = r.meeting()?;
            // Ending what does not run is no error at Zoom: the meeting is not running afterwards.
            match r.world().end_meeting(meeting.number) {
                Ok(_) | Err(WorldError::NotStarted(_)) => Ok(Reply::no_content()),
                Err(_) => Err(unknown()),
            }
        }
        Some("recover") => match r.meeting() {
            Ok(_) => Ok(Reply::no_content()),
            Err(refusal) => Err(refusal),
        },
        _ => Err(Refusal::field("action", "Invalid field.")),
    }
}
