use parfocal_formats::query;
use parfocal_store::{
    ChatMessage, Cue, InstanceId, NewTranscript, Scope, TranscriptOutcome, TranscriptSource,
    utterances,
};

use crate::support::{World, at, story};

const SCOPE: Scope = Scope::DEFAULT;

fn cues(texts: &[(&str, &str)]) -> Vec<Cue> {
    (1..)
        .zip(texts)
        .map(|(n, (speaker, text))| Cue {
            n,
            start_ms: n * 1000,
            end_ms: n * 1000 + 900,
            speaker: Some((*speaker).to_owned()),
            text: (*text).to_owned(),
        })
        .collect()
}

async fn store(
    world: &World,
    instance: InstanceId,
    sha: &str,
    parser_v: i64,
    texts: &[(&str, &str)],
) -> TranscriptOutcome {
    let cues = cues(texts);
    let new = NewTranscript {
        instance_id: instance,
        file_id: None,
        source: TranscriptSource::Recording,
        sha256: sha,
        lang: None,
        parser_v,
        warnings: 0,
        cues: &cues,
        utterances: &utterances(&cues),
    };
    let mut tx = world.begin().await;
    let outcome = tx.store_transcript(&new, at(0)).await.unwrap();
    tx.commit().await.unwrap();
    outcome
}

async fn hits(world: &World, text: &str) -> usize {
    let query = query::parse(text).unwrap();
    world
        .store
        .search(SCOPE, &query, &jiff::tz::TimeZone::UTC, 50, None)
        .await
        .unwrap()
        .hits
        .len()
}

story!(
    a_transcript_is_stored_once_and_one_is_current,
    |world| async move {
        let (_, account) = world.account().await;
        let instance = world.instance(account, "u", "t", 0).await;
        let long: Vec<(String, String)> = (0..777)
            .map(|n| (format!("speaker {}", n % 3), format!("word{n} common")))
            .collect();
        let long: Vec<(&str, &str)> = long.iter().map(|(s, t)| (s.as_str(), t.as_str())).collect();
        let first = store(&world, instance, "aa", 1, &long).await;
        assert_eq!(
            store(&world, instance, "aa", 1, &long).await,
            TranscriptOutcome::Duplicate(first.id())
        );
        let read = world.store.cues(SCOPE, first.id(), 500, 10).await.unwrap();
        assert_eq!(
            (read.len(), read[0].n, read[0].text.as_str()),
            (10, 500, "word499 common")
        );
        assert_eq!(hits(&world, "word700").await, 1);

        let second = store(
            &world,
            instance,
            "bb",
            1,
            &[("ana", "fresh words"), ("ana", "go on")],
        )
        .await;
        assert!(matches!(second, TranscriptOutcome::Inserted(_)));
        assert_eq!(
            (hits(&world, "word700").await, hits(&world, "fresh").await),
            (0, 1)
        );
        let all = world.store.transcripts(SCOPE, instance).await.unwrap();
        assert_eq!(
            all.iter()
                .map(|t| (t.id, t.current, t.cues))
                .collect::<Vec<_>>(),
            [(second.id(), true, 2), (first.id(), false, 777)]
        );
        assert_eq!(
            world
                .store
                .cues(SCOPE, first.id(), 1, 1000)
                .await
                .unwrap()
                .len(),
            777,
            "the older one can still be cited"
        );
        assert_eq!(
            world
                .store
                .utterances(SCOPE, second.id(), 1, 10)
                .await
                .unwrap()
                .len(),
            1
        );

        // The older content comes again; then a newer parser reads it differently.
        assert_eq!(
            store(&world, instance, "aa", 1, &long).await,
            TranscriptOutcome::Duplicate(first.id())
        );
        assert_eq!(
            (hits(&world, "word700").await, hits(&world, "fresh").await),
            (1, 0)
        );
        assert_eq!(
            store(&world, instance, "aa", 2, &long[..10]).await,
            TranscriptOutcome::Duplicate(first.id())
        );
        assert_eq!(
            (hits(&world, "word700").await, hits(&world, "word5").await),
            (0, 1)
        );
        let status = world.store.status(SCOPE).await.unwrap();
        assert_eq!((status.transcripts, status.cues), (1, 10));
        assert_eq!(world.store.verify().await.unwrap(), Vec::<String>::new());
    }
);

story!(
    a_chat_file_is_stored_in_the_place_of_itself,
    |world| async move {
        let (_, account) = world.account().await;
        let instance = world.instance(account, "u", "t", 0).await;
        let message = |n: u32, text: &str| ChatMessage {
            n,
            at_ms: n * 10,
            sender: "Bob".into(),
            to: None,
            text: text.into(),
        };
        for text in ["first version", "second version"] {
            let mut tx = world.begin().await;
            tx.store_chat(instance, None, &[message(1, text), message(2, "😀 と")])
                .await
                .unwrap();
            tx.commit().await.unwrap();
        }
        let chat = world.store.chat(SCOPE, instance).await.unwrap();
        assert_eq!(chat, [message(1, "second version"), message(2, "😀 と")]);
        assert_eq!(
            (
                hits(&world, "first").await,
                hits(&world, "second speaker:bob").await
            ),
            (0, 1)
        );
        assert_eq!(world.store.verify().await.unwrap(), Vec::<String>::new());
    }
);
