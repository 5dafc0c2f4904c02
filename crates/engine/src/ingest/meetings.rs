//! Series: what is scheduled, with its settings, recurrence and occurrences.

use parfocal_store::{Meeting, MeetingId, MeetingKind, NewMeeting, Occurrence, Tx};
use serde_json::{Map, Value, json};

use super::{Facts, Origin, Stamp};
use crate::error::Result;

/// Whether `occurrences` in a statement are all of them, or just some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occurrences {
    /// All there are: those not named exist no more.
    All,
    /// The ones that something happened to.
    Some,
    /// The ones that were taken out.
    Deleted,
}

/// A series after a statement was taken in.
#[derive(Debug)]
pub struct Applied {
    /// Its id.
    pub id: MeetingId,
    /// Whether there was no such series before.
    pub is_new: bool,
    /// Whether anything is known now that was not known before.
    pub changed: bool,
    /// Everything known of it.
    pub facts: Facts,
}

/// Takes in what is said of a series.
pub async fn apply(
    tx: &mut Tx,
    origin: &Origin,
    number: &str,
    kind: Option<MeetingKind>,
    said: &Value,
    occurrences: Occurrences,
) -> Result<Applied> {
    let known = tx.meeting_by_external(origin.account, number).await?;
    let mut facts = Facts::parse(known.as_ref().map(|meeting| meeting.raw.as_str()));
    let mut said = said.as_object().cloned().unwrap_or_default();
    let list = said.remove("occurrences");
    // The UUID of a series that has not started means nothing later; instances have their own.
    said.remove("uuid");
    facts.absorb(&Value::Object(said), origin.stamp);
    if let Some(Value::Array(list)) = list {
        absorb_occurrences(&mut facts, &list, occurrences, origin.stamp);
    }
    write(tx, origin, number, kind, known, facts).await
}

/// Takes in that a series, or all of it, was deleted (or came back).
pub async fn apply_deleted(
    tx: &mut Tx,
    origin: &Origin,
    number: &str,
    kind: Option<MeetingKind>,
    said: &Value,
    deleted: bool,
) -> Result<Applied> {
    let known = tx.meeting_by_external(origin.account, number).await?;
    let mut facts = Facts::parse(known.as_ref().map(|meeting| meeting.raw.as_str()));
    let mut said = said.as_object().cloned().unwrap_or_default();
    said.remove("occurrences");
    said.remove("uuid");
    facts.absorb(&Value::Object(said), origin.stamp);
    facts.say("deleted", deleted, origin.stamp);
    write(tx, origin, number, kind, known, facts).await
}

/// The id of the series of a number, made from a hint if nothing is known of it yet.
pub async fn ensure(
    tx: &mut Tx,
    origin: &Origin,
    number: &str,
    kind: Option<MeetingKind>,
    hint: &Value,
) -> Result<MeetingId> {
    if let Some(meeting) = tx.meeting_by_external(origin.account, number).await? {
        return Ok(meeting.id);
    }
    // A hint yields to everything that is said later.
    let hint_only = origin.stamped(Stamp::new(0, super::Rank::Derived));
    Ok(apply(tx, &hint_only, number, kind, hint, Occurrences::Some)
        .await?
        .id)
}

async fn write(
    tx: &mut Tx,
    origin: &Origin,
    number: &str,
    kind: Option<MeetingKind>,
    known: Option<Meeting>,
    facts: Facts,
) -> Result<Applied> {
    let meeting = read(number, kind, &facts);
    let done = tx
        .upsert_meeting(origin.account, &meeting, &origin.seen(&facts))
        .await?;
    let occurrences = read_occurrences(&facts);
    if !occurrences.is_empty() {
        tx.put_occurrences(done.id, &occurrences).await?;
    }
    if facts.flag("deleted").unwrap_or(false) {
        tx.delete_meeting(done.id, &origin.seen(&facts)).await?;
    } else {
        tx.restore_meeting(done.id, &origin.seen(&facts)).await?;
    }
    let changed = done.change.is_change();
    Ok(Applied {
        id: done.id,
        is_new: known.is_none(),
        changed,
        facts,
    })
}

/// Whether Zoom's type is a series that can run more than once under one number.
pub fn is_recurring(provider_type: Option<i64>) -> bool {
    matches!(provider_type, Some(3 | 8))
}

/// Meeting or webinar, by Zoom's type (5, 6 and 9 are webinars).
pub fn kind_of_type(provider_type: Option<i64>) -> Option<MeetingKind> {
    provider_type.map(|kind| {
        if matches!(kind, 5 | 6 | 9) {
            MeetingKind::Webinar
        } else {
            MeetingKind::Meeting
        }
    })
}

fn read(number: &str, kind: Option<MeetingKind>, facts: &Facts) -> NewMeeting {
    let provider_type = facts.integer("type");
    NewMeeting {
        external_id: number.to_owned(),
        number: number.to_owned(),
        kind: kind.or_else(|| kind_of_type(provider_type)),
        provider_type,
        host_user_id: facts.text("host_id"),
        topic: facts.text("topic"),
        tz: facts.text("timezone"),
        start: facts.instant("start_time"),
        duration_min: facts.integer("duration"),
        recurrence: facts.get("recurrence").cloned(),
        settings: facts.object("settings"),
        join_url: facts.text("join_url"),
        raw: Some(facts.to_raw()),
    }
}

/// Occurrences are facts of their own, so that the cancelling of one and a new list of all can come in any order.
fn absorb_occurrences(facts: &mut Facts, list: &[Value], mode: Occurrences, stamp: Stamp) {
    for occurrence in list {
        let id = match occurrence.get("occurrence_id") {
            Some(Value::String(id)) if !id.is_empty() => id.clone(),
            Some(Value::Number(id)) => id.to_string(),
            _ => continue,
        };
        let mut entry = Map::new();
        for name in ["start_time", "duration", "status"] {
            if let Some(value) = occurrence.get(name) {
                entry.insert(name.to_owned(), value.clone());
            }
        }
        if mode == Occurrences::Deleted {
            entry.insert("status".into(), "deleted".into());
        } else if !entry.contains_key("status") {
            entry.insert("status".into(), "available".into());
        }
        facts.say(format!("occurrence:{id}"), Value::Object(entry), stamp);
    }
    if mode == Occurrences::All {
        facts.say("occurrences_as_of", json!(stamp.at_ms), stamp);
    }
}

fn read_occurrences(facts: &Facts) -> Vec<Occurrence> {
    let complete = facts.stamp("occurrences_as_of");
    facts
        .with_prefix("occurrence:")
        .filter(|(_, _, stamp)| complete.is_none_or(|complete| *stamp >= complete))
        .map(|(id, entry, _)| Occurrence {
            occurrence_id: id.to_owned(),
            start: entry.get("start_time").and_then(super::merge::instant),
            duration_min: entry.get("duration").and_then(Value::as_i64),
            status: entry
                .get("status")
                .and_then(Value::as_str)
                .map(str::to_owned),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::Rank;

    #[test]
    fn cancelled_occurrences_stay_cancelled_in_any_order() {
        let all = json!([{"occurrence_id": "1", "start_time": "2026-09-14T08:30:00Z", "duration": 60},
            {"occurrence_id": "2", "start_time": "2026-09-21T08:30:00Z", "duration": 60}]);
        let gone = json!([{"occurrence_id": "2", "start_time": "2026-09-21T08:30:00Z"}]);
        let steps = [
            (&all, Occurrences::All, 10),
            (&gone, Occurrences::Deleted, 20),
        ];
        let fold = |order: [usize; 2]| {
            let mut facts = Facts::default();
            for i in order {
                let (list, mode, at) = steps[i];
                absorb_occurrences(
                    &mut facts,
                    list.as_array().unwrap(),
                    mode,
                    Stamp::new(at, Rank::Event),
                );
            }
            read_occurrences(&facts)
        };
        let read = fold([0, 1]);
        assert_eq!(read, fold([1, 0]));
        assert_eq!(read[1].status.as_deref(), Some("deleted"));
        assert_eq!(read[0].status.as_deref(), Some("available"));
    }

    #[test]
    fn a_new_complete_list_drops_what_it_does_not_name() {
        let mut facts = Facts::default();
        let old = json!([{"occurrence_id": "1"}, {"occurrence_id": 2}]);
        let new = json!([{"occurrence_id": "2"}]);
        absorb_occurrences(
            &mut facts,
            new.as_array().unwrap(),
            Occurrences::All,
            Stamp::new(20, Rank::Detail),
        );
        absorb_occurrences(
            &mut facts,
            old.as_array().unwrap(),
            Occurrences::All,
            Stamp::new(10, Rank::Event),
        );
        let ids: Vec<_> = read_occurrences(&facts)
            .into_iter()
            .map(|occurrence| occurrence.occurrence_id)
            .collect();
        assert_eq!(ids, ["2"]);
    }
}
