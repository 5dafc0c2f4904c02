//! The keys of `calendars`, `google` and `microsoft`.

use super::key::key;
use super::{Key, Kind};

pub(super) const CHANGES: Key = key(
    "calendars.changes",
    Kind::Enum(&["ask", "follow", "restore"]),
    "ask",
    None,
    "What becomes of a meeting that somebody moved, renamed or deleted in a calendar: `ask` puts it up for a person to decide, `follow` \
     does the same at Zoom and everywhere else, `restore` writes it again as it was scheduled. What cannot be followed, such as another \
     rule, is put up.",
);
pub(super) const GOOGLE_ID: Key = key(
    "google.client_id",
    Kind::Text,
    "null",
    None,
    "Id of your OAuth client at Google, with which people connect their calendars in the console. None: they cannot.",
);
pub(super) const GOOGLE_SECRET: Key = key(
    "google.client_secret",
    Kind::Secret,
    "null",
    None,
    "Secret of that client.",
);
pub(super) const GOOGLE_CONSENT: Key = key(
    "google.consent_url",
    Kind::Url,
    "https://accounts.google.com/o/oauth2/v2/auth",
    None,
    "Google's page on which people agree.",
);
pub(super) const GOOGLE_TOKEN: Key = key(
    "google.token_url",
    Kind::Url,
    "https://oauth2.googleapis.com/token",
    None,
    "Where Google gives tokens.",
);
pub(super) const GOOGLE_API: Key = key(
    "google.api_url",
    Kind::Url,
    "https://www.googleapis.com/calendar/v3",
    None,
    "Google Calendar's API.",
);
pub(super) const MICROSOFT_ID: Key = key(
    "microsoft.client_id",
    Kind::Text,
    "null",
    None,
    "Id of your application at Microsoft, with which people connect their calendars in the console. None: they cannot.",
);
pub(super) const MICROSOFT_SECRET: Key = key(
    "microsoft.client_secret",
    Kind::Secret,
    "null",
    None,
    "Secret of that application.",
);
pub(super) const MICROSOFT_TENANT: Key = key(
    "microsoft.tenant",
    Kind::Text,
    "organizations",
    None,
    "The tenant whose people connect, by its id or domain; `organizations` for every tenant.",
);
pub(super) const MICROSOFT_LOGIN: Key = key(
    "microsoft.login_url",
    Kind::Url,
    "https://login.microsoftonline.com/",
    None,
    "Microsoft's identity platform.",
);
pub(super) const MICROSOFT_API: Key = key(
    "microsoft.api_url",
    Kind::Url,
    "https://graph.microsoft.com/v1.0",
    None,
    "Microsoft Graph.",
);
