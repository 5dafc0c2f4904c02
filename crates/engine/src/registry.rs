//! Who can do something for us, by name: meeting providers, calendars, ways of sending invitations.
//!
//! Each entry is a function from the application and an account (a connection, by name or id) to the thing itself, so that a
//! thing is made when it is needed, with the credentials of that moment, and a registry never holds the application.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::future::BoxFuture;

use crate::App;
use crate::error::{EngineError, Result};

/// What a method of an outside thing answers: a future that may be sent to another thread.
pub type Answering<'a, T> = BoxFuture<'a, Result<T>>;

/// Makes a thing for an account of the application's; without an account for the only one there is.
pub type Opens<T> = dyn Fn(App, Option<String>) -> Answering<'static, Arc<T>> + Send + Sync;

/// Things that do the same job, by name.
pub struct Registry<T: ?Sized> {
    what: &'static str,
    known: RwLock<BTreeMap<String, Arc<Opens<T>>>>,
}

impl<T: ?Sized> fmt::Debug for Registry<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("what", &self.what)
            .field("names", &self.names())
            .finish_non_exhaustive()
    }
}

impl<T: ?Sized + Send + Sync + 'static> Registry<T> {
    /// Registers a thing that is there already, whatever the account; one of the same name is replaced.
    pub fn register(&self, name: &str, thing: Arc<T>) {
        self.register_with(name, move |_, _| {
            let thing = Arc::clone(&thing);
            Box::pin(async move { Ok(thing) })
        });
    }
}

impl<T: ?Sized> Registry<T> {
    /// An empty registry of things called `what` in errors, such as `calendar`.
    pub(crate) fn new(what: &'static str) -> Self {
        Self {
            what,
            known: RwLock::default(),
        }
    }

    /// Registers how a thing is made; one of the same name is replaced.
    pub fn register_with(
        &self,
        name: &str,
        open: impl Fn(App, Option<String>) -> Answering<'static, Arc<T>> + Send + Sync + 'static,
    ) {
        self.known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), Arc::new(open));
    }

    /// The names, in order.
    pub fn names(&self) -> Vec<String> {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .cloned()
            .collect()
    }

    /// Whether something of that name is registered.
    pub fn has(&self, name: &str) -> bool {
        self.known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(name)
    }

    /// The thing of that name, for an account by name or id.
    ///
    /// # Errors
    /// `not_found` for an unknown name, and whatever hinders it from being made, such as a connection that does not work.
    pub async fn open(&self, app: &App, name: &str, account: Option<&str>) -> Result<Arc<T>> {
        let open = self
            .known
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .cloned();
        let Some(open) = open else {
            let names = self.names();
            let hint = if names.is_empty() {
                format!("No {} is set up.", self.what)
            } else {
                format!("There are: {}.", names.join(", "))
            };
            return Err(EngineError::not_found(self.what, name).with_hint(hint));
        };
        open(app.clone(), account.map(str::to_owned)).await
    }
}
