//! Any `parfocal.yaml` and, behind a zero byte, any `.env`: no panic, and what is accepted is usable and its secrets unseen.
#![no_main]

use std::cell::OnceCell;

use libfuzzer_sys::fuzz_target;

use settings::{Sources, load};

// The reader is part of the program and no library: it is built here from its files.
#[path = "../../crates/cli/src/settings/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the program uses more of it")]
mod settings;

/// As much of the program's failures as the reader needs.
mod failure {
    pub(crate) enum Exit {
        Usage,
    }

    /// The words of a failure.
    pub(crate) struct Failure(pub(crate) String);

    impl Failure {
        pub(crate) fn new(_: Exit, code: &str, what: impl Into<String>) -> Self {
            Self(format!("{code}: {}", what.into()))
        }

        pub(crate) fn usage(code: &str, what: impl Into<String>) -> Self {
            Self::new(Exit::Usage, code, what)
        }

        pub(crate) fn detail(mut self, line: impl Into<String>) -> Self {
            self.0.push_str(&line.into());
            self
        }

        pub(crate) fn hint(self, hint: &str) -> Self {
            self.detail(hint)
        }

        pub(crate) fn with(self, _: &str, _: impl Into<serde_json::Value>) -> Self {
            self
        }
    }
}

/// Stands for a secret in inputs; nothing that is said may repeat it.
const CANARY: &str = "canary-7446";

thread_local! {
    static FOLDER: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
}

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(2, |byte| *byte == 0);
    let (file, variables) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().expect("a folder can be made")).path();
        std::fs::write(folder.join("parfocal.yaml"), file).expect("the folder can be written");
        std::fs::write(folder.join(".env"), variables).expect("the folder can be written");
        let sources = Sources { file: None, directory: folder, environment: Vec::new(), flags: Vec::new() };
        match load(&sources) {
            Ok(settings) => {
                assert!(settings.config.validate().is_ok());
                assert!(!settings.config.zoom.client_secret.is_some_and(|secret| format!("{secret:?}").contains(CANARY)));
            }
            Err(failure) => assert!(!failure.0.is_empty()),
        }
    });
});
