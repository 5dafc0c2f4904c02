//! A key for one connection over `/v1`: lists hold what belongs to it, single things of others are refused, and what is about
//! all connections says so.

use parfocal_engine::keys::Role;
use serde_json::{Value, json};

use super::{Stage, key, meeting};
use crate::support::{Answer, Site};

async fn asked(site: &Site, key: &str, path: &str) -> Answer {
    let request = site
        .client
        .get(format!("{}{path}", site.url))
        .bearer_auth(key);
    Answer::of(request.send().await.unwrap()).await
}

async fn sent(site: &Site, key: &str, path: &str, body: &Value) -> Answer {
    let request = site
        .client
        .post(format!("{}{path}", site.url))
        .bearer_auth(key)
        .json(body);
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn lists_and_single_things_of_the_api_are_kept_to_the_connection() {
    let stage = Stage::new().await;
    let site = &stage.site;
    let (own, own_transcript) = meeting(site, "simulator", "Own").await;
    let (other, other_transcript) = meeting(site, "elsewhere", "Other").await;
    let limited = key(site, "limited", Role::Operate, &["env"]).await;
    for list in [
        "/v1/meetings",
        "/v1/transcripts",
        "/v1/search?q=zanzibar",
        "/v1/search?q=zanzibar&facets=true",
        "/v1/insights",
        "/v1/connections",
        "/v1/backfills",
    ] {
        let all = site.get(list).await.is(200).text;
        let some = asked(site, &limited, list).await.is(200).text;
        assert!(!some.contains(&other.to_string()), "{list}: {some}");
        if all.contains(&other.to_string()) {
            assert!(some.contains(&own.to_string()), "{list}: {some}");
        }
    }
    let found = asked(site, &limited, "/v1/search?q=zanzibar").await.json();
    assert!(!found["items"].as_array().unwrap().is_empty(), "{found}");
    for (path, body) in [
        ("/v1/ask", json!({"question": "zanzibar review"})),
        ("/v1/actions/ask", json!({"question": "zanzibar review"})),
        ("/v1/actions/search", json!({"query": "zanzibar"})),
    ] {
        let all = sent(site, &key(site, path, Role::Read, &[]).await, path, &body).await;
        assert!(all.is(200).text.contains(&other.to_string()), "{path}");
        let some = sent(site, &limited, path, &body).await.is(200).text;
        assert!(
            some.contains(&own.to_string()) && !some.contains(&other.to_string()),
            "{path}: {some}"
        );
    }
    for part in [
        "",
        "/transcript",
        "/chat",
        "/files",
        "/speakers",
        "/insights",
        "/minutes",
    ] {
        asked(site, &limited, &format!("/v1/meetings/{own}{part}"))
            .await
            .is(200);
        asked(site, &limited, &format!("/v1/meetings/{other}{part}"))
            .await
            .is(403)
            .problem("forbidden");
    }
    asked(site, &limited, &format!("/v1/transcripts/{own_transcript}"))
        .await
        .is(200);
    for path in [
        format!("/v1/transcripts/{other_transcript}"),
        format!("/v1/insights?meeting={other}"),
        format!("/v1/action-items?meeting={other}"),
    ] {
        asked(site, &limited, &path)
            .await
            .is(403)
            .problem("forbidden");
    }
    let mine = asked(site, &limited, "/v1/backfills").await.json();
    assert_eq!(mine["items"], json!([]));
    // What is about all of them says so, and what to do.
    for path in [
        "/v1/jobs",
        "/v1/events",
        "/v1/domain-events",
        "/v1/status",
        "/v1/action-items",
    ] {
        let refused = asked(site, &limited, path).await.is(403);
        let problem = refused.problem("forbidden");
        assert!(
            problem["detail"]
                .as_str()
                .unwrap()
                .contains("some connections only")
                && problem["hint"]
                    .as_str()
                    .is_some_and(|hint| !hint.is_empty()),
            "{problem}"
        );
    }
    let page = asked(site, &limited, "/meetings").await.is(403);
    assert!(
        page.problem("forbidden")["hint"]
            .as_str()
            .unwrap()
            .contains("/v1")
    );
    for plain in [
        "/v1/actions",
        "/v1/openapi.json",
        "/v1/components",
        "/v1/docs",
    ] {
        asked(site, &limited, plain).await.is(200);
    }
}

#[tokio::test]
async fn connections_are_checked_renamed_and_removed_by_administrators_only() {
    let stage = Stage::new().await;
    let site = &stage.site;
    let admin = key(site, "admin", Role::Admin, &[]).await;
    let operator = key(site, "operator", Role::Operate, &[]).await;
    let post = |key: &str, verb: &str, body: Value| {
        let (key, path) = (key.to_owned(), format!("/v1/connections/env/{verb}"));
        async move { sent(site, &key, &path, &body).await }
    };
    for verb in ["check", "rename", "reconnect-link"] {
        let refused = post(&operator, verb, json!({"name": "x"})).await.is(403);
        refused.problem("forbidden");
    }
    let checked = post(&admin, "check", json!({})).await.is(200).json();
    assert_eq!(checked["name"], "env", "{checked}");
    assert!(checked["state"].is_string());
    let link = post(&admin, "reconnect-link", json!({})).await.is(409);
    assert!(
        link.problem("conflict")["detail"]
            .as_str()
            .unwrap()
            .contains("server-to-server")
    );
    post(&admin, "rename", json!({"name": " "})).await.is(400);
    let renamed = post(&admin, "rename", json!({"name": "Head office"})).await;
    let id = renamed.is(200).json()["id"].as_str().unwrap().to_owned();
    let remove = async |key: &str| {
        let request = site
            .client
            .delete(format!("{}/v1/connections/{id}", site.url))
            .bearer_auth(key);
        Answer::of(request.send().await.unwrap()).await
    };
    remove(&operator).await.is(403);
    // The environment's own stays while it is configured.
    remove(&admin).await.problem("env_connection_fixed");
    let log = asked(site, &admin, "/v1/audit").await;
    let log = log.is(200).json();
    let entries = log["items"].as_array().unwrap();
    let entry = entries
        .iter()
        .find(|entry| entry["action"] == "connection.rename")
        .unwrap_or_else(|| panic!("{log}"));
    assert_eq!(entry["actor"], "key:admin", "{entry}");
}
