//! Who was there: stays of participants, merged from events and answers.

use jiff::Timestamp;
use parfocal_store::{AttendanceKind, InstanceId, InstanceState, NewAttendance, Tx};

use super::presence::{Room, Stay, match_key};
use super::{Facts, Origin, instances};
use crate::error::Result;

/// Takes in stays of one instance.
pub async fn apply(
    tx: &mut Tx,
    origin: &Origin,
    instance: &instances::Applied,
    stays: &[Stay],
) -> Result<()> {
    let end = instance
        .end
        .filter(|_| instance.state == InstanceState::Ended);
    for stay in stays {
        put(tx, origin, instance.id, end, stay).await?;
    }
    close(tx, origin, instance).await
}

/// Ends what nobody said the end of, once the meeting itself has ended; again, if its end turns out to be another.
pub async fn close(tx: &mut Tx, origin: &Origin, instance: &instances::Applied) -> Result<()> {
    let Some(end) = instance
        .end
        .filter(|_| instance.state == InstanceState::Ended)
    else {
        return Ok(());
    };
    if instance.end_moved {
        for stay in tx.stays(instance.id).await? {
            let facts = Facts::parse(Some(&stay.raw));
            if facts.instant("leave_time").is_none()
                && let Some(row) = read(&stay.join_key, stay.kind, &facts, Some(end))
            {
                tx.put_stay(instance.id, &row, &origin.seen(&facts)).await?;
            }
        }
    }
    tx.close_attendance(instance.id, end, origin.now).await?;
    Ok(())
}

async fn put(
    tx: &mut Tx,
    origin: &Origin,
    instance: InstanceId,
    end: Option<Timestamp>,
    stay: &Stay,
) -> Result<()> {
    let known = tx.stay(instance, &stay.key).await?;
    let mut facts = Facts::parse(known.as_ref().map(|known| known.raw.as_str()));
    facts.absorb(&stay.said, origin.stamp);
    let kind = match stay.room {
        Room::Main => AttendanceKind::Main,
        Room::Waiting => AttendanceKind::Waiting,
        Room::Breakout => AttendanceKind::Breakout,
    };
    let Some(row) = read(&stay.key, kind, &facts, end) else {
        return Ok(());
    };
    tx.put_stay(instance, &row, &origin.seen(&facts)).await?;
    Ok(())
}

/// The row of a stay from all that is known about it.
///
/// A leaving of which nobody saw the coming begins when it ends: no length is made up.
fn read(
    key: &str,
    kind: AttendanceKind,
    facts: &Facts,
    end: Option<Timestamp>,
) -> Option<NewAttendance> {
    let join = facts.instant("join_time");
    let told = facts.instant("leave_time");
    let start = join.or(told)?;
    let leave = told.or(end).map(|leave| leave.max(start));
    Some(NewAttendance {
        match_key: match_key(facts),
        name: facts.text("name"),
        email: facts.text("email").map(|email| email.to_lowercase()),
        user_external_id: facts.text("account_user"),
        registrant_id: facts.text("registrant"),
        role: facts.text("role"),
        join_key: key.to_owned(),
        kind,
        join: start,
        leave,
        raw: Some(facts.to_raw()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ingest::{Rank, Stamp};

    fn row(facts: &Facts, end: Option<Timestamp>) -> Option<NewAttendance> {
        read("main:1", AttendanceKind::Main, facts, end)
    }

    #[test]
    fn join_and_leave_give_the_same_row_in_any_order() {
        let end: Timestamp = "2026-09-14T10:00:00Z".parse().unwrap();
        let says = [
            json!({"name": "Tove", "join_time": "2026-09-14T08:31:07Z"}),
            json!({"name": "Tove", "leave_time": "2026-09-14T09:12:38Z"}),
        ];
        let fold = |order: [usize; 2]| {
            let mut facts = Facts::default();
            for i in order {
                facts.absorb(&says[i], Stamp::new(i64::try_from(i).unwrap(), Rank::Event));
            }
            row(&facts, Some(end)).unwrap()
        };
        let merged = fold([0, 1]);
        assert_eq!(merged, fold([1, 0]));
        assert_eq!(merged.leave.unwrap().to_string(), "2026-09-14T09:12:38Z");
    }

    #[test]
    fn open_stays_end_with_the_meeting_and_lone_leaves_have_no_length() {
        let end: Timestamp = "2026-09-14T10:00:00Z".parse().unwrap();
        let mut open = Facts::default();
        open.absorb(
            &json!({"join_time": "2026-09-14T08:31:07Z"}),
            Stamp::new(1, Rank::Event),
        );
        assert_eq!(row(&open, Some(end)).unwrap().leave, Some(end));
        assert_eq!(row(&open, None).unwrap().leave, None);
        let mut lone = Facts::default();
        lone.absorb(
            &json!({"leave_time": "2026-09-14T09:00:00Z"}),
            Stamp::new(1, Rank::Event),
        );
        let lone = row(&lone, Some(end)).unwrap();
        assert_eq!(Some(lone.join), lone.leave);
        assert!(row(&Facts::default(), Some(end)).is_none());
    }
}
