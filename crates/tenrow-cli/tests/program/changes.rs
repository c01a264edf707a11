//! Rows deleted and schemas changed.

use serde_json::json;

use crate::desk::{Desk, people};

#[test]
fn deleted_rows_are_gone_and_later_ones_move_up() {
    let desk = people();
    let report = desk.json(&["delete", "people", "--rows", "0", "--json"]);
    assert_eq!(report, json!({ "version": 3, "deleted_rows": 1, "rows": 2 }));
    assert_eq!(desk.column("people", "name"), ["Alan", "Grace"]);
    assert!(desk.remarks(&["files", "people"]).contains("1 deleted row is still in these files"));
    assert_eq!(desk.json(&["info", "people", "--version", "2", "--json"])["rows"], 3);
}

#[test]
fn rows_are_deleted_by_the_numbers_of_an_older_version() {
    let desk = people();
    desk.ok(&["delete", "people", "--rows", "0"]);
    desk.ok(&["delete", "people", "--rows", "1", "--version", "2"]);
    assert_eq!(desk.column("people", "name"), ["Grace"]);
}

#[test]
fn rows_are_deleted_by_ids_that_stay_with_them() {
    let desk = people();
    desk.ok(&["delete", "people", "--rows", "0"]);
    let report = desk.json(&["delete", "people", "--ids", "0,1,100..200", "--json"]);
    assert_eq!((&report["deleted_rows"], &report["rows"]), (&1.into(), &1.into()));
    assert_eq!(desk.column("people", "name"), ["Grace"]);
    desk.fails(&["delete", "people", "--ids", "-1"]);
}

#[test]
fn a_delete_out_of_range_deletes_nothing() {
    let desk = people();
    for rows in ["3", "-1", "0,3", "1..9", "2..1", "x", ""] {
        desk.fails(&["delete", "people", "--rows", rows]);
    }
    assert!(desk.fails(&["delete", "people", "--rows", "0,3"]).contains("has 3 rows, 0 to 2"));
    desk.refused(&["delete", "people"]);
    desk.refused(&["delete", "people", "--rows", "0", "--ids", "0"]);
    assert_eq!(desk.json(&["info", "people", "--json"])["version"], 2);
}

#[test]
fn an_attribute_is_added_with_a_default_for_the_rows_that_are_there() {
    let desk = people();
    let added = ["schema", "add", "people", "-a", "team:string", "--default", "007", "--json"];
    let changed = desk.json(&added);
    assert_eq!(changed["version"], 3);
    assert_eq!(changed["attributes"][2], json!({ "name": "team", "type": "string" }));
    desk.ok(&["schema", "add", "people", "-a", "score:f32?"]);
    desk.ok(&["schema", "add", "people", "-a", "mask:u8[2,2]", "--default", "0"]);
    assert_eq!(desk.column("people", "team"), ["007", "007", "007"]);
    assert!(desk.ok(&["get", "people", "0"]).contains("[[0, 0], [0, 0]]"));

    let row = r#"{"name":"Barbara","age":1,"team":"a","score":1.5,"mask":[[1,2],[3,4]]}"#;
    desk.write("more.jsonl", row).ok(&["import", "people", "more.jsonl", "--cast", "safe"]);
    let info = desk.json(&["info", "people", "--json"]);
    let unfilled: Vec<_> =
        info["attributes"].as_array().unwrap().iter().map(|a| a["unfilled_rows"].clone()).collect();
    assert_eq!(unfilled, [0, 0, 3, 3, 3]);
    assert!(desk.ok(&["info", "people"]).contains("team: 3 rows show \"007\""));
    let remarks = desk.remarks(&["files", "people"]);
    assert!(remarks.contains("\"team\": 3 rows lack it"), "{remarks}");

    // Files that know nothing of it give rows that have it, as INSERT does.
    desk.write("old.csv", "name,age\nEdsger,72\n").ok(&["import", "people", "old.csv"]);
    desk.write("old.jsonl", "{\"name\":\"Tony\",\"age\":92}").ok(&[
        "import",
        "people",
        "old.jsonl",
    ]);
    let teams = desk.column("people", "team");
    assert_eq!(teams[4..], ["007", "007"]);
    let row = desk.json(&["get", "people", "5", "--json"]);
    assert_eq!((&row["score"], &row["mask"]), (&json!(null), &json!([[0, 0], [0, 0]])));
    desk.write("none.csv", "k\n1\n").ok(&["create", "strict", "-a", "k:i64", "-a", "v:i64"]);
    assert!(desk.fails(&["import", "strict", "none.csv"]).contains("has no default"));
}

#[test]
fn a_default_that_does_not_fit_is_refused_with_both() {
    let desk = people();
    for (attribute, default, rule) in [
        ("x:i64", "hi", "give a number"),
        ("x:i64", "1.5", "not an integer"),
        ("x:i8", "300", "i8"),
        ("x:bool", "1", "give a boolean"),
        ("x:date32", "soon", "date32"),
        ("x:file", "a", "compute the values"),
    ] {
        let complaint =
            desk.fails(&["schema", "add", "people", "-a", attribute, "--default", default]);
        assert!(complaint.contains(rule), "{complaint}");
    }
    let complaint = desk.fails(&["schema", "add", "people", "-a", "x:i64"]);
    assert!(complaint.contains("needs a default or has to be nullable (`i64?`)"), "{complaint}");
    assert!(desk.fails(&["schema", "add", "people", "-a", "Age:i64?"]).contains("clash"));
    desk.refused(&["schema", "add", "people", "-a", "x"]);
    desk.refused(&["schema", "add", "people"]);
    assert_eq!(desk.json(&["info", "people", "--json"])["version"], 2);
}

#[test]
fn attributes_are_renamed_widened_made_nullable_reordered_and_dropped() {
    let desk = Desk::new();
    desk.ok(&["create", "ds", "-a", "a:i8", "-a", "b:u8[2]", "-a", "c:string"]);
    desk.write("t.jsonl", "{\"a\":-7,\"b\":[1,2],\"c\":\"x\"}\n");
    desk.ok(&["import", "ds", "t.jsonl", "--cast", "safe"]);
    desk.ok(&["schema", "rename", "ds", "a", "first"]);
    desk.ok(&["schema", "widen", "ds", "first", "i64"]);
    desk.ok(&["schema", "widen", "ds", "b", "f32"]);
    desk.ok(&["schema", "nullable", "ds", "first"]);
    desk.ok(&["schema", "reorder", "ds", "b"]);
    let changed = desk.ok(&["schema", "drop", "ds", "c"]);
    assert!(changed.starts_with("version 8\n"), "{changed}");
    assert_eq!(desk.ok(&["get", "ds", "0"]), "row 0\n  b      f32[2] [1, 2]\n  first  -7\n");
    let attributes = desk.json(&["info", "ds", "--json"])["attributes"].clone();
    assert_eq!(
        (&attributes[0]["type"], &attributes[1]["type"]),
        (&"f32[2]".into(), &"i64?".into())
    );

    let warnings = desk.json(&["files", "ds", "--json"])["warnings"].to_string();
    for part in ["dropped", "narrower type than f32[2]", "narrower type than i64:", "another name"]
    {
        assert!(warnings.contains(part), "{part}: {warnings}");
    }
    assert_eq!(desk.json(&["files", "ds", "--version", "2", "--json"])["warnings"], json!([]));
}

#[test]
fn a_schema_change_that_breaks_a_rule_is_refused_with_it() {
    let desk = people();
    for (arguments, rule) in [
        (&["rename", "people", "age", "name"][..], "clash"),
        (&["rename", "people", "aeg", "x"], "there are name, age"),
        (&["rename", "people", "age", "_row"], "start with `_`"),
        (&["widen", "people", "age", "i8"], "cannot become i8"),
        (&["widen", "people", "name", "i64"], "no dtype"),
        (&["widen", "people", "aeg", "i64"], "there are name, age"),
        (&["nullable", "people", "age"], "already"),
        (&["nullable", "people", "aeg"], "there are name, age"),
        (&["reorder", "people", "age", "age"], "twice"),
        (&["reorder", "people", "aeg"], "there are name, age"),
        (&["drop", "people", "aeg"], "there are name, age"),
    ] {
        let complaint = desk.fails(&[&["schema"], arguments].concat());
        assert!(complaint.contains(rule), "{arguments:?}: {complaint}");
    }
    desk.refused(&["schema", "widen", "people", "age", "i65"]);
    desk.refused(&["schema", "reorder", "people"]);
    desk.ok(&["schema", "drop", "people", "age"]);
    assert!(desk.fails(&["schema", "drop", "people", "name"]).contains("last attribute"));
    assert_eq!(desk.json(&["info", "people", "--json"])["version"], 3);
}
