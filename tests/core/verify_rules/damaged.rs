//! A dataset that is well, and handles on what is to be damaged in it.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use tenrow::Version;
use tenrow::engine::manifest::{
    Chunk, ChunkLayout, DataFile, Partition, Root, RowIdRange, Statistics,
};
use tenrow::{Attribute, FieldId, Schema, SchemaChange, ViewOptions, WriteOptions};
use tenrow_tests::edited::{Edited, Manifests};
use tenrow_tests::{random, zoo};

const ATTRIBUTES: [&str; 9] = [
    "kind:string",
    "label:i64",
    "other:i64",
    "name:string?",
    "image:u8[2,3]",
    "weights:f32[5]?",
    "tokens:list<u16>",
    "boxes:f32[?,2]?",
    "photo:file?",
];

/// A dataset with something of everything: keys, sorted labels, deleted and updated rows, large files, a tag, a view.
pub(super) async fn well() -> Edited {
    let edited = Edited::new();
    let dataset = edited.dataset();
    let attributes = ATTRIBUTES.iter().map(|text| Attribute::parse(text).unwrap());
    let schema = Schema::new(attributes).unwrap();
    dataset.create_here(schema.clone(), &Default::default()).await.unwrap();
    for part in 0..3 {
        let options = WriteOptions::default()
            .with_row_group_bytes(800)
            .with_partition_bytes(3_000)
            .with_inline_file_bytes(zoo::INLINE_FILE_BYTES)
            .with_partition_by(["kind"]);
        let mut writer = dataset.writer_with(options).await.unwrap();
        writer.append(&batch(&schema, part)).await.unwrap();
        writer.commit().await.unwrap();
    }
    let latest = dataset.latest().await.unwrap();
    dataset.tag("good", Version(3)).await.unwrap();
    dataset.delete(&latest, &[2, 5]).await.unwrap();
    let others: ArrayRef = Arc::new(Int64Array::from(vec![-5]));
    let values = RecordBatch::try_from_iter([("other", others)]).unwrap();
    dataset.update_ids(&[7], &values).await.unwrap();
    let split = Attribute::parse("split:i64").unwrap().with_default(7);
    dataset.change_schema(SchemaChange::Add(split)).await.unwrap();
    let latest = dataset.latest().await.unwrap();
    dataset
        .create_view("some", &latest.rows(vec![3, 3, 1]).unwrap(), &ViewOptions::default())
        .await
        .unwrap();
    edited
}

fn batch(schema: &Schema, part: i64) -> RecordBatch {
    let all = random::batch(schema, 11 + part as u64, 40);
    let columns = all.schema_ref().fields().iter().zip(all.columns()).map(|(field, column)| {
        let column: ArrayRef = match field.name().as_str() {
            "kind" => Arc::new(StringArray::from(vec![format!("k{part}"); 40])),
            "label" => Arc::new(Int64Array::from_iter_values((0..40).map(|row| part * 40 + row))),
            _ => column.clone(),
        };
        column
    });
    RecordBatch::try_new(all.schema(), columns.collect()).unwrap()
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Level {
    Quick,
    /// Found by reading everything, and not before.
    Full,
}

/// A rule that is broken, by what level it is found, and what is said of it.
pub(super) type Case = (&'static str, Level, &'static str, fn(&mut Manifests), fn(&mut Root));

pub(super) fn id(m: &Manifests, name: &str) -> FieldId {
    m.root.schema.attribute(name).unwrap().id
}

/// A partition of the first leaf, of which nothing was changed.
pub(super) fn partition(m: &mut Manifests) -> &mut Partition {
    let partitions = m.leaves.iter_mut().flat_map(|leaf| &mut leaf.partitions);
    partitions.into_iter().find(is_plain).unwrap()
}

fn is_plain(p: &&mut Partition) -> bool {
    p.deletes.is_none() && !is_updated(p) && p.files[0].row_groups.len() > 1
}

/// Whether a file was added later: a projection came with the base file.
pub(super) fn is_updated(p: &Partition) -> bool {
    p.files.iter().any(|file| file.sequence != p.files[0].sequence)
}

pub(super) fn file(m: &mut Manifests) -> &mut DataFile {
    &mut partition(m).files[0]
}

fn chunk<'a>(m: &'a mut Manifests, name: &str) -> &'a mut Chunk {
    let id = id(m, name);
    file(m).chunks.iter_mut().find(|chunk| chunk.field == id).unwrap()
}

pub(super) fn layout<'a>(m: &'a mut Manifests, name: &str) -> &'a mut ChunkLayout {
    &mut chunk(m, name).layout
}

pub(super) fn statistics<'a>(m: &'a mut Manifests, name: &str) -> &'a mut Statistics {
    let id = id(m, name);
    partition(m).statistics.iter_mut().find(|own| own.field == id).unwrap()
}

pub(super) fn deleted(m: &mut Manifests) -> &mut Partition {
    let partitions = m.leaves.iter_mut().flat_map(|leaf| &mut leaf.partitions);
    partitions.into_iter().find(|p| p.deletes.is_some()).unwrap()
}

pub(super) fn updated(m: &mut Manifests) -> &mut Partition {
    let partitions = m.leaves.iter_mut().flat_map(|leaf| &mut leaf.partitions);
    partitions.into_iter().find(|p| is_updated(p)).unwrap()
}

pub(super) fn with_large(m: &mut Manifests) -> &mut Partition {
    let partitions = m.leaves.iter_mut().flat_map(|leaf| &mut leaf.partitions);
    partitions.into_iter().find(|p| !p.external_files.is_empty()).unwrap()
}

/// Names the ids that partitions inherit.
pub(super) fn name_ids(m: &mut Manifests) {
    for (reference, leaf) in m.root.leaves.iter().zip(&mut m.leaves) {
        let mut next = reference.first_row_id;
        for partition in leaf.partitions.iter_mut().filter(|p| p.row_ids.is_empty()) {
            partition.row_ids = vec![RowIdRange { first: next, count: partition.row_count }];
            next += partition.row_count;
        }
    }
}

pub(super) fn change_attribute(m: &mut Manifests, name: &str, text: &str) {
    let mut attributes = m.root.schema.attributes().to_vec();
    let attribute = attributes.iter_mut().find(|attribute| attribute.name == name).unwrap();
    let new = Attribute::parse(&format!("{name}:{text}")).unwrap();
    *attribute = Attribute { id: attribute.id, encoding: attribute.encoding, ..new };
    m.root.schema = Schema::from_parts(attributes, m.root.schema.next_field_id()).unwrap();
}

pub(super) fn nothing<T>(_: &mut T) {}
