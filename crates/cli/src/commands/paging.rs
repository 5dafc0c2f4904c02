//! Flags of commands that list.

use clap::Args;
use parfocal_engine::store::PageRequest;

use crate::context::Context;
use crate::output::style::{self, paint};

/// How much of a list to show.
#[derive(Clone, Debug, Args)]
pub(crate) struct Paging {
    /// Rows to show, at most 1000
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Continue after a page (the cursor it ended with)
    #[arg(long, value_name = "CURSOR")]
    after: Option<String>,
}

impl Paging {
    /// The request for the store.
    pub(crate) fn request(&self) -> PageRequest {
        PageRequest {
            limit: self.limit,
            after: self.after.clone(),
        }
    }
}

/// Says that there is more, and how to get it.
pub(crate) fn more(context: &Context, next: Option<&str>) {
    if let Some(next) = next {
        context
            .out
            .note(paint(style::DIM, format!("There is more: --after {next}")));
    }
}
