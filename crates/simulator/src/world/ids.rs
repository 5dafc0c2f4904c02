//! Ids in Zoom's forms: instance UUIDs, user ids, meeting numbers, file ids.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::fmt;
use std::str::FromStr;

use super::chance::Chance;

/// The UUID of one meeting instance: 16 bytes, written as 24 characters of base64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InstanceUuid(pub [u8; 16]);

impl InstanceUuid {
    /// Whether Zoom wants this UUID percent-encoded twice in a path (it begins with `/` or contains `//`).
    #[must_use]
    pub fn needs_double_encoding(&self) -> bool {
        let text = self.to_string();
        text.starts_with('/') || text.contains("//")
    }

    /// An ordinary UUID out of a stream; `form` 1 makes it begin with `/`, 2 makes it contain `//`.
    #[must_use]
    pub fn draw(chance: &mut Chance, form: u8) -> Self {
        let mut bytes = chance.bytes16();
        match form {
            // The first six bits all set are base64's `/`.
            1 => bytes[0] |= 0xfc,
            // Bytes 6 to 8 hold characters 8 to 11; their middle twelve bits set give `//`.
            2 => {
                bytes[0] &= 0x7f;
                bytes[6] |= 0x03;
                bytes[7] = 0xff;
                bytes[8] |= 0xc0;
            }
            _ => {}
        }
        Self(bytes)
    }
}

impl fmt::Display for InstanceUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for InstanceUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not the base64 of 16 bytes.
#[derive(Debug, thiserror::Error)]
#[error("not an instance UUID (base64 of 16 bytes)")]
pub struct NotAUuid;

impl FromStr for InstanceUuid {
    type Err = NotAUuid;

    fn from_str(text: &str) -> Result<Self, NotAUuid> {
        let bytes = STANDARD.decode(text).map_err(|_| NotAUuid)?;
        Ok(Self(bytes.try_into().map_err(|_| NotAUuid)?))
    }
}

/// A 22-character id, as Zoom gives to users, accounts and registrants (base64url of 16 bytes).
#[must_use]
pub fn short_id(chance: &mut Chance) -> String {
    URL_SAFE_NO_PAD.encode(chance.bytes16())
}

/// A dashed lower-case UUID, as Zoom gives to recording files.
#[must_use]
pub fn dashed_uuid(chance: &mut Chance) -> String {
    let mut bytes = chance.bytes16();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let text = hex::encode(bytes);
    format!(
        "{}-{}-{}-{}-{}",
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..]
    )
}

/// An eleven-digit number, as scheduled and instant meetings have.
#[must_use]
pub fn meeting_number(chance: &mut Chance) -> u64 {
    80_000_000_000 + chance.below(19_999_999_999)
}

/// A ten-digit number, as personal meeting rooms have.
#[must_use]
pub fn personal_number(chance: &mut Chance) -> u64 {
    2_000_000_000 + chance.below(7_999_999_999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_uuid() {
        let mut chance = Chance::of(1, "uuid", 0);
        for _ in 0..50 {
            let plain = InstanceUuid::draw(&mut chance, 0);
            assert_eq!(plain.to_string().len(), 24);
            assert_eq!(plain.to_string().parse::<InstanceUuid>().unwrap(), plain);
            assert!(
                InstanceUuid::draw(&mut chance, 1)
                    .to_string()
                    .starts_with('/')
            );
            let doubled = InstanceUuid::draw(&mut chance, 2).to_string();
            assert!(
                doubled.contains("//") && !doubled.starts_with('/'),
                "{doubled}"
            );
        }
        assert!("short".parse::<InstanceUuid>().is_err());
    }

    #[test]
    fn other_ids_have_their_forms() {
        let mut chance = Chance::of(1, "ids", 0);
        assert_eq!(short_id(&mut chance).len(), 22);
        assert_eq!(dashed_uuid(&mut chance).len(), 36);
        assert_eq!(meeting_number(&mut chance).to_string().len(), 11);
        assert_eq!(personal_number(&mut chance).to_string().len(), 10);
    }
}
