//! Zoom's chat files: the one of a cloud recording, and those that clients save.
//!
//! A cloud recording's chat has one message per line, `HH:MM:SS<TAB>Name:<TAB>text`, with times from the start of the
//! recording; lines without a time continue the message before. Clients write `HH:MM:SS From Name to Everyone : text`
//! with the wall clock, newer ones with the text on the next line. Reactions and replies stand there as text.
//!
//! ```
//! use parfocal_formats::chat::{self, Kind};
//! let chat = chat::parse("00:01:02\tAna Silva:\tGood morning\r\n00:01:09\tBo Lind:\tReacted to \"Good morning\" with 👍\r\n");
//! assert_eq!(chat.messages[0].at_ms, 62_000);
//! assert!(matches!(&chat.messages[1].kind, Kind::Reaction { emoji, .. } if emoji == "👍"));
//! ```

use serde::Serialize;

/// The largest number of warnings that is kept.
pub const MAX_WARNINGS: usize = 1_000;

/// A parsed chat file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chat {
    /// Where the file comes from; `None` without any message.
    pub form: Option<Form>,
    /// Messages in the order of the file.
    pub messages: Vec<Message>,
    /// What could not be read.
    pub warnings: Vec<Warning>,
}

/// Who wrote the file, which says what its times mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// A cloud recording: times count from the start of the recording.
    Cloud,
    /// A client: times are the wall clock of the computer that saved it.
    Client,
}

/// One message, reaction or reply.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// Ordinal in the file, from 1.
    pub n: u32,
    /// Line on which it begins, from 1.
    pub line: u32,
    /// Milliseconds from the start of the recording, or since midnight (see [`Form`]).
    pub at_ms: u32,
    /// Display name of the sender.
    pub sender: String,
    /// To whom, when the file says so.
    pub to: Option<String>,
    /// Not to everyone.
    pub private: bool,
    /// What it is.
    pub kind: Kind,
    /// What the sender wrote: without the quotation of a reply; the whole line for a reaction.
    pub text: String,
    /// The message as it stands in the file behind the name, lines joined with `\n`.
    pub raw: String,
}

/// Kinds of messages; quotations are as short as Zoom cut them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// Words.
    Message,
    /// Words in answer to a message.
    Reply {
        /// Beginning of the message answered.
        quote: String,
    },
    /// An emoji on a message.
    Reaction {
        /// Beginning of the message.
        quote: String,
        /// The emoji, or its name.
        emoji: String,
        /// It was taken back.
        removed: bool,
    },
}

/// A line that belongs to no message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Line in the file, from 1.
    pub line: u32,
    /// A sentence for a person.
    pub message: String,
}

/// Reads a chat file; whatever the text, it gives what could be read.
pub fn parse(source: &str) -> Chat {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let mut chat = Chat::default();
    let mut open: Option<Open> = None;
    let mut number = 0_u32;
    for line in source.split('\n') {
        number = number.saturating_add(1);
        let line = line.trim_end_matches('\r');
        if let Some((form, head)) = head(line, chat.form) {
            close(&mut chat, open.take());
            chat.form.get_or_insert(form);
            open = Some(Open {
                line: number,
                raw: head.text.to_owned(),
                head: head.own(),
            });
        } else if let Some(open) = &mut open {
            open.raw.push('\n');
            open.raw.push_str(line);
        } else if !line.trim().is_empty() && chat.warnings.len() < MAX_WARNINGS {
            let shown: String = line.chars().take(40).collect();
            chat.warnings.push(Warning {
                line: number,
                message: format!("\"{shown}\" belongs to no message and is skipped"),
            });
        }
    }
    close(&mut chat, open);
    chat
}

struct Open {
    line: u32,
    head: Sender,
    raw: String,
}

struct Sender {
    at_ms: u32,
    name: String,
    to: Option<String>,
    private: bool,
}

struct Head<'a> {
    at_ms: u32,
    name: &'a str,
    to: Option<&'a str>,
    private: bool,
    text: &'a str,
}

impl Head<'_> {
    fn own(&self) -> Sender {
        Sender {
            at_ms: self.at_ms,
            name: self.name.to_owned(),
            to: self.to.map(str::to_owned),
            private: self.private,
        }
    }
}

/// The beginning of a message; a file keeps the form of its first one.
fn head(line: &str, form: Option<Form>) -> Option<(Form, Head<'_>)> {
    let (at_ms, rest) = clock(line)?;
    if form != Some(Form::Client)
        && let Some(head) = cloud(at_ms, rest)
    {
        return Some((Form::Cloud, head));
    }
    if form != Some(Form::Cloud)
        && let Some(head) = client(at_ms, rest)
    {
        return Some((Form::Client, head));
    }
    None
}

/// `HH:MM:SS` (hours may have one digit or three) and what follows.
fn clock(line: &str) -> Option<(u32, &str)> {
    let end = line.find(|c: char| !(c.is_ascii_digit() || c == ':'))?;
    let (time, rest) = line.split_at(end);
    let mut parts = time.split(':');
    let mut part = |min: usize, max: usize| {
        parts
            .next()
            .filter(|part| (min..=max).contains(&part.len()))?
            .parse::<u32>()
            .ok()
    };
    let (hours, minutes, seconds) = (part(1, 3)?, part(2, 2)?, part(2, 2)?);
    if parts.next().is_some() || minutes > 59 || seconds > 59 {
        return None;
    }
    Some(((hours * 3_600 + minutes * 60 + seconds) * 1_000, rest))
}

/// `<TAB>Name:<TAB>text`.
fn cloud(at_ms: u32, rest: &str) -> Option<Head<'_>> {
    let rest = rest.strip_prefix('\t')?;
    let (name, text) = rest
        .split_once('\t')
        .or_else(|| rest.ends_with(':').then_some((rest, "")))?;
    let name = name.trim_end().strip_suffix(':')?.trim();
    if name.is_empty() || is_from(name) {
        return None;
    }
    Some(Head {
        at_ms,
        name,
        to: None,
        private: false,
        text,
    })
}

fn is_from(name: &str) -> bool {
    name.starts_with("From ") && name.contains(" to ")
}

/// ` From  Name  to  Everyone : text`, in its variations.
fn client(at_ms: u32, rest: &str) -> Option<Head<'_>> {
    let rest = rest.trim_start().strip_prefix("From ")?;
    let colon = separator(rest)?;
    let (who, text) = (&rest[..colon], &rest[colon + 1..]);
    let who = who.trim();
    let (name, to) = match who
        .rfind("  to  ")
        .map(|at| (at, 6))
        .or_else(|| who.rfind(" to ").map(|at| (at, 4)))
    {
        Some((at, len)) => (who[..at].trim(), Some(who[at + len..].trim())),
        None => (who, None),
    };
    if name.is_empty() {
        return None;
    }
    let (to, private) = to.map_or((None, false), |to| {
        let bare = ["(Direct Message)", "(Privately)", "(privately)"]
            .iter()
            .find_map(|mark| to.strip_suffix(mark));
        (Some(bare.unwrap_or(to).trim()), bare.is_some())
    });
    Some(Head {
        at_ms,
        name,
        to,
        private,
        text: text.trim_start(),
    })
}

/// The colon behind the names: ` : ` in old files, the first one at a blank or the line's end in newer ones.
fn separator(rest: &str) -> Option<usize> {
    let spaced = rest
        .find(" : ")
        .map(|at| at + 1)
        .or_else(|| rest.ends_with(" :").then(|| rest.len() - 1));
    spaced.or_else(|| {
        rest.char_indices()
            .filter(|&(_, c)| c == ':')
            .map(|(at, _)| at)
            .find(|&at| matches!(rest.as_bytes().get(at + 1), None | Some(b' ' | b'\t')))
    })
}

fn close(chat: &mut Chat, open: Option<Open>) {
    let Some(open) = open else { return };
    let raw = open.raw.trim_end_matches(['\n', '\r']).to_owned();
    let (kind, text) = classify(&raw);
    let n = u32::try_from(chat.messages.len())
        .unwrap_or(u32::MAX)
        .saturating_add(1);
    let Sender {
        at_ms,
        name,
        to,
        private,
    } = open.head;
    chat.messages.push(Message {
        n,
        line: open.line,
        at_ms,
        sender: name,
        to,
        private,
        kind,
        text,
        raw,
    });
}

fn classify(raw: &str) -> (Kind, String) {
    let text = trim_lines(raw);
    if let Some((quote, emoji, removed)) = reaction(&text) {
        return (
            Kind::Reaction {
                quote,
                emoji,
                removed,
            },
            text,
        );
    }
    match reply(&text) {
        Some((quote, body)) => (Kind::Reply { quote }, body),
        None => (Kind::Message, text),
    }
}

fn trim_lines(raw: &str) -> String {
    let lines: Vec<&str> = raw.split('\n').map(str::trim).collect();
    lines.join("\n").trim().to_owned()
}

/// `Reacted to "…" with 👍` and `Removed a 👍 reaction from "…"`.
fn reaction(text: &str) -> Option<(String, String, bool)> {
    if let Some(rest) = text.strip_prefix("Reacted to \"") {
        let (quote, emoji) = rest.rsplit_once("\" with ")?;
        return emoji_like(emoji).then(|| (quote.to_owned(), emoji.trim().to_owned(), false));
    }
    let rest = text
        .strip_prefix("Removed a ")
        .or_else(|| text.strip_prefix("Removed an "))?;
    let (emoji, quote) = rest.split_once(" reaction from \"")?;
    let quote = quote.trim_end().strip_suffix('"')?;
    emoji_like(emoji).then(|| (quote.to_owned(), emoji.trim().to_owned(), true))
}

/// Short and on one line: an emoji, or the name of a custom one.
fn emoji_like(emoji: &str) -> bool {
    let emoji = emoji.trim();
    !emoji.is_empty() && !emoji.contains('\n') && emoji.chars().count() <= 40
}

/// `Replying to "…"`, blank line, the words; Zoom writes it in the client's language.
fn reply(text: &str) -> Option<(String, String)> {
    const OPENINGS: [&str; 2] = ["Replying to \"", "Respondiendo a \""];
    let rest = OPENINGS
        .iter()
        .find_map(|opening| text.strip_prefix(opening))?;
    // The quotation is cut after about twenty characters, but may hold quotes and line ends itself.
    let end = rest
        .find("\"\n")
        .or_else(|| rest.strip_suffix('"').map(str::len))
        .or_else(|| rest.find("\" "))
        .or_else(|| rest.find('"'))?;
    Some((rest[..end].to_owned(), rest[end + 1..].trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cloud_files_with_continuations_replies_and_reactions() {
        let file = "\u{feff}00:03:55\tMina Roth:\tGM!\r\n\
            00:05:09\tBo (he/him):\ttwo\nlines\n\nand a third\r\n\
            00:06:00\tMina Roth:\tReplying to \"two...\"\n\n yes: both\r\n\
            00:06:10\tBo (he/him):\tReacted to \"yes: both\" with 👍🏽\r\n\
            00:06:20\tBo (he/him):\tRemoved a 👍🏽 reaction from \"yes: both\"\r\n\
            00:07:00\t新田:\tReacted to nothing\r\n";
        let chat = parse(file);
        assert_eq!(chat.form, Some(Form::Cloud));
        assert!(chat.warnings.is_empty());
        let m = &chat.messages;
        assert_eq!(m.len(), 6);
        assert_eq!(
            (m[0].at_ms, m[0].sender.as_str(), m[0].text.as_str()),
            (235_000, "Mina Roth", "GM!")
        );
        assert_eq!(
            (m[1].text.as_str(), m[1].line),
            ("two\nlines\n\nand a third", 2)
        );
        assert_eq!(
            (m[2].kind.clone(), m[2].text.as_str()),
            (
                Kind::Reply {
                    quote: "two...".into()
                },
                "yes: both"
            )
        );
        assert_eq!(
            m[3].kind,
            Kind::Reaction {
                quote: "yes: both".into(),
                emoji: "👍🏽".into(),
                removed: false
            }
        );
        assert_eq!(
            m[4].kind,
            Kind::Reaction {
                quote: "yes: both".into(),
                emoji: "👍🏽".into(),
                removed: true
            }
        );
        assert_eq!((m[5].kind.clone(), m[5].line), (Kind::Message, 11));
    }

    #[test]
    fn client_files_old_and_new() {
        let old = "09:15:02\t From  Ana Silva  to  Everyone : link: https://example.org\n09:15:20\t From Bo to Ana Silva(Privately) : psst\n more\n";
        let chat = parse(old);
        assert_eq!(chat.form, Some(Form::Client));
        let m = &chat.messages;
        assert_eq!(
            (
                m[0].sender.as_str(),
                m[0].to.as_deref(),
                m[0].private,
                m[0].text.as_str()
            ),
            (
                "Ana Silva",
                Some("Everyone"),
                false,
                "link: https://example.org"
            )
        );
        assert_eq!(
            (
                m[1].sender.as_str(),
                m[1].to.as_deref(),
                m[1].private,
                m[1].text.as_str()
            ),
            ("Bo", Some("Ana Silva"), true, "psst\nmore")
        );
        let new = parse(
            "14:00:01 From Ana Silva to Everyone:\r\n\tHello all\r\n14:00:09 From Bo:\r\n\tHi\r\n",
        );
        assert_eq!(new.messages.len(), 2);
        assert_eq!(
            (
                new.messages[0].sender.as_str(),
                new.messages[0].text.as_str()
            ),
            ("Ana Silva", "Hello all")
        );
        assert_eq!(
            (
                new.messages[1].sender.as_str(),
                new.messages[1].to.as_deref(),
                new.messages[1].text.as_str()
            ),
            ("Bo", None, "Hi")
        );
    }

    #[test]
    fn lines_before_the_first_message_are_reported() {
        let chat = parse("hello\n\n00:00:61\tX:\tno such second\n00:00:01\tX:\tyes");
        assert_eq!(chat.messages.len(), 1);
        assert_eq!(
            chat.warnings
                .iter()
                .map(|warning| warning.line)
                .collect::<Vec<_>>(),
            [1, 3]
        );
        assert_eq!(parse(""), Chat::default());
    }

    proptest! {
        #[test]
        fn never_panics(source in "\\PC*") {
            let _ = parse(&source);
        }

        #[test]
        fn never_panics_on_pieces(source in "(00:01:02|\t|\n|\r\n|A:|From | to |  |: |\"|Reacted to \"|Replying to \"|\" with |é|👍|Removed a | reaction from \"){0,40}") {
            let _ = parse(&source);
        }

        #[test]
        fn every_written_message_comes_back(messages in proptest::collection::vec(("[A-Za-zé][A-Za-zé .]{0,20}[a-z]", "[a-z][a-zA-Z :é]{0,30}[a-z]"), 0..20)) {
            let lines: Vec<String> = messages.iter().map(|(name, text)| format!("00:00:07\t{name}:\t{text}\r\n")).collect();
            let file = lines.concat();
            let chat = parse(&file);
            let read: Vec<(String, String)> = chat.messages.into_iter().map(|m| (m.sender, m.raw)).collect();
            prop_assert_eq!(read, messages);
        }
    }
}
