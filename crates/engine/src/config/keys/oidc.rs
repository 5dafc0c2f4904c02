//! The keys of the section `oidc`.

use super::{Key, Kind, key};

pub(super) const ISSUER: Key = key(
    "oidc.issuer",
    Kind::Text,
    "null",
    None,
    "Address of the identity provider (OpenID Connect) where people sign in to the console, as its tokens name it. None: keys only. Needs `server.auth: keys`.",
);
pub(super) const CLIENT_ID: Key = key(
    "oidc.client_id",
    Kind::Text,
    "null",
    None,
    "Id of our client at the provider: a web application with the redirect address PUBLIC_URL/login/oidc/callback.",
);
pub(super) const CLIENT_SECRET: Key = key(
    "oidc.client_secret",
    Kind::Secret,
    "null",
    None,
    "Secret of that client. None: a public client, which PKCE alone protects.",
);
pub(super) const NAME: Key = key(
    "oidc.name",
    Kind::Text,
    "single sign-on",
    None,
    "What the sign-in page calls the provider: `Sign in with NAME`.",
);
pub(super) const SCOPES: Key = key(
    "oidc.scopes",
    Kind::List,
    "[openid, email, profile]",
    None,
    "Scopes that are asked for; `openid` among them. Some providers tell groups only with one of their own.",
);
pub(super) const GROUPS_CLAIM: Key = key(
    "oidc.groups_claim",
    Kind::Text,
    "groups",
    None,
    "The claim that lists the groups of a person.",
);
pub(super) const TRUST_EMAIL: Key = key(
    "oidc.trust_email",
    Kind::Bool,
    "false",
    None,
    "Whether addresses count that the provider does not call verified. Only for a provider in which nobody can choose their own.",
);
pub(super) const READ: Key = key(
    "oidc.read",
    Kind::List,
    "[]",
    None,
    "Who may read: addresses (ana@example.org), domains (@example.org), groups (group:staff). The greatest role that any list gives counts.",
);
pub(super) const OPERATE: Key = key(
    "oidc.operate",
    Kind::List,
    "[]",
    None,
    "Who may change things at Zoom and run and repeat work besides, in the same form.",
);
pub(super) const ADMIN: Key = key(
    "oidc.admin",
    Kind::List,
    "[]",
    None,
    "Who may do everything, in the same form.",
);
