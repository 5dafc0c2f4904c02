//! Google's and Microsoft's calendars connected in the browser, at the doubles of both.

use parfocal_engine::components::Activation;
use parfocal_engine::keys::{Caller, Surface};
use url::Url;

use crate::support::Answer;
use crate::zoom::{Browser, Zoomed};

const INGRID: &str = "ingrid@brightwater.example";

/// A server with an app at both, and what they need switched on.
async fn world() -> Zoomed {
    let mut world = Zoomed::with(|_| {}).await;
    let base = world.zoom.base_url().to_owned();
    world.site = crate::support::Site::with(|config| {
        config.clock.clone_from(&world.site.app.config().clock);
        config.google.client_id = Some("simulator".into());
        config.google.client_secret = Some("simulator".into());
        config.google.consent_url = format!("{base}/google/o/oauth2/v2/auth").parse().unwrap();
        config.google.token_url = format!("{base}/google/token").parse().unwrap();
        config.google.api_url = format!("{base}/google/calendar/v3").parse().unwrap();
        config.microsoft.client_id = Some("simulator".into());
        config.microsoft.client_secret = Some("simulator".into());
        config.microsoft.login_url = format!("{base}/graph").parse().unwrap();
        config.microsoft.api_url = format!("{base}/graph/v1.0").parse().unwrap();
    })
    .await;
    for name in ["scheduling", "calendar-google", "calendar-microsoft"] {
        let anyway = Activation {
            anyway: true,
            ..Activation::default()
        };
        let caller = Caller::local(Surface::Cli);
        let components = world.site.app.components();
        components.activate(name, &anyway, &caller).await.unwrap();
    }
    world
}

fn of(page: &Url, name: &str) -> String {
    let found = page.query_pairs().find(|(key, _)| key == name);
    found.unwrap_or_else(|| panic!("{name} in {page}")).1.into()
}

/// Sends the form of the console's page: the page on which somebody agrees.
async fn begin(world: &Zoomed, calendar: &str, name: &str) -> Url {
    let form = [("calendar", calendar), ("name", name), ("own", "on")];
    let answer = world.form("/schedule/calendars", &form).await.is(303);
    let cookie = answer.header("set-cookie");
    for part in ["HttpOnly", "SameSite=Lax", "Path=/oauth/calendar/callback"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let page: Url = answer.header("location").parse().unwrap();
    assert_eq!(of(&page, "code_challenge_method"), "S256");
    assert_eq!(
        of(&page, "redirect_uri"),
        world.at("/oauth/calendar/callback")
    );
    assert!(of(&page, "state").len() >= 40);
    page
}

/// The calendars, as the API shows them.
async fn calendars(world: &Zoomed) -> Vec<serde_json::Value> {
    let list = world.site.get("/v1/calendars").await.is(200).json();
    list["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn somebody_agrees_and_the_calendar_works() {
    let world = world().await;
    let page = world.site.page("/schedule/calendars").await.is(200).text;
    for part in ["Connect Google Calendar", "Connect Microsoft 365"] {
        assert!(page.contains(part), "{page}");
    }
    for calendar in ["google", "microsoft"] {
        let page = begin(&world, calendar, calendar).await;
        let back = world.consent_as(&page, "allow", Some(INGRID)).await;
        let done = world.browser.get(&back).await.is(303);
        assert_eq!(done.header("location"), "/schedule/calendars?did=connected");
        let all = calendars(&world).await;
        let one = all.iter().find(|one| one["name"] == calendar).unwrap();
        assert_eq!(
            (&one["state"], &one["reason"]),
            (&"working".into(), &serde_json::Value::Null)
        );
        assert_eq!(one["settings"]["invites"], false);

        // The same answer again opens nothing.
        says(world.browser.get(&back).await, "over already");
        // A new consent to the calendar of that name keeps it.
        let page = begin(&world, calendar, calendar).await;
        let back = world.consent_as(&page, "allow", Some(INGRID)).await;
        world.browser.get(&back).await.is(303);
    }
    assert_eq!(calendars(&world).await.len(), 2);
    // A name is one calendar's.
    let form = [("calendar", "microsoft"), ("name", "google")];
    let answer = world.form("/schedule/calendars", &form).await;
    says(answer, "another calendar named google");
    let log = world.site.get("/v1/audit?action=calendar.connect").await;
    assert_eq!(log.is(200).json()["items"].as_array().unwrap().len(), 4);
}

#[track_caller]
fn says(answer: Answer, words: &str) {
    let text = answer.is(200).read();
    assert!(text.contains(words), "{words}: {text}");
}

#[tokio::test]
async fn nobody_connects_by_another_ones_consent_and_a_refusal_is_said() {
    let world = world().await;
    let callback = world.at("/oauth/calendar/callback");
    let get = async |path: String| world.browser.get(&path).await;
    says(
        get(format!("{callback}?state=made-up&code=x")).await,
        "being connected here",
    );
    says(get(callback.clone()).await, "being connected here");
    for calendar in ["google", "microsoft"] {
        // Another browser than the one that began, as when somebody is sent the address.
        let page = begin(&world, calendar, "a").await;
        let back = world.consent_as(&page, "allow", Some(INGRID)).await;
        says(Browser::new().get(&back).await, "not the one");

        let page = begin(&world, calendar, "a").await;
        let back = world.consent_as(&page, "deny", Some(INGRID)).await;
        says(world.browser.get(&back).await, "told not to allow it");

        // A code of another consent does not fit the proof that this one began with.
        let first = begin(&world, calendar, "a").await;
        let stolen: Url = world
            .consent_as(&first, "allow", Some(INGRID))
            .await
            .parse()
            .unwrap();
        let second = begin(&world, calendar, "a").await;
        let mut mixed: Url = callback.parse().unwrap();
        mixed
            .query_pairs_mut()
            .append_pair("state", &of(&second, "state"))
            .append_pair("code", &of(&stolen, "code"));
        says(get(mixed.into()).await, "Begin again");

        let page = begin(&world, calendar, "a").await;
        let back = world.consent_as(&page, "allow", Some(INGRID)).await;
        world.later(11).await;
        says(world.browser.get(&back).await, "in time");
    }
    assert!(calendars(&world).await.is_empty());
}
