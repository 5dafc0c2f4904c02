//! Links through which a person can connect once. Only the hash of a link's token is stored.

use jiff::Timestamp;

use crate::db::{Cells, Tx, args, one, statements};
use crate::error::Result;
use crate::id::{ConnectionId, LinkId};
use crate::model::{ConnectLink, NewConnectLink};
use crate::store::{Scope, Store};

macro_rules! link {
    () => {
        "id, workspace_id, app_id, name, scopes, made_by, created_at, expires, used_at, revoked_at, connection_id"
    };
}

statements! {
    LINK = one(concat!("SELECT ", link!(), " FROM connect_links WHERE workspace_id = $1 AND id = $2"));
    LINK_BY_TOKEN = one(concat!("SELECT ", link!(), " FROM connect_links WHERE token_hash = $1"));
    LINKS = one(concat!("SELECT ", link!(), " FROM connect_links WHERE workspace_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2"));
    LINK_PUT = one("INSERT INTO connect_links (id, workspace_id, token_hash, app_id, name, scopes, made_by, created_at, expires)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    LINK_USE = one("UPDATE connect_links SET used_at = $3, connection_id = $4
        WHERE workspace_id = $1 AND id = $2 AND used_at IS NULL AND revoked_at IS NULL");
    LINK_REVOKE = one("UPDATE connect_links SET revoked_at = $3
        WHERE workspace_id = $1 AND id = $2 AND used_at IS NULL AND revoked_at IS NULL");
}

fn link(row: &mut Cells) -> Result<ConnectLink> {
    Ok(ConnectLink {
        id: row.id()?,
        workspace: row.id()?,
        app_id: row.id()?,
        name: row.opt_text()?,
        scopes: row.text()?.split_whitespace().map(str::to_owned).collect(),
        made_by: row.text()?,
        created_at: row.instant()?,
        expires: row.instant()?,
        used_at: row.opt_instant()?,
        revoked_at: row.opt_instant()?,
        connection_id: row.opt_id()?,
    })
}

impl Store {
    /// A link.
    pub async fn connect_link(&self, scope: Scope, id: LinkId) -> Result<Option<ConnectLink>> {
        self.one(LINK, args![scope.workspace, id], link).await
    }

    /// The link with a token of that hash, in any workspace: who opens it does not know whose it is.
    pub async fn connect_link_by_token(&self, token_hash: &str) -> Result<Option<ConnectLink>> {
        self.one(LINK_BY_TOKEN, args![token_hash], link).await
    }

    /// The links of a workspace, newest first.
    pub async fn connect_links(&self, scope: Scope, limit: u32) -> Result<Vec<ConnectLink>> {
        self.all(LINKS, args![scope.workspace, limit], link).await
    }
}

impl Tx {
    /// Puts a link in.
    pub async fn put_connect_link(
        &mut self,
        new: &NewConnectLink,
        now: Timestamp,
    ) -> Result<LinkId> {
        let id: LinkId = self.new_id(now);
        let w = self.w();
        self.execute(
            LINK_PUT,
            args![
                id,
                w,
                &new.token_hash,
                new.app_id,
                new.name.clone(),
                new.scopes.join(" "),
                &new.made_by,
                now,
                new.expires
            ],
        )
        .await?;
        Ok(id)
    }

    /// Uses a link up for a connection; whether it was still open (its expiry was looked at when it was opened).
    pub async fn use_connect_link(
        &mut self,
        id: LinkId,
        connection: ConnectionId,
        now: Timestamp,
    ) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(LINK_USE, args![w, id, now, connection])
            .await?
            > 0)
    }

    /// Takes an open link back; whether it was open.
    pub async fn revoke_connect_link(&mut self, id: LinkId, now: Timestamp) -> Result<bool> {
        let w = self.w();
        Ok(self.execute(LINK_REVOKE, args![w, id, now]).await? > 0)
    }
}
