//! Transactions that stand in each other's way on a database with many writers.

use std::time::Duration;

use serde_json::Value;

use crate::App;
use crate::backfill::slice::text;
use crate::error::{EngineError, Result};

/// Sorts what a page told by meeting and instance: transactions that take their rows in one order do not wait for each
/// other in a circle.
pub(crate) fn in_order_of_locks(items: &mut [Value]) {
    items.sort_by_cached_key(|item| {
        // The history names them `meeting_id` and `meeting_uuid`.
        let meeting = text(item, "id").or_else(|| text(item, "meeting_id"));
        let instance = text(item, "uuid").or_else(|| text(item, "meeting_uuid"));
        (meeting, instance)
    });
}

/// Writes of one answer of Zoom's that stood in the way of other transactions.
///
/// A server with many writers ends one of those that wait for each other. What Zoom answered is still there, so it is
/// written again; Zoom is not asked again.
#[derive(Debug, Default)]
pub(crate) struct Conflicts(u32);

impl Conflicts {
    /// Most writes of one answer.
    const MOST: u32 = 8;

    /// Waits a moment before the next write.
    ///
    /// # Errors
    /// The error itself when it is of another kind, or when there were enough of them.
    pub(crate) async fn again(&mut self, app: &App, error: EngineError) -> Result<()> {
        self.0 += 1;
        if self.0 >= Self::MOST || !error.is_lock_conflict() {
            return Err(error);
        }
        let spread = 0.5 + app.chance().fraction();
        let pause = Duration::from_millis(10 * u64::from(self.0)).mul_f64(spread);
        app.clock().sleep(pause).await;
        Ok(())
    }
}
