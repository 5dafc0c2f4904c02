//! Lists that come in pages.

use std::collections::HashSet;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::client::{Call, Reply};
use crate::error::{Error, ErrorKind, Result};
use crate::lenient::Lenient as _;

/// Zoom's largest page that every list takes.
pub const PAGE_SIZE: u32 = 300;
/// More pages than this are taken for a list that does not end.
const MOST_PAGES: u32 = 10_000;
/// Empty pages in a row that are still taken for a list with an end.
const MOST_EMPTY: u32 = 3;

/// One page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// Number of the page, from one.
    pub number: u32,
    /// Its items.
    pub items: Vec<Reply<T>>,
    /// Whether Zoom says that there are more.
    pub has_more: bool,
    /// How many items there are in all, according to Zoom; may be an estimate.
    pub total_records: Option<u64>,
    /// The other fields of the answer.
    pub fields: crate::hidden::Extra,
}

/// A list, page by page; [`Pages::items`] makes it a stream of items.
///
/// # Limits
///
/// It ends when Zoom gives no further token. It stops with [`ErrorKind::EndlessPages`] when a token or a page comes
/// back, when several pages in a row are empty, or after ten thousand pages. Zoom's tokens live 15 minutes: when
/// the consumer is slow it stops with [`ErrorKind::PageTokenExpired`], and the window has to be started again.
#[must_use = "a stream does nothing unless polled"]
pub struct Pages<T> {
    inner: BoxStream<'static, Result<Page<T>>>,
}

struct State {
    call: Call,
    item_key: String,
    token: Option<String>,
    number: u32,
    empty: u32,
    seen: HashSet<[u8; 32]>,
    done: bool,
}

impl<T: DeserializeOwned + Send + 'static> Pages<T> {
    pub(crate) fn new(call: Call, item_key: String) -> Self {
        let call = if call.has_query("page_size") {
            call
        } else {
            call.query("page_size", PAGE_SIZE)
        };
        let state = State {
            call,
            item_key,
            token: None,
            number: 0,
            empty: 0,
            seen: HashSet::new(),
            done: false,
        };
        let inner = stream::try_unfold(state, |mut state| async move {
            if state.done {
                return Ok(None);
            }
            let page = state.next().await?;
            Ok(Some((page, state)))
        });
        Self {
            inner: inner.boxed(),
        }
    }

    /// Several lists one after the other, such as windows of time.
    pub(crate) fn chain(lists: Vec<Self>) -> Self {
        Self {
            inner: stream::iter(lists).flatten().boxed(),
        }
    }

    /// The items, as a stream.
    pub fn items(self) -> BoxStream<'static, Result<Reply<T>>> {
        self.inner
            .map_ok(|page| stream::iter(page.items.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    /// All items, at most `limit`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooLarge`] when there are more.
    pub async fn all(self, limit: usize) -> Result<Vec<Reply<T>>> {
        let mut pages = self;
        let mut items = Vec::new();
        while let Some(page) = pages.try_next().await? {
            items.extend(page.items);
            if items.len() > limit {
                return Err(Error::new(
                    ErrorKind::TooLarge,
                    format!("the list has more than {limit} items"),
                ));
            }
        }
        Ok(items)
    }
}

impl State {
    async fn next<T: DeserializeOwned>(&mut self) -> Result<Page<T>> {
        let operation = self.call.operation();
        let call = self
            .call
            .clone()
            .query_opt("next_page_token", self.token.as_deref());
        let mut body: Map<String, Value> = call.json().await?;
        self.number += 1;
        let endless = |why: &str| {
            let message = format!("the list does not end: {why} (page {})", self.number);
            Err(Error::new(ErrorKind::EndlessPages, message).with_operation(operation.clone()))
        };
        let items = match body.remove(&self.item_key) {
            Some(Value::Array(items)) => items,
            _ => Vec::new(),
        };
        let token = body.remove("next_page_token").and_then(String::read);
        if let Some(token) = &token {
            if !self.seen.insert(digest(b"token", token.as_bytes())) {
                return endless("a page token came back");
            }
            if items.is_empty() {
                self.empty += 1;
                if self.empty >= MOST_EMPTY {
                    return endless("page after page is empty");
                }
            } else {
                self.empty = 0;
            }
            if self.number >= MOST_PAGES {
                return endless("too many pages");
            }
        }
        if !items.is_empty() && self.number > 1 || token.is_some() && !items.is_empty() {
            let text = serde_json::to_vec(&items).unwrap_or_default();
            if !self.seen.insert(digest(b"page", &text)) {
                return endless("a page came back");
            }
        }
        let items = items
            .into_iter()
            .map(Reply::from_value)
            .collect::<Result<Vec<_>>>();
        let items = items.map_err(|error| error.with_operation(operation.clone()))?;
        self.done = token.is_none();
        self.token = token;
        Ok(Page {
            number: self.number,
            items,
            has_more: !self.done,
            total_records: body.get("total_records").cloned().and_then(u64::read),
            fields: crate::hidden::Extra(body),
        })
    }
}

fn digest(kind: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(kind);
    digest.update(bytes);
    digest.finalize().into()
}

impl<T> Stream for Pages<T> {
    type Item = Result<Page<T>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.inner.poll_next_unpin(cx)
    }
}

impl<T> fmt::Debug for Pages<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}
