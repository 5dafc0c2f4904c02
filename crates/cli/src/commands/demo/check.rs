//! Holding what is stored against what could be known, figure by figure and record by record.

use std::collections::{BTreeMap, BTreeSet};

use super::knowable::{Instance, Knowable, Totals};

/// Differences that are listed; the rest is counted.
const LISTED: usize = 50;

/// What the store holds, in the terms of the comparison.
#[derive(Debug, Clone, Default)]
pub(super) struct Found {
    /// E-mail address in lower case → Zoom's user id.
    pub(super) users: BTreeMap<String, String>,
    /// Meeting number → topic.
    pub(super) meetings: BTreeMap<u64, String>,
    /// Decoded UUID → what is stored about the instance.
    pub(super) instances: BTreeMap<String, FoundInstance>,
}

/// What the store holds about a meeting that was held.
#[derive(Debug, Clone, Default)]
pub(super) struct FoundInstance {
    pub(super) meeting_id: Option<u64>,
    pub(super) topic: String,
    /// Start in whole seconds of the epoch.
    pub(super) start: Option<i64>,
    /// Name, e-mail address, join and leave in whole seconds: one entry for each row.
    pub(super) attendance: Vec<Attendance>,
    /// Whether a recording is known.
    pub(super) recorded: bool,
    /// File type and content hash (none if not fetched), one entry for each file.
    pub(super) files: Vec<FoundFile>,
    /// Content hash and cues of each current transcript.
    pub(super) transcripts: Vec<(String, u64)>,
    /// Stored chat messages.
    pub(super) chat_messages: u64,
}

/// A row of attendance.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Attendance {
    pub(super) name: String,
    pub(super) email: String,
    pub(super) join: i64,
    pub(super) leave: Option<i64>,
}

/// A file of a recording.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct FoundFile {
    pub(super) id: Option<String>,
    pub(super) kind: String,
    pub(super) sha256: Option<String>,
    pub(super) size: Option<u64>,
}

/// The outcome of a comparison.
#[derive(Debug, Clone, Default)]
pub(super) struct Verdict {
    /// Records that were compared.
    pub(super) compared: u64,
    /// What differs, one sentence each.
    pub(super) differences: Vec<String>,
    /// How many differences there are beyond those listed.
    pub(super) unlisted: usize,
}

impl Verdict {
    /// Whether everything agrees.
    pub(super) fn agrees(&self) -> bool {
        self.differences.is_empty()
    }

    /// Notes a difference.
    pub(super) fn differ(&mut self, text: String) {
        if self.differences.len() < LISTED {
            self.differences.push(text);
        } else {
            self.unlisted += 1;
        }
    }

    fn equal<T: PartialEq + std::fmt::Debug>(
        &mut self,
        of: &str,
        what: &str,
        stored: &T,
        knowable: &T,
    ) {
        self.compared += 1;
        if stored != knowable {
            self.differ(format!(
                "{of}: {what} is {stored:?}, knowable is {knowable:?}"
            ));
        }
    }
}

impl Found {
    /// The sums of what is stored.
    pub(super) fn totals(&self) -> Totals {
        let all = || self.instances.values();
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        Totals {
            users: count(self.users.len()),
            meetings: count(self.meetings.len()),
            instances: count(self.instances.len()),
            participant_rows: all().map(|instance| count(instance.attendance.len())).sum(),
            recordings: count(all().filter(|instance| instance.recorded).count()),
            files: all().map(|instance| count(instance.files.len())).sum(),
            transcripts: all()
                .map(|instance| count(instance.transcripts.len()))
                .sum(),
            cues: all()
                .flat_map(|instance| &instance.transcripts)
                .map(|(_, cues)| cues)
                .sum(),
            chat_messages: all().map(|instance| instance.chat_messages).sum(),
        }
    }
}

/// Compares everything. `fetched` are the kinds of files whose content is stored; of the others the record is enough.
pub(super) fn compare(found: &Found, knowable: &Knowable, fetched: &BTreeSet<String>) -> Verdict {
    let mut verdict = Verdict::default();
    for ((name, stored), (_, expected)) in
        found.totals().named().iter().zip(knowable.totals.named())
    {
        verdict.equal("totals", name, stored, &expected);
    }
    let emails: Vec<String> = knowable
        .users
        .iter()
        .map(|user| user.email.to_lowercase())
        .collect();
    compare_sets(&mut verdict, "user", found.users.keys(), emails.iter());
    for (user, email) in knowable.users.iter().zip(&emails) {
        if let (Some(stored), Some(id)) = (found.users.get(email), &user.id) {
            verdict.equal(&format!("user {email}"), "id", stored, id);
        }
    }
    compare_sets(
        &mut verdict,
        "meeting",
        found.meetings.keys(),
        knowable.meetings.iter().map(|meeting| &meeting.id),
    );
    for meeting in &knowable.meetings {
        if let Some(topic) = found.meetings.get(&meeting.id) {
            verdict.equal(
                &format!("meeting {}", meeting.id),
                "topic",
                topic,
                &meeting.topic,
            );
        }
    }
    compare_sets(
        &mut verdict,
        "instance",
        found.instances.keys(),
        knowable.instances.iter().map(|instance| &instance.uuid),
    );
    for expected in &knowable.instances {
        if let Some(stored) = found.instances.get(&expected.uuid) {
            compare_instance(&mut verdict, stored, expected, fetched);
        }
    }
    verdict
}

fn compare_instance(
    verdict: &mut Verdict,
    stored: &FoundInstance,
    expected: &Instance,
    fetched: &BTreeSet<String>,
) {
    let of = format!("instance {} ({:?})", expected.uuid, expected.topic);
    verdict.equal(
        &of,
        "meeting number",
        &stored.meeting_id,
        &Some(expected.meeting_id),
    );
    verdict.equal(&of, "topic", &stored.topic, &expected.topic);
    verdict.equal(
        &of,
        "start",
        &stored.start,
        &Some(expected.start_time.as_second()),
    );

    let mut rows = stored.attendance.clone();
    rows.sort();
    let mut expected_rows: Vec<Attendance> = expected
        .participants
        .iter()
        .flatten()
        .map(|row| Attendance {
            name: row.name.clone(),
            email: row.user_email.clone().unwrap_or_default().to_lowercase(),
            join: row.join_time.as_second(),
            leave: row.leave_time.map(jiff::Timestamp::as_second),
        })
        .collect();
    expected_rows.sort();
    compare_lists(verdict, &of, "attendance row", &rows, &expected_rows);

    verdict.equal(
        &of,
        "recorded",
        &stored.recorded,
        &expected.recording.is_some(),
    );
    let wanted = |kind: &str| fetched.contains(kind);
    let mut files = stored.files.clone();
    let mut expected_files: Vec<FoundFile> = expected
        .recording
        .iter()
        .flat_map(|recording| &recording.files)
        .map(|file| FoundFile {
            id: file.id.clone(),
            kind: file.kind.clone(),
            sha256: file.sha256.clone().filter(|_| wanted(&file.kind)),
            size: file.size.filter(|_| wanted(&file.kind)),
        })
        .collect();
    files.sort();
    expected_files.sort();
    compare_lists(verdict, &of, "file", &files, &expected_files);

    let mut transcripts = stored.transcripts.clone();
    transcripts.sort();
    let mut expected_transcripts: Vec<(String, u64)> = expected
        .transcript
        .iter()
        .flat_map(|transcript| &transcript.parts)
        .map(|part| (part.sha256.clone(), part.cues))
        .collect();
    expected_transcripts.sort();
    compare_lists(
        verdict,
        &of,
        "transcript",
        &transcripts,
        &expected_transcripts,
    );
    let cues: u64 = stored.transcripts.iter().map(|(_, cues)| cues).sum();
    verdict.equal(
        &of,
        "cues",
        &cues,
        &expected
            .transcript
            .as_ref()
            .map_or(0, |transcript| transcript.cues),
    );
    let messages = expected.chat.as_ref().map_or(0, |chat| chat.messages);
    verdict.equal(&of, "chat messages", &stored.chat_messages, &messages);
}

fn compare_sets<'a, T: Ord + std::fmt::Display + 'a>(
    verdict: &mut Verdict,
    what: &str,
    stored: impl Iterator<Item = &'a T>,
    knowable: impl Iterator<Item = &'a T>,
) {
    let stored: BTreeSet<&T> = stored.collect();
    let knowable: BTreeSet<&T> = knowable.collect();
    verdict.compared += u64::try_from(stored.union(&knowable).count()).unwrap_or_default();
    for missing in knowable.difference(&stored) {
        verdict.differ(format!("{what} {missing} is knowable but not stored"));
    }
    for extra in stored.difference(&knowable) {
        verdict.differ(format!("{what} {extra} is stored but not knowable"));
    }
}

/// Compares two sorted lists as bags.
fn compare_lists<T: Ord + std::fmt::Debug>(
    verdict: &mut Verdict,
    of: &str,
    what: &str,
    stored: &[T],
    knowable: &[T],
) {
    let (mut s, mut k) = (0, 0);
    loop {
        verdict.compared += 1;
        match (stored.get(s), knowable.get(k)) {
            (None, None) => {
                verdict.compared -= 1;
                return;
            }
            (Some(a), Some(b)) if a == b => {
                s += 1;
                k += 1;
            }
            (Some(a), b) if b.is_none_or(|b| a < b) => {
                verdict.differ(format!("{of}: {what} {a:?} is stored but not knowable"));
                s += 1;
            }
            (_, Some(b)) => {
                verdict.differ(format!("{of}: {what} {b:?} is knowable but not stored"));
                k += 1;
            }
            (Some(_), None) => s += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowable() -> Knowable {
        serde_json::from_value(serde_json::json!({
            "users": [{"id": "u1", "email": "Ana@example.org"}],
            "meetings": [{"id": 81, "topic": "Weekly", "type": 8}],
            "instances": [{
                "uuid": "/ab//c==", "meeting_id": 81, "topic": "Weekly", "start_time": "2026-10-01T10:00:00Z",
                "participants": [
                    {"name": "Ana", "user_email": "ana@example.org", "join_time": "2026-10-01T10:00:01Z", "leave_time": "2026-10-01T10:10:00Z"},
                    {"name": "Ana", "user_email": "ana@example.org", "join_time": "2026-10-01T10:11:01Z", "leave_time": "2026-10-01T10:30:00Z"},
                ],
                "recording": {"files": [
                    {"id": "f1", "file_type": "TRANSCRIPT", "sha256": "aa", "size": 3},
                    {"id": "f2", "file_type": "MP4", "sha256": "bb", "size": 4},
                ]},
                "transcript": {"cues": 7, "sha256": "aa", "parts": [{"cues": 7, "sha256": "aa"}]}, "chat": null,
            }],
            "totals": {"users": 1, "meetings": 1, "instances": 1, "participant_rows": 2, "recordings": 1, "files": 2,
                "transcripts": 1, "cues": 7, "chat_messages": 0},
            "unavailable": [], "least_calls": {"total": 5, "seconds": 1.0},
        }))
        .unwrap()
    }

    fn found() -> Found {
        let at = |text: &str| text.parse::<jiff::Timestamp>().unwrap().as_second();
        let row = |join: &str, leave: &str| Attendance {
            name: "Ana".into(),
            email: "ana@example.org".into(),
            join: at(join),
            leave: Some(at(leave)),
        };
        Found {
            users: [("ana@example.org".to_owned(), "u1".to_owned())].into(),
            meetings: [(81, "Weekly".to_owned())].into(),
            instances: [(
                "/ab//c==".to_owned(),
                FoundInstance {
                    meeting_id: Some(81),
                    topic: "Weekly".into(),
                    start: Some(at("2026-10-01T10:00:00Z")),
                    attendance: vec![
                        row("2026-10-01T10:11:01Z", "2026-10-01T10:30:00Z"),
                        row("2026-10-01T10:00:01Z", "2026-10-01T10:10:00Z"),
                    ],
                    recorded: true,
                    files: vec![
                        FoundFile {
                            id: Some("f2".into()),
                            kind: "MP4".into(),
                            sha256: None,
                            size: None,
                        },
                        FoundFile {
                            id: Some("f1".into()),
                            kind: "TRANSCRIPT".into(),
                            sha256: Some("aa".into()),
                            size: Some(3),
                        },
                    ],
                    transcripts: vec![("aa".into(), 7)],
                    chat_messages: 0,
                },
            )]
            .into(),
        }
    }

    fn differences(found: &Found) -> String {
        compare(found, &knowable(), &["TRANSCRIPT".to_owned()].into())
            .differences
            .join("\n")
    }

    #[test]
    fn what_agrees_agrees() {
        let verdict = compare(&found(), &knowable(), &["TRANSCRIPT".to_owned()].into());
        assert!(verdict.agrees(), "{:?}", verdict.differences);
        assert!(verdict.compared > 15);
    }

    #[test]
    fn every_kind_of_difference_is_named() {
        let mut other = found();
        other.instances.clear();
        let text = differences(&other);
        assert!(
            text.contains("instance /ab//c== is knowable but not stored")
                && text.contains("cues is 0, knowable is 7"),
            "{text}"
        );

        let mut other = found();
        let instance = other.instances.get_mut("/ab//c==").unwrap();
        instance.attendance.pop();
        instance.transcripts = vec![("aa".into(), 6)];
        instance.files[1].sha256 = Some("ff".into());
        instance.chat_messages = 1;
        let text = differences(&other);
        for part in [
            "attendance row",
            "cues is 6, knowable is 7",
            "\"ff\"",
            "transcript (\"aa\", 6)",
            "chat messages is 1",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }

        let mut other = found();
        other.users.insert("x@example.org".into(), "u2".into());
        other.meetings.insert(81, "Other".into());
        let text = differences(&other);
        assert!(
            text.contains("user x@example.org is stored but not knowable")
                && text.contains("\"Other\""),
            "{text}"
        );
    }
}
