//! Whether a value fits its key, said in words that name what was expected.

use std::net::SocketAddr;

use config::ValueKind;
use parfocal_engine::config::{Key, Kind};
use url::Url;

use super::suggest;

/// Checks a value against its key and brings texts from the environment into shape.
pub(crate) fn check(key: &Key, value: ValueKind) -> Result<ValueKind, (String, String)> {
    let wrong = |message: String| Err((message, mend(key)));
    if let ValueKind::Table(_) = value {
        return wrong("holds further keys, where a value is expected".to_owned());
    }
    let shown = |text: &str| {
        if key.is_secret() {
            "the value".to_owned()
        } else {
            format!("{text:?}")
        }
    };
    if let ValueKind::Array(items) = value {
        if !matches!(key.kind, Kind::List | Kind::Secrets) {
            return wrong("is a list, where one value is expected".to_owned());
        }
        let mut texts = Vec::with_capacity(items.len());
        for item in items {
            match item.into_string() {
                Ok(text) => texts.push(config::Value::new(None, ValueKind::String(text))),
                Err(_) => return wrong("holds something that is not a text".to_owned()),
            }
        }
        return Ok(ValueKind::Array(texts));
    }
    let text = value.to_string();
    let text = text.trim();
    match key.kind {
        Kind::Integer if text.parse::<u64>().is_err() => wrong(format!(
            "{} is not a whole number of at least 0",
            shown(text)
        )),
        Kind::Float => match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(ValueKind::Float(number)),
            _ => wrong(format!("{} is not a number", shown(text))),
        },
        Kind::Bool => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Ok(ValueKind::Boolean(true)),
            "false" | "no" | "off" | "0" => Ok(ValueKind::Boolean(false)),
            _ => wrong(format!("{} is neither true nor false", shown(text))),
        },
        Kind::Url => match Url::parse(text) {
            Ok(_) => Ok(ValueKind::String(text.to_owned())),
            Err(error) => wrong(format!("{} is not an address: {error}", shown(text))),
        },
        Kind::Listen if text.parse::<SocketAddr>().is_err() => {
            wrong(format!("{} is not an address and port", shown(text)))
        }
        // YAML reads a bare `off` as false.
        Kind::Enum(words)
            if matches!(value, ValueKind::Boolean(false)) && words.contains(&"off") =>
        {
            Ok(ValueKind::String("off".to_owned()))
        }
        Kind::Enum(words) if !words.contains(&text) => {
            match suggest::nearest(text, words.iter().copied()) {
                Some(word) => Err((
                    format!("{} is not one of {}", shown(text), words.join(", ")),
                    format!("Did you mean {word}?"),
                )),
                None => wrong(format!(
                    "{} is not one of {}",
                    shown(text),
                    words.join(", ")
                )),
            }
        }
        _ => Ok(ValueKind::String(text.to_owned())),
    }
}

/// What to write instead, by the key's kind.
pub(crate) fn mend(key: &Key) -> String {
    let example = |fallback: &str| {
        if key.default == "null" {
            fallback.to_owned()
        } else {
            key.default.to_owned()
        }
    };
    match key.kind {
        Kind::Integer => format!("Write a whole number such as {}.", example("10")),
        Kind::Float => format!("Write a number such as {}.", example("0.5")),
        Kind::Bool => "Write true or false.".to_owned(),
        Kind::Url => format!(
            "Write an address such as {}.",
            example("https://example.org")
        ),
        Kind::Listen => format!(
            "Write an address and port such as {}.",
            example("127.0.0.1:8080")
        ),
        Kind::Enum(words) => format!("Write one of {}.", words.join(", ")),
        Kind::List => format!("Write a list such as {}.", example("[a, b]")),
        Kind::Secrets => "Write a list, or one text with commas.".to_owned(),
        Kind::Path => format!("Write a path such as {}.", example("/var/lib/parfocal")),
        _ => "Write one text.".to_owned(),
    }
}
