//! Any body: no panic, and the two readers of a delivery agree on its name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parfocal_zoom::webhook::{Challenge, Envelope, Event};

fuzz_target!(|body: &[u8]| {
    let _ = Challenge::find(body);
    let envelope = Envelope::parse(body);
    if let Ok(event) = Event::parse(body) {
        let _ = (event.meeting_number(), event.meeting_uuid(), event.user_id());
        if let Ok(envelope) = envelope {
            assert_eq!(envelope.event.trim(), event.name);
        }
    }
});
