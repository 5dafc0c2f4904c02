//! What Zoom's own codes mean and what to do about each: one table, from which refusals get their kind and their mend.
//!
//! The same code comes with several statuses, and a few codes (104, 200, 300, 4700) mean different things by their words; those
//! are told apart where answers are read, and have their mend here by kind.

use super::ErrorKind as K;

/// A code of Zoom's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Refusal {
    pub(crate) code: i64,
    /// With this status only; any if none.
    pub(crate) status: Option<u16>,
    pub(crate) kind: K,
    /// What to do, in a sentence.
    pub(crate) mend: &'static str,
}

const fn any(code: i64, kind: K, mend: &'static str) -> Refusal {
    Refusal {
        code,
        status: None,
        kind,
        mend,
    }
}

const fn with(status: u16, code: i64, kind: K, mend: &'static str) -> Refusal {
    Refusal {
        code,
        status: Some(status),
        kind,
        mend,
    }
}

const LICENCE: &str = "Free or buy a licence in Zoom's admin pages under Account Management > Billing, then do it again.";
const NO_USER: &str = "Check the e-mail address or id; `user.list` shows who is in the account. Somebody who was only just invited has to accept first.";
const NO_MEETING: &str = "Check the number; `meeting.list` shows what is scheduled. One that was deleted, or whose series ended long ago, is gone \
    at Zoom too.";
const RTMS: &str = "Allow the app to receive meeting content: in Zoom's admin pages under Settings > Meeting, and at the app's own page.";

/// All of them, by code.
pub(crate) const TABLE: &[Refusal] = &[
    any(
        303,
        K::Conflict,
        "Use the number of a meeting that was scheduled for a time; instant, personal and recurring ones without a time are refused.",
    ),
    with(
        400,
        404,
        K::Conflict,
        "Switch registration on for the meeting first: settings.registration `automatic` or `manual`.",
    ),
    with(
        404,
        404,
        K::NotFound,
        "Check the ids: the meeting, or the poll in it, is not there (any more).",
    ),
    any(
        1000,
        K::Conflict,
        "Take the user's special role away in Zoom's admin pages first, or choose another user.",
    ),
    any(1001, K::NotFound, NO_USER),
    any(
        1005,
        K::Conflict,
        "Use another e-mail address, or the user who has this one.",
    ),
    any(
        1009,
        K::Conflict,
        "The person has an account already: invite them to yours, or use that user.",
    ),
    any(1010, K::NotFound, NO_USER),
    any(1102, K::Plan, LICENCE),
    any(
        1107,
        K::Forbidden,
        "The e-mail domain is blocked or managed: an administrator allows it under Account Management > Account Profile.",
    ),
    any(1108, K::Plan, LICENCE),
    any(
        1109,
        K::Plan,
        "Give the host a paid licence, or take a host who has one.",
    ),
    any(
        1116,
        K::Forbidden,
        "Use an address of the domains that the account is limited to, or have an administrator widen them.",
    ),
    any(
        1117,
        K::Forbidden,
        "Make somebody else administrator first; administrators cannot be taken out of their account.",
    ),
    any(
        1120,
        K::NotFound,
        "There is no open invitation for this address: send one again, or check the address.",
    ),
    any(
        1122,
        K::Plan,
        "Give the user a paid licence first; webinars hang on it.",
    ),
    any(
        1204,
        K::Conflict,
        "Take Zoom Events off the user first: it and the webinar licence exclude each other.",
    ),
    any(
        1205,
        K::Conflict,
        "Take the webinar licence off the user first: it and Zoom Events exclude each other.",
    ),
    any(
        1206,
        K::Plan,
        "Give the user a paid licence first; Zoom Events hangs on it.",
    ),
    any(
        1207,
        K::Plan,
        "Give the user a paid licence first; concurrent meetings hang on it.",
    ),
    any(1208, K::Plan, LICENCE),
    any(1209, K::Plan, LICENCE),
    any(1210, K::Plan, LICENCE),
    any(1211, K::Plan, LICENCE),
    any(1228, K::Plan, LICENCE),
    any(
        1233,
        K::Conflict,
        "Choose another user: rooms cannot have this licence.",
    ),
    any(
        1234,
        K::Conflict,
        "Choose another user: on-premise users cannot have this licence.",
    ),
    any(
        1242,
        K::Conflict,
        "Set one of the two whiteboard licences, not both.",
    ),
    any(
        2001,
        K::NotFound,
        "Check the account id; it stands on the app's page under App Credentials.",
    ),
    any(
        2002,
        K::Plan,
        "Single sign-on is not enabled for the account: ask Zoom's support, or create users without it.",
    ),
    any(
        2016,
        K::Forbidden,
        "Ask Zoom's support: it is not open to this account.",
    ),
    any(
        2032,
        K::Plan,
        "Leave ssoCreate out: it is for partners of Zoom with pre-provisioned single sign-on.",
    ),
    any(2033, K::Plan, LICENCE),
    any(2034, K::Plan, LICENCE),
    any(
        2035,
        K::Forbidden,
        "Use another account: this kind of account cannot have users added.",
    ),
    any(
        2036,
        K::Forbidden,
        "Choose another user: owners of this kind of account cannot be invited.",
    ),
    any(
        2037,
        K::Forbidden,
        "Choose another user: Zoom forbids that this one is invited.",
    ),
    any(2038, K::Plan, LICENCE),
    any(2039, K::Plan, LICENCE),
    any(
        2300,
        K::UnknownPath,
        "Check the path; ids with slashes, such as instance UUIDs, have to be percent-encoded twice.",
    ),
    any(
        2305,
        K::Forbidden,
        "Have an administrator allow access to meeting summaries under AI Companion > Meeting, also from this address.",
    ),
    any(
        2306,
        K::Forbidden,
        "Have an administrator give the role the permission to see meetings that others scheduled.",
    ),
    any(2308, K::Forbidden, RTMS),
    any(2309, K::Forbidden, RTMS),
    any(
        2310,
        K::Conflict,
        "Try it while the meeting is running and the app is in it.",
    ),
    any(
        2312,
        K::NotFound,
        "Check the participant: nobody with this id is in the meeting.",
    ),
    any(
        2313,
        K::Conflict,
        "Look whether the summary is still there, and try again later.",
    ),
    any(
        2314,
        K::Forbidden,
        "Have the host or an administrator allow it under AI Companion > Meeting.",
    ),
    any(
        2316,
        K::Conflict,
        "Write a new message instead: this kind of message cannot be edited.",
    ),
    any(
        3000,
        K::Conflict,
        "Check the kind of meeting and its settings: a webinar's number on a meeting's path, registration that is off and blocked domains \
        are refused like this; Zoom's words say which.",
    ),
    any(3001, K::NotFound, NO_MEETING),
    any(
        3003,
        K::Forbidden,
        "Ask as the host or an alternative host; where Zoom names domains, an administrator has blocked them.",
    ),
    any(
        3018,
        K::Conflict,
        "A personal meeting room cannot be deleted; change it, or switch it off for the user.",
    ),
    any(
        3027,
        K::Forbidden,
        "Leave the host out of the registrants: the host is in the meeting anyway.",
    ),
    any(
        3034,
        K::Validation,
        "Give the address at work that the invitation went to.",
    ),
    any(
        3035,
        K::Conflict,
        "The webinar is full: raise the host's capacity, or take somebody off the list.",
    ),
    any(
        3037,
        K::Conflict,
        "An audio conference (PAC) cannot be deleted here; do it in Zoom's own pages.",
    ),
    any(
        3038,
        K::Conflict,
        "It is over: register for another occurrence, or for one that is to come.",
    ),
    any(
        3043,
        K::Conflict,
        "It is full: raise the host's capacity, or take somebody off the list.",
    ),
    any(
        3063,
        K::Conflict,
        "End it in Zoom's own client: meetings on premise cannot be ended from outside.",
    ),
    any(
        3079,
        K::NotFound,
        "Check the registrant's id; `registrant.list` shows them.",
    ),
    any(
        3161,
        K::Forbidden,
        "Take another host, or have an administrator allow this one to schedule and host meetings.",
    ),
    any(
        3301,
        K::NoRecording,
        "Look again later if it was recorded to the cloud: Zoom takes about twice the meeting's length to process it.",
    ),
    any(
        3303,
        K::Conflict,
        "Wait until the meeting has ended and its recording is processed.",
    ),
    any(
        3309,
        K::Plan,
        "Make room or buy more: the account's cloud storage is full.",
    ),
    any(
        3310,
        K::Conflict,
        "Take the recording out of the simulive webinar or of Zoom IQ first.",
    ),
    any(
        3322,
        K::NoTranscript,
        "Look again later: Zoom makes the transcript after the recording, if audio transcripts are switched on.",
    ),
    any(
        3332,
        K::Conflict,
        "Take the recording out of where it is used first.",
    ),
    any(3412, K::Plan, LICENCE),
    any(
        4100,
        K::Conflict,
        "Choose another personal link name: somebody in the account has this one.",
    ),
    any(
        4130,
        K::NotFound,
        "Check the group's id in Zoom's admin pages under User Management > Groups.",
    ),
    any(
        4131,
        K::NotFound,
        "Check who is in the group; this user is not.",
    ),
    any(4132, K::Conflict, "Choose another name for the group."),
    any(
        4138,
        K::Conflict,
        "Make the user administrator of the group first, or choose another.",
    ),
    any(
        4400,
        K::Conflict,
        "Check the setting that Zoom names: polls switched off, too many of them, or encryption that excludes it.",
    ),
    any(4505, K::Conflict, "Give the simulive webinar a fixed time."),
    any(4927, K::Conflict, "Do it while the meeting is running."),
    any(
        5010,
        K::NotFound,
        "Zoom has no report of it (yet): reports come some hours after the end, for meetings of more than one person.",
    ),
    any(
        5110,
        K::NotFound,
        "Check the tracking field's id in Zoom's admin pages under Account Management > Tracking Fields.",
    ),
    any(
        5301,
        K::Conflict,
        "Try again later; the user has to be signed in to Zoom's client.",
    ),
    any(
        5411,
        K::Forbidden,
        "Have an administrator give the role the permission to see and set presence.",
    ),
    any(
        11_321,
        K::Forbidden,
        "Use an address of another domain: Zoom has blocked this one for everybody.",
    ),
    any(
        12_702,
        K::BeyondHorizon,
        "Zoom tells of the last twelve months only; what was taken in here before stays.",
    ),
    any(
        12_703,
        K::Forbidden,
        "Have an administrator give the role the permission for this group.",
    ),
    any(13_262, K::Forbidden, RTMS),
    any(13_267, K::Forbidden, RTMS),
    any(
        13_273,
        K::Forbidden,
        "Start another meeting: this kind does not give its content to apps.",
    ),
    any(
        13_277,
        K::Conflict,
        "Do things in their order: an app's stream has to be started before it is paused, resumed or stopped.",
    ),
];

/// The row of a code under a status.
pub(crate) fn find(status: u16, code: i64) -> Option<&'static Refusal> {
    let of = |row: &&Refusal| row.code == code && row.status.is_none_or(|only| only == status);
    TABLE.iter().find(of)
}

/// What to do about a refusal, where more can be said than its kind says.
pub(super) fn mend(kind: K, status: Option<u16>, code: Option<i64>) -> Option<&'static str> {
    let code = code?;
    if let Some(row) = find(status.unwrap_or(0), code).filter(|row| row.kind == kind) {
        return Some(row.mend);
    }
    Some(match (code, kind) {
        (200, K::Plan) => {
            "It needs a paid licence, a webinar plan or an add-on: an administrator assigns it under User Management > Users."
        }
        (200, K::Forbidden) => {
            "Have an administrator give the role of whoever authorised the app this permission, under User Management > Roles."
        }
        (300, K::Validation) => {
            "Change what Zoom names and do it again; a dry run (`--dry-run`, `dry_run=true`) shows what is sent."
        }
        (300, K::Conflict) => {
            "Use the webinar actions for webinars and the meeting actions for meetings: their numbers are not told apart by looking at them."
        }
        (300, K::NotFound) => NO_MEETING,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_stands_once_and_says_what_to_do() {
        let mut seen = BTreeSet::new();
        for row in TABLE {
            assert!(seen.insert((row.code, row.status)), "{row:?}");
            assert!(row.mend.ends_with('.') && row.mend.len() > 25, "{row:?}");
            assert_eq!(
                find(row.status.unwrap_or(400), row.code).unwrap().mend,
                row.mend
            );
        }
        assert!(TABLE.is_sorted_by_key(|row| row.code));
    }
}
