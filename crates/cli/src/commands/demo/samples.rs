//! Searches that show something: phrases that were really said, in whatever was taken in.

use parfocal_engine::App;
use parfocal_engine::search::Wanted;
use parfocal_engine::store::{InstanceFilter, InstanceId, PageRequest};
use parfocal_server::lookup;
use parfocal_server::views::{CueView, HitView};

use super::check::Verdict;
use super::control::Live;
use crate::failure::Failure;

/// A search and what it found.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    /// The query.
    pub(super) query: String,
    /// Whether the live meeting has to be among the hits.
    pub(super) live: bool,
    /// The hits, best first.
    pub(super) hits: Vec<HitView>,
    /// The meeting the phrase was taken from.
    expected: InstanceId,
}

/// Picks phrases from the live meeting and from others, the others in different scripts if there are any, and searches them.
pub(super) async fn run(app: &App, live: &Live) -> Result<Vec<Sample>, Failure> {
    let filter = InstanceFilter {
        has_transcript: Some(true),
        ..InstanceFilter::default()
    };
    let page = app
        .store()
        .instances(app.scope(), &filter, &PageRequest::first(200))
        .await?;
    let all: Vec<(InstanceId, bool)> = page
        .items
        .iter()
        .map(|row| (row.instance.id, row.instance.external_id == live.uuid))
        .collect();
    let live_one = all.iter().find(|(_, is_live)| *is_live).copied();
    let others: Vec<_> = all
        .iter()
        .filter(|(_, is_live)| !is_live)
        .copied()
        .collect();
    let mut wanted: Vec<(InstanceId, bool)> = live_one.into_iter().collect();
    if let Some(other) = others.get(others.len() / 2) {
        wanted.push(*other);
    }
    // One more where words are not separated by spaces, if anybody spoke so.
    for other in &others {
        if cues(app, other.0)
            .await?
            .iter()
            .take(40)
            .any(|cue| cue.text.chars().any(is_dense))
        {
            wanted.push(*other);
            break;
        }
    }
    let mut samples = Vec::new();
    for (id, is_live) in wanted {
        let cues = cues(app, id).await?;
        let Some(query) = query(&cues) else { continue };
        let found = lookup::search_for(
            app,
            &Wanted {
                limit: 5,
                per_meeting: Some(1),
                ..Wanted::new(&query)
            },
        )
        .await?;
        samples.push(Sample {
            query,
            live: is_live,
            hits: found.items,
            expected: id,
        });
    }
    Ok(samples)
}

/// Every phrase has to be found where it was said.
pub(super) fn judge(samples: &[Sample], verdict: &mut Verdict) {
    for sample in samples {
        verdict.compared += 1;
        let id = sample.expected.to_string();
        if !sample.hits.iter().any(|hit| hit.meeting_id == id) {
            verdict.differ(format!(
                "searching {} does not find meeting {id}, where it was said",
                sample.query
            ));
        }
    }
}

async fn cues(app: &App, id: InstanceId) -> Result<Vec<CueView>, Failure> {
    Ok(lookup::transcripts(app, id)
        .await?
        .into_iter()
        .flat_map(|transcript| transcript.cues)
        .collect())
}

/// A phrase in quotes from the middle of the talk: the two longest neighbours among a cue's words.
fn query(cues: &[CueView]) -> Option<String> {
    let middle = cues.len() / 2;
    cues.iter()
        .skip(middle)
        .chain(cues.iter().take(middle))
        .find_map(|cue| phrase(&cue.text))
}

fn phrase(text: &str) -> Option<String> {
    if text.chars().any(is_dense) {
        let run: String = text
            .chars()
            .skip_while(|c| !is_dense(*c))
            .take_while(|c| is_dense(*c))
            .take(5)
            .collect();
        return (run.chars().count() >= 4).then(|| format!("\"{run}\""));
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let plain = |word: &&str| word.chars().all(char::is_alphabetic);
    words
        .windows(2)
        .filter(|pair| pair.iter().all(plain) && pair.iter().all(|word| word.chars().count() >= 4))
        .max_by_key(|pair| pair.iter().map(|word| word.chars().count()).sum::<usize>())
        .filter(|pair| pair.iter().map(|word| word.chars().count()).sum::<usize>() >= 12)
        .map(|pair| format!("\"{}\"", pair.join(" ")))
}

/// Letters of scripts that are written without spaces.
fn is_dense(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_taken_from_the_talk() {
        assert_eq!(
            phrase("So, the release candidate needs one more day."),
            Some("\"release candidate\"".to_owned())
        );
        assert_eq!(phrase("Yes. No. OK."), None);
        assert_eq!(
            phrase("来週の予算を確認します。"),
            Some("\"来週の予算\"".to_owned())
        );
    }
}
