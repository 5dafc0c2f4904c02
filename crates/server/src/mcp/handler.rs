//! What the SDK asks for, answered as the caller who came in.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http::request::Parts;
use parfocal_engine::App;
use parfocal_engine::keys::Caller;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CompleteRequestParams, CompleteResult,
    GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, Reference, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};

use super::{SCHEME, UNTRUSTED, cursor, failure, prompts, resources, tools};

/// How long a client may take the lists that follow from the configuration from memory, in milliseconds.
pub(super) const LISTS_FRESH_MS: u64 = 300_000;
/// Tools in one piece of the list: all there are today, as not every client asks for a second one.
const TOOLS: usize = 100;

/// Answers requests, whatever way they came.
#[derive(Clone)]
pub(super) struct Handler {
    app: App,
    door: Door,
}

/// How it is known who asks.
#[derive(Clone)]
enum Door {
    /// The layer before has found out.
    Http,
    /// It is always the same one.
    Fixed {
        caller: Caller,
        asked: Arc<AtomicU64>,
    },
}

impl Handler {
    /// A handler behind [`crate::access::identify`].
    pub(super) fn behind_http(app: App) -> Self {
        Self {
            app,
            door: Door::Http,
        }
    }

    /// A handler for one caller.
    pub(super) fn of(app: App, caller: Caller) -> Self {
        Self {
            app,
            door: Door::Fixed {
                caller,
                asked: Arc::default(),
            },
        }
    }

    fn caller(&self, context: &RequestContext<RoleServer>) -> Result<Caller, ErrorData> {
        match &self.door {
            Door::Http => context
                .extensions
                .get::<Parts>()
                .and_then(|parts| parts.extensions.get::<Caller>())
                .cloned()
                .ok_or_else(|| ErrorData::internal_error("nobody found out who asks", None)),
            Door::Fixed { caller, asked } => {
                let number = asked.fetch_add(1, Ordering::Relaxed) + 1;
                Ok(caller
                    .clone()
                    .in_request(&format!("mcp-{}-{number}", std::process::id())))
            }
        }
    }
}

impl ServerHandler for Handler {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_prompts()
            .enable_completions()
            .build();
        let name = Implementation::new("parfocal", env!("CARGO_PKG_VERSION"))
            .with_title("Parfocal")
            .with_description(
                "Zoom meetings: schedule and change them, find and read what was said in them.",
            );
        ServerConfig::new(capabilities)
            .with_server_info(name)
            .with_instructions(format!(
                "Meetings of connected Zoom accounts. To answer a question about what was said, use the tool `search`, then read \
                 the transcript around the hits. Prove every statement with the address of its cues, \
                 {SCHEME}://transcript/{{transcript_id}}/cues/{{cue_from}}-{{cue_to}}, and the time in the recording; that resource \
                 gives the words. Lists come in pieces: pass `next` of an answer as `after`. {UNTRUSTED}"
            ))
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let caller = self.caller(&context)?;
        let active = self.app.components().active().await;
        let active = active.map_err(|error| failure::protocol(&error))?;
        let offered = tools::offered(&self.app, &active, &caller);
        let (items, next) = cursor::piece("tools", offered, TOOLS, request)?;
        let mut result = ListToolsResult::with_all_items(items)
            .with_ttl_ms(LISTS_FRESH_MS)
            .with_cache_scope(CacheScope::Private);
        result.next_cursor = next;
        Ok(result)
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let caller = self.caller(&context)?;
        let key = tools::idempotency_key(&request, &context.meta);
        tools::call(&self.app, caller, request, key, context.ct)
            .await
            .map(Into::into)
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let caller = self.caller(&context)?;
        resources::list(&self.app, &caller, request).await
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        resources::templates(request)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let caller = self.caller(&context)?;
        resources::read(&self.app, &caller, &request.uri)
            .await
            .map(Into::into)
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        prompts::list(request)
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let caller = self.caller(&context)?;
        prompts::get(&self.app, &caller, &request.name, request.arguments)
            .await
            .map(Into::into)
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let caller = self.caller(&context)?;
        let as_ids = matches!(request.r#ref, Reference::Resource(_));
        let (name, begun) = (&request.argument.name, &request.argument.value);
        prompts::complete(&self.app, &caller, name, begun, as_ids)
            .await
            .map(CompleteResult::new)
            .map_err(|error| failure::protocol(&error))
    }
}
