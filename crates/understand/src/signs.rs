//! What commitments, requests and decisions look like in English talk.
//!
//! Two weights only: a strong sign counts twice as much as a weak one. Single weights could be moved by half without
//! much effect on the meetings at hand, so finer ones would only be fitted to them.

use std::sync::LazyLock;

use regex::bytes::Regex;

use crate::window::{Sign, pattern};

const STRONG: f64 = 2.0;
const WEAK: f64 = 1.0;

/// Verbs of doing something.
const DO: &str = "(?:review|look|check|merge|open|make|create|write|update|add|share|post|send|drop|ping|ask|reach|talk|\
    discuss|bring|follow|fix|finish|finali[sz]e|complete|prepare|publish|release|launch|test|run|try|investigate|dig|\
    implement|push|schedule|set|propose|draft|document|confirm|coordinate|collect|provide|submit|raise|sync|take|put|\
    do|get|start|work|deploy|remove|change|report|reply|respond|comment|email|call|book|order|buy|find|figure|think|\
    include|link|rebase|approve|organi[sz]e|contact|invite|arrange|present|sign|read|verify|clarify|file|pay|hire|\
    design|build|measure|translate|print|deliver|gather|compile|circulate|revise|inform|tell|let|clean|move|pick)";
/// Words between a promise and its verb.
const BETWEEN: &str = "(?:(?:also|just|then|definitely|probably|try|to|go|ahead|and|quickly|maybe|actually|still|at|least|\
    please|all|really|personally|go)\\s+){0,3}";

fn sign(text: &str, weight: f64, leads: bool) -> Sign {
    Sign {
        looks: pattern(&text.replace("{DO}", DO).replace("{BETWEEN}", BETWEEN)),
        weight,
        leads,
    }
}

/// Places of the signs of action items that decide who is to act.
pub(crate) const COMMITS: u32 = 1;
pub(crate) const OFFERS: u32 = 2;
pub(crate) const ASKS: u32 = 4;
/// A promise that names a day.
pub(crate) const DATED_PROMISE: u32 = COMMITS | 128;

/// Signs of something that is to be done.
pub(crate) static ACTION: LazyLock<Vec<Sign>> = LazyLock::new(|| {
    vec![
        // "I'll send ...": bit 0
        sign(
            r"\b(?:i'll|i will|i'm going to|i'm gonna|i am going to|i can|i could|i'd be happy to|i'm happy to|i should|i need to|i have to|i plan to)\s+{BETWEEN}{DO}\b",
            STRONG,
            true,
        ),
        // "I'll do that", "on it": bit 1
        sign(
            r"\blet me (?:open|make|create|write|post|send|check|ask|follow|add|update|drop|link|try|look)\b|\b(?:on it|will do|action item|homework)\b|\bi can do (?:that|it|this)\b|\bi'll (?:do|take) (?:that|it|this)\b|\bhappy to (?:help|do|take|write|open|make)\b|\bmy (?:ask|plan) is\b",
            WEAK,
            true,
        ),
        // "could you ...", "please": bit 2
        sign(
            r"\bplease\b|\b(?:can|could|would|will) (?:you|someone|somebody|anyone|everyone|everybody|people|clients|(?:all )?(?:the )?[a-z]+ teams?|teams)\s+{BETWEEN}{DO}\b|\bwould be (?:really |very |super |also )?(?:great|nice|good|helpful|useful|awesome|cool|ideal) (?:if|to)\b|\bappreciate\b|\bfeel free\b|\bencourage\b|\bdon't forget\b|\bmake sure (?:to|that|you|we)\b|\breminder\b|\b(?:want|need) (?:you|everyone|people|clients|teams) to\b|\bneeds? (?:a )?(?:review|feedback|input)\b",
            STRONG,
            true,
        ),
        // handing over: "reach out", "open an issue"
        sign(
            r"\b(?:reach(?:ing)? out|follow(?:ing)? up|get back to|bring (?:it|this|that|them) (?:up|to)|bring up|chime in|open (?:up )?(?:a|an|the|it) ?(?:pr|pull|issue|thread|ticket|discussion)?|make a pr|circle back|ping (?:me|him|her|them|us|you|the|[a-z]+)|talk to|check with|sync with|ask (?:them|him|her|the|for|around|[a-z]+ (?:if|to|about))|see if (?:we|i|they|you)|write(?:-| )?up|next steps?)\b",
            STRONG,
            true,
        ),
        // "we should ..."
        sign(
            r"\b(?:we should|we need to|we have to|we must|we could|we can|we'll|we will|let's)\s+{BETWEEN}{DO}\b",
            WEAK,
            true,
        ),
        // "take a look", "feedback"
        sign(
            r"\b(?:take|have|had|taking|having) (?:a|an|another|one more|a quick|a closer|a deeper) (?:look|read|pass)\b|\blook(?:ing)? (?:at|into|over) (?:it|this|that|those|these|the)\b|\bfeedback\b|\breview(?:s|ed|ing)?\b",
            WEAK,
            false,
        ),
        // where work is handed in
        sign(
            r"\b(?:discord|slack|telegram|thread|e-?mails?|async(?:hronously)?|offline|in the chat|(?:a|the) (?:link|pr|issue|ticket|doc|document|draft|pull request|spreadsheet|list)|agenda|prs)\b",
            WEAK,
            false,
        ),
        // by when
        sign(
            r"\b(?:by|before|until|till) (?:the )?(?:end of|next|this|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday|then|today|early|mid|late|january|february|march|april|june|july|august|september|october|november|december)\b|\b(?:this|next|coming) (?:week|month|call|meeting|monday|tuesday|wednesday|thursday|friday)\b|\btomorrow\b|\bafter the (?:call|meeting)\b|\blater today\b|\bon (?:monday|tuesday|wednesday|thursday|friday)\b",
            WEAK,
            false,
        ),
    ]
});

/// Talk about the call itself, which is nobody's task.
pub(crate) static ABOUT_THE_CALL: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\b(?:hear (?:me|you)|(?:see|share|sharing|seeing) (?:my|your|the|a) (?:screen|slides?)|go ahead|(?:un)?muted?|unmute|get(?:ting)? started|start (?:the )?(?:recording|stream(?:ing)?|meeting|call)|another minute|a (?:few|couple of) minutes|raise your hand|let me (?:share|pull|see|think|know)|can you repeat|say that again|thank you|sharing (?:it )?now)\b",
    )
});

/// What one person puts forward, for others to agree to.
pub(crate) static PROPOSES: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"\bi(?: would|'d| also| just)* (?:like to )?(?:suggest|propose|recommend)\b|\bmy (?:suggestion|proposal)\b|\bi(?:'m| am) (?:suggesting|proposing)\b",
    )
});

/// Place of the sign by which a decision is said outright.
pub(crate) const DECIDED: u32 = 1;

/// Signs of a decision.
pub(crate) static DECISION: LazyLock<Vec<Sign>> = LazyLock::new(|| {
    vec![
        sign(
            r"\b(?:we(?:'ve| have)? (?:also )?(?:decided|agreed|concluded|settled)|decision|agreement|agreed|conclusion|rough consensus|consensus is|we have consensus|decided|deprecated?|final(?:ly|i[sz]ed?)?)\b",
            STRONG,
            true,
        ),
        sign(
            r"\blet's (?:just|do|go|keep|make|use|target|merge|move|leave|not|try|plan|say|aim|start|have|put|set|stick|drop|ship|launch|take)\b|\bthen (?:we(?:'ll| will| can| should| just)|let's|i think we)\b|\bwe(?:'ll| will) (?:go|keep|do|use|make|have|launch|ship|include|not|target|wait|start|just)\b",
            WEAK,
            true,
        ),
        sign(
            r"\b(?:i think|i would say|i'd say|i guess|probably|maybe|so|then|okay|yeah)[ ,]+(?:it's |that )?(?:then )?we (?:should|can|could|need|will|just|would)\b|\bi (?:would|'d) (?:say|suggest|propose|prefer|just|go)\b|\bi(?:'d)? (?:suggest|propose|prefer)\b|\bwe should\b",
            WEAK,
            true,
        ),
        sign(
            r"\b(?:go(?:ing)? (?:with|for|ahead with)|stick(?:ing)? (?:with|to)|(?:keep|drop|merge|remove|include|leave) (?:it|this|that|the)|(?:move|push) (?:it|this|that) (?:to|back)|not (?:going|gonna) to|postpone|defer|instead of|rather than|in the next|for the next|for now|optional|mandatory|required|must)\b",
            WEAK,
            true,
        ),
        sign(
            r"\b(?:makes? (?:the most |a lot of |more |total )?sense|sounds? (?:good|fine|great|reasonable|like a plan)|(?:i'm|i am|we're|it's|that's|that is|everyone is|seems?) (?:also )?(?:fine|okay|ok|good|happy)|works for (?:me|us)|no (?:objections?|strong opinion)|in favou?r|good with|(?:i|we) agree|unless (?:anyone|someone|there)|no concerns?|any objections?)\b",
            WEAK,
            false,
        ),
        sign(
            r"\b(?:target(?:s|ed|ing)?|scoped?|launch(?:ing|ed)?|ship(?:ping|ped)?|schedul(?:e|ed|ing)|deadline|timeline|released?|freeze|frozen)\b",
            WEAK,
            false,
        ),
        sign(
            r"^(?:next\b|moving on|with that|let's move|anything else|any other|then we|i think that|that brings)|\bmove on\b|\bnext (?:topic|item|up|point)\b",
            WEAK,
            false,
        ),
    ]
});

/// Where a task begins behind "I'll", "could you", "we should", "please".
pub(crate) static TASK: LazyLock<Regex> = LazyLock::new(|| {
    let text = r"\b(?:i'll|i will|i'm going to|i'm gonna|i am going to|i can|i could|i'd be happy to|i'm happy to|i should|i need to|i have to|i plan to|let me|(?:can|could|would|will) (?:you|someone|somebody|anyone|everyone|everybody|people)|please|we should|we need to|we have to|we must|we can|we could|we'll|we will|let's|make sure to|don't forget to)\s+{BETWEEN}({DO}\b)";
    pattern(&text.replace("{DO}", DO).replace("{BETWEEN}", BETWEEN))
});

#[cfg(test)]
mod tests {
    use super::*;

    fn found(signs: &[Sign], text: &str) -> Vec<usize> {
        (0..signs.len())
            .filter(|at| signs[*at].looks.is_match(text.as_bytes()))
            .collect()
    }

    #[test]
    fn signs_are_seen() {
        assert_eq!(
            found(&ACTION, "i'll just send the draft tomorrow."),
            [0, 6, 7]
        );
        assert_eq!(found(&ACTION, "can you please check the list?"), [2, 6]);
        assert_eq!(
            found(&ACTION, "the harbour was closed last winter."),
            Vec::<usize>::new()
        );
        assert_eq!(found(&DECISION, "then we'll keep it as it is."), [1, 3, 6]);
        assert!(ABOUT_THE_CALL.is_match(b"can you see my screen?"));
        let task = TASK.captures(b"could you also check the list?").unwrap();
        assert_eq!(task.get(1).unwrap().start(), 15);
    }
}
