//! Logins with Zoom: each way they end has its page, and nobody gets in by another one's login.

use crate::support::Answer;
use crate::zoom::{Browser, PUBLIC, Zoomed};

fn state_of(answer: &serde_json::Value) -> &str {
    answer["state"].as_str().unwrap()
}

#[tokio::test]
async fn somebody_agrees_and_the_connection_is_there() {
    let world = Zoomed::public().await;
    let answer = world
        .browser
        .get(&world.at("/oauth/zoom/install"))
        .await
        .is(303);
    let cookie = answer.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/oauth/zoom", "Max-Age="] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(
        !cookie.contains("Secure"),
        "plain http keeps no such cookie"
    );
    let page: url::Url = answer.header("location").parse().unwrap();
    let of = |name: &str| {
        page.query_pairs()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    assert_eq!(of("code_challenge_method").as_deref(), Some("S256"));
    assert_eq!(
        of("redirect_uri").unwrap(),
        world.at("/oauth/zoom/callback")
    );
    assert!(of("state").unwrap().len() >= 40);

    let back = world.consent(&page, "allow").await;
    let answer = world.browser.get(&back).await;
    answer.page_saying(200, &["Connected", "You can close this page"]);
    let connection = world.only_connection().await;
    assert_eq!(connection["kind"], "user");
    assert!(["healthy", "degraded"].contains(&state_of(&connection)));

    // The same person again: the same connection.
    world
        .connect()
        .await
        .page_saying(200, &["Connected again", "kept everything"]);
    assert_eq!(world.only_connection().await["id"], connection["id"]);
}

#[tokio::test]
async fn consent_denied_has_its_page() {
    let world = Zoomed::public().await;
    let page = world.begin("/oauth/zoom/install").await;
    let back = world.consent(&page, "deny").await;
    world
        .browser
        .get(&back)
        .await
        .page_saying(403, &["consent_denied", "Try again", "What to do now"]);
    let list = world.site.get("/v1/connections").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_forged_state_and_none_at_all_have_their_page() {
    let world = Zoomed::public().await;
    let page = world.begin("/oauth/zoom/install").await;
    let back = world.consent(&page, "allow").await;
    let code = back
        .split("code=")
        .nth(1)
        .unwrap()
        .split('&')
        .next()
        .unwrap();
    for query in [
        format!("?code={code}&state={}", "A".repeat(43)),
        format!("?code={code}"),
        format!("?code={code}&state="),
        format!("?code={code}&state=%00%0d%0aSet-Cookie:%20x=y"),
        String::new(),
    ] {
        world
            .browser
            .get(&world.at(&format!("/oauth/zoom/callback{query}")))
            .await
            .page_saying(400, &["oauth_state_unknown", "What to do now"]);
    }
    // The real login still works: the forged ones used nothing up.
    world
        .browser
        .get(&back)
        .await
        .page_saying(200, &["Connected"]);
}

#[tokio::test]
async fn a_login_of_another_browser_has_its_page() {
    let world = Zoomed::public().await;
    let page = world.begin("/oauth/zoom/install").await;
    let back = world.consent(&page, "allow").await;
    let stranger = Browser::new();
    stranger
        .get(&back)
        .await
        .page_saying(400, &["oauth_state_foreign", "What to do now"]);
    let list = world.site.get("/v1/connections").await.json();
    assert_eq!(list["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn two_tabs_log_in_side_by_side() {
    let world = Zoomed::public().await;
    let first = world.begin("/oauth/zoom/install").await;
    let second = world.begin("/oauth/zoom/install").await;
    for page in [first, second] {
        let back = world.consent(&page, "allow").await;
        world
            .browser
            .get(&back)
            .await
            .page_saying(200, &["Connected"]);
    }
    world.only_connection().await;
}

#[tokio::test]
async fn an_expired_state_has_its_page() {
    let world = Zoomed::public().await;
    let page = world.begin("/oauth/zoom/install").await;
    let back = world.consent(&page, "allow").await;
    world.later(65).await;
    world
        .browser
        .get(&back)
        .await
        .page_saying(410, &["oauth_state_expired", "Try again"]);
}

#[tokio::test]
async fn a_callback_that_is_opened_twice_has_its_page() {
    let world = Zoomed::public().await;
    let page = world.begin("/oauth/zoom/install").await;
    let back = world.consent(&page, "allow").await;
    world
        .browser
        .get(&back)
        .await
        .page_saying(200, &["Connected"]);
    world
        .browser
        .get(&back)
        .await
        .page_saying(409, &["oauth_state_used"]);
    world.only_connection().await;
}

#[tokio::test]
async fn a_code_that_zoom_refuses_has_its_page() {
    let world = Zoomed::public().await;
    let page = world.begin("/oauth/zoom/install").await;
    let back = world.consent(&page, "allow").await;
    let (start, rest) = back.split_once("code=").unwrap();
    let rest = rest.split_once('&').map_or("", |(_, rest)| rest);
    let spent = format!("{start}code=spent-before&{rest}");
    let answer = world.browser.get(&spent).await;
    let answer = answer.page_saying(400, &["oauth_code_refused", "Try again", "What Zoom said"]);
    assert!(!answer.text.contains("spent-before"), "a code is a secret");
}

#[tokio::test]
async fn a_wrong_verifier_has_its_page() {
    let world = Zoomed::public().await;
    let first = world.begin("/oauth/zoom/install").await;
    let second = world.begin("/oauth/zoom/install").await;
    let with_code = world.consent(&first, "allow").await;
    let with_state = world.consent(&second, "allow").await;
    let part = |url: &str, name: &str| {
        let url: url::Url = url.parse().unwrap();
        url.query_pairs()
            .find(|(key, _)| key == name)
            .unwrap()
            .1
            .into_owned()
    };
    let mixed = world.at(&format!(
        "/oauth/zoom/callback?code={}&state={}",
        part(&with_code, "code"),
        part(&with_state, "state")
    ));
    world
        .browser
        .get(&mixed)
        .await
        .page_saying(400, &["oauth_verifier_wrong", "Try again"]);
}

#[tokio::test]
async fn a_redirect_that_does_not_match_has_its_page() {
    let world = Zoomed::public().await;
    let page = world.begin("/oauth/zoom/install").await;
    let mut elsewhere = page.clone();
    elsewhere.query_pairs_mut().clear();
    for (name, value) in page.query_pairs() {
        let value = if name == "redirect_uri" {
            format!("{value}/elsewhere")
        } else {
            value.into_owned()
        };
        elsewhere.query_pairs_mut().append_pair(&name, &value);
    }
    let back = world
        .consent(&elsewhere, "allow")
        .await
        .replace("/elsewhere", "");
    world
        .browser
        .get(&back)
        .await
        .page_saying(502, &["oauth_redirect_mismatch", "/oauth/zoom/callback"]);
}

#[tokio::test]
async fn a_client_that_zoom_rejects_has_its_page() {
    let world = Zoomed::tunnelled("a wrong secret").await;
    let through = [("host", PUBLIC), ("x-forwarded-for", "203.0.113.7")];
    let answer = world
        .browser
        .get_with(&world.at("/oauth/zoom/install"), &through)
        .await
        .is(303);
    let page = answer.header("location").parse().unwrap();
    let back = world.consent(&page, "allow").await;
    let answer = world.browser.get_with(&back, &through).await;
    let answer = answer.page_saying(502, &["oauth_client_rejected", "What Zoom said"]);
    assert!(!answer.text.contains("a wrong secret"));
}

#[tokio::test]
async fn zoom_being_down_has_its_page() {
    let world = Zoomed::public().await;
    let page = world.begin("/oauth/zoom/install").await;
    let back = world.consent(&page, "allow").await;
    world.zoom.shutdown().await;
    let answer = world.browser.get(&back).await;
    let answer = answer.page_saying(503, &["zoom_unreachable"]);
    assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0);
}

#[tokio::test]
async fn through_a_tunnel_only_the_pages_of_logins_are_reached() {
    let world = Zoomed::tunnelled("simulator-user-secret").await;
    let through = [("host", PUBLIC), ("x-forwarded-for", "203.0.113.7")];
    for path in [
        "/",
        "/connections",
        "/connections/new",
        "/v1/connections",
        "/jobs",
        "/metrics",
    ] {
        world
            .browser
            .get_with(&world.at(path), &through)
            .await
            .is(421);
    }
    // Begun under another name, the browser is led to the one that Zoom leads back to: a cookie set here would not come along.
    let answer = world
        .browser
        .get(&world.at("/oauth/zoom/install?app=simulator-user"))
        .await
        .is(303);
    let there = answer.header("location");
    assert_eq!(
        there,
        format!("https://{PUBLIC}/oauth/zoom/install?app=simulator-user&here=1")
    );
    assert!(answer.headers.get("set-cookie").is_none());

    let answer = world
        .browser
        .get_with(&world.at("/oauth/zoom/install?here=1"), &through)
        .await
        .is(303);
    assert!(answer.header("set-cookie").ends_with("; Secure"));
    let page = answer.header("location").parse().unwrap();
    let back = world.consent(&page, "allow").await;
    // Another name, even with the right cookie, is nobody's.
    world
        .browser
        .get_with(&back, &[("host", "evil.example")])
        .await
        .is(421);
    let answer = world.browser.get_with(&back, &through).await;
    let answer = answer.page_saying(200, &["Connected"]);
    assert!(!answer.text.contains("<nav"), "the console is not there");
    let style = answer
        .text
        .split('"')
        .find(|part| part.ends_with("parfocal.css"))
        .unwrap();
    world
        .browser
        .get_with(&world.at(style), &through)
        .await
        .is(200);
}

#[tokio::test]
async fn a_link_works_once_and_looking_at_it_uses_nothing_up() {
    let world = Zoomed::public().await;
    let made = world
        .form(
            "/connections/links",
            &[("for_whom", "Ana <b>Souza</b>"), ("days", "7")],
        )
        .await
        .page_saying(200, &["The link is ready", "/connect/"]);
    assert!(!made.text.contains("<b>Souza"));
    let page = made.read();
    let link = page
        .split('"')
        .find(|part| part.contains("/connect/"))
        .unwrap();
    let path = &link[link.find("/connect/").unwrap()..];
    let token = path.trim_start_matches("/connect/").to_owned();
    assert!(!world.site.page("/connections").await.text.contains(&token));
    for _ in 0..3 {
        world.browser.get(&world.at(path)).await.page_saying(
            200,
            &["Continue to Zoom", "What it may do then", "works once"],
        );
    }
    // Begun and not ended: still open.
    world
        .begin(&format!("/oauth/zoom/install?link={token}"))
        .await;
    let page = world
        .begin(&format!("/oauth/zoom/install?link={token}"))
        .await;
    let back = world.consent(&page, "allow").await;
    world
        .browser
        .get(&back)
        .await
        .page_saying(200, &["Connected"]);
    world
        .browser
        .get(&world.at(path))
        .await
        .page_saying(410, &["connect_link_used", "What to do now"]);
    world
        .browser
        .get(&world.at(&format!("/oauth/zoom/install?link={token}")))
        .await
        .page_saying(410, &["connect_link_used"]);
    world
        .site
        .page("/connections")
        .await
        .page_saying(200, &["somebody connected through it"]);
}

async fn link(world: &Zoomed) -> (String, String) {
    let made = world
        .site
        .app
        .connections()
        .create_link(
            parfocal_engine::connections::NewLink {
                app: None,
                name: Some("Ana".into()),
                lives: std::time::Duration::from_hours(1),
                scopes: Vec::new(),
            },
            &parfocal_engine::audit::By::new("operator", parfocal_engine::audit::Surface::Console),
        )
        .await
        .unwrap();
    let token = secrecy::ExposeSecret::expose_secret(&made.token).to_owned();
    (made.view.id.to_string(), token)
}

#[tokio::test]
async fn links_that_are_over_or_unknown_have_their_pages() {
    let world = Zoomed::public().await;
    let (id, token) = link(&world).await;
    let (_, lapsing) = link(&world).await;
    world
        .form("/connections/links/revoke", &[("id", &id)])
        .await
        .is(303);
    world
        .browser
        .get(&world.at(&format!("/connect/{token}")))
        .await
        .page_saying(410, &["connect_link_revoked"]);
    world.later(61).await;
    world
        .browser
        .get(&world.at(&format!("/connect/{lapsing}")))
        .await
        .page_saying(410, &["connect_link_expired", "What to do now"]);
    for token in ["nothing", "%00", &"x".repeat(3000)] {
        world
            .browser
            .get(&world.at(&format!("/connect/{token}")))
            .await
            .page_saying(404, &["connect_link_unknown"]);
    }
}

#[tokio::test]
async fn pages_of_logins_keep_to_themselves() {
    let world = Zoomed::public().await;
    let answer: Answer = world
        .browser
        .get(&world.at(
            "/oauth/zoom/callback?error=<script>alert(1)</script>&state=%22%3E%3Cimg%20src=x%3E",
        ))
        .await
        .is(400);
    assert!(!answer.text.contains("<script>alert") && !answer.text.contains("<img src=x"));
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("default-src 'none'"), "{policy}");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "same-origin");
}
