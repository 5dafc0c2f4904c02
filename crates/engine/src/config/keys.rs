//! The one table of all configuration keys.

/// How a key's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Any text.
    Text,
    /// A text that is never shown; `NAME_FILE` names a file that holds it.
    Secret,
    /// Several secrets: a list, or one text with commas.
    Secrets,
    /// An address.
    Url,
    /// A file or directory.
    Path,
    /// An address and port to listen on.
    Listen,
    /// A whole number.
    Integer,
    /// A number.
    Float,
    /// `true` or `false`.
    Bool,
    /// Several texts: a list, or one text with commas.
    List,
    /// One of these words.
    Enum(&'static [&'static str]),
}

/// One configuration key.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Dotted path; a `*` stands for a name that the operator chooses.
    pub path: &'static str,
    /// How the value is written.
    pub kind: Kind,
    /// The default as YAML, `null` for none.
    pub default: &'static str,
    /// A name of its own in the environment, besides `PARFOCAL_SECTION__KEY`.
    pub env: Option<&'static str>,
    /// What it does, in whole sentences.
    pub about: &'static str,
}

impl Key {
    /// Whether the value is secret.
    pub const fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret | Kind::Secrets)
    }

    /// The section, the first part of the path.
    pub fn section(&self) -> &'static str {
        self.path.split('.').next().unwrap_or(self.path)
    }
}

/// The environment variable that sets a key when it has no name of its own: `PARFOCAL_SECTION__KEY`.
pub fn environment_name(path: &str) -> String {
    format!("PARFOCAL_{}", path.replace('.', "__").to_ascii_uppercase())
}

const fn key(
    path: &'static str,
    kind: Kind,
    default: &'static str,
    env: Option<&'static str>,
    about: &'static str,
) -> Key {
    Key {
        path,
        kind,
        default,
        env,
        about,
    }
}

/// Every key, in the order of the reference page.
pub static KEYS: &[Key] = &[
    key(
        "data.dir",
        Kind::Path,
        "parfocal-data",
        None,
        "Directory of the embedded database, the files of recordings and a generated vault key.",
    ),
    key(
        "server.listen",
        Kind::Listen,
        "127.0.0.1:8080",
        None,
        "Address and port to listen on. Addresses that other machines reach need `auth: keys`.",
    ),
    key(
        "server.auth",
        Kind::Enum(&["local", "keys"]),
        "local",
        None,
        "Who may come in besides Zoom's webhooks: `local` is everybody on this machine, and others with a key; `keys` is nobody \
         without a key of `parfocal keys create`.",
    ),
    key(
        "server.public_url",
        Kind::Url,
        "null",
        None,
        "Address under which others, Zoom's webhooks among them, reach this server. None: http:// and the listen address.",
    ),
    key(
        "server.max_body_bytes",
        Kind::Integer,
        "1048576",
        None,
        "Largest accepted body of an API request, in bytes.",
    ),
    key(
        "server.max_webhook_bytes",
        Kind::Integer,
        "1048576",
        None,
        "Largest accepted webhook, in bytes. Zoom's are a few kilobytes.",
    ),
    key(
        "server.shutdown_seconds",
        Kind::Integer,
        "10",
        None,
        "How long running requests and jobs may finish after a stop was asked for, in seconds. What is cut off is repeated later.",
    ),
    key(
        "mcp.allowed_hosts",
        Kind::List,
        "[]",
        None,
        "Host names under which /mcp may be asked, besides this machine's own names and that of `server.public_url`. With a port, \
         only that one.",
    ),
    key(
        "mcp.allowed_origins",
        Kind::List,
        "[]",
        None,
        "Origins of web pages that may ask /mcp, such as `https://app.example.org:443` or `http://localhost:*`. Programs send no \
         origin and are not meant.",
    ),
    key(
        "mcp.destructive_tools",
        Kind::List,
        "[]",
        None,
        "Tools that cannot be undone and are offered to models all the same, by name, such as `meeting.delete`. The others stay hidden.",
    ),
    key(
        "mcp.hidden_tools",
        Kind::List,
        "[]",
        None,
        "Tools that are never offered to models, by name; `webinar.*` stands for all of a noun.",
    ),
    key(
        "mcp.tool_names",
        Kind::Enum(&["dotted", "underscored"]),
        "dotted",
        None,
        "How names of tools are written: `meeting.get`, or `meeting_get` for clients that allow no dots. Calls may use either.",
    ),
    key(
        "database.url",
        Kind::Secret,
        "null",
        Some("DATABASE_URL"),
        "`sqlite:PATH` or `postgres://user:password@host/name`. None: parfocal.db in the data directory. Secret because it may carry a password.",
    ),
    key(
        "database.max_connections",
        Kind::Integer,
        "8",
        None,
        "Most database connections held open by this process.",
    ),
    key(
        "vault.key",
        Kind::Secret,
        "null",
        Some("TOKEN_ENCRYPTION_KEY"),
        "The key under which tokens and client secrets are stored: 32 bytes as base64 or hex, for instance from `openssl rand -base64 32`. None: a key file readable only by its owner is made in the data directory.",
    ),
    key(
        "vault.previous_key",
        Kind::Secret,
        "null",
        Some("TOKEN_ENCRYPTION_KEY_PREVIOUS"),
        "The key used before. It can still read; after `parfocal vault rotate` it is not needed any more.",
    ),
    key(
        "zoom.api_url",
        Kind::Url,
        "null",
        Some("ZOOM_API_URL"),
        "REST address of Zoom, including /v2. None: the address that comes with the access token, else https://api.zoom.us/v2. Plain http only to loopback.",
    ),
    key(
        "zoom.oauth_url",
        Kind::Url,
        "https://zoom.us/",
        Some("ZOOM_OAUTH_URL"),
        "Address of Zoom's consent, token and revoke pages, without /oauth. Plain http only to loopback.",
    ),
    key(
        "zoom.download_hosts",
        Kind::List,
        "[.zoom.us, .zoomgov.com]",
        Some("ZOOM_DOWNLOAD_HOSTS"),
        "Hosts besides Zoom's own (zoom.us, zoom.com, zoomgov.com) that get our credentials when a file is downloaded; names below them count too.",
    ),
    key(
        "zoom.account_id",
        Kind::Text,
        "null",
        Some("ZOOM_ACCOUNT_ID"),
        "Account id of a server-to-server app. Together with its client id and secret it makes the connection `env`.",
    ),
    key(
        "zoom.s2s_client_id",
        Kind::Text,
        "null",
        Some("ZOOM_S2S_CLIENT_ID"),
        "Client id of that server-to-server app.",
    ),
    key(
        "zoom.s2s_client_secret",
        Kind::Secret,
        "null",
        Some("ZOOM_S2S_CLIENT_SECRET"),
        "Client secret of that server-to-server app. Used from here, never stored.",
    ),
    key(
        "zoom.client_id",
        Kind::Text,
        "null",
        Some("ZOOM_CLIENT_ID"),
        "Client id of the general app that users authorise.",
    ),
    key(
        "zoom.client_secret",
        Kind::Secret,
        "null",
        Some("ZOOM_CLIENT_SECRET"),
        "Client secret of the general app that users authorise.",
    ),
    key(
        "zoom.public_client_id",
        Kind::Text,
        "null",
        Some("ZOOM_PUBLIC_CLIENT_ID"),
        "Public client id (PKCE, no secret) of the general app, for the command line.",
    ),
    key(
        "zoom.redirect_uri",
        Kind::Url,
        "null",
        Some("ZOOM_REDIRECT_URI"),
        "Address to which Zoom sends users back after consent; must stand in the app's allow list.",
    ),
    key(
        "zoom.webhook_secret_token",
        Kind::Secrets,
        "[]",
        Some("ZOOM_WEBHOOK_SECRET_TOKEN"),
        "Secret tokens that sign webhooks: several with commas while one is being replaced, or one for each app.",
    ),
    key(
        "zoom.apps.*.client_id",
        Kind::Text,
        "null",
        None,
        "Client id of a further app. Its name (letters, digits, -) makes the webhook address /webhooks/zoom/NAME.",
    ),
    key(
        "zoom.apps.*.webhook_secret_token",
        Kind::Secrets,
        "[]",
        None,
        "Secret tokens that sign that app's webhooks.",
    ),
    key(
        "zoom.timeout_seconds",
        Kind::Integer,
        "30",
        None,
        "How long one request to Zoom may take, in seconds. Downloads may take longer as long as bytes arrive.",
    ),
    key(
        "limits.plan",
        Kind::Enum(&["auto", "free", "pro", "business", "off"]),
        "auto",
        None,
        "Zoom plan whose rate limits hold for accounts that do not name their own. `auto`: as the account's check found, the smallest until then. `off`: no pacing; only for the simulator without limits.",
    ),
    key(
        "limits.share",
        Kind::Float,
        "0.8",
        None,
        "Part of the account's rate budget that may be used, above 0 up to 1. Zoom counts all apps of the account together, so leave something to the others.",
    ),
    key(
        "backfill.days",
        Kind::Integer,
        "180",
        None,
        "How many days back a backfill goes when nothing else is said.",
    ),
    key(
        "backfill.parallel",
        Kind::Integer,
        "32",
        None,
        "Most slices of a backfill that are worked on at once. Zoom's limits bound the pace, not this.",
    ),
    key(
        "media.dir",
        Kind::Path,
        "null",
        None,
        "Directory of recording files. None: blobs in the data directory.",
    ),
    key(
        "media.fetch",
        Kind::List,
        "[TRANSCRIPT, CHAT, CC, TIMELINE]",
        None,
        "Kinds of recording files that are fetched by themselves, as Zoom names them (MP4, M4A, TIMELINE, TRANSCRIPT, CHAT, CC, CSV, SUMMARY). Others are fetched when asked for.",
    ),
    key(
        "media.max_file_mb",
        Kind::Integer,
        "512",
        None,
        "Largest file that is fetched by itself, in megabytes.",
    ),
    key(
        "inbox.keep_days",
        Kind::Integer,
        "90",
        None,
        "How many days an event that arrived is kept, and can be replayed, after it was routed. Events that failed stay.",
    ),
    key(
        "jobs.workers",
        Kind::Integer,
        "32",
        None,
        "How many jobs run at once in this process. Most of them wait for Zoom.",
    ),
    key(
        "jobs.lease_seconds",
        Kind::Integer,
        "120",
        None,
        "How long a worker holds a job before another one may take it, in seconds. A running job renews its hold.",
    ),
    key(
        "jobs.max_attempts",
        Kind::Integer,
        "12",
        None,
        "How often a job is tried before it is put before a person.",
    ),
    key(
        "jobs.keep_days",
        Kind::Integer,
        "30",
        None,
        "How many days a job is kept after it was done or dropped. Jobs that were given up stay until a person retries or drops them.",
    ),
    key(
        "models.use",
        Kind::Text,
        "null",
        None,
        "Name of the server below that analyses meetings and answers questions. None: the embedded analyst alone, and nothing leaves this machine.",
    ),
    key(
        "models.hosts",
        Kind::List,
        "[api.openai.com, api.anthropic.com]",
        None,
        "Hosts beyond this machine that may be sent what was said; names below them count too. Always over https.",
    ),
    key(
        "models.allow_private",
        Kind::Bool,
        "false",
        None,
        "Whether servers at addresses of private networks (10.x, 172.16.x, 192.168.x, fc00::) may be sent what was said, without TLS too.",
    ),
    key(
        "models.tokens_per_day",
        Kind::Integer,
        "2000000",
        None,
        "Most tokens a UTC day, sent and received, all servers together. What is beyond waits for the next day, and the embedded analyst stands in. 0: no limit.",
    ),
    key(
        "models.cost_per_day",
        Kind::Float,
        "0.0",
        None,
        "Most that a UTC day may cost, in the currency of the prices below. 0: no limit.",
    ),
    key(
        "models.kinds",
        Kind::Path,
        "null",
        None,
        "Directory of further kinds of analysis, one Markdown file each. None: analyses in the data directory.",
    ),
    key(
        "models.servers.*.api",
        Kind::Enum(&["openai", "anthropic"]),
        "openai",
        None,
        "Which API the server speaks: `openai` is chat completions (OpenAI, llama.cpp, Ollama, vLLM, LM Studio and most others), `anthropic` is Anthropic's messages.",
    ),
    key(
        "models.servers.*.url",
        Kind::Url,
        "null",
        None,
        "Address up to and including the version, such as http://127.0.0.1:8081/v1. Plain http only to this machine, and to private networks if allowed.",
    ),
    key(
        "models.servers.*.model",
        Kind::Text,
        "null",
        None,
        "The model's name as the server knows it. Results are kept by it.",
    ),
    key(
        "models.servers.*.key",
        Kind::Secret,
        "null",
        None,
        "The key that the server wants; none if it wants none.",
    ),
    key(
        "models.servers.*.structured",
        Kind::Enum(&["auto", "json_schema", "tool", "json_object", "prompt"]),
        "auto",
        None,
        "How the server is asked for JSON: by a schema, by a tool's input, by a promise of some JSON, or in the prompt only. A server that refuses one is asked the next. `auto`: json_schema for openai, tool for anthropic.",
    ),
    key(
        "models.servers.*.token_parameter",
        Kind::Enum(&["max_tokens", "max_completion_tokens"]),
        "max_tokens",
        None,
        "What the parameter is called that bounds an answer. OpenAI's newer models want max_completion_tokens.",
    ),
    key(
        "models.servers.*.temperature",
        Kind::Bool,
        "true",
        None,
        "Whether a temperature (0) is sent. Reasoning models refuse one.",
    ),
    key(
        "models.servers.*.seed",
        Kind::Bool,
        "false",
        None,
        "Whether a seed is sent, for servers that know it.",
    ),
    key(
        "models.servers.*.context_tokens",
        Kind::Integer,
        "8192",
        None,
        "Tokens that prompt and answer may have together. Ollama cuts longer prompts without a word, so write what it was started with.",
    ),
    key(
        "models.servers.*.output_tokens",
        Kind::Integer,
        "2048",
        None,
        "Tokens that one answer may have.",
    ),
    key(
        "models.servers.*.parallel",
        Kind::Integer,
        "2",
        None,
        "Requests at once from this process.",
    ),
    key(
        "models.servers.*.timeout_seconds",
        Kind::Integer,
        "120",
        None,
        "How long one request may take, in seconds.",
    ),
    key(
        "models.servers.*.redact",
        Kind::Bool,
        "false",
        None,
        "Whether names of people, e-mail addresses and numbers of five and more digits are replaced before anything is sent, and put back in what comes.",
    ),
    key(
        "models.servers.*.price_in",
        Kind::Float,
        "0.0",
        None,
        "Price of a million tokens sent, for models.cost_per_day.",
    ),
    key(
        "models.servers.*.price_out",
        Kind::Float,
        "0.0",
        None,
        "Price of a million tokens received, for models.cost_per_day.",
    ),
    key(
        "smtp.host",
        Kind::Text,
        "null",
        None,
        "Name of the mail server. None: mails are kept in `mail` in the data directory and shown in the console.",
    ),
    key(
        "smtp.port",
        Kind::Integer,
        "587",
        None,
        "Port of the mail server: 587 with `starttls`, 465 with `tls`.",
    ),
    key(
        "smtp.security",
        Kind::Enum(&["starttls", "tls", "none"]),
        "starttls",
        None,
        "How the connection is encrypted: `starttls` after a greeting, and only if the server offers it; `tls` from the first byte; `none` for a server on this machine only.",
    ),
    key(
        "smtp.username",
        Kind::Text,
        "null",
        None,
        "The name to log in with. None: no login.",
    ),
    key(
        "smtp.password",
        Kind::Secret,
        "null",
        None,
        "The password to log in with.",
    ),
    key(
        "smtp.from",
        Kind::Text,
        "Parfocal <meetings@localhost>",
        None,
        "Who the mails are from: `Name <address>` or an address.",
    ),
    key(
        "smtp.ca_file",
        Kind::Path,
        "null",
        None,
        "A file with certificates (PEM) of authorities that are believed, beside those of the system.",
    ),
    key(
        "smtp.timeout_seconds",
        Kind::Integer,
        "30",
        None,
        "How long the mail server may take for one mail, in seconds.",
    ),
    key(
        "smtp.language",
        Kind::Enum(&["en", "de", "fr", "es", "pt", "ja"]),
        "en",
        None,
        "The language of mails to people whose own is not known from Zoom.",
    ),
    key(
        "reminders.grace_minutes",
        Kind::Integer,
        "5",
        None,
        "How long after a meeting's start a reminder that could not leave in time still leaves, in minutes.",
    ),
    key(
        "reminders.webhook_url",
        Kind::Url,
        "null",
        None,
        "Where reminders by webhook are sent, signed by the rules of Standard Webhooks.",
    ),
    key(
        "reminders.webhook_secret",
        Kind::Secret,
        "null",
        None,
        "The secret that signs reminders by webhook: `whsec_` and base64 of 24 bytes or more.",
    ),
    key(
        "clock.file",
        Kind::Path,
        "null",
        None,
        "A simulator's clock file to follow. None: the machine's clock. For tests and demonstrations.",
    ),
    key(
        "log.filter",
        Kind::Text,
        "info",
        None,
        "Which messages are logged: a level, or a list such as `info,parfocal_zoom=debug`.",
    ),
    key(
        "log.json",
        Kind::Bool,
        "false",
        None,
        "Whether each log message is one JSON object.",
    ),
];

#[cfg(test)]
mod tests;
