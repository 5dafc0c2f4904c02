//! The model's row against the store's: every state that two holders can bring a row into, and everything that either
//! can do there, done to a real row on both engines; answers and what is stored afterwards must be the model's.

use std::collections::{HashMap, HashSet, VecDeque};

use jiff::{SignedDuration, Timestamp};
use parfocal_engine::App;
use parfocal_engine::store::{
    AppKind, ErrorKind, Grant, GrantId, GrantLease, GrantTokens, LatePair, LeaseAnswer, NewApp,
    NewGrant, Provider, RefreshRelease,
};
use parfocal_zoom::auth::protocol::{self, Late};

use crate::core_support::{config, manual, on_both_stores, open};
use crate::refresh_model::{Death, Lease, Row};

on_both_stores! {
    the_store_does_with_a_row_what_the_model_does;
}

/// How far generations and unanswered asks go.
const MOST: u8 = 2;
/// How long a lease runs.
const LEASE: SignedDuration = SignedDuration::from_secs(30);

/// What one of two holders can do, or time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Act {
    Lease(usize),
    Intend(usize),
    /// Store a pair made from the generation that was leased.
    Store(usize),
    Kill(usize, Death),
    Release(usize, bool),
    RunOut,
    Withdraw,
}

/// What a holder remembers of its lease: the generation, and whether the row still knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Held {
    generation: u8,
    mine: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct State {
    row: Row,
    held: [Option<Held>; 2],
}

/// What came of an act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Yes,
    No,
    Wait,
}

impl State {
    fn acts(&self) -> Vec<Act> {
        let mut acts = Vec::new();
        for who in 0..2 {
            acts.push(Act::Lease(who));
            let Some(held) = self.held[who] else { continue };
            if self.row.asked <= MOST {
                acts.push(Act::Intend(who));
            }
            if held.generation < MOST {
                acts.push(Act::Store(who));
            }
            acts.push(Act::Kill(who, Death::Refused));
            acts.push(Act::Kill(who, Death::Lost));
            acts.push(Act::Release(who, false));
            acts.push(Act::Release(who, true));
        }
        if self.row.lease == Lease::Running {
            acts.push(Act::RunOut);
        }
        if self.row.generation < MOST {
            acts.push(Act::Withdraw);
        }
        acts
    }

    /// The model's answer.
    fn act(&mut self, act: Act) -> Said {
        let yes = |it: bool| if it { Said::Yes } else { Said::No };
        match act {
            Act::Lease(who) => {
                if !self.row.lease() {
                    return Said::No;
                }
                self.forget();
                self.held[who] = Some(Held {
                    generation: self.row.generation,
                    mine: true,
                });
                Said::Yes
            }
            Act::Intend(who) => {
                yes(self.held[who].is_some_and(|held| self.row.intend(held.mine, held.generation)))
            }
            Act::Store(who) => {
                let Some(held) = self.held[who] else {
                    return Said::No;
                };
                let pair = held.generation + 1;
                match self.row.store(held.generation, pair, held.mine) {
                    Late::Store => {
                        self.forget();
                        self.held[who] = None;
                        Said::Yes
                    }
                    Late::Wait => Said::Wait,
                    Late::Drop => Said::No,
                }
            }
            Act::Kill(who, why) => {
                let Some(held) = self.held[who] else {
                    return Said::No;
                };
                let killed = self.row.kill(held.generation, why);
                if killed {
                    self.forget();
                }
                yes(killed)
            }
            Act::Release(who, without_effect) => {
                if let Some(held) = self.held[who].take() {
                    self.row.release(held.mine, without_effect);
                }
                Said::Yes
            }
            Act::RunOut => {
                self.row.lease = Lease::RunOut;
                Said::Yes
            }
            Act::Withdraw => {
                self.row.withdraw();
                self.forget();
                Said::Yes
            }
        }
    }

    fn forget(&mut self) {
        for held in self.held.iter_mut().flatten() {
            held.mine = false;
        }
    }
}

/// The same on a real row.
struct Real<'a> {
    app: &'a App,
    id: GrantId,
    now: Timestamp,
    held: [Option<GrantLease>; 2],
}

/// A pair is known by when its access token ends.
fn tokens(pair: u8) -> GrantTokens {
    GrantTokens {
        scopes: vec!["user:read:user".to_owned()],
        api_url: None,
        access_exp: Timestamp::from_second(2_000_000_000 + i64::from(pair)).ok(),
    }
}

impl Real<'_> {
    async fn act(&mut self, act: Act) -> Said {
        let (store, scope) = (self.app.store(), self.app.scope());
        match act {
            Act::Lease(who) => {
                let until = self.now + LEASE;
                let answer = store.lease_grant(scope, self.id, self.now, until).await;
                let LeaseAnswer::Held { lease, .. } = answer.unwrap() else {
                    return Said::No;
                };
                self.held[who] = Some(lease);
                Said::Yes
            }
            Act::Intend(who) => {
                let Some(lease) = &self.held[who] else {
                    return Said::No;
                };
                match store.begin_refresh(scope, lease, self.now).await {
                    Ok(()) => Said::Yes,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::LeaseLost);
                        Said::No
                    }
                }
            }
            Act::Store(who) => self.store(who).await,
            Act::Kill(who, why) => {
                let Some(lease) = &self.held[who] else {
                    return Said::No;
                };
                let reason = format!("{why:?}");
                let mut tx = store.begin(scope).await.unwrap();
                let killed = tx
                    .kill_grant(self.id, lease.generation, &reason, self.now)
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
                if killed { Said::Yes } else { Said::No }
            }
            Act::Release(who, without_effect) => {
                let how = if without_effect {
                    RefreshRelease::WithoutEffect { pause_until: None }
                } else {
                    let asked = i64::from(protocol::SILENCE);
                    RefreshRelease::Unanswered { asked }
                };
                if let Some(lease) = self.held[who].take() {
                    store.release_grant(scope, &lease, how).await.unwrap();
                }
                Said::Yes
            }
            Act::RunOut => {
                self.now += LEASE;
                Said::Yes
            }
            Act::Withdraw => {
                let mut tx = store.begin(scope).await.unwrap();
                tx.withdraw_grant(self.id, "Withdrawn", self.now)
                    .await
                    .unwrap();
                tx.commit().await.unwrap();
                Said::Yes
            }
        }
    }

    /// As a holder of a pair does: under its lease if that still counts, else as a late one.
    async fn store(&mut self, who: usize) -> Said {
        let Some(lease) = self.held[who].clone() else {
            return Said::No;
        };
        let (store, scope) = (self.app.store(), self.app.scope());
        let made_from = lease.generation;
        let pair = tokens(u8::try_from(made_from).unwrap() + 1);
        let mut tx = store.begin(scope).await.unwrap();
        match tx.store_refreshed(&lease, &pair, self.now).await {
            Ok(()) => {
                tx.commit().await.unwrap();
                self.held[who] = None;
                return Said::Yes;
            }
            Err(error) => assert_eq!(error.kind(), ErrorKind::LeaseLost),
        }
        drop(tx);
        let mut tx = store.begin(scope).await.unwrap();
        let late = tx
            .store_late(self.id, made_from, &pair, self.now)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        match late {
            LatePair::Stored => {
                self.held[who] = None;
                Said::Yes
            }
            LatePair::Wait { .. } => Said::Wait,
            LatePair::Superseded => Said::No,
        }
    }

    /// The row as the model has it.
    async fn row(&self) -> Row {
        let row: Grant = self
            .app
            .store()
            .grant(self.app.scope(), self.id)
            .await
            .unwrap()
            .unwrap();
        let exp = row.access_exp.unwrap().as_second() - 2_000_000_000;
        Row {
            generation: u8::try_from(row.generation).unwrap(),
            pair: u8::try_from(exp).unwrap(),
            lease: match row.lease_until {
                None => Lease::Free,
                Some(until) if until > self.now => Lease::Running,
                Some(_) => Lease::RunOut,
            },
            asked: u8::try_from(row.asked).unwrap(),
            dead: row.dead_reason.map(|reason| {
                [Death::Refused, Death::Lost, Death::Withdrawn]
                    .into_iter()
                    .find(|death| format!("{death:?}") == reason)
                    .unwrap()
            }),
        }
    }
}

/// Everything that is to be tried: each state that can be reached with all that can be done in it.
fn edges() -> HashMap<State, Vec<Act>> {
    let start = State {
        row: Row::fresh(),
        held: [None, None],
    };
    let mut all = HashMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(state) = queue.pop_front() {
        if all.contains_key(&state) {
            continue;
        }
        let acts = state.acts();
        for act in &acts {
            let mut next = state;
            next.act(*act);
            queue.push_back(next);
        }
        all.insert(state, acts);
    }
    all
}

/// The shortest way from a state to one where something is untried.
fn way(from: State, all: &HashMap<State, Vec<Act>>, done: &HashSet<(State, Act)>) -> Vec<Act> {
    let mut seen = HashSet::from([from]);
    let mut queue = VecDeque::from([(from, Vec::new())]);
    while let Some((state, way)) = queue.pop_front() {
        for act in &all[&state] {
            let mut way = way.clone();
            way.push(*act);
            if !done.contains(&(state, *act)) {
                return way;
            }
            let mut next = state;
            next.act(*act);
            if seen.insert(next) {
                queue.push_back((next, way));
            }
        }
    }
    Vec::new()
}

async fn the_store_does_with_a_row_what_the_model_does() {
    let dir = tempfile::tempdir().unwrap();
    let (_, clock) = manual();
    let app = open(config(dir.path()), &clock).await;
    let now = app.clock().now();
    let mut tx = app.store().begin(app.scope()).await.unwrap();
    let new = NewApp {
        provider: Provider::Zoom,
        kind: AppKind::User,
        name: "rows".to_owned(),
        client_id: "rows".to_owned(),
        secret_ref: None,
        webhook_secrets: Vec::new(),
        public: true,
    };
    let app_id = tx.upsert_app(&new, now).await.unwrap().id;
    tx.commit().await.unwrap();

    let all = edges();
    let total: usize = all.values().map(Vec::len).sum();
    let mut done: HashSet<(State, Act)> = HashSet::new();
    let mut rows = 0;
    while done.len() < total {
        // A row that has come where nothing is left to try gives way to a new one.
        rows += 1;
        let new = NewGrant {
            app_id,
            provider: Provider::Zoom,
            subject_external_id: format!("user-{rows}"),
            tokens: tokens(1),
        };
        let mut tx = app.store().begin(app.scope()).await.unwrap();
        let id = tx.upsert_grant(&new, now).await.unwrap();
        tx.commit().await.unwrap();
        let mut real = Real {
            app: &app,
            id,
            now,
            held: [None, None],
        };
        let mut state = State {
            row: Row::fresh(),
            held: [None, None],
        };
        let mut trace = Vec::new();
        loop {
            let way = way(state, &all, &done);
            if way.is_empty() {
                break;
            }
            for act in way {
                let before = state;
                trace.push(act);
                let expected = state.act(act);
                assert_eq!(real.act(act).await, expected, "{before:?}: {trace:?}");
                assert_eq!(real.row().await, state.row, "{before:?}: {trace:?}");
                done.insert((before, act));
            }
        }
    }
    eprintln!("{} states, {total} acts, {rows} rows", all.len());
    assert!(all.len() > 100, "{}", all.len());
    app.stop().await;
}
