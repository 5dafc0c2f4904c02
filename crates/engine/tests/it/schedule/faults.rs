//! A fault or a crash at every call outside, while scheduling, moving and calling off.

use super::*;

pub(super) async fn whatever_fails_or_dies_while_scheduling_the_world_is_whole() {
    let mut world = World::new().await;
    for (operation, lost) in [
        ("create", Code::OutcomeUnknown),
        ("put", Code::CalendarUnavailable),
        ("send", Code::CalendarUnavailable),
    ] {
        for fate in fates(lost) {
            let what = format!("{operation} {fate:?}");
            let request = world.request();
            let begun = world
                .app
                .scheduling()
                .schedule(&request, &how().detached())
                .await
                .unwrap();
            let id = begun.meeting.id;
            world.script.once(operation, fate);
            world.until_it_hangs(id).await;
            if matches!(fate, Fate::HangBefore | Fate::HangAfter) {
                world.die().await;
            }
            world.settle(id).await;
            assert!(world.script.is_used(), "{what}");
            let refused = fate == Fate::FailBefore(Code::InvalidInput);
            if operation == "send" && refused {
                // The meeting stands; one person could not be told, and that is on the list until it is tried again.
                let view = world.app.scheduling().get(id).await.unwrap();
                assert_eq!(
                    (view.state, view.left_over.len()),
                    (ScheduleState::Scheduled, 1),
                    "{what}"
                );
                assert_eq!(world.mail(id).len(), 1, "{what}");
                world.app.scheduling().retry(id, &how()).await.unwrap();
                let mut mail = world.mail(id);
                mail.sort();
                assert_eq!(mail, to_both(InvitationKind::Request), "{what}");
                world.agree(id, &what).await;
                continue;
            }
            let state = world.agree(id, &what).await;
            if refused {
                assert_eq!(
                    (state, world.mail(id)),
                    (ScheduleState::Failed, vec![]),
                    "{what}"
                );
                // Its time is free again.
                assert!(
                    world
                        .app
                        .scheduling()
                        .preview(&request)
                        .await
                        .unwrap()
                        .conflicts
                        .is_empty(),
                    "{what}"
                );
            } else {
                let mut mail = world.mail(id);
                mail.sort();
                assert_eq!(
                    (state, mail),
                    (ScheduleState::Scheduled, to_both(InvitationKind::Request)),
                    "{what}"
                );
            }
        }
    }
    // Undoing fails and dies as well: the calendar refuses for good, and taking the meeting back has its own trouble.
    for fate in fates(Code::ZoomUnreachable) {
        let what = format!("undo {fate:?}");
        let request = world.request();
        let begun = world
            .app
            .scheduling()
            .schedule(&request, &how().detached())
            .await
            .unwrap();
        let id = begun.meeting.id;
        world
            .script
            .once("put", Fate::FailAfter(Code::CalendarRefused));
        world.script.once("delete", fate);
        world.until_it_hangs(id).await;
        if matches!(fate, Fate::HangBefore | Fate::HangAfter) {
            world.die().await;
        }
        let ended = world.settle(id).await;
        if fate == Fate::FailBefore(Code::InvalidInput) {
            // What could not be undone is on a list with a retry.
            assert_eq!(ended, SagaState::Stuck, "{what}");
            let view = world.app.scheduling().get(id).await.unwrap();
            assert_eq!(
                (view.state, view.left_over.len()),
                (ScheduleState::Stuck, 1),
                "{what}"
            );
            assert!(world.mail(id).is_empty(), "{what}");
            let failed = world.app.scheduling().retry(id, &how()).await.unwrap_err();
            assert_eq!(failed.code(), Code::CalendarRefused, "{failed}");
        }
        assert_eq!(
            world.agree(id, &what).await,
            ScheduleState::Failed,
            "{what}"
        );
        assert!(world.mail(id).is_empty(), "{what}");
    }
}

pub(super) async fn whatever_fails_or_dies_while_moving_the_world_is_whole() {
    let mut world = World::new().await;
    for (operation, lost) in [
        ("update", Code::ZoomUnreachable),
        ("put", Code::CalendarUnavailable),
        ("send", Code::CalendarUnavailable),
    ] {
        for fate in fates(lost) {
            let refused = fate == Fate::FailBefore(Code::InvalidInput);
            if operation == "send" && refused {
                continue;
            }
            let what = format!("{operation} {fate:?}");
            let made = world.made().await.meeting;
            let day = made.start_local.split_once('T').unwrap().0.to_owned();
            let change = ChangeRequest {
                start: Some(format!("{day}T15:00:00")),
                ..ChangeRequest::default()
            };
            world
                .app
                .scheduling()
                .reschedule(made.id, &change, &how().detached())
                .await
                .unwrap();
            world.script.once(operation, fate);
            world.until_it_hangs(made.id).await;
            if matches!(fate, Fate::HangBefore | Fate::HangAfter) {
                world.die().await;
            }
            world.settle(made.id).await;
            assert!(world.script.is_used(), "{what}");
            assert_eq!(
                world.agree(made.id, &what).await,
                ScheduleState::Scheduled,
                "{what}"
            );
            let view = world.app.scheduling().get(made.id).await.unwrap();
            assert_eq!(
                (view.meeting, view.join_url),
                (made.meeting, made.join_url),
                "{what}"
            );
            assert_eq!(view.start == made.start, refused, "{what}");
            assert_eq!(
                world.mail(made.id).len(),
                if refused { 2 } else { 4 },
                "{what}"
            );
        }
    }
}

pub(super) async fn whatever_fails_or_dies_while_cancelling_the_world_is_whole() {
    let mut world = World::new().await;
    for (operation, lost) in [
        ("delete", Code::ZoomUnreachable),
        ("remove", Code::CalendarUnavailable),
        ("send", Code::CalendarUnavailable),
    ] {
        for fate in fates(lost) {
            let what = format!("{operation} {fate:?}");
            let made = world.made().await.meeting;
            let off = CancelRequest {
                occurrence: None,
                tell: None,
            };
            world
                .app
                .scheduling()
                .cancel(made.id, &off, &how().detached())
                .await
                .unwrap();
            world.script.once(operation, fate);
            world.until_it_hangs(made.id).await;
            if matches!(fate, Fate::HangBefore | Fate::HangAfter) {
                world.die().await;
            }
            let ended = world.settle(made.id).await;
            assert!(world.script.is_used(), "{what}");
            if fate == Fate::FailBefore(Code::InvalidInput) {
                let stands = if operation == "send" {
                    SagaState::Done
                } else {
                    SagaState::Stuck
                };
                assert_eq!(ended, stands, "{what}");
                world.app.scheduling().retry(made.id, &how()).await.unwrap();
            }
            assert_eq!(
                world.agree(made.id, &what).await,
                ScheduleState::Cancelled,
                "{what}"
            );
            let cancels = world
                .mail(made.id)
                .into_iter()
                .filter(|one| one.0 == InvitationKind::Cancel);
            assert_eq!(cancels.count(), 2, "{what}");
        }
    }
}
