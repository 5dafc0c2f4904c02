use jiff::tz::TimeZone;
use parfocal_formats::query;
use parfocal_store::{
    AnalysisKey, ChatMessage, Cue, EMBEDDED, HitKind, Instance, NewAnalysis, NewInsight,
    NewInstance, NewTranscript, NewUser, Scope, SearchPage, SearchRequest, Sort, Source,
    TranscriptSource, Words, utterances,
};

use crate::support::{World, at, seen, story};

const SCOPE: Scope = Scope::DEFAULT;

async fn meeting(
    world: &World,
    account: parfocal_store::AccountId,
    uuid: &str,
    topic: &str,
    start: i64,
    lines: &[(&str, &str)],
) {
    let instance = world.instance(account, uuid, topic, start).await;
    let cues: Vec<Cue> = (1..)
        .zip(lines)
        .map(|(n, (speaker, text))| Cue {
            n,
            start_ms: n * 60_000,
            end_ms: n * 60_000 + 900,
            speaker: Some((*speaker).to_owned()),
            text: (*text).to_owned(),
        })
        .collect();
    let new = NewTranscript {
        instance_id: instance,
        file_id: None,
        source: TranscriptSource::Recording,
        sha256: uuid,
        lang: None,
        parser_v: 1,
        warnings: 0,
        cues: &cues,
        utterances: &utterances(&cues),
    };
    let mut tx = world.begin().await;
    tx.store_transcript(&new, at(0)).await.unwrap();
    let chat = ChatMessage {
        n: 1,
        at_ms: 5,
        sender: "Carla Chat".into(),
        to: None,
        text: format!("link for {uuid}: budget sheet"),
    };
    tx.store_chat(instance, None, &[chat]).await.unwrap();
    tx.commit().await.unwrap();
}

pub(crate) async fn world_of_talk(world: &World) {
    let (_, account) = world.account().await;
    meeting(
        world,
        account,
        "u1",
        "Weekly Standup",
        0,
        &[
            ("Ana Silva", "The quarterly budget plan is ready."),
            ("Bob", "Plan the budget? <script>alert(1)</script> don't"),
            ("José Núñez", "Der Café-Besuch in Straße 12 war schön."),
        ],
    )
    .await;
    meeting(
        world,
        account,
        "u2",
        "予算 会議",
        86_400,
        &[
            ("田中", "来週の会議室を予約しました。"),
            ("Ana Silva", "我们讨论了预算和计划。"),
            ("김민수", "회의록을 공유하겠습니다."),
        ],
    )
    .await;
    let mut tx = world.begin().await;
    let host = NewUser {
        external_id: "host-1".into(),
        email: Some("olga@example.com".into()),
        name: Some("Olga Host".into()),
        ..NewUser::default()
    };
    tx.upsert_user(account, &host, &seen(0, Source::List))
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

pub(crate) async fn search(world: &World, text: &str) -> SearchPage {
    let query = query::parse(text).unwrap();
    world
        .store
        .search(SCOPE, &query, &TimeZone::UTC, 50, None)
        .await
        .unwrap()
}

story!(words_phrases_filters_and_languages, |world| async move {
    world_of_talk(&world).await;
    for (text, expected) in [
        ("budget", 4),
        ("BUDGET plan", 2),
        ("\"budget plan\"", 1),
        ("\"plan the budget\"", 1),
        ("budg* -sheet", 2),
        ("quart*", 1),
        ("budget -\"budget plan\"", 3),
        ("cafe", 1),
        ("strasse", 1),
        ("don't", 1),
        ("nothinghere", 0),
        ("budget speaker:ana", 1),
        ("budget speaker:silva", 1),
        ("budget -speaker:carla", 2),
        ("speaker:ana", 2),
        ("speaker:ana speaker:bob", 3),
        ("speaker:nunez", 1),
        ("speaker:田中", 1),
        ("会議", 2),
        ("会議室", 1),
        ("室", 1),
        ("预算", 1),
        ("회의록", 1),
        ("회의", 1),
        ("budget topic:standup", 3),
        ("budget -topic:standup", 1),
        ("topic:予算", 5),
        ("budget host:olga", 4),
        ("budget host:olga@example.com", 4),
        ("budget host:peter", 0),
        ("budget from:2026-11-23", 1),
        ("budget before:2026-11-23", 3),
        ("topic:standup -budget", 2),
        ("topic:standup speaker:bob", 1),
        ("alert", 1),
        ("budgets", 4),
        ("standup", 1),
        ("\"budgets\"", 0),
        ("cafe OR alert", 2),
        ("cafe OR alert plan", 1),
        ("quartely~", 1),
        ("quartely", 1),
        ("budget kind:written", 2),
        ("budget kind:said", 2),
        ("standup kind:title", 1),
        ("standup -kind:title", 0),
        ("budget series:standup", 3),
        ("budget participant:nobody", 0),
    ] {
        let found = search(&world, text).await.hits;
        let shown: Vec<&str> = found.iter().map(|hit| hit.snippet.as_str()).collect();
        assert_eq!(found.len(), expected, "{text}: {shown:?}");
    }
});

story!(a_hit_says_where_and_marks_what, |world| async move {
    world_of_talk(&world).await;
    let found = search(&world, "quarterly plan").await.hits;
    let hit = &found[0];
    assert_eq!(
        (hit.kind, hit.cues, hit.start_ms, hit.end_ms),
        (HitKind::Said, Some((1, 1)), 60_000, 60_900)
    );
    assert_eq!(
        (hit.topic.as_deref(), hit.instance_external_id.as_str()),
        (Some("Weekly Standup"), "u1")
    );
    assert_eq!(
        (hit.host_email.as_deref(), hit.host_name.as_deref()),
        (Some("olga@example.com"), Some("Olga Host"))
    );
    assert_eq!(
        (hit.speaker.as_deref(), hit.started_at),
        (Some("Ana Silva"), Some(at(0)))
    );
    let marked: Vec<&str> = hit.marks.iter().map(|m| &hit.snippet[m.clone()]).collect();
    assert_eq!(marked, ["quarterly", "plan"]);
    let chat = search(&world, "sheet u2").await.hits;
    assert_eq!(
        (chat.len(), chat[0].kind, chat[0].cues),
        (1, HitKind::Written, None)
    );
    assert_eq!(chat[0].speaker.as_deref(), Some("Carla Chat"));
});

story!(
    raw_text_of_people_never_reaches_the_engine,
    |world| async move {
        world_of_talk(&world).await;
        for text in [
            "\"); DROP TABLE cues; --",
            "a' OR '1'='1",
            "body:budget",
            "NEAR(budget plan)",
            "budget AND OR NOT plan",
            "{speaker}:x ^budget",
            "budget:*A | plan",
            "\\ ' '' :* <-> !",
            "speaker:\"') | ('\"",
            "topic:%_\\",
            "host:[\"x\"]",
        ] {
            if let Ok(query) = query::parse(text) {
                world
                    .store
                    .search(SCOPE, &query, &TimeZone::UTC, 5, None)
                    .await
                    .unwrap();
            }
        }
    }
);

story!(
    pages_follow_each_other_without_gap_or_repetition,
    |world| async move {
        let (_, account) = world.account().await;
        let lines: Vec<(String, String)> = (0..60)
            .map(|n| {
                (
                    format!("s{}", n % 2),
                    format!("common {}", "filler ".repeat(n % 7)),
                )
            })
            .collect();
        let lines: Vec<(&str, &str)> = lines
            .iter()
            .map(|(s, t)| (s.as_str(), t.as_str()))
            .collect();
        meeting(&world, account, "u", "t", 0, &lines).await;
        let query = query::parse("common").unwrap();
        let mut seen = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = world
                .store
                .search(SCOPE, &query, &TimeZone::UTC, 7, after.as_deref())
                .await
                .unwrap();
            assert!(
                page.hits
                    .windows(2)
                    .all(|pair| pair[0].score >= pair[1].score)
            );
            seen.extend(page.hits.iter().map(|hit| hit.start_ms));
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        assert_eq!(seen.len(), 60);
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 60);
        let error = world
            .store
            .search(SCOPE, &query, &TimeZone::UTC, 7, Some("x"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), parfocal_store::ErrorKind::Invalid);
    }
);

story!(a_workspace_finds_only_its_own, |world| async move {
    world_of_talk(&world).await;
    let other = Scope::of(world.store.ensure_workspace("other", at(0)).await.unwrap());
    let query = query::parse("budget").unwrap();
    let theirs = world
        .store
        .search(other, &query, &TimeZone::UTC, 50, None)
        .await
        .unwrap();
    assert_eq!(theirs.hits.len(), 0);
    assert_eq!(search(&world, "budget").await.hits.len(), 4);
});

story!(
    filters_find_the_same_wherever_rows_lie,
    |world| async move {
        let (_, account) = world.account().await;
        // Every fifth meeting is a retro: its rows lie scattered; those of a day lie together.
        for n in 0..15_i64 {
            let topic = if n % 5 == 2 { "Retro" } else { "Planning" };
            let own = format!("meeting{n}");
            meeting(
                &world,
                account,
                &format!("u{n}"),
                topic,
                n * 86_400,
                &[("Ana", "the budget"), ("Bob", &own), ("Ana", "the plan")],
            )
            .await;
        }
        for (text, expected) in [
            ("the topic:retro", 6),
            ("the speaker:ana topic:retro", 6),
            ("meeting7 topic:retro", 1),
            ("meeting8 topic:retro", 0),
            ("topic:retro", 15),
            ("topic:retro -the", 9),
            ("sheet topic:retro", 3),
            ("the from:2026-11-24 before:2026-11-27", 6),
            ("from:2026-11-24 before:2026-11-27", 15),
            ("from:2026-11-24 before:2026-11-27 -the", 9),
            ("sheet from:2026-11-24 before:2026-11-27", 3),
            ("the topic:retro from:2026-11-24 before:2026-11-27", 2),
            ("the topic:nothing", 0),
            ("topic:nothing", 0),
        ] {
            let query = query::parse(text).unwrap();
            let mut found = Vec::new();
            let mut after: Option<String> = None;
            loop {
                let page = world
                    .store
                    .search(SCOPE, &query, &TimeZone::UTC, 5, after.as_deref())
                    .await
                    .unwrap();
                found.extend(page.hits);
                after = page.next;
                if after.is_none() {
                    break;
                }
            }
            assert_eq!(found.len(), expected, "{text}");
            if text.contains("topic:retro") {
                let all = found
                    .iter()
                    .all(|hit| hit.topic.as_deref() == Some("Retro"));
                assert!(all, "{text}");
            }
        }
    }
);

static ZONE: TimeZone = TimeZone::UTC;

async fn search_for(world: &World, request: &SearchRequest<'_>) -> SearchPage {
    world.store.search_for(SCOPE, request).await.unwrap()
}

/// A statement of the first meeting's second utterance.
fn insight<'a>(kind: &'a str, text: &'a str, owner: Option<&'a str>) -> NewInsight<'a> {
    NewInsight {
        kind,
        text,
        speaker: Some("Bob"),
        owner,
        due: None,
        due_text: None,
        confidence: 900,
        start_ms: 120_000,
        cue_from: 2,
        cue_to: 2,
        quote: "Plan the budget?",
    }
}

async fn with_insights(world: &World) -> Instance {
    world_of_talk(world).await;
    let instance = world.store.find_instance(SCOPE, "u1").await.unwrap();
    let instance = instance.unwrap();
    let transcripts = world.store.transcripts(SCOPE, instance.id).await.unwrap();
    let new = NewAnalysis {
        transcript_id: transcripts[0].id,
        key: AnalysisKey {
            transcript_sha256: &transcripts[0].sha256,
            kind: "meeting",
            model: EMBEDDED,
            prompt_v: "1",
        },
        body: &serde_json::json!({}),
        dropped: 0,
        insights: &[
            insight(
                "action_item",
                "Send the ledger to the harbour",
                Some("Ana Silva"),
            ),
            insight("decision", "The ledger is closed", None),
        ],
    };
    let mut tx = world.begin().await;
    tx.store_analysis(&new, at(1)).await.unwrap();
    tx.commit().await.unwrap();
    instance
}

story!(what_was_understood_is_found_and_goes, |world| async move {
    let instance = with_insights(&world).await;
    assert_eq!(search(&world, "ledger").await.hits.len(), 2);
    let action = search(&world, "ledger kind:action").await.hits.remove(0);
    assert_eq!(
        (action.kind, action.speaker.as_deref(), action.cues),
        (HitKind::ActionItem, Some("Ana Silva"), Some((2, 2)))
    );
    assert_eq!(action.instance_external_id, "u1");
    assert!(action.transcript_id.is_some());
    assert_eq!(search(&world, "ledgers speaker:silva").await.hits.len(), 1);

    // A new topic is found by its words, and the old one no more.
    let renamed = NewInstance {
        external_id: "u1".into(),
        topic: Some("Harbour council".into()),
        ..NewInstance::default()
    };
    let mut tx = world.begin().await;
    tx.upsert_instance(instance.account_id, &renamed, &seen(90_000, Source::Detail))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(search(&world, "council kind:title").await.hits.len(), 1);
    assert_eq!(search(&world, "standup").await.hits.len(), 0);

    let mut tx = world.begin().await;
    tx.erase_instance(instance.id).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(search(&world, "ledger OR council").await.hits.len(), 0);
});

story!(
    counts_are_of_meetings_whatever_the_page_shows,
    |world| async move {
        world_of_talk(&world).await;
        let query = query::parse("budget").unwrap();
        let request = SearchRequest {
            facets: true,
            per_meeting: Some(1),
            ..SearchRequest::new(&query, &ZONE, 10)
        };
        let page = search_for(&world, &request).await;
        assert_eq!(page.hits.len(), 2);
        assert_eq!(page.hits.iter().map(|hit| hit.more).sum::<u32>(), 2);
        let facets = page.facets.unwrap();
        assert_eq!((facets.meetings, facets.months.len()), (2, 1));
        let month = &facets.months[0];
        assert_eq!((month.value.as_str(), month.meetings), ("2026-11", 2));
        let kinds: Vec<(&str, u64)> = facets
            .kinds
            .iter()
            .map(|count| (count.value.as_str(), count.meetings))
            .collect();
        assert_eq!(kinds, [("written", 2), ("said", 1)]);
        let host = &facets.hosts[0];
        assert_eq!((host.label.as_str(), host.meetings), ("Olga Host", 2));
        let bob = facets.speakers.iter().find(|count| count.value == "Bob");
        assert_eq!(bob.map(|count| count.meetings), Some(1));

        let by_date = SearchRequest {
            sort: Sort::Date,
            ..SearchRequest::new(&query, &ZONE, 10)
        };
        let page = search_for(&world, &by_date).await;
        let order: Vec<&str> = page
            .hits
            .iter()
            .map(|hit| hit.instance_external_id.as_str())
            .collect();
        assert_eq!(order, ["u2", "u1", "u1", "u1"]);
    }
);

story!(
    what_nobody_said_together_or_at_all_is_told,
    |world| async move {
        world_of_talk(&world).await;
        let query = query::parse("quarterly alert").unwrap();
        let strict = SearchRequest::new(&query, &ZONE, 10);
        assert_eq!(search_for(&world, &strict).await.hits.len(), 0);
        let lenient = SearchRequest {
            words: Words::AllOrAny,
            ..strict
        };
        let page = search_for(&world, &lenient).await;
        assert_eq!((page.hits.len(), page.relaxed), (2, true));
        let page = search(&world, "quartely").await;
        assert_eq!(
            page.instead,
            [("quartely".to_owned(), vec!["quarterly".to_owned()])]
        );
        // What is used and asked for loosely is not said to be missing.
        let page = search(&world, "quarterly~").await;
        assert_eq!((page.hits.len(), page.instead.len()), (1, 0), "{page:?}");
    }
);
