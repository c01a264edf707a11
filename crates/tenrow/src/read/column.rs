//! One attribute in one row group, read by whichever way its pages allow.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, StringArray, StructArray, cast::AsArray};
use arrow_schema::{DataType, Fields};
use parquet::file::metadata::ParquetMetaData;

use crate::error::{Error, Result};
use crate::format::manifest::{Chunk, in_origin, origin_of};
use crate::format::{
    Attribute, AttributeType, DType, DecodeStep, ListShape, OrdinaryDecoder, RawChunk, as_declared,
    check_columns, file_fields, widen,
};
use crate::read::arrays;
use crate::read::file_reader::FileReader;
use crate::read::fixed::FixedRows;
use crate::read::listed::ListedRows;
use crate::read::options::{PageChecks, ReadOptions};
use crate::read::paged::PagedRows;
use crate::snapshot::{ColumnKey, ColumnPlace, LoadedPartition, OpenFile, Snapshot};

/// Decoded columns up to this size are kept, and decoded whole.
const SMALL_COLUMN_BYTES: i64 = 4 << 20;

/// Reads one attribute of one partition, by the rows of its files: deleted ones are rows like others.
#[derive(Clone, Copy)]
pub(crate) struct ColumnReader<'a> {
    pub(crate) snapshot: &'a Snapshot,
    /// The attribute as the partition holds it: it may have another form in the snapshot.
    pub(crate) attribute: &'a Attribute,
    wanted: &'a Attribute,
    pub(crate) partition: &'a LoadedPartition,
    pub(crate) options: &'a ReadOptions,
    place: Option<&'a ColumnPlace>,
}

impl<'a> ColumnReader<'a> {
    pub(crate) fn new(
        snapshot: &'a Snapshot,
        wanted: &'a Attribute,
        partition: &'a LoadedPartition,
        options: &'a ReadOptions,
    ) -> Self {
        let place = partition.column(wanted);
        let earlier = place.filter(|place| place.field != wanted.id);
        let stored = earlier.and_then(|place| snapshot.stored_form(place.field));
        let attribute = stored.unwrap_or(wanted);
        Self { snapshot, attribute, wanted, partition, options, place }
    }

    /// The same attribute in another of the partition's files.
    pub(crate) fn at(other: &Self, place: &'a ColumnPlace) -> Self {
        Self { place: Some(place), ..*other }
    }

    /// Where the column is; `None` if the partition was written before the attribute was added.
    pub(crate) fn place(&self) -> Option<&'a ColumnPlace> {
        self.place
    }

    /// The Arrow type that reads give.
    pub(crate) fn wanted_type(&self) -> DataType {
        self.wanted.attribute_type.arrow_type()
    }

    /// Whether the values are stored in the type that the snapshot has for them.
    pub(crate) fn is_in_form(&self) -> bool {
        self.attribute.attribute_type == self.wanted.attribute_type
    }

    pub(crate) fn file(&self, place: &ColumnPlace) -> &'a Arc<OpenFile> {
        self.partition.file(place)
    }

    pub(crate) fn file_reader(&self, place: &ColumnPlace) -> FileReader<'a> {
        FileReader::new(self.snapshot.storage(), self.file(place), self.options)
    }

    /// Rows of the partition, as ascending ranges of one row group, one after another.
    pub(crate) async fn read(&self, row_group: usize, ranges: &[Range<u64>]) -> Result<ArrayRef> {
        let Some(place) = self.place() else {
            let rows: u64 = ranges.iter().map(|range| range.end - range.start).sum();
            return self
                .wanted
                .default_rows(rows as usize)
                .map_err(|e| Error::format(format!("attribute {:?}", self.wanted.name), e));
        };
        let stored = self.read_stored(place, row_group, ranges).await?;
        let (stored_type, wanted_type) =
            (&self.attribute.attribute_type, &self.wanted.attribute_type);
        widen(&stored, stored_type, wanted_type).map_err(|e| self.file_reader(place).corrupt(e))
    }

    /// The same, in the form in which the file holds them.
    async fn read_stored(
        &self,
        place: &ColumnPlace,
        row_group: usize,
        ranges: &[Range<u64>],
    ) -> Result<ArrayRef> {
        if self.file(place).entry().foreign.is_some() {
            if self.options.page_checks == Some(PageChecks::Always) {
                self.file(place).check_whole(self.snapshot.storage()).await?;
            }
            return self.ordinary(place, row_group, 0, ranges).await;
        }
        match &self.attribute.attribute_type {
            AttributeType::Tensor { dtype, shape } if shape.element_count() > 0 => {
                self.tensor(place, row_group, 0, *dtype, shape.element_count(), ranges).await
            }
            AttributeType::VariableTensor { dtype, shape } => {
                self.variable_tensor(place, row_group, *dtype, shape.rank() as u64, ranges).await
            }
            AttributeType::Value(DataType::List(item)) => {
                let dtype = DType::from_arrow(item.data_type());
                let listed = match dtype {
                    Some(dtype) => self.listed(place, row_group, dtype, item.is_nullable())?,
                    None => None,
                };
                match listed {
                    Some(rows) => Ok(Arc::new(rows.read(ranges).await?)),
                    None => self.ordinary(place, row_group, 0, ranges).await,
                }
            }
            AttributeType::File => self.files(place, row_group, ranges).await,
            _ => self.ordinary(place, row_group, 0, ranges).await,
        }
    }

    /// A raw chunk of rows of `elements` elements, of lists if `None`; `None` if it is not raw, or not listed.
    ///
    /// Which of an attribute's columns a chunk is of can only be told where the leaf lists all of them.
    pub(crate) fn raw_chunk(
        &self,
        place: &ColumnPlace,
        row_group: usize,
        column: u32,
        dtype: DType,
        elements: Option<u64>,
    ) -> Result<Option<RawChunk<'a>>> {
        if place.listed.len() != self.attribute.column_count() {
            return Ok(None);
        }
        let column = place.listed.start + column;
        let chunk: Option<&'a Chunk> = self.partition.chunk(place, row_group, column);
        let rows = self.file(place).entry().row_groups.get(row_group);
        let (Some(chunk), Some(&rows)) = (chunk, rows) else { return Ok(None) };
        RawChunk::new(&chunk.layout, rows, dtype, elements).map_err(|error| {
            let name = &self.attribute.name;
            let reason =
                format!("attribute {name:?}, row group {row_group}, column {column}: {error}");
            self.file_reader(place).damaged(reason)
        })
    }

    async fn tensor(
        &self,
        place: &ColumnPlace,
        row_group: usize,
        column: u32,
        dtype: DType,
        element_count: u64,
        ranges: &[Range<u64>],
    ) -> Result<ArrayRef> {
        let nullable = self.attribute.nullable;
        match self.raw_chunk(place, row_group, column, dtype, Some(element_count))? {
            Some(chunk) => {
                let file = self.file_reader(place);
                FixedRows { file, chunk, dtype, element_count, nullable }.read(ranges).await
            }
            None => {
                let pages = self.pages(place, row_group, column).await?;
                pages.read_fixed(ranges, dtype, element_count, nullable).await
            }
        }
    }

    pub(crate) fn listed(
        &self,
        place: &ColumnPlace,
        row_group: usize,
        dtype: DType,
        nullable_elements: bool,
    ) -> Result<Option<ListedRows<'a>>> {
        let chunk = self.raw_chunk(place, row_group, 0, dtype, None)?;
        let shape = ListShape { nullable: self.attribute.nullable, nullable_elements };
        let file = self.file_reader(place);
        Ok(chunk.map(|chunk| ListedRows { file, chunk, dtype, shape }))
    }

    async fn variable_tensor(
        &self,
        place: &ColumnPlace,
        row_group: usize,
        dtype: DType,
        rank: u64,
        ranges: &[Range<u64>],
    ) -> Result<ArrayRef> {
        let Some(listed) = self.listed(place, row_group, dtype, true)? else {
            let rows = self.ordinary(place, row_group, 0, ranges).await?;
            self.check_shapes(place, &rows)?;
            return Ok(rows);
        };
        let data = listed.read(ranges).await?;
        let shape = self.tensor(place, row_group, 1, DType::I32, rank, ranges).await?;
        let DataType::Struct(fields) = self.attribute.attribute_type.arrow_type() else {
            return Err(Error::invalid("a variable-shape tensor is a struct"));
        };
        let nulls = data.nulls().cloned();
        // A null row is null as a struct; its parts are empty but there.
        let (field, offsets, values, _) = data.into_parts();
        let data = arrow_array::ListArray::try_new(field, offsets, values, None);
        let [_, shape_field] = &fields[..] else {
            return Err(Error::invalid("a variable-shape tensor has data and a shape"));
        };
        let shape = without_nulls(&shape, shape_field.data_type())?;
        let columns = vec![Arc::new(data.map_err(arrays::unfit)?) as ArrayRef, shape];
        let rows = StructArray::try_new(fields, columns, nulls).map_err(arrays::unfit)?;
        let rows: ArrayRef = Arc::new(rows);
        self.check_shapes(place, &rows)?;
        Ok(rows)
    }

    /// Refuses a tensor of variable shape with another number of elements than its shape says.
    fn check_shapes(&self, place: &ColumnPlace, rows: &ArrayRef) -> Result<()> {
        let rows = rows.as_struct();
        let (data, shapes) = (rows.column(0).as_list::<i32>(), rows.column(1).as_fixed_size_list());
        let dims = shapes.values().as_primitive::<Int32Type>().values();
        let rank = shapes.value_length() as usize;
        for row in (0..rows.len()).filter(|&row| rows.is_valid(row)) {
            let first = row * rank;
            let dims = dims.get(first..first + rank).unwrap_or_default();
            let count = dims
                .iter()
                .try_fold(1u64, |count, &dim| count.checked_mul(u64::try_from(dim).ok()?));
            let found = u64::try_from(data.value_length(row)).ok();
            if count.is_none() || count != found {
                return Err(self.file_reader(place).damaged(format!(
                    "attribute {:?}: a tensor of {} elements of the shape {dims:?}",
                    self.attribute.name,
                    data.value_length(row)
                )));
            }
        }
        Ok(())
    }

    pub(crate) async fn pages(
        &self,
        place: &ColumnPlace,
        row_group: usize,
        column: u32,
    ) -> Result<PagedRows<'a>> {
        let file = self.file(place);
        let metadata = self.snapshot.footer(file).await?;
        let columns = self.columns(place, &metadata)?;
        let row_count = file.entry().row_groups.get(row_group).copied().unwrap_or_default();
        Ok(PagedRows {
            file: self.file_reader(place),
            metadata,
            row_group,
            column: columns.start as usize + column as usize,
            row_count,
        })
    }

    /// The Parquet columns of the attribute, by the footer.
    fn columns(&self, place: &ColumnPlace, metadata: &ParquetMetaData) -> Result<Range<u32>> {
        self.file(place).columns(self.snapshot.storage(), metadata, place).map_err(|error| {
            let name = format!("attribute {:?}", self.attribute.name);
            Error::new(error.kind(), name).with_source(error)
        })
    }

    async fn files(
        &self,
        place: &ColumnPlace,
        row_group: usize,
        ranges: &[Range<u64>],
    ) -> Result<ArrayRef> {
        let pages = self.pages(place, row_group, 0).await?;
        let bytes = pages.read_bytes(ranges, self.attribute.nullable).await?;
        let others = self.file_details(place, row_group, ranges).await?;
        let mut columns: Vec<ArrayRef> = vec![Arc::new(bytes)];
        columns.extend(others.columns().iter().cloned());
        let rows = StructArray::try_new(file_fields(), columns, others.nulls().cloned());
        Ok(Arc::new(rows.map_err(arrays::unfit)?))
    }

    /// All of a file attribute but its bytes.
    pub(crate) async fn file_details(
        &self,
        place: &ColumnPlace,
        row_group: usize,
        ranges: &[Range<u64>],
    ) -> Result<StructArray> {
        let others = self.ordinary(place, row_group, 1, ranges).await?;
        let expected: Fields = file_fields().iter().skip(1).cloned().collect();
        let details = others.as_any().downcast_ref::<StructArray>().cloned();
        let details = details.filter(|details| has_types(details, &expected)).ok_or_else(|| {
            self.file_reader(place)
                .damaged(format!("a file attribute of type {}", others.data_type()))
        })?;
        self.paths_in_origin(place, details)
    }

    /// File details whose paths lead to the dataset that the file belongs to.
    fn paths_in_origin(&self, place: &ColumnPlace, details: StructArray) -> Result<StructArray> {
        let Some((origin, _)) = origin_of(&self.file(place).entry().path) else {
            return Ok(details);
        };
        let (fields, mut columns, nulls) = details.into_parts();
        let paths = columns[0].as_string::<i32>().iter();
        let paths = paths.map(|path| path.map(|path| in_origin(origin, path)));
        columns[0] = Arc::new(paths.collect::<StringArray>());
        StructArray::try_new(fields, columns, nulls).map_err(arrays::unfit)
    }

    /// Columns decoded by the `parquet` crate, all but the first `skip`; small ones are decoded whole, once.
    async fn ordinary(
        &self,
        place: &ColumnPlace,
        row_group: usize,
        skip: u32,
        ranges: &[Range<u64>],
    ) -> Result<ArrayRef> {
        let file = self.file(place);
        let cache = self.snapshot.cached_columns();
        let key = ColumnKey::new(file.entry(), row_group, place.field, skip);
        let expected = self.attribute.attribute_type.arrow_type();
        let cached = cache.get(&key);
        // What another version kept may be of another type, if their manifests contradict each other.
        if let Some(whole) = cached.filter(|whole| skip > 0 || *whole.data_type() == expected) {
            return pick(&whole, ranges);
        }
        let metadata = self.snapshot.footer(file).await?;
        let all = self.columns(place, &metadata)?;
        if file.entry().foreign.is_none() {
            let checked = check_columns(&metadata, all.clone(), self.attribute);
            checked.map_err(|e| self.file_reader(place).corrupt(e))?;
        }
        let columns = all.start + skip..all.end;
        let group = metadata.row_groups().get(row_group);
        let chunks =
            group.and_then(|g| g.columns().get(columns.start as usize..columns.end as usize));
        let Some(chunks) = chunks.filter(|chunks| !chunks.is_empty()) else {
            let reason = format!("no columns {columns:?} in row group {row_group}");
            return Err(self.file_reader(place).damaged(reason));
        };
        let size: i64 = chunks
            .iter()
            .map(|chunk| chunk.uncompressed_size().max(0))
            .fold(0, i64::saturating_add);
        let is_small = size <= SMALL_COLUMN_BYTES && cache.has_room(size.max(0) as usize);
        let selected = if is_small { None } else { Some(ranges) };
        let decoder = file
            .ordinary_footer(&metadata)
            .and_then(|footer| OrdinaryDecoder::new(footer, row_group, columns.clone(), selected));
        let mut decoder = decoder.map_err(|e| self.file_reader(place).corrupt(e))?;
        let decoded = self.decode(place, &mut decoder).await?;
        let decoded = if skip > 0 {
            decoded
        } else {
            as_declared(&decoded, self.attribute).map_err(|e| self.file_reader(place).corrupt(e))?
        };
        if is_small {
            cache.put(key, &decoded);
            return pick(&decoded, ranges);
        }
        Ok(decoded)
    }

    async fn decode(&self, place: &ColumnPlace, decoder: &mut OrdinaryDecoder) -> Result<ArrayRef> {
        let file = self.file_reader(place);
        let mut parts = Vec::new();
        loop {
            match file.decoding(|| decoder.step())? {
                DecodeStep::Needs(ranges) => {
                    let bytes = file.read_many(&ranges).await?;
                    file.decoding(|| decoder.push(ranges, bytes))?;
                }
                DecodeStep::Batch(batch) => parts.extend(batch.columns().first().cloned()),
                DecodeStep::Done => break,
            }
        }
        let data_type = match parts.first() {
            Some(part) => part.data_type().clone(),
            None => self.attribute.attribute_type.arrow_type(),
        };
        arrays::concat(&data_type, parts)
    }
}

/// Whether the columns are of these types, whatever they are called.
fn has_types(columns: &StructArray, expected: &Fields) -> bool {
    let found = columns.columns().iter().map(|column| column.data_type());
    found.eq(expected.iter().map(|field| field.data_type()))
}

/// Ranges of an array, one after another.
fn pick(whole: &ArrayRef, ranges: &[Range<u64>]) -> Result<ArrayRef> {
    let parts = ranges.iter().map(|range| {
        let (start, len) = (range.start as usize, (range.end - range.start) as usize);
        match start + len <= whole.len() {
            true => Ok(whole.slice(start, len)),
            false => {
                Err(Error::corrupt("a column", format!("{} rows, {range:?} needed", whole.len())))
            }
        }
    });
    arrays::concat(whole.data_type(), parts.collect::<Result<_>>()?)
}

/// The same fixed-size lists, none of them null.
fn without_nulls(list: &ArrayRef, data_type: &DataType) -> Result<ArrayRef> {
    let data = list.to_data().into_builder().data_type(data_type.clone()).nulls(None);
    Ok(arrow_array::make_array(data.build().map_err(arrays::unfit)?))
}
