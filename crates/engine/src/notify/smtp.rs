//! Handing mails to a mail server, each stage apart: only once the text has gone out is it uncertain whether it was taken.

use std::time::Duration;

use lettre::Address;
use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use tokio::time::timeout;

use crate::config::{Security, Smtp};
use crate::error::{Code, EngineError, Result};

/// Stages with a time of their own: letting us in, the addresses, the text, the farewell.
pub(super) const STAGES: u32 = 4;

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
    let wait = patience(config);
    let (envelope, mut connection) = match timeout(wait, prepared).await {
        Ok(Ok(ready)) => ready,
        Ok(Err(error)) => return Handed::Not(error),
        Err(_elapsed) => return Handed::Not(silent(config)),
    };
    match timeout(wait, announce(&mut connection, &envelope, message)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            connection.abort().await;
            return Handed::Not(error);
        }
        Err(_elapsed) => return Handed::Not(silent(config)),
    }
    match timeout(wait, connection.message(message)).await {
        Ok(Ok(_)) => {
            // It was taken: how the line is closed does not count.
            let _closing = timeout(wait, connection.quit()).await;
            Handed::Taken
        }
        Ok(Err(error)) if error.is_permanent() || error.is_transient() || error.is_client() => {
            connection.abort().await;
            Handed::Not(said(&error))
        }
        // A broken line: the final dot may have arrived.
        Ok(Err(error)) => Handed::Uncertain(error.to_string()),
        Err(_elapsed) => Handed::Uncertain(silent(config).to_string()),
    }
}

/// How long the server may take for each stage; the library itself knows a limit for connecting only.
fn patience(config: &Smtp) -> Duration {
    Duration::from_secs(config.timeout_seconds.max(1))
}

fn silent(config: &Smtp) -> EngineError {
    EngineError::new(
        Code::MailUnavailable,
        format!(
            "the mail server said nothing for {} s",
            patience(config).as_secs()
        ),
    )
}

/// Says from whom and to whom; the server has nothing of the mail itself yet.
async fn announce(
    connection: &mut AsyncSmtpConnection,
    envelope: &Envelope,
    message: &[u8],
) -> Result<()> {
    let server = connection.server_info();
    let lacks =
        |what: &str| EngineError::new(Code::MailRefused, format!("the mail server lacks {what}"));
    let mut options = Vec::new();
    if !envelope
        .from()
        .into_iter()
        .chain(envelope.to())
        .all(|one| one.to_string().is_ascii())
    {
        if !server.supports_feature(Extension::SmtpUtfEight) {
            return Err(lacks("SMTPUTF8, which addresses beyond ASCII need"));
        }
        options.push(MailParameter::SmtpUtfEight);
    }
    if !message.is_ascii() {
        if !server.supports_feature(Extension::EightBitMime) {
            return Err(lacks("8BITMIME, which this mail needs"));
        }
        options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
    }
    let refused = |error: SmtpError| said(&error);
    let mail = Mail::new(envelope.from().cloned(), options);
    connection.command(mail).await.map_err(refused)?;
    for to in envelope.to() {
        let to = Rcpt::new(to.clone(), Vec::new());
        connection.command(to).await.map_err(refused)?;
    }
    connection.command(Data).await.map_err(refused)?;
    Ok(())
}

/// Connects, encrypts as configured, and logs in.
async fn connect(config: &Smtp, host: &str) -> Result<AsyncSmtpConnection> {
    let hello = ClientId::default();
    let wait = Some(patience(config));
    let tls = match config.security {
        Security::None => None,
        Security::Starttls | Security::Tls => Some(parameters(config, host)?),
    };
    let at_once = tls.clone().filter(|_| config.security == Security::Tls);
    let mut connection =
        AsyncSmtpConnection::connect_tokio1((host, config.port), wait, &hello, at_once, None)
            .await
            .map_err(|error| shut(&error))?;
    if let Some(tls) = tls.filter(|_| config.security == Security::Starttls) {
        // Without STARTTLS nothing is sent: somebody in between may have taken the offer away.
        connection
            .starttls(tls, &hello)
            .await
            .map_err(|error| shut(&error))?;
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
            .map_err(|error| shut(&error))?;
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

/// A server that lets nobody in: it says nothing about any mail, so none is given up for it.
fn shut(error: &SmtpError) -> EngineError {
    let failure = EngineError::new(Code::MailUnavailable, words(error));
    if error.is_permanent() || error.is_client() {
        return failure.with_hint(
            "Check smtp.host, port, security, username and password; mails wait meanwhile.",
        );
    }
    failure
}

/// What a failure before the text has gone out means.
fn said(error: &SmtpError) -> EngineError {
    let code = if error.is_permanent() || error.is_client() {
        Code::MailRefused
    } else {
        Code::MailUnavailable
    };
    EngineError::new(code, words(error))
}

fn words(error: &SmtpError) -> String {
    std::error::Error::source(error)
        .map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
