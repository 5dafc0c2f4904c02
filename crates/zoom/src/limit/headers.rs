//! Rate-limit headers and texts, all optional and none trusted alone.

use std::time::Duration;

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};

use super::Label;

/// The value of `Retry-After` in any of the forms seen: seconds, an ISO date-time, an HTTP date.
///
/// ```
/// use parfocal_zoom::limit::RetryAfter;
/// use std::time::Duration;
///
/// let now = "2026-05-30T23:59:00Z".parse().unwrap();
/// for text in ["60", "2026-05-31T00:00:00Z", "Sun, 31 May 2026 00:00:00 GMT"] {
///     assert_eq!(RetryAfter::parse(text).unwrap().delay(now), Duration::from_secs(60));
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetryAfter {
    /// So long from now.
    Delay(Duration),
    /// At this time.
    At(Timestamp),
}

impl RetryAfter {
    /// No pause is longer: Zoom's longest limit resets within a day, and a wrong value must not park work for years.
    pub const MAX: Duration = Duration::from_hours(25);

    /// Reads the header; anything else is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.is_empty() || text.len() > 64 {
            return None;
        }
        if let Ok(seconds) = text.parse::<f64>() {
            return (seconds.is_finite() && seconds >= 0.0).then(|| {
                Self::Delay(Duration::from_secs_f64(
                    seconds.min(Self::MAX.as_secs_f64()),
                ))
            });
        }
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(Self::At(at));
        }
        if let Ok(at) = text
            .parse::<civil::DateTime>()
            .and_then(|at| at.to_zoned(TimeZone::UTC))
        {
            return Some(Self::At(at.timestamp()));
        }
        if let Ok(at) = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text) {
            return Some(Self::At(at));
        }
        // The two obsolete HTTP forms, and dates whose weekday is wrong.
        let text = text
            .strip_suffix("GMT")
            .or_else(|| text.strip_suffix("UTC"))
            .unwrap_or(text)
            .trim();
        let text = text.split_once(", ").map_or(text, |(_, rest)| rest);
        [
            "%d %b %Y %H:%M:%S",
            "%d-%b-%y %H:%M:%S",
            "%a %b %e %H:%M:%S %Y",
        ]
        .iter()
        .find_map(|format| civil::DateTime::strptime(format, text).ok())
        .and_then(|at| at.to_zoned(TimeZone::UTC).ok())
        .map(|at| Self::At(at.timestamp()))
    }

    /// How long to wait from `now`; never longer than [`RetryAfter::MAX`].
    #[must_use]
    pub fn delay(self, now: Timestamp) -> Duration {
        match self {
            Self::Delay(delay) => delay.min(Self::MAX),
            Self::At(at) => Duration::try_from(at.duration_since(now))
                .unwrap_or(Duration::ZERO)
                .min(Self::MAX),
        }
    }

    /// When to try again.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Timestamp {
        let delay = SignedDuration::try_from(self.delay(now)).unwrap_or(SignedDuration::ZERO);
        now.saturating_add(delay).unwrap_or(now)
    }
}

/// Which limit an answer speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RateType {
    /// Calls per second.
    PerSecond,
    /// Calls per day.
    Daily,
}

/// The rate-limit headers of an answer; Zoom sends none, some or all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RateHeaders {
    /// `X-RateLimit-Category`.
    pub category: Option<Label>,
    /// `X-RateLimit-Type`.
    pub kind: Option<RateType>,
    /// `X-RateLimit-Limit`.
    pub limit: Option<u64>,
    /// `X-RateLimit-Remaining`.
    pub remaining: Option<u64>,
    /// `X-RateLimit-Reset`, in seconds since 1970.
    pub reset: Option<Timestamp>,
    /// `Retry-After`.
    pub retry_after: Option<RetryAfter>,
}

impl RateHeaders {
    /// Reads what is there; what cannot be read counts as missing.
    #[must_use]
    pub fn read(headers: &HeaderMap) -> Self {
        let text = |name: &str| {
            headers
                .get(name)
                .and_then(|value| value.to_str().ok())
                .map(str::trim)
        };
        let number = |name: &str| text(name).and_then(|value| value.parse::<u64>().ok());
        Self {
            category: text("x-ratelimit-category").and_then(Label::parse),
            kind: text("x-ratelimit-type").and_then(|value| {
                let value = value.to_ascii_lowercase();
                if value.contains("daily") {
                    Some(RateType::Daily)
                } else if value.contains("qps") || value.contains("second") {
                    Some(RateType::PerSecond)
                } else {
                    None
                }
            }),
            limit: number("x-ratelimit-limit"),
            remaining: number("x-ratelimit-remaining"),
            reset: number("x-ratelimit-reset")
                .and_then(|seconds| i64::try_from(seconds).ok())
                .and_then(|seconds| Timestamp::from_second(seconds).ok()),
            retry_after: text("retry-after").and_then(RetryAfter::parse),
        }
    }
}

/// Which limit refused a call, told from the answer's text and headers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Too many calls in this second.
    PerSecond,
    /// The account's calls of this day are used up, until this time.
    Daily {
        /// When Zoom says it resets, else the next 00:00 UTC.
        until: Timestamp,
    },
    /// The daily quota of the host or registrant is used up, until this time.
    Quota {
        /// When Zoom says it resets, else the next 00:00 UTC.
        until: Timestamp,
    },
    /// Another call for the same user is still running.
    Concurrent,
}

impl Refusal {
    /// Classifies an answer with status 429.
    ///
    /// The text decides first, then `X-RateLimit-Type`, then a `Retry-After` that lies far ahead. The host quota's
    /// answer carries the ordinary headers, so its text is the only sign.
    #[must_use]
    pub fn classify(message: &str, headers: &RateHeaders, now: Timestamp) -> Self {
        let text = message.to_ascii_lowercase();
        let midnight = super::next_utc_midnight(now);
        let until = headers.retry_after.map_or(midnight, |retry| {
            let at = retry.at(now);
            // A daily limit that claims to be over in moments is judged by the calendar instead.
            if at > now { at } else { midnight }
        });
        if text.contains("too many concurrent") {
            return Self::Concurrent;
        }
        if text.contains("daily rate limit (")
            || text.contains("permitted for this particular")
            || (text.contains("daily")
                && (text.contains("registrant") || text.contains("particular")))
        {
            return Self::Quota { until: midnight };
        }
        if text.contains("per-second") || text.contains("per second") {
            return Self::PerSecond;
        }
        let far = headers
            .retry_after
            .is_some_and(|retry| retry.delay(now) > Duration::from_mins(10));
        if text.contains("daily") || headers.kind == Some(RateType::Daily) || far {
            return Self::Daily { until };
        }
        Self::PerSecond
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn now() -> Timestamp {
        "2026-05-30T12:00:00Z".parse().unwrap()
    }

    #[test]
    fn every_form_of_retry_after_is_read() {
        let half_day = Duration::from_hours(12);
        for text in [
            "43200",
            "43200.0",
            " 2026-05-31T00:00:00Z ",
            "2026-05-31T02:00:00+02:00",
            "2026-05-31T00:00:00",
            "2026-05-31 00:00:00Z",
            "Sun, 31 May 2026 00:00:00 GMT",
            "Mon, 31 May 2026 00:00:00 GMT",
            "Sunday, 31-May-26 00:00:00 GMT",
            "Sun May 31 00:00:00 2026",
        ] {
            let read = RetryAfter::parse(text).unwrap_or_else(|| panic!("{text} was not read"));
            assert_eq!(read.delay(now()), half_day, "{text}");
        }
        for text in ["", "soon", "-5", "NaN", "2026-13-40T00:00:00Z"] {
            assert_eq!(RetryAfter::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_date_in_the_past_or_far_ahead_is_bounded() {
        assert_eq!(
            RetryAfter::parse("2001-01-01T00:00:00Z")
                .unwrap()
                .delay(now()),
            Duration::ZERO
        );
        assert_eq!(
            RetryAfter::parse("2999-01-01T00:00:00Z")
                .unwrap()
                .delay(now()),
            RetryAfter::MAX
        );
        assert_eq!(
            RetryAfter::parse("99999999999999").unwrap().delay(now()),
            RetryAfter::MAX
        );
    }

    #[test]
    fn refusals_are_told_apart() {
        let none = RateHeaders::default();
        let midnight: Timestamp = "2026-05-31T00:00:00Z".parse().unwrap();
        let second =
            "You have reached the maximum per-second rate limit for this API. Try again later.";
        let daily = "You have reached the maximum daily rate limit for this API. Refer to the response header for details on when you can make another request.";
        let host = "You have exceeded the daily rate limit (100) of Meeting Create/Update API requests permitted for this particular user. You may resume these requests at GMT 00:00:00.";
        let lock = "Too many concurrent requests. A request to disassociate this user has already been made.";
        assert_eq!(Refusal::classify(second, &none, now()), Refusal::PerSecond);
        assert_eq!(
            Refusal::classify(daily, &none, now()),
            Refusal::Daily { until: midnight }
        );
        assert_eq!(
            Refusal::classify(host, &none, now()),
            Refusal::Quota { until: midnight }
        );
        assert_eq!(Refusal::classify(lock, &none, now()), Refusal::Concurrent);
        assert_eq!(Refusal::classify("", &none, now()), Refusal::PerSecond);
        let typed = RateHeaders {
            kind: Some(RateType::Daily),
            ..RateHeaders::default()
        };
        assert_eq!(
            Refusal::classify("", &typed, now()),
            Refusal::Daily { until: midnight }
        );
        let dated = RateHeaders {
            retry_after: RetryAfter::parse("2026-05-31T01:00:00Z"),
            ..RateHeaders::default()
        };
        let one: Timestamp = "2026-05-31T01:00:00Z".parse().unwrap();
        assert_eq!(
            Refusal::classify("", &dated, now()),
            Refusal::Daily { until: one }
        );
    }

    proptest! {
        #[test]
        fn no_header_panics(text in ".{0,70}", message in ".{0,200}") {
            let retry_after = RetryAfter::parse(&text);
            if let Some(retry) = retry_after {
                prop_assert!(retry.delay(now()) <= RetryAfter::MAX);
            }
            let _ = Refusal::classify(&message, &RateHeaders { retry_after, ..RateHeaders::default() }, now());
        }
    }
}
