//! Everything about one person, from what is kept: the same rows give the same file, whatever told of them.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use parfocal_store::{
    InstanceState, InteractionKind, MeetingKind, PersonAction, PersonId, PersonInteraction,
    PersonRegistration, PersonRun, Scope,
};
use serde_json::{Map, Value, json};

use super::model::{Consent, LastMeeting, MeetingFacts, Moment, MomentKind, Person, PersonFile};
use crate::App;
use crate::error::Result;
use crate::ingest::Facts;

/// Who leaves so long before the end has left early, if it is more than [`EARLY_PART`] of the meeting as well.
const EARLY: SignedDuration = SignedDuration::from_mins(10);
/// The part of a meeting, as its divisor.
const EARLY_PART: i32 = 6;
/// Most answers and questions of a person that are told of.
const MOST_ANSWERS: u32 = 1_000;
/// A run belongs to an occurrence when it began within so much of its planned start.
const SAME_OCCURRENCE: SignedDuration = SignedDuration::from_hours(12);

/// The file of a person; none when nobody knows an address of them, or there is no such person.
pub(super) async fn file(app: &App, scope: Scope, id: PersonId) -> Result<Option<PersonFile>> {
    let store = app.store();
    let Some(row) = store.person(scope, id).await? else {
        return Ok(None);
    };
    let emails: Vec<String> = store
        .person_identities(scope, id)
        .await?
        .into_iter()
        .filter_map(|(kind, value)| (kind == "email").then_some(value))
        .collect();
    let users = store.person_users(scope, id).await?;
    let registrations = store.person_registrations(scope, id).await?;
    let runs = visits(store.person_runs(scope, id).await?);
    let actions = store.person_actions(scope, id).await?;
    let Some(email) = primary(&emails, &users, &registrations) else {
        return Ok(None);
    };
    let mut missed = Vec::new();
    for registration in &registrations {
        if let Some(at) = no_show(app, scope, registration, &runs).await? {
            missed.push((registration, at));
        }
    }
    let now = app.clock().now();
    let mut moments = Vec::new();
    for visit in &runs {
        moments.extend(attended(visit, id));
    }
    for registration in &registrations {
        moments.extend(registered(registration));
    }
    for (registration, at) in &missed {
        moments.push(moment(
            format!(
                "no_show/{}/{}",
                registration.number, registration.registrant_id
            ),
            MomentKind::NoShow,
            *at,
            of_registration(registration),
            json!({"registrant_id": registration.registrant_id}),
        ));
    }
    let answers = store.person_interactions(scope, id, MOST_ANSWERS).await?;
    moments.extend(answers.iter().map(answered));
    moments.extend(actions.iter().map(action));
    moments.sort_by(|a, b| a.at.cmp(&b.at).then_with(|| a.key.cmp(&b.key)));
    let person = person(
        id,
        email,
        emails,
        &users,
        &registrations,
        &runs,
        missed.len(),
        &actions,
        row.consent.map(|consent| Consent {
            granted: consent.granted,
            source: consent.source,
            at: consent.at,
        }),
        now,
    );
    Ok(Some(PersonFile { person, moments }))
}

/// All stays of a person in one run.
#[derive(Debug, Clone)]
struct Visit {
    run: PersonRun,
    join: Timestamp,
    leave: Option<Timestamp>,
    /// Somebody who is on two devices is there once.
    minutes: i64,
}

fn visits(rows: Vec<PersonRun>) -> Vec<Visit> {
    let mut by_run: BTreeMap<(Timestamp, String), Vec<PersonRun>> = BTreeMap::new();
    for row in rows {
        let start = row.start.unwrap_or(row.stay.join);
        by_run
            .entry((start, row.uuid.clone()))
            .or_default()
            .push(row);
    }
    by_run.into_values().filter_map(visit).collect()
}

fn visit(mut rows: Vec<PersonRun>) -> Option<Visit> {
    rows.sort_by_key(|row| (row.stay.join, row.stay.leave));
    let join = rows.first()?.stay.join;
    let mut leave = None;
    let mut seconds = 0;
    let mut counted = join;
    for row in &rows {
        let Some(end) = row.stay.leave else { continue };
        let from = row.stay.join.max(counted);
        if end > from {
            seconds += end.duration_since(from).as_secs();
            counted = end;
        }
        leave = leave.max(Some(end));
    }
    if rows.iter().any(|row| row.stay.leave.is_none()) {
        leave = None;
    }
    let mut run = rows.first()?.clone();
    run.role = rows.iter().filter_map(|row| row.role.clone()).min();
    run.registrant_id = rows
        .iter()
        .filter_map(|row| row.registrant_id.clone())
        .min();
    run.name = rows.iter().filter_map(|row| row.name.clone()).max();
    Some(Visit {
        run,
        join,
        leave,
        minutes: (seconds + 30) / 60,
    })
}

/// The address to write to: a user's own, else the one that the person registered with, else the first by the alphabet.
fn primary(
    emails: &[String],
    users: &[(Option<String>, Option<String>)],
    registrations: &[PersonRegistration],
) -> Option<String> {
    let known = |email: &String| emails.contains(email);
    let user = users
        .iter()
        .filter_map(|(email, _)| email.clone())
        .filter(known)
        .min();
    let typed = registrations
        .iter()
        .filter_map(|one| one.email.clone())
        .filter(known)
        .min();
    user.or(typed).or_else(|| emails.iter().min().cloned())
}

/// When it was clear that a registered person did not come: the end of the first run that the registration is for and of
/// which it is known who was there. None while that is open, or when the person was in any of them.
async fn no_show(
    app: &App,
    scope: Scope,
    registration: &PersonRegistration,
    visits: &[Visit],
) -> Result<Option<Timestamp>> {
    if matches!(
        registration.status.as_deref(),
        Some("pending" | "denied" | "cancelled")
    ) {
        return Ok(None);
    }
    let runs = app
        .store()
        .attended_runs(scope, registration.account_id, &registration.number)
        .await?;
    let meant: Vec<_> = runs
        .into_iter()
        .filter(
            |(_, start, _)| match (&registration.occurrence_id, registration.start, start) {
                (Some(_), Some(planned), Some(start)) => {
                    start.duration_since(planned).abs() <= SAME_OCCURRENCE
                }
                (Some(_), ..) => false,
                (None, ..) => true,
            },
        )
        .collect();
    let came = meant
        .iter()
        .any(|(uuid, ..)| visits.iter().any(|visit| visit.run.uuid == *uuid));
    Ok(if came {
        None
    } else {
        meant.first().map(|(_, _, end)| *end)
    })
}

fn moment(
    key: String,
    kind: MomentKind,
    at: Timestamp,
    meeting: MeetingFacts,
    details: Value,
) -> Moment {
    let details = match details {
        Value::Object(details) => details
            .into_iter()
            .filter(|(_, value)| !value.is_null())
            .collect(),
        _ => Map::new(),
    };
    Moment {
        key,
        kind,
        at,
        meeting,
        details,
    }
}

fn attended(visit: &Visit, person: PersonId) -> Vec<Moment> {
    let run = &visit.run;
    let meeting = of_run(run);
    // Until the run is over nobody knows how long it was.
    let Some(end) = run.end.filter(|_| run.state == InstanceState::Ended) else {
        return Vec::new();
    };
    let leave = visit.leave.unwrap_or(end);
    let details = json!({
        "join_time": visit.join, "leave_time": leave, "minutes": visit.minutes, "role": run.role,
        "registrant_id": run.registrant_id,
    });
    let mut moments = vec![moment(
        format!("attended/{}/{person}", run.uuid),
        MomentKind::Attended,
        visit.join,
        meeting.clone(),
        details.clone(),
    )];
    let before = end.duration_since(leave);
    let length = end.duration_since(run.start.unwrap_or(visit.join));
    if before >= EARLY && before > length / EARLY_PART {
        moments.push(moment(
            format!("left_early/{}/{person}", run.uuid),
            MomentKind::LeftEarly,
            leave,
            meeting,
            details,
        ));
    }
    moments
}

fn registered(one: &PersonRegistration) -> Vec<Moment> {
    let facts = Facts::parse(Some(&one.raw));
    let at = facts
        .instant("create_time")
        .or_else(|| facts.instant("registration_time"))
        .unwrap_or(one.said_at);
    let details = json!({
        "registrant_id": one.registrant_id, "occurrence_id": one.occurrence_id, "name": one.name,
        "source": facts.text("source_name").or_else(|| facts.text("source_id")),
        "answers": facts.get("custom_questions"),
    });
    let key = |word: &str| format!("{word}/{}/{}", one.number, one.registrant_id);
    let mut moments = vec![moment(
        key("registered"),
        MomentKind::Registered,
        at,
        of_registration(one),
        details.clone(),
    )];
    let (kind, word) = match one.status.as_deref() {
        Some("approved") => (MomentKind::Approved, "approved"),
        Some("denied") => (MomentKind::Denied, "denied"),
        Some("cancelled") => (MomentKind::Cancelled, "cancelled"),
        _ => return moments,
    };
    let settled = facts
        .stamp("status")
        .and_then(|stamp| Timestamp::from_millisecond(stamp.at_ms).ok())
        .unwrap_or(one.said_at)
        .max(at);
    moments.push(moment(
        key(word),
        kind,
        settled,
        of_registration(one),
        details,
    ));
    moments
}

fn action(one: &PersonAction) -> Moment {
    let meeting = MeetingFacts {
        number: one.number.clone(),
        uuid: one.uuid.clone(),
        webinar: one.webinar,
        topic: one.topic.clone(),
        start: one.start,
        ..MeetingFacts::default()
    };
    moment(
        format!("action/{}", one.id),
        MomentKind::ActionItem,
        one.first_at,
        meeting,
        json!({"text": one.text, "due": one.due, "state": one.state}),
    )
}

fn answered(one: &PersonInteraction) -> Moment {
    let said = &one.interaction;
    let meeting = MeetingFacts {
        number: one.number.clone(),
        uuid: Some(one.uuid.clone()),
        webinar: one.webinar,
        topic: one.topic.clone(),
        host_email: one.host_email.clone(),
        start: one.start,
        ..MeetingFacts::default()
    };
    let kind = match said.kind {
        InteractionKind::Question => MomentKind::QuestionAsked,
        _ => MomentKind::PollAnswered,
    };
    let at = said.said_at.or(one.start).unwrap_or(one.first_seen);
    moment(
        format!("{}/{}/{}", said.kind, one.uuid, said.external_id),
        kind,
        at,
        meeting,
        json!({"question": said.question, "answer": said.answer, "poll_id": said.poll_id}),
    )
}

fn of_run(run: &PersonRun) -> MeetingFacts {
    MeetingFacts {
        number: run.number.clone(),
        uuid: Some(run.uuid.clone()),
        webinar: run.kind == MeetingKind::Webinar,
        topic: run.topic.clone(),
        host_email: run.host_email.clone(),
        host_user_id: run.host_user_id.clone(),
        start: run.start,
        minutes: run
            .start
            .zip(run.end)
            .map(|(start, end)| (end.duration_since(start).as_secs() + 30) / 60),
        tracking: tracking(run.series_raw.as_deref()),
        join_url: run.join_url.clone(),
    }
}

fn of_registration(one: &PersonRegistration) -> MeetingFacts {
    MeetingFacts {
        number: Some(one.number.clone()),
        uuid: None,
        webinar: one.kind == MeetingKind::Webinar,
        topic: one.topic.clone(),
        host_email: one.host_email.clone(),
        host_user_id: one.host_user_id.clone(),
        start: one.start,
        minutes: one.minutes,
        tracking: tracking(Some(&one.series_raw)),
        join_url: one.join_url.clone(),
    }
}

fn tracking(raw: Option<&str>) -> BTreeMap<String, String> {
    let facts = Facts::parse(raw);
    let fields = facts.get("tracking_fields").and_then(Value::as_array);
    fields
        .into_iter()
        .flatten()
        .filter_map(|field| {
            let value = field
                .get("value")?
                .as_str()
                .filter(|value| !value.is_empty())?;
            Some((field.get("field")?.as_str()?.to_owned(), value.to_owned()))
        })
        .collect()
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is one of the lists that a file is made of, and they are made at one place"
)]
fn person(
    id: PersonId,
    email: String,
    emails: Vec<String>,
    users: &[(Option<String>, Option<String>)],
    registrations: &[PersonRegistration],
    visits: &[Visit],
    missed: usize,
    actions: &[PersonAction],
    consent: Option<Consent>,
    now: Timestamp,
) -> Person {
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let over: Vec<&Visit> = visits
        .iter()
        .filter(|visit| visit.run.state == InstanceState::Ended)
        .collect();
    let last = over.last().map(|visit| LastMeeting {
        topic: visit.run.topic.clone(),
        start: visit.run.start.unwrap_or(visit.join),
        minutes: visit.minutes,
    });
    // The latest registration says best how the person writes their name.
    let latest = registrations.iter().max_by(|a, b| {
        a.said_at
            .cmp(&b.said_at)
            .then_with(|| a.registrant_id.cmp(&b.registrant_id))
    });
    let said = latest.map(|one| Facts::parse(Some(&one.raw)));
    let part = |name: &str| said.as_ref().and_then(|facts| facts.text(name));
    let name = users
        .iter()
        .find_map(|(_, name)| name.clone())
        .or_else(|| latest.and_then(|one| one.name.clone()))
        .or_else(|| visits.iter().rev().find_map(|visit| visit.run.name.clone()));
    let attended: BTreeSet<&str> = over.iter().map(|visit| visit.run.uuid.as_str()).collect();
    Person {
        id,
        email,
        emails,
        name,
        first_name: part("first_name"),
        last_name: part("last_name"),
        internal: !users.is_empty(),
        consent,
        registrations: count(registrations.len()),
        attended: count(attended.len()),
        missed: count(missed),
        minutes: over.iter().map(|visit| visit.minutes).sum(),
        last_attended_at: last.as_ref().map(|last| last.start),
        last,
        last_registration_status: latest.and_then(|one| one.status.clone()),
        next_meeting_at: registrations
            .iter()
            .filter(|one| !matches!(one.status.as_deref(), Some("denied" | "cancelled")))
            .filter_map(|one| one.start.filter(|start| *start > now))
            .min(),
        open_actions: count(actions.iter().filter(|one| one.state != "done").count()),
    }
}
