//! Answers in polls and questions to the panel of ended instances.
//!
//! Whoever registers is asked ([`Instance::was_polled`]): there is a poll of two questions, and questions are taken. Who answers what follows from the instance and the person, so that it is the same whenever it is asked for.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::body::time;
use super::past;
use super::request::Req;
use crate::http::reply::{Answer, Refusal, Reply};
use crate::world::model::{Instance, Participant, Presence};

const QUESTIONS: [(&str, [&str; 3]); 2] = [
    (
        "How did you hear of us?",
        ["A colleague", "The newsletter", "A search"],
    ),
    ("Shall we call you?", ["Yes", "No", "Later"]),
];
const ASKED: [&str; 3] = [
    "Will the recording be shared?",
    "Does it work with tariffs of two zones?",
    "When does the next course begin?",
];

/// A number that follows from a person and a matter.
fn lot(instance: &Instance, person: &Participant, matter: &str) -> usize {
    let who = person.email.as_deref().unwrap_or(&person.name);
    let hash = Sha256::digest(format!("{}\n{who}\n{matter}", instance.uuid).as_bytes());
    usize::from(hash.first().copied().unwrap_or_default())
}

/// Everybody but the host, each once.
fn people(instance: &Instance) -> Vec<&Participant> {
    let mut seen = std::collections::BTreeSet::new();
    instance
        .participants
        .iter()
        .filter(|row| row.presence == Presence::InMeeting)
        .filter(|row| row.account_user_id.as_deref() != Some(instance.host_id.as_str()))
        .filter(|row| seen.insert((row.email.clone(), row.name.clone())))
        .collect()
}

fn poll_id(instance: &Instance) -> String {
    use base64::Engine as _;
    let hash = Sha256::digest(format!("poll of {}", instance.uuid).as_bytes());
    let bytes: Vec<u8> = hash.iter().copied().take(16).collect();
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}

fn of_person(person: &Participant, details: &[Value]) -> Option<Value> {
    (!details.is_empty()).then(|| {
        json!({
            "email": person.visible_email(), "name": person.name, "question_details": details,
        })
    })
}

fn list(instance: &Instance, rows: &[Value]) -> Value {
    json!({
        "id": instance.number, "uuid": instance.uuid.to_string(), "start_time": time(instance.start),
        "questions": rows,
    })
}

fn asked(r: &Req<'_>, webinar: bool) -> Result<std::sync::Arc<Instance>, Refusal> {
    let missing = if webinar {
        "Webinar ID is invalid or not end."
    } else {
        "Meeting ID is invalid or not end."
    };
    let instance = past::ended(r, missing, 12, "Can not access a meeting a year ago.")?;
    if instance.is_webinar() != webinar {
        return Err(Refusal::new(404, 3001, missing));
    }
    Ok(instance)
}

/// `GET /past_meetings/{meetingId}/polls`, `GET /past_webinars/{webinarId}/polls`.
pub(super) fn polls(r: &Req<'_>, webinar: bool) -> Answer {
    let instance = asked(r, webinar)?;
    let mut rows = Vec::new();
    if instance.was_polled() {
        let poll = poll_id(&instance);
        for person in people(&instance) {
            let answered = QUESTIONS.iter().filter_map(|(question, answers)| {
                let lot = lot(&instance, person, question);
                let answer = answers.get(lot % 4)?;
                let at = person.join + jiff::SignedDuration::from_secs(60);
                Some(json!({
                    "question": question, "answer": answer, "polling_id": poll, "date_time": time(at),
                }))
            });
            rows.extend(of_person(person, &answered.collect::<Vec<Value>>()));
        }
    }
    Ok(Reply::ok(&list(&instance, &rows)))
}

/// `GET /past_meetings/{meetingId}/qa`, `GET /past_webinars/{webinarId}/qa`.
pub(super) fn questions(r: &Req<'_>, webinar: bool) -> Answer {
    let instance = asked(r, webinar)?;
    let mut rows = Vec::new();
    if instance.was_polled() {
        for person in people(&instance) {
            let lot = lot(&instance, person, "question");
            let asked = lot.is_multiple_of(5).then(|| {
                let question = ASKED.get(lot % ASKED.len()).copied().unwrap_or_default();
                let answer = if lot.is_multiple_of(2) {
                    "Yes, by mail."
                } else {
                    ""
                };
                json!({ "question": question, "answer": answer })
            });
            rows.extend(of_person(person, asked.as_slice()));
        }
    }
    Ok(Reply::ok(&list(&instance, &rows)))
}
