//! The audit log: who changed what, through what and when, in a chain that shows when it was tampered with.
//!
//! An entry is written in the transaction of the change it tells of, as its last statement. Each carries the SHA-256 of
//! its own canonical form, which begins with the hash of the entry before, so nothing can be changed, taken out or put
//! in between without all later hashes being wrong; the last hash lies in a row of its own, so that a cut end shows too.
//! (Who can write to the database can of course write the whole chain anew; note the last hash elsewhere if that matters.)

use jiff::Timestamp;
use parfocal_store::{Page, PageRequest, Tx};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::App;
use crate::error::Result;

pub use parfocal_store::{AuditEntry as Entry, AuditFilter};

/// Entries read at once when the chain is checked.
const BATCH: u32 = 500;
/// Longest word of an actor, action or target.
const LONGEST: usize = 300;

/// Through what a change came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Surface {
    /// The command line.
    Cli,
    /// The HTTP API.
    Api,
    /// The console in a browser.
    Console,
    /// The MCP server.
    Mcp,
    /// A webhook of Zoom.
    Webhook,
    /// The app inside Zoom's client.
    ZoomApp,
    /// A page that Zoom sends people back to, or a link that was sent to them.
    Consent,
    /// The program itself.
    System,
}

impl Surface {
    /// The word in the log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cli => "cli",
            Self::Api => "api",
            Self::Console => "console",
            Self::Mcp => "mcp",
            Self::Webhook => "webhook",
            Self::ZoomApp => "zoom_app",
            Self::Consent => "consent",
            Self::System => "system",
        }
    }
}

/// Who is not known yet.
const GUEST: &str = "guest";

/// Who does something, and through what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// A name that stays meaningful: `operator`, `key:NAME`, `zoom:USER`.
    pub actor: String,
    /// Through what.
    pub surface: Surface,
}

impl By {
    /// Somebody.
    pub fn new(actor: impl Into<String>, surface: Surface) -> Self {
        Self {
            actor: actor.into(),
            surface,
        }
    }

    /// Somebody who came without a key, through a page that leads to Zoom; [`By::proven`] names them.
    pub fn guest(surface: Surface) -> Self {
        Self::new(GUEST, surface)
    }

    /// The same once Zoom has told who it is: a guest is that person, everybody else stays who they were.
    #[must_use]
    pub fn proven(&self, user: &str) -> Self {
        if self.actor == GUEST {
            Self::new(format!("zoom:{user}"), self.surface)
        } else {
            self.clone()
        }
    }

    /// The program itself.
    pub fn system() -> Self {
        Self::new("parfocal", Surface::System)
    }
}

/// What was done.
#[derive(Debug, Clone, PartialEq)]
pub struct Change<'a> {
    /// What, as `noun.verb`: `connection.remove`.
    pub action: &'a str,
    /// To what, as `kind/id`: `connection/0199…`.
    pub target: &'a str,
    /// What else is to be known. Never a secret, never contents of meetings.
    pub detail: Value,
}

/// Writes an entry in the transaction of the change.
///
/// Let it be the transaction's last statement: from here to the commit, other writers of the log wait.
///
/// # Errors
/// Those of the database; the change must then not be committed either.
pub async fn append(tx: &mut Tx, by: &By, change: &Change<'_>, now: Timestamp) -> Result<Entry> {
    let head = tx.lock_audit().await?;
    let mut entry = Entry {
        n: head.n + 1,
        // As the store keeps it, so that the hash can be computed again.
        at: Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now),
        actor: word(&by.actor),
        surface: by.surface.as_str().to_owned(),
        action: word(change.action),
        target: word(change.target),
        detail: without_nul(&change.detail),
        prev_hash: head.hash,
        hash: String::new(),
    };
    entry.hash = hash(&tx.scope().workspace.to_string(), &entry);
    tx.put_audit(&entry).await?;
    Ok(entry)
}

/// The hash of an entry: over a JSON array of its parts, which leaves no doubt where one ends.
fn hash(workspace: &str, entry: &Entry) -> String {
    let canonical = serde_json::json!([
        entry.prev_hash,
        workspace,
        entry.n,
        entry.at.as_microsecond(),
        entry.actor,
        entry.surface,
        entry.action,
        entry.target,
        entry.detail.to_string(),
    ]);
    hex::encode(Sha256::digest(canonical.to_string().as_bytes()))
}

fn word(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(LONGEST)
        .collect()
}

/// PostgreSQL's text holds no U+0000, and what is hashed must be what is stored.
fn without_nul(detail: &Value) -> Value {
    let text = detail.to_string();
    if text.contains("\\u0000") {
        serde_json::from_str(&text.replace("\\u0000", "")).unwrap_or(Value::Null)
    } else {
        detail.clone()
    }
}

/// What a check of the chain found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Verified {
    /// Entries that were looked at.
    pub entries: u64,
    /// Hash of the last entry; note it elsewhere to be able to tell later whether the log was written anew.
    pub head: Option<String>,
    /// Where the chain does not hold, if it does not.
    pub broken: Option<Broken>,
}

/// Where a chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, schemars::JsonSchema)]
pub struct Broken {
    /// Number of the entry.
    pub n: i64,
    /// What is wrong with it.
    pub what: String,
}

/// The audit log; from [`App::audit`].
#[derive(Debug, Clone, Copy)]
pub struct Audit<'a> {
    pub(crate) app: &'a App,
}

impl Audit<'_> {
    /// Entries, newest first.
    pub async fn list(&self, filter: &AuditFilter, page: &PageRequest) -> Result<Page<Entry>> {
        Ok(self
            .app
            .store()
            .audit(self.app.scope(), filter, page)
            .await?)
    }

    /// Computes the whole chain again.
    pub async fn verify(&self) -> Result<Verified> {
        let (scope, store) = (self.app.scope(), self.app.store());
        let workspace = scope.workspace.to_string();
        let mut last = (0_i64, String::new());
        let mut entries = 0;
        // Read first: entries that are put in meanwhile come after it.
        let head = store.audit_head(scope).await?;
        loop {
            let batch = store.audit_after(scope, last.0, BATCH).await?;
            if batch.is_empty() {
                break;
            }
            for entry in batch {
                let what = if entry.n != last.0 + 1 {
                    Some(format!(
                        "entries {} to {} are missing",
                        last.0 + 1,
                        entry.n - 1
                    ))
                } else if entry.prev_hash != last.1 {
                    Some("it does not follow the entry before".to_owned())
                } else if hash(&workspace, &entry) != entry.hash {
                    Some("it was changed".to_owned())
                } else {
                    None
                };
                if let Some(what) = what {
                    let broken = Some(Broken { n: entry.n, what });
                    return Ok(Verified {
                        entries,
                        head: head.map(|head| head.hash),
                        broken,
                    });
                }
                entries += 1;
                last = (entry.n, entry.hash);
            }
        }
        let cut = head.as_ref().filter(|head| head.n > last.0);
        let broken = cut.map(|head| Broken {
            n: head.n,
            what: format!("entries {} to {} were cut off", last.0 + 1, head.n),
        });
        Ok(Verified {
            entries,
            head: (last.0 > 0).then_some(last.1),
            broken,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_part_of_an_entry_counts() {
        let entry = Entry {
            n: 1,
            at: Timestamp::UNIX_EPOCH,
            actor: "a".into(),
            surface: "cli".into(),
            action: "x.y".into(),
            target: "t".into(),
            detail: json!({"k": 1}),
            prev_hash: String::new(),
            hash: String::new(),
        };
        let base = hash("w", &entry);
        let others = [
            Entry {
                n: 2,
                ..entry.clone()
            },
            Entry {
                actor: "b".into(),
                ..entry.clone()
            },
            Entry {
                action: "x.z".into(),
                ..entry.clone()
            },
            Entry {
                target: "u".into(),
                ..entry.clone()
            },
            Entry {
                detail: json!({"k": 2}),
                ..entry.clone()
            },
            Entry {
                prev_hash: "p".into(),
                ..entry.clone()
            },
            Entry {
                actor: "ac".into(),
                surface: "li".into(),
                ..entry.clone()
            },
        ];
        for other in &others {
            assert_ne!(hash("w", other), base, "{other:?}");
        }
        assert_ne!(hash("v", &entry), base);
        assert_eq!(without_nul(&json!({"a": "x\u{0}y"})), json!({"a": "xy"}));
        assert_eq!(word("a\nb"), "ab");
    }
}
