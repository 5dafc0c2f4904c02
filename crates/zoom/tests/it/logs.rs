//! Nothing secret reaches a log or an error.

use std::io::Write;
use std::sync::{Arc, Mutex};

use parfocal_zoom::auth::{App, MemoryStore, TokenSource};
use parfocal_zoom::download::{Download, DownloadAuth, Expect};
use parfocal_zoom::limit::Unlimited;
use parfocal_zoom::webhook::{Event, WebhookSecret};
use parfocal_zoom::{Client, Hidden};

use crate::fake::{Fake, bytes, json};
use crate::kit::{QUICK, oauth};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

const SECRETS: [&str; 11] = [
    "client-secret-value",
    "first-refresh-token",
    "second-refresh-token",
    "first-access-token",
    "second-access-token",
    "authorization-code-value",
    "download-token-value",
    "passcode-value",
    "zak-in-start-url",
    "webhook-secret-value",
    "path-token-value",
];

#[tokio::test]
async fn secrets_stay_secret() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // The test's runtime has one thread, so everything it does is seen.
    let guard = tracing::subscriber::set_default(subscriber);

    let fake = Fake::start(|seen, n| match (seen.path.as_str(), n) {
        ("/oauth/token", 0) => json(200, r#"{"access_token":"first-access-token","refresh_token":"first-refresh-token","expires_in":0}"#),
        ("/oauth/token", _) if seen.form("grant_type").as_deref() == Some("refresh_token") => json(200, r#"{"access_token":"second-access-token","refresh_token":"second-refresh-token","expires_in":3600}"#),
        ("/oauth/token", _) => json(400, r#"{"reason":"Invalid authorization code authorization-code-value","error":"invalid_request"}"#),
        ("/v2/users/me", _) => json(401, r#"{"code":124,"message":"Invalid access token."}"#),
        ("/rec/file", _) => json(500, ""),
        ("/rec/page", _) => bytes("text/html", "<html>"),
        _ => json(200, r#"{"id":1,"start_url":"https://zoom.us/s/1?zak=zak-in-start-url","join_url":"https://zoom.us/j/1?pwd=passcode-value","password":"passcode-value","further":"passcode-value"}"#),
    })
    .await;
    let app = App::confidential("id", "client-secret-value");
    let oauth = oauth(&fake.url);
    let tokens =
        TokenSource::user(oauth.clone(), app.clone(), Arc::new(MemoryStore::new())).build();
    let grant = oauth
        .exchange(
            &app,
            "authorization-code-value",
            "https://app.example/cb",
            None,
        )
        .await
        .unwrap();
    tokens.connect(grant.clone()).await.unwrap();
    let client = Client::builder(tokens.clone())
        .api_url(format!("{}/v2", fake.url))
        .budget(Arc::new(Unlimited))
        .backoff(QUICK)
        .build()
        .unwrap();
    let mut said = vec![format!("{app:?} {grant:?} {tokens:?} {client:?}")];
    let meeting = client
        .meetings()
        .get(parfocal_zoom::id::MeetingNumber::new(1))
        .await
        .unwrap();
    said.push(format!("{meeting:?} {:?}", meeting.value));
    let error = client.users().me().await.unwrap_err();
    said.push(format!("{error} {error:?} {}", error.advice()));
    let error = oauth
        .exchange(
            &app,
            "authorization-code-value",
            "https://app.example/cb",
            None,
        )
        .await
        .unwrap_err();
    said.push(format!("{error} {error:?}"));
    let folder = tempfile::tempdir().unwrap();
    for (path, auth) in [
        (
            "file?token=path-token-value",
            DownloadAuth::Query("download-token-value".into()),
        ),
        (
            "page?token=path-token-value",
            DownloadAuth::Bearer("download-token-value".into()),
        ),
    ] {
        let download = Download::new(format!("{}/rec/{path}", fake.url).as_str(), Expect::Any)
            .auth(auth)
            .attempts(2)
            .passcode(Hidden::new("passcode-value"));
        let error = client
            .downloads()
            .fetch(&download, &folder.path().join("f"), |_| ())
            .await
            .unwrap_err();
        said.push(format!("{download:?} {error} {error:?}"));
    }
    let dead =
        Download::new("http://127.0.0.1:1/rec?token=path-token-value", Expect::Any).attempts(1);
    let error = client
        .downloads()
        .fetch(&dead, &folder.path().join("f"), |_| ())
        .await
        .unwrap_err();
    said.push(format!(
        "{error} {error:?} {:?}",
        std::error::Error::source(&error).map(ToString::to_string)
    ));
    let event = Event::parse(br#"{"event":"recording.completed","download_token":"download-token-value","payload":{"object":{"password":"passcode-value"}}}"#).unwrap();
    said.push(format!(
        "{event:?} {:?} {:?}",
        event.kind,
        WebhookSecret::new("n", "webhook-secret-value")
    ));
    drop(guard);

    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        logged.contains("answer from Zoom"),
        "the log was not captured: {logged}"
    );
    said.push(logged);
    let everything = said.join("\n");
    for secret in SECRETS {
        assert!(
            !everything.contains(secret),
            "{secret} was said in:\n{everything}"
        );
    }
}
