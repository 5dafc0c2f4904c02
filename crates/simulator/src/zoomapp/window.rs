//! A window of Zoom's client: who is signed in, which meeting runs, and a button that opens an app in it.

use std::fmt::Write as _;

use axum::http::StatusCode;

use super::context::{self, Wanted};
use crate::http::path::{self, html};
use crate::http::reply::Reply;
use crate::http::route::Ctx;
use crate::oauth::{authorize, pages};
use crate::world::LiveRequest;

/// `GET /zoomapp`: the window.
pub(super) fn show(ctx: Ctx<'_>) -> Reply {
    let homes = ctx.shared.homes().clone();
    let client = ctx
        .call
        .filled("client_id")
        .map(str::to_owned)
        .or_else(|| homes.keys().next().cloned());
    let Some(app) = client.as_deref().and_then(|client| ctx.shared.app(client)) else {
        return pages::error(
            StatusCode::NOT_FOUND,
            "No app is registered for this client; see POST /_sim/zoomapp.",
            "",
            None,
        );
    };
    let signers = authorize::signers(ctx);
    let user = ctx
        .call
        .filled("user")
        .map(str::to_owned)
        .or_else(|| signers.first().map(|(email, _)| email.clone()))
        .unwrap_or_default();
    let meeting = ctx
        .site
        .world
        .user(&user)
        .and_then(|user| context::live(ctx, &user.id));
    let mut body = format!(
        "<h1>Zoom's client</h1><p class=\"soft\">Simulated Zoom account. {} opens here as it would inside Zoom.</p>\
         <form method=\"get\" action=\"/zoomapp\">{}{}<div class=\"row\"><button>Be this person</button></div></form>",
        html(&app.name),
        pages::hidden(&[("client_id", app.client_id.as_str())]),
        pages::users(&chosen_first(signers, &user)),
    );
    let fields = [
        ("client_id", app.client_id.as_str()),
        ("user", user.as_str()),
    ];
    if let Some(uuid) = &meeting {
        let _ = write!(
            body,
            "<p>A meeting is running.</p><form method=\"get\" action=\"/zoomapp/open\">{}\
             <div class=\"row\"><button class=\"act\">Open the app in the meeting</button></div></form>",
            pages::hidden(&[fields[0], fields[1], ("meeting", uuid)])
        );
    } else {
        let _ = write!(
            body,
            "<form method=\"post\" action=\"/zoomapp/live\">{}<div class=\"row\"><button class=\"act\">Start a meeting</button></div></form>\
             <form method=\"get\" action=\"/zoomapp/open\">{}<div class=\"row\"><button>Open the app outside a meeting</button></div></form>",
            pages::hidden(&fields),
            pages::hidden(&fields)
        );
    }
    pages::page(StatusCode::OK, "Zoom's client", &body)
}

fn chosen_first(mut signers: Vec<(String, String)>, user: &str) -> Vec<(String, String)> {
    signers.sort_by_key(|(email, _)| email != user);
    signers
}

/// `GET /zoomapp/open`: leads to the app's home page. A browser sends no header of the client's, so the context lies in the
/// address behind the hash, where only the page's own scripts see it, as `zoomSdk.getAppContext()` would give it.
pub(super) fn open(ctx: Ctx<'_>) -> Reply {
    let wanted = match Wanted::read(ctx) {
        Ok(wanted) => wanted,
        Err(why) => return pages::error(StatusCode::BAD_REQUEST, &why, "", None),
    };
    let client = ctx.call.filled("client_id").unwrap_or("simulator-user");
    let Some(home) = ctx.shared.homes().get(client).cloned() else {
        return pages::error(StatusCode::NOT_FOUND, "The app has no home URL.", "", None);
    };
    let sealed = context::seal(ctx, &wanted);
    Reply::redirect(&format!("{home}#context={}", path::encode(&sealed)))
}

/// `POST /zoomapp/live`: a meeting of this person begins, and the window is shown again.
pub(super) fn begin(ctx: Ctx<'_>) -> Reply {
    let form = ctx.call.form();
    let field = |name: &str| {
        form.iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.clone())
    };
    let user = field("user").unwrap_or_default();
    let request = LiveRequest {
        host: Some(user.clone()),
        fate: ctx.site.transcript_fate(),
        at_once: true,
        ..LiveRequest::default()
    };
    let world = ctx.site.world.clone();
    tokio::spawn(async move {
        if let Err(error) = world.play(request).await {
            tracing::warn!(%error, "a live meeting could not be played");
        }
    });
    Reply::redirect(&format!(
        "/zoomapp?client_id={}&user={}",
        path::encode(&field("client_id").unwrap_or_default()),
        path::encode(&user)
    ))
}
