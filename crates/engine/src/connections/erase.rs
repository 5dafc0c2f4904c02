//! Erasing what was taken in: asked for with the removal of a connection, and owed when somebody removes the app at
//! Zoom. The bytes of files go before their rows, and every batch is a transaction, so it can be cut off anywhere and
//! run again; the job `data.erase` makes sure that it is.

use parfocal_store::{AccountId, ErasureCounts, ErasureScope, Job, NewJob, Scope, Tx};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::probe::Capabilities;
use crate::App;
use crate::audit::{self, By, Change, Surface};
use crate::error::{Code, EngineError, Result};
use crate::jobs::{JobKind, Outcome, priority};
use crate::media::Blobs;

/// Instances erased in one transaction: each may hang with thousands of rows.
const FEW: u32 = 10;
/// Rows of other kinds erased in one transaction.
const MANY: u32 = 200;

/// The payload of `data.erase`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DataErase {
    /// Whose data.
    pub account: AccountId,
    /// Only what this user hosted, by Zoom's id; none: everything of the account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// What the account is called in events.
    pub names: Vec<String>,
    /// Why, for the receipt: `connection/…`.
    pub because: String,
    /// Who wanted it.
    pub actor: String,
    /// Whether to leave out the receipt when there was nothing left: somebody else has written one.
    #[serde(default)]
    pub quiet: bool,
}

impl DataErase {
    /// Makes sure that it happens from `run_at` on, whatever happens to this process.
    pub(super) async fn enqueue(
        &self,
        tx: &mut Tx,
        now: jiff::Timestamp,
        run_at: jiff::Timestamp,
    ) -> Result<()> {
        let payload = serde_json::to_value(self).map_err(|error| {
            EngineError::new(
                Code::Internal,
                format!("a payload cannot be written: {error}"),
            )
        })?;
        let host = self.host.as_deref().unwrap_or("all");
        let job = NewJob {
            kind: JobKind::DataErase.as_str().to_owned(),
            v: JobKind::DataErase.version(),
            lane: Some(format!("erase/{}", self.account)),
            priority: priority::LIVE,
            dedupe_key: Some(format!("{}/{host}", self.account)),
            payload,
            run_at,
            cause_id: None,
        };
        tx.enqueue_merged(&job, now, |_, newer| newer.clone())
            .await?;
        Ok(())
    }
}

/// What was erased.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Erased {
    /// All rows and files together, those that hang on others not counted.
    pub rows: u64,
    /// Files of recordings.
    pub files: u64,
    /// The counts by kind.
    #[serde(flatten)]
    pub counts: ErasureCounts,
    /// Why it was kept instead, if it was.
    pub kept: Option<String>,
}

impl Erased {
    pub(super) fn of(counts: ErasureCounts) -> Self {
        Self {
            rows: counts.total(),
            files: counts.files,
            counts,
            kept: None,
        }
    }

    pub(super) fn kept(why: String) -> Self {
        Self {
            kept: Some(why),
            ..Self::of(ErasureCounts::default())
        }
    }
}

/// The job.
pub(crate) async fn run(app: &App, job: &Job) -> Result<Outcome> {
    let order: DataErase = crate::jobs::payload(job)?;
    erase(app, Scope::of(job.workspace), &order).await?;
    Ok(Outcome::nothing())
}

/// Erases until nothing is left, then writes the receipt.
pub(super) async fn erase(app: &App, scope: Scope, order: &DataErase) -> Result<ErasureCounts> {
    let of = ErasureScope {
        account: order.account,
        host: order.host.clone(),
    };
    let mut done = ErasureCounts::default();
    let store = app.store();
    let blobs = Blobs::of(app)?;
    loop {
        let some = store.erasable_instances(scope, &of, FEW).await?;
        if some.is_empty() {
            break;
        }
        for id in &some {
            for (_, key) in store.blobs_only_of(scope, *id).await? {
                blobs.remove(&key).await?;
            }
        }
        let mut tx = store.begin(scope).await?;
        for id in &some {
            done.files += tx.erase_instance(*id).await?;
            done.instances += 1;
        }
        tx.commit().await?;
    }
    loop {
        let mut tx = store.begin(scope).await?;
        let mut more = ErasureCounts {
            meetings: tx.erase_meetings(&of, MANY).await?,
            users: tx.erase_users(&of, MANY).await?,
            ..ErasureCounts::default()
        };
        for name in &order.names {
            more.events += tx.erase_events(name, of.host.as_deref(), MANY).await?;
        }
        tx.commit().await?;
        if more.total() == 0 {
            break;
        }
        done += more;
    }
    let now = app.clock().now();
    let mut tx = store.begin(scope).await?;
    if of.host.is_none() {
        tx.erase_account(of.account, &order.names, JobKind::DataErase.as_str())
            .await?;
    }
    if done.total() > 0 || !order.quiet {
        let change = Change {
            action: "data.erased",
            target: &format!("account/{}", order.account),
            detail: json!({"because": order.because, "host": order.host, "wanted_by": order.actor, "erased": done}),
        };
        let by = By::new("parfocal", Surface::System);
        audit::append(&mut tx, &by, &change, now).await?;
    }
    tx.commit().await?;
    Ok(done)
}

/// What an account is called in events.
pub(super) fn names_of(account: &parfocal_store::Account) -> Vec<String> {
    let mut names = Capabilities::read(&account.capabilities).aliases;
    names.push(account.external_id.clone());
    names
}
