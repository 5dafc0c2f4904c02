//! One person, one count: a host is named by address or by id, and the day's writes are counted under the id.

use parfocal_store::{Provider, Store};
use parfocal_zoom::limit::{BudgetRequest, Quota};

/// The same request with its hosts named by their ids, as far as the store knows them.
///
/// An address that nobody told of yet, or a store that cannot be read now, leaves the address: its count is one too.
pub(super) async fn by_id(store: &Store, request: &BudgetRequest) -> BudgetRequest {
    let mut request = request.clone();
    let Some((_, account)) = request.account.split_once('/') else {
        return request;
    };
    let account = account.to_owned();
    for quota in &mut request.quotas {
        let Quota::HostWrites { host } = quota else {
            continue;
        };
        if !host.contains('@') {
            continue;
        }
        match store.user_id_of(Provider::Zoom, &account, host).await {
            Ok(Some(id)) => *host = id,
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, "a host's id could not be looked up"),
        }
    }
    request
}
