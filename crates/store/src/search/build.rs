//! Making and unmaking a meeting's part of the index.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::HitKind;
use super::about::{number_token, user_token};
use super::leaf::{Built, NewUnit, Row, build};
use crate::db::{Cells, Engine, Tx, args, one, two};
use crate::error::Result;
use crate::id::{InstanceId, WorkspaceId};
use crate::store::{Scope, Store};

/// Meetings indexed in one transaction when an older database is brought up to date.
const TOGETHER: u32 = 50;

const ABOUT: crate::db::Sql = one(
    "SELECT topic, topic_search, sort_at, number, host_user_id, host_email, host_search FROM instances WHERE workspace_id = $1 AND id = $2",
);
const SAID: crate::db::Sql = one(
    "SELECT u.n, u.speaker, u.text FROM transcripts t JOIN utterances u ON u.transcript_id = t.id
    WHERE t.workspace_id = $1 AND t.instance_id = $2 AND t.current = 1 ORDER BY t.created_at, t.id, u.ord",
);
const WRITTEN: crate::db::Sql = one(
    "SELECT n, sender_raw, text FROM chat WHERE workspace_id = $1 AND instance_id = $2 ORDER BY at_ms, file_key, ord",
);
const INSIGHTS: crate::db::Sql = one(
    "SELECT i.id, i.kind, COALESCE(i.owner, i.speaker), i.text FROM transcripts t
        JOIN analyses a ON a.workspace_id = t.workspace_id AND a.transcript_sha256 = t.sha256 AND a.current = 1
        JOIN insights i ON i.analysis_id = a.id
    WHERE t.workspace_id = $1 AND t.instance_id = $2 AND t.current = 1 ORDER BY t.id, i.ord",
);
const NUMBER: crate::db::Sql =
    one("SELECT n FROM search_docs WHERE workspace_id = $1 AND instance_id = $2");
const NEW: crate::db::Sql = one(
    "INSERT INTO search_docs (workspace_id, instance_id, sort_at, number, host_user_id, host_email, kinds) VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (instance_id) DO UPDATE SET workspace_id = $1, sort_at = $3, number = $4, host_user_id = $5, host_email = $6, kinds = $7 RETURNING n",
);
const LEAF: crate::db::Sql = two(
    "INSERT INTO search_leaves (n, body) VALUES ($1, $2) ON CONFLICT (n) DO UPDATE SET body = $2",
    "INSERT INTO search_leaves (n, body, tsv) VALUES ($1, $2, CAST(CAST($3 AS TEXT) AS tsvector)) ON CONFLICT (n) DO UPDATE SET body = $2, tsv = CAST(CAST($3 AS TEXT) AS tsvector)",
);
const ROW: crate::db::Sql = two(
    "INSERT OR REPLACE INTO search_index (rowid, words, stems, speaker, title, host, ids) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    "SELECT CAST($1 AS BIGINT), CAST($2 AS TEXT), CAST($3 AS TEXT), CAST($4 AS TEXT), CAST($5 AS TEXT), CAST($6 AS TEXT), CAST($7 AS TEXT)",
);
const UNROW: crate::db::Sql = two(
    "DELETE FROM search_index WHERE rowid = $1",
    "SELECT CAST($1 AS BIGINT)",
);
const DROP: crate::db::Sql = one("DELETE FROM search_docs WHERE n = $1");
const PENDING: crate::db::Sql =
    one("SELECT workspace_id, instance_id FROM search_pending ORDER BY instance_id LIMIT $1");
const CAUGHT_UP: crate::db::Sql = one("DELETE FROM search_pending WHERE instance_id = $1");

/// The statements of this module.
#[cfg(test)]
pub(crate) const STATEMENTS: &[(&str, crate::db::Sql)] = &[
    ("ABOUT", ABOUT),
    ("SAID", SAID),
    ("WRITTEN", WRITTEN),
    ("INSIGHTS", INSIGHTS),
    ("NUMBER", NUMBER),
    ("NEW", NEW),
    ("LEAF", LEAF),
    ("ROW", ROW),
    ("UNROW", UNROW),
    ("DROP", DROP),
    ("PENDING", PENDING),
    ("CAUGHT_UP", CAUGHT_UP),
];

/// What an instance's own row says of it.
struct About {
    topic: Option<String>,
    topic_search: String,
    sort_at: i64,
    number: Option<String>,
    host_user_id: Option<String>,
    host_email: Option<String>,
    host_search: String,
}

fn about(row: &mut Cells) -> Result<About> {
    Ok(About {
        topic: row.opt_text()?,
        topic_search: row.text()?,
        sort_at: row.int()?,
        number: row.opt_text()?,
        host_user_id: row.opt_text()?,
        host_email: row.opt_text()?,
        host_search: row.text()?,
    })
}

impl About {
    /// Number and host as one token each.
    fn ids(&self) -> String {
        let number = self.number.as_deref().map(number_token);
        let host = self.host_user_id.as_deref().map(user_token);
        [number, host]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ")
    }
}

impl Tx {
    /// Has the index of a meeting made anew when this transaction commits.
    pub(crate) fn touch(&mut self, instance: InstanceId) {
        self.touched.insert(instance);
    }

    /// Makes the index of the meetings that this transaction touched.
    pub(crate) async fn index_touched(&mut self) -> Result<()> {
        for instance in std::mem::take(&mut self.touched) {
            self.index(instance).await?;
        }
        self.index_people().await
    }

    async fn index(&mut self, instance: InstanceId) -> Result<()> {
        let w = self.w();
        let Some(about) = self.one(ABOUT, args![w, instance], about).await? else {
            return Ok(());
        };
        let mut units: Vec<NewUnit> = Vec::new();
        units.extend(about.topic.clone().map(|text| NewUnit {
            kind: HitKind::Title,
            row: Row::Number(0),
            speaker: None,
            text,
        }));
        for (sql, kind) in [(SAID, HitKind::Said), (WRITTEN, HitKind::Written)] {
            let rows = self.all(sql, args![w, instance], |row| {
                Ok(NewUnit {
                    kind,
                    row: Row::Number(row.int()?),
                    speaker: row.opt_text()?,
                    text: row.text()?,
                })
            });
            units.extend(rows.await?);
        }
        let insights = self.all(INSIGHTS, args![w, instance], |row| {
            Ok(NewUnit {
                row: Row::Insight(row.id::<crate::id::InsightId>()?.uuid()),
                kind: HitKind::of_insight(&row.text()?),
                speaker: row.opt_text()?,
                text: row.text()?,
            })
        });
        units.extend(insights.await?);
        if units.is_empty() {
            return self.unindex_instance(instance).await;
        }
        let Built {
            leaf,
            words,
            stems,
            speakers,
        } = build(&units);
        if self
            .one(NUMBER, args![w, instance], Cells::int)
            .await?
            .is_none()
        {
            // Who came before there was anything to be found was not written down.
            self.people_changed(instance);
        }
        let ids = about.ids();
        let new = args![
            w,
            instance,
            about.sort_at,
            about.number,
            about.host_user_id,
            about.host_email,
            units.iter().fold(0, |bits, unit| bits | unit.kind.bit())
        ];
        let n = self.exactly(NEW, new, Cells::int).await?;
        match self.engine() {
            Engine::Sqlite => {
                self.execute(LEAF, args![n, leaf]).await?;
                let row = args![
                    n,
                    words,
                    stems,
                    speakers,
                    about.topic_search,
                    about.host_search,
                    ids
                ];
                self.execute(ROW, row).await?;
            }
            Engine::Postgres => {
                let tsv = tsvector(&words, &stems, &speakers);
                self.execute(LEAF, args![n, leaf, tsv]).await?;
            }
        }
        Ok(())
    }

    /// Takes a meeting out of the index.
    pub(crate) async fn unindex_instance(&mut self, instance: InstanceId) -> Result<()> {
        let w = self.w();
        self.touched.remove(&instance);
        self.people.remove(&instance);
        let n = self.one(NUMBER, args![w, instance], Cells::int).await?;
        if let Some(n) = n {
            if self.engine() == Engine::Sqlite {
                self.execute(UNROW, args![n]).await?;
            }
            self.execute(DROP, args![n]).await?;
        }
        Ok(())
    }
}

impl Store {
    /// Makes the index of meetings that were there before it was.
    pub(crate) async fn catch_up_with_search(&self) -> Result<()> {
        loop {
            let pending: Vec<(WorkspaceId, InstanceId)> = self
                .all(PENDING, args![TOGETHER], |row| Ok((row.id()?, row.id()?)))
                .await?;
            let Some((workspace, _)) = pending.first().copied() else {
                return Ok(());
            };
            let mut tx = self.begin(Scope::of(workspace)).await?;
            for (_, instance) in pending.iter().filter(|(w, _)| *w == workspace) {
                tx.touch(*instance);
                tx.execute(CAUGHT_UP, args![*instance]).await?;
            }
            tx.commit().await?;
        }
    }
}

/// Most places of one word: what PostgreSQL keeps of them is for their number only.
const MOST_PLACES: usize = 24;

/// The text form of a `tsvector`: stems with weight A as often as they count, words with D, names with B.
fn tsvector(words: &str, stems: &str, speakers: &str) -> String {
    let mut lexemes: BTreeMap<&str, String> = BTreeMap::new();
    let mut at = 0_usize;
    for (text, weight) in [(words, 'D'), (stems, 'A'), (speakers, 'B')] {
        for token in text.split_ascii_whitespace() {
            let places = lexemes.entry(token).or_default();
            if places.matches(',').count() < MOST_PLACES {
                at = at % 16_000 + 1;
                let comma = if places.is_empty() { "" } else { "," };
                // Writing to a String cannot fail.
                let _ = write!(places, "{comma}{at}{weight}");
            }
        }
    }
    let mut out = String::with_capacity(words.len() * 3);
    for (token, places) in lexemes {
        let token = token.replace('\\', "\\\\").replace('\'', "''");
        let _ = write!(out, "'{token}':{places} ");
    }
    out
}
