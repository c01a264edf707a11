//! From a stable row id to the part that may hold it.

/// Finds the part of a sequence that holds a row id: leaves of a root, partitions of a leaf.
///
/// Parts without rows have no ids, and are never found.
#[derive(Debug, Default)]
pub(crate) struct RowIdMap {
    /// The first id of each part; of a part without rows that of the next one with rows.
    firsts: Vec<u64>,
    /// The first part that has no higher ids than one before it.
    misplaced: Option<usize>,
}

impl RowIdMap {
    /// The first id of each part, in order; `None` of one without rows.
    pub(crate) fn new(firsts: impl IntoIterator<Item = Option<u64>>) -> Self {
        let given: Vec<Option<u64>> = firsts.into_iter().collect();
        let mut next = u64::MAX;
        let mut firsts = vec![next; given.len()];
        for (first, given) in firsts.iter_mut().zip(&given).rev() {
            next = given.unwrap_or(next);
            *first = next;
        }
        let mut highest = None;
        let misplaced = given.iter().position(|&first| {
            let is_lower = first.is_some() && first <= highest;
            highest = first.or(highest);
            is_lower
        });
        Self { firsts, misplaced }
    }

    /// The last part whose first id is at most `row_id`: a binary search.
    ///
    /// The number of the part whose ids are out of order, if there is one: then nothing can be found by them.
    pub(crate) fn locate(&self, row_id: u64) -> Result<Option<usize>, usize> {
        match self.misplaced {
            Some(part) => Err(part),
            None => Ok(self.firsts.partition_point(|&first| first <= row_id).checked_sub(1)),
        }
    }

    /// The first part that has no higher ids than one before it, if ids do not ascend.
    pub(crate) fn misplaced(&self) -> Option<usize> {
        self.misplaced
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_id_is_found_where_a_walk_finds_it(counts in prop::collection::vec(0u64..4, 0..12), gap in 0u64..3) {
            let mut next = 0;
            let ids: Vec<Range<u64>> = counts.iter().map(|count| {
                let first = next + gap;
                next = first + count;
                first..next
            }).collect();
            let map = RowIdMap::new(ids.iter().map(|ids| (!ids.is_empty()).then_some(ids.start)));
            for (part, ids) in ids.iter().enumerate() {
                for id in ids.clone() {
                    prop_assert_eq!(map.locate(id), Ok(Some(part)));
                }
            }
        }
    }

    #[test]
    fn ids_that_do_not_ascend_are_told_and_never_searched() {
        let map = RowIdMap::new([Some(0), None, Some(5), Some(3)]);
        assert_eq!((map.misplaced(), map.locate(1)), (Some(3), Err(3)));
        let twice = RowIdMap::new([Some(4), None, Some(4)]);
        assert_eq!(twice.locate(4), Err(2));
    }
}
