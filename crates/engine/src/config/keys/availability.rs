//! The keys of the section `availability`.

use super::{Key, Kind, key};

pub(super) const TIMEZONE: Key = key(
    "availability.timezone",
    Kind::Text,
    "UTC",
    None,
    "The time zone of people of whom neither `availability.people` nor Zoom knows one.",
);
pub(super) const HOURS: Key = key(
    "availability.hours",
    Kind::Text,
    "mon-fri 09:00-17:00",
    None,
    "Working hours by the clocks of each person's zone: days (`mon-fri`, `mon+wed`), then times (`09:00-12:00+13:00-17:00`).",
);
pub(super) const HOLIDAYS: Key = key(
    "availability.holidays",
    Kind::List,
    "[]",
    None,
    "Days on which nobody is met, such as 2026-12-25.",
);
pub(super) const PEOPLE: Key = key(
    "availability.people",
    Kind::List,
    "[]",
    None,
    "Who keeps other hours: an address, `@domain` or `*`, then a time zone, days and times, such as \
     `ann@example.com Europe/Berlin mon-thu 08:00-16:00`. The closest line counts.",
);
pub(super) const CALENDARS: Key = key(
    "availability.calendars",
    Kind::List,
    "[]",
    None,
    "Which calendar tells when people are busy: an address, `@domain` or `*`, then a calendar and its account, such as \
     `@example.com google/work`. `feed` means that what was scheduled here is all there is. Of several closest lines all have to answer. \
     None: every calendar that was added is asked.",
);
pub(super) const BUFFER: Key = key(
    "availability.buffer_minutes",
    Kind::Integer,
    "0",
    None,
    "Minutes that stay free between a proposed meeting and others, before and after.",
);
pub(super) const NOTICE: Key = key(
    "availability.notice_minutes",
    Kind::Integer,
    "60",
    None,
    "Nothing is proposed that begins within so many minutes from now.",
);
