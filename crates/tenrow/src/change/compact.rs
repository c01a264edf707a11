//! Small partitions made large ones: deletes applied, column files folded in, row order and ids kept.

use std::sync::Arc;

use futures::{StreamExt, TryStreamExt, future};

use crate::commit::{Applied, Change, Committer, Edits, commit};
use crate::dataset::Dataset;
use crate::error::Result;
use crate::format::manifest::{Partition, Root, RowIdRange};
use crate::format::{Attribute, Schema};
use crate::progress::{OnProgress, Steps};
use crate::read::{ReadOptions, live_rows};
use crate::snapshot::{Leaves, LoadedPartition, Snapshot};
use crate::write::{Finishing, PartitionWriter, WriteOptions, folders_of, slice_bytes};

/// Bytes of rows that are read at a time.
const READ_BYTES: u64 = 64 << 20;

/// What is compacted.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/compactoptions", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// use std::ops::ControlFlow;
/// use tenrow::{CompactOptions, OnProgress, WriteOptions};
/// let options = CompactOptions {
///     write: WriteOptions::default().with_partition_bytes(64 << 20),
///     on_progress: OnProgress::new(|progress| {
///         println!("{} of {:?} partitions", progress.done, progress.total);
///         ControlFlow::Continue(())
///     }),
/// };
/// assert_eq!(dataset.compact(options).await?.partitions_before, 0);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone, Default)]
pub struct CompactOptions {
    /// Sizes of the new partitions. Default: those of any writer, 512 MiB each.
    pub write: WriteOptions,
    /// Told the partitions that were rewritten, of those that are to be, and the bytes of their values. Where none is to be,
    /// nothing is told.
    pub on_progress: OnProgress,
}

/// What a compaction did.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/compactreport", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// dataset.delete(&snapshot, &[1]).await?;
/// let report = dataset.compact(Default::default()).await?;
/// assert_eq!((report.partitions_before, report.partitions_after), (1, 1));
/// assert_eq!(report.snapshot.row_count(), 2);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct CompactReport {
    /// The newest version, compacted.
    pub snapshot: Snapshot,
    /// Partitions that were rewritten.
    pub partitions_before: u64,
    /// What they have become.
    pub partitions_after: u64,
    /// Bytes of the new files.
    pub written_bytes: u64,
    /// Partitions that another commit changed meanwhile, and that were left as they are.
    pub skipped_partitions: u64,
}

impl Dataset {
    /// Rewrites partitions that are small, have deleted rows, or have newer values in column files.
    ///
    /// Each group is a commit of its own: stopped at any moment, what was done stays done. Row numbers, ids and
    /// values stay as they are, and older versions keep their files. Foreign files are left alone; what is rewritten of
    /// another dataset becomes this one's own. A group that is stopped half-way is as it was; `vacuum` frees what was written of it.
    ///
    /// # Errors
    /// [`Io`](crate::ErrorKind::Io) or [`Corrupt`](crate::ErrorKind::Corrupt), naming the file.
    pub async fn compact(&self, options: CompactOptions) -> Result<CompactReport> {
        let base = self.latest().await?;
        let mut steps = Steps::of("compact", None, &options.on_progress);
        if steps.are_told() {
            steps.left(count_to_rewrite(&base, options.write.partition_bytes).await?);
        }
        let mut report = CompactReport {
            snapshot: base.clone(),
            partitions_before: 0,
            partitions_after: 0,
            written_bytes: 0,
            skipped_partitions: 0,
        };
        let mut groups = Groups::new(base.schema(), options.write.partition_bytes);
        let mut partitions = base.partitions();
        while let Some(partition) = partitions.try_next().await? {
            if let Some(group) = groups.push(&partition) {
                self.compact_group(&base, group, &options, &mut steps, &mut report).await?;
            }
        }
        if let Some(group) = groups.close() {
            self.compact_group(&base, group, &options, &mut steps, &mut report).await?;
        }
        Ok(report)
    }

    /// Rewrites partitions of `base`, and commits what they have become.
    async fn compact_group(
        &self,
        base: &Snapshot,
        inputs: Vec<Arc<LoadedPartition>>,
        options: &CompactOptions,
        steps: &mut Steps,
        report: &mut CompactReport,
    ) -> Result<()> {
        let committer = self.committer();
        let outputs = rewrite(&committer, base, &inputs, &options.write, steps).await?;
        let files = outputs.iter().flat_map(|partition| &partition.files);
        let bytes: u64 = files.map(|file| file.size_bytes).sum();
        let (before, after) = (inputs.len() as u64, outputs.len() as u64);
        let schema = base.schema().clone();
        let mut change = Compact { schema, inputs, outputs, is_done: false };
        report.snapshot = commit(&committer, &report.snapshot, &mut change).await?;
        if !change.is_done {
            report.skipped_partitions += before;
            return Ok(());
        }
        report.partitions_before += before;
        report.partitions_after += after;
        report.written_bytes += bytes;
        Ok(())
    }
}

/// Gathers runs of neighbouring partitions to be rewritten together.
///
/// All of a group have the same attributes: what a partition lacks is still to be filled, and is not given values
/// by being rewritten.
struct Groups<'a> {
    schema: &'a Schema,
    target_bytes: u64,
    open: Vec<Arc<LoadedPartition>>,
    bytes: u64,
}

impl<'a> Groups<'a> {
    fn new(schema: &'a Schema, target_bytes: u64) -> Self {
        Self { schema, target_bytes, open: Vec::new(), bytes: 0 }
    }

    /// Takes in the next partition; gives the group that it ends, if that is worth rewriting.
    fn push(&mut self, partition: &Arc<LoadedPartition>) -> Option<Vec<Arc<LoadedPartition>>> {
        let entry = partition.entry();
        if entry.row_count == 0 {
            return None;
        }
        let size = live_bytes(entry);
        let is_foreign = entry.files.iter().any(|file| file.foreign.is_some());
        let is_small = size < self.target_bytes / 2;
        let held = attributes_of(partition, self.schema);
        let fits = self.open.last().is_none_or(|last| {
            last.entry().keys == entry.keys
                && attributes_of(last, self.schema) == held
                && self.bytes + size <= self.target_bytes
        });
        let joins = !is_foreign && !held.is_empty() && (is_small || is_untidy(partition));
        let group = if joins && fits { None } else { self.close() };
        if joins {
            self.open.push(partition.clone());
            self.bytes += size;
        }
        group
    }

    fn close(&mut self) -> Option<Vec<Arc<LoadedPartition>>> {
        self.bytes = 0;
        let group = std::mem::take(&mut self.open);
        let is_worth_it = group.len() > 1 || group.iter().any(|partition| is_untidy(partition));
        is_worth_it.then_some(group)
    }
}

/// Partitions that are worth rewriting; reads leaves only.
async fn count_to_rewrite(base: &Snapshot, target_bytes: u64) -> Result<u64> {
    let mut groups = Groups::new(base.schema(), target_bytes);
    let mut count = 0;
    let mut partitions = base.partitions();
    while let Some(partition) = partitions.try_next().await? {
        count += groups.push(&partition).map_or(0, |group| group.len());
    }
    count += groups.close().map_or(0, |group| group.len());
    Ok(count as u64)
}

/// The attributes that the files of a partition have.
fn attributes_of<'a>(partition: &LoadedPartition, schema: &'a Schema) -> Vec<&'a Attribute> {
    let attributes = schema.attributes().iter();
    attributes.filter(|attribute| partition.column(attribute).is_some()).collect()
}

/// Whether a partition is worth rewriting alone.
fn is_untidy(partition: &LoadedPartition) -> bool {
    let entry = partition.entry();
    // A projection is as old as its base file; what came later hides values of it, or adds some.
    let has_newer = entry.files.iter().any(|file| file.sequence > entry.files[0].sequence);
    has_newer || entry.deletes.is_some()
}

/// About the bytes that the live rows take.
fn live_bytes(entry: &Partition) -> u64 {
    let bytes: u64 = entry.files.iter().map(|file| file.size_bytes).sum();
    let share = u128::from(bytes) * u128::from(entry.live_rows());
    (share / u128::from(entry.row_count.max(1))) as u64
}

/// Writes the live rows of `inputs` anew; the partitions are durable and name their row ids.
async fn rewrite(
    committer: &Committer,
    base: &Snapshot,
    inputs: &[Arc<LoadedPartition>],
    options: &WriteOptions,
    steps: &mut Steps,
) -> Result<Vec<Partition>> {
    let storage = base.storage();
    let Some(first) = inputs.first() else { return Ok(Vec::new()) };
    let attributes: Vec<Attribute> =
        attributes_of(first, base.schema()).into_iter().cloned().collect();
    let keys = first.entry().keys.clone();
    let folders = folders_of(&keys);
    let (ids, own) = (committer.ids.clone(), attributes.clone());
    let mut writer = PartitionWriter::new(storage.clone(), ids, own, keys, folders);
    let mut finishing = Finishing::default();
    let mut outputs = Vec::new();
    let mut row_ids = Vec::new();
    for input in inputs {
        let rows = input.entry().live_rows();
        let live = base.file_rows(input, 0..rows).await?;
        let ranges = live.into_iter().flat_map(|rows| input.id_ranges(rows));
        row_ids.extend(ranges.map(|(first, end)| RowIdRange { first, count: end - first }));
        let row_bytes = (live_bytes(input.entry()) / rows.max(1)).max(1);
        let step = (READ_BYTES / row_bytes).max(1);
        let mut at = 0;
        while at < rows {
            let live = at..rows.min(at + step);
            at = live.end;
            let mut columns = Vec::with_capacity(attributes.len());
            for attribute in &attributes {
                let options = ReadOptions::for_rewriting();
                columns.push(live_rows(base, attribute, input, live.clone(), &options).await?);
            }
            for closed in writer.append(&columns, options).await? {
                outputs.push(finishing.begin(closed).await?);
            }
            steps.advance(0, slice_bytes(&columns))?;
        }
        steps.advance(1, 0)?;
    }
    let flushed = writer.flush(options).await?;
    for closed in flushed.into_iter().chain(writer.close().await?) {
        outputs.push(finishing.begin(closed).await?);
    }
    finishing.all().await?;
    name_ids(&mut outputs, row_ids);
    Ok(outputs)
}

/// Gives the partitions, in order, these ids, in order; neighbours become one range.
fn name_ids(partitions: &mut [Partition], row_ids: Vec<RowIdRange>) {
    let mut rest = row_ids.into_iter();
    let mut open: Option<RowIdRange> = None;
    for partition in partitions {
        let mut wanted = partition.row_count;
        let mut own: Vec<RowIdRange> = Vec::new();
        while wanted > 0 {
            let Some(range) = open.take().or_else(|| rest.next()) else { break };
            let count = range.count.min(wanted);
            wanted -= count;
            match own.last_mut() {
                Some(last) if last.first + last.count == range.first => last.count += count,
                _ => own.push(RowIdRange { first: range.first, count }),
            }
            if count < range.count {
                open = Some(RowIdRange { first: range.first + count, count: range.count - count });
            }
        }
        partition.row_ids = own;
    }
}

struct Compact {
    /// The schema that the outputs were written in.
    schema: Schema,
    inputs: Vec<Arc<LoadedPartition>>,
    outputs: Vec<Partition>,
    is_done: bool,
}

impl Compact {
    /// Whether the inputs are in `latest` as they were, one right after the other: a restored version may have rows
    /// between them that were deleted when they were chosen.
    async fn stands_in(&self, latest: &Snapshot) -> Result<bool> {
        let first = self.inputs.first().and_then(|input| input.entry().first_row_id());
        let Some(first) = first else { return Ok(false) };
        let Some((leaf, number)) = latest.place_of_row_id(first).await? else {
            return Ok(false);
        };
        let from_there = latest.partitions_of(leaf..latest.root().leaves.len(), Leaves::Kept);
        let with_rows = |found: &Arc<LoadedPartition>| future::ready(found.entry().row_count > 0);
        let mut found = from_there.skip(number).try_filter(with_rows);
        for input in &self.inputs {
            match found.try_next().await? {
                Some(found) if found.entry() == input.entry() => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }
}

impl Change for Compact {
    fn operation(&self) -> &'static str {
        "compact"
    }

    async fn apply(
        &mut self,
        committer: &Committer,
        latest: &Snapshot,
        root: &mut Root,
    ) -> Result<Applied> {
        self.is_done = false;
        // Rows of an older schema are adapted as ever, but what the newer one dropped or gained is not
        // what was read.
        if latest.schema() != &self.schema {
            return Ok(Applied::AlreadySo);
        }
        if !self.stands_in(latest).await? {
            return Ok(Applied::AlreadySo);
        }
        let mut edits = Edits::default();
        for (number, input) in self.inputs.iter().enumerate() {
            let replacement = if number == 0 { self.outputs.clone() } else { Vec::new() };
            edits.replace(input.entry(), replacement);
        }
        edits.apply(committer, latest, root).await?;
        self.is_done = true;
        Ok(Applied::Changed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_follow_their_rows_into_new_partitions() {
        let range = |first, count| RowIdRange { first, count };
        let partition = |row_count| Partition { row_count, ..Partition::default() };
        let mut partitions = [partition(3), partition(4)];
        name_ids(&mut partitions, vec![range(0, 2), range(2, 3), range(9, 2)]);
        assert_eq!(partitions[0].row_ids, [range(0, 3)]);
        assert_eq!(partitions[1].row_ids, [range(3, 2), range(9, 2)]);
    }
}
