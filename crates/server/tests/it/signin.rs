//! Signing in with OpenID Connect: a provider of the test's own that lies when it is told to.

use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use axum::extract::{Form, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use parfocal_engine::config::{Auth, Config, Oidc};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;

use crate::support::{Answer, Site};

/// What the provider does.
struct Told {
    issuer: String,
    key: EcdsaKeyPair,
    kid: &'static str,
    /// Claims that differ from those of a good token; `null` takes one away.
    claims: Value,
    head: Value,
    /// What the user info says besides.
    person: Value,
    asked: Vec<String>,
}

type Fake = Arc<Mutex<Told>>;

async fn description(State(fake): State<Fake>) -> Json<Value> {
    let mut told = fake.lock().unwrap();
    told.asked.push("description".to_owned());
    let at = |path: &str| format!("{}{path}", told.issuer);
    Json(
        json!({"issuer": told.issuer, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
        "jwks_uri": at("/keys"), "userinfo_endpoint": at("/me")}),
    )
}

async fn keys(State(fake): State<Fake>) -> Json<Value> {
    let mut told = fake.lock().unwrap();
    told.asked.push("keys".to_owned());
    let point = told.key.public_key().as_ref();
    Json(
        json!({"keys": [{"kty": "oct", "k": "AAAA"}, {"kty": "EC", "crv": "P-256", "kid": told.kid, "use": "sig",
        "x": BASE64.encode(&point[1..33]), "y": BASE64.encode(&point[33..])}]}),
    )
}

/// Codes are made by the test: nonce and challenge, as they stood in the address.
async fn token(State(fake): State<Fake>, Form(form): Form<HashMap<String, String>>) -> Json<Value> {
    let told = fake.lock().unwrap();
    let code = BASE64.decode(&form["code"]).unwrap();
    let code: Value = serde_json::from_slice(&code).unwrap();
    let challenge = BASE64.encode(Sha256::digest(form["code_verifier"].as_bytes()));
    assert_eq!(code["challenge"], challenge, "PKCE");
    assert_eq!(form["redirect_uri"], code["redirect_uri"].as_str().unwrap());
    let now = jiff::Timestamp::now().as_second();
    let mut claims = json!({"iss": told.issuer, "aud": "parfocal", "sub": "u-1", "nonce": code["nonce"], "iat": now, "exp": now + 300});
    for (name, value) in told.claims.as_object().unwrap() {
        claims[name] = value.clone();
    }
    let mut head = json!({"alg": "ES256", "kid": told.kid});
    for (name, value) in told.head.as_object().unwrap() {
        head[name] = value.clone();
    }
    let part = |value: &Value| BASE64.encode(value.to_string());
    let message = format!("{}.{}", part(&head), part(&claims));
    let signature = told
        .key
        .sign(&SystemRandom::new(), message.as_bytes())
        .unwrap();
    let signature = if head["alg"] == "none" {
        String::new()
    } else {
        BASE64.encode(signature)
    };
    Json(
        json!({"access_token": "at", "token_type": "Bearer", "id_token": format!("{message}.{signature}")}),
    )
}

async fn me(State(fake): State<Fake>) -> Json<Value> {
    Json(fake.lock().unwrap().person.clone())
}

/// A server whose people sign in at a provider.
struct World {
    fake: Fake,
    site: Site,
    /// Follows nothing by itself.
    browser: reqwest::Client,
}

/// A sign-in that has begun, as the browser has it.
struct Begun {
    cookie: String,
    asked: HashMap<String, String>,
}

impl World {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let fake: Fake = Arc::new(Mutex::new(Told {
            issuer: issuer.clone(),
            key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap(),
            kid: "first",
            claims: json!({"email": "ana@example.org", "email_verified": true}),
            head: json!({}),
            person: json!({"sub": "u-1"}),
            asked: Vec::new(),
        }));
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(description))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .route("/me", get(me))
            .with_state(Arc::clone(&fake));
        tokio::spawn(async move { axum::serve(listener, routes).await.unwrap() });
        let site = Site::with(|config| {
            config.server.auth = Auth::Keys;
            *config.oidc = Oidc {
                issuer: Some(issuer),
                client_id: Some("parfocal".to_owned()),
                admin: vec!["ana@example.org".to_owned()],
                read: vec!["@reader.example".to_owned(), "group:staff".to_owned()],
                ..Oidc::default()
            };
            change(config);
        })
        .await;
        let browser = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            fake,
            site,
            browser,
        }
    }

    fn told<T>(&self, change: impl FnOnce(&mut Told) -> T) -> T {
        change(&mut self.fake.lock().unwrap())
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        let request = self
            .browser
            .get(format!("{}{path}", self.site.url))
            .header("accept", "text/html")
            .header("cookie", cookie);
        Answer::of(request.send().await.unwrap()).await
    }

    async fn begin(&self, to: &str) -> Begun {
        let path = format!("/login/oidc?to={}", crate::zoomapp::encoded(to));
        let answer = self.get(&path, "").await.is(303);
        let set = answer.header("set-cookie");
        for part in [
            "; HttpOnly",
            "; SameSite=Lax",
            "; Path=/login",
            "; Max-Age=600",
        ] {
            assert!(set.contains(part), "{set}");
        }
        let address: url::Url = answer.header("location").parse().unwrap();
        assert!(address.path() == "/authorize", "{address}");
        let asked: HashMap<String, String> = address.query_pairs().into_owned().collect();
        assert_eq!(asked["response_type"], "code");
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["scope"], "openid email profile");
        Begun {
            cookie: set.split(';').next().unwrap().to_owned(),
            asked,
        }
    }

    /// What the provider sends the browser back with.
    fn back(begun: &Begun) -> String {
        let code = json!({"nonce": begun.asked["nonce"], "challenge": begun.asked["code_challenge"],
            "redirect_uri": begun.asked["redirect_uri"]});
        let code = BASE64.encode(code.to_string());
        format!(
            "/login/oidc/callback?code={code}&state={}",
            begun.asked["state"]
        )
    }

    /// A whole sign-in; the answer to its end.
    async fn sign_in(&self) -> Answer {
        let begun = self.begin("/").await;
        self.get(&Self::back(&begun), &begun.cookie).await
    }
}

/// The cookie of the session that an answer sets.
fn session(answer: &Answer) -> Option<String> {
    let set = answer.headers.get_all("set-cookie").iter();
    let mut texts = set.map(|value| value.to_str().unwrap().to_owned());
    let found = texts.find(|text| {
        text.starts_with("parfocal_session=") && !text.starts_with("parfocal_session=;")
    });
    found.map(|text| text.split(';').next().unwrap().to_owned())
}

#[tokio::test]
async fn people_whom_a_list_names_come_in_with_their_role_and_leave_again() {
    let world = World::start().await;
    // Whoever has no session is led to the sign-in, and remembers where they wanted to go.
    let led = world.get("/jobs?state=dead", "").await.is(303);
    assert_eq!(led.header("location"), "/login?to=%2Fjobs%3Fstate%3Ddead");
    let page = world.get(led.header("location"), "").await.is(200).text;
    assert!(
        page.contains("Sign in with single sign-on") && page.contains("With a key"),
        "{page}"
    );
    let begun = world.begin("/jobs?state=dead").await;
    let answer = world.get(&World::back(&begun), &begun.cookie).await.is(200);
    assert!(
        answer.read().contains("0;url=/jobs?state=dead"),
        "{}",
        answer.text
    );
    let cookie = session(&answer).expect("a session");
    world.get("/jobs?state=dead", &cookie).await.is(200);
    // Ana is an administrator; the audit log knows her by her address.
    let audit = world.get("/audit", &cookie).await.is(200).text;
    assert!(
        audit.contains("oidc:ana@example.org") && audit.contains("session.begin"),
        "{audit}"
    );
    let out = world
        .browser
        .post(format!("{}/logout", world.site.url))
        .header("cookie", &cookie)
        .header("sec-fetch-site", "same-origin");
    Answer::of(out.send().await.unwrap()).await.is(303);
    world.get("/jobs", &cookie).await.is(303);

    // The groups stand in the user info only; they give the role to read, and no more.
    world.told(|told| {
        told.claims = json!({"sub": "u-2"});
        told.person =
            json!({"sub": "u-2", "groups": ["staff", "chess"], "email": "eve@elsewhere.example"});
    });
    let cookie = session(&world.sign_in().await.is(200)).unwrap();
    world.get("/meetings", &cookie).await.is(200);
    let change = world
        .browser
        .post(format!("{}/components/search/deactivate", world.site.url))
        .header("cookie", &cookie)
        .header("sec-fetch-site", "same-origin");
    Answer::of(change.send().await.unwrap()).await.is(403);
    // Those of somebody else do not count.
    world.told(|told| told.person = json!({"sub": "u-3", "groups": ["staff"]}));
    world.sign_in().await.is(403);
}

#[tokio::test]
async fn whom_no_list_names_and_whose_address_is_not_verified_stay_outside() {
    let world = World::start().await;
    for (claims, hint) in [
        (
            json!({"email": "eve@elsewhere.example", "email_verified": true}),
            "oidc.read",
        ),
        (json!({"email": "ana@example.org"}), "verified"),
        (
            json!({"email": "ana@example.org", "email_verified": false}),
            "verified",
        ),
        (json!({}), "oidc.read"),
    ] {
        world.told(|told| told.claims = claims.clone());
        let refused = world.sign_in().await.is(403);
        assert!(refused.text.contains(hint), "{claims}: {}", refused.text);
        assert_eq!(session(&refused), None, "{claims}");
    }
    let trusting = World::with(|config| config.oidc.trust_email = true).await;
    trusting.told(|told| told.claims = json!({"email": "ana@example.org"}));
    trusting.sign_in().await.is(200);
}

#[tokio::test]
async fn tokens_that_lie_open_nothing() {
    let world = World::start().await;
    let now = jiff::Timestamp::now().as_second();
    let person = json!({"email": "ana@example.org", "email_verified": true});
    for (claims, head) in [
        (json!({"nonce": "another"}), json!({})),
        (json!({"nonce": null}), json!({})),
        (json!({"aud": "another"}), json!({})),
        (json!({"aud": ["parfocal", "another"]}), json!({})),
        (json!({"iss": "https://accounts.example"}), json!({})),
        (json!({"exp": now - 3_600}), json!({})),
        (json!({"iat": now + 3_600}), json!({})),
        (json!({"sub": null}), json!({})),
        (json!({}), json!({"alg": "none"})),
        (json!({}), json!({"alg": "HS256"})),
        (json!({}), json!({"alg": "RS256"})),
    ] {
        world.told(|told| {
            told.claims = person.clone();
            for (name, value) in claims.as_object().unwrap() {
                told.claims[name] = value.clone();
            }
            told.head = head.clone();
        });
        let refused = world.sign_in().await.is(401);
        assert!(
            refused.text.contains("is not believed"),
            "{claims} {head}: {}",
            refused.text
        );
        assert_eq!(session(&refused), None, "{claims} {head}");
    }
    world.told(|told| {
        told.claims = person;
        told.head = json!({});
    });
    assert!(session(&world.sign_in().await.is(200)).is_some());
}

#[tokio::test]
async fn keys_are_exchanged_without_anybody_noticing() {
    let world = World::start().await;
    world.sign_in().await.is(200);
    world.sign_in().await.is(200);
    let asked = world.told(|told| std::mem::take(&mut told.asked));
    assert_eq!(asked, ["description", "keys"], "once, and then from memory");
    let exchange = |kid| {
        world.told(|told| {
            told.key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
            told.kid = kid;
        });
    };
    exchange("second");
    world.sign_in().await.is(200);
    assert_eq!(world.told(|told| std::mem::take(&mut told.asked)), ["keys"]);
    // One that signs with keys it has not published is not asked with every token.
    exchange("third");
    let refused = world.sign_in().await.is(401);
    assert!(
        refused.text.contains("no key of the provider"),
        "{}",
        refused.text
    );
    assert!(world.told(|told| told.asked.is_empty()));
}

#[tokio::test]
async fn an_answer_counts_once_in_the_browser_that_asked() {
    let world = World::start().await;
    let begun = world.begin("/").await;
    let back = World::back(&begun);
    let refused = async |path: &str, cookie: &str| {
        let answer = world.get(path, cookie).await.is(400);
        assert!(
            answer.text.contains("belongs to no sign-in"),
            "{}",
            answer.text
        );
        assert_eq!(session(&answer), None);
    };
    // Somebody else's browser, which an attacker sends their own answer to.
    refused(&back, "").await;
    let other = world.begin("/").await;
    refused(&back, &other.cookie).await;
    refused("/login/oidc/callback?code=x", &begun.cookie).await;
    refused("/login/oidc/callback", "parfocal_signin=short").await;
    // The cookie of a sign-in opens nothing else.
    let value = begun.cookie.split_once('=').unwrap().1;
    world
        .get("/jobs", &format!("parfocal_session={value}"))
        .await
        .is(303);
    assert!(session(&world.get(&back, &begun.cookie).await.is(200)).is_some());
    refused(&back, &begun.cookie).await;
    // The provider says no, or another one answers.
    let begun = world.begin("/").await;
    let state = &begun.asked["state"];
    let said = format!(
        "/login/oidc/callback?error=access_denied&error_description=%3Cb%3ENo&state={state}"
    );
    let answer = world.get(&said, &begun.cookie).await.is(401).text;
    assert!(answer.contains("access_denied: &lt;b&gt;No"), "{answer}");
    let begun = world.begin("/").await;
    let mixed = format!("{}&iss=https%3A%2F%2Fevil.test", World::back(&begun));
    world.get(&mixed, &begun.cookie).await.is(401);
}

#[tokio::test]
async fn nobody_is_led_to_another_site() {
    let world = World::start().await;
    for to in [
        "//evil.test",
        "https://evil.test/",
        "/\\evil.test",
        "javascript:alert(1)",
        "/\t/evil.test",
    ] {
        let begun = world.begin(to).await;
        let answer = world
            .get(&World::back(&begun), &begun.cookie)
            .await
            .is(200)
            .read();
        assert!(
            answer.contains("0;url=/\"") && !answer.contains("evil"),
            "{to}: {answer}"
        );
        let page = world
            .get(&format!("/login?to={}", crate::zoomapp::encoded(to)), "")
            .await
            .is(200)
            .text;
        assert!(
            !page.contains("evil.test") && !page.contains("alert"),
            "{to}: {page}"
        );
    }
    // Under a name of another's, the provider is still told to come back to us.
    let begun = {
        let request = world
            .browser
            .get(format!("{}/login/oidc", world.site.url))
            .header("host", "evil.test");
        Answer::of(request.send().await.unwrap()).await.is(303)
    };
    assert!(!begun.header("location").contains("evil.test"), "{begun:?}");
}

#[tokio::test]
async fn a_provider_that_is_away_or_another_is_told_and_a_key_still_opens() {
    let world =
        World::with(|config| config.oidc.issuer = Some("http://127.0.0.1:1".to_owned())).await;
    let answer = world.get("/login/oidc", "").await.is(503).text;
    assert!(
        answer.contains("cannot be used") && answer.contains("name=\"key\""),
        "{answer}"
    );
    let world = World::start().await;
    world.told(|told| told.issuer = "http://127.0.0.1:2".to_owned());
    let answer = world.get("/login/oidc", "").await.is(503).text;
    assert!(answer.contains("oidc.issuer"), "{answer}");
    // Without a provider there is none to go to.
    let site = Site::start().await;
    site.get("/login/oidc").await.is(404);
}
