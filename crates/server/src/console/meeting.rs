//! One meeting: what was said and written, who was there, what there is.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;

use super::history::{self, Entry};
use crate::lookup;
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::{
    ArtefactView, ChatMessageView, CueView, FileView, InstanceView, ParticipantView,
};

#[derive(Serialize)]
struct Page {
    instance: InstanceView,
    host: Option<String>,
    length: Option<String>,
    parts: Vec<Part>,
    cues: u64,
    chat: Vec<ChatMessageView>,
    people: Vec<Person>,
    files: Vec<FileView>,
    artefacts: Vec<ArtefactView>,
    history: Vec<Entry>,
    /// Why something is not there, by kind of artefact.
    why: BTreeMap<&'static str, String>,
}

/// A recorded stretch.
#[derive(Serialize)]
struct Part {
    id: String,
    lines: Vec<Line>,
}

/// A cue; `turn` where another speaker begins.
#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    cue: CueView,
    turn: bool,
}

#[derive(Serialize)]
struct Person {
    name: Option<String>,
    email: Option<String>,
    stayed: String,
}

/// `GET /meetings/{id}`.
pub(crate) async fn get(
    State(state): State<AppState>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let app = state.app();
    let found = lookup::instance(app, &id).await?;
    let key = found.id;
    let history = history::of(app, &found).await?;
    let detail = lookup::detail(app, found).await?;
    let transcripts = lookup::transcripts(app, key).await?;
    let chat = lookup::chat(app, key).await?;
    let instance = detail.instance;
    let page = Page {
        host: instance
            .host_name
            .clone()
            .or_else(|| instance.host_email.clone()),
        length: instance
            .start_time
            .zip(instance.end_time)
            .map(|(start, end)| minutes(end.as_second() - start.as_second())),
        cues: instance.cues,
        parts: transcripts
            .into_iter()
            .map(|part| Part {
                id: part.id,
                lines: turns(part.cues),
            })
            .collect(),
        chat,
        people: detail.people.into_iter().map(Person::from).collect(),
        files: detail
            .recordings
            .into_iter()
            .flat_map(|recording| recording.files)
            .collect(),
        why: why(&detail.artefacts),
        artefacts: detail.artefacts,
        history,
        instance,
    };
    let title = page
        .instance
        .topic
        .clone()
        .unwrap_or_else(|| "Untitled meeting".to_owned());
    state
        .pages()
        .render("meeting.html", "meetings", &title, &page)
}

fn turns(cues: Vec<CueView>) -> Vec<Line> {
    let mut last: Option<Option<String>> = None;
    cues.into_iter()
        .map(|cue| {
            let turn = last.as_ref() != Some(&cue.speaker);
            last = Some(cue.speaker.clone());
            Line { cue, turn }
        })
        .collect()
}

fn why(artefacts: &[ArtefactView]) -> BTreeMap<&'static str, String> {
    artefacts
        .iter()
        .filter(|artefact| artefact.state != "present")
        .filter_map(|artefact| {
            let reason = artefact
                .detail
                .clone()
                .or_else(|| artefact.cause.as_ref().map(|cause| cause.replace('_', " ")))?;
            Some((artefact.kind, reason))
        })
        .collect()
}

fn minutes(seconds: i64) -> String {
    let minutes = (seconds.max(0) + 59) / 60;
    if minutes >= 60 {
        format!("{} h {} min", minutes / 60, minutes % 60)
    } else {
        format!("{minutes} min")
    }
}

impl From<ParticipantView> for Person {
    fn from(participant: ParticipantView) -> Self {
        let seconds: i64 = participant
            .stays
            .iter()
            .filter_map(|stay| Some(stay.leave_time?.as_second() - stay.join_time?.as_second()))
            .sum();
        let stayed = if seconds > 0 {
            minutes(seconds)
        } else {
            String::new()
        };
        Self {
            name: participant.name,
            email: participant.email,
            stayed,
        }
    }
}
