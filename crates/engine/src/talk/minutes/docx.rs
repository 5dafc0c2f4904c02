//! Minutes as a Word document.

use std::io::Cursor;

use docx_rs::{
    AbstractNumbering, Docx, IndentLevel, Level, LevelJc, LevelText, NumberFormat, Numbering,
    NumberingId, Paragraph, Run, RunFonts, SpecialIndentType, Start, Style, StyleType, Table,
    TableCell, TableRow,
};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use crate::error::{Code, EngineError, Result};

/// The list of points.
const POINTS: usize = 2;
/// Text indent of a point, in twentieths of a typographic point.
const INDENT: i32 = 360;
/// Sizes in half points.
const TEXT_SIZE: usize = 22;
const SIZES: [(&str, &str, usize); 3] = [
    ("Heading1", "heading 1", 36),
    ("Heading2", "heading 2", 28),
    ("Heading3", "heading 3", 24),
];

/// What is being put together.
#[derive(Default)]
struct Page {
    docx: Docx,
    runs: Vec<Run>,
    heading: Option<usize>,
    in_item: bool,
    strong: bool,
    rows: Vec<TableRow>,
    cells: Vec<TableCell>,
}

/// Writes Markdown (headings, paragraphs, lists, tables, bold, code) as a document.
///
/// # Errors
/// `internal`, when the library cannot write it.
pub(super) fn write(markdown: &str) -> Result<Vec<u8>> {
    let mut page = Page {
        docx: styled(),
        ..Page::default()
    };
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        page.take(event);
    }
    let mut out = Cursor::new(Vec::new());
    page.docx.build().pack(&mut out).map_err(|error| {
        EngineError::new(
            Code::Internal,
            format!("the document cannot be written: {error}"),
        )
    })?;
    Ok(out.into_inner())
}

fn styled() -> Docx {
    let points = AbstractNumbering::new(POINTS).add_level(
        Level::new(
            0,
            Start::new(1),
            NumberFormat::new("bullet"),
            LevelText::new("•"),
            LevelJc::new("left"),
        )
        .indent(
            Some(INDENT),
            Some(SpecialIndentType::Hanging(INDENT)),
            None,
            None,
        ),
    );
    let mut docx = Docx::new()
        .default_size(TEXT_SIZE)
        .add_abstract_numbering(points)
        .add_numbering(Numbering::new(POINTS, POINTS));
    for (id, name, size) in SIZES {
        let style = Style::new(id, StyleType::Paragraph)
            .name(name)
            .size(size)
            .bold();
        docx = docx.add_style(style);
    }
    docx
}

impl Page {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                self.heading = Some(match level {
                    HeadingLevel::H1 => 0,
                    HeadingLevel::H2 => 1,
                    _ => 2,
                });
            }
            Event::Start(Tag::Item) => self.in_item = true,
            Event::Start(Tag::Strong) => self.strong = true,
            Event::End(TagEnd::Strong) => self.strong = false,
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                let mut run = Run::new().add_text(allowed(&text));
                if self.strong {
                    run = run.bold();
                }
                self.runs.push(run);
            }
            Event::Code(text) => {
                let run = Run::new()
                    .add_text(allowed(&text))
                    .fonts(RunFonts::new().ascii("Consolas"))
                    .size(TEXT_SIZE - 4)
                    .color("666666");
                self.runs.push(run);
            }
            Event::SoftBreak | Event::HardBreak => self.runs.push(Run::new().add_text(" ")),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Item) => self.end(),
            Event::End(TagEnd::TableCell) => {
                let paragraph = self.paragraph();
                self.cells.push(TableCell::new().add_paragraph(paragraph));
            }
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => {
                self.rows
                    .push(TableRow::new(std::mem::take(&mut self.cells)));
            }
            Event::End(TagEnd::Table) => {
                let table = Table::new(std::mem::take(&mut self.rows));
                let docx = std::mem::take(&mut self.docx);
                self.docx = docx.add_table(table);
            }
            _ => {}
        }
    }

    fn paragraph(&mut self) -> Paragraph {
        std::mem::take(&mut self.runs)
            .into_iter()
            .fold(Paragraph::new(), Paragraph::add_run)
    }

    fn end(&mut self) {
        if self.runs.is_empty() {
            return;
        }
        let mut paragraph = self.paragraph();
        if let Some(level) = self.heading.take() {
            paragraph = paragraph.style(SIZES[level].0);
        } else if self.in_item {
            paragraph = paragraph.numbering(NumberingId::new(POINTS), IndentLevel::new(0));
        }
        self.in_item = false;
        let docx = std::mem::take(&mut self.docx);
        self.docx = docx.add_paragraph(paragraph);
    }
}

/// Without the characters that XML does not allow.
fn allowed(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_an_archive_with_what_was_written() {
        let text = "# Plan\n\n## Decisions\n\n- **Ana**: paint & <varnish> `0:00:01 #1`\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n";
        let bytes = write(text).unwrap();
        assert!(bytes.starts_with(b"PK"));
        let read = docx_rs::read_docx(&bytes).unwrap();
        let json = read.json();
        for part in ["Decisions", "Ana", "paint", "varnish", "Heading2"] {
            assert!(json.contains(part), "{part}: {json}");
        }
    }
}
