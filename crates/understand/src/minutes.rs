//! Minutes as Markdown.

use std::fmt::Write as _;

use jiff::civil::Date;

use crate::analysis::{Analysis, Insight};

/// What stands above the minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Heading<'a> {
    /// Topic of the meeting.
    pub title: &'a str,
    /// Its day.
    pub date: Option<Date>,
}

/// The minutes of a meeting; parts that the analysis does not have are left out.
///
/// Every statement ends with its time and its cues. Marks of Markdown and HTML inside what was said are escaped.
pub fn markdown(found: &Analysis, heading: &Heading<'_>) -> String {
    // Writing to a String cannot fail.
    let mut out = format!("# {}\n", escaped(heading.title));
    let facts: Vec<String> = heading
        .date
        .iter()
        .map(ToString::to_string)
        .chain(
            (found.stats.length_ms > 0)
                .then(|| format!("{} min", found.stats.length_ms.div_ceil(60_000))),
        )
        .chain((!found.languages.is_empty()).then(|| {
            let codes: Vec<&str> = found
                .languages
                .iter()
                .map(|language| language.code.as_str())
                .collect();
            codes.join(", ")
        }))
        .collect();
    if !facts.is_empty() {
        let _ = writeln!(out, "\n{}", facts.join(" · "));
    }
    if found.summary.opening.is_some() || !found.summary.sentences.is_empty() {
        out.push_str("\n## Summary\n\n");
        if let Some(opening) = &found.summary.opening {
            let _ = writeln!(out, "{}\n", escaped(opening));
        }
        for sentence in &found.summary.sentences {
            let _ = writeln!(
                out,
                "- {}{} {}",
                by(sentence),
                escaped(&sentence.text),
                place(sentence)
            );
        }
    }
    list(&mut out, "Decisions", &found.decisions, |insight| {
        format!("{}{}", by(insight), escaped(&insight.text))
    });
    list(&mut out, "Action items", &found.action_items, |item| {
        let owner = item
            .owner
            .as_deref()
            .map_or_else(String::new, |owner| format!("**{}**: ", escaped(owner)));
        let due = match (item.due, item.due_text.as_deref()) {
            (Some(due), _) => format!(" (due {due})"),
            (None, Some(text)) => format!(" (due: {})", escaped(text)),
            (None, None) => String::new(),
        };
        format!("{owner}{}{due}", escaped(&item.text))
    });
    list(&mut out, "Open questions", &found.questions, |insight| {
        format!("{}{}", by(insight), escaped(&insight.text))
    });
    list(&mut out, "To come back to", &found.follow_ups, |insight| {
        format!("{}{}", by(insight), escaped(&insight.text))
    });
    if !found.chapters.is_empty() {
        out.push_str("\n## Chapters\n");
        for chapter in &found.chapters {
            let _ = writeln!(
                out,
                "\n### {} {}\n",
                clock(chapter.start_ms),
                escaped(&chapter.title)
            );
            for sentence in &chapter.sentences {
                let _ = writeln!(
                    out,
                    "- {}{} {}",
                    by(sentence),
                    escaped(&sentence.text),
                    place(sentence)
                );
            }
        }
    }
    if !found.stats.speakers.is_empty() {
        out.push_str("\n## Who spoke\n\n| speaker | talk time | words | turns |\n| --- | ---: | ---: | ---: |\n");
        for speaker in &found.stats.speakers {
            let name = speaker.name.as_deref().unwrap_or("(no name)");
            let seconds = speaker.talk_ms / 1_000;
            let _ = writeln!(
                out,
                "| {} | {}:{:02} | {} | {} |",
                escaped(name),
                seconds / 60,
                seconds % 60,
                speaker.words,
                speaker.turns
            );
        }
    }
    out
}

fn list(out: &mut String, title: &str, insights: &[Insight], line: impl Fn(&Insight) -> String) {
    if insights.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n## {title}\n");
    for insight in insights {
        let _ = writeln!(out, "- {} {}", line(insight), place(insight));
    }
}

fn by(insight: &Insight) -> String {
    insight
        .speaker
        .as_deref()
        .map_or_else(String::new, |speaker| format!("{}: ", escaped(speaker)))
}

fn place(insight: &Insight) -> String {
    let cite = &insight.cite;
    let cues = if cite.from == cite.to {
        format!("{}", cite.from)
    } else {
        format!("{}–{}", cite.from, cite.to)
    };
    format!("`{} #{cues}`", clock(insight.start_ms))
}

fn clock(ms: u32) -> String {
    let seconds = ms / 1_000;
    format!(
        "{}:{:02}:{:02}",
        seconds / 3_600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// The text on one line, with the marks of Markdown and HTML made harmless.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
