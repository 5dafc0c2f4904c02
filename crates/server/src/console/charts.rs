//! Charts as bars in per cent: the templates draw them as SVG, so that they work without script and print as they look.

use jiff::Timestamp;
use parfocal_engine::store::AttendanceKind;
use parfocal_engine::talk::{EntryKind, Talk};
use serde::Serialize;

use crate::views::ParticipantView;

/// Stretches nearer than this part of the whole are drawn as one, in per cent.
const MERGED: f64 = 0.4;
/// The least width that is seen, in per cent.
const SEEN: f64 = 0.3;
/// Most rows of a chart; the rest is told in a sentence.
const ROWS: usize = 40;

/// A bar: where it begins and how long it is, in per cent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Bar {
    x: String,
    width: String,
}

/// How much somebody spoke.
#[derive(Serialize)]
pub(super) struct Share {
    name: String,
    /// Length of the bar: the one who spoke longest has the whole width.
    width: String,
    percent: String,
    spoke: String,
    words: u64,
    turns: u32,
    interruptions: u32,
}

/// When somebody was there, and when they spoke.
#[derive(Serialize)]
pub(super) struct Presence {
    name: String,
    stays: Vec<Bar>,
    spoke: Vec<Bar>,
    /// The same in words.
    told: String,
}

/// Who was there from when to when.
#[derive(Serialize)]
pub(super) struct Attendance {
    start: Timestamp,
    end: Timestamp,
    rows: Vec<Presence>,
    more: usize,
}

/// Who spoke how much.
pub(super) fn shares(talk: &Talk) -> Vec<Share> {
    let stats = talk.stats();
    let most = stats.speakers.first().map_or(0, |first| first.talk_ms);
    let all: u64 = stats.speakers.iter().map(|one| one.talk_ms).sum();
    stats
        .speakers
        .into_iter()
        .take(ROWS)
        .map(|one| Share {
            width: percent(ratio(one.talk_ms, most)),
            percent: format!("{:.0}", ratio(one.talk_ms, all)),
            spoke: spoken(one.talk_ms),
            name: one.name.unwrap_or_else(|| "Without a name".to_owned()),
            words: one.words,
            turns: one.turns,
            interruptions: one.interruptions,
        })
        .collect()
}

/// Who was there; none when no stay is known from beginning to end.
pub(super) fn attendance(people: &[ParticipantView], talk: Option<&Talk>) -> Option<Attendance> {
    let main = |kind: &str| kind != AttendanceKind::Waiting.as_str();
    let stays: Vec<(&ParticipantView, Vec<(Timestamp, Timestamp)>)> = people
        .iter()
        .map(|person| {
            let stays = person
                .stays
                .iter()
                .filter(|stay| main(stay.kind))
                .filter_map(|stay| Some((stay.join_time?, stay.leave_time?)))
                .filter(|(join, leave)| join < leave)
                .collect();
            (person, stays)
        })
        .collect();
    let all = || stays.iter().flat_map(|(_, stays)| stays);
    let start = all().map(|(join, _)| *join).min()?;
    let end = all().map(|(_, leave)| *leave).max()?;
    let whole = span(start, end);
    let mut rows: Vec<Presence> = stays
        .iter()
        .filter(|(_, stays)| !stays.is_empty())
        .map(|(person, stays)| {
            let name = person.name.clone().unwrap_or_else(|| "Unknown".to_owned());
            let spoke = talk.map_or_else(Vec::new, |talk| {
                talk.entries
                    .iter()
                    .filter(|entry| entry.kind == EntryKind::Said)
                    .filter(|entry| entry.speaker.as_deref() == Some(name.as_str()))
                    .filter_map(|entry| {
                        let from = span(start, entry.at?);
                        let length = f64::from(entry.end_ms.saturating_sub(entry.start_ms));
                        Some((from / whole * 100.0, (from + length) / whole * 100.0))
                    })
                    .collect()
            });
            let within = |at: Timestamp| span(start, at) / whole * 100.0;
            let seconds: i64 = stays
                .iter()
                .map(|(join, leave)| leave.as_second() - join.as_second())
                .sum();
            Presence {
                told: super::meeting::minutes(seconds),
                stays: bars(
                    stays
                        .iter()
                        .map(|(a, b)| (within(*a), within(*b)))
                        .collect(),
                ),
                spoke: bars(spoke),
                name,
            }
        })
        .collect();
    let more = rows.len().saturating_sub(ROWS);
    rows.truncate(ROWS);
    Some(Attendance {
        start,
        end,
        rows,
        more,
    })
}

/// Stretches as bars; those that lie close together are one.
fn bars(mut stretches: Vec<(f64, f64)>) -> Vec<Bar> {
    stretches.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut merged: Vec<(f64, f64)> = Vec::new();
    for (from, to) in stretches {
        let (from, to) = (from.clamp(0.0, 100.0), to.clamp(0.0, 100.0));
        match merged.last_mut() {
            Some(last) if from - last.1 < MERGED => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
        .into_iter()
        .map(|(from, to)| Bar {
            x: percent(from.min(100.0 - SEEN)),
            width: percent((to - from).max(SEEN)),
        })
        .collect()
}

fn percent(number: f64) -> String {
    format!("{number:.2}")
}

/// Milliseconds between two instants.
#[expect(
    clippy::cast_precision_loss,
    reason = "a meeting has far fewer milliseconds"
)]
fn span(from: Timestamp, to: Timestamp) -> f64 {
    (to.as_millisecond() - from.as_millisecond()) as f64
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a meeting has far fewer milliseconds"
)]
fn ratio(part: u64, of: u64) -> f64 {
    if of == 0 {
        return 0.0;
    }
    part as f64 / of as f64 * 100.0
}

/// `12 min 5 s`.
fn spoken(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0..=59 => format!("{seconds} s"),
        60..=3_599 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_stretches_are_one_bar_and_none_is_lost() {
        let drawn = bars(vec![(10.1, 10.1), (0.0, 10.0), (50.0, 50.0), (99.9, 130.0)]);
        let text: Vec<String> = drawn
            .iter()
            .map(|bar| format!("{}+{}", bar.x, bar.width))
            .collect();
        assert_eq!(text, ["0.00+10.10", "50.00+0.30", "99.70+0.30"]);
    }

    #[test]
    fn times_are_told_as_people_tell_them() {
        assert_eq!(spoken(5_900), "5 s");
        assert_eq!(spoken(725_000), "12 min 5 s");
        assert_eq!(spoken(3_725_000), "1 h 2 min");
        assert!(ratio(1, 0).abs() < f64::EPSILON);
    }
}
