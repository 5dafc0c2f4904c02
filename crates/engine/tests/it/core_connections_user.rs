//! User OAuth against the simulator's consent page: everything that can come back, and where it leads.

use std::time::Duration;

use jiff::SignedDuration;
use parfocal_engine::audit::{By, Surface};
use parfocal_engine::clock::Clock;
use parfocal_engine::config::Config;
use parfocal_engine::connections::{
    BeginUser, Consent, Finished, FinishedPurpose, Level, Purpose, Returned,
};
use parfocal_engine::error::Result;
use parfocal_engine::store::{
    AppKind, ConnectionOrigin, ConnectionState, GrantTokens, NewApp, NewGrant, Provider, Scope,
};
use parfocal_engine::{App, Code};
use parfocal_simulator::Simulator;
use parfocal_zoom::clock::ManualClock;
use secrecy::ExposeSecret as _;
use serde_json::json;
use url::Url;

use crate::core_support::{all_bytes, command, config_for, holds, on_both_stores, open};

mod device;

on_both_stores! {
    a_user_connects_and_the_connection_is_named_after_them;
    answers_that_belong_to_no_login_are_told_apart;
    what_zoom_refuses_at_the_exchange_is_told_apart;
    a_wrong_clock_is_named_as_the_reason;
    the_public_client_is_the_same_app_and_keeps_the_connection;
    a_dead_grant_is_revived_by_its_own_user_only;
    a_user_of_another_workspace_is_noticed_and_nothing_is_lost;
}

const REDIRECT: &str = "https://app.example/callback";
const LOOPBACK: &str = "http://127.0.0.1:7391/oauth/zoom/callback";

pub(crate) fn by() -> By {
    By::new("tester", Surface::Cli)
}

/// A configuration with the simulator's general app, its public client included.
pub(crate) fn with_user_app(mut config: Config) -> Config {
    config.zoom.client_id = Some("simulator-user".into());
    config.zoom.client_secret = Some("simulator-user-secret".into());
    config.zoom.public_client_id = Some("simulator-public".into());
    config.zoom.redirect_uri = Some(REDIRECT.parse().unwrap());
    config
}

async fn simulator() -> Simulator {
    Simulator::start(parfocal_simulator::Config::default())
        .await
        .unwrap()
}

async fn app_for(dir: &tempfile::TempDir, simulator: &Simulator) -> App {
    let config = with_user_app(config_for(dir.path(), simulator.base_url()));
    open(config, &Clock::system()).await
}

pub(crate) fn install() -> BeginUser {
    BeginUser {
        app: None,
        redirect_uri: None,
        purpose: Purpose::Install,
        scopes: Vec::new(),
        begun_by: None,
    }
}

/// The e-mails of the simulated users, as the consent page offers them: the owner first.
pub(crate) async fn people(simulator: &Simulator) -> Vec<String> {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = http.get(format!("{}/oauth_device", simulator.base_url()));
    let page = page.send().await.unwrap().text().await.unwrap();
    page.split("<option value=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect()
}

/// What the browser comes back with after somebody answered on the consent page.
pub(crate) async fn answer(consent: &Consent, user: Option<&str>, allow: bool) -> Returned {
    let mut url = consent.url.clone();
    url.query_pairs_mut()
        .append_pair("sim_consent", if allow { "allow" } else { "deny" });
    if let Some(user) = user {
        url.query_pairs_mut().append_pair("sim_user", user);
    }
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .unwrap();
    let page = http.get(url).send().await.unwrap();
    let location = page.headers()["location"].to_str().unwrap().to_owned();
    let query: std::collections::HashMap<String, String> = Url::parse(&location)
        .unwrap()
        .query_pairs()
        .into_owned()
        .collect();
    Returned {
        state: query.get("state").cloned(),
        code: query.get("code").cloned(),
        error: query.get("error").cloned(),
        error_description: None,
        browser: Some(consent.browser.expose_secret().to_owned()),
    }
}

pub(crate) async fn connect(app: &App, begin: BeginUser, user: Option<&str>) -> Result<Finished> {
    let consent = app.connections().begin_user(begin).await?;
    let returned = answer(&consent, user, true).await;
    app.connections().finish_user(returned, &by()).await
}

async fn a_user_connects_and_the_connection_is_named_after_them() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let mut config = with_user_app(config_for(dir.path(), simulator.base_url()));
    // The API's address comes with the token then.
    config.zoom.api_url = None;
    config.zoom.client_secret = Some("simulator-user-secret".into());
    let app = open(config, &Clock::system()).await;
    let people = people(&simulator).await;
    let consent = app.connections().begin_user(install()).await.unwrap();
    let asked: Vec<String> = consent
        .url
        .query_pairs()
        .map(|(k, _)| k.into_owned())
        .collect();
    assert!(asked.contains(&"code_challenge".to_owned()), "{asked:?}");
    let returned = answer(&consent, Some(&people[0]), true).await;
    let done = app
        .connections()
        .finish_user(returned, &by())
        .await
        .unwrap();
    assert_eq!(done.purpose, FinishedPurpose::Installed);
    let view = done.connection;
    assert_eq!(view.name, people[0]);
    assert_eq!((view.kind, view.level), (AppKind::User, Level::User));
    assert_eq!(view.reason, None);
    assert_eq!(
        (view.state, view.origin),
        (ConnectionState::Healthy, ConnectionOrigin::Vault)
    );
    assert_eq!(view.app, "user");
    let base = format!("{}/v2", simulator.base_url());
    assert_eq!(view.api_url.as_deref(), Some(base.as_str()));
    assert!(view.missing_scopes.is_empty() && !view.scopes.is_empty());
    assert!(view.checked_at.is_some() && view.last_ok.is_some());
    let abouts: Vec<&str> = view.findings.iter().map(|finding| finding.about).collect();
    assert!(
        abouts.contains(&"webhooks") && abouts.contains(&"reports"),
        "{abouts:?}"
    );
    assert!(!abouts.contains(&"clock"), "{abouts:?}");
    let (client, _) = app.connections().client_for(view.account.id).await.unwrap();
    let me: serde_json::Value = client
        .call(http::Method::GET, "/users/me")
        .json()
        .await
        .unwrap();
    assert_eq!(me["id"].as_str(), Some(view.subject.as_str()));
    // What the user's settings do not allow is said before anybody waits for it.
    let off = json!({"recording": {"cloud_recording": false}});
    let patch = client.call(http::Method::PATCH, "/users/me/settings");
    patch.body(&off).send().await.unwrap();
    let checked = app.connections().check(&view.name).await.unwrap();
    let found = checked
        .findings
        .iter()
        .find(|finding| finding.about == "recording");
    assert!(
        found.unwrap().says.contains("Cloud recording is off"),
        "{found:?}"
    );
    // Connecting again is noticed: the same connection with other tokens.
    let again = connect(&app, install(), Some(&people[0])).await.unwrap();
    assert_eq!(again.purpose, FinishedPurpose::Relinked);
    assert_eq!(again.connection.id, view.id);
    client
        .call(http::Method::GET, "/users/me")
        .send()
        .await
        .unwrap();
    // Another user of the same account is another connection to the same account.
    let other = connect(&app, install(), Some(&people[1])).await.unwrap();
    assert_eq!(other.purpose, FinishedPurpose::Installed);
    assert_ne!(other.connection.id, view.id);
    assert_eq!(other.connection.account.id, view.account.id);
    // The configured secret is referenced, never stored.
    app.stop().await;
    assert!(!holds(&all_bytes(dir.path()), "simulator-user-secret"));
    simulator.shutdown().await;
}

async fn answers_that_belong_to_no_login_are_told_apart() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let manual = ManualClock::new(Clock::system().now());
    let clock = Clock::custom(std::sync::Arc::new(manual.clone()));
    let config = with_user_app(config_for(dir.path(), simulator.base_url()));
    let app = open(config, &clock).await;
    let connections = app.connections();
    let finish = async |returned: &Returned| {
        let done = connections.finish_user(returned.clone(), &by()).await;
        done.map(|done| done.purpose).map_err(|error| error.code())
    };
    let consent = connections.begin_user(install()).await.unwrap();
    let good = answer(&consent, None, true).await;
    let nothing = Returned::default();
    assert_eq!(finish(&nothing).await, Err(Code::StateUnknown));
    let forged = Returned {
        state: Some("forged".into()),
        ..good.clone()
    };
    assert_eq!(finish(&forged).await, Err(Code::StateUnknown));
    for browser in [None, Some("another".to_owned())] {
        let foreign = Returned {
            browser,
            ..good.clone()
        };
        assert_eq!(finish(&foreign).await, Err(Code::StateForeign));
    }
    // None of that used the login up.
    assert_eq!(finish(&good).await, Ok(FinishedPurpose::Installed));
    assert_eq!(finish(&good).await, Err(Code::StateUsed));
    // Declined.
    let consent = connections.begin_user(install()).await.unwrap();
    let denied = answer(&consent, None, false).await;
    assert_eq!(denied.error.as_deref(), Some("access_denied"));
    assert_eq!(finish(&denied).await, Err(Code::ConsentDenied));
    assert_eq!(finish(&denied).await, Err(Code::StateUsed));
    // Too late, and it stays told apart from a forged one for a day.
    let consent = connections.begin_user(install()).await.unwrap();
    let late = answer(&consent, None, true).await;
    manual.advance(Duration::from_mins(11));
    assert_eq!(finish(&late).await, Err(Code::StateExpired));
    // Begun before the clock was set back.
    let consent = connections.begin_user(install()).await.unwrap();
    let early = answer(&consent, None, true).await;
    manual.jump_to(Clock::system().now() - SignedDuration::from_hours(1));
    assert_eq!(finish(&early).await, Err(Code::ClockSkewed));
    // Each says what happened and what to do, without the values of the login.
    let error = connections.finish_user(forged, &by()).await.unwrap_err();
    assert!(!error.hint().is_empty() && !format!("{error} {error:?}").contains("forged"));
    simulator.shutdown().await;
}

async fn what_zoom_refuses_at_the_exchange_is_told_apart() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let app = app_for(&dir, &simulator).await;
    let connections = app.connections();
    let finish = async |returned: Returned| {
        let error = connections.finish_user(returned, &by()).await.unwrap_err();
        assert!(
            error.message().contains("user"),
            "the app is named: {error}"
        );
        assert!(
            error.zoom().is_some_and(|said| said.status == Some(400)),
            "{error:?}"
        );
        error.code()
    };
    let begin = async |redirect: &str| {
        let begin = BeginUser {
            redirect_uri: Some(redirect.into()),
            ..install()
        };
        let consent = connections.begin_user(begin).await.unwrap();
        let returned = answer(&consent, None, true).await;
        (consent, returned)
    };
    // A code that was made up, or used before: Zoom says the same.
    let (_, made_up) = begin(REDIRECT).await;
    let code = made_up.code.clone();
    let made_up = Returned {
        code: Some("canary-code".into()),
        ..made_up
    };
    let error = connections.finish_user(made_up, &by()).await.unwrap_err();
    assert_eq!(error.code(), Code::CodeRefused);
    assert!(!format!("{error} {error:?} {:?}", error.zoom()).contains("canary"));
    // The code of another login: its proof does not fit.
    let (_, other) = begin(REDIRECT).await;
    assert_eq!(
        finish(Returned {
            code: code.clone(),
            ..other
        })
        .await,
        Code::VerifierWrong
    );
    // The code of a login that came back elsewhere.
    let (_, elsewhere) = begin("https://app.example/callback/deeper").await;
    assert_eq!(
        finish(Returned { code, ..elsewhere }).await,
        Code::RedirectMismatch
    );
    // No code at all, and a scope that cannot be had.
    let (_, empty) = begin(REDIRECT).await;
    let empty = Returned {
        code: None,
        ..empty
    };
    let error = connections.finish_user(empty, &by()).await.unwrap_err();
    assert_eq!(error.code(), Code::CodeRefused);
    let (_, scope) = begin(REDIRECT).await;
    let scope = Returned {
        code: None,
        error: Some("invalid_scope".into()),
        ..scope
    };
    let error = connections.finish_user(scope, &by()).await.unwrap_err();
    assert_eq!(error.code(), Code::ScopeRefused);
    assert!(connections.list().await.unwrap().is_empty());
    // The app's secret is wrong: its connections stay, and the reason is the app.
    let done = connect(&app, install(), None).await.unwrap();
    let mut config = with_user_app(config_for(dir.path(), simulator.base_url()));
    config.zoom.client_secret = Some("canary-wrong".into());
    let wrong = open(config, &Clock::system()).await;
    let error = connect(&wrong, install(), None).await.unwrap_err();
    assert_eq!(error.code(), Code::ClientRejected);
    assert!(!format!("{error} {error:?}").contains("canary"));
    let view = connections.show(&done.connection.name).await.unwrap();
    assert!(view.grant.unwrap().dead.is_none());
    // Addresses that Zoom would refuse are refused before anybody is sent there.
    for address in ["http://localhost:9/cb", "http://app.example/cb", "not one"] {
        let begin = BeginUser {
            app: Some("user".into()),
            redirect_uri: Some(address.into()),
            ..install()
        };
        let error = connections.begin_user(begin).await.unwrap_err();
        assert_eq!(error.code(), Code::ConfigInvalid, "{address}");
    }
    simulator.shutdown().await;
}

async fn a_wrong_clock_is_named_as_the_reason() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let ahead = Clock::system().now() + SignedDuration::from_hours(2);
    let clock = Clock::custom(std::sync::Arc::new(ManualClock::new(ahead)));
    let config = with_user_app(config_for(dir.path(), simulator.base_url()));
    let app = open(config, &clock).await;
    let consent = app.connections().begin_user(install()).await.unwrap();
    let mut returned = answer(&consent, None, true).await;
    returned.code = Some("too-old".into());
    let error = app
        .connections()
        .finish_user(returned, &by())
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::ClockSkewed);
    assert!(error.message().contains("minutes ahead of"), "{error}");
    // A login that goes well all the same says so among the findings.
    let done = connect(&app, install(), None).await.unwrap();
    let clock = done.connection.findings.iter().find(|f| f.about == "clock");
    assert!(clock.unwrap().says.contains("ahead of"), "{clock:?}");
    simulator.shutdown().await;
}

async fn the_public_client_is_the_same_app_and_keeps_the_connection() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let app = app_for(&dir, &simulator).await;
    let first = connect(&app, install(), None).await.unwrap().connection;
    let loopback = BeginUser {
        redirect_uri: Some(LOOPBACK.into()),
        ..install()
    };
    let second = connect(&app, loopback, None).await.unwrap();
    assert_eq!(second.purpose, FinishedPurpose::Relinked);
    let view = second.connection;
    assert_eq!((view.id, view.app.as_str()), (first.id, "public"));
    // At Zoom there is one grant for both clients; so there is here.
    assert_eq!(app.store().grants(app.scope()).await.unwrap().len(), 1);
    let checked = app.connections().check(&view.name).await.unwrap();
    assert_eq!(checked.state, ConnectionState::Healthy);
    let apps = app.connections().apps().await.unwrap();
    let names: Vec<(&str, bool)> = apps
        .iter()
        .map(|app| (app.name.as_str(), app.public))
        .collect();
    assert_eq!(names, [("public", true), ("user", false)]);
    simulator.shutdown().await;
}

async fn a_dead_grant_is_revived_by_its_own_user_only() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let app = app_for(&dir, &simulator).await;
    let people = people(&simulator).await;
    let connections = app.connections();
    let ana = connect(&app, install(), Some(&people[0]))
        .await
        .unwrap()
        .connection;
    let ben = connect(&app, install(), Some(&people[1]))
        .await
        .unwrap()
        .connection;
    let order = json!({"user": people[0], "silent": true});
    command(simulator.base_url(), "/deauthorize", order).await;
    let checked = connections.check(&ana.name).await.unwrap();
    assert_eq!(checked.state, ConnectionState::NeedsReconnect);
    assert!(checked.reason.is_some());
    let revive = || BeginUser {
        purpose: Purpose::Reconnect { connection: ana.id },
        ..install()
    };
    // Somebody else comes back: refused, and the tokens that this gave them are not lost.
    let error = connect(&app, revive(), Some(&people[1])).await.unwrap_err();
    assert_eq!(error.code(), Code::WrongIdentity);
    assert!(error.message().contains(&people[0]) && error.message().contains(&people[1]));
    let still = connections.check(&ben.name).await.unwrap();
    assert_eq!((still.id, still.state), (ben.id, ConnectionState::Healthy));
    let error = connect(&app, revive(), Some(&people[2])).await.unwrap_err();
    assert_eq!(error.code(), Code::WrongIdentity);
    assert_eq!(connections.list().await.unwrap().len(), 2);
    // The right one keeps the connection's id.
    let done = connect(&app, revive(), Some(&people[0])).await.unwrap();
    assert_eq!(done.purpose, FinishedPurpose::Reconnected);
    assert_eq!(done.connection.id, ana.id);
    assert_eq!(done.connection.state, ConnectionState::Healthy);
    assert_eq!(done.connection.created_at, ana.created_at);
    simulator.shutdown().await;
}

async fn a_user_of_another_workspace_is_noticed_and_nothing_is_lost() {
    let simulator = simulator().await;
    let dir = tempfile::tempdir().unwrap();
    let app = app_for(&dir, &simulator).await;
    let here = connect(&app, install(), None).await.unwrap().connection;
    // The same user had connected in a workspace before this one.
    let now = app.clock().now();
    let there = app.store().ensure_workspace("theirs", now).await.unwrap();
    let mut tx = app.store().begin(Scope::of(there)).await.unwrap();
    let app_id = tx
        .upsert_app(
            &NewApp {
                provider: Provider::Zoom,
                kind: AppKind::User,
                name: "user".into(),
                client_id: "simulator-user".into(),
                secret_ref: None,
                webhook_secrets: Vec::new(),
                public: false,
            },
            now,
        )
        .await
        .unwrap()
        .id;
    let grant = tx
        .upsert_grant(
            &NewGrant {
                app_id,
                provider: Provider::Zoom,
                subject_external_id: here.subject.clone(),
                tokens: GrantTokens {
                    scopes: Vec::new(),
                    api_url: None,
                    access_exp: None,
                },
            },
            now,
        )
        .await
        .unwrap();
    tx.commit().await.unwrap();
    let error = connect(&app, install(), None).await.unwrap_err();
    assert_eq!(error.code(), Code::IdentityElsewhere);
    assert!(error.message().contains("theirs"), "{error}");
    // Zoom has replaced their tokens by this login: they got the new ones.
    let theirs = app
        .store()
        .grant(Scope::of(there), grant)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(theirs.generation, 2);
    assert!(theirs.access_exp.is_some() && !theirs.scopes.is_empty());
    simulator.shutdown().await;
}
