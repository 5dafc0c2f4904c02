//! Precision and recall of moments against labels.

use super::rouge::real;

/// A moment is right when it lies so near to a label, in milliseconds.
const NEAR_MS: u32 = 60_000;

pub(super) struct Score {
    pub(super) said: usize,
    pub(super) labels: usize,
    pub(super) precision: f64,
    pub(super) recall: f64,
    pub(super) f1: f64,
}

/// Over all meetings together.
pub(super) fn score<'a>(meetings: impl Iterator<Item = (&'a [u32], &'a [u32])>) -> Score {
    let (mut right, mut said, mut labels) = (0, 0, 0);
    for (times, wanted) in meetings {
        right += matches(times, wanted);
        said += times.len();
        labels += wanted.len();
    }
    Score {
        said,
        labels,
        precision: real(right) / real(said.max(1)),
        recall: real(right) / real(labels.max(1)),
        f1: 2.0 * real(right) / real((said + labels).max(1)),
    }
}

/// How many moments can be paired with a label each; with one tolerance, going through both in order is best.
pub(super) fn matches(times: &[u32], labels: &[u32]) -> usize {
    let (mut times, mut labels) = (times.to_vec(), labels.to_vec());
    times.sort_unstable();
    labels.sort_unstable();
    let (mut at, mut label, mut count) = (0, 0, 0);
    while at < times.len() && label < labels.len() {
        if times[at].abs_diff(labels[label]) <= NEAR_MS {
            count += 1;
            at += 1;
            label += 1;
        } else if times[at] < labels[label] {
            at += 1;
        } else {
            label += 1;
        }
    }
    count
}

/// So many moments, evenly spaced.
pub(super) fn spaced(count: usize, end_ms: u32) -> Vec<u32> {
    let parts = u32::try_from(count).unwrap_or(u32::MAX).saturating_add(1);
    (1..parts).map(|part| end_ms / parts * part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_label_counts_once() {
        assert_eq!(matches(&[0, 10_000, 200_000], &[30_000]), 1);
        assert_eq!(matches(&[200_000, 0], &[30_000, 170_000]), 2);
        assert_eq!(matches(&[0], &[60_001]), 0);
        assert_eq!(spaced(3, 400), [100, 200, 300]);
    }
}
