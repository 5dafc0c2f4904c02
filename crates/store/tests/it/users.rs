use parfocal_store::{InstanceState, NewInstance, NewUser, PageRequest, Scope, Source, UserFilter};

use crate::support::{at, seen, story};

const SCOPE: Scope = Scope::DEFAULT;

story!(
    users_are_listed_by_name_with_what_they_held,
    |world| async move {
        let (_, account) = world.account().await;
        let mut tx = world.begin().await;
        let people = [
            ("u1", "Zoë Ártemis", "zoe@example.com", "2", "active"),
            ("u2", "Ana Núñez", "ana@example.com", "1", "active"),
            ("u3", "Ana Berg", "berg@example.com", "2", "inactive"),
            ("u4", "Gone Long", "gone@example.com", "2", "active"),
        ];
        for (id, name, email, kind, status) in people {
            let user = NewUser {
                external_id: id.into(),
                email: Some(email.into()),
                name: Some(name.into()),
                kind: Some(kind.into()),
                status: Some(status.into()),
                ..NewUser::default()
            };
            let id = tx
                .upsert_user(account, &user, &seen(0, Source::List))
                .await
                .unwrap()
                .id;
            if email.starts_with("gone") {
                assert!(tx.delete_user(id, &seen(5, Source::Webhook)).await.unwrap());
            }
        }
        for (n, host) in [(1, "u2"), (2, "u2"), (3, "u1"), (4, "u2")] {
            let held = NewInstance {
                external_id: format!("held-{n}"),
                host_user_id: Some(host.into()),
                start: Some(at(n * 100)),
                state: Some(InstanceState::Ended),
                ..NewInstance::default()
            };
            let id = tx
                .upsert_instance(account, &held, &seen(0, Source::Detail))
                .await
                .unwrap()
                .id;
            if n == 4 {
                assert!(
                    tx.delete_instance(id, &seen(9_999, Source::Webhook))
                        .await
                        .unwrap()
                );
            }
        }
        tx.commit().await.unwrap();
        let list = async |filter: &UserFilter| {
            // A piece of one row after the other.
            let (mut names, mut after) = (Vec::new(), None);
            loop {
                let page = PageRequest { limit: 1, after };
                let found = world
                    .store
                    .users_listed(SCOPE, filter, &page)
                    .await
                    .unwrap();
                names.extend(
                    found
                        .items
                        .into_iter()
                        .map(|row| (row.user.name.unwrap(), row.hosted, row.last_hosted)),
                );
                after = found.next;
                if after.is_none() {
                    return names;
                }
            }
        };
        let all = list(&UserFilter::default()).await;
        assert_eq!(
            all,
            [
                ("Ana Berg".to_owned(), 0, None),
                ("Ana Núñez".to_owned(), 2, Some(at(200))),
                ("Zoë Ártemis".to_owned(), 1, Some(at(300))),
            ]
        );
        let named = |text: &str| UserFilter {
            text: Some(text.into()),
            ..UserFilter::default()
        };
        assert_eq!(list(&named("nunez")).await, all[1..2]);
        assert_eq!(list(&named("ART")).await, all[2..]);
        assert_eq!(list(&named("100%_")).await, []);
        let licensed = UserFilter {
            kind: Some("2".into()),
            ..UserFilter::default()
        };
        assert_eq!(list(&licensed).await.len(), 2);
        let inactive = UserFilter {
            status: Some("inactive".into()),
            account: Some(account),
            ..UserFilter::default()
        };
        assert_eq!(list(&inactive).await, all[..1]);
        let counted = world.store.user_kinds(SCOPE).await.unwrap();
        assert_eq!(counted.iter().map(|(.., count)| count).sum::<u64>(), 3);
    }
);
