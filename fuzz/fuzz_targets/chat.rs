//! Any bytes: no panic, and every message has a sender.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parfocal_formats::{chat, vtt};

fuzz_target!(|bytes: &[u8]| {
    let text = vtt::decode(bytes);
    let chat = chat::parse(&text);
    assert!(chat.messages.iter().all(|message| !message.sender.is_empty()));
});
