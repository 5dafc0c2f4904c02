//! Meetings as resources and as answers to common questions.

use super::*;

#[tokio::test]
async fn meetings_are_resources_and_every_line_can_be_proved() {
    let stage = Stage::new().await;
    let site = &stage.site;
    let (instance, transcript) = meeting(site, "simulator", "Zanzibar").await;
    for number in 0..30 {
        meeting(site, "simulator", &format!("Another {number}")).await;
    }
    let mut uris: Vec<String> = Vec::new();
    let mut params = json!({});
    loop {
        let piece =
            said(&modern(site, None, "resources/list", params).await.is(200))["result"].clone();
        uris.extend(
            names(&piece, "resources", "uri")
                .into_iter()
                .map(str::to_owned),
        );
        match piece["nextCursor"].as_str() {
            Some(cursor) => params = json!({ "cursor": cursor }),
            None => break,
        }
    }
    assert_eq!(uris.len(), 31 * 3);
    let talk = format!("parfocal://meeting/{instance}/transcript");
    assert!(uris.contains(&talk), "{uris:?}");
    let foreign = said(&modern(site, None, "resources/list", json!({"cursor": "AAAA"})).await);
    assert_eq!(foreign["error"]["code"], -32602);
    let read = |uri: String| async move {
        said(&modern(site, None, "resources/read", json!({ "uri": uri })).await)
    };
    let text = |answer: &Value| {
        answer["result"]["contents"][0]["text"]
            .as_str()
            .unwrap_or_else(|| panic!("{answer}"))
            .to_owned()
    };

    let whole = text(&read(talk.clone()).await);
    assert!(
        whole.contains("[00:01:00 #1] Ana Silva: Welcome"),
        "{whole}"
    );
    assert!(
        whole.contains(&format!("parfocal://transcript/{transcript}/cues/7-9")),
        "{whole}"
    );
    let forged = whole
        .lines()
        .filter(|line| line.starts_with("[00:00:09"))
        .count();
    assert_eq!(forged, 0, "what was said cannot pose as a line: {whole}");
    let later = text(&read(format!("{talk}?from=3")).await);
    assert!(!later.contains("#1]") && later.contains("#3]"), "{later}");

    let cited = read(format!("parfocal://transcript/{transcript}/cues/2-3")).await;
    let proof = &cited["result"]["contents"][0]["_meta"]["dev.parfocal/citation"];
    assert_eq!(
        (
            proof["cue_from"].as_u64(),
            proof["start_ms"].as_u64(),
            proof["meeting_id"].as_str()
        ),
        (Some(2), Some(120_000), Some(instance.to_string().as_str()))
    );
    assert_eq!(proof["at"], "2026-11-20T10:02:00Z");
    assert!(text(&cited).contains("[00:02:00 to 00:02:00 #2] Ben Ode: We decided"));

    let known = text(&read(format!("parfocal://meeting/{instance}/insights")).await);
    assert!(
        known.contains(&format!("parfocal://transcript/{transcript}/cues/")),
        "{known}"
    );
    // Zoom's UUID may stand for our id, written as an address writes it.
    let facts = text(&read("parfocal://meeting/Zanzibar%2F%2B%3D%3D".to_owned()).await);
    let facts: Value = serde_json::from_str(&facts).unwrap();
    assert_eq!(facts["topic"], "Zanzibar");
    assert!(
        text(&read(format!("parfocal://meeting/{instance}/chat")).await)
            .contains("Nothing was written")
    );
    for uri in [
        "parfocal://meeting/none".to_owned(),
        format!("{talk}?part=2"),
        format!("parfocal://transcript/{transcript}/cues/9"),
        "file:///etc/passwd".to_owned(),
    ] {
        assert_eq!(read(uri.clone()).await["error"]["code"], -32602, "{uri}");
    }
    let templates = said(
        &modern(site, None, "resources/templates/list", json!({}))
            .await
            .is(200),
    );
    let forms = names(&templates["result"], "resourceTemplates", "uriTemplate");
    assert!(
        forms.contains(&"parfocal://transcript/{transcript}/cues/{cues}"),
        "{forms:?}"
    );
}

#[tokio::test]
async fn questions_bring_what_is_known_of_their_answer() {
    let stage = Stage::new().await;
    let site = &stage.site;
    let (instance, transcript) = meeting(site, "simulator", "Zanzibar").await;
    let listed = said(&modern(site, None, "prompts/list", json!({})).await.is(200));
    let known = names(&listed["result"], "prompts", "name");
    assert!(
        known.contains(&"what_was_decided") && known.contains(&"open_action_items"),
        "{known:?}"
    );
    let get = |name: &'static str, arguments: Value| async move {
        let params = json!({"name": name, "arguments": arguments});
        said(&modern(site, None, "prompts/get", params).await)
    };
    let proof = format!("parfocal://transcript/{transcript}/cues/");
    let caught_up = get("catch_me_up", json!({"meeting": "zanzibar"})).await;
    let messages = &caught_up["result"]["messages"];
    assert_eq!(
        messages[0]["content"]["resource"]["uri"],
        format!("parfocal://meeting/{instance}/insights")
    );
    assert!(messages[0].to_string().contains(&proof), "{caught_up}");
    assert!(
        messages[1]["content"]["text"]
            .as_str()
            .unwrap()
            .contains("Catch me up")
    );
    let decided = get("what_was_decided", json!({"meeting": instance.to_string()}))
        .await
        .to_string();
    assert!(
        decided.contains("March") && decided.contains(&format!("{proof}2")),
        "{decided}"
    );
    let owed = get("open_action_items", json!({"person": "ben"}))
        .await
        .to_string();
    assert!(
        owed.contains("budget") && owed.contains(&format!("{proof}3")),
        "{owed}"
    );
    let later = get("what_was_decided", json!({"since": "2027-01-01"}))
        .await
        .to_string();
    assert!(later.contains("Nothing of the kind"), "{later}");
    let passages = get("who_said_what", json!({"query": "zanzibar"}))
        .await
        .to_string();
    assert!(passages.contains(&format!("{proof}1")), "{passages}");
    let mail = get("follow_up_mail", json!({"meeting": "zanzibar"})).await;
    assert!(mail["result"].is_object(), "{mail}");
    let next = get("prepare_meeting", json!({"meeting": "zanzibar"}))
        .await
        .to_string();
    assert!(next.contains("agenda"), "{next}");
    for (name, arguments) in [
        ("catch_me_up", json!({})),
        ("catch_me_up", json!({"meeting": "no such thing"})),
        ("what_was_decided", json!({"since": "soon"})),
        ("open_questions", json!({"else": "x"})),
        ("no_such_prompt", json!({})),
    ] {
        assert_eq!(
            get(name, arguments).await["error"]["code"],
            -32602,
            "{name}"
        );
    }
    let params = json!({
        "ref": {"type": "ref/prompt", "name": "catch_me_up"}, "argument": {"name": "meeting", "value": "zan"},
    });
    let completed = said(
        &modern(site, None, "completion/complete", params)
            .await
            .is(200),
    );
    assert_eq!(
        completed["result"]["completion"]["values"],
        json!(["Zanzibar"])
    );
}

#[tokio::test]
async fn a_long_talk_comes_in_pieces_that_miss_nothing() {
    let stage = Stage::new().await;
    let site = &stage.site;
    let words = "so that everybody hears of the zanzibar budget ".repeat(3);
    let cues: Vec<Cue> = (1..=2000)
        .map(|n| cue(n, if n % 2 == 0 { "Ana" } else { "Ben" }, &words))
        .collect();
    let (instance, _) = meeting_with(site, "simulator", "Long", &cues).await;
    let mut uri = Some(format!("parfocal://meeting/{instance}/transcript"));
    let (mut seen, mut pieces) = (Vec::new(), 0);
    while let Some(asked) = uri {
        pieces += 1;
        let read = said(
            &modern(site, None, "resources/read", json!({ "uri": asked }))
                .await
                .is(200),
        );
        let contents = &read["result"]["contents"][0];
        let text = contents["text"].as_str().unwrap();
        assert!(text.len() < 128 * 1024, "{} bytes at once", text.len());
        seen.extend(text.lines().filter_map(|line| {
            let (_, rest) = line.strip_prefix('[')?.split_once('#')?;
            rest.split(']').next()?.parse::<u32>().ok()
        }));
        uri = contents["_meta"]["dev.parfocal/next"]
            .as_str()
            .map(str::to_owned);
    }
    assert!(pieces > 2, "{pieces}");
    assert_eq!(seen, (1..=2000).collect::<Vec<u32>>());
    let all = call(
        site,
        None,
        "transcript.get",
        json!({"meeting": instance.to_string()}),
    )
    .await;
    let words = all["content"][0]["text"].as_str().unwrap();
    assert!(
        all["isError"] == true
            && words.contains(&format!("parfocal://meeting/{instance}/transcript")),
        "{words}"
    );
}
