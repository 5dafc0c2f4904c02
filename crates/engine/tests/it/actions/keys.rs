//! Keys of programs: what their role opens, and until when.

use parfocal_engine::Code;
use parfocal_engine::keys::{Caller, NewKey, Role, Surface};
use secrecy::ExposeSecret as _;

use super::Stage;
use crate::core_support::on_both_stores;

on_both_stores! {
    keys_open_what_their_role_allows_until_they_are_revoked;
}

async fn keys_open_what_their_role_allows_until_they_are_revoked() {
    let stage = Stage::new().await;
    let admin = Caller::local(Surface::Cli);
    let new = NewKey {
        name: "pipeline".into(),
        role: Role::Operate,
        connections: vec!["env".into()],
        expires: None,
    };
    let made = stage.app.keys().create(&new, &admin).await.unwrap();
    let key = made.secret.expose_secret().to_owned();
    assert!(key.starts_with("pf_") && !format!("{made:?}").contains(&key));
    assert_eq!(
        stage
            .app
            .keys()
            .create(&new, &admin)
            .await
            .unwrap_err()
            .code(),
        Code::Conflict
    );
    let caller = stage
        .app
        .keys()
        .authenticate(&key, Surface::Api)
        .await
        .unwrap();
    assert_eq!(
        (caller.actor.as_str(), caller.role),
        ("key:pipeline", Role::Operate)
    );
    assert_eq!(caller.connections.as_ref().unwrap().len(), 1);
    assert_eq!(
        stage
            .app
            .keys()
            .create(&new, &caller)
            .await
            .unwrap_err()
            .code(),
        Code::Forbidden
    );
    assert!(!stage.app.keys().any_admin().await.unwrap());
    let (cookie, _) = stage.app.keys().sign_in(&key).await.unwrap();
    let session = stage
        .app
        .keys()
        .of_session(cookie.expose_secret())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (session.actor.as_str(), session.surface),
        ("key:pipeline", Surface::Console)
    );
    for wrong in [
        "",
        "pf_",
        "pf_000000000000_x",
        &key[..key.len() - 1],
        &format!("{key}x"),
    ] {
        let error = stage
            .app
            .keys()
            .authenticate(wrong, Surface::Api)
            .await
            .unwrap_err();
        assert_eq!(error.code(), Code::Unauthenticated, "{wrong}");
        assert!(!error.to_string().contains("pf_0"));
    }
    let view = stage.app.keys().revoke("pipeline", &admin).await.unwrap();
    assert_eq!(view.state, "revoked");
    let error = stage
        .app
        .keys()
        .authenticate(&key, Surface::Api)
        .await
        .unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated);
    assert!(
        stage
            .app
            .keys()
            .of_session(cookie.expose_secret())
            .await
            .unwrap()
            .is_none()
    );
    let folder = stage.dir.path();
    assert!(!crate::core_support::holds(
        &crate::core_support::all_bytes(folder),
        &key[16..]
    ));
}
