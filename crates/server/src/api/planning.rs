//! The routes of scheduling: meetings to come, when people can be met, calendars, what people were told and answered.

use axum::routing::{get, post};
use parfocal_engine::calendar::{CalendarAccountView, ConflictView, Reminder, SyncReport};
use parfocal_engine::keys::Role;
use parfocal_engine::notify::answers::TakenReply;
use parfocal_engine::schedule::availability::{AvailabilityRequest, Available, Suggestions};
use parfocal_engine::schedule::{
    CancelRequest, ChangeRequest, Preview, RegistrantReport, ScheduleRequest, Scheduled,
    ScheduledMeeting, SettleRequest,
};

use super::notify::PushAddress;
use super::route::Route;
use super::{availability, calendars, notify, schedules};
use crate::views::{MailView, PageView, ReceivedView, ReminderView, ResponseView};

/// All of them, in the order of the description.
pub(super) fn table() -> Vec<Route> {
    let mut all = scheduling();
    all.extend(calendar());
    all.extend(people());
    all
}

fn scheduling() -> Vec<Route> {
    vec![
        Route::get("/schedules", "schedules.list", get(schedules::list))
            .about("Meetings that were scheduled here, by their first starts")
            .query::<schedules::ListParams>()
            .answers::<PageView<ScheduledMeeting>>(),
        Route::get("/schedules/{id}", "schedules.get", get(schedules::get))
            .about("A scheduled meeting with its occurrences, answers and what is left over")
            .path_part("id", "Our id.")
            .answers::<ScheduledMeeting>(),
        Route::post("/schedules", "schedules.create", post(schedules::create))
            .about("Makes a meeting, its calendar event, invitations and reminders, or none of them; an Idempotency-Key makes it once")
            .body::<ScheduleRequest>()
            .answers::<Scheduled>()
            .answers_with(201),
        Route::post(
            "/schedules/preview",
            "schedules.preview",
            post(schedules::preview),
        )
        .about("When a meeting would take place, and who is busy then; nothing is made")
        .needs(Role::Read)
        .body::<ScheduleRequest>()
        .answers::<Preview>(),
        Route::post(
            "/schedules/{id}/reschedule",
            "schedules.reschedule",
            post(schedules::reschedule),
        )
        .about("Changes a scheduled meeting, or one occurrence of it; the address to join stays")
        .path_part("id", "Our id.")
        .body::<ChangeRequest>()
        .answers::<Scheduled>(),
        Route::post(
            "/schedules/{id}/cancel",
            "schedules.cancel",
            post(schedules::cancel),
        )
        .about("Calls a scheduled meeting off, or one occurrence of it")
        .path_part("id", "Our id.")
        .may_have_body::<CancelRequest>()
        .answers::<Scheduled>(),
        Route::post(
            "/schedules/{id}/retry",
            "schedules.retry",
            post(schedules::retry),
        )
        .about("Tries again what could neither be done nor taken back")
        .path_part("id", "Our id.")
        .answers::<Scheduled>(),
        Route::post(
            "/schedules/{id}/registrants",
            "schedules.registrants",
            post(schedules::registrants),
        )
        .about("Brings registrants at the provider and people who are invited into line, both ways")
        .path_part("id", "Our id.")
        .answers::<RegistrantReport>(),
        Route::post(
            "/schedules/{id}/reminders",
            "schedules.remind",
            post(schedules::remind),
        )
        .about("Reminds people of a meeting once more: so long before each occurrence, by mail, webhook or push")
        .path_part("id", "Our id.")
        .body::<Reminder>()
        .answers::<Scheduled>(),
        Route::post(
            "/availability",
            "availability.find",
            post(availability::slots),
        )
        .about("The times at which everybody who has to come is free, works and keeps the buffers; unknown is never free")
        .needs(Role::Read)
        .body::<AvailabilityRequest>()
        .answers::<Available>(),
        Route::post(
            "/availability/suggestions",
            "availability.suggest",
            post(availability::suggestions),
        )
        .about("The times that suit best, each with a score and what it is made of")
        .needs(Role::Read)
        .body::<AvailabilityRequest>()
        .answers::<Suggestions>(),
    ]
}

fn calendar() -> Vec<Route> {
    vec![
        Route::get("/calendars", "calendars.list", get(calendars::list))
            .about("The calendars that meetings are written to, without secrets")
            .answers::<PageView<CalendarAccountView>>(),
        Route::post(
            "/calendars/{name}/check",
            "calendars.check",
            post(calendars::check),
        )
        .about("Tries a calendar; that it refuses is part of the answer")
        .path_part("name", "The calendar's name.")
        .answers::<CalendarAccountView>(),
        Route::post(
            "/calendars/{name}/sync",
            "calendars.sync",
            post(calendars::sync),
        )
        .about("Reads what people changed in a calendar: answers are taken over, everything else is put up as a conflict")
        .path_part("name", "The calendar's name.")
        .answers::<SyncReport>(),
        Route::get(
            "/calendars/conflicts",
            "calendars.conflicts",
            get(calendars::conflicts),
        )
        .about("What people changed in calendars and nobody has decided about yet")
        .answers::<PageView<ConflictView>>(),
        Route::post(
            "/calendars/settle",
            "calendars.settle",
            post(calendars::settle),
        )
        .about("Decides such a conflict: as it was scheduled here, or as the calendar says")
        .body::<SettleRequest>()
        .answers::<ScheduledMeeting>(),
    ]
}

fn people() -> Vec<Route> {
    vec![
        Route::get("/mail", "mail.list", get(notify::mails))
            .about("Mails that people were or would be sent, the latest first")
            .query::<notify::MailParams>()
            .answers::<PageView<MailView>>(),
        Route::post("/mail/replies", "mail.replies", post(notify::replies))
            .about(
                "Takes answers: a mail (message/rfc822) or a calendar (text/calendar) as the body",
            )
            .answers::<PageView<TakenReply>>(),
        Route::get("/mail/received", "mail.received", get(notify::received))
            .about("Letters with answers that were read from the mailbox, the latest first")
            .query::<notify::ReceivedParams>()
            .answers::<PageView<ReceivedView>>(),
        Route::get("/responses", "responses.list", get(notify::responses))
            .about("What the people of a schedule answered")
            .query::<notify::ResponseParams>()
            .answers::<PageView<ResponseView>>(),
        Route::get("/reminders", "reminders.list", get(notify::reminders))
            .about("Reminders, the first due first")
            .query::<notify::ReminderParams>()
            .answers::<PageView<ReminderView>>(),
        Route::get(
            "/reminders/push",
            "reminders.push",
            get(notify::push_address),
        )
        .about(
            "Where a person subscribes to reminders by push; whoever knows the address reads them",
        )
        .needs(Role::Operate)
        .query::<notify::PushParams>()
        .answers::<PushAddress>(),
    ]
}
