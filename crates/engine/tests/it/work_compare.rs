//! Holds the store against what an ideal client could know.

use parfocal_engine::media;
use parfocal_engine::store::{
    Artefact, ArtefactKind, ArtefactState, Instance, MeetingFilter, PageRequest,
};
use serde_json::Value;

use crate::work_stage::Stage;

/// What differs between the store and the simulator's knowable facts; empty when nothing does.
pub(crate) async fn differences(stage: &Stage, query: &str) -> Vec<String> {
    let knowable = stage.get(&format!("/knowable{query}")).await;
    let mut wrong = Vec::new();
    users(stage, &knowable, &mut wrong).await;
    meetings(stage, &knowable, &mut wrong).await;
    let instances = knowable["instances"].as_array().unwrap();
    for wanted in instances {
        instance(stage, wanted, &mut wrong).await;
    }
    let status = stage.app.store().status(stage.app.scope()).await.unwrap();
    let totals = &knowable["totals"];
    for (name, have) in [
        ("instances", status.instances),
        ("participant_rows", status.attendance),
        ("recordings", status.recordings),
        ("files", status.files),
        ("cues", status.cues),
        ("chat_messages", status.chat_messages),
    ] {
        let want = totals[name].as_u64().unwrap();
        if want != have {
            wrong.push(format!("{name}: {have} in the store, {want} knowable"));
        }
    }
    wrong
}

async fn users(stage: &Stage, knowable: &Value, wrong: &mut Vec<String>) {
    let account = stage.app.connections().accounts().await.unwrap()[0].id;
    let have = stage
        .app
        .store()
        .users(stage.app.scope(), account, &PageRequest::first(1000))
        .await
        .unwrap()
        .items;
    let want = knowable["users"].as_array().unwrap();
    if have.len() != want.len() {
        wrong.push(format!(
            "users: {} in the store, {} knowable",
            have.len(),
            want.len()
        ));
    }
    for user in want {
        if !have
            .iter()
            .any(|have| have.email.as_deref() == user["email"].as_str())
        {
            wrong.push(format!("user {} is missing", user["email"]));
        }
    }
}

async fn meetings(stage: &Stage, knowable: &Value, wrong: &mut Vec<String>) {
    let page = PageRequest::first(1000);
    let have = stage
        .app
        .store()
        .meetings(stage.app.scope(), &MeetingFilter::default(), &page)
        .await
        .unwrap()
        .items;
    let want = knowable["meetings"].as_array().unwrap();
    // Zoom forgets meetings a while after they were held; what was taken in stays.
    if have.len() < want.len() {
        wrong.push(format!(
            "meetings: {} in the store, {} knowable",
            have.len(),
            want.len()
        ));
    }
    for meeting in want {
        let number = meeting["id"].as_u64().unwrap().to_string();
        match have.iter().find(|have| have.number == number) {
            None => wrong.push(format!("meeting {number} is missing")),
            Some(have) if have.topic.as_deref() != meeting["topic"].as_str() => {
                wrong.push(format!(
                    "meeting {number}: {:?} instead of {}",
                    have.topic, meeting["topic"]
                ));
            }
            Some(_) => {}
        }
    }
}

async fn instance(stage: &Stage, wanted: &Value, wrong: &mut Vec<String>) {
    let (store, scope) = (stage.app.store(), stage.app.scope());
    let uuid = wanted["uuid"].as_str().unwrap();
    let Some(have) = store.find_instance(scope, uuid).await.unwrap() else {
        wrong.push(format!("instance {uuid} ({}) is missing", wanted["topic"]));
        return;
    };
    let mut differ = |name: &str, have: Option<String>, want: &Value| {
        if have.as_deref() != want.as_str() {
            wrong.push(format!("{uuid} {name}: {have:?} instead of {want}"));
        }
    };
    differ("topic", have.topic.clone(), &wanted["topic"]);
    differ("host", have.host_email.clone(), &wanted["host_email"]);
    differ(
        "start",
        have.start.map(|at| at.to_string()),
        &wanted["start_time"],
    );
    differ(
        "end",
        have.end.map(|at| at.to_string()),
        &wanted["end_time"],
    );
    if have.number
        != wanted["meeting_id"]
            .as_u64()
            .map(|number| number.to_string())
    {
        wrong.push(format!(
            "{uuid} number: {:?} instead of {}",
            have.number, wanted["meeting_id"]
        ));
    }
    let artefacts = store.artefacts(scope, have.id.into()).await.unwrap();
    people(stage, &have, wanted, &artefacts, wrong).await;
    recording(stage, &have, wanted, &artefacts, wrong).await;
    talk(stage, &have, wanted, &artefacts, wrong).await;
}

async fn people(
    stage: &Stage,
    have: &Instance,
    wanted: &Value,
    artefacts: &[Artefact],
    wrong: &mut Vec<String>,
) {
    let uuid = &have.external_id;
    let mut rows: Vec<String> = Vec::new();
    for person in stage
        .app
        .store()
        .participants(stage.app.scope(), have.id)
        .await
        .unwrap()
    {
        for stay in &person.attendance {
            rows.push(format!(
                "{}|{}|{}|{}",
                person.name.as_deref().unwrap_or_default(),
                person.email.as_deref().unwrap_or_default(),
                stay.join,
                stay.leave.map(|at| at.to_string()).unwrap_or_default()
            ));
        }
    }
    match wanted["participants"].as_array() {
        Some(list) => {
            let text = |row: &Value, name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let mut want: Vec<String> = list
                .iter()
                .map(|row| {
                    format!(
                        "{}|{}|{}|{}",
                        text(row, "name"),
                        text(row, "user_email").to_lowercase(),
                        text(row, "join_time"),
                        text(row, "leave_time")
                    )
                })
                .collect();
            want.sort();
            rows.sort();
            if rows != want {
                wrong.push(format!(
                    "{uuid} participants:\n  have {rows:#?}\n  want {want:#?}"
                ));
            }
        }
        None => reason(
            uuid,
            "participants",
            ArtefactKind::Participants,
            &wanted["participants_reason"],
            artefacts,
            wrong,
        ),
    }
}

async fn recording(
    stage: &Stage,
    have: &Instance,
    wanted: &Value,
    artefacts: &[Artefact],
    wrong: &mut Vec<String>,
) {
    let uuid = &have.external_id;
    let files = media::files(&stage.app, have.id).await.unwrap();
    let Some(list) = wanted["recording"]["files"].as_array() else {
        reason(
            uuid,
            "recording",
            ArtefactKind::Recording,
            &wanted["recording_reason"],
            artefacts,
            wrong,
        );
        return;
    };
    if files.len() != list.len() {
        wrong.push(format!(
            "{uuid} files: {} instead of {}",
            files.len(),
            list.len()
        ));
    }
    for want in list {
        let file = files.iter().find(|file| match want["id"].as_str() {
            Some(id) => file.file.external_id == id,
            // Parts of one recording have a timeline each, all without an id.
            None => {
                Some(file.file.file_type.as_str()) == want["file_type"].as_str()
                    && file.sha256.as_deref() == want["sha256"].as_str()
            }
        });
        let Some(file) = file else {
            wrong.push(format!("{uuid} file {want} is missing"));
            continue;
        };
        if matches!(
            file.file.file_type.as_str(),
            "TRANSCRIPT" | "CHAT" | "CC" | "TIMELINE"
        ) && file.sha256.as_deref() != want["sha256"].as_str()
        {
            wrong.push(format!(
                "{uuid} file {}: {:?} instead of {want}",
                file.file.file_type, file.sha256
            ));
        }
    }
}

async fn talk(
    stage: &Stage,
    have: &Instance,
    wanted: &Value,
    artefacts: &[Artefact],
    wrong: &mut Vec<String>,
) {
    let uuid = &have.external_id;
    let (store, scope) = (stage.app.store(), stage.app.scope());
    let transcripts = store.transcripts(scope, have.id).await.unwrap();
    let cues: u64 = transcripts
        .iter()
        .filter(|one| one.current)
        .map(|one| one.cues)
        .sum();
    if let Some(want) = wanted["transcript"]["cues"].as_u64() {
        if want != cues {
            wrong.push(format!("{uuid} cues: {cues} instead of {want}"));
        }
        for part in wanted["transcript"]["parts"].as_array().unwrap() {
            if !transcripts
                .iter()
                .any(|one| one.current && Some(one.sha256.as_str()) == part["sha256"].as_str())
            {
                wrong.push(format!("{uuid} transcript {part} is missing"));
            }
        }
    } else {
        if cues != 0 {
            wrong.push(format!("{uuid}: {cues} cues that nobody can know"));
        }
        reason(
            uuid,
            "transcript",
            ArtefactKind::Transcript,
            &wanted["transcript_reason"],
            artefacts,
            wrong,
        );
    }
    let chat = store.chat(scope, have.id).await.unwrap().len() as u64;
    let want = wanted["chat"]["messages"].as_u64().unwrap_or(0);
    if chat != want {
        wrong.push(format!("{uuid} chat: {chat} instead of {want}"));
    }
}

/// A missing thing has the reason that Zoom's answers allow to know.
fn reason(
    uuid: &str,
    what: &str,
    kind: ArtefactKind,
    want: &Value,
    artefacts: &[Artefact],
    wrong: &mut Vec<String>,
) {
    let have = artefacts.iter().find(|artefact| artefact.kind == kind);
    let cause = have.and_then(|have| have.cause.as_deref());
    let fits = match want.as_str().unwrap_or("none") {
        // A list does not say that something was deleted: it is just not there.
        "deleted" => matches!(cause, Some("deleted" | "not_recorded" | "no_transcript")),
        // It may still come.
        "late" => have.is_some_and(|have| have.state == ArtefactState::Expected),
        "not_recorded" | "no_transcript" => {
            cause == want.as_str() || have.is_some_and(|have| have.state == ArtefactState::Expected)
        }
        want => cause == Some(want),
    };
    if !fits {
        wrong.push(format!("{uuid} {what}: {have:?} instead of {want}"));
    }
}
