use jiff::Timestamp;
use parfocal_engine::store::{Count, Hit, SearchPage};
use serde::Serialize;

/// What a search found.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct SearchView {
    /// The hits, best first.
    pub items: Vec<HitView>,
    /// What to pass as `after` for the next piece; none at the end.
    pub next: Option<String>,
    /// Nothing has all the words: these have some of them.
    pub relaxed: bool,
    /// Words that nobody used, and those that were searched in their place.
    pub instead: Vec<InsteadView>,
    /// Counts of meetings, where they were asked for.
    pub facets: Option<FacetsView>,
    /// What searching by meaning gave, where a server makes vectors and the question is one of bare words.
    pub by_meaning: Option<ByMeaningView>,
}

/// What searching by meaning gave.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct ByMeaningView {
    /// The model whose vectors were compared.
    pub model: String,
    /// Hits that came by their meaning alone.
    pub hits: u32,
    /// Why nothing was compared; the hits are then those of the words alone.
    pub unavailable: Option<String>,
}

/// A word that nobody used.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct InsteadView {
    /// The word.
    pub word: String,
    /// Those that were searched in its place.
    pub searched: Vec<String>,
}

/// Counts of meetings that a search found.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct FacetsView {
    /// Meetings that have the words, over the whole result.
    pub meetings: u64,
    /// By the host's address.
    pub hosts: Vec<CountView>,
    /// By meeting number.
    pub series: Vec<CountView>,
    /// By month, such as `2026-03`.
    pub months: Vec<CountView>,
    /// By who said or wrote it; of the best 300 meetings.
    pub speakers: Vec<CountView>,
    /// By what fits; of the best 300 meetings.
    pub kinds: Vec<CountView>,
}

/// A value and how many meetings have it.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct CountView {
    /// The value, as its filter takes it.
    pub value: String,
    /// What to show for it.
    pub label: String,
    /// Meetings.
    pub meetings: u64,
}

impl From<SearchPage> for SearchView {
    fn from(page: SearchPage) -> Self {
        let counts = |counts: Vec<Count>| {
            let view = |count: Count| CountView {
                value: count.value,
                label: count.label,
                meetings: count.meetings,
            };
            counts.into_iter().map(view).collect()
        };
        Self {
            items: page.hits.into_iter().map(HitView::from).collect(),
            next: page.next,
            relaxed: page.relaxed,
            instead: page
                .instead
                .into_iter()
                .map(|(word, searched)| InsteadView { word, searched })
                .collect(),
            facets: page.facets.map(|facets| FacetsView {
                meetings: facets.meetings,
                hosts: counts(facets.hosts),
                series: counts(facets.series),
                months: counts(facets.months),
                speakers: counts(facets.speakers),
                kinds: counts(facets.kinds),
            }),
            by_meaning: page.by_meaning.map(|note| ByMeaningView {
                model: note.model,
                hits: note.hits,
                unavailable: note.unavailable,
            }),
        }
    }
}

/// Something that was said, written or found and fits.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct HitView {
    /// `said`, `written`, `title`, or what was found: `action_item`, `decision`, `question`, `follow_up`, `topic`, `summary`,
    /// `chapter`, `insight`.
    pub kind: &'static str,
    /// The meeting, as our id.
    pub meeting_id: String,
    /// The meeting, as Zoom's UUID.
    pub uuid: String,
    /// Its number.
    pub meeting_number: Option<String>,
    /// Its topic.
    pub topic: Option<String>,
    /// When it began.
    pub start_time: Option<Timestamp>,
    /// Its host's e-mail address.
    pub host_email: Option<String>,
    /// The transcript, for what was said.
    pub transcript_id: Option<String>,
    /// The first and the last cue, for what was said.
    #[schemars(with = "Option<[u32; 2]>")]
    pub cues: Option<(u32, u32)>,
    /// Its beginning in the recording, in milliseconds.
    pub start_ms: u32,
    /// Its end in the recording, in milliseconds.
    pub end_ms: u32,
    /// Who said or wrote it.
    pub speaker: Option<String>,
    /// The text around what fits, with what to mark.
    pub snippet: Vec<SnippetPart>,
    /// Higher is better; comparable within one search only.
    pub score: f64,
    /// Further hits of this meeting that were left out.
    pub more: u32,
    /// What was found in this passage, in the same words: kinds as above.
    pub found: Vec<&'static str>,
}

/// A stretch of a snippet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct SnippetPart {
    /// The words.
    pub text: String,
    /// Whether they are what was looked for.
    pub marked: bool,
}

impl From<Hit> for HitView {
    fn from(hit: Hit) -> Self {
        Self {
            kind: hit.kind.as_str(),
            meeting_id: hit.instance_id.to_string(),
            uuid: hit.instance_external_id,
            meeting_number: hit.number,
            topic: hit.topic,
            start_time: hit.started_at,
            host_email: hit.host_email,
            transcript_id: hit.transcript_id.map(|id| id.to_string()),
            cues: hit.cues,
            start_ms: hit.start_ms,
            end_ms: hit.end_ms,
            speaker: hit.speaker,
            snippet: parts(&hit.snippet, &hit.marks),
            score: hit.score,
            more: hit.more,
            found: hit.found.iter().map(|kind| kind.as_str()).collect(),
        }
    }
}

/// Cuts a snippet at its marks; marks that do not fit the text are left out.
fn parts(text: &str, marks: &[std::ops::Range<usize>]) -> Vec<SnippetPart> {
    let mut parts = Vec::new();
    let mut push = |text: &str, marked| {
        if !text.is_empty() {
            parts.push(SnippetPart {
                text: text.to_owned(),
                marked,
            });
        }
    };
    let mut at = 0;
    for mark in marks {
        if let (Some(before), Some(marked)) = (text.get(at..mark.start), text.get(mark.clone())) {
            push(before, false);
            push(marked, true);
            at = mark.end;
        }
    }
    push(text.get(at..).unwrap_or_default(), false);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snippets_are_cut_at_their_marks() {
        let cut = |text: &str, marks: &[std::ops::Range<usize>]| -> String {
            parts(text, marks)
                .iter()
                .map(|part| {
                    if part.marked {
                        format!("[{}]", part.text)
                    } else {
                        part.text.clone()
                    }
                })
                .collect()
        };
        assert_eq!(
            cut("the release date", &[4..11, 0..0]),
            "the [release] date"
        );
        assert_eq!(cut("abc", &[]), "abc");
        assert_eq!(cut("", &[]), "");
        assert_eq!(cut("über alles", &[0..5, 6..11]), "[über] [alles]");
        assert_eq!(cut("ü", &[1..2, 0..9]), "ü");
    }
}
