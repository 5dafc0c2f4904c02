//! What destinations of people read, and what is asked about one person.

use std::collections::BTreeSet;

use jiff::Timestamp;
use parfocal_store::{
    DeliveryState, DestinationRow, Lease, NewDelivery, PersonId, Queued, Scope, StreamKind,
    StreamRow,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, json};

use super::manage::{COMPONENT, Destinations};
use super::model::{LeftOut, PersonFile, Plan, Rule, Takes};
use super::stream::{self, StreamSpec};
use super::{Destination, content_hash, facts, open, sender};
use crate::App;
use crate::audit::{self, By, Change};
use crate::error::{EngineError, Result};

/// Events read at once.
const EVENTS: u32 = 50;
/// Runs or meetings walked through at once.
const STEPS: u32 = 10;
/// People written in one transaction.
const PEOPLE: usize = 100;
/// The kind of a delivery that takes somebody away.
pub(super) const ERASE: &str = "erase";

/// Reads the next piece of a stream, by person; whether there may be more.
pub(super) async fn advance(
    app: &App,
    scope: Scope,
    row: &DestinationRow,
    destination: &dyn Destination,
    stream: &StreamRow,
    lease: &mut Lease,
) -> Result<bool> {
    let spec = StreamSpec::read(stream)?;
    let Some(piece) = piece(app, scope, stream, &spec).await? else {
        if stream.kind != StreamKind::Live {
            stream::finish(app, scope, stream, lease, app.clock().now()).await?;
        }
        return Ok(false);
    };
    let people = resolve(app, scope, lease, &piece.subjects).await?;
    let mut queued = 0;
    let people: Vec<PersonId> = people.into_iter().collect();
    for some in people.chunks(PEOPLE) {
        let (mut planned, mut unwanted) = (Vec::new(), Vec::new());
        for person in some {
            if let Some(file) = facts::file(app, scope, *person).await? {
                let plan = destination.plan_person(&file);
                unwanted.extend(no_longer(app, scope, row, &plan, *person).await?);
                planned.extend(wanted(row, stream, &spec, plan, *person));
            }
        }
        // A webinar's people are many: to read them takes longer than the role is held.
        sender::hold_on(app, lease).await?;
        let now = app.clock().now();
        let mut tx = app.store().begin(scope).await?;
        tx.check_lease(lease, now).await?;
        for key in unwanted {
            let why = "what is known by now speaks against it";
            tx.unqueue_delivery(row.id, &key, why, now).await?;
        }
        for new in planned {
            let done = tx.queue_delivery(row.id, &new, now).await?;
            queued += u64::from(done != Queued::Known);
        }
        tx.commit().await?;
    }
    let now = app.clock().now();
    let Some(mut tx) = stream::begin(app, scope, stream, lease, now).await? else {
        return Ok(true);
    };
    let seen = u64::try_from(people.len()).unwrap_or(0);
    tx.move_stream(stream.id, &piece.position, seen, queued, false, now)
        .await?;
    tx.commit().await?;
    Ok(true)
}

/// What a destination is to have of a person now, through a stream.
fn wanted(
    row: &DestinationRow,
    stream: &StreamRow,
    spec: &StreamSpec,
    plan: Plan,
    person: PersonId,
) -> Vec<NewDelivery> {
    let backfill = stream.kind != StreamKind::Live;
    let from = if backfill {
        spec.since
    } else {
        Some(row.from_at)
    };
    plan.send
        .into_iter()
        .filter(|plan| {
            let young = plan.at.is_none_or(|at| from.is_none_or(|from| at >= from));
            young && (spec.only.is_empty() || spec.only.iter().any(|only| only == plan.kind))
        })
        .map(|plan| stream::delivery(plan, Some(person), None, backfill))
        .collect()
}

/// Keys of what waits to be sent and is no longer to be there, such as the absence of somebody who turned out to have come.
async fn no_longer(
    app: &App,
    scope: Scope,
    row: &DestinationRow,
    plan: &Plan,
    person: PersonId,
) -> Result<Vec<String>> {
    let keys: BTreeSet<&str> = plan.send.iter().map(|one| one.key.as_str()).collect();
    let known = app.store().deliveries_of_person(scope, person).await?;
    Ok(known
        .into_iter()
        .filter(|one| {
            one.destination_id == row.id
                && one.kind != ERASE
                && matches!(one.state, DeliveryState::Pending | DeliveryState::Dead)
                && !keys.contains(one.record_key.as_str())
        })
        .map(|one| one.record_key)
        .collect())
}

/// A piece of a stream: what it is about, and where it ends.
struct Piece {
    subjects: Vec<String>,
    position: String,
}

async fn piece(
    app: &App,
    scope: Scope,
    stream: &StreamRow,
    spec: &StreamSpec,
) -> Result<Option<Piece>> {
    let store = app.store();
    if stream.kind == StreamKind::Live {
        let events = store
            .events_after(scope, stream::position(stream)?, EVENTS)
            .await?;
        return Ok(events.last().map(|event| event.seq).map(|last| Piece {
            subjects: events.into_iter().map(|event| event.subject_id).collect(),
            position: last.to_string(),
        }));
    }
    let place = stream.position.as_str();
    if !place.starts_with("m:") {
        let after = place.strip_prefix("i:").unwrap_or("");
        let runs = store
            .walk_instances(scope, after, spec.since, STEPS)
            .await?;
        if let Some(last) = runs.last() {
            let position = format!("i:{last}");
            return Ok(Some(Piece {
                subjects: runs,
                position,
            }));
        }
    }
    let after = place.strip_prefix("m:").unwrap_or("");
    let meetings = store.walk_registered(scope, after, STEPS).await?;
    Ok(meetings.last().cloned().map(|last| Piece {
        subjects: meetings,
        position: format!("m:{last}"),
    }))
}

/// The people whom these things are about; who is new is known afterwards, and who turned out to be one is one.
async fn resolve(
    app: &App,
    scope: Scope,
    lease: &mut Lease,
    subjects: &[String],
) -> Result<BTreeSet<PersonId>> {
    let mut claims = Vec::new();
    let distinct: BTreeSet<&String> = subjects.iter().collect();
    for subject in distinct {
        claims.extend(app.store().claims_about(scope, subject).await?);
    }
    let mut people = BTreeSet::new();
    for some in claims.chunks(PEOPLE * 2) {
        sender::hold_on(app, lease).await?;
        let now = app.clock().now();
        let mut tx = app.store().begin(scope).await?;
        tx.check_lease(lease, now).await?;
        for claim in some {
            people.extend(tx.person_of(claim, now).await?);
        }
        tx.commit().await?;
    }
    // Somebody who was merged away afterwards is there under the other name as well.
    let mut living = BTreeSet::new();
    for person in people {
        let row = app.store().person(scope, person).await?;
        living.insert(row.and_then(|row| row.merged_into).unwrap_or(person));
    }
    Ok(living)
}

/// Something that a destination has, or is to have, of a person.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ThingView {
    /// What makes it the same thing.
    pub key: String,
    /// Which sort of thing.
    pub kind: String,
    /// Where it is: a state of a delivery, or `not_read` while no stream has come by, or `before` when it is older than the
    /// destination and no backfill was asked for.
    pub state: String,
    /// Why.
    pub why: Option<String>,
    /// What to do.
    pub advice: Option<String>,
    /// The rule it comes from.
    pub rule: Option<Rule>,
    /// The delivery.
    pub delivery_id: Option<parfocal_store::DeliveryId>,
    /// Whether the destination has exactly this.
    pub current: bool,
    /// What it would see.
    pub body: Value,
}

/// What a destination has, or is to have, of a person, and what not, and why.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AtDestination {
    /// The destination.
    pub destination: String,
    /// Whether it is on and works; why not, otherwise.
    pub trouble: Option<String>,
    /// What is to be there.
    pub things: Vec<ThingView>,
    /// What is not to be there.
    pub left_out: Vec<LeftOut>,
}

/// Everything about one person.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PersonView {
    /// Its id.
    pub id: PersonId,
    /// The person with all figures.
    #[schemars(with = "Value")]
    pub person: super::Person,
    /// What happened, the oldest first.
    #[schemars(with = "Vec<Value>")]
    pub moments: Vec<super::Moment>,
    /// What each destination of people has.
    pub destinations: Vec<AtDestination>,
}

impl Destinations<'_> {
    /// The person of an address or an id.
    async fn person_id(self, which: &str) -> Result<PersonId> {
        let app = self.app();
        if let Ok(id) = which.parse::<PersonId>()
            && let Some(row) = app.store().person(app.scope(), id).await?
        {
            return Ok(row.merged_into.unwrap_or(id));
        }
        let email = which.trim().to_lowercase();
        let found = app.store().person_by(app.scope(), "email", &email).await?;
        found.ok_or_else(|| {
            EngineError::not_found("person", which).with_hint(
                "Nobody of that address was in a meeting, registered or owes anything that a destination has read of: look at the destination's streams, or begin a backfill.",
            )
        })
    }

    /// Everything about one person, by address or id: what happened, and why each destination has what it has.
    ///
    /// # Errors
    /// `not_found`, with what that means.
    pub async fn person(self, which: &str) -> Result<PersonView> {
        let app = self.app();
        let id = self.person_id(which).await?;
        let Some(file) = facts::file(app, app.scope(), id).await? else {
            return Err(EngineError::not_found("person", which)
                .with_hint("No address of that person is known, so nothing is sent of them."));
        };
        let mut at = Vec::new();
        for row in app.store().destinations(app.scope()).await? {
            if let Some(view) = at_destination(app, &row, &file).await? {
                at.push(view);
            }
        }
        Ok(PersonView {
            id,
            person: file.person,
            moments: file.moments,
            destinations: at,
        })
    }

    /// The file of a person as destinations are asked about it: what a preview shows.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn person_file(self, which: &str) -> Result<PersonFile> {
        let app = self.app();
        let id = self.person_id(which).await?;
        facts::file(app, app.scope(), id)
            .await?
            .ok_or_else(|| EngineError::not_found("person", which))
    }

    /// Files of people after a place, by id: what a preview goes through. The place to go on from, at the end none.
    pub async fn person_files(
        self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<(Vec<PersonFile>, Option<String>)> {
        let app = self.app();
        let ids = app
            .store()
            .people(app.scope(), after.unwrap_or(""), limit)
            .await?;
        let next = (ids.len() == limit as usize)
            .then(|| ids.last().map(ToString::to_string))
            .flatten();
        let mut files = Vec::new();
        for id in ids {
            files.extend(facts::file(app, app.scope(), id).await?);
        }
        Ok((files, next))
    }

    /// Writes what a person said about being written to; kept apart from registrations, which say nothing of it.
    ///
    /// # Errors
    /// `not_found`; `invalid_input` for a source without words.
    pub async fn consent(
        self,
        which: &str,
        granted: bool,
        source: &str,
        by: &By,
    ) -> Result<PersonView> {
        let app = self.app();
        let source = source.trim();
        if source.is_empty() || source.len() > 200 {
            return Err(EngineError::invalid(
                "say in 1 to 200 letters who or what says so",
            ));
        }
        let id = self.person_id(which).await?;
        let now = app.clock().now();
        let mut tx = app.store().begin(app.scope()).await?;
        tx.set_consent(id, granted, source, now).await?;
        let event = parfocal_store::NewDomainEvent {
            event_type: "person.consent".to_owned(),
            v: 1,
            subject_id: id.to_string(),
            data: json!({"granted": granted, "source": source}),
        };
        tx.append_event(&event, now).await?;
        let change = Change {
            action: "person.consent",
            target: &format!("person/{id}"),
            detail: json!({"granted": granted, "source": source}),
        };
        audit::append(&mut tx, by, &change, now).await?;
        tx.commit().await?;
        self.person(which).await
    }

    /// Takes a person away: at every destination that has something of them (tried until it is done, like everything that is
    /// sent), and here out of registrations, attendance and deliveries. How many rows were erased here.
    ///
    /// # Errors
    /// `not_found`; `component_off`, since nobody would tell the destinations.
    pub async fn erase(self, which: &str, by: &By) -> Result<u64> {
        let app = self.app();
        app.components().require(COMPONENT).await?;
        let id = self.person_id(which).await?;
        let (store, scope) = (app.store(), app.scope());
        let emails: Vec<String> = store
            .person_identities(scope, id)
            .await?
            .into_iter()
            .filter_map(|(kind, value)| (kind == "email").then_some(value))
            .collect();
        let known = store.deliveries_of_person(scope, id).await?;
        let now = app.clock().now();
        let mut tx = store.begin(scope).await?;
        for row in store.destinations(scope).await? {
            let there: Vec<_> = known
                .iter()
                .filter(|one| one.destination_id == row.id && one.sent_hash.is_some())
                .collect();
            if there.is_empty() {
                continue;
            }
            let remote: BTreeSet<&String> = there
                .iter()
                .filter_map(|one| one.remote_id.as_ref())
                .collect();
            let body = json!({"person": id, "emails": emails, "remote_ids": remote});
            let new = NewDelivery {
                record_key: format!("erase/{id}"),
                kind: ERASE.to_owned(),
                lane: format!("person/{id}"),
                rank: 0,
                ord: 0,
                person: Some(id),
                subject: None,
                content_hash: content_hash(&body),
                body,
                rule: None,
                again: true,
                backfill: false,
            };
            tx.queue_delivery(row.id, &new, now).await?;
        }
        let erased = tx.erase_person(id).await?;
        let change = Change {
            action: "person.erase",
            target: &format!("person/{id}"),
            detail: json!({"rows": erased}),
        };
        audit::append(&mut tx, by, &change, now).await?;
        tx.commit().await?;
        Ok(erased)
    }
}

async fn at_destination(
    app: &App,
    row: &DestinationRow,
    file: &PersonFile,
) -> Result<Option<AtDestination>> {
    let destination = match open(app, row).await {
        Ok(destination) if destination.takes() == Takes::People => destination,
        Ok(_) => return Ok(None),
        Err(error) => {
            return Ok(Some(AtDestination {
                destination: row.name.clone(),
                trouble: Some(error.message().to_owned()),
                things: Vec::new(),
                left_out: Vec::new(),
            }));
        }
    };
    let plan = destination.plan_person(file);
    let mut things = Vec::new();
    for planned in plan.send {
        let known = app
            .store()
            .delivery_of(app.scope(), row.id, &planned.key)
            .await?;
        let hash = content_hash(&planned.body);
        let before = planned.at.is_some_and(|at| at < row.from_at);
        things.push(match known {
            Some(known) => ThingView {
                current: known.sent_hash.as_ref() == Some(&hash),
                state: known.state.as_str().to_owned(),
                why: known.reason.or_else(|| settled(known.state, known.next_at)),
                advice: known.advice,
                delivery_id: Some(known.id),
                key: planned.key,
                kind: planned.kind.to_owned(),
                rule: planned.rule,
                body: planned.body,
            },
            None => ThingView {
                current: false,
                state: if before { "before" } else { "not_read" }.to_owned(),
                why: Some(if before {
                    format!(
                        "it happened before {}, from when on the destination gets what happens",
                        row.from_at
                    )
                } else {
                    "no stream of the destination has come by yet".to_owned()
                }),
                advice: Some(format!(
                    "`parfocal destination backfill {}` sends what is kept.",
                    row.name
                )),
                delivery_id: None,
                key: planned.key,
                kind: planned.kind.to_owned(),
                rule: planned.rule,
                body: planned.body,
            },
        });
    }
    let trouble = if row.enabled {
        row.reason.clone()
    } else {
        Some("the destination is switched off".to_owned())
    };
    Ok(Some(AtDestination {
        destination: row.name.clone(),
        trouble,
        things,
        left_out: plan.left_out,
    }))
}

fn settled(state: DeliveryState, next_at: Timestamp) -> Option<String> {
    match state {
        DeliveryState::Pending => Some(format!("it is to be sent, not before {next_at}")),
        DeliveryState::Sending => Some("it is on its way".to_owned()),
        DeliveryState::Waiting => Some("the destination works on it".to_owned()),
        _ => None,
    }
}
