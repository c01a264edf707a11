//! Large files that values name and do not bring: whatever commits them makes sure that they stay.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, RecordBatch};
use tenrow::{
    Attribute, Clock, ColumnFill, Columns, CompactOptions, Dataset, ErrorKind, ExpireOptions,
    FileValue, Result, Schema, SchemaChange, Snapshot, VacuumOptions, WriteOptions,
};
use tenrow_tests::{block_on, place};

use super::stock::verified;

/// Later than any object that a test writes, so that `vacuum` takes all that nobody names.
const LATER_MS: i64 = 4_102_444_800_000;

/// Two rows with a large file each.
async fn dataset(folder: &tempfile::TempDir) -> Dataset {
    let attributes = ["label:i64", "photo:file?"].map(|text| Attribute::parse(text).unwrap());
    let schema = Schema::new(attributes).unwrap();
    let dataset = Dataset::create(&place::location(folder.path()), schema).await.unwrap();
    let mut writer = dataset.writer().await.unwrap();
    let photos = [large(1), large(2)];
    let columns = Columns::new().scalars("label", &[1i64, 2]).unwrap();
    writer.append_columns(columns.files("photo", &photos)).await.unwrap();
    writer.commit().await.unwrap();
    dataset
}

fn large(byte: u8) -> Option<FileValue> {
    let bytes = WriteOptions::default().inline_file_bytes as usize + 1;
    Some(FileValue::new("photo", vec![byte; bytes]))
}

/// The file of a row, by its path alone.
async fn photo(snapshot: &Snapshot, row: u64) -> Option<FileValue> {
    let file = snapshot.files("photo").unwrap().get(row).await.unwrap().unwrap();
    assert!(file.path.is_some(), "a large file");
    Some(file.into())
}

/// Ends all versions but the newest, and removes what none names.
async fn sweep(dataset: &Dataset) {
    let one = ExpireOptions { keep_last: Some(1), ..Default::default() };
    dataset.expire(&one).await.unwrap();
    let dataset = Dataset::at(dataset.storage().clone()).with_clock(Clock::fixed(LATER_MS));
    let now = VacuumOptions { older_than: Duration::ZERO, ..Default::default() };
    dataset.vacuum(now).await.unwrap();
}

async fn commit(dataset: &Dataset, how: &str, file: Option<FileValue>) -> Result<Snapshot> {
    let newest = dataset.latest().await?;
    let files: ArrayRef = Arc::new(FileValue::array(std::slice::from_ref(&file)));
    match how {
        "update" => {
            let values = RecordBatch::try_from_iter([("photo", files)]).unwrap();
            dataset.update(&newest, &[0], &values).await
        }
        "fill" => {
            let other = Attribute::parse("other:file?").unwrap();
            dataset.change_schema(SchemaChange::Add(other)).await?;
            let filled = dataset
                .fill_column(&ColumnFill::new("other", ["label"]), |batch| {
                    let files: Vec<_> = (0..batch.num_rows()).map(|_| file.clone()).collect();
                    Ok(Arc::new(FileValue::array(&files)) as ArrayRef)
                })
                .await;
            filled.map(|report| report.snapshot)
        }
        _ => {
            let mut writer = match how {
                "append" => dataset.writer().await?,
                _ => dataset.overwriter(None, WriteOptions::default()).await?,
            };
            let columns = Columns::new().scalars("label", &[9i64])?;
            writer.append_columns(columns.array("photo", files)).await?;
            writer.commit().await
        }
    }
}

const ALL: [&str; 4] = ["append", "update", "fill", "overwrite"];

/// Only appends looked: an update named a large file that `vacuum` had freed, and the row could not be read.
#[test]
fn no_commit_names_a_large_file_that_no_row_of_the_version_before_names() {
    block_on(async {
        for how in ALL {
            let folder = place::folder();
            let dataset = dataset(&folder).await;
            let freed = photo(&dataset.latest().await.unwrap(), 1).await;
            dataset.delete_ids(&[1]).await.unwrap();
            dataset.compact(CompactOptions::default()).await.unwrap();
            sweep(&dataset).await;

            let error = commit(&dataset, how, freed).await.unwrap_err();

            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{how}: {}", error.chain());
            assert!(error.to_string().contains("is named by no row"), "{how}: {error}");
            verified(&dataset).await;
        }
    });
}

/// A fill did not say which large files its values name, and `vacuum` freed them.
#[test]
fn large_files_that_a_commit_brings_or_names_stay() {
    block_on(async {
        for how in ALL {
            for brings in [false, true] {
                let folder = place::folder();
                let dataset = dataset(&folder).await;
                let newest = dataset.latest().await.unwrap();
                let file = if brings { large(7) } else { photo(&newest, 1).await };
                let name = if how == "fill" { "other" } else { "photo" };

                commit(&dataset, how, file).await.unwrap();
                dataset.delete_ids(&[1]).await.unwrap();
                sweep(&dataset).await;
                dataset.compact(CompactOptions::default()).await.unwrap();
                sweep(&dataset).await;

                let newest = dataset.latest().await.unwrap();
                let row = if how == "append" { 1 } else { 0 };
                let bytes = newest.files(name).unwrap().bytes(row).await.unwrap().unwrap();
                assert_eq!(bytes[0], if brings { 7 } else { 2 }, "{how}");
                verified(&dataset).await;
            }
        }
    });
}

/// A row of the snapshot was deleted meanwhile, and the whole update was refused.
#[test]
fn rows_that_are_gone_since_the_snapshot_are_left_out_of_an_update() {
    block_on(async {
        let folder = place::folder();
        let dataset = dataset(&folder).await;
        let seen = dataset.latest().await.unwrap();
        dataset.delete_ids(&[0]).await.unwrap();
        let labels: ArrayRef = Arc::new(arrow_array::Int64Array::from(vec![-1, -2]));
        let values = RecordBatch::try_from_iter([("label", labels)]).unwrap();

        let updated = dataset.update(&seen, &[0, 1], &values).await.unwrap();

        let label = updated.slice(0..1).await.unwrap();
        let label = label.column_by_name("label").unwrap();
        assert_eq!(label.as_ref(), &arrow_array::Int64Array::from(vec![-2]));
        dataset.delete_ids(&[1]).await.unwrap();
        let version = dataset.update(&seen, &[0, 1], &values).await.unwrap().version();
        assert_eq!(version, dataset.latest().await.unwrap().version());
        let few = values.slice(0, 1);
        let error = dataset.update(&seen, &[0, 1], &few).await.unwrap_err();
        assert!(error.to_string().contains("1 rows of values for 2 rows"), "{error}");
        // An id that is given as such is to be there.
        let error = dataset.update_ids(&[0, 1], &values).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
    });
}
