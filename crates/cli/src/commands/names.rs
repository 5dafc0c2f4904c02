//! Arguments that are names of ours: anything is taken, so that what is unknown is answered with the next step, and shells
//! complete what is known.

use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use clap::{Arg, Command};
use parfocal_engine::{actions, components};

/// Takes any text and tells shells what there is.
#[derive(Clone)]
pub(crate) struct Names(fn() -> Vec<PossibleValue>);

/// The names of actions.
pub(crate) fn of_actions() -> Names {
    Names(|| {
        let all = actions::all().iter();
        all.map(|action| PossibleValue::new(action.name()).help(action.title()))
            .collect()
    })
}

/// The names of components.
pub(crate) fn of_components() -> Names {
    Names(|| {
        let all = components::ALL.iter();
        all.map(|one| PossibleValue::new(one.name).help(one.about))
            .collect()
    })
}

impl TypedValueParser for Names {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new((self.0)().into_iter()))
    }
}
