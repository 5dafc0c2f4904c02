//! Rows and their search index.
//!
//! Both engines index the tokens that `formats::text` makes, so a query means the same on both: SQLite
//! in an FTS5 table whose row 2n is utterance n and row 2n + 1 is chat message n; PostgreSQL in a
//! `tsvector` column, words of the text with weight A, words of the speaker's name with weight B.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use parfocal_formats::text;

use crate::db::{Bulk, Column, Engine, Link};
use crate::error::Result;
use crate::id::{InstanceId, TranscriptId, WorkspaceId};
use crate::model::{ChatMessage, Cue, Utterance};

const UTTERANCES_HEAD: &str = "INSERT INTO utterances (workspace_id, transcript_id, instance_id, ord, cue_from, cue_to, start_ms, end_ms, speaker, text";
const CHAT_HEAD: &str = "INSERT INTO chat (workspace_id, instance_id, file_key, ord, at_ms, sender_raw, recipient_raw, text";

static CUES: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        "INSERT INTO cues (transcript_id, ord, start_ms, end_ms, speaker_raw, text)",
        &[Column::Plain; 6],
        "",
    )
});
static UTTERANCES: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        &format!("{UTTERANCES_HEAD})"),
        &[Column::Plain; 10],
        " RETURNING n, ord",
    )
});
static UTTERANCES_TSV: LazyLock<Bulk> = LazyLock::new(|| {
    let mut columns = [Column::Plain; 11];
    columns[10] = Column::TsVector;
    Bulk::new(
        &format!("{UTTERANCES_HEAD}, tsv)"),
        &columns,
        " RETURNING n, ord",
    )
});
static CHAT: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        &format!("{CHAT_HEAD})"),
        &[Column::Plain; 8],
        " RETURNING n, ord",
    )
});
static CHAT_TSV: LazyLock<Bulk> = LazyLock::new(|| {
    let mut columns = [Column::Plain; 9];
    columns[8] = Column::TsVector;
    Bulk::new(&format!("{CHAT_HEAD}, tsv)"), &columns, " RETURNING n, ord")
});
static INDEX: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        "INSERT INTO talk_index (rowid, body, speaker)",
        &[Column::Plain; 3],
        "",
    )
});

/// The statements of this module for one engine.
#[cfg(test)]
pub(crate) fn bulk_statements(engine: Engine) -> Vec<crate::db::Sql> {
    let families: &[&LazyLock<Bulk>] = match engine {
        Engine::Sqlite => &[&CUES, &UTTERANCES, &CHAT, &INDEX],
        Engine::Postgres => &[&CUES, &UTTERANCES_TSV, &CHAT_TSV],
    };
    families.iter().flat_map(|bulk| bulk.statements()).collect()
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
    CUES.insert(link, cues, fill, |_| Ok(())).await?;
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
    engine: Engine,
    place: Place,
    utterances: &[Utterance],
) -> Result<()> {
    let bulk = match engine {
        Engine::Sqlite => &UTTERANCES,
        Engine::Postgres => &UTTERANCES_TSV,
    };
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
        if engine == Engine::Postgres {
            let speaker = utterance.speaker.as_deref().unwrap_or_default();
            args.push(tsvector(&utterance.text, speaker).into());
        }
    };
    let rows = bulk
        .insert(link, utterances, fill, |row| Ok((row.int()?, row.int()?)))
        .await?;
    if engine == Engine::Sqlite {
        let texts: BTreeMap<i64, (&str, &str)> = utterances
            .iter()
            .map(|u| {
                (
                    i64::from(u.n),
                    (u.text.as_str(), u.speaker.as_deref().unwrap_or_default()),
                )
            })
            .collect();
        index(link, &rows, &texts, 0).await?;
    }
    Ok(())
}

pub(super) async fn insert_chat(
    link: &mut Link<'_>,
    engine: Engine,
    workspace: WorkspaceId,
    instance: InstanceId,
    file_key: &str,
    messages: &[ChatMessage],
) -> Result<()> {
    let bulk = match engine {
        Engine::Sqlite => &CHAT,
        Engine::Postgres => &CHAT_TSV,
    };
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
        if engine == Engine::Postgres {
            args.push(tsvector(&message.text, &message.sender).into());
        }
    };
    let rows = bulk
        .insert(link, messages, fill, |row| Ok((row.int()?, row.int()?)))
        .await?;
    if engine == Engine::Sqlite {
        let texts: BTreeMap<i64, (&str, &str)> = messages
            .iter()
            .map(|m| (i64::from(m.n), (m.text.as_str(), m.sender.as_str())))
            .collect();
        index(link, &rows, &texts, 1).await?;
    }
    Ok(())
}

/// Puts rows (n, ord) into the FTS5 table; `odd` is 1 for chat.
async fn index(
    link: &mut Link<'_>,
    rows: &[(i64, i64)],
    texts: &BTreeMap<i64, (&str, &str)>,
    odd: i64,
) -> Result<()> {
    let fill = |&(n, ord): &(i64, i64), args: &mut Vec<_>| {
        let (body, speaker) = texts.get(&ord).copied().unwrap_or_default();
        args.extend([
            (n * 2 + odd).into(),
            text::index_text(body).into(),
            text::index_text(speaker).into(),
        ]);
    };
    INDEX.insert(link, rows, fill, |_| Ok(())).await?;
    Ok(())
}

/// Positions between the last word of the text and the first of the name, so that no phrase spans them.
const GAP: usize = 8;
/// PostgreSQL knows no position beyond this one.
const MAX_POSITION: usize = 16_383;

/// The text form of a `tsvector`.
fn tsvector(body: &str, speaker: &str) -> String {
    let body = text::index_text(body);
    let speaker = text::index_text(speaker);
    let mut places: BTreeMap<&str, String> = BTreeMap::new();
    let mut at = 0;
    for token in body.split_ascii_whitespace() {
        at += 1;
        place(&mut places, token, at, 'A');
    }
    at += GAP;
    for token in speaker.split_ascii_whitespace() {
        at += 1;
        place(&mut places, token, at, 'B');
    }
    let mut out = String::with_capacity(body.len() * 2);
    for (token, positions) in places {
        // Tokens are letters and digits; the quotes are doubled all the same.
        let token = token.replace('\\', "\\\\").replace('\'', "''");
        // Writing to a String cannot fail.
        let _ = write!(out, "'{token}':{positions} ");
    }
    out
}

fn place<'t>(places: &mut BTreeMap<&'t str, String>, token: &'t str, at: usize, weight: char) {
    let positions = places.entry(token).or_default();
    let comma = if positions.is_empty() { "" } else { "," };
    let _ = write!(positions, "{comma}{}{weight}", at.min(MAX_POSITION));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tsvector_names_places_and_weights() {
        assert_eq!(tsvector("Go, go Ana!", "Ana"), "'ana':3A,12B 'go':1A,2A ");
        assert_eq!(tsvector("", ""), "");
    }
}
