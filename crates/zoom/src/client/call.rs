//! One call, before it is sent.

use bytes::Bytes;
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Client, Reply, Response, Streamed};
use crate::endpoint::{self, Endpoint, Repeat};
use crate::error::{Error, ErrorKind, Result};
use crate::id::UserId;
use crate::limit::{Label, Priority, Quota};
use crate::page::Pages;

/// A call to build up and send; see [`Client::call`].
#[derive(Debug, Clone)]
#[must_use = "a call does nothing until it is sent"]
pub struct Call {
    pub(super) client: Client,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) endpoint: Option<&'static Endpoint>,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Option<Bytes>,
    pub(super) quotas: Vec<Quota>,
    pub(super) repeat: Repeat,
    pub(super) label: Label,
    pub(super) fault: Option<String>,
}

impl Call {
    pub(super) fn new(client: Client, method: Method, path: String) -> Self {
        let endpoint = endpoint::find(&method, &path);
        let fault = check_path(&path).err().map(str::to_owned);
        Self {
            client,
            endpoint,
            label: endpoint::label_of(endpoint),
            repeat: endpoint::repeat_of(&method),
            method,
            path,
            query: Vec::new(),
            body: None,
            quotas: Vec::new(),
            fault,
        }
    }

    /// Adds a query parameter; an empty `next_page_token` is left out, since Zoom would start again at page one.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "callers pass numbers, dates and borrowed ids alike"
    )]
    pub fn query(mut self, name: impl Into<String>, value: impl ToString) -> Self {
        let (name, value) = (name.into(), value.to_string());
        if !(name == "next_page_token" && value.is_empty()) {
            self.query.push((name, value));
        }
        self
    }

    /// Adds a query parameter if there is a value.
    pub fn query_opt(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Sets the JSON body.
    pub fn body(mut self, body: &(impl Serialize + ?Sized)) -> Self {
        match serde_json::to_vec(body) {
            Ok(bytes) => self.body = Some(bytes.into()),
            Err(error) => self.fault = Some(format!("the body cannot be written as JSON: {error}")),
        }
        self
    }

    /// Sets a body that is JSON already; it is sent as it is.
    pub fn json_bytes(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Some(body.into());
        self
    }

    /// Counts the call against the daily creates and updates of this host.
    pub fn host(self, host: &UserId) -> Self {
        let host = host.as_str().to_owned();
        self.quota(Quota::HostWrites { host })
    }

    /// Counts the call against a further quota.
    pub fn quota(mut self, quota: Quota) -> Self {
        self.quotas.push(quota);
        self
    }

    /// Sends the call with another priority than the client's.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.client.options.priority = priority;
        self
    }

    /// Counts the call under another label than the table's.
    pub fn label(mut self, label: Label) -> Self {
        self.label = label;
        self
    }

    /// Declares that doing it twice is the same as doing it once, so that it may be repeated after a lost answer.
    pub fn repeatable(mut self) -> Self {
        self.repeat = Repeat::Safe;
        self
    }

    /// Sends the call.
    ///
    /// # Errors
    ///
    /// Everything but a 2xx answer; see [`ErrorKind`].
    ///
    /// # Cancellation
    ///
    /// Dropping the future gives the slot back when it is safe; whether Zoom has got the call is not known then.
    pub async fn send(self) -> Result<Response> {
        super::pipeline::run(&self).await
    }

    /// Sends the call; the body of the answer is handed on as it arrives, and is not bounded.
    ///
    /// Once the answer has begun nothing is repeated: a body that breaks off is the reader's to notice.
    ///
    /// # Errors
    ///
    /// As [`Call::send`].
    pub async fn stream(self) -> Result<Streamed> {
        super::pipeline::stream(&self).await
    }

    /// Sends the call and reads the answer's JSON.
    ///
    /// # Errors
    ///
    /// As [`Call::send`]; when the answer to a call that is never repeated cannot be read,
    /// [`ErrorKind::OutcomeUnknown`]: it happened, but what came of it is not known.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let (operation, repeat) = (self.operation(), self.repeat);
        let response = self.send().await?;
        response
            .json()
            .map_err(|error| unreadable(error, repeat).with_operation(operation))
    }

    /// Sends the call and reads the answer's JSON, keeping what it was read from.
    ///
    /// # Errors
    ///
    /// As [`Call::json`].
    pub async fn reply<T: DeserializeOwned>(self) -> Result<Reply<T>> {
        let (operation, repeat) = (self.operation(), self.repeat);
        let response = self.send().await?;
        let tracking_id = response.tracking_id().map(str::to_owned);
        Reply::from_response(&response).map_err(|error| {
            unreadable(error, repeat)
                .with_operation(operation)
                .with_tracking_id(tracking_id)
        })
    }

    /// Sends a call whose answer has no body.
    pub async fn done(self) -> Result<()> {
        self.send().await.map(|_| ())
    }

    /// Pages through a list; `item_key` names the array in each page.
    pub fn pages<T: DeserializeOwned + Send + 'static>(
        self,
        item_key: impl Into<String>,
    ) -> Pages<T> {
        Pages::new(self, item_key.into())
    }

    pub(crate) fn has_query(&self, name: &str) -> bool {
        self.query.iter().any(|(known, _)| known == name)
    }

    pub(crate) fn operation(&self) -> String {
        match self.endpoint {
            Some(endpoint) => endpoint.operation(),
            None => format!("{} (unlisted path)", self.method),
        }
    }

    pub(crate) fn check(&self) -> Result<()> {
        match &self.fault {
            Some(fault) => Err(Error::new(ErrorKind::InvalidRequest, fault.clone())
                .with_operation(self.operation())),
            None => Ok(()),
        }
    }
}

/// The error of a successful answer that cannot be read.
fn unreadable(error: Error, repeat: Repeat) -> Error {
    match repeat {
        Repeat::Safe => error,
        Repeat::Never => {
            let message = format!(
                "it happened, but the answer cannot be read: {}",
                error.message()
            );
            error
                .with_kind(ErrorKind::OutcomeUnknown)
                .with_message(message)
        }
    }
}

/// A path stays under the base address, whatever was put into it.
fn check_path(path: &str) -> std::result::Result<(), &'static str> {
    let Some(rest) = path.strip_prefix('/') else {
        return Err("the path has to begin with a slash");
    };
    if path.len() > 4096 {
        return Err("the path is too long");
    }
    if path
        .bytes()
        .any(|b| !b.is_ascii_graphic() || matches!(b, b'?' | b'#' | b'\\'))
    {
        return Err("the path holds characters that have to be percent-encoded");
    }
    for segment in rest.split('/') {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        if segment.is_empty() {
            return Err("the path holds an empty part");
        }
        if plain == "." || plain == ".." {
            return Err("the path holds a part of dots only");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_cannot_leave_the_api() {
        for good in [
            "/users/me",
            "/meetings/%252Fabc%252F%252Fx%253D%253D",
            "/users/a.b%40x.test",
        ] {
            assert!(check_path(good).is_ok(), "{good}");
        }
        for bad in [
            "users",
            "//evil.test/x",
            "/a/../b",
            "/a/%2e%2E/b",
            "/a?x=1",
            "/a#b",
            "/a b",
            "/ä",
            "/a\\b",
            "/a//b",
            "/",
        ] {
            assert!(check_path(bad).is_err(), "{bad}");
        }
    }
}
