//! A simulated Zoom account beside the server, and a browser that walks through a login.

use parfocal_engine::config::{Config, Plan, Secret};
use parfocal_simulator::{App, Config as ZoomConfig, Simulator};
use url::Url;

use crate::support::{Answer, Site};

/// The public name under which the server is reached in tests of tunnels.
pub(crate) const PUBLIC: &str = "parfocal.example";

/// A server and the Zoom account it talks to.
pub(crate) struct Zoomed {
    pub(crate) site: Site,
    pub(crate) zoom: Simulator,
    pub(crate) browser: Browser,
    _clock: tempfile::TempDir,
}

/// A browser as far as a login needs one: it keeps cookies and follows nothing by itself.
pub(crate) struct Browser {
    client: reqwest::Client,
    cookies: std::sync::Mutex<Vec<(String, String)>>,
}

impl Zoomed {
    /// A server with the public client, which Zoom leads back to 127.0.0.1.
    pub(crate) async fn public() -> Self {
        Self::with(|config| config.zoom.public_client_id = Some("simulator-public".into())).await
    }

    /// A server behind a tunnel, with the confidential client and this secret.
    pub(crate) async fn tunnelled(secret: &str) -> Self {
        Self::with(|config| {
            config.zoom.client_id = Some("simulator-user".into());
            config.zoom.client_secret = Some(Secret::new(secret));
            config.server.public_url = Some(format!("https://{PUBLIC}").parse().unwrap());
        })
        .await
    }

    /// A server with changes to its configuration.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        let clock = tempfile::tempdir().unwrap();
        let file = clock.path().join("clock.json");
        let mut apps = App::defaults();
        for app in &mut apps {
            app.redirects.push(format!("https://{PUBLIC}"));
        }
        let zoom = Simulator::start(ZoomConfig {
            clock_file: Some(file.clone()),
            apps,
            ..ZoomConfig::default()
        })
        .await
        .unwrap();
        let base = zoom.base_url().to_owned();
        let site = Site::with(|config| {
            config.clock.file = Some(file);
            config.zoom.oauth_url = base.parse().unwrap();
            config.zoom.api_url = Some(format!("{base}/v2").parse().unwrap());
            config.limits.plan = Plan::Off;
            change(config);
        })
        .await;
        Self {
            site,
            zoom,
            browser: Browser::new(),
            _clock: clock,
        }
    }

    /// An address of the server.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.site.url)
    }

    /// Turns a knob of the simulated account.
    pub(crate) async fn control(&self, path: &str, body: &str) -> serde_json::Value {
        let request = self
            .site
            .client
            .post(format!("{}/_sim/{path}", self.zoom.base_url()))
            .header("content-type", "application/json")
            .body(body.to_owned());
        Answer::of(request.send().await.unwrap())
            .await
            .is(200)
            .json()
    }

    /// Lets time pass, for the account and the server alike.
    pub(crate) async fn later(&self, minutes: u32) {
        let body = format!(r#"{{"advance_ms":{}}}"#, u64::from(minutes) * 60_000);
        self.control("clock", &body).await;
        // A reading of the clock's file may be used for 20 ms.
        tokio::time::sleep(std::time::Duration::from_millis(60)).await;
    }

    /// Begins a login: the address of Zoom's consent page.
    pub(crate) async fn begin(&self, path: &str) -> Url {
        let answer = self.browser.get(&self.at(path)).await.is(303);
        answer.header("location").parse().unwrap()
    }

    /// Answers Zoom's consent page: where the browser is led back to, on the server's real address.
    pub(crate) async fn consent(&self, page: &Url, verdict: &str) -> String {
        self.consent_as(page, verdict, None).await
    }

    /// The same as a certain user.
    pub(crate) async fn consent_as(&self, page: &Url, verdict: &str, user: Option<&str>) -> String {
        let mut page = page.clone();
        page.query_pairs_mut().append_pair("sim_consent", verdict);
        if let Some(user) = user {
            page.query_pairs_mut().append_pair("sim_user", user);
        }
        let answer = self.browser.get(page.as_str()).await;
        assert!((300..400).contains(&answer.status), "{}", answer.text);
        let back: Url = answer.header("location").parse().unwrap();
        self.at(&format!("{}?{}", back.path(), back.query().unwrap()))
    }

    /// Connects from the beginning to the end; the last page.
    pub(crate) async fn connect(&self) -> Answer {
        let page = self.begin("/oauth/zoom/install").await;
        let back = self.consent(&page, "allow").await;
        self.browser.get(&back).await
    }

    /// The only connection, as the API shows it.
    pub(crate) async fn only_connection(&self) -> serde_json::Value {
        let list = self.site.get("/v1/connections").await.is(200).json();
        let items = list["items"].as_array().unwrap();
        assert_eq!(items.len(), 1, "{list}");
        items[0].clone()
    }

    /// Sends a form of the console.
    pub(crate) async fn form(&self, path: &str, pairs: &[(&str, &str)]) -> Answer {
        let request = self
            .browser
            .client
            .post(self.at(path))
            .header("origin", &self.site.url)
            .header("accept", "text/html,*/*;q=0.8")
            .form(pairs);
        let answer = Answer::of(request.send().await.unwrap()).await;
        self.browser.keep(&answer);
        answer
    }
}

impl Browser {
    pub(crate) fn new() -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            client,
            cookies: std::sync::Mutex::default(),
        }
    }

    pub(crate) async fn get(&self, url: &str) -> Answer {
        self.get_with(url, &[]).await
    }

    /// Asks for a page with further headers, such as a tunnel adds.
    pub(crate) async fn get_with(&self, url: &str, headers: &[(&str, &str)]) -> Answer {
        let cookies = {
            let kept = self.cookies.lock().unwrap();
            let pairs: Vec<String> = kept.iter().map(|(k, v)| format!("{k}={v}")).collect();
            pairs.join("; ")
        };
        let mut request = self
            .client
            .get(url)
            .header("accept", "text/html,*/*;q=0.8")
            .header("cookie", cookies);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = Answer::of(request.send().await.unwrap()).await;
        self.keep(&answer);
        answer
    }

    /// Keeps the cookies of an answer.
    fn keep(&self, answer: &Answer) {
        for line in answer.headers.get_all("set-cookie") {
            let pair = line.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut kept = self.cookies.lock().unwrap();
            kept.retain(|(known, _)| known != name);
            if !value.is_empty() {
                kept.push((name.to_owned(), value.to_owned()));
            }
        }
    }
}

impl Answer {
    /// The page with its entities read, as far as these tests need it.
    pub(crate) fn read(&self) -> String {
        [
            ("&#x2f;", "/"),
            ("&#x27;", "'"),
            ("&quot;", "\""),
            ("&amp;", "&"),
        ]
        .iter()
        .fold(self.text.clone(), |text, (entity, letter)| {
            text.replace(entity, letter)
        })
    }

    /// It is a readable page with these words in it, and says its code.
    #[track_caller]
    pub(crate) fn page_saying(self, status: u16, words: &[&str]) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert!(
            self.header("content-type").starts_with("text/html"),
            "{}",
            self.text
        );
        let text = self.read();
        for word in words {
            assert!(
                text.to_lowercase().contains(&word.to_lowercase()),
                "{word} is missing in {text}"
            );
        }
        self
    }
}
