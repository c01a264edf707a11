//! What the tests share: values by rule, random rows, a dataset with all kinds, failing stores, servers.

pub mod pattern;
pub mod random;
pub mod zoo;
pub mod fault;
pub mod folder;
pub mod groups;
pub mod link;
pub mod s3;
pub mod azurite;
pub mod files;
pub mod place;
pub mod edited;
#[path = "../fuzz/mutate.rs"]
pub mod mutate;

use std::sync::LazyLock;

use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.enable_all().build().expect("threads")
});

/// Waits for `work`: local datasets need no runtime, remote ones do.
pub fn block_on<T>(work: impl Future<Output = T>) -> T {
    match place::is_remote() {
        true => block_on_remote(work),
        false => futures::executor::block_on(work),
    }
}

/// Waits for `work` that asks a remote store.
pub fn block_on_remote<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.block_on(work)
}
