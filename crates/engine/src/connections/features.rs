//! What Parfocal does with an account, and which endpoints and events each part needs: the one list behind
//! `parfocal scopes`, the states of connections and the hand-off checklist. Scopes come from the client's table.

use std::fmt;
use std::str::FromStr;

use http::Method;
use serde::{Deserialize, Serialize};

use crate::error::{EngineError, Result};

/// A part of what Parfocal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Feature {
    /// Taking in meetings, who attended, recordings, transcripts and chats.
    Ingest,
    /// Making, changing and cancelling meetings.
    Schedule,
    /// The app inside Zoom's client.
    ZoomApp,
    /// Everything that can be done by API, command line and MCP.
    Actions,
}

impl Feature {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Ingest, Self::Schedule, Self::ZoomApp, Self::Actions];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Schedule => "schedule",
            Self::ZoomApp => "zoom-app",
            Self::Actions => "actions",
        }
    }

    /// What it is, for people.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Ingest => "take in meetings, who attended, recordings, transcripts and chats",
            Self::Schedule => "make, change and cancel meetings, and register people for them",
            Self::ZoomApp => "work inside Zoom's client",
            Self::Actions => "do everything that the API, the command line and MCP offer",
        }
    }
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Feature {
    type Err = EngineError;

    fn from_str(word: &str) -> Result<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|feature| feature.as_str() == word)
            .ok_or_else(|| {
                EngineError::invalid(format!("{word:?} is not a feature"))
                    .with_hint("It is ingest, schedule, zoom-app or actions.")
            })
    }
}

/// How far an app reaches, which decides the form of its scopes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// A general app that each user authorises for themselves.
    User,
    /// A general app that an admin authorises for the account.
    Admin,
    /// A server-to-server app: the whole account.
    Account,
}

impl Level {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::User, Self::Admin, Self::Account];

    /// The word for it on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Admin => "admin",
            Self::Account => "s2s",
        }
    }

    /// What such an app is called on Zoom's marketplace.
    pub const fn about(self) -> &'static str {
        match self {
            Self::User => "general app, user-managed",
            Self::Admin => "general app, admin-managed",
            Self::Account => "server-to-server OAuth app",
        }
    }

    /// Whether a scope is of the form that such an app holds.
    pub(super) fn holds(self, scope: &str) -> bool {
        // Two classic scopes carry `:admin` in the middle.
        let admin = scope.ends_with(":admin") || scope.contains(":admin:");
        match self {
            Self::User => !admin && !scope.ends_with(":master"),
            Self::Admin | Self::Account => admin,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Level {
    type Err = EngineError;

    fn from_str(word: &str) -> Result<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|level| level.as_str() == word || (word == "account" && *level == Self::Account))
            .ok_or_else(|| {
                EngineError::invalid(format!("{word:?} is not a kind of app"))
                    .with_hint("It is user, admin or s2s.")
            })
    }
}

/// One call that a feature makes.
pub(super) struct Need {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) why: &'static str,
    /// Without it the feature works, with less.
    pub(super) optional: bool,
}

const fn need(method: Method, path: &'static str, why: &'static str) -> Need {
    Need {
        method,
        path,
        why,
        optional: false,
    }
}

const fn nice(method: Method, path: &'static str, why: &'static str) -> Need {
    Need {
        method,
        path,
        why,
        optional: true,
    }
}

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

const WHO: &str = "know who is connected";
const USERS: &str = "list users";
const MEETINGS: &str = "read meetings";
const PAST: &str = "read past meetings and who attended";
const ANSWERS: &str = "read answers in polls and questions to the panel";
const RECORDINGS: &str = "read recordings, transcripts and chats";
const SETTINGS: &str = "say beforehand what plan and settings do not allow";
const REPORTS: &str = "complete attendance from reports";
const WRITE: &str = "make, change and cancel meetings";
const REGISTER: &str = "register people";

const INGEST: &[Need] = &[
    need(GET, "/users/{userId}", WHO),
    need(GET, "/users", USERS),
    need(GET, "/users/{userId}/meetings", MEETINGS),
    need(GET, "/meetings/{meetingId}", MEETINGS),
    need(GET, "/past_meetings/{meetingId}", PAST),
    need(GET, "/past_meetings/{meetingId}/instances", PAST),
    need(GET, "/past_meetings/{meetingId}/participants", PAST),
    need(GET, "/users/{userId}/recordings", RECORDINGS),
    need(GET, "/meetings/{meetingId}/recordings", RECORDINGS),
    nice(GET, "/past_meetings/{meetingId}/polls", ANSWERS),
    nice(GET, "/past_meetings/{meetingId}/qa", ANSWERS),
    nice(GET, "/past_webinars/{webinarId}/polls", ANSWERS),
    nice(GET, "/past_webinars/{webinarId}/qa", ANSWERS),
    nice(GET, "/users/{userId}/settings", SETTINGS),
    nice(GET, "/accounts/{accountId}/settings", SETTINGS),
    nice(GET, "/report/users/{userId}/meetings", REPORTS),
    nice(GET, "/report/meetings/{meetingId}/participants", REPORTS),
];

const SCHEDULE: &[Need] = &[
    need(GET, "/users/{userId}", WHO),
    need(GET, "/users/{userId}/meetings", MEETINGS),
    need(GET, "/meetings/{meetingId}", MEETINGS),
    need(POST, "/users/{userId}/meetings", WRITE),
    need(PATCH, "/meetings/{meetingId}", WRITE),
    need(DELETE, "/meetings/{meetingId}", WRITE),
    nice(PUT, "/meetings/{meetingId}/status", "end running meetings"),
    nice(GET, "/meetings/{meetingId}/invitation", "read invitations"),
    nice(GET, "/meetings/{meetingId}/registrants", REGISTER),
    nice(POST, "/meetings/{meetingId}/registrants", REGISTER),
    nice(PUT, "/meetings/{meetingId}/registrants/status", REGISTER),
];

const ZOOM_APP: &[Need] = &[
    need(GET, "/users/{userId}", WHO),
    need(GET, "/meetings/{meetingId}", MEETINGS),
    nice(
        POST,
        "/zoomapp/deeplink",
        "open the app in the client after the installation",
    ),
];

const ACTIONS: &[Need] = &[
    need(GET, "/users/{userId}", "read users"),
    need(GET, "/users", USERS),
    need(GET, "/users/{userId}/meetings", MEETINGS),
    need(GET, "/meetings/{meetingId}", MEETINGS),
    need(POST, "/users/{userId}/meetings", WRITE),
    need(PATCH, "/meetings/{meetingId}", WRITE),
    need(DELETE, "/meetings/{meetingId}", WRITE),
    need(PUT, "/meetings/{meetingId}/status", "end running meetings"),
    need(GET, "/meetings/{meetingId}/invitation", "read invitations"),
    need(GET, "/past_meetings/{meetingId}", PAST),
    need(GET, "/past_meetings/{meetingId}/participants", PAST),
    need(GET, "/meetings/{meetingId}/registrants", REGISTER),
    need(POST, "/meetings/{meetingId}/registrants", REGISTER),
    need(PUT, "/meetings/{meetingId}/registrants/status", REGISTER),
    need(GET, "/users/{userId}/recordings", "read recordings"),
    need(GET, "/meetings/{meetingId}/recordings", "read recordings"),
    nice(
        DELETE,
        "/meetings/{meetingId}/recordings",
        "delete recordings",
    ),
    nice(
        DELETE,
        "/meetings/{meetingId}/recordings/{recordingId}",
        "delete recordings",
    ),
    nice(
        GET,
        "/meetings/{meetingId}/meeting_summary",
        "read Zoom's own summaries",
    ),
    nice(
        GET,
        "/report/meetings/{meetingId}/participants",
        "read reports",
    ),
];

/// The calls of a feature.
pub(super) const fn calls(feature: Feature) -> &'static [Need] {
    match feature {
        Feature::Ingest => INGEST,
        Feature::Schedule => SCHEDULE,
        Feature::ZoomApp => ZOOM_APP,
        Feature::Actions => ACTIONS,
    }
}
