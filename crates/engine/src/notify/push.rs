//! Reminders as messages to people's devices, by a push server of the kind of ntfy: open, to be run by oneself, with apps for
//! telephones, browsers and the desktop.
//!
//! Each person has a topic of their own, whose name nobody can guess; whoever knows it reads that person's reminders. A message opens
//! the meeting when it is touched, and has buttons that open the provider's own program.

use std::time::Duration;

use hmac::Mac as _;
use parfocal_store::ReminderRow;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::answers;
use super::mail::habits;
use super::words::{day, words};
use crate::App;
use crate::error::{Code, EngineError, Result};
use crate::provider::deep_links;

/// How long the push server may take.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Letters of a topic beside its beginning: 96 bits of chance.
const LETTERS: usize = 24;

fn server(app: &App) -> Result<&Url> {
    app.config().reminders.push_url.as_ref().ok_or_else(|| {
        EngineError::new(Code::ConfigInvalid, "reminders.push_url is not set").with_hint(
            "Set it to the address of a push server such as ntfy, your own or https://ntfy.sh.",
        )
    })
}

/// The topic of a person: always the same here, and nothing that others could find out.
async fn topic(app: &App, email: &str) -> Result<String> {
    let said = format!("push topic\0{}", email.trim().to_lowercase());
    let mac = answers::mac(app, said.as_bytes()).await?;
    let name = hex::encode(mac.finalize().into_bytes());
    Ok(format!("parfocal-{}", &name[..LETTERS]))
}

/// Where a person subscribes to their reminders; whoever knows the address reads them.
///
/// # Errors
/// `config_invalid` without a push server.
pub async fn address(app: &App, email: &str) -> Result<String> {
    let server = server(app)?.as_str().trim_end_matches('/').to_owned();
    Ok(format!("{server}/{}", topic(app, email).await?))
}

/// Hands a reminder over.
pub(super) async fn send(app: &App, row: &ReminderRow, key: &str) -> Result<()> {
    let server = server(app)?.clone();
    let body = message(app, row, key).await?;
    let client = reqwest::Client::builder()
        .user_agent(concat!("parfocal/", env!("CARGO_PKG_VERSION")))
        .timeout(TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| EngineError::new(Code::Internal, error.to_string()))?;
    let mut request = client
        .post(server)
        .header("content-type", "application/json")
        .body(body.to_string());
    if let Some(token) = &app.config().reminders.push_token {
        request = request.bearer_auth(token.expose());
    }
    let answer = request.send().await.map_err(|error| {
        EngineError::new(Code::MailUnavailable, error.without_url().to_string())
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let later = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
    Err(EngineError::new(
        if later {
            Code::MailUnavailable
        } else {
            Code::MailRefused
        },
        format!("the push server answered {status}"),
    ))
}

/// What is handed over, in the person's language and by their clocks.
async fn message(app: &App, row: &ReminderRow, key: &str) -> Result<Value> {
    let person = habits(app, &row.email, Some(&row.tz)).await?;
    let said = words(person.language);
    let start = row.start_at.to_zoned(person.zone);
    let one_line: String = row
        .title
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let mut body = json!({
        "topic": topic(app, &row.email).await?,
        "title": one_line,
        "message": format!("{}: {}, {}", said.reminder, day(person.language, &start), start.strftime("%H:%M")),
        "tags": ["calendar"],
        "priority": 4,
        // Servers that know it show a repetition in the place of the first.
        "sequence_id": hex::encode(&Sha256::digest(key.as_bytes())[..16]),
    });
    if let Some(url) = row
        .join_url
        .as_deref()
        .filter(|url| url.starts_with("https://") || url.starts_with("http://"))
    {
        body["click"] = json!(url);
        if let Some(links) = deep_links(url) {
            // What a telephone opens at once; the address itself stays for whoever has not installed the program.
            body["click"] = json!(links.mobile);
            let button = |label: &str, url: &str| json!({"action": "view", "label": label, "url": url, "clear": true});
            body["actions"] = json!([
                button(said.join, &links.mobile),
                button(&format!("{} (desktop)", said.join), &links.desktop),
                button(&format!("{} (web)", said.join), url),
            ]);
        }
    }
    Ok(body)
}
