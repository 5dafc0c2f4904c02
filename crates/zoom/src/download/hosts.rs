//! Where downloads may come from.

use url::Url;

use crate::error::{Error, ErrorKind, Result};
use crate::transport::{is_loopback, is_within};

/// Zoom's own domains, and those of the storage its downloads redirect to.
pub(crate) const DEFAULT_HOSTS: [&str; 5] = [
    "zoom.us",
    "zoom.com",
    "zoomgov.com",
    "amazonaws.com",
    "cloudfront.net",
];

/// Checks an address against the list; `local` allows this machine.
pub(super) fn check(url: &Url, hosts: &[String], local: bool) -> Result<()> {
    let refuse = |why: String| Err(Error::new(ErrorKind::HostRefused, why));
    let Some(host) = url.host_str() else {
        return refuse("a download address has no host".to_owned());
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("a download address holds a user or password".to_owned());
    }
    let listed = hosts.iter().any(|domain| is_within(host, domain));
    if is_loopback(url) {
        let http = matches!(url.scheme(), "http" | "https");
        return if http && (local || listed) {
            Ok(())
        } else {
            refuse("a download address points to this machine".to_owned())
        };
    }
    if url.scheme() != "https" {
        return refuse(format!("a download from {host} would not be encrypted"));
    }
    if !listed {
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

    #[test]
    fn only_listed_https_hosts_pass() {
        let hosts: Vec<String> = DEFAULT_HOSTS
            .iter()
            .map(|host| (*host).to_owned())
            .collect();
        let ok = |text: &str, local| check(&Url::parse(text).unwrap(), &hosts, local).is_ok();
        assert!(ok("https://us06web.zoom.us/rec/download/x", false));
        assert!(ok("https://ssrweb.zoom.us/x", false));
        assert!(ok("https://bucket.s3.amazonaws.com/x?sig=1", false));
        assert!(ok("http://127.0.0.1:9/x", true));
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
            assert!(!ok(bad, false), "{bad}");
        }
        assert!(!ok("ftp://127.0.0.1/x", true));
    }
}
