use std::io::Write;
use std::path::PathBuf;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use tempfile::TempDir;
use tenrow_values::CastMode;

use super::*;

fn format(name: &str) -> Format {
    Format::named(name, Purpose::Import).unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap()
}

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn names(source: &dyn Source) -> Vec<&str> {
    source.attributes().iter().map(|a| a.name.as_str()).collect()
}

fn count_rows(mut source: Box<dyn Source>) -> usize {
    std::iter::from_fn(|| source.next_batch().unwrap()).map(|batch| batch.num_rows()).sum()
}

const LABELS: &[u8] = &[0, 0, 8, 1, 0, 0, 0, 2, 7, 9];
const IMAGES: &[u8] = &[0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 1, 1, 2];

#[test]
fn content_tells_the_format_whatever_the_name() {
    let folder = Folder::new();
    for (bytes, expected) in [
        (&b"\x93NUMPY\x01\0"[..], format("npy")),
        (b"PK\x03\x04", format("npz")),
        (b"PAR1\x15\0..", format("parquet")),
        (LABELS, format("idx")),
        (b" \n{\"a\": 1}", format("jsonl")),
        (b"GIF89a\x01\0\x01\0", format("images")),
    ] {
        assert_eq!(detect(folder.put("x.csv", bytes)).unwrap(), expected);
        assert_eq!(detect(folder.put("x", &gzip(bytes))).unwrap(), expected);
    }
    assert_eq!(detect(folder.put("x.csv", b"a,b")).unwrap(), format("csv"));
    assert_eq!(detect(folder.put("x.csv.gz", &gzip(b"a,b"))).unwrap(), format("csv"));
}

#[test]
fn unknown_content_is_an_error_with_the_first_bytes() {
    let folder = Folder::new();
    for (bytes, shown) in [(&b"\x80\x04\x95"[..], "80 04 95"), (b"", "empty"), (b"a,b", "61 2c 62")]
    {
        let error = detect(folder.put("x.bin", bytes)).unwrap_err().to_string();
        assert!(error.contains("x.bin: unknown format") && error.contains(shown), "{error}");
    }
    assert!(detect(Path::new("/nowhere")).unwrap_err().to_string().contains("cannot open"));
}

#[test]
fn folders_are_parquet_or_datasets_or_have_to_be_told() {
    let folder = Folder::new();
    folder.put("p/a=1/x.parquet", b"PAR1");
    folder.put("p/_SUCCESS", b"");
    folder.put("i/x.parquet", b"PAR1");
    folder.put("i/y.png", b"");
    folder.put("d/_tenrow/latest", b"");
    let found = |name: &str| detect(folder.0.path().join(name));
    assert_eq!(found("p").unwrap(), format("parquet"));
    // It could be either, and neither is taken for granted.
    assert!(found("i").unwrap_err().to_string().contains("beside y.png"));
    assert!(found("d").unwrap_err().to_string().contains("tenrow dataset"));
}

#[test]
fn idx_files_are_paired_in_the_order_given() {
    let folder = Folder::new();
    let paths = [
        folder.put("a", LABELS),
        folder.put("b", IMAGES),
        folder.put("c", LABELS),
        folder.put("d", IMAGES),
    ];
    let source = open(&paths, None, &OpenOptions::default()).unwrap();
    assert_eq!(names(source.as_ref()), ["image", "label"]);
    assert_eq!((source.row_count(), count_rows(source)), (Some(4), 4));
    let error = open(&paths[..3], None, &OpenOptions::default()).err().unwrap().to_string();
    assert!(error.contains("pairs"), "{error}");
}

#[test]
fn tables_of_the_same_columns_follow_each_other_and_others_are_refused() {
    let folder = Folder::new();
    let a = folder.put("a.csv", b"x,y\n1,2\n");
    let b = folder.put("b.csv", b"y,x\n2,1\n3,4\n");
    let c = folder.put("c.csv", b"x,y\n1,z\n");
    let options = OpenOptions::default();
    assert_eq!(count_rows(open(&[a.clone(), b], None, &options).unwrap()), 3);
    let mut source = open(&[a.clone(), c], None, &options).unwrap();
    let attributes = source.attributes().to_vec();
    let error = source.read_as(&attributes, CastMode::Refuse).err().unwrap().to_string();
    assert!(error.contains("c.csv") && error.contains("found string, expected i64"), "{error}");
    source.read_as(&attributes, CastMode::Safe).unwrap();
    source.next_batch().unwrap();
    let error = source.next_batch().unwrap_err().to_string();
    assert!(error.contains("c.csv: row 0") && error.contains("\"z\""), "{error}");
    let d = folder.put("d", LABELS);
    let error = open(&[a, d], None, &options).err().unwrap().to_string();
    assert!(error.contains("found idx") && error.contains("is csv"), "{error}");
}

#[test]
fn names_are_checked_after_renaming() {
    let folder = Folder::new();
    let paths = [folder.put("a.csv", b"_x,y\n1,2\n")];
    let options = OpenOptions::default();
    let error = open(&paths, None, &options).err().unwrap().to_string();
    assert!(error.contains("column \"_x\"") && error.contains("--rename"), "{error}");
    let source = open(&paths, None, &options.clone().with_rename("_x", "x")).unwrap();
    assert_eq!(names(source.as_ref()), ["x", "y"]);
    let error = open(&paths, None, &options.with_rename("z", "x")).err().unwrap().to_string();
    assert!(error.contains("\"z\"") && error.contains("\"_x\", \"y\""), "{error}");
}

#[test]
fn text_that_begins_like_another_format_is_what_its_name_says() {
    let folder = Folder::new();
    for header in ["BMI,age", "BMW", "GIF89a,x", "<svg,y", "PAR1,z", "ID3", "RIFFWEBP", "{x}"] {
        let table = folder.put("x.csv", format!("{header}\n1,2\n").as_bytes());
        assert_eq!(detect(&table).unwrap(), format("csv"), "{header}");
        let zipped = folder.put("x.tsv.gz", &gzip(format!("{header}\n1\n").as_bytes()));
        assert_eq!(detect(&zipped).unwrap(), format("csv"), "{header}");
    }
    let drawing = folder.put("x.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>");
    assert_eq!(detect(&drawing).unwrap(), format("images"));
    let wide = folder.put("wide.csv", b"\xff\xfea\0\n\0");
    assert_eq!(detect(&wide).unwrap(), format("csv"));
}

#[test]
fn a_folder_of_tables_is_a_table_whatever_tells_about_it() {
    for (name, content, format) in [
        ("a.csv", &b"x\n1\n"[..], format("csv")),
        ("a.jsonl", b"{\"x\":1}\n", format("jsonl")),
        ("a.tsv.gz", b"x\n1\n", format("csv")),
    ] {
        let folder = Folder::new();
        let content = if name.ends_with("gz") { gzip(content) } else { content.to_vec() };
        folder.put(&format!("data/{name}"), &content);
        folder.put("README.md", b"about");
        folder.put("_SUCCESS", b"");
        let root = folder.0.path().to_owned();
        assert_eq!(detect(&root).unwrap(), format);
        let source = open(std::slice::from_ref(&root), None, &OpenOptions::default()).unwrap();
        assert!(source.remarks()[0].contains("README.md"), "{:?}", source.remarks());
        assert_eq!(names(source.as_ref()), ["x"]);
        assert_eq!(count_rows(source), 1);
        // What might be a row is not left out unasked.
        folder.put("data/photo.png", b"\x89PNG\r\n\x1a\n");
        let error = detect(&root).unwrap_err().to_string();
        assert!(error.contains("photo.png") && error.contains("--format"), "{error}");
        let source = open(&[root], Some(format), &OpenOptions::default()).unwrap();
        assert_eq!(count_rows(source), 1);
    }
}

#[test]
fn keys_of_folders_are_columns_of_the_type_that_all_of_them_have() {
    let folder = Folder::new();
    folder.put("t/year=2020/kind=a/x.csv", b"v\n1\n");
    folder.put("t/year=2021/kind=__HIVE_DEFAULT_PARTITION__/x.csv", b"v\n2\n");
    let root = [folder.0.path().join("t")];
    let mut source = open(&root, None, &OpenOptions::default()).unwrap();
    let types: Vec<_> =
        source.attributes().iter().map(|a| format!("{}:{}", a.name, a.type_text())).collect();
    assert_eq!(types, ["v:i64?", "year:i64?", "kind:string?"]);
    let batch = source.next_batch().unwrap().unwrap();
    assert_eq!(batch.column(1).as_primitive::<Int64Type>().values(), &[2020]);
    assert_eq!(batch.column(2).as_string::<i32>().value(0), "a");
    assert_eq!(source.next_batch().unwrap().unwrap().column(2).null_count(), 1);
    // A key that is a column too is that column.
    folder.put("t/year=2020/kind=a/x.csv", b"v,year\n1,7\n");
    let own = [folder.0.path().join("t/year=2020")];
    let source = open(&own, None, &OpenOptions::default()).unwrap();
    assert_eq!(names(source.as_ref()), ["v", "year", "kind"]);
    // Codes are no numbers.
    folder.put("u/zip=01234/x.csv", b"v\n1\n");
    let source = open(&[folder.0.path().join("u")], None, &OpenOptions::default()).unwrap();
    assert_eq!(source.attributes()[1].type_text(), "string?");
}

#[test]
fn columns_without_a_name_or_with_one_twice_can_be_renamed_as_the_error_says() {
    let folder = Folder::new();
    let options = OpenOptions::default();
    for (text, advice, renames, expected) in [
        (",x\n0,1\n", "--rename =NAME", &[("", "row")][..], ["row", "x"]),
        ("a/b,x\n0,1\n", "--rename a/b=NAME", &[("a/b", "ab")], ["ab", "x"]),
        ("_a=b,x\n0,1\n", "--rename _a=b=NAME", &[("_a=b", "ab")], ["ab", "x"]),
        ("a,A\n0,1\n", "--rename a=NAME", &[("a", "b")], ["b", "A"]),
        ("a,a\n0,1\n", "--rename a=NAME", &[("a", "b"), ("a", "c")], ["b", "c"]),
    ] {
        let paths = [folder.put("a.csv", text.as_bytes())];
        let error = open(&paths, None, &options).err().expect(text).to_string();
        assert!(error.contains(advice), "{error}");
        let renamed =
            renames.iter().fold(options.clone(), |o, (from, to)| o.with_rename(*from, *to));
        let source = open(&paths, None, &renamed).unwrap();
        assert_eq!(names(source.as_ref()), expected);
    }
}

/// A file of whole numbers before one of fractions was refused, or its types taken for all.
#[test]
fn types_of_text_are_those_that_keep_the_values_of_every_file() {
    let folder = Folder::new();
    for (texts, expected) in [
        (&["x\n1\n", "x\n2.5\n"][..], "f64?"),
        (&["x\n1\n", "x\n18446744073709551615\n"], "u64?"),
        (&["x,y\n,1\n", "x,y\n2,1\n"], "i64?"),
        (&["x\n2024-01-31\n", "x\n2024-01-31 10:00:00\n"], "timestamp(us)?"),
    ] {
        let file = |(i, text): (usize, &&str)| folder.put(&format!("{i}.csv"), text.as_bytes());
        let paths: Vec<_> = texts.iter().enumerate().map(file).collect();
        let source = open(&paths, None, &OpenOptions::default()).unwrap();
        assert_eq!(source.attributes()[0].type_text(), expected, "{texts:?}");
        assert_eq!(count_rows(source), 2);
    }
    let a = folder.put("a.jsonl", b"{\"v\":[1]}\n{\"v\":[]}\n");
    let b = folder.put("b.jsonl", b"{\"v\":[0.5]}\n");
    let source = open(&[a, b], None, &OpenOptions::default()).unwrap();
    assert_eq!(source.attributes()[0].type_text(), "list<f64?>?");
    assert_eq!(count_rows(source), 3);
}

#[test]
fn some_attributes_can_be_chosen_whatever_the_others_are() {
    let folder = Folder::new();
    let table = [folder.put("a.csv", b"a,_b,c\n1,2,3\n")];
    let only = |names: &[&str]| OpenOptions {
        only: names.iter().map(|name| (*name).to_owned()).collect(),
        ..OpenOptions::default()
    };
    let source = open(&table, None, &only(&["c", "a"])).unwrap();
    assert_eq!(names(source.as_ref()), ["a", "c"]);
    let error = open(&table, None, &only(&["d"])).err().unwrap().to_string();
    assert!(error.contains("\"d\"") && error.contains("\"_b\""), "{error}");

    let path = folder.0.path().join("x.npz");
    let mut writer = crate::NpzWriter::create(&path).unwrap();
    for (name, rows) in [("x_train", 2), ("y_train", 2), ("x_test", 1)] {
        writer.start_array(name, tenrow::DType::I64, &[], rows).unwrap();
        let column: arrow_array::ArrayRef =
            std::sync::Arc::new(arrow_array::Int64Array::from_iter_values(0..rows as i64));
        writer.write(&column).unwrap();
    }
    writer.finish().unwrap();
    let paths = [path];
    let error = open(&paths, None, &OpenOptions::default()).err().unwrap().to_string();
    assert!(error.contains("--only x_train") && error.contains("x_test"), "{error}");
    let source = open(&paths, None, &only(&["x_train", "y_train"])).unwrap();
    assert_eq!(names(source.as_ref()), ["x_train", "y_train"]);
    assert_eq!(count_rows(source), 2);
    let source = open(&paths, None, &only(&["x_test"])).unwrap();
    assert_eq!(count_rows(source), 1);
}
