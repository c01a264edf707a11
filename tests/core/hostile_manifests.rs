//! Manifests with right checksums that say what no writer of ours says: less than it could, or what is not so.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_select::concat::concat_batches;
use futures::TryStreamExt;
use object_store::local::LocalFileSystem;
use tenrow::engine::manifest::{Chunk, ChunkLayout, DataFile};
use tenrow::{
    Attribute, Columns, Dataset, ErrorKind, ReadOptions, Result, Schema, SchemaChange, Snapshot,
    VerifyOptions,
};
use tenrow_tests::edited::{Edited, Manifests};
use tenrow_tests::{block_on, place, zoo};

/// Rows of every kind of attribute in several partitions and row groups, with a projection and large files.
async fn zoo_in_memory() -> Edited {
    let edited = Edited::new();
    let dataset = edited.dataset();
    dataset.create_here(zoo::schema(), &Default::default()).await.unwrap();
    let mut writer = dataset.writer_with(zoo::small_files()).await.unwrap();
    writer.append(&zoo::batch(0..70)).await.unwrap();
    writer.commit().await.unwrap();
    edited
}

fn files(manifests: &mut Manifests) -> impl Iterator<Item = &mut DataFile> {
    manifests.leaves.iter_mut().flat_map(|l| &mut l.partitions).flat_map(|p| &mut p.files)
}

/// All rows by every way of reading; they must agree.
async fn all_rows(snapshot: &Snapshot) -> Result<RecordBatch> {
    let count = snapshot.row_count();
    let whole = snapshot.slice(0..count).await?;
    let scanned: Vec<_> = snapshot.scan().try_collect().await?;
    let scanned = concat_batches(&whole.schema(), &scanned).unwrap();
    let backwards: Vec<u64> = (0..count).rev().collect();
    let taken = snapshot.take(&backwards).await?;
    for row in 0..count as usize {
        let back = count as usize - 1 - row;
        assert_eq!(taken.slice(back, 1), whole.slice(row, 1), "row {row}");
    }
    assert_eq!(scanned, whole);
    for attribute in snapshot.schema().attributes() {
        let name = &attribute.name;
        let only = ReadOptions::default().with_attributes([name]);
        let one = snapshot.take_with(&[count - 1], &only).await?;
        assert_eq!(
            one.column(0),
            &whole.slice(count as usize - 1, 1).column_by_name(name).unwrap().clone()
        );
        if let Ok(tensors) = snapshot.tensor_column(name) {
            let rows: Vec<u64> = (0..count).collect();
            let taken = tensors.take(&rows).await?;
            let expected =
                tenrow::Tensors::from_array(attribute, whole.column_by_name(name).unwrap());
            assert_eq!(taken.tensor.bytes(), expected.unwrap().tensor.bytes(), "{name}");
            for row in [0, count / 2, count - 1] {
                drop(tensors.get(row).await?);
            }
        }
        if let Ok(files) = snapshot.file_column(name) {
            for row in [0, count / 2, count - 1] {
                drop(files.bytes(row).await?);
            }
        }
        match snapshot.elements(name).await {
            Ok(stream) => drop(stream.window(0..stream.element_count()).await?),
            Err(error) if error.kind() == ErrorKind::Corrupt => return Err(error),
            Err(_) => {}
        }
    }
    Ok(whole)
}

async fn faults(dataset: &Dataset, full: bool) -> Vec<String> {
    let options = VerifyOptions { full, ..VerifyOptions::default() };
    let report = dataset.verify(options).await.unwrap();
    report.faults.iter().map(ToString::to_string).collect()
}

/// Once, chunks were found by their place in the list: with one missing, rows of another row group or column came back.
#[test]
fn what_a_leaf_does_not_list_is_found_by_the_footer_and_never_by_its_place() {
    type Edit = fn(&mut Vec<Chunk>);
    let edits: BTreeMap<&str, Edit> = BTreeMap::from([
        ("nothing is listed", (|chunks| chunks.clear()) as Edit),
        ("no first row group", |chunks| chunks.retain(|chunk| chunk.row_group > 0)),
        ("no last column", |chunks| {
            let last = chunks.iter().map(|chunk| chunk.column).max();
            chunks.retain(|chunk| Some(chunk.column) != last);
        }),
        ("no first column of any attribute", |chunks| {
            let mut known = std::collections::BTreeMap::new();
            chunks.iter().for_each(|c| {
                let first = known.entry(c.field).or_insert(c.column);
                *first = c.column.min(*first);
            });
            chunks.retain(|chunk| known[&chunk.field] != chunk.column);
        }),
        ("every other one", |chunks| {
            let mut number = 0;
            chunks.retain(|_| {
                number += 1;
                number % 2 == 0
            });
        }),
        ("raw ones alone", |chunks| {
            chunks.retain(|chunk| !matches!(chunk.layout, ChunkLayout::Indexed { .. }));
        }),
        ("no raw one", |chunks| {
            chunks.retain(|chunk| matches!(chunk.layout, ChunkLayout::Indexed { .. }));
        }),
        ("backwards", |chunks| chunks.reverse()),
        ("row groups last to first", |chunks| {
            chunks.sort_by_key(|chunk| (u32::MAX - chunk.row_group, chunk.column));
        }),
    ]);
    block_on(async {
        let good = zoo_in_memory().await;
        let snapshot = good.dataset().latest().await.unwrap();
        let expected = all_rows(&snapshot).await.unwrap();
        let sizes = snapshot.inspect().await.unwrap();
        for (what, edit) in edits {
            let edited = good.copy().await;
            let mut manifests = edited.manifests().await;
            files(&mut manifests).for_each(|file| edit(&mut file.chunks));
            assert!(edited.write(&manifests).await, "{what}");
            let dataset = edited.dataset();
            let snapshot = dataset.latest().await.unwrap();
            assert_eq!(all_rows(&snapshot).await.expect(what), expected, "{what}");
            let found = snapshot.inspect().await.unwrap();
            for (found, expected) in found.attributes.iter().zip(&sizes.attributes) {
                assert_eq!(found.stored_bytes, expected.stored_bytes, "{what}");
            }
            assert_eq!(faults(&dataset, false).await, [""; 0], "{what}");
            assert_eq!(faults(&dataset, true).await, [""; 0], "{what}");
        }
    });
}

/// The footers of what is merged have the ids of another schema: there nothing can be found by them later.
#[test]
fn what_is_merged_lists_every_column_whatever_its_own_leaves_list() {
    if !place::needs_folders("its manifests are edited there") {
        return;
    }
    let schema = |texts: &[&str]| {
        Schema::new(texts.iter().map(|text| Attribute::parse(text).unwrap())).unwrap()
    };
    block_on(async {
        let folder = place::folder();
        let at = |name: &str| place::location(folder.path().join(name));
        let texts = ["a:i64", "b:i64", "c:f32[?,2]", "d:f32[2]"];
        let origin = Dataset::create(&at("origin"), schema(&texts)).await.unwrap();
        let mut writer = origin.writer().await.unwrap();
        let shapes = tenrow_tests::random::batch(&schema(&texts), 3, 5);
        writer.append(&shapes).await.unwrap();
        writer.commit().await.unwrap();
        let store = LocalFileSystem::new_with_prefix(folder.path().join("origin")).unwrap();
        let edited = Edited { store: Arc::new(store) };
        let mut manifests = edited.manifests().await;
        files(&mut manifests).for_each(|file| file.chunks.clear());
        assert!(edited.write(&manifests).await);

        let others = ["d:f32[2]", "c:f32[?,2]", "b:i64", "a:i64"];
        let into = Dataset::create(&at("into"), schema(&others)).await.unwrap();
        let origin = Dataset::open(&at("origin")).await.unwrap();
        let merged = into.merge(&origin, &origin.latest().await.unwrap()).await.unwrap();
        let rows = merged.slice(0..5).await.unwrap();
        for name in ["a", "b", "c", "d"] {
            assert_eq!(rows.column_by_name(name), shapes.column_by_name(name), "{name}");
        }
        assert_eq!(faults(&into, true).await, [""; 0]);
    });
}

/// A field that a leaf names and no file has is damage: its rows are neither null nor its default.
#[test]
fn a_field_that_is_listed_and_not_there_is_an_error_in_every_reader() {
    block_on(async {
        let edited = Edited::new();
        let dataset = edited.dataset();
        let schema = Schema::new([Attribute::parse("a:i64").unwrap()]).unwrap();
        dataset.create_here(schema, &Default::default()).await.unwrap();
        let mut writer = dataset.writer().await.unwrap();
        let columns = Columns::new().scalars("a", [4i64, 5]);
        writer.append_columns(columns).await.unwrap();
        writer.commit().await.unwrap();
        let added = Attribute::parse("b:i64?").unwrap().with_default(7);
        dataset.change_schema(SchemaChange::Add(added)).await.unwrap();
        let mut manifests = edited.manifests().await;
        let id = manifests.root.schema.attribute("b").unwrap().id;
        files(&mut manifests).for_each(|file| file.field_ids.push(id));
        assert!(edited.write(&manifests).await);
        let dataset = edited.dataset();
        let snapshot = dataset.latest().await.unwrap();
        for error in [
            snapshot.get(0).await.unwrap_err(),
            snapshot.slice(0..2).await.unwrap_err(),
            snapshot.scan().try_collect::<Vec<_>>().await.unwrap_err(),
            snapshot.inspect().await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", error.chain());
            assert!(error.chain().contains("no column has this id"), "{}", error.chain());
        }
        for full in [false, true] {
            assert!(!faults(&dataset, full).await.is_empty());
        }
    });
}
