//! What people answered in polls and what they asked during runs.

use jiff::Timestamp;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::{InstanceId, PersonId};
use crate::model::{Interaction, InteractionKind, PersonInteraction};
use crate::store::{Scope, Store};

statements! {
    PUT = one("INSERT INTO interactions (instance_id, kind, external_id, workspace_id, poll_id, email, name, question, answer, said_at, first_seen, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
        ON CONFLICT (instance_id, kind, external_id) DO UPDATE SET answer = $9, said_at = $10, name = $7, updated_at = $11
        WHERE interactions.answer <> $9 OR interactions.said_at IS DISTINCT FROM $10");
    OF_INSTANCE = one("SELECT kind, external_id, poll_id, email, name, question, answer, said_at FROM interactions
        WHERE workspace_id = $1 AND instance_id = $2 ORDER BY kind, said_at, external_id LIMIT $3");
    COUNT = one("SELECT COUNT(*) FROM interactions WHERE workspace_id = $1 AND instance_id = $2");
    OF_PERSON = one("SELECT n.kind, n.external_id, n.poll_id, n.email, n.name, n.question, n.answer, n.said_at,
            i.external_id, i.number, i.kind, COALESCE(i.topic, m.topic), i.host_email, i.start_at, i.end_at, n.first_seen
        FROM person_identities x JOIN interactions n ON n.email = x.value AND n.workspace_id = x.workspace_id JOIN instances i ON i.id = n.instance_id AND i.deleted_at IS NULL
        LEFT JOIN meetings m ON m.id = i.meeting_id
        WHERE x.workspace_id = $1 AND x.person_id = $2 AND x.kind = 'email' ORDER BY i.start_at, i.id, n.kind, n.external_id LIMIT $3");
}

fn interaction(row: &mut Cells) -> Result<Interaction> {
    Ok(Interaction {
        kind: row.parsed()?,
        external_id: row.text()?,
        poll_id: row.opt_text()?,
        email: row.opt_text()?,
        name: row.opt_text()?,
        question: row.text()?,
        answer: row.text()?,
        said_at: row.opt_instant()?,
    })
}

impl Store {
    /// What was answered and asked during a run, by kind and time.
    pub async fn interactions(
        &self,
        scope: Scope,
        instance: InstanceId,
        limit: u32,
    ) -> Result<Vec<Interaction>> {
        self.all(
            OF_INSTANCE,
            args![scope.workspace, instance, limit],
            interaction,
        )
        .await
    }

    /// How much was answered and asked during a run, as far as it is kept.
    pub async fn interaction_count(&self, scope: Scope, instance: InstanceId) -> Result<u64> {
        let count = self
            .one(COUNT, args![scope.workspace, instance], Cells::count)
            .await?;
        Ok(count.unwrap_or(0))
    }

    /// What a person answered and asked, under any of their addresses, the oldest run first.
    pub async fn person_interactions(
        &self,
        scope: Scope,
        id: PersonId,
        limit: u32,
    ) -> Result<Vec<PersonInteraction>> {
        self.all(OF_PERSON, args![scope.workspace, id, limit], |row| {
            Ok(PersonInteraction {
                interaction: interaction(row)?,
                uuid: row.text()?,
                number: row.opt_text()?,
                webinar: row.text()? == "webinar",
                topic: row.opt_text()?,
                host_email: row.opt_text()?,
                start: row.opt_instant()?,
                end: row.opt_instant()?,
                first_seen: row.instant()?,
            })
        })
        .await
    }
}

impl Tx {
    /// Keeps one answer or question; whether it is new or other than before.
    pub async fn put_interaction(
        &mut self,
        instance: InstanceId,
        new: &Interaction,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        let kind: InteractionKind = new.kind;
        let written = self
            .execute(
                PUT,
                args![
                    instance,
                    kind.as_str(),
                    &new.external_id,
                    w,
                    new.poll_id.clone(),
                    new.email.clone(),
                    new.name.clone(),
                    &new.question,
                    &new.answer,
                    new.said_at,
                    now
                ],
            )
            .await?;
        Ok(written > 0)
    }
}
