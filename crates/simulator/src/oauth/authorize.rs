//! `/oauth/authorize`: who asks, where the answer goes, and what the person says.

use std::collections::BTreeSet;

use axum::http::StatusCode;
use jiff::Timestamp;
use url::Url;

use super::grants::{CODE_LIFE, Challenge, Code};
use super::{pages, scopes};
use crate::config::{App, AppKind};
use crate::http::path;
use crate::http::reply::Reply;
use crate::http::route::Ctx;
use crate::world::model::{User, UserStatus};

/// A request for consent that is in order.
struct Ask<'a> {
    app: &'a App,
    client_id: String,
    redirect_uri: String,
    state: Option<String>,
    challenge: Option<Challenge>,
    scopes: BTreeSet<String>,
    keep_granted: bool,
}

fn find<'v>(pairs: &'v [(String, String)], name: &str) -> Option<&'v str> {
    pairs
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

/// Whether an address is on an app's list. `localhost` never is; plain http is for 127.0.0.1 and the public client
/// only, with any port.
pub(crate) fn allowed(list: &[String], asked: &str, public: bool, strict: bool) -> bool {
    let Ok(url) = Url::parse(asked) else {
        return false;
    };
    if url.host_str() == Some("localhost") || url.fragment().is_some() {
        return false;
    }
    let loopback = url.scheme() == "http" && url.host_str() == Some("127.0.0.1");
    if !(url.scheme() == "https" || (loopback && public)) {
        return false;
    }
    list.iter()
        .filter_map(|entry| Url::parse(entry).ok())
        .any(|entry| {
            let same_place = entry.scheme() == url.scheme()
                && entry.host_str() == url.host_str()
                && (loopback || entry.port_or_known_default() == url.port_or_known_default());
            let whole_host = entry.path() == "/";
            same_place
                && (whole_host
                    || entry.path() == url.path()
                    || (!strict && url.path().starts_with(entry.path())))
        })
}

fn read<'a>(ctx: Ctx<'a>, pairs: &[(String, String)]) -> Result<Ask<'a>, Reply> {
    let bad = |message: &str, detail: &str, code: u32| {
        Err(pages::error(
            StatusCode::BAD_REQUEST,
            message,
            detail,
            Some(code),
        ))
    };
    let client_id = find(pairs, "client_id").unwrap_or("");
    let Some(app) = ctx.shared.app(client_id) else {
        return bad("Invalid client_id: ", client_id, 4702);
    };
    if app.kind == AppKind::ServerToServer {
        return bad("Grant type is not supported by this app: ", client_id, 4705);
    }
    if find(pairs, "response_type") != Some("code") {
        return bad(
            "Invalid response_type: ",
            find(pairs, "response_type").unwrap_or(""),
            4700,
        );
    }
    let public = app.public_client_id.as_deref() == Some(client_id);
    let redirect_uri = find(pairs, "redirect_uri").unwrap_or("");
    let in_client = find(pairs, "in_client") == Some("1");
    let listed = if in_client {
        is_home(ctx, &app.client_id, redirect_uri)
    } else {
        let strict = ctx.shared.config.strict_redirects;
        allowed(&app.redirects, redirect_uri, public, strict)
    };
    if !listed {
        return bad("Invalid redirect: ", redirect_uri, 4700);
    }
    let challenge = find(pairs, "code_challenge").filter(|value| !value.is_empty());
    let s256 = match find(pairs, "code_challenge_method") {
        Some("S256") => true,
        None | Some("" | "plain") => false,
        Some(other) => return bad("Invalid code_challenge_method: ", other, 4700),
    };
    if challenge.is_some_and(|value| !(43..=128).contains(&value.len())) {
        return bad("Invalid code_challenge", "", 4700);
    }
    if public && challenge.is_none() {
        return bad("A public client needs code_challenge", "", 4700);
    }
    let built_in = scopes::of_app(app);
    let asked: BTreeSet<String> = ["scope", "optional_scope"]
        .iter()
        .filter_map(|name| find(pairs, name))
        .flat_map(|text| text.split([' ', ',']).map(str::to_owned))
        .filter(|scope| built_in.contains(scope))
        .collect();
    Ok(Ask {
        app,
        client_id: client_id.to_owned(),
        redirect_uri: redirect_uri.to_owned(),
        state: find(pairs, "state").map(str::to_owned),
        challenge: challenge.map(|value| Challenge {
            value: value.to_owned(),
            s256,
            in_client,
        }),
        scopes: if asked.is_empty() { built_in } else { asked },
        keep_granted: find(pairs, "include_granted_scopes").is_some(),
    })
}

/// Whether an address can be the home page of an app inside the client: https, or this machine for tests.
pub(crate) fn is_home_address(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && url.host_str() == Some("127.0.0.1"))
}

/// Whether an address is an app's home page, whatever its query says.
fn is_home(ctx: Ctx<'_>, client_id: &str, asked: &str) -> bool {
    let home = ctx.shared.homes().get(client_id).cloned();
    let (Some(Ok(home)), Ok(mut asked)) = (home.map(|home| Url::parse(&home)), Url::parse(asked))
    else {
        return false;
    };
    asked.set_query(None);
    let mut home = home;
    home.set_query(None);
    asked.fragment().is_none() && asked == home
}

/// Users who can sign in on the consent page, the owner first.
pub(crate) fn signers(ctx: Ctx<'_>) -> Vec<(String, String)> {
    let owner = ctx.site.world.account().owner_id;
    let mut users: Vec<_> = ctx
        .site
        .world
        .users()
        .into_iter()
        .filter(|user| user.status == UserStatus::Active)
        .collect();
    users.sort_by_key(|user| user.id != owner);
    users.truncate(200);
    users
        .iter()
        .map(|user| (user.email.clone(), user.display_name.clone()))
        .collect()
}

/// The user a form or a test names, else the owner.
pub(super) fn signer(ctx: Ctx<'_>, named: Option<&str>) -> Option<std::sync::Arc<User>> {
    match named {
        Some(named) => ctx
            .site
            .world
            .user(named)
            .filter(|user| user.status == UserStatus::Active),
        None => ctx.site.owner(),
    }
}

/// The consent page. `sim_consent=allow|deny` (with `sim_user=email`) answers without a person, for tests.
pub(crate) fn show(ctx: Ctx<'_>) -> Reply {
    present(ctx, &ctx.call.query)
}

/// The same consent as Zoom's client shows it when a page calls `zoomSdk.authorize`: it leads back to the app's home page.
pub(crate) fn show_in_client(ctx: Ctx<'_>) -> Reply {
    let mut pairs = ctx.call.query.clone();
    pairs.retain(|(name, _)| name != "in_client" && name != "response_type");
    pairs.push(("in_client".to_owned(), "1".to_owned()));
    pairs.push(("response_type".to_owned(), "code".to_owned()));
    present(ctx, &pairs)
}

fn present(ctx: Ctx<'_>, pairs: &[(String, String)]) -> Reply {
    let ask = match read(ctx, pairs) {
        Ok(ask) => ask,
        Err(page) => return page,
    };
    if let Some(verdict) = find(pairs, "sim_consent") {
        return conclude(ctx, &ask, verdict == "allow", find(pairs, "sim_user"));
    }
    let mut fields = vec![
        ("response_type", "code"),
        ("client_id", ask.client_id.as_str()),
        ("redirect_uri", ask.redirect_uri.as_str()),
    ];
    for name in [
        "state",
        "code_challenge",
        "code_challenge_method",
        "scope",
        "optional_scope",
        "include_granted_scopes",
        "in_client",
    ] {
        if let Some(value) = find(pairs, name) {
            fields.push((name, value));
        }
    }
    let host = Url::parse(&ask.redirect_uri)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_default();
    let body = format!(
        "<h1>{} wants to use your Zoom account</h1><p class=\"soft\">Simulated Zoom account. Your answer goes to {}.</p>\
         <form method=\"post\" action=\"/oauth/authorize\">{}{}{}\
         <div class=\"row\"><button class=\"act\" name=\"consent\" value=\"allow\" autofocus>Allow</button>\
         <button name=\"consent\" value=\"deny\">Decline</button></div></form>",
        path::html(&ask.app.name),
        path::html(&host),
        pages::hidden(&fields),
        pages::users(&signers(ctx)),
        pages::scopes(ask.scopes.iter()),
    );
    // The form's answer is a redirect to the app, which form-action would forbid; the page states none.
    pages::page(StatusCode::OK, "Allow access", &body)
}

/// What the person said on the consent page.
pub(crate) fn decide(ctx: Ctx<'_>) -> Reply {
    let pairs = ctx.call.form();
    match read(ctx, &pairs) {
        Ok(ask) => conclude(
            ctx,
            &ask,
            find(&pairs, "consent") == Some("allow"),
            find(&pairs, "user"),
        ),
        Err(page) => page,
    }
}

fn conclude(ctx: Ctx<'_>, ask: &Ask<'_>, allowed: bool, user: Option<&str>) -> Reply {
    let mut location = ask.redirect_uri.clone();
    let mut add = |name: &str, value: &str| {
        location.push(if location.contains('?') { '&' } else { '?' });
        location.push_str(name);
        location.push('=');
        location.push_str(&path::encode(value));
    };
    if allowed {
        let Some(user) = signer(ctx, user) else {
            return pages::error(
                StatusCode::BAD_REQUEST,
                "No such user: ",
                user.unwrap_or(""),
                None,
            );
        };
        add("code", &code(ctx, ask, &user.id, ctx.now));
    } else {
        add("error", "access_denied");
    }
    if let Some(state) = &ask.state {
        add("state", state);
    }
    Reply::redirect(&location)
}

fn code(ctx: Ctx<'_>, ask: &Ask<'_>, user_id: &str, now: Timestamp) -> String {
    let mut grants = ctx.site.grants();
    let mut scopes = ask.scopes.clone();
    if ask.keep_granted {
        scopes.extend(grants.granted(&ask.app.client_id, user_id));
    }
    grants.code(
        Code {
            client_id: ask.client_id.clone(),
            redirect_uri: ask.redirect_uri.clone(),
            user_id: user_id.to_owned(),
            scopes,
            challenge: ask.challenge.clone(),
            expires: now + CODE_LIFE,
        },
        now,
    )
}

#[cfg(test)]
mod tests {
    use super::allowed;

    #[test]
    fn redirects_follow_zooms_rules() {
        let list = [
            "http://127.0.0.1".to_owned(),
            "https://app.example/callback".to_owned(),
        ];
        assert!(allowed(&list, "http://127.0.0.1:8123/any", true, false));
        assert!(
            !allowed(&list, "http://127.0.0.1:8123/any", false, false),
            "confidential clients need https"
        );
        assert!(!allowed(&list, "http://localhost:8123/any", true, false));
        assert!(allowed(&list, "https://app.example/callback", false, true));
        assert!(allowed(
            &list,
            "https://app.example/callback/x",
            false,
            false
        ));
        assert!(!allowed(
            &list,
            "https://app.example/callback/x",
            false,
            true
        ));
        assert!(!allowed(
            &list,
            "https://app.example.evil/callback",
            false,
            false
        ));
        assert!(!allowed(&list, "javascript:alert(1)", true, false));
    }
}
