//! One meeting: what was said and written, who was there, what there is.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use parfocal_engine::keys::{Caller, Role};
use parfocal_engine::store::{ActionFilter, PageRequest};
use parfocal_engine::talk::beside::{self, ZoomSummary};
use parfocal_engine::talk::export::{self, Format};
use parfocal_engine::talk::minutes::{self, Form};
use parfocal_engine::talk::{self, Wanted, tracker};
use parfocal_engine::understand::{self, Insight, PartInsights};
use serde::{Deserialize, Serialize};

use super::charts;
use super::history::{self, Entry};
use super::player::{self, Place, Player};
use crate::lookup;
use crate::paging::Params;
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::{
    ActionItemView, ArtefactView, ChatMessageView, CueView, FileView, InstanceView, ParticipantView,
};

/// Most things to be done on a meeting's page.
const MOST_ACTIONS: u32 = 100;

#[derive(Serialize)]
struct Page {
    instance: InstanceView,
    /// What there is to play, or to fetch.
    player: Option<Player>,
    /// Whether it was just asked for.
    fetching: bool,
    may_fetch: bool,
    host: Option<String>,
    length: Option<String>,
    parts: Vec<Part>,
    cues: u64,
    chat: Vec<ChatMessageView>,
    people: Vec<Person>,
    files: Vec<FileView>,
    artefacts: Vec<ArtefactView>,
    history: Vec<Entry>,
    /// What it was about; none without a transcript in a language that is read.
    insights: Option<Insights>,
    /// What Zoom wrote of it, when that was taken in or asked for.
    theirs: Option<Theirs>,
    shares: Vec<charts::Share>,
    attendance: Option<charts::Attendance>,
    actions: Vec<ActionItemView>,
    /// Where the page is; forms come back to it.
    here: String,
    /// Why something is not there, by kind of artefact.
    why: BTreeMap<&'static str, String>,
}

/// A recorded stretch.
#[derive(Serialize)]
struct Part {
    id: String,
    /// Where it begins in what can be played.
    place: Option<Place>,
    lines: Vec<Line>,
}

/// A cue; `turn` where another speaker begins.
#[derive(Serialize)]
struct Line {
    #[serde(flatten)]
    cue: CueView,
    turn: bool,
}

/// What the meeting was about, all its stretches together.
#[derive(Serialize, Default)]
struct Insights {
    opening: Option<String>,
    summary: Vec<Statement>,
    chapters: Vec<Statement>,
    decisions: Vec<Statement>,
    questions: Vec<Statement>,
    follow_ups: Vec<Statement>,
    topics: Vec<Statement>,
    model: String,
}

/// What Zoom wrote of a meeting, or why there is nothing.
#[derive(Serialize, Default)]
struct Theirs {
    title: Option<String>,
    /// A piece of HTML in which nothing but our own marks is left.
    html: Option<String>,
    url: Option<String>,
    why: Option<String>,
}

impl From<ZoomSummary> for Theirs {
    fn from(found: ZoomSummary) -> Self {
        Self {
            html: found.html(),
            title: found.title,
            url: found.url,
            why: None,
        }
    }
}

/// What the page can be asked; unknown parameters are ignored.
#[derive(Deserialize)]
pub(crate) struct PageParams {
    /// Ask Zoom for its summary too.
    zoom: Option<u8>,
    /// The recording was just asked for.
    fetching: Option<u8>,
}

/// A statement with the place in the talk that proves it.
#[derive(Serialize)]
struct Statement {
    text: String,
    who: Option<String>,
    start_ms: u32,
    anchor: String,
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
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Params(params): Params<PageParams>,
) -> Result<Response, Problem> {
    let app = state.app();
    let found = lookup::instance(app, &id).await?;
    let key = found.id;
    let history = history::of(app, &found).await?;
    let detail = lookup::detail(app, found).await?;
    let transcripts = lookup::transcripts(app, key).await?;
    let chat = lookup::chat(app, key).await?;
    let instance = detail.instance;
    // A page shows what is there: what cannot be analysed is missing, not a failure.
    let talk = talk::of_instance(app, key, &Wanted::default()).await.ok();
    let insights = match understand::of_instance(app, key).await {
        Ok(found) => insights(found.parts),
        Err(error) => {
            tracing::warn!(%error, meeting = %key, "a meeting could not be analysed");
            None
        }
    };
    let filter = ActionFilter {
        instance: Some(key),
        ..ActionFilter::default()
    };
    let actions = tracker::list(app, &filter, &PageRequest::first(MOST_ACTIONS)).await?;
    let theirs = match params.zoom {
        Some(1) => Some(match beside::of_instance(app, key, &caller).await {
            Ok(Some(found)) => Theirs::from(found),
            Ok(None) => Theirs {
                why: Some("Zoom has no summary of this meeting.".to_owned()),
                ..Theirs::default()
            },
            Err(error) => Theirs {
                why: Some(format!("{} {}", error.message(), error.hint())),
                ..Theirs::default()
            },
        }),
        _ => beside::kept(app, key).await?.map(Theirs::from),
    };
    let (player, mut places) = player::of(app, key).await?;
    places.resize(transcripts.len(), None);
    let page = Page {
        player,
        fetching: params.fetching == Some(1),
        may_fetch: caller.may(Role::Operate).is_ok(),
        theirs,
        insights,
        shares: talk.as_ref().map_or_else(Vec::new, charts::shares),
        attendance: charts::attendance(&detail.people, talk.as_ref()),
        actions: actions
            .items
            .into_iter()
            .map(ActionItemView::from)
            .collect(),
        here: format!("/meetings/{key}"),
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
            .zip(places)
            .map(|(part, place)| Part {
                id: part.id,
                place,
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

fn insights(parts: Vec<PartInsights>) -> Option<Insights> {
    let mut all = Insights::default();
    for part in parts {
        let id = part.transcript.id;
        let list = |insights: Vec<Insight>| {
            insights.into_iter().map(move |insight| Statement {
                anchor: format!("c-{id}-{}", insight.cite.from),
                who: insight.speaker,
                start_ms: insight.start_ms,
                text: insight.text,
            })
        };
        let found = part.analysis;
        all.opening = all.opening.or(found.summary.opening);
        all.summary.extend(list(found.summary.sentences));
        all.decisions.extend(list(found.decisions));
        all.questions.extend(list(found.questions));
        all.follow_ups.extend(list(found.follow_ups));
        all.topics.extend(list(found.topics));
        all.chapters
            .extend(found.chapters.into_iter().map(|chapter| Statement {
                text: chapter.title,
                who: None,
                start_ms: chapter.start_ms,
                anchor: format!("c-{id}-{}", chapter.from),
            }));
        all.model = part.model;
    }
    let says = all.opening.is_some() || !all.summary.is_empty() || !all.decisions.is_empty();
    says.then_some(all)
}

/// Minutes to take away.
#[derive(Deserialize)]
pub(crate) struct MinutesParams {
    format: Option<Form>,
}

/// `GET /meetings/{id}/minutes?format=`.
pub(crate) async fn minutes_file(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(params): Params<MinutesParams>,
) -> Result<Response, Problem> {
    let app = state.app();
    let found = lookup::instance(app, &id).await?;
    let form = params.format.unwrap_or(Form::Markdown);
    let minutes = minutes::of_instance(app, found.id, form).await?;
    Ok(crate::api::file(
        minutes.bytes,
        form.content_type(),
        &minutes.file_name,
    ))
}

/// The talk to take away.
#[derive(Deserialize)]
pub(crate) struct TalkParams {
    format: Option<Format>,
}

/// `GET /meetings/{id}/talk?format=`.
pub(crate) async fn talk_file(
    State(state): State<AppState>,
    Path(id): Path<String>,
    Params(params): Params<TalkParams>,
) -> Result<Response, Problem> {
    let app = state.app();
    let found = lookup::instance(app, &id).await?;
    let format = params.format.unwrap_or(Format::Text);
    let name = format!("{}.{}", found.id, format.extension());
    let talk = talk::of_instance(app, found.id, &Wanted::default()).await?;
    let text = export::write(talk, format);
    Ok(crate::api::file(
        text.into_bytes(),
        format.content_type(),
        &name,
    ))
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

pub(super) fn minutes(seconds: i64) -> String {
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
