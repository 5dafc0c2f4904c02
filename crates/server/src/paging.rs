//! Query parameters of lists, refused with words when they are wrong.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use parfocal_engine::error::Fault;
use parfocal_engine::store::PageRequest;
use serde::de::DeserializeOwned;

use crate::problem::Problem;

/// Rows on a page when nothing is said.
const DEFAULT_LIMIT: u32 = 50;
/// Most rows on a page.
const MAX_LIMIT: u32 = 200;

/// Query parameters; unknown and malformed ones are refused with a problem that names them.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Query::<T>::try_from_uri(&parts.uri)
            .map(|Query(params)| Self(params))
            .map_err(|error| {
                let fault = fault(&error.body_text(), parts.uri.query().unwrap_or_default());
                wrong(parts.uri.path(), vec![fault])
            })
    }
}

/// The refusal of a query, parameter by parameter.
pub(crate) fn wrong(path: &str, faults: Vec<Fault>) -> Problem {
    let said: Vec<String> = faults
        .iter()
        .map(|fault| match &fault.value {
            Some(value) => format!("{} {value} {}", fault.field, fault.problem),
            None => format!("{} {}", fault.field, fault.problem),
        })
        .collect();
    let hint = faults.first().map(|fault| fault.mend.clone());
    let problem = Problem::bad_request(
        "query",
        format!("the query of {path} cannot be used: {}", said.join("; ")),
    );
    match hint {
        Some(hint) => problem.hint(hint).errors(faults),
        None => problem,
    }
}

/// The refusal of more rows than a list gives at once.
pub(crate) fn beyond(limit: u32, most: u32) -> Problem {
    let fault = Fault::new(
        "limit",
        limit,
        format!("is not between 1 and {most}"),
        format!("Write a number from 1 to {most}; `next` of the answer leads on."),
    );
    let detail = format!("limit {limit} is not between 1 and {most}");
    Problem::bad_request("query", detail)
        .hint(fault.mend.clone())
        .errors(vec![fault])
}

/// What is wrong with a query, from the words of its reader: it names the parameter, its value stands in the query.
fn fault(said: &str, query: &str) -> Fault {
    let said = said
        .strip_prefix("Failed to deserialize query string: ")
        .unwrap_or(said);
    let given = |name: &str| {
        url::form_urlencoded::parse(query.as_bytes())
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    };
    // Members that serde reads together are told without their place: `unknown field` stands behind it or alone.
    let (place, complaint) = match said.split_once(": ") {
        Some((place, complaint)) if !place.contains(' ') => (place, complaint),
        _ => ("", said),
    };
    let (named, allowed) = quoted(complaint);
    let list = || allowed.join(", ");
    if complaint.starts_with("unknown field") {
        let mend = if allowed.is_empty() {
            "Leave it out: there are no parameters here.".to_owned()
        } else {
            format!("Parameters here are {}.", list())
        };
        return Fault::new(
            named,
            given(named).unwrap_or_default(),
            "is no parameter here",
            mend,
        );
    }
    if complaint.starts_with("missing field") {
        return Fault::missing(
            named,
            "is missing",
            format!("Add `{named}=` with its value."),
        );
    }
    if complaint.starts_with("duplicate field") {
        return Fault::new(
            named,
            given(named).unwrap_or_default(),
            "is given more than once",
            "Give it once.",
        );
    }
    let value = given(place).unwrap_or_default();
    if complaint.starts_with("unknown variant") {
        return Fault::new(
            place,
            value,
            "is none of the words that are known here",
            format!("Write one of {}.", list()),
        );
    }
    let (problem, mend) = match complaint {
        text if ["from", "before", "since", "until", "at"].contains(&place) => (
            format!("is not a point in time ({text})"),
            "Write it as 2026-09-01T00:00:00Z; where a day is meant, as 2026-09-01.",
        ),
        text if text.contains("digit")
            || text.contains("number too")
            || text.contains("integer") =>
        {
            (
                "is not a number that fits".to_owned(),
                "Write a whole number.",
            )
        }
        text if text.contains("`true`") || text.contains("bool") => (
            "is neither true nor false".to_owned(),
            "Write true or false.",
        ),
        text => (
            format!("cannot be read ({text})"),
            "GET /v1/openapi.json says how it is written.",
        ),
    };
    Fault::new(place, value, problem, mend)
}

/// The first word between backticks, and all further ones.
fn quoted(text: &str) -> (&str, Vec<&str>) {
    let mut words = text.split('`').skip(1).step_by(2);
    (words.next().unwrap_or_default(), words.collect())
}

/// A page of a list: 50 rows unless said otherwise, at most 200.
pub(crate) fn request(limit: Option<u32>, after: Option<String>) -> Result<PageRequest, Problem> {
    let limit = match limit {
        None => DEFAULT_LIMIT,
        Some(n @ 1..=MAX_LIMIT) => n,
        Some(n) => return Err(beyond(n, MAX_LIMIT)),
    };
    Ok(PageRequest {
        limit,
        after: after.filter(|cursor| !cursor.is_empty()),
    })
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Asked {
        #[expect(dead_code, reason = "only refusals are looked at")]
        q: String,
        #[expect(dead_code, reason = "only refusals are looked at")]
        limit: Option<u32>,
        #[expect(dead_code, reason = "only refusals are looked at")]
        deep: Option<bool>,
        #[expect(dead_code, reason = "only refusals are looked at")]
        state: Option<parfocal_engine::store::JobState>,
        #[expect(dead_code, reason = "only refusals are looked at")]
        from: Option<jiff::Timestamp>,
    }

    #[tokio::test]
    async fn a_wrong_query_names_the_parameter_its_value_and_the_mend() {
        for (query, field, value, problem, mend) in [
            ("", "q", None, "is missing", "Add `q=`"),
            (
                "q=a&sort=up",
                "sort",
                Some("\"up\""),
                "no parameter",
                "q, limit, deep, state, from",
            ),
            ("q=a&q=b", "q", Some("\"a\""), "more than once", "once"),
            (
                "q=a&limit=many",
                "limit",
                Some("\"many\""),
                "not a number",
                "whole number",
            ),
            (
                "q=a&limit=-1",
                "limit",
                Some("\"-1\""),
                "not a number",
                "whole number",
            ),
            (
                "q=a&deep=yes",
                "deep",
                Some("\"yes\""),
                "neither",
                "true or false",
            ),
            (
                "q=a&state=lost",
                "state",
                Some("\"lost\""),
                "none of the words",
                "ready",
            ),
            (
                "q=a&from=yesterday",
                "from",
                Some("\"yesterday\""),
                "point in time",
                "2026-09-01T00:00:00Z",
            ),
        ] {
            let request = Request::get(format!("/v1/things?{query}"))
                .body(())
                .unwrap();
            let (mut parts, ()) = request.into_parts();
            let refused = Params::<Asked>::from_request_parts(&mut parts, &()).await;
            let problem_said = serde_json::to_value(refused.err().unwrap()).unwrap();
            let fault = &problem_said["errors"][0];
            assert_eq!(fault["field"], field, "{problem_said}");
            assert_eq!(fault["value"].as_str(), value, "{problem_said}");
            assert!(
                fault["problem"].as_str().unwrap().contains(problem),
                "{problem_said}"
            );
            assert!(
                fault["mend"].as_str().unwrap().contains(mend),
                "{problem_said}"
            );
            assert_eq!(problem_said["hint"], fault["mend"]);
            assert!(
                !problem_said.to_string().contains("deserialize"),
                "{problem_said}"
            );
        }
    }
}
