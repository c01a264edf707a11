use super::fixture::{batches, column, context, error, one, rows, tensors};
use crate::functions::tensor_type::TensorType;

/// The tensor type of the only column of an answer.
fn type_of(sql: &str) -> String {
    let batches = batches(&tensors(), sql).unwrap();
    let schema = batches[0].schema();
    TensorType::of(schema.field(0)).map_or("none".into(), |tensor| tensor.to_string())
}

#[test]
fn slices_are_those_of_numpy() {
    let t = tensors();
    let of = |sql: &str| rows(&t, &format!("SELECT {sql} FROM t ORDER BY id"));
    assert_eq!(of("tensor_slice(image, '0')"), ["[1, 2, 3]", "NULL", "[0, 0, 0]"]);
    assert_eq!(of("tensor_slice(image, ':, 1:')"), ["[2, 3, 5, 6]", "NULL", "[0, 0, 7, 9]"]);
    assert_eq!(of("tensor_slice(image, '..., -1')"), ["[3, 6]", "NULL", "[0, 9]"]);
    assert_eq!(of("tensor_slice(image, '::-1, ::2')"), ["[4, 6, 1, 3]", "NULL", "[255, 9, 0, 0]"]);
    assert_eq!(of("tensor_slice(image, '5:')"), ["[]", "NULL", "[]"]);
    assert_eq!(of("tensor_slice(image, '1, 1')"), ["[5]", "NULL", "[7]"]);
    assert_eq!(
        of("tensor_slice(boxes, '1:')"),
        ["{data: [3.0, 4.0, 5.0, 6.0], shape: [2, 2]}", "NULL", "{data: [], shape: [0, 2]}"]
    );
    assert_eq!(of("tensor_slice(boxes, ':, 0')")[0], "{data: [1.0, 3.0, 5.0], shape: [3]}");
    assert_eq!(of("tensor_slice(empty, ':, 1:')"), ["[]", "NULL", "[]"]);
    assert_eq!(one(&t, "SELECT tensor_slice([1, 2, 3, 4], '1:-1')"), "[2, 3]");
}

#[test]
fn the_type_of_a_part_is_known_before_it_is_read() {
    assert_eq!(type_of("SELECT tensor_slice(image, ':, 1:') FROM t"), "u8[2,2]");
    assert_eq!(type_of("SELECT tensor_slice(image, '0, 0') FROM t"), "u8[]");
    assert_eq!(type_of("SELECT tensor_slice(image, '5:') FROM t"), "u8[0,3]");
    assert_eq!(type_of("SELECT tensor_slice(boxes, '1:') FROM t"), "f32[?,2]");
    assert_eq!(type_of("SELECT tensor_slice(boxes, ':, 0') FROM t"), "f32[?]");
    assert_eq!(type_of("SELECT tensor_reshape(image, 3, -1) FROM t"), "u8[3,2]");
    assert_eq!(type_of("SELECT tensor_reshape(boxes, 2, -1) FROM t WHERE id < 2"), "f32[2,?]");
    assert_eq!(type_of("SELECT tensor_cast(tensor_slice(image, '1'), 'bf16') FROM t"), "bf16[3]");
    assert_eq!(type_of("SELECT tensor_reshape([1, 2, 3, 4], 2, 2)"), "i64[2,2]");
    assert_eq!(type_of("SELECT tensor_reshape(tensor_cast([1, 2], 'bf16'), 2, 1)"), "bf16[2,1]");
}

#[test]
fn parts_of_parts_are_parts() {
    let t = tensors();
    let nested = "SELECT tensor_sum(tensor_slice(tensor_slice(image, '1'), '1:')) FROM t";
    assert_eq!(rows(&t, nested), ["11", "NULL", "16"]);
    let deep = "SELECT tensor_element(tensor_reshape(tensor_slice(image, ':, :2'), 4), 2) FROM t";
    assert_eq!(rows(&t, deep), ["4", "NULL", "255"]);
    let point = "SELECT tensor_shape(tensor_slice(image, '0, 0')) FROM t WHERE id = 0";
    assert_eq!(one(&t, point), "[]");
}

#[test]
fn parts_keep_the_names_of_dimensions() {
    let (field, array) = column("x:u8[2,3]", &[Some((&[1., 2., 3., 4., 5., 6.], &[])), None]);
    let parameters = r#"{"shape":[2,3],"dim_names":["row","column"]}"#.to_owned();
    let mut metadata = field.metadata().clone();
    metadata.insert("ARROW:extension:metadata".into(), parameters);
    let t = context(vec![(field.with_metadata(metadata), array)]);
    let batches = batches(&t, "SELECT tensor_slice(x, '0') AS part FROM t").unwrap();
    let schema = batches[0].schema();
    assert_eq!(TensorType::of(schema.field(0)).unwrap().dim_names, ["column"]);
    let error = error(&t, "SELECT tensor_element(x, 0, 3) FROM t");
    assert!(error.contains(r#"dimension 1 ("column") of u8[2,3]"#), "{error}");
}

#[test]
fn slices_of_every_dtype_move_the_elements_as_they_are() {
    for dtype in tenrow::DType::ALL {
        let t = context(vec![
            column(&format!("x:{dtype}[2,2]"), &[Some((&[0., 1., 1., 1.], &[])), None]),
            column(&format!("y:{dtype}[?]"), &[None, Some((&[0., 1., 1., 1.], &[4]))]),
        ]);
        let sql = "SELECT tensor_count_nonzero(tensor_slice(x, ':, 0')), tensor_count_nonzero(tensor_slice(y, ':-1')), tensor_count_nonzero(tensor_reshape(y, 2, 2)) FROM t";
        assert_eq!(rows(&t, sql), ["1|NULL|NULL", "NULL|2|3"], "{dtype}");
    }
}

#[test]
fn ranges_that_do_not_fit_are_refused() {
    let t = tensors();
    let refused = |sql: &str, reason: &str| {
        let error = error(&t, &format!("SELECT {sql} FROM t"));
        assert!(error.contains(reason), "{error}");
    };
    refused(
        "tensor_slice(image, '2')",
        "tensor_slice: index 2 is out of range: dimension 0 of u8[2,3] takes 0 to 1",
    );
    refused("tensor_slice(image, ':,:,:')", "\":,:,:\" is for 3 dimensions, the tensor has 2");
    refused("tensor_slice(image, 'x')", "\"x\" is no range; ranges are written as in numpy");
    refused("tensor_slice(image, id)", "tensor_slice: the ranges is a text, not i64");
    refused("tensor_slice(image, arrow_cast(id, 'Utf8'))", "the ranges must be a constant text");
    refused("tensor_slice(boxes, '0')", "index 0 is out of range: dimension 0 of [0,2] is empty");
}

#[test]
fn reshaping_keeps_the_elements_in_order() {
    let t = tensors();
    let of = |sql: &str| rows(&t, &format!("SELECT {sql} FROM t ORDER BY id"));
    assert_eq!(
        of("tensor_reshape(image, 3, -1)"),
        ["[1, 2, 3, 4, 5, 6]", "NULL", "[0, 0, 0, 255, 7, 9]"]
    );
    assert_eq!(of("tensor_shape(tensor_reshape(image, 3, -1))"), ["[3, 2]", "NULL", "[3, 2]"]);
    assert_eq!(of("tensor_shape(tensor_reshape(boxes, -1))"), ["[6]", "NULL", "[0]"]);
    assert_eq!(of("tensor_reshape(empty, 3, 0)"), ["[]", "NULL", "[]"]);
    assert_eq!(of("tensor_shape(tensor_reshape(point, 1, 1))"), ["[1, 1]", "NULL", "[1, 1]"]);
    let fixed = "SELECT tensor_reshape(boxes, 2, 3) FROM t WHERE id < 2 ORDER BY id";
    assert_eq!(rows(&t, fixed), ["[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]", "NULL"]);
    assert_eq!(one(&t, "SELECT tensor_shape(tensor_reshape([5]))"), "[]");
}

#[test]
fn shapes_that_hold_another_number_of_elements_are_refused() {
    let t = tensors();
    let refused = |sql: &str, reason: &str| {
        let error = error(&t, &format!("SELECT {sql} FROM t"));
        assert!(error.contains(reason), "{error}");
    };
    refused(
        "tensor_reshape(image, 4)",
        "tensor_reshape: u8[2,3] has 6 elements, which no shape [4] holds",
    );
    refused("tensor_reshape(image, 4, -1)", "which no shape [4,-1] holds");
    refused("tensor_reshape(image, -1, -1)", "[-1,-1] has more than one -1");
    refused("tensor_reshape(image, -2)", "a dimension of -2; dimensions are 0 or more");
    refused("tensor_reshape(empty, 0, -1)", "[0,-1]: -1 beside a dimension of 0 could be anything");
    refused(
        "tensor_reshape(boxes, 3, 2)",
        "a tensor of shape [0,2] has 0 elements, which no shape [3,2] holds",
    );
    refused("tensor_reshape(image, id)", "the dimensions must be constant integers");
    refused("tensor_reshape(image, 9223372036854775807, 9223372036854775807)", "which no shape");
}
