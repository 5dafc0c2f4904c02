//! Percent coding of paths and queries, as Zoom's gateway reads them.

/// Undoes percent coding once; sequences that are not UTF-8 or not hex stay as they are.
pub fn decode(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16));
        if bytes[at] == b'%'
            && let (Some(high), Some(low)) = (hex(bytes.get(at + 1)), hex(bytes.get(at + 2)))
        {
            out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
            at += 3;
            continue;
        }
        out.push(bytes[at]);
        at += 1;
    }
    String::from_utf8(out).unwrap_or_else(|_| text.to_owned())
}

/// Splits a raw path into its segments, each decoded once. A segment that still is a path Zoom's gateway cannot
/// route (it begins with `/` or contains `//` after one decoding, so it was not encoded twice) gives `None`.
pub fn segments(raw: &str) -> Option<Vec<String>> {
    raw.trim_start_matches('/')
        .split('/')
        .map(|segment| {
            let text = decode(segment);
            (!text.starts_with('/') && !text.contains("//")).then_some(text)
        })
        .collect()
}

/// A UUID or number out of a once-decoded path segment: decodes a second time when it was encoded twice.
pub fn identifier(segment: &str) -> String {
    decode(segment)
}

/// The pairs of a query or form (`+` is a space).
pub fn pairs(query: &str) -> Vec<(String, String)> {
    query
        .split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (
                decode(&key.replace('+', " ")),
                decode(&value.replace('+', " ")),
            )
        })
        .collect()
}

/// Percent-encodes everything but unreserved characters.
pub fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// Escapes text for HTML content and attributes.
pub fn html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_with_slashes_needs_two_encodings() {
        assert_eq!(segments("/past_meetings/%2Fab%2F%2Fc%3D%3D"), None);
        let twice = segments("/past_meetings/%252Fab%252F%252Fc%253D%253D").unwrap();
        assert_eq!(identifier(&twice[1]), "/ab//c==");
        let inner = segments("/past_meetings/ab%2Fc%3D%3D").unwrap();
        assert_eq!(identifier(&inner[1]), "ab/c==");
    }

    #[test]
    fn bad_escapes_stay() {
        assert_eq!(decode("a%zz%4"), "a%zz%4");
        assert_eq!(decode("%ff"), "%ff");
        assert_eq!(
            pairs("a=1+2&b=%2B&&c"),
            [("a", "1 2"), ("b", "+"), ("c", "")].map(|(k, v)| (k.to_owned(), v.to_owned()))
        );
    }
}
