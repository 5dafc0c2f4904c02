//! Who may call: pages of our own, with small bodies that arrive in time.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use parfocal_engine::config::Config;
use url::Url;

use crate::guard as machine;
use crate::oauth::authority;
use crate::problem::Problem;
use crate::state::AppState;

/// How long a body may take to arrive.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(8);

/// Refuses calls that a page of another site makes with our cookie, reads among them: what somebody may see is no less theirs.
pub(crate) async fn guard(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if is_ours(
        request.method(),
        request.headers(),
        request.uri(),
        state.app().config(),
    ) {
        return no_store(next.run(request).await);
    }
    Problem::new(
        StatusCode::FORBIDDEN,
        "cross_site",
        "a page of another site made this call",
    )
    .hint("Call from the page that this server gave out; other sites cannot use its sessions.")
    .plainly("cross_site", &[])
    .into_response()
}

fn is_ours(method: &Method, headers: &HeaderMap, uri: &axum::http::Uri, config: &Config) -> bool {
    let word = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let reads = method == Method::GET || method == Method::HEAD;
    match word("sec-fetch-site") {
        Some("same-origin") => return true,
        // Typed into the address bar; it changes nothing.
        Some("none") => return reads,
        Some(_) => return false,
        None => {}
    }
    match word("origin") {
        Some(origin) => {
            let Ok(origin) = Url::parse(origin) else {
                return false;
            };
            let Some(given) = authority(&origin) else {
                return false;
            };
            let same = |name: &str| name.eq_ignore_ascii_case(&given);
            machine::host(headers, uri).is_some_and(same)
                || config
                    .server
                    .public_url
                    .as_ref()
                    .and_then(authority)
                    .is_some_and(|name| same(&name))
        }
        // No browser of the last years: nothing that carries somebody's cookie without their knowing.
        None => true,
    }
}

/// Keeps an answer out of every cache.
pub(crate) fn no_store(mut response: Response) -> Response {
    response
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

/// Reads a JSON body of at most so many bytes, as long as it arrives in time.
pub(crate) async fn read_body(
    headers: &HeaderMap,
    body: Body,
    most: usize,
    time: Duration,
) -> Result<Bytes, Problem> {
    let too_large = || {
        Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("a body may have {most} bytes"),
        )
        .plainly("too_large", &[])
    };
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let bytes = match tokio::time::timeout(time, axum::body::to_bytes(body, most)).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => {
            let long = std::error::Error::source(&error)
                .is_some_and(|source| source.to_string().contains("length limit"));
            return Err(if long {
                too_large()
            } else {
                Problem::bad_request("body", "the body ended before it was whole")
                    .plainly("invalid_request", &[])
            });
        }
        Err(_) => {
            return Err(Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "slow_body",
                "the body did not arrive in time",
            )
            .plainly("invalid_request", &[]));
        }
    };
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .map(|value| {
            value
                .split(';')
                .next()
                .unwrap_or_default()
                .trim()
                .to_ascii_lowercase()
        });
    if !bytes.is_empty() && kind.as_deref() != Some("application/json") {
        return Err(Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "body",
            "a body has to be application/json",
        )
        .plainly("invalid_request", &[]));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(method: &Method, pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_str(value).unwrap());
        }
        let mut config = Config::default();
        config.server.public_url = Some("https://app.example".parse().unwrap());
        is_ours(method, &headers, &"/x".parse().unwrap(), &config)
    }

    #[test]
    fn only_pages_of_our_own_may_call() {
        let host = ("host", "127.0.0.1:8080");
        for (method, pairs, expected) in [
            (
                Method::GET,
                &[host, ("sec-fetch-site", "same-origin")][..],
                true,
            ),
            (
                Method::GET,
                &[host, ("sec-fetch-site", "cross-site")][..],
                false,
            ),
            (
                Method::GET,
                &[host, ("sec-fetch-site", "same-site")][..],
                false,
            ),
            (Method::GET, &[host, ("sec-fetch-site", "none")][..], true),
            (Method::POST, &[host, ("sec-fetch-site", "none")][..], false),
            (
                Method::POST,
                &[host, ("origin", "http://127.0.0.1:8080")][..],
                true,
            ),
            (
                Method::POST,
                &[host, ("origin", "https://app.example")][..],
                true,
            ),
            (
                Method::POST,
                &[host, ("origin", "https://app.example.evil.test")][..],
                false,
            ),
            (Method::POST, &[host, ("origin", "null")][..], false),
            (
                Method::GET,
                &[host, ("origin", "http://127.0.0.1:9")][..],
                false,
            ),
            (Method::POST, &[host][..], true),
        ] {
            assert_eq!(ours(&method, pairs), expected, "{method} {pairs:?}");
        }
    }

    #[tokio::test]
    async fn bodies_are_small_whole_and_in_time() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "content-type",
            HeaderValue::from_static("application/json; charset=utf-8"),
        );
        let quick = Duration::from_millis(40);
        let read = async |headers: &HeaderMap, body: Body| {
            read_body(headers, body, 10, quick)
                .await
                .map_err(|problem| problem.status().as_u16())
        };
        assert_eq!(read(&headers, Body::from("{}")).await.unwrap(), "{}");
        assert_eq!(
            read(&headers, Body::from("[1,2,3,4,5,6]"))
                .await
                .unwrap_err(),
            413
        );
        let never =
            Body::from_stream(futures_util::stream::pending::<Result<Bytes, std::io::Error>>());
        assert_eq!(read(&headers, never).await.unwrap_err(), 408);
        let cut = futures_util::stream::iter([
            Ok(Bytes::from_static(b"{")),
            Err(std::io::Error::other("gone")),
        ]);
        assert_eq!(
            read(&headers, Body::from_stream(cut)).await.unwrap_err(),
            400
        );
        headers.insert("content-length", HeaderValue::from_static("11"));
        assert_eq!(read(&headers, Body::empty()).await.unwrap_err(), 413);
        let form =
            HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"))]);
        assert_eq!(read(&form, Body::from("{}")).await.unwrap_err(), 415);
        assert_eq!(read(&form, Body::empty()).await.unwrap(), "");
    }
}
