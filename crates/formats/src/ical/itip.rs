//! Scheduling messages (iTIP, RFC 5546): asking, calling off, answering, and reading answers.

use jiff::Timestamp;

use super::{Answer, Attendee, Calendar, Event, Method, Moment, Status};

impl Calendar {
    /// Asks people to come, or tells them what has changed: the whole meeting, its changed occurrences after it.
    pub fn request(events: Vec<Event>) -> Self {
        Self::of(Method::Request, events)
    }

    /// Calls a meeting off, or one occurrence when the event has an `of`.
    ///
    /// The caller has raised the sequence; the rest follows RFC 5546 §3.2.5.
    pub fn cancel(mut event: Event) -> Self {
        event.status = Status::Cancelled;
        event.alarms.clear();
        if event.of.is_some() {
            event.rule = None;
            event.excluded.clear();
            event.added.clear();
        }
        Self::of(Method::Cancel, vec![event])
    }

    /// One attendee's answer to an event.
    pub fn reply(
        event: &Event,
        email: &str,
        answer: Answer,
        comment: &str,
        stamp: Timestamp,
    ) -> Self {
        let name = event
            .attendees
            .iter()
            .find(|one| one.person.has_address(email))
            .map(|one| one.person.name.clone())
            .unwrap_or_default();
        let mut said = Attendee::new(email, name);
        said.answer = answer;
        said.rsvp = false;
        let mut out = Event::bare(event.uid.clone(), stamp);
        out.sequence = event.sequence;
        out.start.clone_from(&event.start);
        out.end.clone_from(&event.end);
        out.of.clone_from(&event.of);
        out.summary.clone_from(&event.summary);
        out.organizer.clone_from(&event.organizer);
        comment.clone_into(&mut out.comment);
        out.attendees = vec![said];
        Self::of(Method::Reply, vec![out])
    }
}

/// An answer to an invitation, as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The meeting's UID.
    pub uid: String,
    /// The occurrence that is meant; none for the whole.
    pub of: Option<Moment>,
    /// The sequence that was answered.
    pub sequence: u32,
    /// When it was written.
    pub stamp: Timestamp,
    /// Who answered.
    pub email: String,
    /// What they said.
    pub answer: Answer,
    /// What they wrote with it.
    pub comment: String,
}

impl Reply {
    /// Whether this says more than what is known: a later sequence, or the same and written later (RFC 5546 §2.1.5).
    pub fn is_newer_than(&self, sequence: u32, stamp: Timestamp) -> bool {
        (self.sequence, self.stamp) > (sequence, stamp)
    }
}

/// The answers in a calendar that somebody sent; empty when it is no answer.
///
/// Only attendees' words are taken: a reply that changes anything else about a meeting changes nothing.
pub fn replies(calendar: &Calendar) -> Vec<Reply> {
    // Some programs forget the method; one attendee with an answer and nobody else is an answer all the same.
    let meant = match calendar.method {
        Some(Method::Reply) => true,
        None => calendar
            .events
            .iter()
            .all(|event| event.attendees.len() == 1),
        Some(_) => false,
    };
    if !meant {
        return Vec::new();
    }
    calendar
        .events
        .iter()
        .filter_map(|event| {
            let [said] = event.attendees.as_slice() else {
                return None;
            };
            Some(Reply {
                uid: event.uid.clone(),
                of: event.of.clone(),
                sequence: event.sequence,
                stamp: event.stamp,
                email: said.person.email.trim().to_lowercase(),
                answer: said.answer,
                comment: event.comment.clone(),
            })
        })
        .collect()
}
