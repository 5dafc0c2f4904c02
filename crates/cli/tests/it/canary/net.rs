//! Where everything that was written is kept, and how secrets are looked for in it.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;

/// Everything that came out of the program, by where.
#[derive(Default)]
pub(super) struct Net {
    pub(super) caught: Vec<(String, Vec<u8>)>,
}

impl Net {
    pub(super) fn keep(&mut self, source: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.caught.push((source.into(), bytes.into()));
    }

    /// Every file below a folder.
    pub(super) fn folder(&mut self, folder: &Path, but: &[&str]) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                self.folder(&path, but);
            } else if !but.contains(&name.as_str()) {
                // A database's journal may go while it is looked at.
                if let Ok(bytes) = std::fs::read(&path) {
                    self.keep(format!("file {name}"), bytes);
                }
            }
        }
    }

    /// Where which of these texts stand, in any of the forms they may have taken on the way.
    pub(super) fn find<'a>(
        &self,
        secrets: impl IntoIterator<Item = &'a str>,
    ) -> BTreeSet<(&'a str, String)> {
        let mut needles = Needles::default();
        for secret in secrets {
            for form in forms(secret) {
                needles.add(form, secret);
            }
        }
        let mut found = BTreeSet::new();
        for (source, bytes) in &self.caught {
            needles.look(bytes, |secret| {
                found.insert((secret, source.clone()));
            });
        }
        found
    }
}

fn forms(secret: &str) -> Vec<Vec<u8>> {
    let percent = secret.bytes().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "%{byte:02X}");
        text
    });
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let mut forms = vec![
        secret.as_bytes().to_vec(),
        hex::encode(secret).into_bytes(),
        percent.into_bytes(),
        form.into_bytes(),
    ];
    if let Ok(bytes) = hex::decode(secret) {
        forms.push(bytes);
    }
    // In base64 the form depends on what stands before, and its end on what follows.
    for skip in 0..3 {
        let text = base64(&secret.as_bytes()[skip..]);
        forms.push(text.as_bytes()[..text.len() - 4].to_vec());
    }
    forms.retain(|form| form.len() >= 6);
    forms
}

/// Many texts, looked for in one go: by their first two bytes, then in full.
#[derive(Default)]
struct Needles<'a> {
    by_start: HashMap<[u8; 2], Vec<(Vec<u8>, &'a str)>>,
}

impl<'a> Needles<'a> {
    fn add(&mut self, form: Vec<u8>, secret: &'a str) {
        self.by_start
            .entry([form[0], form[1]])
            .or_default()
            .push((form, secret));
    }

    fn look(&self, hay: &[u8], mut hit: impl FnMut(&'a str)) {
        let mut starts = vec![false; 1 << 16];
        for [first, second] in self.by_start.keys() {
            starts[usize::from(*first) << 8 | usize::from(*second)] = true;
        }
        for (at, pair) in hay.windows(2).enumerate() {
            if starts[usize::from(pair[0]) << 8 | usize::from(pair[1])] {
                for (form, secret) in &self.by_start[&[pair[0], pair[1]]] {
                    if hay[at..].starts_with(form) {
                        hit(secret);
                    }
                }
            }
        }
    }
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let mut group = [0_u8; 3];
        group[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for at in 0..4 {
            let six = (bits >> (18 - 6 * at)) & 63;
            out.push(char::from(LETTERS[usize::try_from(six).unwrap()]));
        }
    }
    out
}
