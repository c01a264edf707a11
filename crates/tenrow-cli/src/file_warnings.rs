//! What readers of the listed files alone see otherwise than tenrow does.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tenrow::engine::layout::ObjectKind;
use tenrow::engine::manifest::{DataFile, Partition, origin_of};
use tenrow::storage::Storage;
use tenrow::{Attribute, AttributeSize, FieldId, Inspection, Schema, Snapshot};

use crate::text;

/// Everything that a version's base files alone do not tell, a line each.
pub(crate) fn all(
    snapshot: &Snapshot,
    partitions: &[Partition],
    inspection: &Inspection,
) -> Vec<String> {
    let mut warnings = warnings(partitions);
    warnings.extend(dropped_warning(snapshot.schema(), partitions));
    let attributes = snapshot.schema().attributes().iter().zip(&inspection.attributes);
    warnings.extend(attributes.flat_map(|(attribute, size)| adapted_warnings(attribute, size)));
    warnings.extend(origin_warnings(snapshot.storage(), partitions));
    warnings
}

/// Deleted rows, newer values and large files.
fn warnings(partitions: &[Partition]) -> Vec<String> {
    let deleted: u64 = partitions.iter().filter_map(|p| Some(p.deletes.as_ref()?.row_count)).sum();
    let overridden = partitions.iter().filter(|p| is_overridden(p)).count() as u64;
    let large: BTreeSet<_> = partitions.iter().flat_map(|p| &p.external_files).collect();
    let mut warnings = Vec::new();
    if deleted > 0 {
        let rows = text::counted(deleted, "deleted row is", "deleted rows are");
        warnings.push(format!("{rows} still in these files: other programs show them"));
    }
    if overridden > 0 {
        let partitions = text::counted(overridden, "partition has", "partitions have");
        warnings.push(format!(
            "{partitions} newer values or more attributes in column files, which are not listed: \
             export the dataset to see them elsewhere"
        ));
    }
    if !large.is_empty() {
        let files = text::counted(large.len() as u64, "large file is", "large files are");
        let folder = ObjectKind::LargeFile.folder();
        warnings
            .push(format!("{files} not in these files but in {folder}/: the rows have the paths"));
    }
    warnings
}

/// Attributes that were dropped are still in the files.
fn dropped_warning(schema: &Schema, partitions: &[Partition]) -> Option<String> {
    let known: BTreeSet<FieldId> = schema.attributes().iter().flat_map(Attribute::ids).collect();
    let holds_dropped = |file: &&DataFile| file.field_ids.iter().any(|id| !known.contains(id));
    let files = partitions.iter().filter_map(|partition| partition.files.first());
    match files.filter(holds_dropped).count() as u64 {
        0 => None,
        files => {
            let files = text::counted(files, "file still holds", "files still hold");
            Some(format!("{files} attributes that were dropped: other programs show them"))
        }
    }
}

/// An attribute is not in the files as the schema has it.
fn adapted_warnings(attribute: &Attribute, size: &AttributeSize) -> Vec<String> {
    let name = &attribute.name;
    let default = attribute.default.as_ref().unwrap_or(&Value::Null);
    let wide = &attribute.attribute_type;
    let differences = [
        (size.unfilled_rows, format!("lack it in these files; tenrow shows {default}")),
        (size.narrower_rows, format!("have it in a narrower type than {wide}")),
        (size.renamed_rows, "have it under another name".to_owned()),
    ];
    let differences = differences.into_iter().filter(|(rows, _)| *rows > 0);
    differences
        .map(|(rows, how)| {
            let rows = text::counted(rows, "row", "rows");
            format!("attribute {name:?}: {rows} {how}: export the dataset to see it so elsewhere")
        })
        .collect()
}

/// Files that are here only as long as another dataset is.
fn origin_warnings(storage: &Storage, partitions: &[Partition]) -> Vec<String> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let files = partitions.iter().filter_map(|partition| partition.files.first());
    for (origin, _) in files.filter_map(|file| origin_of(&file.path)) {
        let location = storage.origin(origin).map_or(origin.to_owned(), Storage::to_string);
        *counts.entry(location).or_default() += 1;
    }
    let warning = |(location, count): (String, u64)| {
        let files = text::counted(count, "of these files is", "of these files are");
        format!("{files} in another dataset, {location}")
    };
    counts.into_iter().map(warning).collect()
}

/// Whether other files of the partition say more than its first does. A projection, which repeats
/// attributes of the first as they are there, does not.
fn is_overridden(partition: &Partition) -> bool {
    let Some((first, others)) = partition.files.split_first() else { return false };
    others.iter().any(|file| {
        file.sequence != first.sequence
            || file.field_ids.iter().any(|field| !first.field_ids.contains(field))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(sequence: Option<u64>, fields: &[u32]) -> DataFile {
        DataFile {
            path: "data/a.parquet".into(),
            foreign: None,
            size_bytes: 9,
            checksum: 0,
            footer_bytes: 8,
            sequence,
            field_ids: fields.iter().map(|&id| FieldId(id)).collect(),
            row_groups: vec![3],
            chunks: Vec::new(),
        }
    }

    fn partition(files: Vec<DataFile>) -> Partition {
        Partition { row_count: 3, files, ..Partition::default() }
    }

    #[test]
    fn a_projection_is_no_reason_to_warn() {
        let projected = partition(vec![file(None, &[1, 2]), file(None, &[2])]);
        assert!(warnings(&[projected]).is_empty());
    }

    #[test]
    fn newer_values_and_added_attributes_are() {
        for other in [file(Some(7), &[2]), file(None, &[3])] {
            let overridden = partition(vec![file(None, &[1, 2]), other]);
            assert_eq!(warnings(&[overridden]).len(), 1);
        }
    }
}
