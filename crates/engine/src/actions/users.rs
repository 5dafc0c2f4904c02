//! `user.*`: the people of the account.

use jiff::Timestamp;
use parfocal_zoom::Reply;
use parfocal_zoom::api::User;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::action::{Action, Effect};
use super::context::{Context, Step};
use super::keep;
use super::page::{self, Piece};
use super::request::Request;
use super::shape::{Listed, harmless};

pub(super) fn actions() -> Vec<Action> {
    vec![
        Action::new(
            "user.get",
            Effect::Read,
            "Get a user",
            "Tells everything about a user of the account.",
            get,
        )
        .asks(&["GET /users/{userId}"])
        .kept(keep::USERS)
        .example(json!({"user": "ann@example.com"})),
        Action::new(
            "user.list",
            Effect::Read,
            "List users",
            "Lists the users of the account.",
            list,
        )
        .asks(&["GET /users"])
        .kept(keep::USERS)
        .example(json!({"limit": 30})),
    ]
}

/// A user to look at.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Get {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// An e-mail address or a user id of Zoom; `me` for whoever authorised the connection.
    #[schemars(length(min = 1, max = 200))]
    user: String,
}

/// Which users to list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct List {
    /// The connection to use, by name or id; only needed when there are several.
    connection: Option<String>,
    /// Only those with this status. Default: active.
    #[serde(default)]
    status: Status,
    /// Rows, 1 to 300. Default 100.
    #[schemars(range(min = 1, max = 300))]
    limit: Option<u32>,
    /// The `next` of the piece before.
    after: Option<String>,
}

/// Whether a user can sign in.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// Can sign in.
    #[default]
    Active,
    /// Was deactivated.
    Inactive,
    /// Was invited and has not accepted.
    Pending,
}

/// A user.
#[derive(Debug, Serialize, JsonSchema)]
struct UserView {
    /// Zoom's id; none while the invitation is open.
    id: Option<String>,
    /// E-mail address.
    email: Option<String>,
    /// Name as shown to others.
    name: Option<String>,
    /// Given name.
    first_name: Option<String>,
    /// Family name.
    last_name: Option<String>,
    /// `active`, `inactive` or `pending`.
    status: Option<String>,
    /// Whether the user has a licence of Zoom; none when Zoom does not say.
    licensed: Option<bool>,
    /// Time zone.
    timezone: Option<String>,
    /// Department.
    department: Option<String>,
    /// Number of the personal room.
    personal_meeting: Option<String>,
    /// When the user was added.
    created_at: Option<Timestamp>,
    /// Last sign-in, up to three days late.
    last_login_at: Option<Timestamp>,
}

/// A user with all that Zoom tells.
#[derive(Debug, Serialize, JsonSchema)]
struct UserDetail {
    /// What a list shows.
    #[serde(flatten)]
    user: UserView,
    /// What Zoom answered, without keys and the address of the personal room.
    raw: Value,
}

fn view(user: &User) -> UserView {
    let joined = [&user.first_name, &user.last_name]
        .into_iter()
        .flatten()
        .cloned()
        .collect::<Vec<_>>()
        .join(" ");
    UserView {
        id: user.id.as_ref().map(ToString::to_string),
        email: user.email.clone(),
        name: user
            .display_name
            .clone()
            .or_else(|| (!joined.is_empty()).then_some(joined)),
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        status: user.status.clone(),
        licensed: user.kind.map(|kind| kind == 2),
        timezone: user.timezone.clone(),
        department: user.dept.clone(),
        personal_meeting: user.pmi.map(|number| number.to_string()),
        created_at: user.user_created_at.or(user.created_at),
        last_login_at: user.last_login_time,
    }
}

async fn get(cx: Context, input: Get) -> Step<UserDetail> {
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let user = zoom.user("user", Some(&input.user))?;
    let reply = zoom
        .read::<User>(Request::get(format!("/users/{}", user.path_segment())))
        .await?;
    Ok(UserDetail {
        user: view(&reply.value),
        raw: harmless(&reply.raw),
    })
}

async fn list(cx: Context, input: List) -> Step<Listed<UserView>> {
    let zoom = cx.zoom(input.connection.as_deref()).await?;
    let status = match input.status {
        Status::Active => "active",
        Status::Inactive => "inactive",
        Status::Pending => "pending",
    };
    let request = Request::get("/users").query("status", Some(status));
    let piece = Piece {
        limit: input.limit,
        after: input.after.as_deref(),
    };
    page::list(&zoom, request, "users", piece, |reply: &Reply<User>| {
        view(&reply.value)
    })
    .await
}
