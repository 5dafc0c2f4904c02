//! What Brevo's refusals mean for a record: one table, which the documentation is printed from.

use crate::activate::model::{Outcome, Rule, Said};

/// What is done after a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing is wrong with the record: it is sent again by itself.
    Retry,
    /// It is tried a few times over hours; then it is a person's.
    Refused,
    /// The mapping or the record has to be mended by a person.
    Mend,
    /// It is not to be there.
    Drop,
    /// Nothing can be sent until a person does something.
    Halt,
}

impl Verdict {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "sent again by itself",
            Self::Refused => "tried for hours, then a person's",
            Self::Mend => "mend the mapping or the record",
            Self::Drop => "dropped with the reason",
            Self::Halt => "the destination stops",
        }
    }
}

/// Brevo's codes: what is done, and what a person can do. Codes that are not here go by their status.
pub const CODES: [(&str, Verdict, &str); 18] = [
    (
        "invalid_parameter",
        Verdict::Mend,
        "Correct what the message names: the address at Zoom, or the attribute or list in the mapping.",
    ),
    (
        "missing_parameter",
        Verdict::Mend,
        "Give the field that the message names a value in the mapping.",
    ),
    (
        "out_of_range",
        Verdict::Mend,
        "Brevo's own limit is reached (200 attributes, 300 lists, 50 KB of properties): send less, or remove something there.",
    ),
    (
        "bad_request",
        Verdict::Mend,
        "Look at what was sent; if the mapping is as it should be, this is a fault of ours: report it with the delivery.",
    ),
    (
        "unprocessable_entity",
        Verdict::Mend,
        "Look at what was sent, and correct the mapping.",
    ),
    (
        "method_not_allowed",
        Verdict::Mend,
        "Brevo does not know this call: look whether base_url is right.",
    ),
    (
        "not_acceptable",
        Verdict::Mend,
        "Brevo does not take this form: report it with the delivery.",
    ),
    (
        "document_not_found",
        Verdict::Mend,
        "What it refers to is not at Brevo any more: retry it, and it is looked for anew.",
    ),
    (
        "duplicate_parameter",
        Verdict::Mend,
        "Two contacts at Brevo are this person: merge them there, then retry.",
    ),
    ("duplicate_request", Verdict::Drop, "It was sent before."),
    (
        "permission_denied",
        Verdict::Mend,
        "The key or the plan does not allow this: allow it at Brevo, or take it out of the mapping.",
    ),
    (
        "unauthorized",
        Verdict::Halt,
        "Look at Brevo under SMTP & API whether the key is valid and whether this machine's address is allowed (Security > Authorised IPs); give the key anew and switch the destination on.",
    ),
    (
        "account_under_validation",
        Verdict::Halt,
        "Brevo looks at the account first: finish that there, then switch the destination on.",
    ),
    (
        "account_in_process",
        Verdict::Retry,
        "Brevo prepares the account; it goes on by itself.",
    ),
    (
        "not_enough_credits",
        Verdict::Refused,
        "The account has no credits left for mail: buy some, then retry.",
    ),
    (
        "campaign_processing",
        Verdict::Retry,
        "It goes on by itself.",
    ),
    (
        "campaign_sent",
        Verdict::Drop,
        "The campaign is sent already.",
    ),
    (
        "too_many_requests",
        Verdict::Retry,
        "It goes on by itself when Brevo's window has passed.",
    ),
];

/// What a refusal means, by its code and else by its status, with what a person can do.
pub fn judge(status: u16, code: &str) -> (Verdict, &'static str) {
    if matches!(status, 408 | 425 | 429 | 500..=599) {
        return (Verdict::Retry, "It goes on by itself.");
    }
    if status == 401 {
        return CODES
            .iter()
            .find(|(name, ..)| *name == "unauthorized")
            .map_or((Verdict::Halt, ""), |(_, verdict, advice)| {
                (*verdict, advice)
            });
    }
    let known = CODES.iter().find(|(name, ..)| *name == code);
    if let Some((_, verdict, advice)) = known {
        return (*verdict, advice);
    }
    match status {
        402 => (
            Verdict::Refused,
            "The account has no credits left: buy some, then retry.",
        ),
        403 => (Verdict::Mend, "The key or the plan does not allow this."),
        404 => (
            Verdict::Mend,
            "What it refers to is not at Brevo any more: retry it, and it is looked for anew.",
        ),
        300..=399 => (
            Verdict::Halt,
            "base_url leads elsewhere: give the address of the API itself.",
        ),
        _ => (
            Verdict::Mend,
            "Look at what was sent and what came back; correct the mapping or the record, then retry.",
        ),
    }
}

/// The outcome of a refusal.
pub(super) fn outcome(said: Said, rule: Option<&Rule>) -> Outcome {
    let (verdict, advice) = judge(
        said.status.unwrap_or(0),
        said.code.as_deref().unwrap_or_default(),
    );
    let advice = advice.to_owned();
    match verdict {
        Verdict::Retry => Outcome::Retry { after: None, said },
        Verdict::Refused => Outcome::Refused { said, advice },
        Verdict::Mend => Outcome::Mend {
            field: field(&said.text),
            rule: rule.cloned(),
            said,
            advice,
        },
        Verdict::Drop => Outcome::Drop {
            reason: advice,
            said,
        },
        Verdict::Halt => Outcome::Halt {
            reason: format!("Brevo refuses everything: {}", said.text),
            advice,
            said,
        },
    }
}

/// The attribute or field that a message names.
fn field(text: &str) -> Option<String> {
    let capitals = text
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .find(|word| {
            word.len() > 2
                && word
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        });
    let email = text.to_lowercase().contains("email").then_some("email");
    capitals.or(email).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weather_is_retried_and_the_rest_goes_by_its_code() {
        for status in [408, 425, 429, 500, 502, 503] {
            assert_eq!(
                judge(status, "invalid_parameter").0,
                Verdict::Retry,
                "{status}"
            );
        }
        assert_eq!(judge(401, "anything").0, Verdict::Halt);
        assert_eq!(judge(403, "account_under_validation").0, Verdict::Halt);
        assert_eq!(judge(402, "not_enough_credits").0, Verdict::Refused);
        assert_eq!(judge(400, "never heard of").0, Verdict::Mend);
        let mut names: Vec<_> = CODES.iter().map(|(name, ..)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CODES.len());
        assert!(CODES.iter().all(|(_, _, advice)| advice.ends_with('.')));
    }

    /// Statuses as Brevo's documentation words them: what is to come of each whatever its code says.
    const STATUSES: [(u16, Verdict); 14] = [
        (400, Verdict::Mend),
        (401, Verdict::Halt),
        (402, Verdict::Refused),
        (403, Verdict::Mend),
        (404, Verdict::Mend),
        (405, Verdict::Mend),
        (406, Verdict::Mend),
        (408, Verdict::Retry),
        (415, Verdict::Mend),
        (422, Verdict::Mend),
        (425, Verdict::Retry),
        (429, Verdict::Retry),
        (500, Verdict::Retry),
        (503, Verdict::Retry),
    ];

    #[test]
    fn every_status_means_something_without_a_code() {
        for (status, verdict) in STATUSES {
            for code in ["", "a text of a newer endpoint"] {
                let (got, advice) = judge(status, code);
                assert_eq!(got, verdict, "{status}");
                assert!(!advice.is_empty(), "{status}");
            }
        }
    }

    /// Walks the table of the reference: each code that Brevo's schema has is one of ours.
    #[test]
    fn every_code_of_the_reference_is_in_the_table() {
        let shared = std::env::var_os("PARFOCAL_SHARED").map_or_else(
            || std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared"),
            std::path::PathBuf::from,
        );
        let Ok(text) = std::fs::read_to_string(shared.join("reference/brevo.md")) else {
            println!(
                "skipped: no reference beside the workspace; PARFOCAL_SHARED says where it is"
            );
            return;
        };
        let list = text.split_once("Codes seen in schema:").unwrap().1;
        let list = list.split_once('(').unwrap().0;
        let codes: Vec<&str> = list.split(',').map(str::trim).collect();
        assert!(codes.len() > 10, "{codes:?}");
        for code in codes {
            assert!(
                CODES.iter().any(|(name, ..)| *name == code),
                "{code} is not in the table"
            );
        }
    }

    #[test]
    fn the_attribute_at_fault_is_named() {
        assert_eq!(
            field("Attribute ZOOM_X does not exist").as_deref(),
            Some("ZOOM_X")
        );
        assert_eq!(field("Invalid email address").as_deref(), Some("email"));
        assert_eq!(field("nothing to see"), None);
    }
}
