//! What every command says: to people, and to programs.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::desk::{Desk, people};

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
    for arguments in [
        &["demo", "digits"][..],
        &["create", "empty", "-a", "x:i64"],
        &["import", "more", "people.csv"],
        &["merge", "people", "more"],
        &["clone", "people", "copy"],
        &["ls", "."],
        &["info", "people"],
        &["head", "people"],
        &["get", "people", "0"],
        &["take", "people", "--rows", "0", "--out", "taken.csv"],
        &["export", "people", "--out", "exported.csv"],
        &["files", "people"],
        #[cfg(feature = "sql")]
        &["sql", "SELECT * FROM people"],
        &["delete", "people", "--rows", "0"],
        &["schema", "add", "people", "-a", "score:f32?"],
        &["schema", "drop", "people", "score"],
        &["restore", "people", "2"],
        &["versions", "people"],
        &["diff", "people", "1"],
        &["tag", "people", "best"],
        &["tag", "people"],
        &["view", "list", "people"],
        &["view", "drop", "people", "some"],
        &["compact", "people"],
        &["expire", "people", "--keep-last", "9"],
        &["vacuum", "people"],
        &["orphans", "people"],
        &["clone", "list", "people"],
        &["tag", "list", "people"],
        &["tag", "create", "people", "worst"],
        &["tag", "drop", "people", "worst"],
        &["verify", "people"],
        &["cache", "info", "--option", "cache_folder=cache"],
        &["cache", "clear", "--option", "cache_folder=cache"],
    ] {
        let answer = desk.ok(&[arguments, &["--json"]].concat());
        let value: Value = serde_json::from_str(&answer).unwrap();
        assert!(value.is_object() || value.is_array(), "{arguments:?}: {answer}");
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
