//! What is in doubt stays in doubt until it is settled, and what Zoom refuses is shown.

use std::time::Duration;

use parfocal_engine::Code;
use parfocal_store::ConnectionState;
use serde_json::json;

use super::{CREATES, Stage, keyed, output, plain};
use crate::core_support::{calm, command, on_both_stores};

on_both_stores! {
    a_failing_look_gives_no_key_back;
    a_cancellation_in_doubt_is_settled_by_asking_again;
    an_app_that_zoom_refuses_is_shown_until_it_is_welcome_again;
}

impl Stage {
    async fn fault(&self, order: serde_json::Value) {
        command(self.simulator.base_url(), "/faults", order).await;
    }
}

async fn a_failing_look_gives_no_key_back() {
    let stage = Stage::new().await;
    let weather = json!({"kind": "server_error", "path": "/v2/users/", "method": "GET"});
    stage
        .fault(json!({"kind": "lost", "path": "/v2/users/", "method": "POST", "times": 1}))
        .await;
    stage.fault(weather).await;
    let wanted = stage.meeting("In doubt");
    let how = keyed("doubt");
    // The answer is lost, and so is each look for the meeting.
    let lost = stage.run("meeting.create", wanted.clone(), &how).await;
    assert_eq!(lost.unwrap_err().code(), Code::OutcomeUnknown);
    // Whatever hinders the next try, the key is not as good as new: nothing may be made again.
    let again = stage.run("meeting.create", wanted.clone(), &how).await;
    assert_eq!(again.unwrap_err().code(), Code::ZoomUnreachable);
    calm(stage.simulator.base_url()).await;
    let found = output(
        stage
            .run("meeting.create", wanted.clone(), &how)
            .await
            .unwrap(),
    );
    assert_eq!(found["adopted"], true);
    let told = output(stage.run("meeting.create", wanted, &how).await.unwrap());
    assert_eq!(told["number"], found["number"]);
    assert_eq!(stage.calls(CREATES).await, 1);
}

async fn a_cancellation_in_doubt_is_settled_by_asking_again() {
    let stage = Stage::new().await;
    for lost in [1, 2] {
        let made = stage.done("meeting.create", stage.meeting("Short")).await;
        stage
            .fault(
                json!({"kind": "lost", "path": "/v2/meetings/", "method": "DELETE", "times": lost}),
            )
            .await;
        let input = json!({"meeting": made.output["number"]});
        let how = keyed(&format!("cancel-{lost}"));
        let mut done = stage.run("meeting.delete", input.clone(), &how).await;
        if lost == 2 {
            assert_eq!(done.unwrap_err().code(), Code::OutcomeUnknown);
            done = stage.run("meeting.delete", input.clone(), &how).await;
        }
        assert_eq!(output(done.unwrap())["done"], true);
        // Somebody else's wish for the same finds nothing, and says so.
        let gone = stage.run("meeting.delete", input, &plain()).await;
        assert_eq!(gone.unwrap_err().code(), Code::ZoomNotFound);
    }
}

async fn an_app_that_zoom_refuses_is_shown_until_it_is_welcome_again() {
    let stage = Stage::new().await;
    for path in ["/v2/users", "/oauth/token"] {
        stage
            .fault(json!({"kind": "revoked_consent", "path": path, "times": 1}))
            .await;
    }
    let fresh = || {
        let mut how = plain();
        how.fresh = true;
        how
    };
    let refused = stage.run("user.list", json!({}), &fresh()).await;
    assert_eq!(refused.unwrap_err().code(), Code::CredentialsRefused);
    let shown = stage.app.connections().show("env").await.unwrap();
    assert_eq!(shown.state, ConnectionState::NeedsReconnect, "{shown:?}");
    assert!(shown.reason.unwrap().contains("disabled"));
    // The account is still asked through it: that is how it is noticed.
    let account = shown.account.id;
    let chosen = stage.app.connections().for_account(account).await.unwrap();
    assert_eq!(chosen.id, shown.id);
    // Renewing pauses for a moment after a refusal.
    let clock = stage.app.clock();
    let deadline = clock.monotonic() + Duration::from_mins(1);
    while let Err(error) = stage.run("user.list", json!({}), &fresh()).await {
        assert!(clock.monotonic() < deadline, "{error}");
        clock.sleep(Duration::from_millis(200)).await;
    }
    let shown = stage.app.connections().show("env").await.unwrap();
    assert_eq!(shown.state, ConnectionState::Healthy, "{shown:?}");
    assert_eq!(shown.reason, None);
}
