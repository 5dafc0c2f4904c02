//! Webinars and who registers for them: made, changed and cancelled at a simulated account.

use parfocal_engine::Code;
use serde_json::{Value, json};

use super::{Stage, plain};
use crate::core_support::on_both_stores;

on_both_stores! {
    a_webinar_is_scheduled_changed_listed_and_cancelled;
    people_register_for_a_webinar_and_the_host_decides;
    a_host_without_the_add_on_is_told_so;
}

/// A host with the add-on, and one without it.
async fn hosts(stage: &Stage) -> (String, String) {
    let users = stage.done("user.list", json!({"limit": 100})).await.output;
    let (mut with, mut without) = (None, None);
    for user in users["items"].as_array().unwrap() {
        let email = user["email"].as_str().unwrap().to_owned();
        match stage
            .run("webinar.list", json!({"host": email}), &plain())
            .await
        {
            Ok(_) => with = with.or(Some(email)),
            Err(_) => without = without.or(Some(email)),
        }
    }
    (with.unwrap(), without.unwrap())
}

async fn webinar(stage: &Stage, host: &str, registration: &str) -> Value {
    let input = json!({"host": host, "topic": "Product launch", "start": "2030-01-07T17:00:00", "timezone": "Europe/Berlin",
        "duration_minutes": 90, "registration": registration});
    stage.done("webinar.create", input).await.output
}

async fn a_webinar_is_scheduled_changed_listed_and_cancelled() {
    let stage = Stage::new().await;
    let (host, _) = hosts(&stage).await;
    let made = webinar(&stage, &host, "none").await;
    let number = made["number"].as_str().unwrap().to_owned();
    assert_eq!(
        (made["topic"].as_str(), made["start"].as_str()),
        (Some("Product launch"), Some("2030-01-07T16:00:00Z"))
    );
    let change = json!({"webinar": number, "topic": "Launch, moved", "start": "2030-01-08T17:00:00", "timezone": "Europe/Berlin",
        "duration_minutes": 45});
    stage.done("webinar.update", change).await;
    let now = stage
        .done("webinar.get", json!({"webinar": number}))
        .await
        .output;
    assert_eq!(
        (
            now["topic"].as_str(),
            now["start"].as_str(),
            now["duration_minutes"].as_i64()
        ),
        (
            Some("Launch, moved"),
            Some("2030-01-08T16:00:00Z"),
            Some(45)
        )
    );
    let listed = stage
        .done("webinar.list", json!({"host": host, "limit": 300}))
        .await
        .output;
    let found = |list: &Value| {
        list["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["number"] == number.as_str())
    };
    assert!(found(&listed), "{listed}");
    // It is a webinar and no meeting.
    let meeting = stage
        .run("meeting.get", json!({"meeting": number}), &plain())
        .await;
    assert_eq!(meeting.unwrap_err().code(), Code::ZoomRefused);
    stage
        .done("webinar.delete", json!({"webinar": number}))
        .await;
    let gone = stage
        .run("webinar.get", json!({"webinar": number}), &plain())
        .await;
    assert_eq!(gone.unwrap_err().code(), Code::ZoomNotFound);
    let listed = stage
        .done("webinar.list", json!({"host": host, "limit": 300}))
        .await
        .output;
    assert!(!found(&listed), "{listed}");
    for (call, times) in [
        ("POST /users/{userId}/webinars", 1),
        ("PATCH /webinars/{webinarId}", 1),
        ("DELETE /webinars/{webinarId}", 1),
    ] {
        assert_eq!(stage.calls(call).await, times, "{call}");
    }
}

async fn people_register_for_a_webinar_and_the_host_decides() {
    let stage = Stage::new().await;
    let (host, _) = hosts(&stage).await;
    let made = webinar(&stage, &host, "manual").await;
    let number = made["number"].as_str().unwrap().to_owned();
    let mut ids = Vec::new();
    for name in ["Ada", "Bo"] {
        let person = json!({"meeting": number, "kind": "webinar", "email": format!("{name}@example.org"), "first_name": name,
            "last_name": "Berg"});
        let added = stage.done("registrant.add", person).await.output;
        ids.push(added["id"].as_str().unwrap().to_owned());
    }
    let list = async |status: &str| {
        let asked = json!({"meeting": number, "kind": "webinar", "status": status});
        let listed = stage.done("registrant.list", asked).await.output;
        let items = listed["items"].as_array().unwrap().iter();
        items
            .map(|one| one["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let mut pending = list("pending").await;
    pending.sort();
    let mut both = ids.clone();
    both.sort();
    assert_eq!(pending, both);
    let decide = |action: &str, id: &str| json!({"meeting": number, "kind": "webinar", "decision": action, "registrants": [{"id": id}]});
    stage
        .done("registrant.approve", decide("approve", &ids[0]))
        .await;
    stage
        .done("registrant.approve", decide("deny", &ids[1]))
        .await;
    assert_eq!(list("approved").await, [ids[0].clone()]);
    assert_eq!(list("denied").await, [ids[1].clone()]);
    assert!(list("pending").await.is_empty());
    // Without registration Zoom takes nobody's name.
    let open = webinar(&stage, &host, "none").await;
    let person = json!({"meeting": open["number"], "kind": "webinar", "email": "cy@example.org", "first_name": "Cy"});
    let refused = stage
        .run("registrant.add", person, &plain())
        .await
        .unwrap_err();
    assert!(
        refused
            .zoom()
            .unwrap()
            .message
            .contains("does not have registration"),
        "{refused}"
    );
}

async fn a_host_without_the_add_on_is_told_so() {
    let stage = Stage::new().await;
    let (_, host) = hosts(&stage).await;
    let input = json!({"host": host, "topic": "No", "start": "2030-01-07T17:00:00Z"});
    let refused = stage
        .run("webinar.create", input, &plain())
        .await
        .unwrap_err();
    let zoom = refused.zoom().unwrap();
    assert_eq!((zoom.status, zoom.code), (Some(400), Some(200)));
    assert!(zoom.message.contains("Webinar plan is missing") && !refused.hint().is_empty());
}
