//! Resources: meetings, what was said in them, and single cues as proof.
//!
//! `parfocal://meeting/{meeting}`, its `/transcript`, `/insights` and `/chat`, and
//! `parfocal://transcript/{transcript}/cues/{from}-{to}`, which is what a citation names.

mod address;
mod text;

use parfocal_engine::keys::Caller;
use parfocal_engine::store::{Instance, InstanceFilter};
use parfocal_engine::{App, EngineError, transcripts, understand};
use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, ListResourceTemplatesResult, ListResourcesResult, PaginatedRequestParams,
    ReadResourceResult, Resource, ResourceContents, ResourceTemplate,
};
use serde_json::{Value, json};

use super::{UNTRUSTED, cursor, failure, notes};
use crate::lookup;
use crate::reach::Reach;

pub(super) use address::{Address, citation};
pub(super) use text::{clock, one_line};

/// Meetings in one piece of the list.
const MEETINGS: u32 = 25;
/// How long a client may take a resource from memory, in milliseconds: meetings change for a while after their end.
const FRESH_MS: u64 = 60_000;
const JSON: &str = "application/json";
const MARKDOWN: &str = "text/markdown";
const LIST: &str = "resources";

/// The latest meetings and their transcripts.
pub(super) async fn list(
    app: &App,
    caller: &Caller,
    request: Option<PaginatedRequestParams>,
) -> Result<ListResourcesResult, ErrorData> {
    let after = cursor::read(LIST, request)?;
    let reach = Reach::of(app, caller)
        .await
        .map_err(|e| failure::protocol(&e))?;
    let (meetings, next) = reach
        .meetings(&InstanceFilter::default(), MEETINGS, after.as_deref())
        .await
        .map_err(|error| match after {
            Some(_) if error.kind() == parfocal_engine::Kind::Invalid => cursor::foreign(),
            _ => failure::protocol(&error),
        })?;
    let mut resources = Vec::new();
    for meeting in meetings {
        let instance = &meeting.instance;
        let about = title(instance);
        let address = Address::meeting(instance.id);
        resources.push(
            Resource::new(address.to_string(), format!("meeting {}", instance.id))
                .with_title(about.clone())
                .with_description(format!(
                    "When it was held, who took part ({}), what there is of it.",
                    meeting.participants
                ))
                .with_mime_type(JSON),
        );
        if meeting.cues > 0 {
            resources.push(
                Resource::new(
                    Address::of_transcript(instance.id, None).to_string(),
                    format!("transcript {}", instance.id),
                )
                .with_title(format!("Transcript: {about}"))
                .with_description(format!(
                    "What was said, {} cues with their times. {UNTRUSTED}",
                    meeting.cues
                ))
                .with_mime_type(MARKDOWN),
            );
            resources.push(
                Resource::new(
                    Address::Insights(instance.id.to_string()).to_string(),
                    format!("insights {}", instance.id),
                )
                .with_title(format!("Insights: {about}"))
                .with_description(
                    "Summary, decisions, action items and open questions, each with its proof.",
                )
                .with_mime_type(MARKDOWN),
            );
        }
    }
    let mut result = ListResourcesResult::with_all_items(resources)
        .with_ttl_ms(FRESH_MS)
        .with_cache_scope(CacheScope::Private);
    result.next_cursor = next.map(|next| cursor::write(LIST, &next));
    Ok(result)
}

/// The forms of our addresses.
pub(super) fn templates(
    request: Option<PaginatedRequestParams>,
) -> Result<ListResourceTemplatesResult, ErrorData> {
    let template = |form: &str, name: &str, title: &str, about: &str, kind: &str| {
        ResourceTemplate::new(format!("{}://{form}", super::SCHEME), name)
            .with_title(title)
            .with_description(about)
            .with_mime_type(kind)
    };
    let all = vec![
        template(
            "meeting/{meeting}",
            "meeting",
            "A meeting",
            "When it was held, who took part and when, its recordings, what is missing. {meeting} is our id, Zoom's UUID, or a \
             meeting number for the latest one.",
            JSON,
        ),
        template(
            "meeting/{meeting}/transcript{?part,from}",
            "transcript",
            "What was said",
            &format!(
                "The talk with speakers, times and numbers of cues, in pieces; `from` is the cue to begin with. {UNTRUSTED}"
            ),
            MARKDOWN,
        ),
        template(
            "meeting/{meeting}/insights",
            "insights",
            "What it was about",
            "Summary, decisions, action items, open questions, each with the address of its proof.",
            MARKDOWN,
        ),
        template(
            "meeting/{meeting}/chat",
            "chat",
            "What was written",
            &format!("The chat of a meeting. {UNTRUSTED}"),
            MARKDOWN,
        ),
        template(
            "transcript/{transcript}/cues/{cues}",
            "citation",
            "A citation",
            "What was said in the cues of a transcript, word for word, with speaker and time; {cues} is a number or a span such as \
             12-15.",
            MARKDOWN,
        ),
    ];
    let (items, next) = cursor::piece("templates", all, 50, request)?;
    let mut result = ListResourceTemplatesResult::with_all_items(items)
        .with_ttl_ms(super::handler::LISTS_FRESH_MS)
        .with_cache_scope(CacheScope::Private);
    result.next_cursor = next;
    Ok(result)
}

/// Reads a resource.
pub(super) async fn read(
    app: &App,
    caller: &Caller,
    uri: &str,
) -> Result<ReadResourceResult, ErrorData> {
    let Some(address) = Address::parse(uri) else {
        return Err(ErrorData::resource_not_found(
            format!(
                "{uri:?} is no address of a resource; resources/templates/list tells their forms"
            ),
            Some(json!({ "uri": uri })),
        ));
    };
    let shown = show(app, caller, &address)
        .await
        .map_err(|error| failure::protocol(&error))?;
    let mut meta = notes::of_request(caller);
    for (name, value) in shown.told {
        meta.0.insert(name.to_owned(), value);
    }
    let contents = ResourceContents::text(shown.text, uri)
        .with_mime_type(shown.kind)
        .with_meta(meta);
    Ok(ReadResourceResult::new(vec![contents])
        .with_ttl_ms(FRESH_MS)
        .with_cache_scope(CacheScope::Private))
}

/// A resource as it is read.
struct Shown {
    text: String,
    kind: &'static str,
    told: Vec<(&'static str, Value)>,
}

impl Shown {
    fn markdown(text: String) -> Self {
        Self {
            text,
            kind: MARKDOWN,
            told: Vec::new(),
        }
    }
}

async fn show(app: &App, caller: &Caller, address: &Address) -> Result<Shown, EngineError> {
    let reach = Reach::of(app, caller).await?;
    match address {
        Address::Meeting(which) => {
            let view = lookup::detail(app, reach.find(which).await?).await?;
            let mut json = serde_json::to_value(&view).map_err(|error| {
                EngineError::new(
                    parfocal_engine::Code::Internal,
                    format!("a meeting cannot be written: {error}"),
                )
            })?;
            bound_people(&mut json);
            Ok(Shown {
                text: format!("{json:#}"),
                kind: JSON,
                told: Vec::new(),
            })
        }
        Address::Transcript {
            meeting,
            part,
            from,
        } => {
            let instance = reach.find(meeting).await?;
            let talk = transcripts::show(app, instance.id).await?;
            if talk.parts.is_empty() {
                return Err(without_transcript(meeting));
            }
            let piece = text::transcript(&talk, *part, *from)
                .ok_or_else(|| EngineError::not_found("part of the transcript", address))?;
            let told = piece
                .next
                .map(|next| (notes::NEXT, Value::from(next.to_string())));
            Ok(Shown {
                told: told.into_iter().collect(),
                ..Shown::markdown(piece.text)
            })
        }
        Address::Insights(which) => {
            let instance = reach.find(which).await?;
            Ok(Shown::markdown(of_meeting(app, &instance).await?))
        }
        Address::Chat(which) => {
            let instance = reach.find(which).await?;
            let messages = lookup::chat(app, instance.id).await?;
            Ok(Shown::markdown(text::chat(&instance, &messages)))
        }
        Address::Cues {
            transcript,
            from,
            to,
        } => {
            let (of, instance) = reach.transcript(transcript).await?;
            let talk = transcripts::show(app, instance.id).await?;
            let (text, proof) = text::cues(app, &talk, &of, *from, *to).await?;
            Ok(Shown {
                told: vec![(notes::CITATION, proof)],
                ..Shown::markdown(text)
            })
        }
    }
}

/// What the analyst found in a meeting, with its proofs.
pub(super) async fn of_meeting(app: &App, instance: &Instance) -> Result<String, EngineError> {
    let found = understand::of_instance(app, instance.id).await?;
    if found.parts.is_empty() {
        return Err(without_transcript(&instance.id.to_string()));
    }
    Ok(text::insights(&found))
}

fn without_transcript(which: &str) -> EngineError {
    EngineError::not_found("transcript of the meeting", which)
        .with_hint("The meeting's artefacts tell whether one is expected, or why there is none.")
}

/// A webinar may have thousands of people: a model gets some, and how many there were.
fn bound_people(view: &mut Value) {
    const PEOPLE: usize = 200;
    if let Some(Value::Array(people)) = view.get_mut("people") {
        people.truncate(PEOPLE);
    }
}

/// What a meeting is called in lists.
pub(super) fn title(instance: &Instance) -> String {
    let topic = instance
        .topic
        .as_deref()
        .unwrap_or("Meeting without a topic");
    match instance.start {
        Some(start) => format!("{topic} ({})", start.strftime("%Y-%m-%d %H:%M UTC")),
        None => topic.to_owned(),
    }
}
