//! Slots that suit everybody, and suggestions with reasons.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::{Hours, Span, Spans};

/// Candidates that are looked at for one question at most.
const MOST_CANDIDATES: usize = 50_000;

/// What is known of somebody's time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Busy {
    /// Taken then, and free otherwise.
    Known(Spans),
    /// Nobody knows, and why.
    Unknown(String),
}

/// Somebody who is to be met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Who, such as an address.
    pub who: String,
    /// When they are taken.
    pub busy: Busy,
    /// When they work; none: always.
    pub hours: Option<Hours>,
    /// Whether they have to come.
    pub required: bool,
}

impl Person {
    /// Somebody who has to come and may be met at any hour.
    pub fn new(who: impl Into<String>, busy: Busy) -> Self {
        Self {
            who: who.into(),
            busy,
            hours: None,
            required: true,
        }
    }
}

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Within this time.
    pub window: Span,
    /// Length in minutes.
    pub minutes: u32,
    /// Starts are at multiples of so many minutes after the full hour (UTC).
    pub step: u32,
    /// Not before; the end of the notice that people are given.
    pub earliest: Option<Timestamp>,
    /// Minutes that stay free before other meetings end and this begins.
    pub buffer_before: u32,
    /// Minutes that stay free after this ends and before others begin.
    pub buffer_after: u32,
}

impl Request {
    /// A meeting of so many minutes within a window, starting at any quarter of an hour.
    pub const fn new(window: Span, minutes: u32) -> Self {
        Self {
            window,
            minutes,
            step: 15,
            earliest: None,
            buffer_before: 0,
            buffer_after: 0,
        }
    }

    fn length(&self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.minutes.max(1)))
    }

    /// What busy times block: their buffers too. What others need after them is what this needs before it.
    fn blocked(&self, busy: &Spans) -> Spans {
        let minutes = |number: u32| SignedDuration::from_mins(i64::from(number));
        busy.widened(minutes(self.buffer_after), minutes(self.buffer_before))
    }

    /// The starts within spans.
    fn starts(&self, free: &Spans) -> impl Iterator<Item = Span> {
        let step = i64::from(self.step.max(1)) * 60;
        let length = self.length();
        free.as_slice()
            .iter()
            .flat_map(move |span| {
                // A start between two seconds is the next one.
                let from = span.from.as_second() + i64::from(span.from.subsec_nanosecond() > 0);
                let first = from.div_euclid(step) + i64::from(from.rem_euclid(step) > 0);
                let span = *span;
                (first..)
                    .map_while(move |number| Timestamp::from_second(number * step).ok())
                    .map_while(move |start| {
                        let end = start.checked_add(length).ok()?;
                        (end <= span.to).then_some(Span::new(start, end))
                    })
            })
            .take(MOST_CANDIDATES)
    }
}

/// Somebody whose calendar cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Who.
    pub who: String,
    /// Why.
    pub reason: String,
}

/// The slots that suit everybody who has to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Available {
    /// The slots in order; none when somebody who has to come is unknown.
    pub slots: Vec<Span>,
    /// Whose calendar cannot be read.
    pub unknown: Vec<Unknown>,
}

fn unknown(people: &[Person]) -> Vec<Unknown> {
    people
        .iter()
        .filter_map(|person| match &person.busy {
            Busy::Known(_) => None,
            Busy::Unknown(reason) => Some(Unknown {
                who: person.who.clone(),
                reason: reason.clone(),
            }),
        })
        .collect()
}

/// The time in which everybody who has to come can be met, those unknown taken as free.
fn possible(request: &Request, people: &[Person]) -> Spans {
    let from = request
        .earliest
        .map_or(request.window.from, |at| at.max(request.window.from));
    let window = Span::new(from, request.window.to);
    let mut free = Spans::of([window]);
    for person in people.iter().filter(|person| person.required) {
        if let Some(hours) = &person.hours {
            free = free.and(&hours.within(window));
        }
        if let Busy::Known(busy) = &person.busy {
            free = free.and(&request.blocked(busy).gaps(window));
        }
        if free.is_empty() {
            break;
        }
    }
    free
}

/// The slots in which everybody who has to come is free, works, and keeps the buffers.
pub fn find_available_slots(request: &Request, people: &[Person]) -> Available {
    let missing = people
        .iter()
        .any(|person| person.required && matches!(person.busy, Busy::Unknown(_)));
    Available {
        slots: if missing {
            Vec::new()
        } else {
            request.starts(&possible(request, people)).collect()
        },
        unknown: unknown(people),
    }
}

/// Why a suggestion has the score it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// What it adds to the score.
    pub points: i32,
    /// Why, for people.
    pub text: String,
}

/// A time that could suit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suggestion {
    /// When.
    pub slot: Span,
    /// From 0 to 100: the sum of the reasons' points, but never below 0.
    pub score: i32,
    /// Whether everybody who has to come is known to be free.
    pub certain: bool,
    /// Where the score comes from; the points' sum is the score.
    pub reasons: Vec<Reason>,
}

/// What one candidate costs and why.
#[derive(Default)]
struct Costs(Vec<Reason>);

impl Costs {
    fn less(&mut self, points: i32, text: String) {
        self.0.push(Reason {
            points: -points,
            text,
        });
    }
}

/// The best times, the best first, none overlapping another.
///
/// Times at which somebody who has to come is known to be taken or not at work are never among them.
pub fn suggest_meeting_times(request: &Request, people: &[Person], most: usize) -> Vec<Suggestion> {
    let free = possible(request, people);
    // Of each zone once: what the wall clock shows costs more to find out than anything else here.
    let mut zones: BTreeMap<String, (TimeZone, usize)> = BTreeMap::new();
    for hours in people.iter().filter_map(|person| person.hours.as_ref()) {
        let name = hours.zone().iana_name().unwrap_or_default().to_owned();
        let entry = zones
            .entry(name)
            .or_insert_with(|| (hours.zone().clone(), 0));
        entry.1 += 1;
    }
    let widened: Vec<Option<(Spans, Option<Spans>)>> = people
        .iter()
        .map(|person| match &person.busy {
            Busy::Unknown(_) => None,
            Busy::Known(busy) => Some((
                busy.clone(),
                (!person.required).then(|| {
                    let off = person
                        .hours
                        .as_ref()
                        .map(|hours| hours.within(request.window).gaps(request.window));
                    off.unwrap_or_default()
                }),
            )),
        })
        .collect();
    let mut all: Vec<Suggestion> = request
        .starts(&free)
        .map(|slot| {
            let mut costs = Costs::default();
            let mut certain = true;
            for (person, times) in people.iter().zip(&widened) {
                certain &= !person.required || times.is_some();
                judge_person(&mut costs, person, times.as_ref(), slot);
            }
            for (zone, count) in zones.values() {
                judge_hour(&mut costs, zone, *count, slot);
            }
            let days = (slot.from.as_second() - request.window.from.as_second()) / 86_400;
            if days > 0 {
                let later = i32::try_from(days.min(10)).unwrap_or(10);
                costs.less(later, format!("{days} days later than possible at best"));
            }
            finish(slot, certain, costs)
        })
        .collect();
    all.sort_by(|a, b| (b.certain, b.score, a.slot.from).cmp(&(a.certain, a.score, b.slot.from)));
    let mut out: Vec<Suggestion> = Vec::new();
    for one in all {
        if out.len() == most {
            break;
        }
        let apart = out
            .iter()
            .all(|other| other.slot.to <= one.slot.from || one.slot.to <= other.slot.from);
        if apart {
            out.push(one);
        }
    }
    out
}

fn judge_person(
    costs: &mut Costs,
    person: &Person,
    times: Option<&(Spans, Option<Spans>)>,
    slot: Span,
) {
    let who = &person.who;
    let Some((busy, off)) = times else {
        let points = if person.required { 40 } else { 5 };
        costs.less(points, format!("nobody knows whether {who} is free"));
        return;
    };
    if let Some(off) = off {
        if busy.meets(slot) {
            costs.less(15, format!("{who}, who may come, is busy"));
            return;
        }
        if off.meets(slot) {
            costs.less(10, format!("{who}, who may come, does not work then"));
            return;
        }
    }
    let before = busy
        .last_before(slot.from)
        .map(|one| one.to.duration_until(slot.from));
    let after = busy
        .next_after(slot.to)
        .map(|one| slot.to.duration_until(one.from));
    if before == Some(SignedDuration::ZERO) || after == Some(SignedDuration::ZERO) {
        costs.less(
            2,
            format!("{who} has another meeting right before or after"),
        );
    }
    let is_scrap = |gap: Option<SignedDuration>| {
        gap.is_some_and(|gap| gap > SignedDuration::ZERO && gap < SignedDuration::from_mins(30))
    };
    if is_scrap(before) || is_scrap(after) {
        costs.less(
            1,
            format!("{who} is left with less than half an hour in between"),
        );
    }
}

fn judge_hour(costs: &mut Costs, zone: &TimeZone, people: usize, slot: Span) {
    let from = slot.from.to_zoned(zone.clone());
    let to = slot.to.to_zoned(zone.clone());
    let name = zone.iana_name().unwrap_or("their zone");
    let shown = from.strftime("%H:%M");
    let points = i32::try_from(people.min(3)).unwrap_or(3);
    if from.hour() < 9 {
        costs.less(3 * points, format!("early in {name} ({shown})"));
    } else if to.hour() >= 17 && (to.hour(), to.minute()) != (17, 0) || to.date() != from.date() {
        costs.less(3 * points, format!("late in {name} ({shown})"));
    } else if from.hour() < 13 && (to.hour(), to.minute()) > (12, 0) {
        costs.less(2 * points, format!("over lunch in {name} ({shown})"));
    }
}

/// The score, with what it is made of; what would fall below nothing is given back.
fn finish(slot: Span, certain: bool, costs: Costs) -> Suggestion {
    let mut reasons = vec![Reason {
        points: 100,
        text: if certain {
            "everybody who has to come is free".to_owned()
        } else {
            "nobody who has to come is known to be busy".to_owned()
        },
    }];
    reasons.extend(costs.0);
    let mut score: i32 = reasons.iter().map(|one| one.points).sum();
    if score < 0 {
        reasons.push(Reason {
            points: -score,
            text: "no score is below nothing".to_owned(),
        });
        score = 0;
    }
    Suggestion {
        slot,
        score,
        certain,
        reasons,
    }
}
