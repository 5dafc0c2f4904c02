//! Stands for the engine's register of actions: one that can be undone and one that cannot.

/// As much of an action as the checks of a configuration ask for.
pub(crate) struct Action {
    name: &'static str,
    destructive: bool,
}

static ALL: [Action; 2] = [
    Action {
        name: "meeting.create",
        destructive: false,
    },
    Action {
        name: "meeting.delete",
        destructive: true,
    },
];

impl Action {
    pub(crate) fn destructive(&self) -> bool {
        self.destructive
    }

    pub(crate) fn is_meant_by(&self, pattern: &str) -> bool {
        self.name == pattern || pattern == "meeting.*"
    }
}

pub(crate) fn all() -> &'static [Action] {
    &ALL
}

pub(crate) fn find(name: &str) -> Option<&'static Action> {
    ALL.iter().find(|action| action.name == name)
}
