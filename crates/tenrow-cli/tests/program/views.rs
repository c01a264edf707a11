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
    desk.ok(&["export", "people", "--view", "some", "--out", "out", "--format", "jsonl"]);
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
        refused.contains("version 4 of") && refused.contains("has 3 rows, 0 to 2"),
        "{refused}"
    );
}
