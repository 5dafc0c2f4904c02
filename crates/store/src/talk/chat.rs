//! Chat of instances.

use super::rows::insert_chat;
use super::transcripts::file_key;
use crate::db::{Tx, args, one, statements};
use crate::error::Result;
use crate::id::{FileId, InstanceId};
use crate::model::ChatMessage;
use crate::store::{Scope, Store};

statements! {
    MESSAGES = one("SELECT ord, at_ms, sender_raw, recipient_raw, text FROM chat WHERE workspace_id = $1 AND instance_id = $2 ORDER BY at_ms, file_key, ord");
    WITH_FILES = one("SELECT file_key, ord, at_ms, sender_raw, recipient_raw, text FROM chat WHERE workspace_id = $1 AND instance_id = $2 ORDER BY at_ms, file_key, ord");
    CLEAR = one("DELETE FROM chat WHERE workspace_id = $1 AND instance_id = $2 AND file_key = $3");
}

impl Store {
    /// The chat of an instance, in order.
    pub async fn chat(&self, scope: Scope, instance: InstanceId) -> Result<Vec<ChatMessage>> {
        self.all(MESSAGES, args![scope.workspace, instance], |row| {
            Ok(ChatMessage {
                n: u32::try_from(row.int()?).unwrap_or(0),
                at_ms: u32::try_from(row.int()?).unwrap_or(0),
                sender: row.text()?,
                to: row.opt_text()?,
                text: row.text()?,
            })
        })
        .await
    }
}

impl Store {
    /// The chat of an instance, each message with the file it was read from.
    pub async fn chat_of_files(
        &self,
        scope: Scope,
        instance: InstanceId,
    ) -> Result<Vec<(Option<FileId>, ChatMessage)>> {
        self.all(WITH_FILES, args![scope.workspace, instance], |row| {
            let file = row.text()?.parse().ok();
            let message = ChatMessage {
                n: u32::try_from(row.int()?).unwrap_or(0),
                at_ms: u32::try_from(row.int()?).unwrap_or(0),
                sender: row.text()?,
                to: row.opt_text()?,
                text: row.text()?,
            };
            Ok((file, message))
        })
        .await
    }
}

impl Tx {
    /// Stores the messages of one chat file, in the place of what was stored of it before.
    pub async fn store_chat(
        &mut self,
        instance: InstanceId,
        file: Option<FileId>,
        messages: &[ChatMessage],
    ) -> Result<()> {
        let w = self.w();
        let key = file_key(file);
        self.execute(CLEAR, args![w, instance, &key]).await?;
        insert_chat(&mut self.link(), w, instance, &key, messages).await?;
        self.touch(instance);
        Ok(())
    }
}
