//! Who the names in transcripts are, where a person said so, and the names that people were shown under.

use jiff::Timestamp;
use serde::Serialize;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::{InstanceId, ParticipantId};
use crate::store::{Scope, Store};

statements! {
    SPEAKERS = one("SELECT label, name, email, source, confidence, set_by, updated_at FROM speakers WHERE workspace_id = $1 AND instance_id = $2 ORDER BY label");
    SPEAKER_PUT = one("INSERT INTO speakers (workspace_id, instance_id, label, name, email, source, confidence, set_by, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        ON CONFLICT (instance_id, label) DO UPDATE SET name = $4, email = $5, source = $6, confidence = $7, set_by = $8, updated_at = $9");
    SPEAKER_DROP = one("DELETE FROM speakers WHERE workspace_id = $1 AND instance_id = $2 AND label = $3");
    STAYS = one("SELECT a.participant_id, a.raw FROM attendance a JOIN participants p ON p.id = a.participant_id
        WHERE p.workspace_id = $1 AND p.instance_id = $2 ORDER BY a.join_at, a.n");
}

/// Who a name in the transcripts of an instance is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpeakerRow {
    /// The name as the transcripts have it.
    pub label: String,
    /// The name of who it is.
    pub name: String,
    /// The e-mail address, if known.
    pub email: Option<String>,
    /// Who says so: `person`.
    pub source: String,
    /// How sure it is, in thousandths.
    pub confidence: i64,
    /// Who set it.
    pub set_by: String,
    /// When it was set.
    pub updated_at: Timestamp,
}

/// A resolution to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSpeaker<'s> {
    /// The name as the transcripts have it.
    pub label: &'s str,
    /// The name of who it is.
    pub name: &'s str,
    /// The e-mail address, if known.
    pub email: Option<&'s str>,
    /// Who says so.
    pub source: &'s str,
    /// How sure it is, in thousandths.
    pub confidence: u32,
    /// Who sets it.
    pub set_by: &'s str,
}

/// What one stay told of a participant, as the provider's JSON: names change from one stay to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StayNames {
    /// The participant.
    pub participant_id: ParticipantId,
    /// The provider's JSON.
    pub raw: String,
}

impl Store {
    /// What persons said of the names in an instance's transcripts.
    pub async fn speakers(&self, scope: Scope, instance: InstanceId) -> Result<Vec<SpeakerRow>> {
        self.all(SPEAKERS, args![scope.workspace, instance], speaker)
            .await
    }

    /// What every stay in an instance told of its participant, in the order of joining.
    pub async fn stay_names(&self, scope: Scope, instance: InstanceId) -> Result<Vec<StayNames>> {
        self.all(STAYS, args![scope.workspace, instance], |row| {
            Ok(StayNames {
                participant_id: row.id()?,
                raw: row.text()?,
            })
        })
        .await
    }
}

pub(crate) fn speaker(row: &mut Cells) -> Result<SpeakerRow> {
    Ok(SpeakerRow {
        label: row.text()?,
        name: row.text()?,
        email: row.opt_text()?,
        source: row.text()?,
        confidence: row.int()?,
        set_by: row.text()?,
        updated_at: row.instant()?,
    })
}

impl Tx {
    /// Keeps who a name is, in the place of what was kept before.
    pub async fn put_speaker(
        &mut self,
        instance: InstanceId,
        new: &NewSpeaker<'_>,
        now: Timestamp,
    ) -> Result<()> {
        let w = self.w();
        self.execute(
            SPEAKER_PUT,
            args![
                w,
                instance,
                new.label,
                new.name,
                new.email,
                new.source,
                new.confidence,
                new.set_by,
                now
            ],
        )
        .await?;
        Ok(())
    }

    /// Forgets what was kept of a name; whether there was anything.
    pub async fn drop_speaker(&mut self, instance: InstanceId, label: &str) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(SPEAKER_DROP, args![w, instance, label])
            .await?
            > 0)
    }
}
