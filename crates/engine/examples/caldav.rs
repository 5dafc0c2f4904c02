//! The CalDAV adapter for a program of another language: one order as JSON on standard input, one answer on standard output.
//!
//! `caldav DATA URL USER PASSWORD`, with `{"put": EVENT}`, `{"changes": TOKEN}`, `{"busy": [FROM, TO]}` or `{"remove": ID}`.
#![expect(clippy::print_stdout, reason = "its answer is what it is for")]

use std::error::Error;
use std::io::Read as _;

use parfocal_engine::App;
use parfocal_engine::calendar::{
    Busy, Calendar, CalendarEvent, EventRef, Opener, Settings, TimeSpan,
};
use parfocal_engine::components::Activation;
use parfocal_engine::config::Config;
use parfocal_engine::keys::{Caller, Surface};
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Order {
    Put(Box<CalendarEvent>),
    Changes(Option<String>),
    Busy(jiff::Timestamp, jiff::Timestamp),
    Remove(String),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().ok_or("DATA URL USER PASSWORD");
    let (data, url, user, password) = (next()?, next()?, next()?, next()?);
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    let order: Order = serde_json::from_str(&text)?;

    let mut config = Config::default();
    config.data.dir = data.into();
    let app = App::open(config).await?;
    let caller = Caller::local(Surface::Cli);
    for component in ["scheduling", "calendar-caldav"] {
        // No meeting is made at Zoom here.
        let anyway = Activation {
            anyway: true,
            ..Activation::default()
        };
        app.components()
            .activate(component, &anyway, &caller)
            .await?;
    }
    if app.calendar_accounts().list().await?.is_empty() {
        let settings = Settings::Caldav {
            url,
            user: user.clone(),
            collection: None,
        };
        let view = app
            .calendar_accounts()
            .add("peer", &settings, &Opener::Password { password })
            .await?;
        if view.state != "working" {
            return Err(view.reason.unwrap_or_default().into());
        }
    }
    let calendar = app.calendars().open(&app, "caldav", None).await?;
    println!(
        "{}",
        answer(&*calendar, order, &user, &data_of(&app)).await?
    );
    app.stop().await;
    Ok(())
}

/// Where the fingerprint of what was written last is kept.
fn data_of(app: &App) -> std::path::PathBuf {
    app.config().data.dir.join("written")
}

async fn answer(
    calendar: &dyn Calendar,
    order: Order,
    user: &str,
    written: &std::path::Path,
) -> Result<Value, Box<dyn Error>> {
    Ok(match order {
        Order::Put(event) => {
            let made = calendar.put(&event, None).await?;
            std::fs::write(written, event.fingerprint())?;
            json!({ "id": made.id, "etag": made.etag })
        }
        Order::Changes(token) => {
            let changes = calendar.changes(token.as_deref()).await?;
            let ours = std::fs::read_to_string(written)?;
            let events: Vec<Value> = changes
                .events
                .iter()
                .map(|one| {
                    json!({
                        "id": one.event.id,
                        "title": one.now.as_ref().map(|now| &now.title),
                        "echo": one.now.as_ref().is_some_and(|now| now.fingerprint() == ours),
                    })
                })
                .collect();
            json!({ "events": events, "next": changes.next, "full_resync": changes.full_resync })
        }
        Order::Busy(from, to) => {
            let people = [user.to_owned()];
            match calendar
                .busy(TimeSpan { from, to }, &people)
                .await?
                .remove(user)
            {
                Some(Busy::Known(spans)) => {
                    let spans: Vec<_> = spans.iter().map(|one| (one.from, one.to)).collect();
                    json!({ "known": spans })
                }
                other => return Err(format!("{other:?}").into()),
            }
        }
        Order::Remove(id) => {
            let event = EventRef {
                calendar: String::new(),
                id,
                etag: None,
                link: None,
            };
            calendar.remove(&event).await?;
            json!({})
        }
    })
}
