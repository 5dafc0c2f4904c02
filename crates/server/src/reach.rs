//! The meetings that a caller may see.

use jiff::Timestamp;
use parfocal_engine::keys::{Caller, Sight};
use parfocal_engine::store::{
    AccountId, InsightFilter, InsightRow, Instance, InstanceFilter, InstanceId, InstanceSummary,
    PageRequest, Transcript, TranscriptId,
};
use parfocal_engine::{App, EngineError, transcripts, understand};

/// Meetings looked at for statements when not all may be seen.
const MEETINGS: u32 = 100;

/// A door to the meetings of the accounts that a caller may see.
pub(crate) struct Reach<'a> {
    pub(crate) app: &'a App,
    sight: Sight,
}

/// Which statements are wanted.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted<'w> {
    pub(crate) kind: &'w str,
    pub(crate) owner: Option<&'w str>,
    pub(crate) meeting: Option<InstanceId>,
    pub(crate) topic: Option<&'w str>,
    pub(crate) since: Option<Timestamp>,
}

impl<'a> Reach<'a> {
    /// Finds out what a caller may see.
    pub(crate) async fn of(app: &'a App, caller: &Caller) -> Result<Self, EngineError> {
        Ok(Self {
            app,
            sight: Sight::of(app, caller).await?,
        })
    }

    /// The accounts whose meetings may be seen; none: all.
    pub(crate) fn accounts(&self) -> Option<&[AccountId]> {
        self.sight.accounts()
    }

    /// Refuses what belongs to an account that may not be seen.
    pub(crate) fn allows(&self, account: AccountId) -> Result<(), EngineError> {
        self.sight.allows(account)
    }

    /// A meeting by our id, Zoom's UUID or its number (then the latest one).
    pub(crate) async fn find(&self, which: &str) -> Result<Instance, EngineError> {
        let found = transcripts::find_instance(self.app, which).await?;
        self.sight.allows(found.account_id)?;
        Ok(found)
    }

    /// A meeting by whatever a person says: an id, a number, or words of its topic (then the latest one, first of all one
    /// with a transcript).
    pub(crate) async fn meant(&self, which: &str) -> Result<Instance, EngineError> {
        let unknown = match self.find(which).await {
            Err(error) if error.kind() == parfocal_engine::Kind::NotFound => error,
            found => return found,
        };
        for has_transcript in [Some(true), None] {
            let filter = InstanceFilter {
                topic: Some(which.trim().to_owned()),
                has_transcript,
                ..InstanceFilter::default()
            };
            if let Some(found) = self.meetings(&filter, 1, None).await?.0.into_iter().next() {
                return Ok(found.instance);
            }
        }
        Err(unknown.with_hint(
            "Give our id, Zoom's UUID, a meeting number or words of the topic; resources/list shows the latest meetings.",
        ))
    }

    /// A transcript with its meeting.
    pub(crate) async fn transcript(
        &self,
        which: &str,
    ) -> Result<(Transcript, Instance), EngineError> {
        let unknown = || EngineError::not_found("transcript", which);
        let id: TranscriptId = which.parse().map_err(|_| unknown())?;
        let (store, scope) = (self.app.store(), self.app.scope());
        let transcript = store.transcript(scope, id).await?.ok_or_else(unknown)?;
        let instance = store
            .instance(scope, transcript.instance_id)
            .await?
            .ok_or_else(unknown)?;
        self.sight.allows(instance.account_id)?;
        Ok((transcript, instance))
    }

    /// Meetings, the latest first, one account after the other where not all may be seen; and where the next piece begins.
    pub(crate) async fn meetings(
        &self,
        filter: &InstanceFilter,
        limit: u32,
        after: Option<&str>,
    ) -> Result<(Vec<InstanceSummary>, Option<String>), EngineError> {
        let accounts: Vec<Option<AccountId>> = match self.sight.accounts() {
            None => vec![None],
            Some(some) => some.iter().copied().map(Some).collect(),
        };
        let (mut at, mut key) = match after {
            None => (0, None),
            Some(after) => {
                let (at, key) = after.split_once('.').unwrap_or((after, ""));
                let at = at
                    .parse::<usize>()
                    .map_err(|_| EngineError::invalid("this is no place in this list"))?;
                (at, Some(key.to_owned()).filter(|key| !key.is_empty()))
            }
        };
        let mut found: Vec<InstanceSummary> = Vec::new();
        while let Some(account) = accounts.get(at) {
            let room = limit.saturating_sub(u32::try_from(found.len()).unwrap_or(limit));
            if room == 0 {
                return Ok((found, Some(format!("{at}.{}", key.unwrap_or_default()))));
            }
            let filter = InstanceFilter {
                account: *account,
                ..filter.clone()
            };
            let page = PageRequest {
                limit: room,
                after: key.take(),
            };
            let page = self
                .app
                .store()
                .instances(self.app.scope(), &filter, &page)
                .await?;
            found.extend(page.items);
            key = page.next;
            if key.is_none() {
                at += 1;
            }
        }
        Ok((found, None))
    }

    /// Statements that fit, those of the latest meetings first; where not all may be seen, of the latest meetings that may.
    pub(crate) async fn insights(
        &self,
        filter: &InsightFilter<'_>,
        limit: u32,
    ) -> Result<Vec<InsightRow>, EngineError> {
        if filter.instance.is_some() || self.sight.accounts().is_none() {
            return understand::statements(self.app, filter, limit).await;
        }
        let held = InstanceFilter {
            has_transcript: Some(true),
            ..InstanceFilter::default()
        };
        let mut rows = Vec::new();
        let most = usize::try_from(limit).unwrap_or(usize::MAX);
        for meeting in self.meetings(&held, MEETINGS, None).await?.0 {
            let filter = InsightFilter {
                instance: Some(meeting.instance.id),
                ..*filter
            };
            rows.extend(understand::statements(self.app, &filter, limit).await?);
            if rows.len() >= most {
                break;
            }
        }
        rows.truncate(most);
        Ok(rows)
    }

    /// Statements across the meetings, those of the latest meetings first, at most `limit`.
    pub(crate) async fn statements(
        &self,
        wanted: Wanted<'_>,
        limit: usize,
    ) -> Result<Vec<InsightRow>, EngineError> {
        let filter = |instance| InsightFilter {
            kind: Some(wanted.kind),
            owner: wanted.owner,
            instance,
        };
        let mut rows = Vec::new();
        if wanted.meeting.is_some() || self.sight.accounts().is_none() {
            let filter = filter(wanted.meeting);
            rows = understand::statements(self.app, &filter, understand::MOST_STATEMENTS).await?;
        } else {
            let held = InstanceFilter {
                has_transcript: Some(true),
                from: wanted.since,
                ..InstanceFilter::default()
            };
            for meeting in self.meetings(&held, MEETINGS, None).await?.0 {
                let filter = filter(Some(meeting.instance.id));
                rows.extend(
                    understand::statements(self.app, &filter, understand::MOST_STATEMENTS).await?,
                );
            }
        }
        let topic = wanted.topic.map(str::to_lowercase);
        rows.retain(|row| {
            let late_enough = wanted
                .since
                .is_none_or(|since| row.start.is_some_and(|start| start >= since));
            let fits = topic.as_ref().is_none_or(|topic| {
                row.text.to_lowercase().contains(topic)
                    || row.quote.to_lowercase().contains(topic)
                    || row
                        .topic
                        .as_ref()
                        .is_some_and(|of| of.to_lowercase().contains(topic))
            });
            late_enough && fits
        });
        rows.truncate(limit);
        Ok(rows)
    }
}
