//! Transcripts that are taken in are analysed once, and every statement kept is proven by its cues.

use crate::work_stage::both;

both! {
    transcripts_are_analysed_as_they_come;
}

mod body {
    use parfocal_engine::store::{InsightFilter, InstanceFilter, PageRequest};
    use parfocal_engine::{transcripts, understand};

    use crate::work_stage::{Engine, Stage};

    pub(super) async fn transcripts_are_analysed_as_they_come(engine: Engine) {
        let stage = Stage::plain(engine).await;
        stage.work();
        stage.backfill().await;
        stage.quiet().await;
        let scope = stage.app.scope();
        let page = stage
            .app
            .store()
            .instances(scope, &InstanceFilter::default(), &PageRequest::first(100))
            .await
            .unwrap();
        let mut analysed = 0;
        for item in &page.items {
            let id = item.instance.id;
            let shown = transcripts::show(&stage.app, id).await.unwrap();
            if shown.parts.is_empty() {
                continue;
            }
            analysed += 1;
            let told = stage
                .app
                .store()
                .events_of(scope, &id.to_string(), 100)
                .await
                .unwrap();
            let ready = told
                .iter()
                .filter(|event| event.event_type == "insights.ready")
                .count();
            // Two meetings with the very same words share one result, told once.
            assert!(ready <= shown.parts.len(), "{told:#?}");
            let found = understand::of_instance(&stage.app, id).await.unwrap();
            assert_eq!(found.parts.len(), shown.parts.len());
            for part in &found.parts {
                assert!(!part.analysis.stats.speakers.is_empty());
                assert_eq!(part.analysis.dropped, 0);
            }
            let filter = InsightFilter {
                instance: Some(id),
                ..InsightFilter::default()
            };
            let kept = understand::statements(&stage.app, &filter, 500)
                .await
                .unwrap();
            let made: usize = found
                .parts
                .iter()
                .map(|part| {
                    let found = &part.analysis;
                    found.summary.sentences.len()
                        + found.action_items.len()
                        + found.decisions.len()
                        + found.questions.len()
                        + found.follow_ups.len()
                        + found.topics.len()
                        + found.chapters.len()
                })
                .sum();
            assert_eq!(kept.len(), made);
            for row in kept {
                let part = shown
                    .parts
                    .iter()
                    .find(|part| part.transcript.id == row.transcript_id)
                    .unwrap();
                let cited: Vec<&str> = part
                    .lines
                    .iter()
                    .filter(|line| (row.cue_from..=row.cue_to).contains(&i64::from(line.cue.n)))
                    .flat_map(|line| line.cue.text.split_whitespace())
                    .collect();
                assert!(cited.join(" ").contains(&row.quote), "{row:?}");
            }
        }
        assert!(analysed > 3, "only {analysed} meetings have a transcript");
    }
}
