//! `--transcripts DIR`: every folder with a `.vtt` becomes a recorded meeting.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use sha2::{Digest as _, Sha256};

use super::read::{chat_messages, read_vtt};
use crate::world::model::DiskFile;

/// A failure of reading the folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A file or folder cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Nothing there.
    #[error("no .vtt file in {0} or its folders")]
    Empty(PathBuf),
}

/// A meeting found on disk.
#[derive(Debug)]
pub struct FolderMeeting {
    /// Names of the folders from the root, joined: the series; empty when the root itself holds the file.
    pub series: String,
    /// Topic out of the folder names, dates left out.
    pub topic: String,
    /// Date in the folder name.
    pub date: Option<Date>,
    /// Transcripts (several: several sets).
    pub transcripts: Vec<Arc<DiskFile>>,
    /// Lengths of the transcripts in milliseconds.
    pub lengths_ms: Vec<u64>,
    /// Chat, if there is one.
    pub chat: Option<Arc<DiskFile>>,
    /// Names of those who spoke.
    pub speakers: Vec<String>,
}

/// Finds the meetings under `root`, ordered by path.
///
/// # Errors
/// When something cannot be read, or there is no transcript at all.
pub fn scan(root: &Path) -> Result<Vec<FolderMeeting>, FolderError> {
    let mut out = Vec::new();
    visit(root, root, 0, &mut out)?;
    if out.is_empty() {
        return Err(FolderError::Empty(root.to_path_buf()));
    }
    Ok(out)
}

fn visit(
    root: &Path,
    folder: &Path,
    depth: usize,
    out: &mut Vec<FolderMeeting>,
) -> Result<(), FolderError> {
    let failed = |source| FolderError::Read {
        path: folder.to_path_buf(),
        source,
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    let is_vtt = |path: &PathBuf| {
        path.is_file()
            && path
                .extension()
                .is_some_and(|extension| extension.eq_ignore_ascii_case("vtt"))
    };
    let transcripts: Vec<&PathBuf> = entries.iter().filter(|path| is_vtt(path)).collect();
    if !transcripts.is_empty() {
        out.push(meeting(root, folder, &transcripts)?);
    }
    // Deep enough for any sensible layout, and an end for folders that link to themselves.
    if depth < 16 {
        for entry in entries.iter().filter(|path| path.is_dir()) {
            visit(root, entry, depth + 1, out)?;
        }
    }
    Ok(())
}

fn meeting(root: &Path, folder: &Path, paths: &[&PathBuf]) -> Result<FolderMeeting, FolderError> {
    let mut transcripts = Vec::new();
    let mut lengths_ms = Vec::new();
    let mut speakers: Vec<String> = Vec::new();
    for path in paths {
        let bytes = read(path)?;
        let found = read_vtt(&String::from_utf8_lossy(&bytes)).unwrap_or_default();
        for (speaker, _) in &found.speakers {
            if !speakers.contains(speaker) {
                speakers.push(speaker.clone());
            }
        }
        lengths_ms.push(found.end_ms);
        transcripts.push(disk_file(path, &bytes, found.cues));
    }
    let chat_path = folder.join("chat.txt");
    let chat = if chat_path.is_file() {
        let bytes = read(&chat_path)?;
        let messages = chat_messages(&String::from_utf8_lossy(&bytes));
        Some(disk_file(&chat_path, &bytes, messages))
    } else {
        None
    };
    let below = folder.strip_prefix(root).unwrap_or(folder);
    let names: Vec<String> = below
        .components()
        .map(|part| part.as_os_str().to_string_lossy().into_owned())
        .collect();
    let own = names.last().cloned().unwrap_or_else(|| {
        root.file_name().map_or_else(
            || "Transcripts".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
    });
    let (date, rest) = split_date(&own);
    let above = &names[..names.len().saturating_sub(1)];
    let words: Vec<&str> = above
        .iter()
        .map(String::as_str)
        .chain(std::iter::once(rest.as_str()))
        .filter(|word| !word.is_empty())
        .collect();
    let topic = if words.is_empty() {
        own.clone()
    } else {
        words.join(" ")
    };
    Ok(FolderMeeting {
        series: above.join("/"),
        topic: topic.replace('_', " ").chars().take(200).collect(),
        date,
        transcripts,
        lengths_ms,
        chat,
        speakers,
    })
}

fn read(path: &Path) -> Result<Vec<u8>, FolderError> {
    std::fs::read(path).map_err(|source| FolderError::Read {
        path: path.to_path_buf(),
        source,
    })
}

fn disk_file(path: &Path, bytes: &[u8], items: usize) -> Arc<DiskFile> {
    Arc::new(DiskFile {
        path: path.to_path_buf(),
        size: bytes.len() as u64,
        sha256: hex::encode(Sha256::digest(bytes)),
        items,
    })
}

/// The first `yyyy-mm-dd` of a name and the name without it.
fn split_date(name: &str) -> (Option<Date>, String) {
    for (at, _) in name.char_indices() {
        let Some(part) = name.get(at..at + 10) else {
            continue;
        };
        let shape = part.bytes().enumerate().all(|(index, byte)| {
            if index == 4 || index == 7 {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        });
        if !shape {
            continue;
        }
        if let Ok(date) = part.parse::<Date>() {
            let rest = format!("{} {}", &name[..at], &name[at + 10..]);
            return (
                Some(date),
                rest.trim_matches(['_', '-', ' ', '.']).to_owned(),
            );
        }
    }
    (None, name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_leave_the_name() {
        assert_eq!(
            split_date("2026-02-09_069"),
            (Some(jiff::civil::date(2026, 2, 9)), "069".to_owned())
        );
        assert_eq!(split_date("weekly").0, None);
        assert_eq!(split_date("2026-13-40").0, None);
        assert_eq!(split_date("日本2026-02-09").1, "日本");
    }

    #[test]
    fn folders_become_meetings() {
        let root = tempfile::tempdir().unwrap();
        let one = root.path().join("weekly/2026-10-05_one");
        std::fs::create_dir_all(&one).unwrap();
        std::fs::write(
            one.join("transcript.vtt"),
            "WEBVTT\r\n\r\n1\r\n00:00:01.000 --> 00:00:02.000\r\nAnn Bell: Hi.\r\n\r\n",
        )
        .unwrap();
        std::fs::write(one.join("chat.txt"), "00:00:01\tAnn Bell:\thello\r\n").unwrap();
        let found = scan(root.path()).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].series, "weekly");
        assert_eq!(found[0].topic, "weekly one");
        assert_eq!(found[0].speakers, ["Ann Bell"]);
        assert_eq!(found[0].transcripts[0].items, 1);
        assert_eq!(found[0].chat.as_ref().unwrap().items, 1);
        let empty = tempfile::tempdir().unwrap();
        assert!(matches!(scan(empty.path()), Err(FolderError::Empty(_))));
    }
}
