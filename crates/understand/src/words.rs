//! English words that carry no topic, and the stems that stand for all forms of a word.

use std::collections::HashMap;

use rust_stemmers::{Algorithm, Stemmer};

/// Words that say nothing about the topic: function words, fillers, and verbs of every conversation.
const STOP: &str = "a about above after again against all also am an and any are aren as at be because been before \
    being below between both but by can cannot could couldn d did didn do does doesn doing don down during each few \
    for from further get gets getting go goes going gonna got gotta had hadn has hasn have haven having he her here \
    hers him his how i if in into is isn it its just know known let like ll lot lots m ma me mean means might more \
    most much must my no nor not now of off oh ok okay on once one ones only onto or other others our ours out over \
    own re really right s said same say saying says see seen she should shouldn so some such t than that the their \
    theirs them then there these they thing things think thinking this those though through to too two under until \
    up upon us ve very via want wanted wants was wasn way ways we well went were weren what when where which while \
    who whom whose why will with within without won would wouldn yeah yep yes yet you your yours kind sort actually \
    basically maybe something anything everything nothing bit sure back little probably good great quite even still \
    already many stuff guess pretty always whatever somebody someone anybody anyone everybody everyone people person \
    time times first second third look looking three four five six seven eight nine ten um uh hmm mm er ah eh hm \
    cause cuz wanna alright hi hello bye thanks thank please sorry";

/// Words too general to name a topic, though they may carry a sentence.
const GENERAL: &str = "use used using make makes making made need needs needed come coming came course agree agreed \
    different work works working worked better best new old big large small next last question questions example \
    point points case cases number numbers part parts issue issues problem problems idea ideas guys guy minute \
    minutes hour hours day days week weeks month months year years today tomorrow yesterday meeting meetings call \
    calls mr mrs madam sir cool nice fine happy hope help happen happens happened start started end ended talk \
    talking talked ask asked tell told try tried trying show showed give given take taken took put keep feel believe \
    understand remember move change changes set read write check sense place side line done whole front low high \
    long short kinds sorts moment rest reason fact step steps sentence word words answer anyway stuff couple half eleven twelve thirteen fourteen \
    fifteen sixteen seventeen eighteen nineteen \
    percent hundred thousand million twenty thirty forty fifty sixty seventy eighty ninety zero true wrong";

/// Words that stand before a noun.
const DETERMINERS: &str =
    "the a an this that these those our your my his her their its of some any each every both";

/// Words in the first and second person: talk about the talk rather than its matter.
const PERSONAL: &str =
    "i i'm i'll i've i'd me you you're you've you'll you'd we we're we've we'll we'd";

/// What the analyst knows about English words.
pub(crate) struct Words {
    flags: HashMap<&'static str, u8>,
    stemmer: Stemmer,
}

const IS_STOP: u8 = 1;
const IS_GENERAL: u8 = 2;
const IS_DETERMINER: u8 = 4;
const IS_PERSONAL: u8 = 8;

impl Words {
    pub(crate) fn english() -> Self {
        let mut flags = HashMap::new();
        for (list, flag) in [
            (STOP, IS_STOP),
            (GENERAL, IS_GENERAL),
            (DETERMINERS, IS_DETERMINER),
            (PERSONAL, IS_PERSONAL),
        ] {
            for word in list.split_ascii_whitespace() {
                *flags.entry(word).or_insert(0) |= flag;
            }
        }
        Self {
            flags,
            stemmer: Stemmer::create(Algorithm::English),
        }
    }

    fn is(&self, word: &str, flag: u8) -> bool {
        self.flags.get(word).is_some_and(|flags| flags & flag != 0)
    }

    /// The word (in lower case) carries no topic: a function word, too short, or a number.
    pub(crate) fn empty(&self, word: &str) -> bool {
        word.len() < 3
            || self.is(word, IS_STOP)
            || word.contains('\'')
            || word.bytes().all(|byte| byte.is_ascii_digit())
    }

    pub(crate) fn function(&self, word: &str) -> bool {
        self.is(word, IS_STOP | IS_DETERMINER | IS_PERSONAL)
    }

    pub(crate) fn general(&self, word: &str) -> bool {
        self.is(word, IS_GENERAL)
    }

    pub(crate) fn determiner(&self, word: &str) -> bool {
        self.is(word, IS_DETERMINER)
    }

    pub(crate) fn personal(&self, word: &str) -> bool {
        self.is(word, IS_PERSONAL)
    }

    /// The stem of a word in lower case.
    pub(crate) fn stem(&self, word: &str) -> String {
        self.stemmer.stem(word).into_owned()
    }
}

/// The words of a text in their own case, without punctuation around them.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || matches!(c, '\'' | '-')))
        .map(|word| word.trim_matches(|c| matches!(c, '\'' | '-')))
        .filter(|word| !word.is_empty())
}

/// Stems numbered in the order in which they are first seen.
#[derive(Default)]
pub(crate) struct Numbers {
    of: HashMap<String, u32>,
    stems: HashMap<String, u32>,
}

impl Numbers {
    /// The number of the stem of a word in lower case.
    pub(crate) fn of(&mut self, words: &Words, word: &str) -> u32 {
        if let Some(known) = self.of.get(word) {
            return *known;
        }
        let next = u32::try_from(self.stems.len()).unwrap_or(u32::MAX);
        let number = *self.stems.entry(words.stem(word)).or_insert(next);
        self.of.insert(word.to_owned(), number);
        number
    }

    /// The number of a word that was numbered before, in lower case.
    pub(crate) fn known(&self, word: &str) -> Option<u32> {
        self.of.get(word).copied()
    }

    /// The number of a word's stem, if the talk has it.
    pub(crate) fn find(&self, words: &Words, word: &str) -> Option<u32> {
        self.stems.get(&words.stem(word)).copied()
    }

    /// How many stems there are.
    pub(crate) fn len(&self) -> usize {
        self.stems.len()
    }
}
