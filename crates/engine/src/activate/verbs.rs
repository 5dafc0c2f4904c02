//! What people do with deliveries.

use parfocal_store::{
    DeliveryFilter, DeliveryId, DeliveryRow, DeliveryState, DestinationRow, Page, PageRequest, Tx,
};
use serde_json::{Value, json};

use super::manage::{COMPONENT, Destinations};
use super::view::{DeliveryDetail, DeliveryView};
use super::work;
use crate::audit::{self, By, Change};
use crate::error::{Code, EngineError, Result};

impl Destinations<'_> {
    /// Reads and sends everything that is due now, in this process.
    ///
    /// # Errors
    /// `component_off`; the store cannot be read or written.
    pub async fn run(self) -> Result<()> {
        self.app().components().require(COMPONENT).await?;
        work::settle(self.app()).await
    }

    /// Deliveries, the latest change first; of one destination by name or id.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn deliveries(
        self,
        of: Option<&str>,
        mut filter: DeliveryFilter,
        page: &PageRequest,
    ) -> Result<Page<DeliveryView>> {
        if let Some(of) = of {
            filter.destination = Some(self.row(of).await?.id);
        }
        let found = self
            .app()
            .store()
            .deliveries(self.app().scope(), &filter, page)
            .await?;
        let names = self.app().store().destinations(self.app().scope()).await?;
        Ok(Page {
            items: found
                .items
                .into_iter()
                .map(|row| named(row, &names))
                .collect(),
            next: found.next,
        })
    }

    /// A delivery with what is sent and every try.
    ///
    /// # Errors
    /// `not_found`.
    pub async fn delivery(self, id: DeliveryId) -> Result<DeliveryDetail> {
        let (store, scope) = (self.app().store(), self.app().scope());
        let row = store.delivery(scope, id).await?.ok_or_else(|| {
            EngineError::not_found("delivery", id)
                .with_hint("`parfocal deliveries list` shows which there are.")
        })?;
        let names = store.destinations(scope).await?;
        let tries = store.delivery_tries(id).await?;
        Ok(DeliveryDetail {
            body: row.body.clone(),
            current: row.sent_hash.as_ref() == Some(&row.content_hash),
            delivery: named(row, &names),
            tries: tries.into_iter().map(Into::into).collect(),
        })
    }

    /// Has a delivery sent once more, whatever became of it.
    ///
    /// # Errors
    /// `not_found`; `conflict` while it is on its way.
    pub async fn retry(self, id: DeliveryId, by: &By) -> Result<DeliveryDetail> {
        self.delivery(id).await?;
        let now = self.app().clock().now();
        let mut tx = self.app().store().begin(self.app().scope()).await?;
        if !tx.retry_delivery(id, now).await? {
            return Err(EngineError::new(
                Code::Conflict,
                format!("delivery {id} is on its way"),
            ));
        }
        self.note_delivery(&mut tx, by, "delivery.retry", id, json!({}))
            .await?;
        tx.commit().await?;
        self.delivery(id).await
    }

    /// Has all dead deliveries that a filter leaves sent once more; how many.
    ///
    /// # Errors
    /// `not_found` for a destination that is not there.
    pub async fn retry_all(
        self,
        of: Option<&str>,
        mut filter: DeliveryFilter,
        by: &By,
    ) -> Result<u64> {
        if let Some(of) = of {
            filter.destination = Some(self.row(of).await?.id);
        }
        let now = self.app().clock().now();
        let mut tx = self.app().store().begin(self.app().scope()).await?;
        let count = tx
            .retry_deliveries(&filter, filter.state.unwrap_or(DeliveryState::Dead), now)
            .await?;
        let change = Change {
            action: "delivery.retry",
            target: "deliveries",
            detail: json!({"destination": of, "deliveries": count}),
        };
        audit::append(&mut tx, by, &change, now).await?;
        tx.commit().await?;
        Ok(count)
    }

    /// Gives a delivery up.
    ///
    /// # Errors
    /// `not_found`; `conflict` when it has arrived or is on its way.
    pub async fn drop_delivery(self, id: DeliveryId, by: &By) -> Result<DeliveryDetail> {
        self.delivery(id).await?;
        let now = self.app().clock().now();
        let mut tx = self.app().store().begin(self.app().scope()).await?;
        let reason = format!("{} gave it up", by.actor);
        if !tx.drop_delivery(id, &reason, now).await? {
            return Err(EngineError::new(
                Code::Conflict,
                format!("delivery {id} has arrived, was given up, or is on its way"),
            ));
        }
        self.note_delivery(&mut tx, by, "delivery.drop", id, json!({}))
            .await?;
        tx.commit().await?;
        self.delivery(id).await
    }

    async fn note_delivery(
        self,
        tx: &mut Tx,
        by: &By,
        action: &str,
        id: DeliveryId,
        detail: Value,
    ) -> Result<()> {
        let change = Change {
            action,
            target: &format!("delivery/{id}"),
            detail,
        };
        audit::append(tx, by, &change, self.app().clock().now()).await?;
        Ok(())
    }
}

fn named(row: DeliveryRow, names: &[DestinationRow]) -> DeliveryView {
    let name = names
        .iter()
        .find(|known| known.id == row.destination_id)
        .map_or_else(
            || row.destination_id.to_string(),
            |known| known.name.clone(),
        );
    DeliveryView::of(row, name)
}
