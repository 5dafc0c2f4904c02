use parfocal_store::{
    ArtefactKind, ArtefactState, Change, NewArtefact, NewBlob, NewFile, NewRecording, PageRequest,
    Scope, Source, Sweep,
};

use crate::support::{at, seen, story};

const SCOPE: Scope = Scope::DEFAULT;

story!(recordings_files_and_blobs, |world| async move {
    let (_, account) = world.account().await;
    let instance = world.instance(account, "u", "t", 0).await;
    let mut tx = world.begin().await;
    let new = NewRecording {
        external_id: "u".into(),
        share_url: Some("https://s".into()),
        ..NewRecording::default()
    };
    let recording = tx
        .upsert_recording(account, instance, &new, &seen(1, Source::Webhook))
        .await
        .unwrap()
        .id;
    let file = |status: &str| NewFile {
        external_id: "f1".into(),
        file_type: "TRANSCRIPT".into(),
        status: Some(status.into()),
        ..NewFile::default()
    };
    let id = tx
        .upsert_file(
            account,
            recording,
            instance,
            &file("processing"),
            &seen(1, Source::Webhook),
        )
        .await
        .unwrap()
        .id;
    let done = tx
        .upsert_file(
            account,
            recording,
            instance,
            &file("completed"),
            &seen(2, Source::Webhook),
        )
        .await
        .unwrap();
    assert_eq!((done.id, done.change), (id, Change::Updated));
    let blob = |n: u8| NewBlob {
        key: format!("k{n}"),
        sha256: format!("{n:064}"),
        size: 5,
        content_type: "text/vtt".into(),
    };
    let one = tx.put_blob(&blob(1), at(1)).await.unwrap();
    assert_eq!(tx.put_blob(&blob(1), at(2)).await.unwrap(), one);
    let two = tx.put_blob(&blob(2), at(1)).await.unwrap();
    assert!(tx.set_file_blob(id, Some(one), at(3)).await.unwrap());
    assert!(!tx.set_file_blob(id, Some(one), at(3)).await.unwrap());
    assert!(tx.set_file_blob(id, Some(two), at(4)).await.unwrap());
    assert!(tx.delete_file(id, &seen(9, Source::Webhook)).await.unwrap());
    assert!(
        tx.restore_file(id, &seen(10, Source::Webhook))
            .await
            .unwrap()
    );
    assert!(
        tx.delete_recording(recording, &seen(9, Source::Webhook))
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    assert_eq!(world.store.blob(SCOPE, one).await.unwrap().unwrap().refs, 0);
    assert_eq!(
        world
            .store
            .blob_by_sha256(SCOPE, &blob(2).sha256)
            .await
            .unwrap()
            .unwrap()
            .refs,
        1
    );
    let files = world
        .store
        .files_of_instance(SCOPE, instance)
        .await
        .unwrap();
    assert_eq!(
        (files.len(), files[0].blob_id, files[0].deleted_at),
        (1, Some(two), None)
    );
    assert_eq!(
        world
            .store
            .recordings(SCOPE, None, &PageRequest::first(5))
            .await
            .unwrap()
            .items,
        []
    );
    assert_eq!(
        world
            .store
            .recordings_of(SCOPE, instance)
            .await
            .unwrap()
            .len(),
        1
    );
});

story!(
    what_is_to_be_had_has_a_state_and_a_reason,
    |world| async move {
        let (_, account) = world.account().await;
        let first = world.instance(account, "u1", "t", 0).await;
        let second = world.instance(account, "u2", "t", 100).await;
        let put = |state, cause: &str| NewArtefact {
            owner_id: first.into(),
            kind: ArtefactKind::Transcript,
            state,
            cause: Some(cause.into()),
            detail: Some("Zoom said".into()),
            expected_by: Some(at(50)),
        };
        let mut tx = world.begin().await;
        let expected = put(ArtefactState::Expected, "late");
        assert_eq!(
            tx.expect_artefact(&expected, at(0)).await.unwrap(),
            Change::Inserted
        );
        tx.commit().await.unwrap();
        assert_eq!(
            world
                .store
                .overdue_artefacts(SCOPE, at(49), 10)
                .await
                .unwrap()
                .len(),
            0
        );
        assert_eq!(
            world
                .store
                .overdue_artefacts(SCOPE, at(50), 10)
                .await
                .unwrap()
                .len(),
            1
        );
        let mut tx = world.begin().await;
        assert_eq!(
            tx.put_artefact(&put(ArtefactState::Present, "x"), at(1))
                .await
                .unwrap(),
            Change::Updated
        );
        assert_eq!(
            tx.put_artefact(&put(ArtefactState::Present, "x"), at(2))
                .await
                .unwrap(),
            Change::Unchanged
        );
        assert_eq!(
            tx.expect_artefact(&expected, at(3)).await.unwrap(),
            Change::Unchanged
        );
        assert_eq!(
            tx.artefact(first.into(), ArtefactKind::Transcript)
                .await
                .unwrap()
                .unwrap()
                .state,
            ArtefactState::Present
        );
        tx.commit().await.unwrap();
        let sweep = |state| Sweep {
            account,
            kind: ArtefactKind::Transcript,
            state,
            cause: None,
            from: Some(at(0)),
            before: Some(at(1000)),
            after: None,
            limit: 10,
        };
        let without = world
            .store
            .sweep_instances(SCOPE, &sweep(None))
            .await
            .unwrap();
        assert_eq!(without.iter().map(|i| i.id).collect::<Vec<_>>(), [second]);
        let with = world
            .store
            .sweep_instances(SCOPE, &sweep(Some(ArtefactState::Present)))
            .await
            .unwrap();
        assert_eq!(with.iter().map(|i| i.id).collect::<Vec<_>>(), [first]);
        let counts = world.store.artefact_counts(SCOPE).await.unwrap();
        assert_eq!(
            (counts.len(), counts[0].count, counts[0].cause.as_deref()),
            (1, 1, Some("x"))
        );
    }
);

story!(recordings_are_listed_by_their_start, |world| async move {
    let (_, account) = world.account().await;
    // Seen in this order, as a backfill that goes backwards sees them.
    let starts = [30, 40, 10, 20, 40];
    for (n, start) in starts.into_iter().enumerate() {
        let uuid = format!("u{n}");
        let instance = world.instance(account, &uuid, "t", start).await;
        let mut tx = world.begin().await;
        let new = NewRecording {
            external_id: uuid,
            start: Some(at(start)),
            ..NewRecording::default()
        };
        tx.upsert_recording(account, instance, &new, &seen(1, Source::List))
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }
    let mut page = PageRequest::first(2);
    let mut found = Vec::new();
    loop {
        let rows = world.store.recordings(SCOPE, None, &page).await.unwrap();
        found.extend(rows.items);
        match rows.next {
            Some(next) => page.after = Some(next),
            None => break,
        }
    }
    let order: Vec<_> = found.iter().map(|row| row.start).collect();
    assert_eq!(order, [40, 40, 30, 20, 10].map(|start| Some(at(start))));
    assert!(found[0].id > found[1].id);
});
