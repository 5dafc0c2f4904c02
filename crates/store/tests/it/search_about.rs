//! Filters that say what a meeting is about and who was there.

use parfocal_store::{AttendanceKind, HitKind, NewAttendance, NewInstance, NewUser, Source};

use crate::search::{search, world_of_talk};
use crate::support::{at, seen, story};

fn there(person: &str, name: &str, email: Option<&str>) -> NewAttendance {
    NewAttendance {
        match_key: format!("key:{person}"),
        name: Some(name.to_owned()),
        email: email.map(str::to_owned),
        user_external_id: None,
        registrant_id: None,
        role: None,
        join_key: person.to_owned(),
        kind: AttendanceKind::Main,
        join: at(0),
        leave: None,
        raw: None,
    }
}

story!(
    who_was_there_is_found_by_any_word_of_the_name,
    |world| async move {
        let (_, account) = world.account().await;
        let hook = seen(5, Source::Webhook);
        let mut tx = world.begin().await;
        for (n, people) in [
            vec![
                ("a", "Ána Silva", Some("ana.silva@example.com")),
                ("b", "Bob Meier", None),
            ],
            vec![("c", "Ana Meier", None), ("d", "Bob Silva", None)],
        ]
        .into_iter()
        .enumerate()
        {
            let new = NewInstance {
                topic: Some(format!("Crane {n}")),
                start: Some(at(n.try_into().unwrap())),
                ..NewInstance::default()
            };
            let new = NewInstance {
                external_id: format!("there{n}"),
                ..new
            };
            let id = tx.upsert_instance(account, &new, &hook).await.unwrap().id;
            for (person, name, email) in people {
                tx.join(id, &there(person, name, email), &hook)
                    .await
                    .unwrap();
            }
        }
        tx.commit().await.unwrap();
        let found = async |text: &str| -> Vec<String> {
            let hits = search(&world, text).await.hits;
            hits.into_iter()
                .map(|hit| hit.instance_external_id)
                .collect()
        };
        for (text, expected) in [
            ("participant:ana", &["there1", "there0"][..]),
            ("participant:\"ana silva\"", &["there0"]),
            ("participant:sil crane", &["there0", "there1"]),
            ("participant:ana.silva@exam", &["there0"]),
            ("participant:example.com", &["there0"]),
            ("participant:bob -participant:meier", &[]),
            ("-participant:example from:2026-01-01", &["there1"]),
            (
                "participant:meier before:2026-11-23 participant:nobody",
                &["there1", "there0"],
            ),
            ("participant:lva", &[]),
        ] {
            let mut ids = found(text).await;
            let mut wanted: Vec<String> = expected.iter().map(|id| (*id).to_owned()).collect();
            if text.contains("crane") {
                // Equally good ones come in no order of their own.
                ids.sort();
                wanted.sort();
            }
            assert_eq!(ids, wanted, "{text}");
        }
        // A report of who was there replaces what was told before, also in the index.
        let report = seen(9, Source::Report);
        let first = search(&world, "participant:example.com").await.hits[0].instance_id;
        let mut tx = world.begin().await;
        let zoe = [there("z", "Zoe Adler", None)];
        tx.replace_attendance(first, &zoe, &report).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(found("participant:zoe").await, ["there0"]);
        assert_eq!(found("participant:ana").await, ["there1"]);
    }
);

story!(
    what_a_meeting_is_about_is_found_as_it_changes,
    |world| async move {
        world_of_talk(&world).await;
        let now = seen(50, Source::Detail);
        let (_, account) = world.account().await;
        let new = NewInstance {
            external_id: "moved==".to_owned(),
            topic: Some("Crane hire".to_owned()),
            host_user_id: Some("Hö-1".to_owned()),
            number: Some("81200000001".to_owned()),
            start: Some(at(0)),
            ..NewInstance::default()
        };
        let mut tx = world.begin().await;
        tx.upsert_instance(account, &new, &now).await.unwrap();
        let user = NewUser {
            external_id: "Hö-1".to_owned(),
            name: Some("Yara Quist".to_owned()),
            ..NewUser::default()
        };
        tx.upsert_user(account, &user, &now).await.unwrap();
        tx.commit().await.unwrap();
        let found = async |text: &str| search(&world, text).await.hits.len();
        for text in [
            "crane host:yara",
            "host:\"yara q\"",
            "crane series:812-0000-0001",
            "series:\"crane hire\"",
            "topic:\"crane hi\"",
        ] {
            assert_eq!(found(text).await, 1, "{text}");
        }
        for text in [
            "crane -host:quist",
            "crane series:812",
            "host:quist topic:hire -series:81200000001",
        ] {
            assert_eq!(found(text).await, 0, "{text}");
        }
        // A name changes without its meetings, a day with its meeting.
        let later = seen(60, Source::Detail);
        let mut tx = world.begin().await;
        let user = NewUser {
            name: Some("Yara Adler".to_owned()),
            ..user
        };
        tx.upsert_user(account, &user, &later).await.unwrap();
        let new = NewInstance {
            start: Some(at(40 * 86_400)),
            number: Some("81200000002".to_owned()),
            ..new
        };
        tx.upsert_instance(account, &new, &later).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(found("host:adler crane").await, 1);
        assert_eq!(found("host:quist").await, 0);
        assert_eq!(found("series:81200000002 crane").await, 1);
        assert_eq!(found("crane before:2026-12-20").await, 0);
        assert_eq!(found("from:2026-12-20").await, 1);
    }
);

story!(
    meetings_without_talk_do_not_stand_before_what_was_said,
    |world| async move {
        world_of_talk(&world).await;
        let (_, account) = world.account().await;
        let hook = seen(5, Source::Webhook);
        let mut tx = world.begin().await;
        // More than are read for one page, and a title weighs more than what is said.
        for n in 0..1_100 {
            let new = NewInstance {
                external_id: format!("bare{n}"),
                topic: Some("Budget".to_owned()),
                start: Some(at(1_000_000 + n)),
                ..NewInstance::default()
            };
            tx.upsert_instance(account, &new, &hook).await.unwrap();
        }
        tx.commit().await.unwrap();
        for text in ["budget kind:said", "budget kind:said before:2030-01-01"] {
            let page = search(&world, text).await;
            assert!(!page.hits.is_empty(), "{text}");
            for hit in page.hits {
                assert_eq!(hit.instance_external_id, "u1", "{text}");
            }
        }
        let page = search(&world, "budget -kind:title kind:written").await;
        assert!(page.hits.iter().all(|hit| hit.kind == HitKind::Written));
        assert_eq!(page.hits.len(), 2, "chat is found beside talk");
    }
);
