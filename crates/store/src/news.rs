//! What arrived since: the names of events, for memories that have to be emptied.

use crate::db::{Cells, args, one, statements};
use crate::error::Result;
use crate::store::{Scope, Store};

statements! {
    HEAD = one("SELECT COALESCE(MAX(n), 0) FROM inbox");
    UNNUMBERED = one("SELECT 1 FROM domain_events WHERE seq IS NULL LIMIT 1");
    LAST = one("SELECT COALESCE(MAX(seq), 0) FROM domain_events WHERE workspace_id = $1");
    NEWS = one("SELECT n, event FROM inbox WHERE n > $2 AND workspace_id = $1 ORDER BY n LIMIT $3");
}

impl Store {
    /// The place after which events of the inbox are news.
    pub async fn inbox_head(&self) -> Result<i64> {
        self.exactly(HEAD, args![], Cells::int).await
    }

    /// Whether there are domain events that have no number yet.
    pub async fn has_unnumbered_events(&self) -> Result<bool> {
        Ok(self.one(UNNUMBERED, args![], Cells::int).await?.is_some())
    }

    /// The number of the latest domain event; 0 when there is none.
    pub async fn last_event(&self, scope: Scope) -> Result<i64> {
        self.exactly(LAST, args![scope.workspace], Cells::int).await
    }

    /// Places and names of events that arrived after a place, in order.
    pub async fn inbox_news(
        &self,
        scope: Scope,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, String)>> {
        self.all(NEWS, args![scope.workspace, after, limit], |row| {
            Ok((row.int()?, row.text()?))
        })
        .await
    }
}
