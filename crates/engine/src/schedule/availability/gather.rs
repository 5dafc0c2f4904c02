//! Busy times from every calendar that may know them, merged.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;

use crate::App;
use crate::calendar::{Busy, TimeSpan};
use crate::components;
use crate::config::Route;
use crate::error::Result;

/// The calendar that stands for our own store.
const FEED: &str = "feed";
/// What is known of somebody's time.
#[derive(Debug, Clone)]
pub(crate) struct Gathered {
    /// When they are busy; unknown is never free. What was scheduled here is in [`Gathered::ours`].
    pub(crate) busy: Busy,
    /// When they are taken by what was scheduled here.
    pub(crate) ours: Vec<TimeSpan>,
    /// The calendars that were asked for them.
    pub(crate) asked: Vec<String>,
}

impl Route {
    /// As people write it.
    fn shown(&self) -> String {
        match &self.account {
            Some(account) => format!("{}/{account}", self.calendar),
            None => self.calendar.clone(),
        }
    }
}

/// What one calendar answered, or why it did not.
type Told = std::result::Result<BTreeMap<String, Busy>, String>;

/// Asks every calendar that may know these people (addresses in lower case), each once and all at the same time; none may take
/// longer than `patience`.
pub(crate) async fn gather(
    app: &App,
    window: TimeSpan,
    people: &[String],
    patience: Duration,
) -> Result<BTreeMap<String, Gathered>> {
    let everywhere = everywhere(app).await?;
    let mut asked: BTreeMap<&String, (Vec<Route>, bool)> = BTreeMap::new();
    let mut questions: BTreeMap<Route, Vec<String>> = BTreeMap::new();
    for person in people {
        let routes = app.config().availability.routes(person);
        let said = !routes.is_empty();
        let routes = if said { routes } else { everywhere.clone() };
        for route in routes.iter().filter(|route| route.calendar != FEED) {
            questions
                .entry(route.clone())
                .or_default()
                .push(person.clone());
        }
        asked.insert(person, (routes, said));
    }
    let answers: BTreeMap<Route, Told> =
        join_all(questions.into_iter().map(|(route, people)| async move {
            (
                route.clone(),
                ask(app, &route, window, &people, patience).await,
            )
        }))
        .await
        .into_iter()
        .collect();
    let mut ours: BTreeMap<String, Vec<TimeSpan>> = BTreeMap::new();
    let booked = app
        .store()
        .bookings(app.scope(), people, window.from, window.to)
        .await?;
    for one in booked {
        ours.entry(one.person).or_default().push(TimeSpan {
            from: one.start,
            to: one.end,
        });
    }
    Ok(asked
        .into_iter()
        .map(|(person, (routes, said))| {
            let gathered = Gathered {
                busy: merged(person, &routes, said, &answers),
                ours: ours.remove(person).unwrap_or_default(),
                asked: routes.iter().map(Route::shown).collect(),
            };
            (person.clone(), gathered)
        })
        .collect())
}

/// Every calendar that was added and is on.
async fn everywhere(app: &App) -> Result<Vec<Route>> {
    let active = app.components().active().await?;
    let mut routes: Vec<Route> = app
        .calendar_accounts()
        .list()
        .await?
        .into_iter()
        .filter(|account| {
            let component = format!("calendar-{}", account.calendar);
            components::find(&component).is_ok_and(|one| active.has(one.name))
        })
        .map(|account| Route {
            calendar: account.calendar,
            account: Some(account.name),
        })
        .collect();
    routes.sort();
    Ok(routes)
}

async fn ask(
    app: &App,
    route: &Route,
    window: TimeSpan,
    people: &[String],
    patience: Duration,
) -> Told {
    let asking = async {
        let calendar = app
            .calendars()
            .open(app, &route.calendar, route.account.as_deref())
            .await?;
        calendar.busy(window, people).await
    };
    match tokio::time::timeout(patience, asking).await {
        Ok(Ok(told)) => Ok(told),
        Ok(Err(error)) => {
            tracing::warn!(calendar = %route.shown(), %error, "busy times could not be read");
            Err(error.message().to_owned())
        }
        Err(_) => Err(format!("it did not answer within {} s", patience.as_secs())),
    }
}

/// What several calendars know of one person together. Of calendars that somebody named for them (`said`) each has to know; of all
/// there are, one that knows is theirs, but one that could not be asked at all might be too.
fn merged(person: &str, routes: &[Route], said: bool, answers: &BTreeMap<Route, Told>) -> Busy {
    let mut spans: BTreeSet<TimeSpan> = BTreeSet::new();
    let mut known = false;
    let mut reasons: Vec<String> = Vec::new();
    let mut unread = false;
    for route in routes {
        if route.calendar == FEED {
            known = true;
            continue;
        }
        match answers.get(route) {
            Some(Ok(told)) => match told.get(person) {
                Some(Busy::Known(taken)) => {
                    known = true;
                    spans.extend(taken);
                }
                Some(Busy::Unknown { reason }) => {
                    unread |= said;
                    reasons.push(reason.clone());
                }
                None => {
                    unread |= said;
                    reasons.push(format!(
                        "the calendar {} does not speak of them",
                        route.shown()
                    ));
                }
            },
            Some(Err(reason)) => {
                unread = true;
                reasons.push(format!(
                    "the calendar {} cannot be read: {reason}",
                    route.shown()
                ));
            }
            None => unread = true,
        }
    }
    if known && !unread {
        return Busy::Known(spans.into_iter().collect());
    }
    let reason = if reasons.is_empty() {
        "no calendar tells when they are busy".to_owned()
    } else {
        reasons.dedup();
        reasons.truncate(3);
        reasons.join("; ")
    };
    Busy::Unknown { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> TimeSpan {
        let instant = |hour: i64| jiff::Timestamp::from_second(hour * 3_600).unwrap();
        TimeSpan {
            from: instant(hour),
            to: instant(hour + 1),
        }
    }

    #[test]
    fn a_calendar_that_cannot_be_read_is_unknown_and_never_free() {
        let route = |name: &str| Route {
            calendar: name.to_owned(),
            account: None,
        };
        let knows = |spans: Vec<TimeSpan>| -> Told {
            Ok(BTreeMap::from([("ann".to_owned(), Busy::Known(spans))]))
        };
        let unknown: Told = Ok(BTreeMap::from([(
            "ann".to_owned(),
            Busy::Unknown {
                reason: "notFound".to_owned(),
            },
        )]));
        let both = [route("a"), route("b")];
        let of = |a: &Told, b: &Told, said: bool| {
            let answers = BTreeMap::from([(route("a"), a.clone()), (route("b"), b.clone())]);
            merged("ann", &both, said, &answers)
        };
        let broken: Told = Err("503".to_owned());
        assert_eq!(
            of(&knows(vec![at(1)]), &knows(vec![at(3), at(1)]), true),
            Busy::Known(vec![at(1), at(3)])
        );
        assert_eq!(
            of(&knows(vec![at(1)]), &unknown, false),
            Busy::Known(vec![at(1)])
        );
        for (a, b, said) in [
            (&knows(vec![]), &unknown, true),
            (&knows(vec![]), &broken, true),
            (&knows(vec![]), &broken, false),
            (&unknown, &unknown, false),
        ] {
            assert!(
                matches!(of(a, b, said), Busy::Unknown { .. }),
                "{a:?} {b:?}"
            );
        }
        let nobody = merged("ann", &[], false, &BTreeMap::new());
        assert!(matches!(nobody, Busy::Unknown { .. }));
        let store = merged("ann", &[route(FEED)], true, &BTreeMap::new());
        assert_eq!(store, Busy::Known(vec![]));
    }
}
