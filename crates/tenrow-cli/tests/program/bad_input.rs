//! What is refused, with which exit status, and what is left behind.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::desk::{Desk, idx, people};

#[test]
fn bad_usage_exits_with_2() {
    let desk = Desk::new();
    for arguments in [
        &["nonsense"][..],
        &["create", "ds"],
        &["create", "ds", "-a", "x:foo"],
        &["create", "ds", "-a", "x"],
        &["create", "ds", "-a", "x:u8", "--encoding", "x=best"],
        &["import", "ds"],
        &["import", "ds", "x.csv", "--decode", "0,5"],
        &["import", "ds", "x.csv", "--format", "xls"],
        &["import", "ds", "x.csv", "--in-place", "--cast", "safe"],
        &["export", "ds", "--folder", "out", "--format", "pdf"],
        &["get", "ds"],
    ] {
        desk.refused(arguments);
    }
}

#[test]
fn names_and_shapes_against_the_rules_are_refused_with_the_rule() {
    let desk = Desk::new();
    for (attribute, rule) in [
        (":u8", "not empty"),
        ("_row:u8", "start with `_`"),
        ("a/b:u8", "no `/`"),
        ("a\tb:u8", "control characters"),
        ("x:u8[4000000000,4000000000]", "elements"),
        ("x:u8[1073741825]", "over the limit"),
    ] {
        let complaint = desk.refused(&["create", "ds", "-a", attribute]);
        assert!(complaint.contains(rule), "{attribute}: {complaint}");
    }
    let complaint = desk.fails(&["create", "ds", "-a", "x:u8", "-a", "X:u8"]);
    assert!(complaint.contains("differ in more than case"), "{complaint}");
    assert!(!desk.path("ds").exists());
}

#[test]
fn rows_out_of_range_are_refused_with_the_number_of_rows() {
    let desk = Desk::new();
    desk.write("t.csv", "x\n1\n2\n3\n").ok(&["import", "ds", "t.csv"]);
    for row in ["-1", "3", "99999999999999999999999"] {
        assert!(desk.fails(&["get", "ds", row]).contains("has 3 rows"), "{row}");
    }
    for rows in ["-1", "0,3", "1..5", "2..1", "x"] {
        desk.fails(&["take", "ds", "--rows", rows, "--out", "out.jsonl"]);
    }
    assert!(!desk.path("out.jsonl").exists());
}

#[test]
fn a_place_without_a_dataset_stays_as_it_is() {
    let desk = Desk::new();
    for command in ["info", "head", "files", "versions", "verify"] {
        let complaint = desk.fails(&[command, "nothing"]);
        assert!(complaint.contains("not a tenrow dataset"), "{complaint}");
    }
    assert!(!desk.path("nothing").exists());
}

#[test]
fn a_broken_source_commits_nothing_and_is_named() {
    let desk = Desk::new();
    let whole = idx(&[3, 2, 2], &[1; 12]);
    desk.write("short", &whole[..20]).write("long", [&whole[..], b"x"].concat());
    desk.write("text", "hello").write("bad.jsonl", "{\"x\":1}\n{\"x\":\n");
    std::fs::create_dir(desk.path("empty")).unwrap();
    for source in ["short", "long", "text", "bad.jsonl", "empty", "missing", "-"] {
        let complaint = desk.fails(&["import", "ds", source]);
        assert!(complaint.contains(source), "{source}: {complaint}");
    }
    assert!(!desk.path("ds").exists());
}

#[test]
fn a_dataset_in_the_folder_that_it_is_made_from_is_refused() {
    let desk = Desk::new();
    desk.write("in/a.bin", "a");
    for dataset in ["in", "in/ds"] {
        let complaint = desk.fails(&["import", dataset, "in"]);
        assert!(complaint.contains("another place"), "{complaint}");
    }
    assert_eq!(std::fs::read_dir(desk.path("in")).unwrap().count(), 1);
}

#[test]
fn an_array_of_python_objects_is_refused() {
    let desk = Desk::new();
    let header = format!("{:<117}\n", "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }");
    let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    file.extend_from_slice(header.as_bytes());
    file.extend_from_slice(&[0; 8]);
    let complaint = desk.write("objects.npy", file).fails(&["import", "ds", "objects.npy"]);
    assert!(complaint.contains("pickle"), "{complaint}");
}

#[test]
fn a_value_that_does_not_fit_is_named_and_the_dataset_is_as_before() {
    let desk = Desk::new();
    desk.write("t.csv", "x\n1\n300\n").ok(&["create", "ds", "-a", "x:i8"]);
    let complaint = desk.fails(&["import", "ds", "t.csv", "--cast", "safe"]);
    for part in ["t.csv", "row 1", "\"x\"", "300"] {
        assert!(complaint.contains(part), "{complaint}");
    }
    assert_eq!(desk.json(&["info", "ds", "--json"])["version"], 1);
    desk.ok(&["import", "ds", "t.csv", "--cast", "lossy"]);
    assert!(desk.ok(&["get", "ds", "1"]).contains("127"));
}

#[test]
fn a_manifest_that_cannot_be_read_is_named() {
    let desk = Desk::new();
    desk.ok(&["create", "ds", "-a", "x:i8"]);
    let versions = desk.path("ds/_tenrow/versions");
    let root = std::fs::read_dir(versions).unwrap().next().unwrap().unwrap().path();
    let good = std::fs::read_to_string(&root).unwrap();
    std::fs::write(&root, good.replace("\"i8\"", "\"i9\"")).unwrap();
    assert!(desk.fails(&["info", "ds"]).contains(".json"));
    desk.fails(&["import", "ds", "t.csv"]);
    assert!(!desk.path("ds/data").exists());
}

#[test]
fn damage_is_found_by_verify_with_its_file() {
    let desk = Desk::new();
    let pixels = vec![9u8; 100 * 64];
    desk.write("images", idx(&[100, 8, 8], &pixels)).ok(&["import", "ds", "images"]);
    let files = desk.json(&["files", "ds", "--json"]);
    let path = files["files"][0]["path"].as_str().unwrap().to_owned();
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.windows(64).position(|window| window == &pixels[..64]).unwrap() + 700;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let complaint = desk.fails(&["verify", "ds", "--full"]);
    assert!(complaint.contains(".parquet"), "{complaint}");
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let desk = Desk::new();
    desk.write("x", idx(&[5000], &[1; 5000])).ok(&["import", "ds", "x"]);
    let mut child = Command::new(env!("CARGO_BIN_EXE_tenrow"))
        .args(["head", "-n", "5000"])
        .arg(desk.path("ds"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((first.as_str(), output.status.code()), ("row 0\n", Some(0)));
    assert!(output.stderr.is_empty());
}

#[cfg(not(feature = "sql"))]
#[test]
fn a_program_without_sql_says_how_to_build_one_that_has_it() {
    let complaint = Desk::new().fails(&["sql", "SELECT 1"]);
    assert!(complaint.contains("--features tenrow-cli/sql"), "{complaint}");
}

/// The path of a source was repeated with the password in it.
#[test]
fn sources_elsewhere_are_refused_without_their_credentials() {
    let desk = Desk::new();
    let complaint = desk.fails(&["import", "d", "http://user:marker@127.0.0.1:9/x.csv"]);
    assert!(complaint.contains("location") && !complaint.contains("marker"), "{complaint}");
    let complaint = desk.fails(&["import", "d", "s3://bucket/x.parquet", "--in-place"]);
    assert!(complaint.contains("cannot stay where they are"), "{complaint}");
}

/// Once its first version was gone, a dataset was created over an existing one, and said to be new.
#[test]
fn a_dataset_is_not_created_where_there_is_one_whose_first_version_is_gone() {
    let desk = people();
    desk.ok(&["delete", "people", "--rows", "0"]);
    desk.ok(&["expire", "people", "--keep-last", "1"]);
    desk.ok(&["vacuum", "people", "--older-than", "0s"]);
    let before = desk.json(&["info", "people", "--json"]);
    for arguments in [
        &["create", "people", "-a", "x:i64"][..],
        &["clone", "people", "people"],
        &["clone", "people", "people", "--copy"],
    ] {
        let complaint = desk.fails(arguments);
        assert!(complaint.contains("is a tenrow dataset already"), "{complaint}");
    }
    assert_eq!(desk.json(&["info", "people", "--json"]), before);
    assert_eq!(desk.json(&["versions", "people", "--json"]).as_array().unwrap().len(), 2);
}

/// Without a row nothing was looked at: other columns, and a charset in which all was one line of names, "succeeded".
#[test]
fn columns_are_compared_though_there_is_no_row() {
    let desk = people();
    desk.write("other.csv", "zzz\n").write("none.csv", "name,age\n");
    let complaint = desk.fails(&["import", "people", "other.csv"]);
    assert!(complaint.contains("not an attribute of the dataset"), "{complaint}");
    let complaint = desk.fails(&["import", "people", "people.csv", "--charset", "utf-16le"]);
    assert!(complaint.contains("people.csv"), "{complaint}");
    let remarks = desk.remarks(&["import", "people", "none.csv"]);
    assert!(remarks.contains("no rows were found"), "{remarks}");
}

#[test]
fn options_that_say_nothing_of_a_source_are_refused() {
    let desk = people();
    desk.write("x-idx1-ubyte", idx(&[2], &[1, 2]));
    for arguments in [
        &["people.csv", "--decode", "2,2"][..],
        &["people.csv", "--bf16"],
        &["x-idx1-ubyte", "--delimiter", ";"],
        &["x-idx1-ubyte", "--no-header"],
        &["x-idx1-ubyte", "--charset", "latin1"],
    ] {
        let option = arguments[1];
        let complaint = desk.fails(&[&["import", "new"], arguments].concat());
        assert!(complaint.contains(option) && complaint.contains("leave it out"), "{complaint}");
    }
}
