//! Handing mails to a mail server, each stage apart: only once the text has gone out is it uncertain whether it was taken.

use std::time::Duration;

use lettre::Address;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;

use crate::config::{Security, Smtp};
use crate::error::{Code, EngineError, Result};

/// What came of handing a mail over.
#[derive(Debug)]
pub(super) enum Handed {
    /// The server has taken it.
    Taken,
    /// The server has not: now, or for good.
    Not(EngineError),
    /// The answer is lost.
    Uncertain(String),
}

/// Hands a whole message over to the configured server.
pub(super) async fn hand(config: &Smtp, host: &str, to: &str, message: &[u8]) -> Handed {
    let prepared = async {
        let from: Mailbox = config.from.parse().map_err(|error| {
            EngineError::new(Code::ConfigInvalid, format!("smtp.from: {error}"))
        })?;
        let to: Address = to.trim().parse().map_err(|error| {
            EngineError::new(
                Code::MailRefused,
                format!("{to:?} is not an address: {error}"),
            )
        })?;
        let envelope = Envelope::new(Some(from.email), vec![to])
            .map_err(|error| EngineError::new(Code::MailRefused, error.to_string()))?;
        let connection = connect(config, host).await?;
        Ok::<_, EngineError>((envelope, connection))
    };
    let (envelope, mut connection) = match prepared.await {
        Ok(ready) => ready,
        Err(error) => return Handed::Not(error),
    };
    match connection.send(&envelope, message).await {
        Ok(_) => {
            let _closing = connection.quit().await;
            Handed::Taken
        }
        Err(error) if error.is_permanent() || error.is_transient() || error.is_client() => {
            connection.abort().await;
            Handed::Not(said(&error))
        }
        // A broken line: the final dot may have arrived.
        Err(error) => Handed::Uncertain(error.to_string()),
    }
}

/// Connects, encrypts as configured, and logs in.
async fn connect(config: &Smtp, host: &str) -> Result<AsyncSmtpConnection> {
    let hello = ClientId::default();
    let timeout = Some(Duration::from_secs(config.timeout_seconds.max(1)));
    let tls = match config.security {
        Security::None => None,
        Security::Starttls | Security::Tls => Some(parameters(config, host)?),
    };
    let at_once = tls.clone().filter(|_| config.security == Security::Tls);
    let mut connection =
        AsyncSmtpConnection::connect_tokio1((host, config.port), timeout, &hello, at_once, None)
            .await
            .map_err(|error| said(&error))?;
    if let Some(tls) = tls.filter(|_| config.security == Security::Starttls) {
        // Without STARTTLS nothing is sent: somebody in between may have taken the offer away.
        connection
            .starttls(tls, &hello)
            .await
            .map_err(|error| said(&error))?;
    }
    if let Some(name) = &config.username {
        let password = config
            .password
            .as_ref()
            .map(|password| password.expose().to_owned())
            .unwrap_or_default();
        let credentials = Credentials::new(name.clone(), password);
        connection
            .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
            .await
            .map_err(|error| said(&error))?;
    }
    Ok(connection)
}

fn parameters(config: &Smtp, host: &str) -> Result<TlsParameters> {
    let wrong = |what: String| EngineError::new(Code::ConfigInvalid, what);
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(file) = &config.ca_file {
        let pem = std::fs::read(file)
            .map_err(|error| wrong(format!("smtp.ca_file {}: {error}", file.display())))?;
        let certificate = Certificate::from_pem(&pem)
            .map_err(|error| wrong(format!("smtp.ca_file {}: {error}", file.display())))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder
        .build_rustls()
        .map_err(|error| wrong(format!("TLS to {host} cannot be set up: {error}")))
}

/// What a failure before the text has gone out means.
fn said(error: &SmtpError) -> EngineError {
    let words = std::error::Error::source(error)
        .map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
    let code = if error.is_permanent() || error.is_client() {
        Code::MailRefused
    } else {
        Code::MailUnavailable
    };
    EngineError::new(code, words)
}
