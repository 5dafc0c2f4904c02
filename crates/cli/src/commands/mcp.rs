//! `mcp`: the Model Context Protocol on standard input and output, for assistants that start this program.

use std::io::IsTerminal as _;

use clap::Args;
use parfocal_engine::keys::{Caller, Role, Surface};

use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::stop;

/// Offer tools, meetings and questions to an assistant that starts this command
#[derive(Debug, Args)]
pub(crate) struct Mcp {
    /// What the assistant may do: read, or operate (change things at Zoom too)
    #[arg(long, value_name = "ROLE", default_value = "operate")]
    role: Role,
    /// Only these connections, by name or id
    #[arg(long, value_name = "NAME")]
    connection: Vec<String>,
}

/// Runs the command: nothing but the protocol goes to standard output.
pub(crate) async fn run(command: Mcp, context: &Context) -> Result<Exit, Failure> {
    let stop = stop::on_signal();
    let app = context.app().await?;
    app.components().require("mcp").await?;
    let mut caller = Caller::local(Surface::Mcp);
    caller.role = command.role;
    if !command.connection.is_empty() {
        let mut allowed = Vec::new();
        for which in &command.connection {
            allowed.push(app.connections().find(which).await?.id);
        }
        caller.connections = Some(allowed);
    }
    if std::io::stdin().is_terminal() {
        context.out.note(
            "This command is started by an MCP client, which speaks to it on standard input. Ctrl-C stops it.",
        );
    }
    let served = parfocal_server::mcp::stdio(app.clone(), caller, stop).await;
    app.stop().await;
    served?;
    Ok(Exit::Done)
}
