//! WebDAV's XML: what is asked, and multi-status answers read leniently.

use quick_xml::NsReader;
use quick_xml::events::Event;
use quick_xml::name::ResolveResult;

/// One element: local name (with `C:` before CalDAV's and `D:` before WebDAV's), text, children.
///
/// An element without content has the value of its `name` attribute as text: that is how `C:comp` says which components.
#[derive(Debug, Default, Clone)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) children: Vec<Node>,
}

/// Deepest nesting that is read.
const DEEPEST: usize = 32;

impl Node {
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|one| one.name == name)
    }

    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |one| one.name == name)
    }

    /// The text of a descendant by its path.
    pub(super) fn text_at(&self, path: &[&str]) -> Option<&str> {
        let mut node = self;
        for name in path {
            node = node.child(name)?;
        }
        let text = node.text.trim();
        (!text.is_empty()).then_some(text)
    }

    /// Whether an element of this name is anywhere inside.
    pub(super) fn has(&self, name: &str) -> bool {
        self.children
            .iter()
            .any(|one| one.name == name || one.has(name))
    }
}

/// The root element of a document; none when it is none.
pub(super) fn parse(bytes: &[u8]) -> Option<Node> {
    let mut reader = NsReader::from_reader(bytes);
    let mut open: Vec<Node> = vec![Node::default()];
    loop {
        let (space, event) = reader.read_resolved_event().ok()?;
        let prefix = match &space {
            ResolveResult::Bound(space) if space.as_ref() == b"DAV:" => "D:",
            ResolveResult::Bound(space) if space.as_ref() == b"urn:ietf:params:xml:ns:caldav" => {
                "C:"
            }
            _ => "",
        };
        let named = |local: &[u8]| format!("{prefix}{}", String::from_utf8_lossy(local));
        match event {
            Event::Start(tag) => {
                if open.len() > DEEPEST {
                    return None;
                }
                open.push(Node {
                    name: named(tag.local_name().as_ref()),
                    ..Node::default()
                });
            }
            Event::Empty(tag) => {
                let value = tag.try_get_attribute("name").ok().flatten();
                let value = value.map(|one| String::from_utf8_lossy(&one.value).into_owned());
                let node = Node {
                    name: named(tag.local_name().as_ref()),
                    text: value.unwrap_or_default(),
                    ..Node::default()
                };
                open.last_mut()?.children.push(node);
            }
            Event::End(_) => {
                let node = open.pop()?;
                open.last_mut()?.children.push(node);
            }
            Event::Text(text) => open.last_mut()?.text.push_str(&text.decode().ok()?),
            Event::GeneralRef(reference) => {
                let resolved = if let Some(c) = reference.resolve_char_ref().ok()? {
                    c.to_string()
                } else {
                    let name = reference.decode().ok()?;
                    quick_xml::escape::resolve_predefined_entity(&name)?.to_owned()
                };
                open.last_mut()?.text.push_str(&resolved);
            }
            Event::CData(text) => {
                open.last_mut()?
                    .text
                    .push_str(&String::from_utf8_lossy(&text));
            }
            Event::Eof => break,
            _ => {}
        }
    }
    // Whatever is still open was cut off.
    (open.len() == 1).then(|| open.pop()?.children.into_iter().next())?
}

/// One response of a multi-status answer.
#[derive(Debug)]
pub(super) struct Response {
    pub(super) href: String,
    /// Its own status; none when each property has one.
    pub(super) status: Option<u16>,
    /// The properties that were told.
    pub(super) found: Node,
}

fn code(text: &str) -> Option<u16> {
    text.split_whitespace().nth(1)?.parse().ok()
}

/// The responses of a multi-status document, and its sync token.
pub(super) fn responses(root: &Node) -> (Vec<Response>, Option<String>) {
    let list = root
        .all("D:response")
        .filter_map(|response| {
            let mut found = Node::default();
            for part in response.all("D:propstat") {
                let status = part.text_at(&["D:status"]).and_then(code);
                let good = status.is_none_or(|code| code / 100 == 2);
                if let (true, Some(prop)) = (good, part.child("D:prop")) {
                    found.children.extend(prop.children.iter().cloned());
                }
            }
            Some(Response {
                href: response.text_at(&["D:href"])?.to_owned(),
                status: response.text_at(&["D:status"]).and_then(code),
                found,
            })
        })
        .collect();
    (list, root.text_at(&["D:sync-token"]).map(str::to_owned))
}

/// Text within an element.
pub(super) fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

/// A question for properties.
pub(super) fn propfind(properties: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><D:propfind xmlns:D=\"DAV:\" xmlns:C=\"urn:ietf:params:xml:ns:caldav\"><D:prop>{properties}</D:prop></D:propfind>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multi_status_is_read_whatever_its_prefixes() {
        let xml = br#"<?xml version="1.0"?><multistatus xmlns="DAV:" xmlns:X="urn:ietf:params:xml:ns:caldav">
            <response><href>/a%20b/1.ics</href><propstat><prop><getetag>"1&amp;2"</getetag><X:calendar-data><![CDATA[BEGIN]]></X:calendar-data></prop>
            <status>HTTP/1.1 200 OK</status></propstat><propstat><prop><displayname/></prop><status>HTTP/1.1 404 Not Found</status></propstat></response>
            <response><href>/a/2.ics</href><status>HTTP/1.1 404 Not Found</status></response>
            <sync-token>http://x/1</sync-token></multistatus>"#;
        let (list, token) = responses(&parse(xml).unwrap());
        assert_eq!(token.as_deref(), Some("http://x/1"));
        assert_eq!(list[0].found.text_at(&["D:getetag"]), Some("\"1&2\""));
        assert_eq!(list[0].found.text_at(&["C:calendar-data"]), Some("BEGIN"));
        assert!(!list[0].found.has("D:displayname"));
        assert_eq!(list[1].status, Some(404));
    }

    #[test]
    fn what_is_cut_off_or_too_deep_is_no_document() {
        assert!(parse(b"<a><b>").is_none());
        assert!(parse(b"no XML").is_none());
        assert!(parse("<a>".repeat(500).as_bytes()).is_none());
    }
}
