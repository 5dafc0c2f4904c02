//! People who were taken for one are two again; people who go, go everywhere.

use parfocal_store::{DeliveryEnd, DeliveryRow, PersonId};

use super::*;
use crate::audit::By;
use crate::components::Activation;
use crate::keys::{Caller, Surface};

/// As [`Everything`], with events that are told once, as systems have them that act on events.
#[derive(Debug)]
struct Once;

impl Destination for Once {
    fn kind(&self) -> &'static str {
        "once"
    }

    fn takes(&self) -> Takes {
        Takes::People
    }

    fn plan_person(&self, file: &PersonFile) -> Plan {
        let mut plan = Everything.plan_person(file);
        for one in plan.send.iter_mut().filter(|one| one.kind == "event") {
            one.again = Again::Never;
        }
        plan
    }

    fn deliver(&self, batch: Vec<Delivery>, reports: Reports) -> BoxFuture<'_, ()> {
        Everything.deliver(batch, reports)
    }

    fn check(&self) -> BoxFuture<'_, Result<Checked>> {
        Everything.check()
    }
}

impl World {
    /// Everything that is to be sent arrives.
    async fn arrive(&self) -> Vec<String> {
        let now = self.app.clock().now();
        let mut sent = Vec::new();
        loop {
            let mut tx = self.app.store().begin(self.app.scope()).await.unwrap();
            let taken = tx.take_deliveries(self.destination, 100, now).await;
            let taken = taken.unwrap();
            if taken.is_empty() {
                return sent;
            }
            for row in taken {
                let end = DeliveryEnd {
                    state: DeliveryState::Done,
                    sent_hash: Some(row.content_hash.clone()),
                    next_at: now,
                    counts: true,
                    progress: None,
                    remote_id: Some(format!("there:{}", row.record_key)),
                    said: json!({"text": "thanks"}),
                    reason: None,
                    advice: None,
                    outcome: "done",
                };
                tx.end_delivery(row.id, &end, now).await.unwrap();
                sent.push(row.record_key);
            }
            tx.commit().await.unwrap();
        }
    }

    async fn rows(&self) -> Vec<DeliveryRow> {
        let (filter, page) = (DeliveryFilter::default(), PageRequest::first(1_000));
        let found = self
            .app
            .store()
            .deliveries(self.app.scope(), &filter, &page)
            .await;
        found.unwrap().items
    }

    async fn of(&self, email: &str) -> PersonId {
        self.app.destinations().person_named(email).await.unwrap()
    }

    /// A world in which the last person, under two addresses, was two and turned out to be one; all of it arrived.
    async fn merged() -> (Self, PersonId, PersonId) {
        let world = Self::make().await;
        // Each is read by itself: whoever is known first is the older one.
        for said in [
            &[Said::Registered(3, 0)][..],
            &[Said::Joined(3, 1), Said::Ended(1)],
        ] {
            for one in said {
                world.hear(*one).await;
            }
            world.read_by(&Once).await;
        }
        let (older, younger) = (
            world.of("three@home.example").await,
            world.of(&email(3)).await,
        );
        assert_ne!(older, younger);
        world.arrive().await;
        world.hear(Said::Registered(3, 1)).await;
        world.read_by(&Once).await;
        world.arrive().await;
        assert_eq!(world.of(&email(3)).await, older, "they are one");
        (world, older, younger)
    }
}

#[tokio::test]
async fn a_merge_is_undone_for_good_and_nothing_is_told_twice() {
    let (world, older, younger) = World::merged().await;
    let (app, by) = (&world.app, By::system());
    let merged = app.store().merged_people(app.scope(), older).await.unwrap();
    assert_eq!(merged.len(), 1);
    assert_eq!(merged[0].id, younger);
    let known: Vec<&str> = merged[0]
        .identities
        .iter()
        .map(|(_, value)| &**value)
        .collect();
    assert_eq!(known, ["person3@acme.example", "R3-1"]);
    let view = app.destinations().split(&younger.to_string(), &by).await;
    let view = view.unwrap();
    assert_eq!(
        (view.id, view.person.email.as_str()),
        (younger, "person3@acme.example")
    );
    assert_eq!(world.of("three@home.example").await, older);
    // What is told of both afterwards, by the same registration, leaves them two; what was told stays told.
    for said in [Said::Registered(3, 1), Said::Joined(3, 1)] {
        world.hear(said).await;
    }
    world.read_by(&Once).await;
    assert_eq!(world.of("three@home.example").await, older);
    assert_eq!(world.of(&email(3)).await, younger);
    let sent = world.arrive().await;
    let contacts = [format!("contact/{older}"), format!("contact/{younger}")];
    assert!(
        sent.iter().all(|key| contacts.contains(key)) && sent.contains(&contacts[1]),
        "{sent:?}"
    );
    // Whoever is one with nobody cannot be split off, and whoever is nobody is not found.
    for (which, code) in [
        (younger.to_string(), crate::Code::Conflict),
        (email(3), crate::Code::NotFound),
        (
            PersonId::from(uuid::Uuid::nil()).to_string(),
            crate::Code::NotFound,
        ),
    ] {
        let refused = app.destinations().split(&which, &by).await.unwrap_err();
        assert_eq!(refused.code(), code, "{which}");
    }
}

#[tokio::test]
async fn whoever_is_erased_goes_everywhere() {
    let (world, older, _) = World::merged().await;
    let (app, by) = (&world.app, By::system());
    let caller = Caller::local(Surface::Cli);
    app.components()
        .activate("activation", &Activation::default(), &caller)
        .await
        .unwrap();
    assert!(app.destinations().erase(&email(3), &by).await.unwrap() > 0);
    let rows = world.rows().await;
    let [row] = &rows[..] else {
        panic!("one order is left, to take them away: {rows:?}");
    };
    assert_eq!(row.record_key, format!("erase/{older}"));
    assert_eq!(row.state, DeliveryState::Pending);
    assert_eq!(
        row.body["emails"],
        json!(["person3@acme.example", "three@home.example"])
    );
    let there = row.body["remote_ids"].to_string();
    assert!(there.contains("there:contact/"), "{there}");
    for which in ["three@home.example", "person3@acme.example"] {
        let gone = app.destinations().person(which).await.unwrap_err();
        assert_eq!(gone.code(), crate::Code::NotFound);
    }
    // What is kept names them no more: whoever reads everything again finds nobody.
    world.backfill().await;
    let again = world.rows().await;
    assert_eq!(again.len(), 1, "{again:?}");
}
