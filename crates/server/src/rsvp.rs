//! `/rsvp/{token}`: the page of an answer link in a mail.
//!
//! Looking at it answers nothing: mail programs look at links before people do. The link is signed and is all that is needed, so
//! the page stands outside the guard and of the same-origin check, and keeps no cookie.

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Router, middleware};
use parfocal_engine::calendar::Answer;
use parfocal_engine::notify::answers::{self, Asked};
use serde::{Deserialize, Serialize};

use crate::oauth;
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Debug, Deserialize)]
struct Chosen {
    answer: Option<String>,
}

#[derive(Serialize)]
struct Choice {
    value: &'static str,
    word: &'static str,
}

#[derive(Serialize)]
struct Page {
    topic: String,
    when: String,
    language: &'static str,
    question: &'static str,
    choices: Vec<Choice>,
    chosen: Option<String>,
    done: Option<&'static str>,
}

/// The route, under the names that this server is known by.
pub(crate) fn routes(state: &AppState) -> Router<AppState> {
    Router::new()
        .route("/rsvp/{token}", get(ask).post(take))
        .layer(middleware::from_fn_with_state(
            state.clone(),
            oauth::reachable,
        ))
}

fn page(asked: &Asked, chosen: Option<String>, done: bool) -> Page {
    Page {
        topic: asked.invited.title.clone(),
        when: asked.time.clone(),
        language: asked.language,
        question: asked.question,
        choices: asked
            .choices
            .iter()
            .map(|(value, word)| Choice { value, word })
            .collect(),
        chosen,
        done: done.then_some(asked.thanks),
    }
}

async fn ask(
    State(state): State<AppState>,
    Path(token): Path<String>,
    Params(chosen): Params<Chosen>,
) -> Result<Response, Problem> {
    let asked = answers::asked(state.app(), &token).await?;
    let page = page(&asked, chosen.answer, false);
    state
        .pages()
        .render("rsvp.html", "", &asked.invited.title, &page)
}

async fn take(
    State(state): State<AppState>,
    Path(token): Path<String>,
    Form(chosen): Form<Chosen>,
) -> Result<Response, Problem> {
    let answer = chosen
        .answer
        .as_deref()
        .and_then(Answer::parse)
        .filter(|answer| *answer != Answer::Pending);
    let Some(answer) = answer else {
        return Ok(Problem::new(
            StatusCode::BAD_REQUEST,
            "invalid_input",
            "the answer is accepted, tentative or declined",
        )
        .into_response());
    };
    let asked = answers::answer_link(state.app(), &token, answer).await?;
    let page = page(&asked, chosen.answer, true);
    state
        .pages()
        .render("rsvp.html", "", &asked.invited.title, &page)
}
