//! What mails say, in the languages that they are written in; one table for each.

use jiff::Zoned;

use crate::config::Language;

/// The words of one language.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) invited: &'static str,
    pub(super) changed: &'static str,
    pub(super) cancelled: &'static str,
    pub(super) reminder: &'static str,
    pub(super) subject_changed: &'static str,
    pub(super) subject_cancelled: &'static str,
    pub(super) when: &'static str,
    pub(super) repeats: &'static str,
    pub(super) join: &'static str,
    pub(super) organizer: &'static str,
    pub(super) with: &'static str,
    pub(super) accept: &'static str,
    pub(super) tentative: &'static str,
    pub(super) decline: &'static str,
    pub(super) one_occurrence: &'static str,
    pub(super) thanks: &'static str,
    pub(super) question: &'static str,
    days: [&'static str; 7],
    months: [&'static str; 12],
}

static EN: Words = Words {
    invited: "You are invited",
    changed: "This meeting has changed",
    cancelled: "This meeting was cancelled",
    reminder: "This meeting begins soon",
    subject_changed: "Changed",
    subject_cancelled: "Cancelled",
    when: "When",
    repeats: "Repeats",
    join: "Join",
    organizer: "Organizer",
    with: "With",
    accept: "Yes",
    tentative: "Maybe",
    decline: "No",
    one_occurrence: "This is about one occurrence of the series.",
    thanks: "Thank you, your answer was noted.",
    question: "Will you come?",
    days: [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ],
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
};

static DE: Words = Words {
    invited: "Sie sind eingeladen",
    changed: "Diese Besprechung hat sich geändert",
    cancelled: "Diese Besprechung wurde abgesagt",
    reminder: "Diese Besprechung beginnt bald",
    subject_changed: "Geändert",
    subject_cancelled: "Abgesagt",
    when: "Wann",
    repeats: "Wiederholung",
    join: "Teilnehmen",
    organizer: "Organisation",
    with: "Mit",
    accept: "Ja",
    tentative: "Vielleicht",
    decline: "Nein",
    one_occurrence: "Es geht um einen einzelnen Termin der Serie.",
    thanks: "Danke, Ihre Antwort wurde vermerkt.",
    question: "Kommen Sie?",
    days: [
        "Montag",
        "Dienstag",
        "Mittwoch",
        "Donnerstag",
        "Freitag",
        "Samstag",
        "Sonntag",
    ],
    months: [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ],
};

static FR: Words = Words {
    invited: "Vous êtes invité",
    changed: "Cette réunion a changé",
    cancelled: "Cette réunion est annulée",
    reminder: "Cette réunion commence bientôt",
    subject_changed: "Modifiée",
    subject_cancelled: "Annulée",
    when: "Quand",
    repeats: "Répétition",
    join: "Rejoindre",
    organizer: "Organisateur",
    with: "Avec",
    accept: "Oui",
    tentative: "Peut-être",
    decline: "Non",
    one_occurrence: "Il s’agit d’une seule réunion de la série.",
    thanks: "Merci, votre réponse est enregistrée.",
    question: "Viendrez-vous ?",
    days: [
        "lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche",
    ],
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
};

static ES: Words = Words {
    invited: "Está invitado",
    changed: "Esta reunión ha cambiado",
    cancelled: "Esta reunión se ha cancelado",
    reminder: "Esta reunión empieza pronto",
    subject_changed: "Modificada",
    subject_cancelled: "Cancelada",
    when: "Cuándo",
    repeats: "Se repite",
    join: "Entrar",
    organizer: "Organiza",
    with: "Con",
    accept: "Sí",
    tentative: "Quizás",
    decline: "No",
    one_occurrence: "Se trata de una sola reunión de la serie.",
    thanks: "Gracias, su respuesta quedó registrada.",
    question: "¿Asistirá?",
    days: [
        "lunes",
        "martes",
        "miércoles",
        "jueves",
        "viernes",
        "sábado",
        "domingo",
    ],
    months: [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
};

static PT: Words = Words {
    invited: "Você está convidado",
    changed: "Esta reunião mudou",
    cancelled: "Esta reunião foi cancelada",
    reminder: "Esta reunião começa em breve",
    subject_changed: "Alterada",
    subject_cancelled: "Cancelada",
    when: "Quando",
    repeats: "Repete",
    join: "Entrar",
    organizer: "Organização",
    with: "Com",
    accept: "Sim",
    tentative: "Talvez",
    decline: "Não",
    one_occurrence: "Trata-se de uma única reunião da série.",
    thanks: "Obrigado, sua resposta foi registrada.",
    question: "Você vem?",
    days: [
        "segunda-feira",
        "terça-feira",
        "quarta-feira",
        "quinta-feira",
        "sexta-feira",
        "sábado",
        "domingo",
    ],
    months: [
        "janeiro",
        "fevereiro",
        "março",
        "abril",
        "maio",
        "junho",
        "julho",
        "agosto",
        "setembro",
        "outubro",
        "novembro",
        "dezembro",
    ],
};

static JA: Words = Words {
    invited: "会議に招待されました",
    changed: "この会議は変更されました",
    cancelled: "この会議はキャンセルされました",
    reminder: "まもなく会議が始まります",
    subject_changed: "変更",
    subject_cancelled: "キャンセル",
    when: "日時",
    repeats: "繰り返し",
    join: "参加",
    organizer: "主催者",
    with: "参加者",
    accept: "はい",
    tentative: "未定",
    decline: "いいえ",
    one_occurrence: "定例会議のうちの 1 回についてのお知らせです。",
    thanks: "ご回答ありがとうございます。",
    question: "出席しますか？",
    days: ["月", "火", "水", "木", "金", "土", "日"],
    months: [
        "1月", "2月", "3月", "4月", "5月", "6月", "7月", "8月", "9月", "10月", "11月", "12月",
    ],
};

/// The words of a language.
pub(super) fn words(language: Language) -> &'static Words {
    match language {
        Language::En => &EN,
        Language::De => &DE,
        Language::Fr => &FR,
        Language::Es => &ES,
        Language::Pt => &PT,
        Language::Ja => &JA,
    }
}

impl Language {
    /// The language of a tag such as `de-CH`, as Zoom and browsers write it; none for one without words of ours.
    pub fn of_tag(tag: &str) -> Option<Self> {
        let code = tag.split(['-', '_']).next().unwrap_or_default();
        match code.to_ascii_lowercase().as_str() {
            "en" => Some(Self::En),
            "de" => Some(Self::De),
            "fr" => Some(Self::Fr),
            "es" => Some(Self::Es),
            "pt" => Some(Self::Pt),
            "ja" | "jp" => Some(Self::Ja),
            _ => None,
        }
    }

    /// The code, as HTML's `lang` takes it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Fr => "fr",
            Self::Es => "es",
            Self::Pt => "pt",
            Self::Ja => "ja",
        }
    }
}

/// A day in words.
pub(super) fn day(language: Language, at: &Zoned) -> String {
    let words = words(language);
    let weekday = usize::try_from(at.weekday().to_monday_zero_offset())
        .ok()
        .and_then(|at| words.days.get(at))
        .unwrap_or(&"");
    let month = usize::try_from(at.month() - 1)
        .ok()
        .and_then(|at| words.months.get(at))
        .unwrap_or(&"");
    let (day, year) = (at.day(), at.year());
    match language {
        Language::En => format!("{weekday}, {day} {month} {year}"),
        Language::De => format!("{weekday}, {day}. {month} {year}"),
        Language::Fr => format!("{weekday} {day} {month} {year}"),
        Language::Es | Language::Pt => format!("{weekday}, {day} de {month} de {year}"),
        Language::Ja => format!("{year}年{month}{day}日({weekday})"),
    }
}
