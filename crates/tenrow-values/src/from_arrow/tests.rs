use std::collections::HashMap;

use arrow_array::builder::{FixedSizeListBuilder, Int32Builder};
use arrow_array::types::{Int8Type, Int32Type};
use arrow_array::{BinaryArray, DictionaryArray, Int32Array, LargeStringArray, NullArray};

use arrow_array::{StringArray, StructArray};

use super::*;

fn fixed(inner: DataType, n: i32) -> DataType {
    DataType::FixedSizeList(Arc::new(Field::new("element", inner, true)), n)
}

fn type_text(data_type: DataType) -> String {
    attribute_of(&Field::new("x", data_type, false)).unwrap().type_text()
}

fn extension(data_type: DataType, name: &str, parameters: &str) -> Field {
    Field::new("x", data_type, false).with_metadata(HashMap::from([
        (EXTENSION_NAME.to_owned(), name.to_owned()),
        (EXTENSION_METADATA.to_owned(), parameters.to_owned()),
    ]))
}

fn tensor_field(parameters: &str) -> Result<Attribute> {
    let field = extension(fixed(DataType::Float32, 6), "arrow.fixed_shape_tensor", parameters);
    attribute_of(&field)
}

#[test]
fn types_of_others_become_attributes() {
    let bytes_and_path = DataType::Struct(Fields::from(vec![
        Field::new("bytes", DataType::LargeBinary, true),
        Field::new("path", DataType::Utf8, true),
    ]));
    let list = |inner| DataType::List(Arc::new(Field::new("element", inner, true)));
    for (data_type, expected) in [
        (DataType::Int64, "i64"),
        (DataType::LargeUtf8, "string"),
        (DataType::Null, "string?"),
        (DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8)), "string"),
        (fixed(DataType::UInt8, 3), "u8[3]"),
        (fixed(fixed(DataType::UInt8, 3), 2), "u8[2,3]"),
        (fixed(DataType::UInt8, 0), "u8[0]"),
        (fixed(DataType::Utf8, 3), "list<string?>"),
        (list(fixed(DataType::Int8, 2)), "list<list<i8?>?>"),
        (bytes_and_path, "file"),
        (DataType::Struct(file_fields()), "file"),
    ] {
        assert_eq!(type_text(data_type), expected);
    }
}

#[test]
fn the_tensor_extension_gives_shape_and_names() {
    let tensor =
        tensor_field(r#"{"shape":[2,3],"dim_names":["h","w"],"permutation":[0,1]}"#).unwrap();
    assert_eq!((tensor.type_text().as_str(), tensor.dim_names.len()), ("f32[2,3]", 2));
}

#[test]
fn a_tensor_extension_that_contradicts_its_storage_is_refused() {
    for (parameters, reason) in [
        (r#"{"shape":[2,4]}"#, "differs from its storage"),
        (r#"{"shape":[2,-3]}"#, "without a shape"),
        (r#"{"shape":[2,3],"permutation":[1,0]}"#, "permuted"),
        (r#"{"shape":[9223372036854775807,9223372036854775807]}"#, "elements"),
        ("{", "JSON"),
    ] {
        let error = tensor_field(parameters).unwrap_err().to_string();
        assert!(error.starts_with("column \"x\"") && error.contains(reason), "{error}");
    }
}

#[test]
fn every_attribute_is_found_again_by_its_own_field() {
    for text in ["x:bf16[2]", "x:u8[]", "x:f32[0,3]", "x:f32[?,5]?", "x:file", "x:map<string,i64?>"]
    {
        let attribute = Attribute::parse(text).unwrap();
        let found = attribute_of(&attribute.arrow_field()).unwrap();
        assert_eq!(found.type_text(), attribute.type_text());
    }
}

#[test]
fn type_text_that_no_longer_fits_the_column_is_not_believed() {
    let field = Field::new("x", DataType::Int64, false)
        .with_metadata(HashMap::from([(TYPE_KEY.to_owned(), "u8[2]".to_owned())]));
    assert_eq!(attribute_of(&field).unwrap().type_text(), "i64");
}

fn conformed(column: ArrayRef) -> Result<ArrayRef> {
    let attribute = attribute_of(&Field::new("x", column.data_type().clone(), true)).unwrap();
    let result = conform(&column, &attribute)?;
    assert_eq!(*result.data_type(), attribute.attribute_type.arrow_type());
    Ok(result)
}

#[test]
fn storage_is_brought_to_its_normal_form() {
    let large: ArrayRef = Arc::new(LargeStringArray::from(vec![Some("a"), None]));
    assert_eq!(conformed(large).unwrap().as_string::<i32>().value(0), "a");
    let dictionary: DictionaryArray<Int8Type> = vec!["x", "y", "x"].into_iter().collect();
    assert_eq!(conformed(Arc::new(dictionary)).unwrap().as_string::<i32>().value(2), "x");
    assert_eq!(conformed(Arc::new(NullArray::new(3))).unwrap().null_count(), 3);
}

#[test]
fn nested_arrays_are_flattened() {
    let item = Arc::new(Field::new("element", DataType::Int32, false));
    let inner =
        FixedSizeListArray::new(item, 2, Arc::new(Int32Array::from_iter_values(0..8)), None);
    let item = Arc::new(Field::new("element", inner.data_type().clone(), false));
    let outer: ArrayRef = Arc::new(FixedSizeListArray::new(item, 2, Arc::new(inner), None));
    let flat = conformed(outer.slice(1, 1)).unwrap();
    let values = flat.as_fixed_size_list().values();
    assert_eq!(values.as_primitive::<Int32Type>().values(), &[4, 5, 6, 7]);
}

#[test]
fn a_null_row_is_kept_and_a_null_within_a_tensor_is_refused() {
    let mut builder = FixedSizeListBuilder::new(Int32Builder::new(), 1);
    builder.values().append_null();
    builder.append(false);
    builder.values().append_value(7);
    builder.append(true);
    let column: ArrayRef = Arc::new(builder.finish());
    let kept = conformed(column).unwrap();
    assert_eq!((kept.null_count(), kept.as_fixed_size_list().values().null_count()), (1, 0));

    builder.values().append_value(7);
    builder.append(true);
    builder.values().append_null();
    builder.append(true);
    let error = conformed(Arc::new(builder.finish())).unwrap_err().to_string();
    assert!(error.contains("row 1") && error.contains("null"), "{error}");
}

#[test]
fn files_of_others_get_name_and_media_type() {
    let fields = Fields::from(vec![
        Field::new("bytes", DataType::Binary, true),
        Field::new("path", DataType::Utf8, true),
    ]);
    let file = |bytes: Option<&[u8]>| -> ArrayRef {
        let bytes = Arc::new(BinaryArray::from(vec![bytes]));
        let path = Arc::new(StringArray::from(vec!["cat.gif"]));
        Arc::new(StructArray::new(fields.clone(), vec![bytes, path], None))
    };
    let files = conformed(file(Some(b"GIF89a\x01\0\x01\0"))).unwrap();
    let text = |name| files.as_struct().column_by_name(name).unwrap().as_string::<i32>().clone();
    assert_eq!(text("name").value(0), "cat.gif");
    assert_eq!(text("media_type").value(0), "image/gif");
    assert!(text("path").is_null(0));
    assert!(conformed(file(None)).unwrap_err().to_string().contains("without bytes"));
}
