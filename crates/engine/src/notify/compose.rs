//! Writing a mail: text, HTML and the calendar's part, in the receiver's language and zone.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use lettre::Message;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use sha2::{Digest as _, Sha256};

use super::words::{day, words};
use crate::calendar::TimeSpan;
use crate::config::Language;
use crate::error::{Code, EngineError, Result};

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About {
    Invited,
    Changed,
    Cancelled,
    Reminder,
}

/// Everything a mail tells.
#[derive(Debug)]
pub(super) struct Letter<'a> {
    pub(super) about: About,
    pub(super) from: &'a str,
    pub(super) to: (&'a str, Option<&'a str>),
    pub(super) language: Language,
    pub(super) zone: TimeZone,
    pub(super) title: &'a str,
    /// From when to when; whole days have their two days instead.
    pub(super) when: Told,
    pub(super) repeats: Option<String>,
    pub(super) one_occurrence: bool,
    pub(super) join_url: Option<&'a str>,
    pub(super) body: Option<&'a str>,
    pub(super) organizer: Option<String>,
    pub(super) with: Vec<String>,
    /// Address of the page that takes the answer, without the answer.
    pub(super) answer_url: Option<String>,
    /// The calendar's part and its method.
    pub(super) calendar: Option<(String, &'static str)>,
    /// What the ids are made from: the same key gives the same mail.
    pub(super) key: &'a str,
    /// The key of the mail that began the thread.
    pub(super) thread: &'a str,
    pub(super) at: Timestamp,
}

/// When something takes place.
#[derive(Debug, Clone, Copy)]
pub(super) enum Told {
    Time(TimeSpan),
    Days(jiff::civil::Date, jiff::civil::Date),
    Unknown,
}

/// A written mail.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) subject: String,
    pub(super) message_id: String,
    pub(super) message: String,
}

/// The id of the mail of a key: the same from every process and at every try, so that receivers know a repetition.
pub(super) fn message_id(key: &str, from: &str) -> String {
    let digest = hex::encode(Sha256::digest(key.as_bytes()));
    let domain = from
        .rsplit('@')
        .next()
        .unwrap_or("localhost")
        .trim_end_matches('>');
    format!("<{}@{domain}>", &digest[..40])
}

impl Letter<'_> {
    /// The mail.
    ///
    /// # Errors
    /// An address that no mail can have.
    pub(super) fn write(&self) -> Result<Written> {
        let from: Mailbox = self.from.parse().map_err(|error| {
            EngineError::new(Code::ConfigInvalid, format!("smtp.from: {error}"))
        })?;
        let refused = |error: &dyn std::fmt::Display| {
            EngineError::new(
                Code::MailRefused,
                format!("{:?} is not an address: {error}", self.to.0),
            )
        };
        let address = self.to.0.trim().parse().map_err(|error| refused(&error))?;
        let to = Mailbox::new(self.to.1.map(line), address);
        let said = words(self.language);
        let title = line(self.title);
        let subject = match self.about {
            About::Invited | About::Reminder => title,
            About::Changed => format!("{}: {title}", said.subject_changed),
            About::Cancelled => format!("{}: {title}", said.subject_cancelled),
        };
        let message_id = message_id(self.key, self.from);
        let second = u64::try_from(self.at.as_second()).unwrap_or(0);
        let mut builder = Message::builder()
            .from(from)
            .to(to)
            .subject(subject.clone())
            .message_id(Some(message_id.clone()))
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(second));
        if self.thread != self.key {
            let first = self::message_id(self.thread, self.from);
            builder = builder.in_reply_to(first.clone()).references(first);
        }
        let boundary = |name: &str| format!("{name}-{}", &message_id[1..33]);
        let mut parts = MultiPart::alternative()
            .boundary(boundary("a"))
            .singlepart(SinglePart::plain(self.text()))
            .singlepart(SinglePart::html(self.html()));
        let mut whole = None;
        if let Some((ics, method)) = &self.calendar {
            let kind = |text: String| {
                ContentType::parse(&text).map_err(|error| {
                    EngineError::new(Code::Internal, format!("a content type is wrong: {error}"))
                })
            };
            let invite = kind(format!(
                "text/calendar; method={method}; charset=UTF-8; component=VEVENT"
            ))?;
            parts = parts.singlepart(SinglePart::builder().header(invite).body(ics.clone()));
            // For programs that look for a file and not for a part.
            let file = SinglePart::builder()
                .header(kind("application/ics; name=\"invite.ics\"".to_owned())?)
                .header(lettre::message::header::ContentDisposition::attachment(
                    "invite.ics",
                ))
                .body(ics.clone());
            whole = Some(
                MultiPart::mixed()
                    .boundary(boundary("m"))
                    .multipart(parts.clone())
                    .singlepart(file),
            );
        }
        let mut message = builder
            .multipart(whole.unwrap_or(parts))
            .map_err(|error| refused(&error))?;
        message.headers_mut().insert_raw(HeaderValue::new(
            HeaderName::new_from_ascii_str("Auto-Submitted"),
            "auto-generated".to_owned(),
        ));
        Ok(Written {
            subject,
            message_id,
            message: String::from_utf8_lossy(&message.formatted()).into_owned(),
        })
    }

    fn headline(&self) -> &'static str {
        let said = words(self.language);
        match self.about {
            About::Invited => said.invited,
            About::Changed => said.changed,
            About::Cancelled => said.cancelled,
            About::Reminder => said.reminder,
        }
    }

    /// The time in words: in the receiver's zone, and in UTC for whoever is elsewhere.
    fn time(&self) -> String {
        match self.when {
            Told::Unknown => String::new(),
            Told::Days(first, last) => {
                let words = |date: jiff::civil::Date| {
                    date.to_zoned(TimeZone::UTC)
                        .map(|at| day(self.language, &at))
                        .unwrap_or_default()
                };
                if first == last {
                    words(first)
                } else {
                    format!("{} – {}", words(first), words(last))
                }
            }
            Told::Time(span) => {
                let from = span.from.to_zoned(self.zone.clone());
                let to = span.to.to_zoned(self.zone.clone());
                let name = self.zone.iana_name().unwrap_or("UTC");
                let end = if from.date() == to.date() {
                    clock(&to)
                } else {
                    format!("{} {}", day(self.language, &to), clock(&to))
                };
                let here = format!(
                    "{}, {}–{end} ({name})",
                    day(self.language, &from),
                    clock(&from)
                );
                if from.offset().is_zero() {
                    here
                } else {
                    let utc = span.from.to_zoned(TimeZone::UTC);
                    format!("{here}, {} UTC", utc.strftime("%Y-%m-%d %H:%M"))
                }
            }
        }
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let said = words(self.language);
        let mut facts = vec![(said.when, self.time())];
        if let Some(repeats) = &self.repeats {
            facts.push((said.repeats, repeats.clone()));
        }
        if let Some(organizer) = &self.organizer {
            facts.push((said.organizer, line(organizer)));
        }
        if !self.with.is_empty() {
            let names: Vec<String> = self.with.iter().map(|name| line(name)).collect();
            facts.push((said.with, names.join(", ")));
        }
        facts.retain(|(_, text)| !text.is_empty());
        facts
    }

    fn answers(&self) -> Vec<(&'static str, String)> {
        let said = words(self.language);
        let Some(url) = &self.answer_url else {
            return Vec::new();
        };
        [
            (said.accept, "accepted"),
            (said.tentative, "tentative"),
            (said.decline, "declined"),
        ]
        .into_iter()
        .map(|(word, answer)| (word, format!("{url}?answer={answer}")))
        .collect()
    }

    fn text(&self) -> String {
        let said = words(self.language);
        let mut out = format!("{}: {}\n\n", self.headline(), line(self.title));
        if self.one_occurrence {
            let _ = writeln!(out, "{}\n", said.one_occurrence);
        }
        for (name, text) in self.facts() {
            let _ = writeln!(out, "{name}: {text}");
        }
        if let Some(url) = self.join_url.filter(|_| self.about != About::Cancelled) {
            let _ = writeln!(out, "{}: {url}", said.join);
        }
        let answers = self.answers();
        if !answers.is_empty() {
            let _ = writeln!(out, "\n{}", said.question);
            for (word, url) in answers {
                let _ = writeln!(out, "{word}: {url}");
            }
        }
        if let Some(body) = self.body.filter(|body| !body.trim().is_empty()) {
            let _ = writeln!(out, "\n{}", body.trim());
        }
        out
    }

    fn html(&self) -> String {
        let said = words(self.language);
        let mut out = format!(
            "<!doctype html><html lang=\"{}\"><head><meta charset=\"utf-8\"><title>{}</title></head>\
             <body style=\"font-family:sans-serif;line-height:1.5;max-width:40em;margin:1em\">\
             <p>{}</p><h1 style=\"font-size:1.3em\">{}</h1>",
            self.language.code(),
            escaped(&line(self.title)),
            escaped(self.headline()),
            escaped(&line(self.title))
        );
        if self.one_occurrence {
            let _ = write!(out, "<p>{}</p>", escaped(said.one_occurrence));
        }
        out.push_str("<table cellpadding=\"4\">");
        for (name, text) in self.facts() {
            let _ = write!(
                out,
                "<tr><th align=\"left\" valign=\"top\">{}</th><td>{}</td></tr>",
                escaped(name),
                escaped(&text)
            );
        }
        out.push_str("</table>");
        if let Some(url) = self.join_url.filter(|_| self.about != About::Cancelled)
            && is_web(url)
        {
            let _ = write!(
                out,
                "<p><a href=\"{0}\" style=\"font-weight:bold\">{1}</a><br><small>{0}</small></p>",
                escaped(url),
                escaped(said.join)
            );
        }
        let answers = self.answers();
        if !answers.is_empty() {
            let _ = write!(out, "<p>{}</p><p>", escaped(said.question));
            for (word, url) in answers {
                let _ = write!(
                    out,
                    "<a href=\"{}\" style=\"margin-right:1.5em\">{}</a> ",
                    escaped(&url),
                    escaped(word)
                );
            }
            out.push_str("</p>");
        }
        if let Some(body) = self.body.filter(|body| !body.trim().is_empty()) {
            let _ = write!(
                out,
                "<p style=\"white-space:pre-line\">{}</p>",
                escaped(body.trim())
            );
        }
        out.push_str("</body></html>");
        out
    }
}

fn clock(at: &Zoned) -> String {
    at.strftime("%H:%M").to_string()
}

/// One line: what stands in a header must not begin another.
fn line(text: &str) -> String {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether an address may be a link: nothing that runs.
fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// Text that is only text in HTML.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' => {}
            c => out.push(c),
        }
    }
    out
}
