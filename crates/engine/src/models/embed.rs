//! Texts as vectors: what `/embeddings` of an OpenAI-compatible server says, within the same budget as every question.

use std::sync::Arc;

use parfocal_store::ModelUse;
use serde_json::{Value, json};

use super::api::Trouble;
use super::{COMPONENT, Model, redact::Redaction, tokens, utc_day};
use crate::App;
use crate::config::Config;
use crate::error::{Code, EngineError, Result};

/// Most numbers of one vector.
const MOST_NUMBERS: usize = 8_192;

/// A server that makes vectors.
#[derive(Debug, Clone)]
pub(crate) struct Embedder(Model);

/// Whether a server for vectors is configured.
pub(crate) fn is_configured(config: &Config) -> bool {
    config.models.embedding().is_some()
}

impl Embedder {
    /// The server that makes vectors now: configured, and the component on.
    pub(crate) async fn in_use(app: &App) -> Result<Option<Self>> {
        let Some((name, _)) = app.config().models.embedding() else {
            return Ok(None);
        };
        let component = crate::components::find(COMPONENT)?;
        if !app.components().is_active(component).await? {
            return Ok(None);
        }
        let server = app.model_servers().by_name.get(name);
        Ok(server.map(|server| {
            Self(Model {
                app: app.clone(),
                server: Arc::clone(server),
            })
        }))
    }

    /// The name that vectors are kept by.
    pub(crate) fn name(&self) -> String {
        self.0.name()
    }

    /// A vector for each text, in order.
    ///
    /// # Errors
    /// `model_unavailable` when it does not answer, `model_budget` when today's budget is spent, `model_refused` and
    /// `model_answer_rejected` for what it says instead of vectors.
    pub(crate) async fn vectors(
        &self,
        texts: &[String],
        people: &[String],
    ) -> Result<Vec<Vec<f32>>> {
        let model = &self.0;
        let config = &model.server.config;
        let redaction = config
            .redact
            .then(|| Redaction::of(people.iter().map(String::as_str)));
        let sent: Vec<String> = texts
            .iter()
            .map(|text| match &redaction {
                Some(redaction) => redaction.hide(text),
                None => text.clone(),
            })
            .collect();
        let _turn = model.server.turns.acquire().await.map_err(|_| {
            EngineError::new(Code::ShuttingDown, "the models are not asked any more")
        })?;
        let expected = model.amount(sent.iter().map(|text| tokens::estimate(text)).sum(), 0);
        let (day, tomorrow) = utc_day(model.app.clock().now());
        model.reserve(day, tomorrow, expected).await?;
        let body = json!({"model": config.model, "input": sent, "encoding_format": "float"});
        let (answer, real) = match model.fetch("embeddings", body.to_string()).await {
            Ok(answer) => {
                let used = answer["usage"]["prompt_tokens"].as_u64();
                let real = used.map_or(expected, |used| model.amount(used, 0));
                (Ok(answer), real)
            }
            // Nobody knows what a server did that did not answer: the reservation stays.
            Err(Trouble::Down(told)) => (Err((Code::ModelUnavailable, told)), expected),
            Err(Trouble::Busy(told, _)) => {
                (Err((Code::ModelUnavailable, told)), model.amount(0, 0))
            }
            Err(Trouble::Empty(told)) => (Err((Code::ModelAnswer, told)), model.amount(0, 0)),
            Err(Trouble::Refused(told) | Trouble::Structure(told)) => {
                (Err((Code::ModelRefused, told)), model.amount(0, 0))
            }
            Err(Trouble::TooLong(_)) => {
                let told = "a passage is longer than its context".to_owned();
                (Err((Code::ModelRefused, told)), model.amount(0, 0))
            }
        };
        let change = ModelUse {
            calls: 0,
            tokens_in: real.tokens_in - expected.tokens_in,
            tokens_out: real.tokens_out - expected.tokens_out,
            cost: real.cost - expected.cost,
        };
        model.correct(day, change).await?;
        let answer = answer.map_err(|(code, told)| model.failed(code, &told))?;
        read(&answer, texts.len()).ok_or_else(|| {
            model.failed(
                Code::ModelAnswer,
                "the answer holds no vector for each text",
            )
        })
    }
}

/// The vectors of an answer, as many as were asked for, all of one length.
fn read(answer: &Value, wanted: usize) -> Option<Vec<Vec<f32>>> {
    let mut found: Vec<Option<Vec<f32>>> = vec![None; wanted];
    for (at, entry) in answer["data"].as_array()?.iter().enumerate() {
        let index = entry["index"]
            .as_u64()
            .map_or(Some(at), |index| usize::try_from(index).ok())?;
        let numbers = entry["embedding"].as_array()?;
        if numbers.is_empty() || numbers.len() > MOST_NUMBERS {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "vectors are made of 32-bit numbers"
        )]
        let vector: Option<Vec<f32>> = numbers
            .iter()
            .map(|number| Some(number.as_f64()? as f32).filter(|number| number.is_finite()))
            .collect();
        *found.get_mut(index)? = Some(vector?);
    }
    let vectors: Vec<Vec<f32>> = found.into_iter().collect::<Option<_>>()?;
    let length = vectors.first().map_or(0, Vec::len);
    vectors
        .iter()
        .all(|vector| vector.len() == length)
        .then_some(vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_vector_for_each_text_or_is_none() {
        let data = |data: Value| json!({ "data": data });
        let good = data(
            json!([{"index": 1, "embedding": [0.0, 2.0]}, {"index": 0, "embedding": [1, -0.5]}]),
        );
        assert_eq!(read(&good, 2).unwrap(), [vec![1.0, -0.5], vec![0.0, 2.0]]);
        assert_eq!(read(&good, 3), None);
        assert_eq!(read(&good, 1), None);
        for bad in [
            json!([{"embedding": []}]),
            json!([{"embedding": [1e300]}]),
            json!([{"embedding": ["x"]}]),
            json!([{"embedding": "AAAA"}]),
            json!("no"),
        ] {
            assert_eq!(read(&data(bad), 1), None);
        }
        assert_eq!(
            read(&data(json!([{"embedding": [1]}, {"embedding": [1, 2]}])), 2),
            None
        );
    }
}
