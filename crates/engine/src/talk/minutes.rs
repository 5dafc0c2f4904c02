//! Minutes of a meeting: as Markdown, and from that as a page of HTML or a Word document.

mod docx;

use std::fmt::Write as _;
use std::str::FromStr;

use parfocal_store::InstanceId;
use parfocal_understand::{Heading, escaped, markdown};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::App;
use crate::error::{EngineError, Result};
use crate::understand;

/// A form of minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Markdown.
    Markdown,
    /// A page of its own, ready for print.
    Html,
    /// A Word document.
    Docx,
}

impl Form {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Markdown, Self::Html, Self::Docx];

    /// The name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Docx => "docx",
        }
    }

    /// The content type.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
            Self::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        }
    }

    /// The usual ending of files.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Markdown => "md",
            Self::Html => "html",
            Self::Docx => "docx",
        }
    }
}

impl FromStr for Form {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self> {
        let text = if text == "md" { "markdown" } else { text };
        Self::ALL
            .into_iter()
            .find(|form| form.as_str() == text)
            .ok_or_else(|| {
                EngineError::invalid(format!("{text:?} is no form of minutes"))
                    .with_hint("Forms are markdown, html and docx.")
            })
    }
}

/// Minutes, written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minutes {
    /// A name for a file: the day and the topic.
    pub file_name: String,
    /// The content.
    pub bytes: Vec<u8>,
}

/// Minutes of a meeting; what is not analysed yet is analysed now.
///
/// # Errors
/// `not_found` when there is no such meeting, or it has no transcript.
pub async fn of_instance(app: &App, id: InstanceId, form: Form) -> Result<Minutes> {
    let found = understand::of_instance(app, id).await?;
    let Some(first) = found.parts.first() else {
        return Err(
            EngineError::not_found("transcript of the meeting", id).with_hint(
                "The meeting's artefacts tell whether one is expected, or why there is none.",
            ),
        );
    };
    let title = found
        .instance
        .topic
        .clone()
        .unwrap_or_else(|| "Untitled meeting".to_owned());
    let date = first.date;
    let mut text = String::new();
    let several = found.parts.len() > 1;
    for (n, part) in (1_usize..).zip(&found.parts) {
        let title = if several {
            format!("{title}, part {n}")
        } else {
            title.clone()
        };
        let heading = Heading {
            title: &title,
            date: part.date,
        };
        if n > 1 {
            text.push('\n');
        }
        text.push_str(&markdown(&part.analysis, &heading));
    }
    let people = app.store().participants(app.scope(), id).await?;
    if !people.is_empty() {
        text.push_str("\n## Who was there\n\n");
        for person in people {
            let name = person.name.as_deref().unwrap_or("(no name)");
            let email = person
                .email
                .map_or_else(String::new, |email| format!(", {}", escaped(&email)));
            // Writing to a String cannot fail.
            let _ = writeln!(text, "- {}{email}", escaped(name));
        }
    }
    let bytes = match form {
        Form::Markdown => text.into_bytes(),
        Form::Html => page(&title, &text).into_bytes(),
        Form::Docx => docx::write(&text)?,
    };
    Ok(Minutes {
        file_name: file_name(&title, date, form),
        bytes,
    })
}

/// Markdown of others as a piece of a page: HTML in it is text, pictures are left out, and of addresses only those of
/// secure pages are links. Headings begin at the third level.
pub fn piece(markdown: &str) -> String {
    let lower = |level: HeadingLevel| match level {
        HeadingLevel::H1 | HeadingLevel::H2 => HeadingLevel::H3,
        HeadingLevel::H3 => HeadingLevel::H4,
        _ => HeadingLevel::H5,
    };
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).filter_map(|event| {
        Some(match event {
            Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
            Event::Start(Tag::Heading { level, .. }) => Event::Start(Tag::Heading {
                level: lower(level),
                id: None,
                classes: Vec::new(),
                attrs: Vec::new(),
            }),
            Event::End(TagEnd::Heading(level)) => Event::End(TagEnd::Heading(lower(level))),
            Event::Start(Tag::Image { .. } | Tag::HtmlBlock)
            | Event::End(TagEnd::Image | TagEnd::HtmlBlock) => return None,
            Event::Start(Tag::Link {
                link_type,
                dest_url,
                title,
                id,
            }) => {
                let safe = dest_url.starts_with("https://");
                Event::Start(Tag::Link {
                    link_type,
                    dest_url: if safe { dest_url } else { "#".into() },
                    title,
                    id,
                })
            }
            other => other,
        })
    });
    let mut body = String::with_capacity(markdown.len() * 2);
    html::push_html(&mut body, events);
    body
}

/// A page of its own: no script, nothing fetched.
fn page(title: &str, markdown: &str) -> String {
    let mut body = String::with_capacity(markdown.len() * 2);
    // What was said is escaped in the Markdown already; anything that is still HTML is shown as text.
    let events = Parser::new_ext(markdown, Options::ENABLE_TABLES).map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Event::Text(text),
        other => other,
    });
    html::push_html(&mut body, events);
    let mut safe = String::new();
    // The library's own escaping, as for everything else on the page.
    html::push_html(&mut safe, std::iter::once(Event::Text(title.into())));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, \
         initial-scale=1\">\n<title>{safe}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n{body}</body>\n</html>\n"
    )
}

const STYLE: &str = "\
:root { color-scheme: light dark; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; line-height: 1.25; } h2 { font-size: 1.2rem; margin-top: 2rem; } h3 { font-size: 1rem; }
code { font-size: 0.8em; opacity: 0.75; white-space: nowrap; }
table { border-collapse: collapse; } th, td { padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid; text-align: start; }
@media print { body { margin: 0; max-width: none; font-size: 10.5pt; } h2, h3 { break-after: avoid; } li, tr { break-inside: avoid; } }
";

/// `2026-03-03 harbour office.docx`, from letters, digits and blanks only.
fn file_name(title: &str, date: Option<jiff::civil::Date>, form: Form) -> String {
    let mut name: String = title
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .take(80)
        .collect();
    name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        "minutes".clone_into(&mut name);
    }
    let date = date.map_or_else(String::new, |date| format!("{date} "));
    format!("{date}{name}.{}", form.extension())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_what_was_said_stays_text() {
        let text = format!(
            "# {}\n\n- {} `0:00:01 #1`\n\n<script>alert(2)</script>\n",
            escaped("<b>Plan</b>"),
            escaped("<script>alert(1)</script> & [link](javascript:x)")
        );
        let html = page("<b>Plan</b>", &text);
        assert!(!html.contains("<script>") && !html.contains("<b>") && !html.contains("<a "));
        assert!(html.contains("&lt;script&gt;alert(1)") && html.contains("<h1>"));
    }

    #[test]
    fn what_others_wrote_does_no_harm() {
        let html = piece(
            "# Recap\n<img src=x onerror=alert(1)> ![p](https://x.example/p.png) [a](javascript:alert(2)) [b](https://b.example/)\n\n<script>alert(3)</script>\n\n- one",
        );
        assert!(
            html.contains("<h3>Recap</h3>") && html.contains("<li>one</li>"),
            "{html}"
        );
        assert!(
            html.contains("&lt;img") && html.contains("&lt;script&gt;"),
            "{html}"
        );
        assert!(
            !html.contains("<img") && !html.contains("javascript:"),
            "{html}"
        );
        assert!(html.contains("<a href=\"https://b.example/\">"), "{html}");
    }

    #[test]
    fn names_of_files_hold_no_signs() {
        let date = jiff::civil::date(2026, 3, 3);
        assert_eq!(
            file_name("../etc: \"plan\"\n", Some(date), Form::Docx),
            "2026-03-03 etc plan.docx"
        );
        assert_eq!(file_name("//", None, Form::Html), "minutes.html");
    }
}
