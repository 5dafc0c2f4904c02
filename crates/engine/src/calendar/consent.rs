//! Connecting a calendar in the browser: a person agrees at Google or Microsoft, and the answer opens the calendar.
//!
//! Authorization code with PKCE. The answer counts once, within ten minutes, and only in the browser that began: its `state` is
//! known here by a hash, the browser by a word in a cookie. The proof of PKCE lies in the vault meanwhile.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use parfocal_store::CalendarConsentRow;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use url::Url;

use super::accounts::{Account, CalendarAccountView, Kept, Opener, Settings};
use super::http::{Http, address};
use super::{CalendarAccounts, google, microsoft};
use crate::App;
use crate::audit::{self, By, Change};
use crate::clock::later;
use crate::connections::Returned;
use crate::error::{Code, EngineError, Result};
use crate::vault::Purpose;

/// How long somebody may take to agree.
const LIFE: Duration = Duration::from_mins(10);
/// How long a consent that is over is remembered, so that a repetition is told why it does not work.
const REMEMBERED: SignedDuration = SignedDuration::from_hours(24);
/// What is asked of Microsoft; the first gives a refresh token.
const MICROSOFT_SCOPE: &str = "offline_access https://graph.microsoft.com/Calendars.ReadWrite";

/// A calendar that is to be connected.
#[derive(Debug, Clone)]
pub struct ConsentRequest {
    /// Its name here; one of this name gets a new consent.
    pub name: String,
    /// `google` or `microsoft`.
    pub calendar: String,
    /// The calendar does not mail the guests; we do.
    pub own_invitations: bool,
    /// Where the person is sent back to.
    pub redirect_uri: String,
    /// Who begins it.
    pub by: By,
}

/// A consent that was begun.
#[derive(Debug, Clone)]
pub struct ConsentBegun {
    /// Where to send the person.
    pub url: Url,
    /// The `state` in it.
    pub state: SecretString,
    /// What the browser has to keep and bring back.
    pub browser: SecretString,
    /// Where the answer comes back to.
    pub redirect_uri: String,
    /// Until when it can be given.
    pub expires: Timestamp,
}

impl ConsentBegun {
    /// The word of a link with which any browser goes on with it, once; whoever has it can.
    pub fn word(&self) -> SecretString {
        format!(
            "{}.{}",
            self.state.expose_secret(),
            self.browser.expose_secret()
        )
        .into()
    }
}

/// What came of a consent that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsentOutcome {
    /// Nobody has come back yet.
    Open,
    /// The calendar is connected.
    Connected,
    /// It was refused, or went wrong.
    Refused {
        /// Why.
        why: String,
        /// What to do.
        hint: String,
    },
    /// Nobody came back in time.
    Expired,
}

/// What lies in the row of a consent.
#[derive(Serialize, Deserialize)]
struct Begun {
    name: String,
    settings: Settings,
    redirect_uri: String,
    /// SHA-256 of the browser's word.
    browser: String,
    actor: String,
    /// What came of it, once somebody came back.
    #[serde(default)]
    outcome: Option<Ended>,
}

/// How a consent ended.
#[derive(Serialize, Deserialize)]
struct Ended {
    /// Why it did not; none: the calendar is connected.
    why: Option<String>,
    hint: Option<String>,
}

/// Our app at one of them.
struct OurApp {
    client_id: String,
    client_secret: SecretString,
    consent_url: Url,
    token_url: Url,
    scope: &'static str,
    settings: Settings,
    system: &'static str,
}

fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

fn our_app(app: &App, calendar: &str, own_invitations: bool) -> Result<OurApp> {
    let lacks = |section: &str| {
        EngineError::new(
            Code::ConfigInvalid,
            format!("no app of ours at {section} is configured"),
        )
        .with_hint(format!(
            "Set {section}.client_id and {section}.client_secret, or add the calendar with `parfocal calendars add {section}`."
        ))
    };
    let config = app.config();
    match calendar {
        google::NAME => {
            let ours = &config.google;
            let (Some(id), Some(secret)) = (&ours.client_id, &ours.client_secret) else {
                return Err(lacks("google"));
            };
            Ok(OurApp {
                client_id: id.clone(),
                client_secret: secret.expose().to_owned().into(),
                consent_url: ours.consent_url.clone(),
                token_url: ours.token_url.clone(),
                scope: google::SCOPE,
                settings: Settings::Google {
                    calendar: "primary".to_owned(),
                    person: None,
                    invites: !own_invitations,
                    api_url: bare(&ours.api_url),
                    token_url: bare(&ours.token_url),
                },
                system: "Google",
            })
        }
        microsoft::NAME => {
            let ours = &config.microsoft;
            let (Some(id), Some(secret)) = (&ours.client_id, &ours.client_secret) else {
                return Err(lacks("microsoft"));
            };
            let at = |path: &str| {
                let tenant = super::api::coded(&ours.tenant);
                address(&format!(
                    "{}/{tenant}/oauth2/v2.0/{path}",
                    bare(&ours.login_url)
                ))
            };
            Ok(OurApp {
                client_id: id.clone(),
                client_secret: secret.expose().to_owned().into(),
                consent_url: at("authorize")?,
                token_url: at("token")?,
                scope: MICROSOFT_SCOPE,
                settings: Settings::Microsoft {
                    tenant: ours.tenant.clone(),
                    mailbox: None,
                    invites: !own_invitations,
                    api_url: bare(&ours.api_url),
                    login_url: bare(&ours.login_url),
                },
                system: "Microsoft",
            })
        }
        other => Err(EngineError::invalid(format!(
            "a calendar of {other:?} is not connected in the browser"
        ))
        .with_hint(
            "`google` and `microsoft` are; others are added with `parfocal calendars add`.",
        )),
    }
}

/// The page on which a person agrees.
fn page(ours: &OurApp, redirect_uri: &str, state: &str, verifier: &str) -> Url {
    let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
    let mut url = ours.consent_url.clone();
    url.query_pairs_mut()
        .append_pair("client_id", &ours.client_id)
        .append_pair("response_type", "code")
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", ours.scope)
        .append_pair("state", state)
        .append_pair("code_challenge", &proof)
        .append_pair("code_challenge_method", "S256");
    match ours.settings {
        // Google gives a refresh token only to whoever is asked anew.
        Settings::Google { .. } => url
            .query_pairs_mut()
            .append_pair("access_type", "offline")
            .append_pair("prompt", "consent"),
        _ => url
            .query_pairs_mut()
            .append_pair("response_mode", "query")
            .append_pair("prompt", "select_account"),
    };
    url
}

fn bare(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

impl CalendarAccounts<'_> {
    /// The calendars that can be connected in the browser, by what is configured.
    pub fn offered(&self) -> Vec<&'static str> {
        [google::NAME, microsoft::NAME]
            .into_iter()
            .filter(|name| our_app(self.app, name, false).is_ok())
            .collect()
    }

    /// Begins to connect a calendar: writes down what the answer has to match, and tells where to send the person.
    ///
    /// # Errors
    /// `config_invalid` without an app of ours there, `component_off`, `conflict` when the name is another calendar's.
    pub async fn begin_consent(&self, request: ConsentRequest) -> Result<ConsentBegun> {
        let app = self.app;
        let ours = our_app(app, &request.calendar, request.own_invitations)?;
        app.components()
            .require(&format!("calendar-{}", request.calendar))
            .await?;
        super::accounts::check_name(&request.name)?;
        self.standing(&request.name, &ours.settings).await?;
        let random = || hex::encode(app.chance().bytes::<32>());
        let (state, browser, verifier) = (random(), random(), random());
        let url = page(&ours, &request.redirect_uri, &state, &verifier);
        let now = app.clock().now();
        let begun = Begun {
            name: request.name,
            settings: ours.settings,
            redirect_uri: request.redirect_uri,
            browser: hash(&browser),
            actor: request.by.actor,
            outcome: None,
        };
        let row = CalendarConsentRow {
            hash: hash(&state),
            data: json!(begun),
            expires: later(now, LIFE),
            used_at: None,
        };
        let old = now.checked_sub(REMEMBERED).unwrap_or(now);
        let mut tx = app.store().begin(app.scope()).await?;
        tx.put_calendar_consent(&row, old).await?;
        app.vault()
            .put(&mut tx, Purpose::Verifier, &row.hash, verifier.as_bytes())
            .await?;
        tx.commit().await?;
        Ok(ConsentBegun {
            url,
            state: state.into(),
            browser: browser.into(),
            redirect_uri: begun.redirect_uri,
            expires: row.expires,
        })
    }

    /// Goes on with a consent that was begun elsewhere, such as at the command line, by the word of its link.
    ///
    /// # Errors
    /// `oauth_state_…` for a word that belongs to nothing that is under way.
    pub async fn go_on(&self, word: &str) -> Result<ConsentBegun> {
        let app = self.app;
        let (state, browser) = word.split_once('.').unwrap_or((word, ""));
        let returned = Returned {
            state: Some(state.to_owned()),
            browser: Some(browser.to_owned()),
            ..Returned::default()
        };
        let (row, begun) = self.recognised(&returned, app.clock().now()).await?;
        let verifier = app
            .vault()
            .get_text(app.scope(), Purpose::Verifier, &row.hash)
            .await?
            .ok_or_else(used)?;
        let ours = our_app(app, begun.settings.adapter(), false)?;
        Ok(ConsentBegun {
            url: page(&ours, &begun.redirect_uri, state, verifier.expose_secret()),
            state: state.to_owned().into(),
            browser: browser.to_owned().into(),
            redirect_uri: begun.redirect_uri,
            expires: row.expires,
        })
    }

    /// What came of a consent, by its `state`.
    ///
    /// # Errors
    /// `oauth_state_unknown` for one that was never begun here.
    pub async fn outcome(&self, state: &SecretString) -> Result<ConsentOutcome> {
        let row = self
            .app
            .store()
            .calendar_consent(self.app.scope(), &hash(state.expose_secret()))
            .await?
            .ok_or_else(unknown)?;
        let begun: Begun = serde_json::from_value(row.data).map_err(|_| unknown())?;
        Ok(match begun.outcome {
            Some(Ended { why: None, .. }) => ConsentOutcome::Connected,
            Some(Ended {
                why: Some(why),
                hint,
            }) => ConsentOutcome::Refused {
                why,
                hint: hint.unwrap_or_default(),
            },
            None if row.used_at.is_none() && row.expires <= self.app.clock().now() => {
                ConsentOutcome::Expired
            }
            None => ConsentOutcome::Open,
        })
    }

    /// Ends it with what the browser came back with: the code is exchanged, and the calendar added or opened anew, and tried.
    ///
    /// # Errors
    /// `oauth_state_…` for answers that belong to nothing that is under way, `consent_denied`, and `calendar_…` as the other side
    /// says it. Nothing is kept then.
    pub async fn finish_consent(&self, returned: Returned, by: &By) -> Result<CalendarAccountView> {
        let app = self.app;
        let now = app.clock().now();
        let (row, mut begun) = self.recognised(&returned, now).await?;
        let verifier = app
            .vault()
            .get_text(app.scope(), Purpose::Verifier, &row.hash)
            .await?;
        let mut tx = app.store().begin(app.scope()).await?;
        if !tx.take_calendar_consent(&row.hash, now).await? {
            return Err(used());
        }
        tx.delete_secret(Purpose::Verifier.as_str(), &row.hash)
            .await?;
        tx.commit().await?;
        let ended = self.agreed(&returned, &begun, verifier, by, now).await;
        // Whoever waits for it elsewhere is told.
        let error = ended.as_ref().err();
        begun.outcome = Some(Ended {
            why: error.map(|error| error.message().to_owned()),
            hint: error.map(|error| error.hint().to_owned()),
        });
        let mut tx = app.store().begin(app.scope()).await?;
        tx.end_calendar_consent(&row.hash, &json!(begun)).await?;
        tx.commit().await?;
        ended
    }

    /// Exchanges the code and opens the calendar with what it gives.
    async fn agreed(
        &self,
        returned: &Returned,
        begun: &Begun,
        verifier: Option<SecretString>,
        by: &By,
        now: Timestamp,
    ) -> Result<CalendarAccountView> {
        let app = self.app;
        let adapter = begun.settings.adapter();
        let ours = our_app(app, adapter, false)?;
        if let Some(word) = returned.error.as_deref().filter(|word| !word.is_empty()) {
            let word: String = word.chars().filter(|c| !c.is_control()).take(60).collect();
            return Err(EngineError::new(
                Code::ConsentDenied,
                format!("{} was told not to allow it ({word})", ours.system),
            )
            .with_hint("Nothing was stored. Begin again if that was not meant."));
        }
        let (Some(code), Some(verifier)) = (
            returned.code.as_deref().filter(|code| !code.is_empty()),
            verifier,
        ) else {
            return Err(EngineError::new(
                Code::CodeRefused,
                format!("{} sent nobody back with a code", ours.system),
            )
            .with_hint("Begin again."));
        };
        let said = exchange(app, &ours, begun, code, &verifier).await?;
        let Some(refresh_token) = said["refresh_token"]
            .as_str()
            .filter(|text| !text.is_empty())
        else {
            return Err(EngineError::new(
                Code::CalendarRefused,
                format!("{} gave access for an hour only", ours.system),
            )
            .with_hint("Take the app out of the apps that have access to the account there, and begin again."));
        };
        let opener = Opener::Refresh {
            client_id: ours.client_id,
            client_secret: ours.client_secret.expose_secret().to_owned(),
            refresh_token: refresh_token.to_owned(),
        };
        self.open_with(begun, opener, by, now).await
    }

    /// The calendar of a name, when it may get a new consent.
    async fn standing(&self, name: &str, settings: &Settings) -> Result<Option<Account>> {
        match self.find(Some(name), None).await {
            Ok(account) if account.settings.adapter() == settings.adapter() => Ok(Some(account)),
            Ok(_) => Err(EngineError::new(
                Code::Conflict,
                format!("there is another calendar named {name}"),
            )),
            Err(error) if error.code() == Code::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn recognised(
        &self,
        returned: &Returned,
        now: Timestamp,
    ) -> Result<(CalendarConsentRow, Begun)> {
        let state = returned.state.as_deref().filter(|text| !text.is_empty());
        let row = self
            .app
            .store()
            .calendar_consent(self.app.scope(), &hash(state.ok_or_else(unknown)?))
            .await?
            .ok_or_else(unknown)?;
        let begun: Begun = serde_json::from_value(row.data.clone()).map_err(|_| unknown())?;
        // Before anything else is told or used up: the answer must come from the browser that began.
        let given = hash(returned.browser.as_deref().unwrap_or_default());
        let same: bool = given.as_bytes().ct_eq(begun.browser.as_bytes()).into();
        if !same {
            return Err(EngineError::new(
                Code::StateForeign,
                "the browser that came back is not the one in which the calendar was being connected",
            ));
        }
        if row.used_at.is_some() {
            return Err(used());
        }
        if row.expires <= now {
            return Err(EngineError::new(
                Code::StateExpired,
                "the consent was not given in time",
            ));
        }
        Ok((row, begun))
    }

    async fn open_with(
        &self,
        begun: &Begun,
        opener: Opener,
        by: &By,
        now: Timestamp,
    ) -> Result<CalendarAccountView> {
        let app = self.app;
        let by = By::new(begun.actor.clone(), by.surface);
        if let Some(account) = self.standing(&begun.name, &begun.settings).await? {
            let kept = Kept {
                opener,
                access: None,
                channel: account.kept().await.ok().and_then(|kept| kept.channel),
            };
            account.keep(&kept).await?;
            let settings = json!(begun.settings);
            let mut tx = app.store().begin(app.scope()).await?;
            tx.set_calendar_account(account.row.id, &settings, "new", None, now)
                .await?;
            tx.commit().await?;
        } else {
            self.add(&begun.name, &begun.settings, &opener).await?;
        }
        let mut tx = app.store().begin(app.scope()).await?;
        let change = Change {
            action: "calendar.connect",
            target: &format!("calendar/{}", begun.name),
            detail: json!({ "calendar": begun.settings.adapter() }),
        };
        audit::append(&mut tx, &by, &change, now).await?;
        tx.commit().await?;
        self.check(&begun.name).await
    }
}

fn unknown() -> EngineError {
    EngineError::new(
        Code::StateUnknown,
        "the answer belongs to no calendar that was being connected here",
    )
}

fn used() -> EngineError {
    EngineError::new(Code::StateUsed, "this consent is over already")
}

/// Exchanges a code for tokens.
async fn exchange(
    app: &App,
    ours: &OurApp,
    begun: &Begun,
    code: &str,
    verifier: &SecretString,
) -> Result<Value> {
    let http = Http::new(ours.system, app.clock(), &address(ours.token_url.as_str())?)?;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &begun.redirect_uri),
        ("client_id", &ours.client_id),
        ("client_secret", ours.client_secret.expose_secret()),
        ("code_verifier", verifier.expose_secret()),
    ];
    let got = http
        .send(http.client().post(ours.token_url.clone()).form(&form))
        .await?;
    if got.is_success() {
        return Ok(got.json());
    }
    Err(http
        .refusal("the code of a consent", &got)
        .with_hint("Begin again; a code works once. If it stays so, compare client id, secret and redirect address with the app's settings there."))
}
