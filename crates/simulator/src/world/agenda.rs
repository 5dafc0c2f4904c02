//! The calendar of the built-in organisation: what was held in the five months before, and what is planned.

use super::model::RegistrantStatus::{self, Approved, Denied, Pending};

/// Which meeting number an entry's instances share and how they recur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Series {
    /// One start, type 2 (or 5 for webinars).
    Once,
    /// Type 8: (kind, interval, weekday 1 = Sunday or day of the month, held, planned).
    Fixed {
        kind: u8,
        every: u32,
        day: i8,
        held: u32,
        planned: u32,
    },
    /// Type 3: each start is given.
    Loose,
    /// Each start is an instant meeting of its own number, type 1.
    Instant,
    /// The host's personal room, type 4.
    Personal,
}

/// A line of the calendar.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    /// Script played; also tells what was said when it is not recorded.
    pub(super) script: &'static str,
    /// Topic; the script's title when empty.
    pub(super) topic: &'static str,
    pub(super) series: Series,
    /// Host first; see `organisation::person`.
    pub(super) cast: &'static [&'static str],
    /// Days before (negative: after) the base date; for [`Series::Fixed`] unused.
    pub(super) days: &'static [i64],
    /// Local time of day in the host's zone.
    pub(super) at: (i8, i8),
    /// Minutes planned.
    pub(super) minutes: u32,
    /// Which of the instances were recorded: all, or those at these places.
    pub(super) recorded: Recorded,
    pub(super) webinar: bool,
    pub(super) waiting_room: bool,
    /// 0 automatic, 1 by hand, 2 none.
    pub(super) approval: u8,
    pub(super) registrants: &'static [Sign],
    /// Number of file sets (2: stopped and started again).
    pub(super) parts: u8,
    /// The transcript never comes.
    pub(super) no_transcript: bool,
    /// Live captions were on.
    pub(super) captions: bool,
    /// Places of occurrences that were called off.
    pub(super) cancelled: &'static [usize],
}

/// What was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Recorded {
    All,
    None,
    Only(&'static [usize]),
}

/// A registration: first name, last name, address, state, whether they came.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign(
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) &'static str,
    pub(super) RegistrantStatus,
    pub(super) bool,
);

const PLAIN: Entry = Entry {
    script: "",
    topic: "",
    series: Series::Once,
    cast: &[],
    days: &[],
    at: (10, 0),
    minutes: 30,
    recorded: Recorded::All,
    webinar: false,
    waiting_room: false,
    approval: 2,
    registrants: &[],
    parts: 1,
    no_transcript: false,
    captions: false,
    cancelled: &[],
};

const WORKSHOP: &[Sign] = &[
    Sign(
        "Gareth",
        "Pugh",
        "gareth.pugh@valleybakes.example",
        Approved,
        true,
    ),
    Sign(
        "Oksana",
        "Melnyk",
        "oksana@melnykflowers.example",
        Approved,
        true,
    ),
    Sign(
        "Bram",
        "Teunissen",
        "bram@teunissen-koerier.example",
        Approved,
        false,
    ),
    Sign("Yusuf", "Demir", "yusuf@demirmarkt.example", Pending, false),
    Sign("Anonymous", "", "spam@listings.example", Denied, false),
];

const CLINIC: &[Sign] = &[
    Sign(
        "Carmen",
        "Ibarra",
        "carmen@panaderiasol.example",
        Approved,
        true,
    ),
    Sign(
        "Mateo",
        "Rosales",
        "mateo@floresrosales.example",
        Approved,
        true,
    ),
    Sign(
        "Ximena",
        "Prado",
        "ximena@mercadoprado.example",
        Pending,
        false,
    ),
    Sign("Rival", "Scout", "hello@otherbikes.example", Denied, false),
];

const AUDIENCE: &[Sign] = &[
    Sign(
        "Priyanka",
        "Nair",
        "priyanka@citylogistics.example",
        Approved,
        true,
    ),
    Sign(
        "Gareth",
        "Pugh",
        "gareth.pugh@valleybakes.example",
        Approved,
        true,
    ),
    Sign(
        "Colette",
        "Marchand",
        "c.marchand@maisonmarchand.example",
        Approved,
        true,
    ),
    Sign(
        "Henrike",
        "Vogt",
        "h.vogt@stadtlieferung.example",
        Approved,
        true,
    ),
    Sign(
        "Tomasz",
        "Zielinski",
        "t.zielinski@kurier-wisla.example",
        Approved,
        true,
    ),
    Sign(
        "Leilani",
        "Kahale",
        "leilani@islandcrates.example",
        Approved,
        true,
    ),
    Sign(
        "Ruben",
        "Castellanos",
        "ruben@mensajeriaverde.example",
        Approved,
        false,
    ),
    Sign("Farah", "Aziz", "farah@souqgo.example", Approved, false),
];

/// What was held: 60 instances.
pub(super) const HELD: &[Entry] = &[
    Entry {
        script: "product-weekly",
        series: Series::Fixed {
            kind: 2,
            every: 1,
            day: 3,
            held: 10,
            planned: 8,
        },
        cast: &["tobias", "anselmo", "devika", "saoirse!", "rosalind"],
        at: (15, 0),
        minutes: 45,
        captions: true,
        cancelled: &[4],
        ..PLAIN
    },
    Entry {
        script: "werkstatt",
        series: Series::Fixed {
            kind: 2,
            every: 2,
            day: 5,
            held: 6,
            planned: 4,
        },
        cast: &["friederike", "tobias", "ingrid"],
        at: (9, 30),
        ..PLAIN
    },
    Entry {
        script: "flota",
        series: Series::Loose,
        cast: &["lucia", "anselmo", "carmen"],
        days: &[141, 118, 90, 61, 33, 12],
        at: (11, 0),
        recorded: Recorded::Only(&[0, 1, 3, 4, 5]),
        ..PLAIN
    },
    Entry {
        script: "partner-ja",
        series: Series::Fixed {
            kind: 2,
            every: 3,
            day: 4,
            held: 6,
            planned: 3,
        },
        cast: &["haruka", "sato", "yuwei"],
        at: (16, 0),
        ..PLAIN
    },
    Entry {
        script: "supply-zh",
        series: Series::Fixed {
            kind: 3,
            every: 1,
            day: 14,
            held: 4,
            planned: 3,
        },
        cast: &["yuwei", "wu", "haruka"],
        at: (10, 0),
        ..PLAIN
    },
    Entry {
        script: "quick-debug",
        topic: "Support stand-up",
        series: Series::Loose,
        cast: &["malik", "saoirse"],
        days: &[47, 26, 5],
        at: (9, 0),
        minutes: 15,
        recorded: Recorded::None,
        ..PLAIN
    },
    Entry {
        script: "sales-room",
        topic: "Jordan Whitfield's Personal Meeting Room",
        series: Series::Personal,
        cast: &["jordan", "rosalind", "caller"],
        days: &[131, 96, 54, 19],
        at: (14, 0),
        waiting_room: true,
        recorded: Recorded::Only(&[1, 3]),
        ..PLAIN
    },
    Entry {
        script: "quick-debug",
        series: Series::Instant,
        cast: &["devika", "saoirse!"],
        days: &[103, 37, 2],
        at: (17, 20),
        ..PLAIN
    },
    Entry {
        script: "abgleich",
        series: Series::Instant,
        cast: &["tobias", "friederike"],
        days: &[79, 15],
        at: (13, 45),
        recorded: Recorded::Only(&[1]),
        ..PLAIN
    },
    Entry {
        script: "webinar",
        cast: &["rosalind", "ingrid", "jordan"],
        days: &[41],
        at: (16, 0),
        minutes: 60,
        webinar: true,
        approval: 0,
        registrants: AUDIENCE,
        ..PLAIN
    },
    Entry {
        script: "winter-workshop",
        cast: &["tobias", "malik"],
        days: &[23],
        at: (17, 0),
        minutes: 60,
        approval: 1,
        registrants: WORKSHOP,
        ..PLAIN
    },
    Entry {
        script: "incorporacion",
        cast: &["lucia", "anselmo"],
        days: &[68],
        at: (12, 0),
        minutes: 60,
        approval: 1,
        registrants: CLINIC,
        ..PLAIN
    },
    Entry {
        script: "rehearsal",
        cast: &["rosalind"],
        days: &[43],
        at: (11, 15),
        ..PLAIN
    },
    Entry {
        script: "rehearsal",
        topic: "Microphone check",
        cast: &["jordan"],
        days: &[85],
        at: (8, 50),
        minutes: 15,
        recorded: Recorded::None,
        ..PLAIN
    },
    Entry {
        script: "rehearsal",
        topic: "Focus time",
        series: Series::Instant,
        cast: &["anselmo"],
        days: &[29],
        at: (10, 5),
        recorded: Recorded::None,
        ..PLAIN
    },
    Entry {
        script: "incident",
        cast: &["tobias", "devika", "saoirse", "malik"],
        days: &[72],
        at: (18, 0),
        minutes: 45,
        parts: 2,
        ..PLAIN
    },
    Entry {
        script: "budget",
        cast: &["friederike", "ingrid"],
        days: &[57],
        at: (14, 30),
        no_transcript: true,
        ..PLAIN
    },
    Entry {
        script: "accessibility",
        topic: "Accessibility check <b>Q4</b> & \"forms\"",
        cast: &[
            "anselmo=Anselmo <em>Quintana</em>",
            "nils=<b>Nils</b> & \"Co\"",
            "devika=Devika <script>alert('hi')</script>",
        ],
        days: &[10],
        at: (9, 0),
        ..PLAIN
    },
    Entry {
        script: "design-critique",
        cast: &[
            "anselmo=Anselmo Quintana (he/him)",
            "room=Workshop: Bay 3",
            "gareth=Gareth 🚲 Pugh",
            "rosalind=Achterberg, Rosalind",
            "priyanka=Priyanka~>Priyanka Nair | CityLogistics",
        ],
        days: &[17],
        at: (8, 30),
        ..PLAIN
    },
    Entry {
        script: "customer-call",
        topic: "Customer call: Fjordmat",
        cast: &["jordan", "nils", "agnete", "ingrid"],
        days: &[110, 8],
        at: (9, 0),
        waiting_room: true,
        ..PLAIN
    },
    Entry {
        script: "customer-call",
        topic: "Customer call: Valley Bakes",
        cast: &["jordan", "gareth", "caller"],
        days: &[64],
        at: (10, 30),
        waiting_room: true,
        ..PLAIN
    },
    Entry {
        script: "client-fr",
        cast: &["rosalind", "colette", "bastien"],
        days: &[51],
        at: (10, 0),
        ..PLAIN
    },
    Entry {
        script: "abgleich",
        topic: "Interview: service technician",
        cast: &["friederike", "oksana"],
        days: &[92],
        at: (15, 0),
        recorded: Recorded::None,
        ..PLAIN
    },
    Entry {
        script: "all-hands",
        cast: &[
            "ingrid",
            "rosalind",
            "lucia",
            "tobias",
            "jordan",
            "devika",
            "malik",
            "saoirse!",
            "friederike",
            "anselmo",
            "room",
        ],
        // Not 30: its number would expire in the middle of somebody's day.
        days: &[27],
        at: (13, 0),
        minutes: 60,
        waiting_room: true,
        ..PLAIN
    },
];

/// What is planned, besides the coming occurrences of the series.
pub(super) const PLANNED: &[Entry] = &[
    Entry {
        script: "all-hands",
        topic: "All hands, end of year",
        cast: &["ingrid"],
        days: &[-18],
        at: (13, 0),
        minutes: 60,
        ..PLAIN
    },
    Entry {
        script: "winter-workshop",
        topic: "Open workshop: brakes and chains",
        cast: &["tobias"],
        days: &[-9],
        at: (17, 0),
        minutes: 90,
        approval: 0,
        registrants: WORKSHOP,
        ..PLAIN
    },
    Entry {
        script: "webinar",
        topic: "Cargo bikes for school runs",
        cast: &["rosalind"],
        days: &[-26],
        at: (16, 0),
        minutes: 60,
        webinar: true,
        approval: 0,
        registrants: AUDIENCE,
        ..PLAIN
    },
    Entry {
        script: "customer-call",
        topic: "Customer call: Melnyk Flowers",
        cast: &["jordan"],
        days: &[-3],
        at: (11, 0),
        ..PLAIN
    },
];
