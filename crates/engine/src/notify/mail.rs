//! Invitations by mail.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use parfocal_formats::ical;
use parfocal_store::Invited;

use super::compose::{About, Letter, Told};
use super::outbox::{self, Addressed};
use super::{Answering, Invitation, InvitationKind, Invitations, Sent, answers};
use crate::App;
use crate::calendar::{Attendee, CalendarEvent, OverrideChange, Role, When, ics};
use crate::config::Language;
use crate::error::{Code, EngineError, Result};

/// The name in the registry.
pub const NAME: &str = "mail";

/// Tells people by mail with a calendar's part (iMIP): over SMTP, or into the folder when no mail server is configured.
#[derive(Debug, Default)]
pub struct ByMail;

impl Invitations for ByMail {
    fn name(&self) -> &str {
        NAME
    }

    fn send<'a>(&'a self, app: &'a App, invitation: &'a Invitation) -> Answering<'a, Sent> {
        Box::pin(tell(app, invitation))
    }
}

async fn tell(app: &App, told: &Invitation) -> Result<Sent> {
    if !app.components().active().await?.has(NAME) {
        return Err(EngineError::new(
            Code::ComponentOff,
            "nobody is told by mail: the component mail is off",
        )
        .with_hint("`parfocal component activate mail` switches it on."));
    }
    let now = app.clock().now();
    let from = &app.config().smtp.from;
    let mut event = told.event.clone();
    event.sequence = told.sequence;
    // Answers go where the mail comes from: that is the organizer for every calendar, under the name of who invites.
    let sender = sender(from, &event);
    event.organizer = Some(sender);
    if !event
        .attendees
        .iter()
        .any(|one| one.email.eq_ignore_ascii_case(&told.attendee.email))
    {
        event.attendees.push(told.attendee.clone());
    }
    let calendar = calendar(&event, told.kind, told.occurrence, now).ok_or_else(|| {
        EngineError::invalid(
            "the event's time cannot be placed: its zone is unknown, or its rule makes no sense",
        )
    })?;
    let method = calendar.method.map_or("REQUEST", ical::Method::as_str);
    let person = habits(app, &told.attendee.email, zone_of(&event.when)).await?;
    let invited = invited(app, told).await?;
    let asks = told.kind != InvitationKind::Cancel;
    let answer_url = match &invited {
        Some(invited) if asks => {
            let original = told.occurrence.map(|at| at.to_string()).unwrap_or_default();
            let until = answers::good_until(&event, now);
            Some(answers::link(app, invited.id, &original, until).await?)
        }
        _ => None,
    };
    let letter = Letter {
        about: match told.kind {
            InvitationKind::Request => About::Invited,
            InvitationKind::Update => About::Changed,
            InvitationKind::Cancel => About::Cancelled,
        },
        from,
        to: (&told.attendee.email, told.attendee.name.as_deref()),
        language: person.language,
        zone: person.zone,
        title: &event.title,
        when: when(&event, told.occurrence),
        repeats: event
            .recurrence
            .as_ref()
            .filter(|_| told.occurrence.is_none())
            // The words of rules are English; others see the dates in their calendar.
            .filter(|_| person.language == Language::En)
            .map(|one| one.rule.in_words()),
        one_occurrence: told.occurrence.is_some(),
        join_url: event.join_url.as_deref(),
        body: description(&event),
        organizer: event
            .organizer
            .as_ref()
            .map(|one| one.name.clone().unwrap_or_else(|| one.email.clone())),
        with: event
            .attendees
            .iter()
            .filter(|one| one.role != Role::Resource)
            .map(|one| one.name.clone().unwrap_or_else(|| one.email.clone()))
            .take(50)
            .collect(),
        answer_url,
        calendar: Some((calendar.to_string(), method)),
        key: &told.key,
        thread: &format!("{}/{}", event.ical_uid, told.attendee.email),
        at: now,
    };
    let to = Addressed {
        key: &told.key,
        schedule: Some(told.schedule),
        kind: told.kind.as_str(),
        recipient: &told.attendee.email,
    };
    outbox::send(app, to, &letter.write()?).await
}

/// The calendar in a mail; nothing when a time cannot be placed.
fn calendar(
    event: &CalendarEvent,
    kind: InvitationKind,
    occurrence: Option<DateTime>,
    now: Timestamp,
) -> Option<ical::Calendar> {
    let agent = ical::Agent::Server;
    let mut events = match occurrence {
        None => ics::write(event, now, agent)?,
        Some(original) => vec![ics::occurrence(event, original, now, agent)?],
    };
    Some(match kind {
        InvitationKind::Cancel => ical::Calendar::cancel(events.swap_remove(0)),
        _ => ical::Calendar::request(events),
    })
}

/// The description alone: a mail has a place of its own for the address to join, and who is told of the end needs none.
fn description(event: &CalendarEvent) -> Option<&str> {
    let body = event.body.as_deref()?;
    let alone = event
        .join_url
        .as_deref()
        .and_then(|url| body.strip_suffix(url)?.strip_suffix("Join: "));
    Some(alone.unwrap_or(body))
}

/// Who the mail is from: the configured address, under the name of whoever invites.
fn sender(from: &str, event: &CalendarEvent) -> Attendee {
    let mailbox = from.parse::<lettre::message::Mailbox>().ok();
    let own = mailbox.as_ref().and_then(|one| one.name.clone());
    Attendee {
        email: mailbox.map_or_else(|| from.to_owned(), |one| one.email.to_string()),
        name: event
            .organizer
            .as_ref()
            .and_then(|one| one.name.clone().or_else(|| Some(one.email.clone())))
            .or(own),
        role: Role::Chair,
        answer: crate::calendar::Answer::Accepted,
    }
}

async fn invited(app: &App, told: &Invitation) -> Result<Option<Invited>> {
    let rows = app.store().attendees(told.schedule).await?;
    let row = rows
        .iter()
        .find(|row| row.email.eq_ignore_ascii_case(&told.attendee.email));
    Ok(match row {
        Some(row) => app.store().invited(app.scope(), row.id).await?,
        None => None,
    })
}

/// How somebody wants to be written to.
#[derive(Debug)]
pub(super) struct Habits {
    pub(super) language: Language,
    pub(super) zone: TimeZone,
}

/// A person's language and zone as Zoom has them; else the configured language and the meeting's zone.
pub(super) async fn habits(app: &App, email: &str, zone: Option<&str>) -> Result<Habits> {
    let known = app.store().user_habits(app.scope(), email).await?;
    let (own_zone, raw) = known.unwrap_or_default();
    let raw: serde_json::Value = serde_json::from_str(&raw).unwrap_or_default();
    let zones = [own_zone.as_deref(), raw["timezone"].as_str(), zone];
    Ok(Habits {
        language: raw["language"]
            .as_str()
            .and_then(Language::of_tag)
            .unwrap_or(app.config().smtp.language),
        zone: zones
            .into_iter()
            .flatten()
            .find_map(|name| TimeZone::get(name).ok())
            .unwrap_or(TimeZone::UTC),
    })
}

fn zone_of(when: &When) -> Option<&str> {
    match when {
        When::Timed { zone, .. } => Some(zone),
        When::AllDay { .. } => None,
    }
}

/// When the event, or the one occurrence, takes place.
fn when(event: &CalendarEvent, occurrence: Option<DateTime>) -> Told {
    let Some(original) = occurrence else {
        return told(&event.when);
    };
    let moved = event
        .overrides
        .iter()
        .find(|one| one.original == original)
        .and_then(|one| match &one.change {
            OverrideChange::Moved { when, .. } => Some(when),
            OverrideChange::Cancelled => None,
        });
    if let Some(moved) = moved {
        return told(moved);
    }
    told(&match &event.when {
        When::Timed { zone, minutes, .. } => When::Timed {
            start: original,
            zone: zone.clone(),
            minutes: *minutes,
        },
        When::AllDay { .. } => When::AllDay {
            first: original.date(),
            last: original.date(),
        },
    })
}

fn told(when: &When) -> Told {
    match when {
        When::AllDay { first, last } => Told::Days(*first, *last),
        When::Timed { .. } => when.span().map_or(Told::Unknown, Told::Time),
    }
}

/// A mail that was written, with its text as people read it.
///
/// # Errors
/// `not_found`.
pub async fn written(app: &App, id: &str) -> Result<(parfocal_store::Mail, String)> {
    let known = match id.parse() {
        Ok(id) => app.store().mail(app.scope(), id).await?,
        Err(_) => None,
    };
    let mail = known.ok_or_else(|| EngineError::not_found("mail", id))?;
    let text = ical::Letter::parse(mail.message.as_bytes()).map(|letter| letter.text);
    Ok((mail, text.unwrap_or_default()))
}
