//! Statements that insert many rows at once, made once per program from a head and a number.

use std::fmt::Write as _;

use super::sql::{Link, Sql, one};
use super::value::{Args, Cells, Value};
use crate::error::Result;

/// Rows per statement, largest first; a list is cut into these.
const SIZES: [usize; 4] = [64, 16, 4, 1];

/// A family of INSERT statements that differ in the number of rows.
pub(crate) struct Bulk {
    family: Vec<(usize, Sql)>,
    columns: usize,
}

/// A column of an inserted row.
#[derive(Clone, Copy)]
pub(crate) enum Column {
    /// A parameter.
    Plain,
    /// A parameter that PostgreSQL reads as a `tsvector`.
    TsVector,
    /// A fixed expression, no parameter.
    Fixed(&'static str),
}

impl Bulk {
    /// `INSERT INTO … (…)` (`head`), the columns of a row, and what follows the rows (`tail`).
    ///
    /// The texts live as long as the program: make each family once, in a `LazyLock`.
    pub(crate) fn new(head: &str, columns: &[Column], tail: &str) -> Self {
        let parameters = columns
            .iter()
            .filter(|c| !matches!(c, Column::Fixed(_)))
            .count();
        let family = SIZES
            .iter()
            .map(|&size| {
                let text = format!("{head} VALUES {}{tail}", rows(size, columns));
                (size, one(Box::leak(text.into_boxed_str())))
            })
            .collect();
        Self {
            family,
            columns: parameters,
        }
    }

    /// Inserts rows; `fill` appends the parameters of one row. Answers with what RETURNING gave.
    pub(crate) async fn insert<R, T>(
        &self,
        link: &mut Link<'_>,
        rows: &[R],
        fill: impl Fn(&R, &mut Args),
        map: impl Fn(&mut Cells) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut out = Vec::new();
        let mut rest = rows;
        for &(size, sql) in &self.family {
            while rest.len() >= size {
                let (now, later) = rest.split_at(size);
                let mut args: Vec<Value> = Vec::with_capacity(size * self.columns);
                for row in now {
                    fill(row, &mut args);
                }
                out.extend(link.all(sql, args, &map).await?);
                rest = later;
            }
        }
        Ok(out)
    }

    #[cfg(test)]
    pub(crate) fn statements(&self) -> impl Iterator<Item = Sql> {
        self.family.iter().map(|(_, sql)| *sql)
    }
}

fn rows(count: usize, columns: &[Column]) -> String {
    let mut text = String::new();
    let mut parameter = 0;
    for row in 0..count {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                text.push_str(", ");
            }
            // Writing to a String cannot fail.
            let _ = match column {
                Column::Fixed(expression) => write!(text, "{expression}"),
                Column::Plain => {
                    parameter += 1;
                    write!(text, "${parameter}")
                }
                Column::TsVector => {
                    parameter += 1;
                    write!(text, "CAST(CAST(${parameter} AS TEXT) AS tsvector)")
                }
            };
        }
        text.push(')');
    }
    text
}
