//! One question to a model: within the budget, with patience, validated, repaired once.

use std::time::Duration;

use jiff::SignedDuration;
use parfocal_store::{ModelLimits, ModelUse, TranscriptId};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::api::{self, Prompt, Rejected, Said, Trouble};
use super::{Model, schema, tokens, utc_day};
use crate::config::{ModelApi, Structured};
use crate::error::{Code, EngineError, Result};

/// Tries of one request before the failure is handed on.
const TRIES: u32 = 3;
/// Pause after the first failure; doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(400);
/// Longest pause that is waited out here; what wants longer is handed on with its time.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// Largest answer that is read, in bytes.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Miss {
    /// The prompt is too long for the server's context.
    TooLong,
    /// The answer was cut off: ask for less at once.
    Cut,
    /// Everything else.
    Failed(EngineError),
}

impl<E: Into<EngineError>> From<E> for Miss {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

impl Model {
    /// Asks, and gives JSON that fits the schema.
    ///
    /// With a transcript the answer is kept until the analysis is whole: the same question is not paid for twice.
    pub(crate) async fn ask(
        &self,
        prompt: &Prompt,
        transcript: Option<TranscriptId>,
    ) -> std::result::Result<Value, Miss> {
        let scope = self.app.scope();
        let hash = self.hash(prompt);
        if transcript.is_some()
            && let Some(answer) = self.app.store().model_answer(scope, &hash).await?
        {
            return Ok(answer);
        }
        let answer = self.ask_anew(prompt).await?;
        if let Some(transcript) = transcript {
            let now = self.app.clock().now();
            let mut tx = self.app.store().begin(scope).await?;
            tx.keep_model_answer(&hash, transcript, &answer, now)
                .await?;
            tx.commit().await?;
        }
        Ok(answer)
    }

    async fn ask_anew(&self, prompt: &Prompt) -> std::result::Result<Value, Miss> {
        let checker = jsonschema::validator_for(&prompt.schema).map_err(|error| {
            EngineError::new(
                Code::InvalidInput,
                format!("the schema of {} cannot be used: {error}", prompt.name),
            )
        })?;
        let mut rejected: Option<Rejected> = None;
        let mut way = api::first_way(&self.server.config);
        loop {
            let said = self.say(prompt, &mut way, rejected.as_ref()).await?;
            if said.cut {
                return Err(Miss::Cut);
            }
            let faults = match schema::object_in(&said.text) {
                Some(answer) => match schema::faults(&checker, &answer) {
                    None => return Ok(answer),
                    Some(faults) => faults,
                },
                None => "there is no JSON object in it".to_owned(),
            };
            if rejected.is_some() {
                return Err(EngineError::new(
                    Code::ModelAnswer,
                    format!(
                        "{} answered twice with what does not fit: {faults}",
                        self.name()
                    ),
                )
                .into());
            }
            rejected = Some(Rejected {
                answer: said.text,
                faults,
            });
        }
    }

    /// One answer, whatever it says; asks in weaker ways when a way is refused, and again when the server is busy.
    async fn say(
        &self,
        prompt: &Prompt,
        way: &mut Structured,
        rejected: Option<&Rejected>,
    ) -> std::result::Result<Said, Miss> {
        let mut tries = 1;
        loop {
            let body = api::body(&self.server.config, *way, prompt, rejected);
            let trouble = match self.send(prompt, &body).await? {
                Ok(said) => return Ok(said),
                Err(trouble) => trouble,
            };
            let (told, pause) = match trouble {
                Trouble::TooLong(context) => {
                    tracing::warn!(
                        model = self.name(),
                        context,
                        configured = self.server.config.context_tokens,
                        "a prompt is longer than the server's context; it is cut smaller"
                    );
                    return Err(Miss::TooLong);
                }
                Trouble::Structure(told) => {
                    match api::weaker(*way, self.server.config.api) {
                        Some(next) => *way = next,
                        None => return Err(self.failed(Code::ModelRefused, &told).into()),
                    }
                    continue;
                }
                Trouble::Refused(told) => {
                    return Err(self.failed(Code::ModelRefused, &told).into());
                }
                Trouble::Empty(told) => return Err(self.failed(Code::ModelAnswer, &told).into()),
                Trouble::Busy(told, pause) => (told, pause),
                Trouble::Down(told) => (told, None),
            };
            let pause = pause.unwrap_or_else(|| {
                let grown = FIRST_PAUSE * 2_u32.pow(tries - 1);
                grown.mul_f64(0.5 + 0.5 * self.app.chance().fraction())
            });
            if tries >= TRIES || pause > LONGEST_PAUSE {
                let at = SignedDuration::try_from(pause)
                    .ok()
                    .and_then(|pause| self.app.clock().now().saturating_add(pause).ok());
                return Err(self
                    .failed(Code::ModelUnavailable, &told)
                    .with_retry_at(at)
                    .into());
            }
            tries += 1;
            self.app.clock().sleep(pause).await;
        }
    }

    pub(super) fn failed(&self, code: Code, told: &str) -> EngineError {
        let told = match &self.server.config.key {
            // Servers like to repeat a wrong key.
            Some(key) if !key.is_empty() => told.replace(key.expose(), "[secret]"),
            _ => told.to_owned(),
        };
        EngineError::new(code, format!("{}: {told}", self.name()))
    }

    /// One request: reserved in the budget before, corrected after.
    async fn send(
        &self,
        prompt: &Prompt,
        body: &Value,
    ) -> Result<std::result::Result<Said, Trouble>> {
        let _turn = self.server.turns.acquire().await.map_err(|_| {
            EngineError::new(Code::ShuttingDown, "the models are not asked any more")
        })?;
        let text = body.to_string();
        let expected = self.amount(tokens::estimate(&text), u64::from(prompt.output_tokens));
        let (day, tomorrow) = utc_day(self.app.clock().now());
        self.reserve(day, tomorrow, expected).await?;
        let outcome = self.post(text).await;
        let real = match &outcome {
            Ok(said) => self.amount(
                said.tokens_in
                    .unwrap_or_else(|| u64::try_from(expected.tokens_in).unwrap_or(0)),
                said.tokens_out
                    .unwrap_or_else(|| tokens::estimate(&said.text)),
            ),
            // Nobody knows what a server did that did not answer: the reservation stays.
            Err(Trouble::Down(_)) => expected,
            Err(_) => self.amount(0, 0),
        };
        if real != expected {
            let change = ModelUse {
                calls: 0,
                tokens_in: real.tokens_in - expected.tokens_in,
                tokens_out: real.tokens_out - expected.tokens_out,
                cost: real.cost - expected.cost,
            };
            self.correct(day, change).await?;
        }
        Ok(outcome)
    }

    /// Corrects what was reserved.
    pub(super) async fn correct(&self, day: i64, change: ModelUse) -> Result<()> {
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.use_model(&self.server.name, day, change, ModelLimits::default())
            .await?;
        Ok(tx.commit().await?)
    }

    pub(super) async fn reserve(
        &self,
        day: i64,
        tomorrow: jiff::Timestamp,
        expected: ModelUse,
    ) -> Result<()> {
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        let within = tx
            .use_model(&self.server.name, day, expected, self.limits())
            .await?;
        if within {
            return Ok(tx.commit().await?);
        }
        drop(tx);
        Err(EngineError::new(
            Code::ModelBudget,
            "today's budget for language models does not allow another request",
        )
        .with_retry_at(Some(tomorrow)))
    }

    pub(super) fn amount(&self, tokens_in: u64, tokens_out: u64) -> ModelUse {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        let config = &self.server.config;
        // Prices are for a million tokens, costs are kept in millionths.
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            reason = "counts of tokens are far below 2^52, and the cast saturates"
        )]
        let cost = (tokens_in as f64 * config.price_in + tokens_out as f64 * config.price_out)
            .ceil() as i64;
        ModelUse {
            calls: 1,
            tokens_in: signed(tokens_in),
            tokens_out: signed(tokens_out),
            cost,
        }
    }

    async fn post(&self, body: String) -> std::result::Result<Said, Trouble> {
        let api = self.server.config.api;
        api::read(api, &self.fetch(api::path(api), body).await?)
    }

    /// The answer of one of the server's endpoints.
    pub(super) async fn fetch(
        &self,
        path: &str,
        body: String,
    ) -> std::result::Result<Value, Trouble> {
        let config = &self.server.config;
        let base = config
            .url
            .as_ref()
            .map(|url| url.as_str().trim_end_matches('/'));
        let url = format!("{}/{path}", base.unwrap_or_default());
        let mut request = self
            .server
            .client
            .post(url)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(body);
        let key = config.key.as_ref().filter(|key| !key.is_empty());
        request = match config.api {
            ModelApi::Openai => match key {
                Some(key) => request.bearer_auth(key.expose()),
                None => request,
            },
            ModelApi::Anthropic => {
                let request = request.header("anthropic-version", api::ANTHROPIC_VERSION);
                match key {
                    Some(key) => request.header("x-api-key", key.expose()),
                    None => request,
                }
            }
        };
        let down = |error: reqwest::Error| {
            let error = error.without_url();
            Trouble::Down(if error.is_timeout() {
                format!("no answer within {} s", config.timeout_seconds)
            } else if error.is_connect() {
                "cannot be reached".to_owned()
            } else {
                format!("the connection failed: {error}")
            })
        };
        let mut response = request.send().await.map_err(down)?;
        let status = response.status();
        let retry = api::retry_after(response.headers());
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await.map_err(down)? {
            if bytes.len() + piece.len() > MOST_BYTES {
                return Err(Trouble::Empty(format!(
                    "an answer of more than {MOST_BYTES} bytes"
                )));
            }
            bytes.extend_from_slice(&piece);
        }
        let answer: Value = serde_json::from_slice(&bytes).unwrap_or_else(|_| {
            let text = String::from_utf8_lossy(&bytes);
            json!({"message": text.chars().take(300).collect::<String>()})
        });
        if status.is_success() {
            Ok(answer)
        } else {
            Err(api::trouble(status, retry, &answer))
        }
    }

    /// What tells that the same was asked: server, model and every word of the prompt.
    fn hash(&self, prompt: &Prompt) -> String {
        let config = &self.server.config;
        let mut hash = Sha256::new();
        let bound = prompt.output_tokens.to_string();
        let schema = prompt.schema.to_string();
        let parts = [
            config.url.as_ref().map_or("", |url| url.as_str()),
            config.model.as_deref().unwrap_or_default(),
            &prompt.system,
            &prompt.data,
            &schema,
            &bound,
        ];
        for part in parts {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hex::encode(hash.finalize())
    }
}
