//! Who has which tokens: codes, grants, access and refresh tokens, and how they die.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::history::{History, Record};
use crate::config::{App, AppKind};
use crate::world::chance::Chance;

/// Life of a refresh token.
pub const REFRESH_LIFE: SignedDuration = SignedDuration::from_hours(24 * 90);
/// Life of an authorization code.
pub const CODE_LIFE: SignedDuration = SignedDuration::from_mins(5);

/// On whose behalf a token acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// One user.
    User(String),
    /// The whole account; `me` is this user.
    Account {
        /// The app's owner.
        owner: String,
    },
    /// The app itself (`client_credentials`).
    App,
}

/// What an access token stands for.
#[derive(Debug, Clone)]
pub struct Access {
    /// Client id of the app (the confidential one).
    pub client_id: String,
    /// On whose behalf.
    pub subject: Subject,
    /// What it may do.
    pub scopes: BTreeSet<String>,
    /// When it stops working.
    pub expires: Timestamp,
    /// The grant it came from; none for tokens without refresh.
    pub grant: Option<u64>,
}

/// A challenge of PKCE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The challenge.
    pub value: String,
    /// `S256`, else plain.
    pub s256: bool,
    /// Asked for by Zoom's client, which does not say how the challenge was made: both ways count.
    pub in_client: bool,
}

impl Challenge {
    /// Whether a verifier answers it.
    pub fn answered_by(&self, verifier: &str) -> bool {
        let hashed = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let plain = verifier == self.value;
        let s256 = hashed == self.value;
        match (self.in_client, self.s256) {
            (true, _) => plain || s256,
            (false, true) => s256,
            (false, false) => plain,
        }
    }
}

/// A code given to a redirect address.
#[derive(Debug, Clone)]
pub struct Code {
    /// Confidential or public client id it was asked with.
    pub client_id: String,
    /// Address it was sent to.
    pub redirect_uri: String,
    /// The user who allowed.
    pub user_id: String,
    /// What was allowed.
    pub scopes: BTreeSet<String>,
    /// PKCE, if used.
    pub challenge: Option<Challenge>,
    /// When it stops working.
    pub expires: Timestamp,
}

/// The consent of one user to one app.
#[derive(Debug, Clone)]
struct Grant {
    client_id: String,
    user_id: String,
    subject: Subject,
    scopes: BTreeSet<String>,
    refresh: String,
    expires: Timestamp,
    old: Option<(String, Timestamp)>,
}

/// What the token endpoint hands out.
#[derive(Debug, Clone)]
pub struct Issued {
    /// Access token.
    pub access_token: String,
    /// Seconds for which it works.
    pub expires_in: u32,
    /// Refresh token, for grants that have one.
    pub refresh_token: Option<String>,
    /// Scopes.
    pub scopes: BTreeSet<String>,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Never existed, revoked, rotated away.
    Invalid,
    /// Too old.
    Expired,
}

/// What can be set of the tokens, at the start and while it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Knobs {
    /// Seconds for which a rotated refresh token still works; 0 kills it at once.
    pub refresh_grace_secs: u32,
    /// Seconds for which an access token works.
    pub access_life_secs: u32,
    /// The regional API address that token answers name; the simulator's own when `None`.
    pub api_url: Option<String>,
}

/// All tokens of the simulated account.
#[derive(Debug)]
pub struct Grants {
    chance: Chance,
    codes: HashMap<String, Code>,
    access: HashMap<String, Arc<Access>>,
    consents: HashMap<u64, Grant>,
    next_grant: u64,
    knobs: Knobs,
    history: History,
    handed_out: Vec<String>,
}

/// So many secrets are remembered.
const MOST_HANDED_OUT: usize = 10_000;
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

impl Grants {
    /// No tokens yet.
    pub fn new(seed: u64, started: Timestamp, knobs: Knobs) -> Self {
        let nonce = u64::try_from(started.as_microsecond()).unwrap_or(0);
        Self {
            chance: Chance::of(seed, "oauth", nonce),
            codes: HashMap::new(),
            access: HashMap::new(),
            consents: HashMap::new(),
            next_grant: 1,
            knobs,
            history: History::default(),
            handed_out: Vec::new(),
        }
    }

    /// What is set.
    pub fn knobs(&self) -> &Knobs {
        &self.knobs
    }

    /// Sets it, for tokens given from here on.
    pub fn set_knobs(&mut self, knobs: Knobs) {
        self.knobs = knobs;
    }

    /// Random letters and digits.
    pub fn letters(&mut self, len: usize) -> String {
        self.chance.text(LETTERS, len)
    }

    /// Notes a secret that somebody was given.
    pub fn handed_out(&mut self, secret: &str) {
        if self.handed_out.len() < MOST_HANDED_OUT {
            self.handed_out.push(secret.to_owned());
        }
    }

    /// The secrets that were given to anybody: codes, access and refresh tokens.
    pub fn secrets(&self) -> &[String] {
        &self.handed_out
    }

    /// A JWT-shaped text of at least 600 characters; nothing in it may be relied on.
    fn jwt(&mut self, issuer: &str, kind: u8, now: Timestamp, expires: Timestamp) -> String {
        let kid = self.letters(36);
        let head = json!({ "sv": "000002", "alg": "HS512", "v": "2.0", "kid": kid });
        let body = json!({
            "ver": 10,
            "auid": self.letters(64),
            "code": self.letters(64),
            "iss": format!("zm:cid:{issuer}"),
            "gno": 0,
            "type": kind,
            "tid": 0,
            "aud": "https://oauth.zoom.us",
            "uid": self.letters(22),
            "nbf": now.as_second(),
            "exp": expires.as_second(),
            "iat": now.as_second(),
            "aid": self.letters(22),
            "jti": self.letters(36),
        });
        let mut tail = [0_u8; 64];
        for chunk in tail.chunks_mut(16) {
            chunk.copy_from_slice(&self.chance.bytes16());
        }
        let token = format!(
            "{}.{}.{}",
            URL_SAFE_NO_PAD.encode(head.to_string()),
            URL_SAFE_NO_PAD.encode(body.to_string()),
            URL_SAFE_NO_PAD.encode(tail)
        );
        self.handed_out(&token);
        token
    }

    /// Hands out a code.
    pub fn code(&mut self, code: Code, now: Timestamp) -> String {
        self.codes.retain(|_, code| code.expires > now);
        let text = self.letters(48);
        self.handed_out(&text);
        self.codes.insert(text.clone(), code);
        text
    }

    /// Looks at a code without using it.
    pub fn peek(&self, code: &str, now: Timestamp) -> Option<&Code> {
        self.codes.get(code).filter(|code| code.expires > now)
    }

    /// Uses a code up.
    pub fn take(&mut self, code: &str) -> Option<Code> {
        self.codes.remove(code)
    }

    fn access(
        &mut self,
        app: &App,
        subject: Subject,
        scopes: BTreeSet<String>,
        grant: Option<u64>,
        now: Timestamp,
    ) -> String {
        self.access
            .retain(|_, access| access.expires + SignedDuration::from_hours(24) > now);
        let expires = now + self.access_life();
        let token = self.jwt(&app.client_id, 0, now, expires);
        self.access.insert(
            token.clone(),
            Arc::new(Access {
                client_id: app.client_id.clone(),
                subject,
                scopes,
                expires,
                grant,
            }),
        );
        token
    }

    fn access_life(&self) -> SignedDuration {
        SignedDuration::from_secs(i64::from(self.knobs.access_life_secs))
    }

    /// A token without refresh: server-to-server, or the app itself.
    pub fn issue_plain(
        &mut self,
        app: &App,
        subject: Subject,
        scopes: BTreeSet<String>,
        now: Timestamp,
    ) -> Issued {
        let access_token = self.access(app, subject, scopes.clone(), None, now);
        Issued {
            access_token,
            expires_in: self.knobs.access_life_secs,
            refresh_token: None,
            scopes,
        }
    }

    /// A user's consent becomes a grant; an earlier grant of the same user and app dies with its tokens.
    pub fn authorize(
        &mut self,
        app: &App,
        user_id: &str,
        scopes: BTreeSet<String>,
        now: Timestamp,
    ) -> Issued {
        let earlier: Vec<u64> = self
            .consents
            .iter()
            .filter(|(_, grant)| grant.client_id == app.client_id && grant.user_id == user_id)
            .map(|(id, _)| *id)
            .collect();
        for id in earlier {
            self.kill(id, "replaced");
        }
        let subject = match app.kind {
            AppKind::User => Subject::User(user_id.to_owned()),
            AppKind::Admin | AppKind::ServerToServer => Subject::Account {
                owner: user_id.to_owned(),
            },
        };
        let id = self.next_grant;
        self.next_grant += 1;
        let refresh = self.jwt(&app.client_id, 1, now, now + REFRESH_LIFE);
        self.consents.insert(
            id,
            Grant {
                client_id: app.client_id.clone(),
                user_id: user_id.to_owned(),
                subject: subject.clone(),
                scopes: scopes.clone(),
                refresh: refresh.clone(),
                expires: now + REFRESH_LIFE,
                old: None,
            },
        );
        let record = Record {
            grant: id,
            client_id: app.client_id.clone(),
            user_id: user_id.to_owned(),
            since: now,
            generation: 1,
            access_expires: now + self.access_life(),
            asked: 0,
            accepted: 0,
            early: 0,
            replayed: 0,
            replays_accepted: 0,
            ended: None,
        };
        self.history.begin(record, &refresh);
        let access_token = self.access(app, subject, scopes.clone(), Some(id), now);
        Issued {
            access_token,
            expires_in: self.knobs.access_life_secs,
            refresh_token: Some(refresh),
            scopes,
        }
    }

    /// What an earlier grant of the same user and app holds (`include_granted_scopes`).
    pub fn granted(&self, client_id: &str, user_id: &str) -> BTreeSet<String> {
        self.consents
            .values()
            .find(|grant| grant.client_id == client_id && grant.user_id == user_id)
            .map(|grant| grant.scopes.clone())
            .unwrap_or_default()
    }

    /// Rotates a refresh token: a new pair, and the old refresh token dies (after the grace, if there is one).
    pub fn refresh(&mut self, app: &App, token: &str, now: Timestamp) -> Result<Issued, Refused> {
        let replay = self.history.asked(token);
        let (id, grant) = self
            .consents
            .iter()
            .find(|(_, grant)| {
                grant.refresh == token
                    || grant
                        .old
                        .as_ref()
                        .is_some_and(|(old, until)| old == token && now < *until)
            })
            .filter(|(_, grant)| grant.client_id == app.client_id)
            .map(|(id, grant)| (*id, grant.clone()))
            .ok_or(Refused::Invalid)?;
        if grant.expires <= now {
            return Err(Refused::Expired);
        }
        let refresh = self.jwt(&app.client_id, 1, now, now + REFRESH_LIFE);
        let grace = SignedDuration::from_secs(i64::from(self.knobs.refresh_grace_secs));
        let expires = now + self.access_life();
        self.history.accepted(id, &refresh, replay, now, expires);
        if let Some(grant) = self.consents.get_mut(&id) {
            let old = std::mem::replace(&mut grant.refresh, refresh.clone());
            grant.expires = now + REFRESH_LIFE;
            grant.old = (!grace.is_zero()).then(|| (old, now + grace));
        }
        let access_token = self.access(app, grant.subject, grant.scopes.clone(), Some(id), now);
        Ok(Issued {
            access_token,
            expires_in: self.knobs.access_life_secs,
            refresh_token: Some(refresh),
            scopes: grant.scopes,
        })
    }

    /// What an access token stands for.
    pub fn check(&self, token: &str, now: Timestamp) -> Result<&Arc<Access>, Refused> {
        let access = self.access.get(token).ok_or(Refused::Invalid)?;
        if access.expires <= now {
            Err(Refused::Expired)
        } else {
            Ok(access)
        }
    }

    /// Makes an access token expire at once.
    pub fn expire(&mut self, token: &str, now: Timestamp) {
        if let Some(access) = self.access.get_mut(token) {
            Arc::make_mut(access).expires = now;
            if let Some(grant) = access.grant {
                self.history.shortened(grant, now);
            }
        }
    }

    /// Revokes by access or refresh token: the whole grant dies. `false` when nothing like that is alive.
    pub fn revoke(&mut self, client_id: &str, token: &str) -> bool {
        let grant = match self.access.get(token) {
            Some(access) if access.client_id == client_id => {
                let grant = access.grant;
                self.access.remove(token);
                if grant.is_none() {
                    return true;
                }
                grant
            }
            Some(_) => None,
            None => self
                .consents
                .iter()
                .find(|(_, grant)| grant.client_id == client_id && grant.refresh == token)
                .map(|(id, _)| *id),
        };
        grant.is_some_and(|id| self.kill(id, "revoked"))
    }

    /// The user removes the app: every grant of that app (and user, if named) dies. Gives how many.
    pub fn remove_app(&mut self, client_id: Option<&str>, user_id: Option<&str>) -> usize {
        let dead: Vec<u64> = self
            .consents
            .iter()
            .filter(|(_, grant)| client_id.is_none_or(|id| id == grant.client_id))
            .filter(|(_, grant)| user_id.is_none_or(|id| id == grant.user_id))
            .map(|(id, _)| *id)
            .collect();
        dead.iter().filter(|id| self.kill(**id, "removed")).count()
    }

    fn kill(&mut self, id: u64, how: &'static str) -> bool {
        self.history.end(id, how);
        self.access.retain(|_, access| access.grant != Some(id));
        self.consents.remove(&id).is_some()
    }

    /// Every consent there has been, oldest first.
    pub fn history(&self) -> impl Iterator<Item = &Record> {
        self.history.records()
    }

    /// Living grants: client id, user id.
    pub fn living(&self) -> Vec<(String, String)> {
        let mut list: Vec<_> = self
            .consents
            .values()
            .map(|grant| (grant.client_id.clone(), grant.user_id.clone()))
            .collect();
        list.sort();
        list
    }
}

#[cfg(test)]
mod tests;
