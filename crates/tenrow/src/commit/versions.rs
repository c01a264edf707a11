//! The versions that are there: found, read, referred to.

use crate::error::{Error, ErrorKind, Result};
use crate::format::Version;
use crate::format::layout::{ObjectKind, root_path};
use crate::format::limits;
use crate::snapshot::Snapshot;
use crate::storage::Storage;

/// Versions that may end, one after another, before they are read: then the newest is not looked for any more.
pub(crate) const MAX_LOOKS: usize = 8;

/// Reads one version; what `known` has read of its leaves already is shared.
pub(crate) async fn read_version(
    storage: &Storage,
    version: Version,
    known: Option<&Snapshot>,
) -> Result<Snapshot> {
    let path = root_path(version);
    let bytes = storage.read(&path, limits::MAX_ROOT_BYTES).await?;
    let snapshot = Snapshot::new(storage, &bytes, &path, known)?;
    tracing::debug!(%storage, version = version.0, "opened");
    if snapshot.version() != version {
        return Err(Error::corrupt(
            format!("{storage}/{path}"),
            format!("it says that it is version {}, not {version}", snapshot.version()),
        ));
    }
    Ok(snapshot)
}

/// Reads the newest version; looks again if that went between the listing and the reading.
pub(crate) async fn read_newest(storage: &Storage, known: Option<&Snapshot>) -> Result<Snapshot> {
    let mut looked_for = None;
    for _ in 0..MAX_LOOKS {
        let version = newest_version(storage).await?.ok_or_else(|| not_a_dataset(storage))?;
        match read_version(storage, version, known).await {
            Err(error) if error.kind() == ErrorKind::NotFound && looked_for != Some(version) => {
                looked_for = Some(version);
            }
            // Only a note says that it is there, which may be wrong or old.
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Denied) => {
                return match storage.search_newest(version).await? {
                    Some(found) => read_version(storage, found, known).await,
                    None => Err(error),
                };
            }
            found => return found,
        }
    }
    Err(never_still(storage))
}

/// The error of who found other versions each time.
pub(crate) fn never_still(storage: &Storage) -> Error {
    Error::new(
        ErrorKind::Conflict,
        format!("versions of {storage} ended each time that they were looked at: try again"),
    )
}

fn not_a_dataset(storage: &Storage) -> Error {
    let reason = match storage.folder() {
        Some(folder) if !folder.exists() => "there is no such folder".to_owned(),
        Some(folder) if folder.is_file() => "it is a file".to_owned(),
        _ => format!("it has no {}", ObjectKind::Root.folder()),
    };
    Error::new(ErrorKind::NotADataset, format!("{storage} is not a tenrow dataset: {reason}"))
}

/// The number of the newest version, if there is one.
pub(crate) async fn newest_version(storage: &Storage) -> Result<Option<Version>> {
    storage.newest().await
}

/// The newest version, which is `known` if none came since.
///
/// A writer may have been open for days, and the number that follows its base may have been made, ended and freed.
pub(super) async fn newest_since(known: &Snapshot) -> Result<Snapshot> {
    let storage = known.storage();
    match newest_version(storage).await? {
        None => Err(not_a_dataset(storage)),
        Some(newest) if newest > known.version() => read_newest(storage, Some(known)).await,
        Some(_) => Ok(known.clone()),
    }
}

/// Refuses to refer to a version that may go at any moment, by what `latest` says.
pub(crate) fn check_not_expired(latest: &Snapshot, version: Version) -> Result<()> {
    if !latest.root().has_expired(version) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::NotFound,
        format!(
            "version {version} of {} has expired: nothing new can refer to it",
            latest.storage()
        ),
    ))
}
