//! Backfills, held against what could be known and what it would have cost.

use crate::work_stage::both;

both! {
    everything_that_can_be_known_is_in_the_store_for_the_least_calls;
    doing_it_again_does_less_and_no_harm;
    a_free_account_gets_a_reason_for_each_missing_thing;
    without_a_scope_another_way_is_taken_or_the_reason_kept;
    the_slowest_label_sets_the_pace_and_no_limit_is_broken;
    faults_on_the_way_change_nothing;
    a_list_without_end_is_put_before_a_person;
    a_clock_that_jumps_changes_nothing;
    a_crash_at_any_moment_changes_nothing;
    it_can_be_paused_resumed_and_cancelled;
}

mod body {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;
    use std::time::Duration;

    use jiff::SignedDuration;
    use parfocal_engine::audit::By;
    use parfocal_engine::backfill::{self, Request};
    use parfocal_engine::clock::Clock;
    use parfocal_engine::config::Plan;
    use parfocal_engine::jobs::{self, Runner};
    use parfocal_engine::store::{BackfillState, JobFilter, JobState, PageRequest};
    use parfocal_simulator::{
        App as SimApp, AppScopes, Config as SimConfig, Limits, Plan as SimPlan,
    };
    use serde_json::{Value, json};

    use crate::work_compare::differences;
    use crate::work_stage::{Engine, Stage};

    fn by_endpoint(calls: &Value) -> BTreeMap<String, i64> {
        let object = calls["by_endpoint"].as_object().unwrap();
        object
            .iter()
            .map(|(path, count)| (path.clone(), count.as_i64().unwrap()))
            .collect()
    }

    /// Calls made beyond the least, by endpoint. Connecting asks once who the account is and how it is set, which may fall
    /// in between.
    async fn wasted(stage: &Stage, before: &Value, query: &str) -> Vec<String> {
        let after = by_endpoint(&stage.get("/calls").await);
        let before = by_endpoint(before);
        let least = by_endpoint(&stage.get(&format!("/knowable{query}")).await["least_calls"]);
        let mut wasted = Vec::new();
        for (path, count) in &after {
            let made = count - before.get(path).unwrap_or(&0);
            let connecting = i64::from(matches!(
                path.as_str(),
                "GET /users"
                    | "GET /users/{userId}"
                    | "GET /users/{userId}/settings"
                    | "GET /accounts/{accountId}/settings"
            ));
            let needed = least.get(path).unwrap_or(&0) + connecting;
            if made > needed {
                wasted.push(format!("{path}: {made} calls instead of {needed}"));
            }
        }
        wasted
    }

    /// What was tried more than once, and why: the cause of calls too many.
    async fn repeated(stage: &Stage) -> String {
        let store = stage.app.store();
        let page = PageRequest::first(1000);
        let all = store
            .jobs(stage.app.scope(), &JobFilter::default(), &page)
            .await
            .unwrap();
        let mut out = String::new();
        for job in all.items.iter().filter(|job| job.attempts > 1) {
            let detail = jobs::get(&stage.app, job.id).await.unwrap();
            for attempt in &detail.attempts {
                if attempt.outcome != "done" {
                    let _ = writeln!(out, "{} {attempt:?}", job.kind);
                }
            }
        }
        out
    }

    async fn matches_knowable(stage: &Stage, query: &str) {
        let wrong = differences(stage, query).await;
        assert!(
            wrong.is_empty(),
            "{}\n{}",
            wrong.join("\n"),
            stage.state().await
        );
    }

    pub(super) async fn everything_that_can_be_known_is_in_the_store_for_the_least_calls(
        engine: Engine,
    ) {
        let stage = Stage::plain(engine).await;
        let forecast = backfill::plan(&stage.app, &Request::default())
            .await
            .unwrap();
        assert_eq!(
            (forecast.users, forecast.windows, forecast.basis),
            (12, 7, "assumed")
        );
        assert_eq!(forecast.seconds, None, "there are no limits");
        stage.work();
        let before = stage.get("/calls").await;
        let view = stage.backfill().await;
        assert_eq!(view.state, BackfillState::Done, "{view:#?}");
        assert_eq!((view.done, view.unavailable), (view.total, json!([])));
        stage.quiet().await;
        matches_knowable(&stage, "").await;
        let wasted = wasted(&stage, &before, "").await;
        assert!(wasted.is_empty(), "{wasted:#?}\n{}", repeated(&stage).await);
    }

    pub(super) async fn doing_it_again_does_less_and_no_harm(engine: Engine) {
        let stage = Stage::plain(engine).await;
        stage.work();
        stage.backfill().await;
        stage.quiet().await;
        let before = stage.get("/calls").await;
        let status = stage.app.store().status(stage.app.scope()).await.unwrap();
        let view = stage.backfill().await;
        assert_eq!(view.state, BackfillState::Done);
        stage.quiet().await;
        let after = stage.get("/calls").await;
        let again = stage.app.store().status(stage.app.scope()).await.unwrap();
        assert_eq!(
            (
                status.instances,
                status.attendance,
                status.files_stored,
                status.cues,
                status.chat_messages
            ),
            (
                again.instances,
                again.attendance,
                again.files_stored,
                again.cues,
                again.chat_messages
            )
        );
        assert_eq!(before["downloads"], after["downloads"]);
        let (before, after) = (by_endpoint(&before), by_endpoint(&after));
        for path in [
            "GET /past_meetings/{meetingId}/participants",
            "GET /past_meetings/{meetingId}",
            "GET /meetings/{meetingId}",
        ] {
            assert_eq!(before.get(path), after.get(path), "{path}");
        }
        matches_knowable(&stage, "").await;
    }

    pub(super) async fn a_free_account_gets_a_reason_for_each_missing_thing(engine: Engine) {
        let sim = SimConfig {
            plan: SimPlan::Free,
            limits: Limits::Off,
            ..SimConfig::default()
        };
        let stage = Stage::new(engine, sim, |_| {}).await;
        stage.work();
        let before = stage.get("/calls").await;
        let view = stage.backfill().await;
        assert_eq!(view.state, BackfillState::Done, "{view:#?}");
        stage.quiet().await;
        let told: Vec<(&str, &str)> = view
            .unavailable
            .as_array()
            .unwrap()
            .iter()
            .map(|one| {
                (
                    one["what"].as_str().unwrap(),
                    one["cause"].as_str().unwrap(),
                )
            })
            .collect();
        for what in ["history", "instances", "recordings", "registrants"] {
            assert!(told.contains(&(what, "plan")), "{what}: {told:?}");
        }
        assert!(
            view.unavailable[0]["detail"].as_str().unwrap().len() > 10,
            "{:?}",
            view.unavailable
        );
        matches_knowable(&stage, "?plan=free").await;
        let wasted = wasted(&stage, &before, "?plan=free").await;
        assert!(wasted.is_empty(), "{wasted:#?}\n{}", repeated(&stage).await);
    }

    /// Every scope of the server-to-server app but these.
    fn without(scopes: &[&str], all: &str) -> SimConfig {
        let left: Vec<String> = all
            .split([' ', ','])
            .filter(|scope| !scopes.iter().any(|gone| scope.contains(gone)))
            .map(str::to_owned)
            .collect();
        let mut apps = SimApp::defaults();
        apps[0].scopes = AppScopes::Only(left);
        SimConfig {
            apps,
            limits: Limits::Off,
            ..SimConfig::default()
        }
    }

    async fn all_scopes() -> String {
        let stage = Stage::plain(Engine::Sqlite).await;
        let scopes = stage.get("/knowable?scopes=default").await["scopes"].clone();
        let list: Vec<&str> = scopes
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        list.join(" ")
    }

    pub(super) async fn without_a_scope_another_way_is_taken_or_the_reason_kept(engine: Engine) {
        let all = all_scopes().await;
        let sim = without(
            &[
                "report:read:list_history_meetings",
                "cloud_recording:read:list_user_recordings",
            ],
            &all,
        );
        let AppScopes::Only(left) = sim.apps[0].scopes.clone() else {
            panic!("a list")
        };
        let query = format!("?scopes={}", left.join(","));
        let stage = Stage::new(engine, sim, |_| {}).await;
        stage.work();
        let before = stage.get("/calls").await;
        let view = stage.backfill().await;
        assert_eq!(view.state, BackfillState::Done, "{view:#?}");
        stage.quiet().await;
        let history = view
            .unavailable
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["what"] == "history")
            .unwrap();
        assert_eq!(history["cause"], "scope");
        assert!(
            history["detail"]
                .as_str()
                .unwrap()
                .contains("report:read:list_history_meetings"),
            "{history}"
        );
        let reports = view
            .slices
            .iter()
            .find(|slice| slice.resource == "reports")
            .unwrap();
        assert_eq!((reports.done, reports.total), (84, 84));
        // Recordings were asked for one by one, through the scope that is left.
        let wrong: Vec<String> = differences(&stage, &query).await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let wasted: Vec<String> = wasted(&stage, &before, &query)
            .await
            .into_iter()
            .filter(|one| {
                !one.contains("history_meetings: 1 calls") && !one.contains("/recordings: ")
            })
            .collect();
        assert!(wasted.is_empty(), "{wasted:#?}\n{}", repeated(&stage).await);
    }

    pub(super) async fn the_slowest_label_sets_the_pace_and_no_limit_is_broken(engine: Engine) {
        let sim = SimConfig {
            limits: Limits::Plan(SimPlan::Free),
            speed: 1.0,
            ..SimConfig::default()
        };
        let stage = Stage::new(engine, sim, |config| {
            config.limits.plan = Plan::Free;
            config.limits.share = 1.0;
        })
        .await;
        stage.work();
        let view = stage.backfill().await;
        assert_eq!(view.state, BackfillState::Done, "{view:#?}");
        let took = view
            .finished_at
            .unwrap()
            .duration_since(view.created_at)
            .as_secs_f64();
        let least = stage.get("/knowable").await["least_calls"]["seconds"]
            .as_f64()
            .unwrap();
        let violations = stage.get("/violations").await;
        assert_eq!(violations["count"], 0, "{violations:#}");
        eprintln!(
            "backfill under the free plan's limits: {took:.1} s, {:.3} of the least",
            took / least
        );
        assert!(took <= 1.1 * least, "{took:.1} s instead of {least:.1} s");
        stage.quiet().await;
        matches_knowable(&stage, "").await;
    }

    pub(super) async fn faults_on_the_way_change_nothing(engine: Engine) {
        let stage = Stage::plain(engine).await;
        stage.work();
        for fault in [
            json!({"kind": "server_error", "path": "/v2/users", "times": 4, "status": 502}),
            json!({"kind": "rate_limit", "path": "/v2/past_meetings", "times": 3, "retry_after": "1"}),
            json!({"kind": "cut", "path": "/v2/report", "times": 2, "after_bytes": 100}),
            json!({"kind": "cut", "path": "/rec", "times": 5, "after_bytes": 300}),
            json!({"kind": "expired_token", "times": 2}),
            json!({"kind": "html_download", "times": 3}),
        ] {
            stage.tell("/faults", fault).await;
        }
        let started = backfill::start(&stage.app, &Request::default(), &By::system())
            .await
            .unwrap();
        let clock = Clock::system();
        for _ in 0..40 {
            clock.sleep(Duration::from_millis(250)).await;
            stage.advance(SignedDuration::from_secs(30)).await;
        }
        let view = stage.backfilled(&started).await;
        assert_eq!(view.state, BackfillState::Done, "{view:#?}");
        stage.quiet().await;
        matches_knowable(&stage, "").await;
    }

    pub(super) async fn a_list_without_end_is_put_before_a_person(engine: Engine) {
        let stage = Stage::plain(engine).await;
        stage.work();
        let fault = stage
            .tell(
                "/faults",
                json!({"kind": "endless_pages", "path": "/v2/report/history_meetings"}),
            )
            .await;
        let view = stage.backfill().await;
        assert_eq!(view.state, BackfillState::Done, "{view:#?}");
        let history = view
            .slices
            .iter()
            .find(|slice| slice.resource == "history")
            .unwrap();
        assert_eq!(history.failed, 7, "{history:#?}");
        let dead = JobFilter {
            state: Some(JobState::Dead),
            ..JobFilter::default()
        };
        let found = jobs::list(&stage.app, &dead, &PageRequest::first(20))
            .await
            .unwrap();
        assert_eq!(found.items.len(), 7);
        let detail = jobs::get(&stage.app, found.items[0].id).await.unwrap();
        let last = detail.attempts.last().unwrap();
        assert!(
            last.report
                .error
                .as_deref()
                .unwrap()
                .contains("does not end"),
            "{last:#?}"
        );
        assert!(!last.report.advice.as_deref().unwrap().is_empty());
        let id = fault["id"].as_u64().map_or_else(
            || fault["id"].as_str().unwrap().to_owned(),
            |id| id.to_string(),
        );
        stage.delete(&format!("/faults/{id}")).await;
        // Another backfill asks again, and finds it.
        stage.backfill().await;
        stage.quiet().await;
        matches_knowable(&stage, "").await;
    }

    pub(super) async fn a_clock_that_jumps_changes_nothing(engine: Engine) {
        let stage = Stage::plain(engine).await;
        stage.work();
        let started = backfill::start(&stage.app, &Request::default(), &By::system())
            .await
            .unwrap();
        let clock = Clock::system();
        for hours in [1_i64, 3, -3, 6, -5, 1] {
            clock.sleep(Duration::from_millis(300)).await;
            let to = stage
                .now()
                .saturating_add(SignedDuration::from_hours(hours))
                .unwrap();
            stage.tell("/clock", json!({"set": to.to_string()})).await;
        }
        // A file whose token ended in a jump, twice, counts as not ready yet: it is looked at again in minutes, or in hours
        // when a jump made it look old, and for minutes the backfill waits for it.
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
            if looks % 16 == 0 {
                stage.advance(SignedDuration::from_mins(1)).await;
            }
        };
        assert_eq!(view.state, BackfillState::Done, "{view:#?}");
        stage.quiet().await;
        for _ in 0..6 {
            let open = jobs::open(&stage.app).await.unwrap();
            let wait = open.next_at.map(|at| at.duration_since(stage.now()));
            match wait.filter(|wait| *wait < SignedDuration::from_hours(6)) {
                Some(wait) => stage.advance(wait + SignedDuration::from_secs(1)).await,
                None => break,
            }
            stage.quiet().await;
        }
        matches_knowable(&stage, &format!("?since={}", view.since)).await;
    }

    pub(super) async fn a_crash_at_any_moment_changes_nothing(engine: Engine) {
        let mut stage = Stage::plain(engine).await;
        let started = backfill::start(&stage.app, &Request::default(), &By::system())
            .await
            .unwrap();
        let clock = Clock::system();
        for round in 0..8_u64 {
            let runner = Runner::start(stage.app.clone());
            clock.sleep(Duration::from_millis(60 + 170 * round)).await;
            runner.abort();
            drop(runner);
            // What the dead process held is free when its leases have run out.
            stage.reopen().await;
            stage.advance(SignedDuration::from_mins(3)).await;
        }
        stage.work();
        let view = stage.backfilled(&started).await;
        assert_eq!(view.state, BackfillState::Done, "{view:#?}");
        stage.quiet().await;
        matches_knowable(&stage, "").await;
    }

    pub(super) async fn it_can_be_paused_resumed_and_cancelled(engine: Engine) {
        let stage = Stage::plain(engine).await;
        let started = backfill::start(&stage.app, &Request::default(), &By::system())
            .await
            .unwrap();
        let twice = backfill::start(&stage.app, &Request::default(), &By::system())
            .await
            .unwrap_err();
        assert_eq!(twice.code().as_str(), "conflict");
        backfill::pause(&stage.app, started.id, &By::system())
            .await
            .unwrap();
        stage.work();
        stage
            .until("the jobs have seen the pause", async || {
                let view = backfill::status(&stage.app, started.id).await.unwrap();
                view.parked_until.is_some()
            })
            .await;
        let paused = backfill::status(&stage.app, started.id).await.unwrap();
        assert_eq!((paused.state, paused.done), (BackfillState::Paused, 0));
        backfill::resume(&stage.app, started.id, &By::system())
            .await
            .unwrap();
        let view = stage.backfilled(&started).await;
        assert_eq!(view.state, BackfillState::Done, "{view:#?}");
        stage.quiet().await;
        matches_knowable(&stage, "").await;
        let second = backfill::start(&stage.app, &Request::default(), &By::system())
            .await
            .unwrap();
        let cancelled = backfill::cancel(&stage.app, second.id, &By::system())
            .await
            .unwrap();
        assert_eq!(cancelled.state, BackfillState::Cancelled);
        stage.quiet().await;
        assert_eq!(
            backfill::status(&stage.app, second.id)
                .await
                .unwrap()
                .open_jobs,
            0
        );
        assert!(
            backfill::resume(&stage.app, second.id, &By::system())
                .await
                .is_err()
        );
    }
}
