use std::io::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_cast::display::array_value_to_string;
use tempfile::TempDir;

use super::*;
use crate::CsvOptions;

fn put(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

fn csv(path: &Path) -> Result<TextSource> {
    TextSource::csv(path, &CsvOptions::default(), None)
}

fn json_lines(path: &Path) -> Result<TextSource> {
    TextSource::json_lines(path, None)
}

fn rows(source: &mut TextSource) -> Vec<RecordBatch> {
    std::iter::from_fn(|| source.next_batch().transpose()).map(Result::unwrap).collect()
}

fn types(source: &TextSource) -> Vec<String> {
    source.attributes().iter().map(|a| format!("{}:{}", a.name, a.type_text())).collect()
}

/// The values of the only column of `text`, read as `target`.
fn read(name: &str, text: &str, target: &str, mode: CastMode) -> Result<Vec<String>> {
    let (_dir, path) = put(name, text.as_bytes());
    let mut source = if name.ends_with("csv") { csv(&path)? } else { json_lines(&path)? };
    source.read_as(&[Attribute::parse(target).unwrap()], mode)?;
    let mut shown = Vec::new();
    while let Some(batch) = source.next_batch()? {
        assert_eq!(batch.num_columns(), 1);
        let column = batch.column(0);
        shown.extend((0..column.len()).map(|row| shown_at(column, row)));
    }
    Ok(shown)
}

fn shown_at(column: &ArrayRef, row: usize) -> String {
    if column.is_null(row) { "null".into() } else { array_value_to_string(column, row).unwrap() }
}

/// `01234` into text came back as `1234`, and a decimal as the nearest float.
#[test]
fn a_value_has_the_type_that_its_attribute_says() {
    for (text, target, expected) in [
        ("v\n01234\n1.50\n", "v:string?", &["01234", "1.50"][..]),
        ("v\n1\n2\n", "v:string?", &["1", "2"]),
        ("v\n2024-01-31\ntrue\n", "v:string?", &["2024-01-31", "true"]),
        (
            "v\n123456789.123456789123456789\n",
            "v:decimal128(38,18)?",
            &["123456789.123456789123456789"],
        ),
        ("v\n18446744073709551615\n1\n", "v:u64?", &["18446744073709551615", "1"]),
        ("v\n1\n\n3\n", "v:i8?", &["1", "null", "3"]),
        ("v\n0.1\n1\n", "v:f32?", &["0.1", "1.0"]),
        ("v\n2018-01-04 09:01:00+09:00\n", "v:timestamp(ms,UTC)?", &["2018-01-04T00:01:00Z"]),
        ("v\n23:59:59\n", "v:time32(s)?", &["23:59:59"]),
        ("v\nx\n", "v:file?", &["x"]),
    ] {
        assert_eq!(read("t.csv", text, target, CastMode::Refuse).unwrap(), expected, "{target}");
    }
    for (text, target, expected) in [
        ("{\"v\":9007199254740993}\n{\"v\":1}\n", "v:i64?", &["9007199254740993", "1"][..]),
        ("{\"v\":18446744073709551615}\n", "v:u64?", &["18446744073709551615"]),
        ("{\"v\":0.10000000000000000001}\n", "v:decimal128(38,20)?", &["0.10000000000000000001"]),
        ("{\"v\":\"2024-01-31T00:00:00\"}\n", "v:timestamp(s)?", &["2024-01-31T00:00:00"]),
        ("{\"v\":[1,null]}\n{\"v\":null}\n", "v:list<i16?>?", &["[1, ]", "null"]),
        ("{\"v\":{\"a\":0.5}}\n", "v:struct<a:decimal128(5,2)?>?", &["{a: 0.50}"]),
        ("{\"v\":{\"a\":1,\"b\":2}}\n", "v:map<string,i8?>?", &["{a: 1, b: 2}"]),
    ] {
        assert_eq!(read("t.jsonl", text, target, CastMode::Refuse).unwrap(), expected, "{target}");
    }
}

#[test]
fn numbers_of_json_become_text_and_text_numbers_only_when_asked() {
    for (text, target, expected) in [
        ("{\"v\":1.50}\n{\"v\":\"x\"}\n{\"v\":true}\n", "v:string?", &["1.50", "x", "true"][..]),
        ("{\"v\":\"7\"}\n", "v:i64?", &["7"]),
        ("{\"v\":2.0}\n", "v:i64?", &["2"]),
        ("{\"v\":18446744073709551617}\n", "v:string?", &["18446744073709551617"]),
    ] {
        assert_eq!(read("t.jsonl", text, target, CastMode::Safe).unwrap(), expected, "{text}");
        let (_dir, path) = put("t.jsonl", text.as_bytes());
        let mut source = json_lines(&path).unwrap();
        let unasked = source.read_as(&[Attribute::parse(target).unwrap()], CastMode::Refuse);
        assert!(unasked.is_err() || types(&source) != [target], "{text}");
    }
    for (text, target) in [("{\"v\":1.5}\n", "v:i64?"), ("{\"v\":300}\n", "v:i8?")] {
        let error = read("t.jsonl", text, target, CastMode::Safe).unwrap_err().to_string();
        assert!(error.contains("t.jsonl: row 0: attribute \"v\""), "{error}");
    }
}

#[test]
fn values_without_a_type_in_common_are_named_with_their_rows() {
    for (text, reason) in [
        ("{\"v\":1}\n{\"v\":\"x\"}\n", "an integer in row 0, text in row 1"),
        ("{\"v\":18446744073709551617}\n", "an integer beyond u64 in row 0"),
        ("{\"v\":0.5}\n{\"v\":9007199254740993}\n", "an integer that an f64 would round in row 1"),
        ("{\"v\":1}\n{\"v\":[1]}\n", "an array in row 1, a plain value in rows before"),
        ("{\"v\":[1]}\n{\"v\":{}}\n", "an object in row 1, an array in rows before"),
        (
            "{\"v\":{\"a\":1}}\n{\"v\":{\"a\":true}}\n",
            "a: an integer in row 0, true or false in row 1",
        ),
        ("{\"v\":1e400}\n", "a number beyond f64 in row 0"),
    ] {
        let error = read("t.jsonl", text, "v:date32?", CastMode::Refuse).unwrap_err().to_string();
        assert!(error.contains("\"v\"") && error.contains(reason), "{error}");
    }
}

#[test]
fn no_row_of_one_column_vanishes() {
    for (text, expected) in
        [("x\n1\n\n3\n", 3), ("x\r\n1\r\n\r\n3\r\n", 3), ("x\n\n\n\n", 3), ("x\n1\n\n", 2)]
    {
        assert_eq!(read("t.csv", text, "x:string?", CastMode::Refuse).unwrap().len(), expected);
        let (_dir, path) = put("t.csv", text.as_bytes());
        assert_eq!(csv(&path).unwrap().row_count(), Some(expected as u64));
    }
}

#[test]
fn delimiters_headers_and_encodings_are_options() {
    let read = |bytes: &[u8], options: CsvOptions, charset: Option<&str>| {
        let (_dir, path) = put("t.csv", bytes);
        let charset = charset.map(|name| name.parse().unwrap());
        let mut source = TextSource::csv(&path, &options, charset)?;
        let found = types(&source).join(" ");
        let batch = rows(&mut source).remove(0);
        let row: Vec<_> = batch.columns().iter().map(|column| shown_at(column, 0)).collect();
        Ok::<_, ConvertError>(format!("{found} | {}", row.join(" ")))
    };
    let plain = CsvOptions::default();
    let semicolon = CsvOptions { delimiter: Some(b';'), ..plain.clone() };
    let no_header = CsvOptions { no_header: true, ..plain.clone() };
    let (_dir, path) = put("t.csv", b"a;b\n1;2\n");
    assert!(csv(&path).unwrap().remarks()[0].contains("--delimiter"));
    assert_eq!(read(b"a;b\n1,5;2\n", semicolon, None).unwrap(), "a:string? b:i64? | 1,5 2");
    assert_eq!(
        read(b"1,x\n2,y\n", no_header.clone(), None).unwrap(),
        "column_1:i64? column_2:string? | 1 x"
    );
    assert_eq!(read(b"\n2\n", no_header, None).unwrap(), "column_1:i64? | null");
    let latin = b"stra\xdfe\nK\xf6ln\n";
    assert_eq!(read(latin, plain.clone(), Some("latin1")).unwrap(), "straße:string? | Köln");
    assert_eq!(read(b"\xff\xfea\0\n\x001\0\n\0", plain.clone(), None).unwrap(), "a:i64? | 1");
    let error = read(latin, plain, None).unwrap_err();
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert!(why.contains("--charset"), "{why}");
}

#[test]
fn types_of_csv_columns_are_found_in_all_rows() {
    let text = "\u{feff}n,x,day,who,none\n1,2,2024-01-31,a,\n2,2.5,,\"b, c\",\n";
    let (_dir, path) = put("t.csv", text.as_bytes());
    let mut source = csv(&path).unwrap();
    assert_eq!(types(&source), ["n:i64?", "x:f64?", "day:date32?", "who:string?", "none:string?"]);
    assert_eq!(source.row_count(), Some(2));
    let batch = rows(&mut source).remove(0);
    assert_eq!(batch.column(1).as_primitive::<Float64Type>().values(), &[2.0, 2.5]);
    assert_eq!(batch.column(3).as_string::<i32>().value(1), "b, c");
    assert_eq!(batch.column(2).null_count(), 1);
}

#[test]
fn a_gzipped_table_is_looked_through() {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(b"a\tb\n1\t2\n").unwrap();
    let (_dir, path) = put("t.tsv.gz", &gzip.finish().unwrap());
    assert_eq!(types(&csv(&path).unwrap()), ["a:i64?", "b:i64?"]);
}

#[test]
fn broken_tables_are_errors_that_name_the_file() {
    for (name, text) in [("t.csv", ""), ("t.csv", "a,b\n1\n"), ("t.jsonl", "{\"a\":1}\n[1]\n")] {
        let (_dir, path) = put(name, text.as_bytes());
        let open = if name == "t.csv" { csv } else { json_lines };
        let error = open(&path).err().expect(text).to_string();
        assert!(error.contains(name), "{error}");
    }
}

#[test]
fn a_broken_line_of_json_is_named_with_its_offset_and_row() {
    for (line, reason) in [
        ("[1]", "not a JSON object"),
        ("{\"a\":", "not a JSON object: EOF"),
        ("{\"a\":1,\"a\":2}", "the key \"a\" is there twice"),
        ("{\"c\":{\"b\":1,\"b\":1}}", "the key \"b\" is there twice"),
        ("{\"c\":[{\"b\":1,\"b\":1}]}", "the key \"b\" is there twice"),
    ] {
        let (_dir, path) = put("t.jsonl", format!("{{\"a\":1}}\n\n{line}\n").as_bytes());
        let error = json_lines(&path).err().unwrap().to_string();
        assert!(
            error.contains("t.jsonl: byte 9: line of row 1: ") && error.contains(reason),
            "{error}"
        );
    }
}

#[test]
fn json_lines_become_columns_and_lists() {
    let text = "{\"a\":1,\"v\":[1,2.5],\"s\":{\"t\":\"x\"},\"n\":null}\n{\"v\":[],\"a\":null}\n";
    let (_dir, path) = put("t.jsonl", text.as_bytes());
    let mut source = json_lines(&path).unwrap();
    let mut found = types(&source);
    found.sort();
    assert_eq!(found, ["a:i64?", "n:string?", "s:struct<t:string?>?", "v:list<f64?>?"]);
    let batch = rows(&mut source).remove(0);
    assert_eq!(batch.column_by_name("a").unwrap().as_primitive::<Int64Type>().value(0), 1);
    assert_eq!(batch.column_by_name("v").unwrap().as_list::<i32>().value(0).len(), 2);
}
