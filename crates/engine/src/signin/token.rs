//! What a provider's ID token says, once its signature holds (OpenID Connect Core 1.0, section 3.1.3.7).
//!
//! The algorithm is chosen by the key that signed, never by the token alone: symmetric ones and `none` are no choice.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use subtle::ConstantTimeEq as _;

/// How far the provider's clock may be from ours, in seconds.
const LEEWAY: i64 = 60;
/// Longest token that is looked at, in bytes.
const LONGEST: usize = 64 * 1024;

/// One of a provider's public keys (RFC 7517).
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// What a token has to say.
#[derive(Debug)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) audience: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

/// Why a token is not believed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// No key that is known has signed it; there may be a newer one.
    UnknownKey,
    /// Anything that newer keys do not change.
    Wrong(&'static str),
}

#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    #[serde(default)]
    crit: Vec<String>,
}

/// The claims of a token that is good.
pub(super) fn claims(token: &str, keys: &[Jwk], expected: &Expected<'_>) -> Result<Value, Doubt> {
    let claims = signed(token, keys)?;
    check(&claims, expected).map_err(Doubt::Wrong)?;
    Ok(claims)
}

fn signed(token: &str, keys: &[Jwk]) -> Result<Value, Doubt> {
    let bad = || Doubt::Wrong("it is no signed token");
    if token.len() > LONGEST {
        return Err(bad());
    }
    let (message, signature) = token.rsplit_once('.').ok_or_else(bad)?;
    let (head, body) = message.split_once('.').ok_or_else(bad)?;
    let read = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| bad());
    let head: Head = serde_json::from_slice(&read(head)?).map_err(|_| bad())?;
    if !head.crit.is_empty() {
        return Err(Doubt::Wrong("it demands what is not understood"));
    }
    let signature = read(signature)?;
    let fitting = keys
        .iter()
        .filter(|key| {
            key.purpose
                .as_deref()
                .is_none_or(|purpose| purpose == "sig")
        })
        .filter(|key| key.alg.as_deref().is_none_or(|alg| alg == head.alg))
        .filter(|key| head.kid.is_none() || key.kid == head.kid);
    let mut seen = false;
    for key in fitting {
        match key.verify(&head.alg, message.as_bytes(), &signature) {
            Some(true) => return serde_json::from_slice(&read(body)?).map_err(|_| bad()),
            Some(false) => seen = true,
            None => {}
        }
    }
    if !matches!(head.alg.get(..2), Some("RS" | "PS" | "ES" | "Ed")) {
        return Err(Doubt::Wrong("it is not signed with a public key"));
    }
    if seen && head.kid.is_some() {
        return Err(Doubt::Wrong("its signature does not hold"));
    }
    Err(Doubt::UnknownKey)
}

impl Jwk {
    /// Whether this key has signed a message so; none when it is a key for something else.
    fn verify(&self, alg: &str, message: &[u8], signature: &[u8]) -> Option<bool> {
        let part = |text: &Option<String>| URL_SAFE_NO_PAD.decode(text.as_deref()?).ok();
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", _) => {
                let parameters: &RsaParameters = match alg {
                    "RS256" => &RSA_PKCS1_2048_8192_SHA256,
                    "RS384" => &RSA_PKCS1_2048_8192_SHA384,
                    "RS512" => &RSA_PKCS1_2048_8192_SHA512,
                    "PS256" => &RSA_PSS_2048_8192_SHA256,
                    "PS384" => &RSA_PSS_2048_8192_SHA384,
                    "PS512" => &RSA_PSS_2048_8192_SHA512,
                    _ => return None,
                };
                let (n, e) = (part(&self.n)?, part(&self.e)?);
                let key = RsaPublicKeyComponents { n: &n, e: &e };
                Some(key.verify(parameters, message, signature).is_ok())
            }
            ("EC", Some(curve)) => {
                let (algorithm, length): (&'static dyn VerificationAlgorithm, usize) =
                    match (alg, curve) {
                        ("ES256", "P-256") => (&ECDSA_P256_SHA256_FIXED, 32),
                        ("ES384", "P-384") => (&ECDSA_P384_SHA384_FIXED, 48),
                        _ => return None,
                    };
                let (x, y) = (part(&self.x)?, part(&self.y)?);
                if x.len() != length || y.len() != length {
                    return None;
                }
                let point = [&[4][..], &x, &y].concat();
                let key = UnparsedPublicKey::new(algorithm, point);
                Some(key.verify(message, signature).is_ok())
            }
            ("OKP", Some("Ed25519")) if matches!(alg, "EdDSA" | "Ed25519") => {
                let key = UnparsedPublicKey::new(&ED25519, part(&self.x)?);
                Some(key.verify(message, signature).is_ok())
            }
            _ => None,
        }
    }
}

fn check(claims: &Value, expected: &Expected<'_>) -> Result<(), &'static str> {
    let text = |name: &str| claims[name].as_str();
    // Seconds, which some write with a fraction.
    #[expect(clippy::cast_possible_truncation, reason = "seconds of this era")]
    let seconds = |name: &str| {
        let value = &claims[name];
        value
            .as_i64()
            .or_else(|| value.as_f64().map(|seconds| seconds as i64))
    };
    if text("iss") != Some(expected.issuer) {
        return Err("it comes from another issuer");
    }
    let audiences: Vec<&str> = match &claims["aud"] {
        Value::String(one) => vec![one],
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !audiences.contains(&expected.audience) {
        return Err("it is meant for another client");
    }
    match text("azp") {
        Some(party) if party != expected.audience => {
            return Err("it was given to another client");
        }
        None if audiences.len() > 1 => return Err("it is meant for several clients"),
        _ => {}
    }
    let now = expected.now.as_second();
    let ends = seconds("exp").ok_or("it never ends")?;
    if ends <= now - LEEWAY {
        return Err("its time is over");
    }
    let begun = seconds("iat").ok_or("it does not say when it was made")?;
    if begun > now + LEEWAY || seconds("nbf").is_some_and(|from| from > now + LEEWAY) {
        return Err("its time has not come; the clocks differ");
    }
    let nonce = text("nonce").unwrap_or_default();
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err("it answers another sign-in");
    }
    if text("sub").is_none_or(str::is_empty) {
        return Err("it does not say who signed in");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
    };
    use serde_json::json;

    use super::*;

    /// A key of the provider, and what signs with it.
    struct Signer(EcdsaKeyPair);

    impl Signer {
        fn new() -> Self {
            Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
        }

        fn jwk(&self, kid: &str) -> Jwk {
            let point = self.0.public_key().as_ref();
            let part = |range| URL_SAFE_NO_PAD.encode(&point[range]);
            serde_json::from_value(
                json!({"kty": "EC", "crv": "P-256", "kid": kid, "use": "sig", "alg": "ES256",
                "x": part(1..33), "y": part(33..65)}),
            )
            .unwrap()
        }

        fn sign(&self, head: &Value, claims: &Value) -> String {
            let message = unsigned(head, claims);
            let signature = self
                .0
                .sign(&SystemRandom::new(), message.as_bytes())
                .unwrap();
            format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
        }
    }

    fn unsigned(head: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!("{}.{}", part(head), part(claims))
    }

    const NOW: i64 = 1_795_000_000;

    fn good() -> Value {
        json!({"iss": "https://id.example.org", "aud": "parfocal", "sub": "u-1", "nonce": "n-1", "iat": NOW - 5, "exp": NOW + 300})
    }

    fn expected() -> Expected<'static> {
        Expected {
            issuer: "https://id.example.org",
            audience: "parfocal",
            nonce: "n-1",
            now: Timestamp::from_second(NOW).unwrap(),
        }
    }

    #[test]
    fn only_a_token_for_us_of_now_for_this_sign_in_is_believed() {
        let signer = Signer::new();
        let keys = [signer.jwk("a")];
        let head = json!({"alg": "ES256", "kid": "a"});
        let try_on = |change: &Value| {
            let mut claims = good();
            for (name, value) in change.as_object().unwrap() {
                claims[name] = value.clone();
            }
            super::claims(&signer.sign(&head, &claims), &keys, &expected())
        };
        assert_eq!(try_on(&json!({})).unwrap()["sub"], "u-1");
        assert!(try_on(&json!({"aud": ["other", "parfocal"], "azp": "parfocal"})).is_ok());
        assert!(
            try_on(&json!({"exp": NOW - 30})).is_ok(),
            "clocks differ a little"
        );
        for change in [
            json!({"iss": "https://id.example.org/"}),
            json!({"iss": null}),
            json!({"aud": "other"}),
            json!({"aud": ["parfocal", "other"]}),
            json!({"azp": "other"}),
            json!({"aud": null}),
            json!({"nonce": "n-2"}),
            json!({"nonce": null}),
            json!({"exp": NOW - 61}),
            json!({"exp": null}),
            json!({"iat": NOW + 600}),
            json!({"iat": null}),
            json!({"nbf": NOW + 600}),
            json!({"sub": ""}),
            json!({"sub": 7}),
        ] {
            let refused = try_on(&change);
            assert!(
                matches!(refused, Err(Doubt::Wrong(_))),
                "{change}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_signature_counts_only_by_a_public_key_that_is_known() {
        let (signer, other) = (Signer::new(), Signer::new());
        let keys = [signer.jwk("a")];
        let head = json!({"alg": "ES256", "kid": "a"});
        let token =
            |head: &Value, by: &Signer| super::claims(&by.sign(head, &good()), &keys, &expected());
        assert!(
            token(&json!({"alg": "ES256"}), &signer).is_ok(),
            "the only key needs no name"
        );
        assert_eq!(
            token(&head, &other),
            Err(Doubt::Wrong("its signature does not hold"))
        );
        // Keys are exchanged; then a newer list has it.
        let new = json!({"alg": "ES256", "kid": "b"});
        assert_eq!(token(&new, &other), Err(Doubt::UnknownKey));
        let newer = [signer.jwk("a"), other.jwk("b")];
        assert!(super::claims(&other.sign(&new, &good()), &newer, &expected()).is_ok());
        for head in [
            json!({"alg": "none", "kid": "a"}),
            json!({"alg": "None"}),
            json!({"alg": "HS256", "kid": "a"}),
            json!({"alg": "RS256", "kid": "a"}),
            json!({"alg": "ES256", "kid": "a", "crit": ["b64"], "b64": false}),
            json!({}),
        ] {
            assert!(token(&head, &signer).is_err(), "{head}");
            // The same without any signature.
            let bare = format!("{}.", unsigned(&head, &good()));
            assert!(super::claims(&bare, &keys, &expected()).is_err(), "{head}");
        }
        // The public key as a secret, which libraries have taken.
        let mut mac = <hmac::Hmac<sha2::Sha256> as hmac::KeyInit>::new_from_slice(
            signer.0.public_key().as_ref(),
        )
        .unwrap();
        let message = unsigned(&json!({"alg": "HS256", "kid": "a"}), &good());
        hmac::Mac::update(&mut mac, message.as_bytes());
        let forged = URL_SAFE_NO_PAD.encode(hmac::Mac::finalize(mac).into_bytes());
        let forged = format!("{message}.{forged}");
        assert!(super::claims(&forged, &keys, &expected()).is_err());
        // Changed afterwards.
        let mut changed = good();
        changed["sub"] = json!("admin");
        let whole = signer.sign(&head, &good());
        let signature = whole.rsplit_once('.').unwrap().1;
        let swapped = format!("{}.{signature}", unsigned(&head, &changed));
        assert_eq!(
            super::claims(&swapped, &keys, &expected()),
            Err(Doubt::Wrong("its signature does not hold"))
        );
        for nonsense in ["", "a", "a.b", "a.b.c", "..", &"x".repeat(70_000)] {
            assert!(super::claims(nonsense, &keys, &expected()).is_err());
        }
    }

    #[test]
    fn edwards_curves_are_read_too() {
        let pair = Ed25519KeyPair::generate().unwrap();
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let key: Jwk =
            serde_json::from_value(json!({"kty": "OKP", "crv": "Ed25519", "x": x})).unwrap();
        let message = unsigned(&json!({"alg": "EdDSA"}), &good());
        let signature = URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes()));
        let token = format!("{message}.{signature}");
        assert!(super::claims(&token, &[key], &expected()).is_ok());
    }
}
