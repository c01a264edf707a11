//! Who commits: names, time, patience, and the root that a new version begins with.

use std::time::Duration;

use crate::clock::Clock;
use crate::commit::named_files::NamedFiles;
use crate::format::Version;
use crate::format::manifest::{Parent, Root};
use crate::ids::Ids;
use crate::snapshot::Snapshot;

/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_millis(500);
/// A time so far ahead of one's own clock is a mistake of another's, which is not handed on.
const MAX_AHEAD_MS: i64 = 24 * 3600 * 1000;

/// How a program commits.
#[derive(Debug, Clone)]
pub(crate) struct Committer {
    pub(crate) ids: Ids,
    pub(crate) clock: Clock,
    /// Lost races after which a commit gives up.
    pub(crate) max_retries: usize,
    /// The large files that its values name.
    pub(crate) files: NamedFiles,
}

impl Committer {
    /// The root that follows `latest`, still equal to it but for its number.
    pub(super) fn following(&self, latest: &Snapshot, operation: &str) -> Root {
        let root = latest.root().clone();
        let version = Version(root.version.0 + 1);
        let now_ms = self.clock.now_ms();
        let is_wrong = root.created_ms > now_ms.saturating_add(MAX_AHEAD_MS);
        Root {
            version,
            times_from: if is_wrong { version } else { root.times_from },
            parent: Some(Parent { version: latest.version(), checksum: latest.root_checksum() }),
            write_id: self.ids.next(),
            // Else never before its parent, so that times can be searched.
            created_ms: if is_wrong { now_ms } else { now_ms.max(root.created_ms) },
            operation: operation.into(),
            ..root
        }
    }

    /// Waits a random time, longer after each lost race, so that writers do not meet again.
    pub(crate) async fn pause(&self, attempt: usize) {
        if attempt == 0 {
            return;
        }
        let most = Duration::from_millis(1 << attempt.min(9)).min(MAX_PAUSE);
        let random = u64::from_str_radix(&self.ids.next()[..8], 16).unwrap_or_default();
        let pause = most.mul_f64(random as f64 / f64::from(u32::MAX));
        self.clock.pause(pause).await;
    }
}
