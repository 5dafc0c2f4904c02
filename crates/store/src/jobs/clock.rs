//! Jobs whose times were written by a clock that has been set back since.

use jiff::Timestamp;

use crate::db::{args, one, statements};
use crate::error::Result;
use crate::store::{Scope, Store, set_back};

statements! {
    // How long a job had to wait is known, when it was put off; the end of that wait is told anew from now.
    PULL_IN = one("UPDATE jobs SET run_at = CAST($1 AS BIGINT) + (run_at - updated_at), updated_at = $1
        WHERE state = 'waiting' AND updated_at > $2");
}

impl Store {
    /// Lets jobs that were put off by a clock far ahead of `now` wait from now on instead; how many there were.
    ///
    /// Retries and snoozes are told as "now and so long". When the clock is set back by hours they would lie that
    /// much later. To be called at the start and when a step back is noticed: it reads all waiting jobs. A job may run
    /// early by this; what has to happen at a certain time looks at the clock itself.
    pub async fn pull_in_jobs(&self, now: Timestamp) -> Result<u64> {
        let mut tx = self.begin(Scope::DEFAULT).await?;
        let moved = tx.execute(PULL_IN, args![now, set_back(now)]).await?;
        tx.new_jobs = moved > 0;
        tx.commit().await?;
        Ok(moved)
    }
}
