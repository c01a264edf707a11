//! Sets of rows, as ranges.

use std::ops::Range;

/// Rows as ascending ranges that neither touch nor overlap.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct RowSet {
    ranges: Vec<Range<u64>>,
}

impl RowSet {
    /// The rows of any ranges.
    pub(crate) fn new(ranges: impl IntoIterator<Item = Range<u64>>) -> Self {
        let mut all: Vec<_> = ranges.into_iter().filter(|range| !range.is_empty()).collect();
        all.sort_unstable_by_key(|range| range.start);
        let mut ranges: Vec<Range<u64>> = Vec::with_capacity(all.len());
        for range in all {
            match ranges.last_mut() {
                Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
                _ => ranges.push(range),
            }
        }
        Self { ranges }
    }

    pub(crate) fn ranges(&self) -> &[Range<u64>] {
        &self.ranges
    }

    pub(crate) fn len(&self) -> u64 {
        self.ranges.iter().map(|range| range.end - range.start).sum()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Whether any of its rows is in `range`.
    pub(crate) fn touches(&self, range: &Range<u64>) -> bool {
        let next = self.ranges.partition_point(|own| own.end <= range.start);
        !range.is_empty() && self.ranges.get(next).is_some_and(|own| own.start < range.end)
    }

    /// Whether all rows of `range` are in it.
    pub(crate) fn contains(&self, range: &Range<u64>) -> bool {
        let next = self.ranges.partition_point(|own| own.end <= range.start);
        let found = self.ranges.get(next);
        range.is_empty()
            || found.is_some_and(|own| own.start <= range.start && range.end <= own.end)
    }

    /// The rows of both.
    #[must_use]
    pub(crate) fn and(&self, other: &Self) -> Self {
        let mut ranges = Vec::new();
        let (mut a, mut b) = (self.ranges.iter().peekable(), other.ranges.iter().peekable());
        while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
            let both = left.start.max(right.start)..left.end.min(right.end);
            if !both.is_empty() {
                ranges.push(both);
            }
            match left.end <= right.end {
                true => drop(a.next()),
                false => drop(b.next()),
            }
        }
        Self { ranges }
    }

    /// The rows of either.
    #[must_use]
    pub(crate) fn or(&self, other: &Self) -> Self {
        Self::new(self.ranges.iter().chain(&other.ranges).cloned())
    }

    /// Its first `count` rows.
    #[must_use]
    pub(crate) fn first(&self, count: u64) -> Self {
        let mut left = count;
        let cut = |range: &Range<u64>| {
            let taken = left.min(range.end - range.start);
            left -= taken;
            (taken > 0).then(|| range.start..range.start + taken)
        };
        Self { ranges: self.ranges.iter().map_while(cut).collect() }
    }

    /// The rows in at most `parts` parts of about as many rows each, ascending, none smaller than `min_rows`
    /// but the last.
    pub(crate) fn split(&self, parts: usize, min_rows: u64) -> Vec<Self> {
        let size = self.len().div_ceil(parts.max(1) as u64).max(min_rows).max(1);
        let mut found = vec![Vec::new()];
        let mut room = size;
        for range in &self.ranges {
            let mut start = range.start;
            while start < range.end {
                if room == 0 {
                    found.push(Vec::new());
                    room = size;
                }
                let end = range.end.min(start + room);
                room -= end - start;
                if let Some(last) = found.last_mut() {
                    last.push(start..end);
                }
                start = end;
            }
        }
        found.into_iter().map(|ranges| Self { ranges }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ranges: &[Range<u64>]) -> RowSet {
        RowSet::new(ranges.to_vec())
    }

    #[test]
    fn ranges_that_touch_are_one() {
        assert_eq!(set(&[5..7, 0..2, 2..3, 6..9, 4..4]).ranges(), [0..3, 5..9]);
    }

    #[test]
    fn both_and_either_are_what_counting_says() {
        let (a, b) = (set(&[0..5, 8..12]), set(&[3..9, 11..20]));
        assert_eq!(a.and(&b).ranges(), [3..5, 8..9, 11..12]);
        assert_eq!(a.or(&b).ranges(), [0..20]);
        assert_eq!(b.first(7).ranges(), [3..9, 11..12]);
    }

    #[test]
    fn ranges_touch_where_rows_are_in_both() {
        let rows = set(&[3..5, 9..10]);
        let touches = |range: Range<u64>| rows.touches(&range);
        assert!(touches(4..5) && touches(0..4) && touches(9..100));
        assert!(!touches(0..3) && !touches(5..9) && !touches(10..11) && !touches(4..4));
        let contains = |range: Range<u64>| rows.contains(&range);
        assert!(contains(3..5) && contains(4..5) && contains(9..10) && contains(7..7));
        assert!(!contains(2..4) && !contains(4..6) && !contains(3..10) && !contains(20..21));
    }

    #[test]
    fn parts_have_all_rows_in_order() {
        let parts = set(&[0..5, 8..12]).split(2, 1);
        assert_eq!(parts, [set(&[0..5]), set(&[8..12])]);
        assert_eq!(set(&[0..5]).split(4, 100), [set(&[0..5])]);
        assert_eq!(set(&[]).split(4, 1), [set(&[])]);
    }
}
