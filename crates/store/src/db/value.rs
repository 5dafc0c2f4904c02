//! What goes into a statement and what comes out, the same for both engines.

use jiff::Timestamp;
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

use crate::error::{ErrorKind, Result, StoreError};

/// A parameter of a statement. Null keeps its type, since PostgreSQL wants to know it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// TEXT
    Text(Option<String>),
    /// BIGINT: numbers, instants in microseconds, flags as 0 and 1
    Int(Option<i64>),
    /// DOUBLE PRECISION
    Real(Option<f64>),
    /// BYTEA or BLOB
    Bytes(Option<Vec<u8>>),
}

macro_rules! values {
    ($($from:ty => $arm:ident, $value:ident, $map:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                Self::$arm(Some($map))
            }
        }

        impl From<Option<$from>> for Value {
            fn from(value: Option<$from>) -> Self {
                Self::$arm(value.map(|$value| $map))
            }
        }
    )*};
}

values! {
    &str => Text, v, v.to_owned();
    String => Text, v, v;
    &String => Text, v, v.clone();
    i64 => Int, v, v;
    u32 => Int, v, i64::from(v);
    usize => Int, v, i64::try_from(v).unwrap_or(i64::MAX);
    u64 => Int, v, i64::try_from(v).unwrap_or(i64::MAX);
    bool => Int, v, i64::from(v);
    f64 => Real, v, v;
    Timestamp => Int, v, v.as_microsecond();
    Vec<u8> => Bytes, v, v;
    &[u8] => Bytes, v, v.to_vec();
    Uuid => Text, v, v.to_string();
    &serde_json::Value => Text, v, v.to_string();
    serde_json::Value => Text, v, v.to_string();
}

/// The parameters of one statement.
pub(crate) type Args = Vec<Value>;

macro_rules! args {
    ($($value:expr),* $(,)?) => {
        vec![$($crate::db::Value::from($value)),*]
    };
}
pub(crate) use args;

/// A row of either engine.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// Reads a row's columns in order.
pub(crate) struct Cells {
    row: Row,
    at: usize,
}

macro_rules! optional {
    ($opt:ident, $ty:ty) => {
        pub(crate) fn $opt(&mut self) -> Result<Option<$ty>> {
            let at = self.at;
            self.at += 1;
            let cell = match &self.row {
                Row::Sqlite(row) => row.try_get::<Option<$ty>, _>(at),
                Row::Postgres(row) => row.try_get::<Option<$ty>, _>(at),
            };
            cell.map_err(|error| {
                StoreError::with_source(
                    ErrorKind::Data,
                    format!("column {at} of an answer cannot be read: {error}"),
                    error,
                )
            })
        }
    };
}

macro_rules! cell {
    ($name:ident, $opt:ident, $ty:ty) => {
        optional!($opt, $ty);

        pub(crate) fn $name(&mut self) -> Result<$ty> {
            let at = self.at;
            self.$opt()?
                .ok_or_else(|| StoreError::data(format!("column {at} of an answer is null")))
        }
    };
}

impl Cells {
    pub(crate) fn of(row: Row) -> Self {
        Self { row, at: 0 }
    }

    cell!(text, opt_text, String);
    /// A whole number; PostgreSQL gives constants of a statement as INT4.
    pub(crate) fn opt_int(&mut self) -> Result<Option<i64>> {
        let at = self.at;
        if let Row::Postgres(row) = &self.row
            && let Ok(small) = row.try_get::<Option<i32>, _>(at)
        {
            self.at += 1;
            return Ok(small.map(i64::from));
        }
        self.opt_big()
    }

    pub(crate) fn int(&mut self) -> Result<i64> {
        let at = self.at;
        self.opt_int()?
            .ok_or_else(|| StoreError::data(format!("column {at} of an answer is null")))
    }

    cell!(real, opt_real, f64);
    cell!(bytes, opt_bytes, Vec<u8>);

    optional!(opt_big, i64);

    pub(crate) fn flag(&mut self) -> Result<bool> {
        Ok(self.int()? != 0)
    }

    pub(crate) fn count(&mut self) -> Result<u64> {
        Ok(u64::try_from(self.opt_int()?.unwrap_or(0)).unwrap_or(0))
    }

    pub(crate) fn instant(&mut self) -> Result<Timestamp> {
        instant(self.int()?)
    }

    pub(crate) fn opt_instant(&mut self) -> Result<Option<Timestamp>> {
        self.opt_int()?.map(instant).transpose()
    }

    pub(crate) fn json(&mut self) -> Result<serde_json::Value> {
        json(&self.text()?)
    }

    pub(crate) fn opt_json(&mut self) -> Result<Option<serde_json::Value>> {
        self.opt_text()?.as_deref().map(json).transpose()
    }

    pub(crate) fn id<T: From<Uuid>>(&mut self) -> Result<T> {
        uuid(&self.text()?).map(T::from)
    }

    pub(crate) fn opt_id<T: From<Uuid>>(&mut self) -> Result<Option<T>> {
        self.opt_text()?
            .map(|text| uuid(&text).map(T::from))
            .transpose()
    }

    pub(crate) fn parsed<T: std::str::FromStr>(&mut self) -> Result<T> {
        let text = self.text()?;
        text.parse()
            .map_err(|_| StoreError::data(format!("{text:?} is not a known value here")))
    }
}

fn instant(micros: i64) -> Result<Timestamp> {
    Timestamp::from_microsecond(micros).map_err(|error| {
        StoreError::with_source(ErrorKind::Data, "an instant is out of range", error)
    })
}

fn json(text: &str) -> Result<serde_json::Value> {
    serde_json::from_str(text).map_err(|error| {
        StoreError::with_source(ErrorKind::Data, "a stored JSON text is broken", error)
    })
}

fn uuid(text: &str) -> Result<Uuid> {
    Uuid::try_parse(text).map_err(|error| {
        StoreError::with_source(ErrorKind::Data, format!("{text:?} is not an id"), error)
    })
}
