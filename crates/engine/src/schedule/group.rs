//! Sagas that pass the point of no return together: single meetings made in place of a series.
//!
//! Each comes as far as its commit and waits there. Once all have come, it is decided that they go on; once one has failed, or
//! waited too long, that they go back. Whoever decides first decides for all, in one row, so that processes that look at the same
//! moment cannot part ways. Nobody is told before, and nobody leads: any of them, driven by anybody, finds out what follows.

use std::time::Duration;

use jiff::Timestamp;
use parfocal_store::{Saga, SagaState};

use super::data::Failure;
use super::saga::{Direction, Step};
use crate::App;
use crate::clock::later;
use crate::error::{Code, EngineError, Result};

/// How often one that waits looks whether the others have come.
const LOOK: Duration = Duration::from_secs(3);
/// Why one goes back that could have gone on.
const OTHERS: &str = "another meeting of the series could not be made";

/// What follows for one of a group.
pub(super) enum Gate {
    /// It goes on.
    Open,
    /// The others are not there yet.
    Shut(Timestamp),
}

/// Whether a saga may do its next step.
///
/// # Errors
/// `conflict` when all go back.
pub(super) async fn gate(app: &App, saga: &Saga, step: Step, now: Timestamp) -> Result<Gate> {
    let Some(group) = saga.group else {
        return Ok(Gate::Open);
    };
    let (store, scope) = (app.store(), app.scope());
    let mut decided = store.saga_decision(scope, group).await?;
    if decided.is_none() && step == Step::Commit {
        let all_there = store.saga_group(scope, group).await?.iter().all(|part| {
            part.state == SagaState::Running
                && part.step == Step::Commit.as_str()
                && part.direction == Direction::Forward.as_str()
        });
        let too_late = saga.deadline <= now;
        if !all_there && !too_late {
            return Ok(Gate::Shut(later(now, LOOK).min(saga.deadline)));
        }
        let mut tx = store.begin(scope).await?;
        tx.decide_saga_group(group, all_there).await?;
        tx.commit().await?;
        // Somebody may have decided before.
        decided = store.saga_decision(scope, group).await?;
    }
    match decided {
        Some(false) => Err(EngineError::new(Code::Conflict, OTHERS)),
        _ => Ok(Gate::Open),
    }
}

/// Whether a failure is one of the others'.
pub(super) fn is_of_others(failure: &Failure) -> bool {
    failure.message.contains(OTHERS)
}
