//! Where an app lives: Zoom's commercial cloud, its cloud for the US government, or addresses of its own.

use std::fmt;
use std::str::FromStr;

use parfocal_store::{App as AppRow, AppPlace};
use parfocal_zoom::auth::OAuth;
use parfocal_zoom::{Client, ClientBuilder};
use url::Url;

use super::Connections;
use crate::error::{Code, EngineError, Result};

/// Consent and token pages of the government cloud.
const GOV_OAUTH: &str = "https://zoomgov.com";
/// The API of the government cloud, when the token names no other.
const GOV_API: &str = "https://api.zoomgov.com/v2";

/// The cloud in which an app is registered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Cloud {
    /// zoom.us, or wherever `zoom.oauth_url` and `zoom.api_url` point.
    #[default]
    Commercial,
    /// Zoom for Government: zoomgov.com.
    Gov,
    /// Other addresses, such as a second simulator.
    At {
        /// Consent, token and revoke pages, without `/oauth`.
        oauth_url: Url,
        /// The API with `/v2`; none: the one that comes with the token.
        api_url: Option<Url>,
    },
}

impl Cloud {
    /// The word for it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Commercial => "commercial",
            Self::Gov => "gov",
            Self::At { .. } => "other",
        }
    }

    /// The form that is stored.
    pub(super) fn to_place(&self) -> AppPlace {
        let (oauth_url, api_url) = match self {
            Self::Commercial | Self::Gov => (None, None),
            Self::At { oauth_url, api_url } => (
                Some(oauth_url.to_string()),
                api_url.as_ref().map(ToString::to_string),
            ),
        };
        AppPlace {
            cloud: self.as_str().to_owned(),
            oauth_url,
            api_url,
        }
    }
}

impl fmt::Display for Cloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Cloud {
    type Err = EngineError;

    fn from_str(word: &str) -> Result<Self> {
        match word {
            "commercial" => Ok(Self::Commercial),
            "gov" => Ok(Self::Gov),
            _ => Err(
                EngineError::invalid(format!("{word:?} is not a cloud of Zoom"))
                    .with_hint("It is `commercial` (zoom.us) or `gov` (zoomgov.com)."),
            ),
        }
    }
}

impl Connections<'_> {
    /// Zoom's OAuth server for an app.
    pub(super) fn oauth(self, place: &AppPlace) -> Result<OAuth> {
        let oauth = self.app.parts().oauth.clone();
        let moved = match (&place.oauth_url, place.cloud.as_str()) {
            (Some(url), _) => Some(url.as_str()),
            (None, "gov") => Some(GOV_OAUTH),
            _ => None,
        };
        match moved {
            Some(url) => oauth.with_url(url).map_err(|error| {
                EngineError::new(Code::ConfigInvalid, error.message().to_owned()).with_source(error)
            }),
            None => Ok(oauth),
        }
    }

    /// The address of that server, for people.
    pub(super) fn oauth_url(self, app: &AppRow) -> String {
        self.oauth(&app.place)
            .map(|oauth| oauth.base().to_string())
            .unwrap_or_default()
    }

    /// Points a client to the API and the download hosts of an app's cloud. A configured address of the API is that of
    /// the commercial cloud.
    pub(super) fn at(self, place: &AppPlace, builder: ClientBuilder) -> ClientBuilder {
        let config = &self.app.config().zoom;
        let builder = builder.download_hosts(&config.download_hosts);
        match (&place.api_url, place.cloud.as_str(), &config.api_url) {
            (Some(url), _, _) => builder.api_url(url.as_str()),
            (None, "gov", _) => builder.default_api_url(GOV_API),
            (None, "commercial", Some(url)) => builder.api_url(url.as_str()),
            _ => builder,
        }
    }

    /// The API that an app's tokens are used at, as far as it is known before a call.
    pub(super) fn api_url(self, app: &AppRow, told: Option<&str>) -> Option<String> {
        let config = &self.app.config().zoom;
        match (
            &app.place.api_url,
            app.place.cloud.as_str(),
            &config.api_url,
        ) {
            (Some(url), _, _) => Some(url.clone()),
            (None, "commercial", Some(url)) => Some(url.to_string()),
            (None, "gov", _) if told.is_none() => Some(GOV_API.to_owned()),
            _ => told.map(|base| format!("{}/v2", base.trim_end_matches('/'))),
        }
    }

    /// A client in the cloud of an app for a token source, paced by the budget of an account.
    pub(super) fn client_at(
        self,
        place: &AppPlace,
        tokens: parfocal_zoom::auth::TokenSource,
        account: String,
    ) -> Result<Client> {
        let budget = std::sync::Arc::new(self.app.parts().budget.clone());
        let builder = Client::builder(tokens).budget(budget).account(account);
        Ok(self.at(place, builder).build()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clouds_have_words() {
        assert_eq!("gov".parse::<Cloud>().unwrap(), Cloud::Gov);
        assert_eq!("commercial".parse::<Cloud>().unwrap(), Cloud::Commercial);
        assert!("moon".parse::<Cloud>().is_err());
        assert_eq!(Cloud::Gov.to_place().cloud, "gov");
    }
}
