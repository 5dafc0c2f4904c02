//! The protocol on standard input and output, for clients that start the program themselves.

use parfocal_engine::App;
use parfocal_engine::keys::Caller;
use rmcp::service::{QuitReason, ServerInitializeError};
use rmcp::transport::stdio_pipes;
use tokio_util::sync::CancellationToken;

use super::handler::Handler;

/// Why the protocol cannot be spoken on standard input and output.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StdioError {
    /// The client did not begin as the protocol says.
    #[error("the client did not begin as the protocol says: {0}")]
    Beginning(String),
    /// Reading or writing stopped.
    #[error("the conversation broke off: {0}")]
    Broken(String),
}

impl StdioError {
    /// What to do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Beginning(_) => {
                "This command is started by an MCP client, which sends `initialize` or a request of revision 2026-07-28 first."
            }
            Self::Broken(_) => "Let the client start the command again.",
        }
    }
}

/// Answers one client until it closes our input, or until `stop`; everything is asked as `caller`.
///
/// Writes nothing but the protocol to standard output. Must be called within a tokio runtime.
///
/// # Errors
/// The client speaks something else.
pub async fn stdio(app: App, caller: Caller, stop: CancellationToken) -> Result<(), StdioError> {
    let handler = Handler::of(app, caller);
    let running = match rmcp::service::serve_server_with_ct(handler, stdio_pipes(), stop).await {
        Ok(running) => running,
        // Who closes our input or stops us before saying anything wanted nothing.
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => {
            return Ok(());
        }
        Err(error) => return Err(StdioError::Beginning(error.to_string())),
    };
    match running.waiting().await {
        Ok(QuitReason::JoinError(error)) | Err(error) => Err(StdioError::Broken(error.to_string())),
        Ok(_) => Ok(()),
    }
}
