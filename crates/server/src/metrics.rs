//! The recorder behind `/metrics`.

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

/// Collects the metrics of this process and writes them as Prometheus reads them.
#[derive(Clone)]
pub struct Metrics {
    handle: PrometheusHandle,
}

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Bounds of the histograms, in seconds.
    const SECONDS: [f64; 12] = [
        0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
    ];

    /// Makes the process's recorder and installs it; a second one in the same process (tests) stays unheard.
    pub fn install() -> Self {
        let builder = PrometheusBuilder::new();
        let recorder = match builder
            .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &Self::SECONDS)
        {
            Ok(builder) => builder.build_recorder(),
            Err(_) => PrometheusBuilder::new().build_recorder(),
        };
        let handle = recorder.handle();
        let _ = metrics::set_global_recorder(recorder);
        Self { handle }
    }

    /// The page.
    pub(crate) fn render(&self) -> String {
        self.handle.render()
    }

    /// Drains what histograms have collected; without it memory would grow until somebody scrapes.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
    }
}
