//! Mails: what people were told, and what lies in the folder for want of a mail server.

use axum::extract::{Path, State};
use axum::response::Response;
use jiff::Timestamp;
use parfocal_engine::{EngineError, notify};
use serde::Serialize;

use crate::problem::Problem;
use crate::state::AppState;
use crate::views::{MailView, ReceivedView};

/// Mails on the page.
const MOST: u32 = 200;

#[derive(Serialize)]
struct Page {
    rows: Vec<MailView>,
    /// Whether mails leave at all.
    server: Option<String>,
    /// The mailbox that answers are read from.
    mailbox: Option<Mailbox>,
    received: Vec<ReceivedView>,
}

#[derive(Serialize)]
struct Mailbox {
    name: String,
    /// Why it cannot be read.
    reason: Option<String>,
    checked_at: Timestamp,
}

#[derive(Serialize)]
struct One {
    mail: MailView,
    text: String,
}

/// `GET /mail`.
pub(crate) async fn list(State(state): State<AppState>) -> Result<Response, Problem> {
    let app = state.app();
    let found = app
        .store()
        .mails(app.scope(), None, MOST)
        .await
        .map_err(EngineError::from)?;
    let received = app
        .store()
        .received(app.scope(), MOST)
        .await
        .map_err(EngineError::from)?;
    let mailbox = notify::mailbox::status(app).await?;
    let page = Page {
        rows: found.into_iter().map(MailView::from).collect(),
        server: app.config().smtp.host.clone(),
        mailbox: mailbox.map(|row| Mailbox {
            name: row.name,
            reason: row.reason,
            checked_at: row.checked_at,
        }),
        received: received.into_iter().map(ReceivedView::from).collect(),
    };
    state.pages().render("mail.html", "mail", "Mail", &page)
}

/// `GET /mail/{id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let (mail, text) = notify::mail::written(state.app(), &id).await?;
    let title = mail.subject.clone();
    let page = One {
        mail: MailView::from(mail),
        text,
    };
    state.pages().render("mail_one.html", "mail", &title, &page)
}
