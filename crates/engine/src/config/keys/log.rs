//! The keys of the sections `clock` and `log`.

use super::{Key, Kind, key};

pub(super) const CLOCK_FILE: Key = key(
    "clock.file",
    Kind::Path,
    "null",
    None,
    "A simulator's clock file to follow. None: the machine's clock. For tests and demonstrations.",
);
pub(super) const FILTER: Key = key(
    "log.filter",
    Kind::Text,
    "info",
    None,
    "Which messages are logged: a level, or a list such as `info,parfocal_zoom=debug`.",
);
pub(super) const JSON: Key = key(
    "log.json",
    Kind::Bool,
    "false",
    None,
    "Whether each log message is one JSON object.",
);
