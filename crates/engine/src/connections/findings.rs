//! What an account cannot do, said before it fails: plan, settings, webhooks, the clock.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{ConnectionOrigin, ConnectionState};
use parfocal_zoom::{Client, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::features::Level;
use super::probe::{Access, Capabilities, cause_of, get};
use crate::error::Result;

/// A clock that is further off than this makes signatures and codes fail.
pub(super) const MOST_SKEW: Duration = Duration::from_mins(5);

/// How much a finding matters.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Good to know.
    Info,
    /// Something that is mostly wanted will not come.
    Warning,
    /// Nothing works until it is mended.
    Blocking,
}

/// Something about an account or connection that a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Finding {
    /// What it is about: `recording`, `transcription`, `summary`, `reports`, `webhooks`, `plan`, `clock`, `credentials`.
    pub about: &'static str,
    /// How much it matters.
    pub weight: Weight,
    /// What is the case, and what follows.
    pub says: String,
    /// What to do about it.
    pub mend: String,
}

/// The switches of a user or account that decide what comes; none where Zoom did not tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(default)]
pub struct Switches {
    /// Whose they are: an e-mail, or `account`.
    pub of: String,
    /// Cloud recording can be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_recording: Option<bool>,
    /// Audio transcripts are made of cloud recordings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcripts: Option<bool>,
    /// Chats of recorded meetings are kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chats: Option<bool>,
    /// `local`, `cloud` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_recording: Option<String>,
    /// Recordings are deleted after so many days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted_after_days: Option<i64>,
    /// Zoom's own summaries are switched on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summaries: Option<bool>,
    /// Why the settings could not be read: `plan`, `scope`, `permission`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// When they were read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}

impl Switches {
    fn read(of: &str, settings: &Value, at: Timestamp) -> Self {
        let recording = settings.get("recording");
        let flag = |section: Option<&Value>, names: &[&str]| {
            let section = section?;
            names.iter().find_map(|name| match section.get(*name)? {
                Value::Bool(on) => Some(*on),
                // Some switches come as an object with the switch in it.
                Value::Object(inner) => inner.get("enable").and_then(Value::as_bool),
                Value::String(text) => text.parse().ok(),
                _ => None,
            })
        };
        let in_meeting = settings.get("in_meeting");
        let deleted = flag(recording, &["auto_delete_cmr"]) == Some(true);
        Self {
            of: of.to_owned(),
            cloud_recording: flag(recording, &["cloud_recording"]),
            transcripts: flag(
                recording,
                &["recording_audio_transcript", "save_audio_transcript"],
            ),
            chats: flag(recording, &["save_chat_text", "record_audio_file_chat"]),
            auto_recording: recording
                .and_then(|section| section.get("auto_recording"))
                .and_then(Value::as_str)
                .map(str::to_owned),
            deleted_after_days: recording
                .filter(|_| deleted)
                .and_then(|section| section.get("auto_delete_cmr_days"))
                .and_then(Value::as_i64),
            summaries: flag(
                in_meeting,
                &["meeting_summary_with_ai_companion", "meeting_summary"],
            ),
            refused: None,
            at: Some(at),
        }
    }

    /// The same with what this one does not know taken from another.
    fn or(mut self, other: Self) -> Self {
        self.cloud_recording = self.cloud_recording.or(other.cloud_recording);
        self.transcripts = self.transcripts.or(other.transcripts);
        self.chats = self.chats.or(other.chats);
        self.auto_recording = self.auto_recording.or(other.auto_recording);
        self.deleted_after_days = self.deleted_after_days.or(other.deleted_after_days);
        self.summaries = self.summaries.or(other.summaries);
        self.refused = self.refused.filter(|_| other.refused.is_some());
        self
    }
}

/// Reads the switches that decide what comes: the account's where that is allowed, else (and besides) a user's. What is
/// refused is a finding, not a failure.
///
/// # Errors
/// What keeps Zoom from being asked at all.
pub(super) async fn switches(
    client: &Client,
    level: Level,
    user: Option<&str>,
    at: Timestamp,
) -> Result<Switches> {
    let mut found: Option<Switches> = None;
    let mut paths = Vec::new();
    if level != Level::User {
        paths.push(("account", "/accounts/me/settings".to_owned()));
    }
    match (level, user) {
        (Level::User | Level::Admin, _) => {
            paths.push((user.unwrap_or("user"), "/users/me/settings".to_owned()));
        }
        (Level::Account, Some(user)) => {
            let segment = parfocal_zoom::id::encode_segment(user);
            paths.push((user, format!("/users/{segment}/settings")));
        }
        (Level::Account, None) => {}
    }
    for (of, path) in paths {
        let seen = match get(client, &path, &[]).await {
            Ok(settings) => Switches::read(of, &settings, at),
            Err(error) => match (cause_of(&error), error.kind()) {
                (Some(cause), _) => Switches {
                    of: of.to_owned(),
                    refused: Some(cause.to_owned()),
                    at: Some(at),
                    ..Switches::default()
                },
                // Not every account or cloud knows these paths.
                (None, ErrorKind::NotFound | ErrorKind::UnknownPath | ErrorKind::Validation) => {
                    continue;
                }
                (None, _) => return Err(error.into()),
            },
        };
        found = Some(match found {
            Some(known) => known.or(seen),
            None => seen,
        });
    }
    Ok(found.unwrap_or_default())
}

/// What is known of a connection when its findings are told.
pub(super) struct Known<'a> {
    pub(super) level: Level,
    pub(super) state: ConnectionState,
    pub(super) origin: ConnectionOrigin,
    pub(super) capabilities: &'a Capabilities,
    pub(super) subject: &'a str,
    pub(super) webhook_path: Option<&'a str>,
    pub(super) events_seen: bool,
    pub(super) skew: Option<SignedDuration>,
    pub(super) credentials_gone: bool,
}

/// Tells what a person should know.
pub(super) fn findings(known: &Known<'_>) -> Vec<Finding> {
    let mut out = Vec::new();
    let mut say = |about, weight, says: String, mend: &str| {
        out.push(Finding {
            about,
            weight,
            says,
            mend: mend.to_owned(),
        });
    };
    if known.credentials_gone && known.origin == ConnectionOrigin::Env {
        say(
            "credentials",
            Weight::Blocking,
            "Its credentials are not in the environment any more.".into(),
            "Set them again and restart.",
        );
    }
    if let Some(skew) = known.skew
        && skew.unsigned_abs() > MOST_SKEW
    {
        let direction = if skew.is_positive() {
            "ahead of"
        } else {
            "behind"
        };
        say(
            "clock",
            Weight::Warning,
            format!(
                "This machine's clock is {} minutes {direction} Zoom's: signatures and logins may be refused.",
                skew.unsigned_abs().as_secs() / 60
            ),
            "Set the clock (NTP).",
        );
    }
    if known.state == ConnectionState::Disconnected {
        return out;
    }
    let capabilities = known.capabilities;
    if capabilities.plan_hint.as_deref() == Some("free") {
        say(
            "plan",
            Weight::Warning,
            "No licensed user was seen: on Zoom's free plan there are no cloud recordings, transcripts, participant lists or reports.".into(),
            "Scheduling and live events work; for the rest a user needs a paid plan.",
        );
    }
    if let Some(switches) = capabilities.switches.get(known.subject) {
        let of = &switches.of;
        if switches.cloud_recording == Some(false) {
            say(
                "recording",
                Weight::Warning,
                format!(
                    "Cloud recording is off ({of}): no recordings and no transcripts will come."
                ),
                "Switch it on at zoom.us under Settings, Recording (for all: Admin, Account Settings, Recording), and check that it is not locked.",
            );
        } else if switches.transcripts == Some(false) {
            say(
                "transcription",
                Weight::Warning,
                format!(
                    "Audio transcripts are off ({of}): recordings will come without transcripts."
                ),
                "Switch on \"Create audio transcript\" under Settings, Recording, Cloud recording.",
            );
        }
        if switches.cloud_recording == Some(true)
            && switches
                .auto_recording
                .as_deref()
                .is_some_and(|how| how != "cloud")
        {
            say(
                "recording",
                Weight::Info,
                format!(
                    "Meetings are not recorded by themselves ({of}): somebody has to press Record."
                ),
                "Switch on automatic recording in the cloud if all meetings shall be taken in.",
            );
        }
        if let Some(days) = switches.deleted_after_days {
            say(
                "recording",
                Weight::Info,
                format!("Zoom deletes cloud recordings after {days} days ({of})."),
                "Let Parfocal run at least that often; what was fetched stays here.",
            );
        }
        if let Some(cause) = &switches.refused {
            say(
                "recording",
                Weight::Info,
                format!(
                    "The settings could not be read ({cause}), so it is not known whether recordings and transcripts are on."
                ),
                "Add user:read:settings (for accounts user:read:settings:admin and account:read:settings:admin) to be told.",
            );
        }
    }
    if known.level == Level::User {
        say(
            "reports",
            Weight::Info,
            "A user-level connection cannot read reports; who attended comes from events and past meetings.".into(),
            "Connect an admin-managed or server-to-server app for reports.",
        );
    } else if let Some(reports) = capabilities.resources.get("reports")
        && reports.access == Access::Refused
    {
        let cause = reports.cause.as_deref().unwrap_or("refused");
        say(
            "reports",
            Weight::Info,
            format!(
                "Zoom refuses reports ({cause}); who attended comes from events and past meetings."
            ),
            "Add report:read:list_meeting_participants:admin, or a role that may see usage reports.",
        );
    }
    match (known.webhook_path, known.events_seen) {
        (None, _) => say(
            "webhooks",
            Weight::Warning,
            "No webhook secret of this app is known: events cannot be received, and what happens is seen at the next backfill only.".into(),
            "Give the app's Secret Token (ZOOM_WEBHOOK_SECRET_TOKEN, or with the connection) and subscribe to events; `parfocal scopes --for ingest` lists them.",
        ),
        (Some(path), false) => say(
            "webhooks",
            Weight::Info,
            "No event of this connection has come so far.".into(),
            &format!("If meetings have taken place since, check on the app's page that its subscription is validated and sends to {path} of this server."),
        ),
        (Some(_), true) => {}
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn switches_are_read_in_both_forms() {
        let at = Timestamp::UNIX_EPOCH;
        let user = json!({"recording": {"cloud_recording": false, "auto_recording": "none", "recording_audio_transcript": true},
            "in_meeting": {"meeting_summary_with_ai_companion": {"enable": true}}});
        let read = Switches::read("ana", &user, at);
        assert_eq!(
            (read.cloud_recording, read.transcripts, read.summaries),
            (Some(false), Some(true), Some(true))
        );
        let account = json!({"recording": {"cloud_recording": true, "auto_delete_cmr": true, "auto_delete_cmr_days": 30}});
        let read = Switches::read("account", &account, at).or(read);
        assert_eq!(
            (read.cloud_recording, read.deleted_after_days),
            (Some(true), Some(30))
        );
        assert_eq!(Switches::read("x", &Value::Null, at).cloud_recording, None);
    }

    #[test]
    fn what_will_not_come_is_said() {
        let mut capabilities = Capabilities::default();
        let mut known = Known {
            level: Level::User,
            state: ConnectionState::Healthy,
            origin: ConnectionOrigin::Vault,
            capabilities: &capabilities.clone(),
            subject: "u",
            webhook_path: None,
            events_seen: false,
            skew: Some(SignedDuration::from_mins(-7)),
            credentials_gone: false,
        };
        let abouts =
            |known: &Known<'_>| -> Vec<&str> { findings(known).iter().map(|f| f.about).collect() };
        assert_eq!(abouts(&known), ["clock", "reports", "webhooks"]);
        known.skew = Some(SignedDuration::from_secs(30));
        capabilities.plan_hint = Some("free".into());
        let off = Switches {
            cloud_recording: Some(false),
            ..Switches::default()
        };
        capabilities.switches.insert("u".into(), off);
        known.capabilities = &capabilities;
        assert_eq!(abouts(&known), ["plan", "recording", "reports", "webhooks"]);
    }
}
