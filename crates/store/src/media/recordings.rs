//! Cloud recordings, their files, and blobs.

use jiff::Timestamp;

use crate::db::{Cells, Tx, args, locked, one, statements};
use crate::error::Result;
use crate::id::{AccountId, BlobId, FileId, InstanceId, RecordingId};
use crate::merge::{Merge, first_raw, first_stamp};
use crate::model::{
    Blob, Change, File, NewBlob, NewFile, NewRecording, Page, PageRequest, Recording, Seen, Upsert,
};
use crate::page::Key;
use crate::store::{Scope, Store};

macro_rules! recording {
    () => {
        "id, account_id, external_id, instance_id, start_at, share_url, passcode_ref, total_size, raw, deleted_at, updated_at, event_ts, source_rank"
    };
}
macro_rules! file {
    () => {
        "id, account_id, recording_id, instance_id, external_id, file_type, recording_type, extension, status, start_at, end_at, size, download_url, blob_id, raw, deleted_at, updated_at, event_ts, source_rank"
    };
}

statements! {
    RECORDING = one(concat!("SELECT ", recording!(), " FROM recordings WHERE workspace_id = $1 AND id = $2"));
    RECORDING_LOCKED = locked!("SELECT ", recording!(), " FROM recordings WHERE workspace_id = $1 AND id = $2");
    RECORDING_BY = locked!("SELECT ", recording!(), " FROM recordings WHERE workspace_id = $1 AND account_id = $2 AND external_id = $3");
    RECORDINGS_OF = one(concat!("SELECT ", recording!(), " FROM recordings WHERE workspace_id = $1 AND instance_id = $2 ORDER BY start_at, id"));
    RECORDINGS = one(concat!("SELECT COALESCE(start_at, first_seen), ", recording!(), " FROM recordings WHERE workspace_id = $1 AND deleted_at IS NULL
        AND (CAST($2 AS TEXT) IS NULL OR account_id = $2)
        AND (COALESCE(start_at, first_seen) < $3 OR (COALESCE(start_at, first_seen) = $3 AND id < $4))
        ORDER BY COALESCE(start_at, first_seen) DESC, id DESC LIMIT $5"));
    RECORDING_NEW = one("INSERT INTO recordings (id, workspace_id, provider, account_id, external_id, instance_id, start_at, share_url, passcode_ref, total_size, raw,
            source_rank, event_ts, first_seen, updated_at)
        VALUES ($1, $2, (SELECT provider FROM accounts WHERE id = $3 AND workspace_id = $2), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13)
        ON CONFLICT (workspace_id, account_id, external_id) DO NOTHING");
    RECORDING_SET = one("UPDATE recordings SET start_at = $2, share_url = $3, passcode_ref = $4, total_size = $5, raw = $6, source_rank = $7, event_ts = $8,
            updated_at = $9, deleted_at = $10 WHERE id = $1");
    RECORDING_DELETE = one("UPDATE recordings SET deleted_at = $3, event_ts = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2
        AND deleted_at IS NULL AND event_ts <= $3");
    RECORDING_RESTORE = one("UPDATE recordings SET deleted_at = NULL, event_ts = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2
        AND deleted_at IS NOT NULL AND event_ts <= $3");

    FILE = one(concat!("SELECT ", file!(), " FROM files WHERE workspace_id = $1 AND id = $2"));
    FILE_LOCKED = locked!("SELECT ", file!(), " FROM files WHERE workspace_id = $1 AND id = $2");
    FILE_BY = locked!("SELECT ", file!(), " FROM files WHERE workspace_id = $1 AND account_id = $2 AND external_id = $3");
    FILES_OF_RECORDING = one(concat!("SELECT ", file!(), " FROM files WHERE workspace_id = $1 AND recording_id = $2 ORDER BY start_at, file_type, id"));
    FILES_OF_INSTANCE = one(concat!("SELECT ", file!(), " FROM files WHERE workspace_id = $1 AND instance_id = $2 ORDER BY start_at, file_type, id"));
    FILE_NEW = one("INSERT INTO files (id, workspace_id, provider, account_id, external_id, recording_id, instance_id, file_type, recording_type, extension, status,
            start_at, end_at, size, download_url, raw, source_rank, event_ts, first_seen, updated_at)
        VALUES ($1, $2, (SELECT provider FROM accounts WHERE id = $3 AND workspace_id = $2), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18)
        ON CONFLICT (workspace_id, account_id, external_id) DO NOTHING");
    FILE_SET = one("UPDATE files SET file_type = $2, recording_type = $3, extension = $4, status = $5, start_at = $6, end_at = $7, size = $8, download_url = $9,
            raw = $10, source_rank = $11, event_ts = $12, updated_at = $13, deleted_at = $14 WHERE id = $1");
    FILE_DELETE = one("UPDATE files SET deleted_at = $3, event_ts = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2
        AND deleted_at IS NULL AND event_ts <= $3");
    FILE_RESTORE = one("UPDATE files SET deleted_at = NULL, event_ts = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2
        AND deleted_at IS NOT NULL AND event_ts <= $3");
    FILE_BLOB = one("UPDATE files SET blob_id = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2");

    BLOB = one("SELECT id, key, sha256, size, content_type, refs, created_at FROM blobs WHERE workspace_id = $1 AND id = $2");
    BLOB_BY_SHA = one("SELECT id, key, sha256, size, content_type, refs, created_at FROM blobs WHERE workspace_id = $1 AND sha256 = $2 ORDER BY created_at LIMIT 1");
    BLOB_PUT = one("INSERT INTO blobs AS t (id, workspace_id, key, sha256, size, content_type, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)
        ON CONFLICT (workspace_id, key) DO UPDATE SET sha256 = $4, size = $5, content_type = $6 RETURNING id");
    BLOB_REFS = one("UPDATE blobs SET refs = refs + $3 WHERE workspace_id = $1 AND id = $2");
}

fn recording(row: &mut Cells) -> Result<(Recording, Timestamp, i64)> {
    let recording = Recording {
        id: row.id()?,
        account_id: row.id()?,
        external_id: row.text()?,
        instance_id: row.id()?,
        start: row.opt_instant()?,
        share_url: row.opt_text()?,
        passcode_ref: row.opt_text()?,
        total_size: row.opt_int()?,
        raw: row.text()?,
        deleted_at: row.opt_instant()?,
        updated_at: row.instant()?,
    };
    Ok((recording, row.instant()?, row.int()?))
}

fn file(row: &mut Cells) -> Result<(File, Timestamp, i64)> {
    let file = File {
        id: row.id()?,
        account_id: row.id()?,
        recording_id: row.id()?,
        instance_id: row.id()?,
        external_id: row.text()?,
        file_type: row.text()?,
        recording_type: row.opt_text()?,
        extension: row.opt_text()?,
        status: row.opt_text()?,
        start: row.opt_instant()?,
        end: row.opt_instant()?,
        size: row.opt_int()?,
        download_url: row.opt_text()?,
        blob_id: row.opt_id()?,
        raw: row.text()?,
        deleted_at: row.opt_instant()?,
        updated_at: row.instant()?,
    };
    Ok((file, row.instant()?, row.int()?))
}

fn blob(row: &mut Cells) -> Result<Blob> {
    Ok(Blob {
        id: row.id()?,
        key: row.text()?,
        sha256: row.text()?,
        size: row.count()?,
        content_type: row.text()?,
        refs: row.count()?,
        created_at: row.instant()?,
    })
}

impl Store {
    /// A recording.
    pub async fn recording(&self, scope: Scope, id: RecordingId) -> Result<Option<Recording>> {
        self.one(RECORDING, args![scope.workspace, id], |row| {
            Ok(recording(row)?.0)
        })
        .await
    }

    /// The recordings of an instance, by start; deleted ones too.
    pub async fn recordings_of(
        &self,
        scope: Scope,
        instance: InstanceId,
    ) -> Result<Vec<Recording>> {
        self.all(RECORDINGS_OF, args![scope.workspace, instance], |row| {
            Ok(recording(row)?.0)
        })
        .await
    }

    /// Recordings that are not deleted, the latest first (by start; by first sight where the start is not known).
    pub async fn recordings(
        &self,
        scope: Scope,
        account: Option<AccountId>,
        page: &PageRequest,
    ) -> Result<Page<Recording>> {
        let limit = page.bounded();
        let (at, id) = Key::two(page)?.unwrap_or((i64::MAX, String::new()));
        let mut rows = self
            .all(
                RECORDINGS,
                args![scope.workspace, account, at, id, limit + 1],
                |row| Ok((row.int()?, recording(row)?.0)),
            )
            .await?;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows
            .last()
            .filter(|_| more)
            .map(|(at, row)| format!("{at}~{}", row.id));
        Ok(Page {
            items: rows.into_iter().map(|(_, row)| row).collect(),
            next,
        })
    }

    /// A file.
    pub async fn file(&self, scope: Scope, id: FileId) -> Result<Option<File>> {
        self.one(FILE, args![scope.workspace, id], |row| Ok(file(row)?.0))
            .await
    }

    /// The files of a recording, by start and type; deleted ones too.
    pub async fn files_of_recording(
        &self,
        scope: Scope,
        recording: RecordingId,
    ) -> Result<Vec<File>> {
        self.all(
            FILES_OF_RECORDING,
            args![scope.workspace, recording],
            |row| Ok(file(row)?.0),
        )
        .await
    }

    /// The files of all recordings of an instance, by start and type; deleted ones too.
    pub async fn files_of_instance(&self, scope: Scope, instance: InstanceId) -> Result<Vec<File>> {
        self.all(FILES_OF_INSTANCE, args![scope.workspace, instance], |row| {
            Ok(file(row)?.0)
        })
        .await
    }

    /// A blob.
    pub async fn blob(&self, scope: Scope, id: BlobId) -> Result<Option<Blob>> {
        self.one(BLOB, args![scope.workspace, id], blob).await
    }

    /// A blob with that content (SHA-256 in hex), if there is one.
    pub async fn blob_by_sha256(&self, scope: Scope, sha256: &str) -> Result<Option<Blob>> {
        self.one(BLOB_BY_SHA, args![scope.workspace, sha256], blob)
            .await
    }
}

impl Tx {
    /// A recording, locked until this transaction ends.
    pub async fn recording(&mut self, id: RecordingId) -> Result<Option<Recording>> {
        let w = self.w();
        self.one(RECORDING_LOCKED, args![w, id], |row| Ok(recording(row)?.0))
            .await
    }

    /// The recording with a provider's id, locked until this transaction ends.
    pub async fn recording_by_external(
        &mut self,
        account: AccountId,
        external_id: &str,
    ) -> Result<Option<Recording>> {
        let w = self.w();
        self.one(RECORDING_BY, args![w, account, external_id], |row| {
            Ok(recording(row)?.0)
        })
        .await
    }

    /// Adds facts about a recording.
    pub async fn upsert_recording(
        &mut self,
        account: AccountId,
        instance: InstanceId,
        new: &NewRecording,
        seen: &Seen,
    ) -> Result<Upsert<RecordingId>> {
        let w = self.w();
        loop {
            let old = self
                .one(RECORDING_BY, args![w, account, &new.external_id], recording)
                .await?;
            if let Some(old) = old {
                return self.merge_recording(old, new, seen).await;
            }
            let id: RecordingId = self.new_id(seen.now);
            let (at, rank) = first_stamp(seen);
            let added = self
                .execute(
                    RECORDING_NEW,
                    args![
                        id,
                        w,
                        account,
                        &new.external_id,
                        instance,
                        new.start,
                        new.share_url.clone(),
                        new.passcode_ref.clone(),
                        new.total_size,
                        first_raw(new.raw.as_ref()),
                        rank,
                        at,
                        seen.now
                    ],
                )
                .await?;
            if added > 0 {
                return Ok(Upsert {
                    id,
                    change: Change::Inserted,
                });
            }
        }
    }

    async fn merge_recording(
        &mut self,
        (mut row, at, rank): (Recording, Timestamp, i64),
        new: &NewRecording,
        seen: &Seen,
    ) -> Result<Upsert<RecordingId>> {
        let mut merge = Merge::new(at, rank, seen);
        merge.take(&mut row.start, new.start.as_ref());
        merge.take(&mut row.share_url, new.share_url.as_ref());
        merge.take(&mut row.passcode_ref, new.passcode_ref.as_ref());
        merge.take(&mut row.total_size, new.total_size.as_ref());
        merge.raw(&mut row.raw, new.raw.as_ref());
        merge.alive(&mut row.deleted_at, seen);
        let (at, rank) = merge.stamp(at, rank, seen);
        if merge.to_write() {
            self.execute(
                RECORDING_SET,
                args![
                    row.id,
                    row.start,
                    row.share_url,
                    row.passcode_ref,
                    row.total_size,
                    row.raw,
                    rank,
                    at,
                    merge.updated_at(row.updated_at, seen),
                    row.deleted_at
                ],
            )
            .await?;
        }
        Ok(Upsert {
            id: row.id,
            change: merge.change(),
        })
    }

    /// Marks a recording as deleted there, unless something newer is known; whether that was a change.
    pub async fn delete_recording(&mut self, id: RecordingId, seen: &Seen) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(RECORDING_DELETE, args![w, id, seen.at, seen.now])
            .await?
            > 0)
    }

    /// Takes the deletion of a recording back, unless something newer is known; whether that was a change.
    pub async fn restore_recording(&mut self, id: RecordingId, seen: &Seen) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(RECORDING_RESTORE, args![w, id, seen.at, seen.now])
            .await?
            > 0)
    }

    /// A file, locked until this transaction ends.
    pub async fn file(&mut self, id: FileId) -> Result<Option<File>> {
        let w = self.w();
        self.one(FILE_LOCKED, args![w, id], |row| Ok(file(row)?.0))
            .await
    }

    /// The file with a provider's id, locked until this transaction ends.
    pub async fn file_by_external(
        &mut self,
        account: AccountId,
        external_id: &str,
    ) -> Result<Option<File>> {
        let w = self.w();
        self.one(FILE_BY, args![w, account, external_id], |row| {
            Ok(file(row)?.0)
        })
        .await
    }

    /// The files of a recording, by start and type; deleted ones too.
    pub async fn files_of_recording(&mut self, recording: RecordingId) -> Result<Vec<File>> {
        let w = self.w();
        self.all(FILES_OF_RECORDING, args![w, recording], |row| {
            Ok(file(row)?.0)
        })
        .await
    }

    /// Adds facts about a file.
    pub async fn upsert_file(
        &mut self,
        account: AccountId,
        recording: RecordingId,
        instance: InstanceId,
        new: &NewFile,
        seen: &Seen,
    ) -> Result<Upsert<FileId>> {
        let w = self.w();
        loop {
            if let Some(old) = self
                .one(FILE_BY, args![w, account, &new.external_id], file)
                .await?
            {
                return self.merge_file(old, new, seen).await;
            }
            let id: FileId = self.new_id(seen.now);
            let (at, rank) = first_stamp(seen);
            let added = self
                .execute(
                    FILE_NEW,
                    args![
                        id,
                        w,
                        account,
                        &new.external_id,
                        recording,
                        instance,
                        &new.file_type,
                        new.recording_type.clone(),
                        new.extension.clone(),
                        new.status.clone(),
                        new.start,
                        new.end,
                        new.size,
                        new.download_url.clone(),
                        first_raw(new.raw.as_ref()),
                        rank,
                        at,
                        seen.now
                    ],
                )
                .await?;
            if added > 0 {
                return Ok(Upsert {
                    id,
                    change: Change::Inserted,
                });
            }
        }
    }

    async fn merge_file(
        &mut self,
        (mut row, at, rank): (File, Timestamp, i64),
        new: &NewFile,
        seen: &Seen,
    ) -> Result<Upsert<FileId>> {
        let mut merge = Merge::new(at, rank, seen);
        merge.set(
            &mut row.file_type,
            Some(&new.file_type).filter(|t| !t.is_empty()),
        );
        merge.take(&mut row.recording_type, new.recording_type.as_ref());
        merge.take(&mut row.extension, new.extension.as_ref());
        merge.take(&mut row.status, new.status.as_ref());
        merge.take(&mut row.start, new.start.as_ref());
        merge.take(&mut row.end, new.end.as_ref());
        merge.take(&mut row.size, new.size.as_ref());
        merge.take(&mut row.download_url, new.download_url.as_ref());
        merge.raw(&mut row.raw, new.raw.as_ref());
        merge.alive(&mut row.deleted_at, seen);
        let (at, rank) = merge.stamp(at, rank, seen);
        if merge.to_write() {
            self.execute(
                FILE_SET,
                args![
                    row.id,
                    row.file_type,
                    row.recording_type,
                    row.extension,
                    row.status,
                    row.start,
                    row.end,
                    row.size,
                    row.download_url,
                    row.raw,
                    rank,
                    at,
                    merge.updated_at(row.updated_at, seen),
                    row.deleted_at
                ],
            )
            .await?;
        }
        Ok(Upsert {
            id: row.id,
            change: merge.change(),
        })
    }

    /// Marks a file as deleted there, unless something newer is known; whether that was a change.
    pub async fn delete_file(&mut self, id: FileId, seen: &Seen) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(FILE_DELETE, args![w, id, seen.at, seen.now])
            .await?
            > 0)
    }

    /// Takes the deletion of a file back, unless something newer is known; whether that was a change.
    pub async fn restore_file(&mut self, id: FileId, seen: &Seen) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(FILE_RESTORE, args![w, id, seen.at, seen.now])
            .await?
            > 0)
    }

    /// Points a file to our copy of it (or to none), and counts the blobs' references.
    pub async fn set_file_blob(
        &mut self,
        id: FileId,
        blob: Option<BlobId>,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        let Some(old) = self.file(id).await? else {
            return Ok(false);
        };
        if old.blob_id == blob {
            return Ok(false);
        }
        for (blob, by) in [(old.blob_id, -1_i64), (blob, 1)] {
            if let Some(blob) = blob {
                self.execute(BLOB_REFS, args![w, blob, by]).await?;
            }
        }
        self.execute(FILE_BLOB, args![w, id, blob, now]).await?;
        Ok(true)
    }

    /// Records a blob that lies in the blob store; the same key is the same row.
    pub async fn put_blob(&mut self, new: &NewBlob, now: Timestamp) -> Result<BlobId> {
        let w = self.w();
        let id: BlobId = self.new_id(now);
        self.exactly(
            BLOB_PUT,
            args![
                id,
                w,
                &new.key,
                &new.sha256,
                new.size,
                &new.content_type,
                now
            ],
            Cells::id,
        )
        .await
    }
}
