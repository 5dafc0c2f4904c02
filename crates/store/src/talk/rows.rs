//! Many rows of talk at once. What search finds in them is made when the transaction commits (`search`).

use std::sync::LazyLock;

use crate::db::{Bulk, Column, Link};
use crate::error::Result;
use crate::id::{InstanceId, TranscriptId, WorkspaceId};
use crate::model::{ChatMessage, Cue, Utterance};

static CUES: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        "INSERT INTO cues (transcript_id, ord, start_ms, end_ms, speaker_raw, text)",
        &[Column::Plain; 6],
        "",
    )
});
static UTTERANCES: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        "INSERT INTO utterances (workspace_id, transcript_id, instance_id, ord, cue_from, cue_to, start_ms, end_ms, speaker, text)",
        &[Column::Plain; 10],
        "",
    )
});
static CHAT: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        "INSERT INTO chat (workspace_id, instance_id, file_key, ord, at_ms, sender_raw, recipient_raw, text)",
        &[Column::Plain; 8],
        "",
    )
});

/// The statements of this module.
#[cfg(test)]
pub(crate) fn bulk_statements() -> Vec<crate::db::Sql> {
    [&CUES, &UTTERANCES, &CHAT]
        .iter()
        .flat_map(|bulk| bulk.statements())
        .collect()
}

pub(super) async fn insert_cues(link: &mut Link<'_>, id: TranscriptId, cues: &[Cue]) -> Result<()> {
    let fill = |cue: &Cue, args: &mut Vec<_>| {
        args.extend([
            id.into(),
            cue.n.into(),
            cue.start_ms.into(),
            cue.end_ms.into(),
            cue.speaker.clone().into(),
            (&cue.text).into(),
        ]);
    };
    CUES.put(link, cues, fill).await?;
    Ok(())
}

/// Where an utterance belongs.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) workspace: WorkspaceId,
    pub(super) instance: InstanceId,
    pub(super) transcript: TranscriptId,
}

pub(super) async fn insert_utterances(
    link: &mut Link<'_>,
    place: Place,
    utterances: &[Utterance],
) -> Result<()> {
    let fill = |utterance: &Utterance, args: &mut Vec<_>| {
        args.extend([
            place.workspace.into(),
            place.transcript.into(),
            place.instance.into(),
            utterance.n.into(),
            utterance.cue_from.into(),
            utterance.cue_to.into(),
            utterance.start_ms.into(),
            utterance.end_ms.into(),
            utterance.speaker.clone().into(),
            (&utterance.text).into(),
        ]);
    };
    UTTERANCES.put(link, utterances, fill).await?;
    Ok(())
}

pub(super) async fn insert_chat(
    link: &mut Link<'_>,
    workspace: WorkspaceId,
    instance: InstanceId,
    file_key: &str,
    messages: &[ChatMessage],
) -> Result<()> {
    let fill = |message: &ChatMessage, args: &mut Vec<_>| {
        args.extend([
            workspace.into(),
            instance.into(),
            file_key.into(),
            message.n.into(),
            message.at_ms.into(),
            (&message.sender).into(),
            message.to.clone().into(),
            (&message.text).into(),
        ]);
    };
    CHAT.put(link, messages, fill).await?;
    Ok(())
}
