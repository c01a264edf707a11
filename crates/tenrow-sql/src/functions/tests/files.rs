use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BinaryArray, Int64Array, StringArray, StructArray};
use arrow_buffer::NullBuffer;
use arrow_schema::{Field, Fields};
use datafusion::prelude::SessionContext;
use tenrow::Attribute;

use super::fixture::{context, error, rows};

/// Files: in the row, outside it, null, without details.
fn files() -> SessionContext {
    let field = Attribute::parse("photo:file?").unwrap().arrow_field();
    let fields = tenrow::engine::file_fields();
    let texts = |texts: [Option<&str>; 4]| Arc::new(StringArray::from(texts.to_vec())) as ArrayRef;
    let bytes: [Option<&[u8]>; 4] = [Some(b"hello"), None, None, Some(b"")];
    let columns: Vec<ArrayRef> = vec![
        Arc::new(BinaryArray::from(bytes.to_vec())),
        texts([None, Some("files/ab/abcd"), None, None]),
        texts([Some("a.txt"), Some("b.png"), None, None]),
        texts([Some("text/plain"), Some("image/png"), None, None]),
        Arc::new(Int64Array::from(vec![Some(5), Some(5_000_000_000), None, None])),
        texts([None; 4]),
    ];
    let nulls = NullBuffer::from(vec![true, true, false, true]);
    let array: ArrayRef = Arc::new(StructArray::new(fields, columns, Some(nulls)));
    context(vec![(field, array)])
}

#[test]
fn size_and_type_come_from_the_details() {
    let sql = "SELECT file_size(photo), file_type(photo) FROM t";
    let expected = ["5|text/plain", "5000000000|image/png", "NULL|NULL", "0|NULL"];
    assert_eq!(rows(&files(), sql), expected);
}

#[test]
fn bytes_are_those_in_the_row() {
    let t = files();
    let sql = "SELECT file_bytes(photo) FROM t WHERE file_size(photo) < 10 OR photo IS NULL";
    assert_eq!(rows(&t, sql), ["68656c6c6f", "NULL", ""]);
    let found = error(&t, "SELECT file_bytes(photo) FROM t");
    assert!(
        found.contains(
            "file_bytes: the bytes of \"files/ab/abcd\" are outside its row and were not fetched"
        ),
        "{found}"
    );
}

#[test]
fn a_struct_of_bytes_and_path_is_a_file() {
    let fields = Fields::from(tenrow::engine::file_fields()[..2].to_vec());
    let columns: Vec<ArrayRef> = vec![
        Arc::new(BinaryArray::from(vec![Some(&b"abc"[..]), None])),
        Arc::new(StringArray::from(vec![Some("x.png"), Some("y.png")])),
    ];
    let array: ArrayRef = Arc::new(StructArray::new(fields.clone(), columns, None));
    let field = Field::new("photo", array.data_type().clone(), true);
    let t = context(vec![(field, array)]);
    assert_eq!(
        rows(&t, "SELECT file_size(photo), file_type(photo) FROM t"),
        ["3|NULL", "NULL|NULL"]
    );
}

#[test]
fn what_is_no_file_is_refused_by_its_type() {
    let found = error(&files(), "SELECT file_size('x')");
    assert!(
        found.contains("file_size: string is no file; a file is a struct with bytes and path"),
        "{found}"
    );
}
