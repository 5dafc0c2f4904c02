//! Any bytes: no panic, and what was read and written reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parfocal_formats::vtt;

fuzz_target!(|bytes: &[u8]| {
    let text = vtt::decode(bytes);
    if let Ok(first) = vtt::parse(&text) {
        let written = first.write();
        let second = vtt::parse(&written).expect("what was written is a transcript");
        assert_eq!(first, second);
        assert_eq!(second.write(), written);
    }
});
