//! Users of an account.

use parfocal_formats::text;

use crate::db::{Cells, Tx, args, locked, one, statements};
use crate::error::Result;
use crate::id::{AccountId, UserId};
use crate::merge::{Merge, first_raw, first_stamp};
use crate::model::{
    Change, NewUser, Page, PageRequest, Provider, Seen, Upsert, User, UserFilter, UserSummary,
};
use crate::page::search_pattern;
use crate::store::{Scope, Store};

macro_rules! user {
    () => {
        "id, account_id, external_id, email, name, kind, status, tz, pmi, raw, deleted_at, updated_at, event_ts, source_rank"
    };
}

statements! {
    USER = one(concat!("SELECT ", user!(), " FROM users WHERE workspace_id = $1 AND account_id = $2 AND external_id = $3"));
    USER_LOCKED = locked!("SELECT ", user!(), " FROM users WHERE workspace_id = $1 AND account_id = $2 AND external_id = $3");
    USERS = one(concat!("SELECT ", user!(), " FROM users WHERE workspace_id = $1 AND account_id = $2 AND deleted_at IS NULL
        AND external_id > $3 ORDER BY external_id LIMIT $4"));
    USER_OF_ID = one(concat!("SELECT ", user!(), " FROM users WHERE workspace_id = $1 AND id = $2"));
    // By name; what was held is counted for the rows of one page, in one look through an index that has all it needs.
    LISTED = one(concat!("WITH page AS MATERIALIZED (SELECT u.id AS user_id, u.external_id AS host FROM users u WHERE u.workspace_id = $1
        AND (CAST($2 AS TEXT) IS NULL OR ' ' || u.search LIKE $2 ESCAPE '\\')
        AND (CAST($3 AS TEXT) IS NULL OR u.kind = $3) AND (CAST($4 AS TEXT) IS NULL OR u.status = $4)
        AND (CAST($5 AS TEXT) IS NULL OR u.account_id = $5) AND u.deleted_at IS NULL
        AND (CAST($6 AS TEXT) IS NULL OR (u.search, u.id) > (SELECT p.search, p.id FROM users p WHERE p.workspace_id = $1 AND p.id = $6))
        ORDER BY u.search, u.id LIMIT $7),
        held AS MATERIALIZED (SELECT i.account_id AS of_account, i.host_user_id AS host, COUNT(*) AS hosted, MAX(i.start_at) AS latest
            FROM instances i WHERE i.workspace_id = $1 AND i.deleted_at IS NULL AND i.host_user_id IN (SELECT host FROM page)
            GROUP BY i.account_id, i.host_user_id)
        SELECT ", user!(), ", COALESCE(held.hosted, 0), held.latest
        FROM page JOIN users ON users.id = page.user_id
            LEFT JOIN held ON held.of_account = users.account_id AND held.host = users.external_id
        ORDER BY search, id"));
    KINDS = one("SELECT kind, status, COUNT(*) FROM users WHERE workspace_id = $1 AND deleted_at IS NULL GROUP BY kind, status ORDER BY kind, status");
    ID_OF = one("SELECT u.external_id FROM accounts a JOIN users u ON u.workspace_id = a.workspace_id AND u.account_id = a.id
        WHERE a.provider = $1 AND a.external_id = $2 AND LOWER(u.email) = $3 AND u.deleted_at IS NULL ORDER BY u.updated_at DESC LIMIT 1");
    NEW = one("INSERT INTO users (id, workspace_id, provider, account_id, external_id, email, name, kind, status, tz, pmi, search, raw,
            source_rank, event_ts, first_seen, updated_at)
        VALUES ($1, $2, (SELECT provider FROM accounts WHERE id = $3 AND workspace_id = $2), $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $15)
        ON CONFLICT (workspace_id, account_id, external_id) DO NOTHING");
    SET = one("UPDATE users SET email = $2, name = $3, kind = $4, status = $5, tz = $6, pmi = $7, search = $8, raw = $9,
            source_rank = $10, event_ts = $11, updated_at = $12, deleted_at = $13 WHERE id = $1");
    DELETE = one("UPDATE users SET deleted_at = $3, event_ts = $3, updated_at = $4 WHERE workspace_id = $1 AND id = $2
        AND deleted_at IS NULL AND event_ts <= $3");
}

struct Stamped {
    user: User,
    at: jiff::Timestamp,
    rank: i64,
}

fn user(row: &mut Cells) -> Result<Stamped> {
    Ok(Stamped {
        user: User {
            id: row.id()?,
            account_id: row.id()?,
            external_id: row.text()?,
            email: row.opt_text()?,
            name: row.opt_text()?,
            kind: row.opt_text()?,
            status: row.opt_text()?,
            tz: row.opt_text()?,
            pmi: row.opt_text()?,
            raw: row.text()?,
            deleted_at: row.opt_instant()?,
            updated_at: row.instant()?,
        },
        at: row.instant()?,
        rank: row.int()?,
    })
}

fn search_text(name: Option<&str>, email: Option<&str>) -> String {
    text::index_text(&format!(
        "{} {}",
        name.unwrap_or_default(),
        email.unwrap_or_default()
    ))
}

impl Store {
    /// The user with a provider's id.
    pub async fn user_by_external(
        &self,
        scope: Scope,
        account: AccountId,
        external_id: &str,
    ) -> Result<Option<User>> {
        let found = self
            .one(USER, args![scope.workspace, account, external_id], user)
            .await?;
        Ok(found.map(|stamped| stamped.user))
    }

    /// A user by our id, deleted ones too.
    pub async fn user(&self, scope: Scope, id: UserId) -> Result<Option<User>> {
        let found = self
            .one(USER_OF_ID, args![scope.workspace, id], user)
            .await?;
        Ok(found.map(|stamped| stamped.user))
    }

    /// The users of all accounts that are not deleted, by name, each with what was held. A key of a page is a user's id.
    pub async fn users_listed(
        &self,
        scope: Scope,
        filter: &UserFilter,
        page: &PageRequest,
    ) -> Result<Page<UserSummary>> {
        let limit = page.bounded();
        let args = args![
            scope.workspace,
            filter.text.as_deref().map(search_pattern),
            filter.kind.clone(),
            filter.status.clone(),
            filter.account,
            page.after.clone(),
            limit + 1
        ];
        let read = |row: &mut Cells| {
            Ok(UserSummary {
                user: user(row)?.user,
                hosted: row.count()?,
                last_hosted: row.opt_instant()?,
            })
        };
        let mut items: Vec<UserSummary> = self.all(LISTED, args, read).await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items
            .last()
            .filter(|_| more)
            .map(|row| row.user.id.to_string());
        Ok(Page { items, next })
    }

    /// How many users there are of each kind and status, deleted ones left out.
    pub async fn user_kinds(
        &self,
        scope: Scope,
    ) -> Result<Vec<(Option<String>, Option<String>, u64)>> {
        self.all(KINDS, args![scope.workspace], |row| {
            Ok((row.opt_text()?, row.opt_text()?, row.count()?))
        })
        .await
    }

    /// The provider's id of whoever has an address in an account, both named as the provider does.
    pub async fn user_id_of(
        &self,
        provider: Provider,
        account: &str,
        email: &str,
    ) -> Result<Option<String>> {
        let email = email.to_lowercase();
        self.one(ID_OF, args![provider, account, email], Cells::text)
            .await
    }

    /// The users of an account that are not deleted, by the provider's id.
    pub async fn users(
        &self,
        scope: Scope,
        account: AccountId,
        page: &PageRequest,
    ) -> Result<Page<User>> {
        let limit = page.bounded();
        let after = page.after.clone().unwrap_or_default();
        let mut items: Vec<User> = self
            .all(
                USERS,
                args![scope.workspace, account, after, limit + 1],
                |row| Ok(user(row)?.user),
            )
            .await?;
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items
            .last()
            .filter(|_| more)
            .map(|user| user.external_id.clone());
        Ok(Page { items, next })
    }
}

impl Tx {
    /// The user with a provider's id, locked until this transaction ends.
    pub async fn user_by_external(
        &mut self,
        account: AccountId,
        external_id: &str,
    ) -> Result<Option<User>> {
        let w = self.w();
        let found = self
            .one(USER_LOCKED, args![w, account, external_id], user)
            .await?;
        Ok(found.map(|stamped| stamped.user))
    }

    /// Adds facts about a user.
    pub async fn upsert_user(
        &mut self,
        account: AccountId,
        new: &NewUser,
        seen: &Seen,
    ) -> Result<Upsert<UserId>> {
        let w = self.w();
        let email = new.email.as_ref().map(|email| email.to_lowercase());
        loop {
            if let Some(old) = self
                .one(USER_LOCKED, args![w, account, &new.external_id], user)
                .await?
            {
                return self.merge_user(old, new, email.as_ref(), seen).await;
            }
            let id: UserId = self.new_id(seen.now);
            let (at, rank) = first_stamp(seen);
            let added = self
                .execute(
                    NEW,
                    args![
                        id,
                        w,
                        account,
                        &new.external_id,
                        email.clone(),
                        new.name.clone(),
                        new.kind.clone(),
                        new.status.clone(),
                        new.tz.clone(),
                        new.pmi.clone(),
                        search_text(new.name.as_deref(), email.as_deref()),
                        first_raw(new.raw.as_ref()),
                        rank,
                        at,
                        seen.now
                    ],
                )
                .await?;
            if added > 0 {
                return Ok(Upsert {
                    id,
                    change: Change::Inserted,
                });
            }
        }
    }

    async fn merge_user(
        &mut self,
        old: Stamped,
        new: &NewUser,
        email: Option<&String>,
        seen: &Seen,
    ) -> Result<Upsert<UserId>> {
        let Stamped {
            user: mut row,
            at,
            rank,
        } = old;
        let mut merge = Merge::new(at, rank, seen);
        merge.take(&mut row.email, email);
        merge.take(&mut row.name, new.name.as_ref());
        merge.take(&mut row.kind, new.kind.as_ref());
        merge.take(&mut row.status, new.status.as_ref());
        merge.take(&mut row.tz, new.tz.as_ref());
        merge.take(&mut row.pmi, new.pmi.as_ref());
        merge.raw(&mut row.raw, new.raw.as_ref());
        merge.alive(&mut row.deleted_at, seen);
        let (at, rank) = merge.stamp(at, rank, seen);
        if merge.to_write() {
            let search = search_text(row.name.as_deref(), row.email.as_deref());
            self.execute(
                SET,
                args![
                    row.id,
                    row.email,
                    row.name,
                    row.kind,
                    row.status,
                    row.tz,
                    row.pmi,
                    search,
                    row.raw,
                    rank,
                    at,
                    merge.updated_at(row.updated_at, seen),
                    row.deleted_at
                ],
            )
            .await?;
        }
        Ok(Upsert {
            id: row.id,
            change: merge.change(),
        })
    }

    /// Marks a user as deleted, unless something newer is known; whether that was a change.
    pub async fn delete_user(&mut self, id: UserId, seen: &Seen) -> Result<bool> {
        let w = self.w();
        Ok(self
            .execute(DELETE, args![w, id, seen.at, seen.now])
            .await?
            > 0)
    }
}
