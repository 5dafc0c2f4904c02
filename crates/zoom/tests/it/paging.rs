//! Lists that end, and lists that do not.

use futures_util::TryStreamExt as _;
use parfocal_zoom::api::{DateWindow, UserStatus};
use parfocal_zoom::id::UserId;
use parfocal_zoom::{ErrorKind, Pages};

use crate::fake::{Fake, json};
use crate::kit::client;

async fn drain<T>(mut pages: Pages<T>) -> (usize, Option<ErrorKind>)
where
    T: serde::de::DeserializeOwned + Send + 'static,
{
    let mut items = 0;
    loop {
        match pages.try_next().await {
            Ok(Some(page)) => items += page.items.len(),
            Ok(None) => return (items, None),
            Err(error) => return (items, Some(error.kind())),
        }
    }
}

#[tokio::test]
async fn pages_follow_their_token_and_end_with_an_empty_one() {
    let fake = Fake::start(|seen, _| match seen.param("next_page_token").as_deref() {
        None => json(
            200,
            r#"{"next_page_token":"t1","total_records":3,"users":[{"id":"a"},{"id":"b"}]}"#,
        ),
        Some("t1") => json(200, r#"{"next_page_token":"","users":[{"id":"c"}]}"#),
        Some(_) => json(400, "{}"),
    })
    .await;
    let users: Vec<_> = client(&fake)
        .users()
        .list(UserStatus::Active)
        .items()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(users.len(), 3);
    let seen = fake.seen();
    assert_eq!(seen[0].param("page_size").as_deref(), Some("300"));
    assert!(
        !seen[0].query.contains("next_page_token"),
        "an empty token would start at page one again"
    );
    assert_eq!(
        seen[1].param("status").as_deref(),
        Some("active"),
        "the other parameters stay"
    );
}

#[tokio::test]
async fn pages_that_never_end_are_ended() {
    type Answer = fn(usize) -> String;
    let endless: [(&str, Answer); 4] = [
        ("the same token", |n| {
            format!(r#"{{"next_page_token":"same","users":[{{"id":"u{n}"}}]}}"#)
        }),
        ("tokens in a ring", |n| {
            format!(
                r#"{{"next_page_token":"t{}","users":[{{"id":"u{n}"}}]}}"#,
                n % 3
            )
        }),
        ("the same page", |n| {
            format!(r#"{{"next_page_token":"t{n}","users":[{{"id":"u"}}]}}"#)
        }),
        ("empty pages", |n| {
            format!(r#"{{"next_page_token":"t{n}","users":[]}}"#)
        }),
    ];
    for (name, answer) in endless {
        let fake = Fake::start(move |_, n| json(200, &answer(n))).await;
        let (_, error) = drain(client(&fake).users().list(UserStatus::Active)).await;
        assert_eq!(error, Some(ErrorKind::EndlessPages), "{name}");
        assert!(fake.count() <= 5, "{name}: {} pages", fake.count());
    }
}

#[tokio::test]
async fn an_empty_page_on_the_way_is_no_end() {
    let fake = Fake::start(|_, n| match n {
        0 => json(200, r#"{"next_page_token":"a","users":[]}"#),
        1 => json(200, r#"{"next_page_token":"b","users":null}"#),
        _ => json(200, r#"{"users":[{"id":"x"}]}"#),
    })
    .await;
    assert_eq!(
        drain(client(&fake).users().list(UserStatus::Active)).await,
        (1, None)
    );
}

#[tokio::test]
async fn an_expired_token_is_told_so() {
    let fake = Fake::start(|_, n| match n {
        0 => json(200, r#"{"next_page_token":"t","users":[{"id":"a"}]}"#),
        _ => json(
            400,
            r#"{"code":300,"message":"The next page token is invalid or expired."}"#,
        ),
    })
    .await;
    let (items, error) = drain(client(&fake).users().list(UserStatus::Active)).await;
    assert_eq!((items, error), (1, Some(ErrorKind::PageTokenExpired)));
    assert_eq!(fake.count(), 2);
}

#[tokio::test]
async fn a_list_has_a_bound() {
    let fake = Fake::start(|_, n| {
        json(
            200,
            &format!(r#"{{"next_page_token":"t{n}","users":[{{"id":"u{n}"}}]}}"#),
        )
    })
    .await;
    let error = client(&fake)
        .users()
        .list(UserStatus::Active)
        .all(10)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(fake.count(), 11);
}

#[tokio::test]
async fn long_windows_are_split() {
    let fake = Fake::start(|seen, n| {
        assert_eq!(seen.path, "/v2/users/ann%40x.test/recordings");
        json(200, &format!(r#"{{"meetings":[{{"uuid":"u{n}","id":"12","type":"2","recording_files":[{{"file_type":"CC"}}]}}]}}"#))
    })
    .await;
    let window =
        DateWindow::new("2026-01-01".parse().unwrap(), "2026-03-15".parse().unwrap()).unwrap();
    let found = client(&fake)
        .recordings()
        .list(&UserId::new("ann@x.test"), window)
        .all(100)
        .await
        .unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!((found[0].kind, found[0].id.unwrap().get()), (Some(2), 12));
    let windows: Vec<_> = fake
        .seen()
        .iter()
        .map(|seen| (seen.param("from").unwrap(), seen.param("to").unwrap()))
        .collect();
    let expected = [
        ("2026-01-01", "2026-01-30"),
        ("2026-01-31", "2026-03-01"),
        ("2026-03-02", "2026-03-15"),
    ];
    assert_eq!(
        windows,
        expected.map(|(from, to)| (from.to_owned(), to.to_owned()))
    );
}
