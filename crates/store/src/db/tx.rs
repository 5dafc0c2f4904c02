//! A write transaction.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use sqlx::{Postgres, Sqlite, Transaction};
use tokio::sync::OwnedMutexGuard;

use super::Engine;
use super::sql::{Link, Sql};
use super::value::{Args, Cells};
use crate::error::Result;
use crate::id::InstanceId;
use crate::search::People;
use crate::store::{Inner, Scope};

/// A write transaction: everything done on it happens together at [`Tx::commit`], or not at all.
///
/// On SQLite it is `BEGIN IMMEDIATE` on the only writing connection, so keep it short and call
/// nothing outside while it is open.
///
/// # Cancellation
/// Dropping it, also in the middle of a call, rolls back.
#[must_use = "a transaction that is not committed is rolled back"]
pub struct Tx {
    inner: Kind,
    pub(crate) scope: Scope,
    pub(crate) store: Arc<Inner>,
    pub(crate) new_jobs: bool,
    /// Meetings whose index is made anew at the commit.
    pub(crate) touched: BTreeSet<InstanceId>,
    /// Meetings of which it changed who was there.
    pub(crate) people: BTreeMap<InstanceId, People>,
}

pub(crate) enum Kind {
    Sqlite {
        tx: Transaction<'static, Sqlite>,
        /// Held so that ordinary writers queue here and the inbox waits for at most two of them.
        _turn: OwnedMutexGuard<()>,
    },
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(crate) fn new(inner: Kind, scope: Scope, store: Arc<Inner>) -> Self {
        Self {
            inner,
            scope,
            store,
            new_jobs: false,
            touched: BTreeSet::new(),
            people: BTreeMap::new(),
        }
    }

    /// The scope all writes of this transaction go to.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Makes everything done so far durable.
    ///
    /// # Errors
    /// After an error nothing of it was kept, except that with PostgreSQL an answer lost on the way
    /// leaves it open whether it was: every step can run twice, so run it again.
    pub async fn commit(mut self) -> Result<()> {
        self.index_touched().await?;
        match self.inner {
            Kind::Sqlite { tx, _turn } => {
                tx.commit().await?;
                self.store.committed();
            }
            Kind::Postgres(tx) => tx.commit().await?,
        }
        if self.new_jobs {
            self.store.job_signal.notify_waiters();
        }
        Ok(())
    }

    /// Undoes everything now, rather than when the value is dropped.
    pub async fn rollback(self) -> Result<()> {
        match self.inner {
            Kind::Sqlite { tx, .. } => tx.rollback().await?,
            Kind::Postgres(tx) => tx.rollback().await?,
        }
        Ok(())
    }

    pub(crate) fn engine(&self) -> Engine {
        match self.inner {
            Kind::Sqlite { .. } => Engine::Sqlite,
            Kind::Postgres(_) => Engine::Postgres,
        }
    }

    pub(crate) fn w(&self) -> crate::WorkspaceId {
        self.scope.workspace
    }

    pub(crate) fn new_id<T: From<uuid::Uuid>>(&self, now: Timestamp) -> T {
        T::from(self.store.ids.uuid(now))
    }

    pub(crate) fn link(&mut self) -> Link<'_> {
        match &mut self.inner {
            Kind::Sqlite { tx, .. } => Link::Sqlite(tx),
            Kind::Postgres(tx) => Link::Postgres(tx),
        }
    }

    pub(crate) async fn execute(&mut self, sql: Sql, args: Args) -> Result<u64> {
        self.link().execute(sql, args).await
    }

    pub(crate) async fn one<T>(
        &mut self,
        sql: Sql,
        args: Args,
        map: impl Fn(&mut Cells) -> Result<T>,
    ) -> Result<Option<T>> {
        self.link().one(sql, args, map).await
    }

    pub(crate) async fn all<T>(
        &mut self,
        sql: Sql,
        args: Args,
        map: impl Fn(&mut Cells) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.link().all(sql, args, map).await
    }

    pub(crate) async fn exactly<T>(
        &mut self,
        sql: Sql,
        args: Args,
        map: impl Fn(&mut Cells) -> Result<T>,
    ) -> Result<T> {
        self.link().exactly(sql, args, map).await
    }
}
