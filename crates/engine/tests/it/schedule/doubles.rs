//! An outside that does as it is told: a provider, a calendar and a mailbox that fail, lose answers and hang where a test says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use parfocal_engine::calendar::{
    Answering, Busy, Calendar, CalendarEvent, Changes, EventRef, TimeSpan,
};
use parfocal_engine::notify::{Invitation, Invitations, Sent};
use parfocal_engine::provider::{
    Capabilities, Identity, MeetingChange, MeetingPlan, MeetingProvider, Memory, ProviderMeeting,
    ProviderOccurrence, ProviderParticipant, ProviderRecording, ProviderRegistrant,
    ProviderTranscript,
};
use parfocal_engine::{App, Code, EngineError, Result};
use parfocal_formats::recurrence::Unsupported;
use tokio::sync::Notify;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It fails, with nothing done.
    FailBefore(Code),
    /// It is done, and fails.
    FailAfter(Code),
    /// It never comes back, with nothing done.
    HangBefore,
    /// It is done, and never comes back.
    HangAfter,
}

/// Which calls have which fates.
#[derive(Debug, Default)]
pub(super) struct Script {
    fates: Mutex<Vec<(&'static str, Fate, bool)>>,
    hung: Notify,
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Script {
    /// The next call of an operation has this fate.
    pub(super) fn once(&self, operation: &'static str, fate: Fate) {
        lock(&self.fates).push((operation, fate, false));
    }

    /// Every call of an operation has this fate.
    pub(super) fn always(&self, operation: &'static str, fate: Fate) {
        lock(&self.fates).push((operation, fate, true));
    }

    pub(super) fn calm(&self) {
        lock(&self.fates).clear();
    }

    /// Whether every fate was met.
    pub(super) fn is_used(&self) -> bool {
        lock(&self.fates).iter().all(|(_, _, always)| *always)
    }

    /// Waits until some call hangs.
    pub(super) async fn hung(&self) {
        self.hung.notified().await;
    }

    async fn call<T>(&self, operation: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        let fate = {
            let mut fates = lock(&self.fates);
            let place = fates.iter().position(|(known, _, _)| *known == operation);
            place.map(|place| {
                let (_, fate, always) = fates[place];
                if !always {
                    fates.remove(place);
                }
                fate
            })
        };
        let fail = |code| {
            Err(EngineError::new(
                code,
                format!("{operation} was told to fail"),
            ))
        };
        match fate {
            None => work.await,
            Some(Fate::FailBefore(code)) => fail(code),
            Some(Fate::FailAfter(code)) => {
                work.await?;
                fail(code)
            }
            Some(Fate::HangBefore) => self.hang().await,
            Some(Fate::HangAfter) => {
                work.await?;
                self.hang().await
            }
        }
    }

    async fn hang<T>(&self) -> Result<T> {
        self.hung.notify_one();
        std::future::pending().await
    }
}

/// The memory's meetings behind a script.
#[derive(Debug)]
pub(super) struct Provider(pub(super) Memory, pub(super) Arc<Script>);

impl MeetingProvider for Provider {
    fn provider_name(&self) -> &str {
        self.0.provider_name()
    }
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }
    fn check(&self, plan: &MeetingPlan) -> std::result::Result<(), Unsupported> {
        self.0.check(plan)
    }
    fn authenticate(&self) -> Answering<'_, Identity> {
        self.0.authenticate()
    }
    fn create<'a>(&'a self, plan: &'a MeetingPlan) -> Answering<'a, ProviderMeeting> {
        Box::pin(self.1.call("create", self.0.create(plan)))
    }
    fn find<'a>(
        &'a self,
        plan: &'a MeetingPlan,
        since: Timestamp,
    ) -> Answering<'a, Option<ProviderMeeting>> {
        Box::pin(self.1.call("find", self.0.find(plan, since)))
    }
    fn get<'a>(&'a self, id: &'a str) -> Answering<'a, Option<ProviderMeeting>> {
        self.0.get(id)
    }
    fn update<'a>(
        &'a self,
        id: &'a str,
        occurrence: Option<&'a str>,
        change: &'a MeetingChange,
    ) -> Answering<'a, ()> {
        Box::pin(self.1.call("update", self.0.update(id, occurrence, change)))
    }
    fn delete<'a>(&'a self, id: &'a str, occurrence: Option<&'a str>) -> Answering<'a, ()> {
        Box::pin(self.1.call("delete", self.0.delete(id, occurrence)))
    }
    fn list<'a>(&'a self, host: Option<&'a str>) -> Answering<'a, Vec<ProviderMeeting>> {
        self.0.list(host)
    }
    fn occurrences<'a>(&'a self, id: &'a str) -> Answering<'a, Vec<ProviderOccurrence>> {
        Box::pin(self.1.call("occurrences", self.0.occurrences(id)))
    }
    fn registrants<'a>(&'a self, id: &'a str) -> Answering<'a, Vec<ProviderRegistrant>> {
        self.0.registrants(id)
    }
    fn register<'a>(
        &'a self,
        id: &'a str,
        email: &'a str,
        name: Option<&'a str>,
    ) -> Answering<'a, ProviderRegistrant> {
        Box::pin(self.1.call("register", self.0.register(id, email, name)))
    }
    fn unregister<'a>(
        &'a self,
        id: &'a str,
        registrant: &'a ProviderRegistrant,
    ) -> Answering<'a, ()> {
        Box::pin(self.1.call("unregister", self.0.unregister(id, registrant)))
    }
    fn participants<'a>(&'a self, id: &'a str) -> Answering<'a, Vec<ProviderParticipant>> {
        self.0.participants(id)
    }
    fn recording<'a>(&'a self, id: &'a str) -> Answering<'a, Option<ProviderRecording>> {
        self.0.recording(id)
    }
    fn transcript<'a>(&'a self, id: &'a str) -> Answering<'a, Option<ProviderTranscript>> {
        self.0.transcript(id)
    }
}

/// A calendar in memory behind a script.
#[derive(Debug)]
pub(super) struct Pages {
    pub(super) script: Arc<Script>,
    pub(super) events: Mutex<BTreeMap<String, CalendarEvent>>,
    pub(super) busy: Mutex<BTreeMap<String, Vec<TimeSpan>>>,
}

impl Pages {
    pub(super) fn new(script: &Arc<Script>) -> Self {
        Self {
            script: Arc::clone(script),
            events: Mutex::default(),
            busy: Mutex::default(),
        }
    }

    pub(super) fn all(&self) -> Vec<CalendarEvent> {
        lock(&self.events).values().cloned().collect()
    }

    fn place(key: &str) -> EventRef {
        EventRef {
            calendar: "pages".to_owned(),
            id: key.to_owned(),
            etag: None,
            link: None,
        }
    }
}

impl Calendar for Pages {
    fn name(&self) -> &'static str {
        "pages"
    }
    fn check(&self, _event: &CalendarEvent) -> Result<()> {
        Ok(())
    }
    fn put<'a>(
        &'a self,
        event: &'a CalendarEvent,
        _known: Option<&'a EventRef>,
    ) -> Answering<'a, EventRef> {
        let work = async {
            lock(&self.events).insert(event.key.clone(), event.clone());
            Ok(Self::place(&event.key))
        };
        Box::pin(self.script.call("put", work))
    }
    fn find<'a>(&'a self, key: &'a str) -> Answering<'a, Option<EventRef>> {
        Box::pin(async move {
            Ok(lock(&self.events)
                .contains_key(key)
                .then(|| Self::place(key)))
        })
    }
    fn get<'a>(&'a self, event: &'a EventRef) -> Answering<'a, Option<CalendarEvent>> {
        Box::pin(async move { Ok(lock(&self.events).get(&event.id).cloned()) })
    }
    fn remove<'a>(&'a self, event: &'a EventRef) -> Answering<'a, ()> {
        let work = async {
            lock(&self.events).remove(&event.id);
            Ok(())
        };
        Box::pin(self.script.call("remove", work))
    }
    fn busy<'a>(
        &'a self,
        _window: TimeSpan,
        people: &'a [String],
    ) -> Answering<'a, BTreeMap<String, Busy>> {
        Box::pin(async move {
            let known = lock(&self.busy);
            Ok(people
                .iter()
                .map(|one| {
                    let spans = known.get(one).cloned();
                    let unknown = Busy::Unknown {
                        reason: "not of this calendar".to_owned(),
                    };
                    (one.clone(), spans.map_or(unknown, Busy::Known))
                })
                .collect())
        })
    }
    fn changes<'a>(&'a self, _since: Option<&'a str>) -> Answering<'a, Changes> {
        Box::pin(async {
            Ok(Changes {
                events: Vec::new(),
                next: None,
                full_resync: false,
            })
        })
    }
}

/// A mailbox in memory behind a script. A key that was sent is not sent again.
#[derive(Debug)]
pub(super) struct Mailbox {
    pub(super) script: Arc<Script>,
    pub(super) sent: Mutex<Vec<Invitation>>,
}

impl Mailbox {
    pub(super) fn new(script: &Arc<Script>) -> Self {
        Self {
            script: Arc::clone(script),
            sent: Mutex::default(),
        }
    }

    pub(super) fn all(&self) -> Vec<Invitation> {
        lock(&self.sent).clone()
    }
}

impl Invitations for Mailbox {
    fn name(&self) -> &'static str {
        "mail"
    }
    fn send<'a>(&'a self, _app: &'a App, invitation: &'a Invitation) -> Answering<'a, Sent> {
        let work = async {
            let mut sent = lock(&self.sent);
            let before = sent.iter().any(|one| one.key == invitation.key);
            if !before {
                sent.push(invitation.clone());
            }
            Ok(Sent {
                id: format!("<{}>", invitation.key),
                before,
            })
        };
        Box::pin(self.script.call("send", work))
    }
}
