//! Many datasets: listed, cloned, merged.

use serde_json::json;

use crate::desk::people;

#[test]
fn ls_lists_datasets_and_says_why_one_cannot_be_read() {
    let desk = people();
    desk.write("notes/readme.txt", "not a dataset");
    desk.ok(&["create", "speech/train", "-a", "x:f32[?]", "--property", "rate=16000"]);
    desk.ok(&["create", "broken", "-a", "x:i8"]);
    let versions = desk.path("broken/_tenrow/versions");
    let root = std::fs::read_dir(versions).unwrap().next().unwrap().unwrap().path();
    std::fs::write(root, "{}").unwrap();

    let listed = desk.json(&["ls", ".", "--json"]);
    let listed = listed.as_array().unwrap();
    let names: Vec<_> = listed.iter().map(|entry| entry["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["broken", "people", "speech/train"]);
    assert!(listed[0]["error"].as_str().unwrap().contains(".json"), "{}", listed[0]);
    assert_eq!((&listed[1]["version"], &listed[1]["rows"]), (&2.into(), &3.into()));
    assert_eq!(listed[2]["properties"], json!({ "rate": 16000 }));
    assert_eq!(listed[2]["attributes"], json!([{ "name": "x", "type": "f32[?]" }]));
    let location = listed[2]["location"].as_str().unwrap();
    assert_eq!(desk.json(&["info", location, "--json"])["rows"], 0);
    let said = desk.ok(&["ls", "."]);
    assert!(said.contains("broken: cannot be read: "), "{said}");
}

#[test]
fn ls_of_what_is_no_folder_of_datasets_says_what_it_is() {
    let desk = people();
    assert!(desk.fails(&["ls", "nothing"]).contains("no such folder"));
    assert!(desk.fails(&["ls", "people.csv"]).contains("no such folder"));
    assert!(desk.fails(&["ls", "people"]).contains("tenrow info people"));
    std::fs::create_dir(desk.path("empty")).unwrap();
    assert!(desk.ok(&["ls", "empty"]).contains("no datasets here"));
}

#[test]
fn a_clone_refers_to_files_that_both_datasets_tell_of() {
    let desk = people();
    let cloned = desk.json(&["clone", "people", "clone", "--json"]);
    assert_eq!((&cloned["rows"], &cloned["origin_version"]), (&3.into(), &2.into()));
    assert!(!desk.path("clone/data").exists(), "nothing was copied");
    let origin = desk.json(&["info", "people", "--json"]);
    assert_eq!(origin["clones"][0]["location"], cloned["location"]);
    let info = desk.json(&["info", "clone", "--json"]);
    assert_eq!(info["origins"], json!([{ "location": cloned["origin"], "version": 2 }]));
    assert!(desk.ok(&["info", "clone"]).contains("refers to files of"));
    assert!(desk.ok(&["info", "people"]).contains("referred to by"));

    let files = desk.json(&["files", "clone", "--json"]);
    let path = files["files"][0]["path"].as_str().unwrap();
    assert!(std::fs::exists(path).unwrap(), "{path}");
    assert!(files["warnings"].to_string().contains("in another dataset"), "{files}");
    desk.ok(&["import", "people", "people.csv"]);
    assert_eq!(desk.column("clone", "age"), [36, 41, 85]);
    let report = desk.json(&["expire", "people", "--keep-last", "1", "--json"]);
    assert_eq!(report["kept"], json!([2]));
}

#[test]
fn a_copy_needs_nothing_of_the_other() {
    let desk = people();
    desk.ok(&["delete", "people", "--rows", "0"]);
    desk.ok(&["clone", "people", "copy", "--version", "3", "--copy"]);
    assert_eq!(desk.json(&["info", "copy", "--json"])["origins"], json!([]));
    assert_eq!(desk.json(&["info", "people", "--json"])["clones"], json!([]));
    std::fs::remove_dir_all(desk.path("people")).unwrap();
    assert_eq!(desk.column("copy", "name"), ["Alan", "Grace"]);
    desk.ok(&["verify", "copy", "--full"]);
}

#[test]
fn a_clone_onto_a_dataset_is_refused() {
    let desk = people();
    for copy in [&[][..], &["--copy"]] {
        let complaint = desk.fails(&[&["clone", "people", "people"], copy].concat());
        assert!(complaint.contains("already"), "{complaint}");
    }
    assert_eq!(desk.json(&["info", "people", "--json"])["clones"], json!([]));
}

#[test]
fn merged_rows_follow_the_own_ones() {
    let desk = people();
    desk.write("more.csv", "age,name\n1,Barbara\n").ok(&["import", "more", "more.csv"]);
    desk.ok(&["delete", "people", "--rows", "1"]);
    let merged = desk.json(&["merge", "people", "more", "more", "--json"]);
    assert_eq!((&merged["version"], &merged["rows"]), (&5.into(), &4.into()));
    assert_eq!(desk.column("people", "name"), ["Ada", "Grace", "Barbara", "Barbara"]);
    // One version that is merged twice is registered once.
    assert_eq!(desk.json(&["info", "more", "--json"])["clones"].as_array().unwrap().len(), 1);
    desk.ok(&["verify", "people", "--full"]);
}

/// What an origin has alone stayed behind, and what it lacks became null, and nobody was told.
#[test]
fn a_merge_says_which_attributes_only_one_of_the_two_has() {
    let desk = people();
    desk.write("more.csv", "name,shoe,hat\nBarbara,38,1\n").ok(&["import", "more", "more.csv"]);
    let merged = desk.json(&["merge", "people", "more", "--json"]);
    let remarks: Vec<_> = merged["remarks"].as_array().unwrap().iter().collect();
    assert_eq!(remarks.len(), 2);
    assert!(remarks[0].as_str().unwrap().ends_with("/more: left behind: \"shoe\", \"hat\""));
    assert!(remarks[1].as_str().unwrap().contains("has no \"age\""), "{remarks:?}");
}

#[test]
fn a_merge_that_does_not_fit_is_refused_and_names_the_origin() {
    let desk = people();
    desk.write("more.csv", "name,age\nBarbara,1.5\n").ok(&["import", "more", "more.csv"]);
    let complaint = desk.fails(&["merge", "people", "more"]);
    assert!(complaint.contains("/more: attribute \"age\" is f64"), "{complaint}");
    assert!(desk.fails(&["merge", "people", "people"]).contains("into itself"));
    desk.fails(&["merge", "people", "nothing"]);
    // None of several is merged if one cannot be.
    desk.write("fine.csv", "name,age\nBarbara,1\n").ok(&["import", "fine", "fine.csv"]);
    assert!(desk.fails(&["merge", "people", "fine", "more"]).contains("nothing was merged"));
    desk.refused(&["merge", "people"]);
    assert_eq!(desk.json(&["info", "people", "--json"])["version"], 2);
}

/// One folder with a name of two lines was in the way of all: nothing could be listed beside it.
#[cfg(unix)]
#[test]
fn odd_names_are_in_nobodys_way() {
    use std::os::unix::ffi::OsStrExt;
    let desk = people();
    let odd = std::ffi::OsStr::from_bytes(b"not \xff utf-8");
    for name in [std::path::Path::new("two\nlines"), std::path::Path::new(odd)] {
        std::fs::create_dir(desk.path(".").join(name)).unwrap();
    }
    std::os::unix::fs::symlink(desk.path("nowhere"), desk.path("link")).unwrap();
    std::os::unix::fs::symlink(desk.path("."), desk.path("loop")).unwrap();
    for folder in ["data", "_tenrow/tmp", "_tenrow/clones", "_tenrow/versions"] {
        std::fs::create_dir_all(desk.path("people").join(folder)).unwrap();
        std::fs::write(desk.path("people").join(folder).join("two\nlines"), "").unwrap();
    }
    for command in [&["info", "people"][..], &["vacuum", "people"], &["orphans", "people"]] {
        desk.ok(command);
    }
    desk.ok(&["expire", "people", "--keep-last", "5"]);
    assert_eq!(desk.json(&["ls", ".", "--json"]).as_array().unwrap().len(), 1);
    for name in ["a@b", "a#b", "a$b", "two\nlines-too"] {
        let complaint = desk.fails(&["create", name, "-a", "x:i64"]);
        assert!(complaint.contains("SQL could not reach"), "{complaint}");
        let complaint = desk.fails(&["clone", "people", name]);
        assert!(complaint.contains("SQL could not reach"), "{complaint}");
        assert!(!desk.path(name).exists());
    }
}

#[test]
fn files_are_listed_for_programs_and_strictly_if_asked() {
    let desk = people();
    let listed = desk.ok(&["files", "people", "--strict"]);
    assert!(listed.lines().all(|line| line.ends_with(".parquet")), "{listed}");
    desk.ok(&["delete", "people", "--rows", "0"]);
    desk.ok(&["files", "people"]);
    for arguments in
        [&["files", "people", "--strict"][..], &["files", "people", "--strict", "--json"]]
    {
        let output = desk.run(arguments);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains("--strict"));
    }
}
