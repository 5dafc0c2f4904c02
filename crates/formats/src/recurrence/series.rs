//! A rule placed in time: the first start, its zone, the exceptions, and the instances.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::rule::{End, Rule, RuleError, Until};

/// The first start of a series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// A local time in a zone: the wall clock stays, the instant moves with the zone's offset.
    Timed {
        /// The wall clock's time.
        local: DateTime,
        /// The zone.
        zone: TimeZone,
    },
    /// A whole day, wherever one is.
    Day(Date),
}

impl Start {
    /// A local time in the zone of that IANA name.
    ///
    /// # Errors
    /// The zone is unknown, or its clocks skip that time.
    pub fn in_zone(local: DateTime, zone: &str) -> Result<Self, SeriesError> {
        let zone = TimeZone::get(zone).map_err(|_| SeriesError::UnknownZone(zone.to_owned()))?;
        Ok(Self::Timed { local, zone })
    }

    /// The wall clock's time; midnight of a day.
    pub fn local(&self) -> DateTime {
        match self {
            Self::Timed { local, .. } => *local,
            Self::Day(day) => day.to_datetime(Time::midnight()),
        }
    }

    /// The zone of a timed start.
    pub fn zone(&self) -> Option<&TimeZone> {
        match self {
            Self::Timed { zone, .. } => Some(zone),
            Self::Day(_) => None,
        }
    }

    /// The instant that a wall clock's time of this series is; none for days, and for times the zone skips.
    ///
    /// Of a time that comes twice, when clocks are set back, the first is meant (RFC 5545 §3.3.5).
    pub fn instant(&self, local: DateTime) -> Option<Timestamp> {
        let zone = self.zone()?;
        let offset = match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Fold { before, .. } => before,
            AmbiguousOffset::Gap { .. } => return None,
        };
        offset.to_timestamp(local).ok()
    }
}

/// One time at which a series happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Instance {
    /// The wall clock's time in the series' zone; midnight of a whole day.
    pub local: DateTime,
    /// The instant; none for whole days.
    pub at: Option<Timestamp>,
}

/// Why a series cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SeriesError {
    /// The rule's parts do not go together.
    #[error(transparent)]
    Rule(#[from] RuleError),
    /// No such zone.
    #[error("{0:?} is not the name of a time zone; write for example Europe/Berlin")]
    UnknownZone(String),
    /// The first start does not exist.
    #[error("{local} does not exist in {zone}: clocks are set forward then; take {instead}")]
    Skipped {
        /// The wall clock's time.
        local: DateTime,
        /// The zone's name.
        zone: String,
        /// The next time that exists.
        instead: DateTime,
    },
    /// The rule could not be expanded.
    #[error("the rule cannot be expanded: {0}")]
    Expansion(String),
}

/// A rule with its first start and its exceptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    start: Start,
    rule: Rule,
    /// Starts that do not happen (`EXDATE`).
    excluded: BTreeSet<DateTime>,
    /// Starts beside the rule's (`RDATE`).
    added: BTreeSet<DateTime>,
}

impl Series {
    /// A series without exceptions.
    ///
    /// A start that the rule does not give is not an instance (RFC 5545 leaves it open); [`Series::aligned`] moves it.
    ///
    /// # Errors
    /// The rule is wrong, or the start is skipped by the zone's clocks.
    pub fn new(start: Start, rule: Rule) -> Result<Self, SeriesError> {
        rule.check()?;
        if let Start::Timed { local, zone } = &start
            && start.instant(*local).is_none()
        {
            let later = zone.to_ambiguous_timestamp(*local).compatible();
            return Err(SeriesError::Skipped {
                local: *local,
                zone: zone.iana_name().unwrap_or("its zone").to_owned(),
                instead: later.map_or(*local, |at| at.to_zoned(zone.clone()).datetime()),
            });
        }
        let series = Self {
            start,
            rule,
            excluded: BTreeSet::new(),
            added: BTreeSet::new(),
        };
        drop(series.expand()?);
        Ok(series)
    }

    /// The first start.
    pub fn start(&self) -> &Start {
        &self.start
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// Takes starts out, as wall-clock times of the series' zone.
    #[must_use]
    pub fn without(mut self, starts: impl IntoIterator<Item = DateTime>) -> Self {
        self.excluded.extend(starts);
        self
    }

    /// Adds starts, as wall-clock times of the series' zone.
    #[must_use]
    pub fn with(mut self, starts: impl IntoIterator<Item = DateTime>) -> Self {
        self.added.extend(starts);
        self
    }

    /// The starts taken out, in order.
    pub fn excluded_starts(&self) -> Vec<DateTime> {
        self.excluded.iter().copied().collect()
    }

    /// The starts added, in order.
    pub fn added_starts(&self) -> Vec<DateTime> {
        self.added.iter().copied().collect()
    }

    /// The same series beginning with the first start that its rule gives; none if it gives none.
    pub fn aligned(mut self) -> Option<Self> {
        let first = self.of_rule().next()?;
        self.start = match self.start {
            Start::Timed { zone, .. } => Start::Timed {
                local: first.local,
                zone,
            },
            Start::Day(_) => Start::Day(first.local.date()),
        };
        Some(self)
    }

    /// Every instance in order, worked out one by one; endless when the rule is.
    ///
    /// Times that the zone's clocks skip are neither instances nor counted (RFC 5545 §3.3.10).
    pub fn instances(&self) -> Instances<'_> {
        Instances {
            series: self,
            of_rule: self.of_rule().peekable(),
            added: self.added.iter().copied().peekable(),
        }
    }

    /// The instances that start at or after `from` and before `to`, at most `limit` of them.
    pub fn between(&self, from: Timestamp, to: Timestamp, limit: usize) -> Vec<Instance> {
        self.instances()
            .take_while(|one| one.at.is_none_or(|at| at < to))
            .filter(|one| one.at.is_some_and(|at| at >= from))
            .take(limit)
            .collect()
    }

    /// The last instance of a series that ends; none for an endless one, one that never happens, and one of more than
    /// `limit` instances.
    pub fn last(&self, limit: usize) -> Option<Instance> {
        if self.rule.end == End::Never {
            return None;
        }
        let all: Vec<Instance> = self.instances().take(limit + 1).collect();
        (all.len() <= limit).then(|| all.last().copied()).flatten()
    }

    /// What the rule gives, before exceptions.
    fn of_rule(&self) -> OfRule<'_> {
        let left = match self.rule.end {
            End::Count(count) => Some(count),
            End::Never | End::Until(_) => None,
        };
        OfRule {
            series: self,
            // `new` has tried it.
            civil: self
                .expand()
                .unwrap_or_else(|_| Box::new(std::iter::empty())),
            left,
        }
    }

    /// The pattern's wall-clock times, without end, zone and exceptions.
    ///
    /// The library expands in UTC, where every time exists once: what it gets wrong is zones, and those are placed here.
    fn expand(&self) -> Result<Box<dyn Iterator<Item = DateTime> + Send>, SeriesError> {
        let text = format!(
            "DTSTART:{}\nRRULE:{}",
            self.start.local().strftime("%Y%m%dT%H%M%SZ"),
            self.rule.pattern()
        );
        let set: rrule::RRuleSet = text
            .parse()
            .map_err(|error: rrule::RRuleError| SeriesError::Expansion(error.to_string()))?;
        // With limits a rule that never matches ends after 100,000 looks.
        let set = set.limit();
        let times = set.into_iter().map_while(|at| {
            let at = Timestamp::from_second(at.timestamp()).ok()?;
            Some(at.to_zoned(TimeZone::UTC).datetime())
        });
        Ok(Box::new(times))
    }
}

/// Whether an instance starts after the end.
fn is_over(until: Until, one: Instance) -> bool {
    match until {
        Until::Day(day) => one.local.date() > day,
        Until::Local(last) => one.local > last,
        Until::At(last) => match one.at {
            Some(at) => at > last,
            // RFC 5545 asks for a day here; the instant's day in UTC is what writers mean.
            None => one.local.date() > last.to_zoned(TimeZone::UTC).date(),
        },
    }
}

/// The rule's instances, with its end and its zone.
struct OfRule<'a> {
    series: &'a Series,
    civil: Box<dyn Iterator<Item = DateTime> + Send>,
    left: Option<u32>,
}

impl Iterator for OfRule<'_> {
    type Item = Instance;

    fn next(&mut self) -> Option<Instance> {
        if self.left == Some(0) {
            return None;
        }
        loop {
            let local = self.civil.next()?;
            let one = match &self.series.start {
                Start::Day(_) => Instance { local, at: None },
                start @ Start::Timed { .. } => match start.instant(local) {
                    Some(at) => Instance {
                        local,
                        at: Some(at),
                    },
                    None => continue,
                },
            };
            if let End::Until(until) = self.series.rule.end
                && is_over(until, one)
            {
                self.left = Some(0);
                return None;
            }
            self.left = self.left.map(|left| left - 1);
            return Some(one);
        }
    }
}

/// The instances of a series; made by [`Series::instances`].
pub struct Instances<'a> {
    series: &'a Series,
    of_rule: std::iter::Peekable<OfRule<'a>>,
    added: std::iter::Peekable<std::iter::Copied<std::collections::btree_set::Iter<'a, DateTime>>>,
}

impl std::fmt::Debug for Instances<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Instances")
            .field("series", self.series)
            .finish_non_exhaustive()
    }
}

impl Iterator for Instances<'_> {
    type Item = Instance;

    fn next(&mut self) -> Option<Instance> {
        loop {
            let ruled = self.of_rule.peek().copied();
            let added = self.added.peek().copied();
            let one = match (ruled, added) {
                (Some(one), None) => {
                    self.of_rule.next();
                    one
                }
                (Some(one), Some(local)) if one.local <= local => {
                    // A start that is added and given is one.
                    if one.local == local {
                        self.added.next();
                    }
                    self.of_rule.next();
                    one
                }
                (_, Some(local)) => {
                    self.added.next();
                    let at = self.series.start.instant(local);
                    if at.is_none() && self.series.start.zone().is_some() {
                        continue;
                    }
                    Instance { local, at }
                }
                (None, None) => return None,
            };
            if !self.series.excluded.contains(&one.local) {
                return Some(one);
            }
        }
    }
}
