//! The built-in organisation, folders of transcripts and generated organisations.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use parfocal_simulator::Generate;
use parfocal_simulator::clock::Clock;
use parfocal_simulator::files::{chat_messages, read_vtt};
use parfocal_simulator::webhooks::{Hub, HubOptions};
use parfocal_simulator::world::model::{FileKind, Instance, Plan, Presence, RegistrantStatus};
use parfocal_simulator::world::{Removal, World, WorldError, WorldOptions};

pub(crate) fn base() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

pub(crate) fn options(seed: u64) -> WorldOptions {
    WorldOptions {
        seed,
        plan: Plan::Business,
        base_time: base(),
        generate: None,
        transcripts_dir: None,
        account_id: None,
    }
}

pub(crate) fn world(options: WorldOptions) -> (Arc<World>, Arc<Hub>, Arc<Clock>) {
    let clock = Arc::new(Clock::by_hand(options.base_time));
    let hub =
        Arc::new(Hub::new(clock.clone(), HubOptions::new(options.seed, options.plan)).unwrap());
    let world = World::new(options, clock.clone(), hub.clone()).unwrap();
    world.set_base_url("http://127.0.0.1:8090");
    (Arc::new(world), hub, clock)
}

fn all(world: &World) -> Vec<Arc<Instance>> {
    world
        .instances_between(Timestamp::MIN, Timestamp::MAX, None)
        .iter()
        .map(|head| world.instance_at(head.key))
        .collect()
}

#[test]
fn a_seed_names_an_account() {
    let picture = |seed| {
        let (world, ..) = world(options(seed));
        let meetings: Vec<_> = world
            .numbers()
            .iter()
            .map(|number| world.meeting(*number))
            .collect();
        format!(
            "{:?}{:?}{:?}{meetings:?}",
            world.account(),
            world.users(),
            all(&world)
        )
    };
    assert_eq!(picture(7), picture(7));
    assert_ne!(picture(7), picture(8));
}

#[test]
fn the_organisation_has_everything_that_is_awkward() {
    for seed in [1, 2, 99] {
        let (world, ..) = world(options(seed));
        let all = all(&world);
        assert_eq!(all.len(), 60, "seed {seed}");
        let oldest = base() - SignedDuration::from_hours(24 * 160);
        for one in &all {
            assert!(
                one.start > oldest && one.end.unwrap() < base(),
                "{} at {}",
                one.topic,
                one.start
            );
            assert!(world.instance(&one.uuid).is_some());
        }
        let uuids: Vec<String> = all.iter().map(|one| one.uuid.to_string()).collect();
        assert!(uuids.iter().filter(|uuid| uuid.starts_with('/')).count() >= 3);
        assert!(
            uuids
                .iter()
                .filter(|uuid| uuid.contains("//") && !uuid.starts_with('/'))
                .count()
                >= 3
        );
        assert_eq!(uuids.iter().collect::<BTreeSet<_>>().len(), 60);

        let kinds: BTreeSet<u8> = all.iter().map(|one| one.kind).collect();
        assert_eq!(kinds, BTreeSet::from([1, 2, 3, 4, 5, 8]));
        let rows = || all.iter().flat_map(|one| &one.participants);
        assert!(rows().any(|row| row.presence == Presence::InWaitingRoom));
        assert!(rows().any(|row| row.email.is_some() && row.visible_email().is_empty()));
        assert!(rows().any(|row| !row.internal
            && !row.visible_email().is_empty()
            && row.registrant_id.is_none()));
        assert!(rows().any(|row| row.registrant_id.is_some()));
        assert!(rows().any(|row| row.phone_number.is_some()));
        assert!(rows().any(|row| row.name.contains("<script>")));
        assert!(
            rows().any(|row| row.name.contains(": ")) && rows().any(|row| row.name.contains('🚲'))
        );
        assert!(all.iter().filter(|one| one.people() == 1).count() >= 3);
        assert!(
            all.iter()
                .any(|one| one.people() == 1 && one.recording.is_some())
        );
        assert!(all.iter().any(|one| one.topic.contains("<b>")));
        assert!(all.iter().filter(|one| one.recording.is_none()).count() >= 5);

        let transcripts = |one: &Instance| {
            let files = one.recording.iter().flat_map(|recording| &recording.files);
            files
                .filter(|file| file.kind == FileKind::Transcript)
                .count()
        };
        assert!(all.iter().any(|one| transcripts(one) == 2), "two sets");
        assert!(
            all.iter()
                .any(|one| one.recording.is_some() && transcripts(one) == 0),
            "transcript never"
        );

        let users = world.users();
        assert_eq!(users.len(), 14);
        assert!(
            users
                .iter()
                .map(|user| &user.timezone)
                .collect::<BTreeSet<_>>()
                .len()
                >= 10
        );
        let meetings: Vec<_> = users
            .iter()
            .flat_map(|user| world.meetings_of(&user.id))
            .collect();
        let states: BTreeSet<_> = meetings
            .iter()
            .flat_map(|meeting| &meeting.registrants)
            .map(|registrant| registrant.status.name())
            .collect();
        assert_eq!(states.len(), 3);
        assert!(
            meetings
                .iter()
                .filter(|meeting| meeting.start.is_some_and(|start| start > base()))
                .count()
                >= 4
        );
    }
}

#[test]
fn people_say_things_in_six_languages() {
    let (world, ..) = world(options(1));
    let mut talk = String::new();
    for instance in all(&world) {
        for file in instance
            .recording
            .iter()
            .flat_map(|recording| &recording.files)
        {
            if matches!(file.kind, FileKind::Transcript | FileKind::Chat) {
                let bytes = world.content(&instance, file).all().unwrap();
                talk.push_str(std::str::from_utf8(&bytes).unwrap());
            }
        }
    }
    for words in [
        "refund screen",
        "Bremsscheiben",
        "candado",
        "貨物自転車",
        "轴承",
        "les photos mercredi",
    ] {
        assert!(talk.contains(words), "nobody says {words}");
    }
    for words in ["Reacted to \"", "Replying to \"", "& why"] {
        assert!(talk.contains(words), "nowhere: {words}");
    }
}

#[test]
fn sizes_and_counts_are_those_of_the_bytes() {
    let (world, ..) = world(options(3));
    for instance in all(&world) {
        let files = instance
            .recording
            .iter()
            .flat_map(|recording| &recording.files);
        for (place, file) in files.enumerate() {
            let content = world.content(&instance, file);
            let bytes = content.all().unwrap();
            assert_eq!(file.size, bytes.len() as u64);
            assert_eq!(content.len(), file.size);
            assert_eq!(content.read(3, 5).unwrap(), bytes[3..8]);
            assert!(content.read(file.size, 10).unwrap().is_empty());
            assert_eq!(content.sha256().unwrap().len(), 64);
            let key = world.urls().download(&instance, file);
            let found = world.file_by_key(key.rsplit('/').next().unwrap()).unwrap();
            assert_eq!((found.0.uuid, found.1), (instance.uuid, place));
            match file.kind {
                FileKind::Transcript | FileKind::Cc => {
                    let text = std::str::from_utf8(&bytes).unwrap();
                    assert!(text.starts_with("WEBVTT\r\n\r\n1\r\n"));
                    let read = read_vtt(text).unwrap();
                    assert_eq!(Some(read.cues), world.items(file));
                    let length = file.end.as_millisecond() - file.start.as_millisecond();
                    assert!(i64::try_from(read.end_ms).unwrap() <= length);
                }
                FileKind::Chat => {
                    let text = std::str::from_utf8(&bytes).unwrap();
                    assert_eq!(Some(chat_messages(text)), world.items(file));
                }
                FileKind::Timeline => {
                    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
                    assert!(!value["timeline"].as_array().unwrap().is_empty());
                }
                FileKind::Mp4 | FileKind::M4a => assert_eq!(&bytes[4..8], b"ftyp"),
                FileKind::Summary => {}
            }
        }
    }
}

#[test]
fn a_series_keeps_its_wall_clock_and_its_deleted_occurrences() {
    let (world, ..) = world(options(1));
    let users = world.users();
    let weekly = users
        .iter()
        .flat_map(|user| world.meetings_of(&user.id))
        .find(|meeting| meeting.topic == "Product weekly")
        .unwrap();
    let zone = TimeZone::get(&weekly.timezone).unwrap();
    let mut offsets = BTreeSet::new();
    for one in &weekly.occurrences {
        let local = one.start.to_zoned(zone.clone());
        assert_eq!((local.hour(), local.minute()), (15, 0));
        assert_eq!(one.id, one.start.as_millisecond().to_string());
        offsets.insert(local.offset().seconds());
    }
    assert_eq!(
        offsets.len(),
        2,
        "the series crosses the end of summer time"
    );
    assert_eq!(
        weekly.occurrences.iter().filter(|one| one.deleted).count(),
        1
    );
    assert_eq!(world.instances_of(weekly.number).len(), 10);

    let last = weekly.occurrences.last().unwrap().id.clone();
    world
        .delete_meeting(weekly.number, Some(&last), "")
        .unwrap();
    let after = world.meeting(weekly.number).unwrap();
    assert!(after.occurrences.last().unwrap().deleted);
    assert_eq!(after.occurrences.len(), weekly.occurrences.len());
    let again = world.delete_meeting(weekly.number, Some(&last), "");
    assert!(matches!(again, Err(WorldError::UnknownOccurrence(_))));
}

#[test]
fn one_off_numbers_expire_and_personal_rooms_do_not() {
    let (world, _, clock) = world(options(1));
    let instances = all(&world);
    let old = instances
        .iter()
        .find(|one| one.kind == 2 && one.start < base() - SignedDuration::from_hours(24 * 50))
        .unwrap();
    assert!(world.meeting(old.number).is_none(), "{}", old.topic);
    assert!(world.latest_instance(old.number).is_some());
    let room = instances.iter().find(|one| one.kind == 4).unwrap();
    clock.advance(SignedDuration::from_hours(24 * 900)).unwrap();
    assert_eq!(world.meeting(room.number).unwrap().kind, 4);
    assert!(matches!(
        world.delete_meeting(room.number, None, ""),
        Err(WorldError::PersonalRoom)
    ));
}

#[test]
fn recordings_go_to_the_trash_and_come_back() {
    let (world, ..) = world(options(1));
    let instance = all(&world)
        .into_iter()
        .find(|one| one.recording.is_some())
        .unwrap();
    let uuid = instance.uuid;
    let file = instance.recording.as_ref().unwrap().files[0].id.clone();
    world
        .remove_recording(&uuid, Some(&file), Removal::Trash, "")
        .unwrap();
    let now = world.instance(&uuid).unwrap();
    let recording = now.recording.as_ref().unwrap();
    assert!(recording.is_kept());
    assert_eq!(recording.listed().count(), recording.files.len() - 1);
    world
        .remove_recording(&uuid, None, Removal::Trash, "")
        .unwrap();
    assert!(
        !world
            .instance(&uuid)
            .unwrap()
            .recording
            .as_ref()
            .unwrap()
            .is_kept()
    );
    world.recover_recording(&uuid, None, "").unwrap();
    assert!(
        world
            .instance(&uuid)
            .unwrap()
            .recording
            .as_ref()
            .unwrap()
            .is_kept()
    );
    world
        .remove_recording(&uuid, None, Removal::Delete, "")
        .unwrap();
    assert!(world.recover_recording(&uuid, None, "").is_err());
    assert!(
        world
            .remove_recording(&uuid, Some("no"), Removal::Trash, "")
            .is_err()
    );
}

#[test]
fn registration_follows_the_meeting() {
    let (world, ..) = world(options(1));
    let users = world.users();
    let meeting = users
        .iter()
        .flat_map(|user| world.meetings_of(&user.id))
        .find(|meeting| meeting.approval_type() == 1)
        .unwrap();
    let draft = |email: &str| parfocal_simulator::world::RegistrantDraft {
        email: email.to_owned(),
        first_name: "Una".to_owned(),
        ..Default::default()
    };
    let one = world
        .register(meeting.number, draft("una@else.example"))
        .unwrap();
    assert_eq!(one.status, RegistrantStatus::Pending);
    let again = world
        .register(meeting.number, draft("UNA@else.example"))
        .unwrap();
    assert_eq!(one.id, again.id);
    let action = parfocal_simulator::world::RegistrantAction::Approve;
    let approved = world
        .set_registrant_status(meeting.number, &one.id, action, "")
        .unwrap();
    assert_eq!(approved.status, RegistrantStatus::Approved);
    world.delete_registrant(meeting.number, &one.id).unwrap();
    assert!(world.delete_registrant(meeting.number, &one.id).is_err());
    let off = users
        .iter()
        .flat_map(|user| world.meetings_of(&user.id))
        .find(|meeting| meeting.approval_type() == 2)
        .unwrap();
    assert!(matches!(
        world.register(off.number, draft("x@y.example")),
        Err(WorldError::RegistrationOff(_))
    ));
}

#[test]
fn a_folder_becomes_the_past_byte_for_byte() {
    let root = tempfile::tempdir().unwrap();
    let vtt = "WEBVTT\r\n\r\n1\r\n00:00:01.000 --> 00:00:03.000\r\nAnn Bell: Hello.\r\n\r\n2\r\n00:00:04.000 --> 00:00:09.500\r\nBo Carr: Hi.\r\n\r\n";
    for (folder, chat) in [
        ("calls/2026-10-05_one", Some("00:00:02\tAnn Bell:\tx\r\n")),
        ("calls/2019-01-01_two", None),
        ("alone", None),
        ("deep/er/still", None),
    ] {
        let path = root.path().join(folder);
        std::fs::create_dir_all(&path).unwrap();
        std::fs::write(path.join("transcript.vtt"), vtt).unwrap();
        if let Some(chat) = chat {
            std::fs::write(path.join("chat.txt"), chat).unwrap();
        }
    }
    let (world, ..) = world(WorldOptions {
        transcripts_dir: Some(root.path().to_path_buf()),
        ..options(1)
    });
    let all = all(&world);
    assert_eq!(all.len(), 4);
    let dated = all.iter().find(|one| one.topic == "calls one").unwrap();
    assert!(dated.start.to_string().starts_with("2026-10-05T"));
    assert!(dated.participants.iter().any(|row| row.name == "Ann Bell"));
    let other = all.iter().find(|one| one.topic == "calls two").unwrap();
    assert_eq!(
        other.number, dated.number,
        "folders beside each other are a series"
    );
    for one in &all {
        assert!(
            one.start > base() - SignedDuration::from_hours(24 * 152) && one.end.unwrap() < base()
        );
        let files = &one.recording.as_ref().unwrap().files;
        let transcript = files
            .iter()
            .find(|file| file.kind == FileKind::Transcript)
            .unwrap();
        assert_eq!(
            world.content(one, transcript).all().unwrap(),
            vtt.as_bytes()
        );
        assert_eq!(world.items(transcript), Some(2));
    }
    let chats = all
        .iter()
        .flat_map(|one| &one.recording.as_ref().unwrap().files);
    assert_eq!(chats.filter(|file| file.kind == FileKind::Chat).count(), 1);
    assert!(matches!(
        World::new(
            WorldOptions {
                transcripts_dir: Some("/nowhere/at/all".into()),
                ..options(1)
            },
            Arc::new(Clock::by_hand(base())),
            Arc::new(
                Hub::new(
                    Arc::new(Clock::by_hand(base())),
                    HubOptions::new(1, Plan::Pro)
                )
                .unwrap()
            )
        ),
        Err(WorldError::Folder(_))
    ));
}

#[test]
fn a_generated_organisation_is_listed_without_being_built() {
    let (world, ..) = world(WorldOptions {
        generate: Some(Generate {
            users: 40,
            meetings: 3_000,
        }),
        ..options(5)
    });
    assert_eq!(world.users().len(), 40);
    let heads = world.instances_between(Timestamp::MIN, Timestamp::MAX, None);
    assert_eq!(heads.len(), 3_000);
    assert!(heads.windows(2).all(|pair| pair[0].start <= pair[1].start));
    assert!(heads.iter().all(|head| head.end.unwrap() < base()));
    assert!(heads.iter().any(|head| head.uuid.needs_double_encoding()));
    let mut by_host = 0;
    for user in world.users() {
        by_host += world
            .instances_between(Timestamp::MIN, Timestamp::MAX, Some(&user.id))
            .len();
    }
    assert_eq!(by_host, 3_000);
    for head in heads.iter().step_by(211) {
        let instance = world.instance_at(head.key);
        assert_eq!((instance.uuid, instance.number), (head.uuid, head.number));
        assert!(world.meeting(head.number).is_some());
        for file in instance
            .recording
            .iter()
            .flat_map(|recording| &recording.files)
        {
            assert_eq!(world.content(&instance, file).len(), file.size);
        }
    }
    // A derived instance that changes is kept from then on.
    let recorded = heads.iter().find(|head| head.recorded).unwrap();
    world
        .remove_recording(&recorded.uuid, None, Removal::Trash, "")
        .unwrap();
    assert!(
        !world
            .instance_at(recorded.key)
            .recording
            .as_ref()
            .unwrap()
            .is_kept()
    );
}
