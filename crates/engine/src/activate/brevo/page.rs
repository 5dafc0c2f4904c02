//! The book's reference page of Brevo, made from the program's own tables; `PARFOCAL_BLESS=1` writes it anew.

use std::fmt::Write as _;

use super::mapping::{self, Mapping};
use super::verdict;
use crate::activate::model::PersonFile;

/// A cell of a Markdown table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

pub(super) fn page(person: &PersonFile) -> String {
    let mut out = String::from(
        "# Brevo: fields, codes, and the default mapping\n\nThis page is printed from the program's own tables. How it is used \
         stands under [Brevo](../guide/brevo.md).\n\n## What lands in Brevo\n\nWhat the default mapping makes of somebody who \
         registered for a webinar and was in it for 40 minutes (`parfocal sync mapping` prints the mapping itself):\n\n\
         | where | field | value | from | line |\n| --- | --- | --- | --- | --- |\n",
    );
    let mapping = Mapping::standard().unwrap();
    for one in mapping.explain(person) {
        let value = one
            .value
            .map_or_else(|| "–".to_owned(), |value| format!("`{value}`"));
        let line = one.line.map_or_else(String::new, |line| line.to_string());
        let of = one.of.split(" of ").next().unwrap_or_default();
        let _ = writeln!(
            out,
            "| {} | `{}` | {} | `{}` | {line} |",
            cell(of),
            cell(&one.field),
            cell(&value),
            cell(&one.from),
        );
    }
    let plan = mapping.plan(person);
    out.push_str("\n| what | key: sent once under it |\n| --- | --- |\n");
    for one in &plan.send {
        let what = one.body["list"]
            .as_str()
            .or(one.body["event_name"].as_str())
            .unwrap_or(person.person.email.as_str());
        let _ = writeln!(
            out,
            "| {} {} | `{}` |",
            one.kind,
            cell(what),
            cell(&one.key)
        );
    }
    out.push_str("\n## What Brevo's refusals mean\n\n| code | what is done | what to do |\n| --- | --- | --- |\n");
    for (code, verdict, advice) in verdict::CODES {
        let _ = writeln!(out, "| `{code}` | {} | {advice} |", verdict.as_str());
    }
    out.push_str("\n408, 425, 429 and 5xx are always sent again by themselves, 401 always stops the destination.\n\n## Fields\n\n| field | what it is |\n| --- | --- |\n");
    for (name, about) in mapping::fields() {
        let _ = writeln!(out, "| `{name}` | {about} |");
    }
    out.push_str("\n## Transforms\n\n| written | takes | gives |\n| --- | --- | --- |\n");
    for (name, takes, gives) in mapping::transforms() {
        let _ = writeln!(out, "| `{name}` | {takes} | {gives} |");
    }
    out
}
