//! `audit list|verify`: who changed what, and whether the log is whole.

use clap::{Args, Subcommand};
use parfocal_engine::audit::AuditFilter;
use parfocal_server::views::{AuditView, PageView};

use super::paging::{self, Paging};
use crate::context::{Context, attention};
use crate::failure::{Exit, Failure};
use crate::output::style::{self, paint};
use crate::output::table::{Align, Field, Table};
use crate::output::{clean, grouped};

/// Show who changed what, and check that the log is whole
#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// List changes, the latest first
    List(List),
    /// Compute the chain of hashes again: a log that was changed, or cut off, shows
    Verify,
}

/// List changes, the latest first
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this action, such as meeting.create or connection.remove
    #[arg(long, value_name = "NAME")]
    action: Option<String>,
    /// Only what was done to this, such as component/search
    #[arg(long, value_name = "KIND/ID")]
    target: Option<String>,
    /// Only what this one did, such as local or key:NAME
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// Runs the command.
pub(crate) async fn run(command: Audit, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let out = &context.out;
    match command {
        Audit::List(list) => {
            let filter = AuditFilter {
                action: list.action,
                target: list.target,
                actor: list.actor,
            };
            let page = app.audit().list(&filter, &list.paging.request()).await?;
            let page = PageView::of(page, AuditView::from);
            if out.is_json() {
                out.json(&page)?;
                return Ok(Exit::Done);
            }
            table(&page, context)?;
            Ok(Exit::Done)
        }
        Audit::Verify => {
            let found = app.audit().verify().await?;
            if out.is_json() {
                out.json(&found)?;
            } else if let Some(broken) = &found.broken {
                out.line(format!(
                    "{} the log does not hold at entry {}: {}",
                    paint(style::BAD, "✗"),
                    broken.n,
                    broken.what
                ))?;
            } else {
                let head = found.head.as_deref().unwrap_or("none");
                out.line(format!(
                    "{} {} entries, each following the one before; the last has the hash {head}",
                    paint(style::OK, "✓"),
                    grouped(found.entries)
                ))?;
            }
            Ok(attention(found.broken.is_some()))
        }
    }
}

fn table(page: &PageView<AuditView>, context: &Context) -> Result<(), Failure> {
    let mut table = Table::new(
        &[
            ("N", Align::Right),
            ("AT", Align::Left),
            ("WHO", Align::Left),
            ("THROUGH", Align::Left),
            ("WHAT", Align::Left),
            ("TO WHAT", Align::Left),
            ("OUTCOME", Align::Left),
        ],
        "Nothing was changed so far.",
    );
    for entry in &page.items {
        let outcome = entry.raw.get("outcome").and_then(serde_json::Value::as_str);
        table.row([
            Field::from(entry.n.to_string()),
            Field::from(entry.at.strftime("%Y-%m-%d %H:%M:%S").to_string()),
            Field::from(clean(&entry.actor)),
            Field::from(entry.surface.as_str()),
            Field::from(entry.action.as_str()),
            Field::from(clean(&entry.target)),
            Field::from(outcome.unwrap_or_default()),
        ]);
    }
    table.print(&context.out)?;
    paging::more(context, page.next.as_deref());
    Ok(())
}
