//! Versions by number, tag and time; diff and restore.

use serde_json::json;

use crate::desk::people;

#[test]
fn a_tag_is_a_version_wherever_one_is_chosen() {
    let desk = people();
    let tagged = desk.json(&["tag", "people", "first", "--version", "2", "--json"]);
    assert_eq!(tagged, json!({ "version": 3, "tag": "first", "tagged_version": 2 }));
    desk.ok(&["import", "people", "people.csv"]);
    for command in ["info", "files"] {
        let chosen = desk.json(&[command, "people", "--version", "first", "--json"]);
        assert_eq!((&chosen["version"], &chosen["rows"]), (&2.into(), &3.into()));
    }
    assert!(desk.fails(&["get", "people", "3", "--version", "first"]).contains("has 3 rows"));
    assert!(!desk.ok(&["head", "people", "--version", "first"]).contains("row 3"));
    desk.ok(&["take", "people", "--rows", "..", "--version", "first", "--out", "rows.jsonl"]);
    assert_eq!(desk.text("rows.jsonl").lines().count(), 3);
    desk.ok(&["export", "people", "--version", "first", "--folder", "out", "--format", "jsonl"]);
    assert_eq!(desk.text("out/data.jsonl").lines().count(), 3);
}

/// `+3` was taken for 3, which another version may be.
#[test]
fn a_tag_with_a_sign_is_no_number() {
    let desk = people();
    desk.ok(&["delete", "people", "--rows", "0"]);
    desk.ok(&["tag", "people", "+3", "--version", "2"]);
    assert_eq!(desk.json(&["info", "people", "--version", "+3", "--json"])["version"], 2);
    assert_eq!(desk.json(&["info", "people", "--version", "3", "--json"])["version"], 3);
    assert_eq!(desk.json(&["restore", "people", "+3", "--json"])["restored_version"], 2);
}

#[test]
fn tags_are_listed_beside_their_versions() {
    let desk = people();
    assert!(desk.ok(&["tag", "people"]).contains("no tags yet"));
    desk.ok(&["tag", "people", "b", "--version", "1"]);
    desk.ok(&["tag", "people", "a"]);
    let tags = desk.json(&["tag", "people", "--json"]);
    assert_eq!(tags, json!([{ "tag": "a", "version": 3 }, { "tag": "b", "version": 1 }]));
    assert_eq!(desk.ok(&["tag", "people"]), "a  version 3\nb  version 1\n");
    let versions = desk.json(&["versions", "people", "--json"]);
    assert_eq!(versions[1]["tags"], json!(["a"]));
    assert_eq!(desk.json(&["info", "people", "--json"])["tags"], json!({ "a": 3, "b": 1 }));
    let gone = desk.json(&["tag", "drop", "people", "b", "--json"]);
    assert_eq!(gone, json!({ "version": 5, "deleted_tag": "b" }));
    assert_eq!(desk.ok(&["tag", "people"]), "a  version 3\n");
}

#[test]
fn what_is_no_tag_is_refused_with_the_rule() {
    let desk = people();
    for (name, rule) in [("7", "begins with a digit"), ("a b", "letters"), ("", "1 to 255")] {
        let complaint = desk.fails(&["tag", "people", name]);
        assert!(complaint.contains(rule), "{complaint}");
    }
    desk.ok(&["tag", "people", "first", "--version", "1"]);
    let complaint = desk.fails(&["tag", "people", "first", "--version", "2"]);
    assert!(complaint.contains("is that of version 1"), "{complaint}");
    desk.refused(&["tag", "create", "people"]);
    desk.refused(&["tag", "drop", "people", "first", "--version", "1"]);
}

#[test]
fn an_unknown_version_or_tag_is_answered_with_those_that_exist() {
    let desk = people();
    for arguments in [
        &["info", "people", "--version", "9"][..],
        &["head", "people", "--version", "9"],
        &["files", "people", "--version", "9"],
        &["diff", "people", "9"],
        &["diff", "people", "1", "9"],
        &["restore", "people", "9"],
        &["tag", "people", "x", "--version", "9"],
        &["clone", "people", "other", "--version", "9"],
        &["delete", "people", "--rows", "0", "--version", "9"],
    ] {
        let complaint = desk.fails(arguments);
        assert!(complaint.contains("no version 9") && complaint.contains("1 to 2"), "{complaint}");
    }
    assert!(desk.fails(&["restore", "people", "best"]).contains("there are none"));
    desk.ok(&["tag", "people", "first"]);
    for arguments in [
        &["info", "people", "--version", "best"][..],
        &["diff", "people", "best"],
        &["restore", "people", "best"],
        &["tag", "drop", "people", "best"],
    ] {
        let complaint = desk.fails(arguments);
        assert!(
            complaint.contains("no tag \"best\"") && complaint.contains("first"),
            "{complaint}"
        );
    }
    assert!(!desk.path("other").exists());
}

#[test]
fn a_time_chooses_the_version_that_was_the_newest() {
    let desk = people();
    assert_eq!(desk.json(&["info", "people", "--at", "2999-01-01", "--json"])["version"], 2);
    let by_version = ["info", "people", "--version", "2999-01-01", "--json"];
    assert_eq!(desk.json(&by_version)["version"], 2);
    assert!(desk.fails(&["restore", "people", "3x"]).contains("is no version: write its number"));
    let complaint = desk.fails(&["info", "people", "--at", "2000-01-01T12:00:00Z"]);
    assert!(complaint.contains("no version that old"), "{complaint}");
    for time in ["yesterday", "2000-13-01", ""] {
        desk.refused(&["info", "people", "--at", time]);
    }
    desk.refused(&["info", "people", "--at", "2999-01-01", "--version", "1"]);
}

#[test]
fn diff_counts_rows_and_names_changes_of_the_schema() {
    let desk = people();
    desk.ok(&["import", "people", "people.csv"]);
    desk.ok(&["delete", "people", "--rows", "0"]);
    desk.ok(&["schema", "rename", "people", "age", "years"]);
    let diff = desk.json(&["diff", "people", "2", "--json"]);
    assert_eq!((&diff["from"], &diff["to"]), (&2.into(), &5.into()));
    assert_eq!((&diff["rows_added"], &diff["rows_deleted"]), (&3.into(), &1.into()));
    assert_eq!(diff["schema_changes"], json!(["renamed age to years"]));
    assert_eq!((&diff["files_added"], &diff["files_removed"]), (&1.into(), &0.into()));
    let said = desk.ok(&["diff", "people", "2"]);
    assert!(said.contains("3 rows added") && said.contains("renamed age to years"), "{said}");
    assert!(desk.ok(&["diff", "people", "3", "3"]).contains("the same rows"));
}

#[test]
fn a_restored_version_is_a_new_one() {
    let desk = people();
    desk.ok(&["tag", "people", "good"]);
    desk.ok(&["delete", "people", "--rows", "1"]);
    desk.ok(&["schema", "drop", "people", "age"]);
    let restored = desk.json(&["restore", "people", "good", "--json"]);
    assert_eq!(restored, json!({ "version": 6, "restored_version": 2, "rows": 3 }));
    assert_eq!(desk.column("people", "age"), [36, 41, 85]);
    assert_eq!(desk.json(&["versions", "people", "--json"]).as_array().unwrap().len(), 6);
}
