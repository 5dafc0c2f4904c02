//! `/users`

use super::types::{User, UserSettings};
use crate::client::{Client, Reply};
use crate::error::Result;
use crate::id::UserId;
use crate::page::Pages;

/// Which users to list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum UserStatus {
    /// Users who can sign in.
    #[default]
    Active,
    /// Deactivated users.
    Inactive,
    /// Invited, not yet accepted; they have no id.
    Pending,
}

impl UserStatus {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Active, Self::Inactive, Self::Pending];

    /// The status as Zoom writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Pending => "pending",
        }
    }
}

/// Calls about users; see [`Client::users`].
#[derive(Debug)]
pub struct Users<'a> {
    client: &'a Client,
}

impl<'a> Users<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// Users of the account (medium).
    pub fn list(&self, status: UserStatus) -> Pages<User> {
        self.client
            .get("/users")
            .query("status", status.as_str())
            .pages("users")
    }

    /// One user by id or e-mail (light).
    pub async fn get(&self, user: &UserId) -> Result<Reply<User>> {
        self.client
            .get(format!("/users/{}", user.path_segment()))
            .reply()
            .await
    }

    /// The user of the token (light); server-to-server tokens belong to no user.
    pub async fn me(&self) -> Result<Reply<User>> {
        self.get(&UserId::me()).await
    }

    /// A user's settings (medium).
    pub async fn settings(&self, user: &UserId) -> Result<Reply<UserSettings>> {
        self.client
            .get(format!("/users/{}/settings", user.path_segment()))
            .reply()
            .await
    }
}
