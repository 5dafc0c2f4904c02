//! The people of the built-in organisation: a maker and renter of cargo bikes with users in a dozen time zones.

use jiff::{SignedDuration, Timestamp};

use super::attend::Person;
use super::chance::Chance;
use super::ids::{personal_number, short_id};
use super::model::{User, UserSettings, UserStatus};

/// Name of the organisation.
pub(super) const COMPANY: &str = "Brightwater Cargo Cycles";

const DOMAIN: &str = "brightwater.example";

struct Profile {
    key: &'static str,
    first: &'static str,
    last: &'static str,
    shown: &'static str,
    called: &'static str,
    kind: u8,
    status: UserStatus,
    role: &'static str,
    zone: &'static str,
    dept: &'static str,
    job: &'static str,
    language: &'static str,
    webinar: bool,
    summary: bool,
    delete_days: Option<u32>,
}

const MEMBER: Profile = Profile {
    key: "",
    first: "",
    last: "",
    shown: "",
    called: "",
    kind: 2,
    status: UserStatus::Active,
    role: "2",
    zone: "UTC",
    dept: "",
    job: "",
    language: "en-US",
    webinar: false,
    summary: false,
    delete_days: None,
};

const PROFILES: [Profile; 14] = [
    Profile {
        key: "ingrid",
        first: "Ingrid",
        last: "Solberg",
        shown: "Ingrid Solberg",
        called: "Ingrid",
        role: "0",
        zone: "Europe/Oslo",
        dept: "Management",
        job: "Managing director",
        summary: true,
        ..MEMBER
    },
    Profile {
        key: "tobias",
        first: "Tobias",
        last: "Reinhardt",
        shown: "Tobias Reinhardt",
        called: "Tobias",
        role: "1",
        zone: "Europe/Berlin",
        dept: "Engineering",
        job: "Head of engineering",
        language: "de-DE",
        ..MEMBER
    },
    Profile {
        key: "lucia",
        first: "Lucía",
        last: "Herrera Vidal",
        shown: "Lucía Herrera Vidal",
        called: "Lucía",
        zone: "America/Mexico_City",
        dept: "Operations",
        job: "Operations lead, Latin America",
        language: "es-ES",
        ..MEMBER
    },
    Profile {
        key: "haruka",
        first: "遥",
        last: "水島",
        shown: "水島 遥",
        called: "水島",
        zone: "Asia/Tokyo",
        dept: "Partnerships",
        job: "Partner manager, Japan",
        language: "jp-JP",
        ..MEMBER
    },
    Profile {
        key: "yuwei",
        first: "雨薇",
        last: "陈",
        shown: "陈雨薇",
        called: "雨薇",
        zone: "Asia/Shanghai",
        dept: "Supply",
        job: "Supply chain manager",
        language: "zh-CN",
        ..MEMBER
    },
    Profile {
        key: "devika",
        first: "Devika",
        last: "Pillai",
        shown: "Devika Pillai",
        called: "Devika",
        zone: "Asia/Kolkata",
        dept: "Engineering",
        job: "Data engineer",
        ..MEMBER
    },
    Profile {
        key: "rosalind",
        first: "Rosalind",
        last: "Achterberg",
        shown: "Rosalind Achterberg",
        called: "Rosalind",
        zone: "Europe/London",
        dept: "Marketing",
        job: "Head of marketing",
        webinar: true,
        summary: true,
        ..MEMBER
    },
    Profile {
        key: "malik",
        first: "Malik",
        last: "Osei",
        shown: "Malik Osei",
        called: "Malik",
        kind: 1,
        zone: "Africa/Accra",
        dept: "Support",
        job: "Support lead",
        ..MEMBER
    },
    Profile {
        key: "jordan",
        first: "Jordan",
        last: "Whitfield",
        shown: "Jordan Whitfield",
        called: "Jordan",
        zone: "America/New_York",
        dept: "Sales",
        job: "Account executive",
        delete_days: Some(120),
        ..MEMBER
    },
    Profile {
        key: "saoirse",
        first: "Saoirse",
        last: "Kavanagh",
        shown: "Saoirse Kavanagh",
        called: "Saoirse",
        zone: "Australia/Sydney",
        dept: "Engineering",
        job: "Quality engineer",
        ..MEMBER
    },
    Profile {
        key: "friederike",
        first: "Friederike",
        last: "Lohmann",
        shown: "Friederike Lohmann",
        called: "Friederike",
        zone: "Europe/Berlin",
        dept: "Finance",
        job: "Finance lead",
        language: "de-DE",
        ..MEMBER
    },
    Profile {
        key: "anselmo",
        first: "Anselmo",
        last: "Quintana",
        shown: "Anselmo Quintana",
        called: "Anselmo",
        zone: "America/Los_Angeles",
        dept: "Product",
        job: "Product designer",
        language: "es-ES",
        ..MEMBER
    },
    Profile {
        key: "pieter",
        first: "Pieter",
        last: "van Duin",
        shown: "Pieter van Duin",
        called: "Pieter",
        status: UserStatus::Inactive,
        zone: "Europe/Amsterdam",
        dept: "Sales",
        job: "Former account executive",
        ..MEMBER
    },
    Profile {
        key: "amina",
        first: "Amina",
        last: "Rahimi",
        shown: "Amina Rahimi",
        called: "Amina",
        kind: 1,
        status: UserStatus::Pending,
        zone: "Asia/Kathmandu",
        dept: "Support",
        job: "Support agent",
        ..MEMBER
    },
];

/// Somebody from outside: key, name, called, address, whether the address is known to Zoom, phone.
struct Guest(
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    bool,
    Option<&'static str>,
);

const GUESTS: [Guest; 12] = [
    Guest(
        "nils",
        "Nils Fjeldstad",
        "Nils",
        "nils@fjordmat.example",
        false,
        None,
    ),
    Guest(
        "agnete",
        "Agnete Brekke",
        "Agnete",
        "agnete.brekke@fjordmat.example",
        true,
        None,
    ),
    Guest(
        "carmen",
        "Carmen Ibarra",
        "Carmen",
        "carmen@panaderiasol.example",
        false,
        None,
    ),
    Guest(
        "colette",
        "Colette Marchand",
        "Colette",
        "c.marchand@maisonmarchand.example",
        false,
        None,
    ),
    Guest(
        "bastien",
        "Bastien Roux",
        "Bastien",
        "b.roux@maisonmarchand.example",
        false,
        None,
    ),
    Guest(
        "sato",
        "佐藤 健",
        "佐藤",
        "sato@kawabepost.example",
        false,
        None,
    ),
    Guest(
        "wu",
        "吴志强",
        "吴经理",
        "wu@lianheparts.example",
        false,
        None,
    ),
    Guest(
        "priyanka",
        "Priyanka Nair",
        "Priyanka",
        "priyanka@citylogistics.example",
        false,
        None,
    ),
    Guest(
        "gareth",
        "Gareth Pugh",
        "Gareth",
        "gareth.pugh@valleybakes.example",
        false,
        None,
    ),
    Guest(
        "oksana",
        "Oksana Melnyk",
        "Oksana",
        "oksana@melnykflowers.example",
        false,
        None,
    ),
    Guest(
        "caller",
        "1520***4471",
        "caller",
        "",
        false,
        Some("1520***4471"),
    ),
    Guest(
        "room",
        "Oslo Workshop (Room 2)",
        "workshop",
        "",
        false,
        None,
    ),
];

/// The users, in order of creation, the owner first.
pub(super) fn users(seed: u64, base_time: Timestamp) -> Vec<User> {
    PROFILES
        .iter()
        .enumerate()
        .map(|(index, profile)| {
            let mut chance = Chance::of(seed, "user", index as u64);
            let licensed = profile.kind == 2;
            let days = |days: i64| {
                let at = base_time
                    .checked_sub(SignedDuration::from_hours(24 * days))
                    .unwrap_or(base_time);
                super::change::whole_second(at)
            };
            User {
                id: short_id(&mut chance),
                email: address(profile.key),
                first_name: profile.first.to_owned(),
                last_name: profile.last.to_owned(),
                display_name: profile.shown.to_owned(),
                kind: profile.kind,
                status: profile.status,
                role_id: profile.role.to_owned(),
                pmi: personal_number(&mut chance),
                timezone: profile.zone.to_owned(),
                dept: profile.dept.to_owned(),
                job_title: profile.job.to_owned(),
                language: profile.language.to_owned(),
                created_at: days(900 - 30 * i64::try_from(index).unwrap_or(0)),
                last_login: days(3 + chance.between(0, 9)),
                settings: UserSettings {
                    cloud_recording: licensed,
                    auto_recording: if licensed { "cloud" } else { "none" }.to_owned(),
                    audio_transcript: licensed,
                    auto_delete_days: profile.delete_days,
                    meeting_summary: profile.summary,
                    waiting_room: profile.key == "jordan" || profile.key == "ingrid",
                    meeting_capacity: if licensed { 300 } else { 100 },
                    webinar: profile.webinar,
                },
            }
        })
        .collect()
}

/// Address of the user with this key.
pub(super) fn address(key: &str) -> String {
    format!("{key}@{DOMAIN}")
}

/// The person a cast entry names: `key`, `key=Shown name`, `key=Before~>After` (renamed), `key!` (reconnects).
pub(super) fn person(entry: &str, users: &[User]) -> Option<Person> {
    let (entry, rejoins) = entry
        .strip_suffix('!')
        .map_or((entry, false), |entry| (entry, true));
    let (key, names) = entry
        .split_once('=')
        .map_or((entry, None), |(key, names)| (key, Some(names)));
    let mut person = if let Some(profile) = PROFILES.iter().find(|profile| profile.key == key) {
        let email = address(key);
        let user = users.iter().find(|user| user.email == email)?;
        Person::of_user(user, profile.called)
    } else {
        let guest = GUESTS.iter().find(|guest| guest.0 == key)?;
        Person {
            name: guest.1.to_owned(),
            called: guest.2.to_owned(),
            email: (!guest.3.is_empty()).then(|| guest.3.to_owned()),
            known: guest.4,
            phone: guest.5.map(str::to_owned),
            ..Person::default()
        }
    };
    if let Some(names) = names {
        match names.split_once("~>") {
            Some((before, after)) => {
                before.clone_into(&mut person.name);
                person.renamed = Some(after.to_owned());
            }
            None => names.clone_into(&mut person.name),
        }
    }
    person.rejoins = rejoins;
    Some(person)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cast_entries_are_read() {
        let users = users(1, "2026-11-20T12:00:00Z".parse().unwrap());
        assert_eq!(users.len(), 14);
        let renamed = person("priyanka=Priyanka~>Priyanka Nair | CityLogistics", &users).unwrap();
        assert_eq!(renamed.name, "Priyanka");
        assert_eq!(
            renamed.renamed.as_deref(),
            Some("Priyanka Nair | CityLogistics")
        );
        let marked = person("nils=<b>Nils</b> & \"Co\"", &users).unwrap();
        assert_eq!(marked.name, "<b>Nils</b> & \"Co\"");
        assert!(person("tobias!", &users).unwrap().rejoins);
        assert!(person("nobody", &users).is_none());
    }
}
