//! Rows of all kinds: created, imported, looked at, taken, exported.

use serde_json::json;

use crate::desk::{Desk, idx, npy_body, people};

#[test]
fn info_says_what_create_was_told() {
    let desk = Desk::new();
    desk.ok(&[
        "create",
        "ds",
        "--attribute",
        "image:u8[28,28]",
        "--attribute",
        "label:i64",
        "--attribute",
        "name:string?",
        "--attribute",
        "photo:file",
        "--attribute",
        "boxes:f32[?,5]",
        "--attribute",
        "level:u8[]",
        "--encoding",
        "image=zstd:3",
        "--property",
        "classes=10",
        "--property",
        "source=MNIST",
    ]);
    let info = desk.json(&["info", "ds", "--json"]);
    assert_eq!((&info["version"], &info["rows"]), (&1.into(), &0.into()));
    assert_eq!(info["properties"], serde_json::json!({ "classes": 10, "source": "MNIST" }));
    let attributes = info["attributes"].as_array().unwrap();
    let of =
        |key: &str| attributes.iter().map(|a| a[key].to_string()).collect::<Vec<_>>().join(" ");
    assert_eq!(of("kind"), r#""tensor" "scalar" "string" "file" "variable_tensor" "tensor""#);
    assert_eq!(of("dtype"), r#""u8" "i64" null null "f32" "u8""#);
    assert_eq!(of("shape"), "[28,28] [] null null [null,5] []");
    assert_eq!(of("nullable"), "false false true false false false");
    assert_eq!(attributes[0]["encoding"], "zstd:3");
    assert!(desk.ok(&["head", "ds"]).contains("no rows"));
}

#[test]
fn rows_come_in_the_order_asked_and_as_often() {
    let desk = people();
    desk.ok(&["take", "people", "--rows", "2,0..2,2", "--out", "rows.jsonl"]);
    let lines = desk.text("rows.jsonl");
    let lines: Vec<_> = lines.lines().collect();
    assert_eq!(lines.len(), 4);
    assert_eq!(lines[0], lines[3]);
    assert_eq!(lines[1], r#"{"name":"Ada","age":36}"#);
    desk.ok(&["take", "people", "--rows", "1", "-a", "age", "--out", "rows.parquet"]);
    desk.ok(&["import", "one", "rows.parquet"]);
    assert_eq!(desk.ok(&["get", "one", "0"]), "row 0\n  age  41\n");
}

#[test]
fn rows_are_shown_aligned_and_the_last_can_be_had() {
    let desk = people();
    assert_eq!(desk.ok(&["get", "people", "2"]), "row 2\n  name  \"Grace\"\n  age   85\n");
    assert_eq!(desk.ok(&["head", "people", "-n", "1"]), "row 0\n  name  \"Ada\"\n  age   36\n");
}

#[test]
fn a_second_source_is_cast_and_renamed_only_when_asked() {
    let desk = people();
    desk.write("more.csv", "who,age\nBarbara,71.0\n");
    let complaint = desk.fails(&["import", "people", "more.csv"]);
    assert!(complaint.contains("\"who\""), "{complaint}");
    let complaint = desk.fails(&["import", "people", "more.csv", "--rename", "who=name"]);
    assert!(complaint.contains("found f64, expected i64"), "{complaint}");
    desk.ok(&["import", "people", "more.csv", "--rename", "who=name", "--cast", "safe"]);
    assert!(desk.ok(&["get", "people", "3"]).contains("71"));
}

#[test]
fn files_of_a_folder_come_back_byte_for_byte() {
    let desk = Desk::new();
    let large = vec![7u8; 3 << 20];
    desk.write("in/cats/a.bin", b"small").write("in/large.bin", &large);
    desk.ok(&["import", "ds", "in"]);
    desk.ok(&["export", "ds", "--folder", "out", "--format", "images"]);
    assert_eq!(desk.read("out/cats/a.bin"), b"small");
    assert_eq!(desk.read("out/large.bin"), large);
    desk.ok(&["get", "ds", "1", "--attribute", "file", "--out", "large"]);
    assert_eq!(desk.read("large"), large);
    assert!(desk.remarks(&["files", "ds"]).contains("1 large file is not in these files"));
    desk.ok(&["export", "ds", "--folder", "out", "--format", "parquet"]);
    desk.ok(&["import", "again", "out/data.parquet"]);
    desk.ok(&["get", "again", "1", "--attribute", "file", "--out", "large-again"]);
    assert_eq!(desk.read("large-again"), large);
}

#[test]
fn an_export_says_what_it_leaves_out() {
    let desk = people();
    let remarks = desk.remarks(&["export", "people", "--folder", "out", "--format", "npz"]);
    assert!(remarks.contains("left out: column \"name\""), "{remarks}");
}

#[test]
fn parquet_files_are_indexed_in_place_and_must_not_change() {
    let desk = people();
    desk.ok(&["export", "people", "--folder", "out", "--format", "parquet"]);
    let arguments = ["import", "lake", "out/data.parquet", "--in-place", "--rename", "age=years"];
    desk.ok(&arguments);
    desk.ok(&arguments);
    assert!(desk.ok(&["get", "lake", "4"]).contains("years  41"));
    assert!(!desk.path("lake/data").exists(), "nothing was copied");
    assert!(desk.ok(&["files", "lake"]).contains("out/data.parquet"));
    desk.write("out/data.parquet", b"something else");
    assert!(desk.fails(&["get", "lake", "4"]).contains("data.parquet"));
}

#[test]
fn keys_get_folders_of_their_own() {
    let desk = Desk::new();
    desk.write("t.csv", "split,x\ntrain,1\ntest,2\ntrain,3\n");
    desk.ok(&["import", "ds", "t.csv", "--partition-by", "split"]);
    assert!(desk.path("ds/data/train").is_dir() && desk.path("ds/data/test").is_dir());
    assert_eq!(desk.json(&["info", "ds", "--json"])["partitions"], 2);
}

#[test]
fn idx_files_become_images_and_labels() {
    let desk = Desk::new();
    let pixels: Vec<u8> = (0..3 * 4).collect();
    desk.write("images", idx(&[3, 2, 2], &pixels)).write("labels", idx(&[3], &[5, 0, 4]));
    desk.ok(&["import", "ds", "images", "labels"]);
    assert_eq!(
        desk.ok(&["get", "ds", "2"]),
        "row 2\n  image  u8[2,2] [[8, 9], [10, 11]]\n  label  4\n"
    );
    desk.ok(&["export", "ds", "--folder", "out", "--format", "npy"]);
    assert_eq!(npy_body(&desk.read("out/image.npy")), pixels);
}

#[test]
fn every_command_about_rows_speaks_json() {
    let desk = people();
    let ada = json!({ "_row": 0, "_row_id": 0, "name": "Ada", "age": 36 });
    assert_eq!(desk.json(&["head", "people", "-n", "1", "--json"]), json!([ada]));
    desk.ok(&["delete", "people", "--rows", "0"]);
    let age = desk.json(&["get", "people", "0", "-a", "age", "--json"]);
    assert_eq!(age, json!({ "_row": 0, "_row_id": 1, "age": 41 }));
    let imported = desk.json(&["import", "people", "people.csv", "--json"]);
    assert_eq!((&imported["version"], &imported["rows"]), (&4.into(), &5.into()));
    assert_eq!((&imported["imported_rows"], &imported["created"]), (&3.into(), &false.into()));
    let taken = desk.json(&["take", "people", "--rows", "0", "--out", "rows.jsonl", "--json"]);
    assert_eq!(taken, json!({ "version": 4, "rows": 1, "path": "rows.jsonl" }));
    let exported = desk.json(&["export", "people", "--folder", "out", "--format", "npy", "--json"]);
    assert_eq!(exported["skipped"][0]["attribute"], "name");
    let created = desk.json(&["create", "ds", "-a", "x:bf16[2,2]", "--json"]);
    assert_eq!(created["attributes"], json!([{ "name": "x", "type": "bf16[2,2]" }]));
    desk.write("x.jsonl", r#"{"x":[[1,2],[3,4]]}"#);
    desk.ok(&["import", "ds", "x.jsonl", "--cast", "lossy"]);
    let row = desk.json(&["get", "ds", "0", "--json"]);
    assert_eq!(row, json!({ "_row": 0, "_row_id": 0, "x": [[1.0, 2.0], [3.0, 4.0]] }));
    desk.write("in/a.bin", "four").ok(&["import", "files", "in"]);
    let file = desk.json(&["get", "files", "0", "-a", "file", "--json"])["file"].clone();
    assert_eq!((&file["name"], &file["size_bytes"]), (&"a.bin".into(), &4.into()));
}

#[test]
fn tables_of_text_come_back_as_they_were() {
    let desk = Desk::new();
    let attributes =
        ["t:string?", "n:i64?", "v:f32[2]?", "w:f64[?]?", "l:list<i64?>?", "s:struct<a:i64?>?"];
    let create: Vec<&str> = attributes.iter().flat_map(|a| ["-a", a]).collect();
    for name in ["one", "two"] {
        desk.ok(&[&["create", name][..], &create].concat());
    }
    desk.write(
        "rows.jsonl",
        concat!(
            r#"{"t":"","n":1,"v":[1.5,2.5],"w":[0.1],"l":[1,null],"s":{"a":3}}"#,
            "\n{}\n",
            r#"{"t":"a,\"b\"\nc","n":2,"v":[0.1,3.0],"w":[],"l":[],"s":{"a":null}}"#,
        ),
    );
    desk.ok(&["import", "one", "rows.jsonl"]);
    desk.ok(&["export", "one", "--out", "one.csv"]);
    let text = desk.text("one.csv");
    assert!(text.starts_with("t,n,v,w,l,s\n\"\",1,\"[1.5,2.5]\","), "{text}");
    desk.ok(&["import", "two", "one.csv"]);
    let rows = |name: &str| {
        let rows = desk.json(&["head", name, "--json"]);
        let without_ids = |row: &serde_json::Value| {
            let mut row = row.as_object().unwrap().clone();
            row.remove("_row_id");
            row
        };
        rows.as_array().unwrap().iter().map(without_ids).collect::<Vec<_>>()
    };
    assert_eq!(rows("one"), rows("two"));
    desk.write("bad.csv", "v\n\"[1,2,3]\"\n").ok(&["create", "three", "-a", "v:f32[2]"]);
    let complaint = desk.fails(&["import", "three", "bad.csv"]);
    assert!(complaint.contains("row 0") && complaint.contains("a list of 3"), "{complaint}");
    desk.write("bad.csv", "v\n1;2\n");
    assert!(desk.fails(&["import", "three", "bad.csv"]).contains("it is not JSON"));
}

#[test]
fn a_number_may_be_a_tensor_of_no_dimensions() {
    let desk = Desk::new();
    desk.ok(&["create", "ds", "-a", "t:u8[]", "-a", "v:f32[?]"]);
    desk.write("t.jsonl", "{\"t\":3,\"v\":[0.1,1]}\n").ok(&["import", "ds", "t.jsonl"]);
    desk.write("t.csv", "t,v\n4,[]\n").ok(&["import", "ds", "t.csv"]);
    #[cfg(feature = "sql")]
    desk.ok(&["sql", "INSERT INTO ds VALUES (5, [2.0])"]);
    let rows = desk.json(&["head", "ds", "--json"]);
    let numbers: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["t"].clone()).collect();
    assert_eq!(numbers, [3, 4, 5][..if cfg!(feature = "sql") { 3 } else { 2 }]);
}

#[test]
fn the_name_of_a_file_says_what_is_exported() {
    let desk = people();
    desk.ok(&["export", "people", "--out", "people.parquet"]);
    assert!(desk.read("people.parquet").starts_with(b"PAR1"));
    let complaint = desk.fails(&["export", "people", "--out", "people.npz", "--format", "csv"]);
    assert!(complaint.contains("is the name of a npz file"), "{complaint}");
    assert!(desk.fails(&["export", "people", "--out", "folder"]).contains("--format"));
    assert!(desk.fails(&["export", "people", "--out", "people.parquet"]).contains("--force"));
    let complaint = desk.fails(&["export", "people", "--out", "s3://bucket/people.csv"]);
    assert!(complaint.contains("this machine"), "{complaint}");
    assert!(desk.fails(&["take", "people", "--rows", "0", "--out", "a.png"]).contains("parquet"));
}

#[test]
fn pictures_of_chosen_rows_are_one_sheet() {
    let desk = Desk::new();
    desk.ok(&["demo", "digits"]);
    desk.ok(&["take", "digits", "--rows", "0..5", "--attribute", "image", "--out", "five.png"]);
    // The header of a PNG file has the size of the picture.
    let sheet = desk.read("five.png");
    let side = |at: usize| u32::from_be_bytes(sheet[at..at + 4].try_into().unwrap());
    assert_eq!((side(16), side(20)), (3 * 30 + 2, 2 * 30 + 2));
    assert!(
        desk.fails(&["export", "digits", "--out", "none.npz", "--view", "x"]).contains("no view")
    );
}
