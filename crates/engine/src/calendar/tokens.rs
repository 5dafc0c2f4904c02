//! Access tokens of Google and Microsoft: kept in the vault while they live, fetched anew when they end.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::SignedDuration;
use rustls::SignatureScheme;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::accounts::{Access, Account, Kept, Opener, secret};
use super::http::Http;
use crate::error::{Code, EngineError, Result};

/// A token is taken anew so long before its end.
const EARLY: SignedDuration = SignedDuration::from_secs(60);

/// How tokens of a system are asked for.
#[derive(Debug, Clone)]
pub(super) struct Giver {
    /// Where.
    pub(super) url: String,
    /// For what.
    pub(super) scope: &'static str,
    /// Whom a service account stands for.
    pub(super) person: Option<String>,
}

/// A token that lives; `anew` does not trust the one that is kept, since it was just refused.
///
/// Two processes may fetch one at the same time: both tokens work at both systems, and a replaced refresh token stays valid beside
/// the new one, so nothing needs a lock.
pub(super) async fn token(
    account: &Account,
    http: &Http,
    giver: &Giver,
    anew: bool,
) -> Result<SecretString> {
    let mut kept = account.kept().await?;
    let now = http.now();
    if let Some(access) = &kept.access
        && !anew
        && access.until > now + EARLY
    {
        return Ok(secret(&access.token));
    }
    let said = ask(&kept, http, giver).await?;
    let word = |name: &str| said[name].as_str().filter(|text| !text.is_empty());
    let Some(token) = word("access_token") else {
        return Err(EngineError::new(
            Code::CalendarRefused,
            "the token address answered without a token",
        ));
    };
    let seconds = said["expires_in"]
        .as_i64()
        .unwrap_or(3_000)
        .clamp(60, 86_400);
    if let (Opener::Refresh { refresh_token, .. }, Some(new)) =
        (&mut kept.opener, word("refresh_token"))
    {
        // Google sends none and means that the old one stays; Microsoft replaces it.
        new.clone_into(refresh_token);
    }
    kept.access = Some(Access {
        token: token.to_owned(),
        until: now
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap_or(now),
    });
    account.keep(&kept).await?;
    Ok(secret(token))
}

async fn ask(kept: &Kept, http: &Http, giver: &Giver) -> Result<Value> {
    let assertion;
    let form: Vec<(&str, &str)> = match &kept.opener {
        Opener::Refresh {
            client_id,
            client_secret,
            refresh_token,
        } => vec![
            ("grant_type", "refresh_token"),
            ("client_id", client_id),
            ("client_secret", client_secret),
            ("refresh_token", refresh_token),
        ],
        Opener::Client {
            client_id,
            client_secret,
        } => vec![
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_secret", client_secret),
            ("scope", giver.scope),
        ],
        Opener::ServiceAccount { key_file } => {
            assertion = signed(key_file, http, giver)?;
            vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                ("assertion", &assertion),
            ]
        }
        Opener::Password { .. } => {
            return Err(EngineError::new(
                Code::CalendarRefused,
                "a password opens no calendar of this kind",
            ));
        }
    };
    let got = http
        .send(http.client().post(&giver.url).form(&form))
        .await?;
    if got.is_success() {
        return Ok(got.json());
    }
    let refusal = http.refusal("a token", &got);
    if refusal.code() == Code::CalendarRefused {
        return Err(refusal.with_hint(
            "The consent or the key no longer holds: add the calendar again, or have the administrator grant it.",
        ));
    }
    Err(refusal)
}

/// A service account's assertion (RFC 7523), signed with its key.
fn signed(key_file: &str, http: &Http, giver: &Giver) -> Result<String> {
    let bad = |what: &str| {
        EngineError::invalid(format!("the key file of the service account {what}")).with_hint(
            "Download it again from the Google Cloud console (IAM, service accounts, keys, JSON).",
        )
    };
    let key: Value = serde_json::from_str(key_file).map_err(|_| bad("is no JSON"))?;
    let field = |name: &str| {
        key[name]
            .as_str()
            .ok_or_else(|| bad(&format!("has no {name}")))
    };
    let now = http.now().as_second();
    let mut claims = json!({
        "iss": field("client_email")?, "scope": giver.scope, "aud": giver.url, "iat": now, "exp": now + 3_600,
    });
    if let Some(person) = &giver.person {
        claims["sub"] = json!(person);
    }
    let head = json!({ "alg": "RS256", "typ": "JWT", "kid": key["private_key_id"] });
    let body = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(head.to_string()),
        URL_SAFE_NO_PAD.encode(claims.to_string())
    );
    let pem = PrivateKeyDer::from_pem_slice(field("private_key")?.as_bytes())
        .map_err(|_| bad("holds no private key"))?;
    let signature = rustls::crypto::aws_lc_rs::sign::any_supported_type(&pem)
        .ok()
        .and_then(|key| key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256]))
        .and_then(|signer| signer.sign(body.as_bytes()).ok())
        .ok_or_else(|| bad("holds a key that does not sign"))?;
    Ok(format!("{body}.{}", URL_SAFE_NO_PAD.encode(signature)))
}
