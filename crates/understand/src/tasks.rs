//! Whether two sentences ask for the same thing to be done.

use std::collections::BTreeSet;

use crate::words::{Words, words};

/// Of the words that carry a task, so many of the shorter one must stand in the other: a task is said again in other words,
/// and with more or less around it.
const SHARED_OF_SHORTER: f64 = 0.6;
/// And so many of all their words: two long sentences that share a few are two tasks.
const SHARED_OF_ALL: f64 = 0.34;
/// A single word in common says nothing: everybody sends something.
const LEAST_SHARED: usize = 2;

/// What a task is about: the stems of the words that carry it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Task {
    stems: BTreeSet<String>,
    text: String,
    owner: Option<String>,
}

/// Reads tasks so that they can be compared.
pub struct Tasks {
    words: Words,
}

impl Default for Tasks {
    fn default() -> Self {
        Self {
            words: Words::english(),
        }
    }
}

impl Tasks {
    /// A task and who owes it.
    pub fn task(&self, text: &str, owner: Option<&str>) -> Task {
        let lower = text.to_lowercase();
        Task {
            stems: words(&lower)
                .filter(|word| !self.words.empty(word) && !self.words.personal(word))
                .map(|word| self.words.stem(word))
                .collect(),
            text: words(&lower).collect::<Vec<_>>().join(" "),
            owner: owner.map(str::to_lowercase),
        }
    }
}

impl Task {
    /// Whether both are the same task: about the same, and not owed by two different people.
    pub fn is(&self, other: &Self) -> bool {
        if let (Some(one), Some(two)) = (&self.owner, &other.owner)
            && !same_name(one, two)
        {
            return false;
        }
        if !self.text.is_empty() && self.text == other.text {
            return true;
        }
        let shared = self.stems.intersection(&other.stems).count();
        if shared < LEAST_SHARED {
            return false;
        }
        let shorter = self.stems.len().min(other.stems.len());
        let all = self.stems.union(&other.stems).count();
        #[expect(clippy::cast_precision_loss, reason = "counts of words in a sentence")]
        let (shared, shorter, all) = (shared as f64, shorter as f64, all as f64);
        shared / shorter >= SHARED_OF_SHORTER && shared / all >= SHARED_OF_ALL
    }
}

/// Whether the one name may be the other, in full or its first part: people are called both ways.
fn same_name(one: &str, two: &str) -> bool {
    let first = |name: &str| name.split_whitespace().next().map(str::to_owned);
    one == two
        || (first(one) == first(two)
            && (one.split_whitespace().count() == 1 || two.split_whitespace().count() == 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn same(one: (&str, Option<&str>), two: (&str, Option<&str>)) -> bool {
        let tasks = Tasks::default();
        let (one, two) = (tasks.task(one.0, one.1), tasks.task(two.0, two.1));
        assert_eq!(one.is(&two), two.is(&one));
        one.is(&two)
    }

    #[test]
    fn a_task_said_again_in_other_words_is_the_same() {
        assert!(same(
            (
                "Send the draft to the harbour office by Friday.",
                Some("Edda Brandt")
            ),
            (
                "I still have to send that draft to the harbour office.",
                Some("Edda")
            )
        ));
        assert!(same(("Call Bo.", None), ("call Bo", None)));
    }

    #[test]
    fn other_tasks_and_other_people_are_others() {
        let draft = (
            "Send the draft to the harbour office by Friday.",
            Some("Edda"),
        );
        assert!(!same(
            draft,
            ("Send the invoice to the bank.", Some("Edda"))
        ));
        assert!(!same(draft, (draft.0, Some("Luan"))));
        assert!(!same(
            ("Ana Lima", Some("Ana Lima")),
            ("Ana Lima", Some("Ana Berg"))
        ));
        assert!(!same(("", None), ("", None)));
    }
}
