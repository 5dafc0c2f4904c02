//! Registrants: who is invited is registered, who registers is invited, and who does not come is let in no more.

use parfocal_engine::provider::{MeetingProvider as _, RegistrantState, Registration};
use parfocal_engine::schedule::RegistrantReport;
use parfocal_engine::store::{NewResponse, ScheduleId};
use parfocal_engine::{Code, notify::InvitationKind};

use super::doubles::Fate;
use super::{World, how};

impl World {
    async fn look(&self, id: ScheduleId) -> RegistrantReport {
        self.app
            .attendees()
            .sync_registrants(id, &how())
            .await
            .unwrap()
    }

    /// Somebody answers by mail.
    async fn answers(&self, id: ScheduleId, email: &str, answer: &str) {
        self.hands.advance(std::time::Duration::from_secs(1));
        let now = self.clock.now();
        let rows = self.app.store().attendees(id).await.unwrap();
        let attendee = rows.iter().find(|row| row.email == email).unwrap().id;
        let said = NewResponse {
            attendee,
            occurrence: "",
            answer,
            comment: None,
            source: "reply",
            verified: true,
            sequence: 0,
            stamp: now,
        };
        let mut tx = self.app.store().begin(self.app.scope()).await.unwrap();
        assert!(tx.respond(&said, now).await.unwrap());
        tx.commit().await.unwrap();
        self.hands.advance(std::time::Duration::from_secs(1));
    }

    /// What somebody answered, as the manager tells it.
    async fn answer(&self, id: ScheduleId, email: &str) -> String {
        let all = self
            .app
            .attendees()
            .get_attendee_responses(id)
            .await
            .unwrap();
        all.into_iter()
            .find(|one| one.email == email)
            .unwrap()
            .answer
    }

    /// Who is registered at the provider, and how that stands.
    async fn there(&self, meeting: &str) -> Vec<(String, RegistrantState)> {
        let all = self.memory.registrants(meeting).await.unwrap();
        all.into_iter().map(|one| (one.email, one.state)).collect()
    }
}

pub(super) async fn who_is_invited_is_registered_and_who_registers_is_invited() {
    use RegistrantState::{Approved, Denied, Pending};
    let mut world = World::new().await;
    let plain = world.made().await.meeting;
    let nobody = world
        .app
        .attendees()
        .sync_registrants(plain.id, &how())
        .await;
    assert_eq!(nobody.unwrap_err().code(), Code::InvalidInput);

    // The provider takes no more registrations of Ann today: Bob is told, Ann when she is registered, each once.
    let mut request = world.request();
    request.registration = Some(Registration::Manual);
    world
        .script
        .once("register", Fate::FailBefore(Code::HostQuota));
    let begun = world
        .app
        .scheduling()
        .schedule(&request, &how())
        .await
        .unwrap();
    assert!(!begun.finished);
    let id = begun.meeting.id;
    let told = |world: &World| -> Vec<(InvitationKind, String)> { world.mail(id) };
    let invited = |email: &str| (InvitationKind::Request, email.to_owned());
    assert_eq!(told(&world), [invited("bob@example.com")]);
    let trouble = &begun.meeting.attendees[0].trouble;
    assert!(
        trouble
            .as_ref()
            .is_some_and(|why| why.contains("registered")),
        "{trouble:?}"
    );
    world.settle(id).await;
    assert_eq!(
        told(&world),
        [invited("bob@example.com"), invited("ann@example.com")]
    );
    let meeting = begun.meeting.meeting.clone().unwrap();
    assert_eq!(
        world.there(&meeting).await,
        [
            ("bob@example.com".to_owned(), Approved),
            ("ann@example.com".to_owned(), Approved)
        ]
    );
    // Each has an address of their own, in the place and in the text.
    let mails = world.mailbox.all();
    let own: Vec<_> = mails
        .iter()
        .filter(|one| one.schedule == id)
        .map(|one| one.event.join_url.clone().unwrap())
        .collect();
    assert!(
        own[0].contains("?for=r") && own[1].contains("?for=r") && own[0] != own[1],
        "{own:?}"
    );
    for mail in mails.iter().filter(|one| one.schedule == id) {
        assert_eq!(mail.event.location, mail.event.join_url);
        assert!(
            mail.event
                .body
                .as_ref()
                .unwrap()
                .contains(mail.event.join_url.as_ref().unwrap())
        );
    }
    let quiet = world.look(id).await;
    assert_eq!((quiet.registered, quiet.waiting), (2, 0));
    assert_eq!(
        quiet.invited.len() + quiet.added.len() + quiet.withdrawn.len(),
        0,
        "{quiet:?}"
    );

    // Carl registers by himself: he waits for the host, and is invited when he is let in.
    world
        .memory
        .registers(&meeting, "Carl@example.com", Some("Carl C"))
        .unwrap();
    let waits = world.look(id).await;
    assert_eq!((waits.waiting, waits.invited.len()), (1, 0), "{waits:?}");
    world.memory.decide(&meeting, "carl@example.com", Approved);
    let comes = world.look(id).await;
    assert_eq!(comes.invited, ["carl@example.com"]);
    assert_eq!(world.answer(id, "carl@example.com").await, "accepted");
    assert_eq!(
        told(&world)[2..],
        [invited("carl@example.com")],
        "the others are told nothing"
    );
    assert_eq!(
        world.there(&meeting).await.len(),
        3,
        "he is not registered again"
    );
    world.agree(id, "somebody more").await;

    // Ann declines by mail: she is let in no more. She changes her mind: she is.
    world.answers(id, "ann@example.com", "declined").await;
    assert_eq!(world.look(id).await.withdrawn, ["ann@example.com"]);
    assert_eq!(world.there(&meeting).await.len(), 2);
    assert_eq!(world.look(id).await.withdrawn.len(), 0, "once");
    world.answers(id, "ann@example.com", "accepted").await;
    // Today the provider takes no more of her: she is told of, and comes with a later look.
    world
        .script
        .once("register", Fate::FailBefore(Code::HostQuota));
    let later = world.look(id).await;
    assert!(
        later.added.is_empty() && later.later[0].contains("ann@"),
        "{later:?}"
    );
    assert_eq!(world.look(id).await.added, ["ann@example.com"]);
    assert_eq!(world.there(&meeting).await.len(), 3);

    // The host denies Bob: that is a refusal here. He is let in after all.
    world.memory.decide(&meeting, "bob@example.com", Denied);
    world.hands.advance(std::time::Duration::from_secs(1));
    assert_eq!(world.look(id).await.declined, ["bob@example.com"]);
    assert_eq!(world.answer(id, "bob@example.com").await, "declined");
    world.memory.decide(&meeting, "bob@example.com", Approved);
    world.hands.advance(std::time::Duration::from_secs(1));
    world.look(id).await;
    assert_eq!(world.answer(id, "bob@example.com").await, "accepted");
    world.memory.decide(&meeting, "bob@example.com", Pending);
    let still = world.look(id).await;
    assert_eq!((still.registered, still.waiting), (2, 1));
    assert_eq!(world.memory.made(), 2, "one meeting for each schedule");
}
