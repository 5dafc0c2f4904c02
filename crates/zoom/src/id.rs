//! Zoom's identifiers, each its own type, because mixing them up is the commonest fault of Zoom clients.
//!
//! A [`MeetingNumber`] names a series and is shown to people; a [`MeetingUuid`] names one held instance. History
//! (attendance, recordings) belongs to the instance: with the number Zoom answers for the latest one only.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Percent-encodes everything outside RFC 3986's unreserved characters, for one path segment.
#[must_use]
pub fn encode_segment(text: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(text.len());
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    // A segment of dots only would be taken for "here" or "up" by every URL library.
    if matches!(out.as_str(), "." | "..") {
        out.replace('.', "%2E")
    } else {
        out
    }
}

/// What is wrong with a text that should be an identifier.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {what}: {reason}")]
pub struct InvalidId {
    what: &'static str,
    reason: &'static str,
}

/// The number of a meeting or webinar: 9 to 11 digits, shared by all instances of a series.
///
/// Zoom gives it as a JSON number or as a string, people write it with spaces or dashes; all are accepted.
///
/// ```
/// use parfocal_zoom::id::MeetingNumber;
/// let number: MeetingNumber = "844 1002 7731".parse().unwrap();
/// assert_eq!(number.get(), 84_410_027_731);
/// assert_eq!(number.to_string(), "84410027731");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MeetingNumber(u64);

impl MeetingNumber {
    /// Wraps a number as Zoom gave it.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number itself.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for MeetingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<u64> for MeetingNumber {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl FromStr for MeetingNumber {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, InvalidId> {
        let invalid = |reason| InvalidId {
            what: "meeting number",
            reason,
        };
        let mut number: u64 = 0;
        let mut digits = 0;
        for c in text.trim().chars() {
            if let Some(digit) = c.to_digit(10) {
                digits += 1;
                number = number
                    .checked_mul(10)
                    .and_then(|n| n.checked_add(u64::from(digit)))
                    .ok_or(invalid("too many digits"))?;
            } else if !(c.is_whitespace() || c == '-') {
                return Err(invalid("it may hold digits, spaces and dashes only"));
            }
        }
        if digits == 0 || number == 0 {
            return Err(invalid("it is empty"));
        }
        if i64::try_from(number).is_err() {
            return Err(invalid("too many digits"));
        }
        Ok(Self(number))
    }
}

impl Serialize for MeetingNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for MeetingNumber {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = MeetingNumber;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a meeting number as a number or a string")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<MeetingNumber, E> {
                Ok(MeetingNumber(number))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<MeetingNumber, E> {
                u64::try_from(number)
                    .map(MeetingNumber)
                    .map_err(|_| E::invalid_value(de::Unexpected::Signed(number), &self))
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<MeetingNumber, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// The UUID of one held instance of a meeting or webinar: base64 text, 24 characters as a rule.
///
/// Kept as Zoom wrote it. [`MeetingUuid::path_segment`] is the only place that knows how Zoom wants it in a path.
///
/// ```
/// use parfocal_zoom::id::MeetingUuid;
/// assert_eq!(MeetingUuid::new("/abc//x==").unwrap().path_segment(), "%252Fabc%252F%252Fx%253D%253D");
/// assert_eq!(MeetingUuid::new("aDYl/x==").unwrap().path_segment(), "aDYl%252Fx%253D%253D");
/// assert_eq!(MeetingUuid::new("aDYlohsHRtCd4ii1uC2+hA==").unwrap().path_segment(), "aDYlohsHRtCd4ii1uC2%2BhA%3D%3D");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct MeetingUuid(String);

impl MeetingUuid {
    /// Longest text taken for a UUID; Zoom's have 24 characters.
    pub const MAX_LEN: usize = 128;

    /// Wraps a UUID in the decoded form that Zoom's JSON carries.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
        let text = text.into();
        let invalid = |reason| InvalidId {
            what: "meeting UUID",
            reason,
        };
        if text.is_empty() {
            return Err(invalid("it is empty"));
        }
        if text.len() > Self::MAX_LEN {
            return Err(invalid("it is too long"));
        }
        if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(invalid("it holds spaces or control characters"));
        }
        Ok(Self(text))
    }

    /// The text as Zoom's JSON carries it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The UUID as a path segment, encoded twice when it holds a slash.
    ///
    /// Zoom demands double encoding when the UUID begins with `/` or contains `//`; a single-encoded slash anywhere
    /// is decoded by proxies on the way and then read as a path separator, so every slash leads to double encoding,
    /// which Zoom accepts. Source: Zoom's Meetings API, and field practice.
    #[must_use]
    pub fn path_segment(&self) -> String {
        let once = encode_segment(&self.0);
        if self.0.contains('/') {
            encode_segment(&once)
        } else {
            once
        }
    }
}

impl fmt::Display for MeetingUuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for MeetingUuid {
    type Err = InvalidId;
    fn from_str(text: &str) -> Result<Self, InvalidId> {
        Self::new(text)
    }
}

impl<'de> Deserialize<'de> for MeetingUuid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// A meeting in a path that takes either form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MeetingKey {
    /// The number: Zoom answers for the latest instance.
    Number(MeetingNumber),
    /// One instance.
    Uuid(MeetingUuid),
}

impl MeetingKey {
    /// The key as a path segment.
    #[must_use]
    pub fn path_segment(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Uuid(uuid) => uuid.path_segment(),
        }
    }
}

impl fmt::Display for MeetingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => fmt::Display::fmt(number, f),
            Self::Uuid(uuid) => fmt::Display::fmt(uuid, f),
        }
    }
}

impl From<MeetingNumber> for MeetingKey {
    fn from(number: MeetingNumber) -> Self {
        Self::Number(number)
    }
}

impl From<MeetingUuid> for MeetingKey {
    fn from(uuid: MeetingUuid) -> Self {
        Self::Uuid(uuid)
    }
}

impl From<&MeetingUuid> for MeetingKey {
    fn from(uuid: &MeetingUuid) -> Self {
        Self::Uuid(uuid.clone())
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as Zoom gave it.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text as Zoom gave it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The identifier as a path segment, percent-encoded.
            #[must_use]
            pub fn path_segment(&self) -> String {
                encode_segment(&self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.to_owned())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                number_or_string(deserializer).map(Self)
            }
        }
    };
}

text_id!(
    /// A user: Zoom's 22-character id, an e-mail address, or `me` for the user of the token.
    UserId
);
text_id!(
    /// An account.
    AccountId
);
text_id!(
    /// One file of a cloud recording.
    RecordingFileId
);
text_id!(
    /// One occurrence of a scheduled series: its start in milliseconds, as text.
    OccurrenceId
);
text_id!(
    /// One registration of a person for a meeting or webinar.
    RegistrantId
);

impl UserId {
    /// The user of a user-level token.
    ///
    /// Server-to-server tokens belong to no user: Zoom's guidance is to name a user there.
    #[must_use]
    pub fn me() -> Self {
        Self("me".to_owned())
    }
}

fn number_or_string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    struct Visitor;
    impl de::Visitor<'_> for Visitor {
        type Value = String;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an identifier as a string or a number")
        }
        fn visit_u64<E: de::Error>(self, number: u64) -> Result<String, E> {
            Ok(number.to_string())
        }
        fn visit_i64<E: de::Error>(self, number: i64) -> Result<String, E> {
            Ok(number.to_string())
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<String, E> {
            Ok(text.to_owned())
        }
    }
    deserializer.deserialize_any(Visitor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_in_every_form() {
        for text in [
            "84410027731",
            "844 1002 7731",
            " 844-1002-7731 ",
            "844\u{a0}1002\u{a0}7731",
        ] {
            assert_eq!(text.parse::<MeetingNumber>().unwrap().get(), 84_410_027_731);
        }
        for text in [
            "",
            "  ",
            "0",
            "12a",
            "99999999999999999999999",
            "18446744073709551615",
        ] {
            assert!(text.parse::<MeetingNumber>().is_err(), "{text}");
        }
        assert_eq!(
            serde_json::from_str::<MeetingNumber>("\"844 1002 7731\"")
                .unwrap()
                .get(),
            84_410_027_731
        );
        assert_eq!(
            serde_json::from_str::<MeetingNumber>("84410027731")
                .unwrap()
                .get(),
            84_410_027_731
        );
        assert!(serde_json::from_str::<MeetingNumber>("-1").is_err());
    }

    #[test]
    fn dots_do_not_climb() {
        assert_eq!(encode_segment(".."), "%2E%2E");
        assert_eq!(
            UserId::new("a.b+c@x.test").path_segment(),
            "a.b%2Bc%40x.test"
        );
    }

    fn decode(text: &str) -> String {
        let bytes = text.as_bytes();
        let mut out = Vec::new();
        let mut i = 0;
        while i < bytes.len() {
            if bytes[i] == b'%' {
                out.push(u8::from_str_radix(&text[i + 1..i + 3], 16).unwrap());
                i += 3;
            } else {
                out.push(bytes[i]);
                i += 1;
            }
        }
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn a_uuid_survives_its_path(text in "[A-Za-z0-9+/]{1,22}={0,2}") {
            let segment = MeetingUuid::new(text.clone()).unwrap().path_segment();
            prop_assert!(!segment.contains('/'));
            let once = decode(&segment);
            if text.starts_with('/') || text.contains("//") {
                // After a proxy has decoded it once there must still be no slash.
                prop_assert!(!once.contains('/'));
                prop_assert_eq!(decode(&once), text);
            } else if text.contains('/') {
                prop_assert_eq!(decode(&once), text);
            } else {
                prop_assert_eq!(once, text);
            }
        }

        #[test]
        fn no_input_panics(text in ".{0,40}") {
            let _ = text.parse::<MeetingNumber>();
            let _ = MeetingUuid::new(text.clone());
            let _ = UserId::new(text).path_segment();
        }
    }
}
