//! What is switched off is reached by no action either.

use parfocal_engine::Code;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::{actions, ask};

use crate::components::{admin, whole};

#[tokio::test]
async fn what_is_off_has_no_actions_either() {
    let stage = whole().await;
    let app = &stage.app;
    let components = app.components();
    // The other way round than they need each other.
    for name in ["ask", "search", "models", "understanding", "scheduling"] {
        components.deactivate(name, &admin()).await.unwrap();
    }
    let active = components.active().await.unwrap();
    let mut refused = 0;
    for action in actions::all() {
        let on = active.has(action.component());
        let offered = actions::offered(&active).any(|one| one.name() == action.name());
        assert_eq!(offered, on, "{}", action.name());
        if on {
            continue;
        }
        for dry_run in [false, true] {
            let how = actions::Run::new(Caller::local(Surface::Api)).dry(dry_run);
            let input = action.examples()[0].clone();
            let error = app
                .actions()
                .run(action.name(), input, &how)
                .await
                .unwrap_err();
            assert_eq!(error.code(), Code::ComponentOff, "{}", action.name());
            assert!(error.to_string().contains(action.component()), "{error}");
        }
        refused += 1;
    }
    assert!(refused >= 10, "{refused}");
    let question = ask::Question {
        text: "when is the release",
        ..ask::Question::default()
    };
    let error = ask::ask(app, &question).await.unwrap_err();
    assert_eq!(error.code(), Code::ComponentOff);
}
