//! Time lines: `00:00:02.310 --> 00:00:05.120 align:start`.

/// What a line is, seen as a time line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timing {
    /// Not meant as one.
    No,
    /// Meant as one, but not readable.
    Bad,
    /// Readable; the settings begin at the offset given (behind blanks), which is the line's length without any.
    Good {
        start_ms: u32,
        end_ms: u32,
        settings_at: usize,
        comma: bool,
    },
}

/// Length of `HH:MM:SS.mmm --> HH:MM:SS.mmm`.
pub(super) const ZOOM_LEN: usize = 29;

/// Reads exactly Zoom's form; the fast path.
pub(super) fn zoom(line: &[u8; ZOOM_LEN]) -> Option<(u32, u32)> {
    if line[12..17] != *b" --> " {
        return None;
    }
    Some((
        clock(line[..12].first_chunk()?)?,
        clock(line[17..].first_chunk()?)?,
    ))
}

/// `HH:MM:SS.mmm` in milliseconds.
fn clock(t: &[u8; 12]) -> Option<u32> {
    let d = |i: usize| u32::from(t[i].wrapping_sub(b'0'));
    let digits = [d(0), d(1), d(3), d(4), d(6), d(7), d(9), d(10), d(11)];
    let wrong = digits
        .iter()
        .fold(0, |wrong, &digit| wrong | u32::from(digit > 9));
    let (minutes, seconds) = (d(3) * 10 + d(4), d(6) * 10 + d(7));
    if wrong != 0 || t[2] != b':' || t[5] != b':' || t[8] != b'.' || minutes > 59 || seconds > 59 {
        return None;
    }
    Some(
        (((d(0) * 10 + d(1)) * 60 + minutes) * 60 + seconds) * 1_000
            + d(9) * 100
            + d(10) * 10
            + d(11),
    )
}

/// Reads a time line tolerantly. `at_block_start` also finds attempts with a broken arrow (`->`).
pub(super) fn read(line: &str, at_block_start: bool) -> Timing {
    let bytes = line.as_bytes();
    let indent = bytes
        .iter()
        .take_while(|b| matches!(b, b' ' | b'\t'))
        .count();
    if !bytes.get(indent).is_some_and(u8::is_ascii_digit) {
        return Timing::No;
    }
    if let Some(good) = good(bytes, indent) {
        return good;
    }
    let arrow = if at_block_start { "->" } else { "-->" };
    let Some(found) = line.find(arrow) else {
        return Timing::No;
    };
    let before = &bytes[..found];
    let attempt = before.contains(&b':')
        && before
            .iter()
            .all(|b| matches!(b, b'0'..=b'9' | b':' | b'.' | b',' | b'-' | b' ' | b'\t'));
    if attempt { Timing::Bad } else { Timing::No }
}

fn good(bytes: &[u8], indent: usize) -> Option<Timing> {
    let mut at = indent;
    let (start_ms, start_comma) = instant(bytes, &mut at)?;
    blanks(bytes, &mut at);
    if bytes.get(at..at + 3)? != b"-->" {
        return None;
    }
    at += 3;
    blanks(bytes, &mut at);
    let (end_ms, end_comma) = instant(bytes, &mut at)?;
    let end = at;
    blanks(bytes, &mut at);
    if at == end && at < bytes.len() {
        return None;
    }
    Some(Timing::Good {
        start_ms,
        end_ms,
        settings_at: at,
        comma: start_comma || end_comma,
    })
}

fn blanks(bytes: &[u8], at: &mut usize) {
    while matches!(bytes.get(*at), Some(b' ' | b'\t')) {
        *at += 1;
    }
}

/// `[h+:]mm:ss.mmm`, with a dot or a comma.
fn instant(bytes: &[u8], at: &mut usize) -> Option<(u32, bool)> {
    let mut parts = [0_u32; 3];
    let mut count = 0;
    loop {
        let (value, digits) = number(bytes, at)?;
        let part = parts.get_mut(count)?;
        *part = value;
        count += 1;
        if bytes.get(*at) == Some(&b':') {
            *at += 1;
            // Only the hours may have any number of digits.
            if count > 1 && digits != 2 {
                return None;
            }
        } else {
            if count < 2 || digits != 2 {
                return None;
            }
            break;
        }
    }
    let comma = match bytes.get(*at)? {
        b'.' => false,
        b',' => true,
        _ => return None,
    };
    *at += 1;
    let (millis, digits) = number(bytes, at)?;
    let (hours, minutes, seconds) = if count == 3 {
        (parts[0], parts[1], parts[2])
    } else {
        (0, parts[0], parts[1])
    };
    if digits != 3 || minutes > 59 || seconds > 59 {
        return None;
    }
    let whole = hours
        .checked_mul(3_600_000)?
        .checked_add((minutes * 60 + seconds) * 1_000 + millis)?;
    Some((whole, comma))
}

fn number(bytes: &[u8], at: &mut usize) -> Option<(u32, usize)> {
    let from = *at;
    let mut value = 0_u32;
    while let Some(digit) = bytes.get(*at).filter(|b| b.is_ascii_digit()) {
        value = value
            .checked_mul(10)?
            .checked_add(u32::from(digit - b'0'))?;
        *at += 1;
    }
    (*at > from).then_some((value, *at - from))
}
