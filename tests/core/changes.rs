//! Schemas change and rows go, and nothing that is stored is written again: old rows are adapted when read.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int64Type, UInt8Type};
use arrow_array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use futures::{StreamExt, TryStreamExt};
use tenrow::{
    Attribute, ColumnFill, Columns, CompactOptions, DType, Dataset, ErrorKind, Schema,
    SchemaChange, WriteOptions,
};
use tenrow_tests::{block_on, folder, place};

use super::stock::{add, all, assert_same_columns, verified, without_rows, zoo_of};
#[test]
fn deleted_rows_are_gone_by_every_way_of_reading_and_ids_stay() {
    block_on(async {
        let folder = place::folder();
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
                let found = report.snapshot.tensor_column(name).unwrap().get(row).await.unwrap();
                let expected = before.tensor_column(name).unwrap().get(old).await.unwrap();
                assert_eq!(found.map(|t| t.bytes().clone()), expected.map(|t| t.bytes().clone()));
            }
            let found = report.snapshot.file_column("photo").unwrap().bytes(row).await.unwrap();
            assert_eq!(found, before.file_column("photo").unwrap().bytes(old).await.unwrap());
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
        let folder = place::folder();
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
        let folder = place::folder();
        let place = place::location(folder.path());
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
        let wide = snapshot.tensor_column("pixels").unwrap().take(&[3, 1]).await.unwrap();
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
        let folder = place::folder();
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
        let folder = place::folder();
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
fn everything_is_replaced_by_an_overwrite_and_nothing_else_is_lost() {
    block_on(async {
        let folder = place::folder();
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

/// Once, a scan made what no file has for a whole row group: of a wide tensor more than any memory holds.
#[test]
fn rows_of_a_tensor_that_no_file_has_are_made_some_at_a_time() {
    block_on(async {
        let folder = place::folder();
        let schema = Schema::new([Attribute::parse("x:i8").unwrap()]).unwrap();
        let dataset = Dataset::create(&place::location(folder.path()), schema).await.unwrap();
        let mut writer = dataset.writer().await.unwrap();
        let columns = Columns::new().scalars("x", vec![3i8; 300_000]);
        writer.append_columns(columns).await.unwrap();
        let written = writer.commit().await.unwrap();
        for text in ["null:f32[500,500]?", "nine:u8[1000,1000]"] {
            let attribute = Attribute::parse(text).unwrap();
            let attribute = if attribute.nullable { attribute } else { attribute.with_default(9) };
            dataset.change_schema(SchemaChange::Add(attribute)).await.unwrap();
        }
        dataset.delete(&written, &[1]).await.unwrap();
        let snapshot = dataset.latest().await.unwrap();
        let batches: Vec<_> = snapshot.scan().take(2).try_collect().await.unwrap();
        for batch in &batches {
            assert!((1..=64).contains(&batch.num_rows()), "{} rows", batch.num_rows());
            assert_eq!(batch.column_by_name("null").unwrap().null_count(), batch.num_rows());
            let nine = batch.column_by_name("nine").unwrap().as_fixed_size_list();
            assert!(nine.values().as_primitive::<UInt8Type>().values().iter().all(|&v| v == 9));
        }
    });
}
