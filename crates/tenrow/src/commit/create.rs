//! The first version of a dataset.

use bytes::Bytes;

use crate::commit::change::Change;
use crate::commit::committer::Committer;
use crate::commit::publish::{check_order, name_features, note_latest, put_version};
use crate::commit::versions::newest_version;
use crate::error::{Error, ErrorKind, Result};
use crate::format::layout::root_path;
use crate::format::manifest::Root;
use crate::snapshot::Snapshot;
use crate::storage::Storage;

/// Makes sure that of two writers who create one version only one succeeds, before a dataset is created.
///
/// # Errors
/// [`Unsupported`](ErrorKind::Unsupported) if the store lets both, and `root` does not record that there is but one.
pub(crate) async fn check_store(storage: &Storage, root: &Root) -> Result<()> {
    storage.check_writable()?;
    check_name(storage)?;
    if storage.folder().is_some_and(|folder| folder.is_file()) {
        return Err(Error::invalid(format!(
            "{storage} is a file: choose another place for the dataset"
        )));
    }
    if root.has_single_writer() {
        storage.allow_single_writer();
        return Ok(());
    }
    // A folder says so itself, with the first file.
    if storage.folder().is_some() || storage.creates_once(&root.write_id).await? {
        return Ok(());
    }
    Err(Error::unsupported(format!(
        "{storage} ignores the condition of a put (If-None-Match), so two writers could lose each other's commits: choose another store, or promise that only one writer at a time commits (--single-writer)"
    )))
}

/// Refuses a place that SQL could not name: `@`, `#` and `$` stand between a dataset and a version, a view, a table of it.
fn check_name(storage: &Storage) -> Result<()> {
    let Some(name) = storage.name() else { return Ok(()) };
    match name.chars().find(|&c| matches!(c, '@' | '#' | '$') || c.is_control()) {
        None => Ok(()),
        Some(c) => Err(Error::invalid(format!(
            "{storage}: the name of a dataset holds no {c:?}, which SQL could not reach: choose another"
        ))),
    }
}

/// Commits the first version of a dataset.
pub(crate) async fn create(storage: &Storage, root: &Root) -> Result<Snapshot> {
    let snapshot = uncommitted(storage, root)?;
    // The number of a version that has ended may be free.
    if newest_version(storage).await?.is_some() {
        return Err(exists_already(storage));
    }
    if !put_version(storage, root, &Bytes::from(root.encode())).await? {
        return Err(exists_already(storage));
    }
    note_latest(storage, root.version).await;
    Ok(snapshot)
}

/// Creates a dataset whose first version has rows already; `base` is the version that `root` would be without them.
pub(crate) async fn create_with(
    committer: &Committer,
    base: &Snapshot,
    mut root: Root,
    change: &mut impl Change,
) -> Result<Snapshot> {
    root.created_ms = committer.clock.now_ms();
    // Whether there are rows or not, the dataset is to be there.
    change.apply(committer, base, &mut root).await?;
    committer.files.check(base).await?;
    name_features(&mut root);
    check_order(&root)?;
    create(base.storage(), &root).await
}

/// The version that `root` will be once it is stored.
pub(crate) fn uncommitted(storage: &Storage, root: &Root) -> Result<Snapshot> {
    root.check().map_err(|e| Error::format("the new dataset", e))?;
    let bytes = Bytes::from(root.encode());
    Snapshot::new(storage, &bytes, &root_path(root.version), None)
}

pub(crate) fn exists_already(storage: &Storage) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        format!("{storage} is a tenrow dataset already: open it, or choose another place"),
    )
}
