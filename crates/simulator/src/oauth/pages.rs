//! The few HTML pages of the OAuth part; they work by keyboard, in the dark and on narrow screens.

use std::fmt::Write as _;

use axum::http::StatusCode;

use crate::http::path::html;
use crate::http::reply::Reply;

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1a1d23;--soft:#5b6270;--line:#d5d9e0;--page:#f4f5f8;--card:#fff;--act:#0b5cff;--on-act:#fff;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#eceef2;--soft:#a3aab8;--line:#3a404c;--page:#14161b;--card:#1e2128;--act:#7aa7ff;--on-act:#0b1220;--bad:#ff9c94}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1rem;background:var(--page);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:34rem;background:var(--card);border:1px solid var(--line);border-radius:12px;padding:1.5rem}
h1{font-size:1.3rem;margin:0 0 .5rem}p{margin:.5rem 0}.soft{color:var(--soft);font-size:.9rem}.bad{color:var(--bad)}
label{display:block;font-weight:600;margin-top:1rem}select,input{width:100%;padding:.55rem;font:inherit;color:inherit;background:var(--page);border:1px solid var(--line);border-radius:8px}
details{margin:1rem 0;border:1px solid var(--line);border-radius:8px;padding:.5rem .75rem}summary{cursor:pointer}
ul{margin:.5rem 0;padding-left:1.1rem;max-height:14rem;overflow:auto;font:.85rem/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
.row{display:flex;flex-wrap:wrap;gap:.75rem;margin-top:1.25rem}
button{flex:1 1 8rem;padding:.65rem 1rem;font:inherit;font-weight:600;border-radius:8px;border:1px solid var(--line);background:transparent;color:inherit;cursor:pointer}
button.act{background:var(--act);border-color:var(--act);color:var(--on-act)}
:focus-visible{outline:3px solid var(--act);outline-offset:2px}
@media (max-width:24rem){main{padding:1rem}}
";

/// A page around a body that is HTML already.
pub(crate) fn page(status: StatusCode, title: &str, body: &str) -> Reply {
    let title = html(title);
    Reply::html(
        status,
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"
        ),
    )
}

/// An error page in the manner of Zoom's (`Invalid redirect: … (4,700)`).
pub(crate) fn error(status: StatusCode, message: &str, detail: &str, code: Option<u32>) -> Reply {
    let code = code
        .map(|code| format!(" ({},{:03})", code / 1000, code % 1000))
        .unwrap_or_default();
    let body = format!(
        "<h1>Something is wrong</h1><p class=\"bad\" role=\"alert\">{}{}{code}</p><p class=\"soft\">Simulated Zoom account</p>",
        html(message),
        html(detail)
    );
    page(status, "Error", &body)
}

/// Hidden fields that carry the request through the consent form.
pub(crate) fn hidden(fields: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (name, value) in fields {
        let _ = write!(
            out,
            "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
            html(name),
            html(value)
        );
    }
    out
}

/// A choice of users, the first one chosen.
pub(crate) fn users(list: &[(String, String)]) -> String {
    let mut out =
        String::from("<label for=\"user\">Signed in as</label><select id=\"user\" name=\"user\">");
    for (email, name) in list {
        let _ = write!(
            out,
            "<option value=\"{}\">{} &lt;{}&gt;</option>",
            html(email),
            html(name),
            html(email)
        );
    }
    out.push_str("</select>");
    out
}

/// The scopes asked for, folded away.
pub(crate) fn scopes<'a>(list: impl ExactSizeIterator<Item = &'a String>) -> String {
    let mut out = format!(
        "<details><summary>{} permissions are asked for</summary><ul>",
        list.len()
    );
    for scope in list {
        let _ = write!(out, "<li>{}</li>", html(scope));
    }
    out.push_str("</ul></details>");
    out
}
