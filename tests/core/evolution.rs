//! Schemas change and rows go, and nothing that is stored is written again: old rows are adapted when read.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow_select::take::take_record_batch;
use futures::TryStreamExt;
use tenrow::{
    Attribute, ColumnFill, CompactOptions, DType, Dataset, ErrorKind, ExpireOptions, Schema,
    SchemaChange, Snapshot, VacuumOptions, VerifyOptions, Version, WriteOptions,
};
use tenrow_tests::{block_on, folder, zoo};

/// A dataset with `partitions` partitions of ten rows of every kind of attribute.
async fn zoo_of(place: &std::path::Path, partitions: u64) -> Dataset {
    let dataset = Dataset::create(&place.display().to_string(), zoo::schema()).await.unwrap();
    for number in 0..partitions {
        append(&dataset, number * 10..(number + 1) * 10).await;
    }
    dataset
}

async fn append(dataset: &Dataset, rows: std::ops::Range<u64>) {
    let options = WriteOptions::default().with_inline_file_bytes(zoo::INLINE_FILE_BYTES);
    let mut writer = dataset.writer_with(options).await.unwrap();
    writer.append(&zoo::batch(rows)).await.unwrap();
    writer.commit().await.unwrap();
}

/// All rows, which `slice`, `scan`, `take` in another order, and lookups by id agree upon.
async fn all(snapshot: &Snapshot) -> RecordBatch {
    let count = snapshot.row_count();
    let sliced = snapshot.slice(0..count).await.unwrap();
    let scanned: Vec<RecordBatch> = snapshot.scan().try_collect().await.unwrap();
    let scanned = arrow_select::concat::concat_batches(&sliced.schema(), &scanned).unwrap();
    assert_eq!(scanned, sliced, "scan and slice");
    let order: Vec<u64> = (0..count).map(|row| (row * 7 + 3) % count.max(1)).collect();
    let taken = snapshot.take(&order).await.unwrap();
    let indices = arrow_array::UInt64Array::from(order.clone());
    assert_eq!(taken, take_record_batch(&sliced, &indices).unwrap(), "take and slice");
    let ids = snapshot.row_ids(&order).await.unwrap();
    let found = snapshot.rows_of_ids(&ids).await.unwrap();
    assert_eq!(found, order.into_iter().map(Some).collect::<Vec<_>>(), "ids");
    sliced
}

/// The rows without the paths of large files, which lead elsewhere from another dataset.
fn without_paths(batch: &RecordBatch) -> RecordBatch {
    let index = batch.schema().index_of("photo").unwrap();
    let (fields, mut columns, nulls) = batch.column(index).as_struct().clone().into_parts();
    columns[1] = arrow_array::new_null_array(columns[1].data_type(), batch.num_rows());
    let photos = arrow_array::StructArray::new(fields, columns, nulls);
    let mut all = batch.columns().to_vec();
    all[index] = Arc::new(photos);
    RecordBatch::try_new(batch.schema(), all).unwrap()
}

fn without_rows(batch: &RecordBatch, gone: &[u64]) -> RecordBatch {
    let kept = (0..batch.num_rows() as u64).filter(|row| !gone.contains(row));
    take_record_batch(batch, &arrow_array::UInt64Array::from_iter_values(kept)).unwrap()
}

/// The columns of `expected`, in whatever rows and with whatever other columns `found` has them.
fn assert_same_columns(found: &RecordBatch, expected: &RecordBatch) {
    assert_eq!(found.num_rows(), expected.num_rows());
    for (field, column) in expected.schema().fields().iter().zip(expected.columns()) {
        assert_eq!(found.column_by_name(field.name()), Some(column), "{}", field.name());
    }
}

async fn verified(dataset: &Dataset) {
    let full = VerifyOptions { full: true, ..VerifyOptions::default() };
    let report = dataset.verify(full).await.unwrap();
    assert_eq!(report.faults, [], "{:?}", report.faults);
}

fn add(text: &str) -> SchemaChange {
    SchemaChange::Add(Attribute::parse(text).unwrap())
}

#[test]
fn deleted_rows_are_gone_by_every_way_of_reading_and_ids_stay() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let dataset = zoo_of(folder.path(), 3).await;
        let before = dataset.latest().await.unwrap();
        let rows = all(&before).await;
        let gone = [0, 1, 4, 9, 10, 25, 29];
        let report = dataset.delete(&before, &gone).await.unwrap();
        assert_eq!((report.deleted_rows, report.snapshot.row_count()), (7, 23));
        assert_same_columns(&all(&report.snapshot).await, &without_rows(&rows, &gone));
        let ids = report.snapshot.row_ids(&[0, 1, 22]).await.unwrap();
        assert_eq!(ids, [2, 3, 28]);
        assert_eq!(report.snapshot.rows_of_ids(&[0, 2, 99]).await.unwrap(), [None, Some(0), None]);
        // Tensors and files by their own handles.
        for (row, old) in [(0, 2), (2, 5), (22, 28)] {
            for name in ["image", "weights", "one"] {
                let found = report.snapshot.tensors(name).unwrap().get(row).await.unwrap();
                let expected = before.tensors(name).unwrap().get(old).await.unwrap();
                assert_eq!(found.map(|t| t.bytes().clone()), expected.map(|t| t.bytes().clone()));
            }
            let found = report.snapshot.files("photo").unwrap().bytes(row).await.unwrap();
            assert_eq!(found, before.files("photo").unwrap().bytes(old).await.unwrap());
        }
        // The version before still has them; deleting what is gone changes nothing.
        assert_eq!(all(&before).await, rows);
        let again = dataset.delete_ids(&[0, 1, 4]).await.unwrap();
        assert_eq!((again.deleted_rows, again.snapshot.version()), (0, report.snapshot.version()));
        let whole: Vec<u64> = (10..20).collect();
        let report = dataset.delete_ids(&whole).await.unwrap();
        assert_eq!((report.deleted_rows, report.snapshot.partition_count()), (9, 2));
        all(&report.snapshot).await;
        verified(&dataset).await;
    });
}

#[test]
fn a_row_out_of_range_is_not_deleted() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let dataset = zoo_of(folder.path(), 1).await;
        let latest = dataset.latest().await.unwrap();
        let error = dataset.delete(&latest, &[3, 10]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("10 rows"), "{error}");
        assert_eq!(dataset.latest().await.unwrap().version(), latest.version());
    });
}

#[test]
fn attributes_are_added_widened_renamed_and_dropped_without_a_byte_of_data() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display().to_string();
        let texts = ["small:i8", "pixels:u8[2,2]", "ratio:f16[3]?", "name:string"];
        let schema = Schema::new(texts.map(|text| Attribute::parse(text).unwrap())).unwrap();
        let dataset = Dataset::create(&place, schema.clone()).await.unwrap();
        let batch = tenrow_tests::random::batch(&schema, 5, 20);
        let mut writer = dataset.writer().await.unwrap();
        writer.append(&batch).await.unwrap();
        writer.commit().await.unwrap();
        let data = folder::files_of(&folder.path().join("data"));

        let changes = [
            SchemaChange::Widen { name: "small".into(), dtype: DType::I32 },
            SchemaChange::Widen { name: "small".into(), dtype: DType::I64 },
            SchemaChange::Widen { name: "pixels".into(), dtype: DType::F32 },
            SchemaChange::Widen { name: "ratio".into(), dtype: DType::F64 },
            SchemaChange::Rename { from: "name".into(), to: "title".into() },
            SchemaChange::MakeNullable("title".into()),
            SchemaChange::Add(Attribute::parse("split:string").unwrap().with_default("train")),
            add("extra:f32[2]?"),
            SchemaChange::Reorder(vec!["split".into(), "small".into()]),
        ];
        for change in changes {
            dataset.change_schema(change).await.unwrap();
        }
        assert_eq!(folder::files_of(&folder.path().join("data")), data);
        let snapshot = dataset.latest().await.unwrap();
        let rows = all(&snapshot).await;
        let small = rows.column_by_name("small").unwrap().as_primitive::<Int64Type>();
        let expected = arrow_cast::cast(batch.column(0), &arrow_schema::DataType::Int64).unwrap();
        assert_eq!(small, expected.as_primitive::<Int64Type>());
        assert_eq!(rows.column_by_name("title").unwrap(), batch.column(3));
        assert_eq!(rows.column_by_name("split").unwrap().as_string::<i32>().value(19), "train");
        assert_eq!(rows.column_by_name("extra").unwrap().null_count(), 20);
        let wide = snapshot.tensors("pixels").unwrap().take(&[3, 1]).await.unwrap();
        assert_eq!((wide.tensor.dtype(), wide.tensor.shape()), (DType::F32, &[2, 2, 2][..]));
        let expected = batch.column(1).as_fixed_size_list().value(1);
        let expected = arrow_cast::cast(&expected, &arrow_schema::DataType::Float32).unwrap();
        let found = wide.tensor.as_slice::<f32>().unwrap()[4..].to_vec();
        assert_eq!(found, expected.as_primitive::<arrow_array::types::Float32Type>().values()[..]);

        // New rows are of the new schema, and both are read together.
        let new = tenrow_tests::random::batch(snapshot.schema(), 6, 5);
        let mut writer = dataset.writer().await.unwrap();
        writer.append(&new).await.unwrap();
        let snapshot = writer.commit().await.unwrap();
        let both = all(&snapshot).await;
        assert_same_columns(&both.slice(20, 5), &new);
        assert_same_columns(&both.slice(0, 20), &rows);
        let snapshot = dataset.change_schema(SchemaChange::Drop("extra".into())).await.unwrap();
        assert!(snapshot.attribute("extra").is_err());
        // Compacted, what is unfilled stays so: it is not taken for filled with the default.
        let report = dataset.compact(CompactOptions::default()).await.unwrap();
        assert_eq!(report.snapshot.partition_count(), 2);
        assert_same_columns(&all(&report.snapshot).await, &all(&snapshot).await);
        verified(&dataset).await;
    });
}

#[test]
fn a_computed_column_is_filled_until_no_partition_lacks_it() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let dataset = zoo_of(folder.path(), 5).await;
        let data = folder::files_of(&folder.path().join("data"));
        dataset.change_schema(add("double:i64?")).await.unwrap();
        let fill = ColumnFill::new("double", ["label"]).with_commit_partitions(2);
        let double = |batch: &RecordBatch| {
            let labels = batch.column(0).as_primitive::<Int64Type>();
            let doubled: Int64Array = labels.iter().map(|l| l.map(|l| l.wrapping_mul(2))).collect();
            Ok(Arc::new(doubled) as ArrayRef)
        };
        // A failure half-way leaves what was committed before.
        let mut calls = 0;
        let broken = dataset.fill_column(&fill, |batch| {
            calls += 1;
            if calls > 3 { Err(tenrow::Error::invalid("broken")) } else { double(batch) }
        });
        assert!(broken.await.unwrap_err().to_string().contains("broken"));
        let report = dataset.fill_column(&fill, double).await.unwrap();
        assert_eq!((report.partitions, report.rows), (3, 30));
        let rows = all(&report.snapshot).await;
        let labels = rows.column_by_name("label").unwrap().as_primitive::<Int64Type>().clone();
        let doubled = rows.column_by_name("double").unwrap().as_primitive::<Int64Type>().clone();
        assert!((0..50).all(|row| doubled.value(row) == labels.value(row).wrapping_mul(2)));
        assert_eq!(
            folder::files_of(&folder.path().join("data")),
            data,
            "base files are not touched"
        );
        let again = dataset.fill_column(&fill, double).await.unwrap();
        assert_eq!(again.snapshot.version(), report.snapshot.version());
        verified(&dataset).await;
        let report = dataset.compact(CompactOptions::default()).await.unwrap();
        assert_eq!(all(&report.snapshot).await, rows);
    });
}

#[test]
fn values_are_replaced_in_place() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let dataset = zoo_of(folder.path(), 3).await;
        let before = dataset.latest().await.unwrap();
        let old = all(&before).await;
        let labels: ArrayRef = Arc::new(Int64Array::from(vec![-1, -2, -3]));
        let names: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("c")]));
        let values = RecordBatch::try_from_iter_with_nullable([
            ("label", labels, false),
            ("name", names, true),
        ])
        .unwrap();
        let snapshot = dataset.update(&before, &[25, 3, 8], &values).await.unwrap();
        let new = all(&snapshot).await;
        let label = new.column_by_name("label").unwrap().as_primitive::<Int64Type>();
        assert_eq!((label.value(25), label.value(3), label.value(8)), (-1, -2, -3));
        assert!(new.column_by_name("name").unwrap().is_null(3));
        let touched = [3, 8, 25];
        assert_same_columns(&without_rows(&new, &touched), &without_rows(&old, &touched));
        assert_eq!(all(&before).await, old);
        assert_eq!(snapshot.row_ids(&[25]).await.unwrap(), [25]);
        // Twice, and with deleted rows between.
        dataset.delete_ids(&[3]).await.unwrap();
        let snapshot = dataset.update_ids(&[25, 4, 8], &values).await.unwrap();
        let newer = all(&snapshot).await;
        assert_eq!(newer.column_by_name("label").unwrap().as_primitive::<Int64Type>().value(3), -2);
        let report = dataset.compact(CompactOptions::default()).await.unwrap();
        assert_eq!(report.snapshot.partition_count(), 1);
        assert_eq!(all(&report.snapshot).await, newer);
        assert_eq!(report.snapshot.row_ids(&[3]).await.unwrap(), [4]);
        let error = dataset.update_ids(&[3, 4, 8], &values).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        verified(&dataset).await;
    });
}

#[test]
fn compaction_keeps_numbers_ids_and_values() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let dataset = zoo_of(folder.path(), 30).await;
        let before = dataset.latest().await.unwrap();
        dataset.delete(&before, &[0, 77, 150, 299]).await.unwrap();
        let before = dataset.latest().await.unwrap();
        let rows = all(&before).await;
        let ids = before.row_ids(&(0..before.row_count()).collect::<Vec<_>>()).await.unwrap();
        let report = dataset.compact(CompactOptions::default()).await.unwrap();
        assert_eq!((report.partitions_before, report.partitions_after), (30, 1));
        let after = report.snapshot;
        assert_eq!(all(&after).await, rows);
        let kept = after.row_ids(&(0..after.row_count()).collect::<Vec<_>>()).await.unwrap();
        assert_eq!(kept, ids);
        assert_eq!(all(&before).await, rows, "the version before is as it was");
        let again = dataset.compact(CompactOptions::default()).await.unwrap();
        assert_eq!(again.snapshot.version(), after.version(), "nothing is left to do");
        append(&dataset, 300..310).await;
        let latest = dataset.latest().await.unwrap();
        assert_eq!(latest.row_ids(&[296]).await.unwrap(), [300]);
        verified(&dataset).await;
    });
}

#[test]
fn many_small_commits_leave_few_leaves_and_rows_where_they_were() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display().to_string();
        let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
        let dataset = Dataset::create(&place, schema).await.unwrap();
        for value in 0..300i64 {
            let mut writer = dataset.writer().await.unwrap();
            let columns = tenrow::Columns::new().scalars("x", &[value]).unwrap();
            writer.append_columns(columns).await.unwrap();
            writer.commit().await.unwrap();
        }
        let snapshot = Dataset::open(&place).await.unwrap().latest().await.unwrap();
        let leaves = snapshot.root().leaves.len();
        assert!(leaves < 48, "{leaves} leaves");
        let rows = all(&snapshot).await;
        let expected: Vec<i64> = (0..300).collect();
        assert_eq!(rows.column(0).as_primitive::<Int64Type>().values()[..], expected);
        dataset.delete_ids(&[5, 250]).await.unwrap();
        verified(&dataset).await;
    });
}

#[test]
fn an_idempotency_key_commits_once() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let dataset = zoo_of(folder.path(), 0).await;
        for _ in 0..3 {
            let options = WriteOptions::default().with_idempotency_key("job", 7);
            let mut writer = dataset.writer_with(options).await.unwrap();
            writer.append(&zoo::batch(0..10)).await.unwrap();
            assert_eq!(writer.commit().await.unwrap().row_count(), 10);
        }
        assert_eq!(dataset.latest().await.unwrap().version(), Version(2));
    });
}

#[test]
fn time_travel_tags_and_restore() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let dataset = zoo_of(folder.path(), 2).await;
        dataset.tag("first", Version(2)).await.unwrap();
        assert_eq!(dataset.tagged("first").await.unwrap().row_count(), 10);
        let error = dataset.tagged("second").await.unwrap_err();
        assert!(error.to_string().contains("there are first"), "{error}");
        assert_eq!(
            dataset.tag("first", Version(3)).await.unwrap_err().kind(),
            ErrorKind::AlreadyExists
        );
        assert!(dataset.tag("7", Version(2)).await.is_err());
        let before = dataset.latest().await.unwrap();
        dataset.change_schema(SchemaChange::Drop("label".into())).await.unwrap();
        let restored = dataset.restore(Version(2)).await.unwrap();
        assert_eq!((restored.row_count(), restored.version()), (10, Version(6)));
        assert_same_columns(&all(&restored).await, &zoo_rows(&before, 10).await);
        // Ids are not given twice.
        append(&dataset, 20..30).await;
        let latest = dataset.latest().await.unwrap();
        assert_eq!(latest.row_ids(&[10]).await.unwrap(), [20]);
        let error = dataset.version(Version(99)).await.unwrap_err().to_string();
        assert!(error.contains("there are 1 to 7"), "{error}");
        let created = before.root().created_ms;
        assert!(dataset.version_at(created).await.unwrap().version() >= before.version());
        assert_eq!(dataset.version_at(0).await.unwrap_err().kind(), ErrorKind::NotFound);
        let diff = before.diff(&latest).await.unwrap();
        assert_eq!((diff.rows_added, diff.rows_deleted), (10, 10));
        verified(&dataset).await;
    });
}

async fn zoo_rows(snapshot: &Snapshot, count: u64) -> RecordBatch {
    snapshot.slice(0..count).await.unwrap()
}

#[test]
fn expired_versions_are_gone_and_vacuum_frees_what_nobody_names() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let dataset = zoo_of(folder.path(), 20).await;
        dataset.compact(CompactOptions::default()).await.unwrap();
        dataset.tag("kept", Version(3)).await.unwrap();
        let latest = dataset.latest().await.unwrap();
        let rows = all(&latest).await;
        let keep = ExpireOptions { keep_last: Some(1), ..ExpireOptions::default() };
        let dry = ExpireOptions { dry_run: true, ..keep.clone() };
        let expected = dataset.expire(&dry).await.unwrap();
        assert_eq!(dataset.versions().await.unwrap().len() as u64, latest.version().0);
        let report = dataset.expire(&keep).await.unwrap();
        assert_eq!(report, expected);
        assert_eq!(report.kept, [Version(3)]);
        let left: Vec<u64> =
            dataset.versions().await.unwrap().iter().map(|info| info.version.0).collect();
        assert_eq!(left, [latest.version().0, 3]);

        let young = dataset.vacuum(VacuumOptions::default()).await.unwrap();
        assert_eq!(young.removed, []);
        assert!(young.too_young > 0);
        let age = std::time::Duration::ZERO;
        std::thread::sleep(std::time::Duration::from_millis(5));
        let dry = VacuumOptions { older_than: age, dry_run: true, ..VacuumOptions::default() };
        let would = dataset.vacuum(dry).await.unwrap();
        let before = folder::files_of(folder.path()).len();
        let now = VacuumOptions { older_than: age, ..VacuumOptions::default() };
        let done = dataset.vacuum(now).await.unwrap();
        assert_eq!(done.removed.len(), would.removed.len());
        assert_eq!(folder::files_of(folder.path()).len(), before - done.removed.len());
        assert!(done.removed.len() >= 18, "{}", done.removed.len());
        assert_eq!(all(&dataset.latest().await.unwrap()).await, rows);
        assert_eq!(all(&dataset.tagged("kept").await.unwrap()).await.num_rows(), 20);
        verified(&dataset).await;
    });
}

#[test]
fn a_clone_shares_files_and_goes_its_own_way() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let dataset = zoo_of(&folder.path().join("a"), 3).await;
        let source = dataset.latest().await.unwrap();
        let rows = all(&source).await;
        let place = folder.path().join("b").display().to_string();
        let clone = dataset.clone_to(&place, source.version()).await.unwrap();
        let copied = folder::files_of(&folder.path().join("b"));
        assert!(copied.keys().all(|name| name.starts_with("_tenrow/")), "{:?}", copied.keys());
        let opened = Dataset::open(&place).await.unwrap();
        assert_eq!(
            without_paths(&all(&opened.latest().await.unwrap()).await),
            without_paths(&rows)
        );
        let photos = opened.latest().await.unwrap().files("photo").unwrap();
        for row in 0..30 {
            let expected = source.files("photo").unwrap().bytes(row).await.unwrap();
            assert_eq!(photos.bytes(row).await.unwrap(), expected);
        }
        assert_eq!(dataset.clones().await.unwrap().len(), 1);

        // Each changes alone.
        append(&clone, 30..40).await;
        let latest = clone.latest().await.unwrap();
        clone.delete(&latest, &[0, 12]).await.unwrap();
        let labels: ArrayRef = Arc::new(Int64Array::from(vec![-5]));
        let values = RecordBatch::try_from_iter([("label", labels)]).unwrap();
        let updated = clone.update_ids(&[25], &values).await.unwrap();
        let own = all(&updated).await;
        assert_eq!(own.num_rows(), 38);
        assert_eq!(own.column_by_name("label").unwrap().as_primitive::<Int64Type>().value(23), -5);
        assert_eq!(all(&dataset.latest().await.unwrap()).await, rows);
        verified(&clone).await;

        // What it needs is kept, whatever becomes of the source.
        append(&dataset, 30..40).await;
        dataset.compact(CompactOptions::default()).await.unwrap();
        let keep = ExpireOptions { keep_last: Some(1), ..ExpireOptions::default() };
        assert_eq!(dataset.expire(&keep).await.unwrap().kept, [source.version()]);
        let all_ages = std::time::Duration::ZERO;
        dataset.vacuum(VacuumOptions { older_than: all_ages, ..Default::default() }).await.unwrap();
        let opened = Dataset::open(&place).await.unwrap();
        assert_eq!(without_paths(&all(&opened.latest().await.unwrap()).await), without_paths(&own));

        // Both are moved together.
        let moved = folder.path().join("moved");
        std::fs::create_dir(&moved).unwrap();
        for name in ["a", "b"] {
            std::fs::rename(folder.path().join(name), moved.join(name)).unwrap();
        }
        let opened = Dataset::open(&moved.join("b").display().to_string()).await.unwrap();
        assert_eq!(without_paths(&all(&opened.latest().await.unwrap()).await), without_paths(&own));

        // A clone of a clone, and a copy that needs neither.
        let twice = folder.path().join("c").display().to_string();
        opened.clone_to(&twice, updated.version()).await.unwrap();
        let twice = Dataset::open(&twice).await.unwrap();
        assert_eq!(without_paths(&all(&twice.latest().await.unwrap()).await), without_paths(&own));
        let copy = folder.path().join("d").display().to_string();
        twice.copy_to(&copy, updated.version(), |_, _| ()).await.unwrap();
        std::fs::remove_dir_all(&moved).unwrap();
        std::fs::remove_dir_all(folder.path().join("c")).unwrap();
        let copy = Dataset::open(&copy).await.unwrap();
        assert_eq!(without_paths(&all(&copy.latest().await.unwrap()).await), without_paths(&own));
        let compacted = copy.compact(CompactOptions::default()).await.unwrap();
        assert_eq!(without_paths(&all(&compacted.snapshot).await), without_paths(&own));
        verified(&copy).await;
    });
}

#[test]
fn datasets_are_merged_by_reference() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let a = zoo_of(&folder.path().join("a"), 2).await;
        let b = zoo_of(&folder.path().join("b"), 1).await;
        append(&b, 100..120).await;
        let latest = b.latest().await.unwrap();
        b.delete(&latest, &[1, 15]).await.unwrap();
        let labels: ArrayRef = Arc::new(Int64Array::from(vec![-5]));
        let values = RecordBatch::try_from_iter([("label", labels)]).unwrap();
        let version = b.update_ids(&[7], &values).await.unwrap();
        let merged = a.merge(&b, &version).await.unwrap();
        assert_eq!(merged.row_count(), 48);
        let rows = all(&merged).await;
        assert_eq!(without_paths(&rows.slice(20, 28)), without_paths(&all(&version).await));
        // Later updates count above those that came along.
        let id = merged.row_ids(&[26]).await.unwrap();
        let labels: ArrayRef = Arc::new(Int64Array::from(vec![-6]));
        let values = RecordBatch::try_from_iter([("label", labels)]).unwrap();
        let updated = a.update_ids(&id, &values).await.unwrap();
        let label = updated.slice(26..27).await.unwrap();
        let label = label.column_by_name("label").unwrap().as_primitive::<Int64Type>().value(0);
        assert_eq!(label, -6);
        let compacted = a.compact(CompactOptions::default()).await.unwrap();
        assert_eq!(all(&compacted.snapshot).await, all(&updated).await);
        verified(&a).await;
        assert_eq!(b.clones().await.unwrap()[0].version, version.version());
        let other = Schema::new([Attribute::parse("x:f32").unwrap()]).unwrap();
        let place = folder.path().join("c").display().to_string();
        let c = Dataset::create(&place, other).await.unwrap();
        let error = a.merge(&c, &c.latest().await.unwrap()).await.unwrap_err();
        assert!(error.to_string().contains("image"), "{error}");
    });
}

#[test]
fn everything_is_replaced_by_an_overwrite_and_nothing_else_is_lost() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let dataset = zoo_of(folder.path(), 2).await;
        let before = dataset.latest().await.unwrap();
        let schema = Schema::new([Attribute::parse("score:f64").unwrap()]).unwrap();
        let mut writer =
            dataset.overwriter(Some(schema.clone()), WriteOptions::default()).await.unwrap();
        let scores: ArrayRef = Arc::new(Float64Array::from(vec![0.5, 1.5]));
        writer.append(&RecordBatch::try_from_iter([("score", scores)]).unwrap()).await.unwrap();
        let snapshot = writer.commit().await.unwrap();
        let rows = all(&snapshot).await;
        assert_eq!(rows.column(0).as_primitive::<Float64Type>().values()[..], [0.5, 1.5]);
        assert_eq!(snapshot.row_ids(&[0, 1]).await.unwrap(), [20, 21]);
        assert_eq!(before.slice(0..20).await.unwrap().num_rows(), 20);
        let writer = dataset.overwriter(None, WriteOptions::default()).await.unwrap();
        dataset.set_properties([("a".to_owned(), 1.into())]).await.unwrap();
        assert_eq!(writer.commit().await.unwrap().row_count(), 0, "properties are kept");
        let writer = dataset.overwriter(None, WriteOptions::default()).await.unwrap();
        dataset.change_schema(add("other:i32?")).await.unwrap();
        let error = writer.commit().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains("add column"), "{error}");
        let restored = dataset.restore(before.version()).await.unwrap();
        assert_eq!(restored.row_count(), 20);
        assert_eq!(restored.properties().len(), 0);
    });
}

#[test]
fn rows_keep_their_order_through_fifty_appends_and_wherever_the_dataset_is_moved() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (folder.path().join("old"), folder.path().join("new place"));
        let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
        let dataset = Dataset::create(&old.display().to_string(), schema).await.unwrap();
        for value in 0..50i64 {
            let mut writer = dataset.writer().await.unwrap();
            let columns = tenrow::Columns::new().scalars("x", &[value]).unwrap();
            writer.append_columns(columns).await.unwrap();
            writer.commit().await.unwrap();
        }
        std::fs::rename(&old, &new).unwrap();
        let moved = Dataset::open(&new.display().to_string()).await.unwrap();
        let rows = all(&moved.latest().await.unwrap()).await;
        let expected: Vec<i64> = (0..50).collect();
        assert_eq!(rows.column(0).as_primitive::<Int64Type>().values()[..], expected);
        verified(&moved).await;
    });
}

#[test]
fn a_thousand_rows_appended_to_ten_thousand_leave_these_as_they_were() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().display().to_string();
        let schema = Schema::new([Attribute::parse("x:i64").unwrap()]).unwrap();
        let dataset = Dataset::create(&place, schema).await.unwrap();
        let append = async |values: std::ops::Range<i64>| {
            let mut writer = dataset.writer().await.unwrap();
            let values: Vec<i64> = values.collect();
            let columns = tenrow::Columns::new().scalars("x", &values).unwrap();
            writer.append_columns(columns).await.unwrap();
            writer.commit().await.unwrap()
        };
        let before = append(0..10_000).await;
        let files = folder::files_of(&folder.path().join("data"));
        let after = append(10_000..11_000).await;
        let rows = all(&after).await;
        let expected: Vec<i64> = (0..11_000).collect();
        assert_eq!(rows.column(0).as_primitive::<Int64Type>().values()[..], expected);
        assert_eq!(before.row_count(), 10_000);
        assert_eq!(all(&before).await, rows.slice(0, 10_000));
        let now = folder::files_of(&folder.path().join("data"));
        assert!(files.iter().all(|(name, bytes)| now[name] == *bytes));
    });
}

#[test]
fn a_missing_leaf_is_named_with_its_checksum_and_other_versions_open() {
    block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let dataset = zoo_of(folder.path(), 2).await;
        let newest = dataset.delete_ids(&[1, 11]).await.unwrap().snapshot;
        let leaf = newest.root().leaves.last().unwrap().clone();
        std::fs::remove_file(folder.path().join(&leaf.path)).unwrap();
        let opened = Dataset::open(&folder.path().display().to_string()).await.unwrap();
        let broken = opened.latest().await.unwrap();
        let error = broken.slice(0..18).await.unwrap_err();
        let said = error.chain();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{said}");
        assert!(said.contains(&leaf.path), "{said}");
        assert!(said.contains(&format!("{:016x}", leaf.checksum)), "{said}");
        assert_eq!(
            opened.version(Version(3)).await.unwrap().slice(0..20).await.unwrap().num_rows(),
            20
        );
        // What is left is not ended.
        let keep = ExpireOptions { keep_last: Some(1), ..ExpireOptions::default() };
        assert_eq!(opened.expire(&keep).await.unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(opened.versions().await.unwrap().len(), 4);
        let restored = opened.restore(Version(3)).await.unwrap();
        assert_eq!(restored.row_count(), 20);
    });
}
