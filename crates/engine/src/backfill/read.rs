//! What a backfill asks Zoom, each question in one place.
//!
//! Answers are handed on as Zoom wrote them: [`crate::ingest`] reads them leniently and keeps what it does not know.

use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use parfocal_zoom::api::{
    Asked, DateWindow, HistoryKind, ListMeetings, RegistrantStatus, UserStatus,
};
use parfocal_zoom::id::{MeetingNumber, MeetingUuid, UserId};
use parfocal_zoom::{Client, Error, ErrorKind, Page, Pages, Result};
use serde_json::Value;

use super::Window;

/// A page of a list, as Zoom wrote it.
#[derive(Debug)]
pub(crate) struct RawPage {
    /// The entries.
    pub items: Vec<Value>,
    /// Whether there is another page.
    pub more: bool,
}

/// A list, page by page.
pub(crate) type RawPages = BoxStream<'static, Result<RawPage>>;

/// Questions to one account.
#[derive(Debug, Clone)]
pub(crate) struct Reader(Client);

impl Reader {
    /// Asks through this client.
    pub(crate) fn new(client: Client) -> Self {
        Self(client)
    }

    /// Users of a status.
    pub(crate) fn users(&self, status: &str) -> RawPages {
        let status = UserStatus::ALL
            .into_iter()
            .find(|known| known.as_str() == status)
            .unwrap_or_default();
        raw(self.0.users().list(status))
    }

    /// Scheduled meetings of a user.
    pub(crate) fn meetings(&self, user: &str) -> RawPages {
        raw(self
            .0
            .meetings()
            .list(&UserId::new(user), ListMeetings::default()))
    }

    /// A series with all its settings.
    pub(crate) async fn meeting(&self, number: &str) -> Result<Value> {
        Ok(self.0.meetings().get(parse_number(number)?).await?.raw)
    }

    /// Instances of the whole account in a window.
    pub(crate) fn history(&self, window: Window) -> RawPages {
        raw(self
            .0
            .reports()
            .history_meetings(dates(window), HistoryKind::All))
    }

    /// Instances of one host in a window.
    pub(crate) fn reports(&self, user: &str, window: Window) -> RawPages {
        raw(self
            .0
            .reports()
            .user_meetings(&UserId::new(user), dates(window)))
    }

    /// Every instance of a number; this list has no pages.
    pub(crate) async fn instances(&self, number: &str) -> Result<Vec<Value>> {
        let list = self
            .0
            .past_meetings()
            .instances(parse_number(number)?)
            .await?;
        Ok(list
            .iter()
            .filter_map(|instance| serde_json::to_value(instance).ok())
            .collect())
    }

    /// Real times and head count of an instance.
    pub(crate) async fn past_meeting(&self, uuid: &str) -> Result<Value> {
        Ok(self.0.past_meetings().get(parse_uuid(uuid)?).await?.raw)
    }

    /// Who took part in an instance.
    pub(crate) fn participants(&self, uuid: &str, webinar: bool) -> Result<RawPages> {
        let uuid = parse_uuid(uuid)?;
        Ok(if webinar {
            raw(self.0.webinars().past_participants(&uuid))
        } else {
            raw(self.0.past_meetings().participants(&uuid))
        })
    }

    /// What people answered in polls or asked during an instance.
    pub(crate) async fn answers(&self, uuid: &str, webinar: bool, asked: Asked) -> Result<Value> {
        let uuid = parse_uuid(uuid)?;
        Ok(if webinar {
            self.0.webinars().answers(&uuid, asked).await?.raw
        } else {
            self.0.past_meetings().answers(&uuid, asked).await?.raw
        })
    }

    /// Recordings of a host in a window, with their files.
    pub(crate) fn recordings(&self, user: &str, window: Window) -> RawPages {
        raw(self.0.recordings().list(&UserId::new(user), dates(window)))
    }

    /// The recording of an instance, with its files.
    pub(crate) async fn recording(&self, uuid: &str) -> Result<Value> {
        Ok(self.0.recordings().get(parse_uuid(uuid)?).await?.raw)
    }

    /// Which meetings of a window have a summary.
    pub(crate) fn summaries(&self, window: Window) -> RawPages {
        raw(self.0.summaries().list(dates(window)))
    }

    /// The summary of an instance.
    pub(crate) async fn summary(&self, uuid: &str) -> Result<Value> {
        Ok(self.0.summaries().get(&parse_uuid(uuid)?).await?.raw)
    }

    /// Registrations of a series by status.
    pub(crate) fn registrants(&self, number: &str, status: &str) -> Result<RawPages> {
        let status = match status {
            "pending" => RegistrantStatus::Pending,
            "denied" => RegistrantStatus::Denied,
            _ => RegistrantStatus::Approved,
        };
        Ok(raw(self
            .0
            .registrants()
            .list(parse_number(number)?, status)))
    }
}

fn raw<T: Send + 'static>(pages: Pages<T>) -> RawPages
where
    Pages<T>: futures_util::Stream<Item = Result<Page<T>>>,
{
    pages
        .map(|page| {
            page.map(|page| RawPage {
                items: page.items.into_iter().map(|item| item.raw).collect(),
                more: page.has_more,
            })
        })
        .boxed()
}

fn dates(window: Window) -> DateWindow {
    DateWindow {
        from: window.from,
        to: window.to,
    }
}

fn parse_number(number: &str) -> Result<MeetingNumber> {
    number
        .parse()
        .map_err(|error: parfocal_zoom::id::InvalidId| invalid(&error.to_string()))
}

fn parse_uuid(uuid: &str) -> Result<MeetingUuid> {
    MeetingUuid::new(uuid).map_err(|error| invalid(&error.to_string()))
}

fn invalid(message: &str) -> Error {
    Error::new(ErrorKind::InvalidRequest, message)
}
