//! The register: every component.

use super::setting::{Setting, SettingKind};
use super::{Component, tasks};
use crate::connections::Feature;
use crate::jobs::JobKind;

/// Every component. A later capability adds its entry here and nowhere else.
pub static ALL: &[Component] = &[
    Component {
        name: "webhooks",
        about: "Takes Zoom's events in at /webhooks/zoom.",
        on_at_first: true,
        needs: &["ingest"],
        needs_setting: &["zoom.webhook_secret_token"],
        reached_from_outside: true,
        settings: &[Setting {
            key: "secret_token",
            about: "The secret token of the app's Feature page at Zoom; kept in the vault.",
            kind: SettingKind::Secret,
            stands_for: Some("zoom.webhook_secret_token"),
        }],
        routes: &["/webhooks"],
        ..Component::BARE
    },
    Component {
        name: "ingest",
        about: "Keeps meetings, recordings and transcripts of the connected accounts.",
        on_at_first: true,
        needs_account: true,
        feature: Some(Feature::Ingest),
        wants_recordings: true,
        routes: &[
            "/v1/meetings",
            "/v1/recordings",
            "/v1/transcripts",
            "/v1/files",
            "/v1/backfills",
        ],
        jobs: &[
            JobKind::EventRoute,
            JobKind::InstanceRefresh,
            JobKind::ParticipantsFetch,
            JobKind::RecordingRefresh,
            JobKind::FileFetch,
            JobKind::SummaryFetch,
            JobKind::InteractionsFetch,
            JobKind::TranscriptParse,
            JobKind::MeetingRefresh,
            JobKind::BackfillSlice,
            JobKind::BackfillReport,
            JobKind::BackfillFinish,
        ],
        ..Component::BARE
    },
    Component {
        name: "search",
        about: "Finds what was said and written.",
        on_at_first: true,
        needs: &["ingest"],
        routes: &["/v1/search", "/search"],
        ..Component::BARE
    },
    Component {
        name: "understanding",
        about: "Tells what meetings were about, what was decided and who owes what.",
        on_at_first: true,
        needs: &["ingest"],
        wants_recordings: true,
        routes: &["/v1/insights", "/v1/action-items"],
        jobs: &[JobKind::TranscriptAnalyze],
        tasks: &[tasks::CATCH_UP],
        ..Component::BARE
    },
    Component {
        name: "ask",
        about: "Answers questions over all meetings, with the best passages or a language model.",
        on_at_first: true,
        needs: &["search"],
        routes: &["/v1/ask"],
        ..Component::BARE
    },
    Component {
        name: "models",
        about: "Has the configured language model analyse meetings and answer; the embedded analyst does without.",
        on_at_first: true,
        at_first_if: Some(|config| {
            config.models.in_use().is_some() || crate::models::makes_vectors(config)
        }),
        needs: &["understanding"],
        needs_setting: &["models.use"],
        routes: &["/v1/models"],
        jobs: &[JobKind::TranscriptModel, JobKind::TranscriptEmbed],
        ..Component::BARE
    },
    Component {
        name: "actions",
        about: "Reaches into Zoom by name, over HTTP and on the command line.",
        on_at_first: true,
        needs_account: true,
        feature: Some(Feature::Actions),
        settings: &[Setting {
            key: "changes",
            about: "Whether actions may change anything at Zoom, or only read.",
            kind: SettingKind::Choice(&["allowed", "refused"]),
            stands_for: None,
        }],
        routes: &["/v1/actions", "/v1/manifest"],
        ..Component::BARE
    },
    Component {
        name: "scheduling",
        about: "Schedules meetings with their calendar events, invitations and reminders.",
        needs_account: true,
        feature: Some(Feature::Actions),
        routes: &[
            "/v1/schedules",
            "/v1/availability",
            "/v1/calendars",
            "/schedule",
        ],
        jobs: &[
            JobKind::ScheduleAdvance,
            JobKind::ScheduleFollow,
            JobKind::RegistrantsSync,
        ],
        tasks: &[crate::schedule::attendees::LOOKER],
        ..Component::BARE
    },
    Component {
        name: "mcp",
        about: "Tools, meetings and questions for language models at /mcp.",
        needs: &["actions"],
        routes: &["/mcp", "/.well-known/oauth-protected-resource"],
        ..Component::BARE
    },
    Component {
        name: "mail",
        about: "Writes to people by mail: invitations, changes, cancellations; and takes their answers.",
        writes_mail: true,
        routes: &["/v1/mail", "/v1/responses", "/rsvp", "/mail"],
        ..Component::BARE
    },
    Component {
        name: "mailbox",
        about: "Reads the answers that people's calendars send back by mail out of a mailbox (IMAP).",
        needs: &["mail"],
        needs_setting: &["imap.host"],
        reads_mail: true,
        jobs: &[JobKind::MailboxFetch],
        tasks: &[crate::notify::mailbox::LOOKER],
        ..Component::BARE
    },
    Component {
        name: "reminders",
        about: "Reminds people of meetings before they begin.",
        needs: &["scheduling", "mail"],
        routes: &["/v1/reminders"],
        jobs: &[JobKind::ReminderSend],
        tasks: &[crate::notify::reminders::LOOKER],
        ..Component::BARE
    },
    Component {
        name: "calendar-google",
        about: "Writes meetings to Google Calendar, and sees what changes there.",
        needs: &["scheduling"],
        routes: &["/push/google"],
        jobs: &[JobKind::GoogleSync],
        tasks: &[crate::calendar::work::GOOGLE],
        calendar: Some("google"),
        ..Component::BARE
    },
    Component {
        name: "calendar-microsoft",
        about: "Writes meetings to calendars of Microsoft 365, and sees what changes there.",
        needs: &["scheduling"],
        routes: &["/push/microsoft"],
        jobs: &[JobKind::MicrosoftSync],
        tasks: &[crate::calendar::work::MICROSOFT],
        calendar: Some("microsoft"),
        ..Component::BARE
    },
    Component {
        name: "calendar-caldav",
        about: "Writes meetings to calendars of CalDAV servers, and sees what changes there.",
        needs: &["scheduling"],
        jobs: &[JobKind::CaldavSync],
        tasks: &[crate::calendar::work::CALDAV],
        calendar: Some("caldav"),
        ..Component::BARE
    },
    Component {
        name: "calendar-feed",
        about: "Offers scheduled meetings as a calendar to subscribe to, at a secret address.",
        needs: &["scheduling"],
        routes: &["/calendar"],
        ..Component::BARE
    },
    Component {
        name: "activation",
        about: "Carries what happened to other systems: signed webhooks, and whatever destinations there are.",
        needs: &["ingest"],
        routes: &[
            "/v1/destinations",
            "/v1/deliveries",
            "/v1/streams",
            "/v1/people",
            "/destinations",
            "/deliveries",
            "/people",
        ],
        tasks: &[crate::activate::TASK],
        ..Component::BARE
    },
    Component {
        name: "brevo",
        about: "Sends people, lists, events and mails of what happened in meetings to Brevo, as a mapping says.",
        needs: &["activation"],
        delivers_to: Some("brevo"),
        ..Component::BARE
    },
    Component {
        name: "zoomapp",
        about: "Runs inside Zoom's client: the panel of a meeting, and calls to Zoom on behalf of whoever has it open.",
        needs: &["webhooks"],
        in_client: true,
        settings: &[
            Setting {
                key: "app",
                about: "The app with a client secret that it runs under; none: the only one.",
                kind: SettingKind::Text(""),
                stands_for: None,
            },
            Setting {
                key: "allow",
                about: "Calls that pages may make through the proxy beside those of the panel, as METHOD /path, separated by commas.",
                kind: SettingKind::Text(""),
                stands_for: None,
            },
            Setting {
                key: "challenge",
                about: "How the challenge of a sign-in inside Zoom's client is made when the page does not say.",
                kind: SettingKind::Choice(&["S256", "plain"]),
                stands_for: None,
            },
        ],
        routes: &["/zoomapp", "/api/zoomapp", "/zoom/api"],
        ..Component::BARE
    },
    Component {
        name: "console",
        about: "The pages for people.",
        on_at_first: true,
        routes: &["/"],
        ..Component::BARE
    },
];
