//! Whether a change fits the newest version, and if not, which version won.

use crate::commit::change::{Change, InTheWay};
use crate::commit::versions::read_version;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Version;
use crate::snapshot::Snapshot;

/// Refuses a change that `latest` has something in the way of.
///
/// # Errors
/// [`Conflict`](ErrorKind::Conflict), naming the version that won and its operation.
pub(crate) async fn check_conflict(change: &impl Change, latest: &Snapshot) -> Result<()> {
    let Some(found) = change.in_the_way(latest).await? else { return Ok(()) };
    let winner = winner(change, found, latest).await;
    Err(Error::new(
        ErrorKind::Conflict,
        format!(
            "version {} ({}) was committed after version {}, for which this was prepared, and {}",
            winner.version(),
            winner.root().operation,
            found.since,
            found.reason
        ),
    ))
}

/// A version that has what was `found` in the way of the change, and before which there is none that has: the first, unless
/// it was done, undone and done again.
///
/// A binary search: it reads few versions, however many were committed since.
async fn winner(change: &impl Change, found: InTheWay, latest: &Snapshot) -> Snapshot {
    let mut winner = latest.clone();
    let (mut fits, mut conflicts) = (found.since.0, latest.version().0);
    while conflicts.saturating_sub(fits) > 1 {
        let middle = fits + (conflicts - fits) / 2;
        // One that cannot be read, or has expired, is passed over: a later one is named.
        match conflicting(change, found, latest, Version(middle)).await {
            Ok(Some(version)) => (winner, conflicts) = (version, middle),
            Ok(None) | Err(_) => fits = middle,
        }
    }
    winner
}

/// The version, if it has that in the way of the change.
async fn conflicting(
    change: &impl Change,
    found: InTheWay,
    latest: &Snapshot,
    version: Version,
) -> Result<Option<Snapshot>> {
    let version = read_version(latest.storage(), version, Some(latest)).await?;
    Ok((change.in_the_way(&version).await? == Some(found)).then_some(version))
}
