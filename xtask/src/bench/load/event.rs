//! The events: unique, as Zoom sends them when people join meetings, signed before anything is measured.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::Result;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::Options;

/// Meetings the events are spread over.
const MEETINGS: u64 = 1_000;

/// Whole requests, one after the other in one piece of memory.
pub(crate) struct Events {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Events {
    /// Makes and signs every request of the run.
    pub(crate) fn signed(options: &Options) -> Result<Self> {
        let at = seconds();
        let mut bytes = Vec::with_capacity(options.count * 1_200);
        let mut ends = Vec::with_capacity(options.count);
        let mut body = String::new();
        for number in (options.first..).take(options.count) {
            body.clear();
            write_body(&mut body, number, &options.account)?;
            let mut mac = Hmac::<Sha256>::new_from_slice(options.secret.as_bytes())?;
            mac.update(format!("v0:{at}:{body}").as_bytes());
            let signature = hex::encode(mac.finalize().into_bytes());
            write!(
                bytes,
                "POST {} HTTP/1.1\r\nhost: {}\r\nuser-agent: Zoom Marketplace/1.0a\r\n\
                 content-type: application/json; charset=utf-8\r\nclientid: bench\r\n\
                 x-zm-request-timestamp: {at}\r\nx-zm-signature: v0={signature}\r\n\
                 x-zm-trackingid: v=2.0;clid=aw1;rid=WEB_{number:016x}\r\n\
                 content-length: {}\r\n\r\n{body}",
                options.path,
                options.target,
                body.len(),
            )?;
            ends.push(bytes.len());
        }
        Ok(Self { bytes, ends })
    }

    /// The request with this number, if there are so many.
    pub(crate) fn request(&self, at: usize) -> Option<&[u8]> {
        let end = *self.ends.get(at)?;
        let begin = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.bytes[begin..end])
    }
}

/// Compact JSON with the members of Zoom's reference; some seven hundred bytes.
fn write_body(body: &mut String, number: u64, account: &str) -> Result<()> {
    let meeting = number % MEETINGS;
    let person = number / MEETINGS;
    write!(
        body,
        "{{\"event\":\"meeting.participant_joined\",\"event_ts\":{number},\"payload\":{{\"account_id\":\"{account}\",\
         \"object\":{{\"id\":\"{}\",\"uuid\":\"{meeting:020}aa==\",\"host_id\":\"h{meeting:021}\",\
         \"topic\":\"Weekly planning of group {meeting}\",\"type\":8,\"start_time\":\"2026-11-20T09:00:00Z\",\
         \"timezone\":\"Europe/Berlin\",\"duration\":60,\"participant\":{{\"user_id\":\"{}\",\
         \"user_name\":\"Ana-Lucía Ñandú {person}\",\"participant_user_id\":\"p{number:021}\",\"id\":\"p{number:021}\",\
         \"participant_uuid\":\"{number:036X}\",\"date_time\":\"2026-11-20T09:00:{:02}Z\",\
         \"email\":\"person.{number}@example.org\",\"registrant_id\":\"\",\"customer_key\":\"\",\
         \"phone_number\":\"\",\"public_ip\":\"198.51.100.{}\"}}}}}}}}",
        84_000_000_000 + meeting,
        16_778_240 + number % 1_000_000,
        number % 60,
        number % 250,
    )?;
    Ok(())
}

/// Seconds since 1970, as the signature names them.
#[expect(
    clippy::disallowed_methods,
    reason = "receivers compare the timestamp with the real clock"
)]
fn seconds() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
