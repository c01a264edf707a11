//! Which reads to join into one: pure planning.

use std::ops::Range;

/// How neighbouring ranges of one object are fetched together.
///
/// ```
/// use tenrow::storage::CoalesceOptions;
/// let options = CoalesceOptions::default().with_max_gap_bytes(0);
/// assert_eq!((options.max_gap_bytes, options.max_concurrency), (0, 16));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CoalesceOptions {
    /// Ranges at most this many bytes apart are joined; default 64 KiB.
    pub max_gap_bytes: u64,
    /// Reads under way at once; default 16, at least 1.
    pub max_concurrency: usize,
}

impl Default for CoalesceOptions {
    fn default() -> Self {
        Self { max_gap_bytes: 64 << 10, max_concurrency: 16 }
    }
}

impl CoalesceOptions {
    /// Sets [`max_gap_bytes`](Self::max_gap_bytes).
    #[must_use]
    pub fn with_max_gap_bytes(mut self, bytes: u64) -> Self {
        self.max_gap_bytes = bytes;
        self
    }

    /// Sets [`max_concurrency`](Self::max_concurrency).
    #[must_use]
    pub fn with_max_concurrency(mut self, reads: usize) -> Self {
        self.max_concurrency = reads;
        self
    }
}

/// The reads that cover `ranges`: ascending, apart, and none of them empty.
///
/// A range is joined to the read before it if the gap is at most `max_gap_bytes` and the read
/// then wastes at most as many bytes as it uses. Overlapping ranges are always joined.
pub(crate) fn coalesce(ranges: &[Range<u64>], max_gap_bytes: u64) -> Vec<Range<u64>> {
    let mut sorted: Vec<_> = ranges.iter().filter(|range| !range.is_empty()).cloned().collect();
    sorted.sort_unstable_by_key(|range| range.start);
    let mut reads: Vec<Range<u64>> = Vec::with_capacity(sorted.len());
    let mut useful_bytes = 0;
    for range in sorted {
        match reads.last_mut() {
            Some(read) if joins(read, useful_bytes, &range, max_gap_bytes) => {
                useful_bytes += range.end.saturating_sub(range.start.max(read.end));
                read.end = read.end.max(range.end);
            }
            _ => {
                useful_bytes = range.end - range.start;
                reads.push(range);
            }
        }
    }
    reads
}

fn joins(read: &Range<u64>, useful_bytes: u64, next: &Range<u64>, max_gap_bytes: u64) -> bool {
    let Some(gap_bytes) = next.start.checked_sub(read.end) else { return true };
    let wasted_bytes = read.end - read.start - useful_bytes + gap_bytes;
    let useful_bytes = useful_bytes + (next.end - next.start);
    gap_bytes <= max_gap_bytes && wasted_bytes <= useful_bytes
}

/// The index of the read that holds `range`, which was planned by [`coalesce`].
pub(crate) fn read_of(reads: &[Range<u64>], range: &Range<u64>) -> usize {
    reads.partition_point(|read| read.start <= range.start).saturating_sub(1)
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range is what is meant")]
mod tests {
    use super::*;

    /// Ranges, the gap allowed, and the reads expected.
    type Case = (&'static [Range<u64>], u64, &'static [Range<u64>]);

    #[test]
    fn neighbours_are_joined_when_the_gap_and_the_waste_are_small() {
        let table: [Case; 12] = [
            (&[], 9, &[]),
            (&[3..3], 9, &[]),
            (&[0..4, 4..8], 0, &[0..8]),
            (&[0..4, 5..8], 0, &[0..4, 5..8]),
            (&[0..4, 5..8], 1, &[0..8]),
            (&[5..8, 0..4], 1, &[0..8]),
            (&[0..10, 2..4, 6..12], 0, &[0..12]),
            (&[0..4, 0..4], 0, &[0..4]),
            // The gap is allowed, but twice the useful bytes.
            (&[0..1, 5..6], 9, &[0..1, 5..6]),
            // Waste adds up over a chain: 2 of 4 bytes, then 5 of 7 would be too much of 5.
            (&[0..1, 2..3, 6..7], 9, &[0..3, 6..7]),
            // An overlap is not counted as useful twice.
            (&[0..2, 0..2, 6..7], 9, &[0..2, 6..7]),
            (&[0..1, u64::MAX - 1..u64::MAX], u64::MAX, &[0..1, u64::MAX - 1..u64::MAX]),
        ];
        for (ranges, max_gap_bytes, expected) in table {
            assert_eq!(coalesce(ranges, max_gap_bytes), expected, "{ranges:?} {max_gap_bytes}");
        }
    }

    #[test]
    fn every_range_is_found_in_its_read() {
        let ranges = [40..44, 0..4, 6..8, 2..3];
        let reads = coalesce(&ranges, 2);
        for range in &ranges {
            let read = &reads[read_of(&reads, range)];
            assert!(read.start <= range.start && range.end <= read.end);
        }
    }
}
