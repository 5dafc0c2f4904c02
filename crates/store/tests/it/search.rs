use jiff::tz::TimeZone;
use parfocal_formats::query;
use parfocal_store::{
    ChatMessage, Cue, HitKind, NewTranscript, NewUser, Scope, SearchPage, Source, TranscriptSource,
    utterances,
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

async fn world_of_talk(world: &World) {
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

async fn search(world: &World, text: &str) -> SearchPage {
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
        ("会議", 1),
        ("会議室", 1),
        ("室", 1),
        ("预算", 1),
        ("회의록", 1),
        ("회의", 1),
        ("budget topic:standup", 3),
        ("budget -topic:standup", 1),
        ("topic:予算", 4),
        ("budget host:olga", 4),
        ("budget host:olga@example.com", 4),
        ("budget host:peter", 0),
        ("budget from:2026-11-23", 1),
        ("budget before:2026-11-23", 3),
        ("topic:standup -budget", 1),
        ("topic:standup speaker:bob", 1),
        ("alert", 1),
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
            ("topic:retro", 12),
            ("topic:retro -the", 6),
            ("sheet topic:retro", 3),
            ("the from:2026-11-24 before:2026-11-27", 6),
            ("from:2026-11-24 before:2026-11-27", 12),
            ("from:2026-11-24 before:2026-11-27 -the", 6),
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
