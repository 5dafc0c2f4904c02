//! Reading JSON as Zoom writes it: strings for numbers, empty strings for nothing, types that change.
//!
//! A field that cannot be read counts as missing; the raw JSON is kept beside the typed view, so nothing is lost.

use jiff::{Timestamp, civil, tz::TimeZone};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::hidden::Hidden;
use crate::id::{
    AccountId, MeetingNumber, MeetingUuid, OccurrenceId, RecordingFileId, RegistrantId, UserId,
};

/// A type that can be read from whatever Zoom sent, or not at all.
pub(crate) trait Lenient: Sized {
    fn read(value: Value) -> Option<Self>;
}

/// A field of a record: an `Option` or a `Vec` of something lenient.
pub(crate) trait Field: Sized + Default {
    fn read_field(value: Value) -> Self;
    fn is_empty(&self) -> bool;
}

impl<T: Lenient> Field for Option<T> {
    fn read_field(value: Value) -> Self {
        T::read(value)
    }

    fn is_empty(&self) -> bool {
        self.is_none()
    }
}

impl<T: Lenient> Field for Vec<T> {
    /// Null is empty, elements that cannot be read are left out.
    fn read_field(value: Value) -> Self {
        match value {
            Value::Array(values) => values.into_iter().filter_map(T::read).collect(),
            _ => Self::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

/// For `#[serde(deserialize_with)]`.
pub(crate) fn field<'de, T: Field, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(T::read_field(Value::deserialize(deserializer)?))
}

/// For `#[serde(skip_serializing_if)]`.
pub(crate) fn is_empty<T: Field>(field: &T) -> bool {
    field.is_empty()
}

/// Declares structs that are read leniently, each with the fields it does not know in `extra`.
macro_rules! records {
    ($($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            $(
                $(#[$field_meta])*
                #[serde(
                    default,
                    deserialize_with = "crate::lenient::field",
                    skip_serializing_if = "crate::lenient::is_empty"
                )]
                pub $field: $type,
            )*
            /// Fields that have no field of their own here.
            #[serde(flatten)]
            pub extra: crate::hidden::Extra,
        }

        impl crate::lenient::Lenient for $name {
            fn read(value: serde_json::Value) -> Option<Self> {
                serde_json::from_value(value).ok()
            }
        }
    )*};
}
pub(crate) use records;

/// Declares enums of texts that keep what they do not know.
macro_rules! text_enums {
    ($($(#[$meta:meta])* pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)*
            /// A value that is not known here, as Zoom wrote it.
            Other(String),
        }

        impl $name {
            /// The value as Zoom writes it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                $(if text.eq_ignore_ascii_case($text) { return Self::$variant; })*
                Self::Other(text.to_owned())
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(Self::from(String::deserialize(deserializer)?.as_str()))
            }
        }

        impl crate::lenient::Lenient for $name {
            fn read(value: serde_json::Value) -> Option<Self> {
                String::read(value).map(|text| Self::from(text.as_str()))
            }
        }
    )*};
}
pub(crate) use text_enums;

impl Lenient for String {
    fn read(value: Value) -> Option<Self> {
        match value {
            Value::String(text) if !text.is_empty() => Some(text),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(flag) => Some(flag.to_string()),
            _ => None,
        }
    }
}

impl Lenient for Hidden {
    fn read(value: Value) -> Option<Self> {
        String::read(value).map(Self::new)
    }
}

impl Lenient for i64 {
    fn read(value: Value) -> Option<Self> {
        match value {
            Value::Number(number) => number.as_i64().or_else(|| whole(number.as_f64()?)),
            Value::String(text) => text
                .trim()
                .parse()
                .ok()
                .or_else(|| whole(text.trim().parse().ok()?)),
            Value::Bool(flag) => Some(Self::from(flag)),
            _ => None,
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
fn whole(number: f64) -> Option<i64> {
    (number.is_finite() && number.abs() < 9.0e15).then(|| number.trunc() as i64)
}

impl Lenient for u64 {
    fn read(value: Value) -> Option<Self> {
        match &value {
            Value::Number(number) if number.is_u64() => number.as_u64(),
            _ => i64::read(value).and_then(|number| Self::try_from(number).ok()),
        }
    }
}

impl Lenient for bool {
    fn read(value: Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(flag),
            Value::Number(number) => number.as_i64().map(|number| number != 0),
            Value::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Some(true),
                "false" | "0" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Reads Zoom's date-times: RFC 3339, the same without a zone (UTC), or milliseconds since 1970.
impl Lenient for Timestamp {
    fn read(value: Value) -> Option<Self> {
        match value {
            Value::String(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| {
                    let civil: civil::DateTime = text.parse().ok()?;
                    civil.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp())
                })
            }
            Value::Number(number) => moment(number.as_i64()?),
            _ => None,
        }
    }
}

/// Seconds (10 digits) or milliseconds (13 digits) since 1970.
pub(crate) fn moment(number: i64) -> Option<Timestamp> {
    if number.unsigned_abs() < 100_000_000_000 {
        Timestamp::from_second(number).ok()
    } else {
        Timestamp::from_millisecond(number).ok()
    }
}

macro_rules! by_serde {
    ($($name:ty),*) => {$(
        impl Lenient for $name {
            fn read(value: Value) -> Option<Self> {
                if value.as_str().is_some_and(str::is_empty) {
                    return None;
                }
                serde_json::from_value(value).ok()
            }
        }
    )*};
}
by_serde!(
    MeetingNumber,
    MeetingUuid,
    UserId,
    AccountId,
    RecordingFileId,
    OccurrenceId,
    RegistrantId
);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_booleans_and_times_are_read_from_strings() {
        assert_eq!(i64::read(json!("3")), Some(3));
        assert_eq!(i64::read(json!(3.0)), Some(3));
        assert_eq!(u64::read(json!("-3")), None);
        assert_eq!(bool::read(json!("true")), Some(true));
        assert_eq!(bool::read(json!(0)), Some(false));
        assert_eq!(String::read(json!(16_778_240)), Some("16778240".into()));
        assert_eq!(String::read(json!("")), None);
        let at: Timestamp = "2026-09-14T08:31:02Z".parse().unwrap();
        for value in [
            json!("2026-09-14T08:31:02Z"),
            json!("2026-09-14 08:31:02"),
            json!(1_789_374_662_000_i64),
        ] {
            assert_eq!(Timestamp::read(value), Some(at));
        }
        assert_eq!(Timestamp::read(json!("yesterday")), None);
        assert_eq!(UserId::read(json!("")), None);
    }
}
