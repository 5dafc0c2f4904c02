//! Sets of time.

use jiff::{SignedDuration, Timestamp};

/// From an instant up to but not including another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The first instant.
    pub from: Timestamp,
    /// The instant after the last.
    pub to: Timestamp,
}

impl Span {
    /// From an instant up to another.
    pub const fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to }
    }

    /// How long it is; nothing for one that ends before it begins.
    pub fn length(self) -> SignedDuration {
        self.from.duration_until(self.to).max(SignedDuration::ZERO)
    }
}

/// A set of time: spans in order, none empty, none touching another.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spans(Vec<Span>);

impl Spans {
    /// The time that any of the spans covers, in whatever order they come and however they overlap.
    pub fn of(spans: impl IntoIterator<Item = Span>) -> Self {
        let mut all: Vec<Span> = spans.into_iter().filter(|one| one.from < one.to).collect();
        all.sort_unstable();
        let mut out: Vec<Span> = Vec::with_capacity(all.len());
        for one in all {
            match out.last_mut() {
                Some(last) if one.from <= last.to => last.to = last.to.max(one.to),
                _ => out.push(one),
            }
        }
        Self(out)
    }

    /// The spans.
    pub fn as_slice(&self) -> &[Span] {
        &self.0
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much time it is.
    pub fn total(&self) -> SignedDuration {
        self.0
            .iter()
            .fold(SignedDuration::ZERO, |sum, one| sum + one.length())
    }

    /// The time in this and in another.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(a), Some(b)) = (left.peek(), right.peek()) {
            let both = Span::new(a.from.max(b.from), a.to.min(b.to));
            if both.from < both.to {
                out.push(both);
            }
            if a.to <= b.to {
                left.next();
            } else {
                right.next();
            }
        }
        Self(out)
    }

    /// The time of this or of another.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self::of(self.0.iter().chain(&other.0).copied())
    }

    /// The time of a window that is not in this.
    #[must_use]
    pub fn gaps(&self, window: Span) -> Self {
        let mut out = Vec::new();
        let mut from = window.from;
        for one in &self.0 {
            if one.from >= window.to {
                break;
            }
            if one.from > from {
                out.push(Span::new(from, one.from));
            }
            from = from.max(one.to);
        }
        if from < window.to {
            out.push(Span::new(from, window.to));
        }
        Self(out)
    }

    /// Every span made longer at both ends.
    #[must_use]
    pub fn widened(&self, before: SignedDuration, after: SignedDuration) -> Self {
        Self::of(self.0.iter().map(|one| {
            Span::new(
                one.from.checked_sub(before).unwrap_or(Timestamp::MIN),
                one.to.checked_add(after).unwrap_or(Timestamp::MAX),
            )
        }))
    }

    /// The first span that ends after an instant.
    pub(super) fn next_after(&self, at: Timestamp) -> Option<Span> {
        let place = self.0.partition_point(|one| one.to <= at);
        self.0.get(place).copied()
    }

    /// The last span that begins before an instant.
    pub(super) fn last_before(&self, at: Timestamp) -> Option<Span> {
        let place = self.0.partition_point(|one| one.from < at);
        place
            .checked_sub(1)
            .and_then(|place| self.0.get(place))
            .copied()
    }

    /// Whether it has an instant in common with a span.
    pub fn meets(&self, span: Span) -> bool {
        self.next_after(span.from)
            .is_some_and(|one| one.from < span.to)
    }

    /// Whether a span lies in it whole.
    pub fn covers(&self, span: Span) -> bool {
        self.next_after(span.from)
            .is_some_and(|one| one.from <= span.from && span.to <= one.to)
    }
}
