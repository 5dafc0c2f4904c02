//! The sections `google` and `microsoft`: our apps there, through which people connect their calendars in the browser.

use serde::{Deserialize, Serialize};
use url::Url;

use super::Secret;

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
