//! What the tests share: values by rule, random rows, a dataset with all kinds, failing stores, servers.

pub mod pattern;
pub mod random;
pub mod zoo;
pub mod fault;
pub mod stop;
pub mod told;
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

use std::process::{Child, ExitStatus};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

/// What a test that asks a server may take: one that waits for ever says so.
const LIMIT: Duration = Duration::from_secs(300);
/// What all tests together may take that are run beside a server.
pub const LIMIT_OF_ALL: Duration = Duration::from_secs(2 * 3600);

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

/// Waits for `work` that asks a remote store, but not for ever.
pub fn block_on_remote<T>(work: impl Future<Output = T>) -> T {
    let limited = async { tokio::time::timeout(LIMIT, work).await };
    RUNTIME.block_on(limited).unwrap_or_else(|_| panic!("not done after {LIMIT:?}"))
}

/// A program that asks a server: it is killed when it is dropped, or takes too long.
pub struct Program(Child);

impl Program {
    /// `child`, which was just started.
    pub fn new(child: Child) -> Self {
        Self(child)
    }

    /// How it ended.
    pub fn finish(self) -> ExitStatus {
        self.finish_within(LIMIT)
    }

    /// How it ended, if it may take that long.
    pub fn finish_within(mut self, limit: Duration) -> ExitStatus {
        let start = Instant::now();
        loop {
            match self.0.try_wait().expect("a child of ours") {
                Some(status) => return status,
                None => assert!(start.elapsed() < limit, "not ended after {limit:?}"),
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends it a signal, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let mut kill = std::process::Command::new("kill");
        let kill = kill.args([format!("-{name}"), self.0.id().to_string()]).status();
        assert!(kill.expect("kill").success(), "no signal {name}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
