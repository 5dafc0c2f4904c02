//! When people are taken by what we scheduled. Bookings of one person take turns, so that of two for one time one wins.

use std::sync::LazyLock;

use jiff::Timestamp;

use crate::db::{Bulk, Column, Link, Tx, args, one, statements};
use crate::error::Result;
use crate::id::{ScheduleId, WorkspaceId};
use crate::model::Clash;
use crate::store::{Scope, Store};

statements! {
    TURN = one("INSERT INTO booked_people AS p (workspace_id, person, turns) VALUES ($1, $2, 1)
        ON CONFLICT (workspace_id, person) DO UPDATE SET turns = p.turns + 1");
    TAKEN = one("SELECT b.start_at, b.end_at, b.schedule_id, s.title FROM bookings b JOIN schedules s ON s.id = b.schedule_id
        WHERE b.workspace_id = $1 AND b.person = $2 AND b.start_at < $3 AND b.end_at > $4 AND (CAST($5 AS TEXT) IS NULL OR b.schedule_id <> $5)
        ORDER BY b.start_at, b.schedule_id");
    FREE = one("DELETE FROM bookings WHERE workspace_id = $1 AND schedule_id = $2");
}

static BOOK: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        "INSERT INTO bookings (workspace_id, person, start_at, end_at, schedule_id)",
        &[Column::Plain; 5],
        "",
    )
});

/// The statements of this module that insert many rows.
#[cfg(test)]
pub(crate) fn bulk_statements() -> Vec<crate::db::Sql> {
    BOOK.statements().collect()
}

/// Most clashes that are told.
const TOLD: usize = 20;

/// Which of a person's bookings meet one of `spans`; these in order and apart from each other.
async fn clashes(
    link: &mut Link<'_>,
    w: WorkspaceId,
    person: &str,
    spans: &[(Timestamp, Timestamp)],
    except: Option<ScheduleId>,
) -> Result<Vec<Clash>> {
    let (Some(first), Some(end)) = (spans.first(), spans.iter().map(|span| span.1).max()) else {
        return Ok(Vec::new());
    };
    let taken = link
        .all(TAKEN, args![w, person, end, first.0, except], |row| {
            Ok(Clash {
                person: person.to_owned(),
                start: row.instant()?,
                end: row.instant()?,
                schedule_id: row.id()?,
                title: row.text()?,
            })
        })
        .await?;
    Ok(taken
        .into_iter()
        .filter(|clash| {
            // The first span that ends after the booking begins is the only one that has to be looked at.
            let at = spans.partition_point(|(_, end)| *end <= clash.start);
            spans.get(at).is_some_and(|(start, _)| *start < clash.end)
        })
        .collect())
}

impl Store {
    /// What would stand in the way of taking these people at these times, at most 20 of it. `spans` are in order and apart.
    pub async fn clashes(
        &self,
        scope: Scope,
        people: &[String],
        spans: &[(Timestamp, Timestamp)],
        except: Option<ScheduleId>,
    ) -> Result<Vec<Clash>> {
        let mut conn = self.read().await?;
        let mut found = Vec::new();
        for person in people {
            let mut link = conn.link();
            found.extend(clashes(&mut link, scope.workspace, person, spans, except).await?);
            if found.len() >= TOLD {
                found.truncate(TOLD);
                break;
            }
        }
        Ok(found)
    }
}

impl Store {
    /// The times at which these people (lower case) are taken by what we scheduled, between two instants.
    pub async fn bookings(
        &self,
        scope: Scope,
        people: &[String],
        from: Timestamp,
        to: Timestamp,
    ) -> Result<Vec<Clash>> {
        let mut conn = self.read().await?;
        let mut found = Vec::new();
        for person in people {
            let mut link = conn.link();
            let none: Option<ScheduleId> = None;
            found.extend(
                link.all(
                    TAKEN,
                    args![scope.workspace, person.as_str(), to, from, none],
                    |row| {
                        Ok(Clash {
                            person: person.clone(),
                            start: row.instant()?,
                            end: row.instant()?,
                            schedule_id: row.id()?,
                            title: row.text()?,
                        })
                    },
                )
                .await?,
            );
        }
        Ok(found)
    }
}

impl Tx {
    /// Takes people at these times for a schedule, in place of the times it took before, and tells what stands in the way, at
    /// most 20 of it; whether the transaction is kept then is the caller's to say. Until it ends nobody else books these people.
    ///
    /// `people` are names in one form (lower case); `spans` are in order and apart.
    pub async fn book(
        &mut self,
        id: ScheduleId,
        people: &[String],
        spans: &[(Timestamp, Timestamp)],
    ) -> Result<Vec<Clash>> {
        let w = self.w();
        // In one order for all, so that two requests never wait for each other.
        let mut people: Vec<&String> = people.iter().collect();
        people.sort_unstable();
        people.dedup();
        self.execute(FREE, args![w, id]).await?;
        let mut found = Vec::new();
        for person in &people {
            self.execute(TURN, args![w, *person]).await?;
        }
        for person in people {
            let mut link = self.link();
            found.extend(clashes(&mut link, w, person, spans, Some(id)).await?);
            BOOK.put(&mut link, spans, |span, args| {
                args.extend(args![w, person.as_str(), span.0, span.1, id]);
            })
            .await?;
        }
        found.truncate(TOLD);
        Ok(found)
    }

    /// Gives back the times that a schedule took.
    pub async fn unbook(&mut self, id: ScheduleId) -> Result<()> {
        let w = self.w();
        self.execute(FREE, args![w, id]).await?;
        Ok(())
    }
}
