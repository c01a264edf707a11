//! Stores in memory, by name, for as long as the process runs.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use object_store::ObjectStore;
use object_store::memory::InMemory;

type Stores = HashMap<String, Arc<dyn ObjectStore>>;

static STORES: LazyLock<Mutex<Stores>> = LazyLock::new(Mutex::default);

/// The store called `name`, the same for all who ask.
pub(super) fn store(name: &str) -> Arc<dyn ObjectStore> {
    stores().entry(name.to_owned()).or_insert_with(|| Arc::new(InMemory::new())).clone()
}

fn stores() -> MutexGuard<'static, Stores> {
    STORES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A store of the caller's to which `memory://<name>` leads, until this is dropped.
///
/// Datasets that name each other by location meet in it: a test can let all of them fail.
///
/// ```
/// use std::sync::Arc;
/// use tenrow::storage::{LentMemory, Storage};
/// let own = Arc::new(object_store::memory::InMemory::new());
/// let lent = LentMemory::new("lent", own.clone());
/// # futures::executor::block_on(async {
/// Storage::open("memory://lent/a")?.put("x", "1".into()).await?;
/// use object_store::ObjectStoreExt;
/// assert!(own.head(&"a/x".into()).await.is_ok());
/// # Ok::<(), tenrow::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
#[must_use = "the location leads to the store for as long as this lives"]
pub struct LentMemory(String);

impl LentMemory {
    /// Lets `memory://<name>` lead to `store`, in place of what was there.
    pub fn new(name: impl Into<String>, store: Arc<dyn ObjectStore>) -> Self {
        let name = name.into();
        stores().insert(name.clone(), store);
        Self(name)
    }
}

impl Drop for LentMemory {
    fn drop(&mut self) {
        stores().remove(&self.0);
    }
}
