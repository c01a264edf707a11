//! What roots and partitions name: the lists through which everything goes that keeps, copies, fetches, checks or frees
//! objects.

use super::partition::Partition;
use super::root::Root;
use crate::layout::ObjectKind;

/// An object that a manifest names; its path is a `&str`, or a `&mut String` where it may be changed.
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
