//! Integers, decimals and floats beside each other: compared, computed with and stored as the numbers that they are.

use tenrow::Columns;
use tenrow_tests::place;

use crate::data::{create_with, open};
use crate::db::ask;
use crate::engine_faults::{commit, error};

/// Comparisons of integers that no float keeps with floats and fractions that a statement says, wherever it compares.
#[tokio::test]
async fn integers_are_compared_exactly_with_what_a_statement_says() {
    let folder = place::folder();
    let dataset = create_with(folder.path(), "n", &["a:i64", "b:u64", "c:i8"]).await;
    let large: i64 = 9_007_199_254_740_993;
    let columns = Columns::new().scalars("a", [large, large - 1, -3]);
    let columns = columns.scalars("b", [large as u64, u64::MAX, 0]);
    commit(&dataset, columns.scalars("c", [1i8, 2, -3])).await;
    let session = open(folder.path());
    for (asked, expected) in [
        ("a = 9007199254740992.0", "FTF"),
        ("9007199254740992.0 <> a", "TFT"),
        ("a = 9007199254740992.5", "FFF"),
        ("a < 9007199254740992.5", "FTT"),
        ("9007199254740992.0 < a", "TFF"),
        ("a >= -2.5", "TTF"),
        ("-3.5 < a AND a <= -2.5", "FFT"),
        ("a IN (9007199254740992.0)", "FTF"),
        ("a IN (9007199254740992.5, 1)", "FFF"),
        ("a NOT IN (0.5, 1e30)", "TTT"),
        ("a IN (9007199254740993, 1e300, -3.0)", "TFT"),
        ("a BETWEEN 9007199254740992.5 AND 9007199254740993.5", "TFF"),
        ("a NOT BETWEEN -3.0 AND 9007199254740992.0", "TFF"),
        ("a BETWEEN -1e300 AND 1e300", "TTT"),
        ("CASE a WHEN 9007199254740992.0 THEN true ELSE false END", "FTF"),
        ("CASE a WHEN 0.5 THEN true WHEN 9007199254740992.5 THEN true ELSE false END", "FFF"),
        ("a IS NOT DISTINCT FROM 9007199254740992.0", "FTF"),
        ("a IS DISTINCT FROM 0.5", "TTT"),
        ("nullif(a, 9007199254740992.0) IS NULL", "FTF"),
        ("b = 18446744073709551616.0", "FFF"),
        ("b > 18446744073709551614.5", "FTF"),
        ("b IN (9007199254740992.0, 0.0)", "FFT"),
        ("b < 1e300 AND b > -1e300", "TTT"),
        ("c IN (1.0, 2.5, -3)", "TFT"),
        ("c < 1.5", "TFT"),
        ("c > 1e3", "FFF"),
        ("(SELECT 1.0) = c", "TFF"),
    ] {
        let rows = ask(&session, &format!("SELECT {asked} FROM n ORDER BY _row")).await;
        let found: String =
            rows.concat().iter().map(|cell| if cell == "true" { 'T' } else { 'F' }).collect();
        assert_eq!(found, expected, "{asked}");
        let kept = ask(&session, &format!("SELECT _row FROM n WHERE {asked} ORDER BY _row"))
            .await
            .concat();
        let kept: String =
            (0..3).map(|row| if kept.contains(&row.to_string()) { 'T' } else { 'F' }).collect();
        assert_eq!(kept, expected, "WHERE {asked}");
    }
    let nulled = ask(&session, "SELECT nullif(a, 0.5), nullif(c, 1.0) FROM n ORDER BY _row").await;
    assert_eq!(nulled, [["9007199254740993", "NULL"], ["9007199254740992", "2"], ["-3", "-3"]]);
    let deleted =
        ask(&session, "DELETE FROM n WHERE a IN (9007199254740992.0, 9007199254740993.5)").await;
    assert_eq!(deleted.concat()[0], "1");
}

/// What is said with more digits than a float keeps is, beside floats, the nearest float, and so is a decimal that is cast.
#[tokio::test]
async fn digits_beside_floats_are_the_nearest_float() {
    let folder = place::folder();
    let session = open(folder.path());
    ask(
        &session,
        "CREATE TABLE t (f DOUBLE, d DECIMAL(18,2), k DECIMAL(38,37), w DECIMAL(20,0), i BIGINT)",
    )
    .await;
    let rows = "(0.95676867949081834, 4401698072832618.27, 0.5, 9223372036854775808, 9007199254740992), \
                (0.5, 0.10, 0.25, 7, 9007199254740993)";
    ask(&session, &format!("INSERT INTO t VALUES {rows}")).await;
    let found = ask(&session, "SELECT f, CAST(d AS DOUBLE), CAST(k AS DOUBLE), TRY_CAST(k AS REAL) AS r, CAST(0.95676867949081834 AS DOUBLE) FROM t").await;
    assert_eq!(
        found,
        [
            ["0.9567686794908183", "4401698072832618.5", "0.5", "0.5", "0.9567686794908183"],
            ["0.5", "0.1", "0.25", "0.25", "0.9567686794908183"],
        ]
    );
    for (asked, expected) in [
        ("f = 0.95676867949081834", "TF"),
        ("f >= 0.95676867949081834", "TF"),
        ("f < 0.95676867949081834", "FT"),
        ("f IN (0.95676867949081834, 7)", "TF"),
        ("f BETWEEN 0.95676867949081834 AND 0.95676867949081834", "TF"),
        ("f IS NOT DISTINCT FROM 0.95676867949081834", "TF"),
        ("CASE f WHEN 0.95676867949081834 THEN true ELSE false END", "TF"),
        ("nullif(f, 0.95676867949081834) IS NULL", "TF"),
        ("w = 9.223372036854775808e18", "TF"),
        ("w >= 9.223372036854775808e18", "TF"),
        ("w IN (9.223372036854775808e18, 1)", "TF"),
        ("f * 0 + 0.5 = k", "TF"),
        ("i IS NOT DISTINCT FROM 9007199254740992.5", "FF"),
        ("i IS DISTINCT FROM 9007199254740993.0", "TF"),
        ("nullif(i, 9007199254740992.1) IS NULL", "FF"),
        ("nullif(i, 9007199254740993.0) IS NULL", "FT"),
    ] {
        let rows = ask(&session, &format!("SELECT {asked} FROM t ORDER BY _row")).await.concat();
        let found: String =
            rows.iter().map(|cell| if cell == "true" { 'T' } else { 'F' }).collect();
        assert_eq!(found, expected, "{asked}");
    }
    let grouped = "SELECT CAST(d AS DOUBLE), count(*) FROM t GROUP BY CAST(d AS DOUBLE) ORDER BY CAST(d AS DOUBLE) DESC";
    assert_eq!(ask(&session, grouped).await, [["4401698072832618.5", "1"], ["0.1", "1"]]);
    let deleted = ask(&session, "DELETE FROM t WHERE f < 0.95676867949081834").await.concat();
    assert_eq!(deleted[0], "1");
}

/// Floats that come among decimals stay floats: they were made decimals of 15 digits behind the point.
#[tokio::test]
async fn floats_among_decimals_stay_floats() {
    let folder = place::folder();
    let session = open(folder.path());
    ask(&session, "CREATE TABLE t (c DECIMAL(18,2), f DOUBLE, i BIGINT)").await;
    ask(&session, "INSERT INTO t VALUES (0.10, 1e-16, 2), (2.50, 'NaN'::DOUBLE, 1)").await;
    for (asked, expected) in [
        ("SELECT c FROM t UNION ALL SELECT f FROM t", vec!["0.1", "2.5", "1e-16", "NaN"]),
        ("SELECT f FROM t UNION ALL SELECT c FROM t", vec!["1e-16", "NaN", "0.1", "2.5"]),
        ("SELECT CASE WHEN i = 2 THEN f ELSE c END FROM t", vec!["1e-16", "2.5"]),
        ("SELECT CASE i WHEN 2 THEN c WHEN 1 THEN f END FROM t", vec!["0.1", "NaN"]),
        ("SELECT nvl2(i, f, c) FROM t", vec!["1e-16", "NaN"]),
        // What is only said is as exact as the decimals beside it.
        ("SELECT c FROM t UNION ALL SELECT 0.125", vec!["0.10", "2.50", "0.125"]),
    ] {
        let mut found = ask(&session, asked).await.concat();
        let mut expected = expected;
        found.sort();
        expected.sort();
        let same = found
            .iter()
            .zip(&expected)
            .all(|(found, expected)| found.trim_end_matches('0') == expected.trim_end_matches('0'));
        assert!(same && found.len() == expected.len(), "{asked}: {found:?} {expected:?}");
    }
}

#[tokio::test]
async fn the_negative_of_a_narrow_integer_has_room() {
    let folder = place::folder();
    let dataset = create_with(folder.path(), "n", &["b:i8", "s:i16", "n:i32"]).await;
    let columns = Columns::new().scalars("b", [i8::MIN, 5]).scalars("s", [i16::MIN, 5]);
    commit(&dataset, columns.scalars("n", [i32::MIN, 5])).await;
    let session = open(folder.path());
    let found = ask(&session, "SELECT -b, -s, -n FROM n ORDER BY _row").await;
    assert_eq!(found, [["128", "32768", "2147483648"], ["-5", "-5", "-5"]]);
    assert_eq!(
        ask(&session, "SELECT sum(-b), max(-s) FROM n WHERE -b > 0").await,
        [["128", "32768"]]
    );
    assert_eq!(ask(&session, "SELECT b FROM n WHERE -b < 0").await, [["5"]]);
    let error = error(&session, "UPDATE n SET b = -b").await;
    assert!(error.contains("128"), "{error}");
}

#[tokio::test]
async fn integers_never_wrap_around() {
    let folder = place::folder();
    let attributes = ["a:u8", "b:u8", "c:u64", "d:u64", "e:i64", "f:i16"];
    let dataset = create_with(folder.path(), "n", &attributes).await;
    let columns = Columns::new().scalars("a", [3u8, 200]).scalars("b", [5u8, 100]);
    let columns = columns.scalars("c", [1u64, u64::MAX]).scalars("d", [2u64, 1]);
    let columns = columns.scalars("e", [1i64 << 62; 2]);
    commit(&dataset, columns.scalars("f", [i16::MIN; 2])).await;
    let session = open(folder.path());
    let sql = "SELECT a - b, a + b, a * b, c - d, f + f, f * a FROM n ORDER BY a";
    assert_eq!(
        ask(&session, sql).await,
        [
            ["-2", "8", "15", "-1", "-65536", "-98304"],
            ["100", "300", "20000", "18446744073709551614", "-65536", "-6553600"],
        ]
    );
    for sql in [
        "SELECT sum(e) FROM n",
        "SELECT a < 0 AS k, sum(e) FROM n GROUP BY k",
        "SELECT sum(c) FROM n",
        "SELECT e + e FROM n",
        "SELECT e * 4 FROM n",
        "SELECT -(e * -2) FROM n",
        "SELECT c + d FROM n",
        "SELECT a FROM n WHERE -2 - e * 2 < 0",
        "SELECT a FROM n ORDER BY e + e",
        "SELECT max(e + e) FROM n",
        "SELECT 9223372036854775807 + 1",
        "SELECT c * e * e * e FROM n",
        "SELECT c * 9223372036854775807 FROM n",
    ] {
        let error = error(&session, sql).await;
        assert!(error.contains("overflow"), "{sql}: {error}");
    }
    // What lies between does not count.
    assert_eq!(
        ask(&session, "SELECT sum(x) FROM (SELECT e AS x FROM n UNION ALL SELECT -e FROM n)").await,
        [["0"]]
    );
    let groups = "SELECT a, sum(e), sum(f), sum(c) FILTER (WHERE a > 9), count(*) FROM n GROUP BY a ORDER BY a";
    assert_eq!(
        ask(&session, groups).await,
        [
            ["3", "4611686018427387904", "-32768", "NULL", "1"],
            ["200", "4611686018427387904", "-32768", "18446744073709551615", "1"],
        ]
    );
    assert_eq!(
        ask(&session, "SELECT sum(e), sum(DISTINCT e) FROM n WHERE a > 200").await,
        [["NULL", "NULL"]]
    );
    assert_eq!(ask(&session, "SELECT sum(DISTINCT e) FROM n").await, [["4611686018427387904"]]);
}

#[tokio::test]
async fn decimals_equal_what_is_written_as_they_are() {
    let folder = place::folder();
    let session = open(folder.path());
    ask(&session, "CREATE TABLE m AS SELECT CAST('4.32' AS DECIMAL(10,2)) AS d").await;
    for (filter, count) in [
        ("d = 4.32", "1"),
        ("d > 4.31", "1"),
        ("d <> 4.32", "0"),
        ("d IN (4.32, 1)", "1"),
        ("d = 4.321", "0"),
    ] {
        let sql = format!("SELECT count(*) FROM m WHERE {filter}");
        assert_eq!(ask(&session, &sql).await, [[count]], "{sql}");
    }
}

/// The engine reads every fraction, and what 64 bits do not hold, as a float.
#[tokio::test]
async fn numbers_keep_the_digits_that_they_are_written_with() {
    let folder = place::folder();
    let session = open(folder.path());
    for (kind, values, expected) in [
        ("DECIMAL(38,18)", "(123456789.123456789123456789)", "123456789.123456789123456789"),
        ("BIGINT", "(9007199254740993), (2.0)", "9007199254740993"),
        ("BIGINT", "(2.0), (-9007199254740993)", "-9007199254740993"),
        ("DECIMAL(20,2)", "(9007199254740993), (0.5)", "9007199254740993.00"),
        ("DECIMAL(30,0)", "(18446744073709551617)", "18446744073709551617"),
        ("DECIMAL(20,2)", "(123456789012345678.91)", "123456789012345678.91"),
        ("DOUBLE", "(3.14159265358979323846)", "3.141592653589793"),
    ] {
        ask(&session, &format!("CREATE OR REPLACE TABLE t (x {kind})")).await;
        ask(&session, &format!("INSERT INTO t VALUES {values}")).await;
        let found = ask(&session, "SELECT x FROM t WHERE abs(x) > 2").await;
        assert_eq!(found, [[expected]], "{kind} {values}");
    }
    // Beside a float it is one.
    assert!(ask(&session, "SELECT x FROM t WHERE x < 3.14159265358979323847").await.is_empty());
    let sql = "SELECT x FROM t WHERE x = 3.14159265358979323847";
    assert_eq!(ask(&session, sql).await, [["3.141592653589793"]]);
}

/// They were compared as decimals of 15 digits behind the point: 1e-20 was 0, and NaN an error.
#[tokio::test]
async fn decimals_and_floats_are_compared_as_floats() {
    let folder = place::folder();
    let session = open(folder.path());
    ask(&session, "CREATE TABLE t (m DECIMAL(10,2), f DOUBLE)").await;
    let rows = "(0.00, 1e-20), (1.00, 1.0000000000000002), (4.32, 4.32), (5.00, 'NaN'::DOUBLE)";
    ask(&session, &format!("INSERT INTO t VALUES {rows}")).await;
    for (condition, expected) in [
        ("m = f", "4.32"),
        ("m < f AND m < 1", "0.00"),
        ("m = 1e-20 OR m = 4.32", "4.32"),
        ("m > 4.31 AND m <> 5.0", "4.32"),
        ("f > m AND m > 4", "5.00"),
    ] {
        let found = ask(&session, &format!("SELECT m FROM t WHERE {condition}")).await;
        assert_eq!(found, [[expected]], "{condition}");
    }
    let sql = "SELECT a.m FROM t a JOIN t b ON a.m = b.f";
    assert_eq!(ask(&session, sql).await, [["4.32"]]);
    ask(&session, "CREATE TABLE u (d DECIMAL(18,4), f DOUBLE)").await;
    ask(&session, "INSERT INTO u VALUES (0, 1e-20)").await;
    let sql = "SELECT d IS NOT DISTINCT FROM f, f BETWEEN d AND d, d IN (f), nullif(f, d), CASE f WHEN d THEN 1 ELSE 2 END, coalesce(NULL, f, d), \
               f IN (0, 12345678901234567890.5), f BETWEEN -12345678901234567890.5 AND 0, d IN (0.0), d BETWEEN -0.1 AND 0.1 FROM u";
    let expected =
        ["false", "false", "false", "1e-20", "2", "1e-20", "false", "false", "true", "true"];
    assert_eq!(ask(&session, sql).await, [expected]);
    ask(&session, "INSERT INTO u VALUES (1, 1.5e-17), (2, 12345678901234567890.5), (3, 0.1234567890123456), (4, 9007199254740992)").await;
    let sql = "SELECT f FROM u WHERE d >= 1 ORDER BY d";
    let expected =
        [["1.5e-17"], ["1.2345678901234567e19"], ["0.1234567890123456"], ["9007199254740992.0"]];
    assert_eq!(ask(&session, sql).await, expected);
    let sql = "SELECT count(*) FROM u WHERE d IS NOT DISTINCT FROM f OR f BETWEEN d AND d";
    assert_eq!(ask(&session, sql).await, [["0"]]);
}

/// Below the least 64-bit integer the engine has floats: once a number there was the least one, which a `DELETE` took away.
#[tokio::test]
async fn no_integer_is_a_number_below_all_of_them() {
    let folder = place::folder();
    let dataset = create_with(folder.path(), "n", &["id:i64"]).await;
    commit(&dataset, Columns::new().scalars("id", [i64::MIN, 7, i64::MAX])).await;
    let session = open(folder.path());
    for (condition, expected) in [
        ("id = -9223372036854775809", "0"),
        ("id = -9223372036854775810", "0"),
        ("id > -9223372036854775809", "3"),
        ("id = -9223372036854775808", "1"),
        ("id = 9223372036854775808", "0"),
        ("id < 9223372036854775808", "3"),
    ] {
        let sql = format!("SELECT count(*) FROM n WHERE {condition}");
        assert_eq!(ask(&session, &sql).await, [[expected]], "{condition}");
    }
    session.sql("DELETE FROM n WHERE id = -9223372036854775809").await.unwrap();
    assert_eq!(dataset.latest().await.unwrap().row_count(), 3);
}
