//! What the interfaces of Google and Microsoft have in common: a bearer token that is replaced once when it is refused, JSON, guards
//! by version, refusals in the words of the application.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::Value;

use super::accounts::Account;
use super::http::{Got, Http};
use super::tokens::{self, Giver};
use crate::error::{EngineError, Result};

/// An interface, for one account.
#[derive(Debug)]
pub(super) struct Api {
    account: Account,
    http: Http,
    giver: Giver,
    /// Its address, without a slash at the end.
    base: String,
    /// What every request says beside the token.
    says: &'static [(&'static str, &'static str)],
}

impl Api {
    pub(super) fn new(account: Account, http: Http, giver: Giver, base: &str) -> Self {
        Self {
            account,
            http,
            giver,
            base: base.trim_end_matches('/').to_owned(),
            says: &[],
        }
    }

    /// The same, with headers that go with every request.
    pub(super) fn saying(mut self, says: &'static [(&'static str, &'static str)]) -> Self {
        self.says = says;
        self
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        self.http.now()
    }

    /// Asks; whatever status comes back is an answer. `etag` lets a change through only if nobody was faster.
    pub(super) async fn call(
        &self,
        method: Method,
        url: &str,
        body: Option<&Value>,
        etag: Option<&str>,
    ) -> Result<Got> {
        let mut anew = false;
        loop {
            let token = tokens::token(&self.account, &self.http, &self.giver, anew).await?;
            let mut request = self
                .http
                .client()
                .request(method.clone(), url)
                .bearer_auth(token.expose_secret());
            for (name, value) in self.says {
                request = request.header(*name, *value);
            }
            if let Some(body) = body {
                request = request.json(body);
            }
            if let Some(etag) = etag {
                request = request.header("if-match", etag);
            }
            let got = self.http.send(request).await?;
            if got.status != 401 || anew {
                return Ok(got);
            }
            anew = true;
        }
    }

    /// The failure that an answer tells.
    pub(super) fn refusal(&self, doing: &str, got: &Got) -> EngineError {
        self.http.refusal(doing, got)
    }

    /// Refuses what is no success.
    pub(super) fn accepted(&self, doing: &str, got: &Got) -> Result<()> {
        if got.is_success() {
            Ok(())
        } else {
            Err(self.refusal(doing, got))
        }
    }
}

/// One part of a path or query.
pub(super) fn coded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}
