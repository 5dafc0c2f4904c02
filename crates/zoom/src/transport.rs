//! The HTTP clients underneath: bounded in time, without redirects, TLS except to this machine.

use std::fmt;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use url::{Host, Url};

use crate::error::{Error, ErrorKind, Result};

/// Settings of a [`Transport`].
#[derive(Debug, Clone)]
#[must_use]
pub struct TransportBuilder {
    user_agent: String,
    connect_timeout: Duration,
    timeout: Duration,
    idle_timeout: Duration,
    roots: Vec<reqwest::Certificate>,
}

impl TransportBuilder {
    /// The `User-Agent` header.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// Longest time to connect (default 10 s).
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Longest time for one API or OAuth exchange (default 30 s).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Longest silence within a download (default 30 s).
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Trusts further certificate authorities, given as PEM; for proxies of a company and for test servers.
    pub fn root_certificates(mut self, pem: &[u8]) -> Result<Self> {
        let certificates = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| {
            Error::new(
                ErrorKind::Configuration,
                "the certificate bundle is unreadable",
            )
            .with_source(error)
        })?;
        self.roots.extend(certificates);
        Ok(self)
    }

    /// The transport.
    pub fn build(self) -> Result<Transport> {
        let base = || {
            let mut builder = reqwest::Client::builder()
                .user_agent(self.user_agent.clone())
                .connect_timeout(self.connect_timeout)
                .redirect(reqwest::redirect::Policy::none())
                .referer(false);
            if !self.roots.is_empty() {
                builder = builder.tls_certs_merge(self.roots.iter().cloned());
            }
            builder
        };
        let build = |builder: reqwest::ClientBuilder| {
            builder.build().map_err(|error| {
                Error::new(
                    ErrorKind::Configuration,
                    "the HTTP client could not be built",
                )
                .with_source(error)
            })
        };
        // Files come as they are: a compressed transfer would spoil ranges and sizes.
        let files = || base().read_timeout(self.idle_timeout).no_gzip();
        Ok(Transport {
            calls: build(base().timeout(self.timeout))?,
            local_calls: build(base().timeout(self.timeout).no_proxy())?,
            files: build(files())?,
            local_files: build(files().no_proxy())?,
        })
    }
}

/// The HTTP clients of this crate; cheap to clone, shares its connections.
#[derive(Clone)]
pub struct Transport {
    calls: reqwest::Client,
    local_calls: reqwest::Client,
    files: reqwest::Client,
    local_files: reqwest::Client,
}

impl Transport {
    /// Settings to start from.
    pub fn builder() -> TransportBuilder {
        TransportBuilder {
            user_agent: concat!("parfocal-zoom/", env!("CARGO_PKG_VERSION")).to_owned(),
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(30),
            roots: Vec::new(),
        }
    }

    /// A transport with the default settings.
    pub fn new() -> Result<Self> {
        Self::builder().build()
    }

    /// The client for API and OAuth exchanges with this address.
    pub(crate) fn calls(&self, url: &Url) -> &reqwest::Client {
        if is_loopback(url) {
            &self.local_calls
        } else {
            &self.calls
        }
    }

    /// The client for downloads from this address.
    pub(crate) fn files(&self, url: &Url) -> &reqwest::Client {
        if is_loopback(url) {
            &self.local_files
        } else {
            &self.files
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transport").finish_non_exhaustive()
    }
}

/// Whether the address is on this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// Reads a base address: https, or http to this machine; without user, query and fragment.
pub(crate) fn base_url(text: &str) -> Result<Url> {
    let refuse = |why: &str| {
        Error::new(
            ErrorKind::Configuration,
            format!("the address {text:?} {why}"),
        )
    };
    let url = Url::parse(text.trim().trim_end_matches('/')).map_err(|_| refuse("is not a URL"))?;
    if !url.username().is_empty()
        || url.password().is_some()
        || url.query().is_some()
        || url.fragment().is_some()
    {
        return Err(Error::new(
            ErrorKind::Configuration,
            "an address may hold no user, password, query or fragment",
        ));
    }
    match url.scheme() {
        "https" if url.host().is_some() => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(refuse(
            "is plain http, which is allowed to this machine only",
        )),
        _ => Err(refuse("is not an https address")),
    }
}

/// Appends a path that begins with a slash to a base address.
pub(crate) fn join(base: &Url, path: &str) -> Result<Url> {
    let text = format!("{}{path}", base.as_str().trim_end_matches('/'));
    Url::parse(&text).map_err(|_| {
        Error::new(
            ErrorKind::InvalidRequest,
            "the path cannot be part of a URL",
        )
    })
}

/// Whether a host name is `domain` (which may begin with a dot) or below it.
pub(crate) fn is_within(host: &str, domain: &str) -> bool {
    let (host, domain) = (
        host.trim_end_matches('.').to_ascii_lowercase(),
        domain.trim_matches('.').to_ascii_lowercase(),
    );
    !domain.is_empty()
        && (host == domain
            || host
                .strip_suffix(&domain)
                .is_some_and(|rest| rest.ends_with('.')))
}

/// The beginning of a body: all of it when it is no longer than `look` bytes, else what was read and what is still to come.
pub(crate) async fn opening(
    mut response: reqwest::Response,
    look: usize,
) -> Result<(Bytes, Option<reqwest::Response>)> {
    let mut head = BytesMut::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| Error::from_transport(error).with_received(true))?
    {
        head.extend_from_slice(&chunk);
        if head.len() > look {
            return Ok((head.freeze(), Some(response)));
        }
    }
    Ok((head.freeze(), None))
}

/// Collects a body of at most `limit` bytes.
pub(crate) async fn bounded_body(mut response: reqwest::Response, limit: usize) -> Result<Bytes> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| Error::from_transport(error).with_received(true))?
    {
        if body.len() + chunk.len() > limit {
            return Err(Error::new(
                ErrorKind::TooLarge,
                format!("the answer is larger than {limit} bytes"),
            )
            .with_received(true));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine_only() {
        for good in [
            "https://api.zoom.us/v2",
            "http://127.0.0.1:8090/v2/",
            "http://[::1]:1",
            "http://localhost:3",
        ] {
            assert!(base_url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://api.zoom.us/v2",
            "ftp://127.0.0.1",
            "https://user:pass@zoom.us",
            "https://zoom.us?x=1",
            "zoom.us",
            "http://127.0.0.1.evil.test",
            "",
        ] {
            assert_eq!(
                base_url(bad).unwrap_err().kind(),
                ErrorKind::Configuration,
                "{bad}"
            );
        }
    }

    #[test]
    fn hosts_are_compared_by_label() {
        assert!(is_within("us06web.zoom.us", "zoom.us"));
        assert!(is_within("ZOOM.us.", "zoom.us"));
        assert!(is_within("zoom.us", ".zoom.us") && is_within("us06web.zoom.us", ".zoom.us"));
        assert!(!is_within("evilzoom.us", ".zoom.us") && !is_within("evil.test.", "."));
        assert!(!is_within("evilzoom.us", "zoom.us"));
        assert!(!is_within("zoom.us.evil.test", "zoom.us"));
    }
}
