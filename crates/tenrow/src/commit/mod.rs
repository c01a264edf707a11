//! Making a new version: durable first, then visible, by creating one file that must not exist yet.
//! `spec/commit.md` is normative.
//!
//! ```text
//! Change ─► is the newest version in its way? ─► apply to it ─► root N+1 ─► created: done
//!              ▲            └─► conflict                          │
//!              └──── read the newest ◄─────────────────────────── taken by another
//! ```

mod versions;
mod named_files;
mod committer;
mod change;
mod conflict;
mod premise;
mod leaves;
mod merge_leaves;
mod edit;
mod append;
mod publish;
mod create;

use bytes::Bytes;

use crate::error::{Error, ErrorKind, Result};
use crate::format::layout::root_path;
use crate::snapshot::Snapshot;
use publish::{check_order, name_features, note_latest, put_version};
use versions::newest_since;

pub(crate) use append::{Append, Overwrite};
pub(crate) use change::{Applied, Change, InTheWay};
pub(crate) use committer::Committer;
pub(crate) use conflict::check_conflict;
pub(crate) use create::{check_store, create, create_with, exists_already, uncommitted};
pub(crate) use edit::Edits;
pub(crate) use leaves::{WrittenLeaf, less, write_leaves};
pub(crate) use named_files::NamedFiles;
pub use premise::Premise;
pub(crate) use premise::places;
pub(crate) use versions::{
    MAX_LOOKS, check_not_expired, never_still, newest_version, read_newest, read_version,
};

/// Commits `change`, prepared for `base`, on whatever version is the newest by then.
pub(crate) async fn commit(
    committer: &Committer,
    base: &Snapshot,
    change: &mut impl Change,
) -> Result<Snapshot> {
    let storage = base.storage();
    let mut latest = base.clone();
    for attempt in 0..=committer.max_retries {
        committer.pause(attempt).await;
        latest = newest_since(&latest).await?;
        check_writable(&latest)?;
        check_conflict(change, &latest).await?;
        let mut root = committer.following(&latest, change.operation());
        if change.apply(committer, &latest, &mut root).await? == Applied::AlreadySo {
            return Ok(latest);
        }
        committer.files.check(&latest).await?;
        name_features(&mut root);
        root.check().map_err(|e| Error::format("the new version", e))?;
        check_order(&root)?;
        let bytes = Bytes::from(root.encode());
        let path = root_path(root.version);
        let snapshot = Snapshot::new(storage, &bytes, &path, Some(&latest))?;
        // All that the root names is durable by now, so a reader of the new version can open it.
        // What was created is in history, and done: no root goes so soon that its number were free to who has just looked.
        if put_version(storage, &root, &bytes).await? {
            note_latest(storage, root.version).await;
            tracing::debug!(%storage, version = root.version.0, operation = %root.operation, "committed");
            return Ok(snapshot);
        }
        tracing::debug!(version = root.version.0, attempt, "another writer was first");
    }
    Err(Error::new(
        ErrorKind::Conflict,
        format!(
            "lost {} races in a row against other writers of {storage}; version {} is the newest: try again",
            committer.max_retries + 1,
            latest.version()
        ),
    ))
}

/// Refuses a version that uses features which only a newer tenrow can keep intact.
pub(crate) fn check_writable(snapshot: &Snapshot) -> Result<()> {
    snapshot.storage().check_writable()?;
    let unknown = snapshot.root().unknown_writer_features();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::TooNew,
        format!(
            "version {} of {} can only be read: it uses {}, which needs a newer tenrow",
            snapshot.version(),
            snapshot.storage(),
            unknown.join(", ")
        ),
    ))
}
