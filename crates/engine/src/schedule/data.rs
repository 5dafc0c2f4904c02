//! What a saga carries from step to step.

use jiff::civil::DateTime;
use parfocal_store::{Saga, ScheduleState};
use serde::{Deserialize, Serialize};

use super::spec::Spec;
use crate::error::{Code, EngineError, Result};

/// What a saga carries from step to step; written with every move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Data {
    /// How the schedule stood before; none when it is new.
    pub(super) before: Option<Before>,
    /// How it is to stand.
    pub(super) target: Spec,
    /// The sequence of the target.
    pub(super) sequence: u32,
    /// The one occurrence that is changed, by the start that the rule gives it.
    pub(super) occurrence: Option<DateTime>,
    /// The provider's meeting, once there is one.
    pub(super) meeting: Option<MeetingOf>,
    /// Whether the point of no return is passed.
    pub(super) committed: bool,
    /// Why it went backward.
    pub(super) failure: Option<Failure>,
    /// What people should know though it went well.
    pub(super) warnings: Vec<String>,
    /// Whether people are told.
    pub(super) tell: bool,
}

/// How a schedule stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Before {
    /// What it was.
    pub(super) spec: Spec,
    /// Its sequence.
    pub(super) sequence: u32,
    /// Its state.
    pub(super) state: ScheduleState,
}

/// The provider's meeting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct MeetingOf {
    /// The provider's id.
    pub(super) id: String,
    /// Where people join.
    pub(super) join_url: String,
}

/// Why a saga went backward.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    /// The step.
    pub(super) step: String,
    /// The code.
    pub(super) code: String,
    /// What happened.
    pub(super) message: String,
    /// What to do.
    pub(super) hint: String,
}

impl Failure {
    pub(super) fn of(step: &str, error: &EngineError) -> Self {
        Self {
            step: step.to_owned(),
            code: error.code().as_str().to_owned(),
            message: error.to_string(),
            hint: error.hint().to_owned(),
        }
    }

    /// The failure as whoever asked gets it.
    pub(super) fn error(&self, what: &str) -> EngineError {
        let code = Code::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == self.code)
            .unwrap_or(Code::Internal);
        EngineError::new(code, format!("{what}: {} ({})", self.message, self.step))
            .with_hint(self.hint.clone())
    }
}

impl Data {
    /// Of a meeting that is made.
    pub(super) fn new(target: Spec) -> Self {
        Self {
            before: None,
            target,
            sequence: 0,
            occurrence: None,
            meeting: None,
            committed: false,
            failure: None,
            warnings: Vec::new(),
            tell: true,
        }
    }

    pub(super) fn of(saga: &Saga) -> Result<Self> {
        serde_json::from_value(saga.data.clone()).map_err(|error| {
            EngineError::new(
                Code::Internal,
                format!("the data of the saga {} cannot be read: {error}", saga.id),
            )
        })
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::to_value(self).unwrap_or_default()
    }
}
