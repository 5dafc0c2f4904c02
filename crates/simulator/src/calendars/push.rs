//! Notifications to whoever watches a calendar: sent once, in the background, their fate kept for `/_sim`.

use std::time::Duration;

use reqwest::{Client, redirect};

/// One message on its way.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) url: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

/// The client that messages go out with.
fn client() -> Option<Client> {
    Client::builder()
        .redirect(redirect::Policy::none())
        .timeout(Duration::from_secs(10))
        .no_proxy()
        .build()
        .ok()
}

async fn post(client: &Client, message: Message) -> Option<reqwest::Response> {
    let mut request = client.post(&message.url).body(message.body);
    for (name, value) in message.headers {
        request = request.header(name, value);
    }
    match request.send().await {
        Ok(answer) => Some(answer),
        Err(error) => {
            tracing::warn!(%error, url = message.url, "a calendar notification was not taken");
            None
        }
    }
}

/// Sends messages in order without waiting for them.
pub(super) fn send(messages: Vec<Message>) {
    if messages.is_empty() {
        return;
    }
    tokio::spawn(async move {
        let Some(client) = client() else { return };
        for message in messages {
            post(&client, message).await;
        }
    });
}

/// Sends one message and gives status and body of its answer.
pub(super) async fn ask(message: Message) -> Option<(u16, String)> {
    let answer = post(&client()?, message).await?;
    let status = answer.status().as_u16();
    Some((status, answer.text().await.ok()?))
}
