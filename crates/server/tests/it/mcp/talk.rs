//! How clients of either era ask.

use serde_json::{Value, json};

use crate::support::{Answer, Site};

/// Sends a message as it is.
pub(crate) async fn post(site: &Site, message: &Value, headers: &[(&str, &str)]) -> Answer {
    let mut request = site
        .client
        .post(format!("{}/mcp", site.url))
        .header("accept", "application/json, text/event-stream")
        .json(message);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::of(request.send().await.unwrap()).await
}

/// Sends a message until it is answered with this status, at most for ten seconds: a switch may take a moment.
pub(super) async fn until(site: &Site, message: &Value, status: u16) -> Answer {
    for _ in 0..200 {
        let answer = post(site, message, &[]).await;
        if answer.status == status {
            return answer;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    post(site, message, &[]).await.is(status)
}

/// A request of revision 2026-07-28, which carries everything with it.
pub(super) async fn modern(
    site: &Site,
    key: Option<&str>,
    method: &str,
    mut params: Value,
) -> Answer {
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    });
    match params.get_mut("_meta") {
        Some(Value::Object(given)) => given.extend(meta.as_object().unwrap().clone()),
        _ => params["_meta"] = meta,
    }
    let name = params["name"]
        .as_str()
        .or(params["uri"].as_str())
        .map(str::to_owned);
    let message = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    let bearer = key.map(|key| format!("Bearer {key}"));
    let mut headers = vec![
        ("mcp-protocol-version", "2026-07-28"),
        ("mcp-method", method),
    ];
    if let (Some(name), "tools/call" | "resources/read" | "prompts/get") = (&name, method) {
        headers.push(("mcp-name", name));
    }
    headers.extend(bearer.as_deref().map(|bearer| ("authorization", bearer)));
    post(site, &message, &headers).await
}

/// A request of revision 2025-11-25.
pub(super) async fn legacy(site: &Site, method: &str, params: Value) -> Answer {
    let message = json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params});
    post(site, &message, &[("mcp-protocol-version", "2025-11-25")]).await
}

/// The JSON-RPC answer, whether it came alone or in a stream of events.
#[track_caller]
pub(super) fn said(answer: &Answer) -> Value {
    let events = answer
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("data:"));
    let message = events
        .filter_map(|data| serde_json::from_str::<Value>(data.trim()).ok())
        .find(|message| message.get("id").is_some())
        .or_else(|| serde_json::from_str(&answer.text).ok())
        .unwrap_or_else(|| panic!("no answer in {}", answer.text));
    assert_eq!(
        (message["jsonrpc"].as_str(), message["id"].as_u64()),
        (Some("2.0"), Some(7)),
        "{message}"
    );
    message
}
