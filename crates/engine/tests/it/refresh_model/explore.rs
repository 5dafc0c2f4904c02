//! Every state that can be reached, looked at once.

use std::collections::{HashMap, VecDeque};

use super::{Bounds, Flaw, Step, World};

/// A state, from which other it was reached, and by whose doing of what.
type Visited = (World, usize, (Option<usize>, &'static str));

/// Visits every state that can be reached; gives how many, or the shortest way to what must not be.
fn explore(bounds: &Bounds) -> Result<Seen, String> {
    let start = World::start(bounds).settled();
    let mut known: HashMap<World, usize> = HashMap::from([(start.clone(), 0)]);
    let mut all: Vec<Visited> = vec![(start, 0, (None, ""))];
    let mut queue = VecDeque::from([0]);
    let mut seen = Seen::default();
    let way = |all: &[Visited], mut at: usize, last: String| {
        let mut steps = vec![last];
        while at != 0 {
            let (world, before, what) = &all[at];
            steps.push(format!("{what:?}\n      {:?} {:?}", world.row, world.zoom));
            at = *before;
        }
        steps.reverse();
        steps.join("\n  ")
    };
    while let Some(at) = queue.pop_front() {
        let world = all[at].0.clone();
        let next = world.next(bounds);
        let end = next.is_empty();
        seen.ends += usize::from(end);
        seen.dead += usize::from(world.row.dead.is_some());
        for (who, what, next) in next {
            seen.changes += 1;
            let next = next.settled();
            let verdict = world.check_change(&next).and_then(|()| next.check(bounds));
            if let Err(wrong) = verdict {
                let way = way(&all, at, format!("{who:?} {what}\n      {next:?}"));
                return Err(format!("{wrong}, {bounds:?}:\n  {way}"));
            }
            if known.contains_key(&next) {
                continue;
            }
            known.insert(next.clone(), all.len());
            queue.push_back(all.len());
            all.push((next, at, (who, what)));
        }
        // Somebody can always go on, or all have a token or have told their person.
        let stuck = world
            .processes
            .iter()
            .any(|one| !matches!(one.step, Step::Using(_) | Step::GaveUp));
        if stuck && end {
            let way = way(&all, at, String::new());
            return Err(format!("nothing goes on any more:\n  {way}"));
        }
    }
    seen.states = all.len();
    Ok(seen)
}

/// What an exploration went through.
#[derive(Debug, Default)]
struct Seen {
    states: usize,
    changes: usize,
    ends: usize,
    dead: usize,
}

impl Bounds {
    pub(super) fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }
}

fn bounds(processes: usize, grace: bool) -> Bounds {
    Bounds {
        processes,
        grace,
        punctual: true,
        lost: 2,
        kills: 1,
        overruns: 1,
        spared: 1,
        rounds: 2,
        withdrawals: 0,
        flaw: None,
    }
}

#[test]
fn no_interleaving_loses_a_grant_or_asks_in_a_storm() {
    // `PARFOCAL_REFRESH_MODEL=wide` goes further than an ordinary run has time for.
    let wide = std::env::var_os("PARFOCAL_REFRESH_MODEL").is_some();
    for (processes, grace) in [(2, false), (2, true), (3, false), (3, true)] {
        let mut bounds = bounds(processes, grace);
        if wide {
            (bounds.lost, bounds.kills, bounds.overruns) = (3, 2, 2);
        }
        let seen = explore(&bounds).unwrap_or_else(|wrong| panic!("{wrong}"));
        eprintln!("{bounds:?}: {seen:?}");
        assert!(
            seen.states > 1_000 && seen.dead > 0 && seen.ends > 0,
            "{seen:?}"
        );
    }
}

#[test]
fn what_a_person_takes_back_never_returns() {
    for grace in [false, true] {
        let bounds = Bounds {
            withdrawals: 1,
            lost: 1,
            ..bounds(2, grace)
        };
        let seen = explore(&bounds).unwrap_or_else(|wrong| panic!("{wrong}"));
        assert!(seen.states > 10_000, "{seen:?}");
    }
}

#[test]
fn each_mistake_the_protocol_avoids_would_be_found() {
    for flaw in [
        Flaw::ForgetsUnanswered,
        Flaw::StoresOnTop,
        Flaw::StaysDead,
        Flaw::StoresPastLease,
        Flaw::UsesUnstored,
        Flaw::NeedsNoLease,
        Flaw::KillsBlindly,
        Flaw::AsksWithWhatItKnew,
    ] {
        let found = [false, true].into_iter().find_map(|grace| {
            let bounds = Bounds {
                flaw: Some(flaw),
                lost: 3,
                overruns: 2,
                ..bounds(2, grace)
            };
            explore(&bounds).err()
        });
        let found = found.unwrap_or_else(|| panic!("{flaw:?} is not found"));
        eprintln!("{flaw:?}: {}", found.lines().next().unwrap_or_default());
    }
}

#[test]
fn an_exchange_that_outlasts_its_lease_can_lose_a_grant() {
    // Why the deadline of an exchange is shorter than the lease: a request that Zoom handles later than that meets a
    // pair that somebody else has made and stored.
    let bounds = Bounds {
        punctual: false,
        ..bounds(2, true)
    };
    let found = explore(&bounds).unwrap_err();
    assert!(found.contains("arrives that nobody waits for"), "{found}");
}
