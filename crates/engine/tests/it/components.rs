//! Components: activated with everything there, refused with each dependency missing in turn, and gone when they are off.

use std::collections::BTreeMap;
use std::time::Duration;

use parfocal_engine::audit::AuditFilter;
use parfocal_engine::clock::Clock;
use parfocal_engine::components::{ALL, Activation, Component, FILE, Finding};
use parfocal_engine::config::{Config, ModelServer, Secret};
use parfocal_engine::jobs::JobKind;
use parfocal_engine::keys::{Caller, Role, Surface};
use parfocal_engine::store::{JobState, NewJob, PageRequest};
use parfocal_engine::{App, Code, EngineError};
use parfocal_simulator::{App as SimApp, AppScopes, Config as SimConfig, Plan, Simulator};
use serde_json::json;
use tempfile::TempDir;

use crate::core_support::{
    all_bytes, config_for, deliver, event, holds, on_both_stores, open, with_env,
};

on_both_stores! {
    every_component_goes_on_and_off;
    a_missing_component_is_named_with_its_mend;
    a_missing_account_is_named_with_its_mend;
    a_connection_that_does_not_work_is_named_with_its_mend;
    missing_scopes_are_named_with_their_mend;
    a_plan_that_gives_little_is_told_and_blocks_nothing;
    a_missing_setting_is_named_with_its_mend;
    a_missing_secret_is_named_and_can_be_given;
    a_component_without_what_it_is_set_up_with_is_off_at_first;
    settings_are_checked_kept_and_told;
    what_is_off_leaves_no_job_and_no_timer_behind;
    a_switch_of_another_process_is_seen;
}

const SECRET: &str = "canary-of-the-webhooks";

pub(crate) struct Stage {
    pub(crate) app: App,
    simulator: Simulator,
    dir: TempDir,
}

/// A fresh data folder beside a simulated account; the closure takes away what shall be missing.
async fn stage(sim: SimConfig, change: impl FnOnce(&mut Config)) -> Stage {
    let simulator = Simulator::start(sim).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let mut config = with_env(config_for(dir.path(), simulator.base_url()));
    config.zoom.webhook_secret_token = vec![SECRET.into()];
    config.zoom.client_id = Some("simulator-user".into());
    config.zoom.client_secret = Some("simulator-user-secret".into());
    config.models.active = Some("local".into());
    let server = ModelServer {
        url: Some("http://127.0.0.1:9/v1".parse().unwrap()),
        model: Some("any".into()),
        ..ModelServer::default()
    };
    config.models.servers = BTreeMap::from([("local".into(), server)]);
    (config.imap.host, config.imap.port) = (Some("127.0.0.1".into()), 9);
    change(&mut config);
    let app = open(config, &Clock::system()).await;
    Stage {
        app,
        simulator,
        dir,
    }
}

pub(crate) async fn whole() -> Stage {
    stage(SimConfig::default(), |_| {}).await
}

pub(crate) fn admin() -> Caller {
    Caller::local(Surface::Cli)
}

async fn activate(app: &App, name: &str) -> Result<Vec<Finding>, EngineError> {
    let how = Activation::default();
    let done = app.components().activate(name, &how, &admin()).await;
    done.map(|(view, limits)| {
        assert!(view.active, "{name}");
        limits
    })
}

/// All of them, those that others need first.
fn in_order() -> Vec<&'static Component> {
    let mut done: Vec<&Component> = Vec::new();
    while done.len() < ALL.len() {
        let before = done.len();
        for one in ALL {
            let known = |name: &&str| done.iter().any(|other| other.name == *name);
            if !known(&one.name) && one.needs.iter().all(known) {
                done.push(one);
            }
        }
        assert!(
            done.len() > before,
            "components need each other in a circle"
        );
    }
    done
}

async fn all_off(app: &App) {
    for component in in_order().iter().rev() {
        let view = app
            .components()
            .deactivate(component.name, &admin())
            .await
            .unwrap();
        assert!(!view.active, "{view:?}");
    }
}

#[track_caller]
fn blocked(error: &EngineError, says: &str, mend: &str) {
    assert_eq!(error.code(), Code::ComponentBlocked, "{error}");
    assert!(error.to_string().contains(says), "{error}");
    assert!(error.hint().contains(mend), "{}", error.hint());
}

async fn every_component_goes_on_and_off() {
    let stage = whole().await;
    let app = &stage.app;
    all_off(app).await;
    for component in ALL {
        assert!(!app.components().active().await.unwrap().has(component.name));
        let off = app.components().require(component.name).await.unwrap_err();
        assert_eq!(off.code(), Code::ComponentOff);
        assert!(
            off.hint()
                .contains(&format!("component activate {}", component.name))
        );
    }
    for component in in_order() {
        activate(app, component.name).await.unwrap();
        assert!(app.components().active().await.unwrap().has(component.name));
    }
    for component in ALL {
        let found = app.components().check(component.name).await.unwrap();
        assert!(
            found.iter().all(|one| !one.blocks),
            "{}: {found:?}",
            component.name
        );
    }
    // What is needed cannot go first.
    for component in ALL {
        for need in component.needs {
            let refused = app
                .components()
                .deactivate(need, &admin())
                .await
                .unwrap_err();
            blocked(&refused, component.name, "parfocal component deactivate");
        }
    }
    let mut reader = admin();
    reader.role = Role::Operate;
    let how = Activation::default();
    let refused = app.components().activate("console", &how, &reader).await;
    assert_eq!(refused.unwrap_err().code(), Code::Forbidden);
    let page = PageRequest::first(200);
    let log = app
        .audit()
        .list(&AuditFilter::default(), &page)
        .await
        .unwrap();
    let switched = |action: &str| log.items.iter().filter(|one| one.action == action).count();
    assert_eq!(switched("component.activate"), ALL.len());
    assert_eq!(switched("component.deactivate"), ALL.len());
}

async fn a_missing_component_is_named_with_its_mend() {
    let stage = whole().await;
    for component in ALL {
        for need in component.needs {
            all_off(&stage.app).await;
            // Everything but this one need.
            for other in in_order() {
                if component.needs.contains(&other.name) && other.name != *need {
                    let anyway = Activation {
                        anyway: true,
                        ..Activation::default()
                    };
                    let on = stage
                        .app
                        .components()
                        .activate(other.name, &anyway, &admin())
                        .await;
                    on.unwrap();
                }
            }
            let refused = activate(&stage.app, component.name).await.unwrap_err();
            blocked(
                &refused,
                &format!("the component {need} is off"),
                &format!("parfocal component activate {need}"),
            );
        }
    }
}

async fn a_missing_account_is_named_with_its_mend() {
    let stage = stage(SimConfig::default(), |config| {
        config.zoom.account_id = None;
        config.zoom.s2s_client_id = None;
        config.zoom.s2s_client_secret = None;
    })
    .await;
    for component in ALL.iter().filter(|one| one.needs_account) {
        let refused = activate(&stage.app, component.name).await.unwrap_err();
        blocked(
            &refused,
            "no Zoom account is connected",
            "parfocal connect s2s",
        );
        let found = stage.app.components().check(component.name).await.unwrap();
        assert!(found.iter().any(|one| one.blocks), "{found:?}");
    }
}

async fn a_connection_that_does_not_work_is_named_with_its_mend() {
    let stage = stage(SimConfig::default(), |config| {
        config.zoom.s2s_client_secret = Some("mistyped".into());
    })
    .await;
    for component in ALL.iter().filter(|one| one.needs_account) {
        let refused = activate(&stage.app, component.name).await.unwrap_err();
        blocked(
            &refused,
            "the connection env does not work",
            "parfocal connections check env",
        );
    }
}

async fn missing_scopes_are_named_with_their_mend() {
    let mut apps = SimApp::defaults();
    apps[0].scopes = AppScopes::Only(vec![
        "user:read:user:admin".into(),
        "user:read:list_users:admin".into(),
        "meeting:read:meeting:admin".into(),
    ]);
    let sim = SimConfig {
        apps,
        ..SimConfig::default()
    };
    let stage = stage(sim, |_| {}).await;
    for component in ALL {
        let Some(feature) = component.feature else {
            continue;
        };
        let found = stage.app.components().check(component.name).await.unwrap();
        let scopes = found
            .iter()
            .find(|one| one.says.contains("without the scopes"))
            .unwrap_or_else(|| panic!("{}: {found:?}", component.name));
        assert!(scopes.says.contains("cloud_recording:read"), "{scopes:?}");
        assert!(
            scopes
                .mend
                .contains(&format!("parfocal scopes --for {feature}"))
                && scopes.mend.contains("parfocal connections check env"),
            "{scopes:?}"
        );
        let done = activate(&stage.app, component.name).await;
        if scopes.blocks {
            blocked(
                &done.unwrap_err(),
                "without the scopes",
                "parfocal scopes --for",
            );
        } else {
            assert!(done.unwrap().contains(scopes));
        }
    }
}

async fn a_plan_that_gives_little_is_told_and_blocks_nothing() {
    let sim = SimConfig {
        plan: Plan::Free,
        ..SimConfig::default()
    };
    let stage = stage(sim, |_| {}).await;
    for component in ALL.iter().filter(|one| one.wants_recordings) {
        let limits = activate(&stage.app, component.name).await.unwrap();
        let plan = limits
            .iter()
            .find(|one| one.says.contains("no recordings"))
            .unwrap_or_else(|| panic!("{}: {limits:?}", component.name));
        assert!(!plan.blocks && !plan.mend.is_empty(), "{plan:?}");
    }
}

async fn a_missing_setting_is_named_with_its_mend() {
    // Nothing is configured but the account.
    let bare = stage(SimConfig::default(), |config| {
        let account = config.zoom.clone();
        let (dir, clock) = (config.data.dir.clone(), config.clock.clone());
        *config = Config::default();
        config.zoom = account;
        config.zoom.webhook_secret_token = Vec::new();
        config.data.dir = dir;
        config.clock = clock;
    })
    .await;
    for component in ALL {
        let found = bare.app.components().check(component.name).await.unwrap();
        for key in component.needs_setting {
            let missing = found
                .iter()
                .find(|one| one.says == format!("{key} is not set"))
                .unwrap_or_else(|| panic!("{}: {key}: {found:?}", component.name));
            assert!(missing.blocks && !missing.mend.is_empty(), "{missing:?}");
            // By the key itself, or by the variable that people know.
            let (last, variable) = (
                key.rsplit('.').next().unwrap_or(key),
                key.rsplit('.').next().unwrap_or(key).to_uppercase(),
            );
            assert!(
                missing.mend.contains(last) || missing.mend.contains(&variable),
                "{missing:?}"
            );
        }
        if !component.needs_setting.is_empty() {
            let refused = activate(&bare.app, component.name).await.unwrap_err();
            blocked(&refused, "is not set", "");
        }
    }
}

async fn a_component_without_what_it_is_set_up_with_is_off_at_first() {
    let without = stage(SimConfig::default(), |config| config.models.active = None).await;
    assert!(
        !without
            .app
            .components()
            .active()
            .await
            .unwrap()
            .has("models")
    );
    let with = whole().await;
    assert!(with.app.components().active().await.unwrap().has("models"));
    // Whatever is on at first can work, but for what only a connected account brings.
    for view in without.app.components().list().await.unwrap() {
        let known = ALL.iter().find(|one| one.name == view.name).unwrap();
        assert!(
            !view.active || known.on_at_first,
            "{} came on by itself",
            view.name
        );
    }
}

async fn a_missing_secret_is_named_and_can_be_given() {
    let stage = stage(SimConfig::default(), |config| {
        config.zoom.webhook_secret_token = Vec::new();
    })
    .await;
    let app = &stage.app;
    let refused = activate(app, "webhooks").await.unwrap_err();
    blocked(
        &refused,
        "zoom.webhook_secret_token is not set",
        "ZOOM_WEBHOOK_SECRET_TOKEN",
    );
    let told = event("meeting.started", "simulator", 84_410_027_731, 1);
    assert_eq!(
        deliver(app, None, SECRET, &told)
            .await
            .unwrap_err()
            .reason(),
        "no_secret"
    );

    let how = Activation {
        settings: BTreeMap::from([("secret_token".to_owned(), Secret::new(SECRET))]),
        ..Activation::default()
    };
    let (view, _) = app
        .components()
        .activate("webhooks", &how, &admin())
        .await
        .unwrap();
    assert!(
        view.settings[0].is_set && view.settings[0].value.is_none(),
        "{view:?}"
    );
    deliver(app, None, SECRET, &told).await.unwrap();
    // Another one takes its place, and the former stays good for a while.
    let how = Activation {
        settings: BTreeMap::from([("secret_token".to_owned(), Secret::new("the next one"))]),
        ..Activation::default()
    };
    app.components()
        .activate("webhooks", &how, &admin())
        .await
        .unwrap();
    for (n, secret) in [(2, SECRET), (3, "the next one")] {
        let told = event("meeting.started", "simulator", 84_410_027_731, n);
        deliver(app, None, secret, &told).await.unwrap();
    }
    let log = app
        .audit()
        .list(&AuditFilter::default(), &PageRequest::first(50))
        .await
        .unwrap();
    assert!(!format!("{log:?}").contains(SECRET));
    let status = std::fs::read_to_string(stage.dir.path().join(FILE)).unwrap();
    assert!(
        status.contains("\"webhooks\"") && !status.contains(SECRET),
        "{status}"
    );
    app.stop().await;
    assert!(!holds(&all_bytes(stage.dir.path()), SECRET));
}

async fn settings_are_checked_kept_and_told() {
    let stage = whole().await;
    let app = &stage.app;
    let with = |key: &str, value: &str| Activation {
        settings: BTreeMap::from([(key.to_owned(), Secret::new(value))]),
        ..Activation::default()
    };
    let components = app.components();
    let unknown = components
        .activate("actions", &with("colour", "red"), &admin())
        .await;
    let unknown = unknown.unwrap_err();
    assert!(
        unknown.to_string().contains("no setting colour") && unknown.hint().contains("changes")
    );
    let wrong = components
        .activate("actions", &with("changes", "perhaps"), &admin())
        .await;
    let wrong = wrong.unwrap_err();
    assert_eq!(wrong.faults()[0].field, "settings.changes");
    assert!(
        wrong.faults()[0].mend.contains("allowed or refused"),
        "{wrong:?}"
    );

    components
        .activate("actions", &with("changes", "refused"), &admin())
        .await
        .unwrap();
    let input = json!({"meeting": "84410027731"});
    let how = parfocal_engine::actions::Run::new(admin());
    let refused = app
        .actions()
        .run("meeting.delete", input.clone(), &how)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::Forbidden);
    assert!(
        refused.hint().contains("changes=allowed"),
        "{}",
        refused.hint()
    );
    app.actions()
        .run("user.list", json!({"limit": 1}), &how)
        .await
        .unwrap();
    // Switched off and on again it is as it was; so it is in a new database that begins with the status file.
    components.deactivate("actions", &admin()).await.unwrap();
    let off = app
        .actions()
        .run("user.list", json!({"limit": 1}), &how)
        .await
        .unwrap_err();
    assert_eq!(off.code(), Code::ComponentOff);
    activate(app, "actions").await.unwrap();
    let kept = components
        .active()
        .await
        .unwrap()
        .setting("actions", "changes");
    assert_eq!(kept.as_deref(), Some("refused"));
    let fresh = tempfile::tempdir().unwrap();
    std::fs::copy(stage.dir.path().join(FILE), fresh.path().join(FILE)).unwrap();
    let config = with_env(config_for(fresh.path(), stage.simulator.base_url()));
    let second = open(config, &Clock::system()).await;
    let seeded = second.components().active().await.unwrap();
    assert_eq!(
        seeded.setting("actions", "changes").as_deref(),
        Some("refused")
    );
}

fn job(kind: JobKind, app: &App) -> NewJob {
    NewJob {
        kind: kind.as_str().to_owned(),
        v: kind.version(),
        lane: None,
        priority: 0,
        dedupe_key: Some(format!("test {}", kind.as_str())),
        // Nothing that could be read: whoever takes it gives it up, which shows that it was taken.
        payload: json!({}),
        run_at: app.clock().now(),
        cause_id: None,
    }
}

async fn states(app: &App) -> BTreeMap<String, JobState> {
    let page = PageRequest::first(200);
    let filter = parfocal_engine::store::JobFilter::default();
    let all = parfocal_engine::jobs::list(app, &filter, &page)
        .await
        .unwrap();
    all.items
        .into_iter()
        .map(|job| (job.kind, job.state))
        .collect()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1_200 {
        if holds().await {
            return;
        }
        Clock::system().sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} did not come true");
}

async fn what_is_off_leaves_no_job_and_no_timer_behind() {
    let stage = whole().await;
    let app = &stage.app;
    all_off(app).await;
    app.start();
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    for kind in JobKind::ALL {
        tx.enqueue(&job(*kind, app), app.clock().now())
            .await
            .unwrap();
    }
    tx.commit().await.unwrap();
    // The one kind that belongs to no component is done, so the workers have looked.
    until("data.erase is taken", async || {
        !matches!(states(app).await["data.erase"], JobState::Ready)
    })
    .await;
    let now = states(app).await;
    for kind in JobKind::ALL
        .iter()
        .filter(|kind| **kind != JobKind::DataErase)
    {
        assert_eq!(now[kind.as_str()], JobState::Ready, "{}", kind.as_str());
    }
    let idle = async || {
        let views = app.components().list().await.unwrap();
        views.iter().all(|view| view.running.is_empty())
    };
    until("no task runs", idle).await;
    // What comes from outside makes no work either.
    let refused = parfocal_engine::backfill::start(
        app,
        &parfocal_engine::backfill::Request::default(),
        &admin().by(),
    )
    .await;
    assert_eq!(refused.unwrap_err().code(), Code::ComponentOff);

    for component in in_order() {
        activate(app, component.name).await.unwrap();
        until("its jobs and tasks are taken up", async || {
            let now = states(app).await;
            let views = app.components().list().await.unwrap();
            let view = views.iter().find(|one| one.name == component.name).unwrap();
            let taken = |kind: &JobKind| now[kind.as_str()] != JobState::Ready;
            component.jobs.iter().all(taken) && view.running.len() == component.tasks.len()
        })
        .await;
    }
    all_off(app).await;
    until("no task is left", idle).await;
    app.stop().await;
}

async fn a_switch_of_another_process_is_seen() {
    let stage = whole().await;
    let config = with_env(config_for(stage.dir.path(), stage.simulator.base_url()));
    let other = open(config, &Clock::system()).await;
    assert!(stage.app.components().active().await.unwrap().has("ask"));
    other
        .components()
        .deactivate("ask", &admin())
        .await
        .unwrap();
    until("the switch is seen", async || {
        !stage.app.components().active().await.unwrap().has("ask")
    })
    .await;
    let refused = stage.app.components().require("ask").await;
    assert_eq!(refused.unwrap_err().code(), Code::ComponentOff);
}
