//! Every error body of Zoom's token endpoint, for every way to a token: what becomes of the grant, of the app, of the ask.

use std::sync::Arc;

use jiff::SignedDuration;
use parfocal_zoom::auth::{App, Grant, MemoryStore, TokenSource};
use parfocal_zoom::clock::{Clock as _, SystemClock};
use parfocal_zoom::{ErrorKind, Result};

use crate::fake::{Fake, json};
use crate::kit::oauth;

/// What a refusal leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leads {
    /// The grant is dead for good; nobody asks again.
    Dead,
    /// Somebody has to mend the app or its credentials; the grant stays, and one ask was enough.
    App,
    /// Asked again with pauses; the grant stays.
    Again,
    /// What was sent with the code is at fault; starting over helps.
    StartOver,
}

use Leads::{Again, App as AppAtFault, Dead, StartOver};

/// Status, body, what it leads to when refreshing, when exchanging a code, when asking for an account's token.
const BODIES: &[(u16, &str, Leads, Leads, Leads)] = &[
    (
        400,
        r#"{"reason":"Invalid client_id or client_secret","error":"invalid_client"}"#,
        AppAtFault,
        AppAtFault,
        AppAtFault,
    ),
    (
        401,
        r#"{"reason":"Invalid client_id or client_secret","error":"invalid_client"}"#,
        AppAtFault,
        AppAtFault,
        AppAtFault,
    ),
    (
        400,
        r#"{"reason":"The client may not do this","error":"unauthorized_client"}"#,
        AppAtFault,
        AppAtFault,
        AppAtFault,
    ),
    (
        400,
        r#"{"reason":"Invalid authorization code CODE-SENT","error":"invalid_request"}"#,
        AppAtFault,
        StartOver,
        AppAtFault,
    ),
    (
        400,
        r#"{"reason":"Redirect URI mismatch.","error":"invalid_request"}"#,
        AppAtFault,
        AppAtFault,
        AppAtFault,
    ),
    (
        400,
        r#"{"reason":"Invalid code verifier","error":"invalid_request"}"#,
        AppAtFault,
        StartOver,
        AppAtFault,
    ),
    (
        400,
        r#"{"reason":"Invalid Token!","error":"invalid_grant"}"#,
        Dead,
        Dead,
        Dead,
    ),
    (
        401,
        r#"{"reason":"Invalid Token!","error":"invalid_grant"}"#,
        Dead,
        Dead,
        Dead,
    ),
    (
        400,
        r#"{"reason":"Invalid Token!","error":"invalid_request"}"#,
        Dead,
        Dead,
        Dead,
    ),
    (
        401,
        r#"{"reason":"Invalid Token!","error":"invalid_request"}"#,
        Dead,
        Dead,
        Dead,
    ),
    (
        400,
        r#"{"error":"invalid_grant","error_description":"Token has been revoked"}"#,
        Dead,
        Dead,
        Dead,
    ),
    (
        400,
        r#"{"error":"invalid_grant","errorMessage":"Token has been revoked"}"#,
        Dead,
        Dead,
        Dead,
    ),
    (
        400,
        r#"{"reason":"Account does not exist","error":"invalid_request"}"#,
        AppAtFault,
        AppAtFault,
        AppAtFault,
    ),
    (
        400,
        r#"{"reason":"Account does not enabled the OAuth app type","error":"invalid_request"}"#,
        AppAtFault,
        AppAtFault,
        AppAtFault,
    ),
    (
        400,
        r#"{"reason":"unsupported grant type","error":"unsupported_grant_type"}"#,
        AppAtFault,
        AppAtFault,
        AppAtFault,
    ),
    (
        400,
        r#"{"reason":"The app has been disabled by Zoom","error":"invalid_request"}"#,
        AppAtFault,
        AppAtFault,
        AppAtFault,
    ),
    (400, "", AppAtFault, AppAtFault, AppAtFault),
    (
        403,
        "<html>blocked</html>",
        AppAtFault,
        AppAtFault,
        AppAtFault,
    ),
    (
        429,
        r#"{"reason":"Too many requests","error":"invalid_grant"}"#,
        Again,
        Again,
        Again,
    ),
    (
        500,
        r#"{"reason":"Invalid Token!","error":"invalid_grant"}"#,
        Again,
        Again,
        Again,
    ),
    (502, "<html>bad gateway</html>", Again, Again, Again),
    (503, "", Again, Again, Again),
];

/// A grant that has to be refreshed before it is used.
fn stale() -> Grant {
    let now = SystemClock::new().now();
    Grant {
        access_token: "ACCESS-SENT".into(),
        refresh_token: Some("REFRESH-SENT".into()),
        issued_at: now - SignedDuration::from_hours(1),
        expires_at: now,
        scopes: Vec::new(),
        api_url: None,
        generation: 1,
    }
}

fn expected(leads: Leads) -> &'static [ErrorKind] {
    match leads {
        Leads::Dead => &[ErrorKind::GrantDead],
        Leads::App => &[ErrorKind::ClientRejected, ErrorKind::Validation],
        Leads::Again => &[ErrorKind::Server, ErrorKind::RateLimited],
        Leads::StartOver => &[ErrorKind::Validation],
    }
}

/// What was sent must not come back in what is told; Zoom's words like to repeat it.
fn judge<T: std::fmt::Debug>(
    what: &str,
    sent: &str,
    leads: Leads,
    asked: usize,
    outcome: Result<T>,
) {
    let error = outcome.unwrap_err();
    assert!(expected(leads).contains(&error.kind()), "{what}: {error:?}");
    assert_eq!(
        asked > 1,
        leads == Leads::Again,
        "{what}: asked {asked} times"
    );
    assert_eq!(error.needs_reconnect(), leads == Leads::Dead, "{what}");
    for told in [error.to_string(), format!("{error:?}")] {
        for secret in [sent, "REFRESH-SENT", "ACCESS-SENT", "VERY-SECRET"] {
            assert!(!told.contains(secret), "{what}: {told}");
        }
    }
}

#[tokio::test]
async fn each_error_body_leads_where_it_should() {
    // One transport for all: its certificates take longest.
    let any = oauth("http://127.0.0.1:9");
    let at = |fake: &Fake| any.clone().with_url(&fake.url).unwrap();
    for (status, body, refreshing, exchanging, account) in BODIES {
        let app = App::confidential("id", "VERY-SECRET");

        let fake = Fake::start(move |_, _| json(*status, body)).await;
        let store = Arc::new(MemoryStore::with(stale()));
        let tokens = TokenSource::user(at(&fake), app.clone(), store.clone()).build();
        let what = format!("refresh: {status} {body}");
        let outcome = tokens.access().await;
        let asked = fake.count();
        judge(&what, "REFRESH-SENT", *refreshing, asked, outcome);
        assert_eq!(
            store.current().is_none(),
            *refreshing == Leads::Dead,
            "{what}"
        );
        if *refreshing == Leads::Dead {
            tokens.access().await.unwrap_err();
            assert_eq!(fake.count(), asked, "{what}: a dead grant is shown again");
        }

        let fake = Fake::start(move |_, _| json(*status, body)).await;
        let outcome = at(&fake)
            .exchange(&app, "CODE-SENT", "https://app.example/callback", None)
            .await;
        let what = format!("code: {status} {body}");
        judge(&what, "CODE-SENT", *exchanging, fake.count(), outcome);

        let fake = Fake::start(move |_, _| json(*status, body)).await;
        let tokens = TokenSource::server_to_server(at(&fake), app, "account").build();
        let outcome = tokens.access().await;
        let what = format!("account: {status} {body}");
        judge(&what, "VERY-SECRET", *account, fake.count(), outcome);
    }
}
