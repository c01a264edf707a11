//! Manifests changed to what looks valid and is not: any answer is an error or rows, and what `verify` finds well are the
//! rows that were there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use arrow_array::RecordBatch;
use futures::StreamExt;
use proptest::prelude::*;
use tenrow::engine::layout::root_path;
use tenrow::{
    Attribute, CompactOptions, Dataset, PageChecks, ReadOptions, Result, Schema, SchemaChange,
    Snapshot, VerifyOptions, WriteOptions,
};
use tenrow_tests::edited::Edited;
use tenrow_tests::mutate::{Rows, mutate};
use tenrow_tests::random::{self, Dice};
use tenrow_tests::{block_on, zoo};

/// Rows beyond which nobody asks for all of them at once.
const MOST_ROWS: u64 = 1_000;
/// What a changed dataset is asked for.
const MOST_BATCHES: usize = 20;

const ATTRIBUTES: [&str; 10] = [
    "label:i64",
    "other:i64",
    "name:string?",
    "image:u8[2,3]",
    "weights:f32[5]?",
    "wide:i16[3]",
    "mask:bool[9]?",
    "boxes:f32[?,2]?",
    "tokens:list<u16>",
    "photo:file?",
];

static PATIENT: LazyLock<(Edited, RecordBatch)> = LazyLock::new(|| block_on(patient()));

/// Raw, paged and indexed chunks; deleted and updated rows, a default, several row groups, partitions and leaves.
async fn patient() -> (Edited, RecordBatch) {
    let edited = Edited::new();
    let dataset = edited.dataset();
    let attributes = ATTRIBUTES.iter().map(|text| Attribute::parse(text).unwrap());
    let schema = Schema::new(attributes).unwrap();
    dataset.create_here(schema.clone(), &Default::default()).await.unwrap();
    for part in 0..2 {
        let options = WriteOptions::default()
            .with_row_group_bytes(900)
            .with_partition_bytes(3_000)
            .with_inline_file_bytes(zoo::INLINE_FILE_BYTES);
        let mut writer = dataset.writer_with(options).await.unwrap();
        writer.append(&random::batch(&schema, 5 + part, 24)).await.unwrap();
        writer.commit().await.unwrap();
    }
    let latest = dataset.latest().await.unwrap();
    dataset.delete(&latest, &[1, 30]).await.unwrap();
    let one = random::batch(&schema, 99, 1).project(&[1, 3]).unwrap();
    dataset.update_ids(&[4], &one).await.unwrap();
    let split = Attribute::parse("split:i64").unwrap().with_default(7);
    let snapshot = dataset.change_schema(SchemaChange::Add(split)).await.unwrap();
    let rows = snapshot.slice(0..snapshot.row_count()).await.unwrap();
    (edited, rows)
}

/// The rows by every way of reading that they have in common; what ways give that fail is not looked at.
async fn exercise(dataset: &Dataset) -> Result<Vec<RecordBatch>> {
    let snapshot = dataset.latest().await?;
    let count = snapshot.row_count();
    drop(snapshot.partition_entries().await);
    drop(snapshot.inspect().await);
    drop(snapshot.row_ids(&[0, 3, count / 2]).await);
    drop(snapshot.rows_of_ids(&[0, 4, 40, u64::MAX]).await);
    let scanned: Vec<_> = snapshot.scan().take(MOST_BATCHES).collect().await;
    drop(scanned);
    for attribute in snapshot.schema().attributes() {
        touch(&snapshot, &attribute.name).await;
    }
    if count > MOST_ROWS {
        drop(snapshot.get(count - 1).await);
        return Ok(Vec::new());
    }
    let all: Vec<u64> = (0..count).collect();
    let always = ReadOptions::default().with_page_checks(PageChecks::Always);
    let ways = [
        snapshot.slice(0..count).await,
        snapshot.take(&all).await,
        snapshot.slice_with(0..count, &always).await,
        snapshot.take_with(&all, &always).await,
    ];
    ways.into_iter().collect()
}

async fn touch(snapshot: &Snapshot, name: &str) {
    let count = snapshot.row_count();
    drop(snapshot.unfilled_rows(name).await);
    if let Ok(tensors) = snapshot.tensor_column(name) {
        for row in [0, count / 2, count.saturating_sub(1)] {
            drop(tensors.get(row).await);
        }
        drop(tensors.take(&[5, 0, 0]).await);
        drop(tensors.slice(0..count.min(MOST_ROWS)).await);
    }
    if let Ok(files) = snapshot.file_column(name) {
        for row in [0, count / 2, count.saturating_sub(1)] {
            drop(files.bytes(row).await);
        }
    }
    if let Ok(stream) = snapshot.elements(name).await {
        let end = stream.element_count();
        drop(stream.window(0..end.min(MOST_ROWS)).await);
        drop(stream.window(end.saturating_sub(MOST_ROWS)..end).await);
    }
}

async fn is_well(dataset: &Dataset, full: bool) -> bool {
    let options = VerifyOptions { full, ..VerifyOptions::default() };
    dataset.verify(options).await.is_ok_and(|report| report.faults.is_empty())
}

/// The patient with `count` changes, and what they are; `None` if no such leaf can be stored.
async fn changed(seed: u64, count: u64) -> (Option<Edited>, String, Rows) {
    let mut dice = Dice::new(seed);
    let (mut what, mut same) = (format!("seed {seed}:"), Rows::Same);
    let edited = PATIENT.0.copy().await;
    let mut manifests = edited.manifests().await;
    let mut root = manifests.root.clone();
    for _ in 0..count {
        let changed = mutate(&mut root, &mut manifests.leaves, &mut dice);
        let Some((change, rows)) = changed else { continue };
        what = format!("{what} {change};");
        same = if rows == Rows::Others { rows } else { same };
    }
    // Leaves first, at their own places; then the root as it was changed, with their checksums.
    if !edited.write(&manifests).await {
        return (None, what, same);
    }
    let written = edited.root().await;
    for leaf in &mut root.leaves {
        let at = written.leaves.iter().position(|own| own.path == leaf.path);
        let Some(at) = at else { continue };
        leaf.checksum = written.leaves[at].checksum;
        if manifests.root.leaves[at].size_bytes == leaf.size_bytes {
            leaf.size_bytes = written.leaves[at].size_bytes;
        }
    }
    edited.put(&root_path(root.version), root.encode()).await;
    (Some(edited), what, same)
}

/// What must not panic, whatever it gives.
fn survives<T>(what: &str, doing: &str, work: impl Future<Output = T>) -> T {
    let done = catch_unwind(AssertUnwindSafe(|| block_on(work)));
    done.unwrap_or_else(|_| panic!("{doing} panics: {what}"))
}

/// Whether a reader takes the patient with these changes. An error or rows, and the same ones if all is found well.
fn check(seed: u64, count: u64) -> bool {
    let rows = &PATIENT.1;
    let (edited, what, same) = block_on(changed(seed, count));
    let Some(edited) = edited else { return false };
    // Mapped files are read by other ways than objects of a store.
    let folder = seed.is_multiple_of(2).then(|| tempfile::tempdir().unwrap());
    let dataset = match &folder {
        Some(folder) => block_on(edited.in_folder(folder.path())),
        None => edited.dataset(),
    };
    let read = survives(&what, "reading", exercise(&dataset));
    let quick = survives(&what, "verify", is_well(&dataset, false));
    let full = survives(&what, "verify --full", is_well(&dataset, true));
    assert!(quick || !full, "well in full, but not at a glance: {what}");
    let was_read = read.is_ok();
    if full {
        let found = read.unwrap_or_else(|e| panic!("well, but {}: {what}", e.chain()));
        let is_same = |found: &RecordBatch| found.columns() == rows.columns();
        let wrong = same == Rows::Same && !found.iter().all(is_same);
        assert!(!wrong, "well, but with other rows: {what}");
    }
    // Whoever rewrites the dataset reads all of it.
    drop(survives(&what, "compacting", dataset.compact(CompactOptions::default())));
    was_read
}

/// A quarter of what is asked for by `PROPTEST_CASES`, 256 by default: each reads a dataset a dozen times.
fn cases() -> ProptestConfig {
    let config = ProptestConfig::default();
    ProptestConfig { cases: (config.cases / 4).max(1), ..config }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn no_manifest_with_changes_makes_a_reader_panic_or_show_other_rows_that_verify_finds_well(
        seed in any::<u64>(), count in 1u64..4
    ) {
        check(seed, count);
    }
}

/// A test that refuses all it makes, or makes nothing, shows nothing.
#[test]
fn most_changes_make_manifests_that_are_read() {
    let taken = (0..60).filter(|seed| check(*seed, 1)).count();
    assert!(taken > 20, "{taken} of 60");
}
