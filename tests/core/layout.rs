//! The kinds of objects that a dataset consists of: `spec/layout.md`, the table of the code, and what vacuum does with each.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array};
use tenrow::engine::layout::{
    INTERNAL_FOLDER, ObjectKind, Removal, base_file_path, large_file_path, latest_note_path,
    root_path, top_folders,
};
use tenrow::engine::{Clock, Ids};
use tenrow::{Columns, Dataset, ExpireOptions, VacuumOptions, Version, ViewOptions};
use tenrow_tests::{block_on, folder, place};

use super::stock::{all, verified, zoo_of};

/// Later than any object that a test writes, so that `vacuum` takes all that nobody names.
const LATER_MS: i64 = 4_102_444_800_000;

fn specification() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/layout.md");
    std::fs::read_to_string(path).unwrap()
}

/// A kind that only the code or only the document knows would be one that other programs lose.
#[test]
fn the_specification_lists_every_kind_by_the_name_that_is_made() {
    let text = specification();
    let (_, listing) = text.split_once("<dataset>/\n").unwrap();
    let (listing, _) = listing.split_once("```").unwrap();
    // Names have single spaces in them, and more behind them.
    let listed: Vec<&str> =
        listing.lines().map(|line| line.trim_start().split("  ").next().unwrap()).collect();
    let made: Vec<String> = ObjectKind::all().map(ObjectKind::pattern).collect();
    assert_eq!(listed, made);
}

#[test]
fn the_specification_says_of_which_kinds_vacuum_removes_what_no_version_names() {
    let text = specification();
    let rule = text.lines().find(|line| line.starts_with("2. *Vacuum* removes")).unwrap();
    let (rule, _) = rule.split_once("that no root that is left names").unwrap();
    assert!(rule.contains("roots of versions that are gone"), "{rule}");
    let listed: BTreeSet<&str> = rule.split('`').skip(1).step_by(2).collect();
    let unnamed = ObjectKind::all().filter(|kind| kind.removal() == Removal::Unnamed);
    let folders: Vec<String> = unnamed.map(|kind| format!("{}/", kind.folder())).collect();
    assert_eq!(listed, folders.iter().map(String::as_str).collect());
    let expiring = ObjectKind::all().filter(|kind| kind.removal() == Removal::Expired);
    assert_eq!(expiring.collect::<Vec<_>>(), [ObjectKind::Root]);
}

/// What spells a path itself would go on as ever when the table is changed.
#[test]
fn no_path_of_an_object_is_spelled_outside_of_the_table() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates");
    let names = Vec::from_iter(top_folders());
    let is_spelled = |line: &str| {
        let literals = names.iter().any(|name| line.contains(&format!("\"{name}/")));
        literals || line.contains(&format!("\"{INTERNAL_FOLDER}\""))
    };
    let (mut read, mut spelled) = (0, Vec::new());
    let mut paths = vec![crates.clone()];
    while let Some(path) = paths.pop() {
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && name != "tests" {
            paths.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if name.ends_with(".rs") && name != "tests.rs" {
            read += 1;
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap().lines();
            let code = code.filter(|line| !line.trim_start().starts_with("//"));
            if code.into_iter().any(is_spelled) {
                spelled.push(path.strip_prefix(&crates).unwrap().display().to_string());
            }
        }
    }
    assert!(read > 300, "{read} files were read");
    assert_eq!(spelled, ["tenrow-format/src/layout.rs"]);
}

/// Of every kind an object that the newest version needs, and one that nothing does: the first stays, and of the others those
/// that may go. A kind that the objects of a partition lack would lose the first, one that vacuum lacks keep the second.
#[test]
fn vacuum_takes_of_every_kind_what_nothing_names_and_leaves_what_is_named() {
    block_on(async {
        let desk = place::folder();
        let folder = desk.path().join("zoo");
        let dataset = zoo_of(&folder, 3).await;
        add_every_kind(&dataset, &place::location(desk.path().join("clone"))).await;
        let rows = all(&dataset.latest().await.unwrap()).await;
        let keep = ExpireOptions { keep_last: Some(1), ..ExpireOptions::default() };
        dataset.expire(&keep).await.unwrap();
        sweep(&dataset).await;
        let needed: BTreeSet<String> = folder::files_of(&folder).into_keys().collect();
        for kind in ObjectKind::all().filter(|kind| *kind != ObjectKind::Temporary) {
            assert!(needed.iter().any(|path| ObjectKind::of(path) == Some(kind)), "{kind:?}");
        }
        let ids = Ids::seeded(1);
        let free: Vec<String> = ObjectKind::all().map(|kind| free_path(kind, &ids)).collect();
        for path in free.iter().filter(|path| !needed.contains(*path)) {
            folder::write(&folder.join(path), br#"{"location":"../gone","version":1000000}"#);
        }

        sweep(&dataset).await;

        let left: BTreeSet<String> = folder::files_of(&folder).into_keys().collect();
        for (kind, path) in ObjectKind::all().zip(&free) {
            assert_eq!(ObjectKind::of(path), Some(kind), "{path}");
            assert_eq!(left.contains(path), kind.removal() == Removal::Never, "{path}");
        }
        let lost: Vec<_> = needed.difference(&left).collect();
        assert!(lost.is_empty(), "{lost:?}");
        assert_eq!(all(&dataset.latest().await.unwrap()).await, rows);
        verified(&dataset).await;
    });
}

/// Gives the newest version a deletion vector, a column file and a view, and the dataset a clone.
async fn add_every_kind(dataset: &Dataset, clone: &str) {
    dataset.delete_ids(&[3]).await.unwrap();
    let values: ArrayRef = Arc::new(Int64Array::from(vec![7]));
    let values = Columns::new().array("label", values).into_batch().unwrap();
    let newest = dataset.update_ids(&[5], &values).await.unwrap();
    dataset.create_view("some", &newest.rows([1]).unwrap(), &ViewOptions::default()).await.unwrap();
    dataset.clone_to(clone, newest.version()).await.unwrap();
}

/// A name of the kind that no version has.
fn free_path(kind: ObjectKind, ids: &Ids) -> String {
    let id = ids.next();
    match kind {
        ObjectKind::Root => root_path(Version(1)),
        ObjectKind::LatestNote => latest_note_path(),
        ObjectKind::BaseFile => base_file_path("train/", &id),
        ObjectKind::LargeFile => large_file_path(&format!("{id}{}", ids.next()), &id),
        kind => kind.path(&id),
    }
}

async fn sweep(dataset: &Dataset) {
    let dataset = Dataset::at(dataset.storage().clone()).with_clock(Clock::fixed(LATER_MS));
    let now = VacuumOptions { older_than: Duration::ZERO, ..VacuumOptions::default() };
    dataset.vacuum(now).await.unwrap();
}
