//! One tensor attribute of all rows, as memory.

use std::ops::Range;

use arrow_array::{Array, ArrayRef, cast::AsArray};
use arrow_buffer::{Buffer, MutableBuffer, NullBuffer};
use bytes::Bytes;

use crate::error::{Error, Result};
use crate::format::manifest::RowMap;
use crate::format::{Attribute, AttributeType, DType, RawChunk, Shape};
use crate::read::arrays;
use crate::read::column::ColumnReader;
use crate::read::options::{PageChecks, ReadOptions};
use crate::read::rows::Rows;
use crate::snapshot::{Snapshot, slice_map};
use crate::tensor::{Tensor, bytes_of, stacked, unpack_bits};
use crate::view::{Part, View};

/// A fixed-shape tensor attribute of the rows of a view; made by [`Snapshot::tensor_column`] and [`View::tensor_column`].
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/tensorcolumn", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// let labels = snapshot.tensor_column("label")?;
/// let label = labels.get(1).await?.expect("not null");
/// assert_eq!(label.as_slice::<i64>()?, [5]);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct TensorColumn {
    view: View,
    attribute: Attribute,
    dtype: DType,
    shape: Shape,
    options: ReadOptions,
}

/// Tensors of several rows in one: the first dimension is the row.
///
/// ```
/// # futures::executor::block_on(async {
/// # use tenrow::{Attribute, Columns, Dataset, Schema};
/// # let schema = Schema::new([Attribute::parse("label:i64")?])?;
/// # let dataset = Dataset::create("memory://docs/tensors", schema).await?;
/// # let mut writer = dataset.writer().await?;
/// # writer.append_columns(Columns::new().scalars("label", [4i64, 5, 4])).await?;
/// # let snapshot = writer.commit().await?;
/// let rows = snapshot.tensor_column("label")?.take(&[1, 0, 1]).await?;
/// assert_eq!((rows.tensor.shape(), rows.nulls), (&[3][..], None));
/// assert_eq!(rows.tensor.as_slice::<i64>()?, [5, 4, 5]);
/// # Ok::<(), tenrow::Error>(()) }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct Tensors {
    /// The tensors; null rows are zeros.
    pub tensor: Tensor,
    /// Which rows are null; `None` if none is.
    pub nulls: Option<NullBuffer>,
}

impl Snapshot {
    /// The fixed-shape tensor, or numeric scalar, attribute called `name`.
    ///
    /// # Errors
    /// [`NotFound`](crate::ErrorKind::NotFound) if there is no such attribute;
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if it is of another kind.
    pub fn tensor_column(&self, name: &str) -> Result<TensorColumn> {
        self.tensor_column_with(name, &ReadOptions::default())
    }

    /// [`tensor_column`](Self::tensor_column) with options.
    ///
    /// # Errors
    /// As [`tensor_column`](Self::tensor_column).
    pub fn tensor_column_with(&self, name: &str, options: &ReadOptions) -> Result<TensorColumn> {
        self.all().tensor_column_with(name, options)
    }

    /// The rows of a raw tensor attribute copied straight from maps into one buffer; `None` if
    /// some are not mapped, not raw, null, or to be checked.
    pub(crate) fn gather(
        &self,
        attribute: &Attribute,
        rows: &Rows,
        options: &ReadOptions,
    ) -> Result<Option<ArrayRef>> {
        let AttributeType::Tensor { dtype, shape } = &attribute.attribute_type else {
            return Ok(None);
        };
        let n = shape.element_count();
        let copied = self.gather_bytes(attribute, *dtype, n, rows, options)?;
        let Some(bytes) = copied else { return Ok(None) };
        let values = arrays::elements(*dtype, bytes, rows.rows.len() * n as usize)?;
        arrays::fixed_lists(*dtype, n, values, None).map(Some)
    }

    fn gather_bytes(
        &self,
        attribute: &Attribute,
        dtype: DType,
        element_count: u64,
        rows: &Rows,
        options: &ReadOptions,
    ) -> Result<Option<Buffer>> {
        let row_bytes = (element_count * dtype.item_bits() / 8) as usize;
        let places = self.mapped_rows(attribute, dtype, row_bytes, rows, options)?;
        let Some(places) = places else { return Ok(None) };
        // A plain vector: allocators give back its memory warm, where aligned memory comes cold.
        let mut out: Vec<u8> = Vec::new();
        out.reserve_exact(places.len() * row_bytes);
        places.into_iter().for_each(|bytes| out.extend_from_slice(bytes));
        Ok(Some(Buffer::from_vec(out)))
    }

    /// Where the bytes of each row are mapped; `None` if some are not.
    fn mapped_rows<'a>(
        &'a self,
        attribute: &'a Attribute,
        dtype: DType,
        row_bytes: usize,
        rows: &'a Rows,
        options: &'a ReadOptions,
    ) -> Result<Option<Vec<&'a [u8]>>> {
        let checks = matches!(options.page_checks, Some(PageChecks::Always | PageChecks::Fetched));
        if checks || dtype == DType::Bool || row_bytes == 0 {
            return Ok(None);
        }
        let element_count = row_bytes as u64 * 8 / dtype.item_bits();
        let mut mapped = Vec::with_capacity(rows.partitions.len());
        for partition in &rows.partitions {
            let reader = ColumnReader::new(self, attribute, partition, options);
            let Some(found) = MappedColumn::of(&reader, dtype, element_count)? else {
                return Ok(None);
            };
            mapped.push(found);
        }
        // First all addresses, then nothing but copies: a processor fetches the next row meanwhile.
        let mut places = Vec::with_capacity(rows.rows.len());
        for &(number, row) in &rows.rows {
            let column = &mapped[number as usize];
            let Some(bytes) = column.row(row, row_bytes)? else { return Ok(None) };
            self.storage().note_mapped_read(row_bytes as u64);
            places.push(bytes);
        }
        Ok(Some(places))
    }
}

impl View {
    /// The fixed-shape tensor, or numeric scalar, attribute called `name`, of the rows of the view.
    ///
    /// # Errors
    /// As [`Snapshot::tensor_column`].
    pub fn tensor_column(&self, name: &str) -> Result<TensorColumn> {
        self.tensor_column_with(name, &ReadOptions::default())
    }

    /// [`tensor_column`](Self::tensor_column) with options.
    ///
    /// # Errors
    /// As [`Snapshot::tensor_column`].
    pub fn tensor_column_with(&self, name: &str, options: &ReadOptions) -> Result<TensorColumn> {
        let attribute = self.snapshot().attribute(name)?.clone();
        let (dtype, shape) = match &attribute.attribute_type {
            AttributeType::Tensor { dtype, shape } => (*dtype, shape.clone()),
            AttributeType::Scalar(dtype) => (*dtype, Shape::default()),
            other => {
                return Err(Error::invalid(format!(
                    "attribute {name:?} is {other}, not a tensor of one shape"
                )));
            }
        };
        let (view, options) = (self.clone(), options.clone());
        Ok(TensorColumn { view, attribute, dtype, shape, options })
    }
}

/// Copies of at least this many bytes are shared by threads: starting one takes as long as copying a tenth of it.
const SHARED_COPY_BYTES: usize = 4 << 20;
/// Memory is no faster for more threads.
const COPYING_THREADS: usize = 4;

/// Copies rows of `row_bytes` one after the other into `out`, which is as long as all of them.
fn copy_rows(places: &[&[u8]], row_bytes: usize, out: &mut [u8]) {
    let copy = |places: &[&[u8]], out: &mut [u8]| {
        for (bytes, row) in places.iter().zip(out.chunks_exact_mut(row_bytes)) {
            row.copy_from_slice(bytes);
        }
    };
    let threads = match out.len() {
        ..SHARED_COPY_BYTES => 1,
        _ => std::thread::available_parallelism().map_or(1, |n| n.get().min(COPYING_THREADS)),
    };
    let share = places.len().div_ceil(threads).max(1);
    // Threads that live as long as the copy: those of a pool would be missing after a fork.
    std::thread::scope(|scope| {
        let mut shares = places.chunks(share).zip(out.chunks_mut(share * row_bytes));
        let own = shares.next();
        for (places, out) in shares {
            scope.spawn(move || copy(places, out));
        }
        if let Some((places, out)) = own {
            copy(places, out);
        }
    });
}

/// A raw tensor attribute of one partition whose file is mapped.
struct MappedColumn<'a> {
    map: &'a Bytes,
    row_groups: &'a RowMap,
    chunks: Vec<RawChunk<'a>>,
}

impl<'a> MappedColumn<'a> {
    /// `None` if the file is not mapped, or a row group is not stored as elements of `dtype`.
    fn of(reader: &ColumnReader<'a>, dtype: DType, element_count: u64) -> Result<Option<Self>> {
        let Some(place) = reader.place().filter(|_| reader.is_in_form()) else { return Ok(None) };
        let file = reader.file(place);
        let Some(map) = file.map(reader.snapshot.storage())? else { return Ok(None) };
        let chunks = (0..file.entry().row_groups.len()).map(|row_group| {
            let chunk = reader.raw_chunk(place, row_group, 0, dtype, Some(element_count))?;
            Ok(chunk.filter(|chunk| u64::from(chunk.item_bits()) == dtype.item_bits()))
        });
        let chunks: Option<Vec<_>> = chunks.collect::<Result<_>>()?;
        Ok(chunks.map(|chunks| Self { map, row_groups: file.row_map(), chunks }))
    }

    /// The bytes of a row of the partition; `None` if it is null.
    #[inline]
    fn row(&self, row: u64, row_bytes: usize) -> Result<Option<&'a [u8]>> {
        let outside = || Error::corrupt("a row", "it lies outside of its file");
        let (row_group, row) = self.row_groups.locate(row).ok_or_else(outside)?;
        let located = self.chunks[row_group].locate(row).map_err(|e| Error::format("a row", e))?;
        let Some(place) = located else { return Ok(None) };
        let start = (place.start / 8) as usize;
        let bytes = start.checked_add(row_bytes).and_then(|end| self.map.get(start..end));
        bytes.map(Some).ok_or_else(outside)
    }
}

impl TensorColumn {
    /// The element type.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// The shape of every row.
    pub fn shape(&self) -> &[u64] {
        self.shape.dims()
    }

    /// The tensor of row `row`, or `None` if it is null.
    ///
    /// Of a mapped file it is a view: no copy, no allocation but its shape.
    ///
    /// # Errors
    /// As [`Snapshot::get`].
    pub async fn get(&self, row: u64) -> Result<Option<Tensor>> {
        let read = self.found(row).await;
        self.snapshot().explained(read).await
    }

    fn snapshot(&self) -> &Snapshot {
        self.view.snapshot()
    }

    async fn found(&self, place: u64) -> Result<Option<Tensor>> {
        let row = self.view.row(place).await?;
        if let Some(found) = self.in_place(row).await? {
            return found.map(|bytes| Tensor::new(self.dtype, self.shape(), bytes)).transpose();
        }
        let one = self.consecutive(row..row + 1).await?;
        match one.nulls {
            Some(_) => Ok(None),
            None => {
                let bytes = one.tensor.bytes().clone();
                Tensor::new(self.dtype, self.shape(), bytes).map(Some)
            }
        }
    }

    /// The memory of a row where it lies; `None` if it has to be decoded or checked.
    async fn in_place(&self, row: u64) -> Result<Option<Option<Bytes>>> {
        let checks = matches!(self.options.page_checks, Some(PageChecks::Always));
        if checks || self.dtype == DType::Bool {
            return Ok(None);
        }
        let (partition, row) = self.snapshot().locate_row(row).await?;
        let (snapshot, attribute, options) = (self.snapshot(), &self.attribute, &self.options);
        let reader = ColumnReader::new(snapshot, attribute, partition, options);
        let Some(place) = reader.place().filter(|_| reader.is_in_form()) else { return Ok(None) };
        let (row_group, row) = reader.row_group_of(row)?;
        let n = self.shape.element_count();
        let raw = match attribute.attribute_type {
            AttributeType::Tensor { .. } => {
                reader.raw_chunk(place, row_group, 0, self.dtype, Some(n))?
            }
            _ => None,
        };
        let Some(chunk) = raw.filter(|c| u64::from(c.item_bits()) == self.dtype.item_bits()) else {
            return Ok(None);
        };
        let file = reader.file(place);
        let located = chunk.locate(row).map_err(|e| reader.file_reader(place).corrupt(e))?;
        let Some(bits) = located else { return Ok(Some(None)) };
        match file.map(snapshot.storage())? {
            Some(map) => {
                let range = bits.bytes();
                snapshot.storage().note_mapped_read(range.end.saturating_sub(range.start));
                let bytes = slice_map(map, &range);
                let outside =
                    || reader.file_reader(place).damaged(format!("row at {range:?} is outside"));
                Ok(Some(Some(aligned(bytes.ok_or_else(outside)?, self.dtype))))
            }
            None => {
                let bytes = file.read(snapshot.storage(), bits.bytes()).await?;
                Ok(Some(Some(aligned(bytes, self.dtype))))
            }
        }
    }

    /// The tensors of these rows, in the order asked, in one contiguous piece.
    ///
    /// # Errors
    /// As [`Snapshot::get`].
    pub async fn take(&self, rows: &[u64]) -> Result<Tensors> {
        let read = self.taken(rows).await;
        self.snapshot().explained(read).await
    }

    async fn taken(&self, places: &[u64]) -> Result<Tensors> {
        self.of_rows(&self.view.rows_at(places).await?).await
    }

    async fn of_rows(&self, rows: &[u64]) -> Result<Tensors> {
        let resolved = self.snapshot().resolve(rows).await?;
        if let AttributeType::Tensor { .. } = self.attribute.attribute_type {
            let n = self.shape.element_count();
            let (attribute, options) = (&self.attribute, &self.options);
            let copied =
                self.snapshot().gather_bytes(attribute, self.dtype, n, &resolved, options)?;
            if let Some(buffer) = copied {
                let shape = stacked(rows.len(), &self.shape);
                let tensor = Tensor::new(self.dtype, &shape, bytes_of(buffer))?;
                return Ok(Tensors { tensor, nulls: None });
            }
        }
        let array = self.snapshot().take_column(&self.attribute, &resolved, &self.options).await?;
        Tensors::from_array(&self.attribute, &array)
    }

    /// The tensors of these rows, in the order asked, written to `out`, which has as many bytes; gives which rows are
    /// null, whose bytes are zeros.
    ///
    /// Of mapped files each byte is copied once, 4 MiB and more by up to four threads.
    ///
    /// # Errors
    /// As [`Snapshot::get`], and [`InvalidInput`](crate::ErrorKind::InvalidInput) if `out` has another length.
    pub async fn take_into(&self, rows: &[u64], out: &mut [u8]) -> Result<Option<NullBuffer>> {
        let read = self.taken_into(rows, out).await;
        self.snapshot().explained(read).await
    }

    async fn taken_into(&self, places: &[u64], out: &mut [u8]) -> Result<Option<NullBuffer>> {
        let n = self.shape.element_count();
        let row_bytes = (n * self.dtype.item_bytes().unwrap_or(1)) as usize;
        if places.len().checked_mul(row_bytes) != Some(out.len()) {
            return Err(Error::invalid(format!(
                "{} rows of {row_bytes} bytes into {} bytes",
                places.len(),
                out.len()
            )));
        }
        let rows = self.view.rows_at(places).await?;
        if let AttributeType::Tensor { .. } = self.attribute.attribute_type {
            let resolved = self.snapshot().resolve(&rows).await?;
            let (attribute, options) = (&self.attribute, &self.options);
            let mapped = self
                .snapshot()
                .mapped_rows(attribute, self.dtype, row_bytes, &resolved, options)?;
            if let Some(mapped) = mapped {
                copy_rows(&mapped, row_bytes, out);
                return Ok(None);
            }
        }
        let taken = self.of_rows(&rows).await?;
        out.copy_from_slice(taken.tensor.bytes());
        Ok(taken.nulls)
    }

    /// The tensors of the rows of `rows`; a view if they lie in one page of a mapped file.
    ///
    /// # Errors
    /// As [`Snapshot::get`].
    pub async fn slice(&self, rows: Range<u64>) -> Result<Tensors> {
        let read = self.sliced(rows).await;
        self.snapshot().explained(read).await
    }

    async fn sliced(&self, places: Range<u64>) -> Result<Tensors> {
        match self.view.part(places).await? {
            Part::Range(rows) => self.consecutive(rows).await,
            Part::List(rows) => self.of_rows(rows).await,
        }
    }

    async fn consecutive(&self, rows: Range<u64>) -> Result<Tensors> {
        let array = self.snapshot().slice_column(&self.attribute, rows, &self.options).await?;
        Tensors::from_array(&self.attribute, &array)
    }
}

impl Tensors {
    /// The tensors of a column as batches have it; a view of its memory, but of booleans and of numbers of which some are null.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::ErrorKind::InvalidInput) if `attribute` is no tensor of one shape and no number, or
    /// `array` is not a column of it.
    pub fn from_array(attribute: &Attribute, array: &ArrayRef) -> Result<Self> {
        let name = &attribute.name;
        let (dtype, row_shape) = match &attribute.attribute_type {
            AttributeType::Tensor { dtype, shape } => (*dtype, shape.clone()),
            AttributeType::Scalar(dtype) => (*dtype, Shape::default()),
            other => {
                return Err(Error::invalid(format!(
                    "attribute {name:?} is {other}, not a tensor of one shape"
                )));
            }
        };
        if *array.data_type() != attribute.attribute_type.arrow_type() {
            return Err(Error::invalid(format!(
                "attribute {name:?} is {}, not {}",
                attribute.attribute_type,
                array.data_type()
            )));
        }
        let shape = stacked(array.len(), &row_shape);
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0).cloned();
        let elements = match &attribute.attribute_type {
            AttributeType::Tensor { .. } if row_shape.element_count() == 0 => {
                return Ok(Self { tensor: Tensor::new(dtype, &shape, Bytes::new())?, nulls });
            }
            AttributeType::Tensor { .. } => {
                let list = array.as_fixed_size_list();
                let n = list.value_length() as usize;
                list.values().slice(list.value_offset(0) as usize, list.len() * n)
            }
            _ => array.clone(),
        };
        let data = elements.to_data();
        let values = &data.buffers()[0];
        let bytes = match dtype.item_bytes() {
            Some(size) => {
                let size = size as usize;
                let start = data.offset() * size;
                bytes_of(values.slice_with_length(start, data.len() * size))
            }
            None => unpack_bits(values, data.offset() as u64, data.len() as u64),
        };
        // Null tensors are zeros since they were joined.
        let bytes = match (&attribute.attribute_type, &nulls) {
            (AttributeType::Scalar(_), Some(nulls)) => with_zeros(&bytes, nulls),
            _ => bytes,
        };
        Ok(Self { tensor: Tensor::new(dtype, &shape, bytes)?, nulls })
    }
}

/// Numbers with zeros for null rows, for which an array has anything.
fn with_zeros(bytes: &Bytes, nulls: &NullBuffer) -> Bytes {
    let item_bytes = (bytes.len() / nulls.len().max(1)).max(1);
    let mut zeroed = MutableBuffer::with_capacity(bytes.len());
    zeroed.extend_from_slice(bytes);
    for (row, item) in zeroed.as_slice_mut().chunks_mut(item_bytes).enumerate() {
        if nulls.is_null(row) {
            item.fill(0);
        }
    }
    bytes_of(zeroed.into())
}

/// The same bytes at an address that suits the dtype: a copy only for pages too short to be aligned.
fn aligned(bytes: Bytes, dtype: DType) -> Bytes {
    let item_bytes = dtype.item_bytes().unwrap_or(1) as usize;
    if (bytes.as_ptr() as usize).is_multiple_of(item_bytes) {
        return bytes;
    }
    bytes_of(Buffer::from_slice_ref(&bytes))
}
