//! The keys of `reminders`.

use super::key::key;
use super::{Key, Kind};

pub(super) const GRACE: Key = key(
    "reminders.grace_minutes",
    Kind::Integer,
    "5",
    None,
    "How long after a meeting's start a reminder that could not leave in time still leaves, in minutes.",
);

pub(super) const WEBHOOK_URL: Key = key(
    "reminders.webhook_url",
    Kind::Url,
    "null",
    None,
    "Where reminders by webhook are sent, signed by the rules of Standard Webhooks.",
);

pub(super) const WEBHOOK_SECRET: Key = key(
    "reminders.webhook_secret",
    Kind::Secret,
    "null",
    None,
    "The secret that signs reminders by webhook: `whsec_` and base64 of 24 bytes or more.",
);

pub(super) const PUSH_URL: Key = key(
    "reminders.push_url",
    Kind::Url,
    "null",
    None,
    "The push server to which reminders by push are handed over, of the kind of ntfy: your own, or https://ntfy.sh.",
);

pub(super) const PUSH_TOKEN: Key = key(
    "reminders.push_token",
    Kind::Secret,
    "null",
    None,
    "The access token of that push server, where it wants one.",
);
