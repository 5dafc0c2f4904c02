//! Requests from a file: what whoever measures has prepared, such as the calls of many sessions.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use crate::Options;

/// Whole requests that are sent in turns.
pub(crate) struct Given {
    requests: Vec<Vec<u8>>,
    count: usize,
}

/// One request: a GET.
#[derive(Deserialize)]
struct One {
    path: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
}

impl Given {
    /// Writes every request out once.
    pub(crate) fn read(file: &Path, options: &Options) -> Result<Self> {
        let text = std::fs::read(file).with_context(|| file.display().to_string())?;
        let list: Vec<One> = serde_json::from_slice(&text)?;
        ensure!(!list.is_empty(), "{} names no request", file.display());
        let requests = list
            .into_iter()
            .map(|one| {
                let mut text = format!("GET {} HTTP/1.1\r\nhost: {}\r\n", one.path, options.target);
                for (name, value) in &one.headers {
                    write!(text, "{name}: {value}\r\n")?;
                }
                text.push_str("\r\n");
                Ok(text.into_bytes())
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            requests,
            count: options.count,
        })
    }

    /// The request with this number, if there are so many.
    pub(crate) fn request(&self, at: usize) -> Option<&[u8]> {
        (at < self.count).then(|| self.requests[at % self.requests.len()].as_slice())
    }
}
