//! Page tokens: opaque, bound to every other parameter, dead after fifteen minutes.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

use super::request::Req;
use crate::faults::FaultKind;
use crate::http::reply::Refusal;
use crate::world::chance::Chance;

/// Life of a page token.
const LIFE_SECONDS: i64 = 15 * 60;

/// The key page tokens are sealed with.
#[derive(Clone)]
pub struct PageKey([u8; 32]);

impl std::fmt::Debug for PageKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PageKey")
    }
}

impl PageKey {
    /// The key of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut key = [0; 32];
        for (part, chunk) in key.chunks_mut(16).enumerate() {
            chunk.copy_from_slice(
                &Chance::of(seed, "page tokens", u64::try_from(part).unwrap_or(0)).bytes16(),
            );
        }
        Self(key)
    }

    /// A signature over a text, for addresses.
    pub(crate) fn sign(&self, text: &str) -> String {
        URL_SAFE_NO_PAD.encode(self.mac(text, 0, 0))
    }

    fn seal(&self, about: &str, offset: u32, issued: u32) -> String {
        let mut bytes = Vec::with_capacity(24);
        bytes.extend_from_slice(&self.mac(about, offset, issued));
        bytes.extend_from_slice(&offset.to_be_bytes());
        bytes.extend_from_slice(&issued.to_be_bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn mac(&self, about: &str, offset: u32, issued: u32) -> [u8; 16] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        mac.update(&offset.to_be_bytes());
        mac.update(&issued.to_be_bytes());
        mac.update(about.as_bytes());
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        let mut half = [0; 16];
        half.copy_from_slice(&full[..16]);
        half
    }

    fn open(&self, about: &str, token: &str, now: Timestamp) -> Option<u32> {
        let bytes: [u8; 24] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
        let number = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        let (offset, issued) = (number(16), number(20));
        let good = self.mac(about, offset, issued) == bytes[..16];
        let age = now.as_second() - i64::from(issued);
        (good && (0..LIFE_SECONDS).contains(&age)).then_some(offset)
    }
}

/// One page that was asked for.
#[derive(Debug)]
pub(crate) struct Page {
    /// Rows asked for.
    pub(crate) size: usize,
    offset: usize,
    about: String,
    key: PageKey,
    issued: u32,
    endless: bool,
}

impl Page {
    /// Reads `page_size` and `next_page_token` (and the old `page_number`).
    pub(crate) fn read(request: &Req<'_>, max: usize) -> Result<Self, Refusal> {
        let size = match request.param("page_size") {
            None => 30,
            Some(text) => match text.parse::<usize>() {
                Ok(size) if size >= 1 => size.min(max),
                _ => return Err(Refusal::field("page_size", "Invalid field.")),
            },
        };
        let call = request.ctx.call;
        let mut others: Vec<&(String, String)> = call
            .query
            .iter()
            .filter(|(name, _)| name != "next_page_token" && name != "page_number")
            .collect();
        others.sort();
        let about = format!("{} {} {others:?}", call.raw_path, request.access.client_id);
        let key = request.ctx.site.page_key.clone();
        let offset = match request.param("next_page_token") {
            // `next_page_token=` means page one again, as at Zoom.
            None => request
                .param("page_number")
                .and_then(|number| number.parse::<usize>().ok())
                .map_or(0, |number| number.saturating_sub(1).saturating_mul(size)),
            Some(token) => key
                .open(&about, token, request.now())
                .and_then(|offset| usize::try_from(offset).ok())
                .ok_or_else(|| {
                    Refusal::new(400, 300, "The next page token is invalid or expired.")
                })?,
        };
        Ok(Self {
            size,
            offset,
            about,
            key,
            issued: u32::try_from(request.now().as_second()).unwrap_or(0),
            endless: request.ctx.strike(&[FaultKind::EndlessPages]).is_some(),
        })
    }

    /// The rows of this page.
    pub(crate) fn cut<'r, T>(&self, rows: &'r [T]) -> &'r [T] {
        let from = self.offset.min(rows.len());
        let to = from.saturating_add(self.size).min(rows.len());
        &rows[from..to]
    }

    /// The token of the next page, empty on the last.
    pub(crate) fn next(&self, total: usize) -> String {
        let next = self.offset.saturating_add(self.size);
        if next < total || self.endless {
            let next = u32::try_from(next).unwrap_or(u32::MAX);
            self.key.seal(&self.about, next, self.issued)
        } else {
            String::new()
        }
    }

    /// `page_count`.
    pub(crate) fn count(&self, total: usize) -> usize {
        total.div_ceil(self.size).max(1)
    }

    /// The usual frame: token, counts and rows under `item`.
    pub(crate) fn frame(&self, item: &str, rows: Vec<Value>, total: usize) -> Value {
        let mut out = json!({
            "page_count": self.count(total),
            "page_size": self.size,
            "total_records": total,
            "next_page_token": self.next(total),
        });
        out[item] = Value::Array(rows);
        out
    }

    /// `page_number` of the older lists.
    pub(crate) fn number(&self) -> usize {
        self.offset / self.size + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_bound_and_die() {
        let key = PageKey::new(1);
        let now = Timestamp::from_second(1_790_000_000).unwrap();
        let issued = u32::try_from(now.as_second()).unwrap();
        let token = key.seal("a", 30, issued);
        assert_eq!(key.open("a", &token, now), Some(30));
        assert_eq!(key.open("b", &token, now), None);
        assert_eq!(PageKey::new(2).open("a", &token, now), None);
        let later = Timestamp::from_second(now.as_second() + 899).unwrap();
        assert_eq!(key.open("a", &token, later), Some(30));
        let late = Timestamp::from_second(now.as_second() + 900).unwrap();
        assert_eq!(key.open("a", &token, late), None);
    }
}
