//! The table of every REST path the reference knows: label, plan, scopes.

use std::sync::LazyLock;

/// Zoom's rate label of an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Label {
    /// Light.
    Light,
    /// Medium.
    Medium,
    /// Heavy.
    Heavy,
    /// Resource-intensive.
    Intensive,
    /// Nothing published: not limited.
    None,
}

impl Label {
    /// Name in `/_sim` answers, as the reference writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Light => "LIGHT",
            Self::Medium => "MEDIUM",
            Self::Heavy => "HEAVY",
            Self::Intensive => "RESOURCE-INTENSIVE",
            Self::None => "UNLABELLED",
        }
    }

    /// Name in `X-RateLimit-Category`.
    pub const fn category(self) -> &'static str {
        match self {
            Self::Light => "Light",
            Self::Medium => "Medium",
            Self::Heavy => "Heavy",
            Self::Intensive => "Resource-intensive",
            Self::None => "",
        }
    }
}

/// What the reference says an account needs for an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing, or the basic plan.
    Nothing,
    /// Pro or higher.
    Paid,
    /// Pro or higher and a licensed host.
    Licensed,
    /// Business or higher (dashboards, tracking fields).
    Business,
    /// The archiving add-on.
    Archiving,
}

/// One row of the table.
#[derive(Debug)]
pub struct Endpoint {
    /// Method.
    pub method: &'static str,
    /// Path with `{name}` for parameters.
    pub path: &'static str,
    /// Rate label.
    pub label: Label,
    /// Plan needed.
    pub need: Need,
    /// Whether the webinar add-on is needed too.
    pub webinar: bool,
    /// Granular scopes, any of which opens it.
    pub granular: Vec<String>,
    /// Classic scopes, any of which opens it.
    pub classic: Vec<String>,
    segments: Vec<&'static str>,
}

impl Endpoint {
    /// `GET /users/{userId}`: the key in `/_sim/calls`.
    pub fn key(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    fn matches(&self, segments: &[String]) -> bool {
        self.segments.len() == segments.len()
            && self.segments.iter().zip(segments).all(|(pattern, text)| {
                if pattern.starts_with('{') {
                    !text.is_empty()
                } else {
                    pattern == text
                }
            })
    }

    /// Fewer parameters are a better match (`/users/email` before `/users/{userId}`).
    fn parameters(&self) -> usize {
        self.segments
            .iter()
            .filter(|segment| segment.starts_with('{'))
            .count()
    }

    /// Values of the parameters, in order.
    pub fn values(&self, segments: &[String]) -> Vec<String> {
        self.segments
            .iter()
            .zip(segments)
            .filter(|(pattern, _)| pattern.starts_with('{'))
            .map(|(_, text)| text.clone())
            .collect()
    }
}

/// What a path and method lead to.
#[derive(Debug)]
pub enum Lookup {
    /// A row.
    Known(&'static Endpoint),
    /// The path exists, with other methods.
    OtherMethod,
    /// Nothing.
    Unknown,
}

fn both(list: &'static str) -> Vec<String> {
    if list == "-" {
        return Vec::new();
    }
    list.split(',')
        .flat_map(|scope| match scope.strip_suffix("(:admin)") {
            Some(scope) => vec![scope.to_owned(), format!("{scope}:admin")],
            None => vec![scope.to_owned()],
        })
        .collect()
}

fn parse(line: &'static str) -> Option<Endpoint> {
    let mut words = line.split_whitespace();
    let (method, path, label, plan) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let (granular, classic) = (words.next()?, words.next()?);
    let (plan, webinar) = plan
        .strip_suffix("+webinar")
        .map_or((plan, false), |plan| (plan, true));
    Some(Endpoint {
        method,
        path,
        label: match label {
            "light" => Label::Light,
            "medium" => Label::Medium,
            "heavy" => Label::Heavy,
            "intensive" => Label::Intensive,
            _ => Label::None,
        },
        need: match plan {
            "pro" => Need::Paid,
            "licensed" => Need::Licensed,
            "business" | "dashboard" => Need::Business,
            "archiving" => Need::Archiving,
            _ => Need::Nothing,
        },
        webinar,
        granular: both(granular),
        classic: both(classic),
        segments: path.trim_start_matches('/').split('/').collect(),
    })
}

static TABLE: LazyLock<Vec<Endpoint>> = LazyLock::new(|| {
    include_str!("endpoints.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(parse)
        .collect()
});

/// Rows by number of segments: few are left to compare with a path.
static BY_LENGTH: LazyLock<Vec<Vec<&'static Endpoint>>> = LazyLock::new(|| {
    let longest = all()
        .iter()
        .map(|row| row.segments.len())
        .max()
        .unwrap_or(0);
    (0..=longest)
        .map(|length| {
            all()
                .iter()
                .filter(|row| row.segments.len() == length)
                .collect()
        })
        .collect()
});

/// All rows.
pub fn all() -> &'static [Endpoint] {
    &TABLE
}

/// The row for a method and the once-decoded segments of a path below `/v2`.
pub fn lookup(method: &str, segments: &[String]) -> Lookup {
    let mut best: Option<&'static Endpoint> = None;
    let mut seen = false;
    let rows = BY_LENGTH.get(segments.len()).map_or(&[][..], Vec::as_slice);
    for row in rows.iter().copied().filter(|row| row.matches(segments)) {
        if best.is_none_or(|best| row.parameters() < best.parameters()) && row.method == method {
            best = Some(row);
        }
        seen = true;
    }
    match best {
        Some(row) => Lookup::Known(row),
        None if seen => Lookup::OtherMethod,
        None => Lookup::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(method: &str, path: &str) -> Option<&'static str> {
        let segments: Vec<String> = path
            .trim_start_matches('/')
            .split('/')
            .map(str::to_owned)
            .collect();
        match lookup(method, &segments) {
            Lookup::Known(row) => Some(row.path),
            _ => None,
        }
    }

    #[test]
    fn the_table_is_whole() {
        assert_eq!(all().len(), 248);
        assert!(all().iter().all(|row| row.path.starts_with('/')));
    }

    #[test]
    fn fixed_words_win_over_parameters() {
        assert_eq!(find("GET", "/users/email"), Some("/users/email"));
        assert_eq!(find("GET", "/users/x@y"), Some("/users/{userId}"));
        assert_eq!(
            find("GET", "/meetings/meeting_summaries"),
            Some("/meetings/meeting_summaries")
        );
        assert_eq!(find("GET", "/users/me/zak"), Some("/users/me/zak"));
        assert_eq!(find("PATCH", "/meetings/1"), Some("/meetings/{meetingId}"));
        assert_eq!(find("PUT", "/meetings/1"), None);
        assert_eq!(find("GET", "/nothing"), None);
    }
}
