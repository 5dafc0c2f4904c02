//! Changes of a calendar view since the last look, by a link that holds everything.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::text;
use super::{Asked, Refusal, Told, event};
use crate::http::reply::Reply;

/// What a link remembers.
#[derive(Debug, Clone, Copy)]
struct Link {
    epoch: u64,
    since: u64,
    upto: u64,
    offset: usize,
    from: i64,
    to: i64,
}

impl Link {
    fn sealed(self) -> String {
        let Self {
            epoch,
            since,
            upto,
            offset,
            from,
            to,
        } = self;
        hex::encode(format!("{epoch}:{since}:{upto}:{offset}:{from}:{to}"))
    }

    fn open(token: &str) -> Option<Self> {
        let text = String::from_utf8(hex::decode(token).ok()?).ok()?;
        let mut parts = text.split(':');
        let link = Self {
            epoch: parts.next()?.parse().ok()?,
            since: parts.next()?.parse().ok()?,
            upto: parts.next()?.parse().ok()?,
            offset: parts.next()?.parse().ok()?,
            from: parts.next()?.parse().ok()?,
            to: parts.next()?.parse().ok()?,
        };
        Some(link)
    }
}

/// `GET /calendarView/delta`.
pub(super) fn answer(asked: &Asked<'_>) -> Told {
    let call = asked.ctx.call;
    if let Some(name) = ["$select", "$expand", "$filter", "$orderby", "$search"]
        .iter()
        .find(|name| call.param(name).is_some())
    {
        return Err(Refusal::invalid(format!(
            "{name} is not supported with delta."
        )));
    }
    let all = asked.ctx.site.calendars();
    let token = call.filled("$deltatoken").or(call.filled("$skiptoken"));
    let link = match token {
        None => Link {
            epoch: all.graph.epoch,
            since: 0,
            upto: all.graph.change,
            offset: 0,
            from: asked.instant("startDateTime")?.as_second(),
            to: asked.instant("endDateTime")?.as_second(),
        },
        Some(token) => {
            let gone = || Refusal::new(410, "SyncStateNotFound", "The sync state is not found.");
            let mut link = Link::open(token)
                .filter(|one| one.epoch == all.graph.epoch)
                .ok_or_else(gone)?;
            if call.filled("$deltatoken").is_some() {
                link.upto = all.graph.change;
            }
            link
        }
    };
    let instant = |second: i64| Timestamp::from_second(second).unwrap_or(Timestamp::MAX);
    let (from, to) = (instant(link.from), instant(link.to));
    let state = &all.graph;
    let mut items: Vec<Value> = Vec::new();
    let inside =
        |one: &Value| event::span(one).is_some_and(|(start, end)| start < to && end > from);
    for stored in state
        .mailboxes
        .get(&asked.person)
        .into_iter()
        .flat_map(|one| one.events.values())
    {
        if stored.change <= link.since {
            continue;
        }
        let id = text(&stored.body, "id").unwrap_or("");
        if stored.removed {
            if link.since > 0 {
                items.push(json!({ "id": id, "@removed": { "reason": "deleted" } }));
            }
        } else if text(&stored.body, "type") == Some("seriesMaster") {
            items.push(event::told(asked, &stored.body));
            let own = event::occurrences(state, &asked.person, &stored.body);
            items.extend(
                own.iter()
                    .filter(|one| inside(one))
                    .map(|one| event::told(asked, one)),
            );
        } else if inside(&stored.body) {
            items.push(event::told(asked, &stored.body));
        } else if link.since > 0 {
            // What left the window looks as if it were gone.
            items.push(json!({ "id": id, "@removed": { "reason": "deleted" } }));
        }
    }
    let most = asked
        .preference("odata.maxpagesize")
        .and_then(|most| most.parse().ok())
        .unwrap_or(50_usize)
        .max(1);
    let page: Vec<&Value> = items.iter().skip(link.offset).take(most).collect();
    let base = format!(
        "{}/graph/v1.0/{}/calendarView/delta",
        asked.ctx.shared.base_url, asked.under
    );
    let mut body = json!({ "value": page });
    if link.offset + page.len() < items.len() {
        let next = Link {
            offset: link.offset + page.len(),
            ..link
        };
        body["@odata.nextLink"] = json!(format!("{base}?$skiptoken={}", next.sealed()));
    } else {
        let next = Link {
            since: link.upto,
            offset: 0,
            ..link
        };
        body["@odata.deltaLink"] = json!(format!("{base}?$deltatoken={}", next.sealed()));
    }
    Ok(Reply::ok(&body))
}
