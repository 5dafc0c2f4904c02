//! A REST request that passed the pipeline, and the questions every handler asks of it.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::table::Endpoint;
use crate::http::path;
use crate::http::reply::Refusal;
use crate::http::route::Ctx;
use crate::oauth::grants::{Access, Subject};
use crate::oauth::scopes;
use crate::world::World;
use crate::world::model::{Instance, InstanceUuid, Meeting, User};
use crate::world::urls::Urls;

/// A request with its token, endpoint and path values.
#[derive(Debug)]
pub(crate) struct Req<'a> {
    /// Surroundings.
    pub(crate) ctx: Ctx<'a>,
    /// Row of the table.
    pub(crate) endpoint: &'static Endpoint,
    /// What the token stands for.
    pub(crate) access: Arc<Access>,
    /// Addresses under the simulator's base.
    pub(crate) urls: Urls,
    values: Vec<String>,
}

/// A meeting number or an instance UUID, as history endpoints take either.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    /// A number: the latest instance.
    Number(u64),
    /// A UUID: that instance.
    Uuid(InstanceUuid),
}

impl<'a> Req<'a> {
    pub(crate) fn new(
        ctx: Ctx<'a>,
        endpoint: &'static Endpoint,
        access: Arc<Access>,
        values: Vec<String>,
    ) -> Self {
        let urls = Urls::new(&ctx.shared.base_url);
        Self {
            ctx,
            endpoint,
            access,
            urls,
            values,
        }
    }

    pub(crate) fn world(&self) -> &'a World {
        &self.ctx.site.world
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.ctx.now
    }

    /// A path parameter, decoded.
    pub(crate) fn value(&self, index: usize) -> &str {
        self.values.get(index).map_or("", String::as_str)
    }

    /// A query parameter that is given and not empty.
    pub(crate) fn param(&self, name: &str) -> Option<&'a str> {
        self.ctx.call.filled(name)
    }

    /// A query parameter out of a list of words; Zoom refuses others.
    pub(crate) fn word(
        &self,
        name: &str,
        allowed: &[&'static str],
        default: &'static str,
    ) -> Result<&'static str, Refusal> {
        match self.param(name) {
            None => Ok(default),
            Some(given) => allowed
                .iter()
                .find(|word| **word == given)
                .copied()
                .ok_or_else(|| Refusal::field(name, "Invalid field.")),
        }
    }

    /// The JSON object of the body.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, Refusal> {
        match self.ctx.call.json() {
            Some(Value::Object(map)) => Ok(map),
            None if self.ctx.call.body.is_empty() => Ok(Map::new()),
            _ => Err(Refusal::new(
                400,
                300,
                "Request Body should be a valid JSON object.",
            )),
        }
    }

    /// Who does this, for events.
    pub(crate) fn operator(&self) -> String {
        match &self.access.subject {
            Subject::User(id) | Subject::Account { owner: id } => id.clone(),
            Subject::App => self.world().account().owner_id,
        }
    }

    /// The user of path value 0, or Zoom's refusal with this endpoint's words (`{}` is the id).
    pub(crate) fn user_saying(&self, missing: &str) -> Result<Arc<User>, Refusal> {
        let given = self.value(0);
        let unknown = || Refusal::new(404, 1001, missing.replace("{}", given));
        match (&self.access.subject, given) {
            (Subject::User(id), "me") => self.world().user(id).ok_or_else(unknown),
            // A user's token must say `me`.
            (Subject::User(_) | Subject::App, _) => Err(scopes::needs_admin(self.endpoint)),
            (Subject::Account { owner }, "me") => {
                let s2s = self
                    .ctx
                    .shared
                    .app(&self.access.client_id)
                    .is_some_and(|app| app.kind == crate::config::AppKind::ServerToServer);
                if s2s && !self.ctx.shared.config.s2s_me {
                    return Err(unknown());
                }
                self.world().user(owner).ok_or_else(unknown)
            }
            (Subject::Account { .. }, id) => self.world().user(id).ok_or_else(unknown),
        }
    }

    /// The user of path value 0.
    pub(crate) fn user(&self) -> Result<Arc<User>, Refusal> {
        self.user_saying("User does not exist: {}.")
    }

    /// Refuses a user's token that reaches for another host's things.
    pub(crate) fn may_see(&self, host_id: &str) -> Result<(), Refusal> {
        match &self.access.subject {
            Subject::User(id) if id != host_id => Err(scopes::needs_admin(self.endpoint)),
            Subject::App => Err(scopes::needs_admin(self.endpoint)),
            _ => Ok(()),
        }
    }

    /// The meeting (not webinar) of path value 0 by its number.
    pub(crate) fn meeting(&self) -> Result<Arc<Meeting>, Refusal> {
        let given = path::identifier(self.value(0));
        let unknown = || Refusal::new(404, 3001, format!("Meeting does not exist: {given}."));
        let number: u64 = match given.parse() {
            Ok(number) => number,
            // A UUID is no documented input here, but many callers find it works.
            Err(_) => given
                .parse::<InstanceUuid>()
                .ok()
                .and_then(|uuid| self.world().instance(&uuid))
                .map(|instance| instance.number)
                .ok_or_else(unknown)?,
        };
        let meeting = self.world().meeting(number).ok_or_else(unknown)?;
        if meeting.is_webinar() {
            return Err(Refusal::new(400, 3000, "Cannot access webinar info."));
        }
        self.may_see(&meeting.host_id)?;
        Ok(meeting)
    }

    /// The webinar of path value 0.
    pub(crate) fn webinar(&self) -> Result<Arc<Meeting>, Refusal> {
        let given = path::identifier(self.value(0));
        let number: u64 = given
            .parse()
            .map_err(|_| Refusal::new(400, 300, "Invalid webinar ID."))?;
        let webinar = self
            .world()
            .meeting(number)
            .filter(|meeting| meeting.is_webinar())
            .ok_or_else(|| Refusal::new(404, 3001, format!("Webinar does not exist: {given}.")))?;
        self.may_see(&webinar.host_id)?;
        Ok(webinar)
    }

    /// Path value 0 as a number or UUID.
    pub(crate) fn which(&self) -> Option<Which> {
        let given = path::identifier(self.value(0));
        if let Ok(number) = given.parse() {
            return Some(Which::Number(number));
        }
        given.parse().ok().map(Which::Uuid)
    }

    /// Path value 0 as given, decoded to the end.
    pub(crate) fn given(&self) -> String {
        path::identifier(self.value(0))
    }

    /// The instance that path value 0 names: by UUID, or the latest ended one of a number.
    pub(crate) fn ended_instance(&self) -> Option<Arc<Instance>> {
        let now = self.now();
        let ended = |instance: &Arc<Instance>| instance.end.is_some_and(|end| end <= now);
        match self.which()? {
            Which::Uuid(uuid) => self.world().instance(&uuid).filter(ended),
            Which::Number(number) => self
                .world()
                .instances_of(number)
                .iter()
                .rev()
                .find(|head| head.end.is_some_and(|end| end <= now))
                .map(|head| self.world().instance_at(head.key)),
        }
    }
}
