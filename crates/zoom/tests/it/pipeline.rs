//! The pipeline against single quirks.

use std::sync::Arc;
use std::time::Duration;

use http::Method;
use jiff::Timestamp;
use parfocal_zoom::api::{Adoption, Created, DeleteMeeting, NewMeeting};
use parfocal_zoom::auth::TokenSource;
use parfocal_zoom::clock::{Clock, ManualClock, SeededRandom};
use parfocal_zoom::error::{Advice, MissingScopes};
use parfocal_zoom::id::{MeetingNumber, MeetingUuid, UserId};
use parfocal_zoom::limit::{MemoryBudget, Plan, Unlimited};
use parfocal_zoom::{Client, ErrorKind, Transport};
use serde_json::{Value, json as value};

use crate::fake::{Fake, broken, bytes, json, with_header};
use crate::kit::{QUICK, builder, client, oauth};

#[tokio::test]
async fn reads_are_repeated_and_tell_how_often() {
    let fake = Fake::start(|_, n| match n {
        0 => json(503, "<html>busy</html>"),
        1 => broken(200, "application/json", 400, r#"{"id":"u"#),
        _ => json(200, r#"{"id":"u1","type":"2","unknown":{"a":1}}"#),
    })
    .await;
    let user = client(&fake).users().me().await.unwrap();
    assert_eq!(
        (user.kind, user.id.as_ref().unwrap().as_str()),
        (Some(2), "u1")
    );
    assert_eq!(user.extra.get("unknown"), Some(&value!({"a": 1})));
    assert_eq!(user.raw["type"], "2");
    assert_eq!(fake.count(), 3);

    let fake = Fake::start(|_, _| json(500, r#"{"code":1,"message":"Internal error"}"#)).await;
    let error = client(&fake).users().me().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::Server, QUICK.attempts)
    );
    assert_eq!(
        (error.status(), error.code(), error.tracking_id()),
        (Some(500), Some(1), Some("WEB_track_1"))
    );
    assert_eq!(error.operation(), Some("GET /users/{userId}"));
    assert!(error.to_string().contains("4 attempts"), "{error}");
}

#[tokio::test]
async fn what_may_have_happened_is_never_repeated() {
    for (name, answer) in [
        (
            "gateway",
            (|| json(502, "")) as fn() -> axum::response::Response,
        ),
        ("error", || json(500, r#"{"code":1,"message":"x"}"#)),
        ("cut", || broken(201, "application/json", 900, "{")),
    ] {
        for method in [Method::POST, Method::PATCH, Method::DELETE, Method::PUT] {
            let fake = Fake::start(move |_, _| answer()).await;
            let error = client(&fake)
                .call(method.clone(), "/meetings/1")
                .body(&1)
                .send()
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{name} {method}");
            assert_eq!(fake.count(), 1, "{name} {method}");
            assert!(!error.is_retryable());
            assert_eq!(error.advice(), Advice::CheckOutcome);
        }
    }
    // Created, but by whom was the answer eaten?
    let fake = Fake::start(|_, _| bytes("text/html", "<html>proxy</html>")).await;
    let error = client(&fake)
        .meetings()
        .create(&UserId::me(), &NewMeeting::new("t"))
        .await
        .unwrap_err();
    assert_eq!((error.kind(), fake.count()), (ErrorKind::OutcomeUnknown, 1));
    // A refusal is an answer: nothing happened, so it may be repeated.
    let fake = Fake::start(|_, n| match n {
        0 => json(429, r#"{"code":429,"message":"You have reached the maximum per-second rate limit for this API. Try again later."}"#),
        _ => json(204, ""),
    })
    .await;
    let meetings = client(&fake);
    meetings
        .meetings()
        .delete(MeetingNumber::new(1), DeleteMeeting::default())
        .await
        .unwrap();
    assert_eq!(fake.count(), 2);
}

#[tokio::test]
async fn a_server_that_is_not_there_got_nothing() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let tokens = TokenSource::fixed(oauth(&url), "t".into());
    let client = Client::builder(tokens)
        .api_url(format!("{url}/v2"))
        .budget(Arc::new(Unlimited))
        .backoff(QUICK);
    let client = client.build().unwrap();
    let error = client
        .call(Method::POST, "/users/me/meetings")
        .body(&1)
        .send()
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::Network, QUICK.attempts)
    );
    // Where it should have been is told; the path, which may name people, only as its template.
    let told = format!("{error} {error:?}");
    assert!(told.contains(&url) && !told.contains("/users/me"), "{told}");
}

#[tokio::test]
async fn a_missing_scope_is_told_with_or_without_its_name() {
    let fake = Fake::start(|seen, _| {
        if seen.path.ends_with("/1") {
            json(400, r#"{"code":4711,"message":"Invalid access token, does not contain scopes:[meeting:read:meeting, meeting:read:meeting:admin]."}"#)
        } else {
            json(400, r#"{"code":4711,"message":"Invalid access token, does not contain scopes."}"#)
        }
    })
    .await;
    let client = client(&fake);
    let named = client
        .meetings()
        .get(MeetingNumber::new(1))
        .await
        .unwrap_err();
    assert_eq!(named.kind(), ErrorKind::MissingScope);
    assert!(
        matches!(named.missing_scopes(), Some(MissingScopes::Named(scopes)) if scopes.len() == 2)
    );
    let unnamed = client
        .meetings()
        .get(MeetingNumber::new(2))
        .await
        .unwrap_err();
    let Some(MissingScopes::Unnamed { acceptable }) = unnamed.missing_scopes() else {
        panic!("{unnamed:?}")
    };
    assert!(acceptable.contains(&"meeting:read:meeting:admin".to_owned()));
    assert_eq!(fake.count(), 2, "a missing scope is not tried again");
    let unlisted = client
        .call(Method::GET, "/something/new")
        .send()
        .await
        .unwrap_err();
    assert!(unlisted.advice().to_string().contains("did not name it"));
}

#[tokio::test]
async fn uuids_are_encoded_twice_where_they_must() {
    let fake = Fake::start(|_, _| json(200, "{}")).await;
    let client = client(&fake);
    for uuid in ["/ajXp112QmuoKj4854875==", "ab//cd==", "plain+uuid=="] {
        client
            .past_meetings()
            .get(MeetingUuid::new(uuid).unwrap())
            .await
            .unwrap();
    }
    let paths: Vec<String> = fake.seen().into_iter().map(|seen| seen.path).collect();
    assert_eq!(
        paths,
        [
            "/v2/past_meetings/%252FajXp112QmuoKj4854875%253D%253D",
            "/v2/past_meetings/ab%252F%252Fcd%253D%253D",
            "/v2/past_meetings/plain%2Buuid%3D%3D",
        ]
    );
}

#[tokio::test]
async fn retry_after_is_obeyed_in_every_form() {
    for form in ["2", "2026-11-22T08:00:02Z", "Sun, 22 Nov 2026 08:00:02 GMT"] {
        let fake = Fake::start(move |_, n| match n {
            0 => with_header(json(429, r#"{"code":429,"message":"You have reached the maximum per-second rate limit for this API. Try again later."}"#), "retry-after", form),
            _ => json(200, r#"{"id":"u"}"#),
        })
        .await;
        let clock = ManualClock::new("2026-11-22T08:00:00Z".parse().unwrap());
        let oauth = oauth(&fake.url).with_clock(Arc::new(clock.clone()));
        let client = Client::builder(TokenSource::fixed(oauth, "t".into()))
            .api_url(format!("{}/v2", fake.url))
            .budget(Arc::new(Unlimited))
            .build()
            .unwrap();
        let call =
            tokio::spawn(async move { client.users().me().await.map(|user| user.into_value().id) });
        let mut waited = Duration::ZERO;
        while !call.is_finished() {
            tokio::task::yield_now().await;
            if fake.count() == 1 && waited < Duration::from_millis(1_900) {
                clock.advance(Duration::from_millis(10));
                waited = clock.monotonic();
                assert_eq!(fake.count(), 1, "{form}: repeated after {waited:?}");
            } else if fake.count() == 1 {
                clock.advance(Duration::from_millis(10));
            }
        }
        assert!(call.await.unwrap().is_ok());
        assert_eq!(fake.count(), 2, "{form}");
    }
}

#[tokio::test]
async fn a_day_that_is_used_up_is_not_waited_for() {
    let fake = Fake::start(|_, _| {
        with_header(
            json(429, r#"{"code":429,"message":"You have reached the maximum daily rate limit for this API. Refer to the response header for details on when you can make another request."}"#),
            "retry-after",
            "2026-11-23T00:00:00Z",
        )
    })
    .await;
    let clock = Arc::new(ManualClock::new("2026-11-22T08:00:00Z".parse().unwrap()));
    let oauth = oauth(&fake.url).with_clock(clock.clone());
    let budget = MemoryBudget::builder(Plan::Business).build(clock);
    let client = Client::builder(TokenSource::fixed(oauth, "t".into()))
        .api_url(format!("{}/v2", fake.url))
        .budget(Arc::new(budget))
        .build()
        .unwrap();
    let midnight: Timestamp = "2026-11-23T00:00:00Z".parse().unwrap();
    for _ in 0..3 {
        let error = client.users().me().await.unwrap_err();
        assert_eq!(
            (error.kind(), error.retry_at()),
            (ErrorKind::DailyLimit, Some(midnight))
        );
        assert_eq!(error.advice(), Advice::RetryAt(midnight));
    }
    assert_eq!(fake.count(), 1, "the parked pool is not asked again");
}

#[tokio::test]
async fn a_hosts_quota_is_parked_and_others_go_on() {
    let fake = Fake::start(|seen, _| {
        if seen.path.contains("ann") {
            json(429, r#"{"code":429,"message":"You have exceeded the daily rate limit (100) of Meeting Create/Update API requests permitted for this particular user. You may resume these requests at GMT 00:00:00."}"#)
        } else {
            json(201, r#"{"id":5}"#)
        }
    })
    .await;
    let clock = Arc::new(ManualClock::new("2026-11-22T08:00:00Z".parse().unwrap()));
    let budget = MemoryBudget::builder(Plan::Business).build(clock.clone());
    let oauth = oauth(&fake.url).with_clock(clock);
    let client = Client::builder(TokenSource::fixed(oauth, "t".into()))
        .api_url(format!("{}/v2", fake.url))
        .budget(Arc::new(budget))
        .build()
        .unwrap();
    let new = NewMeeting::new("t");
    for _ in 0..2 {
        let error = client
            .meetings()
            .create(&UserId::new("ann"), &new)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Quota);
        assert_eq!(
            error.retry_at().unwrap().to_string(),
            "2026-11-23T00:00:00Z"
        );
    }
    client
        .meetings()
        .create(&UserId::new("bob"), &new)
        .await
        .unwrap();
    assert_eq!(fake.count(), 2);
}

#[tokio::test]
async fn answers_that_are_no_answers_are_refused() {
    let fake = Fake::start(|_, n| match n {
        0 => bytes("text/html", "<html>captive portal</html>"),
        1 => json(
            200,
            r#"{"code":200,"message":"You do not have the right permissions."}"#,
        ),
        2 => with_header(json(302, ""), "location", "https://evil.test/"),
        _ => bytes("application/json", vec![b' '; 3_000]),
    })
    .await;
    let client = builder(&fake).max_body(2_000).build().unwrap();
    let mut kinds = Vec::new();
    for _ in 0..4 {
        kinds.push(client.users().me().await.unwrap_err().kind());
    }
    assert_eq!(
        kinds,
        [
            ErrorKind::Decode,
            ErrorKind::Forbidden,
            ErrorKind::HostRefused,
            ErrorKind::TooLarge
        ]
    );
}

#[tokio::test]
async fn unsafe_addresses_are_refused() {
    let fake = Fake::start(|_, _| json(200, "{}")).await;
    let error = builder(&fake)
        .api_url("http://api.zoom.us/v2")
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let client = client(&fake);
    for path in ["//evil.test/x", "/users/../../x", "users", "/a?b=c"] {
        let error = client.call(Method::GET, path).send().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{path}");
    }
    assert_eq!(fake.count(), 0);
}

#[tokio::test]
async fn a_slow_server_is_not_waited_for_forever() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    // Accepts, and never answers.
    let held = tokio::spawn(async move {
        let mut connections = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            connections.push(connection);
        }
    });
    let transport = Transport::builder()
        .timeout(Duration::from_millis(100))
        .build()
        .unwrap();
    let tokens = TokenSource::fixed(oauth(&url), "t".into());
    let client = Client::builder(tokens)
        .transport(transport)
        .api_url(format!("{url}/v2"))
        .budget(Arc::new(Unlimited))
        .backoff(QUICK)
        .build()
        .unwrap();
    let error = client.users().me().await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::Network, QUICK.attempts)
    );
    held.abort();
}

fn listed(id: u64, topic: &str, created: &str, agenda: &str) -> Value {
    value!({"id": id, "topic": topic, "start_time": "2026-12-01T10:00:00Z", "created_at": created, "agenda": agenda})
}

/// A Zoom that creates (or not) and loses the answer; `meetings` is what it lists then.
async fn lossy(meetings: Vec<Value>) -> Fake {
    Fake::start(
        move |seen, _| match (seen.method.as_str(), seen.path.as_str()) {
            ("POST", _) => json(504, ""),
            (_, path) if path.ends_with("/meetings") => {
                json(200, &value!({ "meetings": meetings }).to_string())
            }
            (_, path) => {
                let id: u64 = path.rsplit('/').next().unwrap().parse().unwrap();
                let found = meetings.iter().find(|meeting| meeting["id"] == id).unwrap();
                json(200, &found.to_string())
            }
        },
    )
    .await
}

#[tokio::test]
async fn a_lost_creation_is_adopted_or_put_before_a_person() {
    let new = NewMeeting {
        start_time: Some("2026-12-01T10:00:00Z".into()),
        ..NewMeeting::new("Planning")
    };
    let how = Adoption {
        looks: 2,
        pause: Duration::from_millis(1),
        ..Adoption::default()
    };
    let marked = Adoption {
        marker: Some("ref:7f3a".into()),
        ..how.clone()
    };
    let host = UserId::me();
    let create = async |fake: &Fake, how: &Adoption| {
        client(fake)
            .meetings()
            .create_or_adopt(&host, &new, how)
            .await
    };
    let now = "2036-01-01T00:00:00Z";

    let others = vec![
        listed(1, "Planning", "2020-01-01T00:00:00Z", "ref:7f3a"),
        listed(2, "Other", now, "ref:7f3a"),
        listed(3, "Planning", now, "ref:7f3a\nbring cake"),
    ];
    let fake = lossy(others.clone()).await;
    for how in [&how, &marked] {
        let Created::Adopted(meeting) = create(&fake, how).await.unwrap() else {
            panic!()
        };
        assert_eq!(meeting.id.unwrap().get(), 3);
    }
    assert!(
        fake.seen()
            .iter()
            .filter(|seen| seen.method == "POST")
            .nth(1)
            .unwrap()
            .body
            .contains("ref:7f3a")
    );

    let mut twins = others;
    twins.push(listed(4, "Planning", now, "something else"));
    let fake = lossy(twins).await;
    let error = create(&fake, &how).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.candidates().len()),
        (ErrorKind::NeedsPerson, 2)
    );
    assert_eq!(error.advice(), Advice::Decide);
    let Created::Adopted(meeting) = create(&fake, &marked).await.unwrap() else {
        panic!()
    };
    assert_eq!(meeting.id.unwrap().get(), 3);

    let fake = lossy(Vec::new()).await;
    let error = create(&fake, &marked).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.candidates().len()),
        (ErrorKind::NeedsPerson, 0)
    );
    assert_eq!(
        fake.seen()
            .iter()
            .filter(|seen| seen.method == "POST")
            .count(),
        1,
        "never created twice"
    );
}

#[tokio::test]
async fn the_clock_of_the_machine_may_jump_while_a_call_is_retried() {
    let fake = Fake::start(|_, n| match n {
        0 | 1 => json(500, ""),
        _ => json(200, r#"{"id":"u"}"#),
    })
    .await;
    let clock = ManualClock::new("2026-11-22T08:00:00Z".parse().unwrap());
    let random = Arc::new(SeededRandom::new(3));
    let oauth =
        parfocal_zoom::auth::OAuth::new(Transport::new().unwrap(), Arc::new(clock.clone()), random)
            .unwrap();
    let client = Client::builder(TokenSource::fixed(oauth, "t".into()))
        .api_url(format!("{}/v2", fake.url))
        .budget(Arc::new(Unlimited))
        .build()
        .unwrap();
    let call = tokio::spawn(async move { client.users().me().await.map(drop) });
    while !call.is_finished() {
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(7));
        clock.jump_to("2001-01-01T00:00:00Z".parse().unwrap());
    }
    // Seven seconds per turn of the loop are hours during the exchange: no attempt may be lost to that.
    call.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_place_that_nobody_listens_at_is_named_with_what_the_system_said() {
    let fake = Fake::start(|_, _| json(200, "{}")).await;
    // Taken and given back: nobody listens there now.
    let place = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = place.local_addr().unwrap();
    drop(place);
    let client = builder(&fake)
        .api_url(format!("http://{address}/v2"))
        .build()
        .unwrap();
    let error = client
        .call(Method::GET, "/users/me")
        .query("secret", "canary")
        .send()
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network);
    let said = error.to_string();
    assert!(
        said.contains(&format!("http://{address}")) && said.contains("os error"),
        "{said}"
    );
    assert!(!said.contains("canary"), "{said}");
}
