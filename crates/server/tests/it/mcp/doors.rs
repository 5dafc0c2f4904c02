//! Who may do and see what, under which name, from which page.

use super::*;

#[tokio::test]
async fn what_a_role_may_not_is_neither_shown_nor_done() {
    let stage = Stage::new().await;
    let site = &stage.site;
    let reader = key(site, "reader", Role::Read, &[]).await;
    let listed = said(
        &modern(site, Some(&reader), "tools/list", json!({}))
            .await
            .is(200),
    );
    let seen = names(&listed["result"], "tools", "name");
    assert!(seen.contains(&"search") && seen.contains(&"meeting.get") && seen.is_sorted());
    assert!(!seen.contains(&"meeting.create"), "{seen:?}");
    let refused = call(
        site,
        Some(&reader),
        "meeting.create",
        json!({"topic": "x", "start": "2030-01-07T09:00:00Z"}),
    )
    .await;
    assert_eq!(refused["isError"], true);
    let words = refused["content"][0]["text"].as_str().unwrap();
    assert!(words.contains("needs operate"), "{words}");
}

#[tokio::test]
async fn what_cannot_be_undone_needs_a_permission_for_each_tool() {
    let stage = Stage::with(|config| {
        config.mcp.destructive_tools = vec!["meeting.delete".into()];
        config.mcp.hidden_tools = vec!["webinar.*".into()];
    })
    .await;
    let site = &stage.site;
    let listed = said(&modern(site, None, "tools/list", json!({})).await.is(200));
    let seen = names(&listed["result"], "tools", "name");
    assert!(seen.contains(&"meeting.delete") && !seen.contains(&"recording.delete"));
    assert!(
        !seen.iter().any(|name| name.starts_with("webinar.")),
        "{seen:?}"
    );
    let of = |name: &str| {
        let tools = listed["result"]["tools"].as_array().unwrap();
        tools.iter().find(|tool| tool["name"] == name).unwrap()["annotations"].clone()
    };
    assert_eq!(of("meeting.delete")["destructiveHint"], true);
    assert_eq!(of("meeting.create")["idempotentHint"], false);
    assert_eq!(of("search")["openWorldHint"], false);
    for (name, setting) in [
        ("recording.delete", "destructive_tools"),
        ("webinar.list", "hidden_tools"),
    ] {
        let refused = call(site, None, name, json!({})).await;
        let words = refused["content"][0]["text"].as_str().unwrap();
        assert!(
            refused["isError"] == true && words.contains(setting),
            "{words}"
        );
    }
}

#[tokio::test]
async fn strangers_foreign_names_and_foreign_pages_are_refused() {
    let stage = Stage::with(|config| {
        config.mcp.allowed_hosts = vec!["zoom.example.org".into()];
        config.mcp.allowed_origins = vec![
            "https://app.example.org:443".into(),
            "http://localhost:*".into(),
        ];
    })
    .await;
    let site = &stage.site;
    let reader = key(site, "reader", Role::Read, &[]).await;
    let bearer = format!("Bearer {reader}");
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let stranger = talk::post(site, &ping, &[("host", "zoom.example.org")])
        .await
        .is(401);
    let challenge = stranger.header("www-authenticate").to_owned();
    assert!(
        challenge.starts_with("Bearer ")
            && challenge.contains("/.well-known/oauth-protected-resource/mcp\"")
            && challenge.contains("scope=\"read\""),
        "{challenge}"
    );
    let forged = talk::post(site, &ping, &[("authorization", "Bearer pf_no_such")])
        .await
        .is(401);
    assert!(forged.header("www-authenticate").contains("invalid_token"));
    let known = [
        ("host", "zoom.example.org"),
        ("authorization", bearer.as_str()),
    ];
    talk::post(site, &ping, &known).await.is(200);
    let rebound = [
        ("host", "evil.example.org"),
        ("authorization", bearer.as_str()),
    ];
    talk::post(site, &ping, &rebound)
        .await
        .is(403)
        .problem("host_refused");
    // Before anybody is asked for a key.
    talk::post(site, &ping, &[("host", "evil.example.org")])
        .await
        .is(403)
        .problem("host_refused");
    let stranger = [
        ("host", "zoom.example.org"),
        ("origin", "https://evil.example.org"),
    ];
    talk::post(site, &ping, &stranger)
        .await
        .is(403)
        .problem("origin_refused");
    for origin in ["https://evil.example.org", "null", "http://app.example.org"] {
        talk::post(site, &ping, &[("origin", origin)])
            .await
            .is(403)
            .problem("origin_refused");
    }
    for origin in [
        "https://app.example.org",
        "http://localhost:6274",
        site.url.as_str(),
    ] {
        talk::post(site, &ping, &[("origin", origin)]).await.is(200);
    }
    let allowed = talk::post(site, &ping, &[("origin", "https://app.example.org")]).await;
    assert_eq!(
        allowed.header("access-control-allow-origin"),
        "https://app.example.org"
    );
    let preflight = site
        .client
        .request(reqwest::Method::OPTIONS, format!("{}/mcp", site.url))
        .header("origin", "http://localhost:6274")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,mcp-method");
    let preflight = Answer::of(preflight.send().await.unwrap()).await.is(200);
    assert_eq!(
        preflight.header("access-control-allow-origin"),
        "http://localhost:6274"
    );
    let document = site
        .get("/.well-known/oauth-protected-resource/mcp")
        .await
        .is(200)
        .json();
    assert_eq!(document["resource"], format!("{}/mcp", site.url));
    assert_eq!(document["bearer_methods_supported"], json!(["header"]));
    assert_eq!(
        document["scopes_supported"],
        json!(["read", "operate", "admin"])
    );
}

#[tokio::test]
async fn a_key_for_one_connection_sees_the_meetings_of_its_account_only() {
    let stage = Stage::new().await;
    let site = &stage.site;
    let (own, _) = meeting(site, "simulator", "Own").await;
    let (other, transcript) = meeting(site, "elsewhere", "Other").await;
    let limited = key(site, "limited", Role::Read, &["env"]).await;
    let ask = |method: &'static str, params: Value| {
        let limited = limited.as_str();
        async move { said(&modern(site, Some(limited), method, params).await) }
    };
    let offered = ask("tools/list", json!({})).await;
    let offered = names(&offered["result"], "tools", "name");
    assert!(
        offered.contains(&"transcript.get")
            && offered.contains(&"search")
            && !offered.contains(&"schedule.list"),
        "what looks through all is not for it: {offered:?}"
    );
    let listed = ask("resources/list", json!({})).await;
    let uris = names(&listed["result"], "resources", "uri").join(" ");
    assert!(
        uris.contains(&own.to_string()) && !uris.contains(&other.to_string()),
        "{uris}"
    );
    for uri in [
        format!("parfocal://meeting/{other}"),
        format!("parfocal://meeting/{other}/transcript"),
        format!("parfocal://meeting/{other}/insights"),
        format!("parfocal://meeting/{other}/chat"),
        format!("parfocal://transcript/{transcript}/cues/1"),
    ] {
        let refused = ask("resources/read", json!({ "uri": uri })).await;
        assert_eq!(refused["error"]["data"]["code"], "forbidden", "{refused}");
    }
    let own_talk = ask(
        "resources/read",
        json!({"uri": format!("parfocal://meeting/{own}/transcript")}),
    )
    .await;
    assert!(own_talk["result"].is_object(), "{own_talk}");
    let params = json!({"name": "catch_me_up", "arguments": {"meeting": "Other"}});
    let hidden = ask("prompts/get", params).await;
    assert!(
        hidden["error"]["message"]
            .as_str()
            .unwrap()
            .contains("not_found"),
        "{hidden}"
    );
    // Analysed by somebody else, it is still not told.
    parfocal_engine::understand::of_instance(&site.app, other)
        .await
        .unwrap();
    let params = json!({"name": "what_was_decided", "arguments": {}});
    let told = ask("prompts/get", params).await.to_string();
    assert!(told.contains("Nothing of the kind"), "{told}");
}
