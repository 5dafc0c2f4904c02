//! The listener: tells plain HTTP, TLS, tunnels and absolute-form requests apart and hands all of them to one router.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::header::HOST;
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use super::is_zoom;

/// First byte of a TLS record that carries a handshake (RFC 8446, 5.1).
const TLS_HANDSHAKE: u8 = 22;
/// Longest time a client may take to send its request's head or finish a handshake.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long connections may finish what they do after the end was asked for.
const GRACE: Duration = Duration::from_secs(2);

/// Serves `router` on `listener` until `stop` is cancelled; with `tls`, also TLS, tunnels and absolute-form requests for Zoom's hosts.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    tls: Option<Arc<ServerConfig>>,
    stop: CancellationToken,
) {
    let connections = TaskTracker::new();
    let door = Door {
        router,
        tls: tls.map(TlsAcceptor::from),
        stop: stop.clone(),
        connections: connections.clone(),
    };
    loop {
        let stream = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, or a client gone before it was accepted: the next accept tells.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::task::yield_now().await;
                    continue;
                }
            },
        };
        let door = door.clone();
        connections.spawn(async move { door.connection(stream).await });
    }
    connections.close();
    if tokio::time::timeout(GRACE, connections.wait())
        .await
        .is_err()
    {
        tracing::debug!("connections still open after the grace period are dropped");
    }
}

#[derive(Clone)]
struct Door {
    router: Router,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
    connections: TaskTracker,
}

impl Door {
    async fn connection(self, stream: TcpStream) {
        drop(stream.set_nodelay(true));
        if let Some(acceptor) = self.tls.clone() {
            let mut first = [0u8; 1];
            match tokio::time::timeout(PATIENCE, stream.peek(&mut first)).await {
                Ok(Ok(1)) if first[0] == TLS_HANDSHAKE => {
                    return self.secured(acceptor, stream).await;
                }
                Ok(Ok(1)) => {}
                _ => return,
            }
        }
        self.http(stream).await;
    }

    async fn secured<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
        self,
        acceptor: TlsAcceptor,
        stream: S,
    ) {
        match tokio::time::timeout(PATIENCE, acceptor.accept(stream)).await {
            Ok(Ok(stream)) => self.http(stream).await,
            Ok(Err(error)) => {
                tracing::info!(%error, "TLS handshake failed: does the client trust `parfocal simulate ca`?");
            }
            Err(_) => tracing::info!("TLS handshake not finished in time"),
        }
    }

    async fn http<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S) {
        let door = self.clone();
        let service = service_fn(move |request| door.clone().answer(request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .serve_connection(TokioIo::new(stream), service)
            .with_upgrades();
        let mut connection = std::pin::pin!(connection);
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a connection ended early");
        }
    }

    async fn answer(self, mut request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
        if request.method() == Method::CONNECT {
            return Ok(self.tunnel(request));
        }
        if let Some(authority) = request.uri().authority().cloned() {
            // Absolute form: the target's authority replaces Host (RFC 9112, 3.2.2), the path goes to the router.
            if self.tls.is_none() || !is_zoom(authority.host()) {
                return Ok(refuse(
                    StatusCode::FORBIDDEN,
                    "only Zoom's hosts are simulated, and only with --tls",
                ));
            }
            let path = request
                .uri()
                .path_and_query()
                .cloned()
                .unwrap_or_else(|| PathAndQuery::from_static("/"));
            *request.uri_mut() = Uri::from(path);
            if let Ok(host) = HeaderValue::from_str(authority.as_str()) {
                request.headers_mut().insert(HOST, host);
            }
        }
        self.router.oneshot(request.map(Body::new)).await
    }

    fn tunnel(self, request: Request<Incoming>) -> Response<Body> {
        let Some(acceptor) = self.tls.clone() else {
            return refuse(StatusCode::METHOD_NOT_ALLOWED, "tunnels need --tls");
        };
        let Some(authority) = request
            .uri()
            .authority()
            .filter(|authority| is_zoom(authority.host()))
            .cloned()
        else {
            return refuse(StatusCode::FORBIDDEN, "only Zoom's hosts are simulated");
        };
        let tasks = self.connections.clone();
        tasks.spawn(async move {
            match tokio::time::timeout(PATIENCE, hyper::upgrade::on(request)).await {
                // Boxed, because what is inside a tunnel is again such a connection.
                Ok(Ok(upgraded)) => Box::pin(self.secured(acceptor, TokioIo::new(upgraded))).await,
                Ok(Err(error)) => tracing::debug!(%error, %authority, "the tunnel was given up"),
                Err(_) => tracing::debug!(%authority, "the tunnel was never used"),
            }
        });
        Response::new(Body::empty())
    }
}

fn refuse(status: StatusCode, why: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(why));
    *response.status_mut() = status;
    response
}
