use super::fixture::{Rows, column, context, error, one, rows, tensors};

/// Two columns beside each other.
fn pair(a: &str, of_a: Rows<'_>, b: &str, of_b: Rows<'_>) -> datafusion::prelude::SessionContext {
    context(vec![column(&format!("a:{a}"), of_a), column(&format!("b:{b}"), of_b)])
}

fn numbers(context: &datafusion::prelude::SessionContext, sql: &str) -> Vec<Option<f64>> {
    rows(context, sql).iter().map(|row| row.parse().ok()).collect()
}

fn assert_near(found: &[Option<f64>], expected: &[Option<f64>]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        match (a, b) {
            (Some(a), Some(b)) => assert!((a - b).abs() < 1e-6, "{found:?} {expected:?}"),
            (a, b) => assert_eq!(a, b),
        }
    }
}

const DOT: f64 = 0.36250000447034836;
const COSINE: f64 = 0.5742855691722754;
const DISTANCE: f64 = 0.9503288927894114;
const E: &[f64] = &[0.1, -0.2, 0.3, 0.4];
const Q: &[f64] = &[0.5, 0.25, -0.125, 1.0];

#[test]
fn products_of_columns_are_those_of_numpy() {
    let t = pair(
        "f32[4]",
        &[Some((E, &[])), None, Some((E, &[]))],
        "f32[4]",
        &[Some((Q, &[])), Some((Q, &[])), None],
    );
    let of = |name: &str| numbers(&t, &format!("SELECT {name}(a, b) FROM t"));
    assert_near(&of("tensor_dot"), &[Some(DOT), None, None]);
    assert_near(&of("cosine_similarity"), &[Some(COSINE), None, None]);
    assert_near(&of("l2_distance"), &[Some(DISTANCE), None, None]);
}

#[test]
fn a_constant_may_stand_on_either_side() {
    let t = tensors();
    let q = "[0.5, 0.25, -0.125, 1.0]";
    for sql in [format!("v, {q}"), format!("{q}, v")] {
        let of = |name: &str| numbers(&t, &format!("SELECT {name}({sql}) FROM t ORDER BY id"));
        assert_near(&of("tensor_dot"), &[Some(DOT), None, Some(0.0)]);
        assert_near(&of("cosine_similarity")[..2], &[Some(COSINE), None]);
        assert!(of("cosine_similarity")[2].unwrap().is_nan());
        assert_near(&of("l2_distance"), &[Some(DISTANCE), None, Some(1.152_443_057_161_611_6)]);
    }
    assert_near(&numbers(&t, &format!("SELECT l2_distance({q}, {q})")), &[Some(0.0)]);
    assert_eq!(rows(&t, "SELECT tensor_dot(v, NULL::double[]) FROM t"), ["NULL", "NULL", "NULL"]);
}

#[test]
fn floats_of_every_dtype_multiply_with_each_other() {
    let floats = ["f16", "bf16", "f32", "f64"];
    for (a, b) in floats.iter().flat_map(|a| floats.map(|b| (a, b))) {
        let t = pair(
            &format!("{a}[2]"),
            &[Some((&[3., 4.], &[])), None],
            &format!("{b}[2]"),
            &[Some((&[4., 3.], &[])), None],
        );
        let sql = "SELECT tensor_dot(a, b), cosine_similarity(a, b), l2_distance(a, b) * l2_distance(a, b) FROM t";
        assert_eq!(rows(&t, sql)[0], "24.0|0.96|2.0000000000000004", "{a} {b}");
    }
}

#[test]
fn integers_have_exact_products() {
    for dtype in ["bool", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64"] {
        let t = pair(
            &format!("{dtype}[3]"),
            &[Some((&[1., 0., 1.], &[])), None],
            "u8[3]",
            &[Some((&[5., 6., 7.], &[])), None],
        );
        let sql = "SELECT tensor_dot(a, b), tensor_dot(a, [2, 2, 3]), l2_distance(a, a), cosine_similarity(a, a) FROM t";
        let expected = ["12|5|0.0|0.9999999999999998", "NULL|NULL|NULL|NULL"];
        assert_eq!(rows(&t, sql), expected, "{dtype}");
    }
    let t = tensors();
    let large = "[9007199254740993, 1]";
    assert_eq!(one(&t, &format!("SELECT tensor_dot({large}, [1, 1])")), "9007199254740994");
    let found = error(&t, &format!("SELECT tensor_dot({large}, {large})"));
    assert!(found.contains("tensor_dot: the sum of the products of i64[?] and i64[?] is beyond i64; tensor_cast one of them to f64"), "{found}");
}

#[test]
fn nan_and_zero_have_no_direction() {
    let nan = f64::NAN;
    let t = pair(
        "f32[2]",
        &[Some((&[nan, 1.], &[])), Some((&[0., 0.], &[]))],
        "f32[2]",
        &[Some((&[1., 1.], &[])), Some((&[1., 1.], &[]))],
    );
    let sql = "SELECT tensor_dot(a, b), cosine_similarity(a, b), l2_distance(a, b) FROM t";
    assert_eq!(rows(&t, sql), ["NaN|NaN|NaN", "0.0|NaN|1.4142135623730951"]);
}

#[test]
fn the_nearest_rows_come_first() {
    let embeddings: Vec<[f64; 4]> =
        (0..100).map(|i| [f64::from(i % 10), f64::from(i / 10), 1.0, 0.5]).collect();
    let rows_of: Vec<Option<(&[f64], &[i32])>> =
        embeddings.iter().map(|e| Some((&e[..], &[][..]))).collect();
    let t = context(vec![column("v:f32[4]", &rows_of)]);
    let nearest =
        "SELECT tensor_slice(v, ':2') FROM t ORDER BY l2_distance(v, [3.2, 7.1, 1.0, 0.5]) LIMIT 3";
    assert_eq!(rows(&t, nearest), ["[3.0, 7.0]", "[4.0, 7.0]", "[3.0, 8.0]"]);
    let similar = "SELECT tensor_slice(v, ':2') FROM t ORDER BY cosine_similarity(v, [5.0, 5.0, 1.0, 0.5]) DESC LIMIT 1";
    assert_eq!(rows(&t, similar), ["[5.0, 5.0]"]);
}

#[test]
fn shapes_must_be_the_same() {
    let t = tensors();
    let refused = |sql: &str, reason: &str| {
        let error = error(&t, &format!("SELECT {sql} FROM t"));
        assert!(error.contains(reason), "{error}");
    };
    refused(
        "tensor_dot(image, v)",
        "tensor_dot: u8[2,3] and f32[4] differ in shape; both must have the same",
    );
    refused(
        "l2_distance(image, tensor_reshape(image, 3, 2))",
        "l2_distance: u8[2,3] and u8[3,2] differ in shape",
    );
    refused(
        "cosine_similarity(v, [1.0, 2.0])",
        "cosine_similarity: shapes [4] (f32[4]) and [2] (f64[?]) differ; both must be the same",
    );
    refused(
        "tensor_dot(boxes, tensor_slice(boxes, ':1'))",
        "tensor_dot: shapes [3,2] (f32[?,2]) and [1,2] (f32[?,2]) differ",
    );
    refused("tensor_dot(v, id)", "tensor_dot: i64 is neither a tensor nor a list of numbers");
}

#[test]
fn tensors_of_varying_shape_multiply_row_by_row() {
    let t = tensors();
    assert_eq!(
        rows(&t, "SELECT tensor_dot(boxes, boxes) FROM t ORDER BY id"),
        ["91.0", "NULL", "0.0"]
    );
    assert_eq!(rows(&t, "SELECT tensor_dot(empty, empty) FROM t ORDER BY id"), ["0", "NULL", "0"]);
}
