//! A line to a mail server over IMAP4rev1 (RFC 3501): let in, a folder opened for reading only, letters fetched unmarked.
//!
//! The grammar is `imap-proto`'s. Everything is bounded: the time of each command, the bytes of each answer.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use imap_proto::Status;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, crypto};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::MOST_BYTES;
use super::said::{Fetched, Said, understood};
use crate::config::{Imap, Security};
use crate::error::{Code, EngineError, Result};

/// Bytes of an answer beyond the letter in it.
const BESIDE: usize = 64 * 1024;

/// Bytes that are read at once.
const PIECE: usize = 16 * 1024;

trait Both: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Both for T {}

/// A connection that is let in.
pub(super) struct Line {
    stream: Box<dyn Both>,
    buffer: Vec<u8>,
    commands: u32,
    wait: Duration,
    can: Vec<String>,
}

fn unavailable(what: impl Into<String>) -> EngineError {
    EngineError::new(Code::MailboxUnavailable, what)
}

pub(super) fn refused(what: impl Into<String>) -> EngineError {
    EngineError::new(Code::MailboxRefused, what)
}

impl Line {
    /// Connects, encrypts as configured, and logs in.
    pub(super) async fn open(config: &Imap, host: &str) -> Result<Self> {
        let wait = Duration::from_secs(config.timeout_seconds.max(1));
        let silent = || unavailable(format!("the mailbox said nothing for {} s", wait.as_secs()));
        timeout(wait * 2, Self::let_in(config, host, wait))
            .await
            .map_err(|_elapsed| silent())?
    }

    async fn let_in(config: &Imap, host: &str, wait: Duration) -> Result<Self> {
        let plain = TcpStream::connect((host, config.port))
            .await
            .map_err(|error| {
                unavailable(format!("{host}:{} cannot be reached: {error}", config.port))
            })?;
        let mut line = Self {
            stream: match config.security {
                Security::Tls => encrypted(config, host, Box::new(plain)).await?,
                Security::Starttls | Security::None => Box::new(plain),
            },
            buffer: Vec::new(),
            commands: 0,
            wait,
            can: Vec::new(),
        };
        line.greeted().await?;
        line.ask_abilities().await?;
        if config.security == Security::Starttls {
            // Without STARTTLS nobody logs in: somebody in between may have taken the offer away.
            if !line.has("STARTTLS") {
                return Err(refused("the mailbox does not offer STARTTLS"));
            }
            line.command("STARTTLS", |_| {}).await?;
            if !line.buffer.is_empty() {
                return Err(refused(
                    "the mailbox went on in the clear after STARTTLS, which only somebody in between would do",
                ));
            }
            line.stream = encrypted(config, host, line.stream).await?;
            // What was said in the clear does not count.
            line.ask_abilities().await?;
        }
        let password = config.password.as_ref().map_or("", |one| one.expose());
        line.log_in(config.username.as_deref().unwrap_or_default(), password)
            .await?;
        Ok(line)
    }

    fn has(&self, ability: &str) -> bool {
        self.can.iter().any(|one| one.eq_ignore_ascii_case(ability))
    }

    async fn greeted(&mut self) -> Result<()> {
        match self.next().await? {
            Said::Bye(words) => Err(unavailable(format!("the mailbox turns us away: {words}"))),
            Said::Greeting | Said::Can(_) | Said::Other => Ok(()),
            other => Err(refused(format!(
                "this is no mailbox (IMAP): it began with {other:?}"
            ))),
        }
    }

    async fn ask_abilities(&mut self) -> Result<()> {
        let mut can = Vec::new();
        self.command("CAPABILITY", |said| {
            if let Said::Can(list) = said {
                can = list;
            }
        })
        .await?;
        self.can = can;
        Ok(())
    }

    async fn log_in(&mut self, user: &str, password: &str) -> Result<()> {
        if self.has("AUTH=PLAIN") {
            let secret = STANDARD.encode(format!("\0{user}\0{password}"));
            let tag = self.send("AUTHENTICATE PLAIN").await?;
            loop {
                match self.next().await? {
                    Said::GoOn => break,
                    Said::Bye(words) => return Err(unavailable(words)),
                    Said::End { words, .. } => return Err(shut(&words)),
                    _ => {}
                }
            }
            self.write(format!("{secret}\r\n").as_bytes()).await?;
            return self.end_of(&tag, |_| {}).await.map_err(|error| {
                if error.code() == Code::MailboxRefused {
                    shut(error.message())
                } else {
                    error
                }
            });
        }
        if self.has("LOGINDISABLED") {
            return Err(refused(
                "the mailbox takes no password on this connection; imap.security may have to be tls or starttls",
            ));
        }
        let login = format!("LOGIN {} {}", quoted(user)?, quoted(password)?);
        self.command(&login, |_| {}).await.map_err(|error| {
            if error.code() == Code::MailboxRefused {
                shut(error.message())
            } else {
                error
            }
        })
    }

    /// Opens a folder for reading only; its `UIDVALIDITY`.
    pub(super) async fn examine(&mut self, folder: &str) -> Result<u32> {
        let mut validity = None;
        let command = format!("EXAMINE {}", quoted(folder)?);
        self.command(&command, |said| {
            if let Said::Validity(number) = said {
                validity = Some(number);
            }
        })
        .await?;
        validity.ok_or_else(|| refused(format!("the folder {folder} has no UIDVALIDITY")))
    }

    /// The UIDs that a search finds, in order.
    pub(super) async fn search(&mut self, what: &str) -> Result<Vec<u32>> {
        let mut found = Vec::new();
        self.command(&format!("UID SEARCH {what}"), |said| {
            if let Said::Found(list) = said {
                found.extend(list);
            }
        })
        .await?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// How large letters are.
    pub(super) async fn sizes(&mut self, uids: &[u32]) -> Result<Vec<Fetched>> {
        let list: Vec<String> = uids.iter().map(u32::to_string).collect();
        self.fetch(&format!("{} (UID RFC822.SIZE)", list.join(",")))
            .await
    }

    /// A whole letter, which stays unread; none when it is gone.
    pub(super) async fn letter(&mut self, uid: u32) -> Result<Option<Vec<u8>>> {
        let found = self.fetch(&format!("{uid} (UID BODY.PEEK[])")).await?;
        Ok(found
            .into_iter()
            .find(|one| one.uid == uid && one.whole.is_some())
            .and_then(|one| one.whole))
    }

    async fn fetch(&mut self, what: &str) -> Result<Vec<Fetched>> {
        let mut found = Vec::new();
        self.command(&format!("UID FETCH {what}"), |said| {
            if let Said::Letter(one) = said {
                found.push(one);
            }
        })
        .await?;
        Ok(found)
    }

    /// Says farewell; how that goes does not count.
    pub(super) async fn close(mut self) {
        let _farewell = self.command("LOGOUT", |_| {}).await;
    }

    /// Sends a command and waits for its end.
    async fn command(&mut self, text: &str, each: impl FnMut(Said) + Send) -> Result<()> {
        let tag = self.send(text).await?;
        self.end_of(&tag, each).await
    }

    async fn send(&mut self, text: &str) -> Result<String> {
        self.commands += 1;
        let tag = format!("p{}", self.commands);
        self.write(format!("{tag} {text}\r\n").as_bytes()).await?;
        Ok(tag)
    }

    async fn end_of(&mut self, tag: &str, mut each: impl FnMut(Said) + Send) -> Result<()> {
        loop {
            match self.next().await? {
                Said::End {
                    tag: of,
                    status,
                    words,
                } if of == tag => {
                    return match status {
                        Status::Ok | Status::PreAuth => Ok(()),
                        Status::Bye => Err(unavailable(words)),
                        Status::No | Status::Bad => Err(refused(words)),
                    };
                }
                Said::Bye(words) => return Err(unavailable(format!("the mailbox ends: {words}"))),
                other => each(other),
            }
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let lost = |error: std::io::Error| unavailable(format!("the mailbox is lost: {error}"));
        let sent = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        match timeout(self.wait, sent).await {
            Ok(sent) => sent.map_err(lost),
            Err(_elapsed) => Err(unavailable("the mailbox takes nothing in")),
        }
    }

    /// The next thing that the server says.
    async fn next(&mut self) -> Result<Said> {
        loop {
            if let Some((said, used)) = understood(&self.buffer)? {
                self.buffer.drain(..used);
                return Ok(said);
            }
            if self.buffer.len() > MOST_BYTES + BESIDE {
                return Err(refused(format!(
                    "the mailbox answers with more than {MOST_BYTES} bytes"
                )));
            }
            self.buffer.reserve(PIECE);
            let read = timeout(self.wait, self.stream.read_buf(&mut self.buffer))
                .await
                .map_err(|_elapsed| {
                    unavailable(format!(
                        "the mailbox said nothing for {} s",
                        self.wait.as_secs()
                    ))
                })?
                .map_err(|error| unavailable(format!("the mailbox is lost: {error}")))?;
            if read == 0 {
                return Err(unavailable("the mailbox closed the connection"));
            }
        }
    }
}

fn shut(words: &str) -> EngineError {
    refused(format!("the mailbox does not let us in: {words}")).with_hint(
        "Check imap.username and imap.password; some services want a password made for programs.",
    )
}

/// A string in quotes.
///
/// # Errors
/// What quotes cannot hold: line ends, and letters beyond ASCII.
fn quoted(text: &str) -> Result<String> {
    if text.chars().any(|c| !c.is_ascii() || c.is_ascii_control()) {
        return Err(refused(
            "a name, password or folder with letters beyond ASCII cannot be sent to this mailbox",
        ));
    }
    Ok(format!(
        "\"{}\"",
        text.replace('\\', "\\\\").replace('"', "\\\"")
    ))
}

async fn encrypted(config: &Imap, host: &str, plain: Box<dyn Both>) -> Result<Box<dyn Both>> {
    let wrong = |what: String| EngineError::new(Code::ConfigInvalid, what);
    let mut more = Vec::new();
    if let Some(file) = &config.ca_file {
        let failed = |error: rustls::pki_types::pem::Error| {
            wrong(format!("imap.ca_file {}: {error}", file.display()))
        };
        for one in CertificateDer::pem_file_iter(file).map_err(failed)? {
            more.push(one.map_err(failed)?);
        }
    }
    let no_tls = |error: rustls::Error| wrong(format!("TLS to {host} cannot be set up: {error}"));
    let provider = Arc::new(crypto::aws_lc_rs::default_provider());
    let verifier = Verifier::new_with_extra_roots(more, Arc::clone(&provider)).map_err(no_tls)?;
    let settings = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(no_tls)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| wrong(format!("imap.host {host:?} is no name of a server")))?;
    let stream = TlsConnector::from(Arc::new(settings))
        .connect(name, plain)
        .await
        .map_err(|error| unavailable(format!("no TLS with {host}: {error}")))?;
    Ok(Box::new(stream))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn nothing_breaks_out_of_quotes() {
        assert!(quoted("line\r\nbreak").is_err());
        assert!(quoted("Entwürfe").is_err());
        assert_eq!(quoted("a\"b\\c").unwrap(), "\"a\\\"b\\\\c\"");
    }
}
