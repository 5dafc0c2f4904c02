//! The proof of every statement: its cues exist, and its quote stands in them.

use std::collections::HashMap;

use crate::analysis::{Analysis, Citation, Line};

/// What is wrong with a citation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// A cue it names does not exist, or the last lies before the first.
    NoSuchCue,
    /// The quote is empty, or does not stand in the cues.
    NotQuoted,
}

/// Whether the quote stands in the cues that a citation names.
///
/// Cases, punctuation and words must agree; runs of blanks and line ends count as one blank. The words may go on behind
/// another speaker's interjection.
pub fn verify(cite: &Citation, lines: &[Line<'_>]) -> Result<(), Fault> {
    Proof::of(lines).check(cite)
}

/// Lines by ordinal, for many citations.
pub(crate) struct Proof<'t, 'l> {
    lines: &'t [Line<'l>],
    at: HashMap<u32, usize>,
}

impl<'t, 'l> Proof<'t, 'l> {
    pub(crate) fn of(lines: &'t [Line<'l>]) -> Self {
        let at = lines
            .iter()
            .enumerate()
            .map(|(at, line)| (line.n, at))
            .collect();
        Self { lines, at }
    }

    pub(crate) fn check(&self, cite: &Citation) -> Result<(), Fault> {
        let find = |n: u32| self.at.get(&n).copied().ok_or(Fault::NoSuchCue);
        let (from, to) = (find(cite.from)?, find(cite.to)?);
        if to < from {
            return Err(Fault::NoSuchCue);
        }
        let quote = joined([cite.quote.as_str()]);
        if quote.is_empty() {
            return Err(Fault::NotQuoted);
        }
        let cited = &self.lines[from..=to];
        let all = || joined(cited.iter().map(|line| line.text));
        let same = || {
            let speaker = cited[0].speaker;
            joined(
                cited
                    .iter()
                    .filter(|line| line.speaker == speaker)
                    .map(|line| line.text),
            )
        };
        if all().contains(&quote) || same().contains(&quote) {
            Ok(())
        } else {
            Err(Fault::NotQuoted)
        }
    }
}

fn joined<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = String::new();
    for word in texts.into_iter().flat_map(str::split_whitespace) {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Leaves out what is not proven, and says how much that was.
pub(crate) fn keep_proven(found: &mut Analysis, lines: &[Line<'_>]) -> u32 {
    let proof = Proof::of(lines);
    let mut dropped = 0_u32;
    let chapters = found
        .chapters
        .iter_mut()
        .map(|chapter| &mut chapter.sentences);
    let lists = [
        &mut found.summary.sentences,
        &mut found.action_items,
        &mut found.decisions,
        &mut found.questions,
        &mut found.follow_ups,
        &mut found.topics,
    ];
    for list in lists.into_iter().chain(chapters) {
        list.retain(|insight| {
            let stands = proof.check(&insight.cite).is_ok();
            dropped += u32::from(!stands);
            stands
        });
    }
    dropped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quote_must_stand_where_it_is_said_to() {
        let line = |n, speaker, text| Line {
            n,
            start_ms: 0,
            end_ms: 0,
            speaker: Some(speaker),
            text,
        };
        let lines = [
            line(1, "Edda", "We paint"),
            line(2, "Luan", "Mm."),
            line(3, "Edda", "the\nboat red."),
        ];
        let cite = |from, to, quote: &str| Citation {
            from,
            to,
            quote: quote.to_owned(),
        };
        assert_eq!(
            verify(&cite(1, 3, "We paint the boat red."), &lines),
            Ok(())
        );
        assert_eq!(verify(&cite(3, 3, "boat  red"), &lines), Ok(()));
        assert_eq!(
            verify(&cite(1, 1, "the boat"), &lines),
            Err(Fault::NotQuoted)
        );
        assert_eq!(
            verify(&cite(1, 3, "We paint the boat blue."), &lines),
            Err(Fault::NotQuoted)
        );
        assert_eq!(verify(&cite(1, 3, " "), &lines), Err(Fault::NotQuoted));
        assert_eq!(verify(&cite(1, 9, "We"), &lines), Err(Fault::NoSuchCue));
        assert_eq!(verify(&cite(3, 1, "We"), &lines), Err(Fault::NoSuchCue));
    }
}
