//! Real digits: the demo, and two commits of them.

use crate::desk::{Desk, carried, npy_body};

#[test]
fn the_demo_makes_a_dataset_and_a_picture_and_says_how_to_open_it() {
    let desk = Desk::new();
    let said = desk.ok(&["demo", "my digits"]);
    for part in ["10,000", "u8[28,28]", "label 7", "µs a row", "pandas.read_parquet(", "polars."] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(said.contains("tenrow info 'my digits'"), "{said}");
    if cfg!(feature = "sql") {
        assert!(said.contains("FROM \"my digits\" GROUP BY label"), "{said}");
        let darkest = "    0     980  43.9\n";
        assert!(said.contains(darkest), "{said}");
    } else {
        assert!(!said.contains("GROUP BY"), "{said}");
    }
    assert!(desk.read("my digits.png").starts_with(b"\x89PNG"));
    assert_eq!(desk.json(&["info", "my digits", "--json"])["rows"], 10_000);
    assert!(desk.ok(&["verify", "my digits", "--full"]).contains("all is well"));
}

#[test]
fn a_second_demo_says_that_it_is_there_already() {
    let desk = Desk::new();
    desk.ok(&["demo", "digits"]);
    let complaint = desk.fails(&["demo", "digits"]);
    assert!(complaint.contains("tenrow info digits"), "{complaint}");
    assert_eq!(desk.json(&["info", "digits", "--json"])["version"], 1);
    // Nor is a picture of that name replaced.
    std::fs::remove_dir_all(desk.path("digits")).unwrap();
    let complaint = desk.fails(&["demo", "digits"]);
    assert!(complaint.contains("digits.png: is there already"), "{complaint}");
    assert!(!desk.path("digits").exists());
}

#[test]
fn two_imports_are_two_versions_and_rows_keep_their_numbers() {
    let desk = Desk::new();
    let (images, labels) =
        (carried("t10k-images-idx3-ubyte.gz"), carried("t10k-labels-idx1-ubyte.gz"));
    for _ in 0..2 {
        desk.ok(&["import", "mnist", &images, &labels]);
    }
    let info = desk.json(&["info", "mnist", "--json"]);
    assert_eq!((&info["version"], &info["rows"]), (&2.into(), &20_000.into()));
    assert_eq!(info["raw_bytes"], 20_000 * 785);
    assert_eq!(info["attributes"][0]["type"], "u8[28,28]");
    assert_eq!(desk.json(&["info", "mnist", "--version", "1", "--json"])["rows"], 10_000);

    desk.ok(&["take", "mnist", "--rows", "123,10123", "-a", "image", "--out", "two.npy"]);
    let two = desk.read("two.npy");
    let (first, second) = npy_body(&two).split_at(784);
    assert_eq!(first, second);
    desk.ok(&["get", "mnist", "123", "-a", "image", "--out", "one.npy"]);
    assert_eq!(npy_body(&desk.read("one.npy")), first);
    desk.ok(&["get", "mnist", "123", "--out", "one.png"]);
    assert!(desk.read("one.png").starts_with(b"\x89PNG"));
    assert!(desk.ok(&["head", "mnist", "-n", "1", "--draw"]).contains("█"));

    let versions = desk.json(&["versions", "mnist", "--json"]);
    let rows: Vec<_> = versions.as_array().unwrap().iter().map(|v| v["rows"].clone()).collect();
    assert_eq!(rows, [20_000, 10_000]);
    let files = desk.json(&["files", "mnist", "--json"]);
    assert_eq!(files["files"].as_array().unwrap().len(), 2);
    assert_eq!(files["warnings"].as_array().unwrap().len(), 0);
    let report = desk.json(&["verify", "mnist", "--full", "--json"]);
    assert_eq!((&report["rows"], &report["faults"]), (&20_000.into(), &serde_json::json!([])));
}

#[test]
fn what_is_exported_and_imported_again_is_exported_the_same() {
    let desk = Desk::new();
    let (images, labels) =
        (carried("t10k-images-idx3-ubyte.gz"), carried("t10k-labels-idx1-ubyte.gz"));
    desk.ok(&["import", "a", &images, &labels]);
    desk.ok(&["export", "a", "--folder", "a-npy", "--format", "npy"]);
    desk.ok(&["import", "b", "a-npy/image.npy", "a-npy/label.npy", "--encoding", "image=zstd:1"]);
    desk.ok(&["export", "b", "--folder", "b-npy", "--format", "npy"]);
    for name in ["image.npy", "label.npy"] {
        assert_eq!(desk.read(&format!("a-npy/{name}")), desk.read(&format!("b-npy/{name}")));
    }
    let bytes = |name| desk.json(&["info", name, "--json"])["attributes"][0]["bytes"].as_u64();
    assert!(bytes("b") < bytes("a"), "what was asked to be compressed is");
}
