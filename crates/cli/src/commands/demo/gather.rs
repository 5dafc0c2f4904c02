//! Reading everything back from the store, in the terms of the comparison.

use jiff::Timestamp;
use parfocal_engine::App;
use parfocal_engine::store::{InstanceFilter, InstanceSummary, MeetingFilter, PageRequest};

use super::check::{Attendance, Found, FoundFile, FoundInstance};
use crate::failure::Failure;

/// Rows that are read at once.
const PIECE: u32 = 500;

/// Kinds of files for which Zoom tells no id.
const WITHOUT_ID: [&str; 2] = ["CC", "TIMELINE"];

/// Reads everything that the comparison looks at.
pub(super) async fn everything(app: &App) -> Result<Found, Failure> {
    let (store, scope) = (app.store(), app.scope());
    let mut found = Found::default();
    for account in store.accounts(scope).await? {
        let mut request = PageRequest::first(PIECE);
        loop {
            let page = store.users(scope, account.id, &request).await?;
            for user in page.items {
                found.users.insert(
                    user.email.unwrap_or_default().to_lowercase(),
                    user.external_id,
                );
            }
            let Some(next) = page.next else { break };
            request.after = Some(next);
        }
    }
    let mut request = PageRequest::first(PIECE);
    loop {
        let page = store
            .meetings(scope, &MeetingFilter::default(), &request)
            .await?;
        for meeting in page.items {
            if let Ok(number) = meeting.number.parse() {
                found
                    .meetings
                    .insert(number, meeting.topic.unwrap_or_default());
            }
        }
        let Some(next) = page.next else { break };
        request.after = Some(next);
    }
    let mut request = PageRequest::first(PIECE);
    loop {
        let page = store
            .instances(scope, &InstanceFilter::default(), &request)
            .await?;
        for summary in page.items {
            let uuid = summary.instance.external_id.clone();
            found.instances.insert(uuid, instance(app, summary).await?);
        }
        let Some(next) = page.next else { break };
        request.after = Some(next);
    }
    Ok(found)
}

async fn instance(app: &App, summary: InstanceSummary) -> Result<FoundInstance, Failure> {
    let (store, scope) = (app.store(), app.scope());
    let instance = summary.instance;
    let second = |at: Timestamp| at.as_second();
    let mut attendance = Vec::new();
    for participant in store.participants(scope, instance.id).await? {
        for stay in participant.attendance {
            attendance.push(Attendance {
                name: participant.name.clone().unwrap_or_default(),
                email: participant.email.clone().unwrap_or_default().to_lowercase(),
                join: second(stay.join),
                leave: stay.leave.map(second),
            });
        }
    }
    let mut files = Vec::new();
    for file in store.files_of_instance(scope, instance.id).await? {
        if file.deleted_at.is_some() {
            continue;
        }
        let blob = match file.blob_id {
            Some(id) => store.blob(scope, id).await?,
            None => None,
        };
        files.push(FoundFile {
            id: Some(file.external_id).filter(|_| !WITHOUT_ID.contains(&file.file_type.as_str())),
            kind: file.file_type,
            sha256: blob.as_ref().map(|blob| blob.sha256.clone()),
            size: blob.map(|blob| blob.size),
        });
    }
    let recordings = store.recordings_of(scope, instance.id).await?;
    let transcripts = store
        .transcripts(scope, instance.id)
        .await?
        .into_iter()
        .filter(|transcript| transcript.current)
        .map(|transcript| (transcript.sha256, transcript.cues))
        .collect();
    Ok(FoundInstance {
        meeting_id: instance
            .number
            .as_deref()
            .and_then(|number| number.parse().ok()),
        topic: instance.topic.unwrap_or_default(),
        start: instance.start.map(second),
        attendance,
        recorded: recordings
            .iter()
            .any(|recording| recording.deleted_at.is_none()),
        files,
        transcripts,
        chat_messages: summary.chat_messages,
    })
}
