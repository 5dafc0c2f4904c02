//! Recordings: bytes, addresses, tokens, the trash.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::model::{ContentRef, FileKind, Instance, InstanceUuid, RecordingFile};
use super::urls::{Urls, read_file_key, read_transcript_key};
use super::{World, WorldError};
use crate::content::Talk;
use crate::files::{self, FileContent, TokenError};
use crate::webhooks::payload;

/// How far a deletion goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// Into the trash, for 30 days.
    Trash,
    /// For good.
    Delete,
}

impl World {
    /// Addresses under the served base.
    pub fn urls(&self) -> Urls {
        Urls::new(
            self.base_url
                .get()
                .map_or("http://127.0.0.1:8090", String::as_str),
        )
    }

    /// The bytes of a file.
    pub fn content(&self, instance: &Instance, file: &RecordingFile) -> FileContent {
        content(instance, file)
    }

    /// Cues of a transcript or captions file, messages of a chat file; none for other files.
    pub fn items(&self, file: &RecordingFile) -> Option<usize> {
        items(file)
    }

    /// The file a download or play key names, with its place in the recording.
    pub fn file_by_key(&self, key: &str) -> Option<(Arc<Instance>, usize)> {
        let (uuid, index) = read_file_key(key)?;
        let instance = self.instance(&uuid)?;
        let recording = instance.recording.as_ref()?;
        let place = recording
            .files
            .iter()
            .position(|file| file.index == index)?;
        Some((instance, place))
    }

    /// A token that opens the files of one instance for `ttl`.
    pub fn download_token(&self, uuid: &InstanceUuid, ttl: SignedDuration) -> String {
        let now = self.clock.now();
        self.tokens
            .issue(uuid, now, now.checked_add(ttl).unwrap_or(Timestamp::MAX))
    }

    /// The instance a download token opens now.
    ///
    /// # Errors
    /// When it is not ours or has expired.
    pub fn check_download_token(&self, token: &str) -> Result<InstanceUuid, TokenError> {
        self.tokens.check(token, self.clock.now())
    }

    /// AI Companion's own transcript as WebVTT; none when it did not listen or is not ready.
    pub fn aic_transcript(&self, instance: &Instance) -> Option<String> {
        let summary = instance.summary.as_ref()?;
        if summary.created_at > self.clock.now() {
            return None;
        }
        talk_of(&summary.heard).map(|talk| files::transcript(&talk.cues))
    }

    /// The instance an AI Companion transcript's key names.
    pub fn instance_by_transcript_key(&self, key: &str) -> Option<Arc<Instance>> {
        self.instance(&read_transcript_key(key)?)
    }

    /// Trashes or deletes a recording or one of its files, and announces it.
    ///
    /// # Errors
    /// When there is no recording (any more), or no such file.
    pub fn remove_recording(
        &self,
        uuid: &InstanceUuid,
        file_id: Option<&str>,
        how: Removal,
        operator_id: &str,
    ) -> Result<(), WorldError> {
        let now = super::change::whole_second(self.clock.now());
        let (instance, touched) = self.change_files(uuid, file_id, |file| match how {
            _ if file.deleted_at.is_some() => false,
            Removal::Trash if file.trashed_at.is_some() => false,
            Removal::Trash => {
                file.trashed_at = Some(now);
                true
            }
            Removal::Delete => {
                file.deleted_at = Some(now);
                true
            }
        })?;
        let event = match how {
            Removal::Trash => "recording.trashed",
            Removal::Delete => "recording.deleted",
        };
        self.announce_files(event, &instance, &touched, Some(operator_id), None);
        Ok(())
    }

    /// Takes a recording or one file out of the trash and announces it.
    ///
    /// # Errors
    /// When there is none in the trash.
    pub fn recover_recording(
        &self,
        uuid: &InstanceUuid,
        file_id: Option<&str>,
        operator_id: &str,
    ) -> Result<(), WorldError> {
        let (instance, touched) = self.change_files(uuid, file_id, |file| {
            file.deleted_at.is_none() && file.trashed_at.take().is_some()
        })?;
        let token = self.download_token(uuid, SignedDuration::from_hours(24));
        self.announce_files(
            "recording.recovered",
            &instance,
            &touched,
            Some(operator_id),
            Some(token),
        );
        Ok(())
    }

    /// Deletes what AI Companion wrote of a meeting, for good, and announces it.
    ///
    /// # Errors
    /// When there is no summary (yet).
    pub fn remove_summary(&self, uuid: &InstanceUuid, operator_id: &str) -> Result<(), WorldError> {
        let now = self.clock.now();
        let old = {
            let mut state = self.write();
            let key = state
                .key_of(uuid)
                .ok_or(WorldError::UnknownInstance(*uuid))?;
            let old = self
                .instance_in(&state, key)
                .filter(|old| {
                    let written = old.summary.as_ref().map(|summary| summary.created_at);
                    written.is_some_and(|written| written <= now)
                })
                .ok_or(WorldError::UnknownInstance(*uuid))?;
            let mut next = Instance::clone(&old);
            next.summary = None;
            state.replace(next);
            old
        };
        let email = self.email_of(&old.host_id);
        if let Some(mut object) = payload::summary(&old, &email, &self.urls()) {
            // The event of a removal carries nothing of the text.
            if let Some(object) = object.as_object_mut() {
                for name in [
                    "summary_details",
                    "next_steps",
                    "summary_content",
                    "summary_doc_url",
                ] {
                    object.remove(name);
                }
            }
            let body = self.operated(operator_id, object);
            self.announce("meeting.summary_deleted", Some(&old.host_id), body, None);
        }
        Ok(())
    }

    /// Changes files of a recording; the recording itself is trashed or deleted when all its files are.
    fn change_files(
        &self,
        uuid: &InstanceUuid,
        file_id: Option<&str>,
        mut change: impl FnMut(&mut RecordingFile) -> bool,
    ) -> Result<(Arc<Instance>, Vec<u16>), WorldError> {
        let mut state = self.write();
        let key = state
            .key_of(uuid)
            .ok_or(WorldError::UnknownInstance(*uuid))?;
        let old = self
            .instance_in(&state, key)
            .ok_or(WorldError::UnknownInstance(*uuid))?;
        let mut next = Instance::clone(&old);
        let recording = next
            .recording
            .as_mut()
            .ok_or(WorldError::NoRecording(*uuid))?;
        let mut touched = Vec::new();
        for file in &mut recording.files {
            if file_id.is_none_or(|id| id == file.id) && change(file) {
                touched.push(file.index);
            }
        }
        if touched.is_empty() {
            return Err(match file_id {
                Some(id) => WorldError::UnknownFile(id.to_owned()),
                None => WorldError::NoRecording(*uuid),
            });
        }
        let all = |when: fn(&RecordingFile) -> Option<Timestamp>| {
            let times: Option<Vec<Timestamp>> = recording.files.iter().map(when).collect();
            times.and_then(|times| times.into_iter().max())
        };
        let deleted_at = all(|file| file.deleted_at);
        let trashed_at = all(|file| file.deleted_at.or(file.trashed_at));
        recording.deleted_at = deleted_at;
        recording.trashed_at = trashed_at;
        Ok((state.replace(next), touched))
    }

    /// Announces an event that lists the files with these places.
    pub(super) fn announce_files(
        &self,
        event: &'static str,
        instance: &Instance,
        places: &[u16],
        operator: Option<&str>,
        token: Option<String>,
    ) {
        let Some(recording) = &instance.recording else {
            return;
        };
        let files: Vec<&RecordingFile> = recording
            .files
            .iter()
            .filter(|file| places.contains(&file.index))
            .collect();
        let email = self.email_of(&instance.host_id);
        let object = payload::recording_files(
            event,
            &self.account().id,
            instance,
            recording,
            &files,
            &email,
            &self.urls(),
        );
        let body = match operator {
            Some(operator) => self.operated(operator, object),
            None => self.plain(object),
        };
        self.announce(event, Some(&instance.host_id), body, token);
    }
}

/// The talk behind a reference, if it is one.
pub(super) fn talk_of(content: &ContentRef) -> Option<Talk> {
    match content {
        ContentRef::Talk(talk) => Some(talk.render()),
        ContentRef::Generated(talk) => Some(talk.render()),
        ContentRef::Disk(_) | ContentRef::Media(_) | ContentRef::Text(_) => None,
    }
}

/// The bytes of a file.
pub(super) fn content(instance: &Instance, file: &RecordingFile) -> FileContent {
    match &file.content {
        ContentRef::Disk(disk) => FileContent::Disk(disk.clone()),
        ContentRef::Media(media) => FileContent::Media(*media),
        ContentRef::Text(text) => {
            FileContent::Memory(bytes::Bytes::copy_from_slice(text.as_bytes()))
        }
        talk @ (ContentRef::Talk(_) | ContentRef::Generated(_)) => {
            let text =
                talk_of(talk).map_or_else(String::new, |talk| text_of(instance, file.kind, &talk));
            FileContent::Memory(text.into())
        }
    }
}

/// The text of one kind of file for a talk.
pub(super) fn text_of(instance: &Instance, kind: FileKind, talk: &Talk) -> String {
    match kind {
        FileKind::Transcript => files::transcript(&talk.cues),
        FileKind::Cc => files::captions(&talk.cues),
        FileKind::Chat => files::chat(&talk.chat),
        FileKind::Timeline => files::timeline(&talk.cues, |name| {
            let row = instance.participants.iter().find(|row| row.name == name);
            (
                name,
                row.and_then(|row| row.account_user_id.as_deref())
                    .unwrap_or(""),
                row.map_or("", super::model::Participant::visible_email),
            )
        }),
        FileKind::Summary => files::summary(&instance.topic, instance.start, ""),
        FileKind::Mp4 | FileKind::M4a => String::new(),
    }
}

pub(super) fn items(file: &RecordingFile) -> Option<usize> {
    let count = |talk: &Talk| match file.kind {
        FileKind::Transcript | FileKind::Cc => Some(talk.cues.len()),
        FileKind::Chat => Some(talk.chat.len()),
        _ => None,
    };
    match (&file.content, file.kind) {
        (ContentRef::Disk(disk), FileKind::Transcript | FileKind::Cc | FileKind::Chat) => {
            Some(disk.items)
        }
        (content, _) => talk_of(content).as_ref().and_then(count),
    }
}
