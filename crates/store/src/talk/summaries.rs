//! Summaries that the provider itself wrote.

use jiff::Timestamp;

use crate::db::{Tx, args, one, statements};
use crate::error::Result;
use crate::id::InstanceId;
use crate::store::{Scope, Store};

/// What the provider wrote of a meeting.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProviderSummary {
    /// Its title.
    pub title: Option<String>,
    /// The summary as Markdown.
    pub body: String,
    /// Where the provider shows it.
    pub url: Option<String>,
    /// When it was written or last changed.
    pub written_at: Option<Timestamp>,
}

statements! {
    GET = one("SELECT title, body, url, written_at FROM provider_summaries WHERE workspace_id = $1 AND instance_id = $2 AND body IS NOT NULL");
    // What was said later stands, in whatever order it is heard.
    PUT = one("INSERT INTO provider_summaries (instance_id, workspace_id, title, body, url, written_at, said_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (instance_id) DO UPDATE SET title = $3, body = $4, url = $5, written_at = $6, said_at = $7, updated_at = $8
        WHERE provider_summaries.said_at <= $7");
}

impl Store {
    /// What the provider wrote of a meeting; none when it wrote nothing or took it back.
    pub async fn provider_summary(
        &self,
        scope: Scope,
        instance: InstanceId,
    ) -> Result<Option<ProviderSummary>> {
        self.one(GET, args![scope.workspace, instance], |row| {
            Ok(ProviderSummary {
                title: row.opt_text()?,
                body: row.text()?,
                url: row.opt_text()?,
                written_at: row.opt_instant()?,
            })
        })
        .await
    }
}

impl Tx {
    /// Keeps what the provider said at an instant: a summary, or (none) that there is none any more. Whether that is news:
    /// what was said before it changes nothing.
    pub async fn put_provider_summary(
        &mut self,
        instance: InstanceId,
        summary: Option<&ProviderSummary>,
        said_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        let written = self
            .execute(
                PUT,
                args![
                    instance,
                    w,
                    summary.and_then(|summary| summary.title.clone()),
                    summary.map(|summary| summary.body.clone()),
                    summary.and_then(|summary| summary.url.clone()),
                    summary.and_then(|summary| summary.written_at),
                    said_at,
                    now
                ],
            )
            .await?;
        Ok(written > 0)
    }
}
