use jiff::civil::date;
use parfocal_store::{
    AnalysisId, AnalysisKey, Cue, InsightFilter, InstanceId, NewAnalysis, NewInsight,
    NewTranscript, Scope, TranscriptId, TranscriptSource, utterances,
};

use crate::support::{World, at, story};

const SCOPE: Scope = Scope::DEFAULT;

fn key(prompt_v: &str) -> AnalysisKey<'_> {
    AnalysisKey {
        transcript_sha256: "aa",
        kind: "meeting",
        model: "embedded",
        prompt_v,
    }
}

async fn transcript(world: &World, instance: InstanceId) -> TranscriptId {
    let cues = [Cue {
        n: 1,
        start_ms: 0,
        end_ms: 900,
        speaker: Some("Edda Brandt".to_owned()),
        text: "I'll send the draft by Friday.".to_owned(),
    }];
    let new = NewTranscript {
        instance_id: instance,
        file_id: None,
        source: TranscriptSource::Recording,
        sha256: "aa",
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

async fn keep(world: &World, transcript: TranscriptId, prompt_v: &str) -> Option<AnalysisId> {
    let insight = NewInsight {
        kind: "action_item",
        text: "Send the draft by Friday.",
        speaker: Some("Edda Brandt"),
        owner: Some("Edda Brandt"),
        due: Some(date(2026, 3, 6)),
        due_text: Some("by friday"),
        confidence: 750,
        start_ms: 0,
        cue_from: 1,
        cue_to: 1,
        quote: "I'll send the draft by Friday.",
    };
    let new = NewAnalysis {
        transcript_id: transcript,
        key: key(prompt_v),
        body: &serde_json::json!({"summary": "short"}),
        dropped: 2,
        insights: &[insight],
    };
    let mut tx = world.begin().await;
    let id = tx.store_analysis(&new, at(5)).await.unwrap();
    tx.commit().await.unwrap();
    id
}

// One result for one content, kind, model and version; newer rules replace it with its statements.
story!(
    a_result_is_kept_once_for_each_content_and_version,
    |world| async move {
        let (_, account) = world.account().await;
        let instance = world.instance(account, "u", "t", 0).await;
        let transcript = transcript(&world, instance).await;
        assert!(keep(&world, transcript, "1").await.is_some());
        assert!(keep(&world, transcript, "1").await.is_none());
        let stored = world
            .store
            .analysis(SCOPE, key("1"))
            .await
            .unwrap()
            .unwrap();
        assert_eq!((stored.dropped, stored.transcript_id), (2, transcript));
        assert_eq!(stored.body["summary"], "short");
        assert!(keep(&world, transcript, "2").await.is_some());
        assert!(
            world
                .store
                .analysis(SCOPE, key("1"))
                .await
                .unwrap()
                .is_none()
        );
        let all = world
            .store
            .insights(SCOPE, &InsightFilter::default(), 10)
            .await
            .unwrap();
        assert_eq!(all.len(), 1);
    }
);

// Statements are found by kind, owner and instance, and carry their proof.
story!(statements_are_found_across_meetings, |world| async move {
    let (_, account) = world.account().await;
    let instance = world.instance(account, "u", "t", 0).await;
    let transcript = transcript(&world, instance).await;
    keep(&world, transcript, "1").await;
    let count = async |filter: InsightFilter<'_>| {
        world
            .store
            .insights(SCOPE, &filter, 10)
            .await
            .unwrap()
            .len()
    };
    let kind = |kind| InsightFilter {
        kind: Some(kind),
        ..InsightFilter::default()
    };
    let owner = |owner| InsightFilter {
        owner: Some(owner),
        ..InsightFilter::default()
    };
    assert_eq!(count(kind("action_item")).await, 1);
    assert_eq!(count(kind("decision")).await, 0);
    assert_eq!(count(owner("edda")).await, 1);
    assert_eq!(count(owner("Luan")).await, 0);
    let of_instance = InsightFilter {
        instance: Some(instance),
        ..InsightFilter::default()
    };
    let found = world.store.insights(SCOPE, &of_instance, 10).await.unwrap();
    let item = &found[0];
    assert_eq!(item.due.as_deref(), Some("2026-03-06"));
    assert_eq!((item.cue_from, item.cue_to, item.confidence), (1, 1, 750));
    assert_eq!(item.quote, "I'll send the draft by Friday.");
    assert_eq!(
        (item.instance_id, item.transcript_id),
        (instance, transcript)
    );
});
