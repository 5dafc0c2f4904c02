//! Prompts: common questions, with what the analyst and the search already know of the answer, each line with its proof.

mod evidence;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use parfocal_engine::keys::Caller;
use parfocal_engine::store::{InsightFilter, Instance, InstanceFilter};
use parfocal_engine::{App, EngineError, understand};
use rmcp::ErrorData;
use rmcp::model::{
    CacheScope, CompletionInfo, GetPromptResult, JsonObject, ListPromptsResult,
    PaginatedRequestParams, Prompt, PromptArgument, PromptMessage, Role,
};

use super::resources::{self, Address};
use super::{cursor, failure, handler};
use crate::reach::{Reach, Wanted};

/// Statements that are told at most.
const STATEMENTS: usize = 60;
/// What every answer is asked to keep to.
const RULES: &str = "Answer from these lines only. Put the address of its proof (parfocal://transcript/…/cues/…) and the time behind \
     every statement; read that resource where the words matter. Say so when the lines do not answer the question.";

/// One of the questions.
struct Question {
    name: &'static str,
    title: &'static str,
    about: &'static str,
    arguments: &'static [(&'static str, bool, &'static str)],
}

const MEETING: &str =
    "Our id, Zoom's UUID, a meeting number, or words of the topic (then the latest such meeting).";
const SINCE: &str = "Only meetings from this day on, as 2026-11-01.";
const TOPIC: &str = "Only what has to do with these words.";

/// All questions, in the order of their names.
const ALL: &[Question] = &[
    Question {
        name: "catch_me_up",
        title: "Catch me up on a meeting",
        about: "What a meeting was about, what was decided and who owes what.",
        arguments: &[("meeting", true, MEETING)],
    },
    Question {
        name: "follow_up_mail",
        title: "Write the mail after a meeting",
        about: "A mail to those who took part: decisions, action items with owners and days, open questions.",
        arguments: &[("meeting", true, MEETING)],
    },
    Question {
        name: "open_action_items",
        title: "Open action items of a person",
        about: "What a person has promised or was asked to do, with the days it is due.",
        arguments: &[
            (
                "person",
                true,
                "The name as it stands in transcripts, or its beginning.",
            ),
            ("meeting", false, MEETING),
            ("since", false, SINCE),
        ],
    },
    Question {
        name: "open_questions",
        title: "Questions that stayed open",
        about: "What was asked and not answered, in one meeting or across them.",
        arguments: &[
            ("topic", false, TOPIC),
            ("meeting", false, MEETING),
            ("since", false, SINCE),
        ],
    },
    Question {
        name: "prepare_meeting",
        title: "Prepare for the next meeting of a series",
        about: "What the last meetings of the same series decided and left open.",
        arguments: &[("meeting", true, MEETING)],
    },
    Question {
        name: "what_was_decided",
        title: "What was decided",
        about: "Decisions, in one meeting or across them.",
        arguments: &[
            ("topic", false, TOPIC),
            ("meeting", false, MEETING),
            ("since", false, SINCE),
        ],
    },
    Question {
        name: "who_said_what",
        title: "Who said what about something",
        about: "Passages of all meetings in which something was spoken of.",
        arguments: &[(
            "query",
            true,
            "Words, \"phrases\", prefix*, -without, speaker:, host:, topic:, from:, before:.",
        )],
    },
];

/// The questions.
pub(super) fn list(
    request: Option<PaginatedRequestParams>,
) -> Result<ListPromptsResult, ErrorData> {
    let all = ALL
        .iter()
        .map(|question| {
            let arguments = question
                .arguments
                .iter()
                .map(|(name, required, about)| {
                    PromptArgument::new(*name)
                        .with_description(*about)
                        .with_required(*required)
                })
                .collect();
            Prompt::new(question.name, Some(question.about), Some(arguments))
                .with_title(question.title)
        })
        .collect();
    let (items, next) = cursor::piece("prompts", all, 50, request)?;
    let mut result = ListPromptsResult::with_all_items(items)
        .with_ttl_ms(handler::LISTS_FRESH_MS)
        .with_cache_scope(CacheScope::Private);
    result.next_cursor = next;
    Ok(result)
}

/// The arguments of a question, checked.
struct Given(JsonObject);

impl Given {
    fn text(&self, name: &str) -> Option<&str> {
        let text = self.0.get(name)?.as_str()?.trim();
        (!text.is_empty()).then_some(text)
    }

    fn needed(&self, name: &str) -> &str {
        self.text(name).unwrap_or_default()
    }

    fn since(&self) -> Result<Option<jiff::Timestamp>, EngineError> {
        let Some(text) = self.text("since") else {
            return Ok(None);
        };
        text.parse::<Date>()
            .and_then(|day| day.to_zoned(TimeZone::UTC))
            .map(|start| Some(start.timestamp()))
            .map_err(|_| {
                EngineError::invalid(format!("since: {text:?} is not a day"))
                    .with_hint("Write it as 2026-11-01.")
            })
    }
}

/// A question with what is known of its answer.
pub(super) async fn get(
    app: &App,
    caller: &Caller,
    name: &str,
    arguments: Option<JsonObject>,
) -> Result<GetPromptResult, ErrorData> {
    let question = ALL
        .iter()
        .find(|question| question.name == name)
        .ok_or_else(|| {
            ErrorData::invalid_params(
                format!("there is no prompt {name:?}; prompts/list tells what there is"),
                None,
            )
        })?;
    let given = check(question, arguments.unwrap_or_default())?;
    let messages = ask(app, caller, question, &given)
        .await
        .map_err(|error| failure::protocol(&error))?;
    Ok(GetPromptResult::new(messages).with_description(question.about))
}

fn check(question: &Question, arguments: JsonObject) -> Result<Given, ErrorData> {
    let refuse = |what: String| ErrorData::invalid_params(what, None);
    for (name, value) in &arguments {
        if !question.arguments.iter().any(|(known, ..)| known == name) {
            let known: Vec<&str> = question.arguments.iter().map(|(name, ..)| *name).collect();
            return Err(refuse(format!(
                "{} takes no argument {name:?}, only {}",
                question.name,
                known.join(", ")
            )));
        }
        if !value.is_string() {
            return Err(refuse(format!("the argument {name:?} is not a text")));
        }
    }
    let given = Given(arguments);
    for (name, required, about) in question.arguments {
        if *required && given.text(name).is_none() {
            return Err(refuse(format!(
                "{} needs the argument {name:?}. {about}",
                question.name
            )));
        }
    }
    Ok(given)
}

async fn ask(
    app: &App,
    caller: &Caller,
    question: &Question,
    given: &Given,
) -> Result<Vec<PromptMessage>, EngineError> {
    let reach = Reach::of(app, caller).await?;
    match question.name {
        "catch_me_up" => {
            let meeting = reach.meant(given.needed("meeting")).await?;
            let wish = "Catch me up on this meeting: what it was about in a few sentences, what was decided, who does what by \
                when, and what stayed open.";
            about_meeting(app, &meeting, wish).await
        }
        "follow_up_mail" => {
            let meeting = reach.meant(given.needed("meeting")).await?;
            let wish = "Write the mail that the host sends to everybody after this meeting: short, friendly, with decisions, \
                action items (owner, day) and open questions.";
            about_meeting(app, &meeting, wish).await
        }
        "open_action_items" => {
            let person = given.needed("person");
            let wish = format!(
                "Which action items does {person} still have, and by when? Name the most urgent first."
            );
            let wanted = Wanted {
                kind: "action_item",
                owner: Some(person),
                ..Wanted::default()
            };
            statements(&reach, given, wanted, &wish).await
        }
        "open_questions" => {
            let wish = "Which questions stayed open, and who should answer them?";
            statements(
                &reach,
                given,
                Wanted {
                    kind: "question",
                    ..Wanted::default()
                },
                wish,
            )
            .await
        }
        "what_was_decided" => {
            let wish = "What was decided, when and by whom? Where a later decision replaces an earlier one, say so.";
            statements(
                &reach,
                given,
                Wanted {
                    kind: "decision",
                    ..Wanted::default()
                },
                wish,
            )
            .await
        }
        "prepare_meeting" => prepare(&reach, given).await,
        _ => passages(app, caller, given).await,
    }
}

async fn about_meeting(
    app: &App,
    meeting: &Instance,
    wish: &str,
) -> Result<Vec<PromptMessage>, EngineError> {
    let found = resources::of_meeting(app, meeting).await?;
    let known = Address::Insights(meeting.id.to_string());
    let talk = Address::of_transcript(meeting.id, None);
    Ok(vec![
        evidence::embedded(&known, found),
        PromptMessage::new_text(
            Role::User,
            format!("{wish}\n\n{RULES} The whole talk is at {talk}."),
        ),
    ])
}

async fn statements(
    reach: &Reach<'_>,
    given: &Given,
    wanted: Wanted<'_>,
    wish: &str,
) -> Result<Vec<PromptMessage>, EngineError> {
    let meeting = match given.text("meeting") {
        Some(which) => {
            let meeting = reach.meant(which).await?;
            // What is not analysed yet is analysed now.
            understand::of_instance(reach.app, meeting.id).await?;
            Some(meeting)
        }
        None => None,
    };
    let wanted = Wanted {
        meeting: meeting.as_ref().map(|meeting| meeting.id),
        topic: given.text("topic"),
        since: given.since()?,
        ..wanted
    };
    let rows = reach.statements(wanted, STATEMENTS).await?;
    let lines = evidence::statements(&rows);
    Ok(vec![PromptMessage::new_text(
        Role::User,
        format!("{wish}\n\n{RULES}\n\n{lines}"),
    )])
}

/// What the last meetings of the same series left behind.
async fn prepare(reach: &Reach<'_>, given: &Given) -> Result<Vec<PromptMessage>, EngineError> {
    const LAST: u32 = 3;
    let meeting = reach.meant(given.needed("meeting")).await?;
    let filter = InstanceFilter {
        account: Some(meeting.account_id),
        number: meeting.number.clone(),
        topic: meeting
            .number
            .is_none()
            .then(|| meeting.topic.clone())
            .flatten(),
        has_transcript: Some(true),
        ..InstanceFilter::default()
    };
    let mut messages = Vec::new();
    for held in reach.meetings(&filter, LAST, None).await?.0 {
        let found = resources::of_meeting(reach.app, &held.instance).await?;
        let address = Address::Insights(held.instance.id.to_string());
        messages.push(evidence::embedded(&address, found));
    }
    let wish = if messages.is_empty() {
        "No earlier meeting of this series has a transcript: say so, and ask what the meeting is for.".to_owned()
    } else {
        format!(
            "Prepare me for the next meeting of this series: what was decided, which action items were due and whose they are, \
             what stayed open, and an agenda that follows from it.\n\n{RULES}"
        )
    };
    messages.push(PromptMessage::new_text(Role::User, wish));
    Ok(messages)
}

async fn passages(
    app: &App,
    caller: &Caller,
    given: &Given,
) -> Result<Vec<PromptMessage>, EngineError> {
    let query = given.needed("query");
    let hits = evidence::search(app, caller, query).await?;
    Ok(vec![PromptMessage::new_text(
        Role::User,
        format!("Who said what about this, and when: {query}\n\n{RULES}\n\n{hits}"),
    )])
}

/// Values that fit what was begun to be written.
pub(super) async fn complete(
    app: &App,
    caller: &Caller,
    argument: &str,
    begun: &str,
    as_ids: bool,
) -> Result<CompletionInfo, EngineError> {
    const VALUES: u32 = 20;
    let mut values: Vec<String> = Vec::new();
    match argument {
        "meeting" => {
            let reach = Reach::of(app, caller).await?;
            let filter = InstanceFilter {
                topic: Some(begun.trim().to_owned()).filter(|begun| !begun.is_empty()),
                ..InstanceFilter::default()
            };
            for meeting in reach.meetings(&filter, VALUES, None).await?.0 {
                let value = if as_ids {
                    Some(meeting.instance.id.to_string())
                } else {
                    meeting.instance.topic
                };
                values.extend(value.filter(|value| !values.contains(value)));
            }
        }
        "person" if caller.sees_everything() => {
            let filter = InsightFilter {
                kind: Some("action_item"),
                owner: Some(begun.trim()).filter(|begun| !begun.is_empty()),
                instance: None,
            };
            for row in understand::statements(app, &filter, understand::MOST_STATEMENTS).await? {
                values.extend(row.owner.filter(|owner| !values.contains(owner)));
            }
            values.truncate(VALUES as usize);
        }
        _ => {}
    }
    Ok(CompletionInfo::with_all_values(values).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(value: &serde_json::Value) -> JsonObject {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn arguments_are_checked() {
        let question = ALL.iter().find(|q| q.name == "catch_me_up").unwrap();
        assert!(check(question, object(&json!({}))).is_err());
        assert!(check(question, object(&json!({"meeting": " "}))).is_err());
        assert!(check(question, object(&json!({"meeting": 3}))).is_err());
        assert!(check(question, object(&json!({"meeting": "x", "else": "y"}))).is_err());
        let given = check(question, object(&json!({"meeting": " weekly "}))).unwrap();
        assert_eq!(given.needed("meeting"), "weekly");
    }

    #[test]
    fn days_are_read() {
        let since = |text: &str| Given(object(&json!({ "since": text }))).since();
        assert_eq!(
            since("2026-11-01").unwrap().unwrap().to_string(),
            "2026-11-01T00:00:00Z"
        );
        assert!(since("").unwrap().is_none());
        assert!(since("yesterday").is_err());
    }

    #[test]
    fn names_are_sorted_and_titles_are_there() {
        assert!(ALL.is_sorted_by_key(|question| question.name));
        assert!(ALL.iter().all(|question| question.about.ends_with('.')));
    }
}
