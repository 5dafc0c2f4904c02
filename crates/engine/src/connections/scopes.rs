//! Which scopes the intake of an account needs, told from the client's table of endpoints.

use http::Method;
use parfocal_zoom::endpoint;

/// A part of the intake and the endpoints it reads.
struct Feature {
    name: &'static str,
    endpoints: &'static [&'static str],
}

/// What the intake does, in words of the operator. Reports and per-user lists stand in for each other and are not here.
const FEATURES: &[Feature] = &[
    Feature {
        name: "list users",
        endpoints: &["/users"],
    },
    Feature {
        name: "read meetings",
        endpoints: &["/users/{userId}/meetings", "/meetings/{meetingId}"],
    },
    Feature {
        name: "read past meetings and who attended",
        endpoints: &[
            "/past_meetings/{meetingId}",
            "/past_meetings/{meetingId}/instances",
            "/past_meetings/{meetingId}/participants",
        ],
    },
    Feature {
        name: "read recordings, transcripts and chats",
        endpoints: &[
            "/users/{userId}/recordings",
            "/meetings/{meetingId}/recordings",
        ],
    },
];

/// A feature that the granted scopes do not allow.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MissingScope {
    /// What cannot be done.
    pub feature: String,
    /// Scopes that would allow it; any one is enough.
    pub any_of: Vec<String>,
}

/// What the granted scopes do not allow of the intake; empty when Zoom told no scopes.
pub(super) fn missing(granted: &[String]) -> Vec<MissingScope> {
    if granted.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for feature in FEATURES {
        for template in feature.endpoints {
            let Some(endpoint) = endpoint::by_template(&Method::GET, template) else {
                continue;
            };
            let accepted = endpoint.scopes();
            if !accepted.is_empty() && !accepted.iter().any(|scope| granted.contains(scope)) {
                found.push(MissingScope {
                    feature: feature.name.to_owned(),
                    any_of: accepted,
                });
            }
        }
    }
    found
}

/// One sentence for the connection's reason; none when nothing is missing.
pub(super) fn sentence(missing: &[MissingScope]) -> Option<String> {
    if missing.is_empty() {
        return None;
    }
    let parts: Vec<String> = missing
        .iter()
        .map(|missing| {
            // The admin form is the one that serves a whole account.
            let best = missing
                .any_of
                .iter()
                .find(|scope| scope.ends_with(":admin"))
                .or(missing.any_of.first());
            format!(
                "{} (add {})",
                missing.feature,
                best.map_or("a scope", String::as_str)
            )
        })
        .collect();
    Some(format!("The app may not {}.", parts.join("; ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_of_a_feature_is_in_the_table() {
        for feature in FEATURES {
            for template in feature.endpoints {
                let endpoint = endpoint::by_template(&Method::GET, template);
                assert!(
                    endpoint.is_some_and(|e| !e.scopes().is_empty()),
                    "{template}"
                );
            }
        }
    }

    #[test]
    fn missing_scopes_are_named_with_what_they_are_for() {
        let all: Vec<String> = FEATURES
            .iter()
            .flat_map(|feature| feature.endpoints)
            .filter_map(|template| {
                endpoint::by_template(&Method::GET, template)?
                    .scopes()
                    .pop()
            })
            .collect();
        assert_eq!(missing(&all), []);
        let without: Vec<String> = all
            .iter()
            .filter(|scope| !scope.contains("recording"))
            .cloned()
            .collect();
        let missing = missing(&without);
        assert!(missing.iter().all(|m| m.feature.contains("recordings")));
        assert!(
            sentence(&missing)
                .unwrap()
                .contains("cloud_recording:read:")
        );
        assert!(super::missing(&[]).is_empty());
    }
}
