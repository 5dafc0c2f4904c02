//! The room of connections: state in words, and what can be done about it.

use crate::zoom::Zoomed;

#[tokio::test]
async fn a_revoked_grant_is_told_and_connecting_again_mends_it() {
    let world = Zoomed::public().await;
    world
        .site
        .page("/connections")
        .await
        .page_saying(200, &["No account is connected", "Connect an account"]);
    world.connect().await.is(200);
    let connection = world.only_connection().await;
    let id = connection["id"].as_str().unwrap();
    let here = format!("/connections/{id}");
    world.site.page(&here).await.page_saying(
        200,
        &[
            "What it may do",
            "What the account gives",
            "Last answer",
            "Take in meetings",
        ],
    );

    world.control("deauthorize", "{}").await;
    world.form(&format!("{here}/check"), &[]).await.is(303);
    let page = world.site.page(&here).await.page_saying(
        200,
        &[
            "Needs reconnect",
            "Somebody has to connect it again",
            "Connect again",
        ],
    );
    let page = page.read();
    let again = page
        .split('"')
        .find(|part| part.contains("reconnect="))
        .unwrap();
    let consent = world.begin(again).await;
    let back = world.consent(&consent, "allow").await;
    // The operator is led back to where the login began.
    let answer = world.browser.get(&back).await.is(303);
    assert_eq!(answer.header("location"), format!("{here}?did=reconnected"));
    let after = world.only_connection().await;
    assert_eq!(after["id"], connection["id"]);
    assert!(["healthy", "degraded"].contains(&after["state"].as_str().unwrap()));
}

#[tokio::test]
async fn somebody_else_cannot_reconnect_in_place_of_the_first() {
    let world = Zoomed::public().await;
    world.connect().await.is(200);
    let connection = world.only_connection().await;
    let id = connection["id"].as_str().unwrap();
    let page = world
        .begin(&format!("/oauth/zoom/install?reconnect={id}&from=console"))
        .await;
    let other = another_user(&world).await;
    let back = world.consent_as(&page, "allow", Some(&other)).await;
    world
        .browser
        .get(&back)
        .await
        .page_saying(409, &["reconnect_wrong_identity"]);
    world.only_connection().await;
}

/// A user who is not the owner, by e-mail address, read from the consent page.
async fn another_user(world: &Zoomed) -> String {
    let page = world.begin("/oauth/zoom/install").await;
    let shown = world.browser.get(page.as_str()).await.is(200);
    shown
        .text
        .split("<option value=\"")
        .nth(2)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn removing_asks_for_the_name_and_keeps_the_data_unless_told() {
    let world = Zoomed::public().await;
    world.connect().await.is(200);
    let connection = world.only_connection().await;
    let (id, name) = (
        connection["id"].as_str().unwrap(),
        connection["name"].as_str().unwrap(),
    );
    let path = format!("/connections/{id}/remove");
    world
        .site
        .page(&path)
        .await
        .page_saying(200, &["Keep it", "Erase it too", "to confirm"]);
    world
        .form(&path, &[("data", "keep"), ("sure", "something else")])
        .await
        .page_saying(400, &["Nothing was removed"]);
    world.only_connection().await;
    let answer = world
        .form(&path, &[("data", "erase"), ("sure", name)])
        .await
        .is(303);
    assert!(answer.header("location").contains("did=erased"));
    world
        .site
        .page(answer.header("location"))
        .await
        .page_saying(200, &["is removed", "No account is connected"]);
    let grants = world
        .site
        .client
        .get(format!("{}/_sim/grants", world.zoom.base_url()))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(grants, "[]", "the grant is withdrawn at Zoom");
    world.site.page(&format!("/connections/{id}")).await.is(404);
}

#[tokio::test]
async fn a_server_to_server_app_is_connected_by_a_form_that_never_shows_its_secret() {
    let world = Zoomed::with(|_| {}).await;
    world
        .site
        .page("/connections/new")
        .await
        .page_saying(200, &["Server-to-server app", "/oauth", "ZOOM_CLIENT_ID"]);
    let filled = |secret: &'static str| {
        vec![
            ("account_id", "simulator"),
            ("client_id", "simulator"),
            ("client_secret", secret),
            ("name", "acme"),
        ]
    };
    let answer = world
        .form("/connections/s2s", &filled("a-wrong-secret"))
        .await
        .page_saying(422, &["Zoom refused the credentials", "value=\"acme\""]);
    assert!(!answer.text.contains("a-wrong-secret"));
    let answer = world
        .form("/connections/s2s", &filled("simulator"))
        .await
        .is(303);
    let place = answer.header("location").to_owned();
    assert!(place.ends_with("?did=connected"), "{place}");
    world
        .site
        .page(&place)
        .await
        .page_saying(200, &["Connected.", "acme", "server-to-server app"]);
    // New credentials for the same connection.
    let id = world.only_connection().await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    world
        .site
        .page(&format!("/connections/new?again={id}"))
        .await
        .page_saying(200, &["New credentials for acme", "value=\"simulator\""]);
    let mut again = filled("simulator");
    again.push(("again", &id));
    let answer = world.form("/connections/s2s", &again).await.is(303);
    assert_eq!(
        answer.header("location"),
        format!("/connections/{id}?did=renewed")
    );
    world.only_connection().await;
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let world = Zoomed::public().await;
    world.connect().await.is(200);
    let id = world.only_connection().await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for path in [
        "/connections/s2s".to_owned(),
        "/connections/links".to_owned(),
        format!("/connections/{id}/check"),
        format!("/connections/{id}/remove"),
    ] {
        let request = world
            .site
            .client
            .post(world.at(&path))
            .header("origin", "https://evil.example")
            .form(&[("sure", "x")]);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 403, "{path}");
    }
}
