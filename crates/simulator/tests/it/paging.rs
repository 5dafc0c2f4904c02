//! Pages: tokens bound to their request, dead after fifteen minutes, never ending by order.

use serde_json::json;

use crate::kit::start;

#[tokio::test]
async fn pages_add_up_and_end_with_an_empty_token() {
    let sim = start().await;
    let whole = sim.ok("/users?page_size=300").await;
    assert_eq!(whole["next_page_token"], "");
    let mut seen = Vec::new();
    let mut next = String::new();
    loop {
        let page = sim
            .ok(&format!("/users?page_size=5&next_page_token={next}"))
            .await;
        assert_eq!(page["total_records"], whole["total_records"]);
        seen.extend(page["users"].as_array().unwrap().clone());
        page["next_page_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut next);
        if next.is_empty() {
            break;
        }
    }
    assert_eq!(json!(seen), whole["users"]);
}

#[tokio::test]
async fn tokens_are_bound_to_their_request_and_time() {
    let sim = start().await;
    let first = sim.ok("/users?page_size=2").await;
    let next = first["next_page_token"].as_str().unwrap();
    let refused = |got: crate::kit::Got| {
        assert_eq!(got.refusal(), (400, 300));
        assert_eq!(
            got.json()["message"],
            "The next page token is invalid or expired."
        );
    };
    refused(
        sim.get(&format!("/users?page_size=3&next_page_token={next}"))
            .await,
    );
    refused(
        sim.get(&format!(
            "/users?page_size=2&status=inactive&next_page_token={next}"
        ))
        .await,
    );
    refused(sim.get("/users?page_size=2&next_page_token=nonsense").await);
    let again = sim.ok("/users?page_size=2&next_page_token=").await;
    assert_eq!(again["users"], first["users"], "an empty token is page one");
    sim.advance(899).await;
    assert_eq!(
        sim.get(&format!("/users?page_size=2&next_page_token={next}"))
            .await
            .status,
        200
    );
    sim.advance(1).await;
    refused(
        sim.get(&format!("/users?page_size=2&next_page_token={next}"))
            .await,
    );
}

#[tokio::test]
async fn page_sizes_are_cut_or_refused() {
    let sim = start().await;
    assert_eq!(
        sim.ok("/users/me/meetings?page_size=1000").await["page_size"],
        300
    );
    for bad in ["0", "-1", "many"] {
        assert_eq!(
            sim.get(&format!("/users/me/meetings?page_size={bad}"))
                .await
                .refusal(),
            (400, 300)
        );
    }
}

#[tokio::test]
async fn pages_never_end_when_that_is_ordered() {
    let sim = start().await;
    sim.sim_post(
        "/faults",
        json!({ "kind": "endless_pages", "path": "/v2/users" }),
    )
    .await;
    let mut next = String::new();
    for _ in 0..5 {
        let page = sim
            .ok(&format!("/users?page_size=10&next_page_token={next}"))
            .await;
        page["next_page_token"]
            .as_str()
            .unwrap()
            .clone_into(&mut next);
        assert!(!next.is_empty());
    }
}
