//! The one list of all actions.

use std::sync::LazyLock;

use serde::Serialize;

use super::action::{Action, ActionView};
use crate::components::Active;
use crate::error::EngineError;

static ALL: LazyLock<Vec<Action>> = LazyLock::new(|| {
    let of = |component: &'static str, actions: Vec<Action>| -> Vec<Action> {
        let named = actions.into_iter().map(|action| action.of(component));
        named.collect()
    };
    let mut all: Vec<Action> = [
        of("ask", super::ask::actions()),
        of("understanding", super::insights::actions()),
        super::meetings::actions(),
        super::participants::actions(),
        super::recordings::actions(),
        super::registrants::actions(),
        super::reports::actions(),
        of("scheduling", super::schedule::actions()),
        of("search", super::search::actions()),
        super::summaries::actions(),
        super::transcripts::actions(),
        super::users::actions(),
        super::webinars::actions(),
    ]
    .into_iter()
    .flatten()
    .collect();
    all.sort_by_key(Action::name);
    all
});

/// All actions, by name.
pub fn all() -> &'static [Action] {
    &ALL
}

/// The actions whose components are on, by name.
pub fn offered(active: &Active) -> impl Iterator<Item = &'static Action> + use<'_> {
    all().iter().filter(|action| active.has(action.component()))
}

/// The action of a name.
pub fn find(name: &str) -> Option<&'static Action> {
    ALL.binary_search_by_key(&name, |action| action.name())
        .ok()
        .map(|at| &ALL[at])
}

/// Everything that a pipeline engine has to know to offer the actions as its nodes.
#[derive(Debug, Clone, PartialEq, Serialize, schemars::JsonSchema)]
pub struct Manifest {
    /// The form of this document.
    pub manifest_version: u32,
    /// What offers them.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// How an action is run: `POST` to this path below the server's address, with the input as body.
    pub run: &'static str,
    /// The header that makes a repetition safe.
    pub idempotency_header: &'static str,
    /// The query parameter of a dry run.
    pub dry_run_parameter: &'static str,
    /// The actions.
    pub actions: Vec<ActionView>,
}

/// The list of these actions for pipeline engines.
pub fn manifest(actions: impl Iterator<Item = &'static Action>) -> Manifest {
    Manifest {
        manifest_version: 1,
        name: "parfocal",
        version: env!("CARGO_PKG_VERSION"),
        run: "/v1/actions/{name}",
        idempotency_header: "Idempotency-Key",
        dry_run_parameter: "dry_run",
        actions: actions.map(Action::describe).collect(),
    }
}

/// The failure of a name that is not known, with names that are near.
pub(super) fn unknown(name: &str) -> EngineError {
    let group = name.split('.').next().unwrap_or_default();
    let verb = name.split('.').nth(1).unwrap_or_default();
    let near: Vec<&str> = all()
        .iter()
        .map(Action::name)
        .filter(|known| {
            let (noun, does) = known.split_once('.').unwrap_or((known, ""));
            noun == group
                || noun == group.trim_end_matches('s')
                || (!verb.is_empty() && does == verb)
        })
        .collect();
    let error = EngineError::not_found("action", name);
    if near.is_empty() {
        error.with_hint("`parfocal action list`, or GET /v1/actions, tells what there is.")
    } else {
        error.with_hint(format!("Did you mean one of: {}?", near.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_unique_and_found() {
        let names: BTreeSet<&str> = all().iter().map(Action::name).collect();
        assert_eq!(names.len(), all().len());
        for action in all() {
            assert_eq!(find(action.name()).map(Action::name), Some(action.name()));
            assert!(action.description().ends_with('.'), "{}", action.name());
        }
        assert!(find("meeting.explode").is_none());
        assert!(unknown("meetings.get").hint().contains("meeting.get"));
    }
}
