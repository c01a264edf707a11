//! Views: made, listed, read, dropped.

use crate::desk::people;

#[test]
fn a_view_is_made_listed_read_and_dropped() {
    let desk = people();
    assert!(desk.ok(&["view", "list", "people"]).contains("no views yet"));
    let made = desk.ok(&["view", "create", "people", "some", "--rows", "2,0,0"]);
    assert_eq!(made, "view some: 3 rows of version 2\n");
    desk.ok(&["import", "people", "people.csv"]);
    let views = desk.json(&["view", "list", "people", "--json"]);
    assert_eq!((&views[0]["view"], &views[0]["rows"]), (&"some".into(), &3.into()));
    assert_eq!((&views[0]["query"], &views[0]["version"]), (&"rows 2,0,0".into(), &2.into()));
    assert!(desk.ok(&["view", "list", "people"]).contains("some  3 rows  version 2  rows 2,0,0"));

    desk.ok(&["take", "people", "--rows", "2,0,0", "--version", "2", "--out", "rows.jsonl"]);
    desk.ok(&["take", "people", "--view", "some", "--out", "view.jsonl"]);
    assert_eq!(desk.text("view.jsonl"), desk.text("rows.jsonl"));
    desk.ok(&["export", "people", "--view", "some", "--folder", "out", "--format", "jsonl"]);
    assert_eq!(desk.text("out/data.jsonl"), desk.text("rows.jsonl"));
    desk.ok(&["take", "people", "--view", "some", "--rows", "1..", "--out", "two.jsonl"]);
    assert!(desk.text("rows.jsonl").ends_with(&desk.text("two.jsonl")));
    assert_eq!(desk.text("two.jsonl").lines().count(), 2);

    let dropped = desk.ok(&["view", "drop", "people", "some"]);
    assert_eq!(dropped, "dropped view some; version 5 is the newest\n");
    assert!(
        desk.fails(&["take", "people", "--view", "some", "--out", "x.jsonl"])
            .contains("there are none")
    );
}

#[test]
fn a_prefix_of_a_view_is_cut_by_rows_or_by_a_budget() {
    let desk = people();
    desk.ok(&["view", "create", "people", "all", "--rows", ".."]);
    let two =
        desk.json(&["view", "prefix", "people", "two", "--of", "all", "--rows", "2", "--json"]);
    assert_eq!((&two[0]["rows"], &two[0]["query"]), (&2.into(), &"first 2 rows of all".into()));
    let complaint = desk.fails(&["view", "prefix", "people", "more", "--of", "all", "--rows", "4"]);
    assert!(complaint.contains("view all has only 3 rows"), "{complaint}");
    desk.refused(&["view", "prefix", "people", "x", "--of", "all"]);
    desk.refused(&["view", "prefix", "people", "x", "--of", "all", "--sum", "age"]);
    let complaint = desk.fails(&["view", "prefix", "people", "two", "--of", "all", "--rows", "1"]);
    assert!(complaint.contains("drop or replace it"), "{complaint}");
    desk.ok(&["view", "prefix", "people", "two", "--of", "all", "--rows", "1", "--replace"]);
}

#[test]
fn rows_are_split_by_chance_into_views() {
    let desk = people();
    let parts = ["view", "split", "people", "train=0.5", "test=0.5", "--seed", "3", "--json"];
    let views = desk.json(&parts);
    let rows = |part: usize| views[part]["rows"].as_u64().unwrap();
    assert_eq!(rows(0) + rows(1), 3);
    assert!(desk.fails(&["view", "split", "people", "a=0.9", "b=0.2"]).contains("at most 1"));
    desk.refused(&["view", "split", "people", "a"]);
    let refused = desk.fails(&["view", "create", "people", "x", "--rows", "3"]);
    assert!(
        refused.contains("version 3 of") && refused.contains("has 3 rows, 0 to 2"),
        "{refused}"
    );
}

#[test]
fn a_split_makes_all_of_its_views_or_none() {
    let desk = people();
    desk.ok(&["view", "create", "people", "b", "--rows", "0"]);
    for (parts, reason) in [
        (["a=0.5", "a=0.5"], "twice"),
        (["a=0.5", "b=0.5"], "drop or replace it"),
        (["a=0.5", "bad name=0.5"], "letters, digits"),
    ] {
        let complaint = desk.fails(&["view", "split", "people", parts[0], parts[1]]);
        assert!(complaint.contains(reason), "{complaint}");
    }
    assert_eq!(desk.json(&["view", "list", "people", "--json"]).as_array().unwrap().len(), 1);
}

#[cfg(feature = "sql")]
#[test]
fn rows_that_were_chosen_are_read_where_columns_came_later() {
    let desk = people();
    desk.ok(&["view", "create", "people", "old", "--rows", "2,0"]);
    desk.ok(&[
        "sql",
        "ALTER TABLE people ADD COLUMN score BIGINT; UPDATE people SET score = age * 2",
    ]);
    assert!(!desk.ok(&["head", "people", "--view", "old"]).contains("score"));
    let head = desk.ok(&["head", "people", "--view", "old@latest"]);
    assert!(head.contains("row 2") && head.contains("score  170"), "{head}");
    desk.ok(&["take", "people", "--view", "old@latest", "--out", "old.csv"]);
    assert_eq!(desk.text("old.csv"), "name,age,score\nGrace,85,170\nAda,36,72\n");
    desk.ok(&["export", "people", "--view", "old@latest", "--out", "all.csv"]);
    assert_eq!(desk.text("all.csv"), desk.text("old.csv"));
    desk.ok(&["delete", "people", "--rows", "2"]);
    let complaint = desk.fails(&["head", "people", "--view", "old@latest"]);
    assert!(complaint.contains("1 of 2 rows of view \"old\" are not in"), "{complaint}");
    assert!(desk.fails(&["tag", "people", "latest"]).contains("the newest version is called that"));
}

#[test]
fn a_row_of_a_view_is_its_place_in_it() {
    let desk = people();
    desk.ok(&["view", "create", "people", "some", "--rows", "2,0"]);
    let grace = desk.json(&["get", "people", "0", "--view", "some", "--json"]);
    assert_eq!((&grace["_row"], &grace["name"]), (&2.into(), &"Grace".into()));
    let ada = desk.ok(&["get", "people", "1", "--view", "some"]);
    assert!(ada.starts_with("row 0\n") && ada.contains("\"Ada\""), "{ada}");
    let complaint = desk.fails(&["get", "people", "2", "--view", "some"]);
    assert!(complaint.contains("view some has 2 rows, 0 to 1"), "{complaint}");
    desk.ok(&["schema", "add", "people", "-a", "team:string", "--default", "x"]);
    let newer = desk.json(&["get", "people", "0", "--view", "some@latest", "--json"]);
    assert_eq!((&newer["name"], &newer["team"]), (&"Grace".into(), &"x".into()));
    desk.refused(&["get", "people", "0", "--view", "some", "--version", "2"]);
}

#[test]
fn the_files_of_a_view_are_those_that_hold_its_rows() {
    let desk = people();
    desk.ok(&["import", "people", "people.csv"]);
    let all = desk.json(&["files", "people", "--json"]);
    desk.ok(&["view", "create", "people", "later", "--rows", "3..6"]);
    desk.ok(&["view", "create", "people", "mixed", "--rows", "5,0"]);
    desk.ok(&["import", "people", "people.csv"]);
    let later = desk.json(&["files", "people", "--view", "later", "--json"]);
    assert_eq!(later["files"], serde_json::json!([all["files"][1]]));
    let facts = (&later["view"], &later["version"], &later["rows"], &later["warnings"]);
    assert_eq!(facts, (&"later".into(), &3.into(), &3.into(), &serde_json::json!([])));
    assert!(later["pandas"].as_str().unwrap().contains(".parquet"));
    let listed = desk.ok(&["files", "people", "--view", "later", "--strict"]);
    assert_eq!(listed.trim_end(), all["files"][1]["path"].as_str().unwrap());

    let mixed = desk.json(&["files", "people", "--view", "mixed", "--json"]);
    assert_eq!(mixed["files"], all["files"]);
    let warnings = mixed["warnings"].to_string();
    assert!(warnings.contains("4 rows of these files are not in the view"), "{warnings}");
    assert!(warnings.contains("an order of its own"), "{warnings}");
    let output = desk.run(&["files", "people", "--view", "mixed", "--strict"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("all of this view"));
    assert!(desk.fails(&["files", "people", "--view", "none"]).contains("there are later, mixed"));
}

#[test]
fn many_files_of_a_view_are_opened_by_lines_that_name_it() {
    let desk = people();
    for _ in 0..9 {
        desk.ok(&["import", "people", "people.csv"]);
    }
    desk.ok(&["view", "create", "people", "all", "--rows", ".."]);
    desk.ok(&["import", "people", "people.csv"]);
    for (chosen, expected) in [
        (&["--view", "all"][..], "tenrow files people --view all --json > files.json"),
        (&["--view", "all@latest"], "tenrow files people --view all@13 --json > files.json"),
        (&["--version", "11"], "tenrow files people --version 11 --json > files.json"),
        (&[], "tenrow files people --json > files.json"),
    ] {
        let files = desk.json(&[&["files", "people", "--json"], chosen].concat());
        let line = files["pandas"].as_str().unwrap();
        assert!(line.starts_with(expected), "{line}");
    }
}
