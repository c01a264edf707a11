//! What every command says: to people, and to programs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::desk::{Desk, people};

/// What is asked, and what an answer, or each item of it, is made of.
const ANSWERS: &[(&str, &str)] = &[
    ("demo digits", "location microseconds_per_row picture rows version"),
    ("create empty -a x:i64", "attributes location version"),
    (
        "import more people.csv",
        "created imported_bytes imported_rows location remarks rows version",
    ),
    ("merge people more", "origins remarks rows version"),
    ("clone people copy", "copied foreign_files location origin origin_version rows version"),
    ("clone list people", "location version"),
    (
        "ls .",
        "attributes bytes created created_ms location name partitions properties rows version",
    ),
    (
        "info people",
        "attributes bytes clones origins partitions properties raw_bytes rows tags version",
    ),
    ("head people", "_row _row_id age name"),
    ("get people 0", "_row _row_id age name"),
    ("get people 0 -a age --out age.npy", "attribute path row"),
    ("take people --rows 0 --out taken.csv", "path rows version"),
    ("export people --out exported.csv", "files paths remarks rows skipped version"),
    ("files people", "duckdb files pandas polars rows version warnings"),
    ("sql VALUES(1)", "column1"),
    ("delete people --rows 0", "deleted_rows rows version"),
    ("schema add people -a score:f32?", "attributes version"),
    ("schema drop people score", "attributes version"),
    ("restore people 2", "restored_version rows version"),
    ("versions people", "bytes created created_ms operation partitions rows tags version"),
    (
        "diff people 1",
        "bytes_added bytes_removed files_added files_removed from rows_added rows_deleted schema_changes to",
    ),
    ("tag create people best", "tag tagged_version version"),
    ("tag list people", "tag version"),
    ("tag drop people best", "deleted_tag version"),
    ("view create people more --rows 1", "bytes created_ms input_checksum query rows version view"),
    (
        "view prefix people less --of more --rows 1",
        "bytes created_ms input_checksum query rows version view",
    ),
    ("view split people half=0.5", "bytes created_ms input_checksum query rows version view"),
    ("view list people", "bytes created_ms input_checksum query rows version view"),
    ("view drop people some", "dropped_view version"),
    (
        "compact people",
        "partitions partitions_after partitions_before skipped_partitions version written_bytes",
    ),
    ("expire people --keep-last 9", "dry_run expired kept"),
    ("vacuum people", "dry_run named removed removed_bytes too_young"),
    ("orphans people", "named orphan_bytes orphans"),
    ("verify people", "bytes faults files pages partitions rows version versions"),
    ("cache info --option cache_folder=cache", "blocks bytes folder max_bytes"),
    ("cache clear --option cache_folder=cache", "blocks bytes"),
];

/// The commands that help lists.
fn commands(desk: &Desk) -> BTreeSet<String> {
    let help = desk.ok(&["--help"]);
    let (commands, _) = help.split_once("\nOptions:").unwrap();
    let lines = commands.lines().filter_map(|line| line.strip_prefix("  "));
    lines.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect()
}

/// A dataset with a view, a tag, a clone and an older version, beside another.
fn desk() -> Desk {
    let desk = people();
    desk.ok(&["create", "more", "-a", "name:string?", "-a", "age:i64?"]);
    desk.ok(&["view", "create", "people", "some", "--rows", "2,0"]);
    desk
}

#[test]
fn every_command_answers_in_json() {
    let desk = desk();
    let mut answered = BTreeSet::new();
    for (arguments, keys) in ANSWERS {
        let arguments: Vec<&str> = arguments.split(' ').chain(["--json"]).collect();
        if arguments[0] == "sql" && cfg!(not(feature = "sql")) {
            continue;
        }
        let answer = desk.ok(&arguments);
        let value: Value = serde_json::from_str(&answer).unwrap();
        let item = if value.is_array() { &value[0] } else { &value };
        let found: BTreeSet<&str> = item.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(found, keys.split(' ').collect(), "{arguments:?}");
        if arguments[0] != "sql" {
            assert_eq!(answer, format!("{value:#}\n"), "{arguments:?}");
        }
        answered.insert(arguments[0].to_owned());
    }
    let mut commands = commands(&desk);
    if cfg!(not(feature = "sql")) {
        commands.remove("sql");
    }
    assert_eq!(answered, commands);
}

#[test]
fn json_may_be_asked_for_before_the_command_and_after_it() {
    let desk = desk();
    let expected = desk.ok(&["view", "list", "people", "--json"]);
    for arguments in [
        ["--json", "view", "list", "people"],
        ["view", "--json", "list", "people"],
        ["view", "list", "--json", "people"],
    ] {
        assert_eq!(desk.ok(&arguments), expected);
    }
    assert!(!desk.ok(&["view", "list", "people"]).starts_with('['));
}

#[test]
fn pictures_are_not_drawn_in_json() {
    let desk = people();
    desk.refused(&["head", "people", "--draw", "--json"]);
    for command in [&["head", "people"][..], &["get", "people", "0"]] {
        let complaint = desk.fails(&[&["--json"], command, &["--draw"]].concat());
        assert!(complaint.contains("--draw: "), "{complaint}");
    }
}

#[test]
fn a_list_without_items_is_an_array_for_programs() {
    let desk = Desk::new();
    desk.ok(&["create", "ds", "-a", "x:i64"]);
    std::fs::create_dir(desk.path("empty")).unwrap();
    for arguments in [
        &["head", "ds"][..],
        &["tag", "list", "ds"],
        &["clone", "list", "ds"],
        &["view", "list", "ds"],
        &["ls", "empty"],
    ] {
        assert_eq!(desk.json(&[arguments, &["--json"]].concat()), json!([]));
    }
}

#[test]
fn what_goes_wrong_is_a_line_of_text_in_either_form() {
    let desk = Desk::new();
    for arguments in [&["info", "nothing"][..], &["--json", "info", "nothing"]] {
        let output = desk.run(arguments);
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert!(complaint.contains("not a tenrow dataset"), "{complaint}");
        assert_eq!((output.status.code(), output.stdout.len()), (Some(1), 0));
    }
}

/// Programs were not told what had been left out of an export.
#[test]
fn remarks_are_told_in_either_form() {
    let desk = people();
    let export = ["export", "people", "--out", "people.npz", "--force"];
    let remarks = desk.remarks(&export);
    assert!(remarks.contains("left out: column \"name\""), "{remarks}");
    assert_eq!(desk.remarks(&[&export[..], &["--json"]].concat()), remarks);
    desk.ok(&["delete", "people", "--rows", "0"]);
    let warnings = desk.remarks(&["files", "people"]);
    assert!(warnings.starts_with("tenrow: warning: 1 deleted row"), "{warnings}");
    assert_eq!(desk.remarks(&["files", "people", "--json"]), warnings);
}

#[test]
fn a_fault_that_is_found_is_in_the_answer_and_fails() {
    let desk = people();
    let files = desk.json(&["files", "people", "--json"]);
    let path = files["files"][0]["path"].as_str().unwrap();
    let mut bytes = std::fs::read(path).unwrap();
    bytes[40] ^= 1;
    std::fs::write(path, bytes).unwrap();
    let output = desk.run(&["verify", "people", "--full", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!report["faults"].as_array().unwrap().is_empty(), "{report}");
    assert_eq!(output.status.code(), Some(1));
}

#[cfg(feature = "sql")]
#[test]
fn json_is_a_format_of_sql() {
    let desk = people();
    let query = "SELECT name FROM people WHERE age > 80";
    let expected = desk.ok(&["sql", query, "--format", "json"]);
    assert_eq!(desk.ok(&["sql", query, "--json"]), expected);
    assert_eq!(desk.ok(&["--json", "sql", query, "--format", "json"]), expected);
    let complaint = desk.fails(&["sql", query, "--json", "--format", "csv"]);
    assert!(complaint.contains("choose one"), "{complaint}");
}
