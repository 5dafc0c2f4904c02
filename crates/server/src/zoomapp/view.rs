//! What the panel shows: one meeting, as its session may see it.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::Timestamp;
use parfocal_engine::store::{ActionFilter, AttendanceKind, Instance, PageRequest, Participant};
use parfocal_engine::talk::tracker;
use parfocal_engine::understand;
use parfocal_engine::zoomapp::{Seat, Session, Standing};
use parfocal_engine::{Code, EngineError};
use serde::Serialize;

use crate::lookup;
use crate::state::AppState;
use crate::views::{ActionItemView, CueView};

/// Most things to be done that the panel shows.
const MOST_ACTIONS: u32 = 20;
/// Most cues of a transcript that the panel shows, the last ones.
const MOST_CUES: usize = 400;

/// The panel.
#[derive(Serialize)]
pub(super) struct Panel {
    pub(super) standing: Standing,
    pub(super) name: Option<String>,
    /// The stand-in for Zoom's client, where Zoom is a simulator.
    pub(super) stand_in: Option<StandIn>,
    pub(super) meeting: Option<Meeting>,
    /// What went wrong, for the reader.
    pub(super) notice: Option<String>,
}

/// What the stand-in for Zoom's client has to know.
#[derive(Serialize)]
pub(super) struct StandIn {
    pub(super) client_id: String,
    pub(super) zoom: String,
}

/// A meeting in the panel.
#[derive(Serialize)]
pub(super) struct Meeting {
    uuid: String,
    number: Option<String>,
    topic: Option<String>,
    state: &'static str,
    live: bool,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    host_name: Option<String>,
    /// Whether the reader is its host.
    host: bool,
    inside: Vec<Person>,
    waiting: Vec<Person>,
    gone: Vec<Person>,
    note: String,
    talk: Vec<CueView>,
    /// Cues before those that are shown.
    earlier: usize,
    summary: Vec<String>,
    decisions: Vec<String>,
    actions: Vec<ActionItemView>,
}

/// Somebody who is, waits or was there.
#[derive(Serialize)]
struct Person {
    name: String,
    host: bool,
    since: Timestamp,
    until: Option<Timestamp>,
    /// How often they came in.
    times: usize,
}

impl Panel {
    /// What differs when a reader would see something else.
    pub(super) fn mark(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        serde_json::to_string(self)
            .unwrap_or_default()
            .hash(&mut hasher);
        hasher.finish()
    }
}

/// The panel of a session.
pub(super) async fn of(
    state: &AppState,
    session: &Session,
    notice: Option<String>,
) -> Result<Panel, EngineError> {
    let mut panel = closed(state, notice).await;
    panel.standing = session.standing();
    panel.name = session.name().map(str::to_owned);
    if session.standing() != Standing::Authorized {
        return Ok(panel);
    }
    match state.app().zoomapp().seat(session, None).await {
        Ok(seat) => panel.meeting = Some(meeting(state, session, seat).await?),
        Err(error) if error.code() == Code::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(panel)
}

/// The panel of somebody nothing is known of.
pub(super) async fn closed(state: &AppState, notice: Option<String>) -> Panel {
    let zoomapp = state.app().zoomapp();
    let mut stand_in = None;
    if zoomapp.is_simulated()
        && let Ok(client_id) = zoomapp.client_id().await
    {
        let zoom = state.app().config().zoom.oauth_url.as_str();
        stand_in = Some(StandIn {
            client_id,
            zoom: zoom.trim_end_matches('/').to_owned(),
        });
    }
    Panel {
        standing: Standing::Guest,
        name: None,
        stand_in,
        meeting: None,
        notice,
    }
}

async fn meeting(state: &AppState, session: &Session, seat: Seat) -> Result<Meeting, EngineError> {
    let app = state.app();
    let note = app.zoomapp().note(session, &seat).await?;
    let Seat { instance, host } = seat;
    let id = instance.id;
    let live = instance.end.is_none();
    let people = app.store().participants(app.scope(), id).await?;
    let mut seen = Seen::of(&people, &instance);
    if !host {
        // Who waits is for whoever lets them in.
        seen.waiting.clear();
    }
    let (mut talk, mut actions) = (Vec::new(), Vec::new());
    let (mut summary, mut decisions) = (Vec::new(), Vec::new());
    let mut earlier = 0;
    if !live {
        for part in lookup::transcripts(app, id).await? {
            let mut cues = part.cues;
            Vec::append(&mut talk, &mut cues);
        }
        earlier = talk.len().saturating_sub(MOST_CUES);
        talk.drain(..earlier);
        // A panel shows what is there: what cannot be analysed is missing, not a failure.
        if let Ok(found) = understand::of_instance(app, id).await {
            for part in found.parts {
                let all = part.analysis;
                summary.extend(all.summary.opening);
                summary.extend(all.summary.sentences.into_iter().map(|one| one.text));
                decisions.extend(all.decisions.into_iter().map(|one| one.text));
            }
        }
        let filter = ActionFilter {
            instance: Some(id),
            ..ActionFilter::default()
        };
        let found = tracker::list(app, &filter, &PageRequest::first(MOST_ACTIONS)).await?;
        actions = found
            .items
            .into_iter()
            .map(ActionItemView::from)
            .map(|mut one| {
                one.owner_email = None;
                one
            })
            .collect();
    }
    Ok(Meeting {
        uuid: instance.external_id,
        number: instance.number,
        topic: instance.topic,
        state: instance.state.as_str(),
        live,
        start: instance.start,
        end: instance.end,
        host_name: instance.host_name,
        host,
        inside: seen.inside,
        waiting: seen.waiting,
        gone: seen.gone,
        note: note.map(|(text, _)| text).unwrap_or_default(),
        talk,
        earlier,
        summary,
        decisions,
        actions,
    })
}

#[derive(Default)]
struct Seen {
    inside: Vec<Person>,
    waiting: Vec<Person>,
    gone: Vec<Person>,
}

impl Seen {
    fn of(people: &[Participant], instance: &Instance) -> Self {
        let mut seen = Self::default();
        for participant in people {
            let main: Vec<_> = participant
                .attendance
                .iter()
                .filter(|stay| stay.kind != AttendanceKind::Waiting)
                .collect();
            let name = participant
                .name
                .clone()
                .unwrap_or_else(|| "Somebody".to_owned());
            let host = participant.user_external_id.is_some()
                && participant.user_external_id == instance.host_user_id;
            let waits = participant
                .attendance
                .iter()
                .find(|stay| stay.kind == AttendanceKind::Waiting && stay.leave.is_none());
            let person = |since, until, times| Person {
                name: name.clone(),
                host,
                since,
                until,
                times,
            };
            let open = main.iter().find(|stay| stay.leave.is_none());
            let began = main.iter().map(|stay| stay.join).min();
            match (open, began, waits) {
                (Some(stay), ..) if instance.end.is_none() => {
                    seen.inside.push(person(stay.join, None, main.len()));
                }
                (_, None, Some(stay)) | (None, Some(_), Some(stay)) if instance.end.is_none() => {
                    seen.waiting.push(person(stay.join, None, 1));
                }
                (_, Some(since), _) => {
                    let until = main.iter().filter_map(|stay| stay.leave).max();
                    seen.gone
                        .push(person(since, until.or(instance.end), main.len()));
                }
                _ => {}
            }
        }
        for list in [&mut seen.inside, &mut seen.waiting, &mut seen.gone] {
            list.sort_by(|a, b| (a.since, &a.name).cmp(&(b.since, &b.name)));
        }
        seen
    }
}
