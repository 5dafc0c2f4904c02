//! What makes two states of an event the same, and how attendees of two sides become one list.

use sha2::{Digest as _, Sha256};

use super::{Answer, Attendee, CalendarEvent, OverrideChange, When};

/// The id that an event gets at calendars where the writer chooses it: a hash of its key.
///
/// Its characters (0-9, a-f) are among those that Google takes, and safe in the name of a file.
pub(super) fn id_of(key: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(b"parfocal calendar event\n");
    hash.update(key.as_bytes());
    hex::encode(hash.finalize())
}

fn when_text(when: &When) -> String {
    match when {
        When::Timed { start, minutes, .. } => match when.span() {
            // The same instant under another name of the zone is the same time.
            Some(span) => format!("{} {minutes}", span.from),
            None => format!("{start} {minutes}"),
        },
        When::AllDay { first, last } => format!("{first} {last}"),
    }
}

impl CalendarEvent {
    /// A hash of what people see and what decides over their time: title, place, times, rule, exceptions, and whether it was
    /// called off. Answers and guests are not in it: those are not ours alone.
    ///
    /// An event that comes back from a calendar with the hash of what was written there is our own echo.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text.as_bytes());
        };
        add(self.title.trim());
        add(self.location.as_deref().unwrap_or("").trim());
        add(&when_text(&self.when));
        add(if self.cancelled { "cancelled" } else { "" });
        let mut gone: Vec<String> = Vec::new();
        if let Some(recurrence) = &self.recurrence {
            let zoned = self.when.start().and_then(|start| recurrence.series(start));
            let rule = zoned.map_or_else(|_| recurrence.rule.clone(), |one| one.with_strict_end());
            add(&rule.to_string());
            gone.extend(recurrence.excluded.iter().map(ToString::to_string));
            let mut added: Vec<String> = recurrence.added.iter().map(ToString::to_string).collect();
            added.sort();
            add(&added.join(" "));
        }
        let mut moved: Vec<String> = Vec::new();
        for one in &self.overrides {
            match &one.change {
                OverrideChange::Cancelled => gone.push(one.original.to_string()),
                OverrideChange::Moved { when, title } => moved.push(format!(
                    "{} {} {}",
                    one.original,
                    when_text(when),
                    title.as_deref().unwrap_or(&self.title)
                )),
            }
        }
        // A start taken out and an occurrence called off are the same to people.
        for list in [&mut gone, &mut moved] {
            list.sort();
            list.dedup();
            add(&list.join("\n"));
        }
        hex::encode(hash.finalize())
    }
}

/// The guests of an event that is there, brought to what is wanted: everybody wanted is on it, those whom others added stay, the
/// answers people gave stay. Who was `ours` before and is wanted no longer goes.
pub(super) fn merged(wanted: &[Attendee], there: &[Attendee], ours: &[String]) -> Vec<Attendee> {
    let same = |a: &str, b: &str| a.trim().eq_ignore_ascii_case(b.trim());
    let mut all: Vec<Attendee> = Vec::new();
    for one in wanted {
        let known = there.iter().find(|other| same(&other.email, &one.email));
        let mut one = one.clone();
        if let Some(known) = known
            && (known.answer != Answer::Pending || one.answer == Answer::Pending)
        {
            one.answer = known.answer;
        }
        if !all.iter().any(|other| same(&other.email, &one.email)) {
            all.push(one);
        }
    }
    for one in there {
        let was_ours = ours.iter().any(|email| same(email, &one.email));
        if !was_ours && !all.iter().any(|other| same(&other.email, &one.email)) {
            all.push(one.clone());
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::super::{Override, Recurrence};
    use super::*;

    fn attendee(email: &str, answer: Answer) -> Attendee {
        Attendee {
            email: email.to_owned(),
            name: None,
            role: super::super::Role::Required,
            answer,
        }
    }

    fn event() -> CalendarEvent {
        CalendarEvent {
            key: "k".into(),
            ical_uid: "k@parfocal".into(),
            sequence: 0,
            title: "Stand-up".into(),
            body: None,
            location: None,
            join_url: None,
            when: When::Timed {
                start: "2026-12-01T09:00".parse().unwrap(),
                zone: "Europe/Berlin".into(),
                minutes: 30,
            },
            recurrence: Some(Recurrence::of("FREQ=DAILY;UNTIL=20261205".parse().unwrap())),
            overrides: Vec::new(),
            organizer: None,
            attendees: Vec::new(),
            reminders: Vec::new(),
            cancelled: false,
        }
    }

    #[test]
    fn guests_are_merged_never_overwritten() {
        let wanted = [
            attendee("ANA@example.com", Answer::Pending),
            attendee("bo@example.com", Answer::Pending),
        ];
        let there = [
            attendee("ana@example.com", Answer::Accepted),
            attendee("cara@example.com", Answer::Tentative),
            attendee("old@example.com", Answer::Pending),
        ];
        let all = merged(&wanted, &there, &["old@example.com".to_owned()]);
        let told: Vec<(&str, Answer)> = all
            .iter()
            .map(|one| (one.email.as_str(), one.answer))
            .collect();
        assert_eq!(
            told,
            [
                ("ANA@example.com", Answer::Accepted),
                ("bo@example.com", Answer::Pending),
                ("cara@example.com", Answer::Tentative)
            ]
        );
    }

    #[test]
    fn an_echo_is_known_in_whatever_form_it_comes_back() {
        let ours = event();
        let mut back = event();
        back.attendees
            .push(attendee("x@example.com", Answer::Declined));
        back.when = When::Timed {
            start: "2026-12-01T08:00".parse().unwrap(),
            zone: "UTC".into(),
            minutes: 30,
        };
        back.recurrence = None;
        let mut single = ours.clone();
        single.recurrence = None;
        assert_eq!(back.fingerprint(), single.fingerprint());
        let mut excluded = ours.clone();
        let third = "2026-12-03T09:00".parse().unwrap();
        excluded.recurrence.as_mut().unwrap().excluded.push(third);
        let mut cancelled = ours.clone();
        cancelled.overrides.push(Override {
            original: third,
            change: OverrideChange::Cancelled,
        });
        assert_eq!(excluded.fingerprint(), cancelled.fingerprint());
        assert_ne!(excluded.fingerprint(), ours.fingerprint());
        let mut strict = ours.clone();
        strict.recurrence = Some(Recurrence::of(
            "FREQ=DAILY;UNTIL=20261205T225959Z".parse().unwrap(),
        ));
        assert_eq!(strict.fingerprint(), ours.fingerprint());
    }

    #[test]
    fn ids_fit_every_calendar() {
        let id = id_of("019a");
        assert_eq!(id, id_of("019a"));
        assert_ne!(id, id_of("019b"));
        assert!(
            id.len() == 64
                && id
                    .bytes()
                    .all(|b| b.is_ascii_digit() || (b'a'..=b'v').contains(&b))
        );
    }
}
