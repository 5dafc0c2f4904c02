//! Any text: no panic, series of any rule can be walked, and what is written again is a calendar of the same meetings.
#![no_main]

use jiff::tz::TimeZone;
use libfuzzer_sys::fuzz_target;
use parfocal_formats::ical::{self, Calendar};

fuzz_target!(|input: &str| {
    let Ok(first) = Calendar::parse(input) else {
        return;
    };
    let _ = ical::replies(&first);
    for event in first.events.iter().take(4) {
        if let Some(Ok(series)) = event.series(&TimeZone::UTC) {
            assert!(series.instances().take(20).count() <= 20);
        }
    }
    let second = Calendar::parse(&first.to_string()).expect("what was written is a calendar");
    let uids = |calendar: &Calendar| calendar.events.iter().map(|event| event.uid.clone()).collect::<Vec<_>>();
    assert_eq!(uids(&first), uids(&second));
});
