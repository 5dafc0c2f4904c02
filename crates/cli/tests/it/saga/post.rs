//! A mail server as far as the program needs one; on order it takes a mail and never says so.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The server and what it took.
pub(super) struct Post {
    pub(super) port: u16,
    taken: Arc<Mutex<Vec<String>>>,
    /// Whether the next mail's answer is held back.
    hold: Arc<AtomicBool>,
}

impl Post {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let post = Self {
            port: listener.local_addr().unwrap().port(),
            taken: Arc::default(),
            hold: Arc::default(),
        };
        let (taken, hold) = (Arc::clone(&post.taken), Arc::clone(&post.hold));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (taken, hold) = (Arc::clone(&taken), Arc::clone(&hold));
                // Whoever is killed leaves its line in the middle.
                tokio::spawn(async move {
                    let _ended = talk(stream, &taken, &hold).await;
                });
            }
        });
        post
    }

    /// The next mail is taken and its answer held back.
    pub(super) fn hold(&self, hold: bool) {
        self.hold.store(hold, Ordering::SeqCst);
    }

    /// Whether a mail was taken whose answer is held back.
    pub(super) fn has_held(&self) -> bool {
        !self.hold.load(Ordering::SeqCst)
    }

    /// The mails by their ids: one whose answer was lost may have come a second time, as the same one, and no third time.
    pub(super) fn mails(&self) -> Vec<String> {
        let mut all: BTreeMap<String, (usize, String)> = BTreeMap::new();
        for mail in self.taken.lock().unwrap().iter() {
            let id = mail.lines().find(|line| line.starts_with("Message-ID:"));
            let one = all.entry(id.unwrap().to_owned()).or_default();
            one.0 += 1;
            one.1.clone_from(mail);
            assert!(one.0 <= 2, "a mail came {} times: {mail}", one.0);
        }
        all.into_values().map(|(_, mail)| mail).collect()
    }
}

async fn talk(
    stream: TcpStream,
    taken: &Mutex<Vec<String>>,
    hold: &AtomicBool,
) -> std::io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    write.write_all(b"220 test\r\n").await?;
    while let Some(line) = lines.next_line().await? {
        let verb = line.split([' ', ':']).next().unwrap_or("").to_uppercase();
        if verb != "DATA" {
            write.write_all(b"250 fine\r\n").await?;
            continue;
        }
        write.write_all(b"354 go on\r\n").await?;
        let mut text = String::new();
        while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
            text.push_str(line.strip_prefix('.').unwrap_or(&line));
            text.push_str("\r\n");
        }
        taken.lock().unwrap().push(text);
        if hold.swap(false, Ordering::SeqCst) {
            // Until the other side is gone.
            while lines.next_line().await?.is_some() {}
            return Ok(());
        }
        write.write_all(b"250 taken\r\n").await?;
    }
    Ok(())
}
