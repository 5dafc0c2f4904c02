//! Faults on request: what goes wrong, where, how often.

use serde::{Deserialize, Serialize};

/// What kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// 429 with Zoom's body.
    RateLimit,
    /// 5xx.
    ServerError,
    /// The answer comes late.
    Slow,
    /// The connection is cut in the middle of the body.
    Cut,
    /// 401 code 124 as if the access token had expired.
    ExpiredToken,
    /// The user has removed the app: 401 on calls, `invalid_grant` on refresh.
    RevokedConsent,
    /// Transcripts appear later than they should.
    TranscriptLate,
    /// Transcripts never appear.
    TranscriptNever,
    /// A download answers 200 with an HTML sign-in page.
    HtmlDownload,
    /// Lists never stop handing out page tokens.
    EndlessPages,
    /// The request is carried out and the connection closed without a single byte of an answer.
    Lost,
    /// The request is carried out at once and its answer held back.
    LateAnswer,
    /// The answer that the order gives instead of one's own; nothing is carried out.
    Answer,
}

/// One fault as ordered by flag or control call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Only requests whose path starts with this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only requests with this method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Only token requests with this `grant_type`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant_type: Option<String>,
    /// Only each so-many-th request that it could hit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u32>,
    /// How many requests it hits; for ever when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// HTTP status of `server_error` (500 when absent) and `answer` (400 when absent).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `Retry-After` to send, verbatim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<String>,
    /// Delay of `slow`, `late_answer` and `transcript_late` in simulated milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_ms: Option<u64>,
    /// Bytes of the body that still arrive under `cut`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_bytes: Option<u64>,
    /// Body of `answer`: a text is sent as it is, anything else as JSON; `{client_secret}` in it becomes the caller's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<serde_json::Value>,
}

/// A fault that is on.
#[derive(Debug, Clone, Serialize)]
pub struct Active {
    /// Name for the control calls.
    pub id: u64,
    /// What was ordered.
    #[serde(flatten)]
    pub spec: FaultSpec,
    /// How often it has struck.
    pub struck: u32,
    /// How many requests it could have hit.
    pub seen: u32,
}

/// All faults that are on.
#[derive(Debug, Default)]
pub struct Faults {
    list: Vec<Active>,
    next: u64,
}

impl Faults {
    /// Switches a fault on and gives its id.
    pub fn add(&mut self, spec: FaultSpec) -> u64 {
        self.next += 1;
        self.list.push(Active {
            id: self.next,
            spec,
            struck: 0,
            seen: 0,
        });
        self.next
    }

    /// Switches one off, or all. Gives how many.
    pub fn remove(&mut self, id: Option<u64>) -> usize {
        let before = self.list.len();
        self.list
            .retain(|fault| id.is_some_and(|id| id != fault.id));
        before - self.list.len()
    }

    /// The faults that are on, spent ones included.
    pub fn list(&self) -> &[Active] {
        &self.list
    }

    /// Whether any fault at all is on (the fast way out).
    pub fn is_quiet(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether some fault asks for the `grant_type` of a request.
    pub fn minds_grants(&self) -> bool {
        self.list
            .iter()
            .any(|fault| fault.spec.grant_type.is_some())
    }

    /// The fault of one of these kinds that hits a request, counted as struck. `grant` is the `grant_type` of a
    /// token request.
    pub fn strike(
        &mut self,
        kinds: &[FaultKind],
        method: &str,
        path: &str,
        grant: Option<&str>,
    ) -> Option<FaultSpec> {
        let fits = |fault: &Active| {
            kinds.contains(&fault.spec.kind)
                && fault.spec.times.is_none_or(|times| fault.struck < times)
                && fault
                    .spec
                    .method
                    .as_ref()
                    .is_none_or(|m| m.eq_ignore_ascii_case(method))
                && fault
                    .spec
                    .path
                    .as_ref()
                    .is_none_or(|p| path.starts_with(p.as_str()))
                && fault
                    .spec
                    .grant_type
                    .as_deref()
                    .is_none_or(|wanted| Some(wanted) == grant)
        };
        for fault in self.list.iter_mut().filter(|fault| fits(fault)) {
            fault.seen = fault.seen.saturating_add(1);
            if fault
                .seen
                .is_multiple_of(fault.spec.every.unwrap_or(1).max(1))
            {
                fault.struck += 1;
                return Some(fault.spec.clone());
            }
        }
        None
    }

    /// A fault of this kind that is on, without counting it.
    pub fn standing(&self, kind: FaultKind) -> Option<&FaultSpec> {
        self.list
            .iter()
            .find(|fault| {
                fault.spec.kind == kind && fault.spec.times.is_none_or(|times| fault.struck < times)
            })
            .map(|fault| &fault.spec)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_strikes_where_and_as_often_as_ordered() {
        let mut faults = Faults::default();
        let spec: FaultSpec = serde_json::from_str(
            r#"{"kind":"server_error","path":"/v2/users","times":2,"status":503}"#,
        )
        .unwrap();
        let id = faults.add(spec);
        let kinds = [FaultKind::ServerError];
        assert!(
            faults
                .strike(&kinds, "GET", "/v2/meetings/1", None)
                .is_none()
        );
        assert!(
            faults
                .strike(&[FaultKind::Slow], "GET", "/v2/users", None)
                .is_none()
        );
        assert!(faults.strike(&kinds, "GET", "/v2/users", None).is_some());
        assert!(faults.strike(&kinds, "GET", "/v2/users/me", None).is_some());
        assert!(faults.strike(&kinds, "GET", "/v2/users", None).is_none());
        assert_eq!(faults.remove(Some(id)), 1);
    }

    #[test]
    fn a_fault_strikes_each_so_many_th_request_of_a_grant_type() {
        let mut faults = Faults::default();
        let spec =
            r#"{"kind":"lost","path":"/oauth/token","grant_type":"refresh_token","every":3}"#;
        faults.add(serde_json::from_str(spec).unwrap());
        assert!(faults.minds_grants());
        let mut hit = |grant| {
            faults
                .strike(&[FaultKind::Lost], "POST", "/oauth/token", Some(grant))
                .is_some()
        };
        assert!(!hit("authorization_code"));
        let hits: Vec<bool> = (0..7).map(|_| hit("refresh_token")).collect();
        assert_eq!(hits, [false, false, true, false, false, true, false]);
    }
}
