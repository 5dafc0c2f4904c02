//! Tokens against single quirks.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use jiff::{SignedDuration, Timestamp};
use parfocal_zoom::auth::{
    App, Grant, MemoryStore, RefreshEnd, RefreshLease, StoreError, TokenSource, TokenStore,
};
use parfocal_zoom::clock::{Clock, ManualClock, SystemClock};
use parfocal_zoom::limit::Unlimited;
use parfocal_zoom::{Client, ErrorKind};
use secrecy::ExposeSecret as _;

use crate::fake::{Fake, broken, json};
use crate::kit::{QUICK, oauth};

fn grant(generation: u64, lives: i64) -> Grant {
    let now = SystemClock::new().now();
    Grant {
        access_token: format!("access-{generation}").into(),
        refresh_token: Some(format!("refresh-{generation}").into()),
        issued_at: now
            .saturating_sub(SignedDuration::from_secs(3_600 - lives))
            .unwrap(),
        expires_at: now
            .saturating_add(SignedDuration::from_secs(lives))
            .unwrap(),
        scopes: vec!["user:read:user".into()],
        api_url: None,
        generation,
    }
}

fn fresh(n: usize) -> String {
    format!(
        r#"{{"access_token":"access-{n}","token_type":"bearer","refresh_token":"refresh-{n}","expires_in":"3599","scope":"b a"}}"#
    )
}

fn user(fake: &Fake, store: Arc<dyn TokenStore>) -> TokenSource {
    TokenSource::user(oauth(&fake.url), App::confidential("id", "secret"), store).build()
}

#[tokio::test]
async fn one_refresh_serves_all_and_rotates() {
    let fake = Fake::start(|_, _| json(200, &fresh(8))).await;
    let store = Arc::new(MemoryStore::with(grant(7, 30)));
    let tokens = user(&fake, store.clone());
    let all = join_all((0..50).map(|_| tokens.access())).await;
    assert!(
        all.into_iter()
            .all(|token| token.unwrap().secret().expose_secret() == "access-8")
    );
    assert_eq!(fake.count(), 1);
    let seen = fake.seen().remove(0);
    assert_eq!(seen.form("refresh_token").as_deref(), Some("refresh-7"));
    assert_eq!(seen.form("grant_type").as_deref(), Some("refresh_token"));
    assert!(seen.header("authorization").unwrap().starts_with("Basic "));
    assert!(seen.query.is_empty(), "tokens never go into the query");
    let stored = store.current().unwrap();
    assert_eq!(
        (
            stored.generation,
            stored.refresh_token.unwrap().expose_secret()
        ),
        (8, "refresh-8")
    );
}

#[tokio::test]
async fn a_token_is_renewed_early_and_not_too_early() {
    let fake = Fake::start(|_, n| json(200, &fresh(n + 2))).await;
    for (lives, calls) in [(3_000, 0), (125, 0), (115, 1), (0, 1), (-10, 1)] {
        let before = fake.count();
        user(&fake, Arc::new(MemoryStore::with(grant(1, lives))))
            .access()
            .await
            .unwrap();
        assert_eq!(fake.count() - before, calls, "{lives} s before it expires");
    }
}

#[tokio::test]
async fn a_public_client_sends_its_id_and_no_secret() {
    let fake = Fake::start(|_, n| json(200, &fresh(n + 2))).await;
    let tokens = TokenSource::user(
        oauth(&fake.url),
        App::public("public-id"),
        Arc::new(MemoryStore::with(grant(1, 0))),
    );
    tokens.build().access().await.unwrap();
    let seen = fake.seen().remove(0);
    assert_eq!(seen.header("authorization"), None);
    assert_eq!(seen.form("client_id").as_deref(), Some("public-id"));
}

#[tokio::test]
async fn a_dead_grant_is_told_apart_from_wrong_credentials() {
    let fake = Fake::start(|_, _| {
        json(
            400,
            r#"{"reason":"Invalid Token!","error":"invalid_grant"}"#,
        )
    })
    .await;
    let store = Arc::new(MemoryStore::with(grant(1, 0)));
    let tokens = user(&fake, store.clone());
    for _ in 0..2 {
        let error = tokens.access().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::GrantDead, "{error}");
        assert!(error.needs_reconnect());
    }
    assert_eq!(fake.count(), 1, "a dead grant is not tried again");
    assert!(store.current().is_none());
    // The user connects again.
    tokens.connect(grant(1, 3_000)).await.unwrap();
    assert_eq!(tokens.access().await.unwrap().generation(), 2);

    let fake = Fake::start(|_, _| {
        json(
            400,
            r#"{"reason":"Invalid client_id or client_secret","error":"invalid_client"}"#,
        )
    })
    .await;
    let store = Arc::new(MemoryStore::with(grant(1, 0)));
    let error = user(&fake, store.clone()).access().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ClientRejected);
    assert!(
        store.current().is_some(),
        "wrong credentials do not kill a grant"
    );

    let nobody = user(&fake, Arc::new(MemoryStore::new()));
    assert_eq!(
        nobody.access().await.unwrap_err().kind(),
        ErrorKind::NotConnected
    );
}

#[tokio::test]
async fn trouble_on_the_way_is_tried_again_unless_the_token_may_be_used_up() {
    let trouble = |n: usize| match n {
        0 => json(502, "<html>"),
        1 => broken(200, "application/json", 500, "{\"access_to"),
        2 => json(429, ""),
        _ => json(200, &fresh(2)),
    };
    let fake = Fake::start(move |_, n| trouble(n)).await;
    let tokens = user(&fake, Arc::new(MemoryStore::with(grant(1, 0))));
    // The cut answer may have held the new pair: whoever asks next decides whether to show the old token once more.
    let error = tokens.access().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    assert_eq!(fake.count(), 2);
    tokens.access().await.unwrap();
    assert_eq!(fake.count(), 4);
    // Asking for another token of the account uses nothing up.
    let fake = Fake::start(move |_, n| trouble(n)).await;
    let app = App::confidential("id", "secret");
    let tokens = TokenSource::server_to_server(oauth(&fake.url), app, "account").build();
    tokens.access().await.unwrap();
    assert_eq!(fake.count(), 4);
}

/// A store that can be told to fail, and that notes the order of things.
#[derive(Debug, Default)]
struct Notebook {
    inner: MemoryStore,
    full: AtomicBool,
    busy: AtomicUsize,
    log: Mutex<Vec<String>>,
}

impl Notebook {
    fn note(&self, what: impl Into<String>) {
        self.log.lock().unwrap().push(what.into());
    }
}

impl TokenStore for Notebook {
    fn load(&self) -> BoxFuture<'_, Result<Option<Grant>, StoreError>> {
        self.inner.load()
    }

    fn save<'a>(&'a self, grant: &'a Grant) -> BoxFuture<'a, Result<(), StoreError>> {
        if self.full.load(Ordering::SeqCst) {
            return Box::pin(std::future::ready(Err(StoreError::new("the disk is full"))));
        }
        self.note(format!("save {}", grant.generation));
        self.inner.save(grant)
    }

    fn mark_dead<'a>(
        &'a self,
        generation: u64,
        reason: &'a str,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.note(format!("dead {generation} {reason}"));
        self.inner.mark_dead(generation, reason)
    }

    fn begin_refresh(&self) -> BoxFuture<'_, Result<RefreshLease, StoreError>> {
        let lease = if self.busy.load(Ordering::SeqCst) > 0 {
            self.busy.fetch_sub(1, Ordering::SeqCst);
            if self.busy.load(Ordering::SeqCst) == 0 {
                // The other process is done.
                let inner = self.inner.clone();
                return Box::pin(async move {
                    inner.save(&grant(9, 3_000)).await?;
                    Ok(RefreshLease::Busy {
                        retry_in: Duration::from_millis(10),
                    })
                });
            }
            RefreshLease::Busy {
                retry_in: Duration::from_millis(10),
            }
        } else {
            self.note("lease");
            RefreshLease::Granted
        };
        Box::pin(std::future::ready(Ok(lease)))
    }

    fn end_refresh(&self, _end: RefreshEnd) -> BoxFuture<'_, Result<(), StoreError>> {
        self.note("release");
        Box::pin(std::future::ready(Ok(())))
    }
}

#[tokio::test]
async fn a_new_pair_is_stored_before_it_is_used() {
    let fake = Fake::start(|_, n| json(200, &fresh(n + 2))).await;
    let store = Arc::new(Notebook {
        inner: MemoryStore::with(grant(1, 0)),
        ..Notebook::default()
    });
    store.full.store(true, Ordering::SeqCst);
    let tokens = user(&fake, store.clone());
    let error = tokens.access().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Store, "{error}");
    assert_eq!(tokens.access().await.unwrap_err().kind(), ErrorKind::Store);
    assert_eq!(
        fake.count(),
        1,
        "the pair that could not be stored is kept, not asked for again"
    );
    store.full.store(false, Ordering::SeqCst);
    assert_eq!(
        tokens.access().await.unwrap().secret().expose_secret(),
        "access-2"
    );
    assert_eq!(fake.count(), 1);
    assert_eq!(*store.log.lock().unwrap(), ["lease", "release", "save 2"]);
}

#[tokio::test]
async fn another_process_that_refreshes_is_waited_for() {
    let fake = Fake::start(|_, n| json(200, &fresh(n + 2))).await;
    let store = Arc::new(Notebook {
        inner: MemoryStore::with(grant(1, 0)),
        busy: 3.into(),
        ..Notebook::default()
    });
    let token = user(&fake, store.clone()).access().await.unwrap();
    assert_eq!((token.generation(), fake.count()), (9, 0));

    // A refresh token that somebody else has used just before us is no dead grant.
    let store = Arc::new(MemoryStore::with(grant(1, 0)));
    let other = store.clone();
    let fake = Fake::start(move |_, _| {
        other
            .save(&grant(2, 3_000))
            .now_or_never()
            .unwrap()
            .unwrap();
        json(
            400,
            r#"{"reason":"Invalid Token!","error":"invalid_grant"}"#,
        )
    })
    .await;
    assert_eq!(user(&fake, store).access().await.unwrap().generation(), 2);
}

#[tokio::test]
async fn a_caller_that_goes_away_does_not_lose_the_new_pair() {
    let fake = Fake::slow(Duration::from_millis(50), |_, n| json(200, &fresh(n + 2))).await;
    let store = Arc::new(MemoryStore::with(grant(1, 0)));
    let tokens = user(&fake, store.clone());
    let hasty = tokens.clone();
    let call = tokio::spawn(async move { hasty.access().await });
    while fake.count() == 0 {
        tokio::task::yield_now().await;
    }
    call.abort();
    assert_eq!(tokens.access().await.unwrap().generation(), 2);
    assert_eq!((fake.count(), store.current().unwrap().generation), (1, 2));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let fake = Fake::start(|seen, n| {
        if seen.path == "/oauth/token" {
            json(
                200,
                &format!(r#"{{"access_token":"access-{n}","expires_in":3600,"scope":""}}"#),
            )
        } else if seen.header("authorization") == Some("Bearer access-0") {
            json(401, r#"{"code":124,"message":"Access token is expired."}"#)
        } else {
            json(200, r#"{"id":"u"}"#)
        }
    })
    .await;
    let tokens =
        TokenSource::server_to_server(oauth(&fake.url), App::confidential("i", "s"), "acc").build();
    let client = Client::builder(tokens)
        .api_url(format!("{}/v2", fake.url))
        .budget(Arc::new(Unlimited));
    let client = client.backoff(QUICK).build().unwrap();
    let results = join_all((0..10).map(|_| async { client.users().me().await.map(drop) })).await;
    assert!(results.into_iter().all(|result| result.is_ok()));
    let asked = fake
        .seen()
        .iter()
        .filter(|seen| seen.path == "/oauth/token")
        .count();
    assert_eq!(asked, 2, "ten refused calls share one renewal");

    let never = Fake::start(|seen, n| {
        if seen.path == "/oauth/token" {
            json(
                200,
                &format!(r#"{{"access_token":"access-{n}","expires_in":3600}}"#),
            )
        } else {
            json(401, r#"{"code":124,"message":"Invalid access token."}"#)
        }
    })
    .await;
    let tokens =
        TokenSource::server_to_server(oauth(&never.url), App::confidential("i", "s"), "acc")
            .build();
    let client = Client::builder(tokens)
        .api_url(format!("{}/v2", never.url))
        .budget(Arc::new(Unlimited));
    let error = client
        .backoff(QUICK)
        .build()
        .unwrap()
        .users()
        .me()
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::Unauthorized, 2)
    );
}

#[tokio::test]
async fn the_tokens_api_address_is_taken_if_it_is_trustworthy() {
    let api = Fake::start(|_, _| json(200, r#"{"id":"u"}"#)).await;
    let url = api.url.clone();
    let auth = Fake::start(move |_, n| {
        let url = if n == 0 {
            url.as_str()
        } else {
            "https://evil.test"
        };
        json(
            200,
            &format!(r#"{{"access_token":"a","expires_in":3600,"api_url":"{url}"}}"#),
        )
    })
    .await;
    let tokens =
        TokenSource::server_to_server(oauth(&auth.url), App::confidential("i", "s"), "acc").build();
    let client = Client::builder(tokens.clone())
        .budget(Arc::new(Unlimited))
        .build()
        .unwrap();
    client.users().me().await.unwrap();
    assert_eq!(api.seen()[0].path, "/v2/users/me");
}

#[tokio::test]
async fn waiting_for_a_failed_renewal_does_not_repeat_it() {
    let fake = Fake::slow(Duration::from_millis(20), |_, _| {
        json(
            400,
            r#"{"reason":"Account does not exist","error":"invalid_request"}"#,
        )
    })
    .await;
    let tokens =
        TokenSource::server_to_server(oauth(&fake.url), App::confidential("i", "s"), "x").build();
    let all = join_all((0..20).map(|_| tokens.access())).await;
    assert!(
        all.iter()
            .all(|result| result.as_ref().unwrap_err().kind() == ErrorKind::ClientRejected)
    );
    assert_eq!(fake.count(), 1);
}

#[tokio::test]
async fn a_wall_clock_that_jumps_costs_a_renewal_at_most() {
    let fake = Fake::start(|_, n| {
        json(
            200,
            &format!(r#"{{"access_token":"access-{n}","expires_in":3600}}"#),
        )
    })
    .await;
    let clock = ManualClock::new("2026-11-22T08:00:00Z".parse::<Timestamp>().unwrap());
    let oauth = oauth(&fake.url).with_clock(Arc::new(clock.clone()));
    let tokens = TokenSource::server_to_server(oauth, App::confidential("i", "s"), "x").build();
    tokens.access().await.unwrap();
    clock.jump_to("2036-01-01T00:00:00Z".parse().unwrap());
    tokens.access().await.unwrap();
    clock.jump_to("2026-11-22T08:00:01Z".parse().unwrap());
    tokens.access().await.unwrap();
    assert_eq!(fake.count(), 2);
}
