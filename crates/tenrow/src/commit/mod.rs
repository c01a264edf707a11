//! Making a new version: durable first, then visible, by creating one file that must not exist yet.
//! `spec/commit.md` is normative.
//!
//! ```text
//! Change ─► apply to the newest version ─► root N+1 ─► created: done
//!              ▲                             │
//!              └──── read the newest ◄────── taken by another: the change is applied once more, or conflicts
//! ```

mod append;
mod conflict;
mod edit;
mod leaves;
mod merge_leaves;
mod named_files;
mod premise;

use std::time::Duration;

use bytes::Bytes;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::format::layout::{ObjectKind, latest_note_path, root_path};
use crate::format::limits;
use crate::format::manifest::{Parent, Root, Version};
use crate::ids::Ids;
use crate::snapshot::{Snapshot, row_ids_of};
use crate::storage::Storage;

pub(crate) use append::{Append, Overwrite};
pub(crate) use conflict::conflict;
pub(crate) use edit::Edits;
pub(crate) use leaves::{WrittenLeaf, less, place, write_leaves};
pub(crate) use named_files::NamedFiles;
pub use premise::Premise;
pub(crate) use premise::places;

/// The longest pause between two attempts.
const MAX_PAUSE: Duration = Duration::from_millis(500);
/// Versions that may end, one after another, before they are read: then the newest is not looked for any more.
pub(crate) const MAX_LOOKS: usize = 8;
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

/// What a commit does to a dataset, able to be done to whatever version is the newest.
pub(crate) trait Change: Send {
    /// What history calls it.
    fn operation(&self) -> &'static str;

    /// Makes `root`, which is that of `latest` under the next number, what it is to be.
    ///
    /// An error if `latest` differs from what the change was prepared for in a way that matters.
    fn apply(
        &mut self,
        committer: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> impl Future<Output = Result<Applied>> + Send;
}

/// Whether there is anything to commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applied {
    /// The root has changed.
    Changed,
    /// The newest version is as the change wants it.
    AlreadySo,
}

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

/// Names the features that the root uses, beside those that it has.
fn name_features(root: &mut Root) {
    let (for_readers, for_writers) = root.features();
    root.reader_features.extend(for_readers.iter().map(|&name| name.to_owned()));
    root.writer_features.extend(for_readers.iter().map(|&name| name.to_owned()));
    root.writer_features.extend(for_writers.iter().map(|&name| name.to_owned()));
}

/// Refuses a version in which rows could not be found by their ids.
fn check_order(root: &Root) -> Result<()> {
    let Some(leaf) = row_ids_of(root).misplaced() else { return Ok(()) };
    let found = root.leaves.get(leaf).map_or(0, |leaf| leaf.first_row_id);
    let reason = format!(
        "leaf {leaf} begins with row id {found}, not above those before it: nothing was committed"
    );
    Err(Error::corrupt("the new version", reason))
}

/// The newest version, which is `known` if none came since.
///
/// A writer may have been open for days, and the number that follows its base may have been made, ended and freed.
async fn newest_since(known: &Snapshot) -> Result<Snapshot> {
    let storage = known.storage();
    match newest_version(storage).await? {
        None => Err(not_a_dataset(storage)),
        Some(newest) if newest > known.version() => read_newest(storage, Some(known)).await,
        Some(_) => Ok(known.clone()),
    }
}

impl Committer {
    /// The root that follows `latest`, still equal to it but for its number.
    fn following(&self, latest: &Snapshot, operation: &str) -> Root {
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

/// Creates the version's file; false if another writer was first.
///
/// After any doubtful answer the file is read back: it carries the id of the write that made it.
async fn put_version(storage: &Storage, root: &Root, bytes: &Bytes) -> Result<bool> {
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
async fn note_latest(storage: &Storage, version: Version) {
    let note = Bytes::from(format!("{}\n", version.0));
    if let Err(error) = storage.put(&latest_note_path(), note).await {
        tracing::debug!(%error, "the advisory note of the newest version could not be written");
    }
}
