//! The last page of a login: it worked, or what happened, to which app, and what to do now.

use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use parfocal_engine::connections::{Finished, FinishedPurpose};
use parfocal_engine::{Code, EngineError, Kind};
use serde::Serialize;

use super::INSTALL;
use crate::layers::RequestId;
use crate::problem::{Problem, status_of};
use crate::state::AppState;

/// Seconds after which a login that failed at Zoom's end is worth another try.
const RETRY_AFTER: u64 = 60;

/// Makes the last page of one login.
pub(crate) struct Ending {
    state: AppState,
    request_id: Option<String>,
    for_operator: bool,
    for_terminal: bool,
}

#[derive(Serialize)]
struct Page {
    tone: &'static str,
    what: String,
    more: Vec<String>,
    steps: Vec<String>,
    action: Option<Action>,
    said: Option<String>,
    code: Option<&'static str>,
    request_id: Option<String>,
}

#[derive(Serialize)]
struct Action {
    href: String,
    label: &'static str,
}

impl Ending {
    /// For the login that a request belongs to.
    pub(crate) fn new(state: &AppState, request: &Parts) -> Self {
        Self {
            state: state.clone(),
            request_id: request
                .extensions
                .get::<RequestId>()
                .map(|id| id.0.to_string()),
            for_operator: false,
            for_terminal: false,
        }
    }

    /// The reader began in the console and can go back there.
    pub(crate) fn for_operator(mut self) -> Self {
        self.for_operator = true;
        self
    }

    /// The reader began in a terminal, which waits.
    pub(crate) fn for_terminal(mut self) -> Self {
        self.for_terminal = true;
        self
    }

    /// The login worked.
    pub(crate) fn done(&self, finished: &Finished) -> Response {
        let view = &finished.connection;
        let account = view
            .account
            .name
            .as_deref()
            .unwrap_or(&view.account.external_id);
        let what = match finished.purpose {
            FinishedPurpose::Installed | FinishedPurpose::Linked => {
                format!(
                    "{} may now use the Zoom account {account} as {}.",
                    view.app, view.name
                )
            }
            FinishedPurpose::Relinked | FinishedPurpose::Reconnected => {
                format!(
                    "The connection {} to {account} works again; it kept everything.",
                    view.name
                )
            }
        };
        let mut more = Vec::new();
        if let Some(reason) = &view.reason {
            more.push(reason.clone());
        }
        more.push(self.farewell().to_owned());
        let page = Page {
            tone: "ok",
            what,
            more,
            steps: Vec::new(),
            action: self.for_operator.then(|| Action {
                href: format!("http://{}/connections/{}", self.state.address(), view.id),
                label: "Back to the console",
            }),
            said: None,
            code: None,
            request_id: None,
        };
        let title = match finished.purpose {
            FinishedPurpose::Installed | FinishedPurpose::Linked => "Connected",
            FinishedPurpose::Relinked | FinishedPurpose::Reconnected => "Connected again",
        };
        self.render(StatusCode::OK, title, &page)
    }

    fn farewell(&self) -> &'static str {
        if self.for_terminal {
            "You can close this page and go back to the terminal."
        } else {
            "You can close this page."
        }
    }

    /// The login did not work.
    pub(crate) fn failed(&self, error: &EngineError) -> Response {
        let code = error.code();
        let status = status(code);
        if status.is_server_error() {
            tracing::warn!(code = code.as_str(), error = %error, "a login failed");
        }
        let what = if error.kind() == Kind::Internal {
            "The login failed inside the server.".to_owned()
        } else {
            sentence(error.message())
        };
        let page = Page {
            tone: tone(code),
            what,
            more: Vec::new(),
            steps: steps(error.hint()),
            action: self.again(code),
            said: error.zoom().map(|zoom| {
                let status = zoom.status.map(|status| format!("{status} "));
                format!("{}{}", status.unwrap_or_default(), zoom.message)
            }),
            code: Some(code.as_str()),
            request_id: self.request_id.clone(),
        };
        let mut response = self.render(status, code.title(), &page);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(RETRY_AFTER));
        }
        response
    }

    /// A way to begin anew, where that can help.
    fn again(&self, code: Code) -> Option<Action> {
        if self.for_terminal {
            return None;
        }
        let helps = matches!(
            code,
            Code::ConsentDenied
                | Code::StateUnknown
                | Code::StateForeign
                | Code::StateExpired
                | Code::CodeRefused
                | Code::VerifierWrong
                | Code::ZoomUnreachable
                | Code::RateLimited
        );
        helps.then(|| Action {
            href: if self.for_operator {
                format!("{INSTALL}?from=console")
            } else {
                INSTALL.to_owned()
            },
            label: "Try again",
        })
    }

    fn render(&self, status: StatusCode, title: &str, page: &Page) -> Response {
        match self.state.pages().render("login_end.html", "", title, page) {
            Ok(mut response) => {
                *response.status_mut() = status;
                response
            }
            Err(problem) => Problem::to_json_response(&problem),
        }
    }
}

/// The HTTP status of a login that failed: whose turn it is decides, the person's (4xx) or the operator's and Zoom's (5xx).
fn status(code: Code) -> StatusCode {
    match code {
        Code::ConsentDenied => StatusCode::FORBIDDEN,
        Code::StateExpired | Code::LinkExpired | Code::LinkUsed | Code::LinkRevoked => {
            StatusCode::GONE
        }
        Code::StateUsed => StatusCode::CONFLICT,
        Code::LinkUnknown => StatusCode::NOT_FOUND,
        Code::RedirectMismatch | Code::ClientRejected | Code::ScopeRefused => {
            StatusCode::BAD_GATEWAY
        }
        Code::ClockSkewed | Code::ConfigInvalid => StatusCode::INTERNAL_SERVER_ERROR,
        other => status_of(other.kind()),
    }
}

/// How grave it is: nothing happened, something to mend, or broken.
fn tone(code: Code) -> &'static str {
    match code {
        Code::ConsentDenied
        | Code::StateUsed
        | Code::StateExpired
        | Code::LinkUsed
        | Code::LinkExpired
        | Code::LinkRevoked => "warn",
        _ => "bad",
    }
}

/// A message as a sentence of a page.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let mut text: String = letters
        .next()
        .map(|first| first.to_uppercase().chain(letters).collect())
        .unwrap_or_default();
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

/// An advice as steps: one for each sentence.
fn steps(hint: &str) -> Vec<String> {
    let mut steps = Vec::new();
    for part in hint.split_inclusive(". ") {
        let part = part.trim();
        if !part.is_empty() {
            steps.push(sentence(part));
        }
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_sentences_and_advice_becomes_steps() {
        assert_eq!(sentence("the login has expired"), "The login has expired.");
        assert_eq!(
            steps("Set the clock right. Then try again, on zoom.us/oauth"),
            ["Set the clock right.", "Then try again, on zoom.us/oauth."]
        );
        assert!(steps("").is_empty());
    }

    #[test]
    fn whose_turn_it_is_decides_the_status() {
        assert!(status(Code::ConsentDenied).is_client_error());
        assert!(status(Code::ClientRejected).is_server_error());
        assert_eq!(
            status(Code::ZoomUnreachable),
            StatusCode::SERVICE_UNAVAILABLE
        );
    }
}
