//! Addresses that open Zoom's own programs.

use url::Url;

use super::super::DeepLinks;

/// Hosts under which Zoom lets people join.
const HOSTS: [&str; 3] = ["zoom.us", "zoomgov.com", "zoom.com.cn"];

/// Zoom's schemes for its own programs, with number and passcode exactly as the address has them.
pub(in crate::provider) fn deep_links(join_url: &str) -> Option<DeepLinks> {
    let url = Url::parse(join_url).ok()?;
    let host = url.host_str()?;
    let known = HOSTS.iter().any(|own| {
        host == *own
            || host
                .strip_suffix(own)
                .is_some_and(|rest| rest.ends_with('.'))
    });
    if url.scheme() != "https" || !known {
        return None;
    }
    let mut parts = url.path_segments()?;
    let (kind, number) = (parts.next()?, parts.next()?);
    let is_number = (9..=12).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    if !matches!(kind, "j" | "w") || !is_number {
        return None;
    }
    // The value as it stands in the address: the passcode in it is not to be written anew.
    let mut rest = String::new();
    for pair in url.query().unwrap_or_default().split('&') {
        if matches!(pair.split('=').next(), Some("pwd" | "tk")) {
            rest.push('&');
            rest.push_str(pair);
        }
    }
    let link = |scheme: &str| format!("{scheme}://{host}/join?action=join&confno={number}{rest}");
    Some(DeepLinks {
        mobile: link("zoomus"),
        desktop: link("zoommtg"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_zooms_becomes_a_deep_link_and_its_passcode_stays_as_it_is() {
        let links =
            deep_links("https://us02web.zoom.us/j/84410027731?pwd=a%2Bb.1&uname=x").unwrap();
        assert_eq!(
            links.mobile,
            "zoomus://us02web.zoom.us/join?action=join&confno=84410027731&pwd=a%2Bb.1"
        );
        assert_eq!(
            links.desktop,
            "zoommtg://us02web.zoom.us/join?action=join&confno=84410027731&pwd=a%2Bb.1"
        );
        let own = deep_links("https://zoom.us/w/84410027731?tk=abc&pwd=1").unwrap();
        assert!(
            own.mobile.ends_with("confno=84410027731&tk=abc&pwd=1"),
            "{own:?}"
        );
        for other in [
            "https://meet.example/j/84410027731",
            "https://notzoom.us/j/84410027731",
            "https://zoom.us.evil.example/j/84410027731",
            "http://zoom.us/j/84410027731",
            "https://zoom.us/s/84410027731?zak=secret",
            "https://zoom.us/j/8441002773x",
            "https://zoom.us/my/ana",
            "nothing",
        ] {
            assert_eq!(deep_links(other), None, "{other}");
        }
    }
}
