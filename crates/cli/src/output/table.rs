//! Tables without boxes: a dim header, aligned columns, wrapped to the terminal's width.

use anstyle::Style;
use comfy_table::{
    Attribute, Cell, CellAlignment, Color, ContentArrangement, Table as Comfy, presets,
};

use super::{Out, clean, style};
use crate::failure::Failure;

/// Where a column's text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table in the making; cells are cleaned of control characters on entry.
pub(crate) struct Table {
    inner: Comfy,
    align: Vec<Align>,
    empty: &'static str,
    rows: usize,
}

/// One cell: text and how it looks.
pub(crate) struct Field {
    text: String,
    style: Style,
}

impl Field {
    /// A cell in a style.
    pub(crate) fn styled(style: Style, text: impl AsRef<str>) -> Self {
        Self {
            text: clean(text.as_ref()),
            style,
        }
    }

    /// A cell whose colour follows from the state it names.
    pub(crate) fn state(state: &str) -> Self {
        Self::styled(style::of_state(state), state)
    }
}

impl<T: AsRef<str>> From<T> for Field {
    fn from(text: T) -> Self {
        Self::styled(Style::new(), text)
    }
}

impl Table {
    /// Starts a table; `empty` is said instead of a header without rows, and should tell what to do next.
    pub(crate) fn new(columns: &[(&str, Align)], empty: &'static str) -> Self {
        let mut inner = Comfy::new();
        inner.load_style(presets::NOTHING).enforce_styling();
        inner.set_content_arrangement(ContentArrangement::Dynamic);
        inner.set_header(columns.iter().map(|(name, align)| {
            Cell::new(name)
                .add_attribute(Attribute::Dim)
                .set_alignment(alignment(*align))
        }));
        for i in 0..columns.len() {
            if let Some(column) = inner.column_mut(i) {
                column.set_padding((0, 2));
            }
        }
        Self {
            inner,
            align: columns.iter().map(|(_, align)| *align).collect(),
            empty,
            rows: 0,
        }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, fields: [Field; N]) {
        self.rows += 1;
        let cells: Vec<Cell> = fields
            .into_iter()
            .zip(self.align.iter().copied())
            .map(|(field, align)| {
                let mut cell = Cell::new(field.text).set_alignment(alignment(align));
                if let Some(color) = color(field.style) {
                    cell = cell.fg(color);
                }
                let effects = field.style.get_effects();
                if effects.contains(anstyle::Effects::BOLD) {
                    cell = cell.add_attribute(Attribute::Bold);
                }
                if effects.contains(anstyle::Effects::DIMMED) {
                    cell = cell.add_attribute(Attribute::Dim);
                }
                cell
            })
            .collect();
        self.inner.add_row(cells);
    }

    /// Prints the table, or what stands in for an empty one (beside the data).
    pub(crate) fn print(self, out: &Out) -> Result<(), Failure> {
        if self.rows == 0 {
            out.note(style::paint(style::DIM, self.empty));
            return Ok(());
        }
        for line in self.inner.lines() {
            out.line(line.trim_end())?;
        }
        Ok(())
    }
}

fn alignment(align: Align) -> CellAlignment {
    match align {
        Align::Left => CellAlignment::Left,
        Align::Right => CellAlignment::Right,
    }
}

fn color(style: Style) -> Option<Color> {
    match style.get_fg_color()? {
        anstyle::Color::Ansi(anstyle::AnsiColor::Green) => Some(Color::DarkGreen),
        anstyle::Color::Ansi(anstyle::AnsiColor::Yellow) => Some(Color::DarkYellow),
        anstyle::Color::Ansi(anstyle::AnsiColor::Red) => Some(Color::DarkRed),
        anstyle::Color::Ansi(anstyle::AnsiColor::Cyan) => Some(Color::DarkCyan),
        _ => None,
    }
}
