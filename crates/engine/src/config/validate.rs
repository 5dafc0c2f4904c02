//! Checks that types cannot make; each complaint names the key, what is wrong and the mend.

use std::fmt;

use url::{Host, Url};

use super::{Config, Plan, Secret};
use crate::actions;
use crate::vault::MasterKey;

/// One thing that is wrong with the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// The key, as a dotted path.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub mend: String,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}. {}", self.key, self.message, self.mend)
    }
}

impl std::error::Error for Invalid {}

struct Findings(Vec<Invalid>);

impl Findings {
    fn add(&mut self, key: impl Into<String>, message: impl Into<String>, mend: impl Into<String>) {
        self.0.push(Invalid {
            key: key.into(),
            message: message.into(),
            mend: mend.into(),
        });
    }
}

impl Config {
    /// Checks all values, and reports everything that is wrong at once.
    pub fn validate(&self) -> Result<(), Vec<Invalid>> {
        let mut found = Findings(Vec::new());
        self.check_server(&mut found);
        self.check_mcp(&mut found);
        self.check_database(&mut found);
        self.check_vault(&mut found);
        self.check_zoom(&mut found);
        self.check_numbers(&mut found);
        self.check_mail(&mut found);
        for (key, message, mend) in super::oidc::faults(self) {
            found.add(key, message, mend);
        }
        for (key, message, mend) in self.models.faults() {
            found.add(key, message, mend);
        }
        if found.0.is_empty() {
            Ok(())
        } else {
            Err(found.0)
        }
    }

    fn check_server(&self, found: &mut Findings) {
        if !self.server.listen.ip().is_loopback() && self.server.auth != super::Auth::Keys {
            found.add(
                "server.listen",
                format!(
                    "{} can be reached from other machines, and there is no authentication",
                    self.server.listen
                ),
                "Set server.auth to keys and make one with `parfocal keys create NAME --role admin`, or listen on 127.0.0.1.",
            );
        }
        if let Some(url) = &self.server.public_url
            && (!matches!(url.scheme(), "http" | "https")
                || url.host().is_none()
                || url.query().is_some())
        {
            found.add(
                "server.public_url",
                format!("{url} is not a web address"),
                "Write it as https://host, without a query.",
            );
        }
        if !(1024..=64 * 1024 * 1024).contains(&self.server.max_webhook_bytes) {
            found.add(
                "server.max_webhook_bytes",
                "must lie between 1 KiB and 64 MiB",
                "1048576 suits Zoom's webhooks.",
            );
        }
        if !(1024..=256 * 1024 * 1024).contains(&self.server.max_body_bytes) {
            found.add(
                "server.max_body_bytes",
                "must lie between 1 KiB and 256 MiB",
                "1048576 suits the API.",
            );
        }
    }

    fn check_mcp(&self, found: &mut Findings) {
        for name in &self.mcp.destructive_tools {
            if !actions::find(name).is_some_and(actions::Action::destructive) {
                found.add(
                    "mcp.destructive_tools",
                    format!("{name:?} is no action that cannot be undone"),
                    "Name them as `parfocal action list` does, such as meeting.delete; the others are offered anyway.",
                );
            }
        }
        for pattern in &self.mcp.hidden_tools {
            if !actions::all()
                .iter()
                .any(|action| action.is_meant_by(pattern))
            {
                found.add(
                    "mcp.hidden_tools",
                    format!("{pattern:?} names no action"),
                    "Name them as `parfocal action list` does; `webinar.*` stands for all of a noun.",
                );
            }
        }
        for host in &self.mcp.allowed_hosts {
            if host.is_empty() || host.contains(['/', ' ', '*']) {
                found.add(
                    "mcp.allowed_hosts",
                    format!("{host:?} is not the name of a host"),
                    "Write it as zoom.example.org or zoom.example.org:8080.",
                );
            }
        }
        for origin in &self.mcp.allowed_origins {
            let plain = origin.strip_suffix(":*").unwrap_or(origin);
            let fits = Url::parse(plain).is_ok_and(|url| {
                matches!(url.scheme(), "http" | "https")
                    && url.host().is_some()
                    && url.path() == "/"
                    && url.query().is_none()
            });
            if !fits || plain.ends_with('/') {
                found.add(
                    "mcp.allowed_origins",
                    format!("{origin:?} is not the origin of a page"),
                    "Write it as https://app.example.org:443 or http://localhost:*.",
                );
            }
        }
    }

    fn check_database(&self, found: &mut Findings) {
        if let Some(url) = self.database.url.as_ref().filter(|url| !url.is_empty()) {
            let text = url.expose();
            if !["sqlite:", "postgres://", "postgresql://"]
                .iter()
                .any(|scheme| text.starts_with(scheme))
            {
                found.add(
                    "database.url",
                    "is neither an SQLite file nor a PostgreSQL server",
                    "Write sqlite:PATH or postgres://user:password@host/name.",
                );
            }
        }
        if !(1..=512).contains(&self.database.max_connections) {
            found.add(
                "database.max_connections",
                "must lie between 1 and 512",
                "8 suits most machines.",
            );
        }
    }

    fn check_vault(&self, found: &mut Findings) {
        let mend = "Make one with `openssl rand -base64 32`.";
        for (key, secret) in [
            ("vault.key", &self.vault.key),
            ("vault.previous_key", &self.vault.previous_key),
        ] {
            if let Some(secret) = secret
                && let Err(error) = MasterKey::parse(secret)
            {
                found.add(key, error.to_string(), mend);
            }
        }
        if self.vault.previous_key.is_some() && self.vault.key.is_none() {
            found.add(
                "vault.previous_key",
                "is set, but there is no vault.key to replace it",
                "Set TOKEN_ENCRYPTION_KEY to the new key and leave the old one here.",
            );
        }
    }

    fn check_zoom(&self, found: &mut Findings) {
        if let Some(url) = &self.zoom.api_url {
            check_address("zoom.api_url", url, found);
        }
        check_address("zoom.oauth_url", &self.zoom.oauth_url, found);
        if self
            .zoom
            .oauth_url
            .path()
            .trim_end_matches('/')
            .ends_with("/oauth")
        {
            found.add(
                "zoom.oauth_url",
                "already ends in /oauth, which is added by itself",
                "Leave /oauth off.",
            );
        }
        let set =
            |text: &Option<String>| text.as_deref().is_some_and(|text| !text.trim().is_empty());
        let parts = [
            (
                "zoom.account_id",
                "ZOOM_ACCOUNT_ID",
                set(&self.zoom.account_id),
            ),
            (
                "zoom.s2s_client_id",
                "ZOOM_S2S_CLIENT_ID",
                set(&self.zoom.s2s_client_id),
            ),
            (
                "zoom.s2s_client_secret",
                "ZOOM_S2S_CLIENT_SECRET",
                self.zoom
                    .s2s_client_secret
                    .as_ref()
                    .is_some_and(|secret| !secret.is_empty()),
            ),
        ];
        if parts.iter().any(|(_, _, given)| *given) {
            for (key, env, _) in parts.iter().filter(|(_, _, given)| !given) {
                found.add(
                    *key,
                    "is missing, while other credentials of the server-to-server app are given",
                    format!(
                        "Set {env}, or remove the others: all three make the connection `env`."
                    ),
                );
            }
        }
        for (name, app) in &self.zoom.apps {
            let fine = !name.is_empty()
                && name.len() <= 64
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
            if !fine {
                found.add(
                    format!("zoom.apps.{name}"),
                    "the name becomes part of an address",
                    "Use lower-case letters, digits and -, at most 64.",
                );
            }
            if name == "env" || name == "default" {
                found.add(
                    format!("zoom.apps.{name}"),
                    "this name is taken",
                    "Choose another name.",
                );
            }
            if app.webhook_secret_token.iter().any(Secret::is_empty) {
                found.add(
                    format!("zoom.apps.{name}.webhook_secret_token"),
                    "holds an empty token",
                    "Copy the Secret Token from the app's Feature page.",
                );
            }
        }
        if !(1..=600).contains(&self.zoom.timeout_seconds) {
            found.add(
                "zoom.timeout_seconds",
                "must lie between 1 and 600",
                "30 suits Zoom.",
            );
        }
    }

    fn check_mail(&self, found: &mut Findings) {
        for (key, message, mend) in self.availability.faults() {
            found.add(key, message, mend);
        }
        if self.smtp.from.parse::<lettre::message::Mailbox>().is_err() {
            found.add(
                "smtp.from",
                format!("{:?} is not an address", self.smtp.from),
                "write for example: Planning <planning@example.com>",
            );
        }
        let here = |host: Option<&str>| {
            host.is_none_or(|host| {
                host == "localhost"
                    || host
                        .parse::<std::net::IpAddr>()
                        .is_ok_and(|address| address.is_loopback())
            })
        };
        let clear = super::Security::None;
        if self.imap.security == clear && !here(self.imap.host.as_deref()) {
            found.add(
                "imap.security",
                "mail and password would travel in the clear",
                "use tls or starttls; none is for a server on this machine",
            );
        }
        if self.smtp.security == clear && !here(self.smtp.host.as_deref()) {
            found.add(
                "smtp.security",
                "mail would travel in the clear",
                "use starttls or tls; none is for a mail server on this machine",
            );
        }
        if let Some(url) = &self.reminders.push_url {
            check_address("reminders.push_url", url, found);
        }
        if let Some(url) = &self.reminders.webhook_url {
            check_address("reminders.webhook_url", url, found);
            if self.reminders.webhook_secret.is_none() {
                found.add(
                    "reminders.webhook_secret",
                    "reminders by webhook would not be signed",
                    "set a secret: whsec_ and the base64 of 24 random bytes or more",
                );
            }
        }
    }

    fn check_numbers(&self, found: &mut Findings) {
        if !(self.limits.share > 0.0 && self.limits.share <= 1.0) {
            found.add(
                "limits.share",
                format!("{} is not a part of a whole", self.limits.share),
                "Write a number above 0 and up to 1, such as 0.8.",
            );
        }
        if self.limits.plan == Plan::Off
            && !self
                .zoom
                .api_url
                .as_ref()
                .or(Some(&self.zoom.oauth_url))
                .is_some_and(is_loopback)
        {
            found.add(
                "limits.plan",
                "`off` would run into Zoom's limits",
                "Name the account's plan: free, pro or business. `off` is for a simulator on this machine.",
            );
        }
        if !(1..=3650).contains(&self.backfill.days) {
            found.add(
                "backfill.days",
                "must lie between 1 and 3650",
                "Zoom's reports reach back six months: 180.",
            );
        }
        for (key, value) in [
            ("backfill.parallel", self.backfill.parallel),
            ("jobs.workers", self.jobs.workers),
        ] {
            if !(1..=1024).contains(&value) {
                found.add(
                    key,
                    "must lie between 1 and 1024",
                    "32 suits most machines.",
                );
            }
        }
        if !(5..=3600).contains(&self.jobs.lease_seconds) {
            found.add(
                "jobs.lease_seconds",
                "must lie between 5 and 3600",
                "120 suits most work.",
            );
        }
        if !(1..=100).contains(&self.jobs.max_attempts) {
            found.add(
                "jobs.max_attempts",
                "must lie between 1 and 100",
                "12 tries span about a day.",
            );
        }
        for (key, days) in [
            ("inbox.keep_days", self.inbox.keep_days),
            ("jobs.keep_days", self.jobs.keep_days),
        ] {
            if !(1..=3650).contains(&days) {
                found.add(
                    key,
                    "must lie between 1 and 3650",
                    "30 suits most: what is older is deleted.",
                );
            }
        }
        if self.media.max_file_mb == 0 {
            found.add(
                "media.max_file_mb",
                "nothing could be fetched",
                "Write at least 1.",
            );
        }
    }
}

pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn check_address(key: &str, url: &Url, found: &mut Findings) {
    match url.scheme() {
        "https" if url.host().is_some() => {}
        "http" if is_loopback(url) => {}
        "http" => found.add(
            key,
            format!("{url} would send tokens in the clear"),
            "Use https; plain http only to loopback.",
        ),
        _ => found.add(
            key,
            format!("{url} is not a web address"),
            "Write it as https://host.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(config: &Config) -> Vec<String> {
        config
            .validate()
            .err()
            .unwrap_or_default()
            .into_iter()
            .map(|invalid| invalid.key)
            .collect()
    }

    #[test]
    fn the_defaults_are_valid() {
        assert_eq!(keys(&Config::default()), Vec::<String>::new());
    }

    #[test]
    fn each_fault_names_its_key() {
        let mut config = Config::default();
        config.server.listen = "0.0.0.0:8080".parse().unwrap();
        config.database.url = Some("mysql://root@db/zoom".into());
        config.vault.key = Some("too short".into());
        config.zoom.api_url = Some("http://example.org/v2".parse().unwrap());
        config.zoom.account_id = Some("a".into());
        config.limits.share = 1.5;
        config.jobs.workers = 0;
        config.mcp.destructive_tools = vec!["meeting.get".into()];
        config.mcp.hidden_tools = vec!["webinar.*".into(), "webinar.explode".into()];
        config.mcp.allowed_hosts = vec!["zoom.example.org:8080".into(), "https://a".into()];
        config.mcp.allowed_origins = vec!["http://localhost:*".into(), "app.example.org".into()];
        assert_eq!(
            keys(&config),
            [
                "server.listen",
                "mcp.destructive_tools",
                "mcp.hidden_tools",
                "mcp.allowed_hosts",
                "mcp.allowed_origins",
                "database.url",
                "vault.key",
                "zoom.api_url",
                "zoom.s2s_client_id",
                "zoom.s2s_client_secret",
                "limits.share",
                "jobs.workers"
            ]
        );
        for invalid in config.validate().unwrap_err() {
            assert!(!invalid.mend.is_empty());
            assert!(
                !invalid.to_string().contains("too short"),
                "a secret in a complaint"
            );
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let mut config = Config::default();
        config.zoom.oauth_url = "http://127.0.0.1:8090".parse().unwrap();
        config.limits.plan = Plan::Off;
        assert_eq!(keys(&config), Vec::<String>::new());
        config.zoom.oauth_url = "http://zoom.us".parse().unwrap();
        assert_eq!(keys(&config), ["zoom.oauth_url", "limits.plan"]);
    }

    #[test]
    fn lists_may_be_one_text_with_commas_and_unknown_keys_are_refused() {
        let config: Config = serde_json::from_str(
            r#"{"zoom":{"download_hosts":"a.example, b.example","webhook_secret_token":"one,two"},"media":{"fetch":"transcript,mp4"}}"#,
        )
        .unwrap();
        assert_eq!(config.zoom.download_hosts, ["a.example", "b.example"]);
        assert_eq!(config.zoom.webhook_secret_token[1].expose(), "two");
        assert_eq!(config.media.fetch.len(), 2);
        let error = serde_json::from_str::<Config>(r#"{"zoom":{"clientid":"x"}}"#).unwrap_err();
        assert!(error.to_string().contains("clientid"));
    }
}
