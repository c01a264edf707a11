//! Small partitions, old versions and files that nobody needs.

use serde_json::json;

use crate::desk::{Desk, people};

/// Two commits and a delete: version 4.
fn untidy() -> Desk {
    let desk = people();
    desk.ok(&["import", "people", "people.csv"]);
    desk.ok(&["delete", "people", "--rows", "0"]);
    desk
}

#[test]
fn compaction_leaves_the_rows_as_they_are_in_one_partition() {
    let desk = untidy();
    let before = desk.column("people", "name");
    let report = desk.json(&["compact", "people", "--json"]);
    assert_eq!((&report["version"], &report["partitions"]), (&5.into(), &1.into()));
    assert_eq!((&report["partitions_before"], &report["partitions_after"]), (&2.into(), &1.into()));
    assert_eq!(report["skipped_partitions"], 0);
    assert_eq!(desk.column("people", "name"), before);
    assert_eq!(desk.json(&["files", "people", "--json"])["warnings"], json!([]));
    assert!(desk.ok(&["compact", "people"]).contains("nothing to compact"));
    let diff = desk.json(&["diff", "people", "4", "--json"]);
    assert_eq!((&diff["rows_added"], &diff["rows_deleted"]), (&0.into(), &0.into()));
    desk.ok(&["verify", "people", "--full"]);
}

#[test]
fn versions_expire_but_for_the_newest_and_the_tagged() {
    let desk = untidy();
    desk.ok(&["tag", "people", "kept", "--version", "2"]);
    let expire = ["expire", "people", "--keep-last", "2", "--older-than", "0s"];
    let report = desk.json(&[&expire[..], &["--dry-run", "--json"]].concat());
    assert_eq!(report, json!({ "dry_run": true, "expired": [1, 3], "kept": [2] }));
    assert_eq!(desk.json(&["versions", "people", "--json"]).as_array().unwrap().len(), 5);
    let said = desk.ok(&expire);
    assert!(said.contains("expired 2 versions: 1, 3") && said.contains("clone: 2"), "{said}");
    let complaint = desk.fails(&["info", "people", "--version", "3"]);
    assert!(complaint.contains("there are 2, 4 to 6"), "{complaint}");
    let report = desk.json(&["expire", "people", "--older-than", "30d", "--json"]);
    assert_eq!(report["expired"], json!([]));
}

#[test]
fn an_expiry_without_a_rule_is_refused() {
    let desk = people();
    desk.refused(&["expire", "people"]);
    desk.refused(&["expire", "people", "--keep-last", "x"]);
    desk.refused(&["expire", "people", "--older-than", "30"]);
    desk.refused(&["vacuum", "people", "--older-than", "-1d"]);
}

#[test]
fn vacuum_frees_what_no_version_needs_and_says_so_first() {
    let desk = untidy();
    desk.ok(&["compact", "people"]);
    desk.ok(&["expire", "people", "--keep-last", "1"]);
    let orphans = desk.json(&["orphans", "people", "--json"]);
    let orphans = orphans["orphans"].as_array().unwrap().len() as u64;
    assert!(orphans >= 3, "two data files and a deletion vector, found {orphans}");
    assert!(desk.ok(&["orphans", "people"]).contains("no version names"));

    let young = desk.json(&["vacuum", "people", "--json"]);
    assert_eq!((&young["removed"], &young["too_young"]), (&json!([]), &orphans.into()));
    assert!(desk.ok(&["vacuum", "people"]).contains("younger than 7days"));
    let dry = desk.ok(&["vacuum", "people", "--older-than", "0s", "--dry-run"]);
    assert!(dry.contains("would remove") && dry.contains(".parquet"), "{dry}");
    let removed = desk.json(&["vacuum", "people", "--older-than", "0s", "--json"]);
    assert_eq!(removed["removed"].as_array().unwrap().len() as u64, orphans);
    assert!(removed["removed_bytes"].as_u64().unwrap() > 0);
    assert!(desk.ok(&["orphans", "people"]).contains("no orphans"));
    assert_eq!(desk.column("people", "name").len(), 5);
    desk.ok(&["verify", "people", "--full"]);
}

#[test]
fn upkeep_of_what_is_no_dataset_is_refused() {
    let desk = Desk::new();
    for command in ["compact", "vacuum", "orphans", "versions"] {
        assert!(desk.fails(&[command, "nothing"]).contains("not a tenrow dataset"));
    }
    desk.fails(&["expire", "nothing", "--keep-last", "1"]);
    desk.fails(&["merge", "nothing", "nothing"]);
    assert!(!desk.path("nothing").exists());
}
