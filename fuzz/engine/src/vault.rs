//! As much of the vault as checking a configuration needs: the form of its keys.

#[path = "../../../crates/engine/src/vault/key.rs"]
mod key;

pub(crate) use key::MasterKey;
