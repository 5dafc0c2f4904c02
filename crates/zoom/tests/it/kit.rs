//! Clients that talk to a fake, with little patience.

use std::sync::Arc;
use std::time::Duration;

use parfocal_zoom::auth::{OAuth, TokenSource};
use parfocal_zoom::clock::{SeededRandom, SystemClock};
use parfocal_zoom::limit::Unlimited;
use parfocal_zoom::{Backoff, Client, ClientBuilder, Transport};

use crate::fake::Fake;

/// Hardly any pause between attempts.
pub(crate) const QUICK: Backoff = Backoff {
    base: Duration::from_millis(2),
    cap: Duration::from_millis(20),
    attempts: 4,
    total: Duration::from_secs(20),
};

pub(crate) fn oauth(url: &str) -> OAuth {
    OAuth::new(
        Transport::new().unwrap(),
        Arc::new(SystemClock::new()),
        Arc::new(SeededRandom::new(7)),
    )
    .unwrap()
    .with_url(url)
    .unwrap()
    .with_backoff(QUICK)
}

/// A client with a token from nowhere, on the fake's `/v2`.
pub(crate) fn builder(fake: &Fake) -> ClientBuilder {
    Client::builder(TokenSource::fixed(
        oauth(&fake.url),
        "access-token-secret".into(),
    ))
    .api_url(format!("{}/v2", fake.url))
    .budget(Arc::new(Unlimited))
    .backoff(QUICK)
}

pub(crate) fn client(fake: &Fake) -> Client {
    builder(fake).build().unwrap()
}
