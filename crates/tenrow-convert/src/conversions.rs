//! The tables of `docs/conversions.md`, by two doors: typed columns, and files of text.

use arrow_array::ArrayRef;
use tenrow::{Attribute, Schema};
use tenrow_values::{CastMode, Result, cast_batch, cast_column};

use crate::{OpenOptions, Source, open};

fn attributes(texts: &[&str]) -> Vec<Attribute> {
    texts.iter().map(|text| Attribute::parse(text).unwrap()).collect()
}

const TABLES: &str = include_str!("../../../docs/conversions.md");
const MODES: [CastMode; 4] = [CastMode::Refuse, CastMode::Safe, CastMode::Round, CastMode::Lossy];

/// The cells of the table below a heading, without their marks.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, section) = TABLES.split_once(&format!("## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| `"));
    let cells = |line: &'static str| {
        line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect()
    };
    lines.map(cells).collect()
}

/// A value of the table as text that a file has it as.
fn in_file(kind: &str, value: &str) -> String {
    match kind {
        _ if kind.starts_with("duration") => format!("\"PT{value}S\""),
        "binary" => format!("\"{:x}\"", value.trim_matches('"').as_bytes()[0]),
        _ => value.to_owned(),
    }
}

/// The source of a file whose only row has this value.
fn source(name: &str, content: String) -> (tempfile::TempDir, Box<dyn Source>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, content).unwrap();
    let source = open(&[path], None, &OpenOptions::default()).unwrap();
    (folder, source)
}

fn imported(source: &mut dyn Source, target: &str, mode: CastMode) -> Result<ArrayRef> {
    let target = attributes(&[&format!("x:{target}?")]);
    source.read_as(&target, mode)?;
    let from = source.attributes().to_vec();
    let batch = source.next_batch()?.unwrap();
    let to = Schema::new(target).unwrap();
    Ok(cast_batch(&batch, &from, &to, mode, 0, "file")?.column(0).clone())
}

fn column(kind: &str, value: &str) -> ArrayRef {
    let (_folder, mut source) = source("x.jsonl", format!("{{\"x\": {}}}\n", in_file(kind, value)));
    imported(source.as_mut(), kind, CastMode::Lossy).unwrap()
}

fn check(found: Result<ArrayRef>, to: &str, expected: &str, what: &str) {
    match found {
        Ok(found) if expected != "—" => {
            assert_eq!(found.as_ref(), column(to, expected).as_ref(), "{what}");
        }
        Err(error) if expected == "—" => {
            assert!(error.to_string().contains("\"x\""), "{what}: {error}");
        }
        Ok(found) => panic!("{what}: {found:?}, where it is refused"),
        Err(error) => panic!("{what}: {error}, where {expected} is expected"),
    }
}

#[test]
fn values_of_a_type_become_what_the_table_says() {
    let rows = rows("Values of a type");
    assert!(rows.len() > 40);
    for row in rows {
        let [kind, value, to, ref expected @ ..] = row[..] else { panic!("{row:?}") };
        let column = column(kind, value);
        let [found, target] = [kind, to].map(|kind| attributes(&[&format!("x:{kind}?")]).remove(0));
        for (mode, expected) in MODES.into_iter().zip(expected) {
            let cast = cast_column(&column, &found, &target, mode, 0, "rows");
            check(cast, to, expected, &format!("{kind} {value} to {to} by {mode:?}"));
        }
    }
}

#[test]
fn numbers_of_text_are_read_as_the_table_says() {
    let rows = rows("Numbers without a type");
    assert!(rows.len() > 10);
    for row in rows {
        let [value, to, ref expected @ ..] = row[..] else { panic!("{row:?}") };
        for (mode, expected) in MODES.into_iter().zip(expected) {
            let json = format!("{{\"x\": {value}}}\n");
            for (name, content) in [("x.jsonl", json), ("x.csv", format!("x\n{value}\n"))] {
                let (_folder, mut source) = source(name, content);
                let read = imported(source.as_mut(), to, mode);
                check(read, to, expected, &format!("{name}: {value} to {to} by {mode:?}"));
            }
        }
    }
}
