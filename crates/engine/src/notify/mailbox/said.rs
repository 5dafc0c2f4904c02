//! What a mail server says over IMAP, one thing after the other, as far as it matters here.

use imap_proto::{AttributeValue, Capability, MailboxDatum, Response, ResponseCode, Status};

use super::wire::refused;
use crate::error::Result;

/// Words of the server that are kept.
const WORDS: usize = 300;

/// One thing that the server said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    Greeting,
    GoOn,
    End {
        tag: String,
        status: Status,
        words: String,
    },
    Bye(String),
    Can(Vec<String>),
    Validity(u32),
    Found(Vec<u32>),
    Letter(Fetched),
    Other,
}

/// What was fetched of a letter.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Fetched {
    /// Its number in the folder, for good as long as `UIDVALIDITY` stays.
    pub(super) uid: u32,
    /// Its size in bytes.
    pub(super) size: Option<u32>,
    /// All of it.
    pub(super) whole: Option<Vec<u8>>,
}

/// The first thing in what was read, and how long it is; none while it is not whole.
pub(super) fn understood(read: &[u8]) -> Result<Option<(Said, usize)>> {
    let Some(first) = read.windows(2).position(|two| two == b"\r\n") else {
        return Ok(None);
    };
    match Response::parse(read) {
        Ok((rest, response)) => Ok(Some((said(response), read.len() - rest.len()))),
        // A line is there; only what goes on after it, such as a letter, can be missing.
        Err(error) if error.is_incomplete() => Ok(None),
        // What is not asked for and not known, such as another extension's news, is passed over.
        Err(_) if read.starts_with(b"* ") && !read[..first].ends_with(b"}") => {
            Ok(Some((Said::Other, first + 2)))
        }
        Err(_) => {
            let start: Vec<u8> = read[..first].iter().copied().take(80).collect();
            Err(refused(format!(
                "the mailbox says what is no IMAP: {:?}",
                String::from_utf8_lossy(&start)
            )))
        }
    }
}

fn said(response: Response<'_>) -> Said {
    match response {
        Response::Continue(_) => Said::GoOn,
        Response::Capabilities(list) => Said::Can(abilities(list)),
        Response::Done {
            tag,
            status,
            outcome,
        } => Said::End {
            tag: tag.0,
            status,
            words: bounded(outcome.information.as_deref().unwrap_or("no reason given")),
        },
        Response::Data { status, outcome } => match (status, outcome.code) {
            (Status::Bye, _) => Said::Bye(bounded(
                outcome.information.as_deref().unwrap_or("no reason given"),
            )),
            (_, Some(ResponseCode::UidValidity(number))) => Said::Validity(number),
            (Status::Ok | Status::PreAuth, _) => Said::Greeting,
            _ => Said::Other,
        },
        Response::MailboxData(MailboxDatum::Search(list)) => Said::Found(list),
        Response::Fetch(_, values) => {
            let mut one = Fetched::default();
            for value in values {
                match value {
                    AttributeValue::Uid(uid) => one.uid = uid,
                    AttributeValue::Rfc822Size(size) => one.size = Some(size),
                    AttributeValue::BodySection {
                        section: None,
                        data: Some(data),
                        ..
                    } => one.whole = Some(data.into_owned()),
                    _ => {}
                }
            }
            Said::Letter(one)
        }
        _ => Said::Other,
    }
}

fn abilities(list: Vec<Capability<'_>>) -> Vec<String> {
    list.into_iter()
        .map(|one| match one {
            Capability::Imap4rev1 => "IMAP4rev1".to_owned(),
            Capability::Auth(how) => format!("AUTH={how}"),
            Capability::Atom(name) => name.into_owned(),
        })
        .collect()
}

fn bounded(words: &str) -> String {
    words
        .chars()
        .filter(|c| !c.is_control())
        .take(WORDS)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut read: &[u8]) -> Vec<Said> {
        let mut out = Vec::new();
        while let Some((said, used)) = understood(read).unwrap() {
            out.push(said);
            read = &read[used..];
        }
        assert!(read.is_empty(), "{:?}", String::from_utf8_lossy(read));
        out
    }

    #[test]
    fn what_servers_say_is_read_and_unknown_news_is_passed_over() {
        let said = all(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n\
            * CAPABILITY IMAP4rev1 AUTH=PLAIN STARTTLS\r\n\
            * SOMETHING (new \"and\" strange) 12\r\n\
            * OK [UIDVALIDITY 3857529045] UIDs valid\r\n\
            * SEARCH 2 84 882\r\n\
            * SEARCH\r\n\
            * 12 FETCH (UID 84 RFC822.SIZE 44827)\r\n\
            p3 NO [AUTHENTICATIONFAILED] wrong\r\n\
            * BYE later\r\n");
        assert_eq!(said[0], Said::Greeting);
        assert_eq!(
            said[1],
            Said::Can(vec![
                "IMAP4rev1".into(),
                "AUTH=PLAIN".into(),
                "STARTTLS".into()
            ])
        );
        assert_eq!(said[2], Said::Other);
        assert_eq!(said[3], Said::Validity(3_857_529_045));
        assert_eq!(said[4], Said::Found(vec![2, 84, 882]));
        assert_eq!(said[5], Said::Found(Vec::new()));
        let sized = Fetched {
            uid: 84,
            size: Some(44_827),
            whole: None,
        };
        assert_eq!(said[6], Said::Letter(sized));
        assert!(matches!(&said[7], Said::End { tag, status: Status::No, .. } if tag == "p3"));
        assert!(matches!(&said[8], Said::Bye(words) if words == "later"));
    }

    #[test]
    fn a_letter_is_waited_for_and_may_hold_anything() {
        let letter = b"Subject: )\r\n\r\n* BYE\r\n\x00\xff";
        let mut whole = format!("* 1 FETCH (UID 7 BODY[] {{{}}}\r\n", letter.len()).into_bytes();
        whole.extend_from_slice(letter);
        whole.extend_from_slice(b" FLAGS ())\r\n");
        for end in 0..whole.len() {
            assert_eq!(understood(&whole[..end]).unwrap(), None, "{end}");
        }
        let Some(Said::Letter(one)) = all(&whole).pop() else {
            panic!("no letter")
        };
        assert_eq!((one.uid, one.whole.as_deref()), (7, Some(&letter[..])));
    }

    #[test]
    fn what_is_no_imap_ends_it() {
        assert!(understood(b"220 mail.example ESMTP\r\n").is_err());
        assert!(understood(b"* STRANGE {4000000000}\r\nx").is_err());
    }
}
