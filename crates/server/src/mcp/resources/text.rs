//! Meetings as text that a model reads: every line with its time and the number of its cues.

use std::fmt::Write as _;

use parfocal_engine::store::{Instance, Transcript};
use parfocal_engine::transcripts::{CueView, TranscriptPart, TranscriptView};
use parfocal_engine::understand::{Insight, MeetingInsights, PartInsights};
use parfocal_engine::{App, EngineError};
use serde_json::{Value, json};

use super::super::{LONGEST_TEXT, SCHEME, UNTRUSTED};
use super::address::{Address, citation};
use super::title;
use crate::views::ChatMessageView;

/// A turn is broken into lines of about this many bytes, so that citations stay short.
const LINE: usize = 600;
/// Most cues in one citation.
const CUES: u32 = 200;

/// A piece of a text, with where the next one begins.
pub(in super::super) struct Piece {
    pub(in super::super) text: String,
    pub(in super::super) next: Option<Address>,
}

/// What was said, from a part (1 is the first) and a cue on; none when there is no such part.
pub(in super::super) fn transcript(talk: &TranscriptView, part: usize, from: u32) -> Option<Piece> {
    let instance = &talk.instance;
    let first = part.checked_sub(1).filter(|at| *at < talk.parts.len())?;
    // Writing to a String cannot fail.
    let mut out = format!(
        "# {}\n\nMeeting {}. {UNTRUSTED}\n",
        title(instance),
        instance.id
    );
    for (at, stretch) in talk.parts.iter().enumerate().skip(first) {
        let from = if at == first { from } else { 1 };
        heading(&mut out, talk.parts.len(), at, stretch);
        let mut rest = stretch
            .lines
            .iter()
            .skip_while(|line| line.cue.n < from)
            .peekable();
        while let Some(line) = rest.next() {
            if out.len() > LONGEST_TEXT {
                let next = Address::of_transcript(instance.id, Some((at + 1, line.cue.n)));
                let _ = write!(out, "\nIt goes on at {next}\n");
                return Some(Piece {
                    text: out,
                    next: Some(next),
                });
            }
            let mut said = line.cue.text.clone();
            let mut last = line.cue.n;
            while said.len() < LINE
                && let Some(more) = rest.next_if(|more| more.cue.speaker == line.cue.speaker)
            {
                said.push(' ');
                said.push_str(&more.cue.text);
                last = more.cue.n;
            }
            let _ = write!(out, "[{} #{}", clock(line.cue.start_ms), line.cue.n);
            if last > line.cue.n {
                let _ = write!(out, "-{last}");
            }
            let speaker = line.cue.speaker.as_deref().unwrap_or("?");
            let _ = writeln!(out, "] {}: {}", one_line(speaker), one_line(&said));
        }
    }
    Some(Piece {
        text: out,
        next: None,
    })
}

fn heading(out: &mut String, parts: usize, at: usize, stretch: &TranscriptPart) {
    let _ = write!(out, "\n## ");
    if parts > 1 {
        let _ = write!(out, "Part {} of {parts}, transcript ", at + 1);
    } else {
        let _ = write!(out, "Transcript ");
    }
    let id = stretch.transcript.id;
    let _ = write!(out, "{id}");
    if let Some(start) = stretch.recording_start {
        let _ = write!(out, ", recorded from {start} on");
    }
    let _ = write!(
        out,
        "\n\nTimes count from there. [00:01:02 #7-9] is cited as {SCHEME}://transcript/{id}/cues/7-9\n\n"
    );
}

/// What was written.
pub(in super::super) fn chat(instance: &Instance, messages: &[ChatMessageView]) -> String {
    let mut out = format!(
        "# Chat of {}\n\nMeeting {}. {UNTRUSTED}\n\n",
        title(instance),
        instance.id
    );
    if messages.is_empty() {
        out.push_str("Nothing was written, or it was not saved.\n");
    }
    for message in messages {
        if out.len() > LONGEST_TEXT {
            out.push_str("\nThe rest is left out.\n");
            break;
        }
        let _ = write!(
            out,
            "[{} #{}] {}",
            clock(message.at_ms),
            message.n,
            one_line(&message.sender)
        );
        if let Some(to) = &message.to {
            let _ = write!(out, " to {}", one_line(to));
        }
        let _ = writeln!(out, ": {}", one_line(&message.text));
    }
    out
}

/// Some cues word for word, and what a program wants to know of them.
pub(in super::super) async fn cues(
    app: &App,
    talk: &TranscriptView,
    of: &Transcript,
    from: u32,
    to: u32,
) -> Result<(String, Value), EngineError> {
    let found = app
        .store()
        .cues(
            app.scope(),
            of.id,
            from,
            to.saturating_sub(from).saturating_add(1).min(CUES),
        )
        .await?;
    let said: Vec<_> = found.into_iter().filter(|cue| cue.n <= to).collect();
    let (Some(first), Some(last)) = (said.first(), said.last()) else {
        return Err(EngineError::not_found("cue", citation(of.id, from, to))
            .with_hint(format!("The transcript has the cues 1 to {}.", of.cues)));
    };
    // One that another has replaced has no place among the parts any more, and the start of its recording is not known.
    let lines = talk
        .parts
        .iter()
        .find(|part| part.transcript.id == of.id)
        .map(|part| part.lines.as_slice());
    let at = |n: u32| {
        lines
            .into_iter()
            .flatten()
            .find(|line: &&CueView| line.cue.n == n)
            .and_then(|line| line.at)
    };
    let address = citation(of.id, first.n, last.n);
    let mut out = format!("{}\n{address}\n", title(&talk.instance));
    if !of.current {
        out.push_str("A newer transcript has replaced this one.\n");
    }
    let _ = write!(out, "{UNTRUSTED}\n\n");
    for cue in &said {
        let speaker = cue.speaker.as_deref().unwrap_or("?");
        let _ = writeln!(
            out,
            "[{} to {} #{}] {}: {}",
            clock(cue.start_ms),
            clock(cue.end_ms),
            cue.n,
            one_line(speaker),
            one_line(&cue.text)
        );
    }
    let mut speakers: Vec<&str> = said
        .iter()
        .filter_map(|cue| cue.speaker.as_deref())
        .collect();
    speakers.dedup();
    let proof = json!({
        "meeting_id": talk.instance.id.to_string(),
        "transcript_id": of.id.to_string(),
        "cue_from": first.n,
        "cue_to": last.n,
        "start_ms": first.start_ms,
        "end_ms": last.end_ms,
        "at": at(first.n),
        "speakers": speakers,
    });
    Ok((out, proof))
}

/// What the analyst found in a meeting.
pub(in super::super) fn insights(found: &MeetingInsights) -> String {
    let mut out = format!(
        "# {}\n\nMeeting {}. Found by rules, each line with its proof. {UNTRUSTED}\n",
        title(&found.instance),
        found.instance.id
    );
    for (at, part) in found.parts.iter().enumerate() {
        if found.parts.len() > 1 {
            let _ = write!(out, "\n## Part {} of {}\n", at + 1, found.parts.len());
        }
        let analysis = &part.analysis;
        if let Some(opening) = &analysis.summary.opening {
            let _ = write!(out, "\n{}\n", one_line(opening));
        }
        for (name, list) in [
            ("Summary", &analysis.summary.sentences),
            ("Decisions", &analysis.decisions),
            ("Action items", &analysis.action_items),
            ("Open questions", &analysis.questions),
            ("To come back to", &analysis.follow_ups),
            ("Topics", &analysis.topics),
        ] {
            section(&mut out, name, list, part);
        }
    }
    out
}

fn section(out: &mut String, name: &str, list: &[Insight], part: &PartInsights) {
    if list.is_empty() {
        return;
    }
    let _ = write!(out, "\n### {name}\n\n");
    for insight in list {
        if out.len() > LONGEST_TEXT {
            out.push_str("- The rest is left out.\n");
            return;
        }
        let proof = citation(part.transcript.id, insight.cite.from, insight.cite.to);
        let _ = write!(out, "- {}", one_line(&insight.text));
        if let Some(owner) = &insight.owner {
            let _ = write!(out, " (to do: {})", one_line(owner));
        }
        if let Some(due) = insight.due {
            let _ = write!(out, " (due {due})");
        }
        let speaker = insight.speaker.as_deref().unwrap_or("?");
        let _ = writeln!(
            out,
            " [{}, {}, {proof}]",
            one_line(speaker),
            clock(insight.start_ms)
        );
    }
}

/// A place in a recording as `01:02:03`.
pub(in super::super) fn clock(ms: u32) -> String {
    let seconds = ms / 1000;
    format!(
        "{:02}:{:02}:{:02}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Text from outside as one line: it cannot pose as a line of ours.
pub(in super::super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_count_in_hours() {
        assert_eq!(clock(3_723_999), "01:02:03");
        assert_eq!(clock(0), "00:00:00");
        assert_eq!(clock(u32::MAX), "1193:02:47");
    }

    #[test]
    fn talk_cannot_pose_as_a_line_of_ours() {
        assert_eq!(
            one_line("a\n\n[00:00:01 #1] Ana:\tb "),
            "a [00:00:01 #1] Ana: b"
        );
    }
}
