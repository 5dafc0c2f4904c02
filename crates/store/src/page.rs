//! Keys of listings (where the next piece begins) and patterns of LIKE.

use crate::error::{ErrorKind, Result, StoreError};
use crate::model::PageRequest;

/// Reads what a listing gave out as `next`.
pub(crate) struct Key;

impl Key {
    /// A key of one number.
    pub(crate) fn one(page: &PageRequest) -> Result<Option<i64>> {
        page.after.as_deref().map(number).transpose()
    }

    /// A key of a number and an id (or another text).
    pub(crate) fn two(page: &PageRequest) -> Result<Option<(i64, String)>> {
        page.after
            .as_deref()
            .map(|key| {
                let (first, second) = key.split_once('~').ok_or_else(foreign)?;
                Ok((number(first)?, second.to_owned()))
            })
            .transpose()
    }
}

fn number(text: &str) -> Result<i64> {
    text.parse().map_err(|_| foreign())
}

fn foreign() -> StoreError {
    StoreError::new(ErrorKind::Invalid, "this is not a page key of this list")
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '%' | '_' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// A pattern for LIKE … ESCAPE '\': the text itself, or what begins with it when it ends in `*`.
pub(crate) fn like_prefix(text: &str) -> String {
    match text.strip_suffix('*') {
        Some(head) => format!("{}%", escaped(head)),
        None => escaped(text),
    }
}

/// A pattern for LIKE … ESCAPE '\': what contains the text.
pub(crate) fn like_contains(text: &str) -> String {
    format!("%{}%", escaped(text))
}

/// A pattern over normalised text (`' ' || x_search`): words of which the first begins a word and the
/// rest follow it, the last one possibly only begun.
pub(crate) fn search_pattern(text: &str) -> String {
    let terms = parfocal_formats::text::Terms::of(text);
    if terms.is_empty() {
        // Nothing to look for finds everything.
        return "%".to_owned();
    }
    format!("% {}%", terms.tokens.join(" "))
}
