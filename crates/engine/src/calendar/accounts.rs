//! Calendar accounts: where meetings are written to, and the secrets that open them.

use jiff::Timestamp;
use parfocal_store::CalendarAccountRow;
use schemars::JsonSchema;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::work::Channel;
use super::{Calendar, caldav, google, http, microsoft};
use crate::App;
use crate::error::{Code, EngineError, Result};
use crate::vault::Purpose;

/// What a calendar account is and where it lies; no secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Settings {
    /// Google Calendar.
    Google {
        /// The calendar, `primary` for the person's own.
        calendar: String,
        /// Whom a service account stands for (domain-wide delegation).
        person: Option<String>,
        /// Whether Google mails the guests; otherwise the event at Google has none, and we mail them.
        invites: bool,
        /// Where the API is.
        api_url: String,
        /// Where tokens are given.
        token_url: String,
    },
    /// Microsoft 365.
    Microsoft {
        /// The tenant.
        tenant: String,
        /// The mailbox that an application writes to; none: the one of the person who agreed.
        mailbox: Option<String>,
        /// Whether Microsoft mails the guests; otherwise the event there has none, and we mail them.
        invites: bool,
        /// Where the API is.
        api_url: String,
        /// Where tokens are given.
        login_url: String,
    },
    /// Any CalDAV server.
    Caldav {
        /// The server, or the address of the calendar's collection.
        url: String,
        /// The user name.
        user: String,
        /// The collection, once it has been found.
        collection: Option<String>,
    },
}

impl Settings {
    /// Google Calendar as it is in the world.
    pub fn google() -> Self {
        Self::Google {
            calendar: "primary".into(),
            person: None,
            invites: true,
            api_url: "https://www.googleapis.com/calendar/v3".into(),
            token_url: "https://oauth2.googleapis.com/token".into(),
        }
    }

    /// Microsoft 365 as it is in the world.
    pub fn microsoft(tenant: &str) -> Self {
        Self::Microsoft {
            tenant: tenant.into(),
            mailbox: None,
            invites: true,
            api_url: "https://graph.microsoft.com/v1.0".into(),
            login_url: "https://login.microsoftonline.com".into(),
        }
    }

    /// The name of the adapter in the registry of calendars.
    pub const fn adapter(&self) -> &'static str {
        match self {
            Self::Google { .. } => google::NAME,
            Self::Microsoft { .. } => microsoft::NAME,
            Self::Caldav { .. } => caldav::NAME,
        }
    }

    fn check(&self) -> Result<()> {
        match self {
            Self::Google {
                api_url, token_url, ..
            } => {
                http::address(api_url)?;
                http::address(token_url)?;
            }
            Self::Microsoft {
                api_url,
                login_url,
                tenant,
                mailbox,
                ..
            } => {
                http::address(api_url)?;
                http::address(login_url)?;
                if mailbox.is_some()
                    && matches!(tenant.as_str(), "common" | "organizations" | "consumers")
                {
                    return Err(EngineError::invalid(
                        "an application's own access needs the tenant's id or domain, not `common`",
                    ));
                }
            }
            Self::Caldav { url, .. } => {
                http::address(url)?;
            }
        }
        Ok(())
    }
}

/// What opens a calendar.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Opener {
    /// A client, and what a person agreed to.
    Refresh {
        /// The client's id.
        client_id: String,
        /// The client's secret.
        client_secret: String,
        /// The refresh token.
        refresh_token: String,
    },
    /// A client that acts as itself (Microsoft).
    Client {
        /// The client's id.
        client_id: String,
        /// The client's secret.
        client_secret: String,
    },
    /// The key file of a service account (Google).
    ServiceAccount {
        /// The file's text.
        key_file: String,
    },
    /// A password, best one for this program alone.
    Password {
        /// The password.
        password: String,
    },
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Refresh { .. } => "Refresh(…)",
            Self::Client { .. } => "Client(…)",
            Self::ServiceAccount { .. } => "ServiceAccount(…)",
            Self::Password { .. } => "Password(…)",
        })
    }
}

/// What lies in the vault: what opens it, and the access token while it lives.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) opener: Opener,
    pub(super) access: Option<Access>,
    /// How changes are told, where they are.
    #[serde(default)]
    pub(super) channel: Option<Channel>,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Access {
    pub(super) token: String,
    pub(super) until: Timestamp,
}

/// A calendar account as people see it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct CalendarAccountView {
    /// Its name.
    pub name: String,
    /// The calendar to name when something is scheduled: `google`, `microsoft` or `caldav`.
    pub calendar: String,
    /// What it is and where.
    pub settings: Settings,
    /// `new`, `working` or `failing`.
    pub state: String,
    /// Why it fails.
    pub reason: Option<String>,
    /// When it was last tried.
    pub checked: Option<Timestamp>,
}

/// An account with what reaches it.
#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) app: App,
    pub(super) row: CalendarAccountRow,
    pub(super) settings: Settings,
}

impl Account {
    pub(super) fn of(app: &App, row: CalendarAccountRow) -> Result<Self> {
        let settings = serde_json::from_value(row.settings.clone()).map_err(|error| {
            EngineError::new(
                Code::StoreCorrupt,
                format!(
                    "the settings of the calendar {} cannot be read: {error}",
                    row.name
                ),
            )
        })?;
        Ok(Self {
            app: app.clone(),
            row,
            settings,
        })
    }

    fn owner(&self) -> String {
        self.row.id.to_string()
    }

    /// What the vault holds for it.
    pub(super) async fn kept(&self) -> Result<Kept> {
        let scope = self.app.scope();
        let vault = self.app.vault();
        let text = vault
            .get_text(scope, Purpose::Calendar, &self.owner())
            .await?;
        text.and_then(|text| serde_json::from_str(text.expose_secret()).ok())
            .ok_or_else(|| {
                EngineError::new(
                    Code::CalendarRefused,
                    format!("nothing opens the calendar {}", self.row.name),
                )
                .with_hint("Remove it and add it again.")
            })
    }

    /// Writes what the vault holds for it.
    pub(super) async fn keep(&self, kept: &Kept) -> Result<()> {
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        self.app
            .vault()
            .put(&mut tx, Purpose::Calendar, &self.owner(), &packed(kept)?)
            .await?;
        tx.commit().await?;
        Ok(())
    }

    fn calendar(&self) -> Result<std::sync::Arc<dyn Calendar>> {
        Ok(match &self.settings {
            Settings::Google { .. } => std::sync::Arc::new(google::Google::of(self)?),
            Settings::Microsoft { .. } => std::sync::Arc::new(microsoft::Microsoft::of(self)?),
            Settings::Caldav { .. } => std::sync::Arc::new(caldav::Caldav::of(self.clone())?),
        })
    }

    fn view(&self) -> CalendarAccountView {
        CalendarAccountView {
            name: self.row.name.clone(),
            calendar: self.settings.adapter().to_owned(),
            settings: self.settings.clone(),
            state: self.row.state.clone(),
            reason: self.row.reason.clone(),
            checked: self.row.checked,
        }
    }
}

/// Refuses a name that nobody could read.
pub(super) fn check_name(name: &str) -> Result<()> {
    if name.trim().is_empty() || name.chars().count() > 80 {
        return Err(EngineError::invalid(
            "a calendar's name has 1 to 80 characters",
        ));
    }
    Ok(())
}

fn packed(kept: &Kept) -> Result<zeroize::Zeroizing<Vec<u8>>> {
    serde_json::to_vec(kept)
        .map(zeroize::Zeroizing::new)
        .map_err(|error| EngineError::new(Code::Internal, error.to_string()))
}

/// Calendar accounts: add, list, check, remove.
#[derive(Debug, Clone, Copy)]
pub struct CalendarAccounts<'a> {
    pub(crate) app: &'a App,
}

impl CalendarAccounts<'_> {
    /// Adds a calendar account and tries it.
    ///
    /// # Errors
    /// `conflict` when the name is taken, `invalid_input` for an address that is not HTTPS.
    pub async fn add(
        &self,
        name: &str,
        settings: &Settings,
        opener: &Opener,
    ) -> Result<CalendarAccountView> {
        settings.check()?;
        check_name(name)?;
        let app = self.app;
        let json = serde_json::to_value(settings)
            .map_err(|error| EngineError::new(Code::Internal, error.to_string()))?;
        let kept = Kept {
            opener: opener.clone(),
            access: None,
            channel: None,
        };
        let now = app.clock().now();
        let mut tx = app.store().begin(app.scope()).await?;
        let id = tx.add_calendar_account(name, &json, now).await?;
        let Some(id) = id else {
            return Err(EngineError::new(
                Code::Conflict,
                format!("there is a calendar named {name} already"),
            ));
        };
        app.vault()
            .put(&mut tx, Purpose::Calendar, &id.to_string(), &packed(&kept)?)
            .await?;
        tx.commit().await?;
        self.check(name).await
    }

    /// All calendar accounts, by name.
    pub async fn list(&self) -> Result<Vec<CalendarAccountView>> {
        let rows = self.app.store().calendar_accounts(self.app.scope()).await?;
        rows.into_iter()
            .map(|row| Ok(Account::of(self.app, row)?.view()))
            .collect()
    }

    /// Tries a calendar account: its credentials, and whether its calendar can be read. What comes out is kept and told; that the
    /// calendar refuses is no failure of this call.
    pub async fn check(&self, name: &str) -> Result<CalendarAccountView> {
        let mut account = self.find(Some(name), None).await?;
        let tried = match &account.settings {
            Settings::Google { .. } => google::Google::of(&account)?.probe().await,
            Settings::Microsoft { .. } => microsoft::Microsoft::of(&account)?.probe().await,
            Settings::Caldav { .. } => match caldav::Caldav::of(account.clone())?.probe().await {
                Ok(found) => {
                    if let Settings::Caldav { collection, .. } = &mut account.settings {
                        *collection = Some(found);
                    }
                    Ok(())
                }
                Err(error) => Err(error),
            },
        };
        let (state, reason) = match tried {
            Ok(()) => ("working", None),
            Err(error) => ("failing", Some(error.message().to_owned())),
        };
        let json = serde_json::to_value(&account.settings)
            .map_err(|error| EngineError::new(Code::Internal, error.to_string()))?;
        let now = self.app.clock().now();
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.set_calendar_account(account.row.id, &json, state, reason.as_deref(), now)
            .await?;
        tx.commit().await?;
        account.row.state = state.to_owned();
        account.row.reason = reason;
        account.row.checked = Some(now);
        Ok(account.view())
    }

    /// Removes a calendar account and its secrets; events that were written stay where they are.
    pub async fn remove(&self, name: &str) -> Result<()> {
        let account = self.find(Some(name), None).await?;
        let mut tx = self.app.store().begin(self.app.scope()).await?;
        tx.delete_secrets_of(&account.owner()).await?;
        tx.remove_calendar_account(account.row.id).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The account of this name, or the only one of an adapter.
    pub(super) async fn find(&self, name: Option<&str>, adapter: Option<&str>) -> Result<Account> {
        let rows = self.app.store().calendar_accounts(self.app.scope()).await?;
        let mut fitting = Vec::new();
        for row in rows {
            let account = Account::of(self.app, row)?;
            let named = name.is_none_or(|name| account.row.name == name || account.owner() == name);
            if named && adapter.is_none_or(|adapter| account.settings.adapter() == adapter) {
                fitting.push(account);
            }
        }
        match (fitting.pop(), fitting.is_empty()) {
            (Some(account), true) => Ok(account),
            (Some(_), false) => Err(EngineError::invalid(format!(
                "there are several calendars of {}",
                adapter.unwrap_or("this kind")
            ))
            .with_hint("Say which; `parfocal calendars list` shows their names.")),
            (None, _) => Err(EngineError::not_found(
                "calendar",
                name.or(adapter).unwrap_or("account"),
            )
            .with_hint("`parfocal calendars list` shows which there are.")),
        }
    }
}

/// Opens the calendar of an account for the registry.
pub(super) async fn open(
    app: App,
    adapter: &'static str,
    name: Option<String>,
) -> Result<std::sync::Arc<dyn Calendar>> {
    app.components()
        .require(&format!("calendar-{adapter}"))
        .await?;
    let accounts = CalendarAccounts { app: &app };
    accounts
        .find(name.as_deref(), Some(adapter))
        .await?
        .calendar()
}

/// A token as a type that does not print.
pub(super) fn secret(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}
