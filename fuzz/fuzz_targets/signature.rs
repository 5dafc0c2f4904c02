//! Timestamp, signature and body on a line each: no panic, and only a true signature is accepted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parfocal_zoom::webhook::{Verifier, WebhookSecret, sign};

fuzz_target!(|input: &str| {
    let mut lines = input.splitn(3, '\n');
    let (timestamp, signature, body) = (lines.next(), lines.next(), lines.next().unwrap_or_default().as_bytes());
    let verifier = Verifier::new([WebhookSecret::new("one", "first"), WebhookSecret::new("two", "second")]);
    let now = jiff::Timestamp::from_second(1_795_334_400).expect("an instant of 2026");
    if verifier.verify(timestamp, signature, body, now).is_ok() {
        let timestamp = timestamp.expect("what was verified has a timestamp");
        let signature = signature.expect("what was verified has a signature").to_ascii_lowercase();
        assert!(["first", "second"].iter().any(|secret| sign(&(*secret).into(), timestamp, body) == signature));
    }
});
