//! Backfills, held against what could be known and what it would have cost.

use crate::work_stage::both;

both! {
    everything_that_can_be_known_is_in_the_store;
}

mod body {
    use parfocal_engine::store::BackfillState;

    use crate::work_compare::differences;
    use crate::work_stage::{Engine, Stage};

    pub(super) async fn everything_that_can_be_known_is_in_the_store(engine: Engine) {
        let stage = Stage::plain(engine).await;
        stage.work();
        let view = stage.backfill().await;
        assert_eq!(view.state, BackfillState::Done, "{view:#?}");
        stage.quiet().await;
        let wrong = differences(&stage, "").await;
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        let calls = stage.get("/calls").await;
        let knowable = stage.get("/knowable").await;
        eprintln!("{calls:#}\n{:#}", knowable["least_calls"]);
    }
}
