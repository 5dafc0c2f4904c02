//! Access and refresh tokens of the two doubles.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// What a token stands for.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    /// The person, or none for an app that acts as itself.
    pub(super) person: Option<String>,
    /// Scopes, separated by blanks.
    pub(super) scope: String,
}

#[derive(Debug)]
struct Access {
    grant: Grant,
    until: Timestamp,
}

#[derive(Debug)]
struct Code {
    grant: Grant,
    redirect: String,
    challenge: Option<String>,
    until: Timestamp,
}

/// All tokens of one double.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    access: BTreeMap<String, Access>,
    refresh: BTreeMap<String, Grant>,
    codes: BTreeMap<String, Code>,
}

/// How long an access token lives, in seconds.
pub(super) const LIFE: i64 = 3_599;

impl Tokens {
    /// A code for the browser's way back.
    pub(super) fn keep_code(
        &mut self,
        code: String,
        grant: Grant,
        redirect: &str,
        challenge: Option<&str>,
        now: Timestamp,
    ) {
        let until = now + SignedDuration::from_mins(10);
        let code_row = Code {
            grant,
            redirect: redirect.to_owned(),
            challenge: challenge.map(str::to_owned),
            until,
        };
        self.codes.insert(code, code_row);
    }

    /// Redeems a code, once.
    pub(super) fn take_code(
        &mut self,
        code: &str,
        redirect: &str,
        verifier: Option<&str>,
        now: Timestamp,
    ) -> Option<Grant> {
        use base64::Engine as _;
        use sha2::Digest as _;
        let row = self.codes.remove(code)?;
        let proven = match (&row.challenge, verifier) {
            (None, _) => true,
            (Some(challenge), Some(verifier)) => {
                let hash = sha2::Sha256::digest(verifier.as_bytes());
                base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash) == *challenge
            }
            (Some(_), None) => false,
        };
        (proven && row.redirect == redirect && now < row.until).then_some(row.grant)
    }

    /// Keeps tokens and tells them as the token address does.
    pub(super) fn give(
        &mut self,
        access: String,
        refresh: Option<String>,
        grant: Grant,
        now: Timestamp,
    ) -> Value {
        let mut told = json!({
            "access_token": access, "expires_in": LIFE, "token_type": "Bearer", "scope": grant.scope,
        });
        if let Some(refresh) = refresh {
            told["refresh_token"] = json!(refresh);
            self.refresh.insert(refresh, grant.clone());
        }
        let until = now + SignedDuration::from_secs(LIFE);
        self.access.insert(access, Access { grant, until });
        told
    }

    /// Whose a refresh token is.
    pub(super) fn refreshed(&self, token: &str) -> Option<Grant> {
        self.refresh.get(token).cloned()
    }

    /// Whose a living access token is.
    pub(super) fn of(&self, token: &str, now: Timestamp) -> Option<Grant> {
        self.access
            .get(token)
            .filter(|access| now < access.until)
            .map(|access| access.grant.clone())
    }

    /// Ends all access tokens.
    pub(super) fn expire(&mut self) {
        self.access.clear();
    }

    /// Withdraws everything.
    pub(super) fn revoke_all(&mut self) {
        self.access.clear();
        self.refresh.clear();
        self.codes.clear();
    }

    /// Withdraws one token, whichever it is, and the access tokens of its person.
    pub(super) fn revoke(&mut self, token: &str) -> bool {
        let person = match self.refresh.remove(token) {
            Some(grant) => grant.person,
            None => match self.access.remove(token) {
                Some(access) => access.grant.person,
                None => return false,
            },
        };
        self.access
            .retain(|_, access| access.grant.person != person);
        self.refresh.retain(|_, grant| grant.person != person);
        true
    }
}
