//! What a component reaches outside and does not find there is named with its mend, and blocks nothing.

use parfocal_engine::App;
use parfocal_engine::clock::Clock;
use parfocal_engine::components::{Activation, Finding};
use parfocal_engine::config::Config;
use parfocal_engine::keys::{Caller, Surface};

use crate::core_support::{config_for, on_both_stores, open};

on_both_stores! {
    a_missing_calendar_is_named_with_its_mend;
    a_mail_server_that_is_missing_or_silent_is_named_with_its_mend;
}

async fn app(dir: &tempfile::TempDir, change: impl FnOnce(&mut Config)) -> App {
    let mut config = config_for(dir.path(), "http://127.0.0.1:9");
    change(&mut config);
    open(config, &Clock::system()).await
}

/// What is said when it is activated, which works all the same.
async fn limits(app: &App, name: &str) -> Vec<Finding> {
    let caller = Caller::local(Surface::Cli);
    let done = app
        .components()
        .activate(name, &Activation::default(), &caller)
        .await;
    let (view, limits) = done.unwrap();
    assert!(view.active, "{name}");
    assert!(limits.iter().all(|one| !one.blocks), "{limits:?}");
    limits
}

async fn a_missing_calendar_is_named_with_its_mend() {
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir, |_| {}).await;
    let anyway = Activation {
        anyway: true,
        ..Activation::default()
    };
    let admin = Caller::local(Surface::Cli);
    app.components()
        .activate("scheduling", &anyway, &admin)
        .await
        .unwrap();
    for kind in ["google", "microsoft", "caldav"] {
        let found = limits(&app, &format!("calendar-{kind}")).await;
        let says = format!("no calendar of {kind} is connected");
        let mend = format!("`parfocal calendars add {kind}`");
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].says, says);
        assert!(found[0].mend.contains(&mend), "{found:?}");
    }
    assert_eq!(limits(&app, "calendar-feed").await, []);
}

async fn a_mail_server_that_is_missing_or_silent_is_named_with_its_mend() {
    let dir = tempfile::tempdir().unwrap();
    let found = limits(&app(&dir, |_| {}).await, "mail").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].says.contains("no mail server is set"), "{found:?}");
    assert!(
        found[0].mend.contains("PARFOCAL_SMTP__HOST"),
        "{}",
        found[0].mend
    );

    let answers = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = answers.local_addr().unwrap().port();
    let named = |config: &mut Config| {
        config.smtp.host = Some("127.0.0.1".into());
        config.smtp.port = port;
    };
    let dir = tempfile::tempdir().unwrap();
    let app = app(&dir, named).await;
    assert_eq!(limits(&app, "mail").await, []);
    drop(answers);
    let found = limits(&app, "mail").await;
    assert_eq!(found.len(), 1, "{found:?}");
    let says = format!("the mail server 127.0.0.1:{port} cannot be reached");
    assert!(found[0].says.starts_with(&says), "{found:?}");
    assert!(found[0].mend.contains("smtp.host"), "{found:?}");
}
