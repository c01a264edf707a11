//! Who fetches which block: a hint among processes, so that one of them fetches and the others wait a little.
//!
//! ```text
//! <folder>/claims/<object>.<index>   made by who begins to fetch, touched while it does, removed when it has
//! ```
//!
//! It is no lock: a claim that was not touched for two seconds counts for nothing, and nobody waits for long. A process
//! that was killed or stopped, or a stream that nobody polls, is in nobody's way.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::{Duration, Instant, SystemTime};

use tokio::runtime::Handle;

use super::block::BlockKey;
use super::private::{new_private, within};

/// How often a claim is touched.
const TOUCH_EVERY: Duration = Duration::from_millis(200);
/// A claim that was not touched for so long is nobody's.
const STALE: Duration = Duration::from_secs(2);
/// How long to wait for blocks that others fetch, at most.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long to wait before looking again.
const FIRST_WAIT: Duration = Duration::from_millis(2);
const MAX_WAIT: Duration = Duration::from_millis(50);

/// That we fetch a block, until it is dropped; without a file where none can be made.
#[derive(Debug, Default)]
pub(super) struct Claim(Option<(PathBuf, File)>);

impl Claim {
    fn touch(&self) {
        if let Some((_, file)) = &self.0 {
            // Untouched it counts for less, which does no harm.
            let _ = file.set_modified(SystemTime::now());
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if let Some((path, _)) = &self.0 {
            // What stays is soon nobody's.
            let _ = fs::remove_file(path);
        }
    }
}

/// Claims the block, in the folder of claims; `None` if somebody else is fetching it, unless that is passed over.
pub(super) fn claimed(folder: &Path, key: &BlockKey, passes_over: bool) -> Option<Claim> {
    let path = folder.join(key.file_name());
    let make = || within(folder, || new_private(&path));
    let is_there = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
    let made = match make() {
        Err(error) if is_there(&error) => {
            if !passes_over && is_alive(&path) {
                return None;
            }
            let _ = fs::remove_file(&path);
            make()
        }
        made => made,
    };
    match made {
        Ok(file) => Some(Claim(Some((path, file)))),
        // Someone was faster.
        Err(error) if is_there(&error) && !passes_over => None,
        // Where nothing can be claimed, nothing is shared.
        Err(error) => {
            tracing::debug!(%error, "a block cannot be claimed");
            Some(Claim::default())
        }
    }
}

/// Whether who made the claim was seen lately. What is newer than now was made by another clock.
fn is_alive(claim: &Path) -> bool {
    let touched = fs::metadata(claim).and_then(|metadata| metadata.modified());
    touched.is_ok_and(|touched| touched.elapsed().map_or(true, |age| age < STALE))
}

/// Waits for `work`, and touches the claims meanwhile.
pub(super) async fn touching<'a, T>(
    claims: impl Iterator<Item = &'a Claim> + Clone,
    work: impl Future<Output = T>,
) -> T {
    let mut work = pin!(work);
    if Handle::try_current().is_err() {
        return work.await;
    }
    loop {
        match tokio::time::timeout(TOUCH_EVERY, work.as_mut()).await {
            Ok(done) => return done,
            Err(_) => claims.clone().for_each(Claim::touch),
        }
    }
}

/// How long one reader waits for blocks that others fetch: counted from when it has nothing else to wait for.
pub(super) struct Patience {
    ends: Option<Instant>,
    wait: Duration,
}

impl Patience {
    pub(super) fn new() -> Self {
        Self { ends: None, wait: FIRST_WAIT }
    }

    pub(super) fn is_over(&self) -> bool {
        self.ends.is_some_and(|ends| Instant::now() >= ends)
    }

    /// Waits before looking again.
    pub(super) async fn wait(&mut self) {
        self.ends.get_or_insert_with(|| Instant::now() + PATIENCE);
        tokio::time::sleep(self.wait).await;
        self.wait = (self.wait * 2).min(MAX_WAIT);
    }
}

#[cfg(test)]
mod tests {
    use super::super::folder::BlockFolder;
    use super::*;

    const KEY: BlockKey = BlockKey { object: [3; 16], index: 7 };

    fn folder() -> (tempfile::TempDir, BlockFolder) {
        let folder = tempfile::tempdir().unwrap();
        let blocks = BlockFolder::new(folder.path().join("cache"), 1 << 20);
        (folder, blocks)
    }

    #[test]
    fn a_block_is_claimed_by_one_until_it_is_fetched() {
        let (_folder, blocks) = folder();
        let claim = claimed(&blocks.claims(), &KEY, false).unwrap();
        assert!(claimed(&blocks.claims(), &KEY, false).is_none());
        assert!(claimed(&blocks.claims(), &BlockKey { index: 8, ..KEY }, false).is_some());
        drop(claim);
        assert!(claimed(&blocks.claims(), &KEY, false).is_some());
    }

    /// As a process leaves it that was killed or stopped.
    #[test]
    fn a_claim_that_nobody_touches_counts_for_nothing() {
        let (_folder, blocks) = folder();
        let claim = claimed(&blocks.claims(), &KEY, false).unwrap();
        let (path, file) = claim.0.as_ref().unwrap();
        file.set_modified(SystemTime::now() - STALE).unwrap();
        assert!(!is_alive(path));
        claim.touch();
        assert!(is_alive(path) && claimed(&blocks.claims(), &KEY, false).is_none());
        file.set_modified(SystemTime::now() - STALE).unwrap();
        let taken = claimed(&blocks.claims(), &KEY, false).unwrap();
        assert!(taken.0.is_some() && claimed(&blocks.claims(), &KEY, false).is_none());
    }

    #[test]
    fn who_has_waited_enough_passes_over_every_claim() {
        let (_folder, blocks) = folder();
        let _claim = claimed(&blocks.claims(), &KEY, false).unwrap();
        assert!(claimed(&blocks.claims(), &KEY, true).is_some());
    }

    #[test]
    fn where_nothing_can_be_claimed_nothing_is_waited_for() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let blocks = BlockFolder::new(file.path().to_owned(), 1 << 20);
        let _claim = claimed(&blocks.claims(), &KEY, false).unwrap();
        assert!(claimed(&blocks.claims(), &KEY, false).is_some());
    }

    #[tokio::test]
    async fn a_slow_fetch_keeps_its_claim() {
        let (_folder, blocks) = folder();
        let claim = claimed(&blocks.claims(), &KEY, false).unwrap();
        let file = claim.0.as_ref().unwrap().1.try_clone().unwrap();
        let old = SystemTime::now() - STALE;
        file.set_modified(old).unwrap();
        let touched = || file.metadata().unwrap().modified().unwrap() > old;
        touching([&claim].into_iter(), async {
            while !touched() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        assert!(claimed(&blocks.claims(), &KEY, false).is_none());
    }
}
