//! Signing in to the console with OpenID Connect: authorization code with PKCE, for people whom a list names.
//!
//! A sign-in is one random cookie. `state`, `nonce` and the PKCE verifier are made from it, each by a hash of its own, and only the
//! cookie's hash is kept, so that nothing in the database opens a door. What the provider says of a person is kept with their
//! session; what they may do is read from the lists anew each time.

mod provider;
mod token;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use parfocal_store::Session;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

pub(crate) use provider::Provider;
use provider::{Answer, short};

use crate::App;
use crate::audit::{self, By, Change};
use crate::clock::later;
use crate::config::Oidc;
use crate::error::{Code, EngineError, Result};
use crate::keys::{Caller, Surface};

/// What a session of somebody who signed in at the provider is.
pub(crate) const KIND: &str = "oidc";
/// What a sign-in is that has begun.
const BEGUN: &str = "oidc-begun";
/// How long a sign-in may take.
const LIFE: Duration = Duration::from_mins(10);
/// How long somebody stays signed in.
const SESSION: Duration = Duration::from_hours(12);
/// Longest code and state that are looked at.
const LONGEST: usize = 4_096;

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes: to the provider.
    pub address: Url,
    /// The cookie that ties the sign-in to the browser.
    pub cookie: SecretString,
    /// How long it is good.
    pub life: Duration,
}

/// A sign-in that has ended well.
#[derive(Debug)]
pub struct Finished {
    /// The cookie of the session.
    pub cookie: SecretString,
    /// When it ends.
    pub expires: Timestamp,
    /// Where they wanted to go.
    pub to: String,
}

/// What the provider sent the browser back with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Back {
    /// The code.
    pub code: Option<String>,
    /// Our state.
    pub state: Option<String>,
    /// Who answers (RFC 9207).
    pub iss: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// The same in words.
    pub error_description: Option<String>,
}

/// What is remembered of a sign-in that has begun.
#[derive(Serialize, Deserialize)]
struct Wish {
    redirect_uri: String,
    to: String,
}

/// What the provider says of a person, as far as the lists need it.
#[derive(Debug, Serialize, Deserialize)]
struct Person {
    sub: String,
    email: Option<String>,
    groups: Vec<String>,
}

impl Person {
    fn of(claims: &Value, oidc: &Oidc) -> Self {
        let verified = match &claims["email_verified"] {
            Value::Bool(verified) => *verified,
            // Some write it as a text.
            Value::String(text) => text == "true",
            _ => false,
        };
        let groups: Vec<String> = match &claims[&oidc.groups_claim] {
            Value::String(one) => vec![one.clone()],
            Value::Array(list) => list
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
            _ => Vec::new(),
        };
        Self {
            sub: claims["sub"].as_str().unwrap_or_default().to_owned(),
            email: claims["email"]
                .as_str()
                .filter(|_| verified || oidc.trust_email)
                .map(str::to_owned),
            groups: oidc.named(&groups),
        }
    }

    /// Who it is, for the audit log.
    fn actor(&self) -> String {
        format!("oidc:{}", self.name())
    }

    /// Who it is, for people.
    fn name(&self) -> String {
        short(self.email.as_deref().unwrap_or(&self.sub))
    }

    fn caller(&self, oidc: &Oidc) -> Option<Caller> {
        let role = oidc.role_of(self.email.as_deref(), &self.groups)?;
        Some(Caller {
            actor: self.actor(),
            surface: Surface::Console,
            role,
            connections: None,
            request_id: None,
        })
    }
}

/// The caller of a session, by what is kept of them and the lists of now; none when they may not come in any more.
pub(crate) fn caller(oidc: &Oidc, session: &Session) -> Option<Caller> {
    let issuer = oidc.issuer.as_deref().filter(|_| oidc.is_on())?;
    // Whom another provider vouched for is nobody here.
    let theirs = session.subject == subject(issuer);
    let person: Person = serde_json::from_str(&session.data).ok()?;
    person.caller(oidc).filter(|_| theirs)
}

/// Whose sessions are ended together: those of one provider.
fn subject(issuer: &str) -> String {
    format!("oidc:{}", issuer.trim_end_matches('/'))
}

/// Signing in at the provider; from [`App::sign_in`].
#[derive(Debug, Clone, Copy)]
pub struct SignIn<'a> {
    pub(crate) app: &'a App,
}

impl SignIn<'_> {
    fn oidc(&self) -> Result<&Oidc> {
        let oidc = &self.app.config().oidc;
        if oidc.is_on() {
            return Ok(oidc);
        }
        Err(
            EngineError::new(Code::NotFound, "no identity provider is set up here")
                .with_hint("Sign in with a key, or set oidc.issuer and oidc.client_id."),
        )
    }

    /// What the sign-in page calls the provider; none when there is none.
    pub fn name(&self) -> Option<&str> {
        let oidc = &self.app.config().oidc;
        oidc.is_on().then_some(oidc.name.as_str())
    }

    /// Begins a sign-in that comes back to `redirect_uri` and then goes on to `to`, a path of this server.
    ///
    /// # Errors
    /// `signin_unavailable` when the provider cannot be asked.
    pub async fn begin(&self, redirect_uri: &str, to: &str) -> Result<Begun> {
        let oidc = self.oidc()?;
        let at = self.app.clock().monotonic();
        let metadata = self.app.identity_provider().metadata(oidc, at).await?;
        let cookie = URL_SAFE_NO_PAD.encode(self.app.chance().bytes::<32>());
        let verifier = part(&cookie, "verifier");
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let mut address = metadata.authorization_endpoint.clone();
        address
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", oidc.client_id.as_deref().unwrap_or_default())
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", &oidc.scopes.join(" "))
            .append_pair("state", &part(&cookie, "state"))
            .append_pair("nonce", &part(&cookie, "nonce"))
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        let wish = Wish {
            redirect_uri: redirect_uri.to_owned(),
            to: to.to_owned(),
        };
        let now = self.app.clock().now();
        let row = Session {
            subject: BEGUN.to_owned(),
            kind: BEGUN.to_owned(),
            data: json!(wish).to_string(),
            expires: later(now, LIFE),
        };
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.add_session(&hash(&cookie), &row, now).await?;
        tx.commit().await?;
        Ok(Begun {
            address,
            cookie: SecretString::from(cookie),
            life: LIFE,
        })
    }

    /// Ends a sign-in with what the provider sent the browser back with. Each is good once.
    ///
    /// # Errors
    /// `signin_state` for what did not begin in this browser, `signin_refused` for what is not believed, `signin_not_allowed` for
    /// whom no list names, `signin_unavailable`.
    pub async fn finish(&self, cookie: Option<&str>, back: &Back) -> Result<Finished> {
        let oidc = self.oidc()?;
        let done = self.check(oidc, cookie, back).await;
        if let Err(error) = &done {
            tracing::warn!(code = error.code().as_str(), %error, "a sign-in at the identity provider failed");
        }
        let (person, caller, wish) = done?;
        let now = self.app.clock().now();
        let expires = later(now, SESSION);
        let cookie = URL_SAFE_NO_PAD.encode(self.app.chance().bytes::<32>());
        let session = Session {
            subject: subject(oidc.issuer.as_deref().unwrap_or_default()),
            kind: KIND.to_owned(),
            data: json!(person).to_string(),
            expires,
        };
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.add_session(&hash(&cookie), &session, now).await?;
        let change = Change {
            action: "session.begin",
            target: &person.actor(),
            detail: json!({ "role": caller.role }),
        };
        audit::append(&mut tx, &caller.by(), &change, now).await?;
        tx.commit().await?;
        Ok(Finished {
            cookie: SecretString::from(cookie),
            expires,
            to: wish.to,
        })
    }

    async fn check(
        self,
        oidc: &Oidc,
        cookie: Option<&str>,
        back: &Back,
    ) -> Result<(Person, Caller, Wish)> {
        let foreign = || {
            EngineError::new(
                Code::SignInState,
                "the provider's answer belongs to no sign-in that this browser began lately",
            )
        };
        let cookie = cookie
            .filter(|cookie| cookie.len() == 43)
            .ok_or_else(foreign)?;
        let now = self.app.clock().now();
        let (store, scope) = (self.app.store(), self.app.scope());
        let row = store
            .session(scope, &hash(cookie), now)
            .await?
            .filter(|row| row.kind == BEGUN)
            .ok_or_else(foreign)?;
        let state = back.state.as_deref().unwrap_or_default();
        if !bool::from(state.as_bytes().ct_eq(part(cookie, "state").as_bytes())) {
            return Err(foreign());
        }
        // From here on it is used up, whatever comes of it.
        let mut tx = store.begin(scope).await?;
        let first = tx.end_session(&hash(cookie)).await?;
        tx.commit().await?;
        let wish: Wish = serde_json::from_str(&row.data).map_err(|_| foreign())?;
        if !first {
            return Err(foreign());
        }
        if let Some(error) = &back.error {
            let words = back.error_description.as_deref().unwrap_or_default();
            return Err(EngineError::new(
                Code::SignInRefused,
                format!("the provider said {}: {}", short(error), short(words)),
            ));
        }
        let at = self.app.clock().monotonic();
        let provider = self.app.identity_provider();
        let issuer = &provider.metadata(oidc, at).await?.issuer;
        if back.iss.as_ref().is_some_and(|iss| iss != issuer) {
            return Err(EngineError::new(
                Code::SignInRefused,
                "another provider has answered",
            ));
        }
        let code = back
            .code
            .as_deref()
            .filter(|code| !code.is_empty() && code.len() <= LONGEST)
            .ok_or_else(|| EngineError::new(Code::SignInRefused, "the provider gave no code"))?;
        let (verifier, nonce) = (
            SecretString::from(part(cookie, "verifier")),
            part(cookie, "nonce"),
        );
        let answer = Answer {
            code,
            redirect_uri: &wish.redirect_uri,
            verifier: verifier.expose_secret(),
            nonce: &nonce,
            now,
            at,
        };
        let claims = provider.claims(oidc, &answer).await?;
        let person = Person::of(&claims, oidc);
        if let Some(caller) = person.caller(oidc) {
            return Ok((person, caller, wish));
        }
        self.note_stranger(&person).await;
        let unverified = person.email.is_none() && claims["email"].is_string();
        let refused = EngineError::new(
            Code::SignInNotAllowed,
            format!(
                "{} signed in at the provider, and no list here names them",
                person.name()
            ),
        );
        Err(if unverified {
            refused.with_hint(
                "The provider does not call their address verified. Have it confirmed there, name a group, or set oidc.trust_email.",
            )
        } else {
            refused
        })
    }

    /// Writes down that somebody was not let in; a database that is busy changes nothing about that.
    async fn note_stranger(self, person: &Person) {
        let noted = async {
            let now = self.app.clock().now();
            let change = Change {
                action: "session.refused",
                target: &person.actor(),
                detail: json!({}),
            };
            let mut tx = self.app.store().begin(self.app.scope()).await?;
            audit::append(&mut tx, &By::new("nobody", Surface::Console), &change, now).await?;
            Ok::<(), EngineError>(tx.commit().await?)
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, "a refused sign-in could not be written down");
        }
    }
}

/// One of the texts that a cookie stands for.
fn part(cookie: &str, what: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!("{what}:{cookie}").as_bytes()))
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}
