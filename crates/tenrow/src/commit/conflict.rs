//! What was committed meanwhile that a change cannot be combined with.

use crate::commit::read_version;
use crate::error::{Error, ErrorKind, Result};
use crate::format::manifest::Version;
use crate::snapshot::Snapshot;

/// Versions that are searched for the one that is in the way.
const MAX_SEARCHED: u64 = 64;

/// The error for a change prepared for `base` that `latest` does not allow, naming the version that won:
/// the first after `base` that `is_in_the_way`.
pub(crate) async fn conflict(
    base: &Snapshot,
    latest: &Snapshot,
    reason: &str,
    is_in_the_way: impl Fn(&Snapshot) -> bool + Send,
) -> Error {
    let winner = first_since(base, latest, is_in_the_way).await.unwrap_or_else(|_| latest.clone());
    Error::new(
        ErrorKind::Conflict,
        format!(
            "version {} ({}) was committed after version {}, for which this was prepared, and {reason}",
            winner.version(),
            winner.root().operation,
            base.version()
        ),
    )
}

async fn first_since(
    base: &Snapshot,
    latest: &Snapshot,
    is_in_the_way: impl Fn(&Snapshot) -> bool + Send,
) -> Result<Snapshot> {
    let first = base.version().0 + 1;
    for version in first..latest.version().0.min(first + MAX_SEARCHED) {
        let snapshot = read_version(base.storage(), Version(version), None).await?;
        if is_in_the_way(&snapshot) {
            return Ok(snapshot);
        }
    }
    Ok(latest.clone())
}
