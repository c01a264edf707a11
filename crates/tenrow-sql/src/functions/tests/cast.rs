use super::fixture::{column, context, error, one, rows, tensors};

#[test]
fn every_dtype_goes_into_every_other_and_back() {
    for from in tenrow::DType::ALL {
        let t = context(vec![column(
            &format!("x:{from}[2,2]"),
            &[Some((&[1., 0., 1., 1.], &[])), None],
        )]);
        for to in tenrow::DType::ALL {
            let sql = format!(
                "SELECT tensor_dtype(tensor_cast(x, '{to}')), tensor_shape(tensor_cast(x, '{to}')), tensor_cast(tensor_cast(x, '{to}'), 'i8') FROM t"
            );
            let expected = [format!("{to}|[2, 2]|[1, 0, 1, 1]"), "NULL|NULL|NULL".into()];
            assert_eq!(rows(&t, &sql), expected, "{from} to {to}");
        }
    }
}

#[test]
fn casts_keep_the_shape_and_the_nulls() {
    let t = tensors();
    let of = |sql: &str| rows(&t, &format!("SELECT {sql} FROM t ORDER BY id"));
    assert_eq!(of("tensor_cast(image, 'f32')")[0], "[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]");
    assert_eq!(
        of("tensor_cast(boxes, 'i16')"),
        ["{data: [1, 2, 3, 4, 5, 6], shape: [3, 2]}", "NULL", "{data: [], shape: [0, 2]}"]
    );
    assert_eq!(of("tensor_dtype(tensor_cast(empty, 'f64'))"), ["f64", "NULL", "f64"]);
    assert_eq!(one(&t, "SELECT tensor_cast([1.0, 2.0], 'u8')"), "[1, 2]");
    assert_eq!(one(&t, "SELECT tensor_sum(tensor_cast([0.1], 'f16'))"), "0.099975586");
    assert_eq!(one(&t, "SELECT tensor_sum(tensor_cast([0.1], 'bf16'))"), "0.100097656");
    assert_eq!(one(&t, "SELECT tensor_sum(tensor_cast([16777217], 'f32'))"), "16777216.0");
}

#[test]
fn a_cast_that_loses_names_the_value_and_its_place() {
    let t = tensors();
    let refused = |sql: &str, reason: &str| {
        let error = error(&t, &format!("SELECT {sql}"));
        assert!(error.contains(reason), "{error}");
    };
    refused(
        "tensor_cast([1, 300], 'u8')",
        "tensor_cast: 300, element [1] of i64[?], does not fit u8 (0 to 255); a third argument 'saturate' or 'wrap' casts it all the same",
    );
    refused(
        "tensor_cast(tensor_reshape([1, 2, 3, -1], 2, 2), 'u64')",
        "-1, element [1,1] of i64[2,2], does not fit u64",
    );
    refused("tensor_cast([1.5], 'i64')", "1.5, element [0] of f64[?], does not fit i64");
    refused("tensor_cast(['NaN'::double], 'i32')", "NaN, element [0] of f64[?], does not fit i32");
    refused("tensor_cast([1e300], 'f32')", "does not fit f32;");
    refused("tensor_cast([65520.0], 'f16')", "65520, element [0] of f64[?], does not fit f16;");
    refused("tensor_cast([2], 'bool')", "2, element [0] of i64[?], does not fit bool (0 and 1)");
    refused("tensor_cast([9223372036854775808.0], 'i64')", "does not fit i64");
    refused("tensor_cast([1], 'u9')", "unknown element type");
    refused("tensor_cast([1], 'u8', 'clip')", "unknown mode \"clip\"; known are wrap, saturate");
    refused("tensor_cast(image, tensor_dtype(image)) FROM t", "the dtype must be a constant text");
}

#[test]
fn a_mode_says_what_becomes_of_what_does_not_fit() {
    let t = tensors();
    let of = |sql: &str| one(&t, &format!("SELECT {sql}"));
    assert_eq!(of("tensor_cast([300, -1, 7], 'u8', 'wrap')"), "[44, 255, 7]");
    assert_eq!(of("tensor_cast([300, -1, 7], 'u8', 'saturate')"), "[255, 0, 7]");
    assert_eq!(
        of("tensor_cast([1.9, -1.9, 'NaN'::double, 1e300], 'i8', 'saturate')"),
        "[1, -1, 0, 127]"
    );
    assert_eq!(of("tensor_cast([1.9, -1.9, 'NaN'::double, 257.0], 'i8', 'wrap')"), "[1, -1, 0, 1]");
    assert_eq!(
        of("tensor_cast([0.0, 0.5, 'NaN'::double], 'bool', 'saturate')"),
        "[false, true, false]"
    );
    assert_eq!(of("tensor_max(tensor_cast([1e300], 'f16', 'saturate'))"), "65504.0");
    assert_eq!(of("tensor_max(tensor_cast([1e300], 'f16', 'wrap'))"), "inf");
}

#[test]
fn what_stands_in_null_rows_is_not_cast() {
    // The fixture fills null rows with 99.
    let t = context(vec![column("x:u8[2]", &[None, Some((&[1., 0.], &[]))])]);
    assert_eq!(rows(&t, "SELECT tensor_cast(x, 'bool') FROM t"), ["NULL", "[true, false]"]);
}

#[test]
fn infinities_and_nan_stay_what_they_are_among_floats() {
    let t = tensors();
    let sql = "SELECT tensor_min(tensor_cast(['-inf'::double, 1.0], 'f16')), tensor_max(tensor_cast(['NaN'::double], 'bf16'))";
    assert_eq!(one(&t, sql), "-inf|NaN");
}
