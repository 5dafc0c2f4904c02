//! The section `oidc`: signing in to the console with OpenID Connect.

use serde::{Deserialize, Serialize};
use url::Url;

use super::sections::texts;
use super::validate::is_loopback;
use super::{Auth, Config, Secret};
use crate::keys::Role;

/// Signing in to the console at an identity provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Oidc {
    /// The provider, as its tokens name it; none: keys only.
    pub issuer: Option<String>,
    /// The id of our client there.
    pub client_id: Option<String>,
    /// Its secret; none: a public client, kept safe by PKCE alone.
    pub client_secret: Option<Secret>,
    /// What the button on the sign-in page calls the provider.
    pub name: String,
    /// The scopes that are asked for.
    #[serde(deserialize_with = "texts")]
    pub scopes: Vec<String>,
    /// The claim that lists a person's groups.
    pub groups_claim: String,
    /// Whether addresses count that the provider does not call verified.
    pub trust_email: bool,
    /// Who may read.
    #[serde(deserialize_with = "texts")]
    pub read: Vec<String>,
    /// Who may run and repeat work besides.
    #[serde(deserialize_with = "texts")]
    pub operate: Vec<String>,
    /// Who may do everything.
    #[serde(deserialize_with = "texts")]
    pub admin: Vec<String>,
}

impl Default for Oidc {
    fn default() -> Self {
        Self {
            issuer: None,
            client_id: None,
            client_secret: None,
            name: "single sign-on".to_owned(),
            scopes: ["openid", "email", "profile"].map(str::to_owned).to_vec(),
            groups_claim: "groups".to_owned(),
            trust_email: false,
            read: Vec::new(),
            operate: Vec::new(),
            admin: Vec::new(),
        }
    }
}

/// Whom an entry of a list means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Meant<'e> {
    /// `@example.org`: everybody with an address of this domain.
    Domain(&'e str),
    /// `ana@example.org`
    Address(&'e str),
    /// `group:operators`
    Group(&'e str),
}

impl<'e> Meant<'e> {
    fn of(entry: &'e str) -> Option<Self> {
        if let Some(group) = entry.strip_prefix("group:") {
            return (!group.trim().is_empty()).then_some(Self::Group(group));
        }
        let (person, domain) = entry.split_once('@')?;
        if domain.is_empty() || domain.contains(['@', '*', ' ']) || person.contains('*') {
            return None;
        }
        Some(if person.is_empty() {
            Self::Domain(domain)
        } else {
            Self::Address(entry)
        })
    }

    fn is(self, email: Option<&str>, groups: &[String]) -> bool {
        match self {
            Self::Group(name) => groups.iter().any(|group| group == name),
            Self::Address(wanted) => email.is_some_and(|email| email.eq_ignore_ascii_case(wanted)),
            Self::Domain(wanted) => email
                .and_then(|email| email.rsplit_once('@'))
                .is_some_and(|(_, domain)| domain.eq_ignore_ascii_case(wanted)),
        }
    }
}

impl Oidc {
    /// Whether people sign in there.
    pub fn is_on(&self) -> bool {
        self.issuer.is_some() && self.client_id.is_some()
    }

    /// What somebody may do, by their verified address and their groups; none: they may not come in.
    pub fn role_of(&self, email: Option<&str>, groups: &[String]) -> Option<Role> {
        [
            (&self.admin, Role::Admin),
            (&self.operate, Role::Operate),
            (&self.read, Role::Read),
        ]
        .into_iter()
        .find(|(list, _)| {
            list.iter()
                .filter_map(|entry| Meant::of(entry))
                .any(|meant| meant.is(email, groups))
        })
        .map(|(_, role)| role)
    }

    /// The groups among these that a list names: the others are nobody's business here.
    pub(crate) fn named(&self, groups: &[String]) -> Vec<String> {
        let lists = [&self.admin, &self.operate, &self.read];
        let entries = || lists.into_iter().flatten();
        groups
            .iter()
            .filter(|group| {
                entries().any(|entry| entry.strip_prefix("group:") == Some(group.as_str()))
            })
            .cloned()
            .collect()
    }

    /// Whether a list names groups.
    pub(crate) fn asks_for_groups(&self) -> bool {
        [&self.admin, &self.operate, &self.read]
            .into_iter()
            .flatten()
            .any(|entry| entry.starts_with("group:"))
    }
}

/// An address of a provider: https, or this machine.
pub(crate) fn is_safe(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}

/// What is wrong: key, complaint, mend.
pub(super) fn faults(config: &Config) -> Vec<(String, String, String)> {
    let oidc = &config.oidc;
    let mut found = Vec::new();
    let mut add = |key: &str, what: String, mend: &str| {
        found.push((format!("oidc.{key}"), what, mend.to_owned()));
    };
    for (key, list) in [
        ("read", &oidc.read),
        ("operate", &oidc.operate),
        ("admin", &oidc.admin),
    ] {
        for entry in list {
            if Meant::of(entry).is_none() {
                add(
                    key,
                    format!("{entry:?} means nobody"),
                    "Write ana@example.org, @example.org for a whole domain, or group:NAME.",
                );
            }
        }
    }
    let Some(issuer) = &oidc.issuer else {
        if oidc.client_id.is_some() {
            add(
                "issuer",
                "a client id is there, but nobody whose client it is".to_owned(),
                "Write the provider's address, such as https://accounts.example.org.",
            );
        }
        return found;
    };
    let fits = Url::parse(issuer)
        .is_ok_and(|url| is_safe(&url) && url.query().is_none() && url.fragment().is_none());
    if !fits {
        add(
            "issuer",
            format!("{issuer:?} is no provider"),
            "Write its address with https, as its tokens name it; plain http is for this machine only.",
        );
    }
    if oidc.client_id.is_none() {
        add(
            "client_id",
            "is missing".to_owned(),
            "Register a web application at the provider with the redirect address PUBLIC_URL/login/oidc/callback.",
        );
    }
    if !oidc.scopes.iter().any(|scope| scope == "openid") {
        add(
            "scopes",
            "openid is missing".to_owned(),
            "Without it a provider says nothing of who signed in.",
        );
    }
    if oidc.read.is_empty() && oidc.operate.is_empty() && oidc.admin.is_empty() {
        add(
            "admin",
            "nobody may come in".to_owned(),
            "Name people, domains or groups in oidc.read, oidc.operate or oidc.admin.",
        );
    }
    if config.server.auth != Auth::Keys {
        add(
            "issuer",
            "server.auth is local, so nobody on this machine is asked to sign in".to_owned(),
            "Set server.auth to keys.",
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lists() -> Oidc {
        Oidc {
            read: vec!["@example.org".into(), "group:staff".into()],
            operate: vec!["ops@partner.example".into()],
            admin: vec!["ana@example.org".into(), "group:admins".into()],
            ..Oidc::default()
        }
    }

    #[test]
    fn the_greatest_role_that_a_list_gives_counts() {
        let oidc = lists();
        let of = |email, groups: &[&str]| {
            let groups: Vec<String> = groups.iter().map(|one| (*one).to_owned()).collect();
            oidc.role_of(email, &groups)
        };
        assert_eq!(of(Some("Ana@Example.org"), &[]), Some(Role::Admin));
        assert_eq!(of(Some("ben@example.org"), &[]), Some(Role::Read));
        assert_eq!(of(Some("ben@example.org"), &["admins"]), Some(Role::Admin));
        assert_eq!(of(Some("ops@partner.example"), &[]), Some(Role::Operate));
        assert_eq!(of(None, &["staff"]), Some(Role::Read));
        for email in [
            "x@partner.example",
            "ana@example.org.evil.test",
            "ana@notexample.org",
            "example.org",
            "@",
            "",
        ] {
            assert_eq!(
                of(Some(email), &["Admins", "group:admins"]),
                None,
                "{email}"
            );
        }
        assert_eq!(of(None, &[]), None);
        let all = ["staff".to_owned(), "chess".to_owned()];
        assert_eq!(oidc.named(&all), ["staff"]);
    }

    #[test]
    fn each_fault_names_its_key_and_the_mend() {
        let keys = |oidc: Oidc, auth| {
            let mut config = Config {
                oidc: Box::new(oidc),
                ..Config::default()
            };
            config.server.auth = auth;
            let found = faults(&config);
            assert!(
                found
                    .iter()
                    .all(|(_, what, mend)| !what.is_empty() && !mend.is_empty())
            );
            found.into_iter().map(|(key, ..)| key).collect::<Vec<_>>()
        };
        assert!(keys(Oidc::default(), Auth::Local).is_empty());
        let good = Oidc {
            issuer: Some("https://id.example.org/realm".into()),
            client_id: Some("parfocal".into()),
            ..lists()
        };
        assert!(keys(good.clone(), Auth::Keys).is_empty());
        assert_eq!(keys(good.clone(), Auth::Local), ["oidc.issuer"]);
        let bad = Oidc {
            issuer: Some("http://id.example.org".into()),
            client_id: None,
            scopes: vec!["email".into()],
            read: vec!["*@example.org".into(), "everybody".into(), "group:".into()],
            ..Oidc::default()
        };
        assert_eq!(
            keys(bad, Auth::Keys),
            [
                "oidc.read",
                "oidc.read",
                "oidc.read",
                "oidc.issuer",
                "oidc.client_id",
                "oidc.scopes"
            ]
        );
        let nobody = Oidc {
            read: Vec::new(),
            operate: Vec::new(),
            admin: Vec::new(),
            ..good
        };
        assert_eq!(keys(nobody, Auth::Keys), ["oidc.admin"]);
    }
}
