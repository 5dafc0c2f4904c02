//! Logins without a browser here, and connections in two clouds.

use std::time::Duration;

use parfocal_engine::Code;
use parfocal_engine::clock::Clock;
use parfocal_engine::connections::{
    BeginUser, Cloud, DevicePoll, FinishedPurpose, Level, NewUserApp, Purpose,
};
use parfocal_engine::store::ConnectionState;
use parfocal_zoom::clock::ManualClock;

use super::{app_for, by, connect, install, simulator, with_user_app};
use crate::core_support::{config_for, control, on_both_stores, open};

on_both_stores! {
    a_device_is_allowed_on_another_machine;
    two_clouds_stand_side_by_side;
}

async fn a_device_is_allowed_on_another_machine() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let manual = ManualClock::new(Clock::system().now());
    let clock = Clock::custom(std::sync::Arc::new(manual.clone()));
    let config = with_user_app(config_for(dir.path(), simulator.base_url()));
    let app = open(config, &clock).await;
    let connections = app.connections();
    let type_in = async |code: &str, consent: &str| {
        let form = format!("user_code={code}&consent={consent}");
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}/oauth_device", simulator.base_url());
        let sent = http
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form);
        assert!(sent.send().await.unwrap().status().is_success());
    };
    let prompt = connections
        .begin_device(None, Purpose::Install)
        .await
        .unwrap();
    assert_eq!(
        (prompt.interval, prompt.app.as_str()),
        (Duration::from_secs(5), "user")
    );
    let poll = async |id: &str| connections.poll_device(id, &by()).await;
    let pending = poll(&prompt.id).await.unwrap();
    assert_eq!(
        pending,
        DevicePoll::Pending {
            wait: Duration::from_secs(5)
        }
    );
    // Asked too early, Zoom is not bothered.
    let asked = control(simulator.base_url(), "/calls").await["oauth"].clone();
    assert!(matches!(
        poll(&prompt.id).await.unwrap(),
        DevicePoll::Pending { .. }
    ));
    assert_eq!(
        control(simulator.base_url(), "/calls").await["oauth"],
        asked
    );
    type_in(&prompt.user_code, "allow").await;
    manual.advance(Duration::from_secs(6));
    let DevicePoll::Done(done) = poll(&prompt.id).await.unwrap() else {
        panic!("allowed");
    };
    assert_eq!(done.purpose, FinishedPurpose::Installed);
    assert_eq!(done.connection.state, ConnectionState::Healthy);
    assert_eq!(poll(&prompt.id).await.unwrap_err().code(), Code::StateUsed);
    // Declined, made up, too late.
    let declined = connections
        .begin_device(None, Purpose::Install)
        .await
        .unwrap();
    type_in(&declined.user_code, "deny").await;
    assert_eq!(
        poll(&declined.id).await.unwrap_err().code(),
        Code::ConsentDenied
    );
    assert_eq!(
        poll("made up").await.unwrap_err().code(),
        Code::StateUnknown
    );
    let late = connections
        .begin_device(None, Purpose::Install)
        .await
        .unwrap();
    manual.advance(Duration::from_mins(16));
    assert_eq!(
        poll(&late.id).await.unwrap_err().code(),
        Code::DeviceExpired
    );
    simulator.shutdown().await;
}

async fn two_clouds_stand_side_by_side() {
    let (one, two) = (simulator().await, simulator().await);
    let dir = tempfile::tempdir().unwrap();
    let app = app_for(&dir, &one).await;
    let new = NewUserApp {
        name: Some("Second cloud".into()),
        client_id: "simulator-admin".into(),
        client_secret: Some("simulator-admin-secret".into()),
        cloud: Cloud::At {
            oauth_url: two.base_url().parse().unwrap(),
            api_url: None,
        },
        ..NewUserApp::default()
    };
    let added = app.connections().add_app(new, &by()).await.unwrap();
    assert_eq!(
        (added.name.as_str(), added.cloud.as_str()),
        ("second-cloud", "other")
    );
    let here = connect(&app, install(), None).await.unwrap().connection;
    let begin = BeginUser {
        app: Some("second-cloud".into()),
        ..install()
    };
    let there = connect(&app, begin, None).await.unwrap().connection;
    assert_ne!(here.id, there.id);
    assert_eq!(there.level, Level::Admin);
    let api = format!("{}/v2", two.base_url());
    assert_eq!(there.api_url.as_deref(), Some(api.as_str()));
    let ours = control(one.base_url(), "/calls").await;
    app.connections()
        .check(&there.id.to_string())
        .await
        .unwrap();
    assert_eq!(
        control(one.base_url(), "/calls").await["total"],
        ours["total"]
    );
    // The government's cloud has addresses of its own.
    let gov = NewUserApp {
        name: Some("agency".into()),
        client_id: "gov-client".into(),
        cloud: "gov".parse().unwrap(),
        ..NewUserApp::default()
    };
    let gov = app.connections().add_app(gov, &by()).await.unwrap();
    assert_eq!((gov.cloud.as_str(), gov.public), ("gov", true));
    let begin = BeginUser {
        app: Some("agency".into()),
        ..install()
    };
    let consent = app.connections().begin_user(begin).await.unwrap();
    assert_eq!(consent.url.host_str(), Some("zoomgov.com"));
    // A configured app cannot be replaced by hand.
    let clash = NewUserApp {
        client_id: "simulator-user".into(),
        client_secret: Some("x".into()),
        ..NewUserApp::default()
    };
    let error = app.connections().add_app(clash, &by()).await.unwrap_err();
    assert_eq!(error.code(), Code::Conflict);
    one.shutdown().await;
    two.shutdown().await;
}
