//! What roots and partitions name: the lists through which everything goes that keeps, copies, fetches, checks or frees
//! objects.

use super::partition::Partition;
use super::root::Root;
use crate::layout::ObjectKind;

/// An object that a manifest names; its path is a `&str`, or a `&mut String` where it may be changed.
///
/// ```
/// use tenrow_format::{layout::ObjectKind, manifest::Partition};
/// let external_files = vec!["files/ab/x".to_owned()];
/// let partition = Partition { external_files, ..Partition::default() };
/// let object = partition.objects().next().expect("it names one");
/// assert_eq!((object.kind, object.stated), (ObjectKind::LargeFile, None));
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct NamedObject<P> {
    /// What it is.
    pub kind: ObjectKind,
    /// Where it is, below the dataset or in an origin; anywhere if it is foreign.
    pub path: P,
    /// What the manifest says of its bytes; `None` of a large file, whose name says the hash.
    pub stated: Option<StatedBytes>,
    /// Whether it is not the dataset's own: rows were indexed where they are.
    pub is_foreign: bool,
}

/// What a manifest says of the bytes of an object.
///
/// ```
/// use tenrow_format::manifest::{DeletionVector, Partition, StatedBytes};
/// let path = "deletes/a".to_owned();
/// let deletes = Some(DeletionVector { path, size_bytes: 40, checksum: 1, row_count: 3 });
/// let partition = Partition { row_count: 9, deletes, ..Partition::default() };
/// let stated = partition.objects().next().and_then(|object| object.stated);
/// assert_eq!(stated, Some(StatedBytes { size_bytes: 40, checksum: 1 }));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatedBytes {
    /// How many there are.
    pub size_bytes: u64,
    /// Their [`crate::checksum`].
    pub checksum: u64,
}

impl<P> NamedObject<P> {
    fn own(kind: ObjectKind, path: P, stated: Option<StatedBytes>) -> Self {
        Self { kind, path, stated, is_foreign: false }
    }

    fn stated(kind: ObjectKind, path: P, size_bytes: u64, checksum: u64) -> Self {
        Self::own(kind, path, Some(StatedBytes { size_bytes, checksum }))
    }
}

impl Root {
    /// Every object that it names itself.
    pub fn objects(&self) -> impl Iterator<Item = NamedObject<&str>> {
        let leaves = self.leaves.iter().map(|leaf| {
            NamedObject::stated(ObjectKind::Leaf, &*leaf.path, leaf.size_bytes, leaf.checksum)
        });
        let views = self.views.values().map(|view| {
            NamedObject::stated(ObjectKind::ViewRows, &*view.path, view.size_bytes, view.checksum)
        });
        leaves.chain(views)
    }
}

impl Partition {
    /// Every object that it names: its files in their order, then all else.
    pub fn objects(&self) -> impl Iterator<Item = NamedObject<&str>> {
        let files = self.files.iter().enumerate().map(|(number, file)| NamedObject {
            is_foreign: file.foreign.is_some(),
            ..NamedObject::stated(kind_of_file(number), &*file.path, file.size_bytes, file.checksum)
        });
        let deletes = self.deletes.iter().map(|own| {
            NamedObject::stated(ObjectKind::Deletes, &*own.path, own.size_bytes, own.checksum)
        });
        let large = self.external_files.iter();
        let large = large.map(|path| NamedObject::own(ObjectKind::LargeFile, &**path, None));
        files.chain(deletes).chain(large)
    }

    /// Those of [`objects`](Self::objects) that are the dataset's own, or an origin's.
    pub fn own_objects(&self) -> impl Iterator<Item = NamedObject<&str>> {
        self.objects().filter(|object| !object.is_foreign)
    }

    /// The same, for their paths to be changed.
    pub fn own_objects_mut(&mut self) -> impl Iterator<Item = NamedObject<&mut String>> {
        let files = self.files.iter_mut().enumerate().filter(|(_, file)| file.foreign.is_none());
        let files = files.map(|(number, file)| {
            let (kind, path) = (kind_of_file(number), &mut file.path);
            NamedObject::stated(kind, path, file.size_bytes, file.checksum)
        });
        let deletes = self.deletes.iter_mut().map(|own| {
            NamedObject::stated(ObjectKind::Deletes, &mut own.path, own.size_bytes, own.checksum)
        });
        let large = self.external_files.iter_mut();
        let large = large.map(|path| NamedObject::own(ObjectKind::LargeFile, path, None));
        files.chain(deletes).chain(large)
    }
}

/// The first file of a partition has all of its attributes, those that came later some.
fn kind_of_file(number: usize) -> ObjectKind {
    if number == 0 { ObjectKind::BaseFile } else { ObjectKind::ColumnFile }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Version;
    use crate::layout::Removal;
    use crate::manifest::{DataFile, DeletionVector, ForeignFile, LeafRef, ViewRef};
    use crate::schema::{Attribute, Schema};

    fn file(path: &str, foreign: bool) -> DataFile {
        DataFile {
            path: path.into(),
            foreign: foreign.then_some(ForeignFile { modified_ns: 0 }),
            size_bytes: 10,
            checksum: 11,
            footer_bytes: 0,
            sequence: None,
            field_ids: Vec::new(),
            row_groups: Vec::new(),
            chunks: Vec::new(),
        }
    }

    fn partition() -> Partition {
        let deletes =
            DeletionVector { path: "c".into(), size_bytes: 20, checksum: 21, row_count: 1 };
        Partition {
            files: vec![file("a", false), file("/elsewhere", true), file("b", false)],
            deletes: Some(deletes),
            external_files: vec!["d".into(), "e".into()],
            ..Partition::default()
        }
    }

    #[test]
    fn every_object_of_a_partition_is_listed() {
        let partition = partition();
        let listed: Vec<_> = partition
            .objects()
            .map(|o| (o.kind, o.path, o.stated.map(|s| (s.size_bytes, s.checksum)), o.is_foreign))
            .collect();
        assert_eq!(
            listed,
            [
                (ObjectKind::BaseFile, "a", Some((10, 11)), false),
                (ObjectKind::ColumnFile, "/elsewhere", Some((10, 11)), true),
                (ObjectKind::ColumnFile, "b", Some((10, 11)), false),
                (ObjectKind::Deletes, "c", Some((20, 21)), false),
                (ObjectKind::LargeFile, "d", None, false),
                (ObjectKind::LargeFile, "e", None, false),
            ]
        );
    }

    #[test]
    fn what_may_be_renamed_is_what_is_listed_as_own() {
        let before = partition();
        let mut after = before.clone();
        let listed = before.own_objects().map(|o| (o.kind, o.path.to_owned(), o.stated));
        let renamed = after.own_objects_mut().map(|o| (o.kind, std::mem::take(o.path), o.stated));
        assert_eq!(listed.collect::<Vec<_>>(), renamed.collect::<Vec<_>>());
        assert!(after.own_objects().all(|object| object.path.is_empty()));
        assert_eq!(after.files[1], before.files[1]);
    }

    /// What nothing lists vacuum would take for free.
    #[test]
    fn whatever_vacuum_removes_for_being_unnamed_a_root_or_a_partition_names() {
        let attribute = Attribute::parse("x:i64").unwrap();
        let mut root = Root::first(Schema::new([attribute]).unwrap(), "a", 0);
        root.leaves.push(LeafRef {
            path: "leaf".into(),
            checksum: 1,
            size_bytes: 2,
            partition_count: 1,
            row_count: 1,
            size_of_files_bytes: 0,
            first_row_id: 0,
            sequence: 1,
            statistics: Vec::new(),
        });
        let view = ViewRef {
            path: "view".into(),
            checksum: 3,
            size_bytes: 4,
            row_count: 1,
            version: Version(1),
            input_checksum: 0,
            query: String::new(),
            created_ms: 0,
        };
        root.views.insert("some".into(), view);
        let partition = partition();
        let named = root.objects().chain(partition.objects()).map(|object| object.kind);
        let removed = ObjectKind::all().filter(|kind| kind.removal() == Removal::Unnamed);
        // What is being written nobody names yet: its age alone keeps it.
        let removed = removed.filter(|kind| *kind != ObjectKind::Temporary);
        assert_eq!(named.collect::<BTreeSet<_>>(), removed.collect());
    }
}
