//! The embedded feed.

use parfocal_engine::calendar::{Busy, Feed};
use secrecy::ExposeSecret as _;

use super::{INGRID, Stage, december, meeting, series};

#[tokio::test]
async fn the_feed_holds_what_was_written_for_whoever_knows_the_secret() {
    let stage = Stage::new().await;
    let feed = stage
        .app
        .calendars()
        .open(&stage.app, "feed", None)
        .await
        .unwrap();
    let made = feed.put(&meeting("k1"), None).await.unwrap();
    assert_eq!(feed.put(&meeting("k1"), None).await.unwrap().id, made.id);
    feed.put(&series("k2"), None).await.unwrap();
    let secret = Feed::secret(&stage.app).await.unwrap();
    assert_eq!(
        Feed::secret(&stage.app).await.unwrap().expose_secret(),
        secret.expose_secret()
    );
    let text = Feed::text_for(&stage.app, secret.expose_secret())
        .await
        .unwrap()
        .unwrap();
    assert!(
        Feed::text_for(&stage.app, "guessed")
            .await
            .unwrap()
            .is_none()
    );
    let read = parfocal_formats::ical::Calendar::parse(&text).unwrap();
    assert_eq!(read.warnings, Vec::<String>::new());
    // A meeting, a series, and its moved occurrence.
    assert_eq!(read.events.len(), 3);
    assert_eq!(read.events[0].summary, "Budget, \"final\"; <draft> 🚀");
    assert_eq!(
        read.events[0].conference.as_deref(),
        Some("https://zoom.example/j/1?pwd=a&b")
    );
    assert!(
        !text.contains("tobias@"),
        "guests are nobody's business in a feed"
    );
    let file = std::fs::read_to_string(stage.app.config().data.dir.join("calendar.ics")).unwrap();
    assert_eq!(file, text);
    assert_eq!(feed.get(&made).await.unwrap().unwrap(), meeting("k1"));
    feed.remove(&made).await.unwrap();
    assert!(feed.find("k1").await.unwrap().is_none());
    let busy = feed.busy(december(), &[INGRID.to_owned()]).await.unwrap();
    assert!(matches!(busy[INGRID], Busy::Unknown { .. }));
}
