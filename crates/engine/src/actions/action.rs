//! What an action is: its name, its two schemas, what it needs, and the function that does it.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::Method;
use parfocal_zoom::endpoint::{self, Endpoint};
use parfocal_zoom::limit::Label;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::cache::Freshness;
use super::context::{Context, Halt};
use super::schema::{self, Schema};
use crate::error::{Code, EngineError, Result};
use crate::keys::Role;

/// What an action does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// It only reads.
    Read,
    /// It makes something new: doing it twice makes two.
    Create,
    /// It changes something: doing it twice is as doing it once.
    Change,
    /// It takes something away, or ends it; that cannot be undone.
    Delete,
}

type Run = Arc<
    dyn Fn(Context, Value) -> BoxFuture<'static, std::result::Result<Value, Halt>> + Send + Sync,
>;

/// Something that can be asked for, by whatever surface.
pub struct Action {
    name: &'static str,
    title: &'static str,
    description: &'static str,
    component: &'static str,
    effect: Effect,
    endpoints: Vec<&'static Endpoint>,
    freshness: Option<Freshness>,
    finds_again: bool,
    across_all: bool,
    examples: Vec<Value>,
    input: Schema,
    output: Schema,
    run: Run,
}

impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Action")
            .field("name", &self.name)
            .field("effect", &self.effect)
            .finish_non_exhaustive()
    }
}

impl Action {
    /// An action done by an async function from its input to its output.
    pub(super) fn new<I, O, F, Fut>(
        name: &'static str,
        effect: Effect,
        title: &'static str,
        description: &'static str,
        run: F,
    ) -> Self
    where
        I: DeserializeOwned + JsonSchema,
        O: Serialize + JsonSchema,
        F: Fn(Context, I) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = std::result::Result<O, Halt>> + Send + 'static,
    {
        let run = move |context: Context, input: Value| {
            // The schema has been checked before; this is the same input seen through the type.
            let typed = schema::read::<I>(name, &input).map(|input| run(context, input));
            let done: BoxFuture<'static, _> = Box::pin(async move {
                let output = typed?.await?;
                serde_json::to_value(output).map_err(|error| {
                    Halt::from(EngineError::new(
                        Code::Internal,
                        format!("the answer of {name} cannot be written as JSON: {error}"),
                    ))
                })
            });
            done
        };
        Self {
            name,
            title,
            description,
            component: "actions",
            effect,
            endpoints: Vec::new(),
            freshness: None,
            finds_again: false,
            across_all: false,
            examples: Vec::new(),
            input: Schema::of::<I>(schema::Side::Input),
            output: Schema::of::<O>(schema::Side::Output),
            run: Arc::new(run),
        }
    }

    /// Names the endpoints of Zoom that are asked, as in `GET /users/{userId}`.
    pub(super) fn asks(mut self, operations: &[&str]) -> Self {
        for operation in operations {
            let (method, path) = operation.split_once(' ').unwrap_or((operation, ""));
            let known = Method::from_bytes(method.as_bytes())
                .ok()
                .and_then(|method| endpoint::by_template(&method, path));
            self.endpoints.push(
                known.expect("actions ask endpoints of the table, and a test builds them all"),
            );
        }
        self
    }

    /// Names the component it belongs to; without this, `actions` alone.
    pub(super) fn of(mut self, component: &'static str) -> Self {
        self.component = component;
        self
    }

    /// Gives a valid input.
    pub(super) fn example(mut self, input: Value) -> Self {
        self.examples.push(input);
        self
    }

    /// Allows answers from memory.
    pub(super) fn kept(mut self, freshness: Freshness) -> Self {
        self.freshness = Some(freshness);
        self
    }

    /// Declares that a try whose answer was lost can be found again.
    pub(super) fn findable(mut self) -> Self {
        self.finds_again = true;
        self
    }

    /// Declares that it looks through what all connections brought.
    pub(super) fn across_all(mut self) -> Self {
        self.across_all = true;
        self
    }

    /// Whether it looks through what all connections brought, and is refused to keys for some of them.
    pub fn looks_through_all(&self) -> bool {
        self.across_all
    }

    pub(super) fn finds_again(&self) -> bool {
        self.finds_again
    }

    pub(super) async fn run(
        &self,
        context: Context,
        input: Value,
    ) -> std::result::Result<Value, Halt> {
        (self.run)(context, input).await
    }

    pub(super) fn freshness(&self) -> Option<&Freshness> {
        self.freshness.as_ref()
    }

    /// The component that has to be on for it, besides `actions`.
    pub fn component(&self) -> &'static str {
        self.component
    }

    /// Its name, `noun.verb`.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The noun of its name.
    pub fn group(&self) -> &'static str {
        self.name.split('.').next().unwrap_or(self.name)
    }

    /// Whether a name or a pattern such as `webinar.*` means it.
    pub fn is_meant_by(&self, pattern: &str) -> bool {
        pattern
            .strip_suffix(".*")
            .map_or(pattern == self.name, |noun| noun == self.group())
    }

    /// A few words for a list or a button.
    pub fn title(&self) -> &'static str {
        self.title
    }

    /// What it does, in whole sentences.
    pub fn description(&self) -> &'static str {
        self.description
    }

    /// What it does to the world.
    pub fn effect(&self) -> Effect {
        self.effect
    }

    /// Whether it only reads.
    pub fn read_only(&self) -> bool {
        self.effect == Effect::Read
    }

    /// Whether it cannot be undone.
    pub fn destructive(&self) -> bool {
        self.effect == Effect::Delete
    }

    /// Whether doing it twice is as doing it once.
    pub fn idempotent(&self) -> bool {
        self.effect != Effect::Create
    }

    /// The least role that may ask for it.
    pub fn role(&self) -> Role {
        match self.effect {
            Effect::Read => Role::Read,
            _ => Role::Operate,
        }
    }

    /// The endpoints of Zoom that are asked; none when it is answered from our own store.
    pub fn endpoints(&self) -> &[&'static Endpoint] {
        &self.endpoints
    }

    /// The scopes that are needed: of each list any one.
    pub fn scopes(&self) -> Vec<Vec<String>> {
        self.endpoints
            .iter()
            .map(|endpoint| endpoint.scopes())
            .filter(|scopes| !scopes.is_empty())
            .collect()
    }

    /// The dearest of Zoom's rate labels under which it counts.
    pub fn rate_label(&self) -> Option<&'static str> {
        self.endpoints
            .iter()
            .map(|endpoint| endpoint.label)
            .max_by_key(|label| Label::ALL.iter().position(|known| known == label))
            .map(label_word)
    }

    /// The schema of its input: an object, JSON Schema 2020-12, nothing referred to.
    pub fn input_schema(&self) -> &Value {
        self.input.json()
    }

    /// The schema of its output.
    pub fn output_schema(&self) -> &Value {
        self.output.json()
    }

    /// Valid inputs.
    pub fn examples(&self) -> &[Value] {
        &self.examples
    }

    /// Checks an input against the schema.
    ///
    /// # Errors
    /// `invalid_input` with all faults.
    pub fn check(&self, input: &Value) -> Result<()> {
        let faults = self.input.faults(input);
        if faults.is_empty() {
            return Ok(());
        }
        Err(EngineError::faulty(
            &format!("the input of {} does not fit", self.name),
            faults,
        ))
    }

    /// Everything about it, as it is shown and exported.
    pub fn describe(&self) -> ActionView {
        ActionView {
            name: self.name,
            title: self.title,
            description: self.description,
            group: self.group(),
            effect: self.effect,
            read_only: self.read_only(),
            destructive: self.destructive(),
            idempotent: self.idempotent(),
            role: self.role(),
            rate_label: self.rate_label(),
            endpoints: self
                .endpoints
                .iter()
                .map(|endpoint| endpoint.operation())
                .collect(),
            scopes: self.scopes(),
            input_schema: self.input_schema().clone(),
            output_schema: self.output_schema().clone(),
            examples: self.examples.clone(),
        }
    }
}

/// A rate label as we write it.
pub(super) fn label_word(label: Label) -> &'static str {
    match label {
        Label::Light => "light",
        Label::Medium => "medium",
        Label::Heavy => "heavy",
        Label::ResourceIntensive => "resource_intensive",
    }
}

/// An action as it is shown and exported.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ActionView {
    /// Its name, `noun.verb`.
    pub name: &'static str,
    /// A few words for a list or a button.
    pub title: &'static str,
    /// What it does, in whole sentences.
    pub description: &'static str,
    /// The noun of its name.
    pub group: &'static str,
    /// What it does to the world.
    pub effect: Effect,
    /// Whether it only reads.
    pub read_only: bool,
    /// Whether it cannot be undone.
    pub destructive: bool,
    /// Whether doing it twice is as doing it once.
    pub idempotent: bool,
    /// The least role that may ask for it.
    pub role: Role,
    /// Zoom's rate label; none when it is answered from the store.
    pub rate_label: Option<&'static str>,
    /// The endpoints of Zoom that are asked.
    pub endpoints: Vec<String>,
    /// The scopes that are needed: of each list any one.
    pub scopes: Vec<Vec<String>>,
    /// JSON Schema of the input.
    #[schemars(schema_with = "schema::of_schemas")]
    pub input_schema: Value,
    /// JSON Schema of the output.
    #[schemars(schema_with = "schema::of_schemas")]
    pub output_schema: Value,
    /// Valid inputs.
    #[schemars(schema_with = "schema::of_inputs")]
    pub examples: Vec<Value>,
}
