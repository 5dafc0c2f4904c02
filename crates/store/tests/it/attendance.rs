use parfocal_store::{
    AttendanceKind, Change, InstanceId, NewAttendance, Participant, Scope, Source,
};

use crate::support::{World, at, seen, story};

fn stay(person: &str, join: i64, leave: Option<i64>) -> NewAttendance {
    NewAttendance {
        match_key: format!("name:{person}"),
        name: Some(person.into()),
        email: None,
        user_external_id: None,
        registrant_id: None,
        role: None,
        join_key: format!("{person}@{join}"),
        kind: AttendanceKind::Main,
        join: at(join),
        leave: leave.map(at),
        raw: None,
    }
}

async fn people(world: &World, instance: InstanceId) -> Vec<Participant> {
    world
        .store
        .participants(Scope::DEFAULT, instance)
        .await
        .unwrap()
}

story!(
    stays_open_close_and_give_way_to_the_full_list,
    |world| async move {
        let (_, account) = world.account().await;
        let instance = world.instance(account, "u", "t", 0).await;
        let hook = |s| seen(s, Source::Webhook);
        let mut tx = world.begin().await;
        assert_eq!(
            tx.join(instance, &stay("ana", 10, None), &hook(10))
                .await
                .unwrap(),
            Change::Inserted
        );
        assert_eq!(
            tx.join(instance, &stay("ana", 10, None), &hook(10))
                .await
                .unwrap(),
            Change::Unchanged
        );
        tx.join(instance, &stay("bob", 20, None), &hook(20))
            .await
            .unwrap();
        tx.join(instance, &stay("eve", 21, None), &hook(21))
            .await
            .unwrap();
        assert!(
            tx.leave(
                instance,
                "name:ana",
                AttendanceKind::Main,
                at(30),
                &hook(30)
            )
            .await
            .unwrap()
        );
        assert!(
            !tx.leave(
                instance,
                "name:ana",
                AttendanceKind::Main,
                at(31),
                &hook(31)
            )
            .await
            .unwrap()
        );
        tx.join(instance, &stay("ana", 40, None), &hook(40))
            .await
            .unwrap();
        assert_eq!(
            tx.close_attendance(instance, at(50), at(50)).await.unwrap(),
            3
        );
        tx.commit().await.unwrap();
        let ana = people(&world, instance)
            .await
            .into_iter()
            .find(|p| p.name.as_deref() == Some("ana"))
            .unwrap();
        let stays: Vec<_> = ana.attendance.iter().map(|s| (s.join, s.leave)).collect();
        assert_eq!(stays, [(at(10), Some(at(30))), (at(40), Some(at(50)))]);

        // Zoom's full list: another end for bob, nobody called eve.
        let list = [
            stay("ana", 10, Some(30)),
            stay("ana", 40, Some(49)),
            stay("bob", 20, Some(48)),
        ];
        let mut tx = world.begin().await;
        let told = seen(100, Source::Report);
        assert_eq!(
            tx.replace_attendance(instance, &list, &told).await.unwrap(),
            Change::Updated
        );
        assert_eq!(
            tx.replace_attendance(instance, &list, &told).await.unwrap(),
            Change::Unchanged
        );
        tx.commit().await.unwrap();
        let people = people(&world, instance).await;
        assert_eq!(people.len(), 2);
        let ends: Vec<_> = people
            .iter()
            .flat_map(|p| &p.attendance)
            .map(|s| s.leave.unwrap())
            .collect();
        assert_eq!(ends, [at(30), at(49), at(48)]);
    }
);

story!(
    a_stay_put_as_merged_moves_to_the_better_key,
    |world| async move {
        let (_, account) = world.account().await;
        let instance = world.instance(account, "u", "t", 0).await;
        let told = seen(10, Source::Webhook);
        let mut tx = world.begin().await;
        let first = NewAttendance {
            raw: Some("{\"w\":1}".into()),
            ..stay("ana", 10, None)
        };
        assert_eq!(
            tx.put_stay(instance, &first, &told).await.unwrap(),
            Change::Inserted
        );
        let stored = tx.stay(instance, "ana@10").await.unwrap().unwrap();
        assert_eq!(
            (stored.match_key.as_str(), stored.raw.as_str(), stored.leave),
            ("name:ana", "{\"w\":1}", None)
        );
        let better = NewAttendance {
            match_key: "email:ana@x".into(),
            email: Some("ana@x".into()),
            leave: Some(at(60)),
            ..first.clone()
        };
        assert_eq!(
            tx.put_stay(instance, &better, &told).await.unwrap(),
            Change::Updated
        );
        assert_eq!(
            tx.put_stay(instance, &better, &told).await.unwrap(),
            Change::Unchanged
        );
        // An older stay completes, but does not rename.
        let older = NewAttendance {
            match_key: "email:ana@x".into(),
            name: Some("Ana (old)".into()),
            role: Some("host".into()),
            ..stay("ana", 5, Some(6))
        };
        tx.put_stay(instance, &older, &told).await.unwrap();
        assert_eq!(tx.stays(instance).await.unwrap().len(), 2);
        tx.commit().await.unwrap();
        let people = people(&world, instance).await;
        assert_eq!(people.len(), 1);
        assert_eq!(people[0].match_key, "email:ana@x");
        assert_eq!(
            (people[0].role.as_deref(), people[0].email.as_deref()),
            (Some("host"), Some("ana@x"))
        );
        assert_eq!(people[0].attendance.len(), 2);
    }
);
