//! What goes wrong at Zoom, and the person who puts right what a person has to put right.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Person, Stage};
use crate::kill::Chance;

/// One thing that goes wrong.
fn fault(chance: &mut Chance) -> Vec<Value> {
    let times = 1 + chance.below(5);
    let status = [500, 502, 503][usize::try_from(chance.below(3)).unwrap()];
    let create = |kind: &str, more: Value| {
        let mut order =
            json!({ "kind": kind, "method": "POST", "path": "/v2/users", "times": times });
        for (name, value) in more.as_object().unwrap() {
            order[name] = value.clone();
        }
        order
    };
    vec![match chance.below(14) {
        0 => {
            json!({ "kind": "rate_limit", "path": "/v2", "every": 3, "times": times * 2, "retry_after": "1" })
        }
        1 => create("rate_limit", json!({})),
        2 => {
            json!({ "kind": "server_error", "path": "/v2", "every": 3, "times": times * 2, "status": status })
        }
        3 => create("server_error", json!({ "status": status })),
        4 => json!({ "kind": "cut", "path": "/v2", "every": 2, "times": times }),
        5 => json!({ "kind": "lost", "path": "/v2", "every": 3, "times": times }),
        // Made, and nobody is told.
        6 | 7 => create("lost", json!({})),
        8 => create("cut", json!({})),
        9 => create("late_answer", json!({ "delay_ms": 2500 })),
        10 => {
            json!({ "kind": "slow", "path": "/v2", "every": 2, "times": times, "delay_ms": 1500 })
        }
        11 => json!({ "kind": "expired_token", "path": "/v2", "every": 4, "times": times }),
        12 => {
            json!({ "kind": "server_error", "path": "/oauth/token", "times": 1, "status": status })
        }
        // Reset before anything was done: nothing is carried out, and nothing is said.
        _ => {
            return vec![
                create("answer", json!({ "status": 500 })),
                create("lost", json!({})),
            ];
        }
    }]
}

/// Lets things go wrong, one after the other, until the storm is over; how many did.
pub(super) async fn blow(stage: Arc<Stage>, most: u64) -> u64 {
    let mut chance = Chance(stage.seed.wrapping_mul(41));
    for n in 0..most {
        if stage.over() {
            return n;
        }
        let sky = stage.sky.lock().await;
        for order in fault(&mut chance) {
            stage.zoom.fault(order).await;
        }
        match n % 12 {
            // A person takes the app away at Zoom, and nothing is said.
            4 => {
                let person = &stage.people[usize::try_from((n / 12) % 2).unwrap()];
                let order =
                    json!({ "client_id": "simulator-user", "user": person.email, "silent": true });
                stage.zoom.control("deauthorize", Some(order)).await;
            }
            // The operator's own app is switched off for a moment.
            8 => {
                let off: Vec<u64> = [
                    stage.zoom.fault(json!({ "kind": "revoked_consent", "path": "/v2" })).await,
                    stage
                        .zoom
                        .fault(json!({ "kind": "revoked_consent", "path": "/oauth/token", "grant_type": "account_credentials" }))
                        .await,
                ]
                .into();
                tokio::time::sleep(Duration::from_millis(500 + chance.below(700))).await;
                for id in off {
                    let url = format!("{}/_sim/faults/{id}", stage.zoom.base());
                    stage.http.delete(url).send().await.unwrap();
                }
            }
            11 => stage.zoom.calm().await,
            _ => {}
        }
        drop(sky);
        tokio::time::sleep(Duration::from_millis(200 + chance.below(600))).await;
    }
    most
}

/// Zoom says that the calls of the day are used up; the server shows that it waits; the day ends.
pub(super) async fn spend_the_day(stage: &Stage) {
    let body = json!({ "code": 429, "message": "You have reached the maximum daily rate limit for this API. Refer to the response header for details on when you can make another request." });
    let spent = json!({ "kind": "answer", "path": "/v2/users", "method": "GET", "status": 429, "times": 1, "body": body });
    // Nothing else happens to this answer: were it lost on its way, nobody would know that the day is spent.
    let sky = stage.sky.lock().await;
    stage.zoom.calm().await;
    let spent = stage.zoom.fault(spent).await;
    super::eventually("the spent day", async || {
        let input = json!({ "connection": "env", "limit": 5 });
        stage
            .act("user.list", &input, None, Some(Duration::from_secs(30)))
            .await;
        stage.zoom.struck(spent).await == Some(1)
    })
    .await;
    super::eventually("the parked budget", async || parked(stage).await).await;
    // Over midnight, UTC.
    stage.zoom.advance(15).await;
    drop(sky);
}

/// Whether the server shows that a budget waits for Zoom.
async fn parked(stage: &Stage) -> bool {
    let status = stage.shown("/v1/status").await;
    let budgets = status["budgets"].as_array().unwrap().iter();
    budgets
        .filter_map(|budget| budget["labels"].as_array())
        .flatten()
        .any(|label| label["parked_until"].is_string())
}

/// Puts right what the connections' page says that a person has to.
pub(super) async fn mend(stage: Arc<Stage>) {
    while !stage.over() {
        tokio::time::sleep(Duration::from_secs(1)).await;
        for person in &stage.people {
            if stage.state(&person.connection).await == "needs_reconnect" {
                // Bad weather meets persons too: they try again.
                let _ = stage.consent(person, Some(&person.connection)).await;
            }
        }
    }
}

impl Stage {
    /// A person allows the app in a browser; if it does not get that far, where it ended.
    pub(super) async fn consent(
        &self,
        person: &Person,
        reconnect: Option<&str>,
    ) -> Result<(), String> {
        let mut install = format!("{}/oauth/zoom/install", self.server);
        if let Some(id) = reconnect {
            install.push_str("?reconnect=");
            install.push_str(id);
        }
        let (mut page, cookies) = self.led(install, "").await?;
        page.query_pairs_mut()
            .append_pair("sim_consent", "allow")
            .append_pair("sim_user", &person.email);
        let (back, _) = self.led(page.to_string(), "").await?;
        let done = self.http.get(back).header("cookie", cookies).send().await;
        let done = done.map_err(|error| error.to_string())?;
        if done.status().is_success() || done.status().is_redirection() {
            return Ok(());
        }
        Err(format!(
            "{}: {}",
            done.status(),
            done.text().await.unwrap_or_default()
        ))
    }

    /// Where a page leads to, and the cookies that it sets.
    async fn led(&self, page: String, cookies: &str) -> Result<(url::Url, String), String> {
        let asked = self.http.get(&page).header("cookie", cookies).send().await;
        let answer = asked.map_err(|error| error.to_string())?;
        let location = answer.headers().get("location").cloned();
        let cookies: Vec<String> = answer
            .headers()
            .get_all("set-cookie")
            .iter()
            .filter_map(|text| text.to_str().ok()?.split(';').next().map(str::to_owned))
            .collect();
        let to = location.and_then(|text| text.to_str().ok()?.parse().ok());
        match to {
            Some(to) => Ok((to, cookies.join("; "))),
            None => Err(format!(
                "{page} leads nowhere: {}",
                answer.text().await.unwrap_or_default()
            )),
        }
    }

    /// A page of the API that is answered from the store.
    pub(super) async fn shown(&self, path: &str) -> Value {
        for _ in 0..100 {
            let answer = self.http.get(format!("{}{path}", self.server)).send().await;
            let answer = answer.unwrap();
            if answer.status() == 200 {
                return answer.json().await.unwrap();
            }
            assert_eq!(answer.status(), 503, "{path}");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        panic!("{path} is not answered");
    }

    /// The state of a connection as it is shown.
    pub(super) async fn state(&self, connection: &str) -> String {
        let shown = self.shown(&format!("/v1/connections/{connection}")).await;
        shown["state"].as_str().unwrap().to_owned()
    }
}
