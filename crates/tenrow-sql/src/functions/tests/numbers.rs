use super::fixture::{column, context, error, one, rows, tensors};

const ALL: &str = "tensor_sum(x), tensor_mean(x), tensor_min(x), tensor_max(x), tensor_std(x), tensor_norm(x), tensor_argmax(x), tensor_count_nonzero(x)";

fn all_of(text: &str, numbers: &[f64]) -> String {
    let t = context(vec![column(&format!("x:{text}"), &[Some((numbers, &[])), None])]);
    let [first, second] = &rows(&t, &format!("SELECT {ALL} FROM t"))[..] else { panic!() };
    assert_eq!(second, "NULL|NULL|NULL|NULL|NULL|NULL|NULL|NULL");
    first.clone()
}

#[test]
fn integers_give_what_numpy_gives() {
    // a = numpy.array([[1, 2, 3], [4, 5, 6]], "u1"): a.sum(), a.mean(), a.min(), a.max(), a.std(),
    // numpy.linalg.norm(a.ravel()), a.argmax(), numpy.count_nonzero(a)
    let six = [1., 2., 3., 4., 5., 6.];
    for dtype in ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"] {
        let expected = "21|3.5|1|6|1.707825127659933|9.539392014169456|5|6";
        assert_eq!(all_of(&format!("{dtype}[2,3]"), &six), expected, "{dtype}");
    }
    let expected = "-126|-31.5|-128|7|55.87709727607546|128.28873683998918|2|3";
    assert_eq!(all_of("i8[4]", &[-5., 0., 7., -128.]), expected);
}

#[test]
fn booleans_count_as_zero_and_one() {
    let expected = "2|0.6666666666666666|false|true|0.4714045207910317|1.4142135623730951|0|2";
    assert_eq!(all_of("bool[3]", &[1., 0., 1.]), expected);
}

#[test]
fn floats_are_added_up_in_double_precision() {
    // The same of numpy.array([0.1, -0.2, 0.3, 0.4], "f4").astype("f8").
    let expected = "0.6000000163912773|0.15000000409781933|-0.2|0.4|0.22912878938146444|0.5477225697477194|3|4";
    assert_eq!(all_of("f32[4]", &[0.1, -0.2, 0.3, 0.4]), expected);
    let expected = "6.0|1.5|0.0|3.0|1.118033988749895|3.7416573867739413|3|3";
    assert_eq!(all_of("f64[2,2]", &[0., 1., 2., 3.]), expected);
}

#[test]
fn floats_of_sixteen_bits_give_floats_of_32() {
    let expected = "-65500.0|-21833.334|-65504.0|2.5|30879.824|65504.0|1|3";
    assert_eq!(all_of("f16[3]", &[1.5, 2.5, -65504.]), expected);
    let expected = "6.0|1.5|0.0|3.0|1.118034|3.7416575|3|3";
    assert_eq!(all_of("bf16[4]", &[0., 1., 2., 3.]), expected);
}

#[test]
fn nan_goes_through_as_in_numpy() {
    let nan = f64::NAN;
    for dtype in ["f16", "bf16", "f32", "f64"] {
        let expected = "NaN|NaN|NaN|NaN|NaN|NaN|1|4";
        assert_eq!(all_of(&format!("{dtype}[4]"), &[1., nan, 3., nan]), expected, "{dtype}");
    }
    // Wherever it stands, beyond the elements that are looked at side by side.
    for at in [0, 15, 16, 39] {
        let mut numbers = [1.0; 40];
        numbers[at] = nan;
        assert_eq!(all_of("f32[40]", &numbers), format!("NaN|NaN|NaN|NaN|NaN|NaN|{at}|40"));
    }
}

#[test]
fn the_first_of_equal_elements_is_the_largest() {
    let t = tensors();
    assert_eq!(one(&t, "SELECT tensor_argmax([1, 5, 5])"), "1");
    assert_eq!(one(&t, "SELECT tensor_argmax([-1.0, -0.0, 0.0])"), "1");
}

#[test]
fn long_tensors_are_reduced_as_short_ones() {
    let numbers: Vec<f64> = (0..1000).map(|i| f64::from((i * 37) % 251)).collect();
    let sum = numbers.iter().sum::<f64>();
    for dtype in ["u8", "i16", "u32", "i64", "f32", "f64"] {
        let answer = all_of(&format!("{dtype}[10,100]"), &numbers);
        let values: Vec<f64> = answer.split('|').map(|v| v.parse().unwrap()).collect();
        let norm = numbers.iter().map(|v| v * v).sum::<f64>().sqrt();
        assert_eq!(values[..4], [sum, sum / 1000.0, 0.0, 250.0], "{dtype}");
        assert!((values[5] / norm - 1.0).abs() < 1e-12, "{dtype}");
        assert_eq!(values[6..], [156.0, 996.0], "{dtype}");
    }
}

#[test]
fn empty_tensors_have_a_sum_and_no_extremes() {
    let t = tensors();
    let sql = ALL.replace("(x)", "(empty)");
    assert_eq!(
        rows(&t, &format!("SELECT {sql} FROM t WHERE id = 0")),
        ["0|NaN|NULL|NULL|NaN|0.0|NULL|0"]
    );
    let sql = ALL.replace("(x)", "(boxes)");
    assert_eq!(
        rows(&t, &format!("SELECT {sql} FROM t WHERE id = 2")),
        ["0.0|NaN|NULL|NULL|NaN|0.0|NULL|0"]
    );
}

#[test]
fn tensors_of_rank_zero_and_of_any_shape_are_reduced() {
    let t = tensors();
    assert_eq!(rows(&t, "SELECT tensor_sum(point) FROM t ORDER BY id"), ["-7", "NULL", "8"]);
    assert_eq!(rows(&t, "SELECT tensor_max(boxes) FROM t ORDER BY id"), ["6.0", "NULL", "NULL"]);
    assert_eq!(
        rows(&t, "SELECT tensor_mean([id, 2 * id]) FROM t ORDER BY id"),
        ["0.0", "1.5", "3.0"]
    );
}

#[test]
fn sums_that_do_not_fit_are_errors() {
    let t = tensors();
    let large = "SELECT tensor_sum([9223372036854775807, 1])";
    let expected = "tensor_sum: the sum of i64[?] is 9223372036854775808, which no i64 holds; tensor_cast its elements to f64 first";
    let found = error(&t, large);
    assert!(found.contains(expected), "{found}");
    assert_eq!(one(&t, "SELECT tensor_mean([9223372036854775807, 1])"), "4.611686018427388e18");
    assert_eq!(
        one(&t, "SELECT tensor_sum(tensor_cast([9223372036854775807, 1], 'u64'))"),
        "9223372036854775808"
    );
}

#[test]
fn functions_work_in_filters_and_aggregates() {
    let t = tensors();
    assert_eq!(rows(&t, "SELECT id FROM t WHERE tensor_mean(image) > 40"), ["2"]);
    assert_eq!(one(&t, "SELECT avg(tensor_sum(image)) FROM t"), "146.0");
    assert_eq!(
        rows(&t, "SELECT id FROM t ORDER BY tensor_max(image) DESC NULLS LAST LIMIT 1"),
        ["2"]
    );
}
