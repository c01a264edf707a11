use std::sync::Arc;

use arrow_array::{ArrayRef, Float32Array, Int64Array};
use arrow_schema::{DataType, Field};
use datafusion::prelude::SessionContext;

use super::fixture::{context, error, one, rows};

fn values() -> SessionContext {
    let key: ArrayRef = Arc::new(Int64Array::from(vec![1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3]));
    let x: Vec<Option<i64>> =
        [1, 2, 3, 4, 10, 20, 20, 20, 40, 80, 90].map(Some).into_iter().chain([None]).collect();
    let y: Vec<_> = x.iter().map(|x| x.map(|x| x as f32)).collect();
    context(vec![
        (Field::new("key", DataType::Int64, false), key),
        (Field::new("x", DataType::Int64, true), Arc::new(Int64Array::from(x))),
        (Field::new("y", DataType::Float32, true), Arc::new(Float32Array::from(y))),
    ])
}

#[test]
fn percentiles_of_groups_are_those_of_numpy() {
    let expected = ["1.75|2.5|3.25", "20.0|20.0|60.0", "NULL|NULL|NULL"];
    for value in ["x", "y"] {
        let sql = format!(
            "SELECT percentile({value}, 25), percentile({value}, 50), percentile({value}, 75.0) FROM t GROUP BY key ORDER BY key"
        );
        assert_eq!(rows(&values(), &sql), expected);
    }
}

#[test]
fn the_weight_between_two_values_is_not_cut() {
    // numpy.percentile([0.1, 0.7, -3.3, 12.5, 1e6, 2.25, 7/3], q)
    let t = values();
    for (q, expected) in [
        ("1", "-3.0959999999999996"),
        ("10", "-1.2599999999999996"),
        ("33.3", "0.6987999999999999"),
        ("66.6", "2.333"),
        ("90", "400007.50000000035"),
        ("99.9", "994000.0750000007"),
    ] {
        let sql = format!(
            "SELECT percentile(v, {q}) FROM (VALUES (0.1), (0.7), (-3.3), (12.5), (1e6), (2.25), (7.0/3.0)) AS w(v)"
        );
        assert_eq!(one(&t, &sql), expected);
    }
}

#[test]
fn a_band_of_percentiles_filters_rows() {
    let sql = "SELECT x FROM t WHERE key = 1 AND x > (SELECT percentile(x, 25) FROM t WHERE key = 1) AND x < (SELECT percentile(x, 75) FROM t WHERE key = 1)";
    assert_eq!(rows(&values(), sql), ["2", "3"]);
    let of_datafusion = "SELECT percentile_cont(0.25) WITHIN GROUP (ORDER BY x), percentile_cont(0.75) WITHIN GROUP (ORDER BY x) FROM t GROUP BY key ORDER BY key";
    assert_eq!(rows(&values(), of_datafusion), ["1.75|3.25", "20.0|60.0", "NULL|NULL"]);
}

#[test]
fn nan_is_a_percentile_of_values_with_nan() {
    assert_eq!(
        one(&values(), "SELECT percentile(v, 0) FROM (VALUES ('NaN'::double), (1.0)) AS w(v)"),
        "NaN"
    );
    assert_eq!(one(&values(), "SELECT percentile(x, 100) FROM t"), "90.0");
    assert_eq!(one(&values(), "SELECT percentile(x, 0) FROM t"), "1.0");
}

#[test]
fn a_percentile_outside_its_range_is_refused() {
    let t = values();
    let refused = |sql: &str, reason: &str| {
        let error = error(&t, &format!("SELECT {sql} FROM t"));
        assert!(error.contains(reason), "{error}");
    };
    refused("percentile(x, 101)", "percentile: q is a number from 0 to 100, not 101");
    refused("percentile(x, NULL)", "percentile: q is a number from 0 to 100, not NULL");
    refused("percentile(x, key)", "percentile: q must be a constant number from 0 to 100");
    refused("percentile(DISTINCT x, 50)", "percentile: DISTINCT is not known here");
}
