//! Answers of people: by a signed link in the mail, or by a reply of their calendar.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::civil::DateTime;
use jiff::{SignedDuration, Timestamp};
use parfocal_formats::ical::{self, Letter};
use parfocal_store::{AttendeeId, Invited, NewResponse, Response, ScheduleId, Tx};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::Sha256;

use crate::App;
use crate::calendar::{Answer, CalendarEvent};
use crate::error::{Code, EngineError, Result};
use crate::told::{self, AttendeeAnswered, Told};
use crate::vault::Purpose;

/// Owner of the key that signs links.
const KEY_OWNER: &str = "answers";
/// Longest link that is looked at.
const LONGEST: usize = 400;

impl Answer {
    /// The name, as it is stored.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Tentative => "tentative",
        }
    }

    /// The answer of a name.
    pub fn parse(name: &str) -> Option<Self> {
        [
            Self::Pending,
            Self::Accepted,
            Self::Declined,
            Self::Tentative,
        ]
        .into_iter()
        .find(|one| one.as_str() == name)
    }
}

/// Until when a link in a mail takes answers: a month beyond a meeting, 400 days for a series.
pub(super) fn good_until(event: &CalendarEvent, now: Timestamp) -> Timestamp {
    let start = event.when.span().map_or(now, |span| span.to).max(now);
    let days = if event.recurrence.is_some() { 400 } else { 30 };
    start
        .checked_add(SignedDuration::from_hours(24 * days))
        .unwrap_or(Timestamp::MAX)
}

/// The address of the page that takes somebody's answer.
pub(super) async fn link(
    app: &App,
    attendee: AttendeeId,
    occurrence: &str,
    until: Timestamp,
) -> Result<String> {
    let said = format!("{attendee}|{occurrence}|{}", until.as_second());
    let mac = mac(app, said.as_bytes()).await?.finalize().into_bytes();
    Ok(format!(
        "{}/rsvp/{}.{}",
        app.config().public_url(),
        BASE64.encode(said.as_bytes()),
        BASE64.encode(mac)
    ))
}

pub(super) async fn mac(app: &App, said: &[u8]) -> Result<Hmac<Sha256>> {
    let read = || app.vault().get(app.scope(), Purpose::MailLinks, KEY_OWNER);
    let key = if let Some(key) = read().await? {
        key
    } else {
        let mut tx = app.store().begin(app.scope()).await?;
        let fresh: [u8; 32] = app.chance().bytes();
        app.vault()
            .put(&mut tx, Purpose::MailLinks, KEY_OWNER, &fresh)
            .await?;
        tx.commit().await?;
        read()
            .await?
            .ok_or_else(|| EngineError::new(Code::Internal, "the key of links was not kept"))?
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(&key)
        .map_err(|error| EngineError::new(Code::Internal, error.to_string()))?;
    mac.update(b"parfocal answer link v1\0");
    mac.update(said);
    Ok(mac)
}

/// What a link stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Who is asked.
    pub invited: Invited,
    /// The occurrence; empty for the whole.
    pub occurrence: String,
    /// The words of the person's language: the question and the three answers with their values.
    pub question: &'static str,
    /// What is said after an answer.
    pub thanks: &'static str,
    /// The language's code.
    pub language: &'static str,
    /// Answers: value and word.
    pub choices: [(&'static str, &'static str); 3],
    /// When it is, in the person's zone.
    pub time: String,
}

/// Reads a link; nothing is used up by it, mail programs look at links before people do.
///
/// # Errors
/// `not_found` for a link that was not made here, has ended, or whose meeting is gone.
pub async fn asked(app: &App, token: &str) -> Result<Asked> {
    let unknown = || {
        EngineError::new(Code::NotFound, "this link is not valid, or is no longer")
            .with_hint("Answer in your calendar instead, or ask who invited you.")
    };
    if token.len() > LONGEST {
        return Err(unknown());
    }
    let (said, signed) = token.split_once('.').ok_or_else(unknown)?;
    let said = BASE64.decode(said).map_err(|_| unknown())?;
    let signed = BASE64.decode(signed).map_err(|_| unknown())?;
    // In constant time.
    mac(app, &said)
        .await?
        .verify_slice(&signed)
        .map_err(|_| unknown())?;
    let said = String::from_utf8(said).map_err(|_| unknown())?;
    let mut parts = said.split('|');
    let (Some(attendee), Some(occurrence), Some(until)) =
        (parts.next(), parts.next(), parts.next())
    else {
        return Err(unknown());
    };
    let until: i64 = until.parse().map_err(|_| unknown())?;
    if app.clock().now().as_second() > until {
        return Err(unknown());
    }
    let attendee: AttendeeId = attendee.parse().map_err(|_| unknown())?;
    let invited = app
        .store()
        .invited(app.scope(), attendee)
        .await?
        .filter(|one| one.state != "cancelled")
        .ok_or_else(unknown)?;
    let person = super::mail::habits(app, &invited.email, Some(&invited.tz)).await?;
    let words = super::words::words(person.language);
    let start = occurrence
        .parse::<DateTime>()
        .ok()
        .and_then(|local| {
            let zone = jiff::tz::TimeZone::get(&invited.tz).ok()?;
            zone.to_ambiguous_timestamp(local).compatible().ok()
        })
        .unwrap_or(invited.start_at);
    let local = start.to_zoned(person.zone.clone());
    Ok(Asked {
        time: format!(
            "{}, {} ({})",
            super::words::day(person.language, &local),
            local.strftime("%H:%M"),
            person.zone.iana_name().unwrap_or("UTC")
        ),
        invited,
        occurrence: occurrence.to_owned(),
        question: words.question,
        thanks: words.thanks,
        language: person.language.code(),
        choices: [
            ("accepted", words.accept),
            ("tentative", words.tentative),
            ("declined", words.decline),
        ],
    })
}

/// Takes the answer given on a link's page.
pub async fn answer_link(app: &App, token: &str, answer: Answer) -> Result<Asked> {
    let asked = asked(app, token).await?;
    let now = app.clock().now();
    let new = NewResponse {
        attendee: asked.invited.id,
        occurrence: &asked.occurrence,
        answer: answer.as_str(),
        comment: None,
        source: "link",
        verified: true,
        sequence: asked.invited.sequence,
        stamp: now,
    };
    let mut tx = app.store().begin(app.scope()).await?;
    take(&mut tx, &asked.invited, &new, now).await?;
    tx.commit().await?;
    Ok(asked)
}

/// What became of a reply that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TakenReply {
    /// Who answered.
    pub email: String,
    /// What they answered.
    pub answer: String,
    /// The occurrence that is meant; empty for the whole.
    pub occurrence: String,
    /// `taken`, `older` than what is known or the same again, or `unknown`: not somebody or something that we invited to.
    pub outcome: String,
    /// Whether the mail came from the address that answers.
    pub verified: bool,
}

/// Takes the replies of a calendar file (`text/calendar`) that somebody posts; whose they are is not proven.
///
/// # Errors
/// `invalid_input` for something else than a calendar.
pub async fn take_calendar(app: &App, text: &str) -> Result<Vec<TakenReply>> {
    let calendar =
        ical::Calendar::parse(text).map_err(|error| EngineError::invalid(error.to_string()))?;
    let replies = placed(app, &ical::replies(&calendar), &[]).await?;
    take_all(app, &replies).await
}

/// Takes the replies in a mail (`message/rfc822`); what a program answered by itself, such as a holiday notice, is none.
///
/// # Errors
/// `invalid_input` for something else than a mail.
pub async fn take_mail(app: &App, bytes: &[u8]) -> Result<Vec<TakenReply>> {
    let letter = Letter::parse(bytes).map_err(|error| EngineError::invalid(error.to_string()))?;
    let replies = in_letter(app, &letter).await?;
    take_all(app, &replies).await
}

/// A reply, and whoever of ours it is from.
#[derive(Debug)]
pub(super) struct Placed {
    reply: ical::Reply,
    answer: Answer,
    verified: bool,
    occurrence: String,
    invited: Option<Invited>,
}

/// The replies of a letter, beside those who are invited.
pub(super) async fn in_letter(app: &App, letter: &Letter) -> Result<Vec<Placed>> {
    let mut out = Vec::new();
    for calendar in &letter.calendars {
        out.extend(placed(app, &ical::replies(calendar), &letter.from).await?);
    }
    Ok(out)
}

async fn placed(app: &App, replies: &[ical::Reply], from: &[String]) -> Result<Vec<Placed>> {
    let mut out = Vec::new();
    for reply in replies {
        let invited = app
            .store()
            .invited_by_uid(app.scope(), &reply.uid, &reply.email)
            .await?;
        // Occurrences are known by the wall clock of the schedule's zone, in whatever form a calendar names them.
        let occurrence = match (&reply.of, &invited) {
            (Some(of), Some(invited)) => {
                let zone = jiff::tz::TimeZone::get(&invited.tz).unwrap_or(jiff::tz::TimeZone::UTC);
                match of.instant() {
                    Some(at) => at.to_zoned(zone).datetime().to_string(),
                    None => of.local().to_string(),
                }
            }
            _ => String::new(),
        };
        out.push(Placed {
            reply: reply.clone(),
            answer: match reply.answer {
                ical::Answer::Accepted => Answer::Accepted,
                ical::Answer::Declined | ical::Answer::Delegated => Answer::Declined,
                ical::Answer::Tentative => Answer::Tentative,
                ical::Answer::Pending => Answer::Pending,
            },
            verified: from.contains(&reply.email),
            occurrence,
            invited,
        });
    }
    Ok(out)
}

async fn take_all(app: &App, replies: &[Placed]) -> Result<Vec<TakenReply>> {
    let now = app.clock().now();
    let mut tx = app.store().begin(app.scope()).await?;
    let out = take_placed(&mut tx, replies, now).await?;
    tx.commit().await?;
    Ok(out)
}

/// Takes replies; which of them say something new is in the answer.
pub(super) async fn take_placed(
    tx: &mut Tx,
    replies: &[Placed],
    now: Timestamp,
) -> Result<Vec<TakenReply>> {
    let mut out = Vec::new();
    for one in replies {
        let reply = &one.reply;
        let outcome = match &one.invited {
            None => "unknown",
            Some(invited) => {
                let new = NewResponse {
                    attendee: invited.id,
                    occurrence: &one.occurrence,
                    answer: one.answer.as_str(),
                    comment: Some(reply.comment.trim()).filter(|text| !text.is_empty()),
                    source: "reply",
                    verified: one.verified,
                    sequence: i64::from(reply.sequence),
                    stamp: reply.stamp,
                };
                let current = i64::from(reply.sequence) >= invited.sequence;
                if current && take(tx, invited, &new, now).await? {
                    "taken"
                } else {
                    "older"
                }
            }
        };
        out.push(TakenReply {
            email: reply.email.clone(),
            answer: one.answer.as_str().to_owned(),
            occurrence: one.occurrence.clone(),
            outcome: outcome.to_owned(),
            verified: one.verified,
        });
    }
    Ok(out)
}

/// Keeps an answer and says so; false when this or a later one is known.
async fn take(
    tx: &mut Tx,
    invited: &Invited,
    new: &NewResponse<'_>,
    now: Timestamp,
) -> Result<bool> {
    let taken = tx.respond(new, now).await?;
    if taken {
        let event = Told::AttendeeAnswered(AttendeeAnswered {
            schedule: invited.schedule_id,
            attendee: invited.id,
            occurrence: new.occurrence.to_owned(),
            answer: new.answer.to_owned(),
            source: new.source.to_owned(),
            verified: new.verified,
        });
        told::tell(tx, invited.schedule_id, event, now).await?;
    }
    Ok(taken)
}

/// What the people of a schedule answered, by address; who has not answered is there too.
pub async fn attendee_responses(app: &App, schedule: ScheduleId) -> Result<Vec<Response>> {
    Ok(app.store().responses(app.scope(), schedule).await?)
}
