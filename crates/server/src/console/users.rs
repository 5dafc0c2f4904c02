//! Users of the connected accounts: who there is, with which licence, and what each of them held.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::get;
use jiff::Timestamp;
use parfocal_engine::store::{
    Account, AccountId, InstanceFilter, MeetingFilter, PageRequest, User, UserFilter, UserId,
    UserSummary,
};
use serde::{Deserialize, Serialize};

use super::link;
use crate::paging::{self, Params};
use crate::problem::Problem;
use crate::state::AppState;
use crate::views::InstanceView;

const ROOM: &str = "users";
/// Meetings on a user's page, and series.
const RECENT: u32 = 25;

/// Routes of the users' pages.
pub(super) fn routes() -> Router<AppState> {
    Router::new()
        .route("/users", get(list))
        .route("/users/{id}", get(one))
}

/// What the list can be asked; unknown parameters are ignored, since links are shared and edited by hand.
#[derive(Deserialize)]
struct ListParams {
    q: Option<String>,
    kind: Option<String>,
    status: Option<String>,
    account: Option<String>,
    after: Option<String>,
}

#[derive(Serialize)]
struct Page {
    rows: Vec<Row>,
    filter: Filter,
    filtered: bool,
    kinds: Vec<Choice>,
    statuses: Vec<Choice>,
    accounts: Vec<Choice>,
    /// All users there are, whatever the filter.
    total: u64,
    licensed: u64,
    first: Option<String>,
    next: Option<String>,
}

/// The filter as it stands in the form.
#[derive(Serialize)]
struct Filter {
    q: Option<String>,
    kind: Option<String>,
    status: Option<String>,
    account: Option<String>,
}

impl Filter {
    fn of(params: ListParams) -> Self {
        let given = |text: Option<String>| {
            text.map(|text| text.trim().to_owned())
                .filter(|text| !text.is_empty())
        };
        Self {
            q: given(params.q),
            kind: given(params.kind),
            status: given(params.status),
            // What is no id of ours restricts nothing.
            account: given(params.account).filter(|id| id.parse::<AccountId>().is_ok()),
        }
    }

    fn pairs<'a>(&'a self, after: Option<&'a str>) -> [(&'static str, Option<&'a str>); 5] {
        [
            ("q", self.q.as_deref()),
            ("kind", self.kind.as_deref()),
            ("status", self.status.as_deref()),
            ("account", self.account.as_deref()),
            ("after", after),
        ]
    }

    fn for_store(&self) -> UserFilter {
        UserFilter {
            text: self.q.clone(),
            kind: self.kind.clone(),
            status: self.status.clone(),
            account: self.account.as_deref().and_then(|id| id.parse().ok()),
        }
    }
}

/// A value that can be filtered by.
#[derive(Serialize)]
struct Choice {
    key: String,
    name: String,
}

/// A user in the list.
#[derive(Serialize)]
struct Row {
    id: String,
    name: Option<String>,
    email: Option<String>,
    kind: String,
    status: Option<String>,
    tone: &'static str,
    account: Option<String>,
    hosted: u64,
    last_hosted: Option<Timestamp>,
}

impl Row {
    fn of(row: UserSummary, accounts: &BTreeMap<AccountId, String>) -> Self {
        let user = row.user;
        Self {
            id: user.id.to_string(),
            kind: licence(user.kind.as_deref()),
            tone: tone(user.status.as_deref()),
            status: user.status,
            account: accounts.get(&user.account_id).cloned(),
            name: user.name,
            email: user.email,
            hosted: row.hosted,
            last_hosted: row.last_hosted,
        }
    }
}

/// The kinds of seats as Zoom's pages name them.
fn licence(kind: Option<&str>) -> String {
    match kind {
        Some("1") => "Basic".to_owned(),
        Some("2") => "Licensed".to_owned(),
        Some("4") => "Unassigned".to_owned(),
        Some("99") => "No meetings".to_owned(),
        Some(other) => format!("Type {other}"),
        None => "Not known".to_owned(),
    }
}

fn tone(status: Option<&str>) -> &'static str {
    match status {
        Some("active") => "ok",
        Some("pending") => "warn",
        _ => "",
    }
}

fn name_of(account: &Account) -> String {
    account
        .name
        .clone()
        .unwrap_or_else(|| account.external_id.clone())
}

/// `GET /users`.
async fn list(
    State(state): State<AppState>,
    Params(params): Params<ListParams>,
) -> Result<Response, Problem> {
    let (store, scope) = (state.app().store(), state.app().scope());
    let after = params.after.clone().filter(|after| !after.is_empty());
    let filter = Filter::of(params);
    let is_first = after.is_none();
    let request = paging::request(None, after)?;
    let found = store
        .users_listed(scope, &filter.for_store(), &request)
        .await?;
    let accounts: BTreeMap<AccountId, String> = store
        .accounts(scope)
        .await?
        .iter()
        .map(|account| (account.id, name_of(account)))
        .collect();
    let counted = store.user_kinds(scope).await?;
    let at = |after: Option<&str>| link("/users", &filter.pairs(after));
    let page = Page {
        first: (!is_first).then(|| at(None)),
        next: found.next.as_deref().map(|next| at(Some(next))),
        rows: found
            .items
            .into_iter()
            .map(|row| Row::of(row, &accounts))
            .collect(),
        filtered: filter.pairs(None).iter().any(|(_, value)| value.is_some()),
        kinds: choices(counted.iter().map(|(kind, _, _)| kind), |kind| {
            licence(Some(kind))
        }),
        statuses: choices(counted.iter().map(|(_, status, _)| status), str::to_owned),
        total: counted.iter().map(|(.., count)| count).sum(),
        licensed: counted
            .iter()
            .filter(|(kind, ..)| kind.as_deref() == Some("2"))
            .map(|(.., count)| count)
            .sum(),
        // One account needs no choice.
        accounts: if accounts.len() > 1 {
            accounts
                .into_iter()
                .map(|(id, name)| Choice {
                    key: id.to_string(),
                    name,
                })
                .collect()
        } else {
            Vec::new()
        },
        filter,
    };
    state.pages().render("users.html", ROOM, "Users", &page)
}

fn choices<'v>(
    values: impl Iterator<Item = &'v Option<String>>,
    name: impl Fn(&str) -> String,
) -> Vec<Choice> {
    let mut keys: Vec<&String> = values.flatten().collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .map(|key| Choice {
            name: name(key),
            key: key.clone(),
        })
        .collect()
}

#[derive(Serialize)]
struct OnePage {
    name: String,
    email: Option<String>,
    kind: String,
    status: Option<String>,
    tone: &'static str,
    tz: Option<String>,
    pmi: Option<String>,
    department: Option<String>,
    account: Option<String>,
    external_id: String,
    deleted_at: Option<Timestamp>,
    updated_at: Timestamp,
    hosted: Vec<InstanceView>,
    /// Where the rest of what was held is listed.
    more: Option<String>,
    series: Vec<Series>,
    /// What is still to be done in this person's name.
    owes: Option<String>,
    search: Option<String>,
}

/// A meeting or series of the user's.
#[derive(Serialize)]
struct Series {
    topic: Option<String>,
    number: String,
    kind: &'static str,
    start: Option<Timestamp>,
}

/// `GET /users/{id}`.
async fn one(State(state): State<AppState>, Path(id): Path<String>) -> Result<Response, Problem> {
    let missing = || {
        Problem::not_found(format!("there is no user {id}"))
            .hint("The list at /users has everybody who is known.")
    };
    let key: UserId = id.parse().map_err(|_| missing())?;
    let (store, scope) = (state.app().store(), state.app().scope());
    let user = store.user(scope, key).await?.ok_or_else(missing)?;
    let account = store.account(scope, user.account_id).await?;
    let email = user.email.clone();
    let hosted = match &email {
        Some(email) => {
            let filter = InstanceFilter {
                account: Some(user.account_id),
                host: Some(email.clone()),
                ..InstanceFilter::default()
            };
            Some(
                store
                    .instances(scope, &filter, &PageRequest::first(RECENT))
                    .await?,
            )
        }
        None => None,
    };
    let filter = MeetingFilter {
        account: Some(user.account_id),
        host_user_id: Some(user.external_id.clone()),
        ..MeetingFilter::default()
    };
    let series = store
        .meetings(scope, &filter, &PageRequest::first(RECENT))
        .await?;
    let more = hosted.as_ref().and_then(|page| page.next.as_ref());
    let page = OnePage {
        more: more.map(|_| link("/meetings", &[("host", email.as_deref())])),
        hosted: hosted
            .map(|page| page.items.into_iter().map(InstanceView::from).collect())
            .unwrap_or_default(),
        series: series
            .items
            .into_iter()
            .map(|meeting| Series {
                topic: meeting.topic,
                number: meeting.number,
                kind: meeting.kind.as_str(),
                start: meeting.start,
            })
            .collect(),
        owes: user
            .name
            .as_deref()
            .map(|name| link("/actions", &[("owner", Some(name))])),
        search: user.name.as_deref().map(|name| {
            let query = format!("speaker:\"{}\"", name.replace('"', " "));
            link("/search", &[("q", Some(&query))])
        }),
        account: account.as_ref().map(name_of),
        department: department(&user),
        kind: licence(user.kind.as_deref()),
        tone: tone(user.status.as_deref()),
        name: user
            .name
            .or_else(|| user.email.clone())
            .unwrap_or_else(|| user.external_id.clone()),
        email: user.email,
        status: user.status,
        tz: user.tz,
        pmi: user.pmi,
        external_id: user.external_id,
        deleted_at: user.deleted_at,
        updated_at: user.updated_at,
    };
    let title = page.name.clone();
    state.pages().render("user.html", ROOM, &title, &page)
}

/// The department, which only the provider's own JSON has.
fn department(user: &User) -> Option<String> {
    let raw: serde_json::Value = serde_json::from_str(&user.raw).ok()?;
    let dept = raw.get("dept")?.as_str()?.trim();
    (!dept.is_empty()).then(|| dept.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seats_have_the_names_that_zoom_gives_them() {
        assert_eq!(licence(Some("1")), "Basic");
        assert_eq!(licence(Some("2")), "Licensed");
        assert_eq!(licence(Some("7")), "Type 7");
        assert_eq!(licence(None), "Not known");
    }
}
