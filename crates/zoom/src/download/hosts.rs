//! Where downloads may come from.

use url::Url;

use crate::error::{Error, ErrorKind, Result};
use crate::transport::{is_loopback, is_within};

/// Zoom's own domains, which may see a token.
pub(crate) const ZOOM_HOSTS: [&str; 3] = ["zoom.us", "zoom.com", "zoomgov.com"];

/// The storage that Zoom's downloads redirect to. Anybody can rent a host there, so these never see a token, and no
/// download may begin there.
const STORAGE_HOSTS: [&str; 2] = ["amazonaws.com", "cloudfront.net"];

/// Checks the address a download begins at, which gets the token: Zoom's own hosts, `more` of the operator's, and this
/// machine when `local`.
pub(super) fn check_first(url: &Url, more: &[String], local: bool) -> Result<()> {
    check(url, local, |host| is_first(host, more))
}

/// Checks an address that a server redirects to: those a download may begin at, and Zoom's storage.
pub(super) fn check_redirect(url: &Url, more: &[String], local: bool) -> Result<()> {
    check(url, local, |host| {
        is_first(host, more) || STORAGE_HOSTS.iter().any(|domain| is_within(host, domain))
    })
}

fn is_first(host: &str, more: &[String]) -> bool {
    ZOOM_HOSTS.iter().any(|domain| is_within(host, domain))
        || more.iter().any(|domain| is_within(host, domain))
}

fn check(url: &Url, local: bool, listed: impl Fn(&str) -> bool) -> Result<()> {
    let refuse = |why: String| Err(Error::new(ErrorKind::HostRefused, why));
    let Some(host) = url.host_str() else {
        return refuse("a download address has no host".to_owned());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("a download address holds a user or password".to_owned());
    }
    if is_loopback(url) {
        return if local && matches!(url.scheme(), "http" | "https") {
            Ok(())
        } else {
            refuse("a download address points to this machine".to_owned())
        };
    }
    if url.scheme() != "https" {
        return refuse(format!("a download from {host} would not be encrypted"));
    }
    if !listed(host) {
        return refuse(format!(
            "downloads from {host} are not allowed; add it to the download hosts if it is Zoom's"
        ));
    }
    Ok(())
}

/// Whether a redirect stays on the same server, so that it may see the token.
pub(super) fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host() == b.host()
        && a.port_or_known_default() == b.port_or_known_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(text: &str, more: &[&str], local: bool) -> (bool, bool) {
        let url = Url::parse(text).unwrap();
        let more: Vec<String> = more.iter().map(|host| (*host).to_owned()).collect();
        (
            check_first(&url, &more, local).is_ok(),
            check_redirect(&url, &more, local).is_ok(),
        )
    }

    #[test]
    fn only_listed_https_hosts_pass() {
        for good in [
            "https://us06web.zoom.us/rec/download/x",
            "https://zoom.us/x",
        ] {
            assert_eq!(may(good, &[], false), (true, true), "{good}");
        }
        assert_eq!(may("http://127.0.0.1:9/x", &[], true), (true, true));
        for bad in [
            "http://us06web.zoom.us/rec",
            "https://evil.test/rec",
            "https://zoom.us.evil.test/rec",
            "https://169.254.169.254/latest",
            "https://user@zoom.us/x",
            "ftp://zoom.us/x",
            "file:///etc/passwd",
            "http://127.0.0.1:9/x",
            "https://localhost/x",
        ] {
            assert_eq!(may(bad, &[], false), (false, false), "{bad}");
        }
        assert_eq!(may("ftp://127.0.0.1/x", &[], true), (false, false));
    }

    #[test]
    fn storage_is_for_redirects_only_and_never_sees_a_token() {
        for storage in [
            "https://bucket.s3.amazonaws.com/x?sig=1",
            "https://d111.cloudfront.net/x",
        ] {
            assert_eq!(may(storage, &[], false), (false, true), "{storage}");
        }
    }

    #[test]
    fn the_operators_hosts_count_with_and_without_a_leading_dot() {
        for more in [".files.example", "files.example"] {
            assert_eq!(may("https://files.example/x", &[more], false), (true, true));
            assert_eq!(
                may("https://eu.files.example/x", &[more], false),
                (true, true)
            );
            assert_eq!(
                may("https://myfiles.example/x", &[more], false),
                (false, false)
            );
        }
        for nothing in ["", "."] {
            assert_eq!(
                may("https://evil.test/x", &[nothing], false),
                (false, false)
            );
            assert_eq!(
                may("https://evil.test./x", &[nothing], false),
                (false, false)
            );
        }
        // This machine is one to ask only when the whole API is on it.
        assert_eq!(
            may("http://127.0.0.1:9/x", &["127.0.0.1"], false),
            (false, false)
        );
    }
}
