//! Actions: everything that can be asked for by name, the same through every surface.
//!
//! An [`Action`] has a name, a schema for its input and one for its output, and says which endpoints of Zoom it asks, with
//! which scopes, under which rate label, and what it does to the world. The HTTP API, the command line, the tools for models,
//! the documentation and the [`manifest`] for pipeline engines are all made from the one list, [`all`].
//!
//! What every action goes through is here, in [`Actions::run`]: the caller's role, the schema, the checks before Zoom is
//! asked, the dry run, the answer kept for a repetition, the memory for slow reads, and the audit log.

mod action;
mod cache;
mod check;
mod context;
mod keep;
mod keyed;
mod page;
mod registry;
mod request;
mod schema;
mod shape;
mod trace;

mod ask;
mod insights;
mod meetings;
mod participants;
mod recordings;
mod registrants;
mod reports;
mod schedule;
mod search;
mod summaries;
mod transcripts;
mod users;
mod webinars;

use std::sync::{Arc, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

pub use action::{Action, ActionView, Effect};
pub(crate) use cache::Cache;
pub use registry::{Manifest, all, find, manifest, offered};
pub use request::{PlannedRequest, ZoomCall};

use crate::App;
use crate::components;
use crate::error::{Code, EngineError, Result};
use crate::keys::Caller;
use cache::Kept;
use context::{Context, Halt};

/// How an action is to be run.
#[derive(Debug, Clone)]
pub struct Run {
    /// Who asks.
    pub caller: Caller,
    /// A text of the caller's that makes repetitions safe: the same key with the same input gets the same answer.
    pub idempotency_key: Option<String>,
    /// Only tell what would be sent.
    pub dry_run: bool,
    /// Ask Zoom even if an answer is at hand.
    pub fresh: bool,
}

impl Run {
    /// A plain run for a caller.
    pub fn new(caller: Caller) -> Self {
        Self {
            caller,
            idempotency_key: None,
            dry_run: false,
            fresh: false,
        }
    }

    /// The same, safe to repeat under this key.
    #[must_use]
    pub fn with_key(mut self, key: Option<String>) -> Self {
        self.idempotency_key = key;
        self
    }

    /// The same, only planned.
    #[must_use]
    pub fn dry(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Outcome {
    /// It was done.
    Done(Done),
    /// It was only planned.
    Planned(Planned),
}

impl Outcome {
    /// The output of what was done; none of a dry run.
    pub fn output(&self) -> Option<&Value> {
        match self {
            Self::Done(done) => Some(&done.output),
            Self::Planned(_) => None,
        }
    }
}

/// A run that was done.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Done {
    /// The action.
    pub action: &'static str,
    /// What came of it, as its output schema says.
    pub output: Value,
    /// The calls to Zoom that it took; none when the answer was at hand.
    pub zoom: Vec<ZoomCall>,
    /// Whether this is the answer of an earlier request with the same key.
    pub replayed: bool,
    /// Whether the answer was at hand.
    pub cached: bool,
}

/// A run that was only planned.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Planned {
    /// The action.
    pub action: &'static str,
    /// Always true.
    pub dry_run: bool,
    /// The calls to Zoom that would be made, in order; none when it is answered from what is stored here.
    pub requests: Vec<PlannedRequest>,
}

/// Running actions; from [`App::actions`].
#[derive(Debug, Clone, Copy)]
pub struct Actions<'a> {
    pub(crate) app: &'a App,
}

impl Actions<'_> {
    /// Runs an action by its name.
    ///
    /// # Errors
    /// `not_found` for an unknown name, `forbidden` for a role that is too small, `invalid_input` with
    /// [`EngineError::faults`], `idempotency_key_reused`, `request_in_progress`, `outcome_unknown`, and whatever Zoom refuses.
    ///
    /// # Cancellation
    /// What changes something goes on when the future is dropped; what only reads ends.
    pub async fn run(&self, name: &str, input: Value, how: &Run) -> Result<Outcome> {
        let action = find(name).ok_or_else(|| registry::unknown(name))?;
        how.caller.may(action.role())?;
        let active = self.app.components().active().await?;
        if !active.has("actions") {
            return Err(components::off("actions"));
        }
        if !active.has(action.component()) {
            return Err(components::off(action.component()));
        }
        if !action.read_only() && active.setting("actions", "changes").as_deref() == Some("refused")
        {
            return Err(EngineError::new(
                Code::Forbidden,
                format!("{name} would change something, and actions may only read here"),
            )
            .with_hint("`parfocal component activate actions --set changes=allowed` lets them."));
        }
        let input = without_nulls(input);
        action.check(&input)?;
        if how.dry_run {
            return self.plan(action, input, how).await.map(Outcome::Planned);
        }
        if action.read_only() {
            return self.read(action, input, how).await.map(Outcome::Done);
        }
        let (app, how) = (self.app.clone(), how.clone());
        // A caller who goes away must not leave a change half told: it runs to its end, and its answer is kept.
        let task = tokio::spawn(async move { keyed::change(&app, action, input, &how).await });
        match task.await {
            Ok(done) => done.map(Outcome::Done),
            Err(error) => Err(EngineError::new(
                Code::Internal,
                format!("the action {name} broke off: {error}"),
            )),
        }
    }

    async fn plan(&self, action: &'static Action, input: Value, how: &Run) -> Result<Planned> {
        let planned = |requests| Planned {
            action: action.name(),
            dry_run: true,
            requests,
        };
        if action.endpoints().is_empty() {
            return Ok(planned(Vec::new()));
        }
        let context = context(self.app, how);
        match action.run(context.clone(), input).await {
            Ok(_) | Err(Halt::Planned) => Ok(planned(std::mem::take(&mut context.notes().planned))),
            Err(Halt::Failed(error)) => Err(*error),
        }
    }

    async fn read(&self, action: &'static Action, input: Value, how: &Run) -> Result<Done> {
        let app = self.app;
        let done = |kept: Kept, cached: bool| Done {
            action: action.name(),
            output: Arc::unwrap_or_clone(kept.output),
            zoom: if cached { Vec::new() } else { kept.calls },
            replayed: false,
            cached,
        };
        let ask = || async {
            let context = context(app, how);
            let output = action.run(context.clone(), input.clone()).await?;
            let calls = std::mem::take(&mut context.notes().calls);
            Ok(Kept {
                output: Arc::new(output),
                calls,
            })
        };
        let outcome = match action.freshness() {
            Some(freshness) => {
                let which = input.get("connection").and_then(Value::as_str);
                let connection = context::connection(app, &how.caller, which).await?;
                let key = format!("{} {} {input}", action.name(), connection.id);
                let memory = app.action_cache();
                if how.fresh {
                    let kept = memory.renew(app, &key, *freshness, ask()).await;
                    kept.map(|kept| (kept, false))
                } else {
                    memory.get(app, &key, *freshness, ask).await
                }
            }
            None => ask().await.map(|kept| (kept, false)),
        };
        match outcome {
            Ok((kept, cached)) => Ok(done(kept, cached)),
            Err(Halt::Failed(error)) => Err(*error),
            Err(Halt::Planned) => Err(EngineError::new(
                Code::Internal,
                "a run that was not dry was only planned",
            )),
        }
    }
}

/// The connection of that name or id, or the only one that works, for whoever may use all.
pub(crate) async fn connection_for(
    app: &App,
    which: Option<&str>,
) -> Result<parfocal_store::Connection> {
    context::connection(app, &Caller::local(crate::keys::Surface::System), which).await
}

fn context(app: &App, how: &Run) -> Context {
    Context {
        app: app.clone(),
        caller: how.caller.clone(),
        dry_run: how.dry_run,
        marker: how
            .idempotency_key
            .as_deref()
            .map(|key| keyed::marker(&how.caller.actor, key)),
        resumed: false,
        intent: None,
        notes: Arc::default(),
    }
}

/// The input without members that are null: leaving out and null mean the same.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| (name, without_nulls(value)))
                .collect(),
        ),
        other => other,
    }
}

impl Context {
    fn taken_calls(&self) -> Vec<ZoomCall> {
        std::mem::take(
            &mut self
                .notes
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .calls,
        )
    }
}
