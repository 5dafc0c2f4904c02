//! What is asked about one person: what happened, what each destination has of them, what not, and why.

use std::collections::BTreeSet;

use jiff::Timestamp;
use parfocal_store::{DeliveryState, DestinationRow, Page, PageRequest, PersonId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::manage::Destinations;
use super::model::{LeftOut, PersonFile, Rule, Takes};
use super::{content_hash, facts, open};
use crate::App;
use crate::error::{EngineError, Result};

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

/// Something that identifies a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct IdentityView {
    /// `email`, `user` or `registrant`.
    pub kind: String,
    /// The address, or the provider's id.
    pub value: String,
}

impl From<(String, String)> for IdentityView {
    fn from((kind, value): (String, String)) -> Self {
        Self { kind, value }
    }
}

/// Somebody who turned out to be a person that was known already.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MergedView {
    /// The id under which they were known; splitting names it.
    pub id: PersonId,
    /// When that was found.
    pub at: Timestamp,
    /// What identified them.
    pub identities: Vec<IdentityView>,
}

/// A person in a list.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PersonLine {
    /// Its id.
    pub id: PersonId,
    /// The address to write to.
    pub email: String,
    /// All addresses.
    pub emails: Vec<String>,
    /// Name to show.
    pub name: Option<String>,
    /// Whether it is a user of a connected account.
    pub internal: bool,
    /// Meetings attended.
    pub attended: u32,
    /// Registrations.
    pub registrations: u32,
    /// Meetings registered for and missed.
    pub missed: u32,
    /// When the last meeting attended began.
    pub last_attended_at: Option<Timestamp>,
    /// What the person said about being written to; none when nothing is known.
    pub consent: Option<bool>,
}

impl From<PersonFile> for PersonLine {
    fn from(file: PersonFile) -> Self {
        let person = file.person;
        Self {
            id: person.id,
            email: person.email,
            emails: person.emails,
            name: person.name,
            internal: person.internal,
            attended: person.attended,
            registrations: person.registrations,
            missed: person.missed,
            last_attended_at: person.last_attended_at,
            consent: person.consent.map(|said| said.granted),
        }
    }
}

/// Why something of a person is, or is not, at a destination.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Answer {
    /// The destination.
    pub destination: String,
    /// What: `contact`, `list NAME`, `event NAME of WHEN` …
    pub what: String,
    /// Whether the destination has it, as it is to be.
    pub there: bool,
    /// Why, in a sentence.
    pub why: String,
    /// What to do, if it is to be there.
    pub advice: Option<String>,
    /// The rule that says so.
    pub rule: Option<Rule>,
    /// The delivery, if there is one.
    pub delivery_id: Option<parfocal_store::DeliveryId>,
}

/// The answer to "why is this person not in the list?".
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct WhyView {
    /// The person.
    pub person: PersonId,
    /// Their address.
    pub email: String,
    /// What is missing first, then what is there.
    pub answers: Vec<Answer>,
}

/// Everything about one person.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PersonView {
    /// Its id.
    pub id: PersonId,
    /// The person with all figures.
    #[schemars(with = "Value")]
    pub person: super::Person,
    /// What identifies them: `kind` (`email`, `user`, `registrant`) and `value`.
    pub identities: Vec<IdentityView>,
    /// Those who turned out to be this person; each can be taken back.
    pub merged: Vec<MergedView>,
    /// What happened, the oldest first.
    #[schemars(with = "Vec<Value>")]
    pub moments: Vec<super::Moment>,
    /// What each destination of people has.
    pub destinations: Vec<AtDestination>,
}

impl Destinations<'_> {
    /// The person of an address or an id; of whoever turned out to be somebody else, that somebody.
    ///
    /// # Errors
    /// `not_found`, with what that means.
    pub async fn person_named(self, which: &str) -> Result<PersonId> {
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
        let id = self.person_named(which).await?;
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
        let identities = app.store().person_identities(app.scope(), id).await?;
        let merged = app.store().merged_people(app.scope(), id).await?;
        Ok(PersonView {
            id,
            identities: identities.into_iter().map(IdentityView::from).collect(),
            merged: merged
                .into_iter()
                .map(|one| MergedView {
                    id: one.id,
                    at: one.at,
                    identities: one.identities.into_iter().map(IdentityView::from).collect(),
                })
                .collect(),
            person: file.person,
            moments: file.moments,
            destinations: at,
        })
    }

    /// Why things of a person are, or are not, at the destinations; with `what` only those whose name contains it.
    ///
    /// # Errors
    /// `not_found` for the person, with what that means, or for the destination.
    pub async fn why(self, which: &str, at: Option<&str>, what: Option<&str>) -> Result<WhyView> {
        let at = match at {
            Some(at) => Some(self.row(at).await?.name),
            None => None,
        };
        let view = self.person(which).await?;
        let what = what.map(str::to_lowercase);
        let mut answers: Vec<Answer> = view
            .destinations
            .into_iter()
            .filter(|one| at.as_ref().is_none_or(|at| *at == one.destination))
            .flat_map(answers)
            .filter(|answer| {
                what.as_ref()
                    .is_none_or(|what| answer.what.to_lowercase().contains(what))
            })
            .collect();
        answers.sort_by_key(|answer| answer.there);
        Ok(WhyView {
            person: view.id,
            email: view.person.email,
            answers,
        })
    }

    /// People with an address or a name that contains a text, or all, by id; the place to go on from, at the end none.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn people(self, find: Option<&str>, page: &PageRequest) -> Result<Page<PersonLine>> {
        let app = self.app();
        let find = find.map(str::trim).filter(|find| !find.is_empty());
        let after = page.after.as_deref();
        let (files, next) = match find {
            None => self.person_files(after, page.limit).await?,
            Some(find) => {
                let ids = app
                    .store()
                    .find_people(app.scope(), find, after.unwrap_or(""), page.limit)
                    .await?;
                self.files_of(ids, page.limit).await?
            }
        };
        Ok(Page {
            items: files.into_iter().map(PersonLine::from).collect(),
            next,
        })
    }

    async fn files_of(
        self,
        ids: Vec<PersonId>,
        limit: u32,
    ) -> Result<(Vec<PersonFile>, Option<String>)> {
        let app = self.app();
        let next = (ids.len() == limit as usize)
            .then(|| ids.last().map(ToString::to_string))
            .flatten();
        let mut files = Vec::new();
        for id in ids {
            files.extend(facts::file(app, app.scope(), id).await?);
        }
        Ok((files, next))
    }

    /// The file of a person as destinations are asked about it: what a preview shows.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn person_file(self, which: &str) -> Result<PersonFile> {
        let app = self.app();
        let id = self.person_named(which).await?;
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
        self.files_of(ids, limit).await
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

/// What is said of each thing of a destination.
fn answers(at: AtDestination) -> Vec<Answer> {
    let mut all = Vec::new();
    for thing in at.things {
        let there = thing.current;
        let mut why = match (there, thing.state.as_str(), thing.why) {
            (true, _, Some(why)) if why != "it is there" => format!("it is there; {why}"),
            (true, ..) => "it is there".to_owned(),
            (false, "done", None) => "what is there is of an earlier state".to_owned(),
            (false, state, None) => state.to_owned(),
            (false, _, Some(why)) => why,
        };
        if let Some(trouble) = at.trouble.as_ref().filter(|_| !there) {
            why = format!("{why}; {trouble}");
        }
        all.push(Answer {
            destination: at.destination.clone(),
            what: name_of(&thing.kind, &thing.body),
            there,
            why,
            advice: thing.advice.filter(|_| !there),
            rule: thing.rule,
            delivery_id: thing.delivery_id,
        });
    }
    let planned: BTreeSet<String> = all.iter().map(|one| one.what.clone()).collect();
    for left in at.left_out {
        // What several meetings would have caused is said once, and not at all where another one causes it.
        if all.iter().any(|one| {
            one.what == left.what && (one.why == left.why || planned.contains(&left.what))
        }) {
            continue;
        }
        all.push(Answer {
            destination: at.destination.clone(),
            what: left.what,
            there: false,
            why: left.why,
            advice: None,
            rule: left.rule,
            delivery_id: None,
        });
    }
    if all.is_empty()
        && let Some(trouble) = at.trouble
    {
        all.push(Answer {
            destination: at.destination,
            what: "everything".to_owned(),
            there: false,
            why: trouble,
            advice: Some(
                "Mend the destination first: `parfocal destination show` says how.".to_owned(),
            ),
            rule: None,
            delivery_id: None,
        });
    }
    all
}

/// A thing as people speak of it.
fn name_of(kind: &str, body: &Value) -> String {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    match kind {
        "membership" => format!("list {}", text("list").unwrap_or_default()),
        "event" => format!(
            "event {} of {}",
            text("event_name").unwrap_or_default(),
            text("event_date").unwrap_or_default()
        ),
        "mail" => match body.get("template") {
            Some(template) => format!("mail of template {template}"),
            None => "mail".to_owned(),
        },
        "task" => format!("task {}", text("name").unwrap_or_default()),
        other => other.to_owned(),
    }
}
