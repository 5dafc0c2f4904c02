//! What people answered in polls and what they asked during a run, as Zoom's lists tell it.
//!
//! Zoom gives answers no id. Each is known by what does not change of it: the poll, the question, who answered, and how
//! many of the same came before it; so it is the same answer however often it is told.

use std::collections::HashMap;

use jiff::Timestamp;
use parfocal_store::{BackfillId, InstanceId, Interaction, InteractionKind, MeetingKind, Tx};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{Origin, instances, tell};
use crate::error::Result;
use crate::ingest::merge::instant;
use crate::jobs::{InteractionsFetch, JobKind};
use crate::told::{AnswersReady, Told};

/// Most answers of a run that are kept, of each kind.
pub const MOST: usize = 100_000;
/// Most characters of a question or an answer.
const MOST_CHARS: usize = 2_000;
/// Most characters of a name, an address or an id.
const MOST_NAME: usize = 320;

/// Has a run's answers and questions asked for.
///
/// # Errors
/// Whatever keeps the store from writing.
pub async fn want(
    tx: &mut Tx,
    origin: &Origin,
    run: &instances::Applied,
    backfill: Option<BackfillId>,
) -> Result<()> {
    let payload = InteractionsFetch {
        account: origin.account,
        uuid: run.uuid.clone(),
        webinar: run.kind == MeetingKind::Webinar,
        backfill,
    };
    let mut follow = origin.follow(run.number.as_deref());
    if backfill.is_some() {
        follow.priority = crate::jobs::priority::BACKFILL_DETAIL;
    }
    let key = payload.key();
    follow
        .enqueue(tx, JobKind::InteractionsFetch, key, &payload, origin.now)
        .await?;
    Ok(())
}

/// Keeps what lists tell of a run, and tells of it when anything of it is news.
///
/// # Errors
/// Whatever keeps the store from writing.
pub async fn keep(
    tx: &mut Tx,
    origin: &Origin,
    (id, uuid): (InstanceId, &str),
    lists: &[(InteractionKind, Value)],
) -> Result<()> {
    let mut news = 0;
    for (kind, said) in lists {
        for new in read(*kind, said) {
            news += u64::from(tx.put_interaction(id, &new, origin.now).await?);
        }
    }
    if news > 0 {
        let told = Told::AnswersReady(AnswersReady {
            uuid: uuid.to_owned(),
            answers: news,
        });
        tell(tx, origin, id, told).await?;
    }
    Ok(())
}

/// Reads a list; what has no question is nothing.
pub fn read(kind: InteractionKind, said: &Value) -> Vec<Interaction> {
    let mut out = Vec::new();
    let mut before: HashMap<String, u32> = HashMap::new();
    for person in array(&said["questions"]) {
        let email = text(&person["email"], MOST_NAME)
            .map(|email| email.to_lowercase())
            .filter(|email| email.contains('@'));
        let name = text(&person["name"], MOST_NAME);
        let who = email.clone().or_else(|| name.clone()).unwrap_or_default();
        for one in array(&person["question_details"]) {
            let Some(question) = text(&one["question"], MOST_CHARS) else {
                continue;
            };
            if out.len() >= MOST {
                return out;
            }
            let poll_id = text(&one["polling_id"], MOST_NAME);
            let what = format!(
                "{}\n{question}\n{who}",
                poll_id.as_deref().unwrap_or_default()
            );
            let nth = before.entry(what.clone()).or_default();
            let external_id = hex::encode(&Sha256::digest(format!("{what}\n{nth}"))[..16]);
            *nth += 1;
            out.push(Interaction {
                kind,
                external_id,
                poll_id,
                email: email.clone(),
                name: name.clone(),
                question,
                answer: text(&one["answer"], MOST_CHARS).unwrap_or_default(),
                said_at: moment(&one["date_time"]),
            });
        }
    }
    out
}

/// An instant; lists without a zone mean UTC.
fn moment(value: &Value) -> Option<Timestamp> {
    instant(value).or_else(|| {
        let civil: jiff::civil::DateTime = value.as_str()?.trim().replace(' ', "T").parse().ok()?;
        Some(civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value, most: usize) -> Option<String> {
    let text: String = value
        .as_str()?
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .take(most)
        .collect();
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn list() -> Value {
        json!({"uuid": "a==", "questions": [
            {"email": "Ana@Example.com", "name": "Ana", "question_details": [
                {"question": "Which quay?", "answer": "North;South", "polling_id": "P1", "date_time": "2026-11-20T10:05:00Z"},
                {"question": "Why?", "answer": "Wind", "polling_id": "P1", "date_time": "2026-11-20 10:06:00"}]},
            {"email": "", "name": "Anonymous Attendee", "question_details": [
                {"question": "Which quay?", "answer": "North", "polling_id": "P1"},
                {"question": "Which quay?", "answer": "South", "polling_id": "P1"},
                {"answer": "to nothing"}]},
            "rubbish"]})
    }

    #[test]
    fn answers_have_keys_that_stay_and_instants_that_are_utc() {
        let read_once = read(InteractionKind::Poll, &list());
        assert_eq!(read_once, read(InteractionKind::Poll, &list()));
        assert_eq!(read_once.len(), 4);
        let keys: std::collections::BTreeSet<_> =
            read_once.iter().map(|one| &one.external_id).collect();
        assert_eq!(keys.len(), 4);
        assert_eq!(read_once[0].email.as_deref(), Some("ana@example.com"));
        let minutes = read_once[1]
            .said_at
            .unwrap()
            .duration_since(read_once[0].said_at.unwrap());
        assert_eq!(minutes.as_mins(), 1);
        assert_eq!(read_once[2].email, None);
        // Another answer to the same question is the same answer, changed.
        let mut changed = list();
        changed["questions"][0]["question_details"][1]["answer"] = json!("Rain");
        let again = read(InteractionKind::Poll, &changed);
        assert_eq!(again[1].external_id, read_once[1].external_id);
        assert_eq!(again[1].answer, "Rain");
    }

    #[test]
    fn what_is_not_a_list_is_nothing_and_long_words_are_cut() {
        assert!(read(InteractionKind::Question, &json!({"questions": 7})).is_empty());
        let long = "x".repeat(MOST_CHARS * 2);
        let said = json!({"questions": [{"name": "A", "question_details": [{"question": long}]}]});
        let read = read(InteractionKind::Question, &said);
        assert_eq!(read[0].question.len(), MOST_CHARS);
        assert!(read[0].answer.is_empty());
    }
}
