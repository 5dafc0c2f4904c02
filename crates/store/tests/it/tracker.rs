use jiff::Timestamp;
use parfocal_store::{
    ActionFilter, ActionState, Cue, InstanceId, NewAction, NewSighting, NewSpeaker, NewTranscript,
    PageRequest, Scope, TranscriptId, TranscriptSource, utterances,
};

use crate::support::{World, at, story};

const SCOPE: Scope = Scope::DEFAULT;

async fn transcript(world: &World, instance: InstanceId, sha256: &str) -> TranscriptId {
    let cues = [Cue {
        n: 1,
        start_ms: 0,
        end_ms: 900,
        speaker: Some("Edda".to_owned()),
        text: "I'll send the draft.".to_owned(),
    }];
    let new = NewTranscript {
        instance_id: instance,
        file_id: None,
        source: TranscriptSource::Import,
        sha256,
        lang: None,
        parser_v: 1,
        warnings: 0,
        cues: &cues,
        utterances: &utterances(&cues),
    };
    let mut tx = world.begin().await;
    let outcome = tx.store_transcript(&new, at(0)).await.unwrap();
    tx.commit().await.unwrap();
    outcome.id()
}

fn action(text: &str, last: Timestamp, seen: &[(InstanceId, TranscriptId)]) -> NewAction {
    NewAction {
        id: None,
        text: text.to_owned(),
        owner: Some("Edda Brandt".to_owned()),
        owner_email: Some("edda@x.test".to_owned()),
        due: Some("2026-03-06".to_owned()),
        due_text: None,
        confidence: 700,
        state: ActionState::Open,
        state_by: None,
        state_at: None,
        first_at: at(0),
        last_at: last,
        sightings: seen
            .iter()
            .map(|(instance_id, transcript_id)| NewSighting {
                transcript_id: *transcript_id,
                instance_id: *instance_id,
                model: "embedded".to_owned(),
                cue_from: 1,
                cue_to: 1,
                start_ms: 0,
                text: text.to_owned(),
                quote: "I'll send the draft.".to_owned(),
            })
            .collect(),
    }
}

// Actions of a series are replaced together, listed page by page, filtered, marked once, and go with their meetings.
story!(actions_are_kept_listed_and_marked, |world| async move {
    let (_, account) = world.account().await;
    let one = world.instance(account, "u1", "Harbour", 0).await;
    let two = world.instance(account, "u2", "Harbour", 100).await;
    let (a, b) = (
        transcript(&world, one, "aa").await,
        transcript(&world, two, "bb").await,
    );
    let series = world.store.series_of(SCOPE, one).await.unwrap().unwrap();
    assert_eq!(
        world.store.series_of(SCOPE, two).await.unwrap().as_deref(),
        Some(&*series)
    );
    assert!(series.ends_with("/81234567890"), "{series}");
    let mut tx = world.begin().await;
    let new = [
        action("Send the draft", at(100), &[(one, a), (two, b)]),
        action("Book the room", at(0), &[(one, a)]),
    ];
    tx.replace_actions(&series, &new, at(5)).await.unwrap();
    tx.commit().await.unwrap();

    let list = async |filter: ActionFilter, page: PageRequest| {
        world.store.actions(SCOPE, &filter, &page).await.unwrap()
    };
    let all = ActionFilter::default;
    let first = list(all(), PageRequest::first(1)).await;
    assert_eq!(first.items[0].text, "Send the draft");
    assert_eq!(
        (first.items[0].meetings, first.items[0].topic.as_deref()),
        (2, Some("Harbour"))
    );
    let second = list(
        all(),
        PageRequest {
            limit: 1,
            after: first.next.clone(),
        },
    )
    .await;
    assert_eq!(second.items[0].text, "Book the room");
    assert!(second.next.is_none());
    let count = async |filter: ActionFilter| list(filter, PageRequest::first(10)).await.items.len();
    assert_eq!(
        count(ActionFilter {
            carried: true,
            ..all()
        })
        .await,
        1
    );
    assert_eq!(
        count(ActionFilter {
            instance: Some(two),
            ..all()
        })
        .await,
        1
    );
    assert_eq!(
        count(ActionFilter {
            owner: Some("EDDA b".into()),
            ..all()
        })
        .await,
        2
    );
    assert_eq!(
        count(ActionFilter {
            owner: Some("Edda@X.test".into()),
            ..all()
        })
        .await,
        2
    );
    assert_eq!(
        count(ActionFilter {
            owner: Some("Luan".into()),
            ..all()
        })
        .await,
        0
    );
    assert_eq!(
        count(ActionFilter {
            due_before: Some("2026-03-06".into()),
            ..all()
        })
        .await,
        0
    );
    assert_eq!(
        count(ActionFilter {
            due_before: Some("2026-03-07".into()),
            ..all()
        })
        .await,
        2
    );
    assert_eq!(
        count(ActionFilter {
            series: Some(series.clone()),
            ..all()
        })
        .await,
        2
    );

    let id = first.items[0].id;
    assert_eq!(world.store.sightings(SCOPE, id).await.unwrap().len(), 2);
    let mut tx = world.begin().await;
    assert!(
        tx.mark_action(id, ActionState::Done, "operator", at(9))
            .await
            .unwrap()
    );
    assert!(
        !tx.mark_action(id, ActionState::Done, "another", at(10))
            .await
            .unwrap()
    );
    tx.commit().await.unwrap();
    let row = world.store.action(SCOPE, id).await.unwrap().unwrap();
    assert_eq!(
        (row.state, row.state_by.as_deref(), row.state_at),
        (ActionState::Done, Some("operator"), Some(at(9)))
    );
    let owners = world.store.action_owners(SCOPE, 5).await.unwrap();
    assert_eq!((owners[0].open, owners[0].total), (1, 2));

    let mut tx = world.begin().await;
    tx.erase_instance(one).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(count(all()).await, 1);
    assert_eq!(world.store.sightings(SCOPE, id).await.unwrap().len(), 1);
});

// What a person said of a name is kept once, changed in place, and taken back.
story!(speakers_are_set_and_forgotten, |world| async move {
    let (_, account) = world.account().await;
    let instance = world.instance(account, "u", "t", 0).await;
    for (name, by) in [("Edda Brandt", "one"), ("Edda Berg", "two")] {
        let new = NewSpeaker {
            label: "Edda",
            name,
            email: Some("edda@x.test"),
            source: "person",
            confidence: 1_000,
            set_by: by,
        };
        let mut tx = world.begin().await;
        tx.put_speaker(instance, &new, at(1)).await.unwrap();
        tx.commit().await.unwrap();
    }
    let rows = world.store.speakers(SCOPE, instance).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].name.as_str(), rows[0].set_by.as_str()),
        ("Edda Berg", "two")
    );
    let mut tx = world.begin().await;
    assert!(tx.drop_speaker(instance, "Edda").await.unwrap());
    assert!(!tx.drop_speaker(instance, "Edda").await.unwrap());
    tx.commit().await.unwrap();
    assert!(
        world
            .store
            .speakers(SCOPE, instance)
            .await
            .unwrap()
            .is_empty()
    );
});
