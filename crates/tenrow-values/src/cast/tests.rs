use std::sync::Arc;

use arrow_array::types::{Float32Type, Float64Type, Int8Type, Int32Type, Int64Type, UInt8Type};
use arrow_array::{Decimal128Array, Float64Array, Int64Array, StringArray};
use arrow_buffer::OffsetBuffer;
use arrow_schema::Field;

use super::*;

fn attributes(texts: &[&str]) -> Vec<Attribute> {
    texts.iter().map(|text| Attribute::parse(text).unwrap()).collect()
}

fn cast(from: &str, column: ArrayRef, to: &str, mode: CastMode) -> Result<ArrayRef> {
    let from = attributes(&[from]);
    let rows = column.len();
    let batch = batch_of(&from, vec![column], rows).unwrap();
    let to = Schema::new(attributes(&[to])).unwrap();
    Ok(cast_batch(&batch, &from, &to, mode, 100, "s.csv")?.column(0).clone())
}

fn ints(values: Vec<Option<i64>>) -> ArrayRef {
    Arc::new(Int64Array::from(values))
}

fn list(rows: Vec<Option<Vec<Option<i64>>>>) -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>(rows))
}

#[test]
fn a_value_that_does_not_fit_is_named_with_source_row_and_attribute() {
    let error = cast("x:i64", ints(vec![Some(1), Some(300)]), "x:i8", CastMode::Safe);
    assert_eq!(
        error.unwrap_err().to_string(),
        "s.csv: row 101: attribute \"x\": 300 does not fit i8"
    );
    let floats = Arc::new(Float64Array::from(vec![1.5]));
    let error = cast("x:f64", floats, "x:i64", CastMode::Safe).unwrap_err().to_string();
    assert!(error.contains("1.5 does not fit i64"), "{error}");
    let cast = cast("x:i64", ints(vec![Some(300)]), "x:i8", CastMode::Lossy).unwrap();
    assert_eq!(cast.as_primitive::<Int8Type>().value(0), 127);
}

#[test]
fn decimals_are_the_nearest_floats() {
    let decimals = Decimal128Array::from(vec![440_169_807_283_261_827, -50]);
    let decimals: ArrayRef = Arc::new(decimals.with_precision_and_scale(18, 2).unwrap());
    for mode in [CastMode::Round, CastMode::Lossy] {
        let floats = cast("x:decimal128(18,2)", decimals.clone(), "x:f64", mode).unwrap();
        assert_eq!(floats.as_primitive::<Float64Type>().values(), &[4_401_698_072_832_618.5, -0.5]);
    }
}

#[test]
fn other_types_are_refused_unless_a_cast_is_asked_for() {
    let error =
        cast("x:i64", ints(vec![Some(1)]), "x:i8", CastMode::Refuse).unwrap_err().to_string();
    assert!(error.contains("found i64, expected i8; --cast"), "{error}");
    assert!(cast("x:i64", ints(vec![Some(1)]), "x:file", CastMode::Lossy).is_err());
}

#[test]
fn nulls_stay_null_and_are_refused_where_there_are_none() {
    let kept = cast("x:i64?", ints(vec![None, Some(2)]), "x:u8?", CastMode::Safe).unwrap();
    assert_eq!(kept.as_primitive::<UInt8Type>().iter().collect::<Vec<_>>(), [None, Some(2)]);
    let error = cast("x:i64?", ints(vec![Some(2), None]), "x:i64", CastMode::Safe).unwrap_err();
    assert!(error.to_string().contains("row 101") && error.to_string().contains("null"));
}

#[test]
fn tensors_are_cast_element_by_element() {
    let rows = vec![Some(vec![Some(1), Some(2)]), None, Some(vec![Some(3), Some(4)])];
    let tensors = cast("x:list<i64?>?", list(rows), "x:i32[2,1]?", CastMode::Safe).unwrap_err();
    assert!(tensors.to_string().contains("nested"), "{tensors}");
    let rows = vec![Some(vec![Some(1), Some(2)]), None, Some(vec![Some(3), Some(4)])];
    let tensors = cast("x:list<i64?>?", list(rows), "x:i32[2]?", CastMode::Safe).unwrap();
    assert_eq!((tensors.len(), tensors.is_null(1)), (3, true));
    let values = elements(&tensors);
    assert_eq!(values.as_primitive::<Int32Type>().values()[4..], [3, 4]);
    let floats = cast("x:i32[2]?", tensors.slice(1, 2), "x:f32[2]?", CastMode::Safe).unwrap();
    assert_eq!(elements(&floats).as_primitive::<Float32Type>().values()[2..], [3., 4.]);
    assert!(cast("x:i32[2]?", tensors, "x:f32[1,2]?", CastMode::Lossy).is_err());
}

#[test]
fn lists_of_another_length_or_with_nulls_are_no_tensors() {
    for (row, reason) in [
        (Some(vec![Some(1)]), "row 101: attribute \"x\": a list of 1 where i64[2] has 2"),
        (Some(vec![Some(1), None]), "row 101: attribute \"x\": a null within"),
    ] {
        let rows = vec![Some(vec![Some(1), Some(2)]), row];
        let error = cast("x:list<i64?>", list(rows), "x:i64[2]", CastMode::Lossy).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn text_is_cast_if_it_says_the_same() {
    let texts = |text: &str| Arc::new(StringArray::from(vec!["1", text])) as ArrayRef;
    let cast_text = |text, mode| cast("x:string", texts(text), "x:i64", mode);
    let cast = cast_text("42", CastMode::Safe).unwrap();
    assert_eq!(cast.as_primitive::<Int64Type>().values(), &[1, 42]);
    let error = cast_text("4x", CastMode::Lossy).unwrap_err().to_string();
    assert!(error.contains("row 101") && error.contains("\"4x\" does not fit i64"), "{error}");
    assert!(cast_text("007", CastMode::Safe).is_err());
    assert!(cast_text("007", CastMode::Lossy).is_ok());
}

#[test]
fn columns_are_matched_by_name() {
    let from = attributes(&["b:i64", "a:i64"]);
    let columns = vec![ints(vec![Some(1)]), ints(vec![Some(2)])];
    let batch = batch_of(&from, columns, 1).unwrap();
    let schema = |texts: &[&str]| Schema::new(attributes(texts)).unwrap();
    let cast = |to: &Schema| cast_batch(&batch, &from, to, CastMode::Refuse, 0, "s");
    let cast_batch = cast(&schema(&["a:i64", "c:string?", "b:i64"])).unwrap();
    assert_eq!(cast_batch.column(0).as_primitive::<Int64Type>().value(0), 2);
    assert_eq!(cast_batch.column(1).null_count(), 1);
    let missing = cast(&schema(&["a:i64", "b:i64", "c:i64"])).unwrap_err().to_string();
    assert!(missing.contains("attribute \"c\": missing"), "{missing}");
    let unknown = cast(&schema(&["a:i64"])).unwrap_err().to_string();
    assert!(unknown.contains("attribute \"b\": not an attribute"), "{unknown}");
}

/// A null row of a tensor of two dimensions was taken for a tensor with a null in it: our own JSON Lines were refused.
#[test]
fn lists_of_lists_are_tensors_whose_rows_may_be_null() {
    let inner = list(vec![Some(vec![Some(1), Some(2)]), Some(vec![Some(3), Some(4)])]);
    let item = Arc::new(Field::new_list_field(inner.data_type().clone(), true));
    let offsets = OffsetBuffer::new(vec![0, 0, 2, 2].into());
    let nulls = Some(vec![false, true, false].into());
    let rows: ArrayRef = Arc::new(ListArray::new(item, offsets, inner, nulls));
    let tensors = cast("x:list<list<i64?>?>?", rows, "x:i64[2,2]?", CastMode::Safe).unwrap();
    assert_eq!(tensors.null_count(), 2);
    let values = tensors.as_fixed_size_list().value(1);
    assert_eq!(values.as_primitive::<Int64Type>().values()[..], [1, 2, 3, 4]);
}
