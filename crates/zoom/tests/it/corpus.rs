//! What fuzzing found (and started from) stays tested; new finds are copied into `fuzz/corpus/{target}`.

use std::path::Path;

use parfocal_zoom::webhook::{Challenge, Envelope, Event, Verifier, WebhookSecret, sign};

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let files: Vec<Vec<u8>> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| std::fs::read(entry.unwrap().path()).unwrap())
        .collect();
    assert!(!files.is_empty());
    files
}

#[test]
fn webhooks_of_the_corpus() {
    let mut events = 0;
    for body in corpus("webhook") {
        let _ = Challenge::find(&body);
        let envelope = Envelope::parse(&body);
        if let Ok(event) = Event::parse(&body) {
            let _ = (
                event.meeting_number(),
                event.meeting_uuid(),
                event.user_id(),
            );
            if let Ok(envelope) = envelope {
                assert_eq!(envelope.event.trim(), event.name);
            }
            events += 1;
        }
    }
    assert!(events > 0);
}

#[test]
fn signatures_of_the_corpus() {
    let now = jiff::Timestamp::from_second(1_795_334_400).unwrap();
    let verifier = Verifier::new([
        WebhookSecret::new("one", "first"),
        WebhookSecret::new("two", "second"),
    ]);
    let mut accepted = 0;
    for input in corpus("signature") {
        let input = String::from_utf8_lossy(&input).into_owned();
        let mut lines = input.splitn(3, '\n');
        let (timestamp, signature) = (lines.next(), lines.next());
        let body = lines.next().unwrap_or_default().as_bytes();
        if verifier.verify(timestamp, signature, body, now).is_ok() {
            let signature = signature.unwrap().to_ascii_lowercase();
            let one_of_ours = ["first", "second"]
                .iter()
                .any(|secret| sign(&(*secret).into(), timestamp.unwrap(), body) == signature);
            assert!(one_of_ours, "{input}");
            accepted += 1;
        }
    }
    assert!(accepted > 0, "the corpus has no true signature any more");
}
