//! The refresh protocol as a model, checked through every reachable state.
//!
//! A few processes share one grant whose refresh token rotates. Between any two steps of one of them anything may happen:
//! another one's steps, a kill, a lease that runs out, an answer that is lost or a request that arrives late. What the
//! row allows is decided by the rules of the code itself where they are pure functions; that the store's statements do
//! what the model's row does is shown by `refresh_rows`.

mod explore;
mod row;

use parfocal_zoom::auth::protocol::{Late, MOST_DOUBT, OnRefused, may_ask, on_refused};

pub(crate) use self::row::{Death, Lease, Row};

/// Most token pairs in a run.
const PAIRS: usize = 5;

/// How far a check goes.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    processes: usize,
    /// Whether Zoom takes a refresh token once more after it was rotated away.
    grace: bool,
    /// Whether an exchange with Zoom is over before its lease is.
    punctual: bool,
    lost: u8,
    kills: u8,
    overruns: u8,
    spared: u8,
    rounds: u8,
    /// How often a person takes the grant back.
    withdrawals: u8,
    /// A mistake that is built in, to see that it is found.
    flaw: Option<Flaw>,
}

/// Mistakes a protocol like this one invites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
    /// An answer that never came is forgotten with the lease.
    ForgetsUnanswered,
    /// A late pair is stored on top of whatever is there.
    StoresOnTop,
    /// A late pair is given up when the grant was declared dead meanwhile.
    StaysDead,
    /// A late pair is stored although somebody else holds the lease.
    StoresPastLease,
    /// A pair is used before it is stored, and stored never.
    UsesUnstored,
    /// No lease is taken.
    NeedsNoLease,
    /// A refusal kills the grant whatever generation it has by now.
    KillsBlindly,
    /// The pair to ask with is not read again under the lease.
    AsksWithWhatItKnew,
}

/// What Zoom knows of the grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Zoom {
    current: u8,
    /// The pair before it, while the grace lasts; 0 is none.
    old: u8,
    made: u8,
}

/// Where a process is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Step {
    /// Needs a token that is not expired.
    Idle,
    /// Has taken the lease of this generation.
    Leased(u8),
    /// Has written its intent.
    Intended(u8),
    /// Has read the pair it asks with: generation, pair.
    Armed(u8, u8),
    /// Its request is under way.
    Asking(u8, u8),
    /// Has the new pair made from that generation, not stored yet.
    Holding(u8, u8),
    /// Zoom refused.
    Refused(u8),
    /// No answer came.
    Unknown(u8),
    /// Certain that Zoom made no pair.
    Spared(u8),
    /// Works with this pair.
    Using(u8),
    /// Has told its person to connect again.
    GaveUp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Process {
    step: Step,
    /// Whether the row's lease is the one it took.
    mine: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct World {
    row: Row,
    zoom: Zoom,
    processes: Vec<Process>,
    /// Requests nobody waits for any more that Zoom may still see.
    flying: Vec<u8>,
    /// The newest generation whose access token has expired.
    expired: u8,
    /// What may still go wrong.
    left: [u8; 6],
    /// Pairs of this round that Zoom made and nobody received.
    unreceived: u8,
    /// Everything that went wrong in this round.
    mishaps: u8,
    /// Requests by generation of the pair they carried, those without effect not counted.
    asks: [u8; PAIRS],
    /// Requests by generation since one of it was met with silence; none when none was.
    tries: [Option<u8>; PAIRS],
}

/// Something that can happen: to which process, what, and the world after it.
type Change = (Option<usize>, &'static str, World);

const LOST: usize = 0;
const KILLS: usize = 1;
const OVERRUNS: usize = 2;
const SPARED: usize = 3;
const ROUNDS: usize = 4;
const WITHDRAWALS: usize = 5;

impl World {
    fn start(bounds: &Bounds) -> Self {
        Self {
            row: Row::fresh(),
            zoom: Zoom {
                current: 1,
                old: 0,
                made: 1,
            },
            processes: vec![
                Process {
                    step: Step::Idle,
                    mine: false,
                };
                bounds.processes
            ],
            flying: Vec::new(),
            expired: 1,
            left: [
                bounds.lost,
                bounds.kills,
                bounds.overruns,
                bounds.spared,
                bounds.rounds,
                bounds.withdrawals,
            ],
            unreceived: 0,
            mishaps: 0,
            asks: [0; PAIRS],
            tries: [None; PAIRS],
        }
    }

    /// Processes are interchangeable: one order for all arrangements.
    fn settled(mut self) -> Self {
        self.processes.sort_unstable();
        self.flying.sort_unstable();
        self
    }

    fn spend(&mut self, what: usize) -> bool {
        let some = self.left[what] > 0;
        self.left[what] = self.left[what].saturating_sub(1);
        some
    }

    /// Zoom handles a request; gives the new pair, or nothing when it refuses.
    fn zoom(&mut self, pair: u8, bounds: &Bounds) -> Option<u8> {
        let known = pair == self.zoom.current || (pair == self.zoom.old && bounds.grace);
        known.then(|| {
            self.zoom.made += 1;
            self.zoom.old = self.zoom.current;
            self.zoom.current = self.zoom.made;
            self.zoom.made
        })
    }

    /// Counts a request with the token of a generation, or takes it back.
    fn count(&mut self, generation: u8, by: i8) {
        let at = usize::from(generation);
        self.asks[at] = self.asks[at].saturating_add_signed(by);
        self.tries[at] = self.tries[at].map(|tries| tries.saturating_add_signed(by));
    }

    /// Gives the lease back, if it still is this process's.
    fn give_back(&mut self, at: usize, without_effect: bool) {
        let mine = std::mem::take(&mut self.processes[at].mine);
        self.row.release(mine, without_effect);
    }

    fn nobody_holds(&mut self) {
        for process in &mut self.processes {
            process.mine = false;
        }
    }

    fn kill(&mut self, generation: u8, why: Death) -> bool {
        let killed = self.row.kill(generation, why);
        if killed {
            self.nobody_holds();
        }
        killed
    }

    fn usable(&self) -> bool {
        self.row.dead.is_none() && self.row.generation > self.expired
    }

    /// Everybody has what there is to have, and nothing is under way.
    fn quiet(&self) -> bool {
        self.flying.is_empty()
            && self
                .processes
                .iter()
                .all(|one| matches!(one.step, Step::Using(_) | Step::GaveUp))
    }

    /// Everything that can happen next.
    fn next(&self, bounds: &Bounds) -> Vec<Change> {
        let mut out = Vec::new();
        for at in 0..self.processes.len() {
            self.step(at, bounds, &mut out);
            self.kill_process(at, &mut out);
        }
        self.elsewhere(bounds, &mut out);
        out
    }

    fn step(&self, at: usize, bounds: &Bounds, out: &mut Vec<Change>) {
        let mut go = |what: &'static str, change: &dyn Fn(&mut World) -> bool| {
            let mut world = self.clone();
            if change(&mut world) {
                out.push((Some(at), what, world));
            }
        };
        let to = |world: &mut World, step: Step| world.processes[at].step = step;
        match self.processes[at].step {
            Step::Idle => go("looks", &|world| {
                let row = world.row;
                if world.usable() {
                    to(world, Step::Using(row.pair));
                } else if row.dead.is_some() {
                    to(world, Step::GaveUp);
                } else if bounds.has(Flaw::NeedsNoLease) {
                    world.row.lease = Lease::Running;
                    world.processes[at].mine = true;
                    to(world, Step::Leased(row.generation));
                } else if !world.row.lease() {
                    return false;
                } else if !may_ask(u32::from(row.asked)) {
                    world.kill(row.generation, Death::Lost);
                    to(world, Step::GaveUp);
                } else {
                    world.nobody_holds();
                    world.processes[at].mine = true;
                    to(world, Step::Leased(row.generation));
                }
                true
            }),
            Step::Leased(generation) => go("writes its intent", &|world| {
                let mine = world.processes[at].mine;
                if world.row.intend(mine, generation) {
                    to(world, Step::Intended(generation));
                } else {
                    world.processes[at].mine = false;
                    to(world, Step::Idle);
                }
                true
            }),
            Step::Intended(generation) => go("reads the pair", &|world| {
                let row = world.row;
                if bounds.has(Flaw::AsksWithWhatItKnew) {
                    to(world, Step::Armed(generation, world.expired));
                } else if world.usable() || row.dead.is_some() {
                    world.give_back(at, true);
                    to(world, Step::Idle);
                } else {
                    to(world, Step::Armed(row.generation, row.pair));
                }
                true
            }),
            Step::Armed(generation, pair) => {
                let late = !self.processes[at].mine || self.row.lease != Lease::Running;
                if bounds.punctual && late {
                    // The deadline of the exchange has passed: nothing is sent.
                    go("is too late to ask", &|world| {
                        to(world, Step::Spared(generation));
                        true
                    });
                } else {
                    go("asks", &|world| {
                        world.count(generation, 1);
                        to(world, Step::Asking(generation, pair));
                        true
                    });
                }
            }
            Step::Asking(generation, pair) => {
                go("is answered", &|world| {
                    let step = match world.zoom(pair, bounds) {
                        Some(new) => Step::Holding(generation, new),
                        None => Step::Refused(generation),
                    };
                    to(world, step);
                    true
                });
                go("is spared: no effect", &|world| {
                    world.count(generation, -1);
                    to(world, Step::Spared(generation));
                    world.spend(SPARED)
                });
                go("hears nothing: the answer is lost", &|world| {
                    let made = world.zoom(pair, bounds);
                    world.unreceived += u8::from(made.is_some());
                    world.mishaps += 1;
                    to(world, Step::Unknown(generation));
                    world.spend(LOST)
                });
                go("hears nothing: the request is lost", &|world| {
                    world.mishaps += 1;
                    to(world, Step::Unknown(generation));
                    world.spend(LOST)
                });
                go("hears nothing: the request is late", &|world| {
                    // Lost for the process, and later overtaken by others: two things that go wrong.
                    world.mishaps += 2;
                    world.flying.push(pair);
                    to(world, Step::Unknown(generation));
                    world.spend(LOST)
                });
            }
            Step::Holding(made_from, pair) => go("stores", &|world| {
                let mine = world.processes[at].mine;
                let same = world.row.generation == made_from;
                let dead = world.row.dead.is_some();
                let verdict = match bounds.flaw {
                    Some(Flaw::UsesUnstored) => {
                        world.give_back(at, true);
                        to(world, Step::Using(pair));
                        return true;
                    }
                    Some(Flaw::StaysDead) if dead => Late::Drop,
                    Some(Flaw::StoresPastLease) if same => {
                        world.row.replace(pair);
                        Late::Store
                    }
                    Some(Flaw::StoresOnTop) => {
                        world.row.replace(pair);
                        Late::Store
                    }
                    _ => world.row.store(made_from, pair, mine),
                };
                match verdict {
                    Late::Store => {
                        world.nobody_holds();
                        // Only a stored pair is used.
                        to(world, Step::Using(pair));
                    }
                    Late::Wait => return false,
                    Late::Drop => to(world, Step::Idle),
                }
                true
            }),
            Step::Refused(generation) => go("hears a refusal", &|world| {
                let stored = Some(u64::from(world.row.generation));
                let blind = bounds.has(Flaw::KillsBlindly);
                let asked_with = if blind {
                    world.row.generation
                } else {
                    generation
                };
                let bury = on_refused(u64::from(asked_with), stored) == OnRefused::Bury;
                if bury && world.kill(asked_with, Death::Refused) {
                    to(world, Step::GaveUp);
                } else {
                    world.give_back(at, false);
                    to(world, Step::Idle);
                }
                true
            }),
            Step::Unknown(generation) => go("gives back, intent kept", &|world| {
                if world.processes[at].mine {
                    world.tries[usize::from(generation)].get_or_insert(0);
                }
                if bounds.has(Flaw::ForgetsUnanswered) && world.processes[at].mine {
                    world.row.asked = 0;
                    world.give_back(at, true);
                } else {
                    world.give_back(at, false);
                }
                to(world, Step::Idle);
                true
            }),
            Step::Spared(_) => go("gives back, intent withdrawn", &|world| {
                world.give_back(at, true);
                to(world, Step::Idle);
                true
            }),
            Step::Using(_) => {}
            Step::GaveUp => go("notices that the grant lives again", &|world| {
                to(world, Step::Idle);
                world.row.dead.is_none()
            }),
        }
    }

    /// SIGKILL and a new start. The lease stays, and nobody holds it; a request under way goes its own way.
    fn kill_process(&self, at: usize, out: &mut Vec<Change>) {
        let step = self.processes[at].step;
        if self.left[KILLS] == 0 || matches!(step, Step::Idle | Step::Using(_) | Step::GaveUp) {
            return;
        }
        let mut world = self.clone();
        world.spend(KILLS);
        world.mishaps += 1;
        match step {
            Step::Asking(_, pair) => world.flying.push(pair),
            Step::Holding(..) => world.unreceived += 1,
            _ => {}
        }
        world.processes[at] = Process {
            step: Step::Idle,
            mine: false,
        };
        out.push((Some(at), "is killed", world));
    }

    /// Time, and requests that nobody waits for.
    fn elsewhere(&self, bounds: &Bounds, out: &mut Vec<Change>) {
        for at in 0..self.flying.len() {
            let mut arrives = self.clone();
            let pair = arrives.flying.remove(at);
            let made = arrives.zoom(pair, bounds);
            arrives.unreceived += u8::from(made.is_some());
            out.push((None, "a request arrives that nobody waits for", arrives));
            let mut gone = self.clone();
            gone.flying.remove(at);
            out.push((None, "a request gets lost that nobody waits for", gone));
        }
        if self.row.lease == Lease::Running {
            let holder = self.processes.iter().find(|one| one.mine);
            let asking = holder.is_some_and(|one| matches!(one.step, Step::Asking(..)));
            let mut world = self.clone();
            world.row.lease = Lease::RunOut;
            // The lease of somebody who is gone runs out in its time; one that overtakes its holder is a mishap.
            let allowed = holder.is_none() || {
                world.mishaps += 1;
                world.spend(OVERRUNS)
            };
            let over = !bounds.punctual || (!asking && self.flying.is_empty());
            if allowed && over {
                out.push((None, "the lease runs out", world));
            }
        }
        if self.row.dead.is_none() && self.left[WITHDRAWALS] > 0 {
            let mut world = self.clone();
            world.spend(WITHDRAWALS);
            world.row.withdraw();
            world.nobody_holds();
            // Zoom knows none of its pairs any more.
            (world.zoom.current, world.zoom.old) = (0, 0);
            out.push((None, "a person takes the grant back", world));
        }
        if self.usable() && self.left[ROUNDS] > 0 {
            let mut world = self.clone();
            world.spend(ROUNDS);
            world.expired = self.row.generation;
            world.zoom.old = 0;
            if self.quiet() && self.row.pair == self.zoom.current {
                (world.mishaps, world.unreceived) = (0, 0);
            }
            for process in &mut world.processes {
                if matches!(process.step, Step::Using(_)) {
                    process.step = Step::Idle;
                }
            }
            out.push((None, "the access token expires", world));
        }
    }

    /// What must hold in every state.
    fn check(&self, bounds: &Bounds) -> Result<(), String> {
        for (generation, asks) in self.asks.iter().enumerate() {
            if u32::from(*asks) > MOST_DOUBT {
                return Err(format!(
                    "{asks} asks with the token of generation {generation}"
                ));
            }
        }
        if self.tries.iter().flatten().any(|tries| *tries > 1) {
            return Err("more than one more try after an answer was lost".to_owned());
        }
        let tries = self.tries.get(usize::from(self.row.generation));
        let silent = tries.is_some_and(Option::is_some);
        if self.row.dead == Some(Death::Lost) && !silent {
            return Err("given up although no answer was lost".to_owned());
        }
        if self.quiet() && self.row.dead != Some(Death::Withdrawn) {
            let lost = self.row.dead.is_some() || self.row.pair != self.zoom.current;
            // Without grace a pair that nobody received is the grant, whatever is done. With it one mishap is never
            // enough. And two intents whose end nobody knows are the end.
            let excused = if bounds.grace {
                self.mishaps >= 2
            } else {
                self.unreceived > 0 || (self.row.dead == Some(Death::Lost) && self.mishaps >= 2)
            };
            if lost && !excused {
                return Err("the grant is lost without need".to_owned());
            }
        }
        Ok(())
    }

    /// What must hold of every change.
    fn check_change(&self, next: &World) -> Result<(), String> {
        let revived = self.row.dead.is_some() && next.row.dead.is_none();
        let pair_in_hand = self
            .processes
            .iter()
            .any(|one| matches!(one.step, Step::Holding(from, _) if from == self.row.generation));
        if revived && (!pair_in_hand || self.row.dead == Some(Death::Withdrawn)) {
            return Err("a dead grant came back from nowhere".to_owned());
        }
        if next.row.generation < self.row.generation {
            return Err("an older pair replaced a newer one".to_owned());
        }
        let asks: u8 = self.asks.iter().sum();
        if self.row.dead.is_some() && next.asks.iter().sum::<u8>() > asks {
            let armed = self
                .processes
                .iter()
                .any(|one| matches!(one.step, Step::Armed(..)));
            if !armed {
                return Err("Zoom is asked with a grant that is dead".to_owned());
            }
        }
        Ok(())
    }
}
