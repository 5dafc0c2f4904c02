//! Any text: no panic, and matches are found at places that exist.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parfocal_formats::{query, text};

fuzz_target!(|input: &str| {
    let _ = text::index_text(input);
    if let Ok(query) = query::parse(input) {
        assert!(query.clauses.iter().all(|clause| !clause.terms.is_empty()));
        let cut = text::snippet(input, &query.positive_terms(), 40);
        assert!(cut.ranges.iter().all(|range| cut.text.get(range.clone()).is_some()));
    }
});
