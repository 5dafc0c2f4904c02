//! The thin layer over sqlx's two drivers: one statement text, one parameter type, one row type.
//!
//! It exists so that every statement of this crate is written once. What differs between the engines
//! (locks, search, DDL) is a statement with two texts ([`two`]).

mod bulk;
mod open;
mod sql;
mod tx;
mod value;

pub(crate) use bulk::{Bulk, Column};
pub use open::{DatabaseUrl, OpenOptions};
pub(crate) use open::{Db, Ready, SCHEMA_VERSION};
pub(crate) use sql::{Link, Sql, locked, one, statements, two};
pub(crate) use tx::Kind;
pub use tx::Tx;
pub(crate) use value::{Args, Cells, Value, args};

/// Which database is behind a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// A file, in this process.
    Sqlite,
    /// A server.
    Postgres,
}
