//! Where the next piece of a list begins, as a text that only we can read something into.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rmcp::ErrorData;
use rmcp::model::PaginatedRequestParams;

/// Writes the place after which a list goes on.
pub(super) fn write(list: &str, after: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}\n{after}"))
}

/// Reads the place of this list; none at its beginning.
///
/// # Errors
/// Invalid parameters when it is not one of this list.
pub(super) fn read(
    list: &str,
    request: Option<PaginatedRequestParams>,
) -> Result<Option<String>, ErrorData> {
    let Some(cursor) = request.and_then(|request| request.cursor) else {
        return Ok(None);
    };
    URL_SAFE_NO_PAD
        .decode(&cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| {
            text.split_once('\n')
                .filter(|(of, _)| *of == list)
                .map(|(_, after)| after.to_owned())
        })
        .map(Some)
        .ok_or_else(foreign)
}

/// The refusal of a cursor that is not ours.
pub(super) fn foreign() -> ErrorData {
    ErrorData::invalid_params(
        "the cursor is not one of this list: pass nextCursor as it was given, or none to begin anew",
        None,
    )
}

/// A piece of a list that is at hand, with where the next one begins.
pub(super) fn piece<T>(
    list: &str,
    items: Vec<T>,
    size: usize,
    request: Option<PaginatedRequestParams>,
) -> Result<(Vec<T>, Option<String>), ErrorData> {
    let from = match read(list, request)? {
        None => 0,
        Some(after) => after.parse::<usize>().map_err(|_| foreign())?,
    };
    if from > items.len() {
        return Err(foreign());
    }
    let next = (from.saturating_add(size) < items.len())
        .then(|| write(list, &from.saturating_add(size).to_string()));
    Ok((items.into_iter().skip(from).take(size).collect(), next))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(cursor: &str) -> PaginatedRequestParams {
        PaginatedRequestParams::default().with_cursor(Some(cursor.to_owned()))
    }

    #[test]
    fn lists_come_in_pieces_and_other_cursors_are_refused() {
        let (first, next) = piece("tools", vec![1, 2, 3], 2, None).unwrap();
        assert_eq!(first, [1, 2]);
        let next = next.unwrap();
        let (rest, end) = piece("tools", vec![1, 2, 3], 2, Some(asked(&next))).unwrap();
        assert_eq!((rest, end), (vec![3], None));
        assert!(piece("prompts", vec![1, 2, 3], 2, Some(asked(&next))).is_err());
        assert!(piece("tools", vec![1, 2, 3], 2, Some(asked("x!"))).is_err());
        assert!(piece("tools", vec![1], 2, Some(asked(&write("tools", "9")))).is_err());
    }
}
