//! `calendars connect google|microsoft`: a person agrees in a browser, and the calendar is opened with what that gives.
//!
//! The answer comes back to the server, under the address that is registered with the app at Google or Microsoft; a command has no
//! such address. So the link that is printed leads to the server, which leads on, and the command waits until it is told what came of
//! it.

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use parfocal_engine::App;
use parfocal_engine::calendar::{CalendarAccountView, ConsentOutcome, ConsentRequest};
use secrecy::ExposeSecret as _;
use serde_json::json;

use super::super::connect::operator;
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::progress::Progress;
use crate::output::style::{self, paint};

/// How long the command waits for somebody to agree, in seconds; a consent lives for ten minutes.
const PATIENCE: u64 = 600;
/// How often it looks.
const EVERY: Duration = Duration::from_millis(500);
/// How long a server may take to say that it is there.
const THERE: Duration = Duration::from_secs(2);

/// Connect a person's own calendar: they agree in a browser
#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// Whose calendars
    calendar: System,
    /// A name for it; one of this name gets a new consent [default: the system's]
    name: Option<String>,
    /// The calendar does not mail the guests; we do
    #[arg(long)]
    own_invitations: bool,
    /// Only print the link, and do not wait
    #[arg(long)]
    no_wait: bool,
    /// How long to wait for the consent
    #[arg(long, value_name = "SECONDS", default_value_t = PATIENCE, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

/// Where people agree
#[derive(Debug, Clone, Copy, ValueEnum)]
enum System {
    /// Google Calendar
    Google,
    /// Microsoft 365
    Microsoft,
}

impl System {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Google => "google",
            Self::Microsoft => "microsoft",
        }
    }
}

/// Where browsers reach the server: its public address, or this machine. Microsoft takes `localhost`, and no number.
fn base(app: &App) -> String {
    let server = &app.config().server;
    match &server.public_url {
        Some(url) => url.as_str().trim_end_matches('/').to_owned(),
        None => format!("http://localhost:{}", server.listen.port()),
    }
}

/// Whether a server is there to take the answer; asked only where it would be on this machine.
async fn is_there(app: &App) -> bool {
    let server = &app.config().server;
    if server.public_url.is_some() {
        return true;
    }
    let address = SocketAddr::from(([127, 0, 0, 1], server.listen.port()));
    matches!(
        tokio::time::timeout(THERE, tokio::net::TcpStream::connect(address)).await,
        Ok(Ok(_))
    )
}

/// Has somebody agree; the calendar as it stands then, none when nobody is waited for.
pub(super) async fn run(
    app: &App,
    wish: Connect,
    context: &Context,
) -> Result<Option<CalendarAccountView>, Failure> {
    let base = base(app);
    let calendar = wish.calendar.as_str();
    let name = wish.name.unwrap_or_else(|| calendar.to_owned());
    let accounts = app.calendar_accounts();
    let begun = accounts
        .begin_consent(ConsentRequest {
            name: name.clone(),
            calendar: calendar.to_owned(),
            own_invitations: wish.own_invitations,
            redirect_uri: format!("{base}/oauth/calendar/callback"),
            by: operator(),
        })
        .await?;
    let link = format!(
        "{base}/oauth/calendar/begin/{}",
        begun.word().expose_secret()
    );
    let there = is_there(app).await;
    let out = &context.out;
    let next = if there {
        "Open the link in the browser of the person whose calendar it is. It works once, for ten minutes."
    } else {
        "Start the server with `parfocal serve`, then open the link in the browser of the person whose calendar it is. It works once, for ten minutes."
    };
    if out.is_json() {
        let said = json!({
            "open": link, "name": name, "calendar": calendar, "redirect_uri": begun.redirect_uri,
            "expires": begun.expires, "server": there, "next": next,
        });
        if wish.no_wait {
            out.json(&said)?;
        } else {
            out.ask(said);
        }
    } else if wish.no_wait {
        out.line(&link)?;
        out.note(next);
    } else {
        out.ask(next);
        out.ask(format!("  {}", paint(style::ACCENT, &link)));
    }
    if wish.no_wait {
        return Ok(None);
    }
    let waiting = Progress::start(out, "Waiting for consent");
    let limit = Duration::from_secs(wish.timeout);
    let ends = app.clock().monotonic() + limit;
    loop {
        match accounts.outcome(&begun.state).await? {
            ConsentOutcome::Connected => {
                drop(waiting);
                let all = accounts.list().await?;
                return Ok(all.into_iter().find(|one| one.name == name));
            }
            ConsentOutcome::Refused { why, hint } => {
                drop(waiting);
                return Err(Failure::new(Exit::NeedsAttention, "consent_refused", why).hint(hint));
            }
            ConsentOutcome::Open if app.clock().monotonic() < ends => {}
            ConsentOutcome::Open | ConsentOutcome::Expired => {
                drop(waiting);
                return Err(Failure::new(
                    Exit::NeedsAttention,
                    "consent_missing",
                    format!("nobody agreed within {} seconds", limit.as_secs()),
                )
                .hint("Run it again when the person is at a browser."));
            }
        }
        app.clock().sleep(EVERY).await;
    }
}
