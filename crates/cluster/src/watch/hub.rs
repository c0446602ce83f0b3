//! All watches of one API server.

use super::follow;
use super::health::Health;
use super::selection::{Selection, Standard, Watched};
use super::store::Store;
use crate::client::{Cluster, ConnectClass, ConnectError, ReadError};
use futures_util::future::BoxFuture;
use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::task::AbortHandle;
use tortie_host::{Clock, Rng};

/// Makes a connection; called again when credentials or authorities are no longer accepted.
pub type Connect = Box<dyn Fn() -> BoxFuture<'static, Result<Cluster, ConnectError>> + Send + Sync>;

/// All watches of one API server. Cheap to clone.
#[derive(Clone)]
pub struct Watches(Arc<Hub>);

pub(super) struct Hub {
    connect: Connect,
    pub(super) clock: Arc<dyn Clock>,
    cluster: tokio::sync::Mutex<Connection>,
    made: Mutex<Made>,
}

#[derive(Default)]
struct Connection {
    cluster: Option<Cluster>,
    /// How many there were.
    number: u64,
    /// Why none could be made the last time, and when that was known.
    failed: Option<(u64, ConnectError)>,
}

/// Asks a watch how it fares; nothing once it has ended.
type Look = Box<dyn Fn() -> Option<Health> + Send + Sync>;

#[derive(Default)]
struct Made {
    watches: HashMap<(TypeId, Selection), Weak<dyn Any + Send + Sync>>,
    looks: Vec<(Selection, Look)>,
    rng: Option<Rng>,
}

/// A store that is kept up to date as long as somebody holds this. Cheap to clone.
pub struct Watch<T>(Arc<Held<T>>);

struct Held<T> {
    store: Arc<Store<T>>,
    task: AbortHandle,
}

impl<T> Clone for Watch<T> {
    fn clone(&self) -> Self {
        Watch(Arc::clone(&self.0))
    }
}

impl<T> Deref for Watch<T> {
    type Target = Store<T>;

    fn deref(&self) -> &Store<T> {
        &self.0.store
    }
}

impl<T> Drop for Held<T> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Watches {
    /// No watch yet, and no connection. `seed` moves pauses apart from those of other servers.
    pub fn new(connect: Connect, clock: Arc<dyn Clock>, seed: u64) -> Watches {
        let made = Made { rng: Some(Rng::new(seed)), ..Made::default() };
        let cluster = tokio::sync::Mutex::default();
        Watches(Arc::new(Hub { connect, clock, cluster, made: Mutex::new(made) }))
    }

    /// Watches all objects of a kind, of one namespace or of all.
    pub fn watch<T: Standard>(&self, namespace: Option<&str>) -> Watch<T> {
        self.select(Selection::of::<T>(namespace))
    }

    /// Watches the objects of a selection; whoever asked for the same before shares the watch. Needs a tokio runtime around
    /// it. The objects must be of the kind `T` or be read as [`super::Custom`].
    pub fn select<T: Watched>(&self, selection: Selection) -> Watch<T> {
        let mut made = self.0.made();
        let id = (TypeId::of::<T>(), selection.clone());
        if let Some(same) = made.watches.get(&id).and_then(Weak::upgrade)
            && let Ok(held) = same.downcast::<Held<T>>()
        {
            return Watch(held);
        }
        let store = Arc::new(Store::new());
        let seed = made.rng.get_or_insert_with(|| Rng::new(0)).next_u64();
        let work = follow::follow(Arc::clone(&self.0), selection.clone(), Arc::clone(&store), seed);
        let held = Arc::new(Held { task: tokio::spawn(work).abort_handle(), store });
        let erased: Arc<dyn Any + Send + Sync> = held.clone();
        made.watches.retain(|_, w| w.strong_count() > 0);
        made.watches.insert(id, Arc::downgrade(&erased));
        let weak = Arc::downgrade(&held.store);
        made.looks.retain(|(_, look)| look().is_some());
        made.looks.push((selection, Box::new(move || weak.upgrade().map(|s| s.health()))));
        Watch(held)
    }

    /// How the watches do that somebody holds, ascending by selection.
    pub fn health(&self) -> Vec<(Selection, Health)> {
        let made = self.0.made();
        let mut all: Vec<_> = made.looks.iter().filter_map(|(s, look)| Some((s.clone(), look()?))).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// Whether somebody else holds this, or one of its watches is at work.
    pub fn in_use(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    /// The connection that the watches use, made when there is none.
    ///
    /// # Errors
    /// As [`ConnectError`] says.
    pub async fn cluster(&self) -> Result<Cluster, ConnectError> {
        self.0.cluster().await.map(|(c, _)| c)
    }
}

impl Hub {
    /// The connection with its number. Only one is made at a time, and all that wait for it learn why it could not be made.
    pub(super) async fn cluster(&self) -> Result<(Cluster, u64), ConnectError> {
        let asked = self.clock.monotonic_ns();
        let mut place = self.cluster.lock().await;
        if let Some(cluster) = &place.cluster {
            return Ok((cluster.clone(), place.number));
        }
        if let Some((_, e)) = place.failed.as_ref().filter(|(at, _)| *at > asked) {
            return Err(e.clone());
        }
        match (self.connect)().await {
            Ok(cluster) => {
                place.number += 1;
                place.failed = None;
                place.cluster = Some(cluster.clone());
                Ok((cluster, place.number))
            }
            Err(e) => {
                place.failed = Some((self.clock.monotonic_ns(), e.clone()));
                Err(e)
            }
        }
    }

    /// Gives a connection up after an error that a new one may mend: files and tokens are then read anew.
    pub(super) async fn give_up(&self, number: u64, error: &ReadError) {
        let mendable = match error {
            ReadError::Unauthorized => true,
            ReadError::Unreachable(e) => {
                matches!(e.class, ConnectClass::Tls | ConnectClass::Credentials | ConnectClass::Oidc)
            }
            _ => false,
        };
        if !mendable {
            return;
        }
        let mut place = self.cluster.lock().await;
        if place.number == number {
            place.cluster = None;
        }
    }

    fn made(&self) -> MutexGuard<'_, Made> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
