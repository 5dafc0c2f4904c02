//! Addresses in answers and events, all under the simulator's own base.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::model::{
    FileKind, Instance, InstanceUuid, Meeting, Recording, RecordingFile, Registrant,
};

/// Builds addresses under one base such as `http://127.0.0.1:8090`.
#[derive(Clone, Debug)]
pub struct Urls {
    base: String,
}

impl Urls {
    /// Addresses under `base` (no slash at the end).
    #[must_use]
    pub fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
        }
    }

    /// Where people join.
    #[must_use]
    pub fn join(&self, meeting: &Meeting) -> String {
        let path = if meeting.is_webinar() { "w" } else { "j" };
        format!(
            "{}/{path}/{}?pwd={}",
            self.base,
            meeting.number,
            encode(&meeting.password)
        )
    }

    /// Where a registrant joins.
    #[must_use]
    pub fn registrant_join(&self, meeting: &Meeting, registrant: &Registrant) -> String {
        format!(
            "{}/w/{}?tk={}",
            self.base, meeting.number, registrant.join_key
        )
    }

    /// Where the host starts; `zak` is the host's key.
    #[must_use]
    pub fn start(&self, meeting: &Meeting, zak: &str) -> String {
        format!("{}/s/{}?zak={}", self.base, meeting.number, encode(zak))
    }

    /// Where people register.
    #[must_use]
    pub fn registration(&self, meeting: &Meeting) -> String {
        let name = URL_SAFE_NO_PAD.encode(meeting.uuid.0);
        format!("{}/meeting/register/{name}", self.base)
    }

    /// `download_url` of the API.
    #[must_use]
    pub fn download(&self, instance: &Instance, file: &RecordingFile) -> String {
        format!(
            "{}/rec/download/{}",
            self.base,
            file_key(&instance.uuid, file.index)
        )
    }

    /// `download_url` of webhooks.
    #[must_use]
    pub fn webhook_download(&self, instance: &Instance, file: &RecordingFile) -> String {
        format!(
            "{}/rec/webhook_download/{}",
            self.base,
            file_key(&instance.uuid, file.index)
        )
    }

    /// `play_url`.
    #[must_use]
    pub fn play(
        &self,
        instance: &Instance,
        _recording: &Recording,
        file: &RecordingFile,
    ) -> String {
        format!(
            "{}/rec/play/{}",
            self.base,
            file_key(&instance.uuid, file.index)
        )
    }

    /// `share_url`.
    #[must_use]
    pub fn share(&self, recording: &Recording) -> String {
        format!("{}/rec/share/{}", self.base, recording.share_key)
    }

    /// `download_url` of the AI Companion transcript.
    #[must_use]
    pub fn aic_transcript(&self, instance: &Instance) -> String {
        format!(
            "{}/rec/meeting/transcript/download/{}",
            self.base,
            transcript_key(&instance.uuid)
        )
    }

    /// `summary_doc_url`.
    #[must_use]
    pub fn summary_doc(&self, instance: &Instance) -> String {
        format!(
            "{}/doc/{}",
            self.base,
            URL_SAFE_NO_PAD.encode(instance.uuid.0)
        )
    }
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The key of a file in download and play addresses: instance and place.
#[must_use]
pub fn file_key(uuid: &InstanceUuid, index: u16) -> String {
    let mut bytes = [0; 18];
    bytes[..16].copy_from_slice(&uuid.0);
    bytes[16..].copy_from_slice(&index.to_be_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Instance and place of a file's key.
#[must_use]
pub fn read_file_key(key: &str) -> Option<(InstanceUuid, u16)> {
    let bytes: [u8; 18] = URL_SAFE_NO_PAD.decode(key).ok()?.try_into().ok()?;
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&bytes[..16]);
    Some((
        InstanceUuid(uuid),
        u16::from_be_bytes([bytes[16], bytes[17]]),
    ))
}

/// The key of an AI Companion transcript.
#[must_use]
pub fn transcript_key(uuid: &InstanceUuid) -> String {
    URL_SAFE_NO_PAD.encode(uuid.0)
}

/// Instance of a transcript's key.
#[must_use]
pub fn read_transcript_key(key: &str) -> Option<InstanceUuid> {
    Some(InstanceUuid(
        URL_SAFE_NO_PAD.decode(key).ok()?.try_into().ok()?,
    ))
}

impl FileKind {
    /// `file_name` in webhooks.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Mp4 => "Shared screen with speaker view",
            Self::M4a => "Audio only",
            Self::Transcript => "Audio transcript",
            Self::Chat => "Chat file",
            Self::Cc => "Closed caption",
            Self::Timeline => "Timeline",
            Self::Summary => "Summary",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_back() {
        let uuid = InstanceUuid([255; 16]);
        assert_eq!(read_file_key(&file_key(&uuid, 258)), Some((uuid, 258)));
        assert_eq!(read_transcript_key(&transcript_key(&uuid)), Some(uuid));
        assert_eq!(read_file_key("no"), None);
        assert!(!file_key(&uuid, 0).contains(['/', '+', '=']));
    }
}
