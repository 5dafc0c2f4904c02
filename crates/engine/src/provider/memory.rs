//! A provider that keeps its meetings in memory: for tests and for trying things out. What it made is gone with the process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parfocal_formats::recurrence::Unsupported;

use super::{
    Answering, Capabilities, Identity, MeetingChange, MeetingPlan, MeetingProvider, MeetingState,
    OccurrenceState, ProviderMeeting, ProviderOccurrence, ProviderParticipant, ProviderRecording,
    ProviderRegistrant, ProviderTranscript, RegistrantState, Registration,
};
use crate::clock::Clock;
use crate::error::{Code, EngineError, Result};

/// Instances of a series at most.
const MOST: u32 = 400;

/// The provider; clones share their meetings.
#[derive(Debug, Clone)]
pub struct Memory {
    name: &'static str,
    clock: Clock,
    world: Arc<Mutex<World>>,
}

#[derive(Debug, Default)]
struct World {
    made: u64,
    registered: u64,
    meetings: BTreeMap<String, Kept>,
}

#[derive(Debug, Clone)]
struct Kept {
    plan: MeetingPlan,
    meeting: ProviderMeeting,
    registrants: Vec<ProviderRegistrant>,
}

impl Memory {
    /// A provider without meetings.
    pub fn new(name: &'static str, clock: Clock) -> Self {
        Self {
            name,
            clock,
            world: Arc::default(),
        }
    }

    /// How many meetings were ever made.
    pub fn made(&self) -> u64 {
        self.world().made
    }

    /// Somebody registers at the provider itself.
    ///
    /// # Errors
    /// `not_found` for a meeting that is not there, `invalid_input` for one without registration.
    pub fn registers(&self, id: &str, email: &str, name: Option<&str>) -> Result<()> {
        self.take(id, email, name, false).map(drop)
    }

    /// The host lets somebody in, or not.
    pub fn decide(&self, id: &str, email: &str, state: RegistrantState) {
        let mut world = self.world();
        let kept = world.meetings.get_mut(id);
        for one in kept.into_iter().flat_map(|kept| &mut kept.registrants) {
            if one.email.eq_ignore_ascii_case(email) {
                one.state = state;
                one.join_url = Self::door(id, &one.id, state);
            }
        }
    }

    fn door(meeting: &str, registrant: &str, state: RegistrantState) -> Option<String> {
        (state == RegistrantState::Approved)
            .then(|| format!("https://meet.example/{meeting}?for={registrant}"))
    }

    fn take(
        &self,
        id: &str,
        email: &str,
        name: Option<&str>,
        invited: bool,
    ) -> Result<ProviderRegistrant> {
        let mut world = self.world();
        world.registered += 1;
        let number = world.registered;
        let kept = world
            .meetings
            .get_mut(id)
            .ok_or_else(|| EngineError::not_found("meeting", id))?;
        let Some(registration) = kept.plan.registration else {
            return Err(EngineError::invalid("nobody registers for this meeting"));
        };
        let all = &mut kept.registrants;
        if let Some(one) = all
            .iter_mut()
            .find(|one| one.email.eq_ignore_ascii_case(email))
        {
            if invited {
                one.state = RegistrantState::Approved;
                one.join_url = Self::door(id, &one.id, one.state);
            }
            return Ok(one.clone());
        }
        let state = if invited || registration == Registration::Automatic {
            RegistrantState::Approved
        } else {
            RegistrantState::Pending
        };
        let own = format!("r{number}");
        let one = ProviderRegistrant {
            join_url: Self::door(id, &own, state),
            id: own,
            email: email.to_owned(),
            name: name.map(str::to_owned),
            state,
        };
        all.push(one.clone());
        Ok(one)
    }

    /// Every meeting that there is.
    pub fn all(&self) -> Vec<ProviderMeeting> {
        let world = self.world();
        world
            .meetings
            .values()
            .map(|kept| kept.meeting.clone())
            .collect()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn occurrences_of(plan: &MeetingPlan) -> Result<(Option<Timestamp>, Vec<ProviderOccurrence>)> {
        if plan.open {
            return Ok((None, Vec::new()));
        }
        let (start, series) = plan
            .series()
            .map_err(|error| EngineError::invalid(error.to_string()))?;
        let all = series.map_or_else(Vec::new, |series| {
            series
                .instances()
                .take(MOST as usize)
                .filter_map(|one| one.at)
                .map(|at| ProviderOccurrence {
                    id: at.as_millisecond().to_string(),
                    start: at,
                    minutes: plan.minutes,
                    state: OccurrenceState::Available,
                })
                .collect()
        });
        Ok((Some(all.first().map_or(start, |one| one.start)), all))
    }

    fn make(&self, plan: &MeetingPlan) -> Result<ProviderMeeting> {
        let (start, occurrences) = Self::occurrences_of(plan)?;
        let mut world = self.world();
        world.made += 1;
        let id = format!("m{}", world.made);
        let meeting = ProviderMeeting {
            id: id.clone(),
            join_url: format!("https://meet.example/{id}"),
            title: plan.title.clone(),
            agenda: plan.agenda.clone(),
            start,
            minutes: Some(plan.minutes),
            zone: Some(plan.zone.clone()),
            host: plan.host.clone(),
            state: Some(MeetingState::Waiting),
            created: Some(self.clock.now()),
            occurrences,
        };
        let kept = Kept {
            plan: plan.clone(),
            meeting: meeting.clone(),
            registrants: Vec::new(),
        };
        world.meetings.insert(id, kept);
        Ok(meeting)
    }

    fn change(&self, id: &str, occurrence: Option<&str>, change: &MeetingChange) -> Result<()> {
        let mut world = self.world();
        let kept = world
            .meetings
            .get_mut(id)
            .ok_or_else(|| EngineError::not_found("meeting", id))?;
        let mut plan = kept.plan.clone();
        plan.start = change.start.unwrap_or(plan.start);
        plan.zone = change.zone.clone().unwrap_or(plan.zone);
        plan.minutes = change.minutes.unwrap_or(plan.minutes);
        let Some(occurrence) = occurrence else {
            plan.title = change.title.clone().unwrap_or(plan.title);
            plan.agenda = change.agenda.clone().or(plan.agenda);
            plan.recurrence = change.recurrence.clone().or(plan.recurrence);
            let rhythm =
                change.start.is_some() || change.recurrence.is_some() || change.zone.is_some();
            if rhythm || change.minutes.is_some() {
                (kept.meeting.start, kept.meeting.occurrences) = Self::occurrences_of(&plan)?;
            }
            kept.meeting.title.clone_from(&plan.title);
            kept.meeting.agenda.clone_from(&plan.agenda);
            kept.meeting.minutes = Some(plan.minutes);
            kept.meeting.zone = Some(plan.zone.clone());
            kept.plan = plan;
            return Ok(());
        };
        let single = MeetingPlan {
            recurrence: None,
            ..plan
        };
        let (start, _) = Self::occurrences_of(&single)?;
        let one = kept
            .meeting
            .occurrences
            .iter_mut()
            .find(|one| one.id == occurrence && one.state == OccurrenceState::Available)
            .ok_or_else(|| EngineError::not_found("occurrence", occurrence))?;
        if let (Some(_), Some(start)) = (change.start, start) {
            one.start = start;
            one.id = start.as_millisecond().to_string();
        }
        one.minutes = change.minutes.unwrap_or(one.minutes);
        kept.meeting.occurrences.sort_by_key(|one| one.start);
        Ok(())
    }
}

impl MeetingProvider for Memory {
    fn provider_name(&self) -> &str {
        self.name
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            most_occurrences: MOST,
            single_occurrences: true,
            registration: true,
            settles: Duration::ZERO,
        }
    }

    fn check(&self, plan: &MeetingPlan) -> Result<(), Unsupported> {
        let refuse = |part, reason: String| {
            Err(Unsupported {
                system: "The memory",
                part,
                reason,
            })
        };
        let Some(recurrence) = plan.recurrence.as_ref().filter(|_| !plan.open) else {
            return Ok(());
        };
        let count = plan
            .series()
            .ok()
            .and_then(|(_, series)| series)
            .map_or(0, |series| {
                series.instances().take(MOST as usize + 1).count()
            });
        if recurrence.rule.end == parfocal_formats::recurrence::End::Never || count > MOST as usize
        {
            return refuse(
                "COUNT",
                format!("a series has {MOST} meetings at most, and ends"),
            );
        }
        Ok(())
    }

    fn authenticate(&self) -> Answering<'_, Identity> {
        Box::pin(async {
            Ok(Identity {
                account: self.name.to_owned(),
                name: None,
            })
        })
    }

    fn create<'a>(&'a self, plan: &'a MeetingPlan) -> Answering<'a, ProviderMeeting> {
        Box::pin(async { self.make(plan) })
    }

    fn find<'a>(
        &'a self,
        plan: &'a MeetingPlan,
        since: Timestamp,
    ) -> Answering<'a, Option<ProviderMeeting>> {
        Box::pin(async move {
            let since = since
                .saturating_sub(SignedDuration::from_mins(5))
                .unwrap_or(Timestamp::MIN);
            let world = self.world();
            let mut carrying = world.meetings.values().filter(|kept| {
                kept.plan.key == plan.key && kept.meeting.created.is_some_and(|at| at >= since)
            });
            let first = carrying.next().map(|kept| kept.meeting.clone());
            if carrying.next().is_some() {
                return Err(EngineError::new(
                    Code::OutcomeUnknown,
                    "several meetings carry the key",
                ));
            }
            Ok(first)
        })
    }

    fn get<'a>(&'a self, id: &'a str) -> Answering<'a, Option<ProviderMeeting>> {
        Box::pin(async move {
            let world = self.world();
            Ok(world.meetings.get(id).map(|kept| kept.meeting.clone()))
        })
    }

    fn update<'a>(
        &'a self,
        id: &'a str,
        occurrence: Option<&'a str>,
        change: &'a MeetingChange,
    ) -> Answering<'a, ()> {
        Box::pin(async move { self.change(id, occurrence, change) })
    }

    fn delete<'a>(&'a self, id: &'a str, occurrence: Option<&'a str>) -> Answering<'a, ()> {
        Box::pin(async move {
            let mut world = self.world();
            let Some(occurrence) = occurrence else {
                world.meetings.remove(id);
                return Ok(());
            };
            let one = world.meetings.get_mut(id).and_then(|kept| {
                let all = &mut kept.meeting.occurrences;
                all.iter_mut().find(|one| one.id == occurrence)
            });
            if let Some(one) = one {
                one.state = OccurrenceState::Deleted;
            }
            Ok(())
        })
    }

    fn list<'a>(&'a self, host: Option<&'a str>) -> Answering<'a, Vec<ProviderMeeting>> {
        Box::pin(async move {
            let all = self.all().into_iter();
            Ok(all
                .filter(|one| host.is_none() || one.host.as_deref() == host)
                .collect())
        })
    }

    fn occurrences<'a>(&'a self, id: &'a str) -> Answering<'a, Vec<ProviderOccurrence>> {
        Box::pin(async move {
            let world = self.world();
            let kept = world.meetings.get(id);
            Ok(kept.map_or_else(Vec::new, |kept| kept.meeting.occurrences.clone()))
        })
    }

    fn registrants<'a>(&'a self, id: &'a str) -> Answering<'a, Vec<ProviderRegistrant>> {
        Box::pin(async move {
            let world = self.world();
            let kept = world.meetings.get(id);
            Ok(kept.map_or_else(Vec::new, |kept| kept.registrants.clone()))
        })
    }

    fn register<'a>(
        &'a self,
        id: &'a str,
        email: &'a str,
        name: Option<&'a str>,
    ) -> Answering<'a, ProviderRegistrant> {
        Box::pin(async move { self.take(id, email, name, true) })
    }

    fn unregister<'a>(
        &'a self,
        id: &'a str,
        registrant: &'a ProviderRegistrant,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let mut world = self.world();
            if let Some(kept) = world.meetings.get_mut(id) {
                kept.registrants.retain(|one| one.id != registrant.id);
            }
            Ok(())
        })
    }

    fn participants<'a>(&'a self, _id: &'a str) -> Answering<'a, Vec<ProviderParticipant>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    fn recording<'a>(&'a self, _id: &'a str) -> Answering<'a, Option<ProviderRecording>> {
        Box::pin(async { Ok(None) })
    }

    fn transcript<'a>(&'a self, _id: &'a str) -> Answering<'a, Option<ProviderTranscript>> {
        Box::pin(async { Ok(None) })
    }
}
