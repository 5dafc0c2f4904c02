//! From script to talk: topics chosen, roles filled, times given.

use super::script::{Line, Script, Section, script};
use super::{ChatMessage, Cue, Role, TalkRef};
use crate::world::chance::Chance;

/// What a recording of the talk holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Talk {
    /// Cues in Zoom's order.
    pub cues: Vec<Cue>,
    /// Chat in order.
    pub chat: Vec<ChatMessage>,
    /// Length of the recording, a little after the last word.
    pub length_ms: u64,
}

/// How fast a language is spoken.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Milliseconds for a character.
    pub ms_per_char: f64,
    /// Longest cue in characters before it is cut at a sentence or comma.
    pub cue_chars: usize,
}

impl Pace {
    /// Pace of a language tag: about 2.6 words a second, 6 characters a second in Japanese, 4.5 in Chinese.
    #[must_use]
    pub fn of(lang: &str) -> Self {
        match lang {
            "ja" => Self {
                ms_per_char: 160.0,
                cue_chars: 42,
            },
            "zh" => Self {
                ms_per_char: 215.0,
                cue_chars: 34,
            },
            "de" => Self {
                ms_per_char: 68.0,
                cue_chars: 110,
            },
            _ => Self {
                ms_per_char: 63.0,
                cue_chars: 105,
            },
        }
    }
}

/// Gives times to what is said; shared by scripts and the generator.
#[derive(Debug)]
pub struct TalkBuilder {
    pace: Pace,
    chance: Chance,
    now_ms: u64,
    cues: Vec<Cue>,
    chat: Vec<ChatMessage>,
}

impl TalkBuilder {
    /// Starts a few seconds into the recording.
    #[must_use]
    pub fn new(pace: Pace, mut chance: Chance) -> Self {
        let now_ms = 1_500 + chance.below(9_000);
        Self {
            pace,
            chance,
            now_ms,
            cues: Vec::new(),
            chat: Vec::new(),
        }
    }

    /// Says `text`, cut into cues as a recogniser does; `over` starts before the last words ended.
    pub fn say(&mut self, speaker: &str, text: &str, over: bool) {
        let gap = 180 + self.chance.below(1_400);
        let mut at = if over {
            self.now_ms.saturating_sub(400 + self.chance.below(900))
        } else {
            self.now_ms + gap
        };
        for piece in pieces(text, self.pace.cue_chars) {
            let length = self.length_of(piece);
            self.cues.push(Cue {
                start_ms: at,
                end_ms: at + length,
                speaker: speaker.to_owned(),
                text: piece.to_owned(),
            });
            at += length + 40 + self.chance.below(420);
        }
        self.now_ms = self.now_ms.max(at);
    }

    /// Silence.
    pub fn pause(&mut self, seconds: u64) {
        self.now_ms += seconds * 1_000;
    }

    /// A message in the chat, now.
    pub fn write(&mut self, sender: &str, text: String) {
        let at_ms = self.now_ms + self.chance.below(2_500);
        self.chat.push(ChatMessage {
            at_ms,
            sender: sender.to_owned(),
            text,
        });
    }

    /// The first words of the last message, as Zoom quotes them.
    #[must_use]
    pub fn last_quote(&self) -> String {
        let text = self.chat.last().map_or("", |message| message.text.as_str());
        let line = text.lines().next_back().unwrap_or("");
        if line.chars().count() <= 48 {
            return line.to_owned();
        }
        let head: String = line.chars().take(17).collect();
        format!("{head}...")
    }

    /// Ends the talk.
    #[must_use]
    pub fn finish(mut self) -> Talk {
        self.chat.sort_by_key(|message| message.at_ms);
        let last = self.cues.iter().map(|cue| cue.end_ms).max().unwrap_or(0);
        let last = last.max(self.chat.last().map_or(0, |message| message.at_ms));
        Talk {
            length_ms: last + 4_000 + self.chance.below(20_000),
            cues: self.cues,
            chat: self.chat,
        }
    }

    fn length_of(&mut self, text: &str) -> u64 {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a cue has a few hundred characters"
        )]
        let chars = text.chars().count() as f64;
        let ms = chars * self.pace.ms_per_char * (0.85 + 0.35 * self.chance.unit());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "positive and below an hour"
        )]
        let ms = ms as u64;
        // Recognisers write times in steps of ten milliseconds.
        (ms.max(320) / 10) * 10
    }
}

/// Cuts text into pieces of at most about `limit` characters, at the end of a sentence or after a comma where possible.
fn pieces(text: &str, limit: usize) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text.trim();
    while rest.chars().count() > limit {
        let mut best: Option<(usize, u8)> = None;
        for (count, (at, letter)) in rest.char_indices().enumerate() {
            if count >= limit {
                break;
            }
            let end = at + letter.len_utf8();
            let next_blank = rest[end..].starts_with(' ');
            let rank = match letter {
                '。' | '！' | '？' => 3,
                '.' | '!' | '?' if next_blank => 3,
                '、' | '，' => 2,
                ',' | ';' if next_blank => 2,
                _ if next_blank => 1,
                _ => 0,
            };
            // A late comma is better than an early full stop: pieces of a third of the limit and more.
            if rank > 0 && count * 3 >= limit && best.is_none_or(|(_, old)| rank >= old) {
                best = Some((end, rank));
            }
        }
        let end = best.map_or_else(
            || {
                rest.char_indices()
                    .nth(limit)
                    .map_or(rest.len(), |(at, _)| at)
            },
            |(end, _)| end,
        );
        out.push(rest[..end].trim_end());
        rest = rest[end..].trim_start();
    }
    if !rest.is_empty() {
        out.push(rest);
    }
    out
}

/// The sections of one meeting: opening, the topics this episode takes, closing.
fn sections(script: &Script, episode: u64) -> Vec<&Section> {
    let topics = &script.sections[1..script.sections.len() - 1];
    let take = if script.take == 0 {
        topics.len()
    } else {
        script.take
    };
    let mut chosen: Vec<usize> = if take >= topics.len() {
        (0..topics.len()).collect()
    } else {
        // Neighbouring episodes take different topics; the round then starts over with other ones.
        let first = usize::try_from(episode).unwrap_or(0).wrapping_mul(take);
        (0..take)
            .map(|n| (first.wrapping_add(n)) % topics.len())
            .collect()
    };
    chosen.sort_unstable();
    let mut out = vec![&script.sections[0]];
    out.extend(chosen.into_iter().map(|index| &topics[index]));
    out.push(&script.sections[script.sections.len() - 1]);
    out
}

pub(super) fn topics(talk: &TalkRef) -> Vec<&'static str> {
    let sections = sections(script(talk.script), talk.episode);
    let names = sections.iter().map(|section| section.name.as_str());
    names
        .filter(|name| !matches!(*name, "open" | "close"))
        .collect()
}

pub(super) fn render(talk: &TalkRef) -> Talk {
    let script = script(talk.script);
    let chance = Chance::of(talk.episode, &script.id, 0);
    let mut values = Chance::of(talk.episode, &script.id, 1);
    let vars: Vec<(&str, &str)> = script
        .vars
        .iter()
        .map(|(name, choices)| {
            (
                name.as_str(),
                values.pick(choices).map_or("", String::as_str),
            )
        })
        .collect();
    let lines: Vec<&Line> = sections(script, talk.episode)
        .into_iter()
        .flat_map(|section| &section.lines)
        .collect();
    let (part, parts) = (usize::from(talk.part.0), usize::from(talk.part.1.max(1)));
    let (from, to) = (lines.len() * part / parts, lines.len() * (part + 1) / parts);
    let middle = lines.len() / 2;
    let mut builder = TalkBuilder::new(Pace::of(&script.lang), chance);
    for (position, line) in lines.iter().enumerate().take(to).skip(from) {
        let late = position >= middle;
        match line {
            Line::Say { role, text, over } => {
                let speaker = role.map_or("", |role| shown(&talk.cast, role, late));
                builder.say(speaker, &fill(text, &talk.cast, &vars), *over);
            }
            Line::Pause(seconds) => builder.pause(*seconds),
            Line::Chat { role, text } => {
                builder.write(
                    shown(&talk.cast, *role, late),
                    fill(text, &talk.cast, &vars),
                );
            }
            Line::React { role, emoji } => {
                let text = format!("Reacted to \"{}\" with {emoji}", builder.last_quote());
                builder.write(shown(&talk.cast, *role, late), text);
            }
            Line::Reply { role, text } => {
                let words = fill(text, &talk.cast, &vars);
                let text = format!("Replying to \"{}\"\n\n{words}", builder.last_quote());
                builder.write(shown(&talk.cast, *role, late), text);
            }
        }
    }
    builder.finish()
}

/// The name a role shows; a script with more roles than people shares them out.
fn shown(cast: &[Role], role: usize, late: bool) -> &str {
    let Some(role) = cast.get(role % cast.len().max(1)) else {
        return "";
    };
    match &role.renamed {
        Some(renamed) if late => renamed,
        _ => &role.shown,
    }
}

fn fill(text: &str, cast: &[Role], vars: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let Some((name, tail)) = after.split_once('}') else {
            out.push('{');
            rest = after;
            continue;
        };
        match name.as_bytes() {
            [letter @ b'A'..=b'Z'] if !cast.is_empty() => {
                out.push_str(&cast[usize::from(letter - b'A') % cast.len()].called);
            }
            _ => out.push_str(
                vars.iter()
                    .find(|(var, _)| *var == name)
                    .map_or("", |(_, value)| value),
            ),
        }
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{count, script_named};
    use std::sync::Arc;

    fn cast(names: &[&str]) -> Arc<[Role]> {
        names.iter().map(|name| Role::new(name)).collect()
    }

    #[test]
    fn long_lines_become_several_cues_and_lose_nothing() {
        let text = "We looked at it, and then we looked again. It was still there, in the same place as before.";
        let parts = pieces(text, 40);
        assert!(parts.len() > 1);
        assert!(parts.iter().all(|part| part.chars().count() <= 40));
        assert_eq!(parts.join(" "), text);
        let japanese =
            "会議を始めます。今日は三つの議題があります。最初は自転車の貸し出しについてです。";
        assert_eq!(pieces(japanese, 16).concat(), japanese);
    }

    #[test]
    fn every_script_renders_the_same_twice_and_fills_every_name() {
        for index in 0..count() {
            for episode in 0..4 {
                let talk = TalkRef {
                    script: index,
                    episode,
                    cast: cast(&["Ann Bell", "Cem Dal", "Eva Fink", "Gus Hale", "Ida Jung"]),
                    part: (0, 1),
                };
                let first = talk.render();
                assert_eq!(first, talk.render());
                assert!(
                    first.cues.len() >= 15,
                    "script {index} episode {episode}: {}",
                    first.cues.len()
                );
                for cue in &first.cues {
                    assert!(cue.end_ms > cue.start_ms && cue.end_ms <= first.length_ms);
                    assert!(
                        !cue.text.is_empty() && !cue.text.contains(['{', '}', '\n']),
                        "{}",
                        cue.text
                    );
                }
            }
        }
    }

    #[test]
    fn parts_together_hold_the_whole() {
        let whole = TalkRef {
            script: script_named("incident").unwrap(),
            episode: 1,
            cast: cast(&["Ann", "Ben", "Cem", "Dora"]),
            part: (0, 1),
        };
        let part = |n| {
            TalkRef {
                part: (n, 2),
                ..whole.clone()
            }
            .render()
            .cues
            .len()
        };
        let all = whole.render().cues.len();
        assert_eq!(part(0) + part(1), all);
    }
}
