//! One meeting's words as search reads them: which word stands in which unit, at which places.
//!
//! A unit is a title, an utterance, a chat message or an insight. The bytes can be asked without being unpacked: units
//! and words lie in tables of fixed width, words in order. Nothing in it comes from outside unseen, yet bytes that make
//! no sense give no hits and no panic.

use std::collections::BTreeMap;

use parfocal_formats::text;
use uuid::Uuid;

use super::HitKind;

const MAGIC: u32 = 0x314c_4650;
const HEAD: usize = 20;
const UNIT: usize = 16;

/// One unit to write.
pub(super) struct NewUnit {
    pub(super) kind: HitKind,
    /// The row: of utterances or chat `n`; of an insight its id.
    pub(super) row: Row,
    pub(super) speaker: Option<String>,
    pub(super) text: String,
}

#[derive(Clone, Copy)]
pub(super) enum Row {
    Number(i64),
    Insight(Uuid),
}

/// What a meeting's index is made of.
pub(super) struct Built {
    pub(super) leaf: Vec<u8>,
    /// Each word once.
    pub(super) words: String,
    /// Each stem, more often the more often it stands there.
    pub(super) stems: String,
    pub(super) speakers: String,
}

/// How often a title's words count more than one that is said.
const TITLE_WEIGHT: u32 = 8;

pub(super) fn build(units: &[NewUnit]) -> Built {
    let mut postings: BTreeMap<String, Vec<(u32, Vec<u32>)>> = BTreeMap::new();
    let mut speakers: Vec<&str> = Vec::new();
    let mut table = Vec::with_capacity(units.len() * UNIT);
    let mut ids: Vec<Uuid> = Vec::new();
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for (at, unit) in (0_u32..).zip(units) {
        let tokens = text::index_text(&unit.text);
        let mut length = 0_u32;
        for token in tokens.split_ascii_whitespace() {
            let list = postings.entry(token.to_owned()).or_default();
            match list.last_mut() {
                Some((last, places)) if *last == at => places.push(length),
                _ => list.push((at, vec![length])),
            }
            length += 1;
            let weight = if unit.kind == HitKind::Title {
                TITLE_WEIGHT
            } else {
                1
            };
            *counts.entry(text::stem(token).into_owned()).or_default() += weight;
        }
        let speaker = unit.speaker.as_deref().map_or(0, |name| {
            let place = speakers.iter().position(|known| *known == name);
            place.unwrap_or_else(|| {
                speakers.push(name);
                speakers.len() - 1
            }) + 1
        });
        let row = match unit.row {
            Row::Number(n) => n,
            Row::Insight(id) => {
                ids.push(id);
                i64::try_from(ids.len() - 1).unwrap_or(i64::MAX)
            }
        };
        table.extend([unit.kind.code(), 0]);
        table.extend(u16::try_from(speaker).unwrap_or(0).to_le_bytes());
        table.extend(length.to_le_bytes());
        table.extend(row.to_le_bytes());
    }
    let mut leaf = Vec::with_capacity(table.len() * 2);
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    for number in [
        MAGIC,
        small(units.len()),
        small(ids.len()),
        small(speakers.len()),
        small(postings.len()),
    ] {
        leaf.extend(number.to_le_bytes());
    }
    leaf.extend(&table);
    for id in &ids {
        leaf.extend(id.as_bytes());
    }
    texts(&mut leaf, speakers.iter().copied());
    texts(&mut leaf, postings.keys().map(String::as_str));
    let mut packed: Vec<u8> = Vec::new();
    for list in postings.values() {
        leaf.extend(small(packed.len()).to_le_bytes());
        let mut before = 0;
        for (unit, places) in list {
            varint(&mut packed, unit - before);
            before = *unit;
            varint(&mut packed, small(places.len()));
            let mut last = 0;
            for place in places {
                varint(&mut packed, place - last);
                last = *place;
            }
        }
    }
    leaf.extend(small(packed.len()).to_le_bytes());
    leaf.extend(&packed);
    let words: Vec<&str> = postings.keys().map(String::as_str).collect();
    let mut stems = String::new();
    for (stem, count) in &counts {
        for _ in 0..=count.ilog2() {
            stems.push_str(stem);
            stems.push(' ');
        }
    }
    let names: Vec<String> = speakers.iter().map(|name| text::index_text(name)).collect();
    Built {
        words: words.join(" "),
        speakers: names.join(" "),
        stems,
        leaf,
    }
}

/// Texts behind a table of where each begins.
fn texts<'t>(out: &mut Vec<u8>, texts: impl Iterator<Item = &'t str> + Clone) {
    let mut at = 0_u32;
    for text in texts.clone() {
        out.extend(at.to_le_bytes());
        at = at.saturating_add(u32::try_from(text.len()).unwrap_or(u32::MAX));
    }
    out.extend(at.to_le_bytes());
    for text in texts {
        out.extend(text.as_bytes());
    }
}

fn varint(out: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

/// A unit of a stored leaf.
#[derive(Clone, Copy)]
pub(super) struct Unit {
    pub(super) kind: HitKind,
    /// From 1; 0 is nobody.
    pub(super) speaker: usize,
    pub(super) length: u32,
    row: i64,
}

/// Where a table of texts lies.
#[derive(Clone, Copy)]
struct Texts {
    offsets: usize,
    bytes: usize,
    count: usize,
}

/// A stored leaf.
pub(super) struct Leaf<'b> {
    bytes: &'b [u8],
    units: usize,
    ids: usize,
    speakers: Texts,
    terms: Texts,
    posts: usize,
    packed: usize,
}

impl<'b> Leaf<'b> {
    /// None for bytes of another form.
    pub(super) fn read(bytes: &'b [u8]) -> Option<Self> {
        let head = |at: usize| number(bytes, at * 4).and_then(|n| usize::try_from(n).ok());
        if number(bytes, 0)? != MAGIC {
            return None;
        }
        let (units, id_count, speaker_count, term_count) = (head(1)?, head(2)?, head(3)?, head(4)?);
        let ids = HEAD + units.checked_mul(UNIT)?;
        let speakers = table(
            bytes,
            ids.checked_add(id_count.checked_mul(16)?)?,
            speaker_count,
        )?;
        let terms = table(bytes, end(bytes, speakers)?, term_count)?;
        let posts = end(bytes, terms)?;
        let packed = posts.checked_add((term_count + 1).checked_mul(4)?)?;
        (packed <= bytes.len()).then_some(Self {
            bytes,
            units,
            ids,
            speakers,
            terms,
            posts,
            packed,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.units
    }

    pub(super) fn unit(&self, at: usize) -> Option<Unit> {
        let from = HEAD + at.checked_mul(UNIT)?;
        let bytes = self
            .bytes
            .get(from..from + UNIT)
            .filter(|_| at < self.units)?;
        Some(Unit {
            kind: HitKind::of_code(bytes[0]),
            speaker: usize::from(u16::from_le_bytes([bytes[2], bytes[3]])),
            length: number(bytes, 4)?,
            row: i64::from_le_bytes(bytes[8..16].try_into().ok()?),
        })
    }

    /// How many different words there are.
    pub(super) fn words(&self) -> usize {
        self.terms.count
    }

    /// The row of a unit.
    pub(super) fn row(&self, unit: Unit) -> Option<Row> {
        if unit.kind.is_insight() {
            let from = self.ids + usize::try_from(unit.row).ok()?.checked_mul(16)?;
            let bytes = self.bytes.get(from..from + 16)?;
            return Some(Row::Insight(Uuid::from_slice(bytes).ok()?));
        }
        Some(Row::Number(unit.row))
    }

    pub(super) fn speakers(&self) -> Vec<&'b str> {
        (0..self.speakers.count)
            .map(|at| self.text(self.speakers, at))
            .collect()
    }

    fn text(&self, of: Texts, at: usize) -> &'b str {
        let range = || {
            let from = number(self.bytes, of.offsets + at * 4)? as usize;
            let to = number(self.bytes, of.offsets + at * 4 + 4)? as usize;
            self.bytes.get(of.bytes + from..of.bytes + to)
        };
        range()
            .and_then(|bytes| str::from_utf8(bytes).ok())
            .unwrap_or("")
    }

    /// The words that begin so, as places.
    pub(super) fn beginning(&self, start: &str) -> impl Iterator<Item = (usize, &'b str)> + '_ {
        let (mut low, mut high) = (0, self.terms.count);
        while low < high {
            let middle = low.midpoint(high);
            if self.text(self.terms, middle) < start {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let start = start.to_owned();
        (low..self.terms.count)
            .map(|at| (at, self.text(self.terms, at)))
            .take_while(move |(_, term)| term.starts_with(&start))
    }

    /// Gives each unit that a word stands in, with its places in it.
    pub(super) fn postings(&self, term: usize, mut take: impl FnMut(u32, &[u32])) {
        let range = || {
            let from = number(self.bytes, self.posts + term * 4)? as usize;
            let to = number(self.bytes, self.posts + term * 4 + 4)? as usize;
            self.bytes.get(self.packed + from..self.packed + to)
        };
        let mut rest = range().unwrap_or_default();
        let mut unit = 0_u32;
        let mut places = Vec::new();
        while let Some(step) = unpack(&mut rest) {
            unit = unit.saturating_add(step);
            places.clear();
            let mut place = 0_u32;
            for _ in 0..unpack(&mut rest).unwrap_or(0) {
                let Some(step) = unpack(&mut rest) else {
                    return;
                };
                place = place.saturating_add(step);
                places.push(place);
            }
            take(unit, &places);
        }
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_le_bytes(four.try_into().ok()?))
}

fn table(bytes: &[u8], offsets: usize, count: usize) -> Option<Texts> {
    let after = offsets.checked_add(count.checked_add(1)?.checked_mul(4)?)?;
    (after <= bytes.len()).then_some(Texts {
        offsets,
        bytes: after,
        count,
    })
}

/// Where a table of texts ends.
fn end(bytes: &[u8], of: Texts) -> Option<usize> {
    let length = usize::try_from(number(bytes, of.offsets + of.count * 4)?).ok()?;
    of.bytes
        .checked_add(length)
        .filter(|end| *end <= bytes.len())
}

fn unpack(rest: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u32;
    for shift in (0..35).step_by(7) {
        let (first, others) = rest.split_first()?;
        *rest = others;
        number |= u32::from(first & 0x7f).checked_shl(shift)?;
        if first & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_is_read_again_and_broken_bytes_give_nothing() {
        let unit = |n, kind, speaker: &str, text: &str| NewUnit {
            kind,
            row: Row::Number(n),
            speaker: Some(speaker.to_owned()),
            text: text.to_owned(),
        };
        let built = build(&[
            unit(0, HitKind::Title, "", "Harbour fair"),
            unit(7, HitKind::Said, "Ana", "the budget, the budgets"),
            unit(9, HitKind::Written, "Bob", &"the ".repeat(300)),
        ]);
        let leaf = Leaf::read(&built.leaf).unwrap();
        let found: Vec<&str> = leaf.beginning("budg").map(|(_, term)| term).collect();
        assert_eq!(found, ["budget", "budgets"]);
        let (the, _) = leaf.beginning("the").next().unwrap();
        let mut seen = Vec::new();
        leaf.postings(the, |unit, places| {
            seen.push((unit, places.len(), places[0]));
        });
        assert_eq!(seen, [(1, 2, 0), (2, 300, 0)]);
        assert_eq!(leaf.speakers(), ["", "Ana", "Bob"]);
        let said = leaf.unit(1).unwrap();
        assert_eq!((said.kind, said.length), (HitKind::Said, 4));
        assert!(matches!(leaf.row(said), Some(Row::Number(7))));
        assert!(leaf.unit(3).is_none());
        assert!(built.stems.contains("budget budget ") && built.stems.contains("harbour harbour"));
        for cut in 0..built.leaf.len() {
            if let Some(leaf) = Leaf::read(&built.leaf[..cut]) {
                for (term, _) in leaf.beginning("") {
                    leaf.postings(term, |_, _| {});
                }
            }
        }
    }
}
