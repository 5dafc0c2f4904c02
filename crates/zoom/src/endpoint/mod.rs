//! The one list of Zoom's endpoints: labels, scopes, item keys.
//!
//! Limits, scope advice and paging all read this table; nothing else in the crate knows a label or a scope.

use std::collections::HashMap;
use std::sync::OnceLock;

use http::Method;

use crate::limit::Label;

/// Label of paths that are not in the table: neither the cheapest nor the scarcest.
const UNKNOWN_LABEL: Label = Label::Medium;

/// Whether a call may be repeated although an earlier attempt may have had its effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Repeat {
    /// It only reads.
    Safe,
    /// It may have had an effect: never repeated blindly.
    Never,
}

/// One endpoint of Zoom's REST API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Method.
    pub method: Method,
    /// Path under `/v2`, parameters in braces.
    pub path: &'static str,
    /// Zoom's group of endpoints.
    pub group: &'static str,
    /// Rate label.
    pub label: Label,
    /// Zoom publishes no label; the one given is assumed.
    pub label_assumed: bool,
    /// Key of the array of items in an answer.
    pub item_key: Option<&'static str>,
    /// Whether the answer is paged by `next_page_token`.
    pub paged: bool,
    /// Granular scopes; any one is enough.
    pub granular_scopes: Vec<String>,
    /// Classic scopes; any one is enough.
    pub classic_scopes: Vec<&'static str>,
}

impl Endpoint {
    /// Whether a call may be repeated.
    #[must_use]
    pub fn repeat(&self) -> Repeat {
        repeat_of(&self.method)
    }

    /// All scopes that the endpoint accepts, granular first; any one is enough.
    #[must_use]
    pub fn scopes(&self) -> Vec<String> {
        self.granular_scopes
            .iter()
            .cloned()
            .chain(self.classic_scopes.iter().map(|s| (*s).to_owned()))
            .collect()
    }

    /// Method and path, as in `GET /users/{userId}`.
    #[must_use]
    pub fn operation(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// Whether a call with this method may be repeated: Zoom's reads only.
#[must_use]
pub fn repeat_of(method: &Method) -> Repeat {
    if method == Method::GET || method == Method::HEAD {
        Repeat::Safe
    } else {
        Repeat::Never
    }
}

/// All endpoints, in the order of the table.
#[must_use]
pub fn all() -> &'static [Endpoint] {
    &table().endpoints
}

/// The endpoint with this method and path template, such as `/users/{userId}`.
#[must_use]
pub fn by_template(method: &Method, template: &str) -> Option<&'static Endpoint> {
    all()
        .iter()
        .find(|endpoint| endpoint.method == *method && endpoint.path == template)
}

/// The endpoint that serves this path (under `/v2`, without query); a literal segment wins over a parameter.
///
/// ```
/// use parfocal_zoom::{endpoint, limit::Label};
/// let found = endpoint::find(&http::Method::GET, "/meetings/84410027731/recordings").unwrap();
/// assert_eq!((found.path, found.label), ("/meetings/{meetingId}/recordings", Label::Light));
/// ```
#[must_use]
pub fn find(method: &Method, path: &str) -> Option<&'static Endpoint> {
    let segments: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
    let table = table();
    let candidates = table.by_shape.get(&(method.clone(), segments.len()))?;
    candidates
        .iter()
        .map(|index| &table.endpoints[*index])
        .filter_map(|endpoint| {
            let mut literals = 0_u32;
            for (template, segment) in endpoint.path[1..].split('/').zip(&segments) {
                if template.starts_with('{') {
                    if segment.is_empty() {
                        return None;
                    }
                    literals <<= 1;
                } else if template == *segment {
                    literals = (literals << 1) | 1;
                } else {
                    return None;
                }
            }
            Some((literals, endpoint))
        })
        .max_by_key(|(literals, _)| *literals)
        .map(|(_, endpoint)| endpoint)
}

/// The label to count a call under; for unknown paths an assumed one.
#[must_use]
pub fn label_of(endpoint: Option<&Endpoint>) -> Label {
    endpoint.map_or(UNKNOWN_LABEL, |endpoint| endpoint.label)
}

struct Table {
    endpoints: Vec<Endpoint>,
    by_shape: HashMap<(Method, usize), Vec<usize>>,
}

fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut group = "";
        let mut endpoints = Vec::new();
        for line in include_str!("table.txt").lines() {
            if let Some(name) = line.strip_prefix("# ") {
                group = name;
            } else if let Some(endpoint) = parse(line, group) {
                endpoints.push(endpoint);
            }
        }
        let mut by_shape: HashMap<(Method, usize), Vec<usize>> = HashMap::new();
        for (index, endpoint) in endpoints.iter().enumerate() {
            let segments = endpoint.path[1..].split('/').count();
            by_shape
                .entry((endpoint.method.clone(), segments))
                .or_default()
                .push(index);
        }
        Table {
            endpoints,
            by_shape,
        }
    })
}

fn parse(line: &'static str, group: &'static str) -> Option<Endpoint> {
    let mut columns = line.split(' ');
    let method = Method::from_bytes(columns.next()?.as_bytes()).ok()?;
    let path = columns.next().filter(|path| path.starts_with('/'))?;
    let label = columns.next()?;
    let items = columns.next()?;
    let granular = columns.next()?;
    let classic = columns.next()?;
    let list = |text: &'static str| text.split(',').filter(|scope| *scope != "-");
    Some(Endpoint {
        method,
        path,
        group,
        label: match label.as_bytes().first()? {
            b'L' => Label::Light,
            b'M' => Label::Medium,
            b'H' => Label::Heavy,
            b'R' => Label::ResourceIntensive,
            _ => return None,
        },
        label_assumed: label.ends_with('?'),
        item_key: (items != "-").then(|| items.trim_start_matches('*')),
        paged: items.starts_with('*'),
        granular_scopes: list(granular)
            .flat_map(|scope| {
                let (base, forms) = scope.split_once('+').unwrap_or((scope, "u"));
                forms.chars().map(move |form| match form {
                    'a' => format!("{base}:admin"),
                    'm' => format!("{base}:master"),
                    _ => base.to_owned(),
                })
            })
            .collect(),
        classic_scopes: list(classic).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_read() {
        let lines = include_str!("table.txt")
            .lines()
            .filter(|line| !line.starts_with('#'))
            .count();
        assert_eq!(all().len(), lines);
        assert!(lines >= 240);
        for endpoint in all() {
            assert_eq!(
                find(&endpoint.method, endpoint.path),
                Some(endpoint),
                "{}",
                endpoint.operation()
            );
            assert!(
                !endpoint.paged || endpoint.item_key.is_some(),
                "{}",
                endpoint.operation()
            );
        }
    }

    #[test]
    fn literals_win_over_parameters() {
        let summaries = find(&Method::GET, "/meetings/meeting_summaries").unwrap();
        assert_eq!(summaries.path, "/meetings/meeting_summaries");
        let one = find(&Method::GET, "/meetings/12").unwrap();
        assert_eq!(one.path, "/meetings/{meetingId}");
        assert_eq!(find(&Method::GET, "/meetings/"), None);
        assert_eq!(find(&Method::GET, "meetings/1"), None);
        assert_eq!(find(&Method::PATCH, "/report/history_meetings"), None);
        assert_eq!(label_of(None), Label::Medium);
    }

    #[test]
    fn scopes_and_labels_are_those_of_zoom() {
        let list = find(&Method::GET, "/users").unwrap();
        assert_eq!(list.granular_scopes, ["user:read:list_users:admin"]);
        assert_eq!(
            (list.label, list.item_key, list.paged),
            (Label::Medium, Some("users"), true)
        );
        let history = find(&Method::GET, "/report/history_meetings").unwrap();
        assert_eq!(
            (history.label, history.item_key),
            (Label::Heavy, Some("history_meetings"))
        );
        let recordings = find(&Method::GET, "/meetings/x/recordings").unwrap();
        assert!(
            recordings
                .scopes()
                .iter()
                .any(|s| s == "cloud_recording:read:list_recording_files:master")
        );
        assert!(recordings.scopes().iter().any(|s| s == "recording:read"));
    }
}
