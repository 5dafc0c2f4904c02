//! Through which connection an account is asked, when there are several and some of them do not work.

use crate::work_stage::both;

both! {
    no_person_stands_in_for_the_account;
}

mod body {
    use std::time::Duration;

    use jiff::{SignedDuration, ToSpan as _};
    use parfocal_engine::audit::By;
    use parfocal_engine::backfill::{self, Request};
    use parfocal_engine::clock::Clock;
    use parfocal_engine::store::{BackfillState, ConnectionState};
    use parfocal_simulator::{Config as SimConfig, Limits};
    use serde_json::json;

    use crate::core_connections_user::{connect, install, people, with_user_app};
    use crate::work_compare::differences;
    use crate::work_stage::{Engine, Stage};

    /// Zoom switches the operator's app off for a while, and somebody's own consent still works. What Zoom would refuse
    /// that person is not what the account cannot give: the work waits, and nothing is missing in the end.
    pub(super) async fn no_person_stands_in_for_the_account(engine: Engine) {
        let sim = SimConfig {
            limits: Limits::Off,
            ..SimConfig::default()
        };
        let stage = Stage::new(engine, sim, |config| {
            *config = with_user_app(config.clone());
        })
        .await;
        let connections = stage.app.connections();
        let env = connections.check("env").await.unwrap();
        assert_eq!(env.state, ConnectionState::Healthy, "{env:#?}");
        let person = people(&stage.sim).await.swap_remove(1);
        let person = connect(&stage.app, install(), Some(&person)).await.unwrap();
        assert_eq!(person.connection.account.id, env.account.id);
        let off = json!({"kind": "revoked_consent", "path": "/oauth/token", "grant_type": "account_credentials"});
        let off = stage.tell("/faults", off).await;
        let once = json!({"kind": "revoked_consent", "path": "/v2/users", "times": 1});
        stage.tell("/faults", once).await;
        let env = connections.check("env").await.unwrap();
        assert_eq!(env.state, ConnectionState::NeedsReconnect, "{env:#?}");
        let chosen = connections.for_account(env.account.id).await.unwrap();
        assert_eq!(chosen.id, env.id);

        let today = stage.now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let since = today.checked_sub(20.days()).unwrap();
        let request = Request {
            since: Some(since),
            ..Request::default()
        };
        let started = backfill::start(&stage.app, &request, &By::system())
            .await
            .unwrap();
        stage.work();
        stage
            .until("the work notices that the app is off", async || {
                stage.state().await.contains("CredentialsRefused")
                    || stage.state().await.contains("disabled")
            })
            .await;
        stage.delete(&format!("/faults/{}", off["id"])).await;
        // What waits for the connection looks again in ten minutes.
        let clock = Clock::system();
        let mut looks = 0;
        let view = loop {
            let view = backfill::status(&stage.app, started.id).await.unwrap();
            if !matches!(view.state, BackfillState::Running | BackfillState::Planning) {
                break view;
            }
            looks += 1;
            assert!(looks < 600, "{}", stage.state().await);
            clock.sleep(Duration::from_millis(250)).await;
            if looks % 8 == 0 {
                stage.advance(SignedDuration::from_mins(2)).await;
            }
        };
        assert_eq!(view.unavailable, json!([]), "{view:#?}");
        stage.quiet().await;
        let wrong = differences(&stage, &format!("?since={since}")).await;
        assert!(
            wrong.is_empty(),
            "{}\n{}",
            wrong.join("\n"),
            stage.state().await
        );
    }
}
