use super::fixture::{column, context, error, one, rows, tensors};

#[test]
fn shape_rank_and_dtype_are_those_of_the_attribute() {
    let t = tensors();
    let about = |name: &str| {
        let sql = format!(
            "SELECT tensor_shape({name}), tensor_rank({name}), tensor_dtype({name}) FROM t ORDER BY id"
        );
        rows(&t, &sql)
    };
    assert_eq!(about("image"), ["[2, 3]|2|u8", "NULL|NULL|NULL", "[2, 3]|2|u8"]);
    assert_eq!(about("boxes"), ["[3, 2]|2|f32", "NULL|NULL|NULL", "[0, 2]|2|f32"]);
    assert_eq!(about("empty"), ["[0, 3]|2|u8", "NULL|NULL|NULL", "[0, 3]|2|u8"]);
    assert_eq!(about("point"), ["[]|0|i16", "NULL|NULL|NULL", "[]|0|i16"]);
}

#[test]
fn a_list_is_a_tensor_of_one_dimension() {
    let t = tensors();
    assert_eq!(one(&t, "SELECT tensor_shape([1.5, 2.5])"), "[2]");
    assert_eq!(one(&t, "SELECT tensor_dtype([1.5, 2.5])"), "f64");
    assert_eq!(one(&t, "SELECT tensor_dtype([1, 2])"), "i64");
    assert_eq!(one(&t, "SELECT tensor_shape([])"), "[0]");
    assert_eq!(one(&t, "SELECT tensor_shape(NULL)"), "NULL");
    assert_eq!(rows(&t, "SELECT tensor_shape([id, 2 * id]) FROM t"), ["[2]", "[2]", "[2]"]);
    let fixed = "SELECT tensor_shape(arrow_cast([1, 2, 3], 'FixedSizeList(3, Int16)'))";
    assert_eq!(one(&t, fixed), "[3]");
    assert_eq!(one(&t, "SELECT tensor_shape(arrow_cast([1, 2], 'LargeList(Int16)'))"), "[2]");
}

#[test]
fn what_is_no_tensor_is_refused_by_its_type() {
    let t = tensors();
    let refused = |sql: &str, reason: &str| {
        let error = error(&t, sql);
        assert!(error.contains(reason), "{error}");
    };
    refused(
        "SELECT tensor_shape(id) FROM t",
        "tensor_shape: i64 is neither a tensor nor a list of numbers",
    );
    refused("SELECT tensor_sum('x')", "tensor_sum: string is neither a tensor");
    refused("SELECT tensor_rank(['a'])", "tensor_rank: list<string?> is neither");
    refused("SELECT tensor_sum([1, NULL])", "tensor_sum: element [1] of i64[?] is null");
    refused(
        "SELECT tensor_sum(image, 1) FROM t",
        "tensor_sum: 2 arguments given; it is called as tensor_sum(tensor)",
    );
}

#[test]
fn an_element_is_found_by_its_indices() {
    let t = tensors();
    let at = |sql: &str| rows(&t, &format!("SELECT {sql} FROM t ORDER BY id"));
    assert_eq!(at("tensor_element(image, 1, 0)"), ["4", "NULL", "255"]);
    assert_eq!(at("tensor_element(image, -1, -2)"), ["5", "NULL", "7"]);
    assert_eq!(at("tensor_element(image, 0, id)"), ["1", "NULL", "0"]);
    assert_eq!(at("tensor_element(image, 0, NULL)"), ["NULL", "NULL", "NULL"]);
    assert_eq!(at("tensor_element(point)"), ["-7", "NULL", "8"]);
    assert_eq!(at("tensor_element(v, 1)"), ["-0.2", "NULL", "0.0"]);
    assert_eq!(rows(&t, "SELECT tensor_element(boxes, 2, 1) FROM t WHERE id < 2"), ["6.0", "NULL"]);
    assert_eq!(at("tensor_element([10, 20, 30], id)"), ["10", "20", "30"]);
}

#[test]
fn an_index_out_of_range_names_itself_and_the_shape() {
    let t = tensors();
    let refused = |sql: &str, reason: &str| {
        let error = error(&t, &format!("SELECT {sql} FROM t"));
        assert!(error.contains(reason), "{error}");
    };
    refused(
        "tensor_element(image, 2, 0)",
        "tensor_element: index 2 is out of range: dimension 0 of u8[2,3] takes 0 to 1, or -2 to -1 from its end",
    );
    refused(
        "tensor_element(image, 0, -4)",
        "index -4 is out of range: dimension 1 of u8[2,3] takes 0 to 2",
    );
    refused("tensor_element(image, 0, id + 1)", "index 3 is out of range: dimension 1 of [2,3]");
    refused(
        "tensor_element(boxes, 0, 0)",
        "index 0 is out of range: dimension 0 of [0,2] is empty",
    );
    refused("tensor_element(empty, 0, 0)", "dimension 0 of u8[0,3] is empty");
    refused(
        "tensor_element(image, 1)",
        "u8[2,3] has 2 dimensions, the number of indices given is 1; tensor_slice gives a part",
    );
    refused("tensor_element(image, 1, 'x')", "an index is an integer, not string");
}

#[test]
fn elements_of_every_dtype_are_numbers_of_sql() {
    for (dtype, shown) in [
        ("bool", "true"),
        ("i8", "1"),
        ("i16", "1"),
        ("i32", "1"),
        ("i64", "1"),
        ("u8", "1"),
        ("u16", "1"),
        ("u32", "1"),
        ("u64", "1"),
        ("f16", "1.0"),
        ("bf16", "1.0"),
        ("f32", "1.0"),
        ("f64", "1.0"),
    ] {
        let t =
            context(vec![column(&format!("x:{dtype}[3]"), &[Some((&[0., 1., 0.], &[])), None])]);
        assert_eq!(rows(&t, "SELECT tensor_element(x, 1) FROM t"), [shown, "NULL"], "{dtype}");
        assert_eq!(rows(&t, "SELECT tensor_dtype(x) FROM t"), [dtype, "NULL"]);
    }
}
