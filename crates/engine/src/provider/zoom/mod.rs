//! Zoom as a meeting provider, through the client and the shared budget of a connection.
//!
//! Zoom has no idempotency key: what is made carries the plan's key in the first line of its agenda, by which it is found again
//! (reference: meetings, create). Occurrences are ids of their starts and change with them.

mod links;
mod registrants;

use std::time::Duration;

use jiff::Timestamp;
use parfocal_formats::recurrence::{Unsupported, ZoomLimits};
use parfocal_store::AppKind;
use parfocal_zoom::api::{
    Adoption, DeleteMeeting, GetMeeting, ListMeetings, Meeting, NewMeeting, UpdateMeeting,
    meeting_type,
};
use parfocal_zoom::download::{Download, Expect};
use parfocal_zoom::id::{MeetingNumber, OccurrenceId, UserId};
use parfocal_zoom::{Client, ErrorKind};

use super::{
    Answering, Capabilities, Identity, MeetingChange, MeetingPlan, MeetingProvider, MeetingState,
    OccurrenceState, ProviderMeeting, ProviderOccurrence, ProviderParticipant, ProviderRecording,
    ProviderRecordingFile, ProviderRegistrant, ProviderTranscript,
};
pub(super) use links::deep_links;

use crate::App;
use crate::error::{Code, EngineError, Result};

/// The name it is registered under.
pub(super) const NAME: &str = "zoom";
/// Most people of one meeting that are read.
const PARTICIPANTS: usize = 10_000;
/// Most meetings of a host that are read.
const MEETINGS: usize = 3_000;

/// One Zoom account, through one connection.
#[derive(Debug)]
pub(super) struct ZoomProvider {
    app: App,
    client: Client,
    account: String,
    name: String,
    needs_host: bool,
}

impl ZoomProvider {
    /// Opens the connection of that name or id, or the only one that works.
    pub(super) async fn open(app: App, account: Option<&str>) -> Result<Self> {
        let connection = crate::actions::connection_for(&app, account).await?;
        let client = app.connections().client(&connection).await?;
        let kind = app
            .store()
            .app(app.scope(), connection.app_id)
            .await?
            .map(|app| app.kind);
        Ok(Self {
            client,
            account: connection.id.to_string(),
            name: connection.name,
            needs_host: kind == Some(AppKind::ServerToServer),
            app,
        })
    }

    fn host(&self, host: Option<&str>) -> Result<UserId> {
        match host.map(str::trim).filter(|host| !host.is_empty()) {
            Some(host) => Ok(UserId::new(host)),
            None if self.needs_host => Err(EngineError::invalid(
                "a server-to-server connection belongs to no user, so the host has to be named",
            )
            .with_hint("Name the host by e-mail address; `parfocal action run user.list` shows who there is.")),
            None => Ok(UserId::me()),
        }
    }

    async fn whole(&self, id: &str) -> Result<Option<Meeting>> {
        let options = GetMeeting {
            previous_occurrences: true,
            ..GetMeeting::default()
        };
        match self.client.meetings().get_with(number(id)?, options).await {
            Ok(reply) => Ok(Some(reply.into_value())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failure(error)),
        }
    }
}

fn number(id: &str) -> Result<MeetingNumber> {
    id.parse()
        .map_err(|_| EngineError::invalid(format!("{id:?} is not a meeting number of Zoom")))
}

fn failure(error: parfocal_zoom::Error) -> EngineError {
    let quota = error.kind() == ErrorKind::Quota;
    let retry_at = error.retry_at();
    let built = EngineError::from(error);
    if quota {
        built.recoded(Code::HostQuota).with_retry_at(retry_at)
    } else {
        built
    }
}

fn marker(key: &str) -> String {
    format!("[ref {key}]")
}

fn marked(agenda: Option<&str>, key: &str) -> String {
    match agenda {
        Some(agenda) => format!("{}\n{agenda}", marker(key)),
        None => marker(key),
    }
}

/// The recurrence in Zoom's words, when the plan has one.
fn recurrence(plan: &MeetingPlan) -> Result<Option<serde_json::Value>, Unsupported> {
    let refuse = |part, reason: String| Unsupported {
        system: "Zoom",
        part,
        reason,
    };
    let Some(of_plan) = plan.recurrence.as_ref().filter(|_| !plan.open) else {
        return Ok(None);
    };
    if !of_plan.added.is_empty() {
        return Err(refuse(
            "RDATE",
            "a series has no starts beside its rule; make single meetings of them".into(),
        ));
    }
    let (_, series) = plan
        .series()
        .map_err(|error| refuse("RRULE", error.to_string()))?;
    let Some(series) = series else {
        return Ok(None);
    };
    let object = series.to_zoom(ZoomLimits::default())?;
    let value = serde_json::to_value(object).map_err(|error| refuse("RRULE", error.to_string()))?;
    Ok(Some(value))
}

fn body(plan: &MeetingPlan) -> Result<NewMeeting> {
    let rule = recurrence(plan).map_err(|error| EngineError::invalid(error.to_string()))?;
    let kind = match (&rule, plan.open) {
        (_, true) => meeting_type::RECURRING_NO_TIME,
        (Some(_), false) => meeting_type::RECURRING,
        (None, false) => meeting_type::SCHEDULED,
    };
    let mut meeting = NewMeeting {
        kind: Some(kind),
        agenda: Some(marked(plan.agenda.as_deref(), &plan.key)),
        ..NewMeeting::new(plan.title.clone())
    };
    if !plan.open {
        meeting.start_time = Some(local(plan.start));
        meeting.duration = Some(i64::from(plan.minutes));
        meeting.timezone = Some(plan.zone.clone());
    }
    if let Some(rule) = rule {
        meeting.further.insert("recurrence".to_owned(), rule);
    }
    if let Some(registration) = plan.registration {
        let settings = registrants::settings(registration);
        meeting.further.insert("settings".to_owned(), settings);
    }
    Ok(meeting)
}

fn local(at: jiff::civil::DateTime) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn meeting(of: Meeting) -> Result<ProviderMeeting> {
    let id = of
        .id
        .ok_or_else(|| EngineError::new(Code::ZoomRefused, "Zoom gave a meeting without a number"))?
        .to_string();
    Ok(ProviderMeeting {
        id,
        join_url: of
            .join_url
            .map(parfocal_zoom::Hidden::into_exposed)
            .unwrap_or_default(),
        title: of.topic.unwrap_or_default(),
        agenda: of.agenda,
        start: of.start_time,
        minutes: of.duration.and_then(|minutes| u32::try_from(minutes).ok()),
        zone: of.timezone,
        host: of.host_id.map(|host| host.as_str().to_owned()),
        state: match of.status.as_deref() {
            Some("started") => Some(MeetingState::Started),
            Some("waiting") => Some(MeetingState::Waiting),
            _ => None,
        },
        created: of.created_at,
        occurrences: of
            .occurrences
            .into_iter()
            .filter_map(|one| {
                Some(ProviderOccurrence {
                    id: one.occurrence_id?.as_str().to_owned(),
                    start: one.start_time?,
                    minutes: u32::try_from(one.duration.unwrap_or(0)).unwrap_or(0),
                    state: if one.status.as_deref() == Some("deleted") {
                        OccurrenceState::Deleted
                    } else {
                        OccurrenceState::Available
                    },
                })
            })
            .collect(),
    })
}

impl MeetingProvider for ZoomProvider {
    fn provider_name(&self) -> &str {
        NAME
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            most_occurrences: u32::from(ZoomLimits::default().times),
            single_occurrences: true,
            registration: true,
            // Longer than a request may be under way; lists show a new meeting at once or a little late.
            settles: Duration::from_mins(1),
        }
    }

    fn check(&self, plan: &MeetingPlan) -> Result<(), Unsupported> {
        recurrence(plan)?;
        Ok(())
    }

    fn authenticate(&self) -> Answering<'_, Identity> {
        Box::pin(async {
            // A page of one user needs nothing but the credentials.
            let mut users = self
                .client
                .users()
                .list(parfocal_zoom::api::UserStatus::Active)
                .items();
            let first = futures_util::TryStreamExt::try_next(&mut users)
                .await
                .map_err(failure)?;
            drop(first);
            Ok(Identity {
                account: self.account.clone(),
                name: Some(self.name.clone()),
            })
        })
    }

    fn create<'a>(&'a self, plan: &'a MeetingPlan) -> Answering<'a, ProviderMeeting> {
        Box::pin(async move {
            let host = self.host(plan.host.as_deref())?;
            let reply = self
                .client
                .meetings()
                .create(&host, &body(plan)?)
                .await
                .map_err(failure)?;
            meeting(reply.into_value())
        })
    }

    fn find<'a>(
        &'a self,
        plan: &'a MeetingPlan,
        since: Timestamp,
    ) -> Answering<'a, Option<ProviderMeeting>> {
        Box::pin(async move {
            let host = self.host(plan.host.as_deref())?;
            let how = Adoption {
                marker: Some(marker(&plan.key)),
                looks: 1,
                ..Adoption::default()
            };
            let meetings = self.client.meetings();
            match meetings
                .find_created(&host, &body(plan)?, &how, since)
                .await
            {
                Ok(reply) => meeting(reply.into_value()).map(Some),
                Err(error)
                    if error.kind() == ErrorKind::NeedsPerson && error.candidates().is_empty() =>
                {
                    Ok(None)
                }
                Err(error) => Err(failure(error)),
            }
        })
    }

    fn get<'a>(&'a self, id: &'a str) -> Answering<'a, Option<ProviderMeeting>> {
        Box::pin(async move { self.whole(id).await?.map(meeting).transpose() })
    }

    fn update<'a>(
        &'a self,
        id: &'a str,
        occurrence: Option<&'a str>,
        change: &'a MeetingChange,
    ) -> Answering<'a, ()> {
        Box::pin(async move {
            let mut body = NewMeeting {
                start_time: change.start.map(local),
                duration: change.minutes.map(i64::from),
                timezone: change.zone.clone(),
                ..NewMeeting::default()
            };
            if occurrence.is_none() {
                body.topic.clone_from(&change.title);
                if let Some(key) = &change.key {
                    body.agenda = Some(marked(change.agenda.as_deref(), key));
                }
                if let (Some(rule), Some(start), Some(zone)) =
                    (&change.recurrence, change.start, &change.zone)
                {
                    let plan = MeetingPlan {
                        key: String::new(),
                        host: None,
                        title: String::new(),
                        agenda: None,
                        start,
                        zone: zone.clone(),
                        minutes: change.minutes.unwrap_or(60),
                        recurrence: Some(rule.clone()),
                        open: false,
                        registration: None,
                    };
                    let rule = recurrence(&plan)
                        .map_err(|error| EngineError::invalid(error.to_string()))?;
                    if let Some(rule) = rule {
                        body.further.insert("recurrence".to_owned(), rule);
                    }
                }
            }
            let options = UpdateMeeting {
                occurrence: occurrence.map(OccurrenceId::new),
                host: Some(self.host(change.host.as_deref())?),
            };
            self.client
                .meetings()
                .update(number(id)?, &body, options)
                .await
                .map_err(failure)
        })
    }

    fn delete<'a>(&'a self, id: &'a str, occurrence: Option<&'a str>) -> Answering<'a, ()> {
        Box::pin(async move {
            let options = DeleteMeeting {
                occurrence: occurrence.map(OccurrenceId::new),
                ..DeleteMeeting::default()
            };
            let refused = match self.client.meetings().delete(number(id)?, options).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if refused.kind() == ErrorKind::NotFound {
                return Ok(());
            }
            // Of an occurrence that is gone Zoom only says that the parameter is wrong: look whether it is there.
            if let Some(occurrence) = occurrence {
                let there = self
                    .occurrences(id)
                    .await?
                    .into_iter()
                    .any(|one| one.id == occurrence && one.state == OccurrenceState::Available);
                if !there {
                    return Ok(());
                }
            }
            Err(failure(refused))
        })
    }

    fn list<'a>(&'a self, host: Option<&'a str>) -> Answering<'a, Vec<ProviderMeeting>> {
        Box::pin(async move {
            let host = self.host(host)?;
            let pages = self.client.meetings().list(&host, ListMeetings::default());
            let all = pages.all(MEETINGS).await.map_err(failure)?;
            all.into_iter()
                .map(|reply| meeting(reply.into_value()))
                .collect()
        })
    }

    fn occurrences<'a>(&'a self, id: &'a str) -> Answering<'a, Vec<ProviderOccurrence>> {
        Box::pin(async move {
            let Some(of) = self.whole(id).await? else {
                return Ok(Vec::new());
            };
            let mut all = meeting(of)?.occurrences;
            all.sort_by_key(|one| one.start);
            Ok(all)
        })
    }

    fn registrants<'a>(&'a self, id: &'a str) -> Answering<'a, Vec<ProviderRegistrant>> {
        Box::pin(self.registered(id))
    }

    fn register<'a>(
        &'a self,
        id: &'a str,
        email: &'a str,
        name: Option<&'a str>,
    ) -> Answering<'a, ProviderRegistrant> {
        Box::pin(self.let_in(id, email, name))
    }

    fn unregister<'a>(
        &'a self,
        id: &'a str,
        registrant: &'a ProviderRegistrant,
    ) -> Answering<'a, ()> {
        Box::pin(self.take_back(id, registrant))
    }

    fn participants<'a>(&'a self, id: &'a str) -> Answering<'a, Vec<ProviderParticipant>> {
        Box::pin(async move {
            let instances = self.client.past_meetings().instances(number(id)?).await;
            let instances = match instances {
                Ok(instances) => instances,
                Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(failure(error)),
            };
            let latest = instances
                .into_iter()
                .filter_map(|one| Some((one.start_time?, one.uuid?)))
                .max();
            let Some((_, uuid)) = latest else {
                return Ok(Vec::new());
            };
            let pages = self.client.past_meetings().participants(&uuid);
            let all = pages.all(PARTICIPANTS).await.map_err(failure)?;
            Ok(all
                .into_iter()
                .map(parfocal_zoom::Reply::into_value)
                .map(|one| ProviderParticipant {
                    name: one.name,
                    email: one.user_email.filter(|email| !email.is_empty()),
                    joined: one.join_time,
                    left: one.leave_time,
                })
                .collect())
        })
    }

    fn recording<'a>(&'a self, id: &'a str) -> Answering<'a, Option<ProviderRecording>> {
        Box::pin(async move {
            let found = match self.client.recordings().get(number(id)?).await {
                Ok(reply) => reply.into_value(),
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NoRecording) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(failure(error)),
            };
            Ok(Some(ProviderRecording {
                id: found
                    .uuid
                    .map_or_else(|| id.to_owned(), |uuid| uuid.as_str().to_owned()),
                start: found.start_time,
                files: found
                    .recording_files
                    .into_iter()
                    .filter_map(|file| {
                        Some(ProviderRecordingFile {
                            id: file.id?.as_str().to_owned(),
                            kind: file.file_type?.as_str().to_lowercase(),
                            bytes: file.file_size,
                        })
                    })
                    .collect(),
            }))
        })
    }

    fn transcript<'a>(&'a self, id: &'a str) -> Answering<'a, Option<ProviderTranscript>> {
        Box::pin(async move {
            let found = match self.client.recordings().get(number(id)?).await {
                Ok(reply) => reply.into_value(),
                Err(error)
                    if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NoRecording) =>
                {
                    return Ok(None);
                }
                Err(error) => return Err(failure(error)),
            };
            let file = found.recording_files.iter().find(|file| {
                file.file_type
                    .as_ref()
                    .is_some_and(|kind| kind.as_str() == "TRANSCRIPT")
            });
            let Some(url) = file.and_then(|file| file.download_url.clone()) else {
                return Ok(None);
            };
            let name = format!(
                "transcript-{}.vtt",
                hex::encode(self.app.chance().bytes::<8>())
            );
            let path = self.app.config().data.dir.join(name);
            let download = Download::new(url, Expect::Vtt);
            let fetched = self
                .client
                .downloads()
                .fetch(&download, &path, |_| {})
                .await
                .map_err(failure);
            let read = match fetched {
                Ok(_) => tokio::fs::read(&path).await.map_err(|error| {
                    EngineError::new(Code::FileFailed, format!("{}: {error}", path.display()))
                }),
                Err(error) => Err(error),
            };
            // Whatever came of it, nothing of it stays on the disk.
            let _ = tokio::fs::remove_file(&path).await;
            Ok(Some(ProviderTranscript {
                vtt: String::from_utf8_lossy(&read?).into_owned(),
            }))
        })
    }
}
