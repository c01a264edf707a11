//! Another program that writes: its leaves do not list every chunk, so readers ask the footers, and have partitions without
//! rows, which hide nothing.

use bytes::Bytes;
use tenrow::Version;
use tenrow::engine::checksum;
use tenrow::engine::layout::root_path;
use tenrow::engine::manifest::{FEATURE_FOREIGN_FILES, Leaf, Parent, origin_of};
use tenrow::{Dataset, Error, ErrorKind, Result, Snapshot};
use tenrow_tests::random::Dice;

use super::foreign;

/// Commits the newest version once more, with one leaf that lists fewer chunks of one attribute.
pub(crate) async fn relist(dataset: &Dataset, bits: u64) -> Result<Snapshot> {
    let latest = dataset.latest().await?;
    let mut dice = Dice::new(bits);
    let mut root = latest.root().clone();
    let own = |path: &str| origin_of(path).is_none();
    let Some(at) = root.leaves.iter().position(|leaf| own(&leaf.path)) else { return Ok(latest) };
    let storage = dataset.storage();
    let reference = &root.leaves[at];
    let bytes = storage.read(&reference.path, 1 << 30).await?;
    let mut leaf = Leaf::decode(bytes, reference.checksum).unwrap();
    for partition in &mut leaf.partitions {
        // Columns of files of others are found by nothing else.
        for file in partition.files.iter_mut().filter(|file| file.foreign.is_none()) {
            let Some(field) = file.field_ids.first().copied() else { continue };
            let is_whole = dice.once_in(2);
            file.chunks.retain(|chunk| chunk.field != field || !is_whole && !dice.once_in(2));
        }
    }
    if dice.once_in(2) {
        let place = dice.below(leaf.partitions.len() as u64 + 1) as usize;
        leaf.partitions.insert(place, foreign::empty_partition());
        root.reader_features.insert(FEATURE_FOREIGN_FILES.into());
        root.writer_features.insert(FEATURE_FOREIGN_FILES.into());
    }
    let files = leaf.partitions.iter().flat_map(|partition| &partition.files);
    let reference = &mut root.leaves[at];
    reference.size_of_files_bytes = files.map(|file| file.size_bytes).sum();
    reference.partition_count = leaf.partitions.len() as u64;
    let bytes = Bytes::from(leaf.encode().unwrap());
    let name = format!("{bits:032x}");
    reference.path = format!("_tenrow/leaves/{name}");
    reference.size_bytes = bytes.len() as u64;
    reference.checksum = checksum(&bytes);
    storage.put_new(&reference.path, bytes).await?;
    root.parent = Some(Parent { version: latest.version(), checksum: latest.root_checksum() });
    root.version = Version(latest.version().0 + 1);
    root.write_id = name;
    root.operation = "relist".into();
    let path = root_path(root.version);
    match storage.put_new(&path, Bytes::from(root.encode())).await? {
        true => dataset.latest().await,
        false => Err(Error::new(ErrorKind::Conflict, "another program was first")),
    }
}
