//! "Did you mean": the nearest known name, if one is near enough.

/// The known name most like the given one, or none when nothing is near.
pub(crate) fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_ascii_lowercase();
    let last = |path: &str| path.rsplit('.').next().unwrap_or(path).to_owned();
    known
        .map(|name| {
            let lower = name.to_ascii_lowercase();
            // A key in the wrong section is as good a guess as one with a slip in it.
            let moved = last(&given) == last(&lower) && given.len() > 3;
            let likeness = if moved {
                0.92
            } else {
                strsim::normalized_damerau_levenshtein(&given, &lower)
            };
            (likeness, name)
        })
        .filter(|(likeness, _)| *likeness >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}
