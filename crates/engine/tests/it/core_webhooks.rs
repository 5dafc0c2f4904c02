//! The webhook door: what is accepted, what is refused, and whose an event is.

use std::time::Duration;

use hmac::{KeyInit as _, Mac as _};
use parfocal_engine::App;
use parfocal_engine::config::Config;
use parfocal_engine::connections::NewServerToServer;
use parfocal_engine::store::{EventId, InboxEvent};
use parfocal_engine::webhooks::{Answer, Refused, RejectReason, sign};
use parfocal_simulator::Simulator;
use secrecy::ExposeSecret;

use crate::core_support::{
    config, config_for, deliver, event, manual, on_both_stores, open, webhook_app, with_env,
};

on_both_stores! {
    a_clock_that_was_moved_a_moment_ago_refuses_nothing;
    bodies_count_byte_for_byte_whatever_their_form;
    forged_unsigned_malformed_and_oversized_deliveries_are_refused_by_name;
    a_retry_after_85_minutes_is_taken_and_a_replay_is_one_event;
    the_challenge_is_answered_under_the_secret_that_signed_it;
    an_event_is_never_put_under_another_connection;
    download_tokens_are_sealed_and_refreshed_by_a_repetition;
    passcodes_are_not_kept_and_repeats_are_still_known;
    an_app_connected_by_another_process_is_known_at_once;
    what_cannot_be_stored_is_left_to_zooms_repetition;
}

const SECRET: &str = "simulator-webhook-secret";

fn with_secret(mut config: Config) -> Config {
    config.zoom.webhook_secret_token = vec![SECRET.into()];
    config
}

fn accepted(answer: Result<Answer, Refused>) -> EventId {
    match answer {
        Ok(Answer::Accepted(id)) => id,
        other => panic!("not accepted: {other:?}"),
    }
}

async fn stored(app: &App, id: EventId) -> InboxEvent {
    app.store()
        .inbox_event(app.scope(), id)
        .await
        .unwrap()
        .unwrap()
}

async fn bodies_count_byte_for_byte_whatever_their_form() {
    let dir = tempfile::tempdir().unwrap();
    let (_, clock) = manual();
    let app = open(with_secret(config(dir.path())), &clock).await;
    let bodies = [
        "{ \"event\" : \"meeting.started\",\n\t\"payload\": {\"account_id\":\"a\",\"object\":{\"id\": 1}} }",
        r#"{"event":"meeting.started","payload":{"account_id":"a","object":{"topic":"a\/b é \"q\" \\ \n"}}}"#,
        r#"{"payload":{"object":{"topic":"Größe 会議 🎉 <script>alert(1)</script>"}},"event_ts":1,"event":"x.y"}"#,
    ];
    for body in bodies {
        let id = accepted(deliver(&app, None, SECRET, body.as_bytes()).await);
        let row = stored(&app, id).await;
        let before: serde_json::Value = serde_json::from_str(body).unwrap();
        let after: serde_json::Value = serde_json::from_str(&row.body).unwrap();
        assert_eq!(before, after);
    }
}

async fn forged_unsigned_malformed_and_oversized_deliveries_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (_, clock) = manual();
    let app = open(with_secret(config(dir.path())), &clock).await;
    let body = event("meeting.started", "a", 84_410_027_731, 1);
    let at = clock.now().as_second().to_string();
    let good = sign(&SECRET.into(), &at, &body);
    let door = app.webhooks();
    let mut changed = body.clone();
    changed.push(b' ');
    let word = |answer: Result<Answer, Refused>| answer.unwrap_err().reason();
    assert_eq!(
        word(door.accept(None, Some(&at), Some(&good), &changed).await),
        "forged"
    );
    assert_eq!(
        word(deliver(&app, None, "another secret", &body).await),
        "forged"
    );
    assert_eq!(
        word(door.accept(None, Some(&at), None, &body).await),
        "unsigned"
    );
    assert_eq!(
        word(door.accept(None, None, Some(&good), &body).await),
        "unsigned"
    );
    assert_eq!(
        word(door.accept(None, Some("soon"), Some(&good), &body).await),
        "bad_signature"
    );
    assert_eq!(
        word(door.accept(None, Some(&at), Some("v0=zz"), &body).await),
        "bad_signature"
    );
    assert_eq!(
        word(deliver(&app, Some("nobody"), SECRET, &body).await),
        "unknown_app"
    );
    for malformed in ["", "[]", "{", "{\"event\":7}", "{\"payload\":{}}", "\"x\""] {
        assert_eq!(
            word(deliver(&app, None, SECRET, malformed.as_bytes()).await),
            "malformed"
        );
    }
    assert_eq!(
        word(deliver(&app, None, SECRET, b"{\"event\":\"\xff\"}").await),
        "malformed"
    );
    let deep = format!("{{\"event\":\"x\",\"payload\":{}", "[".repeat(200_000));
    assert_eq!(
        word(deliver(&app, None, SECRET, deep.as_bytes()).await),
        "malformed"
    );
    let huge = vec![b' '; app.config().server.max_webhook_bytes + 1];
    assert_eq!(word(deliver(&app, None, SECRET, &huge).await), "too_large");
    assert_eq!(
        app.store().inbox_status(app.scope()).await.unwrap().events,
        0
    );
    let counts = door.counts();
    assert_eq!(
        (counts.accepted, counts.unverified, counts.malformed),
        (0, 7, 9)
    );

    let none = tempfile::tempdir().unwrap();
    let closed = open(config(none.path()), &clock).await;
    assert_eq!(
        word(deliver(&closed, None, SECRET, &body).await),
        "no_secret"
    );
}

async fn passcodes_are_not_kept_and_repeats_are_still_known() {
    let dir = tempfile::tempdir().unwrap();
    let (_, clock) = manual();
    let app = open(with_secret(config(dir.path())), &clock).await;
    let body = br#"{"event":"recording.completed","event_ts":9,"download_token":"canary-token","payload":{"account_id":"a",
        "object":{"id":7,"topic":"Talk","password":"canary-pass","recording_play_passcode":"canary-play",
        "settings":{"h323_password":"canary-h323"}}}}"#;
    let id = accepted(deliver(&app, None, SECRET, body).await);
    assert_eq!(
        deliver(&app, None, SECRET, body).await.unwrap(),
        Answer::Duplicate(id)
    );
    let row = stored(&app, id).await;
    assert!(!row.body.contains("canary"), "{}", row.body);
    assert!(row.body.contains("Talk"));
    let token = app.webhooks().download_token(&row).unwrap().unwrap();
    assert_eq!(token.expose_secret(), "canary-token");
}

async fn a_retry_after_85_minutes_is_taken_and_a_replay_is_one_event() {
    let dir = tempfile::tempdir().unwrap();
    let (time, clock) = manual();
    let app = open(with_secret(config(dir.path())), &clock).await;
    let body = event("meeting.ended", "a", 84_410_027_731, 1);
    let at = clock.now().as_second().to_string();
    let signature = sign(&SECRET.into(), &at, &body);
    let door = app.webhooks();
    let send = || door.accept(None, Some(&at), Some(&signature), &body);
    time.advance(Duration::from_mins(85));
    let id = accepted(send().await);
    assert_eq!(send().await.unwrap(), Answer::Duplicate(id));
    // The same event with other space and key order, signed anew, is the same event.
    let value: serde_json::Value = serde_json::from_slice(&body).unwrap();
    let pretty = serde_json::to_vec_pretty(&value).unwrap();
    assert_eq!(
        deliver(&app, None, SECRET, &pretty).await.unwrap(),
        Answer::Duplicate(id)
    );
    time.advance(Duration::from_mins(36));
    let late = send().await.unwrap_err();
    assert!(
        matches!(late, Refused::Unverified(RejectReason::TooOld { .. })),
        "{late:?}"
    );
    time.jump_to("2026-11-22T07:54:00Z".parse().unwrap());
    assert_eq!(send().await.unwrap_err().reason(), "outside_window");
    assert_eq!(
        app.store().inbox_status(app.scope()).await.unwrap().events,
        1
    );
}

async fn the_challenge_is_answered_under_the_secret_that_signed_it() {
    let dir = tempfile::tempdir().unwrap();
    let (_, clock) = manual();
    let mut config = with_secret(config(dir.path()));
    config
        .zoom
        .apps
        .insert("second".into(), webhook_app(None, "second-secret"));
    let app = open(config, &clock).await;
    let body = br#"{"event":"endpoint.url_validation","event_ts":1,"payload":{"plainToken":"qgg8vlvZRS6UYooatFL8Aw"}}"#;
    for (name, secret) in [
        (None, SECRET),
        (None, "second-secret"),
        (Some("second"), "second-secret"),
    ] {
        let Ok(Answer::Challenge { json }) = deliver(&app, name, secret, body).await else {
            panic!("no challenge")
        };
        let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(answer["plainToken"], "qgg8vlvZRS6UYooatFL8Aw");
        let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        mac.update(b"qgg8vlvZRS6UYooatFL8Aw");
        assert_eq!(
            answer["encryptedToken"],
            hex::encode(mac.finalize().into_bytes())
        );
    }
    assert_eq!(
        deliver(&app, Some("second"), SECRET, body)
            .await
            .unwrap_err()
            .reason(),
        "forged"
    );
    let bare = br#"{"event":"endpoint.url_validation","payload":{}}"#;
    assert_eq!(
        deliver(&app, None, SECRET, bare)
            .await
            .unwrap_err()
            .reason(),
        "malformed"
    );
}

async fn an_event_is_never_put_under_another_connection() {
    let dir = tempfile::tempdir().unwrap();
    let (_, clock) = manual();
    let mut config = with_secret(with_env(config(dir.path())));
    config
        .zoom
        .apps
        .insert("ours".into(), webhook_app(Some("simulator"), "ours-secret"));
    config.zoom.apps.insert(
        "theirs".into(),
        webhook_app(Some("other-client"), "theirs-secret"),
    );
    let app = open(config, &clock).await;
    let env = app.connections().show("env").await.unwrap();
    assert_eq!(env.webhook_path.as_deref(), Some("/webhooks/zoom"));
    let number = 84_410_027_731;

    let id = accepted(
        deliver(
            &app,
            Some("ours"),
            "ours-secret",
            &event("a.b", "simulator", number, 1),
        )
        .await,
    );
    let ours = stored(&app, id).await;
    assert_eq!(ours.connection_id, Some(env.id));
    assert_eq!(ours.lane.as_deref(), Some("simulator/84410027731"));

    // Signed with the secret of an app that is not connected to this account.
    let id = accepted(
        deliver(
            &app,
            None,
            "theirs-secret",
            &event("a.b", "simulator", number, 2),
        )
        .await,
    );
    let theirs = stored(&app, id).await;
    assert_eq!(theirs.connection_id, None);
    let why = app
        .webhooks()
        .route(theirs.app_id, Some("simulator"))
        .await
        .unwrap()
        .unwrap_err();
    assert!(why.contains("not connected through this app"), "{why}");

    // An account that nobody connected.
    let id = accepted(
        deliver(
            &app,
            None,
            "ours-secret",
            &event("a.b", "stranger", number, 3),
        )
        .await,
    );
    assert_eq!(stored(&app, id).await.connection_id, None);
    let id = accepted(deliver(&app, None, SECRET, br#"{"event":"a.b","payload":{}}"#).await);
    let nameless = stored(&app, id).await;
    assert_eq!(nameless.connection_id, None);
    assert!(
        app.webhooks()
            .route(nameless.app_id, None)
            .await
            .unwrap()
            .is_err()
    );

    // The operator's own secret is not tied to an app.
    let id = accepted(deliver(&app, None, SECRET, &event("a.b", "simulator", number, 4)).await);
    assert_eq!(stored(&app, id).await.connection_id, Some(env.id));
    assert_eq!(app.webhooks().counts().unrouted, 3);

    // One event through two apps: two rows.
    let both = event("a.b", "simulator", number, 5);
    let first = accepted(deliver(&app, None, SECRET, &both).await);
    let second = accepted(deliver(&app, None, "ours-secret", &both).await);
    assert_ne!(first, second);
}

async fn download_tokens_are_sealed_and_refreshed_by_a_repetition() {
    let dir = tempfile::tempdir().unwrap();
    let (_, clock) = manual();
    let app = open(with_secret(with_env(config(dir.path()))), &clock).await;
    let body = |token: &str| {
        let event = event("recording.completed", "simulator", 84_410_027_731, 1);
        let mut value: serde_json::Value = serde_json::from_slice(&event).unwrap();
        value["download_token"] = token.into();
        value.to_string().into_bytes()
    };
    let id = accepted(deliver(&app, None, SECRET, &body("canary-one")).await);
    let row = stored(&app, id).await;
    assert!(!row.body.contains("canary"));
    let token = app.webhooks().download_token(&row).unwrap().unwrap();
    assert_eq!(token.expose_secret(), "canary-one");
    let repeated = deliver(&app, None, SECRET, &body("canary-two"))
        .await
        .unwrap();
    assert_eq!(repeated, Answer::Duplicate(id));
    let row = stored(&app, id).await;
    assert_eq!(row.repeats, 1);
    let token = app.webhooks().download_token(&row).unwrap().unwrap();
    assert_eq!(token.expose_secret(), "canary-two");
    // The sealed token is bound to its event.
    let other = accepted(deliver(&app, None, SECRET, &event("a.b", "simulator", 1, 2)).await);
    let moved = InboxEvent {
        download_token: row.download_token,
        ..stored(&app, other).await
    };
    assert_eq!(
        app.webhooks()
            .download_token(&moved)
            .unwrap_err()
            .code()
            .as_str(),
        "vault_record_damaged"
    );
    app.stop().await;
    assert!(!crate::core_support::holds(
        &crate::core_support::all_bytes(dir.path()),
        "canary"
    ));
}

async fn an_app_connected_by_another_process_is_known_at_once() {
    let simulator = Simulator::start(parfocal_simulator::Config::default())
        .await
        .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let clock = parfocal_engine::clock::Clock::system();
    let server = open(config_for(dir.path(), simulator.base_url()), &clock).await;
    let body = event("meeting.started", "simulator", 84_410_027_731, 1);
    assert_eq!(
        deliver(&server, None, SECRET, &body)
            .await
            .unwrap_err()
            .reason(),
        "no_secret"
    );
    // The command line opens the same store beside the server.
    let command = open(config_for(dir.path(), simulator.base_url()), &clock).await;
    let view = command
        .connections()
        .connect_s2s(
            NewServerToServer {
                name: Some("Acme".into()),
                account_id: "simulator".into(),
                client_id: "simulator".into(),
                client_secret: "simulator".into(),
                webhook_secrets: vec![SECRET.into()],
                plan: None,
                share: None,
                cloud: parfocal_engine::connections::Cloud::default(),
            },
            &parfocal_engine::audit::By::system(),
        )
        .await
        .unwrap();
    assert_eq!(view.webhook_path.as_deref(), Some("/webhooks/zoom/acme"));
    clock.sleep(Duration::from_millis(1100)).await;
    let id = accepted(deliver(&server, Some("acme"), SECRET, &body).await);
    assert_eq!(stored(&server, id).await.connection_id, Some(view.id));
    simulator.shutdown().await;
}

async fn what_cannot_be_stored_is_left_to_zooms_repetition() {
    let dir = tempfile::tempdir().unwrap();
    let (_, clock) = manual();
    let app = open(with_secret(config(dir.path())), &clock).await;
    accepted(deliver(&app, None, SECRET, &event("a.b", "x", 1, 1)).await);
    app.stop().await;
    let refused = deliver(&app, None, SECRET, &event("a.b", "x", 1, 2))
        .await
        .unwrap_err();
    assert_eq!(refused.reason(), "unavailable");
}

async fn a_clock_that_was_moved_a_moment_ago_refuses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("clock.json");
    let write = |sim: &str| {
        let sim: jiff::Timestamp = sim.parse().unwrap();
        let text = format!(
            r#"{{"v":1,"anchor_real_us":0,"anchor_sim_us":{},"speed":0}}"#,
            sim.as_microsecond()
        );
        let temporary = dir.path().join("clock.tmp");
        std::fs::write(&temporary, text).unwrap();
        std::fs::rename(&temporary, &file).unwrap();
    };
    write("2026-11-22T08:00:00Z");
    let clock = parfocal_engine::clock::Clock::from_file(&file).unwrap();
    let app = open(with_secret(config(dir.path())), &clock).await;
    for hour in 9..21 {
        let body = event("meeting.ended", "a", 84_410_027_731, hour);
        clock.now();
        let at = format!("2026-11-22T{hour:02}:00:00Z");
        write(&at);
        let at = at
            .parse::<jiff::Timestamp>()
            .unwrap()
            .as_second()
            .to_string();
        let signature = sign(&SECRET.into(), &at, &body);
        accepted(
            app.webhooks()
                .accept(None, Some(&at), Some(&signature), &body)
                .await,
        );
    }
}
