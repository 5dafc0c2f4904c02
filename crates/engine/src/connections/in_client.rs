//! User OAuth inside Zoom's client: the client shows the consent and hands the code to the page, which brings it here.

use parfocal_store::{App as AppRow, OAuthState};
use parfocal_zoom::auth::Pkce;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use subtle::ConstantTimeEq as _;

use super::Connections;
use super::identity::{Finished, Newcomer};
use super::install::{Goal, hash, read, written};
use crate::audit::By;
use crate::clock::later;
use crate::error::{Code, EngineError, Result};
use crate::vault::Purpose as Secret;

/// How long a person may take on Zoom's consent.
const LIFE: Duration = Duration::from_mins(10);
/// What `purpose` of such a login's row says.
const IN_CLIENT: &str = "in_client";

/// How a challenge is made from its verifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ChallengeMethod {
    /// The SHA-256 of the verifier.
    S256,
    /// The verifier itself: what Zoom's older clients take a challenge for.
    #[serde(rename = "plain")]
    Plain,
}

/// What the page hands to `zoomSdk.authorize`.
#[derive(Debug)]
pub struct InClient {
    /// The challenge.
    pub challenge: String,
    /// How it was made.
    pub method: ChallengeMethod,
    /// The state that comes back with the code.
    pub state: SecretString,
}

#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    /// The family of the session that began.
    family: String,
}

impl Connections<'_> {
    /// The app that a Zoom App runs under: one with a secret, since that opens its contexts.
    ///
    /// # Errors
    /// `not_found` without one, `invalid_input` when several would do and none is named.
    pub(crate) async fn client_app(&self, which: Option<&str>) -> Result<AppRow> {
        // Zoom takes https addresses only for Zoom Apps, so an app with a secret is what comes out.
        let row = self.user_app(which, Some("https://")).await?;
        if row.public {
            return Err(EngineError::new(
                Code::NotFound,
                format!("the app {} has no client secret, which opens Zoom's app contexts", row.name),
            )
            .with_hint("Set ZOOM_CLIENT_ID and ZOOM_CLIENT_SECRET of the app that has the Zoom App surface."));
        }
        Ok(row)
    }

    /// The client secret of that app.
    pub(crate) async fn context_secret(&self, app: &AppRow) -> Result<SecretString> {
        self.client_secret(app).await?.ok_or_else(|| {
            EngineError::new(
                Code::ConnectionNeedsAttention,
                format!(
                    "the client secret of the app {} is not known any more",
                    app.name
                ),
            )
        })
    }

    /// Begins a login inside Zoom's client for a family of sessions.
    pub(crate) async fn begin_in_client(
        &self,
        app: &AppRow,
        family: &str,
        method: ChallengeMethod,
    ) -> Result<InClient> {
        let pkce = Pkce::generate(&*self.app.chance().as_zoom());
        let state: SecretString = hex::encode(self.app.chance().bytes::<32>()).into();
        let state_hash = hash(state.expose_secret());
        let now = self.app.clock().now();
        let row = OAuthState {
            hash: state_hash.clone(),
            purpose: IN_CLIENT.to_owned(),
            app_id: app.id,
            verifier_ref: Some(state_hash.clone()),
            data: written(&Kept {
                family: family.to_owned(),
            })?,
            created_at: now,
            expires: later(now, LIFE),
            used_at: None,
        };
        let verifier = pkce.verifier().expose_secret();
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.put_oauth_state(&row).await?;
        self.app
            .vault()
            .put(&mut tx, Secret::Verifier, &state_hash, verifier.as_bytes())
            .await?;
        tx.commit().await?;
        Ok(InClient {
            challenge: match method {
                ChallengeMethod::S256 => pkce.challenge(),
                ChallengeMethod::Plain => verifier.to_owned(),
            },
            method,
            state,
        })
    }

    /// Ends a login inside Zoom's client with the code that the client gave the page.
    ///
    /// # Errors
    /// As [`Connections::finish_user`]; `oauth_state_foreign` when another session began it.
    pub(crate) async fn finish_in_client(
        &self,
        family: &str,
        state: &str,
        code: &str,
        redirect_uri: &str,
        by: &By,
    ) -> Result<Finished> {
        let unknown = || {
            EngineError::new(
                Code::StateUnknown,
                "the answer belongs to no login that was begun here",
            )
        };
        let (scope, login) = self
            .app
            .store()
            .oauth_state(&hash(state))
            .await?
            .filter(|(_, login)| login.purpose == IN_CLIENT)
            .ok_or_else(unknown)?;
        let kept: Kept = read(&login.data)?;
        let same: bool = kept.family.as_bytes().ct_eq(family.as_bytes()).into();
        if !same {
            return Err(EngineError::new(
                Code::StateForeign,
                "the session that came back is not the one in which the login began",
            ));
        }
        self.in_time(&login)?;
        let verifier = self
            .app
            .vault()
            .get_text(scope, Secret::Verifier, &login.hash)
            .await?;
        self.use_up(scope, &login.hash).await?;
        let row = self.app_row(login.app_id).await?;
        let oauth = self.oauth(&row.place)?;
        let zoom_app = self.zoom_app(&row).await?;
        let pkce = verifier.map(Pkce::from_verifier);
        let grant = oauth
            .exchange(&zoom_app, code, redirect_uri, pkce.as_ref())
            .await
            .map_err(|error| self.refused(&row, Some(redirect_uri), error))?;
        let newcomer = Newcomer {
            row,
            zoom_app,
            grant,
            goal: Goal::Install,
        };
        self.take_in(newcomer, by).await
    }
}
