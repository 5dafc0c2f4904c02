//! What is to be done, followed across the meetings of a series: open, done, carried over; by owner.
//!
//! The actions of a series are made anew from everything analysts found in it whenever one of its meetings is analysed, so it
//! does not matter in which order meetings come in. The same task said again is one action: in the same meeting, or carried
//! over into a later one. What a person said of an action stays with it. A task said again after it was done is another one.

use jiff::Timestamp;
use parfocal_store::{
    ActionFilter, ActionId, ActionRow, ActionState, InstanceId, NewAction, NewSighting, OwnerRow,
    Page, PageRequest, Sighting, Statement, Tx,
};
use parfocal_understand::{Task, Tasks};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use super::people::{Owners, owners_of};
use crate::App;
use crate::audit::{self, By, Change};
use crate::error::{EngineError, Result};
use crate::told::{self, ActionItemMarked, Told};

/// Series that are caught up with before a list is shown.
const CATCH_UP: u32 = 50;
/// Most owners in a list.
const MOST_OWNERS: u32 = 100;

/// An action with where it was spoken of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tracked {
    /// The action.
    #[serde(flatten)]
    pub action: ActionRow,
    /// Where it was spoken of, in order.
    pub sightings: Vec<Sighting>,
}

/// A word for how an action stands: `open`, `carried` (open, and spoken of in several meetings) or `done`.
pub fn standing(action: &ActionRow) -> &'static str {
    match action.state {
        ActionState::Done => "done",
        _ if action.meetings > 1 => "carried",
        _ => "open",
    }
}

/// How an action may stand; see [`standing`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// To be done, carried over or not.
    Open,
    /// To be done, and spoken of in several meetings.
    Carried,
    /// Done.
    Done,
}

impl Standing {
    /// The filter for actions that stand so.
    pub fn filter(self) -> ActionFilter {
        ActionFilter {
            state: Some(match self {
                Self::Open | Self::Carried => ActionState::Open,
                Self::Done => ActionState::Done,
            }),
            carried: self == Self::Carried,
            ..ActionFilter::default()
        }
    }
}

/// Actions, those spoken of last first.
pub async fn list(app: &App, filter: &ActionFilter, page: &PageRequest) -> Result<Page<ActionRow>> {
    app.components().require("understanding").await?;
    catch_up(app).await?;
    Ok(app.store().actions(app.scope(), filter, page).await?)
}

/// Who owes how much, who owes most first.
pub async fn owners(app: &App) -> Result<Vec<OwnerRow>> {
    Ok(app.store().action_owners(app.scope(), MOST_OWNERS).await?)
}

/// An action with where it was spoken of.
///
/// # Errors
/// `not_found`.
pub async fn get(app: &App, id: &str) -> Result<Tracked> {
    let missing = || {
        EngineError::not_found("action", id)
            .with_hint("`parfocal insights actions` lists what is to be done.")
    };
    let key: ActionId = id.trim().parse().map_err(|_| missing())?;
    let action = app
        .store()
        .action(app.scope(), key)
        .await?
        .ok_or_else(missing)?;
    let sightings = app.store().sightings(app.scope(), key).await?;
    Ok(Tracked { action, sightings })
}

/// Says that an action is done, or is to be done again; who said so is kept.
///
/// # Errors
/// `not_found`.
pub async fn mark(app: &App, id: &str, state: ActionState, by: &By) -> Result<Tracked> {
    app.components().require("understanding").await?;
    let before = get(app, id).await?.action;
    let now = app.clock().now();
    let mut tx = app.store().begin(app.scope()).await?;
    if tx.mark_action(before.id, state, &by.actor, now).await? {
        let event = Told::ActionItemMarked(ActionItemMarked {
            state: state.as_str().to_owned(),
            by: by.actor.clone(),
        });
        told::tell(&mut tx, before.id, event, now).await?;
        let change = Change {
            action: match state {
                ActionState::Done => "action_item.done",
                _ => "action_item.reopen",
            },
            target: &format!("action_item/{}", before.id),
            detail: json!({}),
        };
        audit::append(&mut tx, by, &change, now).await?;
    }
    tx.commit().await?;
    get(app, id).await
}

/// Follows series that were analysed before there was a tracker, or whose transcripts became current again.
async fn catch_up(app: &App) -> Result<()> {
    let series = app.store().unfollowed_series(app.scope(), CATCH_UP).await?;
    for one in series {
        let now = app.clock().now();
        let mut tx = app.store().begin(app.scope()).await?;
        follow_series(&mut tx, &one, now).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Makes the actions of an instance's series anew.
pub(crate) async fn follow(tx: &mut Tx, instance: InstanceId, now: Timestamp) -> Result<()> {
    match tx.series_of(instance).await? {
        Some(series) => follow_series(tx, &series, now).await,
        None => Ok(()),
    }
}

async fn follow_series(tx: &mut Tx, series: &str, now: Timestamp) -> Result<()> {
    let statements = tx.series_statements(series).await?;
    let (actions, sightings) = tx.series_actions(series).await?;
    if statements.is_empty() && actions.is_empty() {
        return Ok(());
    }
    let owners = owners_of(tx, series).await?;
    let new = group(&statements, &actions, &sightings, &owners);
    tx.replace_actions(series, &new, now).await?;
    Ok(())
}

/// An action while it is put together.
struct Draft {
    action: NewAction,
    tasks: Vec<Task>,
}

/// Which statements, in the order of meetings, are the same action.
fn group(
    statements: &[Statement],
    held: &[ActionRow],
    seen: &[Sighting],
    owners: &Owners,
) -> Vec<NewAction> {
    let tasks = Tasks::default();
    let mut drafts: Vec<Draft> = Vec::new();
    for statement in statements {
        let at = statement.start.unwrap_or(Timestamp::UNIX_EPOCH);
        let task = tasks.task(&statement.text, statement.owner.as_deref());
        // The action that this place in the talk was part of before.
        let before = seen
            .iter()
            .find(|seen| is_place(seen, statement) && seen.text == statement.text)
            .or_else(|| seen.iter().find(|seen| is_place(seen, statement)))
            .and_then(|seen| held.iter().find(|action| action.id == seen.action_id));
        let fits = |draft: &Draft| fits(draft, statement, at, &task);
        let found = drafts
            .iter()
            .rposition(|draft| {
                before.is_some_and(|old| draft.action.id == Some(old.id)) && fits(draft)
            })
            .or_else(|| drafts.iter().rposition(fits));
        // An id is taken over once, with what a person said of it.
        let old = before.filter(|old| drafts.iter().all(|draft| draft.action.id != Some(old.id)));
        let place = found.unwrap_or_else(|| {
            drafts.push(Draft {
                action: begin(statement, at),
                tasks: Vec::new(),
            });
            drafts.len() - 1
        });
        if let Some(old) = old
            && drafts[place].action.id.is_none()
        {
            adopt(&mut drafts[place].action, old);
        }
        let draft = &mut drafts[place];
        draft.tasks.push(task);
        add(&mut draft.action, statement, at, owners);
    }
    drafts.into_iter().map(|draft| draft.action).collect()
}

fn is_place(seen: &Sighting, statement: &Statement) -> bool {
    seen.transcript_id == statement.transcript_id
        && seen.cue_from <= statement.cue_to
        && statement.cue_from <= seen.cue_to
}

/// Whether a statement is of an action that is there already.
fn fits(draft: &Draft, statement: &Statement, at: Timestamp, task: &Task) -> bool {
    // What was done before this meeting began is not meant any more.
    let over = draft.action.state == ActionState::Done
        && draft.action.state_at.is_none_or(|done| done <= at)
        && draft.action.last_at < at;
    if over {
        return false;
    }
    // Two analysts cite the same place.
    let same_place = draft.action.sightings.iter().any(|seen| {
        seen.model != statement.model
            && seen.transcript_id == statement.transcript_id
            && seen.cue_from <= statement.cue_to
            && statement.cue_from <= seen.cue_to
    });
    same_place || draft.tasks.iter().any(|other| other.is(task))
}

fn begin(statement: &Statement, at: Timestamp) -> NewAction {
    NewAction {
        id: None,
        text: statement.text.clone(),
        owner: None,
        owner_email: None,
        due: None,
        due_text: None,
        confidence: 0,
        state: ActionState::Open,
        state_by: None,
        state_at: None,
        first_at: at,
        last_at: at,
        sightings: Vec::new(),
    }
}

fn adopt(action: &mut NewAction, old: &ActionRow) {
    action.id = Some(old.id);
    action.state = old.state;
    action.state_by.clone_from(&old.state_by);
    action.state_at = old.state_at;
}

/// Takes a statement in: the latest words count, and the latest day and owner that are known.
fn add(action: &mut NewAction, statement: &Statement, at: Timestamp, owners: &Owners) {
    action.text.clone_from(&statement.text);
    if let Some(owner) = &statement.owner {
        let (name, email) = owners.of(statement.instance_id, owner);
        action.owner = Some(name);
        if email.is_some() {
            action.owner_email = email;
        }
    }
    if statement.due.is_some() || statement.due_text.is_some() {
        action.due.clone_from(&statement.due);
        action.due_text.clone_from(&statement.due_text);
    }
    action.confidence = action.confidence.max(statement.confidence);
    action.first_at = action.first_at.min(at);
    action.last_at = action.last_at.max(at);
    action.sightings.push(NewSighting {
        transcript_id: statement.transcript_id,
        instance_id: statement.instance_id,
        model: statement.model.clone(),
        cue_from: statement.cue_from,
        cue_to: statement.cue_to,
        start_ms: statement.start_ms,
        text: statement.text.clone(),
        quote: statement.quote.clone(),
    });
}

#[cfg(test)]
mod tests {
    use parfocal_store::TranscriptId;

    use super::*;

    fn id<T: std::str::FromStr>(n: u32) -> T
    where
        T::Err: std::fmt::Debug,
    {
        format!("01900000-0000-7000-8000-{n:012}").parse().unwrap()
    }

    fn said(meeting: u32, cue: u32, text: &str, owner: &str) -> Statement {
        Statement {
            transcript_id: id(meeting),
            instance_id: id(meeting),
            start: Some(Timestamp::from_second(i64::from(meeting) * 604_800).unwrap()),
            model: "embedded".to_owned(),
            text: text.to_owned(),
            owner: Some(owner.to_owned()),
            due: None,
            due_text: None,
            confidence: 500,
            start_ms: cue * 1_000,
            cue_from: cue,
            cue_to: cue,
            quote: text.to_owned(),
        }
    }

    /// What lies in the store after these actions were kept.
    fn kept(actions: &[NewAction]) -> (Vec<ActionRow>, Vec<Sighting>) {
        let mut rows = Vec::new();
        let mut seen = Vec::new();
        for (n, action) in (100_u32..).zip(actions) {
            let id: ActionId = action.id.unwrap_or_else(|| id(n));
            rows.push(ActionRow {
                id,
                series: "s".to_owned(),
                text: action.text.clone(),
                owner: action.owner.clone(),
                owner_email: None,
                due: None,
                due_text: None,
                confidence: action.confidence,
                state: action.state,
                state_by: action.state_by.clone(),
                state_at: action.state_at,
                meetings: 1,
                first_at: action.first_at,
                last_at: action.last_at,
                topic: None,
            });
            seen.extend(action.sightings.iter().map(|one| Sighting {
                action_id: id,
                transcript_id: one.transcript_id,
                instance_id: one.instance_id,
                model: one.model.clone(),
                cue_from: one.cue_from,
                cue_to: one.cue_to,
                start_ms: one.start_ms,
                text: one.text.clone(),
                quote: one.quote.clone(),
                start: None,
                topic: None,
            }));
        }
        (rows, seen)
    }

    const DRAFT: &str = "Send the draft to the harbour office by Friday.";
    const AGAIN: &str = "I still have to send the draft to the harbour office.";

    #[test]
    fn a_task_of_a_later_meeting_is_carried_and_not_doubled() {
        let statements = [
            said(1, 3, DRAFT, "Edda"),
            said(1, 9, "Book the room in the town hall.", "Luan"),
            said(2, 5, AGAIN, "Edda"),
        ];
        let actions = group(&statements, &[], &[], &Owners::default());
        assert_eq!(actions.len(), 2);
        assert_eq!(actions[0].sightings.len(), 2);
        assert_eq!(actions[0].text, AGAIN);
        let meeting: TranscriptId = id(2);
        assert_eq!(actions[0].sightings[1].transcript_id, meeting);
    }

    #[test]
    fn ids_and_marks_stay_whatever_comes_in_later() {
        let first = group(&[said(2, 5, AGAIN, "Edda")], &[], &[], &Owners::default());
        let (mut rows, seen) = kept(&first);
        rows[0].state = ActionState::Done;
        rows[0].state_at = Some(Timestamp::from_second(3 * 604_800 - 1).unwrap());
        // An earlier meeting is taken in, and a later one in which it is said again.
        let statements = [
            said(1, 3, DRAFT, "Edda"),
            said(2, 5, AGAIN, "Edda"),
            said(3, 1, DRAFT, "Edda"),
        ];
        let second = group(&statements, &rows, &seen, &Owners::default());
        let states: Vec<(Option<ActionId>, ActionState, usize)> = second
            .iter()
            .map(|action| (action.id, action.state, action.sightings.len()))
            .collect();
        assert!(
            states.contains(&(Some(rows[0].id), ActionState::Done, 2)),
            "{states:?}"
        );
        let open: Vec<_> = states
            .iter()
            .filter(|(_, state, _)| *state == ActionState::Open)
            .collect();
        assert_eq!(open.len(), 1, "{states:?}");
        // Made once more from what was kept, nothing changes.
        let (rows, seen) = kept(&second);
        let third = group(&statements, &rows, &seen, &Owners::default());
        let ids = |actions: &[NewAction]| {
            actions
                .iter()
                .map(|a| a.sightings.len())
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&third), ids(&second));
        assert!(
            third
                .iter()
                .zip(&rows)
                .all(|(new, old)| new.id == Some(old.id))
        );
    }

    #[test]
    fn two_analysts_of_one_place_name_one_action() {
        let mut other = said(1, 3, "Edda sends the harbour draft", "Edda");
        other.model = "large".to_owned();
        let actions = group(
            &[said(1, 3, DRAFT, "Edda"), other],
            &[],
            &[],
            &Owners::default(),
        );
        assert_eq!(actions.len(), 1);
    }
}
