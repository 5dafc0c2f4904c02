//! `/destinations/{name}/preview`: what a mapping makes of real people, field by field, and why. Nothing is sent.

use axum::extract::{Form, Path, State};
use axum::response::Response;
use parfocal_engine::activate::brevo::{Preview, PreviewOrder};
use serde::{Deserialize, Serialize};

use super::{Fault, ROOM, given, mapping, plain};
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;

/// People on the page when none is named.
const MOST: u32 = 3;

/// Whom, and by which mapping.
#[derive(Deserialize)]
pub(super) struct Asked {
    person: Option<String>,
    /// A mapping in place of the destination's; of forms only.
    mapping: Option<String>,
}

#[derive(Serialize)]
struct Page {
    name: String,
    person: String,
    mapping: String,
    lines: usize,
    people: Vec<Shown>,
    fault: Option<Fault>,
}

#[derive(Serialize)]
struct Shown {
    person: String,
    email: String,
    groups: Vec<Group>,
    send: Vec<Thing>,
    left_out: Vec<Left>,
}

/// Fields of one thing: the contact, one event.
#[derive(Serialize)]
struct Group {
    of: String,
    fields: Vec<Field>,
}

#[derive(Serialize)]
struct Field {
    name: String,
    value: Option<String>,
    from: String,
    line: Option<u32>,
}

#[derive(Serialize)]
struct Thing {
    kind: String,
    what: String,
    rule: Option<String>,
    line: Option<u32>,
}

#[derive(Serialize)]
struct Left {
    what: String,
    why: String,
    line: Option<u32>,
}

impl From<Preview> for Shown {
    fn from(preview: Preview) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for field in preview.fields {
            let shown = Field {
                name: field.field,
                value: field.value.as_ref().map(plain),
                from: field.from,
                line: field.line,
            };
            match groups.last_mut().filter(|last| last.of == field.of) {
                Some(last) => last.fields.push(shown),
                None => groups.push(Group {
                    of: field.of,
                    fields: vec![shown],
                }),
            }
        }
        Self {
            person: preview.person,
            email: preview.email,
            groups,
            send: preview
                .send
                .into_iter()
                .map(|one| Thing {
                    what: ["list", "event_name", "template", "name", "email"]
                        .iter()
                        .find_map(|field| one.body.get(field))
                        .map_or_else(|| one.key.clone(), plain),
                    kind: one.kind,
                    line: one.rule.as_ref().and_then(|rule| rule.line),
                    rule: one.rule.map(|rule| rule.name),
                })
                .collect(),
            left_out: preview
                .left_out
                .into_iter()
                .map(|one| Left {
                    what: one.what,
                    why: one.why,
                    line: one.rule.and_then(|rule| rule.line),
                })
                .collect(),
        }
    }
}

async fn page(state: &AppState, name: &str, asked: Asked) -> Result<Response, Problem> {
    let verbs = state.app().destinations();
    let view = verbs.get(name).await?;
    let Some(held) = mapping(&view) else {
        return Err(Problem::not_found(format!(
            "{name} gets events as they are: it has no mapping to look at"
        ))
        .hint("The types of event with their schemas are at /v1/event-types."));
    };
    // Browsers send line ends of their own.
    let own = given(asked.mapping).map(|text| text.replace("\r\n", "\n"));
    let person = given(asked.person);
    let order = PreviewOrder {
        to: Some(view.name.clone()),
        mapping: own.clone().filter(|own| own.trim() != held.trim()),
        person: person.clone(),
        limit: MOST,
    };
    let (people, fault) = match verbs.preview(&order).await {
        Ok(people) => (people.into_iter().map(Shown::from).collect(), None),
        Err(error) => (Vec::new(), Some(Fault::from(&error))),
    };
    let text = own.unwrap_or_else(|| held.to_owned());
    let page = Page {
        lines: text.lines().count(),
        mapping: text,
        person: person.unwrap_or_default(),
        people,
        fault,
        name: view.name,
    };
    let title = format!("Mapping of {}", page.name);
    state
        .pages()
        .render("destination_preview.html", ROOM, &title, &page)
}

/// `GET /destinations/{name}/preview`.
pub(super) async fn get(
    State(state): State<AppState>,
    Path(name): Path<String>,
    Params(mut asked): Params<Asked>,
) -> Result<Response, Problem> {
    asked.mapping = None;
    page(&state, &name, asked).await
}

/// `POST /destinations/{name}/preview`: with a mapping that is tried. Nothing is kept.
pub(super) async fn post(
    State(state): State<AppState>,
    Path(name): Path<String>,
    Form(asked): Form<Asked>,
) -> Result<Response, Problem> {
    page(&state, &name, asked).await
}
