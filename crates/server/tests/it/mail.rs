//! Mails in the console, answers by the link in a mail and by a posted reply, reminders over the API.

use parfocal_engine::components::Activation;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::notify::{self, Invitation, InvitationKind};
use parfocal_engine::store::{NewAttendee, ScheduleFacts, ScheduleId, ScheduleState};
use serde_json::{Value, json};

use crate::support::{Answer, Site};

async fn invited(site: &Site) -> ScheduleId {
    let app = &site.app;
    let caller = Caller::local(Surface::Cli);
    for name in ["scheduling", "mail", "reminders"] {
        let anyway = Activation {
            anyway: true,
            ..Activation::default()
        };
        app.components()
            .activate(name, &anyway, &caller)
            .await
            .unwrap();
    }
    let now = app.clock().now();
    let start = now + jiff::SignedDuration::from_hours(24);
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    let id = tx.new_schedule_id(now);
    let facts = ScheduleFacts {
        provider: "memory".into(),
        account: None,
        meeting_id: None,
        join_url: None,
        title: "Plan <b>".into(),
        tz: "UTC".into(),
        start_at: start,
        ends_at: start + jiff::SignedDuration::from_mins(30),
        minutes: 30,
        rrule: None,
        sequence: 0,
        state: ScheduleState::Scheduled,
        note: None,
        spec: json!({}),
    };
    tx.new_schedule(id, &format!("{id}@parfocal"), "test", &facts, now)
        .await
        .unwrap();
    let people = [NewAttendee {
        email: "bo@example.com",
        name: Some("Bo"),
        role: "required",
        answer: "pending",
    }];
    tx.set_attendees(id, &people, now).await.unwrap();
    tx.commit().await.unwrap();
    let attendee = json!({ "email": "bo@example.com", "name": "Bo" });
    let start = start
        .to_zoned(jiff::tz::TimeZone::UTC)
        .datetime()
        .round(jiff::Unit::Minute)
        .unwrap();
    let event = json!({
        "key": id, "ical_uid": format!("{id}@parfocal"), "sequence": 0, "title": "Plan <b>", "body": null, "location": null,
        "join_url": "https://zoom.example/j/1", "when": { "timed": { "start": start, "zone": "UTC", "minutes": 30 } },
        "recurrence": null, "overrides": [], "organizer": null, "attendees": [attendee], "reminders": [], "cancelled": false,
    });
    let invitation = Invitation {
        key: format!("{id}/0/request/bo@example.com"),
        kind: InvitationKind::Request,
        schedule: id,
        attendee: serde_json::from_value(attendee).unwrap(),
        sequence: 0,
        occurrence: None,
        event: serde_json::from_value(event).unwrap(),
    };
    let mail = app.invitations().open(app, "mail", None).await.unwrap();
    mail.send(app, &invitation).await.unwrap();
    id
}

async fn answer_of(site: &Site, id: ScheduleId) -> Value {
    let rows = site
        .get(&format!("/v1/responses?schedule={id}"))
        .await
        .is(200)
        .json();
    rows["items"][0].clone()
}

#[tokio::test]
async fn a_mail_is_shown_and_its_link_takes_an_answer_only_when_it_is_given() {
    let site = Site::start().await;
    site.get("/v1/mail").await.is(404).problem("component_off");
    let id = invited(&site).await;
    let mails = site.get("/v1/mail").await.is(200).json();
    assert_eq!(mails["items"][0]["state"], "kept");
    assert_eq!(mails["items"][0]["to"], "bo@example.com");
    let mail = mails["items"][0]["id"].as_str().unwrap();
    let list = site.page("/mail").await.is(200).text;
    assert!(
        list.contains("bo@example.com") && list.contains("Plan &lt;b&gt;"),
        "{list}"
    );
    let page = site.page(&format!("/mail/{mail}")).await.is(200).text;
    assert!(
        page.contains("Will you come?") && !page.contains("Plan <b>"),
        "{page}"
    );
    site.page("/mail/nothing").await.is(404);
    let (_, text) = notify::mail::written(&site.app, mail).await.unwrap();
    let link = text
        .split("/rsvp/")
        .nth(1)
        .unwrap()
        .split('?')
        .next()
        .unwrap();
    let link = format!("/rsvp/{link}");
    let shown = site
        .page(&format!("{link}?answer=accepted"))
        .await
        .is(200)
        .text;
    assert!(
        shown.contains("Will you come?") && shown.contains("Plan &lt;b&gt;"),
        "{shown}"
    );
    assert_eq!(
        answer_of(&site, id).await["answer"],
        "pending",
        "looking answers nothing"
    );
    let post = async |body: &'static str| {
        let request = site
            .client
            .post(format!("{}{link}", site.url))
            .header("content-type", "application/x-www-form-urlencoded")
            // From a mail program's page, that is, from elsewhere.
            .header("origin", "https://mail.example")
            .body(body);
        Answer::of(request.send().await.unwrap()).await
    };
    post("answer=perhaps").await.is(400);
    assert_eq!(answer_of(&site, id).await["answer"], "pending");
    let done = post("answer=accepted").await.is(200).text;
    assert!(done.contains("your answer was noted"), "{done}");
    let said = answer_of(&site, id).await;
    assert_eq!(
        (&said["answer"], &said["source"], &said["verified"]),
        (&json!("accepted"), &json!("link"), &json!(true))
    );
    site.get(&format!("{link}x")).await.is(404);
    site.stop.cancel();
}

#[tokio::test]
async fn a_reply_is_taken_and_reminders_are_listed() {
    let site = Site::start().await;
    let id = invited(&site).await;
    let stamp =
        (site.app.clock().now() + jiff::SignedDuration::from_mins(1)).strftime("%Y%m%dT%H%M%SZ");
    let calendar = format!(
        "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nBEGIN:VEVENT\r\nUID:{id}@parfocal\r\nSEQUENCE:0\r\nDTSTAMP:{stamp}\r\n\
         ATTENDEE;PARTSTAT=DECLINED:mailto:bo@example.com\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    );
    let post = async |kind: &'static str, body: String| {
        let request = site
            .client
            .post(format!("{}/v1/mail/replies", site.url))
            .header("content-type", kind)
            .body(body);
        Answer::of(request.send().await.unwrap()).await
    };
    post("text/plain", calendar.clone()).await.is(400);
    post("text/calendar", "hello".to_owned()).await.is(400);
    let taken = post("text/calendar; charset=utf-8", calendar)
        .await
        .is(200)
        .json();
    assert_eq!(taken["items"][0]["outcome"], "taken");
    assert_eq!(answer_of(&site, id).await["answer"], "declined");
    let none = site
        .get(&format!("/v1/reminders?schedule={id}"))
        .await
        .is(200)
        .json();
    assert_eq!(none["items"], json!([]));
    site.get("/v1/reminders?schedule=x").await.is(404);
    site.stop.cancel();
}
