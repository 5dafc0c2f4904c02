//! Components: which capabilities are on.

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::store::{Scope, Store};

/// A component as it lies in its row; one without a row was never touched.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentRow {
    /// Its name.
    pub name: String,
    /// `active`, `inactive` or `failed`.
    pub state: String,
    /// Why it is in that state.
    pub detail: Option<String>,
    /// Its settings; never secrets.
    pub settings: Json,
    /// Version of the settings' form.
    pub config_v: i64,
    /// Who changed it last.
    pub changed_by: String,
    /// When it was last checked.
    pub checked: Option<Timestamp>,
    /// When it changed.
    pub updated_at: Timestamp,
}

statements! {
    ALL = one("SELECT name, state, detail, settings, config_v, changed_by, checked, updated_at FROM components WHERE workspace_id = $1 ORDER BY name");
    PUT = one("INSERT INTO components (workspace_id, name, state, detail, settings, config_v, changed_by, checked, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (workspace_id, name) DO UPDATE SET state = $3, detail = $4, settings = $5, config_v = $6, changed_by = $7, checked = $8, updated_at = $9");
}

fn component(row: &mut Cells) -> Result<ComponentRow> {
    Ok(ComponentRow {
        name: row.text()?,
        state: row.text()?,
        detail: row.opt_text()?,
        settings: row.json()?,
        config_v: row.int()?,
        changed_by: row.text()?,
        checked: row.opt_instant()?,
        updated_at: row.instant()?,
    })
}

impl Store {
    /// All components that were ever switched, by name.
    pub async fn components(&self, scope: Scope) -> Result<Vec<ComponentRow>> {
        self.all(ALL, args![scope.workspace], component).await
    }
}

impl Tx {
    /// Writes a component's state.
    pub async fn put_component(&mut self, row: &ComponentRow) -> Result<()> {
        let w = self.w();
        self.execute(
            PUT,
            args![
                w,
                &row.name,
                &row.state,
                row.detail.clone(),
                &row.settings,
                row.config_v,
                &row.changed_by,
                row.checked,
                row.updated_at
            ],
        )
        .await?;
        Ok(())
    }
}
