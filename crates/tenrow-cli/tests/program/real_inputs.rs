//! Files as people have them: what comes in is what they hold, and what cannot is refused by name.

use serde_json::{Value, json};

use crate::desk::Desk;

/// The rows as `take` writes them.
fn rows(desk: &Desk, dataset: &str) -> Vec<Value> {
    let count = desk.json(&["info", dataset, "--json"])["rows"].as_u64().unwrap();
    desk.ok(&["take", dataset, "--rows", &format!("0..{count}"), "--out", "seen.jsonl", "--force"]);
    let text = String::from_utf8(desk.read("seen.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn text_is_read_as_the_type_that_its_attribute_has() {
    let desk = Desk::new();
    desk.write("t.csv", "s,d,u\n01234,1.10,18446744073709551615\n1.50,0.3,0\n");
    desk.ok(&["create", "ds", "-a", "s:string", "-a", "d:decimal128(20,18)", "-a", "u:u64"]);
    desk.ok(&["import", "ds", "t.csv"]);
    assert_eq!(desk.column("ds", "s"), ["01234", "1.50"]);
    assert_eq!(desk.column("ds", "u")[0].as_u64(), Some(u64::MAX));
    desk.ok(&["take", "ds", "--rows", "0", "--out", "one.jsonl"]);
    let text = String::from_utf8(desk.read("one.jsonl")).unwrap();
    assert!(text.contains("1.100000000000000000"), "{text}");
}

/// What tenrow writes as JSON Lines, it reads as what it was.
#[test]
fn every_plain_type_comes_back_from_our_own_export() {
    let desk = Desk::new();
    let attributes = [
        ("a:bool?", json!(true)),
        ("b:i8?", json!(-7)),
        ("c:u64?", json!(u64::MAX)),
        ("d:i64?", json!(i64::MIN)),
        ("e:f32?", json!(0.1)),
        ("f:f16?", json!(0.5)),
        ("g:string?", json!("01234")),
        ("h:date32?", json!("2024-02-29")),
        ("i:timestamp(us)?", json!("9999-12-31T23:59:59.000001")),
        ("j:timestamp(ms,Europe/Berlin)?", json!("2024-07-01T12:00:00+02:00")),
        ("k:decimal128(10,2)?", json!(12.34)),
        ("l:list<i64?>?", json!([1, null])),
        ("m:struct<x:string?,y:f64?>?", json!({ "x": "y", "y": 1.5 })),
        ("n:time64(us)?", json!("23:59:59.000001")),
        ("o:binary?", json!("00ff")),
    ];
    let mut create = vec!["create", "one"];
    let row: serde_json::Map<_, _> = attributes
        .iter()
        .map(|(attribute, value)| (attribute[..1].to_owned(), value.clone()))
        .collect();
    attributes.iter().for_each(|(attribute, _)| create.extend(["-a", attribute]));
    desk.ok(&create);
    create[1] = "two";
    desk.ok(&create);
    desk.write("in.jsonl", format!("{}\n{{}}\n", Value::Object(row)));
    desk.ok(&["import", "one", "in.jsonl"]);
    desk.ok(&["export", "one", "--folder", "out", "--format", "jsonl"]);
    desk.ok(&["import", "two", "out/data.jsonl"]);
    let (one, two) = (rows(&desk, "one"), rows(&desk, "two"));
    assert_eq!(one, two);
    assert_eq!(
        (&one[0]["j"], &one[0]["c"]),
        (&json!("2024-07-01T12:00:00+02:00"), &json!(u64::MAX))
    );
    assert!(one[1].as_object().unwrap().values().all(Value::is_null));
}

/// The program without SQL could not show a time of a zone.
#[test]
fn times_of_zones_are_shown_taken_and_exported_by_every_build() {
    let desk = Desk::new();
    desk.write("t.csv", "t\n2018-01-04 09:01:00+09:00\n2018-01-04T00:01:00Z\n");
    desk.ok(&["import", "ds", "t.csv"]);
    assert_eq!(desk.column("ds", "t"), ["2018-01-04T00:01:00Z"; 2]);
    assert!(desk.ok(&["head", "ds"]).contains("2018-01-04"));
    desk.ok(&["create", "tokyo", "-a", "t:timestamp(s,Asia/Tokyo)"]);
    desk.ok(&["import", "tokyo", "t.csv"]);
    assert!(desk.ok(&["get", "tokyo", "0"]).contains("09:01:00"));
    desk.ok(&["export", "tokyo", "--folder", "out", "--format", "jsonl"]);
    assert!(String::from_utf8(desk.read("out/data.jsonl")).unwrap().contains("+09:00"));
}

#[test]
fn tables_that_lose_rows_are_errors_or_keep_them() {
    let desk = Desk::new();
    desk.write("one.csv", "x\n1\n\n3\n").ok(&["import", "one", "one.csv"]);
    assert_eq!(desk.column("one", "x"), [json!(1), json!(null), json!(3)]);
    desk.write("quote.csv", "id,t\n1,\"never closed\n2,b\n");
    let complaint = desk.fails(&["import", "ds", "quote.csv"]);
    assert!(complaint.contains("quote.csv") && complaint.contains("line 2"), "{complaint}");
    desk.write("twice.jsonl", "{\"id\":1,\"id\":2}\n");
    let complaint = desk.fails(&["import", "ds", "twice.jsonl"]);
    assert!(complaint.contains("\"id\" is there twice"), "{complaint}");
    desk.write("hive/year=2020/x.csv", "x\n1\n").write("hive/year=2021/x.csv", "x\n2\n");
    desk.ok(&["import", "hive-ds", "hive"]);
    assert_eq!(desk.column("hive-ds", "year"), [2020, 2021]);
    desk.ok(&["export", "one", "--folder", "lake/year=2020", "--format", "parquet"]);
    let complaint = desk.fails(&["import", "placed", "lake", "--in-place"]);
    assert!(complaint.contains("year") && complaint.contains("--in-place"), "{complaint}");
    desk.ok(&["export", "hive-ds", "--folder", "own/year=2020", "--format", "parquet"]);
    desk.ok(&["import", "own-ds", "own", "--in-place"]);
    assert_eq!(desk.column("own-ds", "year"), [2020, 2021]);
    assert!(!desk.path("placed").exists() && !desk.path("ds").exists());
}

#[test]
fn files_that_are_there_stay_unless_they_are_to_be_replaced() {
    let desk = Desk::new();
    desk.write("t.csv", "x,y\n1,a\n").ok(&["import", "ds", "t.csv"]);
    desk.write("out/data.jsonl", "old").write("out/x.npy", "old").write("one.npy", "old");
    for command in [
        &["take", "ds", "--rows", "0", "--out", "out/data.jsonl"][..],
        &["export", "ds", "--folder", "out", "--format", "jsonl"],
        &["export", "ds", "--folder", "out", "--format", "npy"],
        &["get", "ds", "0", "-a", "x", "--out", "one.npy"],
    ] {
        let complaint = desk.fails(command);
        assert!(complaint.contains("--force"), "{complaint}");
        for name in ["out/data.jsonl", "out/x.npy", "one.npy"] {
            assert!(!command.contains(&name) || desk.read(name) == b"old");
        }
        desk.ok(&[command, &["--force"]].concat());
    }
    assert_eq!(std::fs::read_dir(desk.path("out")).unwrap().count(), 2);
}

#[test]
fn an_export_that_fails_leaves_nothing_behind() {
    let desk = Desk::new();
    desk.write("t.jsonl", "{\"x\":1}\n{\"x\":null}\n").ok(&["import", "ds", "t.jsonl"]);
    for format in ["npz", "npy"] {
        let complaint = desk.fails(&["export", "ds", "--folder", "out", "--format", format]);
        assert!(complaint.contains("row 1"), "{complaint}");
        assert_eq!(std::fs::read_dir(desk.path("out")).unwrap().count(), 0, "{format}");
    }
}

#[test]
fn what_json_has_no_form_for_is_said() {
    let desk = Desk::new();
    desk.write("t.csv", "x\nNaN\ninf\n1.5\n").ok(&["import", "ds", "t.csv"]);
    let remarks = desk.remarks(&["take", "ds", "--rows", "0..3", "--out", "x.jsonl"]);
    assert!(remarks.contains("x: 2 NaN or infinite"), "{remarks}");
    let remarks = desk.remarks(&["export", "ds", "--folder", "out", "--format", "jsonl"]);
    assert!(remarks.contains("became null"), "{remarks}");
    assert!(desk.remarks(&["export", "ds", "--folder", "out", "--format", "parquet"]).is_empty());
}

#[test]
fn odd_tables_come_in_by_options_that_errors_name() {
    let desk = Desk::new();
    desk.write("index.csv", ",x\n0,1\n");
    let complaint = desk.fails(&["import", "ds", "index.csv"]);
    assert!(complaint.contains("--rename =NAME"), "{complaint}");
    desk.ok(&["import", "ds", "index.csv", "--rename", "=row"]);
    assert_eq!(desk.column("ds", "row"), [0]);
    desk.write("german.csv", &b"stra\xdfe;x\nK\xf6ln;1,5\n"[..]);
    let complaint = desk.fails(&["import", "de", "german.csv", "--delimiter", ";"]);
    assert!(complaint.contains("--charset"), "{complaint}");
    desk.ok(&["import", "de", "german.csv", "--delimiter", ";", "--charset", "windows-1252"]);
    assert_eq!(desk.column("de", "straße"), ["Köln"]);
    desk.write("bare.csv", "1,a\n2,b\n");
    desk.ok(&["import", "bare", "bare.csv", "--no-header", "--rename", "column_2=name"]);
    assert_eq!(desk.column("bare", "name"), ["a", "b"]);
    desk.ok(&["import", "part", "bare.csv", "--no-header", "--only", "column_1"]);
    assert_eq!(desk.column("part", "column_1"), [1, 2]);
}

#[test]
fn a_cast_counts_among_the_files_of_one_import_too() {
    let desk = Desk::new();
    desk.write("in/a.csv", "x\n1\n").write("in/b.csv", "x\n2.0\n").write("in/c.csv", "x\n2.5\n");
    desk.ok(&["import", "floats", "in"]);
    assert_eq!(desk.column("floats", "x"), [1.0, 2.0, 2.5]);
    desk.ok(&["create", "ds", "-a", "x:i64"]);
    let complaint = desk.fails(&["import", "ds", "in"]);
    assert!(complaint.contains("b.csv") && complaint.contains("--cast"), "{complaint}");
    let complaint = desk.fails(&["import", "ds", "in", "--cast", "safe"]);
    assert!(complaint.contains("c.csv: row 0") && complaint.contains("2.5"), "{complaint}");
    desk.ok(&["import", "ds", "in", "--cast", "lossy"]);
    assert_eq!(desk.column("ds", "x"), [1, 2, 2]);
    for (name, attribute) in [("whole", "x:i8"), ("wide", "x:i64")] {
        desk.ok(&["create", name, "-a", attribute]);
        desk.write("one.csv", "x\n3\n").ok(&["import", name, "one.csv"]);
        desk.ok(&["export", name, "--folder", name, "--format", "parquet"]);
    }
    let both = ["whole/data.parquet", "wide/data.parquet"];
    let complaint = desk.fails(&[&["import", "both"][..], &both].concat());
    assert!(complaint.contains("wide/data.parquet") && complaint.contains("--cast"), "{complaint}");
    desk.ok(&[&["import", "both"][..], &both, &["--cast", "safe"]].concat());
    assert_eq!(desk.column("both", "x"), [3, 3]);
}

#[test]
fn pictures_are_labelled_by_their_own_folder_and_documents_are_left_out() {
    let desk = Desk::new();
    for place in ["train/cat/a.bin", "train/dog/b.bin", "test/cat/c.bin"] {
        desk.write(&format!("in/{place}"), "x");
    }
    desk.write("in/README.txt", "about");
    let remarks = desk.remarks(&["import", "ds", "in"]);
    assert!(remarks.contains("README.txt"), "{remarks}");
    assert_eq!(desk.column("ds", "label"), ["cat", "cat", "dog"]);
    desk.ok(&["import", "all", "in", "--format", "images"]);
    assert_eq!(desk.json(&["info", "all", "--json"])["rows"], 4);
}
