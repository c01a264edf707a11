//! The root of a new version: made ready, and put where it must not exist yet.

use bytes::Bytes;

use crate::commit::versions::read_version;
use crate::error::{Error, ErrorKind, Result};
use crate::format::Version;
use crate::format::layout::{latest_note_path, root_path};
use crate::format::manifest::Root;
use crate::snapshot::row_ids_of;
use crate::storage::Storage;

/// Names the features that the root uses, beside those that it has.
pub(super) fn name_features(root: &mut Root) {
    let (for_readers, for_writers) = root.features();
    root.reader_features.extend(for_readers.iter().map(|&name| name.to_owned()));
    root.writer_features.extend(for_readers.iter().map(|&name| name.to_owned()));
    root.writer_features.extend(for_writers.iter().map(|&name| name.to_owned()));
}

/// Refuses a version in which rows could not be found by their ids.
pub(super) fn check_order(root: &Root) -> Result<()> {
    let Some(leaf) = row_ids_of(root).misplaced() else { return Ok(()) };
    let found = root.leaves.get(leaf).map_or(0, |leaf| leaf.first_row_id);
    let reason = format!(
        "leaf {leaf} begins with row id {found}, not above those before it: nothing was committed"
    );
    Err(Error::corrupt("the new version", reason))
}

/// Creates the version's file; false if another writer was first.
///
/// After any doubtful answer the file is read back: it carries the id of the write that made it.
pub(super) async fn put_version(storage: &Storage, root: &Root, bytes: &Bytes) -> Result<bool> {
    let path = root_path(root.version);
    let doubt = match storage.put_new(&path, bytes.clone()).await {
        Ok(true) => return Ok(true),
        Ok(false) => None,
        Err(error) => Some(error),
    };
    match (read_version(storage, root.version, None).await, doubt) {
        (Ok(found), _) if found.root().write_id == root.write_id => {
            // What failed may have been the sync: that it can be read does not say that it survives a crash.
            let secured = storage.secure(&path).await;
            secured.map(|()| true).map_err(|error| in_doubt(storage, root.version, error))
        }
        (Ok(_), _) => Ok(false),
        (Err(unread), Some(error)) if is_refusal(storage, &error, &unread) => Err(error),
        (Err(_), Some(error)) => Err(in_doubt(storage, root.version, error)),
        // It is taken, perhaps by ourselves: some stores say so of a request that they repeat.
        (Err(unread), None) => match unread.kind() {
            ErrorKind::Io | ErrorKind::Denied | ErrorKind::NotFound => {
                Err(in_doubt(storage, root.version, unread))
            }
            _ => Err(unread),
        },
    }
}

/// Whether a put that failed created nothing, and never will, where what it was to create could not be read back.
fn is_refusal(storage: &Storage, error: &Error, unread: &Error) -> bool {
    // The store answered. Without an answer a request may still be under way, but for one to a folder.
    error.kind() != ErrorKind::Io
        || (storage.folder().is_some() && unread.kind() == ErrorKind::NotFound)
}

/// Of a version that may be there, or may not.
fn in_doubt(storage: &Storage, version: Version, error: Error) -> Error {
    let what = format!(
        "version {version} of {storage} may have been committed, but that it stays was not confirmed: look for it before you commit the same again, or commit under an idempotency key, which makes that safe"
    );
    Error::new(ErrorKind::InDoubt, what).with_source(error)
}

/// Notes the newest version for stores that cannot list; nobody trusts it, so nothing depends on it.
pub(super) async fn note_latest(storage: &Storage, version: Version) {
    let note = Bytes::from(format!("{}\n", version.0));
    if let Err(error) = storage.put(&latest_note_path(), note).await {
        tracing::debug!(%error, "the advisory note of the newest version could not be written");
    }
}
