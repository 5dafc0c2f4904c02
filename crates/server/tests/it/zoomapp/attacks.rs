//! What people may try, and that nothing comes of it.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{APP, APP_SECRET, Page, World, encoded};
use crate::support::Answer;

/// Sends bytes as they are and reads everything that comes back.
async fn raw(world: &World, text: &str) -> String {
    let address = world.zoom.site.url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut out = Vec::new();
    // A server may close without a word.
    let _ = stream.read_to_end(&mut out).await;
    String::from_utf8_lossy(&out).into_owned()
}

/// Calls that have reached Zoom so far.
async fn calls(world: &World) -> Value {
    let url = format!("{}/_sim/calls", world.zoom.zoom.base_url());
    Answer::of(world.zoom.site.client.get(url).send().await.unwrap())
        .await
        .json()
}

#[tokio::test]
async fn contexts_that_are_forged_over_cut_or_for_others_open_nothing() {
    let world = World::start().await;
    for fault in ["forged", "expired", "audience", "truncated"] {
        let context = world
            .context(Some(world.me()), &format!("&fault={fault}"))
            .await;
        let mut page = Page::default();
        let body = json!({ "context": context });
        let answer = world.post(&mut page, "/api/zoomapp/context", &body).await;
        let problem = answer.is(401).problem("zoomapp_context_refused");
        assert_eq!(problem["error"], "context_refused", "{fault}");
        assert_eq!(page.cookie, None, "{fault}");
        // The same as the header of a load of the home page.
        let headers = [("x-zoom-app-context", context.as_str())];
        let answer = world
            .send(&mut page, "GET", "/zoomapp", None, &headers)
            .await
            .is(401);
        assert!(answer.text.contains("data-standing=\"guest\""), "{fault}");
        assert_eq!(page.cookie, None, "{fault}");
    }
    let mut page = Page::default();
    for nonsense in ["", "AAAA", "%00", &"A".repeat(20_000)] {
        let body = json!({ "context": nonsense });
        let answer = world.post(&mut page, "/api/zoomapp/context", &body).await;
        assert_eq!(answer.status, 401, "{}", answer.text);
    }
}

#[tokio::test]
async fn a_context_opens_one_session_and_is_worth_nothing_elsewhere_or_later() {
    let world = World::start().await;
    let context = world.context(Some(world.me()), "").await;
    let body = json!({ "context": context });
    let (mut page, mut thief) = (Page::default(), Page::default());
    let path = "/api/zoomapp/context";
    world.post(&mut page, path, &body).await.is(200);
    let stolen = world.post(&mut thief, path, &body).await.is(401);
    stolen.problem("zoomapp_context_refused");
    assert_eq!(thief.cookie, None);
    // Its own page may be loaded again, and goes on after it has signed in.
    world.post(&mut page, path, &body).await.is(200);
    world.sign_in(&mut page, world.me()).await.is(200);
    world.post(&mut page, path, &body).await.is(200);
    world.zoom.later(31).await;
    world.post(&mut page, path, &body).await.is(401);
    // The session itself is not over.
    world.get(&mut page, "/api/zoomapp/session").await.is(200);
    world.zoom.later(12 * 60).await;
    world.get(&mut page, "/api/zoomapp/session").await.is(401);
}

#[tokio::test]
async fn a_planted_session_gains_nothing_when_somebody_signs_in() {
    let world = World::start().await;
    let mut attacker = Page::default();
    world
        .get(&mut attacker, "/api/zoomapp/authorize")
        .await
        .is(200);
    let planted = attacker.clone();
    let mut victim = planted.clone();
    let body = json!({"context": world.context(Some(world.me()), "").await});
    world
        .post(&mut victim, "/api/zoomapp/context", &body)
        .await
        .is(200);
    assert_ne!(victim.cookie, planted.cookie);
    world
        .get(&mut attacker, "/api/zoomapp/session")
        .await
        .is(401);
    let before = victim.clone();
    world.sign_in(&mut victim, world.me()).await.is(200);
    assert_ne!(victim.cookie, before.cookie);
    let mut old = before;
    world.get(&mut old, "/api/zoomapp/session").await.is(401);
    // Made-up cookies, and two of the same name, are none.
    for cookie in ["x".repeat(43), String::new(), "../../etc".to_owned()] {
        let mut made_up = Page {
            cookie: Some(cookie),
        };
        world
            .get(&mut made_up, "/zoom/api/v2/users/me")
            .await
            .is(401);
    }
    let mut two = Page::default();
    let good = victim.cookie.clone().unwrap();
    let both = format!(
        "parfocal_zoomapp={}; parfocal_zoomapp={good}",
        "y".repeat(43)
    );
    let headers = [("cookie", both.as_str())];
    world
        .send(&mut two, "GET", "/api/zoomapp/session", None, &headers)
        .await
        .is(401);
}

#[tokio::test]
async fn codes_of_one_session_or_person_are_no_use_to_another() {
    let world = World::start().await;
    let mut attacker = world.open(Some(&world.people[1]), "").await;
    let begun = world
        .get(&mut attacker, "/api/zoomapp/authorize")
        .await
        .json();
    let code = world.consent(&begun, &world.people[1]).await;
    let mut victim = world.open(Some(world.me()), "").await;
    let theirs = json!({"code": code, "state": begun["state"]});
    let path = "/api/zoomapp/onauthorized";
    let refused = world.post(&mut victim, path, &theirs).await.is(400);
    refused.problem("oauth_state_foreign");
    // The victim's own sign-in, finished with somebody else's consent.
    let own = world
        .get(&mut victim, "/api/zoomapp/authorize")
        .await
        .json();
    let code = world.consent(&own, &world.people[1]).await;
    let body = json!({"code": code, "state": own["state"], "href": world.zoom.at("/zoomapp")});
    let refused = world.post(&mut victim, path, &body).await.is(409);
    refused.problem("reconnect_wrong_identity");
    // Used up, and states that nobody began.
    let again = world.post(&mut victim, path, &body).await.is(400);
    again.problem("oauth_state_used");
    for state in ["", "made-up", &"0".repeat(64)] {
        let body = json!({"code": "c", "state": state});
        let refused = world.post(&mut victim, path, &body).await.is(400);
        refused.problem("oauth_state_unknown");
    }
    let session = world.get(&mut victim, "/api/zoomapp/session").await.json();
    assert_eq!(session["status"], "authenticated");
}

#[tokio::test]
async fn pages_of_other_sites_cannot_call() {
    let world = World::start().await;
    let mut page = world.signed_in(world.me(), "").await;
    let body = json!({"topic": "forged", "type": 1});
    let meetings = "/zoom/api/v2/users/me/meetings";
    let before = calls(&world).await;
    for site in ["cross-site", "same-site", "none"] {
        let headers = [("sec-fetch-site", site)];
        for path in [meetings, "/api/zoomapp/signout", "/zoom/api/batch"] {
            world
                .send(&mut page, "POST", path, Some(&body), &headers)
                .await
                .is(403)
                .problem("cross_site");
        }
    }
    let cross = [("sec-fetch-site", "cross-site")];
    for path in [meetings, "/api/zoomapp/authorize", "/api/zoomapp/events"] {
        let refused = world.send(&mut page, "GET", path, None, &cross).await;
        refused.is(403);
    }
    // Browsers of old times tell by the origin.
    let cookie = format!("parfocal_zoomapp={}", page.cookie.as_deref().unwrap());
    let request = world
        .zoom
        .site
        .client
        .post(world.zoom.at(meetings))
        .header("origin", "https://evil.test")
        .header("cookie", cookie)
        .header("content-type", "application/json")
        .body(body.to_string());
    Answer::of(request.send().await.unwrap()).await.is(403);
    // What a form can send is no JSON.
    let form = world
        .zoom
        .site
        .client
        .post(world.zoom.at(meetings))
        .header(
            "cookie",
            format!("parfocal_zoomapp={}", page.cookie.as_deref().unwrap()),
        )
        .header("content-type", "text/plain")
        .body(body.to_string());
    Answer::of(form.send().await.unwrap()).await.is(415);
    assert_eq!(calls(&world).await["total"], before["total"]);
    world.get(&mut page, "/api/zoomapp/session").await.is(200);
}

#[tokio::test]
async fn no_path_climbs_hides_a_slash_or_leads_to_another_host() {
    let world = World::start().await;
    let page = world.signed_in(world.me(), "").await;
    let cookie = page.cookie.as_deref().unwrap();
    let host = world.zoom.site.url.trim_start_matches("http://");
    let before = calls(&world).await;
    for target in [
        "/zoom/api/v2/users/../users/me",
        "/zoom/api/v2/users/%2e%2e/users/me",
        "/zoom/api/v2//users/me",
        "/zoom/api/v2/users//me",
        "/zoom/api/v2/users%2Fme",
        "/zoom/api/v2/users/me%2F..%2F..%2Foauth",
        "/zoom/api/v2/users/me%5C..",
        "/zoom/api/v2/users/me%0d%0aX-Evil:%201",
        "/zoom/api/v2/users/me%00",
        "/zoom/api/v2/https://evil.test/",
        "/zoom/api/v2/http:%2F%2F169.254.169.254%2Flatest",
        "/zoom/api/v2/@evil.test/users/me",
        "/zoom/api/v2/.evil.test/users/me",
        "/zoom/api/v2/../../_sim/info",
        "/zoom/api/v3/users/me",
        "/zoom/api/v2/users/me;a=b",
        "/zoom/api/v2/oauth/token",
    ] {
        let answer = raw(
            &world,
            &format!(
                "GET {target} HTTP/1.1\r\nHost: {host}\r\nCookie: parfocal_zoomapp={cookie}\r\nConnection: close\r\n\r\n"
            ),
        )
        .await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(
            ["400", "403", "404"].contains(&status),
            "{target}: {answer}"
        );
        assert!(!answer.to_lowercase().contains("x-evil: 1\r\n"), "{target}");
    }
    // Another host by the request line, or by the header.
    for head in [
        format!("GET http://169.254.169.254/zoom/api/v2/users/me HTTP/1.1\r\nHost: {host}\r\n"),
        "GET /zoom/api/v2/users/me HTTP/1.1\r\nHost: evil.test\r\n".to_owned(),
        format!("CONNECT evil.test:443 HTTP/1.1\r\nHost: {host}\r\n"),
    ] {
        let answer = raw(
            &world,
            &format!("{head}Cookie: parfocal_zoomapp={cookie}\r\nConnection: close\r\n\r\n"),
        )
        .await;
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(
            ["400", "404", "405", "421"].contains(&status),
            "{head}: {answer}"
        );
    }
    assert_eq!(calls(&world).await["total"], before["total"]);
}

#[tokio::test]
async fn a_request_is_one_request_whatever_its_lengths_say() {
    let world = World::start().await;
    let page = world.signed_in(world.me(), "").await;
    let cookie = page.cookie.as_deref().unwrap();
    let host = world.zoom.site.url.trim_start_matches("http://");
    let head = format!(
        "POST /zoom/api/v2/users/me/meetings HTTP/1.1\r\nHost: {host}\r\nCookie: parfocal_zoomapp={cookie}\r\nContent-Type: application/json\r\nConnection: close\r\n"
    );
    let hidden = format!(
        "GET /zoom/api/v2/users/me HTTP/1.1\r\nHost: {host}\r\nCookie: parfocal_zoomapp={cookie}\r\n\r\n"
    );
    let before = calls(&world).await;
    for shape in [
        format!("Content-Length: 5\r\nContent-Length: 6\r\n\r\n{hidden}"),
        format!("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"),
        format!("Transfer-Encoding: xchunked\r\n\r\n{hidden}"),
        format!(
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n{hidden}"
        ),
        "Content-Length: -1\r\n\r\n{}".to_owned(),
        "Content-Length: 2\r\nX-Fold: a\r\n b\r\n\r\n{}".to_owned(),
        "Content-Length : 2\r\n\r\n{}".to_owned(),
    ] {
        let answer = raw(&world, &format!("{head}{shape}")).await;
        let answers = answer.matches("HTTP/1.1 ").count();
        assert!(answers <= 1, "{shape}: {answer}");
    }
    let after = calls(&world).await;
    assert_eq!(
        after["by_endpoint"]["GET /users/{userId}"],
        before["by_endpoint"]["GET /users/{userId}"]
    );
}

#[tokio::test]
async fn what_belongs_to_others_is_not_there() {
    let world = World::start().await;
    let mut theirs = world.signed_in(&world.people[1], "").await;
    let body = json!({"topic": "Nobody else's business", "type": 2, "start_time": "2030-01-01T10:00:00Z", "duration": 30});
    let meetings = "/zoom/api/v2/users/me/meetings";
    let made = world
        .post(&mut theirs, meetings, &body)
        .await
        .is(201)
        .json();
    let mut mine = world.signed_in(world.me(), "").await;
    let path = format!("/zoom/api/v2/meetings/{}", made["id"]);
    let answer = world.get(&mut mine, &path).await;
    assert!([403, 404].contains(&answer.status), "{}", answer.text);
    assert!(!answer.text.contains("business"), "{}", answer.text);
    let patch = json!({"topic": "Mine now"});
    let answer = world
        .send(&mut mine, "PATCH", &path, Some(&patch), &[])
        .await;
    assert!([403, 404].contains(&answer.status), "{}", answer.text);
    let still = world.get(&mut theirs, &path).await.is(200).json();
    assert_eq!(still["topic"], "Nobody else's business");
    let user = format!("/zoom/api/v2/users/{}/meetings", encoded(&world.people[1]));
    let refused = world.get(&mut mine, &user).await.is(403);
    assert_eq!(refused.problem("other_user")["error"], "other_user");
    let note = json!({"text": "x", "meeting": made["uuid"]});
    world
        .send(&mut mine, "PUT", "/api/zoomapp/note", Some(&note), &[])
        .await
        .is(404);
}

#[tokio::test]
async fn bodies_and_queries_have_their_limits() {
    let world = World::start().await;
    let mut page = world.signed_in(world.me(), "").await;
    let large = json!({"topic": "x".repeat(300 * 1024)});
    let path = "/zoom/api/v2/users/me/meetings";
    let refused = world.post(&mut page, path, &large).await.is(413);
    assert_eq!(refused.problem("too_large")["error"], "too_large");
    // Without a length, in pieces, until the server has had enough.
    let host = world.zoom.site.url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {host}\r\nCookie: parfocal_zoomapp={}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        page.cookie.as_deref().unwrap()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let piece = format!("1000\r\n{}\r\n", " ".repeat(4_096));
    for _ in 0..64 {
        stream.write_all(piece.as_bytes()).await.unwrap();
    }
    stream.write_all(b"1\r\n \r\n").await.unwrap();
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 413");
    for path in [
        format!("/zoom/api/v2/users/me?x={}", "y".repeat(5_000)),
        "/zoom/api/v2/users/me?access_token=x".to_owned(),
    ] {
        world.get(&mut page, &path).await.is(400);
    }
    for body in ["{", "nonsense", ""] {
        let mut request = world
            .zoom
            .site
            .client
            .post(world.zoom.at("/zoom/api/batch"))
            .header("sec-fetch-site", "same-origin")
            .header(
                "cookie",
                format!("parfocal_zoomapp={}", page.cookie.as_deref().unwrap()),
            );
        request = request
            .header("content-type", "application/json")
            .body(body.to_owned());
        Answer::of(request.send().await.unwrap()).await.is(400);
    }
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let world = World::start().await;
    let mut page = world.open(Some(world.me()), "").await;
    let begun = world.get(&mut page, "/api/zoomapp/authorize").await.json();
    for href in [
        "https://evil.test/zoomapp",
        "http://127.0.0.1:1/zoomapp",
        "javascript:alert(1)",
        "//evil.test",
        &format!("{}@evil.test/", world.zoom.site.url),
        &world.zoom.site.url.replace("//", "//user:pass@"),
    ] {
        let body = json!({"code": "c", "state": begun["state"], "href": href});
        let refused = world
            .post(&mut page, "/api/zoomapp/onauthorized", &body)
            .await
            .is(400);
        refused.problem("redirect_uri");
    }
    // An address that Zoom's answer names, and that is none of Zoom's.
    let app = &world.zoom.site.app;
    world.sign_in(&mut page, world.me()).await.is(200);
    let connection = app
        .store()
        .connections(app.scope())
        .await
        .unwrap()
        .remove(0);
    for link in [
        "https://evil.test/",
        "https://zoom.us.evil.test/",
        "javascript:alert(1)",
        "file:///etc/passwd",
    ] {
        let fault = json!({"kind": "answer", "status": 200, "times": 1, "path": "/v2/zoomapp/deeplink", "body": {"deeplink": link}});
        world.zoom.control("faults", &fault.to_string()).await;
        let refused = app.zoomapp().deep_link(&connection, "x").await;
        assert!(refused.is_err(), "{link}: {refused:?}");
    }
    let link = app.zoomapp().deep_link(&connection, "x").await.unwrap();
    assert!(
        link.as_str().starts_with(world.zoom.zoom.base_url()),
        "{link}"
    );
}

/// A stand-in for Zoom's API that writes down what arrives and answers with headers that should stay with it.
async fn recorder() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v2", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let mut head = Vec::new();
                let mut byte = [0; 1];
                while !head.ends_with(b"\r\n\r\n") && stream.read_exact(&mut byte).await.is_ok() {
                    head.push(byte[0]);
                }
                kept.lock()
                    .unwrap()
                    .push(String::from_utf8_lossy(&head).into_owned());
                let body = r#"{"id":"uid-1","account_id":"acc-1","email":"me@example.org"}"#;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nSet-Cookie: zm=1\r\nX-Internal: secret\r\n\
                     Access-Control-Allow-Origin: *\r\nX-Zm-Trackingid: track-1\r\nServer: zoom\r\nConnection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    (url, seen)
}

#[tokio::test]
async fn headers_and_cookies_leak_neither_way() {
    let (url, seen) = recorder().await;
    let world = World::at(Some(url)).await;
    let mut page = world.open_as_stranger("uid-1").await;
    world.sign_in(&mut page, world.me()).await.is(200);
    seen.lock().unwrap().clear();
    let headers = [
        ("authorization", "Bearer of-somebody-else"),
        ("x-forwarded-host", "127.0.0.1"),
        ("x-api-key", "of-the-page"),
        ("transfer-encoding-hint", "x"),
        ("te", "trailers"),
        ("origin", &world.zoom.site.url),
        ("referer", "https://private.example/page"),
        ("user-agent", "of-the-page"),
    ];
    // A forwarded request is answered only where a public name is set; the others all come along.
    let answer = world
        .send(
            &mut page,
            "GET",
            "/zoom/api/v2/users/me",
            None,
            &headers[..1],
        )
        .await
        .is(200);
    let more = world
        .send(
            &mut page,
            "GET",
            "/zoom/api/v2/users/me?x=1",
            None,
            &headers[2..],
        )
        .await
        .is(200);
    for answer in [&answer, &more] {
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("x-zm-trackingid"), "track-1");
        for name in [
            "set-cookie",
            "x-internal",
            "access-control-allow-origin",
            "server",
        ] {
            assert!(answer.headers.get(name).is_none(), "{name}");
        }
    }
    let heads = seen.lock().unwrap().join("\n").to_lowercase();
    assert!(heads.contains("authorization: bearer "), "{heads}");
    for leak in [
        "of-somebody-else",
        "of-the-page",
        "cookie",
        "private.example",
        "origin:",
        "sec-fetch",
        "trailers",
        "hint",
        page.cookie.as_deref().unwrap(),
    ] {
        assert!(!heads.contains(&leak.to_lowercase()), "{leak}: {heads}");
    }
}

impl World {
    /// Somebody whom the account does not know, told of by a context that this test seals itself.
    async fn open_as_stranger(&self, user: &str) -> Page {
        let now = self.zoom.site.app.clock().now();
        let body = json!({"typ": "panel", "uid": user, "aud": APP, "ts": now.as_millisecond(), "exp": now.as_millisecond() + 60_000});
        let mut page = Page::default();
        let body = json!({"context": seal(&body.to_string())});
        self.post(&mut page, "/api/zoomapp/context", &body)
            .await
            .is(200);
        page
    }
}

/// A context, sealed here and not by the code under test.
fn seal(plain: &str) -> String {
    use aes_gcm::aead::{Aead as _, KeyInit as _};
    use base64::Engine as _;
    use sha2::Digest as _;
    let key: [u8; 32] = sha2::Sha256::digest(APP_SECRET.as_bytes()).into();
    let nonce = [3_u8; 12];
    let sealed = aes_gcm::Aes256Gcm::new(&key.into())
        .encrypt(&aes_gcm::Nonce::from(nonce), plain.as_bytes())
        .unwrap();
    let mut out = vec![12];
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&[0, 0]);
    out.extend_from_slice(&i32::try_from(plain.len()).unwrap().to_le_bytes());
    out.extend_from_slice(&sealed);
    base64::engine::general_purpose::URL_SAFE.encode(out)
}
