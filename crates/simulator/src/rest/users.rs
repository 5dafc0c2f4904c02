//! Users: list, read, create, change, settings, keys.

use std::sync::Arc;

use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use super::body::{Fields, is_email, time};
use super::paging::Page;
use super::request::Req;
use crate::config::Plan;
use crate::http::reply::{Answer, Refusal, Reply};
use crate::limits::Quota;
use crate::oauth::grants::Subject;
use crate::world::UserDraft;
use crate::world::model::{User, UserSettings, UserStatus};

const UNKNOWN: &str = "User does not exist: {}.";

/// A row of `GET /users`.
fn row(user: &User) -> Value {
    let mut out = json!({
        "email": user.email,
        "type": user.kind,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "display_name": user.display_name,
        "timezone": user.timezone,
        "verified": u8::from(user.status != UserStatus::Pending),
        "dept": user.dept,
        "created_at": time(user.created_at),
        "user_created_at": time(user.created_at),
        "status": user.status.name(),
        "role_id": user.role_id,
    });
    if user.status != UserStatus::Pending {
        out["id"] = json!(user.id);
        out["pmi"] = json!(user.pmi);
        out["last_login_time"] = json!(time(user.last_login));
        out["group_ids"] = json!([]);
    }
    out
}

/// `GET /users`.
pub(super) fn list(r: &Req<'_>) -> Answer {
    let status = r.word("status", &["active", "inactive", "pending"], "active")?;
    let page = Page::read(r, 2000)?;
    let role = r.param("role_id");
    let users: Vec<Arc<User>> = r
        .world()
        .users()
        .into_iter()
        .filter(|user| user.status.name() == status && role.is_none_or(|role| role == user.role_id))
        .collect();
    let rows = page.cut(&users).iter().map(|user| row(user)).collect();
    let mut out = page.frame("users", rows, users.len());
    out["page_number"] = json!(page.number());
    Ok(Reply::ok(&out))
}

/// `GET /users/{userId}`.
pub(super) fn get(r: &Req<'_>) -> Answer {
    let user = r.user_saying(UNKNOWN)?;
    let mut out = row(&user);
    let account = r.world().account();
    if let Value::Object(map) = &mut out {
        map.remove("verified");
        let more = json!({
            "id": user.id,
            "pmi": user.pmi,
            "verified": u8::from(user.status != UserStatus::Pending),
            "account_id": account.id,
            "account_number": 1_000_000_001_u64,
            "company": account.name,
            "role_name": match user.role_id.as_str() { "0" => "Owner", "1" => "Admin", _ => "Member" },
            "use_pmi": false,
            "language": user.language,
            "job_title": user.job_title,
            "location": "",
            "cluster": "us05",
            "jid": format!("{}@xmpp.zoom.us", user.id.to_lowercase()),
            "personal_meeting_url": format!("{}/j/{}", r.ctx.shared.base_url, user.pmi),
            "im_group_ids": [],
            "login_types": [100],
            "phone_numbers": [],
            "pic_url": "",
        });
        if let Value::Object(more) = more {
            map.extend(more);
        }
        if user.status == UserStatus::Pending {
            map.insert("created_at".to_owned(), json!(time(r.now())));
        }
    }
    Ok(Reply::ok(&out))
}

/// `POST /users`.
pub(super) fn create(r: &Req<'_>) -> Answer {
    let body = r.object()?;
    let action = body.get("action").and_then(Value::as_str).unwrap_or("");
    if !matches!(action, "create" | "autoCreate" | "custCreate" | "ssoCreate") {
        return Err(Refusal::field("action", "Invalid field."));
    }
    let empty = Map::new();
    let info = body
        .get("user_info")
        .and_then(Value::as_object)
        .unwrap_or(&empty);
    let mut fields = Fields::of(info, "user_info.");
    let email = fields.text("email", 128).unwrap_or_default();
    if !is_email(&email) {
        fields.fault("email", "Invalid field.");
    }
    let kind = fields.choice("type", &[1, 2, 4, 99]);
    if !info.contains_key("type") {
        fields.fault("type", "This field is required.");
    }
    let draft = UserDraft {
        email: email.clone(),
        first_name: fields.text("first_name", 64).unwrap_or_default(),
        last_name: fields.text("last_name", 64).unwrap_or_default(),
        display_name: fields.text("display_name", 128).unwrap_or_default(),
        kind: kind.and_then(|kind| u8::try_from(kind).ok()).unwrap_or(1),
        pending: action == "create",
        action: action.to_owned(),
    };
    fields.finish()?;
    let account = r.world().account().id;
    let path = format!("POST {}", r.ctx.call.raw_path);
    r.ctx.site.limiter().spend(
        Quota::UserCreates,
        &account,
        r.endpoint.label,
        &path,
        r.now(),
    )?;
    match r.world().create_user(draft, &r.operator()) {
        Ok(user) => Ok(Reply::created(&json!({
            "id": user.id,
            "email": user.email,
            "first_name": user.first_name,
            "last_name": user.last_name,
            "type": user.kind,
        }))),
        Err(_) => Err(Refusal::new(
            409,
            1005,
            format!("Email \"{email}\" has already been used."),
        )),
    }
}

/// `PATCH /users/{userId}`.
pub(super) fn update(r: &Req<'_>) -> Answer {
    let user = r.user_saying(UNKNOWN)?;
    if r.ctx.shared.config.plan == Plan::Free {
        return Err(Refusal::new(400, 1109, "Host is not a paid user."));
    }
    let body = r.object()?;
    let mut fields = Fields::of(&body, "");
    let first = fields.text("first_name", 64);
    let last = fields.text("last_name", 64);
    let shown = fields.text("display_name", 128);
    let dept = fields.text("dept", 128);
    let job = fields.text("job_title", 128);
    let language = fields.text("language", 16);
    let zone = fields.text("timezone", 64);
    if zone
        .as_deref()
        .is_some_and(|zone| jiff::tz::TimeZone::get(zone).is_err())
    {
        fields.fault("timezone", "Invalid field.");
    }
    let kind = fields
        .choice("type", &[1, 2, 4, 99])
        .and_then(|kind| u8::try_from(kind).ok());
    fields.finish()?;
    r.world()
        .update_user(&user.id, &r.operator(), |user| {
            let put = |place: &mut String, value: Option<String>| {
                if let Some(value) = value {
                    *place = value;
                }
            };
            put(&mut user.first_name, first);
            put(&mut user.last_name, last);
            put(&mut user.display_name, shown);
            put(&mut user.dept, dept);
            put(&mut user.job_title, job);
            put(&mut user.language, language);
            put(&mut user.timezone, zone);
            if let Some(kind) = kind {
                user.kind = kind;
            }
        })
        .map_err(|_| Refusal::new(404, 1001, UNKNOWN.replace("{}", r.value(0))))?;
    Ok(Reply::no_content())
}

/// `DELETE /users/{userId}`.
pub(super) fn delete(r: &Req<'_>) -> Answer {
    let user = r.user_saying(UNKNOWN)?;
    let action = r.word("action", &["disassociate", "delete"], "disassociate")?;
    if user.role_id == "0" {
        return Err(Refusal::new(
            400,
            200,
            "Cannot delete a user out of your account.",
        ));
    }
    if r.param("transfer_email")
        .is_some_and(|to| to.eq_ignore_ascii_case(&user.email))
    {
        return Err(Refusal::new(
            400,
            300,
            "The transfer-to email address cannot be the same as the unlinked or deleted user's email address.",
        ));
    }
    match r
        .world()
        .remove_user(&user.id, action == "disassociate", &r.operator())
    {
        Ok(()) => Ok(Reply::no_content()),
        Err(_) => Err(Refusal::new(404, 1001, UNKNOWN.replace("{}", r.value(0)))),
    }
}

/// `GET /users/email`.
pub(super) fn email(r: &Req<'_>) -> Answer {
    let email = r
        .param("email")
        .ok_or_else(|| Refusal::new(400, 300, "Email is required."))?;
    Ok(Reply::ok(
        &json!({ "existed_email": r.world().user(email).is_some_and(|user| user.email.eq_ignore_ascii_case(email)) }),
    ))
}

/// `GET /users/summary`.
pub(super) fn summary(r: &Req<'_>) -> Reply {
    let users = r.world().users();
    let count = |test: &dyn Fn(&User) -> bool| users.iter().filter(|user| test(user)).count();
    Reply::ok(&json!({
        "licensed_users_count": count(&|user| user.kind == 2 && user.status != UserStatus::Pending),
        "basic_users_count": count(&|user| user.kind == 1 && user.status != UserStatus::Pending),
        "on_prem_users_count": 0,
        "room_users_count": 0,
        "pending_users_count": count(&|user| user.status == UserStatus::Pending),
        "join_only_users_count": count(&|user| user.kind == 4 && user.status != UserStatus::Pending),
        "total_users_count": users.len(),
    }))
}

/// `GET /users/me/zak`: a key that lives five minutes.
pub(super) fn zak(r: &Req<'_>) -> Answer {
    let id = match &r.access.subject {
        Subject::User(id) | Subject::Account { owner: id } => id.clone(),
        Subject::App => return Err(Refusal::new(400, 1001, "User not exist.")),
    };
    Ok(Reply::ok(&json!({ "token": key(r, &id, 300) })))
}

/// `GET /users/{userId}/token`.
pub(super) fn token(r: &Req<'_>) -> Answer {
    let user = r.user_saying("User does not exist: {}")?;
    r.word("type", &["token", "zak", "onbehalf"], "token")?;
    let ttl = match r.param("ttl") {
        None => 7200,
        Some(text) => text
            .parse::<i64>()
            .ok()
            .filter(|ttl| (0..=7_776_000).contains(ttl))
            .ok_or_else(|| Refusal::field("ttl", "Invalid field."))?,
    };
    Ok(Reply::ok(&json!({ "token": key(r, &user.id, ttl) })))
}

/// A host's key (ZAK), JWT-shaped; the simulator never asks for it back.
pub(super) fn key(r: &Req<'_>, user_id: &str, seconds: i64) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let expires = r
        .now()
        .saturating_add(SignedDuration::from_secs(seconds))
        .map_or(0, jiff::Timestamp::as_second);
    let head = r#"{"typ":"JWT","sv":"000001","zm_skm":"zm_o2m","alg":"HS256"}"#;
    let body = json!({ "aud": "clientsm", "uid": user_id, "iss": "web", "sty": 1, "clt": 0, "exp": expires }).to_string();
    let mut chance = crate::world::chance::Chance::of(
        r.ctx.shared.config.seed,
        user_id,
        u64::try_from(expires).unwrap_or(0),
    );
    let tail = [chance.bytes16(), chance.bytes16()].concat();
    format!(
        "{}.{}.{}",
        URL_SAFE_NO_PAD.encode(head),
        URL_SAFE_NO_PAD.encode(body),
        URL_SAFE_NO_PAD.encode(tail)
    )
}

/// `GET /users/{userId}/permissions`.
pub(super) fn permissions(r: &Req<'_>) -> Answer {
    let user = r.user_saying(UNKNOWN)?;
    let permissions: &[&str] = match user.role_id.as_str() {
        "0" | "1" => &[
            "User:Read",
            "User:Edit",
            "Role:Read",
            "Role:Edit",
            "Report:Read",
            "Recording:Read",
            "Recording:Edit",
        ],
        _ => &[],
    };
    Ok(Reply::ok(&json!({ "permissions": permissions })))
}

fn settings_of(settings: &UserSettings, plan: Plan) -> Value {
    let paid = plan.is_paid();
    let cloud = paid && settings.cloud_recording;
    json!({
        "schedule_meeting": {
            "host_video": false,
            "participants_video": false,
            "audio_type": "both",
            "join_before_host": false,
            "force_pmi_jbh_password": false,
            "use_pmi_for_scheduled_meetings": false,
            "use_pmi_for_instant_meetings": false,
            "require_password_for_scheduling_new_meetings": true,
            "require_password_for_instant_meetings": true,
            "meeting_password_requirement": {
                "length": 0,
                "have_letter": false,
                "have_number": false,
                "have_special_character": false,
                "only_allow_numeric": false,
            },
        },
        "in_meeting": {
            "chat": true,
            "private_chat": true,
            "auto_saving_chat": false,
            "breakout_room": true,
            "closed_caption": true,
            "co_host": true,
            "e2e_encryption": false,
            "entry_exit_chime": "none",
            "feedback": false,
            "file_transfer": true,
            "polling": paid,
            "screen_sharing": true,
            "waiting_room": settings.waiting_room,
            "meeting_summary_with_ai_companion": {
                "enable": paid && settings.meeting_summary,
                "auto_enable": paid && settings.meeting_summary,
                "who_will_receive_summary": 1,
            },
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
            "record_speaker_view": true,
            "record_gallery_view": false,
            "record_audio_file": cloud,
            "save_chat_text": cloud,
            "show_timestamp": false,
            "recording_audio_transcript": cloud && settings.audio_transcript,
            "auto_recording": if cloud || settings.auto_recording != "cloud" { settings.auto_recording.as_str() } else { "none" },
            "host_pause_stop_recording": true,
            "auto_delete_cmr": settings.auto_delete_days.is_some(),
            "auto_delete_cmr_days": settings.auto_delete_days.unwrap_or(30),
        },
        "telephony": { "third_party_audio": false, "show_international_numbers_link": true },
        "feature": {
            "meeting_capacity": settings.meeting_capacity,
            "large_meeting": false,
            "webinar": paid && settings.webinar,
            "webinar_capacity": if paid && settings.webinar { 500 } else { 0 },
            "zoom_phone": false,
            "concurrent_meeting": if plan == Plan::Business { "Basic" } else { "None" },
        },
    })
}

/// `GET /users/{userId}/settings`.
pub(super) fn settings(r: &Req<'_>) -> Answer {
    let user = r.user_saying(UNKNOWN)?;
    let option = r.word(
        "option",
        &[
            "",
            "meeting_authentication",
            "recording_authentication",
            "meeting_security",
        ],
        "",
    )?;
    let out = match option {
        "meeting_authentication" => json!({ "meeting_authentication": false }),
        "recording_authentication" => json!({ "recording_authentication": false }),
        "meeting_security" => json!({
            "meeting_security": { "waiting_room": user.settings.waiting_room, "meeting_password": true, "encryption_type": "enhanced_encryption" },
        }),
        _ => settings_of(&user.settings, r.ctx.shared.config.plan),
    };
    Ok(Reply::ok(&out))
}

/// `PATCH /users/{userId}/settings`: the switches the simulator knows take effect, others are dropped without a word, as at Zoom.
pub(super) fn update_settings(r: &Req<'_>) -> Answer {
    let user = r.user_saying(UNKNOWN)?;
    let plan = r.ctx.shared.config.plan;
    let body = r.object()?;
    let group = |name: &str| {
        body.get(name)
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    };
    let (recording, meeting) = (group("recording"), group("in_meeting"));
    let auto = recording
        .get("auto_recording")
        .and_then(Value::as_str)
        .map(str::to_owned);
    if auto
        .as_deref()
        .is_some_and(|auto| !matches!(auto, "local" | "cloud" | "none"))
    {
        return Err(Refusal::field("recording.auto_recording", "Invalid field."));
    }
    r.world()
        .update_user(&user.id, &r.operator(), |user| {
            let settings = &mut user.settings;
            let flag =
                |map: &Map<String, Value>, name: &str| map.get(name).and_then(Value::as_bool);
            if plan.is_paid() {
                settings.cloud_recording =
                    flag(&recording, "cloud_recording").unwrap_or(settings.cloud_recording);
                settings.audio_transcript = flag(&recording, "recording_audio_transcript")
                    .unwrap_or(settings.audio_transcript);
                if let Some(days) = recording
                    .get("auto_delete_cmr_days")
                    .and_then(Value::as_u64)
                {
                    settings.auto_delete_days = u32::try_from(days).ok();
                }
                if flag(&recording, "auto_delete_cmr") == Some(false) {
                    settings.auto_delete_days = None;
                }
                let summary = meeting
                    .get("meeting_summary_with_ai_companion")
                    .and_then(|group| group["enable"].as_bool());
                settings.meeting_summary = summary.unwrap_or(settings.meeting_summary);
            }
            if let Some(auto) = auto.filter(|auto| plan.is_paid() || auto != "cloud") {
                settings.auto_recording = auto;
            }
            settings.waiting_room = flag(&meeting, "waiting_room").unwrap_or(settings.waiting_room);
        })
        .map_err(|_| Refusal::new(404, 1001, UNKNOWN.replace("{}", r.value(0))))?;
    Ok(Reply::no_content())
}
