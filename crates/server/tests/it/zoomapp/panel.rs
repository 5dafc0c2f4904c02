//! The panel: what it shows to whom, and how it hears of what is new.

use serde_json::{Value, json};

use super::{Page, World};

const UUID: &str = "/ab+cdefghi//lmnopqrsg==";

/// Tells of a moment of the meeting, as Zoom's webhook does.
async fn told(world: &World, account: &str, event: &str, at: i64, object: &Value) {
    let mut whole = json!({"id": "84410027731", "uuid": UUID, "topic": "Planning <script>alert(1)</script>",
        "type": 2, "host_id": object["host_id"], "start_time": "2026-11-20T12:00:00Z", "timezone": "UTC", "duration": 30});
    for name in ["participant", "end_time"] {
        if object.get(name).is_some() {
            whole[name] = object[name].clone();
        }
    }
    let body = json!({"event": event, "event_ts": 1_795_003_200_000_i64 + at * 1000,
        "payload": {"account_id": account, "object": whole}});
    // Signed for the time that the account and the server share.
    let now = world.zoom.site.app.clock().now();
    let ago = jiff::Timestamp::now().duration_since(now);
    world
        .zoom
        .site
        .deliver_at("/webhooks/zoom", &body.to_string(), ago)
        .await
        .is(204);
}

fn somebody(name: &str, id: &str, at: &str) -> Value {
    json!({"user_id": id, "participant_uuid": format!("P-{id}"), "user_name": name, "email": format!("{id}@private.example"),
        "id": "", "join_time": at, "date_time": at, "leave_time": at})
}

async fn account(world: &World) -> String {
    let connection = world.zoom.only_connection().await;
    connection["account"]["external_id"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn shows(world: &World, page: &Page, words: &[&str]) {
    super::until(&format!("{words:?} in the panel"), async || {
        let text = world.get(&mut page.clone(), "/zoomapp").await.is(200).text;
        words.iter().all(|word| text.contains(word))
    })
    .await;
}

#[tokio::test]
async fn pages_inside_zooms_client_have_the_headers_that_zoom_demands() {
    let world = World::start().await;
    let mut page = Page::default();
    let context = world.context(Some(world.me()), "").await;
    let headers = [("x-zoom-app-context", context.as_str())];
    let answer = world
        .send(&mut page, "GET", "/zoomapp", None, &headers)
        .await
        .is(200);
    assert_eq!(
        answer.header("strict-transport-security"),
        "max-age=31536000"
    );
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("referrer-policy"), "same-origin");
    assert_eq!(answer.header("cache-control"), "no-store");
    let policy = answer.header("content-security-policy");
    for part in [
        "default-src 'none'",
        "script-src 'self' https://appssdk.zoom.us;",
        "frame-ancestors https://zoom.us https://*.zoom.us",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(answer.headers.get("x-frame-options").is_none());
    let cookie = answer.header("set-cookie");
    for part in [
        "; Secure",
        "; HttpOnly",
        "; SameSite=None",
        "; Partitioned",
        "; Path=/",
    ] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(answer.text.contains("data-standing=\"authenticated\""));
    // Pages of the console stand in nobody's frame, as before.
    let console = world.zoom.site.page("/").await;
    assert_eq!(console.header("x-frame-options"), "DENY");
}

#[tokio::test]
async fn participants_come_and_go_and_nothing_they_are_called_is_believed() {
    let world = World::start().await;
    let site = &world.zoom.site;
    let meeting = format!("&meeting={}", super::encoded(UUID));
    let mut page = world.signed_in(world.me(), &meeting).await;
    site.app.start();
    shows(&world, &page, &["No meeting yet"]).await;
    let session = world.get(&mut page, "/api/zoomapp/session").await.json();
    let host = session["user"].as_str().unwrap();
    let account = account(&world).await;
    let base = json!({ "host_id": host });
    let mut events = site
        .client
        .get(world.zoom.at("/api/zoomapp/events"))
        .header("sec-fetch-site", "same-origin")
        .header(
            "cookie",
            format!("parfocal_zoomapp={}", page.cookie.as_deref().unwrap()),
        )
        .send()
        .await
        .unwrap();
    assert_eq!(events.status(), 200);
    heard(&mut events, "event: hello").await;
    told(&world, &account, "meeting.started", 0, &base).await;
    heard(&mut events, "event: change").await;
    shows(&world, &page, &["Planning &lt;script&gt;alert(1)", "Live"]).await;
    let mut joined = base.clone();
    joined["participant"] = somebody("<img src=x onerror=alert(1)>", "11", "2026-11-20T12:01:00Z");
    told(&world, &account, "meeting.participant_joined", 60, &joined).await;
    shows(
        &world,
        &page,
        &["&lt;img src=x onerror=alert(1)&gt;", "In the meeting"],
    )
    .await;
    let mut waiting = base.clone();
    waiting["participant"] = somebody("Wanda Waits", "12", "2026-11-20T12:02:00Z");
    told(
        &world,
        &account,
        "meeting.participant_joined_waiting_room",
        120,
        &waiting,
    )
    .await;
    shows(&world, &page, &["Wanda Waits", "Waiting room"]).await;
    let mut left = base.clone();
    left["participant"] = somebody("<img src=x onerror=alert(1)>", "11", "2026-11-20T12:05:00Z");
    told(&world, &account, "meeting.participant_left", 300, &left).await;
    shows(&world, &page, &["id=\"gone\"", "Nobody is in yet"]).await;
    let text = world.get(&mut page, "/zoomapp").await.text;
    assert!(
        !text.contains("<img") && !text.contains("<script>"),
        "{text}"
    );
    // Addresses are for nobody here.
    assert!(!text.contains("private.example"), "{text}");

    // A colleague in the same meeting sees who is in, not who waits, and may change nothing.
    let mut other = world.signed_in(&world.people[1], &meeting).await;
    let theirs = world.get(&mut other, "/zoomapp").await.is(200).text;
    assert!(
        theirs.contains("Planning") && !theirs.contains("Wanda"),
        "{theirs}"
    );
    assert!(!theirs.contains("settings-form"), "{theirs}");
    // One who is not in it sees nothing of it.
    let mut outside = world.signed_in(&world.people[1], "").await;
    let nothing = world.get(&mut outside, "/zoomapp").await.is(200).text;
    assert!(nothing.contains("No meeting yet"), "{nothing}");

    // Notes are each one's own.
    let note = json!({"text": "Ask about </textarea><script>x</script>"});
    let path = "/api/zoomapp/note";
    world
        .send(&mut page, "PUT", path, Some(&note), &[])
        .await
        .is(204);
    let mine = world.get(&mut page, "/zoomapp").await.text;
    assert!(mine.contains("Ask about &lt;"), "{mine}");
    let theirs = world.get(&mut other, "/zoomapp").await.text;
    assert!(!theirs.contains("Ask about"), "{theirs}");
    let long = json!({"text": "x".repeat(20_001)});
    world
        .send(&mut page, "PUT", path, Some(&long), &[])
        .await
        .is(400);
    world
        .send(&mut page, "PUT", path, Some(&json!({"text": ""})), &[])
        .await
        .is(204);
    assert!(
        !world
            .get(&mut page, "/zoomapp")
            .await
            .text
            .contains("Ask about")
    );
    drop(events);
}

/// Waits for an event, within a deadline.
async fn heard(events: &mut reqwest::Response, wanted: &str) {
    let mut text = String::new();
    let wait = async {
        while !text.contains(wanted) {
            let piece = events.chunk().await.unwrap().unwrap();
            text.push_str(&String::from_utf8_lossy(&piece));
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), wait)
        .await
        .unwrap_or_else(|_| panic!("{wanted} was not heard"));
}

const TALK: &str = "WEBVTT\n\n\
    1\n00:00:01.000 --> 00:00:05.000\nEdda: I'll send the draft to the harbour office by Friday.\n\n\
    2\n00:00:05.500 --> 00:00:07.000\nEve <b onmouseover=alert(3)>: Perfect. <script>alert(2)</script> </textarea> {{ 7 * 7 }}\n\n\
    3\n00:00:08.000 --> 00:00:12.000\nEdda: We decided to paint the boat red, everybody agreed on that.\n\n\
    4\n00:00:12.500 --> 00:00:14.000\nLuan: Yes, agreed, red it is.\n";

#[tokio::test]
async fn after_the_end_it_shows_what_was_said_and_what_is_to_be_done_as_text() {
    let world = World::start().await;
    let site = &world.zoom.site;
    let meeting = format!("&meeting={}", super::encoded(UUID));
    let mut page = world.signed_in(world.me(), &meeting).await;
    site.app.start();
    let session = world.get(&mut page, "/api/zoomapp/session").await.json();
    let account = account(&world).await;
    let mut object = json!({ "host_id": session["user"] });
    told(&world, &account, "meeting.started", 0, &object).await;
    shows(&world, &page, &["Live"]).await;
    let live = world.get(&mut page, "/zoomapp").await.text;
    assert!(live.contains("appear here after the meeting"), "{live}");
    object["end_time"] = json!("2026-11-20T12:30:00Z");
    told(&world, &account, "meeting.ended", 1_800, &object).await;
    shows(&world, &page, &["badge", "Your notes"]).await;
    super::until("the meeting is over", async || {
        let text = world.get(&mut page.clone(), "/zoomapp").await.text;
        !text.contains(">Live<")
    })
    .await;
    let list = site.get("/v1/meetings").await.is(200).json();
    let id = list["items"][0]["id"].as_str().unwrap();
    let path = format!("{}/v1/meetings/{id}/transcripts", site.url);
    let body = json!({ "content": TALK }).to_string();
    let request = site
        .client
        .post(path)
        .header("content-type", "application/json")
        .body(body);
    crate::support::Answer::of(request.send().await.unwrap())
        .await
        .is(200);
    shows(
        &world,
        &page,
        &[
            "What it was about",
            "To do",
            "draft to the harbour office",
            "Decided",
            "paint the boat red",
            "Transcript",
        ],
    )
    .await;
    let text = world.get(&mut page, "/zoomapp").await.text;
    assert!(text.contains("&lt;script&gt;alert(2)"), "{text}");
    for bad in [
        "<script>alert",
        "<b onmouseover",
        "<b>",
        " 49",
        "</textarea> {{",
    ] {
        assert!(!text.contains(bad), "{bad}: {text}");
    }
    // The same in the console.
    let console = site.page(&format!("/meetings/{id}")).await.is(200).text;
    assert!(console.contains("&lt;script&gt;alert(2)"), "{console}");
    assert!(
        !console.contains("<script>alert") && !console.contains("<b onmouseover"),
        "{console}"
    );
}

#[tokio::test]
async fn the_component_is_off_until_somebody_switches_it_on() {
    let site = crate::support::Site::start().await;
    for path in ["/zoomapp", "/api/zoomapp/session", "/zoom/api/v2/users/me"] {
        let answer = site.get(path).await.is(404);
        answer.problem("component_off");
    }
    // It asks for what it lacks.
    let caller = parfocal_engine::keys::Caller::local(parfocal_engine::keys::Surface::Cli);
    let how = parfocal_engine::components::Activation::default();
    let refused = site
        .app
        .components()
        .activate("zoomapp", &how, &caller)
        .await
        .unwrap_err();
    let text = format!("{} {}", refused.message(), refused.hint());
    assert!(
        text.contains("ZOOM_CLIENT_SECRET") && text.contains("https"),
        "{text}"
    );
}
