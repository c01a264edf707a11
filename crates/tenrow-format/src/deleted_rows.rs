//! The deleted rows of a partition: `spec/manifest.md`, "Deletion vector".

use roaring::RoaringTreemap;

use crate::error::{FormatError, Result};
use crate::guard::guarded;
use crate::limits;

/// Rows of a partition's files that are deleted; stored as a 64-bit Roaring bitmap in its portable form.
///
/// ```
/// use tenrow_format::DeletedRows;
/// let deleted = DeletedRows::from_iter([7, 2]);
/// assert_eq!(DeletedRows::decode(&deleted.encode(), 10)?, deleted);
/// assert_eq!((deleted.row(0), deleted.row(2), deleted.row(6)), (0, 3, 8));
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct DeletedRows {
    /// Ascending.
    rows: Vec<u64>,
}

impl FromIterator<u64> for DeletedRows {
    fn from_iter<T: IntoIterator<Item = u64>>(rows: T) -> Self {
        let mut rows: Vec<u64> = rows.into_iter().collect();
        rows.sort_unstable();
        rows.dedup();
        Self { rows }
    }
}

impl DeletedRows {
    /// The stored form. Equal rows give equal bytes.
    pub fn encode(&self) -> Vec<u8> {
        let map: RoaringTreemap = self.rows.iter().copied().collect();
        let mut bytes = Vec::with_capacity(map.serialized_size());
        map.serialize_into(&mut bytes).expect("writing to memory does not fail");
        bytes
    }

    /// Reads the stored form, of a partition of `row_count` rows.
    ///
    /// # Errors
    /// [`FormatError::Malformed`] or [`FormatError::Limit`] if it is not what a writer wrote.
    pub fn decode(bytes: &[u8], row_count: u64) -> Result<Self> {
        const WHAT: &str = "deletion vector";
        let (found, limit) = (bytes.len() as u64, limits::MAX_DELETION_VECTOR_BYTES);
        if found > limit {
            return Err(FormatError::Limit {
                what: "the bytes of a deletion vector",
                found,
                limit,
            });
        }
        let limit = limits::MAX_DELETED_ROWS;
        let malformed = |reason: String| FormatError::malformed(WHAT, reason);
        let map = guarded(WHAT, || {
            let mut rest = bytes;
            let map = RoaringTreemap::deserialize_from(&mut rest)
                .map_err(|error| malformed(error.to_string()))?;
            match rest.len() {
                0 => Ok(map),
                more => Err(malformed(format!("{more} bytes after its end"))),
            }
        })?;
        if let Some(last) = map.max().filter(|&last| last >= row_count) {
            return Err(malformed(format!("row {last} of {row_count}")));
        }
        // A few bytes can stand for any number of rows: these are counted before they are unpacked.
        match map.len() {
            found if found > limit => {
                Err(FormatError::Limit { what: "the deleted rows of a partition", found, limit })
            }
            _ => Ok(Self { rows: map.into_iter().collect() }),
        }
    }

    /// How many rows are deleted.
    pub fn len(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether `row` is deleted.
    pub fn contains(&self, row: u64) -> bool {
        self.rows.binary_search(&row).is_ok()
    }

    /// The deleted rows, ascending.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.rows.iter().copied()
    }

    /// These rows and `others`.
    #[must_use]
    pub fn with(&self, others: impl IntoIterator<Item = u64>) -> Self {
        self.iter().chain(others).collect()
    }

    /// The row of the files that is the `live`-th, from 0, of those not deleted. A binary search.
    pub fn row(&self, live: u64) -> u64 {
        // Before the deleted row number i there are rows[i] - i live ones: never falling with i.
        let (mut low, mut high) = (0, self.rows.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.rows[middle] - middle as u64 <= live {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        live + low as u64
    }

    /// How many rows before `row` are not deleted: the live number of `row`, if it is live.
    pub fn live_before(&self, row: u64) -> u64 {
        row - self.rows.partition_point(|&deleted| deleted < row) as u64
    }

    /// The live rows `live` as ranges of rows of the files, in order.
    pub fn ranges(&self, live: std::ops::Range<u64>) -> Vec<std::ops::Range<u64>> {
        if live.is_empty() {
            return Vec::new();
        }
        let (start, end) = (self.row(live.start), self.row(live.end - 1) + 1);
        let first = self.rows.partition_point(|&deleted| deleted < start);
        let mut ranges = Vec::new();
        let mut at = start;
        for &deleted in self.rows[first..].iter().take_while(|&&deleted| deleted < end) {
            if at < deleted {
                ranges.push(at..deleted);
            }
            at = deleted + 1;
        }
        ranges.push(at..end);
        ranges
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn live_rows_are_counted_as_by_a_walk(deleted in prop::collection::btree_set(0u64..60, 0..60)) {
            let rows = DeletedRows::from_iter(deleted.iter().copied());
            let live: Vec<u64> = (0..60).filter(|row| !deleted.contains(row)).collect();
            for (number, &row) in live.iter().enumerate() {
                prop_assert_eq!(rows.row(number as u64), row);
                prop_assert_eq!(rows.live_before(row), number as u64);
            }
            for start in 0..live.len() {
                let ranges = rows.ranges(start as u64..live.len() as u64);
                let walked: Vec<u64> = ranges.into_iter().flatten().collect();
                prop_assert_eq!(&walked[..], &live[start..]);
            }
        }

        #[test]
        fn rows_are_read_back(deleted in prop::collection::btree_set(any::<u64>(), 0..100)) {
            let rows = DeletedRows::from_iter(deleted.iter().copied());
            let found = DeletedRows::decode(&rows.encode(), u64::MAX);
            let expected: BTreeSet<u64> = deleted.into_iter().collect();
            if expected.contains(&u64::MAX) {
                prop_assert!(found.is_err());
            } else {
                prop_assert_eq!(found.unwrap(), rows);
            }
        }
    }

    #[test]
    fn bytes_cut_anywhere_or_flipped_never_panic() {
        let rows = DeletedRows::from_iter((0..5000).filter(|row| row % 3 == 0));
        let good = rows.encode();
        for end in 0..good.len() {
            DeletedRows::decode(&good[..end], 5000).unwrap_err();
        }
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            if let Ok(found) = DeletedRows::decode(&bad, 5000) {
                assert!(found.iter().all(|row| row < 5000));
            }
        }
    }

    #[test]
    fn a_row_beyond_the_partition_is_refused() {
        let rows = DeletedRows::from_iter([9]);
        DeletedRows::decode(&rows.encode(), 9).unwrap_err();
    }

    #[test]
    fn more_bytes_than_any_writer_makes_are_refused_before_they_are_looked_at() {
        let bytes = vec![0; limits::MAX_DELETION_VECTOR_BYTES as usize + 2];
        let error = DeletedRows::decode(&bytes, 10).unwrap_err();
        assert!(matches!(error, FormatError::Limit { .. }), "{error}");
    }
}
