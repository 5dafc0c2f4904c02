//! How facts from several sources become one row: a late fact never undoes a later truth.

use jiff::Timestamp;

use crate::model::{Change, Seen, Source};

/// One merge of new facts into a known row.
pub(crate) struct Merge {
    fresh: bool,
    changed: bool,
    dirty: bool,
}

impl Merge {
    /// `at` and `rank` are of the newest fact in the row.
    pub(crate) fn new(at: Timestamp, rank: i64, seen: &Seen) -> Self {
        Self {
            fresh: seen.source != Source::Hint && (seen.at, seen.source.rank()) >= (at, rank),
            changed: false,
            dirty: false,
        }
    }

    /// An optional column: a fresh value replaces, an old one only fills.
    pub(crate) fn take<T: PartialEq + Clone>(&mut self, slot: &mut Option<T>, new: Option<&T>) {
        if let Some(new) = new
            && (self.fresh || slot.is_none())
            && slot.as_ref() != Some(new)
        {
            *slot = Some(new.clone());
            self.changed = true;
        }
    }

    /// A column that always has a value.
    pub(crate) fn set<T: PartialEq + Clone>(&mut self, slot: &mut T, new: Option<&T>) {
        if let Some(new) = new
            && self.fresh
            && slot != new
        {
            *slot = new.clone();
            self.changed = true;
        }
    }

    /// A column that only ever grows.
    pub(crate) fn raise<T: Ord + Copy>(&mut self, slot: &mut T, new: Option<T>) {
        if let Some(new) = new
            && *slot < new
        {
            *slot = new;
            self.changed = true;
        }
    }

    /// The provider's JSON: kept fresh, but another wording alone is no change.
    pub(crate) fn raw(&mut self, slot: &mut String, new: Option<&String>) {
        if let Some(new) = new
            && (self.fresh || slot == EMPTY_RAW)
            && slot != new
        {
            slot.clone_from(new);
            self.dirty = true;
        }
    }

    /// Whoever is told of after having been deleted is there again.
    pub(crate) fn alive(&mut self, deleted_at: &mut Option<Timestamp>, seen: &Seen) {
        if self.fresh && deleted_at.is_some_and(|at| at < seen.at) {
            *deleted_at = None;
            self.changed = true;
        }
    }

    /// The row's stamp after the merge.
    pub(crate) fn stamp(&mut self, at: Timestamp, rank: i64, seen: &Seen) -> (Timestamp, i64) {
        if self.fresh && (at, rank) != (seen.at, seen.source.rank()) {
            self.dirty = true;
            return (seen.at, seen.source.rank());
        }
        (at, rank)
    }

    /// Whether the row has to be written.
    pub(crate) fn to_write(&self) -> bool {
        self.changed || self.dirty
    }

    /// What to tell the caller.
    pub(crate) fn change(&self) -> Change {
        if self.changed {
            Change::Updated
        } else {
            Change::Unchanged
        }
    }

    /// When the row changed last.
    pub(crate) fn updated_at(&self, old: Timestamp, seen: &Seen) -> Timestamp {
        if self.changed { seen.now } else { old }
    }
}

/// The stamp of a new row. A hint is older than anything that is told.
pub(crate) fn first_stamp(seen: &Seen) -> (Timestamp, i64) {
    let at = if seen.source == Source::Hint {
        Timestamp::UNIX_EPOCH
    } else {
        seen.at
    };
    (at, seen.source.rank())
}

/// What a row holds before a provider's JSON is known.
pub(crate) const EMPTY_RAW: &str = "{}";

/// The JSON of a new row.
pub(crate) fn first_raw(raw: Option<&String>) -> String {
    raw.cloned().unwrap_or_else(|| EMPTY_RAW.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(at: i64, source: Source) -> Seen {
        let at = Timestamp::from_second(at).unwrap();
        Seen {
            at,
            source,
            now: at,
        }
    }

    fn merged(old: Option<&str>, new: &str, at: i64, source: Source) -> (Option<String>, Change) {
        let mut slot = old.map(str::to_owned);
        let mut merge = Merge::new(
            Timestamp::from_second(100).unwrap(),
            Source::List.rank(),
            &seen(at, source),
        );
        merge.take(&mut slot, Some(&new.to_owned()));
        (slot, merge.change())
    }

    #[test]
    fn newer_replaces_older_fills_and_rank_breaks_ties() {
        let b = Some("b".to_owned());
        let a = Some("a".to_owned());
        assert_eq!(
            merged(Some("a"), "b", 101, Source::Webhook),
            (b.clone(), Change::Updated)
        );
        assert_eq!(
            merged(Some("a"), "b", 99, Source::Detail),
            (a.clone(), Change::Unchanged)
        );
        assert_eq!(
            merged(None, "b", 99, Source::Webhook),
            (b.clone(), Change::Updated)
        );
        assert_eq!(
            merged(Some("a"), "b", 100, Source::Webhook),
            (a.clone(), Change::Unchanged)
        );
        assert_eq!(
            merged(Some("a"), "b", 100, Source::Detail),
            (b, Change::Updated)
        );
        assert_eq!(
            merged(Some("a"), "b", 900, Source::Hint),
            (a.clone(), Change::Unchanged)
        );
        assert_eq!(
            merged(Some("a"), "a", 101, Source::List),
            (a, Change::Unchanged)
        );
    }
}
