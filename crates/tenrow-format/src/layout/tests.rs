use super::*;

const ID: &str = "0123456789abcdef0123456789abcdef";

#[test]
fn the_table_has_its_kinds_in_order() {
    for (at, kind) in ObjectKind::all().enumerate() {
        assert_eq!(kind as usize, at, "{kind:?}");
    }
}

#[test]
fn what_is_made_is_recognised() {
    let hash = format!("{ID}{ID}");
    let made = [
        (ObjectKind::Root, root_path(Version(7))),
        (ObjectKind::Leaf, ObjectKind::Leaf.path(ID)),
        (ObjectKind::Deletes, ObjectKind::Deletes.path(ID)),
        (ObjectKind::ViewRows, ObjectKind::ViewRows.path(ID)),
        (ObjectKind::CloneNote, ObjectKind::CloneNote.path(ID)),
        (ObjectKind::LatestNote, latest_note_path()),
        (ObjectKind::Temporary, ObjectKind::Temporary.path("probe")),
        (ObjectKind::BaseFile, base_file_path("", ID)),
        (ObjectKind::BaseFile, base_file_path("train/3/", ID)),
        (ObjectKind::ColumnFile, ObjectKind::ColumnFile.path(ID)),
        (ObjectKind::LargeFile, large_file_path(&hash, ID)),
    ];
    for (kind, path) in &made {
        assert_eq!(ObjectKind::of(path), Some(*kind), "{path}");
        let in_folder = ObjectKind::in_folder_of(path);
        assert_eq!(in_folder, Some(*kind), "{path}");
    }
    assert!(ObjectKind::all().all(|kind| made.iter().any(|(made, _)| *made == kind)));
    assert_eq!(hash_in(&large_file_path(&hash, ID)), hash);
}

#[test]
fn other_names_are_of_no_kind() {
    let file = large_file_path(&format!("{ID}{ID}"), ID);
    for path in [
        "data/mine.csv".into(),
        "data/events.parquet".into(),
        "data/".into(),
        format!("data/{ID}"),
        format!("columns/more/{ID}.parquet"),
        format!("columns/{}.parquet", ID.to_uppercase()),
        "files/thesis.tex".into(),
        file.replace("files/01", "files/02"),
        format!("_tenrow/leaves/more/{ID}"),
        "_tenrow/tmp/sub/_tenrow/latest".into(),
        "_tenrow/latest/more".into(),
        "_tenrow/clones/more/x.json".into(),
        "_tenrow/versions/latest".into(),
        "_tenrow/versions/18446744073709551615.json".into(),
        format!("elsewhere/{ID}.parquet"),
        String::new(),
    ] {
        assert_eq!(ObjectKind::of(&path), None, "{path}");
    }
}

#[test]
fn a_path_lies_in_the_folder_of_one_kind() {
    for (path, expected) in [
        ("files/thesis.tex", Some(ObjectKind::LargeFile)),
        ("filesystem/x", None),
        ("data/a/b/c", Some(ObjectKind::BaseFile)),
        ("_tenrow/leaves/x", Some(ObjectKind::Leaf)),
        ("_tenrow/other/x", Some(ObjectKind::LatestNote)),
        ("data", None),
    ] {
        assert_eq!(ObjectKind::in_folder_of(path), expected, "{path}");
    }
}

#[test]
fn the_folders_at_the_top_are_those_of_all_kinds() {
    assert_eq!(Vec::from_iter(top_folders()), ["_tenrow", "columns", "data", "files"]);
}

#[test]
fn newer_versions_sort_first() {
    assert!(root_path(Version(10)) < root_path(Version(9)));
}

#[test]
fn the_paths_of_roots_are_read_back() {
    for version in [1, 2, 10, u64::MAX - 1, u64::MAX].map(Version) {
        assert_eq!(version_at(&root_path(version)), Some(version));
    }
}

#[test]
fn other_file_names_are_no_version() {
    for name in [
        "",
        "latest",
        "1.json",
        "18446744073709551615.json", // version 0
        "18446744073709551616.json",
        "+1844674407370955161.json",
        "18446744073709551614.json.tmp",
    ] {
        assert_eq!(version_called(name), None, "{name}");
        assert_eq!(version_at(&format!("_tenrow/versions/{name}")), None, "{name}");
    }
}
