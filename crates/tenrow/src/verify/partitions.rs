//! One partition, by its entry in the leaf, and then by all that it names.

use std::sync::Arc;

use crate::format::manifest::Partition;
use crate::snapshot::LoadedPartition;
use crate::verify::bounds;
use crate::verify::check::Check;

/// Where a partition is.
pub(super) struct Place<'a> {
    pub(super) leaf: &'a str,
    pub(super) number: usize,
    /// The number of its first row in the version.
    pub(super) first_row: u64,
}

impl Check {
    pub(super) async fn partition(&mut self, partition: &Arc<LoadedPartition>, place: &Place<'_>) {
        let faults: Vec<String> = [
            self.check_row_ids(partition.entry()),
            self.check_attributes(partition),
            self.check_sequences(partition.entry()),
            bounds::of_partition(partition.entry()),
        ]
        .concat();
        for fault in faults {
            let what = format!("partition {}: {fault}", place.number);
            self.note(place.leaf, Some(place.first_row), what);
        }
        let large_files = self.files(partition, place.first_row).await;
        if self.options.full {
            self.values(partition, &large_files, place.first_row).await;
        }
    }

    /// Stable ids ascend with rows, and none occurs twice: a partition is known by that of its first row.
    fn check_row_ids(&mut self, entry: &Partition) -> Vec<String> {
        let mut faults = Vec::new();
        for ids in &entry.row_ids {
            if ids.first < self.next_row_id {
                faults.push(format!(
                    "row ids from {} on, but an earlier row has the id {}: ids ascend with rows",
                    ids.first,
                    self.next_row_id - 1
                ));
            }
            self.next_row_id = self.next_row_id.max(ids.first.saturating_add(ids.count));
        }
        if entry.row_count > 0 && entry.live_rows() == 0 {
            faults.push(format!(
                "all of its {} rows are deleted: it is to be left out",
                entry.row_count
            ));
        }
        faults
    }

    /// Every attribute is in a file, or has a value for rows that lack it.
    fn check_attributes(&self, partition: &LoadedPartition) -> Vec<String> {
        let attributes = self.snapshot.schema().attributes().iter();
        let lacking = attributes.filter(|attribute| {
            let needs_value = !attribute.nullable && attribute.default.is_none();
            needs_value && partition.entry().row_count > 0 && partition.column(attribute).is_none()
        });
        let fault = |name: &str| {
            format!(
                "no file has attribute {name:?}, which is neither nullable nor has it a default"
            )
        };
        lacking.map(|attribute| fault(&attribute.name)).collect()
    }

    fn check_sequences(&self, entry: &Partition) -> Vec<String> {
        let version = self.snapshot.version();
        let beyond = entry.files.iter().filter(|file| file.sequence > Some(version.0));
        let fault = |path: &str, sequence: u64| {
            format!("file {path:?} has the sequence {sequence}, which is beyond version {version}")
        };
        beyond.map(|file| fault(&file.path, file.sequence.unwrap_or_default())).collect()
    }
}
