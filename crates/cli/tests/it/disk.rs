//! A full disk: what cannot be kept is not acknowledged, and what was acknowledged is there when there is room again.

use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::kill::{EVENT, SECRET, free_port, milliseconds, sign, stored};
use crate::support::{World, eventually};

/// Largest file the server may write, in the 512-byte blocks of `ulimit -f`: room for the schema, not for the events.
const BLOCKS: u32 = 6_000;

struct Door {
    client: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    url: String,
}

impl Door {
    fn at(listen: &str) -> Self {
        Self {
            client: reqwest::Client::builder()
                .timeout(Duration::from_secs(10))
                .no_proxy()
                .build()
                .unwrap(),
            runtime: tokio::runtime::Runtime::new().unwrap(),
            url: format!("http://{listen}"),
        }
    }

    fn is_open(&self) -> bool {
        self.runtime.block_on(async {
            let answer = self
                .client
                .get(format!("{}/healthz", self.url))
                .send()
                .await;
            answer.is_ok_and(|answer| answer.status().is_success())
        })
    }

    /// Posts an event of about 20 kB whose time stamp is its name.
    fn post(&self, name: i64) -> u16 {
        let body = json!({ "event": EVENT, "event_ts": name, "payload": { "account_id": "simulator", "object": {
            "id": "full-disk", "filler": "x".repeat(20_000) } } })
        .to_string();
        let at = (milliseconds() / 1000).to_string();
        self.runtime.block_on(async {
            self.client
                .post(format!("{}/webhooks/zoom", self.url))
                .header("x-zm-signature", sign(&at, &body))
                .header("x-zm-request-timestamp", at)
                .body(body)
                .send()
                .await
                .unwrap()
                .status()
                .as_u16()
        })
    }
}

#[test]
fn a_full_disk_acknowledges_nothing_that_it_cannot_keep() {
    let world = World::new().env("ZOOM_WEBHOOK_SECRET_TOKEN", SECRET);
    let listen = format!("127.0.0.1:{}", free_port());
    // The limit's signal is ignored, so that writing fails as it does on a full disk instead of ending the process.
    let mut limited = Command::new("sh");
    limited
        .arg("-c")
        .arg(format!(
            "trap '' XFSZ; ulimit -f {BLOCKS}; exec \"$0\" serve --listen {listen} --json"
        ))
        .arg(env!("CARGO_BIN_EXE_parfocal"))
        .current_dir(world.path(""))
        .env("ZOOM_WEBHOOK_SECRET_TOKEN", SECRET)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut server = limited.spawn().unwrap();
    let door = Door::at(&listen);
    eventually("the limited server's start", || {
        door.is_open().then_some(())
    });

    let mut acknowledged = Vec::new();
    let mut refused = 0;
    for name in 1_000_000..1_001_000 {
        match door.post(name) {
            200..=299 => acknowledged.push(name),
            status => {
                assert_eq!(status, 503, "Zoom is asked to come again");
                refused += 1;
            }
        }
        if refused == 20 {
            break;
        }
    }
    assert_eq!(refused, 20, "the disk never filled up");
    assert!(!acknowledged.is_empty());
    assert!(door.is_open(), "the server stays up, to say what is wrong");
    server.kill().unwrap();
    server.wait().unwrap();

    let _server = world.start(&["serve", "--listen", &listen, "--json"]);
    assert!((200..300).contains(&door.post(2_000_000)));
    let kept = stored(&world);
    for name in &acknowledged {
        assert_eq!(kept.get(name), Some(&1), "event {name}");
    }
}
