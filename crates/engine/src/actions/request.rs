//! A call to Zoom as it will be made: built once, shown by a dry run, sent otherwise.

use http::Method;
use parfocal_zoom::endpoint;
use parfocal_zoom::id::UserId;
use parfocal_zoom::limit::Quota;
use parfocal_zoom::{Call, Client};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::action::label_word;

/// A call to Zoom, before it is made.
#[derive(Debug, Clone)]
pub(super) struct Request {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    body: Option<Value>,
    quotas: Vec<Quota>,
    repeatable: bool,
}

impl Request {
    /// A call; `path` is under `/v2`, its parts percent-encoded.
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            body: None,
            quotas: Vec::new(),
            repeatable: false,
        }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// Adds a query parameter if there is a value.
    pub(super) fn query(mut self, name: &str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.query.push((name.to_owned(), value.to_string()));
        }
        self
    }

    pub(super) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    /// Counts it against the host's creates and updates of the day.
    pub(super) fn host(self, host: &UserId) -> Self {
        // Addresses are the same in every case of letters; ids are not.
        let host = host.as_str();
        self.quota(Quota::HostWrites {
            host: if host.contains('@') {
                host.to_lowercase()
            } else {
                host.to_owned()
            },
        })
    }

    /// Whoever `me` is, for the count of the day's writes.
    pub(super) fn of_user(mut self, subject: &str) -> Self {
        for quota in &mut self.quotas {
            if let Quota::HostWrites { host } = quota
                && host == "me"
            {
                subject.clone_into(host);
            }
        }
        self
    }

    /// The address of the host whose writes are counted, where it was named by that.
    pub(super) fn host_address(&self) -> Option<&str> {
        self.quotas.iter().find_map(|quota| match quota {
            Quota::HostWrites { host } if host.contains('@') => Some(host.as_str()),
            _ => None,
        })
    }

    pub(super) fn quota(mut self, quota: Quota) -> Self {
        self.quotas.push(quota);
        self
    }

    /// Declares that doing it twice is as doing it once, so that it may be repeated after a lost answer.
    pub(super) fn repeatable(mut self) -> Self {
        self.repeatable = true;
        self
    }

    /// Whether doing it twice would be more than doing it once.
    pub(super) fn only_once(&self) -> bool {
        !self.repeatable && endpoint::repeat_of(&self.method) == endpoint::Repeat::Never
    }

    /// Whether it may change something at Zoom.
    pub(super) fn changes(&self) -> bool {
        self.method != Method::GET
    }

    pub(super) fn quotas(&self) -> &[Quota] {
        &self.quotas
    }

    /// The call of a client.
    pub(super) fn call(&self, client: &Client) -> Call {
        let mut call = client.call(self.method.clone(), self.path.clone());
        for (name, value) in &self.query {
            call = call.query(name.clone(), value);
        }
        if let Some(body) = &self.body {
            call = call.body(body);
        }
        for quota in &self.quotas {
            call = call.quota(quota.clone());
        }
        if self.repeatable {
            call = call.repeatable();
        }
        call
    }

    /// What a dry run shows.
    pub(super) fn planned(&self, connection: &str, base: &str) -> PlannedRequest {
        let mut url = format!("{}{}", base.trim_end_matches('/'), self.path);
        if !self.query.is_empty() {
            let query: String = url::form_urlencoded::Serializer::new(String::new())
                .extend_pairs(&self.query)
                .finish();
            url.push('?');
            url.push_str(&query);
        }
        let known = endpoint::find(&self.method, &self.path);
        PlannedRequest {
            method: self.method.to_string(),
            url,
            raw: self.body.clone(),
            rate_label: label_word(endpoint::label_of(known)),
            connection: connection.to_owned(),
        }
    }

    /// The call as `GET /users/{userId}`.
    pub(super) fn operation(&self) -> String {
        endpoint::find(&self.method, &self.path).map_or_else(
            || format!("{} (unlisted path)", self.method),
            endpoint::Endpoint::operation,
        )
    }
}

/// A call to Zoom that a dry run would have made.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct PlannedRequest {
    /// HTTP method.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// The body as it would be sent; none when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw: Option<Value>,
    /// Zoom's rate label.
    pub rate_label: &'static str,
    /// The connection whose token it would carry.
    pub connection: String,
}

/// A call to Zoom that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ZoomCall {
    /// The call as `GET /users/{userId}`.
    pub operation: String,
    /// Zoom's HTTP status.
    pub status: u16,
    /// The id by which Zoom's support finds it.
    pub tracking_id: Option<String>,
}
