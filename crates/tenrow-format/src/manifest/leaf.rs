//! Leaves: the partitions of a dataset, some thousands at a time.

use std::collections::BTreeSet;

use super::check;
use super::partition::Partition;
use super::row_map::RowMap;
use crate::error::{FormatError, Result};
use crate::limits;

/// Partitions in commit order; stored as Parquet, one row each.
///
/// ```
/// use tenrow_format::{checksum, manifest::Leaf};
/// let bytes = Leaf::default().encode()?;
/// assert_eq!(Leaf::decode(bytes.clone().into(), checksum(&bytes))?, Leaf::default());
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Leaf {
    /// The partitions.
    pub partitions: Vec<Partition>,
}

impl Leaf {
    /// From a live row of the leaf to its partition.
    pub fn row_map(&self) -> RowMap {
        RowMap::new(self.partitions.iter().map(Partition::live_rows))
    }

    /// Rows that are not deleted.
    pub fn live_rows(&self) -> u64 {
        self.row_map().total()
    }

    /// The features that a root with this leaf must name, for readers and for writers.
    pub fn features(&self) -> BTreeSet<&'static str> {
        let mut features = BTreeSet::new();
        self.partitions.iter().for_each(|partition| partition.add_features(&mut features));
        features
    }

    pub(super) fn check(&self) -> Result<()> {
        let count = self.partitions.len() as u64;
        check::limit("the number of partitions of a leaf", count, limits::MAX_LEAF_PARTITIONS)?;
        check::sum("rows of a leaf", self.partitions.iter().map(|p| p.row_count))?;
        let mut named =
            self.partitions.iter().filter(|p| p.row_count > 0).map(|p| !p.row_ids.is_empty());
        let first = named.next();
        if named.any(|other| Some(other) != first) {
            let reason =
                "some partitions name their row ids, others inherit them; expected all or none";
            return Err(FormatError::malformed("leaf", reason));
        }
        self.partitions.iter().enumerate().try_for_each(|(number, partition)| {
            partition.check().map_err(|error| match error {
                FormatError::Malformed { what, reason } => {
                    FormatError::malformed(format!("partition {number} of a leaf: {what}"), reason)
                }
                other => other,
            })
        })
    }
}
