//! Which addresses may be reached: names are resolved first, and the connection goes to the very address that was looked at.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::error::{EngineError, Result};

/// Looks names up and gives only addresses of the public network.
#[derive(Debug)]
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found
                .into_iter()
                .filter(|address| is_public(address.ip()))
                .collect();
            if public.is_empty() {
                return Err(
                    format!("{} has no address in the public network", name.as_str()).into(),
                );
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Refuses an address that may not be posted to.
///
/// # Errors
/// `invalid_input` with the reason.
pub(super) fn check(url: &Url, private: bool) -> Result<()> {
    let allow = "Only HTTPS to the public network is posted to, unless the destination allows private networks.";
    let wrong = |why: String| Err(EngineError::invalid(why).with_hint(allow));
    if !url.username().is_empty() || url.password().is_some() {
        return Err(EngineError::invalid(
            "the address carries a name or password, which would be shown wherever the address is",
        )
        .with_hint("Receivers know us by the signature."));
    }
    match url.scheme() {
        "https" => {}
        "http" if private => {}
        other => return wrong(format!("{other} is not HTTPS")),
    }
    let ip = match url.host() {
        None => return wrong("the address names no host".into()),
        Some(Host::Domain(name)) => {
            let near = name == "localhost" || name.ends_with(".localhost");
            if near && !private {
                return wrong(format!("{name} is this machine"));
            }
            return Ok(());
        }
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
    };
    if !private && !is_public(ip) {
        return wrong(format!("{ip} is in a private network"));
    }
    Ok(())
}

/// Whether an address belongs to the public network.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(a == 0
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_broadcast()
        || ip.is_multicast()
        || ip.is_documentation()
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 192 && b == 88 && c == 99)
        || (a == 198 && (b == 18 || b == 19))
        || a >= 240)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let parts = ip.segments();
    // Addresses of the older protocol come in several clothes.
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    if let Some(old) = ip.to_ipv4_mapped() {
        return is_public_v4(old);
    }
    match parts {
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            return embedded(high, low);
        }
        _ => {}
    }
    // Everything that is handed out to the public network lies in 2000::/3.
    parts[0] & 0xe000 == 0x2000
        && !(parts[0] == 0x2001 && (parts[1] < 0x200 || parts[1] == 0xdb8))
        && !(parts[0] == 0x3fff && parts[1] < 0x1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_known_in_every_form() {
        for text in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "192.0.2.1",
            "::",
            "::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
            "::127.0.0.1",
        ] {
            assert!(!is_public(text.parse().unwrap()), "{text}");
        }
        for text in [
            "8.8.8.8",
            "93.184.216.34",
            "2606:4700::1111",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn only_https_to_the_public_network_unless_allowed() {
        let said = |text: &str, private| check(&text.parse().unwrap(), private).is_ok();
        assert!(said("https://hooks.example.com/x", false));
        assert!(said("https://8.8.8.8/x", false));
        for text in [
            "http://hooks.example.com/",
            "https://127.0.0.1/",
            "https://[::1]/",
            "https://localhost/",
            "https://2130706433/",
            "https://0x7f.1/",
            "ftp://hooks.example.com/",
            "https://a.localhost/",
        ] {
            assert!(!said(text, false), "{text}");
        }
        assert!(said("http://127.0.0.1:9/x", true));
        assert!(!said("https://me:secret@hooks.example.com/", true));
    }
}
