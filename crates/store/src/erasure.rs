//! Erasing what was taken in: of a whole account, or of what one host of it held. In batches, so that others get their
//! turn, and so that it can be cut off and run again until nothing is left.

use crate::db::{Tx, args, one, statements};
use crate::error::Result;
use crate::id::{AccountId, BlobId, InstanceId};
use crate::store::{Scope, Store};

/// Whose data is erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErasureScope {
    /// The account.
    pub account: AccountId,
    /// Only what this user of the account hosted, by the provider's id; none: everything.
    pub host: Option<String>,
}

/// What was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ErasureCounts {
    /// Runs of meetings, with who attended, recordings, transcripts and chats.
    pub instances: u64,
    /// Meetings and series, with their registrants.
    pub meetings: u64,
    /// Users.
    pub users: u64,
    /// Stored webhook events.
    pub events: u64,
    /// Files of recordings.
    pub files: u64,
}

impl ErasureCounts {
    /// The sum of all.
    pub fn total(&self) -> u64 {
        self.instances + self.meetings + self.users + self.events + self.files
    }
}

impl std::ops::AddAssign for ErasureCounts {
    fn add_assign(&mut self, more: Self) {
        self.instances += more.instances;
        self.meetings += more.meetings;
        self.users += more.users;
        self.events += more.events;
        self.files += more.files;
    }
}

statements! {
    INSTANCES = one("SELECT id FROM instances WHERE workspace_id = $1 AND account_id = $2
        AND (CAST($3 AS TEXT) IS NULL OR host_user_id = $3) ORDER BY id LIMIT $4");
    BLOBS_ONLY_OF = one("SELECT b.id, b.key FROM blobs b WHERE b.workspace_id = $1
        AND b.id IN (SELECT f.blob_id FROM files f WHERE f.instance_id = $2)
        AND NOT EXISTS (SELECT 1 FROM files o WHERE o.blob_id = b.id AND o.instance_id <> $2)");
    BLOBS_OF = one("SELECT DISTINCT blob_id FROM files WHERE instance_id = $1 AND blob_id IS NOT NULL");
    INSTANCE_NEWS = one("DELETE FROM domain_events WHERE workspace_id = $1 AND (subject_id = $2
        OR subject_id IN (SELECT id FROM files WHERE instance_id = $2)
        OR subject_id IN (SELECT id FROM recordings WHERE instance_id = $2)
        OR subject_id IN (SELECT id FROM transcripts WHERE instance_id = $2))");
    INSTANCE_ARTEFACTS = one("DELETE FROM artefacts WHERE owner_id = $1 OR owner_id IN (SELECT id FROM files WHERE instance_id = $1)");
    // What was to be done is said by its sightings; those go with the instance.
    UNSEEN_ACTIONS = one("DELETE FROM tracked_actions WHERE workspace_id = $1 AND series IN (SELECT account_id || '/' || number FROM instances WHERE id = $2 UNION ALL SELECT id FROM instances WHERE id = $2)
        AND NOT EXISTS (SELECT 1 FROM action_sightings s WHERE s.action_id = tracked_actions.id AND s.instance_id <> $2)");
    // The words of those that are left may be the erased meeting's: the latest of another meeting stand for them.
    REWORDED_ACTIONS = one("UPDATE tracked_actions SET text = (SELECT s.text FROM action_sightings s WHERE s.action_id = tracked_actions.id AND s.instance_id <> $1
            ORDER BY s.start_ms DESC LIMIT 1)
        WHERE id IN (SELECT action_id FROM action_sightings WHERE instance_id = $1)");
    // Vectors are kept by text: those of what was said nowhere else.
    INSTANCE_VECTORS = one("DELETE FROM embeddings WHERE workspace_id = $1
        AND text_sha256 IN (SELECT p.text_sha256 FROM passages p JOIN transcripts t ON t.id = p.transcript_id WHERE t.instance_id = $2)
        AND NOT EXISTS (SELECT 1 FROM passages o JOIN transcripts t ON t.id = o.transcript_id
            WHERE o.workspace_id = $1 AND o.text_sha256 = embeddings.text_sha256 AND t.instance_id <> $2)");
    INSTANCE = one("DELETE FROM instances WHERE workspace_id = $1 AND id = $2");
    BLOB = one("DELETE FROM blobs WHERE workspace_id = $1 AND id = $2 AND NOT EXISTS (SELECT 1 FROM files WHERE blob_id = $2)");
    BLOB_REFS = one("UPDATE blobs SET refs = (SELECT COUNT(*) FROM files WHERE blob_id = $2) WHERE workspace_id = $1 AND id = $2");

    MEETINGS = one("SELECT id FROM meetings WHERE workspace_id = $1 AND account_id = $2
        AND (CAST($3 AS TEXT) IS NULL OR host_user_id = $3) ORDER BY id LIMIT $4");
    USERS = one("SELECT id FROM users WHERE workspace_id = $1 AND account_id = $2
        AND (CAST($3 AS TEXT) IS NULL OR external_id = $3) ORDER BY id LIMIT $4");
    NEWS = one("DELETE FROM domain_events WHERE workspace_id = $1 AND subject_id = $2");
    ARTEFACTS = one("DELETE FROM artefacts WHERE owner_id = $1");
    MEETING = one("DELETE FROM meetings WHERE workspace_id = $1 AND id = $2");
    USER = one("DELETE FROM users WHERE workspace_id = $1 AND id = $2");

    EVENTS = one("DELETE FROM inbox WHERE n IN (SELECT n FROM inbox WHERE workspace_id = $1
        AND (lane = $2 OR lane LIKE $3 ESCAPE '\\') AND (CAST($4 AS TEXT) IS NULL OR body LIKE $4 ESCAPE '\\' OR lane = $5)
        AND event <> 'app_deauthorized' LIMIT $6)");
    JOBS = one("DELETE FROM jobs WHERE workspace_id = $1 AND state <> 'running' AND kind <> $2 AND (lane = $3 OR lane LIKE $4 ESCAPE '\\')");
    ACCOUNT_ARTEFACTS = one("DELETE FROM artefacts WHERE owner_id = $1");
    CURSORS = one("DELETE FROM cursors WHERE workspace_id = $1 AND owner LIKE $2 ESCAPE '\\'");
    BACKFILLS = one("DELETE FROM backfills WHERE workspace_id = $1 AND account_id = $2");
    ACCOUNT = one("DELETE FROM accounts WHERE workspace_id = $1 AND id = $2
        AND NOT EXISTS (SELECT 1 FROM connections WHERE account_id = $2)");
}

impl Store {
    /// Some of the instances that are to be erased.
    pub async fn erasable_instances(
        &self,
        scope: Scope,
        of: &ErasureScope,
        limit: u32,
    ) -> Result<Vec<InstanceId>> {
        let args = args![scope.workspace, of.account, of.host.clone(), limit];
        self.all(INSTANCES, args, crate::db::Cells::id).await
    }

    /// The blobs that only files of this instance refer to, with their keys: their bytes go first.
    pub async fn blobs_only_of(
        &self,
        scope: Scope,
        instance: InstanceId,
    ) -> Result<Vec<(BlobId, String)>> {
        self.all(BLOBS_ONLY_OF, args![scope.workspace, instance], |row| {
            Ok((row.id()?, row.text()?))
        })
        .await
    }
}

impl Tx {
    /// Erases an instance with everything that hangs on it; how many blobs went with it.
    pub async fn erase_instance(&mut self, id: InstanceId) -> Result<u64> {
        let w = self.w();
        let blobs: Vec<BlobId> = self.all(BLOBS_OF, args![id], crate::db::Cells::id).await?;
        self.unindex_instance(id).await?;
        self.execute(INSTANCE_NEWS, args![w, id]).await?;
        self.execute(INSTANCE_ARTEFACTS, args![id]).await?;
        self.execute(UNSEEN_ACTIONS, args![w, id]).await?;
        self.execute(REWORDED_ACTIONS, args![id]).await?;
        self.execute(INSTANCE_VECTORS, args![w, id]).await?;
        self.execute(INSTANCE, args![w, id]).await?;
        let mut gone = 0;
        for blob in blobs {
            let erased = self.execute(BLOB, args![w, blob]).await?;
            if erased == 0 {
                self.execute(BLOB_REFS, args![w, blob]).await?;
            }
            gone += erased;
        }
        Ok(gone)
    }

    /// Erases some meetings; how many there were.
    pub async fn erase_meetings(&mut self, of: &ErasureScope, limit: u32) -> Result<u64> {
        let w = self.w();
        let args = args![w, of.account, of.host.clone(), limit];
        let ids: Vec<crate::id::MeetingId> = self.all(MEETINGS, args, crate::db::Cells::id).await?;
        for id in &ids {
            self.execute(NEWS, args![w, *id]).await?;
            self.execute(ARTEFACTS, args![*id]).await?;
            self.execute(MEETING, args![w, *id]).await?;
        }
        Ok(ids.len() as u64)
    }

    /// Erases some users; how many there were.
    pub async fn erase_users(&mut self, of: &ErasureScope, limit: u32) -> Result<u64> {
        let w = self.w();
        let args = args![w, of.account, of.host.clone(), limit];
        let ids: Vec<crate::id::UserId> = self.all(USERS, args, crate::db::Cells::id).await?;
        for id in &ids {
            self.execute(NEWS, args![w, *id]).await?;
            self.execute(USER, args![w, *id]).await?;
        }
        Ok(ids.len() as u64)
    }

    /// Erases some stored events of an account, by one of the ids that the provider calls it; with a host, those
    /// about what it hosts. The word that the app was removed stays: it is the reason for all this.
    pub async fn erase_events(
        &mut self,
        account: &str,
        host: Option<&str>,
        limit: u32,
    ) -> Result<u64> {
        let w = self.w();
        let below = crate::page::like_prefix(&format!("{account}/*"));
        let naming =
            host.map(|host| crate::page::like_contains(&format!("\"host_id\":\"{host}\"")));
        let lane = host.map(|host| format!("{account}/{host}"));
        self.execute(EVENTS, args![w, account, below, naming, lane, limit])
            .await
    }

    /// Erases what else is kept about an account, and the account unless a connection still reaches it: jobs that
    /// wait (except those of the kind that erases), backfills, how far lists were read.
    pub async fn erase_account(
        &mut self,
        id: AccountId,
        names: &[String],
        except_jobs: &str,
    ) -> Result<bool> {
        let w = self.w();
        for name in names {
            let below = crate::page::like_prefix(&format!("{name}/*"));
            self.execute(JOBS, args![w, except_jobs, name, below])
                .await?;
        }
        let cursors = crate::page::like_contains(&id.to_string());
        self.execute(CURSORS, args![w, cursors]).await?;
        self.execute(ACCOUNT_ARTEFACTS, args![id]).await?;
        self.execute(BACKFILLS, args![w, id]).await?;
        Ok(self.execute(ACCOUNT, args![w, id]).await? > 0)
    }
}
