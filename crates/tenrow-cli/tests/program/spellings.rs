//! One grammar, short forms, and spellings that were once the only ones.

use serde_json::json;

use crate::desk::{Desk, people};

#[test]
fn tags_are_listed_created_and_dropped_in_full_and_in_short() {
    let (full, short) = (people(), people());
    full.ok(&["tag", "create", "people", "b", "--version", "1"]);
    short.ok(&["tag", "people", "b", "--version", "1"]);
    full.ok(&["tag", "create", "people", "list"]);
    short.ok(&["tag", "people", "list"]);
    let tags = json!([{ "tag": "b", "version": 1 }, { "tag": "list", "version": 3 }]);
    assert_eq!(full.json(&["tag", "list", "people", "--json"]), tags);
    assert_eq!(short.json(&["tag", "people", "--json"]), tags);
    let dropped = json!({ "version": 5, "deleted_tag": "b" });
    assert_eq!(full.json(&["tag", "drop", "people", "b", "--json"]), dropped);
    assert_eq!(short.json(&["tag", "people", "b", "--delete", "--json"]), dropped);
    assert_eq!(full.ok(&["tag", "list", "people"]), "list  version 3\n");
}

#[test]
fn a_tag_that_is_half_said_is_refused_with_what_is_missing() {
    let desk = people();
    assert!(desk.fails(&["tag", "people", "--version", "2"]).contains("no tag: "));
    assert!(desk.fails(&["tag", "people", "--delete"]).contains("no tag: "));
    assert!(desk.fails(&["tag", "--json"]).contains("no dataset: "));
    let complaint = desk.fails(&["tag", "--version", "1", "create", "people", "b"]);
    assert!(complaint.contains("put it behind"), "{complaint}");
    desk.refused(&["tag", "--delete"]);
    desk.refused(&["tag", "people", "first", "--delete", "--version", "1"]);
    desk.refused(&["tag", "people", "first", "second"]);
    assert_eq!(desk.json(&["info", "people", "--json"])["version"], 2);
}

#[test]
fn clones_are_created_listed_and_forgotten_in_full_and_in_short() {
    let (full, short) = (people(), people());
    let created = full.json(&["clone", "create", "people", "copy", "--version", "2", "--json"]);
    short.ok(&["clone", "people", "copy", "--version", "2"]);
    let clones = json!([{ "location": created["location"], "version": 2 }]);
    assert_eq!(full.json(&["clone", "list", "people", "--json"]), clones);
    assert_eq!(full.json(&["info", "people", "--json"])["clones"], clones);
    let listed = short.ok(&["clone", "list", "people"]);
    assert!(listed.ends_with("/copy  needs version 2\n"), "{listed}");
    for (desk, forget) in [
        (&full, &["clone", "forget", "people", "copy", "--json"][..]),
        (&short, &["clone", "people", "copy", "--forget", "--json"]),
    ] {
        std::fs::remove_dir_all(desk.path("copy")).unwrap();
        assert_eq!(desk.json(forget)["origin_versions"], json!([2]));
        assert!(desk.ok(&["clone", "list", "people"]).contains("no clones"));
    }
}

#[test]
fn a_clone_that_is_half_said_is_refused_with_what_is_missing() {
    let desk = people();
    desk.refused(&["clone", "people"]);
    desk.refused(&["clone", "create", "people"]);
    desk.refused(&["clone", "people", "copy", "--forget", "--copy"]);
    assert!(desk.fails(&["clone", "--json"]).contains("no dataset: "));
    let complaint = desk.fails(&["clone", "--copy", "create", "people", "copy"]);
    assert!(complaint.contains("put it behind"), "{complaint}");
    assert!(!desk.path("copy").exists());
}

#[test]
fn orphans_were_called_repair() {
    let desk = people();
    assert_eq!(desk.ok(&["repair", "people"]), desk.ok(&["orphans", "people"]));
    assert!(!desk.ok(&["--help"]).contains("repair"));
}

#[test]
fn out_is_a_file_and_folder_a_folder() {
    let desk = people();
    desk.ok(&["export", "people", "--out", "people.csv.parquet"]);
    desk.ok(&["export", "people", "--folder", "rows", "--format", "csv"]);
    desk.refused(&["export", "people"]);
    desk.refused(&["export", "people", "--folder", "rows"]);
    desk.refused(&["export", "people", "--folder", "rows", "--format", "csv", "--out", "a.csv"]);
    let complaint = desk.fails(&["export", "people", "--out", "rows"]);
    assert!(complaint.contains("--folder"), "{complaint}");
    // The folder was once given as --out.
    desk.ok(&["export", "people", "--out", "old", "--format", "csv"]);
    assert_eq!(desk.text("old/data.csv"), desk.text("rows/data.csv"));
}

#[cfg(feature = "sql")]
#[test]
fn copies_of_sql_go_into_a_folder() {
    let desk = people();
    let copy = |name: &str| format!("COPY people TO '{name}.csv'");
    desk.ok(&["sql", &copy("new"), "--folder", "files"]);
    desk.ok(&["sql", &copy("old"), "--out", "files/"]);
    assert_eq!(desk.text("files/new.csv"), desk.text("files/old.csv"));
    for option in ["--folder", "--out"] {
        let complaint = desk.fails(&["sql", &copy("x"), option, "s3://user:marker@bucket/x"]);
        assert!(complaint.contains("on this machine") && !complaint.contains("marker"));
        assert!(complaint.contains(option), "{complaint}");
    }
}

/// The first words of the lines that are indented by two.
fn listed(text: &str) -> Vec<&str> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("  "));
    lines
        .filter(|line| !line.starts_with(' '))
        .map(|line| line.split(' ').next().unwrap())
        .collect()
}

#[test]
fn help_teaches_each_command_and_each_verb_with_an_example() {
    let desk = Desk::new();
    let help = desk.ok(&["--help"]);
    let (commands, _) = help.split_once("\nOptions:").unwrap();
    assert!(commands.lines().all(|line| line.chars().count() <= 80), "{commands}");
    let (mut names, mut verbs) = (0, 0);
    for name in listed(commands) {
        let help = desk.ok(&[name, "--help"]);
        assert!(help.contains(&format!("  tenrow {name}")), "{help}");
        names += 1;
        let Some((_, listing)) = help.split_once("\nCommands:\n") else { continue };
        let (listing, _) = listing.split_once("\n\n").unwrap();
        for verb in listed(listing).into_iter().filter(|verb| *verb != "help") {
            let help = desk.ok(&[name, verb, "--help"]);
            let (_, examples) = help.split_once("Example").unwrap();
            assert!(examples.contains(&format!("tenrow {name} {verb}")), "{help}");
            verbs += 1;
        }
    }
    assert_eq!((names, verbs), (26, 20));
}
