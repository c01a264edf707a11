//! From a row number to the part that holds it.

/// Finds the part of a sequence that holds a row: leaves of a root, partitions of a leaf, row
/// groups of a file.
///
/// ```
/// use tenrow_format::manifest::RowMap;
/// let rows = RowMap::new([3, 0, 2]);
/// assert_eq!(rows.locate(3), Some((2, 0)));
/// assert_eq!((rows.total(), rows.start(2)), (5, 3));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RowMap {
    /// The row after the last of each part; never falling.
    ends: Vec<u64>,
}

impl RowMap {
    /// Adds up the rows of each part, in order. A sum past `u64::MAX` stays there.
    pub fn new(counts: impl IntoIterator<Item = u64>) -> Self {
        let add = |end: &mut u64, count| {
            *end = end.saturating_add(count);
            Some(*end)
        };
        Self { ends: counts.into_iter().scan(0, add).collect() }
    }

    /// The part that holds `row`, and the row's number within it; `None` past the end.
    ///
    /// A binary search. Parts without rows hold nothing.
    #[inline]
    pub fn locate(&self, row: u64) -> Option<(usize, u64)> {
        let part = self.ends.partition_point(|&end| end <= row);
        (part < self.ends.len()).then(|| (part, row - self.start(part)))
    }

    /// The first row of `part`; past the last part, the total.
    #[inline]
    pub fn start(&self, part: usize) -> u64 {
        match part.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(self.total()),
            None => 0,
        }
    }

    /// The rows of all parts.
    #[inline]
    pub fn total(&self) -> u64 {
        self.ends.last().copied().unwrap_or(0)
    }

    /// The number of parts.
    pub fn part_count(&self) -> usize {
        self.ends.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_row_is_found_where_a_walk_finds_it(counts in prop::collection::vec(0u64..5, 0..20)) {
            let walked = counts.iter().enumerate().flat_map(|(part, &n)| (0..n).map(move |r| (part, r)));
            let rows = RowMap::new(counts.iter().copied());
            for (row, place) in walked.enumerate() {
                prop_assert_eq!(rows.locate(row as u64), Some(place));
            }
            prop_assert_eq!(rows.locate(rows.total()), None);
        }
    }

    #[test]
    fn a_sum_beyond_u64_does_not_wrap() {
        let rows = RowMap::new([u64::MAX, 7]);
        assert_eq!(rows.total(), u64::MAX);
        assert_eq!(rows.locate(u64::MAX), None);
    }
}
