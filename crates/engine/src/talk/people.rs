//! Who the names in a transcript are.
//!
//! A transcript has display names; attendance has names, addresses and times. A name belongs to a participant when it is the
//! same name, or one they had in another stay, or a part of it, and it is nobody else's; where several fit, the one who was
//! there while the name spoke. Names that belong to one person are one person: somebody who renamed themselves speaks once.
//! Nothing is stored of that, so it is right again when attendance arrives late. What a person says outweighs it, is kept,
//! and can be taken back.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use parfocal_formats::text::index_text;
use parfocal_store::{
    Attendance, Instance, InstanceId, NewSpeaker, Participant, ParticipantId, SpeakerRow, Tx,
};
use serde::Serialize;
use serde_json::json;

use crate::App;
use crate::audit::{self, By, Change};
use crate::error::{EngineError, Result};
use crate::transcripts::TranscriptPart;

/// Why a name is taken for somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VoiceSource {
    /// A person said so.
    Person,
    /// It is the name of one participant.
    Name,
    /// A participant had that name in one of their stays.
    Renamed,
    /// It is the name in another order, or without a remark in brackets.
    Form,
    /// It is in the participant's address.
    Address,
    /// It is a part of the name, or the name a part of it.
    Part,
    /// Nobody in attendance fits, or several do.
    Transcript,
}

/// Who a name in the transcripts of a meeting is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Voice {
    /// The name as the transcripts have it.
    pub label: String,
    /// The name of who it is; the label itself when that is not known.
    pub name: String,
    /// Their address, where attendance shows it.
    pub email: Option<String>,
    /// The participant.
    pub participant_id: Option<ParticipantId>,
    /// Why.
    pub source: VoiceSource,
    /// How sure it is, 0 to 1000.
    pub confidence: u32,
    /// How many cues have the name.
    pub cues: u32,
}

/// How sure a name of one kind is, in thousandths. Equal names may still be two people; parts of names often are.
const SURE: [(VoiceSource, u32); 5] = [
    (VoiceSource::Name, 950),
    (VoiceSource::Renamed, 900),
    (VoiceSource::Form, 850),
    (VoiceSource::Address, 800),
    (VoiceSource::Part, 700),
];
/// What a choice by presence among several is worth, of 1000.
const CHOSEN: u32 = 800;
/// Clocks of recordings and of attendance may differ by so much.
const SLACK: SignedDuration = SignedDuration::from_secs(120);

/// Somebody who was there, under all their names.
#[derive(Debug, Clone, Default)]
struct Somebody {
    id: Option<ParticipantId>,
    name: Option<String>,
    names: Vec<String>,
    former: Vec<String>,
    email: Option<String>,
    stays: Vec<Attendance>,
}

/// A name with the moments at which it speaks.
#[derive(Debug, Clone, Default)]
struct Label {
    text: String,
    cues: u32,
    at: Vec<Timestamp>,
}

/// Who the names in some transcripts of a meeting are.
pub(crate) async fn of_parts(
    app: &App,
    instance: &Instance,
    parts: &[TranscriptPart],
) -> Result<Vec<Voice>> {
    let scope = app.scope();
    let people = app.store().participants(scope, instance.id).await?;
    let mut former: Vec<(ParticipantId, String)> = Vec::new();
    for stay in app.store().stay_names(scope, instance.id).await? {
        let raw: serde_json::Value = serde_json::from_str(&stay.raw).unwrap_or_default();
        for key in ["name", "user_name"] {
            if let Some(name) = raw.get(key).and_then(serde_json::Value::as_str) {
                former.push((stay.participant_id, name.to_owned()));
            }
        }
    }
    let said = app.store().speakers(scope, instance.id).await?;
    Ok(resolve(&labels(parts), &somebodies(people, &former), &said))
}

/// Who the names in the transcripts of a meeting are.
///
/// # Errors
/// `not_found` when there is no such meeting.
pub async fn of_instance(app: &App, id: InstanceId) -> Result<Vec<Voice>> {
    let shown = crate::transcripts::show(app, id).await?;
    of_parts(app, &shown.instance, &shown.parts).await
}

/// Says who a name is, in the place of what attendance shows.
///
/// # Errors
/// `not_found` when nobody speaks under that name; `invalid_input` for an empty name or something that is no address.
pub async fn set(
    app: &App,
    id: InstanceId,
    label: &str,
    name: &str,
    email: Option<&str>,
    by: &By,
) -> Result<Voice> {
    let name = name.trim();
    let email = email
        .map(|email| email.trim().to_lowercase())
        .filter(|email| !email.is_empty());
    let email = email.as_deref();
    if name.is_empty() || name.len() > 300 {
        return Err(EngineError::invalid("a name has 1 to 300 letters")
            .with_hint("Say who it is; `reset` goes back to what attendance shows."));
    }
    if let Some(email) = email
        && (!email.contains('@') || email.len() > 300 || email.contains(char::is_whitespace))
    {
        return Err(EngineError::invalid(format!(
            "{email:?} is not an e-mail address"
        )));
    }
    speaks(app, id, label).await?;
    let now = app.clock().now();
    let mut tx = app.store().begin(app.scope()).await?;
    let new = NewSpeaker {
        label,
        name,
        email,
        source: "person",
        confidence: 1_000,
        set_by: &by.actor,
    };
    tx.put_speaker(id, &new, now).await?;
    // Who owns what in the tracker follows the names.
    super::tracker::follow(&mut tx, id, now).await?;
    audit::append(
        &mut tx,
        by,
        &Change {
            action: "speaker.set",
            target: &format!("meeting/{id}"),
            detail: json!({}),
        },
        now,
    )
    .await?;
    tx.commit().await?;
    speaks(app, id, label).await
}

/// Takes back what was said of a name; what attendance shows holds again.
///
/// # Errors
/// `not_found` when nobody speaks under that name.
pub async fn reset(app: &App, id: InstanceId, label: &str, by: &By) -> Result<Voice> {
    speaks(app, id, label).await?;
    let now = app.clock().now();
    let mut tx = app.store().begin(app.scope()).await?;
    if tx.drop_speaker(id, label).await? {
        super::tracker::follow(&mut tx, id, now).await?;
        audit::append(
            &mut tx,
            by,
            &Change {
                action: "speaker.reset",
                target: &format!("meeting/{id}"),
                detail: json!({}),
            },
            now,
        )
        .await?;
    }
    tx.commit().await?;
    speaks(app, id, label).await
}

async fn speaks(app: &App, id: InstanceId, label: &str) -> Result<Voice> {
    of_instance(app, id)
        .await?
        .into_iter()
        .find(|voice| voice.label == label)
        .ok_or_else(|| {
            EngineError::not_found("speaker", label).with_hint(
                "`parfocal transcript speakers MEETING` lists the names of the transcripts.",
            )
        })
}

/// Who the names of owners in the meetings of a series are.
#[derive(Debug, Default)]
pub(crate) struct Owners {
    meetings: HashMap<InstanceId, (Vec<Somebody>, Vec<SpeakerRow>)>,
}

impl Owners {
    /// The name and the address of an owner in a meeting; the name as it is when nobody fits.
    pub(crate) fn of(&self, meeting: InstanceId, owner: &str) -> (String, Option<String>) {
        let label = Label {
            text: owner.to_owned(),
            ..Label::default()
        };
        let Some((people, said)) = self.meetings.get(&meeting) else {
            return (label.text, None);
        };
        let voice = resolve(std::slice::from_ref(&label), people, said).remove(0);
        (voice.name, voice.email)
    }
}

/// Reads who was in the meetings of a series, and what persons said of their names.
pub(crate) async fn owners_of(tx: &mut Tx, series: &str) -> Result<Owners> {
    let mut owners = Owners::default();
    for (meeting, name, email) in tx.people_of_series(series).await? {
        let people = &mut owners.meetings.entry(meeting).or_default().0;
        let known = people
            .iter_mut()
            .find(|one| email.is_some() && one.email == email);
        match known {
            Some(one) => one.names.push(name),
            None => people.push(Somebody {
                name: Some(name.clone()),
                names: vec![name],
                email,
                ..Somebody::default()
            }),
        }
    }
    for (meeting, row) in tx.speakers_of_series(series).await? {
        owners.meetings.entry(meeting).or_default().1.push(row);
    }
    Ok(owners)
}

fn labels(parts: &[TranscriptPart]) -> Vec<Label> {
    let mut out: Vec<Label> = Vec::new();
    for line in parts.iter().flat_map(|part| &part.lines) {
        let Some(name) = &line.cue.speaker else {
            continue;
        };
        let at = out
            .iter()
            .position(|label| label.text == *name)
            .unwrap_or_else(|| {
                out.push(Label {
                    text: name.clone(),
                    ..Label::default()
                });
                out.len() - 1
            });
        out[at].cues += 1;
        out[at].at.extend(line.at);
    }
    out
}

/// Participants with one address are one person: a second device is a second row.
fn somebodies(people: Vec<Participant>, former: &[(ParticipantId, String)]) -> Vec<Somebody> {
    let mut out: Vec<Somebody> = Vec::new();
    for person in people {
        let email = person.email.map(|email| email.to_lowercase());
        let known = email
            .as_ref()
            .and_then(|email| out.iter().position(|one| one.email.as_ref() == Some(email)));
        let at = known.unwrap_or_else(|| {
            out.push(Somebody {
                id: Some(person.id),
                name: person.name.clone(),
                email,
                ..Somebody::default()
            });
            out.len() - 1
        });
        let one = &mut out[at];
        one.names.extend(person.name);
        one.former.extend(
            former
                .iter()
                .filter(|(id, _)| *id == person.id)
                .map(|(_, name)| name.clone()),
        );
        one.stays.extend(person.attendance);
    }
    out
}

fn resolve(labels: &[Label], people: &[Somebody], said: &[SpeakerRow]) -> Vec<Voice> {
    labels
        .iter()
        .map(|label| {
            if let Some(row) = said.iter().find(|row| row.label == label.text) {
                let one = people
                    .iter()
                    .find(|one| row.email.is_some() && one.email == row.email);
                return Voice {
                    label: label.text.clone(),
                    name: row.name.clone(),
                    email: row.email.clone(),
                    participant_id: one.and_then(|one| one.id),
                    source: VoiceSource::Person,
                    confidence: u32::try_from(row.confidence).unwrap_or(0).min(1_000),
                    cues: label.cues,
                };
            }
            let found = find(label, people);
            Voice {
                label: label.text.clone(),
                name: found
                    .and_then(|(one, ..)| one.name.clone())
                    .unwrap_or_else(|| label.text.clone()),
                email: found.and_then(|(one, ..)| one.email.clone()),
                participant_id: found.and_then(|(one, ..)| one.id),
                source: found.map_or(VoiceSource::Transcript, |(_, source, _)| source),
                confidence: found.map_or(0, |(.., sure)| sure),
                cues: label.cues,
            }
        })
        .collect()
}

/// The participant whose name it is, by the surest kind that one fits alone.
fn find<'p>(label: &Label, people: &'p [Somebody]) -> Option<(&'p Somebody, VoiceSource, u32)> {
    let name = Name::of(&label.text)?;
    for (source, sure) in SURE {
        let fitting: Vec<&Somebody> = people
            .iter()
            .filter(|one| name.is(one, source) && !was_away(one, &label.at))
            .collect();
        match fitting.as_slice() {
            [] => {}
            [one] => return Some((one, source, sure)),
            several => {
                // Who was there at every moment, where the others were not.
                let mut present = several.iter().filter(|one| was_there(one, &label.at));
                let (first, second) = (present.next(), present.next());
                return first
                    .filter(|_| second.is_none() && !label.at.is_empty())
                    .map(|one| (*one, source, sure * CHOSEN / 1_000));
            }
        }
    }
    None
}

fn covers(stay: &Attendance, at: Timestamp) -> bool {
    let before = stay.join.checked_sub(SLACK).unwrap_or(stay.join);
    let after = stay
        .leave
        .map(|leave| leave.checked_add(SLACK).unwrap_or(leave));
    before <= at && after.is_none_or(|after| at <= after)
}

fn was_there(one: &Somebody, at: &[Timestamp]) -> bool {
    at.iter()
        .all(|at| one.stays.iter().any(|stay| covers(stay, *at)))
}

/// Whether somebody's stays are known, and the name speaks in none of them.
fn was_away(one: &Somebody, at: &[Timestamp]) -> bool {
    !one.stays.is_empty()
        && !at.is_empty()
        && !at
            .iter()
            .any(|at| one.stays.iter().any(|stay| covers(stay, *at)))
}

/// A name in its normal form.
struct Name {
    whole: String,
    words: Vec<String>,
}

impl Name {
    fn of(text: &str) -> Option<Self> {
        let whole = index_text(text);
        let mut words: Vec<String> = index_text(bare(text))
            .split(' ')
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect();
        words.sort_unstable();
        words.dedup();
        (!whole.is_empty() && !words.is_empty()).then_some(Self { whole, words })
    }

    fn is(&self, one: &Somebody, source: VoiceSource) -> bool {
        match source {
            VoiceSource::Name => one.names.iter().any(|name| index_text(name) == self.whole),
            VoiceSource::Renamed => one.former.iter().any(|name| index_text(name) == self.whole),
            VoiceSource::Form => one
                .names
                .iter()
                .chain(&one.former)
                .filter_map(|name| Self::of(name))
                .any(|name| name.words == self.words),
            VoiceSource::Address => one
                .email
                .as_deref()
                .and_then(|email| Self::of(email.split('@').next()?))
                .is_some_and(|name| name.words == self.words && name.words.len() > 1),
            VoiceSource::Part => one
                .names
                .iter()
                .chain(&one.former)
                .filter_map(|name| Self::of(name))
                .any(|name| within(&self.words, &name.words) || within(&name.words, &self.words)),
            VoiceSource::Person | VoiceSource::Transcript => false,
        }
    }
}

/// Whether all words of the one are words of the other, one of them more than an initial.
fn within(few: &[String], many: &[String]) -> bool {
    let is = |word: &String| {
        many.iter().any(|other| {
            other == word || (word.chars().count() == 1 && other.starts_with(word.as_str()))
        })
    };
    few.len() < many.len() + usize::from(few.iter().any(|word| word.chars().count() == 1))
        && few.iter().any(|word| word.chars().count() > 1)
        && few.iter().all(is)
}

/// Without what people add to a name: brackets, a company behind a stroke.
fn bare(text: &str) -> &str {
    let end = ["(", "[", "|", " - ", " – ", " @"]
        .iter()
        .filter_map(|mark| text.find(mark))
        .filter(|at| *at > 0)
        .min()
        .unwrap_or(text.len());
    text[..end].trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + minute * 60).unwrap()
    }

    fn person(name: &str, email: &str, stay: Option<(i64, i64)>) -> Somebody {
        Somebody {
            name: Some(name.to_owned()),
            names: vec![name.to_owned()],
            email: Some(email.to_owned()),
            stays: stay
                .map(|(from, to)| Attendance {
                    join_key: "k".to_owned(),
                    kind: parfocal_store::AttendanceKind::Main,
                    join: at(from),
                    leave: Some(at(to)),
                })
                .into_iter()
                .collect(),
            ..Somebody::default()
        }
    }

    fn label(text: &str, minutes: &[i64]) -> Label {
        Label {
            text: text.to_owned(),
            cues: 1,
            at: minutes.iter().map(|minute| at(*minute)).collect(),
        }
    }

    fn who(label: &Label, people: &[Somebody]) -> (String, Option<String>, VoiceSource) {
        let voice = resolve(std::slice::from_ref(label), people, &[]).remove(0);
        (voice.name, voice.email, voice.source)
    }

    #[test]
    fn names_in_all_their_forms_find_their_person() {
        let mut ana = person("Ana Lima", "ana.lima@x.test", None);
        ana.former.push("Meeting Room 4".to_owned());
        let people = [ana, person("Bo Lind", "b@x.test", None)];
        for (text, source) in [
            ("Ana Lima", VoiceSource::Name),
            ("ANA LIMÁ", VoiceSource::Name),
            ("Meeting Room 4", VoiceSource::Renamed),
            ("Lima, Ana (she/her)", VoiceSource::Form),
            ("Ana Lima | Contoso", VoiceSource::Form),
            ("Ana", VoiceSource::Part),
            ("Ana L.", VoiceSource::Part),
        ] {
            let found = who(&label(text, &[]), &people);
            assert_eq!(
                found,
                (
                    "Ana Lima".to_owned(),
                    Some("ana.lima@x.test".to_owned()),
                    source
                ),
                "{text}"
            );
        }
        assert_eq!(
            who(&label("Chris", &[]), &people),
            ("Chris".to_owned(), None, VoiceSource::Transcript)
        );
    }

    #[test]
    fn of_two_that_fit_the_one_who_was_there_is_taken() {
        let people = [
            person("Ana Lima", "1@x.test", Some((0, 10))),
            person("Ana Berg", "2@x.test", Some((20, 30))),
        ];
        assert_eq!(who(&label("Ana", &[25]), &people).0, "Ana Berg");
        assert_eq!(who(&label("Ana", &[5]), &people).0, "Ana Lima");
        assert_eq!(who(&label("Ana", &[]), &people).2, VoiceSource::Transcript);
        // Nobody of that name was there then.
        assert_eq!(who(&label("Ana Lima", &[25]), &people).0, "Ana Lima");
        assert_eq!(
            who(&label("Ana Lima", &[25]), &people).2,
            VoiceSource::Transcript
        );
    }

    #[test]
    fn what_a_person_says_outweighs_attendance() {
        let people = [person("Ana Lima", "ana@x.test", None)];
        let said = [SpeakerRow {
            label: "Ana".to_owned(),
            name: "Ana Berg".to_owned(),
            email: None,
            source: "person".to_owned(),
            confidence: 1_000,
            set_by: "local".to_owned(),
            updated_at: at(0),
        }];
        let voice = resolve(&[label("Ana", &[])], &people, &said).remove(0);
        assert_eq!(
            (voice.name.as_str(), voice.source),
            ("Ana Berg", VoiceSource::Person)
        );
        assert_eq!(voice.email, None);
    }
}
