//! The consent page's address, `state` and PKCE.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;
use url::{Host, Url};

use super::{App, OAuth};
use crate::clock::Random;
use crate::error::{Error, ErrorKind, Result};
use crate::transport;

/// A PKCE verifier (RFC 7636); what is shown to Zoom first is its SHA-256.
#[derive(Clone)]
pub struct Pkce {
    verifier: SecretString,
}

impl Pkce {
    /// A fresh verifier of 43 characters.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self {
            verifier: token(random).into(),
        }
    }

    /// A verifier that was kept while the user was on Zoom's page.
    #[must_use]
    pub fn from_verifier(verifier: SecretString) -> Self {
        Self { verifier }
    }

    /// The verifier, to keep until the code comes back.
    #[must_use]
    pub fn verifier(&self) -> &SecretString {
        &self.verifier
    }

    /// The challenge for method `S256`.
    #[must_use]
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier.expose_secret().as_bytes()))
    }
}

impl fmt::Debug for Pkce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pkce(..)")
    }
}

/// 32 random bytes as URL-safe text.
fn token(random: &dyn Random) -> String {
    let mut bytes = [0; 32];
    random.fill(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Builds the address of Zoom's consent page; see [`OAuth::authorize`].
#[derive(Debug)]
#[must_use]
pub struct Authorize<'a> {
    oauth: &'a OAuth,
    app: &'a App,
    redirect_uri: String,
    pkce: bool,
    scopes: Vec<String>,
    optional_scopes: Vec<String>,
}

impl<'a> Authorize<'a> {
    pub(super) fn new(oauth: &'a OAuth, app: &'a App, redirect_uri: String) -> Self {
        Self {
            oauth,
            app,
            redirect_uri,
            pkce: true,
            scopes: Vec::new(),
            optional_scopes: Vec::new(),
        }
    }

    /// Leaves PKCE out; only a confidential client may.
    pub fn without_pkce(mut self) -> Self {
        self.pkce = false;
        self
    }

    /// Asks for these scopes only (granular scopes); otherwise the app's scopes apply.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Scopes that the user may leave out.
    pub fn optional_scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.optional_scopes
            .extend(scopes.into_iter().map(Into::into));
        self
    }

    /// The address, and what to keep until the user comes back.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] when Zoom would refuse the redirect address: it takes https, and
    /// `http://127.0.0.1` for public clients; never `localhost`.
    pub fn build(self) -> Result<AuthorizationRequest> {
        check_redirect(&self.redirect_uri, self.app.is_public())?;
        if self.app.is_public() && !self.pkce {
            return Err(Error::new(
                ErrorKind::Configuration,
                "a public client has to use PKCE",
            ));
        }
        let state = token(self.oauth.random());
        let pkce = self.pkce.then(|| Pkce::generate(self.oauth.random()));
        let mut url = transport::join(self.oauth.base(), "/oauth/authorize")?;
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", self.app.client_id())
                .append_pair("redirect_uri", &self.redirect_uri)
                .append_pair("state", &state);
            if let Some(pkce) = &pkce {
                query
                    .append_pair("code_challenge", &pkce.challenge())
                    .append_pair("code_challenge_method", "S256");
            }
            if !self.scopes.is_empty() {
                query.append_pair("scope", &self.scopes.join(" "));
            }
            if !self.optional_scopes.is_empty() {
                query.append_pair("optional_scope", &self.optional_scopes.join(" "));
            }
        }
        Ok(AuthorizationRequest {
            url,
            state: state.into(),
            pkce,
            redirect_uri: self.redirect_uri,
        })
    }
}

/// What was asked of the user, to be kept (bound to their session) until they come back.
pub struct AuthorizationRequest {
    /// Where to send the browser.
    pub url: Url,
    /// Must come back unchanged; see [`AuthorizationRequest::check_state`].
    pub state: SecretString,
    /// The verifier to send with the code.
    pub pkce: Option<Pkce>,
    /// Must be sent with the code unchanged.
    pub redirect_uri: String,
}

impl AuthorizationRequest {
    /// Compares the `state` that came back, in constant time.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidRequest`]: the answer belongs to another request; do not use its code.
    pub fn check_state(&self, returned: &str) -> Result<()> {
        let same: bool = self
            .state
            .expose_secret()
            .as_bytes()
            .ct_eq(returned.as_bytes())
            .into();
        if same {
            Ok(())
        } else {
            Err(Error::new(
                ErrorKind::InvalidRequest,
                "the state that came back is not the one that was sent",
            ))
        }
    }
}

impl fmt::Debug for AuthorizationRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationRequest")
            .field("redirect_uri", &self.redirect_uri)
            .finish_non_exhaustive()
    }
}

fn check_redirect(text: &str, public: bool) -> Result<()> {
    let refuse = |why: &str| {
        Err(Error::new(
            ErrorKind::Configuration,
            format!("the redirect address {why}"),
        ))
    };
    let Ok(url) = Url::parse(text) else {
        return refuse("is not a URL");
    };
    if url.fragment().is_some() {
        return refuse("may hold no fragment");
    }
    match (url.scheme(), url.host()) {
        ("https", Some(Host::Domain(name))) if name.eq_ignore_ascii_case("localhost") => {
            refuse("may not be localhost; Zoom refuses it")
        }
        ("https", Some(_)) => Ok(()),
        ("http", Some(Host::Ipv4(ip))) if ip.octets() == [127, 0, 0, 1] && public => Ok(()),
        ("http", Some(Host::Ipv4(ip))) if ip.octets() == [127, 0, 0, 1] => {
            refuse("may be http://127.0.0.1 for a public (PKCE) client only")
        }
        _ => refuse("has to be https, or http://127.0.0.1 for a public (PKCE) client"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_the_standard() {
        // Appendix B of RFC 7636.
        let pkce = Pkce::from_verifier("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".into());
        assert_eq!(
            pkce.challenge(),
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
        );
    }

    #[test]
    fn redirects_that_zoom_refuses_are_refused_here() {
        assert!(check_redirect("https://app.example/callback", false).is_ok());
        assert!(check_redirect("http://127.0.0.1:9876/cb", true).is_ok());
        for (text, public) in [
            ("http://127.0.0.1:9876/cb", false),
            ("http://localhost:8080/cb", true),
            ("https://localhost/cb", true),
            ("http://app.example/cb", true),
            ("not a url", true),
            ("https://app.example/cb#x", false),
        ] {
            assert!(check_redirect(text, public).is_err(), "{text}");
        }
    }
}
