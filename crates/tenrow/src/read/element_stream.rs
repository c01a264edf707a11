//! The elements of a variable-length attribute as one flat stream: token corpora are read so.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use arrow_schema::DataType;
use futures::stream::{self, StreamExt, TryStreamExt};

use crate::error::{Error, Result};
use crate::format::manifest::RowMap;
use crate::format::{Attribute, AttributeType, DType};
use crate::read::arrays;
use crate::read::column::ColumnReader;
use crate::read::listed::ListedRows;
use crate::read::options::ReadOptions;
use crate::snapshot::{LoadedPartition, Snapshot};
use crate::tensor::{Tensor, unpack_bits};
use crate::view::{RowNumbers, View};

/// All elements of a list or variable-shape attribute of the rows of a view, one after another.
///
/// A window of it is one or two exact reads where rows follow each other, and one for each run of rows where they do
/// not; rows and files are crossed freely. Memory: 24 bytes for each run of rows that lie side by side.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let dataset = Dataset::create("memory://docs/elements", Schema::new([Attribute::parse("tokens:list<i32>")?])?).await?;
/// # let mut writer = dataset.writer().await?;
/// writer.append_columns(Columns::new().lists("tokens", [vec![1i32, 2], vec![3], vec![4, 5, 6]])).await?;
/// let tokens = writer.commit().await?.elements("tokens").await?;
/// assert_eq!(tokens.element_count(), 6);
/// assert_eq!(tokens.window(1..5).await?.to_vec::<i32>()?, [2, 3, 4, 5]);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
pub struct ElementStream {
    column: ElementColumn,
    /// Row groups that hold elements.
    groups: Vec<(Arc<LoadedPartition>, usize)>,
    /// Elements of one of `groups` that follow each other, in the order of the rows.
    runs: Vec<(usize, Range<u64>)>,
    starts: RowMap,
}

/// The attribute, and how it is read.
struct ElementColumn {
    snapshot: Snapshot,
    attribute: Attribute,
    dtype: DType,
    nullable_elements: bool,
    options: ReadOptions,
}

impl Snapshot {
    /// The flat stream of the elements of the list or variable-shape attribute called `name`.
    ///
    /// Reads every leaf that is not cached yet, and of partitions with deleted rows the levels of the pages.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if it is of another kind;
    /// [`Unsupported`](crate::ErrorKind::Unsupported) if it is not stored raw.
    pub async fn elements(&self, name: &str) -> Result<ElementStream> {
        self.all().elements(name).await
    }
}

impl View {
    /// The flat stream of the elements of the list or variable-shape attribute called `name`, of the rows of the view in
    /// its order.
    ///
    /// Reads the leaves that its rows are in, and, but for partitions of which it has all rows, the levels of their pages.
    ///
    /// # Errors
    /// As [`Snapshot::elements`].
    pub async fn elements(&self, name: &str) -> Result<ElementStream> {
        let column = ElementColumn::of(self.snapshot(), name)?;
        let mut found = Runs::default();
        let read = match self.row_numbers().await? {
            RowNumbers::Range(rows) => found.add_range(&column, rows.clone()).await,
            RowNumbers::List(rows) => found.add_list(&column, rows).await,
        };
        self.snapshot().explained(read).await?;
        let starts = RowMap::new(found.runs.iter().map(|(_, run)| run.end - run.start));
        Ok(ElementStream { column, groups: found.groups, runs: found.runs, starts })
    }
}

impl ElementColumn {
    fn of(snapshot: &Snapshot, name: &str) -> Result<Self> {
        let attribute = snapshot.attribute(name)?.clone();
        let (dtype, nullable_elements) = match &attribute.attribute_type {
            AttributeType::VariableTensor { dtype, .. } => (Some(*dtype), true),
            AttributeType::Value(DataType::List(item)) => {
                (DType::from_arrow(item.data_type()), item.is_nullable())
            }
            _ => (None, false),
        };
        let Some(dtype) = dtype else {
            return Err(Error::invalid(format!(
                "attribute {name:?} is {}, not a list of numbers or a tensor of variable shape",
                attribute.attribute_type
            )));
        };
        let (snapshot, options) = (snapshot.clone(), ReadOptions::default());
        Ok(Self { snapshot, attribute, dtype, nullable_elements, options })
    }

    fn reader<'a>(&'a self, partition: &'a LoadedPartition) -> ColumnReader<'a> {
        ColumnReader::new(&self.snapshot, &self.attribute, partition, &self.options)
    }

    /// Whether a partition has elements of it, which then are of its type.
    fn is_in(&self, partition: &LoadedPartition) -> Result<bool> {
        let name = &self.attribute.name;
        match partition.column(&self.attribute) {
            Some(place) if place.field == self.attribute.id => Ok(true),
            Some(_) => Err(Error::unsupported(format!(
                "the elements of {name:?} are no flat stream while some are of an older type: compact the dataset first"
            ))),
            // Nothing but scalars and tensors of one shape has a default with elements.
            None => Ok(false),
        }
    }

    /// The elements of a row group.
    fn listed<'a>(
        &'a self,
        partition: &'a LoadedPartition,
        row_group: usize,
    ) -> Result<ListedRows<'a>> {
        let reader = self.reader(partition);
        let listed = match reader.place() {
            Some(place) => reader.listed(place, row_group, self.dtype, self.nullable_elements)?,
            None => None,
        };
        listed.ok_or_else(|| {
            Error::unsupported(format!(
                "attribute {:?} is not stored raw, or no manifest lists its pages: its elements have no addresses",
                self.attribute.name
            ))
        })
    }
}

/// Runs of elements, as they are found.
#[derive(Default)]
struct Runs {
    groups: Vec<(Arc<LoadedPartition>, usize)>,
    runs: Vec<(usize, Range<u64>)>,
}

impl Runs {
    /// Adds elements of a group; those that follow the last ones become one run with them.
    fn push(&mut self, group: usize, elements: Range<u64>) {
        match self.runs.last_mut() {
            Some((last, run)) if *last == group && run.end == elements.start => {
                run.end = elements.end;
            }
            _ if elements.is_empty() => {}
            _ => self.runs.push((group, elements)),
        }
    }

    async fn add_range(&mut self, column: &ElementColumn, rows: Range<u64>) -> Result<()> {
        let mut at = rows.start;
        while at < rows.end {
            let (partition, range) = column.snapshot.locate(at).await?;
            let end = rows.end.min(range.end);
            let live = at - range.start..end - range.start;
            if column.is_in(partition)? {
                self.add_part(column, partition, live).await?;
            }
            at = end;
        }
        Ok(())
    }

    /// Adds live rows of a partition.
    async fn add_part(
        &mut self,
        column: &ElementColumn,
        partition: &Arc<LoadedPartition>,
        live: Range<u64>,
    ) -> Result<()> {
        let reader = column.reader(partition);
        if partition.entry().deletes.is_none() && live == (0..partition.entry().live_rows()) {
            // Nothing is looked at: the manifest says how many there are.
            let row_groups =
                reader.place().map(|place| reader.file(place).entry().row_groups.len());
            for group in 0..row_groups.unwrap_or_default() {
                let count = column.listed(partition, group)?.chunk.value_count();
                self.push_all(partition, group, std::iter::once(0..count));
            }
            return Ok(());
        }
        let ranges = column.snapshot.file_rows(partition, live).await?;
        for (group, ranges) in reader.by_row_group(&ranges)? {
            let runs = column.listed(partition, group)?.element_ranges(&ranges).await?;
            self.push_all(partition, group, runs.into_iter());
        }
        Ok(())
    }

    fn push_all(
        &mut self,
        partition: &Arc<LoadedPartition>,
        row_group: usize,
        runs: impl Iterator<Item = Range<u64>>,
    ) {
        self.groups.push((partition.clone(), row_group));
        let group = self.groups.len() - 1;
        runs.for_each(|run| self.push(group, run));
    }

    async fn add_list(&mut self, column: &ElementColumn, rows: &[u64]) -> Result<()> {
        let rows = column.snapshot.resolve(rows).await?;
        let mut places = Vec::with_capacity(rows.rows.len());
        // The rows wanted of each row group, ascending, each once.
        let mut wanted: BTreeMap<(u32, usize), Vec<u64>> = BTreeMap::new();
        let has_elements = rows.partitions.iter().map(|partition| column.is_in(partition));
        let has_elements = has_elements.collect::<Result<Vec<_>>>()?;
        for &(number, row) in &rows.rows {
            if has_elements[number as usize] {
                let partition = &rows.partitions[number as usize];
                let (group, row) = column.reader(partition).row_group_of(row)?;
                wanted.entry((number, group)).or_default().push(row);
                places.push(((number, group), row));
            }
        }
        let mut reads = Vec::with_capacity(wanted.len());
        for ((number, group), mut wanted) in wanted {
            wanted.sort_unstable();
            wanted.dedup();
            let partition = &rows.partitions[number as usize];
            reads.push(async move {
                let ranges: Vec<_> = wanted.iter().map(|&row| row..row + 1).collect();
                let found = column.listed(partition, group)?.element_ranges(&ranges).await?;
                Ok::<_, Error>(((number, group), (wanted, found)))
            });
        }
        let reads = stream::iter(reads).buffered(column.options.max_concurrency.max(1));
        let found: Vec<_> = reads.try_collect().await?;
        let mut numbers = BTreeMap::new();
        for ((number, group), found) in found {
            numbers.insert((number, group), (self.groups.len(), found));
            self.groups.push((rows.partitions[number as usize].clone(), group));
        }
        for (group, row) in places {
            let Some((group, (wanted, found))) = numbers.get(&group) else { continue };
            let place = wanted.partition_point(|&wanted| wanted < row);
            self.push(*group, found[place].clone());
        }
        Ok(())
    }
}

impl ElementStream {
    /// The number of elements.
    pub fn element_count(&self) -> u64 {
        self.starts.total()
    }

    /// The element type.
    pub fn dtype(&self) -> DType {
        self.column.dtype
    }

    /// The elements of `window`, as a tensor of one dimension.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) beyond the end.
    pub async fn window(&self, window: Range<u64>) -> Result<Tensor> {
        if window.start > window.end || window.end > self.element_count() {
            return Err(Error::invalid(format!(
                "elements {}..{} of {}",
                window.start,
                window.end,
                self.element_count()
            )));
        }
        let dtype = self.dtype();
        let mut parts = Vec::new();
        let mut at = window.start;
        while at < window.end {
            let Some((number, first)) = self.starts.locate(at) else { break };
            let (group, run) = &self.runs[number];
            let (partition, row_group) = &self.groups[*group];
            let end = window.end.min(self.starts.start(number + 1));
            let start = run.start + first;
            let listed = self.column.listed(partition, *row_group)?;
            parts.push(listed.window(start..start + end - at).await?);
            at = end;
        }
        let elements = arrays::concat(&dtype.arrow_type(), parts)?;
        let data = elements.to_data();
        let bytes = match dtype.item_bytes() {
            Some(size) => {
                let start = data.offset() * size as usize;
                let len = data.len() * size as usize;
                crate::tensor::bytes_of(data.buffers()[0].slice_with_length(start, len))
            }
            None => unpack_bits(&data.buffers()[0], data.offset() as u64, data.len() as u64),
        };
        Tensor::new(dtype, &[window.end - window.start], bytes)
    }
}

impl std::fmt::Debug for ElementStream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ElementStream")
            .field("attribute", &self.column.attribute.name)
            .field("element_count", &self.element_count())
            .finish_non_exhaustive()
    }
}
