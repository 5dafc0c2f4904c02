//! Cloud recordings of instances, and their files.

use jiff::Timestamp;
use parfocal_store::{
    ArtefactKind, ArtefactState, EventId, File, FileId, NewFile, NewRecording, RecordingId, Tx,
};
use serde_json::{Value, json};

use super::artefacts::{self, PROCESSING, cause};
use super::{Facts, Origin, Rank, Stamp, instances};
use crate::config::Config;
use crate::error::Result;
use crate::jobs::{FileFetch, JobKind, RecordingRefresh};

/// How long after a recording its transcript is first looked for.
const WATCH: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);

/// What a source says about whether the files are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// They are there.
    There,
    /// They were put into the trash or deleted.
    Gone,
    /// They came back from the trash.
    Back,
}

/// A recording after a statement was taken in.
#[derive(Debug)]
pub struct Applied {
    /// The recording.
    pub id: RecordingId,
    /// Its instance.
    pub instance: instances::Applied,
    /// Files that were not known before.
    pub new_files: usize,
    /// Whether the recording was not known before.
    pub is_new: bool,
}

/// Takes in what is said of a recording and its files, and enqueues the downloads that follow.
///
/// `event` is the event whose download token opens the files, if it came with one.
pub async fn apply(
    tx: &mut Tx,
    origin: &Origin,
    config: &Config,
    said: &Value,
    presence: Presence,
    event: Option<EventId>,
) -> Result<Option<Applied>> {
    let applied = update(tx, origin, said, presence).await?;
    if let Some(applied) = &applied {
        follow_up(tx, origin, config, applied, event).await?;
    }
    Ok(applied)
}

/// Takes in what is said of a recording and its files.
pub async fn update(
    tx: &mut Tx,
    origin: &Origin,
    said: &Value,
    presence: Presence,
) -> Result<Option<Applied>> {
    let Some(instance) = hint(tx, origin, said).await? else {
        return Ok(None);
    };
    let known = tx
        .recording_by_external(origin.account, &instance.uuid)
        .await?;
    let mut facts = Facts::parse(known.as_ref().map(|recording| recording.raw.as_str()));
    let files = list(said, "recording_files");
    let audio = list(said, "participant_audio_files");
    let count = said
        .get("recording_count")
        .and_then(Value::as_u64)
        .unwrap_or(0);
    let mut object = said.as_object().cloned().unwrap_or_default();
    object.remove("recording_files");
    object.remove("participant_audio_files");
    facts.absorb(&Value::Object(object), origin.stamp);
    // One file in the trash is not the recording in the trash.
    let whole = files.is_empty() || files.len() as u64 >= count;
    match presence {
        Presence::Gone if whole => {
            facts.say("deleted", true, origin.stamp);
        }
        Presence::There | Presence::Gone => {}
        Presence::Back => {
            facts.say("deleted", false, origin.stamp);
        }
    }
    let new = NewRecording {
        external_id: instance.uuid.clone(),
        start: facts.instant("start_time"),
        share_url: facts.text("share_url"),
        passcode_ref: None,
        total_size: facts.integer("total_size"),
        raw: Some(facts.to_raw()),
    };
    let done = tx
        .upsert_recording(origin.account, instance.id, &new, &origin.seen(&facts))
        .await?;
    if is_deleted(&facts) {
        tx.delete_recording(done.id, &origin.seen(&facts)).await?;
    } else {
        tx.restore_recording(done.id, &origin.seen(&facts)).await?;
    }
    let mut new_files = 0;
    for (file, audio) in files
        .iter()
        .map(|file| (file, false))
        .chain(audio.iter().map(|file| (file, true)))
    {
        new_files +=
            usize::from(apply_file(tx, origin, &instance, done.id, file, audio, presence).await?);
    }
    let applied = Applied {
        id: done.id,
        instance,
        new_files,
        is_new: known.is_none(),
    };
    if presence == Presence::There {
        let kinds: Vec<&str> = files
            .iter()
            .filter_map(|file| file.get("file_type")?.as_str())
            .collect();
        let ended = end_of(&files).or(facts.instant("start_time"));
        expectations(tx, origin, &applied, &kinds, ended).await?;
    }
    Ok(Some(applied))
}

/// Takes in that recordings, named by UUID only, went to the trash or came back.
pub async fn apply_batch(
    tx: &mut Tx,
    origin: &Origin,
    config: &Config,
    uuid: &str,
    files: &[String],
    presence: Presence,
) -> Result<()> {
    let Some(recording) = tx.recording_by_external(origin.account, uuid).await? else {
        return Ok(());
    };
    let files: Vec<Value> = files
        .iter()
        .filter(|id| !id.is_empty())
        .map(|id| json!({"id": id}))
        .collect();
    let known = tx.files_of_recording(recording.id).await?;
    let whole = files.len() >= known.len();
    let said = json!({"uuid": uuid, "recording_files": if whole { Vec::new() } else { files }, "recording_count": known.len()});
    apply(tx, origin, config, &said, presence, None).await?;
    Ok(())
}

/// An instance seen through its recording: good enough to hang it on, and yielding to everything said of it properly.
async fn hint(tx: &mut Tx, origin: &Origin, said: &Value) -> Result<Option<instances::Applied>> {
    let mut hint = serde_json::Map::new();
    for name in [
        "uuid",
        "id",
        "topic",
        "host_id",
        "host_email",
        "type",
        "timezone",
        "start_time",
    ] {
        if let Some(value) = said.get(name) {
            hint.insert(name.to_owned(), value.clone());
        }
    }
    // An uploaded recording belongs to no meeting type of its own.
    if hint
        .get("type")
        .and_then(number)
        .is_some_and(|kind| kind == 99)
    {
        hint.remove("type");
    }
    if let Some(Value::String(kind)) = hint.get("type").cloned() {
        // Lists give the type as text here, and as a number everywhere else.
        match kind.parse::<i64>() {
            Ok(kind) => hint.insert("type".into(), kind.into()),
            Err(_) => hint.remove("type"),
        };
    }
    let hinted = origin.stamped(Stamp::new(0, Rank::Derived));
    instances::apply(tx, &hinted, &Value::Object(hint), instances::Stage::Ended).await
}

/// Takes in one file; whether it was unknown.
async fn apply_file(
    tx: &mut Tx,
    origin: &Origin,
    instance: &instances::Applied,
    recording: RecordingId,
    said: &Value,
    participant_audio: bool,
    presence: Presence,
) -> Result<bool> {
    let Some(key) = file_key(&instance.uuid, said) else {
        return Ok(false);
    };
    let known = tx.file_by_external(origin.account, &key).await?;
    let file_type = said
        .get("file_type")
        .and_then(Value::as_str)
        .map(str::to_uppercase);
    if file_type.as_deref() == Some("TB") {
        // A placeholder while Zoom processes; the real files come under ids of their own.
        return Ok(false);
    }
    let mut facts = Facts::parse(known.as_ref().map(|file| file.raw.as_str()));
    facts.absorb(said, origin.stamp);
    if participant_audio {
        facts.say(
            "recording_type",
            "audio_only_each_participant",
            Stamp::new(0, Rank::Derived),
        );
    }
    match presence {
        Presence::There => {}
        Presence::Gone => {
            facts.say("deleted", true, origin.stamp);
        }
        Presence::Back => {
            facts.say("deleted", false, origin.stamp);
        }
    }
    let Some(file_type) = facts.text("file_type").map(|kind| kind.to_uppercase()) else {
        return Ok(false);
    };
    let new = NewFile {
        external_id: key,
        file_type,
        recording_type: facts.text("recording_type"),
        extension: facts
            .text("file_extension")
            .map(|extension| extension.to_lowercase()),
        status: facts.text("status"),
        start: facts.instant("recording_start"),
        end: facts.instant("recording_end"),
        size: facts.integer("file_size"),
        download_url: facts.text("download_url"),
        raw: Some(facts.to_raw()),
    };
    let done = tx
        .upsert_file(
            origin.account,
            recording,
            instance.id,
            &new,
            &origin.seen(&facts),
        )
        .await?;
    if is_deleted(&facts) {
        tx.delete_file(done.id, &origin.seen(&facts)).await?;
    } else {
        tx.restore_file(done.id, &origin.seen(&facts)).await?;
    }
    Ok(known.is_none())
}

/// What is to be expected after a recording was listed with these kinds of files.
async fn expectations(
    tx: &mut Tx,
    origin: &Origin,
    applied: &Applied,
    kinds: &[&str],
    ended: Option<Timestamp>,
) -> Result<()> {
    let owner = applied.instance.id;
    let now = origin.now;
    artefacts::present(tx, owner, ArtefactKind::Recording, now).await?;
    let deadline = ended.and_then(|ended| ended.checked_add(PROCESSING).ok());
    let may_come = deadline.is_some_and(|deadline| now < deadline);
    if may_come
        || kinds
            .iter()
            .any(|kind| kind.eq_ignore_ascii_case("TRANSCRIPT"))
    {
        artefacts::expect(tx, owner, ArtefactKind::Transcript, deadline, now).await?;
    } else {
        artefacts::unavailable(
            tx,
            owner,
            ArtefactKind::Transcript,
            cause::NO_TRANSCRIPT,
            None,
            now,
        )
        .await?;
    }
    if kinds.iter().any(|kind| kind.eq_ignore_ascii_case("CHAT")) {
        artefacts::expect(tx, owner, ArtefactKind::Chat, deadline, now).await?;
    } else if kinds
        .iter()
        .any(|kind| kind.eq_ignore_ascii_case("MP4") || kind.eq_ignore_ascii_case("M4A"))
    {
        artefacts::unavailable(tx, owner, ArtefactKind::Chat, cause::NO_CHAT, None, now).await?;
    }
    Ok(())
}

/// Has a recording whose transcript is not listed yet looked at again, in case nobody tells when it comes.
///
/// Not for the job that looks: that one comes back by itself.
pub async fn watch(tx: &mut Tx, origin: &Origin, applied: &Applied) -> Result<()> {
    let transcript = tx
        .artefact(applied.instance.id.into(), ArtefactKind::Transcript)
        .await?;
    let Some(transcript) =
        transcript.filter(|transcript| transcript.state == ArtefactState::Expected)
    else {
        return Ok(());
    };
    let files = tx.files_of_recording(applied.id).await?;
    if files.iter().any(|file| file.file_type == "TRANSCRIPT") {
        return Ok(());
    }
    let mut follow = origin.follow(applied.instance.number.as_deref());
    follow.run_at = origin.now.saturating_add(WATCH).unwrap_or(origin.now);
    follow.cause = None;
    let payload = RecordingRefresh::new(
        origin.account,
        &applied.instance.uuid,
        origin.now,
        transcript.expected_by,
    );
    follow
        .enqueue(
            tx,
            JobKind::RecordingRefresh,
            payload.key(),
            &payload,
            origin.now,
        )
        .await?;
    Ok(())
}

/// Enqueues the download of each file that is wanted and not here, and settles what was deleted.
async fn follow_up(
    tx: &mut Tx,
    origin: &Origin,
    config: &Config,
    applied: &Applied,
    event: Option<EventId>,
) -> Result<()> {
    let recording = tx
        .recording_by_external(origin.account, &applied.instance.uuid)
        .await?;
    if recording.is_some_and(|recording| recording.deleted_at.is_some()) {
        let detail = Some("the recording was deleted in Zoom");
        for kind in [
            ArtefactKind::Recording,
            ArtefactKind::Transcript,
            ArtefactKind::Chat,
        ] {
            if kind == ArtefactKind::Recording {
                artefacts::gone(
                    tx,
                    applied.instance.id,
                    kind,
                    cause::DELETED,
                    detail,
                    origin.now,
                )
                .await?;
            } else {
                artefacts::unavailable(
                    tx,
                    applied.instance.id,
                    kind,
                    cause::DELETED,
                    detail,
                    origin.now,
                )
                .await?;
            }
        }
        return Ok(());
    }
    artefacts::back(tx, applied.instance.id, ArtefactKind::Recording, origin.now).await?;
    for file in tx.files_of_recording(applied.id).await? {
        if is_wanted(config, &file) {
            fetch(
                tx,
                origin,
                applied.instance.number.as_deref(),
                file.id,
                event,
            )
            .await?;
        }
    }
    Ok(())
}

/// Enqueues the download of a file.
pub async fn fetch(
    tx: &mut Tx,
    origin: &Origin,
    number: Option<&str>,
    file: FileId,
    event: Option<EventId>,
) -> Result<()> {
    let payload = FileFetch {
        file,
        event,
        on_request: false,
    };
    origin
        .follow(number)
        .enqueue(
            tx,
            JobKind::FileFetch,
            file.to_string(),
            &payload,
            origin.now,
        )
        .await?;
    Ok(())
}

/// Whether a file is fetched by itself and is ready to be.
pub fn is_wanted(config: &Config, file: &File) -> bool {
    file.blob_id.is_none()
        && file.deleted_at.is_none()
        && file.status.as_deref() != Some("processing")
        && file.download_url.is_some()
        && config
            .media
            .fetch
            .iter()
            .any(|kind| kind.as_str() == file.file_type)
}

/// Zoom's id of a file, or one made of what makes it the same file: captions and timelines have none.
pub fn file_key(uuid: &str, said: &Value) -> Option<String> {
    let text = |name: &str| {
        said.get(name)
            .and_then(Value::as_str)
            .map(str::trim)
            .filter(|text| !text.is_empty())
    };
    if let Some(id) = text("id") {
        return Some(id.to_owned());
    }
    let kind = text("file_type")?;
    let start = text("recording_start").unwrap_or_default();
    Some(format!("{uuid}:{}:{start}", kind.to_uppercase()))
}

fn is_deleted(facts: &Facts) -> bool {
    facts.flag("deleted").unwrap_or(false)
}

fn end_of(files: &[Value]) -> Option<Timestamp> {
    files
        .iter()
        .filter_map(|file| super::merge::instant(file.get("recording_end")?))
        .max()
}

fn list(said: &Value, name: &str) -> Vec<Value> {
    said.get(name)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

fn number(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_without_an_id_get_one_that_stays() {
        let said = json!({"file_type": "cc", "recording_start": "2026-09-14T08:31:02Z"});
        assert_eq!(
            file_key("u==", &said).as_deref(),
            Some("u==:CC:2026-09-14T08:31:02Z")
        );
        assert_eq!(
            file_key("u==", &json!({"id": "x", "file_type": "MP4"})).as_deref(),
            Some("x")
        );
        assert_eq!(file_key("u==", &json!({"id": ""})), None);
    }
}
