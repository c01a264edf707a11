use super::*;

/// The table of `docs/formats.md`, as the table here has it.
fn table() -> String {
    let mut lines = vec![
        "| format | is | files are called | imported | exported | answers of SQL |".to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    for format in Format::all() {
        let extensions: Vec<_> = format.extensions().map(|known| format!("`.{known}`")).collect();
        let [imported, exported, answers] = [Purpose::Import, Purpose::Export, Purpose::Answers]
            .map(|purpose| if format.serves(purpose) { "yes" } else { "" });
        let (name, what, extensions) = (format.name(), format.what(), extensions.join(", "));
        lines.push(format!(
            "| `{name}` | {what} | {extensions} | {imported} | {exported} | {answers} |"
        ));
    }
    lines.join("\n")
}

#[test]
fn the_documents_show_the_table_of_formats() {
    let document = include_str!("../../../../docs/formats.md");
    let (expected, lines) = (table(), document.lines().filter(|line| line.starts_with('|')));
    assert_eq!(lines.collect::<Vec<_>>().join("\n"), expected, "it should be:\n{expected}");
}

#[test]
fn every_name_and_extension_is_its_format() {
    let mut known = Vec::new();
    for format in Format::all() {
        for purpose in [Purpose::Import, Purpose::Export, Purpose::Answers] {
            let named = Format::named(format.name(), purpose);
            match format.serves(purpose) {
                true => assert_eq!(named.unwrap(), format),
                false => drop(named.unwrap_err()),
            }
        }
        for extension in format.extensions() {
            assert!(!known.contains(&extension), "{extension} is of two formats");
            known.push(extension);
        }
        for extension in format.0.extensions.iter().filter(|_| format.serves(Purpose::Export)) {
            let path = format!("rows.{}", extension.to_uppercase());
            assert_eq!(Format::of_path(path.as_ref(), Purpose::Export).unwrap(), format);
        }
    }
    assert!(known.len() >= 9, "{known:?}");
}

#[test]
fn what_is_no_format_is_told_which_there_are() {
    let says = |found: Result<Format>| found.unwrap_err().to_string();
    let error = says(Format::of_path("rows.xlsx".as_ref(), Purpose::Answers));
    assert!(error.starts_with("rows.xlsx: unknown extension: known are .parquet, "), "{error}");
    assert!(!error.contains(".npy"), "{error}");
    let error = says(Format::named("table", Purpose::Import));
    assert!(error.starts_with("table: not a format: known are parquet, arrow, "), "{error}");
    let error = says(Format::named("json", Purpose::Import));
    assert!(error.starts_with("json: it can only be written: known are parquet, "), "{error}");
    let error = says(Format::named("idx", Purpose::Export));
    assert!(error.starts_with("idx: it can only be imported: known are parquet, "), "{error}");
    let error = says(Format::of_path("x.npz".as_ref(), Purpose::Answers));
    assert!(error.contains("not from the answers of queries: known are .parquet, "), "{error}");
    // A file of tabs that is written would hold commas.
    says(Format::of_path("x.tsv".as_ref(), Purpose::Export));
    assert_eq!(Format::of_path("x.tsv".as_ref(), Purpose::Import).unwrap().name(), "csv");
}
