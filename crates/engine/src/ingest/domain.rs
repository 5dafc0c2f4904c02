//! Domain events: what happened, told in the transaction of the change.

use parfocal_store::Tx;

use super::Origin;
use crate::error::Result;
use crate::told::{self, Told};

/// Tells that something happened to a thing of ours.
pub async fn tell(tx: &mut Tx, origin: &Origin, subject: impl ToString, told: Told) -> Result<()> {
    told::tell(tx, subject, told, origin.now).await
}
