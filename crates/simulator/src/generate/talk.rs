//! Generated talk: sentences put together from parts, as long as real meetings are.

use std::sync::Arc;

use super::names::SUBJECTS;
use crate::content::{Pace, Role, Talk, TalkBuilder};
use crate::world::chance::Chance;

/// Names a generated talk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GeneratedTalk {
    /// Names the words and times.
    pub seed: u64,
    /// Who speaks, the host first.
    pub cast: Arc<[Role]>,
}

/// Cues of a typical generated transcript; with the spread below the mean is about 360, and one in a hundred has 1,800.
const TYPICAL_CUES: f64 = 265.0;
const SPREAD: f64 = 0.8;
const MOST_CUES: f64 = 4_000.0;
const LEAST_CUES: f64 = 12.0;

const OPENERS: [&str; 8] = [
    "Shall we talk about {s}?",
    "The next point is {s}.",
    "I looked into {s} after our last call.",
    "There is news about {s}.",
    "Somebody asked me about {s} yesterday.",
    "We still have {s} on the list.",
    "Before we go on, a word on {s}.",
    "Let us come back to {s}.",
];

const REMARKS: [&str; 16] = [
    "We counted {n} cases last month, which is more than I expected.",
    "My team needs about {n} days for that.",
    "That would cost us roughly {n} hundred a month.",
    "I would rather wait until the pilot in the second depot is over.",
    "The customers I spoke to did not notice any difference.",
    "It works on my side, but nobody has tried it with more than {n} bikes.",
    "Can we see the figures next to those of last year?",
    "I agree, and I would start with the smallest depot.",
    "Sorry, you were muted, could you say that again?",
    "Who else has to be asked before we do this?",
    "The supplier promised an answer within {n} days.",
    "That is not what the contract says, I checked this morning.",
    "Two people on my team could help with that next week.",
    "It is on the board already, ticket {n}{n}.",
    "If we change it now, the printed forms are wrong.",
    "Good point, I had not thought of the weekend.",
];

const SHORT: [&str; 10] = [
    "Yes.",
    "Okay.",
    "Right, exactly.",
    "Mm-hm.",
    "Makes sense to me.",
    "Hold on.",
    "No, not yet.",
    "Thank you.",
    "Agreed.",
    "One moment, please.",
];

const ENDINGS: [&str; 6] = [
    "So we decide to go ahead with {s} from the first of next month.",
    "{p}, will you write down what we agreed on {s} by Thursday?",
    "I will send the numbers on {s} to everybody before Friday.",
    "Then {s} is decided: we keep it as it is until the spring.",
    "Open question for next time: who pays for {s}?",
    "{p} takes {s} and reports in two weeks.",
];

const NOTES: [&str; 6] = [
    "link to the sheet: https://files.example/s/{n}{n}",
    "back in {n} minutes",
    "+1",
    "can you hear me?",
    "I have to drop at half past",
    "notes are in the folder, page {n}",
];

impl GeneratedTalk {
    /// Number of cues this talk is made for; the rendered one has about as many.
    #[must_use]
    pub fn cues_wanted(&self) -> usize {
        let mut chance = Chance::of(self.seed, "length", 0);
        let cues = (TYPICAL_CUES.ln() + SPREAD * chance.normal())
            .exp()
            .clamp(LEAST_CUES, MOST_CUES);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped above"
        )]
        let cues = cues as usize;
        cues
    }

    /// The talk itself; the same every time.
    #[must_use]
    pub fn render(&self) -> Talk {
        let wanted = self.cues_wanted();
        let mut chance = Chance::of(self.seed, "talk", 0);
        let mut builder = TalkBuilder::new(Pace::of("en"), Chance::of(self.seed, "times", 0));
        let mut said = 0;
        let mut speaker = 0;
        while said < wanted {
            let subject = chance.pick(&SUBJECTS).copied().unwrap_or("it");
            let round = usize::try_from(chance.between(8, 40))
                .unwrap_or(8)
                .min(wanted - said);
            for step in 0..round {
                if chance.happens(0.6) {
                    speaker = chance.index(self.cast.len());
                }
                let text = if step == 0 {
                    chance.pick(&OPENERS)
                } else if step + 1 == round {
                    chance.pick(&ENDINGS)
                } else if chance.happens(0.3) {
                    chance.pick(&SHORT)
                } else {
                    chance.pick(&REMARKS)
                };
                let text = self.fill(text.copied().unwrap_or("Yes."), subject, &mut chance);
                let over = chance.happens(0.06);
                builder.say(self.shown(speaker), &text, over);
                said += 1;
                if chance.happens(0.02) {
                    let note = chance.pick(&NOTES).copied().unwrap_or("+1");
                    let note = self.fill(note, subject, &mut chance);
                    let writer = chance.index(self.cast.len());
                    builder.write(self.shown(writer), note);
                }
            }
        }
        builder.finish()
    }

    fn shown(&self, place: usize) -> &str {
        self.cast.get(place).map_or("", |role| role.shown.as_str())
    }

    fn fill(&self, text: &str, subject: &str, chance: &mut Chance) -> String {
        let mut out = text.replace("{s}", subject);
        if out.contains("{p}") {
            let person = chance.index(self.cast.len());
            out = out.replace(
                "{p}",
                self.cast
                    .get(person)
                    .map_or("", |role| role.called.as_str()),
            );
        }
        while let Some(at) = out.find("{n}") {
            out.replace_range(at..at + 3, &chance.between(2, 48).to_string());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn talk(seed: u64) -> GeneratedTalk {
        GeneratedTalk {
            seed,
            cast: [
                Role::new("Ann Bell"),
                Role::new("Cem Dal"),
                Role::new("Eva Fink"),
            ]
            .into(),
        }
    }

    #[test]
    fn lengths_are_spread_like_real_ones() {
        let mut lengths: Vec<usize> = (0..2_000).map(|seed| talk(seed).cues_wanted()).collect();
        lengths.sort_unstable();
        let mean = lengths.iter().sum::<usize>() / lengths.len();
        assert!((320..420).contains(&mean), "mean {mean}");
        assert!(lengths[1_980] > 1_200, "no heavy tail");
        assert!(lengths[20] < 80, "no short ones");
    }

    #[test]
    fn the_same_name_gives_the_same_talk() {
        for seed in 0..20 {
            let rendered = talk(seed).render();
            assert_eq!(rendered, talk(seed).render());
            assert!(rendered.cues.len() >= talk(seed).cues_wanted());
            assert!(rendered.cues.iter().all(|cue| !cue.text.contains('{')));
        }
        assert_ne!(talk(1).render(), talk(2).render());
    }
}
