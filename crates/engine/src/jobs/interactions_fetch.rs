//! `interactions.fetch`: what people answered in the polls of an ended instance, and what they asked.

use parfocal_store::{AccountId, BackfillId, InteractionKind, Job, Scope};
use parfocal_zoom::api::Asked;
use serde::{Deserialize, Serialize};

use super::conflicts::Conflicts;
use super::{Outcome, payload};
use crate::App;
use crate::backfill;
use crate::backfill::gate::{self, Gate, Resource};
use crate::backfill::read::Reader;
use crate::error::Result;
use crate::ingest::{Rank, Stamp, interactions};

/// The payload.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InteractionsFetch {
    /// The account.
    pub account: AccountId,
    /// The instance's UUID.
    pub uuid: String,
    /// Whether it is a webinar.
    pub webinar: bool,
    /// The backfill that wants it.
    pub backfill: Option<BackfillId>,
}

impl InteractionsFetch {
    /// What makes two of them the same.
    pub fn key(&self) -> String {
        format!("{}/{}", self.account, self.uuid)
    }

    const fn lists(&self) -> [(InteractionKind, Asked, Resource); 2] {
        let (polls, questions) = if self.webinar {
            (Resource::WebinarPolls, Resource::WebinarQuestions)
        } else {
            (Resource::Polls, Resource::Questions)
        };
        [
            (InteractionKind::Poll, Asked::Polls, polls),
            (InteractionKind::Question, Asked::Questions, questions),
        ]
    }
}

pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let wanted: InteractionsFetch = payload(job)?;
    let scope = Scope::of(job.workspace);
    let now = app.clock().now();
    if let Some(wait) = backfill::on_hold(app, scope, wanted.backfill, now).await? {
        return Ok(wait);
    }
    let store = app.store();
    let Some(known) = store
        .instance_by_external(scope, wanted.account, &wanted.uuid)
        .await?
    else {
        return Ok(Outcome::nothing());
    };
    // They do not change any more: a later backfill need not ask again.
    if wanted.backfill.is_some() && store.interaction_count(scope, known.id).await? > 0 {
        return Ok(Outcome::nothing());
    }
    let holder = job.id.to_string();
    let client = backfill::client(app, wanted.account, job.priority).await?;
    let reader = Reader::new(client);
    let (mut lists, mut learnt, mut said) = (Vec::new(), Vec::new(), None);
    for (kind, asked, resource) in wanted.lists() {
        match gate::ask(store, scope, wanted.account, resource, &holder, now).await? {
            Gate::Open => {}
            Gate::Wait => {
                let later = backfill::later(now, gate::WAIT);
                return Ok(Outcome::Snooze(None, later, gate::WAITING.into()));
            }
            Gate::Closed(_) => continue,
        }
        match reader.answers(&wanted.uuid, wanted.webinar, asked).await {
            Ok(answer) => {
                learnt.push((resource, None));
                lists.push((kind, answer));
            }
            Err(error) => {
                let for_all = gate::refuses_resource(&error);
                if for_all.is_none() && gate::refuses_subject(&error).is_none() {
                    return Err(error.into());
                }
                learnt.push((resource, for_all));
                said = Some(backfill::report(&error));
            }
        }
    }
    let now = app.clock().now();
    let origin = backfill::answer_origin(
        app,
        scope,
        wanted.account,
        Stamp::of_answer(now, Rank::Detail),
        now,
        job.priority,
        job.cause_id.clone(),
    )
    .await?;
    let mut conflicts = Conflicts::default();
    loop {
        let written = async {
            let mut tx = app.store().begin(scope).await?;
            for (resource, refused) in &learnt {
                gate::learn(&mut tx, wanted.account, *resource, refused.clone(), now).await?;
            }
            let instance = (known.id, wanted.uuid.as_str());
            interactions::keep(&mut tx, &origin, instance, &lists).await?;
            Ok(tx)
        };
        match written.await {
            Ok(tx) => return Ok(Outcome::Done(Some(tx), said.unwrap_or_default())),
            Err(error) => conflicts.again(app, error).await?,
        }
    }
}
