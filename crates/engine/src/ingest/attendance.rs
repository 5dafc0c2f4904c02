//! Who was there: stays of participants, merged from events and answers.

use jiff::Timestamp;
use parfocal_store::{AttendanceKind, InstanceId, InstanceState, NewAttendance, Tx};

use super::presence::{Room, Stay, match_key};
use super::{Facts, Origin, instances};
use crate::error::Result;

/// Takes in stays of one instance.
pub async fn apply(tx: &mut Tx, origin: &Origin, instance: &instances::Applied, stays: &[Stay]) -> Result<()> {
    let end = (instance.state == InstanceState::Ended).then_some(instance.end).flatten();
    for stay in stays {
        put(tx, origin, instance.id, end, stay).await?;
    }
    if let Some(end) = end {
        tx.close_attendance(instance.id, end, origin.now).await?;
    }
    Ok(())
}

/// Ends what nobody said the end of, once the meeting itself has ended.
pub async fn close(tx: &mut Tx, origin: &Origin, instance: &instances::Applied) -> Result<()> {
    if instance.state == InstanceState::Ended
        && let Some(end) = instance.end
    {
        tx.close_attendance(instance.id, end, origin.now).await?;
    }
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
    let Some(row) = read(stay, &facts, end) else { return Ok(()) };
    tx.put_stay(instance, &row, &origin.seen(&facts)).await?;
    Ok(())
}

/// The row of a stay from all that is known about it.
///
/// A leaving of which nobody saw the coming begins when it ends: no length is made up.
fn read(stay: &Stay, facts: &Facts, end: Option<Timestamp>) -> Option<NewAttendance> {
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
        join_key: stay.key.clone(),
        kind: match stay.room {
            Room::Main => AttendanceKind::Main,
            Room::Waiting => AttendanceKind::Waiting,
            Room::Breakout => AttendanceKind::Breakout,
        },
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

    fn stay(said: serde_json::Value) -> Stay {
        Stay { key: "main:1".into(), room: Room::Main, said }
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
            read(&stay(json!({})), &facts, Some(end)).unwrap()
        };
        let row = fold([0, 1]);
        assert_eq!(row, fold([1, 0]));
        assert_eq!(row.leave.unwrap().to_string(), "2026-09-14T09:12:38Z");
    }

    #[test]
    fn open_stays_end_with_the_meeting_and_lone_leaves_have_no_length() {
        let end: Timestamp = "2026-09-14T10:00:00Z".parse().unwrap();
        let mut open = Facts::default();
        open.absorb(&json!({"join_time": "2026-09-14T08:31:07Z"}), Stamp::new(1, Rank::Event));
        assert_eq!(read(&stay(json!({})), &open, Some(end)).unwrap().leave, Some(end));
        assert_eq!(read(&stay(json!({})), &open, None).unwrap().leave, None);
        let mut lone = Facts::default();
        lone.absorb(&json!({"leave_time": "2026-09-14T09:00:00Z"}), Stamp::new(1, Rank::Event));
        let row = read(&stay(json!({})), &lone, Some(end)).unwrap();
        assert_eq!(Some(row.join), row.leave);
        assert!(read(&stay(json!({"name": "x"})), &Facts::default(), Some(end)).is_none());
    }
}
