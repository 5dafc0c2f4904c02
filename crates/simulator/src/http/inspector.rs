//! Pages for people: what is in the account, and stand-ins for Zoom's own pages that links lead to.

use std::fmt::Write as _;

use axum::http::{Method, StatusCode};

use super::path::{self, html};
use super::reply::Reply;
use super::route::Ctx;
use crate::oauth::pages;

const STYLE: &str = "
:root{color-scheme:light dark;--ink:#1a1d23;--soft:#5b6270;--line:#dfe3ea;--page:#f6f7f9;--card:#fff;--act:#0b5cff;--bad:#b3261e}
@media (prefers-color-scheme:dark){:root{--ink:#eceef2;--soft:#a3aab8;--line:#343a46;--page:#14161b;--card:#1c1f26;--act:#8ab4ff;--bad:#ff9c94}}
*{box-sizing:border-box}body{margin:0;padding:1.5rem clamp(1rem,4vw,3rem);background:var(--page);color:var(--ink);font:.95rem/1.5 system-ui,sans-serif}
header{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:baseline}h1{font-size:1.4rem;margin:0}h2{font-size:1.05rem;margin:2rem 0 .5rem}
.soft{color:var(--soft)}.bad{color:var(--bad)}.figures{display:flex;flex-wrap:wrap;gap:.75rem;margin:1rem 0}
.figures div{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.6rem .9rem;min-width:8rem}.figures b{display:block;font-size:1.3rem}
.table{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:10px}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.45rem .75rem;border-bottom:1px solid var(--line);vertical-align:top}tr:last-child td{border-bottom:0}th{font-weight:600;color:var(--soft)}
code{font:.85em ui-monospace,monospace;overflow-wrap:anywhere}a{color:var(--act)}
";

/// Rows shown of each list.
const SHOWN: usize = 50;

/// Answers everything outside the known parts.
pub(crate) fn answer(ctx: Ctx<'_>) -> Reply {
    let segments = path::segments(&ctx.call.raw_path).unwrap_or_default();
    let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
    if ctx.call.method != Method::GET && ctx.call.method != Method::HEAD {
        return Reply::empty(StatusCode::NOT_FOUND);
    }
    match parts.as_slice() {
        [""] => overview(ctx),
        ["j" | "w" | "s", number] => join(ctx, number),
        ["meeting", "register", _] => pages::page(
            StatusCode::OK,
            "Register",
            "<h1>Registration</h1><p class=\"soft\">The simulator takes registrations through the API only.</p>",
        ),
        _ => pages::error(StatusCode::NOT_FOUND, "This page does not exist", "", None),
    }
}

fn join(ctx: Ctx<'_>, number: &str) -> Reply {
    let meeting = number
        .parse()
        .ok()
        .and_then(|number| ctx.site.world.meeting(number));
    match meeting {
        Some(meeting) => pages::page(
            StatusCode::OK,
            &meeting.topic,
            &format!(
                "<h1>{}</h1><p>Meeting ID {}</p><p class=\"soft\">Nobody can join a simulated meeting; <code>POST /_sim/live</code> plays one.</p>",
                html(&meeting.topic),
                meeting.number
            ),
        ),
        None => pages::error(
            StatusCode::NOT_FOUND,
            "This meeting link is invalid",
            "",
            Some(3001),
        ),
    }
}

struct Table {
    out: String,
}

impl Table {
    fn new(title: &str, heads: &[&str]) -> Self {
        let mut out = format!(
            "<section><h2>{}</h2><div class=\"table\" tabindex=\"0\"><table><thead><tr>",
            html(title)
        );
        for head in heads {
            let _ = write!(out, "<th scope=\"col\">{}</th>", html(head));
        }
        out.push_str("</tr></thead><tbody>");
        Self { out }
    }

    fn row(&mut self, cells: &[&str]) {
        self.out.push_str("<tr>");
        for cell in cells {
            let _ = write!(self.out, "<td>{}</td>", html(cell));
        }
        self.out.push_str("</tr>");
    }

    fn end(mut self, empty: bool, words: &str) -> String {
        if empty {
            let _ = write!(
                self.out,
                "<tr><td class=\"soft\" colspan=\"9\">{}</td></tr>",
                html(words)
            );
        }
        self.out.push_str("</tbody></table></div></section>");
        self.out
    }
}

fn overview(ctx: Ctx<'_>) -> Reply {
    let site = ctx.site;
    let account = site.world.account();
    let users = site.world.users();
    let heads = site
        .world
        .instances_between(jiff::Timestamp::MIN, jiff::Timestamp::MAX, None);
    let deliveries = site.hub.deliveries();
    let (over, violations) = {
        let limiter = site.limiter();
        let (count, list) = limiter.violations();
        (
            count,
            list.iter().rev().take(SHOWN).cloned().collect::<Vec<_>>(),
        )
    };
    let (calls, gaps) = {
        let ledger = site.ledger();
        (
            ledger.total,
            ledger.gaps().into_iter().cloned().collect::<Vec<_>>(),
        )
    };
    let mut out = format!(
        "<header><h1>{}</h1><span class=\"soft\">simulated Zoom account, plan {}, {}</span></header><div class=\"figures\">",
        html(&account.name),
        ctx.shared.config.plan,
        ctx.now.strftime("%Y-%m-%d %H:%M:%S UTC"),
    );
    let figures = [
        ("users", users.len().to_string()),
        ("meetings", site.world.numbers().len().to_string()),
        ("instances", heads.len().to_string()),
        ("calls", calls.to_string()),
        ("deliveries", deliveries.len().to_string()),
        ("violations", over.to_string()),
        ("gaps", gaps.len().to_string()),
    ];
    for (name, value) in figures {
        let _ = write!(out, "<div><b>{value}</b>{name}</div>");
    }
    out.push_str("</div>");
    let mut table = Table::new(
        "Apps",
        &["name", "client id", "public client id", "redirects"],
    );
    for app in &ctx.shared.config.apps {
        table.row(&[
            &app.name,
            &app.client_id,
            app.public_client_id.as_deref().unwrap_or(""),
            &app.redirects.join(" "),
        ]);
    }
    out.push_str(&table.end(false, ""));
    let mut table = Table::new("Users", &["name", "e-mail", "status", "zone", "id"]);
    for user in users.iter().take(SHOWN) {
        table.row(&[
            &user.display_name,
            &user.email,
            user.status.name(),
            &user.timezone,
            &user.id,
        ]);
    }
    out.push_str(&table.end(users.is_empty(), "no users"));
    let mut table = Table::new(
        "Latest meetings",
        &["topic", "start", "people", "recorded", "meeting", "uuid"],
    );
    for head in heads.iter().rev().take(SHOWN) {
        let instance = site.world.instance_at(head.key);
        table.row(&[
            &instance.topic,
            &super::super::rest::time(head.start),
            &head.people.to_string(),
            if head.recorded { "yes" } else { "no" },
            &head.number.to_string(),
            &head.uuid.to_string(),
        ]);
    }
    out.push_str(&table.end(heads.is_empty(), "nothing has taken place"));
    let mut table = Table::new("Deliveries", &["event", "to", "state", "tries"]);
    for one in deliveries.iter().rev().take(SHOWN) {
        let state = format!("{:?}", one.state).to_lowercase();
        table.row(&[one.event, &one.url, &state, &one.attempts.len().to_string()]);
    }
    out.push_str(&table.end(
        deliveries.is_empty(),
        "no events sent: POST /_sim/subscriptions, then POST /_sim/live",
    ));
    let mut table = Table::new(
        "Violations",
        &["at", "label", "request", "window", "limit", "seen"],
    );
    for one in &violations {
        table.row(&[
            &one.at.to_string(),
            one.label,
            &one.path,
            one.window,
            &one.limit.to_string(),
            &one.seen.to_string(),
        ]);
    }
    out.push_str(&table.end(violations.is_empty(), "nobody went over the budget"));
    let mut table = Table::new("Gaps", &["request", "times"]);
    for one in &gaps {
        table.row(&[
            &format!("{} {}", one.method, one.path),
            &one.count.to_string(),
        ]);
    }
    out.push_str(&table.end(gaps.is_empty(), "nobody called what the simulator lacks"));
    Reply::html(
        StatusCode::OK,
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{} - simulated Zoom account</title><style>{STYLE}</style></head><body>{out}<p class=\"soft\">Control: <a href=\"/_sim/info\">/_sim/info</a>, <a href=\"/_sim/calls\">/_sim/calls</a>, <a href=\"/_sim/knowable\">/_sim/knowable</a></p></body></html>",
            html(&account.name)
        ),
    )
}
