//! How programs with Zoom's hosts built in reach the simulator: TLS under its own authority, and a proxy on the same port.
//!
//! One port speaks four ways, told apart by what arrives: plain HTTP, TLS (first byte of a handshake), `CONNECT
//! api.zoom.us:443` (tunnel, then TLS), and absolute-form requests (`GET https://api.zoom.us/v2/users/me`). Only Zoom's
//! own hosts are served; anything else is refused, so that this never becomes an open proxy.

mod authority;
mod serve;

pub use authority::{Authority, AuthorityError};
pub use serve::serve;

/// Zoom's domains, whose hosts the authority vouches for and the proxy answers.
const DOMAINS: [&str; 2] = ["zoom.us", "zoomgov.com"];

/// Whether `host` (without port) is one of Zoom's.
fn is_zoom(host: &str) -> bool {
    DOMAINS.iter().any(|domain| {
        host.eq_ignore_ascii_case(domain)
            || (host.len() > domain.len() + 1
                && host.is_char_boundary(host.len() - domain.len())
                && host[host.len() - domain.len()..].eq_ignore_ascii_case(domain)
                && host.as_bytes()[host.len() - domain.len() - 1] == b'.')
    })
}

#[cfg(test)]
mod tests {
    use super::is_zoom;

    #[test]
    fn only_zooms_hosts_are_served() {
        for yes in [
            "zoom.us",
            "api.zoom.us",
            "US05web.Zoom.us",
            "api.zoomgov.com",
        ] {
            assert!(is_zoom(yes), "{yes}");
        }
        for no in [
            "evilzoom.us",
            "zoom.us.example",
            ".example",
            "",
            "example.org",
            "ézoom.us",
        ] {
            assert!(!is_zoom(no), "{no}");
        }
    }
}
