//! The sections `calendars`, `google` and `microsoft`: what follows from changes there, and our apps there, through which people connect their calendars in the browser.

use serde::{Deserialize, Serialize};
use url::Url;

use super::Secret;

/// What becomes of what people change in calendars.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calendars {
    /// What becomes of a meeting that somebody moved, renamed or deleted in a calendar.
    pub changes: CalendarChanges,
}

/// What becomes of a meeting that somebody moved, renamed or deleted in a calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalendarChanges {
    /// It is put up for a person to decide.
    #[default]
    Ask,
    /// The same is done at the provider and everywhere else; what cannot be is put up.
    Follow,
    /// It is written again as it was scheduled.
    Restore,
}

/// Our app at Google.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Google {
    /// The client's id; none: nobody connects in the browser.
    pub client_id: Option<String>,
    /// The client's secret.
    pub client_secret: Option<Secret>,
    /// The page on which people agree.
    pub consent_url: Url,
    /// Where tokens are given.
    pub token_url: Url,
    /// Where the API is.
    pub api_url: Url,
}

impl Default for Google {
    fn default() -> Self {
        Self {
            client_id: None,
            client_secret: None,
            consent_url: constant("https://accounts.google.com/o/oauth2/v2/auth"),
            token_url: constant("https://oauth2.googleapis.com/token"),
            api_url: constant("https://www.googleapis.com/calendar/v3"),
        }
    }
}

/// Our app at Microsoft.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Microsoft {
    /// The application's id; none: nobody connects in the browser.
    pub client_id: Option<String>,
    /// The application's secret.
    pub client_secret: Option<Secret>,
    /// The tenant's id or domain; `organizations` for all of them.
    pub tenant: String,
    /// The identity platform.
    pub login_url: Url,
    /// Where the API is.
    pub api_url: Url,
}

impl Default for Microsoft {
    fn default() -> Self {
        Self {
            client_id: None,
            client_secret: None,
            tenant: "organizations".to_owned(),
            login_url: constant("https://login.microsoftonline.com"),
            api_url: constant("https://graph.microsoft.com/v1.0"),
        }
    }
}

fn constant(text: &str) -> Url {
    Url::parse(text).expect("a constant address")
}
