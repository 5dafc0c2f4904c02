//! What every provider has to do: a kit that goes through a meeting's life and says where a provider does otherwise.
//!
//! It makes two meetings, changes and deletes them, and leaves nothing behind when all is well.

use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};

use super::{
    MeetingChange, MeetingPlan, MeetingProvider, OccurrenceState, ProviderOccurrence,
    ProviderRegistrant, RegistrantState, Registration,
};
use crate::calendar::Recurrence;
use crate::error::Result;

/// A rule that a provider does not keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// The rule.
    pub rule: &'static str,
    /// What happened instead.
    pub instead: String,
}

/// Goes through the kit, for a host and from a day on that lies ahead; what is broken, nothing when all is well.
///
/// # Errors
/// The first call that fails where it must not.
pub async fn run(
    provider: &dyn MeetingProvider,
    host: Option<&str>,
    start: DateTime,
    now: Timestamp,
) -> Result<Vec<Broken>> {
    let mut broken = Vec::new();
    let mut holds = |rule: &'static str, kept: bool, instead: String| {
        if !kept {
            broken.push(Broken { rule, instead });
        }
    };
    provider.authenticate().await?;
    let single = MeetingPlan {
        key: format!("kit-{}", now.as_microsecond()),
        host: host.map(str::to_owned),
        title: "Conformance".to_owned(),
        agenda: Some("Made by a test, and taken away by it.".to_owned()),
        start,
        zone: "Europe/Berlin".to_owned(),
        minutes: 30,
        recurrence: None,
        open: false,
        registration: None,
    };
    let at = single.series().map_or(Timestamp::MIN, |(at, _)| at);
    let absent = provider.find(&single, now).await?;
    holds(
        "what was not made is not found",
        absent.is_none(),
        format!("{absent:?}"),
    );
    let made = provider.create(&single).await?;
    holds(
        "a meeting has an id and an address",
        !made.id.is_empty() && made.join_url.starts_with("http"),
        format!("{made:?}"),
    );
    holds(
        "a meeting begins when it was asked to",
        made.start == Some(at),
        format!("{:?}", made.start),
    );
    let found = provider.find(&single, now).await?;
    holds(
        "what was made is found by its key",
        found.as_ref().map(|one| &one.id) == Some(&made.id),
        format!("{found:?}"),
    );
    let other = MeetingPlan {
        key: "another".to_owned(),
        ..single.clone()
    };
    let found = provider.find(&other, now).await?;
    holds(
        "another key finds nothing",
        found.is_none(),
        format!("{found:?}"),
    );
    let listed = provider.list(host).await?;
    holds(
        "a meeting is listed",
        listed.iter().any(|one| one.id == made.id),
        format!("{} others", listed.len()),
    );
    let change = MeetingChange {
        title: Some("Conformance, moved".to_owned()),
        start: Some(start.saturating_add(jiff::Span::new().hours(2))),
        zone: Some(single.zone.clone()),
        minutes: Some(45),
        host: host.map(str::to_owned),
        ..MeetingChange::default()
    };
    for _ in 0..2 {
        provider.update(&made.id, None, &change).await?;
    }
    let moved = provider.get(&made.id).await?;
    let wanted = at
        .saturating_add(SignedDuration::from_hours(2))
        .unwrap_or(at);
    holds(
        "a change keeps id and address, and may be repeated",
        moved.as_ref().is_some_and(|one| {
            one.join_url == made.join_url
                && one.start == Some(wanted)
                && one.minutes == Some(45)
                && one.title == "Conformance, moved"
        }),
        format!("{moved:?}"),
    );
    for _ in 0..2 {
        provider.delete(&made.id, None).await?;
    }
    let gone = provider.get(&made.id).await?;
    holds(
        "what was deleted is gone, and deleting again is no failure",
        gone.is_none(),
        format!("{gone:?}"),
    );
    let refused = provider.update(&made.id, None, &change).await;
    holds(
        "what is gone cannot be changed",
        refused.is_err(),
        "it was accepted".to_owned(),
    );

    let series = MeetingPlan {
        key: format!("kit-series-{}", now.as_microsecond()),
        recurrence: "FREQ=WEEKLY;COUNT=4".parse().ok().map(Recurrence::of),
        ..single
    };
    holds(
        "a plain series is accepted",
        provider.check(&series).is_ok(),
        format!("{:?}", provider.check(&series)),
    );
    let made = provider.create(&series).await?;
    let starts = |all: &[ProviderOccurrence]| -> Vec<Timestamp> {
        all.iter()
            .filter(|one| one.state == OccurrenceState::Available)
            .map(|one| one.start)
            .collect()
    };
    let expected: Vec<Timestamp> = series
        .series()
        .ok()
        .and_then(|(_, series)| series)
        .map_or_else(Vec::new, |series| {
            series.instances().filter_map(|one| one.at).collect()
        });
    let all = provider.occurrences(&made.id).await?;
    holds(
        "a series takes place when its rule says",
        starts(&all) == expected,
        format!("{all:?}"),
    );
    if provider.capabilities().single_occurrences && all.len() == 4 {
        provider.delete(&made.id, Some(&all[1].id)).await?;
        provider.delete(&made.id, Some(&all[1].id)).await?;
        let later = MeetingChange {
            start: Some(start.saturating_add(jiff::Span::new().weeks(2).hours(1))),
            zone: Some(series.zone.clone()),
            minutes: Some(30),
            host: host.map(str::to_owned),
            ..MeetingChange::default()
        };
        provider.update(&made.id, Some(&all[2].id), &later).await?;
        let now_there = provider.occurrences(&made.id).await?;
        let moved = series.series().map_or(Timestamp::MIN, |(at, _)| at);
        let hour = SignedDuration::from_hours(1);
        let wanted: Vec<Timestamp> = [
            expected[0],
            expected[2].saturating_add(hour).unwrap_or(moved),
            expected[3],
        ]
        .to_vec();
        holds(
            "one occurrence is cancelled and one moved, the others stay",
            starts(&now_there) == wanted,
            format!("{now_there:?}"),
        );
    }
    provider.delete(&made.id, None).await?;
    if provider.capabilities().registration {
        registration(provider, &series, now, &mut holds).await?;
    }
    let left = provider.list(host).await?;
    holds(
        "nothing is left of a deleted series",
        !left.iter().any(|one| one.id == made.id),
        format!("{left:?}"),
    );
    Ok(broken)
}

/// People register for a meeting of its own.
async fn registration(
    provider: &dyn MeetingProvider,
    of: &MeetingPlan,
    now: Timestamp,
    holds: &mut impl FnMut(&'static str, bool, String),
) -> Result<()> {
    const GUEST: &str = "conformance@guests.example";
    let plan = MeetingPlan {
        key: format!("kit-registration-{}", now.as_microsecond()),
        recurrence: None,
        registration: Some(Registration::Manual),
        ..of.clone()
    };
    holds(
        "registration is accepted",
        provider.check(&plan).is_ok(),
        format!("{:?}", provider.check(&plan)),
    );
    let made = provider.create(&plan).await?;
    let mut doors = Vec::new();
    for _ in 0..2 {
        let one = provider
            .register(&made.id, GUEST, Some("Con Formance"))
            .await?;
        doors.push(one);
    }
    let may_come = |one: &ProviderRegistrant| {
        one.state == RegistrantState::Approved
            && one
                .join_url
                .as_ref()
                .is_some_and(|url| *url != made.join_url)
    };
    holds(
        "who is invited is registered once, let in at once, and has an address of their own",
        doors[0].id == doors[1].id && doors.iter().all(may_come),
        format!("{doors:?}"),
    );
    let listed = provider.registrants(&made.id).await?;
    holds(
        "a registrant is listed",
        listed.len() == 1 && listed[0].email.eq_ignore_ascii_case(GUEST),
        format!("{listed:?}"),
    );
    if let Some(one) = listed.first() {
        provider.unregister(&made.id, one).await?;
    }
    let left = provider.registrants(&made.id).await?;
    holds(
        "a registration that was taken back lets nobody in",
        !left
            .iter()
            .any(|one| one.state == RegistrantState::Approved),
        format!("{left:?}"),
    );
    provider.delete(&made.id, None).await
}
