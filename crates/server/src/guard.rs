//! Who comes from this machine: those need no key, unless the configuration says so.
//!
//! The server may listen on loopback only, but two roads lead around that: a web page that makes a browser on this machine call
//! `http://127.0.0.1` under a name of its own (DNS rebinding), and a tunnel opened so that Zoom's webhooks arrive. Both carry a
//! foreign `Host` or a forwarding header. Such requests need a key for everything but the webhook door.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode, Uri, header};

use crate::problem::Problem;

const FORWARDED: [&str; 5] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
    "via",
];

/// The answer to a request that did not begin on this machine and carries no key.
pub(crate) fn not_local() -> Problem {
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "not_local",
        "only requests from this machine, or with a key, are answered here",
    )
    .hint("Open it as http://127.0.0.1 with its port, or send `Authorization: Bearer KEY`. Zoom's webhooks always arrive.")
}

/// The answer to a page of another site that makes a browser change something here.
pub(crate) fn cross_site() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "cross_site",
        "a page of another site may not change anything here",
    )
    .hint(
        "Open the console itself and do it there. A program that is no browser sends neither `Origin` nor `Sec-Fetch-Site`; one \
         behind a proxy needs server.public_url set to the address that people open.",
    )
}

/// The name under which a request came, with its port.
pub(crate) fn host<'r>(headers: &'r HeaderMap, uri: &'r Uri) -> Option<&'r str> {
    let authority = uri.authority().map(axum::http::uri::Authority::as_str);
    authority.or_else(|| headers.get(header::HOST)?.to_str().ok())
}

/// Whether something passed a request on and says so.
pub(crate) fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDED.iter().any(|name| headers.contains_key(*name))
}

/// Whether a `Host` names this machine.
pub(crate) fn is_local(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_local() {
        for host in [
            "localhost",
            "localhost:8080",
            "127.0.0.1",
            "127.0.0.1:1",
            "127.8.9.1:80",
            "[::1]:8080",
            "[::1]",
            "LOCALHOST",
        ] {
            assert!(is_local(host), "{host}");
        }
        for host in [
            "example.org",
            "localhost.example.org",
            "192.168.0.1:8080",
            "127.0.0.1.nip.io",
            "[::2]:80",
            "",
            "0.0.0.0:80",
        ] {
            assert!(!is_local(host), "{host}");
        }
    }
}
