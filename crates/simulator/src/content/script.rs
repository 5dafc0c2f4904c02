//! Reader of the script files.
//!
//! `@key value` lines come first (`id`, `lang`, `title`, `take` = topics of one meeting, `var name=a|b|c`). Then sections:
//! `== open`, `== NAME` (a topic), `== close`. In a section: `A: words` is said by role A, `A> words` starts before the one before
//! has ended, `?: words` comes without a name, `-- 12` is a silence of 12 seconds, `A# text` goes into the chat (`\n` breaks the
//! line), `A+ 👍` reacts to the last message, `A^ text` replies to it. `{A}` is role A's spoken name, `{name}` a variable.

use std::sync::LazyLock;

/// A script file that breaks its own rules.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("script line {line}: {problem}")]
pub struct ScriptError {
    /// 1-based.
    pub line: usize,
    /// What is wrong.
    pub problem: &'static str,
}

/// One line of a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// Said by a role (none: Zoom does not know by whom); `over` starts before the one before has ended.
    Say {
        /// Index of the role.
        role: Option<usize>,
        /// Words.
        text: String,
        /// Overlaps.
        over: bool,
    },
    /// Seconds of silence.
    Pause(u64),
    /// Written into the chat.
    Chat {
        /// Index of the role.
        role: usize,
        /// Text.
        text: String,
    },
    /// A reaction to the last message.
    React {
        /// Index of the role.
        role: usize,
        /// Emoji.
        emoji: String,
    },
    /// A reply to the last message.
    Reply {
        /// Index of the role.
        role: usize,
        /// Text.
        text: String,
    },
}

/// A part of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// `open`, `close`, or the topic's name.
    pub name: String,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// Name.
    pub id: String,
    /// Language tag.
    pub lang: String,
    /// Topic of a meeting that plays it.
    pub title: String,
    /// Topics in one meeting (0: all).
    pub take: usize,
    /// Variables and their values.
    pub vars: Vec<(String, Vec<String>)>,
    /// Sections in order.
    pub sections: Vec<Section>,
    /// Number of roles used.
    pub roles: usize,
}

static SOURCES: [&str; 19] = [
    include_str!("scripts/product-weekly.txt"),
    include_str!("scripts/werkstatt.txt"),
    include_str!("scripts/flota.txt"),
    include_str!("scripts/partner-ja.txt"),
    include_str!("scripts/supply-zh.txt"),
    include_str!("scripts/sales-room.txt"),
    include_str!("scripts/quick-debug.txt"),
    include_str!("scripts/abgleich.txt"),
    include_str!("scripts/webinar.txt"),
    include_str!("scripts/winter-workshop.txt"),
    include_str!("scripts/incorporacion.txt"),
    include_str!("scripts/rehearsal.txt"),
    include_str!("scripts/incident.txt"),
    include_str!("scripts/budget.txt"),
    include_str!("scripts/accessibility.txt"),
    include_str!("scripts/design-critique.txt"),
    include_str!("scripts/customer-call.txt"),
    include_str!("scripts/all-hands.txt"),
    include_str!("scripts/client-fr.txt"),
];

static SCRIPTS: LazyLock<Vec<Script>> = LazyLock::new(|| {
    SOURCES
        .iter()
        .map(|source| parse(source).expect("a test parses every built-in script"))
        .collect()
});

/// Number of built-in scripts.
#[must_use]
pub fn count() -> usize {
    SOURCES.len()
}

/// A script by index, wrapping around.
#[must_use]
pub fn script(index: usize) -> &'static Script {
    &SCRIPTS[index % SOURCES.len()]
}

/// Index of the script with this id.
#[must_use]
pub fn script_named(id: &str) -> Option<usize> {
    SCRIPTS.iter().position(|script| script.id == id)
}

/// Reads a script.
fn parse(source: &str) -> Result<Script, ScriptError> {
    let mut script = Script {
        id: String::new(),
        lang: String::new(),
        title: String::new(),
        take: 0,
        vars: Vec::new(),
        sections: Vec::new(),
        roles: 0,
    };
    for (number, line) in source.lines().enumerate() {
        let fail = |problem| ScriptError {
            line: number + 1,
            problem,
        };
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        if let Some(name) = line.strip_prefix("== ") {
            script.sections.push(Section {
                name: name.to_owned(),
                lines: Vec::new(),
            });
            continue;
        }
        if let Some(rest) = line.strip_prefix('@') {
            let (key, value) = rest
                .split_once(' ')
                .ok_or_else(|| fail("@key without a value"))?;
            match key {
                "id" => value.clone_into(&mut script.id),
                "lang" => value.clone_into(&mut script.lang),
                "title" => value.clone_into(&mut script.title),
                "take" => script.take = value.parse().map_err(|_| fail("take is a number"))?,
                "var" => {
                    let (name, values) =
                        value.split_once('=').ok_or_else(|| fail("var without ="))?;
                    let values = values.split('|').map(str::to_owned).collect();
                    script.vars.push((name.to_owned(), values));
                }
                _ => return Err(fail("unknown @key")),
            }
            continue;
        }
        let section = script
            .sections
            .last_mut()
            .ok_or_else(|| fail("line before a section"))?;
        if let Some(seconds) = line.strip_prefix("-- ") {
            let seconds = seconds
                .parse()
                .map_err(|_| fail("a pause is a number of seconds"))?;
            section.lines.push(Line::Pause(seconds));
            continue;
        }
        let mut letters = line.chars();
        let (role, sign) = (letters.next(), letters.next());
        let text = letters.as_str().trim().to_owned();
        if text.is_empty() {
            return Err(fail("nothing said"));
        }
        let role = match role {
            Some('?') => None,
            Some(letter @ 'A'..='Z') => Some(usize::from(letter as u8 - b'A')),
            _ => return Err(fail("a line starts with a role")),
        };
        if let Some(role) = role {
            script.roles = script.roles.max(role + 1);
        }
        section.lines.push(match (role, sign) {
            (role, Some(sign @ (':' | '>'))) => Line::Say {
                role,
                text,
                over: sign == '>',
            },
            (Some(role), Some('#')) => Line::Chat {
                role,
                text: text.replace("\\n", "\n"),
            },
            (Some(role), Some('+')) => Line::React { role, emoji: text },
            (Some(role), Some('^')) => Line::Reply {
                role,
                text: text.replace("\\n", "\n"),
            },
            _ => return Err(fail("a role is followed by : > # + or ^")),
        });
    }
    let complete = !script.id.is_empty()
        && !script.lang.is_empty()
        && !script.title.is_empty()
        && script
            .sections
            .first()
            .is_some_and(|section| section.name == "open")
        && script
            .sections
            .last()
            .is_some_and(|section| section.name == "close");
    if complete {
        Ok(script)
    } else {
        Err(ScriptError {
            line: 0,
            problem: "needs id, lang, title, and sections from open to close",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_script_is_well_formed_and_long_enough() {
        let mut languages = BTreeSet::new();
        let mut ids = BTreeSet::new();
        for (index, source) in SOURCES.iter().enumerate() {
            let script = parse(source).unwrap_or_else(|error| panic!("script {index}: {error}"));
            let said = script
                .sections
                .iter()
                .flat_map(|section| &section.lines)
                .filter(|line| matches!(line, Line::Say { .. }))
                .count();
            assert!((18..=80).contains(&said), "{} has {said} lines", script.id);
            assert!(
                script.take <= script.sections.len() - 2,
                "{} takes too many",
                script.id
            );
            languages.insert(script.lang.clone());
            assert!(
                ids.insert(script.id.clone()),
                "two scripts are called {}",
                script.id
            );
        }
        for language in ["en", "de", "es", "ja", "zh", "fr"] {
            assert!(languages.contains(language), "nothing in {language}");
        }
    }

    #[test]
    fn every_placeholder_is_a_role_or_a_variable() {
        for index in 0..count() {
            let script = script(index);
            for section in &script.sections {
                for line in &section.lines {
                    let (Line::Say { text, .. }
                    | Line::Chat { text, .. }
                    | Line::Reply { text, .. }) = line
                    else {
                        continue;
                    };
                    for name in text
                        .split('{')
                        .skip(1)
                        .filter_map(|rest| rest.split('}').next())
                    {
                        let role = name.len() == 1
                            && name.as_bytes()[0].is_ascii_uppercase()
                            && usize::from(name.as_bytes()[0] - b'A') < script.roles;
                        let var = script.vars.iter().any(|(var, _)| var == name);
                        assert!(role || var, "{}: {{{name}}}", script.id);
                    }
                }
            }
        }
    }

    #[test]
    fn broken_scripts_name_their_line() {
        assert_eq!(parse("@id x\nA: hi").unwrap_err().line, 2);
        assert_eq!(parse("== open\nA hello").unwrap_err().line, 2);
        assert_eq!(parse("== open\n-- soon").unwrap_err().line, 2);
        assert_eq!(parse("@id x").unwrap_err().line, 0);
    }
}
