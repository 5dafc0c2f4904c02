//! A small HTTP door in front of an application, so that the simulator's webhooks reach it as they would a server.

use parfocal_engine::App;
use parfocal_engine::webhooks::Answer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// The listening door; it closes with the value.
pub(crate) struct Door {
    /// Where deliveries go.
    pub(crate) url: String,
    task: JoinHandle<()>,
}

impl Door {
    pub(crate) async fn open(app: App) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhooks/zoom", listener.local_addr().unwrap());
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let app = app.clone();
                tokio::spawn(async move {
                    // A sender who goes away is no failure of the test.
                    let _ = serve(app, stream).await;
                });
            }
        });
        Self { url, task }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(app: App, mut stream: TcpStream) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        bytes.extend_from_slice(&chunk[..read]);
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let header = |name: &str| {
        text.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    };
    let length: usize = header("content-length")
        .and_then(|value| value.parse().ok())
        .unwrap_or(0);
    let mut body = bytes.split_off(head);
    while body.len() < length {
        let mut chunk = vec![0; length - body.len()];
        let read = stream.read(&mut chunk).await?;
        if read == 0 {
            return Ok(());
        }
        body.extend_from_slice(&chunk[..read]);
    }
    let (timestamp, signature) = (header("x-zm-request-timestamp"), header("x-zm-signature"));
    let answer = app
        .webhooks()
        .accept(None, timestamp.as_deref(), signature.as_deref(), &body)
        .await;
    let (status, body) = match answer {
        Ok(Answer::Challenge { json }) => ("200 OK", json),
        Ok(_) => ("204 No Content", String::new()),
        Err(error) => ("401 Unauthorized", error.to_string()),
    };
    let length = body.len();
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
