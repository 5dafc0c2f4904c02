use std::path::Path;

use parfocal_engine::config::{KEYS, environment_name};

use super::*;

struct Case {
    directory: tempfile::TempDir,
    environment: Vec<(String, String)>,
}

impl Case {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            environment: Vec::new(),
        }
    }

    fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.directory.path().join(name), text).unwrap();
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn load(&self) -> Result<Settings, Failure> {
        load(&Sources {
            file: None,
            directory: self.directory.path(),
            environment: self.environment.clone(),
            flags: Vec::new(),
        })
    }

    fn complaint(&self) -> String {
        format!("{:?}", self.load().unwrap_err())
    }
}

#[test]
fn the_later_source_wins() {
    let case = Case::new()
        .file("parfocal.yaml", "backfill:\n  days: 30\n  parallel: 3\nlimits: {share: 0.5}\nzoom:\n  # nothing here\n")
        .file(".env", "PARFOCAL_BACKFILL__PARALLEL=4\nZOOM_CLIENT_ID='from dotenv'\nZOOM_PUBLIC_CLIENT_ID=x\n")
        .env("PARFOCAL_LIMITS__SHARE", "0.25")
        .env("ZOOM_PUBLIC_CLIENT_ID", "")
        .env("ZOOM_CLIENT_ID", "12345");
    let settings = case.load().unwrap();
    assert_eq!(settings.config.backfill.days, 30);
    assert_eq!(settings.config.backfill.parallel, 4);
    assert!((settings.config.limits.share - 0.25).abs() < f64::EPSILON);
    assert_eq!(settings.config.zoom.client_id.as_deref(), Some("12345"));
    assert_eq!(settings.config.zoom.public_client_id.as_deref(), Some("x"));
    assert_eq!(
        settings.origins["zoom.client_id"],
        Origin::Environment("ZOOM_CLIENT_ID".into())
    );
    assert_eq!(
        settings.origins["backfill.days"],
        Origin::File(case.directory.path().join("parfocal.yaml"), Some(2))
    );
}

#[test]
fn flags_win_over_everything() {
    let case = Case::new().env("PARFOCAL_DATA__DIR", "/nowhere");
    let settings = load(&Sources {
        file: None,
        directory: case.directory.path(),
        environment: case.environment.clone(),
        flags: vec![("data.dir", "/here".into(), "--data")],
    })
    .unwrap();
    assert_eq!(settings.config.data.dir, Path::new("/here"));
}

#[test]
fn an_unknown_key_is_refused_with_a_suggestion_and_its_line() {
    let text = Case::new()
        .file("parfocal.yaml", "server:\n  listn: 127.0.0.1:1\n")
        .complaint();
    assert!(text.contains("server.listn"), "{text}");
    assert!(text.contains("Did you mean server.listen?"), "{text}");
    assert!(text.contains("parfocal.yaml, line 2"), "{text}");
    let text = Case::new().env("PARFOCAL_SERVER__LISTN", "x").complaint();
    assert!(text.contains("PARFOCAL_SERVER__LISTEN?"), "{text}");
}

#[test]
fn every_fault_is_told_at_once_with_its_source() {
    let text = Case::new()
        .file(
            "parfocal.yaml",
            "backfill:\n  days: many\nlimits:\n  plan: bussiness\nsever: {}\nlog:\n",
        )
        .file(".env", "ZOOM_API_URL='not an address'\n")
        .env("PARFOCAL_LOG__JSON", "perhaps")
        .complaint();
    for part in [
        "backfill.days",
        "\\\"many\\\" is not a whole number",
        "line 2",
        "Did you mean business?",
        "zoom.api_url",
        "ZOOM_API_URL in",
        ".env",
        "log.json",
        "PARFOCAL_LOG__JSON",
        "sever: there is no such key",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[test]
fn what_the_engine_refuses_names_the_source_too() {
    let text = Case::new()
        .env("PARFOCAL_SERVER__LISTEN", "0.0.0.0:80")
        .complaint();
    assert!(
        text.contains("server.listen") && text.contains("PARFOCAL_SERVER__LISTEN"),
        "{text}"
    );
    assert!(text.contains("authenticat"), "{text}");
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let case = Case::new().file("secret", "  canary-value\n");
    let path = case.path("secret");
    let case = case
        .env("ZOOM_CLIENT_SECRET_FILE", &path)
        .env("PARFOCAL_ZOOM__APPS__CRM__WEBHOOK_SECRET_TOKEN_FILE", &path);
    let settings = case.load().unwrap();
    assert_eq!(
        settings
            .config
            .zoom
            .client_secret
            .as_ref()
            .unwrap()
            .expose(),
        "canary-value"
    );
    assert_eq!(
        settings.config.zoom.apps["crm"].webhook_secret_token[0].expose(),
        "canary-value"
    );
    assert!(!format!("{settings:?}").contains("canary"));

    let text = Case::new()
        .env("TOKEN_ENCRYPTION_KEY", "canary")
        .complaint();
    assert!(
        text.contains("vault.key") && text.contains("TOKEN_ENCRYPTION_KEY"),
        "{text}"
    );
    assert!(!text.contains("canary"), "{text}");

    let text = Case::new()
        .env("TOKEN_ENCRYPTION_KEY_FILE", "/nowhere/at/all")
        .complaint();
    assert!(text.contains("/nowhere/at/all"), "{text}");
    let text = case.env("ZOOM_CLIENT_SECRET", "other").complaint();
    assert!(text.contains("given twice"), "{text}");
}

#[test]
fn retired_names_warn_and_are_ignored() {
    let settings = Case::new()
        .env("ZOOM_WEBHOOK_VERIFICATION_TOKEN", "x")
        .env("BREVO_API_KEY", "x")
        .load()
        .unwrap();
    assert_eq!(settings.warnings.len(), 1);
    assert!(settings.warnings[0].contains("ZOOM_WEBHOOK_SECRET_TOKEN"));
}

#[test]
fn a_broken_file_is_named() {
    let text = Case::new().file("parfocal.yaml", "a: [1\nb: }").complaint();
    assert!(text.contains("is not YAML"), "{text}");
    let case = Case::new();
    let missing = case.directory.path().join("other.yaml");
    let failure = load(&Sources {
        file: Some(&missing),
        directory: case.directory.path(),
        environment: Vec::new(),
        flags: Vec::new(),
    })
    .unwrap_err();
    assert_eq!(failure.exit(), Exit::Usage);
    Case::new()
        .file("parfocal.yaml", "# nothing\n")
        .load()
        .unwrap();
    Case::new().file("parfocal.yaml", "").load().unwrap();
}

#[test]
fn a_broken_dotenv_line_does_not_show_its_text() {
    let text = Case::new()
        .file(".env", "ZOOM_CLIENT_SECRET='canary\n")
        .complaint();
    assert!(text.contains(".env") && !text.contains("canary"), "{text}");
}

#[test]
fn the_default_file_is_the_one_that_the_table_makes_and_changes_nothing() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/default.yaml");
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(
        written == default_yaml(),
        "config/default.yaml is stale: run `parfocal config default > config/default.yaml`"
    );
    let settings = load(&Sources {
        file: Some(&path),
        directory: tempfile::tempdir().unwrap().path(),
        environment: Vec::new(),
        flags: Vec::new(),
    })
    .unwrap();
    let as_json = |config: &Config| serde_json::to_value(config).unwrap();
    assert_eq!(as_json(&settings.config), as_json(&Config::default()));
    for key in KEYS
        .iter()
        .filter(|key| key.default != "null" && !key.path.contains('*'))
    {
        assert!(settings.origins.contains_key(key.path), "{}", key.path);
    }
}

#[test]
fn the_example_environment_has_every_name_and_only_those() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let example = std::fs::read_to_string(root.join(".env.example")).unwrap();
    for key in KEYS {
        if let Some(name) = key.env {
            assert!(
                example.contains(&format!("{name}=")),
                "{name} is missing in .env.example"
            );
        }
    }
    for line in example.lines() {
        let line = line.trim_start_matches('#').trim();
        if let Some((name, _)) = line.split_once('=')
            && name
                .bytes()
                .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
        {
            assert!(
                KEYS.iter().any(|key| key.env == Some(name)
                    || environment_name(key.path) == name
                    || name.strip_suffix("_FILE") == key.env),
                ".env.example has {name}"
            );
        }
    }
}

#[test]
fn the_reference_page_has_every_key() {
    let page = markdown();
    for key in KEYS {
        assert!(
            page.contains(&format!("### `{}`", key.path.replace('*', "NAME"))),
            "{}",
            key.path
        );
    }
}

/// What fuzzing found and started from: a `parfocal.yaml` and, behind a zero byte, a `.env`.
#[test]
fn the_corpus_of_fuzzing_is_read_or_refused_in_words() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/configuration");
    let (mut read, mut refused) = (0, 0);
    for entry in std::fs::read_dir(corpus).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let mut parts = bytes.splitn(2, |byte| *byte == 0);
        let case = Case::new();
        for name in ["parfocal.yaml", ".env"] {
            let text = parts.next().unwrap_or_default();
            std::fs::write(case.directory.path().join(name), text).unwrap();
        }
        match case.load() {
            Ok(settings) => {
                settings.config.validate().unwrap();
                assert!(
                    !format!("{settings:?}").contains("canary-7446"),
                    "{}",
                    path.display()
                );
                read += 1;
            }
            Err(failure) => {
                let said = format!("{failure:?}");
                assert!(!said.contains("canary-7446"), "{}: {said}", path.display());
                refused += 1;
            }
        }
    }
    assert!(read >= 2 && refused >= 2, "{read} read, {refused} refused");
}
