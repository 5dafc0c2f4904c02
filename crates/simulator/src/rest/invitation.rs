//! The invitation text that hosts paste into mails.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::request::Req;
use crate::http::reply::{Answer, Reply};
use crate::world::model::Meeting;

fn spaced(number: u64) -> String {
    let digits = number.to_string();
    let cut = if digits.len() > 10 { [3, 7] } else { [3, 6] };
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if cut.contains(&index) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

fn when(meeting: &Meeting, start: Timestamp) -> String {
    let zone = TimeZone::get(&meeting.timezone).unwrap_or(TimeZone::UTC);
    let local = start.to_zoned(zone);
    format!(
        "{} {}",
        local.strftime("%b %-d, %Y %I:%M %p"),
        meeting.timezone
    )
}

/// `GET /meetings/{meetingId}/invitation`.
pub(super) fn get(r: &Req<'_>) -> Answer {
    let meeting = r.meeting()?;
    let host = r.world().user(&meeting.host_id);
    let name = host.as_ref().map_or("", |host| host.display_name.as_str());
    let start = meeting
        .occurrences
        .iter()
        .find(|one| !one.deleted && one.start >= r.now())
        .map(|one| one.start)
        .or(meeting.start);
    let time = start
        .map(|start| format!("Time: {}\r\n", when(&meeting, start)))
        .unwrap_or_default();
    let passcode = if meeting.password.is_empty() {
        String::new()
    } else {
        format!("Passcode: {}\r\n", meeting.password)
    };
    let number = spaced(meeting.number);
    let text = format!(
        "{name} is inviting you to a scheduled Zoom meeting.\r\n\r\nTopic: {}\r\n{time}\r\nJoin Zoom Meeting\r\n{}\r\n\r\nMeeting ID: {number}\r\n{passcode}\r\n---\r\n\r\nOne tap mobile\r\n+15550100,,{}# US\r\n\r\n---\r\n\r\nDial by your location\r\n        +1 555 0100 US\r\n\r\nMeeting ID: {number}\r\n{passcode}",
        meeting.topic,
        r.urls.join(&meeting),
        meeting.number,
    );
    Ok(Reply::ok(&json!({ "invitation": text, "sip_links": [] })))
}
