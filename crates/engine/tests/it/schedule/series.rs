//! Series: one occurrence moved or called off, and lengths from one to what Zoom cannot hold.

use super::*;

#[tokio::test]
async fn one_occurrence_is_moved_and_one_called_off_on_all_sides() {
    let mut world = World::new().await;
    let mut request = world.request();
    request.every = Some("week".to_owned());
    request.count = Some(5);
    request.except = vec![jiff::civil::date(2027, 1, 19)];
    let made = world
        .app
        .scheduling()
        .schedule(&request, &how())
        .await
        .unwrap()
        .meeting;
    let starts = |view: &parfocal_engine::schedule::ScheduledMeeting| -> Vec<String> {
        view.occurrences
            .iter()
            .map(|one| one.start.to_string())
            .collect()
    };
    let at_provider = |world: &World| -> Vec<String> {
        let all = world.memory.all();
        let of = &all
            .iter()
            .find(|one| Some(&one.id) == made.meeting.as_ref())
            .unwrap()
            .occurrences;
        of.iter()
            .filter(|one| one.state == parfocal_engine::provider::OccurrenceState::Available)
            .map(|one| one.start.to_string())
            .collect()
    };
    assert_eq!(starts(&made), at_provider(&world));
    assert_eq!(made.occurrences.len(), 4);
    assert!(made.occurrences.iter().all(|one| one.remote_id.is_some()));

    let change = ChangeRequest {
        occurrence: Some("2027-01-12".to_owned()),
        start: Some("2027-01-13T10:00:00".to_owned()),
        ..ChangeRequest::default()
    };
    let moved = world
        .app
        .scheduling()
        .reschedule(made.id, &change, &how())
        .await
        .unwrap()
        .meeting;
    assert_eq!(starts(&moved), at_provider(&world));
    assert!(starts(&moved).contains(&"2027-01-13T09:00:00Z".to_owned()));
    // The same one once more: the provider's id of it has changed with its start.
    let change = ChangeRequest {
        minutes: Some(45),
        start: Some("2027-01-13T11:00:00".to_owned()),
        ..change
    };
    let moved = world
        .app
        .scheduling()
        .reschedule(made.id, &change, &how())
        .await
        .unwrap()
        .meeting;
    assert_eq!(starts(&moved), at_provider(&world));

    let off = CancelRequest {
        occurrence: Some("2027-01-26".to_owned()),
        tell: None,
    };
    let less = world
        .app
        .scheduling()
        .cancel(made.id, &off, &how())
        .await
        .unwrap()
        .meeting;
    assert_eq!(
        (less.state, less.occurrences.len()),
        (ScheduleState::Scheduled, 3)
    );
    assert_eq!(starts(&less), at_provider(&world));
    let event = world
        .pages
        .all()
        .into_iter()
        .find(|one| one.key == made.id.to_string())
        .unwrap();
    assert_eq!(event.overrides.len(), 2);
    assert!(
        event
            .overrides
            .iter()
            .any(|one| one.change == OverrideChange::Cancelled)
    );
    let last = world.mailbox.all().into_iter().last().unwrap();
    assert_eq!(
        (last.kind, last.occurrence),
        (
            InvitationKind::Cancel,
            Some("2027-01-26T09:00:00".parse().unwrap())
        )
    );
    assert_eq!(less.meeting, made.meeting);

    // The whole series at another hour stands anew, but not on the day that was left out.
    let later = ChangeRequest {
        start: Some("2027-01-05T11:00:00".to_owned()),
        ..ChangeRequest::default()
    };
    let anew = world
        .app
        .scheduling()
        .reschedule(made.id, &later, &how())
        .await
        .unwrap()
        .meeting;
    let days = [
        "2027-01-05T10:00:00Z",
        "2027-01-12T10:00:00Z",
        "2027-01-26T10:00:00Z",
        "2027-02-02T10:00:00Z",
    ];
    assert_eq!(starts(&anew), days);
    assert_eq!(starts(&anew), at_provider(&world));
}

#[tokio::test]
async fn series_of_one_fifty_and_a_year_and_what_cannot_be() {
    let mut world = World::new().await;
    let mut next = 0;
    for count in [1_u32, 50, 365] {
        next += 400;
        world.day = next;
        let mut request = world.request();
        request.every = Some("day".to_owned());
        request.count = Some(count);
        let made = world
            .app
            .scheduling()
            .schedule(&request, &how())
            .await
            .unwrap()
            .meeting;
        assert_eq!(made.occurrences.len(), count as usize);
        world.agree(made.id, "series").await;
    }
    let refusal = |error: EngineError| (error.code(), error.to_string());
    let mut past = world.request();
    past.start = "2026-11-01T09:00:00".to_owned();
    let (code, said) = refusal(
        world
            .app
            .scheduling()
            .schedule(&past, &how())
            .await
            .unwrap_err(),
    );
    assert!(
        code == Code::InvalidInput && said.contains("in the past"),
        "{said}"
    );
    let mut over = world.request();
    over.every = Some("week".to_owned());
    over.until = Some(jiff::civil::date(2026, 12, 1));
    let (code, said) = refusal(
        world
            .app
            .scheduling()
            .schedule(&over, &how())
            .await
            .unwrap_err(),
    );
    assert!(
        code == Code::InvalidInput && said.contains("no meeting"),
        "{said}"
    );
    let mut endless = world.request();
    endless.every = Some("week".to_owned());
    let (code, said) = refusal(
        world
            .app
            .scheduling()
            .schedule(&endless, &how())
            .await
            .unwrap_err(),
    );
    assert!(
        code == Code::InvalidInput && said.contains("no end"),
        "{said}"
    );
    let mut skipped = world.request();
    skipped.start = "2027-03-28T02:30:00".to_owned();
    assert_eq!(
        world
            .app
            .scheduling()
            .schedule(&skipped, &how())
            .await
            .unwrap_err()
            .code(),
        Code::InvalidInput
    );
    let mut shape = world.request();
    shape.attendees = vec![Guest {
        email: "not an address".to_owned(),
        name: None,
        role: parfocal_engine::calendar::Role::Required,
    }];
    assert_eq!(
        world
            .app
            .scheduling()
            .schedule(&shape, &how())
            .await
            .unwrap_err()
            .code(),
        Code::InvalidInput
    );
    let all = ScheduleFilter::default();
    assert_eq!(
        world.app.scheduling().list(&all, 10).await.unwrap().len(),
        3
    );
}
