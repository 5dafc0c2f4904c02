//! Makes the recording of an instance out of what was said.

use jiff::{SignedDuration, Timestamp};

use super::chance::Chance;
use super::change::whole_second;
use super::ids::dashed_uuid;
use super::model::{ContentRef, FileKind, Instance, Recording, RecordingFile, TranscriptFate};
use super::recordings::{content, text_of};
use crate::content::Talk;
use crate::files::{Media, summary};

/// One stretch of recording between start and stop.
#[derive(Clone, Debug)]
pub(crate) struct Set {
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    /// What was said; none when there is no transcript at all.
    pub(crate) transcript: Option<ContentRef>,
    pub(crate) chat: Option<ContentRef>,
    /// The talk behind both, rendered; none when they are files.
    pub(crate) rendered: Option<Talk>,
}

impl Set {
    /// A stretch in which a talk was held; `content` names it.
    pub(crate) fn of_talk(
        start: Timestamp,
        end: Timestamp,
        content: ContentRef,
        talk: Talk,
    ) -> Self {
        Self {
            start,
            end,
            transcript: Some(content.clone()),
            chat: (!talk.chat.is_empty()).then_some(content),
            rendered: Some(talk),
        }
    }
}

/// How it is recorded.
#[derive(Clone, Debug)]
pub(crate) struct RecordOptions {
    pub(crate) seed: u64,
    pub(crate) fate: TranscriptFate,
    pub(crate) captions: bool,
    pub(crate) auto_delete_days: Option<u32>,
    /// Overview of the smart recording, when it made one.
    pub(crate) overview: Option<String>,
}

/// Adds the recording to an instance that ended at `end`; its attendance must be there.
pub(crate) fn record(
    instance: &mut Instance,
    end: Timestamp,
    sets: &[Set],
    options: &RecordOptions,
) {
    let name = u64::from_be_bytes(instance.uuid.0[..8].try_into().unwrap_or_default());
    let mut chance = Chance::of(options.seed, "recording", name);
    let later = |at: Timestamp, seconds: i64| {
        at.checked_add(SignedDuration::from_secs(seconds))
            .unwrap_or(at)
    };
    // Processing takes about as long as the meeting, at least two minutes.
    let length = (end.as_second() - instance.start.as_second()).max(0);
    let completed_at = whole_second(later(end, 120 + chance.between(length / 2, length)));
    let transcript_at = match options.fate {
        TranscriptFate::OnTime => Some(later(completed_at, chance.between(60, 300))),
        TranscriptFate::Late => Some(later(completed_at, 6 * 3_600)),
        TranscriptFate::Never => None,
    };
    let mut files: Vec<RecordingFile> = Vec::new();
    for set in sets {
        let seconds = u32::try_from(set.end.as_second() - set.start.as_second()).unwrap_or(0);
        let mut add =
            |kind: FileKind, ready_at: Timestamp, content_ref: ContentRef, chance: &mut Chance| {
                let mut file = RecordingFile {
                    id: dashed_uuid(chance),
                    kind,
                    start: set.start,
                    end: set.end,
                    size: 0,
                    ready_at,
                    trashed_at: None,
                    deleted_at: None,
                    index: u16::try_from(files.len()).unwrap_or(u16::MAX),
                    content: content_ref,
                };
                file.size = match (&set.rendered, &file.content) {
                    (Some(talk), ContentRef::Talk(_) | ContentRef::Generated(_)) => {
                        text_of(instance, kind, talk).len() as u64
                    }
                    _ => content(instance, &file).len(),
                };
                files.push(file);
            };
        for (kind, audio) in [(FileKind::Mp4, false), (FileKind::M4a, true)] {
            let seed = chance.next_u64();
            let media = Media::new(seed, Media::size_for(seconds, audio, seed), seconds, audio);
            add(kind, completed_at, ContentRef::Media(media), &mut chance);
        }
        if let Some(talk @ (ContentRef::Talk(_) | ContentRef::Generated(_))) = &set.transcript {
            add(FileKind::Timeline, completed_at, talk.clone(), &mut chance);
        }
        if let (Some(ready_at), Some(talk)) = (transcript_at, &set.transcript) {
            add(FileKind::Transcript, ready_at, talk.clone(), &mut chance);
        }
        if let Some(talk) = &set.transcript
            && options.captions
        {
            add(FileKind::Cc, completed_at, talk.clone(), &mut chance);
        }
        if let Some(chat) = &set.chat {
            add(FileKind::Chat, completed_at, chat.clone(), &mut chance);
        }
    }
    if let (Some(overview), Some(set)) = (&options.overview, sets.first()) {
        let text = summary(&instance.topic, set.start, overview);
        files.push(RecordingFile {
            id: dashed_uuid(&mut chance),
            kind: FileKind::Summary,
            start: set.start,
            end: set.end,
            size: text.len() as u64,
            ready_at: completed_at,
            trashed_at: None,
            deleted_at: None,
            index: u16::try_from(files.len()).unwrap_or(u16::MAX),
            content: ContentRef::Text(text.into()),
        });
    }
    let auto_delete_at = options
        .auto_delete_days
        .map(|days| later(completed_at, i64::from(days) * 86_400));
    instance.recording = Some(Recording {
        files,
        share_key: chance.text(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
            43,
        ),
        passcode: chance.text(
            b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789!@$^*",
            8,
        ),
        play_passcode: chance.text(
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            32,
        ),
        completed_at,
        auto_delete_at,
        trashed_at: None,
        deleted_at: None,
    });
}
