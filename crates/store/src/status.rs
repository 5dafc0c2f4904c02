//! What is in the store, in figures.

use crate::db::{one, statements};

statements! {
    PING_ = one("SELECT 1");
}
pub(crate) const PING: crate::db::Sql = PING_;
