use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int32Type, Int64Type};
use arrow_array::{Array, NullArray};
use ndarray::{Array1, Array2, Array3, array};

use super::*;
use crate::error::ErrorKind;
use crate::format::{Attribute, Schema};
use crate::write::check_batch;

/// The column that these columns make of an attribute, as it is written.
fn written(attribute: &str, columns: Columns) -> Result<ArrayRef> {
    let schema = Schema::new([Attribute::parse(attribute).unwrap()]).unwrap();
    check_batch(&columns.into_batch()?, &schema).map(|mut columns| columns.remove(0))
}

/// What is said of columns that make no batch, or no rows of the attribute.
fn refused(attribute: &str, columns: Columns) -> String {
    let error = written(attribute, columns).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    error.chain()
}

fn columns() -> Columns {
    Columns::new()
}

#[test]
fn slices_vectors_and_iterators_of_values_references_and_options_are_the_same_rows() {
    let (plain, some, array) = ([1i32, 2], [Some(1i32), Some(2)], Array1::from(vec![1i32, 2]));
    let whole = [
        columns().scalars("x", plain),
        columns().scalars("x", plain.as_slice()),
        columns().scalars("x", vec![1i32, 2]),
        columns().scalars("x", (1..3i32).map(Some)),
        columns().scalars("x", some.as_slice()),
        columns().scalars("x", [Some(&1i32), Some(&2)]),
        columns().scalars("x", &array),
    ];
    for columns in whole {
        let column = written("x:i32", columns).unwrap();
        assert_eq!(column.as_primitive::<Int32Type>().values(), &[1, 2]);
        assert!(column.nulls().is_none());
    }
    let owned = [String::from("a"), String::from("b")];
    let some = owned.clone().map(Some);
    let texts = [
        columns().strings("x", ["a", "b"]),
        columns().strings("x", &["a", "b"]),
        columns().strings("x", &owned),
        columns().strings("x", some.clone()),
        columns().strings("x", &some),
    ];
    for columns in texts {
        let column = written("x:string", columns).unwrap();
        assert_eq!(column.as_string::<i32>().iter().collect::<Vec<_>>(), [Some("a"), Some("b")]);
    }
}

#[test]
fn every_kind_takes_nulls_and_no_rows_at_all() {
    let none: Option<Array2<f32>> = None;
    let nulls = [
        ("x:bool?", columns().scalars("x", [Some(true), None])),
        ("x:bf16?", columns().scalars("x", [Some(half::bf16::ONE), None])),
        ("x:string?", columns().strings("x", [Some("a"), None])),
        ("x:binary?", columns().binary("x", [Some(b"a"), None])),
        ("x:fixed_binary(2)?", columns().fixed_binary("x", 2, [Some(b"ab"), None])),
        ("x:timestamp(us,UTC)?", columns().numbers_as("x", "timestamp(us,UTC)", [Some(1), None])),
        ("x:f32[2,1]?", columns().tensor_rows("x", [Some(array![[1f32], [2.]]), None])),
        ("x:f32[2,1]?", columns().tensor_rows("x", [none.clone(), None])),
        ("x:f32[?,2]?", columns().variable_tensors("x", [Some(array![[1f32, 2.]]), None])),
        ("x:f32[?,2]?", columns().variable_tensors("x", [none.clone(), None])),
        ("x:list<i64>?", columns().lists("x", [Some(vec![1i64]), None])),
        ("x:map<string,i64?>?", columns().maps("x", [Some(vec![("a", Some(1i64))]), None])),
        ("x:file?", columns().files("x", [Some(FileValue::new("a", "b")), None])),
        (
            "x:struct<a:i64?>?",
            columns().nullable_structs("x", [true, false], columns().scalars("a", [1i64, 2])),
        ),
    ];
    for (attribute, columns) in nulls {
        let column = written(attribute, columns).unwrap();
        assert_eq!((column.len(), column.is_null(1)), (2, true), "{attribute}");
    }
    let empty = [
        ("x:i64", columns().scalars("x", [0i64; 0])),
        ("x:string", columns().strings("x", [""; 0])),
        ("x:f32[2]", columns().tensors("x", Array2::<f32>::zeros((0, 2)))),
        ("x:f32[2]", columns().tensor_rows("x", none.clone())),
        ("x:f32[?,2]", columns().variable_tensors("x", none)),
        ("x:list<i64>", columns().lists("x", [[0i64; 0]; 0])),
    ];
    for (attribute, columns) in empty {
        assert_eq!(written(attribute, columns).unwrap().len(), 0, "{attribute}");
    }
}

#[test]
fn tensors_of_one_array_and_of_an_array_a_row_are_the_same_column() {
    let all = Array3::<f32>::from_shape_fn((3, 2, 2), |(a, b, c)| (a * 4 + b * 2 + c) as f32);
    let rows: Vec<_> = all.outer_iter().collect();
    let tensor = Tensor::from(&all);
    let columns = [
        columns().tensors("x", &all),
        columns().tensors("x", tensor),
        columns().tensor_rows("x", &rows),
        columns().tensor_rows("x", all.outer_iter().map(Some)),
    ];
    for columns in columns {
        let column = written("x:f32[2,2]", columns).unwrap();
        let values = column.as_fixed_size_list().values().as_primitive::<Float32Type>().clone();
        assert_eq!(values.values().as_ref(), all.as_slice().unwrap());
    }
}

#[test]
fn booleans_are_scalars_and_elements_of_tensors() {
    let column = written("x:bool", columns().scalars("x", [true, false])).unwrap();
    assert_eq!(column.as_boolean().iter().collect::<Vec<_>>(), [Some(true), Some(false)]);
    let bits = array![[true, false, true], [false, false, true]];
    let column = written("x:bool[3]", columns().tensors("x", &bits)).unwrap();
    let values = column.as_fixed_size_list().values().as_boolean().clone();
    assert!(values.iter().flatten().eq(bits.iter().copied()));
}

#[test]
fn lists_and_maps_hold_nulls_and_texts() {
    let rows = [vec![Some("a"), None], vec![]];
    let column = written("x:list<string?>", columns().lists("x", &rows)).unwrap();
    assert_eq!(column.as_list::<i32>().value(0).null_count(), 1);
    let pairs = BTreeMap::from([("w", 640i64), ("h", 480)]);
    let rows = [pairs.into_iter().collect::<Vec<_>>(), Vec::new()];
    let column = written("x:map<string,i64>", columns().maps("x", rows)).unwrap();
    let entries = column.as_map().value(0);
    assert_eq!(entries.column(1).as_primitive::<Int64Type>().values(), &[480, 640]);
}

#[test]
fn no_step_fails_and_the_batch_names_the_attribute_and_what_to_do() {
    let ragged = [array![[1f32], [2.]], array![[1f32]]];
    let (two, other) = (Tensor::from(array![1i64]), Tensor::from(array![1i32]));
    let cases = [
        (columns().tensors("x", ndarray::arr0(1f32)), "has no rows"),
        (
            columns().tensor_rows("x", &ragged),
            "row 1 has shape [1, 1], expected [2, 1] as in row 0: rows whose shapes differ are for `variable_tensors`",
        ),
        (columns().tensor_rows("x", [&two, &other]), "row 1 has elements of i32, others of i64"),
        (
            columns().variable_tensors("x", [array![1i64].into_dyn(), array![[1i64]].into_dyn()]),
            "row 1 has shape [1, 1], expected 1 dimensions as in row 0",
        ),
        (
            columns().fixed_binary("x", 2, ["ab", "c"].map(str::as_bytes)),
            "row 1 has 1 bytes, expected 2 in each row",
        ),
        (columns().numbers_as("x", "timestamp(xs)", [1]), "xs"),
        (columns().numbers_as("x", "string", [1]), "found string"),
        (
            columns().numbers_as("x", "date32", [0, 1i64 << 31]),
            "row 1: 2147483648 does not fit date32",
        ),
        (
            columns().numbers_as("x", "decimal32(3,1)", [-1000]),
            "row 0: -1000 does not fit decimal32(3,1)",
        ),
        (columns().maps("x", [[(None::<&str>, 1i64)]]), "a key is null"),
        (columns().structs("x", columns()), "at least one field"),
        (
            columns().structs("x", columns().scalars("a", [1]).scalars("b", [1, 2])),
            r#"field "a" has 1 rows, but "b" has 2"#,
        ),
        (
            columns().nullable_structs("x", [true], columns().scalars("a", [1, 2])),
            "1 rows are said to be there or not",
        ),
        (columns().scalars("x", [1]).scalars("x", [1]), "is given twice: give it once"),
        (columns().scalars("x", [1]).strings("y", ["a", "b"]), r#"has 1 rows, but "y" has 2"#),
    ];
    for (columns, expected) in cases {
        let error = columns.into_batch().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        let text = error.to_string();
        assert!(text.starts_with(r#"attribute "x""#) && text.contains(expected), "{text}");
    }
    assert!(columns().into_batch().unwrap_err().to_string().contains("without columns"));
}

#[test]
fn more_text_than_one_array_holds_is_refused_before_it_is_copied() {
    let large = "x".repeat(1 << 20);
    let rows = std::iter::repeat_n(large.as_str(), 2048);
    let text = columns().strings("x", rows.clone()).into_batch().unwrap_err().to_string();
    assert!(text.contains("over 2 GiB"), "{text}");
    let text = columns().binary("x", rows.map(str::as_bytes)).into_batch().unwrap_err();
    assert!(text.to_string().contains("over 2 GiB"), "{text}");
    let file = FileValue::new("x", large.into_bytes());
    let text = columns().files("x", std::iter::repeat_n(&file, 2048)).into_batch().unwrap_err();
    assert!(text.to_string().contains("over 2 GiB"), "{text}");
}

#[test]
fn a_batch_is_held_against_the_schema_and_the_attribute_is_named() {
    let twice = [("x", 1i64), ("x", 2)];
    let twice = twice.map(|(name, value)| {
        (name, Arc::new(arrow_array::Int64Array::from(vec![value])) as ArrayRef)
    });
    let batch = RecordBatch::try_from_iter(twice).unwrap();
    let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
    let error = check_batch(&batch, &schema).unwrap_err();
    assert_eq!(error.to_string(), r#"the batch has attribute "x" twice: give it once"#);

    let cases = [
        ("x:i64", columns().scalars("x", [1i32]), r#""x": found i32, expected i64"#),
        ("x:i64", columns().scalars("x", [Some(1i64), None]), r#""x": row 1 is null"#),
        ("x:i64", columns().array("x", Arc::new(NullArray::new(2))), r#""x": row 0 is null"#),
        ("x:timestamp(us)", columns().scalars("x", [1i64]), r#""x": found i64"#),
        ("x:i64", columns().scalars("y", [1i64]), r#""y" that the dataset lacks"#),
        ("x:f32[2]", columns().variable_tensors("x", [array![1f32, 2.]]), r#""x": found"#),
    ];
    for (attribute, columns, expected) in cases {
        let text = refused(attribute, columns);
        assert!(text.contains(expected), "{text}");
    }
}
