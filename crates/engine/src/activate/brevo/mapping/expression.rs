//! Expressions: text with fields in braces, each sent through transforms of a closed list.
//!
//! `{person.attended}` alone keeps the field's kind; with anything beside it, it becomes text. `{meeting.topic | truncate:40}`
//! goes through a transform; `{{` and `}}` are braces.

use std::collections::BTreeMap;

use super::worth::{About, Field, Kind, Worth};

/// An expression that has been read.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expression {
    pub(super) source: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Field(Field, Vec<Transform>),
}

/// Everything that may be done with a value.
#[derive(Debug, Clone, PartialEq)]
enum Transform {
    Trim,
    Lower,
    Upper,
    Slug,
    Domain,
    Truncate(usize),
    Default(String),
    Choose(BTreeMap<String, String>, Option<String>),
    Date(Option<String>),
    Time(Option<String>),
    Round(u8),
    Hours,
    Text,
    Number,
    Count,
    Join(String),
}

/// Name, what it takes, what it does: for the documentation and for "there are …".
pub(super) const TRANSFORMS: [(&str, &str, &str); 16] = [
    ("trim", "a text", "without blanks at its ends"),
    ("lower", "a text", "in small letters"),
    ("upper", "a text", "in capitals"),
    (
        "slug",
        "a text",
        "letters and digits, everything else as one `-`",
    ),
    ("domain", "an address", "what stands behind the `@`"),
    ("truncate:N", "a text", "its first N letters"),
    (
        "default:TEXT",
        "anything",
        "TEXT when there is nothing; as a number where a number was",
    ),
    (
        "choose:A=X,B=Y,*=Z",
        "a text, true or false",
        "X for A, Y for B, Z for everything else; without `*` nothing for everything else",
    ),
    (
        "date",
        "a point in time",
        "its date in UTC; `date:Europe/Berlin` in that zone",
    ),
    (
        "time",
        "a point in time",
        "its time of day as 14:30 in UTC; `time:Europe/Berlin` in that zone",
    ),
    ("round", "a number", "whole; `round:1` with one decimal"),
    ("hours", "a number of minutes", "as hours"),
    ("text", "anything", "as text"),
    ("number", "a text", "as a number, nothing when it is none"),
    ("count", "a list", "how many there are"),
    ("join:TEXT", "a list", "one text with TEXT in between"),
];

impl Transform {
    fn read(said: &str) -> Result<Self, String> {
        let (name, given) = match said.split_once(':') {
            Some((name, given)) => (name.trim(), Some(given.trim())),
            None => (said.trim(), None),
        };
        let bare = |transform: Self| match given {
            None => Ok(transform),
            Some(_) => Err(format!("the transform {name} takes nothing behind a colon")),
        };
        let need = || {
            given
                .filter(|given| !given.is_empty())
                .ok_or_else(|| format!("the transform {name} needs something behind a colon"))
        };
        match name {
            "trim" => bare(Self::Trim),
            "lower" => bare(Self::Lower),
            "upper" => bare(Self::Upper),
            "slug" => bare(Self::Slug),
            "domain" => bare(Self::Domain),
            "hours" => bare(Self::Hours),
            "text" => bare(Self::Text),
            "number" => bare(Self::Number),
            "count" => bare(Self::Count),
            "truncate" => need()?
                .parse()
                .ok()
                .filter(|length| *length > 0)
                .map(Self::Truncate)
                .ok_or_else(|| "truncate needs a number of letters".to_owned()),
            "round" => given
                .unwrap_or("0")
                .parse()
                .ok()
                .filter(|decimals| *decimals <= 6)
                .map(Self::Round)
                .ok_or_else(|| "round needs a number of decimals up to 6".to_owned()),
            "default" => Ok(Self::Default(need()?.to_owned())),
            "join" => Ok(Self::Join(
                said.split_once(':')
                    .map_or(", ", |(_, given)| given)
                    .to_owned(),
            )),
            "date" | "time" => {
                let zone = given.map(str::to_owned);
                if let Some(zone) = &zone {
                    jiff::tz::TimeZone::get(zone).map_err(|_| format!("{zone} is no time zone"))?;
                }
                Ok(if name == "date" {
                    Self::Date(zone)
                } else {
                    Self::Time(zone)
                })
            }
            "choose" => {
                let mut choices = BTreeMap::new();
                let mut other = None;
                for pair in need()?.split(',') {
                    let (from, to) = pair
                        .split_once('=')
                        .ok_or_else(|| format!("choose needs pairs such as a=b, not {pair:?}"))?;
                    let (from, to) = (from.trim(), to.trim().to_owned());
                    if from == "*" {
                        other = Some(to);
                    } else if choices.insert(from.to_owned(), to).is_some() {
                        return Err(format!("choose has {from} twice"));
                    }
                }
                Ok(Self::Choose(choices, other))
            }
            _ => {
                let all: Vec<&str> = TRANSFORMS
                    .iter()
                    .map(|(name, ..)| name.split(':').next().unwrap_or(name))
                    .collect();
                Err(format!(
                    "there is no transform {name}; there are {}",
                    all.join(", ")
                ))
            }
        }
    }

    /// The kind that comes out, or why it cannot go in.
    fn kind(&self, input: Kind) -> Result<Kind, String> {
        let only = |fits: bool, wanted: &str, gives: Kind| {
            if fits || input == Kind::Any {
                Ok(gives)
            } else {
                Err(format!(
                    "this transform needs {wanted}, and gets {}",
                    input.word()
                ))
            }
        };
        let is = |kind: Kind| input == kind;
        match self {
            Self::Trim
            | Self::Lower
            | Self::Upper
            | Self::Slug
            | Self::Domain
            | Self::Truncate(_) => only(is(Kind::Text), "a text", Kind::Text),
            Self::Default(text) => match input {
                Kind::Number if text.parse::<f64>().is_err() => {
                    Err(format!("the default {text} is no number"))
                }
                Kind::Text | Kind::Number | Kind::Any => Ok(input),
                _ => Err(format!("a default cannot be {}", input.word())),
            },
            Self::Choose(..) => only(
                is(Kind::Text) || is(Kind::Truth),
                "a text or true or false",
                Kind::Text,
            ),
            Self::Date(_) => only(
                is(Kind::Instant) || is(Kind::Date),
                "a point in time",
                Kind::Date,
            ),
            Self::Time(_) => only(is(Kind::Instant), "a point in time", Kind::Text),
            Self::Round(_) | Self::Hours => only(is(Kind::Number), "a number", Kind::Number),
            Self::Text => Ok(Kind::Text),
            Self::Number => only(is(Kind::Text) || is(Kind::Number), "a text", Kind::Number),
            Self::Count => only(is(Kind::List), "a list", Kind::Number),
            Self::Join(_) => only(is(Kind::List), "a list", Kind::Text),
        }
    }

    /// What comes out; what does not fit gives nothing, and never something else.
    fn apply(&self, worth: Worth) -> Worth {
        let text = |worth: &Worth, change: &dyn Fn(&str) -> String| match worth {
            Worth::Text(text) => {
                let changed = change(text);
                if changed.is_empty() {
                    Worth::Nothing
                } else {
                    Worth::Text(changed)
                }
            }
            _ => Worth::Nothing,
        };
        let placed = |at: jiff::Timestamp, zone: &Option<String>| {
            let zone = zone
                .as_deref()
                .and_then(|name| jiff::tz::TimeZone::get(name).ok());
            at.to_zoned(zone.unwrap_or(jiff::tz::TimeZone::UTC))
                .datetime()
        };
        match self {
            Self::Trim => text(&worth, &|text| text.trim().to_owned()),
            Self::Lower => text(&worth, &str::to_lowercase),
            Self::Upper => text(&worth, &str::to_uppercase),
            Self::Slug => text(&worth, &slug),
            Self::Domain => text(&worth, &|text| {
                text.rsplit_once('@')
                    .map_or("", |(_, host)| host)
                    .to_owned()
            }),
            Self::Truncate(most) => text(&worth, &|text| text.chars().take(*most).collect()),
            Self::Default(given) => match worth {
                Worth::Nothing => Worth::Text(given.clone()),
                other => other,
            },
            Self::Choose(choices, other) => match worth.text() {
                None => Worth::Nothing,
                Some(said) => choices
                    .get(&said)
                    .or(other.as_ref())
                    .map_or(Worth::Nothing, |to| Worth::Text(to.clone())),
            },
            Self::Date(zone) => match worth {
                Worth::Instant(at) => Worth::Date(placed(at, zone).date()),
                Worth::Date(date) => Worth::Date(date),
                _ => Worth::Nothing,
            },
            Self::Time(zone) => match worth {
                Worth::Instant(at) => Worth::Text(placed(at, zone).strftime("%H:%M").to_string()),
                _ => Worth::Nothing,
            },
            Self::Round(decimals) => match worth {
                Worth::Number(number) => {
                    let scale = 10_f64.powi(i32::from(*decimals));
                    Worth::Number((number * scale).round() / scale)
                }
                _ => Worth::Nothing,
            },
            Self::Hours => match worth {
                Worth::Number(number) => Worth::Number(number / 60.0),
                _ => Worth::Nothing,
            },
            Self::Text => worth.text().map_or(Worth::Nothing, Worth::Text),
            Self::Number => match worth {
                Worth::Text(text) => text
                    .trim()
                    .parse::<f64>()
                    .ok()
                    .filter(|number| number.is_finite())
                    .map_or(Worth::Nothing, Worth::Number),
                Worth::Number(number) => Worth::Number(number),
                _ => Worth::Nothing,
            },
            Self::Count => match worth {
                Worth::List(all) => Worth::of_count(i64::try_from(all.len()).unwrap_or(i64::MAX)),
                _ => Worth::Nothing,
            },
            Self::Join(between) => match worth {
                Worth::List(all) if !all.is_empty() => Worth::Text(all.join(between)),
                _ => Worth::Nothing,
            },
        }
    }
}

fn slug(text: &str) -> String {
    let mut out = String::new();
    for letter in text.to_lowercase().chars() {
        if letter.is_alphanumeric() {
            out.push(letter);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
    }
    out.trim_end_matches('-').to_owned()
}

impl Expression {
    /// Reads an expression; `of_moment` says whether there is a moment to ask about.
    ///
    /// # Errors
    /// Braces that do not pair, fields and transforms that do not exist or do not fit each other.
    pub(super) fn read(source: &str, of_moment: bool) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut rest = source;
        while let Some(at) = rest.find(['{', '}']) {
            text.push_str(&rest[..at]);
            let brace = &rest[at..];
            if let Some(after) = brace.strip_prefix("{{") {
                text.push('{');
                rest = after;
                continue;
            }
            if let Some(after) = brace.strip_prefix("}}") {
                text.push('}');
                rest = after;
                continue;
            }
            let Some(after) = brace.strip_prefix('{') else {
                return Err("a brace closes that was not opened (write }} for a brace)".to_owned());
            };
            let Some((inside, after)) = after.split_once('}') else {
                return Err("a brace opens and does not close (write {{ for a brace)".to_owned());
            };
            if !text.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut text)));
            }
            let mut steps = inside.split('|');
            let field = Field::named(steps.next().unwrap_or("").trim(), of_moment)?;
            let transforms = steps.map(Transform::read).collect::<Result<Vec<_>, _>>()?;
            let mut kind = field.kind();
            for transform in &transforms {
                kind = transform.kind(kind)?;
            }
            parts.push(Part::Field(field, transforms));
            rest = after;
        }
        text.push_str(rest);
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Self {
            source: source.to_owned(),
            parts,
        })
    }

    /// The kind it will have.
    pub(super) fn kind(&self) -> Kind {
        match self.parts.as_slice() {
            [Part::Field(field, transforms)] => transforms
                .iter()
                .try_fold(field.kind(), |kind, transform| transform.kind(kind))
                .unwrap_or(Kind::Any),
            _ => Kind::Text,
        }
    }

    /// What it can be at all, where its last step chooses from a list.
    pub(super) fn choices(&self) -> Option<Vec<&str>> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(vec![text]),
            [Part::Field(_, transforms)] => match transforms.last() {
                Some(Transform::Choose(choices, other)) => Some(
                    choices
                        .values()
                        .chain(other.as_ref())
                        .map(String::as_str)
                        .collect(),
                ),
                _ => None,
            },
            _ => None,
        }
    }

    /// Its value for a person, or for something that happened to them.
    pub(super) fn worth(&self, about: &About<'_>) -> Worth {
        let of = |field: &Field, transforms: &[Transform]| {
            let numeric = field.kind() == Kind::Number;
            let worth = transforms
                .iter()
                .fold(field.worth(about), |worth, transform| {
                    transform.apply(worth)
                });
            // A default stands in the file as text; where a number was asked for it is one.
            match worth {
                Worth::Text(text) if numeric && self.kind() == Kind::Number => {
                    text.parse().map_or(Worth::Nothing, Worth::Number)
                }
                other => other,
            }
        };
        if let [Part::Field(field, transforms)] = self.parts.as_slice() {
            return of(field, transforms);
        }
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Field(field, transforms) => {
                    out.push_str(&of(field, transforms).text().unwrap_or_default());
                }
            }
        }
        if out.trim().is_empty() {
            Worth::Nothing
        } else {
            Worth::Text(out)
        }
    }
}
