//! Making a new version: durable first, then visible, by creating one file that must not exist yet.
//! `spec/commit.md` is normative.

use bytes::Bytes;

use crate::clock::Clock;
use crate::error::{Error, ErrorKind, Result};
use crate::format::checksum;
use crate::format::limits;
use crate::format::manifest::{Leaf, LeafRef, Parent, Partition, Root, Statistics, Version};
use crate::ids::Ids;
use crate::snapshot::Snapshot;
use crate::storage::Storage;

/// Partitions of one leaf.
const LEAF_PARTITIONS: usize = 4096;

/// What a commit needs besides what is to be committed.
pub(crate) struct Commit {
    pub(crate) ids: Ids,
    pub(crate) clock: Clock,
    pub(crate) max_retries: usize,
}

/// The path of a version's root manifest.
pub(crate) fn version_path(version: Version) -> String {
    format!("_tenrow/versions/{}", version.file_name())
}

/// Reads one version.
pub(crate) async fn read_version(storage: &Storage, version: Version) -> Result<Snapshot> {
    let path = version_path(version);
    let bytes = storage.read(&path, limits::MAX_ROOT_BYTES).await?;
    let snapshot = Snapshot::new(storage.clone(), &bytes, &path)?;
    if snapshot.version() != version {
        return Err(Error::corrupt(
            format!("{storage}/{path}"),
            format!("it says that it is version {}, not {version}", snapshot.version()),
        ));
    }
    Ok(snapshot)
}

/// Reads the newest version.
pub(crate) async fn read_newest(storage: &Storage) -> Result<Snapshot> {
    let newest = storage.newest().await?.and_then(|name| Version::from_file_name(&name));
    let Some(version) = newest else {
        return Err(Error::new(
            ErrorKind::NotADataset,
            format!("{storage} is not a tenrow dataset: it has no _tenrow/versions"),
        ));
    };
    read_version(storage, version).await
}

/// Commits version 1.
pub(crate) async fn create(storage: &Storage, root: &Root) -> Result<Snapshot> {
    let snapshot = uncommitted(storage, root)?;
    if !put_version(storage, root, &Bytes::from(root.encode())).await? {
        return Err(exists_already(storage));
    }
    Ok(snapshot)
}

/// The version that `root` will be once it is stored.
pub(crate) fn uncommitted(storage: &Storage, root: &Root) -> Result<Snapshot> {
    root.check().map_err(|e| Error::format("the new dataset", e))?;
    let bytes = Bytes::from(root.encode());
    Snapshot::new(storage.clone(), &bytes, &version_path(root.version))
}

pub(crate) fn exists_already(storage: &Storage) -> Error {
    Error::new(
        ErrorKind::AlreadyExists,
        format!("{storage} is a tenrow dataset already: open it, or choose another place"),
    )
}

/// Appends partitions to whatever version is the newest by then; `base` is the one they were made for.
pub(crate) async fn append(
    commit: &Commit,
    base: &Snapshot,
    partitions: Vec<Partition>,
) -> Result<Snapshot> {
    if partitions.is_empty() {
        return Ok(base.clone());
    }
    let storage = base.storage();
    let leaves = write_leaves(commit, base, partitions).await?;
    let mut latest = base.clone();
    for attempt in 0..=commit.max_retries {
        if attempt > 0 {
            latest = read_newest(storage).await?;
            check_rebase(base, &latest)?;
        }
        let root = appended(commit, &latest, &leaves)?;
        let bytes = Bytes::from(root.encode());
        // Every partition and leaf is durable by now, so a reader of the new version can open all it names.
        if put_version(storage, &root, &bytes).await? {
            note_latest(storage, root.version).await;
            return Snapshot::new(storage.clone(), &bytes, &version_path(root.version));
        }
        tracing::debug!(version = root.version.0, "another writer was first; trying again");
    }
    Err(Error::new(
        ErrorKind::Conflict,
        format!(
            "lost {} races in a row against other writers of {storage}; version {} is the newest: try again",
            commit.max_retries + 1,
            latest.version()
        ),
    ))
}

/// Whether rows made for `base` can be appended to `latest`: any change but of the schema lets them.
fn check_rebase(base: &Snapshot, latest: &Snapshot) -> Result<()> {
    check_writable(latest)?;
    if base.schema() == latest.schema() {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Conflict,
        format!(
            "version {} changed the schema after these rows were prepared for version {}: write them again",
            latest.version(),
            base.version()
        ),
    ))
}

/// Refuses a version that uses features which only a newer tenrow can keep intact.
pub(crate) fn check_writable(snapshot: &Snapshot) -> Result<()> {
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

async fn write_leaves(
    commit: &Commit,
    base: &Snapshot,
    partitions: Vec<Partition>,
) -> Result<Vec<(LeafRef, Leaf)>> {
    let mut leaves = Vec::new();
    let mut rest = partitions;
    while !rest.is_empty() {
        let tail = rest.split_off(rest.len().min(LEAF_PARTITIONS));
        let leaf = Leaf { partitions: std::mem::replace(&mut rest, tail) };
        let path = format!("_tenrow/leaves/{}", commit.ids.next());
        let bytes = Bytes::from(leaf.encode().map_err(|e| Error::format(&path, e))?);
        let files = leaf.partitions.iter().flat_map(|partition| &partition.files);
        let reference = LeafRef {
            checksum: checksum(&bytes),
            size_bytes: bytes.len() as u64,
            partition_count: leaf.partitions.len() as u64,
            row_count: leaf.live_rows(),
            size_of_files_bytes: files.map(|file| file.size_bytes).sum(),
            first_row_id: 0,
            sequence: 0,
            statistics: key_statistics(&leaf),
            path: path.clone(),
        };
        if !base.storage().put_new(&path, bytes).await? {
            return Err(Error::new(
                ErrorKind::AlreadyExists,
                format!("leaf {path} exists already"),
            ));
        }
        leaves.push((reference, leaf));
    }
    Ok(leaves)
}

/// Bounds of the partition keys over a whole leaf.
fn key_statistics(leaf: &Leaf) -> Vec<Statistics> {
    let fields =
        leaf.partitions.first().map(|p| p.keys.iter().map(|key| key.field).collect::<Vec<_>>());
    let of = |field| {
        let mut merged: Option<Statistics> = None;
        for partition in &leaf.partitions {
            let own = partition.statistics.iter().find(|s: &&Statistics| s.field == field)?;
            merged = Some(match merged {
                None => own.clone(),
                Some(merged) => merge(merged, own)?,
            });
        }
        merged
    };
    fields.unwrap_or_default().into_iter().filter_map(of).take(8).collect()
}

fn merge(a: Statistics, b: &Statistics) -> Option<Statistics> {
    let less = |a: &serde_json::Value, b: &serde_json::Value| match (a, b) {
        (serde_json::Value::String(a), serde_json::Value::String(b)) => Some(a < b),
        (serde_json::Value::Bool(a), serde_json::Value::Bool(b)) => Some(!a & b),
        (a, b) => match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => Some(a < b),
            _ => Some(a.as_u64()? < b.as_u64()?),
        },
    };
    let (min, max) = match (&a.min, &b.min, &a.max, &b.max) {
        (Some(a_min), Some(b_min), Some(a_max), Some(b_max)) => (
            if less(b_min, a_min)? { b_min } else { a_min },
            if less(a_max, b_max)? { b_max } else { a_max },
        ),
        _ => return None,
    };
    Some(Statistics {
        field: a.field,
        null_count: a.null_count + b.null_count,
        min: Some(min.clone()),
        max: Some(max.clone()),
        exact: a.exact && b.exact,
    })
}

/// The root that follows `latest` with these leaves at its end.
fn appended(commit: &Commit, latest: &Snapshot, leaves: &[(LeafRef, Leaf)]) -> Result<Root> {
    let mut root = latest.root().clone();
    root.version = Version(root.version.0 + 1);
    root.parent = Some(Parent { version: latest.version(), checksum: latest.root_checksum() });
    root.write_id = commit.ids.next();
    root.created_ms = commit.clock.now_ms();
    root.operation = "append".into();
    for (reference, leaf) in leaves {
        let features = leaf.features();
        root.reader_features.extend(features.iter().map(|&name| name.to_owned()));
        root.writer_features.extend(features.iter().map(|&name| name.to_owned()));
        let rows: u64 = leaf.partitions.iter().map(|partition| partition.row_count).sum();
        root.leaves.push(LeafRef {
            first_row_id: root.next_row_id,
            sequence: root.version.0,
            ..reference.clone()
        });
        root.next_row_id += rows;
    }
    root.check().map_err(|e| Error::format("the new version", e))?;
    Ok(root)
}

/// Creates the version's file; false if another writer was first.
///
/// After any doubtful answer the file is read back: it carries the id of the write that made it.
async fn put_version(storage: &Storage, root: &Root, bytes: &Bytes) -> Result<bool> {
    let path = version_path(root.version);
    let put = storage.put_new(&path, bytes.clone()).await;
    match put {
        Ok(true) => Ok(true),
        Ok(false) => {
            Ok(read_version(storage, root.version).await?.root().write_id == root.write_id)
        }
        Err(error) => match read_version(storage, root.version).await {
            Ok(found) => Ok(found.root().write_id == root.write_id),
            // It is not there, or cannot be read either: the first failure tells why.
            Err(_) => Err(error),
        },
    }
}

/// Notes the newest version for stores that cannot list; nobody trusts it, so nothing depends on it.
async fn note_latest(storage: &Storage, version: Version) {
    let note = Bytes::from(format!("{}\n", version.0));
    if let Err(error) = storage.put("_tenrow/latest", note).await {
        tracing::debug!(%error, "the advisory note of the newest version could not be written");
    }
}
