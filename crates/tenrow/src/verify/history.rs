//! The versions: each made from the one before it, none missing that has not expired.

use std::collections::{BTreeSet, HashSet};

use crate::commit::read_version;
use crate::content::ContentCheck;
use crate::dataset::Dataset;
use crate::error::{Error, Result};
use crate::format::Version;
use crate::format::layout::{latest_note_path, root_path};
use crate::format::limits;
use crate::format::manifest::{
    FEATURE_SINGLE_WRITER, Leaf, NamedObject, Parent, Partition, Root, StatedBytes, in_origin,
    origin_of,
};
use crate::snapshot::Snapshot;
use crate::storage::Storage;
use crate::verify::check::Check;

/// Checks every root that is there, and in full the bytes of the objects that only older versions name.
pub(super) async fn check(dataset: &Dataset, check: &mut Check) -> Result<()> {
    let history = dataset.history(&check.snapshot).await?;
    let there: BTreeSet<Version> = history.iter().copied().collect();
    check_kept(check, &there);
    check_noted(dataset, check).await?;
    let mut older = Older::default();
    let mut child: Option<Snapshot> = None;
    for version in history {
        check.tell();
        if check.is_stopped() {
            break;
        }
        check.report.versions += 1;
        let path = root_path(version);
        let snapshot = match read_version(dataset.storage(), version, None).await {
            Ok(snapshot) => snapshot,
            Err(error) => {
                check.fault(&path, None, error);
                child = None;
                continue;
            }
        };
        check_root(check, snapshot.root(), &there);
        if let Some(child) = &child {
            check_parent(check, &snapshot, child);
        }
        if check.options.full {
            note_objects(check, &snapshot, &mut older).await;
        }
        child = Some(snapshot);
    }
    let stated = older.objects.iter().filter_map(|object| object.stated);
    check.total_bytes += stated.map(|stated| stated.size_bytes).sum::<u64>();
    for object in older.objects {
        if check.is_stopped() {
            break;
        }
        let size = object.stated.map_or(0, |stated| stated.size_bytes);
        check_object(check, object).await;
        check.advance(size);
    }
    Ok(())
}

/// Objects that older versions name.
#[derive(Default)]
struct Older {
    /// Paths of what was met already, the newest version's own included.
    known: HashSet<String>,
    objects: Vec<OldObject>,
}

struct OldObject {
    /// Of its version, which knows where its origins are.
    storage: Storage,
    path: String,
    stated: Option<StatedBytes>,
    version: Version,
}

/// The version that was noted as the newest once it was committed is there, or a newer one.
async fn check_noted(dataset: &Dataset, check: &mut Check) -> Result<()> {
    let Some(noted) = dataset.storage().noted().await else { return Ok(()) };
    // Another may have committed since this check began.
    let newest = dataset.latest().await?.version();
    check.ensure(noted <= newest, &latest_note_path(), None, || {
        format!("version {noted} was committed, and the newest that is there is {newest}: what followed is missing")
    });
    Ok(())
}

/// Tags and views name versions that are there.
fn check_kept(check: &mut Check, there: &BTreeSet<Version>) {
    let (path, snapshot) = (check.root_path(), check.snapshot.clone());
    let root = snapshot.root();
    let tags = root.tags.iter().map(|(name, version)| (format!("tag {name:?}"), *version));
    let views = root.views.iter().map(|(name, view)| (format!("view {name:?}"), view.version));
    for (what, version) in tags.chain(views) {
        check.ensure(there.contains(&version), &path, None, || {
            format!("{what} is of version {version}, which is not there")
        });
    }
}

/// What a root says of itself and of the version that it was made from.
fn check_root(check: &mut Check, root: &Root, there: &BTreeSet<Version>) {
    let path = root_path(root.version);
    let (for_readers, for_writers) = root.features();
    for feature in for_readers.iter().filter(|name| !root.reader_features.contains(**name)) {
        check.note(&path, None, unnamed(feature, "readers"));
    }
    let single = root.single_writer.then_some(FEATURE_SINGLE_WRITER);
    let needed = for_readers.iter().chain(&for_writers).copied().chain(single);
    for feature in needed.filter(|name| !root.writer_features.contains(*name)) {
        check.note(&path, None, unnamed(feature, "writers"));
    }
    let older = there.range(..root.version).next_back();
    match root.parent {
        Some(Parent { version: parent, .. }) => {
            check.ensure(parent.0 + 1 == root.version.0, &path, None, || {
                format!(
                    "made from version {parent}, expected the one before version {}",
                    root.version
                )
            });
            let may_be_gone = parent < check.snapshot.root().expired_before;
            check.ensure(may_be_gone || there.contains(&parent), &path, None, || {
                format!("made from version {parent}, which is missing though it has not expired")
            });
        }
        None => check.ensure(older.is_none(), &path, None, || {
            format!("it names no parent, though there are older versions, such as {older:?}")
        }),
    }
}

pub(super) fn unnamed(feature: &str, whom: &str) -> String {
    format!("feature {feature:?} is used, but not named for {whom}")
}

/// What must not fall, nor change, from a version to the next.
fn check_parent(check: &mut Check, parent: &Snapshot, child: &Snapshot) {
    let named = child.root().parent.filter(|named| named.version == parent.version());
    let Some(named) = named else { return };
    let path = root_path(parent.version());
    check.ensure(named.checksum == parent.root_checksum(), &path, None, || {
        format!(
            "checksum {:016x}, but the next version says {:016x}",
            parent.root_checksum(),
            named.checksum
        )
    });
    let (old, new, path) = (parent.root(), child.root(), root_path(child.version()));
    let fields = |root: &Root| u64::from(root.schema.next_field_id());
    for (what, old, new) in [
        ("next_row_id", old.next_row_id as i64, new.next_row_id as i64),
        ("next_field_id", fields(old) as i64, fields(new) as i64),
        ("expired_before", old.expired_before.0 as i64, new.expired_before.0 as i64),
    ] {
        check.ensure(old <= new, &path, None, || {
            format!("{what} is {new}, but the version before has {old}, and it never falls")
        });
    }
    // A time far ahead of the writer's clock is not followed: then times are in order from this version on.
    let begins_anew = new.times_from == new.version;
    check.ensure(begins_anew || old.created_ms <= new.created_ms, &path, None, || {
        let (old, new) = (old.created_ms, new.created_ms);
        format!("created_ms is {new}, but the version before has {old}, and times are in order")
    });
    check.ensure(begins_anew || old.times_from == new.times_from, &path, None, || {
        let (old, new) = (old.times_from, new.times_from);
        format!(
            "times_from is {new}, expected that of the version before, {old}, or its own number"
        )
    });
    check.ensure(old.write_id != new.write_id, &path, None, || {
        format!("its write id {:?} is that of the version before", new.write_id)
    });
}

/// Notes the objects that a version names, but for those that newer ones name too: of the newest all is looked at in depth.
async fn note_objects(check: &mut Check, snapshot: &Snapshot, older: &mut Older) {
    let is_newest = snapshot.version() == check.snapshot.version();
    for reference in &snapshot.root().leaves {
        if !older.known.insert(reference.path.clone()) {
            continue;
        }
        let storage = snapshot.storage();
        let read = storage.read(&reference.path, limits::MAX_LEAF_BYTES).await;
        let leaf = read.map_err(storage.missing(&reference.path)).and_then(|bytes| {
            Leaf::decode(bytes, reference.checksum)
                .map_err(|e| Error::format(storage.shown(&reference.path), e))
        });
        match leaf {
            Ok(leaf) => {
                let objects = objects_of(snapshot, &reference.path, &leaf);
                for object in objects {
                    if older.known.insert(object.path.clone()) && !is_newest {
                        older.objects.push(object);
                    }
                }
            }
            Err(_) if is_newest => {}
            Err(error) => check.fault(&reference.path, None, error),
        }
    }
}

/// The objects of a leaf that belong to its dataset.
fn objects_of(snapshot: &Snapshot, leaf_path: &str, leaf: &Leaf) -> Vec<OldObject> {
    let origin = origin_of(leaf_path).map(|(origin, _)| origin);
    let old = |object: NamedObject<&str>| {
        let path = match origin {
            Some(origin) => in_origin(origin, object.path),
            None => object.path.to_owned(),
        };
        let (storage, version) = (snapshot.storage().clone(), snapshot.version());
        OldObject { storage, path, stated: object.stated, version }
    };
    leaf.partitions.iter().flat_map(Partition::own_objects).map(old).collect()
}

/// The object is there, of its size, with its bytes.
async fn check_object(check: &mut Check, object: OldObject) {
    let OldObject { storage, path, stated, version } = object;
    check.report.files += 1;
    let checked = async {
        let found = storage.size(&path).await.map_err(storage.missing(&path))?;
        if let Some(size) = stated.map(|stated| stated.size_bytes).filter(|size| *size != found) {
            let reason = format!("{found} bytes, but version {version} says {size}");
            return Err(Error::corrupt(path.clone(), reason));
        }
        check.content(&storage, &path, found, ContentCheck::of_object(stated, &path)).await
    };
    if let Err(error) = checked.await {
        check.fault(&path, None, error);
    }
}
