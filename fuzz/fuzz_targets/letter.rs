//! Any bytes as a mail that answers an invitation: no panic, whatever its parts and encodings are.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parfocal_formats::ical::{self, Letter};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(letter) = Letter::parse(bytes) {
        for calendar in &letter.calendars {
            let _ = ical::replies(calendar);
        }
    }
});
