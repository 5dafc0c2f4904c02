//! How things stand, in one structure: for `parfocal status`, the console's overview and the health pages.

use jiff::Timestamp;
use parfocal_store::{Attempt, JobFilter, JobId, JobState, PageRequest, Watch};
use serde::Serialize;

use crate::App;
use crate::budget::LabelBudget;
use crate::clock::span;
use crate::connections::{ConnectionView, budget_key};
use crate::error::Result;
use crate::vault::KeyUse;
use crate::webhooks::DoorCounts;

/// How many failures are told; the rest is in `parfocal jobs list --state dead`.
const FAILURES: u32 = 10;

/// How things stand.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct Status {
    /// When this was read.
    pub at: Timestamp,
    /// The program's version.
    pub version: &'static str,
    /// All connections with their state and reason.
    pub connections: Vec<ConnectionView>,
    /// The rate budget of each account.
    pub budgets: Vec<AccountBudget>,
    /// How each commit of this process is made durable, as the live writer's connection says; none with a server.
    pub durability: Option<Durability>,
    /// What is in the store, in figures: records, jobs by kind and state, artefacts by cause, the inbox.
    pub store: parfocal_store::Status,
    /// How long the oldest event that is not routed yet has been waiting, in seconds; zero when none is.
    pub ingest_lag_seconds: f64,
    /// What came through the webhook door since this process started.
    pub door: DoorCounts,
    /// Jobs that were given up, newest first.
    pub failures: Vec<Failure>,
    /// The keys of the vault and how many secrets lie under each.
    pub vault_keys: Vec<KeyUse>,
}

/// How the embedded database flushes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Durability {
    /// SQLite's `synchronous`: `full` flushes the disk at each commit, before it is answered.
    pub synchronous: String,
    /// SQLite's `journal_mode`.
    pub journal: String,
}

/// The rate budget of one account.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct AccountBudget {
    /// Zoom's account id.
    pub account: String,
    /// The account's readable name.
    pub name: Option<String>,
    /// By label; empty when the account is not paced.
    pub labels: Vec<LabelBudget>,
}

/// A job that was given up.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct Failure {
    /// The job.
    pub job: JobId,
    /// Its kind.
    pub kind: String,
    /// Its lane.
    pub lane: Option<String>,
    /// The last attempt: what came back and what to do.
    pub last: Option<Attempt>,
}

/// The figures of the store as they were counted, and by what it is known whether they still hold.
#[derive(Debug)]
pub(crate) struct Figures {
    watch: Watch,
    mark: i64,
    counted: parfocal_store::Status,
}

impl App {
    /// The figures of the store: counting takes as long as there is much, so they are counted anew only when something
    /// was written since, by whichever process.
    async fn figures(&self) -> Result<parfocal_store::Status> {
        let mut kept = self.kept_figures().lock().await;
        let (mut watch, known) = match kept.take() {
            Some(figures) => (figures.watch, Some((figures.mark, figures.counted))),
            None => (self.store().watch().await?, None),
        };
        // Looked at before counting: what is written meanwhile is counted the next time.
        let mark = watch.mark().await?;
        let counted = match known {
            Some((then, counted)) if then == mark => counted,
            _ => self.store().status(self.scope()).await?,
        };
        *kept = Some(Figures {
            watch,
            mark,
            counted: counted.clone(),
        });
        Ok(counted)
    }

    /// How things stand now.
    pub async fn status(&self) -> Result<Status> {
        let now = self.clock().now();
        let scope = self.scope();
        let store = self.store();
        let mut budgets = Vec::new();
        for account in store.accounts(scope).await? {
            let key = budget_key(&account);
            self.budget()
                .set_account(&key, self.connections().limits(&account));
            let labels = self.budget().status(&key).await?;
            budgets.push(AccountBudget {
                account: account.external_id,
                name: account.name,
                labels,
            });
        }
        let figures = self.figures().await?;
        let ingest_lag_seconds = figures
            .inbox
            .oldest_waiting
            .map_or(0.0, |at| span(at, now).as_secs_f64());
        let dead = JobFilter {
            state: Some(JobState::Dead),
            ..JobFilter::default()
        };
        let page = store
            .jobs(scope, &dead, &PageRequest::first(FAILURES))
            .await?;
        let mut failures = Vec::with_capacity(page.items.len());
        for job in page.items {
            let last = store.attempts(scope, job.id).await?.pop();
            failures.push(Failure {
                job: job.id,
                kind: job.kind,
                lane: job.lane,
                last,
            });
        }
        let durability = store.writer_durability().await?.map(|(level, journal)| {
            let synchronous = match level {
                0 => "off".to_owned(),
                1 => "normal".to_owned(),
                2 => "full".to_owned(),
                3 => "extra".to_owned(),
                other => other.to_string(),
            };
            Durability {
                synchronous,
                journal,
            }
        });
        Ok(Status {
            at: now,
            version: env!("CARGO_PKG_VERSION"),
            connections: self.connections().list().await?,
            budgets,
            durability,
            store: figures,
            ingest_lag_seconds,
            door: self.webhooks().counts(),
            failures,
            vault_keys: self.vault().keys().await?,
        })
    }
}
