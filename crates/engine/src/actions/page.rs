//! Lists of Zoom's, piece by piece, over windows of time where Zoom takes no more than a month at once.

use jiff::civil::Date;
use parfocal_zoom::Reply;
use parfocal_zoom::api::DateWindow;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::context::{Step, Zoom};
use super::request::Request;
use super::shape::{Listed, ROWS};
use crate::error::{EngineError, Fault};

/// Which piece of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'p> {
    pub(super) limit: Option<u32>,
    pub(super) after: Option<&'p str>,
}

/// Asks for a piece of a list that Zoom pages by tokens.
pub(super) async fn list<T, V>(
    zoom: &Zoom,
    request: Request,
    items: &str,
    piece: Piece<'_>,
    view: impl Fn(&Reply<T>) -> V,
) -> Step<Listed<V>>
where
    T: DeserializeOwned,
{
    let request = request
        .query("page_size", Some(piece.limit.unwrap_or(ROWS)))
        .query(
            "next_page_token",
            piece.after.filter(|token| !token.is_empty()),
        );
    let page: Value = zoom.send(request).await?.json()?;
    let rows = page
        .get(items)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut out = Vec::with_capacity(rows.len());
    for row in rows {
        out.push(view(&Reply::from_value(row.clone())?));
    }
    let next = page
        .get("next_page_token")
        .and_then(Value::as_str)
        .filter(|token| !token.is_empty())
        .map(str::to_owned);
    Ok(Listed { items: out, next })
}

/// Asks for a piece of a list over days, which may be more than the month that Zoom takes at once.
///
/// The key of the next piece is the number of the month with Zoom's token.
pub(super) async fn windowed<T, V>(
    zoom: &Zoom,
    request: impl Fn(DateWindow) -> Request,
    window: DateWindow,
    items: &str,
    piece: Piece<'_>,
    view: impl Fn(&Reply<T>) -> V,
) -> Step<Listed<V>>
where
    T: DeserializeOwned,
{
    let parts = window.split();
    let (at, token) = match piece.after {
        None => (0, None),
        Some(after) => {
            let wrong = || {
                EngineError::faulty(
                    "the piece of the list is not known",
                    vec![Fault::new(
                        "after",
                        after,
                        "it is not a key of this list",
                        "Pass what `next` of the piece before said, with the same days.",
                    )],
                )
            };
            let (at, token) = after.split_once('~').ok_or_else(wrong)?;
            let at: usize = at.parse().map_err(|_| wrong())?;
            (at, Some(token))
        }
    };
    let Some(part) = parts.get(at) else {
        return Ok(Listed {
            items: Vec::new(),
            next: None,
        });
    };
    let piece = Piece {
        after: token,
        ..piece
    };
    let mut listed = list(zoom, request(*part), items, piece, view).await?;
    listed.next = match listed.next {
        Some(token) => Some(format!("{at}~{token}")),
        None if at + 1 < parts.len() => Some(format!("{}~", at + 1)),
        None => None,
    };
    Ok(listed)
}

/// The window between two days.
///
/// # Errors
/// `invalid_input` when it ends before it begins, or is longer than ten years.
pub(super) fn window(from: Date, to: Date) -> crate::Result<DateWindow> {
    let wrong = |problem: &str, mend: &str| {
        EngineError::faulty(
            "the days cannot be used",
            vec![Fault::new("to", to.to_string(), problem, mend)],
        )
    };
    let window = DateWindow::new(from, to).map_err(|_| {
        wrong(
            "it lies before from",
            "Give a last day that is not before the first.",
        )
    })?;
    if window.days() > 3_660 {
        return Err(wrong(
            "these are more than ten years",
            "Ask for fewer days.",
        ));
    }
    Ok(window)
}
