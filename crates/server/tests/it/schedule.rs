//! The scheduling page: a week, what it comes to, making, moving, calling off.

use std::sync::Arc;

use parfocal_engine::components::Activation;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::provider::Memory;
use serde_json::json;

use crate::support::{Answer, Site};

async fn site() -> (Site, Memory) {
    let site = Site::with(|config| {
        config.availability.calendars = vec!["@example.com feed".to_owned()];
    })
    .await;
    let memory = Memory::new("zoom", site.app.clock().clone());
    site.app
        .providers()
        .register("zoom", Arc::new(memory.clone()));
    let how = Activation {
        anyway: true,
        ..Activation::default()
    };
    let caller = Caller::local(Surface::Cli);
    site.app
        .components()
        .activate("scheduling", &how, &caller)
        .await
        .unwrap();
    (site, memory)
}

/// A form as a browser sends it, and where it leads.
async fn send(site: &Site, path: &str, form: &[(&str, &str)]) -> (Answer, String) {
    let body: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(form)
        .finish();
    let request = site
        .client
        .post(format!("{}{path}", site.url))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept", "text/html")
        .body(body);
    let response = request.send().await.unwrap();
    let address = response.url().path().to_owned();
    (Answer::of(response).await, address)
}

fn next_year() -> i16 {
    jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .year()
        + 1
}

#[tokio::test]
async fn the_room_is_there_with_its_component_only() {
    let off = Site::start().await;
    let page = off.page("/").await.is(200);
    assert!(!page.text.contains(">Schedule</a>"));
    assert!(!page.text.contains(">Mail</a>"));
    off.page("/schedule").await.is(404);
    let (site, _) = site().await;
    let page = site.page("/").await.is(200);
    assert!(page.text.contains(">Schedule</a>"));
    let empty = site.page("/schedule").await.is(200);
    assert!(
        empty
            .text
            .contains("Nobody takes part in anything this week")
    );
    site.page("/schedule?zone=Mars").await.is(400);
    site.page("/schedule?day=soon").await.is(400);
}

#[tokio::test]
async fn a_meeting_is_looked_at_made_moved_and_called_off() {
    let (site, memory) = site().await;
    let year = next_year();
    let start = format!("{year}-03-04T09:00");
    let title = "Plan <b>bold</b>";
    let mut form = vec![
        ("title", title),
        ("start", start.as_str()),
        ("zone", "Europe/Berlin"),
        ("minutes", "30"),
        ("with", "ann@example.com, bo@example.com"),
        ("calendar", "none"),
        ("key", "once"),
        ("what", "check"),
    ];
    let (looked, _) = send(&site, "/schedule/new", &form).await;
    let looked = looked.is(200);
    assert!(
        looked.text.contains("Plan &lt;b&gt;bold"),
        "{}",
        looked.text
    );
    assert!(!looked.text.contains("<b>bold"));
    assert_eq!(memory.made(), 0, "looking makes nothing");
    form.pop();
    form.push(("what", "make"));
    let (made, address) = send(&site, "/schedule/new", &form).await;
    assert!(made.is(200).text.contains("ann@example.com"));
    // The same form again is the same meeting.
    let (_, again) = send(&site, "/schedule/new", &form).await;
    assert_eq!((memory.made(), &again), (1, &address));

    // Another at the same time meets it: it is refused with the reason, and shown before.
    form.retain(|(name, _)| *name != "key" && *name != "what");
    form.push(("what", "check"));
    let (clash, _) = send(&site, "/schedule/new", &form).await;
    assert!(clash.is(200).text.contains("ann@example.com is busy"));
    form.pop();
    form.push(("what", "make"));
    let (clash, _) = send(&site, "/schedule/new", &form).await;
    let clash = clash.is(200);
    assert!(clash.text.contains("role=\"alert\""), "{}", clash.text);
    assert_eq!(memory.made(), 1);

    let week = site
        .page(&format!("/schedule?day={year}-03-04&zone=Europe/Berlin"))
        .await
        .is(200);
    let bar = "<rect class=\"mine\" x=\"540\" y=\"10\" width=\"30\"";
    assert_eq!(week.text.matches(bar).count(), 2, "{}", week.text);
    assert!(week.text.contains("09:00 Plan &lt;b&gt;bold"));
    assert!(week.text.contains("2 not yet"));
    let found = site
        .page(&format!(
            "/schedule?day={year}-03-04&zone=Europe/Berlin&with=ann@example.com&minutes=60"
        ))
        .await
        .is(200);
    assert!(found.text.contains("everybody who has to come is free"));

    let (kept, _) = send(&site, &format!("{address}/cancel"), &[("tell", "on")]).await;
    assert!(kept.is(200).text.contains("it was not confirmed"));
    assert_eq!(memory.all().len(), 1);
    let later = format!("{year}-03-04T11:00");
    let (moved, _) = send(&site, &format!("{address}/move"), &[("start", &later)]).await;
    assert!(moved.is(200).text.contains("11:00"));
    let (off, _) = send(
        &site,
        &format!("{address}/cancel"),
        &[("tell", "on"), ("sure", "on")],
    )
    .await;
    assert!(off.is(200).text.contains("cancelled"));
    assert_eq!(memory.all().len(), 0);
}

#[tokio::test]
async fn when_people_can_be_met_is_told_over_the_api() {
    let (site, _) = site().await;
    let year = next_year();
    let ask = |path: &'static str, body: serde_json::Value| {
        let body = body.to_string();
        let site = &site;
        async move { site.post(path, body, None, None).await }
    };
    let day = format!("{year}-03-04");
    let body = json!({ "people": ["ann@example.com"], "from": day, "to": day, "any_hour": true, "minutes": 60, "step_minutes": 60 });
    let found = ask("/v1/availability", body.clone()).await.is(200).json();
    assert_eq!(found["slots"].as_array().unwrap().len(), 24);
    assert_eq!(found["people"][0]["calendars"], json!(["feed"]));
    let best = ask("/v1/availability/suggestions", body)
        .await
        .is(200)
        .json();
    assert_eq!(best["suggestions"].as_array().unwrap().len(), 5);
    let nobody = json!({ "people": ["x@elsewhere.org"] });
    let unknown = ask("/v1/availability", nobody).await.is(200).json();
    assert_eq!(unknown["slots"], json!([]));
    assert_eq!(unknown["people"][0]["known"], json!(false));
    ask("/v1/availability", json!({ "people": [] }))
        .await
        .is(400)
        .problem("invalid_input");
    site.get("/v1/calendars").await.is(200);
    site.get("/v1/calendars/conflicts").await.is(200);
}
