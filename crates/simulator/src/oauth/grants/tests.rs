//! Rotation, grace, death and what is told of them.

use super::*;

fn with_grace(secs: u32) -> Grants {
    let knobs = Knobs {
        refresh_grace_secs: secs,
        access_life_secs: 3600,
        api_url: None,
    };
    Grants::new(1, at(0), knobs)
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + seconds).unwrap()
}

#[test]
fn tokens_look_like_zooms() {
    let mut grants = with_grace(0);
    let app = &App::defaults()[1];
    let issued = grants.authorize(app, "u", BTreeSet::new(), at(0));
    assert!(
        issued.access_token.len() >= 600,
        "{}",
        issued.access_token.len()
    );
    assert_eq!(issued.access_token.split('.').count(), 3);
    assert!(issued.access_token.starts_with("eyJ"));
}

#[test]
fn rotation_kills_the_old_refresh_token_at_once_or_after_the_grace() {
    let app = &App::defaults()[1];
    for (grace, works) in [(0, false), (30, true)] {
        let mut grants = with_grace(grace);
        let first = grants
            .authorize(app, "u", BTreeSet::new(), at(0))
            .refresh_token
            .unwrap();
        grants.refresh(app, &first, at(1)).unwrap();
        assert_eq!(grants.refresh(app, &first, at(2)).is_ok(), works);
        assert!(grants.refresh(app, &first, at(60)).is_err());
    }
}

#[test]
fn a_new_authorisation_kills_the_earlier_one() {
    let app = &App::defaults()[1];
    let mut grants = with_grace(0);
    let first = grants.authorize(app, "u", BTreeSet::new(), at(0));
    let other = grants.authorize(app, "v", BTreeSet::new(), at(0));
    grants.authorize(app, "u", BTreeSet::new(), at(1));
    assert_eq!(
        grants.check(&first.access_token, at(2)).unwrap_err(),
        Refused::Invalid
    );
    assert!(grants.check(&other.access_token, at(2)).is_ok());
    assert_eq!(
        grants
            .refresh(app, &first.refresh_token.unwrap(), at(2))
            .unwrap_err(),
        Refused::Invalid
    );
}

#[test]
fn refresh_tokens_die_after_ninety_days() {
    let app = &App::defaults()[1];
    let mut grants = with_grace(0);
    let refresh = grants
        .authorize(app, "u", BTreeSet::new(), at(0))
        .refresh_token
        .unwrap();
    assert_eq!(
        grants.refresh(app, &refresh, at(90 * 86_400)).unwrap_err(),
        Refused::Expired
    );
}

#[test]
fn what_became_of_a_consent_is_told() {
    let app = &App::defaults()[1];
    let mut grants = with_grace(30);
    let first = grants.authorize(app, "u", BTreeSet::new(), at(0));
    let first = first.refresh_token.unwrap();
    let second = grants.refresh(app, &first, at(10)).unwrap();
    grants.refresh(app, &first, at(20)).unwrap();
    assert!(grants.refresh(app, &first, at(20)).is_err(), "two back");
    grants
        .refresh(app, &second.refresh_token.unwrap(), at(3_700))
        .unwrap_err();
    let record = grants.history().next().unwrap();
    assert_eq!(
        (
            record.asked,
            record.accepted,
            record.early,
            record.replayed,
            record.replays_accepted
        ),
        (4, 2, 1, 3, 1)
    );
    assert_eq!((record.generation, record.ended), (3, None));
    grants.authorize(app, "u", BTreeSet::new(), at(4_000));
    let ended: Vec<_> = grants.history().map(|record| record.ended).collect();
    assert_eq!(ended, [Some("replaced"), None]);
}
