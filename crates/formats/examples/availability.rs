//! When can fifty people meet within four weeks? Prints what `cargo xtask bench availability` shows, beside a grid of minutes.
//!
//! Busy times are known already; the grid marks every minute of every person and looks for rows of free ones. Both find the
//! same slots, or this fails.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a measurement reads the clock, prints what it found, and counts small numbers"
)]

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use parfocal_formats::availability::{
    Busy, Hours, Person, Request, Span, Spans, find_available_slots, suggest_meeting_times,
};

const ZONES: [&str; 5] = [
    "Europe/Berlin",
    "Europe/London",
    "Europe/Helsinki",
    "Africa/Lagos",
    "Asia/Dubai",
];
/// The office hours on each person's own wall clock, in minutes of the day.
const OFFICE: (u16, u16) = (8 * 60, 19 * 60);
const DAYS: i64 = 28;
const MINUTES: u32 = 30;

/// A small generator (SplitMix64), so that every run asks the same.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let many: usize = arguments.next().ok_or("how many people?")?.parse()?;
    let rounds: u32 = arguments.next().ok_or("how many rounds?")?.parse()?;
    // Four weeks in which clocks change.
    let from: Timestamp = "2026-10-12T00:00:00Z".parse()?;
    let window = Span::new(from, from + SignedDuration::from_hours(24 * DAYS));
    let people = people(many, from)?;
    let request = Request::new(window, MINUTES);
    let some: Vec<Person> = people
        .iter()
        .enumerate()
        .map(|(n, one)| Person {
            required: n % 10 == 0,
            ..one.clone()
        })
        .collect();

    let (slots, found) = best(rounds, || find_available_slots(&request, &people).slots);
    let (suggest, suggested) = best(rounds, || suggest_meeting_times(&request, &some, 10));
    let (grid, by_grid) = best(rounds.div_ceil(10), || by_grid(&request, &people));
    let starts: Vec<Timestamp> = found.iter().map(|slot| slot.from).collect();
    if starts != by_grid || starts.is_empty() || suggested.len() != 10 {
        return Err("the grid finds other slots".into());
    }
    let busy: usize = people
        .iter()
        .map(|one| match &one.busy {
            Busy::Known(spans) => spans.as_slice().len(),
            Busy::Unknown(_) => 0,
        })
        .sum();
    println!(
        "{}",
        serde_json::json!({
            "people": many, "busy": busy, "slots": starts.len(),
            "slots_seconds": slots, "suggest_seconds": suggest, "grid_seconds": grid,
        })
    );
    Ok(())
}

/// Everybody's meetings: one to three on each day, and none in the hour that a team keeps free on Thursdays.
fn people(many: usize, from: Timestamp) -> Result<Vec<Person>, Failure> {
    let mut chance = Chance(7);
    (0..many)
        .map(|n| {
            let mut busy = Vec::new();
            for day in 0..DAYS {
                for _ in 0..=chance.below(3) {
                    let start = 6 * 60 + 15 * i64::try_from(chance.below(44))?;
                    let end = start + 15 * (1 + i64::try_from(chance.below(6))?);
                    // Four hours of Thursdays, 10:00 to 14:00 UTC, are kept free.
                    if day % 7 == 3 && start < 14 * 60 && end > 10 * 60 {
                        continue;
                    }
                    let at = |minute| from + SignedDuration::from_mins(day * 1440 + minute);
                    busy.push(Span::new(at(start), at(end)));
                }
            }
            let mut person = Person::new(format!("person {n}"), Busy::Known(Spans::of(busy)));
            person.hours = Some(Hours::weekdays(ZONES[n % ZONES.len()], OFFICE.0, OFFICE.1)?);
            Ok(person)
        })
        .collect()
}

/// The best time of several rounds in seconds, and what came out.
fn best<T>(rounds: u32, mut work: impl FnMut() -> T) -> (f64, T) {
    let mut began = Instant::now();
    let mut out = work();
    let mut least = began.elapsed();
    for _ in 1..rounds {
        began = Instant::now();
        out = work();
        least = least.min(began.elapsed());
    }
    (least.as_secs_f64(), out)
}

/// The starts by marking every minute of every person.
fn by_grid(request: &Request, people: &[Person]) -> Vec<Timestamp> {
    let window = request.window;
    let minutes = window.length().as_mins();
    let at = |number: i64| window.from + SignedDuration::from_mins(number);
    let mut free = vec![true; minutes as usize];
    for person in people {
        if let Some(hours) = &person.hours {
            for (number, is_free) in (0_i64..).zip(&mut free) {
                let local = at(number).to_zoned(hours.zone().clone());
                let of_day = local.hour() as u16 * 60 + local.minute() as u16;
                let day = local.weekday().to_monday_zero_offset() as usize;
                *is_free &= hours.week()[day]
                    .iter()
                    .any(|(from, to)| (*from..*to).contains(&of_day));
            }
        }
        if let Busy::Known(busy) = &person.busy {
            for span in busy.as_slice() {
                let from = (span.from - window.from).total(jiff::Unit::Minute);
                let to = (span.to - window.from).total(jiff::Unit::Minute);
                if let (Ok(from), Ok(to)) = (from, to) {
                    for is_free in &mut free[from as usize..(to as usize).min(minutes as usize)] {
                        *is_free = false;
                    }
                }
            }
        }
    }
    (0..=minutes - i64::from(request.minutes))
        .step_by(request.step as usize)
        .filter(|number| {
            let from = *number as usize;
            free[from..from + request.minutes as usize]
                .iter()
                .all(|one| *one)
        })
        .map(at)
        .collect()
}
