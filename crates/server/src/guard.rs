//! Who may come in while there is no authentication: this machine, and the world only as far as the webhook door.
//!
//! The server listens on loopback, but two roads lead around that: a web page that makes a browser on this machine call
//! `http://127.0.0.1` under a name of its own (DNS rebinding), and a tunnel opened so that Zoom's webhooks arrive. Both carry a
//! foreign `Host` or a forwarding header. Such requests get the webhook door and nothing else.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use crate::problem::Problem;

const FORWARDED: [&str; 5] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-real-ip",
    "via",
];

/// Refuses requests that did not begin on this machine.
pub(crate) async fn local_only(request: Request, next: Next) -> Response {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|value| value.to_str().ok());
    let authority = request
        .uri()
        .authority()
        .map(axum::http::uri::Authority::as_str);
    let local = authority.or(host).is_none_or(is_local)
        && !FORWARDED
            .iter()
            .any(|name| request.headers().contains_key(*name));
    if local {
        return next.run(request).await;
    }
    Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "not_local",
        "only requests from this machine are answered here, because there is no authentication yet",
    )
    .hint("Open it as http://127.0.0.1 with its port. Through a tunnel only /webhooks/zoom can be reached.")
    .into_response()
}

/// Whether a `Host` names this machine.
fn is_local(host: &str) -> bool {
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
