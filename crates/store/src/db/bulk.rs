//! Statements that insert many rows at once, made once per program from a head and a number.

use std::ops::Range;

use super::Engine;
use super::sql::{Link, Sql, two};
use super::value::Args;
use crate::error::Result;

/// Rows per statement, largest first; a list is cut into these.
const SIZES: [usize; 5] = [256, 64, 16, 4, 1];

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
                let text = |engine| -> &'static str {
                    let text = format!("{head} VALUES {}{tail}", rows(size, columns, engine));
                    Box::leak(text.into_boxed_str())
                };
                (size, two(text(Engine::Sqlite), text(Engine::Postgres)))
            })
            .collect();
        Self {
            family,
            columns: parameters,
        }
    }

    /// Inserts rows; `fill` appends the parameters of one row. Answers with the pieces of which some row was
    /// not inserted (because the tail says so), as places in `rows`.
    pub(crate) async fn put<R>(
        &self,
        link: &mut Link<'_>,
        rows: &[R],
        fill: impl Fn(&R, &mut Args),
    ) -> Result<Vec<Range<usize>>> {
        let mut short = Vec::new();
        for (piece, sql) in self.pieces(rows.len()) {
            let args = self.args(&rows[piece.clone()], &fill);
            if link.execute(sql, args).await? < piece.len() as u64 {
                short.push(piece);
            }
        }
        Ok(short)
    }

    /// A number of rows cut into pieces that there are statements for.
    fn pieces(&self, rows: usize) -> impl Iterator<Item = (Range<usize>, Sql)> + '_ {
        let mut done = 0;
        std::iter::from_fn(move || {
            let left = rows - done;
            let &(size, sql) = self.family.iter().find(|(size, _)| *size <= left)?;
            let piece = done..done + size;
            done += size;
            Some((piece, sql))
        })
    }

    fn args<R>(&self, rows: &[R], fill: impl Fn(&R, &mut Args)) -> Args {
        let mut args = Args::with_capacity(rows.len() * self.columns);
        for row in rows {
            fill(row, &mut args);
        }
        args
    }

    #[cfg(test)]
    pub(crate) fn statements(&self) -> impl Iterator<Item = Sql> {
        self.family.iter().map(|(_, sql)| *sql)
    }
}

/// The rows of a statement. SQLite's parameters have no numbers: it would look each one up in a list of all, and sqlx asks
/// for every parameter at every execution.
fn rows(count: usize, columns: &[Column], engine: Engine) -> String {
    let mut text = String::new();
    let mut parameter = 0;
    for row in 0..count {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                text.push_str(", ");
            }
            let name = match column {
                Column::Fixed(expression) => {
                    text.push_str(expression);
                    continue;
                }
                Column::Plain if engine == Engine::Sqlite => "?".to_owned(),
                Column::Plain => {
                    parameter += 1;
                    format!("${parameter}")
                }
            };
            text.push_str(&name);
        }
        text.push(')');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_into_pieces_and_named_as_each_engine_likes() {
        let columns = [Column::Plain, Column::Fixed("1"), Column::Plain];
        let bulk = Bulk::new("INSERT INTO t (a, b, c)", &columns, " RETURNING a");
        let pieces: Vec<_> = bulk.pieces(326).map(|(piece, _)| piece).collect();
        assert_eq!(pieces, [0..256, 256..320, 320..324, 324..325, 325..326]);
        assert_eq!(bulk.pieces(0).count(), 0);
        let (_, four) = bulk.pieces(4).next().unwrap();
        assert!(
            four.text(Engine::Sqlite)
                .starts_with("INSERT INTO t (a, b, c) VALUES (?, 1, ?), (?, 1")
        );
        let (_, one) = bulk.pieces(1).next().unwrap();
        assert_eq!(
            one.text(Engine::Postgres),
            "INSERT INTO t (a, b, c) VALUES ($1, 1, $2) RETURNING a"
        );
    }
}
