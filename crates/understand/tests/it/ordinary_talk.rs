//! A meeting as meetings are: tasks with owners and days, a decision, a question left open.

use jiff::civil::date;
use parfocal_understand::{Analysis, Heading, Line, Wish, analyse, markdown, verify};

/// Lines of four seconds each.
pub(crate) fn talk<'a>(said: &[(&'a str, &'a str)]) -> Vec<Line<'a>> {
    (0_u32..)
        .zip(said)
        .map(|(at, (speaker, text))| Line {
            n: at + 1,
            start_ms: at * 4_000,
            end_ms: at * 4_000 + 3_800,
            speaker: (!speaker.is_empty()).then_some(*speaker),
            text,
        })
        .collect()
}

/// Every statement, the chapters' included, stands where it says.
pub(crate) fn all_proven(found: &Analysis, lines: &[Line<'_>]) {
    let lists = [
        &found.summary.sentences,
        &found.action_items,
        &found.decisions,
        &found.questions,
        &found.follow_ups,
        &found.topics,
    ];
    let chapters = found.chapters.iter().map(|chapter| &chapter.sentences);
    for insight in lists.into_iter().chain(chapters).flatten() {
        assert_eq!(verify(&insight.cite, lines), Ok(()), "{insight:?}");
    }
}

const PIER: [(&str, &str); 14] = [
    ("Edda Brandt", "Next is the stage for the harbour fair."),
    (
        "Luan Costa",
        "The south pier is too narrow for the fire brigade.",
    ),
    (
        "Edda Brandt",
        "Then we'll put the stage on the north pier, everybody agreed.",
    ),
    ("Luan Costa", "Sounds good to me."),
    (
        "Edda Brandt",
        "I'll send the plan of the north pier to the fire brigade by Friday.",
    ),
    ("Luan Costa", "Perfect."),
    (
        "Edda Brandt",
        "Luan, could you confirm the extra crossings with the ferry company tomorrow?",
    ),
    ("Luan Costa", "Yes, of course."),
    ("Edda Brandt", "And the sponsor of the lanterns?"),
    (
        "Luan Costa",
        "The bank paid for the lanterns two years ago.",
    ),
    (
        "Edda Brandt",
        "Could you ask the bank for a sponsorship of the lanterns?",
    ),
    ("Luan Costa", "Yes, I'll do that."),
    ("Edda Brandt", "Does the fair open on Sunday as well?"),
    ("Luan Costa", "I don't know, the city has not answered."),
];

#[test]
fn tasks_have_owners_and_days() {
    let lines = talk(&PIER);
    let wish = Wish {
        date: Some(date(2026, 3, 3)),
        ..Wish::default()
    };
    let found = analyse(&lines, &wish);
    all_proven(&found, &lines);
    let plan = found
        .action_items
        .iter()
        .find(|item| item.text.starts_with("Send the plan"))
        .unwrap();
    assert_eq!(plan.owner.as_deref(), Some("Edda Brandt"));
    assert_eq!(plan.due, Some(date(2026, 3, 6)));
    assert!(
        found
            .decisions
            .iter()
            .any(|decision| decision.text.contains("north pier")),
        "{:?}",
        found.decisions
    );
    assert!(
        found
            .questions
            .iter()
            .any(|question| question.text.contains("open on Sunday")),
        "{:?}",
        found.questions
    );
    assert_eq!(found.dropped, 0);
}

#[test]
fn the_same_talk_gives_the_same_result() {
    let lines = talk(&PIER);
    let once = analyse(&lines, &Wish::default());
    let json = serde_json::to_string(&once).unwrap();
    assert_eq!(
        json,
        serde_json::to_string(&analyse(&lines, &Wish::default())).unwrap()
    );
    assert_eq!(serde_json::from_str::<Analysis>(&json).unwrap(), once);
}

#[test]
fn a_query_turns_the_summary() {
    let lines = talk(&PIER);
    let about = |query| {
        let wish = Wish {
            query: Some(query),
            words: 16,
            ..Wish::default()
        };
        analyse(&lines, &wish).summary.text()
    };
    assert!(about("ferry crossings").contains("ferry"));
    assert!(about("lanterns").contains("lanterns"));
}

#[test]
fn minutes_are_markdown_without_foreign_marks() {
    let mut said = PIER;
    said[4].1 =
        "I'll send the <b>plan</b> [see here](on this page) of the pier to the brigade by Friday.";
    let lines = talk(&said);
    let wish = Wish {
        date: Some(date(2026, 3, 3)),
        ..Wish::default()
    };
    let heading = Heading {
        title: "Harbour # fair",
        date: wish.date,
    };
    let minutes = markdown(&analyse(&lines, &wish), &heading);
    assert!(
        minutes.starts_with("# Harbour \\# fair\n\n2026-03-03"),
        "{minutes}"
    );
    assert!(
        minutes.contains(
            "**Edda Brandt**: Send the &lt;b&gt;plan&lt;/b&gt; \\[see here\\](on this page)"
        ),
        "{minutes}"
    );
    assert!(
        minutes.contains("(due 2026-03-06) `0:00:16 #5`"),
        "{minutes}"
    );
}

// What somebody puts forward is not decided by that.
#[test]
fn a_proposal_is_no_decision() {
    let said = [
        "I suggest that we should paint the boat red for the fair next month.",
        "Sounds good, that makes sense to me, I agree with red.",
        "I would propose that we keep the old engine for now and wait.",
    ];
    let lines: Vec<Line<'_>> = (1_u32..)
        .zip(said)
        .map(|(n, text)| Line {
            n,
            start_ms: n * 5_000,
            end_ms: n * 5_000 + 4_000,
            speaker: Some(if n % 2 == 1 { "Edda" } else { "Luan" }),
            text,
        })
        .collect();
    let found = analyse(&lines, &Wish::default());
    assert!(
        found
            .decisions
            .iter()
            .all(|one| !one.text.contains("suggest") && !one.text.contains("propose")),
        "{:?}",
        found.decisions
    );
}

/// A summary says what holds; what was asked stands with the open questions.
#[test]
fn a_short_summary_is_of_statements_where_there_are_any() {
    let lines = talk(&[
        (
            "Edda Brandt",
            "Is the crane of the harbour fair on the north pier now?",
        ),
        (
            "Luan Costa",
            "The crane stands on the north pier since this morning.",
        ),
        (
            "Edda Brandt",
            "Does the fire brigade need the plan of the north pier for the fair?",
        ),
        (
            "Luan Costa",
            "The fire brigade has the plan of the harbour and the crane.",
        ),
    ]);
    let wish = Wish {
        words: 24,
        ..Wish::default()
    };
    let found = analyse(&lines, &wish);
    let said: Vec<&str> = found
        .summary
        .sentences
        .iter()
        .map(|sentence| sentence.text.as_str())
        .collect();
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().all(|text| !text.ends_with('?')), "{said:?}");
}
