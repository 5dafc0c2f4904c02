use parfocal_store::{
    AccountId, Change, ConnectionOrigin, InstanceFilter, InstanceState, MeetingFilter, MeetingKind,
    NewConnection, NewInstance, NewMeeting, NewRegistrant, NewUser, Occurrence, PageRequest, Scope,
    Source,
};
use serde_json::json;

use crate::support::{World, at, seen, story};

const SCOPE: Scope = Scope::DEFAULT;

fn meeting(topic: &str) -> NewMeeting {
    NewMeeting {
        external_id: "81234567890".into(),
        topic: Some(topic.into()),
        ..NewMeeting::default()
    }
}

story!(
    a_late_event_never_undoes_a_later_truth,
    |world| async move {
        let (_, account) = world.account().await;
        let mut tx = world.begin().await;
        let first = tx
            .upsert_meeting(account, &meeting("Old"), &seen(10, Source::Webhook))
            .await
            .unwrap();
        assert_eq!(first.change, Change::Inserted);
        let detail = NewMeeting {
            kind: Some(MeetingKind::Webinar),
            recurrence: Some(json!({"type": 2})),
            raw: Some("{\"a\":1}".into()),
            ..meeting("New")
        };
        let second = tx
            .upsert_meeting(account, &detail, &seen(20, Source::Detail))
            .await
            .unwrap();
        assert_eq!((second.id, second.change), (first.id, Change::Updated));
        let again = tx
            .upsert_meeting(account, &detail, &seen(21, Source::Detail))
            .await
            .unwrap();
        assert_eq!(again.change, Change::Unchanged);
        // Late, and it knows something nobody knew.
        let late = NewMeeting {
            join_url: Some("https://j".into()),
            ..meeting("Older")
        };
        let late = tx
            .upsert_meeting(account, &late, &seen(15, Source::Webhook))
            .await
            .unwrap();
        assert_eq!(late.change, Change::Updated);
        assert!(
            !tx.delete_meeting(first.id, &seen(18, Source::Webhook))
                .await
                .unwrap(),
            "deleted before it was seen alive"
        );
        let row = tx.meeting(first.id).await.unwrap().unwrap();
        assert_eq!(row.topic.as_deref(), Some("New"));
        assert_eq!(
            (row.join_url.as_deref(), row.raw.as_str(), row.kind),
            (Some("https://j"), "{\"a\":1}", MeetingKind::Webinar)
        );
        assert!(
            tx.delete_meeting(first.id, &seen(30, Source::Webhook))
                .await
                .unwrap()
        );
        tx.upsert_meeting(account, &meeting("Zombie"), &seen(29, Source::Webhook))
            .await
            .unwrap();
        assert!(
            tx.meeting(first.id)
                .await
                .unwrap()
                .unwrap()
                .deleted_at
                .is_some()
        );
        assert!(
            tx.restore_meeting(first.id, &seen(31, Source::Webhook))
                .await
                .unwrap()
        );
        tx.commit().await.unwrap();
        let row = world
            .store
            .meeting_by_number(SCOPE, "81234567890")
            .await
            .unwrap()
            .unwrap();
        assert_eq!((row.deleted_at, row.topic.as_deref()), (None, Some("New")));
        assert_eq!(row.recurrence, Some(json!({"type": 2})));
    }
);

async fn state_after(
    world: &World,
    account: AccountId,
    uuid: &str,
    order: &[(i64, InstanceState)],
) -> InstanceState {
    let mut tx = world.begin().await;
    let mut id = None;
    for (at, state) in order {
        let new = NewInstance {
            external_id: uuid.into(),
            state: Some(*state),
            ..NewInstance::default()
        };
        id = Some(
            tx.upsert_instance(account, &new, &seen(*at, Source::Webhook))
                .await
                .unwrap()
                .id,
        );
    }
    tx.commit().await.unwrap();
    world
        .store
        .instance(SCOPE, id.unwrap())
        .await
        .unwrap()
        .unwrap()
        .state
}

story!(an_instance_only_moves_forward, |world| async move {
    use InstanceState::{Ended, Scheduled, Started};
    let (_, account) = world.account().await;
    let order = [(1, Scheduled), (2, Started), (3, Ended)];
    assert_eq!(
        state_after(&world, account, "/ab//c==", &order).await,
        Ended
    );
    let order = [(3, Ended), (2, Started), (1, Scheduled)];
    assert_eq!(state_after(&world, account, "b", &order).await, Ended);
    let order = [(2, Started), (1, Scheduled)];
    assert_eq!(state_after(&world, account, "c", &order).await, Started);
    let found = world
        .store
        .find_instance(SCOPE, "/ab//c==")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.external_id, "/ab//c==");
    // A hint only fills what is empty.
    let mut tx = world.begin().await;
    let hint = |topic: &str| NewInstance {
        external_id: "d".into(),
        topic: Some(topic.into()),
        ..NewInstance::default()
    };
    tx.upsert_instance(account, &hint("guess"), &seen(100, Source::Hint))
        .await
        .unwrap();
    tx.upsert_instance(account, &hint("told"), &seen(5, Source::Webhook))
        .await
        .unwrap();
    tx.upsert_instance(account, &hint("guess"), &seen(200, Source::Hint))
        .await
        .unwrap();
    let row = tx
        .instance_by_external(account, "d")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(row.topic.as_deref(), Some("told"));
});

story!(
    series_have_occurrences_and_registrants,
    |world| async move {
        let (_, account) = world.account().await;
        let earlier = world.instance(account, "u0", "Weekly", 0).await;
        let mut tx = world.begin().await;
        let id = tx
            .upsert_meeting(account, &meeting("Weekly"), &seen(0, Source::List))
            .await
            .unwrap()
            .id;
        let occurrence = |n: i64| Occurrence {
            occurrence_id: format!("{n}"),
            start: Some(at(n * 100)),
            duration_min: Some(30),
            status: Some("available".into()),
        };
        tx.put_occurrences(id, &[occurrence(1), occurrence(2)])
            .await
            .unwrap();
        tx.put_occurrences(id, &[occurrence(3), occurrence(2)])
            .await
            .unwrap();
        assert!(tx.set_occurrence_status(id, "3", "deleted").await.unwrap());
        let new = |status: &str| NewRegistrant {
            external_id: "r1".into(),
            email: Some("a@b.c".into()),
            status: Some(status.into()),
            ..NewRegistrant::default()
        };
        tx.upsert_registrant(account, id, &new("pending"), &seen(1, Source::Webhook))
            .await
            .unwrap();
        let upsert = tx
            .upsert_registrant(account, id, &new("approved"), &seen(2, Source::Webhook))
            .await
            .unwrap();
        assert_eq!(upsert.change, Change::Updated);
        tx.upsert_registrant(account, id, &new("pending"), &seen(1, Source::List))
            .await
            .unwrap();
        tx.commit().await.unwrap();
        let occurrences = world.store.occurrences(SCOPE, id).await.unwrap();
        assert_eq!(
            occurrences
                .iter()
                .map(|o| o.occurrence_id.as_str())
                .collect::<Vec<_>>(),
            ["2", "3"]
        );
        let earlier = world.store.instance(SCOPE, earlier).await.unwrap().unwrap();
        assert_eq!(
            earlier.meeting_id,
            Some(id),
            "an instance told of before its series"
        );
        let registrants = world.store.registrants(SCOPE, id).await.unwrap();
        assert_eq!(registrants[0].status.as_deref(), Some("approved"));
        let filter = MeetingFilter {
            topic: Some("WEEK".into()),
            ..MeetingFilter::default()
        };
        let page = world
            .store
            .meetings(SCOPE, &filter, &PageRequest::first(10))
            .await
            .unwrap();
        assert_eq!(page.items.len(), 1);
    }
);

story!(
    instances_are_listed_by_start_and_filtered,
    |world| async move {
        let (app, account) = world.account().await;
        let mut ids = Vec::new();
        for n in 0..25 {
            ids.push(
                world
                    .instance(
                        account,
                        &format!("u{n}"),
                        if n % 5 == 0 {
                            "Café 会議室"
                        } else {
                            "Standup"
                        },
                        n * 1000,
                    )
                    .await,
            );
        }
        let mut tx = world.begin().await;
        let host = NewUser {
            external_id: "host-1".into(),
            email: Some("Ana@Example.com".into()),
            name: Some("Ana Núñez".into()),
            ..NewUser::default()
        };
        tx.upsert_user(account, &host, &seen(0, Source::List))
            .await
            .unwrap();
        let connection = NewConnection {
            app_id: app,
            account_id: account,
            subject_id: "s".into(),
            name: "n".into(),
            origin: ConnectionOrigin::Vault,
        };
        let connection = tx.upsert_connection(&connection, at(0)).await.unwrap();
        tx.touch_instance_source(ids[0], connection, at(1))
            .await
            .unwrap();
        tx.touch_instance_source(ids[0], connection, at(2))
            .await
            .unwrap();
        assert!(
            tx.delete_instance(ids[24], &seen(99_999_999, Source::Webhook))
                .await
                .unwrap()
        );
        tx.commit().await.unwrap();
        assert_eq!(
            world.store.instance_sources(SCOPE, ids[0]).await.unwrap()[0].seen_at,
            at(2)
        );

        let mut listed = Vec::new();
        let mut page = PageRequest::first(7);
        loop {
            let piece = world
                .store
                .instances(SCOPE, &InstanceFilter::default(), &page)
                .await
                .unwrap();
            listed.extend(piece.items.into_iter().map(|row| row.instance.id));
            let Some(next) = piece.next else { break };
            page.after = Some(next);
        }
        listed.reverse();
        assert_eq!(listed, ids[..24]);
        let count = async |filter: InstanceFilter| {
            world
                .store
                .instances(SCOPE, &filter, &PageRequest::first(100))
                .await
                .unwrap()
                .items
                .len()
        };
        let none = InstanceFilter::default;
        assert_eq!(
            count(InstanceFilter {
                topic: Some("cafe".into()),
                ..none()
            })
            .await,
            5
        );
        assert_eq!(
            count(InstanceFilter {
                topic: Some("会議".into()),
                ..none()
            })
            .await,
            5
        );
        assert_eq!(
            count(InstanceFilter {
                topic: Some("%".into()),
                ..none()
            })
            .await,
            24,
            "signs are not words"
        );
        assert_eq!(
            count(InstanceFilter {
                host: Some("nunez".into()),
                ..none()
            })
            .await,
            24
        );
        assert_eq!(
            count(InstanceFilter {
                host: Some("bob".into()),
                ..none()
            })
            .await,
            0
        );
        assert_eq!(
            count(InstanceFilter {
                from: Some(at(5000)),
                before: Some(at(8000)),
                ..none()
            })
            .await,
            3
        );
        assert_eq!(
            count(InstanceFilter {
                has_transcript: Some(true),
                ..none()
            })
            .await,
            0
        );
        assert_eq!(
            count(InstanceFilter {
                has_recording: Some(false),
                state: Some(InstanceState::Ended),
                ..none()
            })
            .await,
            24
        );
        let one = world.store.instance(SCOPE, ids[0]).await.unwrap().unwrap();
        assert_eq!(
            (one.host_email.as_deref(), one.host_name.as_deref()),
            (Some("ana@example.com"), Some("Ana Núñez"))
        );
        let error = world
            .store
            .instances(
                SCOPE,
                &none(),
                &PageRequest {
                    limit: 1,
                    after: Some("rubbish".into()),
                },
            )
            .await
            .unwrap_err();
        assert_eq!(error.kind(), parfocal_store::ErrorKind::Invalid);
    }
);
