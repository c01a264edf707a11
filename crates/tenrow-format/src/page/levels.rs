//! Repetition and definition levels of columns with at most one level of lists.
//!
//! The levels of a tensor column say nothing that its shape does not say already, so tenrow writes
//! them as briefly as Parquet allows, and reads them only where rows differ in length.

use crate::error::{FormatError, Result};
use crate::limits;
use crate::page::thrift::write_varint;

/// What one row of a list column is.
///
/// ```
/// use tenrow_format::RowLength;
/// let rows = [RowLength::Elements(3), RowLength::Null, RowLength::Elements(0)];
/// assert_eq!(rows.map(RowLength::element_count), [3, 0, 0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowLength {
    /// The row is null.
    Null,
    /// The row has this many elements, perhaps none.
    Elements(u64),
}

impl RowLength {
    /// Elements of the row: none if it is null.
    pub fn element_count(self) -> u64 {
        match self {
            RowLength::Null => 0,
            RowLength::Elements(count) => count,
        }
    }

    /// Level entries of the row: a null or empty row has one as well.
    fn entry_count(self) -> u64 {
        self.element_count().max(1)
    }
}

/// The definition levels of one leaf column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Definition {
    /// Whether the row itself may be null.
    pub(crate) nullable: bool,
    /// Levels below the row: 2 for a list whose elements may be null, 1 for a list whose elements
    /// may not, and 1 for a nullable value in a struct.
    pub(crate) depth: u8,
}

impl Definition {
    /// The level of a value that is there.
    pub(crate) fn max(self) -> u8 {
        u8::from(self.nullable) + self.depth
    }

    fn bit_width(self) -> u32 {
        u8::BITS - self.max().leading_zeros()
    }

    fn of(self, row: RowLength) -> u8 {
        match row {
            RowLength::Null => 0,
            RowLength::Elements(0) => u8::from(self.nullable),
            RowLength::Elements(_) => self.max(),
        }
    }
}

/// Runs of equal levels, in order; neighbours differ.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Runs(Vec<(u8, u64)>);

impl Runs {
    pub(crate) fn push(&mut self, level: u8, count: u64) {
        match self.0.last_mut() {
            _ if count == 0 => {}
            Some((last, total)) if *last == level => *total += count,
            _ => self.0.push((level, count)),
        }
    }

    pub(crate) fn entry_count(&self) -> u64 {
        self.0.iter().map(|run| run.1).sum()
    }

    /// The runs in Parquet's RLE form, for levels of at most 8 bits.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for &(level, count) in &self.0 {
            write_run(&mut out, level, count);
        }
        out
    }

    /// The same levels in exactly `extra` bytes more than [`Runs::encode`] takes, if there are
    /// enough of them: the longest run is split into several.
    pub(crate) fn encode_with_extra(&self, extra: usize) -> Option<Vec<u8>> {
        let longest = self.0.iter().enumerate().max_by_key(|(_, run)| run.1)?.0;
        let mut out = Vec::new();
        for (i, &(level, count)) in self.0.iter().enumerate() {
            if i == longest && extra > 0 {
                split_run(&mut out, level, count, extra)?;
            } else {
                write_run(&mut out, level, count);
            }
        }
        Some(out)
    }
}

fn write_run(out: &mut Vec<u8>, level: u8, count: u64) {
    write_varint(out, count << 1);
    out.push(level);
}

fn run_len(count: u64) -> usize {
    let mut bytes = Vec::with_capacity(10);
    write_run(&mut bytes, 0, count);
    bytes.len()
}

/// Writes one run as several that take `extra` bytes more: runs of 1 take two bytes, runs of 64 three.
fn split_run(out: &mut Vec<u8>, level: u8, count: u64, extra: usize) -> Option<()> {
    let wanted = run_len(count) + extra;
    for long_runs in 0..3u64 {
        for short_runs in 0..=(wanted / 2) as u64 {
            let used = short_runs + 64 * long_runs;
            let Some(rest) = count.checked_sub(used).filter(|&rest| rest > 0) else { break };
            if 2 * short_runs as usize + 3 * long_runs as usize + run_len(rest) == wanted {
                (0..short_runs).for_each(|_| write_run(out, level, 1));
                (0..long_runs).for_each(|_| write_run(out, level, 64));
                write_run(out, level, rest);
                return Some(());
            }
        }
    }
    None
}

/// Below this many entries a row, one bit an entry is shorter than two runs a row.
const BIT_PACKED_BELOW: u64 = 40;

/// Encodes the repetition levels of `rows`: 0 begins a row, 1 continues it.
pub(crate) fn encode_repetition(rows: impl Iterator<Item = RowLength> + Clone) -> Vec<u8> {
    let (mut row_count, mut entries) = (0u64, 0u64);
    for row in rows.clone() {
        row_count += 1;
        entries += row.entry_count();
    }
    if entries > row_count && entries < BIT_PACKED_BELOW * row_count {
        return bit_pack_repetition(rows, entries);
    }
    let mut runs = Runs::default();
    for row in rows {
        runs.push(0, 1);
        runs.push(1, row.entry_count() - 1);
    }
    runs.encode()
}

/// Begins a bit-packed run of `count` entries, rounded up to groups of eight.
pub(crate) fn write_bit_packed_head(out: &mut Vec<u8>, count: u64) {
    write_varint(out, (count.div_ceil(8) << 1) | 1);
}

fn bit_pack_repetition(rows: impl Iterator<Item = RowLength>, entries: u64) -> Vec<u8> {
    let groups = entries.div_ceil(8);
    let mut out = Vec::with_capacity(groups as usize + 5);
    write_bit_packed_head(&mut out, entries);
    let bits = out.len();
    out.resize(bits + groups as usize, 0);
    let mut at = 0u64;
    for row in rows {
        for entry in at + 1..at + row.entry_count() {
            out[bits + (entry / 8) as usize] |= 1 << (entry % 8);
        }
        at += row.entry_count();
    }
    out
}

/// The definition levels of `rows`.
pub(crate) fn definition_runs(
    definition: Definition,
    rows: impl Iterator<Item = RowLength>,
) -> Runs {
    let mut runs = Runs::default();
    for row in rows {
        runs.push(definition.of(row), row.entry_count());
    }
    runs
}

/// Decodes the rows of a list column's page from its levels, which come from storage.
///
/// # Errors
/// [`FormatError::Malformed`] if the levels contradict the counts or each other, and
/// [`FormatError::Malformed`] for null elements, which tenrow's own pages never hold.
pub(crate) fn decode_rows(
    definition: Definition,
    repetition: &[u8],
    definitions: &[u8],
    entry_count: u64,
    row_count: u64,
) -> Result<Vec<RowLength>> {
    let mut repetition = LevelRuns::new(repetition, 1, entry_count);
    let mut definitions = LevelRuns::new(definitions, definition.bit_width(), entry_count);
    if row_count > limits::MAX_PAGE_ROWS {
        return Err(FormatError::Limit {
            what: "the number of rows in a page",
            found: row_count,
            limit: limits::MAX_PAGE_ROWS,
        });
    }
    let mut rows: Vec<RowLength> = Vec::with_capacity(row_count as usize);
    let (mut rep, mut def) = (Run::default(), Run::default());
    let mut left = entry_count;
    while left > 0 {
        rep = if rep.count == 0 { repetition.next_run()? } else { rep };
        def = if def.count == 0 { definitions.next_run()? } else { def };
        let count = rep.count.min(def.count);
        if rep.level == 0 && rows.len() as u64 + count > row_count {
            return Err(fault(format!("more rows than the {row_count} of the header")));
        }
        add_entries(&mut rows, definition, rep.level, def.level, count)?;
        rep.count -= count;
        def.count -= count;
        left -= count;
    }
    if rows.len() as u64 != row_count {
        return Err(fault(format!("{} rows, but the header says {row_count}", rows.len())));
    }
    Ok(rows)
}

fn add_entries(
    rows: &mut Vec<RowLength>,
    definition: Definition,
    rep: u8,
    def: u8,
    count: u64,
) -> Result<()> {
    let row = match def {
        def if def == definition.max() => RowLength::Elements(1),
        0 if definition.nullable => RowLength::Null,
        def if def == u8::from(definition.nullable) => RowLength::Elements(0),
        _ => return Err(fault(format!("definition level {def} has no meaning in a raw page"))),
    };
    if rep == 0 {
        rows.extend(std::iter::repeat_n(row, usize::try_from(count).unwrap_or(usize::MAX)));
        return Ok(());
    }
    match (rows.last_mut(), row) {
        (Some(RowLength::Elements(total)), RowLength::Elements(1)) if *total > 0 => {
            *total += count;
            Ok(())
        }
        _ => Err(fault("an element continues a row that has none".into())),
    }
}

/// Equal levels that follow each other.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Run {
    pub(crate) level: u8,
    pub(crate) count: u64,
}

/// Parquet's RLE / bit-packing hybrid, read as runs. Never yields more than `left` entries.
pub(crate) struct LevelRuns<'a> {
    bytes: &'a [u8],
    bit_width: u32,
    left: u64,
    packed: u64,
    bit: usize,
}

impl<'a> LevelRuns<'a> {
    /// Of `left` levels of at most 8 bits each.
    pub(crate) fn new(bytes: &'a [u8], bit_width: u32, left: u64) -> Self {
        Self { bytes, bit_width, left, packed: 0, bit: 0 }
    }

    /// The next run; an error behind the last.
    pub(crate) fn next_run(&mut self) -> Result<Run> {
        if self.packed == 0 {
            let header = self.varint()?;
            if header & 1 == 0 {
                let count = (header >> 1).min(self.left);
                let level = *self.bytes.first().ok_or_else(cut)?;
                self.bytes = &self.bytes[1..];
                if count == 0 {
                    return Err(fault("an empty run".into()));
                }
                self.left -= count;
                return Ok(Run { level, count });
            }
            let bytes = (header >> 1).checked_mul(u64::from(self.bit_width)).ok_or_else(cut)?;
            if bytes == 0 || bytes > self.bytes.len() as u64 {
                return Err(cut());
            }
            self.packed = ((header >> 1) * 8).min(self.left);
            self.bit = 0;
        }
        self.next_packed()
    }

    /// The longest run of equal levels at the front of the current bit-packed run.
    fn next_packed(&mut self) -> Result<Run> {
        let level = self.packed_level();
        let mut count = 0;
        while self.packed > 0 && self.packed_level() == level {
            self.bit += self.bit_width as usize;
            self.packed -= 1;
            count += 1;
        }
        if self.packed == 0 {
            // A group is 8 levels, so its bytes end on a byte boundary.
            let used = self.bit.div_ceil(8 * self.bit_width as usize) * self.bit_width as usize;
            self.bytes = self.bytes.get(used..).ok_or_else(cut)?;
        }
        self.left -= count;
        Ok(Run { level, count })
    }

    fn packed_level(&self) -> u8 {
        let byte = |at: usize| u16::from(self.bytes.get(at).copied().unwrap_or_default());
        let bits = byte(self.bit / 8) | byte(self.bit / 8 + 1) << 8;
        ((bits >> (self.bit % 8)) & ((1 << self.bit_width) - 1)) as u8
    }

    fn varint(&mut self) -> Result<u64> {
        let mut value = 0u64;
        for shift in (0..35).step_by(7) {
            let byte = *self.bytes.first().ok_or_else(cut)?;
            self.bytes = &self.bytes[1..];
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(fault("a run length is out of bounds".into()))
    }
}

fn cut() -> FormatError {
    fault("they end too early".into())
}

fn fault(reason: String) -> FormatError {
    FormatError::malformed("levels of a page", reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NULLABLE: Definition = Definition { nullable: true, depth: 2 };

    fn round_trip(rows: &[RowLength]) {
        let repetition = encode_repetition(rows.iter().copied());
        let runs = definition_runs(NULLABLE, rows.iter().copied());
        let entries = runs.entry_count();
        for definitions in [Some(runs.encode()), runs.encode_with_extra(7)].into_iter().flatten() {
            let read = decode_rows(NULLABLE, &repetition, &definitions, entries, rows.len() as u64);
            assert_eq!(read.unwrap(), rows);
        }
    }

    proptest! {
        #[test]
        fn rows_are_read_back_as_written(
            rows in prop::collection::vec(prop_oneof![
                Just(RowLength::Null),
                (0u64..5).prop_map(RowLength::Elements),
                (0u64..900).prop_map(RowLength::Elements),
            ], 0..200)
        ) {
            round_trip(&rows);
        }

        #[test]
        fn any_bytes_are_an_error_or_rows(
            repetition in prop::collection::vec(any::<u8>(), 0..40),
            definitions in prop::collection::vec(any::<u8>(), 0..40),
            entries in 0u64..100_000,
        ) {
            let _ = decode_rows(NULLABLE, &repetition, &definitions, entries, 3);
        }

        #[test]
        fn padding_adds_exactly_what_was_asked(count in 300u64..2_000_000, extra in 2usize..130) {
            let mut runs = Runs::default();
            runs.push(3, count);
            let padded = runs.encode_with_extra(extra).unwrap();
            prop_assert_eq!(padded.len(), runs.encode().len() + extra);
        }
    }
}
