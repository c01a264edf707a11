//! Tables in memory, and their answers as text.

use std::sync::Arc;

use arrow_array::types::Float16Type;
use arrow_array::{
    ArrayRef, FixedSizeBinaryArray, FixedSizeListArray, Float64Array, Int32Array, Int64Array,
    ListArray, RecordBatch, StructArray, cast::AsArray,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{DataType, Field, Schema};
use datafusion::datasource::MemTable;
use datafusion::prelude::{SessionConfig, SessionContext};
use half::bf16;
use tenrow::{Attribute, AttributeType, DType};

/// The rows of a tensor attribute: elements and dimensions, or null.
pub(super) type Rows<'a> = &'a [Option<(&'a [f64], &'a [i32])>];

/// Elements of `dtype`, from numbers that it holds.
pub(super) fn elements(dtype: DType, numbers: &[f64]) -> ArrayRef {
    let wide: ArrayRef = Arc::new(Float64Array::from(numbers.to_vec()));
    match dtype {
        DType::Bf16 => {
            let bytes: Vec<u8> =
                numbers.iter().flat_map(|&n| bf16::from_f64(n).to_le_bytes()).collect();
            Arc::new(FixedSizeBinaryArray::new(2, Buffer::from_vec(bytes), None))
        }
        _ => arrow_cast::cast(&wide, &dtype.arrow_type()).unwrap(),
    }
}

/// The column `name:type` that holds these rows.
pub(super) fn column(text: &str, rows: Rows<'_>) -> (Field, ArrayRef) {
    let attribute = Attribute::parse(text).unwrap().with_nullable(true);
    let dtype = attribute.attribute_type.dtype().unwrap();
    let nulls = NullBuffer::from_iter(rows.iter().map(|row| row.is_some()));
    let field = attribute.arrow_field();
    let filler = match field.data_type() {
        DataType::FixedSizeList(_, n) => vec![99.0; *n as usize],
        _ => Vec::new(),
    };
    let numbers = |row: &Option<(&[f64], &[i32])>| row.map_or(filler.clone(), |(n, _)| n.to_vec());
    let rows_of: Vec<Vec<f64>> = rows.iter().map(numbers).collect();
    let values = elements(dtype, &rows_of.concat());
    let offsets = OffsetBuffer::from_lengths(rows_of.iter().map(Vec::len));
    let array: ArrayRef = match field.data_type() {
        DataType::FixedSizeList(item, n) => {
            Arc::new(FixedSizeListArray::new(item.clone(), *n, values, Some(nulls)))
        }
        DataType::List(item) => {
            Arc::new(ListArray::new(item.clone(), offsets, values, Some(nulls)))
        }
        DataType::Struct(fields) => {
            let AttributeType::VariableTensor { shape, .. } = &attribute.attribute_type else {
                panic!("{text}")
            };
            let none = vec![0; shape.rank()];
            let dims = rows.iter().flat_map(|row| row.map_or(none.clone(), |(_, d)| d.to_vec()));
            let dims = Arc::new(Int32Array::from_iter_values(dims));
            let item = match fields[0].data_type() {
                DataType::List(item) => item.clone(),
                other => panic!("{other}"),
            };
            let dim = match fields[1].data_type() {
                DataType::FixedSizeList(dim, _) => dim.clone(),
                other => panic!("{other}"),
            };
            let rank = shape.rank() as i32;
            let columns: Vec<ArrayRef> = vec![
                Arc::new(ListArray::new(item, offsets, values, None)),
                Arc::new(FixedSizeListArray::new(dim, rank, dims, Some(nulls.clone()))),
            ];
            Arc::new(StructArray::new(fields.clone(), columns, Some(nulls)))
        }
        other => panic!("{other}"),
    };
    (field, array)
}

/// A session with the functions and one table, `t`, in batches of one row and of all others.
pub(super) fn context(columns: Vec<(Field, ArrayRef)>) -> SessionContext {
    let (fields, arrays): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
    let schema = Arc::new(Schema::new(fields));
    let batch = RecordBatch::try_new(schema.clone(), arrays).unwrap();
    let parts = vec![batch.slice(0, 1), batch.slice(1, batch.num_rows() - 1)];
    let config = SessionConfig::new().with_information_schema(true).with_target_partitions(1);
    let context = SessionContext::new_with_config(config);
    crate::functions::register(&context);
    let table = MemTable::try_new(schema, vec![parts]).unwrap();
    context.register_table("t", Arc::new(table)).unwrap();
    context
}

/// A session with a table of tensors of several types; the second of three rows is null.
pub(super) fn tensors() -> SessionContext {
    let id = Arc::new(Int64Array::from(vec![0, 1, 2]));
    context(vec![
        (Field::new("id", DataType::Int64, false), id),
        column(
            "image:u8[2,3]",
            &[
                Some((&[1., 2., 3., 4., 5., 6.], &[])),
                None,
                Some((&[0., 0., 0., 255., 7., 9.], &[])),
            ],
        ),
        column(
            "v:f32[4]",
            &[Some((&[0.1, -0.2, 0.3, 0.4], &[])), None, Some((&[0., 0., 0., 0.], &[]))],
        ),
        column(
            "boxes:f32[?,2]",
            &[Some((&[1., 2., 3., 4., 5., 6.], &[3, 2])), None, Some((&[], &[0, 2]))],
        ),
        column("empty:u8[0,3]", &[Some((&[], &[])), None, Some((&[], &[]))]),
        column("point:i16[]", &[Some((&[-7.], &[])), None, Some((&[8.], &[]))]),
    ])
}

/// The rows of an answer, columns joined by `|`.
pub(super) fn rows(context: &SessionContext, sql: &str) -> Vec<String> {
    rows_or_error(context, sql).unwrap_or_else(|e| panic!("{sql}: {e}"))
}

/// The only value of an answer.
pub(super) fn one(context: &SessionContext, sql: &str) -> String {
    let rows = rows(context, sql);
    assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
    rows.concat()
}

/// The error that a query gives.
pub(super) fn error(context: &SessionContext, sql: &str) -> String {
    match rows_or_error(context, sql) {
        Ok(rows) => panic!("{sql} gives {rows:?}"),
        Err(error) => error,
    }
}

fn rows_or_error(context: &SessionContext, sql: &str) -> Result<Vec<String>, String> {
    let batches = batches(context, sql)?;
    let options = FormatOptions::default().with_null("NULL");
    let mut rows = Vec::new();
    for batch in &batches {
        let columns: Vec<_> = batch.columns().iter().map(readable).collect();
        let columns: Vec<_> = columns
            .iter()
            .map(|c| ArrayFormatter::try_new(c.as_ref(), &options).unwrap())
            .collect();
        rows.extend((0..batch.num_rows()).map(|row| {
            let values: Vec<_> = columns.iter().map(|c| c.value(row).to_string()).collect();
            values.join("|")
        }));
    }
    Ok(rows)
}

/// What the query gives, on a thread of its own runtime.
pub(super) fn batches(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let frame = context.sql(sql).await.map_err(|e| e.to_string())?;
        frame.collect().await.map_err(|e| e.to_string())
    })
}

/// f16 as f32: the formatter of Arrow knows f16, whose digits are those of f32.
fn readable(column: &ArrayRef) -> ArrayRef {
    match column.as_primitive_opt::<Float16Type>() {
        Some(_) => arrow_cast::cast(column, &DataType::Float32).unwrap(),
        None => column.clone(),
    }
}
