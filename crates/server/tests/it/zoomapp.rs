//! The Zoom App as Zoom's own sample uses it: contexts of the client, consent inside the client, calls through the proxy.

mod attacks;
mod panel;
mod proxy;

use std::time::Duration;

use parfocal_engine::components::Activation;
use parfocal_engine::config::{Config, Secret};
use parfocal_engine::keys::{Caller, Surface};
use serde_json::{Value, json};

use crate::support::{Answer, SECRET};
use crate::zoom::Zoomed;

pub(crate) const APP: &str = "simulator-user";
pub(crate) const APP_SECRET: &str = "simulator-user-secret";

/// A server with the Zoom App, and the Zoom account it talks to.
pub(crate) struct World {
    pub(crate) zoom: Zoomed,
    /// Addresses of two people of the account, the owner first.
    pub(crate) people: Vec<String>,
}

/// The page of one person inside Zoom's client: keeps its cookie, as a browser does.
#[derive(Default, Clone)]
pub(crate) struct Page {
    pub(crate) cookie: Option<String>,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// With another address of Zoom's API than the simulator's.
    pub(crate) async fn at(api: Option<String>) -> Self {
        Self::set_up(&[], |config| {
            config.zoom.api_url = api.map(|api| api.parse().unwrap());
        })
        .await
    }

    pub(crate) async fn with(settings: &[(&str, &str)]) -> Self {
        Self::set_up(settings, |_| {}).await
    }

    async fn set_up(settings: &[(&str, &str)], change: impl FnOnce(&mut Config)) -> Self {
        let zoom = Zoomed::with(|config| {
            config.zoom.client_id = Some(APP.into());
            config.zoom.client_secret = Some(Secret::new(APP_SECRET));
            config.zoom.webhook_secret_token = vec![Secret::new(SECRET)];
            change(config);
        })
        .await;
        let how = Activation {
            settings: settings
                .iter()
                .map(|(key, value)| ((*key).to_owned(), Secret::new(value)))
                .collect(),
            ..Activation::default()
        };
        let caller = Caller::local(Surface::Cli);
        let components = zoom.site.app.components();
        components.activate("zoomapp", &how, &caller).await.unwrap();
        let home = json!({"client_id": APP, "home_url": zoom.at("/zoomapp")});
        zoom.control("zoomapp", &home.to_string()).await;
        let page = Answer::of(
            zoom.site
                .client
                .get(format!("{}/zoomapp", zoom.zoom.base_url()))
                .send()
                .await
                .unwrap(),
        )
        .await
        .is(200);
        let people = page
            .text
            .split("<option value=\"")
            .skip(1)
            .filter_map(|rest| rest.split('"').next())
            .map(str::to_owned)
            .collect();
        Self { zoom, people }
    }

    /// What Zoom's client would say; `more` adds parameters, such as a fault.
    pub(crate) async fn context(&self, user: Option<&str>, more: &str) -> String {
        let user = user.map_or(String::new(), |user| format!("&user={}", encoded(user)));
        let address = format!(
            "{}/_sim/zoomapp/context?client_id={APP}{user}{more}",
            self.zoom.zoom.base_url()
        );
        let answer = Answer::of(self.zoom.site.client.get(address).send().await.unwrap()).await;
        answer.is(200).json()["context"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// A request of a page, with the headers that its browser adds.
    pub(crate) async fn send(
        &self,
        page: &mut Page,
        method: &str,
        path: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let method: reqwest::Method = method.parse().unwrap();
        let mut request = self.zoom.site.client.request(method, self.zoom.at(path));
        if !headers.iter().any(|(name, _)| *name == "sec-fetch-site") {
            request = request.header("sec-fetch-site", "same-origin");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(cookie) = &page.cookie {
            request = request.header("cookie", format!("parfocal_zoomapp={cookie}"));
        }
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        let answer = Answer::of(request.send().await.unwrap()).await;
        if let Some(set) = answer.headers.get("set-cookie") {
            let text = set.to_str().unwrap();
            let value = text.split(';').next().unwrap().split_once('=').unwrap().1;
            page.cookie = (!value.is_empty()).then(|| value.to_owned());
        }
        answer
    }

    pub(crate) async fn get(&self, page: &mut Page, path: &str) -> Answer {
        self.send(page, "GET", path, None, &[]).await
    }

    pub(crate) async fn post(&self, page: &mut Page, path: &str, body: &Value) -> Answer {
        self.send(page, "POST", path, Some(body), &[]).await
    }

    /// Opens the app as somebody, with the context of their client.
    pub(crate) async fn open(&self, user: Option<&str>, more: &str) -> Page {
        let mut page = Page::default();
        let context = self.context(user, more).await;
        let body = json!({ "context": context });
        self.post(&mut page, "/api/zoomapp/context", &body)
            .await
            .is(200);
        page
    }

    /// Zoom's consent inside the client: the code that the page is given.
    pub(crate) async fn consent(&self, begun: &Value, user: &str) -> String {
        let address = format!(
            "{}/zoomapp/authorize?client_id={APP}&code_challenge={}&state={}&redirect_uri={}&sim_consent=allow&sim_user={}",
            self.zoom.zoom.base_url(),
            begun["codeChallenge"].as_str().unwrap(),
            begun["state"].as_str().unwrap(),
            encoded(&self.zoom.at("/zoomapp")),
            encoded(user),
        );
        let answer = self.zoom.browser.get(&address).await;
        assert_eq!(answer.status, 302, "{}", answer.text);
        let back: url::Url = answer.header("location").parse().unwrap();
        let code = back.query_pairs().find(|(name, _)| name == "code");
        code.unwrap().1.into_owned()
    }

    /// Opens the app and allows it, as Zoom's sample does.
    pub(crate) async fn signed_in(&self, user: &str, more: &str) -> Page {
        let mut page = self.open(Some(user), more).await;
        self.sign_in(&mut page, user).await.is(200);
        page
    }

    pub(crate) async fn sign_in(&self, page: &mut Page, user: &str) -> Answer {
        let begun = self
            .get(page, "/api/zoomapp/authorize")
            .await
            .is(200)
            .json();
        let code = self.consent(&begun, user).await;
        let body = json!({"code": code, "state": begun["state"], "href": self.zoom.at("/zoomapp")});
        self.post(page, "/api/zoomapp/onauthorized", &body).await
    }

    pub(crate) fn me(&self) -> &str {
        &self.people[0]
    }
}

pub(crate) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// Asks until an answer satisfies, within a deadline.
pub(crate) async fn until(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    for _ in 0..600 {
        if ask().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{what} did not come true within 30 s");
}
