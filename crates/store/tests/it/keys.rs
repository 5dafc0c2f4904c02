//! Keys of the API, sessions, and requests that carry a key.

use parfocal_store::{ConnectionId, KeyClaim, KeyedRequest, NewApiKey, Scope, Session};

use crate::support::{at, story};

const SCOPE: Scope = Scope::DEFAULT;

fn new_key<'k>(name: &'k str, prefix: &'k str) -> NewApiKey<'k> {
    NewApiKey {
        name,
        prefix,
        hash: "of the whole key",
        role: "operate",
        connections: None,
        created_by: "ana",
        expires: None,
    }
}

story!(
    a_name_is_free_again_when_its_key_is_revoked,
    |world| async move {
        let only = [ConnectionId::new(uuid::Uuid::from_u128(7))];
        let mut tx = world.begin().await;
        let narrow = NewApiKey {
            connections: Some(&only),
            expires: Some(at(100)),
            ..new_key("report", "aaa")
        };
        let id = tx.add_api_key(&narrow, at(0)).await.unwrap().unwrap();
        let taken = tx.add_api_key(&new_key("report", "bbb"), at(1)).await;
        assert_eq!(taken.unwrap(), None, "the name is taken");
        tx.commit().await.unwrap();

        let stored = world.store.api_key_by_prefix("aaa").await.unwrap().unwrap();
        assert_eq!((stored.id, stored.name.as_str()), (id, "report"));
        assert_eq!(stored.connections.as_deref(), Some(&only[..]));
        assert_eq!(world.store.api_key_by_prefix("bbb").await.unwrap(), None);
        let alive = async |role, when| {
            let alive = world.store.api_keys_alive(SCOPE, role, when).await;
            alive.unwrap()
        };
        assert_eq!(alive(None, at(99)).await, 1);
        assert_eq!(alive(Some("admin"), at(99)).await, 0);
        assert_eq!(alive(None, at(101)).await, 0, "it has ended by itself");

        let mut tx = world.begin().await;
        assert!(tx.revoke_api_key(id, at(5)).await.unwrap());
        assert!(!tx.revoke_api_key(id, at(6)).await.unwrap());
        let again = tx.add_api_key(&new_key("report", "ccc"), at(7)).await;
        assert!(again.unwrap().is_some());
        tx.commit().await.unwrap();
        let keys = world.store.api_keys(SCOPE).await.unwrap();
        let revoked: Vec<_> = keys.iter().map(|key| key.revoked_at).collect();
        assert_eq!(revoked, [Some(at(5)), None]);
        assert_eq!(alive(Some("operate"), at(8)).await, 1);
    }
);

story!(a_use_is_noted_once_in_a_while, |world| async move {
    let mut tx = world.begin().await;
    let id = tx.add_api_key(&new_key("n", "p"), at(0)).await.unwrap();
    let id = id.unwrap();
    tx.api_key_used(id, at(10), at(0)).await.unwrap();
    // Known since a moment ago: not written again.
    tx.api_key_used(id, at(20), at(5)).await.unwrap();
    tx.commit().await.unwrap();
    let used = world.store.api_key_by_prefix("p").await.unwrap().unwrap();
    assert_eq!(used.last_used, Some(at(10)));
});

story!(
    a_session_ends_with_its_key_and_by_time,
    |world| async move {
        let mut tx = world.begin().await;
        let id = tx.add_api_key(&new_key("n", "p"), at(0)).await.unwrap();
        let id = id.unwrap();
        let session = |until| Session {
            subject: id.to_string(),
            kind: "console".to_owned(),
            data: "{}".to_owned(),
            expires: at(until),
        };
        for (hash, until) in [("short", 10), ("left", 100), ("long", 100)] {
            tx.add_session(hash, &session(until), at(0)).await.unwrap();
        }
        tx.end_session("left").await.unwrap();
        tx.commit().await.unwrap();
        let find = async |hash, when| world.store.session(SCOPE, hash, when).await.unwrap();
        assert_eq!(find("short", at(9)).await, Some(session(10)));
        assert_eq!(find("short", at(10)).await, None);
        assert_eq!(find("left", at(1)).await, None);
        assert!(find("long", at(99)).await.is_some());
        let mut tx = world.begin().await;
        tx.revoke_api_key(id, at(20)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(find("long", at(21)).await, None);
    }
);

fn request<'k>(hash: &'k str, token: &'k str, lease: i64) -> KeyedRequest<'k> {
    KeyedRequest {
        caller: "key/1",
        key: "order-7",
        action: "meeting.create",
        request_hash: hash,
        lease_token: token,
        lease_until: at(lease),
        expires: at(1_000),
    }
}

story!(a_repetition_gets_the_first_answer, |world| async move {
    let claim = async |request: KeyedRequest<'_>, now| {
        let claim = world.store.claim_key(SCOPE, &request, at(now)).await;
        claim.unwrap()
    };
    let first = request("h", "one", 30);
    assert_eq!(claim(first, 0).await, KeyClaim::Fresh);
    assert_eq!(
        claim(request("h", "two", 60), 10).await,
        KeyClaim::Running(at(30))
    );
    assert_eq!(
        claim(request("other", "two", 60), 10).await,
        KeyClaim::Mismatch
    );
    let stranger = KeyedRequest {
        caller: "key/2",
        ..request("other", "x", 60)
    };
    assert_eq!(
        claim(stranger, 10).await,
        KeyClaim::Fresh,
        "callers do not meet"
    );
    // The first try is silent beyond its lease: the next one takes over, and what the first says later counts no more.
    assert_eq!(
        claim(request("h", "two", 90), 31).await,
        KeyClaim::Abandoned
    );
    assert!(
        !world
            .store
            .keep_answer(SCOPE, &first, b"late")
            .await
            .unwrap()
    );
    let second = request("h", "two", 90);
    assert!(
        world
            .store
            .keep_answer(SCOPE, &second, b"{}")
            .await
            .unwrap()
    );
    assert_eq!(
        claim(request("h", "three", 99), 95).await,
        KeyClaim::Answered(b"{}".to_vec())
    );
    // Forgotten in the end.
    assert_eq!(
        claim(request("h", "four", 2_000), 1_001).await,
        KeyClaim::Fresh
    );
});

story!(
    what_had_no_effect_is_free_and_what_is_not_known_is_not,
    |world| async move {
        let claim = async |request: KeyedRequest<'_>, now| {
            let claim = world.store.claim_key(SCOPE, &request, at(now)).await;
            claim.unwrap()
        };
        let first = request("h", "one", 30);
        assert_eq!(claim(first, 0).await, KeyClaim::Fresh);
        world.store.release_key(SCOPE, &first).await.unwrap();
        let second = request("h", "two", 30);
        assert_eq!(claim(second, 1).await, KeyClaim::Fresh);
        world.store.leave_unknown(SCOPE, &second).await.unwrap();
        assert_eq!(
            claim(request("h", "three", 40), 2).await,
            KeyClaim::Abandoned,
            "at once, though the lease had not ended"
        );
        // Another's token releases nothing.
        world.store.release_key(SCOPE, &second).await.unwrap();
        assert_eq!(
            claim(request("h", "four", 50), 3).await,
            KeyClaim::Running(at(40))
        );
    }
);
