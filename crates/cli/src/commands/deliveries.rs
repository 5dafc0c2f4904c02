//! `deliveries list|show|retry|drop`: what is carried to destinations, and why it is where it is.

use clap::{Args, Subcommand};
use parfocal_engine::activate::DeliveryDetail;
use parfocal_engine::keys::{Caller, Surface};
use parfocal_engine::store::{DeliveryFilter, DeliveryId, DeliveryState};
use serde_json::json;

use super::paging::{Paging, more};
use crate::context::Context;
use crate::failure::{Exit, Failure};
use crate::output::clean;
use crate::output::style;
use crate::output::table::{Align, Field, Table};

/// List, show, retry and drop what is carried to destinations
#[derive(Debug, Subcommand)]
pub(crate) enum Deliveries {
    /// List deliveries, the latest change first
    List(List),
    /// Show a delivery: what is sent, every try, what came back, what to do
    Show(One),
    /// Send deliveries once more: one, or all dead ones
    Retry(Retry),
    /// Give a delivery up
    Drop(One),
}

/// List deliveries
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Of this destination
    #[arg(long, value_name = "NAME")]
    destination: Option<String>,
    /// In this state: pending, sending, waiting, done, dead or dropped
    #[arg(long, value_name = "STATE")]
    state: Option<DeliveryState>,
    /// About this person, by address or id
    #[arg(long, value_name = "PERSON")]
    person: Option<String>,
    /// Whose key contains this
    #[arg(long, value_name = "TEXT")]
    key: Option<String>,
    #[command(flatten)]
    paging: Paging,
}

/// A delivery by its id
#[derive(Debug, Args)]
pub(crate) struct One {
    /// Its id
    id: DeliveryId,
}

/// Which deliveries
#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
pub(crate) struct Retry {
    /// One delivery
    id: Option<DeliveryId>,
    /// All dead ones
    #[arg(long, conflicts_with = "id")]
    all_dead: bool,
    /// Of this destination
    #[arg(long, value_name = "NAME", requires = "all_dead")]
    destination: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(command: Deliveries, context: &Context) -> Result<Exit, Failure> {
    let app = context.app().await?;
    let verbs = app.destinations();
    let by = Caller::local(Surface::Cli).by();
    let out = &context.out;
    match command {
        Deliveries::List(list) => {
            let person = match &list.person {
                Some(person) => Some(verbs.person_named(person).await?),
                None => None,
            };
            let filter = DeliveryFilter {
                state: list.state,
                person,
                key: list.key,
                destination: None,
            };
            let page = verbs
                .deliveries(list.destination.as_deref(), filter, &list.paging.request())
                .await?;
            if out.is_json() {
                out.json(&json!({"items": page.items, "next": page.next}))?;
                return Ok(Exit::Done);
            }
            let mut table = Table::new(
                &[
                    ("ID", Align::Left),
                    ("DESTINATION", Align::Left),
                    ("STATE", Align::Left),
                    ("TRIES", Align::Right),
                    ("KEY", Align::Left),
                    ("WHY", Align::Left),
                ],
                "There are no such deliveries.",
            );
            for one in &page.items {
                table.row([
                    Field::from(one.id.to_string()),
                    Field::from(&one.destination),
                    Field::from(one.state.as_str()),
                    Field::from(one.attempts.to_string()),
                    Field::from(clean(&one.key)),
                    Field::styled(style::DIM, clean(one.reason.as_deref().unwrap_or(""))),
                ]);
            }
            table.print(out)?;
            more(context, page.next.as_deref());
            Ok(Exit::Done)
        }
        Deliveries::Show(one) => delivery(&verbs.delivery(one.id).await?, context),
        Deliveries::Drop(one) => delivery(&verbs.drop_delivery(one.id, &by).await?, context),
        Deliveries::Retry(Retry { id: Some(id), .. }) => {
            delivery(&verbs.retry(id, &by).await?, context)
        }
        Deliveries::Retry(Retry { destination, .. }) => {
            let filter = DeliveryFilter::default();
            let count = verbs.retry_all(destination.as_deref(), filter, &by).await?;
            if out.is_json() {
                out.json(&json!({"deliveries": count}))?;
            } else {
                out.line(format!("{count} deliveries are sent once more"))?;
            }
            Ok(Exit::Done)
        }
    }
}

fn delivery(detail: &DeliveryDetail, context: &Context) -> Result<Exit, Failure> {
    let out = &context.out;
    if out.is_json() {
        out.json(detail)?;
        return Ok(Exit::Done);
    }
    let one = &detail.delivery;
    out.line(format!("{} to {}: {}", one.key, one.destination, one.state))?;
    if let Some(reason) = &one.reason {
        out.line(format!("why     {}", clean(reason)))?;
    }
    if let Some(advice) = &one.advice {
        out.line(format!("to do   {}", clean(advice)))?;
    }
    if let Some(rule) = &one.rule {
        out.line(format!("rule    {rule}"))?;
    }
    if let Some(at) = one.next_at {
        out.line(format!("again   {at}"))?;
    }
    out.line(format!("sent    {}", clean(&detail.body.to_string())))?;
    for tried in &detail.tries {
        let said = tried
            .said
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        out.line(format!(
            "try {}   {} {} {}",
            tried.attempt,
            tried.at,
            tried.outcome,
            clean(&said)
        ))?;
    }
    Ok(Exit::Done)
}
