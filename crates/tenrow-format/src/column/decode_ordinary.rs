//! Columns and pages that are not raw, decoded by the `parquet` crate from bytes the caller fetched.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, FixedSizeListArray, RecordBatch, StructArray, new_null_array};
use arrow_schema::{DataType, Field, Fields};
use bytes::Bytes;
use parquet::DecodeResult;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, RowSelection, RowSelector,
};
use parquet::arrow::push_decoder::{ParquetPushDecoder, ParquetPushDecoderBuilder};
use parquet::arrow::{ArrowSchemaConverter, ProjectionMask};
use parquet::basic::Type as PhysicalType;
use parquet::file::metadata::{
    FileMetaData, ParquetMetaData, ParquetMetaDataBuilder, RowGroupMetaData,
};
use parquet::schema::types::{ColumnDescriptor, SchemaDescriptor, Type};

use crate::attribute_type::AttributeType;
use crate::column::ordinary::moved;
use crate::error::{FormatError, Result};
use crate::guard::guarded;
use crate::limits;
use crate::schema::Attribute;

/// A footer as decoders of its columns need it: the Arrow schema of the file is worked out once, not for each column.
///
/// ```
/// use tenrow_format::{OrdinaryDecoder, OrdinaryFooter};
/// # use std::sync::Arc;
/// # use arrow_array::{ArrayRef, Int64Array};
/// # use tenrow_format::{Attribute, partition::PartitionEncoder};
/// # let (mut encoder, magic) = PartitionEncoder::new(&[Attribute::parse("label:i64")?])?;
/// # let labels: ArrayRef = Arc::new(Int64Array::from(vec![4, 5, 4]));
/// # let column = encoder.encode_column(0, &[labels])?;
/// # let pieces = encoder.push_row_group(3, vec![column])?;
/// # let (tail, file) = encoder.finish()?;
/// # let bytes = bytes::Bytes::from([&[magic][..], &pieces, &[tail]].concat().concat());
/// // Of a Parquet file with one row group: its schema is worked out once, for as many decoders as it has columns.
/// let footer = OrdinaryFooter::new(&Arc::new(file.metadata))?;
/// assert!(OrdinaryDecoder::new(&footer, 0, 0..1, None).is_ok());
/// assert!(OrdinaryDecoder::new(&footer, 1, 0..1, None).is_err());
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
#[derive(Debug, Clone)]
pub struct OrdinaryFooter(ArrowReaderMetadata);

impl OrdinaryFooter {
    /// The footer, ready for [`OrdinaryDecoder::new`].
    ///
    /// # Errors
    /// [`FormatError::Parquet`] if the footer makes no sense.
    pub fn new(metadata: &Arc<ParquetMetaData>) -> Result<Self> {
        guarded("the Arrow schema of a file", || {
            ArrowReaderMetadata::try_new(metadata.clone(), ArrowReaderOptions::new())
                .map(Self)
                .map_err(FormatError::parquet("the Arrow schema of a file"))
        })
    }
}

/// The footer of a file as if it had one row group, and of that one field.
struct FieldFooter {
    metadata: ArrowReaderMetadata,
    /// The columns that are wanted of it.
    columns: Range<usize>,
}

impl OrdinaryFooter {
    /// What a decoder of some columns of one field needs: those of the `parquet` crate look at every field of a file, and a file
    /// may have thousands.
    fn of_field(&self, row_group: usize, columns: Range<u32>) -> Result<FieldFooter> {
        let wrong = |reason: &str| FormatError::malformed("the footer of a file", reason);
        let (whole, file) = (self.0.metadata(), self.0.metadata().file_metadata());
        let all = file.schema_descr();
        let wanted = columns.start as usize..columns.end as usize;
        if wanted.is_empty() || wanted.end > all.num_columns() {
            return Err(wrong("columns are needed that it has not"));
        }
        let root = all.get_column_root_idx(wanted.start);
        let is_of_field = |column: &usize| all.get_column_root_idx(*column) == root;
        let before = (0..wanted.start).rev().take_while(is_of_field).count();
        let behind = (wanted.start..all.num_columns()).take_while(is_of_field).count();
        let own = wanted.start - before..wanted.start + behind;
        if wanted.end > own.end {
            return Err(wrong("columns of one attribute are of several fields"));
        }
        let group = whole.row_groups().get(row_group);
        let group = group.ok_or_else(|| wrong("a row group is needed that it has not"))?;

        let parquet = || FormatError::parquet("the footer of a field");
        let schema = Type::group_type_builder(all.root_schema().name());
        let fields = vec![all.get_column_root_ptr(wanted.start)];
        let schema = schema.with_fields(fields).build().map_err(parquet())?;
        let schema = Arc::new(SchemaDescriptor::new(Arc::new(schema)));
        let chunks = group.columns()[own.clone()].iter().zip(schema.columns());
        let chunks = chunks.map(|(chunk, column)| moved(chunk, 0, column.clone()));
        let group = RowGroupMetaData::builder(schema.clone())
            .set_num_rows(group.num_rows())
            .set_total_byte_size(group.total_byte_size())
            .set_column_metadata(chunks.collect::<Result<_>>()?)
            .build()
            .map_err(parquet())?;
        let (version, rows) = (file.version(), group.num_rows());
        let created_by = file.created_by().map(str::to_owned);
        let of_field = FileMetaData::new(version, rows, created_by, None, schema, None);
        let index = whole.offset_index().and_then(|index| index.get(row_group)?.get(own.clone()));
        let metadata = ParquetMetaDataBuilder::new(of_field)
            .add_row_group(group)
            .set_offset_index(index.map(|index| vec![index.to_vec()]))
            .build();
        let arrow = self.0.schema().field(root).clone();
        let arrow = Arc::new(arrow_schema::Schema::new(vec![arrow]));
        let options = ArrowReaderOptions::new().with_schema(arrow);
        let metadata = ArrowReaderMetadata::try_new(Arc::new(metadata), options);
        Ok(FieldFooter {
            metadata: metadata.map_err(parquet())?,
            columns: wanted.start - own.start..wanted.end - own.start,
        })
    }
}

/// Checks that Parquet columns have the types and levels that a writer of `attribute` gives them.
///
/// A footer has no checksum of its own: with another level, pages that are whole would be read as other rows.
///
/// # Errors
/// [`FormatError::Malformed`], naming the column.
pub fn check_columns(
    metadata: &ParquetMetaData,
    columns: Range<u32>,
    attribute: &Attribute,
) -> Result<()> {
    let schema = arrow_schema::Schema::new(vec![attribute.arrow_field()]);
    let expected = ArrowSchemaConverter::new()
        .convert(&schema)
        .map_err(FormatError::parquet("the schema of an attribute"))?;
    let found = metadata.file_metadata().schema_descr();
    for (column, expected) in columns.zip(expected.columns()) {
        let form = |column: &ColumnDescriptor| {
            let length = match column.physical_type() {
                PhysicalType::FIXED_LEN_BYTE_ARRAY => column.type_length(),
                _ => 0,
            };
            (column.physical_type(), length, column.max_def_level(), column.max_rep_level())
        };
        let own = found.columns().get(column as usize);
        if own.is_none_or(|own| form(own) != form(expected)) {
            let shown = own.map(|own| form(own));
            return Err(FormatError::malformed(
                "the footer of a file",
                format!(
                    "column {column} of attribute {:?} is {shown:?} (type, length, levels), expected {:?}",
                    attribute.name,
                    form(expected)
                ),
            ));
        }
    }
    Ok(())
}

/// Decodes some Parquet columns of some rows of one row group.
///
/// ```
/// use tenrow_format::{DecodeStep, OrdinaryDecoder, OrdinaryFooter};
/// # use std::sync::Arc;
/// # use arrow_array::{ArrayRef, Int64Array};
/// # use tenrow_format::{Attribute, partition::PartitionEncoder};
/// # let (mut encoder, magic) = PartitionEncoder::new(&[Attribute::parse("label:i64")?])?;
/// # let labels: ArrayRef = Arc::new(Int64Array::from(vec![4, 5, 4]));
/// # let column = encoder.encode_column(0, &[labels])?;
/// # let pieces = encoder.push_row_group(3, vec![column])?;
/// # let (tail, file) = encoder.finish()?;
/// # let bytes = bytes::Bytes::from([&[magic][..], &pieces, &[tail]].concat().concat());
/// // Of a Parquet file with one row group of three labels.
/// let footer = OrdinaryFooter::new(&Arc::new(file.metadata))?;
/// let mut decoder = OrdinaryDecoder::new(&footer, 0, 0..1, None)?;
/// let mut rows = 0;
/// loop {
///     match decoder.step()? {
///         DecodeStep::Needs(ranges) => {
///             let read = |range: &std::ops::Range<u64>| bytes.slice(range.start as usize..range.end as usize);
///             let found = ranges.iter().map(read).collect();
///             decoder.push(ranges, found)?;
///         }
///         DecodeStep::Batch(batch) => rows += batch.num_rows(),
///         DecodeStep::Done => break,
///     }
/// }
/// assert_eq!(rows, 3);
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
pub struct OrdinaryDecoder {
    decoder: ParquetPushDecoder,
}

/// What an [`OrdinaryDecoder`] has to say.
///
/// ```
/// use tenrow_format::{DecodeStep, OrdinaryDecoder, OrdinaryFooter};
/// # use std::sync::Arc;
/// # use arrow_array::{ArrayRef, Int64Array};
/// # use tenrow_format::{Attribute, partition::PartitionEncoder};
/// # let (mut encoder, magic) = PartitionEncoder::new(&[Attribute::parse("label:i64")?])?;
/// # let labels: ArrayRef = Arc::new(Int64Array::from(vec![4, 5, 4]));
/// # let column = encoder.encode_column(0, &[labels])?;
/// # let pieces = encoder.push_row_group(3, vec![column])?;
/// # let (tail, file) = encoder.finish()?;
/// # let bytes = bytes::Bytes::from([&[magic][..], &pieces, &[tail]].concat().concat());
/// let footer = OrdinaryFooter::new(&Arc::new(file.metadata))?;
/// let mut decoder = OrdinaryDecoder::new(&footer, 0, 0..1, None)?;
/// // It reads nothing itself: first it says what it needs.
/// assert!(matches!(decoder.step()?, DecodeStep::Needs(ranges) if !ranges.is_empty()));
/// # Ok::<(), tenrow_format::FormatError>(())
/// ```
pub enum DecodeStep {
    /// It needs these bytes of the file.
    Needs(Vec<Range<u64>>),
    /// It has decoded some rows.
    Batch(RecordBatch),
    /// It has decoded them all.
    Done,
}

impl OrdinaryDecoder {
    /// A decoder of the Parquet leaf columns `columns`; `rows` are ascending ranges of the row
    /// group, all of it if `None`.
    ///
    /// # Errors
    /// [`FormatError::Parquet`] if the footer makes no sense.
    pub fn new(
        footer: &OrdinaryFooter,
        row_group: usize,
        columns: Range<u32>,
        rows: Option<&[Range<u64>]>,
    ) -> Result<Self> {
        guarded("a column decoder", || Self::build(footer, row_group, columns, rows))
    }

    fn build(
        footer: &OrdinaryFooter,
        row_group: usize,
        columns: Range<u32>,
        rows: Option<&[Range<u64>]>,
    ) -> Result<Self> {
        let field = footer.of_field(row_group, columns)?;
        let schema = field.metadata.metadata().file_metadata().schema_descr();
        let mask = ProjectionMask::leaves(schema, field.columns);
        let mut builder = ParquetPushDecoderBuilder::new_with_metadata(field.metadata.clone())
            .with_row_groups(vec![0])
            .with_batch_size(limits::MAX_ROW_GROUP_ROWS as usize)
            .with_projection(mask);
        if let Some(rows) = rows {
            builder = builder.with_row_selection(selection(rows));
        }
        let decoder = builder.build().map_err(FormatError::parquet("a column decoder"))?;
        Ok(Self { decoder })
    }

    /// Goes on as far as the bytes it was given allow.
    ///
    /// # Errors
    /// [`FormatError::Parquet`] if the bytes are not what the footer says.
    pub fn step(&mut self) -> Result<DecodeStep> {
        let decoder = &mut self.decoder;
        let decoded = guarded("column data", || {
            decoder.try_decode().map_err(FormatError::parquet("column data"))
        });
        match decoded? {
            DecodeResult::NeedsData(ranges) => Ok(DecodeStep::Needs(ranges)),
            DecodeResult::Data(batch) => Ok(DecodeStep::Batch(batch)),
            DecodeResult::Finished => Ok(DecodeStep::Done),
        }
    }

    /// Hands over the bytes of the ranges that it needs.
    ///
    /// # Errors
    /// [`FormatError::Parquet`] if they are not those it asked for.
    pub fn push(&mut self, ranges: Vec<Range<u64>>, bytes: Vec<Bytes>) -> Result<()> {
        self.decoder.push_ranges(ranges, bytes).map_err(FormatError::parquet("column data"))
    }
}

/// Row ranges as the alternating selectors of the `parquet` crate.
fn selection(rows: &[Range<u64>]) -> RowSelection {
    let mut selectors = Vec::with_capacity(2 * rows.len());
    let mut at = 0;
    for range in rows {
        if range.start > at {
            selectors.push(RowSelector::skip((range.start - at) as usize));
        }
        selectors.push(RowSelector::select((range.end - range.start) as usize));
        at = range.end;
    }
    RowSelection::from(selectors)
}

/// Brings a decoded column to the attribute's Arrow type: one string type, flat tensors, no dictionaries.
///
/// # Errors
/// [`FormatError::WrongType`] if the values cannot be those of the attribute.
pub fn as_declared(column: &ArrayRef, attribute: &Attribute) -> Result<ArrayRef> {
    let conformed = of_type(column, attribute)?;
    match first_null_element(&conformed) {
        Some(row) if matches!(attribute.attribute_type, AttributeType::Tensor { .. }) => {
            Err(FormatError::malformed(
                format!("attribute {:?}", attribute.name),
                format!("the tensor in row {row} of those read has a null element"),
            ))
        }
        _ => Ok(conformed),
    }
}

/// The first row that is not null and has a null element, of lists of fixed size.
fn first_null_element(column: &ArrayRef) -> Option<usize> {
    let lists = column.as_fixed_size_list_opt()?;
    let nulls = lists.values().nulls().filter(|nulls| nulls.null_count() > 0)?;
    let size = usize::try_from(lists.value_length()).ok()?;
    let has_null = |row: &usize| {
        let start = lists.value_offset(*row) as usize;
        lists.is_valid(*row) && (start..start + size).any(|place| nulls.is_null(place))
    };
    (0..lists.len()).find(has_null)
}

fn of_type(column: &ArrayRef, attribute: &Attribute) -> Result<ArrayRef> {
    let expected = attribute.attribute_type.arrow_type();
    if *column.data_type() == expected {
        return Ok(column.clone());
    }
    let wrong = |found: String| FormatError::WrongType {
        name: attribute.name.clone(),
        found,
        expected: attribute.attribute_type.to_string(),
    };
    let column = match &expected {
        DataType::FixedSizeList(_, n) => flattened(column, *n),
        DataType::Struct(fields) if attribute.attribute_type == AttributeType::File => {
            with_file_fields(column, fields).unwrap_or_else(|| column.clone())
        }
        _ => column.clone(),
    };
    if !arrow_cast::can_cast_types(column.data_type(), &expected) {
        return Err(wrong(column.data_type().to_string()));
    }
    let cast = arrow_cast::cast(&column, &expected)
        .map_err(|error| wrong(format!("{} ({error})", column.data_type())))?;
    // A cast that turns values into nulls has lost them.
    if cast.logical_null_count() > column.logical_null_count() {
        return Err(wrong(format!("values of {} that do not fit", column.data_type())));
    }
    Ok(cast)
}

/// A struct of only `bytes` and `path`, as others have files, with the other fields too, which are null; `None` of one that
/// has no `bytes`, or fields that a file has not.
fn with_file_fields(column: &ArrayRef, fields: &Fields) -> Option<ArrayRef> {
    let files = column.as_struct_opt()?;
    files.column_by_name("bytes")?;
    let is_known = |name: &&str| fields.find(name).is_some();
    if !files.column_names().iter().all(is_known) {
        return None;
    }
    let filled = fields.iter().map(|field| match files.column_by_name(field.name()) {
        Some(column) => column.clone(),
        None => new_null_array(field.data_type(), files.len()),
    });
    let columns: Vec<ArrayRef> = filled.collect();
    let own = fields
        .iter()
        .zip(&columns)
        .map(|(field, column)| Field::new(field.name(), column.data_type().clone(), true));
    let files = StructArray::try_new(own.collect(), columns, files.nulls().cloned()).ok()?;
    Some(Arc::new(files))
}

/// Fixed-size lists within fixed-size lists, as polars has them, made one of `n` elements.
fn flattened(column: &ArrayRef, n: i32) -> ArrayRef {
    let DataType::FixedSizeList(_, outer) = column.data_type() else { return column.clone() };
    let list = column.as_fixed_size_list();
    let DataType::FixedSizeList(item, inner) = list.values().data_type() else {
        return column.clone();
    };
    let Some(size) = outer.checked_mul(*inner) else { return column.clone() };
    let values = list.values().as_fixed_size_list();
    if values.null_count() > 0 {
        return column.clone();
    }
    let joined = FixedSizeListArray::try_new(
        item.clone(),
        size,
        values.values().clone(),
        list.nulls().cloned(),
    );
    match joined {
        Ok(joined) if size < n => flattened(&(Arc::new(joined) as ArrayRef), n),
        Ok(joined) => Arc::new(joined),
        Err(_) => column.clone(),
    }
}
